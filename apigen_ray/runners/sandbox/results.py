"""Turns what a Python function returned into plain JSON data, or says what stands in the way; standard library only."""

import dataclasses
import datetime
import decimal
import enum
import json
import math
import sys
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Mapping
from typing import Any

from apigen_ray.runners.sandbox.arguments import Misfit

MAX_VALUE = 256 * 1024
"""Bytes of a result's JSON text that are kept at most."""
CROWDED = "crowded"
"""Code of a call that found too little memory, where what others left behind may be why."""
MAX_DETAIL = 500
"""Characters of what is said about a call."""
MAX_DEPTH = 64
"""Containers inside each other in a result."""
MAX_INT_BITS = 1024

# Bound here once, so that a function that patches the json module does not change how it is answered.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False).encode


class TooLarge(Exception):
    """A result that is more than may be kept."""


def plain(value: Any, room: list[int], depth: int = 0) -> Any:
    """The plain JSON data that stands for a result.

    Enum: its value. date, time, datetime: ISO 8601. Decimal: its digits as a string, which is exact. tuple: list. set:
    list, sorted. dataclass and NamedTuple: object. A numpy scalar: the Python value that it stands for, by these same
    rules (so complex64 does not fit, datetime64 is ISO 8601); a numpy array: nested lists of them. None, bool, str,
    list, dict with string keys, finite floats and integers up to 1024 bits: themselves. Everything else does not fit:
    complex, bytes, NaN and infinities, other keys than strings, and subclasses of what is named here among it.

    Args:
        value: the result.
        room: how much may come yet, in units of two bytes (a value and its comma); counted down.
        depth: of containers around it.

    Raises:
        Misfit: with the path to the offender.
        TooLarge: it needs more room than there is.
    """
    kind = type(value)
    if kind is str:
        if len(value) > 100:
            _spend(len(value) // 2, room)
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            raise Misfit("a lone surrogate is no text")
        return value
    if value is None or kind is bool:
        return value
    if kind is int:
        if value.bit_length() > MAX_INT_BITS:
            raise Misfit(f"an integer of more than {MAX_INT_BITS} bits")
        return value
    if kind is float or kind is decimal.Decimal:
        if not (math.isfinite(value) if kind is float else value.is_finite()):
            raise Misfit(f"{value} is no JSON number")
        return value if kind is float else str(value)
    if isinstance(value, enum.Enum):
        return plain(value.value, room, depth)
    if kind in (datetime.date, datetime.datetime, datetime.time):
        return value.isoformat()

    if depth >= MAX_DEPTH:
        raise Misfit(f"more than {MAX_DEPTH} containers inside each other")
    if kind in (dict, OrderedDict, defaultdict, Counter):
        return _plain_object(value, room, depth + 1)
    if kind in (list, tuple):
        return _plain_array(value, room, depth + 1)
    if kind in (set, frozenset):
        items = _plain_array(value, room, depth + 1)
        try:
            return sorted(items)
        except TypeError:  # of several kinds: any order will do that is always the same
            return sorted(items, key=_encode)
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        return _plain_object(dict(zip(kind._fields, value, strict=True)), room, depth + 1)
    if dataclasses.is_dataclass(kind):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(kind)}
        return _plain_object(fields, room, depth + 1)
    numpy = sys.modules.get("numpy")  # only where it was preloaded
    if numpy is not None and isinstance(value, numpy.generic):
        return plain(value.item(), room, depth + 1)  # one deeper: a value that stands for itself comes to an end
    if numpy is not None and kind is numpy.ndarray:
        if value.size > room[0]:  # before lists are made of it
            raise TooLarge
        return plain(value.tolist(), room, depth)
    raise Misfit(f"{kind.__name__} is not plain data")


def _spend(units: int, room: list[int]) -> None:
    room[0] -= units
    if room[0] < 0:
        raise TooLarge


def _plain_object(value: Mapping[Any, Any], room: list[int], depth: int) -> dict[str, Any]:
    _spend(len(value), room)
    out = {}
    for key, item in value.items():
        name = key.value if isinstance(key, enum.Enum) else key
        if type(name) is not str:
            raise Misfit(f"a key of type {type(key).__name__}: keys must be strings")
        try:
            out[plain(name, room)] = plain(item, room, depth)
        except Misfit as misfit:
            raise misfit.within("." + name[:40].encode("ascii", "replace").decode()) from None
    return out


def _plain_array(value: Any, room: list[int], depth: int) -> list[Any]:
    _spend(len(value), room)
    out: list[Any] = []
    for item in value:
        try:
            out.append(plain(item, room, depth))
        except Misfit as misfit:
            raise misfit.within(f"[{len(out)}]") from None
    return out


def result_text(value: Any) -> str:
    """The JSON text of a result.

    Raises:
        Misfit: it is not plain data.
        TooLarge: it is more than `MAX_VALUE` bytes.
    """
    text = _encode(plain(value, [MAX_VALUE // 2]))
    if len(text) > MAX_VALUE // 4 and len(text.encode()) > MAX_VALUE:
        raise TooLarge
    return text
