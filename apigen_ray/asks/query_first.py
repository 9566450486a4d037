"""The generator's ask of ``query_first``, the paper's: the model writes queries and the calls that answer them."""

import json
from typing import Any

from apigen_ray.asks.base import Row
from apigen_ray.asks.prompts import Texts, calls_schema, prompts
from apigen_ray.records import Json, Mode, Request, Style, dumps
from apigen_ray.strict_json import JsonProblem, loads


class QueryFirst:
    """Asks for ``pairs`` records in one reply (paper, section 3.1): a JSON list of ``{thought, query, answers}``.

    Args:
        texts: template texts by (mode, style, name), see ``asks/templates/README.md``.

    Raises:
        RecordError: a template has no ``---`` line or an unknown placeholder.
    """

    name = "reply"

    def __init__(self, texts: Texts) -> None:
        self._prompts = prompts(texts, Mode.QUERY_FIRST, ("pairs",), ("tools", "examples", "pairs", "form"))

    def wanted(self, row: Row) -> bool:
        """Always."""
        return True

    def request(self, row: Row) -> Request:
        """The prompt, and the schema that the reply may be constrained to."""
        prompt = self._prompts[row["style"], row["template"]]
        pairs = row["pairs"] or 1
        tools: list[Json] = json.loads(row["tools"])
        examples = [
            {"query": example["query"], "answers": example["answers"]}
            for example in json.loads(row["examples"] or "[]")
        ]
        turn = prompt.turn.substitute(
            tools="\n".join(dumps(tool) for tool in tools),
            examples="\n".join(dumps(example) for example in examples) or "none",
            pairs=pairs,
            form='[{"thought": "...", "query": "...", "answers": [{"name": "...", "arguments": {...}}]}]',
        )
        messages = (
            {"role": "system", "content": prompt.instruction.substitute(pairs=pairs)},
            {"role": "user", "content": turn},
        )
        return Request(messages, schema=reply_schema(tools, row["style"], pairs))

    def records(self, row: Row) -> list[str]:
        """One text for each record of a JSON list, one for a JSON object, and any other reply whole.

        A reply that is not strict JSON is given back as it is, so that the format verifier says why; so is an empty
        list. ``thought`` and other keys are left in: they are the record's own.
        """
        text: str = row["reply"]["text"]
        try:
            value: Any = loads(text)
        except JsonProblem:
            return [text]
        return [dumps(record) for record in value] if isinstance(value, list) and value else [text]


def reply_schema(tools: list[Json], style: str, pairs: int) -> Json:
    """JSON Schema of a reply: ``pairs`` records whose calls are to the tools, as many as the style wants."""
    calls = calls_schema([] if style == Style.IRRELEVANCE else tools)
    if style in (Style.PARALLEL, Style.PARALLEL_MULTIPLE):
        calls |= {"minItems": 2, "maxItems": 6}
    elif style != Style.IRRELEVANCE:
        calls |= {"minItems": 1, "maxItems": 1}
    record: Json = {
        "type": "object",
        "properties": {"thought": {"type": "string"}, "query": {"type": "string"}, "answers": calls},
        "required": ["query", "answers"],
        "additionalProperties": False,
    }
    return {"type": "array", "items": record, "minItems": pairs, "maxItems": pairs}
