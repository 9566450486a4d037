"""Executes Python functions in warm, walled worker processes: a call that hangs, grows or dies costs itself only."""

import threading
from collections.abc import Sequence

from apigen_ray.runners.base import ExecutionSpec, Outcome, Task
from apigen_ray.runners.batch import Batch
from apigen_ray.runners.spawn import StartError
from apigen_ray.runners.state import KIND, State

__all__ = ["PythonRunner", "StartError"]


class PythonRunner:
    """Runs calls to functions of Python sources in a few worker processes that outlive the batch.

    All calls of a batch are under way at once, a few dozen for each worker. A worker that dies, hangs or runs out of
    memory is killed; its first unanswered call is the suspect and is tried once more, alone in a fresh worker, before
    it is blamed, because a call before it may have been what broke the worker. The others are simply given again.

    A worker that dies of a forbidden system call is a security event: what it had answered in this batch is executed
    again, each call of its owner in a process of its own from then on, and the owner's calls of later batches are
    ``quarantined``.

    Args:
        spec: limits, and how many workers work at a time.
        skip: layers of `apigen_ray.runners.sandbox.walls.LAYERS` to leave out, for tests of the others.
    """

    kind = KIND

    def __init__(self, spec: ExecutionSpec, skip: frozenset[str] = frozenset()) -> None:
        self._lock = threading.Lock()
        self._state = State(spec, skip)

    def run(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Outcomes in the order of the tasks. Threads take turns."""
        with self._lock:
            try:
                return Batch(tasks, self._state).run()
            except BaseException:  # workers in the middle of something are of no use to the next batch
                self._state.end()
                raise

    def layers(self) -> dict[str, str]:
        """What confines calls here: for each layer how that was proved, or ``absent: why``; starts what it looks at.

        Raises:
            StartError: no zygote or worker starts; without a layer that calls must not be without, in these words.
        """
        with self._lock:
            try:
                return Batch((), self._state).layers()
            except BaseException:
                self._state.end()
                raise

    def close(self) -> None:
        """Ends the processes."""
        with self._lock:
            self._state.end()
