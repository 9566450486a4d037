"""The ask that puts a function into one of the paper's 21 categories, where its source has no word that tells."""

from apigen_ray.asks.base import Row
from apigen_ray.library.categories import CATEGORIES, category_meant
from apigen_ray.library.prepared import api_of
from apigen_ray.records import Json, Request
from apigen_ray.strict_json import JsonProblem, loads

_INSTRUCTION = f"""\
You sort the functions of a library into categories by what a person would use them for. The categories are: \
{", ".join(CATEGORIES)}. Take Other only where none of them fits.

Answer with one JSON object: {{"category": "<one of them>"}}."""

SCHEMA: Json = {
    "type": "object",
    "properties": {"category": {"type": "string", "enum": list(CATEGORIES)}},
    "required": ["category"],
    "additionalProperties": False,
}
"""What the reply is constrained to."""


class Categorise:
    """Asks for the category of a library's entry that its source does not tell."""

    name = "categorise"

    def wanted(self, row: Row) -> bool:
        """Whether its source leaves it open."""
        return row["api"] is not None and category_meant(api_of(row["api"]).category) is None

    def request(self, row: Row) -> Request:
        """Needs ``api`` and ``entry`` of a row of `apigen_ray.library.prepared.ENTRY`."""
        api = api_of(row["api"])
        parts = [f"Function: {api.name} ({row['entry']})", f"It does: {api.description}"[:2000]]
        names = list(api.parameters.get("properties") or ())
        parts.append(f"Its parameters: {', '.join(names)}"[:500])
        if api.category:
            parts.append(f"Its provider files it under: {api.category}"[:200])
        messages = ({"role": "system", "content": _INSTRUCTION}, {"role": "user", "content": "\n".join(parts)})
        return Request(messages, schema=SCHEMA, max_tokens=32)


def category_said(text: str) -> str | None:
    """The category that a reply names; None where it names none of the 21."""
    try:
        value = loads(text)
    except JsonProblem:
        value = text
    word = value.get("category") if isinstance(value, dict) else value
    return next(
        (name for name in CATEGORIES if isinstance(word, str) and word.strip().casefold() == name.casefold()), None
    )
