"""The processes that a test started and their end, and clusters of real nodes on this machine."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from apigen_ray.config import STAGES
from apigen_ray.rundir import RunDir

Process = tuple[int, str]
"""A process id and when it began: an id alone may be another process by now."""
ROOT = Path(__file__).parents[2]
RAY = str(Path(sys.executable).parent / "ray")


class Processes:
    """What runs on this machine, as far as a test may touch it: its own."""

    def below(self, pid: int) -> set[Process]:
        """Children of a process, their children, and so on."""
        found: set[Process] = set()
        parents = {pid}
        while parents:
            children = {process for process, parent in _all() if parent in parents} - found
            found |= children
            parents = {child for child, _ in children}
        return found

    def that_stay(self, ours: set[Process], patience_s: float = 60) -> set[Process]:
        """Those that have not ended after a while; they are ended then."""
        deadline = time.monotonic() + patience_s
        while (left := ours & {process for process, _ in _all()}) and time.monotonic() < deadline:
            time.sleep(0.1)
        self.kill(left)
        return left

    def kill(self, ours: set[Process]) -> None:
        """Ends them at once."""
        for pid, _ in ours & {process for process, _ in _all()}:
            with suppress(ProcessLookupError):  # it has just ended, with another one of them
                os.kill(pid, signal.SIGKILL)


def _all() -> Iterator[tuple[Process, int]]:
    """Every process that lives, with its parent's id."""
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent, *fields = file.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        if state != "Z":
            yield (int(file.parent.name), fields[17]), int(parent)


@pytest.fixture
def processes() -> Processes:
    return Processes()


@pytest.fixture
def said() -> Callable[[Any], str]:
    """What a file says, Parquet unpacked: compressed, a word would not be found in it."""

    def read(file: Any) -> str:
        content = file.read_bytes()
        return str(pq.read_table(pa.BufferReader(content)).to_pylist()) if file.suffix == ".parquet" else str(content)

    return read


@dataclass(frozen=True)
class Node:
    """A node that ``ray start`` started.

    Attributes:
        process: stays as long as the node.
        address: of the head, for further nodes and for drivers.
        url: of the head's dashboard.
        metrics: where a Prometheus would read the node's metrics.
        node_id: Ray's id of the head.
        environment: for commands that speak to the cluster.
        temporary: where Ray keeps its session.
    """

    process: "subprocess.Popen[bytes]"
    address: str
    url: str
    metrics: str
    node_id: str
    environment: dict[str, str]
    temporary: Path

    def kill(self) -> None:
        """Ends all its processes at once, as if the machine had lost its power."""
        ours = Processes().below(self.process.pid)
        self.process.kill()
        Processes().kill(ours)
        self.process.wait()


@contextmanager
def _node(folder: Path, arguments: list[str], environment: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    command = [RAY, "start", "--block", "--disable-usage-stats", *arguments]
    command += ["--min-worker-port", "0", "--max-worker-port", "0"]
    with (folder / "ray.log").open("ab") as log:
        process = subprocess.Popen(command, start_new_session=True, env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        ours = Processes().below(process.pid)
        process.kill()  # nobody needs the half minute that it takes to say goodbye
        Processes().kill(ours)
        process.wait()


@contextmanager
def _head(folder: Path, cpus: int = 4, **variables: str) -> Iterator[Node]:
    """A cluster of one node.

    Args:
        folder: for its log; is there.
        cpus: logical ones.
        variables: of its environment, beside those of this process.
    """
    # `ray start` turns token authentication on by itself where it finds a token, and the job's client does not
    environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
    environment |= {"RAY_AUTH_MODE": "disabled", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"  # a job says `python`
    port, dashboard, client, listen, metrics = _free_ports(5)
    temporary = Path("/tmp") / f"ray-{port}"  # noqa: S108  (a socket's path has 107 bytes, pytest's folders are long)
    arguments = [
        *("--head", "--num-cpus", str(cpus), "--temp-dir", str(temporary)),
        *("--port", str(port), "--ray-client-server-port", str(client), "--metrics-export-port", str(metrics)),
        *("--include-dashboard", "true", "--dashboard-port", str(dashboard)),
        *("--dashboard-agent-listen-port", str(listen)),
    ]
    url = f"http://127.0.0.1:{dashboard}"
    with _node(folder, arguments, environment | variables) as process:
        deadline = time.monotonic() + 180
        while not (found := _nodes(url)):
            assert process.poll() is None, (folder / "ray.log").read_text()
            assert time.monotonic() < deadline, "the dashboard does not answer"
            time.sleep(0.5)
        [one] = found
        try:
            endpoint = f"http://{one['node_ip']}:{metrics}/metrics"
            yield Node(process, f"{one['node_ip']}:{port}", url, endpoint, one["node_id"], environment, temporary)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _joined(head: Node, folder: Path, cpus: int = 2) -> Iterator[Node]:
    """A further node of a cluster, on this machine as well; without the variables that only the head was given."""
    listen, metrics = _free_ports(2)
    temporary = head.temporary.with_name(f"{head.temporary.name}-{listen}")
    arguments = [
        *("--address", head.address, "--num-cpus", str(cpus), "--temp-dir", str(temporary)),
        *("--dashboard-agent-listen-port", str(listen), "--metrics-export-port", str(metrics)),
    ]
    before = len(_nodes(head.url))
    with _node(folder, arguments, head.environment) as process:
        deadline = time.monotonic() + 120
        while len(_nodes(head.url)) == before:
            assert process.poll() is None, (folder / "ray.log").read_text()
            assert time.monotonic() < deadline, "the node does not come"
            time.sleep(0.5)
        try:
            endpoint = f"http://{head.address.partition(':')[0]}:{metrics}/metrics"
            yield Node(process, head.address, head.url, endpoint, head.node_id, head.environment, temporary)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _nodes(url: str) -> list[dict[str, Any]]:
    """The nodes that the dashboard knows and that live; none while it starts."""
    try:
        answer = httpx.get(f"{url}/api/v0/nodes", timeout=30)
    except httpx.TransportError:
        return []
    found = answer.json()["data"]["result"]["result"] if answer.status_code == 200 else []
    return [node for node in found if node["state"] == "ALIVE"]


@pytest.fixture
def start_head() -> Callable[..., AbstractContextManager[Node]]:
    """Starts a cluster of one node: ``with start_head(folder) as head``."""
    return _head


@pytest.fixture
def join_head() -> Callable[..., AbstractContextManager[Node]]:
    """Starts a further node: ``with join_head(head, folder) as node``."""
    return _joined


TOLD = [
    "verdict",
    *(f"{stage}_{part}" for stage in STAGES for part in ("status", "code")),
    "query",
    "answers",
    "results",
]


def _outcomes(run: RunDir) -> dict[str, tuple[Any, ...]]:
    rows = [row for table in run.read(["sample_id", *TOLD]) for row in table.to_pylist()]
    by_id = {row["sample_id"]: tuple(row[name] for name in TOLD) for row in rows}
    assert len(by_id) == len(rows)
    return by_id


@pytest.fixture
def outcomes() -> Callable[[RunDir], dict[str, tuple[Any, ...]]]:
    """Reads what became of each sample of a run; none may be there twice."""
    return _outcomes


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], dict[str, tuple[Any, ...]]]:
    """Arguments of the smoke recipe, and what becomes of its samples on this machine without any cluster."""
    arguments = ["jobs/smoke.yaml", *("--set", "size=400"), *("--set", "rounds=1"), *("--set", "execution.timeout_s=5")]
    folder = tmp_path_factory.mktemp("plain")
    command = [sys.executable, "jobs/run.py", *arguments, "--set", f"output.dir={folder}"]
    environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    return arguments, _outcomes(RunDir(folder / "smoke"))
