"""The contract of storage: what holds on a disk holds in an object store, here an S3-compatible server on loopback."""

import os
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from apigen_ray import storage
from apigen_ray.cli import main
from apigen_ray.errors import EnvironmentFault, InputError
from apigen_ray.job.ingest import IngestOptions, input_blocks, read_split
from apigen_ray.rundir import RunDir
from apigen_ray.storage import (
    AnyPath,
    as_path,
    delete,
    list_files,
    new_file,
    open_parquet,
    parquet_files,
    read_tables,
    read_text,
    remove,
    write_once,
    write_text,
)


@pytest.fixture(params=["disk", "s3"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> AnyPath:
    if request.param == "disk":
        return tmp_path
    request.getfixturevalue("s3")
    return as_path("s3://runs/some/folder")


def table(*ids: str, verdict: str = "verified") -> pa.Table:
    return pa.table({"sample_id": list(ids), "verdict": [verdict] * len(ids)})


def ids(files: list[AnyPath]) -> list[str]:
    return [name for each in read_tables(files) for name in each["sample_id"].to_pylist()]


# On both


def test_texts_and_tables_come_back(
    folder: AnyPath, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = tmp_path_factory.mktemp("spool")
    monkeypatch.setattr(tempfile, "tempdir", str(spool))
    write_text(folder / "deep" / "note.json", "old")
    write_text(folder / "deep" / "note.json", "n\u00fc")
    assert read_text(folder / "deep" / "note.json") == "n\u00fc"
    assert write_once(table("a", "b"), folder / "more", "part-1")
    assert list_files(folder) == [folder / "deep" / "note.json", folder / "more" / "part-1.parquet"]
    assert parquet_files(folder) == [folder / "more" / "part-1.parquet"]
    assert ids(parquet_files(folder)) == ["a", "b"]
    assert list_files(folder / "nothing") == []
    assert as_path(str(folder)) == folder
    assert list(spool.iterdir()) == []


def test_what_is_not_there_is_a_missing_file(folder: AnyPath) -> None:
    with pytest.raises(FileNotFoundError):
        read_text(folder / "nothing")
    with pytest.raises(FileNotFoundError):
        list(read_tables([folder / "nothing.parquet"]))


def test_of_many_writers_at_a_time_one_wins(folder: AnyPath) -> None:
    start = threading.Barrier(4)

    def write(number: int) -> bool:
        start.wait()
        return write_once(table(str(number)), folder, "part-1")

    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(write, range(4)))
    assert won.count(True) == 1
    assert ids(list_files(folder)) == [str(won.index(True))]


def test_a_writer_that_looked_before_the_other_wrote_does_not_overwrite(
    folder: AnyPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = pq.write_table

    def slow(content: pa.Table, file: Any, **rest: Any) -> None:
        monkeypatch.setattr(pq, "write_table", real)
        assert write_once(table("quick"), folder, "part-1")
        real(content, file, **rest)

    monkeypatch.setattr(pq, "write_table", slow)
    assert not write_once(table("slow"), folder, "part-1")
    assert ids(list_files(folder)) == ["quick"]


def test_a_large_file_is_there_whole_or_not_at_all(folder: AnyPath) -> None:
    path = folder / "closed-1.parquet"
    with new_file(path) as file, pq.ParquetWriter(file, table("a").schema) as writer:
        for number in range(3):
            writer.write_table(table(f"s{number}"))
        assert not path.exists()
    assert ids([path]) == ["s0", "s1", "s2"]
    with pytest.raises(FileExistsError), new_file(path) as file:
        file.write(b"another")
    with pytest.raises(ZeroDivisionError), new_file(folder / "closed-2.parquet") as file:
        file.writelines(bytes([1 // left]) for left in (1, 1, 0))
    assert list_files(folder) == [path]


def test_files_and_folders_are_deleted(folder: AnyPath) -> None:
    for name in ("a", "b", "c"):
        write_text(folder / "x" / name, name)
    delete([folder / "x" / "a", folder / "x" / "gone already"])
    assert list_files(folder) == [folder / "x" / "b", folder / "x" / "c"]
    remove(folder / "x")
    assert list_files(folder) == []


def test_a_torn_file_is_named(folder: AnyPath) -> None:
    write_text(folder / "part-1.parquet", "PAR1 half of it")
    with (
        pytest.raises(EnvironmentFault, match=r"part-1\.parquet: cannot be read"),
        open_parquet(folder / "part-1.parquet"),
    ):
        pass


def test_a_round_is_closed_and_opened(folder: AnyPath) -> None:
    run = RunDir(folder)
    write_once(table("a"), run.samples(0) / "verdict=verified", "part-1")
    write_once(table("e", verdict="error"), run.samples(0) / "verdict=error", "part-2")
    assert run.rounds() == [0]
    run.close_round(0, run.sample_files(), rows=2)
    write_once(table("late"), run.samples(0) / "verdict=verified", "part-late")
    assert sorted(ids(run.sample_files())) == ["a", "e"]
    run.open_round(0)
    write_once(table("b"), run.samples(0) / "verdict=verified", "part-3")
    assert sorted(name for each in run.read(["sample_id"]) for name in each["sample_id"].to_pylist()) == ["a", "b"]
    assert list_files(run.samples(0)) == sorted(run.sample_files())


def test_a_reader_goes_on_when_the_round_is_closed_under_it(folder: AnyPath) -> None:
    run = RunDir(folder)
    for number in range(4):
        write_once(table(f"s{number}"), run.samples(0) / "verdict=verified", f"part-{number}")
    reader = run.read(["sample_id"])
    given = next(reader)["sample_id"].to_pylist()
    merged = run.samples(0) / "verdict=verified" / "closed-1.parquet"
    with new_file(merged) as file:
        pq.write_table(table("s3", "s2", "s1", "s0"), file)
    run.close_round(0, [merged], rows=4)
    given += [name for each in reader for name in each["sample_id"].to_pylist()]
    assert sorted(given) == ["s0", "s1", "s2", "s3"]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_records_are_read(folder: AnyPath, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apigen_ray.job.ingest.SPLIT_BYTES", 500)
    line = '{"id": %d, "query": "q", "tools": "[]", "answers": "[]"}\n'
    if kind == "jsonl":
        write_text(folder / "in" / "a.jsonl", "".join(line % number for number in range(100)))
    else:
        with new_file(folder / "in" / "a.parquet") as file:
            columns = {name: ["[]"] * 100 for name in ("query", "tools", "answers")}
            pq.write_table(pa.table({"id": [str(number) for number in range(100)], **columns}), file)
    write_text(folder / "in" / "_hidden.jsonl", "no")
    for path in (folder / "in", folder / "in" / f"a.{kind}"):
        splits = input_blocks(path, IngestOptions())
        assert kind == "parquet" or len(splits) > 5
        found = [name for split in splits for each in read_split(split) for name in each["id"].to_pylist()]
        assert found == [str(number) for number in range(100)]


# What a store refuses


def test_a_put_is_conditional_on_the_server_itself(s3: Any, tmp_path: Path) -> None:
    path = as_path("s3://runs/x")
    (tmp_path / "one").write_text("one")
    (tmp_path / "two").write_text("two")
    assert storage._put_if_absent(tmp_path / "one", path)
    assert not storage._put_if_absent(tmp_path / "two", path)
    assert read_text(path) == "one"


def test_a_store_that_says_conflict_is_asked_again(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.time, "sleep", lambda seconds: None)
    answers = ["OperationAborted", "ConditionalRequestConflict"]
    s3.refuse = lambda method, path: answers.pop() if method == "PUT" and answers else None
    assert write_once(table("a"), as_path("s3://runs/x"), "part-1")
    assert answers == []


def test_a_store_that_asks_for_patience_gets_it(s3: Any) -> None:
    answers = ["SlowDown", "SlowDown"]
    s3.refuse = lambda method, path: answers.pop() if method == "PUT" and answers else None
    write_text(as_path("s3://runs/x"), "there")
    assert read_text(as_path("s3://runs/x")) == "there"


def test_what_is_denied_is_named(s3: Any) -> None:
    s3.refuse = lambda method, path: "AccessDenied"
    path = as_path("s3://runs/x")
    for act, done in (
        (lambda: write_text(path, "x"), "written"),
        (lambda: write_once(table("a"), path, "part-1"), "written"),
        (lambda: list_files(path), "read"),
        (lambda: list(read_tables([path / "y"])), "read"),
        (lambda: RunDir(path).manifest(), "read"),
    ):
        with pytest.raises(EnvironmentFault, match=rf"s3://runs/x.*: cannot be {done} \(denied") as found:
            act()
        assert "credentials" in found.value.mend


def test_without_credentials_that_is_said(s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from s3fs import S3FileSystem

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    S3FileSystem.clear_instance_cache()
    try:
        with pytest.raises(EnvironmentFault, match=r"cannot be written \(no credentials\)"):
            write_text(as_path("s3://runs/x"), "x")
    finally:
        S3FileSystem.clear_instance_cache()


def test_a_bucket_that_is_not_there_is_never_made(s3: Any) -> None:
    path = as_path("s3://nobody/x")
    for act in (
        lambda: write_text(path, "x"),
        lambda: write_once(table("a"), path, "part-1"),
        lambda: list_files(path),
    ):
        with pytest.raises(EnvironmentFault, match="there is no bucket 'nobody'"):
            act()
    assert not as_path("s3://nobody").exists()


@pytest.mark.parametrize(
    "command",
    [
        ["show", "s3://nobody/x"],
        ["report", "s3://nobody/x"],
        ["ls", "runs", "--dir", "s3://nobody/x"],
        ["export", "s3://nobody/x", "--to", "xlam", "--out", "out"],
        ["verify", "s3://nobody/x.jsonl", "--out", "out"],
        ["run", "run.yaml"],
    ],
)
def test_each_verb_names_a_missing_bucket(
    s3: Any, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tools.py").write_text("def add(a: int, b: int) -> int:\n    return a + b\n")
    Path("run.yaml").write_text(
        "name: x\nlibrary: [{kind: python, path: tools.py, trust: trusted}]\nsampling: {styles: {simple: 1}}\n"
        "generators: [{name: g, engine: scripted}]\nsemantic: {checks: [wording]}\n"
        "output: {dir: s3://nobody/runs}\n"
    )
    with pytest.raises(SystemExit) as end:
        main(command)
    assert end.value.code == 1
    assert "nobody" in capsys.readouterr().err
    assert not Path("out").exists()


def test_a_folder_that_cannot_be_looked_into_is_not_taken_for_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def denied(path: Any) -> Any:
        if str(path).endswith("closed to us"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    (tmp_path / "closed to us").mkdir()
    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(EnvironmentFault, match="cannot be read \\(Permission denied"):
        list_files(tmp_path)


def test_what_cannot_be_a_path_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="az:// is no store that is known"):
        as_path("az://container/x")
    with pytest.raises(InputError, match="hf:// is only read"):
        as_path("hf://datasets/someone/some", to_write=True)
    with pytest.raises(InputError, match="s3://: names no bucket"):
        as_path("s3://")
    monkeypatch.setattr(storage.importlib.util, "find_spec", lambda name: None)
    for text, extra in (("s3://runs/x", "s3"), ("gs://runs/x", "gs"), ("hf://datasets/a/b", "hub")):
        with pytest.raises(EnvironmentFault, match="needs the package") as found:
            as_path(text)
        assert found.value.mend == f"pip install 'apigen-ray[{extra}]'"
