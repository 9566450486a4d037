"""No secret comes through the scrubber, in whatever form a server gives it back."""

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apigen_ray.library.request import SecretForm
from apigen_ray.runners.rest.secrets import (
    STARS,
    NoCredentials,
    Scrubber,
    added,
    read_credential,
    read_secret,
    secrets_among,
    secrets_of,
)

KEY = "sk-Live+9/x=&\"q' 7Z"

FORMS: dict[str, Callable[[str], str]] = {
    "as it is": lambda key: key,
    "percent-encoded": lambda key: quote(key, safe=""),
    "in a form": quote_plus,
    "in small hex digits": lambda key: quote(key, safe="").replace("%2B", "%2b").replace("%2F", "%2f"),
    "every character": lambda key: "".join(f"%{ord(character):02X}" for character in key),
    "percent-encoded twice": lambda key: quote(quote(key, safe=""), safe=""),
    "in JSON": lambda key: json.dumps({"key": key}),
    "in JSON in JSON": lambda key: json.dumps(json.dumps(key)),
    "in PHP's JSON": lambda key: json.dumps(key).replace("/", "\\/"),
    "in escapes": lambda key: "".join(f"\\u{ord(character):04x}" for character in key),
    "in HTML": html.escape,
    "in HTML's numbers": lambda key: "".join(f"&#{ord(character)};" for character in key),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 after one": lambda key: base64.b64encode(f"u{key} and more".encode()).decode(),
    "base64 after two": lambda key: base64.b64encode(f"u:{key}".encode()).decode(),
    "base64 for URLs": lambda key: base64.urlsafe_b64encode(f"??{key}??".encode()).decode(),
    "base64, percent-encoded": lambda key: quote(base64.b64encode(f"a{key}".encode()).decode(), safe=""),
}


def scrubber(*secrets: str) -> Scrubber:
    one = Scrubber()
    one.learn(secrets)
    return one


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_struck_out_and_nothing_beside_it(form: str) -> None:
    text = FORMS[form](KEY)
    one = scrubber(KEY, "another-secret")
    clean = one.text(f"before|{text}|after")
    assert clean.startswith("before|")
    assert clean.endswith("|after")
    assert STARS in clean
    assert not one.shows(clean)
    assert KEY[3:9] not in clean


@settings(deadline=None, max_examples=50)
@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40), st.sampled_from(list(FORMS))
)
def test_any_key_in_any_form(key: str, form: str) -> None:
    clean = scrubber(key).text(f"x {FORMS[form](key)} y")
    assert key not in clean
    assert not scrubber(key).shows(clean)


def test_a_value_keeps_its_form() -> None:
    value = {"a": ["x 123456 y", 123456, 1.0, True, None], "123456": {"b": "plain"}}
    clean = scrubber("123456").value(value)
    assert clean == {"a": [f"x {STARS} y", STARS, 1.0, True, None], STARS: {"b": "plain"}}


def test_a_json_text_is_scrubbed_string_by_string() -> None:
    one = scrubber("of two\nlines", "t0ken-value")
    text = '{ "a": ["x of two\\nlines y", 1], "t0ken-value": 2.50 }'
    assert one.json_text(text) == f'{{"a":["x {STARS} y",1],"{STARS}":2.5}}'
    for text in ('{ "a": 2.50 }', '"two lines"'):
        assert one.json_text(text) == text
        assert Scrubber().json_text(text) == text


def test_of_what_somebody_else_has_cut_no_half_is_left() -> None:
    one = scrubber("t0ken-value", "s3cret")
    whole = "no entry for t0ken-value"
    assert one.cut(whole) == f"no entry for {STARS}"
    for length in range(3, len("t0ken-value")):
        assert one.cut(whole[: len("no entry for ") + length]) == f"no entry for {STARS}"
    assert one.cut("nothing of theirs") == "nothing of theirs"
    assert Scrubber().cut(whole) == whole


def test_short_variables_are_no_secrets() -> None:
    assert secrets_among(["en_US", "t0ken-value\n", "", "  no  "]) == ["t0ken-value"]


def test_of_two_secrets_the_longer_goes_first_and_none_is_forgotten() -> None:
    one = scrubber("abcdef")
    one.learn(["abcdef-and-more"])
    assert one.text("abcdef-and-more abcdef") == f"{STARS} {STARS}"


def test_nothing_known_nothing_struck_out() -> None:
    assert Scrubber().text("abc % & \\u0041") == "abc % & \\u0041"
    assert not Scrubber().shows("anything")


def test_what_is_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_A", " value\n")
    monkeypatch.setenv("KEY_B", "")
    monkeypatch.delenv("KEY_C", raising=False)
    assert read_secret("KEY_A") == "value"
    for name in ("KEY_B", "KEY_C"):
        with pytest.raises(NoCredentials, match=name):
            read_secret(name)
    for bad in ("two\nlines", "schl\u00fcssel"):
        monkeypatch.setenv("KEY_A", bad)
        with pytest.raises(NoCredentials, match="no printable ASCII") as caught:
            read_secret("KEY_A")
        assert bad not in str(caught.value)


def test_what_each_kind_adds_and_hides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER_", "jo")
    monkeypatch.setenv("PASS_", "")
    key = SecretForm("apiKey", "query", "k", ("USER_",))
    assert added(key, ("v",)) == ("query", "k", "v")
    assert added(SecretForm("bearer", "header", "Authorization", ("T",)), ("v",))[2] == "Bearer v"
    plain = SecretForm("basic", "header", "Authorization", ("USER_", "PASS_"))
    values = read_credential(plain)
    assert values == ("jo", "")
    assert added(plain, values)[2] == "Basic am86"
    assert secrets_of(plain, values) == ("jo:", "jo")
    assert secrets_of(plain, ("jo", "pw")) == ("jo:pw", "pw")  # a user's name is no secret, and stands in many answers
    assert secrets_of(SecretForm("oauth2", "header", "Authorization", ("I", "S")), ("id", "s")) == ("s",)
