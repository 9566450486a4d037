"""Progress of a run: one bar for each stage on a terminal, one line every thirty seconds elsewhere."""

import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table

from apigen_ray.config import STAGES
from apigen_ray.display.samples import unmarked
from apigen_ray.job.conduct import Silent, Watcher
from apigen_ray.records import Json, Verdict
from apigen_ray.rundir import RunDir

LINE_EVERY_S = 30.0

_UNITS = (("h", 3600.0), ("min", 60.0), ("s", 1.0))


class Counts:
    """Rows written so far, by stage; what a tally says of a row is the stage that ended its way."""

    def __init__(self) -> None:
        self.rows = 0
        self.verdicts: Counter[str] = Counter()
        self.rejected: dict[str, Counter[str]] = {stage: Counter() for stage in STAGES}

    def add(self, tally: Json) -> None:
        """Counts one row of `apigen_ray.graph.tally.TALLY`."""
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


class Eta:
    """When a run will be done, at the pace that it has had since its first verdict.

    Args:
        planned: prompts to be done; 0 where that is not known.
    """

    def __init__(self, planned: int) -> None:
        self._planned = planned
        self._done = self._since = 0
        self._first: float | None = None

    def add(self, prompts: int, now: float) -> None:
        """So many more prompts have their verdict."""
        self._done += prompts
        if self._first is None:
            self._first, self._since = now, self._done  # what came first came with the start of all engines

    def words(self, now: float) -> str:
        """For the end of a line; "" where nothing can be said yet."""
        since, left = self._done - self._since, self._planned - self._done
        if self._first is None or since <= 0 or left <= 0 or now <= self._first:
            return ""
        seconds = (now - self._first) * left / since
        unit, size = next(each for each in _UNITS if seconds >= 1.5 * each[1] or each is _UNITS[-1])
        return f", about {max(1.0, seconds / size):.0f} {unit} left"


class Lines:
    """Plain lines on standard error, for logs and jobs."""

    def __init__(self) -> None:
        self._counts = Counts()
        self._eta = Eta(0)
        self._began = self._said = time.monotonic()
        self._lock = threading.Lock()

    def began(self, run: RunDir, planned: int) -> None:
        """Says where the run goes."""
        self._eta = Eta(planned)
        self._say(f"run directory {run.path}" + (f", {planned} prompts to do" if planned else ""))

    def round_began(self, round_: int) -> None:
        """Says which round begins."""
        self._say(f"round {round_}")

    def wrote(self, tally: Json) -> None:
        """Counts."""
        with self._lock:
            first = not self._counts.verdicts[str(Verdict.VERIFIED)]
            self._counts.add(tally)
            self._eta.add(tally["prompts"], time.monotonic())
            first = first and bool(self._counts.verdicts[str(Verdict.VERIFIED)])
        if first:
            self._say("first verified sample is on the disk")

    def stopping(self, why: str, grace_s: float) -> None:
        """Says why, and what is waited for."""
        self._say(stop_words(why, grace_s))

    def tick(self) -> None:
        """Shows the counts where nothing was said for `LINE_EVERY_S`; a timer calls it, tallies or not."""
        now = time.monotonic()
        if now - self._said >= LINE_EVERY_S:
            with self._lock:
                line = self._counts.line() + self._eta.words(now)
            self._say(line)

    def _say(self, text: str) -> None:
        self._said = time.monotonic()
        print(f"[{self._said - self._began:6.0f}s] {text}", file=sys.stderr, flush=True)


class Bars:
    """A live table on a terminal: for each stage what passed, what was rejected, and the commonest code."""

    def __init__(self) -> None:
        self._counts = Counts()
        self._eta = Eta(0)
        self._planned = 0
        self._title = "starting"
        self._end = ""
        self._began = time.monotonic()
        self._lock = threading.Lock()

    def began(self, run: RunDir, planned: int) -> None:
        """Says where the run goes."""
        self._planned, self._eta = planned, Eta(planned)
        self._title = unmarked(str(run.path))

    def round_began(self, round_: int) -> None:
        """Nothing to show."""

    def wrote(self, tally: Json) -> None:
        """Counts."""
        with self._lock:
            self._counts.add(tally)
            self._eta.add(tally["prompts"], time.monotonic())

    def stopping(self, why: str, grace_s: float) -> None:
        """Says why, and what is waited for."""
        self._end = stop_words(why, grace_s)

    def table(self) -> Table:
        """What stands on the terminal now; `rich` asks several times a second."""
        with self._lock:
            return self._drawn()

    def _drawn(self) -> Table:
        counts, now = self._counts, time.monotonic()
        of = f" of about {self._planned}" if self._planned else ""
        table = Table(
            title=f"{self._title}: {counts.rows}{of} samples, {now - self._began:.0f} s{self._eta.words(now)}",
            title_justify="left",
            caption=unmarked(self._end) or None,
            caption_justify="left",
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


def stop_words(why: str, grace_s: float) -> str:
    """What is said of a run that comes to an early end."""
    return f"{why}: ending the run; up to {grace_s:g} s for what is in flight (Ctrl-C again: at once)"


@contextmanager
def watch(quiet: bool = False) -> Iterator[Watcher]:
    """The watcher that fits where standard error goes.

    Args:
        quiet: say nothing at all.
    """
    if quiet:
        yield Silent()
    elif sys.stderr.isatty():
        bars = Bars()
        with Live(console=Console(stderr=True), get_renderable=bars.table, refresh_per_second=4, transient=True):
            yield bars
    else:
        lines, done = Lines(), threading.Event()

        def tick() -> None:
            while not done.wait(1.0):
                lines.tick()

        timer = threading.Thread(target=tick, name="lines", daemon=True)
        timer.start()
        try:
            yield lines
        finally:
            done.set()
            timer.join()
