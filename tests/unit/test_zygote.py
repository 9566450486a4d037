"""Zygote and workers from outside: quick to replace, small, repeatable, nothing inherited, nothing left."""

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apigen_ray.records import Api, Source
from apigen_ray.runners.base import ExecutionSpec, Outcome, Task
from apigen_ray.runners.handle import Worker, Zygote
from apigen_ray.runners.programs import Program
from apigen_ray.runners.python import PythonRunner
from apigen_ray.runners.spawn import StartError

MODULE = """
import datetime, math, random
SEEN = []
def add(a: int, b: int = 1) -> int:
    return a + b
def draw(low: int, high: int) -> list[int]:
    return [random.randint(low, high) for _ in range(4)]
def remember(item: str) -> int:
    SEEN.append(item)
    return len(SEEN)
def now(a: int) -> str:
    return datetime.datetime.now().isoformat()
def letters(text: str) -> list[str]:
    return list(set(text.split()))
def spin(n: int) -> int:
    while True:
        n += 1
def hang(n: int) -> int:
    return len(str(10 ** 10 ** n))
def long(n: int) -> int:
    return sum(i * i % 7 for i in range(n))
def late(day: datetime.date) -> int:
    return day.year
"""
TRUSTED = """
import os, sys
def look(a: int) -> dict[str, object]:
    return {"environ": dict(os.environ), "path": sys.path, "argv": sys.argv[1:]}
def die(status: int) -> None:
    os._exit(status)
def fork(n: int) -> int:
    return os.fork()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    (folder / "plain.py").write_text(MODULE)
    (folder / "own.py").write_text(TRUSTED)
    return folder


def task(folder: Path, entry: str, arguments: Any, *, file: str = "plain.py", trust: str = "") -> Task:
    trust = trust or ("trusted" if file == "own.py" else "untrusted")
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return Task(Api(entry, "", {}, source=Source("python", str(folder / file), entry, trust=trust)), text)


@pytest.fixture(scope="module")
def runner() -> Iterator[PythonRunner]:
    runner = PythonRunner(ExecutionSpec(timeout_s=2))
    yield runner
    runner.close()


def child_of(runner: PythonRunner) -> int:
    """The one worker process of a runner."""
    zygote = runner._state.zygote
    assert zygote is not None
    process = zygote._process.pid
    until = time.monotonic() + 5
    while time.monotonic() < until:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        if len(children) == 1:  # one that was dismissed a moment ago may still be there
            return int(children[0])
        time.sleep(0.01)
    raise AssertionError(children)


def values(outcomes: list[Outcome]) -> list[Any]:
    return [json.loads(outcome.value) if outcome.value is not None else outcome for outcome in outcomes]


def test_a_worker_is_replaced_by_a_fork(runner: PythonRunner, folder: Path) -> None:
    """Nothing is started by exec, imported or compiled anew: that is what makes it a matter of milliseconds."""
    runner.run([task(folder, "add", {"a": 1})])
    zygote = runner._state.zygote
    assert zygote is not None
    old = child_of(runner)
    asked: list[str] = []
    put = Worker._put

    def told(self: Worker, number: int, program: Program, request: list[Any]) -> None:
        asked.append(request[0])
        put(self, number, program, request)

    os.kill(old, 9)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Worker, "_put", told)
        assert values(runner.run([task(folder, "add", {"a": 2})])) == [3]
    assert not Path(f"/proc/{old}").exists()
    assert runner._state.zygote is zygote
    assert "compile" not in asked
    assert asked[-2:] == ["load", "call"]


def test_a_worker_is_small(runner: PythonRunner, folder: Path) -> None:
    runner.run([task(folder, "add", {"a": 1})] * 100)
    text = Path(f"/proc/{child_of(runner)}/status").read_text()
    status = dict(line.split(":", 1) for line in text.splitlines())
    assert int(status["VmRSS"].split()[0]) <= 20 * 1024
    assert status["Threads"].strip() == "1"


@pytest.mark.parametrize("isolation", ["owner", "call"])
def test_the_same_call_draws_the_same_numbers(folder: Path, isolation: Any) -> None:
    """In another place of the batch, in another process, in another run."""
    asked = [task(folder, "draw", {"low": 1, "high": 10**6}), task(folder, "draw", {"low": 2, "high": 10**6})]
    words = task(folder, "letters", {"text": "one two three four five six seven"})
    found = []
    for calls in ([*asked, words], [*asked[::-1], words]):
        runner = PythonRunner(ExecutionSpec(isolation=isolation))
        first, second, order = values(runner.run(calls))
        runner.close()
        found.append([*sorted([first, second]), order])
    assert found[0] == found[1]
    assert found[0][0] != found[0][1]


def test_a_frozen_clock_stands(folder: Path) -> None:
    runner = PythonRunner(ExecutionSpec(clock="frozen"))
    (first,) = values(runner.run([task(folder, "now", {"a": 1})]))
    (second,) = values(runner.run([task(folder, "now", {"a": 1})]))
    runner.close()
    assert first == second
    assert first.startswith("2025-01-01T00:00:00")


@pytest.mark.parametrize("isolation", ["owner", "call"])
def test_isolation(folder: Path, isolation: Any) -> None:
    """Hostile calls among others, in either isolation: each its own code, all others right, globals always fresh."""
    runner = PythonRunner(ExecutionSpec(isolation=isolation, timeout_s=0.5, workers=2))
    calls: list[tuple[str, Any, str]] = [("remember", {"item": "x"}, "plain.py")] * 12
    calls[3] = ("spin", {"n": 1}, "plain.py")
    calls[5] = ("die", {"status": 3}, "own.py")
    calls[7] = ("hang", {"n": 9}, "plain.py")
    calls[9] = ("fork", {"n": 1}, "own.py")
    tasks = [task(folder, entry, arguments, file=file) for entry, arguments, file in calls]
    outcomes = runner.run(tasks)
    codes = [outcome.code for outcome in outcomes]
    assert [codes[3], codes[5], codes[9]] == ["timeout", "killed", "forbidden"]
    assert codes[7] in ("timeout", "memory")
    assert {outcome.value for i, outcome in enumerate(outcomes) if i not in (3, 5, 7, 9)} == {"1"}
    assert {outcome.code for outcome in runner.run([tasks[5], tasks[9]])} == {"quarantined"}
    assert runner.run([tasks[0]])[0].value == "1"
    runner.close()


def test_nothing_is_inherited(runner: PythonRunner, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "secret")
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    own = PythonRunner(ExecutionSpec())
    (seen,) = values(own.run([task(folder, "look", {"a": 1}, file="own.py")]))
    process = Path(f"/proc/{child_of(own)}")
    open_ = sorted(os.readlink(link).partition(":")[0] for link in (process / "fd").iterdir())
    started_with = (process / "environ").read_bytes()
    own.close()
    os.close(reading)
    os.close(writing)
    assert seen["environ"] == {}
    assert seen["path"] == seen["argv"] == []
    assert open_ == ["/dev/null"] * 3 + ["socket"]
    assert b"secret" not in started_with


def test_packages_of_the_user(tmp_path: Path) -> None:
    text = """
import numpy as np
def mean(values: list[float]) -> object:
    return np.array(values).mean()
def draw(count: int) -> object:
    return np.random.rand(count)
"""
    (tmp_path / "own.py").write_text(text)
    runner = PythonRunner(ExecutionSpec(preload=("numpy",)))
    calls = [
        task(tmp_path, entry, arguments, file="own.py", trust=trust)
        for trust in ("trusted", "untrusted")
        for entry, arguments in (("mean", {"values": [1, 2, 6]}), ("draw", {"count": 2}), ("draw", {"count": 2}))
    ]
    found = [outcome.value or outcome.detail for outcome in runner.run(calls)]
    runner.close()
    assert found[0] == found[3] == "3.0"
    assert found[1] == found[2] == found[4] == found[5]  # the same chance for the same call
    assert found[1].startswith("[0.")
    with pytest.raises(StartError, match="no_such_package"):
        Zygote(ExecutionSpec(preload=("no_such_package",)), frozenset())


def test_a_zygote_that_is_killed_is_replaced(folder: Path) -> None:
    runner = PythonRunner(ExecutionSpec())
    assert runner.run([task(folder, "add", {"a": 1})])[0].value == "2"
    assert runner._state.zygote is not None
    os.kill(runner._state.zygote._process.pid, 9)
    assert runner.run([task(folder, "add", {"a": 2})])[0].value == "3"
    runner.close()


def test_a_zygote_that_is_killed_in_the_middle_of_a_batch(folder: Path) -> None:
    runner = PythonRunner(ExecutionSpec(workers=2))
    good = task(folder, "add", {"a": 1})
    slow = task(folder, "long", {"n": 50_000})
    runner.run([good, slow])
    zygote = runner._state.zygote
    assert zygote is not None
    killer = threading.Timer(0.1, os.kill, (zygote._process.pid, 9))
    killer.start()
    outcomes = runner.run([slow, good] * 150)
    killer.join()
    assert zygote._process.wait(5) == -9
    assert {outcome.value for outcome in outcomes[1::2]} == {"2"}
    assert {outcome.code for outcome in outcomes} == {""}
    runner.close()


def test_no_more_workers_than_asked_for(folder: Path) -> None:
    runner = PythonRunner(ExecutionSpec(workers=2))
    for number in range(5):
        (folder / f"m{number}.py").write_text(MODULE)
    tasks = [task(folder, "add", {"a": i}, file=f"m{i % 5}.py") for i in range(100)]
    assert values(runner.run(tasks)) == [i + 1 for i in range(100)]
    assert len(runner._state.workers) <= 2
    runner.close()
