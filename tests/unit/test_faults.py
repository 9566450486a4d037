"""The scripted fake: the same reply for the same prompt, and faults that are what ``planted`` says they are."""

import json
import random
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pyarrow as pa
import pytest
from pydantic import ValidationError

from apigen_ray.engines import faults
from apigen_ray.engines.drafts import Draft, draft_of
from apigen_ray.engines.rows import answer_column
from apigen_ray.engines.scripted import ScriptedEngine, ScriptedSpec
from apigen_ray.library.python import PythonSource
from apigen_ray.records import DRAFT, Api, Json, Mode, Reply, Request, Style, dumps, query_key
from apigen_ray.tables import conform, table_of
from apigen_ray.verifiers.base import Setting
from apigen_ray.verifiers.execution import ExecutionSpec, ExecutionVerifier
from apigen_ray.verifiers.format import judge
from apigen_ray.verifiers.grounding import ground
from apigen_ray.verifiers.semantic import SemanticVerifier
from apigen_ray.verifiers.semantic_spec import SemanticSpec
from apigen_ray.verifiers.stages import sample_schema

ROOT = Path(__file__).parents[2]
PLANNED = [{"name": "divide", "arguments": {"dividend": 88.5, "divisor": divisor}} for divisor in (2, 4)]


@cache
def smoke() -> tuple[Api, ...]:
    parsed = PythonSource(path="jobs/smoke_functions.py").parse(ROOT)
    assert not parsed.rejects
    return tuple(parsed.apis)


def seeded(number: int) -> random.Random:
    return random.Random(number)


def row(number: int, style: Style, mode: Mode = Mode.QUERY_FIRST) -> Json:
    several = style in (Style.MULTIPLE, Style.PARALLEL_MULTIPLE, Style.IRRELEVANCE)
    offered = seeded(number).sample(smoke(), 3 if several else 1)
    return {
        "prompt_id": f"p{number}",
        "style": str(style),
        "mode": str(mode),
        "tools": dumps([api.tool() for api in offered]),
        "planned": dumps(PLANNED[: 2 if "parallel" in style else 1]) if mode == Mode.CALL_FIRST else None,
    }


class Says:
    """An ask that does not matter to the fake, but for its name."""

    def __init__(self, name: str, score: bool = False) -> None:
        self.name, self._score = name, score

    def request(self, row):
        return Request(({"role": "user", "content": "?"},), score=self._score)


def always(row) -> bool:
    return True


def engine(**shares: float) -> ScriptedEngine:
    return ScriptedEngine(ScriptedSpec(engine="scripted", faults=shares))


def fitting(name: str, mode: Mode = Mode.QUERY_FIRST) -> list[tuple[Draft, str | Reply]]:
    """Drafts that a fault fits, with what it makes of them."""
    out = []
    for number in range(150):
        style = list(Style)[number % 5]
        rng = seeded(number)
        draft = draft_of(row(number, style, mode), rng)
        planted = faults.FAULTS[name].plant(draft, rng)
        if planted is not None:
            out.append((draft, planted))
    return out


def record_of(draft: Draft, text: str) -> str:
    """The record that comes of a generator's text."""
    if draft.mode == Mode.QUERY_FIRST:
        return text
    return dumps({"query": text, "answers": [call.form() for call in draft.calls]})


def verdict(draft: Draft, said: str | Reply) -> str:
    """The code that format or grounding gives, "" where both pass."""
    if isinstance(said, Reply) and said.error:
        return "engine_error"
    text = record_of(draft, said.text if isinstance(said, Reply) else said)
    found = judge(text, dumps(list(draft.tools)), str(draft.style))
    if found.fault:
        return found.fault.code
    calls = json.loads(found.answers or "[]")
    return (
        ground(found.query or "", calls, {tool["name"]: tool["parameters"] for tool in draft.tools})[0] if calls else ""
    )


@pytest.mark.parametrize("name", sorted(set(faults.FAULTS) - {"duplicate"}))
def test_fault_is_what_it_says(name: str) -> None:
    fault = faults.FAULTS[name]
    found = fitting(name)
    assert found, "the fault fits no row of the smoke library"
    expected = fault.code if fault.stage in ("format", "grounding") else ""
    assert {verdict(draft, said) for draft, said in found} == {expected}


def test_a_duplicate_is_a_pair_that_says_the_same_again() -> None:
    found = fitting("duplicate")
    assert len(found) == 150
    for draft, said in found:
        assert isinstance(said, str)
        pairs = json.loads(said)
        assert [verdict(draft, dumps(pair)) for pair in pairs] == ["", ""]
        assert pairs[0]["query"] != pairs[1]["query"]
        assert query_key(pairs[0]["query"]) == query_key(pairs[1]["query"])
    assert json.loads(faults.FAULTS["duplicate"].planted()) == json.loads(faults.NONE) | {"again": "duplicate"}


def words_only(draft: Draft, text: str, examples: list[Json]) -> str:
    """The code of the checks that ask no model, "" where both pass."""
    schema = sample_schema([ExecutionVerifier, SemanticVerifier])
    form = json.loads(record_of(draft, text))
    item = {"query": form["query"], "answers": dumps(form["answers"]), "tools": dumps(list(draft.tools))}
    verifier = SemanticVerifier(Setting({}, ExecutionSpec(), SemanticSpec(checks=("originality", "wording"))))
    code = verifier.check(table_of([item | {"examples": dumps(examples)}], schema))["semantic_code"][0].as_py()
    return str(code)


@pytest.mark.parametrize("style", Style)
def test_faultless_drafts_pass_every_stage_that_asks_no_model(style: Style) -> None:
    before: list[Json] = []  # a later round shows what an earlier one verified
    for number in range(100):
        draft = draft_of(row(number, style), seeded(number))
        assert verdict(draft, draft.text()) == ""
        assert words_only(draft, draft.text(), before[-50:]) == ""
        assert len({dumps(call.form()) for call in draft.calls}) == len(draft.calls)
        before.append({**json.loads(draft.text()), "tools": list(draft.tools)})


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("name", ["copied", "unclear"])
def test_faults_of_the_wording_are_what_they_say(name: str, mode: Mode) -> None:
    found = fitting(name, mode)
    assert found
    assert {words_only(draft, str(said), []) for draft, said in found} == {name}


def test_format_faults_are_all_of_the_format_codes() -> None:
    codes = {fault.code for fault in faults.FAULTS.values() if fault.stage == "format"}
    missing = {
        *("engine_error", "markdown_fenced", "not_json", "non_finite_number", "duplicate_key", "bad_unicode"),
        *("not_a_record", "missing_key", "bad_query", "answers_not_list", "call_shape", "arguments_not_object"),
        *("call_count", "unknown_function", "unexpected_argument", "missing_required", "wrong_type"),
        *("nested_missing_required", "nested_wrong_type", "enum_violation", "range_violation"),
    }
    assert codes == missing


@pytest.mark.parametrize("name", ["value_not_in_query", "number_not_in_calls", "leaked_call", "bad_query", "cut_off"])
def test_faults_of_the_query_fit_both_ways_to_draft(name: str) -> None:
    found = fitting(name, Mode.CALL_FIRST)
    assert found
    for draft, said in found:
        assert isinstance(said, Reply) or not said.lstrip().startswith("{")
        assert said != draft.text()


@pytest.mark.parametrize("name", sorted(set(faults.FAULTS) - {"value_not_in_query", "bad_query", "cut_off"}))
def test_faults_of_the_calls_do_not_fit_where_the_calls_are_given(name: str) -> None:
    stage = faults.FAULTS[name].stage
    fits = bool(fitting(name, Mode.CALL_FIRST))
    assert fits == (stage in ("grounding", "semantic") or name == "engine_error")


def test_hidden_value_is_gone_from_the_query() -> None:
    for draft, said in fitting("value_not_in_query"):
        assert isinstance(said, str)
        query = json.loads(said)["query"]
        assert "whatever suits" in query
        assert len(query) != len(draft.query)


# The engine


def table(count: int, mode: Mode = Mode.QUERY_FIRST) -> pa.Table:
    return conform(table_of([row(i, list(Style)[i % 5], mode) for i in range(count)], DRAFT), DRAFT)


def test_same_prompt_same_reply_on_any_blocks() -> None:
    shares = {"wrong_type": 0.3, "cut_off": 0.2, "enum_violation": 0.1}
    whole = engine(**shares).answer(table(60), Says("reply"), always, DRAFT)
    parts = [engine(**shares).answer(table(60).slice(i, 7), Says("reply"), always, DRAFT) for i in range(0, 60, 7)]
    assert pa.concat_tables(parts).to_pylist() == whole.to_pylist()
    other = ScriptedEngine(ScriptedSpec(engine="scripted", seed=1)).answer(table(60), Says("reply"), always, DRAFT)
    assert other["reply"].to_pylist() != whole["reply"].to_pylist()


def test_shares_are_kept_and_planted_tells_the_truth() -> None:
    done = engine(wrong_type=0.2, missing_query=0.2).answer(table(1000), Says("reply"), always, DRAFT).to_pylist()
    planted = Counter()
    for item in done:
        said = json.loads(item["planted"])
        text = item["reply"]["text"].removeprefix("[").removesuffix("]")  # a faultless one is a list of one
        fault = judge(text if said["code"] == "" else item["reply"]["text"], item["tools"], item["style"]).fault
        assert said["code"] == (fault.code if fault else "")
        assert said["verdict"] == ("fail_format" if fault else "verified")
        planted[said["code"]] += 1
    assert 0.32 < (planted["wrong_type"] + planted["missing_key"]) / 1000 < 0.48
    assert planted["missing_key"] > 150


def test_fault_that_fits_no_row_gives_way() -> None:
    done = engine(enum_violation=0.9, empty=0.1).answer(table(200), Says("reply"), always, DRAFT)
    codes = Counter(json.loads(text)["code"] for text in done["planted"].to_pylist())
    assert set(codes) == {"enum_violation", "not_json"}
    alone = engine(exec_error=1.0).answer(table(40, Mode.CALL_FIRST), Says("reply"), always, DRAFT)
    assert set(alone["planted"].to_pylist()) == {faults.NONE}


def test_call_first_query_spells_the_planned_values() -> None:
    done = engine().answer(table(5, Mode.CALL_FIRST), Says("reply"), always, DRAFT).to_pylist()
    for item in done:
        if item["style"] != Style.IRRELEVANCE:
            assert re.search(r"\bdividend 88\.5, \w+ divisor 2\b", item["reply"]["text"])


def test_reply_holds_as_many_pairs_as_are_asked_for() -> None:
    items = [row(i, Style.SIMPLE) | {"pairs": 3} for i in range(5)]
    done = engine().answer(table_of(items, DRAFT), Says("reply"), always, DRAFT).to_pylist()
    for item in done:
        records = json.loads(item["reply"]["text"])
        assert len({record["query"] for record in records}) == 3
        assert all(judge(dumps(record), item["tools"], item["style"]).fault is None for record in records)


WORDING = ("copied", "unclear")
SEMANTIC = [name for name, fault in faults.FAULTS.items() if fault.stage == "semantic" and name not in WORDING]
SPEC = SemanticSpec(checks=("judge", "roundtrip", "likelihood"))


@pytest.mark.parametrize("name", ["", *SEMANTIC])
def test_judge_follows_what_is_planted(name: str) -> None:
    schema = sample_schema([ExecutionVerifier, SemanticVerifier])
    answers = dumps(PLANNED[:1])
    planted = faults.FAULTS[name].planted() if name else faults.NONE
    item = row(0, Style.SIMPLE) | {"query": "?", "answers": answers, "tools": dumps([smoke()[0].tool()])}
    samples = table_of([item | {"planted": planted}], schema)
    verifier = SemanticVerifier(Setting({}, ExecutionSpec(), SPEC))
    for ask in verifier.needs:
        samples = engine().answer(samples, ask, always, schema)
    done = verifier.check(samples).to_pylist()[0]
    said = json.loads(planted)
    assert done["semantic_code"] == said["code"]
    status = {"verified": "passed", "error": "error"}.get(said["verdict"], "rejected")
    assert done["semantic_status"] == status
    assert done["planted"] == planted


@pytest.mark.parametrize("shares", [{"typo": 0.1}, {"empty": 0}, {"empty": 1.2}, {"empty": 0.6, "refusal": 0.6}])
def test_wrong_shares_are_refused(shares: dict) -> None:
    with pytest.raises(ValidationError):
        ScriptedSpec(engine="scripted", faults=shares)


# The reply column


def test_lone_surrogates_are_stored_as_their_escapes() -> None:
    stored = answer_column(table(1), "reply", [Reply(text='{"query": "\ud83d"}')], DRAFT)
    assert stored["reply"][0].as_py()["text"] == '{"query": "\\ud83d"}'


def test_rows_that_are_not_asked_keep_what_they_have() -> None:
    before = answer_column(table(3), "reply", [Reply(text="old"), None, None], DRAFT)
    after = answer_column(before, "reply", [None, Reply(error="timeout: 1 s"), None], DRAFT)
    assert [reply and (reply["text"] or reply["error"]) for reply in after["reply"].to_pylist()] == [
        "old",
        "timeout: 1 s",
        None,
    ]
    with pytest.raises(ValueError, match="zip"):
        answer_column(before, "reply", [None], DRAFT)


def test_ask_that_fails_costs_its_row_only() -> None:
    class Broken(Says):
        def request(self, row):
            if row["prompt_id"] == "p1":
                raise KeyError("planned")
            return super().request(row)

    done = engine().answer(table(3), Broken("reply"), always, DRAFT)
    errors = [reply["error"] for reply in done["reply"].to_pylist()]
    assert errors == [None, "internal_error: ask reply: KeyError: 'planned'", None]
