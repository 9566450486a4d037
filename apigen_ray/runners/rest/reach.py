"""Which servers the guard would refuse, told before a run; names are resolved, nothing is connected to."""

import asyncio
import ipaddress
from collections.abc import Iterable, Sequence

import httpx

from apigen_ray.runners.rest.guard import Blocked, Guard, Resolver
from apigen_ray.runners.rest.wire import is_listed, origin

RESOLVED_S = 5.0
"""Seconds for all names together: what is not resolved by then is not judged."""


def blocked(servers: Iterable[str], allow_hosts: Iterable[str], resolve: Resolver | None = None) -> dict[str, str]:
    """The servers that no call would reach, each with the reason in words.

    Args:
        servers: base URLs; what is no ``http`` or ``https`` URL is passed over.
        allow_hosts: see `apigen_ray.runners.rest.spec.RestSpec.allow_hosts`.
        resolve: instead of the system's resolver.
    """
    guard, found = Guard(allow_hosts, resolve), dict[str, str]()

    async def judge(server: str) -> None:
        try:
            url = httpx.URL(server)
            if url.scheme in ("http", "https") and url.host:
                _, host, port = origin(url)
                await guard.addresses(host, port, is_listed(guard, url))
        except Blocked as reason:
            found[server] = str(reason)
        except (OSError, UnicodeError, httpx.InvalidURL):
            return  # a name that means nothing here, or no URL: not the guard's affair

    async def judge_all() -> None:
        done, _ = await asyncio.wait([asyncio.create_task(judge(server)) for server in once], timeout=RESOLVED_S)
        for task in done:
            task.result()  # raises what is a defect of ours

    if once := dict.fromkeys(servers):
        asyncio.run(judge_all())
    return found


async def literally(host: str, port: int) -> Sequence[str]:
    """A resolver that asks nobody: it knows addresses, and ``localhost``."""
    if host == "localhost":
        return ["127.0.0.1"]
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError as error:
        raise OSError(f"{host!r} is a name") from error


def host_of(server: str) -> str:
    """The host of a server as ``allow_hosts`` takes it: with its port."""
    _, host, port = origin(httpx.URL(server))
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
