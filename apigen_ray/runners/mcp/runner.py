"""Executes calls of tools of live servers: a warm session for each server, and many calls under way at a time."""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from apigen_ray.library.mcp import ToolForm
from apigen_ray.records import Status
from apigen_ray.runners.base import ExecutionSpec, Outcome, Task, read_arguments
from apigen_ray.runners.loop import LoopThread
from apigen_ray.runners.rest.guard import Guard

if TYPE_CHECKING:
    from apigen_ray.runners.mcp.calls import Server

MISSING = "the SDK of the protocol is missing here: pip install apigen-ray[mcp]"
MAX_SERVERS = 16
"""Servers that are kept between batches; those that were called longest ago are ended first."""


class McpRunner:
    """Runs calls of tools by ``tools/call``.

    A server is started, or reached, when its first call comes, and kept; it is begun anew when it is gone or answers
    nothing at all any more. A call that was under way when its server was lost is made once more only where the tool
    says that this does no harm; nobody knows what has become of the others, which are ``server_error``.

    What a server writes is bounded, secrets are struck out of it, and nothing of it is trusted. Servers themselves are
    not confined: they are programs and addresses of the user's choice.

    Args:
        spec: ``timeout_s`` is by the clock here; ``rest.allow_hosts`` names the private hosts that may be spoken to.
    """

    kind = "mcp"

    def __init__(self, spec: ExecutionSpec) -> None:
        self._spec = spec
        self._lock = threading.Lock()
        self._servers: OrderedDict[str, Server] = OrderedDict()
        self._loop: LoopThread | None = None

    def run(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Outcomes in the order of the tasks. Threads take turns."""
        with self._lock:
            self._loop = self._loop or LoopThread("mcp")
            try:
                return self._loop.run(self._batch(tasks)) if tasks else []
            except BaseException:  # calls in the middle of something are of no use to the next batch
                self._end()
                raise

    def close(self) -> None:
        """Ends the servers that were started here, and the sessions with the others."""
        with self._lock:
            self._end()

    async def _batch(self, tasks: Sequence[Task]) -> list[Outcome]:
        try:
            from apigen_ray.runners.mcp.calls import Server  # the SDK takes a second: not for those who have no server
        except ModuleNotFoundError as error:
            return [Outcome(Status.ERROR, "runner_unavailable", detail=f"{MISSING} ({error})")] * len(tasks)
        for server in self._servers.values():
            server.begin()
        calls = [self._call(task, Server) for task in tasks]
        outcomes = await asyncio.gather(*calls)
        while len(self._servers) > MAX_SERVERS:
            await self._servers.popitem(last=False)[1].close()
        return outcomes

    async def _call(self, task: Task, make: "type[Server]") -> Outcome:
        try:
            form = _form(task.api.source.request if task.api.source is not None else "")
        except ValueError:
            return Outcome(Status.REJECTED, "unknown_function", detail="its source names no server that has it")
        try:
            arguments = read_arguments(task.arguments)
        except ValueError as error:
            return Outcome(Status.REJECTED, "argument_error", detail=str(error))
        key = form.server.model_dump_json()
        if key not in self._servers:
            guard = Guard(self._spec.rest.allow_hosts)
            self._servers[key] = make(form.server, guard, self._spec.timeout_s)
        self._servers.move_to_end(key)
        return await self._servers[key].call(form, arguments)

    def _end(self) -> None:
        if self._loop is not None:
            self._loop.run(self._close())
            self._loop.close()
            self._loop = None

    async def _close(self) -> None:
        servers = list(self._servers.values())
        self._servers.clear()
        await asyncio.gather(*(server.close() for server in servers))


@lru_cache(maxsize=4096)
def _form(text: str) -> ToolForm:
    return ToolForm.loads(text)
