"""Tools in foreign forms, made-up ones and the real ones of the shared data."""

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apigen_ray.library.forms import normalise_tool
from apigen_ray.library.schema import object_schema

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
WRONG = frozenset(
    "missing_required extra_argument wrong_type numeric_string bool_for_number fraction_for_integer number_for_string "
    "string_for_boolean null_for_required enum_violation nested_wrong_type nested_missing_required gt_inconsistent "
    "arguments_list".split()
)
"""Variants of the shared candidates whose calls a schema alone can refuse."""


def flat(entry: Any) -> dict:
    return normalise_tool({"name": "f", "description": "d", "parameters": {"p": entry}}).parameters


@pytest.mark.parametrize(
    "tool",
    [
        {"name": "a.b", "description": "d", "parameters": CITY},
        {"type": "function", "function": {"name": "a.b", "description": "d", "parameters": CITY}},
        {"type": "function", "name": "a.b", "description": "d", "parameters": CITY, "strict": True},
        {"name": "a.b", "description": "d", "inputSchema": {**CITY, "$schema": "http://json-schema.org/draft-07/schema#"}},
        {"name": "a.b", "description": "d", "input_schema": CITY},
        {"name": "a.b", "description": "d",
         "parameters": {"type": "dict", "properties": {"city": {"type": "String"}}, "required": ["city"]}},
        {"name": "a.b", "description": "d", "parameters": {"city": {"type": "str"}}},
        {"name": "a.b", "description": "d", "parameters": {"city": {"type": "string", "required": True}}},
    ],
)  # fmt: skip
def test_one_tool_in_every_form(tool: dict) -> None:
    before = copy.deepcopy(tool)
    api = normalise_tool(tool)
    assert api.tool() == {"name": "a.b", "description": "d", "parameters": CITY}
    assert api.source is None
    assert normalise_tool(api.tool()) == api
    assert tool == before


def test_leaderboard_types_at_any_depth() -> None:
    given = {
        "type": "dict",
        "properties": {
            "point": {"type": "tuple", "items": {"type": "float"}},
            "value": {"type": "any", "description": " some\n thing "},
            "box": {"type": "dict", "properties": {"h": {"type": "float"}}, "required": ["h"]},
            "rows": {"type": "array", "items": {"type": "dict", "properties": {"n": {"type": "integer"}}}},
            "size": {"type": "integer", "default": "large", "optional": True},
        },
        "required": ["box"],
    }
    schema = normalise_tool({"name": "f", "parameters": given}).parameters
    assert schema["properties"] == {
        "point": {"type": "array", "items": {"type": "number"}},
        "value": {"description": "some thing"},
        "box": {"type": "object", "properties": {"h": {"type": "number"}}, "required": ["h"]},
        "rows": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
        "size": {"type": "integer", "default": "large"},
    }
    assert jsonschema_rs.is_valid(schema, {"box": {"h": 1, "more": 2}})
    assert not jsonschema_rs.is_valid(schema, {"box": {"h": 1}, "more": 2})


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        ("int", {"type": "integer"}),
        ("List[Union[int, float]]", {"type": "array", "items": {"type": "number"}}),
        ("Union[int, str]", {"type": ["integer", "string"]}),
        ("Dict[str, List[int]]", {"type": "object", "additionalProperties": {"type": "array",
                                  "items": {"type": "integer"}}}),
        ("Tuple[float, str]", {"type": "array", "prefixItems": [{"type": "number"}, {"type": "string"}], "items": False,
                               "minItems": 2, "maxItems": 2}),
        ("Set[int]", {"type": "array", "uniqueItems": True, "items": {"type": "integer"}}),
        ("Optional[bool]", {"type": ["boolean", "null"]}),
        ("list", {"type": "array"}),
        ("object", {"type": "object"}),
        ("Any", {}),
        ("Callable[[float], float]", {"type": "string"}),
        ("List[List[int]] | None", {"type": ["array", "null"], "items": {"type": "array",
                                    "items": {"type": "integer"}}}),
    ],
)  # fmt: skip
def test_flat_types(kind: str, schema: dict) -> None:
    assert flat({"type": kind}) == object_schema({"p": schema}, ["p"])
    optional = flat({"type": f"{kind}, optional"})
    assert (optional["properties"]["p"], optional["required"]) == (schema, [])


def test_flat_defaults_and_names_of_keywords() -> None:
    assert flat({"type": "str, optional", "default": ""})["properties"]["p"] == {"type": "string"}
    assert flat({"type": "int", "default": 0.7})["properties"]["p"] == {"type": "integer", "default": 0.7}
    tool = {"name": "f", "parameters": {"type": {"type": "str"}, "properties": {"type": "int, optional"}}}
    schema = normalise_tool(tool).parameters
    assert (list(schema["properties"]), schema["required"]) == (["type", "properties"], ["type"])


@pytest.mark.parametrize(
    ("given", "ok", "bad"),
    [
        ({"type": "object"}, {}, {"a": 1}),  # no parameters: none may be given
        ({"type": "object", "properties": {}, "additionalProperties": True}, {"a": 1}, 3),
        ({"type": "object", "required": ["a"]}, {"a": 1}, {"a": 1, "b": 2}),
        ({"properties": {"n": {"minimum": 0, "exclusiveMinimum": True}}}, {"n": 1}, {"n": 0}),  # draft 4
        ({"properties": {"n": {"type": "array", "items": [{"type": "string"}]}}}, {"n": ["a", 1]}, {"n": [1]}),
        ({"properties": {"n": {"type": "string", "required": True}}}, {"n": "a"}, {}),  # draft 3
        ({"properties": {"n": {"$ref": "#/$defs/N"}}, "$defs": {"N": {"type": "integer"}}}, {"n": 1}, {"n": "1"}),
        ({"anyOf": [{"properties": {"a": {}}, "required": ["a"]}, {"properties": {"b": {}}, "required": ["b"]}]},
         {"b": 1}, {"b": 1, "c": 1}),
        ({"properties": {"n": {"type": ["string", "null"]}}, "required": "n"}, {"n": None}, {"n": 1}),
    ],
)  # fmt: skip
def test_odd_schemas_mean_what_they_say(given: dict, ok: Any, bad: Any) -> None:
    schema = normalise_tool({"name": "f", "inputSchema": given}).parameters
    validator = jsonschema_rs.Draft202012Validator(schema)
    assert validator.is_valid(ok)
    assert not validator.is_valid(bad)


@pytest.mark.parametrize(
    ("tool", "reason"),
    [
        (None, "a tool is an object"),
        ("text", "a tool is an object"),
        ({"description": "d"}, "without a name"),
        ({"name": 3}, "without a name"),
        ({"name": "f", "parameters": "x: int"}, "no object"),
        ({"name": "f", "parameters": {"p": "int"}}, "'p' is no object"),
        ({"name": "f", "parameters": {"type": "array", "items": {}}}, "of type 'array'"),
        ({"name": "f", "parameters": {"p": {"type": "np.ndarray"}}}, "unknown type 'np.ndarray'"),
        ({"name": "f", "parameters": {"properties": {"p": {"type": "wibble"}}}}, "unknown type 'wibble'"),
        ({"name": "f", "parameters": {"properties": {"p": {"$ref": "#/$defs/N"}}}}, "leads to nothing"),
        ({"name": "f", "parameters": {"type": "object", "properties": {"p": [1]}}}, "a schema is an object"),
    ],
)
def test_tools_that_have_no_form(tool: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        normalise_tool(tool)


KEYWORDS = st.sampled_from(
    "type properties required items enum anyOf allOf not $ref $defs pattern minimum exclusiveMinimum maxLength format "
    "default additionalProperties patternProperties prefixItems dependencies nullable description example".split()
)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
)
WORDS_AND_TEXT = st.sampled_from(["dict", "float", "List[int], optional", "#/$defs", "#", "(", "object", "any", ""])
JSON = st.recursive(
    SCALARS | WORDS_AND_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYWORDS | st.text(max_size=3), inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=200, deadline=None)
@given(JSON | st.dictionaries(KEYWORDS, JSON, max_size=6))
def test_any_parameters_have_a_valid_form_or_a_reason(given_parameters: Any) -> None:
    tool = {"name": "f", "parameters": given_parameters}
    before = copy.deepcopy(tool)
    try:
        api = normalise_tool(tool)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - either outcome is right
    else:
        assert jsonschema_rs.meta.is_valid(api.parameters)
        assert normalise_tool(api.tool()).parameters == api.parameters
    assert tool == before


@pytest.mark.parametrize(
    "inner",
    [
        {"type": "List[" * 300 + "int" + "]" * 300},
        {"type": "(" * 1_500},
        {"enum": ["\ud800"]},
        {"minimum": 10**400},
    ],
    ids=["deep_type", "no_type", "surrogate", "huge"],
)
def test_extreme_tools_never_raise_anything_else(inner: dict) -> None:
    for schema in ({"p": inner}, {"type": "object", "properties": {"p": inner}}):
        try:
            normalise_tool({"name": "f", "parameters": schema})
        except ValueError as error:
            assert str(error)  # noqa: PT017 - either outcome is right


def test_tools_that_could_not_be_written_are_refused() -> None:
    deep: Any = []
    schema: Any = {"type": "string"}
    for _ in range(3_000):
        deep, schema = [deep], {"type": "array", "items": schema}
    for inner in (schema, {"enum": [deep]}, {"default": deep}, {"default": float("nan")}, {"default": {1, 2}}):
        with pytest.raises(ValueError, match="tool 'f'"):
            normalise_tool({"name": "f", "parameters": {"type": "object", "properties": {"p": inner}}})


def real_tools() -> list[Any]:
    if not SHARED.is_dir():
        pytest.skip("the shared data is not beside this checkout")
    tools = json.loads((SHARED / "mcp_tools.json").read_text())
    for name in ("bfcl_candidates.jsonl", "xlam_samples.jsonl"):
        for line in (SHARED / name).read_text().splitlines():
            given = json.loads(line)["tools"]
            tools += json.loads(given) if isinstance(given, str) else given
    return list({json.dumps(tool): tool for tool in tools}.values())


def test_every_real_tool_has_a_form() -> None:
    tools = real_tools()
    assert len(tools) > 1_400
    for tool in tools:
        api = normalise_tool(tool)
        assert jsonschema_rs.meta.is_valid(api.parameters)
        assert (api.name, api.parameters["type"]) == (tool["name"], "object")


def test_real_answers_are_judged_as_the_leaderboard_does() -> None:
    if not SHARED.is_dir():
        pytest.skip("the shared data is not beside this checkout")
    judged = 0
    for line in (SHARED / "bfcl_candidates.jsonl").read_text().splitlines():
        case = json.loads(line)
        if case["variant"] in WRONG or case["variant"] == "gt":
            forms = {tool["name"]: normalise_tool(tool).parameters for tool in case["tools"]}
            valid = all(jsonschema_rs.is_valid(forms[call["name"]], call["arguments"]) for call in case["answers"])
            assert valid == (case["variant"] == "gt"), case["case_id"]
            judged += 1
    assert judged > 1_200
