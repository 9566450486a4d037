"""Whatever a tool answers becomes an outcome that can be kept."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_ray.records import Status
from apigen_ray.runners.mcp.answers import ToolAnswer, outcome, short
from apigen_ray.runners.sandbox.results import MAX_VALUE
from apigen_ray.strict_json import loads

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(["type", "text", "data", "blob", "uri", "name", "mimeType", "resource"])
BLOCKS = st.lists(st.dictionaries(KEYS, JSON | st.just("text"), max_size=5), max_size=3)


@given(BLOCKS, JSON, st.booleans(), st.sampled_from(["complete", "complete", "input_required", "task"]))
def test_whatever_comes_is_an_outcome(content: Any, structured: Any, failed: bool, kind: str) -> None:
    form = {"content": content, "structuredContent": structured, "isError": failed, "resultType": kind}
    found = outcome(ToolAnswer.model_validate(form))
    assert (found.status == Status.PASSED) == (found.code == "") == (found.value is not None)
    if failed or kind != "complete":
        assert found.status == Status.REJECTED
    if found.value is not None:
        loads(found.value)
        assert len(found.value.encode()) <= MAX_VALUE
    short(found.detail).encode()


@pytest.mark.parametrize("size", [MAX_VALUE - 2, MAX_VALUE - 1])
@pytest.mark.parametrize("as_text", [False, True])
def test_the_largest_value(size: int, as_text: bool) -> None:
    text = "é" * (size // 2) + "x" * (size % 2)
    form = {"content": [{"type": "text", "text": text}]} if as_text else {"structuredContent": text}
    found = outcome(ToolAnswer.model_validate(form))
    assert found.code == ("" if size + 2 <= MAX_VALUE else "output_too_large")


@pytest.mark.parametrize(
    ("value", "code"),
    [(10**5000, "bad_output"), (float("inf"), "bad_output"), ("\ud800", "bad_output"), (0, ""), ("", ""), (False, "")],
    ids=["digits", "infinity", "surrogate", "zero", "nothing", "false"],
)
def test_values_that_are_hard_to_keep(value: Any, code: str) -> None:
    found = outcome(ToolAnswer.model_construct(structured=value, content=()))
    assert found.code == code
    if not code:
        assert json.loads(found.value or "null") == value


def test_a_value_that_is_too_deep() -> None:
    value: Any = 1
    for _ in range(140):
        value = [value]
    assert outcome(ToolAnswer.model_construct(structured=value, content=())).code == "bad_output"


def test_failing_without_a_word() -> None:
    found = outcome(ToolAnswer.model_validate({"content": [{"type": "image", "data": "AA=="}], "isError": True}))
    assert (found.code, found.detail) == ("exec_error", "it says that it failed")
