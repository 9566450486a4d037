"""Runs a stage on the rows that reached it and leaves the others as they are; derives the verdict."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

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


def reached(table: pa.Table, earlier: Sequence[str]) -> pa.ChunkedArray:
    """Which rows reached a stage: all earlier ones passed, or were not asked for.

    Args:
        table: sample rows.
        earlier: names of the stages before it.

    Returns:
        Booleans, one for each row, never null.
    """
    live = pa.chunked_array([pa.repeat(pa.scalar(True), table.num_rows)])
    for name in earlier:
        status, code = table[f"{name}_status"], table[f"{name}_code"]
        passed = pc.equal(status, str(Status.PASSED))
        unasked = pc.and_(pc.equal(status, str(Status.SKIPPED)), pc.equal(code, NOT_REQUESTED))
        live = pc.and_(live, pc.fill_null(pc.or_(passed, unasked), False))
    return live


def check(verifier: Verifier, table: pa.Table, earlier: Sequence[str]) -> pa.Table:
    """One stage over a batch: rows that reached it are judged, the rest is ``skipped: earlier_stage``.

    A defect in a verifier costs the rows that show it (``error: internal_error``), not the run.
    """
    if table.num_rows == 0:
        return table
    live = reached(table, earlier)
    if pc.all(live).as_py():
        return _guarded(verifier, table)
    rest = skipped(verifier.name, table.filter(pc.invert(live)), EARLIER_STAGE)
    judged = table.filter(live)
    if judged.num_rows == 0:
        return rest
    both = pa.concat_tables([_guarded(verifier, judged), rest])
    positions = pa.array(range(table.num_rows))
    order = pa.concat_arrays([positions.filter(_flat(live)), positions.filter(_flat(pc.invert(live)))])
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


def _flat(array: pa.ChunkedArray | pa.Array) -> pa.Array:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
