"""One child process as its parent sees it: what it was given, what it answered, and when it is past waiting for."""

import contextlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from apigen_ray.records import Status
from apigen_ray.runners.base import CODES, ExecutionSpec, Outcome, Task
from apigen_ray.runners.results import MAX_DETAIL, MAX_VALUE
from apigen_ray.runners.sources import SourceText

START_S = 30.0
"""Seconds after which a child that has not said that it is ready counts as not started."""
MAX_FRAME = 6 * MAX_VALUE + 65536
"""Bytes of an answer: JSON inside JSON takes up to six bytes for one, and a detail comes with it."""
LOAD = -1
"""Stands for the number of a call where a module is loaded."""

_CHILD = str(Path(__file__).with_name("child.py"))
_CHILD_CODES = frozenset(CODES) - {"runner_unavailable"}
_frame_text = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class BrokenError(Exception):
    """A child that cannot go on: code and detail say what its first unanswered call is suspected of."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


@dataclass(eq=False)
class Module:
    """A source that calls are made to; ``broken`` is what becomes of every call once it cannot even be loaded."""

    key: int
    source: SourceText
    broken: Outcome | None = None


@dataclass
class Answer:
    """What a child says of one request: see `apigen_ray.runners.child.serve`."""

    number: int
    code: str
    value: str | None
    detail: str
    seconds: float

    def outcome(self) -> Outcome:
        """What that means for the call."""
        status = Status.REJECTED if self.code else Status.PASSED
        return Outcome(status, self.code, self.value, self.detail, self.seconds)


class Child:
    """One child process, started by exec with an empty environment, and what it has been given.

    Args:
        spec: its limits.
        root: the folder that its sources are in: a child serves one of them only, so that modules of the same name
            do not meet.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, spec: ExecutionSpec, root: str) -> None:
        self.root = root
        self.loaded: set[int] = set()
        self.given: deque[tuple[int, Module]] = deque()  # unanswered: number of the task or LOAD, and its module
        self.ready = False
        self.used = False
        self.alone = False  # it tries a suspect: nothing else is given to it until that is answered
        self.since = time.monotonic()  # when the first unanswered call had the child to itself
        self._outbox = bytearray()
        self._inbox = bytearray()
        self.socket, theirs = socket.socketpair()
        held, self._life = os.pipe()  # the kernel kills the child when the end that we hold is closed
        arguments = [theirs.fileno(), held, spec.memory_mb, root]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and script
                [sys.executable, "-I", "-S", "-B", _CHILD, *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                close_fds=True,
                pass_fds=(theirs.fileno(), held),
                start_new_session=True,
            )
        except BaseException:
            self.socket.close()
            os.close(self._life)
            raise
        finally:
            theirs.close()
            os.close(held)
        self.socket.setblocking(False)

    def give(self, number: int, module: Module, task: Task) -> None:
        """Queues a call, and its module first where the child has not seen it."""
        if not self.given:
            self.since = time.monotonic()
        if module.key not in self.loaded:
            source = module.source
            self._put(LOAD, module, ["load", module.key, source.name, source.file, source.text])
            self.loaded.add(module.key)
        entry = task.api.source.entry if task.api.source else ""
        self._put(number, module, ["call", number, module.key, entry, task.arguments])

    def _put(self, number: int, module: Module, request: list[object]) -> None:
        body = _frame_text(request).encode()
        self._outbox += struct.pack(">I", len(body)) + body
        self.given.append((number, module))
        self.used = True

    def deadline(self, timeout_s: float) -> float:
        """When the child is to be given up, in the time of `time.monotonic`."""
        return self.since + (timeout_s if self.ready else START_S)

    def events(self) -> int:
        """What to wait for."""
        return select.POLLIN | (select.POLLOUT if self._outbox else 0)

    def send(self) -> None:
        """Writes as much of what is queued as the socket takes."""
        try:
            while self._outbox:
                del self._outbox[: self.socket.send(self._outbox)]
        except BlockingIOError:
            pass
        except OSError:
            self._outbox.clear()  # it is gone: `receive` says so, after what it had answered

    def receive(self) -> Iterator[Answer]:
        """The answers that have come, one after the other.

        Raises:
            BrokenError: the child is gone, or says what it cannot say.
        """
        try:
            data = self.socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            raise BrokenError("killed", self._end())
        inbox = self._inbox
        inbox += data
        while len(inbox) >= 4:
            end = 4 + int.from_bytes(inbox[:4], "big")
            if end > MAX_FRAME:
                raise BrokenError("killed", "it wrote into the runner's protocol")
            if len(inbox) < end:
                break
            body = bytes(inbox[4:end])
            del inbox[:end]
            yield _parse(body)

    def kill(self) -> None:
        """Ends the process and its group, and waits for it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self.socket.close()
        if self._life >= 0:
            os.close(self._life)
            self._life = -1

    def _end(self) -> str:
        """How the process ended, in words."""
        try:
            status = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return "it closed the runner's connection"
        if status >= 0:
            return f"its process ended with exit status {status}"
        return f"its process was ended by {signal.Signals(-status).name}"


def _parse(body: bytes) -> Answer:
    """An answer from its frame; foreign code may have written it, so nothing is taken for granted."""
    try:
        number, code, value, detail, seconds = json.loads(body)
        well_formed = (
            type(number) is int
            and type(seconds) is float
            and len(detail.encode()) <= 4 * MAX_DETAIL
            and (len(value.encode()) <= MAX_VALUE if value is not None else code in _CHILD_CODES or number == LOAD)
            and (code == "" or (value is None and code in _CHILD_CODES))
        )
    except (ValueError, TypeError, AttributeError, RecursionError):
        well_formed = False
    if not well_formed:
        raise BrokenError("killed", "it wrote into the runner's protocol")
    return Answer(number, code, value, detail, seconds)
