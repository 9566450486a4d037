"""The pool in its modes: what is executed, kept, given again or made up, and what stands in the row."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from apigen_ray.config import parse_config
from apigen_ray.errors import EnvironmentFault, InputError
from apigen_ray.job.doctor import examine
from apigen_ray.job.sandbox import confinement
from apigen_ray.library.mcp import StdioServer, ToolForm
from apigen_ray.library.request import RequestForm, SecretForm
from apigen_ray.records import SAMPLE_HEAD, Api, Source, Status, status_fields
from apigen_ray.report.markdown import service_words, write_report
from apigen_ray.rundir import RunDir
from apigen_ray.runners.base import ExecutionSpec, Outcome, Task
from apigen_ray.runners.pool import RunnerPool, executable, runner_of
from apigen_ray.tables import table_of
from apigen_ray.verifiers import Setting
from apigen_ray.verifiers.execution import ExecutionVerifier, execute_candidates
from apigen_ray.verifiers.semantic_spec import SemanticSpec

MODULE = """
import itertools
_COUNT = itertools.count(1)
def add(a: int, b: int = 1) -> int:
    return a + b
def count(a: int) -> int:
    return a * 1000 + next(_COUNT)
"""
SCHEMA = pa.schema([*SAMPLE_HEAD, *ExecutionVerifier.columns, *status_fields("execution")])
REST = Source("openapi", "x.yaml", "GET /x", runner="rest", request="{}", server="https://x.example")
SEND = {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"], "additionalProperties": False}
SENT = {"type": "object", "properties": {"to": {"type": "string"}, "sent": {"const": True}}, "required": ["to", "sent"]}


@pytest.fixture
def apis(tmp_path: Path) -> dict[str, Api]:
    path = tmp_path / "sums.py"
    path.write_text(MODULE)
    found = [
        Api(name, name, {}, source=Source("python", str(path), name, "text", trust="trusted"))
        for name in ("add", "count")
    ]
    found.append(Api("send", "", SEND, returns=SENT, source=REST))
    found.append(Api("formless", "", {"type": "object"}, source=Source("dataset", "x.jsonl", "formless")))
    return {api.name: api for api in found}


def run(spec: ExecutionSpec, *tasks: Task) -> list[Outcome]:
    pool = RunnerPool(spec)
    try:
        return pool.run(tasks)
    finally:
        pool.close()


def rows(apis: dict[str, Api], *answers: list[tuple[str, Any]], **spec: Any) -> list[dict[str, Any]]:
    library = {api.api_id: api for api in apis.values()}
    table = [
        {
            "answers": json.dumps([{"name": name, "arguments": arguments} for name, arguments in calls]),
            "tools": json.dumps([api.tool() for api in apis.values()]),
            "api_ids": list(library),
            "mode": "query_first",
        }
        for calls in answers
    ]
    setting = Setting(library, ExecutionSpec(**spec), SemanticSpec())
    return ExecutionVerifier(setting).check(table_of(table, SCHEMA)).to_pylist()


def said(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["execution_status"], row["execution_code"], row["execution_mode"]


@pytest.mark.parametrize(
    ("mode", "kinds"),
    [
        ("live", ["python", "rest", ""]),
        ("record", ["python", "rest", ""]),
        ("replay", ["replay", "replay", ""]),
        ("simulate", ["python", "simulate", "simulate"]),
        ("none", ["", "", ""]),
    ],
)
def test_who_answers(apis: dict[str, Api], mode: Any, kinds: list[str]) -> None:
    some = [apis["add"], apis["send"], apis["formless"]]
    assert [runner_of(api, mode) for api in some] == kinds
    assert [executable(api, mode) for api in some] == [kind != "" for kind in kinds]
    client = Api("c", "", {}, source=Source("python", "acme.client", "c", runner="process"))
    assert runner_of(client, "simulate") == "simulate"  # it would reach out


def test_a_replay_is_what_was_recorded(apis: dict[str, Api], tmp_path: Path) -> None:
    kept = str(tmp_path / "kept")
    calls = [[("count", {"a": n})] for n in range(5)] + [[("add", {"a": 1}), ("add", {"b": 1})], [], [("nothing", {})]]
    recorded = rows(apis, *calls, mode="record", recordings=kept)
    (tmp_path / "sums.py").unlink()  # what was called is gone
    again = rows(apis, *calls, [("count", {"a": 9})], mode="replay", recordings=kept)
    for before, after in zip(recorded, again[:-1], strict=True):
        assert before | {"execution_mode": "replay"} == after
    assert {row["execution_mode"] for row in recorded} == {"record"}
    assert [row["execution_status"] for row in recorded] == [*["passed"] * 5, "rejected", "passed", "rejected"]
    assert said(again[-1]) == ("error", "not_recorded", "replay")


def test_simulated_calls_are_told_in_the_row(apis: dict[str, Api]) -> None:
    out = rows(
        apis,
        [("add", {"a": 1})],
        [("send", {"to": "Ada"})],
        [("add", {"a": 1}), ("send", {"to": "Bo"})],
        [("formless", {"x": 1})],
        [("send", {"whom": "Ada"})],
        [("nothing", {})],
        mode="simulate",
    )
    assert [said(row) for row in out] == [
        ("passed", "", "live"),
        ("passed", "", "simulate"),
        ("passed", "", "simulate"),
        ("passed", "", "simulate"),
        ("rejected", "argument_error", "simulate"),
        ("rejected", "unknown_function", "live"),
    ]
    assert json.loads(out[0]["results"]) == [{"status": "passed", "value": "2"}]
    done, made_up = json.loads(out[2]["results"])
    assert "simulated" not in done
    assert made_up == {"status": "passed", "value": '{"to":"Bo","sent":true}', "simulated": True}
    details = [row["execution_detail"] for row in out[:4]]
    assert details[0] == ""
    assert details[2] == "1 of 2 calls simulated: nothing was executed for them"
    assert "nothing is known" in json.loads(out[3]["results"])[0]["value"]


def test_planned_calls_that_were_simulated_stay_so(apis: dict[str, Api]) -> None:
    calls = [{"name": "send", "arguments": {"to": "Ada"}}]
    library = {api.api_id: api for api in apis.values()}
    setting = Setting(library, ExecutionSpec(mode="simulate"), SemanticSpec())
    candidates = json.dumps([{"calls": calls, "api_ids": [apis["send"].api_id]}])
    row = {"mode": "call_first", "candidates": candidates, "api_ids": [apis["send"].api_id]}
    planned = execute_candidates(table_of([row], SCHEMA), setting).to_pylist()[0]
    (out,) = ExecutionVerifier(setting).check(table_of([planned | {"answers": planned["planned"]}], SCHEMA)).to_pylist()
    assert said(out) == ("passed", "", "simulate")
    assert json.loads(out["results"])[0]["simulated"] is True


def test_what_cannot_be_recorded_is_tried_again(apis: dict[str, Api], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    spec = ExecutionSpec(mode="record", recordings=str(tmp_path / "file" / "below"))
    out = run(spec, Task(apis["add"], '{"a": 1}'), Task(apis["add"], "[]"))
    assert [(outcome.status, outcome.code) for outcome in out] == [(Status.ERROR, "runner_unavailable")] * 2
    assert "cannot be recorded" in out[0].detail


def test_recordings_are_needed_and_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for mode in ("record", "replay"):
        with pytest.raises(ValidationError, match=f"mode {mode} needs the folder"):
            ExecutionSpec(mode=mode)
    with pytest.raises(ValidationError, match="hf:// is only read"):
        ExecutionSpec(mode="record", recordings="hf://datasets/a/b")
    with pytest.raises(ValidationError, match="ftp:// is no store"):
        ExecutionSpec(mode="replay", recordings="ftp://a/b")
    monkeypatch.chdir(tmp_path)
    assert ExecutionSpec(recordings="kept").recordings == str(tmp_path / "kept")
    assert ExecutionSpec(recordings="s3://a/b").recordings == "s3://a/b"


def test_what_a_mode_means_for_the_identity_of_a_run(tmp_path: Path) -> None:
    live = ExecutionSpec()
    same = [
        ExecutionSpec(mode="record", recordings=str(tmp_path)),
        ExecutionSpec(mode="replay", recordings="s3://a/b"),
        ExecutionSpec(workers=2, rest={"requests_per_s": 1, "concurrency": 1, "max_retries": 0}),
    ]
    other = [
        ExecutionSpec(mode="simulate"),
        ExecutionSpec(mode="none"),
        ExecutionSpec(timeout_s=1),
        ExecutionSpec(rest={"methods": ("GET", "POST")}),
        ExecutionSpec(rest={"allow_hosts": ("10.0.0.1",)}),
    ]
    assert [spec.identity() == live.identity() for spec in same] == [True] * len(same)
    assert len({json.dumps(spec.identity(), sort_keys=True) for spec in (live, *other)}) == 1 + len(other)


def test_a_config_says_what_is_missing() -> None:
    config = {"name": "x", "library": [{"kind": "python", "path": "x.py"}], "generators": [{"engine": "scripted"}]}
    config |= {"stages": ["format", "execution"]}
    with pytest.raises(InputError, match=r"execution.*mode replay needs the folder"):
        parse_config(config | {"execution": {"mode": "replay"}})


def test_what_is_looked_at_before_a_run(apis: dict[str, Api], tmp_path: Path) -> None:
    library = [apis["send"]]
    kept = tmp_path / "deep" / "kept"
    with pytest.raises(InputError, match="there are no recordings"):
        confinement(ExecutionSpec(mode="replay", recordings=str(kept)), library)
    spec = ExecutionSpec(mode="record", recordings=str(kept))
    assert confinement(spec, library) == {"recordings": {"folder": str(kept)}}
    run(spec, Task(apis["add"], '{"a": 1}'))
    told = confinement(ExecutionSpec(mode="replay", recordings=str(kept)), apis.values())
    assert (told["recordings"]["folder"], told["recordings"]["files"], list(told)) == (str(kept), 1, ["recordings"])
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match="cannot be written"):
        confinement(ExecutionSpec(mode="record", recordings=str(tmp_path / "file" / "below")), library)


def test_what_is_called_elsewhere_is_told_and_finds_its_variables(
    apis: dict[str, Api], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = SecretForm("apiKey", "header", "X-Key", ("SHOP_KEY",))
    forms = [RequestForm("GET", "https://shop.example", f"/{n}", auth=(key,)).dumps() for n in range(2)]
    library = [Api("a", "", {}, source=replace(REST, request=form)) for form in forms]
    library.append(Api("x", "", {}, source=replace(REST, request="{}")))  # its calls say what is wrong with it
    tool = ToolForm(server=StdioServer(command=("x",)), tool="t").dumps()
    library.append(Api("t", "", {}, source=Source("mcp", "tools.json", "t", runner="mcp", request=tool)))
    monkeypatch.delenv("SHOP_KEY", raising=False)
    with pytest.raises(EnvironmentFault, match=r"calls to https://shop\.example need SHOP_KEY in the environment"):
        confinement(ExecutionSpec(), library)
    assert confinement(ExecutionSpec(mode="simulate"), library) == {}  # nobody is called
    monkeypatch.setenv("SHOP_KEY", "sk-1")
    shop, tools = confinement(ExecutionSpec(), library)["services"]
    assert shop == {"server": "https://shop.example", "functions": 2, "env": ["SHOP_KEY"]}
    assert tools == {"server": "tools.json", "functions": 1, "env": []}
    words = "https://shop.example: 2 functions of the library are called there, with credentials of SHOP_KEY"
    assert service_words(shop) == words
    run = RunDir(tmp_path / "run")
    run.update_manifest(kind="run", sandbox={"services": [shop]})
    assert f"- {words}" in write_report(run.path).read_text()


def test_the_doctor_looks_at_recordings(apis: dict[str, Api], tmp_path: Path) -> None:
    config = {"name": "x", "library": [{"kind": "python", "path": str(tmp_path / "sums.py")}]}
    config |= {"generators": [{"engine": "scripted"}], "stages": ["format", "execution"]}
    config |= {"execution": {"mode": "replay", "recordings": str(tmp_path)}}
    found = {check.subject: check for check in examine(parse_config(config))}
    assert not found["recordings"].ok
    assert "execution.mode: record" in found["recordings"].mend
    assert "not needed" in found["sandbox"].message
    run(ExecutionSpec(mode="record", recordings=str(tmp_path)), Task(apis["add"], '{"a": 1}'))
    found = {check.subject: check for check in examine(parse_config(config))}
    assert found["recordings"].ok
    assert "1 files in" in found["recordings"].message
