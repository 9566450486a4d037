"""Pools of JSON values to draw from: what a parameter's schema or lexicon is compiled into, once, before any row."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

MANY = 1_000_000  # a size that stands for "more than any prompt needs"
ATTEMPTS = 8  # how often a draw is repeated for another value before it is given up


class Pool(Protocol):
    """Values of one kind.

    A pool of one value::

        class Always:
            size = 1

            def draw(self, rng: random.Random) -> int:
                return 42
    """

    @property
    def size(self) -> int:
        """How many different values there are, about; at most `MANY`."""
        ...

    def draw(self, rng: random.Random) -> Any:
        """One value; the caller may keep and change it."""
        ...


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal; in Python alone ``True == 1``."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def copied(value: Any) -> Any:
    """The value with its own lists and objects, so that no two rows share one."""
    if isinstance(value, list):
        return [copied(item) for item in value]
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    return value


@dataclass(frozen=True)
class Choice:
    """One of the values."""

    values: tuple[Any, ...]

    @property
    def size(self) -> int:  # noqa: D102 - as in the contract
        return len(self.values)

    def draw(self, rng: random.Random) -> Any:  # noqa: D102 - as in the contract
        return copied(rng.choice(self.values))


@dataclass(frozen=True)
class Grid:
    """The numbers ``low, low + step, ...``: ``steps`` of them after the first; integers, or rounded to ``decimals``."""

    low: float
    step: float
    steps: int
    decimals: int

    @property
    def size(self) -> int:  # noqa: D102 - as in the contract
        return self.steps + 1

    def draw(self, rng: random.Random) -> int | float:  # noqa: D102 - as in the contract
        value = round(self.low + self.step * rng.randint(0, self.steps), self.decimals)
        return int(value) if float(value).is_integer() else value  # a person writes 3, not 3.0


def grid(low: float, high: float, step: float, *, integer: bool) -> Grid | None:
    """The numbers from ``low`` to ``high`` in steps; None where there are none of the kind wanted."""
    steps = math.floor((high - low) / step + 1e-9)
    if steps < 0:
        return None
    decimals = max(_decimals(low), _decimals(step))
    if integer and not (float(low).is_integer() and float(step).is_integer()):
        return None
    return Grid(low, step, steps, decimals)


def _decimals(value: float) -> int:
    """Digits after the point that the number is written with."""
    return len(f"{value:.12f}".rstrip("0").partition(".")[2])


@dataclass(frozen=True)
class Moment:
    """A date, a time or both, on whole days and quarters of an hour.

    Attributes:
        kind: as JSON Schema's ``format`` names it.
        zone: whether times end in ``Z``, which the format asks for (RFC 3339) and a mere description does not.
    """

    kind: str
    zone: bool

    @property
    def size(self) -> int:  # noqa: D102 - as in the contract
        return 96 if self.kind == "time" else MANY

    def draw(self, rng: random.Random) -> str:  # noqa: D102 - as in the contract
        date = f"{rng.randint(2023, 2026)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
        time = f"{rng.randint(0, 23):02d}:{rng.choice((0, 15, 30, 45)):02d}:00{'Z' if self.zone else ''}"
        return {"date": date, "time": time}.get(self.kind, f"{date}T{time}")


@dataclass(frozen=True)
class Uuid:
    """A version 4 UUID (RFC 9562)."""

    size = MANY

    def draw(self, rng: random.Random) -> str:  # noqa: D102 - as in the contract
        digits = f"{rng.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{'89ab'[rng.getrandbits(2)]}{digits[17:20]}-{digits[20:]}"


@dataclass(frozen=True)
class Listing:
    """A list of ``low`` to ``high`` items, different from each other as far as the items reach."""

    item: Pool
    low: int
    high: int

    @property
    def size(self) -> int:  # noqa: D102 - as in the contract
        return int(min(MANY, self.item.size ** max(1, self.low)))

    def draw(self, rng: random.Random) -> list[Any]:  # noqa: D102 - as in the contract
        out: list[Any] = []
        for _ in range(rng.randint(self.low, self.high)):
            value = self.item.draw(rng)
            for _ in range(ATTEMPTS):
                if not any(same(value, other) for other in out):
                    break
                value = self.item.draw(rng)
            out.append(value)
        return out


@dataclass(frozen=True)
class Tuple:
    """A list with a pool for each place."""

    items: tuple[Pool, ...]

    @property
    def size(self) -> int:  # noqa: D102 - as in the contract
        return min(MANY, math.prod(item.size for item in self.items))

    def draw(self, rng: random.Random) -> list[Any]:  # noqa: D102 - as in the contract
        return [item.draw(rng) for item in self.items]


@dataclass(frozen=True)
class Either:
    """A value of one of the pools."""

    pools: tuple[Pool, ...]

    @property
    def size(self) -> int:  # noqa: D102 - as in the contract
        return min(MANY, sum(pool.size for pool in self.pools))

    def draw(self, rng: random.Random) -> Any:  # noqa: D102 - as in the contract
        return rng.choice(self.pools).draw(rng)


@dataclass(frozen=True)
class Entries:
    """An object of one to three free keys."""

    key: Pool
    value: Pool

    @property
    def size(self) -> int:  # noqa: D102 - as in the contract
        return min(MANY, self.key.size * self.value.size)

    def draw(self, rng: random.Random) -> dict[str, Any]:  # noqa: D102 - as in the contract
        return {self.key.draw(rng): self.value.draw(rng) for _ in range(rng.randint(1, 3))}


@dataclass(frozen=True)
class Field:
    """A property of an object; ``defaults`` is empty or holds its one default."""

    name: str
    pool: Pool
    required: bool
    defaults: tuple[Any, ...] = ()

    def draw(self, rng: random.Random, avoid: Sequence[Any] = ()) -> tuple[Any, ...]:
        """One value in a tuple, or none where no value could be found that is not to be avoided."""
        for _ in range(ATTEMPTS):
            value = self.pool.draw(rng)
            if not any(same(value, other) for other in avoid):
                return (value,)
        return ()


@dataclass(frozen=True)
class Fields:
    """An object: required fields always, optional ones with probability ``share``, and then not with their default."""

    fields: tuple[Field, ...]
    share: float = 0.4

    @property
    def size(self) -> int:  # noqa: D102 - as in the contract
        return min(MANY, math.prod(field.pool.size + (not field.required) for field in self.fields))

    def draw(self, rng: random.Random) -> dict[str, Any]:  # noqa: D102 - as in the contract
        out = {}
        for field in self.fields:
            if field.required:
                out[field.name] = field.pool.draw(rng)
            elif rng.random() < self.share:
                out.update((field.name, value) for value in field.draw(rng, field.defaults))
        return out
