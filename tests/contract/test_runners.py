"""What every runner owes: one outcome for each task, in order, whatever the tasks are; every code known."""

import json
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from apigen_ray.library.mcp import StdioServer, ToolForm
from apigen_ray.library.request import FieldForm, RequestForm
from apigen_ray.records import Api, Source, Status
from apigen_ray.runners import pool
from apigen_ray.runners.base import CODES, ExecutionSpec, Outcome, Runner, Task, results_json
from apigen_ray.runners.pool import RUNNERS, RunnerPool, executable, shared_runner
from apigen_ray.runners.recordings import record
from apigen_ray.runners.rest.leases import LocalLeases

SERVER = """
import json, sys

for line in sys.stdin:
    request = json.loads(line)
    if "id" not in request:
        continue
    if request["method"] == "initialize":
        info = {"capabilities": {"tools": {}}, "serverInfo": {"name": "sums", "version": "1"}}
        said = {"result": {"protocolVersion": "2025-06-18"} | info}
    elif request["method"] == "tools/call":
        text = str(request["params"]["arguments"]["a"] + 1)
        said = {"result": {"content": [{"type": "text", "text": text}]}}
    else:
        said = {"error": {"code": -32601, "message": "unknown"}}
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"]} | said), flush=True)
"""
MODULE = "def add(a: int, b: int = 1) -> int:\n    return a + b\n"
PARAMETERS = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a"]}


@dataclass(frozen=True)
class Case:
    """A runner with an API that it can answer: ``add(a, b=1)``.

    Attributes:
        runner: of the kind under test.
        api: gives back the answer for ``{"a": 41}``.
        answer: 42, as this kind of runner says it.
    """

    runner: Runner
    api: Api
    answer: Any = 42


def _built(kind: str, **spec: Any) -> Runner:
    return RUNNERS[kind](ExecutionSpec(**spec), LocalLeases())


def _functions(folder: Path, kind: str, server: Any = None) -> Case:
    path = folder / "numbers_.py"
    path.write_text(MODULE)
    source = Source("python", str(path), "add", runner="process" if kind == "process" else "")
    runner = RunnerPool(ExecutionSpec(timeout_s=2)) if kind == "pool" else _built(kind, timeout_s=2)
    return Case(runner, Api("add", "", PARAMETERS, source=source))


def _served(folder: Path, kind: str, server: Any) -> Case:
    form = RequestForm("GET", f"http://127.0.0.1:{server.port}", "/add", (FieldForm("a", "a", "query"),))
    source = Source("openapi", "sums.yaml", "GET /add", runner=kind, request=form.dumps())
    answer = {"status": 200, "content_type": "application/json", "body": 42}
    return Case(_built(kind, rest={"allow_hosts": ("127.0.0.1",)}), Api("add", "", PARAMETERS, source=source), answer)


def _tool(folder: Path, kind: str, server: Any) -> Case:
    path = folder / "server.py"
    path.write_text(SERVER)
    form = ToolForm(server=StdioServer(command=(sys.executable, "-I", "-S", str(path))), tool="add")
    source = Source("mcp", "tools.json", "add", runner=kind, request=form.dumps())
    return Case(_built(kind, timeout_s=60), Api("add", "", PARAMETERS, source=source))


def _replayed(folder: Path, kind: str, server: Any) -> Case:
    api = Api("add", "", PARAMETERS, source=Source("python", "/gone.py", "add", "digest"))
    known = {'{"a": 1}': "2", '{"a": 41}': "42"}
    record(str(folder), [Task(api, text) for text in known], [Outcome(Status.PASSED, value=v) for v in known.values()])
    return Case(_built(kind, mode="replay", recordings=str(folder)), api)


def _simulated(folder: Path, kind: str, server: Any) -> Case:
    return Case(_built(kind, mode="simulate"), Api("add", "", PARAMETERS, returns={"const": 42}))


CASES: dict[str, Callable[[Path, str, Any], Case]] = {
    "pool": _functions,
    "python": _functions,
    "process": _functions,
    "rest": _served,
    "mcp": _tool,
    "replay": _replayed,
    "simulate": _simulated,
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, tmp_path: Path, http_server: Any, answer: Any) -> Iterator[Case]:
    http_server.serve = lambda came: answer.json(int(came.path.rpartition("=")[2]) + 1)
    case = CASES[request.param](tmp_path, request.param, http_server)
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
    assert json.loads(outcomes[-1].value or "") == case.answer


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
    assert first.value == again.value
    assert json.loads(again.value or "") == case.answer


def test_executable_is_what_has_a_runner() -> None:
    assert executable(Api("a", "", {}, source=Source("python", "x.py", "a")))
    assert not executable(Api("a", "", {}, source=Source("openapi", "x.yaml", "GET /a")))
    assert not executable(Api("a", "", {}))
    saved = Source("mcp", "tools.json", "a")
    assert not executable(Api("a", "", {}, source=saved))
    assert executable(Api("a", "", {}, source=replace(saved, request="{}")))


def test_one_shared_runner_for_each_spec() -> None:
    assert shared_runner(ExecutionSpec()) is shared_runner(ExecutionSpec())
    assert shared_runner(ExecutionSpec()) is not shared_runner(ExecutionSpec(timeout_s=1))


def test_shared_runners_are_bounded_and_what_falls_out_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_shared", OrderedDict())
    foreign = (-1, ExecutionSpec(), None)  # of the process that this one was forked from: not ours to close
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
