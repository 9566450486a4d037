"""Zygote and workers as the parent sees them: what was asked, what was answered, and when it is past waiting for."""

import contextlib
import importlib.util
import itertools
import os
import select
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from apigen_ray.runners.base import ExecutionSpec
from apigen_ray.runners.programs import Answer, BrokenError, Owner, Program, forged, parse
from apigen_ray.runners.sandbox.frames import Frames, TooLongError, frame_text, framed, unframed
from apigen_ray.runners.sandbox.results import MAX_VALUE
from apigen_ray.runners.sandbox.walls import MANDATORY
from apigen_ray.runners.spawn import StartError, spawn

START_S = 30.0
"""Seconds after which a zygote or a worker that has not said that it is ready counts as not started."""
MAX_FRAME = 6 * MAX_VALUE + 65536
"""Bytes of an answer: JSON inside JSON takes up to six bytes for one, and a detail comes with it."""
MAX_CODE = 16 << 20
"""Bytes of the answer to a compile."""
COMPILE_S = 5.0
"""Seconds of CPU time for compiling one function's modules, whatever a call may take: ordinary ones take less than one
second. By the clock it is `GRACE` times that."""
MAX_REQUEST = 1 << 20
"""Bytes of arguments from which on a frame of requests is closed."""
LOAD, COMPILE = -1, -2
"""Stand for the number of a call where a program is loaded or compiled."""
GRACE = 1.5
"""Times the time limit that the supervisor waits by the clock: the soft limit inside, which counts CPU time and leaves
no doubt about whose time it was, comes first where code is Python and the machine is not overloaded."""

_LINUX = "run on Linux (x86-64 or aarch64), in a container if need be, or set execution.allow_weak: true"
_ZYGOTE = str(Path(__file__).with_name("sandbox") / "zygote.py")


class Zygote:
    """The process that workers are forked from, started by exec with an empty environment.

    Args:
        spec: limits, and what it imports.

        skip: layers that are left out.

    Attributes:
        proved: what it proved of each layer in probe processes.

    Raises:
        StartError: it cannot be started, with what it said.
    """

    def __init__(self, spec: ExecutionSpec, skip: frozenset[str]) -> None:
        if not hasattr(os, "fork"):
            raise StartError("this platform has no fork", "run in a Linux container, or with execution.mode: none")
        if skip.intersection(MANDATORY) and not spec.allow_weak:
            raise StartError("layers can be left out only with execution.allow_weak")
        settings = {
            "skip": sorted(skip),
            "weak": spec.allow_weak,
            "memory_mb": spec.memory_mb,
            "timeout_s": spec.timeout_s,
            "compile_s": COMPILE_S,
            "preload": spec.preload,
            "folders": _folders(["RestrictedPython", *spec.preload]),
            "clock": spec.clock,
        }
        self._deaths: dict[int, tuple[int, str]] = {}
        self._names = itertools.count()
        self._frames = Frames()
        # Sets of strings have one order; symbols are looked up once. The zygote empties it again.
        environment = {"PYTHONHASHSEED": "0", "LD_BIND_NOW": "1"}
        command = [*"-s -P -S -B".split(), _ZYGOTE]
        self._process, self.socket, self._life = spawn(command, frame_text(settings), environment)
        try:
            self.proved = self._ready()
        except BaseException:
            self.kill()
            raise

    def _ready(self) -> dict[str, str]:
        until = time.monotonic() + START_S
        while True:
            if not self._wait(until - time.monotonic()):
                raise StartError(f"its zygote was not ready within {START_S:g} s")
            for message in self._messages():
                if message[0] == "ready":
                    return dict(message[1])
                raise StartError(message[1], _LINUX if message[1].startswith("WallError") else "")
            if self._process.poll() is not None:
                raise StartError(f"its zygote ended with exit status {self._process.returncode}")

    def _wait(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        return bool(poll.poll(max(0, seconds * 1000)))

    def _messages(self) -> Iterator[list[Any]]:
        """What it has said; ends the loop quietly where it is gone: the next fork tells."""
        try:
            data = self.socket.recv(1 << 16, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1.0)
        for body in self._frames.take(data):
            yield unframed(body)

    def receive(self) -> None:
        """Takes in what it has said."""
        for message in self._messages():
            self._deaths[message[1]] = (message[2], message[3])

    def gone(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def fork(self, theirs: socket.socket, imports: Sequence[str]) -> int:
        """Asks for a worker with this end of a socket; its name.

        Raises:
            StartError: the zygote is gone.
        """
        name = next(self._names)
        frame = framed(frame_text(["fork", name, imports]))
        try:
            sent = socket.send_fds(self.socket, [frame], [theirs.fileno()])
            self.socket.sendall(frame[sent:])
        except OSError as error:
            raise StartError(f"its zygote is gone: {error}") from error
        return name

    def end(self, name: int) -> None:
        """Kills a worker, if it is still there."""
        self._say(["end", name])

    def death(self, name: int) -> tuple[int, str] | None:
        """Status and words of a worker that has closed its end of its socket."""
        self._say(["death", name])
        until = time.monotonic() + 1.0
        while name not in self._deaths and self._wait(until - time.monotonic()) and not self.gone():
            self.receive()
        return self._deaths.pop(name, None)

    def _say(self, request: list[Any]) -> None:
        with contextlib.suppress(OSError):  # it is gone, and its workers with it
            self.socket.sendall(framed(frame_text(request)))

    def kill(self) -> None:
        """Ends the process and its workers, and waits for it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self.socket.close()
        if self._life >= 0:
            os.close(self._life)
            self._life = -1


def _folders(packages: Sequence[str]) -> list[str]:
    """The folders that packages lie in, so that a zygote finds them.

    Raises:
        StartError: one is not installed here.
    """
    folders: dict[str, None] = {}
    for package in packages:
        spec = importlib.util.find_spec(package.partition(".")[0])
        if spec is None or spec.origin is None:
            raise StartError(f"execution.preload: there is no package {package!r} here", "install it, or leave it out")
        file = Path(spec.origin)
        folders[str(file.parents[1] if file.name == "__init__.py" else file.parent)] = None
    return list(folders)


class Worker:
    """One worker process and what it has been given.

    Args:
        zygote: what forks it.
        owner: whose calls it serves.
        alone: it gets one call or compile, and is ended after it.

    Raises:
        StartError: it cannot be started.
    """

    def __init__(self, zygote: Zygote, owner: Owner, *, alone: bool) -> None:
        self._zygote = zygote
        self.owner = owner
        self.alone = alone
        self.imports = frozenset(owner.imports)
        self.loaded: set[int] = set()
        self.given: deque[tuple[int, Program]] = deque()  # unanswered: number of the task, LOAD or COMPILE
        self.settled: list[int] = []  # numbers of the calls that it has answered in this batch
        self.ready = False
        self.touched = False  # something ran in it before the first unanswered request, and may be what broke it
        self.since = time.monotonic()  # when the first unanswered request had the worker to itself
        self._requests: list[list[Any]] = []
        self._weight = 0
        self._outbox = bytearray()
        self._frames = Frames()
        try:
            self.socket, theirs = socket.socketpair()
        except OSError as error:
            raise StartError(str(error)) from error
        with theirs:
            try:
                self._name = zygote.fork(theirs, sorted(self.imports))
            except BaseException:
                self.socket.close()
                raise
        self.socket.setblocking(False)

    def compile(self, program: Program) -> None:
        """Queues a program to be compiled."""
        source = program.source
        self._put(
            COMPILE,
            program,
            ["compile", not self.owner.trusted, source.name, program.entry, program.texts, program.files],
        )
        self._weight += sum(len(text or "") for text in program.texts.values())
        program.compiling = True

    def give(self, number: int, program: Program, arguments: str) -> None:
        """Queues a call, and its program first where the worker has not seen it."""
        if program.key not in self.loaded:
            self._put(
                LOAD,
                program,
                ["load", not self.owner.trusted, program.key, program.code, program.seed(), program.binding],
            )
            self.loaded.add(program.key)
        self._put(number, program, ["call", number, program.key, arguments])
        self._weight += len(arguments)
        if self._weight > MAX_REQUEST:
            self._close_frame()

    def _put(self, number: int, program: Program, request: list[Any]) -> None:
        if not self.given:
            self.since = time.monotonic()
        self._requests.append(request)
        self.given.append((number, program))

    def _close_frame(self) -> None:
        if self._requests:
            self._outbox += framed(frame_text(self._requests))
            self._requests = []
            self._weight = 0

    def limit(self, timeout_s: float) -> float:
        """Seconds that its first unanswered request may take, where a call may take so many."""
        return COMPILE_S if self.given and self.given[0][0] == COMPILE else timeout_s

    def deadline(self, timeout_s: float) -> float:
        """When the worker is to be given up, in the time of `time.monotonic`."""
        return self.since + (self.limit(timeout_s) * GRACE if self.ready else START_S)

    def events(self) -> int:
        """What to wait for."""
        return select.POLLIN | (select.POLLOUT if self._outbox else 0)

    def send(self) -> None:
        """Writes as much of what is queued as the socket takes."""
        self._close_frame()
        try:
            while self._outbox:
                del self._outbox[: self.socket.send(self._outbox)]
        except BlockingIOError:
            pass  # it takes no more for now: what is left is sent when the poll says so
        except OSError:
            self._outbox.clear()  # it is gone: `receive` says so, after what it had answered

    def receive(self) -> Iterator[Answer]:
        """The answers that have come, one after the other.

        Raises:
            BrokenError: the worker is gone, or says what it cannot say.
        """
        try:
            data = self.socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            raise self._end()
        self._frames.most = MAX_CODE if any(number == COMPILE for number, _ in self.given) else MAX_FRAME
        try:
            bodies = self._frames.take(data)
        except TooLongError:
            raise forged() from None
        for body in bodies:
            compiles = self.ready and bool(self.given) and self.given[0][0] == COMPILE
            if len(body) > MAX_FRAME and not compiles:
                raise forged()
            yield parse(body, compiles=compiles, first=not self.ready)

    def dismiss(self) -> None:
        """Ends the process."""
        self._zygote.end(self._name)
        self.socket.close()

    def _end(self) -> BrokenError:
        """How the process ended, in words."""
        death = self._zygote.death(self._name)
        if death is None:
            words = "its zygote is gone" if self._zygote.gone() else "it closed the runner's connection"
            return BrokenError("killed", words)
        status, words = death
        if words:
            return BrokenError("killed", words)
        if status == -signal.SIGSYS:
            return BrokenError("forbidden", "its process was ended by a system call that no function may make (SIGSYS)")
        if status >= 0:
            return BrokenError("killed", f"its process ended with exit status {status}")
        return BrokenError("killed", f"its process was ended by {signal.Signals(-status).name}")
