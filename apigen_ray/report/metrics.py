"""How diverse a run is, as a table: each figure and what it is, of verified samples and of all well-formed ones."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from apigen_ray.records import Json
from apigen_ray.report.diversity import QUERIES, Diversity
from apigen_ray.report.markdown import percent


class Metric(NamedTuple):
    """A row of the table: what is measured, how, and both figures as texts."""

    name: str
    definition: str
    verified: str
    drafts: str


def metric_rows(verified: Diversity, drafts: Diversity, apis: int | None) -> list[Metric]:
    """The table.

    Args:
        verified: counts over verified samples.
        drafts: counts over all that passed the format check.
        apis: functions in the library; None where not known.
    """
    queries = min((n for n in (verified.queries, drafts.queries) if n), default=0)
    forms = [one.form(apis, queries) for one in (verified, drafts)]

    def row(name: str, definition: str, told: Callable[[Json], str]) -> Metric:
        return Metric(name, definition, *(told(form) if form["queries"] else "-" for form in forms))

    drawn = f"{min(queries, QUERIES):,} queries drawn from each column"
    return [
        row("Samples", "Those that have a query and well-formed calls.", lambda form: f"{form['queries']:,}"),
        *(
            row(
                f"Distinct-{n}",
                f"Different {'words' if n == 1 else f'sequences of {n} words'} over all of them, in {drawn}.",
                partial(_distinct, n),
            )
            for n in (1, 2, 3)
        ),
        row(
            "Repeated wordings",
            "Queries that are like another one but for their values: the same once numbers and the words of the "
            "arguments are taken out.",
            lambda form: percent(form["repeated_wordings"]),
        ),
        row(
            "Functions called",
            "Different functions, and their share of the library.",
            lambda form: f"{form['functions']:,} ({percent(form['functions_share'])})",
        ),
        row(
            "Effective functions",
            "How many equally frequent functions would be as varied: 2 to the entropy of the calls.",
            lambda form: _figure(form["functions_effective"], 1),
        ),
        row(
            "Evenness of functions",
            "Entropy of the shares over that of equal shares: 1 where all that occur are equally frequent.",
            lambda form: _figure(form["functions_evenness"]),
        ),
        row(
            "Evenness of categories",
            "As of functions; a sample counts with the category of what it calls.",
            lambda form: _figure(form["categories_evenness"]),
        ),
        row("Evenness of styles", "As of functions.", lambda form: _figure(form["styles_evenness"])),
        row("Evenness of templates", "As of functions.", lambda form: _figure(form["templates_evenness"])),
        row("Calls per sample", "Mean.", lambda form: _figure(form["calls_mean"])),
        row(
            "Words per query",
            "Median; in brackets the 10th and the 90th percentile.",
            lambda form: "{1} ({0} to {2})".format(*form["words"]),
        ),
    ]


def _distinct(n: int, form: Json) -> str:
    return _figure(form[f"distinct_{n}"])


def _figure(value: Any, digits: int = 2) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"
