"""What stands behind foreign code at run time: guarded attributes, built-in functions and classes."""

import decimal
import string
import sys
import types
from collections.abc import Callable
from typing import Any

from apigen_ray.runners.sandbox.language import names

OWN = "__<own>__"
"""Marks classes made by foreign code, and their globals; no identifier, so that no code can write it, and a dunder, so
that Enum does not make a member of it."""

HIDDEN = frozenset(
    [
        types.ModuleType,
        types.FrameType,
        types.CodeType,
        types.TracebackType,
        types.CellType,
    ]
)
"""Types that nothing foreign code reads may have."""

MISSING = object()
_FUNCTION = types.FunctionType


def is_own(value: Any) -> bool:
    """Whether foreign code made this: a function, a class, or an instance of such a class."""
    if type(value) is _FUNCTION:
        return OWN in value.__globals__
    return getattr(value, OWN, False) is True


def read(value: Any, name: str) -> Any:
    """``value.name`` for a name that the compiler found harmless."""
    found = getattr(value, name)
    if type(found) in HIDDEN:
        raise AttributeError(f"{name!r} must not be read")
    return found


def read_private(value: Any, name: str) -> Any:
    """``value._name``: of objects of foreign classes only, and of what named tuples and Enums document."""
    holder: Any = value
    if type(value) is super:  # of an own object: what its parents in the library call private may be used
        holder = holder.__self__
    if is_own(holder) or name in _DOCUMENTED or isinstance(value, Listed):
        found = getattr(value, name)
        if type(found) in _SAFE or (type(found) not in HIDDEN and not _is_shared(holder, name, found)):
            return found
    raise AttributeError(f"{type(value).__name__!r} object has no attribute {name!r} that may be read")


_SAFE = frozenset([_FUNCTION, types.MethodType, str, int, bool, float, bytes, tuple, types.NoneType])


def _is_shared(value: Any, name: str, found: Any) -> bool:
    """Whether a class of the library holds this for itself: the next call would find what this one did to it."""
    for kind in value.__mro__ if isinstance(value, type) else type(value).__mro__:
        if name in vars(kind):
            return OWN not in vars(kind) and vars(kind)[name] is found
    return False


_DOCUMENTED = frozenset("_replace _asdict _make _fields _field_defaults".split())


def read_careful(value: Any, name: str) -> Any:
    """``value.name`` for a name that is dangerous on some objects."""
    if name in names.HELD:
        return _held(value, name)
    if name in ("__init__", "__init_subclass__"):
        return _maker(value, name)
    found = read(value, name)
    if name == "register" and isinstance(getattr(found, "__self__", None), type):
        raise AttributeError("virtual subclasses would outlive the call")
    if name == "clear_cache" and isinstance(found, types.BuiltinMethodType):  # what zones there are is known before
        return lambda **_: None
    if name == "obj" and isinstance(value, AttributeError):
        raise AttributeError("'obj' of an AttributeError must not be read")
    if name in ("format", "format_map") and type(found) in (types.BuiltinMethodType, types.MethodDescriptorType):
        return _formatter(found, name)
    return found


def _maker(value: Any, name: str) -> Any:
    """``__init__`` for instances of foreign classes only: called again, it would change an object of the library."""
    found: Any = getattr(value, name)
    if type(value) is super and is_own(getattr(value, "__self__", None)):
        return found
    if name == "__init__" and type(value) is not super and is_own(value) and not isinstance(value, type):
        return found
    if name != "__init__" or not isinstance(value, type):
        raise AttributeError(f"{name} must not be read here")

    def initialise(instance: Any, /, *args: Any, **kwargs: Any) -> None:
        if not is_own(instance) or isinstance(instance, type):
            raise TypeError("__init__ must not be called for this object")
        found(instance, *args, **kwargs)

    return initialise


def _formatter(found: Any, name: str) -> Callable[..., str]:
    text = getattr(found, "__self__", None)
    if isinstance(text, str):
        return SafeFormat(text, name)
    if text is None and getattr(found, "__objclass__", None) is str:
        return lambda text, /, *args, **kwargs: SafeFormat(text, name)(*args, **kwargs)
    return found  # type: ignore[no-any-return]


class SafeFormat:
    """``str.format`` whose fields reach attributes through the guards.

    Args:
        text: the format string.
        name: ``format`` or ``format_map``.
    """

    __slots__ = ("_name", "_text")

    def __init__(self, text: str, name: str) -> None:
        if not isinstance(text, str):
            raise TypeError("a format string must be a str")
        self._text = str.__str__(text)
        self._name = name

    def __call__(self, *args: Any, **kwargs: Any) -> str:
        """The formatted text."""
        text = self._text
        if self._name == "format_map":
            (mapping,) = args
            return _Formatter().vformat(text, (), mapping)
        if "." not in text and "[" not in text:  # no field can reach into a value
            return text.format(*args, **kwargs)
        return _Formatter().vformat(text, args, kwargs)


class _Formatter(string.Formatter):
    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        first, rest = _split_field(field_name)
        found = self.get_value(first, args, kwargs)
        for is_attribute, key in rest:
            found = safe_getattr(found, key) if is_attribute else found[key]
        return found, first

    def get_value(self, key: int | str, args: Any, kwargs: Any) -> Any:
        return args[key] if isinstance(key, int) else kwargs[key]


_split_field = string._string.formatter_field_name_split  # type: ignore[attr-defined]


def _held(value: Any, name: str) -> Callable[..., Any]:
    """``__setattr__`` and the like of ``object`` and ``super()``, held to the names and objects of `setattr`."""
    if value is object:
        if name == "__setattr__":
            return lambda instance, key, new, /: object.__setattr__(_changing(instance, key), key, new)
        if name == "__delattr__":
            return lambda instance, key, /: object.__delattr__(_changing(instance, key), key)
        return lambda instance, key, /: _shown(object.__getattribute__(_reading(instance, key), key), key)
    found: Callable[..., Any] = getattr(value, name)
    instance: Any = getattr(value, "__self__", None) if type(value) is super else value
    if isinstance(instance, type) or not is_own(instance):
        raise AttributeError(f"{name} must not be read here")
    if name in ("__setattr__", "__delattr__"):

        def change(key: str, *new: Any) -> None:
            _changing(instance, key)
            found(key, *new)

        return change

    def get(key: str) -> Any:
        _reading(instance, key)
        return _shown(found(key), key)

    return get


def _shown(found: Any, name: str) -> Any:
    if type(found) in HIDDEN:
        raise AttributeError(f"{name!r} must not be read")
    return found


def _changing(instance: Any, key: Any) -> Any:
    if type(key) is not str:
        raise TypeError("attribute name must be string")
    if key in names.FORBIDDEN or (names.is_dunder(key) and key not in names.WRITABLE) or key == OWN:
        raise AttributeError(f"the attribute {key} must not be written")
    return write(instance)


def _reading(instance: Any, key: Any) -> Any:
    if type(key) is not str:
        raise TypeError("attribute name must be string")
    if not is_own(instance) or key in names.FORBIDDEN or key in names.CAREFUL:
        raise AttributeError(f"the attribute {key} must not be read")
    if names.is_dunder(key) and (key not in names.READABLE or key in names.HELD):
        raise AttributeError(f"the attribute {key} must not be read")
    return instance


def write(value: Any) -> Any:
    """The object itself if its attributes may be set or deleted."""
    if getattr(value, OWN, False) is True or isinstance(value, _CHANGEABLE):
        return value
    if type(value) is _FUNCTION and OWN in value.__globals__:
        return value
    raise TypeError(f"attributes of {type(value).__name__!r} objects must not be changed")


def augmented(value: Any, name: str) -> Any:
    """As `write`, where the attribute is changed in place: what a class of the library holds is not this object's.

    Raises:
        AttributeError: the attribute is the class's.
    """
    for kind in value.__mro__ if isinstance(value, type) else type(value).__mro__:
        if name in vars(kind):
            found = vars(kind)[name]
            if OWN not in vars(kind) and type(found) not in _SAFE and not hasattr(type(found), "__get__"):
                raise AttributeError(f"{name!r} must not be changed in place")
            break
    return write(value)


_CHANGEABLE: tuple[type, ...] = (types.SimpleNamespace, BaseException, decimal.Context)


def changeable(kind: type) -> None:
    """Lets the attributes of the instances of a class of ours be written."""
    global _CHANGEABLE
    _CHANGEABLE = (*_CHANGEABLE, kind)


class Listed:
    """A thing whose names were all put there on purpose, private ones too."""

    __slots__ = ()


def safe_getattr(value: Any, name: Any, default: Any = MISSING, /) -> Any:
    """``getattr`` through the guards."""
    if type(name) is not str:
        raise TypeError("attribute name must be string")
    try:
        if name in names.FORBIDDEN or (names.is_dunder(name) and name not in names.READABLE):
            if name == "__dict__":
                return safe_vars(value)
            if name == "__class__" and is_own(value):
                kind: Any = Type
                return kind(value)
            raise AttributeError(f"the attribute {name} must not be read")
        if name in names.CAREFUL or name in names.HELD:
            return read_careful(value, name)
        if name.startswith("_") and not names.is_dunder(name):
            return read_private(value, name)
        return read(value, name)
    except AttributeError:
        if default is MISSING:
            raise
        return default


def safe_hasattr(value: Any, name: Any, /) -> bool:
    """``hasattr`` through the guards."""
    return safe_getattr(value, name, _NOTHING) is not _NOTHING


_NOTHING = object()


def safe_setattr(value: Any, name: Any, new: Any, /) -> None:
    """``setattr`` through the guards."""
    setattr(_changing(value, name), name, new)


def safe_delattr(value: Any, name: Any, /) -> None:
    """``delattr`` through the guards."""
    delattr(_changing(value, name), name)


def safe_vars(value: Any, /) -> dict[str, Any]:
    """``vars`` of instances of foreign classes and plain namespaces."""
    if isinstance(value, type):
        if not is_own(value):
            raise TypeError("vars() of this class must not be read")
        return {key: item for key, item in vars(value).items() if not key.startswith("__") and key != OWN}
    if is_own(value) or isinstance(value, types.SimpleNamespace):
        found: dict[str, Any] = vars(value)
        return found
    raise TypeError("vars() argument must have __dict__ attribute")


def safe_dir(value: Any, /) -> list[str]:
    """``dir`` without the names that cannot be read."""
    return [name for name in dir(value) if name != OWN and (not names.is_dunder(name) or name in names.READABLE)]


class TypeOfTypes(type):
    """Makes ``type`` a thing that tells the type of a value and that classes are instances of, and nothing more."""

    def __call__(cls, *arguments: Any) -> Any:
        """The type of a value."""
        if len(arguments) != 1:
            raise TypeError("type() takes 1 argument")
        found = type(arguments[0])
        return Type if issubclass(found, type) else found

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, type)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, type)

    def __setattr__(cls, name: str, value: Any) -> None:
        raise TypeError("cannot set attributes of 'type'")

    def __delattr__(cls, name: str) -> None:
        raise TypeError("cannot delete attributes of 'type'")

    def __repr__(cls) -> str:
        return "<class 'type'>"


class Type(metaclass=TypeOfTypes):
    """``type`` for foreign code."""

    __slots__ = ()
    __class_getitem__: Any = classmethod(types.GenericAlias)


def safe_print(*values: Any, **_: Any) -> None:
    """``print`` into nothing; texts are made all the same, as making them may fail."""
    for value in values:
        str(value)


def attrgetter(*paths: str) -> Callable[[Any], Any]:
    """``operator.attrgetter`` through the guards."""
    if not paths or not all(type(path) is str for path in paths):
        raise TypeError("attribute name must be a string")

    def one(value: Any, path: str) -> Any:
        for name in path.split("."):
            value = safe_getattr(value, name)
        return value

    if len(paths) == 1:
        return lambda value: one(value, paths[0])
    return lambda value: tuple(one(value, path) for path in paths)


def methodcaller(name: str, /, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
    """``operator.methodcaller`` through the guards."""
    return lambda value: safe_getattr(value, name)(*args, **kwargs)


def import_loaded(name: str, *_: Any) -> Any:
    """What C code of the standard library imports while foreign code calls it: no import statement comes here."""
    try:
        return sys.modules[name]
    except KeyError:
        raise ImportError(f"{name} cannot be loaded here") from None
