"""Records that exist already, for ``apigen verify INPUT``: JSONL or Parquet in splits, each row once, as samples."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa

from apigen_ray.errors import RecordError
from apigen_ray.job.input_rows import JSONL, PARQUET, RAW, Split, input_file, read_split
from apigen_ray.library.forms import normalise_tool
from apigen_ray.records import SAMPLE_HEAD, Style, content_hash, dumps
from apigen_ray.storage import AnyPath, absolute, list_files, open_file, open_parquet, reading
from apigen_ray.strict_json import JsonProblem, items, loads
from apigen_ray.tables import conform
from apigen_ray.verifiers.format import unusable_tools

__all__ = ["RAW", "IngestOptions", "Split", "input_blocks", "read_split", "records_to_samples"]

SPLIT_BYTES = 8 << 20
"""Of a JSONL file: some thousands of records, less than a second of work."""

SPLIT_ROWS = 50_000
"""Of a Parquet file: a row group of more rows is cut, at the price of reading past its first rows again."""

LINE_BYTES = 1 << 16
"""Read at a time where a line's end is looked for."""

_STYLES = frozenset(str(style) for style in Style)


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


def input_blocks(path: AnyPath, options: IngestOptions) -> list[Split]:
    """The splits of a file, or of every JSONL and Parquet file in a folder, in the order of the files' names.

    Args:
        path: a ``.jsonl``, ``.ndjson`` or ``.parquet`` file, or a folder, on a disk or in a store; in it, names with a
            leading dot or underscore are passed over.
        options: which columns to read.

    Raises:
        RecordError: nothing is there, nothing in it can be read, or a column that is asked for is in no row.
        EnvironmentFault: the store does not answer.
    """
    files = _files(path)
    wanted, missing = options.columns(), options.required()
    splits: list[Split] = []
    for file in files:
        name, prefix = file.name, ""
        if file != path:
            name = _below(path, file)
            prefix = f"{name}:"
        with input_file(file):
            if file.suffix.lower() in PARQUET:
                columns, ranges = _parquet_ranges(file)
                _refuse_twice(file, [column for column in wanted.values() if columns.count(column) > 1])
                missing = [column for column in missing if column not in columns]
            else:
                ranges = _line_ranges(file)
                missing = _not_in_lines(file, missing)
        splits += [Split(str(absolute(file)), name, prefix, start, stop, wanted) for start, stop in ranges]
    if not splits:
        raise RecordError(f"{path} has no rows", "give a file with one record per line or row")
    if missing:
        raise RecordError(
            f"{path}: no row has the column {', '.join(map(repr, missing))}",
            "name the right one with --id-column, --reply-column or --style-column; "
            "without a reply column the rows need query, tools and answers",
        )
    return splits


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
        "of": [1] * len(places),
        "record": [read if unread is None else unread for read, unread in zip(records, raw["unread"], strict=True)],
    }
    arrays = {name: pa.array(values, SAMPLE_HEAD.field(name).type) for name, values in columns.items()}
    return conform(pa.table(arrays), SAMPLE_HEAD)


# Where the rows are


def _files(root: AnyPath) -> list[AnyPath]:
    suffixes = (*JSONL, *PARQUET)
    mend = f"give a file that ends in {', '.join(suffixes)}, or a folder of such files"
    with reading(root):
        if not root.exists():
            raise RecordError(f"{root} does not exist", mend)
        is_file = root.is_file()
    if is_file:
        if root.suffix.lower() not in suffixes:
            raise RecordError(f"{root} is neither JSONL nor Parquet by its name", mend)
        return [root]
    files = [
        file
        for file in list_files(root)
        if file.suffix.lower() in suffixes
        and not any(part.startswith((".", "_")) for part in _below(root, file).split("/"))
    ]
    if not files:
        raise RecordError(f"{root} holds no JSONL or Parquet file", mend)
    return files


def _below(root: AnyPath, file: AnyPath) -> str:
    return str(file).removeprefix(str(root)).removeprefix("/")


def _refuse_twice(file: AnyPath, columns: list[str]) -> None:
    if columns:
        raise RecordError(f"{file} has more than one column {columns[0]!r}", "rename all but one of them")


def _line_ranges(file: AnyPath) -> list[tuple[int, int]]:
    """Byte ranges of about `SPLIT_BYTES`, each at the start of a line."""
    size = file.stat().st_size
    starts = [0] if size else []
    with open_file(file, LINE_BYTES) as stream:
        while starts and starts[-1] + SPLIT_BYTES < size:
            stream.seek(starts[-1] + SPLIT_BYTES)
            while (chunk := stream.read(LINE_BYTES)) and b"\n" not in chunk:
                pass  # a line of any length, without holding it
            start = stream.tell() - len(chunk) + chunk.find(b"\n") + 1
            if not chunk or start >= size:
                break
            starts.append(start)
    return list(zip(starts, [*starts[1:], size], strict=True)) if starts else []


def _not_in_lines(file: AnyPath, columns: list[str]) -> list[str]:
    """Those columns whose quoted name stands nowhere in the file; it is read only until all have been met."""
    left = {column: {json.dumps(column).encode(), dumps(column).encode("utf-8", "replace")} for column in columns}
    longest = max((len(name) for names in left.values() for name in names), default=0)
    with open_file(file) as stream:
        tail = b""
        while left and (chunk := stream.read(1 << 20)):
            window = tail + chunk
            left = {column: names for column, names in left.items() if not any(name in window for name in names)}
            tail = window[-longest:]
    return list(left)


def _parquet_ranges(file: AnyPath) -> tuple[list[str], list[tuple[int, int]]]:
    with open_parquet(file) as parquet:
        groups = [parquet.metadata.row_group(index).num_rows for index in range(parquet.num_row_groups)]
        columns = parquet.schema_arrow.names
    ranges, first = [], 0
    for rows in groups:
        ranges += [(start, min(start + SPLIT_ROWS, first + rows)) for start in range(first, first + rows, SPLIT_ROWS)]
        first += rows
    return columns, ranges


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
    texts = items(text)
    if texts is None:
        return unusable_tools(f"the tools are no list: {text[:100]}", text), None
    tools = [_tool(item) for item in texts]
    for position, tool in enumerate(tools):
        if isinstance(tool, str):
            return unusable_tools(f"tools[{position}]: {tool}", text), None
    return "[" + ",".join(tool[1] for tool in tools) + "]", [tool[0] for tool in tools]


@lru_cache(maxsize=8192)
def _tool(text: str) -> tuple[str, str] | str:
    """Name and our text of one tool, or why it cannot be used; by itself, because it is offered in many lists."""
    try:
        api = normalise_tool(loads(text))
        return api.name, dumps(api.tool())
    except JsonProblem as problem:
        return problem.detail
    except ValueError as error:
        return str(error)
