"""Whatever a reply, a tool list or an input file holds: each comes out once, with a status."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from apigen_ray.asks.base import DraftAsk
from apigen_ray.asks.call_first import CallFirst
from apigen_ray.asks.judge import opinion
from apigen_ray.asks.query_first import QueryFirst
from apigen_ray.asks.roundtrip import read_calls, same_calls, shown
from apigen_ray.config import SAMPLE
from apigen_ray.graph import stages
from apigen_ray.graph.stages import Ids
from apigen_ray.job.ingest import IngestOptions, input_blocks, read_split, records_to_samples
from apigen_ray.records import DRAFT, SAMPLE_HEAD, Reply, calls_from_json, calls_to_json, dumps, status_fields
from apigen_ray.strict_json import JsonProblem, items, loads
from apigen_ray.tables import conform, table_of
from apigen_ray.verifiers.format import DETAIL_CHARACTERS, FormatVerifier
from apigen_ray.verifiers.stages import check

SCHEMA = pa.schema([*SAMPLE_HEAD, *status_fields("format")])
TOOLS = dumps(
    [
        {
            "name": "f",
            "description": "",
            "parameters": {
                "type": "object",
                "properties": {"x": {"anyOf": [{"enum": ["a"]}, {"type": "null"}]}, "y": {"items": {"$ref": "#"}}},
                "required": ["x"],
                "additionalProperties": False,
            },
        }
    ]
)
WORDS = st.sampled_from("query answers name arguments f x y a".split())
KEYWORDS = st.sampled_from(
    "type properties object array integer dict any enum items required anyOf $ref # minimum pattern parameters".split()
)
TEXTS = WORDS | KEYWORDS | st.text(max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)
ARGUMENTS = st.dictionaries(WORDS, VALUES) | VALUES
CALL_LIKE = st.fixed_dictionaries({"name": st.just("f") | SCALARS, "arguments": ARGUMENTS})
RECORD_LIKE = st.fixed_dictionaries({"query": TEXTS | VALUES, "answers": st.lists(CALL_LIKE, max_size=3) | VALUES})
REPLIES = (
    st.text()
    | st.binary().map(lambda data: data.decode("latin-1"))
    | st.binary().map(lambda data: data.decode("utf-8", "replace"))
    | st.text(alphabet='{}[]",:\\u dD8aefn10-.E')
    | (VALUES | RECORD_LIKE).map(json.dumps)
)
TOOL_LIKE = st.fixed_dictionaries({"name": st.just("f"), "description": TEXTS, "parameters": VALUES})
TOOL_TEXTS = (st.lists(TOOL_LIKE | VALUES, max_size=2) | VALUES).map(json.dumps) | st.text(max_size=20) | st.just(TOOLS)


def judged(table: pa.Table) -> list[dict[str, Any]]:
    checked = FormatVerifier(None).check(conform(table, SCHEMA))  # type: ignore[arg-type]
    assert checked.schema == SCHEMA
    rows: list[dict[str, Any]] = checked.to_pylist()
    assert len(rows) == table.num_rows
    for row in rows:
        assert row["format_status"] in ("passed", "rejected")
        assert len(row["format_detail"]) <= DETAIL_CHARACTERS
        if row["format_status"] == "passed":
            assert (row["format_code"], row["format_detail"]) == ("", "")
            assert row["query"].strip()
            assert row["answers"] is not None
        else:
            assert row["format_code"] in FormatVerifier.codes
            assert row["format_detail"]
        if row["answers"] is not None:
            assert calls_to_json(calls_from_json(row["answers"])) == row["answers"]
    return rows


@given(REPLIES, TOOL_TEXTS, st.sampled_from(["simple", "parallel", "irrelevance", "?", None]))
@settings(max_examples=150, deadline=None)
@example("[" * 100_000, TOOLS, None)
@example('{"query":"q","answers":[{"name":"f","arguments":{"x":' + "9" * 5000 + "}}]}", TOOLS, None)
@example('{"query":"q","answers":[{"name":"f","arguments":{"x":null,"y":' + "[" * 120 + "]" * 120 + "}}]}", TOOLS, None)
def test_any_reply_with_any_tools_gets_one_verdict(reply: str, tools: str, style: str | None) -> None:
    row, again = judged(table_of([{"record": reply, "tools": tools, "style": style}] * 2, SCHEMA))
    assert row == again


@given(st.text(alphabet=st.characters()) | st.text(alphabet='{}[]",:\\u dD8\ud800'))
@settings(max_examples=100, deadline=None)
def test_strict_json_reads_a_part_of_what_json_reads(text: str) -> None:
    try:
        value = loads(text)
    except JsonProblem as problem:
        problem.detail.encode("utf-8")
    else:
        assert value == json.loads(text)
        dumps(value).encode("utf-8")


@given(VALUES)
@settings(max_examples=100, deadline=None)
def test_strict_json_reads_back_what_is_written(value: Any) -> None:
    try:
        text = dumps(value)
    except ValueError:
        return  # not finite
    assert loads(text) == value
    assert items(text) == ([dumps(item) for item in value] if isinstance(value, list) else None)


ASKS: dict[str, DraftAsk] = {"query_first": QueryFirst({}), "call_first": CallFirst({})}
CALLS = dumps([{"name": "f", "arguments": {"x": "a"}}])
NOBODY = Ids([])
SAMPLES = (
    REPLIES
    | st.lists(RECORD_LIKE | VALUES, max_size=4).map(json.dumps)
    | st.lists(
        st.sampled_from([dumps({"query": "q", "answers": json.loads(CALLS)}), "{}", "[", "null"]), max_size=4
    ).map(lambda parts: f"[{','.join(parts)}]")
)
FINISHES = st.sampled_from(["stop", "length", "", "content_filter"]) | st.text(max_size=5)


@given(
    SAMPLES,
    FINISHES,
    st.sampled_from(["query_first", "call_first"]),
    st.sampled_from(["simple", "parallel", "irrelevance"]),
    st.sampled_from([CALLS, "[]"]),
)
@settings(max_examples=100, deadline=None)
@example("", "stop", "call_first", "simple", "[]")
@example("[" * 100_000, "stop", "query_first", "simple", "[]")
def test_any_reply_comes_out_in_samples_with_a_status(
    text: str, finish: str, mode: str, style: str, planned: str
) -> None:
    draft = {"prompt_id": "p", "mode": mode, "style": style, "tools": TOOLS, "planned": planned, "pairs": 3}
    table = table_of([draft | {"reply": vars(Reply(text=text, finish=finish))}] * 2, DRAFT)
    records = ASKS[mode].records(table.to_pylist()[0])  # must not raise: `split` would save the row and hide it
    table = stages.split(table, ASKS, NOBODY, SAMPLE)
    rows = check(FormatVerifier(None), table, []).to_pylist()  # type: ignore[arg-type]
    assert [row["record"] for row in rows] == records * 2
    assert [row["pair"] for row in rows] == [*range(len(records))] * 2
    assert records
    for row in rows:
        assert row["format_status"] in ("passed", "rejected")
        assert row["format_code"] in ("", *FormatVerifier.codes)


@given(REPLIES | st.text(alphabet=st.characters()) | st.lists(CALL_LIKE, max_size=3).map(json.dumps))
@settings(max_examples=150, deadline=None)
@example("[" * 100_000)
@example('{"pass": ["yes"]}')
@example('{"thought": {"a": [1]}, "pass": "no"}')
def test_any_words_of_a_judge_are_read_or_refused(text: str) -> None:
    said = opinion(text)
    assert said is None or isinstance(said[1], str)
    calls = read_calls(text)
    if calls is not None:
        assert same_calls(calls, calls, json.loads(TOOLS))
        assert shown(calls)


LINES = (
    st.binary(max_size=60)
    | st.fixed_dictionaries({}, optional={key: VALUES for key in ("id", "query", "answers", "tools", "style")})
    .map(json.dumps)
    .map(str.encode)
    | st.fixed_dictionaries({"query": TEXTS, "answers": st.lists(CALL_LIKE, max_size=2), "tools": TOOL_TEXTS})
    .map(json.dumps)
    .map(str.encode)
).map(lambda line: line.replace(b"\n", b" "))


@given(st.lists(LINES, min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_every_line_comes_out_once_with_a_status(found: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "input.jsonl"
        path.write_bytes(b"\n".join([b'{"query": 1, "tools": 1, "answers": 1, "style": 1}', *found]))
        options = IngestOptions(style_column="style")
        raw = pa.concat_tables([table for split in input_blocks(path, options) for table in read_split(split)])
    rows = judged(records_to_samples(raw, options))
    assert len(rows) == 1 + sum(bool(line.strip()) for line in found)
    assert len({row["sample_id"] for row in rows}) == len(rows)
    assert all(row["source_id"] is not None for row in rows)
