"""Makes up a value that fits a JSON Schema: the author's own examples where there are any, else placeholders."""

import base64
import math
import random
import uuid
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import jsonschema_rs

from apigen_ray.records import Json, dumps
from apigen_ray.runners.patterns import PatternError, matching

MAX_DEPTH = 8
"""Levels that are filled with more than what is required."""
MAX_NODES = 300
"""Values inside a value after which no more than what is required is added; ten times as many are refused."""
MAX_TEXT = 64 * 1024
"""Characters of all texts inside a value; what needs more cannot be made."""
MAX_ITEMS = 256
"""Items of an array, properties of an object; what needs more cannot be made."""

_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains")
_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains")
_KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("object", ("properties", "required", "additionalProperties", "minProperties", "patternProperties")),
    ("array", ("items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems")),
    ("string", ("minLength", "maxLength", "pattern", "format")),
    ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
)


class UnmakeableError(ValueError):
    """No value was found that fits a schema."""


@lru_cache(maxsize=2048)
def validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    """A compiled schema, by its JSON text; formats do not count: an author's example stands as it is."""
    return jsonschema_rs.Draft202012Validator(schema, offline=True)


def fits(schema: Any, value: Any) -> bool:
    """Whether a value fits a schema."""
    return schema is True or (isinstance(schema, dict) and validator(dumps(schema)).is_valid(value))


class Maker:
    """Makes up one value.

    Args:
        seed: decides every choice.
        given: values for properties of these names, where they fit.
        sparse: makes only what is required.
    """

    def __init__(self, seed: str, given: Json, *, sparse: bool = False) -> None:
        self._rng = random.Random(seed)  # noqa: S311 - a placeholder, not a secret
        self._given = given
        self._sparse = sparse
        self._nodes = 0
        self._characters = 0

    def value(self, schema: Any, name: str = "", depth: int = 0) -> Any:
        """A value that fits as far as types, bounds, formats and choices go; the rest is left to chance.

        Args:
            schema: JSON Schema 2020-12 without references.
            name: of the property that it is for.
            depth: of what is around it.

        Raises:
            UnmakeableError: there is none, or it would be too large.
        """
        self._nodes += 1
        if schema is True:
            schema = {}
        if not isinstance(schema, dict) or self._nodes > 10 * MAX_NODES:
            raise UnmakeableError("too large" if schema else "nothing fits")
        for values in _told(schema):
            if fitting := [value for value in values if fits(schema, value)]:
                return self._rng.choice(fitting)
        if "allOf" in schema:
            return self.value(_all_of(schema), name, depth)
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return self._one_of(schema, key, name, depth)
        if "if" in schema:
            whole = {key: part for key, part in schema.items() if key not in ("if", "then", "else")}
            then = [whole, schema["if"], schema.get("then", True)]
            parts = self._rng.choice((then, [whole, schema.get("else", True)]))
            return self.value({"allOf": parts}, name, depth)
        match self._kind(schema):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, depth)
            case "string":
                return self._text(schema, name)
            case "integer":
                return self._number(schema, integer=True)
            case "number":
                return self._number(schema, integer=False)
            case "boolean":
                return self._rng.random() < 0.5
        return None

    def _kind(self, schema: Json) -> str:
        named = schema.get("type")
        if isinstance(named, list):
            return str(self._rng.choice([kind for kind in named if kind != "null"] or named))
        if named is not None:
            return str(named)
        return next((kind for kind, keys in _KINDS if any(key in schema for key in keys)), "string")

    def _one_of(self, schema: Json, key: str, name: str, depth: int) -> Any:
        whole = {name: part for name, part in schema.items() if name != key}
        branches = list(schema[key])
        self._rng.shuffle(branches)
        branches.sort(key=lambda branch: isinstance(branch, dict) and branch.get("type") == "null")
        for branch in branches:
            try:
                return self.value({"allOf": [whole, branch]}, name, depth)
            except UnmakeableError:
                continue
        raise UnmakeableError("no branch fits")

    def _more(self, depth: int) -> bool:
        """Whether to make more than what is required."""
        return not self._sparse and depth < MAX_DEPTH and self._nodes < MAX_NODES

    def _object(self, schema: Json, depth: int) -> Json:
        properties: Json = schema.get("properties", {})
        required = [name for name in schema.get("required", ()) if isinstance(name, str)]
        most = min(schema.get("maxProperties", MAX_ITEMS), max(MAX_ITEMS, len(required)))
        needed = set(required)
        out: Json = {}
        for name in (*properties, *(name for name in required if name not in properties)):
            optional = name not in needed
            if optional and not (self._more(depth) and len(out) + len(needed - out.keys()) < most):
                continue
            try:
                out[name] = self._property(schema, name, depth)
            except UnmakeableError:
                if not optional:
                    raise
                continue
            for other in schema.get("dependentRequired", {}).get(name, ()):
                needed.add(other)
        for name in sorted(needed - out.keys()):  # what only another property needs
            out[name] = self._property(schema, name, depth)
        least = schema.get("minProperties", 0)
        if not properties and isinstance(schema.get("additionalProperties"), dict) and self._more(depth) and most > 0:
            least = max(least, 1)
        for name in self._names(schema, depth):
            if len(out) >= least:
                break
            if name not in out:
                out[name] = self._property(schema, name, depth)
        return out

    def _names(self, schema: Json, depth: int) -> Iterator[str]:
        """Names for further properties."""
        yield from schema.get("properties", {})
        for number in range(MAX_ITEMS):
            name: Any = f"key_{number + 1}"
            if isinstance(schema.get("propertyNames"), dict):
                name = self.value({"allOf": [{"type": "string"}, schema["propertyNames"]]}, "key", depth + 1)
            elif schema.get("additionalProperties") is False and schema.get("patternProperties"):
                name = self._matching(self._rng.choice(sorted(schema["patternProperties"])))
            yield str(name)
        raise UnmakeableError("too many properties")

    def _property(self, schema: Json, name: str, depth: int) -> Any:
        parts = [schema["properties"][name]] if name in schema.get("properties", {}) else []
        matched = {"type": "object", "additionalProperties": False}
        for pattern, inner in schema.get("patternProperties", {}).items():
            if fits(matched | {"patternProperties": {pattern: True}}, {name: None}):
                parts.append(inner)
        if not parts:
            parts.append(schema.get("additionalProperties", True))
        whole = parts[0] if len(parts) == 1 else {"allOf": parts}
        if name in self._given and fits(whole, self._given[name]):
            return self._given[name]
        return self.value(whole, name, depth + 1)

    def _array(self, schema: Json, name: str, depth: int) -> list[Any]:
        low, high = schema.get("minItems", 0), schema.get("maxItems", MAX_ITEMS)
        prefix: Sequence[Any] = schema.get("prefixItems", ())
        contains = schema.get("minContains", 1) if "contains" in schema else 0
        count = max(low, len(prefix) if self._more(depth) else 0, contains)
        if not prefix and self._more(depth):
            count = max(count, min(high, self._rng.choice((1, 2))))
        if low > MAX_ITEMS or count > max(high, low):
            raise UnmakeableError("too many items, or too few")
        out: list[Any] = []
        for place in range(count):
            item = prefix[place] if place < len(prefix) else schema.get("items", True)
            if place < contains:
                item = {"allOf": [item, schema["contains"]]}
            try:
                out.append(self._item(item, name, depth, out if schema.get("uniqueItems") else []))
            except UnmakeableError:
                if len(out) < max(low, contains):
                    raise
                break
        return out

    def _item(self, schema: Any, name: str, depth: int, others: Sequence[Any]) -> Any:
        for _ in range(16):
            value = self.value(schema, name, depth + 1)
            if value not in others:
                return value
        raise UnmakeableError("no further item is unlike the others")

    def _number(self, schema: Json, *, integer: bool) -> int | float:
        step = schema.get("multipleOf")
        low, high = _bounds(schema, 1 if integer else 0)
        if low is None:
            low = 1 if high is None else high - 99
        if high is None:
            high = low + 99
        if step:
            first, last = math.ceil(low / step), math.floor(high / step)
            if first > last:
                raise UnmakeableError("no multiple is within the bounds")
            multiple: float = step * self._rng.randint(first, min(last, first + 99))
            return round(multiple) if integer or multiple == int(multiple) else multiple
        if integer:
            first, last = math.ceil(low), math.floor(high)
            if first > last:
                raise UnmakeableError("no whole number is within the bounds")
            return self._rng.randint(first, min(last, first + 10**6))
        value = low + (high - low) * self._rng.randint(1, 99) / 100
        return round(value, 2) if low < round(value, 2) < high else value

    def _text(self, schema: Json, name: str) -> str:
        low, high = schema.get("minLength", 0), schema.get("maxLength", math.inf)
        if low > MAX_TEXT - self._characters or low > high:
            raise UnmakeableError("a text of no such length")
        pattern = schema.get("pattern")
        for _ in range(16):
            text = self._matching(pattern) if pattern is not None else self._word(str(schema.get("format", "")), name)
            if pattern is None and len(text) < low:
                text *= low // max(1, len(text)) + 1
            if pattern is None and len(text) > high:
                text = text[: int(high)]
            if low <= len(text) <= high:
                self._characters += len(text)
                return text
        raise UnmakeableError("no text of that length matches")

    def _matching(self, pattern: str) -> str:
        try:
            return matching(pattern, self._rng)
        except (PatternError, RecursionError) as error:
            raise UnmakeableError(str(error)) from error

    def _word(self, form: str, name: str) -> str:
        number = self._rng.randint(1, 99)
        day = f"2025-{self._rng.randint(1, 12):02}-{self._rng.randint(1, 28):02}"
        clock = f"{self._rng.randint(0, 23):02}:{self._rng.randint(0, 59):02}:00"
        word = " ".join(name.replace("_", " ").replace("-", " ").split()) or "text"
        match form:
            case "date":
                return day
            case "date-time" | "datetime":
                return f"{day}T{clock}Z"
            case "time":
                return f"{clock}Z"
            case "duration":
                return f"P{number}D"
            case "email" | "idn-email":
                return f"person{number}@example.com"
            case "hostname" | "idn-hostname":
                return f"host{number}.example.com"
            case "ipv4" | "ip":
                return f"192.0.2.{number}"  # RFC 5737: for documentation
            case "ipv6":
                return f"2001:db8::{number}"  # RFC 3849: likewise
            case "uri" | "url" | "iri":
                return f"https://example.com/{number}"
            case "uri-reference" | "iri-reference" | "json-pointer":
                return f"/{number}"
            case "uuid":
                return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))
            case "byte" | "base64":
                return base64.b64encode(f"{word} {number}".encode()).decode()
        return f"{word} {number}"


def _told(schema: Json) -> Iterator[Sequence[Any]]:
    """What a schema says of its values itself, the most telling first."""
    for key in ("const", "examples", "default", "enum"):
        if key in schema:
            values = schema[key]
            yield values if key in ("examples", "enum") and isinstance(values, list) else [values]


def _bounds(schema: Json, step: int) -> tuple[float | None, float | None]:
    """Least and largest number; of exclusive bounds the next whole number where ``step`` is 1."""
    lows, highs = [], []
    if "minimum" in schema:
        lows.append(schema["minimum"])
    if "exclusiveMinimum" in schema:
        bound = schema["exclusiveMinimum"]
        lows.append(math.floor(bound) + step if step else bound)
    if "maximum" in schema:
        highs.append(schema["maximum"])
    if "exclusiveMaximum" in schema:
        bound = schema["exclusiveMaximum"]
        highs.append(math.ceil(bound) - step if step else bound)
    return max(lows, default=None), min(highs, default=None)


def _all_of(schema: Json) -> Any:
    """``allOf`` and what stands beside it as one schema, as far as the parts can be put together."""
    out: Json = {key: value for key, value in schema.items() if key != "allOf"}
    for part in schema["allOf"]:
        if part is True:
            continue
        if not isinstance(part, dict):
            return False
        part = _all_of(part) if "allOf" in part else part
        if part is False:
            return False
        out = _both(out, part)
    return out


def _both(one: Json, other: Json) -> Json:
    """Two schemas as one; of what cannot be put together the first stands: whether the other holds is seen in the end.

    Raises:
        UnmakeableError: they have no type in common.
    """
    out = dict(one)
    for key, value in other.items():
        mine: Any = out.get(key)
        if key not in out or mine == value:
            out[key] = value
        elif key == "properties":
            out[key] = mine | {
                name: {"allOf": [mine[name], inner]} if name in mine else inner for name, inner in value.items()
            }
        elif key == "required":
            out[key] = list(dict.fromkeys([*mine, *value]))
        elif key == "type":
            out[key] = _types(mine, value)
        elif key == "enum":
            out[key] = [item for item in mine if item in value]
        elif key in (*_LEAST, *_MOST):
            out[key] = max(mine, value) if key in _LEAST else min(mine, value)
        elif key in ("items", "additionalProperties"):
            out[key] = False if False in (mine, value) else {"allOf": [mine, value]}
        elif key in ("anyOf", "oneOf"):  # of either list one: those of the second wait inside the first
            out[key] = [{"allOf": [branch, {key: value}]} for branch in mine]
        elif key == "examples":
            out[key] = [*mine, *value]
    return out


def _types(one: Any, other: Any) -> Any:
    """What two ``type`` have in common; nothing: no value."""
    mine, theirs = ([kind] if isinstance(kind, str) else kind for kind in (one, other))
    both = [kind for kind in mine if kind in theirs]
    if "integer" in (*mine, *theirs) and "number" in (*mine, *theirs) and "integer" not in both:
        both.append("integer")
    if not both:
        raise UnmakeableError("no type is allowed by both")
    return both[0] if len(both) == 1 else both
