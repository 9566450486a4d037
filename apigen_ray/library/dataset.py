"""The source ``dataset``: the distinct tools of a function-calling data set in JSONL, JSON or Parquet, never called."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field

from apigen_ray.errors import LibraryError
from apigen_ray.library.base import Parsed, Reject, chosen
from apigen_ray.library.credentials import without_credentials
from apigen_ray.library.documents import MAX_BYTES, plain_json, read_text
from apigen_ray.library.forms import normalise_tool
from apigen_ray.library.names import entries_once, identifier, unique_names
from apigen_ray.library.schema import SchemaError
from apigen_ray.records import Api, Source, content_hash, dumps

_COLUMNS = ("tools", "functions", "function")  # xLAM's and OpenAI's; OpenAI's before it; the leaderboard's
_MAX_LIST_BYTES = 512 << 20  # a JSON list is read whole, as text; xlam-60k has some 100 MB
_MEND = f"give JSONL, Parquet or a JSON list of rows, with the offered tools in {', '.join(_COLUMNS[:-1])} or function"


class DatasetSource(BaseModel):
    """Tools that the rows of a data set offer: each distinct one is an entry, named as the tool is.

    Rows have their tools in ``tools``, ``functions`` or ``function``, as a list or as its JSON text, in any form that
    `apigen_ray.library.forms.normalise_tool` reads: xLAM, OpenAI, leaderboard. A tool that many rows offer counts once;
    tools of one name that differ are told apart by a hash of what they say. Functions are called as the tool is, made
    an identifier; parameters keep their names. Credentials are left out, since executing a call fills them in:
    `apigen_ray.records.Source.hidden` names them.

    An entry is rejected with one of these codes: ``malformed`` (a row that is no JSON object or whose tools are no
    list, a tool without a name), ``dangling_ref``, ``external_ref``, ``schema_too_large``, ``unknown_type``,
    ``invalid_schema`` (its schema has no JSON Schema 2020-12 form).

    Attributes:
        path: a ``.jsonl``, ``.json`` or ``.parquet`` file, relative to the current folder.
        category: of all its tools.
        tools: only these, by name or entry; each must be usable.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    codes: ClassVar[tuple[str, ...]] = ("malformed", *SchemaError.CODES)

    kind: Literal["dataset"] = "dataset"
    path: str
    category: str | None = None
    tools: tuple[str, ...] | None = Field(default=None, min_length=1)

    def parse(self, base_dir: Path) -> Parsed:
        """Every distinct tool of the rows as an Api or a reject.

        Raises:
            LibraryError: unreadable, or no row has tools; a tool of ``tools`` that is missing or unusable.
        """
        path = (base_dir / self.path).absolute()
        parsed = Parsed()
        found: dict[str, Any] = {}  # by content hash
        seen: set[str] = set()  # hashes of texts: most rows that share tools share their text
        for number, row in _rows(path):
            try:
                given = _offered(row)
                key = content_hash(given) if isinstance(given, str) else ""
                if key in seen:
                    continue
                seen |= {key} - {""}
                for tool in _listed(given):
                    found.setdefault(content_hash("dataset", dumps(tool)), tool)
            except (ValueError, RecursionError) as error:
                said = " ".join(str(error).split())[:200]
                parsed.rejects.append(Reject(f"row {number}", "malformed", f"{path}: row {number}: {said}"))
        if not found:
            first = f": {parsed.rejects[0].detail}" if parsed.rejects else ""
            raise LibraryError(f"{path}: no row has tools{first}", _MEND)
        plain = [_name(tool) for tool in found.values()]
        entries = entries_once(plain)
        names = unique_names([identifier(name) for name in plain], list(found))
        for (digest, tool), entry, name in zip(found.items(), entries, names, strict=True):
            try:
                read = normalise_tool(tool)
            except SchemaError as error:
                parsed.rejects.append(Reject(entry, error.code, f"{path}: {entry}: {error}"))
                continue
            form, hidden = without_credentials(read.parameters)
            source = Source(self.kind, str(path), entry, digest, hidden=hidden)
            description = " ".join(read.description.split())
            parsed.apis.append(Api(name, description, form, category=self.category, source=source))
        return chosen(parsed, self.tools, str(path))


def _rows(path: Path) -> Iterator[tuple[int, Any]]:
    """The rows of a file, from 1; those of a text file come as their text.

    Raises:
        LibraryError: the file cannot be read, or a row is larger than `MAX_BYTES`.
    """
    kind = path.suffix.lower()
    try:
        if kind == ".parquet":
            yield from enumerate(_parquet(path), 1)
        elif kind == ".json":
            yield from enumerate(_listed_rows(path), 1)
        else:
            with path.open("rb") as file:
                number = 0
                while line := file.readline(MAX_BYTES + 1):
                    number += 1
                    if len(line) > MAX_BYTES:
                        raise LibraryError(f"{path}: row {number} is larger than {MAX_BYTES >> 20} MiB", _MEND)
                    if line.strip():
                        yield number, line
    except (OSError, pa.ArrowException) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error).splitlines()[0][:200]
        raise LibraryError(f"{path}: cannot be read: {said}", _MEND) from error


def _listed_rows(path: Path) -> Iterator[str]:
    """The text of each row of a JSON list; parsed one by one they take no more memory than the text."""
    text = read_text(path, _MEND, _MAX_LIST_BYTES)
    if not text.lstrip().startswith("["):
        yield text
        return
    scan, separator = json.JSONDecoder().raw_decode, "["
    position = text.index("[")
    try:
        while text[position] == separator:
            start = _after(text, position)
            if text[start] == "]":
                return
            _, end = scan(text, start)
            yield text[start:end]
            position, separator = _after(text, end - 1), ","
        if text[position] == "]":
            return
        problem = f"{text[position]!r} at character {position}"
    except (ValueError, RecursionError, IndexError) as error:
        problem = " ".join(str(error).split())[:200]
    raise LibraryError(f"{path}: no list in JSON: {problem}", _MEND)


def _after(text: str, position: int) -> int:
    """The next place behind a position where no white space stands."""
    position += 1
    while text[position] in " \t\r\n":
        position += 1
    return position


def _parquet(path: Path) -> Iterator[Any]:
    file = pq.ParquetFile(path)
    columns = [name for name in _COLUMNS if name in file.schema_arrow.names]
    for batch in file.iter_batches(batch_size=1000, columns=columns) if columns else ():
        yield from (_whole(row) for row in batch.to_pylist())


def _whole(value: Any) -> Any:
    """An Arrow value without nulls: a struct has the fields of all rows, null where a row has none."""
    if isinstance(value, dict):
        return {key: _whole(inner) for key, inner in value.items() if inner is not None}
    return [_whole(inner) for inner in value] if isinstance(value, list) else value


def _offered(row: Any) -> Any:
    """The tools of a row as they stand there; None where it offers none.

    Raises:
        ValueError: it is no JSON object.
    """
    row = row.decode("utf-8-sig") if isinstance(row, bytes) else row
    if isinstance(row, str):
        row = plain_json(row)
    if not isinstance(row, dict):
        raise ValueError(f"a row is an object, not {type(row).__name__}")
    return next((row[column] for column in _COLUMNS if row.get(column) is not None), None)


def _listed(given: Any) -> list[Any]:
    """The tools as objects; a list, and each tool in it, may be given as JSON text.

    Raises:
        ValueError: they are none.
    """
    tools = plain_json(given) if isinstance(given, str) else given
    if tools is None:
        return []
    tools = [tools] if isinstance(tools, dict) else tools
    if not isinstance(tools, list):
        raise ValueError(f"its tools are {type(tools).__name__}, no list")
    return [plain_json(tool) if isinstance(tool, str) else tool for tool in tools]


def _name(tool: Any) -> str:
    inner = tool.get("function") if isinstance(tool, dict) and isinstance(tool.get("function"), dict) else tool
    name = inner.get("name") if isinstance(inner, dict) else None
    return name if isinstance(name, str) and name.strip() else "a tool without a name"
