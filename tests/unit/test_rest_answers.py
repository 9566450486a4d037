"""What becomes of an answer: what is kept of it, and why one is none."""

import asyncio
import gzip
import json
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpcore
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apigen_ray.records import Status
from apigen_ray.runners.rest.answers import outcome_of
from apigen_ray.runners.rest.guard import Guard
from apigen_ray.runners.rest.reading import Answer, read
from apigen_ray.runners.rest.redirects import Refused, next_hop
from apigen_ray.runners.rest.secrets import Scrubber
from apigen_ray.runners.rest.wire import Hop

JSON = "application/json"


def gzipped(data: bytes) -> bytes:
    """Without the time: it would stand in the names of tests, which two processes have to call the same."""
    return gzip.compress(data, mtime=0)


def told(body: bytes, media: str = JSON, status: int = 200, method: str = "GET", **headers: str) -> tuple[str, Any]:
    """Code and body of the outcome, or code and detail."""
    outcome = outcome_of(Answer(status, {"content-type": media, **headers}, body), method, "h", Scrubber())
    assert (outcome.status == Status.PASSED) == (outcome.code == "")
    if outcome.value is None:
        return outcome.code, outcome.detail
    value = json.loads(outcome.value)
    assert value["status"] == status
    return outcome.code, value["body"]


@pytest.mark.parametrize(
    ("body", "media", "kept"),
    [
        (b'{"a": [1, null]}', JSON, {"a": [1, None]}),
        (b'"text"', "application/problem+json", "text"),
        (b"null", JSON, None),
        (b"[]", JSON, []),
        (b'\xef\xbb\xbf{"a": 1}', JSON, {"a": 1}),
        (b'{"a": 1}', "text/plain", {"a": 1}),
        (b' {"a": 1}', "text/html; charset=utf-8", {"a": 1}),
        (b"[1, 2", "text/plain", "[1, 2"),
        (b"{not json}", "", "{not json}"),
        (b"plain words", "text/plain", "plain words"),
        (b"caf\xe9", "text/plain; charset=ISO-8859-1", "caf\u00e9"),
        (b"caf\xe9", "text/plain", "caf\u00e9"),
        ("\u6f22".encode("shift_jis"), 'text/plain; charset="shift_jis"', "\u6f22"),
        (b"abc", "text/plain; charset=no-such-charset", "abc"),
        (b"<?xml version='1.0'?><a/>", "application/xml", "<?xml version='1.0'?><a/>"),
        (b"a,b\n1,2\n", "text/csv", "a,b\n1,2\n"),
        (b"OK", "text/html", "OK"),
    ],
)
def test_what_is_kept(body: bytes, media: str, kept: Any) -> None:
    assert told(body, media) == ("", kept)


@pytest.mark.parametrize(
    ("body", "media", "why"),
    [
        (b"<!DOCTYPE html><p>Sign in", JSON, "an HTML page where JSON was promised"),
        (b"\n<!-- x --> <!-- y --><html>", "text/plain", "an HTML page"),
        (b"<p>Sign in</p>", "text/html", "an HTML page"),
        (b"", JSON, "an empty answer"),
        (b" \n", "text/plain", "an empty answer"),
        (b'{"a": 1', JSON, "its JSON is none: "),
        (b'{"a": NaN}', JSON, "its JSON is none: NaN"),
        (b'{"a": 1, "a": 2}', JSON, 'its JSON is none: key "a" occurs twice'),
        (b'"\\ud800"', JSON, "its JSON is none: an escape"),
        (b"words", JSON, "its JSON is none: "),
        (b"[" * 100000, JSON, "its JSON is none: nested"),
        (b'"caf\xe9"', JSON, "no text: application/json"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "image/png", "no text: image/png"),
        (b"a\0b", "", "no text: bytes without a content type"),
    ],
)
def test_what_is_none(body: bytes, media: str, why: str) -> None:
    code, detail = told(body, media)
    assert code == "bad_output"
    assert detail.startswith(why)


@pytest.mark.parametrize(
    ("status", "method"), [(204, "GET"), (205, "GET"), (200, "DELETE"), (201, "POST"), (200, "HEAD")]
)
def test_an_empty_answer_that_says_all(status: int, method: str) -> None:
    assert told(b"", "", status, method) == ("", None)


@pytest.mark.parametrize("status", [300, 304, 400, 401, 403, 404, 410, 422, 500, 501, 520])
def test_errors_of_the_call(status: int) -> None:
    assert told(b'{"error": {"message": "no\\n such  pet"}}', status=status) == (
        "http_error",
        f"HTTP {status} from h: no such pet",
    )


@pytest.mark.parametrize("status", [408, 425, 429, 502, 503, 504])
def test_errors_of_the_moment(status: int) -> None:
    assert told(b"<html>busy", "text/html", status) == ("endpoint_unavailable", f"HTTP {status} from h: an HTML page")
    assert outcome_of(Answer(status), "GET", "h", Scrubber()).status == Status.ERROR


def test_comments_without_end_cost_nothing() -> None:
    assert told(b"<!---->" * 30_000, "text/plain") == ("", "<!---->" * 30_000)


def test_too_large_and_unreadable() -> None:
    assert outcome_of(Answer(200, {}, None), "GET", "h", Scrubber()).code == "output_too_large"
    assert outcome_of(Answer(200, {}, b"", "its gzip ends too early"), "GET", "h", Scrubber()).code == "bad_output"
    assert outcome_of(Answer(404, {}, None), "GET", "h", Scrubber()).detail == "HTTP 404 from h"


def test_words_are_scrubbed_before_they_are_cut() -> None:
    scrubber = Scrubber()
    scrubber.learn(["S3CRET-S3CRET"])
    body = b"x" * 295 + b"S3CRET-S3CRET"
    outcome = outcome_of(Answer(400, {}, body), "GET", "h", scrubber)
    assert "S3" not in outcome.detail
    long = b'{"a": ' + b"S3CRET-S3CRET" + b"x" * 40
    assert "S3" not in outcome_of(Answer(200, {"content-type": JSON}, long), "GET", "h", scrubber).detail
    kept = outcome_of(
        Answer(200, {"content-type": "x/S3CRET-S3CRET"}, b'{"S3CRET-S3CRET": "S3CRET-S3CRET"}'), "GET", "h", scrubber
    )
    assert kept.value == '{"status":200,"content_type":"x/***","body":{"***":"***"}}'


class _Parts:
    def __init__(self, *parts: bytes) -> None:
        self.parts = parts
        self.read = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            self.read += 1
            yield part


def answered(parts: _Parts, cap: int = 1000, method: str = "GET", **headers: str) -> Answer:
    given = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return asyncio.run(read(httpcore.Response(200, headers=given, content=parts), method, cap))


def split(data: bytes, size: int = 7) -> _Parts:
    return _Parts(*(data[start : start + size] for start in range(0, len(data), size)))


TEXT = b"one two three " * 20


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("identity", TEXT),
        ("gzip", gzipped(TEXT)),
        ("X-GZIP", gzipped(TEXT[:100]) + gzipped(TEXT[100:]) + b"\0\0\0"),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", zlib.compress(TEXT)[2:-4]),
        ("gzip", b""),
    ],
)
def test_bodies_in_pieces(encoding: str, data: bytes) -> None:
    answer = answered(split(data), content_encoding=encoding)
    assert answer.body == (TEXT if data else b"")
    assert not answer.fault


@pytest.mark.parametrize("cap", [279, 280, 281])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_the_cap_counts_what_is_unpacked(encoding: str, cap: int) -> None:
    data = gzipped(TEXT) if encoding == "gzip" else TEXT
    assert (answered(_Parts(data), cap, content_encoding=encoding).body is None) == (cap < len(TEXT))


def test_a_bomb_ends_at_the_cap_and_is_read_no_further() -> None:
    parts = split(gzipped(bytes(20_000_000)), 16_384)
    tracemalloc.start()
    assert answered(parts, 100_000, content_encoding="gzip").body is None
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert parts.read == 1
    assert peak < 1_000_000
    endless = _Parts(*[gzipped(b"")] * 5000)  # members that hold nothing: what is packed counts as well
    assert answered(endless, 10_000, content_encoding="gzip").body is None
    assert endless.read < 1000


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", gzipped(TEXT)[:-9]),
        ("gzip", b"no gzip"),
        ("br", zlib.compress(TEXT)),
        ("gzip, gzip", gzipped(gzipped(TEXT))),
        ("deflate", b"\xff\xff"),
    ],
)
def test_what_cannot_be_unpacked_is_said(encoding: str, data: bytes) -> None:
    assert answered(_Parts(data), content_encoding=encoding).fault


def test_a_head_has_no_body() -> None:
    assert answered(_Parts(), method="HEAD", content_length="5").body == b""


HOP = Hop("GET", httpx.URL("https://a.example/x?k=1"), (("Authorization", "Bearer S3CRET-S3CRET"), ("Accept", "*/*")))


def onward(location: str, hop: Hop = HOP, status: int = 302, allow: tuple[str, ...] = ()) -> Hop:
    scrubber = Scrubber()
    scrubber.learn(["S3CRET-S3CRET"])
    return next_hop(hop, Answer(status, {"location": location}), Guard(allow), scrubber)


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/y", "https://a.example/y"),
        ("y?z=1#part", "https://a.example/y?z=1"),
        ("https://A.example:443/y", "https://a.example/y"),
    ],
)
def test_a_redirect_within_its_origin_takes_all_along(location: str, url: str) -> None:
    assert onward(location) == Hop("GET", httpx.URL(url), HOP.headers)


@pytest.mark.parametrize(
    "location", ["https://b.example/y", "https://a.example:8443/", "//b.example", "https://x.a.example"]
)
def test_another_origin_gets_no_credentials(location: str) -> None:
    assert onward(location).headers == (("Accept", "*/*"),)


def test_from_http_to_https_it_is_the_same_host() -> None:
    hop = Hop("HEAD", httpx.URL("http://a.example/x"), HOP.headers)
    assert onward("https://a.example/x", hop).headers == HOP.headers
    assert onward("https://b.example/x", hop).headers == (("Accept", "*/*"),)
    assert onward("https://a.example:8443/x", hop).headers == (("Accept", "*/*"),)


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("http://a.example/x", "from https to http"),
        ("ftp://a.example/x", "no HTTP URL"),
        ("file:///etc/passwd", "no HTTP URL"),
        ("gopher://127.0.0.1:70/_x", "no HTTP URL"),
        ("https://user:pw@a.example/", "no HTTP URL"),
        ("https://a.example:99999/", "no HTTP URL"),
        ("http://a b\r\n", "no HTTP URL"),
        ("", "points nowhere"),
        ("https://b.example/?key=S3CRET-S3CRET", "carry a credential"),
        ("https://b.example/?key=S3CRET%2DS3CRET", "carry a credential"),
    ],
)
def test_redirects_that_are_not_followed(location: str, why: str) -> None:
    with pytest.raises(Refused, match=why) as caught:
        onward(location)
    assert "S3CRET" not in str(caught.value)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_what_changes_something_is_not_sent_again(method: str, status: int) -> None:
    with pytest.raises(Refused, match=f"a {method} is not sent again"):
        onward("/y", Hop(method, HOP.url), status)


def test_only_a_named_host_leads_to_a_named_host() -> None:
    inner = Hop("GET", httpx.URL("http://inner/x"), listed=True)
    allow = ("inner", "other")
    assert onward("http://other/", inner, allow=allow).listed
    assert onward("/y", inner, allow=allow).listed
    assert not onward("http://third/", inner, allow=allow).listed
    assert not onward("http://other/", Hop("GET", httpx.URL("http://a.example/x")), allow=allow).listed
    assert not onward("http://inner/", onward("http://third/", inner, allow=allow), allow=allow).listed


MEDIA = [
    "",
    JSON,
    "text/html",
    "text/plain; charset=utf-16",
    "text/x; charset=gb18030",
    "image/png",
    "application/json; charset=",
]


@settings(deadline=None)
@given(
    st.binary(max_size=80) | st.text(max_size=40).map(str.encode),
    st.sampled_from(MEDIA),
    st.sampled_from([200, 204, 404, 503]),
)
def test_whatever_comes_is_an_outcome(body: bytes, media: str, status: int) -> None:
    outcome = outcome_of(Answer(status, {"content-type": media}, body), "GET", "h", Scrubber())
    assert (outcome.status == Status.PASSED) == (outcome.value is not None)
    f"{outcome.value}{outcome.detail}".encode()


ODD = st.text(max_size=30) | st.sampled_from(["http", "//", "[", "@", "?", ":", "xn--", "%"]).flatmap(
    lambda mark: st.text(alphabet="a1:/@[]%?#.-\u00fc\u3002\\ ", max_size=20).map(
        lambda rest: mark + "://" * (mark == "http") + rest
    )
)


@settings(deadline=None)
@given(ODD)
def test_wherever_a_redirect_points_it_is_followed_or_refused(location: str) -> None:
    try:
        hop = onward(location)
    except Refused:
        return
    assert hop.origin[0] == "https"
    assert hop.origin[1].isascii()
    assert 0 < hop.origin[2] < 65536
    assert hop.origin == HOP.origin or hop.headers == (("Accept", "*/*"),)
