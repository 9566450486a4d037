"""Two processes share what one host bears, and one that dies leaves nothing behind."""

import asyncio
import os
import signal
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import ray

from apigen_ray.graph import leases
from apigen_ray.graph.leases import ClusterLeases
from apigen_ray.runners.rest.lanes import Lane
from apigen_ray.runners.rest.leases import Limit

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_session")]


HOST = "api.example:443"


class Worker:
    """A process that has turns to take; an actor."""

    def __init__(self, shared: ClusterLeases) -> None:
        self._shared = shared

    def pid(self) -> int:
        return os.getpid()

    def work(self, limit: Limit, turns: int) -> list[tuple[float, float]]:
        """When each turn began and ended, by a clock that all processes share."""
        done: list[tuple[float, float]] = []

        class Turn:
            async def take(self) -> float | None:
                begun = time.monotonic()
                await asyncio.sleep(0.005)
                done.append((begun, time.monotonic()))
                return None

            def fail(self, error: Exception) -> None:
                raise error

            def drop(self) -> None:
                raise AssertionError

        async def main() -> None:
            lane = Lane(HOST, limit, self._shared)
            for _ in range(turns):
                lane.add(Turn())
            while len(done) < turns:
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.05)  # until the last slot is given back
            await lane.close()

        asyncio.run(main())
        return done

    def seize(self, limit: Limit) -> int:
        """Takes all that there is, and keeps it."""
        return asyncio.run(self._shared.take(HOST, limit, 100)).slots


@pytest.fixture(scope="module")
def workers(ray_session: None) -> Iterator[list[Any]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leases, "EXPIRE_S", 1.0)
        shared = ClusterLeases(f"leases-{uuid.uuid4().hex}").start()
    made = [ray.remote(Worker).options(num_cpus=0).remote(shared) for _ in range(2)]
    ray.get([one.pid.remote() for one in made])
    yield made
    for one in made:
        ray.kill(one)


def most_at_a_time(spans: list[tuple[float, float]]) -> int:
    events = sorted([(begin, 1) for begin, _ in spans] + [(end, -1) for _, end in spans])
    now = most = 0
    for _, step in events:
        now += step
        most = max(most, now)
    return most


def test_two_processes_share_one_limit(workers: list[Any]) -> None:
    parts = ray.get([one.work.remote(Limit(concurrency=3, requests_per_s=200), 40) for one in workers])
    spans = [span for part in parts for span in part]
    assert len(spans) == 80
    assert most_at_a_time(spans) <= 3
    begun = sorted(begin for begin, _ in spans)
    assert begun[-1] - begun[0] >= 0.3  # eighty at 200 in a second are 0.4 s, less what came late at first


def test_what_a_dead_process_held_comes_back(workers: list[Any]) -> None:
    first, second = workers
    assert ray.get(first.seize.remote(Limit(2))) == 2
    os.kill(ray.get(first.pid.remote()), signal.SIGKILL)
    assert len(ray.get(second.work.remote(Limit(2), 5), timeout=60)) == 5


def test_copies_are_equal() -> None:
    assert ClusterLeases("a") == ClusterLeases("a")
    assert hash(ClusterLeases("a")) == hash(ClusterLeases("a"))
