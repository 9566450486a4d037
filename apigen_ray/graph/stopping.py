"""A clean stop: a flag that every process of a run sees, and the run of a graph that can be left before its end."""

import math
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterator
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import GetTimeoutError, RayActorError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from apigen_ray.asks.base import Row
from apigen_ray.graph.shared import KEPT

if TYPE_CHECKING:
    from ray.data import Dataset

FRESH_S = 1.0
"""How long a process trusts what it was told: so it asks once a second at most, whatever its stages do."""

PATIENCE_S = 5.0
"""How long it waits to be told."""

_known: dict[str, tuple[bool, float]] = {}


class Stop:
    """Whether a run is to end before it is done; cheap to send with a task.

    Once `ask` was called nothing more is planned and nobody is asked anything more; what is in flight goes on to the
    disk, and the graph runs dry. One actor that holds no CPU keeps the answer, on the driver's node, whose end it
    shares. Where it cannot be reached the answer is no: a run must not end early without its driver knowing.
    """

    def __init__(self) -> None:
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
        self._flag = ray.remote(_Flag).options(num_cpus=0, scheduling_strategy=here).remote()
        self._key = uuid.uuid4().hex

    def ask(self) -> None:
        """Asks for the stop; does not wait for it."""
        self._flag.raise_.remote()

    def asked(self, fresh: bool = False) -> bool:
        """Whether it was asked for; anywhere in the cluster.

        Args:
            fresh: as of now, not of some time within the last `FRESH_S`.
        """
        told, when = _known.get(self._key, (False, -math.inf))
        if told or (time.monotonic() - when < FRESH_S and not fresh):
            return told
        try:
            told = ray.get(self._flag.raised.remote(), timeout=PATIENCE_S)
        except (RayActorError, GetTimeoutError):
            told = False
        if len(_known) >= KEPT:  # a process may live longer than the runs that it worked for
            _known.clear()
        _known[self._key] = (told, time.monotonic())
        return told


class _Flag:
    """The actor's state."""

    def __init__(self) -> None:
        self._raised = False

    def raise_(self) -> None:
        self._raised = True

    def raised(self) -> bool:
        return self._raised


def unless(stop: Stop | None, where: Callable[[Row], bool]) -> Callable[[Row], bool]:
    """A ``where`` for `apigen_ray.engines.base.Engine.attach` that is false for every row once a stop is asked for."""
    return where if stop is None else partial(_unless, stop, where)


def _unless(stop: Stop, where: Callable[[Row], bool], row: Row) -> bool:
    return not stop.asked() and where(row)


def tallies(dataset: "Dataset") -> Iterator[dict[str, Any]]:
    """Executes a graph; yields what comes to its end, batch by batch, while it goes on."""
    for batch in dataset.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=1):
        yield from batch.to_pylist()


def running(graph: "Dataset", every_s: float = 1.0) -> Generator[dict[str, Any] | None]:
    """`tallies` on a thread of their own; None for each second in which nothing came.

    So whoever iterates is never blocked, sees signals and the clock, and may leave at any time: closing the iterator
    ends what is still executed.

    Args:
        graph: to be executed.
        every_s: seconds without a row after which None is given.
    """
    came: SimpleQueue[dict[str, Any] | BaseException | None] = SimpleQueue()

    def execute() -> None:
        try:
            for tally in tallies(graph):
                came.put(tally)
        except BaseException as error:  # carried to the thread that waits
            came.put(error)
        else:
            came.put(None)

    thread = threading.Thread(target=execute, name="graph", daemon=True)
    thread.start()
    try:
        while True:
            try:
                item = came.get(timeout=every_s)
            except Empty:
                yield None
                continue
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        # Ray Data has no public way to end an execution that another thread waits for
        executor = getattr(graph, "_current_executor", None)
        if thread.is_alive() and executor is not None:
            executor.shutdown(force=True)
