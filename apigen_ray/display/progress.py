"""Progress of a run: one bar for each stage on a terminal, one line every thirty seconds elsewhere."""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table

from apigen_ray.config import STAGES
from apigen_ray.job.loop import Silent, Watcher
from apigen_ray.records import Json, Verdict
from apigen_ray.rundir import RunDir

LINE_EVERY_S = 30.0


class Counts:
    """Rows written so far, by stage; what a tally says of a row is the stage that ended its way."""

    def __init__(self) -> None:
        self.rows = 0
        self.verdicts: Counter[str] = Counter()
        self.rejected: dict[str, Counter[str]] = {stage: Counter() for stage in STAGES}

    def add(self, tally: Json) -> None:
        """Counts one row of `apigen_ray.graph.stages.TALLY`."""
        self.rows += tally["rows"]
        self.verdicts[tally["verdict"]] += tally["rows"]
        stage = tally["verdict"].removeprefix("fail_")
        if stage in self.rejected:
            self.rejected[stage][tally["code"]] += tally["rows"]

    def line(self) -> str:
        """One line for a log."""
        failed = " ".join(
            f"{stage}:{sum(codes.values())}({codes.most_common(1)[0][0]})"
            for stage, codes in self.rejected.items()
            if codes
        )
        return (
            f"{self.rows} samples, {self.verdicts[str(Verdict.VERIFIED)]} verified, "
            f"{self.verdicts[str(Verdict.ERROR)]} errors" + (f", rejected {failed}" if failed else "")
        )


class Lines:
    """Plain lines on standard error, for logs and jobs."""

    def __init__(self) -> None:
        self._counts = Counts()
        self._planned = 0
        self._began = self._said = time.monotonic()

    def began(self, run: RunDir, planned: int) -> None:
        """Says where the run goes."""
        self._planned = planned
        self._say(f"run directory {run.path}" + (f", {planned} prompts planned" if planned else ""))

    def round_began(self, round_: int) -> None:
        """Says which round begins."""
        self._say(f"round {round_}")

    def wrote(self, tally: Json) -> None:
        """Counts, and shows the counts."""
        first = not self._counts.verdicts[str(Verdict.VERIFIED)]
        self._counts.add(tally)
        if first and self._counts.verdicts[str(Verdict.VERIFIED)]:
            self._say("first verified sample is on the disk")
        elif time.monotonic() - self._said >= LINE_EVERY_S:
            self._say(self._counts.line())

    def _say(self, text: str) -> None:
        self._said = time.monotonic()
        print(f"[{self._said - self._began:6.0f}s] {text}", file=sys.stderr, flush=True)


class Bars:
    """A live table on a terminal: for each stage what passed, what was rejected, and the commonest code."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._counts = Counts()
        self._planned = 0
        self._title = "starting"
        self._began = time.monotonic()

    def began(self, run: RunDir, planned: int) -> None:
        """Says where the run goes."""
        self._planned = planned
        self._title = str(run.path)

    def round_began(self, round_: int) -> None:
        """Says which round begins."""
        self._live.update(self._table())

    def wrote(self, tally: Json) -> None:
        """Counts, and shows the counts."""
        self._counts.add(tally)
        self._live.update(self._table())

    def _table(self) -> Table:
        counts = self._counts
        of = f" of about {self._planned}" if self._planned else ""
        table = Table(
            title=f"{self._title}: {counts.rows}{of} samples, {time.monotonic() - self._began:.0f} s",
            title_justify="left",
        )
        for column in ("stage", "passed", "rejected", "top code"):
            table.add_column(column, justify="left" if column in ("stage", "top code") else "right")
        left = counts.rows - counts.verdicts[str(Verdict.ERROR)]
        for stage, codes in counts.rejected.items():
            rejected = sum(codes.values())
            left -= rejected
            bar = "█" * round(20 * left / counts.rows) if counts.rows else ""
            table.add_row(stage, f"{bar} {left}", str(rejected), codes.most_common(1)[0][0] if codes else "")
        table.add_row("errors", "", str(counts.verdicts[str(Verdict.ERROR)]), "")
        return table


@contextmanager
def watch(quiet: bool = False) -> Iterator[Watcher]:
    """The watcher that fits where standard error goes.

    Args:
        quiet: say nothing at all.
    """
    if quiet:
        yield Silent()
    elif sys.stderr.isatty():
        with Live(console=Console(stderr=True), refresh_per_second=4, transient=True) as live:
            yield Bars(live)
    else:
        yield Lines()
