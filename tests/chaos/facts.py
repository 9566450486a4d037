"""What a run came to, and how it differs from the reference."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from attempts import ROLES, Outcome, Run
from loopback import name_of

from apigen_ray.asks.judge import Judge
from apigen_ray.asks.query_first import QueryFirst
from apigen_ray.config import STAGES
from apigen_ray.sampling import OUR_TEMPLATES, load_templates
from apigen_ray.storage import list_files, parquet_files, read_tables

TOLD = [
    "verdict",
    *(f"{stage}_{part}" for stage in STAGES for part in ("status", "code")),
    "query",
    "answers",
    "results",
]
"""What must be the same of each sample."""


@dataclass(frozen=True)
class Facts:
    """What a run came to.

    Attributes:
        samples: `TOLD` by sample_id.
        drafts: texts of the replies by prompt_id.
        twice: ids that are there more than once.
        paid: how many rows have a reply to each prompt, by role and `loopback.name_of`.
        asked: how often each prompt was asked, likewise.
        torn: files that a killed writer left.
    """

    samples: Mapping[str, tuple[Any, ...]]
    drafts: Mapping[str, str]
    twice: list[str]
    paid: Mapping[str, Mapping[str, int]]
    asked: Mapping[str, Mapping[str, int]]
    torn: list[str]


def read_facts(run: Run) -> Facts:
    """Reads a run that has ended, and asks its servers."""
    texts = {
        (str(mode), str(style), template.name): template.text
        for (mode, style), templates in load_templates((OUR_TEMPLATES,)).items()
        for template in templates
    }
    asks = {"generator": QueryFirst(texts), "judge": Judge()}
    drafts = _rows(read_tables(parquet_files(run.directory.path / "drafts")))
    samples = _rows(run.directory.read(["sample_id", "tools", "judge", *TOLD]))
    answered = {
        "generator": drafts,
        "judge": [row for row in samples if row["judge"] and row["judge"]["error"] is None],
    }
    ids = Counter(row["sample_id"] for row in samples) + Counter(row["prompt_id"] for row in drafts)
    return Facts(
        samples={row["sample_id"]: tuple(row[key] for key in TOLD) for row in samples},
        drafts={row["prompt_id"]: row["reply"]["text"] for row in drafts},
        twice=[name for name, times in ids.items() if times > 1],
        paid={role: Counter(name_of(asks[role].request(row).messages) for row in answered[role]) for role in ROLES},
        asked={role: run.counts(role) for role in ROLES},
        torn=[str(file) for file in list_files(run.directory.path) if file.name.startswith(".")],
    )


def _rows(tables: Iterable[pa.Table]) -> list[dict[str, Any]]:
    return [row for table in tables for row in table.to_pylist()]


def compare(found: Facts, reference: Facts, outcome: Outcome) -> None:
    """Notes what differs from the reference, and how many replies were asked for again."""
    say = outcome.wrong.append
    pairs = (("samples", found.samples, reference.samples), ("drafts", found.drafts, reference.drafts))
    for what, ours, theirs in pairs:
        if lost := theirs.keys() - ours.keys():
            say(f"{len(lost)} {what} are missing, as {min(lost)}")
        if more := ours.keys() - theirs.keys():
            say(f"{len(more)} {what} are too many, as {min(more)}")
        if other := [name for name in sorted(ours.keys() & theirs.keys()) if ours[name] != theirs[name]]:
            say(f"{len(other)} {what} differ, as {other[0]}: {ours[other[0]]} and not {theirs[other[0]]}")
    if found.twice:
        say(f"{len(found.twice)} ids are there twice, as {found.twice[0]}")
    if found.torn:
        say(f"{len(found.torn)} torn files, as {found.torn[0]}")
    for role in ROLES:
        asked, paid = found.asked[role], found.paid[role]
        again = outcome.again[role] = sum(max(0, asked.get(name, 0) - times) for name, times in paid.items())
        if again > outcome.bound(role):
            say(f"{again} replies of the {role} were asked for again, {outcome.bound(role)} in flight at most")
        if unheard := [name for name, times in paid.items() if asked.get(name, 0) < times]:
            say(f"{len(unheard)} replies that the {role} was never asked for, as {min(unheard)}")
        if strange := asked.keys() - reference.asked[role].keys():
            say(f"{len(strange)} prompts for the {role} that the reference does not have, as {min(strange)}")
