"""What can be said of a query's wording without a model: what it repeats of its prompt, and what it leaves unclear."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from apigen_ray.asks.base import Row
from apigen_ray.asks.prompts import in_words, split_unit, told, tool_named, words
from apigen_ray.records import Json

_WORD = re.compile(r"\d[\d.,:/-]*|[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_FIGURE = re.compile(r"\d[\d.,:/-]*")
_SMALL = frozenset("a an and at by for from if in into is it of on or per the to with".split())
_PLACES = frozenset("first second third a b c x y z number value values".split())
_STATEMENT = re.compile(r"(?:the|this|these|it|to|you|here|an?)\b", re.IGNORECASE)
_COUNTING = re.compile(r"how many|number of", re.IGNORECASE)
_LONG = {  # how the long form of a unit begins, where it is not the short one
    "percent": "percent|per cent|%",
    "km/h": "kmh|kilomet(?:er|re)s? per hour",
    "kg": "kilo",
    "km": "kilomet",
    "cm": "centimet",
    "mm": "millimet",
    "m": "met(?:er|re)",
    "degrees": "\u00b0",
}


def copied(row: Row, length: int) -> str | None:
    """The first run of ``length`` words of a row's query that its prompt's material holds, or None.

    The material is the examples' queries, the descriptions of the tools (the row's and the examples') and the planned
    calls in words. Words of argument values are taken out on both sides first, so that a run goes on across a value.

    Args:
        row: with ``query``, ``answers``, ``planned``, ``examples`` and ``tools``.
        length: words in a run.
    """
    examples = json.loads(row["examples"] or "[]")
    tools = json.loads(row["tools"] or "[]")
    texts = [str(example["query"]) for example in examples]
    texts += [str(tool.get("description") or "") for tool in [*tools, *(t for e in examples for t in e["tools"])]]
    planned: list[Json] = json.loads(row["planned"] or "[]")
    texts += [in_words(call, tool_named(tools, call["name"])) for call in planned]
    calls = [*json.loads(row["answers"] or "[]"), *planned]
    values = {word for call in calls for word in _words(" ".join(_scalars(call.get("arguments"))))}
    known = {run for text in texts for run in _runs(_without(values, text), length)}
    return next((" ".join(run) for run in _runs(_without(values, row["query"]), length) if run in known), None)


def unclear(row: Row) -> str | None:
    """What a query leaves unclear, or None. Strict: it refuses free wording, good as it may be.

    A query says no figure more often than its calls do, and for one call no pair of words twice; it is a question or a
    request and no statement; it has the words of each function's name but small ones ("how many" stands for "count");
    what goes from one to another keeps its direction; where a call takes two or more numbers it says
    which is which: by the words of the parameter's name, or by a unit that no other number of the call has.

    Args:
        row: with ``query``, ``answers`` and ``tools``.
    """
    query: str = row["query"]
    calls: list[Json] = json.loads(row["answers"])
    tools: list[Json] = json.loads(row["tools"])
    known = Counter(_figures(" ".join(text for call in calls for text in _scalars(call["arguments"]))))
    for figure, count in Counter(_figures(query)).items():
        if count > max(1, known[figure]):
            return f"says {figure} {count} times"
    pairs = Counter(run for run in _runs(_words(query), 2) if len(calls) == 1 and not _SMALL.issuperset(run))
    for pair, count in pairs.items():
        if count > 1:
            return f"says {' '.join(pair)!r} {count} times"
    if "?" not in query and _STATEMENT.match(query.strip()):
        return "is a statement"
    said = {_stem(word) for word in _words(query)}
    for call in calls:
        name = [word for word in _words(words(call["name"])) if word not in _SMALL]
        if name[:1] == ["count"] and _COUNTING.search(query):
            del name[0]
        if not all(_stem(word) in said for word in name):
            return f"does not name {words(call['name'])}"
        arguments = told(call, tool_named(tools, call["name"]))
        if turned := _turned(arguments, query):
            return turned
        if missing := _unnamed(arguments, said, query.lower()):
            return f"does not say which figure is the {missing}"
    return None


def _turned(arguments: Sequence[tuple[str, Any]], query: str) -> str | None:
    """Where something goes from one to another: which of the two the query takes for the other one."""
    for name, value in arguments:
        way, what = words(name).partition(" ")[0], rf"(?:\w+ )?{re.escape(str(value))}\b"
        if way == "from" and re.search(rf"\b(?:in)?to {what}", query, re.IGNORECASE):
            return f"goes to {value}, not from it"
        if way == "to" and not re.search(rf"\b(?:(?:in)?to|in|and) {what}", query, re.IGNORECASE):
            return f"does not go to {value}"
    return None


def _unnamed(arguments: Sequence[tuple[str, Any]], said: set[str], query: str) -> str | None:
    """The first number of a call that the query does not tell from the others."""
    numbers = [name for name, value in arguments if type(value) in (int, float)]
    units = Counter(split_unit(name)[1] for name in numbers)
    for name in numbers if len(numbers) > 1 else ():
        head, unit = split_unit(name)
        by_unit = unit is not None and units[unit] == 1 and _with_unit(unit, query)
        own = [word for word in _words(head) if word not in _SMALL and word not in _PLACES]
        if not by_unit and not all(_stem(word) in said for word in own):
            return words(name)
    return None


def _with_unit(unit: str, query: str) -> bool:
    """Whether a query says a unit: ``km`` is in "3 km" and "3 kilometers", not in "3 km/h"."""
    short = re.escape(unit.split()[0].lower().removesuffix("s"))
    long = _LONG.get(unit, _LONG.get(unit.split()[0], short))
    return re.search(rf"(?<![a-z/])(?:{short}s?(?![a-z/])|(?:{long})\w*+(?! per\b))", query) is not None


def _stem(word: str) -> str:
    """Enough of a word to know it again in another form: ``factors`` in ``factorization``."""
    return re.sub(r"(?:ies|es|s|ed|ing|y|e)$", "", word)[:5] if len(word) > 3 else word


def _words(text: str) -> list[str]:
    """The words and figures of a text, without case and punctuation."""
    return [word.strip(".,:/-") for word in _WORD.findall(text.lower())]


def _without(values: set[str], text: str) -> list[str]:
    return [word for word in _words(text) if word not in values]


def _figures(text: str) -> list[str]:
    return [figure.strip(".,:/-").replace(",", "") for figure in _FIGURE.findall(text)]


def _runs(of: Sequence[str], length: int) -> Iterable[tuple[str, ...]]:
    return (tuple(of[start : start + length]) for start in range(len(of) - length + 1))


def _scalars(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _scalars(item)
    elif isinstance(value, list):
        for item in value:
            yield from _scalars(item)
    elif not isinstance(value, bool) and value is not None:
        yield str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
