"""Imports sources into a library folder: a row for every entry, and in memory their names alone."""

import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from apigen_ray import __version__
from apigen_ray.errors import InputError, LibraryError, RunExistsError
from apigen_ray.job.init import source_spec
from apigen_ray.job.library_fetch import MCP, fetch_document, fetch_tools, remote
from apigen_ray.library import BUILTIN, SourceSpec
from apigen_ray.library.base import Parsed
from apigen_ray.library.names import entries_once, unique_names
from apigen_ray.library.openapi import OpenApiSource
from apigen_ray.library.prepared import ENTRY, GROUP, PARSE, LibraryDir, api_form, api_of
from apigen_ray.records import Api, Json, Status, content_hash
from apigen_ray.storage import AnyPath, new_file, read_tables, remove
from apigen_ray.tables import set_columns, table_of

_DOCUMENTS = (".json", ".yaml", ".yml")
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
        found = {}
        for text in auth:
            scheme, _, names = text.rpartition("=")
            if not scheme or not re.fullmatch(r"[A-Za-z_]\w*(,[A-Za-z_]\w*)?", names, re.ASCII):
                mend = "give the scheme's name and that of a variable, never what it holds: --auth api_key=SHOP_KEY"
                raise InputError(f"--auth {scheme or names}=...: is not of the form SCHEME=ENV or SCHEME=ENV,ENV", mend)
            found[scheme] = tuple(names.split(","))
        return cls(server, found, tuple(allow_hosts))


def import_library(
    sources: Sequence[str], out: AnyPath, options: ImportOptions | None = None, *, clean: bool = False
) -> Json:
    """Reads sources and writes a library with a row for every entry, rejects too.

    A name that two sources give is given to neither: each then carries a hash of where its entry stands.

    Args:
        sources: as `apigen_ray.job.init.source_spec` takes them; ``builtin``; or a folder of documents, each read as if
            it had been named, but that one which cannot be read is a reject.
        out: the folder to make.
        options: how documents are read.
        clean: delete a library that is there.

    Returns:
        The library's manifest.

    Raises:
        LibraryError: a source cannot be read, or nothing is in them.
        RunExistsError: there is something at ``out``, and not ``clean``.
    """
    library = LibraryDir(out)
    _check_free(library, clean=clean)
    with tempfile.TemporaryDirectory(prefix="apigen-library-") as folder:
        spool = Path(folder) / "rows.parquet"
        keys, names = _spool([piece for text in sources for piece in _pieces(text, options or ImportOptions())], spool)
        if not keys:
            raise LibraryError(f"{', '.join(sources)}: nothing is in there", "give functions, operations or tools")
        keys = entries_once(keys)
        named = [number for number, name in enumerate(names) if name]
        unique = unique_names([names[number] or "" for number in named], [keys[number] for number in named])
        final = dict(zip(named, unique, strict=True))
        if out.exists():
            remove(out)
        target = library.apis / f"part-{content_hash(*keys)}.parquet"
        with new_file(target) as file, pq.ParquetWriter(file, ENTRY, compression="zstd") as writer:
            start = 0
            for table in read_tables([spool]):
                numbers = range(start, start + table.num_rows)
                writer.write_table(_settled(table, numbers, keys, final))
                start = numbers.stop
    manifest: Json = {
        "kind": "library",
        "version": __version__,
        "sources": list(sources),
        "rows": len(keys),
        "apis": len(named),
        "files": [f"apis/{target.name}"],
        "attempt": 0,
    }
    library.write_manifest(manifest)
    return manifest


def _check_free(library: LibraryDir, *, clean: bool) -> None:
    path = library.path
    try:
        library.manifest()
    except LibraryError:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise RunExistsError(f"{path}: is not empty and no library", "give another folder: --out OTHER") from None
    else:
        if not clean:
            raise RunExistsError(f"{path}: a library is there", "start over: --clean, or keep it: --out OTHER")


@dataclass(frozen=True)
class _Piece:
    """A source to read.

    Attributes:
        given: the source that was named.
        text: the same, or a file of the folder that was.
        label: tells its entries from those of others, wherever it lies.
        options: how documents are read.
        one_of_many: whether it is one of a folder's.
    """

    given: str
    text: str
    label: str
    options: ImportOptions
    one_of_many: bool = False

    def rows(self) -> Iterator[Json]:
        """Its entries as rows of `ENTRY`, without what depends on the others."""
        try:
            kind, parsed = _read(self.text, self.options)
        except LibraryError as error:
            if not self.one_of_many:
                raise
            yield self._row("unknown", self.label, Status.REJECTED, "unreadable", error.message)
            return
        yield from self._parsed(kind, parsed)

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


def _pieces(text: str, options: ImportOptions) -> Iterator[_Piece]:
    path = Path(text)
    if not remote(text) and path.is_dir() and not any(path.rglob("*.py")):
        for file in sorted(file for file in path.rglob("*") if file.suffix.lower() in _DOCUMENTS):
            yield _Piece(text, str(file), file.relative_to(path).as_posix(), options, one_of_many=True)
    else:
        yield _Piece(text, text, text if remote(text) else path.name, options)


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
    return message if text in message else f"{text}: {message}"


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


def _spool(pieces: Sequence[_Piece], spool: Path) -> tuple[list[str], list[str | None]]:
    """Writes the rows of all sources as they come; gives the key of each entry and the name that it asks for."""
    keys: list[str] = []
    names: list[str | None] = []
    waiting: list[Json] = []
    with pq.ParquetWriter(spool, ENTRY, compression="zstd") as writer:
        for piece in pieces:
            for row in piece.rows():
                keys.append(f"{row['kind']}\n{piece.label}\n{row['entry']}")
                names.append(row.get("original_name"))
                waiting.append(row)
                if len(waiting) == GROUP:
                    writer.write_table(table_of(waiting, ENTRY))
                    waiting.clear()
        writer.write_table(table_of(waiting, ENTRY))
    return keys, names


def _settled(table: pa.Table, numbers: range, keys: Sequence[str], names: Mapping[int, str]) -> pa.Table:
    """The rows with their places, ids and final names."""
    apis = []
    for number, text, original in zip(
        numbers, table["api"].to_pylist(), table["original_name"].to_pylist(), strict=True
    ):
        changed = text is not None and names[number] != original
        apis.append(api_form(replace(api_of(text), name=names[number])) if changed else text)
    ids = [content_hash("entry", keys[number]) for number in numbers]
    final = [names.get(number) for number in numbers]
    return set_columns(table, {"row_id": ids, "number": list(numbers), "name": final, "api": apis})
