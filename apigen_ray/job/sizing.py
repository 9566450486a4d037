"""How long a run takes, what holds it up and what it costs: arithmetic on rates that the user measured."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from apigen_ray.errors import ConfigError

_SLACK_DIGITS = 6
"""Decimals that count when something is rounded up: 7.0000000001 replicas are 7."""


@dataclass(frozen=True)
class Pool:
    """Replicas of one kind that share one part of a run's work: a generator, the judge, the CPUs that check.

    Attributes:
        name: unique among the pools of a run.
        work: of the whole run: tokens to write for an engine, rows for what checks them.
        rate: work that one replica does in a second while it is busy, as measured.
        replicas: that work side by side.
        price_per_hour: of one replica, in any currency. It is held for the whole run and costs the same while it waits:
            GPUs for a replica x the price of a GPU.
        fee: for the work itself, however long it takes, such as a server's price for all its tokens.

    Raises:
        ConfigError: a figure that makes no sense, by name.
    """

    name: str
    work: float
    rate: float
    replicas: int = 1
    price_per_hour: float = 0.0
    fee: float = 0.0

    def __post_init__(self) -> None:
        for field in ("work", "price_per_hour", "fee"):
            _check(self.name, field, getattr(self, field), at_least=0)
        _check(self.name, "rate", self.rate, above=0)
        _check(self.name, "replicas", self.replicas, at_least=1)

    @property
    def hours(self) -> float:
        """Of work, if nothing else held it up."""
        return self.work / self.rate / self.replicas / 3600


@dataclass(frozen=True)
class Sizing:
    """What a run with given pools comes to.

    Attributes:
        hours: wall-clock time.
        bottleneck: the pool that the others wait for: only more of this one make the run shorter.
        cost: of all replicas for all hours, and the fees; in the currency of the prices.
        busy: share of the time in which each pool works. What is far below 1 is paid for while it waits.
    """

    hours: float
    bottleneck: str
    cost: float
    busy: dict[str, float]


def size(pools: Sequence[Pool], starting: float = 0.0) -> Sizing:
    """The time, the bottleneck and the cost of a run whose pools work side by side, as generators, judge and checks do.

    Example: two pools of equal price, one of which has twice the work::

        >>> size([Pool("writer", 7200, 1, price_per_hour=3), Pool("judge", 3600, 1, price_per_hour=3)])
        Sizing(hours=2.0, bottleneck='writer', cost=12.0, busy={'writer': 1.0, 'judge': 0.5})

    Args:
        pools: all that the run holds, at least one.
        starting: hours in which engines load their models and nothing is written: the slowest start x rounds.

    Raises:
        ConfigError: no pool, two of one name, or a negative time.
    """
    if not pools:
        raise ConfigError("sizing: there is no pool", "give one for each generator, the judge and the checks")
    names = [pool.name for pool in pools]
    if len(set(names)) < len(names):
        raise ConfigError(f"sizing: two pools are called {max(names, key=names.count)!r}", "give each its own name")
    _check("sizing", "starting", starting, at_least=0)
    slowest = max(pools, key=lambda pool: pool.hours)
    hours = slowest.hours + starting
    return Sizing(
        hours=hours,
        bottleneck=slowest.name,
        cost=sum(pool.replicas * pool.price_per_hour * hours + pool.fee for pool in pools),
        busy={pool.name: pool.hours / hours if hours else 0.0 for pool in pools},
    )


def fit(pools: Sequence[Pool], hours: float, starting: float = 0.0) -> list[Pool]:
    """The same pools with the fewest replicas that end within ``hours``.

    Args:
        pools: their ``replicas`` are not looked at.
        hours: that the run may take.
        starting: as for `size`; not shortened by more replicas.

    Raises:
        ConfigError: there is no time left for any work.
    """
    _check("sizing", "starting", starting, at_least=0)
    _check("sizing", "hours", hours, above=starting)
    alone = [replace(pool, replicas=1) for pool in pools]
    return [replace(pool, replicas=max(1, _up(pool.hours / (hours - starting)))) for pool in alone]


def drafts_for(samples: int, pass_rate: float) -> int:
    """How many drafts it takes to have this many verified samples.

    Args:
        samples: verified ones that are wanted.
        pass_rate: verified / drafts, as ``apigen report`` tells of a trial run.

    Raises:
        ConfigError: a pass rate that is no share, or under which nothing is ever verified.
    """
    _check("sizing", "samples", samples, at_least=0)
    _check("sizing", "pass_rate", pass_rate, above=0)
    if pass_rate > 1:
        raise ConfigError(f"sizing: pass_rate is {pass_rate:g}", "give a share, such as 0.4 for 40 %")
    return _up(samples / pass_rate)


def _up(value: float) -> int:
    return math.ceil(round(value, _SLACK_DIGITS))


def _check(owner: str, field: str, value: float, at_least: float = -math.inf, above: float = -math.inf) -> None:
    if math.isfinite(value) and value >= at_least and value > above:
        return
    wanted = f"above {above:g}" if above > -math.inf else f"{at_least:g} or more"
    raise ConfigError(f"{owner}: {field} is {value:g}", f"give a number, {wanted}")
