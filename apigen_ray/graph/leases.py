"""What hosts bear, shared by every process of a cluster: one named actor keeps the book."""

import asyncio
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import RayActorError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from apigen_ray.records import Api
from apigen_ray.runners.base import ExecutionSpec
from apigen_ray.runners.rest.leases import Book, Grant, Limit
from apigen_ray.runners.rest.runner import RestRunner

EXPIRE_S = 10.0
"""After this time a process that is not heard of has lost what it held: it died, or its node did."""

PULSE_S = 2.0
"""How often a process says that it lives, while it holds or waits for something."""

NAMESPACE = "apigen-ray"


def leases_for(execution: ExecutionSpec, apis: Iterable[Api]) -> "ClusterLeases | None":
    """What hosts bear, for all workers together; None where no call goes over HTTP.

    Args:
        execution: how calls are made.
        apis: to which.
    """
    sources = (api.source for api in apis if api.source is not None)
    over_http = execution.reaches_out and any(source.executed_by == RestRunner.kind for source in sources)
    return ClusterLeases().start() if over_http else None


@dataclass(frozen=True)
class ClusterLeases:
    """The `apigen_ray.runners.rest.leases.Leases` of a cluster; cheap to send with a task.

    All jobs of a cluster share one actor, so that a host bears no more from two of them than from one. It holds no CPU
    and does nothing but count. It ends with the process that made it; whoever needs it next makes it anew, with an
    empty book.

    Attributes:
        name: of the actor.
    """

    name: str = "leases"

    def start(self) -> "ClusterLeases":
        """Makes the actor one of this process, if there is none: the driver's lives as long as its run."""
        _client(self.name).actor()
        return self

    async def take(self, host: str, limit: Limit, wanted: int) -> Grant:
        """See `apigen_ray.runners.rest.leases.Leases.take`.

        Raises:
            RayActorError: the actor dies again and again.
        """
        return await _client(self.name).take(host, limit, wanted)

    def give(self, host: str, slots: int, unused: int = 0) -> None:
        """See `apigen_ray.runners.rest.leases.Leases.give`."""
        _client(self.name).give(host, slots, unused)


class _Keeper:
    """The actor's state; all of it on one event loop."""

    def __init__(self, expire_s: float) -> None:
        self._book = Book(expire_s)

    async def take(self, holder: str, host: str, limit: Limit, wanted: int) -> Grant:
        return await self._book.take(holder, host, limit, wanted)

    async def give(self, holder: str, host: str, slots: int, unused: int) -> None:
        self._book.give(holder, host, slots, unused)

    async def heard(self, holder: str) -> None:
        self._book.heard(holder)


class _Client:
    """What one process knows of the actor: its handle, and how much of it this process holds or waits for."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._holder = uuid.uuid4().hex
        self._actor: Any = None
        self._held = self._waiting = 0
        self._pulse_on: asyncio.AbstractEventLoop | None = None

    def actor(self) -> Any:
        if self._actor is None:
            here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
            options = {"name": self._name, "namespace": NAMESPACE, "get_if_exists": True, "num_cpus": 0}
            # those who wait for their turn are calls under way
            made = ray.remote(_Keeper).options(**options, max_concurrency=10_000, scheduling_strategy=here)
            self._actor = made.remote(EXPIRE_S)
        return self._actor

    async def take(self, host: str, limit: Limit, wanted: int) -> Grant:
        self._waiting += 1
        self._pulse(asyncio.get_running_loop())
        try:
            for wait in (0.1, 0.5, 2.0, 5.0):  # its name is free a moment after its end
                try:
                    return await self._ask(host, limit, wanted)
                except RayActorError:  # its maker has ended
                    self._actor, self._held = None, 0
                    await asyncio.sleep(wait)
            return await self._ask(host, limit, wanted)
        finally:
            self._waiting -= 1

    async def _ask(self, host: str, limit: Limit, wanted: int) -> Grant:
        asked = self.actor().take.remote(self._holder, host, limit, wanted).future()
        try:
            grant: Grant = await asyncio.shield(asyncio.wrap_future(asked))
        except asyncio.CancelledError:  # nobody waits for it any more, and it may come all the same
            asked.add_done_callback(lambda done: self._return(host, done))
            raise
        self._held += grant.slots
        return grant

    def _return(self, host: str, done: Any) -> None:
        if not done.cancelled() and done.exception() is None:
            grant: Grant = done.result()
            self.actor().give.remote(self._holder, host, grant.slots, grant.requests)

    def give(self, host: str, slots: int, unused: int) -> None:
        self._held = max(self._held - slots, 0)
        self.actor().give.remote(self._holder, host, slots, unused)

    def _pulse(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._pulse_on is not loop:
            self._pulse_on = loop
            loop.call_later(PULSE_S, self._beat, loop)

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._pulse_on is not loop:
            return  # a later loop of this process has taken over
        if self._held or self._waiting:
            self.actor().heard.remote(self._holder)
            loop.call_later(PULSE_S, self._beat, loop)
        else:
            self._pulse_on = None


_clients: dict[tuple[str, str], _Client] = {}


def _client(name: str) -> _Client:
    key = (ray.get_runtime_context().get_job_id(), name)  # a process may see several sessions of Ray
    if key not in _clients:
        _clients[key] = _Client(name)
    return _clients[key]
