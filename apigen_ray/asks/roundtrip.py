"""The round trip's ask: a model that sees only the query and the offered tools must come to the same calls."""

import json
import math
from collections.abc import Sequence
from typing import Any

from apigen_ray.asks.base import Row
from apigen_ray.asks.prompts import calls_schema, tool_named
from apigen_ray.records import Json, Request, dumps
from apigen_ray.strict_json import JsonProblem, loads

_INSTRUCTION = """\
You answer a user's query by calling functions. Write a JSON list of calls, each \
{"name": <a function's name>, "arguments": {<parameter>: <value>}}: as many calls as the query asks for, with the \
values that it gives. Write [] if none of the functions serves the query."""


_MOST_CALLS = 8  # a small model that may go on does


class RoundTrip:
    """Asks for the calls anew; the reply is constrained to the tools' schemas where the engine can."""

    name = "roundtrip"

    def wanted(self, row: Row) -> bool:
        """Always."""
        return True

    def request(self, row: Row) -> Request:
        """Needs ``tools`` and ``query``."""
        messages = (
            {"role": "system", "content": _INSTRUCTION},
            {"role": "user", "content": f"Functions:\n{row['tools']}\n\nQuery:\n{row['query']}"},
        )
        schema = {"maxItems": _MOST_CALLS} | calls_schema(json.loads(row["tools"]))
        return Request(messages, schema=schema, max_tokens=512)


def read_calls(text: str) -> list[Json] | None:
    """The calls in a reply; None where it is no list of calls."""
    try:
        value = loads(text)
    except JsonProblem:
        return None
    whole = isinstance(value, list) and all(
        isinstance(call, dict) and isinstance(call.get("name"), str) and isinstance(call.get("arguments"), dict)
        for call in value
    )
    return value if whole else None


def same_calls(these: Sequence[Json], those: Sequence[Json], tools: Sequence[Json]) -> bool:
    """Whether two lists hold the same calls, in any order.

    Not told apart: 5 and 5.0; texts that differ in case or white space; an argument left out and one that is the
    parameter's default, or null.
    """
    return sorted(_normal(call, tools) for call in these) == sorted(_normal(call, tools) for call in those)


def _normal(call: Json, tools: Sequence[Json]) -> str:
    tool = tool_named(tools, call["name"]) or {}
    properties: Json = tool.get("parameters", {}).get("properties") or {}
    arguments = {}
    for name, value in call["arguments"].items():
        form = properties.get(name)
        default = form.get("default") if isinstance(form, dict) else None
        if value is not None and (default is None or _plain(value) != _plain(default)):
            arguments[name] = _plain(value)
    return json.dumps([call["name"], arguments], sort_keys=True)


def _plain(value: Any) -> Any:
    match value:
        case float() if math.isfinite(value) and value.is_integer():
            return int(value)
        case str():
            return " ".join(value.casefold().split())
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case _:
            return value


def shown(calls: Sequence[Json]) -> str:
    """Calls for people, at most 300 characters."""
    text = dumps(list(calls))
    return text if len(text) <= 300 else text[:299] + "…"
