"""What is left of a module for one function: code that is executed into fresh globals for every call."""

import decimal
import marshal
from collections.abc import Callable
from inspect import CO_GENERATOR
from types import CodeType
from typing import Any

from apigen_ray.runners.sandbox.language import caches, names
from apigen_ray.runners.sandbox.language.facades import facade, offered_value
from apigen_ray.runners.sandbox.language.guards import OWN
from apigen_ray.runners.sandbox.language.hints import is_final
from apigen_ray.runners.sandbox.language.namespaces import NAMESPACES
from apigen_ray.runners.sandbox.language.shake import Part

VERSION = 1


class OwnModule:
    """A module of the foreign package as its other modules see it.

    Args:
        name: its name.
        tables: the globals of all modules, by name.
    """

    __slots__ = ("_table", "_tables")

    def __init__(self, name: str, tables: dict[str, dict[str, Any]]) -> None:
        object.__setattr__(self, "_table", tables.get(name) or {"__name__": name})
        object.__setattr__(self, "_tables", tables)

    def __getattr__(self, name: str) -> Any:
        if name == OWN:
            return True
        table = object.__getattribute__(self, "_table")
        tables = object.__getattribute__(self, "_tables")
        below = f"{table['__name__']}.{name}"
        if name not in table and below in tables:
            return OwnModule(below, tables)
        if name not in table or names.is_guard(name) or name in NAMESPACES["real"]:
            raise AttributeError(f"module {table['__name__']!r} has no attribute {name!r}")
        return table[name]

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("a module cannot be changed from outside")

    __delattr__: Any = __setattr__


class Opened:
    """An entry in fresh globals.

    Attributes:
        function: the function, to be called once.
    """

    __slots__ = ("_compiled", "_hints", "_tables", "function")

    def __init__(self, compiled: "Compiled", tables: dict[str, dict[str, Any]]) -> None:
        self._compiled = compiled
        self._tables = tables
        self._hints: dict[str, Any] | None = None
        self.function: Callable[..., Any] = tables[compiled.module][compiled.entry]

    @property
    def hints(self) -> dict[str, Any]:
        """Annotations by parameter, resolved; without those that cannot be. Found at the first reading."""
        if self._hints is None:
            found: dict[str, Any] = {}
            self._compiled.find_hints(self._tables, found)
            self._hints = found
        return self._hints


def _annotate(cls: Any, name: str, annotation: Any) -> None:
    own = vars(cls).get("__annotations__")
    if own is not None and name in own:
        own[name] = annotation


class Compiled:
    """The modules that one entry needs.

    Args:
        module: name of the entry's module.
        entry: name of the function.
        parts: what is left of each module, that of the entry last.
    """

    def __init__(self, module: str, entry: str, parts: list[Part]) -> None:
        self.module = module
        self.entry = entry
        self._parts = parts
        self._single = parts[0][2] if len(parts) == 1 else None
        self._templates: dict[str, dict[str, dict[str, Any]]] = {}
        self._counts = self._uses("decimal")
        self._classes = any(_has(code, lambda each: "__qualname__" in each.co_names) for _, _, code, _ in parts)
        unfinished = any(_has(code, _is_left) for _, _, code, _ in parts)
        self._lingers = unfinished or self._uses("io") or self._uses("weakref")  # streams are closed, keys removed

    def _uses(self, module: str) -> bool:
        """Whether a module of the library is imported somewhere."""
        return any(
            module in (each for _, each, _ in prelude) or _mentions(code, module) for _, prelude, code, _ in self._parts
        )

    def to_bytes(self) -> bytes:
        """Everything, to be read by the same version of Python only."""
        return marshal.dumps((VERSION, self.module, self.entry, self._parts))

    @classmethod
    def from_bytes(cls, data: bytes) -> "Compiled":
        """What `to_bytes` wrote.

        Raises:
            ValueError: it did not.
        """
        version, module, entry, parts = marshal.loads(data)  # noqa: S302 - our own, and read behind the walls
        if version != VERSION:
            raise ValueError("another version wrote this")
        return cls(module, entry, [tuple(part) for part in parts])

    def open(self, clock: str = "real") -> Opened:
        """Executes the modules into fresh globals; raises whatever they raise.

        Args:
            clock: ``real``, or ``frozen`` at `namespaces.NOW`.
        """
        caches.settle()
        if self._counts:  # the context of Decimal is one for the process, and a call may have left its own there
            decimal.setcontext(decimal.Context())
        caches.touched = caches.touched or self._classes
        caches.lingering = caches.lingering or self._lingers
        templates = self._templates.get(clock) or self._make_templates(clock)
        if self._single is not None:
            table = templates[self.module].copy()
            exec(self._single, table)  # noqa: S102 - this is what the language layer is for
            return Opened(self, {self.module: table})
        tables = {name: template.copy() for name, template in templates.items()}
        codes = {name: code for name, _, code, _ in self._parts}
        own = _importer(tables, codes)
        for table in tables.values():
            table["_own_"] = own
        _execute(self.module, tables, codes)
        return Opened(self, tables)

    def _make_templates(self, clock: str) -> dict[str, dict[str, Any]]:
        made = {}
        for name, prelude, _, _ in self._parts:
            table = made[name] = NAMESPACES[clock] | {"__name__": name, "_import_": _library(clock)}
            for local, module, one in prelude:
                table[local] = facade(module, clock) if one is None else offered_value(module, one, clock)
        self._templates[clock] = made
        return made

    def find_hints(self, tables: dict[str, dict[str, Any]], found: dict[str, Any]) -> None:
        """Executes what the hints of an opened entry need, and puts them into ``found``."""
        codes = {name: None for name in tables}
        for name, _, _, code in self._parts:
            if name not in tables or code is None:
                continue
            table = tables[name]
            table |= {"_hint_": found.__setitem__, "_annotate_": _annotate}
            table.setdefault("_own_", _importer(tables, dict(codes)))
            try:
                exec(code, table)  # noqa: S102 - as above
            except Exception:  # a hint is a help, no more
                found.clear()
        for name in [name for name, hint in found.items() if not is_final(hint, set())]:
            del found[name]


def _mentions(code: CodeType | None, word: str) -> bool:
    """Whether a string is among the constants of a code, or of the functions in it."""
    return code is not None and any(
        _mentions(each, word) if isinstance(each, CodeType) else each == word for each in code.co_consts
    )


def _has(code: CodeType | None, wanted: Callable[[CodeType], bool]) -> bool:
    """Whether something holds of a code, or of one in it."""
    return code is not None and (
        wanted(code) or any(_has(each, wanted) for each in code.co_consts if isinstance(each, CodeType))
    )


def _is_left(code: CodeType) -> bool:
    """Whether a code is a generator that may have something left to do when it is collected."""
    return bool(code.co_flags & CO_GENERATOR and code.co_exceptiontable)


def _execute(name: str, tables: dict[str, dict[str, Any]], codes: dict[str, CodeType | None]) -> None:
    code = codes.pop(name, None)
    if code is not None:
        exec(code, tables[name])  # noqa: S102 - as above


def _importer(tables: dict[str, dict[str, Any]], codes: dict[str, CodeType | None]) -> Callable[..., Any]:
    """What imports modules of the foreign package from each other, each executed at its first import."""

    def own(module: str, name: str | None = None, below: str = "") -> Any:
        _execute(below or module, tables, codes)
        if name is None:
            return OwnModule(module, tables)
        try:
            return tables[module][name]
        except KeyError:
            raise ImportError(f"cannot import name {name!r} from {module!r}", name=module) from None

    return own


def _library(clock: str) -> Callable[..., Any]:
    def load(module: str, name: str | None = None) -> Any:
        return facade(module, clock) if name is None else offered_value(module, name, clock)

    return load
