"""The kernel's walls around a worker: resource limits, Landlock, seccomp; put up once, for good, and proved.

Nothing here depends on what Python code can reach: once the walls are up, code that got past the language layer and
makes system calls of its own meets the kernel's answers and no other. Works for root and for any other user. Needs
the standard library only, and everything that it imports is to be imported before the walls go up.

Each worker itself tries what can be tried without dying, in a way that tells the layers apart: opening a folder works,
then fails with EACCES (Landlock), then with EPERM (seccomp, which answers before Landlock is asked). What ends a
process is tried in processes of its own, once for each zygote: `apigen_ray.runners.sandbox.probes`.
"""

import errno
import functools
import os
from dataclasses import dataclass
from typing import NamedTuple

from apigen_ray.runners.sandbox import bpf, linux

try:
    import fcntl
    import resource
except ImportError:  # Windows
    _LIMITS: dict[str, int] = {}
else:
    _LIMITS = {
        name: getattr(resource, f"RLIMIT_{name}")
        for name in ("AS", "NPROC", "FSIZE", "CORE", "NOFILE", "CPU")
        if hasattr(resource, f"RLIMIT_{name}")
    }

_NAMES = {number: name for name, number in _LIMITS.items()}

LAYERS = ("rlimits", "landlock", "seccomp")
MANDATORY = ("rlimits", "seccomp")

Proof = dict[str, str]
"""For each layer how it was proved, or why it is not there; `is_up` tells which."""

UP = "up: "
"""What the words of a layer that stands begin with."""
_FOREIGN = f"there is only one for {' and '.join(bpf.ARCHITECTURES)} on Linux, and it needs ctypes"
_HERE = -100  # AT_FDCWD
_READ, _EXECUTE = 1, 4
_PAGE = 1 << 16  # of any size that a kernel uses
_DESCRIPTORS = 4096  # beyond every one that a zygote has open


class WallError(Exception):
    """A wall does not stand: it could not be put up, or a probe got through.

    Attributes:
        layer: one of `LAYERS`.
        probe: what was tried.
    """

    def __init__(self, layer: str, probe: str, words: str) -> None:
        super().__init__(f"{layer}: {probe}: {words}")
        self.layer = layer
        self.probe = probe


@dataclass(frozen=True)
class Limits:
    """What a worker may use.

    Attributes:
        memory_mb: MiB of address space, the interpreter's own included.
        open_files: descriptor numbers it may open, from 0.
        cpu_s: seconds of CPU time in its whole life, after which the kernel kills it; None for no such limit, as a
            worker lives long and the supervisor watches each call.
    """

    memory_mb: int
    open_files: int = 32
    cpu_s: int | None = None

    def values(self) -> dict[str, int]:
        """Limit by name, in the kernel's units."""
        values = {"AS": self.memory_mb << 20, "NPROC": 0, "FSIZE": 0, "CORE": 0, "NOFILE": self.open_files}
        return values if self.cpu_s is None else values | {"CPU": self.cpu_s}


def is_up(words: str) -> bool:
    """Whether a layer's words in a `Proof` say that it stands."""
    return words.startswith(UP)


def available() -> Proof:
    """What this platform has of each layer, in words that begin with "available" or "absent"; changes nothing."""
    proof: Proof = {}
    missing = [name for name in Limits(1, cpu_s=1).values() if name not in _LIMITS]
    proof["rlimits"] = f"absent: this platform has no {', '.join(missing)} limit" if missing else "available"
    why = _no_landlock()
    proof["landlock"] = f"absent: {why}" if why else f"available: ABI {linux.landlock_abi()}"
    why = _no_seccomp()
    if not why:
        bpf.program(linux.machine(), 0)  # made once: the processes forked from here on inherit it
    proof["seccomp"] = f"absent: {why}" if why else f"available: {linux.machine()}"
    return proof


def raise_walls(descriptor: int, limits: Limits, skip: frozenset[str] = frozenset()) -> Proof:
    """Puts the walls up around this process, for good, and tries each: `Walls`, made and put up at once.

    Raises:
        WallError: as `Walls`.
    """
    return Walls(descriptor, limits, skip).put_up()


class _Step(NamedTuple):
    """Something that a wall is put up or tried by.

    Attributes:
        layer: one of `LAYERS`.
        probe: what is done or tried.
        call: the system call.
        wanted: what the kernel must answer.
    """

    layer: str
    probe: str
    call: linux.Call
    wanted: int


class Walls:
    """The walls of many processes, made ready once: each of them, forked from here, only makes the calls.

    A forked process pays for every page of memory that it writes to, and Python writes to whatever it looks at. So all
    that is the same for each is computed here, and nothing but calls and a look at their answers is left for there.

    Args:
        descriptor: the only one that such a process may read from and write to afterwards.
        limits: what it may use; a hard limit of this process that is lower stays.
        skip: layers to leave out.
        closing: close all descriptors above, too.

    Attributes:
        proof: what has been proved of each layer once `put_up` has come back.

    Raises:
        WallError: a layer cannot be had. Landlock may be absent, which the proof says.
    """

    def __init__(
        self, descriptor: int, limits: Limits, skip: frozenset[str] = frozenset(), *, closing: bool = False
    ) -> None:
        self.proof = dict.fromkeys(LAYERS, "left out")
        self._limits: list[tuple[int, tuple[int, int]]] = []
        before: list[_Step] = []
        after: list[_Step] = []
        self._closed: tuple[int, ...] = (descriptor + 1, _DESCRIPTORS) if closing else ()
        if "rlimits" not in skip:
            self._limits = _limits(limits)
            before += _trying_limits(limits)
            said = ", ".join([f"{name} {value}" for name, value in limits.values().items()])
            self.proof["rlimits"] = f"{UP}{said} read back; a mapping of the whole memory fails"
        if "landlock" not in skip:
            self.proof["landlock"] = f"absent: {_no_landlock()}"
            if not _no_landlock():
                since = "and did not before"
                if _open_folder() != 0:
                    since = "as it did before: an outer wall may stand there too"
                ruleset = _ruleset(descriptor)
                before += _restricting(ruleset)
                if not closing:
                    self._closed = (ruleset, ruleset + 1)
                self.proof["landlock"] = f"{UP}ABI {linux.landlock_abi()}: opening / fails with EACCES, {since}"
        if "seccomp" not in skip:
            after = [*_filtering(descriptor), *_trying_seccomp(descriptor)]
            self.proof["seccomp"] = f"{UP}open, stat, other descriptors and executable memory fail with EPERM"
        self._steps = before, after
        self._calls = [[(step.call, step.wanted) for step in steps] for steps in self._steps]

    def put_up(self) -> Proof:
        """Puts them up around this process, for good, and tries each; the process must have one thread.

        Raises:
            WallError: a layer cannot be put up, or does not hold.
        """
        for kind, pair in self._limits:
            try:
                resource.setrlimit(kind, pair)
            except (OSError, ValueError) as error:
                raise WallError("rlimits", _NAMES[kind], f"cannot be set to {pair[0]}: {error}") from error
        for kind, pair in self._limits:
            if resource.getrlimit(kind) != pair:
                raise WallError("rlimits", _NAMES[kind], f"{resource.getrlimit(kind)} is read back, not {pair}")
        before, after = self._calls
        for call, wanted in before:
            if (answer := linux.made(call)) != wanted:
                raise self._failed(call, answer)
        if self._closed:
            os.closerange(*self._closed)
        for call, wanted in after:
            if (answer := linux.made(call)) != wanted:
                raise self._failed(call, answer)
        return self.proof

    def _failed(self, call: linux.Call, answer: int) -> WallError:
        step = next(step for steps in self._steps for step in steps if step.call is call)
        said = f"fails with {errno.errorcode.get(-answer, -answer)}" if answer < 0 else "works"
        must = f"must fail with {errno.errorcode[-step.wanted]}" if step.wanted < 0 else "must work"
        return WallError(step.layer, step.probe, f"{said}, and {must}")


def _limits(limits: Limits) -> list[tuple[int, tuple[int, int]]]:
    """What the kernel calls each limit, with its soft and its hard value; a hard one that is already lower stays."""
    found = []
    for name, value in limits.values().items():
        if name not in _LIMITS:
            raise WallError("rlimits", name, "this platform has no such limit")
        before = resource.getrlimit(_LIMITS[name])[1]
        most = value if before == resource.RLIM_INFINITY else min(value, before)
        found.append((_LIMITS[name], (most, most)))
    return found


def _trying_limits(limits: Limits) -> list[_Step]:
    """Asks for more memory than there is, without access: what may be mapped counts, not what the machine has."""
    if not linux.machine():
        return []
    return [_Step("rlimits", "a mapping of the whole memory", _mapping(limits.memory_mb << 20, 0), -errno.ENOMEM)]


def _ruleset(above: int) -> int:
    """A Landlock ruleset that allows nothing; its descriptor, above another one."""
    try:
        made = linux.deny_all()
        found = fcntl.fcntl(made, fcntl.F_DUPFD_CLOEXEC, above + 1)
        os.close(made)
    except OSError as error:
        raise WallError("landlock", "making a ruleset", str(error)) from error
    return found


def _restricting(ruleset: int) -> list[_Step]:
    """Puts Landlock up: by every process itself, so that no two are in one domain and may trace each other."""
    return [
        _Step("landlock", "giving up new rights", _giving_up(), 0),
        _Step("landlock", "restricting", linux.restricting(ruleset), 0),
        _Step("landlock", "opening a folder", _opening_folder(), -errno.EACCES),
    ]


def _giving_up() -> linux.Call:
    """Gives up all rights that a program could bring: who is not root may not put walls up else."""
    return linux.prepared(bpf.numbers(linux.machine())["prctl"], linux.NO_NEW_PRIVS, 1, 0, 0, 0)


def _filtering(descriptor: int) -> list[_Step]:
    """Puts seccomp up.

    Raises:
        WallError: it cannot be had, or would not hold.
    """
    why = _no_seccomp()
    if why:
        raise WallError("seccomp", "installing the filter", why)
    if linux.call(bpf.numbers(linux.machine())["personality"], linux.GET_PERSONALITY) & linux.READ_IMPLIES_EXEC:
        raise WallError(
            "seccomp", "executable memory", "this process was started so that all it can read is executable"
        )
    installing = linux.filtering(bpf.program(linux.machine(), descriptor))
    return [
        _Step("seccomp", "giving up new rights", _giving_up(), 0),
        _Step("seccomp", "installing the filter", installing, 0),
    ]


def _trying_seccomp(descriptor: int) -> list[_Step]:
    """Makes calls that fail in another way, or not at all, where only the other layers are up."""
    numbers = bpf.numbers(linux.machine())
    other = descriptor + 1
    calls = {
        "opening a folder": _opening_folder(),
        "asking for a file's status": linux.prepared(numbers["newfstatat"], _HERE, b"/", bytes(256), 0),
        "reading from another descriptor": linux.prepared(numbers["read"], other, bytes(8), 1),
        "writing to another descriptor": linux.prepared(numbers["write"], other, bytes(8), 1),
        "mapping executable memory": _mapping(_PAGE, _READ | _EXECUTE),
        "making memory executable": linux.prepared(numbers["mprotect"], 0, _PAGE, _READ | _EXECUTE),
    }
    return [_Step("seccomp", probe, call, -errno.EPERM) for probe, call in calls.items()]


def _opening_folder() -> linux.Call:
    """Opens a folder that every user may read."""
    return linux.prepared(bpf.numbers(linux.machine())["openat"], _HERE, b"/", os.O_RDONLY | os.O_CLOEXEC)


def _open_folder() -> int:
    """Opens it; 0 if that works, else the kernel's answer."""
    answer = linux.made(_opening_folder())
    if answer >= 0:
        os.close(answer)
    return min(answer, 0)


def _mapping(length: int, protection: int) -> linux.Call:
    """Maps memory of its own."""
    private_anonymous = 0x22
    return linux.prepared(bpf.numbers(linux.machine())["mmap"], 0, length, protection, private_anonymous, -1, 0)


@functools.cache
def _no_landlock() -> str:
    """Why there is no Landlock, in words; "" if there is."""
    if not linux.machine():
        return _FOREIGN
    try:
        linux.landlock_abi()
    except OSError as error:
        return {
            errno.ENOSYS: "the kernel is older than 5.13 or built without it",
            errno.EOPNOTSUPP: "the kernel has it, turned off at boot",
        }.get(error.errno or 0, str(error))
    return ""


@functools.cache
def _no_seccomp() -> str:
    """Why seccomp cannot be used, in words; "" if it can."""
    if not linux.machine():
        return _FOREIGN
    try:
        linux.prctl(linux.GET_SECCOMP)
        linux.call(bpf.numbers(linux.machine())["seccomp"], 2, 0, bpf.KILL.to_bytes(4, "little"))
    except OSError as error:
        return f"the kernel cannot end a process by a filter: {error}"
    return ""
