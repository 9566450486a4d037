"""Value lexicons: YAML files that say what real values of a parameter look like."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apigen_ray.errors import RecordError
from apigen_ray.records import content_hash
from apigen_ray.sections import read_sections

OUR_LEXICONS = Path(__file__).parents[1] / "library" / "lexicons"
"""The folder of our own lexicons."""

_FORM = "write {values: [...]}, {range: [low, high], step: s} or {items: {...}, count: [low, high]}"


@dataclass(frozen=True)
class Lexicon:
    """What is known of a parameter's values; exactly one of ``values``, ``range`` and ``items`` is set.

    Attributes:
        where: file and key, for messages.
        values: the values.
        range: lowest and highest number.
        step: distance between two numbers of the range.
        items: lexicon of the items of a list.
        count: fewest and most items.
    """

    where: str
    values: tuple[Any, ...] | None = None
    range: tuple[float, float] | None = None
    step: float = 1
    items: "Lexicon | None" = None
    count: tuple[int, int] = (2, 4)


Lexicons = Mapping[str, Lexicon]
"""Lexicons by ``function.parameter`` or bare ``parameter``; nested parameters are ``function.outer.inner``."""


def lexicon_files(folder: Path = OUR_LEXICONS) -> list[Path]:
    """The YAML files of a folder in the order of their names."""
    return sorted(folder.glob("*.yaml"))


def load_lexicons(paths: Sequence[Path]) -> dict[str, Lexicon]:
    """The lexicons of the files; the same key in a later file wins.

    Args:
        paths: YAML files, ours first, then the user's.

    Raises:
        ConfigError: a file cannot be read.
        RecordError: an entry is not of the form; the message has file and key.
    """
    out: dict[str, Lexicon] = {}
    for path in paths:
        content = read_sections(path, f"give a YAML file in UTF-8: for each parameter {_FORM}")
        out.update((str(key), _lexicon(entry, f"lexicon {path}: {key}")) for key, entry in content.items())
    return out


def lexicons_digest(lexicons: Lexicons) -> str:
    """Content hash of what the lexicons say, for the run's fingerprint; where the files lie does not count."""
    return content_hash("lexicons", *(part for key in sorted(lexicons) for part in (key, _content(lexicons[key]))))


def _content(lexicon: Lexicon) -> str:
    inner = _content(lexicon.items) if lexicon.items else ""
    return repr((lexicon.values, lexicon.range, lexicon.step, lexicon.count, inner))


def _lexicon(entry: Any, where: str) -> Lexicon:
    if isinstance(entry, Mapping):
        keys = set(entry)
        if keys == {"values"} and isinstance(entry["values"], list) and entry["values"]:
            return Lexicon(where, values=tuple(_plain(value, where) for value in entry["values"]))
        if "range" in keys and keys <= {"range", "step"} and _two_numbers(entry["range"]):
            step = entry.get("step", 1)
            if _number(step) and step > 0:
                return Lexicon(where, range=(entry["range"][0], entry["range"][1]), step=step)
        if "items" in keys and keys <= {"items", "count"} and _two_numbers(entry.get("count", [2, 4])):
            low, high = entry.get("count", [2, 4])
            if isinstance(low, int) and isinstance(high, int) and low >= 0:
                return Lexicon(where, items=_lexicon(entry["items"], where), count=(low, high))
    raise RecordError(f"{where}: is not a lexicon", _FORM)


def _plain(value: Any, where: str) -> Any:
    """The value as JSON has it: YAML turns an unquoted date into an object."""
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    if isinstance(value, list):
        return [_plain(item, where) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _plain(item, where) for key, item in value.items()}
    raise RecordError(f"{where}: {value!r} is not JSON", "put quotes around dates and times")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _two_numbers(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_number, value)) and value[0] <= value[1]
