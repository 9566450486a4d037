"""The stages of the graph as functions ``pa.Table -> pa.Table`` that can be tested without Ray."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from apigen_ray.asks.base import DraftAsk, Row
from apigen_ray.records import DRAFT, NOT_REQUESTED, PLAN, Verdict, content_hash
from apigen_ray.rundir import RunDir, name_of, parquet_files, read_tables, write_once
from apigen_ray.sampling import Planner
from apigen_ray.tables import conform, table_of
from apigen_ray.verifiers import VERIFIERS, Setting, Verifier
from apigen_ray.verifiers.execution import ExecutionVerifier, execute_candidates
from apigen_ray.verifiers.stages import check, skipped, verdict

_log = logging.getLogger(__name__)


class Ids:
    """A set of content hashes, as one sorted array: 24 bytes an id.

    Args:
        ids: any order, repeats allowed.
    """

    def __init__(self, ids: Sequence[str] | np.ndarray) -> None:
        self._sorted = np.unique(np.asarray(ids, dtype="S24"))

    def __len__(self) -> int:
        return len(self._sorted)

    def contains(self, ids: Sequence[str]) -> np.ndarray:
        """Booleans, one for each id."""
        if not len(self._sorted):
            return np.zeros(len(ids), dtype=bool)
        wanted = np.asarray(ids, dtype="S24")
        at = np.minimum(np.searchsorted(self._sorted, wanted), len(self._sorted) - 1)
        found: np.ndarray = self._sorted[at] == wanted
        return found


def plan(ids: pa.Table, planner: Planner, round_: int, generators: Sequence[str], size: int, done: Ids) -> pa.Table:
    """Prompts for positions ``0 .. generators * size - 1``, less those whose reply is already in ``drafts/``.

    Args:
        ids: one int64 column ``id``.
        planner: samples the prompts.
        round_: number of the round.
        generators: names; each takes ``size`` positions in turn.
        size: prompts for each generator.
        done: prompt_ids that have a draft.

    Returns:
        A table of `records.DRAFT` with no replies yet.
    """
    by_generator: dict[str, list[int]] = {}
    for position in ids["id"].to_pylist():
        by_generator.setdefault(generators[position // size], []).append(position % size)
    rows = [row for name, indices in by_generator.items() for row in planner.rows(round_, name, indices)]
    todo = ~done.contains([row["prompt_id"] for row in rows])
    return conform(table_of([row for row, left in zip(rows, todo, strict=True) if left], PLAN), DRAFT)


def execute_planned(table: pa.Table, setting: Setting, wanted: Sequence[str]) -> pa.Table:
    """For ``call_first``: the first candidate whose calls all execute becomes ``planned``.

    Where the run does not ask for the stage ``execution`` nothing is executed: it is the first candidate as it stands.
    """
    if ExecutionVerifier.name not in wanted:
        setting = replace(setting, execution=setting.execution.model_copy(update={"mode": "none"}))
    return execute_candidates(table, setting) if table.num_rows else table


def to_ask(row: Row, generator: str, asks: Mapping[str, DraftAsk]) -> bool:
    """Whether a generator is to be asked about a row: it is its own, has no reply yet, and its ask wants one."""
    return row["generator"] == generator and row["reply"] is None and asks[row["mode"]].wanted(row)


def persist(table: pa.Table, folder: str) -> pa.Table:
    """Writes the replies that were paid for, and passes on what is then on the disk.

    Ray may run a stage again after a worker has died: the first committed reply wins. Rows whose engine failed are
    passed on and not kept, so that a resumed run asks again.
    """
    paid = pc.is_null(pc.struct_field(table["reply"], "error"))
    # planned calls that did not execute have no reply; planning them again is free
    paid = pc.and_(paid, pc.is_valid(table["reply"]))
    kept, rest = table.filter(paid), table.filter(pc.invert(paid))
    if kept.num_rows:
        name = name_of(kept["prompt_id"])
        if not write_once(kept, Path(folder), name):
            kept = pa.concat_tables(list(read_tables([Path(folder) / f"{name}.parquet"])))
    return pa.concat_tables([kept, rest])


def split(table: pa.Table, asks: Mapping[str, DraftAsk], done: Ids, schema: pa.Schema) -> pa.Table:
    """Drafts to samples: one for each pair of a reply, and one for a reply that cannot be taken apart.

    Args:
        table: rows of `records.DRAFT`.
        asks: the generator's ask for each mode.
        done: sample_ids that have their verdict already.
        schema: of a sample.
    """
    parents: list[int] = []
    records: list[str | None] = []
    pairs: list[int] = []
    for number, row in enumerate(table.to_pylist()):
        reply = row["reply"]
        answered = reply is not None and reply["text"] is not None
        texts: list[str] | list[None] = _records(asks[row["mode"]], row) if answered else [None]
        parents += [number] * len(texts)
        records += texts
        pairs += range(len(texts))
    rows = table.take(pa.array(parents, pa.int64()))
    names = rows["prompt_id"].to_pylist()
    ids = [content_hash("sample", name, pair) for name, pair in zip(names, pairs, strict=True)]
    for name, values in (("sample_id", ids), ("record", records)):
        rows = rows.append_column(name, pa.array(values, pa.string()))
    rows = conform(rows.append_column("pair", pa.array(pairs, pa.int32())), schema)
    return rows.filter(pa.array(~done.contains(ids)))


def _records(ask: DraftAsk, row: Row) -> list[str]:
    """The records of a reply; the whole reply where the ask has a defect, for the format stage to judge.

    A reply was paid for, and its row must come out: a defect costs this row, not the run.
    """
    whole: str = row["reply"]["text"]
    try:
        return ask.records(row) or [whole]
    except Exception:
        _log.exception("%s cannot take the reply to prompt %s apart", type(ask).__name__, row["prompt_id"])
        return [whole]


def verify(table: pa.Table, verifiers: Sequence[Verifier], stages: Sequence[str]) -> pa.Table:
    """Some consecutive stages over a batch of samples.

    Args:
        table: samples on which every earlier stage has spoken.
        verifiers: the stages to run now.
        stages: names of the stages that the run asks for.
    """
    order = [verifier.name for verifier in VERIFIERS]
    for verifier in verifiers:
        name = verifier.name
        if name in stages:
            table = check(verifier, table, order[: order.index(name)])
        else:
            table = skipped(name, table, NOT_REQUESTED)
    return table


TALLY = pa.schema(
    [
        pa.field("generator", pa.string()),
        pa.field("verdict", pa.string()),
        pa.field("code", pa.string()),
        pa.field("rows", pa.int64()),
    ]
)
"""What the sink says of a batch that it wrote: rows for each generator, verdict and code."""


def sink(table: pa.Table, folder: str) -> pa.Table:
    """Writes finished samples, one file for each verdict, and gives a small tally back.

    Args:
        table: samples that every stage has spoken on.
        folder: ``samples/round=N``.

    Returns:
        A table of `TALLY`.
    """
    table = verdict(table, [verifier.name for verifier in VERIFIERS])
    for value in pc.unique(table["verdict"]).to_pylist():
        part = table.filter(pc.equal(table["verdict"], value))
        write_once(part, Path(folder) / f"verdict={value}", name_of(part["sample_id"]))
    code = pa.chunked_array([pa.repeat(pa.scalar("", pa.string()), table.num_rows)])
    for verifier in reversed(VERIFIERS):
        blamed = pc.is_in(table[f"{verifier.name}_status"], pa.array(["rejected", "error"]))
        code = pc.if_else(blamed, table[f"{verifier.name}_code"], code)
    counted = pa.table([table["generator"], table["verdict"], code], names=TALLY.names[:3])
    groups = counted.group_by(TALLY.names[:3]).aggregate([([], "count_all")])
    return conform(groups.rename_columns([*TALLY.names]), TALLY)


def within(table: pa.Table, size: int) -> pa.Table:
    """The drafts that a run of this size plans: a larger one may have left others."""
    return table.filter(pc.less(table["index"], size))


def committed_drafts(run: RunDir, round_: int, size: int) -> Ids:
    """prompt_ids of a round whose reply is on the disk, of those that a run of this size plans."""
    tables = read_tables(parquet_files(run.drafts(round_)), ["prompt_id", "index"])
    return _ids((within(table, size) for table in tables), "prompt_id")


def committed_samples(run: RunDir, round_: int) -> Ids:
    """sample_ids of a round that have a verdict other than ``error``."""
    files = run.sample_files(round_)
    files = [file for file in files if file.parent.name != f"verdict={Verdict.ERROR}"]
    return _ids(read_tables(files, ["sample_id"]), "sample_id")


def _ids(tables: Iterable[pa.Table], column: str) -> Ids:
    arrays = [np.asarray(table[column].to_pylist(), dtype="S24") for table in tables]
    return Ids(np.concatenate(arrays) if arrays else np.empty(0, dtype="S24"))
