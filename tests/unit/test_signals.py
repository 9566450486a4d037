"""Ctrl-C and SIGTERM: the first asks, the next ends, and the handlers go back where they were."""

import os
import signal
import threading

import pytest

from apigen_ray.job.signals import SIGNALS, Interrupts, interrupts


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_asks_and_the_next_ends(number: signal.Signals) -> None:
    before = [signal.getsignal(each) for each in SIGNALS]
    with interrupts() as handler:
        with handler.patient():
            os.kill(os.getpid(), number)
            assert handler.asked
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), number)
        with pytest.raises(KeyboardInterrupt):  # nobody would look at it
            os.kill(os.getpid(), number)
    assert [signal.getsignal(each) for each in SIGNALS] == before


def test_one_that_somebody_took_is_taken_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with interrupts() as handler:
        signal.signal(signal.SIGTERM, lambda *_: None)  # as Ray does when it starts
        handler.install()
        assert signal.getsignal(signal.SIGTERM) is handler
    assert signal.getsignal(signal.SIGTERM) is before


def test_one_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            assert isinstance(signal.getsignal(signal.SIGTERM), Interrupts)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_leaves_them_alone() -> None:
    before, seen = [signal.getsignal(each) for each in SIGNALS], []

    def elsewhere() -> None:
        with interrupts():
            seen.extend(signal.getsignal(each) for each in SIGNALS)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == before == [signal.getsignal(each) for each in SIGNALS]
