"""Turns the JSON arguments of a call into what a Python function's annotations want; standard library only."""

import dataclasses
import datetime
import decimal
import enum
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any

Converter = Callable[[Any], Any]


class Misfit(Exception):
    """A value that does not fit, and the path to it inside what was looked at."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message, path)
        self.message = message
        self.path = path

    def within(self, step: str) -> "Misfit":
        """The same, seen from the container around it."""
        return Misfit(self.message, step + self.path)


def converter(wanted: Any, home: str, own: list[str]) -> Converter | None:
    """What turns a JSON value into what an annotation wants; None where the value may stay as it is.

    Dates, times and datetimes are read from ISO 8601 strings, Decimals from numbers or strings, enums by value,
    dataclasses and TypedDicts from objects, sets and tuples from arrays; an integral number becomes ``int`` or
    ``float`` as annotated. Other values are passed on: whether they have the right type is the format stage's question.

    Args:
        wanted: an annotation, resolved and without ``Annotated``.
        home: name of the source's module.
        own: is given the names of classes of that module, which every call makes anew: such a converter is stale
            at the next call.
    """
    wanted = wanted.__supertype__ if type(wanted) is typing.NewType else wanted
    origin, arms = typing.get_origin(wanted), typing.get_args(wanted)
    if wanted is float:
        return _to_float
    if wanted is int:
        return _to_int
    if origin in (typing.Union, types.UnionType):
        return _union([(arm, converter(arm, home, own)) for arm in arms])
    if isinstance(origin, type) and issubclass(origin, Mapping) and len(arms) == 2:
        return _mapping(converter(arms[1], home, own))
    if origin is tuple and not (len(arms) == 2 and arms[1] is Ellipsis):
        return _record([converter(arm, home, own) for arm in arms])
    if isinstance(origin, type) and issubclass(origin, Iterable) and arms:
        made = set if issubclass(origin, Set) and origin is not frozenset else origin
        return _array(converter(arms[0], home, own), made if made in (tuple, set, frozenset) else None)
    if not isinstance(wanted, type):
        return None
    if wanted.__module__ == home:
        own.append(wanted.__name__)
    if wanted in (set, frozenset, tuple):
        return _array(None, wanted)
    if wanted in (datetime.date, datetime.datetime, datetime.time):
        return _parser(wanted.fromisoformat, f"no ISO 8601 {wanted.__name__}", str)
    if wanted is decimal.Decimal:
        return _parser(lambda value: decimal.Decimal(str(value)), "no decimal number", str, int, float)
    if issubclass(wanted, enum.Enum):
        return _parser(wanted, f"no value of {wanted.__name__}", str, int, float, bool, type(None))
    if typing.is_typeddict(wanted) or dataclasses.is_dataclass(wanted):
        return _fields(wanted, home)
    return None


def _to_float(value: Any) -> Any:
    try:
        return float(value) if type(value) is int else value
    except OverflowError:
        raise Misfit("too large for a float") from None


def _to_int(value: Any) -> Any:
    return int(value) if type(value) is float and value.is_integer() else value


def _parser(parse: Callable[[Any], Any], problem: str, *kinds: type) -> Converter:
    def convert(value: Any) -> Any:
        if type(value) not in kinds:
            raise Misfit(f"{problem}: {_short(value)}")
        try:
            return parse(value)
        except (ValueError, ArithmeticError):
            raise Misfit(f"{problem}: {_short(value)}") from None

    return convert


_PLAIN: dict[Any, tuple[type, ...]] = {
    str: (str,),
    bool: (bool,),
    int: (int,),
    float: (int, float),
    list: (list,),
    dict: (dict,),
    type(None): (type(None),),
}


def _union(arms: Sequence[tuple[Any, Converter | None]]) -> Converter | None:
    if not any(convert for _, convert in arms):
        return None

    def convert(value: Any) -> Any:
        refusal: Misfit | None = None
        for wanted, inner in arms:  # the first arm that fits, in the order of the annotation
            kinds = _PLAIN.get(typing.get_origin(wanted) or wanted)
            if kinds is not None and type(value) not in kinds:
                continue
            try:
                return inner(value) if inner else value
            except Misfit as misfit:
                refusal = refusal or misfit
        if refusal is not None:
            raise refusal
        return value

    return convert


def _mapping(inner: Converter | None) -> Converter | None:
    if inner is None:
        return None

    def convert(value: Any) -> Any:
        if type(value) is not dict:
            return value
        return {key: converted(inner, item, "." + key) for key, item in value.items()}

    return convert


def _array(inner: Converter | None, made: Any) -> Converter | None:
    if inner is None and made is None:
        return None

    def convert(value: Any) -> Any:
        if type(value) is not list:
            return value
        items = value if inner is None else [converted(inner, item, f"[{i}]") for i, item in enumerate(value)]
        try:
            return made(items) if made else items
        except TypeError:
            raise Misfit("items of a set must not be arrays or objects") from None

    return convert


def _record(inner: Sequence[Converter | None]) -> Converter:
    def convert(value: Any) -> Any:
        if type(value) is not list or len(value) != len(inner):
            return value
        return tuple(converted(one, item, f"[{i}]") for i, (one, item) in enumerate(zip(inner, value, strict=True)))

    return convert


def _fields(wanted: Any, home: str) -> Converter:
    made = None if typing.is_typeddict(wanted) else wanted
    inner: dict[str, Converter | None] | None = None

    def convert(value: Any) -> Any:
        nonlocal inner
        if type(value) is not dict:
            if made is None:
                return value
            raise Misfit(f"no object for {wanted.__name__}: {_short(value)}")
        if inner is None:  # at the first value, not before: a class may have fields of its own kind
            hints = typing.get_type_hints(wanted)
            names = [f.name for f in dataclasses.fields(made) if f.init] if made else list(hints)
            inner = {name: converter(hints.get(name), home, []) for name in names}
        if made is None:
            return {key: converted(inner.get(key), item, "." + key) for key, item in value.items()}
        for key in value:
            if key not in inner:
                raise Misfit(f"{wanted.__name__} has no field {_short(key)}")
        for field in dataclasses.fields(made):
            optional = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
            if field.init and not optional and field.name not in value:
                raise Misfit(f"{wanted.__name__} lacks {field.name!r}")
        return made(**{key: converted(inner[key], item, "." + key) for key, item in value.items()})

    return convert


def converted(convert: Converter | None, value: Any, step: str) -> Any:
    """The value after its converter, if there is one; a `Misfit` in it is seen from the container around.

    Raises:
        Misfit: the value is nothing that the annotation could be given.
    """
    if convert is None:
        return value
    try:
        return convert(value)
    except Misfit as misfit:
        raise misfit.within(step) from None


def _short(value: Any) -> str:
    return repr(value)[:60]
