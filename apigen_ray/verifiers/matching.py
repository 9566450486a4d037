"""Looks for the values of calls in a request: what grounding needs on the way there, and keeps for the way back."""

import json
import math
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from apigen_ray.records import Json
from apigen_ray.verifiers.places import Span
from apigen_ray.verifiers.reading import Reading, folded, number_key, read, stems
from apigen_ray.verifiers.vocabulary import (
    COMPARISONS,
    FILLERS,
    FLAG_FILLERS,
    LATER_NEGATIONS,
    NEGATIONS,
    SHORT,
    SYNONYMS,
    WEAK,
)

_IN_ANY_ORDER = 6  # texts of more words than this are looked for in their order
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ZONE = r"(?:z|[+-]\d\d:?\d\d)?"
_DATE_VALUE = re.compile(rf"(\d{{4}})-(\d\d)-(\d\d)(?:[t ](\d\d):(\d\d)(?::\d\d)?(?:\.\d+)?{_ZONE})?$")
_TIME_VALUE = re.compile(r"(\d{1,2}):(\d\d)(?::\d\d)?(?:z|[+-]\d\d:?\d\d)?$")
_BELOW_ZERO = frozenset(stems("minus negative below west south w s loss debit"))


class Matcher:
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
            inner = required_names(schema)
            if free:
                self._note(value)
            else:
                for key, item in value.items():
                    self.look_for(item, property_schema(schema, key), key, key in inner)
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
        denied = any(
            not NEGATIONS.isdisjoint(words[max(0, place - 3) : place])
            or not LATER_NEGATIONS.isdisjoint(words[place + 1 : place + 3])
            for place in places
        )
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
        if len(phrase) > 3 and "".join(words) in reading.joined:
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
        if word[0].isdigit():
            return word.isdecimal() and float(word) in reading.numbers
        return len(word) >= 5 and any(_alike(word, each) for each in reading.words if len(each) >= 5)


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


def property_schema(schema: Any, name: str) -> Json:
    """The schema of one property; empty where there is none, or where foreign tools have something else there."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    form = properties.get(name) if isinstance(properties, dict) else None
    return form if isinstance(form, dict) else {}


def required_names(schema: Json) -> Sequence[Any]:
    """The names of the required properties; empty where ``required`` is no list, as in older drafts."""
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
