"""The grounding check, both ways: what the calls hold stands in the query, and what the query holds is in the calls."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import ClassVar

import pyarrow as pa

from apigen_ray.asks.base import Ask
from apigen_ray.records import Json, Status
from apigen_ray.verifiers.base import Setting, with_verdict
from apigen_ray.verifiers.matching import Matcher, property_schema, required_names
from apigen_ray.verifiers.places import Places, Span
from apigen_ray.verifiers.reading import Reading, cached_stem, folded, read, stems
from apigen_ray.verifiers.vocabulary import FILLERS, SYNONYMS

Inside = Callable[[Span], bool]

_SHOWN = 3  # how many findings a detail names
_BRACES = re.compile(r"\{\s*[\"']?\w*[\"']?\s*[:}]|[\"']\s*:\s*[\"'\[{\d]")
_OF_CALLS = re.compile(
    r"\b(?:api|function|tool)[ -]calls?\b"
    r"|\b(?:call|invoke|execute)(?:s|ing)? (?:the |an? |this )?(?:\w+ )?(?:api|function|tool)\b"
    r"|\bthe (?:given|offered|provided|following) (?:api|function|tool)s?\b|\bjson\b.{0,20}\bcalls?\b"
)
_MARKER = re.compile(r"(?:^|[\s(])(\d{1,2})[.)](?=\s)")


class GroundingVerifier:
    """Query and calls hold the same values (ours: the paper leaves this to the judge); pure Python, no model.

    Every argument that is not its parameter's default, nor the only value that its schema allows, is to be read in
    the query: numbers in digits or words, with separators, signs of currency, per cent, k and m; dates and times in any
    usual form; texts without regard to case, accents, punctuation, plural and the order of a few words; units,
    currencies, languages and the like by their other names. A truth value is read by the words of its parameter's name:
    true where they are there and no negation stands right before, false where one does, and false of a required
    parameter also where the query says nothing of it. Quantities are not converted: "2 hours" does not say 120. Two
    different numbers need two places: "5 %" is 5 or 0.05, not both.

    The other way every number, date and quoted text of the query is to be in the calls. Counting words (one, two, both,
    first) and figures that count the calls or a list's items are free. Capitalised names are not looked at: on 857 good
    pairs of a public benchmark such a rule refused 64, next to none of them rightly.

    A sample without calls (irrelevance) passes. Query, answers and tools are read as the format stage, without which
    none other runs, has left them: they are what they should be.

    Codes, in the order in which they are given:
        ``leaked_call``: the query speaks of the call instead of the wish: "Call the convert_units function with 3 km".
        ``value_not_in_query``: an argument that the query does not say: "How warm is it?" with ``{"city": "Oslo"}``.
        ``number_not_in_calls``: "Add 2 and 3, which is 5" with ``{"a": 2, "b": 3}``.
        ``date_not_in_calls``: "Sunrise in Oslo on 3 May 2024" with ``{"city": "Oslo"}``.
        ``quote_not_in_calls``: "Is 'level' like 'radar'?" with ``{"word": "level"}``.
    """

    name: ClassVar[str] = "grounding"
    codes: ClassVar[tuple[str, ...]] = (
        "leaked_call",
        "value_not_in_query",
        "number_not_in_calls",
        "date_not_in_calls",
        "quote_not_in_calls",
    )
    columns: ClassVar[tuple[pa.Field, ...]] = ()
    needs: tuple[Ask, ...] = ()

    def __init__(self, setting: Setting) -> None:
        """Nothing of the setting is used: query, answers and tools say it all."""

    def check(self, table: pa.Table) -> pa.Table:
        """Sets the verdict columns; reads ``query``, ``answers`` and ``tools``."""
        rows = zip(*(table[name].to_pylist() for name in ("query", "answers", "tools")), strict=True)
        findings = [_judge(query, json.loads(answers), tools) for query, answers, tools in rows]
        statuses = [str(Status.REJECTED if code else Status.PASSED) for code, _ in findings]
        return with_verdict(table, self.name, statuses, [code for code, _ in findings], [text for _, text in findings])


def _judge(query: str, calls: Sequence[Json], tools: str) -> tuple[str, str]:
    """Code and detail of one row; ("", "") where it passes."""
    return ground(query, calls, _offered(tools)) if calls else ("", "")


def ground(query: str, calls: Sequence[Json], tools: Mapping[str, Json]) -> tuple[str, str]:
    """Looks both ways for one query and its calls.

    Args:
        query: the request.
        calls: ``{"name", "arguments"}``, at least one.
        tools: parameter schema of each offered function by its name.

    Returns:
        Code and detail of the first fault, or two empty texts.
    """
    reading = read(query)
    matcher = Matcher(reading)
    for call in calls:
        schema = tools.get(call["name"]) or {}
        for name, value in call["arguments"].items():
            matcher.look_for(value, property_schema(schema, name), name, name in required_names(schema))
    for code, found in _findings(reading, matcher, tools, len(calls)):
        if found:
            return code, ", ".join(found[:_SHOWN])[:300]
    return "", ""


def _findings(
    reading: Reading, matcher: Matcher, tools: Mapping[str, Json], calls: int
) -> Iterator[tuple[str, list[str]]]:
    """Code and findings of each look, made one after the other."""
    yield "leaked_call", _leak(reading, tools, matcher)
    yield "value_not_in_query", matcher.missing
    inside = _inside(matcher)
    yield "number_not_in_calls", _loose_numbers(reading, matcher, inside, tools, calls)
    yield "date_not_in_calls", _loose_dates(reading, matcher, inside)
    yield "quote_not_in_calls", _loose_quotes(reading, matcher, inside, tools)


@lru_cache(maxsize=4096)
def _offered(tools: str) -> dict[str, Json]:
    """The parameter schemas by name; prompts that offer the same tools are many."""
    try:
        forms = json.loads(tools)
    except ValueError:
        return {}
    out = {}
    for form in forms if isinstance(forms, list) else ():
        if isinstance(form, dict) and isinstance(form.get("name"), str):
            parameters = form.get("parameters")
            out[form["name"]] = parameters if isinstance(parameters, dict) else {}
    return out


def _leak(reading: Reading, tools: Mapping[str, Json], matcher: Matcher) -> list[str]:
    """The words of the query that speak of a call; words that an argument holds do not count."""
    text = reading.text
    identifiers = (name.lower() for name in _names(tools) if "_" in name.strip("_"))
    phrases = (found.group() for pattern in (_OF_CALLS, _BRACES) if (found := pattern.search(text)))
    said = [name for name in identifiers if name in text] + list(phrases)
    return [words for words in said if not any(words in value for value in matcher.texts)]


def _loose_numbers(
    reading: Reading, matcher: Matcher, inside: Inside, tools: Mapping[str, Json], calls: int
) -> list[str]:
    """The numbers of the query that are nowhere in the calls, and do not only count."""
    loose = []
    for span, values, kind in reading.figures:
        value = values[0]
        if any(each in matcher.numbers or -each in matcher.numbers for each in values):
            continue
        if (kind == "ordinal_word" and value <= 10) or (kind == "words" and value <= 2):
            continue
        if value == calls or value in matcher.counts or inside(span):
            continue
        if kind == "ordinal" and value <= calls:
            continue
        if value == 0 and reading.text[: span[0]].endswith("= "):
            continue  # an equation's right side
        loose.append((span, value))
    if not loose:
        return []
    named = {float(digits) for digits in re.findall(r"\d{1,18}", " ".join(_names(tools)))}
    markers = {match.span(1) for match in _MARKER.finditer(reading.text)}
    markers = markers if len(markers) > 1 else set()  # one alone is the end of a sentence
    return [reading.text[slice(*span)] for span, value in loose if value not in named and span not in markers]


def _names(tools: Mapping[str, Json]) -> Iterator[str]:
    for name, schema in tools.items():
        yield name
        properties = schema.get("properties")
        yield from properties if isinstance(properties, dict) else ()


def _inside(matcher: Matcher) -> Inside:
    """Whether a place lies within one that an argument was found at, or around one that a number was found at."""
    numbers, texts = Places(matcher.claimed), Places(matcher.covered)
    return lambda span: numbers.within(span) or texts.around(span) or numbers.around(span)


def _loose_dates(reading: Reading, matcher: Matcher, inside: Inside) -> list[str]:
    """The dates and times of the query of which a part is nowhere in the calls."""
    loose = []
    months = {word for text in matcher.texts for word in stems(text)} if reading.dates else set()
    for span, dates in reading.dates:
        if inside(span):
            continue
        for date in dates:
            if all(part is None or float(part) in matcher.numbers for part in date):
                break
            if cached_stem(reading.text[slice(*span)].split()[0]) in months:
                break
        else:
            loose.append(span)
    for span, times in reading.times:
        said = {float(minutes // 60) for minutes in times} | {float(minutes // 60 % 12) for minutes in times}
        full = times[0] % 60 == 0 or float(times[0] % 60) in matcher.numbers
        if matcher.times.isdisjoint(times) and not inside(span) and not (full and said & matcher.numbers):
            if not any(reading.text[slice(*span)] in text for text in matcher.texts):
                loose.append(span)
    return [reading.text[slice(*span)] for span in loose]


def _loose_quotes(reading: Reading, matcher: Matcher, inside: Inside, tools: Mapping[str, Json]) -> list[str]:
    """The quoted texts of the query that are in no argument."""
    loose = [(span, text) for span, text in reading.quotes if not inside(span)]
    if not loose:
        return []
    words = {word for text in (*matcher.texts, *map(folded, _names(tools))) for word in stems(text)}
    known = [word for word in words if len(word) > 0]
    out = []
    for _, text in loose:
        inner = stems(text)
        if any(text in value or value in text for value in matcher.texts if value):
            continue
        if inner and all(_known(word, words, known, matcher) for word in inner):
            continue
        out.append(f"'{text}'")
    return out


def _known(word: str, words: set[str], listed: Sequence[str], matcher: Matcher) -> bool:
    if word in words or word in FILLERS:
        return True
    if any(other.strip() in words for other in SYNONYMS.get(word, ())):
        return True
    return word[0].isdigit() and word.isdecimal() and float(word) in matcher.numbers
