"""The value sampler: what is drawn for a parameter, by schema and by lexicon."""

import pickle
import random
import re
from contextlib import suppress

import pytest

from apigen_ray.errors import RecordError
from apigen_ray.library.schema import SchemaError, require_valid
from apigen_ray.library.validator import UNCOMPILABLE, compiled
from apigen_ray.records import Api, dumps
from apigen_ray.runners.simulate import simulated
from apigen_ray.sampling.hints import name_words
from apigen_ray.sampling.lexicons import Lexicon
from apigen_ray.sampling.values import Arguments
from apigen_ray.verifiers.format import judge


def drawn(schema, *, name="x", lexicons=None, required=True, count=60, root=None):
    """Values drawn for one parameter, "absent" where it was left out."""
    form = {"type": "object", "properties": {name: schema}, "required": [name] if required else []} | (root or {})
    arguments = Arguments(Api("f", "", form), lexicons or {})
    rng = random.Random(3)
    out = [arguments.draw(rng) for _ in range(count)]
    return [None if item is None else item.get(name, "absent") for item in out]


def both(values, check):
    return all(check(value) for value in values)


def test_enum_const_examples():
    assert set(drawn({"enum": ["a", "b", None]})) == {"a", "b"}
    assert set(drawn({"const": 4})) == {4}
    assert set(drawn({"type": "integer", "examples": [7, "no", 9.0]})) == {7, 9}
    assert {type(value) for value in drawn({"type": "integer", "examples": [7, 9.0]})} == {int}


@pytest.mark.parametrize(
    ("schema", "check"),
    [
        ({"type": "integer"}, lambda v: type(v) is int and 2 <= v <= 99),
        ({"type": "integer", "minimum": 5, "maximum": 9}, lambda v: v in range(5, 10)),
        ({"type": "integer", "exclusiveMinimum": 5, "exclusiveMaximum": 9}, lambda v: v in range(6, 9)),
        ({"type": "integer", "minimum": 1000}, lambda v: 1000 <= v <= 1100),
        ({"type": "integer", "maximum": -3}, lambda v: -103 <= v <= -3),
        ({"type": "integer", "multipleOf": 25}, lambda v: v % 25 == 0 and v > 0),
        ({"type": "number"}, lambda v: 1.5 <= v <= 99 and v * 2 == int(v * 2)),
        ({"type": "number", "minimum": 0, "maximum": 1}, lambda v: 0 <= v <= 1 and len(str(v)) <= 4),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 0.5}, lambda v: 0 < v <= 0.5),
        ({"type": "number", "multipleOf": 0.25}, lambda v: (v * 4).is_integer() if isinstance(v, float) else True),
        ({"type": "boolean"}, lambda v: type(v) is bool),
        ({"type": ["string", "null"]}, lambda v: isinstance(v, str)),
        ({"type": ["null"]}, lambda v: v is None),
        ({}, lambda v: isinstance(v, str)),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, lambda v: type(v) is int),
        ({"oneOf": [{"const": "a"}, {"type": "boolean"}]}, lambda v: v == "a" or isinstance(v, bool)),
        ({"type": "array", "items": {"type": "integer"}}, lambda v: 2 <= len(v) <= 4 and len(set(v)) == len(v)),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 6}, lambda v: 6 <= len(v) <= 8),
        ({"type": "array", "maxItems": 1}, lambda v: len(v) == 1),
        ({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "boolean"}]}, lambda v: len(v) == 2),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, lambda v: 1 <= len(v) <= 3),
        ({"type": "string", "format": "date"}, lambda v: re.fullmatch(r"20\d\d-\d\d-\d\d", v)),
        ({"type": "string", "format": "time"}, lambda v: re.fullmatch(r"\d\d:\d\d:00Z", v)),
        ({"type": "string", "format": "date-time"}, lambda v: re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:00Z", v)),
        ({"type": "string", "description": "As HH:MM."}, lambda v: re.fullmatch(r"\d\d:\d\d:00", v)),
        ({"type": "string", "format": "email"}, lambda v: "@example." in v),
        ({"type": "string", "format": "uri"}, lambda v: v.startswith("http")),
        ({"type": "string", "format": "uuid"}, lambda v: re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", v)),
        ({"type": "string", "description": "Day as YYYY-MM-DD."}, lambda v: v[:2] == "20"),
        ({"type": "string", "maxLength": 5}, lambda v: len(v) <= 5),
    ],
)
def test_by_schema(schema, check):
    values = drawn(schema)
    assert all(check(value) for value in values), values
    assert all(value is None for value in values) or len({str(value) for value in values}) > 1


FORMATS = (
    "date-time date time duration email idn-email hostname idn-hostname ipv4 ipv6 uri uri-reference iri iri-reference "
    "uuid json-pointer regex"
)


@pytest.mark.parametrize("kind", FORMATS.split())
def test_what_is_drawn_for_a_format_passes_the_format_stage(kind):
    schema = {"type": "string", "format": kind}
    api = Api("f", "", {"type": "object", "properties": {"x": schema}, "required": ["x"]})
    for value in drawn(schema, count=20):
        answer = dumps({"query": "q", "answers": [{"name": "f", "arguments": {"x": value}}]})
        assert judge(answer, dumps([api.tool()]), "simple").fault is None, value


def test_a_value_that_is_not_of_its_format_is_not_drawn():
    lexicon = {"x": Lexicon("x.jsonl:1", values=("soon", "2026-05-01"))}
    assert set(drawn({"type": "string", "format": "date"}, lexicons=lexicon)) == {"2026-05-01"}
    assert set(drawn({"type": "string", "format": "relative-json-pointer"})) == {None}  # none is known: no arguments


@pytest.mark.parametrize("keyword", ["$schema", "$ref"])
def test_a_foreign_schema_makes_nobody_fetch(http_server, keyword):
    schema = {"type": "string", keyword: f"http://127.0.0.1:{http_server.port}/schema.json"}
    form = {"type": "object", "properties": {"x": schema}, "required": ["x"]}
    Arguments(Api("f", "", form), {}).draw(random.Random(0))
    for use in (compiled, require_valid, lambda schema: simulated(schema, "seed")):
        with suppress(SchemaError, *UNCOMPILABLE):
            use(form)
            use(schema)
    assert http_server.connections == 0


def test_nested_objects_and_references():
    schema = {"$ref": "#/$defs/address"}
    root = {
        "$defs": {
            "address": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "next": {"$ref": "#/$defs/address"}},
                "required": ["city"],
            }
        }
    }
    values = drawn(schema, root=root)
    assert all(isinstance(value["city"], str) for value in values)
    assert any("next" in value for value in values)  # a schema that refers to itself ends somewhere


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": "^Z{9}$"},
        {"$ref": "#/nowhere"},
        {"type": "banana"},
        {"type": "integer", "minimum": 3, "maximum": 2},
        False,
        {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}}, "not": {}},
    ],
)
def test_where_no_value_can_be_made(schema):
    assert set(drawn(schema)) == {None}


def test_optional_parameters_are_sometimes_there_and_never_their_default():
    values = drawn({"type": "boolean", "default": False}, required=False, count=400)
    assert set(values) == {True, "absent"}
    assert 0.3 < values.count(True) / 400 < 0.5
    assert 5 not in drawn({"type": "integer", "minimum": 4, "maximum": 6, "default": 5}, required=False)


def test_what_holds_between_parameters_is_kept():
    flag = {"type": "boolean"}
    schema = {"type": "object", "properties": {"a": flag, "b": flag}, "dependentRequired": {"a": ["b"]}}
    arguments = Arguments(Api("f", "", schema), {})
    rng = random.Random(1)
    drawn = [arguments.draw(rng) for _ in range(60)]
    assert any("a" in item for item in drawn)
    assert all("b" in item for item in drawn if "a" in item)


def test_names_give_hints():
    assert name_words("maxDailyCost_eur2") == ["max", "daily", "cost", "eur", "2"]
    assert "Lisbon" in drawn({"type": "string"}, name="home_city")
    assert all(1995 <= value <= 2030 for value in drawn({"type": "integer"}, name="birthYear"))
    assert all(0.05 <= value <= 0.95 for value in drawn({"type": "number"}, name="probability"))


def lexicon(**kwargs):
    return Lexicon("here", **kwargs)


def test_own_lexicon_wins_over_schema_and_schema_over_bare():
    assert set(drawn({"enum": ["a", "b"]}, lexicons={"f.x": lexicon(values=("b", "c"))})) == {"b"}
    assert set(drawn({"enum": ["a", "b"]}, lexicons={"x": lexicon(values=("b",))})) == {"a", "b"}
    assert set(drawn({"type": "string"}, lexicons={"x": lexicon(values=("p", "q"))})) == {"p", "q"}
    two = {"x": lexicon(values=("bare",)), "f.x": lexicon(values=("own",))}
    assert set(drawn({"type": "string"}, lexicons=two)) == {"own"}


def test_a_bare_lexicon_that_does_not_fit_is_passed_over():
    assert all(isinstance(value, int) for value in drawn({"type": "integer"}, lexicons={"x": lexicon(values=("p",))}))
    with pytest.raises(RecordError, match="here: no value fits"):
        drawn({"type": "integer"}, lexicons={"f.x": lexicon(values=("p",))})


def test_lexicon_ranges_and_items():
    values = drawn({"type": "integer", "maximum": 30}, lexicons={"x": lexicon(range=(10, 50), step=10)})
    assert set(values) == {10, 20, 30}
    assert set(drawn({"type": "number"}, lexicons={"x": lexicon(range=(0.1, 0.3), step=0.1)})) == {0.1, 0.2, 0.3}
    items = {"x": lexicon(items=lexicon(values=("p", "q", "r")), count=(2, 2))}
    values = drawn({"type": "array", "items": {"type": "string"}}, lexicons=items)
    assert all(len(set(value)) == 2 for value in values)
    nested = {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]}
    assert drawn(nested, lexicons={"f.x.town": lexicon(values=("Ulm",))})[0] == {"town": "Ulm"}


def test_several_calls_differ_in_the_salient_argument_and_share_optional_ones():
    schema = {
        "type": "object",
        "properties": {
            "amount": {"type": "integer"},
            "unit": {"enum": ["kg", "lb", "t"], "default": "kg"},
        },
        "required": ["amount"],
    }
    arguments = Arguments(Api("f", "", schema), {})
    rng = random.Random(1)
    seen_unit = False
    for _ in range(50):
        calls = arguments.draw_several(rng, 3)
        assert len({call["amount"] for call in calls}) == 3
        assert len({call.get("unit") for call in calls}) == 1
        seen_unit |= "unit" in calls[0]
    assert seen_unit
    assert Arguments(Api("f", "", schema | {"properties": {}, "required": []}), {}).draw_several(rng, 2) is None


def test_an_optional_argument_is_salient_where_nothing_is_required():
    schema = {"type": "object", "properties": {"on": {"type": "boolean", "default": True}, "n": {"type": "integer"}}}
    arguments = Arguments(Api("f", "", schema), {})
    calls = arguments.draw_several(random.Random(1), 3)
    assert len({call["n"] for call in calls}) == 3


def test_values_are_not_shared_between_draws():
    arguments = Arguments(Api("f", "", {"type": "object", "properties": {"x": {"const": [1]}}, "required": ["x"]}), {})
    rng = random.Random(1)
    arguments.draw(rng)["x"].append(2)
    assert arguments.draw(rng) == {"x": [1]}


def test_pickles_after_use():
    arguments = Arguments(Api("f", "", {"type": "object", "properties": {"x": {"type": "integer"}}}), {})
    arguments.draw(random.Random(1))
    again = pickle.loads(pickle.dumps(arguments))  # noqa: S301 - our own object
    assert again.draw(random.Random(5)) == arguments.draw(random.Random(5))
