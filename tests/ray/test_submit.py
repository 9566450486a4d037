"""The same run as a job: submitted to a cluster that was there before, it joins that one and leaves its outcome."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from apigen_ray.rundir import RunDir, read_tables

pytestmark = [pytest.mark.ray, pytest.mark.long]

ROOT = Path(__file__).parents[2]
RAY = str(Path(sys.executable).parent / "ray")


@dataclass(frozen=True)
class Head:
    """A cluster of one node.

    Attributes:
        url: of its dashboard.
        node_id: of the node.
        environment: for commands that speak to it.
    """

    url: str
    node_id: str
    environment: dict[str, str]


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def nodes(url: str) -> list[dict[str, Any]]:
    """The nodes that the dashboard knows; none while it starts."""
    try:
        answer = httpx.get(f"{url}/api/v0/nodes", timeout=30)
    except httpx.TransportError:
        return []
    return answer.json()["data"]["result"]["result"] if answer.status_code == 200 else []


@pytest.fixture
def head(processes: Any, tmp_path: Path) -> Iterator[Head]:
    # `ray start` turns token authentication on by itself where it finds a token, and the job's client does not
    environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
    environment |= {"RAY_AUTH_MODE": "disabled", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"  # a job says `python`
    port, dashboard, client, listen, metrics = free_ports(5)
    command = [
        *(RAY, "start", "--head", "--block", "--num-cpus", "4", "--disable-usage-stats"),
        *("--port", str(port), "--ray-client-server-port", str(client), "--metrics-export-port", str(metrics)),
        *("--include-dashboard", "true", "--dashboard-port", str(dashboard)),
        *("--dashboard-agent-listen-port", str(listen), "--min-worker-port", "0", "--max-worker-port", "0"),
    ]
    url = f"http://127.0.0.1:{dashboard}"
    with (tmp_path / "head.log").open("wb") as log:
        process = subprocess.Popen(command, start_new_session=True, env=environment, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 180
            while not (found := nodes(url)):
                assert process.poll() is None, (tmp_path / "head.log").read_text()
                assert time.monotonic() < deadline, "the dashboard does not answer"
                time.sleep(0.5)
            yield Head(url, found[0]["node_id"], environment)
        finally:
            ours = processes.below(process.pid)
            process.send_signal(signal.SIGTERM)
            processes.that_stay(ours)
            process.wait()


def submit(head: Head, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [
        *(RAY, "job", "submit", "--address", head.url, "--working-dir", "."),
        *("--", "python", "jobs/run.py", "jobs/smoke.yaml", *arguments),
    ]
    return subprocess.run(command, cwd=ROOT, env=head.environment, capture_output=True, text=True, timeout=480)


def test_a_submitted_run_joins_the_cluster_and_leaves_its_outcome(head: Head, tmp_path: Path) -> None:
    run = RunDir(tmp_path / "runs" / "smoke")
    told = ["--set", "size=40", "--set", "execution.timeout_s=2", "--set", f"output.dir={run.path.parent}"]
    done = submit(head, *told)
    assert done.returncode == 0, done.stdout + done.stderr
    cluster = run.manifest()["cluster"]
    assert cluster["joined"] is True
    assert cluster["node_id"] == head.node_id
    assert cluster["address"] != "local"
    assert run.result()["outcome"] == "done"
    rows = [row for table in read_tables(run.sample_files()) for row in table.to_pylist()]
    first = [row for row in rows if not row["pair"]]  # a planted duplicate is a second pair of its reply
    assert run.result()["samples"] == len(rows)
    assert len(first) == 80
    assert [row["verdict"] for row in first] == [json.loads(row["planted"])["verdict"] for row in first]

    again = submit(head, *told)  # neither --resume nor --clean: the job fails, and says why
    assert again.returncode != 0
    assert "a finished run is there" in again.stdout + again.stderr
    assert run.result()["outcome"] == "done"
