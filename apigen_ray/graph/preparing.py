"""The graph that prepares a library: each step a stage over its rows, on the disk as soon as they were paid for."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from apigen_ray.asks.base import Ask, Row
from apigen_ray.asks.categorise import Categorise
from apigen_ray.asks.describe import Describe
from apigen_ray.engines.base import Engine
from apigen_ray.errors import RunFailedError
from apigen_ray.graph.ids import digests
from apigen_ray.graph.preparing_steps import (
    Plan,
    due,
    judge_accessibility,
    judge_quality,
    use_category,
    use_description,
)
from apigen_ray.graph.records import input_graph
from apigen_ray.graph.shared import ARROW, Shared
from apigen_ray.graph.stages import write_first
from apigen_ray.graph.stopping import Stop, unless
from apigen_ray.library.prepared import ENTRY, LibraryDir, blame
from apigen_ray.records import content_hash
from apigen_ray.runners.pool import shared_runner
from apigen_ray.storage import (
    AnyPath,
    as_path,
    delete,
    list_files,
    name_of,
    new_file,
    open_parquet,
    parquet_files,
    read_tables,
)
from apigen_ray.tables import set_columns, table_of

if TYPE_CHECKING:
    from ray.data import Dataset

RANKS = ("1-called", "2-described", "3-categorised", "4-done")
"""Folders of an attempt, of a row's way through it: the later one of two counts."""

TALLY = pa.schema([pa.field("rows", pa.int64()), pa.field("usable", pa.int64())])
"""What the sink says of a batch."""


@dataclass(frozen=True)
class Piece:
    """Rows that one task takes.

    Attributes:
        file: that they lie in.
        group: of its row groups.
        rows: their places in it.
        kept: whether what they say is of an attempt that has not ended.
    """

    file: str
    group: int
    rows: tuple[int, ...]
    kept: bool


def attempt_folder(library: LibraryDir, number: int) -> AnyPath:
    """The folder of an attempt."""
    return library.work / f"attempt={number:04d}"


def pieces(library: LibraryDir) -> list[Piece]:
    """Every row once, as the latest attempt left it; the driver reads the ids alone.

    Raises:
        LibraryError: there is no library.
    """
    ended = library.manifest()["attempt"]
    work = [file for file in parquet_files(library.work) if _attempt(file) > ended]
    work.sort(key=lambda file: (_attempt(file), file.parent.name), reverse=True)
    found: list[Piece] = []
    seen: set[bytes] = set()
    for file, kept in [*((file, True) for file in work), *((file, False) for file in library.files())]:
        with open_parquet(file) as parquet:
            for group in range(parquet.num_row_groups):
                ids = digests(parquet.read_row_group(group, columns=["row_id"])["row_id"]).tolist()
                rows = tuple(place for place, row_id in enumerate(ids) if row_id not in seen)
                seen.update(ids)
                if rows:
                    found.append(Piece(str(file), group, rows, kept))
    return found


def duplicates(library: LibraryDir) -> dict[str, str]:
    """The entries that repeat an earlier one: its name, by their row_ids."""
    columns = ["row_id", "number", "form_id", "name"]
    rows = [row for table in library.read(columns) for row in table.to_pylist() if row["form_id"] is not None]
    first: dict[str, str] = {}
    found = {}
    for row in sorted(rows, key=lambda row: row["number"]):
        name = first.setdefault(row["form_id"], row["name"])
        if name != row["name"]:
            found[row["row_id"]] = name
    return found


def preparing_graph(
    library: LibraryDir,
    attempt: int,
    plan: Plan,
    writer: Engine | None,
    *,
    again: bool = False,
    stop: Stop | None = None,
) -> "Dataset":
    """The graph of an attempt, from wherever earlier ones left the rows.

    Args:
        library: to be prepared.
        attempt: its number, higher than that of any before it.
        plan: what is asked for.
        writer: the engine that is asked for descriptions and categories.
        again: whether endpoints are called that have their verdict, unless an attempt that has not ended gave it.
        stop: once it is asked for, nothing more is read, called or asked.

    Returns:
        A dataset of `TALLY` rows, to be consumed.
    """
    shared, repeated = Shared(plan), Shared(duplicates(library))
    folders = [str(attempt_folder(library, attempt) / rank) for rank in RANKS]
    rows = input_graph(pieces(library), partial(read, again=again), ENTRY, stop)
    rows = rows.map_batches(partial(_call, plan=shared, repeated=repeated), **ARROW)
    if writer is not None:
        bare = replace(plan, lexicons={})
        rows = rows.map_batches(partial(keep, folder=folders[0]), **ARROW)
        ask: Ask
        for step, ask, folder in (
            ("description", Describe(plan.min_words), folders[1]),
            ("category", Categorise(), folders[2]),
        ):
            where = unless(stop, partial(to_ask, step=step, plan=bare, ask=ask))
            rows = writer.attach(rows, ask, where, ENTRY, partial(keep, folder=folder))
            rows = rows.map_batches(partial(_use, plan=shared), **ARROW)
    return rows.map_batches(partial(_done, plan=shared, folder=folders[3]), **ARROW)


def close_attempt(library: LibraryDir, attempt: int) -> None:
    """Makes the rows that an attempt brought to its end the library's, in one step, and deletes what came before.

    Streams: rows come in about the order of the library; whoever needs the order goes by ``number``.

    Raises:
        RunFailedError: not all rows came to the end; the library is as it was.
    """
    manifest = library.manifest()
    files = parquet_files(attempt_folder(library, attempt) / RANKS[3])
    files.sort(
        key=lambda file: min(number for table in read_tables([file], ["number"]) for number in table[0].to_pylist())
    )
    target = library.apis / f"part-{content_hash(attempt, *(file.name for file in files))}.parquet"
    seen: set[str] = set()
    delete([target])  # of a closing that was killed before it was switched to
    with new_file(target) as stream, pq.ParquetWriter(stream, ENTRY, compression="zstd") as writer:
        for table in read_tables(files):
            fresh = [row_id not in seen for row_id in table["row_id"].to_pylist()]
            seen.update(table["row_id"].to_pylist())
            if any(fresh):  # a batch that Ray ran twice, cut another way, lies there twice
                writer.write_table(table.filter(pa.array(fresh)))
    if len(seen) != manifest["rows"]:
        delete([target])
        raise RunFailedError(
            f"{library.path}: {len(seen):,} of {manifest['rows']:,} rows came to the end",
            "nothing is lost: prepare it again; please report this",
        )
    library.write_manifest(manifest | {"files": [f"apis/{target.name}"], "attempt": attempt})
    delete([file for file in list_files(library.apis) if file != target])
    delete(list_files(library.work))


def next_attempt(library: LibraryDir) -> int:
    """The number of the next attempt; clears away what is left of one that has ended."""
    ended: int = library.manifest()["attempt"]
    there = list_files(library.work)
    delete(file for file in there if _attempt(file) <= ended)
    return 1 + max([ended, *(_attempt(file) for file in there)])


def read(piece: Piece, again: bool) -> Iterator[pa.Table]:
    """The rows of a piece.

    Args:
        piece: rows of one row group.
        again: whether a verdict on accessibility that is not of an open attempt is forgotten.
    """
    with open_parquet(as_path(piece.file)) as parquet:
        table = parquet.read_row_group(piece.group).take(pa.array(piece.rows))
    if again and not piece.kept:
        nothing = [None] * table.num_rows
        names = (*(f"accessibility_{part}" for part in ("status", "code", "detail")), "example")
        table = set_columns(table, dict.fromkeys(names, nothing))
    yield table


def to_ask(row: Row, step: str, plan: Plan, ask: Ask) -> bool:
    """Whether a model is to be asked about a row: the step is due, needs it, and has no reply yet."""
    reply = row[ask.name]
    return (reply is None or reply["error"] is not None) and due(row, step, plan) and ask.wanted(row)


def keep(table: pa.Table, folder: str) -> pa.Table:
    """Writes rows as they are now, and passes on what is then on the disk: of a stage that ran twice the first."""
    if not table.num_rows:
        return table
    kept = write_first(table, "row_id", folder, name_of(table["row_id"]))
    return kept.filter(pc.is_in(kept["row_id"], table["row_id"]))


def _attempt(file: AnyPath) -> int:
    return int(file.parent.parent.name.partition("=")[2])


def _call(table: pa.Table, plan: Shared[Plan], repeated: Shared[dict[str, str]]) -> pa.Table:
    rows = table.to_pylist()
    judge_quality(rows, plan.get(), repeated.get())
    judge_accessibility(rows, plan.get(), shared_runner(plan.get().execution, plan.get().leases).run)
    return table_of(rows, ENTRY)


def _use(table: pa.Table, plan: Shared[Plan]) -> pa.Table:
    rows = table.to_pylist()
    for row in rows:
        use_description(row, plan.get())
        use_category(row, plan.get())
    return table_of(rows, ENTRY)


def _done(table: pa.Table, plan: Shared[Plan], folder: str) -> pa.Table:
    table = keep(_use(table, plan), folder)
    usable = sum(blame(row) is None for row in table.to_pylist())
    return pa.table([[table.num_rows], [usable]], schema=TALLY)
