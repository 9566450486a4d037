"""``bfcl``: questions and possible answers as the Berkeley Function Calling Leaderboard keeps them."""

import json
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar

import pyarrow as pa

from apigen_ray.export.base import COLUMNS, Sample, UnfitError, nested, texts, write_samples
from apigen_ray.export.files import Files, Part
from apigen_ray.records import Call, Json, content_hash, dumps

_KINDS: dict[str, tuple[str, type]] = {
    "string": ("string", str),
    "integer": ("integer", int),
    "number": ("float", float),
    "boolean": ("boolean", bool),
    "array": ("array", list),
    "object": ("dict", dict),
}
_PYTHON = {word: kind for word, kind in _KINDS.values()} | {"any": str}
"""What the leaderboard's checker takes each of its type words for."""


class BfclExport:
    """Questions and possible answers for the function-calling leaderboard.

    Files are called ``<split>/BFCL_v4_<category>.json``, and the same under ``<split>/possible_answer/``.
    The category follows from the numbers of offered functions and calls: ``simple_python``, ``multiple``, ``parallel``,
    ``parallel_multiple``; rows without calls are ``irrelevance``, and have no possible answer. For each argument the
    possible answers are its value and, where it may be left out because the value is the default, ``""``; an argument
    that was left out may be given as its default. Types are the leaderboard's words; what has several types is ``any``.

    Left out are rows that its checker would not pass whatever a model says: a call that its function does not allow, or
    a list of unlike values.
    """

    name: ClassVar[str] = "bfcl"
    columns: ClassVar[tuple[str, ...]] = COLUMNS
    with_results: ClassVar[bool] = False

    def __init__(self, results: bool = False) -> None: ...

    def write(self, rows: pa.Table, split: str, files: Files) -> Counter[str]:
        """Appends a question, and its answer where there is one; see `apigen_ray.export.base.Export`."""
        return write_samples(rows, files, lambda sample: _lines(sample, split))

    def features(self, config: str) -> list[Json] | None:
        """JSON values: structs of Arrow would give each function the parameters of all others."""
        if config.endswith("_answers"):
            return [*texts("id"), {"name": "ground_truth", "list": "json"}]
        return [
            *texts("id"),
            {"name": "question", "dtype": "json"},
            {"name": "function", "list": "json"},
            *texts("sample_id"),
        ]

    def finish(self, files: Files) -> None:
        """Nothing stands beside the rows."""


def _lines(sample: Sample, split: str) -> Iterator[tuple[Part, str]]:
    category = _category(sample)
    # the leaderboard sorts by the number behind the last underscore; sample_id itself stands beside
    name = f"{category}_{int(content_hash('bfcl', sample.sample_id)[:13], 16)}"
    file = f"BFCL_v4_{category}.json"
    functions = [_document(dumps(tool)) for tool in sample.tools]
    question: Json = {
        "id": name,
        "question": [[{"role": "user", "content": sample.query}]],
        "function": functions,
        "sample_id": sample.sample_id,
    }
    yield Part(f"{split}/{file}", split, category), nested(question)
    if sample.calls:
        answer = {"id": name, "ground_truth": [_possible(call, functions) for call in sample.calls]}
        yield Part(f"{split}/possible_answer/{file}", split, f"{category}_answers"), nested(answer)


def _category(sample: Sample) -> str:
    if not sample.calls:
        return "irrelevance"
    if len(sample.calls) == 1:
        return "simple_python" if len(sample.tools) == 1 else "multiple"
    return "parallel" if len(sample.tools) == 1 else "parallel_multiple"


@lru_cache(maxsize=8192)
def _document(text: str) -> Json:
    """A function in the leaderboard's words, by its JSON text, because it is offered in many rows."""
    tool = json.loads(text)
    given = tool["parameters"]
    parameters = {
        "type": "dict",
        "properties": {name: _typed(inner) for name, inner in given.get("properties", {}).items()},
        "required": given.get("required", []),
    }
    return {"name": tool["name"], "description": tool["description"], "parameters": parameters}


def _typed(schema: Any) -> Json:
    """A schema with one of the leaderboard's type words at every level; its other keywords stay."""
    if not isinstance(schema, dict):
        return {"type": "any"}
    out = dict(schema)
    kinds: Any = schema.get("type", "any")
    plain = [kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if kind != "null"]
    out["type"] = _KINDS[plain[0]][0] if len(plain) == 1 and plain[0] in _KINDS else "any"
    if isinstance(kinds, list):
        if len(plain) > 1:
            out["anyOf"] = [{"type": _KINDS[kind][0]} for kind in plain]
        if "null" in kinds:
            out["nullable"] = True
    if "properties" in schema:
        out["properties"] = {name: _typed(inner) for name, inner in schema["properties"].items()}
    if isinstance(schema.get("additionalProperties"), dict):
        out["additionalProperties"] = _typed(schema["additionalProperties"])
    if out["type"] == "array":
        out["items"] = _typed(schema.get("items"))
    return out


def _possible(call: Call, functions: list[Json]) -> Json:
    function = next((one for one in functions if one["name"] == call.name), None)
    if function is None:
        raise UnfitError("a call of a function that was not offered")
    properties, required = function["parameters"]["properties"], function["parameters"]["required"]
    if not call.arguments.keys() <= properties.keys() or not set(required) <= call.arguments.keys():
        raise UnfitError("a call that lacks an argument or has one too many")
    arguments: Json = {}
    for name, schema in properties.items():
        default = _default(schema)
        if name in call.arguments:
            value = call.arguments[name]
            _judgeable(value, schema)
            spare = name not in required and default and dumps(default[0]) == dumps(value) and value != ""
            arguments[name] = [_alternatives(value, schema), ""] if spare else [_alternatives(value, schema)]
        elif default:
            arguments[name] = ["", _alternatives(default[0], schema)]
    return {call.name: arguments}


def _default(schema: Json) -> list[Any]:
    """The default, if there is one that the checker can compare: it reads into dictionaries and lists."""
    value = schema.get("default")
    fits = schema["type"] not in ("dict", "array") or type(value) is _PYTHON[schema["type"]]
    return [value] if "default" in schema and fits else []


def _alternatives(value: Any, schema: Json) -> Any:
    """A possible value; of a dictionary, and of one in a list, each key has a list of possible values."""
    if schema["type"] == "dict" and isinstance(value, dict):
        return {key: [item] for key, item in value.items()}
    if schema["type"] == "array" and schema["items"]["type"] == "dict" and isinstance(value, list):
        return [_alternatives(item, schema["items"]) for item in value]
    return value


def _judgeable(value: Any, schema: Json) -> None:
    """Refuses a list whose items the checker takes for wrong: each must be of the told type, or of the first's."""
    if schema["type"] == "array" and isinstance(value, list):
        told = _PYTHON[schema["items"]["type"]]
        first = next((type(item) for item in value if item != ""), told)
        if not all(type(item) in (told, first) for item in value):
            raise UnfitError("a list of values of more than one type")
