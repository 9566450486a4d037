"""What Ctrl-C and SIGTERM do to a run: the first asks for a clean end, the next one ends it at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """The handler of `SIGNALS`: raises KeyboardInterrupt, but for the first one that comes while a graph runs.

    Attributes:
        asked: whether that first one has come.
    """

    def __init__(self) -> None:
        self.asked = False
        self._patient = False
        self._before: dict[signal.Signals, Any] = {}

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Python calls it in the main thread."""
        if self._patient and not self.asked:
            self.asked = True
        else:
            raise KeyboardInterrupt

    def install(self) -> None:
        """Takes the signals, again where somebody has taken them since: Ray does. Only the main thread can."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in SIGNALS:
            handler = signal.getsignal(number)
            if number not in self._before:
                self._before[number] = handler
            # ignored for a reason (nohup, a job in the background); None is a handler that Python does not know
            if self._before[number] not in (signal.SIG_IGN, None):
                signal.signal(number, self)

    def restore(self) -> None:
        """Puts back what was there before."""
        for number, handler in self._before.items():
            if handler is not None:
                signal.signal(number, handler)

    @contextmanager
    def patient(self) -> Iterator[None]:
        """While the block runs, the first signal only sets `asked`: the block looks at it and comes to an end."""
        self._patient = True
        try:
            yield
        finally:
            self._patient = False


@contextmanager
def interrupts() -> Iterator[Interrupts]:
    """Handles the signals while the block runs; in another thread than the main one it does nothing."""
    handler = Interrupts()
    handler.install()
    try:
        yield handler
    finally:
        handler.restore()
