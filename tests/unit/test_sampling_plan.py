"""The planner: coverage, shares, offered tools, candidates, and what it refuses."""

import json
import pickle
from collections import Counter
from itertools import pairwise

import pyarrow as pa
import pytest

from apigen_ray.errors import LibraryError, RecordError
from apigen_ray.records import PLAN, Api, Call, Example, Mode, Style, content_hash
from apigen_ray.sampling import Lexicon, Planner, SamplingSpec, Template
from apigen_ray.tables import table_of

TEMPLATES = {(mode, style): (Template("brief", "x"), Template("vague", "y")) for mode in Mode for style in Style}
ALL_STYLES = dict.fromkeys(Style, 1.0)


def api(name: str, category: str | None = "Tools", required: tuple[str, ...] = ("amount",), **properties: dict) -> Api:
    properties = properties or {"amount": {"type": "integer"}, "city": {"type": "string"}}
    schema = {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}
    return Api(name, f"Does {name}.", schema, category=category)


LIBRARY = [api(f"f{number}", category=f"c{number % 5}") for number in range(40)]
SEEDS = [
    Example(style, f"query {number}", (Call(f"f{number}", {"amount": number}),), (LIBRARY[number].tool(),))
    for number in range(12)
    for style in (Style.SIMPLE, Style.MULTIPLE, Style.PARALLEL, Style.PARALLEL_MULTIPLE)
]


def planner(
    library=LIBRARY, /, *, seeds=SEEDS, templates=TEMPLATES, lexicons=None, seed=1, earlier=(), **spec
) -> Planner:
    return Planner(SamplingSpec(**spec), library, seeds, templates, lexicons or {}, "fingerprint", seed, earlier)


def names(row) -> list[str]:
    return [tool["name"] for tool in json.loads(row["tools"])]


@pytest.mark.parametrize("mode", list(Mode))
def test_rows_fit_the_plan_schema_and_are_named_by_their_index(mode):
    rows = planner(mode=mode, styles=ALL_STYLES).rows(2, "gen", [5, 3, 9])
    table = table_of(rows, PLAN)
    assert table.schema == PLAN
    assert table["index"].to_pylist() == [5, 3, 9]
    assert table["prompt_id"].to_pylist() == [content_hash("fingerprint", "gen", 2, index) for index in (5, 3, 9)]
    assert set(rows[0]) == set(PLAN.names) - {"planned", "planned_results"}
    assert pa.types.is_null(table["planned"].type) is False
    assert table["planned"].null_count == 3


@pytest.mark.parametrize("mode", list(Mode))
def test_every_api_is_the_target_equally_often(mode):
    rows = planner(mode=mode, styles={"simple": 1}).rows(0, "g", range(80))
    assert set(Counter(names(row)[0] for row in rows).values()) == {2}
    assert len({names(row)[0] for row in rows[:40]}) == 40


def test_rounds_generators_and_seeds_differ():
    def plan(seed=1, round=0, generator="g"):
        return [names(row) for row in planner(seed=seed).rows(round, generator, range(20))]

    assert plan() == plan()
    assert len({str(plan()), str(plan(seed=2)), str(plan(round=1)), str(plan(generator="h"))}) == 4


def test_values_differ_between_rounds_and_generators():
    one = planner(LIBRARY[:1], mode="call_first", styles={"simple": 1})
    plans = [one.rows(round, name, [0])[0]["candidates"] for round, name in ((0, "g"), (1, "g"), (0, "h"))]
    assert len(set(plans)) == 3


def test_styles_keep_their_shares_at_every_length():
    weights = {"simple": 2, "multiple": 1, "parallel": 1}
    rows = planner(styles=weights).rows(0, "g", range(400))
    for length in (20, 100, 400):
        shares = Counter(row["style"] for row in rows[:length])
        for style, weight in weights.items():
            assert abs(shares[style] - length * weight / 4) <= 3


def test_offered_tools_per_style():
    rows = planner(styles=ALL_STYLES).rows(0, "g", range(300))
    by_name = {item.name: item for item in LIBRARY}
    for row in rows:
        offered = names(row)
        assert len(set(offered)) == len(offered)
        assert row["api_ids"] == [by_name[name].api_id for name in offered]
        assert len(offered) == 1 if row["style"] in ("simple", "parallel") else 2 <= len(offered) <= 4
        if row["style"] in ("multiple", "parallel_multiple"):
            assert len({by_name[name].category for name in offered}) == 1  # eight of each: enough to stay within


def test_distractors_come_from_elsewhere_when_a_category_is_small():
    apis = [api("lonely", "Alone"), *LIBRARY]
    rows = planner(apis, styles={"multiple": 1}, apis=3, mode="call_first").rows(0, "g", range(41))
    lonely = [row for row in rows if json.loads(row["candidates"])[0]["calls"][0]["name"] == "lonely"]
    assert [len(names(row)) for row in lonely] == [3]


def test_the_answer_stands_in_every_place():
    rows = planner(styles={"multiple": 1}, apis=3, mode="call_first").rows(0, "g", range(120))
    places = Counter(names(row).index(json.loads(row["candidates"])[0]["calls"][0]["name"]) for row in rows)
    assert set(places) == {0, 1, 2}
    assert min(places.values()) > 20


def test_two_tools_of_one_name_are_never_offered_together():
    apis = [api("twin", "A"), api("twin", "A", ("x",), x={"type": "string"}), api("other", "A"), api("third", "B")]
    for row in planner(apis, styles=ALL_STYLES, apis=4).rows(0, "g", range(60)):
        assert len(set(names(row))) == len(names(row))


def test_call_first_candidates_per_style():
    by_name = {item.name: item for item in LIBRARY}
    for row in planner(mode="call_first", styles=ALL_STYLES).rows(0, "g", range(200)):
        candidates = json.loads(row["candidates"])
        assert len(candidates) == 4
        assert len({json.dumps(candidate) for candidate in candidates}) == 4
        for candidate in candidates:
            called = [call["name"] for call in candidate["calls"]]
            assert candidate["api_ids"] == [by_name[name].api_id for name in called]
            if row["style"] == "irrelevance":
                assert not set(called) & set(names(row))
                assert by_name[called[0]].category not in {by_name[name].category for name in names(row)}
                continue
            assert set(called) <= set(names(row))
            if row["style"] in ("simple", "multiple"):
                assert len(called) == 1
            else:
                assert 2 <= len(called) <= 3
            if row["style"] == "parallel":
                amounts = [call["arguments"]["amount"] for call in candidate["calls"]]
                assert len(set(amounts)) == len(amounts)  # the salient argument differs
            if row["style"] == "parallel_multiple":
                assert len(set(called)) == min(len(called), len(names(row)))


def test_query_first_plans_no_calls_and_asks_for_several_pairs():
    rows = planner(pairs=(1, 3)).rows(0, "g", range(60))
    assert {row["candidates"] for row in rows} == {None}
    assert {row["pairs"] for row in rows} == {1, 2, 3}


def test_examples_are_of_the_style_and_not_of_the_offered_functions():
    for row in planner(examples=(1, 3), styles=ALL_STYLES).rows(0, "g", range(200)):
        examples = json.loads(row["examples"])
        if row["style"] == "irrelevance":
            assert examples == []  # no seed of that style: none of another style is shown
            continue
        assert 1 <= len(examples) == len(row["seed_ids"]) <= 3
        shown = [call["name"] for example in examples for call in example["answers"]]
        assert not set(shown) & set(names(row))
        assert len(set(shown)) == len(shown)


def test_an_example_of_an_offered_function_is_the_last_resort():
    seeds = [Example(Style.SIMPLE, "only one", (Call("f0", {"amount": 1}),))]
    rows = planner([LIBRARY[0]], seeds=seeds, styles={"simple": 1}).rows(0, "g", [0])
    assert json.loads(rows[0]["examples"])[0]["query"] == "only one"


def earlier(style=Style.SIMPLE, start=0, stop=40):
    """Verified samples, one for each function from ``start`` on."""
    apis = LIBRARY[start:stop]
    return [Example(style, f"fed {api.name}", (Call(api.name, {"amount": 1}),), (api.tool(),)) for api in apis]


def shown(plan, round=1, prompts=600, **wanted):
    rows = plan.rows(round, "g", range(prompts))
    return [
        example["query"]
        for row in rows
        if all(row[name] == value for name, value in wanted.items())
        for example in json.loads(row["examples"])
    ]


@pytest.mark.parametrize(
    ("feedback", "least", "most"),
    [
        ({}, 0.45, 0.55),
        ({"share": 0.2}, 0.16, 0.24),
        ({"share": 0.2, "styles": {"simple": 4, "multiple": 100}}, 0.45, 0.55),  # odds of 1 to 4, times 4
        ({"share": 0.5, "styles": {"simple": 0.25}}, 0.16, 0.24),
        ({"share": 1.0}, 1, 1),
        ({"share": 1.0, "styles": {"simple": 0.1}}, 1, 1),
    ],
)
def test_examples_come_from_earlier_rounds_in_the_share_asked_for(feedback, least, most):
    plan = planner(styles={"simple": 1}, examples=2, feedback=feedback, earlier=earlier())
    queries = shown(plan)
    assert len(queries) == 1200
    assert least <= sum(query.startswith("fed") for query in queries) / 1200 <= most


def test_a_category_s_weight_is_how_often_its_samples_are_drawn():
    # f0 ... f39 are in c0 ... c4, eight functions in each
    feedback = {"share": 1, "categories": {"c0": 3, "c1": 0.5}}
    queries = shown(planner(styles={"simple": 1}, examples=1, feedback=feedback, earlier=earlier()), prompts=2000)
    drawn = Counter(int(query.removeprefix("fed f")) % 5 for query in queries)
    assert abs(drawn[0] / drawn[2] - 3) < 0.6
    assert abs(drawn[1] / drawn[2] - 0.5) < 0.15
    assert abs(drawn[3] / drawn[2] - 1) < 0.25


def test_what_has_too_few_is_filled_up_by_the_other():
    plan = planner(styles={"simple": 1}, examples=3, feedback={"share": 0.9}, earlier=earlier(stop=2))
    assert all(len(row["seed_ids"]) == 3 for row in plan.rows(1, "g", range(50)))
    alone = planner(seeds=[], styles={"simple": 1}, examples=3, feedback={"share": 0.1}, earlier=earlier())
    assert len(shown(alone, prompts=50)) == 150
    other = planner(seeds=[], styles={"simple": 1}, examples=3, earlier=earlier(Style.PARALLEL))
    assert shown(other, prompts=50) == []  # none of another style


def test_earlier_samples_are_kept_away_from_offered_functions_too():
    plan = planner(styles={"multiple": 1}, examples=3, earlier=earlier(Style.MULTIPLE))
    for row in plan.rows(1, "g", range(200)):
        examples = json.loads(row["examples"])
        called = [call["name"] for example in examples for call in example["answers"]]
        assert len(set(called)) == len(called) == 3
        assert not set(called) & set(names(row))


def test_the_weight_of_an_irrelevance_sample_is_that_of_the_function_offered_first():
    fed = [Example(Style.IRRELEVANCE, f"fed {number}", (), (LIBRARY[number].tool(),)) for number in (0, 1)]
    feedback = {"share": 1, "categories": {"c0": 9}}
    plan = planner(styles={"irrelevance": 1}, examples=1, feedback=feedback, earlier=fed)
    drawn = Counter(shown(plan))
    assert drawn["fed 0"] > 5 * drawn["fed 1"] > 0


def test_templates_are_all_used():
    assert {row["template"] for row in planner().rows(0, "g", range(30))} == {"brief", "vague"}


def test_one_function_serves_what_it_can():
    one = planner([api("solo")])
    assert set(one.styles) == {Style.SIMPLE, Style.PARALLEL}
    assert one.unserved == [Style.MULTIPLE, Style.PARALLEL_MULTIPLE]
    assert {row["style"] for row in one.rows(0, "g", range(20))} == {"simple", "parallel"}


def test_functions_without_arguments_are_not_asked_several_times():
    apis = [api("now", "A", (), **{}), api("add", "A")]
    apis[0] = Api("now", "Tells the time.", {"type": "object", "properties": {}, "required": []})
    rows = planner(apis, styles={"parallel": 1}).rows(0, "g", range(10))
    assert {names(row)[0] for row in rows} == {"add"}


def test_a_function_that_no_value_can_be_made_for_is_offered_and_never_called():
    apis = [*LIBRARY[:5], api("code", "c0", ("pin",), pin={"type": "string", "pattern": "^[0-9]{12}$"})]
    plan = planner(apis, mode="call_first", styles=ALL_STYLES)
    assert plan.undrawable == ["code"]
    rows = plan.rows(0, "g", range(100))
    assert "code" in {name for row in rows for name in names(row)}
    assert '"name":"code","arguments"' not in "".join(row["candidates"] for row in rows)


def test_two_calls_where_the_values_do_not_reach_for_three():
    apis = [api("flip", "A", ("up",), up={"type": "boolean"}), api("fixed", "A", ("x",), x={"const": 3})]
    rows = planner(apis, mode="call_first", styles={"parallel": 1}, calls=3).rows(0, "g", range(6))
    for row in rows:
        assert names(row) == ["flip"]
        for candidate in json.loads(row["candidates"]):
            assert sorted(call["arguments"]["up"] for call in candidate["calls"]) == [False, True]


def test_lexicons_reach_the_calls():
    lexicons = {"f0.city": Lexicon("w", values=("Ulm",)), "amount": Lexicon("w", range=(500, 520), step=10)}
    rows = planner(LIBRARY[:1], mode="call_first", styles={"simple": 1}, lexicons=lexicons).rows(0, "g", range(10))
    calls = [item["calls"][0]["arguments"] for row in rows for item in json.loads(row["candidates"])]
    assert {call["amount"] for call in calls} == {500, 510, 520}
    assert {call.get("city") for call in calls} == {None, "Ulm"}


@pytest.mark.parametrize("mode", list(Mode))
def test_a_pickled_planner_plans_the_same(mode):
    plan = planner(mode=mode)
    rows = plan.rows(0, "g", range(30))
    assert pickle.loads(pickle.dumps(plan)).rows(0, "g", range(30)) == rows  # noqa: S301 - our own object


def test_refusals():
    with pytest.raises(LibraryError, match="library is empty"):
        planner([])
    with pytest.raises(LibraryError, match="cannot serve the styles multiple"):
        planner([api("solo")], styles={"multiple": 1})
    with pytest.raises(RecordError, match="no template for query_first multiple"):
        planner(templates={(Mode.QUERY_FIRST, Style.SIMPLE): TEMPLATES[Mode.QUERY_FIRST, Style.SIMPLE]})
    with pytest.raises(RecordError, match="w: no value fits"):
        planner(mode="call_first", lexicons={"f3.amount": Lexicon("w", values=("many",))})


def test_targets_do_not_come_in_the_order_of_the_library():
    rows = planner(styles={"simple": 1}).rows(0, "g", range(40))
    order = [int(names(row)[0][1:]) for row in rows]
    assert sum(later == earlier + 1 for earlier, later in pairwise(order)) < 8
