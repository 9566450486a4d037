"""The format check: strict JSON, a record's shape, calls that fit the offered tools (paper section 3.3, stage 1)."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import jsonschema_rs
import pyarrow as pa
import pyarrow.compute as pc

from apigen_ray.asks.base import Ask
from apigen_ray.library.validator import UNCOMPILABLE, compiled
from apigen_ray.records import NOT_REQUESTED, Json, Status, Style, dumps
from apigen_ray.strict_json import JsonProblem, items, loads
from apigen_ray.tables import set_columns
from apigen_ray.verifiers.base import Setting, with_verdict

DETAIL_CHARACTERS = 300

_Kind = jsonschema_rs.ValidationErrorKind

_CALL_COUNTS: dict[str, tuple[int, int | None]] = {
    Style.SIMPLE: (1, 1),
    Style.MULTIPLE: (1, 1),
    Style.PARALLEL: (2, None),
    Style.PARALLEL_MULTIPLE: (2, None),
    Style.IRRELEVANCE: (0, 0),
}

# JSON Schema keyword -> code of an argument; a keyword not named here is `schema_violation`.
_KEYWORDS = {
    "additionalProperties": "unexpected_argument",
    "unevaluatedProperties": "unexpected_argument",
    "falseSchema": "unexpected_argument",
    "required": "missing_required",
    "type": "wrong_type",
    "enum": "enum_violation",
    "const": "enum_violation",
} | dict.fromkeys(
    "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern format minItems maxItems "
    "uniqueItems additionalItems unevaluatedItems minProperties maxProperties".split(),
    "range_violation",
)

# What is said first of a call with several faults: what does not belong, what is not there, then what is wrong.
_RANK = {
    code: rank
    for rank, code in enumerate(
        (
            "unexpected_argument",
            "missing_required",
            "wrong_type",
            "nested_missing_required",
            "nested_wrong_type",
            "enum_violation",
            "range_violation",
            "schema_violation",
        )
    )
}


class Fault(NamedTuple):
    """What is wrong with a record: one of `FormatVerifier.codes`, and words for people."""

    code: str
    detail: str


class Finding(NamedTuple):
    """What was found in one record.

    Attributes:
        query: the record's query where it is a text.
        answers: the calls as `apigen_ray.records.calls_to_json` writes them, where each has the shape of a call.
        fault: the first fault, or None.
    """

    query: str | None
    answers: str | None
    fault: Fault | None


class FormatVerifier:
    r"""Whether a reply is a well-formed record whose calls the offered tools allow.

    The examples are of the tool ``area(base: int >= 1, unit: "cm" | "m" = "cm", at: {"x": number} = null)``; ``Q`` is
    short for ``"query": "..."``, ``A`` for ``"answers": [...]`` and ``CALL`` for a call that is right. Codes, in the
    order in which they are looked for (the first one found is reported):

    - ``engine_error``: there is no reply; the one code of status ``error``: ``reply.error = "timeout: 60 s"``
    - ``markdown_fenced``: the record is inside a code fence: ```` ```json {Q, A} ``` ````
    - ``not_json``: no JSON, more than one value, nested too deep, cut off at ``max_tokens``, no text: ``Sure! {Q, A}``
    - ``non_finite_number``: NaN, an infinity, a number beyond a double: ``{"base": 1e999}``
    - ``duplicate_key``: a key occurs twice in one object: ``{"base": 1, "base": 2}``
    - ``bad_unicode``: a lone surrogate, which no UTF-8 file can hold: ``{"query": "\ud83d", A}``
    - ``not_a_record``: JSON, but no object: ``[{Q, A}]``
    - ``missing_key``: no ``query`` or no ``answers``: ``{Q, "answer": [...]}``
    - ``bad_query``: the query is no text, or a blank one: ``{"query": " ", A}``
    - ``answers_not_list``: the answers are no list, a JSON string included: ``{Q, "answers": CALL}``
    - ``call_shape``: not exactly the keys ``name`` (a text) and ``arguments``: ``[{"area": {"base": 1}}]``
    - ``arguments_not_object``: the arguments are no object, a JSON string included: ``"arguments": [1]``
    - ``bad_tools``: the offered tools are missing or cannot be used: ``tools = "[{]"``
    - ``call_count``: the number of calls does not fit the style: ``simple`` and ``[CALL, CALL]``
    - ``unknown_function``: no offered tool has exactly this name: ``"name": "area "``
    - ``unexpected_argument``: an argument, or a key within one, that the tool does not have: ``{"base": 1, "z": 1}``
    - ``missing_required``: a required argument is not there: ``{}``
    - ``wrong_type``: an argument of another type, a bool for a number included: ``{"base": "1"}``
    - ``nested_missing_required``: a required key within an argument is not there: ``{"base": 1, "at": {}}``
    - ``nested_wrong_type``: a value within an argument is of another type: ``{"base": 1, "at": {"x": "left"}}``
    - ``enum_violation``: a value that is not among those listed: ``{"base": 1, "unit": "ft"}``
    - ``range_violation``: bounds, length, pattern, format or number of items: ``{"base": 0}``
    - ``schema_violation``: any other rule of the schema: ``1`` for ``{"not": {"const": 1}}``

    Shapes are judged of all calls, then calls in their order; of several faults in a call's arguments the first code of
    this list is reported. The decisions behind the doubtful cases are in ``docs/format-policy.md``.

    A ``call_first`` row whose planned calls did not execute was never put to a model: it is skipped, with code
    ``not_requested``, and the execution stage says why.
    """

    name: ClassVar[str] = "format"
    codes: ClassVar[tuple[str, ...]] = (
        "engine_error",
        "markdown_fenced",
        "not_json",
        "non_finite_number",
        "duplicate_key",
        "bad_unicode",
        "not_a_record",
        "missing_key",
        "bad_query",
        "answers_not_list",
        "call_shape",
        "arguments_not_object",
        "bad_tools",
        "call_count",
        "unknown_function",
        *_RANK,
    )
    columns: ClassVar[tuple[pa.Field, ...]] = ()
    needs: tuple[Ask, ...] = ()

    def __init__(self, setting: Setting) -> None:
        """Takes nothing from the setting: the tools stand in each row."""

    def check(self, table: pa.Table) -> pa.Table:
        """Sets the verdict, and ``query`` and ``answers`` where they could be read (null otherwise).

        Reads ``reply.error`` and ``reply.finish``, ``record``, ``tools``, ``style`` and what was planned. See
        `apigen_ray.verifiers.base.Verifier.check`.
        """
        errors, ends = (pc.struct_field(table["reply"], name).to_pylist() for name in ("error", "finish"))
        unasked = pc.and_(pc.is_null(table["planned"]), pc.is_valid(table["planned_results"])).to_pylist()
        rows = zip(
            errors, ends, unasked, *(table[name].to_pylist() for name in ("record", "tools", "style")), strict=True
        )
        findings = [_finding(*row) for row in rows]
        faults = [finding.fault for finding in findings]
        table = set_columns(
            table, {"query": [found.query for found in findings], "answers": [found.answers for found in findings]}
        )
        return with_verdict(
            table,
            self.name,
            [_status(fault) for fault in faults],
            [fault.code if fault else "" for fault in faults],
            [fault.detail if fault else "" for fault in faults],
        )


def _finding(
    error: str | None, end: str | None, unasked: bool, record: str | None, tools: str | None, style: str | None
) -> Finding:
    if error is not None:
        return Finding(None, None, Fault("engine_error", _short(error)))
    if unasked and record is None:
        return Finding(None, None, Fault(NOT_REQUESTED, "no planned call executed"))
    found = judge(record, tools, style)
    if end == "length" and found.fault and found.fault.code == "not_json":
        return found._replace(fault=Fault("not_json", _short(f"cut off at max_tokens: {found.fault.detail}")))
    return found


def judge(record: str | None, tools: str | None, style: str | None) -> Finding:
    """One record against its tools and its style.

    Args:
        record: the text that should be ``{"query": ..., "answers": [{"name", "arguments"}, ...]}``.
        tools: JSON list of `apigen_ray.records.Api.tool` forms, or `unusable_tools`.
        style: one of `apigen_ray.records.Style`; any other value or None asks for no number of calls.

    Returns:
        What could be read and the first fault; never raises for what is in the texts.
    """
    if record is None:
        return Finding(None, None, Fault("not_json", "there is no text"))
    try:
        value = loads(record)
    except JsonProblem as problem:
        return Finding(None, None, Fault(problem.code, _short(problem.detail)))
    if not isinstance(value, dict):
        return Finding(None, None, Fault("not_a_record", f"the record is {_kind(value)}, not an object"))
    query: Any = value.get("query")
    calls: Any = value.get("answers")
    misshapen = _misshapen(calls)
    fault = _incomplete(value) or misshapen or _unfit(calls, tools, style)
    answers = None if misshapen else dumps([{"name": call["name"], "arguments": call["arguments"]} for call in calls])
    return Finding(query if isinstance(query, str) else None, answers, fault)


def unusable_tools(reason: str, given: str | None) -> str:
    """The ``tools`` text of a row whose tools cannot be used, so that `FormatVerifier` can say why.

    Args:
        reason: what is wrong with them, for people.
        given: the text that the row came with.
    """
    return dumps({"unusable": reason, "given": given})


def _status(fault: Fault | None) -> str:
    if fault is None:
        return Status.PASSED
    return {"engine_error": Status.ERROR, NOT_REQUESTED: Status.SKIPPED}.get(fault.code, Status.REJECTED)


def _short(text: str) -> str:
    return text if len(text) <= DETAIL_CHARACTERS else text[: DETAIL_CHARACTERS - 1] + "…"


def _kind(value: Any) -> str:
    """The JSON name of a value's type, with its article."""
    if value is None or isinstance(value, bool):
        return dumps(value)
    names = {str: "a string", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names[type(value)]


def _incomplete(record: Json) -> Fault | None:
    for key in ("query", "answers"):
        if key not in record:
            keys = ", ".join(map(repr, record)) or "no key"
            return Fault("missing_key", _short(f"there is no {key!r}: the record has {keys}"))
    query = record["query"]
    if not isinstance(query, str):
        return Fault("bad_query", f"the query is {_kind(query)}, not a string")
    if not query.strip():
        return Fault("bad_query", "the query is blank")
    return None


def _misshapen(calls: Any) -> Fault | None:
    """What keeps the answers from being a list of ``{"name", "arguments"}``; all shapes come before all arguments."""
    if not isinstance(calls, list):
        return Fault("answers_not_list", f"answers is {_kind(calls)}, not a list")
    not_object = None
    for position, call in enumerate(calls):
        if not isinstance(call, dict):
            return Fault("call_shape", f"answers[{position}] is {_kind(call)}, not an object")
        if len(call) != 2 or "name" not in call or "arguments" not in call:
            keys = ", ".join(map(repr, call)) or "no key"
            return Fault("call_shape", _short(f"answers[{position}] has {keys}, not exactly 'name' and 'arguments'"))
        if not isinstance(call["name"], str):
            return Fault("call_shape", f"answers[{position}].name is {_kind(call['name'])}, not a string")
        if not_object is None and not isinstance(call["arguments"], dict):
            detail = f"answers[{position}].arguments is {_kind(call['arguments'])}, not an object"
            not_object = Fault("arguments_not_object", detail)
    return not_object


def _unfit(calls: Sequence[Json], tools: str | None, style: str | None) -> Fault | None:
    """What keeps well-shaped calls from being answers to this style with these tools."""
    offered = _offered(tools)
    if isinstance(offered, Fault):
        return offered
    least, most = _CALL_COUNTS.get(style or "", (0, None))
    if not least <= len(calls) <= (len(calls) if most is None else most):
        wanted = f"{least}" if most is not None else f"{least} or more"
        return Fault("call_count", f"the number of calls is {len(calls)}, but {style} means {wanted}")
    for position, call in enumerate(calls):
        validator = offered.get(call["name"])
        if validator is None:
            names = ", ".join(map(repr, offered)) or "none"
            return Fault("unknown_function", _short(f"answers[{position}].name is {call['name']!r}; offered: {names}"))
        if not validator.is_valid(call["arguments"]):
            return _first_violation(validator.iter_errors(call["arguments"]), f"answers[{position}].arguments")
    return None


@lru_cache(maxsize=4096)
def _offered(tools: str | None) -> dict[str, jsonschema_rs.Validator] | Fault:
    """A compiled validator for the arguments of each offered tool, by name."""
    if tools is None:
        return Fault("bad_tools", "there are no tools")
    texts = items(tools)
    if texts is None:
        return _no_tools(tools)
    offered: dict[str, jsonschema_rs.Validator] = {}
    for position, text in enumerate(texts):
        tool = _tool(text)
        if isinstance(tool, str):
            return Fault("bad_tools", _short(f"tools[{position}] {tool}"))
        name, validator = tool
        if offered.setdefault(name, validator) is not validator:
            return Fault("bad_tools", _short(f"two different tools are called {name!r}"))
    return offered


def _no_tools(tools: str) -> Fault:
    try:
        value = loads(tools)
    except JsonProblem as problem:
        return Fault("bad_tools", _short(f"the tools are no JSON: {problem.detail}"))
    if isinstance(value, dict) and "unusable" in value:
        return Fault("bad_tools", _short(str(value["unusable"])))
    return Fault("bad_tools", f"the tools are {_kind(value)}, not a list")


@lru_cache(maxsize=8192)
def _tool(text: str) -> tuple[str, jsonschema_rs.Validator] | str:
    """A tool's name and its compiled schema, or why there is none; by itself, because it is offered in many lists."""
    try:
        form = loads(text)
    except JsonProblem as problem:
        return f"is no JSON: {problem.detail}"
    name = form.get("name") if isinstance(form, dict) else None
    if not isinstance(name, str) or not isinstance(form.get("parameters"), dict):
        return "has no name or no parameters"
    try:
        return name, compiled(form["parameters"])
    except UNCOMPILABLE as error:
        return f"{name!r} is no JSON Schema: {str(error).partition(chr(10))[0]}"


class _Violation(NamedTuple):
    code: str
    path: Sequence[str | int]  # within the arguments
    message: str

    def order(self) -> tuple[int, list[tuple[bool, str | int]], str]:
        """Sorts by code, then by path: the validator's own order is not the same in every process."""
        return _RANK[self.code], [(isinstance(step, str), step) for step in self.path], self.message


def _first_violation(errors: Iterable[jsonschema_rs.ValidationError], where: str) -> Fault:
    first = min(map(_violation, errors), key=_Violation.order)
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first.path)
    return Fault(first.code, _short(f"{where}{steps}: {first.message}"))


def _violation(error: jsonschema_rs.ValidationError) -> _Violation:
    """An error of the validator in our codes."""
    kind, path = error.kind, error.instance_path
    if isinstance(kind, _Kind.AnyOf | _Kind.OneOfNotValid):
        branches = [[_violation(inner) for inner in branch] for branch in kind.context]
        # The branch that was meant is one of the value's own type: of "null or one of a, b" the enum is to blame.
        for branch in branches:
            if branch and not any(fault.path == path and fault.code.endswith("wrong_type") for fault in branch):
                return min(branch, key=_Violation.order)
        return _Violation(_nested("wrong_type", path), path, error.message)
    code = _KEYWORDS.get(kind.name, "schema_violation")
    if kind.name == "falseSchema" and path and isinstance(path[-1], int):
        code = "range_violation"  # an item too many, not a key
    inside = [*path, ""] if code == "missing_required" else path  # the missing key's own place
    return _Violation(_nested(code, inside), path, error.message)


def _nested(code: str, path: Sequence[str | int]) -> str:
    """The code for a fault within an argument, where there is one of its own."""
    return f"nested_{code}" if len(path) > 1 and code in ("wrong_type", "missing_required") else code
