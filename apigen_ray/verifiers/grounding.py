"""The grounding check, both ways: what the calls hold stands in the query, and what the query holds is in the calls."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar

import pyarrow as pa

from apigen_ray.asks.base import Ask
from apigen_ray.records import Json, Status
from apigen_ray.verifiers.base import Setting, with_verdict
from apigen_ray.verifiers.reading import Reading, Span, cached_stem, folded, number_key, read, stems
from apigen_ray.verifiers.vocabulary import COMPARISONS, FILLERS, FLAG_FILLERS, NEGATIONS, SHORT, SYNONYMS, WEAK

_SHOWN = 3  # how many findings a detail names
_IN_ANY_ORDER = 6  # texts of more words than this are looked for in their order
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ZONE = r"(?:z|[+-]\d\d:?\d\d)?"
_DATE_VALUE = re.compile(rf"(\d{{4}})-(\d\d)-(\d\d)(?:[t ](\d\d):(\d\d)(?::\d\d)?(?:\.\d+)?{_ZONE})?$")
_TIME_VALUE = re.compile(r"(\d{1,2}):(\d\d)(?::\d\d)?(?:z|[+-]\d\d:?\d\d)?$")
_BRACES = re.compile(r"\{\s*[\"']?\w*[\"']?\s*[:}]|[\"']\s*:\s*[\"'\[{\d]")
_OF_CALLS = re.compile(
    r"\b(?:api|function|tool)[ -]calls?\b"
    r"|\b(?:call|invoke|execute)(?:s|ing)? (?:the |an? |this )?(?:\w+ )?(?:api|function|tool)\b"
    r"|\bthe (?:given|offered|provided|following) (?:api|function|tool)s?\b|\bjson\b.{0,20}\bcalls?\b"
)
_BELOW_ZERO = frozenset(stems("minus negative below west south w s loss debit"))
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

    A sample without calls (irrelevance) passes.

    Codes, in the order in which they are given:
        ``not_a_record``: query or answers are no text or no list of calls: ``{"query": null}``.
        ``leaked_call``: the query speaks of the call instead of the wish: "Call the convert_units function with 3 km".
        ``value_not_in_query``: an argument that the query does not say: "How warm is it?" with ``{"city": "Oslo"}``.
        ``number_not_in_calls``: "Add 2 and 3, which is 5" with ``{"a": 2, "b": 3}``.
        ``date_not_in_calls``: "Sunrise in Oslo on 3 May 2024" with ``{"city": "Oslo"}``.
        ``quote_not_in_calls``: "Is 'level' like 'radar'?" with ``{"word": "level"}``.
    """

    name: ClassVar[str] = "grounding"
    codes: ClassVar[tuple[str, ...]] = (
        "not_a_record",
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
        findings = [_judge(query, answers, tools) for query, answers, tools in rows]
        statuses = [str(Status.REJECTED if code else Status.PASSED) for code, _ in findings]
        return with_verdict(table, self.name, statuses, [code for code, _ in findings], [text for _, text in findings])


def _judge(query: str | None, answers: str | None, tools: str | None) -> tuple[str, str]:
    """Code and detail of one row; ("", "") where it passes."""
    try:
        calls = json.loads(answers or "null")
        if isinstance(query, str) and isinstance(calls, list) and all(map(_is_call, calls)):
            return ground(query, calls, _offered(tools or "[]")) if calls else ("", "")
    except (ValueError, RecursionError) as error:  # only where the format check was not asked for
        return "not_a_record", f"answers cannot be read: {error}"[:300]
    return "not_a_record", "query is no text, or answers are no list of calls"


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
    matcher = _Matcher(reading)
    for call in calls:
        schema = tools.get(call["name"]) or {}
        for name, value in call["arguments"].items():
            matcher.look_for(value, _property(schema, name), name, name in _required(schema))
    leak = _leak(reading, tools, matcher)
    findings: Iterator[tuple[str, list[str]]] = iter(
        (
            ("leaked_call", [leak] if leak else []),
            ("value_not_in_query", matcher.missing),
            ("number_not_in_calls", _loose_numbers(reading, matcher, tools, len(calls))),
            ("date_not_in_calls", _loose_dates(reading, matcher)),
            ("quote_not_in_calls", _loose_quotes(reading, matcher, tools)),
        )
    )
    return next(((code, ", ".join(found[:_SHOWN])[:300]) for code, found in findings if found), ("", ""))


def _is_call(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("name"), str) and isinstance(item.get("arguments"), dict)


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


def _property(schema: Any, name: str) -> Json:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    form = properties.get(name) if isinstance(properties, dict) else None
    return form if isinstance(form, dict) else {}


def _required(schema: Json) -> Sequence[Any]:
    required = schema.get("required")
    return required if isinstance(required, list) else ()


def _as_float(value: float) -> float:
    """The number as a float; JSON knows integers that are larger than any."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


class _Matcher:
    """Looks for argument values in a query and keeps what it found, for the way back."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.missing: list[str] = []  # "name=value" of what was not found
        self.claimed: dict[Span, float] = {}  # places of numbers, and the number that each was taken for
        self.covered: list[Span] = []  # places of texts
        self.numbers: set[float] = set()  # every number in the calls, those within texts and dates too
        self.times: set[int] = set()
        self.texts: list[str] = []  # every text in the calls, folded
        self.counts: set[int] = set()  # lengths of lists

    def look_for(self, value: Any, schema: Json, name: str, required: bool) -> None:
        """Looks for a value; what is not found goes to ``missing``."""
        free = value is None or ("default" in schema and _same(value, schema["default"]))
        free = free or "const" in schema or (isinstance(schema.get("enum"), list) and len(schema["enum"]) == 1)
        if isinstance(value, dict):
            inner = _required(schema)
            if free:
                self._note(value)
            else:
                for key, item in value.items():
                    self.look_for(item, _property(schema, key), key, key in inner)
        elif isinstance(value, list):
            self.counts.add(len(value))
            if free:
                self._note(value)
            else:
                items = schema.get("items")
                for item in value:
                    self.look_for(item, items if isinstance(items, dict) else {}, name, True)
        else:
            self._note(value)
            found = free or self._found(value, name, required)
            if not found:
                self.missing.append(f"{name}={json.dumps(value, ensure_ascii=False)}")

    def _found(self, value: Any, name: str, required: bool) -> bool:
        if isinstance(value, bool):
            return self._flag(value, name, required)
        if isinstance(value, int | float):
            return self._number(_as_float(value))
        return self._text(value)

    def _note(self, value: Any) -> None:
        """Keeps what the value holds, so that the query may say it."""
        if isinstance(value, dict):
            for item in value.values():
                self._note(item)
        elif isinstance(value, list):
            for item in value:
                self._note(item)
        elif isinstance(value, str):
            self.texts.append(folded(value))
            numbers, times = _figures_of(value)
            self.numbers |= numbers
            self.times |= times
        elif isinstance(value, int | float) and not isinstance(value, bool):
            self.numbers.add(number_key(_as_float(value)))

    def _number(self, value: float) -> bool:
        """Finds a number at a place that was not taken for another one."""
        reading = self.reading
        value = number_key(value)
        places = reading.numbers.get(value, ())
        if not places and value < 0 and not reading.word_set.isdisjoint(_BELOW_ZERO):
            places = reading.numbers.get(-value, ())
        for span in places:
            if self.claimed.get(span, value) == value:
                self.claimed[span] = value
                return True
        return False

    def _flag(self, value: bool, name: str, required: bool) -> bool:
        """Reads a truth value by the words of its parameter's name."""
        words = self.reading.words
        wanted = [word for word in _name_stems(name) if word not in FLAG_FILLERS] or _name_stems(name)
        places = [place for place, word in enumerate(words) if any(_alike(word, each) for each in wanted)]
        denied = any(not NEGATIONS.isdisjoint(words[max(0, place - 3) : place]) for place in places)
        if value:
            return bool(places) and not denied
        return denied or (required and not places)

    def _text(self, value: str) -> bool:
        reading = self.reading
        low = folded(value)
        if not low:
            return True
        if low in WEAK:
            return reading.marked(low) or self._words(value, low)
        start = reading.text.find(low)
        while start >= 0:
            end = start + len(low)
            if _apart(reading.text, start, end):
                self.covered.append((start, end))
                return True
            start = reading.text.find(low, start + 1)
        if low[0].isdigit() or low[0] == "-":
            if (match := _DATE_VALUE.match(low)) is not None:
                return self._date(match)
            if (match := _TIME_VALUE.match(low)) is not None:
                minutes = int(match[1]) * 60 + int(match[2])
                return any(minutes in each for _, each in reading.times) or self._hour(minutes)
            try:
                return self._number(float(low))
            except ValueError:
                pass
        return self._words(value, low)

    def _hour(self, minutes: int) -> bool:
        """A full hour that the query names without a sign of time: "7 in the evening"."""
        hour, rest = divmod(minutes, 60)
        evening = not self.reading.word_set.isdisjoint(("even", "afternoon", "night", "tonight", "pm"))
        hours = {float(hour), float(hour - 12)} if evening and hour > 12 else {float(hour)}
        return rest == 0 and any(each in self.reading.numbers for each in hours)

    def _date(self, match: re.Match[str]) -> bool:
        """A date that the query gives whole, or with the year elsewhere; a month for its first or last day."""
        reading = self.reading
        year, month, day = int(match[1]), int(match[2]), int(match[3])
        if match[4] and (minutes := int(match[4]) * 60 + int(match[5])):
            if not any(minutes in each for _, each in reading.times) and not self._hour(minutes):
                return False
        for span, dates in reading.dates:
            for y, m, d in dates:
                if m == month and (d == day or (d is None and day in (1, 28, 29, 30, 31))):
                    if y == year or (y is None and float(year) in reading.numbers):
                        self.covered.append(span)
                        return True
        edge = (month, day) in ((1, 1), (12, 31))
        return edge and float(year) in reading.numbers

    def _words(self, value: str, low: str) -> bool:
        reading = self.reading
        split = " ".join(_CAMEL.sub(" ", value).split()) if " " not in value and not value.islower() else value
        words = stems(folded(split))
        if not words:
            return any(other in reading.text for other in COMPARISONS.get(low, ()))
        phrase = " ".join(words)
        if (phrase not in WEAK and f" {phrase} " in reading.padded) or self._otherwise(phrase):
            return True
        squeezed = "".join(char for char in low if char.isalnum())
        if len(squeezed) >= 5 and squeezed in reading.squeezed:
            return True
        if len(words) > _IN_ANY_ORDER:
            rest = iter(reading.words)
            return all(word in rest for word in words if word not in FILLERS)
        return all(self._word(word) for word in words if len(words) == 1 or (word not in FILLERS and word not in WEAK))

    def _otherwise(self, phrase: str) -> bool:
        """Whether other words for it are there."""
        reading = self.reading
        if any(other in reading.padded for other in SYNONYMS.get(phrase, ())):
            return True
        return any(reading.marked(other) for other in SHORT.get(phrase, ()))

    def _word(self, word: str) -> bool:
        reading = self.reading
        if (word in reading.word_set and word not in WEAK) or self._otherwise(word):
            return True
        return word[0].isdigit() and word.isdecimal() and float(word) in reading.numbers


@lru_cache(maxsize=16384)
def _figures_of(value: str) -> tuple[frozenset[float], frozenset[int]]:
    """Every number and time in an argument's text; texts such as cities and units come again and again."""
    inner = read(value.replace("_", " "))
    times = frozenset(minutes for _, each in inner.times for minutes in each)
    digits = (float(each) for each in re.findall(r"\d+", inner.text) if len(each) < 300)
    clock = (float(minutes // 60 % 12) for minutes in times)  # "at 8 in the evening"
    return frozenset((*inner.numbers, *digits, *clock)), times


@lru_cache(maxsize=16384)
def _name_stems(name: str) -> tuple[str, ...]:
    return tuple(stems(_CAMEL.sub(" ", name).replace("_", " ").lower()))


def _alike(word: str, other: str) -> bool:
    """Whether two stems are the same word, or one begins with the other: ``smok`` and ``smoker``."""
    return word == other or (min(len(word), len(other)) >= 4 and (word.startswith(other) or other.startswith(word)))


def _apart(text: str, start: int, end: int) -> bool:
    """Whether a place is no part of a longer word or number; in scripts without spaces every place is apart."""
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    first, last = text[start], text[end - 1]
    if not first.isascii() or not last.isascii():
        return True
    if last.isdigit() and after in ".," and end + 1 < len(text) and text[end + 1].isdigit():
        return False
    return not (before.isalnum() and first.isalnum()) and not (after.isalnum() and last.isalnum())


def _leak(reading: Reading, tools: Mapping[str, Json], matcher: _Matcher) -> str:
    """The words of the query that speak of a call, or ""."""
    text = reading.text
    for name, schema in tools.items():
        properties = schema.get("properties")
        for each in (name, *(properties if isinstance(properties, dict) else ())):
            if (
                "_" in each.strip("_")
                and (low := each.lower()) in text
                and not any(low in value for value in matcher.texts)
            ):
                return each
    for pattern in (_OF_CALLS, _BRACES):
        found = pattern.search(text)
        if found and not any(found.group() in value for value in matcher.texts):
            return str(found.group())
    return ""


def _loose_numbers(reading: Reading, matcher: _Matcher, tools: Mapping[str, Json], calls: int) -> list[str]:
    """The numbers of the query that are nowhere in the calls, and do not only count."""
    loose = []
    for span, values, kind in reading.figures:
        value = values[0]
        if any(each in matcher.numbers or -each in matcher.numbers for each in values):
            continue
        if (kind == "ordinal_word" and value <= 10) or (kind == "words" and value <= 2):
            continue
        if value == calls or value in matcher.counts or _inside(span, matcher):
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


def _inside(span: Span, matcher: _Matcher) -> bool:
    """Whether a place lies within one that an argument was found at, or around one that a number was found at."""
    first, last = span
    if any(first <= start and end <= last for start, end in matcher.claimed):
        return True
    return any(start <= first and last <= end for start, end in (*matcher.covered, *matcher.claimed))


def _loose_dates(reading: Reading, matcher: _Matcher) -> list[str]:
    """The dates and times of the query of which a part is nowhere in the calls."""
    loose = []
    months = {word for text in matcher.texts for word in stems(text)} if reading.dates else set()
    for span, dates in reading.dates:
        if _inside(span, matcher):
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
        if matcher.times.isdisjoint(times) and not _inside(span, matcher) and not (full and said & matcher.numbers):
            if not any(reading.text[slice(*span)] in text for text in matcher.texts):
                loose.append(span)
    return [reading.text[slice(*span)] for span in loose]


def _loose_quotes(reading: Reading, matcher: _Matcher, tools: Mapping[str, Json]) -> list[str]:
    """The quoted texts of the query that are in no argument."""
    loose = [(span, text) for span, text in reading.quotes if not _inside(span, matcher)]
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


def _known(word: str, words: set[str], listed: Sequence[str], matcher: _Matcher) -> bool:
    if word in words or word in FILLERS:
        return True
    if any(other.strip() in words for other in SYNONYMS.get(word, ())):
        return True
    return word[0].isdigit() and word.isdecimal() and float(word) in matcher.numbers
