"""The sandbox against plain Python: calls per CPU-second, what each part of it costs, restarts, memory, hostile calls.

Run: ``python bench/sandbox.py [--pairs 7] [--quick]``. The mix is the first twenty functions of
`sandbox_functions`. Plain Python is in this process: JSON text read, function called, result written as JSON. The sides
take turns; a rate counts the CPU time of every process, this one included, and a ratio is that of two neighbours.

The steps between: *codecs* adds strict JSON, arguments converted as annotated, and results looked through; *language*
compiles each function by the language layer, opened once; *globals* opens it anew for every call; *frames* adds what a
worker does around a call, without sockets; *processes* is the runner with zygote and workers and without walls;
*sandbox* is that with all layers; *call* forks a process for each.

Hostile calls: one in a hundred, of kinds by turns of chance: loops in Python and in C, memory asked for at once and
filled bit by bit, exits, segfaults. One worker, so that nothing goes on beside a call. The same calls without the
hostile ones, by the clock, are the measure. Of the seconds with hostile ones, those are subtracted that were spent
waiting for the time limit: for each try of a call that ended in ``timeout``, from its beginning until it was ended (the
soft limit counts CPU time, so on a busy machine this is more than the limit). Told apart are the seconds of calls that
took all the memory that they may have: that limit, too, is the user's, and a call is as long on its way there.
"""

import argparse
import datetime
import inspect
import itertools
import json
import random
import select
import signal
import statistics
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil
import sandbox_functions

from apigen_ray.records import Api, Source, Status
from apigen_ray.runners.base import ExecutionSpec, Outcome, Task
from apigen_ray.runners.batch import Batch
from apigen_ray.runners.handle import Worker, Zygote
from apigen_ray.runners.programs import Answer, BrokenError, Program
from apigen_ray.runners.python import PythonRunner
from apigen_ray.runners.sandbox import language, worker
from apigen_ray.runners.sandbox.frames import framed
from apigen_ray.runners.sandbox.program import Program as Inside
from apigen_ray.runners.sandbox.walls import LAYERS

FILE = Path(sandbox_functions.__file__)
MIX: dict[str, str] = {
    "add": '{"a":17,"b":25}',
    "convert_length": '{"value":12.5,"source":"ft","target":"m"}',
    "monthly_payment": '{"principal":250000,"yearly_rate":0.039,"months":360}',
    "days_between": '{"start":"2024-02-27","end":"2025-03-01"}',
    "next_weekday": '{"day":"2025-06-11","weekday":4}',
    "word_counts": '{"text":"The cat saw the other cat, and the other cat saw it.","most":2}',
    "slug": '{"title":"Ten thousand calls, one second!"}',
    "is_palindrome": '{"text":"A man, a plan, a canal: Panama"}',
    "greatest_common_divisor": '{"a":123456,"b":7890}',
    "is_prime": '{"number":7919}',
    "summary": '{"values":[3.5,1.25,8,2.75,9.5]}',
    "distance_km": '{"latitude":52.52,"longitude":13.405,"to_latitude":48.8566,"to_longitude":2.3522}',
    "luhn_valid": '{"number":"4539 1488 0343 6467"}',
    "total_price": '{"prices":[19.99,"5.01",100]}',
    "transpose": '{"rows":[[1,2,3],[4,5,6]]}',
    "group_by_length": '{"words":["one","two","three","four","five"]}',
    "roman": '{"number":1994}',
    "celsius": '{"fahrenheit":98.6}',
    "merge": '{"defaults":{"a":1,"b":2},"changes":{"b":3}}',
    "search_products": '{"products":[{"name":"Blue lamp","price":20},{"name":"Lamp","price":9}],"name":"lamp"}',
}
HOSTILE = {
    "untrusted": ["spin", "spin_in_c", "ask", "hoard", "leave", "crash"],
    "trusted": ["spin", "spin_in_c", "ask", "hoard", "leave_at_once", "fault"],
}
CODES = {"ask": "memory", "hoard": "memory", "leave": "exec_error", "crash": "killed"} | dict.fromkeys(
    ["leave_at_once", "fault"], "killed"
)
"""What becomes of hostile calls; ``timeout`` of loops, and on a busy machine of others."""
LIMIT_S, MEMORY_MB = 0.5, 256

_day = datetime.date.fromisoformat
CONVERT: dict[str, dict[str, Callable[[Any], Any]]] = {
    "convert_length": {"source": sandbox_functions.Unit, "target": sandbox_functions.Unit},
    "days_between": {"start": _day, "end": _day},
    "next_weekday": {"day": _day},
    "total_price": {"prices": lambda prices: [Decimal(str(price)) for price in prices]},
}
"""What a plain caller, who knows the functions, does with arguments that JSON has no values for."""

Rates = dict[str, list[float]]


# Sides: each gives calls per CPU-second


def plain_call(name: str, arguments: str) -> str:
    values = json.loads(arguments)
    for parameter, convert in CONVERT.get(name, {}).items():
        values[parameter] = convert(values[parameter])
    return json.dumps(getattr(sandbox_functions, name)(**values), default=str)


def in_process(call: Callable[[str, str], object], calls: int) -> float:
    started = time.process_time()
    for _ in range(calls // len(MIX)):
        for name, arguments in MIX.items():
            call(name, arguments)
    return calls / (time.process_time() - started)


class Fixed:
    """An opener's answer that is the same for every call."""

    def __init__(self, opened: Any) -> None:
        self.function = opened.function
        self.hints = opened.hints


def compiled(name: str) -> language.Compiled:
    found = language.compile_entry({FILE.stem: FILE.read_text()}, FILE.stem, name)
    assert isinstance(found, language.Compiled), found
    return language.Compiled.from_bytes(found.to_bytes())


class Plain:
    """A function of this process, as an opener gives it."""

    def __init__(self, name: str) -> None:
        self.function = getattr(sandbox_functions, name)
        self.hints = inspect.get_annotations(self.function)


def steps() -> dict[str, Callable[[int], float]]:
    """What a worker does, in this process and without walls, up to a step."""
    programs = {name: compiled(name) for name in MIX}
    plain = {name: Plain(name) for name in MIX}
    once = {name: Fixed(program.open("real")) for name, program in programs.items()}

    def codecs(name: str) -> Inside:
        return Inside(lambda typed: plain[name], None)

    def layer(name: str) -> Inside:
        return Inside(lambda typed: once[name], None)

    def fresh(name: str) -> Inside:
        return Inside(lambda typed: programs[name].open("real"), None)

    def side(made: Callable[[str], Inside]) -> Callable[[int], float]:
        table = {name: made(name) for name in MIX}
        for name, arguments in MIX.items():
            table[name].trial()
            assert json.loads(table[name].call(arguments)[1] or "") == json.loads(plain_call(name, arguments))
        return lambda calls: in_process(lambda name, arguments: table[name].call(arguments), calls)

    return {"codecs": side(codecs), "language": side(layer), "globals": side(fresh), "frames": frames}


def frames(calls: int) -> float:
    """The loop of a worker, fed from memory."""
    encode = json.JSONEncoder(separators=(",", ":")).encode
    loads: list[Any] = [
        ["load", True, key, worker.base64.b64encode(compiled(name).to_bytes()).decode(), None, None]
        for key, name in enumerate(MIX)
    ]
    one = [["call", number, number, arguments] for number, arguments in enumerate(MIX.values())]
    batch = encode([one[number % len(MIX)] for number in range(32)])
    chunks = iter([framed(encode(loads)), *[framed(batch)] * (calls // 32)])
    begun: list[float] = []

    def receive() -> bytes:
        begun.append(time.process_time())
        return next(chunks, b"")

    clock = worker.Clock(60.0, 60.0)
    clock.install()
    worker.serve(receive, lambda data: None, clock, "real")
    took = begun[-1] - begun[1]  # from when the functions are loaded
    signal.setitimer(signal.ITIMER_PROF, 0)
    return calls // 32 * 32 / took


def cpu_seconds(runner: PythonRunner) -> float:
    """CPU time of this process, the runner's zygote and all its workers, dead ones included."""
    total = time.process_time()
    zygote = psutil.Process(_zygote(runner))
    for process in (zygote, *zygote.children()):
        total += sum(process.cpu_times())  # a Linux process counts the children that it has waited for
    return total


def _zygote(runner: PythonRunner) -> int:
    assert runner._state.zygote is not None
    return runner._state.zygote._process.pid


def task(name: str, arguments: str, trust: str = "untrusted") -> Task:
    return Task(Api(name, "", {}, source=Source("python", str(FILE), name, trust=trust)), arguments)


def right(outcomes: Sequence[Outcome], tasks: Sequence[Task]) -> None:
    expected = {name: json.loads(plain_call(name, arguments)) for name, arguments in MIX.items()}
    for outcome, each in zip(outcomes, tasks, strict=True):
        assert outcome.status == Status.PASSED, outcome
        assert json.loads(outcome.value or "") == expected[each.api.name]


def through(runner: PythonRunner, calls: int, batch: int = 2000) -> float:
    tasks = [task(name, arguments) for name, arguments in MIX.items()] * (calls // len(MIX))
    right(runner.run(tasks[: len(MIX)]), tasks[: len(MIX)])  # compiled, and the worker is warm
    before = cpu_seconds(runner)
    found = [runner.run(tasks[start : start + batch]) for start in range(0, len(tasks), batch)]
    took = cpu_seconds(runner) - before
    right([outcome for part in found for outcome in part], tasks)
    return len(tasks) / took


# Restarts, memory, hostile calls


def restarts(runner: PythonRunner, count: int) -> list[float]:
    """Milliseconds from the killing of a worker until the next one has answered a call."""
    name, arguments = next(iter(MIX.items()))
    runner.run([task(name, arguments)])
    state = runner._state
    program = state.program(task(name, arguments))
    assert isinstance(program, Program)
    zygote, taken = state.fork_from(), []
    old = _started(zygote, program, arguments)
    for _ in range(count):
        started = time.perf_counter()
        old.dismiss()
        old = _started(zygote, program, arguments)
        taken.append((time.perf_counter() - started) * 1000)
    old.dismiss()
    return taken


def _started(zygote: Zygote, program: Program, arguments: str) -> Worker:
    worker = Worker(zygote, program.owner, alone=False)
    worker.give(0, program, arguments)
    worker.send()
    while True:
        select.select([worker.socket], [], [])
        for answer in worker.receive():
            worker.ready = True
            if answer.number == 0:
                assert not answer.code, answer
                return worker


def memory(runner: PythonRunner) -> str:
    """What a worker takes after one call, and after some to every function of the mix."""
    told = []
    name, arguments = next(iter(MIX.items()))
    for calls in (1, 10 * len(MIX)):
        if calls == 1:
            runner.close()  # what follows is the first call of a new worker
            runner.run([task(name, arguments)])
        else:
            through(runner, calls)
        (process,) = psutil.Process(_zygote(runner)).children()
        found = process.memory_full_info()
        sizes = f"RSS {found.rss / 2**20:.1f} MiB, PSS {found.pss / 2**20:.1f} MiB, private {found.uss / 2**20:.1f} MiB"
        told.append(f"{sizes} after {calls} calls")
    return "; ".join(told)


class Waited:
    """Counts the seconds that calls were left to run into a limit, try by try."""

    def __init__(self) -> None:
        self.seconds = {"timeout": 0.0, "memory": 0.0}

    def __enter__(self) -> "Waited":
        self._methods = take, give_up = Batch._take, Batch._break

        def taken(batch: Batch, worker: Worker, answer: Answer) -> None:
            if answer.code in self.seconds:
                self.seconds[answer.code] += answer.seconds
            take(batch, worker, answer)

        def given_up(batch: Batch, worker: Worker, broken: BrokenError) -> None:
            if broken.code == "timeout":
                self.seconds["timeout"] += time.monotonic() - worker.since
            give_up(batch, worker, broken)

        Batch._take, Batch._break = taken, given_up  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        Batch._take, Batch._break = self._methods  # type: ignore[method-assign]


def among_hostile(trust: str, calls: int, share: float, seed: int) -> tuple[float, float, float]:
    """Seconds for calls of which a share is hostile; how many of them time limits took, and the filling of memory."""
    rng = random.Random(seed)
    names = list(MIX)
    kinds = [rng.choice(HOSTILE[trust]) if rng.random() < share else "" for _ in range(calls)]
    tasks = [
        task(kind, f'{{"number":{rng.randint(2, 99)}}}', trust) if kind else task(name, MIX[name], trust)
        for kind, name in zip(kinds, itertools.cycle(names))
    ]
    runner = PythonRunner(ExecutionSpec(timeout_s=LIMIT_S, memory_mb=MEMORY_MB))
    runner.run([task(name, MIX[name], trust) for name in names])
    with Waited() as waited:
        started = time.monotonic()
        found = [outcome for start in range(0, calls, 2000) for outcome in runner.run(tasks[start : start + 2000])]
        took = time.monotonic() - started
    runner.close()
    for kind, outcome in zip(kinds, found, strict=True):
        if kind:
            assert outcome.code in (CODES.get(kind), "timeout"), (kind, outcome)
    ordinary = [number for number, kind in enumerate(kinds) if not kind]
    right([found[number] for number in ordinary], [tasks[number] for number in ordinary])
    return took, waited.seconds["timeout"], waited.seconds["memory"]


def interval(values: Sequence[float], digits: int = 0) -> str:
    """Median, and the order statistics that hold it with about 95 % (all of them for fewer than nine)."""
    values = sorted(values)
    cut = max(0, int(len(values) / 2 - 0.98 * len(values) ** 0.5))
    return f"{statistics.median(values):,.{digits}f} [{values[cut]:,.{digits}f}, {values[-1 - cut]:,.{digits}f}]"


def rates(options: argparse.Namespace) -> None:
    """The sides by turns, plain Python before each of them."""
    weak = PythonRunner(ExecutionSpec(allow_weak=True), frozenset(LAYERS))
    full, forking = PythonRunner(ExecutionSpec()), PythonRunner(ExecutionSpec(isolation="call"))
    language.preload()
    sides = steps() | {
        "processes": lambda calls: through(weak, calls),
        "sandbox": lambda calls: through(full, calls),
        "call": lambda calls: through(forking, max(len(MIX), calls // 50)),
    }
    found: Rates = {"plain": []} | {name: [] for name in sides}
    ratios: Rates = {name: [] for name in sides}
    for pair in range(options.pairs):
        for name, side in sides.items():
            plain = in_process(plain_call, options.calls)
            rate = side(options.calls)
            found["plain"].append(plain)
            found[name].append(rate)
            ratios[name].append(plain / rate)
        told = ", ".join(f"{name} {values[-1]:,.0f}" for name, values in found.items())
        print(f"  pair {pair + 1}: {told} calls per CPU-second", flush=True)
    print(f"plain Python: {interval(found['plain'])} calls per CPU-second")
    before = 1e6 / statistics.median(found["plain"])
    for name in sides:
        each = 1e6 / statistics.median(found[name])
        more = "" if name == "call" else f", {each - before:+.1f} us a call"
        before = each
        print(f"{name}: {interval(found[name])}; plain is {interval(ratios[name], 1)} times that{more}")
    print(f"a killed worker is replaced in {interval(restarts(full, options.restarts), 1)} ms")
    print(f"a worker takes {memory(full)}")
    for runner in (weak, full, forking):
        runner.close()


def hostile(options: argparse.Namespace) -> None:
    for trust, kinds in HOSTILE.items():
        ratios, beside = [], []
        for pair in range(options.hostile_pairs):
            none, _, _ = among_hostile(trust, options.hostile_calls, 0.0, pair)
            some, limits, filling = among_hostile(trust, options.hostile_calls, 0.01, pair)
            ratios.append((some - limits) / none)
            beside.append((some - limits - filling) / none)
            waited = f"{limits:.1f} s of these time limits, {filling:.1f} s filling memory"
            print(f"  {trust}: {none:.1f} s without, {some:.1f} s with, {waited}", flush=True)
        told = f"{options.hostile_calls:,} calls, 1 % hostile ({', '.join(kinds)})"
        print(f"{trust}, {told}: {interval(ratios, 2)} times as long beside the time limits")
        print(f"{trust}: {interval(beside, 2)} times as long beside filling memory up to its limit, too")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--calls", type=int, default=20_000, help="for each side in each pair")
    parser.add_argument("--restarts", type=int, default=101)
    parser.add_argument("--hostile-pairs", type=int, default=2)
    parser.add_argument("--hostile-calls", type=int, default=40_000)
    parser.add_argument("--only", choices=("rates", "hostile", "all"), default="all")
    parser.add_argument("--quick", action="store_true", help="a small form: a minute")
    options = parser.parse_args()
    if options.quick:
        options.pairs, options.calls, options.restarts = 1, 4000, 11
        options.hostile_pairs, options.hostile_calls = 1, 2000
    if options.only != "hostile":
        rates(options)
    if options.only != "rates":
        hostile(options)


if __name__ == "__main__":
    main()
