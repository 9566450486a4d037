"""What tests share: one Ray session, and servers on loopback that answer as well or badly as they are told."""

import asyncio
import json
import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

Json = dict[str, Any]


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


AWS = {
    "AWS_ENDPOINT_URL": f"http://127.0.0.1:{_free_port()}",
    "AWS_ACCESS_KEY_ID": "nor-this",
    "AWS_SECRET_ACCESS_KEY": "no-file-holds-this",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""The environment of what is to reach `s3`: known before the server is there, as Ray's workers are."""


def pytest_configure() -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what it puts into the background
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("ray"):  # Ray warns of its own options when it copies its context
            item.add_marker(pytest.mark.filterwarnings("ignore::DeprecationWarning:ray[.].*"))
    # of two processes that share the files none is to begin a long one when the other has nothing left to do
    items.sort(key=lambda item: not any(item.get_closest_marker(name) for name in ("vllm", "ray")))


@pytest.fixture(scope="session")
def ray_session() -> Iterator[None]:
    """The one Ray session of a test run; tests that use it are marked ``ray``. Its workers could reach `s3`."""
    from apigen_ray.graph.session import ray_session as session

    with pytest.MonkeyPatch.context() as patch:
        for name, value in AWS.items():
            patch.setenv(name, value)
        with session():
            yield


@dataclass(frozen=True)
class Answer:
    """What the server does with one request: waits, then hangs up or answers, byte by byte or the half of it."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop: bool = False
    drip: float = 0.0
    cut: bool = False

    @classmethod
    def json(cls, value: Any, status: int = 200, **rest: Any) -> "Answer":
        return cls(
            status, json.dumps(value).encode(), {"content-type": "application/json"} | rest.pop("headers", {}), **rest
        )

    @classmethod
    def text(cls, content: Any, **rest: Any) -> "Answer":
        message = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
        return cls.json({"object": "chat.completion", "model": "loop-1", "choices": [message], "usage": usage}, **rest)


class ChatServer:
    """A server in a thread of its own.

    Attributes:
        behave: makes the answer of the request's JSON body and how often its last message has been asked, from 1.
        bodies: the JSON bodies that came, in order.
        headers: their headers, names in lower case.
        url: to be used as ``base_url``.
        most: requests that were in flight at a time, at most.
    """

    def __init__(self) -> None:
        self.behave: Callable[[Json, int], Answer] = lambda body, times: Answer.text(
            f"echo {body['messages'][-1]['content']}"
        )
        self.models = Answer.json({"object": "list", "data": [{"id": "loop"}]})
        self.bodies: list[Json] = []
        self.headers: list[dict[str, str]] = []
        self.most = self._now = 0
        self._times: Counter[str] = Counter()
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._connection, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (answer := await self._read(reader)) is not None:
                self._now += 1
                self.most = max(self.most, self._now)
                await asyncio.sleep(answer.delay)
                self._now -= 1
                if answer.drop:
                    break
                headers = {"content-length": str(len(answer.body))} | answer.headers
                head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
                content = f"HTTP/1.1 {answer.status} told\r\n{head}\r\n".encode() + answer.body
                if answer.drip:
                    for byte in content:
                        writer.write(bytes([byte]))
                        await writer.drain()
                        await asyncio.sleep(answer.drip)
                    continue
                writer.write(content[: len(content) // 2] if answer.cut else content)
                await writer.drain()
                if answer.cut:
                    break
        except (asyncio.CancelledError, ConnectionError):
            pass  # the test is over, or the client has gone: either way there is nobody left to answer
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Answer | None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        except asyncio.IncompleteReadError:
            return None
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
        content = await reader.readexactly(int(headers.get("content-length", 0)))
        if head[0].startswith("GET"):
            self.headers.append(headers)
            return self.models
        body = json.loads(content)
        self.bodies.append(body)
        self.headers.append(headers)
        last = str(body["messages"][-1]["content"])
        self._times[last] += 1
        return self.behave(body, self._times[last])


@pytest.fixture
def chat_server() -> Iterator[ChatServer]:
    server = ChatServer()
    yield server
    server.close()


@dataclass(frozen=True)
class Came:
    """A request that came: method, path with query, headers by names in lower case, body, and when."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float


class HttpServer(ChatServer):
    """As `ChatServer`, for any requests.

    Attributes:
        serve: makes the answer of a request.
        came: all requests, in order.
        port: where it listens, on 127.0.0.1.
        connections: how many were made.
    """

    def __init__(self) -> None:
        super().__init__()
        self.serve: Callable[[Came], Answer] = lambda came: Answer.json({"path": came.path})
        self.came: list[Came] = []
        self.port = int(self.url.removesuffix("/v1").rpartition(":")[2])
        self.connections = 0

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await super()._connection(reader, writer)

    async def _read(self, reader: asyncio.StreamReader) -> Answer | None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        except asyncio.IncompleteReadError:
            return None
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:-2])}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        method, path, _ = head[0].split(" ")
        self.came.append(Came(method, path, headers, body, asyncio.get_running_loop().time()))
        return self.serve(self.came[-1])


@pytest.fixture
def http_server() -> Iterator[HttpServer]:
    server = HttpServer()
    yield server
    server.close()


@pytest.fixture
def answer() -> type[Answer]:
    """The class of a server's answers (test modules cannot import this file)."""
    return Answer


class S3Server:
    """An S3-compatible server, moto's, with an empty bucket ``runs``.

    Attributes:
        refuse: gives the error code for a request (method, path), or None to let it through.
        requests: method and path of each that came.
    """

    def __init__(self, port: int) -> None:
        from moto.server import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import WSGIRequestHandler, make_server

        class Quiet(WSGIRequestHandler):
            def log(self, *args: Any) -> None:
                """Says nothing."""

        self.refuse: Callable[[str, str], str | None] = lambda method, path: None
        self.requests: list[tuple[str, str]] = []
        self._app = DomainDispatcherApplication(create_backend_app)
        self._lock = threading.Lock()
        self._server = make_server("127.0.0.1", port, self._answer, threaded=True, request_handler=Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def _answer(self, environ: Json, start: Callable[..., Any]) -> Any:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.requests.append((method, path))
        if code := self.refuse(method, path):
            start(f"{503 if code == 'SlowDown' else 403} told", [("Content-Type", "application/xml")])
            return (
                []
                if method == "HEAD"
                else [f"<Error><Code>{code}</Code><Message>{code} it is</Message></Error>".encode()]
            )
        with self._lock:  # moto looks whether an object is there and then puts it: S3 does both in one step
            return self._app(environ, start)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture(scope="session")
def _s3_server() -> Iterator[S3Server]:
    server = S3Server(int(AWS["AWS_ENDPOINT_URL"].rpartition(":")[2]))
    yield server
    server.close()


@pytest.fixture
def s3(_s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """The S3 server, with an empty bucket ``runs``, and the environment that reaches it."""
    from s3fs import S3FileSystem

    for name, value in AWS.items():
        monkeypatch.setenv(name, value)
    files = S3FileSystem()
    files.mkdir("runs")
    _s3_server.requests.clear()
    yield _s3_server
    _s3_server.refuse = lambda method, path: None
    files.rm("runs", recursive=True)
