"""The ``openai`` engine against a plain asyncio client on one loopback server: requests per second, seen by the server.

Run: ``python bench/openai_engine.py [--pairs 7] [--rows 1536]``; about two minutes. The server answers after 200 ms,
all clients keep 64 requests in flight; the plain one is aiohttp's. A run's rate is its requests over the time from the
first arrival to the last answer, so that starting Ray's actor is not in it; that is reported apart.
"""

import argparse
import asyncio
import json
import multiprocessing
import statistics
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import aiohttp
import httpx
import psutil
import pyarrow as pa
import ray

from apigen_ray.engines.openai import OpenAiEngine
from apigen_ray.engines.openai_spec import OpenAiSpec
from apigen_ray.graph.session import ray_session
from apigen_ray.records import DRAFT, Request
from apigen_ray.tables import conform, table_of

CONCURRENCY = 64
LATENCY_S = 0.2
PROMPT = "Plan a visit to Lisbon. " * 80  # 2 KB, about what a generator's prompt has
REPLY = json.dumps(
    {
        "model": "loop",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "x" * 600}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 500, "completion_tokens": 150},
    }
).encode()
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


class _Server(asyncio.Protocol):
    """Just enough HTTP: reads one request, answers it after the latency."""

    first = last = 0.0
    count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = next(
            (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        if len(rest) < length:
            return
        self.buffer = rest[length:]
        if head.startswith(b"GET"):  # the figures of the run that has ended
            body = json.dumps([_Server.count, _Server.first, _Server.last]).encode()
            _Server.count, _Server.first = 0, 0.0
            self.transport.write(HEAD % len(body) + body)  # type: ignore[attr-defined]
            return
        _Server.first = _Server.first or time.time()
        asyncio.get_running_loop().call_later(LATENCY_S, self.answer)

    def answer(self) -> None:
        _Server.count += 1
        _Server.last = time.time()
        self.transport.write(HEAD % len(REPLY) + REPLY)  # type: ignore[attr-defined]


def serve(pipe: Connection) -> None:
    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(_Server, "127.0.0.1", 0, backlog=1024)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


def body(number: int) -> bytes:
    return json.dumps({"model": "loop", "messages": [{"role": "user", "content": f"{number} {PROMPT}"}]}).encode()


async def plain_httpx(url: str, rows: int) -> None:
    limits = httpx.Limits(max_connections=CONCURRENCY, max_keepalive_connections=CONCURRENCY)
    slots = asyncio.Semaphore(CONCURRENCY)
    async with httpx.AsyncClient(limits=limits, timeout=60) as client:

        async def one(number: int) -> str:
            async with slots:
                response = await client.post(url, content=body(number))
                return str(response.json()["choices"][0]["message"]["content"])

        assert len(await asyncio.gather(*map(one, range(rows)))) == rows


async def plain_aiohttp(url: str, rows: int) -> None:
    slots = asyncio.Semaphore(CONCURRENCY)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONCURRENCY)) as client:

        async def one(number: int) -> str:
            async with slots, client.post(url, data=body(number)) as response:
                return str((await response.json())["choices"][0]["message"]["content"])

        assert len(await asyncio.gather(*map(one, range(rows)))) == rows


class Ask:
    """Puts two kilobytes to the engine."""

    name = "reply"

    def request(self, row: Any) -> Request:
        """The request for a row."""
        return Request(({"role": "user", "content": f"{row['index']} {PROMPT}"},))


def always(row: Any) -> bool:
    return True


def through_the_engine(base_url: str, rows: int) -> None:
    spec = OpenAiSpec(engine="openai", base_url=base_url, model="loop", concurrency=CONCURRENCY)
    plan = conform(table_of([{"prompt_id": f"p{number}", "index": number} for number in range(rows)], DRAFT), DRAFT)
    dataset = ray.data.from_arrow([plan.slice(start, 512) for start in range(0, rows, 512)])
    out = OpenAiEngine(spec).attach(dataset, Ask(), always, DRAFT)
    tables = list(out.iter_batches(batch_size=None, batch_format="pyarrow"))
    replies = pa.concat_tables([table for table in tables if table.num_rows])["reply"].to_pylist()
    assert len(replies) == rows
    assert all(reply["text"] for reply in replies)


class Tree:
    """CPU seconds and the most proportional memory of this process and its children, but for the server."""

    def __init__(self, server: int) -> None:
        self._server, self.pss, self._going = server, 0, True
        self._thread = threading.Thread(target=self._watch)

    def _processes(self) -> list[psutil.Process]:
        me = psutil.Process()
        return [me, *(child for child in me.children(recursive=True) if child.pid != self._server)]

    def cpu(self) -> float:
        """CPU seconds until now."""
        total = 0.0
        for process in self._processes():
            try:
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
            except psutil.Error:
                continue  # it has ended meanwhile; its time is in its parent's
        return total

    def _watch(self) -> None:
        while self._going:
            total = 0
            for process in self._processes():
                try:
                    total += process.memory_full_info().pss
                except psutil.Error:
                    continue
            self.pss = max(self.pss, total)
            time.sleep(1)

    def __enter__(self) -> "Tree":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._going = False
        self._thread.join()


def measure(work: Callable[[], None], base_url: str, server: int) -> dict[str, float]:
    with Tree(server) as tree:
        cpu, began = tree.cpu(), time.time()
        work()
        whole, cpu = time.time() - began, tree.cpu() - cpu
    count, first, last = httpx.get(f"{base_url}/figures").json()
    return {
        "rate": count / (last - first),
        "start_s": first - began,
        "whole_s": whole,
        "cpu_s": cpu,
        "pss_mib": tree.pss / 2**20,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--rows", type=int, default=1536)
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    base_url = f"http://127.0.0.1:{ours.recv()}/v1"
    url, rows = f"{base_url}/chat/completions", arguments.rows
    work: dict[str, Callable[[], None]] = {
        "engine": lambda: through_the_engine(base_url, rows),
        "plain": lambda: asyncio.run(plain_aiohttp(url, rows)),
    }
    began = time.time()
    with ray_session():
        print(f"Ray session up after {time.time() - began:.1f} s")
        for name in work:  # warm: imports, connections, Ray's worker processes
            work[name]()
        httpx.get(f"{base_url}/figures")
        found: dict[str, list[dict[str, float]]] = {name: [] for name in work}
        for number in range(arguments.pairs):
            order = list(work) if number % 2 else list(work)[::-1]
            for name in order:
                found[name].append(measure(work[name], base_url, process.pid or 0))
        # once and short, to show why the engine does not use it
        found["httpx"] = [measure(lambda: asyncio.run(plain_httpx(url, rows // 4)), base_url, process.pid or 0)]
    ideal = CONCURRENCY / LATENCY_S
    print(f"{rows} requests, {CONCURRENCY} in flight, {LATENCY_S * 1000:.0f} ms: {ideal:.0f}/s at most; medians")
    for name, runs in found.items():
        middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        print(
            f"{name:8} {middle['rate']:6.0f}/s   first request after {middle['start_s']:.2f} s   whole "
            f"{middle['whole_s']:.2f} s   CPU {middle['cpu_s']:.1f} s   PSS {middle['pss_mib']:.0f} MiB"
        )
    ratios = sorted(a["rate"] / b["rate"] for a, b in zip(found["engine"], found["plain"], strict=True))
    span = f"{ratios[0]:.3f} to {ratios[-1]:.3f}"
    print(f"engine / plain: median {statistics.median(ratios):.3f}, all {arguments.pairs} pairs {span}")
    process.terminate()


if __name__ == "__main__":
    main()
