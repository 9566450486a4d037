"""Foreign schemas made JSON Schema 2020-12: drafts 3 to 7, OpenAPI's dialects, and the type words of tool lists."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from referencing import Registry, Resource, Specification
from referencing.exceptions import Unresolvable

from apigen_ray.library.validator import UNCOMPILABLE, compiled
from apigen_ray.records import Json, dumps

MAX_NODES = 5_000
"""Subschemas of one schema: more is no form to put to a model. References are inlined, so that a form can explode."""

_MAX_DEPTH = 60

_MEANINGS: tuple[tuple[str, Json], ...] = (
    ("string str text char character enum email uuid", {"type": "string"}),
    ("integer int long short byte bigint int32 int64", {"type": "integer"}),
    ("number float double decimal numeric", {"type": "number"}),
    ("boolean bool", {"type": "boolean"}),
    ("object dict dictionary map hashmap hashtable", {"type": "object"}),
    ("array list tuple arraylist queue stack", {"type": "array"}),
    ("set", {"type": "array", "uniqueItems": True}),
    ("null none", {"type": "null"}),
    ("any", {}),
    ("date", {"type": "string", "format": "date"}),
    ("time", {"type": "string", "format": "time"}),
    ("datetime date-time timestamp", {"type": "string", "format": "date-time"}),
    ("uri url", {"type": "string", "format": "uri"}),
)

WORDS: dict[str, Json] = {word: form for words, form in _MEANINGS for word in words.split()}
"""What a type word means, in lower case: JSON Schema's own, the leaderboard's (``dict``, ``float``, ``tuple``,
``any``, Java's and JavaScript's), and those found in OpenAPI documents."""

_COUNTS = (
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minContains",
    "maxContains",
)
_SUBSCHEMAS = ("propertyNames", "contains", "not", "if", "then", "else")
_COMPOSITES = ("anyOf", "oneOf", "allOf")
_BYTES = re.compile(r"application/octet-stream|(image|audio|video)/.*")


class SchemaError(ValueError):
    """A schema that has no JSON Schema 2020-12 form; ``str(error)`` is short and for people.

    Attributes:
        code: ``dangling_ref``, ``external_ref``, ``schema_too_large``, ``unknown_type`` or ``invalid_schema``; sources
            raise it with further codes of their own.
    """

    CODES = ("dangling_ref", "external_ref", "schema_too_large", "unknown_type", "invalid_schema")

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass
class Budget:
    """Subschemas that may still be read out of one document, so that no document takes hours.

    Attributes:
        left: how many; some 10 microseconds each.
    """

    left: int = 1_000_000


def object_schema(properties: Mapping[str, Json], required: Sequence[str]) -> Json:
    """The schema of an object that has these properties and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def with_null(schema: Json) -> Json:
    """The schema, allowing null as well."""
    kind = schema.get("type")
    if not schema or (isinstance(kind, list) and "null" in kind) or kind == "null":
        return schema
    if kind is None or "const" in schema or any(key in schema for key in _COMPOSITES):
        if set(schema) <= {"anyOf", "description", "default"} and "anyOf" in schema:
            parts = schema["anyOf"]
            return schema if {"type": "null"} in parts else {**schema, "anyOf": [*parts, {"type": "null"}]}
        if set(schema) <= {"enum", "description", "default"}:
            return {**schema, "enum": schema["enum"] if None in schema["enum"] else [*schema["enum"], None]}
        inner = {key: value for key, value in schema.items() if key not in ("description", "default")}
        return {**{k: v for k, v in schema.items() if k not in inner}, "anyOf": [inner, {"type": "null"}]}
    # Every other keyword constrains its own type only, so that null need only be named beside it.
    out = {**schema, "type": [*([kind] if isinstance(kind, str) else kind), "null"]}
    if "enum" in out and None not in out["enum"]:
        out["enum"] = [*out["enum"], None]
    return out


def require_valid(schema: Json) -> Json:
    """The schema itself, if it is plain JSON and a validator can be built from it.

    Raises:
        SchemaError: it is no valid JSON Schema 2020-12.
    """
    try:
        dumps(schema)  # a default of NaN, which no validator looks at, could not be written later
        compiled(schema)
    except (*UNCOMPILABLE, TypeError) as error:
        raise SchemaError("invalid_schema", f"no valid JSON Schema: {str(error).splitlines()[0][:200]}") from error
    except RecursionError as error:  # a default or an example, which is kept as it stands
        raise SchemaError("invalid_schema", "no valid JSON Schema: nested too deeply") from error
    return schema


def resolve(root: Json, ref: str) -> Any:
    """What a local reference points to (JSON Pointer, RFC 6901, in a URI fragment); nothing is ever fetched.

    Raises:
        SchemaError: the reference leads out of the document or to nothing in it.
    """
    if not ref.startswith("#"):
        raise SchemaError("external_ref", f"{ref[:200]!r} leads out of the document")
    try:
        document: Resource[Any] = Specification.OPAQUE.create_resource(root)
        return Registry().with_resource("", document).resolver().lookup(ref).contents
    except (Unresolvable, ValueError, TypeError) as error:  # the last two: a step into a list by name, or into a number
        raise SchemaError("dangling_ref", f"{ref[:200]!r} leads to nothing") from error


def follow(root: Json, node: Any) -> Any:
    """The node itself, or what its reference leads to, over any number of references.

    Raises:
        SchemaError: a reference leads out of the document, to nothing in it, or back to itself.
    """
    seen: set[str] = set()
    while isinstance(node, dict) and isinstance(node.get("$ref"), str):
        if node["$ref"] in seen:
            raise SchemaError("dangling_ref", f"{node['$ref'][:200]!r} leads back to itself")
        seen.add(node["$ref"])
        node = resolve(root, node["$ref"])
    return node


def clean(schema: Any, root: Json | None = None, *, hide: str = "", budget: Budget | None = None) -> Json:
    """A foreign schema as JSON Schema 2020-12: references inlined, dialects translated, unknown keywords left out.

    A reference that leads back into itself is cut: what stands there is only told by its type. Keywords whose value
    cannot be one (``required: "yes"``, a pattern that is no regular expression) say nothing and are left out. Defaults
    and examples are annotations: they stay, whatever their type.

    Args:
        schema: JSON Schema of any draft, an OpenAPI schema object, a leaderboard type or a type word.
        root: the document that its references point into; the schema itself by default.
        hide: leaves out properties with this flag: ``readOnly`` for what is sent, ``writeOnly`` for what comes back.
        budget: of the document, spent by each subschema.

    Raises:
        SchemaError: a type or reference that cannot be resolved, more than `MAX_NODES` subschemas, or the budget spent.
    """
    if root is None:
        root = schema if isinstance(schema, dict) else {}
    return _Cleaner(root, hide, budget or Budget()).schema(schema, ())


class _Cleaner:
    def __init__(self, root: Json, hide: str, budget: Budget) -> None:
        self.root = root
        self.hide = hide
        self.budget = budget
        self.nodes = 0

    def schema(self, node: Any, refs: tuple[str, ...], depth: int = 0) -> Json:
        self.nodes += 1
        self.budget.left -= 1
        if self.budget.left < 0:
            raise SchemaError("schema_too_large", "the schemas of its document are too many, references written out")
        if self.nodes > MAX_NODES or depth > _MAX_DEPTH:
            raise SchemaError("schema_too_large", f"more than {MAX_NODES} subschemas or {_MAX_DEPTH} levels")
        if isinstance(node, bool):
            return {} if node else {"not": {}}
        if isinstance(node, str):
            node = {"type": node}
        if not isinstance(node, dict):
            raise SchemaError("invalid_schema", f"a schema is an object, not {type(node).__name__}")
        if isinstance(node.get("$ref"), str):
            return self._reference(node, refs, depth)
        out = self._type(node)
        self._values(node, out)
        self._limits(node, out)
        self._array(node, out, refs, depth)
        self._object(node, out, refs, depth)
        for key in _SUBSCHEMAS:
            if isinstance(node.get(key), dict | bool):
                out[key] = self.schema(node[key], refs, depth + 1)
        for key in _COMPOSITES:
            if isinstance(node.get(key), list) and node[key]:
                out[key] = [self._alternative(part, node, key, refs, depth) for part in node[key]]
        out = _merge_all_of(out)
        return with_null(out) if node.get("nullable") is True else out

    def _alternative(self, part: Any, node: Json, key: str, refs: tuple[str, ...], depth: int) -> Json:
        """One of several; where OpenAPI tells them apart by the value of a property, that value is written into it."""
        out = self.schema(part, refs, depth + 1)
        told = node.get("discriminator")
        ref = part.get("$ref") if isinstance(part, dict) else None
        if key == "allOf" or not isinstance(told, dict) or not isinstance(ref, str) or out.get("type") != "object":
            return out
        name, mapping = told.get("propertyName"), told.get("mapping")
        if not isinstance(name, str):
            return out
        last = ref.rpartition("/")[2]
        words = [word for word, to in mapping.items() if to in (ref, last)] if isinstance(mapping, dict) else []
        properties = dict(out.get("properties", {}))
        properties[name] = {"type": "string", "enum": words or [last], **properties.get(name, {})}
        return {**out, "properties": properties, "required": list(dict.fromkeys([*out.get("required", []), name]))}

    def _reference(self, node: Json, refs: tuple[str, ...], depth: int) -> Json:
        ref = node["$ref"]
        target = resolve(self.root, ref)
        beside = {key: node[key] for key in ("description", "default", "nullable") if key in node}
        if ref in refs:
            kind = target.get("type") if isinstance(target, dict) else None
            return self.schema({"type": kind, **beside} if isinstance(kind, str) else beside, refs, depth + 1)
        if isinstance(target, dict):
            target = {**target, **beside}
        return self.schema(target, (*refs, ref), depth + 1)

    def _type(self, node: Json) -> Json:
        given = node.get("type")
        if given is None:
            return {"type": "object"} if isinstance(node.get("properties"), dict) else {}
        words = given if isinstance(given, list) else [given]
        if not all(isinstance(word, str) for word in words):  # draft 3: a union of schemas
            raise SchemaError("unknown_type", f"unknown type {given!r}"[:200])
        found = []
        for word in words:
            known = WORDS.get(word.strip().lower())
            if known is None:
                raise SchemaError("unknown_type", f"unknown type {word!r}"[:200])
            found.append(known)
        if len(found) == 1:
            return dict(found[0])
        if {} in found or not found:
            return {}
        kinds = list(dict.fromkeys(schema["type"] for schema in found))
        return {"type": kinds if len(kinds) > 1 else kinds[0]}

    def _values(self, node: Json, out: Json) -> None:
        for key in ("description", "format"):
            if isinstance(node.get(key), str) and node[key].strip():
                out[key] = " ".join(node[key].split()) if key == "description" else node[key]
        if _BYTES.fullmatch(str(node.get("contentMediaType"))) and "contentEncoding" not in node:
            out.setdefault("format", "binary")  # OpenAPI 3.1: what 3.0 calls so
        enum = node.get("enum")
        if isinstance(enum, list) and enum:
            if out.get("type") == "string":  # a YAML document says 1.0 or true where it means the text
                enum = [_text(item) for item in enum]
            out["enum"] = list({repr(item): item for item in enum}.values())
        if "const" in node:
            out["const"] = node["const"]
        if "default" in node:
            out["default"] = node["default"]
        if isinstance(node.get("examples"), list):
            out["examples"] = node["examples"]
        elif node.get("example") is not None:
            out["examples"] = [node["example"]]

    def _limits(self, node: Json, out: Json) -> None:
        for key in _COUNTS:
            if _is_number(node.get(key)) and node[key] >= 0 and node[key] == int(node[key]):
                out[key] = int(node[key])
        for side in ("inimum", "aximum"):
            bound, strict = node.get("m" + side), node.get("exclusiveM" + side)
            if _is_number(strict):
                out["exclusiveM" + side] = strict
            if _is_number(bound):
                out["exclusiveM" + side if strict is True else "m" + side] = bound  # draft 4: the strictness is a flag
        if _is_number(node.get("multipleOf")) and node["multipleOf"] > 0:
            out["multipleOf"] = node["multipleOf"]
        if isinstance(node.get("uniqueItems"), bool):
            out["uniqueItems"] = node["uniqueItems"]
        if isinstance(node.get("pattern"), str) and _compiles({"pattern": node["pattern"]}):
            out["pattern"] = node["pattern"]

    def _array(self, node: Json, out: Json, refs: tuple[str, ...], depth: int) -> None:
        items, prefix = node.get("items"), node.get("prefixItems")
        if isinstance(items, list):  # before 2020-12: a list of items is a tuple
            prefix, items = items, node.get("additionalItems")
        if isinstance(prefix, list) and prefix:
            out["prefixItems"] = [self.schema(item, refs, depth + 1) for item in prefix]
        if items is False:  # no items beyond the prefix
            out["items"] = False
        elif isinstance(items, dict | bool | str):
            out["items"] = self.schema(items, refs, depth + 1)

    def _object(self, node: Json, out: Json, refs: tuple[str, ...], depth: int) -> None:
        required = node.get("required")
        names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
        properties = node.get("properties")
        if isinstance(properties, dict):
            hidden = {
                name
                for name, inner in properties.items()
                if isinstance(inner, dict) and self.hide and inner.get(self.hide)
            }
            out["properties"] = {
                name: self.schema(inner, refs, depth + 1) for name, inner in properties.items() if name not in hidden
            }
            # draft 3: a property says of itself that it is required
            names += [
                name for name, inner in properties.items() if isinstance(inner, dict) and inner.get("required") is True
            ]
            names = [name for name in names if name not in hidden]
        if names:
            out["required"] = list(dict.fromkeys(names))
        patterns = node.get("patternProperties")
        if isinstance(patterns, dict) and _compiles({"patternProperties": {key: {} for key in patterns}}):
            out["patternProperties"] = {key: self.schema(inner, refs, depth + 1) for key, inner in patterns.items()}
        for key in ("additionalProperties", "unevaluatedProperties"):
            if isinstance(node.get(key), bool):
                out[key] = node[key]
            elif isinstance(node.get(key), dict):
                out[key] = self.schema(node[key], refs, depth + 1)
        needs = node.get("dependentRequired", node.get("dependencies"))
        if isinstance(needs, dict):
            lists = {key: list(dict.fromkeys(names)) for key, names in needs.items() if _is_names(names)}
            if lists:
                out["dependentRequired"] = lists


def _merge_all_of(schema: Json) -> Json:
    """``allOf``, which is how documents write inheritance, folded into one schema where its parts do not clash."""
    merged = {key: value for key, value in schema.items() if key != "allOf"}
    for part in schema.get("allOf", []):
        for key, value in part.items():
            if key == "required":
                merged[key] = list(dict.fromkeys([*merged.get(key, []), *value]))
            elif key == "properties":
                mine = merged.setdefault(key, {})
                if any(mine.get(name, inner) != inner for name, inner in value.items()):
                    return schema
                merged[key] = {**mine, **value}
            elif key in ("description", "default", "examples"):
                merged.setdefault(key, value)
            elif key == "additionalProperties" and value is False:
                return schema  # closed over its own properties only
            elif merged.setdefault(key, value) != value:
                return schema
    return merged


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _is_number(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _compiles(schema: Json) -> bool:
    try:
        require_valid(schema)
    except SchemaError:
        return False
    return True
