"""Judges' replies on the disk, so that a resumed run asks for none of them again."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from apigen_ray.graph.ids import DIGEST, digests
from apigen_ray.graph.shared import Shared
from apigen_ray.graph.stages import write_first
from apigen_ray.graph.tasks import file_chunks, submit
from apigen_ray.records import REPLY
from apigen_ray.storage import AnyPath, as_path, name_of, parquet_files, read_tables
from apigen_ray.tables import set_columns

JUDGED = pa.schema([pa.field("sample_id", pa.string()), pa.field("reply", REPLY)])
"""A row of ``judged/``."""


class Judged:
    """Where the replies to one ask lie: 16 bytes a reply, of which the text stays on the disk.

    Args:
        files: their paths.
        ids: the sample_ids in each, arrays of `DIGEST`.
    """

    def __init__(self, files: Sequence[str], ids: Sequence[np.ndarray]) -> None:
        self._files = list(files)
        all_ids = np.concatenate([np.empty(0, DIGEST), *ids])
        order = np.argsort(all_ids, kind="stable")
        self._ids = all_ids[order]
        self._at = np.repeat(np.arange(len(ids), dtype=np.int32), [len(part) for part in ids])[order]

    def replies(self, wanted: pa.ChunkedArray) -> pa.Table | None:
        """Rows of `JUDGED` for those of these sample_ids that have one; None where none has."""
        ids = digests(wanted)
        if not len(self._ids):
            return None
        at = np.minimum(np.searchsorted(self._ids, ids), len(self._ids) - 1)
        files = np.unique(self._at[at][self._ids[at] == ids])
        tables = read_tables(as_path(self._files[file]) for file in files)
        rows = [table.filter(pc.is_in(table["sample_id"], wanted)) for table in tables]
        return pa.concat_tables(rows) if rows else None


def judged_before(folder: AnyPath) -> Shared[Judged] | None:
    """The replies that an earlier attempt left of one ask; None where it left none.

    Args:
        folder: ``judged/round=N/ask=<name>``.
    """
    files = parquet_files(folder)
    if not files:
        return None
    groups = file_chunks(files)
    found = [submit(sample_ids, group) for group in groups]
    return Shared.at(submit(_index, groups, *found))


def sample_ids(files: Sequence[str]) -> list[np.ndarray]:
    """The sample_ids in each of some files, arrays of `DIGEST`."""
    return [
        np.concatenate(
            [np.empty(0, DIGEST), *(digests(table[0]) for table in read_tables([as_path(file)], ["sample_id"]))]
        )
        for file in files
    ]


def fill(table: pa.Table, name: str, judged: Judged) -> pa.Table:
    """Samples with the replies to an ask that there are already, in its column.

    Args:
        table: samples whose column ``name`` is null.
        name: of the ask.
        judged: an earlier attempt's replies.
    """
    found = judged.replies(table["sample_id"]) if table.num_rows else None
    return table if found is None else _put(table, name, found)


def persist(table: pa.Table, name: str, folder: str, judged: Judged | None = None) -> pa.Table:
    """Writes the replies to an ask that are new, and passes on what is then on the disk.

    As with drafts, Ray may run the stage again: the first reply that was committed wins; a failed request is not kept.

    Args:
        table: samples with a reply in the column ``name``, where they were asked.
        name: of the ask.
        folder: ``judged/round=N/ask=<name>``.
        judged: the replies that were there before.
    """
    reply = table[name]
    new = pc.and_(pc.is_valid(reply), pc.is_null(pc.struct_field(reply, "error")))
    rows = pa.table([table["sample_id"], reply], schema=JUDGED).filter(new)
    there = judged.replies(rows["sample_id"]) if judged is not None and rows.num_rows else None
    if there is not None:
        rows = rows.filter(pc.invert(pc.is_in(rows["sample_id"], there["sample_id"])))
    if not rows.num_rows:
        return table
    found = write_first(rows, "sample_id", folder, name_of(table["sample_id"]))
    return table if found is rows else _put(table, name, found)


def _index(groups: Sequence[Sequence[str]], *ids: Sequence[np.ndarray]) -> Judged:
    return Judged([file for group in groups for file in group], [part for parts in ids for part in parts])


def _put(table: pa.Table, name: str, found: pa.Table) -> pa.Table:
    """The replies that were found, in the column of the ask; the other rows keep theirs."""
    at = pc.index_in(table["sample_id"], found["sample_id"])
    replies = found["reply"].combine_chunks().take(at.combine_chunks())
    return set_columns(table, {name: pc.if_else(pc.is_valid(at), replies, table[name])})
