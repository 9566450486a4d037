"""A lane does what waits for a host within what is granted, and ends what cannot be granted."""

import asyncio
from collections.abc import Callable

from apigen_ray.runners.rest.lanes import Lane
from apigen_ray.runners.rest.leases import Grant, Leases, Limit, LocalLeases


class Counting(LocalLeases):
    def __init__(self) -> None:
        super().__init__()
        self.out = self.most = self.taken = 0

    async def take(self, host: str, limit: Limit, wanted: int) -> Grant:
        grant = await super().take(host, limit, wanted)
        self.taken += 1
        self.out += grant.slots
        self.most = max(self.most, self.out)
        return grant

    def give(self, host: str, slots: int, unused: int = 0) -> None:
        self.out -= slots
        super().give(host, slots, unused)


class Work:
    """Turns that count how many of them are under way."""

    def __init__(self) -> None:
        self.now = self.most = self.done = 0
        self.order: list[int] = []
        self.failed: list[Exception] = []


class Turn:
    def __init__(self, work: Work, number: int = 0, again: int = 0) -> None:
        self.work, self.number, self.again = work, number, again

    async def take(self) -> float | None:
        self.work.order.append(self.number)
        self.work.now += 1
        self.work.most = max(self.work.most, self.work.now)
        await asyncio.sleep(0)
        self.work.now -= 1
        if self.again:
            self.again -= 1
            return 0.001
        self.work.done += 1
        return None

    def fail(self, error: Exception) -> None:
        self.work.failed.append(error)


def run(leases: Leases, limit: Limit, turns: Callable[[Work], list[Turn]], pause: float = 0.0) -> Work:
    work = Work()

    async def main() -> None:
        lane = Lane("h", limit, leases)
        made = turns(work)
        if pause:
            lane.pause(pause)
        for turn in made:
            lane.add(turn)
        while work.done + len(work.failed) < len(made):
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)
        await lane.close()

    asyncio.run(asyncio.wait_for(main(), 60))
    return work


def test_all_is_done_within_the_limit_in_order_and_every_slot_comes_back() -> None:
    leases = Counting()
    work = run(leases, Limit(3), lambda work: [Turn(work, number) for number in range(50)])
    assert work.done == 50
    assert work.order == list(range(50))
    assert work.most == leases.most == 3
    assert leases.out == 0
    assert leases.taken < 10  # in grants of many, not one by one


def test_what_wants_another_turn_gets_one() -> None:
    leases = Counting()
    work = run(leases, Limit(2), lambda work: [Turn(work, number, again=number % 3) for number in range(9)])
    assert work.done == 9
    assert len(work.order) == 18
    assert leases.out == 0


def test_a_pace_is_kept_over_many_grants() -> None:
    leases = Counting()
    work = run(leases, Limit(4, requests_per_s=400), lambda work: [Turn(work, n) for n in range(40)])
    assert work.done == 40
    assert leases.out == 0


def test_nothing_begins_in_a_pause_and_everything_after_it() -> None:
    begun: list[float] = []

    class Timed(Turn):
        async def take(self) -> float | None:
            begun.append(asyncio.get_running_loop().time())
            return await super().take()

    loops: list[float] = []

    def turns(work: Work) -> list[Turn]:
        loops.append(asyncio.get_running_loop().time())
        return [Timed(work) for _ in range(3)]

    assert run(Counting(), Limit(9), turns, pause=0.05).done == 3
    assert min(begun) - loops[0] >= 0.045


def test_where_nobody_grants_every_turn_is_told() -> None:
    class Gone(LocalLeases):
        async def take(self, host: str, limit: Limit, wanted: int) -> Grant:
            raise RuntimeError("the keeper is gone")

    work = run(Gone(), Limit(1), lambda work: [Turn(work) for _ in range(3)])
    assert [str(error) for error in work.failed] == ["the keeper is gone"] * 3


def test_a_lane_that_is_closed_gives_its_slots_back() -> None:
    leases = Counting()

    class Endless(Turn):
        async def take(self) -> float | None:
            await asyncio.sleep(3600)
            return None

    async def main() -> None:
        lane = Lane("h", Limit(2), leases)
        for _ in range(5):
            lane.add(Endless(Work()))
        while leases.out < 2:
            await asyncio.sleep(0.001)
        await lane.close()

    asyncio.run(asyncio.wait_for(main(), 60))
    assert leases.out == 0
