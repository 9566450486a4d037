"""The format check on candidates that nobody in the project wrote: no hard error, and the code that belongs to each."""

import json
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from apigen_ray.job.ingest import IngestOptions, input_blocks, read_split, records_to_samples
from apigen_ray.records import SAMPLE_HEAD, status_fields
from apigen_ray.tables import conform
from apigen_ray.verifiers.format import FormatVerifier

CANDIDATES = Path(__file__).parents[2].parent / "shared" / "data" / "bfcl_candidates.jsonl"
OPTIONS = IngestOptions(id_column="case_id", reply_column="response_text", style_column="query_type")

CODE_OF = {
    failure_class: failure_class
    for failure_class in (
        "wrong_type not_json unknown_function call_count missing_required call_shape enum_violation "
        "unexpected_argument arguments_not_object missing_key nested_wrong_type nested_missing_required "
        "answers_not_list markdown_fenced non_finite_number duplicate_key bad_query not_a_record bad_unicode"
    ).split()
}
"""Failure class -> code: the names are the same."""

OTHER_CODES = {
    # An empty object is a record that lacks its keys; the grader calls it no record.
    ("not_a_record", "missing_key"): 2,
    # Either is right where an enum of words meets a number: the type is told first.
    ("enum_violation|wrong_type", "wrong_type"): 3,
}
"""(failure class, our code) of the cases whose names differ, and how many there are in the file."""

pytestmark = pytest.mark.skipif(not CANDIDATES.exists(), reason="shared/data/bfcl_candidates.jsonl is not here")


@lru_cache(maxsize=1)
def graded() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """(what is expected, our row) of each case."""
    schema = pa.schema([*SAMPLE_HEAD, *status_fields("format")])
    verifier = FormatVerifier(None)  # type: ignore[arg-type]  # it reads nothing of the setting
    rows: list[dict[str, Any]] = []
    for split in input_blocks(CANDIDATES, OPTIONS):
        for raw in read_split(split):
            rows += verifier.check(conform(records_to_samples(raw, OPTIONS), schema)).to_pylist()
    with CANDIDATES.open(encoding="utf-8") as lines:
        cases = {case["case_id"]: case["expected"] for case in map(json.loads, lines)}
    assert sorted(cases) == sorted(row["source_id"] for row in rows)  # every case once
    return [(cases[row["source_id"]], row) for row in rows]


def test_no_hard_error_and_no_policy_dependent_difference() -> None:
    differences = [
        (row["source_id"], row["format_code"], row["format_detail"])
        for expected, row in graded()
        if (row["format_status"] == "passed") != (expected["format_check"] == "pass")
    ]
    assert differences == []  # docs/format-policy.md says that there is none of either kind


def test_each_failure_class_has_its_code() -> None:
    found = Counter((expected["failure_class"], row["format_code"] or None) for expected, row in graded())
    differing = {pair: count for pair, count in found.items() if CODE_OF.get(pair[0] or "") != pair[1]}
    assert differing == OTHER_CODES
    assert {pair[1] for pair in found} >= set(CODE_OF)
    assert set(CODE_OF) <= set(FormatVerifier.codes)


def test_each_verdict_says_why() -> None:
    for _, row in graded():
        assert bool(row["format_detail"]) == (row["format_status"] == "rejected")
        if row["format_status"] == "passed":
            assert json.loads(row["answers"]) == json.loads(row["record"])["answers"]
