"""The sample of ordinary functions: the list that is there, and the rule that made it, on small texts."""

import datetime
import importlib
import json
import random
from collections import Counter
from pathlib import Path
from typing import Literal

import pytest

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module("real_functions")


@pytest.fixture
def needs(bench):
    return importlib.import_module("real_needs")


@pytest.fixture
def examples(bench):
    return importlib.import_module("real_examples")


def test_list_is_what_it_is_said_to_be(bench):
    lines = bench.LIST.read_text("utf-8").splitlines()
    listed = [json.loads(line) for line in lines]
    counts = Counter(one["distribution"] for one in listed)
    assert len(listed) >= 300
    assert len(counts) >= 30
    assert max(counts.values()) <= bench.AT_MOST
    assert {f"{one['distribution']}=={one['version']}" for one in listed} <= set(bench.DISTRIBUTIONS)
    assert len({(one["distribution"], one["module"], one["function"]) for one in listed}) == len(listed)
    for one in listed:
        assert list(one) == ["distribution", "version", "module", "function", "calls"]
        assert 2 <= len(one["calls"]) <= 3
        for call in one["calls"]:
            assert list(call) == ["arguments", "result"]
            assert call["arguments"]
            assert call["result"] is not None
            assert len(json.dumps(call["result"], separators=(",", ":"), ensure_ascii=False)) <= 500


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("def f(x: int) -> int: return x", ""),
        ("import math\ndef f(x): return math.sqrt(x)", ""),
        ("import os\ndef f(x): return os.path.join(x, 'a')", ""),
        ("import os\ndef f(x): return os.path.exists(x)", "os.path.exists"),
        ("from os import path as p\ndef f(x): return p.getsize(x)", "os.path.getsize"),
        ("def f(x):\n    import random\n    return random.random()", "random.random"),
        ("def f(x): return open(x).read()", "open"),
        ("from datetime import date\ndef f(x): return date.today()", ".today"),
        ("def f(x):\n    global N\n    N = x\n    return N", "global statement"),
        ("import numpy as np\ndef f(x): return np.sum(x)", "needs numpy"),
        ("import numpy as np\ndef f(x: np.ndarray): return x", ""),  # an annotation needs nothing
        ("import time\ndef f(time): return time.x", ""),  # a name of its own
        ("def f(x): return [open for open in x]", ""),
        ("import secrets\ndef g(): return secrets.choice([1])\ndef f(x): return g()", "secrets.choice"),
        ("import secrets\nT = {}\nT['a'] = secrets\ndef f(x): return T[x]", "secrets"),
        ("from pkg.other import clean\ndef f(x): return clean(x)", ""),
        ("from .other import dirty\ndef f(x): return dirty(x)", "socket.socket"),
        ("from . import other\ndef f(x): return other.dirty(x)", "socket.socket"),
        ("import pkg.other\ndef f(x): return pkg.other.dirty(x)", "socket.socket"),
        ("from .other import *\ndef f(x): return dirty(x)", "socket.socket"),
        ("import logging\nclass C:\n    def m(self): logging.info('')\ndef f(x): return C()", "logging.info"),
        ("import time\ndef deco(g): return time.time\n@deco\ndef f(x): return x", "time.time"),
        ("import time\ndef f(x=time.time()): return x", "time.time"),
        ("def f(x): return nowhere(x)", "pkg.module has no nowhere"),
    ],
)
def test_what_a_function_needs(needs, tmp_path, text, problem):
    package(tmp_path, text)
    assert needs.Package(tmp_path, "pkg").reach("pkg.module", "f") == problem


def package(folder, text):
    (folder / "pkg").mkdir()
    (folder / "pkg/__init__.py").write_text("")
    (folder / "pkg/module.py").write_text(text)
    (folder / "pkg/other.py").write_text(
        "import socket\ndef clean(x): return x\ndef dirty(x): return socket.socket()\nprint('at import')\n"
    )


HEADS = '''
from typing import overload
def taken(a: int, *, b: str = "x") -> str:
    """
    >>> taken(3, b="word")
    'three'
    """
    return f"{a} of {b}"
def _private(a: int) -> int: return a
def untyped(a) -> int: return a
def no_result(a: int): return a
def nothing(a: int) -> None: ...
def empty() -> int: return 1
def positional(a: int, /) -> int: return a
def rest(*a: int) -> int: return 1
def words(**a: int) -> int: return 1
def generator(a: int) -> list[int]: yield a
async def later(a: int) -> int: return a
@overload
def twice(a: int) -> int: ...
def reads(a: str) -> str: return open(a).read()
def closure(a: int) -> int:
    def inner(): yield a
    return sum(inner())
'''


def test_which_functions_are_candidates(needs, tmp_path):
    package(tmp_path, HEADS)
    (tmp_path / "pkg/tests").mkdir()
    (tmp_path / "pkg/tests/__init__.py").write_text("def f(a: int) -> int: return a")
    (tmp_path / "pkg/broken.py").write_text("def f(:")
    found = needs.candidates(tmp_path)
    assert [(one["module"], one["function"]) for one in found] == [("pkg.module", "taken"), ("pkg.module", "closure")]
    assert found[0]["doctests"] == [{"a": 3, "b": "word"}]
    assert found[0]["texts"] == [" of "]


@pytest.mark.parametrize(
    ("hint", "kinds"),
    [
        (int, {int}),
        (float, {int, float}),
        (str | None, {str, type(None)}),
        (Literal["a", "b"], {str}),
        (list[int], {list}),
        (tuple[int, str], {list}),
        (dict[str, list[bool]], {dict}),
        (datetime.date, {str}),
    ],
)
def test_example_values_have_the_annotated_type(examples, hint, kinds):
    chance = random.Random(1)
    assert {type(examples.example(hint, "value", chance, [])) for _ in range(40)} == kinds


@pytest.mark.parametrize("hint", [bytes, object, type, int | bytes, list[bytes], dict[str, bytes], dict[int, str]])
def test_annotations_that_json_has_no_values_for(examples, hint):
    for seed in range(40):  # not by chance either, where a list is empty
        with pytest.raises(examples.NoExample):
            examples.example(hint, "value", random.Random(seed), [])


IMPURE = """
import datetime
def pure(a: int, when: datetime.date) -> list: return [a + 1, when.year]
def raises(a: int) -> int: raise ValueError
def nothing(a: int) -> int: return None
def no_data(a: int) -> object: return object()
def counts(a: int, seen: list = []) -> int:
    seen.append(a)
    return len(seen)
def changes(a: list[int]) -> int:
    a.append(1)
    return 1
def reads(a: str) -> int: return len(getattr(__builtins__, "get", getattr)("open")(__file__).read())
def ends(a: int) -> int: return getattr(__import__("os"), "_exit")(3)
def seeds(a: str) -> int: return hash("x" + a)
"""


def test_what_plain_python_shows(bench, tmp_path):
    package(tmp_path, IMPURE)
    names = "pure raises nothing no_data counts changes reads ends seeds".split()
    orders = [{"module": "pkg.module", "function": name, "texts": [], "doctests": []} for name in names]
    orders[0]["doctests"] = [{"a": 4, "when": "2024-02-29"}]
    replies = dict(zip(names, bench.ask(tmp_path, orders, {}, "/"), strict=True))
    assert replies["pure"][0] == {"arguments": {"a": 4, "when": "2024-02-29"}, "result": [5, 2024]}
    assert len(replies["pure"]) == 3
    assert replies["ends"] == "died or hung"
    assert [name for name, reply in replies.items() if isinstance(reply, list)] == ["pure", "seeds"]
    again = [orders[0] | {"calls": replies["pure"]}, orders[-1] | {"calls": replies["seeds"]}]
    pure, seeds = bench.ask(tmp_path, again, {}, "/")
    assert pure == replies["pure"]
    assert seeds != replies["seeds"]


def test_the_draw_is_seeded_and_bounded(bench):
    found = [{"distribution": name, "function": number} for name in "abc" for number in range(30)]
    drawn = bench.draw(found)
    assert Counter(one["distribution"] for one in drawn) == {"a": 15, "b": 15, "c": 15}
    assert drawn == bench.draw(found)
    assert drawn != sorted(drawn, key=lambda one: (one["distribution"], one["function"]))


def test_what_counts_as_the_same(bench):
    assert bench.same({"a": [0.1 + 0.2, "x"]}, {"a": [0.3, "x"]})
    for first, second in [(1, 1.0), (True, 1), ([1], [1, 2]), ({"a": 1}, {"b": 1}), (0.3, 0.3001), ("a", None)]:
        assert not bench.same(first, second)
