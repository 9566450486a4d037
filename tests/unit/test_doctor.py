"""The doctor: each fault of the surroundings is a finding with its mend, and nothing is started."""

import importlib.util
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
