"""Caches of the standard library that find things by equality: what a foreign class calls equal must not stay."""

import copy
import functools
import gc
import importlib
import ipaddress
import re
import struct
from collections.abc import Callable
from typing import Any

from apigen_ray.runners.sandbox.language import names

touched = False
"""Whether a call may have left objects of its own in a cache, with its own idea of what equals them."""
lingering = False
"""Whether a call may have left something that does its last deed when it is collected, in the midst of another call."""

_clearing: list[Callable[[], object]] = []


def clear() -> None:
    """Empties every cache of the library that is found by equality."""
    global touched
    touched = False
    for each in _clearing:
        each()


def settle() -> None:
    """Ends what calls before may have left behind; called before the next one, and before its random numbers."""
    global lingering
    if touched:
        clear()
    if lingering:
        lingering = False
        gc.collect()


def prepare() -> None:
    """Finds the caches and sets right what hands foreign objects to them; called once, in the zygote."""
    if _clearing:
        return
    for each in gc.get_objects():
        if type(each) is functools._lru_cache_wrapper and not (each.__module__ or "").startswith("apigen_ray"):
            _clearing.append(each.cache_clear)
    library: Any = struct
    _clearing.append(library._clearcache)
    formats: Any = importlib.import_module("_strptime")
    _clearing.append(formats._regex_cache.clear)
    for each in (ipaddress.IPv4Network, ipaddress.IPv6Network):
        masks: Any = each
        _clearing.append(masks._netmask_cache.clear)
    flags: dict[int, re.RegexFlag] = re.RegexFlag._value2member_map_  # type: ignore[assignment]
    known = dict(flags)

    def restore() -> None:
        flags.clear()
        flags.update(known)

    _clearing.append(restore)
    _guard_patterns()
    _guard_copies()


def _guard_patterns() -> None:
    """The cache of patterns, which is too dear to be emptied, is asked for plain texts and numbers only."""
    module: Any = re
    compile_: Any = module._compile

    def guarded(pattern: Any, flags: Any) -> Any:
        if type(flags) is not int and type(flags) is not re.RegexFlag:
            flags = int.__int__(flags)
        if isinstance(pattern, str | bytes) and type(pattern) not in (str, bytes):
            pattern = str.__str__(pattern) if isinstance(pattern, str) else bytes.__getitem__(pattern, slice(None))
        return compile_(pattern, flags)

    module._compile = guarded


def _guard_copies() -> None:
    """How an object is copied is told by its class, not by what the object itself says; nothing else is changed."""
    module: Any = copy
    reconstruct: Any = module._reconstruct

    def look_up(value: Any, name: str, *default: Any) -> Any:
        if name != "__reduce_ex__" or isinstance(value, type):
            return getattr(value, name, *default)
        kind: Any = type(value)
        if kind.__reduce_ex__ is object.__reduce_ex__ and kind.__reduce__ is not object.__reduce__:
            return lambda _: kind.__reduce__(value)
        return lambda protocol: kind.__reduce_ex__(value, protocol)

    def guarded(x: Any, memo: Any, func: Any, args: Any, state: Any = None, *rest: Any, **more: Any) -> Any:
        def make(*args: Any) -> Any:
            made = func(*args)
            if type(made) is not type(x):
                raise TypeError(f"copying made no {type(x).__name__}")
            return made

        slots = state[1] if isinstance(state, tuple) and len(state) == 2 else None
        if isinstance(slots, dict) and any(type(name) is not str or names.is_dunder(name) for name in slots):
            raise TypeError("an attribute must not be copied")
        return reconstruct(x, memo, make, args, state, *rest, **more)

    module.getattr = look_up
    module._reconstruct = guarded
