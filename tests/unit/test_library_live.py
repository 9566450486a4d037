"""Functions that a program holds, as a library: of modules, and of what has no file, such as a notebook's cells."""

import ast
import importlib
import linecache
import math
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apigen_ray.errors import EnvironmentFault, LibraryError
from apigen_ray.library import load_library
from apigen_ray.library.live import MARK, functions

CELL = '''
from __future__ import annotations
import math
import xml.etree.ElementTree as tree
from datetime import date as day
from typing import Literal

RATE, NAMES, MODEL = 0.25, {"plain": [1, None]}, object()

def taxed(price: float) -> float:
    return price * (1 + RATE)

def total(price: float, rounding: Literal["up", "down"] = "up") -> float:
    """Add the tax to a price."""
    return getattr(math, "ceil" if rounding == "up" else "floor")(taxed(price))

def ages(year: int, RATE: int = 1) -> list[int]:
    """Tell how old one is, and was."""
    later = [day(2025, 1, 1).year - year for NAMES in range(2)]
    return later

def factorial(n: int) -> int:
    """Multiply all numbers up to one."""
    return n * factorial(n - 1) if n > 1 else 1

def even(n: int) -> bool:
    """Whether a number is even."""
    return n == 0 or odd(n - 1)

def odd(n: int) -> bool:
    """Whether a number is odd."""
    return n > 0 and even(n - 1)

def parsed(text: str) -> str:
    """Parse a text."""
    return tree.fromstring(text).tag + str(NAMES)

def asks(text: str) -> str:
    """Ask a model."""
    return MODEL.ask(text)

def early(text: str) -> str:
    """Use what comes later."""
    return not_yet(text)

def untyped(x):
    """Take anything."""
    return x

def outer() -> Callable:
    def inner(x: int) -> int:
        """Be within."""
        return x
    return inner
'''


@pytest.fixture
def cell() -> dict[str, Any]:
    """The names that a notebook's cell has made: their text is known, and lies in no file."""
    name = "<cell 1>"
    lines = CELL.splitlines(keepends=True)
    linecache.cache[name] = (len(CELL), None, lines, name)
    made: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(CELL, name, "exec"), made)  # noqa: S102  as a kernel does
    return made


def test_what_a_cell_defines_is_written_with_what_it_uses(cell: dict[str, Any], tmp_path: Path) -> None:
    names = ("total", "ages", "factorial", "parsed", "even")
    [source] = functions(*(cell[name] for name in names), file=tmp_path / "sub" / "mine.py")
    assert (source.path, source.functions) == (str(tmp_path / "sub" / "mine.py"), names)
    assert {api.name for api in load_library([source]).apis} == set(names)
    text = Path(source.path or "").read_text()
    assert text.startswith(f"{MARK}from __future__ import annotations\n")
    ast.parse(text)
    assert "MODEL" not in text  # nothing that is not used
    alone: dict[str, Any] = {"__name__": "mine"}
    exec(compile(text, "mine.py", "exec"), alone)  # noqa: S102  in a process that knows nothing of the cell
    for name, arguments in {
        "total": (3.1, "down"),
        "ages": (2000,),
        "factorial": (5,),
        "parsed": ("<a/>",),
        "even": (7,),
    }.items():
        assert alone[name](*arguments) == cell[name](*arguments)


def test_what_was_written_is_written_over_and_nothing_else(cell: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    functions(cell["total"], file=path)
    functions(cell["ages"], file=path)
    assert "def total" not in path.read_text()
    path.write_text("# mine\n")
    with pytest.raises(LibraryError, match="is there, and was not written from functions"):
        functions(cell["ages"], file=path)
    assert path.read_text() == "# mine\n"
    with pytest.raises(EnvironmentFault, match=r"mine\.py/sub\.py: cannot be written"):
        functions(cell["ages"], file=path / "sub.py")


def test_functions_of_modules_stay_where_they_are(
    cell: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = '''
    import functools
    def again(function):
        @functools.wraps(function)
        def called(*arguments, **named):
            return function(*arguments, **named)
        return called
    @again
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b
    def half(a: int) -> float:
        """Halve."""
        return a / 2
    '''
    (tmp_path / "held_by_a_module.py").write_text(textwrap.dedent(text))
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("held_by_a_module")
    monkeypatch.delitem(sys.modules, "held_by_a_module")  # goes with the test
    monkeypatch.setitem(sys.modules, "held_by_a_module", module)
    sources = functions(module.add, cell["total"], module.half, module.add, file=tmp_path / "live.py")
    assert [(source.path, source.functions) for source in sources] == [
        (str(tmp_path / "held_by_a_module.py"), ("add", "half")),
        (str(tmp_path / "live.py"), ("total",)),
    ]


@pytest.mark.parametrize(
    ("pick", "words"),
    [
        (lambda cell: cell["asks"], "asks: uses 'MODEL' of type object, which cannot be taken along"),
        (lambda cell: cell["early"], "early: uses 'not_yet', which is not defined"),
        (lambda cell: cell["untyped"], "'untyped'.*no type"),
        (lambda cell: cell["outer"](), "outer.<locals>.inner: is defined within another"),
        (lambda cell: lambda x: x, "<lambda>: is no function that `def` made but a lambda"),
        (lambda cell: [len], r"functions: takes functions, not a list of them\n.*functions\(\*"),
        (lambda cell: len, "len: is no function that `def` made but builtin_function"),
        (lambda cell: int, "int: is no function that `def` made but type"),
        (lambda cell: "total", "'total': is no function that `def` made but str"),
        (lambda cell: math.sqrt, "sqrt: is no function"),
        (lambda cell: cell["day"].today, "today: is no function"),
    ],
)
def test_what_cannot_be_a_library_is_named_with_the_mend(
    pick: Callable[[dict[str, Any]], Any], words: str, cell: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(LibraryError, match=words) as raised:
        functions(pick(cell), file=tmp_path / "mine.py")
    assert raised.value.mend


def test_what_has_no_file_needs_one(cell: dict[str, Any]) -> None:
    with pytest.raises(LibraryError, match=r"(?s)^total: is defined in a notebook .* file='my_functions\.py'"):
        functions(cell["total"])
    with pytest.raises(LibraryError, match="there are none"):
        functions()
    del linecache.cache["<cell 1>"]
    with pytest.raises(LibraryError, match="total: its text is not known"):
        functions(cell["total"], file="mine.py")
