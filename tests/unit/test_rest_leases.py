"""Who may ask a host now: slots, pace, order, and what becomes of those who are not heard of."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from apigen_ray.runners.rest import leases
from apigen_ray.runners.rest.leases import HOLD_S, Book, Grant, Limit, LocalLeases


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def within_a_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    def run() -> None:
        asyncio.run(asyncio.wait_for(test(), 30))

    run.__name__ = test.__name__
    return run


def waiting(*coroutines: Coroutine[Any, Any, Grant]) -> list[asyncio.Task[Grant]]:
    return [asyncio.create_task(one) for one in coroutines]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@within_a_loop
async def test_never_more_slots_than_the_host_bears_and_first_come_first_served() -> None:
    book, limit = Book(), Limit(4)
    assert await book.take("a", "h", limit, 3) == Grant(3, 3, 0.0, 0.0, HOLD_S)
    assert (await book.take("b", "h", limit, 3)).slots == 1
    first, second = waiting(book.take("c", "h", limit, 5), book.take("a", "h", limit, 1))
    await settle()
    assert not first.done()
    assert (await book.take("c", "other", limit, 9)).slots == 4
    book.give("a", "h", 2)
    await settle()
    # two are free and two wait: none takes it all
    assert first.result().slots == 1
    assert second.result().slots == 1


@within_a_loop
async def test_the_pace_holds_over_all_holders() -> None:
    clock = Clock()
    book, limit = Book(clock=clock), Limit(100, requests_per_s=10)
    assert await book.take("a", "h", limit, 4) == Grant(4, 4, 0.0, 0.1, pytest.approx(0.4))
    later = await book.take("b", "h", limit, 3)
    assert (later.requests, later.after_s, later.every_s) == (3, pytest.approx(0.4), 0.1)
    book.give("b", "h", 3, unused=2)
    assert (await book.take("c", "h", limit, 1)).after_s == pytest.approx(0.5)
    clock.now += 60
    much = await book.take("a", "h", limit, 50)
    assert (much.requests, much.slots, much.after_s) == (11, 11, 0.0)  # a second's worth at most


def test_what_is_far_off_is_not_granted_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "HOLD_S", 0.02)

    async def run() -> None:
        book, limit = Book(), Limit(9, requests_per_s=50)
        assert (await book.take("a", "h", limit, 9)).requests == 2
        assert (await book.take("b", "h", limit, 9)).after_s <= 0.02

    asyncio.run(run())


@within_a_loop
async def test_who_is_not_heard_of_has_lost_what_it_held() -> None:
    clock = Clock()
    book, limit = Book(expire_s=10, clock=clock), Limit(2)
    await book.take("dead", "h", limit, 1)
    await book.take("slow", "h", limit, 1)
    clock.now += 9
    book.heard("slow")
    clock.now += 9
    assert (await book.take("next", "h", limit, 5)).slots == 1
    book.give("dead", "h", 1)  # it was not dead after all, and gives back what is another's by now
    [third] = waiting(book.take("next", "h", limit, 1))
    await settle()
    assert not third.done()
    book.give("slow", "h", 1)
    assert (await third).slots == 1


@within_a_loop
async def test_who_gives_up_does_not_stand_in_the_way() -> None:
    book, limit = Book(), Limit(1)
    await book.take("a", "h", limit, 1)
    first, second = waiting(book.take("b", "h", limit, 1), book.take("c", "h", limit, 1))
    await settle()
    first.cancel()
    book.give("a", "h", 1)
    assert (await second).slots == 1


@within_a_loop
async def test_a_host_that_nobody_asks_is_forgotten() -> None:
    book = Book()
    for number in range(100):
        grant = await book.take("a", f"h{number}", Limit(3), 2)
        book.give("a", f"h{number}", grant.slots)
    assert not book._pages


@within_a_loop
async def test_the_leases_of_a_process() -> None:
    local = LocalLeases()
    grant = await local.take("h", Limit(2), 5)
    assert grant.slots == 2
    [next_] = waiting(local.take("h", Limit(2), 5))
    await settle()
    assert not next_.done()
    local.give("h", 1)
    assert (await next_).slots == 1
