"""Takes the graphs of a run to their end, or to an orderly stop: by a signal, a limit, too many errors, a hang."""

import time
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import closing
from typing import Protocol

from apigen_ray.errors import ApigenError, RunFailedError
from apigen_ray.graph.metrics import Metrics
from apigen_ray.graph.stopping import Stop
from apigen_ray.job.limits import Guard
from apigen_ray.job.signals import Interrupts
from apigen_ray.records import Json
from apigen_ray.rundir import RunDir
from apigen_ray.storage import parquet_files, read_tables


class Watcher(Protocol):
    """Is told what happens while a run goes on; must be quick, and never decides anything."""

    def began(self, run: RunDir, planned: int) -> None:
        """The run directory is open; ``planned`` prompts are left to do, over all rounds and generators."""

    def round_began(self, round_: int) -> None:
        """A round's graph is about to run."""

    def wrote(self, tally: Json) -> None:
        """The sink wrote rows: one row of `apigen_ray.graph.tally.TALLY`."""

    def stopping(self, why: str, grace_s: float) -> None:
        """The run comes to an end early; what is in flight has so many seconds."""


class Silent:
    """A watcher that says nothing."""

    def began(self, run: RunDir, planned: int) -> None:
        """Says nothing."""

    def round_began(self, round_: int) -> None:
        """Says nothing."""

    def wrote(self, tally: Json) -> None:
        """Says nothing."""

    def stopping(self, why: str, grace_s: float) -> None:
        """Says nothing."""


class Conductor:
    """What stands over the graphs of one run. To be made once Ray is there.

    Args:
        run: the run directory.
        guard: says when the run must end.
        interrupts: says when the user wants it to.
        watcher: is told.
        metrics: are counted.
    """

    def __init__(self, run: RunDir, guard: Guard, interrupts: Interrupts, watcher: Watcher, metrics: Metrics) -> None:
        self.stop = Stop()
        self._run, self._guard, self._interrupts = run, guard, interrupts
        self._watcher, self._metrics = watcher, metrics

    def conduct(self, round_: int, ticks: Generator[Json | None], planned: Mapping[str, int]) -> None:
        """Consumes what comes of a graph that was built with `stop`.

        Args:
            round_: number of the round.
            ticks: see `apigen_ray.graph.stopping.running`.
            planned: prompts of each generator in this round, for the words on a run that hangs.

        Raises:
            KeyboardInterrupt: the user ended the run.
            RunStoppedError: a limit did.
            RunFailedError: too many errors did, or it stood still. What was in flight is written, where grace sufficed.
        """
        guard, end = self._guard, float("inf")
        guard.waits(self._signs(round_))
        self._watcher.round_began(round_)
        why: ApigenError | KeyboardInterrupt | None = None
        with self._interrupts.patient(), closing(ticks):
            for tally in ticks:
                if tally is not None:
                    guard.add(tally)
                    self._watcher.wrote(tally)
                    self._metrics.add(tally)
                else:
                    self._metrics.remind()
                if why is None and (why := self._reason()) is not None:
                    self.stop.ask()
                    self._interrupts.asked = True  # whatever the reason: the next signal ends the run at once
                    grace = guard.limits.grace_s
                    words = "interrupted" if isinstance(why, KeyboardInterrupt) else why.message
                    self._watcher.stopping(words, grace)
                    end = time.monotonic() + grace
                if time.monotonic() >= end:
                    break
                if why is None and guard.stalled(lambda: self._signs(round_)):
                    raise self._hang(round_, planned)
        if why is not None:
            raise why

    def _reason(self) -> ApigenError | KeyboardInterrupt | None:
        return KeyboardInterrupt() if self._interrupts.asked else self._guard.reason()

    def _signs(self, round_: int) -> int:
        """Files of replies: the more there are, the more has happened since."""
        return sum(len(parquet_files(folder)) for folder in (self._run.drafts(round_), self._run.judged(round_)))

    def _hang(self, round_: int, planned: Mapping[str, int]) -> RunFailedError:
        drafted: Counter[str] = Counter()
        for table in read_tables(parquet_files(self._run.drafts(round_)), ["generator"]):
            drafted.update(table["generator"].to_pylist())
        behind = [f"{count - drafted[name]} of {name}" for name, count in planned.items() if drafted[name] < count]
        words = f"prompts without a reply: {', '.join(behind)}" if behind else "every prompt has its reply"
        minutes = self._guard.limits.stall_minutes
        return RunFailedError(
            f"the run hangs: not one reply and not one verdict in {minutes:g} minutes ({words})",
            "look at the engines, or raise limits.stall_minutes where one only needs longer (a model that loads); "
            f"then {self._guard.again}",
        )
