"""What is said while a run goes on: counts by stage and code, lines for a log, the table of a terminal."""

import io
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from apigen_ray.config import STAGES
from apigen_ray.display import progress
from apigen_ray.display.progress import LINE_EVERY_S, Bars, Counts, Eta, Lines, watch
from apigen_ray.job.conduct import Silent
from apigen_ray.rundir import RunDir


def tally(verdict: str, rows: int = 1, code: str = "") -> dict[str, Any]:
    return {"generator": "one", "verdict": verdict, "code": code, "rows": rows, "prompts": rows}


MANY = [
    tally("verified", 5),
    tally("fail_format", 2, "wrong_type"),
    tally("fail_execution", 1, "timeout"),
    tally("fail_format", 3, "not_json"),
    tally("error", 4, "timeout"),
    tally("verified", 1),
]
"""16 rows: 6 verified, 5 fell in format, 1 in execution, 4 could not be judged."""


class Clock:
    """A `time.monotonic` that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress.time, "monotonic", clock)
    return clock


def test_rows_are_counted_by_stage_and_code() -> None:
    counts = Counts()
    for each in MANY:
        counts.add(each)
    assert counts.rows == 16
    assert counts.verdicts == {"verified": 6, "fail_format": 5, "fail_execution": 1, "error": 4}
    expected: dict[str, dict[str, int]] = {stage: {} for stage in STAGES}
    expected |= {"format": {"wrong_type": 2, "not_json": 3}, "execution": {"timeout": 1}}
    assert counts.rejected == expected  # an error blames no stage


def test_a_line_has_the_counts_and_the_commonest_codes() -> None:
    counts = Counts()
    assert counts.line() == "0 samples, 0 verified, 0 errors"
    for each in MANY:
        counts.add(each)
    assert counts.line() == "16 samples, 6 verified, 4 errors, rejected format:5(not_json) execution:1(timeout)"


def test_the_first_verified_sample_is_said_once(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    lines.began(RunDir(Path("runs/a")), 40)
    lines.round_began(0)
    for after, each in ((2, tally("fail_format", 1, "not_json")), (3, tally("verified")), (4, tally("verified"))):
        clock.now = 100.0 + after
        lines.wrote(each)
    told = capsys.readouterr()
    assert told.err.splitlines() == [
        "[     0s] run directory runs/a, 40 prompts to do",
        "[     0s] round 0",
        "[     3s] first verified sample is on the disk",
    ]
    assert told.out == ""  # standard output is for results


def test_a_line_every_thirty_seconds_with_tallies_and_without(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    lines.began(RunDir(Path("runs/a")), 0)
    assert "prompts" not in capsys.readouterr().err  # verify does not know how many there will be
    for after in (LINE_EVERY_S - 1, LINE_EVERY_S, LINE_EVERY_S + 1):
        clock.now = 100.0 + after
        lines.tick()
        lines.wrote(tally("fail_format", 1, "not_json"))
    for after in (2 * LINE_EVERY_S - 1, 2 * LINE_EVERY_S, 3 * LINE_EVERY_S - 1, 3 * LINE_EVERY_S):
        clock.now = 100.0 + after
        lines.tick()
    assert capsys.readouterr().err.splitlines() == [
        "[    30s] 1 samples, 0 verified, 0 errors, rejected format:1(not_json)",
        "[    60s] 3 samples, 0 verified, 0 errors, rejected format:3(not_json)",
        "[    90s] 3 samples, 0 verified, 0 errors, rejected format:3(not_json)",
    ]


def test_a_line_says_how_long_it_will_take(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    lines.began(RunDir(Path("runs/a")), 100)
    clock.now = 120.0  # the engines took their time
    lines.wrote(tally("fail_format", 40, "not_json"))
    clock.now = 130.0
    lines.wrote(tally("fail_format", 10, "not_json"))
    lines.tick()
    assert capsys.readouterr().err.splitlines()[-1].endswith("(not_json), about 50 s left")


@pytest.mark.parametrize(
    ("done", "after", "words"),
    [
        (0, 10.0, ""),
        (20, 20.0, ", about 80 s left"),
        (10, 100.0, ", about 15 min left"),
        (1, 360.0, ", about 10 h left"),
        (99, 10.0, ", about 1 s left"),
        (100, 10.0, ""),
        (120, 10.0, ""),
    ],
)
def test_the_time_left_is_told_from_the_pace_since_the_first_verdict(done: int, after: float, words: str) -> None:
    eta = Eta(100)
    assert eta.words(5.0) == ""
    eta.add(0, 7.0)
    eta.add(done, 7.0 + after)
    assert eta.words(7.0 + after) == words
    assert Eta(0).words(1.0) == ""  # nobody knows how much there is


def test_that_it_ends_early_is_said(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    Lines().stopping("limits.max_tokens is reached", 60)
    assert "limits.max_tokens is reached: ending the run; up to 60 s" in capsys.readouterr().err


def test_the_timer_speaks_where_no_tally_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    said = threading.Event()
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr(Lines, "tick", lambda self: said.set())
    with watch():
        assert said.wait(60)


def table(tallies: list[dict[str, Any]], planned: int = 20, path: str = "runs/a") -> list[str]:
    """What stands on a terminal after these tallies: title, header, rows; a line each, without the frame."""
    console = Console(file=io.StringIO(), record=True, width=100)
    bars = Bars()
    bars.began(RunDir(Path(path)), planned)
    bars.round_began(0)
    for each in tallies:
        bars.wrote(each)
    console.print(bars.table())
    lines = [line for line in console.export_text().splitlines() if "\u2500" not in line and "\u2501" not in line]
    return [" ".join(line.replace("\u2502", " ").replace("\u2503", " ").split()) for line in lines if line.strip()]


def test_the_table_shows_what_each_stage_left(clock: Clock) -> None:
    title, header, *rows = table(MANY)
    assert title == "runs/a: 16 of about 20 samples, 0 s"
    assert header == "stage passed rejected top code"
    assert rows == [
        f"format {'█' * 9} 7 5 not_json",  # of 16 rows 4 are errors and 5 fell here: 9/20 of a bar
        f"execution {'█' * 8} 6 1 timeout",
        f"grounding {'█' * 8} 6 0",
        f"semantic {'█' * 8} 6 0",
        "errors 4",
    ]


@pytest.mark.parametrize("path", ["runs/[v2]/a", "old[/x]/a", "a[red]"])
def test_a_folder_s_name_is_no_markup(path: str, clock: Clock) -> None:
    assert table(MANY, path=path)[0].startswith(f"{path}: 16 of")


def test_the_table_before_the_first_row(clock: Clock) -> None:
    title, _, *rows = table([], planned=0)
    assert title == "runs/a: 0 samples, 0 s"
    assert rows == [*(f"{stage} 0 0" for stage in STAGES), "errors 0"]


def test_the_watcher_fits_where_standard_error_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    with watch(quiet=True) as watcher:
        assert isinstance(watcher, Silent)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with watch() as watcher:
        assert isinstance(watcher, Lines)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with watch() as watcher:
        assert isinstance(watcher, Bars)
