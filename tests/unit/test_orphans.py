"""Processes of an engine whose parent was killed."""

import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.connection import Connection

import pytest

from apigen_ray.engines.orphans import ASKED, end_with_parent


def grandchild() -> None:
    end_with_parent()
    time.sleep(60)


def child(answer: Connection) -> None:
    process = multiprocessing.get_context("spawn").Process(target=grandchild)
    process.start()
    answer.send(process.pid)
    time.sleep(60)


@pytest.mark.parametrize("asked", [True, False])
def test_a_process_whose_parent_is_killed_ends_where_it_was_asked_to(
    asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if asked:
        monkeypatch.setenv(ASKED, "1")
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=child, args=(theirs,))
    process.start()
    assert ours.poll(60)
    watched = os.pidfd_open(ours.recv())
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    assert ended(watched, 60 if asked else 2) is asked
    if not asked:
        signal.pidfd_send_signal(watched, signal.SIGKILL)
    os.close(watched)


def ended(process: int, seconds: float) -> bool:
    """Whether a process, given by its descriptor, ends in this time."""
    return bool(multiprocessing.connection.wait([process], seconds))


def test_the_first_process_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ASKED, "1")
    before = threading.enumerate()
    end_with_parent()  # would else end pytest with what started it
    assert threading.enumerate() == before
