"""Result, estimate and findings as tables or JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from apigen_ray.export.report import filter_rows
from apigen_ray.export.summary import Summary, top_code
from apigen_ray.job.doctor import Check
from apigen_ray.job.estimate import Estimate
from apigen_ray.job.loop import Result


def print_result(result: Result, *, as_json: bool) -> None:
    """The end of a run: the filter table, counted from the files, and where they are."""
    if as_json:
        print(json.dumps({"run": str(result.run.path), "seconds": result.seconds, **result.summary.form()}, indent=2))
        return
    console = Console(highlight=False)
    print_filter_table(console, result.summary)
    console.print(
        f"{result.seconds:.0f} s. Files: [bold]{result.run.path}/samples[/]   more: apigen show {result.run.path}"
    )


def print_filter_table(console: Console, summary: Summary) -> None:
    """The paper's table, with our columns; each row sums to its drafts."""
    header, *rows = filter_rows(summary)
    table = Table(*header)
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        table.add_row(*row)
    console.print(table)
    codes = [f"{stage}: {code}" for stage in summary.stages if (code := top_code(summary, stage))]
    if codes:
        console.print("Commonest code of each stage: " + ", ".join(codes))


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
        table.add_row(line.name, f"{line.prompts:,}", f"{line.prompt_tokens:,}", f"{line.reply_tokens:,}", cost, hours)
    console = Console(highlight=False, soft_wrap=True)
    console.print(table)
    console.print("Tokens are estimated at four characters each from sampled prompts; the judge's come on top.")
    if any(None in (line.cost, line.hours) for line in estimate.generators):
        console.print("For cost and hours give a generator price_per_million and tokens_per_second.")


def print_findings(findings: Sequence[Check], *, as_json: bool) -> None:
    """The doctor's findings, each with its mend."""
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
        return
    console = Console(highlight=False, soft_wrap=True)
    for finding in findings:
        mark = "[green]ok  [/]" if finding.ok else "[red]miss[/]"
        console.print(f"{mark} {escape(f'{finding.subject}: {finding.message}')}")
        if not finding.ok and finding.mend:
            console.print(f"       mend: {escape(finding.mend)}")
