"""A disk of a few hundred KiB that a run fills: a tmpfs that nobody sees but this process and those below it."""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NEW_MOUNTS = 0x20000
"""``CLONE_NEWNS``."""


def own_mounts() -> bool:
    """Takes this process, and what it starts, out of the mounts that others see; whether the machine allows it."""
    if ctypes.CDLL(None, use_errno=True).unshare(_NEW_MOUNTS):
        return False
    return _mount("--make-rprivate", "/")


@contextmanager
def small_disk(folder: Path, room: int) -> Iterator[None]:
    """Puts a disk of so many bytes under a folder that is there and empty."""
    if not _mount("-t", "tmpfs", "-o", f"size={room}", "tmpfs", str(folder)):
        raise OSError(f"no tmpfs can be mounted on {folder}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def enlarge(folder: Path) -> None:
    """Gives the disk all the room that a run may want."""
    if not _mount("-o", "remount,size=1G", str(folder)):
        raise OSError(f"the tmpfs on {folder} cannot be made larger")


def used(folder: Path) -> int:
    """Bytes that the files below a folder take on such a disk."""
    page = os.sysconf("SC_PAGE_SIZE")
    sizes = [Path(where, name).stat().st_size for where, _, names in os.walk(folder) for name in names]
    return sum(-(-size // page) * page for size in sizes)


def _mount(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0
