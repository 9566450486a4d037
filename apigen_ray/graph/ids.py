"""Sets of content hashes for runs of tens of millions of rows: sorted arrays of their raw bytes, read out of Arrow."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

BYTES = 12
DIGEST = np.dtype(f"S{BYTES}")
"""A content hash as the bytes that its 24 hex digits stand for; of equal length all, so that they compare as bytes."""

_NIBBLES = np.full(256, 255, dtype=np.uint8)
_NIBBLES[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16, dtype=np.uint8)


def digests(ids: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """The raw bytes of content hashes, in their order; no Python object is made for any of them.

    Args:
        ids: strings of `apigen_ray.records.content_hash`.

    Returns:
        An array of `DIGEST` of the same length.

    Raises:
        ValueError: one of them is not 24 hex digits.
    """
    chunks = ids.chunks if isinstance(ids, pa.ChunkedArray) else [ids]
    arrays = [_chunk(chunk.cast(pa.string())) for chunk in chunks if len(chunk)]
    return np.concatenate(arrays) if arrays else np.empty(0, DIGEST)


def hashes(raw: np.ndarray) -> list[str]:
    """The inverse of `digests`."""
    text = np.ascontiguousarray(raw, DIGEST).tobytes().hex()
    return [text[start : start + 2 * BYTES] for start in range(0, len(text), 2 * BYTES)]


def changes(values: np.ndarray) -> np.ndarray:
    """Where a value differs from the one before; the first does."""
    return np.concatenate([np.ones(min(1, len(values)), bool), values[1:] != values[:-1]])


def _chunk(chunk: pa.Array) -> np.ndarray:
    _, offsets, data = chunk.buffers()
    ends = np.frombuffer(offsets, np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
    if chunk.null_count or not (np.diff(ends) == 2 * BYTES).all():
        raise ValueError(f"not all of these ids have {2 * BYTES} digits")
    nibbles = _NIBBLES[np.frombuffer(data, np.uint8)[ends[0] : ends[-1]]]
    if nibbles.max() > 15:
        raise ValueError("not all of these ids are hex digits")
    return (nibbles[0::2] << 4 | nibbles[1::2]).view(DIGEST)


class Ids:
    """A set of content hashes, as one sorted array: 12 bytes an id, twice that while it is made.

    Args:
        parts: arrays of `DIGEST`, in any order, repeats allowed.
    """

    def __init__(self, parts: Iterable[np.ndarray] = ()) -> None:
        held = list(parts)
        ids = np.concatenate(held) if held else np.empty(0, DIGEST)
        ids.sort()
        new = changes(ids)
        self._sorted = ids if new.all() else ids[new]

    @classmethod
    def of(cls, ids: Iterable[str]) -> "Ids":
        """The set of these hashes; for a few."""
        return cls([digests(pa.array(list(ids), pa.string()))])

    def union(self, *parts: np.ndarray) -> "Ids":
        """A set with these arrays of `DIGEST` added."""
        return Ids([self._sorted, *parts])

    def __len__(self) -> int:
        return len(self._sorted)

    def contains(self, wanted: np.ndarray) -> np.ndarray:
        """Booleans, one for each of an array of `DIGEST`."""
        if not len(self._sorted):
            return np.zeros(len(wanted), dtype=bool)
        at = np.minimum(np.searchsorted(self._sorted, wanted), len(self._sorted) - 1)
        found: np.ndarray = self._sorted[at] == wanted
        return found
