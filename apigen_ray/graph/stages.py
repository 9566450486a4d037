"""The stages of the graph as functions ``pa.Table -> pa.Table`` that can be tested without Ray."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from apigen_ray.asks.base import DraftAsk, Row
from apigen_ray.graph.ids import Ids, digests
from apigen_ray.graph.tally import tally
from apigen_ray.records import DRAFT, NOT_REQUESTED, PLAN, content_hash
from apigen_ray.sampling import Planner
from apigen_ray.storage import as_path, name_of, read_tables, write_once
from apigen_ray.tables import conform, table_of
from apigen_ray.verifiers import VERIFIERS, Setting, Verifier
from apigen_ray.verifiers.execution import ExecutionVerifier, execute_candidates
from apigen_ray.verifiers.stages import check, skipped, verdict

_log = logging.getLogger(__name__)


def plan(positions: Sequence[int], planner: Planner, round_: int, generators: Sequence[str], size: int) -> pa.Table:
    """The prompts at some positions out of ``0 .. generators * size - 1``.

    Args:
        positions: any, in any order.
        planner: samples the prompts.
        round_: number of the round.
        generators: names; each takes ``size`` positions in turn.
        size: prompts for each generator.

    Returns:
        A table of `records.DRAFT` with no replies yet.
    """
    rows = [
        row
        for name, indices in by_generator(positions, generators, size)
        for row in planner.rows(round_, name, indices)
    ]
    return conform(table_of(rows, PLAN), DRAFT)


def by_generator(positions: Sequence[int], generators: Sequence[str], size: int) -> list[tuple[str, list[int]]]:
    """Generators with the indices that these positions mean, in their order."""
    found: dict[str, list[int]] = {}
    for position in positions:
        found.setdefault(generators[position // size], []).append(position % size)
    return list(found.items())


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


def persist(table: pa.Table, generator: str, folder: str) -> pa.Table:
    """Writes the replies of a generator that were paid for, and passes on what is then on the disk.

    Ray may run a stage again after a worker has died: the first committed reply wins. Rows whose engine failed are
    passed on and not kept, so that a resumed run asks again.

    Args:
        table: rows of `records.DRAFT`, of any generator.
        generator: the one that has just answered: rows of others are passed on.
        folder: ``drafts/round=N``.
    """
    own = table.filter(pc.equal(table["generator"], generator))
    paid = pc.is_null(pc.struct_field(own["reply"], "error"))
    # planned calls that did not execute have no reply; planning them again is free
    paid = pc.and_(paid, pc.is_valid(own["reply"]))
    kept = write_first(own.filter(paid), "prompt_id", folder, name_of(own["prompt_id"]))
    return pa.concat_tables([kept, table.filter(pc.invert(pc.is_in(table["prompt_id"], kept["prompt_id"])))])


def write_first(rows: pa.Table, key: str, folder: str, name: str) -> pa.Table:
    """Writes what was paid for of a batch, unless it is there.

    A stage that runs again may have got other replies, and to other rows of its batch. So the file is named by all of
    the batch: what it holds counts, and what it lacks goes into another one.

    Args:
        rows: those of the batch that have a reply.
        key: the column of their ids.
        folder: to write to.
        name: `apigen_ray.rundir.name_of` all ids of the batch.

    Returns:
        What of the batch is then on the disk.
    """
    if not rows.num_rows or write_once(rows, as_path(folder), name):
        return rows
    there = pa.concat_tables(list(read_tables([as_path(folder) / f"{name}.parquet"])))
    more = rows.filter(pc.invert(pc.is_in(rows[key], there[key])))
    return pa.concat_tables([there, write_first(more, key, folder, name_of(more[key]))])


def without_unasked(table: pa.Table, name: str, wanted: Callable[[Row], bool]) -> pa.Table:
    """Leaves out the rows that nobody was asked about, for a run that stops: they are no errors, they are not done.

    Args:
        table: rows behind an engine.
        name: column of the reply.
        wanted: which rows without a reply were to have one.
    """
    keep = pc.is_valid(table[name]).to_pylist()
    rows = table.filter(pc.is_null(table[name])).to_pylist()
    rest = iter([not wanted(row) for row in rows])
    return table.filter(pa.array([kept or next(rest) for kept in keep], pa.bool_()))


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
    of: list[int] = []
    for number, row in enumerate(table.to_pylist()):
        reply = row["reply"]
        answered = reply is not None and reply["text"] is not None
        texts: list[str] | list[None] = _records(asks[row["mode"]], row) if answered else [None]
        parents += [number] * len(texts)
        records += texts
        pairs += range(len(texts))
        of += [len(texts)] * len(texts)
    rows = table.take(pa.array(parents, pa.int64()))
    names = rows["prompt_id"].to_pylist()
    ids = pa.array([sample_id(name, pair) for name, pair in zip(names, pairs, strict=True)], pa.string())
    for name, values in (("sample_id", ids), ("record", pa.array(records, pa.string()))):
        rows = rows.append_column(name, values)
    for name, numbers in (("pair", pairs), ("of", of)):
        rows = rows.append_column(name, pa.array(numbers, pa.int32()))
    return conform(rows, schema).filter(pa.array(~done.contains(digests(ids))))


def sample_id(prompt_id: str, pair: int) -> str:
    """The id of a pair of a prompt's reply."""
    return content_hash("sample", prompt_id, pair)


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


def sink(table: pa.Table, folder: str) -> pa.Table:
    """Writes finished samples, one file for each verdict, and gives a small tally back.

    Args:
        table: samples that every stage has spoken on.
        folder: ``samples/round=N``.

    Returns:
        A table of `apigen_ray.graph.tally.TALLY`.
    """
    table = verdict(table, [verifier.name for verifier in VERIFIERS])
    for value in pc.unique(table["verdict"]).to_pylist():
        part = table.filter(pc.equal(table["verdict"], value))
        write_once(part, as_path(folder) / f"verdict={value}", name_of(part["sample_id"]))
    return tally(table)
