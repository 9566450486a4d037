"""Runs a stage on the rows that reached it and leaves the others as they are; derives the verdict."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from apigen_ray.asks.base import Row
from apigen_ray.records import (
    EARLIER_STAGE,
    INTERNAL_ERROR,
    NOT_REQUESTED,
    SAMPLE_HEAD,
    Status,
    Verdict,
    status_fields,
)
from apigen_ray.tables import set_columns
from apigen_ray.verifiers.base import Verifier


def sample_schema(verifiers: Sequence[type[Verifier]]) -> pa.Schema:
    """The one schema of ``samples/``: the head, each verifier's columns, the verdict."""
    fields = list(SAMPLE_HEAD)
    for verifier in verifiers:
        fields += [*verifier.columns, *status_fields(verifier.name)]
    return pa.schema([*fields, pa.field("verdict", pa.string())])


def reached(row: Row, earlier: Sequence[str]) -> bool:
    """Whether a row reached a stage: all earlier ones passed it, or were not asked for.

    Args:
        row: a sample, with at least the statuses and codes of the stages before it.
        earlier: names of these stages.
    """
    for name in earlier:
        status = row[f"{name}_status"]
        if status != Status.PASSED and not (status == Status.SKIPPED and row[f"{name}_code"] == NOT_REQUESTED):
            return False
    return True


def check(verifier: Verifier, table: pa.Table, earlier: Sequence[str]) -> pa.Table:
    """One stage over a batch: rows that reached it are judged, the rest is ``skipped: earlier_stage``.

    A defect in a verifier costs the rows that show it (``error: internal_error``), not the run.
    """
    if table.num_rows == 0:
        return table
    said = table.select(["sample_id", *(f"{name}_{part}" for name in earlier for part in ("status", "code"))])
    live = pa.array([reached(row, earlier) for row in said.to_pylist()])
    if pc.all(live).as_py():
        return _guarded(verifier, table)
    rest = skipped(verifier.name, table.filter(pc.invert(live)), EARLIER_STAGE)
    judged = table.filter(live)
    if judged.num_rows == 0:
        return rest
    both = pa.concat_tables([_guarded(verifier, judged), rest])
    positions = pa.array(range(table.num_rows))
    order = pa.concat_arrays([positions.filter(live), positions.filter(pc.invert(live))])
    return both.take(pc.sort_indices(order))


def skipped(name: str, table: pa.Table, code: str) -> pa.Table:
    """The rows with the stage's status set to ``skipped`` for the reason given."""
    n = table.num_rows
    return set_columns(
        table,
        {f"{name}_status": [str(Status.SKIPPED)] * n, f"{name}_code": [code] * n, f"{name}_detail": [""] * n},
    )


def verdict(table: pa.Table, names: Sequence[str]) -> pa.Table:
    """Sets ``verdict`` from the first stage that did not pass; ``verified`` where there is none."""
    result = pa.chunked_array([pa.repeat(pa.scalar(str(Verdict.VERIFIED)), table.num_rows)])
    for name in reversed(names):
        status = table[f"{name}_status"]
        result = pc.if_else(pc.equal(status, str(Status.REJECTED)), f"fail_{name}", result)
        result = pc.if_else(pc.equal(status, str(Status.ERROR)), str(Verdict.ERROR), result)
    return set_columns(table, {"verdict": result})


def _guarded(verifier: Verifier, table: pa.Table) -> pa.Table:
    try:
        return verifier.check(table)
    except Exception as error:
        if table.num_rows > 1:  # find the row that shows the defect, and judge the others
            half = table.num_rows // 2
            return pa.concat_tables([_guarded(verifier, table.slice(0, half)), _guarded(verifier, table.slice(half))])
        name = verifier.name
        detail = f"{type(error).__name__}: {error}"[:300]
        return set_columns(
            table,
            {f"{name}_status": [str(Status.ERROR)], f"{name}_code": [INTERNAL_ERROR], f"{name}_detail": [detail]},
        )
