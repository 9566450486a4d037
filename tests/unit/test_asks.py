"""The asks: what is put to a model for a row, and what is taken from its reply."""

import json
from pathlib import Path

import jsonschema_rs
import pytest

from apigen_ray.asks.call_first import CallFirst, clean
from apigen_ray.asks.judge import Judge, opinion
from apigen_ray.asks.likelihood import Likelihood, own
from apigen_ray.asks.prompts import calls_schema, facts, in_words, purpose, value_words
from apigen_ray.asks.query_first import QueryFirst, reply_schema
from apigen_ray.asks.roundtrip import RoundTrip, read_calls, same_calls
from apigen_ray.errors import RecordError
from apigen_ray.records import Mode, Style
from apigen_ray.sampling.templates import OUR_TEMPLATES, load_templates

TRAVEL = {
    "name": "travel_time",
    "description": "Compute how long a trip takes. Stops are not counted.",
    "parameters": {
        "type": "object",
        "properties": {
            "distance_km": {"type": "number", "exclusiveMinimum": 0},
            "speed_kmh": {"type": "number"},
            "rounding": {"type": "string", "enum": ["none", "minute"], "default": "none"},
        },
        "required": ["distance_km", "speed_kmh"],
        "additionalProperties": False,
    },
}
PRIME = {
    "name": "is_prime",
    "description": "",
    "parameters": {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]},
}
TRIP = {"name": "travel_time", "arguments": {"distance_km": 320.0, "speed_kmh": 80, "rounding": "none"}}
TEXTS = {
    (mode, style, template.name): template.text
    for (mode, style), templates in load_templates((OUR_TEMPLATES,)).items()
    for template in templates
}


def example(query, *calls):
    return {"query": query, "answers": list(calls), "tools": [PRIME, TRAVEL]}


def row(**changes):
    calls = changes.pop("calls", [TRIP])
    reply = {"text": "How long is it?", "finish": "stop", "logprob": -0.25, "error": None}
    return {
        "style": "simple",
        "mode": "call_first",
        "template": "plain",
        "pairs": 1,
        "tools": json.dumps([TRAVEL]),
        "examples": "[]",
        "planned": json.dumps(calls),
        "answers": json.dumps(calls),
        "query": "How long does it take to go 320 km at 80 km/h?",
        "results": None,
        "reply": reply | changes.pop("reply", {}),
    } | changes


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("style", list(Style))
def test_every_style_has_four_templates_and_each_makes_a_prompt(mode, style):
    ask = {Mode.QUERY_FIRST: QueryFirst, Mode.CALL_FIRST: CallFirst}[mode](TEXTS)
    names = [name for of_mode, of_style, name in TEXTS if (of_mode, of_style) == (mode, style)]
    assert len(names) >= 4
    prompts = {name: ask.request(row(mode=mode, style=style, template=name)) for name in names}
    assert len({json.dumps(request.messages) for request in prompts.values()}) == len(names)
    for request in prompts.values():
        assert [message["role"] for message in request.messages] == ["system", "user"]
        assert "$" not in json.dumps(request.messages)
        told = request.messages[-1]["content"]
        assert "320" in told if mode == Mode.CALL_FIRST else '"exclusiveMinimum": 0' in told or "travel_time" in told


def test_call_first_shows_examples_as_turns():
    number = {"name": "is_prime", "arguments": {"number": 97}}
    other = {"name": "travel_time", "arguments": {"distance_km": 5, "speed_kmh": 4}}
    examples = [example("two numbers", other), example("one number", number), example("two calls", number, number)]
    messages = CallFirst(TEXTS).request(row(examples=json.dumps(examples))).messages
    assert [message["role"] for message in messages] == ["system"] + ["user", "assistant"] * 3 + ["user"]
    assert [message["content"] for message in messages[2::2]] == ["two numbers", "one number", "two calls"]
    assert messages[-1]["content"] == "Ask for the travel time with distance 320 km and speed 80 km/h."
    assert messages[5]["content"] == "\n".join(["Ask whether it is prime with number 97."] * 2)


def test_call_first_passes_over_examples_without_calls():
    messages = (
        CallFirst(TEXTS).request(row(style="irrelevance", examples=json.dumps([example("Book a table")]))).messages
    )
    assert len(messages) == 2


def test_call_first_tells_several_calls_one_a_line():
    calls = [TRIP, {"name": "is_prime", "arguments": {"number": 7}}]
    request = CallFirst(TEXTS).request(row(style="parallel_multiple", calls=calls))
    assert request.schema is None
    assert "2 things" in request.messages[0]["content"]
    assert request.messages[-1]["content"].splitlines() == [
        "Ask for the travel time with distance 320 km and speed 80 km/h.",
        "Ask whether it is prime with number 7.",
    ]


@pytest.mark.parametrize(
    ("reply", "query"),
    [
        (" How far?\n", "How far?"),
        ("Question: How far?", "How far?"),
        ('"How far?"', "How far?"),
        ("\u201cHow far?\u201d", "How far?"),
        ('Request: "How far?"', "How far?"),
        ('"a" and "b"', '"a" and "b"'),
        ("How far?\nIt is 3 km.", "How far?\nIt is 3 km."),
        ('"', '"'),
        ("", ""),
    ],
)
def test_clean_takes_off_the_wrapping_and_nothing_else(reply, query):
    assert clean(reply) == query


def test_call_first_puts_the_planned_calls_beside_the_words():
    assert json.loads(CallFirst(TEXTS).records(row())[0]) == {"query": "How long is it?", "answers": [TRIP]}
    assert json.loads(CallFirst(TEXTS).records(row(style="irrelevance"))[0])["answers"] == []


def test_a_reply_that_was_cut_off_is_no_record():
    cut = {"text": "How long does it", "finish": "length"}
    assert CallFirst(TEXTS).records(row(reply=cut)) == ["How long does it"]


def query_first_records(text):
    return QueryFirst(TEXTS).records(row(mode="query_first", reply={"text": text}))


@pytest.mark.parametrize(
    ("text", "records"),
    [
        ('[{"query": "a", "answers": []}, {"query": "b"}]', ['{"query":"a","answers":[]}', '{"query":"b"}']),
        ('{"query": "a"}', ['{"query": "a"}']),
        ("[]", ["[]"]),
        ("[1, 2]", ["1", "2"]),
        ('[{"query": 1, "query": 2}]', ['[{"query": 1, "query": 2}]']),
        ('[{"x": NaN}]', ['[{"x": NaN}]']),
        ("Sure! []", ["Sure! []"]),
        ("", [""]),
    ],
)
def test_query_first_takes_a_list_apart_and_gives_all_else_back_whole(text, records):
    assert query_first_records(text) == records


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("turn without a cut $tools", "needs exactly one line ---"),
        ("a\n---\n$tolls", "unknown placeholder $tolls"),
        ("a $tools\n---\nb", "unknown placeholder $tools"),
        ("a\n---\ncosts 5 $ each", r"a \$ begins no placeholder".replace("\\", "")),
        ("a\n---\nb\n---\nc", "needs exactly one line ---"),
    ],
)
def test_a_template_that_cannot_be_filled_is_refused_by_name(text, fault):
    with pytest.raises(RecordError) as caught:
        QueryFirst({("query_first", "simple", "mine"): text})
    assert "query_first/simple/mine.md" in str(caught.value)
    assert fault in str(caught.value)


def test_a_template_of_another_mode_is_nobodys_business():
    text = "no cut"
    CallFirst({("query_first", "simple", "mine"): text})
    with pytest.raises(RecordError):  # in its own mode it is refused
        CallFirst({("call_first", "simple", "mine"): text})


def test_facts_leave_defaults_out_and_put_units_behind():
    assert facts(TRIP, TRAVEL) == "distance 320 km and speed 80 km/h"
    assert facts(TRIP, None) == "distance 320 km, speed 80 km/h and rounding none"
    assert facts({"name": "f", "arguments": {}}, None) == ""
    assert facts({"name": "f", "arguments": {"km": 3}}, None) == "km 3"
    assert in_words({"name": "moon_phase", "arguments": {}}, None) == "Ask for the moon phase."
    assert in_words({"name": "convert_length", "arguments": {}}, None) == "Ask to convert length."
    assert in_words({"name": "split", "arguments": {"at": 3}}, None) == "Ask for the split with at 3."


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "yes"),
        (2.0, "2"),
        (2.5, "2.5"),
        ("A4", "A4"),
        ("two words", '"two words"'),
        ([1, "b"], "1, b"),
        ({"a": 1}, '{"a":1}'),
        ([], "[]"),
        (None, "null"),
    ],
)
def test_values_in_words(value, words):
    assert value_words(value) == words


def test_purpose_is_the_first_sentence_or_the_name():
    assert purpose(TRAVEL) == "Compute how long a trip takes"
    assert purpose(PRIME) == "is prime"


def test_calls_schema_holds_to_the_tools():
    schema = jsonschema_rs.validator_for(calls_schema([TRAVEL, PRIME]))
    assert schema.is_valid([TRIP, {"name": "is_prime", "arguments": {"number": 7}}])
    assert not schema.is_valid([{"name": "is_prime", "arguments": {"distance_km": 3, "speed_kmh": 4}}])
    assert not schema.is_valid([{"name": "unknown", "arguments": {}}])
    assert not schema.is_valid([{"name": "travel_time", "arguments": {"distance_km": 3}}])
    assert not jsonschema_rs.validator_for(calls_schema([])).is_valid([TRIP])


def test_calls_schema_keeps_only_what_a_grammar_can_hold():
    tree = {
        "type": "object",
        "properties": {
            "at": {"$ref": "#/$defs/point"},
            "name": {"type": "string", "pattern": "^a", "format": "date"},
            "next": {"$ref": "#"},
            "lost": {"$ref": "#/$defs/none"},
        },
        "$defs": {"point": {"type": "object", "properties": {"x": {"type": "number", "minimum": 0}}}},
    }
    schema = calls_schema([{"name": "f", "parameters": tree}])
    text = json.dumps(schema)
    assert not any(word in text for word in ("$ref", "pattern", "format", "minimum", "$defs"))
    assert schema["items"]["properties"]["arguments"]["properties"]["at"] == {
        "type": "object",
        "properties": {"x": {"type": "number"}},
    }


def test_reply_schema_counts_records_and_calls():
    record = {"query": "q", "answers": [TRIP]}
    simple = jsonschema_rs.validator_for(reply_schema([TRAVEL], "simple", 2))
    assert simple.is_valid([record, record])
    assert not simple.is_valid([record])
    parallel = jsonschema_rs.validator_for(reply_schema([TRAVEL], "parallel", 1))
    assert not parallel.is_valid([record])
    assert parallel.is_valid([{"query": "q", "answers": [TRIP, TRIP]}])
    none = jsonschema_rs.validator_for(reply_schema([TRAVEL], "irrelevance", 1))
    assert none.is_valid([{"thought": "t", "query": "q", "answers": []}])
    assert not none.is_valid([record])


def test_judge_sees_everything_and_round_trip_not_the_answers():
    asked = json.dumps(Judge().request(row(results='[{"value": "4"}]')).messages)
    assert all(part in asked for part in ("travel_time", "How long does it take", "320.0", '\\"value\\"'))
    assert "not executed" in json.dumps(Judge().request(row()).messages)
    trip = RoundTrip().request(row())
    assert "320.0" not in json.dumps(trip.messages)
    assert trip.schema == calls_schema([TRAVEL]) | {"maxItems": 8}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"thought": "fits", "pass": "yes"}', (True, "fits")),
        ('{"thought": "no", "pass": "no"}', (False, "no")),
        ('{"pass": "yes"}', (True, "")),
        ('{"thought": "x", "pass": true}', None),
        ('["yes"]', None),
        ("yes", None),
        ("[" * 5000, None),
    ],
)
def test_opinion_reads_the_one_form(text, said):
    assert opinion(text) == said


def test_round_trip_reads_lists_of_calls_only():
    assert read_calls(json.dumps([TRIP])) == [TRIP]
    assert read_calls("[]") == []
    assert [read_calls(text) for text in ('{"name": "f"}', "[1]", '[{"name": "f"}]', "x", '[{"a": NaN}]')] == [None] * 5


@pytest.mark.parametrize(
    ("arguments", "same"),
    [
        ({"distance_km": 320, "speed_kmh": 80.0}, True),
        ({"distance_km": 320, "speed_kmh": 80, "rounding": " NONE"}, True),
        ({"distance_km": 320, "speed_kmh": 80, "rounding": None}, True),
        ({"distance_km": 320, "speed_kmh": 80, "rounding": "minute"}, False),
        ({"distance_km": 80, "speed_kmh": 320}, False),
        ({"distance_km": "320", "speed_kmh": 80}, False),
        ({"distance_km": 320}, False),
    ],
)
def test_same_calls_normalises_values_and_defaults(arguments, same):
    assert same_calls([{"name": "travel_time", "arguments": arguments}], [TRIP], [TRAVEL]) is same


def test_same_calls_counts_and_ignores_order():
    prime = {"name": "is_prime", "arguments": {"number": 7}}
    assert same_calls([prime, TRIP], [TRIP, prime], [TRAVEL, PRIME])
    assert not same_calls([prime, prime], [prime], [PRIME])
    assert not same_calls([prime], [{"name": "is_prime", "arguments": {"number": True}}], [PRIME])


def test_likelihood_scores_the_query_after_its_calls():
    request = Likelihood().request(row())
    assert request.score
    assert [message["role"] for message in request.messages] == ["system", "user", "assistant"]
    assert request.messages[1]["content"] == "Ask for the travel time with distance 320 km and speed 80 km/h."
    assert request.messages[2]["content"] == row()["query"]


def test_likelihood_of_an_irrelevant_query_is_that_of_the_calls_it_was_written_for():
    request = Likelihood().request(row(style="irrelevance", answers="[]"))
    assert "320 km" in request.messages[1]["content"]
    assert "none" in Likelihood().request(row(answers="[]", planned=None)).messages[1]["content"]


def test_own_likelihood_is_the_generators_in_call_first_only():
    assert own(row()) == -0.25
    assert own(row(mode="query_first")) is None
    assert own(row(reply={"logprob": None})) is None


def test_templates_have_a_page_that_names_every_placeholder():
    page = (Path(OUR_TEMPLATES) / "README.md").read_text()
    assert all(
        f"`${name}`" in page for name in ("count", "asks", "calls", "json", "tools", "pairs", "examples", "form")
    )
