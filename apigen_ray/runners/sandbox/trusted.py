"""Compiles and opens sources that are trusted: plain Python without the language layer; standard library only."""

import ast
import gc
import importlib.machinery
import importlib.util
import marshal
import sys
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from apigen_ray.runners.sandbox.slim import slim


class NoFunctionError(Exception):
    """A source has no function of that name."""


@dataclass(frozen=True)
class Needs:
    """Modules whose text is wanted before a source can be compiled."""

    modules: tuple[str, ...]


class Opened:
    """A function in globals of its own.

    Attributes:
        function: what is called.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    @cached_property
    def hints(self) -> dict[str, Any]:
        """Parameter to resolved annotation; none where one names what only a type checker sees."""
        try:
            return typing.get_type_hints(self.function)
        except Exception:  # whatever an annotation does when it is evaluated: then arguments stay as JSON has them
            return {}


@dataclass(frozen=True)
class Compiled:
    """A module with what it imports from beside it, as code.

    Attributes:
        name: the module's name.
        entry: the function's name.
        codes: whole code, file and whether it is a package, of the module and those it imports, by name.
        slim: the module without what only types need, see `apigen_ray.runners.sandbox.slim`; None: it has to be whole.
        imports: modules of the standard library that they name.
    """

    name: str
    entry: str
    codes: dict[str, tuple[types.CodeType, str, bool]]
    slim: types.CodeType | None
    imports: tuple[str, ...]

    def to_bytes(self) -> bytes:
        """The same as bytes, for `from_bytes` of the same Python."""
        return marshal.dumps((self.name, self.entry, self.codes, self.slim, self.imports))

    @classmethod
    def from_bytes(cls, data: bytes) -> "Compiled":
        """The inverse of `to_bytes`."""
        return cls(*marshal.loads(data))  # noqa: S302 - in a process that may as well execute what it reads

    def open(self, typed: bool) -> Opened:
        """Executes the module into fresh globals, so that no call finds what another one left in them.

        Modules that it imports from beside it are executed once in a process and stay.

        Args:
            typed: whether hints will be asked for.

        Raises:
            NoFunctionError: it has no such function, or it is another module's.
        """
        _beside.codes.update(self.codes)
        whole, file, package = self.codes[self.name]
        module = types.ModuleType(self.name)
        module.__file__ = file
        module.__package__ = self.name if package else self.name.rpartition(".")[0]
        if package:
            module.__path__ = []
        sys.modules[self.name] = module  # dataclasses and type hints look their own module up there
        exec(whole if typed or self.slim is None else self.slim, module.__dict__)  # noqa: S102 - what this process is for
        function: Any = module.__dict__.get(self.entry)
        own = callable(function) and getattr(function, "__module__", None) == self.name
        if not own or isinstance(function, type):
            raise NoFunctionError(f"{self.name} has no function {self.entry!r}")
        return Opened(function)


def compile_trusted(
    sources: Mapping[str, str | None], files: Mapping[str, str], module: str, entry: str
) -> Compiled | Needs:
    """Compiles a module and what it imports from beside it.

    Args:
        sources: texts by dotted name; None: there is no such module beside it.
        files: where they come from, by name.
        module: the name of the module that has the function.
        entry: the function's name.

    Raises:
        SyntaxError: a text is no Python; and whatever else the compiler raises.
    """
    codes: dict[str, tuple[types.CodeType, str, bool]] = {}
    wanted: set[str] = set()
    standard: set[str] = set()
    slimmed = None
    for name, text in sources.items():
        if text is None:
            continue
        file = files[name]
        package = file.endswith("__init__.py")
        tree = ast.parse(text, file)
        for other in _imported(tree, name if package else name.rpartition(".")[0]):
            if other.partition(".")[0] in sys.stdlib_module_names:
                if _may_be_missing(other):
                    standard.add(other)
            elif other not in sources and other not in _preloaded:
                wanted.add(other)
        codes[name] = (compile(text, file, "exec", dont_inherit=True), file, package)
        if name == module and (thin := slim(tree)) is not None:
            slimmed = compile(thin, file, "exec", dont_inherit=True)
    if wanted:
        return Needs(tuple(sorted(wanted)))
    return Compiled(module, entry, codes, slimmed, tuple(sorted(standard)))


def _imported(tree: ast.Module, package: str) -> Iterator[str]:
    """The names of all modules that a module may import, those that may be functions of them too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _with_parents(alias.name)
        elif isinstance(node, ast.ImportFrom):
            try:
                base = importlib.util.resolve_name("." * node.level + (node.module or ""), package or None)
            except ImportError:  # it will be told when the import is executed
                continue
            for alias in node.names:
                yield from _with_parents(base if alias.name == "*" else f"{base}.{alias.name}")


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        yield ".".join(parts[:length])


def _may_be_missing(name: str) -> bool:
    """Whether a module of the standard library is still to be imported; an attribute of its parent is not."""
    parent, _, last = name.rpartition(".")
    there = sys.modules.get(parent)
    return name not in sys.modules and (there is None or (hasattr(there, "__path__") and not hasattr(there, last)))


def import_standard(names: Iterable[str]) -> None:
    """Imports modules of the standard library, as long as files can be opened; one that is not there is told later."""
    fresh = [name for name in names if name not in _asked and name.partition(".")[0] in sys.stdlib_module_names]
    if not fresh:
        return
    sys.path.extend(_path)
    for name in fresh:
        _asked.add(name)
        try:
            if name not in _SIDE_EFFECTS:
                __import__(name)
        except Exception:  # noqa: S112 - the name of a function of a module, or a module of another platform
            continue
    find_beside()
    gc.freeze()


_asked: set[str] = set()
_SIDE_EFFECTS = frozenset({"antigravity", "this", "idlelib.idle", "turtledemo.__main__"})


class _Beside:
    """Finds modules that lie beside the source, of which the parent has sent the text.

    A finder and loader without the classes of `importlib.abc`, which would import a megabyte of other modules.
    """

    def __init__(self) -> None:
        self.codes: dict[str, tuple[types.CodeType, str, bool]] = {}

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in self.codes:
            return None
        _, file, package = self.codes[name]
        loader: Any = self
        return importlib.util.spec_from_loader(name, loader, origin=file, is_package=package)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        code, module.__file__, _ = self.codes[module.__name__]
        exec(code, module.__dict__)  # noqa: S102 - what this process is for


_beside = _Beside()
_preloaded: set[str] = set()
_path: list[str] = []


def find_beside() -> None:
    """Puts what the parent sends in the place of the path, which workers cannot open anything from."""
    _preloaded.update(sys.modules)
    if sys.path:
        _path[:] = sys.path
        sys.path.clear()
    if _beside not in sys.meta_path:
        sys.meta_path.append(_beside)
