"""What the HTML page counts beside the summary: one pass over a run's samples, linear and with flat memory."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from apigen_ray.config import STAGES
from apigen_ray.records import Json, Status, Verdict
from apigen_ray.report.categories import Categories
from apigen_ray.report.diversity import Diversity
from apigen_ray.report.picks import Kind, Picks
from apigen_ray.report.spending import COLUMNS as SPENT
from apigen_ray.report.spending import Spending
from apigen_ray.rundir import RunDir
from apigen_ray.strict_json import JsonProblem, loads

BY = ("category", "template", "round")
"""What verdicts are counted by, beside the generator and the style of the summary."""

_TEXTS = ["sample_id", "generator", "style", "template", "round", "verdict", "query", "answers", "planned", "api_ids"]
_SAID = [f"{stage}_{part}" for stage in STAGES for part in ("status", "code")]
_COLUMNS = list(dict.fromkeys([*_TEXTS, *_SAID, *SPENT]))


@dataclass
class Census:
    """Counts over all samples of a run.

    Attributes:
        verdicts: for each of `BY`, rows by value and verdict; each sums to the samples of the run.
        verified: how diverse the verified samples are.
        drafts: how diverse all samples are that passed the format check.
        spending: by engine.
        picks: the samples that are shown.
    """

    verdicts: dict[str, dict[str, Counter[str]]] = field(default_factory=lambda: {name: {} for name in BY})
    verified: Diversity = field(default_factory=Diversity)
    drafts: Diversity = field(default_factory=Diversity)
    spending: Spending = field(default_factory=Spending)
    picks: Picks = field(default_factory=Picks)

    def _add(self, row: Json, categories: Categories) -> None:
        calls = read_calls(row["answers"])
        category = categories.sample(calls or read_calls(row["planned"]), row["api_ids"] or ())
        values = {"category": category, "template": row["template"] or "(none)", "round": str(row["round"] or 0)}
        for name, value in values.items():
            self.verdicts[name].setdefault(value, Counter())[row["verdict"]] += 1
        _, code = decided(row)
        self.picks.add(row["sample_id"], Kind(row["verdict"], code, row["generator"] or "", row["style"] or ""))
        if row["format_status"] != Status.PASSED:
            return
        about = {"style": row["style"] or "", "template": values["template"], "category": category}
        self.drafts.add(row["sample_id"], row["query"], calls, **about)
        if row["verdict"] == Verdict.VERIFIED:
            self.verified.add(row["sample_id"], row["query"], calls, **about)


def take_census(run: RunDir, categories: Categories) -> Census:
    """Counts the live sample files of a run, finished or not.

    Args:
        run: the run directory.
        categories: of its functions.

    Returns:
        The counts; held are some thousands of rows at a time.
    """
    census = Census()
    for table in run.read(_COLUMNS):
        census.spending.add(table)
        for row in table.select([*_TEXTS, *_SAID]).to_pylist():
            census._add(row, categories)
    return census


def decided(row: Json) -> tuple[str, str]:
    """The stage that made a row's verdict, and its code; "" and "" where none rejected it."""
    for stage in STAGES:
        if row[f"{stage}_status"] in (Status.REJECTED, Status.ERROR):
            return stage, row[f"{stage}_code"] or ""
    return "", ""


def read_calls(text: str | None) -> list[Json]:
    """Those of a row's calls that are calls."""
    value = read_json(text)
    return [call for call in value if isinstance(call, dict)] if isinstance(value, list) else []


def read_json(text: str | None) -> Any:
    """The value of a row's JSON text; None where it is none: what format rejected is as it came, however deep."""
    try:
        return loads(text) if text else None
    except JsonProblem:
        return None
