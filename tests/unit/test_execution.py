"""The execution stage: verdicts of rows, kept results, candidates, and what is skipped and said to be."""

import json
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from apigen_ray.records import PLAN, SAMPLE_HEAD, Api, Source, status_fields
from apigen_ray.runners.base import ExecutionSpec, Outcome, Task
from apigen_ray.runners.pool import RunnerPool
from apigen_ray.tables import table_of
from apigen_ray.verifiers import execution
from apigen_ray.verifiers.execution import ExecutionVerifier, execute_candidates

MODULE = """
import os
def add(a: int, b: int = 1) -> int:
    return a + b
def divide(a: float, b: float) -> float:
    return a / b
def leave() -> None:
    os._exit(1)
"""
SCHEMA = pa.schema([*SAMPLE_HEAD, *ExecutionVerifier.columns, *status_fields("execution")])


class CountingPool(RunnerPool):
    """A real pool that writes down the batches it is given."""

    def __init__(self, spec: ExecutionSpec) -> None:
        super().__init__(spec)
        self.batches: list[list[str]] = []

    def run(self, tasks: Sequence[Task]) -> list[Outcome]:
        self.batches.append([f"{task.api.name}{task.arguments}" for task in tasks])
        return super().run(tasks)


@pytest.fixture(scope="module")
def _pool() -> Iterator[CountingPool]:
    pool = CountingPool(ExecutionSpec(timeout_s=2))
    yield pool
    pool.close()


@pytest.fixture
def pool(_pool: CountingPool, monkeypatch: pytest.MonkeyPatch) -> CountingPool:
    _pool.batches.clear()
    monkeypatch.setattr(execution, "shared_runner", lambda spec, leases: _pool)
    return _pool


@pytest.fixture(scope="module")
def apis(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Api]:
    path = tmp_path_factory.mktemp("source") / "sums.py"
    path.write_text(MODULE)
    found = [
        Api(name, name, {}, source=Source("python", str(path), name, trust="trusted"))
        for name in ("add", "divide", "leave")
    ]
    found.append(Api("gone", "gone", {}, source=Source("python", "/nowhere/gone.py", "gone")))
    found.append(Api("remote", "remote", {}, source=Source("openapi", "https://example.com", "GET /")))
    return {api.name: api for api in found}


def setting(apis: dict[str, Api], **spec: Any) -> Any:
    library = {api.api_id: api for api in apis.values()}
    return SimpleNamespace(apis=library, execution=ExecutionSpec(**spec), semantic=None, leases=None)


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


def sample(apis: dict[str, Api], *calls: Any, offered: Sequence[str] | None = None, **rest: Any) -> dict[str, Any]:
    names = list(apis) if offered is None else offered
    return {
        "answers": json.dumps(calls),
        "tools": json.dumps([apis[name].tool() for name in names]),
        "api_ids": [apis[name].api_id for name in names],
        "mode": "query_first",
    } | rest


def check(rows: Sequence[dict[str, Any]], setting: Any) -> list[dict[str, Any]]:
    table = table_of(rows, SCHEMA)
    out = ExecutionVerifier(setting).check(table)
    assert out.schema == SCHEMA
    assert out.select(SAMPLE_HEAD.names) == table.select(SAMPLE_HEAD.names)
    return out.to_pylist()


def verdict(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["execution_status"], row["execution_code"], row["execution_mode"]


def test_verdicts_of_a_batch(apis: dict[str, Api], pool: CountingPool) -> None:
    rows = [
        sample(apis, call("add", a=1)),
        sample(apis),  # irrelevance
        sample(apis, call("add", a=1), call("divide", a=1, b=0), call("leave")),
        sample(apis, call("leave")),
        sample(apis, call("gone")),
        sample(apis, call("add", a=1), call("add", c=1)),
        sample(apis, call("nothing")),
        sample(apis, call("remote")),
        sample(apis, call("add", a=1), call("remote")),
        sample(apis, call("remote"), call("divide", a=1, b=0)),
        sample(apis, call("add", a=2)),
    ]
    out = check(rows, setting(apis))
    assert [verdict(row) for row in out] == [
        ("passed", "", "live"),
        ("passed", "", "live"),
        ("rejected", "exec_error", "live"),
        ("rejected", "killed", "live"),
        ("error", "runner_unavailable", "live"),
        ("rejected", "argument_error", "live"),
        ("rejected", "unknown_function", "live"),
        ("skipped", "not_requested", "none"),
        ("skipped", "not_requested", "none"),
        ("rejected", "exec_error", "live"),
        ("passed", "", "live"),
    ]
    assert out[2]["execution_detail"] == "call 2 of 3, divide: ZeroDivisionError: float division by zero"
    assert out[0]["execution_detail"] == ""
    assert json.loads(out[0]["results"]) == [{"status": "passed", "value": "2"}]
    assert out[1]["results"] == "[]"
    assert [result["status"] for result in json.loads(out[2]["results"])] == ["passed", "rejected", "rejected"]
    assert json.loads(out[2]["results"])[2]["code"] == "killed"
    assert out[7]["results"] is None
    assert json.loads(out[8]["results"])[0] == {"status": "passed", "value": "2"}
    assert len(pool.batches) == 1  # one run for the whole table


def test_mode_none_executes_nothing(apis: dict[str, Api], pool: CountingPool) -> None:
    out = check([sample(apis, call("leave")), sample(apis)], setting(apis, mode="none"))
    assert [verdict(row) for row in out] == [("skipped", "not_requested", "none")] * 2
    assert {row["results"] for row in out} == {None}
    assert not pool.batches


@pytest.mark.parametrize(
    "answers",
    [None, "", "{", "{}", "[1]", '[{"name": "add"}]', '[{"name": 1, "arguments": {}}]', '[{"arguments": NaN}]'],
)
def test_answers_that_nobody_checked(apis: dict[str, Api], pool: CountingPool, answers: str | None) -> None:
    (row,) = check([sample(apis, answers=answers)], setting(apis))
    assert verdict(row) == ("rejected", "argument_error", "live")


@pytest.mark.usefixtures("pool")
def test_functions_are_found_through_the_tools(apis: dict[str, Api]) -> None:
    renamed = json.dumps([{"name": "plus", "parameters": {}}, {"name": "foreign", "parameters": {}}])
    rows = [
        sample(apis, call("plus", a=1), offered=["add"], tools=renamed),
        sample(apis, call("foreign"), offered=["add"], tools=renamed),
        sample(apis, call("plus", a=1), offered=[], tools=renamed),
        sample(apis, call("plus", a=1), tools=renamed, api_ids=None),
        sample(apis, call("divide", a=1, b=1), offered=["add"]),  # in the library, but not offered
        sample(apis, call("plus", a=1), offered=["add"], tools="{"),
    ]
    assert [verdict(row)[:2] for row in check(rows, setting(apis))] == [
        ("passed", ""),
        *[("skipped", "not_requested")] * 3,
        *[("rejected", "unknown_function")] * 2,
    ]


def test_planned_results_are_kept_only_for_the_very_calls(apis: dict[str, Api], pool: CountingPool) -> None:
    planned = json.dumps([call("add", a=1, b=2)])
    kept = json.dumps([{"status": "passed", "value": "99"}])
    plan = {"mode": "call_first", "planned": planned, "planned_results": kept}
    failed = json.dumps([{"status": "error", "value": None, "code": "runner_unavailable", "detail": "x"}])
    rejected = json.dumps([{"status": "rejected", "value": None, "code": "exec_error", "detail": "x"}])
    rows = [
        sample(apis, call("add", b=2, a=1), **plan),
        sample(apis, call("add", a=1, b=3), **plan),
        sample(apis, call("add", a=1.0, b=2), **plan),
        sample(apis, call("add", a=1, b=2), **plan | {"mode": "query_first"}),
        sample(apis, call("add", a=1, b=2), **plan | {"planned_results": failed}),
        sample(apis, call("add", a=1, b=2), **plan | {"planned_results": None}),
        sample(apis, call("add", a=1, b=2), **plan | {"planned_results": rejected}),
    ]
    out = check(rows, setting(apis))
    assert [json.loads(row["results"])[0]["value"] for row in out] == ["99", "4", "3", "3", "3", "3", None]
    assert verdict(out[-1]) == ("rejected", "exec_error", "live")
    assert [len(batch) for batch in pool.batches] == [5]


# --- candidates


def plan(apis: dict[str, Api], *candidates: Sequence[Any], **rest: Any) -> dict[str, Any]:
    found = [{"calls": list(calls), "api_ids": [apis[c["name"]].api_id for c in calls]} for calls in candidates]
    return {"prompt_id": "p", "mode": "call_first", "candidates": json.dumps(found)} | rest


def test_first_candidate_that_executes_is_taken(apis: dict[str, Api], pool: CountingPool) -> None:
    good, bad, dead = [call("add", a=1)], [call("add", a=1), call("divide", a=1, b=0)], [call("leave")]
    rows = [
        plan(apis, good, dead),
        plan(apis, bad, good),
        plan(apis, dead, bad),
        plan(apis, bad, dead, [call("add", a=5)]),
        plan(apis, []),
        plan(apis),
        {"prompt_id": "p", "mode": "query_first"},
        plan(apis, good, planned="[]", planned_results="[]"),
        plan(apis, [call("remote")], good),
    ]
    table = table_of(rows, PLAN)
    out = execute_candidates(table, setting(apis))
    assert out.schema == PLAN
    assert [text and json.loads(text) for text in out["planned"].to_pylist()] == [
        good,
        good,
        None,
        [call("add", a=5)],
        [],
        None,
        None,
        [],
        [call("remote")],
    ]
    results = [text and json.loads(text) for text in out["planned_results"].to_pylist()]
    assert [found and [one.get("code", one["value"]) for one in found] for found in results] == [
        ["2"],
        ["2"],
        ["killed"],
        ["6"],
        [],
        None,
        None,
        [],
        ["not_requested"],
    ]
    assert [len(batch) for batch in pool.batches] == [6, 4, 1]  # a batch for each turn, of the rows that are left
    assert out.drop_columns(["planned", "planned_results"]) == table.drop_columns(["planned", "planned_results"])


def test_candidates_without_execution(apis: dict[str, Api], pool: CountingPool) -> None:
    rows = [plan(apis, [call("leave")], [call("add", a=1)]), {"prompt_id": "p"}]
    out = execute_candidates(table_of(rows, PLAN), setting(apis, mode="none"))
    assert out["planned"].to_pylist() == ['[{"name":"leave","arguments":{}}]', None]
    assert out["planned_results"].to_pylist() == [None, None]
    assert not pool.batches


@pytest.mark.usefixtures("pool")
def test_what_was_planned_is_what_is_kept(apis: dict[str, Api]) -> None:
    """From plan to verdict: the candidate's outcome is the sample's."""
    planned = execute_candidates(table_of([plan(apis, [call("add", a=3)])], PLAN), setting(apis)).to_pylist()[0]
    (row,) = check([planned | {"answers": planned["planned"]}], setting({}))  # no library: nothing could be executed
    assert (verdict(row), row["results"]) == (("passed", "", "live"), planned["planned_results"])


@pytest.mark.parametrize(
    ("first", "wanted"),
    [
        ([call("add", a=1), call("divide", a=1, b=0)], ("rejected", "exec_error", "live")),
        ([call("leave"), call("divide", a=1, b=0)], ("rejected", "killed", "live")),
    ],
)
def test_where_no_candidate_executed_the_first_failure_is_told(
    apis: dict[str, Api], pool: CountingPool, first: list[Any], wanted: tuple[str, str, str]
) -> None:
    planned = execute_candidates(table_of([plan(apis, first, [call("leave")])], PLAN), setting(apis)).to_pylist()[0]
    assert planned["planned"] is None
    asked = len(pool.batches)
    (row,) = check([planned], setting(apis))
    assert (verdict(row), row["results"]) == (wanted, planned["planned_results"])
    assert row["execution_detail"].startswith(f"call {1 + (wanted[1] == 'exec_error')} of 2, ")
    assert len(pool.batches) == asked  # nothing is executed again


def test_where_the_runner_could_not_work_the_row_is_tried_again(apis: dict[str, Api]) -> None:
    failed = json.dumps([{"status": "error", "value": None, "code": "runner_unavailable", "detail": "x"}])
    (row,) = check([plan(apis, [call("add", a=1)], planned_results=failed)], setting(apis))
    assert verdict(row) == ("error", "runner_unavailable", "live")


@pytest.mark.parametrize(
    "spec",
    [
        {"mode": "dry"},
        {"mode": "record"},
        {"mode": "replay"},
        {"timeout_s": 0},
        {"timeout": 5},
        {"workers": 0},
        {"memory_mb": 1},
    ],
)
def test_spec_refuses(spec: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ExecutionSpec(**spec)


def test_shared_runner_is_used_by_default(apis: dict[str, Api]) -> None:
    assert verdict(check([sample(apis, call("add", a=1))], setting(apis))[0])[0] == "passed"
    execution.shared_runner(ExecutionSpec()).close()
