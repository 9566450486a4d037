"""What is tried with the walls in a fresh interpreter, since a wall cannot be taken down again; prints JSON.

Run as ``python -I -S -B wall_cases.py FOLDER-OF-THE-PACKAGE CASE [USER-ID]``; `run` does it.
"""

import codecs
import decimal
import functools
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.append(sys.argv[1])

from apigen_ray.runners.sandbox import bpf, linux, probes, walls

LIMITS = walls.Limits(memory_mb=256)


def run(case: str, user: int | None = None) -> Any:
    """What a case prints."""
    package = str(Path(walls.__file__).parents[3])
    command = [sys.executable, "-I", "-S", "-B", __file__, package, case, *([str(user)] if user is not None else [])]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout)


def forked(action: Callable[[int], object]) -> str:
    """How a process that does something ended: what it said, or the signal."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        said: object = "nothing"
        try:
            signal.alarm(20)
            said = action(writing)
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        finally:
            os.write(writing, str(said).encode())
            os._exit(0)
    status = os.waitpid(pid, 0)[1]
    os.close(writing)
    heard = os.read(reading, 1 << 16).decode()
    os.close(reading)
    return signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else heard


def behind(action: Callable[[], object]) -> str:
    """How a process ended that does something behind all walls."""

    def both(descriptor: int) -> object:
        walls.raise_walls(descriptor, LIMITS)
        return action()

    return forked(both)


def proofs() -> dict[str, dict[str, str]]:
    """What the proofs say, and how long they take."""
    with_landlock = walls.available()
    started = time.perf_counter()
    deadly = probes.prove_deadly(LIMITS)
    seconds = {"prove_deadly": f"{time.perf_counter() - started:.4f}"}
    worker = json.loads(forked(lambda descriptor: json.dumps(walls.raise_walls(descriptor, LIMITS))))
    return {"available": with_landlock, "deadly": deadly, "worker": worker, "seconds": seconds}


def _work() -> str:
    """Ordinary work that must not meet a wall."""
    time.sleep(0.001)
    random.seed()
    found = [
        str(decimal.Decimal(2).sqrt())[:4],
        str(len(bytearray(64 << 20))),
        re.sub("b+", "x", "abbba"),
        str(time.time() > 0 and time.monotonic() > 0 and time.process_time() > 0 and os.getpid() > 1),
    ]
    try:
        codecs.lookup("no-such-codec")
    except LookupError:
        found.append("LookupError")
    try:
        print("a stray word", flush=True, file=open(1, "w", closefd=False))
    except OSError as error:
        found.append(f"errno {error.errno}")
    return " ".join(found)


def _lower_limit(descriptor: int) -> str:
    resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
    walls.raise_walls(descriptor, LIMITS, frozenset({"seccomp"}))
    return str(resource.getrlimit(resource.RLIMIT_NOFILE))


def ordinary() -> dict[str, str]:
    """What ordinary code meets."""

    def timer() -> str:
        signal.signal(signal.SIGPROF, lambda *_: (_ for _ in ()).throw(TimeoutError))
        signal.setitimer(signal.ITIMER_PROF, 0.02)
        try:
            while True:
                pass
        except TimeoutError:
            return "timed out"

    return {
        "work": behind(_work),
        "timer": behind(timer),
        "abort": behind(os.abort),
        "own limits": behind(lambda: linux.raw(bpf.numbers(linux.machine())["prlimit64"], 0, 7, None, bytes(16))),
        "lower limit": forked(_lower_limit),
        "fault": behind(lambda: linux._library.strlen(None)),  # type: ignore[union-attr]
    }


def foreign_abi() -> dict[str, str]:
    """Calls under the numbers of x32, and numbers that no kernel has."""
    number = bpf.numbers(linux.machine())["getpid"]
    return {
        "x32": behind(lambda: linux.raw(bpf.X32 | number)),
        "unknown": behind(lambda: linux.raw(999)),
        "beyond": behind(lambda: linux.raw(-2)),
        "vfork": behind(lambda: linux.raw(bpf.numbers(linux.machine()).get("vfork", bpf.X32))),
        "wide descriptor": behind(lambda: linux.raw(bpf.numbers(linux.machine())["write"], 1 << 32 | 1, b"x", 1)),
        "poison a page": behind(lambda: linux.raw(bpf.numbers(linux.machine())["madvise"], 0, 4096, 100)),
        "priority futex": behind(lambda: linux.raw(bpf.numbers(linux.machine())["futex"], bytes(4), 6, 0, 0, 0, 0)),
    }


@contextmanager
def changed(place: object, name: str, value: object) -> Iterator[None]:
    """Another value for a while."""
    before = getattr(place, name)
    setattr(place, name, value)
    caches = (bpf._pieces, walls._no_seccomp, walls._no_landlock)
    for cache in caches:
        cache.cache_clear()
    try:
        yield
    finally:
        setattr(place, name, before)
        for cache in caches:
            cache.cache_clear()


def _told(action: Callable[[], object]) -> str:
    try:
        action()
    except walls.WallError as error:
        return f"{error.layer}: {error.probe}"
    return "nothing was noticed"


def _given(value: object, _argument: object) -> object:
    return value


def negatives() -> dict[str, list[str]]:
    """What the worker's own proofs notice where a wall has a hole: [expected, noticed]."""
    nothing = functools.partial(lambda *_: None)
    undone = functools.partial(_given, linux.prepared(bpf.numbers(linux.machine())["sched_yield"]))
    # (what is changed, where, how, what must be noticed)
    holes: list[tuple[str, object, str, object, str]] = [
        ("no limits", resource, "setrlimit", nothing, "rlimits: AS"),
        ("no landlock", linux, "restricting", undone, "landlock: opening a folder"),
        ("no seccomp", linux, "filtering", undone, "seccomp: opening a folder"),
    ]
    values = walls.Limits.values

    def without_memory(limits: walls.Limits) -> dict[str, int]:
        return {name: value for name, value in values(limits).items() if name != "AS"}

    missed = "rlimits: a mapping of the whole memory"
    holes.append(("memory forgotten", walls.Limits, "values", without_memory, missed))
    everything = bpf.Rule(())
    for call, probe in (
        ("read", "reading from another descriptor"),
        ("write", "writing to another descriptor"),
        ("mmap", "mapping executable memory"),
        ("mprotect", "making memory executable"),
    ):
        holes.append((f"{call} unguarded", bpf, "RULES", {**bpf.RULES, call: everything}, f"seccomp: {probe}"))
    for call, probe in (("openat", "opening a folder"), ("newfstatat", "asking for a file's status")):
        row = re.search(rf"{call} \d+ \d+", bpf._REFUSED)
        assert row, call
        holes.append((f"{call} allowed", bpf, "_ALLOWED", f"{bpf._ALLOWED}, {row[0]}", f"seccomp: {probe}"))
    found = {}
    for hole, place, name, value, wanted in holes:
        with changed(place, name, value):
            found[hole] = [wanted, forked(lambda descriptor: _told(lambda: walls.raise_walls(descriptor, LIMITS)))]
    return found


def deadly_negatives() -> dict[str, list[str]]:
    """What `probes.prove_deadly` notices where a call is not deadly any more: [expected, noticed]."""
    found = {}
    others = frozenset(walls.LAYERS) - {"seccomp"}
    numbers = bpf.numbers(linux.machine())
    for probe in probes._deadly(LIMITS):
        table, rules = bpf._DEADLY, bpf.RULES
        if probe.name in bpf.RULES:
            rules = {**rules, probe.name: bpf.Rule(())}
        else:
            table = re.sub(rf"(?<![\w]){probe.name} \S+ [^,\s]+,?", "", table)
            assert table != bpf._DEADLY
        with (
            changed(bpf, "RULES", rules),
            changed(bpf, "_DEADLY", table),
            changed(bpf, "numbers", functools.partial(_given, numbers)),
            changed(probes, "_PROBES", {"seccomp": functools.partial(_given, [probe])}),
        ):
            noticed = _told(functools.partial(probes.prove_deadly, LIMITS, others))
        found[probe.name] = [f"seccomp: {probe.name}", noticed]
    none = functools.partial(_given, [])
    with changed(walls, "_limits", none), changed(walls, "_trying_limits", none):
        found["no limits"] = ["rlimits: memory", _told(lambda: probes.prove_deadly(LIMITS))]
    with changed(walls, "_restricting", none):
        found["no landlock"] = ["landlock: a TCP connection", _told(lambda: probes.prove_deadly(LIMITS))]
    return found


CASES = {case.__name__: case for case in (proofs, ordinary, foreign_abi, negatives, deadly_negatives)}


if __name__ == "__main__":
    if len(sys.argv) > 3:
        os.setgroups([])
        os.setgid(int(sys.argv[3]))
        os.setuid(int(sys.argv[3]))
    walls.available()
    print(json.dumps(CASES[sys.argv[2]]()))
