"""The likelihood's ask: how probable a model finds the query, given the calls in words; no opinion is asked for."""

import json

from apigen_ray.asks.base import Row
from apigen_ray.asks.prompts import in_words, tool_named
from apigen_ray.records import Json, Mode, Request

_INSTRUCTION = "You write what a user would say, in one sentence. Use every value that is given."


class Likelihood:
    """Asks for the mean log-probability of the query's tokens (nats per token) after its calls in words.

    A row of ``call_first`` whose generator gave the log-probability of what it wrote needs no request: that figure is
    the same thing, for the generator and its own prompt (`own`).
    """

    name = "likelihood"

    def wanted(self, row: Row) -> bool:
        """Not where the generator's own figure is there."""
        return own(row) is None

    def request(self, row: Row) -> Request:
        """Needs ``tools``, ``query`` and ``answers`` (for ``call_first`` irrelevance ``planned``)."""
        calls: list[Json] = json.loads(row["answers"]) or json.loads(row["planned"] or "[]")
        tools: list[Json] = json.loads(row["tools"])
        asked = "\n".join(in_words(call, tool_named(tools, call["name"])) for call in calls)
        messages = (
            {"role": "system", "content": _INSTRUCTION},
            {"role": "user", "content": asked or "Something that none of the functions can do."},
            {"role": "assistant", "content": row["query"]},
        )
        return Request(messages, score=True)


def own(row: Row) -> float | None:
    """The generator's own mean log-probability of a ``call_first`` query; None where there is none to take."""
    if row["mode"] != Mode.CALL_FIRST or row["reply"] is None:
        return None
    logprob: float | None = row["reply"]["logprob"]
    return logprob
