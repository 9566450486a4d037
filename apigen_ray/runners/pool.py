"""Which runner executes which source, and the one set of runners that a worker process keeps warm."""

import atexit
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from apigen_ray.errors import EnvironmentFault
from apigen_ray.records import Api, Status
from apigen_ray.runners.base import ExecutionMode, ExecutionSpec, Outcome, Runner, Task
from apigen_ray.runners.mcp import McpRunner
from apigen_ray.runners.process import ProcessRunner
from apigen_ray.runners.python import PythonRunner
from apigen_ray.runners.recordings import ReplayRunner, record
from apigen_ray.runners.rest.leases import Leases, LocalLeases
from apigen_ray.runners.rest.runner import RestRunner
from apigen_ray.runners.simulate import SimulateRunner

RUNNERS: Mapping[str, Callable[[ExecutionSpec, Leases], Runner]] = MappingProxyType(
    {
        PythonRunner.kind: lambda spec, _: PythonRunner(spec),
        ProcessRunner.kind: lambda spec, _: ProcessRunner(spec),
        RestRunner.kind: RestRunner,
        McpRunner.kind: lambda spec, _: McpRunner(spec),
        ReplayRunner.kind: lambda spec, _: ReplayRunner(spec),
        SimulateRunner.kind: lambda spec, _: SimulateRunner(spec),
    }
)
"""Every runner by the name that `apigen_ray.records.Source.executed_by` or a mode has for it; a new one is a file and
a line."""
MAX_SHARED = 8
"""Specs whose pools a process keeps warm; the one that was asked for longest ago is closed first."""


def runner_of(api: Api, mode: ExecutionMode = "live") -> str:
    """The kind of the runner that answers calls to an API; "" where there is none.

    ``replay`` answers what could be called live. ``simulate`` answers everything that is not walled in: what is walled
    in reaches nothing, and so is executed.
    """
    source = api.source
    own = source.executed_by if source is not None and source.executed_by in RUNNERS else ""
    if source is not None and own == McpRunner.kind and not source.request:
        own = ""  # a saved list, of a server that nobody has named
    if mode == "none" or (mode == "replay" and not own):
        return ""
    if mode == "replay":
        return ReplayRunner.kind
    return SimulateRunner.kind if mode == "simulate" and own != PythonRunner.kind else own


def executable(api: Api, mode: ExecutionMode = "live") -> bool:
    """Whether there is anything that answers calls to an API."""
    return runner_of(api, mode) != ""


class RunnerPool:
    """A runner itself, and the one way through to all others: hands each call to the runner that answers it.

    In mode ``record`` what comes back is kept on its way.

    Args:
        spec: mode and limits; the runners of each kind are built from it when their first call comes.
        leases: what hosts bear, over all that share them; None: this pool alone.
    """

    kind = "pool"

    def __init__(self, spec: ExecutionSpec, leases: Leases | None = None) -> None:
        self._spec = spec
        self._leases = leases or LocalLeases()
        self._runners: dict[str, Runner] = {}
        self._lock = threading.Lock()

    def run(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Outcomes in the order of the tasks; a call that nothing answers is an ``unknown_function``."""
        nothing = Outcome(Status.REJECTED, "unknown_function", detail="its API has no source to execute")
        outcomes = [nothing] * len(tasks)
        by_kind: dict[str, list[int]] = {}
        for number, task in enumerate(tasks):
            if kind := runner_of(task.api, self._spec.mode):
                by_kind.setdefault(kind, []).append(number)
        for kind, numbers in by_kind.items():
            done = self._runner(kind).run([tasks[number] for number in numbers])
            for number, outcome in zip(numbers, done, strict=True):
                outcomes[number] = outcome
        if self._spec.mode == "record" and self._spec.recordings:
            try:
                record(self._spec.recordings, tasks, outcomes)
            except (
                EnvironmentFault
            ) as fault:  # what is not kept is not done: a row without its recording is tried again
                detail = f"it was made and cannot be recorded: {fault.message}"[:500]
                return [Outcome(Status.ERROR, "runner_unavailable", detail=detail)] * len(tasks)
        return outcomes

    def close(self) -> None:
        """Closes the runners."""
        with self._lock:
            while self._runners:
                self._runners.popitem()[1].close()

    def _runner(self, kind: str) -> Runner:
        with self._lock:
            if kind not in self._runners:
                self._runners[kind] = RUNNERS[kind](self._spec, self._leases)
            return self._runners[kind]


_shared: OrderedDict[tuple[int, ExecutionSpec, Leases | None], RunnerPool] = OrderedDict()
_shared_lock = threading.Lock()


def shared_runner(spec: ExecutionSpec, leases: Leases | None = None) -> RunnerPool:
    """The pool of this process for a spec: warm from batch to batch, closed when the process ends.

    Args:
        spec: mode and limits.
        leases: see `RunnerPool`; where they come with each task they must be equal to be the same.
    """
    key = (os.getpid(), spec, leases)  # a forked process must not talk to its parent's children
    with _shared_lock:
        pool = _shared.setdefault(key, RunnerPool(spec, leases))
        _shared.move_to_end(key)
        fallen = [_shared.popitem(last=False) for _ in range(len(_shared) - MAX_SHARED)]
    for (process, *_), old in fallen:
        if process == os.getpid():
            old.close()  # waits for a batch that is under way; who still has it may go on using it
    return pool


@atexit.register
def _close_shared() -> None:
    for (process, *_), pool in _shared.items():
        if process == os.getpid():
            pool.close()
