"""The process runner: the network to its source's hosts alone, its variables alone, limits, nothing left behind."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from apigen_ray.errors import EnvironmentFault
from apigen_ray.job.sandbox import clients, confinement
from apigen_ray.records import Api, Source, Status
from apigen_ray.report.markdown import client_words
from apigen_ray.runners import client, process
from apigen_ray.runners.base import ExecutionSpec, Outcome, Task
from apigen_ray.runners.pool import RunnerPool
from apigen_ray.runners.process import ProcessRunner

MODULE = """
import dataclasses, datetime, os, socket, sys, threading, time, urllib.request
import yaml
from beside import twice

seen = []

@dataclasses.dataclass
class Point:
    x: float
    day: datetime.date

def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as reply:
        return reply.read().decode()

def fetch_or(url: str, other: str) -> str:
    try:
        return fetch(url)
    except Exception:
        return other

def connect(host: str, port: int, way: str) -> str:
    if way == "getaddrinfo":
        host = socket.getaddrinfo(host, port, socket.AF_INET)[0][4][0]
    elif way == "gethostbyname":
        host = socket.gethostbyname(host)
    elif way == "ex":
        host = socket.gethostbyname_ex(host)[2][0]
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as made:
        made.connect((host, port))
    return host

def send(host: str, port: int) -> int:
    with socket.socket(type=socket.SOCK_DGRAM) as made:
        return made.sendto(b"x", (host, port))

def bind(host: str) -> str:
    with socket.socket() as made:
        made.bind((host, 0))
    return "bound"

def local(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.connect(path)

def looks_around() -> str:
    try:
        return bind("127.0.0.9")
    except OSError:
        return "without"

def environment() -> dict[str, str]:
    return dict(os.environ)

def tells(length: int) -> None:
    raise ValueError("x" * length + os.environ["ACME_TOKEN"])

def use_packages(text: str) -> list:
    return [yaml.safe_load(text), twice(2), __name__, os.getcwd()]

def point(at: Point, tags: set[str]) -> Point:
    assert isinstance(tags, set)
    return dataclasses.replace(at, x=at.x + 1)

def remember(item: str) -> list[str]:
    seen.append(item)
    print(item, flush=True)
    return seen

def process_id() -> int:
    return os.getpid()

def system_exit() -> None:
    sys.exit(3)

def exit_process(status: int) -> None:
    os._exit(status)

def exit_unless_first() -> int:
    seen.append(1)
    return len(seen) if len(seen) == 1 else os._exit(1)

def crash() -> None:
    os.abort()

def sleep(seconds: float) -> None:
    time.sleep(seconds)

def hoard() -> int:
    return len(bytearray(1 << 40))

def opaque() -> object:
    return object()

def leave_a_thread() -> int:
    threading.Thread(target=time.sleep, args=(60,)).start()
    return os.getpid()
"""

SPEC = ExecutionSpec(timeout_s=1)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("client")
    (folder / "beside.py").write_text("def twice(a: int) -> int:\n    return 2 * a\n")
    (folder / "acme.py").write_text(MODULE)
    return str(folder / "acme.py")


@pytest.fixture(scope="module")
def runner() -> Iterator[ProcessRunner]:
    runner = ProcessRunner(SPEC)
    yield runner
    runner.close()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Of a server that every loopback address leads to."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("0.0.0.0", 0), Handler)  # noqa: S104 - so that 127.0.0.1 and 127.0.0.2 both answer
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def task(file: str, entry: str, *, hosts: tuple[str, ...] = (), env: tuple[str, ...] = (), **arguments: object) -> Task:
    source = Source("python", file, entry, runner="process", hosts=hosts, env=env)
    return Task(Api(entry, "", {}, source=source), json.dumps(arguments))


def one(runner: ProcessRunner, task: Task) -> Outcome:
    (outcome,) = runner.run([task])
    return outcome


def value(outcome: Outcome) -> object:
    assert outcome.status == Status.PASSED, outcome
    return json.loads(outcome.value or "")


def gone(pid: int) -> bool:
    for _ in range(200):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


def test_arguments_and_results_are_those_of_the_python_runner(runner: ProcessRunner, file: str) -> None:
    at = {"x": 1, "day": "2024-02-29"}
    found = runner.run([task(file, "point", at=at, tags=["a"]), task(file, "point", at=1, tags=[]), task(file, "none")])
    assert value(found[0]) == {"x": 2, "day": "2024-02-29"}
    assert [outcome.code for outcome in found[1:]] == ["argument_error", "unknown_function"]
    assert one(runner, task(file, "opaque")).code == "bad_output"


def test_site_packages_and_what_lies_beside_are_imported_in_the_normal_way(runner: ProcessRunner, file: str) -> None:
    assert value(one(runner, task(file, "use_packages", text="[1]"))) == [[1], 4, "acme", "/"]


def test_a_package_is_imported_under_its_name_and_a_file_named_as_a_module_of_python(tmp_path: Path) -> None:
    (tmp_path / "corp").mkdir()
    (tmp_path / "corp" / "__init__.py").write_text("from .users import name\n")
    (tmp_path / "corp" / "users.py").write_text("def name(a: int) -> str:\n    return __name__ + str(a)\n")
    (tmp_path / "random.py").write_text("def name(a: int) -> str:\n    import random\n    return random.__file__\n")
    runner = ProcessRunner(SPEC)
    try:
        names = [tmp_path / "corp" / "users.py", tmp_path / "corp" / "__init__.py", tmp_path / "random.py"]
        found = [value(one(runner, task(str(name), "name", a=1))) for name in names]
    finally:
        runner.close()
    assert found[:2] == ["corp.users1"] * 2
    assert str(tmp_path) not in str(found[2])


def test_a_listed_host_answers_and_no_other(runner: ProcessRunner, file: str, port: int) -> None:
    allowed, other = f"http://127.0.0.1:{port}", f"http://127.0.0.2:{port}"
    hosts = ("127.0.0.1",)
    assert value(one(runner, task(file, "fetch", hosts=hosts, url=allowed))) == "hello"
    for refused in (
        one(runner, task(file, "fetch", hosts=hosts, url=other)),
        one(runner, task(file, "fetch_or", hosts=hosts, url=other, other="made up")),  # swallowed: no result either
    ):
        assert refused.code == "exec_error"
        assert "127.0.0.2" in refused.detail
        assert "`hosts`" in refused.detail
    assert "127.0.0.1" in one(runner, task(file, "fetch", url=allowed)).detail  # loopback too must be listed
    assert value(one(runner, task(file, "fetch", hosts=("127.0.0.2",), url=other))) == "hello"


@pytest.mark.parametrize("way", ["itself", "getaddrinfo", "gethostbyname", "ex"])
def test_the_addresses_of_a_listed_name_are_listed(runner: ProcessRunner, file: str, port: int, way: str) -> None:
    hosts = ("localhost", f"{way}.example")  # a process of its own, which has resolved nothing yet
    found = one(runner, task(file, "connect", hosts=hosts, host="LocalHost", port=port, way=way))
    assert value(found)
    assert one(runner, task(file, "connect", hosts=hosts, host="127.0.0.3", port=port, way=way)).code == "exec_error"


@pytest.mark.parametrize(
    ("host", "other"),
    [("api.acme.com", "API.Acme.com."), ("::1", "0:0:0:0:0:0:0:1%1"), ("::ffff:127.0.0.1", b"127.0.0.1")],
)
def test_one_host_has_one_writing(host: str, other: object) -> None:
    assert client._plain(host) == client._plain(other)


@pytest.mark.parametrize(
    ("entry", "arguments", "named"),
    [
        ("send", {"host": "127.0.0.2", "port": 9}, "127.0.0.2"),
        ("bind", {"host": "127.0.0.2"}, "127.0.0.2"),
        ("bind", {"host": ""}, "''"),
        ("local", {"path": "/nowhere/socket"}, "/nowhere/socket"),
        ("connect", {"host": "elsewhere.example", "port": 80, "way": "getaddrinfo"}, "elsewhere.example"),
        ("connect", {"host": "elsewhere.example", "port": 80, "way": "gethostbyname"}, "elsewhere.example"),
    ],
)
def test_every_way_out_is_looked_at(
    runner: ProcessRunner, file: str, entry: str, arguments: dict[str, object], named: str
) -> None:
    refused = one(runner, task(file, entry, hosts=("127.0.0.1",), **arguments))
    assert refused.code == "exec_error"
    assert named in refused.detail


def test_looking_around_fails_no_call(runner: ProcessRunner, file: str) -> None:
    assert value(one(runner, task(file, "looks_around"))) == "without"


def test_only_named_variables_are_passed(runner: ProcessRunner, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_TOKEN", "s3cret")
    monkeypatch.setenv("OTHER_TOKEN", "x")
    always = {"PATH", "HOME", "LANG", "LC_CTYPE"}  # Python itself sets the last one where no language is set
    without = value(one(runner, task(file, "environment")))
    assert isinstance(without, dict)
    assert without.keys() <= always
    assert without["PATH"] == os.environ["PATH"]
    given = value(one(runner, task(file, "environment", env=("ACME_TOKEN",))))
    assert isinstance(given, dict)
    assert given.keys() <= {*always, "ACME_TOKEN"}
    assert given["ACME_TOKEN"] == "***"  # noqa: S105 - it has it, and is not heard


def test_what_a_client_tells_of_its_variables_is_struck_out(
    runner: ProcessRunner, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_TOKEN", "t0ken-value")
    calls = [{"length": 0}, {"length": 500 - len("ValueError: ") - 6}]
    outcomes = runner.run([task(file, "tells", env=("ACME_TOKEN",), **call) for call in calls])
    for outcome in outcomes:
        assert outcome.code == "exec_error"
        assert outcome.detail.endswith("***")
        assert "t0k" not in outcome.detail


def test_a_variable_that_is_not_set_is_said(runner: ProcessRunner, file: str) -> None:
    lacking = task(file, "environment", env=("NOT_SET_ANYWHERE",))
    outcomes = runner.run([lacking, task(file, "process_id")])
    assert (outcomes[0].status, outcomes[0].code) == (Status.ERROR, "runner_unavailable")
    assert "NOT_SET_ANYWHERE" in outcomes[0].detail
    assert value(outcomes[1])
    with pytest.raises(EnvironmentFault, match="acme needs NOT_SET_ANYWHERE"):
        confinement(SPEC, [lacking.api])


def test_a_warm_process_keeps_its_modules_and_a_dead_one_costs_one_row(file: str) -> None:
    runner = ProcessRunner(SPEC)
    try:
        entries = ["process_id", "exit_process", "process_id", "crash", "process_id", "system_exit", "process_id"]
        tasks = [task(file, entry, **({"status": 3} if entry == "exit_process" else {})) for entry in entries]
        found = runner.run(tasks)
        assert [outcome.code for outcome in found] == ["", "killed", "", "killed", "", "exec_error", ""]
        assert "exit status 3" in found[1].detail
        assert "SIGABRT" in found[3].detail
        assert found[4].value == found[6].value != found[0].value
        remembered = [task(file, "remember", item=item) for item in "ab"]
        assert [value(outcome) for outcome in runner.run(remembered)] == [["a"], ["a", "b"]]
        assert value(one(runner, task(file, "leave_a_thread")))
    finally:
        runner.close()
    assert gone(int(found[6].value or 0))


def test_a_killed_call_is_made_once_more_alone(file: str) -> None:
    runner = ProcessRunner(SPEC)
    try:
        assert [value(one(runner, task(file, "exit_unless_first"))) for _ in range(3)] == [1, 1, 1]
    finally:
        runner.close()


def test_time_and_memory_are_limited(runner: ProcessRunner, file: str) -> None:
    found = runner.run([task(file, "sleep", seconds=60), task(file, "hoard"), task(file, "process_id")])
    assert [outcome.code for outcome in found] == ["timeout", "memory", ""]
    assert "1 s" in found[0].detail


def test_isolation_by_call(file: str) -> None:
    runner = ProcessRunner(ExecutionSpec(isolation="call"))
    try:
        first, second = runner.run([task(file, "process_id")] * 2)
    finally:
        runner.close()
    assert first.value != second.value


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("import nowhere_to_be_found\n", "refused", "nowhere_to_be_found"),
        ("import os\nos._exit(4)\n", "killed", "exit status 4"),
        ("import socket\nsocket.create_connection(('127.0.0.1', 9))\n", "exec_error", "127.0.0.1"),
    ],
)
def test_a_module_that_cannot_be_imported_is_tried_once_in_a_batch(
    tmp_path: Path, text: str, code: str, words: str
) -> None:
    (tmp_path / "broken.py").write_text(f"open({str(tmp_path / 'log')!r}, 'a').write('x')\n{text}def f(): ...\n")
    runner = ProcessRunner(SPEC)
    try:
        found = runner.run([task(str(tmp_path / "broken.py"), "f")] * 5)
    finally:
        runner.close()
    assert {outcome.code for outcome in found} == {code}
    assert all(words in outcome.detail for outcome in found)
    assert (tmp_path / "log").read_text() == "x"


def test_an_import_that_goes_on_without_the_network_is_one(tmp_path: Path) -> None:
    text = "import socket\ntry:\n    socket.create_connection(('127.0.0.1', 9))\nexcept OSError as error:\n"
    text += "    met = type(error)\n"
    (tmp_path / "careful.py").write_text(text + "def f() -> str:\n    return met.__name__\n")
    runner = ProcessRunner(SPEC)
    try:
        assert value(one(runner, task(str(tmp_path / "careful.py"), "f"))) == "HostError"
    finally:
        runner.close()


def test_sources_work_beside_each_other(tmp_path: Path) -> None:
    text = "import time\ndef f():\n    began = time.monotonic()\n    time.sleep(1)\n"
    text += "    return began, time.monotonic()\n"
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "slow.py").write_text(text)
    runner = ProcessRunner(ExecutionSpec(workers=2))
    tasks = [task(str(tmp_path / name / "slow.py"), "f") for name in "ab"]
    try:
        runner.run(tasks)  # warm: a start takes longer than the sleep on a busy machine
        (began, ended), (other_began, other_ended) = (value(outcome) for outcome in runner.run(tasks))
    finally:
        runner.close()
    assert began < other_ended
    assert other_began < ended


def test_warm_processes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were used last stay, the others have ended."""
    monkeypatch.setattr(process, "MAX_CHILDREN", 2)
    tasks = []
    for i in range(5):
        (tmp_path / str(i)).mkdir()
        (tmp_path / str(i) / "own.py").write_text("import os\ndef process_id() -> int:\n    return os.getpid()\n")
        location = str(tmp_path / str(i) / "own.py")
        tasks.append(Task(Api("p", "", {}, source=Source("python", location, "process_id", runner="process")), "{}"))
    runner = ProcessRunner(ExecutionSpec())
    first = [runner.run([each])[0].value for each in tasks]
    assert [Path(f"/proc/{process_id}").exists() for process_id in first] == [False, False, False, True, True]
    assert runner.run([tasks[3]])[0].value == first[3]
    runner.run([tasks[0]])
    assert [Path(f"/proc/{process_id}").exists() for process_id in first[3:]] == [True, False]
    together = [outcome.value for outcome in runner.run(tasks)]
    assert sum(Path(f"/proc/{process_id}").exists() for process_id in together) == 2
    runner.close()


def test_no_process_starts(file: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "client.py"
    script.write_text("raise SystemExit(5)\n")
    monkeypatch.setattr(process, "_SCRIPT", str(script))
    runner = ProcessRunner(SPEC)
    found = runner.run([task(file, "process_id")] * 3)
    runner.close()
    assert {(outcome.status, outcome.code) for outcome in found} == {(Status.ERROR, "runner_unavailable")}
    assert "exit status 5" in found[0].detail


def test_the_pool_goes_by_what_the_source_says(file: str) -> None:
    pool = RunnerPool(ExecutionSpec())
    walled = Task(Api("f", "", {}, source=Source("python", file, "process_id")), "{}")
    try:
        in_a_process, behind_walls = pool.run([task(file, "process_id"), walled])
    finally:
        pool.close()
    assert value(in_a_process)
    assert behind_walls.code == "refused"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks processes up in /proc")
def test_nothing_is_left_when_the_parent_is_killed(file: str, tmp_path: Path) -> None:
    script = f"""
import json, sys, threading
from apigen_ray.records import Api, Source
from apigen_ray.runners.base import ExecutionSpec, Task
from apigen_ray.runners.process import ProcessRunner
def made(entry, **arguments):
    return Task(Api(entry, "", {{}}, source=Source("python", {file!r}, entry, runner="process")), json.dumps(arguments))
runner = ProcessRunner(ExecutionSpec(timeout_s=60))
print(runner.run([made("process_id")])[0].value, flush=True)
runner.run([made("sleep", seconds=60)])
"""
    root = str(Path(__file__).parents[2])
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=root) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        time.sleep(0.2)
        os.kill(parent.pid, signal.SIGKILL)
    assert gone(child)


def test_manifest_and_report_say_it(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_TOKEN", "s3cret")
    apis = [task(file, "fetch", hosts=("api.acme.com",), env=("ACME_TOKEN",)).api] * 2
    kept = confinement(SPEC, apis)
    assert kept == {"process": [{"functions": {"acme": 2}, "hosts": ["api.acme.com"], "env": ["ACME_TOKEN"]}]}
    told = "acme: process runner: no language layer, no kernel walls but limits; hosts: api.acme.com"
    assert client_words(kept["process"][0]) == f"{told}; environment: ACME_TOKEN"
    (bare,) = clients([Source("python", "corp.users", "f", runner="process"), Source("python", file, "walled")])
    assert client_words(bare).startswith("corp: process runner")
    assert client_words(bare).endswith("hosts: none")
    assert confinement(ExecutionSpec(mode="none"), apis) == {}
