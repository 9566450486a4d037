"""The process that workers are forked from: it has imported what they need and never runs or compiles foreign code.

Started as a script (``python -s -P -S -B zygote.py CONTROL LIFE SETTINGS``) with an empty environment but for the seed
of hashes, so that sets of strings have one order in every run, and the word that libraries are bound at once, not in
each worker. It has one thread. What goes over the control socket are frames, a big-endian 4-byte length and a JSON
text:

- from the parent ``["fork", id, modules]``, with the worker's own socket as ancillary data; ``["kill", id]``;
- to the parent ``["ready", {layer: words}]`` or ``["failed", words]``, once; ``["dead", id, status, words]`` for every
  worker that was not killed by request, status as in `subprocess.Popen.returncode`.

It ends with all its workers when the parent closes the control socket, and is killed with them when the parent dies.
"""

import array
import ctypes
import fcntl
import gc
import importlib
import io
import json
import os
import select
import signal
import socket
import struct
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

if __name__ == "__main__":  # nothing of our own package is on the path
    _ours = os.path.abspath(__file__)
    for _ in range(4):
        _ours = os.path.dirname(_ours)
    sys.path += [_ours, *json.loads(sys.argv[3])["folders"]]

from apigen_ray.runners.sandbox import language, linux, trusted, walls, worker

PDEATHSIG = 1
"""Of prctl: the signal that a process gets when the one that forked it ends."""
DISMISSED = -1
"""Name of a worker that the parent does not ask for any more."""
PRELOAD = "_strptime encodings.ascii encodings.latin_1 encodings.idna stringprep unicodedata".split()
"""What the standard library imports only when it is needed: nothing can be opened once the walls are up."""


_libc = ctypes.PyDLL(None, use_errno=True)


def _fork() -> int:
    """Forks without what `os.fork` does in the child, half the time of a fork, for threads and locks that are not here.

    Raises:
        OSError: there is no room for another process.
    """
    process: int = _libc.fork()
    if process < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return process


class Zygote:
    """Forks, kills and reaps workers as the parent asks.

    Args:
        control: the socket to the parent.
        work: what a worker does with its socket; never returns.
    """

    def __init__(self, control: socket.socket, work: Callable[[int], None]) -> None:
        self._control = control
        self._work = work
        self._ids: dict[int, int] = {}  # by process id
        self._inbox = bytearray()
        self._sockets: list[int] = []  # which have come with fork requests that are still to be looked at
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._wake, False)

    def send(self, message: Sequence[Any]) -> None:
        """Tells the parent something."""
        body = json.dumps(message).encode()
        self._control.sendall(struct.pack(">I", len(body)) + body)

    def run(self) -> None:
        """Answers requests until the parent is gone."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._woken, select.POLLIN)
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == self._woken:
                    os.read(self._woken, 4096)
                    self._reap()
                elif not self._receive():
                    return

    def _receive(self) -> bool:
        """Takes in what the parent sent; false at its end."""
        room = socket.CMSG_SPACE(64 * struct.calcsize("i"))
        data, ancillary, _, _ = self._control.recvmsg(1 << 16, room)
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                sockets = array.array("i")
                sockets.frombytes(content[: len(content) - len(content) % sockets.itemsize])
                self._sockets.extend(sockets)
        self._inbox += data
        for request in self._requests():
            if request[0] == "fork":
                self._fork(request[1], self._sockets.pop(0), request[2])
            else:
                self._kill(request[1])
        return bool(data)

    def _requests(self) -> Iterator[Any]:
        while len(self._inbox) >= 4:
            end = 4 + int.from_bytes(self._inbox[:4], "big")
            if len(self._inbox) < end:
                return
            body = bytes(self._inbox[4:end])
            del self._inbox[:end]
            yield json.loads(body)

    def _fork(self, name: int, descriptor: int, modules: Sequence[str]) -> None:
        trusted.import_standard(modules)  # here, not in the worker: once
        try:
            process = _fork()
        except OSError as error:
            self.send(["dead", name, -1, f"no process can be forked: {error.strerror}"])
            os.close(descriptor)
            return
        if process == 0:
            try:
                signal.set_wakeup_fd(-1)  # the handler of SIGCHLD may stay: there will be no children
                os.closerange(3, descriptor)  # nothing of the zygote's stays open, the way to the parent least of all
                os.closerange(descriptor + 1, 4096)
                self._work(descriptor)
            finally:
                os._exit(1)
        os.close(descriptor)
        self._ids[process] = name

    def _kill(self, name: int) -> None:
        for process, other in self._ids.items():  # a few; one that has been reaped is not among them
            if other == name:
                os.kill(process, signal.SIGKILL)
                self._ids[process] = DISMISSED
                return

    def _reap(self) -> None:
        while self._ids:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return
            name = self._ids.pop(process, DISMISSED)
            if name != DISMISSED:
                self.send(["dead", name, os.waitstatus_to_exitcode(status), ""])


def die_with(life: int) -> None:
    """Has the kernel kill this process and its group as soon as the other end of a pipe is closed.

    The parent closes it by ending, however it ends. A thread that waits for that would starve beside a function that
    does not let go of the interpreter, and PR_SET_PDEATHSIG would fire when the parent's *thread* ends.
    """
    fcntl.fcntl(life, fcntl.F_SETOWN, -os.getpgrp())
    if hasattr(fcntl, "F_SETSIG"):  # Linux; elsewhere it is SIGIO, which ends a process too unless it is ignored
        fcntl.fcntl(life, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(life, fcntl.F_SETFL, fcntl.fcntl(life, fcntl.F_GETFL) | os.O_ASYNC)


def stand(limits: walls.Limits, skip: frozenset[str], weak: bool) -> tuple[frozenset[str], walls.Proof]:
    """Proves the layers in probe processes; which workers are to leave out, and what was proved.

    Args:
        limits: of workers.
        skip: layers to leave out in any case.
        weak: leave out also what cannot be had here.

    Raises:
        walls.WallError: a layer cannot be had, and it must be.
    """
    absent: walls.Proof = {}
    while True:
        try:
            return skip, walls.prove_deadly(limits, skip) | absent
        except walls.WallError as error:
            if not weak or error.layer in skip:
                raise
            absent[error.layer] = f"absent: {error}"
            skip |= {error.layer}


def unused(limits: walls.Limits) -> int:
    """Bytes of the address space that a worker may have and this process does not take; 0 where nobody tells."""
    try:
        with open("/proc/self/statm") as file:
            taken = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
    return max(0, (limits.memory_mb << 20) - taken)


class Sink(io.TextIOBase):
    """Takes what functions print: there is nowhere that it could go."""

    def write(self, text: str) -> int:
        """Takes a text."""
        return len(text)


def preload(names: Sequence[str]) -> None:
    """Imports what sources may: packages that the user names, from where the parent has found them, and ours.

    Raises:
        BaseException: whatever an import raises.
    """
    threads = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    os.environ.update(dict.fromkeys(threads, "1"))  # a fork keeps none but the thread that forks
    for name in names:
        importlib.import_module(name)
    if "numpy" in sys.modules:
        importlib.import_module("numpy.random")  # what it leaves to its first use, and `worker.reseed` asks for
    language.preload(packages=names)


def main(arguments: Sequence[str]) -> None:
    """Entry point: descriptors of the control socket and the life line, settings as JSON."""
    control = socket.socket(fileno=int(arguments[0]))
    die_with(int(arguments[1]))
    settings: Mapping[str, Any] = json.loads(arguments[2])
    gc.disable()  # what is here stays; workers switch it on for what calls leave behind
    parent = os.getpid()

    clock = worker.Clock(settings["timeout_s"], settings["compile_s"])
    limits = walls.Limits(settings["memory_mb"])
    skip = frozenset(settings["skip"])
    room = 0

    def work(descriptor: int) -> None:
        def raise_walls() -> walls.Proof:
            return walls.raise_walls(descriptor, limits, skip)

        if linux.machine():
            linux.prctl(PDEATHSIG, signal.SIGKILL)
        if os.getppid() == parent:
            worker.work(descriptor, raise_walls, clock, settings["clock"], room)

    zygote = Zygote(control, work)
    try:
        for name in PRELOAD:
            importlib.import_module(name)
        preload(settings["preload"])
        sys.modules["__main__"] = types.ModuleType("__main__")  # what functions find is not this script
        sys.stdin, sys.stdout, sys.stderr = io.StringIO(), Sink(), Sink()
        os.environ.clear()
        sys.argv[:] = sys.orig_argv[:] = [""]
        skip, proof = stand(limits, skip, settings["weak"])
        trusted.find_beside()
        clock.install()
        worker.warm_up(clock, settings["clock"])
        gc.collect()
        gc.freeze()
        room = unused(limits) if "rlimits" not in skip else 0
    except BaseException as error:
        zygote.send(["failed", f"{type(error).__name__}: {error}"[:500]])
        raise
    zygote.send(["ready", proof])
    zygote.run()
    os.killpg(0, signal.SIGKILL)  # with all workers


if __name__ == "__main__":
    main(sys.argv[1:])
