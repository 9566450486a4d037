"""Places in a text that are asked by their hundreds of thousands: which of them lie within another, or around it."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import accumulate

Span = tuple[int, int]


class Places:
    """Some spans, sorted once; each question takes the logarithm of their number.

    >>> places = Places([(0, 9), (4, 6)])
    >>> places.within((3, 7)), places.around((3, 7)), places.around((5, 12))
    (True, True, False)
    """

    def __init__(self, spans: Iterable[Span]) -> None:
        ordered = sorted(spans)
        ends = [end for _, end in ordered]
        self._starts = [start for start, _ in ordered]
        self._last = list(accumulate(ends, max))  # of this and those before
        self._first = list(accumulate(reversed(ends), min))[::-1]  # of this and those after

    def within(self, span: Span) -> bool:
        """Whether one of the places lies within a span."""
        at = bisect_left(self._starts, span[0])
        return at < len(self._starts) and self._first[at] <= span[1]

    def around(self, span: Span) -> bool:
        """Whether a span lies within one of the places."""
        at = bisect_right(self._starts, span[0])
        return at > 0 and self._last[at - 1] >= span[1]
