"""The same run as a job: submitted to a cluster that was there before, it joins that one and leaves its outcome."""

import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from apigen_ray.report.summary import summarise
from apigen_ray.rundir import RunDir
from apigen_ray.storage import parquet_files

pytestmark = pytest.mark.ray

ROOT = Path(__file__).parents[2]
RAY = str(Path(sys.executable).parent / "ray")
Plain = tuple[list[str], dict[str, tuple[Any, ...]]]


@pytest.fixture
def head(start_head: Any, tmp_path: Path) -> Iterator[Any]:
    with start_head(tmp_path) as head:
        yield head


def submission(head: Any, arguments: list[str], *options: str) -> dict[str, Any]:
    """What starts the command that submits a run."""
    command = [RAY, "job", "submit", "--address", head.url, "--working-dir", ".", *options]
    command += ["--", "python", "jobs/run.py", *arguments]
    return {"args": command, "cwd": ROOT, "env": head.environment}


def submit(head: Any, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(**submission(head, [*arguments]), capture_output=True, text=True, timeout=480)


def in_the_middle(run: RunDir, patience_s: float = 180) -> None:
    """Waits until some samples have their verdict."""
    deadline = time.monotonic() + patience_s
    while not parquet_files(run.samples(0)):
        assert time.monotonic() < deadline, "the job does not begin"
        time.sleep(0.05)


def ended(run: RunDir, patience_s: float = 180) -> str:
    """The outcome of a run, once it has one."""
    deadline = time.monotonic() + patience_s
    while not run.result():
        assert time.monotonic() < deadline, "the run does not end"
        time.sleep(0.2)
    outcome: str = run.result()["outcome"]
    return outcome


def status(head: Any, job: str) -> str:
    """Ray's word on a job."""
    command = [RAY, "job", "status", "--address", head.url, job]
    return subprocess.run(command, env=head.environment, capture_output=True, text=True, timeout=120, check=True).stdout


METRIC = re.compile(r"^ray_apigen_(\w+)\{(.*)\} (\S+)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="([^"]*)"')


def scraped(head: Any) -> Counter[tuple[str, ...]]:
    """What a Prometheus reads of runs at a node: rows by stage, status and code, tokens by kind, prompts left."""
    found: Counter[tuple[str, ...]] = Counter()
    for name, labels, value in METRIC.findall(httpx.get(head.metrics, timeout=30).text):
        told = dict(LABEL.findall(labels))
        assert told["run"] == "smoke"
        keys = {"rows_total": ("stage", "status", "code"), "tokens_total": ("kind",), "prompts_left": ()}[name]
        found[name, *(told[key] for key in keys)] += int(float(value))
    return found


def counted(run: RunDir) -> Counter[tuple[str, ...]]:
    """The same, from the files of a run."""
    summary = summarise(run)
    found: Counter[tuple[str, ...]] = Counter()
    found["tokens_total", "prompt"] = summary.prompt_tokens
    found["tokens_total", "completion"] = summary.completion_tokens
    for stage, counts in summary.stages.items():
        for (status, code), rows in counts.items():
            if status != "skipped":
                found["rows_total", stage, status, code] = rows
    return found


def test_a_submitted_run_joins_the_cluster_and_leaves_its_outcome(head: Any, tmp_path: Path) -> None:
    run = RunDir(tmp_path / "runs" / "smoke")
    told = ["--set", "size=40", "--set", "execution.timeout_s=5", "--set", f"output.dir={run.path.parent}"]
    done = submit(head, "jobs/smoke.yaml", *told)
    assert done.returncode == 0, done.stdout + done.stderr
    cluster = run.manifest()["cluster"]
    assert cluster["joined"] is True
    assert cluster["node_id"] == head.node_id
    assert cluster["address"] != "local"
    assert run.result()["outcome"] == "done"
    rows = [row for table in run.read() for row in table.to_pylist()]
    first = [row for row in rows if not row["pair"]]  # a planted duplicate is a second pair of its reply
    assert run.result()["samples"] == len(rows)
    assert len(first) == 80
    assert [row["verdict"] for row in first] == [json.loads(row["planted"])["verdict"] for row in first]

    deadline = time.monotonic() + 60
    while (metrics := scraped(head)) != (files := counted(run)) and time.monotonic() < deadline:
        time.sleep(0.5)  # the node tells what a process has sent it, which a process does every ten seconds
    assert metrics == files
    assert sum(run.result()["tokens"].values()) == run.result()["spent"]["tokens"]


@pytest.mark.long
def test_a_job_that_is_refused_fails_and_says_why(head: Any, tmp_path: Path) -> None:
    run = RunDir(tmp_path / "runs" / "smoke")
    told = ["jobs/smoke.yaml", "--set", "size=4", "--set", f"output.dir={run.path.parent}"]
    told += ["--set", "output.max_error_share=1"]  # some errors are planted, and of eight rows they are many
    assert submit(head, *told).returncode == 0
    again = submit(head, *told)  # neither --resume nor --clean
    assert again.returncode != 0
    assert "a finished run is there" in again.stdout + again.stderr
    assert run.result()["outcome"] == "done"


@pytest.mark.long
@pytest.mark.vllm
def test_the_quickstart_runs_as_a_job(head: Any, tmp_path: Path) -> None:
    run = RunDir(tmp_path / "runs" / "quickstart")
    done = submit(head, "jobs/quickstart.yaml", "--set", "size=24", "--set", f"output.dir={run.path.parent}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert run.result()["outcome"] == "done"
    assert run.result()["samples"] == 24
    assert run.manifest()["cluster"]["joined"] is True


@pytest.mark.long
def test_the_submitter_killed_leaves_the_job_to_its_end(
    head: Any, plain: Plain, outcomes: Callable[[RunDir], Any], tmp_path: Path
) -> None:
    arguments, reference = plain
    run = RunDir(tmp_path / "runs" / "smoke")
    with subprocess.Popen(
        **submission(head, [*arguments, "--set", f"output.dir={run.path.parent}"]), stdout=subprocess.DEVNULL
    ) as submitter:
        in_the_middle(run)
        assert submitter.poll() is None
        submitter.kill()
    assert ended(run) == "done"
    assert outcomes(run) == reference


@pytest.mark.long
def test_a_stopped_job_says_so_and_is_resumed(
    start_head: Any, plain: Plain, outcomes: Callable[[RunDir], Any], tmp_path: Path
) -> None:
    arguments, reference = plain
    run = RunDir(tmp_path / "runs" / "smoke")
    told = [*arguments, "--set", f"output.dir={run.path.parent}"]
    # as many seconds lie between Ray's SIGTERM and its SIGKILL, where nobody says so 3
    with start_head(tmp_path, RAY_JOB_STOP_WAIT_TIME_S="90") as head:
        subprocess.run(**submission(head, told, "--no-wait", "--submission-id", "first"), check=True, timeout=120)
        in_the_middle(run)
        stop = [RAY, "job", "stop", "--address", head.url, "first"]
        subprocess.run(stop, env=head.environment, check=True, timeout=120)
        assert "was stopped" in status(head, "first")
        assert ended(run) == "interrupted"
        done = submit(head, *told, "--resume")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ended(run) == "done"
    assert outcomes(run) == reference


@pytest.mark.long
def test_a_run_whose_head_died_is_resumed_on_another(
    start_head: Any, plain: Plain, outcomes: Callable[[RunDir], Any], tmp_path: Path
) -> None:
    arguments, reference = plain
    run = RunDir(tmp_path / "runs" / "smoke")
    told = [*arguments, "--set", f"output.dir={run.path.parent}"]
    with start_head(tmp_path) as first:
        subprocess.run(**submission(first, told, "--no-wait"), check=True, timeout=120)
        in_the_middle(run)
        first.kill()
    assert run.result() == {}
    with start_head(tmp_path) as second:
        done = submit(second, *told, "--resume")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ended(run) == "done"
    assert outcomes(run) == reference
