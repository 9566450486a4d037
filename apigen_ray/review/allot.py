"""How many rows of a sample each part gets: level, so that every stage is seen, or by size, so that shares hold."""

from collections.abc import Mapping
from typing import TypeVar

Key = TypeVar("Key")


def level(sizes: Mapping[Key, int], number: int) -> dict[Key, int]:
    """As many of each part as of any other; what a small part cannot give the others give.

    Args:
        sizes: rows of each part.
        number: rows wanted; at most as many as there are.

    Returns:
        Rows of each part, ``min(number, all)`` together; what is left over goes to the parts that come first.
    """
    out = dict.fromkeys(sizes, 0)
    left = min(number, sum(sizes.values()))
    while left:
        unfilled = [key for key in sizes if out[key] < sizes[key]]
        each = max(1, left // len(unfilled))
        for key in unfilled[:left]:
            given = min(each, sizes[key] - out[key])
            out[key] += given
            left -= given
    return out


def by_size(sizes: Mapping[Key, int], number: int) -> dict[Key, int]:
    """Of each part the same share, by largest remainders: no part differs from its exact share by a whole row.

    Args:
        sizes: rows of each part.
        number: rows wanted; at most as many as there are.

    Returns:
        Rows of each part, ``min(number, all)`` together.
    """
    rows = sum(sizes.values())
    number = min(number, rows)
    out = {key: number * size // rows if rows else 0 for key, size in sizes.items()}
    by_remainder = sorted(sizes, key=lambda key: -(number * sizes[key] % rows)) if rows else []
    for key in by_remainder[: number - sum(out.values())]:
        out[key] += 1
    return out
