"""What a run would ask, spend and take, told from a sample of its prompts; nothing is started."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apigen_ray.asks.base import DraftAsk
from apigen_ray.config import RunConfig
from apigen_ray.engines.priced import GeneratorSpec
from apigen_ray.job.prepare import prepare
from apigen_ray.job.sizing import Pool, size
from apigen_ray.records import Json, Mode, dumps
from apigen_ray.strict_json import loads

SAMPLED = 64
"""Prompts that are rendered for each generator, evenly out of its plan."""

CHARACTERS_PER_TOKEN = 4
"""The rule of thumb for English and JSON."""

UNBOUNDED_REPLY = 1024
"""Tokens taken for a reply where the engine sets no ``max_tokens``."""


@dataclass(frozen=True)
class Line:
    """One generator's part of an estimate.

    Attributes:
        name: the generator's.
        prompts: over all rounds.
        prompt_tokens: that the engine reads.
        reply_tokens: that it writes, at most.
        cost: in the unit of ``price_per_million``; None where no price is given.
        hours: at ``tokens_per_second``; None where no speed is given.
    """

    name: str
    prompts: int
    prompt_tokens: int
    reply_tokens: int
    cost: float | None
    hours: float | None


@dataclass(frozen=True)
class Estimate:
    """What a run would ask, and what it would have to leave out.

    Attributes:
        generators: a line for each, in the order of the config.
        hours: of the whole run: generators work side by side; None where a speed is not given.
        bottleneck: the generator that takes these hours; None as well.
        cost: of all of them together; None where a price is not given.
        unserved: styles that are asked for and that this library cannot serve: their share goes to the others.
        undrawable: functions that ``call_first`` never calls, for want of a value for a required parameter.
    """

    generators: tuple[Line, ...]
    hours: float | None
    bottleneck: str | None
    cost: float | None
    unserved: tuple[str, ...]
    undrawable: tuple[str, ...]


def estimate(config: RunConfig) -> Estimate:
    """Plans and renders some prompts of the first round and extrapolates; the judge's tokens are not counted.

    Raises:
        InputError: as for a run: the library, seeds, templates or lexicons cannot be used.
    """
    prepared = prepare(config)
    planner, asks = prepared.planner(), prepared.asks()
    count = min(SAMPLED, config.size)
    indices = [number * config.size // count for number in range(count)]

    def line(generator: GeneratorSpec) -> tuple[Line, Pool | None]:
        costs = [_tokens(row, asks, _longest(generator)) for row in planner.rows(0, generator.name, indices)]
        prompts = config.size * config.rounds
        prompt_tokens = round(prompts * sum(cost[0] for cost in costs) / count)
        reply_tokens = round(prompts * sum(cost[1] for cost in costs) / count)
        price, speed = generator.price_per_million, generator.tokens_per_second
        cost = price.of(prompt_tokens, reply_tokens) if price else None
        pool = Pool(generator.name, work=reply_tokens, rate=speed) if speed else None
        told = Line(
            name=generator.name,
            prompts=prompts,
            prompt_tokens=prompt_tokens,
            reply_tokens=reply_tokens,
            cost=cost,
            hours=pool.hours if pool else None,
        )
        return told, pool

    lines = [line(generator) for generator in config.generators]
    pools = [pool for _, pool in lines if pool is not None]
    whole = size(pools) if len(pools) == len(lines) else None
    costs = [told.cost for told, _ in lines if told.cost is not None]
    return Estimate(
        generators=tuple(told for told, _ in lines),
        hours=whole.hours if whole else None,
        bottleneck=whole.bottleneck if whole else None,
        cost=sum(costs) if len(costs) == len(lines) else None,
        unserved=tuple(str(style) for style in planner.unserved),
        undrawable=tuple(planner.undrawable),
    )


def _tokens(row: Json, asks: Mapping[str, DraftAsk], longest: int) -> tuple[int, int]:
    """Tokens read and, at most, written for one row of the plan; none where no calls could be drawn."""
    if row["mode"] == str(Mode.CALL_FIRST):  # which candidate executes is not known yet; they are alike in size
        candidates = loads(row["candidates"])
        if not candidates:
            return 0, 0
        row = {**row, "planned": dumps(candidates[0]["calls"])}
    request = asks[row["mode"]].request(row)
    characters = len(dumps(list(request.messages))) + (len(dumps(request.schema)) if request.schema else 0)
    return -(-characters // CHARACTERS_PER_TOKEN), min(request.max_tokens or longest, longest)


def _longest(generator: GeneratorSpec) -> int:
    sampling: Any = getattr(generator.spec, "sampling", None)  # the scripted engine draws no tokens
    return (sampling.max_tokens if sampling else None) or UNBOUNDED_REPLY
