"""Samples of a run for a reader: the first that fit a verdict or a code, as plain dictionaries."""

import heapq
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from apigen_ray.config import STAGES, VERDICTS, nearest
from apigen_ray.errors import InputError
from apigen_ray.records import INTERNAL_ERROR, NOT_REQUESTED, Json
from apigen_ray.rundir import RunDir
from apigen_ray.verifiers import VERIFIERS

CODES = (*dict.fromkeys(code for kind in VERIFIERS for code in kind.codes), INTERNAL_ERROR, NOT_REQUESTED)
"""Every code that a stage can give a sample, but for `apigen_ray.records.EARLIER_STAGE`, which says nothing of it."""

JSON_COLUMNS = (
    *("tools", "examples", "candidates", "planned", "planned_results", "planted"),
    *("answers", "results", "semantic_words"),
)
"""Columns of a sample that hold JSON texts of our own. ``record`` and a reply's text are a model's, and stay text."""

_ORDER = ("round", "index", "generator", "pair", "source_id", "sample_id")


@dataclass(frozen=True)
class _Place:
    """Where a row stands in the order of the plan, and where in the files."""

    order: tuple[Any, ...]
    file: Path
    group: int
    row: int


def open_run(path: Path) -> RunDir:
    """The run in a folder.

    Raises:
        InputError: there is no run in it.
    """
    run = RunDir(path)
    if not run.manifest():
        what = "is not a run directory (no manifest.json)" if path.is_dir() else "there is no such folder"
        raise InputError(f"{path}: {what}", "give the folder of a run; apigen ls runs names them")
    return run


def find_samples(run: Path, verdict: str | None = None, code: str | None = None, limit: int = 3) -> list[Json]:
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
    _check("--verdict", verdict, VERDICTS)
    _check("--code", code, CODES)
    first: dict[tuple[Any, ...], _Place] = {}  # in an open round a batch that Ray ran twice may lie in two files
    for place in _places(directory.sample_files(), verdict, code):
        first[place.order] = place
        if len(first) > 1000 + 2 * limit:
            first = {order: first[order] for order in heapq.nsmallest(limit, first)}
    return [_read(first[order]) for order in heapq.nsmallest(limit, first)]


def _check(option: str, word: str | None, known: Sequence[str]) -> None:
    if word is not None and word not in known:
        raise InputError(f"{option}: there is no {word!r}{nearest(word, known)}", f"give one of: {', '.join(known)}")


def _places(files: Sequence[Path], verdict: str | None, code: str | None) -> Iterator[_Place]:
    columns = [*_ORDER, "verdict", *(f"{stage}_code" for stage in STAGES)]
    for file in files:
        if verdict is not None and file.parent.name != f"verdict={verdict}":
            continue
        with pq.ParquetFile(file) as parquet:
            for group in range(parquet.num_row_groups):
                table = parquet.read_row_group(group, columns=columns)
                rows = _fitting(table, code)
                keys = table.select(_ORDER).take(rows).to_pydict().values()
                for row, *values in zip(rows.to_pylist(), *keys, strict=True):
                    yield _Place(tuple(_first(value) for value in values), file, group, row)


def _fitting(table: pa.Table, code: str | None) -> pa.Array:
    """Positions of the rows that a stage gave this code."""
    if code is None:
        return pa.array(range(table.num_rows), pa.int64())
    fits = [pc.fill_null(pc.equal(table[f"{stage}_code"], code), False) for stage in STAGES]
    return pc.indices_nonzero(reduce(pc.or_, fits))


def _first(value: Any) -> tuple[bool, Any]:
    """A key under which nulls come first: records that were only verified have no round or index."""
    return (value is not None, value if value is not None else 0)


def _read(place: _Place) -> Json:
    with pq.ParquetFile(place.file) as parquet:
        row: Json = parquet.read_row_group(place.group).slice(place.row, 1).to_pylist()[0]
    for name in JSON_COLUMNS:
        if row[name] is not None:
            row[name] = _decoded(row[name])
    return row


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:  # answers of a record that format rejected are as they came
        return text
