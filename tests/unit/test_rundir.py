"""The run directory: files are there whole or not at all, and a sample is seen once whatever is killed when."""

import json
import os
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from apigen_ray.errors import EnvironmentFault, RecordError, RunFailedError
from apigen_ray.rundir import RunDir
from apigen_ray.storage import name_of, parquet_files, read_tables, write_once, write_text


@pytest.mark.parametrize("text", ["", '{"outcome": "do', "[1]", "null", "3", '"x"', "[" * 100_000, b"\xff"])
def test_a_file_that_says_nothing_is_named(tmp_path: Path, text: str | bytes) -> None:
    run = RunDir(tmp_path)
    for path, read in ((run.manifest_path, run.manifest), (run.result_path, run.result)):
        assert read() == {}
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(RecordError, match=rf"{path.name}: not readable \(.+\)\n  mend: "):
            read()


def test_a_copy_of_a_round_is_none(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    for name in ("round=0", "round=12", "round=0 (copy)", "round=", "round=-1", "round=01", "round=x", "round"):
        (tmp_path / "samples" / name).mkdir(parents=True)
    assert run.rounds() == [0, 12]


def test_samples_that_cannot_be_looked_at_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "samples").mkdir()

    def denied(folder: Path) -> list[Path]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", denied)
    with pytest.raises(EnvironmentFault, match=r"samples: cannot be read \(Permission denied\)"):
        RunDir(tmp_path).rounds()


def table(*ids: str, verdict: str = "verified") -> pa.Table:
    return pa.table({"sample_id": list(ids), "verdict": [verdict] * len(ids)})


def seen(run: RunDir) -> list[str]:
    return sorted(name for each in read_tables(run.sample_files()) for name in each["sample_id"].to_pylist())


class Killed(BaseException):
    """Stands for the end of the process."""


def test_what_holds_rows_is_named_from_wherever_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = RunDir(Path("runs/one"))
    write_once(table("a"), run.samples(0) / "verdict=verified", "part-1")
    [file] = run.sample_files(0)
    assert all(path.is_absolute() for path in (file, run.samples(0), run.drafts(0), run.judged(0)))
    run.close_round(0, [file], 1)
    assert run.manifest()["closed"] == {"0": ["samples/round=0/verdict=verified/part-1.parquet"]}
    assert str(run.path) == "runs/one"
    monkeypatch.chdir(tmp_path / "runs")
    assert run.path.exists() is False
    assert seen(RunDir(Path("one"))) == ["a"]


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
    with pytest.raises(EnvironmentFault, match=r"part-1\.parquet: cannot be written \(No space"):
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


# What killed and late writers leave


def test_what_comes_after_the_closing_is_never_seen_and_is_gone_at_the_next_open(tmp_path: Path) -> None:
    run = opened(tmp_path)
    close(run)
    write_once(table("late"), run.samples(0) / "verdict=verified", "part-late")
    assert seen(run) == ["a", "b", "e"]
    run.open_round(0)
    assert seen(run) == ["a", "b"]
    assert not list(tmp_path.rglob("part-late.parquet"))


def test_temporary_files_are_gone_at_the_next_open(tmp_path: Path) -> None:
    run = opened(tmp_path)
    for folder in (run.samples(0) / "verdict=verified", run.drafts(0), run.judged(0) / "ask=judge"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".abc.parquet").write_bytes(b"PAR1 torn")
        write_once(table("kept"), folder, "part-kept")
    run.open_round(0)
    assert not list(tmp_path.rglob(".*"))
    assert len(list(tmp_path.rglob("part-kept.parquet"))) == 3


def test_a_writer_whose_temporary_file_was_cleared_away_fails_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDir(tmp_path)
    real = pq.write_table

    def slow(content: pa.Table, file: Any, **rest: Any) -> None:
        real(content, file, **rest)
        run.open_round(0)  # by a run that was resumed while this writer of a killed one still lived

    monkeypatch.setattr(pq, "write_table", slow)
    with pytest.raises(FileNotFoundError):
        write_once(table("late"), run.samples(0) / "verdict=verified", "part-1")
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


# Opened again


def test_a_round_opened_again_keeps_its_closed_files_and_shows_new_parts_beside_them(tmp_path: Path) -> None:
    run = opened(tmp_path)
    close(run)
    closed = {file: file.stat().st_ino for file in run.sample_files() if file.parent.name != "verdict=error"}
    run.open_round(0)
    write_once(table("c"), run.samples(0) / "verdict=verified", "part-9")
    assert seen(run) == ["a", "b", "c"]
    run.open_round(0)  # killed, and resumed once more
    assert seen(run) == ["a", "b", "c"]
    assert {file: file.stat().st_ino for file in run.sample_files() if file in closed} == closed  # not even moved
    assert run.manifest()["closed"] == {}
    run.close_round(0, run.sample_files(), rows=3)
    assert seen(run) == ["a", "b", "c"]
    assert run.manifest()["base"] == {}


def test_a_run_of_an_earlier_version_is_opened(tmp_path: Path) -> None:
    run = opened(tmp_path)
    close(run)
    assert "base" in run.manifest()
    run.manifest_path.write_text(json.dumps({"closed": run.manifest()["closed"]}))  # as it was then
    assert seen(run) == ["a", "b", "e"]
    for file in run.sample_files():  # killed while it was opened: linked, and still closed
        os.link(file, file.with_name(f"part-{file.stem}.parquet"))
    assert seen(run) == ["a", "b", "e"]
    run.open_round(0)
    assert seen(run) == ["a", "b"]


def test_a_column_that_an_earlier_version_did_not_write_is_named(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    write_once(table("a"), run.samples(0) / "verdict=verified", "part-1")
    with pytest.raises(RecordError, match=r"part-1\.parquet: has no column run: an earlier version"):
        list(run.read(["verdict", "run"]))


def test_a_lost_file_is_named_and_a_resumed_run_makes_it_again(tmp_path: Path) -> None:
    run = opened(tmp_path)
    close(run)
    lost = next(file for file in run.sample_files() if file.parent.name == "verdict=verified")
    lost.unlink()
    with pytest.raises(EnvironmentFault, match=rf"{lost.name}: is lost"):
        list(run.read(["sample_id"]))
    run.open_round(0)
    assert seen(run) == []
    write_once(table("a", "b"), run.samples(0) / "verdict=verified", "part-1")
    run.open_round(0)
    assert seen(run) == ["a", "b"]


# Checks before the manifest lists files


def test_a_torn_file_is_not_listed(tmp_path: Path) -> None:
    run = opened(tmp_path)
    torn = run.samples(0) / "verdict=verified" / "closed-1.parquet"
    torn.write_bytes(b"PAR1 half of it")
    for file in (torn, torn.with_name("closed-2.parquet")):  # the second is not there
        with pytest.raises(RunFailedError, match=rf"{file.name}: cannot be read back"):
            run.close_round(0, [file])
    assert seen(run) == ["a", "b", "e"]
    assert run.closed_rounds() == []


@pytest.mark.parametrize("rows", [2, 4])
def test_files_with_too_few_or_too_many_rows_are_not_listed(tmp_path: Path, rows: int) -> None:
    run = opened(tmp_path)
    with pytest.raises(RunFailedError, match=f"3 rows of {rows} samples"):
        run.close_round(0, run.sample_files(), rows)
    assert seen(run) == ["a", "b", "e"]
    assert run.closed_rounds() == []


def test_judges_replies_stay_while_there_are_errors(tmp_path: Path) -> None:
    run = opened(tmp_path)
    write_once(table("a"), run.judged(0) / "ask=judge", "part-1")
    run.close_round(0, run.sample_files())
    assert len(parquet_files(run.judged(0))) == 1
    run.open_round(0)
    run.close_round(0, run.sample_files())
    assert parquet_files(run.judged(0)) == []


# Reading while a round is closed and opened


def ids(run: RunDir, **chosen: Any) -> list[str]:
    return [name for each in run.read(["sample_id"], **chosen) for name in each["sample_id"].to_pylist()]


def test_a_reader_keeps_to_rounds_verdicts_and_ids(tmp_path: Path) -> None:
    run = opened(tmp_path)
    write_once(table("z"), run.samples(1) / "verdict=verified", "part-1")
    assert sorted(ids(run)) == ["a", "b", "e", "z"]
    assert ids(run, rounds=[1]) == ["z"]
    assert ids(run, verdicts=["error"]) == ["e"]
    assert sorted(ids(run, only=pa.array(["b", "z"]))) == ["b", "z"]
    (row,) = [each.to_pylist() for each in run.read(["verdict"], only=pa.array(["e"]))]
    assert row == [{"verdict": "error"}]


def test_a_reader_gives_each_sample_once_when_the_round_is_closed_under_it(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    for number in range(4):
        write_once(table(f"s{number}"), run.samples(0) / "verdict=verified", f"part-{number}")
    reader = run.read(["verdict", "sample_id"])
    given = [next(reader)["sample_id"].to_pylist()]
    merged = run.samples(0) / "verdict=verified" / "closed-1.parquet"
    pq.write_table(table("s3", "s2", "s1", "s0"), merged)
    run.close_round(0, [merged])
    given += [each["sample_id"].to_pylist() for each in reader]
    assert given == [["s0"], ["s3", "s2", "s1"]]


def test_files_that_are_closed_while_they_are_listed_are_listed_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = opened(tmp_path)
    real = RunDir.rounds

    def slow(self: RunDir) -> list[int]:
        monkeypatch.setattr(RunDir, "rounds", real)
        close(run)  # after the manifest was read and before the parts were listed
        return real(self)

    monkeypatch.setattr(RunDir, "rounds", slow)
    assert seen(run) == ["a", "b", "e"]


def test_a_reader_beside_closings_and_openings_misses_nothing_and_gives_nothing_twice(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    names = [f"s{number:02d}" for number in range(24)]
    for number in range(0, 24, 2):
        write_once(table(*names[number : number + 2]), run.samples(0) / "verdict=verified", f"part-{number}")
    done = threading.Event()
    closings = 0

    def work() -> None:
        nonlocal closings
        while not done.is_set():
            files = []
            rows = [name for each in read_tables(run.sample_files()) for name in each["sample_id"].to_pylist()]
            for start in range(0, 24, 6):
                file = run.samples(0) / "verdict=verified" / f"closed-{closings}-{start}.parquet"
                pq.write_table(table(*rows[start : start + 6]), file)
                files.append(file)
            run.close_round(0, files, len(rows))
            closings += 1
            run.open_round(0)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        reads = 0
        while thread.is_alive() and (reads < 40 or closings < 20):
            assert Counter(ids(run)) == Counter(names)
            reads += 1
        assert thread.is_alive()
    finally:
        done.set()
        thread.join()
