"""Samples of a run for a reader: the first that fit a verdict or a code, as plain dictionaries."""

import heapq
import json
from collections.abc import Sequence
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from apigen_ray.config import SAMPLE, STAGES, VERDICTS
from apigen_ray.errors import InputError
from apigen_ray.records import INTERNAL_ERROR, NOT_REQUESTED, Json
from apigen_ray.rundir import RunDir
from apigen_ray.sections import nearest
from apigen_ray.storage import AnyPath
from apigen_ray.tables import conform
from apigen_ray.verifiers import VERIFIERS

CODES = (*dict.fromkeys(code for kind in VERIFIERS for code in kind.codes), INTERNAL_ERROR, NOT_REQUESTED)
"""Every code that a stage can give a sample, but for `apigen_ray.records.EARLIER_STAGE`, which says nothing of it."""

JSON_COLUMNS = (
    *("tools", "examples", "candidates", "planned", "planned_results", "planted"),
    *("answers", "results", "semantic_words"),
)
"""Columns of a sample that hold JSON texts of our own. ``record`` and a reply's text are a model's, and stay text."""

_ORDER = ("round", "index", "generator", "pair", "source_id", "sample_id")


def open_run(path: AnyPath) -> RunDir:
    """The run in a folder.

    Raises:
        InputError: there is no run in it.
    """
    run = RunDir(path)
    if not run.manifest():
        what = "is not a run directory (no manifest.json)" if path.is_dir() else "there is no such folder"
        raise InputError(f"{path}: {what}", "give the folder of a run; apigen ls runs names them")
    return run


def find_samples(run: AnyPath, verdict: str | None = None, code: str | None = None, limit: int = 3) -> list[Json]:
    """The first samples of a run, finished or not, in the order in which they were planned.

    Streams: of all rows but a few only the columns that are searched are read, and no more than ``limit`` are held.

    Args:
        run: the run directory.
        verdict: only rows of this verdict.
        code: only rows that a stage rejected, or could not judge, with this code.
        limit: rows at most.

    Returns:
        Every column of `apigen_ray.config.SAMPLE`; those of `JSON_COLUMNS` as values.

    Raises:
        InputError: no run directory, or no such verdict or code: the nearest right one is named.
    """
    directory = open_run(run)
    check_word("--verdict", verdict, VERDICTS)
    check_word("--code", code, CODES)
    verdicts = None if verdict is None else [verdict]
    first: list[tuple[Any, ...]] = []
    for table in directory.read([*_ORDER, *(f"{stage}_code" for stage in STAGES)], verdicts=verdicts):
        keys = table.select(_ORDER).filter(_fits(table, code)).to_pydict().values()
        found = (tuple(map(_nulls_first, values)) for values in zip(*keys, strict=True))
        first = heapq.nsmallest(limit, {*first, *found})  # a set: in an open round a sample may lie in two files
    rows: dict[str, Json] = {}
    wanted = pa.array([order[-1][1] for order in first], pa.string())
    for table in directory.read(verdicts=verdicts, only=wanted) if first else ():
        rows |= {row["sample_id"]: decoded(row) for row in conform(table, SAMPLE).to_pylist()}
    return [rows[name] for name in wanted.to_pylist() if name in rows]


def schema_of(columns: Sequence[str] | None) -> pa.Schema:
    """The schema of some columns of a sample; None: of all."""
    return SAMPLE if columns is None else pa.schema([SAMPLE.field(name) for name in columns])


def check_word(option: str, word: str | None, known: Sequence[str]) -> None:
    """Refuses a word that is none of those known.

    Raises:
        InputError: names the nearest right one.
    """
    if word is not None and word not in known:
        raise InputError(f"{option}: there is no {word!r}{nearest(word, known)}", f"give one of: {', '.join(known)}")


def _fits(table: pa.Table, code: str | None) -> pa.Array:
    """Which rows a stage gave this code."""
    if code is None:
        return pa.repeat(True, table.num_rows)
    return reduce(pc.or_, (pc.fill_null(pc.equal(table[f"{stage}_code"], code), False) for stage in STAGES))


def _nulls_first(value: Any) -> tuple[bool, Any]:
    """A key under which nulls come first: records that were only verified have no round or index."""
    return (value is not None, value if value is not None else 0)


def decoded(row: Json) -> Json:
    """The row with the values of `JSON_COLUMNS` in place of their texts; of those columns that it has."""
    return row | {name: _value(row[name]) for name in JSON_COLUMNS if row.get(name) is not None}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:  # answers of a record that format rejected are as they came
        return text
