"""The process that workers are forked from: it has imported what they need and never runs or compiles foreign code.

Started as a script (``python -s -P -S -B zygote.py CONTROL LIFE SETTINGS``) with an empty environment but for the seed
of hashes, so that sets of strings have one order in every run, and the word that libraries are bound at once, not in
each worker. It has one thread. What goes over the control socket are frames, a big-endian 4-byte length and a JSON
text:

- from the parent ``["fork", id, modules]``, with the worker's own socket as ancillary data; ``["end", id]``, of a
  worker that nobody asks for any more; ``["death", id]``, of one that has closed its end of its socket;
- to the parent ``["ready", {layer: words}]`` or ``["failed", words]``, once; ``["dead", id, status, words]`` in answer
  to a ``death``, status as in `subprocess.Popen.returncode`.

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
from collections.abc import Callable, Mapping, Sequence
from typing import Any

if __name__ == "__main__":  # nothing of our own package is on the path
    _ours = os.path.abspath(__file__)
    for _ in range(4):
        _ours = os.path.dirname(_ours)
    sys.path += [_ours, *json.loads(sys.argv[3])["folders"]]

from apigen_ray.runners.sandbox import language, linux, probes, trusted, walls, worker
from apigen_ray.runners.sandbox.frames import Frames, frame_text, framed, unframed

PROTOCOL = 3
"""The descriptor of a worker's own socket, the only one that it has beside three to nowhere."""
REAP_MS = 20
"""Milliseconds between two looks at processes that have been killed, while the parent asks for nothing."""
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
        self._frames = Frames()
        self._sockets: list[int] = []  # which have come with fork requests that are still to be looked at
        self._processes: dict[int, int] = {}  # by name
        self._failed: dict[int, str] = {}  # words for those that could not be forked, by name
        self._ending: list[int] = []  # processes that have been killed, and are still to be reaped

    def send(self, message: Sequence[Any]) -> None:
        """Tells the parent something."""
        self._control.sendall(framed(frame_text(message)))

    def run(self) -> None:
        """Answers requests until the parent is gone."""
        requests: dict[str, Callable[..., None]] = {"fork": self._fork, "end": self._end, "death": self._death}
        room = socket.CMSG_SPACE(64 * struct.calcsize("i"))
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        while True:
            if self._ending and not poll.poll(REAP_MS):
                self._reap()
                continue
            data, ancillary, _, _ = self._control.recvmsg(1 << 16, room)
            if not data:
                return
            for level, kind, content in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    self._sockets.extend(array.array("i", content[: len(content) // 4 * 4]))
            for body in self._frames.take(data):
                kind, *rest = unframed(body)
                requests[kind](*rest)
            self._reap()

    def _fork(self, name: int, modules: Sequence[str]) -> None:
        descriptor = self._sockets.pop(0)
        if modules:
            trusted.import_standard(modules)  # here, not in the worker: once
        try:
            process = _fork()
        except OSError as error:
            self._failed[name] = f"no process can be forked: {error.strerror}"
        else:
            if process == 0:
                try:
                    self._work(descriptor)
                finally:
                    os._exit(1)
            self._processes[name] = process
        os.close(descriptor)

    def _end(self, name: int) -> None:
        self._failed.pop(name, None)
        process = self._processes.pop(name, 0)
        if process:  # else it has been reaped, and its number may be another's
            os.kill(process, signal.SIGKILL)
            self._ending.append(process)

    def _death(self, name: int) -> None:
        words = self._failed.pop(name, "")
        process = self._processes.pop(name, 0)
        status = -1
        if process:
            reaped, ending = os.waitpid(process, os.WNOHANG)
            if not reaped:  # dying, as its socket is closed; or it has closed that and lives, as only a weak one can
                os.kill(process, signal.SIGKILL)
                _, ending = os.waitpid(process, 0)
            status = os.waitstatus_to_exitcode(ending)
            words = "" if reaped or status != -signal.SIGKILL else "it closed the runner's connection"
        self.send(["dead", name, status, words])

    def _reap(self) -> None:
        self._ending = [process for process in self._ending if not os.waitpid(process, os.WNOHANG)[0]]


def die_with(life: int, group: int | None = None) -> None:
    """Has the kernel kill a process group, this process's where none is named, once the other end of a pipe is closed.

    The parent closes it by ending, however it ends. A thread that waits for that would starve beside a function that
    does not let go of the interpreter, and PR_SET_PDEATHSIG would fire when the parent's *thread* ends.
    """
    fcntl.fcntl(life, fcntl.F_SETOWN, -(group or os.getpgrp()))
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
            return skip, probes.prove_deadly(limits, skip) | absent
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
        importlib.import_module("numpy.random")  # what it leaves to its first use, and `program.reseed` asks for
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
    try:
        for name in PRELOAD:
            importlib.import_module(name)
        preload(settings["preload"])
        sys.modules["__main__"] = types.ModuleType("__main__")  # what functions find is not this script
        sys.stdin, sys.stdout, sys.stderr = io.StringIO(), Sink(), Sink()
        os.environ.clear()
        sys.argv[:] = sys.orig_argv[:] = [""]
        skip, proof = stand(limits, frozenset(settings["skip"]), settings["weak"])
        trusted.find_beside()
        clock.install()
        worker.warm_up(clock, settings["clock"])
        room = unused(limits) if "rlimits" not in skip else 0
        serving = worker.Serving(
            PROTOCOL, walls.Walls(PROTOCOL, limits, skip, closing=True), clock, settings["clock"], room
        )
        dying = linux.dying_with_parent(signal.SIGKILL)
        gc.collect()
        gc.freeze()
    except BaseException as error:
        control.sendall(framed(frame_text(["failed", f"{type(error).__name__}: {error}"[:500]])))
        raise

    def work(descriptor: int) -> None:
        os.dup2(descriptor, PROTOCOL)
        linux.made(dying)
        if os.getppid() == parent:
            serving.work()

    zygote = Zygote(control, work)
    zygote.send(["ready", proof])
    zygote.run()
    os.killpg(0, signal.SIGKILL)  # with all workers


if __name__ == "__main__":
    main(sys.argv[1:])
