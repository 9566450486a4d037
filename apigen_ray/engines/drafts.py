"""Faultless drafts made of a row without any model: calls drawn from the tools' schemas, and a query spelling them."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from apigen_ray.asks.base import Row
from apigen_ray.asks.prompts import words
from apigen_ray.records import Api, Call, Json, Mode, Style, calls_from_json, dumps
from apigen_ray.sampling.hints import name_words
from apigen_ray.sampling.values import Arguments

_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstv" for vowel in "aeiou"]


@dataclass(frozen=True)
class Draft:
    """What a generator without faults would answer.

    Attributes:
        mode: how the row is drafted.
        style: its query style.
        tools: the offered tools, in the form of `apigen_ray.records.Api.tool`.
        calls: the calls that answer the query.
        query: spells every value of the calls.
        asker: a made-up name in the query, so that no two queries are alike.
    """

    mode: Mode
    style: Style
    tools: tuple[Json, ...]
    calls: tuple[Call, ...]
    query: str
    asker: str

    def with_calls(self, calls: Sequence[Call]) -> "Draft":
        """The draft with other calls, and a query that spells them."""
        return replace(self, calls=tuple(calls), query=spell(self.asker, calls))

    def tool(self, name: str) -> Json | None:
        """The offered tool of this name."""
        return next((tool for tool in self.tools if tool["name"] == name), None)

    def text(self) -> str:
        """What a generator writes: the whole record, or the query alone where the calls are given (``call_first``)."""
        return self.query if self.mode == Mode.CALL_FIRST else record(self.query, [call.form() for call in self.calls])


def draft_of(row: Row, rng: random.Random) -> Draft:
    """A faultless draft for a row of the plan.

    Args:
        row: a row of `apigen_ray.records.DRAFT`.
        rng: decides on functions and values.

    Returns:
        The draft; where a tool's schema has no values that can be drawn, its calls are fewer than the style wants.
    """
    tools = tuple(json.loads(row["tools"]))
    mode, style = Mode(row["mode"]), Style(row["style"])
    asker = "".join(rng.choice(_SYLLABLES) for _ in range(6)).capitalize()
    if mode == Mode.CALL_FIRST:  # an irrelevant request answers to no call, whatever was planned
        calls = calls_from_json(row["planned"]) if row["planned"] and style != Style.IRRELEVANCE else []
    else:
        calls = _calls(style, tools, rng)
    return Draft(mode, style, tools, tuple(calls), spell(asker, calls), asker)


def record(query: Any, answers: Any) -> str:
    """The text of a record."""
    return dumps({"query": query, "answers": answers})


def spell(asker: str, calls: Sequence[Call]) -> str:
    """A request that names each function and each value of the calls, and no other figure.

    The asker's name stands between all phrases, so that no query has six words in a row of another one.
    """
    if not calls:
        return f"{asker} would like a song about {asker}, whichever comes to mind."
    wishes = [f", {asker} ".join([f"wants {words(call.name)}", *_phrases(call.arguments)]) for call in calls]
    return "; ".join(f"{asker} {wish}" for wish in wishes) + "."


def spoken(value: Any) -> str:
    """A text or number as it stands in a query."""
    return value if isinstance(value, str) else dumps(value)


def arguments_for(tool: Json, rng: random.Random) -> Json | None:
    """Arguments that a tool's schema allows, or None where none can be drawn."""
    return _drawer(dumps(tool)).draw(rng)


def _phrases(value: Any, name: str = "") -> list[str]:
    label = " ".join(name_words(name))
    if isinstance(value, dict):
        return [phrase for key, item in value.items() for phrase in _phrases(item, key)]
    if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
        return [f"{label} {', '.join(map(spoken, value))}"]
    if isinstance(value, list):
        return [phrase for item in value for phrase in _phrases(item, name)]
    if isinstance(value, bool):
        return [label if value else f"no {label}"]
    return [f"{label} {spoken(value)}"]


def _calls(style: Style, tools: Sequence[Json], rng: random.Random) -> list[Call]:
    if style == Style.IRRELEVANCE:
        return []
    if style == Style.PARALLEL_MULTIPLE:
        chosen = rng.sample(list(tools), min(len(tools), 2))
    elif style == Style.PARALLEL:
        chosen = [tools[0]] * rng.randint(2, 3)
    else:
        chosen = [rng.choice(tools)]
    calls: list[Call] = []
    for tool in chosen:
        for _ in range(20):  # a parallel request asks for different things
            arguments = arguments_for(tool, rng)
            if arguments is not None and Call(tool["name"], arguments) not in calls:
                calls.append(Call(tool["name"], arguments))
                break
    return calls


@lru_cache(maxsize=4096)
def _drawer(tool: str) -> Arguments:
    form = json.loads(tool)
    return Arguments(Api(form["name"], form["description"], form["parameters"]), {})
