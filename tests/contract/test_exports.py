"""Every export through the same suite: rows go out and come back the same, whole or not at all; consumers take them."""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apigen_ray.config import SAMPLE, VERDICTS, load_config
from apigen_ray.display.exports import print_export
from apigen_ray.errors import EnvironmentFault, InputError
from apigen_ray.export import EXPORTS, files
from apigen_ray.export import run as exporting
from apigen_ray.export.base import COLUMNS, NO_CALL
from apigen_ray.export.run import BATCH_ROWS, MARK, export_run
from apigen_ray.export.splits import Splits
from apigen_ray.job.ingest import IngestOptions
from apigen_ray.job.verify import VerifySpec, verify_records
from apigen_ray.library.forms import normalise_tool
from apigen_ray.records import content_hash, dumps, query_key
from apigen_ray.rundir import RunDir
from apigen_ray.storage import read_tables, write_once
from apigen_ray.tables import table_of

ROOT = Path(__file__).parents[2]
XLAM_ROWS = ROOT.parent / "shared" / "data" / "xlam_samples.jsonl"
FORMATS = [kind.name for kind in EXPORTS]
SAYING = ["xlam", "openai", "sharegpt", "bfcl"]
"""Formats that say a sample in words of their own."""

Row = dict[str, Any]

# Rows: made ones, with every kind of schema and every style, and those of a scripted run

WHOLE = st.integers(-(2**63), 2**64 - 1)
KINDS: list[tuple[Row, st.SearchStrategy[Any]]] = [
    ({"type": "string"}, st.text(st.characters(exclude_categories=["Cs"]), max_size=8)),
    ({"type": "string", "enum": ["cm", "m"], "default": "cm"}, st.sampled_from(["cm", "m"])),
    ({"type": "string", "default": ""}, st.sampled_from(["", "x"])),
    ({"type": "string", "format": "date", "default": "2024-02-01"}, st.just("2024-02-01")),
    ({"type": "integer", "minimum": 1, "maximum": 9, "default": 2}, st.integers(1, 9)),
    ({"type": "number"}, st.integers(-5, 5) | st.floats(-5, 5)),
    ({"type": "boolean", "default": False}, st.booleans()),
    ({"type": ["integer", "null"], "default": None}, st.none() | WHOLE),
    ({"type": ["string", "integer"]}, WHOLE | st.text("ab", max_size=3)),
    ({"anyOf": [{"type": "boolean"}, {"type": "array", "items": {"type": "string"}}]}, st.booleans() | st.just(["a"])),
    ({}, st.sampled_from([1, "1", None, [1], {"a": 1}])),
    ({"type": "array", "items": {"type": "integer"}, "default": [3]}, st.lists(WHOLE, max_size=3)),
    ({"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": True}, st.just(["b", "A b"])),
    ({"type": "array", "items": {"type": "array", "items": {"type": "number"}}}, st.just([[1, 2.5], []])),
    ({"type": "array"}, st.lists(WHOLE, max_size=2)),
    (
        {
            "type": "object",
            "properties": {"n": {"type": "integer"}, "to": {"type": "string", "default": "x"}},
            "required": ["n"],
            "additionalProperties": False,
        },
        st.sampled_from([{"n": 1}, {"n": 2, "to": "y"}]),
    ),
    ({"type": "object", "additionalProperties": {"type": "number"}, "default": {}}, st.just({"k": 1.5})),
    (
        {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]}},
        st.lists(st.builds(lambda x: {"x": x}, st.integers(0, 3)), max_size=2),
    ),
]
COUNTS = {
    "simple": (1, 1),
    "multiple": (3, 1),
    "parallel": (1, 2),
    "parallel_multiple": (2, 3),
    "irrelevance": (2, 0),
}


@st.composite
def made_rows(draw: st.DrawFn, size: int = 4) -> list[Row]:
    """Rows of every style, each call valid by its schema."""
    rows = []
    for number, (style, (offered, called)) in enumerate(list(COUNTS.items()) * size):
        kinds = [draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4)) for _ in range(offered)]
        tools, values = [], []
        for place, chosen in enumerate(kinds):
            schemas = {f"p{n}": dict(schema, description=f"Nr. {n}") for n, (schema, _) in enumerate(chosen)}
            required = [name for name, schema in schemas.items() if "default" not in schema]
            parameters = {"type": "object", "properties": schemas, "required": required, "additionalProperties": False}
            tools.append({"name": f"f{place}", "description": "Does it.", "parameters": parameters})
            values.append({f"p{n}": strategy for n, (_, strategy) in enumerate(chosen)})
        calls, results = [], []
        for place in (n % offered for n in range(called)):
            needed = tools[place]["parameters"]["required"]
            arguments = {k: draw(v) for k, v in values[place].items() if k in needed or draw(st.booleans())}
            assert jsonschema_rs.is_valid(tools[place]["parameters"], arguments)
            calls.append({"name": f"f{place}", "arguments": arguments})
            results.append(draw(st.sampled_from([{"status": "passed", "value": '{"a":[1]}'}, FAILED])))
        query = draw(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
        rows.append(row(number, style, f"{query} ?", tools, calls, results))
    return rows


FAILED = {"status": "rejected", "value": None, "code": "timeout", "detail": "5 s"}


def row(
    number: int, style: str, query: str, offered: list[Row], called: list[Row], made: list[Row], **more: Any
) -> Row:
    texts = {"tools": dumps(offered), "answers": dumps(called), "results": dumps(made)}
    reply = {"text": "[]", "model": "m", "prompt_tokens": 1, "logprob": -0.5}
    head = {"sample_id": content_hash("made", number), "style": style, "query": query, "round": 0, "index": number}
    return {**head, **texts, "reply": reply, "seed_ids": ["a"], "verdict": "verified", **more}


ADD = {
    "name": "add",
    "description": "Adds.",
    "parameters": {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    },
}


def simple(number: int, query: str, **more: Any) -> Row:
    call = {"name": "add", "arguments": {"n": number}}
    return row(number, "simple", query, [ADD], [call], [{"status": "passed", "value": "1"}], **more)


def write_run(path: Path, rows: list[Row], closed: bool = True) -> Path:
    run = RunDir(path)
    run.update_manifest(fingerprint="x")
    for verdict in {row["verdict"] for row in rows}:
        table = table_of([row for row in rows if row["verdict"] == verdict], SAMPLE)
        write_once(table, run.samples(0) / f"verdict={verdict}", "part-0")
    if closed:
        run.close_round(0, sorted(run.samples(0).rglob("*.parquet")))
    return path


def stored(run: Path, verdict: str = "verified") -> list[Row]:
    """The rows of a run in the order of its files."""
    found = [file for file in RunDir(run).sample_files() if file.parent.name == f"verdict={verdict}"]
    return [row for table in read_tables(found) for row in table.to_pylist()]


@pytest.fixture(scope="module")
def scripted(ray_session: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run of the scripted engine: real rows of every style and verdict."""
    from apigen_ray.job.loop import run

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        folder = tmp_path_factory.mktemp("scripted")
        told = [f"output.dir={folder}", "size=150", "rounds=1"]
        yield run(load_config(ROOT / "jobs" / "smoke.yaml", told)).run.path


# Readers: what a consumer makes of each format


def lines(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def read_xlam(out: Path, split: str = "train") -> list[Row]:
    return [
        {
            "id": line["id"],
            "query": line["query"],
            "tools": json.loads(line["tools"]),
            "calls": json.loads(line["answers"]),
        }
        for line in lines(out / f"{split}.jsonl")
    ]


def read_openai(out: Path, split: str = "train") -> list[Row]:
    rows = []
    for line in lines(out / f"{split}.jsonl"):
        user, assistant, *results = line["messages"]
        assert (user["role"], assistant["role"]) == ("user", "assistant")
        calls = assistant.get("tool_calls", [])
        assert bool(calls) == (assistant["content"] is None)
        assert bool(calls) or assistant == {"role": "assistant", "content": NO_CALL}
        assert len({call["id"] for call in calls}) == len(calls)
        if results:
            assert [m["tool_call_id"] for m in results] == [call["id"] for call in calls]
            assert {m["role"] for m in results} == {"tool"}
        functions = [call["function"] for call in calls]
        assert {tool["type"] for tool in [*line["tools"], *calls]} <= {"function"}
        rows.append({
            "query": user["content"],
            "tools": [tool["function"] for tool in line["tools"]],
            "calls": [{"name": f["name"], "arguments": json.loads(f["arguments"])} for f in functions],
            "contents": [m["content"] for m in results],
        })  # fmt: skip
    return rows


def read_sharegpt(out: Path, split: str = "train") -> list[Row]:
    rows = []
    for line in lines(out / f"{split}.jsonl"):
        human, said = line["conversations"]
        assert human["from"] == "human"
        if said["from"] == "function_call":
            calls = json.loads(said["value"])
            calls = calls if isinstance(calls, list) else [calls]
        else:
            assert said == {"from": "gpt", "value": NO_CALL}
            calls = []
        rows.append({"query": human["value"], "tools": json.loads(line["tools"]), "calls": calls})
    return rows


def read_bfcl(out: Path, split: str = "train") -> list[Row]:
    rows = []
    for file in (out / split).glob("BFCL_v4_*.json"):
        category = file.stem.removeprefix("BFCL_v4_")
        answers_file = out / split / "possible_answer" / file.name
        assert answers_file.exists() == (category != "irrelevance")
        answers = {line["id"]: line["ground_truth"] for line in (lines(answers_file) if answers_file.exists() else [])}
        questions = lines(file)
        assert len(answers) in (0, len(questions))
        for line in questions:
            assert line["id"].rpartition("_")[0] == category
            assert line["id"].rpartition("_")[2].isdigit()
            [[user]] = line["question"]
            functions = {function["name"]: function["parameters"]["properties"] for function in line["function"]}
            calls = [
                {
                    "name": name,
                    "arguments": {k: v for k, found in told.items() for v in first(found, functions[name][k])},
                }
                for call in answers.get(line["id"], [])
                for name, told in call.items()
            ]
            rows.append({"id": line["sample_id"], "query": user["content"], "tools": line["function"], "calls": calls})
    return rows


def first(alternatives: list[Any], schema: Row) -> list[Any]:
    """The value that an argument had, or nothing where it was left out."""
    if len(alternatives) > 1 and alternatives[0] == "":
        return []
    value = alternatives[0]
    if schema["type"] == "dict" and isinstance(value, dict):
        return [{key: item for key, [item] in value.items()}]
    if schema["type"] == "array" and schema["items"]["type"] == "dict" and isinstance(value, list):
        return [[{key: item for key, [item] in one.items()} for one in value]]
    return [value]


READERS = {"xlam": read_xlam, "openai": read_openai, "sharegpt": read_sharegpt, "bfcl": read_bfcl}


def meaning(tool: Row, strict: bool) -> Any:
    """What a tool says; not strict: the leaderboard has no word for a union, and a list without items has any."""
    api = normalise_tool(tool)
    properties = json.loads(json.dumps(api.parameters["properties"]))
    for schema in properties.values():
        if schema.get("default") == "":
            del schema["default"]  # the published layout's word for none
        if not strict:
            for key in ("anyOf", "type", "items"):
                schema.pop(key, None)
    return api.name, api.description, properties, sorted(api.parameters["required"])


def same(to: str, came: list[Row], rows: list[Row]) -> None:
    """Asserts that what was read is the rows."""
    if to == "bfcl":
        order = {row["sample_id"]: place for place, row in enumerate(rows)}
        came = sorted(came, key=lambda row: order[row["id"]])
    assert len(came) == len(rows)
    for got, want in zip(came, rows, strict=True):
        calls = json.loads(want["answers"])
        assert (got["query"], got["calls"]) == (want["query"], calls)
        assert got.get("id", want["sample_id"]) == want["sample_id"]
        tools = json.loads(want["tools"])
        if to in ("openai", "sharegpt"):
            assert got["tools"] == tools
        strict = to != "bfcl"
        assert [meaning(tool, strict) for tool in got["tools"]] == [meaning(tool, strict) for tool in tools]
        schemas = {tool["name"]: normalise_tool(tool).parameters for tool in got["tools"]}
        assert all(jsonschema_rs.is_valid(schemas[call["name"]], call["arguments"]) for call in calls)


def left_by_bfcl(row: Row) -> bool:
    """Whether a list in a row's calls goes from broken to whole numbers: the checker's one limit for what is valid."""
    values = [value for call in json.loads(row["answers"]) for value in call["arguments"].values()]
    return any(isinstance(v, list) and {*map(type, v)} == {int, float} and isinstance(v[0], float) for v in values)


# The suite


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=made_rows())
def test_made_rows_come_back_the_same(rows: list[Row]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = write_run(Path(folder) / "run", rows)
        for to in SAYING:
            form = export_run(run, to, Path(folder) / to)
            assert form["left_out"] == {}, to
            assert form["rows"] == {"train": len(rows)}
            same(to, READERS[to](Path(folder) / to), rows)
        plain(run, Path(folder), rows)


def plain(run: Path, folder: Path, rows: list[Row]) -> None:
    """Both plain formats hold every column of the rows."""
    want = table_of(rows, SAMPLE).to_pylist()
    export_run(run, "parquet", folder / "parquet")
    table = pq.read_table(folder / "parquet" / "train.parquet")
    assert table.schema == SAMPLE
    assert table.to_pylist() == want
    export_run(run, "jsonl", folder / "jsonl")
    assert lines(folder / "jsonl" / "train.jsonl") == want


@pytest.mark.ray
@pytest.mark.parametrize("to", SAYING)
def test_rows_of_a_run_come_back_the_same(scripted: Path, tmp_path: Path, to: str) -> None:
    form = export_run(scripted, to, tmp_path / to)
    rows = stored(scripted)
    assert {row["style"] for row in rows} == set(COUNTS)
    rows = [row for row in rows if to != "bfcl" or not left_by_bfcl(row)]
    assert form["rows"]["train"] == len(rows)
    assert form["left_out"].keys() <= ({"a list of values of more than one type"} if to == "bfcl" else set())
    same(to, READERS[to](tmp_path / to), rows)


@pytest.mark.ray
def test_plain_formats_hold_a_run_as_it_is(scripted: Path, tmp_path: Path) -> None:
    plain(scripted, tmp_path, stored(scripted))
    form = export_run(scripted, "parquet", tmp_path / "all", verdicts=VERDICTS)
    assert form["rows"]["train"] == sum(
        table.num_rows for table in read_tables(RunDir(scripted).sample_files(), ["round"])
    )
    assert form["left_out"] == {}


@pytest.mark.ray
def test_xlam_is_judged_as_before_when_it_is_read_again(scripted: Path, tmp_path: Path) -> None:
    verdicts = [verdict for verdict in VERDICTS if verdict != "error"]
    form = export_run(scripted, "xlam", tmp_path / "out", verdicts=verdicts)
    assert form["left_out"].keys() <= {"no query that could be read", "no calls that could be read"}
    again = verify_records(
        tmp_path / "out" / "train.jsonl", tmp_path / "again", IngestOptions(), VerifySpec(stages=("format",))
    )
    tables = read_tables(RunDir(scripted).sample_files())
    first = {row["sample_id"]: row for table in tables for row in table.to_pylist()}
    rows = [row for table in read_tables(again.run.sample_files()) for row in table.to_pylist()]
    assert len(rows) == form["rows"]["train"] > 80
    codes = Counter()
    for row in rows:
        before = first[row["source_id"]]
        want = "" if before["format_code"] == "call_count" else before["format_code"]  # the layout has no style
        assert row["format_code"] == want, (before["format_detail"], row["format_detail"])
        codes[want] += 1
    assert len(codes) > 3


@pytest.mark.ray
@pytest.mark.skipif(not XLAM_ROWS.exists(), reason="the shared rows in the published layout are not here")
def test_published_rows_are_read_and_written_back(tmp_path: Path, ray_session: None) -> None:
    verify_records(XLAM_ROWS, tmp_path / "run", IngestOptions(), VerifySpec(stages=("format",)))
    form = export_run(tmp_path / "run", "xlam", tmp_path / "out", verdicts=["verified", "fail_format"])
    assert form["left_out"] == {}
    given = {str(line["id"]): line for line in lines(XLAM_ROWS)}
    rows = read_xlam(tmp_path / "out")
    assert {row["id"] for row in rows} == given.keys()
    for row in rows:
        line = given[row["id"]]
        assert (row["query"], row["calls"]) == (line["query"], json.loads(line["answers"]))
        assert [meaning(t, True) for t in row["tools"]] == [meaning(t, True) for t in json.loads(line["tools"])]
    again = verify_records(
        tmp_path / "out" / "train.jsonl", tmp_path / "again", IngestOptions(), VerifySpec(stages=("format",))
    )
    codes = [
        {row["source_id"]: row["format_code"] for table in read_tables(run.sample_files()) for row in table.to_pylist()}
        for run in (RunDir(tmp_path / "run"), again.run)
    ]
    assert codes[0] == codes[1]


def test_results_stand_beside_their_calls(tmp_path: Path) -> None:
    failed = simple(2, "Two?", results=dumps([FAILED]))
    unmade = simple(3, "Three?", results=None)
    none = row(4, "irrelevance", "Four?", [], [], [], results=None)
    call, made = {"name": "add", "arguments": {"n": 1}}, {"status": "passed", "value": "2"}
    twice = row(5, "parallel", "Five?", [ADD], [call, call], [made, made])
    run = write_run(tmp_path / "run", [simple(1, "One?"), failed, unmade, none, twice])
    form = export_run(run, "openai", tmp_path / "out", results=True)
    assert form["left_out"] == {"no results: its calls were not made": 1}
    contents = [line["contents"] for line in read_openai(tmp_path / "out")]
    assert contents == [["1"], ['{"error":"timeout","detail":"5 s"}'], [], ["2", "2"]]
    for kind in EXPORTS:
        if not kind.with_results:
            with pytest.raises(InputError, match="no place for results"):
                export_run(run, kind.name, tmp_path / "other", results=True)


@pytest.mark.parametrize("to", FORMATS)
def test_rows_with_simulated_calls_are_told(tmp_path: Path, to: str, capsys: pytest.CaptureFixture[str]) -> None:
    modes = ["live", "simulate", None, "simulate"]
    rows = [simple(number, f"Add {number}", execution_mode=mode) for number, mode in enumerate(modes)]
    rows.append(simple(9, "Add 9", execution_mode="simulate", answers="no calls") if to in SAYING else simple(9, "x"))
    form = export_run(write_run(tmp_path / "run", rows), to, tmp_path / "out")
    assert form["simulated"] == 2
    assert "of these with simulated calls: 2\n" in (tmp_path / "out" / "README.md").read_text()
    print_export(form, tmp_path / "out", as_json=False)
    assert "of these with simulated calls: 2\n" in capsys.readouterr().out
    plain = export_run(write_run(tmp_path / "live", [simple(0, "x", execution_mode="live")]), to, tmp_path / "other")
    assert plain["simulated"] == 0
    assert "simulated" not in (tmp_path / "other" / "README.md").read_text()


@pytest.mark.parametrize("to", SAYING)
def test_rows_that_a_format_cannot_say_are_counted_by_reason(tmp_path: Path, to: str) -> None:
    rows = [
        simple(1, "One?", verdict="fail_semantic"),
        simple(2, "", verdict="fail_format"),
        simple(3, "Three?", answers=None, verdict="fail_format"),
        simple(4, "Four?", tools='{"unusable":"no list","given":"x"}', verdict="fail_format"),
        simple(5, "Five?", answers='[{"name":"other","arguments":{}}]', verdict="fail_format"),
        simple(6, "Six?", answers='[{"name":"add","arguments":{"m":1}}]', verdict="fail_format"),
        simple(7, "Seven?", verdict="fail_execution"),  # not asked for
    ]
    run = write_run(tmp_path / "run", rows)
    form = export_run(run, to, tmp_path / "out", verdicts=["fail_semantic", "fail_format"])
    reasons = ["no query that could be read", "no calls that could be read", "offered functions that cannot be used"]
    if to == "bfcl":
        reasons += ["a call of a function that was not offered", "a call that lacks an argument or has one too many"]
    assert form["left_out"] == dict.fromkeys(sorted(reasons), 1)
    assert form["rows"] == {"train": len(rows) - 1 - len(reasons)}
    assert f"left out, {reasons[0]}: 1" in (tmp_path / "out" / "README.md").read_text()


def test_a_function_that_the_flat_form_cannot_say_leaves_its_row_out(tmp_path: Path) -> None:
    open_one = {"name": "add", "description": "", "parameters": {"type": "object", "properties": {}, "required": [],
                "additionalProperties": True}}  # fmt: skip
    run = write_run(tmp_path / "run", [simple(1, "One?"), simple(2, "Two?", tools=dumps([open_one]))])
    form = export_run(run, "xlam", tmp_path / "out")
    assert form["left_out"] == {"a function whose parameters have no flat form": 1}


def test_a_row_that_json_cannot_hold_is_left_out_of_lines(tmp_path: Path) -> None:
    row = simple(1, "One?") | {"reply": {"text": "", "logprob": -float("inf")}}
    run = write_run(tmp_path / "run", [row, simple(2, "Two?")])
    assert export_run(run, "jsonl", tmp_path / "out")["left_out"] == {"a number that JSON cannot hold": 1}
    assert export_run(run, "parquet", tmp_path / "all")["rows"] == {"train": 2}


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("answers", '[{"arguments":{}}]'),
        ("answers", '[{"name":"add","arguments":[1]}]'),
        ("answers", '{"name":"add"}'),
        ("answers", "[{"),
        ("answers", r'[{"name":"add","arguments":{"n":"\ud800"}}]'),
        ("tools", "[1]"),
        ("tools", '[{"name":"add"}]'),
        ("tools", None),
    ],
)
def test_texts_of_no_known_shape_leave_their_row_out(tmp_path: Path, column: str, text: str | None) -> None:
    run = write_run(tmp_path / "run", [simple(1, "One?", **{column: text}), simple(2, "Two?")])
    for to in SAYING:
        form = export_run(run, to, tmp_path / to)
        assert (form["rows"], sum(form["left_out"].values())) == ({"train": 1}, 1)


def test_the_published_layout_as_it_looks(tmp_path: Path) -> None:
    schemas = {
        "city": {"type": "string", "description": "Where."},
        "unit": {"type": "string", "enum": ["c", "f"], "default": "c"},
        "days": {"type": "array", "items": {"type": "integer"}},
        "note": {"type": ["string", "null"]},
    }
    parameters = {"type": "object", "properties": schemas, "required": ["city"], "additionalProperties": False}
    tools = dumps([{"name": "weather", "description": "Tells it.", "parameters": parameters}])
    export_run(write_run(tmp_path / "run", [simple(1, "One?", tools=tools)]), "xlam", tmp_path / "out")
    [line] = lines(tmp_path / "out" / "train.jsonl")
    assert list(line) == ["id", "query", "tools", "answers"]
    assert json.loads(line["tools"])[0]["parameters"] == {
        "city": {"description": "Where.", "type": "str"},
        "unit": {"description": "", "default": "c", "type": "str, optional", "enum": ["c", "f"]},
        "days": {"description": "", "type": "List[int], optional"},
        "note": {"description": "", "type": "Optional[str], optional"},
    }


def test_possible_answers_as_they_look(tmp_path: Path) -> None:
    schemas = {
        "n": {"type": "integer"},
        "unit": {"type": "string", "default": "c"},
        "size": {"type": "number", "default": 2},
        "at": {"type": "object", "default": {"x": 1}},
        "xs": {"type": "array", "items": {"type": "number"}},
    }
    parameters = {"type": "object", "properties": schemas, "required": ["n"], "additionalProperties": False}

    def asks(number: int, **arguments: Any) -> Row:
        answers = dumps([{"name": "f", "arguments": arguments}])
        tools = dumps([{"name": "f", "description": "", "parameters": parameters}])
        return simple(number, f"Number {number}?", tools=tools, answers=answers)

    rows = [asks(1, n=1, unit="c", size=3), asks(2, n=1, xs=[1, 2.5]), asks(3, n=1, xs=[2.5, 1]), asks(4, unit="f")]
    form = export_run(write_run(tmp_path / "run", rows), "bfcl", tmp_path / "out")
    assert form["left_out"] == {
        "a call that lacks an argument or has one too many": 1,
        "a list of values of more than one type": 1,
    }
    answers = lines(tmp_path / "out" / "train" / "possible_answer" / "BFCL_v4_simple_python.json")
    assert [line["ground_truth"] for line in answers] == [
        [{"f": {"n": [1], "unit": ["c", ""], "size": [3], "at": ["", {"x": [1]}]}}],
        [{"f": {"n": [1], "unit": ["", "c"], "size": ["", 2], "at": ["", {"x": [1]}], "xs": [[1, 2.5]]}}],
    ]


# Splits


def test_near_rows_never_straddle_and_shares_are_about_right(tmp_path: Path) -> None:
    queries = [f"What is {number // 2} plus one{'?' if number % 2 else ' ?!'}" for number in range(3_000)]
    rows = [simple(number, query) for number, query in enumerate(queries)]
    run = write_run(tmp_path / "run", rows)
    splits = Splits.parse(["train=0.8,dev=0.1", "test=0.1"])
    form = export_run(run, "xlam", tmp_path / "xlam", splits=splits)
    assert sum(form["rows"].values()) == len(rows) > BATCH_ROWS
    found = {
        name: {query_key(row["query"]) for row in read_xlam(tmp_path / "xlam", name)}
        for name in ("train", "dev", "test")
    }
    assert sum(map(len, found.values())) == len(rows) / 2
    assert 0.75 < form["rows"]["train"] / len(rows) < 0.85
    assert 0.07 < form["rows"]["dev"] / len(rows) < 0.13
    half = write_run(tmp_path / "half", rows[::-1][:1_000])
    for to in ("xlam", "openai"):  # the same rows, wherever and in whatever order they stand
        export_run(half, to, tmp_path / f"half-{to}", splits=splits)
        for name, keys in found.items():
            assert {query_key(row["query"]) for row in READERS[to](tmp_path / f"half-{to}", name)} <= keys


@pytest.mark.parametrize(
    "words",
    [
        ["train"],
        ["train=x"],
        ["train=0"],
        ["train=-1,test=2"],
        ["train=0.5"],
        ["a b=1"],
        ["=1"],
        ["a=0.5,a=0.5"],
        ["a=nan"],
        ["all=1"],
        ["train=0.5,ALL=0.5"],
    ],
)
def test_shares_that_cannot_be(words: list[str]) -> None:
    with pytest.raises(InputError, match="--split"):
        Splits.parse(words)


def test_a_split_that_got_no_row_has_no_file(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [simple(1, "One?")])
    form = export_run(run, "sharegpt", tmp_path / "out", splits=Splits.parse(["a=0.5,b=0.5"]))
    assert sorted(form["rows"].values()) == [0, 1]
    assert len(list((tmp_path / "out").glob("*.jsonl"))) == 1
    assert len(json.loads((tmp_path / "out" / "dataset_info.json").read_text())) == 1


# Whole or not at all


@pytest.mark.parametrize("to", FORMATS)
def test_an_export_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str) -> None:
    run = write_run(tmp_path / "run", [simple(1, "One?")])
    out = tmp_path / "deep" / "out"
    monkeypatch.setattr(files.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(EnvironmentFault, match="No space left"):
        export_run(run, to, out)
    monkeypatch.undo()
    assert list(out.parent.iterdir()) == []
    export_run(run, to, out)
    before = {file.name: file.read_bytes() for file in out.rglob("*") if file.is_file()}
    with pytest.raises(InputError, match="--clean"):
        export_run(run, to, out)
    monkeypatch.setattr(exporting, "_card", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export_run(run, to, out, clean=True)
    monkeypatch.undo()
    assert {file.name: file.read_bytes() for file in out.rglob("*") if file.is_file()} == before
    export_run(
        write_run(tmp_path / "other", [simple(2, "Two?"), row(3, "irrelevance", "?!", [ADD], [], [])]),
        to,
        out,
        clean=True,
    )
    export_run(run, to, out, clean=True)
    assert {file.name: file.read_bytes() for file in out.rglob("*") if file.is_file()} == before
    assert [path.name for path in out.parent.iterdir()] == ["out"]
    assert json.loads((out / MARK).read_text())["format"] == to
    assert str(tmp_path) not in "".join(file.read_text("utf-8", "replace") for file in out.rglob("*.[jmr]*"))


@pytest.mark.parametrize("clean", [False, True])
def test_a_folder_that_is_no_export_is_left_alone(tmp_path: Path, clean: bool) -> None:
    run = write_run(tmp_path / "run", [simple(1, "One?")])
    (out := tmp_path / "out").mkdir()
    (out / "letter.txt").write_text("mine")
    for place in (out, out / "letter.txt", run):
        with pytest.raises(InputError):
            export_run(run, "xlam", place, clean=clean)
    assert (out / "letter.txt").read_text() == "mine"
    (empty := tmp_path / "empty").mkdir()
    export_run(run, "xlam", empty, clean=clean)
    assert (empty / "train.jsonl").exists()


@pytest.mark.parametrize("to", FORMATS)
def test_a_file_of_somebody_else_in_an_export_is_never_deleted(tmp_path: Path, to: str) -> None:
    run, out = write_run(tmp_path / "run", [simple(1, "One?")]), tmp_path / "out"
    export_run(run, to, out)
    (weights := out / "model" / "weights.bin").parent.mkdir()
    weights.write_bytes(b"dear")
    with pytest.raises(InputError, match=r"model/weights\.bin would be deleted"):
        export_run(run, to, out, clean=True)
    (out / "link").symlink_to(tmp_path)
    with pytest.raises(InputError, match="link and 1 more would be deleted"):
        export_run(run, to, out, clean=True)
    assert weights.read_bytes() == b"dear"
    (out / "link").unlink()
    weights.unlink()
    export_run(run, to, out, clean=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "run"]


@pytest.mark.parametrize("late", ["an export", "a file"])
def test_what_came_while_rows_were_written_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    run, out = write_run(tmp_path / "run", [simple(1, "One?")]), tmp_path / "out"
    card = exporting._card

    def slow(*told: Any) -> str:
        monkeypatch.undo()
        export_run(run, "openai", out)
        if late == "a file":
            (out / "notes").touch()
        return card(*told)

    monkeypatch.setattr(exporting, "_card", slow)
    with pytest.raises(InputError, match="an export is there" if late == "an export" else "notes would be deleted"):
        export_run(run, "xlam", out, clean=late == "a file")
    assert json.loads((out / MARK).read_text())["format"] == "openai"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "run"]


def test_a_link_to_a_folder_stays_and_the_folder_is_made(tmp_path: Path) -> None:
    one, two = (write_run(tmp_path / f"run{n}", [simple(n, f"Number {n}?")]) for n in (1, 2))
    (tmp_path / "link").symlink_to("deep/out")
    for run in (one, two):
        export_run(run, "xlam", tmp_path / "link", clean=True)
    assert (tmp_path / "link").is_symlink()
    assert [line["query"] for line in read_xlam(tmp_path / "deep" / "out")] == ["Number 2?"]
    with pytest.raises(InputError, match="link: an export is there"):
        export_run(one, "xlam", tmp_path / "link")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep", "link", "run1", "run2"]


def test_the_folder_that_one_stands_in_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, out = write_run(tmp_path / "run", [simple(1, "One?")]), tmp_path / "out"
    (out / "inner").mkdir(parents=True)
    monkeypatch.chdir(out / "inner")
    with pytest.raises(InputError, match="this command runs in it"):
        export_run(run, "xlam", Path("."))
    export_run(run, "xlam", Path("data"))
    monkeypatch.chdir("data")
    with pytest.raises(InputError, match="this command runs in it"):
        export_run(run, "xlam", Path("."), clean=True)
    assert (out / "inner" / "data" / "train.jsonl").exists()
    assert [path.name for path in (out / "inner").iterdir()] == ["data"]


def test_a_place_where_no_folder_can_be_is_said(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [simple(1, "One?")])
    (tmp_path / "loop").symlink_to("loop")
    for name, words in (("a" * 300, "File name too long"), ("run/manifest.json/out", "File exists")):
        with pytest.raises(EnvironmentFault, match=f"cannot be made .{words}"):
            export_run(run, "xlam", tmp_path / name)
    with pytest.raises(EnvironmentFault, match="loop: cannot be written"):
        export_run(run, "xlam", tmp_path / "loop")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["loop", "run"]


def test_an_export_of_before_is_replaced(tmp_path: Path) -> None:
    run, out = write_run(tmp_path / "run", [simple(1, "One?")]), tmp_path / "out"
    export_run(run, "xlam", out)
    form = json.loads((out / MARK).read_text())
    del form["beside"], form["content"]
    (out / MARK).write_text(json.dumps(form))
    assert "content" in export_run(run, "xlam", out, clean=True)


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"files": 1, "beside": []}', "\xff"])
def test_a_mark_that_is_none_of_ours_makes_no_export(tmp_path: Path, text: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / MARK).write_text(text, "latin-1")
    with pytest.raises(InputError, match="no export"):
        export_run(write_run(tmp_path / "run", [simple(1, "One?")]), "xlam", tmp_path / "out", clean=True)
    assert (tmp_path / "out" / MARK).exists()


def test_what_cannot_be_exported_is_said(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [simple(1, "One?"), simple(2, "", verdict="fail_format")])
    out = tmp_path / "out"
    for where, words in ((tmp_path / "nothere", "no such folder"), (tmp_path, "no manifest")):
        with pytest.raises(InputError, match=words):
            export_run(where, "xlam", out)
    with pytest.raises(InputError, match="'xlam'"):
        export_run(run, "xlm", out)
    with pytest.raises(InputError, match="'verified'"):
        export_run(run, "xlam", out, verdicts=["verifed"])
    with pytest.raises(InputError, match="no query that could be read: 1"):
        export_run(run, "xlam", out, verdicts=["fail_format"])
    with pytest.raises(InputError, match="the run has none"):
        export_run(run, "xlam", out, verdicts=["duplicate"])
    [file] = (run / "samples" / "round=0" / "verdict=verified").iterdir()
    file.write_bytes(b"PAR1")
    with pytest.raises(EnvironmentFault, match="cannot be read"):
        export_run(run, "xlam", out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


def test_an_open_round_is_not_exported(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [simple(1, "One?"), simple(2, "Two?")], closed=False)
    with pytest.raises(InputError, match="its round is not closed: 2"):
        export_run(run, "xlam", tmp_path / "out")
    directory = RunDir(run)
    directory.close_round(0, directory.sample_files())
    write_once(table_of([simple(3, "Three?", round=1)], SAMPLE), directory.samples(1) / "verdict=verified", "part-1")
    form = export_run(run, "xlam", tmp_path / "out")
    assert (form["rows"], form["left_out"]) == ({"train": 2}, {"its round is not closed": 1})


def test_names_are_unique_and_columns_exist() -> None:
    assert len(set(FORMATS)) == len(FORMATS)
    for kind in EXPORTS:
        assert set(kind.columns) <= set(SAMPLE.names)
        assert kind.__doc__
    assert {*COLUMNS} <= set(SAMPLE.names)


# Consumers


@pytest.fixture(scope="module")
def datasets() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        module = pytest.importorskip("datasets", reason="the extra `hub` is not installed")
        module.disable_progress_bars()
        yield module


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_datasets_loads_every_export_as_it_was_written(datasets: Any, tmp_path: Path, to: str) -> None:
    out = tmp_path / "out"
    form = export_run(
        write_run(tmp_path / "run", sample_rows()), to, out, splits=Splits.parse(["train=0.5,holdout=0.5"])
    )
    seen: Counter[str] = Counter()
    for config in datasets.get_dataset_config_names(str(out)):
        loaded = datasets.load_dataset(str(out), config, cache_dir=str(tmp_path / "cache"))
        for split, dataset in loaded.items():
            file = f"{split}.{'parquet' if to == 'parquet' else 'jsonl'}"
            if to == "bfcl":
                folder = "possible_answer/" if config.endswith("_answers") else ""
                file = f"{split}/{folder}BFCL_v4_{config.removesuffix('_answers')}.json"
            assert dataset.to_list() == (
                pq.read_table(out / file).to_pylist() if to == "parquet" else lines(out / file)
            )
            seen[file] += len(dataset)
    assert seen == form["files"]


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_datasets_reads_again_what_was_exported_anew(datasets: Any, tmp_path: Path, to: str) -> None:
    def load(folder: Path) -> list[Row]:
        [config, *_] = datasets.get_dataset_config_names(str(folder))
        return list(datasets.load_dataset(str(folder), config, split="train", cache_dir=str(tmp_path / "cache")))

    one, two = (write_run(tmp_path / f"run{n}", [simple(n, f"Number {n}?"), simple(9, "Nine?")]) for n in (1, 2))
    export_run(one, to, tmp_path / "out")
    first = load(tmp_path / "out")
    export_run(two, to, tmp_path / "out", clean=True)
    second = load(tmp_path / "out")
    assert "Number 1?" in str(first)
    assert "Number 2?" in str(second)
    export_run(one, to, tmp_path / "other" / "out")  # the cache knows a folder by its last name alone
    assert load(tmp_path / "other" / "out") == first


@pytest.mark.parametrize(("to", "told"), [("openai", 2), ("bfcl", 4), ("xlam", 0), ("sharegpt", 0)])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_whole_numbers_beyond_64_bits_cost_their_rows_alone(datasets: Any, tmp_path: Path, to: str, told: int) -> None:
    numbers = [-(2**63), 2**64 - 1, -(2**63) - 1, 2**64]
    rows = []
    for place, number in enumerate(numbers):
        called = {"name": "add", "arguments": {"n": number}}
        rows.append(simple(place, f"{'9' * 30} {place}?", answers=dumps([called])))
        tool = json.loads(dumps(ADD))
        tool["parameters"]["properties"]["n"]["default"] = number
        rows.append(simple(10 + place, f"Default {place}?", tools=dumps([tool])))
    form = export_run(write_run(tmp_path / "run", rows), to, tmp_path / "out")
    assert form["left_out"] == ({"a whole number beyond 64 bits": told} if told else {})
    loaded = {
        row.get("sample_id", str(row))
        for config in datasets.get_dataset_config_names(str(tmp_path / "out"))
        for row in datasets.load_dataset(
            str(tmp_path / "out"), config, split="train", cache_dir=str(tmp_path / "cache")
        )
        if not config.endswith("_answers")
    }
    assert len(loaded) == form["rows"]["train"] == len(rows) - told


def sample_rows() -> list[Row]:
    """Rows of every style over every kind of schema, without hypothesis: a file for a consumer is made once."""
    rows = []
    for number, (schema, _) in enumerate(KINDS):
        value = {"string": "2024-01-02", "integer": 3, "number": 1.5, "boolean": True, "array": [], "object": {"n": 1}}
        kind = schema.get("type")
        given = value.get(kind, 7) if isinstance(kind, str) else True if "anyOf" in schema else 7
        given = schema["enum"][0] if "enum" in schema else given
        tools = [
            {"name": name, "description": "2024-01-01", "parameters": {"type": "object", "properties": {p: schema},
             "required": [p], "additionalProperties": False}}
            for name, p in (("f", "p"), ("g", f"q{number}"))
        ]  # fmt: skip
        calls = [{"name": "f", "arguments": {"p": given}}, {"name": "g", "arguments": {f"q{number}": given}}]
        for place, (style, (offered, called)) in enumerate(COUNTS.items()):
            query = "2024-01-01" if number == 0 else f"Query {number} {place}?"
            results = [{"status": "passed", "value": "1"}] * min(called, 2)
            chosen = [calls[n % offered % 2] for n in range(min(called, 2))]
            rows.append(row(number * 10 + place, style, query, tools[:offered], chosen, results))
    return rows


CONVERSATION = {
    "type": "object",
    "required": ["messages", "tools"],
    "properties": {
        "messages": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["role", "content"],
                "properties": {
                    "role": {"enum": ["system", "user", "assistant", "tool"]},
                    "content": {"type": ["string", "null"]},
                    "tool_call_id": {"type": "string"},
                    "tool_calls": {
                        "type": "array",
                        "minItems": 1,
                        "items": {
                            "type": "object",
                            "required": ["id", "type", "function"],
                            "properties": {
                                "type": {"const": "function"},
                                "function": {
                                    "type": "object",
                                    "required": ["name", "arguments"],
                                    "properties": {"arguments": {"type": "string", "pattern": r"^\{.*\}$"}},
                                },
                            },
                        },
                    },
                },
                "additionalProperties": False,
            },
        },
        "tools": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["type", "function"],
                "properties": {
                    "type": {"const": "function"},
                    "function": {
                        "type": "object",
                        "required": ["name", "parameters"],
                        "properties": {"parameters": {"type": "object", "properties": {"type": {"const": "object"}}}},
                    },
                },
            },
        },
    },
    "additionalProperties": False,
}
"""What the chat API documents, and with it Axolotl's type ``chat_template``."""


@pytest.mark.parametrize("results", [False, True])
def test_openai_is_as_documented(tmp_path: Path, results: bool) -> None:
    export_run(write_run(tmp_path / "run", sample_rows()), "openai", tmp_path / "out", results=results)
    found = lines(tmp_path / "out" / "train.jsonl")
    assert len(found) == len(sample_rows())
    for line in found:
        jsonschema_rs.validate(CONVERSATION, line)
        turns = [message["role"] for message in line["messages"]]
        assert turns[:2] == ["user", "assistant"]


def test_sharegpt_is_as_documented(tmp_path: Path) -> None:
    export_run(write_run(tmp_path / "run", sample_rows()), "sharegpt", tmp_path / "out", splits=Splits.parse(["a=1"]))
    [(name, info)] = json.loads((tmp_path / "out" / "dataset_info.json").read_text()).items()
    assert (name, info["file_name"], info["formatting"]) == ("apigen_a", "a.jsonl", "sharegpt")
    tags = info["tags"]
    for line in lines(tmp_path / "out" / info["file_name"]):
        turns = line[info["columns"]["messages"]]
        odd, even = (tags["user_tag"], tags["observation_tag"]), (tags["assistant_tag"], tags["function_tag"])
        assert len(turns) % 2 == 0  # an odd number is skipped there without an error
        assert all(turn[tags["role_tag"]] in (odd, even)[place % 2] for place, turn in enumerate(turns))
        assert all(isinstance(turn[tags["content_tag"]], str) for turn in turns)
        assert all({"name", "parameters"} <= tool.keys() for tool in json.loads(line[info["columns"]["tools"]]))


CACHE = ROOT / ".cache"


def foreign(script: str, python: Path | str, *arguments: Any) -> str:
    command = [str(python), "-c", script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=CACHE)
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout


def fetched(command: list[str], what: str) -> None:
    """Installs a consumer beside our environment; skips where no index has it."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"{what} cannot be installed here: {done.stderr.strip().splitlines()[-1]}")


LEADERBOARD = """
import json, pathlib, sys
from bfcl_eval.constants.enums import Language
from bfcl_eval.eval_checker.ast_eval.ast_checker import ast_checker
from bfcl_eval.utils import extract_test_category, extract_test_category_from_id, is_empty_output, sort_key

folder, calls = pathlib.Path(sys.argv[1]), json.loads(pathlib.Path(sys.argv[2]).read_text())
read = lambda file: [json.loads(line) for line in file.read_text("utf-8").split("\\n") if line]
seen = {}
for file in sorted(folder.glob("BFCL_v4_*.json")):
    category = extract_test_category(file)
    answers = folder / "possible_answer" / file.name
    truth = {line["id"]: line["ground_truth"] for line in read(answers)} if answers.exists() else {}
    for line in sorted(read(file), key=sort_key):
        assert extract_test_category_from_id(line["id"]) == category
        said = [{call["name"]: call["arguments"]} for call in calls[line["sample_id"]]]
        seen[category] = seen.get(category, 0) + 1
        if category == "irrelevance":
            assert is_empty_output(said)
            continue
        asked = (truth[line["id"]], Language.PYTHON, category, "none")
        check = lambda output: ast_checker(line["function"], output, *asked)
        assert check(said)["valid"], (line, said, check(said))
        assert not check(said[1:])["valid"] and not check([*said, said[0]])["valid"]
        name, given = next(iter(said[0].items()))
        assert not check([{name + "_": given}, *said[1:]])["valid"]
        assert not check([{name: {**given, "unheard": 1}}, *said[1:]])["valid"]
        for key, value in given.items():
            wrong = {**given, key: [value, "other"] if isinstance(value, list) else "something else"}
            assert not check([{name: wrong}, *said[1:]])["valid"], (line, wrong)
print(json.dumps(seen))
"""
"""Run where `bfcl-eval` is installed: its checker takes our calls for right, and all that is not them for wrong."""

LEADERBOARD_NEEDS = (
    "requests tqdm numpy==1.26.4 pandas pydantic python-dotenv tree_sitter==0.21.3 tree-sitter-java==0.21.0 "
    "tree-sitter-javascript==0.21.4 openai mistralai==1.7.0 anthropic cohere==5.18.0 typer tabulate google-genai "
    "tenacity writer-sdk overrides boto3 beautifulsoup4 html2text mpmath==1.3.0 networkx==3.3 filelock==3.20.0 "
    "huggingface_hub rank_bm25==0.2.2 dashscope json5 jsonlines jsonschema pillow eval_type_backport tiktoken "
    "datamodel-code-generator==0.25.7 soundfile"
).split()
"""Of its requirements what its checker imports: every client of every model, but no torch."""


@pytest.fixture(scope="module")
def leaderboard() -> Path:
    """The Python of an environment with the leaderboard's package."""
    python = CACHE / "bfcl-eval" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", CACHE / "bfcl-eval"], check=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--only-binary", ":all:"]
    if subprocess.run([python, "-c", "import bfcl_eval, soundfile"], capture_output=True).returncode:
        fetched([*pip, "--no-deps", "bfcl-eval==2026.3.23", "qwen-agent"], "bfcl-eval")
        fetched([*pip, *LEADERBOARD_NEEDS], "what bfcl-eval's checker imports")
    return python


def accepted(leaderboard: Path, run: Path, folder: Path) -> Row:
    """How many rows of each category the leaderboard's checker took."""
    form = export_run(run, "bfcl", folder / "bfcl")
    calls = {row["sample_id"]: json.loads(row["answers"]) for row in stored(run)}
    (folder / "calls.json").write_text(json.dumps(calls))
    seen: Row = json.loads(foreign(LEADERBOARD, leaderboard, folder / "bfcl" / "train", folder / "calls.json"))
    assert sum(seen.values()) == form["rows"]["train"]
    return seen


CATEGORIES = {"simple_python", "multiple", "parallel", "parallel_multiple", "irrelevance"}


@pytest.mark.long
def test_the_leaderboard_s_checker_takes_made_rows(leaderboard: Path, tmp_path: Path) -> None:
    assert accepted(leaderboard, write_run(tmp_path / "run", sample_rows()), tmp_path).keys() == CATEGORIES

    @settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
    @given(rows=made_rows(size=20))
    def of_any_kind(rows: list[Row]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            assert accepted(leaderboard, write_run(Path(folder) / "run", rows), Path(folder)).keys() == CATEGORIES

    of_any_kind()


@pytest.mark.long
@pytest.mark.ray
def test_the_leaderboard_s_checker_takes_a_run(leaderboard: Path, scripted: Path, tmp_path: Path) -> None:
    assert accepted(leaderboard, scripted, tmp_path).keys() == CATEGORIES


FACTORY = """
import importlib.util, json, pathlib, sys, types
wheel, out, split = sys.argv[1:]
sys.path.insert(0, wheel)
for name in ("llamafactory", "llamafactory.data"):  # without their __init__, which import all that trains
    module = sys.modules[name] = types.ModuleType(name)
    module.__path__ = [f"{wheel}/{name.replace('.', '/')}"]
from llamafactory.data.converter import get_dataset_converter
from llamafactory.data.formatter import FunctionFormatter, ToolFormatter
from llamafactory.data.parser import get_dataset_list

[attributes] = get_dataset_list([f"apigen_{split}"], out)
convert = get_dataset_converter(attributes.formatting, attributes, None)
rows = 0
for line in (pathlib.Path(out) / attributes.dataset_name).read_text("utf-8").split("\\n"):
    if line:
        row = convert(json.loads(line))
        assert [turn["role"] for turn in row["_prompt"]] == ["user"], row
        [said] = row["_response"]
        assert said["role"] in ("assistant", "function")
        if said["role"] == "function":
            assert FunctionFormatter(slots=["{{content}}"], tool_format="qwen").apply(content=said["content"])
        assert ToolFormatter(tool_format="qwen").apply(content=row["_tools"])[0]
        rows += 1
print(rows)
"""
"""LLaMA-Factory's own code: it reads dataset_info.json, aligns the rows, and renders their tools and calls."""


@pytest.mark.long
def test_llama_factory_takes_sharegpt(datasets: Any, tmp_path: Path) -> None:
    wheel = CACHE / "llamafactory"
    if not (wheel / "llamafactory").exists():
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--no-deps"]
        fetched([*pip, "--only-binary", ":all:", "--target", str(wheel), "llamafactory==0.9.5", "peft"], "llamafactory")
    form = export_run(write_run(tmp_path / "run", sample_rows()), "sharegpt", tmp_path / "out")
    assert foreign(FACTORY, sys.executable, wheel, tmp_path / "out", "train") == f"{form['rows']['train']}\n"


AXOLOTL = """
import json, pathlib, sys
file, *wheels = sys.argv[1:]
sys.path[:0] = wheels
from axolotl.prompt_strategies.chat_template import load
from axolotl.utils.dict import DictDefault
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

alphabet = {mark: number for number, mark in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
bytewise = Tokenizer(models.BPE(vocab=alphabet, merges=[]))
bytewise.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
bytewise.decoder = decoders.ByteLevel()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=bytewise, eos_token="<|im_end|>", pad_token="<|pad|>")
template = pathlib.Path(file).with_name("chat_template.jinja").read_text("utf-8")
strategy = load(
    tokenizer,
    DictDefault({"train_on_inputs": False, "sequence_len": 1 << 16}),
    {"type": "chat_template", "chat_template": "jinja", "chat_template_jinja": template, "field_messages": "messages"},
)
rows = 0
for line in filter(None, pathlib.Path(file).read_text("utf-8").split("\\n")):
    row = json.loads(line)
    tokens = strategy.tokenize_prompt(row)
    text = tokenizer.decode(tokens["input_ids"])
    assert all(tool["function"]["name"] in text for tool in row["tools"])
    learnt = tokenizer.decode([token for token in tokens["labels"] if token != -100])
    said = row["messages"][1]
    for call in said.get("tool_calls", ()):
        assert call["function"]["name"] in learnt, learnt
        assert call["function"]["arguments"] in learnt, learnt
    assert said.get("tool_calls") or said["content"] in learnt
    assert row["messages"][0]["content"] not in learnt
    rows += 1
print(rows)
"""
"""Axolotl's own code, with our template and a tokenizer of bytes: every tool is there, the assistant's turn learnt."""


@pytest.mark.long
@pytest.mark.parametrize("results", [False, True])
def test_axolotl_learns_the_calls_of_openai(tmp_path: Path, results: bool) -> None:
    wheel = CACHE / "axolotl"
    if not (wheel / "axolotl").exists():
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--no-deps"]
        needs = ["axolotl==0.19.0", "colorama", "addict", "art", "trl", "fire", "peft"]
        fetched([*pip, "--only-binary", ":all:", "--target", str(wheel), *needs], "axolotl")
    form = export_run(write_run(tmp_path / "run", sample_rows()), "openai", tmp_path / "out", results=results)
    said = foreign(AXOLOTL, sys.executable, tmp_path / "out" / "train.jsonl", wheel)
    assert said.splitlines()[-1] == str(form["rows"]["train"])
