"""A review on a terminal: where its page is, and what the judgements say of the run."""

import json
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from apigen_ray.display.samples import printable, unmarked
from apigen_ray.records import Json, Verdict
from apigen_ray.review.sample import Sample


def print_address(sample: Sample, address: str) -> None:
    """The page's address, on standard error: standard output is for the figures."""
    rows = f"{len(sample.ids):,} row{'' if len(sample.ids) == 1 else 's'}"
    print(f"{rows} of {printable(sample.drawn.run)} to judge. Open {address}", file=sys.stderr)
    print(
        "Judgements are on the disk at once. Ctrl-C ends the page and prints the figures.", file=sys.stderr, flush=True
    )


def print_review(form: Json, *, as_json: bool) -> None:
    """The figures of `apigen_ray.review.run.review_run`."""
    if as_json:
        print(json.dumps(form, indent=2, ensure_ascii=False))
        return
    console = Console(highlight=False, emoji=False)
    sample = form["sample"]
    console.print(_drawn(form), soft_wrap=True)
    if not sample["judged"]:
        console.print(f"Nothing is judged yet: apigen review {unmarked(form['run'])} --serve", soft_wrap=True)
        return
    console.print("Share: good of good and bad rows. Undecided: how many, and the share if all were bad, or all good.")
    _print_shares(console, "verdict", [{"name": each["verdict"], **each} for each in form["verdicts"]])
    pipeline, verdicts = form["pipeline"], form["verdicts"]
    verified = [each for each in verdicts if each["verdict"] == Verdict.VERIFIED]
    refusing = [each for each in verdicts if each["verdict"] != Verdict.VERIFIED]
    for words, figure, counted, among in (
        ("good among the verified", pipeline["precision"], "good", verified),
        ("good among the rejected", form["rejected"]["share"], "good", refusing),
        ("good rows that were verified", pipeline["recall"], "good", verdicts),
        ("bad rows that were verified", pipeline["false_accept"], "bad", verdicts),
        *(
            (f"good rows that {each['verdict'][5:]} got and refused", each["lost"], "good", refusing[place:] + verified)
            for place, each in enumerate(refusing)
        ),
    ):
        console.print(f"{words}: {_words(figure) or f'not known: {_why_not(counted, among)}'}", soft_wrap=True)
    for title in ("generators", "styles", "codes"):
        _print_shares(console, title, form[title])
    for verdict, grounds in form["grounds"].items():
        if grounds:
            console.print(
                f"grounds, {verdict}: " + ", ".join(f"{name} {n}" for name, n in grounds.items()), soft_wrap=True
            )
    for each in form["reviewers"]:
        counts = ", ".join(f"{word} {each[word]}" for word in ("good", "bad", "unsure"))
        own = _words(each["verified"])
        console.print(
            f"{unmarked(each['name'])}: {counts}" + (f"; good among the verified {own}" if own else ""), soft_wrap=True
        )
    for each in form["agreement"]:
        console.print(_agreement(each), soft_wrap=True)


def _why_not(counted: str, verdicts: Sequence[Json]) -> str:
    """Why there is no share of the rows that have what is counted among those of these verdicts."""
    if not verdicts:
        return "the run has no such rows"
    if open_ := [each["verdict"] for each in verdicts if not each["good"] + each["bad"]]:
        return f"no row of {', '.join(open_)} is decided"
    return f"no judged row is {counted}"


def _drawn(form: Json) -> str:
    sample = form["sample"]
    run, seed = unmarked(form["run"]), sample["seed"]
    words = f"{run}: {sample['rows']:,} of {sample['population']:,} rows drawn (seed {seed})"
    if sample["rows"] < sample["asked"]:
        words += f", all there are: {sample['asked']:,} were asked for"
    if sample["left_out"]:
        words += "; not to be drawn: " + ", ".join(f"{why} {rows:,}" for why, rows in sample["left_out"].items())
    return f"{words}; {sample['judged']:,} judged"


def _print_shares(console: Console, title: str, rows: Sequence[Json]) -> None:
    if not rows:
        return
    table = Table(title, "good", "bad", "share", "95 %", "undecided")
    table.columns[0].overflow = "fold"
    for column in table.columns[1:]:
        column.justify = "right"
    for each in rows:
        share = each["share"]
        figures = [f"{100 * share['value']:.1f} %", _range(share)] if share else ["", ""]
        if each["undecided"]:
            low, high = each["share_with_undecided"]
            figures.append(f"{each['undecided']:,}: {100 * low:.1f} to {100 * high:.1f}")
        table.add_row(unmarked(each["name"]), f"{each['good']:,}", f"{each['bad']:,}", *figures)
    for column in table.columns[3:5]:
        column.no_wrap = True
    console.print(table)


def _agreement(each: Json) -> str:
    words = f"{unmarked(' and '.join(each['reviewers']))}: {each['rows']:,} rows judged by both"
    if not each["rows"]:
        return words
    said = "not defined: one word for all"
    if kappa := each["kappa"]:
        said = f"{kappa['value']:.2f} ({kappa['low']:.2f} to {kappa['high']:.2f})"
    return f"{words}, agreed {_words(each['agreed'])}, kappa {said}"


def _words(figure: Json | None) -> str:
    return f"{100 * figure['value']:.1f} % ({_range(figure)})" if figure else ""


def _range(figure: Json) -> str:
    return f"{100 * figure['low']:.1f} to {100 * figure['high']:.1f}"
