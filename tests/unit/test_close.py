"""Closing a round: each sample once, each query verified once, whatever the order; its tasks run in this process."""

import os
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_ray.config import SAMPLE
from apigen_ray.errors import EnvironmentFault, RunFailedError
from apigen_ray.graph import close
from apigen_ray.graph.close import close_round
from apigen_ray.records import content_hash, query_key
from apigen_ray.rundir import RunDir
from apigen_ray.storage import list_files, read_tables, write_once
from apigen_ray.tables import table_of

Row = dict[str, Any]


@pytest.fixture(autouse=True)
def _tasks_run_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(close, "submit", lambda function, *arguments, returns=1: function(*arguments))
    monkeypatch.setattr(close, "fetch", lambda answer: answer)


def row(name: str, query: str | None, index: int = 0, **rest: Any) -> Row:
    return {
        "sample_id": content_hash(name),
        "source_id": name,
        "query": query,
        "round": 0,
        "generator": "g",
        "index": index,
        "pair": 0,
        "style": "simple",
        "tools": '[{"name":"f"}]',
        "answers": '[{"name":"f","arguments":{}}]',
        "verdict": "verified",
    } | rest


def write(run: RunDir, rows: list[Row], part: str, round_: int = 0) -> None:
    for verdict in {each["verdict"] for each in rows}:
        some = [each for each in rows if each["verdict"] == verdict]
        write_once(table_of(some, SAMPLE), run.samples(round_) / f"verdict={verdict}", f"part-{part}")


def verdicts(run: RunDir) -> dict[str, str]:
    rows = [each for table in read_tables(run.sample_files()) for each in table.to_pylist()]
    assert len({each["sample_id"] for each in rows}) == len(rows)
    return {each["source_id"]: each["verdict"] for each in rows}


ROWS = [
    row("late", "Is 7 prime?", index=9),
    row("first", "is 7 PRIME", index=2),
    row("pair", "Is 7 prime?", index=2, pair=1),
    row("other", "Is 7 prime?", index=2, generator="h"),
    row("single", "Is 8 prime?", index=0),
    row("judged", "Is 7 prime?", index=0, verdict="fail_semantic"),
    row("broken", None, index=1, verdict="fail_format"),
    row("ours", "Is 7 prime?", index=0, verdict="error"),
]
WANTED = {
    "first": "verified",
    "single": "verified",
    "late": "duplicate",
    "pair": "duplicate",
    "other": "duplicate",
    "judged": "fail_semantic",
    "broken": "fail_format",
    "ours": "error",
}


@pytest.mark.parametrize("seed", range(4))
def test_what_was_planned_first_stays_in_whatever_order_it_was_written(tmp_path: Path, seed: int) -> None:
    rows = list(ROWS)
    random.Random(seed).shuffle(rows)
    run = RunDir(tmp_path)
    for number, each in enumerate(rows):
        write(run, [each], str(number if seed % 2 else number // 3))
        if not seed % 2:  # several rows to a file: the name is taken, so write under another
            write(run, [each], f"again-{number}")
    close_round(run, 0)
    assert verdicts(run) == WANTED


def test_the_verdict_of_a_row_is_its_folder(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    write(run, ROWS, "1")
    close_round(run, 0)
    for file in run.sample_files():
        for table in read_tables([file]):
            assert table.schema.equals(SAMPLE)
            assert set(table["verdict"].to_pylist()) == {file.parent.name.removeprefix("verdict=")}


def test_closing_again_changes_nothing(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    write(run, ROWS, "1")
    close_round(run, 0)
    run.open_round(0)
    close_round(run, 0)
    assert verdicts(run) == {name: verdict for name, verdict in WANTED.items() if verdict != "error"}


def test_an_earlier_planned_sample_that_comes_late_takes_the_place(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    write(run, [row("b", "Is 7 prime?", index=5)], "1")
    close_round(run, 0)
    assert verdicts(run) == {"b": "verified"}
    run.open_round(0)
    write(run, [row("a", "Is 7 prime?", index=1)], "2")
    close_round(run, 0)
    assert verdicts(run) == {"a": "verified", "b": "duplicate"}


def test_a_query_of_an_earlier_round_is_not_verified_again(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    write(run, [row("old", "Is 7 prime?", index=9)], "1")
    close_round(run, 0)
    write(run, [row("new", "Is 7 prime?", round=1), row("fresh", "Is 9 prime?", round=1)], "1", round_=1)
    close_round(run, 1)
    assert verdicts(run) == {"old": "verified", "new": "duplicate", "fresh": "verified"}
    run.open_round(0)  # as a resumed run does; the later round does not push the earlier one out
    close_round(run, 0)
    assert verdicts(run) == {"old": "verified", "new": "duplicate", "fresh": "verified"}


def test_a_sample_written_in_two_batches_is_kept_once(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    write(run, [row("a", "One?"), row("b", "Two?", index=1)], "1")
    more = [
        row("b", "Two?", index=1),
        row("c", "Three?", index=2),
        row("c", "Three?", index=2),
        row("d", "two", index=3),
    ]
    write(run, more, "2")
    close_round(run, 0)
    assert verdicts(run) == {"a": "verified", "b": "verified", "c": "verified", "d": "duplicate"}


def test_records_that_came_as_they_are_are_not_compared(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    write(run, ROWS, "1")
    close_round(run, 0, unique=False)
    assert verdicts(run) == {each["source_id"]: each["verdict"] for each in ROWS}


def test_rows_without_a_query_are_no_duplicates(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    write(run, [row("a", None), row("b", None, index=1), row("c", "Is 7 prime?"), row("d", "is 7 prime", index=1)], "1")
    close_round(run, 0)
    assert verdicts(run) == {"a": "verified", "b": "verified", "c": "verified", "d": "duplicate"}


def test_a_round_without_samples_closes(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    close_round(run, 0)
    assert run.closed_rounds() == [0]


def test_of_two_copies_of_a_sample_the_one_that_was_judged_stays(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    write(run, [row("a", "One?", verdict="error"), row("b", "Two?", verdict="fail_format")], "1")
    write(run, [row("a", "One?", verdict="fail_semantic"), row("b", "Two?", verdict="error")], "2")
    close_round(run, 0)
    assert verdicts(run) == {"a": "fail_semantic", "b": "fail_format"}


def test_a_copy_that_is_not_kept_makes_nothing_a_duplicate(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    write(run, [row("a", "One?")], "1")
    write(run, [row("a", "Two?"), row("b", "Two?", index=1)], "2")  # asked twice, with another reply
    close_round(run, 0)
    assert verdicts(run) == {"a": "verified", "b": "verified"}


def many(run: RunDir, parts: range, rows: int = 2) -> None:
    for number in parts:
        write(run, [row(f"{number}-{each}", f"{number} {each}?") for each in range(rows)], str(number))


def test_files_are_of_a_limited_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunDir(tmp_path)
    many(run, range(6))
    monkeypatch.setattr(close, "ROWS_PER_FILE", 5)
    close_round(run, 0)
    assert [sum(map(len, read_tables([file]))) for file in run.sample_files()] == [4, 4, 4]
    assert len(verdicts(run)) == 12
    size = max(file.stat().st_size for file in run.sample_files())
    monkeypatch.setattr(close, "ROWS_PER_FILE", 1000)
    monkeypatch.setattr(close, "BYTES_PER_FILE", 2 * size + 2)
    many(run, range(6, 8))
    run.open_round(0)
    many(run, range(6, 8))
    close_round(run, 0)
    assert len(verdicts(run)) == 16
    assert all(file.stat().st_size <= 2 * size + 2 for file in run.sample_files())


def test_a_large_file_that_nothing_changes_in_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(close, "ROWS_PER_FILE", 8)
    run = RunDir(tmp_path)
    many(run, range(3))
    write(run, [row("broken", "x", verdict="error"), row("small", "y", verdict="fail_format")], "other")
    close_round(run, 0)
    before = {file: file.stat().st_mtime_ns for file in run.sample_files()}
    assert len(before) == 3
    run.open_round(0)
    write(run, [row("broken", "x", index=3), row("more", "z", verdict="fail_format")], "again")
    close_round(run, 0)
    after = {file: file.stat().st_mtime_ns for file in run.sample_files()}
    (large,) = {*before} & {*after}
    assert large.parent.name == "verdict=verified"
    assert before[large] == after[large]
    assert len(verdicts(run)) == 9
    run.open_round(0)
    write(run, [row("first", "0 0?", index=-1)], "takes its place")
    close_round(run, 0)
    assert large not in run.sample_files()
    assert verdicts(run)["0-0"] == "duplicate"


def test_nothing_to_do_is_nothing_written(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    write(run, ROWS[:-1], "1")
    close_round(run, 0)
    before = run.sample_files()
    run.open_round(0)
    close_round(run, 0)
    assert run.sample_files() == before
    assert list_files(run.samples(0)) == before


def test_rows_lie_in_groups_that_are_easily_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunDir(tmp_path)
    many(run, range(5))
    monkeypatch.setattr(close, "ROWS_PER_GROUP", 4)
    close_round(run, 0)
    assert [len(table) for table in read_tables(run.sample_files())] == [4, 4, 2]
    monkeypatch.setattr(close, "BYTES_PER_GROUP", 1)
    run.open_round(0)
    many(run, range(5, 7), rows=1)
    close_round(run, 0)
    assert [len(table) for table in read_tables(run.sample_files())] == [4, 4, 2, 1, 1]


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_closing_that_breaks_off_leaves_the_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    run = RunDir(tmp_path)
    write(run, ROWS, "1")
    before = verdicts(run)
    written = 0

    def killed(path: Path) -> Any:
        nonlocal written
        written += 1
        if written == at:
            raise OSError("killed")
        return new_file(path)

    new_file = close.new_file
    with monkeypatch.context() as patch:
        patch.setattr(close, "new_file", killed)
        with pytest.raises(OSError, match="killed"):
            close_round(run, 0)
    assert verdicts(run) == before
    assert run.closed_rounds() == []
    close_round(run, 0)
    assert verdicts(run) == WANTED
    assert sorted(list_files(run.samples(0))) == sorted(run.sample_files())


def test_a_last_row_group_that_cannot_be_written_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDir(tmp_path)
    write(run, ROWS, "1")
    before = set(tmp_path.rglob("*"))

    def full(self: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(close._Writer, "_write", full)
    descriptors = len(os.listdir("/proc/self/fd"))
    with pytest.raises(EnvironmentFault, match="No space left"):
        close_round(run, 0)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} <= before
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_a_merge_that_runs_twice_writes_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def twice(function: Any, *arguments: Any, returns: int = 1) -> Any:
        return [function(*arguments) for _ in range(2)][-1]

    monkeypatch.setattr(close, "submit", twice)
    run = RunDir(tmp_path)
    write(run, ROWS, "1")
    close_round(run, 0)
    assert verdicts(run) == WANTED


def test_what_was_not_written_as_it_was_read_does_not_become_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDir(tmp_path)
    write(run, ROWS, "1")
    before = verdicts(run)
    monkeypatch.setattr(close._Writer, "_write", lambda self: None)
    with pytest.raises(RunFailedError, match=r"closed-.*: what can be read back.*\n.*--resume"):
        close_round(run, 0)
    assert (verdicts(run), run.closed_rounds()) == (before, [])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Is 7 prime?", "is  7 prime", True),
        ("Café à Paris!", "cafe a paris", True),
        ("Straße 5", "strasse 5", True),
        ("Ask Müller, please.", "ask “muller” please", True),
        ("A well-known (old) film…", "a well known old film", True),
        ("Add 1.5, then 2.", "add 1.5 then 2", True),
        ("Is 7 prime?", "Is 8 prime?", False),
        ("Add 1.5", "Add 15", False),
        ("Add 1.5", "Add 1 5", False),
        ("Warm: -5", "Warm: 5", False),
        ("3 + 4", "3 - 4", False),
        ("3 + 4", "3 * 4", False),
        ("5 $", "5 €", False),
        ("温度は?", "天気は?", False),
        ("温度は?", "温度は。", True),
        ("कि", "की", False),
    ],
)
def test_what_counts_as_the_same_query(one: str, other: str, same: bool) -> None:
    assert (query_key(one) == query_key(other)) is same


@given(st.text(st.characters(max_codepoint=127)))
def test_an_accent_makes_no_query_another(query: str) -> None:
    assert query_key(query) == query_key(f"{query}\u0301")  # and none that has one takes the short way
