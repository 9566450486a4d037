"""``openai``: conversations with ``messages`` and ``tools``, as the chat API and most trainers take them."""

from collections import Counter
from pathlib import Path
from typing import ClassVar, Final

import pyarrow as pa

from apigen_ray.export.base import COLUMNS, NO_CALL, Sample, UnfitError, nested, write_samples
from apigen_ray.export.files import Files, Part
from apigen_ray.records import Json, Status, dumps

CHAT_TEMPLATE: Final = Path(__file__).with_name("chat_template.jinja")
"""Renders a conversation as text, for tokenizers with the marks of ChatML; most models' own leave functions out."""


class OpenAIExport:
    """Conversations as the chat API and most trainers take them: messages and tools.

    A row is the user's request, the assistant's calls, and their results if asked for.

    ``arguments`` is a JSON text; a call's ``id`` is its place (``call_0``), and a result's ``tool_call_id`` names it. A
    call that failed gives back ``{"error", "detail"}``. In a relevance row the assistant says
    `apigen_ray.export.base.NO_CALL`, and has no ``tool_calls``. Beside the rows stands ``chat_template.jinja``, which a
    trainer renders them by.

    Args:
        results: adds a message of role ``tool`` for each call.
    """

    name: ClassVar[str] = "openai"
    columns: ClassVar[tuple[str, ...]] = COLUMNS
    with_results: ClassVar[bool] = True

    def __init__(self, results: bool = False) -> None:
        self._results = results

    def write(self, rows: pa.Table, split: str, files: Files) -> Counter[str]:
        """Appends to ``<split>.jsonl``; see `apigen_ray.export.base.Export`."""
        part = Part(f"{split}.jsonl", split)
        return write_samples(rows, files, lambda sample: [(part, nested(self._conversation(sample)))])

    def features(self, config: str) -> list[Json] | None:
        """Lists of JSON values: structs of Arrow would give each function the parameters of all others."""
        return [{"name": "messages", "list": "json"}, {"name": "tools", "list": "json"}]

    def finish(self, files: Files) -> None:
        """Writes ``chat_template.jinja``."""
        files.write(CHAT_TEMPLATE.name, CHAT_TEMPLATE.read_text("utf-8"))

    def _conversation(self, sample: Sample) -> Json:
        messages: list[Json] = [{"role": "user", "content": sample.query}]
        if sample.calls:
            calls = [
                {
                    "id": f"call_{place}",
                    "type": "function",
                    "function": {"name": call.name, "arguments": dumps(call.arguments)},
                }
                for place, call in enumerate(sample.calls)
            ]
            messages.append({"role": "assistant", "content": None, "tool_calls": calls})
            if self._results:
                messages += _results(sample)
        else:
            messages.append({"role": "assistant", "content": NO_CALL})
        return {"messages": messages, "tools": [{"type": "function", "function": tool} for tool in sample.tools]}


def _results(sample: Sample) -> list[Json]:
    if sample.results is None or len(sample.results) != len(sample.calls):
        raise UnfitError("no results: its calls were not made")
    if any(outcome.get("simulated") for outcome in sample.results):
        raise UnfitError("simulated results: its calls were not made")
    return [
        {"role": "tool", "tool_call_id": f"call_{place}", "content": _content(outcome)}
        for place, outcome in enumerate(sample.results)
    ]


def _content(outcome: Json) -> str:
    if outcome["status"] == Status.PASSED and outcome["value"] is not None:
        return str(outcome["value"])
    return dumps({"error": outcome.get("code", ""), "detail": outcome.get("detail", "")})
