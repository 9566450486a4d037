"""The value sampler of ``call_first``: arguments from the parameters' JSON Schema and from lexicons."""

import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

import jsonschema_rs

from apigen_ray.errors import RecordError
from apigen_ray.library.validator import UNCOMPILABLE, compiled
from apigen_ray.records import Api, Json
from apigen_ray.sampling.hints import number_hint, words_hint
from apigen_ray.sampling.lexicons import Lexicon, Lexicons
from apigen_ray.sampling.pools import (
    ATTEMPTS,
    Choice,
    Either,
    Entries,
    Field,
    Fields,
    Listing,
    Moment,
    Pool,
    Tuple,
    Uuid,
    grid,
    same,
)

_DEPTH = 5  # how deep nested objects are filled; a schema that refers to itself ends here


class Arguments:
    """Draws the arguments of one API; everything that can be known beforehand is compiled here.

    Args:
        api: the API; its parameters are JSON Schema 2020-12.
        lexicons: what is known of values; `function.parameter` wins over the schema, which wins over `parameter`.

    Raises:
        RecordError: a lexicon of ``function.parameter`` has no value that the parameter's schema allows.
    """

    def __init__(self, api: Api, lexicons: Lexicons) -> None:
        self._schema = api.parameters
        self._validator: jsonschema_rs.Validator | None = None
        compiler = _Compiler(api, lexicons)
        pool = compiler.fields(api.parameters, (api.name,), 0) if _usable(api.parameters) else None
        self._fields = pool if isinstance(pool, Fields) else None
        self._salient = _salient(self._fields.fields) if self._fields else None

    def __getstate__(self) -> Json:
        return self.__dict__ | {"_validator": None}  # a compiled validator cannot leave its process

    def draw(self, rng: random.Random) -> Json | None:
        """Valid arguments, or None where none could be found."""
        if self._fields is None:
            return None
        drawn = (self._fields.draw(rng) for _ in range(ATTEMPTS))
        return next((arguments for arguments in drawn if self._valid(arguments)), None)

    def draw_several(self, rng: random.Random, count: int) -> list[Json] | None:
        """Valid arguments for several calls to the one API, no two alike, or None where so many could not be found.

        The calls share which optional arguments they have, and often more, as the parts of one request do; they
        differ in the salient argument as far as its values reach: the first required one with enough of them.
        """
        if self._fields is None or self._salient is None:
            return None
        first = self.draw(rng)
        if first is None:
            return None
        salient = self._salient
        share_all = rng.random() < 0.5
        shared = {
            field.name: first[field.name]
            for field in self._fields.fields
            if field.name in first and field is not salient and (share_all or not field.required)
        }
        out: list[Json] = []
        for _ in range(count * ATTEMPTS):
            if len(out) == count:
                break
            fresh = {field.name: field.pool.draw(rng) for field in self._fields.fields if field.required}
            avoid = [*salient.defaults, *(call[salient.name] for call in out)]
            value = salient.draw(rng, avoid) or salient.draw(rng, salient.defaults)
            if value:
                arguments = fresh | shared | {salient.name: value[0]}
                ordered = {
                    field.name: arguments[field.name] for field in self._fields.fields if field.name in arguments
                }
                if self._valid(ordered) and ordered not in out:
                    out.append(ordered)
        return out if len(out) == count else None

    def _valid(self, arguments: Json) -> bool:
        if self._validator is None:
            self._validator = compiled(self._schema)
        return self._validator.is_valid(arguments)


def _usable(schema: Json) -> bool:
    """Whether the validator takes the schema; foreign tools bring ones that it does not."""
    try:
        compiled(schema)
    except UNCOMPILABLE:
        return False
    return True


def _salient(fields: Sequence[Field]) -> Field | None:
    """The argument in which several calls should differ: a required one with enough values, if there is one."""
    ranked = sorted(fields, key=lambda field: (field.pool.size < 2, not field.required, field.pool.size < 4))
    return ranked[0] if ranked and ranked[0].pool.size > 1 else None


class _Compiler:
    """Compiles one API's parameter schema into pools; None stands for a schema that no value can be drawn for."""

    def __init__(self, api: Api, lexicons: Lexicons) -> None:
        self._root = api.parameters
        self._lexicons = lexicons

    def fields(self, schema: Json, path: tuple[str, ...], depth: int) -> Pool | None:
        """The pool of an object's properties."""
        properties: Mapping[str, Any] = schema.get("properties") or {}
        required = set(schema.get("required") or ())
        out = []
        for name, form in properties.items():
            pool = self.pool(form, (*path, name), depth + 1)
            if pool is not None:
                default = (form["default"],) if isinstance(form, dict) and "default" in form else ()
                out.append(Field(name, pool, name in required, default))
            elif name in required:
                return None
        return Fields(tuple(out))

    def pool(self, schema: Any, path: tuple[str, ...], depth: int) -> Pool | None:
        """The pool of one parameter: its own lexicon, enum, bare lexicon, examples, type, in this order."""
        schema = self._resolved(schema)
        if schema is None or depth > _DEPTH:
            return None
        own = self._lexicons.get(".".join(path))
        if own is not None:
            pool = self._from_lexicon(own, schema)
            if pool is None:
                raise RecordError(
                    f"{own.where}: no value fits the parameter's schema", "give values of the parameter's type"
                )
            return pool
        if "const" in schema:
            return self._choice([schema["const"]], schema)
        if isinstance(schema.get("enum"), list):
            return self._choice([value for value in schema["enum"] if value is not None] or schema["enum"], schema)
        bare = self._lexicons.get(path[-1])
        pool = self._from_lexicon(bare, schema) if bare is not None else None
        if pool is None and isinstance(schema.get("examples"), list):
            pool = self._choice(schema["examples"], schema)
        return pool or self._typed(schema, path, depth)

    def _resolved(self, schema: Any) -> Json | None:
        """The schema with a local ``$ref`` followed; None for a reference that leads nowhere."""
        for _ in range(_DEPTH):
            if not isinstance(schema, dict):
                return {} if schema is True else None
            reference = schema.get("$ref")
            if reference is None:
                return schema
            target: Any = self._root
            for part in str(reference).removeprefix("#").strip("/").split("/"):
                part = part.replace("~1", "/").replace("~0", "~")  # RFC 6901
                target = target.get(part) if isinstance(target, dict) else None
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            schema = target | beside if isinstance(target, dict) else None
        return None

    def _choice(self, values: Sequence[Any], schema: Json) -> Pool | None:
        """The values that the schema allows; integers where it wants integers."""
        if schema.get("type") == "integer":
            values = [int(value) if isinstance(value, float) and value.is_integer() else value for value in values]
        valid = self._checker(schema)
        kept: list[Any] = []
        for value in values:
            if valid.is_valid(value) and not any(same(value, other) for other in kept):
                kept.append(value)
        return Choice(tuple(kept)) if kept else None

    def _checker(self, schema: Json) -> jsonschema_rs.Validator:
        definitions = {key: self._root[key] for key in ("$defs", "definitions") if key in self._root}
        return compiled(definitions | schema)

    def _from_lexicon(self, lexicon: Lexicon, schema: Json) -> Pool | None:
        """The lexicon's values as far as the schema allows them."""
        if lexicon.values is not None:
            return self._choice(lexicon.values, schema)
        if lexicon.range is not None:
            return self._numbers(schema, *lexicon.range, lexicon.step)
        items = self._resolved(schema.get("items", True))
        if lexicon.items is None or items is None or "array" not in _types(schema):
            return None
        pool = self._from_lexicon(lexicon.items, items)
        low, high = max(lexicon.count[0], schema.get("minItems", 0)), min(lexicon.count[1], schema.get("maxItems", 64))
        return Listing(pool, low, high) if pool is not None and low <= high else None

    def _typed(self, schema: Json, path: tuple[str, ...], depth: int) -> Pool | None:
        branches = schema.get("anyOf") or schema.get("oneOf")
        if isinstance(branches, list) and branches:
            real = [branch for branch in branches if not (isinstance(branch, dict) and branch.get("type") == "null")]
            outer = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
            pools = [self.pool(outer | branch if isinstance(branch, dict) else branch, path, depth) for branch in real]
            found = tuple(pool for pool in pools if pool is not None)
            return Either(found) if found else None
        pools = [self._of_type(kind, schema, path, depth) for kind in _types(schema)]
        found = tuple(pool for pool in pools if pool is not None)
        return found[0] if len(found) == 1 else Either(found) if found else None

    def _of_type(self, kind: str, schema: Json, path: tuple[str, ...], depth: int) -> Pool | None:
        match kind:
            case "boolean":
                return Choice((True, False))
            case "integer" | "number":
                low, high, step = number_hint(path[-1], integer=kind == "integer")
                if (pool := self._numbers(schema, low, high, step)) is None:
                    pool = self._numbers(schema, *_around_bounds(schema, kind == "integer"))
                return pool
            case "string":
                return self._text(schema, path[-1])
            case "array":
                return self._array(schema, path, depth)
            case "object":
                extra = schema.get("additionalProperties")
                if not schema.get("properties") and isinstance(extra, dict):
                    value = self.pool(extra, path, depth + 1)
                    return Entries(Choice(words_hint("name")), value) if value is not None else None
                return self.fields(schema, path, depth)
            case "null":
                return Choice((None,))
        return None

    def _numbers(self, schema: Json, low: float, high: float, step: float) -> Pool | None:
        """The numbers of the range that the schema's bounds allow."""
        kinds = _types(schema)
        if not {"integer", "number"} & set(kinds):
            return None
        multiple = schema.get("multipleOf")
        if multiple:
            step = multiple * max(1, round(step / multiple))
            low = multiple * -(-low // multiple)
        if (bound := _bound(schema, "minimum", "exclusiveMinimum", step)) is not None and bound > low:
            low += step * -(-round((bound - low) / step, 9) // 1)
        if (bound := _bound(schema, "maximum", "exclusiveMaximum", -step)) is not None:
            high = min(high, bound)
        return grid(low, high, step, integer="number" not in kinds)

    def _text(self, schema: Json, name: str) -> Pool | None:
        kind = schema.get("format") or _described_format(name, str(schema.get("description", "")))
        if kind in ("date", "time", "date-time"):
            return Moment(kind, zone="format" in schema)
        return Uuid() if kind == "uuid" else self._choice(words_hint(name, kind), schema)

    def _array(self, schema: Json, path: tuple[str, ...], depth: int) -> Pool | None:
        places = schema.get("prefixItems")
        if isinstance(places, list) and places:
            pools = [self.pool(place, path, depth + 1) for place in places]
            found = tuple(pool for pool in pools if pool is not None)
            return Tuple(found) if len(found) == len(places) else None
        item = self.pool(schema.get("items", True), path, depth + 1)
        low = schema.get("minItems", min(2, schema.get("maxItems", 2)))
        return Listing(item, low, max(low, min(low + 2, schema.get("maxItems", 64)))) if item is not None else None


def _types(schema: Json) -> tuple[str, ...]:
    """The schema's types, ``null`` only where there is nothing else; a schema without types is taken for text."""
    named = schema.get("type", "object" if "properties" in schema else "array" if "items" in schema else "string")
    kinds = tuple(named) if isinstance(named, list) else (str(named),)
    return tuple(kind for kind in kinds if kind != "null") or kinds


def _bound(schema: Json, inclusive: str, exclusive: str, step: float) -> float | None:
    """The tightest bound, an exclusive one moved by a step."""
    bounds = [schema[inclusive]] if inclusive in schema else []
    if isinstance(schema.get(exclusive), int | float) and not isinstance(schema[exclusive], bool):
        bounds.append(schema[exclusive] + step)
    return (max(bounds) if step > 0 else min(bounds)) if bounds else None


def _around_bounds(schema: Json, integer: bool) -> tuple[float, float, float]:
    """A range within the schema's bounds, for one that lies beside the usual numbers."""
    low, high = _bound(schema, "minimum", "exclusiveMinimum", 0.0), _bound(schema, "maximum", "exclusiveMaximum", -1e-9)
    if low is None:
        low = (high or 0) - 100
    if high is None:
        high = low + 100
    step = 1.0 if integer or high - low >= 20 else max((high - low) / 20, 1e-6)
    if integer:
        return -(-low // 1), high // 1, step
    return low, high, float(f"{step:.1g}")


def _described_format(name: str, description: str) -> str | None:
    """The format that a parameter's name or description speaks of where the schema does not."""
    if "YYYY-MM-DD" in description or re.search(r"(^|_)(date|day_of)(_|$)", name):
        return "date"
    return "time" if "HH:MM" in description else None
