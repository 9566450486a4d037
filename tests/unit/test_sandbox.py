"""What confines a run: refused where it is missing, told where it is weak."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from apigen_ray.display.tables import print_result
from apigen_ray.errors import EnvironmentFault
from apigen_ray.job import doctor
from apigen_ray.job.loop import Result
from apigen_ray.job.sandbox import confinement, weakness
from apigen_ray.records import Api, Source, Status
from apigen_ray.report import markdown
from apigen_ray.report.summary import Summary
from apigen_ray.rundir import RunDir
from apigen_ray.runners import handle
from apigen_ray.runners.base import ExecutionSpec, Task
from apigen_ray.runners.python import PythonRunner
from apigen_ray.runners.sandbox.walls import LAYERS, MANDATORY, is_up

NO_WALLS = """
import json, socket, struct, sys
body = json.dumps(["failed", "WallError: seccomp: starting: absent: the kernel has none"]).encode()
socket.socket(fileno=int(sys.argv[1])).sendall(struct.pack(">I", len(body)) + body)
"""


@pytest.fixture
def api(tmp_path: Path) -> Api:
    path = tmp_path / "sums.py"
    path.write_text("def add(a: int, b: int) -> int:\n    return a + b\n")
    return Api("add", "", {}, source=Source("python", str(path), "add"))


@pytest.fixture
def _no_walls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "zygote.py"
    script.write_text(NO_WALLS)
    monkeypatch.setattr(handle, "_ZYGOTE", str(script))


def test_every_layer_is_proved_and_kept(api: Api) -> None:
    kept = confinement(ExecutionSpec(), [api])
    assert tuple(kept["layers"]) == LAYERS
    assert all(is_up(kept["layers"][layer]) for layer in MANDATORY)
    assert "SIGSYS" in kept["layers"]["seccomp"]
    assert "weak" not in kept
    assert kept["trusted"] == 0


@pytest.mark.usefixtures("_no_walls")
def test_a_run_that_could_not_confine_calls_is_refused(api: Api) -> None:
    with pytest.raises(EnvironmentFault, match="seccomp") as fault:
        confinement(ExecutionSpec(), [api])
    assert "allow_weak" in fault.value.mend
    assert confinement(ExecutionSpec(mode="none"), [api]) == {}
    assert confinement(ExecutionSpec(), [Api("x", "", {})]) == {}


@pytest.mark.usefixtures("_no_walls")
def test_without_walls_every_call_is_an_error_of_ours(api: Api) -> None:
    runner = PythonRunner(ExecutionSpec())
    (outcome,) = runner.run([Task(api, '{"a": 1, "b": 2}')])
    runner.close()
    assert (outcome.status, outcome.code) == (Status.ERROR, "runner_unavailable")
    assert "seccomp" in outcome.detail
    assert "allow_weak" in outcome.detail


@pytest.mark.usefixtures("_no_walls")
def test_the_doctor_says_what_is_missing() -> None:
    check = doctor._sandbox(ExecutionSpec())
    assert not check.ok
    assert "seccomp" in check.message
    assert "allow_weak" in check.mend


def test_the_doctor_says_how_each_layer_was_proved() -> None:
    check = doctor._sandbox(ExecutionSpec())
    assert check.ok
    assert all(layer in check.message for layer in LAYERS)


def test_weak_only_where_it_is_allowed(api: Api) -> None:
    task = Task(api, '{"a": 1, "b": 2}')
    for layer in MANDATORY:
        refused = PythonRunner(ExecutionSpec(), skip=frozenset({layer}))
        assert refused.run([task])[0].code == "runner_unavailable"
        refused.close()
        weak = PythonRunner(ExecutionSpec(allow_weak=True), skip=frozenset({layer}))
        assert weak.run([task])[0].value == "3"
        assert weakness(weak.layers()) == f"WEAK: calls were executed without {layer}"
        weak.close()


def test_the_report_says_weak_and_counts_security_events() -> None:
    form: dict[str, Any] = {
        "layers": {"rlimits": "up: x", "landlock": "absent: old", "seccomp": "left out"},
        "isolation": "owner",
        "trusted": 2,
        "weak": "WEAK: calls were executed without seccomp",
    }
    told = markdown._confinement(form)
    assert told.startswith("WEAK: calls were executed without seccomp; rlimits; landlock absent: old")
    assert "2 trusted functions" in told
    summary = Summary()
    summary.stages = {"execution": Counter({("rejected", "forbidden"): 3})}
    assert summary.security_events() == summary.form()["security_events"] == {"forbidden": 3}
    assert markdown.security_words(summary) == "SECURITY EVENTS in the execution stage: 3 forbidden"
    assert markdown.security_words(Summary()) == ""


def test_the_end_of_a_run_says_weak_and_names_security_events(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunDir(tmp_path)
    summary = Summary()
    print_result(Result(run, summary, 1.0), as_json=False)
    assert capsys.readouterr().out.count("WEAK") == 0
    run.update_manifest(sandbox={"weak": "WEAK: calls were executed without seccomp"})
    summary.stages = {"execution": Counter({("rejected", "forbidden"): 3, ("rejected", "quarantined"): 1})}
    print_result(Result(run, summary, 1.0), as_json=False)
    told = capsys.readouterr().out
    assert "WEAK: calls were executed without seccomp\n" in told
    assert "SECURITY EVENTS in the execution stage: 3 forbidden, 1 quarantined\n" in told
