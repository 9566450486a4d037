"""What the calls of one REST runner share, and how a task becomes a call."""

import asyncio
from collections.abc import Sequence
from functools import lru_cache

import httpx

from apigen_ray.library.request import RequestForm
from apigen_ray.records import Status
from apigen_ray.runners.base import Outcome, Task, read_arguments
from apigen_ray.runners.rest.answers import failed
from apigen_ray.runners.rest.call import MAX_DETAIL, Call, Fault, Means
from apigen_ray.runners.rest.guard import Guard, Resolver
from apigen_ray.runners.rest.lanes import Lane
from apigen_ray.runners.rest.leases import Leases, Limit
from apigen_ray.runners.rest.redirects import is_http
from apigen_ray.runners.rest.secrets import Scrubber
from apigen_ray.runners.rest.spec import RestSpec
from apigen_ray.runners.rest.tokens import Tokens
from apigen_ray.runners.rest.wire import Wire, origin

MAX_OPEN = 256
"""Requests of one process that are under way at a time, whatever their hosts bear: each is an open file."""


class Session:
    """Connections, lanes, tokens and secrets; belongs to one event loop.

    Args:
        spec: limits.
        leases: what hosts bear.
        resolve: instead of the system's resolver, for tests.
    """

    def __init__(self, spec: RestSpec, leases: Leases, resolve: Resolver | None) -> None:
        self._spec, self._leases = spec, leases
        guard, scrubber = Guard(spec.allow_hosts, resolve), Scrubber()
        timeouts = {"connect": spec.connect_timeout_s, "read": spec.read_timeout_s, "write": spec.read_timeout_s}
        wire = Wire(guard, timeouts, spec.max_bytes)
        tokens = Tokens(wire, guard, scrubber)
        self._means = Means(spec, guard, scrubber, wire, tokens, asyncio.Semaphore(MAX_OPEN))
        self._limits = {entry.host: Limit(entry.concurrency, entry.requests_per_s) for entry in spec.hosts}
        self._lanes: dict[str, Lane] = {}

    async def run(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Outcomes in the order of the tasks."""
        return list(await asyncio.gather(*(self._begin(task) for task in tasks)))

    async def close(self) -> None:
        """Ends what is still under way and closes the connections."""
        for lane in self._lanes.values():
            await lane.close()
        await self._means.wire.close()

    def _begin(self, task: Task) -> "asyncio.Future[Outcome]":
        done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        try:
            call = self._call(task, done)
        except Fault as fault:
            detail = self._means.scrubber.text(str(fault))[:MAX_DETAIL]
            done.set_result(failed(Status.REJECTED, fault.code, detail))
        else:
            call.lane.add(call)
        return done

    def _call(self, task: Task, done: "asyncio.Future[Outcome]") -> Call:
        """The call of a task.

        Raises:
            Fault: it cannot be made.
        """
        try:
            form, server = _form(task.api.source.request if task.api.source is not None else "")
        except ValueError as error:
            raise Fault("unknown_function", f"its source has no request that can be made: {error}") from None
        if form.method not in self._spec.methods:
            raise Fault("method_refused", f"{form.method} is none of execution.rest.methods")
        try:
            arguments = read_arguments(task.arguments)
        except ValueError as error:
            raise Fault("argument_error", str(error)) from None
        return Call(self._means, self._lane(server), form, server, arguments, done)

    def _lane(self, url: httpx.URL) -> Lane:
        _, host, port = origin(url)
        name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if name not in self._lanes:
            usual = Limit(self._spec.concurrency, self._spec.requests_per_s)
            limit = self._limits.get(name, self._limits.get(host, usual))
            self._lanes[name] = Lane(name, limit, self._leases)
        return self._lanes[name]


@lru_cache(4096)
def _form(text: str) -> tuple[RequestForm, httpx.URL]:
    form = RequestForm.loads(text)
    try:
        server = httpx.URL(form.server)
    except (httpx.InvalidURL, TypeError):
        server = httpx.URL("")
    if not is_http(server):
        raise ValueError(f"{str(form.server)[:200]!r} is no server")
    return form, server
