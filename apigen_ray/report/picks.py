"""Which samples a page carries: drawn by hash, so that every verdict, code, style and generator has its turn."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

from apigen_ray.records import Verdict
from apigen_ray.report.lowest import Lowest

LIMIT = 400
"""Samples on a page, at most."""

EACH = 40
"""Samples that are held of one kind, but for what is verified."""


class Kind(NamedTuple):
    """What samples have in common of which each gets its turn; ``code`` is that of the stage that made the verdict."""

    verdict: str
    code: str
    generator: str
    style: str


class Picks:
    """Draws samples of each kind while a run is read.

    Args:
        limit: samples that are drawn at most.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._kinds: dict[Kind, Lowest[str]] = {}

    def add(self, name: str, kind: Kind) -> None:
        """Takes one sample, by its ``sample_id``."""
        if kind not in self._kinds:
            self._kinds[kind] = Lowest(self._limit if kind.verdict == Verdict.VERIFIED else EACH)
        self._kinds[kind].add(name, name)

    def chosen(self) -> list[str]:
        """Ids: verified and others by turns, those of each verdict and code in turn, within them of each kind in turn.

        A third is verified where there are enough of both.
        """
        codes: dict[tuple[str, str], list[list[str]]] = {}
        for kind, drawn in sorted(self._kinds.items()):
            codes.setdefault((kind.verdict, kind.code), []).append(drawn.items())
        groups = {key: list(_in_turn(parts)) for key, parts in codes.items()}
        good = groups.pop((str(Verdict.VERIFIED), ""), [])
        rest = list(_in_turn(list(groups.values())))
        good = good[: max(self._limit // 3, self._limit - len(rest))]
        return list(_in_turn([good, rest[: self._limit - len(good)]]))


def _in_turn(groups: Sequence[Sequence[str]]) -> Iterator[str]:
    """The first of each group, then the second of each, and so on."""
    for turn in zip_longest(*groups):
        yield from (name for name in turn if name is not None)
