"""Splits of JSONL and Parquet files, and what becomes of each row, also of those that nobody could read."""

import itertools
import json
import os
import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from apigen_ray.errors import RecordError
from apigen_ray.job import ingest, input_rows
from apigen_ray.job.ingest import RAW, IngestOptions, input_blocks, read_split, records_to_samples
from apigen_ray.records import SAMPLE_HEAD, dumps
from apigen_ray.verifiers.format import judge

TOOL = {
    "name": "area",
    "description": "Area of a square.",
    "parameters": {
        "type": "object",
        "properties": {"base": {"type": "integer"}},
        "required": ["base"],
        "additionalProperties": False,
    },
}
CALLS = [{"name": "area", "arguments": {"base": 1}}]
ROW = {"id": "a", "query": "How large?", "tools": [TOOL], "answers": CALLS}
PLAIN = IngestOptions()


def samples(path: Path, options: IngestOptions = PLAIN) -> list[dict[str, Any]]:
    """The whole input; every split crosses a process boundary in between, as it does in a run."""
    rows: list[dict[str, Any]] = []
    for split in pickle.loads(pickle.dumps(input_blocks(path, options))):  # noqa: S301 - our own object
        for raw in read_split(split):
            assert raw.schema == RAW
            table = records_to_samples(raw, options)
            assert table.schema == SAMPLE_HEAD
            rows += table.to_pylist()
    return rows


def lines(path: Path, *rows: Any) -> Path:
    path.write_bytes(b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows) + b"\n")
    return path


def fault_code(row: dict[str, Any]) -> str:
    fault = judge(row["record"], row["tools"], row["style"]).fault
    return fault.code if fault else ""


def test_a_record_as_json_values_or_as_encoded_strings_or_in_parquet_is_the_same_sample(tmp_path: Path) -> None:
    encoded = {**ROW, "tools": dumps([TOOL]), "answers": dumps(CALLS)}
    (values,) = samples(lines(tmp_path / "a.jsonl", ROW))
    (strings,) = samples(lines(tmp_path / "b.ndjson", encoded))
    pq.write_table(pa.Table.from_pylist([encoded]), tmp_path / "c.parquet")
    pq.write_table(pa.Table.from_pylist([ROW]), tmp_path / "d.parquet")
    (texts,) = samples(tmp_path / "c.parquet")
    (structs,) = samples(tmp_path / "d.parquet")
    for row in (values, strings, texts, structs):
        assert json.loads(row["record"]) == {"query": "How large?", "answers": CALLS}
        assert json.loads(row["tools"]) == [TOOL]
        assert row["source_id"] == "a"
        assert fault_code(row) == ""
        assert (row["style"], row["api_ids"], row["reply"], row["round"], row["pair"]) == (None, None, None, 0, 0)


def test_what_is_wrong_in_a_record_stays_to_be_seen(tmp_path: Path) -> None:
    def variant(old: str, new: str) -> bytes:
        return json.dumps(ROW).replace(old, new).encode()

    expected = [
        (variant('"base": 1', '"base": NaN'), "non_finite_number"),
        (variant('"base": 1', '"base": 1e999'), "non_finite_number"),
        (variant('"base": 1', '"base": 1, "base": 2'), "duplicate_key"),
        (variant("How large?", "\\ud83d"), "bad_unicode"),
        (variant("How large?", "\xff").decode().encode("latin-1"), "bad_unicode"),
        (variant('"How large?"', "3"), "bad_query"),
        (variant('"query"', '"question"'), "missing_key"),
        (variant('"tools"', '"functions"'), "bad_tools"),
        (variant('"answers": [', '"answers": 3, "more": ['), "answers_not_list"),
        (json.dumps({**ROW, "answers": "[area(base=1)]"}).encode(), "answers_not_list"),
        (json.dumps({**ROW, "answers": '[], "x": []'}).encode(), "answers_not_list"),
    ]
    rows = samples(lines(tmp_path / "a.jsonl", *(text for text, _ in expected)))
    assert [fault_code(row) for row in rows] == [code for _, code in expected]
    assert {row["source_id"] for row in rows} == {"a"}


def test_lines_that_are_no_record_come_out_once_each(tmp_path: Path) -> None:
    bad: list[tuple[bytes, str]] = [
        (b"not json", "not_json"),
        (b'{"id": "cut off", "query": "x"', "not_json"),
        (b'{"id": "x"} {"id": "y"}', "not_json"),
        (b'{"id": "x",}', "not_json"),
        (b'{"id" 1}', "not_json"),
        (b"[1]", "not_a_record"),
        (b"null", "not_a_record"),
        (b'{"query": "a", "query": "b", "answers": [], "tools": []}', "duplicate_key"),
        (b"\xff\xfe", "not_json"),
        (b'{"a": "\\\xff"}', "not_json"),
        (b"[" * 100_000, "not_json"),
        (b"1" * 5000, "not_json"),
        (b"{}", "missing_key"),
        (b"\x00", "not_json"),
    ]
    path = lines(tmp_path / "a.jsonl", ROW, *(text for text, _ in bad), ROW)
    rows = samples(path)
    assert [fault_code(row) for row in rows] == ["", *(code for _, code in bad), ""]
    assert len({row["sample_id"] for row in rows}) == len(rows)
    first = len(json.dumps(ROW)) + 1
    assert rows[1]["source_id"] == f"offset:{first}"
    assert rows[1]["record"] == "not json"
    assert rows[2]["source_id"] == "cut off"  # what could be read of it
    data = path.read_bytes()
    for row, (text, _) in zip(rows[1:], bad, strict=False):
        if row["source_id"].startswith("offset:"):
            assert data[int(row["source_id"][7:]) :].startswith(text + b"\n")


def test_white_space_bom_and_a_missing_last_newline_make_no_difference(tmp_path: Path) -> None:
    text = json.dumps(ROW, indent=None, separators=(" ,\t", " : ")).encode()
    (tmp_path / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + text + b"\r\n\r\n \n" + text)
    assert [fault_code(row) for row in samples(tmp_path / "a.jsonl")] == ["", ""]


def test_ids(tmp_path: Path) -> None:
    rows = [{**ROW, "id": own} for own in ("same", "same", 7, None, {"n": 1})]
    del rows[3]["id"]
    found = samples(lines(tmp_path / "a.jsonl", *rows))
    assert [row["source_id"] for row in found[:3]] == ["same", "same", "7"]
    assert found[3]["source_id"].startswith("offset:")
    assert found[4]["source_id"] == '{"n": 1}'
    assert len({row["sample_id"] for row in found}) == 5
    (own,) = samples(lines(tmp_path / "b.jsonl", {**ROW, "key": "k"}), IngestOptions(id_column="key"))
    assert own["source_id"] == "k"
    (own,) = samples(lines(tmp_path / "b.jsonl", ROW), IngestOptions(id_column="query"))
    assert (own["source_id"], fault_code(own)) == ("How large?", "")
    texts = {key: [dumps(ROW[key])] * 2 for key in ("query", "tools", "answers")}
    pq.write_table(pa.table({"id": pa.array([1, None]), **texts}), tmp_path / "c.parquet")
    assert [row["source_id"] for row in samples(tmp_path / "c.parquet")] == ["1", "row:1"]


def test_a_reply_column_is_judged_as_it_stands(tmp_path: Path) -> None:
    record = dumps({"query": "How large?", "answers": CALLS})
    replies: list[tuple[Any, str]] = [
        (record, ""),
        (f"```\n{record}\n```", "markdown_fenced"),
        (dumps([record]), "not_a_record"),
        (json.loads(record), ""),
        (None, "not_json"),
        (record.replace("How", "\ud83d"), "bad_unicode"),
        ("", "not_json"),
    ]
    options = IngestOptions(reply_column="said")
    rows = samples(lines(tmp_path / "a.jsonl", *({"said": text, "tools": [TOOL]} for text, _ in replies)), options)
    assert [fault_code(row) for row in rows] == [code for _, code in replies]
    assert rows[1]["record"] == replies[1][0]
    assert rows[4]["record"] is None


@pytest.mark.parametrize(
    ("word", "style"),
    [
        ("simple", "simple"),
        ("Parallel-Multiple", "parallel_multiple"),
        (" parallel multiple ", "parallel_multiple"),
        ("IRRELEVANCE", "irrelevance"),
        ("live_simple", None),
        ("", None),
        (3, None),
        (None, None),
    ],
)
def test_styles(tmp_path: Path, word: Any, style: str | None) -> None:
    (row,) = samples(lines(tmp_path / "a.jsonl", {**ROW, "kind": word}), IngestOptions(style_column="kind"))
    assert row["style"] == style


def test_tools_of_other_forms_are_normalised_or_say_why_not(tmp_path: Path) -> None:
    tools: list[Any] = [
        [{"type": "function", "function": TOOL}],
        [{**TOOL, "parameters": {"type": "dict", "properties": {"base": {"type": "integer"}}, "required": ["base"]}}],
        [],
        "area",
        {"name": "area"},
        [{}],
        ["area"],
        [TOOL, 3],
    ]
    rows = samples(lines(tmp_path / "a.jsonl", *({**ROW, "tools": value} for value in tools)))
    assert [fault_code(row) for row in rows] == ["", "", "unknown_function", *["bad_tools"] * 5]
    assert json.loads(rows[1]["tools"])[0]["parameters"]["type"] == "object"
    kept = json.loads(rows[7]["tools"])
    assert kept["unusable"].startswith("tools[1]: ")
    assert json.loads(kept["given"]) == [TOOL, 3]


def test_api_ids_are_filled_by_name(tmp_path: Path) -> None:
    options = IngestOptions(api_ids={"area": "0123"})
    other = {**TOOL, "name": "volume"}
    rows = samples(lines(tmp_path / "a.jsonl", {**ROW, "tools": [other, TOOL]}, {**ROW, "tools": 3}), options)
    assert [row["api_ids"] for row in rows] == [[None, "0123"], None]


def test_jsonl_splits_hold_every_line_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{**ROW, "id": str(i), "query": "x" * (i * 37 % 400)} for i in range(60)]
    path = lines(tmp_path / "a.jsonl", *rows)
    whole = samples(path)
    monkeypatch.setattr(input_rows, "TABLE_ROWS", 3)
    for size in (1, 100, 700, 5000, path.stat().st_size - 1, path.stat().st_size):
        monkeypatch.setattr(ingest, "SPLIT_BYTES", size)
        splits = input_blocks(path, PLAIN)
        assert splits[0].start == 0
        assert splits[-1].stop == path.stat().st_size
        assert all(left.stop == right.start for left, right in itertools.pairwise(splits))
        assert samples(path) == whole
    assert [row["source_id"] for row in whole] == [str(i) for i in range(60)]


def test_a_line_longer_than_a_split_is_not_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "SPLIT_BYTES", 1000)
    path = lines(tmp_path / "a.jsonl", ROW, {**ROW, "query": "x" * 200_000}, ROW)
    assert [fault_code(row) for row in samples(path)] == ["", "", ""]


def test_parquet_splits_hold_every_row_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {key: [dumps(ROW[key])] * 50 for key in ("query", "tools", "answers")}
    pq.write_table(pa.table({"id": [str(i) for i in range(50)], **texts}), tmp_path / "a.parquet", row_group_size=17)
    whole = samples(tmp_path / "a.parquet")
    assert [row["source_id"] for row in whole] == [str(i) for i in range(50)]
    for rows, table in ((1, 1), (5, 3), (7, 100), (17, 4), (100, 6)):
        monkeypatch.setattr(ingest, "SPLIT_ROWS", rows)
        monkeypatch.setattr(input_rows, "TABLE_ROWS", table)
        assert samples(tmp_path / "a.parquet") == whole


def test_parquet_that_is_not_utf8_or_has_odd_types(tmp_path: Path) -> None:
    def row(query: pa.Array, answers: pa.Array | None = None) -> str:
        columns = {"query": query, "answers": answers if answers is not None else pa.array([dumps(CALLS)])}
        pq.write_table(pa.table({**columns, "tools": pa.array([dumps([TOOL])])}), tmp_path / "a.parquet")
        (found,) = samples(tmp_path / "a.parquet")
        return fault_code(found)

    bytes_of = pa.array([b"\xff"], pa.binary())
    assert row(pa.StringArray.from_buffers(1, *bytes_of.buffers()[1:])) == "bad_unicode"
    assert row(bytes_of) == "bad_unicode"
    assert row(pa.array([b"ok"], pa.binary())) == ""
    assert row(pa.array(["ok"]).dictionary_encode()) == ""
    assert row(pa.array(["ok"], pa.large_string())) == ""
    assert row(pa.array([None], pa.string())) == "missing_key"
    assert row(pa.array([3])) == "bad_query"
    assert row(pa.array(["ok"]), pa.array([[{"name": "area", "arguments": {"base": 1, "other": None}}]])) == ""
    nested = pa.StringArray.from_buffers(1, *bytes_of.buffers()[1:])
    broken = pa.ListArray.from_arrays(pa.array([0, 1]), pa.StructArray.from_arrays([nested], names=["name"]))
    assert row(pa.array(["ok"]), broken) == "bad_unicode"


def test_a_folder_is_all_its_files(tmp_path: Path) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    lines(tmp_path / "in" / "b.jsonl", ROW, {**ROW, "id": None})
    pq.write_table(pa.Table.from_pylist([ROW]), tmp_path / "in" / "sub" / "a.parquet")
    lines(tmp_path / "in" / "_metadata.jsonl", ROW)
    (tmp_path / "in" / "notes.txt").write_text("no")
    rows = samples(tmp_path / "in")
    assert [row["source_id"] for row in rows] == ["a", f"b.jsonl:offset:{len(json.dumps(ROW)) + 1}", "a"]
    assert len({row["sample_id"] for row in rows}) == 3
    os.rename(tmp_path / "in", tmp_path / "moved")
    assert samples(tmp_path / "moved") == rows  # ids do not hang on where the folder is


def test_a_column_that_one_file_lacks_is_null_there(tmp_path: Path) -> None:
    lines(tmp_path / "a.jsonl", ROW)
    pq.write_table(pa.table({"id": ["x", "y"]}), tmp_path / "b.parquet")
    pq.write_table(pa.table({"unrelated": [1, 2]}), tmp_path / "c.parquet")
    assert [fault_code(row) for row in samples(tmp_path)] == ["", *["missing_key"] * 4]


def test_unusable_inputs_name_the_file_and_the_mend(tmp_path: Path) -> None:
    def refused(path: Path, options: IngestOptions = PLAIN) -> str:
        with pytest.raises(RecordError) as caught:
            input_blocks(path, options)
        assert caught.value.mend
        return caught.value.message

    assert "does not exist" in refused(tmp_path / "none.jsonl")
    (tmp_path / "a.csv").write_text("x")
    assert "neither JSONL nor Parquet" in refused(tmp_path / "a.csv")
    assert "holds no" in refused(tmp_path)
    (tmp_path / "a.jsonl").write_text("")
    assert "has no rows" in refused(tmp_path / "a.jsonl")
    lines(tmp_path / "a.jsonl", {"query": "x", "answers": []})
    assert "'tools'" in refused(tmp_path / "a.jsonl")
    lines(tmp_path / "a.jsonl", ROW)
    for option in ("id_column", "reply_column", "style_column"):
        assert "'ident'" in refused(tmp_path / "a.jsonl", IngestOptions(**{option: "ident"}))
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    assert "cannot be read" in refused(tmp_path / "a.parquet")
    pq.write_table(pa.table([["x"], ["y"]], names=["query", "query"]), tmp_path / "a.parquet")
    assert "more than one column 'query'" in refused(tmp_path / "a.parquet")


def test_a_file_that_vanishes_is_a_record_error(tmp_path: Path) -> None:
    (split,) = input_blocks(lines(tmp_path / "a.jsonl", ROW), PLAIN)
    (tmp_path / "a.jsonl").unlink()
    with pytest.raises(RecordError, match=r"a\.jsonl cannot be read"):
        list(read_split(split))


def test_a_column_is_found_however_late_and_however_escaped(tmp_path: Path) -> None:
    late = lines(tmp_path / "a.jsonl", *[{"filler": "x" * 1000}] * 2200, {**ROW, "réponse": "x"})
    assert input_blocks(late, IngestOptions(reply_column="réponse"))
    for chunk in (1 << 20, 2 << 20):  # the name across the end of what is read at once
        start = len('{"tools": 1, "filler": "", "sa')
        cut = lines(tmp_path / "b.jsonl", {"tools": 1, "filler": "x" * (chunk - start), "said": "x"})
        assert cut.read_bytes().index(b'"said"') < chunk < cut.read_bytes().index(b'd": "x"')
        assert input_blocks(cut, IngestOptions(reply_column="said"))
