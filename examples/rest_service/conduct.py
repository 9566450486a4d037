"""How operations behave beside answering: pages, a rate limit, failures now and then, slowness."""

import asyncio
import math
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Query, Request


@dataclass(frozen=True)
class RateLimit:
    """A dependency that lets ``calls`` through in any ``seconds``; the others are 429 and told when to come back."""

    calls: int
    seconds: float

    async def __call__(self, request: Request) -> None:
        """Counts the request.

        Raises:
            HTTPException: 429 with ``Retry-After`` in whole seconds.
        """
        passed: deque[float] = request.app.state.passed[request.scope["route"].name]
        now = time.monotonic()
        while passed and passed[0] <= now - self.seconds:
            passed.popleft()
        if len(passed) >= self.calls:
            wait = math.ceil(passed[0] + self.seconds - now)
            raise HTTPException(429, "too many requests", headers={"Retry-After": str(wait)})
        passed.append(now)


@dataclass(frozen=True)
class Flaky:
    """A dependency that answers the first of every ``nth`` requests with 503; the next one is fine."""

    nth: int

    async def __call__(self, request: Request) -> None:
        """Counts the request.

        Raises:
            HTTPException: 503.
        """
        counts: Counter[str] = request.app.state.counts
        name = request.scope["route"].name
        counts[name] += 1
        if (counts[name] - 1) % self.nth == 0:
            raise HTTPException(503, "try again")


async def slowly(request: Request) -> None:
    """A dependency that waits as long as the application was told to."""
    await asyncio.sleep(request.app.state.slow_seconds)


@dataclass(frozen=True)
class Page:
    """Which part of a list is asked for: pages count from 1."""

    number: int
    size: int

    def of(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """The page of the rows, how many there are in all, and the next page's number where there is one."""
        start = (self.number - 1) * self.size
        end = start + self.size
        return {"items": rows[start:end], "total": len(rows), "next_page": self.number + 1 if end < len(rows) else None}


async def _page(
    page: Annotated[int, Query(ge=1, le=1000, description="Number of the page, from 1.")] = 1,
    page_size: Annotated[int, Query(ge=1, le=50, description="Entries on a page.")] = 10,
) -> Page:
    return Page(page, page_size)


Paged = Annotated[Page, Depends(_page)]
"""The page that is asked for, as a parameter of a handler."""
