"""A library on a terminal: counts, rows, one call."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from apigen_ray.display.progress import LINE_EVERY_S
from apigen_ray.display.samples import COLOURS, printable
from apigen_ray.job.library import Called
from apigen_ray.library.prepared import PARSE, STEPS, blame
from apigen_ray.records import Json, Status

SHOWN = 40
"""Groups of a table that are shown; a library may have thousands of sources."""


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True, markup=False, emoji=False)


def print_stats(form: Json, *, as_json: bool) -> None:
    """What `apigen_ray.job.library.stats` counted."""
    if as_json:
        print(json.dumps(form, indent=2, ensure_ascii=False))
        return
    console = _console()
    console.print(f"{form['rows']:,} entries, {form['usable']:,} usable")
    console.print(
        _counted("step", {f"{step}: {word}": n for step, by in form["steps"].items() for word, n in by.items()})
    )
    for title in ("sources", "categories"):
        console.print(_grouped(title, form[title]))
    if form["codes"]:
        console.print(_counted("not usable for", form["codes"]))


def _counted(title: str, counts: Mapping[str, int]) -> Table:
    table = Table(title, "entries")
    table.columns[1].justify = "right"
    for name, count in islice(counts.items(), SHOWN):
        table.add_row(printable(name), f"{count:,}")
    return _more(table, len(counts))


def _grouped(title: str, groups: Mapping[str, Mapping[str, int]]) -> Table:
    table = Table(title, "entries", "usable")
    for column in table.columns[1:]:
        column.justify = "right"
    largest = sorted(groups.items(), key=lambda group: -group[1]["rows"])
    for name, counts in largest[:SHOWN]:
        table.add_row(printable(name), f"{counts['rows']:,}", f"{counts['usable']:,}")
    return _more(table, len(groups))


def _more(table: Table, groups: int) -> Table:
    if groups > SHOWN:
        table.add_row(f"and {groups - SHOWN:,} more", "")
    return table


@contextmanager
def progress(*, quiet: bool) -> Iterator[Callable[[int, int, int], None]]:
    """A line that follows a preparation: on a terminal it is rewritten, elsewhere there is one now and then.

    Args:
        quiet: say nothing.
    """
    console = Console(stderr=True, highlight=False, markup=False)
    last = time.monotonic()

    def watch(rows: int, usable: int, total: int) -> None:
        nonlocal last
        if quiet or (not console.is_terminal and time.monotonic() - last < LINE_EVERY_S):
            return
        last = time.monotonic()
        words = f"{rows:,} of {total:,} entries, {usable:,} usable"
        console.print(words, end="\r" if console.is_terminal else "\n")

    yield watch
    if console.is_terminal and not quiet:
        console.print()


def print_rows(rows: Iterable[Json], *, as_json: bool) -> None:
    """A line for each entry: its name, category and description, or what became of it; JSON lines for machines."""
    console = _console()
    for row in rows:
        if as_json:
            print(json.dumps(row, ensure_ascii=False))
            continue
        fault = blame(row)
        words = shortened(row["api"]["description"], 80) if fault is None else f"{fault[0]}: {fault[1]}: {fault[2]}"
        category = (row["api"] or {}).get("category") or "-"
        line = Text(f"{printable(row['name'] or row['entry']):<40} ", "" if fault is None else "dim")
        console.print(
            line
            + Text(f"{printable(category):<14} ", "dim")
            + Text(words, "" if fault is None else COLOURS[Status(fault[1])])
        )


def print_row(row: Json, *, as_json: bool) -> None:
    """Everything about one entry."""
    if as_json:
        print(json.dumps(row, indent=2, ensure_ascii=False))
        return
    console = _console()
    for label, words, style in _lines(row):
        console.print(Text(f"{label:<14} ", "bold") + Text(words, style))


def _lines(row: Json) -> list[tuple[str, str, str]]:
    api: Json = row["api"] or {}
    source: Json = api.get("source") or {}
    lines = [(printable(row["name"] or "-"), printable(f"{row['kind']} · {row['entry']} · {row['location']}"), "dim")]
    if api:
        lines.append(("description", printable(api["description"]), ""))
        required = api["parameters"].get("required", ())
        for name, form in api["parameters"].get("properties", {}).items():
            words = json.dumps(form, ensure_ascii=False)
            lines.append(("parameter", shortened(f"{name}{'' if name in required else '?'} {words}", 300), ""))
        lines.append(("category", printable(api["category"] or "-"), ""))
        runner = source.get("runner") or (source.get("kind") if source.get("kind") == "python" else "") or "none"
        lines.append(("called by", printable(f"{runner} {source.get('server', '')}"), ""))
    if row["original_name"] not in (None, row["name"]):
        lines.append(("called before", printable(row["original_name"]), "dim"))
    if row["original"]:
        lines.append(("said before", printable(row["original"]["description"]), "dim"))
    if row["example"]:
        lines.append(("example", shortened(json.dumps(row["example"]["arguments"], ensure_ascii=False), 300), ""))
        lines.append(("answered", shortened(str(row["example"]["result"]), 300), ""))
    for step in (PARSE, *STEPS):
        status, code, detail = (row[f"{step}_{part}"] for part in ("status", "code", "detail"))
        words = ": ".join(printable(part) for part in (status or "not done", code, detail) if part)
        lines.append((step, words, COLOURS.get(status, "dim")))
    return lines


def print_called(called: Called, *, as_json: bool) -> None:
    """One call: what was asked, what came back."""
    outcome = called.outcome
    form = {
        "name": called.api.name,
        "arguments": called.arguments,
        "seconds": round(outcome.seconds, 3),
    } | outcome.form()
    if as_json:
        print(json.dumps(form, indent=2, ensure_ascii=False))
        return
    console = _console()
    arguments = ", ".join(
        f"{name}={shortened(json.dumps(v, ensure_ascii=False), 300)}" for name, v in called.arguments.items()
    )
    console.print(Text(printable(f"{called.api.name}({arguments})"), "bold"))
    words = f"{outcome.status}" + (f": {outcome.code}" if outcome.code else "") + f" in {outcome.seconds:.2f} s"
    if outcome.simulated:
        words += " (made up: the call was not made)"
    console.print(Text(words, COLOURS[outcome.status]))
    if outcome.detail:
        console.print(Text(printable(outcome.detail)))
    if outcome.value is not None:
        console.print(Text(_pretty(json.loads(outcome.value))))


def shortened(text: str, limit: int) -> str:
    """The text on one line, cut off behind so many characters."""
    text = " ".join(text.split())
    return printable(text if len(text) <= limit else f"{text[:limit]}…")


def _pretty(value: Any) -> str:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return "\n".join(printable(line) for line in text.splitlines())
