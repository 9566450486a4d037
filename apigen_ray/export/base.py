"""The contract of an export: rows of a run in, files that another program reads out."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Protocol

import pyarrow as pa

from apigen_ray.export.files import Files, Part
from apigen_ray.records import Call, Json, dumps
from apigen_ray.strict_json import JsonProblem, loads

COLUMNS = ("sample_id", "source_id", "query", "tools", "answers", "results")
"""What a `Sample` is read from."""

NO_CALL = "None of the functions I was given can do that."
"""What the assistant says in a row without calls, in the formats of conversations: a turn of theirs cannot be empty."""


_LONG = re.compile(r"\d{19}")


class UnfitError(ValueError):
    """A row that a format cannot say; ``str(error)`` is the reason, the same words for all rows that share it."""


@dataclass(frozen=True)
class Sample:
    """What every format but the plain ones is made from. The values are shared between rows: not to be changed.

    Attributes:
        sample_id: the row's own id, 24 hex digits.
        name: the id that its record came with where ``apigen verify`` read it, else ``sample_id``.
        query: the request.
        tools: the offered functions in the form of `apigen_ray.records.Api.tool`.
        calls: none in a relevance row.
        results: an outcome for each call (``status``, ``value``, ``code``, ``detail``), or None where none was made.
    """

    sample_id: str
    name: str
    query: str
    tools: tuple[Json, ...]
    calls: tuple[Call, ...]
    results: tuple[Json, ...] | None


class Export(Protocol):
    """One format. A new one is a file with such a class and a line in `apigen_ray.export.EXPORTS`.

    ::

        class Csv:
            '''Query and number of calls, for a spreadsheet.'''

            name, columns, with_results = "csv", COLUMNS, False

            def __init__(self, results: bool = False) -> None: ...

            def write(self, rows, split, files):
                part = Part(f"{split}.csv", split)
                return write_samples(rows, files, lambda s: [(part, f"{s.query!r},{len(s.calls)}")])

            def features(self, config): return None

            def finish(self, files): ...

    Attributes:
        name: as it is given to ``--to``.
        columns: of `apigen_ray.config.SAMPLE`, those that are read.
        with_results: whether it can also show what the calls gave back (``--results``).
    """

    name: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]
    with_results: ClassVar[bool]

    def __init__(self, results: bool = False) -> None: ...

    def write(self, rows: pa.Table, split: str, files: Files) -> Counter[str]:
        """Writes rows of one split.

        Args:
            rows: some thousand rows at most, with `columns`.
            split: the name of the split.
            files: where to.

        Returns:
            The rows that were left out, by reason.
        """
        ...

    def features(self, config: str) -> list[Json] | None:
        """The columns of a config for the dataset card, as ``datasets`` writes them; None: the files tell."""
        ...

    def finish(self, files: Files) -> None:
        """Writes what else the consumer needs, once all rows are there."""
        ...


def texts(*names: str) -> list[Json]:
    """Features of columns that hold text; told, because a loader would take a text like a date for a date."""
    return [{"name": name, "dtype": "string"} for name in names]


def write_samples(rows: pa.Table, files: Files, lines: Callable[[Sample], Iterable[tuple[Part, str]]]) -> Counter[str]:
    """Writes the lines that a format makes of each row.

    Args:
        rows: with `COLUMNS`.
        files: where to.
        lines: of one sample: where each line goes, and its text; raises `UnfitError` where there is none.

    Returns:
        The rows that were left out, by reason.
    """
    left: Counter[str] = Counter()
    for sample in samples(rows):
        try:
            if isinstance(sample, UnfitError):
                raise sample
            made = list(lines(sample))  # a row is written with all its lines or not at all
        except UnfitError as reason:
            left[str(reason)] += 1
        else:
            for part, line in made:
                files.add_line(part, line)
    return left


def nested(value: Json) -> str:
    """The JSON text of a line whose columns hold values, not JSON texts.

    Raises:
        UnfitError: a whole number in it is beyond 64 bits: ``datasets`` would refuse not this line, but the whole file.
    """
    line = dumps(value)
    if _LONG.search(line):  # or there is none for sure
        json.loads(line, parse_int=_whole)
    return line


def _whole(digits: str) -> None:
    if not -(2**63) <= int(digits) < 2**64:
        raise UnfitError("a whole number beyond 64 bits")


def samples(rows: pa.Table) -> Iterator[Sample | UnfitError]:
    """The samples of rows with `COLUMNS`, in their order; of a row that is none, why."""
    for row in rows.select(COLUMNS).to_pylist():
        try:
            yield _sample(row)
        except UnfitError as reason:
            yield reason


def _sample(row: Json) -> Sample:
    if not (row["query"] or "").strip():
        raise UnfitError("no query that could be read")
    answers = _list(row["answers"])
    if answers is None or not all(_has(item, name=str, arguments=dict) for item in answers):
        raise UnfitError("no calls that could be read")
    tools = _tools(row["tools"])
    if tools is None:
        raise UnfitError("offered functions that cannot be used")
    results = _list(row["results"])
    return Sample(
        sample_id=row["sample_id"],
        name=row["source_id"] or row["sample_id"],
        query=row["query"],
        tools=tools,
        calls=tuple(Call(item["name"], item["arguments"]) for item in answers),
        results=None if results is None else tuple(results),
    )


def _list(text: str | None) -> list[Any] | None:
    try:
        value = None if text is None else loads(text)
    except JsonProblem:
        return None
    return value if isinstance(value, list) else None


@lru_cache(maxsize=4096)
def _tools(text: str | None) -> tuple[Json, ...] | None:
    found = _list(text)  # tools that cannot be used are kept as an object that says why
    fit = found is not None and all(_has(tool, name=str, description=str, parameters=dict) for tool in found)
    return tuple(found) if found is not None and fit else None


def _has(item: Any, **members: type) -> bool:
    return isinstance(item, dict) and all(isinstance(item.get(name), kind) for name, kind in members.items())
