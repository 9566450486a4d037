"""The steps of preparing a library as functions of its rows, to be tested without Ray (paper, section 3.1)."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from apigen_ray.asks.categorise import category_said
from apigen_ray.asks.describe import Describe
from apigen_ray.errors import RecordError
from apigen_ray.library.categories import category_meant
from apigen_ray.library.mcp import ToolForm
from apigen_ray.library.prepared import PARSE, STEPS, api_form, api_of
from apigen_ray.library.quality import complaint, noise
from apigen_ray.library.request import RequestForm
from apigen_ray.library.validator import UNCOMPILABLE, compiled
from apigen_ray.records import EARLIER_STAGE, NOT_REQUESTED, Api, Json, Status, content_hash, dumps
from apigen_ray.runners.base import ExecutionSpec, Outcome, Task
from apigen_ray.runners.pool import executable
from apigen_ray.runners.rest.leases import Leases
from apigen_ray.sampling import Lexicons
from apigen_ray.sampling.values import Arguments
from apigen_ray.verifiers.stages import reached

EXAMPLE = 2000
"""Characters of an answer that are kept as an example."""

_AGAIN = frozenset({"blocked_address", "method_refused", "redirect_refused", "no_values"})
"""Codes of the accessibility step that speak of the settings: they are looked at anew, which asks nobody."""

_WHATEVER = _AGAIN | {"no_credentials", "refused", "forbidden", "quarantined", "unknown_function", "runner_unavailable"}
"""Codes that no other values would change."""

Run = Callable[[Sequence[Task]], Sequence[Outcome]]
"""Executes calls: the pool of runners of the process."""


@dataclass(frozen=True)
class Plan:
    """What is to be done with a library's entries.

    Attributes:
        steps: names of `apigen_ray.library.prepared.STEPS` that are asked for.
        execution: how calls are made.
        lexicons: values for parameters.
        tries: calls with different values before an endpoint is given up.
        min_words: that a description must have.
        writes: whether there is an engine that writes descriptions and chooses categories.
        leases: what hosts bear, for all workers together; None: for each alone.
    """

    steps: tuple[str, ...]
    execution: ExecutionSpec
    lexicons: Lexicons
    tries: int = 3
    min_words: int = 2
    writes: bool = False
    leases: Leases | None = None


def settled(row: Mapping[str, Any], step: str) -> bool:
    """Whether a step has spoken on a row, so that it is not done again: it passed or rejected it."""
    status = row[f"{step}_status"]
    if status == Status.REJECTED and step == "accessibility":
        return row["accessibility_code"] not in _AGAIN
    return status in (Status.PASSED, Status.REJECTED)


def due(row: Mapping[str, Any], step: str, plan: Plan) -> bool:
    """Whether a step is to be done now."""
    earlier = (PARSE, *STEPS[: STEPS.index(step)])
    return step in plan.steps and not settled(row, step) and reached(row, earlier)


def judge_quality(rows: Sequence[Json], plan: Plan, duplicates: Mapping[str, str]) -> None:
    """Sets the step ``quality``: done anew each time, since it costs nothing.

    Args:
        rows: of `apigen_ray.library.prepared.ENTRY`; changed in place.
        plan: what is asked for.
        duplicates: the names of the entries that others repeat, by the row_ids of these.
    """
    writing = plan.writes and "description" in plan.steps
    for row in rows:
        if "quality" in plan.steps:
            _say(row, "quality", None)
        if not due(row, "quality", plan):
            _rest(row, "quality", plan)
            continue
        fault = complaint(api_of(row["api"]), 0 if writing else plan.min_words)
        if fault is None and row["row_id"] in duplicates:
            fault = "duplicate", f"{duplicates[row['row_id']]} has the same name, parameters and description"
        _say(row, "quality", *((Status.PASSED,) if fault is None else (Status.REJECTED, *fault)))


def judge_accessibility(rows: Sequence[Json], plan: Plan, run: Run) -> None:
    """Sets the step ``accessibility``: calls what can be called and changes nothing, with several values.

    Codes are those of `apigen_ray.runners.base.CODES`, and ``no_values`` (no arguments could be drawn),
    ``empty_answer`` (it answered nothing, ``{}`` or ``[]`` to each call) and ``error_answer`` (all it says is that
    there was an error).

    Args:
        rows: of `apigen_ray.library.prepared.ENTRY`; changed in place.
        plan: what is asked for.
        run: executes calls.
    """
    waiting: list[_Trial] = []
    for row in rows:
        if not due(row, "accessibility", plan):
            _rest(row, "accessibility", plan)
            continue
        api = api_of(row["api"])
        if why := _not_called(api, plan.execution):
            _say(row, "accessibility", Status.SKIPPED, NOT_REQUESTED, why)
        elif values := _values(api, row["row_id"], plan):
            waiting.append(_Trial(row, api, values, []))
        else:
            detail = "no arguments could be drawn: a required parameter needs an example, an enum or a lexicon"
            _say(row, "accessibility", Status.REJECTED, "no_values", detail)
    while waiting:
        done = run([Task(trial.api, dumps(trial.values[len(trial.failed)])) for trial in waiting])
        waiting = [trial for trial, outcome in zip(waiting, done, strict=True) if not trial.ended(outcome)]


def use_description(row: Json, plan: Plan) -> None:
    """Sets the step ``description`` from the reply to `apigen_ray.asks.describe.Describe`, which keeps the original.

    Codes: ``not_described``: the reply is no description, or no better one; ``engine_error`` (status ``error``).
    """
    if not due(row, "description", plan):
        return _rest(row, "description", plan)
    api = api_of(row["api"])
    why = noise(api, plan.min_words)
    if not why:
        return _say(row, "description", Status.PASSED)
    if not plan.writes:
        return _say(row, "description", Status.SKIPPED, NOT_REQUESTED, f"{why}; no `writer` is configured")
    text = _reply(row, "description", "describe")
    if text is None:
        return None
    new = Describe(plan.min_words).described(api, text)
    if new is None:
        return _say(row, "description", Status.REJECTED, "not_described", f"{why}; the model wrote {text[:200]!r}")
    row["original"] = dumps({"description": api.description, "parameters": api.parameters})
    row["api"] = api_form(new)
    return _say(row, "description", Status.PASSED, "", f"written anew: {why}")


def use_category(row: Json, plan: Plan) -> None:
    """Sets the step ``category``, from the source's own word or the reply to `apigen_ray.asks.categorise.Categorise`.

    A reply that names none of the 21 makes it ``Other``, and the detail says so. Code: ``engine_error`` (status
    ``error``).
    """
    if not due(row, "category", plan):
        return _rest(row, "category", plan)
    api = api_of(row["api"])
    found = category_meant(api.category)
    detail = "" if found == api.category else f"the source says {api.category!r}"
    if found is None and not plan.writes:
        why = f"the source says {api.category!r}" if api.category else "the source names none"
        return _say(row, "category", Status.SKIPPED, NOT_REQUESTED, f"{why}; no `writer` is configured")
    if found is None:
        text = _reply(row, "category", "categorise")
        if text is None:
            return None
        said = category_said(text)
        found = said or "Other"
        detail = "chosen by the model" if said else f"the model named none: {text[:100]!r}"
    row["api"] = api_form(replace(api, category=found))
    return _say(row, "category", Status.PASSED, "", detail)


def _reply(row: Json, step: str, ask: str) -> str | None:
    """The text of a reply; None where there is none, and the step is said to be an error, or is not done yet."""
    reply = row[ask]
    if reply is None:  # a run that was stopped asks nobody any more
        return None
    if reply["error"] is not None:
        _say(row, step, Status.ERROR, "engine_error", reply["error"])
        return None
    return str(reply["text"])


def _say(row: Json, step: str, status: Status | None, code: str = "", detail: str = "") -> None:
    row[f"{step}_status"] = None if status is None else str(status)
    row[f"{step}_code"], row[f"{step}_detail"] = code, detail[:500]


def _rest(row: Json, step: str, plan: Plan) -> None:
    """What is said of a step that is not done now: what it said before, else why."""
    if settled(row, step) or (row[f"{step}_status"] == Status.ERROR and step not in plan.steps):
        return
    earlier = (PARSE, *STEPS[: STEPS.index(step)])
    _say(row, step, Status.SKIPPED, NOT_REQUESTED if reached(row, earlier) else EARLIER_STAGE)


@dataclass(frozen=True)
class _Trial:
    """An endpoint that is tried.

    Attributes:
        row: of its entry.
        api: the entry.
        values: different arguments.
        failed: what became of the first of them.
    """

    row: Json
    api: Api
    values: Sequence[Json]
    failed: list[Outcome]

    def ended(self, outcome: Outcome) -> bool:
        """Takes the outcome of the next try; whether there is no other to come."""
        if outcome.simulated:
            _say(
                self.row, "accessibility", Status.SKIPPED, NOT_REQUESTED, "its answer would be made up, not called for"
            )
            return True
        outcome = _looked_at(outcome, self.api)
        if outcome.status == Status.PASSED:
            example = {"arguments": self.values[len(self.failed)], "result": _bounded(outcome.value or "null")}
            self.row["example"] = dumps(example)
            _say(self.row, "accessibility", Status.PASSED)
            return True
        self.failed.append(outcome)
        if len(self.failed) < len(self.values) and outcome.code not in _WHATEVER:
            return False
        # what blames the endpoint tells more than what may be our own moment of weakness
        told = next((each for each in self.failed if each.status == Status.REJECTED), self.failed[0])
        tries = f"{len(self.failed)} tries; " if len(self.failed) > 1 else ""
        _say(self.row, "accessibility", told.status, told.code, f"{tries}{told.detail}")
        return True


def _not_called(api: Api, execution: ExecutionSpec) -> str:
    """Why an endpoint is not called at all, in words; "" where it is."""
    if execution.mode == "none":
        return "execution.mode is none"
    if not executable(api, execution.mode) or api.source is None:
        return "nothing is behind it that could be called"
    if api.source.executed_by == "rest":
        method = RequestForm.loads(api.source.request).method
        if method not in execution.rest.methods:
            return f"{method} may change something: name it in execution.rest.methods to have it called"
    if api.source.executed_by == "mcp" and not ToolForm.loads(api.source.request).read_only:
        return "its server does not say that it only reads"
    return ""


def _values(api: Api, seed: str, plan: Plan) -> list[Json]:
    """Different arguments to try: the schema's own examples first, then sampled ones."""
    found: dict[str, Json] = {}
    first = _own_example(api)
    if first is not None:
        found[json.dumps(first, sort_keys=True)] = first
    try:
        sampler = Arguments(api, plan.lexicons)
    except RecordError:  # a lexicon that does not fit this entry; a run that draws from it says so
        sampler = Arguments(api, {})
    rng = random.Random(content_hash("accessibility", seed))  # noqa: S311 - the same values each time, no secret
    for _ in range(4 * plan.tries):
        if len(found) >= plan.tries or (drawn := sampler.draw(rng)) is None:
            break
        found.setdefault(json.dumps(drawn, sort_keys=True), drawn)
    return list(found.values())[: plan.tries]


def _own_example(api: Api) -> Json | None:
    """The example or default of each required parameter, where all have one."""
    out: Json = {}
    for name in api.parameters.get("required") or ():
        form = (api.parameters.get("properties") or {}).get(name)
        if not isinstance(form, dict):
            return None
        given = [*(form.get("examples") or ()), *([form["default"]] if "default" in form else ())]
        if not given:
            return None
        out[name] = given[0]
    try:
        return out if compiled(api.parameters).is_valid(out) else None
    except UNCOMPILABLE:  # a value is drawn in its place
        return None


def _looked_at(outcome: Outcome, api: Api) -> Outcome:
    """The outcome, or why its answer is none although the call went well."""
    if outcome.status != Status.PASSED:
        return outcome
    value = json.loads(outcome.value or "null")
    body = value.get("body") if api.source and api.source.executed_by == "rest" and isinstance(value, dict) else value
    if body is None or body in ("", [], {}):
        return replace(outcome, status=Status.REJECTED, code="empty_answer", detail=f"it answered {dumps(body)}")
    if isinstance(body, dict) and body.keys() <= _ERROR_KEYS and any(body.get(key) for key in ("error", "errors")):
        return replace(outcome, status=Status.REJECTED, code="error_answer", detail=dumps(body)[:300])
    return outcome


_ERROR_KEYS = frozenset({"error", "errors", "message", "messages", "code", "status", "success", "detail", "info"})


def _bounded(value: str) -> Any:
    return json.loads(value) if len(value) <= EXAMPLE else f"{value[:EXAMPLE]}…"
