"""Credentials from the environment, and the scrubber that keeps them out of everything that is kept."""

import base64
import html
import json
import os
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote_plus, unquote

from apigen_ray.library.request import SecretForm

STARS = "***"
_SHORT = 6
"""Characters of base64 below which a match would be chance."""

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
        self._pattern = re.compile(r"(?!)")

    def learn(self, secrets: Iterable[str]) -> None:
        """Takes further secrets into account."""
        fresh = set(secrets) - self._secrets
        if not fresh:
            return
        self._secrets |= fresh
        needles = {form for secret in self._secrets for form in (secret, *_inside_base64(secret.encode()))}
        self._needles = sorted(needles, key=len, reverse=True)  # of one that is part of another the longer goes first
        self._pattern = re.compile("|".join("".join(map(_spelt, needle)) for needle in self._needles))

    def shows(self, text: str) -> bool:
        """Whether a text gives a secret away."""
        views = [text]
        if "%" in text or "+" in text:
            views += [unquote(text), unquote(unquote(text.replace("+", " ")))]
        if "\\" in text:
            views.append(_ESCAPE.sub(_unescaped, text))
        if "&" in text:
            views.append(html.unescape(text))
        return any(needle in view for view in views for needle in self._needles)

    def text(self, text: str) -> str:
        """The text with stars in place of secrets; stars alone where they cannot be told from the rest."""
        if not self._needles or not self.shows(text):
            return text
        clean = self._pattern.sub(STARS, text)
        return STARS if self.shows(clean) else clean

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


_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ENTITIES = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else match[2]


def _spelt(character: str) -> str:
    """A pattern for a character as it is, percent-encoded once or twice, escaped in JSON, or as an HTML entity."""
    code = ord(character)
    ways = [rf"\\*{re.escape(character)}", rf"(?i:%(?:25)*{code:02x})", rf"(?i:\\+u{code:04x})"]
    ways.append(rf"(?i:&\#(?:0*{code}|x0*{code:x});)")
    if character in _ENTITIES:
        ways.append(f"&{_ENTITIES[character]};")
    if quote_plus(character) == "+":
        ways.append(r"\+")
    return f"(?:{'|'.join(ways)})"


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
