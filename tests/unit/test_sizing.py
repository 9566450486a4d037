"""Replicas, hours and cost out of given rates: pure arithmetic."""

import doctest
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_ray.errors import ConfigError
from apigen_ray.job import sizing
from apigen_ray.job.sizing import Pool, Sizing, drafts_for, fit, size

PAGE = Path(__file__).parents[2] / "docs" / "sizing.md"
WRITER = Pool("writer", work=36_000, rate=5, replicas=2, price_per_hour=3)  # an hour
JUDGE = Pool("judge", work=3_600, rate=2, price_per_hour=10)  # half an hour


def test_the_slowest_pool_makes_the_time_and_all_are_paid_for_it() -> None:
    assert (WRITER.hours, JUDGE.hours) == (1.0, 0.5)
    assert size([JUDGE, WRITER]) == Sizing(
        hours=1.0, bottleneck="writer", cost=2 * 3 + 10, busy={"judge": 0.5, "writer": 1.0}
    )


def test_starting_takes_time_and_money_of_all_and_no_work_is_done_in_it() -> None:
    found = size([WRITER, JUDGE], starting=1)
    assert (found.hours, found.cost) == (2.0, 2 * (2 * 3 + 10))
    assert found.busy == {"writer": 0.5, "judge": 0.25}


def test_a_fee_does_not_grow_with_time() -> None:
    server = Pool("server", work=36, rate=1, fee=7)
    assert size([server]).cost == size([server], starting=5).cost == 7


def test_no_work_takes_no_time() -> None:
    assert size([Pool("idle", work=0, rate=1, price_per_hour=1)]) == Sizing(0.0, "idle", 0.0, {"idle": 0.0})


def test_fewest_replicas_for_a_time() -> None:
    assert [pool.replicas for pool in fit([WRITER, JUDGE], hours=1)] == [2, 1]
    assert [pool.replicas for pool in fit([WRITER, JUDGE], hours=0.5)] == [4, 1]
    assert [pool.replicas for pool in fit([WRITER, JUDGE], hours=0.49)] == [5, 2]
    assert [pool.replicas for pool in fit([WRITER, JUDGE], hours=1.5, starting=1)] == [4, 1]
    assert [pool.replicas for pool in fit([Pool("idle", work=0, rate=1)], hours=1)] == [1]


pools = st.builds(
    Pool,
    name=st.just("one"),
    work=st.floats(0, 1e9),
    rate=st.floats(1, 1e5),
    replicas=st.integers(1, 99),
    price_per_hour=st.floats(0, 99),
)


@given(st.lists(pools, min_size=1, max_size=4), st.floats(0.5, 1000), st.floats(0, 0.4))
def test_what_is_fitted_ends_in_time_and_with_a_replica_less_does_not(
    given_pools: list[Pool], hours: float, starting: float
) -> None:
    named = [replace(pool, name=str(number)) for number, pool in enumerate(given_pools)]
    fitted = fit(named, hours, starting)
    assert size(fitted, starting).hours <= hours * (1 + 1e-5)
    for pool in fitted:
        if pool.replicas > 1:
            assert replace(pool, replicas=pool.replicas - 1).hours > (hours - starting) * (1 - 1e-5)


def test_drafts_for_samples() -> None:
    assert drafts_for(60_000, 0.5) == 120_000
    assert drafts_for(60_000, 1) == 60_000
    assert drafts_for(100, 0.3) == 334
    assert drafts_for(60_000, 0.3) == 200_000
    assert drafts_for(0, 0.1) == 0
    assert drafts_for(169, 169 / 40_000) == 40_000  # not one more for the last bit of a division


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Pool("p", work=-1, rate=1), "p: work is -1"),
        (lambda: Pool("p", work=math.nan, rate=1), "p: work is nan"),
        (lambda: Pool("p", work=1, rate=0), "p: rate is 0"),
        (lambda: Pool("p", work=1, rate=math.inf), "p: rate is inf"),
        (lambda: Pool("p", work=1, rate=1, replicas=0), "p: replicas is 0"),
        (lambda: Pool("p", work=1, rate=1, price_per_hour=-1), "p: price_per_hour is -1"),
        (lambda: Pool("p", work=1, rate=1, fee=-1), "p: fee is -1"),
        (lambda: size([]), "no pool"),
        (lambda: size([JUDGE, JUDGE]), "two pools are called 'judge'"),
        (lambda: size([JUDGE], starting=-1), "starting is -1"),
        (lambda: fit([JUDGE], hours=0), "hours is 0"),
        (lambda: fit([JUDGE], hours=1, starting=1), "hours is 1"),
        (lambda: fit([JUDGE], hours=1, starting=-1), "starting is -1"),
        (lambda: drafts_for(-1, 0.5), "samples is -1"),
        (lambda: drafts_for(1, 0), "pass_rate is 0"),
        (lambda: drafts_for(1, 40), "pass_rate is 40"),
    ],
)
def test_figures_that_make_no_sense_are_named(call: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)) as refused:
        call()
    assert refused.value.mend


def test_the_example_in_the_docstring() -> None:
    assert doctest.testmod(sizing, raise_on_error=True).attempted == 1


def test_the_page_prints_what_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    text = PAGE.read_text("utf-8")
    [snippet] = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    [shown] = re.findall(r"^```text\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    exec(compile(snippet, str(PAGE), "exec"), {})  # noqa: S102  (our own page)
    assert capsys.readouterr().out == shown
