"""Whom the REST runner may speak to: every name is resolved here, judged, and connected to at the judged address."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from apigen_ray.runners.rest.spec import split_host

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Addresses of a name, as text; raises OSError where there are none."""

_V4 = [
    (ipaddress.IPv4Network(network), why)
    for network, why in (
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by a carrier's customers"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "for documentation"),
        ("192.88.99.0/24", "reserved"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "for benchmarks"),
        ("198.51.100.0/24", "for documentation"),
        ("203.0.113.0/24", "for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("168.63.129.16/32", "a cloud's metadata"),  # Azure: the one of them in public space
    )
]
# IANA's registry of special-purpose addresses (RFC 6890), spelt out: `is_global` differs between versions of Python.
_V6 = [
    (ipaddress.IPv6Network(network), why)
    for network, why in (
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("ff00::/8", "multicast"),
        ("2001::/23", "reserved"),  # Teredo, ORCHID, benchmarks
        ("2001:db8::/32", "for documentation"),
        ("2002::/16", "6to4"),  # what it wraps is reached by nobody's routes today but one's own
        ("3fff::/20", "for documentation"),
    )
]
_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
_WRAPPED = (ipaddress.IPv6Network("::ffff:0:0/96"), ipaddress.IPv6Network("64:ff9b::/96"))  # mapped; NAT64 (RFC 6052)
_ALLOWABLE = frozenset({"private", "loopback", "shared by a carrier's customers"})


class Blocked(Exception):
    """A host that must not be spoken to: the message says why."""


def why_not_public(address: str) -> str:
    """Why an address is none of the public internet; "" where it is one. IPv4 inside of IPv6 is judged as IPv4.

    Raises:
        ValueError: it is no address.
    """
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address) and any(parsed in network for network in _WRAPPED):
        parsed = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
    if isinstance(parsed, ipaddress.IPv4Address):
        return next((why for network, why in _V4 if parsed in network), "")
    found = next((why for network, why in _V6 if parsed in network), "")
    return found or ("" if parsed in _PUBLIC_V6 else "reserved")


class Guard:
    """Judges names by the addresses that they lead to.

    Args:
        allow_hosts: see `apigen_ray.runners.rest.spec.RestSpec.allow_hosts`.
        resolve: instead of the system's resolver, for tests.
    """

    def __init__(self, allow_hosts: Iterable[str], resolve: Resolver | None = None) -> None:
        self._allowed = {split_host(text) for text in allow_hosts}
        self._resolve = resolve or SystemResolver()

    def lists(self, host: str, port: int) -> bool:
        """Whether the user has named the host, with this port or without one."""
        name = host.lower().removesuffix(".")
        return (name, None) in self._allowed or (name, port) in self._allowed

    async def addresses(self, host: str, port: int, listed: bool) -> Sequence[str]:
        """The addresses that a connection to a host may be made to: all that its name has, or none.

        Args:
            host: a name or an address in whatever spelling the resolver takes.
            port: of the connection.
            listed: whether private and loopback addresses are fine for it.

        Raises:
            Blocked: one of them is none that may be spoken to.
            OSError: the name has none.
        """
        found = await self._resolve(host, port)
        for address in found:
            why = why_not_public(address)
            if why and not (listed and (why in _ALLOWABLE or self._is_spelt_out(address, port))):
                raise Blocked(f"{host} leads to {address}, which is {why}; name it in execution.rest.allow_hosts")
        return found

    def _is_spelt_out(self, address: str, port: int) -> bool:
        return self.lists(str(ipaddress.ip_address(address)), port)


class SystemResolver:
    """The resolver of this machine, in threads of its own: one dead name must not keep the others waiting."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(64, "resolve")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """See `Resolver`."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._threads, _lookup, host, port)
        except UnicodeError:  # a label that is too long, or empty
            raise OSError(f"{host[:80]!r} is no name") from None
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _lookup(host: str, port: int) -> list[tuple[object, object, object, object, tuple[object, ...]]]:
    return [*socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
