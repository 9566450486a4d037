"""A run whose calls are recorded, the same run replayed while nobody answers, and one whose calls are made up."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from apigen_ray.config import RunConfig, parse_config
from apigen_ray.job.loop import run
from apigen_ray.rundir import RunDir

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_session")]

SIZE = 36
FUNCTIONS = '''
def double(number: int) -> int:
    """Double a whole number.

    Args:
        number: Any whole number.
    """
    return 2 * number
'''
CITY = {"type": "string", "enum": ["Oslo", "Rome", "Lima", "Cairo", "Quito", "Hanoi"]}
WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
    "required": ["city", "degrees"],
}


def document(port: int) -> dict[str, Any]:
    """An OpenAPI document of two operations on loopback."""
    answer = {"200": {"description": "ok", "content": {"application/json": {"schema": WEATHER}}}}
    days = {"type": "integer", "minimum": 1, "maximum": 9}
    paths = {
        path: {
            "get": {
                "operationId": path.strip("/"),
                "summary": f"Tell the {path.strip('/')} of a city.",
                "parameters": [
                    {"name": "city", "in": "query", "required": True, "schema": CITY},
                    {"name": "days", "in": "query", "required": True, "schema": days},
                ],
                "responses": answer,
            }
        }
        for path in ("/weather", "/forecast")
    }
    return {
        "openapi": "3.0.3",
        "info": {"title": "weather", "version": "1"},
        "servers": [{"url": f"http://127.0.0.1:{port}"}],
        "paths": paths,
        "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "query", "name": "access_key"}}},
        "security": [{"key": []}],
    }


def config(folder: Path, name: str, **execution: Any) -> RunConfig:
    operations = {"kind": "openapi", "path": str(folder / "api.yaml"), "auth": {"key": "AWS_SECRET_ACCESS_KEY"}}
    library = [operations, {"kind": "python", "path": str(folder / "f.py")}]
    value = {
        "name": name,
        "size": SIZE,
        "library": library,
        "sampling": {"mode": "call_first", "styles": {"simple": 1, "multiple": 1}},
        "generators": [{"name": "one", "engine": "scripted"}],
        "stages": ["format", "execution"],
        "output": {"dir": str(folder)},
        "execution": {
            "timeout_s": 5,
            "recordings": str(folder / "kept"),
            "rest": {"allow_hosts": ["127.0.0.1"], "concurrency": 1, "requests_per_s": None},
            **execution,
        },
    }
    return parse_config(value)


def rows(directory: RunDir) -> dict[str, dict[str, Any]]:
    found = [row for table in directory.read() for row in table.to_pylist()]
    return {row["sample_id"]: row for row in found}


def test_record_replay_and_simulate(tmp_path: Path, http_server: Any, answer: Any, said: Callable[[Any], str]) -> None:
    (tmp_path / "api.yaml").write_text(yaml.safe_dump(document(http_server.port)))
    (tmp_path / "f.py").write_text(FUNCTIONS)
    number = itertools.count()  # no answer comes twice
    http_server.serve = lambda came: answer.json({"n": next(number), "path": came.path}, delay=0.01)

    recorded = run(config(tmp_path, "recorded", mode="record"))
    before = rows(recorded.run)
    assert recorded.summary.total("verified") == len(before) == SIZE
    asked = len(http_server.came)
    assert asked > 0
    assert http_server.most == 1  # of all workers together
    assert {row["execution_mode"] for row in before.values()} == {"record"}
    assert "recordings" in recorded.run.manifest()["sandbox"]

    http_server.serve = lambda came: answer(drop=True)
    replayed = run(config(tmp_path, "replayed", mode="replay"))
    after = rows(replayed.run)
    assert len(http_server.came) == asked  # nobody was asked
    assert all("access_key=no-file-holds-this" in came.path for came in http_server.came)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert not [file for file in files if "no-file-holds-this" in said(file)]
    assert any("access_key=***" in row["results"] for row in before.values())
    assert recorded.run.manifest()["fingerprint"] == replayed.run.manifest()["fingerprint"]
    twice = _answered_twice(before)
    assert {name: _told(row) for name, row in after.items() if name not in twice} == {
        name: _told(row) for name, row in before.items() if name not in twice
    }
    assert len(twice) < SIZE
    assert {row["execution_mode"] for row in after.values()} == {"replay"}
    assert replayed.summary.total("verified") == SIZE

    simulated = run(config(tmp_path, "simulated", mode="simulate"))
    assert len(http_server.came) == asked
    by_mode = {mode: [row for row in rows(simulated.run).values() if row["execution_mode"] == mode] for mode in MODES}
    assert len(by_mode["simulate"]) + len(by_mode["live"]) == SIZE
    for row in by_mode["simulate"]:
        (outcome,) = json.loads(row["results"])
        (call,) = json.loads(row["answers"])
        assert outcome["simulated"]
        assert json.loads(outcome["value"])["city"] == call["arguments"]["city"]
    assert by_mode["live"]
    assert {json.loads(row["answers"])[0]["name"] for row in by_mode["live"]} == {"double"}
    report = (simulated.run.path / "report.md").read_text()
    assert f"{len(by_mode['simulate'])} of the {SIZE} verified samples have simulated calls" in report
    assert simulated.run.manifest()["fingerprint"] != recorded.run.manifest()["fingerprint"]


MODES = ("live", "simulate")


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("execution_mode", "reply")}


def _answered_twice(found: dict[str, dict[str, Any]]) -> set[str]:
    """Rows whose call was made for another row as well: the service gave each an answer of its own."""
    by_call: dict[str, list[str]] = {}
    for name, row in found.items():
        by_call.setdefault(row["answers"], []).append(name)
    return {name for names in by_call.values() if len(names) > 1 for name in names}
