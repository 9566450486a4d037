"""The OpenAI engine without Ray: bodies, answers, retries, the key."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr, TypeAdapter, ValidationError

from apigen_ray.engines import EngineSpec, build
from apigen_ray.engines.chat import chat_body, encode, reply_of, score_bodies, words
from apigen_ray.engines.openai import ChatClient, OpenAiEngine, _proxy, probe
from apigen_ray.engines.openai_spec import OpenAiSpec
from apigen_ray.errors import EnvironmentFault
from apigen_ray.records import Reply, Request

KEY = "sk-very/secret-4711"


def spec(url: str = "http://127.0.0.1:9/v1", **rest: object) -> OpenAiSpec:
    quick = {"backoff_s": 0.01, "max_backoff_s": 0.2, "timeout_s": 10.0, "deadline_s": 30.0}
    return OpenAiSpec.model_validate({"engine": "openai", "base_url": url, "model": "loop"} | quick | rest)


def asked(text: str = "hello", **rest: object) -> Request:
    return Request(({"role": "user", "content": text},), **rest)  # type: ignore[arg-type]


def answers(of: OpenAiSpec, requests: list[Request], key: str | None = None) -> list[Reply]:
    async def main() -> list[Reply]:
        client = ChatClient(of, SecretStr(key) if key else None)
        try:
            return await client.answer_all("reply", requests)
        finally:
            await client.close()

    return asyncio.run(main())


def answer_one(of: OpenAiSpec, request: Request | None = None, key: str | None = None) -> Reply:
    return answers(of, [request or asked()], key)[0]


# What is sent


def test_body_holds_sampling_limit_and_schema() -> None:
    schema = {"type": "object"}
    of = spec(sampling={"temperature": 0.2, "top_p": 0.9, "max_tokens": 50, "seed": 3}, logprobs=True)
    body = chat_body(of, "reply", asked(schema=schema, max_tokens=9))
    assert body == {
        "model": "loop",
        "messages": [{"role": "user", "content": "hello"}],
        "temperature": 0.2,
        "top_p": 0.9,
        "max_tokens": 9,
        "seed": 3,
        "logprobs": True,
        "response_format": {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema, "strict": False}},
    }


def test_schema_goes_the_way_that_the_spec_says() -> None:
    request = asked(schema={"type": "object"})
    assert chat_body(spec(structured="guided"), "reply", request)["structured_outputs"] == {"json": {"type": "object"}}
    plain = chat_body(spec(structured="none"), "reply", request)
    assert "response_format" not in plain
    assert "structured_outputs" not in plain


def test_extra_body_adds_and_takes_away() -> None:
    body = chat_body(spec(extra_body={"max_tokens": None, "max_completion_tokens": 5, "top_k": 1}), "reply", asked())
    assert "max_tokens" not in body
    assert (body["max_completion_tokens"], body["top_k"]) == (5, 1)


def test_lone_surrogate_travels_as_its_escape() -> None:
    assert json.loads(encode({"a": "\ud83d"})) == {"a": "\ud83d"}


# What comes back


def test_reply_holds_text_usage_and_seconds(chat_server, answer) -> None:
    chat_server.behave = lambda body, times: answer.text("fine", delay=0.05)
    reply = answer_one(spec(chat_server.url))
    assert (reply.text, reply.model, reply.finish, reply.error) == ("fine", "loop-1", "stop", None)
    assert (reply.prompt_tokens, reply.completion_tokens) == (7, 3)
    assert reply.seconds >= 0.05


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, b"<html>proxy</html>", "bad_response"),
        (200, b"", "bad_response"),
        (200, b"[]", "bad_response"),
        (200, b'{"error": {"message": "no"}}', "bad_response"),
        (200, b'{"choices": []}', "bad_response"),
        (200, b'{"choices": [{"message": {"content": null}}]}', "bad_response"),
        (200, b'{"choices": [{"message": {"content": 7}}]}', "bad_response"),
        (200, b'{"choices": {"0": 1}}', "bad_response"),
        (200, b"[" * 100_000, "bad_response"),
        (302, b"", "bad_response"),
        (203, b'{"choices": [{"message": {"content": "a proxy\'s"}}]}', "bad_response"),
        (400, b'{"error": {"message": "temperature?"}}', "bad_request"),
        (422, b"no", "bad_request"),
        (400, b'{"error": {"message": "This model\'s maximum context length is 2048 tokens."}}', "context_length"),
        (400, b'{"object": "error", "message": "the prompt is too long"}', "context_length"),
        (401, b"", "unauthorized"),
        (403, b"", "unauthorized"),
        (404, b"", "not_found"),
        (408, b"", "timeout"),
        (409, b"", "server_error"),
        (429, b"", "rate_limited"),
        (500, b"", "server_error"),
        (502, b"", "unavailable"),
        (503, b"<html>" + b"x" * 9999, "unavailable"),
        (504, b"", "unavailable"),
        (507, b"", "server_error"),
    ],
)
def test_every_answer_has_its_code(status: int, body: bytes, code: str) -> None:
    reply = reply_of(status, body)
    assert reply.text is None
    assert reply.error is not None
    assert reply.error.startswith(f"{code}: ")
    assert len(reply.error) <= 350


@settings(max_examples=200)
@given(
    st.sampled_from([200, 400, 500]),
    st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(
                    st.sampled_from(["choices", "message", "content", "usage", "logprobs", "logprob"]), inner
                )
            ),
        ).map(lambda value: json.dumps(value).encode()),
    ),
)
def test_any_bytes_are_text_or_an_error(status: int, body: bytes) -> None:
    reply = reply_of(status, body)
    assert (reply.text is None) != (reply.error is None)
    assert words(body)


@pytest.mark.parametrize(
    "usage", [None, [], {"prompt_tokens": "7"}, {"prompt_tokens": True}, {"prompt_tokens": 10**20}]
)
def test_odd_usage_counts_nothing(usage: object) -> None:
    choice = {"message": {"content": "x"}, "finish_reason": 5, "logprobs": {"content": [{"logprob": 10**400}, 5]}}
    reply = reply_of(200, json.dumps({"model": None, "choices": [choice], "usage": usage}).encode())
    assert reply == Reply(text="x")


def test_mean_logprob() -> None:
    choice = {"message": {"content": "x"}, "logprobs": {"content": [{"logprob": -1}, {"logprob": -0.5}]}}
    assert reply_of(200, json.dumps({"choices": [choice]}).encode()).logprob == -0.75


# Retries


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_what_may_pass_is_asked_again(chat_server, answer, status: int) -> None:
    chat_server.behave = lambda body, times: answer.text("at last") if times == 3 else answer(status)
    assert answer_one(spec(chat_server.url)).text == "at last"
    assert len(chat_server.bodies) == 3


@pytest.mark.parametrize("status", [400, 401, 404, 422])
def test_what_does_not_pass_is_asked_once(chat_server, answer, status: int) -> None:
    chat_server.behave = lambda body, times: answer(status)
    assert answer_one(spec(chat_server.url)).error
    assert len(chat_server.bodies) == 1


def test_retries_end(chat_server, answer) -> None:
    chat_server.behave = lambda body, times: answer(500, b"on fire")
    assert answer_one(spec(chat_server.url, max_retries=2)).error == "server_error: HTTP 500: on fire"
    assert len(chat_server.bodies) == 3


def test_dropped_connection_is_asked_again(chat_server, answer) -> None:
    chat_server.behave = lambda body, times: answer(drop=True) if times == 1 else answer.text("back")
    assert answer_one(spec(chat_server.url)).text == "back"


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the engine waits before it asks again, in seconds; it does wait."""
    out: list[float] = []

    async def sleep(seconds: float) -> None:
        out.append(seconds)
        await really(seconds)

    really = asyncio.sleep
    monkeypatch.setattr("apigen_ray.engines.openai.asyncio.sleep", sleep)
    return out


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_honoured(chat_server, answer, waits: list[float], form: str) -> None:
    def behave(body, times):
        later = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
        return (
            answer.text("ok") if times > 1 else answer(429, b"", {"retry-after": "1" if form == "seconds" else later})
        )

    chat_server.behave = behave
    assert answer_one(spec(chat_server.url, max_backoff_s=30)).text == "ok"
    assert sum(waits) > 0.9


def test_retry_after_is_capped_and_never_waited_past_the_deadline(chat_server, answer) -> None:
    chat_server.behave = lambda body, times: (
        answer.text("ok") if times > 1 else answer(429, b"", {"retry-after": "900"})
    )
    assert answer_one(spec(chat_server.url, max_backoff_s=0.1)).text == "ok"
    late = answer_one(spec(chat_server.url, max_backoff_s=60, deadline_s=1), asked("late"))
    assert late.error is not None
    assert late.error.startswith("rate_limited: ")


def test_slow_and_dripping_answers_time_out(chat_server, answer) -> None:
    chat_server.behave = lambda body, times: answer.text("too late", delay=1.5)
    reply = answer_one(spec(chat_server.url, timeout_s=0.1, max_retries=1))
    assert reply.error is not None
    assert reply.error.startswith("timeout: ")
    assert len(chat_server.bodies) == 2


def test_dead_endpoint_costs_one_row_its_retries_and_the_others_one_try(waits: list[float]) -> None:
    dead = spec(concurrency=1, backoff_s=0.02, max_retries=2)
    replies = answers(dead, [asked(str(number)) for number in range(50)])
    assert {reply.error.partition(":")[0] for reply in replies if reply.error} == {"endpoint_down"}
    assert len(replies) == 50
    assert len(waits) == 2  # before the first row's retries


@pytest.mark.parametrize("status", [None, 429, 502, 503, 504])
def test_a_server_that_has_answered_and_is_away_is_waited_for(chat_server, answer, status: int | None) -> None:
    away = answer(drop=True) if status is None else answer(status, b"")
    chat_server.behave = lambda body, times: (
        away
        if body["messages"][-1]["content"] == "never" or (body["messages"][-1]["content"] == "later" and times < 6)
        else answer.text("ok")
    )
    of = spec(chat_server.url, concurrency=1, max_retries=1)
    assert [reply.text for reply in answers(of, [asked("first"), asked("later")])] == ["ok", "ok"]
    code = "endpoint_down" if status is None else "rate_limited" if status == 429 else "unavailable"
    chat_server.bodies.clear()
    never = answer_one(of, asked("never"))  # nobody has ever heard of it: the wrong address, or down before the run
    assert (never.error or "").partition(":")[0] == code
    assert len(chat_server.bodies) == 2


def test_a_server_that_stays_away_is_given_up(chat_server, answer) -> None:
    chat_server.behave = lambda body, times: (
        answer(drop=True) if body["messages"][-1]["content"] == "later" else answer.text("ok")
    )
    of = spec(chat_server.url, concurrency=1, max_retries=1, outage_s=0.3)
    first, *rest = answers(of, [asked("first"), *[asked("later")] * 9])
    assert first.text == "ok"
    assert {(reply.error or "").partition(":")[0] for reply in rest} == {"endpoint_down"}
    assert len(chat_server.bodies) > 1 + 2 + 8  # one waited; for the others one try each


def test_a_request_that_the_server_hangs_up_on_while_it_answers_others_is_given_up(chat_server, answer) -> None:
    chat_server.behave = lambda body, times: (
        answer(drop=True) if body["messages"][-1]["content"] == "poison" else answer.text("ok", delay=0.05)
    )
    replies = answers(spec(chat_server.url, concurrency=2, max_retries=2), [asked("poison"), *[asked("good")] * 20])
    assert (replies[0].error or "").startswith("endpoint_down: ")
    assert [reply.text for reply in replies[1:]] == ["ok"] * 20


def test_what_is_no_longer_wanted_when_its_turn_comes_is_not_sent(chat_server, answer) -> None:
    async def main() -> list[Reply | None]:
        client = ChatClient(spec(chat_server.url, concurrency=2))
        try:
            requests = [asked(str(number)) for number in range(20)]
            return await client.answer_all("reply", requests, lambda number: len(chat_server.bodies) < 4)
        finally:
            await client.close()

    replies = asyncio.run(main())
    sent = [reply for reply in replies if reply is not None]
    assert len(sent) == len(chat_server.bodies) <= 5
    assert replies[10:] == [None] * 10


def test_batch_keeps_its_order_and_its_concurrency(chat_server, answer) -> None:
    def behave(body, times):
        number = int(body["messages"][-1]["content"])
        return answer.text(f"n{number}", delay=0.02 + 0.01 * (number % 3))

    chat_server.behave = behave
    replies = answers(spec(chat_server.url, concurrency=8), [asked(str(number)) for number in range(40)])
    assert [reply.text for reply in replies] == [f"n{number}" for number in range(40)]
    assert chat_server.most == 8


def test_after_the_first_unauthorized_the_rest_is_not_sent(chat_server, answer) -> None:
    chat_server.behave = lambda body, times: answer(401, b'{"error": {"message": "bad key"}}')
    replies = answers(spec(chat_server.url, concurrency=4), [asked(str(number)) for number in range(100)])
    assert {reply.error for reply in replies} == {"unauthorized: HTTP 401: bad key"}
    assert len(chat_server.bodies) <= 4


# The key


def test_key_is_sent_and_struck_out_of_answers(chat_server, answer) -> None:
    chat_server.behave = lambda body, times: answer(400, f"{'x' * 270} you sent {KEY}".encode())
    reply = answer_one(spec(chat_server.url), key=KEY)
    assert chat_server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert "***" in str(reply.error)
    assert "secret" not in str(reply)


def test_key_comes_from_the_environment_and_is_in_no_dump(monkeypatch) -> None:
    of = spec(api_key_env="APIGEN_TEST_KEY")
    monkeypatch.delenv("APIGEN_TEST_KEY", raising=False)
    with pytest.raises(EnvironmentFault, match="APIGEN_TEST_KEY is not set"):
        of.key()
    monkeypatch.setenv("APIGEN_TEST_KEY", KEY + "\n")
    key = of.key()
    assert key is not None
    assert key.get_secret_value() == KEY
    assert KEY not in repr((key, of, of.model_dump_json(), OpenAiEngine(of)))
    monkeypatch.setenv("APIGEN_TEST_KEY", "sk-ä")
    with pytest.raises(EnvironmentFault, match="printable ASCII") as caught:
        of.key()
    assert "sk-" not in str(caught.value)


def test_proxy_is_the_environments(monkeypatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert _proxy("http://models.example/v1") == "http://proxy.example:3128"
    assert _proxy("http://127.0.0.1:8000/v1") is None
    assert _proxy("https://models.example/v1") is None


# Scores


def scored(*messages: str) -> Request:
    roles = ["user", "assistant"]
    return Request(tuple({"role": roles[i % 2], "content": text} for i, text in enumerate(messages)), score=True)


def test_score_is_the_mean_over_the_last_message(chat_server, answer) -> None:
    def behave(body, times):
        if "prompt_logprobs" not in body:
            return answer.text("x")  # 7 prompt tokens
        tokens = [None] + [{"5": {"logprob": -9.0}}] * 6 + [{"8": {"logprob": -1.0}}, {"9": {"logprob": -2.0}}]
        choice = {"message": {"content": "x"}, "finish_reason": "length"}
        return answer.json({"model": "loop-1", "choices": [choice], "prompt_logprobs": tokens})

    chat_server.behave = behave
    reply = answer_one(spec(chat_server.url), scored("the call", "the query"))
    assert (reply.text, reply.logprob, reply.prompt_tokens, reply.error) == ("", -1.5, 9, None)
    before, whole = score_bodies(spec(), scored("the call", "the query"))
    assert [len(body["messages"]) for body in chat_server.bodies] == [1, 2]
    assert before["add_generation_prompt"] is True
    assert whole["continue_final_message"] is True


@pytest.mark.parametrize("tokens", [None, [], [None] * 7, [None, "x"], [{}] * 9])
def test_server_without_prompt_logprobs_cannot_score(chat_server, answer, tokens) -> None:
    chat_server.behave = lambda body, times: answer.json(
        {"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": 7}, "prompt_logprobs": tokens}
    )
    assert str(answer_one(spec(chat_server.url), scored("a", "b")).error).startswith("score_unsupported: ")


def test_server_that_refuses_the_field_cannot_score(chat_server, answer) -> None:
    chat_server.behave = lambda body, times: (
        answer(400, b"unknown field") if len(body["messages"]) > 1 else answer.text("x")
    )
    assert str(answer_one(spec(chat_server.url), scored("a", "b")).error).startswith("score_unsupported: bad_request")


# The doctor and the config


def test_probe_finds_the_model(chat_server, answer, monkeypatch) -> None:
    assert probe(spec(chat_server.url)).ok
    other = probe(spec(chat_server.url, model="other"))
    assert not other.ok
    assert "loop" in other.mend
    monkeypatch.setenv("APIGEN_TEST_KEY", KEY)
    chat_server.models = answer(401, f"not with {KEY}".encode())
    refused = probe(spec(chat_server.url, api_key_env="APIGEN_TEST_KEY"))
    assert "APIGEN_TEST_KEY" in refused.mend
    assert KEY not in str(refused)
    for odd in (answer(200, b"<html>"), answer(404), answer.json({"data": [1]}), answer.json([])):
        chat_server.models = odd
        assert "base_url" in probe(spec(chat_server.url)).mend
    assert "does not answer" in probe(spec()).message


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "localhost:8000"},
        {"base_url": "http://user:pw@host/v1"},
        {"base_url": "http://host/v1?key=1"},
        {"model": ""},
        {"concurrency": 0},
        {"api_key_env": "sk-4711"},
        {"sampling": {"temprature": 1}},
        {"api_key": KEY},
    ],
)
def test_wrong_specs_are_refused(wrong: dict) -> None:
    with pytest.raises(ValidationError):
        spec(**({"url": "http://127.0.0.1:9/v1"} | wrong) if "base_url" not in wrong else {"url": wrong["base_url"]})


def test_specs_are_told_apart_and_built() -> None:
    adapter = TypeAdapter(EngineSpec)
    of = adapter.validate_python({"engine": "openai", "base_url": "http://h/v1/", "model": "m"})
    assert of.base_url == "http://h/v1"
    assert isinstance(build(of), OpenAiEngine)
    with pytest.raises(ValidationError, match="does not match any of the expected tags"):
        adapter.validate_python({"engine": "oracle"})
