"""The source ``rapidapi``: tools of RapidAPI in ToolBench's JSON form, a file or a folder of them, never called."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from apigen_ray.errors import LibraryError
from apigen_ray.library.base import Parsed, Reject, chosen
from apigen_ray.library.credentials import is_credential
from apigen_ray.library.documents import read_document
from apigen_ray.library.names import entries_once, identifier, unique_names
from apigen_ray.library.schema import WORDS, SchemaError, object_schema, require_valid
from apigen_ray.records import Api, Json, Source, content_hash

_MEND = "give a tool in ToolBench's JSON form, with `tool_name` and `api_list`, or a folder of them"
_TEXT = frozenset(("geopoint", "credit card number", ""))  # types of the marketplace that are written as text
_FILES = frozenset(("file", "binary"))


class RapidApiSource(BaseModel):
    """APIs of ToolBench tools: each is an entry, named ``tool / api``; its function is called ``<api>_for_<tool>``.

    Required and optional parameters become one flat object of identifiers. What a required parameter has for a default
    is an example of it; numbers and truth values that are written as text become what they are. Credentials are left
    out, since executing a call fills them in: `apigen_ray.records.Source.hidden` names them.

    An API is rejected with one of these codes: ``unreadable`` (a file of the folder that is none of these tools),
    ``malformed`` (an entry without a name, or no object), ``unknown_type``, ``invalid_schema``, ``file_upload`` (it
    needs a file).

    Attributes:
        path: a JSON file, or a folder whose ``.json`` files are read at any depth; relative to the config's base.
        category: of all its APIs; None: what each tool says itself.
        tools: only these, by name or entry; each must be usable.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    codes: ClassVar[tuple[str, ...]] = ("unreadable", "malformed", "unknown_type", "invalid_schema", "file_upload")

    kind: Literal["rapidapi"] = "rapidapi"
    path: str
    category: str | None = None
    tools: tuple[str, ...] | None = Field(default=None, min_length=1)

    def parse(self, base_dir: Path) -> Parsed:
        """Every API of every tool as an Api or a reject.

        Raises:
            LibraryError: nothing is there, the file is no such tool, or a tool of ``tools`` is missing or unusable.
        """
        path = (base_dir / self.path).absolute()
        parsed = Parsed()
        found: list[_Entry] = []
        for file in _files(path):
            try:
                found += _entries(file)
            except LibraryError as error:
                if not path.is_dir():
                    raise
                parsed.rejects.append(Reject(file.relative_to(path).as_posix(), "unreadable", error.message))
        entries = entries_once([item.entry for item in found])
        names = unique_names([item.name for item in found], [f"{item.tool}\n{item.entry}" for item in found])
        for item, entry, name in zip(found, entries, names, strict=True):
            try:
                parsed.apis.append(self._api(item, entry, name))
            except SchemaError as error:
                parsed.rejects.append(Reject(entry, error.code, f"{item.file}: {entry}: {error}"))
        return chosen(parsed, self.tools, str(path))

    def _api(self, item: "_Entry", entry: str, name: str) -> Api:
        if not isinstance(item.form, dict) or not isinstance(item.form.get("name"), str):
            raise SchemaError("malformed", "an entry of `api_list` without a name")
        form, hidden = _parameters(item.form)
        description = item.form.get("description")
        category = item.category if isinstance(item.category, str) and item.category.strip() else None
        return Api(
            name=name,
            description=" ".join(description.split()) if isinstance(description, str) else "",
            parameters=require_valid(form),
            category=self.category or category,
            source=Source(self.kind, str(item.file), entry, item.digest, hidden=hidden),
        )


@dataclass(frozen=True)
class _Entry:
    file: Path
    digest: str
    tool: str
    category: Any
    form: Any
    number: int

    @property
    def _title(self) -> str:
        named = isinstance(self.form, dict) and isinstance(self.form.get("name"), str)
        return " ".join(self.form["name"].split()) if named else f"#{self.number}"

    @property
    def entry(self) -> str:
        return f"{self.tool} / {self._title}"

    @property
    def name(self) -> str:
        return identifier(f"{self._title}_for_{self.tool}".lower())


def _files(path: Path) -> list[Path]:
    files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
    if not files:
        raise LibraryError(f"{path}: no JSON file is in this folder", _MEND)
    return files


def _entries(file: Path) -> Iterator[_Entry]:
    text, tool = read_document(file, _MEND)
    title = tool.get("tool_name") or tool.get("title") if isinstance(tool, dict) else None
    if not isinstance(title, str) or not isinstance(tool.get("api_list"), list):
        raise LibraryError(f"{file}: no tool of this form: `tool_name` or `api_list` is missing", _MEND)
    digest = content_hash("rapidapi", text)
    for number, form in enumerate(tool["api_list"], 1):
        yield _Entry(file, digest, " ".join(title.split()), tool.get("category_name"), form, number)


def _parameters(form: Json) -> tuple[Json, tuple[str, ...]]:
    """The parameters' schema, and the names of those left out as credentials.

    Of a parameter that is declared twice the first counts, and of one that is both, that it is required.
    """
    found: dict[str, tuple[Json, bool]] = {}
    for key in ("required_parameters", "optional_parameters"):
        given = form.get(key) or []
        if not isinstance(given, list):
            raise SchemaError("malformed", f"`{key}` is not a list")
        for entry in given:
            if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or not entry["name"].strip():
                raise SchemaError("malformed", f"a parameter without a name in `{key}`")
            found.setdefault(entry["name"].strip(), (entry, key == "required_parameters"))
    hidden = tuple(name for name, (entry, _) in found.items() if is_credential(name, entry.get("description")))
    shown = {name: given for name, given in found.items() if name not in hidden}
    names = unique_names([identifier(name) for name in shown], list(shown))
    properties: dict[str, Json] = {}
    required = []
    for name, (original, (entry, needed)) in zip(names, shown.items(), strict=True):
        schema = _schema(original, entry, needed)
        if schema is not None:
            properties[name] = schema
            required += [name] if needed else []
    return object_schema(properties, required), hidden


def _schema(name: str, entry: Json, needed: bool) -> Json | None:
    """The schema of a parameter; None for a file that may be left out."""
    given = entry.get("type") or ""
    if not isinstance(given, str):
        raise SchemaError("unknown_type", f"parameter {name!r}: unknown type {given!r}"[:200])
    word = given.partition("(")[0].strip().lower()
    if word in _FILES:
        if needed:
            raise SchemaError("file_upload", f"parameter {name!r} is a file")
        return None
    if word not in WORDS and word not in _TEXT:
        raise SchemaError("unknown_type", f"parameter {name!r}: unknown type {given!r}"[:200])
    schema = dict(WORDS.get(word, {"type": "string"}))
    if isinstance(entry.get("enum"), list) and entry["enum"]:
        schema["enum"] = entry["enum"]
    description = entry.get("description")
    if isinstance(description, str) and description.strip():
        schema["description"] = " ".join(description.split())
    value = _value(entry.get("default"), schema.get("type"))
    if value is not None:
        schema |= {"examples": [value]} if needed else {"default": value}
    return schema


def _value(given: Any, kind: Any) -> Any:
    """A default as a value of its type, or None where there is none or it cannot be one."""
    if given is None or given == "":
        return None
    if kind == "string":
        return given if isinstance(given, str) else str(given) if type(given) in (int, float) else None
    if kind == "boolean":
        return {"true": True, "false": False}.get(str(given).strip().lower())
    if kind in ("number", "integer"):
        try:
            number = float(given)
        except (TypeError, ValueError, OverflowError):
            return None
        if not math.isfinite(number) or isinstance(given, bool) or (kind == "integer" and number != int(number)):
            return None
        return int(number) if number == int(number) else number
    wanted = {"array": list, "object": dict}.get(kind, object)
    return given if isinstance(given, wanted) else None
