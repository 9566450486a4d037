"""What Ray is told of a run: each tally once, for each stage that its rows reached."""

from collections import Counter
from typing import Any

import pytest

from apigen_ray.config import STAGES
from apigen_ray.graph import metrics
from apigen_ray.graph.metrics import Metrics
from apigen_ray.graph.tally import TALLY


class Kept:
    """Stands for a metric of Ray's, which refuses labels that it was not declared with."""

    def __init__(self, name: str, description: str, tag_keys: tuple[str, ...]) -> None:
        self.keys, self.fixed = set(tag_keys), dict[str, str]()
        self.values: Counter[tuple[str, ...]] = Counter()
        there[name] = self

    def set_default_tags(self, tags: dict[str, str]) -> "Kept":
        self.fixed = tags
        return self

    def inc(self, value: float, tags: dict[str, str]) -> None:
        assert value > 0  # Ray refuses anything else
        self.values[self._told(tags)] += int(value)

    def set(self, value: float) -> None:
        self.values[self._told({})] = int(value)

    def _told(self, tags: dict[str, str]) -> tuple[str, ...]:
        assert {*tags, *self.fixed} == self.keys
        return tuple(tags.values())


there: dict[str, Kept] = {}


@pytest.fixture(autouse=True)
def _kept(monkeypatch: pytest.MonkeyPatch) -> None:
    there.clear()
    monkeypatch.setattr(metrics, "Counter", Kept)
    monkeypatch.setattr(metrics, "Gauge", Kept)


def told(**values: Any) -> dict[str, Any]:
    """A row of `TALLY`."""
    told = {"generator": "a", "verdict": "verified", "stage": "", "code": "", "rows": 1, "prompts": 1}
    return dict.fromkeys(TALLY.names, 0) | told | values


def test_rows_are_counted_at_each_stage_that_they_reached() -> None:
    one = Metrics("smoke", STAGES, 10)
    one.add(told(rows=5))
    one.add(told(rows=2, verdict="fail_execution", stage="execution", code="timeout"))
    one.add(told(rows=1, verdict="fail_execution", stage="execution", code="timeout"))
    one.add(told(rows=3, verdict="error", stage="format", code="engine_error", generator="b"))
    assert there["apigen_rows"].values == {
        ("a", "format", "passed", ""): 8,
        ("a", "execution", "passed", ""): 5,
        ("a", "execution", "rejected", "timeout"): 3,
        ("a", "grounding", "passed", ""): 5,
        ("a", "semantic", "passed", ""): 5,
        ("b", "format", "error", "engine_error"): 3,
    }
    assert {each.fixed["run"] for each in there.values()} == {"smoke"}


def test_a_stage_that_is_not_asked_for_is_not_counted() -> None:
    one = Metrics("smoke", ("semantic", "format"), None)
    one.add(told())
    one.add(told(verdict="fail_semantic", stage="semantic", code="copied", generator=None))  # a record that was read
    assert there["apigen_rows"].values == {
        ("a", "format", "passed", ""): 1,
        ("a", "semantic", "passed", ""): 1,
        ("", "format", "passed", ""): 1,
        ("", "semantic", "rejected", "copied"): 1,
    }


def test_tokens_are_counted_by_who_took_them() -> None:
    one = Metrics("smoke", STAGES, 10)
    one.add(told(prompt_tokens=10, completion_tokens=2, judge_prompt_tokens=100, judge_completion_tokens=3))
    one.add(told(prompt_tokens=10))  # none of the others: Ray refuses a count of nothing
    assert there["apigen_tokens"].values == {
        ("a", "generator", "prompt"): 20,
        ("a", "generator", "completion"): 2,
        ("a", "judge", "prompt"): 100,
        ("a", "judge", "completion"): 3,
    }


def test_what_is_left_goes_down_and_never_below_nothing() -> None:
    one, left = Metrics("smoke", STAGES, 10), there["apigen_prompts_left"].values
    assert left == {(): 10}
    one.add(told(rows=4, prompts=3))
    assert left == {(): 7}
    left.clear()
    one.remind()
    assert left == {(): 7}
    one.add(told(rows=9, prompts=9))  # a batch that was written twice
    assert left[()] == 0
    Metrics("smoke", STAGES, 0)
    assert there["apigen_prompts_left"].values == {(): 0}
    unknown = Metrics("smoke", STAGES, None)  # records that are read: nobody knows how many
    unknown.add(told())
    unknown.remind()
    assert not there["apigen_prompts_left"].values
