"""The forms in which tools are written elsewhere, read into our own: JSON Schema, OpenAI, MCP, BFCL, xLAM."""

from collections.abc import Mapping
from typing import Any

from apigen_ray.library.annotations import UnsupportedTypeError, schema_of_text
from apigen_ray.library.schema import WORDS, SchemaError, clean, object_schema, require_valid
from apigen_ray.records import Api, Json

_PARAMETERS = ("parameters", "inputSchema", "input_schema")  # ours, OpenAI's and xLAM's; MCP's; Anthropic's
_COMPOSITES = ("anyOf", "oneOf", "allOf", "if", "$ref")
_PYTHON = {
    "integer": "int",
    "number": "float",
    "string": "str",
    "boolean": "bool",
    "null": "None",
    "array": "List",
    "object": "Dict",
}


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
        ValueError: the reason, short: no object, no name, a type that is not known, a reference that leads nowhere.
    """
    if isinstance(tool, Mapping) and isinstance(tool.get("function"), Mapping):
        tool = tool["function"]
    if not isinstance(tool, Mapping):
        raise ValueError(f"a tool is an object, not {type(tool).__name__}")
    name = tool.get("name")
    if not isinstance(name, str) or not name.strip():
        raise ValueError("a tool without a name")
    description = tool.get("description")
    given: Any = next((tool[key] for key in _PARAMETERS if tool.get(key) is not None), {})
    if not isinstance(given, dict):
        raise ValueError(f"tool {name!r}: its parameters are no object")
    try:
        schema = _closed(clean(given)) if _is_schema(given) else _from_flat(given)
        require_valid(schema)
    except SchemaError as error:
        raise ValueError(f"tool {name!r}: {error}") from error
    except RecursionError as error:
        raise ValueError(f"tool {name!r}: its parameters are nested too deeply") from error
    return Api(name, description if isinstance(description, str) else "", schema)


def to_xlam(api: Api) -> Json:
    """The API in the published xLAM form, whose parameters are ``{name: {"description", "type", "default"}}``.

    The form knows no choices and no limits of values: choices are told in the description, limits are lost.
    """
    required = set(api.parameters.get("required", []))
    out: Json = {}
    for name, schema in api.parameters.get("properties", {}).items():
        kind = _python_type(schema, nullable=name in required)
        entry = {
            "description": schema.get("description", ""),
            "type": kind if name in required else f"{kind}, optional",
        }
        choices = schema.get("enum") or (schema.get("items") and _dict(schema["items"]).get("enum"))
        if choices:
            entry["description"] = f"{entry['description']} One of: {', '.join(map(str, choices))}.".strip()
        if schema.get("default") is not None:
            entry["default"] = schema["default"]
        out[name] = entry
    return {"name": api.name, "description": api.description, "parameters": out}


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
        kind, optional = entry.get("type", "any"), False
        if isinstance(kind, str):
            kind, comma, word = kind.rpartition(",")
            optional = word.strip().lower() == "optional" and bool(comma)
            kind = kind if optional else entry.get("type", "any")
        try:
            told = _flat_type(kind) if "type" in entry else {}
            schema = clean({**entry, **told, "required": None})
        except SchemaError as error:
            raise SchemaError(error.code, f"parameter {name!r}: {error}") from error
        if schema.get("default") == "":
            del schema["default"]
        properties[name] = schema
        wanted = entry.get("required")
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


def _python_type(schema: Json, *, nullable: bool) -> str:
    """The schema as a Python annotation; null is told only where the parameter cannot be left out instead."""
    kinds = schema.get("type", [])
    parts = [_one_type(kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    if not parts:
        alternatives = schema.get("anyOf") or schema.get("oneOf") or []
        parts = [_python_type(_dict(part), nullable=True) for part in alternatives]
    with_null = "None" in parts
    parts = [part for part in dict.fromkeys(parts) if part != "None"]
    if not parts or "Any" in parts:
        return "None" if with_null and not parts else "Any"
    text = parts[0] if len(parts) == 1 else f"Union[{', '.join(parts)}]"
    return f"Optional[{text}]" if with_null and nullable else text


def _one_type(kind: str, schema: Json) -> str:
    if kind == "array" and "prefixItems" in schema:
        return f"Tuple[{', '.join(_python_type(_dict(part), nullable=True) for part in schema['prefixItems'])}]"
    if kind == "array" and _dict(schema.get("items")):
        word = "Set" if schema.get("uniqueItems") else "List"
        return f"{word}[{_python_type(_dict(schema['items']), nullable=True)}]"
    if kind == "object" and _dict(schema.get("additionalProperties")):
        return f"Dict[str, {_python_type(_dict(schema['additionalProperties']), nullable=True)}]"
    return _PYTHON[kind]


def _dict(value: Any) -> Json:
    return value if isinstance(value, dict) else {}
