"""A sample of a stream that is drawn by hash: the same rows give the same sample, in whatever order they come."""

import hashlib
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Lowest(Generic[T]):
    """The items of a stream whose keys have the lowest hashes: drawn evenly among the keys, in flat memory.

    What is held in the end has been held since its key first came, since the bound only falls: so also what `merge`
    makes of all items of a key, such as their number, is exact (Gibbons, "distinct sampling", VLDB 2001).

    Args:
        most: keys that are drawn at most; twice as many are held.
        merge: makes one of two items of a key; by default the first stays.
    """

    def __init__(self, most: int, merge: Callable[[T, T], T] | None = None) -> None:
        self._most, self._merge = most, merge
        self._bound = 1 << 64
        self._held: dict[int, T] = {}

    def add(self, key: str, item: T) -> None:
        """Takes one item of the stream."""
        rank = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big")
        if rank >= self._bound:
            return
        if rank in self._held:
            if self._merge is not None:
                self._held[rank] = self._merge(self._held[rank], item)
            return
        self._held[rank] = item
        if len(self._held) > 2 * self._most:
            self._shrink()

    def items(self) -> list[T]:
        """What was drawn, in the order of the hashes."""
        if len(self._held) > self._most:
            self._shrink()
        return [self._held[rank] for rank in sorted(self._held)]

    def _shrink(self) -> None:
        ranks = sorted(self._held)
        self._bound = ranks[self._most]
        self._held = {rank: self._held[rank] for rank in ranks[: self._most]}
