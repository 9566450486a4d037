"""Samples for a person: the request, the calls, what came of them, and each stage's word."""

import json
import sys
import unicodedata
from collections.abc import Sequence
from typing import Any, TextIO

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from apigen_ray.config import STAGES
from apigen_ray.records import Json, Status, Verdict

SHORT = 300
"""Characters shown of one value."""

COLOURS = {Status.PASSED: "green", Status.REJECTED: "red", Status.ERROR: "magenta", Status.SKIPPED: "dim"}


def print_samples(rows: Sequence[Json], file: TextIO | None = None) -> None:
    """Prints samples as `apigen_ray.export.samples.find_samples` gives them: in colours on a terminal, plain elsewhere.

    Args:
        rows: the samples.
        file: where to; None: standard output.
    """
    out = file or sys.stdout
    console = Console(file=out, highlight=False, soft_wrap=True, markup=False, emoji=False)
    if not rows:
        console.print("no such samples")
    for number, row in enumerate(rows):
        if number:
            console.print()
        for label, words, style in sample_lines(row):
            console.print(Text(f"{label:<10} ", "bold"), Text(printable(words), style), sep="", end="\n")
    if rows and console.is_terminal:
        console.print(Text(f"\nThe whole story of one: apigen show RUN --id {rows[0]['sample_id'][:8]}", "dim"))


def sample_lines(row: Json) -> list[tuple[str, str, str]]:
    """One sample as (label, words, colour), a line each."""
    verdict = str(row["verdict"])
    colour = "bold green" if verdict == Verdict.VERIFIED else "bold red"
    lines = [(verdict, who(row), colour)]
    if row["query"] is None:
        said = row["record"] or (row["reply"] or {}).get("error") or "nothing"
        lines.append(("reply", _short(said), ""))
    else:
        lines.append(("query", _short(row["query"]), ""))
    calls, results = row["answers"], row["results"]
    for number, call in enumerate(calls if isinstance(calls, list) else []):
        lines.append(("call", call_words(call), ""))
        if isinstance(results, list) and number < len(results):
            lines.append((*result_words(results[number], row["execution_mode"]), ""))
    if calls == []:
        lines.append(("call", "none", ""))
    elif calls is not None and not isinstance(calls, list):
        lines.append(("answers", _short(calls), ""))
    for stage in STAGES:
        status, code, detail = (row[f"{stage}_{part}"] for part in ("status", "code", "detail"))
        words = ": ".join(str(part) for part in (status, code, detail and _short(detail)) if part)
        lines.append((stage, words, COLOURS.get(status, "")))
    return lines


def who(row: Json) -> str:
    """Who wrote a sample, in which style, and its id: what `apigen show --id` takes."""
    parts = [row["generator"], row["style"], row["source_id"] or row["sample_id"]]
    return " · ".join(_short(part) for part in parts if part)


def call_words(call: Any, most: int = SHORT) -> str:
    """A call as a person writes it; of each value so many characters."""
    if not (isinstance(call, dict) and isinstance(call.get("arguments"), dict)):
        return _short(call, most)
    arguments = ", ".join(f"{_short(name, most)}={_short(value, most)}" for name, value in call["arguments"].items())
    return f"{_short(call.get('name'), most)}({arguments})"


def result_words(outcome: Any, mode: str | None, most: int = SHORT) -> tuple[str, str]:
    """What to call an outcome, and its words."""
    if not isinstance(outcome, dict):
        return "result", _short(outcome, most)
    if outcome.get("status") == Status.PASSED:
        words = _short(outcome.get("value") or "null", most, decoded=True)
    else:
        words = f"{outcome.get('status')}: {outcome.get('code')}: {_short(outcome.get('detail') or '', most)}"
    if outcome.get("simulated"):
        return "simulated", f"{words} (made up: the call was not made)"
    return "result", f"{words} (recorded earlier)" if mode == "replay" else words


def _short(value: Any, most: int = SHORT, decoded: bool = False) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if not decoded and isinstance(value, str):
        text = " ".join(value.split())
    text = printable(text)
    return text if len(text) <= most else f"{text[:most]}…"


def unmarked(text: str) -> str:
    """`printable_lines` for where rich reads markup: brackets are brackets."""
    return escape(printable_lines(text))


def printable_lines(text: str) -> str:
    """`printable`, but that line ends stay."""
    return "\n".join(map(printable, text.split("\n")))


def printable(text: str) -> str:
    """The text without what could drive the terminal, whoever wrote it."""
    return "".join(char if _shows(char) else "\N{REPLACEMENT CHARACTER}" for char in text)


def _shows(char: str) -> bool:
    return char.isprintable() or unicodedata.category(char) == "Zs"  # other spaces than " " are none to Python
