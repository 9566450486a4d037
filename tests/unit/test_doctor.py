"""The doctor: each fault of the surroundings is a finding with its mend, and nothing is started."""

import importlib.util
import json
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from apigen_ray import machine
from apigen_ray.config import RunConfig, parse_config
from apigen_ray.display.tables import print_findings
from apigen_ray.engines import embedded, vllm
from apigen_ray.job import doctor
from apigen_ray.job.doctor import Check, examine, gpus

PYTHON = 'def add(first: int, second: int) -> int:\n    """Add two numbers."""\n    return first + second\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tools.py").write_text(PYTHON)
    return tmp_path


def config(generator: dict[str, Any] | None = None, **rest: Any) -> RunConfig:
    return parse_config(
        {
            "name": "trial",
            "library": [{"kind": "python", "path": "tools.py"}],
            "generators": [{"name": "small", **(generator or {"engine": "scripted"})}],
            "semantic": {"checks": []},
            **rest,
        }
    )


def finding(told: RunConfig, subject: str) -> Check:
    return next(check for check in examine(told) if check.subject == subject)


def test_a_machine_that_works(folder: Path) -> None:
    checks = examine(config(judge={"engine": "scripted"}))
    subjects = ["python", "platform", "ray", "disk", "memory", "library", "sandbox", "generator small", "judge"]
    assert [check.subject for check in checks] == subjects
    assert [check for check in checks if not check.ok and check.subject not in ("disk", "memory")] == []
    assert not (folder / "runs").exists()


def test_without_a_config_our_own_library_is_looked_at(folder: Path) -> None:
    checks = {check.subject: check for check in examine()}
    assert checks["library"].ok
    assert int(checks["library"].message.split()[0]) >= 60
    assert "generator" not in " ".join(checks)


def test_the_sandbox_really_executes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_TRIAL_ARGUMENTS", '{"number": "x"}')
    check = finding(config(), "sandbox")
    assert not check.ok
    assert check.mend
    assert finding(config(execution={"mode": "none"}), "sandbox").ok


def test_private_clients_are_told_and_need_their_variables(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = {"kind": "python", "path": "tools.py", "runner": "process", "env": ["ACME_TOKEN"]}
    monkeypatch.setenv("ACME_TOKEN", "x")
    check = finding(config(library=[source]), "clients")
    assert check.ok
    assert "no kernel walls" in check.message
    monkeypatch.delenv("ACME_TOKEN")
    check = finding(config(library=[source]), "clients")
    assert not check.ok
    assert "ACME_TOKEN" in check.message
    assert check.mend
    told = examine(config(library=[source], execution={"mode": "none"}))
    assert "clients" not in [check.subject for check in told]


def served(**paths: list[str]) -> list[dict[str, Any]]:
    """A library of documents of services, by the file names of their servers' hosts: the methods that each has."""
    for name, methods in paths.items():
        server = {"inside": "http://127.0.0.1:9", "named": "http://localhost:9", "public": "https://8.8.8.8"}[name]
        field = {"name": "q", "in": "query", "schema": {"type": "string"}}
        operations = {method: {"operationId": f"{name}_{method}", "parameters": [field]} for method in methods}
        document = {"openapi": "3.0.0", "servers": [{"url": server}], "paths": {"/s": operations}}
        Path(f"{name}.json").write_text(json.dumps(document))
    return [{"kind": "openapi", "path": f"{name}.json"} for name in paths]


def clients(**sections: Any) -> list[Check]:
    return [check for check in examine(config(**sections)) if check.subject == "clients"]


def test_a_service_that_the_guard_refuses_is_told_before_a_run(folder: Path) -> None:
    library = served(inside=["get"], named=["get"], public=["get"])
    found = clients(library=library)
    assert [check.ok for check in found] == [False, False, True]
    assert "127.0.0.1 leads to 127.0.0.1, which is loopback" in found[0].message
    assert "execution: {rest: {allow_hosts: ['127.0.0.1:9']}}" in found[0].mend
    assert "allow_hosts: ['localhost:9']" in found[1].mend
    allowed = {"rest": {"allow_hosts": ["127.0.0.1", "localhost:9"]}}
    assert [check.ok for check in clients(library=library, execution=allowed)] == [True] * 3
    assert clients(library=library, execution={"mode": "simulate"}) == []


def test_functions_by_methods_that_are_not_allowed_are_counted(folder: Path) -> None:
    library = served(public=["get", "post", "delete"])
    (_, some) = clients(library=library)
    assert some.ok
    assert some.message.startswith("2 of 3 functions that are called over HTTP are refused: POST 1, DELETE 1")
    (_, none) = clients(library=library, execution={"rest": {"methods": ["PUT"]}})
    assert not none.ok
    assert "methods: [GET, POST, DELETE]" in none.mend
    every = {"rest": {"methods": ["GET", "POST", "DELETE"]}}
    assert len(clients(library=library, execution=every)) == 1


def test_a_library_with_rejects_or_none(folder: Path) -> None:
    (folder / "tools.py").write_text(PYTHON + "def many(*n: int): ...\ndef more(*n: int): ...\n")
    assert finding(config(), "library").message == "1 APIs; 2 entries left out: variadic 2"
    (folder / "tools.py").unlink()
    check = finding(config(), "library")
    assert not check.ok
    assert "tools.py" in check.message


def test_the_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "file").write_text("")
    check = finding(config(output={"dir": "file/runs"}), "disk")
    assert not check.ok
    assert "output.dir" in check.mend
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage(10, 9, 1))
    assert not finding(config(), "disk").ok


def test_too_little_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "free_memory", lambda: 2**29)
    check = finding(config(), "memory")
    assert (check.ok, check.message) == (False, "0.5 GiB free")


def test_a_server(folder: Path, chat_server: Any) -> None:
    server = {"engine": "openai", "base_url": chat_server.url, "model": "loop"}
    assert finding(config(server), "generator small").ok
    assert not finding(config(server | {"model": "other"}), "generator small").ok
    assert not finding(config(server | {"base_url": "http://127.0.0.1:9/v1"}), "generator small").ok
    keyed = server | {"api_key_env": "APIGEN_TEST_NO_SUCH_KEY"}
    assert "export APIGEN_TEST_NO_SUCH_KEY" in finding(config(keyed), "generator small").mend
    assert chat_server.bodies == []


def test_the_embedded_model_missing_or_not_yet_converted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APIGEN_CACHE", str(folder / "cache"))
    told = config({"engine": "vllm", "model": "embedded", "device": "cpu"})
    monkeypatch.setattr(embedded, "PACKAGE", "no-such-package-of-ours")
    check = finding(told, "generator small")
    assert not check.ok
    assert "no-such-package-of-ours" in check.message
    monkeypatch.setattr(vllm, "embedded_gguf", lambda: folder / "weights.gguf")
    assert "converts it" in finding(told, "generator small").message
    real = importlib.util.find_spec
    monkeypatch.setattr(vllm.importlib.util, "find_spec", lambda name: None if name == "gguf" else real(name))
    check = finding(told, "generator small")
    assert (check.ok, check.mend) == (False, "`pip install 'apigen-ray[cpu]'`")
    assert not (folder / "cache").exists()


def test_more_gpus_are_needed_than_there_are(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "gpus", lambda: 1)
    told = {"engine": "vllm", "model": "./model", "device": "gpu", "tensor_parallel_size": 2, "replicas": 2}
    check = finding(config(told), "generator small")
    assert not check.ok
    assert "4 GPUs are needed" in check.message


@pytest.mark.parametrize(("visible", "count"), [(None, 2), ("0", 1), ("", 0), ("-1", 0), ("0,1,2", 2)])
def test_gpus_are_those_that_the_driver_lists_and_the_environment_allows(
    folder: Path, monkeypatch: pytest.MonkeyPatch, visible: str | None, count: int
) -> None:
    tool = folder / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU 0: A'\necho 'GPU 1: A'\necho 'done'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpus() == count
    tool.write_text("#!/bin/sh\nexit 9\n")
    assert gpus() == 0


def test_findings_are_printed_with_their_mend(capsys: pytest.CaptureFixture[str]) -> None:
    print_findings([Check(True, "disk", "fine"), Check(False, "judge", "gone [401]", "set [key]")], as_json=False)
    out = capsys.readouterr().out
    assert "ok   disk: fine" in out
    assert "miss judge: gone [401]" in out
    assert "mend: set [key]" in out
    print_findings([Check(True, "disk", "fine")], as_json=True)
    assert '"subject": "disk"' in capsys.readouterr().out
