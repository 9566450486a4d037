"""The REST runner: calls over HTTP, many at a time, each an outcome whatever the other side does."""

import asyncio
import threading
from collections.abc import Sequence

from apigen_ray.runners.base import ExecutionSpec, Outcome, Task
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
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._session: Session | None = None

    def run(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Outcomes in the order of the tasks. Threads take turns."""
        with self._lock:
            if self._loop is None or self._session is None:
                self._loop = asyncio.new_event_loop()
                self._session = Session(self._spec, self._leases, self._resolve)
                self._thread = threading.Thread(target=self._loop.run_forever, name="rest", daemon=True)
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(self._session.run(tasks), self._loop).result()

    def close(self) -> None:
        """Closes the connections and ends the loop."""
        with self._lock:
            if self._loop is None or self._session is None or self._thread is None:
                return
            asyncio.run_coroutine_threadsafe(self._session.close(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
            self._loop = self._session = self._thread = None
