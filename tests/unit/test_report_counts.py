"""What the HTML page counts: diversity against figures by hand, samples drawn in any order, tokens and cost."""

import random
from collections import Counter
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_ray.config import SAMPLE
from apigen_ray.engines.priced import Price
from apigen_ray.report.diversity import (
    CHARACTERS,
    LONGEST,
    MOST_CALLS,
    Diversity,
    distinct,
    effective,
    entropy,
    evenness,
    quantile,
    wording,
)
from apigen_ray.report.lowest import Lowest
from apigen_ray.report.meanings import meanings
from apigen_ray.report.metrics import metric_rows
from apigen_ray.report.picks import EACH, Kind, Picks
from apigen_ray.report.spending import Spending, spending_rows
from apigen_ray.report.summary import Summary
from apigen_ray.tables import table_of
from apigen_ray.verifiers import VERIFIERS


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


def count(rows: list[tuple[str, list[dict[str, Any]]]], diversity: Diversity | None = None) -> Diversity:
    diversity = diversity or Diversity()
    for number, (query, calls) in enumerate(rows):
        category = "Math" if number % 2 else "Data"
        diversity.add(f"id-{number}", query, calls, style="simple", template=f"t{number % 4}", category=category)
    return diversity


def test_distinct_counts_sequences_within_a_query() -> None:
    texts = ["Add two and two.", "add TWO and three"]
    assert distinct(texts, 1) == 4 / 8  # add two and three
    assert distinct(texts, 2) == 4 / 6  # add two · two and · and two · and three
    assert distinct(texts, 3) == 3 / 4
    assert distinct(["one", "two"], 2) is None


def test_entropy_and_what_is_made_of_it() -> None:
    assert entropy(Counter(a=4, b=4, c=8)) == 1.5
    assert effective(Counter(a=5, b=5, c=5)) == pytest.approx(3)
    assert evenness(Counter(a=5, b=5, c=5)) == pytest.approx(1)
    assert evenness(Counter(a=3, b=1)) == pytest.approx(0.8113, abs=1e-4)
    assert evenness(Counter(a=3)) is None
    assert effective(Counter()) is None


@pytest.mark.parametrize(("share", "number"), [(0.1, 1), (0.5, 2), (0.9, 9), (1.0, 9)])
def test_quantiles_of_counts(share: float, number: int) -> None:
    assert quantile(Counter({1: 2, 2: 5, 9: 3}), share) == number


def test_a_wording_is_what_is_left_without_the_values() -> None:
    first = wording("Convert 3.5 km to Miles!", [call("convert", value=3.5, source="km", target="miles")])
    assert first == "convert _ to _"
    assert first == wording("convert 12 kg to pounds", [call("convert", value=12, units=["kg", {"to": "pounds"}])])
    assert first != wording("Convert 3 km to feet", [call("convert", value=3, source="km")])
    assert wording("What's up at 10:30 on 2024-05-03?", []) == "what's up at _ on _"


def test_figures_by_hand() -> None:
    rows = [
        ("Add 1 and 2", [call("add", a=1, b=2)]),
        ("Add 5 and 7", [call("add", a=5, b=7)]),
        ("Halve 8, then add 1 and 1", [call("halve", a=8), call("add", a=1, b=1)]),
        ("Hello", []),
    ]
    form = count(rows).form(4)
    assert form["queries"] == 4
    assert form["distinct_1"] == 10 / 16  # add 1 and 2 5 7 halve 8 then hello
    assert form["repeated_wordings"] == 0.5
    assert (form["functions"], form["functions_share"]) == (2, 0.5)
    assert form["functions_evenness"] == pytest.approx(0.8113, abs=1e-4)
    assert form["functions_effective"] == pytest.approx(2**0.8113, abs=1e-3)
    assert (form["categories"], form["categories_evenness"], form["templates_evenness"]) == (2, 1, 1)
    assert form["styles_evenness"] is None
    assert form["calls_mean"] == 1
    assert form["words"] == [1, 4, 7]


def test_distinct_is_taken_of_as_many_queries_on_both_sides() -> None:
    few, many = count([("one two", [])] * 2), count([(f"word{n} other{n}", []) for n in range(10)])
    rows = {row.name: row for row in metric_rows(few, many, None)}
    assert (rows["Distinct-1"].verified, rows["Distinct-1"].drafts) == ("0.50", "1.00")
    assert "2 queries drawn" in rows["Distinct-1"].definition
    assert rows["Functions called"].drafts == "0 (-)"
    assert {row.verified for row in metric_rows(Diversity(), many, 3)} == {"-"}


def test_what_is_long_counts_with_the_longest() -> None:
    diversity = count([("word " * 500, [call("f")] * 50)])
    assert (dict(diversity.words), dict(diversity.calls)) == ({LONGEST: 1}, {MOST_CALLS: 1})


@given(st.lists(st.integers(0, 50)), st.integers(1, 20), st.randoms(use_true_random=False))
def test_a_sample_does_not_hang_on_the_order_and_counts_are_exact(
    numbers: list[int], most: int, chance: random.Random
) -> None:
    shuffled = chance.sample(numbers, len(numbers))
    drawn = []
    for order in (numbers, shuffled):
        lowest: Lowest[Counter[int]] = Lowest(most, lambda a, b: a + b)
        for number in order:
            lowest.add(str(number), Counter({number: 1}))
            assert len(lowest._held) <= 2 * most
        drawn.append(lowest.items())
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == min(most, len(set(numbers)))
    for counts in drawn[0]:
        assert all(numbers.count(number) == rows for number, rows in counts.items())


def test_an_even_sample() -> None:
    lowest: Lowest[int] = Lowest(500)
    for number in range(20_000):
        lowest.add(f"{number}", number)
    assert 9_000 < sum(lowest.items()) / 500 < 11_000  # the mean lies within 4 standard errors


def test_every_kind_has_its_turn() -> None:
    picks = Picks(limit=30)
    for number in range(1000):
        picks.add(f"v{number}", Kind("verified", "", "one", "simple" if number % 100 else "parallel"))
        picks.add(f"g{number}", Kind("fail_grounding", "leaked_call", "one", "simple"))
    picks.add("rare", Kind("fail_format", "not_json", "two", "simple"))
    chosen = picks.chosen()
    assert len(chosen) == len(set(chosen)) == 30
    assert Counter(name[0] for name in chosen) == {"v": 10, "g": 19, "r": 1}
    assert "rare" in chosen[:4]
    assert len([name for name in chosen if name[0] == "v" and int(name[1:]) % 100 == 0]) == 5


def test_where_little_fails_or_little_is_verified_the_page_is_filled_all_the_same() -> None:
    for verdicts, expected in (((100, 3), {"verified": 27, "fail_format": 3}), ((2, 100), {"verified": 2, "f": 28})):
        picks = Picks(limit=30)
        for verdict, rows in zip(("verified", "fail_format"), verdicts, strict=True):
            for number in range(rows):
                code = "" if verdict == "verified" else "not_json"
                picks.add(f"{verdict}-{number}", Kind(verdict, code, "", ""))
        assert sorted(Counter(name.partition("-")[0] for name in picks.chosen()).values()) == sorted(expected.values())
    assert EACH >= 28


def replies() -> pa.Table:
    def said(read: int, written: int, seconds: float = 0.0, error: str | None = None) -> dict[str, Any]:
        return {"prompt_tokens": read, "completion_tokens": written, "seconds": seconds, "error": error}

    rows = [
        {"generator": "a", "pair": 0, "reply": said(1_000_000, 500, 2), "judge": said(10, 1)},
        {"generator": "a", "pair": 1, "reply": said(1_000_000, 500, 2), "judge": said(20, 2)},
        {"generator": "a", "pair": None, "reply": said(0, 0, 4, "timeout: 60 s")},
        {"generator": "b", "pair": 0, "reply": said(7, 3)},
        {"generator": None, "pair": 0, "reply": None},
    ]
    return table_of(rows, SAMPLE)


def test_tokens_and_cost_by_engine() -> None:
    spending = Spending()
    spending.add(replies())
    a = spending.generators["a"]
    assert (a.replies, a.failed, a.prompt_tokens, a.completion_tokens, a.seconds) == (2, 1, 1_000_000, 500, 6)
    assert set(spending.generators) == {"a", "b"}
    assert {ask: spent.tokens for ask, spent in spending.asks.items()} == {"judge": 33}
    summary = Summary(4, {"a": Counter(verified=4), "b": Counter(fail_format=1)})
    prices = {"a": Price(prompt=2, completion=4), "judge": Price(prompt=0, completion=0)}
    rows = {
        row[0]: row[1:] for row in spending_rows(spending, summary, {"a": {"engine": "vllm", "model": "m"}}, prices)
    }
    assert rows["a"] == ["vllm m", "2", "1", "1,000,000", "500", "3.0", "250,125", "2.00"]
    assert rows["b"][-2:] == ["-", "-"]
    assert rows["judge: judge"][-2:] == ["8", "0.00"]
    assert rows["total"] == ["", "5", "1", "1,000,037", "506", "1.2", "250,136", "-"]
    free = prices | {"b": Price(prompt=0, completion=1e6)}
    assert spending_rows(spending, summary, {}, free)[-1][-1] == "5.00"


def test_codes_have_their_meaning_from_the_verifiers() -> None:
    known = {(verifier.name, code) for verifier in VERIFIERS for code in (*verifier.codes, "not_requested")}
    found = meanings()
    assert set(found) <= known
    assert len(found) > 40
    assert found["grounding", "value_not_in_query"] == "an argument that the query does not say"
    assert not [text for text in found.values() if "`" in text or " " not in text]


def test_of_a_query_without_end_the_beginning_is_measured() -> None:
    short, long = Diversity(), Diversity()
    text = "ab " * 1_000
    short.add("a", text[:CHARACTERS], [], style="", template="", category="")
    long.add("a", text, [], style="", template="", category="")
    assert short.form(None) == long.form(None)
    assert long.sample.items() == [text[:CHARACTERS]]
