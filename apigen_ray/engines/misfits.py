"""Bad arguments on purpose: how one call's arguments break what the tool's parameter schema asks for."""

import random
from collections.abc import Callable
from typing import Any

from apigen_ray.records import Json

Change = Callable[[Json, Json, random.Random], Json | None]
"""Changes one call's arguments, given the tool's parameter schema; None where the fault does not fit."""


def _typed(arguments: Json, schema: Json, *types: str) -> list[str]:
    """Names of the arguments whose schema is just one of these types."""
    properties = schema.get("properties", {})
    return [
        name for name in arguments if isinstance(properties.get(name), dict) and properties[name].get("type") in types
    ]


_OTHER: dict[str, Any] = {
    "integer": "seven",
    "number": "much",
    "string": 42,
    "boolean": "sure",
    "array": "few",
    "object": [],
}


def wrong_type(arguments: Json, schema: Json, rng: random.Random) -> Json | None:
    """A value of another type than its parameter asks for."""
    names = [name for name in _typed(arguments, schema, *_OTHER) if "enum" not in schema["properties"][name]]
    if not names:
        return None
    name = rng.choice(names)
    return arguments | {name: _OTHER[schema["properties"][name]["type"]]}


def bool_for_number(arguments: Json, schema: Json, rng: random.Random) -> Json | None:
    """``true`` in the place of a number."""
    names = _typed(arguments, schema, "integer", "number")
    return arguments | {rng.choice(names): True} if names else None


def fraction_for_integer(arguments: Json, schema: Json, rng: random.Random) -> Json | None:
    """A fraction in the place of an integer."""
    names = [name for name in _typed(arguments, schema, "integer") if "enum" not in schema["properties"][name]]
    if not names:
        return None
    name = rng.choice(names)
    return arguments | {name: arguments[name] + 0.5}


def nested_wrong_type(arguments: Json, schema: Json, rng: random.Random) -> Json | None:
    """A value of another type within an object or a list."""
    for name in _typed(arguments, schema, "object"):
        inner = wrong_type(dict(arguments[name]), schema["properties"][name], rng)
        if inner is not None:
            return arguments | {name: inner}
    for name in _typed(arguments, schema, "array"):
        items = schema["properties"][name].get("items")
        if isinstance(items, dict) and items.get("type") in _OTHER and "enum" not in items and arguments[name]:
            return arguments | {name: [*arguments[name][1:], _OTHER[items["type"]]]}
    return None


def missing_required(arguments: Json, schema: Json, rng: random.Random) -> Json | None:
    """A required argument is left out."""
    names = [name for name in schema.get("required", ()) if name in arguments]
    return _less(arguments, rng.choice(names)) if names else None


def nested_missing_required(arguments: Json, schema: Json, rng: random.Random) -> Json | None:
    """A required key within an argument is left out."""
    for name in _typed(arguments, schema, "object"):
        inner = missing_required(arguments[name], schema["properties"][name], rng)
        if inner is not None:
            return arguments | {name: inner}
    return None


def unexpected_argument(arguments: Json, schema: Json, rng: random.Random) -> Json | None:
    """An argument that a closed schema does not have."""
    closed = schema.get("additionalProperties") is False
    return arguments | {"colour_of_the_moon": "pale"} if closed else None


def enum_violation(arguments: Json, schema: Json, rng: random.Random) -> Json | None:
    """A value that is none of those listed."""
    properties = schema.get("properties", {})
    names = [name for name in arguments if isinstance(properties.get(name), dict) and "enum" in properties[name]]
    names = [name for name in names if all(isinstance(value, str) for value in properties[name]["enum"])]
    return arguments | {rng.choice(names): "none of those"} if names else None


def range_violation(arguments: Json, schema: Json, rng: random.Random) -> Json | None:
    """A number beyond its bounds, or a date that is none."""
    for name in _typed(arguments, schema, "integer", "number"):
        bounds = schema["properties"][name]
        if "maximum" in bounds:
            return arguments | {name: bounds["maximum"] + 1}
        if "minimum" in bounds:
            return arguments | {name: bounds["minimum"] - 1}
    for name in _typed(arguments, schema, "string"):
        if schema["properties"][name].get("format") == "date":
            return arguments | {name: "the day after tomorrow"}
    return None


def _less(arguments: Json, name: str) -> Json:
    return {key: value for key, value in arguments.items() if key != name}
