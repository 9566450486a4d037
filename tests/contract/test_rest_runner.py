"""What the REST runner owes, against a real server on loopback: every documented behaviour, well and badly behaved."""

import asyncio
import base64
import gzip
import json
import logging
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from apigen_ray.library.request import FieldForm, RequestForm, SecretForm
from apigen_ray.records import Api, Source, Status
from apigen_ray.runners.base import CODES, ExecutionSpec, Outcome, Task
from apigen_ray.runners.rest.leases import LocalLeases
from apigen_ray.runners.rest.runner import RestRunner
from apigen_ray.runners.rest.spec import HostLimit, RestSpec

FAST: dict[str, Any] = {"allow_hosts": ("127.0.0.1",), "requests_per_s": None, "backoff_s": 0.001, "max_backoff_s": 1.0}
BEARER = SecretForm("bearer", "header", "Authorization", ("REST_TOKEN",))
SECRET = "sk-Very+Secret/0123456789="  # noqa: S105 - made up, for servers on loopback


def api(server: str, method: str = "GET", path: str = "/x", fields: Sequence[FieldForm] = (), **more: Any) -> Api:
    form = RequestForm(method, server, path, tuple(fields), **more)
    return Api("x", "", {}, source=Source("openapi", "x.yaml", "x", runner="rest", request=form.dumps()))


class Setting:
    """Runners that are closed at the end, and the server that they ask."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.url = f"http://127.0.0.1:{server.port}"
        self._runners: list[RestRunner] = []

    def runner(self, resolve: Any = None, **settings: Any) -> RestRunner:
        spec = ExecutionSpec(rest=RestSpec(**{**FAST, **settings}))
        self._runners.append(RestRunner(spec, LocalLeases(), resolve))
        return self._runners[-1]

    def one(self, target: Api | None = None, arguments: str = "{}", **settings: Any) -> Outcome:
        """The outcome of one call; of GET /x where no API is given."""
        return self.runner(**settings).run([Task(target or api(self.url), arguments)])[0]

    def answers(self, *answers: Any) -> None:
        """The server gives these answers, one after the other, and the last one for ever."""
        left = list(answers)
        self.server.serve = lambda came: left.pop(0) if len(left) > 1 else left[0]

    def close(self) -> None:
        for runner in self._runners:
            runner.close()


@pytest.fixture
def rest(http_server: Any) -> Iterator[Setting]:
    setting = Setting(http_server)
    yield setting
    setting.close()


def body(outcome: Outcome) -> Any:
    assert outcome.status == Status.PASSED, outcome
    return json.loads(outcome.value or "")["body"]


# What every runner owes.


def test_one_outcome_for_each_task_in_order(rest: Setting) -> None:
    numbered = api(rest.url, path="/n/{id}", fields=[FieldForm("id", "id", "path"), FieldForm("q", "the q", "query")])
    tasks = [Task(numbered, json.dumps({"id": number, "q": "a b"})) for number in range(40)]
    bad = ["", "[]", '{"id": NaN}', '{"id": 1, "id": 2}', '{"nothing": 1}', "{}", '{"id": ".."}', "\ud800"]
    bad += [json.dumps({"id": "x" * 70_000})]  # no URL is so long
    others = [Api("formless", "", {}), Api("x", "", {}, source=Source("openapi", "l", "e", runner="rest"))]
    others += [api("ftp://127.0.0.1"), api("http://"), api("http://u:p@127.0.0.1"), api("http://127.0.0.1:99999")]
    tasks += [Task(numbered, text) for text in bad] + [Task(other, "{}") for other in others]
    outcomes = rest.runner().run(tasks)
    assert [body(outcome)["path"] for outcome in outcomes[:40]] == [f"/n/{n}?the%20q=a%20b" for n in range(40)]
    assert [outcome.code for outcome in outcomes[40:]] == ["argument_error"] * 9 + ["unknown_function"] * 6
    for outcome in outcomes:
        assert (outcome.status == Status.PASSED) == (outcome.code == "") == (outcome.value is not None)
        assert outcome.code in (*CODES, "")
        assert len(outcome.detail) <= 500
    assert len(rest.server.came) == 40


def test_nothing_to_run_and_closing_twice_and_going_on(rest: Setting) -> None:
    runner = rest.runner()
    runner.close()
    assert runner.run([]) == []
    task = Task(api(rest.url), "{}")
    assert runner.run([task])[0].status == Status.PASSED
    runner.close()
    runner.close()
    assert runner.run([task])[0].status == Status.PASSED


def test_of_a_batch_that_is_interrupted_no_further_calls_are_made(rest: Setting, answer: Any) -> None:
    asked: list[Any] = []

    def serve(came: Any) -> Any:
        asked.append(came)
        if len(asked) == 1:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        return answer.json({}, delay=0.02)

    rest.server.serve = serve
    runner, task = rest.runner(concurrency=1), Task(api(rest.url), "{}")
    with pytest.raises(KeyboardInterrupt):
        runner.run([task] * 300)
    before = len(asked)
    assert before < 300
    assert runner.run([task])[0].status == Status.PASSED
    assert len(asked) <= before + 2  # one may have been on its way


def test_threads_take_turns(rest: Setting) -> None:
    runner, codes = rest.runner(), []
    tasks = [Task(api(rest.url), "{}")] * 5
    threads = [threading.Thread(target=lambda: codes.extend(o.code for o in runner.run(tasks))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [""] * 20


# The request and its answer.


def test_what_is_sent_and_what_is_kept(rest: Setting, answer: Any) -> None:
    rest.answers(answer(201, b'{"a": 1}', {"content-type": "application/json; charset=utf-8"}))
    outcome = rest.one()
    assert outcome.value == '{"status":201,"content_type":"application/json","body":{"a":1}}'
    assert outcome.seconds > 0
    [came] = rest.server.came
    assert came.headers == {
        "host": f"127.0.0.1:{rest.server.port}",
        "accept-encoding": "gzip, deflate",
        "accept": "application/json, text/plain;q=0.9, */*;q=0.1",
        "user-agent": "apigen-ray",
    }


def test_what_a_header_argument_cannot_do(rest: Setting) -> None:
    names = ("Host", "Content-Length", "Transfer-Encoding", "Connection", "X-Own", "Accept-Encoding")
    target = api(rest.url, fields=[FieldForm(name, name, "header") for name in names])
    for name in names[:4]:
        assert rest.one(target, json.dumps({name: "5"})).code == "argument_error"
    for bad in ("a\r\nX-Evil: 1", "\u00fc"):
        assert rest.one(target, json.dumps({"X-Own": bad})).code == "argument_error"
    assert not rest.server.came
    assert rest.one(target, '{"X-Own": "yes", "Accept-Encoding": "br"}').status == Status.PASSED
    headers = rest.server.came[0].headers
    assert (headers["x-own"], headers["accept-encoding"]) == ("yes", "gzip, deflate")


def test_methods_that_were_not_allowed_are_refused(rest: Setting) -> None:
    fields = [FieldForm("a", "a", "property")]
    target = api(rest.url, "POST", fields=fields, media="application/json")
    outcome = rest.one(target, '{"a": 1}')
    assert (outcome.status, outcome.code) == (Status.REJECTED, "method_refused")
    assert not rest.server.came
    assert rest.one(target, '{"a": 1}', methods=("GET", "POST")).status == Status.PASSED
    assert (rest.server.came[0].method, rest.server.came[0].body) == ("POST", b'{"a":1}')
    for method in ("HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"):
        assert rest.one(api(rest.url, method)).code == "method_refused"


def test_bad_content(rest: Setting, answer: Any) -> None:
    for text, media in ((b"<html>Sign in", "application/json"), (b"", "application/json"), (b"{", "application/json")):
        rest.answers(answer(200, text, {"content-type": media}))
        outcome = rest.one()
        assert (outcome.status, outcome.code) == (Status.REJECTED, "bad_output")
    rest.answers(answer(204))
    assert body(rest.one()) is None


def test_a_body_above_the_cap(rest: Setting, answer: Any) -> None:
    rest.answers(answer.json("x" * 998))
    assert body(rest.one(max_bytes=1000)) == "x" * 998
    for large in (answer.json("x" * 999), answer(200, gzip.compress(bytes(3_000_000)), {"content-encoding": "gzip"})):
        rest.answers(large)
        assert rest.one(max_bytes=1000).code == "output_too_large"
    rest.answers(answer(200, gzip.compress(b'{"a": 1}'), {"content-encoding": "gzip", "content-type": "text/json"}))
    assert body(rest.one(max_bytes=1000)) == {"a": 1}
    rest.answers(answer(200, gzip.compress(gzip.compress(b"1")), {"content-encoding": "gzip, gzip"}))
    assert rest.one().code == "bad_output"


# Errors, other tries, timeouts.


def test_errors_of_the_call_and_of_the_moment(rest: Setting, answer: Any) -> None:
    for status, code, tries in ((404, "http_error", 1), (500, "http_error", 1), (503, "endpoint_unavailable", 3)):
        rest.server.came.clear()
        rest.answers(answer.json({"message": "no such pet"}, status))
        outcome = rest.one()
        assert (outcome.code, len(rest.server.came)) == (code, tries)
        assert outcome.detail == f"HTTP {status} from 127.0.0.1: no such pet"
        assert (outcome.status == Status.ERROR) == (code == "endpoint_unavailable")


def test_another_try_may_help(rest: Setting, answer: Any) -> None:
    rest.answers(answer(429), answer(drop=True), answer.json({"a": 1}))
    assert body(rest.one()) == {"a": 1}
    assert len(rest.server.came) == 3
    rest.answers(answer(502), answer.json({}))
    assert rest.one(max_retries=0).code == "endpoint_unavailable"
    rest.answers(answer.json({"a": 1}, cut=True), answer.json({"a": 2}))
    assert body(rest.one()) == {"a": 2}


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_may_not_be_repeated_is_not(rest: Setting, answer: Any, method: str) -> None:
    for bad in (answer(503, headers={"retry-after": "0"}), answer(drop=True), answer(429)):
        rest.server.came.clear()
        rest.answers(bad)
        assert rest.one(api(rest.url, method), methods=(method,)).code == "endpoint_unavailable"
        assert len(rest.server.came) == 1


def test_a_server_says_when_to_come_again(rest: Setting, answer: Any) -> None:
    rest.answers(answer(429, headers={"retry-after": "0.3"}), answer.json({}))
    assert rest.one().status == Status.PASSED
    first, second = (came.at for came in rest.server.came)
    assert second - first >= 0.29
    rest.server.came.clear()
    rest.answers(answer(503, headers={"retry-after": "0.2"}), answer.json({}))
    assert {outcome.code for outcome in rest.runner(concurrency=1).run([Task(api(rest.url), "{}")] * 3)} == {""}
    first, *_, again = (came.at for came in rest.server.came)
    assert again - first >= 0.19
    rest.server.came.clear()
    rest.answers(answer(429, headers={"retry-after": "0.2"}), answer.json({}))
    assert {outcome.code for outcome in rest.runner(concurrency=1).run([Task(api(rest.url), "{}")] * 3)} == {""}
    first, *others = (came.at for came in rest.server.came)
    assert min(others) - first >= 0.19  # 429 is said to all
    late = [{"retry-after": "2"}, {"retry-after": format_datetime(datetime.now(UTC) + timedelta(hours=1))}]
    for headers in late:  # later than we are willing to wait
        rest.server.came.clear()
        rest.answers(answer(503, headers=headers))
        assert rest.one().code == "endpoint_unavailable"
        assert len(rest.server.came) == 1
    rest.answers(answer(503, headers={"retry-after": "soon"}), answer.json({}))
    assert rest.one().status == Status.PASSED


def test_nobody_there(rest: Setting) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        outcome = rest.one(api(f"http://127.0.0.1:{taken.getsockname()[1]}"))
    assert (outcome.status, outcome.code) == (Status.ERROR, "endpoint_unavailable")
    outcome = rest.one(api("http://no-such-name.invalid"))
    assert (outcome.status, outcome.code) == (Status.ERROR, "endpoint_unavailable")


def test_a_host_that_answers_nobody_is_let_alone(rest: Setting, answer: Any) -> None:
    rest.answers(answer(drop=True))
    runner = rest.runner(concurrency=1, max_retries=0)
    outcomes = runner.run([Task(api(rest.url), "{}")] * 40)
    assert {(outcome.status, outcome.code) for outcome in outcomes} == {(Status.ERROR, "endpoint_unavailable")}
    assert len(rest.server.came) == 5
    assert "not asked" in outcomes[-1].detail
    fine = api(rest.url.replace("127.0.0.1", "localhost"))
    assert runner.run([Task(fine, "{}")])[0].code == "blocked_address"  # another host
    runner = rest.runner(concurrency=1, max_retries=0)
    tasks = [Task(api(rest.url, path="/{id}", fields=[FieldForm("id", "id", "path")]), "{}")] * 20
    assert {outcome.code for outcome in runner.run(tasks)} == {"argument_error"}  # nobody was asked: says nothing of it
    rest.answers(answer(503))
    assert {outcome.code for outcome in runner.run([Task(api(rest.url), "{}")] * 10)} == {"endpoint_unavailable"}
    assert len(rest.server.came) == 15


def test_timeouts(rest: Setting, answer: Any) -> None:
    rest.answers(answer.json({}, delay=30))
    assert rest.one(read_timeout_s=0.05).code == "timeout"
    rest.answers(answer.json({"a": "x" * 500}, drip=0.02))  # never silent, never done
    outcome = rest.one(timeout_s=0.2, read_timeout_s=5)
    assert (outcome.status, outcome.code) == (Status.REJECTED, "timeout")
    assert "0.2 s" in outcome.detail

    async def slow(host: str, port: int) -> Sequence[str]:
        await silent.wait()
        return []

    silent = asyncio.Event()
    outcome = rest.one(resolve=slow, connect_timeout_s=0.05, max_retries=1)
    assert (outcome.status, outcome.code) == (Status.ERROR, "endpoint_unavailable")
    with socket.create_server(("127.0.0.1", 0)) as silent_server:  # takes the connection, and says nothing of TLS
        outcome = rest.one(
            api(f"https://127.0.0.1:{silent_server.getsockname()[1]}"), connect_timeout_s=0.1, max_retries=0
        )
        assert outcome.code == "endpoint_unavailable"
        outcome = rest.one(api(f"https://127.0.0.1:{silent_server.getsockname()[1]}"), timeout_s=0.1)
        assert outcome.code == "timeout"


@pytest.mark.parametrize(
    "raw", [b"\0\1\2\3\r\n\r\n", b"HTTP/1.1 200 OK\r\nx" + b"y" * 200_000, b"HTTP/1.1 abc\r\n\r\n"]
)
def test_what_does_not_speak_http(rest: Setting, raw: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def speak() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(raw)

        thread = threading.Thread(target=speak, daemon=True)
        thread.start()
        outcome = rest.one(api(f"http://127.0.0.1:{server.getsockname()[1]}"), max_retries=0)
        thread.join(10)
    assert (outcome.status, outcome.code) == (Status.ERROR, "endpoint_unavailable")


# Limits.


def test_connections_are_kept_but_for_what_may_not_be_repeated(rest: Setting) -> None:
    runner = rest.runner(concurrency=1, methods=("GET", "POST"))
    runner.run([Task(api(rest.url), "{}")] * 20)
    kept = rest.server.connections
    assert kept <= 5  # one, unless the machine is so slow that it is too old for the next
    runner.run([Task(api(rest.url, "POST"), "{}")] * 3)
    assert rest.server.connections == kept + 3


def test_no_more_at_a_time_than_a_host_bears(rest: Setting, answer: Any) -> None:
    rest.answers(answer.json({}, delay=0.01))
    runner = rest.runner(concurrency=3)
    assert {outcome.code for outcome in runner.run([Task(api(rest.url), "{}")] * 30)} == {""}
    assert rest.server.most == 3


def test_no_more_in_a_second_than_a_host_bears(rest: Setting) -> None:
    host = f"127.0.0.1:{rest.server.port}"
    runner = rest.runner(hosts=(HostLimit(host=host, requests_per_s=100),))
    assert {outcome.code for outcome in runner.run([Task(api(rest.url), "{}")] * 31)} == {""}
    times = [came.at for came in rest.server.came]
    assert max(times) - min(times) >= 0.25  # thirty steps of 10 ms, and a little less where the first one came late


# Redirects.


def test_redirects_are_followed_so_far(rest: Setting, answer: Any) -> None:
    rest.server.serve = lambda came: (
        answer(302, headers={"location": f"/x{came.path}"}) if len(came.path) < 8 else answer.json({"path": came.path})
    )
    assert body(rest.one(max_redirects=3)) == {"path": "/x/x/x/x"}
    outcome = rest.one(max_redirects=2)
    assert (outcome.status, outcome.code) == (Status.REJECTED, "redirect_refused")
    assert outcome.detail == "127.0.0.1: more than 2 redirects"
    assert rest.one(max_redirects=0).code == "redirect_refused"


def test_a_change_is_not_sent_after_a_redirect(rest: Setting, answer: Any) -> None:
    rest.answers(answer(307, headers={"location": "/y"}), answer.json({}))
    assert rest.one(api(rest.url, "PUT"), methods=("PUT",)).code == "redirect_refused"
    assert len(rest.server.came) == 1


def test_another_origin_gets_no_secret(rest: Setting, answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REST_TOKEN", SECRET)
    cookie = SecretForm("apiKey", "cookie", "sid", ("REST_TOKEN",))
    target = api(rest.url, auth=(BEARER, cookie), constants=(("header", "X-Own", "1"),))
    other = type(rest.server)()
    try:
        rest.answers(answer(302, headers={"location": f"http://127.0.0.1:{other.port}/z"}))
        assert body(rest.one(target)) == {"path": "/z"}
        assert other.came[0].headers.keys() == {"host", "accept", "accept-encoding", "user-agent"}
        rest.server.came.clear()
        rest.answers(answer(302, headers={"location": "/y"}), answer.json({}))
        assert rest.one(target).status == Status.PASSED
        assert rest.server.came[1].headers["authorization"] == f"Bearer {SECRET}"
    finally:
        other.close()


# Credentials.


def test_each_kind_of_credential(rest: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REST_TOKEN", SECRET)
    monkeypatch.setenv("REST_USER", "jo")
    key = ("REST_TOKEN",)
    auth = (
        SecretForm("apiKey", "header", "X-Key", key),
        SecretForm("apiKey", "query", "key", key),
        SecretForm("apiKey", "cookie", "sid", key),
    )
    assert rest.one(api(rest.url, auth=auth)).status == Status.PASSED
    [came] = rest.server.came
    assert came.headers["x-key"] == SECRET
    assert parse_qs(came.path.partition("?")[2]) == {"key": [SECRET]}
    assert SECRET.rstrip("=") in came.headers["cookie"]
    assert rest.one(api(rest.url, auth=(BEARER,))).status == Status.PASSED
    assert rest.server.came[-1].headers["authorization"] == f"Bearer {SECRET}"
    plain = SecretForm("basic", "header", "Authorization", ("REST_USER", "REST_TOKEN"))
    assert rest.one(api(rest.url, auth=(plain,))).status == Status.PASSED
    kind, _, coded = rest.server.came[-1].headers["authorization"].partition(" ")
    assert (kind, base64.b64decode(coded)) == ("Basic", f"jo:{SECRET}".encode())


def test_a_credential_that_is_not_there(rest: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REST_TOKEN", raising=False)
    runner = rest.runner()
    outcome = runner.run([Task(api(rest.url, auth=(BEARER,)), "{}")])[0]
    assert (outcome.status, outcome.code) == (Status.ERROR, "no_credentials")
    assert "REST_TOKEN" in outcome.detail
    assert not rest.server.came
    monkeypatch.setenv("REST_TOKEN", SECRET)
    assert runner.run([Task(api(rest.url, auth=(BEARER,)), "{}")])[0].status == Status.PASSED


class Gate:
    """An OAuth 2 server and the API behind it: takes the token that it gave last.

    Attributes:
        given: tokens so far.
        in_body: takes the client's secret in the body only.
    """

    def __init__(self, rest: Setting, answer: Any) -> None:
        self.given, self.in_body, self.answer = 0, False, answer
        rest.server.serve = self.serve
        env = ("REST_USER", "REST_TOKEN")
        form = SecretForm("oauth2", "header", "Authorization", env, f"{rest.url}/token", ("read", "list"))
        self.api = api(rest.url, auth=(form,))

    def serve(self, came: Any) -> Any:
        if came.path == "/token":
            fields = parse_qs(came.body.decode())
            assert fields["grant_type"] == ["client_credentials"]
            assert fields["scope"] == ["read list"]
            basic = came.headers.get("authorization", "").removeprefix("Basic ")
            known = (
                fields.get("client_secret") == [SECRET]
                if self.in_body
                else base64.b64decode(basic) == b"jo:sk-Very%2BSecret%2F0123456789%3D"
            )
            if not known:
                return self.answer.json({"error": "invalid_client", "secret": SECRET}, 401)
            self.given += 1
            return self.answer.json({"access_token": f"token-{self.given}", "token_type": "Bearer", "expires_in": 600})
        if came.headers["authorization"] != f"Bearer token-{self.given}":
            return self.answer.json({"message": "expired"}, 401)
        return self.answer.json({"you said": came.headers["authorization"]})


def test_client_credentials(rest: Setting, answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REST_TOKEN", SECRET)
    monkeypatch.setenv("REST_USER", "jo")
    gate, runner = Gate(rest, answer), rest.runner()
    outcomes = runner.run([Task(gate.api, "{}")] * 10)
    assert [body(outcome) for outcome in outcomes] == [{"you said": "Bearer ***"}] * 10  # a token is a secret, too
    assert gate.given == 1
    gate.given = 7  # the server has forgotten what it gave
    assert runner.run([Task(gate.api, "{}")])[0].status == Status.PASSED
    assert gate.given == 8
    gate.in_body = True
    assert rest.one(gate.api).status == Status.PASSED
    never = rest.server.serve
    rest.server.serve = lambda came: never(came) if came.path == "/token" else answer.json({"message": "no"}, 401)
    before = gate.given
    assert runner.run([Task(gate.api, "{}")])[0].code == "http_error"
    assert gate.given == before + 1  # once, not for ever
    monkeypatch.setenv("REST_TOKEN", "wrong-wrong")
    outcome = rest.one(gate.api)
    assert (outcome.status, outcome.code) == (Status.ERROR, "no_credentials")


def echo(came: Any, answer: Any) -> Any:
    """What a careless server gives back: all that it was sent, in every form."""
    said = [*came.headers.values(), came.path, came.body.decode()]
    wrapped = [base64.b64encode(text.encode()).decode() for text in said] + [json.dumps(text) for text in said]
    status = 400 if "bad" in came.path else 302 if "away" in came.path else 200
    if "plain" in came.path:
        return answer(status, "\n".join(said + wrapped).encode(), {"content-type": f"text/{said[-2]}"})
    location = "gopher://" + came.headers.get("authorization", "x")
    return answer.json(
        {"said": said, "wrapped": wrapped, **{text: 1 for text in said}}, status, headers={"location": location}
    )


def test_no_secret_in_any_outcome_or_log(
    rest: Setting, answer: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("REST_TOKEN", SECRET)
    monkeypatch.setenv("REST_USER", "jo")
    rest.server.serve = lambda came: echo(came, answer)
    env, one = ("REST_USER", "REST_TOKEN"), ("REST_TOKEN",)
    kinds = [BEARER, SecretForm("basic", "header", "Authorization", env)]
    kinds += [SecretForm("apiKey", place, "key", one) for place in ("query", "header", "cookie")]
    tasks = [
        Task(api(rest.url, path=f"/{path}", auth=(kind,)), "{}")
        for kind in kinds
        for path in ("json", "plain", "bad", "bad/plain", "away")
    ]
    tasks += [Task(api(rest.url, path="/json"), "{}")]
    runner = rest.runner()
    outcomes = runner.run(tasks)
    assert {outcome.code for outcome in outcomes} == {"", "http_error", "redirect_refused"}
    with socket.create_server(("127.0.0.1", 0)) as server:  # what the HTTP library says of it names the line

        def speak() -> None:
            connection, _ = server.accept()
            with connection:
                sent = next(line for line in connection.recv(65536).split(b"\r\n") if b"Bearer" in line)
                connection.sendall(b"HTTP/1.1 200 OK\r\n\0" + sent + b"\r\n\r\n")

        thread = threading.Thread(target=speak, daemon=True)
        thread.start()
        target = api(f"http://127.0.0.1:{server.getsockname()[1]}", auth=(BEARER,))
        outcomes += rest.runner(max_retries=0).run([Task(target, "{}")])
        thread.join(10)
    assert outcomes[-1].code == "endpoint_unavailable"
    assert "***" in outcomes[-1].detail
    forms = [
        SECRET,
        SECRET.rstrip("="),
        "sk-Very%2BSecret",
        "Very+Secret",
        base64.b64encode(SECRET.encode()).decode()[:20],
    ]
    text = repr(outcomes) + repr(runner) + caplog.text
    for form in [*forms, base64.b64encode(f"jo:{SECRET}".encode()).decode()[8:30]]:
        assert form not in text
    assert "***" in text
    assert f"Bearer {SECRET}" in [came.headers.get("authorization") for came in rest.server.came]  # it was sent at all


# The way to the server.


def test_no_proxy_from_the_environment(rest: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert rest.one().status == Status.PASSED


@pytest.fixture
def certificate(tmp_path: Path) -> Callable[[str], Path]:
    def make(name: str) -> Path:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder(subject, subject, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        file = tmp_path / f"{name}.pem"
        pem = serialization.Encoding.PEM
        secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file.write_bytes(secret + made.public_bytes(pem))
        return file

    return make


def test_tls_goes_by_the_name(
    rest: Setting, certificate: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = certificate("service.test")
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    asked: list[str | None] = []
    heads: list[bytes] = []
    context.sni_callback = lambda connection, name, _: asked.append(name)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for _ in range(2):
                plain, _ = listening.accept()
                try:
                    with context.wrap_socket(plain, server_side=True) as connection:
                        heads.append(connection.recv(65536))
                        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
                except ssl.SSLError:
                    heads.append(b"")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = listening.getsockname()[1]
        allow = {"resolve": resolve, "allow_hosts": ("service.test", "other.test"), "max_retries": 0}
        assert body(rest.one(api(f"https://service.test:{port}"), **allow)) == {}
        outcome = rest.one(api(f"https://other.test:{port}"), **allow)
        thread.join(30)
    assert asked == ["service.test", "other.test"]
    assert f"host: service.test:{port}".encode() in heads[0].lower()
    assert (outcome.status, outcome.code) == (Status.ERROR, "endpoint_unavailable")
    assert "other.test" in outcome.detail
