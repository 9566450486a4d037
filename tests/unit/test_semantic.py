"""The semantic verifier: every code it can give, from the replies that bring it about."""

import json
from dataclasses import replace

import pyarrow as pa
import pytest
from pydantic import ValidationError

from apigen_ray.records import Reply, Status
from apigen_ray.tables import table_of
from apigen_ray.verifiers.base import Setting
from apigen_ray.verifiers.execution import ExecutionSpec
from apigen_ray.verifiers.semantic import SemanticVerifier
from apigen_ray.verifiers.semantic_spec import SemanticSpec
from apigen_ray.verifiers.stages import sample_schema

SCHEMA = sample_schema((SemanticVerifier,))
TOOL = {
    "name": "is_prime",
    "description": "Tell whether a whole number has no other divisor.",
    "parameters": {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]},
}
CALLS = [{"name": "is_prime", "arguments": {"number": 97}}]
ROW = {
    "mode": "call_first",
    "style": "simple",
    "tools": json.dumps([TOOL]),
    "examples": json.dumps([{"query": "How many vowels are there in this text?", "answers": CALLS, "tools": [TOOL]}]),
    "query": "Is 97 prime?",
    "answers": json.dumps(CALLS),
    "planned": json.dumps(CALLS),
    "reply": vars(Reply(text="Is 97 prime?", logprob=-0.2)),
    "roundtrip": vars(Reply(text=json.dumps(CALLS))),
    "judge": vars(Reply(text='{"thought": "right", "pass": "yes"}')),
}


def verifier(*checks, **spec):
    return SemanticVerifier(Setting({}, ExecutionSpec(), SemanticSpec(checks=checks, **spec)))


def checked(row, *checks, **spec):
    table = verifier(*checks, **spec).check(table_of([row], SCHEMA))
    assert table.schema == SCHEMA
    return table.to_pylist()[0]


def reply(**changes):
    return vars(replace(Reply(), **changes))


def test_a_row_passes_where_all_checks_pass_and_keeps_their_words():
    out = checked(ROW, "judge", "roundtrip", "likelihood", "wording", "originality")
    assert (out["semantic_status"], out["semantic_code"], out["semantic_detail"]) == ("passed", "", "")
    assert json.loads(out["semantic_words"]) == {
        "originality": {"word": "own words"},
        "wording": {"word": "clear"},
        "likelihood": {"word": "likely", "logprob": -0.2},
        "roundtrip": {"word": "same"},
        "judge": {"word": "yes", "thought": "right"},
    }


CASES = {
    "copied": ({"query": "How many vowels are there in it?"}, "originality"),
    "unclear": ({"query": "Is 97 something?"}, "wording"),
    "unlikely": ({"reply": reply(text="x", logprob=-0.9)}, "likelihood"),
    "roundtrip_differs": ({"roundtrip": reply(text="[]")}, "roundtrip"),
    "roundtrip_unreadable": ({"roundtrip": reply(text='[{"name": "is_prime"')}, "roundtrip"),
    "judge_failed": ({"judge": reply(text='{"thought": "multiplies", "pass": "no"}')}, "judge"),
    "judge_unreadable": ({"judge": reply(text="It looks fine.")}, "judge"),
    "engine_error": ({"judge": reply(error="timeout: 60 s")}, "judge"),
    "no_likelihood": ({"reply": reply(text="x"), "likelihood": reply(text="")}, "likelihood"),
}


def test_every_code_has_a_case():
    assert set(CASES) == set(SemanticVerifier.codes)


@pytest.mark.parametrize("code", CASES)
def test_each_code(code):
    changes, check = CASES[code]
    out = checked(ROW | changes, check)
    error = code in ("engine_error", "no_likelihood")
    assert (out["semantic_code"], out["semantic_status"]) == (code, "error" if error else "rejected")
    assert out["semantic_detail"]
    assert list(json.loads(out["semantic_words"])) == [check]


@pytest.mark.parametrize("check", ["roundtrip", "judge"])
def test_a_row_that_was_not_asked_about_is_an_error(check):
    out = checked(ROW | {check: None}, check)
    assert (out["semantic_status"], out["semantic_code"]) == ("error", "engine_error")


def test_a_rejection_counts_before_an_error_and_the_earlier_check_first():
    broken = ROW | {"judge": reply(error="timeout: 60 s"), "reply": reply(text="x", logprob=-9.0)}
    assert checked(broken, "judge", "likelihood")["semantic_code"] == "unlikely"
    both = ROW | {"judge": reply(text="?"), "roundtrip": reply(text="?")}
    assert checked(both, "judge", "roundtrip")["semantic_code"] == "roundtrip_unreadable"


def test_without_checks_the_stage_is_not_requested():
    out = checked(ROW)
    assert (out["semantic_status"], out["semantic_code"]) == (Status.SKIPPED, "not_requested")
    assert verifier().needs == ()


def test_needs_are_the_asks_of_the_checks():
    assert [ask.name for ask in verifier().needs] == []
    assert [ask.name for ask in verifier("originality").needs] == []
    assert [ask.name for ask in verifier("judge", "likelihood", "roundtrip").needs] == [
        "likelihood",
        "roundtrip",
        "judge",
    ]


def test_likelihood_is_asked_only_where_the_generator_gave_none():
    likelihood, judge = verifier("likelihood", "judge").needs
    assert not likelihood.wanted(ROW)
    assert likelihood.wanted(ROW | {"mode": "query_first"})
    assert likelihood.wanted(ROW | {"reply": reply(text="x")})
    assert judge.wanted(ROW)


def test_an_asked_likelihood_is_read_from_its_column():
    paper = ROW | {"mode": "query_first", "likelihood": reply(text="", logprob=-0.5)}
    assert checked(paper, "likelihood", likelihood_threshold=-0.6)["semantic_status"] == "passed"
    assert checked(paper, "likelihood", likelihood_threshold=-0.4)["semantic_code"] == "unlikely"


def test_the_threshold_itself_is_likely_enough():
    assert checked(ROW | {"reply": reply(text="x", logprob=-0.25)}, "likelihood", likelihood_threshold=-0.25)[
        "semantic_status"
    ] == ("passed")


def test_a_batch_keeps_its_order():
    rows = [ROW | {"reply": reply(text="x", logprob=figure)} for figure in (-0.1, -3.0, -0.2)]
    table = verifier("likelihood").check(table_of(rows, SCHEMA))
    assert table["semantic_status"].to_pylist() == ["passed", "rejected", "passed"]
    assert isinstance(table, pa.Table)


@pytest.mark.parametrize(
    "spec",
    [
        {"checks": ["opinion"]},
        {"checks": ["judge", "judge"]},
        {"likelihood_threshold": 0.1},
        {"copied_words": 0},
        {"x": 1},
    ],
)
def test_the_spec_refuses(spec):
    with pytest.raises(ValidationError):
        SemanticSpec.model_validate(spec)
