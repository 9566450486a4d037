"""Runs on several nodes, all of them on this machine: that proves what comes out, and nothing about speed."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from apigen_ray.rundir import RunDir
from apigen_ray.storage import list_files, parquet_files

pytestmark = [pytest.mark.ray, pytest.mark.long]

ROOT = Path(__file__).parents[2]
Plain = tuple[list[str], dict[str, tuple[Any, ...]]]
KEY = "sk-nobody-may-read-this-0451"


def driver(address: str, environment: dict[str, str], *arguments: str) -> "subprocess.Popen[bytes]":
    """A run on a cluster, from its start on."""
    command = [sys.executable, "jobs/run.py", *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=environment | {"RAY_ADDRESS": address})


def in_the_middle(run: RunDir, process: "subprocess.Popen[bytes]") -> None:
    """Waits until some samples have their verdict."""
    while not parquet_files(run.samples(0)):
        assert process.poll() is None, "the run ended before it began"
        time.sleep(0.05)


def test_a_run_that_loses_one_of_three_nodes_ends_like_the_plain_one(
    plain: Plain, outcomes: Callable[[RunDir], Any], processes: Any, tmp_path: Path
) -> None:
    arguments, reference = plain
    run = RunDir(tmp_path / "smoke")
    cluster = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("three_nodes.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert cluster.stdin is not None
    assert cluster.stdout is not None
    try:
        process = driver(
            cluster.stdout.readline().strip(), {**os.environ}, *arguments, "--set", f"output.dir={tmp_path}"
        )
        in_the_middle(run, process)
        cluster.stdin.write("remove\n")
        cluster.stdin.flush()
        assert cluster.stdout.readline() == "removed\n"
        assert run.result() == {}, "the run was over before the node went"
        assert process.wait(timeout=300) == 0
    finally:
        ours = processes.below(cluster.pid)
        cluster.communicate("end\n", timeout=120)
        processes.that_stay(ours)
    assert run.manifest()["cluster"]["joined"] is True
    assert outcomes(run) == reference


def test_a_run_that_loses_one_of_two_real_nodes_ends_like_the_plain_one(
    start_head: Any, join_head: Any, plain: Plain, outcomes: Callable[[RunDir], Any], tmp_path: Path
) -> None:
    arguments, reference = plain
    run = RunDir(tmp_path / "smoke")
    with start_head(tmp_path, cpus=2) as head, join_head(head, tmp_path, cpus=4) as other:
        process = driver(head.address, head.environment, *arguments, "--set", f"output.dir={tmp_path}")
        in_the_middle(run, process)
        other.kill()
        assert run.result() == {}, "the run was over before the node went"
        assert process.wait(timeout=300) == 0
    assert outcomes(run) == reference


def test_a_key_reaches_the_engine_on_another_node_and_no_file(
    start_head: Any, join_head: Any, chat_server: Any, answer: Any, tmp_path: Path, said: Callable[[Any], str]
) -> None:
    chat_server.behave = lambda body, times: answer.text("no record")
    config = {
        "name": "keyed",
        "size": 30,
        "library": [{"kind": "python", "path": "jobs/smoke_functions.py", "trust": "trusted"}],
        "generators": [
            {"engine": "openai", "model": "loop", "base_url": chat_server.url, "api_key_env": "APIGEN_TEST_KEY"}
        ],
        "stages": ["format"],
        "output": {"dir": str(tmp_path / "runs")},
    }
    (tmp_path / "keyed.yaml").write_text(yaml.safe_dump(config))
    run = RunDir(tmp_path / "runs" / "keyed")
    with start_head(tmp_path, cpus=1) as head, join_head(head, tmp_path, cpus=4) as other:
        # neither node was given it: it comes with the run, from the driver's environment alone
        process = driver(head.address, head.environment | {"APIGEN_TEST_KEY": KEY}, str(tmp_path / "keyed.yaml"))
        assert process.wait(timeout=300) == 0
        files = [file for folder in (tmp_path, head.temporary, other.temporary) for file in list_files(folder)]
        holding = [file for file in files if file.is_file() and KEY in said(file)]
    assert {headers.get("authorization") for headers in chat_server.headers} == {f"Bearer {KEY}"}
    assert len(chat_server.bodies) == 30
    assert run.result()["samples"] == 30
    assert len(files) > 50
    assert holding == []
