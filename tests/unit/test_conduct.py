"""How a run is taken to its end, on a clock set by hand: done, by a limit, a signal, errors or a hang."""

import signal
from collections.abc import Callable, Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from apigen_ray.config import LimitsSpec
from apigen_ray.errors import RunFailedError, RunStoppedError
from apigen_ray.graph.tally import TALLY
from apigen_ray.job import conduct
from apigen_ray.job.conduct import Conductor, Silent
from apigen_ray.job.limits import LEAST, Guard, Meter
from apigen_ray.job.signals import Interrupts
from apigen_ray.rundir import RunDir
from apigen_ray.storage import write_once

Tally = dict[str, Any]
Step = Tally | None | Callable[[], None]
"""What a graph does next: tells something, nothing for a second, or lets something happen beside it."""


def told(tokens: int = 0, **values: Any) -> Tally:
    """A row of `TALLY`."""
    told = {"generator": "a", "verdict": "verified", "stage": "", "code": "", "rows": 1, "prompts": 1}
    return dict.fromkeys(TALLY.names, 0) | told | {"prompt_tokens": tokens} | values


class Flag:
    """Stands for the flag that an actor keeps."""

    def __init__(self) -> None:
        self.times = 0

    def ask(self) -> None:
        self.times += 1


class Stage(Silent):
    """A conductor whose graph is a list of steps, and everything that it speaks to."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, **limits: Any) -> None:
        self.now, self.run, self.interrupts = 0.0, RunDir(folder), Interrupts()
        self.said: list[tuple[str, Any]] = []
        self.counted: list[Tally] = []
        self.left = False
        monkeypatch.setattr(conduct, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(conduct, "Stop", Flag)
        self.guard = Guard(LimitsSpec(**limits), 0.1, Meter({}), "runs/a", "AGAIN", clock=lambda: self.now)
        metrics: Any = SimpleNamespace(add=self.counted.append, remind=lambda: self.counted.append({}))
        self.conductor = Conductor(self.run, self.guard, self.interrupts, self, metrics)

    @property
    def asked(self) -> int:
        """How often the stop was asked for."""
        flag: Any = self.conductor.stop
        return int(flag.times)

    def round_began(self, round_: int) -> None:
        self.said.append(("round", round_))

    def wrote(self, tally: Tally) -> None:
        self.said.append(("wrote", tally["rows"]))

    def stopping(self, why: str, grace_s: float) -> None:
        self.said.append((why, grace_s))

    def signal(self) -> None:
        """Ctrl-C."""
        self.interrupts(signal.SIGINT, None)

    def later(self, seconds: float) -> Callable[[], None]:
        """The clock goes on."""

        def wait() -> None:
            self.now += seconds

        return wait

    def reply(self, name: str, generator: str = "a", rows: int = 1, judge: bool = False) -> Callable[[], None]:
        """A file of replies comes to the disk."""

        def write() -> None:
            folder = self.run.judged(0) / "ask=judge" if judge else self.run.drafts(0)
            write_once(pa.table({"generator": [generator] * rows}), folder, f"part-{name}")

        return write

    def conduct(self, *steps: Step) -> None:
        """Conducts a graph of these steps."""

        def ticks() -> Generator[Tally | None]:
            try:
                for step in steps:
                    if callable(step):
                        step()
                    else:
                        yield step
            finally:
                self.left = True

        self.conductor.conduct(0, ticks(), {"a": 3, "b": 2})


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Stage]:
    return lambda **limits: Stage(tmp_path, monkeypatch, **limits)


def test_a_run_that_comes_to_its_end_tells_everybody(stage: Callable[..., Stage]) -> None:
    one = stage(max_tokens=100)
    tallies = [told(40, rows=2), told(59)]
    one.conduct(tallies[0], None, tallies[1])
    assert one.said == [("round", 0), ("wrote", 2), ("wrote", 1)]
    assert one.counted == [tallies[0], {}, tallies[1]]  # reminded of where nothing came
    assert one.guard.meter.tokens == 99
    assert (one.asked, one.left) == (0, True)


def test_a_limit_lets_the_graph_run_dry(stage: Callable[..., Stage]) -> None:
    one = stage(max_tokens=100, grace_s=30)
    with pytest.raises(
        RunStoppedError, match=r"max_tokens is reached: 100 of 100\n  mend: raise --max-tokens, then AGAIN"
    ):
        one.conduct(told(100), one.later(29), None, told(50, rows=7))
    assert one.said == [("round", 0), ("wrote", 1), ("limits.max_tokens is reached: 100 of 100", 30), ("wrote", 7)]
    assert one.guard.meter.tokens == 150  # what was in flight is counted
    assert one.asked == 1


@pytest.mark.parametrize("last", [None, told(rows=7)])
def test_grace_has_an_end(stage: Callable[..., Stage], last: Tally | None) -> None:
    one = stage(max_tokens=100, grace_s=30)
    with pytest.raises(RunStoppedError):
        one.conduct(told(100), None, one.later(30), last, told(rows=8))
    assert ("wrote", 8) not in one.said
    assert one.left  # the graph was closed, not forgotten


def test_without_grace_the_end_is_at_once(stage: Callable[..., Stage]) -> None:
    one = stage(max_tokens=100, grace_s=0)
    with pytest.raises(RunStoppedError):
        one.conduct(told(100), told(rows=8))
    assert ("wrote", 8) not in one.said


def test_hours_run_out_while_nothing_comes(stage: Callable[..., Stage]) -> None:
    one = stage(max_hours=2, stall_minutes=1000)
    with pytest.raises(RunStoppedError, match="max_hours is reached: 2 of 2"):
        one.conduct(None, one.later(7200), None)


def test_the_first_reason_is_the_one_that_is_told(stage: Callable[..., Stage]) -> None:
    one = stage(max_tokens=100, max_hours=1, stall_minutes=1, grace_s=10_000)
    errors = told(rows=LEAST, verdict="error", stage="semantic", code="engine_error")
    with pytest.raises(RunStoppedError, match="max_tokens"):
        one.conduct(told(100), errors, one.later(3600), None, None)  # errors, the clock, a hang: all too late
    assert one.asked == 1
    assert len([name for name, _ in one.said if "reached" in name or "judged" in name]) == 1


def test_too_many_errors_end_a_run_in_good_order(stage: Callable[..., Stage]) -> None:
    one = stage()
    with pytest.raises(RunFailedError, match="could not be judged, most often semantic: engine_error"):
        one.conduct(told(rows=LEAST, verdict="error", stage="semantic", code="engine_error"), told(rows=7))
    assert one.asked == 1
    assert one.said[-1] == ("wrote", 7)


def test_a_signal_lets_the_graph_run_dry_and_the_next_one_does_not(stage: Callable[..., Stage]) -> None:
    one = stage(grace_s=30)
    with pytest.raises(KeyboardInterrupt):
        one.conduct(one.signal, told(), told(rows=7))
    assert one.said == [("round", 0), ("wrote", 1), ("interrupted", 30), ("wrote", 7)]
    assert one.asked == 1
    again = stage(grace_s=30)
    with pytest.raises(KeyboardInterrupt):
        again.conduct(again.signal, told(), again.signal, told(rows=7))
    assert ("wrote", 7) not in again.said
    assert again.left


def test_a_signal_while_a_limit_ends_the_run_ends_it_at_once(stage: Callable[..., Stage]) -> None:
    one = stage(max_tokens=100, grace_s=30)
    with pytest.raises(KeyboardInterrupt):
        one.conduct(told(100), one.signal, told(rows=7))
    assert one.said[-1] == ("limits.max_tokens is reached: 100 of 100", 30)  # and "Ctrl-C again: at once"
    assert one.left


def test_what_breaks_the_graph_off_is_told_as_it_is(stage: Callable[..., Stage]) -> None:
    one = stage()

    def fall() -> None:
        raise OSError("no disk")

    with pytest.raises(OSError, match="no disk"):
        one.conduct(told(), fall)
    assert one.asked == 0
    with pytest.raises(KeyboardInterrupt):  # nobody would look at the flag any more
        one.signal()


def test_a_run_that_stands_still_says_who_is_behind(stage: Callable[..., Stage]) -> None:
    one = stage(stall_minutes=1)
    one.reply("0", rows=2)()
    with pytest.raises(RunFailedError) as caught:
        one.conduct(None, one.later(60), None, told(rows=8))
    assert str(caught.value) == (
        "the run hangs: not one reply and not one verdict in 1 minutes (prompts without a reply: 1 of a, 2 of b)\n"
        "  mend: look at the engines, or raise limits.stall_minutes where one only needs longer (a model that loads); "
        "then AGAIN"
    )
    assert one.left
    assert one.asked == 0  # nothing would come of it


@pytest.mark.parametrize("judge", [False, True])
def test_replies_on_the_disk_are_signs_of_life(stage: Callable[..., Stage], judge: bool) -> None:
    one = stage(stall_minutes=1)
    replies = [one.reply("1", rows=3, judge=judge), one.reply("2", "b", rows=2, judge=judge)]
    one.conduct(*(step for reply in replies for step in (one.later(60), reply, None)), told())
    with pytest.raises(RunFailedError, match="2 of b" if judge else "every prompt has its reply"):
        one.conduct(one.later(59), None, told(), one.later(59), None, one.later(1), None)
