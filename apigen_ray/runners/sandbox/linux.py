"""The system calls that Python has no function for, through ctypes: importable everywhere, usable on Linux.

Import this before a wall goes up: loading ctypes opens files. Plain foreign calls need no executable memory of their
own (callbacks would). ctypes stays within reach of code that gets past the language layer, and that is reckoned with:
such code can make any system call, and what holds is how the kernel answers it.
"""

import errno
import functools
import os
import sys

from apigen_ray.runners.sandbox import bpf

try:
    import ctypes
except ImportError:  # a Python that was built without libffi
    _library = None
else:
    _library = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    if _library is not None:
        _library.syscall.restype = ctypes.c_long

NO_NEW_PRIVS, SET_DEATH_SIGNAL = 38, 1
SET_SECCOMP, GET_SECCOMP = 22, 21
GET_PERSONALITY = 0xFFFFFFFF
READ_IMPLIES_EXEC = 0x0400000

_FILES_BY_ABI = ((1, 0x1FFF), (2, 1 << 13), (3, 1 << 14), (5, 1 << 15))  # .., refer, truncate, ioctl on devices
_CREATE, _RESTRICT = 444, 446  # the same number on every architecture


Call = tuple[object, ...]
"""A system call with its arguments, as it is handed to the kernel."""


def prepared(number: int, *arguments: "int | bytes | None") -> Call:
    """A system call that is made ready once, to be made in many processes; bytes are handed over as pointers."""
    # An argument takes a whole register: a plain int would be passed as 32 bits, the upper half undefined.
    words = (number, *arguments)
    return tuple(ctypes.c_long(word) if isinstance(word, int) else word for word in words) if _library else ()


def made(ready: Call) -> int:
    """Makes a system call and gives what the kernel answers: an error is its number below 0, no exception.

    Off Linux the answer is -ENOSYS.
    """
    if not ready or _library is None:
        return -errno.ENOSYS
    answer: int = _library.syscall(*ready)
    return -ctypes.get_errno() if answer == -1 else answer


def raw(number: int, *arguments: "int | bytes | None") -> int:
    """Makes a system call, as `prepared` and `made`."""
    return made(prepared(number, *arguments))


def call(number: int, *arguments: "int | bytes | None") -> int:
    """Makes a system call.

    Raises:
        OSError: the kernel's answer was an error.
    """
    answer = raw(number, *arguments)
    if -4096 < answer < 0:
        raise OSError(-answer, os.strerror(-answer))
    return answer


def prctl(option: int, *arguments: int) -> int:
    """Makes the call ``prctl``; missing arguments are 0.

    Raises:
        OSError: the kernel's answer.
    """
    return call(bpf.numbers(machine())["prctl"], option, *(*arguments, 0, 0, 0, 0)[:4])


@functools.cache
def machine() -> str:
    """The machine's name if there is a filter program for this process, else ""."""
    name = os.uname().machine if hasattr(os, "uname") else ""
    known = name in bpf.ARCHITECTURES and _library is not None and sys.maxsize > 1 << 32
    return name if known and sys.byteorder == "little" else ""


def dying_with_parent(number: int) -> Call:
    """The call that has a process get a signal when the one that forked it ends."""
    return prepared(bpf.numbers(machine())["prctl"], SET_DEATH_SIGNAL, number, 0, 0, 0) if machine() else ()


def filtering(program: bytes) -> Call:
    """The call that puts a seccomp filter on a process, for good."""
    start = ctypes.cast(ctypes.c_char_p(program), ctypes.c_void_p).value or 0
    holder = (len(program) // 8).to_bytes(8, "little") + start.to_bytes(8, "little")  # struct sock_fprog
    # The sixth argument, which the kernel does not look at, keeps alive what the third points to.
    return prepared(bpf.numbers(machine())["prctl"], SET_SECCOMP, 2, holder, 0, 0, program)


@functools.cache
def landlock_abi() -> int:
    """The version of Landlock that the kernel has.

    Raises:
        OSError: it has none (ENOSYS), or has it turned off (EOPNOTSUPP).
    """
    return call(_CREATE, None, 0, 1)


def deny_all() -> int:
    """A Landlock ruleset that allows nothing of all that the kernel's Landlock can deny; its descriptor.

    Files from version 1 on (more rights with 2, 3 and 5), TCP bind and connect from 4, abstract sockets and signals to
    processes outside from 6.

    Raises:
        OSError: Landlock is absent.
    """
    abi = landlock_abi()
    words = [sum(rights for since, rights in _FILES_BY_ABI if abi >= since)]
    if abi >= 4:
        words.append(3)
    if abi >= 6:
        words.append(3)
    form = b"".join(word.to_bytes(8, "little") for word in words)
    return call(_CREATE, form, len(form), 0)


def restricting(ruleset: int) -> Call:
    """The call that puts a process, for good, behind what a Landlock ruleset does not allow."""
    return prepared(_RESTRICT, ruleset, 0)
