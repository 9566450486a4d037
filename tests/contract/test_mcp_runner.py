"""The runner ``mcp`` against servers over stdio: one that works, and every way of not working that we know."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from apigen_ray.errors import EnvironmentFault, LibraryError
from apigen_ray.library.mcp import HttpServer, McpSource, StdioServer, ToolForm
from apigen_ray.records import Api, Source, Status
from apigen_ray.runners.base import CODES, ExecutionSpec, Outcome, Task
from apigen_ray.runners.mcp import McpRunner, calls, list_tools, listing

ROOT = Path(__file__).parents[2]

SERVER = r"""
import json, os, subprocess, sys, time

def write(text):
    os.write(1, text.encode())

def say(number, result=None, **more):
    write(json.dumps({"jsonrpc": "2.0", "id": number} | ({"result": result} if result is not None else more)) + "\n")

def text(words):
    return {"content": [{"type": "text", "text": words}]}

def call(number, name, given):
    if name == "echo":
        say(number, {"content": [], "structuredContent": given})
    elif name == "text":
        say(number, text(given["text"]))
    elif name == "content":
        say(number, {"content": given["content"]})
    elif name == "fails":
        say(number, text(given["text"]) | {"isError": True})
    elif name == "error":
        say(number, error={"code": given["code"], "message": given.get("message", "no")})
    elif name == "environment":
        say(number, {"content": [], "structuredContent": dict(os.environ)})
    elif name in ("note", "note_and_die"):  # what was really done, however often
        with open(given["file"], "a") as file:
            file.write("x")
        if name == "note":
            say(number, text("noted"))
        else:
            print("the disk is full of", os.environ.get("SECRET"), file=sys.stderr, flush=True)
            os._exit(3)
    elif name == "die_once":
        if not os.path.exists(given["file"]):
            open(given["file"], "w").close()
            os._exit(3)
        say(number, text("alive"))
    elif name == "close":
        os.close(1)
        time.sleep(3600)
    elif name == "silent":
        pass
    elif name == "freeze":
        child = subprocess.Popen(["sleep", "3600"])
        with open(given["file"], "w") as file:
            file.write(f"{os.getpid()} {child.pid}\n")
        time.sleep(3600)
    elif name == "chatter":  # all that is no answer, and then one
        write("Listening on stdio\n\n{\"jsonrpc\": \"2.0\"}\n[]\n\xff\xfe\n" + json.dumps({"a": 1}) + "\n")
        say(999, {"content": []})
        write(json.dumps({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info"}}) + "\n")
        write(json.dumps({"jsonrpc": "2.0", "id": "theirs", "method": "roots/list"}) + "\n")
        say(number, text("done"))
    elif name == "nonsense":
        write('{"jsonrpc": "2.0", "id": %d, "result": {"content": [,]}}\n' % number)
    elif name == "half":
        say(number, {"content": [], "structuredContent": "\ud800"})
    elif name == "odd":
        say(number, {"content": 5})
    elif name == "asks":
        say(number, {"resultType": "input_required", "inputRequests": {}})
    elif name == "nan":
        write('{"jsonrpc": "2.0", "id": %d, "result": {"content": [], "structuredContent": {"x": NaN}}}\n' % number)
    elif name == "large":
        say(number, text("x" * given["size"]))
    elif name == "large_first":  # as servers in TypeScript write it: the number comes last
        result = json.dumps(text("x" * given["size"]))
        write('{"result": %s, "jsonrpc": "2.0", "id": %d}\n' % (result, number))
    elif name == "flood":
        while True:
            write("no message, but a line\n" * 1000)
    elif name == "endless":
        while True:
            write("no end of a line" * 4096)

def main(how):
    if how == "exits":
        sys.exit("no such table: harbours of " + os.environ.get("SECRET", "anybody"))
    if how == "floods":
        call(0, "flood", {})
    for line in sys.stdin:
        request = json.loads(line)
        method, number = request["method"], request.get("id")
        if how == "mute" or number is None or "method" not in request:
            continue
        if how == "garbage":
            write("I am no server\n")
        elif method == "initialize" and how == "modern":
            say(number, error={"code": -32022, "message": "too old", "data": {"supported": ["2026-07-28"]}})
        elif method == "server/discover":
            capable = {"capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "public"}
            say(number, {"resultType": "complete", "supportedVersions": ["2026-07-28"]} | capable)
        elif method == "initialize":
            version = "1900-01-01" if how == "ancient" else "2025-06-18"
            info = {"capabilities": {"tools": {}}, "serverInfo": {"name": "bad", "version": "1"}}
            say(number, {"protocolVersion": version} | info)
        elif method == "tools/list":
            cursor = int(request.get("params", {}).get("cursor", "0"))
            tool = {"name": f"tool_{cursor}", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": True}}
            tool["description"] = "A tool of " + os.environ.get("SECRET", "anybody")
            following = {"last": cursor + 1 if cursor < 2 else None, "circle": (cursor + 1) % 3, "all": cursor + 1}
            more = following.get(how)
            say(number, {"tools": [tool]} | ({"nextCursor": str(more)} if more is not None else {}))
        elif method == "tools/call":
            params = request["params"]
            complete = {"resultType": "complete"} if how == "modern" else {}
            if how == "modern":
                say(number, {"content": [], "structuredContent": params["arguments"]} | complete)
            else:
                call(number, params["name"], params.get("arguments") or {})

main(sys.argv[1] if len(sys.argv) > 1 else "")
"""

Caller = Callable[..., Task]


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("server") / "server.py"
    path.write_text(SERVER)
    return path


@pytest.fixture
def server(script: Path) -> StdioServer:
    return StdioServer(command=(sys.executable, "-I", "-S", str(script)))


@pytest.fixture
def runner() -> Iterator[McpRunner]:
    runner = McpRunner(ExecutionSpec(timeout_s=60))
    yield runner
    runner.close()


def task(server: StdioServer | HttpServer, tool: str, arguments: Any = None, **form: Any) -> Task:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    request = ToolForm(server=server, tool=tool, **form).dumps()
    return Task(Api(tool, "", {}, source=Source("mcp", "tools.json", tool, runner="mcp", request=request)), text)


def how(server: StdioServer, word: str) -> StdioServer:
    return server.model_copy(update={"command": (*server.command, word)})


def brief(outcome: Outcome) -> tuple[str, str]:
    assert outcome.code in ("", *CODES)
    assert len(outcome.detail) <= 500
    assert (outcome.value is None) == (outcome.status != Status.PASSED)
    return str(outcome.status), outcome.code


def gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_what_a_tool_answers(server: StdioServer, runner: McpRunner) -> None:
    given = {"n": 1, "none": None, "deep": [{"none": None}], "word": "é\u2028"}
    picture = {"type": "image", "mimeType": "image/png", "data": "AAAA"}
    file = {"type": "resource", "resource": {"uri": "file:///a", "blob": "AAA="}}
    note = {"type": "resource", "resource": {"uri": "file:///b", "text": "words"}}
    link = {"type": "resource_link", "uri": "file:///c", "name": "c"}
    words = {"type": "text", "text": "a"}
    tasks = {
        json.dumps(given): task(server, "echo", given),
        "[1,2]": task(server, "text", {"text": "[1, 2]"}),
        '"plain [text"': task(server, "text", {"text": "plain [text"}),
        '"a\\na"': task(server, "content", {"content": [words, words]}),
        "null": task(server, "content", {"content": []}),
        '[{"type":"image","mimeType":"image/png","bytes":3},"a"]': task(
            server, "content", {"content": [picture, words]}
        ),
        json.dumps([{"type": "resource", "uri": "file:///a", "bytes": 2}, "words", link]): task(
            server, "content", {"content": [file, note, link]}
        ),
        '"done"': task(server, "chatter"),
    }
    outcomes = runner.run(list(tasks.values()))
    assert [brief(outcome) for outcome in outcomes] == [("passed", "")] * len(tasks)
    assert [json.loads(outcome.value or "") for outcome in outcomes] == [json.loads(text) for text in tasks]


def test_what_goes_wrong_with_a_call_is_its_own(server: StdioServer, runner: McpRunner) -> None:
    cases = [
        (task(server, "fails", {"text": "it is closed"}), "rejected", "exec_error", "it is closed"),
        (task(server, "fails", {"text": "long " * 9999}), "rejected", "exec_error", "long long"),
        (task(server, "error", {"code": -32602}), "rejected", "argument_error", "no"),
        (task(server, "error", {"code": -32601}), "rejected", "unknown_function", "no"),
        (task(server, "error", {"code": -32603}), "rejected", "exec_error", "no"),
        (task(server, "error", {"code": -32000, "message": "its own"}), "rejected", "exec_error", "its own"),
        (task(server, "nonsense"), "rejected", "bad_output", "no JSON-RPC"),
        (task(server, "half"), "rejected", "bad_output", "no JSON-RPC"),
        (task(server, "odd"), "rejected", "bad_output", "not what the protocol says: content"),
        (task(server, "nan"), "rejected", "bad_output", "no plain data"),
        (task(server, "asks"), "rejected", "bad_output", ""),
        (task(server, "large", {"size": 300_000}), "rejected", "output_too_large", "300002 bytes"),
        (task(server, "large", {"size": 9 << 20}), "rejected", "output_too_large", "8 MiB"),
        (task(server, "large_first", {"size": 9 << 20}), "rejected", "output_too_large", "8 MiB"),
        (task(server, "echo", "[]"), "rejected", "argument_error", "no JSON object"),
        (task(server, "echo", '{"a": NaN}'), "rejected", "argument_error", "NaN"),
        (Task(Api("x", "", {}), "{}"), "rejected", "unknown_function", "no server"),
        (
            Task(Api("x", "", {}, source=Source("mcp", "x", "x", request="{}")), "{}"),
            "rejected",
            "unknown_function",
            "",
        ),
        (task(server, "echo", {"still": "there"}), "passed", "", ""),
    ]
    outcomes = runner.run([case[0] for case in cases])
    assert [brief(outcome) for outcome in outcomes] == [case[1:3] for case in cases]
    for outcome, case in zip(outcomes, cases, strict=True):
        assert case[3] in outcome.detail


def test_calls_are_under_way_at_a_time_and_no_more_than_may_be(script: Path, runner: McpRunner) -> None:
    gate = r"""
import json, os, select
waiting, data = [], b""
while True:
    if len(waiting) >= 3 and not select.select([0], [], [], 0.2)[0]:  # no more than these have come
        for number in waiting:
            result = {"content": [], "structuredContent": {"n": len(waiting)}}
            print(json.dumps({"jsonrpc": "2.0", "id": number, "result": result}), flush=True)
        waiting = []
    *lines, data = (data + os.read(0, 65536)).split(b"\n")
    for request in map(json.loads, lines):
        if request["method"] == "initialize":
            info = {"capabilities": {"tools": {}}, "serverInfo": {"name": "gate", "version": "1"}}
            result = {"protocolVersion": "2025-06-18"} | info
            print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}), flush=True)
        elif request["method"] == "tools/call":
            waiting.append(request["id"])
    if not lines and not data:
        break
"""
    path = script.with_name("gate.py")
    path.write_text(gate)
    server = StdioServer(command=(sys.executable, "-I", "-S", str(path)), concurrency=3)
    outcomes = runner.run([task(server, "any")] * 6)
    assert [json.loads(outcome.value or "null") for outcome in outcomes] == [{"n": 3}] * 6


def test_a_server_is_kept_between_batches_and_begun_anew_when_it_died(
    server: StdioServer, runner: McpRunner, tmp_path: Path
) -> None:
    assert runner.run([task(server, "echo", {"a": 0})])[0].value == '{"a":0}'
    (first,) = runner._servers.values()
    session = first._session
    assert runner.run([task(server, "echo", {"a": 1})])[0].value == '{"a":1}'
    assert first._session is session
    [died] = runner.run([task(server, "note_and_die", {"file": str(tmp_path / "f")})])
    assert brief(died) == ("error", "server_error")
    assert runner.run([task(server, "echo", {"a": 2})])[0].value == '{"a":2}'
    assert first._session is not session


def test_no_call_is_made_twice_unless_the_tool_says_that_it_does_no_harm(
    server: StdioServer, runner: McpRunner, tmp_path: Path
) -> None:
    files = [tmp_path / name for name in ("plain", "hinted", "once")]
    arguments = [{"file": str(file)} for file in files]
    [plain] = runner.run([task(server, "note_and_die", arguments[0])])
    assert brief(plain) == ("error", "server_error")
    assert "not made again" in plain.detail
    assert "exit status 3" in plain.detail
    [hinted] = runner.run([task(server, "note_and_die", arguments[1], idempotent=True)])
    assert brief(hinted) == ("error", "server_error")
    [once] = runner.run([task(server, "die_once", arguments[2], read_only=True)])
    assert (once.value, once.code) == ('"alive"', "")
    assert [file.read_text() for file in files[:2]] == ["x", "xx"]


def test_a_server_that_ends_at_every_call_is_not_started_for_ever(
    server: StdioServer, runner: McpRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "STARTS", 2)
    one = server.model_copy(update={"concurrency": 1})
    file = tmp_path / "notes"
    outcomes = runner.run([task(one, "note_and_die", {"file": str(file)})] * 6)
    assert {brief(outcome) for outcome in outcomes} == {("error", "server_error")}
    assert "2 times" in outcomes[-1].detail
    assert file.read_text() == "xx"
    assert runner.run([task(one, "echo", {"a": 1})])[0].value == '{"a":1}'  # another batch, another try


def test_silence_is_a_timeout_and_a_server_that_hangs_is_begun_anew(server: StdioServer, tmp_path: Path) -> None:
    runner = McpRunner(ExecutionSpec(timeout_s=2))
    try:
        assert runner.run([task(server, "echo", {"warm": 1})])[0].code == ""
        (kept,) = runner._servers.values()
        session = kept._session
        silent, heard = runner.run([task(server, "silent"), task(server, "echo", {"a": 1})])
        assert brief(silent) == ("rejected", "timeout")
        assert heard.value == '{"a":1}'
        assert runner.run([task(server, "echo", {"a": 1})])[0].value == '{"a":1}'
        assert kept._session is session  # it had answered others meanwhile
        [frozen] = runner.run([task(server, "freeze", {"file": str(tmp_path / "ids")})])
        assert brief(frozen) == ("rejected", "timeout")
        assert runner.run([task(server, "echo", {"a": 2})])[0].value == '{"a":2}'
        assert kept._session is not session
        ids = [int(word) for word in (tmp_path / "ids").read_text().split()]
        wait_until(lambda: all(map(gone, ids)))
    finally:
        runner.close()


@pytest.mark.parametrize(("tool", "words"), [("flood", "floods"), ("endless", "floods"), ("close", "closed its end")])
def test_what_a_server_writes_is_bounded(server: StdioServer, runner: McpRunner, tool: str, words: str) -> None:
    [outcome] = runner.run([task(server, tool)])
    assert brief(outcome) == ("error", "server_error")
    assert words in outcome.detail
    assert runner.run([task(server, "echo", {"a": 1})])[0].value == '{"a":1}'


@pytest.mark.parametrize(
    ("word", "limit", "said"),
    [
        ("exits", 60, "exit status 1: no such table: harbours"),
        ("floods", 60, "floods"),
        ("ancient", 60, "1900-01-01"),
        ("mute", 0.3, "within 0.3 s"),
        pytest.param("garbage", 3, "I am no server", marks=pytest.mark.long),
    ],
)
def test_a_server_with_which_there_is_no_session(
    server: StdioServer, runner: McpRunner, monkeypatch: pytest.MonkeyPatch, word: str, limit: float, said: str
) -> None:
    monkeypatch.setattr(calls, "START_S", limit)
    outcomes = runner.run([task(how(server, word), "echo")] * 3)
    assert [brief(outcome) for outcome in outcomes] == [("error", "server_error")] * 3
    assert said in outcomes[0].detail
    assert len(runner._servers) == 1
    (kept,) = runner._servers.values()
    assert kept._starts == 1  # one try for the batch, not one for each call


def test_a_program_that_is_not_there(runner: McpRunner, tmp_path: Path) -> None:
    missing = StdioServer(command=("no-such-program-of-ours",))
    nowhere = StdioServer(command=(sys.executable,), cwd=str(tmp_path / "nowhere"))
    outcomes = runner.run([task(missing, "echo"), task(nowhere, "echo")])
    assert [brief(outcome) for outcome in outcomes] == [("error", "server_error")] * 2
    assert "no-such-program-of-ours" in outcomes[0].detail
    assert "nowhere" in outcomes[1].detail


def test_a_server_of_the_newer_protocol_alone(server: StdioServer, runner: McpRunner) -> None:
    [outcome] = runner.run([task(how(server, "modern"), "any", {"a": 1})])
    assert outcome.value == '{"a":1}'


def test_the_environment_is_what_the_config_names_and_no_secret_comes_out(
    server: StdioServer, runner: McpRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OURS", "s3cret-value")
    monkeypatch.setenv("REGION", "eu")
    monkeypatch.setenv("TOKEN", "t0ken-value")
    monkeypatch.setenv("OTHER", "not theirs")
    named = server.model_copy(update={"env": {"SECRET": "OURS", "AREA": "REGION"}})
    [seen] = runner.run([task(named, "environment")])
    theirs = json.loads(seen.value or "")
    expected = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    theirs.pop("LC_CTYPE", None)  # Python's own
    assert theirs == expected | {"SECRET": "***", "AREA": "eu"}
    filled = {"auth": {"token": "TOKEN"}}
    outcomes = runner.run(
        [
            task(named, "echo", {"a": 1}, **filled),
            task(named, "fails", {"text": "x" * 495 + "t0ken-value and s3cret-value"}, **filled),
            task(named, "note_and_die", {"file": str(tmp_path / "f")}),
        ]
    )
    assert json.loads(outcomes[0].value or "") == {"a": 1, "token": "***"}
    assert brief(outcomes[2]) == ("error", "server_error")
    assert "the disk is full of ***" in outcomes[2].detail
    told = "".join(f"{outcome}" for outcome in outcomes)
    assert not {part for part in ("s3cr", "t0ke", "-val") if part in told}


def test_a_variable_that_is_not_set(server: StdioServer, runner: McpRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    needy = server.model_copy(update={"env": {"SECRET": "NOT_SET"}})
    web = HttpServer(url="http://127.0.0.1:9/mcp", auth="NOT_SET")
    tasks = [task(needy, "echo"), task(server, "echo", auth={"key": "NOT_SET"}), task(web, "echo")]
    for outcome in runner.run(tasks):
        assert brief(outcome) == ("error", "no_credentials")
        assert "NOT_SET" in outcome.detail


def test_the_example_server_from_its_list_to_its_calls(tmp_path: Path, runner: McpRunner) -> None:
    server = StdioServer(command=(sys.executable, "-m", "examples.mcp_server"), cwd=str(ROOT))
    (tmp_path / "tools.json").write_text(json.dumps(list_tools(server)))
    parsed = McpSource(path="tools.json", server=server).parse(tmp_path)
    assert len(parsed.apis) >= 10
    assert not parsed.rejects
    apis = {api.source.entry: api for api in parsed.apis if api.source}
    given = {
        "beaufort": {"wind": 12},
        "chart": {"harbour": "Cork"},
        "signal_flag": {"letter": "E"},
        "spell": {},
        "harbour_log": {"harbour": "Cork", "days": 20_000},
    }
    outcomes = runner.run([Task(apis[name], json.dumps(arguments)) for name, arguments in given.items()])
    codes = ["", "", "exec_error", "exec_error", "output_too_large"]
    assert [brief(outcome)[1] for outcome in outcomes] == codes
    assert json.loads(outcomes[0].value or "")["force"] == 4
    assert json.loads(outcomes[1].value or "")[0]["mimeType"] == "image/png"


def test_closing_ends_the_servers_and_a_closed_runner_starts_again(server: StdioServer, runner: McpRunner) -> None:
    assert runner.run([]) == []
    runner.close()
    assert runner.run([task(server, "echo", {"a": 1})])[0].value == '{"a":1}'
    runner.close()
    runner.close()
    assert runner.run([task(server, "echo", {"a": 2})])[0].value == '{"a":2}'


WORKER = """
import sys
sys.path.insert(0, sys.argv[1])
from apigen_ray.records import Api, Source
from apigen_ray.runners.base import ExecutionSpec, Task
from apigen_ray.runners.mcp import McpRunner
runner = McpRunner(ExecutionSpec(timeout_s=3600))
runner.run([Task(Api("freeze", "", {}, source=Source("mcp", "", "freeze", request=sys.argv[2])), sys.argv[3])])
"""


def test_a_killed_worker_takes_the_server_and_what_it_has_started_along(server: StdioServer, tmp_path: Path) -> None:
    ids = tmp_path / "ids"
    call = task(server, "freeze", {"file": str(ids)})
    assert call.api.source is not None
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(ROOT), call.api.source.request, call.arguments])
    try:
        wait_until(lambda: ids.exists() and ids.read_text().endswith("\n"))
        processes = [int(word) for word in ids.read_text().split()]
        assert not any(map(gone, processes))  # neither of them looks at its input
        worker.send_signal(signal.SIGKILL)
        wait_until(lambda: all(map(gone, processes)))
    finally:
        worker.kill()
        worker.wait()


def test_without_the_sdk_it_says_what_to_install(
    server: StdioServer, runner: McpRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "apigen_ray.runners.mcp.calls")
    for module in ("session", "program", "web"):
        monkeypatch.delitem(sys.modules, f"apigen_ray.runners.mcp.{module}")
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.setitem(sys.modules, "mcp.client", None)
    monkeypatch.setitem(sys.modules, "mcp.shared.exceptions", None)
    [outcome] = runner.run([task(server, "echo")])
    assert brief(outcome) == ("error", "runner_unavailable")
    assert "pip install apigen-ray[mcp]" in outcome.detail
    monkeypatch.setattr(listing.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EnvironmentFault, match=r"pip install apigen-ray\[mcp\]"):
        list_tools(server)


def test_a_list_of_tools_of_all_pages_is_a_source(server: StdioServer, tmp_path: Path) -> None:
    document = list_tools(how(server, "last"))
    assert [tool["name"] for tool in document["tools"]] == ["tool_0", "tool_1", "tool_2"]
    (tmp_path / "tools.json").write_text(json.dumps(document))
    parsed = McpSource(path="tools.json", server=server).parse(tmp_path)
    assert [api.name for api in parsed.apis] == ["tool_0", "tool_1", "tool_2"]
    for api in parsed.apis:
        assert api.source is not None
        form = ToolForm.loads(api.source.request)
        assert (api.source.executed_by, form.tool, form.read_only) == ("mcp", api.name, True)


def test_a_list_of_tools_holds_no_secret(server: StdioServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "s3cret-value")
    named = server.model_copy(update={"env": {"SECRET": "OURS"}})
    assert [tool["description"] for tool in list_tools(named)["tools"]] == ["A tool of ***"]
    with pytest.raises(EnvironmentFault, match=r"harbours of \*\*\*\s"):
        list_tools(how(named, "exits"))
    monkeypatch.delenv("OURS")
    with pytest.raises(EnvironmentFault, match="OURS is not set"):
        list_tools(named)


@pytest.mark.parametrize(
    ("word", "error", "words"),
    [
        ("circle", LibraryError, "goes in a circle"),
        ("all", LibraryError, "more than 5 pages"),
        ("exits", EnvironmentFault, "no such table"),
        ("mute", EnvironmentFault, "within 0.3 s"),
    ],
)
def test_a_list_of_tools_that_is_none(
    server: StdioServer, monkeypatch: pytest.MonkeyPatch, word: str, error: type[Exception], words: str
) -> None:
    monkeypatch.setattr(listing, "MAX_PAGES", 5)
    with pytest.raises(error, match=words):
        list_tools(how(server, word), 0.3 if word == "mute" else 60)
