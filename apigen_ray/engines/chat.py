"""What an OpenAI-compatible server is sent and what is made of its answer: pure functions, no network."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from apigen_ray.engines.openai_spec import OpenAiSpec
from apigen_ray.records import Json, Reply, Request

CODES = (
    "endpoint_down",  # nothing listens there, or it hung up
    "timeout",  # no whole answer in time
    "unauthorized",  # 401, 403: the key is missing or wrong
    "not_found",  # 404: no such path or model
    "context_length",  # the prompt is longer than the model takes
    "bad_request",  # any other 4xx
    "rate_limited",  # 429
    "unavailable",  # 502, 503, 504: whoever stands before the server cannot reach it
    "server_error",  # 409, any other 5xx
    "bad_response",  # an answer that is not a chat completion: HTML, no JSON, missing or mistyped parts
    "score_unsupported",  # the server gives no log-probabilities of a prompt
)
"""How a reply's ``error`` begins; a detail follows after a colon."""

RETRIED = frozenset({"endpoint_down", "timeout", "rate_limited", "unavailable", "server_error"})
"""Codes that may be gone on another try."""

AWAY = frozenset({"endpoint_down", "rate_limited", "unavailable"})
"""Those of them that speak of the server and not of the request."""

DETAIL = 300
"""Characters of a server's own words that are kept."""

_TOO_LONG = re.compile(
    r"context[ _]length|context (window|size)|maximum (model|context|input)|too many tokens|(prompt|input) is too long",
    re.IGNORECASE,
)


def chat_body(spec: OpenAiSpec, name: str, request: Request) -> Json:
    """The body of ``POST /chat/completions`` for a request that wants text.

    Args:
        spec: the engine's spec.
        name: the ask's name, which names the schema.
        request: what is asked.

    Returns:
        The body: the spec's sampling, the request's limit and schema, and ``extra_body`` over all of it, in which a
        null takes a key away.
    """
    body: Json = {"model": spec.model, "messages": list(request.messages)}
    body |= spec.sampling.model_dump(exclude_none=True)
    if request.max_tokens is not None:
        body["max_tokens"] = request.max_tokens
    if spec.logprobs:
        body["logprobs"] = True
    if request.schema is not None and spec.structured == "json_schema":
        named = {"name": name, "schema": request.schema, "strict": spec.strict}
        body["response_format"] = {"type": "json_schema", "json_schema": named}
    elif request.schema is not None and spec.structured == "guided":
        body["structured_outputs"] = {"json": request.schema}
    return _merged(body, spec.extra_body)


def score_bodies(spec: OpenAiSpec, request: Request) -> tuple[Json, Json]:
    """Bodies of the two requests that score the last message: the conversation before it, and all of it.

    vLLM's chat API gives log-probabilities of the prompt (``prompt_logprobs``) but not where a message begins: the
    length of the first prompt tells. Each generates one token, the least that is allowed, which is not looked at.
    """
    common: Json = {"model": spec.model, "max_tokens": 1, "temperature": 0}
    before = common | {"messages": list(request.messages[:-1]), "add_generation_prompt": True}
    # continued, the prompt ends with the message itself and not with the template's end-of-turn marks
    whole = common | {"messages": list(request.messages), "add_generation_prompt": False}
    whole |= {"continue_final_message": True, "prompt_logprobs": 0}
    return _merged(before, spec.extra_body), _merged(whole, spec.extra_body)


def encode(body: Json) -> bytes:
    """The body as JSON bytes; a lone surrogate travels as its escape.

    Raises:
        ValueError: a number in it is not finite.
    """
    return json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")


def reply_of(status: int, body: bytes) -> Reply:
    """The reply that an HTTP answer holds; an ``error`` where it holds none, whatever the bytes are."""
    if status != 200:
        return failed(_code(status, body), f"HTTP {status}: {words(body)}")
    value = _json(body)
    if not isinstance(value, dict):
        return failed("bad_response", words(body))
    choices = value.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    text = message.get("content") if isinstance(message, dict) else None
    if not isinstance(choice, dict) or not isinstance(text, str):
        what = "no content in the message" if isinstance(message, dict) else "no choices"
        return failed("bad_response", f"{what}: {words(body)}")
    usage = value.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return Reply(
        text=text,
        model=_text(value.get("model")),
        finish=_text(choice.get("finish_reason")),
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        logprob=_mean_logprob(choice.get("logprobs")),
    )


def score_of(before: Reply, status: int, body: bytes) -> Reply:
    """The score of the last message.

    Args:
        before: the reply to the first body of `score_bodies`; its ``prompt_tokens`` stand before the message.
        status: of the answer to the second body.
        body: of that answer.

    Returns:
        A reply with ``text`` "" and the mean ``logprob`` in nats per token, or an ``error``.
    """
    reply = reply_of(status, body)
    if reply.error:
        refused = reply.error.startswith("bad_request:")
        return failed("score_unsupported", reply.error) if refused else reply
    tokens = _json(body).get("prompt_logprobs")
    if not isinstance(tokens, list):
        return failed("score_unsupported", "the server gave no prompt_logprobs")
    first = before.prompt_tokens
    values = [_logprob(token) for token in tokens[first:]]
    if not 0 < first < len(tokens) or any(value is None for value in values):
        return failed("score_unsupported", f"prompt_logprobs of {len(tokens)} tokens, the message from token {first}")
    mean = math.fsum(value for value in values if value is not None) / len(values)
    return Reply(text="", model=reply.model, finish=reply.finish, prompt_tokens=len(tokens), logprob=mean)


def failed(code: str, detail: str) -> Reply:
    """A reply that says why there is none."""
    return Reply(error=f"{code}: {detail}"[: DETAIL + len(code) + 2])


def words(body: bytes) -> str:
    """The server's own words on one line: the message of a JSON error, else the beginning of the body."""
    value = _json(body)
    error = value.get("error", value) if isinstance(value, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    text = message if isinstance(message, str) and message else body[: 4 * DETAIL].decode("utf-8", "replace")
    return " ".join(text.split())[:DETAIL] or "(empty)"


def _code(status: int, body: bytes) -> str:
    if status in (401, 403):
        return "unauthorized"
    if status == 404:
        return "not_found"
    if status == 408:
        return "timeout"
    if status == 429:
        return "rate_limited"
    if status in (502, 503, 504):
        return "unavailable"
    if status == 409 or status >= 500:
        return "server_error"
    if 400 <= status < 500:
        return "context_length" if _TOO_LONG.search(words(body)) else "bad_request"
    return "bad_response"


def _merged(body: Json, extra: Mapping[str, Any]) -> Json:
    return {key: value for key, value in (body | dict(extra)).items() if value is not None}


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else 0


def _mean_logprob(value: Any) -> float | None:
    tokens = value.get("content") if isinstance(value, dict) else None
    entries = tokens if isinstance(tokens, list) else []
    numbers = [_number(token.get("logprob")) for token in entries if isinstance(token, dict)]
    known = [number for number in numbers if number is not None]
    return math.fsum(known) / len(known) if known else None


def _logprob(token: Any) -> float | None:
    # one entry per candidate token; with prompt_logprobs 0 there is the prompt's own token and no other
    entries = list(token.values()) if isinstance(token, dict) else []
    return _number(entries[0].get("logprob")) if len(entries) == 1 and isinstance(entries[0], dict) else None


def _number(value: Any) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if abs(value) < 1e30 else None  # no log-probability is that low; also not NaN, nor 10**400
