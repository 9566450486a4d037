"""Stages on a batch: who is judged, who is passed by, and what becomes of a row."""

from collections.abc import Callable
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from apigen_ray.asks.base import Ask
from apigen_ray.records import REPLY, Verdict
from apigen_ray.tables import set_columns, table_of
from apigen_ray.verifiers import VERIFIERS
from apigen_ray.verifiers.base import Setting, with_verdict
from apigen_ray.verifiers.execution import ExecutionSpec
from apigen_ray.verifiers.semantic_spec import SemanticSpec
from apigen_ray.verifiers.stages import check, reached, sample_schema, skipped, verdict

SETTING = Setting({}, ExecutionSpec(), SemanticSpec())


class First:
    """Rejects what is shouted; a column of its own."""

    name: ClassVar[str] = "first"
    codes: ClassVar[tuple[str, ...]] = ("loud",)
    columns: ClassVar[tuple[pa.Field, ...]] = (pa.field("length", pa.int32()),)
    needs: tuple[Ask, ...] = ()

    def __init__(self, setting: Setting) -> None:
        self.batches: list[list[str]] = []

    def check(self, table: pa.Table) -> pa.Table:
        queries = table["query"].to_pylist()
        self.batches.append(queries)
        if "raise" in queries:
            raise ZeroDivisionError("by the row")
        loud = [query.isupper() for query in queries]
        table = set_columns(table, {"length": [len(query) for query in queries]})
        return with_verdict(
            table,
            self.name,
            ["rejected" if is_loud else "passed" for is_loud in loud],
            ["loud" if is_loud else "" for is_loud in loud],
            ["" for _ in loud],
        )


class Second(First):
    name: ClassVar[str] = "second"
    columns: ClassVar[tuple[pa.Field, ...]] = ()


SCHEMA = sample_schema((First, Second))


def table(*queries: str, **columns: list[str | None]) -> pa.Table:
    rows = [{"sample_id": str(number), "query": query} for number, query in enumerate(queries)]
    return set_columns(table_of(rows, SCHEMA), columns)


def test_the_schema_is_the_head_each_verifiers_columns_and_the_verdict() -> None:
    assert SCHEMA.names[-8:] == [
        "length",
        *("first_status", "first_code", "first_detail"),
        *("second_status", "second_code", "second_detail"),
        "verdict",
    ]
    assert SCHEMA.field("reply").type == REPLY
    names = sample_schema(VERIFIERS).names
    assert len(set(names)) == len(names)


def test_rows_that_an_earlier_stage_ended_are_passed_by_and_the_order_stays() -> None:
    statuses: list[str | None] = ["passed", "rejected", "skipped", "error", "skipped", "passed", None]
    codes: list[str | None] = ["", "loud", "not_requested", "internal_error", "earlier_stage", "", None]
    batch = table("a", "b", "c", "d", "e", "F", "g", first_status=statuses, first_code=codes)
    verifier = Second(SETTING)
    out = check(verifier, batch, ["first"])
    assert verifier.batches == [["a", "c", "F"]]
    assert out.schema == SCHEMA
    assert out["sample_id"].to_pylist() == list("0123456")
    assert out["second_status"].to_pylist() == [
        *("passed", "skipped", "passed", "skipped", "skipped", "rejected", "skipped")
    ]
    assert out["second_code"].to_pylist() == [
        "",
        *["earlier_stage", "", *["earlier_stage"] * 2],
        "loud",
        "earlier_stage",
    ]
    assert out["first_status"].to_pylist() == statuses  # what was said stays


def test_every_earlier_stage_counts() -> None:
    batch = table("a", "b", first_status=["passed", "rejected"], first_code=["", "loud"])
    batch = set_columns(batch, {"second_status": ["rejected", "passed"], "second_code": ["loud", ""]})
    rows = batch.to_pylist()
    assert [reached(row, ["first"]) for row in rows] == [True, False]
    assert [reached(row, ["first", "second"]) for row in rows] == [False, False]
    assert [reached(row, []) for row in rows] == [True, True]


def test_where_nobody_is_left_nobody_is_asked() -> None:
    verifier = Second(SETTING)
    out = check(verifier, table("a", first_status=["error"], first_code=["x"]), ["first"])
    assert out["second_code"].to_pylist() == ["earlier_stage"]
    empty = table()
    assert check(verifier, empty, ["first"]).num_rows == 0
    assert verifier.batches == []


@pytest.mark.parametrize("place", [0, 3, 6])
def test_a_defect_costs_the_row_that_shows_it(place: int) -> None:
    queries = [*"abCdef"]
    queries.insert(place, "raise")
    out = check(First(SETTING), table(*queries), []).to_pylist()
    assert [row["query"] for row in out] == queries
    bad = out.pop(place)
    assert (bad["first_status"], bad["first_code"]) == ("error", "internal_error")
    assert bad["first_detail"] == "ZeroDivisionError: by the row"
    assert [row["first_status"] for row in out] == ["passed", "passed", "rejected", "passed", "passed", "passed"]
    assert [row["length"] for row in out] == [1] * 6


def test_a_skipped_stage_says_why() -> None:
    out = skipped("first", table("a", "b"), "not_requested").to_pylist()
    assert [(row["first_status"], row["first_code"], row["first_detail"]) for row in out] == [
        ("skipped", "not_requested", "")
    ] * 2


# The verdict

CASES: list[tuple[tuple[str, ...], str]] = [
    (("passed", "passed", "passed", "passed"), Verdict.VERIFIED),
    (("passed", "skipped", "skipped", "passed"), Verdict.VERIFIED),
    (("skipped", "skipped", "skipped", "skipped"), Verdict.VERIFIED),
    (("rejected", "skipped", "skipped", "skipped"), "fail_format"),
    (("passed", "rejected", "skipped", "skipped"), "fail_execution"),
    (("passed", "passed", "rejected", "skipped"), "fail_grounding"),
    (("passed", "passed", "passed", "rejected"), "fail_semantic"),
    (("error", "skipped", "skipped", "skipped"), Verdict.ERROR),
    (("passed", "passed", "passed", "error"), Verdict.ERROR),
    (("rejected", "rejected", "error", "error"), "fail_format"),  # the first that did not pass decides
    (("passed", "error", "rejected", "passed"), Verdict.ERROR),
]


def test_the_first_stage_that_did_not_pass_decides() -> None:
    names = [kind.name for kind in VERIFIERS]
    columns = {f"{name}_status": [statuses[place] for statuses, _ in CASES] for place, name in enumerate(names)}
    rows = [{"sample_id": str(number)} for number in range(len(CASES))]
    batch = set_columns(table_of(rows, sample_schema(VERIFIERS)), columns)
    out = verdict(batch, names)
    assert out["verdict"].to_pylist() == [str(want) for _, want in CASES]
    assert out.schema == batch.schema
    assert verdict(batch.slice(0, 0), names).num_rows == 0


@pytest.mark.parametrize("cut", [lambda t: t, lambda t: pa.concat_tables([t.slice(0, 2), t.slice(2)])])
def test_tables_may_come_in_any_number_of_chunks(cut: Callable[[pa.Table], pa.Table]) -> None:
    batch = table("a", "B", "c", first_status=["passed", "passed", "rejected"], first_code=["", "", "loud"])
    out = check(Second(SETTING), cut(batch), ["first"])
    assert out["second_status"].to_pylist() == ["passed", "rejected", "skipped"]
    assert pc.all(pc.equal(out["query"], batch["query"])).as_py()
