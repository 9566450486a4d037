"""The standard library as foreign code sees it: complete, closed and unchangeable."""

import copy
import types
from typing import Any

import pytest

from apigen_ray.runners.sandbox.language import Compiled, compile_entry, preload
from apigen_ray.runners.sandbox.language.facades import facade
from apigen_ray.runners.sandbox.language.guards import HIDDEN
from apigen_ray.runners.sandbox.language.offered import OFFERED


@pytest.fixture(scope="module", autouse=True)
def _preloaded() -> None:
    preload()


def reached(value: Any, path: str, depth: int, seen: set[int]) -> list[tuple[str, Any]]:
    """What public names lead to, some steps far."""
    if id(value) in seen or isinstance(value, int | str | float | tuple | bytes) or depth > 3:
        return [(path, value)]
    seen.add(id(value))
    out = [(path, value)]
    for name in dir(value):
        if not name.startswith("_"):
            out += reached(getattr(value, name, None), f"{path}.{name}", depth + 1, seen)
    return out


@pytest.mark.parametrize("module", sorted(OFFERED))
def test_no_public_name_leads_to_a_module_or_to_something_that_can_be_changed(module: str) -> None:
    seen: set[int] = set()
    for name, value in vars(facade(module, "real")).items():
        for path, found in reached(value, f"{module}.{name}", 0, seen):
            if path.endswith(".groupindex"):  # a new one at every reading
                continue
            assert type(found) not in HIDDEN, path
            assert not isinstance(found, list | dict | set | bytearray | types.SimpleNamespace), path


def test_a_facade_cannot_be_changed_or_copied_apart() -> None:
    made: Any = facade("math", "real")
    for change in (lambda: setattr(made, "pi", 3), lambda: delattr(made, "pi")):
        with pytest.raises(AttributeError):
            change()
    assert copy.deepcopy([made])[0] is copy.copy(made) is made


@pytest.mark.parametrize("module", ["io", "os", "sys", "pathlib", "threading", "types", "logging", "codecs", "inspect"])
def test_modules_that_hold_more_are_no_values(module: str) -> None:
    for text in (f"import {module}\ndef f(): return str({module})", f"def f():\n import {module} as q\n return str(q)"):
        assert not isinstance(compile_entry({"m": text}, "m", "f"), Compiled)


def test_the_context_of_decimals_does_not_stay() -> None:
    made = compile_entry(
        {"m": "import decimal\ndef f():\n n = decimal.getcontext().prec\n decimal.getcontext().prec = 5\n return n"},
        "m",
        "f",
    )
    assert isinstance(made, Compiled)
    assert [made.open().function() for _ in range(2)] == [28, 28]


def test_packages_show_their_public_names_and_no_modules_of_others() -> None:
    preload(packages=["docstring_parser"])
    text = "import docstring_parser\nfrom docstring_parser import parse\ndef f(): return parse('A.').short_description"
    made = compile_entry({"m": text}, "m", "f")
    assert isinstance(made, Compiled)
    assert made.open().function() == "A."
