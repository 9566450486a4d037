"""The child process of `real_functions`: draws example calls and makes them in plain Python; standard library only.

``python -I -S -B bench/real_examples.py SITE``, SITE being the folder of one distribution, alone on the path. An order
is a line of JSON, so is its answer.
"""

import collections.abc
import datetime
import decimal
import importlib
import inspect
import json
import os
import random
import signal
import sys
import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CALLS = 3
ATTEMPTS = 60
TEXT = 500  # characters of JSON in a result or in arguments
SECONDS = 0.5  # of CPU time for a call, so that a busy machine draws the same

POOLS: dict[str, tuple[Any, ...]] = {
    "url|uri|link|href": (
        "https://example.org/a/b?x=1&y=two#top",
        "http://user@host.net:8080/",
        "docs/page.html",
        "//cdn.io",
    ),
    "email|mail|addr": ("ada@example.org", "first.last+tag@mail.co.uk", "not an address", "10.0.0.1"),
    "host|domain|netloc": ("example.org", "www.Example.co.uk", "localhost:8080", "xn--bcher-kva.example"),
    "path|file|dir|folder": ("docs/guide/index.md", "/usr/lib/x.tar.gz", "a\\b\\c.txt", "report final.pdf"),
    "date|day|when": ("2024-02-29", "2023-12-31", "20210405", "March 3, 2020"),
    "time|timestamp|duration": ("12:30:45", "1h 30m", "PT15M", "2024-05-06T07:08:09Z", "90s"),
    "colou?r|hex|rgb": ("#1e90ff", "red", "#fff", "1E90FF", "rgb(1, 2, 3)"),
    "lang|locale|country": ("en", "de", "fr-CA", "pt_BR", "US"),
    "version|spec|release|tag": ("1.2.3", "2.0.0rc1", "v10.4", ">=1.0,<2", "1.0.post1"),
    "json": ('{"a": [1, 2.5, null]}', "[]", '"x"', "{'a': 1}"),
    "html|xml|markup|markdown|md": (
        "<p class='x'>Hi <b>you</b> &amp; me</p>",
        "# Title\n\n- one\n- two *three*",
        "a < b",
    ),
    "ip": ("192.168.0.1", "10.0.0.0/8", "2001:db8::1"),
    "mime|content|media": ("text/html; charset=utf-8", "application/json", "image/png"),
    "char|letter|sep|delim|quote|prefix|suffix": ("a", "-", "_", "B", " ", ","),
    "number|num|digits|isbn|code|card": ("4111111111111111", "978-0-306-40615-7", "12345", "7", "-3.50"),
    "sql|query": ("SELECT a, b FROM t WHERE x = 1", "q=1&r=two", "name"),
    "name|key|id|attr|field|ident|label|title": (
        "user_name",
        "HTTPResponse",
        "camelCaseWord",
        "kebab-case-word",
        "Title",
    ),
    "unit": ("km", "m", "C", "kg", "s"),
    "bits|bin|binary": ("1011", "0", "11111111"),
    "roman": ("XIV", "MMXXIV", "iii"),
    "line|text|sentence|doc|body|content|string|value|word|phrase|s": (
        "The quick brown fox jumps over the lazy dog.",
        "hello world",
        "Ärger über Öl, naïve café",
        "one two\n  three\n\nfour",
        "Running",
        "kitten",
        "sitting",
        "mississippi",
        "listen",
        "a",
        "x = 1  # note",
    ),
}
"""Strings by what a parameter's name says, as a pattern for a part of it."""

NUMBERS: dict[str, tuple[Any, ...]] = {
    "year": (1999, 2000, 2023, 2024, 1900),
    "month": (1, 2, 6, 12),
    "day": (1, 15, 28, 3),
    "hour": (0, 9, 23),
    "minute|second": (0, 30, 59),
    "lat": (48.85, -33.9, 0.5, 60.17),
    "lon|lng": (2.35, 151.2, -0.12, 24.94),
    "red|green|blue|r|g|b": (0, 255, 128, 30),
    "ratio|frac|prob|alpha|rate|percent|p": (0.05, 0.5, 0.25, 1, 0),
    "byte|size": (1, 512, 1048576, 3000),
    "width|height|length|limit|count|n|k|num": (1, 2, 3, 5, 8, 10, 20),
}
ANY_NUMBER = (0, 1, 2, 3, 4, 5, 7, 10, 12, 25, 42, 100, 365, 1000, 65, 97, -1, -7, 123456)
EMPTY = type("EMPTY", (), {})


class NoExample(Exception):
    """An annotation that JSON has no values for."""


def example(hint: Any, name: str, chance: random.Random, texts: Sequence[str], depth: int = 0) -> Any:
    """A JSON value for an annotation.

    Taken are str, int, float, bool, None, Decimal, date, datetime, time and Literal, and Union, list, Sequence,
    Iterable, Collection, tuple, set, dict and Mapping of them.

    Raises:
        NoExample: the annotation names something else.
    """
    hint = getattr(hint, "__supertype__", hint)
    origin, arms = typing.get_origin(hint) or hint, typing.get_args(hint)
    if origin is typing.Annotated:
        return example(arms[0], name, chance, texts, depth)
    if origin is typing.Literal:
        values = [arm for arm in arms if isinstance(arm, str | int)]
        if not values:
            raise NoExample
        return chance.choice(values)
    if origin in (typing.Union, types.UnionType):
        return chance.choice([example(arm, name, chance, texts, depth) for arm in arms])
    if hint is bool:
        return chance.random() < 0.5
    if hint in (int, float, decimal.Decimal):
        pool = chance.choice([pooled(NUMBERS, name), ANY_NUMBER]) or ANY_NUMBER
        number = chance.choice(pool)
        if hint is int:
            return int(number)
        return chance.choice([number, round(chance.uniform(-1, 120), 2)]) if depth or pool is ANY_NUMBER else number
    if hint is str:
        pools = [pool for pool in (texts, pooled(POOLS, name)) if pool]
        anything = [text for pool in POOLS.values() for text in pool]
        return chance.choice(chance.choice([*pools, *pools, *pools, anything]))
    if hint in (type(None), None):
        return None
    if hint is datetime.date:
        return str(datetime.date(2000, 1, 1) + datetime.timedelta(chance.randrange(10000)))
    if hint is datetime.datetime:
        return (datetime.datetime(2000, 1, 1) + datetime.timedelta(seconds=chance.randrange(10**9))).isoformat()
    if hint is datetime.time:
        return str(datetime.time(chance.randrange(24), chance.randrange(60), chance.randrange(60)))
    if hint in (Any, object) and depth:  # well-typed enough inside of a container
        return example(chance.choice([int, str, float]), name, chance, texts, depth)
    if depth > 3:
        raise NoExample
    count = chance.choice([0, 1, 2, 3, 3, 4, 6])
    abc = collections.abc
    if origin is tuple and arms and arms[-1] is not Ellipsis:
        return [example(arm, name, chance, texts, depth + 1) for arm in arms]
    if origin in (
        list,
        tuple,
        set,
        frozenset,
        abc.Sequence,
        abc.Iterable,
        abc.Collection,
        abc.Set,
        abc.MutableSequence,
    ):
        inner = arms[0] if arms else chance.choice([int, str])
        return [example(inner, name, chance, texts, depth + 1) for _ in range(count or 1)][:count]
    if origin in (dict, abc.Mapping, abc.MutableMapping) and (arms or (str, int))[0] is str:
        inner = arms[1] if arms else chance.choice([int, str])
        keys = [example(str, "key", chance, texts, depth + 1) for _ in range(count or 1)]
        values = [example(inner, name, chance, texts, depth + 1) for _ in keys]
        return dict(zip(keys[:count], values, strict=False))
    raise NoExample


def pooled(pools: dict[str, tuple[Any, ...]], name: str) -> tuple[Any, ...]:
    """The pool whose pattern a parameter's name has in it: a pattern of one letter is the whole name."""
    for patterns, pool in pools.items():
        if any(name == part or (len(part) > 1 and part in name.lower()) for part in patterns.split("|")):
            return pool
    return ()


class Child:
    """The work in a child process: example calls of functions of one distribution.

    Args:
        site: the distribution's folder.
    """

    def __init__(self, site: str) -> None:
        here = str(Path(__file__).resolve().parents[1])
        sys.path.append(here)  # for the two modules of ours that say what arguments become and what plain data is
        from apigen_ray.runners.sandbox import arguments, results

        sys.path.remove(here)
        sys.path.append(site)
        self._arguments = arguments
        self._results = results
        self._events: list[str] | None = None
        sys.addaudithook(self._hear)
        signal.signal(signal.SIGPROF, self._late)

    def _hear(self, event: str, _: Any) -> None:
        if self._events is not None and event.partition(".")[0] in (
            "open",
            "os",
            "socket",
            "subprocess",
            "shutil",
            "glob",
        ):
            self._events.append(event)

    @staticmethod
    def _late(*_: Any) -> None:
        raise TimeoutError

    def answer(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        """Calls with results: those of the order again where it has any, else new ones.

        Raises:
            Exception: whatever stands against the function.
        """
        function = getattr(importlib.import_module(order["module"]), order["function"])
        hints = typing.get_type_hints(function)
        convert = {name: self._arguments.converter(hint, order["module"], []) for name, hint in hints.items()}
        if "calls" in order:
            return [self._call(function, convert, call["arguments"]) for call in order["calls"]]
        parameters = inspect.signature(function).parameters
        names = [name for name, one in parameters.items() if one.default is one.empty]
        chance = random.Random(f"{order['module']}.{order['function']}")
        for name in parameters:
            example(hints[name], name, chance, order["texts"])
        found: dict[str, dict[str, Any]] = {}
        patience = 3
        for attempt in range(-len(order["doctests"]), ATTEMPTS):
            if attempt < 0:
                values = order["doctests"][attempt]
            else:
                given = [name for name in parameters if name in names or (attempt % 2 and chance.random() < 0.4)]
                given = given or [chance.choice(list(parameters))]
                values = {name: example(hints[name], name, chance, order["texts"]) for name in given}
            key = json.dumps(values, sort_keys=True)
            if values and key not in found and len(key) <= TEXT:
                try:
                    found[key] = self._call(function, convert, values)
                except TimeoutError:
                    patience -= 1
                except Exception:  # noqa: S112 - a call that raises is no example
                    continue
            if len({json.dumps(call["result"]) for call in found.values()}) >= CALLS or not patience:
                break
        kinds: dict[str, dict[str, Any]] = {}
        for call in found.values():  # as many different results as there are
            kinds.setdefault(json.dumps(call["result"]), call)
        first = list(kinds.values())[:CALLS]
        first += [call for call in found.values() if call not in first][: CALLS - len(first)]
        if len(first) < 2:
            raise NoExample
        return first

    def _call(self, function: Any, convert: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
        texts = []
        for audited in (False, True):
            given = {name: self._arguments.converted(convert.get(name), value, name) for name, value in values.items()}
            given = json.loads(json.dumps(given)) if given == values else given  # a copy
            before = repr(given)
            self._events = [] if audited else None
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            try:
                value = function(**given)
                text = self._results.result_text(value)
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
                events, self._events = self._events, None
            if value is None or events or len(text) > TEXT or repr(given) != before:
                raise NoExample
            texts.append(text)
        self._results.result_text(values)  # no lone surrogates
        if texts[0] != texts[1]:
            raise NoExample
        return {"arguments": values, "result": json.loads(texts[0])}


def serve(site: str) -> None:
    """Answers orders, a line of JSON each, with a list of calls or the name of what went wrong."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    work = Child(site)
    for line in sys.stdin:
        try:
            reply: Any = work.answer(json.loads(line))
        except BaseException as error:
            reply = f"{type(error).__name__}: {error}"[:200]
        print(json.dumps(reply), file=answers, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1])
