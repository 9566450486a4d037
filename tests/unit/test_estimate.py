"""What a run would ask and cost: extrapolated from rendered prompts, without Ray."""

from pathlib import Path
from typing import Any

import pytest

from apigen_ray.config import RunConfig, parse_config
from apigen_ray.job import estimate as module
from apigen_ray.job.estimate import Line, estimate

SERVER = {"engine": "openai", "base_url": "http://localhost:1/v1", "model": "m", "sampling": {"max_tokens": 100}}


def config(generators: list[dict[str, Any]] | None = None, **rest: Any) -> RunConfig:
    path = Path(module.__file__).parents[1] / "library" / "functions" / "maths.py"
    return parse_config(
        {
            "name": "trial",
            "library": [{"kind": "python", "path": str(path)}],
            "generators": generators or [{"name": "one", **SERVER}],
            "semantic": {"checks": []},
            **rest,
        }
    )


def line(told: RunConfig) -> Line:
    return estimate(told).generators[0]


@pytest.mark.parametrize("mode", ["query_first", "call_first"])
def test_prompts_count_over_rounds_and_tokens_grow_with_them(mode: str) -> None:
    small = line(config(size=200, sampling={"mode": mode}))
    large = line(config(size=200, rounds=3, sampling={"mode": mode}))
    assert (small.prompts, large.prompts) == (200, 600)
    assert small.reply_tokens == 200 * 100
    assert large.prompt_tokens == pytest.approx(3 * small.prompt_tokens, abs=2)
    assert 50 < small.prompt_tokens / small.prompts < 5000
    assert (small.cost, small.hours) == (None, None)


def test_all_prompts_are_rendered_where_there_are_few() -> None:
    assert line(config(size=1)).prompts == 1


def test_longer_examples_cost_more() -> None:
    few = line(config(size=64, sampling={"examples": 0}))
    many = line(config(size=64, sampling={"examples": 5}))
    assert many.prompt_tokens > few.prompt_tokens


def test_cost_and_hours_of_each_generator() -> None:
    priced = {"name": "two", **SERVER, "price_per_million": {"prompt": 2, "completion": 10}, "tokens_per_second": 50}
    one, two = estimate(config([{"name": "one", **SERVER}, priced], size=100)).generators
    assert (one.name, one.cost, one.hours) == ("one", None, None)
    assert two.cost == pytest.approx((2 * two.prompt_tokens + 10 * two.reply_tokens) / 1e6)
    assert two.hours == pytest.approx(two.reply_tokens / 50 / 3600)


def test_an_engine_without_a_limit_is_taken_to_have_one() -> None:
    assert line(config([{"engine": "scripted"}], size=2)).reply_tokens == 2 * module.UNBOUNDED_REPLY


def test_prices_do_not_change_what_a_run_is() -> None:
    plain = config([{"name": "one", **SERVER}])
    priced = config([{"name": "one", **SERVER, "price_per_million": {"prompt": 1, "completion": 2}}])
    assert plain.identity() == priced.identity()
    assert plain.fingerprint() == priced.fingerprint()
    assert parse_config(priced.model_dump(mode="json")) == priced
