"""The API sampler: target functions evenly over the library, related ones by category, and distractors."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from apigen_ray.errors import RecordError
from apigen_ray.records import Api
from apigen_ray.sections import read_sections


class ApiIndex:
    """A library prepared for drawing; positions are those in the sequence that it is built from.

    Args:
        apis: the library.
        among: the positions that may be drawn; all of them where None.
    """

    def __init__(self, apis: Sequence[Api], among: Sequence[int] | None = None) -> None:
        self.positions = list(range(len(apis))) if among is None else list(among)
        self._names = [api.name for api in apis]
        self._categories = [api.category for api in apis]
        self._members: dict[str | None, list[int]] = {}
        for position in self.positions:
            self._members.setdefault(apis[position].category, []).append(position)

    def related(self, target: int, count: int, rng: random.Random) -> list[int]:
        """Up to ``count`` others of the target's category, filled up from the whole library; no name twice."""
        members = self._members.get(self._categories[target], [])
        chosen = self._draw(members, count, {self._names[target]}, rng)
        if len(chosen) < count:
            taken = {self._names[target], *(self._names[position] for position in chosen)}
            chosen += self._draw(self.positions, count - len(chosen), taken, rng)
        return chosen

    def unrelated(self, target: int, count: int, rng: random.Random) -> list[int]:
        """Up to ``count`` others of other categories; of the target's own only where there is no other."""
        category = self._categories[target]
        if len(self._members) == 1:
            return self._draw(self.positions, count, {self._names[target]}, rng)
        chosen: list[int] = []
        taken = {self._names[target]}
        others = [other for other in self._members if other != category]
        for other in rng.sample(others, len(others)):  # a category each, as far apart as the library allows
            if len(chosen) == count:
                break
            chosen += self._draw(self._members[other], 1, taken, rng)
            taken.update(self._names[position] for position in chosen)
        if len(chosen) < count:
            pool = [position for position in self.positions if self._categories[position] != category]
            chosen += self._draw(pool, count - len(chosen), taken, rng)
        return chosen

    def _draw(self, pool: Sequence[int], count: int, taken: set[str], rng: random.Random) -> list[int]:
        """Up to ``count`` of the pool whose names are not taken and differ from each other."""
        seen = set(taken)
        chosen: list[int] = []
        size = min(len(pool), count + len(taken))  # enough whenever names are unique
        for position in rng.sample(pool, size):
            if len(chosen) < count and self._names[position] not in seen:
                seen.add(self._names[position])
                chosen.append(position)
        return chosen


class Walk:
    """Visits positions evenly: each window of ``len(positions)`` indices holds every position once, in a seeded order.

    Args:
        positions: what to visit.
        key: seed of the order; another key, another order.
    """

    def __init__(self, positions: Sequence[int], key: str) -> None:
        self._positions = positions
        self._key = key
        self._laps: dict[int, list[int]] = {}

    def at(self, index: int) -> int:
        """The position that the index visits."""
        lap, step = divmod(index, len(self._positions))
        if lap not in self._laps:
            if len(self._laps) >= 8:  # indices come in runs: a few laps are all that is in use
                self._laps.clear()
            order = list(self._positions)
            random.Random(f"{self._key}/{lap}").shuffle(order)  # noqa: S311 - a reproducible plan, not a secret
            self._laps[lap] = order
        return self._laps[lap][step]


def load_categories(paths: Sequence[Path]) -> dict[str, str]:
    """The category of each function that the files name; later files win.

    Args:
        paths: YAML files ``category: [function, ...]``.

    Raises:
        ConfigError: a file cannot be read.
        RecordError: it is not of that form.
    """
    out: dict[str, str] = {}
    for path in paths:
        content = read_sections(path, "give a YAML file in UTF-8: `category: [function, ...]`")
        for category, names in content.items():
            if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
                raise RecordError(
                    f"{path}: {category}: is not a list of function names", "write `category: [function, ...]`"
                )
            out.update((name, str(category)) for name in names)
    return out


def with_categories(apis: Sequence[Api], categories: Mapping[str, str]) -> tuple[Api, ...]:
    """The library with the categories given for its functions; an Api's id does not change by it."""
    return tuple(replace(api, category=categories.get(api.name, api.category)) for api in apis)
