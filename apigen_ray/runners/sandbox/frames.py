"""What processes tell each other over a socket: frames, a big-endian 4-byte length and so many bytes, of JSON text."""

import json
import struct
from collections.abc import Callable
from typing import Any

frame_text = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
"""Bound here once, so that a function that patches the json module does not change how it is answered."""
_scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().scan_once  # type: ignore[attr-defined]
_length = struct.Struct(">I").pack


def unframed(body: bytes) -> Any:
    """What a text of ours says: no foreign one, as it is not looked at whether more comes after it."""
    return _scan(body.decode(), 0)[0]  # `json.loads` without the parts in Python


class TooLongError(Exception):
    """A frame that is longer than any should be."""


def framed(text: str) -> bytes:
    """A text as a frame."""
    body = text.encode()
    return _length(len(body)) + body


class Frames:
    """Bytes as they come, and the frames in them.

    Attributes:
        most: bytes of a frame, its length included; 0 for any number. May be changed at any time.
    """

    def __init__(self, most: int = 0) -> None:
        self.most = most
        self._inbox = bytearray()

    def take(self, data: bytes) -> list[bytes]:
        """Adds bytes and gives the bodies of the frames that are whole now.

        Raises:
            TooLongError: one is too long.
        """
        inbox = self._inbox
        inbox += data
        found = []
        start = 0
        while len(inbox) - start >= 4:
            end = start + 4 + int.from_bytes(inbox[start : start + 4], "big")
            if self.most and end - start > self.most:
                raise TooLongError
            if len(inbox) < end:
                break
            found.append(bytes(inbox[start + 4 : end]))
            start = end
        del inbox[:start]
        return found
