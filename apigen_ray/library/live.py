"""Functions that a program holds, as a source: the file that defines them, or one that is written from their text."""

import ast
import builtins
import inspect
import os
import symtable
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from apigen_ray.errors import LibraryError
from apigen_ray.library.python import PythonSource
from apigen_ray.storage import write_text

MARK = "# Written by apigen_ray.functions: what is changed here is lost.\n"
"""The first line of a file that may be written over."""

_FUTURE = 0x1000000
"""Flag of code under ``from __future__ import annotations``."""


def functions(*given: Callable[..., Any], file: str | os.PathLike[str] | None = None) -> list[PythonSource]:
    """Functions of this program as the section ``library`` of a config.

    Calls are executed from a function's text, in a confined process that knows nothing of this one. So a function of a
    module is taken from the module's file. One that has no such file, being defined in a notebook or in the program
    that is started, is written to ``file``, with the modules, constants and functions that it uses.

    Args:
        given: typed and documented functions, defined at the top level of a file or cell.
        file: where to write functions that have no module of their own; one that this function wrote is replaced.

    Returns:
        Sources, one for each file; others may stand beside them: ``[*apigen.functions(add), {"kind": "openapi"}]``.

    Raises:
        LibraryError: what is given is no such function, uses what cannot be taken along, or needs a ``file``; the
            message names it and the mend. Also what `apigen_ray.library.python.PythonSource` would reject.

    Examples:
        >>> import apigen_ray as apigen
        >>> from my_functions import add, shout
        >>> library = apigen.functions(add, shout)
        >>> [(source.path.rpartition("/")[2], source.functions) for source in library]
        [('my_functions.py', ('add', 'shout'))]
    """
    if not given:
        raise LibraryError("functions: there are none", "give at least one function")
    by_file: dict[str, list[str]] = {}
    live = []
    for function in map(_checked, given):
        path = _file(function)
        if path is None:
            live.append(function)
        else:
            by_file.setdefault(path, []).append(function.__name__)
    if live:
        if file is None:
            raise LibraryError(
                f"{live[0].__name__}: is defined in a notebook or in the program that was started, and calls are "
                "executed from a file",
                "give file='my_functions.py' to have it written there, or move it into a module",
            )
        by_file[_write(Path(file), live)] = [function.__name__ for function in live]
    sources = [PythonSource(path=path, functions=tuple(dict.fromkeys(names))) for path, names in by_file.items()]
    for source in sources:
        source.parse(Path())  # what it would reject is told here
    return sources


def _checked(given: Callable[..., Any]) -> FunctionType:
    if isinstance(given, list | tuple | set):
        found = type(given).__name__
        raise LibraryError(f"functions: takes functions, not a {found} of them", "write functions(*the_functions)")
    function = inspect.unwrap(given)
    name = getattr(given, "__name__", repr(given))
    if not isinstance(function, FunctionType) or name == "<lambda>":
        found = "a lambda" if name == "<lambda>" else type(given).__name__
        raise LibraryError(f"{name}: is no function that `def` made but {found}", "wrap it in a plain function")
    if function.__qualname__ != function.__name__:
        raise LibraryError(f"{function.__qualname__}: is defined within another", "define it at the top level")
    return function


def _file(function: FunctionType) -> str | None:
    """The file of the module that defines a function; None for one that is not imported from a file."""
    module = sys.modules.get(function.__module__)
    path = getattr(module, "__file__", None)
    return str(path) if path and function.__module__ != "__main__" and path.endswith(".py") else None


def _write(path: Path, live: list[FunctionType]) -> str:
    """Writes the functions and what they use; gives the path as text."""
    if path.exists() and not path.read_text("utf-8", "replace").startswith(MARK):
        raise LibraryError(f"{path}: is there, and was not written from functions", "give another file")
    parts: dict[str, str] = {}
    for function in live:
        _gather(function.__name__, function, function, parts)
    imports = [text for text in parts.values() if text.startswith(("import ", "from "))]
    if any(function.__code__.co_flags & _FUTURE for function in live):
        imports.insert(0, "from __future__ import annotations")
    definitions = [text for text in parts.values() if "\n" in text]
    constants = [text for text in parts.values() if text not in imports and text not in definitions]
    blocks = [*("\n".join(lines) + "\n" for lines in (imports, constants) if lines), *definitions]
    write_text(path, MARK + "\n\n".join(blocks))
    return str(path)


def _gather(name: str, value: Any, root: FunctionType, parts: dict[str, str]) -> None:
    """Adds the line or definition that makes a name mean this value in another file, after those that it needs."""
    if name in parts:
        return
    if isinstance(value, ModuleType):
        parts[name] = f"import {value.__name__}" + ("" if value.__name__ == name else f" as {name}")
    elif (origin := _imported(name, value)) is not None:
        parts[name] = origin
    elif isinstance(value, FunctionType | type) and value.__module__ == root.__module__:
        text = _text(value)
        parts[name] = ""  # it may use itself
        for used in sorted(_globals(text)):
            if used in root.__globals__:
                _gather(used, root.__globals__[used], root, parts)
            elif not hasattr(builtins, used):
                raise LibraryError(f"{root.__name__}: uses {used!r}, which is not defined", f"define {used!r} before")
        del parts[name]
        parts[name] = text
    elif _is_constant(value):
        parts[name] = f"{name} = {value!r}"
    else:
        raise LibraryError(
            f"{root.__name__}: uses {name!r} of type {type(value).__name__}, which cannot be taken along",
            "make it within the function, or move both into a module",
        )


def _imported(name: str, value: Any) -> str | None:
    """The import of what another module defines; None where none does."""
    module = getattr(value, "__module__", None)
    if not isinstance(module, str) or module in ("__main__", "builtins"):
        return None
    for known in (name, getattr(value, "__qualname__", ""), getattr(value, "_name", "")):
        if known and getattr(sys.modules.get(module), known, None) is value:
            return f"from {module} import {known}" + ("" if known == name else f" as {name}")
    return None


def _text(value: FunctionType | type) -> str:
    try:
        return textwrap.dedent(inspect.getsource(value)).rstrip() + "\n"
    except (OSError, TypeError) as error:
        raise LibraryError(
            f"{value.__name__}: its text is not known ({error})", "write it into a file, and import it from there"
        ) from error


def _globals(text: str) -> set[str]:
    """The names that a definition takes from around it, whether when it is made or when it is called."""
    top = symtable.symtable(text, "definition", "exec")
    made = {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    return {name for table in _tables(top) for name in _taken(table, table is top)} - made


def _taken(table: symtable.SymbolTable, is_top: bool) -> Iterator[str]:
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (is_top or symbol.is_global()):
            yield symbol.get_name()


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)


def _is_constant(value: Any) -> bool:
    try:
        return type(ast.literal_eval(repr(value))) is type(value) and ast.literal_eval(repr(value)) == value
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return False
