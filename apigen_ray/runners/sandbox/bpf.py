"""The seccomp filter: which system calls a worker may make, as a classic-BPF program for x86-64 and aarch64.

Three answers. *Allow*: what computing in memory needs, some of it for certain arguments only. *Kill the process*: what
no function has a use for and what an attack starts with, so that it ends there and is seen (a security event).
*EPERM*: all the rest, unknown and future calls among it, since ordinary code asks for some of it (a codec look-up
opens files) and must be told no without dying.

Decisions that are not obvious:

- ``read`` and ``write`` on the protocol's descriptor only, and neither ``send`` nor ``recv``: a socket's messages can
  carry descriptors. Other descriptors give EPERM, so that a stray ``print`` is an error and not a security event.
- ``tgkill`` is EPERM, not death: ``abort`` begins with it, and a plain abort (it goes on to end the process by SIGSEGV)
  is no attack. ``kill``, ``tkill`` and the queueing ones are.
- ``close`` is EPERM: nothing can be opened, so only the protocol could be closed.
- ``setitimer`` is allowed, as the soft time limit needs it. Code that runs past Python can leave a timer behind that
  ends its successor's call; the supervisor runs a killed call again alone.
- ``futex`` without the priority-inheriting operations, ``madvise`` without those that take a page from the machine.
- ``prlimit64`` may read the process's own limits; setting one, or naming another process, is death.

The numbers are data of ours, checked by a test against the kernel's headers where they are installed. The aarch64
program is checked in the same way, and interpreted call by call, and not run.
"""

import functools
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ALLOW = 0x7FFF0000
EPERM = 0x00050001
KILL = 0x80000000

ARCHITECTURES: Mapping[str, int] = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""AUDIT_ARCH of the machines there is a program for, by their name in ``uname``; both are little-endian, 64 bits."""
X32 = 0x40000000
"""From here on a number on x86-64 is another ABI's: the same calls under other numbers."""

_ALLOWED = """
    munmap 11 215, brk 12 214, mremap 25 216, getrandom 318 278,
    clock_gettime 228 113, clock_getres 229 114, clock_nanosleep 230 115, nanosleep 35 101, gettimeofday 96 169,
    time 201 -, setitimer 38 103, getitimer 36 102,
    rt_sigaction 13 134, rt_sigprocmask 14 135, rt_sigreturn 15 139, sigaltstack 131 132, restart_syscall 219 128,
    sched_yield 24 124, rseq 334 293, set_robust_list 273 99, getpid 39 172, gettid 186 178,
    poll 7 -, ppoll 271 73, exit 60 93, exit_group 231 94
"""
_GUARDED = "read 0 63, write 1 64, mmap 9 222, mprotect 10 226, madvise 28 233, futex 202 98, prlimit64 302 261"
_DEADLY = """
    clone 56 220, clone3 435 435, fork 57 -, vfork 58 -, execve 59 221, execveat 322 281,
    socket 41 198, socketpair 53 199, connect 42 203, bind 49 200, listen 50 201, accept 43 202, accept4 288 242,
    sendto 44 206, sendmsg 46 211, sendmmsg 307 269, recvfrom 45 207, recvmsg 47 212, recvmmsg 299 243,
    shutdown 48 210, setsockopt 54 208,
    ptrace 101 117, process_vm_readv 310 270, process_vm_writev 311 271, process_madvise 440 440,
    process_mrelease 448 448, kcmp 312 272, migrate_pages 256 238, move_pages 279 239,
    kill 62 129, tkill 200 130, rt_sigqueueinfo 129 138, rt_tgsigqueueinfo 297 240,
    pidfd_open 434 434, pidfd_send_signal 424 424, pidfd_getfd 438 438,
    prctl 157 167, seccomp 317 277, setrlimit 160 164, personality 135 92,
    setuid 105 146, setgid 106 144, setreuid 113 145, setregid 114 143, setresuid 117 147, setresgid 119 149,
    setfsuid 122 151, setfsgid 123 152, setgroups 116 159, capset 126 91,
    bpf 321 280, perf_event_open 298 241, userfaultfd 323 282, memfd_create 319 279, memfd_secret 447 447,
    io_uring_setup 425 425, io_uring_enter 426 426, io_uring_register 427 427,
    add_key 248 217, request_key 249 218, keyctl 250 219,
    unshare 272 97, setns 308 268, mount 165 40, umount2 166 39, pivot_root 155 41, chroot 161 51,
    open_tree 428 428, move_mount 429 429, fsopen 430 430, fsconfig 431 431, fsmount 432 432, fspick 433 433,
    mount_setattr 442 442, name_to_handle_at 303 264, open_by_handle_at 304 265,
    fanotify_init 300 262, fanotify_mark 301 263,
    init_module 175 105, finit_module 313 273, delete_module 176 106, create_module 174 -,
    kexec_load 246 104, kexec_file_load 320 294, reboot 169 142, swapon 167 224, swapoff 168 225, acct 163 89,
    quotactl 179 60, quotactl_fd 443 443, syslog 103 116, vhangup 153 58,
    sethostname 170 161, setdomainname 171 162,
    settimeofday 164 170, clock_settime 227 112, clock_adjtime 305 266, adjtimex 159 171,
    iopl 172 -, ioperm 173 -, modify_ldt 154 -
"""
_REFUSED = "openat 257 56, newfstatat 262 79"


@dataclass(frozen=True)
class Check:
    """One word of a call's arguments must have one of some values.

    Attributes:
        argument: which argument, from 0.
        values: those that pass; none stands for the protocol's descriptor.
        mask: the bits that are looked at.
        high: look at the upper 32 bits, not the lower ones.
    """

    argument: int
    values: tuple[int, ...] = ()
    mask: int = 0xFFFFFFFF
    high: bool = False


@dataclass(frozen=True)
class Rule:
    """A call that is allowed if every check passes, and otherwise not."""

    checks: tuple[Check, ...]
    otherwise: int = EPERM


_ON_PROTOCOL = Rule((Check(0),))  # the kernel looks at the lower 32 bits of a descriptor only, and so do we
_NOT_EXECUTABLE = Rule((Check(2, (0,), mask=4),))  # PROT_EXEC
RULES: Mapping[str, Rule] = {
    "read": _ON_PROTOCOL,
    "write": _ON_PROTOCOL,
    "mmap": _NOT_EXECUTABLE,
    "mprotect": _NOT_EXECUTABLE,
    # normal to willneed, dontneed, free, mergeable to nohugepage
    "madvise": Rule((Check(2, (0, 1, 2, 3, 4, 8, 12, 13, 14, 15)),)),
    # wait, wake, requeue, cmp_requeue, and both with a bit set; without the flags "private" and "real time"
    "futex": Rule((Check(1, (0, 1, 3, 4, 9, 10), mask=0xFFFFFFFF & ~0x180),)),
    "prlimit64": Rule((Check(0, (0,)), Check(2, (0,)), Check(2, (0,), high=True)), otherwise=KILL),
}


def _numbers(table: str, machine: str) -> dict[str, int]:
    column = 1 + list(ARCHITECTURES).index(machine)
    rows = [row.split() for row in table.split(",")]
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}


def allowed(machine: str) -> dict[str, int]:
    """Numbers of the calls that are always allowed, by name."""
    return _numbers(_ALLOWED, machine)


def guarded(machine: str) -> dict[str, int]:
    """Numbers of the calls that `RULES` decides on, by name."""
    return _numbers(_GUARDED, machine)


def deadly(machine: str) -> dict[str, int]:
    """Numbers of the calls that end the process, by name."""
    return _numbers(_DEADLY, machine)


def refused(machine: str) -> dict[str, int]:
    """Numbers of some of the many calls that are EPERM, by name: those that proofs make."""
    return _numbers(_REFUSED, machine)


@functools.cache
def numbers(machine: str) -> Mapping[str, int]:
    """Numbers of all calls that are named here."""
    return allowed(machine) | guarded(machine) | deadly(machine) | refused(machine)


# Instructions are (code, jump if true, jump if false, constant); None is where the protocol's descriptor comes in.
_Code = list[tuple[int, int, int, int | None]]
_LOAD, _AND, _JUMP, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x54, 0x05, 0x15, 0x35, 0x06


def _leaf(action: int | Rule) -> _Code:
    """What to do with one call."""
    if isinstance(action, int):
        return [(_RETURN, 0, 0, action)]
    code: _Code = []
    for check in action.checks:
        code.append((_LOAD, 0, 0, 16 + 8 * check.argument + 4 * check.high))
        if check.mask != 0xFFFFFFFF:
            code.append((_AND, 0, 0, check.mask))
        values: Sequence[int | None] = check.values or (None,)
        code += [(_IF_EQUAL, len(values) - place, 0, value) for place, value in enumerate(values)]
        code.append((_RETURN, 0, 0, action.otherwise))
    return [*code, (_RETURN, 0, 0, ALLOW)]


def _tree(segments: Sequence[tuple[int, int | Rule]]) -> _Code:
    """A binary search for the segment a number is in; each is its first number and what to do from there on."""
    if len(segments) == 1:
        return _leaf(segments[0][1])
    middle = len(segments) // 2
    below, above = _tree(segments[:middle]), _tree(segments[middle:])
    first = segments[middle][0]
    if len(below) <= 255:  # a conditional jump is one byte
        return [(_IF_AT_LEAST, len(below), 0, first), *below, *above]
    return [(_IF_AT_LEAST, 0, 1, first), (_JUMP, 0, 0, len(below)), *below, *above]


def _segments(actions: Mapping[int, int | Rule]) -> list[tuple[int, int | Rule]]:
    """The whole range of numbers as segments: what is not named is EPERM, and another ABI death."""
    segments: list[tuple[int, int | Rule]] = [(0, EPERM)]
    for number in sorted({*actions, *(number + 1 for number in actions)}):
        action = actions.get(number, EPERM)
        if action != segments[-1][1]:
            segments = [segment for segment in segments if segment[0] != number] + [(number, action)]
    return [*segments, (X32, KILL)]


@functools.cache
def _pieces(machine: str) -> tuple[bytes, ...]:
    """The program, cut where the descriptor comes in: a worker only has to put it together."""
    actions: dict[int, int | Rule] = dict.fromkeys(allowed(machine).values(), ALLOW)
    actions |= {number: RULES[name] for name, number in guarded(machine).items()}
    actions |= dict.fromkeys(deadly(machine).values(), KILL)
    code: _Code = [(_LOAD, 0, 0, 4), (_IF_EQUAL, 1, 0, ARCHITECTURES[machine]), (_RETURN, 0, 0, KILL), (_LOAD, 0, 0, 0)]
    pieces = [b""]
    for instruction in code + _tree(_segments(actions)):
        *head, constant = instruction
        pieces[-1] += struct.pack("<HBB", *head)
        if constant is None:
            pieces.append(b"")
        else:
            pieces[-1] += struct.pack("<I", constant)
    return tuple(pieces)


def program(machine: str, descriptor: int) -> bytes:
    """The filter for a worker that speaks through a descriptor, as an array of ``struct sock_filter``.

    Args:
        machine: a key of `ARCHITECTURES`.
        descriptor: the only one that may be read from and written to.
    """
    return struct.pack("<I", descriptor).join(_pieces(machine))
