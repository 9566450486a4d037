"""Who may ask a host now: requests begun in a second and under way at a time, kept for everybody who shares a book."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

HOLD_S = 1.0
"""How long a grant is good for: so long at most does one that has more to do keep others from their turn."""


@dataclass(frozen=True)
class Limit:
    """What a host bears.

    Attributes:
        concurrency: requests under way at a time.
        requests_per_s: requests that are begun in a second; None: no limit.
    """

    concurrency: int
    requests_per_s: float | None = None


@dataclass(frozen=True)
class Grant:
    """Leave to make some requests.

    Attributes:
        slots: how many at a time; each slot is to be given back.
        requests: how many altogether.
        after_s: seconds until the first may begin.
        every_s: seconds from the begin of one to that of the next.
        lasts_s: seconds after which none may begin.
    """

    slots: int
    requests: int
    after_s: float
    every_s: float
    lasts_s: float


class Leases(Protocol):
    """Hands out what hosts bear, in grants of many requests each; used from one event loop.

    One that lets everybody do as they like::

        class NoLeases:
            async def take(self, host: str, limit: Limit, wanted: int) -> Grant:
                return Grant(slots=wanted, requests=wanted, after_s=0.0, every_s=0.0, lasts_s=HOLD_S)

            def give(self, host: str, slots: int, unused: int = 0) -> None: ...
    """

    async def take(self, host: str, limit: Limit, wanted: int) -> Grant:
        """Leave for at least one request and at most ``wanted`` slots; waits until there is one.

        Args:
            host: whose limit it is, as ``name:port``.
            limit: what the host bears.
            wanted: how many requests are waiting.
        """
        ...

    def give(self, host: str, slots: int, unused: int = 0) -> None:
        """Gives slots back, and leave for requests that were never made; does not wait."""
        ...


@dataclass
class _Ticket:
    holder: str
    limit: Limit
    wanted: int
    turn: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class _Page:
    """What a book knows of one host: who has how many slots, who waits, and when the next request may begin."""

    held: dict[str, int] = field(default_factory=dict)
    waiting: deque[_Ticket] = field(default_factory=deque)
    next_at: float = -math.inf
    every_s: float = 0.0


class Book:
    """The slots and the pace of each host; those who wait are served in the order of their coming.

    Nothing in it is done by a timer of its own: the first one in a queue looks after it.

    Args:
        expire_s: a holder that has not been heard of for so long has lost its slots.
        clock: seconds, for tests.
    """

    def __init__(self, expire_s: float = math.inf, clock: Callable[[], float] = time.monotonic) -> None:
        self._expire_s, self._clock = expire_s, clock
        self._pages: dict[str, _Page] = {}
        self._heard: dict[str, float] = {}

    async def take(self, holder: str, host: str, limit: Limit, wanted: int) -> Grant:
        """See `Leases.take`; ``holder`` is who asks."""
        self.heard(holder)
        page = self._pages.setdefault(host, _Page())
        ticket = _Ticket(holder, limit, wanted)
        page.waiting.append(ticket)
        try:
            while True:
                wait: float | None = None
                if page.waiting[0] is ticket:
                    found = self._look(page, ticket)
                    if isinstance(found, Grant):
                        return found
                    wait = found
                ticket.turn.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(ticket.turn.wait(), wait)
        finally:  # granted or given up: the next one's turn
            page.waiting.remove(ticket)
            self._wake(page)

    def give(self, holder: str, host: str, slots: int, unused: int = 0) -> None:
        """See `Leases.give`; what an expired holder gives back is nobody's any more."""
        self.heard(holder)
        page = self._pages.get(host)
        if page is None or holder not in page.held:
            return
        page.next_at -= unused * page.every_s
        page.held[holder] -= slots
        if page.held[holder] <= 0:
            del page.held[holder]
        self._wake(page)
        if not page.held and not page.waiting and page.next_at < self._clock():
            del self._pages[host]

    def heard(self, holder: str) -> None:
        """Says that a holder lives."""
        self._heard[holder] = self._clock()

    def _look(self, page: _Page, ticket: _Ticket) -> Grant | float | None:
        """A grant, or the seconds after which it is worth looking again; None: when slots come back."""
        now, limit = self._clock(), ticket.limit
        for holder in [holder for holder in page.held if now - self._heard[holder] > self._expire_s]:
            del page.held[holder]
        free = limit.concurrency - sum(page.held.values())
        if free <= 0:
            return None if math.isinf(self._expire_s) else self._expire_s / 4
        slots = min(ticket.wanted, max(1, free // len(page.waiting)))
        if limit.requests_per_s is None:
            grant = Grant(slots, ticket.wanted, 0.0, 0.0, HOLD_S)
        else:
            every = 1 / limit.requests_per_s
            after = max(page.next_at - now, 0.0)
            if after > HOLD_S:
                return after - HOLD_S / 2
            requests = min(ticket.wanted, 1 + int(HOLD_S / every))
            page.next_at, page.every_s = now + after + requests * every, every
            grant = Grant(min(slots, requests), requests, after, every, after + requests * every)
        page.held[ticket.holder] = page.held.get(ticket.holder, 0) + grant.slots
        return grant

    def _wake(self, page: _Page) -> None:
        if page.waiting:
            page.waiting[0].turn.set()


class LocalLeases:
    """What hosts bear, shared by nobody but this process."""

    def __init__(self) -> None:
        self._book = Book()

    async def take(self, host: str, limit: Limit, wanted: int) -> Grant:
        """See `Leases.take`."""
        return await self._book.take("", host, limit, wanted)

    def give(self, host: str, slots: int, unused: int = 0) -> None:
        """See `Leases.give`."""
        self._book.give("", host, slots, unused)
