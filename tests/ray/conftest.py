"""The processes that a test started, and their end."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

Process = tuple[int, str]
"""A process id and when it began: an id alone may be another process by now."""


class Processes:
    """What runs on this machine, as far as a test may touch it: its own."""

    def below(self, pid: int) -> set[Process]:
        """Children of a process, their children, and so on."""
        found: set[Process] = set()
        parents = {pid}
        while parents:
            children = {process for process, parent in _all() if parent in parents} - found
            found |= children
            parents = {child for child, _ in children}
        return found

    def that_stay(self, ours: set[Process], patience_s: float = 60) -> set[Process]:
        """Those that have not ended after a while; they are ended then."""
        deadline = time.monotonic() + patience_s
        while (left := ours & {process for process, _ in _all()}) and time.monotonic() < deadline:
            time.sleep(0.1)
        for pid, _ in left:
            os.kill(pid, signal.SIGKILL)
        return left


def _all() -> Iterator[tuple[Process, int]]:
    """Every process that lives, with its parent's id."""
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent, *fields = file.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        if state != "Z":
            yield (int(file.parent.name), fields[17]), int(parent)


@pytest.fixture
def processes() -> Processes:
    return Processes()
