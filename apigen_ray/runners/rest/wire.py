"""One HTTP request after the other on connections that are kept."""

import logging
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import httpcore
import httpx

from apigen_ray.runners.rest.encode import CONNECTION
from apigen_ray.runners.rest.guard import Guard
from apigen_ray.runners.rest.network import GuardedBackend
from apigen_ray.runners.rest.reading import Answer, read

IDEMPOTENT = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE"))
"""Methods that may be repeated (RFC 9110, 9.2.2)."""

KEEP_S = 3.0
"""How long a connection is kept idle: many servers hang up after 5 s, be first."""

MAX_IDLE = 128
"""Connections that are kept idle, of all hosts together."""

_OURS = CONNECTION | {"accept-encoding", "proxy-authorization", "proxy-connection"}  # nobody else's business


@dataclass(frozen=True)
class Hop:
    """One request to one host.

    Attributes:
        method: in capitals.
        url: whole.
        headers: names and values but those that frame the message.
        body: empty where there is none.
        listed: whether the host may lead to private addresses: the user has named it.
    """

    method: str
    url: httpx.URL
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    listed: bool = False

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port."""
        return origin(self.url)


def origin(url: httpx.URL) -> tuple[str, str, int]:
    """Scheme, host in ASCII without a dot at its end, and port of a URL."""
    host = url.raw_host.decode("ascii").lower().removesuffix(".")
    return url.scheme, host, url.port or (443 if url.scheme == "https" else 80)


def is_listed(guard: Guard, url: httpx.URL) -> bool:
    """Whether the user has named the host of a URL."""
    _, host, port = origin(url)
    return guard.lists(host, port)


class Wire:
    """Connections to many hosts, kept for the next request; belongs to one event loop.

    httpx's own transport without its client, which logs URLs with the keys in them, decompresses without a bound, and
    reads proxies from the environment; and without its pool, which looks at every connection for every request.

    Args:
        guard: judges where a connection may lead to.
        timeouts: seconds for ``connect``, ``read`` and ``write``.
        max_bytes: of a body, compressed or not.
    """

    def __init__(self, guard: Guard, timeouts: Mapping[str, float], max_bytes: int) -> None:
        # at DEBUG it writes down the headers of every answer; nobody's log may hold what they repeat
        logging.getLogger("httpcore").setLevel(logging.INFO)
        self._backends = {listed: GuardedBackend(guard, listed) for listed in (False, True)}
        self._extensions = {"timeout": dict(timeouts)}
        self._max_bytes = max_bytes
        self._idle: dict[tuple[str, str, int, bool], list[httpcore.AsyncHTTPConnection]] = {}
        self._kept = 0
        self._tls: ssl.SSLContext | None = None

    async def send(self, hop: Hop) -> Answer:
        """The answer to one request; a redirect is an answer like others.

        Raises:
            apigen_ray.runners.rest.guard.Blocked: its host must not be spoken to.
            httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError: there is none.
        """
        scheme, host, port = hop.origin
        key = (scheme, host, port, hop.listed)
        # a kept connection may be dead already, and then nobody knows whether the request has arrived
        connection = (await self._reuse(key) if hop.method in IDEMPOTENT else None) or self._connection(key)
        try:
            response = await connection.handle_async_request(self._request(hop, host, port))
            try:
                return await read(response, hop.method, self._max_bytes)
            finally:
                await response.aclose()
        finally:
            await self._keep(key, connection)

    async def close(self) -> None:
        """Closes what is kept."""
        while self._idle:
            _, connections = self._idle.popitem()
            for connection in connections:
                await _close(connection)
        self._kept = 0

    def _connection(self, key: tuple[str, str, int, bool]) -> httpcore.AsyncHTTPConnection:
        scheme, host, port, listed = key
        if scheme == "https" and self._tls is None:
            self._tls = httpx.create_ssl_context()
        target = httpcore.Origin(scheme.encode(), host.encode(), port)
        return httpcore.AsyncHTTPConnection(
            target, ssl_context=self._tls, keepalive_expiry=KEEP_S, network_backend=self._backends[listed]
        )

    async def _reuse(self, key: tuple[str, str, int, bool]) -> httpcore.AsyncHTTPConnection | None:
        """The connection that was used last, if it is still good."""
        while connections := self._idle.get(key):
            connection = connections.pop()
            self._kept -= 1
            if connection.is_available() and not connection.has_expired():
                return connection
            await _close(connection)  # its server has hung up, or will
        return None

    async def _keep(self, key: tuple[str, str, int, bool], connection: httpcore.AsyncHTTPConnection) -> None:
        if not connection.is_available():
            await _close(connection)
            return
        connections = self._idle.pop(key, [])  # put at the end: the first in the mapping was used longest ago
        self._idle[key] = connections
        connections.append(connection)
        self._kept += 1
        while self._kept > MAX_IDLE:
            oldest = next(iter(self._idle))
            if self._idle[oldest]:
                self._kept -= 1
                await _close(self._idle[oldest].pop(0))
            else:
                del self._idle[oldest]

    def _request(self, hop: Hop, host: str, port: int) -> httpcore.Request:
        name = f"[{host}]" if ":" in host else host
        usual = port == (443 if hop.url.scheme == "https" else 80)
        headers = [("Host", name if usual else f"{name}:{port}"), ("Accept-Encoding", "gzip, deflate")]
        headers += [(name, value) for name, value in hop.headers if name.lower() not in _OURS]
        if hop.body or hop.method in ("POST", "PUT", "PATCH"):
            headers.append(("Content-Length", str(len(hop.body))))
        url = httpcore.URL(scheme=hop.url.raw_scheme, host=host.encode(), port=port, target=hop.url.raw_path)
        return httpcore.Request(
            hop.method,
            url,
            headers=headers,
            content=hop.body,
            extensions=self._extensions,
        )


async def _close(connection: httpcore.AsyncHTTPConnection) -> None:
    with suppress(httpcore.NetworkError, httpcore.TimeoutException, OSError):  # it goes either way
        await connection.aclose()
