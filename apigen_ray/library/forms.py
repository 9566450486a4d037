"""The forms in which tools are written elsewhere, read into our own: JSON Schema, OpenAI, MCP, BFCL, xLAM."""

from collections.abc import Mapping
from typing import Any

from apigen_ray.library.annotations import UnsupportedTypeError, schema_of_text
from apigen_ray.library.schema import WORDS, SchemaError, clean, object_schema, require_valid
from apigen_ray.records import Api, Json

_PARAMETERS = ("parameters", "inputSchema", "input_schema")  # ours, OpenAI's and xLAM's; MCP's; Anthropic's
_COMPOSITES = ("anyOf", "oneOf", "allOf", "if", "$ref")


def normalise_tool(tool: Any) -> Api:
    """One offered tool, in whatever form, as an `Api` without a source.

    Pure, and some 50 to 500 microseconds each: callers with many rows cache by the tool's JSON text.

    Forms:
        ours and JSON Schema: ``{"name", "description", "parameters": {"type": "object", ...}}``;
        OpenAI: ``{"type": "function", "function": {...}}``;
        MCP: ``inputSchema`` in place of ``parameters`` (and Anthropic's ``input_schema``);
        leaderboard (BFCL): types ``dict``, ``float``, ``tuple``, ``any`` at any depth;
        xLAM-60k: ``{parameter: {"type": "List[int], optional", "description", "default"}}``, where a default of ``""``
        means none; and the paper's, the same with ``required`` as a key of its own.

    The top level is closed unless the schema says otherwise: an argument that is not among the parameters is invalid.
    Nested objects are as open as they were given. A parameter that is required without being described may be anything.
    What contradicts itself is kept as it stands, and then no value is valid: an enum of words on an array is not taken
    for one on its items, nor one of words on a boolean for text (both occur in the leaderboard, which judges so too).

    Raises:
        SchemaError: a ValueError, the reason, short: no object, no name (code ``malformed``), or one of its own codes:
            a type that is not known, a reference that leads nowhere.
    """
    if isinstance(tool, Mapping) and isinstance(tool.get("function"), Mapping):
        tool = tool["function"]
    if not isinstance(tool, Mapping):
        raise SchemaError("malformed", f"a tool is an object, not {type(tool).__name__}")
    name = tool.get("name")
    if not isinstance(name, str) or not name.strip():
        raise SchemaError("malformed", "a tool without a name")
    description = tool.get("description")
    given: Any = next((tool[key] for key in _PARAMETERS if tool.get(key) is not None), {})
    if not isinstance(given, dict):
        raise SchemaError("malformed", f"tool {name!r}: its parameters are no object")
    try:
        schema = _closed(clean(given)) if _is_schema(given) else _from_flat(given)
        require_valid(schema)
    except SchemaError as error:
        raise SchemaError(error.code, f"tool {name!r}: {error}") from error
    except RecursionError as error:
        raise SchemaError("schema_too_large", f"tool {name!r}: its parameters are nested too deeply") from error
    return Api(name, description if isinstance(description, str) else "", schema)


def _is_schema(given: Json) -> bool:
    """Whether this is a schema of an object; the keys of the flat form may be ``type`` or ``properties`` as well."""
    if isinstance(given.get("type"), str | list) or any(isinstance(given.get(key), str | list) for key in _COMPOSITES):
        return True
    properties = given.get("properties")
    return isinstance(properties, dict) and all(isinstance(inner, dict | bool) for inner in properties.values())


def _closed(schema: Json) -> Json:
    if schema.get("type", "object") not in ("object", ["object"]):
        raise SchemaError("invalid_schema", f"its parameters are of type {schema['type']!r}, not object")
    out = {**schema, "type": "object", "properties": dict(schema.get("properties", {}))}
    if (
        "additionalProperties" not in schema
        and "unevaluatedProperties" not in schema
        and "patternProperties" not in schema
    ):
        # over alternatives, `additionalProperties` would forbid what an alternative names
        composite = any(key in schema for key in ("anyOf", "oneOf", "allOf", "if"))
        out["unevaluatedProperties" if composite else "additionalProperties"] = False
    for name in schema.get("required", []):
        out["properties"].setdefault(name, {})
    out["required"] = list(schema.get("required", []))
    return out


def _from_flat(given: Json) -> Json:
    properties: Json = {}
    required = []
    for name, entry in given.items():
        if not isinstance(entry, dict):
            raise SchemaError("invalid_schema", f"parameter {name!r} is no object")
        kind, optional, wanted = entry.get("type", "any"), False, entry.get("required")
        if isinstance(kind, str):
            kind, comma, word = kind.rpartition(",")
            optional = word.strip().lower() == "optional" and bool(comma)
            kind = kind if optional else entry.get("type", "any")
        try:
            told = _flat_type(kind) if "type" in entry else {}
            # a truth value says that the parameter is required, a list which keys of it are
            schema = clean({**entry, **told, "required": wanted if isinstance(wanted, list) else None})
        except SchemaError as error:
            raise SchemaError(error.code, f"parameter {name!r}: {error}") from error
        if schema.get("default") == "":
            del schema["default"]
        properties[name] = schema
        if wanted if isinstance(wanted, bool) else not optional:
            required.append(name)
    return object_schema(properties, required)


def _flat_type(kind: Any) -> Json:
    """The schema of a type in the flat form: a type word or a Python annotation as text."""
    if not isinstance(kind, str) or kind.strip().lower() in WORDS:
        return {"type": kind}
    try:
        schema = schema_of_text(kind)
    except UnsupportedTypeError as error:
        if kind.startswith("Callable"):  # published rows hold the function's source as text
            return {"type": "string"}
        raise SchemaError("unknown_type", f"unknown type {kind[:80]!r}") from error
    return schema if "type" in schema else {"type": "any", **schema}
