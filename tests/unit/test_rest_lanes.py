"""A lane does what waits for a host within what is granted, and ends what cannot be granted."""

import asyncio
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from apigen_ray.runners.rest import lanes
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
        self.now = self.most = self.done = self.dropped = 0
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

    def drop(self) -> None:
        self.work.dropped += 1


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
    assert leases.taken < 25  # in grants of many, not one by one


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


def test_each_turn_waits_for_its_moment_in_the_grant() -> None:
    class Paced(LocalLeases):
        granted = False

        async def take(self, host: str, limit: Limit, wanted: int) -> Grant:
            if self.granted:
                await asyncio.Event().wait()
            self.granted = True
            return Grant(slots=2, requests=wanted, after_s=0.05, every_s=0.05, lasts_s=10.0)

    begun: list[float] = []

    class Timed(Turn):
        async def take(self) -> float | None:
            begun.append(asyncio.get_running_loop().time())
            return await super().take()

    def turns(work: Work) -> list[Turn]:
        begun.append(asyncio.get_running_loop().time())
        return [Timed(work) for _ in range(4)]

    assert run(Paced(), Limit(9), turns).done == 4
    assert all(at - begun[0] >= 0.045 * number for number, at in enumerate(begun))


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


def test_a_host_that_leaves_calls_unanswered_is_let_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    silent, later = [True], [0.0]
    monkeypatch.setattr(lanes, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + later[0]))

    class Unanswered(Turn):
        async def take(self) -> float | None:
            self.work.order.append(self.number)
            lane.told(answered=not silent[0])
            self.work.done += 1
            return None

    async def add(number: int) -> None:
        before = work.done + work.dropped
        for _ in range(number):
            lane.add(Unanswered(work))
        while work.done + work.dropped < before + number:
            await asyncio.sleep(0.001)

    work, lane = Work(), Lane("h", Limit(1), LocalLeases())

    async def main() -> None:
        await add(20)
        assert (work.done, work.dropped) == (5, 15)
        await add(3)
        assert (work.done, work.dropped) == (5, 18)
        later[0] += lanes.DOWN_S
        await add(3)  # one more try, and it is still away
        assert (work.done, work.dropped) == (6, 20)
        silent[0] = False
        later[0] += lanes.DOWN_S
        await add(30)
        assert (work.done, work.dropped) == (36, 20)
        silent[0] = True
        await add(4)
        silent[0] = False
        await add(1)
        silent[0] = True
        await add(4)
        assert (work.done, work.dropped) == (45, 20)  # five in a row, not five altogether
        await lane.close()

    asyncio.run(asyncio.wait_for(main(), 60))


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
