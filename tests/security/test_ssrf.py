"""The REST runner is led to no address inside: by none in a document, by no name, no redirect, no name that changes."""

import json
import ssl
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpcore
import pytest

from apigen_ray.library.request import RequestForm, SecretForm
from apigen_ray.records import Api, Source, Status
from apigen_ray.runners.base import ExecutionSpec, Outcome, Task
from apigen_ray.runners.rest.leases import LocalLeases
from apigen_ray.runners.rest.runner import RestRunner
from apigen_ray.runners.rest.spec import RestSpec

PUBLIC = "93.184.215.14"
METADATA = "169.254.169.254"


class Internet:
    """A resolver whose answers are given, and connections that lead to the server on loopback whatever their address.

    Attributes:
        names: for each name its answers, one after the other; the last one for ever.
        asked: the names that were resolved.
        reached: the addresses that connections were made to.
    """

    def __init__(self, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: dict[str, list[list[str]]] = {"public.example": [[PUBLIC]], "inner.example": [["10.0.0.7"]]}
        self.asked: list[str] = []
        self.reached: list[str] = []
        self.server = server
        self._runners: list[RestRunner] = []
        connect = httpcore.AnyIOBackend.connect_tcp

        async def lead(
            backend: httpcore.AnyIOBackend, host: str, port: int, *rest: Any, **more: Any
        ) -> httpcore.AsyncNetworkStream:
            self.reached.append(host)
            return await connect(backend, "127.0.0.1", server.port, *rest, **more)

        monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", lead)

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        answers = self.names.get(host, [[host]])
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def get(self, *urls: str, auth: tuple[SecretForm, ...] = (), **settings: Any) -> list[Outcome]:
        """The outcomes of GET to each of the URLs, one batch after the other, by one runner."""
        spec = RestSpec(**{"requests_per_s": None, "max_retries": 0, **settings})
        runner = RestRunner(ExecutionSpec(rest=spec), LocalLeases(), self.resolve)
        self._runners.append(runner)
        out = []
        for url in urls:
            scheme, _, rest = url.partition("://")
            server, slash, path = rest.partition("/")
            form = RequestForm("GET", f"{scheme}://{server}", slash + path or "/", auth=auth)
            source = Source("openapi", "x", "x", runner="rest", request=form.dumps())
            out += runner.run([Task(Api("x", "", {}, source=source), "{}")])
        return out

    def close(self) -> None:
        for runner in self._runners:
            runner.close()


@pytest.fixture
def internet(http_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Internet]:
    one = Internet(http_server, monkeypatch)
    yield one
    one.close()


def blocked(outcome: Outcome) -> bool:
    return (outcome.status, outcome.code, outcome.value) == (Status.REJECTED, "blocked_address", None)


def test_the_public_internet_is_reached_at_the_address_that_was_judged(internet: Internet) -> None:
    [outcome] = internet.get("http://public.example/x")
    assert outcome.status == Status.PASSED
    assert internet.reached == [PUBLIC]
    assert internet.server.came[0].headers["host"] == "public.example"


HOSTS = [METADATA, "127.0.0.1", "10.1.2.3", "192.168.0.1", "172.20.0.1", "100.100.100.200", "0.0.0.0"]  # noqa: S104 - asked, not bound
HOSTS += ["168.63.129.16", "224.0.0.1", "255.255.255.255", "[::1]", "[::]", "[fd00:ec2::254]", "[fe80::1]", "[ff02::1]"]
HOSTS += ["[::ffff:127.0.0.1]", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "[::127.0.0.1]"]


@pytest.mark.parametrize("host", HOSTS)
def test_by_address(internet: Internet, host: str) -> None:
    [outcome] = internet.get(f"http://{host}/latest/meta-data/")
    assert blocked(outcome)
    assert "execution.rest.allow_hosts" in outcome.detail
    assert not internet.reached


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0x7f.0.0.1", "127.1", "localhost", "LOCALHOST", "localhost."]
)
def test_by_address_in_other_spellings_and_this_machines_own_name(host: str, http_server: Any) -> None:
    spec = ExecutionSpec(rest=RestSpec(max_retries=0))
    form = RequestForm("GET", f"http://{host}:{http_server.port}", "/")
    source = Source("openapi", "x", "x", runner="rest", request=form.dumps())
    runner = RestRunner(spec, LocalLeases())  # with the system's own resolver
    try:
        [outcome] = runner.run([Task(Api("x", "", {}, source=source), "{}")])
    finally:
        runner.close()
    assert blocked(outcome)
    assert not http_server.came


@pytest.mark.parametrize("answer", [["10.0.0.7"], [METADATA], [PUBLIC, "127.0.0.1"], ["::1", PUBLIC], ["fe80::1%eth0"]])
def test_by_name(internet: Internet, answer: list[str]) -> None:
    internet.names["public.example"] = [answer]
    [outcome] = internet.get("http://public.example/")
    assert blocked(outcome)
    assert not internet.reached


def test_a_host_that_the_user_names_is_reached_and_no_other_port_of_it(internet: Internet) -> None:
    named = internet.get("http://inner.example:8000/", "http://inner.example/", allow_hosts=("inner.example:8000",))
    assert [outcome.code for outcome in named] == ["", "blocked_address"]
    assert internet.reached == ["10.0.0.7"]
    internet.names["inner.example"] = [[METADATA]]
    assert blocked(internet.get("http://inner.example/", allow_hosts=("inner.example",))[0])
    assert internet.reached == ["10.0.0.7"]


REDIRECTS = [f"http://{METADATA}/latest/meta-data/", "http://127.0.0.1:22/", "http://[::1]/", "//localhost/x"]
REDIRECTS += ["http://inner.example/", "http://named.example/admin", "https://named.example/"]


@pytest.mark.parametrize("location", REDIRECTS)
def test_by_redirect(internet: Internet, answer: Any, location: str) -> None:
    internet.names |= {"localhost": [["127.0.0.1"]], "named.example": [["10.0.0.8"]]}
    internet.server.serve = lambda came: answer(302, headers={"location": location})
    # also a host that the user has named is for those who ask it themselves, not for whom the internet sends there
    [outcome] = internet.get("http://public.example/", allow_hosts=("named.example",))
    assert blocked(outcome)
    assert internet.reached == [PUBLIC]


def test_a_named_host_sends_to_a_named_host_and_nowhere_else(internet: Internet, answer: Any) -> None:
    internet.names["named.example"] = [["10.0.0.8"]]

    def serve(came: Any) -> Any:
        return answer(302, headers={"location": f"http://{came.path[1:]}/"}) if len(came.path) > 1 else answer.json({})

    internet.server.serve = serve
    allow = ("inner.example", "named.example")
    urls = [f"http://inner.example/{to}" for to in ("named.example", "public.example", "127.0.0.1", METADATA)]
    assert [o.code for o in internet.get(*urls, allow_hosts=allow)] == ["", "", "blocked_address", "blocked_address"]
    assert set(internet.reached) == {"10.0.0.7", "10.0.0.8", PUBLIC}


def test_a_connection_to_a_named_host_is_not_lent_to_whom_the_internet_sends_there(
    internet: Internet, answer: Any
) -> None:
    location = {"location": "http://inner.example/"}
    internet.server.serve = lambda came: (
        answer(302, headers=location) if came.headers["host"] == "public.example" else answer.json({})
    )
    outcomes = internet.get("http://inner.example/", "http://public.example/", allow_hosts=("inner.example",))
    assert [outcome.code for outcome in outcomes] == ["", "blocked_address"]


@pytest.mark.parametrize("then", ["127.0.0.1", METADATA, "10.0.0.7"])
def test_by_a_name_that_changes_its_address(internet: Internet, answer: Any, then: str) -> None:
    internet.names["public.example"] = [[PUBLIC], [then]]
    internet.server.serve = lambda came: answer.json({}, headers={"connection": "close"})
    first, second = internet.get("http://public.example/", "http://public.example/")
    assert first.status == Status.PASSED
    assert blocked(second)
    assert internet.reached == [PUBLIC]  # not resolved again between the judgement and the connection
    assert internet.asked == ["public.example"] * 2


def test_by_a_name_that_changes_its_address_on_a_redirect_to_itself(internet: Internet, answer: Any) -> None:
    internet.names["public.example"] = [[PUBLIC], ["127.0.0.1"]]
    internet.server.serve = lambda came: answer(302, headers={"location": "/again", "connection": "close"})
    [outcome] = internet.get("http://public.example/")
    assert blocked(outcome)
    assert internet.reached == [PUBLIC]


def test_by_the_address_that_gives_tokens(internet: Internet, answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSRF_ID", "id")
    monkeypatch.setenv("SSRF_SECRET", "secret-of-the-client")
    env = ("SSRF_ID", "SSRF_SECRET")
    inside = SecretForm("oauth2", "header", "Authorization", env, f"http://{METADATA}/token")
    assert blocked(internet.get("http://public.example/", auth=(inside,))[0])
    assert not internet.reached
    outside = SecretForm("oauth2", "header", "Authorization", env, "http://public.example/token")
    internet.server.serve = lambda came: answer(302, headers={"location": f"http://{METADATA}/"})
    [outcome] = internet.get("http://public.example/", auth=(outside,))
    assert (outcome.status, outcome.code) == (Status.ERROR, "no_credentials")
    assert internet.reached == [PUBLIC]


def test_tls_is_no_way_around(internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    wrapped: list[Any] = []
    wrap: Callable[..., Any] = ssl.SSLContext.wrap_bio
    monkeypatch.setattr(ssl.SSLContext, "wrap_bio", lambda *given, **more: wrapped.append(more) or wrap(*given, **more))
    internet.names["public.example"] = [["10.0.0.7"]]
    assert blocked(internet.get("https://public.example/")[0])
    assert not wrapped


def test_what_is_inside_is_not_told(internet: Internet, answer: Any) -> None:
    internet.server.serve = lambda came: answer.json({"token": "of-the-metadata-service"})
    [outcome] = internet.get(f"http://{METADATA}/")
    assert "of-the-metadata-service" not in json.dumps(outcome.form())
