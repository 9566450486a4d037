"""The ``openai`` engine: any server that speaks OpenAI's chat API, asked by one asynchronous actor with retries."""

import asyncio
import math
import random
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
from pydantic import SecretStr

from apigen_ray.asks.base import Ask
from apigen_ray.engines.base import Finding, Holds, Keep, Where, as_it_is, map_actors
from apigen_ray.engines.chat import (
    AWAY,
    RETRIED,
    chat_body,
    encode,
    failed,
    reply_of,
    score_bodies,
    score_of,
    words,
)
from apigen_ray.engines.openai_spec import OpenAiSpec
from apigen_ray.engines.rows import Asked, answer_rows
from apigen_ray.errors import EnvironmentFault
from apigen_ray.records import INTERNAL_ERROR, Json, Reply, Request
from apigen_ray.retry_after import retry_after

if TYPE_CHECKING:
    import pyarrow as pa
    from ray.data import Dataset

Parse = Callable[[int, bytes], Reply]
"""What makes a reply of an HTTP status and a body."""


class OpenAiEngine:
    """Answers an ask over HTTP; see `apigen_ray.engines.base.Engine`.

    The key is read from the driver's environment when the engine is attached and travels as an argument of the actor's
    constructor: inside the pickled stage in Ray's object store, wrapped so that its repr is stars. It is in no runtime
    environment, config, manifest or log.
    """

    def __init__(self, spec: OpenAiSpec) -> None:
        self.spec = spec

    def probe(self, gpus: float) -> Finding:
        """Asks the server for its models."""
        return probe(self.spec)

    def holds(self, gpus: float) -> Holds:
        """Nothing: it waits for others."""
        return Holds()

    def preload(self) -> None:
        """Nothing takes long."""

    def attach(
        self, dataset: "Dataset", ask: Ask, where: Where, schema: "pa.Schema", keep: Keep = as_it_is
    ) -> "Dataset":
        """See `apigen_ray.engines.base.Engine.attach`.

        Raises:
            EnvironmentFault: the key's variable is not set.
        """
        from ray.data import ActorPoolStrategy

        return map_actors(
            dataset,
            _Worker,
            fn_constructor_args=(self.spec, self.spec.key(), ask, where, schema, keep),
            batch_size=max(64, 4 * self.spec.concurrency),
            batch_format="pyarrow",
            zero_copy_batch=True,
            num_cpus=0,  # it waits; the CPUs are the other stages'
            # two batches at a time over one client: while one ends, the other keeps the connections busy
            compute=ActorPoolStrategy(
                size=1,
                max_tasks_in_flight_per_actor=4,
                max_concurrent_calls_per_actor=2,
                enable_true_multi_threading=True,
            ),
        )


class ChatClient:
    """One server over one connection pool, at most ``concurrency`` requests at a time; belongs to one event loop.

    A server that has answered lately and is away is waited for. Where it stays away (a request has used up its tries)
    each further request gets one try, so that a dead endpoint costs minutes and not hours; any answer ends that.

    aiohttp, because with 64 requests in flight httpx took many times its CPU seconds (``bench/openai_engine.py``).

    Args:
        spec: where and how to ask.
        key: sent as a bearer token; struck out of whatever comes back.
    """

    def __init__(self, spec: OpenAiSpec, key: SecretStr | None = None) -> None:
        self._spec = spec
        self._secret = key.get_secret_value() if key else ""
        self._slots = asyncio.Semaphore(spec.concurrency)
        self._down = False
        self._answered = -math.inf  # when a request last got what another try would not change
        self._session = aiohttp.ClientSession(
            headers=_headers(key),
            proxy=_proxy(spec.base_url),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=spec.connect_timeout_s),
            # many servers hang up on a connection that is idle for 5 s: be first
            connector=aiohttp.TCPConnector(limit=spec.concurrency, keepalive_timeout=3.0),
        )

    async def answer_all(
        self, name: str, requests: Sequence[Request], wanted: Callable[[int], bool] = lambda number: True
    ) -> list[Reply | None]:
        """Replies to a batch, in its order; after the first that is unauthorized the rest is not sent.

        Args:
            name: of the ask.
            requests: what to ask.
            wanted: whether a request, by its number, is still to be sent when its turn comes; its reply is None if not.
        """
        refused: Reply | None = None

        async def one(number: int, request: Request) -> Reply | None:
            nonlocal refused
            async with self._slots:
                if not wanted(number):
                    return None
                if refused is not None:
                    return refused
                reply = await self.answer(name, request)
                if reply.error and reply.error.startswith("unauthorized:"):
                    refused = reply
                return reply

        return list(await asyncio.gather(*(one(number, request) for number, request in enumerate(requests))))

    async def answer(self, name: str, request: Request) -> Reply:
        """The reply to one request, or why there is none; never an exception."""
        try:
            end = time.monotonic() + self._spec.deadline_s
            if not request.score:
                return await self._persist(chat_body(self._spec, name, request), end, reply_of)
            before, whole = score_bodies(self._spec, request)
            first = await self._persist(before, end, reply_of)
            if first.error:
                return first
            return await self._persist(whole, end, lambda status, body: score_of(first, status, body))
        except Exception as error:  # a defect of ours costs this row, not its batch
            return failed(INTERNAL_ERROR, self._hidden(f"{type(error).__name__}: {error}"))

    async def close(self) -> None:
        """Closes the connections."""
        await self._session.close()

    async def _persist(self, body: Json, end: float, parse: Parse) -> Reply:
        content = encode(body)
        tries, counted, before = 0, 0, math.inf
        while True:
            started = time.monotonic()
            reply, asked_to_wait = await self._try(content, min(self._spec.timeout_s, end - started), parse)
            now = time.monotonic()
            code = (reply.error or "").partition(":")[0]
            if code not in RETRIED:
                self._answered = now
                return replace(reply, seconds=now - started)
            jitter = random.random()  # noqa: S311 - keeps requests from returning together, no secret
            if asked_to_wait is None:
                wait = min(self._spec.backoff_s * 2 ** min(tries, 30), self._spec.max_backoff_s) * (1 - jitter / 2)
            else:
                wait = min(asked_to_wait, self._spec.max_backoff_s) + self._spec.backoff_s * jitter
            tries += 1
            counted += not self._is_away(code, before)  # an outage is nothing that the request is to blame for
            before = now
            if counted > (0 if self._down else self._spec.max_retries) or now + wait >= end:
                self._down = self._down or code == "endpoint_down"
                return replace(reply, seconds=now - started)
            await asyncio.sleep(wait)

    def _is_away(self, code: str, before: float) -> bool:
        """Whether the server is away for a while: it answered lately, and nobody since this request's try before.

        Where it throttles, others may well have been answered meanwhile.
        """
        lately = time.monotonic() - self._answered < self._spec.outage_s
        return code in AWAY and lately and (self._answered < before or code == "rate_limited")

    async def _try(self, content: bytes, limit: float, parse: Parse) -> tuple[Reply, float | None]:
        url = f"{self._spec.base_url}/chat/completions"
        try:
            async with (
                asyncio.timeout(limit),  # until the last byte: a server may drip for ever
                self._session.post(url, data=content, allow_redirects=False) as response,
            ):
                body = await response.read()
        except aiohttp.ConnectionTimeoutError:
            return failed("endpoint_down", f"{url}: no connection in {self._spec.connect_timeout_s:g} s"), None
        except TimeoutError:
            return failed("timeout", f"no whole answer from {url} in {limit:.3g} s"), None
        except aiohttp.ClientError as error:
            return failed("endpoint_down", self._hidden(f"{url}: {type(error).__name__}: {error}")), None
        self._down = False
        if self._secret:
            body = body.replace(self._secret.encode(), b"***")
        return parse(response.status, body), retry_after(response.headers.get("retry-after", ""), datetime.now(UTC))

    def _hidden(self, text: str) -> str:
        return text.replace(self._secret, "***") if self._secret else text


class _Worker:
    """The actor's state: a client and the thread that its event loop runs in; called by several threads at a time."""

    def __init__(
        self, spec: OpenAiSpec, key: SecretStr | None, ask: Ask, where: Where, schema: "pa.Schema", keep: Keep
    ) -> None:
        self._ask, self._where, self._schema, self._keep = ask, where, schema, keep
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="chat", daemon=True).start()
        self._client = self._wait(_made(spec, key))

    def __call__(self, table: "pa.Table") -> "pa.Table":
        return self._keep(answer_rows(table, self._ask, self._where, self._schema, self._answer))

    def _answer(self, asked: list[Asked]) -> list[Reply | None]:
        requests = [request for _, request in asked]
        replies: list[Reply | None] = self._wait(
            self._client.answer_all(self._ask.name, requests, lambda number: self._where(asked[number][0]))
        )
        return replies

    def _wait(self, work: Awaitable[Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()  # type: ignore[arg-type]  # coroutines only


async def _made(spec: OpenAiSpec, key: SecretStr | None) -> ChatClient:
    return ChatClient(spec, key)


def _proxy(url: str) -> str | None:
    """The environment's proxy for a URL. aiohttp's own ``trust_env`` would read ``~/.netrc`` too, for each request."""
    parsed = urllib.parse.urlsplit(url)
    if urllib.request.proxy_bypass(parsed.netloc):
        return None
    return urllib.request.getproxies().get(parsed.scheme)


def _headers(key: SecretStr | None) -> dict[str, str]:
    headers = {"content-type": "application/json", "accept": "application/json"}
    return headers | {"authorization": f"Bearer {key.get_secret_value()}"} if key else headers


def probe(spec: OpenAiSpec) -> Finding:
    """Asks the server for its models: what ``apigen doctor`` says of it. At most ``connect_timeout_s`` and no retry."""
    url = f"{spec.base_url}/models"
    try:
        key = spec.key()
    except EnvironmentFault as fault:
        return Finding(False, fault.message, fault.mend)
    try:
        response = httpx.get(url, headers=_headers(key), timeout=spec.connect_timeout_s)
    except httpx.HTTPError as error:
        return Finding(False, f"{url} does not answer ({type(error).__name__})", "start the server or correct base_url")
    secret = key.get_secret_value() if key else ""
    body = response.content.replace(secret.encode(), b"***") if secret else response.content
    if response.status_code in (401, 403):
        held = f"check the key in {spec.api_key_env}" if spec.api_key_env else "name its key's variable in api_key_env"
        return Finding(False, f"{url} answers {response.status_code}: {words(body)}", held)
    try:
        names = [str(model["id"]) for model in response.json()["data"]] if response.status_code == 200 else None
    except (ValueError, TypeError, KeyError):
        names = None
    if response.status_code in (404, 405) and response.headers.get("content-type", "").startswith("application/json"):
        return Finding(True, f"{url} answers; it does not list its models")
    if response.status_code == 429 or response.status_code >= 500:  # may pass: a run retries such answers
        return Finding(True, f"{url} answers {response.status_code} for now: {words(body)}")
    if names is None:
        mend = "correct base_url; it usually ends in /v1"
        return Finding(False, f"{url} answers {response.status_code} and no list of models: {words(body)}", mend)
    if spec.model not in names:
        known = ", ".join(names[:5]) + (" ..." if len(names) > 5 else "") or "(it lists none)"
        return Finding(False, f"{url} does not list the model {spec.model}", f"set model to one of: {known}")
    return Finding(True, f"{url} serves {spec.model}")
