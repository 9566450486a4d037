"""What an earlier attempt left of a round to do, found by ids alone, in tasks: no full row of what is done is read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from apigen_ray.graph.ids import DIGEST, Ids, changes, digests, hashes
from apigen_ray.graph.shared import Shared
from apigen_ray.graph.stages import by_generator, sample_id
from apigen_ray.graph.tasks import fetch, file_chunks, submit
from apigen_ray.records import DRAFT, SAMPLE_HEAD, Verdict
from apigen_ray.rundir import RunDir
from apigen_ray.sampling import Planner
from apigen_ray.storage import as_path, parquet_files, read_tables
from apigen_ray.tables import conform, gathered

POSITIONS = 50_000
"""Of the plan, whose ids one task hashes: about 0.1 s."""

ROWS = 512
"""Of the drafts that are still to be split, for one task: as many as a block of the plan has."""

PAIR = np.dtype([("prompt", DIGEST), ("pair", "<i4"), ("of", "<i4")])
"""A sample that has its verdict: 20 bytes."""

_PAIRS = pa.schema([SAMPLE_HEAD.field(name) for name in ("prompt_id", "pair", "of")])


@dataclass(frozen=True)
class Left:
    """What is left to do of a round.

    Attributes:
        prompts: how many prompts have neither a draft nor all their verdicts.
        positions: theirs in the plan, an int64 array; None where they are all.
        drafts: files with drafts that lack a verdict, in groups that are work for a task.
        finished: prompt_ids all of whose samples have a verdict other than ``error``.
        partial: sample_ids with such a verdict, of prompts that are not finished.
    """

    prompts: int
    positions: Shared[np.ndarray] | None
    drafts: list[list[str]]
    finished: Shared[Ids]
    partial: Shared[Ids]


def left_over(run: RunDir, round_: int, planner: Shared[Planner], generators: Sequence[str], size: int) -> Left:
    """Looks through the drafts and samples of a round.

    A task holds about 60 bytes for each sample that has its verdict, and the driver nothing that grows with them.

    Args:
        run: the run directory.
        round_: number of the round.
        planner: hashes the ids of the prompts.
        generators: names.
        size: prompts for each generator; what a larger run drafted beyond them is not looked at.
    """
    total = size * len(generators)
    drafts = parquet_files(run.drafts(round_))
    samples = [file for file in run.sample_files(round_) if file.parent.name != f"verdict={Verdict.ERROR}"]
    if not drafts and not samples:
        return Left(total, None, [], Shared(Ids()), Shared(Ids()))
    judged = [submit(pairs_with_verdict, files) for files in file_chunks(samples)]
    finished, partial = submit(settled, *judged, returns=2)
    groups = file_chunks(drafts)
    open_ = [submit(open_drafts, files, size, finished, returns=2) for files in groups]
    known = submit(Ids.union, finished, *(ids for _, ids in open_))
    spans = [(start, min(start + POSITIONS, total)) for start in range(0, total, POSITIONS)]
    found = [submit(missing, span, planner, round_, list(generators), size, known) for span in spans]
    positions, count = submit(joined, *found, returns=2)
    rows = [number for numbers, _ in open_ for number in fetch(numbers)]
    files = [name for group in groups for name in group]
    return Left(fetch(count), Shared.at(positions), _groups(files, rows), Shared.at(finished), Shared.at(partial))


def unfinished(files: Sequence[str], size: int, finished: Shared[Ids]) -> Iterator[pa.Table]:
    """The drafts in some files whose prompts are not finished, in tables of about `ROWS`.

    Args:
        files: of ``drafts/``.
        size: prompts for each generator: a larger run may have left drafts beyond.
        finished: prompt_ids that are.
    """
    drafts = (
        conform(table, DRAFT).filter(pa.array(_open(table, size, finished.get())[0]))
        for table in read_tables(map(as_path, files))
    )
    yield from gathered(drafts, ROWS)


# Tasks


def pairs_with_verdict(files: Sequence[str]) -> np.ndarray:
    """The samples in some files, as `PAIR`."""
    parts = [np.empty(0, PAIR)]
    for table in read_tables(map(as_path, files), _PAIRS.names):
        part = np.empty(len(table), PAIR)
        table = conform(table, _PAIRS)
        part["prompt"] = digests(table["prompt_id"])
        part["pair"] = table["pair"].to_numpy()
        part["of"] = pc.fill_null(table["of"], np.iinfo(np.int32).max).to_numpy()  # not told: never all of them
        parts.append(part)
    return np.concatenate(parts)


def settled(*parts: np.ndarray) -> tuple[Ids, Ids]:
    """Finished prompts, and the samples with a verdict of the others, out of arrays of `PAIR`."""
    pairs = np.concatenate([np.empty(0, PAIR), *parts])
    pairs = pairs[np.lexsort((pairs["pair"], pairs["prompt"]))]
    prompts, numbers = pairs["prompt"], pairs["pair"]
    pairs = pairs[changes(prompts) | changes(numbers)]  # a stage that Ray ran twice may have written a sample twice
    starts = np.flatnonzero(changes(pairs["prompt"]))
    counts = np.diff(np.append(starts, len(pairs)))
    whole = counts >= pairs["of"][starts]
    rest = pairs[np.repeat(~whole, counts)]
    some = zip(hashes(rest["prompt"]), rest["pair"].tolist(), strict=True)
    return Ids([pairs["prompt"][starts][whole]]), Ids.of(sample_id(prompt, pair) for prompt, pair in some)


def open_drafts(files: Sequence[str], size: int, finished: Ids) -> tuple[list[int], np.ndarray]:
    """How many drafts of unfinished prompts each file has, and their prompt_ids."""
    rows, ids = [], [np.empty(0, DIGEST)]
    for file in files:
        rows.append(0)
        for table in read_tables([as_path(file)], ["prompt_id", "index"]):
            open_, names = _open(table, size, finished)
            rows[-1] += int(open_.sum())
            ids.append(names[open_])
    return rows, np.concatenate(ids)


def missing(
    span: tuple[int, int], planner: Shared[Planner], round_: int, generators: Sequence[str], size: int, known: Ids
) -> np.ndarray:
    """Those positions of a span of the plan whose prompt is not known."""
    positions = np.arange(*span, dtype=np.int64)
    ids = [
        digests(pa.array(planner.get().prompt_ids(round_, name, indices), pa.string()))
        for name, indices in by_generator(positions.tolist(), generators, size)
    ]
    found: np.ndarray = positions[~known.contains(np.concatenate(ids))]
    return found


def joined(*parts: np.ndarray) -> tuple[np.ndarray, int]:
    """Arrays as one, and its length."""
    whole = np.concatenate(parts)
    return whole, len(whole)


def _open(table: pa.Table, size: int, finished: Ids) -> tuple[np.ndarray, np.ndarray]:
    """Which drafts lie within the size and are not finished; all their prompt_ids."""
    names = digests(table["prompt_id"])
    within = pc.less(table["index"], size).to_numpy()
    return within & ~finished.contains(names), names


def _groups(files: Sequence[str], rows: Sequence[int]) -> list[list[str]]:
    """Files with work in them, together up to `ROWS` rows of work."""
    groups: list[list[str]] = []
    space = 0
    for file, number in zip(files, rows, strict=True):
        if number == 0:
            continue
        if number > space:
            groups.append([])
            space = ROWS
        groups[-1].append(file)
        space -= number
    return groups
