"""The section ``execution.rest`` of the config: what the REST runner may ask of whom, how fast and how long."""

import ipaddress
import re
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*")

Method = Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]


def split_host(text: str) -> tuple[str, int | None]:
    """Host and port of ``host``, ``host:port``, ``::1`` or ``[::1]:port``: in small letters, without a dot at the end.

    Raises:
        ValueError: it is none of these.
    """
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(\d{1,5}))?", text)
    plain = re.fullmatch(r"([^:]*)(?::(\d{1,5}))?", text)
    found = bracketed or plain
    host, port = (found[1], found[2]) if found else (text, None)
    host = host.lower().removesuffix(".")
    try:
        host = str(ipaddress.ip_address(host))
    except ValueError:
        if bracketed or not _NAME.fullmatch(host):
            raise ValueError(f"{text!r} is no host; write it like api.acme.com, 10.0.0.7:8000 or [::1]:8000") from None
    if port is not None and not 0 < int(port) < 65536:
        raise ValueError(f"{text!r} has no port; ports go from 1 to 65535")
    return host, None if port is None else int(port)


def _host(text: str) -> str:
    host, port = split_host(text)
    name = f"[{host}]" if ":" in host and port is not None else host
    return name if port is None else f"{name}:{port}"


HostName = Annotated[str, AfterValidator(_host)]
"""``host``, which stands for all of its ports, or ``host:port``."""


class HostLimit(BaseModel):
    """What one host bears; stands for itself, nothing is taken from the limits of the others.

    Attributes:
        host: ``host`` or ``host:port``; the second goes before the first.
        requests_per_s: requests that are begun in a second, over the whole cluster; null: no limit.
        concurrency: requests that are under way at a time, over the whole cluster.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: HostName
    requests_per_s: float | None = Field(gt=0, le=1e6, allow_inf_nan=False)
    concurrency: int = Field(default=8, ge=1, le=4096)


class RestSpec(BaseModel):
    """How calls over HTTP are made.

    A host is a name with a port: ``api.acme.com:443``. Limits of a host count over all processes of the cluster, the
    time until it is a call's turn is in none of its timeouts. The documents of a library name the hosts; none of them
    is asked whose name leads to a private, loopback or link-local address, unless ``allow_hosts`` names it.

    Attributes:
        methods: what may be asked; anything but GET, HEAD and OPTIONS may change what lies behind the API.
        allow_hosts: hosts, as ``host`` or ``host:port``, that may lead to private and loopback addresses; to link-local
            ones (the metadata of clouds) only where the address itself is named.
        requests_per_s: requests that are begun in a second for each host; null: no limit.
        concurrency: requests under way at a time for each host.
        hosts: hosts with limits of their own.
        connect_timeout_s: until a connection stands, resolution and TLS included.
        read_timeout_s: between two pieces of an answer.
        timeout_s: for one call, all its tries, redirects and waits for another try included.
        max_bytes: of an answer, after decompression; one that is larger is ``output_too_large``.
        max_redirects: that are followed, for GET and HEAD only.
        max_retries: tries after the first, for methods that may be repeated (all but POST and PATCH), where nothing
            answers or the status is 408, 425, 429, 502, 503 or 504.
        backoff_s: wait before the second try; doubled for each one after it, less a random part.
        max_backoff_s: longest wait; where ``Retry-After`` asks for more there is no other try.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    neutral: ClassVar[frozenset[str]] = frozenset(
        {"requests_per_s", "concurrency", "hosts", "max_retries", "backoff_s", "max_backoff_s"}
    )
    """Keys that cannot change what becomes of a row, but for an endpoint that is away (an error, tried again)."""

    methods: tuple[Method, ...] = ("GET",)
    allow_hosts: tuple[HostName, ...] = ()
    requests_per_s: float | None = Field(default=10.0, gt=0, le=1e6, allow_inf_nan=False)
    concurrency: int = Field(default=8, ge=1, le=4096)
    hosts: tuple[HostLimit, ...] = ()
    connect_timeout_s: float = Field(default=5.0, gt=0, le=600)
    read_timeout_s: float = Field(default=15.0, gt=0, le=3600)
    timeout_s: float = Field(default=30.0, gt=0, le=3600)
    max_bytes: int = Field(default=256 * 1024, ge=1, le=1 << 26)
    max_redirects: int = Field(default=3, ge=0, le=20)
    max_retries: int = Field(default=2, ge=0, le=20)
    backoff_s: float = Field(default=0.5, gt=0, le=600)
    max_backoff_s: float = Field(default=10.0, gt=0, le=3600)
