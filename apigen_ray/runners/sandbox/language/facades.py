"""The standard library as foreign code sees it: objects with the listed names of a module, which nothing can change."""

import importlib
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from apigen_ray.runners.sandbox.language import classes, replacements, warm
from apigen_ray.runners.sandbox.language.constants import Table
from apigen_ray.runners.sandbox.language.guards import HIDDEN, Listed
from apigen_ray.runners.sandbox.language.offered import OFFERED


class Facade(Listed):
    """A module with the names that are offered of it."""

    # without an __init__, which could be called again

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("a module of the standard library cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a module of the standard library cannot be changed")

    def __repr__(self) -> str:
        raise TypeError("a module has no text here")

    def __copy__(self) -> "Facade":
        return self

    def __deepcopy__(self, memo: Any) -> "Facade":
        return self


def _facade(name: str, table: dict[str, Any]) -> Facade:
    made = Facade()
    vars(made).update(table, __name__=name)
    for value in table.values():
        classes.offer_base(value)
    return made


def _constant(value: Any) -> Any:
    """What cannot be changed, for a value that could be."""
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, dict):
        return Table(value)
    return frozenset(value) if isinstance(value, set) else value


def _make(name: str, clock: str) -> Facade:
    table: dict[str, Any] = {}
    module: ModuleType | None = None
    for one in OFFERED[name]:
        if one in replacements.of(name, clock):
            continue
        module = module or importlib.import_module(replacements.ALIASES.get(name, name))
        if hasattr(module, one) and type(getattr(module, one)) not in HIDDEN:
            table[one] = _constant(getattr(module, one))
    return _facade(name, table | replacements.of(name, clock))


_packages: dict[str, dict[str, Any]] = {}
"""Names of packages that the user has imported before the walls go up, by module."""


def _add_package(name: str, top: str) -> None:
    """Offers the public names of a package and of its modules; other modules in it stay hidden."""
    module = importlib.import_module(name)
    table = _packages[name] = {}
    for one, value in vars(module).items():
        if isinstance(value, ModuleType):
            below = value.__name__
            if not one.startswith("_") and below.startswith(top + "."):
                if below not in _packages:
                    _add_package(below, top)
                table[one] = facade(below, "real")
        elif not one.startswith("_") and type(value) not in HIDDEN:
            table[one] = _constant(value)


_facades: dict[tuple[str, str], Facade] = {}


def is_offered(module: str, name: str | None = None) -> bool:
    """Whether there is a facade for a module, and whether it has a name; nothing is imported."""
    if module in _packages:
        return name is None or name in _packages[module]
    if module not in OFFERED:
        return False
    return (
        name is None
        or name in OFFERED[module]
        or name in replacements.of(module, "real")
        or is_offered(f"{module}.{name}")
    )


def facade(module: str, clock: str) -> Facade:
    """The facade of a module that is offered.

    Raises:
        ModuleNotFoundError: it is not offered.
    """
    made = _facades.get((module, clock))
    if made is None:
        if module in _packages:
            made = _facades[module, clock] = _facades[module, "real"] = _facade(module, _packages[module])
            return made
        if module not in OFFERED:
            raise ModuleNotFoundError(f"No module named {module!r}", name=module)
        made = _facades[module, clock] = _make(module, clock)
        for one in OFFERED:
            parent, _, last = one.rpartition(".")
            if parent == module:
                vars(made)[last] = facade(one, clock)
    return made


def offered_value(module: str, name: str, clock: str) -> Any:
    """``from module import name``.

    Raises:
        ImportError: there is no such thing, or it is not offered.
    """
    try:
        return vars(facade(module, clock))[name]
    except KeyError:
        raise ImportError(f"cannot import name {name!r} from {module!r}", name=module) from None


def preload(modules: Iterable[str] = tuple(OFFERED), packages: Iterable[str] = ()) -> None:
    """Imports and warms up what cannot be loaded any more behind the walls; called once, in the zygote.

    Args:
        modules: of the standard library, out of `OFFERED`.
        packages: third-party packages that sources may import: all their public names, whatever these can do.
    """
    for package in packages:
        if package not in OFFERED:
            _add_package(package, package)
    with warm.without_openssl():
        for module in modules:
            for clock in ("real", "frozen"):
                facade(module, clock)
        warm.warm_up()
