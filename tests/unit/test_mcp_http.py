"""The runner ``mcp`` over streamable HTTP, against a server on loopback that does all that a server should not do."""

import gzip
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from apigen_ray.errors import EnvironmentFault
from apigen_ray.library.mcp import HttpServer, ToolForm
from apigen_ray.records import Api, Source, Status
from apigen_ray.runners.base import CODES, ExecutionSpec, Outcome, Task
from apigen_ray.runners.mcp import McpRunner, list_tools
from apigen_ray.runners.mcp import runner as mcp_runner
from apigen_ray.runners.rest.guard import Guard


class Web(ThreadingHTTPServer):
    """The server, and what it has met."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.calls: list[str] = []
        self.methods: list[str] = []
        self.sessions = 0
        self.release = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves in the middle of an answer is what we want to see."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Web

    def do_GET(self) -> None:
        self.server.methods.append("GET")
        self.send_error(405)

    def do_DELETE(self) -> None:
        self.server.methods.append("DELETE")
        self.plain(b"", 204)

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        method, number = request["method"], request.get("id")
        if number is None:
            self.plain(b"", 202)
        elif method == "initialize":
            self.server.sessions += 1
            info = {"capabilities": {"tools": {}}, "serverInfo": {"name": "web", "version": "1"}}
            body = self.said(number, {"protocolVersion": "2025-06-18"} | info)
            self.plain(body, session=f"session-{self.server.sessions}")
        elif method == "tools/list":
            self.plain(self.said(number, {"tools": [{"name": "echo", "inputSchema": {"type": "object"}}]}))
        else:
            self.call(number, request["params"]["name"], request["params"].get("arguments", {}))

    def call(self, number: int, name: str, given: dict) -> None:
        self.server.calls.append(name)
        text = {"content": [{"type": "text", "text": "done"}]}
        if name == "echo":
            self.plain(self.said(number, {"content": [], "structuredContent": given}))
        elif name == "headers":
            self.plain(self.said(number, {"content": [], "structuredContent": dict(self.headers)}))
        elif name == "events":
            self.events([json.dumps({"jsonrpc": "2.0", "method": "notifications/message"}), self.said(number, text)])
        elif name == "many_events":
            self.events([json.dumps({"jsonrpc": "2.0", "method": "notifications/message"})] * 10_500)
        elif name == "large":
            self.plain(self.said(number, {"content": [{"type": "text", "text": "x" * (9 << 20)}]}))
        elif name == "large_event":
            self.events([self.said(number, {"content": [{"type": "text", "text": "x" * (9 << 20)}]})])
        elif name == "compressed":
            self.plain(gzip.compress(self.said(number, text)), encoding="gzip")
        elif name == "status":
            self.plain(b"<h1>Not  today</h1>", given["status"], kind="text/html")
        elif name == "refuses":
            error = {"jsonrpc": "2.0", "id": None, "error": {"code": -32602, "message": "no such harbour"}}
            self.plain(json.dumps(error).encode(), 400)
        elif name == "forgets" and self.headers["Mcp-Session-Id"] != f"session-{given['session']}":
            self.plain(b"Session not found", 404, kind="text/plain")
        elif name in ("drops", "drops_read_only") or (name == "drops_once" and self.server.calls.count(name) == 1):
            self.close_connection = True
        elif name == "half":
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"jsonrpc": "2.0", ')
            self.close_connection = True
        elif name == "half_event":
            self.events(['{"jsonrpc": '])
        elif name == "html":
            self.plain(b"<h1>Welcome</h1>", kind="text/html")
        elif name == "nonsense":
            self.plain(b"[1, 2")
        elif name == "accepted":
            self.plain(b"", 202)
        elif name == "elsewhere":
            self.plain(b"", 307, location="http://169.254.169.254/latest/meta-data/")
        elif name == "silent":
            self.server.release.wait(60)
            self.close_connection = True
        else:
            self.close_connection = name == "closing"
            self.plain(self.said(number, text))

    def said(self, number: int, result: dict) -> Any:
        return json.dumps({"jsonrpc": "2.0", "id": number, "result": result}).encode()

    def events(self, events: list) -> None:
        texts = [event if isinstance(event, str) else event.decode() for event in events]
        self.plain("".join(f"data: {text}\n\n" for text in texts).encode(), kind="text/event-stream")

    def plain(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", headers.get("kind", "application/json"))
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Heard", self.headers.get("Authorization", ""))
        names = {"session": "Mcp-Session-Id", "location": "Location", "encoding": "Content-Encoding"}
        for word in headers.keys() & names.keys():
            self.send_header(names[word], headers[word])
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web()
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield web
    web.release.set()
    web.shutdown()
    thread.join()
    web.server_close()


def spec(*allowed: str, **keys: Any) -> ExecutionSpec:
    return ExecutionSpec.model_validate({"timeout_s": 60, "rest": {"allow_hosts": allowed}} | keys)


@pytest.fixture
def runner() -> Iterator[McpRunner]:
    runner = McpRunner(spec("127.0.0.1", "localhost"))
    yield runner
    runner.close()


def task(
    web: Web, tool: str, arguments: Any = None, host: str = "127.0.0.1", auth: str | None = None, **form: Any
) -> Task:
    server = HttpServer(url=f"http://{host}:{web.server_port}/mcp", auth=auth)
    request = ToolForm(server=server, tool=tool, **form).dumps()
    source = Source("mcp", "tools.json", tool, runner="mcp", request=request)
    return Task(Api(tool, "", {}, source=source), json.dumps(arguments or {}))


def brief(outcome: Outcome) -> tuple[str, str]:
    assert outcome.code in ("", *CODES)
    assert len(outcome.detail) <= 500
    assert (outcome.value is None) == (outcome.status != Status.PASSED)
    return str(outcome.status), outcome.code


def test_calls_in_one_session_that_is_ended_at_the_end(web: Web, runner: McpRunner) -> None:
    outcomes = runner.run([task(web, "echo", {"n": n, "none": None}) for n in range(20)] + [task(web, "events")])
    assert [json.loads(outcome.value or "") for outcome in outcomes] == [
        *({"n": n, "none": None} for n in range(20)),
        "done",
    ]
    assert runner.run([task(web, "echo")])[0].value == "{}"
    runner.close()
    assert (web.sessions, web.methods) == (1, ["DELETE"])  # no standing stream of which nobody reads


def test_what_goes_wrong_with_a_call_is_its_own(web: Web, runner: McpRunner) -> None:
    cases = [
        ("refuses", {}, "rejected", "argument_error", "no such harbour"),
        ("status", {"status": 401}, "rejected", "http_error", "HTTP status 401: <h1>Not today</h1>"),
        ("status", {"status": 500}, "rejected", "http_error", "HTTP status 500"),
        ("status", {"status": 503}, "error", "endpoint_unavailable", "HTTP status 503"),
        ("status", {"status": 429}, "error", "endpoint_unavailable", "HTTP status 429"),
        ("large", {}, "rejected", "output_too_large", "8 MiB"),
        ("large_event", {}, "rejected", "output_too_large", "8 MiB"),
        ("many_events", {}, "rejected", "output_too_large", ""),
        ("compressed", {}, "rejected", "bad_output", "compressed"),
        ("nonsense", {}, "rejected", "bad_output", "JSON"),
        ("half", {}, "error", "server_error", "the connection broke"),
        ("half_event", {}, "rejected", "bad_output", ""),
        ("html", {}, "rejected", "exec_error", "text/html"),
        ("accepted", {}, "rejected", "exec_error", "202"),
        ("elsewhere", {}, "rejected", "exec_error", "169.254.169.254"),
        ("echo", {}, "passed", "", ""),
    ]
    outcomes = runner.run([task(web, name, given) for name, given, *_ in cases])
    assert [brief(outcome) for outcome in outcomes] == [case[2:4] for case in cases]
    for outcome, case in zip(outcomes, cases, strict=True):
        assert case[4] in outcome.detail


def test_a_session_that_the_server_has_forgotten_is_begun_anew(web: Web, runner: McpRunner) -> None:
    assert runner.run([task(web, "echo")])[0].code == ""
    [outcome] = runner.run([task(web, "forgets", {"session": 2})])  # the call was not looked at: it may be made again
    assert outcome.value == '"done"'
    [never] = runner.run([task(web, "forgets", {"session": 9})])
    assert brief(never) == ("rejected", "http_error")
    assert web.sessions == 3


def test_a_connection_that_breaks_during_a_call(web: Web, runner: McpRunner) -> None:
    [outcome] = runner.run([task(web, "drops")])
    assert brief(outcome) == ("error", "server_error")
    assert "not made again" in outcome.detail
    [hinted] = runner.run([task(web, "drops_read_only", read_only=True)])
    assert brief(hinted) == ("error", "server_error")
    [once] = runner.run([task(web, "drops_once", idempotent=True)])
    assert once.value == '"done"'
    assert [web.calls.count(name) for name in ("drops", "drops_read_only", "drops_once")] == [1, 2, 2]


def test_silence_is_a_timeout(web: Web) -> None:
    runner = McpRunner(spec("127.0.0.1", timeout_s=1))
    try:
        assert runner.run([task(web, "echo")])[0].code == ""
        assert brief(runner.run([task(web, "silent")])[0]) == ("rejected", "timeout")
        assert runner.run([task(web, "echo")])[0].code == ""
    finally:
        web.release.set()
        runner.close()


def test_a_server_that_is_not_there(web: Web, runner: McpRunner) -> None:
    web.server_close()
    [outcome] = runner.run([task(web, "echo")])
    assert brief(outcome) == ("error", "server_error")
    assert "does not answer" in outcome.detail


def test_a_server_that_goes_between_two_calls_costs_none_that_is_made_when_it_is_back(
    web: Web, runner: McpRunner
) -> None:
    assert runner.run([task(web, "closing")])[0].code == ""
    port = web.server_port
    web.shutdown()
    web.server_close()
    [outcome] = runner.run([task(web, "done")])
    assert brief(outcome) == ("error", "server_error")
    assert "no session with the server" in outcome.detail  # not: that it was lost during the call, which nobody took
    back = Web(port)
    thread = threading.Thread(target=back.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        assert runner.run([task(back, "done")])[0].code == ""
    finally:
        back.shutdown()
        thread.join()
        back.server_close()


def test_a_token_goes_to_the_server_and_nowhere_else(
    web: Web, runner: McpRunner, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("TOOLS_TOKEN", "t0ken-of-ours")
    [outcome] = runner.run([task(web, "headers", auth="TOOLS_TOKEN")])
    headers = {name.lower(): value for name, value in json.loads(outcome.value or "").items()}
    assert headers["authorization"] == "Bearer ***"
    assert headers["host"] == f"127.0.0.1:{web.server_port}"
    assert headers["accept-encoding"] == "identity"
    assert "t0ken" not in caplog.text  # though the server has sent it back in a header


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"])
def test_private_addresses_are_refused_unless_they_are_named(web: Web, host: str) -> None:
    runner = McpRunner(spec())
    try:
        [outcome] = runner.run([task(web, "echo", host=host)])
    finally:
        runner.close()
    assert brief(outcome) == ("rejected", "blocked_address")
    assert "loopback" in outcome.detail
    assert web.sessions == 0


def test_a_name_is_reached_at_an_address_that_was_judged(
    web: Web, runner: McpRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        assert (host, port) == ("tools.example", web.server_port)
        return ["127.0.0.9", "127.0.0.1"]  # the system knows no such name; at the first nobody listens

    monkeypatch.setattr(mcp_runner, "Guard", lambda hosts: Guard([*hosts, "tools.example"], resolve))
    [outcome] = runner.run([task(web, "headers", host="tools.example")])
    assert json.loads(outcome.value or "")["Host"] == f"tools.example:{web.server_port}"


def test_a_list_of_tools(web: Web) -> None:
    server = HttpServer(url=f"http://127.0.0.1:{web.server_port}/mcp")
    assert [tool["name"] for tool in list_tools(server, allow_hosts=["127.0.0.1"])["tools"]] == ["echo"]
    with pytest.raises(EnvironmentFault, match="loopback"):
        list_tools(server)
