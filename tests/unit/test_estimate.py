"""What a run would ask and cost: extrapolated from rendered prompts, without Ray."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apigen_ray.config import RunConfig, parse_config
from apigen_ray.display.tables import print_estimate
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


def test_generators_work_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    price = {"prompt": 2, "completion": 10}
    slow, fast = (
        {"name": name, **SERVER, "price_per_million": price, "tokens_per_second": speed}
        for name, speed in (("slow", 5), ("fast", 50))
    )
    found = estimate(config([fast, slow], size=100))
    assert (found.hours, found.bottleneck) == (found.generators[1].hours, "slow")
    assert found.cost == pytest.approx(sum(line.cost or 0 for line in found.generators))
    print_estimate(found, as_json=False)
    words = capsys.readouterr().out
    assert f"Side by side: {found.hours:.2f} hours, those of slow." in words
    assert f"Together: {found.cost:.2f}." in words
    print_estimate(found, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["hours"], told["bottleneck"], told["cost"]) == (found.hours, "slow", found.cost)

    found = estimate(config([slow, {"name": "unknown", **SERVER}], size=4))
    assert (found.hours, found.bottleneck, found.cost) == (None, None, None)
    print_estimate(found, as_json=False)
    words = capsys.readouterr().out
    assert "Side by side" not in words
    assert "Together" not in words


def test_an_engine_without_a_limit_is_taken_to_have_one() -> None:
    assert line(config([{"engine": "scripted"}], size=2)).reply_tokens == 2 * module.UNBOUNDED_REPLY


PINS = '''
def add(first: int, second: int) -> int:
    """Adds."""
    return first + second


def order(code: Annotated[str, Field(pattern="^[0-9]{12}$")]) -> str:
    """Orders what has this code."""
    return code
'''


def test_what_the_library_cannot_serve_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "tools.py"
    path.write_text("from typing import Annotated\n\nfrom pydantic import Field\n\n" + PINS)
    styles = {"simple": 1, "irrelevance": 1, "parallel_multiple": 1}
    told = config(
        library=[{"kind": "python", "path": str(path)}], sampling={"mode": "call_first", "styles": styles}, size=4
    )
    found = estimate(told)
    assert (found.unserved, found.undrawable) == (("parallel_multiple",), ("order",))
    print_estimate(found, as_json=True)
    assert json.loads(capsys.readouterr().out)["undrawable"] == ["order"]
    print_estimate(found, as_json=False)
    words = capsys.readouterr().out
    assert "cannot serve, left out: parallel_multiple." in words
    assert "never called, for want of a value: order." in words
    print_estimate(replace(found, undrawable=tuple(f"f{number}" for number in range(12))), as_json=False)
    assert "f8, f9 and 2 more." in capsys.readouterr().out


def test_a_name_is_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    told = config([{"name": name, "engine": "scripted"} for name in ("m[/q]", "[b]n", "a:cat:b")])
    print_estimate(estimate(told), as_json=False)
    out = capsys.readouterr().out
    assert "m[/q]" in out
    assert "[b]n" in out
    assert "a:cat:b" in out


def test_nothing_is_said_of_a_library_that_serves_all(capsys: pytest.CaptureFixture[str]) -> None:
    found = estimate(config(size=4))
    assert (found.unserved, found.undrawable) == ((), ())
    print_estimate(found, as_json=False)
    words = capsys.readouterr().out
    assert "one" in words
    assert "cannot serve" not in words
    assert "never called" not in words


def test_prices_do_not_change_what_a_run_is() -> None:
    plain = config([{"name": "one", **SERVER}])
    priced = config([{"name": "one", **SERVER, "price_per_million": {"prompt": 1, "completion": 2}}])
    assert plain.identity() == priced.identity()
    assert plain.fingerprint() == priced.fingerprint()
    assert parse_config(priced.model_dump(mode="json")) == priced
