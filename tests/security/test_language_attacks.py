"""Hundreds of hostile sources through the runner, one batch each way: right statuses, no leak, right neighbours."""

import decimal
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import language_cases as cases
import pytest
from corpus_adapter import Adapter

from apigen_ray.runners.sandbox import walls

pytestmark = pytest.mark.skipif(
    bool(walls._no_seccomp()), reason=f"this platform has no walls: seccomp: {walls._no_seccomp()}"
)

LIBRARY = "import collections, datetime, decimal, fractions, math, re, time, types, uuid\n"
STOPPED = frozenset(["refused", "exec_error"])
MISSING = object()


class Case(NamedTuple):
    """One attack.

    Attributes:
        name: kind and name.
        source: its module.
        expect: statuses that are right.
        value: what it returns where it passes.
        arguments: of the call.
    """

    name: str
    source: str
    expect: frozenset[str]
    value: Any = MISSING
    arguments: str = "{}"


def _cases() -> Iterator[Case]:
    for name, source in cases.ESCAPES.items():
        yield Case(f"escape: {name}", source, STOPPED)
    for name, (source, value) in cases.HARMLESS.items():
        yield Case(f"escape: {name}", source, frozenset(["ok"]), value)
    for name, source in cases.HINTS.items():
        yield Case(f"escape by a hint: {name}", source, frozenset(["ok"]), 1, '{"x": {"a": [1]}}')
    for name, source in cases.STATE.items():
        yield Case(f"state: {name}", source, STOPPED | {"ok"})
    for name, expect in cases.RETURNED.items():
        yield Case(f"returned: {name}", f"{LIBRARY}def f(): return {name}", frozenset(expect.split()))
    tables = {"returned": cases.RETURNED_OBJECTS, "exit": cases.EXITS, "resource": cases.RESOURCES}
    for kind, table in tables.items():
        for name, (source, expect) in table.items():
            yield Case(f"{kind}: {name}", source, frozenset(expect.split()))
    for number, (text, expect) in enumerate(cases.ARGUMENTS.items()):
        yield Case(f"arguments {number}: {text[:60]}", cases.TAKES, frozenset(expect.split()), MISSING, text)


CASES = list(_cases())
SOURCES = [Case(name, text, frozenset(expect.split())) for name, (text, expect) in cases.SOURCES.items()]


def _plain(source: str) -> Any:
    """What ``v`` returns in plain Python, where nothing has happened before."""
    table: dict[str, Any] = {"__name__": "plain"}
    with warnings.catch_warnings(action="ignore"), decimal.localcontext(decimal.Context()):
        exec(source, table)  # noqa: S102 - definitions of our own
        return table["v"]()


def _wrong(mode: str, attacks: list[Case]) -> list[str]:
    """Runs attacks, each followed by its victim and by a call of another module; what is not as it should be."""
    adapter = Adapter(mode)
    try:
        adapter.load({f"m{i}": case.source for i, case in enumerate(attacks)} | {"good": "def g(x): return x + 1"})
        calls = []
        for i, case in enumerate(attacks):
            calls.append((f"m{i}", "f", case.arguments.encode("utf-8", "surrogatepass")))
            calls.append((f"m{i}", "v", b"{}") if "def v(" in case.source else ("good", "g", b'{"x": 4}'))
            calls.append(("good", "g", b'{"x": 5}'))
        answers = adapter.run(calls)
    finally:
        adapter.close()
    wrong = []
    for i, case in enumerate(attacks):
        own, victim, innocent = answers[3 * i : 3 * i + 3]
        unlike = case.value is not MISSING and own["value"] != case.value
        if own["status"] not in case.expect or unlike or len(str(own["error"])) > 2000:
            wrong.append(f"{case.name}: {own['status']}: {str(own)[:200]}")
        right = _plain(case.source) if "def v(" in case.source else 5
        if (victim["status"], victim["value"]) != ("ok", right):
            wrong.append(f"{case.name}: its victim: {str(victim)[:200]} for {right!r}")
        if innocent["value"] != 6:
            wrong.append(f"{case.name}: its neighbour: {str(innocent)[:200]}")
    return wrong


def test_there_are_enough_cases() -> None:
    assert len(CASES) + len(SOURCES) >= 200
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("mode", ["warm", "call"])
def test_every_attack_ends_as_it_should(mode: str) -> None:
    kinds = ("escape", "state", "exit") if mode == "call" else ("",)  # the others end in the same process either way
    assert _wrong(mode, [case for case in CASES if case.name.startswith(kinds)]) == []


def test_sources_that_are_hard_to_compile_cost_a_worker_at_most() -> None:
    assert _wrong("warm", SOURCES) == []
