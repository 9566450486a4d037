"""The REST runner: calls over HTTP, many at a time, each an outcome whatever the other side does."""

import threading
from collections.abc import Sequence

from apigen_ray.runners.base import ExecutionSpec, Outcome, Task
from apigen_ray.runners.loop import LoopThread
from apigen_ray.runners.rest.guard import Resolver
from apigen_ray.runners.rest.leases import Leases
from apigen_ray.runners.rest.session import Session


class RestRunner:
    """Makes calls of APIs whose source carries an `apigen_ray.library.request.RequestForm`.

    One event loop in a thread of its own, with its connections, stays warm from batch to batch. All calls of a batch
    are under way at once, as far as the leases of their hosts let them.

    Args:
        spec: limits; its section ``rest``.
        leases: what hosts bear; of the cluster, or of this process alone.
        resolve: instead of the system's resolver, for tests.
    """

    kind = "rest"

    def __init__(self, spec: ExecutionSpec, leases: Leases, resolve: Resolver | None = None) -> None:
        self._spec, self._leases, self._resolve = spec.rest, leases, resolve
        self._lock = threading.Lock()
        self._loop: LoopThread | None = None
        self._session: Session | None = None

    def run(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Outcomes in the order of the tasks. Threads take turns."""
        with self._lock:
            self._loop = self._loop or LoopThread("rest")
            self._session = self._session or Session(self._spec, self._leases, self._resolve)
            try:
                return self._loop.run(self._session.run(tasks))
            except BaseException:  # nobody waits for its calls any more, so that no further ones are made
                self._end()
                raise

    def close(self) -> None:
        """Closes the connections and ends the loop."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._loop is not None and self._session is not None:
            self._loop.run(self._session.close())
            self._loop.close()
            self._loop = self._session = None
