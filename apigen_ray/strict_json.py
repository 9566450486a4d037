"""JSON as RFC 8259 means it: no NaN, no repeated key, no lone surrogate, no bottomless nesting; one error, one code."""

import json
import re
from collections.abc import Sequence
from typing import Any, NoReturn

MAX_DEPTH = 128
"""Containers inside each other that are still read: far above any record, well below every recursion limit
(Python's own, jsonschema-rs's 255)."""

_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPACE = re.compile(r"[ \t\n\r]*")


class JsonProblem(ValueError):
    """Why a text is not strict JSON.

    Attributes:
        code: ``not_json``, ``markdown_fenced``, ``non_finite_number``, ``duplicate_key`` or ``bad_unicode``.
        detail: for people, with the place where there is one; can always be written as UTF-8.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise JsonProblem("duplicate_key", f"key {json.dumps(twice[:60])} occurs twice in one object")
    return value


def _constant(name: str) -> NoReturn:
    raise JsonProblem("non_finite_number", f"{name} is not a JSON number")


def _float(digits: str) -> float:
    value = float(digits)
    if value - value != 0:  # only an infinity differs from itself; cheaper than math.isinf on this hot path
        raise JsonProblem("non_finite_number", f"{digits[:40]} is too large for a number")
    return value


# Built once: json.loads would build a decoder for every text.
_SCANNER = json.JSONDecoder()
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)


def loads(text: str) -> Any:
    """The value of a JSON text.

    The first fault decides: the fence, then what the reader meets from left to right (so a repeated key before a
    missing bracket is ``duplicate_key``), then depth, then surrogates.

    Args:
        text: one JSON value, white space around it allowed, nothing else (RFC 8259 section 2).

    Returns:
        The value, at most `MAX_DEPTH` containers deep; every string in it can be written as UTF-8 and every
        number is finite.

    Raises:
        JsonProblem: the text is no strict JSON; never anything else, whatever the text.
    """
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise _not_json(text, error) from None
    except RecursionError:
        raise _too_deep() from None
    except JsonProblem:
        raise
    except ValueError:  # int() refuses numbers of thousands of digits (CVE-2020-10735)
        raise JsonProblem("not_json", "an integer has too many digits") from None
    if text.count("[") + text.count("{") > MAX_DEPTH and _deeper(value, MAX_DEPTH):
        raise _too_deep()
    if not text.isascii() and _SURROGATE.search(text):
        raise JsonProblem("bad_unicode", "the text holds a lone surrogate: it cannot be written as UTF-8")
    if "\\" in text and _SURROGATE_ESCAPE.search(text) and _lone_surrogate(value):
        raise JsonProblem("bad_unicode", "an escape of a string is a lone surrogate: it cannot be written as UTF-8")
    return value


def items(text: str) -> list[str] | None:
    """The texts of the items of a JSON list, or None where the text is no list: `loads` then says why.

    For lists whose items come again and again: an item's text is the key of a cache, and only on a miss is it read,
    with `loads`. Several times as fast as reading the list and writing its items anew; what is inside an item is not
    judged.
    """
    found = items_at(text, skip_space(text, 0))
    return found[0] if found is not None and skip_space(text, found[1]) == len(text) else None


def items_at(text: str, position: int) -> tuple[list[str], int] | None:
    """As `items`, for a list that begins at ``position`` of a longer text; with the position after it."""
    if text[position : position + 1] != "[":
        return None
    found: list[str] = []
    position = skip_space(text, position + 1)
    if text[position : position + 1] == "]":
        return found, position + 1
    try:
        while True:
            end = _item_end(text, position)
            found.append(text[position:end])
            position = end if text[end : end + 1] in (",", "]") else skip_space(text, end)
            mark = text[position : position + 1]
            if mark == "]":
                return found, position + 1
            if mark != ",":
                return None
            position = skip_space(text, position + 1)
    except (ValueError, RecursionError):
        return None


_HEAD = 96
_known: dict[str, list[str]] = {}
"""Texts of objects that have been met as items, by their first `_HEAD` characters."""


def _item_end(text: str, position: int) -> int:
    """Where the value at a position ends.

    An object ends where its own brace closes it: if the text goes on with one that was read before, that is the value.
    """
    head = text[position : position + _HEAD]
    for known in _known.get(head, ()):
        if text.startswith(known, position):
            return position + len(known)
    end: int = _SCANNER.raw_decode(text, position)[1]
    if head.startswith("{"):
        if len(_known) >= 8192:
            _known.clear()
        alike = _known.setdefault(head, [])
        del alike[:-7]  # where many begin alike, a few of them will do
        alike.append(text[position:end])
    return end


def skip_space(text: str, position: int) -> int:
    """The position after the JSON white space that begins at ``position``."""
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _not_json(text: str, error: json.JSONDecodeError) -> JsonProblem:
    head = text.lstrip()
    if head.startswith(("```", "~~~")):
        return JsonProblem("markdown_fenced", "the text is inside a Markdown code fence")
    if not head:
        return JsonProblem("not_json", "the text is empty")
    near = _SURROGATE.sub("\ufffd", text[error.pos : error.pos + 40])
    found = json.dumps(near, ensure_ascii=False) if near else "the end of the text"
    return JsonProblem("not_json", f"{error.msg} at line {error.lineno} column {error.colno}, found {found}")


def _too_deep() -> JsonProblem:
    return JsonProblem("not_json", f"nested more than {MAX_DEPTH} deep")


def _deeper(value: Any, limit: int) -> bool:
    """Whether more than ``limit`` containers are inside each other; level by level, so that no stack is used."""
    level = [value]
    for _ in range(limit + 1):
        containers = [item for item in level if isinstance(item, dict | list)]
        if not containers:
            return False
        level = [child for item in containers for child in (item.values() if isinstance(item, dict) else item)]
    return True


def _lone_surrogate(value: Any) -> bool:
    return _SURROGATE.search(json.dumps(value, ensure_ascii=False)) is not None
