"""Whatever comes over a worker's socket, from either side, and whatever arguments and results are: one answer."""

import datetime
import decimal
import enum
import json
import math
import socket
import struct
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict

from hypothesis import example, given, settings
from hypothesis import strategies as st

from apigen_ray.records import Status
from apigen_ray.runners.base import CODES
from apigen_ray.runners.handle import MAX_FRAME, Worker
from apigen_ray.runners.programs import Answer, BrokenError, Owner, Program, compiled, needed, parse, proofs
from apigen_ray.runners.sandbox import worker
from apigen_ray.runners.sandbox.arguments import Misfit, converted, converter
from apigen_ray.runners.sandbox.frames import framed
from apigen_ray.runners.sandbox.program import Program as Inside
from apigen_ray.runners.sandbox.program import answer as answer_of
from apigen_ray.runners.sandbox.results import MAX_DEPTH, MAX_INT_BITS, MAX_VALUE, TooLarge, result_text
from apigen_ray.runners.sources import SourceText
from apigen_ray.strict_json import JsonProblem, loads

QUICK = settings(max_examples=100, deadline=None)

# Frames from a worker, as the parent reads them

TEXTS = st.text(max_size=12) | st.sampled_from(["", "needs", "walls", "memory", "forbidden", "quarantined", *CODES])
NUMBERS = st.integers(-3, 5) | st.integers() | st.floats() | st.booleans()
SCALARS = st.none() | NUMBERS | TEXTS
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)
VALUES = JSON.map(json.dumps) | st.sampled_from(
    ["NaN", '{"a":1,"a":2}', '"\\ud800"', "[" * 200 + "]" * 200, "[" * 100_000, "9" * 5000, "x" * (MAX_VALUE + 1)]
)
BODIES = (
    st.binary(max_size=60)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.tuples(NUMBERS, TEXTS, st.none() | VALUES | JSON, TEXTS | st.just("x" * 3000), NUMBERS).map(
        lambda parts: json.dumps(parts).encode()
    )
    | st.tuples(st.integers(-2, 3), st.just(""), VALUES, st.just(""), st.floats(0, 1)).map(
        lambda parts: json.dumps(parts).encode()
    )
    | st.sampled_from([b"[" * 100_000, b"[1e999,,]", b"\xff\xfe", b'[0,"","' + b"\\ud800" + b'","",0.1]'])
)
FRAMES = (
    BODIES.map(lambda body: struct.pack(">I", len(body)) + body)
    | st.tuples(st.integers(0, 2**32 - 1), BODIES).map(lambda pair: struct.pack(">I", pair[0]) + pair[1])
    | st.binary(max_size=20)
)
STREAMS = st.lists(FRAMES, max_size=4).map(b"".join)


class FakeZygote:
    """Forks nothing: the test writes what a worker would."""

    def __init__(self) -> None:
        self.theirs: socket.socket | None = None

    def fork(self, theirs: socket.socket, imports: list[str]) -> int:
        self.theirs = theirs.dup()
        return 0

    def death(self, name: int) -> tuple[int, str] | None:
        return -9, ""

    def end(self, name: int) -> None:
        pass


def program(entry: str = "f") -> Program:
    owner = Owner(trusted=False)
    made = Program(0, owner, SourceText("m", "m.py", "/", "def f(a): return a"), entry)
    made.code = "AAAA"
    return made


def check_stream(data: bytes, chunks: list[int], ready: bool, compiles: bool) -> None:
    """What the parent makes of bytes: sound answers, then the end of the worker, and nothing else."""
    zygote = FakeZygote()
    handle = Worker(zygote, Owner(trusted=False), alone=False)  # type: ignore[arg-type]
    assert zygote.theirs is not None
    handle.ready = ready
    if compiles:
        handle.compile(program())
    else:
        handle.give(0, program(), "{}")
    rest, broken = data, None
    try:
        with zygote.theirs as theirs:
            for size in [*chunks, *[1 << 16] * (len(data) // (1 << 16) + 1)]:  # no more than a socket holds
                theirs.sendall(rest[:size])
                rest = rest[size:]
                for answer in handle.receive():
                    check_answer(answer)
        for _ in range(2):  # the second time there is nothing but the end of the stream
            for answer in handle.receive():
                check_answer(answer)
    except BrokenError as error:
        broken = error
    finally:
        handle.socket.close()
    assert broken is not None
    assert broken.code == "killed"
    assert len(broken.detail) <= 500


def check_answer(answer: Answer) -> None:
    """It can be taken as it is."""
    outcome = answer.outcome()
    assert outcome.status in (Status.PASSED, Status.REJECTED)
    assert answer.code == "needs" or answer.code == "" or answer.code in CODES
    assert answer.code not in ("forbidden", "quarantined", "runner_unavailable")
    outcome.detail.encode()
    if answer.value is not None:
        assert len(answer.value) <= 16 << 20
    for read in (compiled, needed, proofs):
        try:
            read(answer)
        except BrokenError:
            pass


@QUICK
@given(STREAMS, st.lists(st.integers(0, 40), max_size=4), st.booleans(), st.booleans())
@example(struct.pack(">I", MAX_FRAME) + b"[", [], True, False)
@example(struct.pack(">I", 2**32 - 1), [2], False, False)
@example(worker.frame(0, "", "1", "", 0.5) * 3, [1, 3], True, False)
def test_whatever_a_worker_writes(data: bytes, chunks: list[int], ready: bool, compiles: bool) -> None:
    check_stream(data, chunks, ready, compiles)


def check_body(body: bytes, compiles: bool, first: bool) -> None:
    try:
        answer = parse(body, compiles=compiles, first=first)
    except BrokenError:
        return
    check_answer(answer)
    if answer.value is not None and not compiles:
        loads(answer.value)


@QUICK
@given(BODIES, st.booleans(), st.booleans())
@example(b'[-1,"needs",{"a":1},"",0.5]', True, False)  # found by bench/fuzz.py
def test_whatever_a_frame_holds(body: bytes, compiles: bool, first: bool) -> None:
    check_body(body, compiles, first)


# Requests, as a worker reads them: whatever text a parent may put into them, one answer for each

SOURCE = "def f(a: int = 1) -> object:\n    return a\n\ndef g(**rest: object) -> object:\n    return rest\n"
SOURCES = (
    st.text(max_size=40)
    | st.text(alphabet="def f():(a)=1\n *,[]{}@#'\"\\_.x", max_size=60)
    | st.sampled_from([SOURCE, "def f(", "f = 1", "class f: pass", "import os\ndef f(): return os", "\0", "\ud800"])
)
ENTRIES = st.sampled_from(["f", "g", "h", "__f__", ""]) | st.text(max_size=5)
ARGUMENTS = VALUES | st.text(max_size=20) | st.dictionaries(st.sampled_from("ab"), JSON, max_size=2).map(json.dumps)
REQUESTS = st.lists(
    st.tuples(st.just("call"), st.integers(0, 99), st.integers(0, 2), ARGUMENTS)
    | st.tuples(st.just("compile"), st.just(True), st.just("m"), ENTRIES, st.fixed_dictionaries({"m": SOURCES})).map(
        lambda request: (*request, {"m": "m.py"})
    ),
    max_size=5,
)


def code_of(entry: str) -> str:
    answer = worker.compiled(True, "m", entry, {"m": SOURCE}, {"m": "m.py"})
    code: str = json.loads(answer[1] or "")[0]
    return code


class Quiet(worker.Clock):
    """A soft limit without a signal: a test is no worker."""

    def start(self, seconds: float) -> None:
        self.running = True


def served(frames: list[list[Any]], size: int) -> list[list[Any]]:
    """What a worker answers that receives so many bytes at a time."""
    data, out = b"".join(framed(json.dumps(each)) for each in frames), []
    pieces = iter([data[place : place + size] for place in range(0, len(data), size)])
    worker.serve(lambda: next(pieces, b""), out.append, Quiet(0), "real")
    assert all(int.from_bytes(frame[:4], "big") == len(frame) - 4 for frame in out)
    return [json.loads(frame[4:]) for frame in out]


def check_requests(requests: list[Any], loaded: list[Any], size: int = 1 << 16) -> None:
    """One answer for each, in its order, and each such as the parent takes."""
    answers = served([loaded, requests, [["call", 7, 1, '{"a": 7}']]], size)
    assert len(answers) == len(loaded) + len(requests) + 1
    assert [answer[1] for answer in answers[: len(loaded)]] == [""] * len(loaded)
    for request, answer in zip(requests, answers[len(loaded) :], strict=False):
        assert answer[0] == (request[1] if request[0] == "call" else -1)
        if request[0] == "call" and request[2] == 2:  # nothing has been loaded there: a parent does not do that
            continue
        body = json.dumps(answer).encode()
        parse(body, compiles=request[0] == "compile", first=False)
        assert len(body) <= MAX_FRAME or request[0] == "compile"
    assert answers[-1][:3] == [7, "", '{"a":7}']


LOADS = [["load", True, key, code_of(entry), None, None] for key, entry in enumerate("fg")]


@QUICK
@given(REQUESTS, st.sampled_from([1, 7, 1 << 16]))
def test_whatever_a_parent_asks(requests: list[Any], size: int) -> None:
    check_requests(requests, LOADS, size)


# Arguments


class Colour(enum.Enum):
    RED = "red"
    TWO = 2


@dataclass
class Point:
    x: float
    on: datetime.date | None = None
    next: "Point | None" = None


class Window(TypedDict, total=False):
    start: datetime.datetime
    labels: set[str]


class Pair(NamedTuple):
    left: int
    right: str


ANNOTATIONS: list[Any] = [
    int, float, str, bool, None, Any, object, list, dict, set, tuple, Colour, Point, Window, Pair, decimal.Decimal,
    datetime.date, datetime.datetime, datetime.time, list[datetime.date], dict[str, Colour], set[int], frozenset[str],
    tuple[int, float], tuple[Point, ...], int | datetime.date | None, list[Point | Window], list[dict[str, set[float]]],
]  # fmt: skip
HINTS = ["2024-02-29", "red", 2, "1.10", {"x": 1}, {"x": 1, "on": "2024-01-01", "next": {"x": 2}}, {"start": "x"}]
GIVEN = st.recursive(
    SCALARS | st.sampled_from(HINTS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(TEXTS | st.sampled_from(["x", "on", "next", "start", "labels"]), inner, max_size=3)
    ),
    max_leaves=10,
)


def check_argument(annotation: Any, value: Any) -> None:
    """It is converted, or it is a misfit with words that can be sent."""
    convert = converter(annotation, "elsewhere", [])
    misfit = None
    try:
        converted(convert, value, "a")
    except Misfit as error:
        misfit = error
    assert misfit is None or (misfit.path.startswith("a") and misfit.message)


@QUICK
@given(st.sampled_from(ANNOTATIONS), GIVEN)
def test_whatever_an_argument_is(annotation: Any, value: Any) -> None:
    check_argument(annotation, value)


@QUICK
@given(st.dates(), st.datetimes(), st.decimals(allow_nan=False, allow_infinity=False), st.sets(st.text(max_size=5)))
def test_what_results_write_arguments_read(
    day: datetime.date, moment: datetime.datetime, price: decimal.Decimal, tags: set[str]
) -> None:
    for annotation, value in (
        (datetime.date, day), (datetime.datetime, moment), (decimal.Decimal, price), (set[str], tags),
        (tuple[datetime.date, float], (day, 1.5)), (Colour, Colour.TWO), (list[Colour], [Colour.RED]),
        (Point, Point(0.5, day, Point(1.0))), (dict[str, decimal.Decimal], {"a": price}),
    ):  # fmt: skip
        try:
            text = result_text(value)
        except Misfit:  # a lone surrogate
            continue
        assert converted(converter(annotation, "elsewhere", []), json.loads(text), "a") == value


# Results

ATOMS: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.integers(-(2**1100), 2**1100) | st.floats() | st.text(max_size=8)
    | st.binary(max_size=4) | st.complex_numbers() | st.decimals() | st.dates() | st.datetimes() | st.times()
    | st.sampled_from([Colour.RED, Colour, object(), Point, print, iter([]), "\ud800", "x" * 200])
)  # fmt: skip
RESULTS: st.SearchStrategy[Any] = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.sets(st.integers() | st.text(max_size=3) | st.floats(), max_size=4)
        | st.frozensets(st.integers(), max_size=3)
        | st.dictionaries(
            st.text(max_size=5) | st.sampled_from([Colour.RED, Colour.TWO, 1, None, (1,)]), inner, max_size=4
        )
        | st.dictionaries(st.text(max_size=5), inner, max_size=3).map(OrderedDict)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3).map(lambda value: defaultdict(int, value))
        | st.lists(st.text(max_size=2), max_size=5).map(Counter)
        | inner.map(lambda value: Point(value, value))
        | st.builds(Pair, inner, inner)
        | inner.map(lambda value: deque([value]))
        | st.integers(1, 2 * MAX_DEPTH).flatmap(lambda depth: inner.map(lambda value: _nested(value, depth)))
    ),
    max_leaves=12,
)


def _nested(value: Any, depth: int) -> Any:
    for _ in range(depth):
        value = [value]
    return value


def _sound(value: Any, depth: int = 0) -> bool:
    """Whether a value is what a result may be."""
    if isinstance(value, float):
        return math.isfinite(value)
    if type(value) is int:
        return value.bit_length() <= MAX_INT_BITS
    if isinstance(value, list | dict) and depth >= MAX_DEPTH:
        return False
    if isinstance(value, dict):
        return all(_sound(item, depth + 1) for item in value.values())
    return all(_sound(item, depth + 1) for item in value) if isinstance(value, list) else True


def check_result(value: Any) -> None:
    """Its text is strict JSON within all bounds, and says the same each time; or it is refused in words."""
    try:
        text = result_text(value)
    except TooLarge:
        return
    except Misfit:
        code, nothing, detail = answer_of(value)
        assert (code, nothing) == ("bad_output", None)
        parse(worker.frame(0, code, None, detail, 0.5)[4:], compiles=False, first=False)
        return
    assert len(text.encode()) <= MAX_VALUE
    read = loads(text)
    assert _sound(read)
    assert result_text(read) == text  # plain data stands for itself
    answer = parse(worker.frame(0, *answer_of(value), 0.5)[4:], compiles=False, first=False)
    assert answer.value == text


@QUICK
@given(RESULTS)
@example(["\ud800"])
@example({"a": [float("nan")]})
def test_whatever_a_function_returns(value: Any) -> None:
    check_result(value)


def check_text(text: str) -> None:
    """A program answers every text of arguments with a code of its own."""
    for name in ("f", "g"):
        code, value, detail = _program(name).call(text)
        assert code in ("", "argument_error", "bad_output", "output_too_large")
        parse(worker.frame(0, code, value, detail, 0.5)[4:], compiles=False, first=False)
        try:
            read = loads(text)
        except JsonProblem:
            assert code == "argument_error"
            continue
        if not code and name == "g":
            assert json.loads(value or "") == read


def _program(name: str) -> Inside:
    if name not in _programs:
        programs: dict[int, Inside] = {}
        worker.loaded(programs, "real", True, 0, code_of(name), None, None)
        _programs[name] = programs[0]
    return _programs[name]


_programs: dict[str, Inside] = {}


@QUICK
@given(ARGUMENTS)
@example('{"a": 1e400}')
@example('{"__class__": 1}')
@example("﻿{}")
def test_whatever_text_arguments_are(text: str) -> None:
    check_text(text)


CHECKS: dict[str, tuple[st.SearchStrategy[Any], Callable[..., None]]] = {
    "stream": (
        st.tuples(STREAMS, st.lists(st.integers(0, 40), max_size=4), st.booleans(), st.booleans()), check_stream
    ),
    "frame": (st.tuples(BODIES, st.booleans(), st.booleans()), check_body),
    "requests": (st.tuples(REQUESTS, st.just(LOADS)), check_requests),
    "argument": (st.tuples(st.sampled_from(ANNOTATIONS), GIVEN), check_argument),
    "result": (st.tuples(RESULTS), check_result),
    "text": (st.tuples(ARGUMENTS), check_text),
}  # fmt: skip
"""What `bench/fuzz.py` runs for longer."""
