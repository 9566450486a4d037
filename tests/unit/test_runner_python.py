"""The Python runner: every code by a real call, hostile functions contained, nothing left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from apigen_ray.records import Api, Source, Status
from apigen_ray.runners import batch, handle, state
from apigen_ray.runners.base import ExecutionSpec, Outcome, Task
from apigen_ray.runners.programs import PRICE, Owner, Program
from apigen_ray.runners.python import PythonRunner
from apigen_ray.runners.sources import SourceText

MODULE = """
import asyncio, ctypes, dataclasses, datetime, decimal, enum, math, os, signal, sys, threading, time, typing
from collections import Counter, namedtuple
from typing import Annotated, Literal, NamedTuple, Optional, TypedDict

class Unit(enum.Enum):
    METRE = "m"
    FOOT = "ft"

@dataclasses.dataclass
class Point:
    x: float
    y: float = 0.0
    on: Optional[datetime.date] = None
    next: Optional["Point"] = None

class Window(TypedDict, total=False):
    start: datetime.datetime
    labels: list[str]

class Pair(NamedTuple):
    left: int
    right: str

seen = []

def add(a: int, b: int = 1) -> int:
    return a + b

def remember(item: str) -> list[str]:
    seen.append(item)
    return seen

def types_of(day: datetime.date = None, moment: datetime.datetime = None, at: datetime.time = None, unit: Unit = None,
             point: Point = None, window: Window = None, price: decimal.Decimal = None, tags: set[str] = None,
             size: tuple[int, float] = None, days: list[datetime.date] = None, by: dict[str, Unit] = None,
             maybe: datetime.date | None = None, either: int | datetime.date | str = None, ratio: float = None,
             count: int = None, kind: Literal["a", "b"] = None, note: Annotated[Optional[str], "x"] = None,
             rest: frozenset[int] = None) -> str:
    given = {name: value for name, value in locals().items() if value is not None}
    return repr(given)

def same_unit(unit: Unit) -> bool:
    return unit is Unit.METRE

def outputs(which: str):
    return {
        "date": datetime.date(2024, 2, 29), "moment": datetime.datetime(2024, 2, 29, 12, 30),
        "decimal": decimal.Decimal("1.10"), "enum": Unit.FOOT, "set": {3, 1, 2}, "mixed": {"b", 1, "a"},
        "tuple": (1, (2,)), "point": Point(1.5), "pair": Pair(1, "x"), "counter": Counter("aab"),
        "text": "ü\\n", "none": None, "true": True, "keys": {Unit.METRE: 1}, "big": 2**1000,
        "nan": [1.0, {"deep": [math.nan]}], "inf": math.inf, "bytes": {"a": [b""]}, "generator": (i for i in ()),
        "int_key": {1: 2}, "huge": 2**2000, "complex": 1j, "surrogate": ["\\ud800"], "object": object(),
        "subclass": type("D", (dict,), {})(), "decimal_nan": decimal.Decimal("Infinity"), "function": add,
        "list_iterator": iter([]),
    }[which]

async def coroutine() -> int:
    return 1

def circle():
    a = []
    a.append(a)
    return a

def deep(levels: int):
    a = 1
    for _ in range(levels):
        a = [a]
    return a

def text(length: int, character: str = "a") -> str:
    return character * length

def zeros(length: int):
    return [0] * length

def laugh():
    a = ["ha"] * 10
    for _ in range(12):
        a = [a] * 10
    return a

def fail(message: str):
    raise ValueError(message)

class Mute(Exception):
    def __str__(self):
        raise SystemExit

def fail_mute():
    raise Mute

def system_exit():
    sys.exit(3)

def interrupt():
    raise KeyboardInterrupt

def recurse(n: int = 0) -> int:
    return recurse(n + 1)

def loop():
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass

def spin_in_c():
    return len(str(10**10**8))

def hoard() -> int:
    return len(bytearray(1 << 40))

def hoard_slowly() -> int:
    found = []
    while True:
        found.append(bytearray(1 << 20))

def exit_process(status: int):
    os._exit(status)

def frail(ends: bool) -> int:
    if ends:
        os._exit(1)
    return os.getpid()

def crash():
    ctypes.string_at(0)

def stop_itself():
    os.kill(os.getpid(), signal.SIGKILL)

def overflow_stack():
    sys.setrecursionlimit(10**9)
    f = lambda: f()
    class R:
        def __repr__(self): return repr(self)
    return repr(R())

def abort():
    os.abort()

def close_everything():
    os.closerange(0, 64)
    return 1

def write_everywhere() -> int:
    for descriptor in range(3, 4096):  # the parent may hold many, so the numbers are high
        try:
            os.write(descriptor, b"\\x00\\x00\\x00\\x05hello")
        except OSError:
            pass
    return 1

def forge(number: int) -> int:
    frame = b'[%d,"","42","",0.0]' % number
    for descriptor in range(3, 4096):  # the parent may hold many, so the numbers are high
        try:
            os.write(descriptor, len(frame).to_bytes(4, "big") + frame)
        except OSError:
            pass
    time.sleep(60)

def drip(pause: float):
    socket = 3
    while True:
        try:
            os.write(socket, b"\\x00\\x0f\\x00\\x00")  # an answer of a megabyte begins
            break
        except OSError:
            socket += 1
    while True:
        try:
            os.write(socket, b"x")
            time.sleep(pause)
        except BaseException:
            pass

def fill(megabytes: int) -> int:
    sys.filled = bytearray(megabytes << 20)
    return megabytes

def noise(text: str) -> int:
    print(text, flush=True)
    print(text, file=sys.stderr, flush=True)
    sys.stdout = None
    return len(text)

def ask() -> str:
    return input("?")

def write_file(path: str) -> None:
    with open(path, "w") as file:
        file.write("x")

def bomb_later() -> int:
    threading.Timer(0.1, os._exit, (0,)).start()
    return 1

def arm() -> int:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    return 1

def rest(seconds: float) -> float:
    time.sleep(seconds)
    return seconds

def environment() -> dict[str, str]:
    return dict(os.environ)

def process_id() -> int:
    return os.getpid()

def positional(a: int, /, b: int) -> int:
    return a + b

def anything(**options: int) -> dict[str, int]:
    return options

def hidden(x: "NoSuchName") -> int:
    return x
"""

RunCalls = Callable[..., list[Outcome]]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("source") / "hostile.py"
    path.write_text(MODULE)
    return str(path)


@pytest.fixture(scope="module")
def runner() -> Iterator[PythonRunner]:
    runner = PythonRunner(ExecutionSpec(memory_mb=256))
    yield runner
    runner.close()


@pytest.fixture(scope="module")
def hasty() -> Iterator[PythonRunner]:
    runner = PythonRunner(ExecutionSpec(timeout_s=0.5, memory_mb=256))
    yield runner
    runner.close()


def task(location: str, entry: str, arguments: Any = None) -> Task:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    return Task(Api(entry, "", {}, source=Source("python", location, entry, trust="trusted")), text)


@pytest.fixture
def run(runner: PythonRunner, source: str) -> RunCalls:
    def run(*calls: tuple[Any, ...]) -> list[Outcome]:
        return runner.run([task(source, *call) for call in calls])

    return run


def value(outcome: Outcome) -> Any:
    assert outcome.status == Status.PASSED, outcome
    assert outcome.value is not None
    return json.loads(outcome.value)


def test_calls_by_keyword(run: RunCalls) -> None:
    first, second = run(("add", {"b": 2, "a": 40}), ("add", {"a": 1}))
    assert (first.value, second.value) == ("42", "2")
    assert first.seconds > 0
    assert run() == []


@pytest.mark.parametrize(
    ("entry", "arguments", "code", "detail"),
    [
        ("add", {}, "argument_error", "missing a required argument: 'a'"),
        ("add", {"a": 1, "c": 2}, "argument_error", "unexpected keyword argument 'c'"),
        ("add", {"a": 1, "__class__": 2}, "argument_error", "__class__"),
        ("positional", {"a": 1, "b": 2}, "argument_error", "positional"),
        ("add", "[1]", "argument_error", "must be a JSON object"),
        ("add", "{", "argument_error", "not_json"),
        ("add", '{"a": NaN}', "argument_error", "non_finite_number"),
        ("add", '{"a": 1, "a": 2}', "argument_error", "duplicate_key"),
        ("add", '{"a": "\\ud800"}', "argument_error", "bad_unicode"),
        ("add", '{"a": "\ud800"}', "argument_error", "bad_unicode"),
        ("add", "[" * 100_000, "argument_error", "not_json"),
        ("same_unit", {"unit": "mile"}, "argument_error", "unit: no value of Unit: 'mile'"),
        ("types_of", {"day": "2024-02-30"}, "argument_error", "day: no ISO 8601 date: '2024-02-30'"),
        ("types_of", {"days": ["2024-02-28", 7]}, "argument_error", "days[1]: no ISO 8601 date: 7"),
        ("types_of", {"maybe": "tomorrow"}, "argument_error", "maybe: no ISO 8601 date: 'tomorrow'"),
        ("types_of", {"point": {"x": 1, "next": {"y": 1}}}, "argument_error", "point.next: Point lacks 'x'"),
        ("types_of", {"point": {"x": 1, "z": 1}}, "argument_error", "Point has no field 'z'"),
        ("types_of", {"window": {"start": "now"}}, "argument_error", "window.start: no ISO 8601 datetime: 'now'"),
        ("types_of", {"by": {"a": "m", "b": "x"}}, "argument_error", "by.b: no value of Unit: 'x'"),
        ("types_of", {"tags": [[]]}, "argument_error", "tags: items of a set"),
        ("types_of", {"ratio": 10**400}, "argument_error", "ratio: too large for a float"),
        ("fail", {"message": "too far"}, "exec_error", "ValueError: too far"),
        ("fail", {"message": "x" * 5000}, "exec_error", "ValueError: xxxx"),
        ("fail", {"message": "\\ud800"}, "exec_error", "ValueError"),
        ("fail_mute", {}, "exec_error", "Mute"),
        ("system_exit", {}, "exec_error", "SystemExit: 3"),
        ("interrupt", {}, "exec_error", "KeyboardInterrupt"),
        ("recurse", {}, "exec_error", "RecursionError"),
        ("ask", {}, "exec_error", "EOFError"),
        ("hoard", {}, "memory", "more memory than it may"),
        ("hoard_slowly", {}, "memory", "more memory than it may"),
        ("exit_process", {"status": 0}, "killed", "exit status 0"),
        ("crash", {}, "killed", "SIGSEGV"),
        ("abort", {}, "killed", "SIGSEGV"),
        ("write_everywhere", {}, "killed", "wrote into the runner's protocol"),
        ("forge", {"number": 7}, "killed", "wrote into the runner's protocol"),
        ("outputs", {"which": "nan"}, "bad_output", "$[1].deep[0]: nan is no JSON number"),
        ("outputs", {"which": "inf"}, "bad_output", "$: inf"),
        ("outputs", {"which": "decimal_nan"}, "bad_output", "$: Infinity"),
        ("outputs", {"which": "bytes"}, "bad_output", "$.a[0]: bytes is not plain data"),
        ("outputs", {"which": "generator"}, "bad_output", "generator"),
        ("outputs", {"which": "int_key"}, "bad_output", "a key of type int"),
        ("outputs", {"which": "huge"}, "bad_output", "1024 bits"),
        ("outputs", {"which": "complex"}, "bad_output", "complex"),
        ("outputs", {"which": "surrogate"}, "bad_output", "$[0]: a lone surrogate"),
        ("outputs", {"which": "object"}, "bad_output", "object is not plain data"),
        ("outputs", {"which": "subclass"}, "bad_output", "D is not plain data"),
        ("outputs", {"which": "function"}, "bad_output", "function is not plain data"),
        ("coroutine", {}, "refused", "an async function cannot be called here"),
        ("circle", {}, "bad_output", "more than 64 containers"),
        ("deep", {"levels": 65}, "bad_output", "more than 64 containers"),
        ("text", {"length": 262_143}, "output_too_large", "256 KiB"),
        ("text", {"length": 131_072, "character": "ü"}, "output_too_large", "256 KiB"),
        ("zeros", {"length": 200_000}, "output_too_large", "256 KiB"),
        ("laugh", {}, "output_too_large", "256 KiB"),
        ("missing", {}, "unknown_function", "hostile has no function 'missing'"),
        ("Point", {"x": 1}, "unknown_function", "Point"),
        ("namedtuple", {}, "unknown_function", "namedtuple"),
        ("seen", {}, "unknown_function", "seen"),
        ("__builtins__", {}, "unknown_function", "__builtins__"),
        ("os._exit", {}, "unknown_function", "os._exit"),
    ],
)
def test_code(run: RunCalls, entry: str, arguments: Any, code: str, detail: str) -> None:
    """A bad call among others has its code, and the others their right answers."""
    good = ("add", {"a": 40, "b": 2})
    before, bad, *after = run(good, (entry, arguments), good, good)
    assert (bad.status, bad.code, bad.value) == (Status.REJECTED, code, None)
    assert detail in bad.detail
    assert len(bad.detail) <= 500
    bad.detail.encode()
    assert [before.value, *(outcome.value for outcome in after)] == ["42"] * 3


@pytest.mark.parametrize("entry", ["loop", "spin_in_c"])
def test_timeout(hasty: PythonRunner, source: str, entry: str) -> None:
    """A call that swallows every exception, and one that does not let go of the interpreter."""
    good = task(source, "add", {"a": 1})
    before, bad, after = hasty.run([good, task(source, entry), good])
    assert bad.code == "timeout"
    assert bad.detail == "it took more than 0.5 s"  # whichever limit came first
    assert bad.seconds >= 0.5
    assert (before.value, after.value) == ("2", "2")


@pytest.mark.parametrize("pause", [0.1, 0.0001])
def test_an_answer_that_comes_byte_by_byte_puts_nothing_off(hasty: PythonRunner, source: str, pause: float) -> None:
    good = task(source, "add", {"a": 1})
    before, bad, after = hasty.run([good, task(source, "drip", {"pause": pause}), good])
    assert bad.code == "timeout"
    assert (before.value, after.value) == ("2", "2")


def test_stack_overflow_is_contained(run: RunCalls) -> None:
    """Where Python's own limit of recursion is not met first, which is an ``exec_error``: see `recurse`."""
    bad, good = run(("overflow_stack", {}), ("add", {"a": 1}))
    assert (bad.code, bad.detail) == ("killed", "its process was ended by SIGSEGV")
    assert good.value == "2"


def test_many_bad_calls_leave_all_others_right(run: RunCalls) -> None:
    bad = {17: "crash", 18: "exit_process", 150: "hoard", 151: "abort", 299: "write_everywhere"}
    calls = [
        (bad[i], {"status": 1} if bad[i] == "exit_process" else {}) if i in bad else ("add", {"a": i, "b": 0})
        for i in range(300)
    ]
    outcomes = run(*calls)
    assert [i for i, outcome in enumerate(outcomes) if outcome.code] == sorted(bad)
    assert all(outcome.value == str(i) for i, outcome in enumerate(outcomes) if i not in bad)


def test_fresh_globals_for_every_call(run: RunCalls) -> None:
    assert [value(outcome) for outcome in run(("remember", {"item": "a"}), ("remember", {"item": "b"}))] == [
        ["a"],
        ["b"],
    ]


def test_a_call_that_kills_its_successor_does_not_pass_on_the_blame(run: RunCalls) -> None:
    outcomes = run(("arm", {}), ("rest", {"seconds": 0.3}), ("add", {"a": 1}))
    assert outcomes[0].value == "1" or outcomes[0].code == "exec_error"  # where the handler cannot be set
    assert [outcome.value for outcome in outcomes[1:]] == ["0.3", "2"]


@pytest.mark.parametrize("entry", ["stop_itself", "bomb_later"])
def test_a_forbidden_system_call_is_a_security_event(
    runner: PythonRunner, source: str, tmp_path: Path, entry: str
) -> None:
    """The call is blamed, all others are right; from the next batch on its source is not executed."""
    own = write(tmp_path / "forbidden.py", Path(source).read_text())
    calls = [task(own, "add", {"a": i, "b": 0}) for i in range(100)]
    calls[50] = task(own, entry)
    neighbour = task(source, "add", {"a": 1})
    *outcomes, good = runner.run([*calls, neighbour])
    assert (outcomes[50].status, outcomes[50].code) == (Status.REJECTED, "forbidden")
    assert "SIGSYS" in outcomes[50].detail
    assert [outcome.value for outcome in outcomes if not outcome.code] == [str(i) for i in range(100) if i != 50]
    bad, good = runner.run([calls[0], neighbour])
    assert (bad.status, bad.code, bad.value) == (Status.REJECTED, "quarantined", None)
    assert good.value == "2"


def test_a_call_that_leaves_no_memory_does_not_pass_on_the_blame(run: RunCalls) -> None:
    first, second = run(("fill", {"megabytes": 150}), ("fill", {"megabytes": 149}))
    assert (first.value, second.value) == ("150", "149")


@pytest.fixture
def forks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Names of the workers that are forked from here on."""
    forked: list[int] = []
    fork = handle.Zygote.fork

    def told(self: handle.Zygote, *arguments: Any) -> int:
        forked.append(fork(self, *arguments))
        return forked[-1]

    monkeypatch.setattr(handle.Zygote, "fork", told)
    return forked


def test_a_call_that_gives_its_memory_back_is_not_tried_again(source: str, forks: list[int]) -> None:
    runner = PythonRunner(ExecutionSpec(memory_mb=256))
    runner.run([task(source, "add", {"a": 1}), task(source, "hoard", "no JSON")])
    forks.clear()
    bad, good = runner.run([task(source, "hoard", {}), task(source, "add", {"a": 1})])
    runner.close()
    assert (bad.code, good.value) == ("memory", "2")
    assert len(forks) == 1


def test_what_ends_its_workers_costs_one_for_each_call(source: str, forks: list[int]) -> None:
    """Once it is known for that its calls go alone, and the worker of the others stays from batch to batch."""
    runner = PythonRunner(ExecutionSpec(memory_mb=256))
    who, bad = task(source, "process_id"), task(source, "exit_process", {"status": 1})
    assert [outcome.code for outcome in runner.run([who, bad])] == ["", "killed"]
    values = set()
    for new in (1, 0, 0):
        forks.clear()
        outcomes = runner.run([bad if i % 10 == 5 else who for i in range(100)])
        assert len(forks) == new + 10
        assert {outcome.code for outcome in outcomes[5::10]} == {"killed"}
        values |= {outcome.value for i, outcome in enumerate(outcomes) if i % 10 != 5}
    runner.close()
    assert len(values) == 1


def test_what_ends_its_worker_now_and_then_goes_with_the_others_again(source: str, forks: list[int]) -> None:
    runner = PythonRunner(ExecutionSpec(memory_mb=256))
    runner.run([task(source, "process_id")])
    forks.clear()
    bad, *good = runner.run([task(source, "frail", {"ends": i == 0}) for i in range(100)])
    runner.close()
    assert bad.code == "killed"
    assert len({outcome.value for outcome in good}) == PRICE + 1  # alone until the debt is paid, then together
    assert len(forks) == 1 + PRICE + 1  # the suspect again, alone, together


def bomb(depth: int = 18) -> str:
    """A few lines whose code doubles with every level: the compiler does not come back."""
    lines = ["def f() -> int:"]
    for level in range(1, depth + 1):
        lines += [" " * level + "try: pass", " " * level + "finally:"]
    return "\n".join([*lines, " " * (depth + 1) + "pass", ""])


@pytest.mark.parametrize("trust", ["trusted", "untrusted"])
@pytest.mark.parametrize("isolation", ["owner", "call"])
def test_what_does_not_compile_costs_its_time_once(
    source: str, tmp_path: Path, forks: list[int], monkeypatch: pytest.MonkeyPatch, isolation: Any, trust: str
) -> None:
    """The limit is that of compiling; the source's other functions are refused in the same words, unseen."""
    location = write(tmp_path / "bomb.py", bomb() + "".join(f"def f{i}() -> int:\n    return f()\n" for i in range(9)))
    runner = PythonRunner(ExecutionSpec(timeout_s=600, isolation=isolation))
    good = task(source, "add", {"a": 1})
    runner.run([good])  # compiled before the limit is as short as that
    monkeypatch.setattr(handle, "COMPILE_S", 0.3)
    forks.clear()
    calls = [
        Task(Api(f"f{i}", "", {}, source=Source("python", location, f"f{i}", trust=trust)), "{}") for i in range(9)
    ]
    *bad, right = runner.run([*calls, good])
    bad += runner.run(calls)
    runner.close()
    assert right.value == "2"
    assert {(outcome.code, outcome.detail) for outcome in bad} == {
        ("refused", "it does not compile: it took more than 0.3 s")
    }
    assert len(forks) <= 1 + 1 + (isolation == "call")  # for the bomb, for the good one, forked ahead


def test_output_of_functions_does_not_reach_the_protocol(run: RunCalls) -> None:
    outcomes = run(*[("noise", {"text": "x" * 70_000})] * 5)
    assert [outcome.value for outcome in outcomes] == ["70000"] * 5


def test_large_arguments_and_results_do_not_block_each_other(run: RunCalls) -> None:
    big = {"length": 200_000, "character": "a"}
    outcomes = run(*[("text", big), ("noise", {"text": "x" * 500_000})] * 8)
    assert all(outcome.status == Status.PASSED for outcome in outcomes)


def test_nothing_is_written_and_nothing_inherited(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "secret")
    runner = PythonRunner(ExecutionSpec())
    calls = [task(source, "write_file", {"path": str(tmp_path / "x")}), task(source, "environment")]
    written, environment = runner.run(calls)
    runner.close()
    assert written.code == "exec_error"
    assert "API_KEY" not in value(environment)


@pytest.mark.parametrize(
    ("arguments", "seen"),
    [
        ({"day": "2024-02-29"}, "datetime.date(2024, 2, 29)"),
        ({"moment": "2024-02-29T12:30:00Z"}, "datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.timezone.utc)"),
        ({"at": "12:30"}, "datetime.time(12, 30)"),
        ({"unit": "ft"}, "<Unit.FOOT: 'ft'>"),
        (
            {"point": {"x": 1, "on": "2024-01-01", "next": {"x": 2}}},
            "Point(x=1.0, y=0.0, on=datetime.date(2024, 1, 1), next=Point(x=2.0, y=0.0, on=None, next=None))",
        ),
        ({"window": {"start": "2024-02-29"}}, "{'start': datetime.datetime(2024, 2, 29, 0, 0)}"),
        ({"price": 1.1}, "Decimal('1.1')"),
        ({"tags": ["a", "a"]}, "{'a'}"),
        ({"rest": [1.0]}, "frozenset({1})"),
        ({"size": [1, 2]}, "(1, 2.0)"),
        ({"days": ["2024-01-01"]}, "[datetime.date(2024, 1, 1)]"),
        ({"by": {"a": "m"}}, "{'a': <Unit.METRE: 'm'>}"),
        ({"maybe": "2024-01-01"}, "datetime.date(2024, 1, 1)"),
        ({"either": 7}, "7"),
        ({"either": "2024-01-01"}, "datetime.date(2024, 1, 1)"),
        ({"either": "Monday"}, "'Monday'"),
        ({"ratio": 2}, "2.0"),
        ({"count": 2.0}, "2"),
        ({"count": "2"}, "'2'"),  # the format stage judges types
        ({"kind": "a"}, "'a'"),
        ({"note": "n"}, "'n'"),
    ],
)
def test_arguments_become_what_annotations_want(run: RunCalls, arguments: dict[str, Any], seen: str) -> None:
    (name,) = arguments
    for outcome in run(("types_of", arguments), ("types_of", arguments)):  # the second time what is cached is used
        assert value(outcome) == f"{{{name!r}: {seen}}}"


def test_enums_are_those_of_the_call(run: RunCalls) -> None:
    assert [outcome.value for outcome in run(*[("same_unit", {"unit": "m"})] * 3)] == ["true"] * 3


def test_unresolvable_annotations_do_no_harm(run: RunCalls) -> None:
    assert [outcome.value for outcome in run(("hidden", {"x": 1}), ("anything", {"a": 1}))] == ["1", '{"a":1}']


@pytest.mark.parametrize(
    ("which", "text"),
    [
        ("date", '"2024-02-29"'),
        ("moment", '"2024-02-29T12:30:00"'),
        ("decimal", '"1.10"'),
        ("enum", '"ft"'),
        ("set", "[1,2,3]"),
        ("mixed", '["a","b",1]'),
        ("tuple", "[1,[2]]"),
        ("point", '{"x":1.5,"y":0.0,"on":null,"next":null}'),
        ("pair", '{"left":1,"right":"x"}'),
        ("counter", '{"a":2,"b":1}'),
        ("text", '"ü\\n"'),
        ("none", "null"),
        ("true", "true"),
        ("keys", '{"m":1}'),
        ("big", str(2**1000)),
    ],
)
def test_results_are_plain_data(run: RunCalls, which: str, text: str) -> None:
    (outcome,) = run(("outputs", {"which": which}))
    assert outcome.value == text


def test_largest_results_that_are_kept(run: RunCalls) -> None:
    text, deep = run(("text", {"length": 262_142}), ("deep", {"levels": 64}))
    assert len(text.value or "") == 262_144
    assert deep.status == Status.PASSED


def test_a_worker_stays_warm_and_is_replaced_when_it_died(run: RunCalls) -> None:
    run(("add", {"a": 1}))
    (first,), (second,) = run(("process_id",)), run(("process_id",))
    assert first.value == second.value
    os.kill(value(first), signal.SIGKILL)
    (third,) = run(("process_id",))
    assert value(third) != value(first)


# --- sources


def write(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def test_built_in_functions_by_module_name(runner: PythonRunner) -> None:
    module = "apigen_ray.library.functions.finance"
    arguments = {"principal": 1000, "annual_rate_percent": 0, "years": 1}
    outcomes = runner.run([task(module, "monthly_loan_payment", arguments)] * 3)
    assert [value(outcome) for outcome in outcomes] == [83.33] * 3


def test_a_module_imports_from_its_package(runner: PythonRunner, tmp_path: Path) -> None:
    write(tmp_path / "pack" / "__init__.py", "FACTOR = 2")
    write(tmp_path / "pack" / "helper.py", "def double(x):\n    return 2 * x")
    text = "from pack.helper import double\nfrom . import FACTOR\ndef f(x: int) -> int:\n    return double(x) * FACTOR"
    outcomes = runner.run([task(write(tmp_path / "pack" / "main.py", text), "f", {"x": 3})])
    assert value(outcomes[0]) == 12


def test_modules_of_one_name_in_two_folders_do_not_meet(runner: PythonRunner, tmp_path: Path) -> None:
    tasks = []
    for name in ("a", "b"):
        write(tmp_path / name / "helper.py", f"NAME = {name!r}")
        text = "import helper\ndef f() -> str:\n    return helper.NAME"
        tasks.append(task(write(tmp_path / name / "main.py", text), "f"))
    assert [value(outcome) for outcome in runner.run(tasks * 2)] == ["a", "b", "a", "b"]


def test_a_file_called_like_a_standard_module_does_not_stand_in_for_it(runner: PythonRunner, tmp_path: Path) -> None:
    location = write(
        tmp_path / "statistics.py", "import statistics\ndef f() -> float:\n    return statistics.mean([1, 3])"
    )
    assert value(runner.run([task(location, "f")])[0]) == 2


@pytest.mark.parametrize(
    ("text", "code", "detail"),
    [
        ("def f(:", "refused", "SyntaxError"),
        ("import numpy_is_not_here", "refused", "ModuleNotFoundError"),
        ("raise SystemExit", "exec_error", "SystemExit"),
        ("x = " + "(" * 5000 + ")" * 5000, "refused", "does not compile"),
        ("while True: pass", "timeout", "5 s"),
        ("import os; os._exit(4)", "killed", "exit status 4"),
        ("x = bytearray(1 << 40)", "memory", "more memory"),
    ],
)
def test_a_source_that_cannot_be_loaded(hasty: PythonRunner, tmp_path: Path, text: str, code: str, detail: str) -> None:
    """All its calls have one outcome. Only the first two cost what it takes, or this would last for minutes."""
    location = write(tmp_path / "broken.py", text)
    outcomes = hasty.run([task(location, "f")] * 50)
    outcomes += hasty.run([task(location, "f")] * 50)
    assert {(outcome.status, outcome.code) for outcome in outcomes} == {(Status.REJECTED, code)}
    assert detail in outcomes[0].detail


@pytest.mark.parametrize("location", ["/nowhere/file.py", "no_such_module", "json.nothing", "math"])
def test_a_source_that_is_not_on_this_machine_is_not_the_calls_fault(
    runner: PythonRunner, source: str, location: str
) -> None:
    missing, good = runner.run([task(location, "f"), task(source, "add", {"a": 1})])
    assert (missing.status, missing.code) == (Status.ERROR, "runner_unavailable")
    assert good.value == "2"


def test_reading_a_source_executes_nothing(
    runner: PythonRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "trap" / "__init__.py", "raise AssertionError")
    write(tmp_path / "trap" / "inner" / "__init__.py", "raise AssertionError")
    write(tmp_path / "trap" / "inner" / "main.py", "def f() -> int:\n    return 5")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert value(runner.run([task("trap.inner.main", "f")])[0]) == 5


def test_types_are_left_out_only_where_nobody_looks(runner: PythonRunner, tmp_path: Path) -> None:
    """The second call executes the slim module: it must not be told from the whole one."""
    text = """
import sys
from typing import TypedDict
class Unused(TypedDict):
    x: int
class Used(TypedDict):
    x: int
class Inner(TypedDict):
    x: Used
Named = dict[str, Used]
def g(x: int) -> Unused:
    return {"x": x}
def f(a: Inner) -> list[str]:
    return [*g(1), Named.__args__[1].__name__, Used(x=1).__class__.__name__]
"""
    location = write(tmp_path / "plain.py", text)
    outcomes = runner.run([task(location, "f", {"a": {"x": {"x": 1}}})] * 3)
    assert [value(outcome) for outcome in outcomes] == [["x", "Used", "dict"]] * 3
    for line in (
        "__import__('typing').get_type_hints(g)['return'].__name__",
        "globals()['Unused'].__name__",
        "getattr(sys.modules[__name__], 'Unused').__name__",
        "g.__annotations__['return'].__name__",
    ):
        looking = write(tmp_path / f"m{abs(hash(line))}.py", text + f"def h() -> str:\n    return {line}\n")
        outcomes = runner.run([task(looking, "h")] * 2)
        assert [value(outcome) for outcome in outcomes] == ["Unused"] * 2


# --- what is kept


def test_what_is_kept_is_bounded(tmp_path: Path, forks: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions that were used longest ago are read, compiled and loaded anew; a quarantine is kept in mind."""
    monkeypatch.setattr(state, "MAX_PROGRAMS", 3)
    monkeypatch.setattr(state, "MAX_LOADED", 5)
    files = []
    for i in range(6):
        files.append(write(tmp_path / f"m{i}.py", f"import os\ndef f() -> int:\n    return {i}\n"))
    evil = write(tmp_path / "evil.py", "import os\ndef f() -> int:\n    return os.fork()\n")
    runner = PythonRunner(ExecutionSpec())
    kept = runner._state
    assert runner.run([task(evil, "f")])[0].code == "forbidden"
    for _ in range(2):
        assert [runner.run([task(file, "f")])[0].value for file in files] == list("012345")
    runner.run([])
    assert [location for location, _, _ in kept.programs] == files[3:] == list(kept.sources)
    assert sum(owner.quarantined for owner in kept.owners.values()) == 1
    assert len(kept.owners) == 1 + 3
    assert runner.run([task(evil, "f")])[0].code == "quarantined"
    assert [outcome.value for outcome in runner.run([task(file, "f") for file in files])] == list("012345")
    forks.clear()
    many = write(tmp_path / "many.py", "".join(f"def f{i}() -> int:\n    return {i}\n" for i in range(6)))
    for _ in range(2):
        outcomes = runner.run([task(many, f"f{i}") for i in range(6)])
        assert [outcome.value for outcome in outcomes] == list("012345")
    assert len(forks) == 2  # what has loaded too many is replaced
    monkeypatch.setattr(state, "MAX_KEPT", len(Path(many).read_text()) + 1)
    runner.run([task(many, "f0")])
    runner.run([])
    assert not kept.programs  # its code does not fit
    runner.close()


def test_quarantines_and_verdicts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "MAX_QUARANTINED", 2)
    monkeypatch.setattr(state, "MAX_UNCOMPILABLE", 2)
    kept = state.State(ExecutionSpec(), frozenset())
    for name in "abcd":
        kept.owners["", name, True] = owner = Owner(trusted=True, quarantined=name != "d")
        kept.condemn(Program(0, owner, SourceText(name, "", "", name), "f"), "words", 1.0)
    kept.begin()
    assert [name for _, name, _ in kept.owners] == ["b", "c"]
    told = [kept.uncompilable.get(Program(0, owner, SourceText(x, "", "", x), "f").digest()) for x in "abcd"]
    assert [outcome is not None for outcome in told] == [False, False, True, True]


# --- the processes


def test_no_child_can_be_started(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = PythonRunner(ExecutionSpec())
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    outcomes = runner.run([task(source, "add", {"a": 1})] * 3)
    assert {(outcome.status, outcome.code) for outcome in outcomes} == {(Status.ERROR, "runner_unavailable")}
    assert "no worker process starts" in outcomes[0].detail
    monkeypatch.undo()
    assert runner.run([task(source, "add", {"a": 1})])[0].value == "2"  # the next batch tries again
    runner.close()


@pytest.mark.parametrize("program", ["import sys; sys.exit(7)", "import time; time.sleep(60)"])
def test_a_child_that_never_gets_ready(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    monkeypatch.setattr(handle, "_ZYGOTE", write(tmp_path / "zygote.py", program))
    monkeypatch.setattr(handle, "START_S", 0.3)
    runner = PythonRunner(ExecutionSpec(workers=2))
    outcomes = runner.run([task(source, "add", {"a": 1})] * 100)
    assert {(outcome.status, outcome.code) for outcome in outcomes} == {(Status.ERROR, "runner_unavailable")}
    assert not runner._state.workers


def test_workers_that_never_get_ready(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their first words are not those of a worker behind walls."""
    monkeypatch.setattr(batch, "is_up", lambda words: False)
    runner = PythonRunner(ExecutionSpec(workers=3))
    outcomes = runner.run([task(source, "add", {"a": 1})] * 300)
    runner.close()
    assert {(outcome.status, outcome.code) for outcome in outcomes} == {(Status.ERROR, "runner_unavailable")}
    assert "its rlimits do not stand" in outcomes[0].detail


def test_starts_that_fail_now_and_then_do_no_harm(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    starts = 0

    def worker(*arguments: Any, **rest: Any) -> handle.Worker:
        nonlocal starts
        starts += 1
        if starts % 2:
            raise handle.StartError("fork: resource temporarily unavailable")
        return handle.Worker(*arguments, **rest)

    monkeypatch.setattr(batch, "Worker", worker)
    runner = PythonRunner(ExecutionSpec())
    outcomes = runner.run([task(source, "crash"), task(source, "add", {"a": 1}), task(source, "crash")])
    runner.close()
    assert [outcome.code for outcome in outcomes] == ["killed", "", "killed"]


def test_zygotes_that_are_killed_again_and_again(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is blamed, and it ends."""
    monkeypatch.setattr(batch, "ZYGOTES", 3)
    fork, killed = handle.Zygote.fork, []

    def told(self: handle.Zygote, *arguments: Any) -> int:
        name = fork(self, *arguments)
        os.kill(self._process.pid, signal.SIGKILL)
        killed.append(self._process.wait())
        return name

    monkeypatch.setattr(handle.Zygote, "fork", told)
    runner = PythonRunner(ExecutionSpec())
    outcomes = runner.run([task(source, "add", {"a": 1})] * 3)
    assert {(outcome.status, outcome.code) for outcome in outcomes} == {(Status.ERROR, "runner_unavailable")}
    assert "something kills its zygotes" in outcomes[0].detail
    assert len(killed) == 3
    monkeypatch.undo()
    assert runner.run([task(source, "add", {"a": 1})])[0].value == "2"
    runner.close()


def test_several_workers_share_a_batch(source: str) -> None:
    runner = PythonRunner(ExecutionSpec(workers=2))
    outcomes = runner.run([task(source, "process_id")] * 300)
    assert len({outcome.value for outcome in outcomes}) == 2
    outcomes = runner.run([task(source, "crash"), *[task(source, "add", {"a": i}) for i in range(200)]])
    assert [outcome.value for outcome in outcomes[1:]] == [str(i + 1) for i in range(200)]
    assert outcomes[0].code == "killed"
    runner.close()


def test_an_interrupt_ends_the_children(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = PythonRunner(ExecutionSpec())
    first = value(runner.run([task(source, "process_id")])[0])

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(batch.Batch, "_take", interrupt)
    with pytest.raises(KeyboardInterrupt):
        runner.run([task(source, "add", {"a": 1})] * 10)
    monkeypatch.undo()
    assert value(runner.run([task(source, "process_id")])[0]) != first
    runner.close()
    runner.close()


@pytest.mark.parametrize("entry", ["rest", "loop", "spin_in_c"])
def test_kill_9_of_the_parent_leaves_no_child(source: str, tmp_path: Path, entry: str) -> None:
    """A child that is idle, one that swallows every exception, and one that does not let go of the interpreter."""
    program = f"""
import sys
from apigen_ray.records import Api, Source
from apigen_ray.runners.base import ExecutionSpec, Task
from apigen_ray.runners.python import PythonRunner
runner = PythonRunner(ExecutionSpec(timeout_s=60))
def run(entry, arguments):
    return runner.run([Task(Api(entry, "", {{}}, source=Source("python", {source!r}, entry, trust="trusted")),
        arguments)])[0]
run("process_id", "{{}}")  # its worker is replaced by one that has what the source imports
print(run("process_id", "{{}}").value, runner._state.zygote._process.pid, flush=True)
run({entry!r}, '{{"seconds": 0}}' if {entry!r} == "rest" else "{{}}")
sys.stdin.read()
"""
    root = Path(__file__).parents[2]
    parent = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root)
    assert parent.stdin is not None
    assert parent.stdout is not None
    with parent, parent.stdin, parent.stdout:
        children = [int(number) for number in parent.stdout.readline().split()]
        assert all(map(lives, children))
        time.sleep(0.1)
        parent.kill()
        parent.wait()
    until = time.monotonic() + 5
    while any(map(lives, children)) and time.monotonic() < until:
        time.sleep(0.02)
    assert not any(map(lives, children))


def lives(process: int) -> bool:
    """Whether a process is there; one that is dead, and whoever takes in orphans does not ask for it, is not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(") ")[1][0] != "Z"
    except OSError:
        return False
