"""How one value is written: the styles of OpenAPI 3 (Parameter Object, Style Values), which are those of RFC 6570."""

import math
from collections.abc import Callable
from typing import Any

from apigen_ray.library.request import FieldForm, is_json
from apigen_ray.records import dumps

Quote = Callable[[str], str]

_DELIMITERS = {"spaceDelimited": " ", "pipeDelimited": "|", "tabDelimited": "\t"}


def text(value: Any) -> str:
    """A value as plain text: truth values in JSON's words, whole numbers without a point, anything nested as JSON.

    Raises:
        ValueError: a number is not finite.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, float) and math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return str(int(value))  # 5.0 is an integer in JSON Schema, and none to most that parse a query
    return dumps(value)


def written(value: Any, content: str) -> str:
    """A value in a media type: JSON where this is one, else its plain text."""
    return dumps(value) if is_json(content) else text(value)


def pairs(field: FieldForm, value: Any, quote: Quote) -> list[tuple[str, str]]:
    """Names and values of a query, a cookie or a form; none for what RFC 6570 calls undefined: null, an empty list.

    What a style does not define (an object in a list, an object by ``pipeDelimited`` with ``explode``) is written as
    JSON or as by ``form``; ``deepObject`` goes on at any depth, a list in it as ``name[]``.

    Args:
        field: the parameter.
        value: of it.
        quote: writes names and values where they must not be taken for delimiters.
    """
    name = field.original
    if field.content:
        return [(quote(name), quote(written(value, field.content)))]
    if value is None or value in ([], {}):
        return [(quote(name), "")] if field.empty else []
    if field.style == "deepObject":
        return [(quote(key), quote(text(item))) for key, item in _deep(name, value)]
    between = quote(_DELIMITERS[field.style]) if field.style in _DELIMITERS else ","
    if isinstance(value, dict):
        members = [(quote(key), quote(text(item))) for key, item in value.items() if item is not None]
        return members if field.explode else [(quote(name), between.join(part for pair in members for part in pair))]
    if isinstance(value, list):
        items = [quote(text(item)) for item in value if item is not None]
        return [(quote(name), item) for item in items] if field.explode else [(quote(name), between.join(items))]
    return [(quote(name), quote(text(value)))]


def _deep(name: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [pair for key, item in value.items() for pair in _deep(f"{name}[{key}]", item)]
    if isinstance(value, list):
        nested = any(isinstance(item, dict | list) for item in value)
        return [pair for n, item in enumerate(value) for pair in _deep(f"{name}[{n if nested else ''}]", item)]
    return [] if value is None else [(name, value)]


def joined(field: FieldForm, value: Any, quote: Quote) -> str:
    """The one text of a value in a path or a header: ``simple``, ``label`` or ``matrix``, or Swagger's delimiters."""
    if field.content:
        return quote(written(value, field.content))
    named = field.style == "matrix"
    before = {"label": ".", "matrix": f";{quote(field.original)}="}.get(field.style, "")
    between = quote(_DELIMITERS[field.style]) if field.style in _DELIMITERS else ","
    if field.explode and field.style in ("label", "matrix"):
        between = "." if field.style == "label" else ";" if isinstance(value, dict) else before
    if isinstance(value, dict):
        members = [(quote(key), quote(text(item))) for key, item in value.items() if item is not None]
        if field.explode:
            return (";" if named else before) + between.join(f"{key}={item}" for key, item in members)
        return before + between.join(part for pair in members for part in pair)
    if isinstance(value, list):
        return before + between.join(quote(text(item)) for item in value if item is not None)
    one = quote(text(value))
    return before.removesuffix("=") if named and not one else before + one
