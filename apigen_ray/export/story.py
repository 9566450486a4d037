"""Everything that the files of a run tell of one sample: the row, where it comes from, what became of it."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import pyarrow as pa
import pyarrow.compute as pc

from apigen_ray.config import SAMPLE
from apigen_ray.errors import InputError, RecordError
from apigen_ray.export.samples import decoded, open_run
from apigen_ray.records import Call, Json, Verdict, calls_to_json, content_hash, query_key
from apigen_ray.rundir import RunDir
from apigen_ray.storage import AnyPath, read_text
from apigen_ray.tables import conform

NAMED = 5
"""Rows that a message names where several are meant."""


@dataclass(frozen=True)
class Story:
    """One sample with its surroundings.

    Attributes:
        sample: its row, as `apigen_ray.export.samples.find_samples` gives them.
        kind: how the run was made: ``run``, ``verify`` or ``merge``.
        input: ``verify``: what was judged.
        examples_from: for each of its examples the sample of this run that it is; None: it came with the config.
        of_one_reply: the other samples of its reply, each with ``sample_id`` and ``verdict``.
        duplicate_of: of a duplicate: the verified sample with the same query.
        duplicates: of a verified sample: those that were found to have its query.
        example_from: the first round that it was kept for as an example; None: for none.
        shown_in: the prompts of later rounds that show it as an example.
    """

    sample: Json
    kind: str
    input: str | None
    examples_from: list[str | None]
    of_one_reply: list[Json]
    duplicate_of: str | None
    duplicates: list[str]
    example_from: int | None
    shown_in: int

    def form(self) -> Json:
        """The JSON form: what ``apigen show --id --json`` prints."""
        return asdict(self)


def find_story(run: AnyPath, name: str) -> Story:
    """The story of the sample that a name means.

    Streams: no more than some ids and the row itself are held.

    Args:
        run: the run directory, finished or not.
        name: its ``sample_id`` or the beginning of it, or its ``source_id``.

    Raises:
        InputError: no run directory; no sample, or more than one, of that name.
    """
    directory = open_run(run)
    wanted = _sample_id(directory, name)
    found = (conform(table, SAMPLE) for table in directory.read(only=pa.array([wanted])))
    row = next(decoded(row) for table in found for row in table.to_pylist())
    twins = _same_query(directory, row)
    example_from = _kept_for(directory, row)
    manifest = directory.manifest()
    return Story(
        sample=row,
        kind=str(manifest.get("kind", "run")),
        input=manifest.get("input"),
        examples_from=_origins(directory, row),
        of_one_reply=_of_one_reply(directory, row),
        duplicate_of=next((i for i, verdict in twins if verdict == Verdict.VERIFIED), None),
        duplicates=[i for i, verdict in twins if verdict == Verdict.DUPLICATE and row["verdict"] == Verdict.VERIFIED],
        example_from=example_from,
        shown_in=_shown_in(directory, row) if example_from is not None else 0,
    )


def _sample_id(run: RunDir, name: str) -> str:
    found: set[tuple[str, str | None]] = set()
    for table in run.read(["sample_id", "source_id"]):
        fits = pc.or_kleene(pc.starts_with(table["sample_id"], name), pc.equal(table["source_id"], name))
        some = table.filter(pc.fill_null(fits, False))
        found |= set(zip(some["sample_id"].to_pylist(), some["source_id"].to_pylist(), strict=True))
    exact = sorted({sample for sample, source in found if name in (sample, source)})
    meant = exact or sorted({sample for sample, _ in found})
    if not name or not meant:
        raise InputError(f"--id: no sample's id begins with {name!r}", "apigen show RUN lists samples with their ids")
    if len(meant) > 1:
        more = f" and {len(meant) - NAMED:,} more" if len(meant) > NAMED else ""
        named = ", ".join(meant[:NAMED])
        raise InputError(f"--id: {name!r} means {len(meant):,} samples: {named}{more}", "give more of the one's id")
    return meant[0]


def _same_query(run: RunDir, row: Json) -> list[tuple[str, str]]:
    """Other samples with its query, of those that are compared at all; each with its verdict."""
    compared = [str(Verdict.VERIFIED), str(Verdict.DUPLICATE)]
    if row["verdict"] not in compared or not row["query"]:
        return []
    key, found = query_key(row["query"]), set()
    for table in run.read(["sample_id", "query", "verdict"], verdicts=compared):
        for other, query, verdict in zip(*(table[name].to_pylist() for name in table.column_names), strict=True):
            if other != row["sample_id"] and query and query_key(query) == key:
                found.add((other, verdict))
    return sorted(found)


def _of_one_reply(run: RunDir, row: Json) -> list[Json]:
    if (row["of"] or 1) < 2 or row["prompt_id"] is None:
        return []
    found = set()
    for table in run.read(["sample_id", "verdict", "prompt_id"], rounds=[row["round"]]):
        some = table.filter(pc.equal(table["prompt_id"], row["prompt_id"]))
        found |= set(zip(some["sample_id"].to_pylist(), some["verdict"].to_pylist(), strict=True))
    return [{"sample_id": i, "verdict": verdict} for i, verdict in sorted(found) if i != row["sample_id"]]


def _origins(run: RunDir, row: Json) -> list[str | None]:
    """Which of its examples were samples of this run: the round before it left them."""
    samples = dict(_seeds(run, row["round"] - 1)) if row["seed_ids"] and row["round"] else {}
    return [samples.get(seed) for seed in row["seed_ids"] or ()]


def _kept_for(run: RunDir, row: Json) -> int | None:
    """The first round that may show it; what is kept stays, or makes way for others."""
    if row["verdict"] != Verdict.VERIFIED or row["round"] is None:
        return None
    for number in run.rounds():
        if number >= row["round"] and any(sample == row["sample_id"] for _, sample in _seeds(run, number)):
            return number + 1
    return None


def _shown_in(run: RunDir, row: Json) -> int:
    wanted, prompts = _seed_id(row), set()
    for table in run.read(["prompt_id", "seed_ids"], rounds=[n for n in run.rounds() if n > row["round"]]):
        for prompt, seeds in zip(table["prompt_id"].to_pylist(), table["seed_ids"].to_pylist(), strict=True):
            if seeds and wanted in seeds:
                prompts.add(prompt)
    return len(prompts)


def _seeds(run: RunDir, round_: int) -> Iterator[tuple[str, str | None]]:
    """Of each example that a round left: its id, and that of the sample it was."""
    try:
        text = read_text(run.seeds(round_))
    except FileNotFoundError:  # an earlier attempt was of more rounds, or the run was judged or merged
        return
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            if line:
                seed = json.loads(line)
                yield _seed_id(seed), seed.get("sample_id")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RecordError(
                f"{run.seeds(round_)}:{number}: is no example", "take the file back from a copy of the run"
            ) from error


def _seed_id(seed: Json) -> str:
    """As of `apigen_ray.records.Example`."""
    calls = [Call(call["name"], call["arguments"]) for call in seed["answers"]]
    return content_hash("seed", seed["query"], calls_to_json(calls))
