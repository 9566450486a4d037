"""Every code of the format verifier, their order, and what is set beside the verdict."""

import json
import re
from typing import Any

import pyarrow as pa
import pytest

from apigen_ray.records import REPLY, SAMPLE_HEAD, dumps, status_fields
from apigen_ray.tables import table_of
from apigen_ray.verifiers.format import DETAIL_CHARACTERS, FormatVerifier, judge, unusable_tools

SCHEMA = pa.schema([*SAMPLE_HEAD, *status_fields("format")])
AREA = {
    "name": "area",
    "description": "Area of a square.",
    "parameters": {
        "type": "object",
        "properties": {
            "base": {"type": "integer", "minimum": 1},
            "unit": {"anyOf": [{"type": "string", "enum": ["cm", "m"]}, {"type": "null"}]},
            "at": {
                "type": "object",
                "properties": {"x": {"type": "number"}, "tags": {"items": {"enum": ["a"]}, "maxItems": 2}},
                "required": ["x"],
                "additionalProperties": False,
            },
            "height": {"type": "number"},
            "day": {"type": "string", "format": "date"},
            "word": {"type": "string", "pattern": "^[a-z]+$"},
            "mood": {"anyOf": [{"type": "null"}, {"enum": ["good", "bad"]}]},
            "odd": {"not": {"const": 1}},
            "pair": {"prefixItems": [{"type": "integer"}], "items": False},
            "either": {"oneOf": [{"type": "integer"}, {"type": "boolean"}]},
            "both": {"oneOf": [{"minimum": 1}, {"minimum": 2}]},
        },
        "required": ["base"],
        "additionalProperties": False,
    },
}
OTHER = {"name": "a.b", "description": "", "parameters": {"type": "object", "additionalProperties": False}}
TOOLS = dumps([AREA, OTHER])
CALL = {"name": "area", "arguments": {"base": 1}}


def record(*calls: Any, query: Any = "How large?") -> str:
    return json.dumps({"query": query, "answers": list(calls)})


def code(text: str | None, tools: str | None = TOOLS, style: str | None = None) -> str:
    fault = judge(text, tools, style).fault
    return fault.code if fault else ""


def with_arguments(**arguments: Any) -> str:
    return record({"name": "area", "arguments": arguments})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (record(CALL), ""),
        (record(), ""),
        (record({"name": "a.b", "arguments": {}}), ""),
        (dumps({"thought": "hm", "answers": [CALL], "query": "How large?"}), ""),
        (None, "not_json"),
        ("I cannot help.", "not_json"),
        (f"Sure! {record(CALL)}", "not_json"),
        (f"```json\n{record(CALL)}\n```", "markdown_fenced"),
        (record(CALL).replace("1", "NaN"), "non_finite_number"),
        (record(CALL).replace('"base": 1', '"base": 1, "base": 1'), "duplicate_key"),
        (record(CALL, query="\ud83d"), "bad_unicode"),
        ("[]", "not_a_record"),
        ("null", "not_a_record"),
        ("{}", "missing_key"),
        ('{"query": "x", "answer": []}', "missing_key"),
        ('{"answers": []}', "missing_key"),
        (record(CALL, query=" \u2003\n"), "bad_query"),
        (record(CALL, query=None), "bad_query"),
        (record(CALL, query=["x"]), "bad_query"),
        (dumps({"query": "x", "answers": CALL}), "answers_not_list"),
        (dumps({"query": "x", "answers": dumps([CALL])}), "answers_not_list"),
        (dumps({"query": "x", "answers": None}), "answers_not_list"),
        (record({"area": {"base": 1}}), "call_shape"),
        (record({"name": "area", "parameters": {}}), "call_shape"),
        (record({"name": "area"}), "call_shape"),
        (record({"name": ["area"], "arguments": {}}), "call_shape"),
        (record({**CALL, "id": 1}), "call_shape"),
        (record("area(base=1)"), "call_shape"),
        (record({"name": "area", "arguments": [1]}), "arguments_not_object"),
        (record({"name": "area", "arguments": '{"base": 1}'}), "arguments_not_object"),
        (record({"name": "area", "arguments": None}), "arguments_not_object"),
        (record({"name": "area ", "arguments": {"base": 1}}), "unknown_function"),
        (record({"name": "Area", "arguments": {"base": 1}}), "unknown_function"),
        (with_arguments(base=1, z=1), "unexpected_argument"),
        (with_arguments(base=1, at={"x": 1, "y": 1}), "unexpected_argument"),
        (with_arguments(), "missing_required"),
        (with_arguments(base="1"), "wrong_type"),
        (with_arguments(base=True), "wrong_type"),
        (with_arguments(base=None), "wrong_type"),
        (with_arguments(base=1.5), "wrong_type"),
        (with_arguments(base=1.0), ""),
        (with_arguments(base=10**40), ""),
        (with_arguments(base=1, height=2), ""),
        (with_arguments(base=1, height=False), "wrong_type"),
        (with_arguments(base=1, at={}), "nested_missing_required"),
        (with_arguments(base=1, at={"x": "left"}), "nested_wrong_type"),
        (with_arguments(base=1, at={"x": 1, "tags": ["b"]}), "enum_violation"),
        (with_arguments(base=1, at={"x": 1, "tags": ["a"] * 3}), "range_violation"),
        (with_arguments(base=1, unit="ft"), "enum_violation"),
        (with_arguments(base=1, mood="so so"), "enum_violation"),
        (with_arguments(base=1, unit=3), "wrong_type"),
        (with_arguments(base=1, unit=None), ""),
        (with_arguments(base=1, either="x"), "wrong_type"),
        (with_arguments(base=0), "range_violation"),
        (with_arguments(base=1, day="tomorrow"), "range_violation"),
        (with_arguments(base=1, day="2024-02-29"), ""),
        (with_arguments(base=1, word="A"), "range_violation"),
        (with_arguments(base=1, pair=[1, 2]), "range_violation"),
        (with_arguments(base=1, odd=1), "schema_violation"),
        (with_arguments(base=1, both=3), "schema_violation"),
    ],
)
def test_codes(text: str | None, expected: str) -> None:
    assert code(text) == expected


@pytest.mark.parametrize(
    ("style", "fits"),
    [
        ("simple", [1]),
        ("multiple", [1]),
        ("parallel", [2, 3]),
        ("parallel_multiple", [2, 3]),
        ("irrelevance", [0]),
        (None, [0, 1, 2, 3]),
        ("chatty", [0, 1, 2, 3]),
    ],
)
def test_number_of_calls(style: str | None, fits: list[int]) -> None:
    for number in range(4):
        assert code(record(*[CALL] * number), style=style) == ("" if number in fits else "call_count")


@pytest.mark.parametrize(
    ("tools", "why"),
    [
        (None, "no tools"),
        ("[{]", "no JSON"),
        ("{}", "an object, not a list"),
        ('["area"]', r"tools\[0\]"),
        ('[{"name": "area"}]', r"tools\[0\]"),
        ('[{"name": "area", "parameters": {"type": "dict"}}]', "no JSON Schema"),
        ('[{"name": "area", "parameters": {"$ref": "#/$defs/none"}}]', "no JSON Schema"),
        ('[{"name": "area", "parameters": {"$ref": "http://127.0.0.1:9/schema"}}]', "Retrieval is disabled"),
        ('[{"name": "area", "parameters": {"$ref": "file:///etc/hostname"}}]', "Retrieval is disabled"),
        ('[{"name": "area", "parameters": {}}, {"name": "area", "parameters": {"minProperties": 1}}]', "two different"),
        (unusable_tools("a tool without a name", "[{}]"), "a tool without a name"),
    ],
)
def test_tools_that_cannot_be_used(tools: str | None, why: str) -> None:
    fault = judge(record(CALL), tools, None).fault
    assert fault is not None
    assert fault.code == "bad_tools"
    assert re.search(why, fault.detail)


def test_one_tool_offered_twice_is_one_tool() -> None:
    assert code(record(CALL), tools=dumps([AREA, AREA])) == ""


def test_a_recursive_schema_ends() -> None:
    tree = {"type": "object", "properties": {"left": {"$ref": "#"}}, "additionalProperties": False}
    tools = dumps([{"name": "area", "description": "", "parameters": tree}])
    assert code(record({"name": "area", "arguments": {"left": {"left": {}}}}), tools) == ""
    assert code(record({"name": "area", "arguments": {"left": {"left": 1}}}), tools) == "nested_wrong_type"


def test_of_several_faults_the_first_in_the_order_of_the_codes_is_told() -> None:
    bad_call = {"name": "nobody", "arguments": []}
    assert code(record(bad_call, query="")) == "bad_query"
    assert code(record({"name": "nobody", "arguments": {}}, {"arguments": {}}), style="simple") == "call_shape"
    assert code(record(bad_call, 3), style="simple") == "call_shape"  # shapes of all calls first
    assert code(record(CALL, bad_call), style="simple") == "arguments_not_object"
    assert code(record({"name": "nobody", "arguments": {}}), tools=None, style="parallel") == "bad_tools"
    assert code(record({"name": "nobody", "arguments": {}}), style="parallel") == "call_count"
    assert code(record({"name": "area", "arguments": {}}, {"name": "nobody", "arguments": {}})) == "missing_required"
    faults: dict[str, Any] = {"z": 1, "at": {"x": "left"}, "unit": "ft", "height": 0}
    assert code(with_arguments(**faults)) == "unexpected_argument"
    assert code(with_arguments(at={"x": "left"}, unit="ft")) == "missing_required"
    assert code(with_arguments(base="1", at={"x": "left"}, unit="ft")) == "wrong_type"
    assert code(with_arguments(base=0, at={"x": "left"}, unit="ft")) == "nested_wrong_type"
    assert code(with_arguments(base=0, at={}, unit="ft")) == "nested_missing_required"
    assert code(with_arguments(base=0, unit="ft")) == "enum_violation"
    assert code(with_arguments(base=0, odd=1)) == "range_violation"


def test_of_equal_faults_the_first_by_path_is_told() -> None:
    fault = judge(with_arguments(base=1, at={"x": 1, "tags": ["a"] * 10 + ["b"]}), TOOLS, None).fault
    assert fault is not None
    assert fault.code == "enum_violation"  # although there are too many of them as well
    parameters = {"type": "object", "properties": {"xs": {"type": "array", "items": {"type": "integer"}}}}
    many = dumps([{"name": "area", "description": "", "parameters": parameters}])
    for _ in range(3):
        fault = judge(record({"name": "area", "arguments": {"xs": [0, 0, "b", *[0] * 8, "a"]}}), many, None).fault
        assert fault is not None
        assert fault.detail.startswith("answers[0].arguments.xs[2]: ")


def check(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    table = table_of(rows, SCHEMA)
    checked = FormatVerifier(None).check(table)  # type: ignore[arg-type]  # it reads nothing of the setting
    assert checked.schema == SCHEMA
    return list(checked.to_pylist())


def test_the_table_keeps_its_rows_and_gets_verdict_query_and_answers() -> None:
    good = {"sample_id": "1", "record": record(CALL), "tools": TOOLS, "style": "simple", "planted": "kept"}
    bad = {"sample_id": "2", "record": record(CALL, CALL), "tools": TOOLS, "style": "simple", "query": "left over"}
    broken = {"sample_id": "3", "record": "{", "tools": TOOLS, "query": "left over", "answers": "left over"}
    rows = check(good, bad, broken)
    assert [row["sample_id"] for row in rows] == ["1", "2", "3"]
    assert [row["format_status"] for row in rows] == ["passed", "rejected", "rejected"]
    assert [row["format_code"] for row in rows] == ["", "call_count", "not_json"]
    assert rows[0]["format_detail"] == ""
    assert rows[0]["planted"] == "kept"
    assert [row["query"] for row in rows] == ["How large?", "How large?", None]
    assert [row["answers"] for row in rows] == [dumps([CALL]), dumps([CALL, CALL]), None]


def test_answers_of_no_call_shape_are_not_handed_on_but_the_query_is() -> None:
    (row,) = check({"record": record({"area": {}}), "tools": TOOLS})
    assert (row["query"], row["answers"]) == ("How large?", None)
    (row,) = check({"record": record(CALL, query=3), "tools": TOOLS})
    assert (row["query"], row["answers"]) == (None, dumps([CALL]))


def test_no_reply_is_an_error_of_ours() -> None:
    empty = dict.fromkeys(REPLY.names)
    row, other = check(
        {"reply": {**empty, "error": "timeout: 60 s"}, "record": record(CALL), "tools": TOOLS},
        {"reply": {**empty, "text": record(CALL)}, "record": record(CALL), "tools": TOOLS},
    )
    assert (row["format_status"], row["format_code"]) == ("error", "engine_error")
    assert row["format_detail"] == "timeout: 60 s"
    assert other["format_status"] == "passed"


def test_a_reply_that_was_cut_off_says_so() -> None:
    reply = {**dict.fromkeys(REPLY.names), "text": "What is", "finish": "length"}
    cut, wrong, whole = check(
        {"reply": reply, "record": "What is", "tools": TOOLS},
        {"reply": reply, "record": record(CALL, query=" "), "tools": TOOLS},
        {"reply": reply | {"finish": "stop"}, "record": "What is", "tools": TOOLS},
    )
    assert [row["format_code"] for row in (cut, wrong, whole)] == ["not_json", "bad_query", "not_json"]
    said = [row["format_detail"].startswith("cut off at max_tokens: ") for row in (cut, wrong, whole)]
    assert said == [True, False, False]


def test_a_row_whose_planned_calls_all_failed_is_left_to_the_execution_stage() -> None:
    failed = {"mode": "call_first", "tools": TOOLS, "planned_results": '[{"status":"rejected"}]'}
    rows = check(
        failed,
        failed | {"planned": dumps([CALL])},
        failed | {"record": "{"},
        failed | {"planned_results": None},
        failed | {"reply": {**dict.fromkeys(REPLY.names), "error": "timeout: 60 s"}},
    )
    assert (rows[0]["format_status"], rows[0]["format_code"]) == ("skipped", "not_requested")
    assert rows[0]["format_detail"] == "no planned call executed"
    assert (rows[0]["query"], rows[0]["answers"]) == (None, None)
    assert [row["format_code"] for row in rows[1:]] == ["not_json", "not_json", "not_json", "engine_error"]


def test_details_are_short_and_name_the_place() -> None:
    assert judge(with_arguments(base=1, at={"x": ""}), TOOLS, None).fault == (
        "nested_wrong_type",
        'answers[0].arguments.at.x: "" is not of type "number"',
    )
    long = "k" * 5000
    for text in (
        with_arguments(base=long),
        with_arguments(**{long: 1}),
        record({"name": long, "arguments": {}}),
        record({long: 1}),
        dumps({long: 1}),
        f'{{"{long}": 1, "{long}": 2}}',
        "[" + "9" * 5000,
    ):
        fault = judge(text, TOOLS, None).fault
        assert fault is not None
        assert 0 < len(fault.detail) <= DETAIL_CHARACTERS
    (row,) = check({"reply": {**dict.fromkeys(REPLY.names), "error": long}})
    assert len(row["format_detail"]) == DETAIL_CHARACTERS


def test_every_code_is_documented_with_an_example_in_the_order_of_the_codes() -> None:
    lines = [line.strip() for line in (FormatVerifier.__doc__ or "").splitlines() if line.strip().startswith("- ``")]
    assert tuple(line.split("``")[1] for line in lines) == FormatVerifier.codes
    assert all(line.count(": ") >= 2 for line in lines)
    assert len(set(FormatVerifier.codes)) == len(FormatVerifier.codes)
