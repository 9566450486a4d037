"""What runs below this process, read from /proc: who may be killed, and who should no longer be there."""

import ctypes
import os
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

KINDS = ("driver", "raylet", "engine", "judge", "worker", "sandbox")
_SUBREAPER = 36
"""``PR_SET_CHILD_SUBREAPER``."""


@dataclass(frozen=True)
class Process:
    """One process.

    Attributes:
        pid: its id.
        began: when, in clock ticks since boot: an id alone may be another process by now.
        parent: the id of its parent.
        command: its arguments, or what it calls itself.
    """

    pid: int
    began: str
    parent: int
    command: str

    def signal(self, number: signal.Signals) -> bool:
        """Sends a signal, unless it has ended; whether it was there."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            if not any(process.pid == self.pid and process.began == self.began for process in _all()):
                return False
            signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(handle)
        return True


def adopt_orphans() -> None:
    """Makes this process the parent of whatever loses its own below it, so that nothing gets out of sight."""
    if ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def below(pid: int) -> list[Process]:
    """Children of a process, their children, and so on; those that have ended are not among them."""
    children: dict[int, list[Process]] = {}
    for process in _all():
        children.setdefault(process.parent, []).append(process)
    found, parents = [], [pid]
    while parents:
        found += (more := [child for parent in parents for child in children.get(parent, ())])
        parents = [child.pid for child in more]
    return found


def of_kind(kind: str, driver: int, ports: dict[str, int]) -> list[Process]:
    """Those of a run that a kind means, oldest first.

    Args:
        kind: one of `KINDS`.
        driver: id of the run's own process.
        ports: of the servers that ``engine`` and ``judge`` speak to.
    """
    everyone = [process for process in _all() if process.pid == driver] if kind == "driver" else below(driver)
    if kind in ports:
        speaking = _speaking_to(ports[kind])
        everyone = [each for each in everyone if speaking & _sockets(each.pid)]
    pattern = {
        "raylet": r"\S*/raylet/raylet ",
        "worker": r"ray::(?!IDLE|Map(Worker|Batches\(_Worker)|_|Actor|Dashboard|Runtime)",
        "sandbox": r".*/sandbox/zygote\.py ",
        "driver": "",
    }.get(kind, "ray::")
    return sorted((each for each in everyone if re.match(pattern, each.command)), key=lambda each: int(each.began))


def that_stay(known: set[int], patience_s: float) -> list[Process]:
    """What is left below this process after a while, beside what is known; it is ended then.

    Args:
        known: ids of those that are to stay.
        patience_s: how long to wait for the others.
    """
    deadline = time.monotonic() + patience_s
    while True:
        left = [each for each in below(os.getpid()) if each.pid not in known]
        _reap(known)
        if not left or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    for each in left:
        each.signal(signal.SIGKILL)
    return left


def _reap(known: set[int]) -> None:
    """Takes leave of adopted children that have ended; those that are known are waited for elsewhere."""
    for process in _all(dead=True):
        if process.parent == os.getpid() and process.pid not in known:
            try:
                os.waitpid(process.pid, os.WNOHANG)
            except ChildProcessError:
                continue  # somebody else has


def _all(dead: bool = False) -> Iterator[Process]:
    """Every process that lives, or every one that is dead and still listed."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent, *fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        if (state == "Z") == dead:
            yield Process(int(folder.name), fields[17], int(parent), command)


def _speaking_to(port: int) -> set[str]:
    """Sockets that are connected to a port of this machine, as links in /proc name them."""
    lines = [
        line.split() for file in ("tcp", "tcp6") for line in Path(f"/proc/net/{file}").read_text().splitlines()[1:]
    ]
    return {f"socket:[{line[9]}]" for line in lines if line[2].endswith(f":{port:04X}") and line[3] == "01"}


def _sockets(pid: int) -> set[str]:
    found = set()
    try:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            found.add(os.readlink(link))
    except OSError:
        pass  # it has just ended, or closed one
    return found
