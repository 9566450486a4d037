"""What every runner owes: one outcome for each task, in order, whatever the tasks are; every code known."""

import json
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from apigen_ray.records import Api, Source, Status
from apigen_ray.runners import pool
from apigen_ray.runners.base import CODES, ExecutionSpec, Outcome, Runner, Task, results_json
from apigen_ray.runners.pool import RUNNERS, RunnerPool, executable, shared_runner
from apigen_ray.runners.recordings import record

MODULE = "def add(a: int, b: int = 1) -> int:\n    return a + b\n"
PARAMETERS = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a"]}


@dataclass(frozen=True)
class Case:
    """A runner with an API that it can answer: ``add(a, b=1)``.

    Attributes:
        runner: of the kind under test.
        api: gives back 42 for ``{"a": 41}``.
    """

    runner: Runner
    api: Api


def _functions(folder: Path, kind: str) -> Case:
    path = folder / "numbers_.py"
    path.write_text(MODULE)
    source = Source("python", str(path), "add", runner="process" if kind == "process" else "")
    spec = ExecutionSpec(timeout_s=2)
    runner = RunnerPool(spec) if kind == "pool" else RUNNERS[kind](spec)
    return Case(runner, Api("add", "", PARAMETERS, source=source))


def _replayed(folder: Path, kind: str) -> Case:
    api = Api("add", "", PARAMETERS, source=Source("python", "/gone.py", "add", "digest"))
    known = {'{"a": 1}': "2", '{"a": 2}': "3", '{"a": 41}': "42"}
    record(str(folder), [Task(api, text) for text in known], [Outcome(Status.PASSED, value=v) for v in known.values()])
    return Case(RUNNERS[kind](ExecutionSpec(mode="replay", recordings=str(folder))), api)


def _simulated(folder: Path, kind: str) -> Case:
    return Case(RUNNERS[kind](ExecutionSpec(mode="simulate")), Api("add", "", PARAMETERS, returns={"const": 42}))


CASES: dict[str, Callable[[Path, str], Case]] = {
    "pool": _functions,
    "python": _functions,
    "process": _functions,
    "replay": _replayed,
    "simulate": _simulated,
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    case = CASES[request.param](tmp_path, request.param)
    assert case.runner.kind == request.param
    yield case
    case.runner.close()


@pytest.fixture(params=["pool", "python", "process"])
def functions(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    case = _functions(tmp_path, request.param)
    yield case
    case.runner.close()


def test_every_runner_is_tried() -> None:
    assert set(CASES) == {*RUNNERS, "pool"}


def test_one_outcome_for_each_task_in_order(case: Case) -> None:
    arguments = ['{"a": 1}', "[]", "", '{"a": NaN}', '{"a": 1, "a": 2}', '{"a": "\ud800"}', "\ud800", '{"a": 41}']
    outcomes = case.runner.run([Task(case.api, text) for text in arguments])
    assert [outcome.code for outcome in outcomes] == ["", *["argument_error"] * 6, ""]
    _keeps_the_contract(outcomes)
    assert json.loads(outcomes[-1].value or "") == 42


def test_functions_that_are_not_there_and_arguments_that_do_not_bind(functions: Case) -> None:
    other = Api("x", "", {}, source=Source("openapi", "https://example.com", "GET /x"))
    gone = Api("gone", "", {}, source=Source("python", "/nowhere/gone.py", "gone"))
    tasks = [Task(functions.api, text) for text in ('{"a": 1}', '{"b": 1}', '{"a": "x"}')]
    tasks += [
        Task(Api("formless", "", {}), "{}"),
        Task(other, "{}"),
        Task(gone, "{}"),
        Task(functions.api, '{"a": 41}'),
    ]
    outcomes = functions.runner.run(tasks)
    codes = ["", "argument_error", "exec_error", *["unknown_function"] * 2, "runner_unavailable", ""]
    assert [outcome.code for outcome in outcomes] == codes
    _keeps_the_contract(outcomes)


def _keeps_the_contract(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        assert (outcome.status == Status.PASSED) == (outcome.code == "") == (outcome.value is not None)
        assert (outcome.status == Status.ERROR) == (outcome.code in ("runner_unavailable", "not_recorded"))
        assert outcome.code in (*CODES, "")
        assert len(outcome.detail) <= 500
        assert Outcome.of(outcome.form()) == Outcome(
            outcome.status, outcome.code, outcome.value, outcome.detail, simulated=outcome.simulated
        )
    json.dumps(results_json(outcomes), ensure_ascii=False).encode()


def test_nothing_to_run(case: Case) -> None:
    assert case.runner.run([]) == []


def test_closing_twice_is_harmless_and_a_closed_runner_starts_again(case: Case) -> None:
    first = case.runner.run([Task(case.api, '{"a": 41}')])[0]
    case.runner.close()
    case.runner.close()
    again = case.runner.run([Task(case.api, '{"a": 41}')])[0]
    assert first.value == again.value == "42"


def test_executable_is_what_has_a_runner() -> None:
    assert executable(Api("a", "", {}, source=Source("python", "x.py", "a")))
    assert not executable(Api("a", "", {}, source=Source("openapi", "x.yaml", "GET /a")))
    assert not executable(Api("a", "", {}))


def test_one_shared_runner_for_each_spec() -> None:
    assert shared_runner(ExecutionSpec()) is shared_runner(ExecutionSpec())
    assert shared_runner(ExecutionSpec()) is not shared_runner(ExecutionSpec(timeout_s=1))


def test_shared_runners_are_bounded_and_what_falls_out_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_shared", OrderedDict())
    foreign = (-1, ExecutionSpec())  # of the process that this one was forked from: not ours to close
    pool._shared[foreign] = RunnerPool(ExecutionSpec())
    closed: list[RunnerPool] = []
    monkeypatch.setattr(RunnerPool, "close", lambda each: closed.append(each))
    pools = [shared_runner(ExecutionSpec(timeout_s=1 + i)) for i in range(pool.MAX_SHARED)]
    assert foreign not in pool._shared
    assert not closed
    assert shared_runner(ExecutionSpec(timeout_s=1)) is pools[0]  # used again, so it is not the oldest any more
    shared_runner(ExecutionSpec(timeout_s=100))
    assert closed == [pools[1]]
    assert len(pool._shared) == pool.MAX_SHARED
    assert shared_runner(ExecutionSpec(timeout_s=1)) is pools[0]
