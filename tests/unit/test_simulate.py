"""Answers that are made up: the author's own first, always fitting, always the same, and never called anything else."""

import json
import random
import re
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema_rs
import pytest

from apigen_ray.asks.judge import Judge
from apigen_ray.config import SAMPLE
from apigen_ray.display.samples import print_samples
from apigen_ray.export.openai import OpenAIExport
from apigen_ray.export.samples import find_samples
from apigen_ray.library.mcp import McpSource
from apigen_ray.library.openapi import OpenApiSource
from apigen_ray.records import Api, Json, Status
from apigen_ray.report.markdown import report_form, write_report
from apigen_ray.rundir import RunDir
from apigen_ray.runners.base import ExecutionSpec, Task
from apigen_ray.runners.patterns import PatternError, matching
from apigen_ray.runners.simulate import MAX_VALUE, UNKNOWN, SimulateRunner, simulated
from apigen_ray.storage import write_once
from apigen_ray.tables import table_of

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
STRING = {"type": "string"}


def value(schema: Json | None, seed: str = "s", arguments: Json | None = None) -> Any:
    return json.loads(simulated(schema, seed, arguments))


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"const": None}, None),
        ({"type": "integer", "examples": [7], "default": 8, "enum": [7, 8, 9]}, 7),
        ({"type": "integer", "examples": ["seven"], "default": 8, "enum": [8, 9]}, 8),
        ({"type": "integer", "default": "8", "enum": [9]}, 9),
        ({"type": "object", "properties": {"a": STRING}, "examples": [{"a": "theirs"}]}, {"a": "theirs"}),
        ({"type": "integer", "minimum": 4.5, "exclusiveMaximum": 6}, 5),
        ({"type": "number", "multipleOf": 0.5, "minimum": 1.2, "maximum": 1.7}, 1.5),
        ({"type": "integer", "multipleOf": 7, "minimum": 8, "maximum": 20}, 14),
        ({"type": ["null", "string"], "maxLength": 0}, ""),
        ({"type": "null"}, None),
        ({"anyOf": [{"type": "null"}, {"const": 1}]}, 1),
        ({"oneOf": [{"type": "integer", "minimum": 3, "maximum": 2}, {"const": 1}]}, 1),
        ({"allOf": [{"type": ["integer", "string"]}, {"type": "number"}], "minimum": 3, "maximum": 3}, 3),
        ({"type": "array", "prefixItems": [{"const": 1}, {"const": 2}], "items": False}, [1, 2]),
        ({"type": "array", "items": {"const": 1}, "maxItems": 1}, [1]),
        ({"type": "array", "items": {"enum": [1, 2, 3]}, "minItems": 3, "uniqueItems": True}, {1, 2, 3}),
        ({"type": "array", "items": {"not": {}}}, []),
        ({"type": "object", "properties": {"a": {"const": 1}, "b": {"not": {}}}, "required": ["a"]}, {"a": 1}),
        ({"properties": {"a": {"const": 1}}, "dependentRequired": {"a": ["z"]}}, {"a": 1, "z": "z"}),
        ({"properties": {"a": {"const": 1}, "b": {"const": 2}}, "required": ["b"], "maxProperties": 1}, {"b": 2}),
        ({"if": {"required": ["a"]}, "then": {"required": ["b"]}, "const": {"a": 1, "b": 2}}, {"a": 1, "b": 2}),
        ({"not": {"type": "string"}, "type": ["string", "integer"], "minimum": 2, "maximum": 2}, 2),
    ],
)
def test_what_is_made_up(schema: Json, expected: Any) -> None:
    found = value(schema)
    if isinstance(expected, set):
        assert set(found) == expected
    elif isinstance(expected, dict) and "z" in expected:
        assert found.pop("z").startswith("z ")
        assert found == {"a": 1}
    else:
        assert found == expected


@pytest.mark.parametrize(
    "schema",
    [
        None,
        {},
        {"not": {}},
        {"type": "integer", "minimum": 3, "maximum": 2},
        {"type": "string", "pattern": "(?<=x)(a)\\1$"},
        {"type": "string", "minLength": 10**9},
        {"type": "array", "minItems": 10**6},
        {"type": "object", "minProperties": 10**6},
        {"type": "object", "required": ["a"], "additionalProperties": False},
        {"allOf": [{"type": "string"}, {"type": "integer"}]},
        {"anyOf": [{"not": {}}]},
        {"type": "array", "items": {"const": 1}, "minItems": 2, "uniqueItems": True},
        {"type": "array", "items": {"type": "string", "minLength": 60_000}, "minItems": 200},
    ],
)
def test_where_nothing_is_known_or_nothing_fits_the_value_says_so(schema: Json | None) -> None:
    assert value(schema) == UNKNOWN
    assert "not made" in UNKNOWN["simulated"]


@pytest.mark.parametrize(
    ("form", "looks"),
    [
        ("date", r"2025-\d\d-\d\d"),
        ("date-time", r"2025-\d\d-\d\dT\d\d:\d\d:00Z"),
        ("time", r"\d\d:\d\d:00Z"),
        ("email", r"\w+@example\.com"),
        ("uri", r"https://example\.com/\d+"),
        ("uuid", r"[0-9a-f-]{36}"),
        ("ipv4", r"192\.0\.2\.\d+"),
        ("ipv6", r"2001:db8::\d+"),
        ("hostname", r"host\d+\.example\.com"),
        ("duration", r"P\d+D"),
        ("byte", r"[A-Za-z0-9+/=]+"),
        ("made-up", r"text \d+"),
    ],
)
def test_formats(form: str, looks: str) -> None:
    schema = {"type": "string", "format": form}
    strict = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    for seed in range(20):
        found = value(schema, str(seed))
        assert re.fullmatch(looks, found)
        assert strict.is_valid(found)


def test_the_same_call_has_the_same_answer_and_another_one_another() -> None:
    schema = {"type": "object", "properties": {"id": {"type": "integer"}, "at": {"type": "string", "format": "uuid"}}}
    api = Api("find", "", {"type": "object"}, returns=schema)
    runner = SimulateRunner(ExecutionSpec(mode="simulate"))
    first, second = runner.run([Task(api, '{"a": 1}'), Task(api, '{"a": 2}')])
    assert first.value != second.value
    assert SimulateRunner(ExecutionSpec()).run([Task(api, '{"a":1}')]) == [first]
    assert first.simulated
    assert first.status == Status.PASSED


def test_arguments_come_back_where_they_fit() -> None:
    user = {"type": "object", "properties": {"name": STRING, "age": {"type": "integer", "maximum": 99}}}
    schema = {"type": "object", "properties": {"user": user, "page": {"type": "integer", "default": 1}}}
    found = value(schema, arguments={"name": "Ada", "age": 120, "page": 3})
    assert found["user"]["name"] == "Ada"
    assert found["user"]["age"] <= 99
    assert found["page"] == 3


def test_arguments_that_the_parameters_do_not_allow_are_refused() -> None:
    parameters = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    api = Api("f", "", parameters, returns={"const": 1})
    good, wrong, missing = SimulateRunner(ExecutionSpec()).run(
        [Task(api, text) for text in ('{"n": 1}', '{"n": "1"}', "{}")]
    )
    assert good.value == "1"
    assert (wrong.code, wrong.simulated) == ("argument_error", True)
    assert wrong.detail.startswith("n: ")
    assert missing.code == "argument_error"
    assert '"n"' in missing.detail


def test_a_deep_and_wide_schema_stays_bounded() -> None:
    schema: Json = {"type": "object", "properties": {f"p{n}": STRING for n in range(30)}}
    for _ in range(4):  # some 5,000 subschemas, the most that a source lets through
        schema = {"type": "object", "properties": {"a": schema, "b": schema, "c": {"type": "array", "items": schema}}}
    text = simulated(schema, "s")
    assert 10 < len(text) <= MAX_VALUE
    assert jsonschema_rs.is_valid(schema, json.loads(text))


@pytest.mark.parametrize(
    "pattern",
    [
        "^[A-Z]{2}-[0-9]{4,6}$",
        "(^a$)|(b{3,})",
        r"^\d{4}\-(0?[1-9]|1[012])\-(0?[1-9]|[12][0-9]|3[01])$",
        r"arn:[a-z0-9-\.]{1,63}:[^/].{0,1023}",
        r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$",
        r"^(?:sip)s?:([^@:]+)\@([^@]+)$",
        r"\u0041\x42\tC?",
        "^[^a-y0-9]+?$",
        "[]x]".replace("[]x]", r"[\]x]"),
        r"^(?!0)\d+$",
        r"^(?<year>\d{4})$",
    ],
)
def test_texts_that_match_a_pattern(pattern: str) -> None:
    fits = jsonschema_rs.Draft202012Validator({"type": "string", "pattern": pattern}).is_valid
    made = [matching(pattern, random.Random(seed)) for seed in range(40)]
    assert sum(map(fits, made)) > 30  # what looks ahead is left to chance
    assert fits(value({"type": "string", "pattern": pattern}))


@pytest.mark.parametrize("pattern", ["(a", "a)", "[b-a]", r"(a)\1", "a{9999}", "a{3,2}", "\\", "[a", r"\u12", "[^ -~]"])
def test_patterns_that_are_given_up(pattern: str) -> None:
    def made() -> list[str]:
        return [matching(pattern, random.Random(seed)) for seed in range(20)]

    with pytest.raises(PatternError):
        made()


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/data")
def test_answers_of_real_documents_fit() -> None:
    files = [
        path for path in sorted((SHARED / "openapi_specs").rglob("*")) if path.suffix in (".json", ".yaml", ".yml")
    ]
    apis = [api for path in files[::4] for api in OpenApiSource(path=str(path)).parse(Path()).apis]
    apis += McpSource(path=str(SHARED / "mcp_tools.json")).parse(Path()).apis
    told = [api for api in apis if api.returns]
    assert len(told) > 50
    for api in told:
        found = value(api.returns, api.name)
        assert found != UNKNOWN, api.name
        assert jsonschema_rs.Draft202012Validator(api.returns or {}).is_valid(found)


def row(number: int, mode: str, **outcome: Any) -> Json:
    return {
        "sample_id": f"id-{number}",
        "round": 0,
        "generator": "one",
        "index": number,
        "style": "simple",
        "query": "Tell Ada",
        "tools": json.dumps([{"name": "send", "description": "", "parameters": {}}]),
        "answers": json.dumps([{"name": "send", "arguments": {"to": "Ada"}}]),
        "results": json.dumps([{"status": "passed", "value": '{"sent":true}'} | outcome]),
        "execution_mode": mode,
        "execution_status": "passed",
        "execution_code": "",
        "verdict": "verified",
    }


def test_report_show_and_exports_never_call_it_executed(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    rows = [row(0, "live"), row(1, "simulate", simulated=True), row(2, "simulate", simulated=True), row(3, "replay")]
    table = table_of(rows, SAMPLE)
    write_once(table, run.samples(0) / "verdict=verified", "part-0")
    run.update_manifest(kind="run", stages=["format", "execution"])
    text = write_report(run.path).read_text()
    assert "**2 of the 4 verified samples have simulated calls: what those returned is made up.**" in text
    assert "simulate in 2 rows (a call was NOT executed: its answer is made up)" in text
    assert "live in 1 rows (calls were really executed)" in text
    form = report_form(run.path)
    assert form["execution_modes"] == {"live": 1, "replay": 1, "simulate": 2}
    assert form["verified_simulated"] == 2

    shown = StringIO()
    print_samples(find_samples(run.path, limit=9), shown)
    lines = [line for line in shown.getvalue().splitlines() if "sent" in line]
    assert lines == [
        'result     {"sent":true}',
        *['simulated  {"sent":true} (made up: the call was not made)'] * 2,
        'result     {"sent":true} (recorded earlier)',
    ]

    kept: list[str] = []
    files: Any = SimpleNamespace(add_line=lambda part, line: kept.append(line))
    left = OpenAIExport(results=True).write(table, "train", files)
    assert left == {"simulated results: its calls were not made": 2}
    assert len(kept) == 2
    assert not OpenAIExport().write(table, "train", files)


def test_a_run_without_simulated_calls_says_nothing_of_them(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    write_once(table_of([row(0, "live")], SAMPLE), run.samples(0) / "verdict=verified", "part-0")
    run.update_manifest(kind="run", stages=["format"])
    assert "simulated calls" not in write_report(run.path).read_text()


def test_a_judge_is_told() -> None:
    asked = Judge().request(row(0, "simulate", simulated=True)).messages[1]["content"]
    assert "placeholders" in asked
    assert "placeholders" not in Judge().request(row(0, "live")).messages[1]["content"]
