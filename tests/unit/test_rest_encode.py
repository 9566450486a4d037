"""The HTTP request of a call: styles, places and bodies by the specifications, and values that try to break out."""

import json
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from apigen_ray.library.request import FieldForm, RequestForm
from apigen_ray.runners.rest.encode import Plain, encode

URLENCODED = "application/x-www-form-urlencoded"
COLORS = ["blue", "black", "brown"]
RGB = {"R": 100, "G": 200, "B": 150}


def form(*fields: FieldForm, method: str = "GET", path: str = "/x", **more: Any) -> RequestForm:
    return RequestForm(method, "https://a.example/v1", path, fields, **more)


def field(place: str, style: str = "", explode: bool = False, name: str = "color", **more: Any) -> FieldForm:
    return FieldForm(name, name, place, style, explode, **more)


def target(request: Plain) -> str:
    assert request.url.startswith("https://a.example/v1/")
    return request.url.removeprefix("https://a.example/v1")


def query(given: FieldForm, value: Any) -> str:
    return target(encode(form(given), {given.name: value})).removeprefix("/x").removeprefix("?")


def body(given: RequestForm, arguments: Any) -> tuple[str, bytes]:
    request = encode(given, arguments)
    return dict(request.headers).get("Content-Type", ""), request.body


# OpenAPI 3.1.1, Parameter Object, Style Examples; there and here, an empty text is one that is given and empty.
STYLES: list[tuple[str, bool, Any, Any, Any, Any]] = [
    ("matrix", False, ";color", ";color=blue", ";color=blue,black,brown", ";color=R,100,G,200,B,150"),
    ("matrix", True, ";color", ";color=blue", ";color=blue;color=black;color=brown", ";R=100;G=200;B=150"),
    ("label", False, None, ".blue", ".blue,black,brown", ".R,100,G,200,B,150"),
    ("label", True, None, ".blue", ".blue.black.brown", ".R=100.G=200.B=150"),
    ("simple", False, None, "blue", "blue,black,brown", "R,100,G,200,B,150"),
    ("simple", True, None, "blue", "blue,black,brown", "R=100,G=200,B=150"),
    ("form", False, "color=", "color=blue", "color=blue,black,brown", "color=R,100,G,200,B,150"),
    ("form", True, "color=", "color=blue", "color=blue&color=black&color=brown", "R=100&G=200&B=150"),
    ("spaceDelimited", False, "color=", "color=blue", "color=blue%20black%20brown",
     "color=R%20100%20G%20200%20B%20150"),
    ("pipeDelimited", False, "color=", "color=blue", "color=blue%7Cblack%7Cbrown",
     "color=R%7C100%7CG%7C200%7CB%7C150"),
    ("tabDelimited", False, "color=", "color=blue", "color=blue%09black%09brown",
     "color=R%09100%09G%09200%09B%09150"),
    ("deepObject", True, "color=", "color=blue", "color%5B%5D=blue&color%5B%5D=black&color%5B%5D=brown",
     "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"),
]  # fmt: skip


@pytest.mark.parametrize(("style", "explode", "empty", "one", "array", "members"), STYLES)
def test_styles(style: str, explode: bool, empty: Any, one: str, array: str, members: str) -> None:
    in_path = style in ("matrix", "label", "simple")
    given = field("path" if in_path else "query", style, explode)
    for value, expected in (("", empty), ("blue", one), (COLORS, array), (RGB, members)):
        if in_path and expected is None:
            with pytest.raises(ValueError, match="path"):
                encode(form(given, path="/{color}"), {"color": value})
        elif in_path:
            assert target(encode(form(given, path="/{color}/y"), {"color": value})) == f"/{expected}/y"
        else:
            assert query(given, value) == expected


@pytest.mark.parametrize(
    ("given", "value", "expected"),
    [
        (field("query", "form", True), True, "color=true"),
        (field("query", "form", True), [False, 1.0, 2.5, 1e22, -0.0],
         "color=false&color=1&color=2.5&color=1e%2B22&color=0"),
        (field("query", "form", True), None, ""),
        (field("query", "form", True), [None, "a", None], "color=a"),
        (field("query", "form", True), [], ""),
        (field("query", "form", True), {"a": None, "b": ""}, "b="),
        (field("query", "form", True, empty=True), None, "color="),
        (field("query", "form", True, empty=True), [], "color="),
        (field("query", "form"), ["a,b", "c d"], "color=a%2Cb,c%20d"),
        (field("query", "form"), [{"a": 1}, ["b"]], "color=%7B%22a%22%3A1%7D,%5B%22b%22%5D"),
        (field("query", "form"), "a&b=c#d?e+f/g", "color=a%26b%3Dc%23d%3Fe%2Bf%2Fg"),
        (field("query", "form"), "größe 😀", "color=gr%C3%B6%C3%9Fe%20%F0%9F%98%80"),
        (field("query", "form", reserved=True), "a/b?c:d@e%20f%g&h#i+j k[]",
         "color=a/b?c:d@e%20f%25g%26h%23i%2Bj%20k%5B%5D"),
        (field("query", content="application/json"), {"a": [1, None, 2.0]},
         "color=%7B%22a%22%3A%5B1%2Cnull%2C2.0%5D%7D"),
        (field("query", content="application/json"), "a", "color=%22a%22"),
        (field("query", content="text/plain"), "a b", "color=a%20b"),
        (field("query", "deepObject", True), {"a": {"b": [1, 2], "c": None}, "d": [{"e": True}]},
         "color%5Ba%5D%5Bb%5D%5B%5D=1&color%5Ba%5D%5Bb%5D%5B%5D=2&color%5Bd%5D%5B0%5D%5Be%5D=true"),
        (field("query", "form", True, "filter[a]&b"), 1, "filter%5Ba%5D%26b=1"),
        (field("query", "spaceDelimited", True), ["a", "b"], "color=a&color=b"),
    ],
)  # fmt: skip
def test_queries(given: FieldForm, value: Any, expected: str) -> None:
    assert query(given, value) == expected


def test_swagger_delimiters_outside_a_query() -> None:
    assert target(encode(form(field("path", "pipeDelimited"), path="/{color}"), {"color": ["a", "b|"]})) == "/a%7Cb%7C"
    assert encode(form(field("header", "spaceDelimited")), {"color": ["a", "b"]}).headers == (("color", "a b"),)
    given = form(field("form", "tabDelimited"), media=URLENCODED)
    assert body(given, {"color": ["a", "b"]}) == (URLENCODED, b"color=a%09b")


@pytest.mark.parametrize(
    ("path", "arguments", "expected"),
    [
        ("/p/{a}.{b}", {"a": "x.y", "b": 5}, "/p/x.y.5"),
        ("/p/{a}/", {"a": "ä b"}, "/p/%C3%A4%20b/"),
        ("p/{a}", {"a": 1}, "/p/1"),
        ("/p/{a}:run", {"a": "x:y"}, "/p/x%3Ay:run"),
        ("/p/{a}?acl", {"a": 1}, "/p/1?acl"),
        ("/?Action=Do&id={a}", {"a": "x&y", "b": "z"}, "/?Action=Do&id=x%26y"),
        ("/#X-Target=Do", {}, "/"),
        ("/p q/ü%20{a}", {"a": 1}, "/p%20q/%C3%BC%201"),
        ("/p\r\nHost: evil/{a}", {"a": 1}, "/p%0D%0AHost:%20evil/1"),
        ("//evil.example/{a}", {"a": 1}, "//evil.example/1"),
        ("@evil.example/{a}", {"a": 1}, "/@evil.example/1"),
    ],
)
def test_paths(path: str, arguments: dict, expected: str) -> None:
    request = encode(form(field("path", "simple", name="a"), field("path", name="b"), path=path), arguments)
    assert target(request) == expected
    assert urlsplit(request.url).netloc == "a.example"


@pytest.mark.parametrize(
    "value", ["a/b", "?x=1", "#x", "\r\nX: y", "a%2Fb", "//evil.example", "@e:80", "a\\b", "\0", "..."]
)
def test_a_value_stays_in_its_segment(value: str) -> None:
    request = encode(form(field("path", name="a"), path="/p/{a}/end"), {"a": value})
    parts = urlsplit(request.url)
    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("https", "a.example", "", "")
    assert [unquote(segment) for segment in parts.path.split("/")] == ["", "v1", "p", value, "end"]
    assert request.url.isprintable()
    assert request.url.isascii()


@pytest.mark.parametrize(
    ("path", "value", "match"),
    [
        ("/p/{a}", "..", "another folder"),
        ("/p/{a}", ".", "another folder"),
        ("/p/{a}", "../../admin", "another folder"),
        ("/p/{a}", "x/../../admin", "another folder"),
        ("/p/{a}", "x\\..\\admin", "another folder"),
        ("/p/.{a}", ".", "another folder"),
        ("/p/%2e{a}", ".", "another folder"),
        ("/p/{a}", "", "'a' is empty"),
        ("/p/{a}", [], "'a' is empty"),
        ("/p/{a}", None, "'a' is missing"),
        ("/p/{other}", "x", "'other' is missing"),
        ("/p/{a}", "\ud800", "surrogates"),
        ("/p/{a}", float("nan"), "Out of range"),
    ],
)  # fmt: skip
def test_paths_that_are_none(path: str, value: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        encode(form(field("path", name="a"), path=path), {"a": value})


def test_headers_and_cookies() -> None:
    given = form(
        field("header", "simple", name="X-Ids"),
        field("header", "simple", True, name="X-Map"),
        field("header", name="X-Json", content="application/json"),
        field("header", name="X-None"),
        field("header", "simple", name="X-Empty"),
        field("header", name="X-Text"),
        field("cookie", "form", True, name="id"),
        field("cookie", "form", name="list"),
        field("cookie", "form", True, name="map"),
        constants=(("header", "X-Target", "only"), ("cookie", "session", "a=b; c")),
    )
    arguments = {
        "X-Ids": ["a", 1, True], "X-Map": {"r": 1, "g": 2}, "X-Json": {"a": "b, c"}, "X-None": None,
        "X-Empty": [], "X-Text": " a b\t",
        "id": ["x;y", "z"], "list": [1, 2], "map": {"k": "v"},
    }  # fmt: skip
    assert encode(given, arguments).headers == (
        ("X-Ids", "a,1,true"),
        ("X-Map", "r=1,g=2"),
        ("X-Json", '{"a":"b, c"}'),
        ("X-Text", "a b"),
        ("X-Target", "only"),
        ("Cookie", "id=x%3By; id=z; list=1,2; k=v; session=a=b%3B%20c"),
    )


@pytest.mark.parametrize(
    ("given", "value", "match"),
    [
        (field("header", name="X"), "a\r\nHost: evil", "line break"),
        (field("header", name="X"), "a\nb", "line break"),
        (field("header", name="X"), "\0", "line break"),
        (field("header", name="X"), ["a", "b\r\n\r\nGET / HTTP/1.1"], "line break"),
        (field("header", "simple", True, name="X"), {"a\r\nb": 1}, "line break"),
        (field("header", name="X"), "größe", "beyond ASCII"),
        (field("header", name="X: y\r\nZ"), "a", "no request can set"),
        (field("header", name="Transfer-Encoding"), "chunked", "no request can set"),
        (field("header", name="Host"), "evil.example", "no request can set"),
        (field("cookie", "form", True, name="map"), {"a=b; admin": 1}, "no cookie can have"),
    ],
)
def test_headers_that_are_none(given: FieldForm, value: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        encode(form(given), {given.name: value})


def test_json_bodies_have_the_original_names() -> None:
    given = form(
        FieldForm("first_name", "first-name", "property"), FieldForm("more", "more", "property"),
        method="POST", media="application/vnd.api+json; charset=utf-8",
    )  # fmt: skip
    media, content = body(given, {"more": {"a": [None, 1.0, True]}, "first_name": None})
    assert media == "application/vnd.api+json; charset=utf-8"
    assert content == b'{"first-name":null,"more":{"a":[null,1.0,true]}}'
    assert body(given, {}) == ("", b"")
    assert body(form(method="POST", media="application/json", body=True), {}) == ("application/json", b"{}")


@pytest.mark.parametrize(
    ("media", "value", "content"),
    [
        ("application/json", ["ä", 1], '["ä",1]'.encode()),
        ("application/json", "text", b'"text"'),
        ("application/json", None, b"null"),
        ("text/plain", "a\r\nb", b"a\r\nb"),
        ("text/plain", 5.0, b"5"),
        (URLENCODED, {"a": [1, 2], "b": {"c": 1}, "d": None}, b"a=1&a=2&b=%7B%22c%22%3A1%7D"),
    ],
)
def test_whole_bodies(media: str, value: Any, content: bytes) -> None:
    assert body(form(field("body", name="body"), media=media), {"body": value}) == (media, content)


def test_a_form_that_is_one_parameter_takes_what_is_added() -> None:
    request = encode(form(field("body", name="b"), media=URLENCODED), {"b": {"a": 1}}, [("form", "key", "k")])
    assert request.body == b"a=1&key=k"


def test_forms() -> None:
    fields = (
        field("form", name="plain text"), field("form", name="list"), field("form", name="map"),
        field("form", "form", name="csv"), field("form", "deepObject", True, name="deep"),
        field("form", "form", True, name="flat"), field("form", name="json", content="application/json"),
    )  # fmt: skip
    arguments = {"plain text": "a&b=ä +", "list": [1, None, True], "map": {"k": [1]}, "csv": ["a", "b"],
                 "deep": {"k": {"l": 1}}, "flat": {"m": 1, "n": 2}, "json": ["x"]}  # fmt: skip
    given = form(*fields, media=URLENCODED, constants=(("form", "grant", "yes"),))
    kind, content = body(given, arguments)
    assert kind == URLENCODED
    assert content.startswith(b"plain+text=a%26b%3D%C3%A4+%2B&")
    assert parse_qsl(content.decode()) == [
        ("plain text", "a&b=ä +"), ("list", "1"), ("list", "true"), ("map", '{"k":[1]}'), ("csv", "a,b"),
        ("deep[k][l]", "1"), ("m", "1"), ("n", "2"), ("json", '["x"]'), ("grant", "yes"),
    ]  # fmt: skip


def test_multipart_forms() -> None:
    fields = (
        field("form", name='a"b\r\nX: y'), field("form", name="list"), field("form", name="map"),
        field("form", "form", name="csv"), field("form", name="xml", content="application/xml; charset=utf-8"),
    )  # fmt: skip
    arguments = {'a"b\r\nX: y': "ä\r\n--x--\r\n", "list": [1, None, {"k": None}], "map": {"k": 1}, "csv": ["a", "b"],
                 "xml": "<a/>"}  # fmt: skip
    given = form(*fields, media="multipart/form-data")
    kind, content = body(given, arguments)
    assert body(given, arguments) == (kind, content)
    parsed = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + content)
    parts = parsed.get_payload()
    assert isinstance(parts, list)
    found = [
        (part["Content-Disposition"], part["Content-Type"], part.get_payload(decode=True).decode()) for part in parts
    ]
    data = "form-data; name="
    assert found == [
        (data + '"a%22b%0D%0AX: y"', None, "ä\r\n--x--\r\n"),
        (data + '"list"', None, "1"),
        (data + '"list"', "application/json", '{"k":null}'),
        (data + '"map"', "application/json", '{"k":1}'),
        (data + '"csv"', None, "a,b"),
        (data + '"xml"', "application/xml; charset=utf-8", "<a/>"),
    ]
    with pytest.raises(ValueError, match="media type"):
        encode(form(field("form", content="a/b\r\nX: y"), media="multipart/form-data"), {"color": "x"})


def test_what_is_added_counts_before_constants_and_is_in_no_message() -> None:
    constants = (("header", "X-KEY", "old"), ("query", "v", "2"))
    added = (("header", "X-Key", "s3cret"), ("query", "key", "a&b"), ("cookie", "sid", "c"), ("property", "token", "d"))
    request = encode(form(field("property", name="n"), media="application/json", constants=constants), {"n": 1}, added)
    assert target(request) == "/x?v=2&key=a%26b"
    assert request.headers == (("X-Key", "s3cret"), ("Cookie", "sid=c"), ("Content-Type", "application/json"))
    assert json.loads(request.body) == {"n": 1, "token": "d"}
    for place in ("header", "path"):
        with pytest.raises(ValueError, match="X-Key") as caught:
            encode(form(path="/{X-Key}"), {}, [(place, "X-Key", "../s3cret\r\n")])
        assert "s3cret" not in str(caught.value)


def test_arguments_that_fit_no_form() -> None:
    with pytest.raises(ValueError, match="no parameter 'b'"):
        encode(form(field("query", name="a")), {"a": 1, "b": 2})
    with pytest.raises(ValueError, match="cannot be written from its properties"):
        encode(form(field("property", name="a"), media="application/xml"), {"a": 1})
    with pytest.raises(ValueError, match="line break"):
        encode(form(field("body", name="b"), media="text/plain\r\nX: y"), {"b": "x"})
