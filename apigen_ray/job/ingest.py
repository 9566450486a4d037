"""Records that exist already, for ``apigen verify INPUT``: JSONL or Parquet in splits, each row once, as samples."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from apigen_ray.errors import RecordError
from apigen_ray.library.forms import normalise_tool
from apigen_ray.records import SAMPLE_HEAD, Style, content_hash, dumps
from apigen_ray.strict_json import JsonProblem, loads
from apigen_ray.tables import conform
from apigen_ray.verifiers.format import unusable_tools

SPLIT_BYTES = 8 << 20
"""Of a JSONL file: some thousands of records, less than a second of work."""

SPLIT_ROWS = 50_000
"""Of a Parquet file: a row group of more rows is cut, at the price of reading past its first rows again."""

TABLE_ROWS = 4096
"""Rows of one table that `read_split` yields."""

RAW = pa.schema(
    [
        pa.field("file", pa.string()),  # path under INPUT, or INPUT's own name
        pa.field("location", pa.string()),  # offset:N (bytes) in JSONL, row:N in Parquet, from 0; in a folder FILE:...
        pa.field("id", pa.string()),  # the value where it is a text, else its JSON text
        pa.field("query", pa.string()),  # JSON text
        pa.field("answers", pa.string()),  # JSON text; a JSON-encoded string is decoded
        pa.field("tools", pa.string()),  # likewise
        pa.field("reply", pa.string()),  # the reply's own text
        pa.field("style", pa.string()),  # as it stands there
        pa.field("unread", pa.string()),  # the whole line where it is no JSON object or names a key twice
    ]
)
"""One input row as it was found; a column that the row lacks is null."""

_JSONL, _PARQUET = (".jsonl", ".ndjson"), (".parquet",)
_STYLES = frozenset(str(style) for style in Style)
_BOM = b"\xef\xbb\xbf"
_SPACE = re.compile(r"[ \t\n\r]*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_READER = json.JSONDecoder()  # lenient: only finds where a value ends, the format verifier judges its text


@dataclass(frozen=True)
class IngestOptions:
    """Which columns of the input mean what.

    Attributes:
        id_column: the records' own id; None takes ``id`` where there is one.
        reply_column: the raw reply of a model, to be judged instead of ``query`` and ``answers``.
        style_column: the query style; None (or an unknown style in a row) asks for no number of calls.
        api_ids: ``api_id`` by name, of the library that the calls are to be executed against.
    """

    id_column: str | None = None
    reply_column: str | None = None
    style_column: str | None = None
    api_ids: Mapping[str, str] | None = None

    def columns(self) -> dict[str, str]:
        """The input's column for each column of `RAW` that is read."""
        wanted = {"id": self.id_column or "id", "tools": "tools", "style": self.style_column}
        wanted |= {"reply": self.reply_column} if self.reply_column else {"query": "query", "answers": "answers"}
        return {raw: column for raw, column in wanted.items() if column is not None}

    def required(self) -> list[str]:
        """The columns that at least one row must have."""
        return [column for raw, column in self.columns().items() if raw != "id" or self.id_column]


@dataclass(frozen=True)
class Split:
    """A part of the input that can be read alone.

    Attributes:
        path: the file.
        file: its path under INPUT, or INPUT's own name: ids do not hang on what lies above.
        prefix: what tells its rows from those of other files: empty where INPUT is one file.
        start: first byte (JSONL, at the start of a line) or row (Parquet).
        stop: the byte or row after the last.
        columns: `IngestOptions.columns`.
    """

    path: str
    file: str
    prefix: str
    start: int
    stop: int
    columns: Mapping[str, str]


def input_blocks(path: str | Path, options: IngestOptions) -> list[Split]:
    """The splits of a file, or of every JSONL and Parquet file in a folder, in the order of the files' names.

    Args:
        path: a ``.jsonl``, ``.ndjson`` or ``.parquet`` file, or a folder; in it, names with a leading dot or
            underscore are passed over.
        options: which columns to read.

    Raises:
        RecordError: nothing is there, nothing in it can be read, or a column that is asked for is in no row.
    """
    root = Path(path)
    files = _files(root)
    wanted, missing = options.columns(), options.required()
    splits: list[Split] = []
    for file in files:
        name, prefix = file.name, ""
        if root.is_dir():
            name = file.relative_to(root).as_posix()
            prefix = f"{name}:"
        try:
            if file.suffix.lower() in _PARQUET:
                columns, ranges = _parquet_ranges(file)
                _refuse_twice(file, [column for column in wanted.values() if columns.count(column) > 1])
                missing = [column for column in missing if column not in columns]
            else:
                ranges = _line_ranges(file)
                missing = _not_in_lines(file, missing)
        except (OSError, pa.ArrowException) as error:
            raise _unreadable(file, error) from error
        splits += [Split(str(file), name, prefix, start, stop, wanted) for start, stop in ranges]
    if not splits:
        raise RecordError(f"{path} has no rows", "give a file with one record per line or row")
    if missing:
        raise RecordError(
            f"{path}: no row has the column {', '.join(map(repr, missing))}",
            "name the right one with --id-column, --reply-column or --style-column; "
            "without a reply column the rows need query, tools and answers",
        )
    return splits


def read_split(split: Split) -> Iterator[pa.Table]:
    """The rows of a split as tables of `RAW`, `TABLE_ROWS` rows at most, in their order; blank lines are no rows.

    Raises:
        RecordError: the file cannot be read any more; never for what is in a row.
    """
    rows = _parquet_tables if Path(split.path).suffix.lower() in _PARQUET else _line_tables
    try:
        yield from rows(split)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(split.path, error) from error


def records_to_samples(batch: pa.Table, options: IngestOptions) -> pa.Table:
    """Input rows as sample rows of `apigen_ray.records.SAMPLE_HEAD`, each once and in their order.

    ``sample_id`` is the hash of the row's place in the input, so that it is unique where ids are not; ``source_id`` is
    the row's id, or its place where it has none. Tools that cannot be normalised are kept as
    `apigen_ray.verifiers.format.unusable_tools`, a row that could not be taken apart is a record of its whole text:
    the format verifier then says what is wrong with them.

    Args:
        batch: rows of `RAW`.
        options: as given to `input_blocks`.
    """
    raw = {name: batch[name].to_pylist() for name in RAW.names}
    places = list(zip(raw["file"], raw["location"], strict=True))
    records = raw["reply"] if options.reply_column else map(_record, raw["query"], raw["answers"])
    tools = [_offered(text) for text in raw["tools"]]
    ids = options.api_ids
    columns = {
        "sample_id": [content_hash("input", *place) for place in places],
        "source_id": raw["id"],
        "round": [0] * len(places),
        "style": [_style(text) for text in raw["style"]],
        "tools": [text for text, _ in tools],
        "api_ids": [None if ids is None or names is None else [ids.get(name) for name in names] for _, names in tools],
        "pair": [0] * len(places),
        "record": [read if unread is None else unread for read, unread in zip(records, raw["unread"], strict=True)],
    }
    arrays = {name: pa.array(values, SAMPLE_HEAD.field(name).type) for name, values in columns.items()}
    return conform(pa.table(arrays), SAMPLE_HEAD)


# Where the rows are


def _files(root: Path) -> list[Path]:
    suffixes = (*_JSONL, *_PARQUET)
    mend = f"give a file that ends in {', '.join(suffixes)}, or a folder of such files"
    if not root.exists():
        raise RecordError(f"{root} does not exist", mend)
    if root.is_file():
        if root.suffix.lower() not in suffixes:
            raise RecordError(f"{root} is neither JSONL nor Parquet by its name", mend)
        return [root]
    files = [
        file
        for file in sorted(root.rglob("*"))
        if file.suffix.lower() in suffixes
        and file.is_file()
        and not any(part.startswith((".", "_")) for part in file.relative_to(root).parts)
    ]
    if not files:
        raise RecordError(f"{root} holds no JSONL or Parquet file", mend)
    return files


def _unreadable(path: str | Path, error: Exception) -> RecordError:
    return RecordError(f"{path} cannot be read: {error}", "check the file: it may be cut off, or not what it is called")


def _refuse_twice(file: Path, columns: list[str]) -> None:
    if columns:
        raise RecordError(f"{file} has more than one column {columns[0]!r}", "rename all but one of them")


def _line_ranges(file: Path) -> list[tuple[int, int]]:
    """Byte ranges of about `SPLIT_BYTES`, each at the start of a line."""
    size = file.stat().st_size
    starts = [0] if size else []
    with file.open("rb") as stream:
        while starts and starts[-1] + SPLIT_BYTES < size:
            stream.seek(starts[-1] + SPLIT_BYTES)
            while (chunk := stream.readline(1 << 16)) and not chunk.endswith(b"\n"):
                pass  # a line of any length, without holding it
            if stream.tell() >= size:
                break
            starts.append(stream.tell())
    return list(zip(starts, [*starts[1:], size], strict=True)) if starts else []


def _not_in_lines(file: Path, columns: list[str]) -> list[str]:
    """Those columns whose quoted name stands nowhere in the file; it is read only until all have been met."""
    left = {column: {json.dumps(column).encode(), dumps(column).encode("utf-8", "replace")} for column in columns}
    longest = max((len(name) for names in left.values() for name in names), default=0)
    with file.open("rb") as stream:
        tail = b""
        while left and (chunk := stream.read(1 << 20)):
            window = tail + chunk
            left = {column: names for column, names in left.items() if not any(name in window for name in names)}
            tail = window[-longest:]
    return list(left)


def _parquet_ranges(file: Path) -> tuple[list[str], list[tuple[int, int]]]:
    with pq.ParquetFile(file) as parquet:
        groups = [parquet.metadata.row_group(index).num_rows for index in range(parquet.num_row_groups)]
        columns = parquet.schema_arrow.names
    ranges, first = [], 0
    for rows in groups:
        ranges += [(start, min(start + SPLIT_ROWS, first + rows)) for start in range(first, first + rows, SPLIT_ROWS)]
        first += rows
    return columns, ranges


# What stands in a row


def _line_tables(split: Split) -> Iterator[pa.Table]:
    columns = {column: raw for raw, column in split.columns.items()}
    with open(split.path, "rb") as stream:
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


def _line(text: str, columns: Mapping[str, str]) -> dict[str, str | None]:
    """The wanted members of one line, each as the text that stands there: what is wrong within stays to be seen."""
    row: dict[str, str | None] = {}
    try:
        for key, value, span in _members(text):
            raw = columns.get(key)
            if raw in row:
                row["unread"] = text
            elif raw is not None:
                row[raw] = _raw_text(raw, value, span)
    except (ValueError, RecursionError):
        row["unread"] = text
    return row


def _members(text: str) -> Iterator[tuple[str, Any, str]]:
    """Key, value and the value's own text of each member of the one JSON object that the text is."""
    position = _space(text, 0)
    opening, position = text[position : position + 1], _space(text, position + 1)
    if opening != "{":
        raise ValueError("no object")
    closing = ","
    if text[position : position + 1] == "}":
        closing, position = "}", position + 1
    while closing == ",":
        key, end = _READER.raw_decode(text, _space(text, position))
        end = _space(text, end)
        if not isinstance(key, str) or text[end : end + 1] != ":":
            raise ValueError("no member")
        start = _space(text, end + 1)
        value, end = _READER.raw_decode(text, start)
        yield key, value, text[start:end]
        position = _space(text, end)
        closing, position = text[position : position + 1], position + 1
    if closing != "}" or _space(text, position) != len(text):
        raise ValueError("no end")


def _space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _parquet_tables(split: Split) -> Iterator[pa.Table]:
    wanted = split.columns
    with pq.ParquetFile(split.path) as parquet:
        groups: list[int] = []
        first = skip = 0
        for index in range(parquet.num_row_groups):
            rows = parquet.metadata.row_group(index).num_rows
            if first < split.stop and first + rows > split.start:
                skip = skip if groups else split.start - first
                groups.append(index)
            first += rows
        have = [column for column in wanted.values() if column in parquet.schema_arrow.names]
        row, left = split.start, split.stop - split.start
        for batch in parquet.iter_batches(TABLE_ROWS, row_groups=groups, columns=have):
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
    if raw in ("answers", "tools") and isinstance(value, str):
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


# What it means


def _record(query: str | None, answers: str | None) -> str:
    """The record's JSON text; both parts are JSON texts already, so they are only joined."""
    members = [f'"{key}":{text}' for key, text in (("query", query), ("answers", answers)) if text is not None]
    return "{" + ",".join(members) + "}"


def _style(text: str | None) -> str | None:
    word = re.sub(r"[\s_-]+", "_", text.strip().lower()) if text else ""
    return word if word in _STYLES else None


@lru_cache(maxsize=4096)
def _offered(text: str | None) -> tuple[str | None, list[str] | None]:
    """The tools in our form, and their names; of tools that cannot be used, the reason and no names."""
    if text is None:
        return None, None
    try:
        forms = loads(text)
    except JsonProblem as problem:
        return unusable_tools(f"the tools are no JSON: {problem.detail}", text), None
    if not isinstance(forms, list):
        return unusable_tools("the tools are not a list", text), None
    tools = []
    for position, form in enumerate(forms):
        try:
            tools.append(_tool(dumps(form)))
        except ValueError as error:
            return unusable_tools(f"tools[{position}]: {error}", text), None
    return "[" + ",".join(tool for _, tool in tools) + "]", [name for name, _ in tools]


@lru_cache(maxsize=8192)
def _tool(form: str) -> tuple[str, str]:
    """Name and our text of one tool; kept apart because one tool is offered in many lists."""
    api = normalise_tool(json.loads(form))
    return api.name, dumps(api.tool())
