"""What a query repeats of its prompt: a small model likes to say again what it has just been shown."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from apigen_ray.asks.base import Row

_WORD = re.compile(r"\d[\d.,:/-]*|\w+(?:['\u2019]\w+)*")


def copied(row: Row, length: int) -> str | None:
    """The first run of ``length`` words of a row's query that its prompt's material holds, or None.

    The material is the examples' queries and the descriptions of the tools (the row's and the examples'). Words of
    argument values belong to nobody: a run that holds one does not count.

    Args:
        row: with ``query``, ``answers``, ``planned``, ``examples`` and ``tools``.
        length: words in a run.
    """
    examples = json.loads(row["examples"] or "[]")
    tools = json.loads(row["tools"] or "[]")
    texts = [str(example["query"]) for example in examples]
    texts += [str(tool.get("description") or "") for tool in [*tools, *(t for e in examples for t in e["tools"])]]
    calls = [*json.loads(row["answers"] or "[]"), *json.loads(row["planned"] or "[]")]
    values = {word for call in calls for word in words(" ".join(_scalars(call.get("arguments"))))}
    known = {run for text in texts for run in _runs(words(text), length)}
    return next(
        (" ".join(run) for run in _runs(words(row["query"]), length) if run in known and values.isdisjoint(run)), None
    )


def words(text: str) -> list[str]:
    """The words and numbers of a text, without case and punctuation."""
    return [word.strip(".,:/-") for word in _WORD.findall(text.lower())]


def _runs(of: Sequence[str], length: int) -> Iterable[tuple[str, ...]]:
    return (tuple(of[start : start + length]) for start in range(len(of) - length + 1))


def _scalars(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _scalars(item)
    elif isinstance(value, list):
        for item in value:
            yield from _scalars(item)
    elif not isinstance(value, bool) and value is not None:
        yield str(value)
