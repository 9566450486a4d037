"""``verify`` through the whole graph: every input row once, judged as it stands there, whatever it holds."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from apigen_ray.config import SAMPLE
from apigen_ray.errors import ConfigError, RunExistsError
from apigen_ray.job.ingest import IngestOptions
from apigen_ray.job.verify import VerifySpec, verify_records
from apigen_ray.rundir import RunDir
from apigen_ray.storage import read_tables

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_session")]

CANDIDATES = Path(__file__).parents[2].parent / "shared" / "data" / "bfcl_candidates.jsonl"

LIBRARY = '''
"""Arithmetic for this test."""

CATEGORY = "Maths"


def divide(a: float, b: float) -> float:
    """Divides two numbers.

    Args:
        a: the dividend.
        b: the divisor.
    """
    return a / b
'''
TOOL = {
    "name": "divide",
    "description": "Divides two numbers.",
    "parameters": {
        "type": "object",
        "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
        "required": ["a", "b"],
        "additionalProperties": False,
    },
}
OTHER = {**TOOL, "name": "power"}


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


ROWS: list[tuple[str, dict[str, Any], str, str]] = [
    # id, call, verdict, code of the stage that ended its way
    ("right", call("divide", a=1, b=2), "verified", ""),
    ("by zero", call("divide", a=1, b=0), "fail_execution", "exec_error"),
    ("text", call("divide", a=1, b="2"), "fail_format", "wrong_type"),
    ("unknown", call("times", a=1, b=2), "fail_format", "unknown_function"),
    ("not ours", call("power", a=1, b=2), "verified", "not_requested"),  # offered, but there is nothing to execute
]


def rows_of(run: RunDir) -> dict[str, dict[str, Any]]:
    rows = [row for file in run.sample_files() for row in pq.ParquetFile(file).read().to_pylist()]
    assert all(table.schema.equals(SAMPLE) for table in read_tables(run.sample_files()))
    by_id = {row["source_id"]: row for row in rows}
    assert len(by_id) == len(rows)
    return by_id


def write_jsonl(path: Path) -> None:
    lines = [
        json.dumps({"id": id_, "query": "How much is it?", "tools": [TOOL, OTHER], "answers": [made]})
        for id_, made, _, _ in ROWS
    ]
    path.write_bytes("\n".join([*lines[:2], "", '{"id": "cut", "query": ', *lines[2:], "\xff"]).encode("latin-1"))


def write_parquet(path: Path) -> None:
    columns = {
        "id": [id_ for id_, _, _, _ in ROWS],
        "query": ["How much is it?"] * len(ROWS),
        "tools": [json.dumps([TOOL, OTHER])] * len(ROWS),
        "answers": [json.dumps([made]) for _, made, _, _ in ROWS],
    }
    pq.write_table(pa.table(columns), path, row_group_size=2)


@pytest.fixture
def library(tmp_path: Path) -> str:
    path = tmp_path / "own.py"
    path.write_text(LIBRARY)
    return str(path)


@pytest.mark.parametrize(("suffix", "write", "broken"), [("jsonl", write_jsonl, 2), ("parquet", write_parquet, 0)])
def test_every_row_once_with_the_verdict_of_its_first_stage_that_did_not_pass(
    tmp_path: Path, library: str, suffix: str, write: Callable[[Path], None], broken: int
) -> None:
    source = tmp_path / f"input.{suffix}"
    write(source)
    result = verify_records(source, tmp_path / "out", IngestOptions(), VerifySpec.load(library=library))
    rows = rows_of(result.run)
    assert len(rows) == result.summary.samples == len(ROWS) + broken
    for id_, _, verdict, code in ROWS:
        row = rows[id_]
        stage = "format" if verdict == "fail_format" else "execution"
        assert (row["verdict"], row[f"{stage}_code"]) == (verdict, code), id_
        assert row["semantic_code"] == row["grounding_code"] == "not_requested"
    assert json.loads(rows["right"]["results"]) == [{"status": "passed", "value": "0.5"}]
    unread = [row for id_, row in rows.items() if id_ == "cut" or id_.startswith("offset:")]
    assert [row["format_code"] for row in unread] == ["not_json"] * broken
    assert result.run.manifest()["kind"] == "verify"
    assert result.run.result()["outcome"] == "done"
    assert result.run.result()["verified"] == 2
    assert result.run.closed_rounds() == [0]


def test_a_run_is_only_written_over_when_asked(tmp_path: Path) -> None:
    source = tmp_path / "input.jsonl"
    write_jsonl(source)
    out, spec = tmp_path / "out", VerifySpec.load()
    verify_records(source, out, IngestOptions(), spec)
    with pytest.raises(RunExistsError, match="--clean"):
        verify_records(source, out, IngestOptions(), spec)
    write_parquet(tmp_path / "input.parquet")
    result = verify_records(tmp_path / "input.parquet", out, IngestOptions(), spec, clean=True)
    assert len(rows_of(result.run)) == len(ROWS)


def test_what_is_not_a_run_is_left_alone(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "input.jsonl")
    with pytest.raises(RunExistsError, match="not empty"):
        verify_records(tmp_path / "input.jsonl", tmp_path, IngestOptions(), VerifySpec.load(), clean=True)
    assert (tmp_path / "input.jsonl").exists()


@pytest.mark.skipif(not CANDIDATES.exists(), reason="shared/data/bfcl_candidates.jsonl is not here")
def test_foreign_candidates_come_out_as_expected(tmp_path: Path) -> None:
    options = IngestOptions(id_column="case_id", reply_column="response_text", style_column="query_type")
    result = verify_records(CANDIDATES, tmp_path / "out", options, VerifySpec.load(stages=["format"]))
    rows = rows_of(result.run)
    with CANDIDATES.open(encoding="utf-8") as lines:
        cases = {case["case_id"]: case["expected"] for case in map(json.loads, lines)}
    assert rows.keys() == cases.keys()
    wrong = [
        id_
        for id_, expected in cases.items()
        if (rows[id_]["format_status"] == "passed") != (expected["format_check"] == "pass")
        and not expected["policy_dependent"]
    ]
    assert wrong == []


def test_the_default_stages_follow_the_library(library: str) -> None:
    assert VerifySpec.load().stages == ("format",)
    assert VerifySpec.load(library="builtin").stages == ("format", "execution")
    assert VerifySpec.load(library=library, stages=["grounding", "format"]).stages == ("format", "grounding")


@pytest.mark.parametrize(
    ("sections", "stages", "says"),
    [
        ({}, ["fromat"], "did you mean 'format'"),
        ({}, ["execution"], "format is needed"),
        ({"stages": []}, None, "format is needed"),
        ({}, ["format", "execution"], "--library"),
        ({}, ["semantic", "format"], "section `judge`"),
        ({"exection": {}}, None, "exection: unknown key.*'execution'"),
        ({"execution": {"timeout_s": 0}}, None, "execution.timeout_s"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    tmp_path: Path, sections: dict[str, Any], stages: list[str] | None, says: str
) -> None:
    path = tmp_path / "judge.yaml"
    path.write_text(json.dumps(sections))
    with pytest.raises(ConfigError, match=says):
        VerifySpec.load(path, stages=stages)


def test_sections_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "judge.yaml"
    path.write_text("execution: {timeout_s: 2}\nsemantic: {checks: [wording]}\nstages: [format, semantic]\n")
    spec = VerifySpec.load(path)
    assert spec.execution.timeout_s == 2
    assert spec.stages == ("format", "semantic")
