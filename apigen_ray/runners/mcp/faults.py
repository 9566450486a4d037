"""What stands in the way of a call before a tool can answer it: codes of our own among those of JSON-RPC."""

MAX_MESSAGE = 8 << 20
"""Bytes of one message of a server: pictures may be in it, of which no result keeps more than the name."""

# Outside of -32768..-32000, which JSON-RPC keeps for itself. A server that says them itself only speaks of itself.
UNREADABLE = -31001
UNREACHED = -31002  # the request was never sent
UNREACHABLE = -31005  # it was, or may have been
BLOCKED = -31003
TOO_LARGE = -31004
TOO_LARGE_WORDS = f"its answer takes more than {MAX_MESSAGE >> 20} MiB"
BROKEN_WORDS = "the connection broke in the middle of its answer"
# In the middle of an HTTP answer the SDK takes words only, and gives them back within an error of its own code.
_HTTP = -31000
OURS = range(-31999, -31000)
"""All of them."""


def http_fault(status: int) -> int:
    """The code for an HTTP status of 400 and above."""
    return _HTTP - status


def http_status(code: int) -> int | None:
    """The HTTP status that a code stands for, where it stands for one."""
    return _HTTP - code if 400 <= _HTTP - code < 600 else None
