"""The way to a server over HTTP: whom it may lead to, and how much may come back on it, whatever the server sends."""

import json
from collections.abc import AsyncIterator

import httpx2

from apigen_ray.runners.mcp.faults import (
    BLOCKED,
    BROKEN_WORDS,
    MAX_MESSAGE,
    TOO_LARGE_WORDS,
    UNREACHABLE,
    UNREACHED,
    UNREADABLE,
    http_fault,
)
from apigen_ray.runners.rest.guard import Blocked, Guard

MAX_EVENTS = 10_000
"""Events in one answer: logs and progress come before the result."""

_UNSENT = (httpx2.ConnectError, httpx2.ConnectTimeout)
_MAX_ERROR = 1 << 16


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Connects to addresses that the guard has judged only, and says in JSON-RPC what went wrong on the way.

    The SDK ends a session with all of its calls where a transport raises; answered in this way it ends one call.

    Args:
        guard: judges.
    """

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._inner = httpx2.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request, which meets with an answer in any case."""
        if request.method == "GET" and "last-event-id" not in request.headers:
            return httpx2.Response(405, request=request)  # the standing stream: nobody listens to what comes on it
        try:
            response = await self._reach(request)
        except Blocked as error:
            return _fault(request, BLOCKED, str(error))
        except (httpx2.HTTPError, OSError) as error:
            code = UNREACHED if isinstance(error, (*_UNSENT, OSError)) else UNREACHABLE
            words = str(error) or type(error).__name__
            return _fault(request, code, f"{request.url.host} does not answer: {words}")
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            return _fault(request, UNREADABLE, "its answer is compressed, which was not asked for")
        if response.status_code >= 400:
            return await _refusal(request, response)
        events = response.headers.get("content-type", "").startswith("text/event-stream")
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=_Bounded(response, httpx2.SSEError if events else httpx2.StreamError),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Closes its connections."""
        await self._inner.aclose()

    async def _reach(self, request: httpx2.Request) -> httpx2.Response:
        """Makes a request to the first address that takes it; TLS and the ``Host`` header go by the name all the same.

        Raises:
            Blocked: the name leads to where it must not.
            OSError: it leads nowhere.
            httpx2.HTTPError: no answer.
        """
        host, port = request.url.host, request.url.port or (443 if request.url.scheme == "https" else 80)
        headers = request.headers | {"accept-encoding": "identity"}
        extensions = {**request.extensions, "sni_hostname": host}
        fault: httpx2.HTTPError = httpx2.ConnectError("it has no address")
        for address in await self._guard.addresses(host, port, self._guard.lists(host, port)):
            url = request.url.copy_with(host=address)
            pinned = httpx2.Request(request.method, url, headers=headers, stream=request.stream, extensions=extensions)
            try:
                return await self._inner.handle_async_request(pinned)
            except _UNSENT as error:
                fault = error
        raise fault


class _Bounded(httpx2.AsyncByteStream):
    """The body of an answer, cut where it is too long.

    Args:
        response: whose body it is.
        fault: what to raise: the SDK takes it for the end of this one answer.
    """

    def __init__(self, response: httpx2.Response, fault: type[httpx2.SSEError | httpx2.StreamError]) -> None:
        self._response, self._fault = response, fault

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = events = 0
        try:
            async for piece in self._response.aiter_raw():
                size += len(piece)
                events += piece.count(b"data:")
                if size > MAX_MESSAGE or events > MAX_EVENTS:
                    raise self._fault(TOO_LARGE_WORDS)
                yield piece
        except httpx2.TransportError as error:
            if isinstance(error, self._fault):
                raise
            raise self._fault(f"{BROKEN_WORDS}: {str(error) or type(error).__name__}") from error

    async def aclose(self) -> None:
        await self._response.aclose()


async def _refusal(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
    """An answer with a status of 400 and above: in the server's own words where they are an error of JSON-RPC."""
    body = b""
    try:
        async for piece in response.aiter_raw():
            body += piece
            if len(body) > _MAX_ERROR:
                break
    except httpx2.TransportError:
        body = b""  # what it began to say is of no use
    finally:
        await response.aclose()
    status = response.status_code
    try:
        said = json.loads(body)
        if isinstance(said["error"]["code"], int) and isinstance(said["error"]["message"], str):
            return httpx2.Response(status, json=said, request=request)
    except (ValueError, TypeError, LookupError, RecursionError):  # no error of JSON-RPC: its words are told below
        pass
    words = " ".join(body.decode("utf-8", "replace").split())
    return _fault(request, http_fault(status), f"HTTP status {status}{': ' if words else ''}{words}", status)


def _fault(request: httpx2.Request, code: int, words: str, status: int = 503) -> httpx2.Response:
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": words}}
    return httpx2.Response(status, json=error, request=request)
