"""The REST runner against a plain httpx client at the same concurrency, on the example service on loopback.

Run: ``python -m bench.rest [--pairs 7] [--requests 2000] [--concurrency 32]``; about a minute. Both make the same
calls, read the JSON of each answer and keep its body; the service is a process of its own. What the plain client does
not do: resolve and judge the address, wait for its turn, bound the answer, look for secrets, and leave a status where
something fails.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from apigen_ray.library import OpenApiSource
from apigen_ray.records import Api, Status
from apigen_ray.runners.base import ExecutionSpec, Task
from apigen_ray.runners.rest.leases import LocalLeases
from apigen_ray.runners.rest.runner import RestRunner
from apigen_ray.runners.rest.spec import RestSpec
from examples.rest_service.process import running

PLANETS = ("Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune")


def the_api(url: str, folder: str) -> Api:
    """The operation that is called, out of the service's own document."""
    path = Path(folder) / "openapi.json"
    path.write_bytes(httpx.get(f"{url}/openapi.json").content)
    return OpenApiSource(path=str(path), operations=("planet_radius",)).parse(Path()).apis[0]


class Plain:
    """One httpx client, warm from batch to batch, with its loop."""

    def __init__(self, url: str, concurrency: int) -> None:
        self._loop, self._slots = asyncio.new_event_loop(), asyncio.Semaphore(concurrency)
        limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
        self._client = httpx.AsyncClient(base_url=url, limits=limits, timeout=60)

    def run(self, count: int) -> None:
        """Makes the calls."""

        async def one(number: int) -> str:
            async with self._slots:
                response = await self._client.get(f"/planets/{PLANETS[number % 8]}")
                return json.dumps(response.raise_for_status().json())

        async def every() -> list[str]:
            return await asyncio.gather(*map(one, range(count)))

        assert len(self._loop.run_until_complete(every())) == count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--concurrency", type=int, default=32)
    given = parser.parse_args()
    with running() as url, tempfile.TemporaryDirectory() as folder:
        api = the_api(url, folder)
        rest = RestSpec(allow_hosts=("127.0.0.1",), requests_per_s=None, concurrency=given.concurrency)
        runner = RestRunner(ExecutionSpec(rest=rest), LocalLeases())
        plain = Plain(url, given.concurrency)
        tasks = [Task(api, json.dumps({"planet": PLANETS[number % 8]})) for number in range(given.requests)]

        def ours() -> None:
            assert all(outcome.status == Status.PASSED for outcome in runner.run(tasks))

        def theirs() -> None:
            plain.run(given.requests)

        work: dict[str, Callable[[], None]] = {"runner": ours, "plain": theirs}
        rates: dict[str, list[float]] = {name: [] for name in work}
        for name in work:  # warm: connections, and the service's own
            work[name]()
        for number in range(given.pairs):
            for name in list(work) if number % 2 else list(work)[::-1]:
                began = time.perf_counter()
                work[name]()
                rates[name].append(given.requests / (time.perf_counter() - began))
        runner.close()
    load = ", ".join(f"{figure:.1f}" for figure in os.getloadavg())
    print(f"{given.requests} requests, {given.concurrency} at a time, {given.pairs} pairs; load {load}; medians")
    for name, found in rates.items():
        print(f"{name:7} {statistics.median(found):6.0f}/s   {min(found):.0f} to {max(found):.0f}")
    ratios = sorted(a / b for a, b in zip(rates["runner"], rates["plain"], strict=True))
    print(f"runner / plain: median {statistics.median(ratios):.3f}, all pairs {ratios[0]:.3f} to {ratios[-1]:.3f}")


if __name__ == "__main__":
    main()
