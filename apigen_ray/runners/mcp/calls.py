"""Calls of one server: over a session that is opened where there is none, and what each call comes to."""

import asyncio
import time
from dataclasses import replace

from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, METHOD_NOT_FOUND, PARSE_ERROR, REQUEST_TIMEOUT
from pydantic import ValidationError

from apigen_ray.library.mcp import HttpServer, StdioServer, ToolForm
from apigen_ray.records import Json, Status
from apigen_ray.runners.base import Outcome
from apigen_ray.runners.mcp.answers import outcome, short, too_large
from apigen_ray.runners.mcp.faults import BLOCKED, TOO_LARGE, TOO_LARGE_WORDS, UNREACHED, UNREADABLE, http_status
from apigen_ray.runners.mcp.session import Session, StartFault, secrets_of
from apigen_ray.runners.rest.guard import Guard
from apigen_ray.runners.rest.secrets import NoCredentials, Scrubber, read_secret

START_S = 30.0
"""Seconds until a server must have agreed to a session; those that a package manager starts take their time."""

STARTS = 8
"""Sessions with one server that are begun for one batch: one that ends at every call must not take for ever."""

_AWAY = frozenset({429, 502, 503, 504})
_CODES = {
    INVALID_PARAMS: "argument_error",
    METHOD_NOT_FOUND: "unknown_function",
    REQUEST_TIMEOUT: "timeout",
    UNREADABLE: "bad_output",
    PARSE_ERROR: "bad_output",
    BLOCKED: "blocked_address",
}


class Server:
    """A server as a runner keeps it, in the runner's event loop.

    Args:
        server: how it is reached.
        guard: judges where its name leads to.
        timeout_s: seconds for one call.
    """

    def __init__(self, server: StdioServer | HttpServer, guard: Guard, timeout_s: float) -> None:
        self._server, self._guard, self._timeout_s = server, guard, timeout_s
        self._turns = asyncio.Semaphore(server.concurrency)
        self._opening = asyncio.Lock()
        self._session: Session | None = None
        self._users: dict[Session, int] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._scrubber = Scrubber()
        self._starts = 0
        self._fault: StartFault | None = None

    def begin(self) -> None:
        """Begins a batch: what could not be started may be tried again."""
        self._starts, self._fault = 0, None

    async def call(self, form: ToolForm, arguments: Json) -> Outcome:
        """What becomes of a call; never raises for what the server does."""
        async with self._turns:
            try:
                filled = {parameter: read_secret(name) for parameter, name in form.auth.items()}
                self._scrubber.learn(filled.values())
                found, again = await self._try(form, arguments | filled)
                if again:
                    found, _ = await self._try(form, arguments | filled)
            except NoCredentials as error:
                found = Outcome(Status.ERROR, "no_credentials", detail=str(error))
            except StartFault as fault:
                status = Status.REJECTED if fault.code == "blocked_address" else Status.ERROR
                found = Outcome(status, fault.code, detail=f"no session with the server: {fault}")
            except Exception as error:  # a fault of ours or of the SDK costs the call that shows it
                words = f"{type(error).__name__}: {error}"
                found = Outcome(Status.ERROR, "runner_unavailable", detail=words)
            return self._clean(found)

    async def close(self) -> None:
        """Ends its sessions, whatever is under way."""
        self._session = None
        for session in list(self._users):
            self._part(session)
        if self._closing:
            await asyncio.wait(self._closing)

    async def _try(self, form: ToolForm, arguments: Json) -> tuple[Outcome, bool]:
        """What becomes of a call that is made once, and whether it may be made once more.

        Raises:
            StartFault: there is no session.
            NoCredentials: a variable that the server needs is not set.
        """
        session = await self._open()
        self._users[session] += 1
        began = time.monotonic()
        again = False
        try:
            async with asyncio.timeout(self._timeout_s):
                found = outcome(await session.call(form.tool, arguments))
        except TimeoutError:
            session.worn |= session.heard < began  # it has answered no other call either: it hangs
            found = Outcome(Status.REJECTED, "timeout", detail=f"no answer within {self._timeout_s:g} s")
        except ValidationError as error:
            found = Outcome(Status.REJECTED, "bad_output", detail=session.said(error))
        except MCPError as error:
            again = http_status(error.code) == 404 or error.code == UNREACHED  # the call was not even looked at
            found = _refused(error)
            session.worn |= again
            if session.lost(error):
                session.worn, again = True, form.again
                words = "" if again else "; it is not made again, since the tool may change something"
                detail = f"the server was lost during the call: {session.said(error)}{words}"
                found = Outcome(Status.ERROR, "server_error", detail=detail)
        finally:
            self._leave(session)
        return replace(found, seconds=time.monotonic() - began), again

    async def _open(self) -> Session:
        """The session that calls go over.

        Raises:
            StartFault: none comes about.
            NoCredentials: a variable that the server needs is not set.
        """
        async with self._opening:
            old = self._session
            if old is not None and not old.worn and not old.ended:
                return old
            self._session = None
            if old is not None and not self._users[old]:
                self._part(old)
            if self._fault is not None:
                raise self._fault
            if self._starts >= STARTS:
                raise StartFault(f"it had to be begun {STARTS} times for one batch already")
            self._starts += 1
            self._scrubber.learn(secrets_of(self._server))
            session = Session(self._server, self._guard, self._timeout_s + 5)
            try:
                await session.open(START_S)
            except StartFault as fault:
                self._fault = fault
                raise
            self._session = session
            self._users[session] = 0
            return session

    def _leave(self, session: Session) -> None:
        if session in self._users:  # not where it was closed under the call
            self._users[session] -= 1
            if not self._users[session] and session is not self._session:
                self._part(session)

    def _part(self, session: Session) -> None:
        """Has a session closed on the side, once."""
        if self._users.pop(session, None) is not None:
            task = asyncio.create_task(session.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def _clean(self, found: Outcome) -> Outcome:
        """Without secrets, and as short as a detail may be."""
        value = None if found.value is None else self._scrubber.json_text(found.value)
        return replace(found, value=value, detail=short(self._scrubber.text(found.detail)))


def _refused(error: MCPError) -> Outcome:
    """The outcome of a call that met with an error in place of a result."""
    if error.code == TOO_LARGE or TOO_LARGE_WORDS in error.message:
        return too_large(TOO_LARGE_WORDS)
    status = http_status(error.code)
    if status in _AWAY or error.code == UNREACHED:
        return Outcome(Status.ERROR, "endpoint_unavailable", detail=error.message)
    code = "http_error" if status else _CODES.get(error.code, "exec_error")
    return Outcome(Status.REJECTED, code, detail=error.message)
