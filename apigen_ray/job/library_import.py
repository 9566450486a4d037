"""Imports sources into a library folder: a row for every entry, and in memory their names alone."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from apigen_ray import __version__
from apigen_ray.errors import LibraryError, RunExistsError
from apigen_ray.job.library_sources import ImportOptions, Piece, pieces
from apigen_ray.library.names import entries_once, unique_names
from apigen_ray.library.prepared import ENTRY, GROUP, LibraryDir, api_form, api_of
from apigen_ray.records import Json, content_hash
from apigen_ray.storage import AnyPath, new_file, read_tables, remove
from apigen_ray.tables import set_columns, table_of


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
        options, known = options or ImportOptions(), set[str]()
        keys, names = _spool(pieces(sources, options, known), spool)
        if strange := sorted(options.auth.keys() - known):
            raise LibraryError(f"--auth {strange[0]}: no source knows it", "give a security scheme of a document")
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
            raise RunExistsError(f"{path}: is not empty and no library", "delete it, or: --out OTHER") from None
    else:
        if not clean:
            raise RunExistsError(f"{path}: a library is there", "start over: --clean, or keep it: --out OTHER")


def _spool(pieces: Sequence[Piece], spool: Path) -> tuple[list[str], list[str | None]]:
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
