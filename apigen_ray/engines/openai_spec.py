"""The section of a run file for the engine ``openai``: which server, how patiently, and what is asked of it."""

import os
from typing import Annotated, Any, ClassVar, Literal

import httpx
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from apigen_ray.errors import EnvironmentFault


def _server(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError(f"not a URL ({error}); write it like http://localhost:8000/v1") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ValueError("not an HTTP URL; write it like http://localhost:8000/v1")
    if parsed.userinfo or parsed.query:
        raise ValueError(
            "holds credentials or a query; name the environment variable that holds the key in api_key_env"
        )
    return url.rstrip("/")


class Sampling(BaseModel):
    """How tokens are drawn: sent as they stand, those that are null not at all.

    Attributes:
        temperature: 0 takes the likeliest token.
        top_p: the smallest set of tokens that holds this much probability.
        max_tokens: written at most.
        seed: where the server draws from one; the same for every request.
        stop: texts that end the reply.
        presence_penalty: against words that are there already.
        frequency_penalty: against words that are there often.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    temperature: float | None = Field(default=0.7, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int | None = Field(default=1024, ge=1)
    seed: int | None = None
    stop: tuple[str, ...] | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None


class OpenAiSpec(BaseModel):
    """The section of a run file for a server that speaks OpenAI's chat API.

    Attributes:
        engine: ``openai``.
        base_url: up to and with ``/v1``; ``/chat/completions`` and ``/models`` are added.
        model: the model's name on that server.
        api_key_env: name of the environment variable that holds the key; None for a server without keys.
        concurrency: requests in flight.
        timeout_s: for one try, from sending to the whole answer.
        connect_timeout_s: until a connection stands.
        deadline_s: for all tries of one request and the waits between them.
        max_retries: tries after the first, for what may pass: no connection, timeouts, 408, 409, 429, 5xx.
        backoff_s: wait before the second try; doubled for each one after it, less a random part.
        max_backoff_s: longest wait, also where ``Retry-After`` asks for more.
        outage_s: how long a server that has answered may be away (no connection, 429, 502 to 504): requests wait for
            it, whatever ``max_retries`` says, within their deadline.
        sampling: how tokens are drawn.
        structured: how a row's schema is sent: ``json_schema`` as ``response_format``, ``guided`` as vLLM's
            ``structured_outputs``, ``none`` not at all.
        strict: the flag of that name in ``response_format``; OpenAI's own servers then refuse optional properties.
        logprobs: ask for the log-probabilities of the reply and keep their mean.
        extra_body: further keys of each request; a null takes a key away.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    neutral: ClassVar[tuple[str, ...]] = (
        # what cannot change a reply. The address is among them: the model's name says what answers, not where it runs
        *("base_url", "api_key_env", "concurrency", "timeout_s", "connect_timeout_s", "deadline_s"),
        *("max_retries", "backoff_s", "max_backoff_s", "outage_s"),
    )

    engine: Literal["openai"]
    base_url: Annotated[str, AfterValidator(_server)]
    model: str = Field(min_length=1)
    api_key_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    concurrency: int = Field(default=64, ge=1, le=4096)
    timeout_s: float = Field(default=120.0, gt=0)
    connect_timeout_s: float = Field(default=10.0, gt=0)
    deadline_s: float = Field(default=600.0, gt=0)
    max_retries: int = Field(default=5, ge=0)
    backoff_s: float = Field(default=0.5, gt=0)
    max_backoff_s: float = Field(default=60.0, gt=0)
    outage_s: float = Field(default=300.0, ge=0)
    sampling: Sampling = Sampling()
    structured: Literal["json_schema", "guided", "none"] = "json_schema"
    strict: bool = False
    logprobs: bool = False
    extra_body: dict[str, Any] = Field(default_factory=dict)

    def key(self) -> SecretStr | None:
        """The key from this process's environment, or None where the spec names no variable.

        Raises:
            EnvironmentFault: the variable is not set, or holds what cannot stand in a header.
        """
        if self.api_key_env is None:
            return None
        value = os.environ.get(self.api_key_env, "").strip()
        if not value:
            raise EnvironmentFault(f"api_key_env: {self.api_key_env} is not set", f"export {self.api_key_env}=...")
        if not (value.isascii() and value.isprintable()):  # the HTTP client would refuse it too, and print it
            raise EnvironmentFault(f"api_key_env: {self.api_key_env} is no printable ASCII", "set it to the key alone")
        return SecretStr(value)
