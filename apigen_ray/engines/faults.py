"""Bad output on purpose: every kind that a model gives, each with the verdict and code that must come of it.

Nothing here is taken from the verifiers: what they must say is written down a second time, so that a wrong verifier and
a wrong expectation do not cancel out.
"""

import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from apigen_ray.engines import misfits
from apigen_ray.engines.drafts import Draft, arguments_for, record, spoken
from apigen_ray.records import Call, Json, Mode, Reply, Style, dumps

Plant = Callable[[Draft, random.Random], str | Reply | None]
"""Makes a bad reply of a faultless draft; None where the fault does not fit it."""


@dataclass(frozen=True)
class Fault:
    """One kind of bad output.

    Attributes:
        stage: the verifier that must notice.
        code: what it must say.
        plant: makes the reply.
        verdict: what must become of the row.
        again: what must become of the reply's later pairs, where that is something else.
    """

    stage: str
    code: str
    plant: Plant
    verdict: str = ""
    again: str = ""

    def planted(self) -> str:
        """The text of the column ``planted``."""
        form = {"verdict": self.verdict or f"fail_{self.stage}", "code": self.code, "stage": self.stage}
        return dumps(form | {"again": self.again} if self.again else form)


NONE = dumps({"verdict": "verified", "code": "", "stage": ""})
"""The column ``planted`` of a row without a fault."""


# Format: the text


def _text(change: Callable[[str], str]) -> Plant:
    """A fault in the text of the whole record; a row whose calls are given has none."""
    return lambda draft, rng: None if draft.mode == Mode.CALL_FIRST else change(draft.text())


def _value(*values: str) -> Plant:
    """JSON in the place of one argument that no encoder writes."""

    def plant(draft: Draft, rng: random.Random) -> str | None:
        for place, call in enumerate(draft.calls if draft.mode == Mode.QUERY_FIRST else ()):
            for name in call.arguments:
                forms = [other.form() for other in draft.calls]
                forms[place] = {"name": call.name, "arguments": call.arguments | {name: "@@"}}
                return record(draft.query, forms).replace('"@@"', rng.choice(values), 1)
        return None

    return plant


# Format: the record


def _record(change: Callable[[Json], Any]) -> Plant:
    """A fault in the record's own keys."""

    def plant(draft: Draft, rng: random.Random) -> str | None:
        return None if draft.mode == Mode.CALL_FIRST else dumps(change(json.loads(draft.text())))

    return plant


def _bad_query(draft: Draft, rng: random.Random) -> str | None:
    if draft.mode == Mode.CALL_FIRST:
        return "  \n"
    return record(rng.choice(["", "   ", 7, None]), [call.form() for call in draft.calls])


def _without(key: str) -> Callable[[Json], Json]:
    return lambda value: {name: item for name, item in value.items() if name != key}


# Format: the calls


def _call(change: Callable[[Json], Any]) -> Plant:
    """A fault in the form of one call."""

    def plant(draft: Draft, rng: random.Random) -> str | None:
        if draft.mode == Mode.CALL_FIRST or not draft.calls:
            return None
        forms: list[Any] = [call.form() for call in draft.calls]
        place = rng.randrange(len(forms))
        forms[place] = change(forms[place])
        return record(draft.query, forms)

    return plant


def _call_count(draft: Draft, rng: random.Random) -> str | None:
    if draft.mode == Mode.CALL_FIRST:
        return None
    forms = [call.form() for call in draft.calls]
    if draft.style == Style.IRRELEVANCE:
        arguments = arguments_for(draft.tools[0], rng)
        forms = [Call(draft.tools[0]["name"], arguments or {}).form()]
    elif draft.style in (Style.PARALLEL, Style.PARALLEL_MULTIPLE):
        forms = forms[:1]
    else:
        forms = rng.choice([[], forms * 2])
    return record(draft.query, forms)


# Format: the arguments


def _arguments(change: misfits.Change) -> Plant:
    """A fault in the arguments of the first call that it fits."""

    def plant(draft: Draft, rng: random.Random) -> str | None:
        if draft.mode == Mode.CALL_FIRST:
            return None
        for place, call in enumerate(draft.calls):
            tool = draft.tool(call.name)
            changed = change(dict(call.arguments), tool["parameters"], rng) if tool else None
            if changed is not None:
                forms = [other.form() for other in draft.calls]
                forms[place]["arguments"] = changed
                return record(draft.query, forms)
        return None

    return plant


# Execution: the functions of jobs/smoke_functions.py


def _trap(function: str, **arguments: Any) -> Plant:
    """A call that is well formed and goes wrong when it is made."""

    def plant(draft: Draft, rng: random.Random) -> str | None:
        if draft.mode == Mode.CALL_FIRST or not draft.calls or draft.tool(function) is None:
            return None
        names = [call.name for call in draft.calls]
        place = names.index(function) if function in names else 0
        calls = [*draft.calls[:place], Call(function, arguments), *draft.calls[place + 1 :]]
        return draft.with_calls(calls).text()

    return plant


# Grounding: the query against the calls


def _query(change: Callable[[Draft, random.Random], str | None]) -> Plant:
    """A fault in the query alone; fits both ways to draft. The calls stay right."""

    def plant(draft: Draft, rng: random.Random) -> str | None:
        query = change(draft, rng) if draft.calls else None
        if query is None or draft.mode == Mode.CALL_FIRST:
            return query
        return record(query, [call.form() for call in draft.calls])

    return plant


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)
    else:
        yield value


def _hidden_value(draft: Draft, rng: random.Random) -> str | None:
    values = [value for call in draft.calls for value in _leaves(call.arguments)]
    # numbers below 11 and short texts may be read out of other words
    telling = [
        text
        for value in values
        if not isinstance(value, bool) and (text := spoken(value))
        if (isinstance(value, str) and len(text) > 3) or (isinstance(value, int | float) and value > 11)
        if draft.query.count(text) == 1
    ]
    return draft.query.replace(rng.choice(telling), "whatever suits", 1) if telling else None


def _stray_number(draft: Draft, rng: random.Random) -> str:
    return f"{draft.query} The last invoice was {rng.randint(200_000, 900_000)}."


def _stray_date(draft: Draft, rng: random.Random) -> str | None:
    told = {value for call in draft.calls for value in _leaves(call.arguments) if isinstance(value, int | float)}
    for _ in range(50):
        year, month, day = rng.randint(2041, 2059), rng.randint(1, 12), rng.randint(1, 28)
        if told.isdisjoint((year, month, day)):  # a figure of the calls could be taken for a part of the date
            return f"{draft.query} It was promised for {year}-{month:02}-{day:02}."
    return None


def _stray_quote(draft: Draft, rng: random.Random) -> str:
    return f'{draft.query} File it under "the walrus committee".'


def _leaked_call(draft: Draft, rng: random.Random) -> str:
    return f"{draft.query} The answer is {dumps(draft.calls[0].form())}."


# Semantic, and what comes after it: right records all the same


def _described(draft: Draft, rng: random.Random) -> str | None:
    """The query goes on with words of its prompt, such as hold no figure and no quote that the calls would have to."""
    texts = [" ".join(str(tool["description"]).split()) for tool in draft.tools]
    plain = [text for text in texts if len(text.split()) > 7 and not re.search(r"[\d\"']", text)]
    return f"{draft.query} {rng.choice(plain)}" if plain else None


def _stated(draft: Draft, rng: random.Random) -> str:
    return f"This is all there is to say. {draft.query}"


def _twice(draft: Draft, rng: random.Random) -> str | None:
    """Two pairs in one reply that a reader would call the same."""
    if draft.mode == Mode.CALL_FIRST:
        return None
    same = replace(draft, query=f"{draft.query.rstrip('.').upper()} !")
    return f"[{draft.text()},{same.text()}]"


def _untouched(draft: Draft, rng: random.Random) -> str:
    return draft.text()  # the reply is right; it is the judge that is made to err, by what ``planted`` says


def _calls_untouched(draft: Draft, rng: random.Random) -> str | None:
    return draft.text() if draft.calls else None


def _cut_off(draft: Draft, rng: random.Random) -> Reply:
    text = draft.text()
    return Reply(text=text[: len(text) * 2 // 3], finish="length")


def _engine_error(draft: Draft, rng: random.Random) -> Reply:
    return Reply(error="endpoint_down: planted")


FAULTS: dict[str, Fault] = {
    "engine_error": Fault("format", "engine_error", _engine_error, verdict="error"),
    "markdown_fenced": Fault("format", "markdown_fenced", _text(lambda text: f"```json\n{text}\n```")),
    "prose_around": Fault("format", "not_json", _text(lambda text: f"Sure, here it is:\n{text}\nAnything else?")),
    "cut_off": Fault("format", "not_json", _cut_off),
    "empty": Fault("format", "not_json", _text(lambda text: "")),
    "refusal": Fault("format", "not_json", _text(lambda text: "I am sorry, I cannot help with that.")),
    "trailing_comma": Fault("format", "not_json", _text(lambda text: text[:-1] + ",}")),
    "non_finite_number": Fault("format", "non_finite_number", _value("NaN", "Infinity", "-Infinity", "1e999")),
    "duplicate_key": Fault("format", "duplicate_key", _text(lambda text: '{"query":"another",' + text[1:])),
    "bad_unicode": Fault("format", "bad_unicode", _value('"half \\ud83d"')),
    "not_a_record": Fault("format", "not_a_record", _text(lambda text: '"just a text"')),
    "missing_query": Fault("format", "missing_key", _record(_without("query"))),
    "missing_answers": Fault("format", "missing_key", _record(_without("answers"))),
    "bad_query": Fault("format", "bad_query", _bad_query),
    "answers_object": Fault("format", "answers_not_list", _record(lambda value: value | {"answers": {"name": "none"}})),
    "answers_text": Fault("format", "answers_not_list", _record(lambda v: v | {"answers": dumps(v["answers"])})),
    "parameters_key": Fault("format", "call_shape", _call(lambda c: {"name": c["name"], "parameters": c["arguments"]})),
    "name_as_key": Fault("format", "call_shape", _call(lambda call: {call["name"]: call["arguments"]})),
    "arguments_list": Fault("format", "arguments_not_object", _call(lambda c: c | {"arguments": [*c["arguments"]]})),
    "arguments_text": Fault("format", "arguments_not_object", _call(lambda c: c | {"arguments": dumps(c)})),
    "call_count": Fault("format", "call_count", _call_count),
    "unknown_function": Fault("format", "unknown_function", _call(lambda c: c | {"name": c["name"] + "_really"})),
    "unexpected_argument": Fault("format", "unexpected_argument", _arguments(misfits.unexpected_argument)),
    "missing_required": Fault("format", "missing_required", _arguments(misfits.missing_required)),
    "wrong_type": Fault("format", "wrong_type", _arguments(misfits.wrong_type)),
    "bool_for_number": Fault("format", "wrong_type", _arguments(misfits.bool_for_number)),
    "fraction_for_integer": Fault("format", "wrong_type", _arguments(misfits.fraction_for_integer)),
    "nested_missing_required": Fault("format", "nested_missing_required", _arguments(misfits.nested_missing_required)),
    "nested_wrong_type": Fault("format", "nested_wrong_type", _arguments(misfits.nested_wrong_type)),
    "enum_violation": Fault("format", "enum_violation", _arguments(misfits.enum_violation)),
    "range_violation": Fault("format", "range_violation", _arguments(misfits.range_violation)),
    "exec_error": Fault("execution", "exec_error", _trap("divide", dividend=12.5, divisor=0)),
    "timeout": Fault("execution", "timeout", _trap("count_down", start=-1)),
    "output_too_large": Fault("execution", "output_too_large", _trap("repeat_word", word="lantern", times=400_000)),
    "memory": Fault("execution", "memory", _trap("make_grid", rows=4_000_000, columns=4_000_000)),
    "killed": Fault("execution", "killed", _trap("close_session", reason="crash")),
    "bad_output": Fault("execution", "bad_output", _trap("average", readings=[])),
    "value_not_in_query": Fault("grounding", "value_not_in_query", _query(_hidden_value)),
    "number_not_in_calls": Fault("grounding", "number_not_in_calls", _query(_stray_number)),
    "date_not_in_calls": Fault("grounding", "date_not_in_calls", _query(_stray_date)),
    "quote_not_in_calls": Fault("grounding", "quote_not_in_calls", _query(_stray_quote)),
    "leaked_call": Fault("grounding", "leaked_call", _query(_leaked_call)),
    # these come true where ``semantic.checks`` has the check that is meant
    "copied": Fault("semantic", "copied", _query(_described)),
    "unclear": Fault("semantic", "unclear", _query(_stated)),
    "unlikely": Fault("semantic", "unlikely", _untouched),
    "no_likelihood": Fault("semantic", "no_likelihood", _untouched, verdict="error"),
    "roundtrip_differs": Fault("semantic", "roundtrip_differs", _calls_untouched),
    "roundtrip_unreadable": Fault("semantic", "roundtrip_unreadable", _untouched),
    "judge_failed": Fault("semantic", "judge_failed", _untouched),
    "judge_unreadable": Fault("semantic", "judge_unreadable", _untouched),
    "judge_down": Fault("semantic", "engine_error", _untouched, verdict="error"),
    "duplicate": Fault("", "", _twice, verdict="verified", again="duplicate"),
}
"""Every fault by its name in a run file."""


def plant(draft: Draft, name: str, shares: dict[str, float], rng: random.Random) -> tuple[str | Reply, str]:
    """The reply with a fault in it, and the text of ``planted``.

    Args:
        draft: without faults.
        name: the fault that the row drew; where it does not fit, the next of the shares that does is planted.
        shares: the faults of the run.
        rng: decides on details.

    Returns:
        What is answered, and what must come of it; the faultless text where no fault fits.
    """
    names = list(shares)
    start = names.index(name)
    for candidate in names[start:] + names[:start]:
        fault = FAULTS[candidate]
        reply = fault.plant(draft, rng)
        if reply is not None:
            return reply, fault.planted()
    return draft.text(), NONE
