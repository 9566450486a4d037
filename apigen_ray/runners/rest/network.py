"""Connections that go to the very address that was judged, and are closed whatever becomes of the call."""

import asyncio
import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore

from apigen_ray.runners.rest.guard import Guard


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the very addresses that were judged, so that a name that changes its mind in between gains nothing.

    TLS and the ``Host`` header go by the name all the same: they are made above this.

    Args:
        guard: judges.
        listed: whether connections may lead to private and loopback addresses.
    """

    def __init__(self, guard: Guard, listed: bool) -> None:
        self._guard, self._listed = guard, listed
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first address that answers.

        Raises:
            Blocked: the host must not be spoken to.
            httpcore.ConnectError: it has no address, or none of them takes the connection.
            httpcore.ConnectTimeout: not in time.
        """
        end = time.monotonic() + (timeout if timeout is not None else 3600.0)
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._guard.addresses(host, port, self._listed)
        except TimeoutError:
            raise httpcore.ConnectTimeout(f"{host} is not resolved in time") from None
        except OSError as error:
            raise httpcore.ConnectError(f"{host} is not resolved: {error.strerror or error}") from None
        fault: httpcore.ConnectError | httpcore.ConnectTimeout = httpcore.ConnectError(f"{host} has no address")
        for number, address in enumerate(addresses):
            share = (end - time.monotonic()) / (len(addresses) - number)  # one that is silent leaves time for the next
            try:
                return _Stream(await self._inner.connect_tcp(address, port, max(share, 0.001), None, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                fault = error
        raise fault

    async def sleep(self, seconds: float) -> None:
        """As the inner one."""
        await self._inner.sleep(seconds)


class _Stream(httpcore.AsyncNetworkStream):
    """Is closed also where a call is given up in the middle of TLS; httpcore leaves such a connection open."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._inner.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        try:
            return await self._inner.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            await self._inner.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
