"""What each layer of a worker's walls must end or starve, tried once for each zygote in processes of its own."""

import functools
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass

from apigen_ray.runners.sandbox import bpf, linux
from apigen_ray.runners.sandbox.walls import LAYERS, MANDATORY, UP, Limits, Proof, WallError, available, raise_walls

_PROBE_S = 10
"""Seconds after which a probe process ends itself: it is stuck."""


def prove_deadly(limits: Limits, skip: frozenset[str] = frozenset()) -> Proof:
    """Tries in probe processes what ends or starves one; the caller, single-threaded, stays as it is.

    Each probe process is behind one layer alone, so that no layer passes for what another one does.

    Args:
        limits: what the probe processes may use.
        skip: layers that are left out and so not proved.

    Raises:
        WallError: a mandatory layer is not to be had, or a probe got through.
    """
    proof = dict.fromkeys(LAYERS, "left out")
    running: dict[int, tuple[str, _Probe]] = {}
    there = available()
    try:
        for layer in LAYERS:
            if layer in skip:
                continue
            if there[layer].startswith("absent"):
                if layer in MANDATORY:
                    raise WallError(layer, "starting", there[layer])
                proof[layer] = there[layer]
                continue
            probes = _PROBES[layer](limits)
            running |= {probe.start(layer, limits): (layer, probe) for probe in probes}
            tried = [f"{probe.name} {probe.wanted()}" for probe in probes if probe.refusal]
            dead = [probe.name for probe in probes if not probe.refusal]
            tried += [f"{', '.join(dead)} ended by SIGSYS"] if dead else []
            proof[layer] = UP + ("; ".join(tried) or "nothing to try in a process of its own")
        while running:
            pid = next(iter(running))
            status = os.waitpid(pid, 0)[1]
            layer, probe = running.pop(pid)
            ended = probe.ending(status)
            if ended != probe.wanted():
                raise WallError(layer, probe.name, f"{ended}, not {probe.wanted()}")
    finally:
        for pid in running:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return proof


@dataclass(frozen=True)
class _Probe:
    """What a probe process tries behind one layer.

    Attributes:
        name: words for it.
        action: what it does; harmless if it gets through.
        refusal: the exception that the layer must make of it; None if it must end the process by SIGSYS.
    """

    name: str
    action: Callable[[], object]
    refusal: type[BaseException] | None = None

    def wanted(self) -> str:
        """How the process must end."""
        return f"refused by {self.refusal.__name__}" if self.refusal else "ended by SIGSYS"

    def start(self, layer: str, limits: Limits) -> int:
        """Starts the process and gives its id."""
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(_PROBE_S)
            raise_walls(0, limits, frozenset(LAYERS) - {layer})
            code = 0
            self.action()
        except BaseException as error:
            code = 2 if code else 3 if self.refusal and isinstance(error, self.refusal) else 4
        os._exit(code)

    def ending(self, status: int) -> str:
        """How the process ended, in words, from what ``waitpid`` says."""
        if os.WIFSIGNALED(status):
            return f"ended by {signal.Signals(os.WTERMSIG(status)).name}"
        said = {0: "it got through", 2: "the wall did not go up", 3: self.wanted()}
        return said.get(os.WEXITSTATUS(status), "it failed in another way")


def _starving(limits: Limits) -> list[_Probe]:
    """What resource limits refuse."""
    memory = _Probe("memory", lambda: bytearray(limits.memory_mb << 20), MemoryError)
    file = _Probe("writing a file", lambda: os.write(os.memfd_create("probe"), b"x"), OSError)  # it needs no folder
    return [memory, file] if hasattr(os, "memfd_create") else [memory]


def _blocked(_limits: Limits) -> list[_Probe]:
    """What Landlock refuses and a worker has no descriptors to try."""
    try:
        socket.socket().close()
    except OSError:  # a machine without IPv4
        return []
    return [_Probe("a TCP connection", _connect, PermissionError)] if linux.landlock_abi() >= 4 else []


def _deadly(_limits: Limits) -> list[_Probe]:
    """System calls that seccomp must answer with death."""
    numbers = bpf.numbers(linux.machine())
    own = os.getpid()
    # Each would do nothing, or nothing that matters, if it got through; what is not given is 0.
    arguments: dict[str, tuple[int, ...]] = {
        "socket": (1, 1),
        "clone": (),
        "clone3": (),
        "fork": (),
        "execve": (),
        "execveat": (-1,),
        "ptrace": (-1,),
        "process_vm_readv": (own,),
        "kill": (own,),
        "pidfd_open": (own,),
        "prctl": (3,),
        "seccomp": (-1,),
        "prlimit64": (0, 4, 8),
        "setuid": (os.getuid(),),
        "personality": (linux.GET_PERSONALITY,),
        "memfd_create": (),
        "io_uring_setup": (),
        "bpf": (-1,),
        "userfaultfd": (-1,),
        "perf_event_open": (),
        "keyctl": (-1,),
        "unshare": (),
        "setns": (-1,),
        "mount": (),
    }
    given = {name: (*values, 0, 0, 0, 0, 0, 0)[:6] for name, values in arguments.items()}
    if "fork" not in numbers:
        del given["fork"]  # aarch64 has clone only
    return [_Probe(name, functools.partial(linux.call, numbers[name], *values)) for name, values in given.items()]


def _connect() -> None:
    with socket.socket() as connection:
        connection.connect(("127.0.0.1", 9))


_PROBES = {"rlimits": _starving, "landlock": _blocked, "seccomp": _deadly}
