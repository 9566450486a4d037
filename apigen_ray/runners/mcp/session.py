"""One session with a server, by the official SDK, in one event loop: opened, called, closed, and what may go wrong."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncGenerator
from typing import Any

import httpx2
from mcp.client import Client, ClientSession, Transport
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp.types import (
    CONNECTION_CLOSED,
    CallToolRequest,
    CallToolRequestParams,
    Implementation,
    ListToolsRequest,
    PaginatedRequestParams,
)
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from apigen_ray.library.mcp import HttpServer, StdioServer
from apigen_ray.records import Json
from apigen_ray.runners.mcp.answers import ToolAnswer
from apigen_ray.runners.mcp.faults import BLOCKED, BROKEN_WORDS, OURS, TOO_LARGE_WORDS, UNREACHABLE
from apigen_ray.runners.mcp.program import Program
from apigen_ray.runners.mcp.web import GuardedTransport
from apigen_ray.runners.rest.guard import Guard
from apigen_ray.runners.rest.secrets import NoCredentials, read_secret, secrets_among

_CONNECT_S = 10.0
_CLOSE_S = 10.0
_US = Implementation(name="apigen-ray", version="1")
_MODES = ("legacy", "auto")
# Servers of all ages take the older handshake. The newer one opens with a question that some older ones do not answer,
# and others end at, so it is for those that say no to the older one.

# The SDK logs what servers write, secrets and all; its session does so under a name that others may have, too.
logging.getLogger("mcp").setLevel(logging.CRITICAL)
logging.getLogger("httpcore2").setLevel(logging.INFO)  # at DEBUG it writes down the headers of every answer
logging.getLogger("client").addFilter(lambda record: not record.pathname.endswith("mcp/client/session.py"))


class StartFault(Exception):
    """A server with which there is no session, in words.

    Attributes:
        code: of the outcome of a call that would need it.
    """

    def __init__(self, words: str, code: str = "server_error") -> None:
        super().__init__(words)
        self.code = code


class ToolPage(BaseModel):
    """One page of ``tools/list``, as it came.

    Attributes:
        tools: of the page.
        cursor: of the page that follows; None: this is the last.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    tools: tuple[Json, ...]
    cursor: str | None = Field(default=None, alias="nextCursor")


def environment(server: StdioServer) -> dict[str, str]:
    """What a program is given of the environment here, by its names there.

    Raises:
        NoCredentials: a variable is not set.
    """
    for name in server.env.values():
        if name not in os.environ:
            raise NoCredentials(f"the environment variable {name} is not set where calls are executed")
    return {there: os.environ[name] for there, name in server.env.items()}


def secrets_of(server: StdioServer | HttpServer) -> list[str]:
    """What a server is given that nobody may see.

    Raises:
        NoCredentials: a variable is not set.
    """
    if isinstance(server, HttpServer):
        return [read_secret(server.auth)] if server.auth else []
    return secrets_among(environment(server).values())


class Session:
    """A session.

    Args:
        server: with whom.
        guard: judges where an HTTP server's name leads to.
        read_s: seconds that a server may be silent in the middle of an HTTP answer.

    Attributes:
        heard: when it answered last, on the monotonic clock.
        worn: no further calls are to go over it; those under way may end.
    """

    def __init__(self, server: StdioServer | HttpServer, guard: Guard, read_s: float) -> None:
        self.heard = time.monotonic()
        self.worn = False
        self._server, self._guard, self._read_s = server, guard, read_s
        self._program: Program | None = None
        self._client: Client | None = None
        self._task: asyncio.Task[None] | None = None
        self._over = asyncio.Event()

    @property
    def ended(self) -> bool:
        """Whether the server is known to be gone."""
        gone = self._program is not None and self._program.ended
        return gone or self._task is None or self._task.done()

    def lost(self, error: MCPError) -> bool:
        """Whether an error of a call means that nobody answers any more, and not that the server refuses."""
        if TOO_LARGE_WORDS in error.message:
            return False
        if error.code == CONNECTION_CLOSED:  # servers use this number for errors of their own, too
            return self._program is None or self._program.ended
        return error.code == UNREACHABLE or BROKEN_WORDS in error.message

    def said(self, error: Exception) -> str:
        """What went wrong, in words: of a program that is gone how it ended, else the error's own."""
        if self._program is not None and isinstance(error, MCPError) and error.code == CONNECTION_CLOSED:
            return self._program.said()
        if isinstance(error, ValidationError):
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            return f"not what the protocol says: {place}{': ' if place else ''}{first['msg']}"
        return str(error) or type(error).__name__

    async def open(self, seconds: float) -> None:
        """Starts or reaches the server, and agrees on a version with it.

        Raises:
            StartFault: no session comes about; everything is ended by then.
            NoCredentials: a variable that the server needs is not set.
        """
        try:
            async with asyncio.timeout(seconds):
                for mode in _MODES:
                    try:
                        await self._begin(mode)
                        break
                    except MCPError as error:
                        refused = error.code not in OURS and error.code != CONNECTION_CLOSED
                        if not refused or mode == _MODES[-1]:
                            raise
        except TimeoutError:
            raise StartFault(f"it agrees to no session within {seconds:g} s{self._hint()}") from None
        except NoCredentials:
            raise
        except OSError as error:
            raise StartFault(f"it cannot be started: {error.strerror or error}: {error.filename}") from error
        except Exception as error:
            code = "blocked_address" if isinstance(error, MCPError) and error.code == BLOCKED else "server_error"
            raise StartFault(self.said(error), code) from error

    async def call(self, tool: str, arguments: Json) -> ToolAnswer:
        """The answer of a tool.

        Raises:
            MCPError: the server refuses the call, or there is no answer.
            ValidationError: the answer is not what the protocol says.
        """
        request = CallToolRequest(params=CallToolRequestParams(name=tool, arguments=arguments))
        try:
            answer = await self._calls().send_request(request, ToolAnswer)
        except (MCPError, ValidationError) as error:
            if isinstance(error, ValidationError) or not self.lost(error):
                self.heard = time.monotonic()
            raise
        self.heard = time.monotonic()
        return answer

    async def page(self, cursor: str | None) -> ToolPage:
        """A page of the list of tools.

        Raises:
            MCPError: the server refuses, or there is no answer.
            ValidationError: the answer is not what the protocol says.
        """
        request = ListToolsRequest(params=PaginatedRequestParams(cursor=cursor))
        return await self._calls().send_request(request, ToolPage)

    async def close(self) -> None:
        """Ends the session, and with it the server where it is a program."""
        self._over.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=_CLOSE_S)
            await self._cancel(self._task)

    def _calls(self) -> ClientSession:
        if self._client is None:
            raise RuntimeError("the session is not open")
        return self._client.session

    async def _begin(self, mode: str) -> None:
        ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._hold(mode, ready))
        try:
            self._client = await ready
        except BaseException:
            await self._cancel(self._task)
            raise

    async def _hold(self, mode: str, ready: "asyncio.Future[Client]") -> None:
        """Has the session open, in one task from its begin to its end as the SDK's scopes ask for it."""
        try:
            async with Client(self._transport(), mode=mode, client_info=_US) as client:
                ready.set_result(client)
                await self._over.wait()
        except Exception as error:
            if not ready.done():
                ready.set_exception(_leaf(error))  # later on those who wait for answers are told by the SDK

    async def _cancel(self, task: "asyncio.Task[None]") -> None:
        task.cancel()
        await asyncio.wait({task})

    def _transport(self) -> Transport:
        if isinstance(self._server, StdioServer):
            self._program = Program(self._server, environment(self._server))
            return self._program.transport()
        return self._web(self._server)

    @contextlib.asynccontextmanager
    async def _web(self, server: HttpServer) -> AsyncGenerator[Any]:
        headers = {"Authorization": f"Bearer {read_secret(server.auth)}"} if server.auth else {}
        limits = httpx2.Timeout(_CONNECT_S, read=self._read_s)
        transport = GuardedTransport(self._guard)
        async with (
            httpx2.AsyncClient(transport=transport, headers=headers, timeout=limits, trust_env=False) as client,
            streamable_http_client(server.url, http_client=client, max_sse_event_size=None) as streams,
        ):
            yield streams

    def _hint(self) -> str:
        last = self._program.last if self._program is not None else ""
        return f"; the last that it said: {last}" if last else ""


def _leaf(error: Exception) -> Exception:
    """The first of the errors that a task group has put together."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
