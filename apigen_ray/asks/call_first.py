"""The generator's ask of ``call_first``: code has made the calls, the model writes the request that they answer."""

import json
import re
from collections.abc import Sequence

from apigen_ray.asks.base import Row
from apigen_ray.asks.prompts import Prompt, Texts, facts, in_words, prompts, purpose, tool_named
from apigen_ray.records import Json, Mode, Request, Style, dumps

_LABEL = re.compile(r"^(?:question|query|request|user)\s*:\s*", re.IGNORECASE)
_QUOTES = {'"': '"', "\u201c": "\u201d"}


class CallFirst:
    """Asks for one request in plain text; each example is a turn of the conversation, in the order of the row.

    Args:
        texts: template texts by (mode, style, name), see ``asks/templates/README.md``.

    Raises:
        RecordError: a template has no ``---`` line or an unknown placeholder.
    """

    name = "reply"

    def __init__(self, texts: Texts) -> None:
        self._prompts = prompts(texts, Mode.CALL_FIRST, ("count",), ("asks", "calls", "json", "tools", "count"))

    def wanted(self, row: Row) -> bool:
        """Whether any planned calls executed."""
        return row["planned"] is not None

    def request(self, row: Row) -> Request:
        """The conversation for a row whose ``planned`` calls are known."""
        prompt = self._prompts[row["style"], row["template"]]
        calls: list[Json] = json.loads(row["planned"])
        tools: list[Json] = json.loads(row["tools"])
        messages: list[Json] = [
            {"role": "system", "content": prompt.instruction.substitute(count=len(calls))},
        ]
        examples: list[Json] = [example for example in json.loads(row["examples"] or "[]") if example["answers"]]
        for example in examples:
            messages.append({"role": "user", "content": _turn(prompt, example["answers"], example["tools"])})
            messages.append({"role": "assistant", "content": example["query"]})
        messages.append({"role": "user", "content": _turn(prompt, calls, tools)})
        return Request(tuple(messages))

    def records(self, row: Row) -> list[str]:
        """One record: the model's words and the planned calls; none of these for ``irrelevance``.

        A reply that was cut off at the token limit is no request: it is given back as it is, and is no record.
        """
        reply = row["reply"]
        if reply["finish"] == "length":
            return [reply["text"]]
        answers = [] if row["style"] == Style.IRRELEVANCE else json.loads(row["planned"])
        return [dumps({"query": clean(reply["text"]), "answers": answers})]


def clean(text: str) -> str:
    """The model's words without what is around them: white space, one label, one pair of double quotes.

    Nothing within is touched: a reply that goes on, explains or answers itself is judged as it stands.
    """
    text = _LABEL.sub("", text.strip())
    if len(text) > 1 and _QUOTES.get(text[0]) == text[-1] and text[-1] not in text[1:-1]:
        text = text[1:-1].strip()
    return text


def _turn(prompt: Prompt, calls: Sequence[Json], tools: Sequence[Json]) -> str:
    told = [(call, tool_named(tools, call["name"])) for call in calls]
    return prompt.turn.substitute(
        calls="\n".join(f"{purpose(tool or {'name': call['name']})}: {facts(call, tool)}" for call, tool in told),
        asks="\n".join(in_words(call, tool) for call, tool in told),
        json=dumps(list(calls)),
        tools=dumps(list(tools)),
        count=len(calls),
    )
