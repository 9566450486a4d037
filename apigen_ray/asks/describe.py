"""The ask that writes a description anew: of a function, and of parameters that have none (paper, section 3.1)."""

import json
from dataclasses import replace

from apigen_ray.asks.base import Row
from apigen_ray.library.prepared import api_of
from apigen_ray.library.quality import LONGEST, noise
from apigen_ray.records import Api, Json, Request, dumps
from apigen_ray.strict_json import JsonProblem, loads

_INSTRUCTION = """\
You write the documentation of functions for a language model that has to choose among many of them and call them. You \
see a function as its provider describes it: its name, its parameters, a description that is missing or noisy, and, \
where there is one, a call with its answer.

Write one description of what the function does and gives back: one to three plain sentences, in English, beginning \
with a verb. Say nothing that cannot be seen there. No HTML, no Markdown, no links, no examples, no praise.
Where parameters are listed as lacking a description, write one short phrase for each of them.

Answer with one JSON object: {"description": "...", "parameters": {"<name>": "..."}}."""

_MANY = 20  # parameters that are described in one reply


class Describe:
    """Asks for the description of a library's entry where its own is missing or noise.

    Args:
        min_words: words that a description must have.
    """

    name = "describe"

    def __init__(self, min_words: int) -> None:
        self._min_words = min_words

    def wanted(self, row: Row) -> bool:
        """Whether its own description cannot stay."""
        return row["api"] is not None and noise(api_of(row["api"]), self._min_words) != ""

    def request(self, row: Row) -> Request:
        """Needs ``api`` and ``entry`` of a row of `apigen_ray.library.prepared.ENTRY`; ``example`` may be null."""
        api = api_of(row["api"])
        lacking = undescribed(api)
        parts = [
            f"Function: {api.name} ({row['entry']})",
            f"Its description: {api.description or 'none'}"[: 4 * LONGEST],
            f"Its parameters: {dumps(api.parameters)}"[:6000],
        ]
        if row["example"] is not None:
            parts.append(f"A call and its answer: {row['example']}"[:1500])
        if lacking:
            parts.append(f"Parameters that lack a description: {', '.join(lacking)}")
        texts: Json = {"type": "string", "minLength": 1, "maxLength": 200}
        schema: Json = {
            "type": "object",
            "properties": {
                "description": {"type": "string", "minLength": 1, "maxLength": LONGEST},
                "parameters": _closed({name: texts for name in lacking}),
            },
            "required": ["description", "parameters"],
            "additionalProperties": False,
        }
        messages = ({"role": "system", "content": _INSTRUCTION}, {"role": "user", "content": "\n\n".join(parts)})
        return Request(messages, schema=schema, max_tokens=256 + 60 * len(lacking))

    def described(self, api: Api, text: str) -> Api | None:
        """The API with what a reply says of it; None where that is no better than what was there.

        What a parameter's schema already says stays as it is.
        """
        try:
            value = loads(text)
        except JsonProblem:
            return None
        if not isinstance(value, dict) or not isinstance(value.get("description"), str):
            return None
        new = replace(api, description=" ".join(value["description"].split()))
        if noise(new, max(2, self._min_words)):
            return None
        told = value.get("parameters")
        said: Json = told if isinstance(told, dict) else {}
        parameters: Json = json.loads(json.dumps(api.parameters))
        for name in undescribed(api):
            words = said.get(name)
            if isinstance(words, str) and words.strip():
                parameters["properties"][name]["description"] = " ".join(words.split())[:200]
        return replace(new, parameters=parameters)


def undescribed(api: Api) -> list[str]:
    """The first parameters that have no description of their own."""
    properties: Json = api.parameters.get("properties") or {}
    lacking = [name for name, form in properties.items() if isinstance(form, dict) and not form.get("description")]
    return lacking[:_MANY]


def _closed(properties: Json) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
