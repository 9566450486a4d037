"""Closing a round, in tasks: duplicates are found by ids, parts become few large files, the driver holds no row."""

import os
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from apigen_ray.config import SAMPLE
from apigen_ray.errors import RunFailedError
from apigen_ray.graph.ids import DIGEST, changes, digests
from apigen_ray.graph.tasks import fetch, file_chunks, submit
from apigen_ray.records import Verdict, content_hash, query_key
from apigen_ray.rundir import RunDir
from apigen_ray.storage import AnyPath, as_path, new_file, open_parquet, read_groups, read_tables
from apigen_ray.tables import conform, set_columns

ROWS_PER_FILE = 250_000
BYTES_PER_FILE = 512 << 20
"""A closed file has at most about so many rows and so many bytes; one of half as many is large."""

ROWS_PER_GROUP = 16_384
BYTES_PER_GROUP = 64 << 20
"""A row group has about so many rows or, before compression, bytes: what a reader holds at a time."""

OTHER = {str(Verdict.VERIFIED): str(Verdict.DUPLICATE), str(Verdict.DUPLICATE): str(Verdict.VERIFIED)}
"""What a row of these verdicts is when it is the other of the two."""

DROP, STAY, MOVE = range(3)
"""What becomes of a row: it is there already, keeps its verdict, or gets the `OTHER`."""

ORDER = np.dtype([("run", "<i4"), ("round", "<i4"), ("index", "<i8"), ("generator", "<i4"), ("pair", "<i4")])
"""When a sample was planned; ``generator`` is the place of its name in a list, ``run`` is 0 but for runs merged."""


@dataclass(frozen=True)
class Scan:
    """What closing has to know of some files: 12 bytes a row, and 48 more where rows are compared.

    Attributes:
        files: what there is of each.
        samples: sample_ids of all their rows, in their order.
        rows: places in ``samples`` of the rows that are compared.
        queries: their `apigen_ray.records.query_key`.
        orders: when they were planned, as `ORDER`.
        generators: the names that their ``generator`` means.
    """

    files: list["File"]
    samples: np.ndarray
    rows: np.ndarray
    queries: np.ndarray
    orders: np.ndarray
    generators: list[str]


class File(NamedTuple):
    """One file of samples.

    Attributes:
        verdict: of all its rows.
        rows: how many it has.
        size: bytes.
        whole: whether it may stay as it is: it is a closed one of today's schema.
    """

    verdict: str
    rows: int
    size: int
    whole: bool


class Counts(NamedTuple):
    """What becomes of the rows of a file."""

    file: File
    stay: int
    move: int

    @property
    def left(self) -> int:
        """Rows that are kept."""
        return self.stay + self.move

    @property
    def bytes(self) -> int:
        """About as many as they take."""
        return self.file.size * self.left // max(1, self.file.rows)

    @property
    def unchanged(self) -> bool:
        """Whether it may be a file of the closed round as it is."""
        return self.file.whole and self.stay == self.file.rows

    @property
    def large(self) -> bool:
        """Whether it is not worth the while to merge it with others."""
        return self.left >= ROWS_PER_FILE // 2 or self.bytes >= BYTES_PER_FILE // 2


def close_round(run: RunDir, round_: int, unique: bool = True) -> None:
    """Makes a round final: every sample once, every query verified once, few large files.

    Of verified samples with the same query the one that was planned first stays; the others become ``duplicate``.
    That rests on ids alone, so an interrupted run ends like an uninterrupted one. A large file that nothing changes in
    stays as it is. One task holds about 150 bytes for each sample of this round and of those before it; where the
    closing is killed, the parts are what they were.

    Args:
        run: the run directory.
        round_: the round that has ended.
        unique: whether to look for duplicates; records that are judged as they came are not compared.

    Raises:
        RunFailedError: what was written is not what was read; the round stays open.
    """
    files = sorted(run.sample_files(round_), key=lambda file: _verdict(file) == Verdict.ERROR)  # of two, the other one
    if not files:
        run.close_round(round_, [], 0)
        return
    earlier = [file for number in run.closed_rounds() if number < round_ for file in run.sample_files(number)]
    earlier = [file for file in earlier if unique and _verdict(file) in OTHER]
    live = [submit(scan, chunk, unique) for chunk in file_chunks(files)]
    before = [submit(scan, chunk, unique) for chunk in file_chunks(earlier)]
    fates, answer = submit(settle, len(live), *live, *before, returns=2)
    counts: list[Counts] = fetch(answer)
    starts = np.cumsum([0, *(each.file.rows for each in counts)]).tolist()
    final, groups = arrange(files, counts)
    token = content_hash(os.urandom(16).hex())[:12]
    merging = []
    for number, group in enumerate(groups):
        sources = [(str(files[at]), starts[at], starts[at + 1]) for at in group]
        merging.append(submit(merge, sources, fates, str(run.samples(round_)), f"closed-{token}-{number:04d}.parquet"))
    for written in merging:
        names, lost = fetch(written)
        if lost:
            raise RunFailedError(
                f"{lost}: what can be read back is not what was written",
                "nothing is lost: see to the disk and go on with --resume, which closes the round again",
            )
        final += [as_path(name) for name in names]
    run.close_round(round_, sorted(final), sum(each.left for each in counts))


def arrange(files: Sequence[AnyPath], counts: Sequence[Counts]) -> tuple[list[AnyPath], list[list[int]]]:
    """Which files stay as they are, and the places of those that are merged, file by file of the closed round."""
    stay: list[AnyPath] = []
    groups: list[list[int]] = []
    by_verdict: dict[str, list[int]] = defaultdict(list)
    for at, (file, each) in enumerate(zip(files, counts, strict=True)):
        if each.unchanged and each.large:
            stay.append(file)
        elif each.left:
            by_verdict[_verdict(file)].append(at)
    for places in by_verdict.values():
        rows = size = 0
        group: list[int] = []
        for at in places:
            rows, size = rows + counts[at].left, size + counts[at].bytes
            if group and (rows > ROWS_PER_FILE or size > BYTES_PER_FILE):
                groups.append(group)
                group, rows, size = [], counts[at].left, counts[at].bytes
            group.append(at)
        groups.append(group)
    alone = [group for group in groups if len(group) == 1 and counts[group[0]].unchanged]
    stay += [files[group[0]] for group in alone]
    return stay, [group for group in groups if group not in alone]


# Tasks


def scan(files: Sequence[str], unique: bool) -> Scan:
    """Reads the ids of some files, and what tells duplicates where rows are compared."""
    found: list[File] = []
    samples, queries = [np.empty(0, DIGEST)], [np.empty(0, DIGEST)]
    rows, orders = [np.empty(0, np.int64)], [np.empty(0, ORDER)]
    generators: dict[str, int] = {}
    start = 0
    for file in map(as_path, files):
        columns = ["sample_id"]
        if unique and _verdict(file) in OTHER:
            columns += ["query", "round", "index", "generator", "pair"]
        with open_parquet(file) as parquet:
            whole = file.name.startswith("closed-") and parquet.schema_arrow.equals(SAMPLE)
            found.append(File(_verdict(file), parquet.metadata.num_rows, file.stat().st_size, whole))
            for table in read_groups(parquet, file, columns):
                samples.append(digests(table["sample_id"]))
                if len(columns) > 1:
                    there = pc.is_valid(table["query"])  # no query, nothing to have in common
                    rows.append(start + np.flatnonzero(there.to_numpy()))
                    table = table.filter(there)
                    queries.append(digests(pa.array(map(query_key, table["query"].to_pylist()), pa.string())))
                    orders.append(_orders(table, generators))
                start += len(samples[-1])
    return Scan(
        found,
        np.concatenate(samples),
        np.concatenate(rows),
        np.concatenate(queries),
        np.concatenate(orders),
        list(generators),
    )


def settle(live: int, *scans: Scan) -> tuple[np.ndarray, list[Counts]]:
    """What becomes of each row.

    Args:
        live: how many of the scans are of the round that is closed.
        scans: of its files and, after them, of those of earlier rounds.

    Returns:
        `DROP`, `STAY` or `MOVE` for each row of the round, and what that comes to for each of its files.
    """
    samples = np.concatenate([each.samples for each in scans])
    total = sum(len(each.samples) for each in scans[:live])
    fates = np.full(total, DROP, np.uint8)
    # a stage that Ray ran twice may have written a sample in two batches
    fates[np.unique(samples[:total], return_index=True)[1]] = STAY
    kept = np.concatenate([fates, np.full(len(samples) - total, STAY, np.uint8)]) == STAY
    compared, again = duplicates(only(scans, kept), samples)
    return fates, decide(fates, [file for each in scans[:live] for file in each.files], compared, again)


def decide(fates: np.ndarray, files: Sequence[File], compared: np.ndarray, again: np.ndarray) -> list[Counts]:
    """Lets the rows move that get the other verdict, of those that `STAY`.

    Args:
        fates: of all rows; changed here.
        files: that the rows lie in, in their order.
        compared: which rows `duplicates` has compared, and
        again: which of them it calls so.

    Returns:
        What becomes of the rows of each file.
    """
    counts: list[Counts] = []
    start = 0
    for file in files:
        rows = slice(start, start + file.rows)
        start = rows.stop
        moves = again[rows] if file.verdict == Verdict.VERIFIED else compared[rows] & ~again[rows]
        fates[rows][moves & (fates[rows] == STAY)] = MOVE
        counts.append(Counts(file, int((fates[rows] == STAY).sum()), int((fates[rows] == MOVE).sum())))
    return counts


def merge(
    sources: Sequence[tuple[str, int, int]], fates: np.ndarray, folder: str, name: str, runs: Sequence[str] = ()
) -> tuple[list[str], str]:
    """Writes the rows that are left of some files of one verdict: one file, and one for those that get the other.

    Args:
        sources: each file, with where its rows begin and end in ``fates``.
        fates: what becomes of each row of the round.
        folder: ``samples/round=N``.
        name: of the files to write; a task that Ray runs twice writes the same.
        runs: for each of the sources what its rows have as ``run`` where they have none.

    Returns:
        The files, and one that does not hold what was written, or "".
    """
    writers: dict[str, _Writer] = {}
    with ExitStack() as stack:
        for at, (file, start, _) in enumerate(sources):
            verdict = _verdict(as_path(file))
            for table in read_tables([as_path(file)]):
                now = fates[start : start + len(table)]
                start += len(table)
                for fate, becomes in ((STAY, verdict), (MOVE, OTHER.get(verdict, ""))):
                    some = conform(table.filter(pa.array(now == fate)) if (now != fate).any() else table, SAMPLE)
                    if runs:
                        some = set_columns(some, {"run": pc.fill_null(some["run"], runs[at])})
                    if some.num_rows and becomes not in writers:
                        writer = _Writer(as_path(folder) / f"verdict={becomes}" / name)
                        writers[becomes] = stack.enter_context(writer)
                    if some.num_rows:
                        writers[becomes].add(set_columns(some, {"verdict": [becomes] * len(some)}))
    lost = [str(writer.path) for writer in writers.values() if not writer.is_whole()]
    return [str(writer.path) for writer in writers.values()], "".join(lost[:1])


class _Writer:
    """One closed file, which is in place when the block has ended; rows are gathered into row groups."""

    def __init__(self, path: AnyPath) -> None:
        self.path = path
        self._stack = ExitStack()
        self._held: list[pa.Table] = []
        self._rows = self._bytes = 0
        self._ids: list[np.ndarray] = []

    def __enter__(self) -> "_Writer":
        self._stack.enter_context(suppress(FileExistsError))  # Ray runs the task again: it is there
        file = self._stack.enter_context(new_file(self.path))
        self._parquet = self._stack.enter_context(pq.ParquetWriter(file, SAMPLE, compression="zstd"))
        self._stack.push(self._end)
        return self

    def __exit__(self, *error: Any) -> bool | None:
        return self._stack.__exit__(*error)

    def add(self, table: pa.Table) -> None:
        self._held.append(table)
        self._ids.append(digests(table["sample_id"]))
        self._rows, self._bytes = self._rows + table.num_rows, self._bytes + table.nbytes
        if self._rows >= ROWS_PER_GROUP or self._bytes >= BYTES_PER_GROUP:
            self._write()

    def is_whole(self) -> bool:
        """Whether the file holds the ids that were added."""
        back = [digests(table["sample_id"]) for table in read_tables([self.path], ["sample_id"])]
        return np.array_equal(np.concatenate([np.empty(0, DIGEST), *back]), np.concatenate(self._ids))

    def _end(self, error: type[BaseException] | None, *_: object) -> None:
        """Writes what is still held; where that fails the stack clears the file away, as it does for any other."""
        if error is None:
            self._write()

    def _write(self) -> None:
        if self._held:
            self._parquet.write_table(pa.concat_tables(self._held))
            self._held, self._rows, self._bytes = [], 0, 0


def only(scans: Sequence[Scan], kept: np.ndarray) -> list[Scan]:
    """The scans with only those rows to compare that are kept: what is not kept must make no duplicate of another."""
    out, start = [], 0
    for each in scans:
        here = kept[start + each.rows]
        start += len(each.samples)
        out.append(replace(each, rows=each.rows[here], queries=each.queries[here], orders=each.orders[here]))
    return out


def duplicates(scans: Sequence[Scan], samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which rows are compared, and which of them have the query of another sample that was planned before theirs.

    Args:
        scans: of all files.
        samples: their sample_ids, together.
    """
    names = sorted({name for each in scans for name in each.generators})
    starts = np.cumsum([0, *(len(each.samples) for each in scans)])
    rows = np.concatenate([each.rows + start for each, start in zip(scans, starts, strict=False)])
    orders = np.concatenate([each.orders for each in scans])
    orders["generator"] = np.concatenate([_places(each.generators, names)[each.orders["generator"]] for each in scans])
    queries, ids = np.concatenate([each.queries for each in scans]), samples[rows]
    planned = (orders[part] for part in ("pair", "generator", "index", "round", "run"))
    by = np.lexsort((ids, *planned, queries))
    rows, ids = rows[by], ids[by]
    firsts = np.flatnonzero(changes(queries[by]))
    compared, again = np.zeros(len(samples), bool), np.zeros(len(samples), bool)
    compared[rows] = True
    again[rows] = ids != np.repeat(ids[firsts], np.diff(np.append(firsts, len(ids))))
    return compared, again


def _orders(table: pa.Table, generators: dict[str, int]) -> np.ndarray:
    """When each row was planned; ``generator`` as a number that is given here to each new name."""
    out = np.zeros(len(table), ORDER)
    for name in ("round", "index", "pair"):
        out[name] = pc.fill_null(table[name], 0).to_numpy()
    names = pc.fill_null(table["generator"], "").to_pylist()
    out["generator"] = [generators.setdefault(name, len(generators)) for name in names]
    return out


def _places(names: Sequence[str], among: Sequence[str]) -> np.ndarray:
    """Where each name stands in a sorted list."""
    return np.array([bisect_left(among, name) for name in names], np.int32)


def _verdict(file: AnyPath) -> str:
    return file.parent.name.removeprefix("verdict=")
