"""How foreign code makes classes: of which base classes, with which hooks, and which a pattern may look into."""

import builtins
import dataclasses
import types
import typing
from collections.abc import Iterable
from typing import Any

from apigen_ray.runners.sandbox.language import names
from apigen_ray.runners.sandbox.language.guards import OWN, TypeOfTypes, is_own


def build_class(body: Any, name: str, *bases: Any, **keywords: Any) -> Any:
    """``__build_class__`` without a metaclass of its own; the class body marks the class as foreign."""
    for base in bases:  # an own object could answer twice, and differently
        if not isinstance(base, type) and is_own(base) and type(base) is not types.GenericAlias:
            raise TypeError("an object must not be a base class")
    resolved = types.resolve_bases(bases)
    for base in resolved:
        check_base(base)
    check_fields(resolved, ())
    if "metaclass" in keywords:
        raise TypeError("a metaclass is not allowed")
    return builtins.__build_class__(body, name, *bases, **keywords)


_bases: set[Any] = {
    object,
    typing.Generic,
    typing.Protocol,
    *types.resolve_bases((typing.NamedTuple, typing.TypedDict)),
}


def offer_base(kind: Any) -> None:
    """Lets a class of the library be a base class, and the class that an alias in `typing` stands for."""
    origin = getattr(kind, "__origin__", kind) if type(kind).__module__ == "typing" else kind
    if isinstance(origin, type) and not issubclass(origin, type | dataclasses.Field):
        _bases.add(origin)


def check_base(base: Any) -> None:
    """Refuses metaclasses, and classes that are not offered: what they hold would be inherited.

    Raises:
        TypeError: this must not be a base class.
    """
    if isinstance(base, type) and not isinstance(base, TypeOfTypes) and not issubclass(base, type):
        if OWN in vars(base) or base in _bases or issubclass(base, BaseException):
            return
        if issubclass(base, tuple) and hasattr(base, "_fields"):
            return
        if typing.is_typeddict(base):
            return
    raise TypeError("this must not be a base class")


def check_fields(bases: Iterable[Any], fields: Iterable[str]) -> None:
    """Refuses fields of dataclasses that, unset, are a base class's own, as these are read without a guard.

    Raises:
        TypeError: one of them is looked at twice elsewhere.
    """
    bases = list(bases)
    for name in {*fields, *(name for base in bases for name in getattr(base, "__dataclass_fields__", ()))}:
        if name not in names.CAREFUL and name not in names.FORBIDDEN and not names.is_dunder(name):
            continue
        if any(hasattr(base, name) and name not in getattr(base, "__dataclass_fields__", ()) for base in bases):
            raise TypeError(f"{name!r} must not be a field of this class")


def attribute_hook(kind: str, found: Any) -> Any:
    """``__getattr__`` and ``__getattribute__`` of a foreign class: asked for what Python itself looks for, they lie.

    Args:
        kind: which of the two.
        found: what the class body has bound to it.
    """
    if type(found) not in _HOOKS:
        raise TypeError("__getattr__ must be a function")

    def hook(self: Any, name: str) -> Any:
        if names.is_dunder(name) and (name not in names.READABLE or name in names.UNWRAPPED):
            if kind == "__getattribute__":
                return object.__getattribute__(self, name)
            raise AttributeError(name)
        return found(self, name)

    return hook


_HOOKS = frozenset([types.FunctionType, types.MethodDescriptorType, types.WrapperDescriptorType])


def pattern(kind: Any) -> Any:
    """The class of a pattern that reads attributes: the interpreter reads them, and asks no guard.

    Raises:
        TypeError: what is an instance of it cannot be told.
    """
    if isinstance(kind, type) and not isinstance(kind, TypeOfTypes) and typing.Protocol not in kind.__mro__:
        if OWN in vars(kind) or (
            kind in _bases and kind is not object and type(kind).__module__ in ("builtins", "enum")
        ):
            return kind
        if issubclass(kind, BaseException) or (issubclass(kind, tuple) and hasattr(kind, "_fields")):
            return kind
    raise TypeError("attributes of this class must not be matched")
