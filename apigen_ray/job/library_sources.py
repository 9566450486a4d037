"""What `apigen library import` is given, as sources to read: files, folders of documents, addresses."""

import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError

from apigen_ray.errors import InputError, LibraryError
from apigen_ray.job.init import source_path, source_spec
from apigen_ray.job.library_fetch import MCP, fetch_document, fetch_tools, remote
from apigen_ray.library import BUILTIN, LibrarySpec, SourceSpec
from apigen_ray.library.base import Parsed
from apigen_ray.library.documents import read_document
from apigen_ray.library.openapi import OpenApiSource
from apigen_ray.library.prepared import PARSE, api_form
from apigen_ray.library.request import is_base
from apigen_ray.records import Api, Json, Status, content_hash
from apigen_ray.sections import Section, parse_sections, read_sections

_DOCUMENTS = (".json", ".yaml", ".yml")
_WITH_AUTH = ("openapi", "rapidapi", "mcp")
_SUFFIX = re.compile(r"_[0-9a-f]{6,24}$")  # of a name that another one had too


@dataclass(frozen=True)
class ImportOptions:
    """How documents of HTTP services are read.

    Attributes:
        server: base URL of the requests, in place of what a document says itself.
        auth: names of environment variables by security scheme or parameter: one, or two (user and password, id and
            secret). For a live MCP server by the names that the variables have there; for one behind a URL its token.
        allow_hosts: private hosts that documents may be fetched from.
    """

    server: str | None = None
    auth: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    allow_hosts: tuple[str, ...] = ()

    @classmethod
    def parse(cls, server: str | None, auth: Sequence[str], allow_hosts: Sequence[str] = ()) -> "ImportOptions":
        """Reads a command line.

        Args:
            server: a URL.
            auth: texts ``scheme=ENV`` or ``scheme=ENV,ENV``.
            allow_hosts: hosts.

        Raises:
            InputError: one is not of that form.
        """
        if server is not None and not is_base(server):
            mend = "give https://HOST, with a path or without"
            raise InputError("--server: is no http or https URL without password, query and fragment", mend)
        found = {}
        for text in auth:
            scheme, _, names = text.rpartition("=")
            if not scheme or not re.fullmatch(r"[A-Za-z_]\w*(,[A-Za-z_]\w*)?", names, re.ASCII):
                mend = "give the scheme's name and that of a variable, never what it holds: --auth api_key=SHOP_KEY"
                raise InputError(f"--auth {scheme or names}=...: is not of the form SCHEME=ENV or SCHEME=ENV,ENV", mend)
            found[scheme] = tuple(names.split(","))
        return cls(server, found, tuple(allow_hosts))


@dataclass(frozen=True)
class Piece:
    """A source to read.

    Attributes:
        given: the source that was named.
        text: the same, or a file of the folder that was.
        label: tells its entries from those of others, wherever it lies.
        options: how documents are read.
        alone: whether it is all that was given.
        known: the credentials that any document has use for are added here.
        one_of_many: whether it is one of a folder's.
        spec: the source itself, where a file of sections was given.
    """

    given: str
    text: str
    label: str
    options: ImportOptions
    alone: bool
    known: set[str]
    one_of_many: bool = False
    spec: SourceSpec | None = None

    def rows(self) -> Iterator[Json]:
        """Its entries as rows of `ENTRY`, without what depends on the others."""
        try:
            kind, parsed = self._read()
        except LibraryError as error:
            if not self.one_of_many:
                raise
            yield self._row("unknown", self.label, Status.REJECTED, "unreadable", error.message)
            return
        if self.one_of_many and not parsed.apis and not parsed.rejects:
            yield self._row(kind, self.label, Status.REJECTED, "unreadable", f"{self.text}: nothing is in there")
        yield from self._parsed(kind, parsed)

    def _read(self) -> tuple[str, Parsed]:
        """With the credentials that it knows, where there are other documents to know the rest."""
        if self.spec is not None:
            return self.spec.kind, self.spec.parse(Path())
        try:
            read = _read(self.text, self.options)
            self.known.update(self.options.auth if read[0] in _WITH_AUTH else ())
            return read
        except LibraryError:
            if not self.options.auth or self.alone:
                raise
        fits = {}
        for scheme, names in self.options.auth.items():
            with suppress(LibraryError):  # it does not know this one; what else is wrong is raised below
                _read(self.text, replace(self.options, auth={scheme: names}))
                fits[scheme] = names
        self.known.update(fits)
        return _read(self.text, replace(self.options, auth=fits))

    def _parsed(self, kind: str, parsed: Parsed) -> Iterator[Json]:
        for api in parsed.apis:
            location, entry = (api.source.location, api.source.entry) if api.source else (self.text, api.name)
            own = {"location": location, "original_name": api.name, "form_id": form_id(api), "api": api_form(api)}
            yield self._row(kind, entry, Status.PASSED, "", "") | own
        for reject in parsed.rejects:
            yield self._row(kind, reject.entry, Status.REJECTED, reject.code, reject.detail)

    def _row(self, kind: str, entry: str, status: Status, code: str, detail: str) -> Json:
        said = {"status": str(status), "code": code, "detail": detail}
        row = {"given": self.given, "kind": kind, "location": self.text, "entry": entry}
        return row | {f"{PARSE}_{part}": value for part, value in said.items()}


def form_id(api: Api) -> str:
    """What two APIs have in common that a model could not tell apart: name, parameters and description."""
    form = json.dumps(api.parameters, sort_keys=True)
    return content_hash("form", _SUFFIX.sub("", api.name), form, " ".join(api.description.casefold().split()))


def pieces(sources: Sequence[str], options: ImportOptions, known: set[str]) -> list[Piece]:
    """Sources as they are read, a folder of documents as each of them.

    Args:
        sources: as they were given.
        options: how documents are read.
        known: the names of credentials that some document has use for are added to it.

    Raises:
        LibraryError: no file can be called that.
        ConfigError: a file of sections that are none.
    """
    found = []
    for text in sources:
        path = Path(text) if remote(text) else source_path(text)
        if not remote(text) and path.is_dir() and not any(path.rglob("*.py")):
            for file in sorted(file for file in path.rglob("*") if file.suffix.lower() in _DOCUMENTS):
                label = file.relative_to(path).as_posix()
                found.append(Piece(text, str(file), label, options, False, known, one_of_many=True))
        elif specs := [] if remote(text) else _listed(path):
            for spec in specs:
                label = f"{spec.kind} {getattr(spec, 'path', None) or getattr(spec, 'module', '')}"
                found.append(Piece(text, text, label, options, False, known, spec=spec))
        else:
            label = text if remote(text) else path.name
            found.append(Piece(text, text, label, options, len(sources) == 1, known))
    return found


def _listed(path: Path) -> tuple[SourceSpec, ...]:
    """The sources that a YAML file lists under ``library``, as a run file does; none where it is another document.

    Raises:
        ConfigError: it has such a section, and no sources are in it.
    """
    if path.suffix.lower() not in (".yaml", ".yml") or not path.is_file():
        return ()
    _, top = read_document(path, "give an OpenAPI document, or a file with the section `library`")
    if not isinstance(top, dict) or not isinstance(top.get("library"), list) or "paths" in top:
        return ()
    read_sections(path)  # refuses a key that stands twice
    return parse_sections(_Listing, {"library": top["library"]}, path).library


class _Listing(Section):
    library: LibrarySpec


def _read(text: str, options: ImportOptions) -> tuple[str, Parsed]:
    """The kind of a source, and all that stands in it."""
    if text == "builtin":
        return BUILTIN.kind, BUILTIN.parse(Path())
    if not remote(text):
        spec = _with(source_spec(text), options, text)
        return spec.kind, spec.parse(Path())
    with tempfile.TemporaryDirectory(prefix="apigen-document-") as folder:
        try:
            if text.startswith(MCP):
                spec = fetch_tools(text, Path(folder), options.allow_hosts, options.auth)
            else:
                file = fetch_document(text, Path(folder), options.allow_hosts)
                spec = _with(source_spec(str(file)), options, text)
            parsed = spec.parse(Path())
            if isinstance(spec, OpenApiSource) and not any(api.source and api.source.server for api in parsed.apis):
                origin = urlsplit(text)  # what a document without a server of its own is relative to (OpenAPI 3, 4.7.5)
                parsed = spec.model_copy(update={"server": f"{origin.scheme}://{origin.netloc}"}).parse(Path())
        except LibraryError as error:
            raise LibraryError(_from(error.message, text, folder), error.mend) from error
    apis = [replace(api, source=api.source and replace(api.source, location=text)) for api in parsed.apis]
    return spec.kind, Parsed(apis, [replace(one, detail=_from(one.detail, text, folder)) for one in parsed.rejects])


def _from(message: str, text: str, folder: str) -> str:
    """A message that names the source as it was given, not the file that it was saved in for the moment."""
    message = re.sub(rf"{re.escape(folder)}/[^:\s]+", text.replace("\\", r"\\"), message)
    shown = re.sub(r"//[^/@]*@", "//", text)  # without a password that should not be there
    return message if shown in message else f"{shown}: {message}"


def _with(spec: SourceSpec, options: ImportOptions, text: str) -> SourceSpec:
    """The source with the options that it knows."""
    auth: Json = {scheme: names[0] if len(names) == 1 else list(names) for scheme, names in options.auth.items()}
    wished = {"server": options.server, "auth": auth or None, "on_untyped": "reject"}
    known = {key: value for key, value in wished.items() if value is not None and key in type(spec).model_fields}
    try:
        return type(spec).model_validate(spec.model_dump() | known)
    except ValidationError as error:
        first = error.errors()[0]
        raise LibraryError(
            f"{text}: {'.'.join(map(str, first['loc']))}: {first['msg']}", "change the option"
        ) from error
