"""The source ``python``: what becomes an Api, what a reject, what an error."""

import re
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from apigen_ray.errors import LibraryError
from apigen_ray.library.base import Parsed
from apigen_ray.library.python import PythonSource

GOOD = "def good(n: int) -> int: ...\n"


def parse(tmp_path: Path, text: str, **keys: object) -> Parsed:
    (tmp_path / "tools.py").write_text(text)
    return PythonSource(path="tools.py", **keys).parse(tmp_path)


def parameters(tmp_path: Path, text: str) -> dict:
    parsed = parse(tmp_path, text)
    assert not parsed.rejects
    return parsed.apis[0].parameters


@pytest.mark.parametrize(("keys", "trust"), [({}, "untrusted"), ({"trust": "trusted"}, "trusted")])
def test_only_who_is_said_to_be_trusted_is(tmp_path: Path, keys: dict[str, object], trust: str) -> None:
    (api,) = parse(tmp_path, GOOD, **keys).apis
    assert api.source is not None
    assert api.source.trust == trust


def test_a_private_client_says_what_it_needs(tmp_path: Path) -> None:
    (plain,) = parse(tmp_path, GOOD).apis
    (client,) = parse(tmp_path, GOOD, runner="process", hosts=("API.acme.com", "::1"), env=("ACME_TOKEN",)).apis
    assert plain.source is not None
    assert client.source is not None
    assert plain.source.executed_by == "python"
    assert client.source.executed_by == "process"
    assert (client.source.hosts, client.source.env) == (("api.acme.com", "::1"), ("ACME_TOKEN",))


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"hosts": ("api.acme.com",)}, "`hosts` is only for `runner: process`"),
        ({"env": ("TOKEN",)}, "`env` is only for `runner: process`"),
        ({"runner": "process", "hosts": ("https://api.acme.com",)}, "without scheme, port, path or wildcard"),
        ({"runner": "process", "hosts": ("api.acme.com:443",)}, "without scheme, port, path or wildcard"),
        ({"runner": "process", "hosts": ("*.acme.com",)}, "without scheme, port, path or wildcard"),
        ({"runner": "process", "env": ("TOKEN=x",)}, "env"),
        ({"runner": "thread"}, "runner"),
    ],
)
def test_what_a_private_client_cannot_say(keys: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(words)):
        PythonSource(path="tools.py", **keys)


def test_one_function_becomes_one_api(tmp_path: Path) -> None:
    text = '''
from __future__ import annotations
from typing import Literal

CATEGORY = "Finance"
RATE = 0.05

def interest(
    principal: float, years: int, *, kind: Literal["simple", "compound"] = "simple", rate: float = RATE
) -> float:
    """Interest on a deposit.

    Counted in full
    years.

    Args:
        principal: what is deposited,
            in euros.
        years: how long.

    Returns:
        The interest.

    >>> interest(100, 1)
    5.0
    """
'''
    (api,) = parse(tmp_path, text).apis
    assert api.tool() == {
        "name": "interest",
        "description": "Interest on a deposit. Counted in full years.",
        "parameters": {
            "type": "object",
            "properties": {
                "principal": {"type": "number", "description": "what is deposited, in euros."},
                "years": {"type": "integer", "description": "how long."},
                "kind": {"type": "string", "enum": ["simple", "compound"], "default": "simple"},
                "rate": {"type": "number", "default": 0.05},
            },
            "required": ["principal", "years"],
            "additionalProperties": False,
        },
    }
    assert (api.returns, api.category) == ({"type": "number"}, "Finance")
    assert api.source is not None
    assert (api.source.kind, api.source.entry) == ("python", "interest")
    assert api.source.location == str(tmp_path / "tools.py")


@pytest.mark.parametrize(
    "doc",
    [
        "Adds.\n\n    Args:\n        a: the first\n            one.\n        b (int): the second.\n    ",
        "Adds.\n\n    Parameters\n    ----------\n    a : int\n        the first\n        one.\n    b : int, optional\n"
        "        the second.\n    ",
        "Adds.\n\n    :param a: the first\n        one.\n    :param int b: the second.\n    :returns: the sum\n    ",
    ],
    ids=["google", "numpy", "rest"],
)
def test_docstrings_of_three_styles(tmp_path: Path, doc: str) -> None:
    (api,) = parse(tmp_path, f'def add(a: int, b: int = 1) -> int:\n    """{doc}"""\n').apis
    assert api.description == "Adds."
    assert [item["description"] for item in api.parameters["properties"].values()] == ["the first one.", "the second."]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("def f(x: open): ...", "unsupported_type"),
        ("def f(x: list['Nowhere']): ...", "unsupported_type"),
        ("class T: ...\ndef f(x: T): ...", "unsupported_type"),
        ("def f(*xs: int): ...", "variadic"),
        ("def f(x: int, **more: int): ...", "variadic"),
        ("def f(x: int, /): ...", "positional_only"),
        ("async def f(x: int): ...", "async"),
        ("def f(x: int):\n    if x:\n        yield x", "generator"),
        ("def f(): ...", "no_parameters"),
        ("def f" + "x" * 64 + "(x: int): ...", "bad_name"),
        ("from typing import Annotated\nfrom pydantic import Field\ndef f(x: Annotated[str, Field(pattern='(')]): ...",
         "unsupported_type"),
    ],
)  # fmt: skip
def test_rejects_by_code(tmp_path: Path, text: str, code: str) -> None:
    parsed = parse(tmp_path, GOOD + text)
    assert [api.name for api in parsed.apis] == ["good"]
    (reject,) = parsed.rejects
    assert reject.code == code
    assert f"{tmp_path / 'tools.py'}:" in reject.detail
    assert code in PythonSource.codes


def test_a_generator_inside_does_not_make_one(tmp_path: Path) -> None:
    text = "def f(x: int):\n    def inner():\n        yield x\n    return list(inner())\n"
    assert len(parse(tmp_path, text).apis) == 1


def test_untyped_in_one_file_is_an_error_that_names_all(tmp_path: Path) -> None:
    with pytest.raises(
        LibraryError, match=r"tools\.py:2: function 'bad': parameter 'y' has no type hint\n.*mend: add a"
    ) as info:
        parse(tmp_path, GOOD + "def bad(x: int, y): ...\n")
    assert info.value.exit_code == 1
    parsed = parse(tmp_path, GOOD + "def bad(x: int, y): ...\n", on_untyped="reject")
    assert [(r.entry, r.code) for r in parsed.rejects] == [("bad", "untyped")]


def test_untyped_in_a_folder_is_a_reject_unless_asked(tmp_path: Path) -> None:
    (tmp_path / "tools.py").write_text(GOOD + "def bad(y): ...\n")
    parsed = PythonSource(path=".").parse(tmp_path)
    assert ([a.name for a in parsed.apis], [r.code for r in parsed.rejects]) == (["good"], ["untyped"])
    with pytest.raises(LibraryError, match=r"(?s)'bad'.*in a run file: `on_untyped: reject`"):
        PythonSource(path=".", on_untyped="error").parse(tmp_path)


def test_named_functions(tmp_path: Path) -> None:
    text = GOOD + "def other(n: int): ...\ndef _hidden(n: int): ...\ndef spread(*n: int): ...\n"
    assert [api.name for api in parse(tmp_path, text, functions=["_hidden", "good"]).apis] == ["good", "_hidden"]
    with pytest.raises(LibraryError, match="'spread': it takes any number"):
        parse(tmp_path, text, functions=["good", "spread"])
    with pytest.raises(LibraryError, match="no function 'absent'"):
        parse(tmp_path, text, functions=["good", "absent"])


def test_what_counts_as_an_entry(tmp_path: Path) -> None:
    text = """
from typing import overload
import functools
class Box:
    def method(self, n: int): ...
def _private(n: int): ...
@overload
def twice(n: int) -> int: ...
@overload
def twice(n: str) -> str: ...
@functools.lru_cache(maxsize=None)
def twice(n: int | str) -> int | str: ...
try:
    import nothing
except ImportError:
    def fallback(n: int): ...
else:
    def fallback(n: int, more: bool): ...
"""
    parsed = parse(tmp_path, text)
    assert [api.name for api in parsed.apis] == ["twice", "fallback"]
    assert not parsed.rejects
    listed = parse(
        tmp_path, "__all__ = ['b']\n__all__ += ['_c']\ndef a(n: int): ...\ndef b(n: int): ...\ndef _c(n: int): ..."
    )
    assert [api.name for api in listed.apis] == ["b", "_c"]


def test_a_function_defined_twice_names_both_lines(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match=r"two functions are called 'good': lines 1 and 2"):
        parse(tmp_path, GOOD + GOOD)


@pytest.mark.parametrize(
    ("default", "schema"),
    [
        ("= 3", {"type": "integer", "default": 3}),
        ("= -3", {"type": "integer", "default": -3}),
        ("= None", {"type": ["integer", "null"], "default": None}),
        ("= LIMIT", {"type": "integer", "default": 9}),
        ("= len('abc')", {"type": "integer"}),
    ],
)
def test_defaults(tmp_path: Path, default: str, schema: dict) -> None:
    form = parameters(tmp_path, f"LIMIT = 9\ndef f(x: int {default}): ...")
    assert form["properties"]["x"] == schema
    assert form["required"] == []


@pytest.mark.parametrize(
    "text",
    [
        "def f(x: int = " + "1+" * 900 + "1) -> int: ...",
        "X = " + "1+" * 900 + "1\ndef f(x: int = X) -> int: ...",
        "import enum\nclass E(enum.Enum):\n    A = " + "1+" * 900 + "1\ndef f(x: E) -> int: ...",
        "A = B\nB = A\ndef f(x: int = A) -> int: ...",
    ],
    ids=["default", "constant", "member", "circle"],
)
def test_what_is_nested_too_deeply_leaves_its_function_out(tmp_path: Path, text: str) -> None:
    parsed = parse(tmp_path, f"{text}\n{GOOD}")
    assert [api.name for api in parsed.apis] == ["good"]
    (reject,) = parsed.rejects
    assert reject.code == "unsupported_type"
    assert "function 'f': a type or default is nested" in reject.detail


def test_types_of_sibling_modules_without_importing_any(tmp_path: Path) -> None:
    package = tmp_path / "shop_under_test"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("CATEGORY = 'x'\nraise RuntimeError('imported')")
    (package / "_types.py").write_text(
        "from enum import Enum\nclass Size(Enum):\n    S = 'small'\n    L = 'large'\nIds = list[int]"
    )
    (package / "deep" / "__init__.py").write_text("from .._types import Size as Format")
    (package / "deep" / "orders.py").write_text(
        "from shop_under_test import _types as t\nfrom . import Format\nfrom .._types import *\n"
        "def order(ids: Ids, size: Format = Format.L, other: t.Size = t.Size.S): ...\nraise RuntimeError('imported')"
    )
    (package / "_private.py").write_text("def inner(n: int): ...")
    parsed = PythonSource(path="shop_under_test").parse(tmp_path)
    (api,) = parsed.apis
    size = {"type": "string", "enum": ["small", "large"]}
    assert api.parameters["properties"] == {
        "ids": {"type": "array", "items": {"type": "integer"}},
        "size": {**size, "default": "large"},
        "other": {**size, "default": "small"},
    }
    assert "shop_under_test" not in sys.modules


def test_typing_means_typing_whatever_lies_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "typing_extensions.py").write_text("class Literal: ...")
    form = parameters(tmp_path, "import typing_extensions as te\ndef f(x: te.Literal['a']): ...")
    assert form["properties"]["x"] == {"type": "string", "enum": ["a"]}


def test_importable_modules_are_found_and_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "outer_under_test" / "inner"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "maths.py").write_text(GOOD)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("outer_under_test", "outer_under_test.inner", "outer_under_test.inner.maths"):
        (api,) = PythonSource(module=name).parse(Path()).apis
        assert api.source is not None
        assert api.source.location == "outer_under_test.inner.maths"
    assert not {name for name in sys.modules if name.startswith("outer_under_test")}


def test_a_path_that_is_not_there_says_where_it_started(tmp_path: Path) -> None:
    with pytest.raises(LibraryError) as caught:
        PythonSource(path="nothere.py").parse(tmp_path)
    assert caught.value.message.startswith("nothere.py: there is no such Python file")
    assert caught.value.mend.endswith(f"; relative paths start from {tmp_path}")


@pytest.mark.parametrize("name", ["no_such_module_here", "json.nothing", "math.sin", "", ".relative"])
def test_modules_that_are_not_there(name: str) -> None:
    with pytest.raises(LibraryError, match="no such Python file, package or module"):
        PythonSource(module=name).parse(Path())


@pytest.mark.parametrize(("name", "module"), [("PyYAML", "yaml"), ("import_linter", "importlinter")])
def test_of_an_installed_distribution_the_modules_are_named(name: str, module: str) -> None:
    with pytest.raises(LibraryError) as caught:
        PythonSource(module=name).parse(Path())
    assert caught.value.mend == f"give a module of this distribution: {module}"


def test_a_file_without_end_is_refused_and_not_parsed(tmp_path):
    (tmp_path / "long.py").write_text("x = [\n" + "0,\n" * 1_500_000)  # would be no Python either
    with pytest.raises(LibraryError, match=r"long\.py: longer than 4 Mi"):
        PythonSource(path="long.py").parse(tmp_path)


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="absent"):
        PythonSource(path="absent.py").parse(tmp_path)
    with pytest.raises(LibraryError, match=r"tools\.py:2: no valid Python"):
        parse(tmp_path, "x = 1\ndef f(:")
    (tmp_path / "tools.py").write_bytes(b"\xff\xfe\x00x")
    with pytest.raises(LibraryError, match="cannot be read"):
        PythonSource(path="tools.py").parse(tmp_path)


@pytest.mark.parametrize(
    "keys", [{}, {"path": "a", "module": "b"}, {"path": "a", "functions": []}, {"path": "a", "paht": 1}]
)
def test_the_spec_refuses(keys: dict) -> None:
    with pytest.raises(ValidationError):
        PythonSource(**keys)
