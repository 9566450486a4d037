"""What this process may use, on this machine and in a container made up of files."""

import os
from pathlib import Path

import pytest

from apigen_ray import machine

GIB = 1 << 30


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(machine, "_GROUP", tmp_path)
    return tmp_path


def test_cores_are_those_that_this_process_may_run_on() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert machine.cores() == 1
    finally:
        os.sched_setaffinity(0, before)
    assert machine.cores() == len(before)


@pytest.mark.parametrize(
    ("text", "count"), [("100000 100000", 1), ("50000 100000", 1), ("150000 100000", 2), ("max 100000", 8), ("", 8)]
)
def test_a_containers_share_of_the_cores_counts(
    group: Path, monkeypatch: pytest.MonkeyPatch, text: str, count: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    (group / "cpu.max").write_text(text + "\n")
    assert machine.cores() == count


@pytest.mark.parametrize("text", [None, "max\n"])
def test_without_a_limit_memory_is_the_machines(group: Path, text: str | None) -> None:
    if text is not None:
        (group / "memory.max").write_text(text)
    assert 0 < machine.free_memory() < machine.memory()
    assert machine.memory() > GIB // 2


def test_a_containers_limit_counts(group: Path) -> None:
    (group / "memory.max").write_text(f"{1 << 20}\n")
    (group / "memory.current").write_text(f"{1 << 18}\n")
    assert machine.memory() == 1 << 20
    assert machine.free_memory() == (1 << 20) - (1 << 18)
