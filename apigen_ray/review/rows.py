"""A row as a reviewer sees it: without the pipeline's word until it is judged, and then with all of it."""

import json
from typing import Any

from apigen_ray.config import STAGES
from apigen_ray.records import Json, Status
from apigen_ray.report.story import check_words
from apigen_ray.strict_json import JsonProblem, loads

SHOWN = 20_000
"""Characters shown of one text: a result may have many more."""


def question(row: Json) -> Json:
    """What is judged: query, calls, what they gave back, and the functions offered, those called first.

    Nothing in it says what a stage thought, who wrote the row or for which style. Where query or calls could not be
    read the model's text stands in their place.

    Args:
        row: of a sample, with its JSON texts.
    """
    calls, results, tools = (_value(row[name]) for name in ("answers", "results", "tools"))
    tools = [tool for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    readable = row["query"] is not None and isinstance(calls, list)
    called = [_name(call) for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    by_name = {_name(tool): tool for tool in reversed(tools)}  # of two the first, as the format stage takes it
    outcomes = results if isinstance(results, list) else []
    return {
        "id": row["sample_id"],
        "query": row["query"],
        "record": None if readable else _cut(str(row["record"] or (row["reply"] or {}).get("text") or "")),
        "calls": [
            _call(call, by_name, outcomes[place] if place < len(outcomes) else None)
            for place, call in enumerate(calls if readable else ())
        ],
        "tools": [
            _tool(tool) | {"called": _name(tool) in called}
            for tool in sorted(tools, key=lambda tool: _name(tool) not in called)
        ],
    }


def story(row: Json) -> Json:
    """What the pipeline said of a row: verdict, each stage's word, the checks', and where the row comes from."""
    words = _value(row["semantic_words"])
    return {
        "verdict": row["verdict"],
        "stages": [
            {"stage": stage, **{part: row[f"{stage}_{part}"] for part in ("status", "code", "detail")}}
            for stage in STAGES
        ],
        "checks": [
            {"check": name, "words": check_words(said)}
            for name, said in (words if isinstance(words, dict) else {}).items()
            if isinstance(said, dict)
        ],
        "from": {key: row[key] for key in ("generator", "style", "template", "mode", "source_id") if row[key]},
    }


def _call(call: Any, tools: Json, outcome: Any) -> Json:
    """A call that need not be one: a rejected row may hold anything."""
    arguments = call.get("arguments") if isinstance(call, dict) else None
    if not isinstance(arguments, dict):
        return {"name": None, "text": _text(call), "arguments": [], "result": _result(outcome)}
    tool = tools.get(_name(call))
    fields = {field["name"]: field for field in _tool(tool)["parameters"]} if tool else {}
    return {
        "name": _name(call),
        "description": _tool(tool)["description"] if tool else None,
        "offered": tool is not None,
        "arguments": [
            {"name": name, "value": _text(value), "about": fields[name]["description"] if name in fields else None}
            for name, value in arguments.items()
        ],
        "result": _result(outcome),
    }


def _name(form: Json) -> str:
    return str(form.get("name"))


def _result(outcome: Any) -> Json | None:
    if not isinstance(outcome, dict):
        return None
    passed = outcome.get("status") == Status.PASSED
    words = f"{outcome.get('code')}: {outcome.get('detail') or ''}".rstrip(": ")
    text = _text(_value(outcome.get("value"))) if passed else _cut(words)
    return {"passed": passed, "text": text, "simulated": bool(outcome.get("simulated"))}


def _tool(tool: Json) -> Json:
    schema = tool.get("parameters")
    schema = schema if isinstance(schema, dict) else {}
    properties, required = schema.get("properties"), schema.get("required")
    return {
        "name": _name(tool),
        "description": str(tool.get("description") or ""),
        "parameters": [
            {
                "name": name,
                "type": type_words(field),
                "required": name in (required if isinstance(required, list) else ()),
                "default": _text(field["default"]) if isinstance(field, dict) and "default" in field else None,
                "description": str((field.get("description") if isinstance(field, dict) else None) or ""),
            }
            for name, field in (properties if isinstance(properties, dict) else {}).items()
        ],
    }


def type_words(schema: Any, depth: int = 3) -> str:
    """A JSON Schema in a few words: ``integer``, ``array of number``, ``"cm" | "m"``; no bounds or patterns."""
    if not isinstance(schema, dict) or depth == 0:
        return "any"
    if isinstance(schema.get("enum"), list):
        return " | ".join(map(_text, schema["enum"]))
    for key in ("anyOf", "oneOf"):
        if isinstance(schema.get(key), list):
            return " | ".join(dict.fromkeys(type_words(each, depth - 1) for each in schema[key]))
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(type_words({**schema, "type": each}, depth) for each in kind)
    if kind == "array" and isinstance(schema.get("items"), dict):
        return f"array of {type_words(schema['items'], depth - 1)}"
    if kind == "object" and isinstance(schema.get("properties"), dict):
        fields = (f"{name}: {type_words(field, depth - 1)}" for name, field in schema["properties"].items())
        return f"object {{{', '.join(fields)}}}"
    return str(kind or "any")


def _text(value: Any) -> str:
    """A value for people: short JSON on a line, long JSON indented."""
    line = json.dumps(value, ensure_ascii=False)
    return _cut(line if len(line) <= 80 else json.dumps(value, ensure_ascii=False, indent=2))


def _value(text: str | None) -> Any:
    try:
        return None if text is None else loads(text)
    except JsonProblem:  # answers of a record that format rejected are as they came
        return text


def _cut(text: str) -> str:
    more = len(text) - SHOWN
    return text if more <= 0 else f"{text[:SHOWN]}… ({more:,} more characters)"
