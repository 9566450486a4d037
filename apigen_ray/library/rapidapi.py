"""The source ``rapidapi``: tools of RapidAPI in ToolBench's JSON form, a file or a folder of them."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from apigen_ray.errors import LibraryError
from apigen_ray.library.base import Parsed, Reject, chosen
from apigen_ray.library.credentials import Auth, is_credential
from apigen_ray.library.documents import read_document
from apigen_ray.library.names import entries_once, identifier, unique_names
from apigen_ray.library.request import FieldForm, RequestForm, Server, is_base
from apigen_ray.library.schema import WORDS, SchemaError, object_schema, require_valid
from apigen_ray.library.security import Credentials
from apigen_ray.records import Api, Json, Source, content_hash

_MEND = "give a tool in ToolBench's JSON form, with `tool_name` and `api_list`, or a folder of them"
_TEXT = frozenset(("geopoint", "credit card number", ""))  # types of the marketplace that are written as text
_FILES = frozenset(("file", "binary"))
_METHODS = ("GET", "HEAD", "OPTIONS", "DELETE", "POST", "PUT", "PATCH")
_HEADER = re.compile(r"x-.+|(proxy-)?authorization|accept(-.+)?", re.IGNORECASE)
_SCHEMES = {"X-RapidAPI-Key": {"type": "apiKey", "in": "header", "name": "X-RapidAPI-Key"}}
"""How the marketplace knows its callers, whatever a tool says."""


class RapidApiSource(BaseModel):
    """APIs of ToolBench tools: each is an entry, named ``tool / api``; its function is called ``<api>_for_<tool>``.

    Required and optional parameters become one flat object of identifiers. What a required parameter has for a default
    is an example of it; numbers and truth values that are written as text become what they are. Credentials are left
    out, since executing a call fills them in: `apigen_ray.records.Source.hidden` names them.

    An API with ``url`` and ``method`` is called over HTTP: parameters that the path names go there, headers into the
    header, all others into the query, or the JSON body of POST, PUT and PATCH.

    An API is rejected with one of these codes: ``unreadable`` (a file of the folder that is none of these tools),
    ``malformed`` (an entry without a name, or no object), ``unknown_type``, ``invalid_schema``, ``file_upload`` (it
    needs a file).

    Attributes:
        path: a JSON file, or a folder whose ``.json`` files are read at any depth; relative to the current folder.
        category: of all its APIs; None: what each tool says itself.
        tools: only these, by name or entry; each must be usable.
        server: where requests go, in place of scheme and host of their URLs.
        auth: the environment variable of the marketplace's key, ``{X-RapidAPI-Key: MY_KEY}``, and of hidden parameters
            by their names.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    codes: ClassVar[tuple[str, ...]] = ("unreadable", "malformed", "unknown_type", "invalid_schema", "file_upload")

    kind: Literal["rapidapi"] = "rapidapi"
    path: str
    category: str | None = None
    tools: tuple[str, ...] | None = Field(default=None, min_length=1)
    server: Server | None = None
    auth: Auth = {}

    def parse(self, base_dir: Path) -> Parsed:
        """Every API of every tool as an Api or a reject.

        Raises:
            LibraryError: nothing is there, the file is no such tool, a tool of ``tools`` is missing or unusable, or a
                key of ``auth`` names nothing.
        """
        path = (base_dir / self.path).absolute()
        parsed, credentials = Parsed(), Credentials.read(self.auth, path, _SCHEMES)
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
                parsed.apis.append(self._api(item, entry, name, credentials))
            except SchemaError as error:
                parsed.rejects.append(Reject(entry, error.code, f"{item.file}: {entry}: {error}"))
        hidden = (name for api in parsed.apis if api.source for name in api.source.hidden)
        credentials.require_use(("header", name) for name in hidden)
        return chosen(parsed, self.tools, str(path))

    def _api(self, item: "_Entry", entry: str, name: str, credentials: Credentials) -> Api:
        if not isinstance(item.form, dict) or not isinstance(item.form.get("name"), str):
            raise SchemaError("malformed", "an entry of `api_list` without a name")
        form, originals, hidden = _parameters(item.form)
        call = _request(item.form, originals, hidden, self.server, credentials)
        description = item.form.get("description")
        category = item.category if isinstance(item.category, str) and item.category.strip() else None
        return Api(
            name=name,
            description=" ".join(description.split()) if isinstance(description, str) else "",
            parameters=require_valid(form),
            category=self.category or category,
            source=Source(
                self.kind,
                str(item.file),
                entry,
                item.digest,
                runner="rest" if call else "",
                server=call.server if call else "",
                hidden=hidden,
                request=call.dumps() if call else "",
            ),
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


def _request(
    form: Json, originals: dict[str, str], hidden: tuple[str, ...], server: str | None, credentials: Credentials
) -> RequestForm | None:
    """The form of an API's requests; None where its URL or method is missing or none.

    Args:
        form: the API.
        originals: its parameters that a model sees, by the identifiers that a call uses.
        hidden: the others, credentials.
        server: that of the source.
        credentials: of the user.
    """
    method, url = str(form.get("method")).upper(), form.get("url")
    if method not in _METHODS or not isinstance(url, str):
        return None
    host, _, path = url.strip().partition("://")[2].partition("/")
    base = f"{url.strip().partition('://')[0]}://{host}"
    if not is_base(base):
        return None
    rest = "property" if method in ("POST", "PUT", "PATCH") else "query"

    def field(name: str, original: str) -> FieldForm:
        named = f"{{{original}}}" in path
        place = "path" if named else "header" if _HEADER.fullmatch(original) else rest
        return FieldForm(name, original, place, explode=place == "query")

    fields = tuple(field(name, original) for name, original in originals.items())
    constants = (("header", "X-RapidAPI-Host", host),) if host.endswith(".rapidapi.com") else ()
    auth = credentials.of({}, [field("", name) for name in hidden])
    media = "application/json" if any(part.place == "property" for part in fields) else ""
    return RequestForm(method, (server or base).rstrip("/"), f"/{path}", fields, media, False, constants, auth)


def _parameters(form: Json) -> tuple[Json, dict[str, str], tuple[str, ...]]:
    """The parameters' schema, their original names, and the names of those left out as credentials.

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
    originals, required = {}, []
    for name, (original, (entry, needed)) in zip(names, shown.items(), strict=True):
        schema = _schema(original, entry, needed)
        if schema is not None:
            properties[name], originals[name] = schema, original
            required += [name] if needed else []
    return object_schema(properties, required), originals, hidden


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
