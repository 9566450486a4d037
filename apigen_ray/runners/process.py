"""Calls private client packages in plain Python processes that have the network of a few hosts and no walls."""

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from apigen_ray.records import Source, Status
from apigen_ray.runners.base import ExecutionSpec, Outcome, Task
from apigen_ray.runners.batch import STARTS
from apigen_ray.runners.handle import LOAD, MAX_FRAME, START_S
from apigen_ray.runners.programs import Answer, BrokenError, Program, forged, parse
from apigen_ray.runners.rest.secrets import Scrubber, secrets_among
from apigen_ray.runners.sandbox.frames import Frames, TooLongError, frame_text, framed
from apigen_ray.runners.sandbox.results import CROWDED, MAX_DETAIL
from apigen_ray.runners.spawn import StartError, spawn
from apigen_ray.runners.state import State

MAX_CHILDREN = 16
"""Processes that are kept warm, beside those with calls under way; the one that was used longest ago is ended first."""
KEPT = ("PATH", "HOME", "LANG")
"""Environment variables that every client is given."""

_SCRIPT = str(Path(__file__).with_name("client.py"))


def missing(source: Source) -> list[str]:
    """The environment variables that a source names and this process does not have."""
    return [name for name in source.env if name not in os.environ]


class _Home(NamedTuple):
    """What shares a process: a package, or the files of a folder, with the same hosts and variables."""

    root: str
    package: str
    hosts: tuple[str, ...]
    env: tuple[str, ...]


class _Child:
    """One process; it has one request at a time.

    Args:
        home: whose calls it serves.
        memory_mb: MiB of address space.

    Attributes:
        calls: how many it has been given.
        loaded: keys of the programs that it has imported.

    Raises:
        StartError: it cannot be started.
    """

    def __init__(self, home: _Home, memory_mb: int) -> None:
        self.calls = 0
        self.loaded: set[int] = set()
        self._frames = Frames(MAX_FRAME)
        environment = {name: os.environ[name] for name in (*KEPT, *home.env) if name in os.environ}
        settings = frame_text({"hosts": home.hosts, "memory_mb": memory_mb})
        environment = {"PYTHONHASHSEED": "0"} | environment  # sets of strings have one order; it is taken out again
        self._process, self._socket, self._life = spawn(["-P", _SCRIPT], settings, environment)
        try:
            self._answer(START_S, first=True)
        except BaseException as error:
            self.end()
            if isinstance(error, BrokenError):
                raise StartError(error.detail) from error
            raise

    def load(self, program: Program) -> Answer:
        """Has a module imported.

        Raises:
            BrokenError: the process cannot go on.
        """
        source = program.source
        self._send(["load", program.key, source.name, source.file, source.root, program.entry])
        answer = self._answer(START_S)
        if answer.number != LOAD:
            raise forged()
        if not answer.code:
            self.loaded.add(program.key)
        return answer

    def call(self, program: Program, arguments: str, timeout_s: float) -> Answer:
        """Has a function called.

        Raises:
            BrokenError: the process cannot go on.
        """
        self.calls += 1
        self._send(["call", self.calls, program.key, arguments])
        answer = self._answer(timeout_s)
        if answer.number != self.calls:
            raise forged()
        return answer

    def _send(self, request: list[Any]) -> None:
        with contextlib.suppress(OSError):  # it is gone: the answer that does not come says so
            self._socket.sendall(framed(frame_text([request])))

    def _answer(self, seconds: float, *, first: bool = False) -> Answer:
        until = time.monotonic() + seconds
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        data = b""
        while True:
            try:
                bodies = self._frames.take(data)
            except TooLongError:
                raise forged() from None
            if len(bodies) > 1:  # it has one request at a time
                raise forged()
            if bodies:
                answer = parse(bodies[0], compiles=False, first=first)
                if answer.code in ("memory", CROWDED):  # the heap is in a poor state now
                    raise BrokenError("memory", answer.detail)
                return answer
            if not poll.poll(max(0, (until - time.monotonic()) * 1000)):
                raise BrokenError("timeout", f"no answer within {seconds:g} s")
            try:
                data = self._socket.recv(1 << 18)
            except OSError:
                data = b""
            if not data:
                raise BrokenError("killed", self._death())

    def _death(self) -> str:
        try:
            status = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return "it closed the runner's connection"
        if status >= 0:
            return f"its process ended with exit status {status}"
        return f"its process was ended by {signal.Signals(-status).name}"

    def end(self) -> None:
        """Ends the process with what it has started, and waits for it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._socket.close()
        os.close(self._life)


class ProcessRunner:
    """Runs calls of private client packages: with their site-packages, their variables and the network to their hosts.

    There is no language layer and no wall of the kernel, only limits of time and memory; a call to a host that is not
    on its source's list fails. That guards against mistakes, not against hostile code. Modules are imported once in a
    process and keep what they keep between calls.

    A source has one warm process, and sources at most `ExecutionSpec.workers` at a time have calls under way. A
    process that hangs, dies or runs out of memory is killed; its call is made once more in a fresh one, unless it was
    the first there, because a call before it may have been what broke the process. ``isolation: call`` gives every
    call a process of its own. What a client tells of its variables is struck out of its outcomes.

    Args:
        spec: limits.
    """

    kind = "process"

    def __init__(self, spec: ExecutionSpec) -> None:
        self._spec = spec
        self._lock = threading.Lock()
        self._state = State(spec, frozenset())  # reads and keeps the sources; its zygote is never asked for
        self._children: OrderedDict[_Home, _Child] = OrderedDict()
        self._serving: set[_Home] = set()  # those with calls under way
        self._room = threading.Lock()
        self._scrubber = Scrubber()

    def run(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Outcomes in the order of the tasks. Threads take turns."""
        with self._lock:
            try:
                return self._run(tasks)
            except BaseException:  # a process in the middle of something is of no use to the next batch
                self._end()
                raise

    def close(self) -> None:
        """Ends the processes."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        while self._children:
            self._children.popitem()[1].end()

    def _run(self, tasks: Sequence[Task]) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        homes: dict[_Home, list[tuple[int, Program]]] = {}
        self._state.begin()
        for number, task in enumerate(tasks):
            found = self._state.program(task)
            source = task.api.source
            if isinstance(found, Outcome) or source is None:
                outcomes[number] = found if isinstance(found, Outcome) else Outcome(Status.REJECTED, "unknown_function")
            elif lacking := missing(source):
                words = f"no {lacking[0]} in the environment here, which its source names in `env`: set it"
                outcomes[number] = Outcome(Status.ERROR, "runner_unavailable", detail=words)
            else:
                self._scrubber.learn(secrets_among(os.environ[name] for name in source.env))
                homes.setdefault(_home(found, source), []).append((number, found))

        def serve(home: _Home) -> None:
            broken: dict[int, Outcome] = {}  # programs that cannot be loaded, in this batch
            with self._served(home):
                for number, program in homes[home]:
                    outcome = broken.get(program.key)
                    outcomes[number] = outcome or self._call(home, program, tasks[number].arguments, broken)

        if len(homes) == 1:
            serve(*homes)
        elif homes:
            with ThreadPoolExecutor(self._spec.workers) as threads:
                list(threads.map(serve, homes))
        return [self._clean(outcomes[number]) for number in range(len(tasks))]

    def _clean(self, outcome: Outcome) -> Outcome:
        """Without secrets: clients write keys into URLs, and URLs into what they raise."""
        is_cut = len(outcome.detail) >= MAX_DETAIL  # by the client
        detail = self._scrubber.cut(outcome.detail) if is_cut else self._scrubber.text(outcome.detail)
        value = None if outcome.value is None else self._scrubber.json_text(outcome.value)
        return replace(outcome, detail=detail[:MAX_DETAIL], value=value)

    def _call(self, home: _Home, program: Program, arguments: str, broken: dict[int, Outcome]) -> Outcome:
        while True:
            try:
                child = self._child(home)
            except StartError as error:
                detail = f"no client process starts: {error}"[:MAX_DETAIL]
                broken[program.key] = outcome = Outcome(Status.ERROR, "runner_unavailable", detail=detail)
                return outcome
            fresh, loading, started = child.calls == 0, program.key not in child.loaded, time.monotonic()
            try:
                if loading:
                    answer = child.load(program)
                    if answer.code:
                        broken[program.key] = answer.outcome()
                        return broken[program.key]
                    loading = False
                outcome = child.call(program, arguments, self._spec.timeout_s).outcome()
            except BrokenError as error:
                self._children.pop(home).end()
                if not fresh:
                    continue  # with a fresh one
                detail = f"its module: {error.detail}" if loading else error.detail
                outcome = Outcome(Status.REJECTED, error.code, None, detail, time.monotonic() - started)
                if loading:
                    broken[program.key] = outcome
                return outcome
            if self._spec.isolation == "call":
                self._children.pop(home).end()
            return outcome

    @contextlib.contextmanager
    def _served(self, home: _Home) -> Iterator[None]:
        """A home's process stays meanwhile; afterwards those are ended that are too many."""
        with self._room:
            self._serving.add(home)
        try:
            yield
        finally:
            with self._room:
                self._serving.discard(home)
                if home in self._children:
                    self._children.move_to_end(home)
                idle = [other for other in list(self._children) if other not in self._serving]
                for other in idle[: max(0, len(idle) - MAX_CHILDREN)]:
                    self._children.pop(other).end()

    def _child(self, home: _Home) -> _Child:
        """The process of a home, started where there is none."""
        for left in reversed(range(STARTS)):
            if home in self._children:
                break
            try:
                self._children[home] = _Child(home, self._spec.memory_mb)
            except StartError:
                if not left:
                    raise
        return self._children[home]


def _home(program: Program, source: Source) -> _Home:
    text = program.source
    loose = "." not in text.name and Path(text.file).name != "__init__.py"
    return _Home(text.root, "" if loose else text.name.partition(".")[0], source.hosts, source.env)
