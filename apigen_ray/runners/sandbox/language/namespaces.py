"""The globals that foreign modules start with: built-in functions, guards, and what a frozen clock shows."""

import abc
import builtins
import dataclasses
import datetime
import typing
from typing import Any

from apigen_ray.runners.sandbox.language import classes, guards

NOW = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
"""The moment that a frozen clock shows."""

_PLAIN_BUILTINS = """
abs all any ascii bin bool bytearray bytes callable chr classmethod complex dict divmod enumerate filter float format
frozenset hash hex id int isinstance issubclass iter len list map max memoryview min next object oct ord pow property
range repr reversed round set slice sorted staticmethod str sum super tuple zip Ellipsis NotImplemented None True False
__debug__
"""


def _builtins() -> dict[str, Any]:
    table = {name: getattr(builtins, name) for name in _PLAIN_BUILTINS.split()}
    table |= {
        name: value
        for name, value in vars(builtins).items()
        if isinstance(value, type) and issubclass(value, BaseException)
    }
    return table | {
        "__build_class__": classes.build_class,
        "__import__": guards.import_loaded,
        "delattr": guards.safe_delattr,
        "dir": guards.safe_dir,
        "getattr": guards.safe_getattr,
        "hasattr": guards.safe_hasattr,
        "print": guards.safe_print,
        "setattr": guards.safe_setattr,
        "type": guards.Type,
        "vars": guards.safe_vars,
    }


BUILTINS = _builtins()
for _value in BUILTINS.values():
    classes.offer_base(_value)


def _frozen(value: Any, name: str) -> Any:
    """``now`` and the like of date and datetime under a frozen clock."""
    if isinstance(value, type) and issubclass(value, datetime.datetime):
        if name == "now":
            return lambda tz=None: _moment(value, NOW.astimezone(tz) if tz else NOW.replace(tzinfo=None))
        if name in ("today", "utcnow"):
            return lambda: _moment(value, NOW.replace(tzinfo=None))
    elif isinstance(value, type) and issubclass(value, datetime.date) and name == "today":
        return lambda: value(NOW.year, NOW.month, NOW.day)
    return None


def _moment(kind: Any, moment: datetime.datetime) -> Any:
    if kind is datetime.datetime:
        return moment
    return kind(*moment.timetuple()[:6], moment.microsecond, moment.tzinfo)


_CLOCK = frozenset(["now", "today", "utcnow"])


def read_frozen(value: Any, name: str) -> Any:
    """`read_careful` under a frozen clock."""
    found = _frozen(value, name) if name in _CLOCK else None
    return found or guards.read_careful(value, name)


def frozen_getattr(value: Any, name: Any, default: Any = guards.MISSING, /) -> Any:
    """`safe_getattr` under a frozen clock."""
    found = _frozen(value, name) if type(name) is str and name in _CLOCK else None
    return found or guards.safe_getattr(value, name, default)


def namespace(clock: str) -> dict[str, Any]:
    """Guards and built-in functions as the globals of a foreign module want them.

    Args:
        clock: ``real`` or ``frozen``.
    """
    frozen = clock == "frozen"
    return {
        "__builtins__": BUILTINS | {"getattr": frozen_getattr} if frozen else BUILTINS,
        "__doc__": None,
        guards.OWN: True,
        "_getattr_": guards.read,
        "_private_": guards.read_private,
        "_careful_": read_frozen if frozen else guards.read_careful,
        "_write_": guards.write,
        "_augmented_": guards.augmented,
        "_type_": guards.Type,
        "_hook_": classes.attribute_hook,
        "_pattern_": classes.pattern,
        "_vars_": guards.safe_vars,
        "_ABC_": abc.ABC,
        "_any_": typing.Any,
        "_ClassVar_": typing.ClassVar,
        "_InitVar_": dataclasses.InitVar,
        "_KW_ONLY_": dataclasses.KW_ONLY,
    }


NAMESPACES = {clock: namespace(clock) for clock in ("real", "frozen")}
