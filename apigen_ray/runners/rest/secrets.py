"""Credentials from the environment, and the scrubber that keeps them out of everything that is kept."""

import base64
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from apigen_ray.library.request import SecretForm
from apigen_ray.records import dumps
from apigen_ray.strict_json import loads

STARS = "***"
_SHORT = 6
"""Characters of base64 below which a match would be chance."""

_VARIABLE = 6
"""Characters of a program's variable below which it is no secret: a language, a flag."""

Added = tuple[str, str, str]
"""``(place, name, value)`` of a credential in a request; see `apigen_ray.runners.rest.encode.encode`."""


class NoCredentials(Exception):
    """A credential that the request needs is not there: the message names the variable, never a value."""


def read_secret(name: str, may_be_empty: bool = False) -> str:
    """The value of an environment variable of this process, without white space around it.

    Raises:
        NoCredentials: it is not set, empty without leave, or holds what cannot stand in a header.
    """
    value = os.environ.get(name, "").strip()
    if not value and not (may_be_empty and name in os.environ):
        raise NoCredentials(f"the environment variable {name} is not set where calls are executed")
    if not (value.isascii() and value.isprintable()):
        raise NoCredentials(f"the environment variable {name} holds what is no printable ASCII")
    return value


def read_credential(form: SecretForm) -> tuple[str, ...]:
    """The values of a credential's variables; a password may be empty, where a key takes the place of the user.

    Raises:
        NoCredentials: one is missing.
    """
    return tuple(read_secret(name, form.kind == "basic" and number == 1) for number, name in enumerate(form.env))


def secrets_of(form: SecretForm, values: tuple[str, ...]) -> tuple[str, ...]:
    """What of a credential's values nobody may see; users and clients have names, which are none."""
    if form.kind == "basic":
        return (":".join(values), values[1] or values[0])
    return values[-1:]


def secrets_among(variables: Iterable[str]) -> list[str]:
    """What of the values of a program's variables nobody may see: all but short ones."""
    return [value.strip() for value in variables if len(value.strip()) >= _VARIABLE]


def added(form: SecretForm, values: tuple[str, ...]) -> Added:
    """What a credential adds to a request.

    Args:
        form: what it is.
        values: of its variables; for ``oauth2`` the token alone.
    """
    if form.kind == "apiKey":
        return form.place, form.name, values[0]
    if form.kind == "basic":
        return form.place, form.name, f"Basic {basic(*values)}"
    return form.place, form.name, f"Bearer {values[0]}"


def basic(user: str, password: str) -> str:
    """User and password for ``Basic`` (RFC 7617)."""
    return base64.b64encode(f"{user}:{password}".encode()).decode()


class Scrubber:
    """Knows secrets and strikes them out, also where they are percent-encoded, escaped, or inside of base64."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._needles: list[str] = []

    def learn(self, secrets: Iterable[str]) -> None:
        """Takes further secrets into account."""
        fresh = set(secrets) - self._secrets
        if fresh:
            self._secrets |= fresh
            needles = {form.lower() for secret in self._secrets for form in (secret, *_inside_base64(secret.encode()))}
            self._needles = sorted(needles)

    def shows(self, text: str) -> bool:
        """Whether a text gives a secret away, whatever becomes of the case of its letters."""
        return bool(self._needles) and next(self._showing(text), None) is not None

    def text(self, text: str) -> str:
        """The text with stars in place of secrets; stars alone where they cannot be told from the rest."""
        if not self._needles:
            return text
        clean = text
        for wrappings in self._showing(text):
            clean = _struck(clean, wrappings, self._needles)
        return STARS if self.shows(clean) else clean

    def cut(self, text: str) -> str:
        """A text that somebody else has cut, scrubbed, and without the begin of a secret that may be at its end."""
        clean = self.text(text)
        small = clean.lower()
        for secret in self._secrets:
            for length in range(min(len(secret) - 1, len(clean)), 2, -1):
                if small.endswith(secret[:length].lower()):
                    return clean[:-length] + STARS
        return clean

    def json_text(self, text: str) -> str:
        """A JSON text, scrubbed: each of its strings, in which a secret may have lines; as it is without secrets."""
        if not self._needles:
            return text
        value = loads(text)
        clean = self.value(value)
        return text if clean == value else dumps(clean)

    def value(self, value: Any) -> Any:
        """A JSON value, scrubbed: its strings, its keys, and numbers, which become strings."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self.value(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, int | float) and not isinstance(value, bool) and self.shows(json.dumps(value)):
            return STARS
        return value

    def _showing(self, text: str) -> Iterator["tuple[_Wrapping, ...]"]:
        """Each way of taking off what a secret may be wrapped in after which one shows."""
        level: dict[tuple[_Wrapping, ...], str] = {(): text}
        for _ in range(DEPTH + 1):
            for wrappings, view in level.items():
                small = view.lower()
                if any(needle in small for needle in self._needles):
                    yield wrappings
            level = {
                (*wrappings, each): each.unit.sub(each.plain, view)
                for wrappings, view in level.items()
                for each in _WRAPPINGS
                if each.mark in view
            }


DEPTH = 2
"""Wrappings inside each other that are taken off: JSON in a string of JSON, a URL in a parameter of a URL."""


class _Wrapping(NamedTuple):
    """A way to write a character: the sign that it is used, the units that it makes, and the one character of each."""

    mark: str
    unit: re.Pattern[str]
    plain: Callable[[re.Match[str]], str]


def _entity(match: re.Match[str]) -> str:
    code = int(match[1], 16) if match[1] else int(match[2] or 0)
    return _ENTITIES[match[3].lower()] if match[3] else chr(code) if code < 0x110000 else "?"


_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_WRAPPINGS = (
    _Wrapping("%", re.compile("%([0-9a-f]{2})", re.I), lambda match: chr(int(match[1], 16))),
    _Wrapping("+", re.compile("[+]"), lambda match: " "),
    _Wrapping(
        "\\",
        re.compile(r"\\(?:u([0-9a-f]{4})|(.))", re.I | re.S),
        lambda match: chr(int(match[1], 16)) if match[1] else match[2],
    ),
    _Wrapping("&", re.compile("&(?:#x0*([0-9a-f]{1,6})|#0*([0-9]{1,7})|(amp|lt|gt|quot|apos));", re.I), _entity),
)
_SMALL = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}  # str.lower changes the length of some texts


def _struck(text: str, wrappings: Sequence[_Wrapping], needles: Iterable[str]) -> str:
    """The text with stars in place of what is a needle once the wrappings are off."""
    view, places = text, [*range(len(text) + 1)]  # where each character of the view begins in the text
    for wrapping in wrappings:
        parts, kept, end = [], [], 0
        for match in wrapping.unit.finditer(view):
            parts += [view[end : match.start()], wrapping.plain(match)]
            kept += places[end : match.start() + 1]
            end = match.end()
        view, places = "".join([*parts, view[end:]]), kept + places[end:]
    view = view.translate(_SMALL)
    spans = []
    for needle in needles:
        found = view.find(needle)
        while found >= 0:
            spans.append((places[found], places[found + len(needle)]))
            found = view.find(needle, found + 1)
    out, end = [], 0
    for start, stop in sorted(spans):
        if stop > end:
            out += [text[end:start], STARS] if start >= end else []
            end = stop
    return "".join([*out, text[end:]])


def _inside_base64(secret: bytes) -> set[str]:
    """What stands in base64 wherever the secret is part of what was encoded: its core for each of three positions."""
    cores = set()
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + secret).decode().rstrip("=")
        whole = (before + len(secret)) * 8 // 6  # digits that no byte behind the secret has a part in
        core = coded[-(-before * 8 // 6) : whole]
        if len(core) >= _SHORT:
            cores |= {core, core.replace("+", "-").replace("/", "_")}
    return cores
