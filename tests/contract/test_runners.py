"""What every runner owes: one outcome for each task, in order, whatever the tasks are; every code known."""

import json
from collections import OrderedDict
from collections.abc import Callable, Iterator

import pytest

from apigen_ray.records import Api, Source, Status
from apigen_ray.runners import pool
from apigen_ray.runners.base import CODES, ExecutionSpec, Runner, Task, results_json
from apigen_ray.runners.pool import RUNNERS, RunnerPool, executable, shared_runner

MODULE = "def add(a: int, b: int = 1) -> int:\n    return a + b\n"

BUILDERS: dict[str, Callable[[ExecutionSpec], Runner]] = {**RUNNERS, "pool": RunnerPool}


@pytest.fixture(params=BUILDERS)
def runner(request: pytest.FixtureRequest) -> Iterator[Runner]:
    runner = BUILDERS[request.param](ExecutionSpec(timeout_s=2))
    assert runner.kind == request.param
    yield runner
    runner.close()


@pytest.fixture
def api(tmp_path_factory: pytest.TempPathFactory) -> Api:
    path = tmp_path_factory.mktemp("source") / "numbers_.py"
    path.write_text(MODULE)
    return Api("add", "", {}, source=Source("python", str(path), "add"))


def test_one_outcome_for_each_task_in_order(runner: Runner, api: Api) -> None:
    other = Api("x", "", {}, source=Source("openapi", "https://example.com", "GET /x"))
    gone = Api("gone", "", {}, source=Source("python", "/nowhere/gone.py", "gone"))
    arguments = ['{"a": 1}', "[]", "", '{"a": NaN}', '{"b": 1}', '{"a": "x"}', "\ud800"]
    tasks = [Task(api, text) for text in arguments] + [Task(Api("formless", "", {}), "{}"), Task(other, "{}")]
    tasks += [Task(gone, "{}"), Task(api, '{"a": 41}')]
    outcomes = runner.run(tasks)
    assert [outcome.code for outcome in outcomes] == [
        "",
        *["argument_error"] * 4,
        "exec_error",
        "argument_error",
        *["unknown_function"] * 2,
        "runner_unavailable",
        "",
    ]
    for outcome in outcomes:
        assert (outcome.status == Status.PASSED) == (outcome.code == "") == (outcome.value is not None)
        assert (outcome.status == Status.ERROR) == (outcome.code == "runner_unavailable")
        assert outcome.code in (*CODES, "")
        assert len(outcome.detail) <= 500
    assert json.loads(outcomes[-1].value or "") == 42
    json.dumps(results_json(outcomes), ensure_ascii=False).encode()


def test_nothing_to_run(runner: Runner) -> None:
    assert runner.run([]) == []


def test_closing_twice_is_harmless_and_a_closed_runner_starts_again(runner: Runner, api: Api) -> None:
    assert runner.run([Task(api, '{"a": 1}')])[0].value == "2"
    runner.close()
    runner.close()
    assert runner.run([Task(api, '{"a": 2}')])[0].value == "3"


def test_executable_is_what_has_a_runner() -> None:
    assert executable(Api("a", "", {}, source=Source("python", "x.py", "a")))
    assert not executable(Api("a", "", {}, source=Source("openapi", "x.yaml", "GET /a")))
    assert not executable(Api("a", "", {}))


def test_one_shared_runner_for_each_spec() -> None:
    assert shared_runner(ExecutionSpec()) is shared_runner(ExecutionSpec())
    assert shared_runner(ExecutionSpec()) is not shared_runner(ExecutionSpec(timeout_s=1))


def test_shared_runners_are_bounded_and_what_falls_out_is_closed(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
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
