"""``xlam``: the layout in which the paper's 60,000 rows were published, without its defects."""

import json
from collections import Counter
from functools import lru_cache
from typing import Any, ClassVar

import pyarrow as pa

from apigen_ray.export.base import COLUMNS, Sample, UnfitError, texts, write_samples
from apigen_ray.export.files import Files, Part
from apigen_ray.library.forms import normalise_tool
from apigen_ray.records import Json, calls_to_json, dumps

_WORDS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


class XlamExport:
    """Rows as the paper's 60,000 were published: id, query, tools, answers; the last two are JSON texts.

    Functions are in the flat form ``{parameter: {"description", "type", "default"}}`` with types as Python writes them
    and ``, optional`` behind those that may be left out. What is mended: a default stands only where there is one; a
    limit that a type cannot say (``enum``, ``minimum``, ``format`` ...) stands beside it in JSON Schema's words, so
    that ``apigen verify`` judges the rows as before; ``id`` is a text, the same in every export. An offered function
    that the flat form cannot say leaves its row out.
    """

    name: ClassVar[str] = "xlam"
    columns: ClassVar[tuple[str, ...]] = COLUMNS
    with_results: ClassVar[bool] = False

    def __init__(self, results: bool = False) -> None: ...

    def write(self, rows: pa.Table, split: str, files: Files) -> Counter[str]:
        """Appends to ``<split>.jsonl``; see `apigen_ray.export.base.Export`."""
        part = Part(f"{split}.jsonl", split)
        return write_samples(rows, files, lambda sample: [(part, _line(sample))])

    def features(self, config: str) -> list[Json] | None:
        """Four texts."""
        return texts("id", "query", "tools", "answers")

    def finish(self, files: Files) -> None:
        """Nothing stands beside the rows."""


def _line(sample: Sample) -> str:
    tools = "[" + ",".join(_flat(dumps(tool)) for tool in sample.tools) + "]"
    answers = calls_to_json(sample.calls)
    return dumps({"id": sample.name, "query": sample.query, "tools": tools, "answers": answers})


@lru_cache(maxsize=8192)
def _flat(text: str) -> str:
    """One function in the flat form, by its JSON text, because it is offered in many rows.

    Raises:
        UnfitError: read again, it would not be the same function.
    """
    tool = json.loads(text)
    schema = tool["parameters"]
    required = schema.get("required", ())
    entries = {name: _entry(inner, name in required) for name, inner in schema.get("properties", {}).items()}
    flat = dumps({"name": tool["name"], "description": tool["description"], "parameters": entries})
    if not _same(json.loads(flat), tool):
        raise UnfitError("a function whose parameters have no flat form")
    return flat


def _entry(schema: Json, required: bool) -> Json:
    """A parameter: its type in words where these say all, else with the rest in JSON Schema beside them."""
    told: Json = {key: schema[key] for key in ("description", "default") if key in schema and schema[key] != ""}
    rest = {key: value for key, value in schema.items() if key not in ("description", "default", "type")}
    optional = "" if required else ", optional"
    flat: Json = {}
    forms: tuple[tuple[str, Json], ...] = (
        (_words(schema), {}),
        (_words(schema), rest),
        (_words({"type": schema.get("type")}), rest),
    )
    for kind, beside in forms:
        flat = {"description": "", **told, "type": kind + optional, **beside}
        if _same(_around(flat), _around(schema, required)):
            break
    return flat


def _around(parameter: Json, required: bool | None = None) -> Json:
    """A function of this parameter alone: in the flat form, or as a schema where ``required`` is said."""
    if required is None:
        return {"name": "f", "parameters": {"x": parameter}}
    names = ["x"] if required else []
    return {"name": "f", "parameters": {"type": "object", "properties": {"x": parameter}, "required": names}}


def _words(schema: Json) -> str:
    """A schema's type as Python writes it; what is not a type is passed over."""
    if "anyOf" in schema:
        return f"Union[{', '.join(_words(part) for part in schema['anyOf'])}]"
    kind = schema.get("type")
    if isinstance(kind, list):
        parts = [_words({**schema, "type": one}) for one in kind if one != "null"] or ["None"]
        inner = parts[0] if len(parts) == 1 else f"Union[{', '.join(parts)}]"
        return f"Optional[{inner}]" if "null" in kind else inner
    if kind == "array":
        items = schema.get("items")
        return f"List[{_words(items)}]" if items else "list"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"Dict[str, {_words(values)}]" if isinstance(values, dict) else "dict"
    return _WORDS.get(str(kind), "Any")


def _same(flat: Json, tool: Json) -> bool:
    try:
        return _meaning(flat) == _meaning(tool)
    except ValueError:  # a type that cannot be read back
        return False


def _meaning(tool: Json) -> tuple[Any, ...]:
    """What a function comes to when it is read; an empty default is none in this layout, and order says nothing."""
    api = normalise_tool(tool)
    properties = {name: dict(inner) for name, inner in api.parameters["properties"].items()}
    for inner in properties.values():
        if inner.get("default") == "":
            del inner["default"]
    parameters = {**api.parameters, "properties": properties, "required": sorted(api.parameters["required"])}
    return api.name, api.description, json.dumps(parameters, sort_keys=True)
