"""What of this machine this process may use: cores and memory, as a container's limits leave them."""

import os
import sys
from pathlib import Path

_GROUP = Path("/sys/fs/cgroup")


def cores() -> int:
    """Cores that this process may use; of a share of one, one."""
    there = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    try:
        quota, period = map(int, (_GROUP / "cpu.max").read_text("ascii").split())  # microseconds
    except (OSError, ValueError):  # no such file, or "max 100000": no limit
        return there
    return max(1, min(there, -(-quota // period)))


def memory() -> int:
    """Bytes that this machine, or this container, has."""
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _number("memory.max")
    return there if limit is None else min(there, limit)


def free_memory() -> int:
    """Bytes that it can still give."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        free = memory()
    limit, used = _number("memory.max"), _number("memory.current")
    return free if limit is None or used is None else min(free, limit - used)


def _number(name: str) -> int | None:
    """A figure of this container's (control group v2); None where there is no such file, or no limit ("max")."""
    try:
        return int((_GROUP / name).read_text("ascii"))
    except (OSError, ValueError):
        return None
