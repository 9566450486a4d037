"""One sample told for a page: request, calls, results and each stage's word, cut to what a page can hold."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from apigen_ray.config import STAGES
from apigen_ray.records import EARLIER_STAGE, Json, Status
from apigen_ray.report.categories import Categories
from apigen_ray.report.census import decided, read_calls, read_json
from apigen_ray.rundir import RunDir

TEXT = 600
"""Characters of one text."""

ITEMS = 12
"""Calls, arguments or functions of one sample."""

BYTES = 1_500_000
"""Of all stories of a page, as JSON."""

_COLUMNS = [
    *("sample_id", "source_id", "generator", "style", "template", "round", "verdict", "query", "record", "reply"),
    *("tools", "api_ids", "answers", "planned", "results", "execution_mode", "semantic_words"),
    *(f"{stage}_{part}" for stage in STAGES for part in ("status", "code", "detail")),
]


def stories(run: RunDir, names: Sequence[str], categories: Categories) -> list[Json]:
    """Samples by id, in the order of the ids; those that no longer fit a page are left out."""
    found: dict[str, Json] = {}
    for table in run.read(_COLUMNS, only=pa.array(names, pa.string())) if names else ():
        found |= {row["sample_id"]: story(row, categories) for row in table.to_pylist()}
    return list(_fitting(found[name] for name in names if name in found))


def story(row: Json, categories: Categories) -> Json:
    """A row of ``samples/`` as a page tells it: texts and lists of texts only."""
    calls = read_calls(row["answers"])
    stage, code = decided(row)
    outcomes = _list(row["results"])
    reply = row["reply"] or {}
    return {
        "id": row["sample_id"],
        "source": row["source_id"] or "",
        "verdict": row["verdict"],
        "generator": row["generator"] or "",
        "style": row["style"] or "",
        "template": row["template"] or "",
        "round": row["round"] or 0,
        "category": categories.sample(calls or read_calls(row["planned"]), row["api_ids"] or ()),
        "stage": stage,
        "code": code,
        "query": cut(row["query"] or ""),
        "said": "" if calls or row["answers"] == "[]" else cut(row["record"] or reply.get("error") or ""),
        "tools": [
            {"name": cut(str(tool.get("name", "")), 100), "description": cut(str(tool.get("description", "")), 200)}
            for tool in _list(row["tools"])[:ITEMS]
            if isinstance(tool, dict)
        ],
        "calls": [
            {"call": call_text(call), **_outcome(outcomes[number] if number < len(outcomes) else None)}
            for number, call in enumerate(calls[:ITEMS])
        ],
        "mode": row["execution_mode"] or "",
        "checks": [
            f"{cut(str(check), 40)}: {cut(check_words(said), 200)}"
            for check, said in _object(row["semantic_words"]).items()
            if isinstance(said, dict)
        ],
        "stages": [
            {"stage": name, "status": row[f"{name}_status"] or "", "code": row[f"{name}_code"] or "", "detail": detail}
            for name in STAGES
            for detail in [cut(row[f"{name}_detail"] or "")]
            if (row[f"{name}_status"], row[f"{name}_code"]) != (Status.SKIPPED, EARLIER_STAGE)
        ],
    }


def call_text(call: Json) -> str:
    """A call as a person writes it: ``area(base=2, unit="cm")``."""
    arguments = call.get("arguments")
    if not isinstance(arguments, dict):
        return cut(_word(call))
    said = ", ".join(f"{name}={_json(value)}" for name, value in list(arguments.items())[:ITEMS])
    return cut(f"{call.get('name')}({said}{', …' if len(arguments) > ITEMS else ''})")


def check_words(said: Json) -> str:
    """What a semantic check said of a row, and its figures: ``no, logprob -0.8512``."""
    return ", ".join(
        _word(value) if key == "word" else f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {_word(value)}"
        for key, value in said.items()
    )


def cut(text: str, most: int = TEXT) -> str:
    """The text, or its beginning and how much is left out."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most:,} more characters)"


def _outcome(form: Any) -> Json:
    """What a call gave back: a text, and whether it is a result, made up, or why there is none."""
    if not isinstance(form, dict):
        return {"result": "", "kind": ""}
    if form.get("status") != Status.PASSED:
        return {"result": cut(f"{form.get('code') or ''}: {form.get('detail') or ''}"), "kind": "failed"}
    return {"result": cut(str(form.get("value"))), "kind": "simulated" if form.get("simulated") else "result"}


def _fitting(told: Iterator[Json]) -> Iterator[Json]:
    left = BYTES
    for one in told:
        left -= len(_json(one).encode())
        if left < 0:
            return
        yield one


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _word(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _list(text: str | None) -> list[Any]:
    value = read_json(text)
    return value if isinstance(value, list) else []


def _object(text: str | None) -> Json:
    value = read_json(text)
    return value if isinstance(value, dict) else {}
