"""Result, estimate and findings as tables or JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from apigen_ray.display.samples import unmarked
from apigen_ray.job.doctor import Check
from apigen_ray.job.estimate import Estimate
from apigen_ray.job.loop import Result
from apigen_ray.records import Status, Verdict
from apigen_ray.report.markdown import filter_rows, security_words, simulated_words
from apigen_ray.report.summary import Summary

NAMES = 10
"""Functions that an estimate names; it may have thousands."""


def print_result(result: Result, *, as_json: bool) -> None:
    """The end of a run: the filter table, counted from the files, what was not safe about it, and where they are."""
    if as_json:
        print(json.dumps({"run": str(result.run.path), "seconds": result.seconds, **result.summary.form()}, indent=2))
        return
    console = Console(highlight=False, emoji=False)
    print_funnel(console, result.summary)
    print_filter_table(console, result.summary)
    weak = (result.run.manifest().get("sandbox") or {}).get("weak", "")
    summary = result.summary
    simulated = simulated_words(summary.simulated(), summary.total(Verdict.VERIFIED))
    for words in filter(None, (weak, security_words(summary), simulated)):
        console.print(f"[red]{unmarked(words)}[/]", soft_wrap=True)
    path = unmarked(str(result.run.path))
    console.print(f"{result.seconds:.0f} s. Files: {path}/samples   More: apigen show {path}", soft_wrap=True)


def print_funnel(console: Console, summary: Summary) -> None:
    """How many samples reached each stage, and what became of them there."""
    table = Table("stage", "reached", "passed", "rejected", "error", "commonest code")
    for column in table.columns[1:5]:
        column.justify = "right"
    for stage, counts in summary.stages.items():
        of = {status: sum(n for (said, _), n in counts.items() if said == status) for status in Status}
        reached = of[Status.PASSED] + of[Status.REJECTED] + of[Status.ERROR]
        figures = [f"{n:,}" for n in (reached, of[Status.PASSED], of[Status.REJECTED], of[Status.ERROR])]
        codes = summary.codes(stage, Status.REJECTED)
        table.add_row(stage, *figures, unmarked(codes[0][0]) if codes else "")
    console.print(table)


def print_filter_table(console: Console, summary: Summary) -> None:
    """The paper's table, with our columns, turned on its side to fit a terminal: verdicts sum to the drafts."""
    header, *rows = filter_rows(summary)
    shown = rows if len(rows) > 2 else rows[:1]  # the total of one generator is that generator
    table = Table("", *(unmarked(row[0]) for row in shown))
    for column in table.columns[1:]:
        column.justify = "right"
    for place, name in enumerate(header[1:], start=1):
        table.add_row(name, *(row[place] for row in shown))
    console.print(table)


def print_estimate(estimate: Estimate, *, as_json: bool) -> None:
    """What a run would ask, spend and take."""
    if as_json:
        print(json.dumps(asdict(estimate), indent=2))
        return
    table = Table("generator", "prompts", "prompt tokens", "reply tokens, at most", "cost", "hours")
    for column in table.columns[1:]:
        column.justify = "right"
    for line in estimate.generators:
        cost = "unknown" if line.cost is None else f"{line.cost:,.2f}"
        hours = "unknown" if line.hours is None else f"{line.hours:,.2f}"
        name = unmarked(line.name)
        table.add_row(name, f"{line.prompts:,}", f"{line.prompt_tokens:,}", f"{line.reply_tokens:,}", cost, hours)
    console = Console(highlight=False, emoji=False, soft_wrap=True)
    console.print(table)
    if estimate.hours is not None:
        console.print(f"Side by side: {estimate.hours:,.2f} hours, those of {unmarked(str(estimate.bottleneck))}.")
    if estimate.cost is not None and len(estimate.generators) > 1:
        console.print(f"Together: {estimate.cost:,.2f}.")
    console.print("Tokens are estimated at four characters each from sampled prompts; the judge's come on top.")
    if any(None in (line.cost, line.hours) for line in estimate.generators):
        console.print("For cost and hours give a generator price_per_million and tokens_per_second.")
    if estimate.unserved:
        console.print(f"Styles that this library cannot serve, left out: {unmarked(', '.join(estimate.unserved))}.")
    if estimate.undrawable:
        names, more = estimate.undrawable[:NAMES], len(estimate.undrawable) - NAMES
        told = unmarked(", ".join(names)) + (f" and {more:,} more" if more > 0 else "")
        console.print(f"Functions that are offered and never called, for want of a value: {told}.")
        console.print("Give their required parameters defaults, enums or a lexicon (sampling.lexicons).")


def print_findings(findings: Sequence[Check], *, as_json: bool) -> None:
    """The doctor's findings, each with its mend."""
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
        return
    console = Console(highlight=False, emoji=False, soft_wrap=True)
    for finding in findings:
        mark = "[green]ok  [/]" if finding.ok else "[red]miss[/]"
        console.print(f"{mark} {unmarked(f'{finding.subject}: {finding.message}')}")
        if not finding.ok and finding.mend:
            console.print(f"       mend: {unmarked(finding.mend)}")
