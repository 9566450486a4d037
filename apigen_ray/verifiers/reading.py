"""A request as it is read: its words, and every number, date, time of day and quoted text in it."""

import math
import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from apigen_ray.verifiers.places import Span
from apigen_ray.verifiers.vocabulary import CARDINALS, MONTHS, ORDINALS, SCALES, SINGLE, stem

Date = tuple[int | None, int | None, int | None]  # year, month, day

_PLAIN = str.maketrans(
    "\u2019\u2018\u00b4\u201c\u201d\u201e\u00ab\u00bb\u2013\u2014\u2212\u00a0\u202f", '\'\'\'"""""---  '
)
_CONTRACTED = re.compile(r"(?<=[a-z])'(?:s|m|d|t|ll|re|ve)\b", re.IGNORECASE)
_CAPITALS = re.compile(r"\b(?:[A-Z]{2,3}|[B-HJ-Z])\b|(?<=[a-z0-9,:] )A\b|(?<=[(\[,/])A\b")
_AFTER_NUMBER = re.compile(r"\d[\s-]?(?:\u00b0\s?)?([a-z]{1,2})\b")
_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+|[$\u20ac\u00a3\u00a5\u20b9%\u00b0+]")
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_DIGITS = re.compile(
    r"(?<![^\W_])(?<!\d\.)(?P<sign>(?<![\w)%-])-\s?(?=[\d.$]))?\$?"
    r"(?P<number>(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)"
    r"(?:(?P<ordinal>st|nd|rd|th)\b|\s?(?P<percent>%|percent\b|per cent\b)|(?P<letter>[kmb]|bn)\b(?!/)"
    r"|[\s-]?(?P<scale>hundred|thousand|million|billion|trillion|dozen)\b)?(?P<half>\s(?:and )?a half\b)?"
)
_RATIO = re.compile(r"(?<![\d/.])(\d+)\s?/\s?(\d+)(?![\d/])")
_SCIENTIFIC = re.compile(
    r"(?<![\w.])(-?\d+(?:\.\d+)?)(?:e([+-]?\d{1,3})\b|\s?[x*]\s?10\s?\^?\s?(?:\*\*)?\s?\(?(-?\d{1,3})\)?)"
)
_COMMA = re.compile(r"(?<![\d,.])(\d+),(\d{1,2})(?![\d,])|(?<![\d,.])(\d{1,3}(?:\.\d{3})+)(?![\d.])")
_NUMBER_WORDS = "|".join(sorted({*CARDINALS, *ORDINALS, *SCALES}, key=len, reverse=True))
_RUN = re.compile(
    rf"\b(?:{_NUMBER_WORDS})(?:(?:[\s-]+(?:and\s)?)(?:{_NUMBER_WORDS}|point)\b)*\b(?:\s(?:and )a half\b)?"
)
_SINGLE = re.compile(rf"\b(?:{'|'.join(SINGLE)})s?\b")
_DATES = re.compile(
    r"(?<![\d.,/-])(?:(?P<y1>\d{4})(?P<s1>[-/.])(?P<m1>\d{1,2})(?P=s1)(?P<d1>\d{1,2})(?!\d)"
    r"|(?P<a>\d{1,2})(?P<s2>[-/.])(?P<b>\d{1,2})(?P=s2)(?P<y2>\d{4}|\d{2})(?![\d.])"
    rf"|(?P<d3>\d{{1,2}})(?:st|nd|rd|th)?(?:\s+day)?[\s-]+(?:of\s+)?(?P<n3>{_MONTH})\b\.?(?:,?[\s-]+(?:of\s+)?(?P<y3>\d{{4}})\b)?)"
    rf"|\b(?P<n4>{_MONTH})\b\.?\s?(?:the\s)?(?P<d4>\d{{1,2}})(?:st|nd|rd|th)?\b(?!:|\.\d|%|,\d{{3}}\b)(?:,?\s?(?:of\s)?(?P<y4>\d{{4}})\b)?"
    rf"|\b(?P<n5>{_MONTH})\b\.?,?\s+(?:of\s+)?(?P<y5>\d{{4}})\b"
    r"|(?<![\d-])(?P<y6>(?:19|20)\d\d)-(?P<m6>0[1-9]|1[0-2])(?![\d-])"
)
_DATE_LIKE = re.compile(r"\d[-/.]\d{1,2}(?!\d)")
_TIMES = re.compile(
    r"(?<![\d:.])(?P<h>[01]?\d|2[0-4]):(?P<m>[0-5]\d)(?::[0-5]\d)?(?!:?\d)(?:\s?(?P<half>[ap])\.?m\b)?"
    r"|(?<![\d:.])(?P<h2>1[0-2]|0?[1-9])\s?(?P<half2>[ap])\.?m\b"
    r"|(?<![\d:.])(?P<h3>1[0-2]|[1-9])\s?o'?clock|\b(?P<word>noon|midday|midnight)\b"
)
_LATER = re.compile(r"\b(?:evening|afternoon|night|tonight|pm)\b")
_ANY_DIGIT = re.compile(r"\d")
_TIME_WORDS = frozenset("am pm clock noon midday midnight".split())
_SPELLED_WORDS = frozenset({*CARDINALS, *ORDINALS, *SCALES})
_SINGLE_WORDS = frozenset({*SINGLE, *(f"{word}s" for word in SINGLE)})
_HALF_DOZEN = re.compile(r"\bhalf a dozen\b")
_EXPONENT = re.compile(r"(?<=[a-z])\^\d+")
_QUOTED = re.compile(r"\"([^\"\n]+)\"|(?<![^\W_])'([^'\n](?:[^'\n]|'(?=\w)){0,400})'(?![^\W_])|`([^`\n]+)`")


@lru_cache(maxsize=65536)
def cached_stem(word: str) -> str:
    """`stem`, remembered: a corpus has few words."""
    return stem(word)


def plain(text: str) -> str:
    """The text without accents and typographic quotes or dashes; case kept."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.translate(_PLAIN))
        text = "".join(char for char in text if not unicodedata.combining(char))
    return text


def folded(text: str) -> str:
    """`plain` in lower case with single spaces and without the ends of contracted words: ``i'm`` is ``i``."""
    return _CONTRACTED.sub("", " ".join(plain(text).lower().split()))


def stems(text: str) -> list[str]:
    """The stems of a folded text's words; runs of letters, runs of digits and currency signs are words."""
    return [cached_stem(word) for word in _WORD.findall(text)]


class Figure(NamedTuple):
    """A number as it stands in the text.

    Attributes:
        span: from where to where.
        values: what it can mean: ``5 %`` is 5 or 0.05, ``5k`` is 5000 or 5.
        kind: ``digits``, ``words``, ``ordinal`` (3rd) or ``ordinal_word`` (third).
    """

    span: Span
    values: tuple[float, ...]
    kind: str = "digits"


@dataclass
class Reading:
    """What is in a text.

    Attributes:
        text: `folded`.
        cased: `plain` with single spaces: as ``text``, but in its own case.
        words: its stems, in order.
        padded: its stems with one space between and around them.
        figures: its numbers that belong to no date or time.
        numbers: every number that can be read in it, those of dates and times too, and where; the surest place first.
        dates: its dates: place and possible meanings.
        times: its times of day: place and possible minutes since midnight.
        quotes: its quoted texts: place and content.
    """

    text: str
    cased: str
    words: list[str]
    figures: list[Figure] = field(default_factory=list)
    numbers: dict[float, list[Span]] = field(default_factory=dict)
    dates: list[tuple[Span, tuple[Date, ...]]] = field(default_factory=list)
    times: list[tuple[Span, tuple[int, ...]]] = field(default_factory=list)
    quotes: list[tuple[Span, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.padded = f" {' '.join(self.words)} "
        self.word_set = frozenset(self.words)
        self._joined: frozenset[str] | None = None
        self._marked: frozenset[str] | None = None

    def marked(self, word: str) -> bool:
        """Whether a short word stands in capitals, after a number or in quotes, and so is meant as a value."""
        if self._marked is None:
            quoted = (content for _, content in self.quotes)
            capitals = (each.lower() for each in _CAPITALS.findall(self.cased))
            self._marked = frozenset((*capitals, *_AFTER_NUMBER.findall(self.text), *quoted))
        return word in self._marked

    @property
    def joined(self) -> frozenset[str]:
        """Each word, and each two and three together as one: ``wi-fi`` as ``wifi``; made when first asked for."""
        if self._joined is None:
            words = self.words
            pairs = map("".join, pairwise(words))
            threes = map("".join, zip(words, words[1:], words[2:], strict=False))
            self._joined = frozenset((*words, *pairs, *threes))
        return self._joined


def read(text: str) -> Reading:
    """Reads a text; takes some 50 microseconds for a usual request."""
    cased = _CONTRACTED.sub("", " ".join(plain(text).split()))
    low = cased.lower()
    if len(low) != len(cased):
        cased = low  # a letter whose lower case is longer: places would not agree
    raw = _WORD.findall(low)
    reading = Reading(low, cased, [cached_stem(word) for word in raw])
    words = frozenset(raw)
    months = words & MONTHS.keys()
    taken = bytearray(len(low))  # 1 where a letter belongs to what has been read
    if ":" in low or ".m" in low or not words.isdisjoint(_TIME_WORDS):
        _read_times(reading, low, taken)
    if _ANY_DIGIT.search(low):
        if months or _DATE_LIKE.search(low):
            _read_dates(reading, low, taken)
        if "^" in low:
            for match in _EXPONENT.finditer(low):  # the 3 of m^3
                _take(taken, match.span())
        _read_digits(reading, low, taken)
    if not words.isdisjoint(_SPELLED_WORDS) or not words.isdisjoint(_SINGLE_WORDS):
        _read_words(reading, low)
    for name in months:
        if found := re.search(rf"\b{name}\b", low):
            _add(reading, float(MONTHS[name]), found.span())
    if '"' in low or "'" in low or "`" in low:
        for match in _QUOTED.finditer(low):
            content = match[1] or match[2] or match[3]
            if len(content) < 0.7 * len(low):  # a request that is quoted as a whole quotes nothing
                reading.quotes.append((match.span(), content.strip()))
    return reading


def number_key(value: float) -> float:
    """The number with the noise of its last binary digits taken away, so that 0.07 and 7 / 100 are one."""
    return float(f"{value:.12g}")


def _add(reading: Reading, value: float, span: Span) -> None:
    reading.numbers.setdefault(number_key(value), []).append(span)


def _take(taken: bytearray, span: Span) -> None:
    start, end = span
    taken[start:end] = b"\1" * (end - start)


def _read_times(reading: Reading, low: str, taken: bytearray) -> None:
    later = _LATER.search(low) is not None
    for match in _TIMES.finditer(low):
        word = match["word"]
        if word:
            minutes: tuple[int, ...] = (0,) if word == "midnight" else (720,)
        else:
            hours: tuple[int, ...]
            hour, minute = int(match["h"] or match["h2"] or match["h3"]), int(match["m"] or 0)
            half = match["half"] or match["half2"]
            if half:
                hours = (hour % 12 + (12 if half == "p" else 0) if hour <= 12 else hour,)
            else:
                hours = (hour, hour + 12) if hour < 12 and (match["h3"] or later) else (hour,)
            minutes = tuple(each * 60 + minute for each in hours)
            for value in {hour, *hours}:
                _add(reading, float(value), match.span())
            if match["m"]:
                _add(reading, float(minute), (match.end("m") - 2, match.end("m")))
            _take(taken, match.span())
        reading.times.append((match.span(), minutes))


def _read_dates(reading: Reading, low: str, taken: bytearray) -> None:
    for match in _DATES.finditer(low):
        if any(taken[match.start() : match.end()]):
            continue
        group = match.groupdict()
        if group["a"]:
            year = int(group["y2"]) + (2000 if len(group["y2"]) == 2 else 0)
            pairs = {(int(group["a"]), int(group["b"])), (int(group["b"]), int(group["a"]))}
            dates: tuple[Date, ...] = tuple((year, m, d) for m, d in pairs if 1 <= m <= 12 and 1 <= d <= 31)
        else:
            year_text = group["y1"] or group["y3"] or group["y4"] or group["y5"] or group["y6"]
            name = group["n3"] or group["n4"] or group["n5"]
            month = MONTHS[name] if name else int(group["m1"] or group["m6"])
            day_text = group["d1"] or group["d3"] or group["d4"]
            day = int(day_text) if day_text else None
            dates = ((int(year_text) if year_text else None, month, day),)
            if not 1 <= month <= 12 or (day is not None and not 1 <= day <= 31):
                dates = ()
        if not dates:
            continue
        _take(taken, match.span())
        reading.dates.append((match.span(), dates))
        for key in ("y1", "y2", "y3", "y4", "y5", "y6", "m1", "m6", "d1", "d3", "d4", "a", "b"):
            if group[key]:
                _add(reading, float(group[key]), match.span(key))


def _read_digits(reading: Reading, low: str, taken: bytearray) -> None:
    unsure: list[tuple[float, Span]] = []
    for match in _SCIENTIFIC.finditer(low) if "10" in low or "e" in low else ():
        exponent = int(match[2] or match[3])
        value = float(f"{match[1]}e{exponent}")
        _take(taken, match.span())
        reading.figures.append(Figure(match.span(), (value,)))
        _add(reading, value, match.span())
    for match in _DIGITS.finditer(low):
        start, end = match.span()
        if taken[match.start("number")]:
            continue
        number = float(match["number"].replace(",", ""))
        if "," in match["number"] and "$" not in match.group():  # or else it is a list without spaces
            place = match.start("number")
            for part in match["number"].split(","):
                unsure.append((float(part), (place, place + len(part))))
                place += len(part) + 1
        if match["half"]:
            number += 0.5
        values: tuple[float, ...] = (number,)
        if match["scale"]:
            values = (number * SCALES[match["scale"]],)
        elif match["percent"]:
            values = (number, number / 100)
        elif match["letter"]:
            values = (number * {"k": 1e3, "m": 1e6}.get(match["letter"], 1e9), number)
        if match["sign"]:
            values = tuple(-value for value in values)
        elif low[max(0, start - 9) : start].endswith(("minus ", "negative ")):
            values = tuple(-value for value in values)
        values = tuple(number_key(value) for value in values)
        reading.figures.append(Figure((start, end), values, "ordinal" if match["ordinal"] else "digits"))
        if len(values) == 1:
            _add(reading, values[0], (start, end))
        else:
            unsure += [(value, (start, end)) for value in values]
    for match in _RATIO.finditer(low):
        if float(match[2]):
            unsure.append((float(match[1]) / float(match[2]), match.span()))
    for match in _COMMA.finditer(low):
        text = match[3].replace(".", "") if match[3] else f"{match[1]}.{match[2]}"
        unsure.append((float(text), match.span()))
    for value, span in unsure:  # after the sure ones, so that these are used up first
        _add(reading, value, span)


def _read_words(reading: Reading, low: str) -> None:
    digits = bytearray(len(low))
    for figure in reading.figures:
        _take(digits, figure.span)
    for match in _HALF_DOZEN.finditer(low):
        reading.figures.append(Figure(match.span(), (6.0,), "words"))
        _add(reading, 6.0, match.span())
        _take(digits, match.span())
    for match in _RUN.finditer(low):
        for value, start, end, ordinal in _spelled(match.group(), match.start()):
            if digits[start]:
                continue  # the million of 2.5 million
            after = low[end : end + 9].lstrip(" -")
            values: tuple[float, ...] = (value, value / 100) if after.startswith(("percent", "per cent")) else (value,)
            if low[max(0, start - 9) : start].endswith(("minus ", "negative ")):
                values = tuple(-each for each in values)
            if value == 2 and low[start:end] == "second" and not low[max(0, start - 4) : start] == "the ":
                continue  # rather the unit of time
            reading.figures.append(
                Figure((start, end), tuple(number_key(each) for each in values), "ordinal_word" if ordinal else "words")
            )
            for each in values:
                _add(reading, each, (start, end))
            if ordinal and value > 1:
                _add(reading, 1 / value, (start, end))  # a third
    for match in _SINGLE.finditer(low):
        word = match.group()
        before = low[max(0, match.start() - 6) : match.start()]
        for value in SINGLE.get(word) or SINGLE[word.removesuffix("s")]:
            _add(reading, 0.75 if value == 0.25 and before.endswith("three ") else value, match.span())


def _spelled(run: str, offset: int) -> list[tuple[float, int, int, bool]]:
    """The numbers in a run of number words: value, start, end, whether it is an ordinal."""
    out: list[tuple[float, int, int, bool]] = []
    total = current = 0.0
    last = ""  # kind of the word before: unit, ten, scale, big
    start = end = -1
    decimals: list[str] | None = None
    joined = False  # an "and" before this word

    def flush(ordinal: bool = False) -> None:
        nonlocal total, current, last, start, decimals
        if start >= 0:
            value = total + current
            if decimals and math.isfinite(value):
                value = float(f"{value:.0f}." + "".join(decimals))
            out.append((value, offset + start, offset + end, ordinal))
        total, current, last, start, decimals = 0.0, 0.0, "", -1, None

    for match in re.finditer(r"[a-z]+", run):
        word = match.group()
        if word == "and":
            joined = True
            continue
        if word == "point":
            decimals = []
        elif word in CARDINALS and decimals is not None and CARDINALS[word] < 10:
            decimals.append(str(CARDINALS[word]))
            end = match.end()
        elif word in CARDINALS or word in ORDINALS:
            value = CARDINALS[word] if word in CARDINALS else ORDINALS[word]
            fits = last in ("scale", "big") or (last == "ten" and value < 10 and not joined)
            if start >= 0 and not fits:
                flush()
            current += value
            start = match.start() if start < 0 else start
            end = match.end()
            last = "ten" if value in range(20, 100, 10) else "unit"
            if word in ORDINALS:
                flush(ordinal=True)
        elif word in SCALES:
            scale = SCALES[word]
            start = match.start() if start < 0 else start
            end = match.end()
            if scale < 1000:
                current = (current or 1.0) * scale  # of a float comes no more than inf
                last = "scale"
            else:
                total += (current or (0.0 if total else 1.0)) * scale
                current, last = 0.0, "big"
        elif word in ("half", "a") and start >= 0:
            if word == "half":
                current += 0.5
                end = match.end()
        joined = False
    flush()
    return out
