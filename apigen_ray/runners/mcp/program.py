"""A server that is a program, as a transport of the SDK: what it writes is bounded, and it ends when we do."""

import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncGenerator, Mapping
from typing import IO

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp.types import (
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    jsonrpc_message_adapter,
)

from apigen_ray.library.mcp import StdioServer
from apigen_ray.runners.mcp.faults import MAX_MESSAGE, TOO_LARGE, TOO_LARGE_WORDS, UNREADABLE
from apigen_ray.runners.mcp.lines import Line, Lines
from apigen_ray.runners.process import KEPT
from apigen_ray.runners.sandbox.zygote import die_with

MAX_ASIDE, MAX_ASIDE_BYTES = 10_000, 4 * MAX_MESSAGE
"""Lines, and their bytes, that a server may write between two answers: logs, progress, and what is no message."""

Streams = tuple[MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]]
_ROOM = 1 << 16
_GRACE_S = 1.0
_FLOOD = "it floods its output with what is no answer"
_LAST = 1 << 14


class Program:
    """One process of a server.

    Args:
        server: what to start.
        environment: all of its environment beside `apigen_ray.runners.process.KEPT`.

    Attributes:
        ended: it takes no more calls: it has closed its end, or we do not listen to it any more.
    """

    def __init__(self, server: StdioServer, environment: Mapping[str, str]) -> None:
        self.ended = False
        self._server = server
        self._environment = {name: os.environ[name] for name in KEPT if name in os.environ} | dict(environment)
        self._asked: set[int | str] = set()
        self._aside = [0, 0]
        self._nonsense = ""
        self._fault = ""
        self._stderr = b""
        self._status: int | None = None

    def said(self) -> str:
        """Why it takes no more calls."""
        status = self._status
        ending = (
            "it closed its end of the connection" if status is None else f"its process ended with exit status {status}"
        )
        if status is not None and status < 0:
            ending = f"its process was ended by {signal.Signals(-status).name}"
        return f"{self._fault or ending}{': ' if self.last else ''}{self.last}"

    @property
    def last(self) -> str:
        """The last that it said to people, or the first that is no message; "" where it has said nothing."""
        lines = self._stderr.decode("utf-8", "replace").strip().splitlines()
        if len(self._stderr) == _LAST:
            del lines[:1]  # its begin is missing, in the middle of a secret maybe
        return lines[-1].strip() if lines else self._nonsense

    @contextlib.asynccontextmanager
    async def transport(self) -> AsyncGenerator[Streams]:
        """Starts it, and ends it with all that it has started.

        Raises:
            OSError: it cannot be started.
        """
        held, life = os.pipe()
        try:
            process = subprocess.Popen(  # noqa: S603 - a program of the user's choice
                self._server.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=self._environment,
                cwd=self._server.cwd,
                pass_fds=(held,),
                start_new_session=True,
            )
        except BaseException:
            os.close(life)
            raise
        else:
            die_with(held, process.pid)  # the description is shared: it goes on to hold where the server has its copy
        finally:
            os.close(held)
        inbox, read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        write, outbox = anyio.create_memory_object_stream[SessionMessage](0)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._receive, process, inbox)
                tasks.start_soon(self._send, process, outbox)
                tasks.start_soon(self._listen, process)
                yield read, write
                tasks.cancel_scope.cancel()
        finally:
            self.ended = True
            for stream in (inbox, read, write, outbox):
                stream.close()
            with anyio.CancelScope(shield=True):
                await _end(process)
            os.close(life)

    async def _receive(
        self, process: subprocess.Popen[bytes], inbox: MemoryObjectSendStream[SessionMessage | Exception]
    ) -> None:
        lines = Lines(MAX_MESSAGE)
        with inbox, contextlib.suppress(anyio.BrokenResourceError):
            while not self._fault and (data := await _read(process.stdout)):
                for line in lines.take(data):
                    message = self._message(line)
                    if self._fault:
                        break
                    if message is not None:
                        await inbox.send(SessionMessage(message))
                if lines.size > MAX_ASIDE_BYTES:
                    self._fault = _FLOOD
            await _exit(process, 0.5)  # its status, and its last words, say more than a closed pipe
            self._status = process.poll()
            self.ended = True  # before those who wait are told by the stream's end

    def _message(self, line: Line) -> JSONRPCMessage | None:
        """What a line says; None where it says nothing that anyone waits for."""
        message: JSONRPCMessage | None = None
        with contextlib.suppress(ValueError):
            message = jsonrpc_message_adapter.validate_json(line.text, by_name=False) if line.whole else None
        number = line.request()
        if message is None and number in self._asked:
            error = ErrorData(code=UNREADABLE, message="its answer is no JSON-RPC message")
            error = error if line.whole else ErrorData(code=TOO_LARGE, message=TOO_LARGE_WORDS)
            message = JSONRPCError(jsonrpc="2.0", id=number, error=error)
        if isinstance(message, JSONRPCResponse | JSONRPCError) and message.id in self._asked:
            self._asked.discard(message.id)
            self._aside = [0, 0]
            return message
        if message is None and line.text.strip():
            self._nonsense = self._nonsense or line.text[:_LAST].decode("utf-8", "replace")
        self._aside = [self._aside[0] + 1, self._aside[1] + line.size]
        if self._aside[0] > MAX_ASIDE or self._aside[1] > MAX_ASIDE_BYTES:
            self._fault = _FLOOD
        # Requests are answered, pings above all; to progress and logs nobody listens.
        return None if isinstance(message, JSONRPCNotification) else message

    async def _send(self, process: subprocess.Popen[bytes], outbox: MemoryObjectReceiveStream[SessionMessage]) -> None:
        descriptor = _number(process.stdin)
        os.set_blocking(descriptor, False)
        with outbox, contextlib.suppress(OSError):  # it has closed its input: whoever writes on is told so
            async for item in outbox:
                if isinstance(item.message, JSONRPCRequest):
                    self._asked.add(item.message.id)
                data = item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
                while data:
                    await anyio.wait_writable(descriptor)
                    data = data[os.write(descriptor, data) :]
        self.ended = True

    async def _listen(self, process: subprocess.Popen[bytes]) -> None:
        while data := await _read(process.stderr):
            self._stderr = (self._stderr + data)[-_LAST:]


def _number(pipe: IO[bytes] | None) -> int:
    if pipe is None:
        raise ValueError("a process without pipes")
    return pipe.fileno()


async def _read(pipe: IO[bytes] | None) -> bytes:
    """What has come; "" at the end."""
    descriptor = _number(pipe)
    await anyio.wait_readable(descriptor)
    return os.read(descriptor, _ROOM)


async def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process as the protocol has it, by closing its input; what is left of its group then is killed."""
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    await _exit(process, _GRACE_S)
    with contextlib.suppress(ProcessLookupError, PermissionError):  # PermissionError: macOS, of one that has ended
        os.killpg(process.pid, signal.SIGKILL)
    await _exit(process, _GRACE_S)


async def _exit(process: subprocess.Popen[bytes], seconds: float) -> None:
    with anyio.move_on_after(seconds):
        while process.poll() is None:
            await anyio.sleep(0.01)
