"""One lane for each host: what waits for it is done within what its leases grant."""

import asyncio
import time
from collections import deque
from typing import Protocol

from apigen_ray.runners.rest.leases import Grant, Leases, Limit

PATIENCE = 5
"""Calls in a row that a host leaves without an answer before it is let alone."""

DOWN_S = 30.0
"""How long it is let alone: so a host that is dead costs a batch a minute and not an hour."""


class Turn(Protocol):
    """Something that takes one or more requests to one host."""

    async def take(self) -> float | None:
        """Makes one request; never raises. None: it is done; else the seconds after which it wants another turn."""
        ...

    def fail(self, error: Exception) -> None:
        """There will be no turn: nobody can say what the host bears."""
        ...

    def drop(self) -> None:
        """There will be no further turn: the host is let alone."""
        ...


class Lane:
    """The turns that wait for one host; belongs to one event loop.

    Leave is asked for in one piece for all that waits, and each slot of a grant serves one turn after the other, so
    that leases cost next to nothing for each request.

    Args:
        host: in the words of the leases.
        limit: what it bears.
        leases: of all hosts.
    """

    def __init__(self, host: str, limit: Limit, leases: Leases) -> None:
        self._host, self._limit, self._leases = host, limit, leases
        self._waiting: deque[Turn] = deque()
        self._feeder: asyncio.Task[None] | None = None
        self._slots: set[asyncio.Task[None]] = set()
        self._paused_until = self._down_until = 0.0
        self._unanswered = 0

    def add(self, turn: Turn) -> None:
        """Puts a turn at the end; drops it while the host is let alone."""
        if self._down_until > time.monotonic():
            turn.drop()
            return
        self._waiting.append(turn)
        if self._feeder is None:
            self._feeder = asyncio.create_task(self._feed())

    def pause(self, seconds: float) -> None:
        """Begins nothing for a while: the host has asked for it."""
        self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    def told(self, answered: bool) -> None:
        """Says what a call has found at its end; after `PATIENCE` in a row without an answer nobody is asked."""
        self._unanswered = 0 if answered else self._unanswered + 1
        self._down_until = time.monotonic() + DOWN_S if self._unanswered >= PATIENCE else 0.0
        while self._waiting and self._unanswered >= PATIENCE:
            self._waiting.popleft().drop()

    async def close(self) -> None:
        """Ends what is under way."""
        tasks = [*self._slots, *([self._feeder] if self._feeder is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _paused(self) -> bool:
        return self._paused_until > time.monotonic()

    async def _feed(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(max(0.0, self._paused_until - time.monotonic()))
                grant = await self._leases.take(self._host, self._limit, len(self._waiting))
                if not self._waiting or self._paused():
                    self._leases.give(self._host, grant.slots, grant.requests)
                    continue
                pace = _Pace(grant)
                for _ in range(grant.slots):
                    self._begin(pace)
        except Exception as error:
            while self._waiting:
                self._waiting.popleft().fail(error)
        finally:
            self._feeder = None

    def _begin(self, pace: "_Pace") -> None:
        wait = pace.next() if self._waiting else None
        if wait is None:  # others have done what the slot was asked for
            self._leases.give(self._host, 1)
            return
        slot = asyncio.create_task(self._serve(self._waiting.popleft(), wait, pace))
        self._slots.add(slot)  # a task that nobody holds may be collected before its end
        slot.add_done_callback(self._slots.discard)

    async def _serve(self, turn: Turn, wait: float | None, pace: "_Pace") -> None:
        try:
            while wait is not None:
                if wait > 0:
                    await asyncio.sleep(wait)
                again = await turn.take()
                if again is not None:
                    asyncio.get_running_loop().call_later(again, self.add, turn)
                wait = pace.next() if self._waiting and not self._paused() else None
                if wait is not None:
                    turn = self._waiting.popleft()
        finally:
            self._leases.give(self._host, 1)


class _Pace:
    """When the requests of a grant begin."""

    def __init__(self, grant: Grant) -> None:
        now = time.monotonic()
        self._left, self._every = grant.requests, grant.every_s
        self._next, self._end = now + grant.after_s, now + grant.lasts_s

    def next(self) -> float | None:
        """Seconds until the next one may begin; None where the grant is used up."""
        now = time.monotonic()
        if not self._left or now > self._end:
            return None
        begin = max(now, self._next)
        self._next, self._left = begin + self._every, self._left - 1
        return begin - now
