"""What the asks share: templates cut and filled, calls in words, and the JSON Schemas that constrain replies."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import Template
from typing import Any

from apigen_ray.errors import RecordError
from apigen_ray.records import Json, Mode, dumps

Texts = Mapping[tuple[str, str, str], str]
"""Template texts by (mode, style, name)."""

CUT = "\n---\n"
"""The line between a template's instruction (the system message) and its turn (the user's message)."""


@dataclass(frozen=True)
class Prompt:
    """A template cut in two.

    Attributes:
        instruction: for the system message.
        turn: for the user's message.
    """

    instruction: Template
    turn: Template


def prompts(texts: Texts, mode: Mode, instruction: Iterable[str], turn: Iterable[str]) -> dict[tuple[str, str], Prompt]:
    """The templates of a mode, by (style, name).

    Args:
        texts: of all modes.
        mode: whose to take.
        instruction: the placeholders that an instruction may have.
        turn: the placeholders that a turn may have.

    Raises:
        RecordError: a template has no ``---`` line, or a placeholder that is not known.
    """
    known = (frozenset(instruction), frozenset(turn))
    return {
        (style, name): Prompt(*_halves(f"template {mode}/{style}/{name}.md", text, known))
        for (of_mode, style, name), text in texts.items()
        if of_mode == mode
    }


def _halves(where: str, text: str, known: tuple[frozenset[str], frozenset[str]]) -> list[Template]:
    parts = text.replace("\r\n", "\n").split(CUT)
    if len(parts) != 2:
        raise RecordError(f"{where}: needs exactly one line ---", "put it between the instruction and the turn")
    halves = [Template(part.strip()) for part in parts]
    for half, names in zip(halves, known, strict=True):
        if not half.is_valid():
            raise RecordError(f"{where}: a $ begins no placeholder", "write $$ for a dollar sign")
        if unknown := sorted(set(half.get_identifiers()) - names):
            mend = f"use {', '.join('$' + name for name in sorted(names)) or 'none'}; write $$ for a dollar sign"
            raise RecordError(f"{where}: unknown placeholder ${unknown[0]}", mend)
    return halves


# Units that parameters' names end in, as a person would write them.
_UNITS = {
    **{unit: unit for unit in ("km", "m", "cm", "mm", "kg", "g", "mg", "ml", "percent", "bpm", "mph", "calories")},
    **{unit: unit for unit in ("seconds", "minutes", "hours", "days", "weeks", "months", "years", "pixels", "watts")},
    **{"kmh": "km/h", "m2": "square meters", "mb": "MB", "gb": "GB", "mbps": "Mbps", "kbps": "kbps", "kwh": "kWh"},
    **{"celsius": "degrees Celsius", "fahrenheit": "degrees Fahrenheit", "usd": "dollars", "eur": "euros"},
    **{"liters": "liters", "degrees": "degrees", "miles": "miles", "feet": "feet", "inches": "inches"},
}


# First words of functions' names that say what to do; others name what comes out.
_VERBS = frozenset(
    "add assign build calculate check compare compute convert count create decode delete encode find format generate "
    "get list make parse predict remove replace schedule search send set settle shift solve sort spell split suggest "
    "summarize transpose update validate".split()
)


def words(name: str) -> str:
    """An identifier as words: ``fuel_cost`` becomes ``fuel cost``."""
    return " ".join(name.replace(".", " ").replace("_", " ").split())


def purpose(tool: Json) -> str:
    """The first sentence of a tool's description without its full stop; its name in words where it has none."""
    description = " ".join(str(tool.get("description") or "").split())
    first = description.partition(". ")[0].rstrip(".")
    return first or words(str(tool["name"]))


def facts(call: Json, tool: Json | None) -> str:
    """A call's arguments in words: ``distance 320 km and speed 80 km/h``; a unit stands behind its value."""
    said = [_fact(name, value) for name, value in told(call, tool)]
    return said[0] if len(said) == 1 else ", ".join(said[:-1]) + " and " + said[-1] if said else ""


def told(call: Json, tool: Json | None) -> list[tuple[str, Any]]:
    """The arguments that a person would say: those that are not their parameter's default."""
    properties: Json = (tool or {}).get("parameters", {}).get("properties") or {}
    return [(name, value) for name, value in call["arguments"].items() if not is_default(value, properties.get(name))]


def split_unit(name: str) -> tuple[str, str | None]:
    """A parameter's name in words, and the unit that it ends in: ``distance_km`` gives ``distance`` and ``km``."""
    head, _, last = name.rpartition("_")
    unit = _UNITS.get(last) if head else None
    return words(head if unit else name), unit


def _fact(name: str, value: Any) -> str:
    head, unit = split_unit(name)
    if unit and isinstance(value, int | float):
        return f"{head} {value_words(value)} {unit}"
    return f"{words(name)} {value_words(value)}"


def in_words(call: Json, tool: Json | None) -> str:
    """A call as the task of asking for it: ``Ask for the fuel cost with distance 320 km and price 1.8.``.

    A name that begins with a verb is something to do: ``Ask to convert length with length 6 and to unit feet.``.
    """
    name, values = words(call["name"]), facts(call, tool)
    what = f"to {name}" if verb(name) else f"whether it {name}" if name.startswith("is ") else f"for the {name}"
    return f"Ask {what}" + (f" with {values}." if values else ".")


def verb(name: str) -> str | None:
    """The verb that a function's name, in words, begins with; None where it names what comes out."""
    first, _, rest = name.partition(" ")
    return first if first in _VERBS and rest else None


def is_default(value: Any, schema: Any) -> bool:
    """Whether a value is what its parameter is anyway."""
    return isinstance(schema, dict) and "default" in schema and dumps(schema["default"]) == dumps(value)


def value_words(value: Any) -> str:
    """A value as it would stand in a sentence."""
    match value:
        case bool():
            return "yes" if value else "no"
        case float() if value.is_integer():
            return str(int(value))
        case str() if " " in value:
            return f'"{value}"'
        case str() | int() | float():
            return str(value)
        case list() if value and all(isinstance(item, str | int | float) for item in value):
            return ", ".join(map(value_words, value))
        case _:
            return dumps(value)


def tool_named(tools: Sequence[Json], name: str) -> Json | None:
    """The tool of that name, or None."""
    return next((tool for tool in tools if tool.get("name") == name), None)


# What a grammar can hold to; all else in a schema is left to the format verifier.
_KEPT = {"type", "enum", "const", "required", "additionalProperties", "minItems", "maxItems"}


def calls_schema(tools: Sequence[Json]) -> Json:
    """JSON Schema of a list of calls to the tools; for no tools, of the empty list.

    References within a tool's schema are followed once; a schema that refers to itself is open where it does.
    """
    if not tools:
        return {"type": "array", "maxItems": 0}
    kinds = [
        {
            "type": "object",
            "properties": {
                "name": {"const": tool["name"]},
                "arguments": _grammar(tool["parameters"], tool["parameters"]),
            },
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        for tool in tools
    ]
    return {"type": "array", "items": kinds[0] if len(kinds) == 1 else {"anyOf": kinds}}


def _grammar(schema: Any, root: Json, depth: int = 0) -> Json:
    """A schema with nothing but what decoding can be constrained by."""
    if not isinstance(schema, dict) or depth > 8:
        return {}
    if isinstance(reference := schema.get("$ref"), str):
        return _grammar(_referred(reference, root), root, depth + 1)
    out: Json = {key: value for key, value in schema.items() if key in _KEPT}
    if isinstance(schema.get("properties"), dict):
        out["properties"] = {name: _grammar(form, root, depth + 1) for name, form in schema["properties"].items()}
    if isinstance(schema.get("items"), dict):
        out["items"] = _grammar(schema["items"], root, depth + 1)
    for key in ("anyOf", "oneOf"):
        if isinstance(schema.get(key), list):
            out["anyOf"] = [_grammar(form, root, depth + 1) for form in schema[key]]
    if isinstance(out.get("additionalProperties"), dict):
        out["additionalProperties"] = _grammar(out["additionalProperties"], root, depth + 1)
    return out


def _referred(reference: str, root: Json) -> Any:
    target: Any = root
    for part in reference.removeprefix("#").strip("/").split("/"):
        target = target.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(target, dict) else None
    return target
