"""One sample's whole story on a terminal: what it says, each stage's word, where it comes from, what became of it."""

import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TextIO

from rich.console import Console
from rich.text import Text

from apigen_ray.config import STAGES
from apigen_ray.display.samples import COLOURS, call_words, printable, result_words, who
from apigen_ray.export.story import Story
from apigen_ray.records import Json, Status, Verdict
from apigen_ray.report.story import check_words

LONG = 4_000
"""Characters shown of one value."""

LABEL = 12
"""Columns that a line's label takes."""

LEAST = 20
"""Columns that words have at least, however narrow the terminal is."""


class Line(NamedTuple):
    """A labelled line; its words may have line ends of their own. An empty label goes on under the one before.

    Where a terminal breaks it, the rest stands so many columns further in: that tells the items of a list apart.
    """

    label: str
    words: str
    style: str = ""
    further: int = 0


def print_story(story: Story, file: TextIO | None = None) -> None:
    """Prints a story: in colours and as wide as the terminal on one, plain and unbroken elsewhere.

    Args:
        story: as `apigen_ray.export.story.find_story` tells it.
        file: where to; None: standard output.
    """
    console = Console(file=file or sys.stdout, highlight=False, soft_wrap=True, markup=False, emoji=False)
    row = story.sample
    colour = "bold green" if row["verdict"] == Verdict.VERIFIED else "bold red"
    _print(console, Line(str(row["verdict"]), who(row), colour))
    for title, lines in (
        ("The sample", _sample(row)),
        ("The stages", _stages(row)),
        ("Where it comes from", _origin(story)),
        ("What became of it", _afterwards(story)),
    ):
        shown = list(lines)
        if shown:
            console.print()
            console.print(Text(title, "bold underline" if console.is_terminal else ""))
        for line in shown:
            _print(console, line)


def _print(console: Console, line: Line) -> None:
    words = line.words if len(line.words) <= LONG else f"{line.words[:LONG]}… ({len(line.words):,} characters: --json)"
    label = Text(f"{printable(line.label):<{LABEL}} ", "bold")
    for part in words.expandtabs(4).splitlines() or [""]:
        text = Text(printable(part), line.style)
        room = max(LEAST, console.width - len(label)) - line.further
        for number, piece in enumerate(text.wrap(console, room) if console.is_terminal else [text]):
            console.print(label, " " * line.further if number else "", piece, sep="", end="\n")
            label = Text(" " * (LABEL + 1))


def _sample(row: Json) -> Iterator[Line]:
    if row["query"] is None:
        yield Line("query", "none that could be read", "dim")
    else:
        yield Line("query", row["query"] if row["query"].strip() else "(blank)")
    answers = row["answers"]
    called = {call.get("name") for call in answers if isinstance(call, dict)} if isinstance(answers, list) else set()
    tools = row["tools"] if isinstance(row["tools"], list) else []
    if tools:
        count = f"{len(tools)} function{'s' if len(tools) > 1 else ''}"
        yield Line("offered", f"{count}{', * called' if called else ', none of them called'}")
    for tool in tools:
        mark = "* " if tool["name"] in called else "  "
        description = " ".join(str(tool["description"]).split())
        yield Line("", f"{mark}{_signature(tool)}: {description}", "" if tool["name"] in called else "dim", 4)
    if isinstance(row["tools"], dict):
        yield Line("offered", f"unusable: {row['tools'].get('unusable')}", "red")
        yield Line("", str(row["tools"].get("given")), "dim")
    if answers == []:
        yield Line("calls", "none: no function that was offered serves")
    elif not isinstance(answers, list):
        yield Line("calls", "none that could be read" if answers is None else _text(answers), "dim")
    results = row["results"] if isinstance(row["results"], list) else []
    for number, call in enumerate(answers if isinstance(answers, list) else ()):
        yield Line("call", call_words(call, LONG))
        if number < len(results):
            label, words = result_words(results[number], row["execution_mode"], LONG)
            failed = isinstance(results[number], dict) and results[number].get("status") != Status.PASSED
            yield Line(label, words, "red" if failed else "")


def _signature(tool: Json) -> str:
    """A function's name and parameters, each with its type; a question mark where a call may leave it out."""
    parameters: Json = tool["parameters"]
    required = parameters.get("required", ())
    told = (
        f"{name}{'' if name in required else '?'}: {_type(schema)}"
        for name, schema in parameters.get("properties", {}).items()
    )
    return f"{tool['name']}({', '.join(told)})"


def _type(schema: Any) -> str:
    if not isinstance(schema, dict):
        return "any"
    if "enum" in schema:
        return " | ".join(_text(value) for value in schema["enum"])
    kind = schema.get("type", "any")
    names = " | ".join(map(str, kind)) if isinstance(kind, list) else str(kind)
    return f"{names} of {_type(schema['items'])}" if "items" in schema else names


def _stages(row: Json) -> Iterator[Line]:
    for stage in STAGES:
        status, code, detail = (row[f"{stage}_{part}"] for part in ("status", "code", "detail"))
        words = ": ".join(str(part) for part in (status, code, detail) if part)
        mode = row["execution_mode"]
        if stage == "execution" and mode and status != Status.SKIPPED:
            words += f" ({_MODES.get(mode, mode)})"
        yield Line(stage, words, COLOURS.get(status, ""))
    for check, said in (row["semantic_words"] or {}).items():
        yield Line(f"  {check}", check_words(said))


_MODES = {
    "live": "the calls were made",
    "record": "the calls were made, and what came back was kept",
    "replay": "answered with what was recorded earlier",
    "simulate": "the calls were not made: what they gave back is made up",
    "none": "no call was made",
}


def _origin(story: Story) -> Iterator[Line]:
    row = story.sample
    if row["run"]:
        yield Line("run", f"{row['run']} (merged into this one)")
    if story.input is not None:
        yield Line("record", f"{row['source_id']} of {story.input}")
    if row["prompt_id"]:
        place = f"round {row['round']}, number {row['index']} of {row['generator']}"
        yield Line("prompt", f"{row['prompt_id']} · {place}")
        pairs = f" · {row['pairs']} pairs asked for" if (row["pairs"] or 1) > 1 else ""
        yield Line("", f"{row['mode']} · style {row['style']} · template {row['template']}{pairs}")
    yield from _drawn(row)
    label = "examples"
    for number, example in enumerate(row["examples"] or ()):
        source = story.examples_from[number] if number < len(story.examples_from) else None
        calls = ", ".join(call_words(call, 100) for call in example["answers"]) or "no call"
        yield Line(label, f"- {example['query']} → {calls}" + (f" (sample {source})" if source else ""), "dim", 2)
        label = ""
    yield from _reply("reply", row["reply"])
    if row["of"] and row["of"] > 1:
        yield Line("", f"pair {row['pair'] + 1} of {row['of']} in this reply")
    if thought := _thought(row["record"]):
        yield Line("thought", thought)
    for name in ("likelihood", "roundtrip", "judge"):
        yield from _reply(name, row[name])
    said = (row["reply"] or {}).get("text")
    if row["record"] is not None and row["record"] != said and row["query"] is None:
        yield Line("as judged", row["record"])
    if row["planted"] is not None:
        yield Line("planted", f"{_text(row['planted'])} (by the scripted engine: no model has written this)", "dim")


def _thought(record: str | None) -> str:
    """What a model wrote before query and answers, where it was asked to and kept to the form."""
    try:
        value = json.loads(record or "")
    except (ValueError, RecursionError):
        return ""
    thought = value.get("thought") if isinstance(value, dict) else None
    return thought if isinstance(thought, str) else ""


def _drawn(row: Json) -> Iterator[Line]:
    """``call_first``: which of the calls that code drew were taken."""
    candidates = row["candidates"]
    if not candidates:
        return
    drawn = [candidate["calls"] for candidate in candidates]
    if row["planned"] is None:
        yield Line("drawn", f"{len(drawn)} candidates, none of which executed")
    elif row["planned"] in drawn:
        place, calls = drawn.index(row["planned"]) + 1, ", ".join(call_words(call, 100) for call in row["planned"])
        yield Line("drawn", f"{calls}: candidate {place} of {len(drawn)}, the first that executed")


def _reply(label: str, reply: Json | None) -> Iterator[Line]:
    if reply is None:
        return
    if reply["error"] is not None:
        yield Line(label, f"none: {reply['error']}", COLOURS[Status.ERROR])
    else:
        yield Line(label, reply["text"] or ("(no words)" if reply["logprob"] is None else "(a score, no words)"))
    figures = [
        reply["model"],
        f"{reply['prompt_tokens'] or 0:,} tokens read, {reply['completion_tokens'] or 0:,} written",
        f"{reply['seconds']:.2f} s" if reply["seconds"] is not None else "",
        f"ended: {reply['finish']}" if reply["finish"] else "",
        f"log-probability {reply['logprob']:.4f}" if reply["logprob"] is not None else "",
    ]
    if reply["model"]:
        yield Line("", " · ".join(filter(None, figures)), "dim")


def _afterwards(story: Story) -> Iterator[Line]:
    if story.duplicate_of is not None and story.sample["verdict"] == Verdict.DUPLICATE:
        yield Line("duplicate", f"of {story.duplicate_of}, which asks the same and was planned before it")
    if story.duplicates:
        yield Line("duplicates", f"{len(story.duplicates)} that ask the same: {_named(story.duplicates)}")
    if story.of_one_reply:
        others = [f"{other['sample_id']} ({other['verdict']})" for other in story.of_one_reply]
        yield Line("its reply", f"gave {len(others)} more: {_named(others)}")
    if story.example_from is not None:
        shown = f"; shown in {story.shown_in:,} prompts" if story.shown_in else ""
        yield Line("example", f"kept for prompts from round {story.example_from} on{shown}")


def _named(words: Sequence[str], most: int = 5) -> str:
    return ", ".join(words[:most]) + (" …" if len(words) > most else "")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
