"""What strict JSON takes, and the code of each fault."""

import json
import pickle

import pytest

from apigen_ray.strict_json import MAX_DEPTH, JsonProblem, items, items_at, loads


def code(text: str) -> str:
    with pytest.raises(JsonProblem) as caught:
        loads(text)
    caught.value.detail.encode("utf-8")
    return caught.value.code


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1}',
        " [1.5, -2e3, true, null] \n",
        '"x"',
        "42",
        '{"a":{"a":1}}',
        '"\\ud83d\\ude00"',
        '"\\\\ud800"',
        '["\\u0000"]',
    ],
)
def test_reads_what_json_reads(text: str) -> None:
    assert loads(text) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "not_json"),
        (" \n", "not_json"),
        ("Sure! {}", "not_json"),
        ("{} {}", "not_json"),
        ("{'a': 1}", "not_json"),
        ('{"a": 1,}', "not_json"),
        ('{"a": 1', "not_json"),
        ('{"a": "line\nbreak"}', "not_json"),
        ("\ufeff{}", "not_json"),
        ("1" * 5000, "not_json"),
        ("[" * 100_000, "not_json"),
        ('{"a":' * 100_000, "not_json"),
        ("[" * 100_000 + "]" * 100_000, "not_json"),
        ("```json\n{}\n```", "markdown_fenced"),
        ("  ~~~\n{}\n~~~", "markdown_fenced"),
        ("[NaN]", "non_finite_number"),
        ("-Infinity", "non_finite_number"),
        ("[1e999]", "non_finite_number"),
        ("-1e999", "non_finite_number"),
        ('{"a": 1, "a": 1}', "duplicate_key"),
        ('[{"b": {"a": 1, "\\u0061": 2}}]', "duplicate_key"),
        ('{"a": "\\ud83d"}', "bad_unicode"),
        ('{"\\uDE00": 1}', "bad_unicode"),
        ('"\ud83d"', "bad_unicode"),
        ("{\ud83d}", "not_json"),
    ],
    ids=lambda value: ascii(value[:24]),
)
def test_refuses(text: str, expected: str) -> None:
    assert code(text) == expected


def test_depth_does_not_hang_on_the_callers_stack() -> None:
    assert loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert loads("[" * (MAX_DEPTH - 1) + "[],[]" + "]" * (MAX_DEPTH - 1))
    assert code("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)) == "not_json"
    assert len(loads("[" + ",".join(["[]"] * 500) + "]")) == 500  # many, but not deep
    assert code('{"a":' * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 1)) == "not_json"


def test_a_large_integer_stays_exact() -> None:
    assert loads("1" * 4000) == int("1" * 4000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]", []),
        (" [ ] ", []),
        ('[1 , {"a": [1, 2]},"x]"]\n', ["1", '{"a": [1, 2]}', '"x]"']),
        ("[NaN]", ["NaN"]),  # whoever reads the item finds it
        ("", None),
        ("{}", None),
        ('"[]"', None),
        ("[1,]", None),
        ("[1 2]", None),
        ("[1", None),
        ("[1] [2]", None),
        ("[" * 100_000, None),
        ("[" + "1" * 5000 + "]", None),
    ],
    ids=lambda value: ascii(value and value[:24]),
)
def test_items_of_a_list(text: str, expected: list[str] | None) -> None:
    assert items(text) == expected


def test_detail_names_the_place() -> None:
    with pytest.raises(JsonProblem, match=r"line 2 column 6.*oops"):
        loads('{\n"a": oops}')
    with pytest.raises(JsonProblem, match="end of the text"):
        loads('{"a": ')


def test_problem_survives_a_process_boundary() -> None:
    problem = pickle.loads(pickle.dumps(JsonProblem("not_json", "why")))  # noqa: S301 - our own object
    assert (problem.code, problem.detail) == ("not_json", "why")


def test_items_that_begin_alike_are_told_apart() -> None:
    head = '{"type": "function", "name": "' + "x" * 120
    objects = [f'{head}{number}", "of": [{{"a": "}},{{"}}, {number}]}}' for number in range(12)]
    for _ in range(2):  # the second time each has been met before
        for order in (objects, objects[::-1], [objects[3], objects[3], "7", *objects[:2]]):
            assert items(f"[{', '.join(order)}]") == order
    assert items(f"[{objects[0]}x]") is None
    assert items(f"[{objects[0]}") is None


def test_items_at_says_where_the_list_ends() -> None:
    text = '{"tools": [ {"a": 1} ,2 ] , "b": []}'
    assert items_at(text, 10) == (['{"a": 1}', "2"], 25)
    assert items_at(text, text.index("[]")) == ([], len(text) - 1)
    assert items_at(text, 0) is None
