"""The run directory: files are there whole or not at all, and a sample is seen once whatever is killed when."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from apigen_ray.errors import RecordError
from apigen_ray.rundir import RunDir, name_of, parquet_files, read_tables, write_once, write_text


def table(*ids: str, verdict: str = "verified") -> pa.Table:
    return pa.table({"sample_id": list(ids), "verdict": [verdict] * len(ids)})


def seen(run: RunDir) -> list[str]:
    return sorted(name for each in read_tables(run.sample_files()) for name in each["sample_id"].to_pylist())


class Killed(BaseException):
    """Stands for the end of the process."""


# Single files


def test_the_first_writer_of_a_file_wins(tmp_path: Path) -> None:
    assert write_once(table("a"), tmp_path / "new", "part-1")
    assert not write_once(table("b"), tmp_path / "new", "part-1")
    assert pq.read_table(tmp_path / "new" / "part-1.parquet")["sample_id"].to_pylist() == ["a"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["part-1.parquet"]


def test_of_two_writers_at_a_time_neither_overwrites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = pq.write_table

    def slow(content: pa.Table, file: Any, **rest: Any) -> None:
        monkeypatch.setattr(pq, "write_table", real)
        assert write_once(table("quick"), tmp_path, "part-1")  # comes and goes while the other still writes
        real(content, file, **rest)

    monkeypatch.setattr(pq, "write_table", slow)
    assert not write_once(table("slow"), tmp_path, "part-1")
    assert pq.read_table(tmp_path / "part-1.parquet")["sample_id"].to_pylist() == ["quick"]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_that_could_not_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(content: pa.Table, file: Any, **rest: Any) -> None:
        file.write(b"PAR1 half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(OSError, match="No space"):
        write_once(table("a"), tmp_path, "part-1")
    assert list(tmp_path.iterdir()) == []


def test_torn_and_temporary_files_are_not_seen(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    folder = run.samples(0) / "verdict=verified"
    write_once(table("a"), folder, "part-1")
    (folder / ".abc.parquet").write_bytes(b"PAR1 torn")
    (folder / ".closed-x-0000.parquet").write_bytes(b"PAR1 torn")
    (folder / "closed-x-0000.parquet").write_bytes(b"of a closing that did not come to its end")
    assert seen(run) == ["a"]
    assert [path.name for path in parquet_files(tmp_path)] == ["part-1.parquet"]


def test_a_text_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "deep" / "note.json"
    write_text(path, "old")

    def killed(handle: int) -> None:
        raise Killed

    monkeypatch.setattr(os, "fsync", killed)
    with pytest.raises(Killed):
        write_text(path, "new")
    assert path.read_text() == "old"
    monkeypatch.undo()
    write_text(path, "ü")
    assert path.read_text("utf-8") == "ü"
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_batch_is_named_by_its_ids_in_any_order() -> None:
    one, other = pa.chunked_array([["a", "b"], ["c"]]), pa.chunked_array([["c", "b", "a"]])
    assert name_of(one) == name_of(other) != name_of(pa.chunked_array([["a", "b"]]))
    assert name_of(one).startswith("part-")


def test_reading_is_one_row_group_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "part-1.parquet"
    pq.write_table(table("a", "b", "c"), path, row_group_size=2)
    assert [each.to_pydict() for each in read_tables([path], ["sample_id"])] == [
        {"sample_id": ["a", "b"]},
        {"sample_id": ["c"]},
    ]


# Manifest and result


def test_the_manifest_is_updated_key_by_key(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    assert run.manifest() == run.result() == {}
    run.update_manifest(a=1, b={"x": 1})
    assert run.update_manifest(b={"y": 2}) == run.manifest() == {"a": 1, "b": {"y": 2}}


def test_a_manifest_that_is_no_json_is_named(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.manifest_path.write_text("{half")
    with pytest.raises(RecordError, match=r"manifest\.json: not readable"):
        run.manifest()


# Closing and opening, killed between any two steps


def opened(path: Path) -> RunDir:
    """A round with three samples in parts, one of them an error."""
    run = RunDir(path)
    write_once(table("a"), run.samples(0) / "verdict=verified", "part-1")
    write_once(table("b"), run.samples(0) / "verdict=verified", "part-2")
    write_once(table("e", verdict="error"), run.samples(0) / "verdict=error", "part-3")
    return run


def close(run: RunDir) -> None:
    """Writes what a closing writes, and closes."""
    files = []
    for verdict, ids in (("verified", ("a", "b")), ("error", ("e",))):
        file = run.samples(0) / f"verdict={verdict}" / f"closed-{os.urandom(4).hex()}-0000.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table(*ids, verdict=verdict), file)
        files.append(file)
    run.close_round(0, files)


STEPS = ("link", "unlink", "replace")
"""What changes the disk for a reader."""


def kill_before(step: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """The process ends before its ``step``-th change of the disk; the function tells how many changes there were."""
    count = 0

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **rest: Any) -> Any:
            nonlocal count
            if count == step:
                raise Killed
            count += 1
            return real(*args, **rest)

        return call

    monkeypatch.setattr(os, "link", counted(os.link))
    for name in ("unlink", "replace"):
        monkeypatch.setattr(Path, name, counted(getattr(Path, name)))
    return lambda: count


def killed_everywhere(
    prepare: Callable[[Path], RunDir], act: Callable[[RunDir], None], look: Callable[[RunDir], None], folder: Path
) -> int:
    """Kills ``act`` before each of its steps in turn, and looks at what is left; tells the number of steps."""
    step = 0
    while True:
        run = prepare(folder / str(step))
        with pytest.MonkeyPatch.context() as patch:
            kill_before(step, patch)
            try:
                act(run)
                return step
            except Killed:
                pass
        look(run)
        step += 1


def test_a_closing_killed_anywhere_shows_each_sample_once(tmp_path: Path) -> None:
    def look(run: RunDir) -> None:
        assert seen(run) == ["a", "b", "e"]
        run.open_round(0)  # the next attempt starts here
        assert seen(run) == ["a", "b"]
        close(run)
        assert seen(run) == ["a", "b", "e"]

    assert killed_everywhere(opened, close, look, tmp_path) >= 4


def test_an_opening_killed_anywhere_shows_each_sample_once(tmp_path: Path) -> None:
    def closed(path: Path) -> RunDir:
        run = opened(path)
        close(run)
        write_once(table("late"), run.samples(0) / "verdict=verified", "part-4")  # by a worker of a killed run
        (run.samples(0) / "verdict=verified" / ".abc.parquet").write_bytes(b"PAR1 torn")
        return run

    def look(run: RunDir) -> None:
        assert seen(run) in (["a", "b"], ["a", "b", "e"])  # an error may be there or gone: it is tried again
        run.open_round(0)
        assert seen(run) == ["a", "b"]
        assert run.closed_rounds() == []
        assert sorted(run.sample_files()) == sorted(run.samples(0).rglob("*.parquet"))  # what is not seen is gone

    assert killed_everywhere(closed, lambda run: run.open_round(0), look, tmp_path) >= 4


def test_closing_keeps_only_the_files_that_it_lists(tmp_path: Path) -> None:
    run = opened(tmp_path)
    close(run)
    assert run.closed_rounds() == run.rounds() == [0]
    listed = run.manifest()["closed"]["0"]
    assert sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.parquet")) == sorted(listed)
    assert json.loads(run.manifest_path.read_text())["closed"] == {"0": listed}


def test_opening_twice_is_opening_once(tmp_path: Path) -> None:
    run = opened(tmp_path)
    close(run)
    run.open_round(0)
    files = run.sample_files()
    run.open_round(0)
    assert run.sample_files() == files
    run.open_round(1)  # a round that nothing was written of
    assert run.sample_files(1) == []
    assert run.rounds() == [0]
