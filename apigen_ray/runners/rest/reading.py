"""The bounded reading of an answer: never more than a cap, whatever a few compressed bytes stand for."""

import zlib
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, field

import httpcore


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        status: of HTTP.
        headers: names in small letters; of those that come twice the first.
        body: decompressed; None where it is larger than may be read.
        fault: what keeps the body from being read; "" where nothing does.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = b""
    fault: str = ""


async def read(response: httpcore.Response, method: str, cap: int) -> Answer:
    """The answer that a response holds.

    Args:
        response: whose head has come.
        method: of the request.
        cap: bytes that are read at most, before and after decompression.
    """
    headers: dict[str, str] = {}
    for name, value in response.headers:
        headers.setdefault(name.decode("ascii", "replace").lower(), value.decode("latin-1"))
    if method == "HEAD":
        return Answer(response.status, headers)
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        return Answer(response.status, headers, b"", f"it is packed as {encoding[:40]}, which was not asked for")
    unpack = _Unpack(cap) if encoding not in ("", "identity") else None
    size, parts = 0, []
    assert isinstance(response.stream, AsyncIterable)  # noqa: S101 - tells mypy, httpcore's connections are asynchronous
    async for part in response.stream:
        size += len(part)
        if size > cap:  # also of what is packed: no answer is larger before it is unpacked, but one that is made so
            return Answer(response.status, headers, None)
        if unpack is None:
            parts.append(part)
            continue
        try:
            unpack.add(part)
        except zlib.error as error:
            return Answer(response.status, headers, b"", f"it is not packed as {encoding}: {error}")
        if unpack.size > cap:
            return Answer(response.status, headers, None)
    if unpack is None:
        return Answer(response.status, headers, b"".join(parts))
    fault = "" if unpack.ended else f"its {encoding} ends too early"
    return Answer(response.status, headers, b"".join(unpack.parts), fault)


class _Unpack:
    """Decompresses gzip and deflate, and stops one byte above the cap, however much a few bytes stand for."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._inflate: zlib._Decompress | None = None
        self.parts: list[bytes] = []
        self.size = 0
        self.ended = True

    def add(self, data: bytes) -> None:
        while data and self.size <= self._cap:
            if self._inflate is None:
                self._inflate, self.ended = zlib.decompressobj(_wbits(data)), False
            part = self._inflate.decompress(data, self._cap + 1 - self.size)
            self.parts.append(part)
            self.size += len(part)
            data = self._inflate.unconsumed_tail
            if self._inflate.eof:  # gzip may come in several members, and with padding behind them
                data, self._inflate, self.ended = self._inflate.unused_data, None, True
                data = data if data[:1] == b"\x1f" else b""


def _wbits(data: bytes) -> int:
    """The format by its first bytes: gzip, zlib, or bare deflate, which many servers send for ``deflate``."""
    if data[:1] == b"\x1f":
        return zlib.MAX_WBITS | 16
    zipped = len(data) > 1 and data[0] & 15 == 8 and (data[0] << 8 | data[1]) % 31 == 0
    return zlib.MAX_WBITS if zipped else -zlib.MAX_WBITS
