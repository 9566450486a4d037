"""Closing a round: duplicates are found, and parts become few files."""

import os
from contextlib import ExitStack
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from apigen_ray.config import SAMPLE
from apigen_ray.records import Verdict, content_hash, query_key
from apigen_ray.rundir import AnyPath, RunDir, new_file, read_tables
from apigen_ray.tables import set_columns

ROWS_PER_FILE = 1_000_000
UNIQUE = (str(Verdict.VERIFIED), str(Verdict.DUPLICATE))


def close_round(run: RunDir, round_: int, unique: bool = True) -> None:
    """Makes a round final: every sample once, every query verified once, few large files.

    Of verified samples with the same query the one that was planned first stays; the others become ``duplicate``.
    That rests on ids alone, so an interrupted run ends like an uninterrupted one. Reads the samples row group by
    row group, and holds the ids of all and the query hashes of the verified ones.

    Args:
        run: the run directory.
        round_: the round that has ended.
        unique: whether to look for duplicates; records that are judged as they came are not compared.
    """
    files = run.sample_files(round_)
    ids = np.asarray([name for table in read_tables(files, ["sample_id"]) for name in table[0].to_pylist()], "S24")
    new = np.zeros(len(ids), dtype=bool)  # a stage that Ray ran twice may have written a sample in two batches
    new[np.unique(ids, return_index=True)[1]] = True
    again = np.isin(ids, _duplicates(run, round_, files) if unique else [])
    writers: dict[str, _Writer] = {}
    start = 0
    try:
        for table in read_tables(files):
            rows = slice(start, start + table.num_rows)
            start = rows.stop
            table = table.filter(pa.array(new[rows]))
            is_duplicate = pa.array(again[rows][new[rows]])
            good = pc.if_else(is_duplicate, str(Verdict.DUPLICATE), str(Verdict.VERIFIED))
            good = pc.if_else(pc.is_in(table["verdict"], pa.array(UNIQUE)), good, table["verdict"])
            table = set_columns(table, {"verdict": good})
            for verdict in pc.unique(table["verdict"]).to_pylist():
                writer = writers.setdefault(verdict, _Writer(run.samples(round_) / f"verdict={verdict}"))
                writer.write(table.filter(pc.equal(table["verdict"], verdict)))
    finally:
        final = [file for writer in writers.values() for file in writer.close()]
    run.close_round(round_, sorted(final), int(new.sum()))


def _duplicates(run: RunDir, round_: int, files: list[AnyPath]) -> np.ndarray:
    """sample_ids of this round whose query an earlier planned sample has, in this round or one before."""
    keys, orders, ids = [], [], []
    earlier = [file for number in run.closed_rounds() if number < round_ for file in run.sample_files(number)]
    for file in [*earlier, *files]:
        if file.parent.name not in [f"verdict={verdict}" for verdict in UNIQUE]:
            continue
        for table in read_tables([file], ["query", "round", "generator", "index", "pair", "source_id", "sample_id"]):
            for row in table.filter(pc.is_valid(table["query"])).to_pylist():  # no query, nothing to have in common
                keys.append(query_key(row["query"]))
                orders.append((row["round"] or 0, row["index"] or 0, row["generator"] or "", row["pair"] or 0))
                ids.append(row["sample_id"])
    order = sorted(range(len(ids)), key=lambda i: (keys[i], orders[i], ids[i]))
    again = [ids[b] for a, b in pairwise(order) if keys[a] == keys[b] and ids[a] != ids[b]]
    return np.asarray(again, dtype="S24")


class _Writer:
    """Files of one partition, of at most `ROWS_PER_FILE` rows, each in place when it is whole."""

    def __init__(self, folder: AnyPath) -> None:
        self._folder = folder
        self._files: list[AnyPath] = []
        self._rows = 0
        self._open: pq.ParquetWriter | None = None
        self._stack = ExitStack()
        self._token = content_hash(str(folder), os.getpid(), os.urandom(8).hex())[:12]

    def write(self, table: pa.Table) -> None:
        if self._open is None:
            self._path = self._folder / f"closed-{self._token}-{len(self._files):04d}.parquet"
            file = self._stack.enter_context(new_file(self._path))
            self._open = self._stack.enter_context(pq.ParquetWriter(file, SAMPLE, compression="zstd"))
        self._open.write_table(table)
        self._rows += table.num_rows
        if self._rows >= ROWS_PER_FILE:
            self._finish()

    def close(self) -> list[AnyPath]:
        if self._open is not None:
            self._finish()
        return self._files

    def _finish(self) -> None:
        self._stack.close()
        self._files.append(self._path)
        self._open, self._rows = None, 0
