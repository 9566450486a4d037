"""Access tokens of OAuth 2: client credentials are exchanged for one (RFC 6749, section 4.4), kept while it lasts."""

import asyncio
import json
import time
from dataclasses import dataclass
from urllib.parse import quote_plus, urlencode

import httpx

from apigen_ray.library.request import SecretForm
from apigen_ray.runners.rest.guard import Guard
from apigen_ray.runners.rest.reading import Answer
from apigen_ray.runners.rest.secrets import NoCredentials, Scrubber, basic
from apigen_ray.runners.rest.wire import Hop, Wire, is_listed

EARLY_S = 30.0
"""How long before its end a token is not used any more; a tenth of its life where that is shorter."""

LIFE_S = 300.0
"""How long a token is used whose end is not told."""


@dataclass
class _Token:
    value: str
    ends: float


class Tokens:
    """The tokens of one runner; belongs to one event loop.

    Args:
        wire: makes requests, as for calls: guarded and bounded.
        guard: knows whom the user has named.
        scrubber: is taught every token.
    """

    def __init__(self, wire: Wire, guard: Guard, scrubber: Scrubber) -> None:
        self._wire, self._guard, self._scrubber = wire, guard, scrubber
        self._tokens: dict[tuple[str, ...], _Token] = {}
        self._locks: dict[tuple[str, ...], asyncio.Lock] = {}

    async def get(self, form: SecretForm, client: str, secret: str, stale: str = "") -> str:
        """A token; the one that is known unless it has ended or is the stale one.

        Args:
            form: where tokens are given, and for what.
            client: id of the client.
            secret: of the client.
            stale: a token that a server did not take.

        Raises:
            NoCredentials: none is given.
            Exception: those of `apigen_ray.runners.rest.wire.Wire.send`.
        """
        key = (form.token_url, *form.scopes, "", client, secret)
        async with self._locks.setdefault(key, asyncio.Lock()):
            known = self._tokens.get(key)
            if known is None or known.value == stale or time.monotonic() > known.ends:
                known = self._tokens[key] = await self._fetch(form, client, secret)
            return known.value

    async def _fetch(self, form: SecretForm, client: str, secret: str) -> _Token:
        try:
            url = httpx.URL(form.token_url)
        except httpx.InvalidURL:
            url = httpx.URL("")
        if url.scheme not in ("http", "https") or not url.host or url.userinfo:
            raise NoCredentials(f"{form.token_url!r} is no URL that gives tokens")
        fields = {"grant_type": "client_credentials"} | ({"scope": " ".join(form.scopes)} if form.scopes else {})
        answer = await self._ask(url, fields, basic(quote_plus(client), quote_plus(secret)))
        if answer.status in (400, 401):  # some servers take the secret in the body only (RFC 6749, section 2.3.1)
            answer = await self._ask(url, fields | {"client_id": client, "client_secret": secret}, "")
        try:
            given = json.loads(answer.body or b"")
            token, life = given["access_token"], given.get("expires_in")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            token, life = None, None
        if answer.status != 200 or not isinstance(token, str) or not (token.isascii() and token.isprintable()):
            raise NoCredentials(
                f"{url.host} gives no token for what {' and '.join(form.env)} hold: HTTP {answer.status}"
            )
        if not token:
            raise NoCredentials(f"{url.host} gives an empty token")
        self._scrubber.learn([token])
        seconds = float(life) if isinstance(life, int | float) and 0 < life < 1e9 else LIFE_S
        return _Token(token, time.monotonic() + seconds - min(EARLY_S, seconds / 10))

    async def _ask(self, url: httpx.URL, fields: dict[str, str], credentials: str) -> Answer:
        headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")]
        if credentials:
            headers.append(("Authorization", f"Basic {credentials}"))
        hop = Hop("POST", url, tuple(headers), urlencode(fields).encode(), is_listed(self._guard, url))
        return await self._wire.send(hop)
