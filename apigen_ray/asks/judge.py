"""The judge's ask: the paper's five grounds to fail a sample, answered with a thought and yes or no."""

from apigen_ray.asks.base import Row
from apigen_ray.records import Json, Request
from apigen_ray.strict_json import JsonProblem, loads

_INSTRUCTION = """\
You are a strict reviewer of training data for function calling. You see the functions that were offered, a user's \
query, the calls that are meant to answer it, and what the calls returned.

The pair does not pass if any of these holds:
1. the calls do not do what the query asks for, or an argument is not what the query says;
2. other functions among those offered would have served the query better;
3. there are more or fewer calls than the query asks for;
4. the results have nothing to do with what the query wants to know;
5. a result is an error.
An empty list of calls passes only if none of the functions serves the query.

Answer with one JSON object: {"thought": "<why, in one or two sentences>", "pass": "yes" or "no"}."""

SCHEMA: Json = {
    "type": "object",
    "properties": {"thought": {"type": "string", "maxLength": 400}, "pass": {"type": "string", "enum": ["yes", "no"]}},
    "required": ["thought", "pass"],
    "additionalProperties": False,
}
"""What the reply is constrained to: the thought first, so that the word follows from it."""


class Judge:
    """Asks whether query, calls and results belong together (paper, section 3.1, third stage)."""

    name = "judge"

    def wanted(self, row: Row) -> bool:
        """Always."""
        return True

    def request(self, row: Row) -> Request:
        """Needs ``tools``, ``query`` and ``answers``; ``results`` may be null where nothing was executed."""
        question = (
            f"Functions:\n{row['tools']}\n\nQuery:\n{row['query']}\n\nCalls:\n{row['answers']}\n\n"
            f"Results:\n{_results(row)}"
        )
        messages = ({"role": "system", "content": _INSTRUCTION}, {"role": "user", "content": question})
        return Request(messages, schema=SCHEMA, max_tokens=256)


def _results(row: Row) -> str:
    if row.get("execution_mode") == "simulate":
        return (
            f"{row['results']}\nThose that say `simulated` are placeholders: their values do not count for or against."
        )
    return row["results"] or "the calls were not executed"


def opinion(text: str) -> tuple[bool, str] | None:
    """Whether the judge passed the sample, and its thought; None where the reply is not of the form asked for."""
    try:
        value = loads(text)
    except JsonProblem:
        return None
    if not isinstance(value, dict) or value.get("pass") not in ("yes", "no"):
        return None
    verdict = value["pass"]
    return verdict == "yes", str(value.get("thought", ""))
