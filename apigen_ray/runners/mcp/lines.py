"""Cuts what a foreign program writes into lines, whatever it writes, in bounded memory."""

import re
from typing import NamedTuple

KEPT = 256
"""Bytes that are kept of each end of a line that is too long."""

_HEAD = re.compile(rb'\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*(\d{1,15})\s*[,}]')
_TAIL = re.compile(rb'[{,]\s*"id"\s*:\s*(\d{1,15})\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$')


class Line(NamedTuple):
    """One line without its end.

    Attributes:
        text: the line; of one that is too long its first and last `KEPT` bytes.
        size: bytes that it had.
        whole: nothing of it is left out.
    """

    text: bytes
    size: int
    whole: bool

    def request(self) -> int | None:
        """The number of the request that it answers, where it begins or ends like an answer; it need not be JSON."""
        found = _HEAD.match(self.text[: None if self.whole else KEPT]) or _TAIL.search(self.text[-KEPT:])
        return int(found[1]) if found else None


class Lines:
    """Collects lines.

    Args:
        limit: bytes of the longest line that is kept whole.

    Attributes:
        size: bytes of the line that has no end yet.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.size = 0
        self._open = bytearray()  # the line that has no end yet; its two ends where it is too long already

    def take(self, data: bytes) -> list[Line]:
        """The lines that end in what has come."""
        *ended, rest = data.split(b"\n")
        lines = [self._end(piece) for piece in ended]
        self._add(rest)
        return lines

    def _end(self, piece: bytes) -> Line:
        self._add(piece)
        line = Line(bytes(self._open), self.size, self.size <= self._limit)
        self._open, self.size = bytearray(), 0
        return line

    def _add(self, piece: bytes) -> None:
        self._open += piece
        self.size += len(piece)
        if self.size > self._limit and len(self._open) > 2 * KEPT:
            del self._open[KEPT:-KEPT]
