"""When a run must end before it is done: what it may spend, how much of it may fail, how long it may stand still."""

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import pyarrow.compute as pc

from apigen_ray.config import LimitsSpec
from apigen_ray.engines.priced import Price
from apigen_ray.errors import RESUME, ApigenError, RunFailedError, RunStoppedError
from apigen_ray.graph.tally import COLUMNS, spent
from apigen_ray.records import Json, Verdict
from apigen_ray.rundir import RunDir
from apigen_ray.storage import AnyPath, list_files, read_tables
from apigen_ray.tables import gathered

ROWS = 10_000
"""Of earlier attempts, that are counted at a time."""

FILES = 8
"""Of earlier attempts, for one thread to count."""

THREADS = 8
"""That count them: Arrow decodes beside Python, and a store answers several as fast as one."""

WINDOW = 1000
"""Latest rows of which the share of errors is taken."""

LEAST = 200
"""Rows before that share says anything."""


class Past(NamedTuple):
    """What the attempts before this one have left.

    Attributes:
        done: about how many of the prompts have a verdict: those whose first sample has one. For the eye only.
        errors: rows with the verdict ``error``, which are tried again.
    """

    done: int
    errors: int


def look_back(run: RunDir, meter: "Meter", size: int, rounds: int) -> Past:
    """Counts what the attempts before this one have left.

    What the rows with the verdict ``error`` took is not counted: they are tried again, and count then. A batch that was
    written twice counts twice until its round is closed: a limit may come early by it, never late.

    Args:
        run: the run directory.
        meter: to which it is added.
        size: prompts for each round and generator, of this attempt.
        rounds: of this attempt.
    """
    done = errors = 0
    with ThreadPoolExecutor(THREADS) as pool:
        for round_ in run.rounds():
            failed: list[AnyPath] = []
            judged: list[AnyPath] = []
            there = {*list_files(run.samples(round_))}  # what somebody deleted is let go when the round is opened
            for file in run.sample_files(round_):
                if file in there:
                    (failed if file.parent.name == f"verdict={Verdict.ERROR}" else judged).append(file)
            errors += sum(table.num_rows for table in read_tables(failed, ["pair"]))
            chunks = [judged[start : start + FILES] for start in range(0, len(judged), FILES)]
            for tallies, prompts in pool.map(partial(_counted, size=size), chunks):
                for tally in tallies:
                    meter.add(tally)
                done += prompts if round_ < rounds else 0
    return Past(done, errors)


def _counted(files: Sequence[AnyPath], size: int) -> tuple[list[Json], int]:
    """What the rows of some files took, by generator, and of how many prompts within the size they are the first."""
    tallies: list[Json] = []
    prompts = 0
    for table in gathered(read_tables(files, [*COLUMNS, "index"]), ROWS):
        tallies += spent(table).to_pylist()
        first = pc.equal(pc.fill_null(table["pair"], 0), 0)
        prompts += pc.sum(pc.and_(first, pc.less(table["index"], size))).as_py() or 0
    return tallies, prompts


class Meter:
    """Tokens and money that a run has taken over all its attempts, of what has a verdict.

    Args:
        prices: of each generator's tokens; one that has none costs nothing.
        judge: of the judge's.

    Attributes:
        tokens: read and written by generators and judge.
        cost: of these tokens.
        spent: tokens and cost for ``result.json``, always up to date.
    """

    def __init__(self, prices: Mapping[str, Price | None], judge: Price | None = None) -> None:
        self.tokens = 0
        self.cost = 0.0
        self.spent: Json = {"tokens": 0, "cost": 0.0}
        self._prices, self._judge = prices, judge

    def add(self, tally: Json) -> None:
        """Counts one row of `apigen_ray.graph.tally.TALLY`, or of what `apigen_ray.graph.tally.spent` gives."""
        parts = ((self._prices.get(tally["generator"]), ""), (self._judge, "judge_"))
        for price, whose in parts:
            read, written = tally[f"{whose}prompt_tokens"], tally[f"{whose}completion_tokens"]
            self.tokens += read + written
            self.cost += price.of(read, written) if price else 0.0
        self.spent |= {"tokens": self.tokens, "cost": round(self.cost, 6)}


class Breaker:
    """Trips where too many of the latest rows could not be judged: such a run burns money, or stands before a wall.

    Args:
        share: of errors that is allowed.
        before: rows that were errors when this attempt began. They are tried again, all together and first, and as many
            errors do not count: what no attempt can mend would otherwise stop a run each time it is taken up.
    """

    def __init__(self, share: float, before: int = 0) -> None:
        self._share, self._before = share, before
        self._latest: deque[Json] = deque()
        self._rows = self._errors = 0

    def add(self, tally: Json) -> None:
        """Counts one row of `apigen_ray.graph.tally.TALLY`."""
        if tally["verdict"] == Verdict.ERROR:
            known = min(self._before, tally["rows"])
            self._before -= known
            tally = tally | {"rows": tally["rows"] - known}
        self._latest.append(tally)
        self._count(tally, 1)
        while self._rows - self._latest[0]["rows"] >= WINDOW:
            self._count(self._latest.popleft(), -1)

    def tripped(self, where: str, again: str) -> RunFailedError | None:
        """Why the run must end; None while all is well.

        Args:
            where: the run directory.
            again: how to take the run up again.
        """
        if self._rows < LEAST or self._errors <= self._share * self._rows:
            return None
        codes: Counter[tuple[str, str]] = Counter()
        for tally in self._latest:
            if tally["verdict"] == Verdict.ERROR:
                codes[tally["stage"], tally["code"]] += tally["rows"]
        return too_many_errors(self._errors, f"the latest {self._rows}", codes, where, again)

    def _count(self, tally: Json, times: int) -> None:
        self._rows += times * tally["rows"]
        self._errors += times * tally["rows"] if tally["verdict"] == Verdict.ERROR else 0


def too_many_errors(
    errors: int, rows: str, codes: Mapping[tuple[str, str], int], where: str, again: str = RESUME
) -> RunFailedError:
    """What a run says that cannot judge what it drafts.

    Args:
        errors: so many rows.
        rows: of so many, in words.
        codes: the errors by stage and code.
        where: the run directory.
        again: how to take the run up again.
    """
    stage, code = max(codes, key=lambda each: (codes[each], each))
    return RunFailedError(
        f"{errors} of {rows} samples could not be judged, most often {stage}: {code}",
        f"see why: apigen show {where} --verdict error; mend that, then {again}",
    )


class Guard:
    """Says while a run goes on whether it must end.

    Args:
        limits: what the user allows.
        share: of errors that is allowed.
        meter: what the run has taken so far; it goes on counting here.
        where: the run directory, for messages.
        again: how to take the run up again.
        errors: rows that were errors when this attempt began, see `Breaker`.
        clock: seconds; this attempt begins now.
    """

    def __init__(
        self,
        limits: LimitsSpec,
        share: float,
        meter: Meter,
        where: str,
        again: str = RESUME,
        errors: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits, self.meter, self.again = limits, meter, again
        self._breaker, self._where, self._clock = Breaker(share, errors), where, clock
        self._began = self._moved = clock()
        self._signs: object = None

    def add(self, tally: Json) -> None:
        """Counts one row of `apigen_ray.graph.tally.TALLY`."""
        self.meter.add(tally)
        self._breaker.add(tally)
        self._moved = self._clock()

    def reason(self) -> ApigenError | None:
        """Why the run must come to a clean end; None while it may go on.

        A limit counts up to the last row: what is left to do is known exactly only once it is done.
        """
        if error := self._breaker.tripped(self._where, self.again):
            return error
        limits, hours = self.limits, (self._clock() - self._began) / 3600
        for name, taken, limit in (
            ("cost", self.meter.cost, limits.max_cost),
            ("tokens", self.meter.tokens, limits.max_tokens),
            ("hours", hours, limits.max_hours),
        ):
            if limit is not None and taken >= limit:
                figure = f"{taken:,.0f}" if name == "tokens" else f"{taken:,.4g}"
                more = self.again if name == "hours" else f"raise --max-{name}, then {self.again}"
                return RunStoppedError(f"limits.max_{name} is reached: {figure} of {limit:,g}", more)
        return None

    def check(self) -> None:
        """Ends a run that need not begin.

        Raises:
            RunStoppedError: a limit is reached already.
        """
        if (why := self.reason()) is not None:
            raise why

    def waits(self, signs: object) -> None:
        """A graph begins, which may take its time.

        Args:
            signs: see `stalled`.
        """
        self._moved, self._signs = self._clock(), signs

    def stalled(self, signs: Callable[[], object]) -> bool:
        """Whether nothing has come for too long.

        Args:
            signs: gives something that changes with every reply that comes to the disk; called only where no verdict
                has come for long.
        """
        if self._clock() - self._moved < 60 * self.limits.stall_minutes:
            return False
        before, self._signs = self._signs, signs()
        self._moved = self._clock()
        return before == self._signs
