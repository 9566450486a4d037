"""Joining runs, in tasks: the rows of a prompt come from one of them, and a query is verified once over all."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from apigen_ray.errors import EnvironmentFault
from apigen_ray.graph.close import DROP, STAY, Counts, Scan, arrange, decide, duplicates, merge, only, scan
from apigen_ray.graph.ids import DIGEST, changes, digests
from apigen_ray.graph.tasks import fetch, file_chunks, submit
from apigen_ray.records import SAMPLE_HEAD, Verdict, content_hash
from apigen_ray.rundir import RunDir
from apigen_ray.storage import AnyPath, as_path, read_tables
from apigen_ray.tables import conform

_COLUMNS = pa.schema([SAMPLE_HEAD.field("prompt_id"), SAMPLE_HEAD.field("run")])


@dataclass(frozen=True)
class Look:
    """What joining has to know of some files of one of the runs given: 28 bytes a row beside those of the scan.

    Attributes:
        scan: as for closing.
        prompts: prompt_ids of all rows.
        runs: places of the runs that the rows came from, in the list of all.
        given: which of the runs given they lie in.
    """

    scan: Scan
    prompts: np.ndarray
    runs: np.ndarray
    given: int


def write_union(
    given: Sequence[tuple[str, RunDir]], names: Sequence[str], out: RunDir
) -> tuple[dict[int, list[AnyPath]], list[int]]:
    """Writes the samples of some runs, each round's into the round of the same number.

    The rows of a prompt come from one run: from the first that judged it without an ``error``, else from the first
    that has it. Of verified samples with the same query the first stays, by the order of the runs and then that of the
    plan; the others become ``duplicate``.

    One task holds about 250 bytes for each sample of all runs.

    Args:
        given: the runs and their names; their rounds are closed.
        names: of all runs that rows came from: those given, and those that a merged one among them was made of.
        out: where to write; its manifest is not touched.

    Returns:
        The files of each round, and how many rows came from each of the names.

    Raises:
        EnvironmentFault: what can be read back is not what was written.
    """
    looks, files, runs = [], [], []
    for number, (name, run) in enumerate(given):
        there = [file for round_ in run.closed_rounds() for file in run.sample_files(round_)]
        looks += [submit(look, chunk, name, list(names), number) for chunk in file_chunks(there)]
        files += there
        runs += [name] * len(there)
    fates, answer = submit(settle, len(names), *looks, returns=2)
    counts: list[Counts]
    counts, rows = fetch(answer)
    starts = np.cumsum([0, *(each.file.rows for each in counts)]).tolist()
    numbers = [int(file.parent.parent.name.partition("=")[2]) for file in files]
    token = content_hash(os.urandom(16).hex())[:12]
    writing = []
    for round_ in sorted({*numbers}):
        places = [at for at, number in enumerate(numbers) if number == round_]
        _, groups = arrange([files[at] for at in places], [counts[at] for at in places])
        for number, group in enumerate(groups):
            chosen = [places[at] for at in group]
            sources = [(str(files[at]), starts[at], starts[at + 1]) for at in chosen]
            name = f"closed-{token}-{number:04d}.parquet"
            task = submit(merge, sources, fates, str(out.samples(round_)), name, [runs[at] for at in chosen])
            writing.append((round_, task))
    written: dict[int, list[AnyPath]] = {round_: [] for round_ in numbers}
    for round_, task in writing:
        made, lost = fetch(task)
        if lost:
            raise EnvironmentFault(f"{lost}: what can be read back is not what was written", "see to the disk")
        written[round_] += [as_path(name) for name in made]
    return written, rows


# Tasks


def look(files: Sequence[str], name: str, names: Sequence[str], given: int) -> Look:
    """Reads what `settle` needs of some files of one run."""
    found = scan(files, unique=True)
    prompts, runs = [np.empty(0, DIGEST)], [np.empty(0, np.int32)]
    for table in read_tables([as_path(file) for file in files], _COLUMNS.names):
        table = conform(table, _COLUMNS)
        prompts.append(digests(table["prompt_id"]))
        places = pc.index_in(pc.fill_null(table["run"], name), pa.array(names))
        runs.append(places.to_numpy().astype(np.int32))
    found.orders["run"] = np.concatenate(runs)[found.rows]
    files_ = [file._replace(whole=False) for file in found.files]  # none stays: each is copied, and its rows are named
    return Look(replace(found, files=files_), np.concatenate(prompts), np.concatenate(runs), given)


def settle(names: int, *looks: Look) -> tuple[np.ndarray, tuple[list[Counts], list[int]]]:
    """What becomes of each row; what that comes to for each file, and rows kept by the run that they came from."""
    files = [file for each in looks for file in each.scan.files]
    errors = np.repeat([file.verdict == Verdict.ERROR for file in files], [file.rows for file in files])
    runs = np.concatenate([np.empty(0, np.int32), *(each.runs for each in looks)])
    given = np.repeat([each.given for each in looks], [len(each.runs) for each in looks])
    many = 1 + max((each.given for each in looks), default=0)
    kept = chosen(np.concatenate([np.empty(0, DIGEST), *(each.prompts for each in looks)]), runs * many + given, errors)
    fates = np.where(kept, STAY, DROP).astype(np.uint8)
    scans = only([each.scan for each in looks], kept)
    samples = np.concatenate([np.empty(0, DIGEST), *(each.samples for each in scans)])
    counts = decide(fates, files, *duplicates(scans, samples)) if len(samples) else []
    return fates, (counts, np.bincount(runs[kept], minlength=names).tolist())


def chosen(prompts: np.ndarray, sources: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Which rows are kept, so that those of a prompt have one source: the first without an error, else the first.

    Args:
        prompts: ids.
        sources: numbers; of two, the smaller comes first.
        errors: whether it could not be judged.
    """
    kept = np.zeros(len(prompts), bool)
    if not len(prompts):
        return kept
    by = np.lexsort((sources, prompts))
    prompts, sources = prompts[by], sources[by]
    starts = np.flatnonzero(changes(prompts) | changes(sources))
    failed = np.logical_or.reduceat(errors[by], starts)
    order = np.lexsort((sources[starts], failed, prompts[starts]))
    first = np.zeros(len(starts), bool)
    first[order[changes(prompts[starts][order])]] = True
    kept[by] = np.repeat(first, np.diff(np.append(starts, len(by))))
    return kept
