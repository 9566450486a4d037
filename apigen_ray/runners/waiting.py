"""What waits for a worker in a batch, and what the next worker is to be started for."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence

from apigen_ray.runners.base import Outcome
from apigen_ray.runners.handle import COMPILE, LOAD
from apigen_ray.runners.programs import Owner, Program

Job = tuple[int, Program]
"""Number of a call, or COMPILE, and what it is to."""


class Waiting:
    """Calls that no worker has been given, by owner and program, and suspects, which are tried again alone.

    Args:
        judge: looks whether a program cannot be compiled.
        settle: takes the outcome of a call.
    """

    def __init__(self, judge: Callable[[Program], None], settle: Callable[[int, Outcome], None]) -> None:
        self._judge = judge
        self._settle = settle
        self._owners: dict[int, Owner] = {}  # with calls in this batch, by identity
        self._suspects: deque[Job] = deque()

    def add(self, number: int, program: Program, *, first: bool = False) -> None:
        """Puts a call among those that wait."""
        self._owners[id(program.owner)] = program.owner
        if not program.waiting:
            (program.owner.programs.appendleft if first else program.owner.programs.append)(program)
        (program.waiting.appendleft if first else program.waiting.append)(number)

    def again(self, given: Sequence[Job]) -> None:
        """Has what a worker was given and did not come to wait as before."""
        for number, program in reversed(given):
            if number == COMPILE:
                program.compiling = False
            elif number != LOAD:
                self.add(number, program, first=True)

    def suspect(self, job: Job) -> None:
        """Has a job tried alone, before all else."""
        self._suspects.append(job)

    def settle_broken(self, program: Program) -> None:
        """Settles the calls of a program that cannot even be loaded."""
        self._judge(program)
        while program.waiting and program.broken:
            self._settle(program.waiting.popleft(), program.broken)

    def next(self, served: Iterable[Owner]) -> tuple[Owner, Job | None] | None:
        """What a worker is to be started for: an owner, and what it is to do alone; None where nothing waits.

        Args:
            served: owners that have a busy worker already.
        """
        if self._suspects:
            return self._suspects[0][1].owner, self._suspects[0]
        busy = {id(owner) for owner in served}
        first = later = None
        for owner in self._owners.values():
            for program in owner.programs:
                self.settle_broken(program)
            owner.programs = deque(program for program in owner.programs if program.waiting)
            for program in owner.programs:
                if program.code is None and program.compiling:
                    continue
                if program.apart:  # these first: one may take all the time that it has
                    return owner, (COMPILE if program.code is None else program.waiting[0], program)
                if id(owner) in busy:
                    later = later or (owner, None)
                else:
                    first = first or (owner, None)
        return first or later

    def take(self, job: Job) -> None:
        """Takes out a job that `next` has told."""
        if self._suspects:
            self._suspects.popleft()
        elif job[0] != COMPILE:
            job[1].waiting.popleft()
