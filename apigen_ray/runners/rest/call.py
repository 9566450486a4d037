"""One call over HTTP from its arguments to its outcome: request, redirects, and other tries."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import httpcore
import httpx

from apigen_ray.library.request import RequestForm, SecretForm
from apigen_ray.records import Json, Status
from apigen_ray.retry_after import retry_after
from apigen_ray.runners.base import Outcome
from apigen_ray.runners.rest.answers import AWAY, failed, outcome_of
from apigen_ray.runners.rest.encode import encode
from apigen_ray.runners.rest.guard import Blocked, Guard
from apigen_ray.runners.rest.lanes import Lane
from apigen_ray.runners.rest.reading import Answer
from apigen_ray.runners.rest.redirects import STATUSES, Refused, next_hop
from apigen_ray.runners.rest.secrets import Added, NoCredentials, Scrubber, added, read_credential, secrets_of
from apigen_ray.runners.rest.spec import RestSpec
from apigen_ray.runners.rest.tokens import Tokens
from apigen_ray.runners.rest.wire import IDEMPOTENT, Hop, Wire, is_listed

MAX_DETAIL = 500
"""Characters of an outcome's words."""


@dataclass(frozen=True)
class Means:
    """What calls are made with, shared by all of a runner.

    Attributes:
        spec: limits.
        guard: knows whom the user has named.
        scrubber: knows the secrets.
        wire: the connections.
        tokens: of OAuth 2.
        open: how many requests may be under way.
    """

    spec: RestSpec
    guard: Guard
    scrubber: Scrubber
    wire: Wire
    tokens: Tokens
    open: asyncio.Semaphore


class Fault(Exception):
    """A call that cannot be made: a code and words."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class Call:
    """A call that waits for its turn, and perhaps for another one.

    Args:
        means: what it is made with.
        lane: where it waits for its turns.
        form: how its request is made.
        server: the form's, as a URL.
        arguments: of the call.
        done: where its outcome goes.
    """

    def __init__(
        self,
        means: Means,
        lane: Lane,
        form: RequestForm,
        server: httpx.URL,
        arguments: Json,
        done: "asyncio.Future[Outcome]",
    ) -> None:
        self.lane = lane
        self._means, self._form, self._server, self._arguments, self._done = means, form, server, arguments, done
        self._left = means.spec.timeout_s
        self._tries = 0
        self._token = ""
        self._stale = ""
        self._answered: bool | None = None  # of the last try; None: nobody was asked
        self._last: Outcome | None = None

    async def take(self) -> float | None:
        """See `apigen_ray.runners.rest.lanes.Turn.take`."""
        async with self._means.open:
            started = time.monotonic()
            try:
                outcome, wait = await self._try()
            except Exception as error:  # a defect of ours costs this call, not its batch
                outcome, wait = failed(Status.ERROR, "runner_unavailable", f"{type(error).__name__}: {error}"), None
            self._left -= time.monotonic() - started
        if wait is not None and wait < self._left:
            self._left -= wait
            self._last = outcome
            return wait
        if self._answered is not None:
            self.lane.told(self._answered)
        self._settle(replace(outcome, seconds=self._means.spec.timeout_s - self._left))
        return None

    def fail(self, error: Exception) -> None:
        """See `apigen_ray.runners.rest.lanes.Turn.fail`."""
        self._settle(failed(Status.ERROR, "runner_unavailable", f"nobody says what its host bears: {error}"))

    def drop(self) -> None:
        """See `apigen_ray.runners.rest.lanes.Turn.drop`."""
        words = f"{self._server.host}: not asked, since it has left the last calls without an answer"
        self._settle(self._last or failed(Status.ERROR, "endpoint_unavailable", words))

    def _settle(self, outcome: Outcome) -> None:
        if not self._done.done():
            # scrubbed first and cut then: the half of a secret is not recognised any more
            self._done.set_result(replace(outcome, detail=self._means.scrubber.text(outcome.detail)[:MAX_DETAIL]))

    async def _try(self) -> tuple[Outcome, float | None]:
        """One try: what became of it, and after which time another one may be worth it; None: it is not."""
        host = self._server.host
        self._answered = None
        try:
            async with asyncio.timeout(self._left):
                answer = await self._exchange(self._hop([await self._added(form) for form in self._form.auth]))
        except NoCredentials as fault:
            return failed(Status.ERROR, "no_credentials", str(fault)), None
        except Fault as fault:
            return failed(Status.REJECTED, fault.code, str(fault)), None
        except Blocked as fault:
            return failed(Status.REJECTED, "blocked_address", str(fault)), None
        except Refused as fault:
            return failed(Status.REJECTED, "redirect_refused", f"{host}: {fault}"), None
        except httpcore.LocalProtocolError as error:
            return failed(Status.REJECTED, "argument_error", f"its request is none: {error}"), None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, TimeoutError) as error:
            self._answered = False
            return self._silent(error)
        self._answered = answer.status != 429  # whoever is turned away by all is no better off than with nobody
        outcome = outcome_of(answer, self._form.method, host, self._means.scrubber)
        if answer.status == 401 and self._token and not self._stale:
            self._stale = self._token  # it may have been withdrawn: once more, with a fresh one
            return outcome, 0.0
        if answer.status in AWAY:
            return outcome, self._asked_to_wait(answer)
        return outcome, None

    def _silent(self, error: Exception) -> tuple[Outcome, float | None]:
        spec, host = self._means.spec, self._server.host
        if isinstance(error, TimeoutError):
            return failed(Status.REJECTED, "timeout", f"no whole answer from {host} in {spec.timeout_s:g} s"), None
        if isinstance(error, httpcore.TimeoutException) and not isinstance(error, httpcore.ConnectTimeout):
            return failed(Status.REJECTED, "timeout", f"{host} was silent for {spec.read_timeout_s:g} s"), None
        words = str(error) or f"no connection in {spec.connect_timeout_s:g} s"
        return failed(Status.ERROR, "endpoint_unavailable", f"{host}: {words}"), self._backoff()

    async def _added(self, form: SecretForm) -> Added:
        values = read_credential(form)
        self._means.scrubber.learn(secrets_of(form, values))
        if form.kind == "oauth2":
            self._token = await self._means.tokens.get(form, values[0], values[1], self._stale)
            values = (self._token,)
        return added(form, values)

    def _hop(self, credentials: Sequence[Added]) -> Hop:
        try:
            plain = encode(self._form, self._arguments, credentials)
            url = httpx.URL(plain.url)
        except (ValueError, httpx.InvalidURL) as error:  # the latter: it is longer than 64 KiB
            raise Fault("argument_error", str(error)) from None
        names = {name.lower() for name, _ in plain.headers}
        usual = [("Accept", "application/json, text/plain;q=0.9, */*;q=0.1"), ("User-Agent", "apigen-ray")]
        headers = (*plain.headers, *((name, value) for name, value in usual if name.lower() not in names))
        return Hop(plain.method, url, headers, plain.body, is_listed(self._means.guard, url))

    async def _exchange(self, hop: Hop) -> Answer:
        """The answer at the end of the redirects.

        Raises:
            Refused: one of them is not followed.
        """
        means = self._means
        for _ in range(means.spec.max_redirects + 1):
            answer = await means.wire.send(hop)
            if answer.status not in STATUSES:
                return answer
            hop = next_hop(hop, answer, means.guard, means.scrubber)
        raise Refused(f"more than {means.spec.max_redirects} redirects")

    def _backoff(self) -> float | None:
        """Seconds until another try; None where there is none."""
        spec = self._means.spec
        if self._tries >= spec.max_retries or self._form.method not in IDEMPOTENT:
            return None
        self._tries += 1
        jitter = random.random()  # noqa: S311 - keeps calls from returning together, no secret
        return float(min(spec.backoff_s * 2 ** (self._tries - 1), spec.max_backoff_s) * (1 - jitter / 2))

    def _asked_to_wait(self, answer: Answer) -> float | None:
        """As `_backoff`, but no sooner than the server says; None where that is too late."""
        asked = retry_after(answer.headers.get("retry-after", ""), datetime.now(UTC))
        if asked is None:
            return self._backoff()
        if asked > self._means.spec.max_backoff_s:
            return None
        if answer.status == 429:  # it is said to all that we ask there
            self.lane.pause(asked)
        wait = self._backoff()
        return None if wait is None else max(wait, asked)
