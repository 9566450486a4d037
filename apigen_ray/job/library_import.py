"""Imports sources into a library folder: a row for every entry, and in memory their names alone."""

import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from apigen_ray import __version__
from apigen_ray.errors import InputError, LibraryError, RunExistsError
from apigen_ray.job.init import source_spec
from apigen_ray.library import BUILTIN, SourceSpec
from apigen_ray.library.base import Parsed
from apigen_ray.library.names import entries_once, unique_names
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
            secret).
    """

    server: str | None = None
    auth: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def parse(cls, server: str | None, auth: Sequence[str]) -> "ImportOptions":
        """Reads a command line.

        Args:
            server: a URL.
            auth: texts ``scheme=ENV`` or ``scheme=ENV,ENV``.

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
        return cls(server, found)


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
            spec = _spec(self.text, self.options)
            parsed = spec.parse(Path())
        except LibraryError as error:
            if not self.one_of_many:
                raise
            yield self._row("unknown", self.label, Status.REJECTED, "unreadable", error.message)
            return
        yield from self._parsed(spec.kind, parsed)

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
    if path.is_dir() and not any(path.rglob("*.py")):
        for file in sorted(file for file in path.rglob("*") if file.suffix.lower() in _DOCUMENTS):
            yield _Piece(text, str(file), file.relative_to(path).as_posix(), options, one_of_many=True)
    else:
        yield _Piece(text, text, path.name, options)


def _spec(text: str, options: ImportOptions) -> SourceSpec:
    if text == "builtin":
        return BUILTIN
    if "://" in text:
        raise LibraryError(f"{text}: documents are not fetched", "save it, and give the file")
    spec = source_spec(text)
    wished = {"server": options.server, "auth": dict(options.auth) or None, "on_untyped": "reject"}
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
