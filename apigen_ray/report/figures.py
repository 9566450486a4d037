"""The figures of the HTML page: each a chart, what it shows in words, and the table of its numbers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from apigen_ray.config import STAGES, VERDICTS
from apigen_ray.records import Status, Verdict
from apigen_ray.report import charts
from apigen_ray.report.diversity import LONGEST, MOST_CALLS, Diversity
from apigen_ray.report.markdown import percent
from apigen_ray.report.story import cut
from apigen_ray.report.summary import Summary

WIDE, NARROW, HALF = 880, 350, 430
"""Pixels of a chart: on a laptop, on a phone, and beside another one."""

ROWS = 30
"""Groups of a figure, the largest; the others are added up."""

NAME = 60
"""Characters of the name of a group."""

STEP = 5
"""Words of a query in one column of its histogram."""


class Figure(NamedTuple):
    """A chart with its numbers.

    Attributes:
        name: its heading.
        told: what it shows, in words.
        charts: the same as ``svg`` elements for several widths.
        parts: that its bars have, in their order.
        header: of the table.
        rows: of the table, as texts.
    """

    name: str
    told: str
    charts: tuple[str, ...]
    parts: Sequence[str]
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def funnel(summary: Summary) -> Figure:
    """How many samples each stage passed on."""
    verified, duplicates = summary.total(str(Verdict.VERIFIED)), summary.total(str(Verdict.DUPLICATE))
    groups: dict[str, Counter[str]] = {"drafts": Counter(total=summary.samples)}
    notes, rows = [f"{summary.samples:,}"], []
    for stage in STAGES:
        said = summary.statuses(stage)
        figures = [said[str(s)] for s in (Status.PASSED, Status.REJECTED, Status.ERROR, Status.SKIPPED)]
        passed, rejected, errors, skipped = figures
        groups[stage] = Counter({"passed": passed, f"fail_{stage}": rejected, "error": errors, "skipped": skipped})
        notes.append(f"\u2212{rejected:,}" if rejected else "not asked" if skipped and not passed else "0")
        reached = passed + rejected
        rows.append([stage, *(f"{n:,}" for n in figures), percent(passed / reached if reached else None)])
    groups["verified"] = Counter(verified=verified, duplicate=duplicates)
    notes.append(f"{verified:,}")
    parts = ["total", "passed", "verified", *(f"fail_{stage}" for stage in STAGES), "duplicate", "error", "skipped"]
    present = [part for part in parts[1:] if any(counts[part] for counts in groups.values())]
    told = f"Funnel: {summary.samples:,} drafts; " + "; ".join(
        f"{row[0]} passed {row[1]} and rejected {row[2]}" for row in rows
    )
    told += f"; {verified:,} verified" + f", {duplicates:,} left out as duplicates" * bool(duplicates)
    header = ["stage", "passed", "rejected", "errors", "not asked for", "pass rate"]
    return Figure("Funnel", told, _drawn(charts.lengths(groups, parts, notes), told), present, header, rows)


def verdict_figure(name: str, groups: Mapping[str, Counter[str]]) -> Figure:
    """What became of the samples of each group.

    Args:
        name: of what tells the groups apart.
        groups: rows by verdict; they sum to the samples of the run.
    """
    ordered = sorted(groups.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    most = len(ordered) if len(ordered) <= ROWS else ROWS - 1
    shown: dict[str, Counter[str]] = {}
    for group, counts in ordered[:most]:
        label = cut(charts.drawable(group) or "(none)", NAME)
        shown[label] = shown.get(label, Counter()) + counts
    if rest := ordered[most:]:
        shown[f"({len(rest):,} others)"] = sum((counts for _, counts in rest), Counter())
    total: Counter[str] = sum(groups.values(), Counter())
    rows = [_row(group, counts) for group, counts in shown.items()]
    rates = [row[-1] for row in rows]
    told = f"Verdicts by {name}: " + "; ".join(
        f"{group}: {counts[str(Verdict.VERIFIED)]:,} of {sum(counts.values()):,} verified"
        for group, counts in shown.items()
    )
    drawn = _drawn(charts.shares(shown, VERDICTS, rates), told)
    header = [name, "drafts", *VERDICTS, "pass rate"]
    present = [verdict for verdict in VERDICTS if total[verdict]]
    return Figure(f"By {name}", told, drawn, present, header, [*rows, _row("total", total)])


def diversity_figures(verified: Diversity, drafts: Diversity) -> list[Figure]:
    """How many calls samples have, and how long their queries are."""
    last = max([*drafts.calls, *verified.calls], default=0)
    calls = {n: f"{n}" if n < MOST_CALLS else f"{n}+" for n in range(last + 1)}
    steps = range(0, max([*drafts.words, *verified.words], default=0) // STEP + 1)
    words = {n: f"{STEP * n}+" if STEP * n >= LONGEST else f"{STEP * n}\u2013{STEP * n + STEP - 1}" for n in steps}
    return [
        _histogram("Calls per sample", "calls", calls, verified.calls, drafts.calls),
        _histogram("Words per query", "words", words, _steps(verified.words), _steps(drafts.words)),
    ]


def _histogram(name: str, unit: str, labels: Mapping[int, str], verified: Counter[int], drafts: Counter[int]) -> Figure:
    shares = [{n: counts[n] / (sum(counts.values()) or 1) for n in labels} for counts in (verified, drafts)]
    rows = [
        [label, f"{verified[n]:,}", percent(shares[0][n]), f"{drafts[n]:,}", percent(shares[1][n])]
        for n, label in labels.items()
    ]
    told = f"{name}, share of verified samples: " + ", ".join(f"{row[0]} {unit} {row[2]}" for row in rows)
    chart = charts.columns(shares[1], shares[0], labels).draw(told, HALF, "half")
    return Figure(name, told, (chart,), ("verified", "line"), [unit, "verified", "share", "well formed", "share"], rows)


def _steps(counts: Counter[int]) -> Counter[int]:
    out: Counter[int] = Counter()
    for number, rows in counts.items():
        out[number // STEP] += rows
    return out


def _row(name: str, counts: Counter[str]) -> list[str]:
    drafts = sum(counts.values())
    judged = drafts - counts[str(Verdict.ERROR)]
    rate = counts[str(Verdict.VERIFIED)] / judged if judged else None
    return [name, f"{drafts:,}", *(f"{counts[verdict]:,}" for verdict in VERDICTS), percent(rate)]


def _drawn(chart: "charts.Chart", told: str) -> tuple[str, str]:
    return chart.draw(told, WIDE, "wide"), chart.draw(told, NARROW, "narrow")
