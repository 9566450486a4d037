"""The rows of a JSONL or Parquet input as they stand there: each once, whatever it holds."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from apigen_ray.errors import EnvironmentFault, RecordError
from apigen_ray.storage import AnyPath, as_path, open_file, open_parquet, reading
from apigen_ray.strict_json import items_at, skip_space
from apigen_ray.tables import conform

JSONL, PARQUET = (".jsonl", ".ndjson"), (".parquet",)
"""The suffixes of the files that are read."""

TABLE_ROWS = 4096
"""Rows of one table that `read_split` yields."""

RAW = pa.schema(
    [
        pa.field("file", pa.string()),  # path under INPUT, or INPUT's own name
        pa.field("location", pa.string()),  # offset:N (bytes) in JSONL, row:N in Parquet, from 0; in a folder FILE:...
        pa.field("id", pa.string()),  # the value where it is a text, else its JSON text
        pa.field("query", pa.string()),  # JSON text
        pa.field("answers", pa.string()),  # JSON text; a JSON-encoded string is decoded
        pa.field("tools", pa.string()),  # JSON text, or any other text that stands in its place
        pa.field("reply", pa.string()),  # the reply's own text
        pa.field("style", pa.string()),  # as it stands there
        pa.field("unread", pa.string()),  # the whole line where it is no JSON object or names a key twice
    ]
)
"""One input row as it was found; a column that the row lacks is null."""

_BOM = b"\xef\xbb\xbf"
_SURROGATE = re.compile("[\ud800-\udfff]")
_READER = json.JSONDecoder()  # lenient: only finds where a value ends, the format verifier judges its text


@dataclass(frozen=True)
class Split:
    """A part of the input that can be read alone.

    Attributes:
        path: the file, as `apigen_ray.storage.as_path` reads it.
        file: its path under INPUT, or INPUT's own name: ids do not hang on what lies above.
        prefix: what tells its rows from those of other files: empty where INPUT is one file.
        start: first byte (JSONL, at the start of a line) or row (Parquet).
        stop: the byte or row after the last.
        columns: the input's column for each column of `RAW` that is read.
    """

    path: str
    file: str
    prefix: str
    start: int
    stop: int
    columns: Mapping[str, str]


def read_split(split: Split) -> Iterator[pa.Table]:
    """The rows of a split as tables of `RAW`, `TABLE_ROWS` rows at most, in their order; blank lines are no rows.

    Raises:
        RecordError: the file cannot be read any more; never for what is in a row.
        EnvironmentFault: the store that it lies in does not answer.
    """
    path = as_path(split.path)
    rows = _parquet_tables if path.suffix.lower() in PARQUET else _line_tables
    with input_file(path):
        yield from rows(path, split)


@contextmanager
def input_file(path: AnyPath) -> Iterator[None]:
    """What is wrong with a file that is read within becomes an error for a person.

    Raises:
        RecordError: the file cannot be opened or is not what its name says.
        EnvironmentFault: the store that it lies in does not answer.
    """
    try:
        with reading(path):
            yield
    except (FileNotFoundError, NotADirectoryError, EnvironmentFault) as error:
        cause = error.__cause__ if isinstance(error, EnvironmentFault) else error
        if isinstance(error, EnvironmentFault) and not (isinstance(path, Path) or isinstance(cause, pa.ArrowException)):
            raise
        mend = "check the file: it may be cut off, or not what it is called"
        raise RecordError(f"{path} cannot be read: {cause}", mend) from error


def _line_tables(path: AnyPath, split: Split) -> Iterator[pa.Table]:
    columns: dict[str, list[str]] = {}  # the other way round; a column may be wanted twice
    for raw, column in split.columns.items():
        columns.setdefault(column, []).append(raw)
    with open_file(path, 1 << 16) as stream:
        stream.seek(split.start)
        data = stream.read(split.stop - split.start)
    rows: list[dict[str, str | None]] = []
    offset = split.start
    for line in data.split(b"\n"):
        place, offset = offset, offset + len(line) + 1
        if place == 0:
            line = line.removeprefix(_BOM)
        if line and not line.isspace():
            text = line.decode("utf-8", "surrogateescape")
            rows.append({"location": f"{split.prefix}offset:{place}", **_line(text, columns)})
        if len(rows) == TABLE_ROWS:
            yield _table(split, _columns(rows))
            rows = []
    if rows:
        yield _table(split, _columns(rows))


def _columns(rows: Sequence[Mapping[str, str | None]]) -> dict[str, list[str | None]]:
    return {name: [row.get(name) for row in rows] for name in RAW.names if name != "file"}


def _line(text: str, columns: Mapping[str, Sequence[str]]) -> dict[str, str | None]:
    """The wanted members of one line, each as the text that stands there: what is wrong within stays to be seen."""
    row: dict[str, str | None] = {}
    try:
        for key, value, span in _members(text, columns):
            for raw in columns.get(key, ()):
                if raw in row:
                    row["unread"] = text
                else:
                    row[raw] = _raw_text(raw, value, span)
    except (ValueError, RecursionError):
        row["unread"] = text
    return row


def _members(text: str, columns: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, Any, str]]:
    """Key, value and the value's own text of each member of the one JSON object that the text is.

    Tools are a long list whose items have mostly been met before: it is not read again, its value is its items' texts.
    """
    position = skip_space(text, 0)
    opening, position = text[position : position + 1], skip_space(text, position + 1)
    if opening != "{":
        raise ValueError("no object")
    closing = ","
    if text[position : position + 1] == "}":
        closing, position = "}", position + 1
    while closing == ",":
        key, end = _READER.raw_decode(text, skip_space(text, position))
        end = skip_space(text, end)
        if not isinstance(key, str) or text[end : end + 1] != ":":
            raise ValueError("no member")
        start = skip_space(text, end + 1)
        known = items_at(text, start) if columns.get(key) == ["tools"] else None
        value, end = _READER.raw_decode(text, start) if known is None else known
        yield key, value, text[start:end]
        position = skip_space(text, end)
        closing, position = text[position : position + 1], position + 1
    if closing != "}" or skip_space(text, position) != len(text):
        raise ValueError("no end")


def _parquet_tables(path: AnyPath, split: Split) -> Iterator[pa.Table]:
    wanted = split.columns
    with open_parquet(path) as parquet:
        skip, group = split.start, 0  # a split lies within one row group
        while skip >= (rows := parquet.metadata.row_group(group).num_rows):
            skip, group = skip - rows, group + 1
        have = [column for column in wanted.values() if column in parquet.schema_arrow.names]
        row, left = split.start, split.stop - split.start
        for batch in parquet.iter_batches(TABLE_ROWS, row_groups=[group], columns=have):
            passed = min(skip, batch.num_rows)
            part, skip = batch.slice(passed, left), skip - passed
            if part.num_rows:
                columns = {raw: _raw_column(raw, part[name]) for raw, name in wanted.items() if name in have}
                columns["location"] = [f"{split.prefix}row:{row + i}" for i in range(part.num_rows)]
                yield _table(split, columns)
            row, left = row + part.num_rows, left - part.num_rows
            if not left:
                return


def _raw_column(raw: str, column: pa.Array) -> list[str | None]:
    try:
        values = column.to_pylist(maps_as_pydicts="lossy")
    except UnicodeDecodeError:  # Parquet does not check that its strings are UTF-8
        values = [_undecoded(scalar) for scalar in column]
    return [_raw_text(raw, _plain(value)) for value in values]


def _undecoded(scalar: pa.Scalar) -> Any:
    try:
        return scalar.as_py(maps_as_pydicts="lossy")
    except UnicodeDecodeError:
        # Within a list or struct the bytes cannot be had: a lone surrogate stands for them, and is refused in the end.
        return scalar.as_buffer().to_pybytes() if hasattr(scalar, "as_buffer") else "\udc80"


def _plain(value: Any) -> Any:
    """An Arrow value as JSON has it: the fields that a struct lacks in this row are not there, instead of null."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _raw_text(raw: str, value: Any, span: str | None = None) -> str | None:
    """A value as `RAW` has it.

    Args:
        raw: the column of `RAW`.
        value: the value.
        span: its JSON text where the input has one.
    """
    if raw == "tools" and isinstance(value, str):
        return value
    if raw == "answers" and isinstance(value, str):
        try:
            _READER.decode(value)
        except (ValueError, RecursionError):
            pass  # a text, not an encoded value: stays the string that it is, and the format verifier refuses it
        else:
            return value
    if raw in ("id", "reply", "style") and (value is None or isinstance(value, str)):
        return value
    if span is None:
        return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return span


def _table(split: Split, columns: Mapping[str, list[str | None]]) -> pa.Table:
    """The columns as `RAW`; a row without an id takes its place as one."""
    places = columns["location"]
    ids = columns.get("id", places)
    full: dict[str, list[str | None]] = dict(columns)
    full["file"] = [split.file] * len(places)
    full["id"] = [place if own is None else own for own, place in zip(ids, places, strict=True)]
    return conform(pa.table({name: _array(values) for name, values in full.items()}), RAW)


def _array(texts: list[str | None]) -> pa.Array:
    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError:
        return pa.array([None if text is None else _SURROGATE.sub(_escape, text) for text in texts], pa.string())


def _escape(match: re.Match[str]) -> str:
    """A byte or half pair that UTF-8 cannot hold, as JSON escapes it, so that a strict reader still refuses it.

    The replacement character keeps a backslash before it from making the escape a harmless one.
    """
    return f"\ufffd\\u{ord(match[0]):04x}"
