"""What is loaded, called once and set right in the zygote, as nothing can be opened behind the walls."""

import calendar
import collections
import contextlib
import dataclasses
import enum
import functools
import io
import shlex
import sys
import textwrap
import time
import types
import typing
import zoneinfo
from collections.abc import Iterator, Mapping
from typing import Any

from apigen_ray.runners.sandbox.language import caches
from apigen_ray.runners.sandbox.language.classes import check_base
from apigen_ray.runners.sandbox.language.constants import Table
from apigen_ray.runners.sandbox.language.guards import OWN, SafeFormat
from apigen_ray.runners.sandbox.language.names import is_dunder


@contextlib.contextmanager
def without_openssl() -> Iterator[None]:
    """Has `hashlib` use Python's own digests: OpenSSL would take 4 MB of each worker."""
    had = "_hashlib" in sys.modules
    if not had:
        sys.modules["_hashlib"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if not had:
            del sys.modules["_hashlib"]


@functools.lru_cache(maxsize=512)
def _code(text: str, kind: str) -> Any:
    return compile(text, "<generated>", kind, dont_inherit=True)


def _execute(text: str, *namespaces: Any) -> None:
    exec(_code(text, "exec"), *namespaces)  # noqa: S102 - what dataclasses wrote itself


def _evaluate(text: str, *namespaces: Any) -> Any:
    return eval(_code(text, "eval"), *namespaces)  # noqa: S307 - what namedtuple wrote itself


def _keep_generated_code() -> None:
    """Has dataclasses and named tuples, made anew for every call, compile what they generate only once."""
    module: Any = dataclasses
    module.exec = _execute
    module = collections
    module.eval = _evaluate


def _keep_enums_plain() -> None:
    """Has an Enum that is made by a call take ordinary names only, and keep the dict of its members to itself.

    It would take any method for one of the class; and a mapping proxy hands its dict to whatever it is compared with.
    """
    kind: Any = enum.EnumType
    create = kind._create_
    if create.__module__ != "enum":
        return

    def guarded(cls: Any, class_name: Any, names: Any, *, type: Any = None, **more: Any) -> Any:
        if isinstance(names, str):
            names = names.replace(",", " ").split()
        found: list[Any] = []
        for each in names.items() if isinstance(names, Mapping) else names:
            name, *value = (each,) if isinstance(each, str) else each  # looked at once: it may say something else then
            if not isinstance(name, str) or is_dunder(str.__str__(name)):
                raise ValueError("an Enum must not have such a member")
            found.append((str.__str__(name), *value) if value else str.__str__(name))
        if type is not None:
            check_base(type)
        return create(cls, class_name, found, type=type, **more)

    kind._create_ = guarded
    kind.__members__ = property(lambda cls: types.MappingProxyType(dict(cls._member_map_)))


def _keep_within() -> None:
    """Takes from classes, also where ``super()`` passes by our own, what opens files and formats past the guards."""
    module: Any = shlex
    module.sys = types.SimpleNamespace(stdin=io.StringIO())
    module.open = None
    text: Any = collections.UserString
    text.format = lambda self, /, *args, **kwds: SafeFormat(self.data, "format")(*args, **kwds)
    text.format_map = lambda self, mapping: SafeFormat(self.data, "format_map")(mapping)


ZONES = """UTC Africa/Cairo Africa/Johannesburg Africa/Lagos Africa/Nairobi America/Anchorage
America/Argentina/Buenos_Aires America/Bogota America/Caracas America/Chicago America/Denver
America/Halifax America/Lima America/Los_Angeles America/Mexico_City America/New_York America/Phoenix
America/Santiago America/Sao_Paulo America/St_Johns
America/Toronto America/Vancouver Asia/Baghdad Asia/Bangkok Asia/Dhaka Asia/Dubai Asia/Ho_Chi_Minh Asia/Hong_Kong
Asia/Jakarta Asia/Jerusalem Asia/Karachi Asia/Kathmandu Asia/Kolkata Asia/Kuala_Lumpur Asia/Manila Asia/Riyadh
Asia/Seoul Asia/Shanghai Asia/Singapore Asia/Taipei Asia/Tashkent Asia/Tehran Asia/Tokyo Atlantic/Reykjavik
Australia/Adelaide Australia/Brisbane Australia/Melbourne Australia/Perth Australia/Sydney Etc/UTC Europe/Amsterdam
Europe/Athens Europe/Berlin Europe/Brussels Europe/Bucharest Europe/Budapest Europe/Copenhagen Europe/Dublin
Europe/Helsinki Europe/Istanbul Europe/Kyiv Europe/Lisbon Europe/London Europe/Madrid Europe/Moscow Europe/Oslo
Europe/Paris Europe/Prague Europe/Rome Europe/Stockholm Europe/Vienna Europe/Warsaw Europe/Zurich GMT
Pacific/Auckland Pacific/Honolulu US/Central US/Eastern US/Mountain US/Pacific"""
"""Time zones that are known behind the walls, where the system has them; all 600 would take 3 MB of each worker."""
_zones: list[Any] = []


def _keep_zones() -> None:
    for key in ZONES.split():
        with contextlib.suppress(zoneinfo.ZoneInfoNotFoundError):
            _zones.append(zoneinfo.ZoneInfo(key))  # found again as long as somebody has it


CODECS = """ascii latin-1 utf-8 utf-8-sig utf-16 utf-16-le utf-16-be utf-32 utf-7 cp1252 cp437 iso8859-15 idna punycode
unicode_escape raw_unicode_escape"""


def warm_up() -> None:
    """Calls what imports at its first call."""
    _keep_generated_code()
    _keep_enums_plain()
    _keep_within()
    caches.prepare()
    if not _zones:
        _keep_zones()
    # the only containers that classes of the library show and that could be changed
    wrapper: Any = textwrap.TextWrapper
    wrapper.unicode_whitespace_trans = Table(dict(wrapper.unicode_whitespace_trans))
    fields: Any = dataclasses
    fields._EMPTY_METADATA = Table({})
    pages: Any = calendar.HTMLCalendar
    pages.cssclasses = pages.cssclasses_weekday_head = tuple(pages.cssclasses)
    excluded: Any = typing
    excluded.EXCLUDED_ATTRIBUTES = [*excluded.EXCLUDED_ATTRIBUTES, OWN]  # else our mark is part of every Protocol
    import datetime
    import unicodedata

    datetime.datetime.strptime("2025-01-01 +0000", "%Y-%m-%d %z")
    time.strptime("2025", "%Y")
    time.localtime()
    unicodedata.normalize("NFC", "e\u0301")
    for codec in CODECS.split():
        "a".encode(codec).decode(codec)
