"""How an operation is called: what the sources ``openapi`` and ``rapidapi`` read out of their documents for it."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from apigen_ray.errors import LibraryError
from apigen_ray.library.openapi import OpenApiSource
from apigen_ray.library.rapidapi import RapidApiSource
from apigen_ray.library.request import FieldForm, RequestForm, SecretForm
from apigen_ray.records import Api
from apigen_ray.runners.rest.encode import encode

S = {"type": "string"}
A = {"type": "array", "items": S}
SERVERS = {"servers": [{"url": "https://a.example/v1"}]}


def api(folder: Path, operation: dict, *, entry: str = "GET /x", rest: dict | None = None, **keys: Any) -> Api:
    method, path = entry.split(" ")
    head = {} if rest and "swagger" in rest else {"openapi": "3.0.0"}
    document = {**head, **(SERVERS if rest is None else rest), "paths": {path: {method.lower(): operation}}}
    (folder / "api.json").write_text(json.dumps(document))
    parsed = OpenApiSource(path="api.json", **keys).parse(folder)
    assert not parsed.rejects, parsed.rejects
    return parsed.apis[0]


def form(folder: Path, operation: dict, **keys: Any) -> RequestForm:
    found = api(folder, operation, **keys)
    assert found.source is not None
    assert found.source.executed_by == "rest"
    assert RequestForm.loads(found.source.request).server == found.source.server
    return RequestForm.loads(found.source.request)


def fields(given: RequestForm) -> list[tuple]:
    return [(f.original, f.place, f.style, f.explode) for f in given.fields]


def test_parameters_of_openapi_3(tmp_path: Path) -> None:
    given = [
        {"name": "pet-id", "in": "path", "schema": A},
        {"name": "m", "in": "path", "schema": S, "style": "matrix", "explode": True},
        {"name": "q", "in": "query", "schema": A},
        {"name": "r", "in": "query", "schema": S, "allowReserved": True, "allowEmptyValue": True, "explode": False},
        {"name": "d", "in": "query", "schema": {"type": "object"}, "style": "deepObject", "explode": True},
        {"name": "p", "in": "query", "schema": A, "style": "pipeDelimited"},
        {"name": "odd", "in": "query", "schema": A, "style": "matrix", "explode": "no"},
        {"name": "j", "in": "query", "content": {"application/json": {"schema": {"type": "object"}}}},
        {"name": "X-H", "in": "header", "schema": A},
        {"name": "c", "in": "cookie", "schema": A},
    ]
    found = form(tmp_path, {"parameters": given}, entry="GET /x/{pet-id}{m}")
    assert (found.method, found.server, found.path, found.media, found.body) == (
        "GET", "https://a.example/v1", "/x/{pet-id}{m}", "", False
    )  # fmt: skip
    assert fields(found) == [
        ("pet-id", "path", "simple", False), ("m", "path", "matrix", True), ("q", "query", "form", True),
        ("r", "query", "form", False), ("d", "query", "deepObject", True), ("p", "query", "pipeDelimited", False),
        ("odd", "query", "form", True), ("j", "query", "", False), ("X-H", "header", "simple", False),
        ("c", "cookie", "form", True),
    ]  # fmt: skip
    assert [f.name for f in found.fields][:2] == ["pet_id", "m"]
    assert [(f.reserved, f.empty) for f in found.fields[2:4]] == [(False, False), (True, True)]
    assert found.fields[7].content == "application/json"


def test_parameters_of_swagger_2(tmp_path: Path) -> None:
    words = ("csv", "ssv", "tsv", "pipes", "multi", "wibble", 5, None)
    given = [{"name": f"q{n}", "in": "query", **A, "collectionFormat": word} for n, word in enumerate(words)]
    given += [{"name": "p", "in": "path", **A, "collectionFormat": "ssv"}, {"name": "h", "in": "header", **A}]
    rest = {"swagger": "2.0", "host": "b.example", "basePath": "/v2", "consumes": ["multipart/form-data"]}
    given += [{"name": "f", "in": "formData", **A, "collectionFormat": "multi", "allowEmptyValue": True}]
    found = form(tmp_path, {"parameters": given}, entry="POST /x/{p}", rest=rest)
    assert (found.server, found.media) == ("https://b.example/v2", "multipart/form-data")
    assert [(style, explode) for _, _, style, explode in fields(found)] == [
        ("form", False), ("spaceDelimited", False), ("tabDelimited", False), ("pipeDelimited", False), ("form", True),
        *[("form", False)] * 3, ("spaceDelimited", False), ("simple", False), ("form", True),
    ]  # fmt: skip
    assert found.fields[-1].empty


@pytest.mark.parametrize(
    ("consumes", "parameter", "media"),
    [
        (None, {"in": "body", "schema": S}, "application/json"),
        (["application/xml", "application/vnd.x+json"], {"in": "body", "schema": {"properties": {"a": S}}},
         "application/vnd.x+json"),
        (["text/plain"], {"in": "body", "schema": S}, "text/plain"),
        (["application/xml"], {"in": "body", "schema": {"properties": {"a": S}}}, None),
        (["text/plain"], {"in": "body", "schema": A}, None),
        (["a/b\r\nX: y"], {"in": "body", "schema": S}, None),
        (["a/b; c=\t"], {"in": "body", "schema": S}, None),
        (None, {"in": "formData", **S}, "application/x-www-form-urlencoded"),
        (["multipart/form-data"], {"in": "formData", **S}, "multipart/form-data"),
        (["multipart/form-data", "application/x-www-form-urlencoded"], {"in": "formData", **S},
         "application/x-www-form-urlencoded"),
    ],
)  # fmt: skip
def test_bodies_of_swagger_2(tmp_path: Path, consumes: Any, parameter: dict, media: str | None) -> None:
    rest = {"swagger": "2.0", "host": "b.example", **({"consumes": consumes} if consumes else {})}
    found = api(tmp_path, {"parameters": [{"name": "b", **parameter}]}, entry="POST /x", rest=rest).source
    assert found is not None
    if media is not None:
        given = RequestForm.loads(found.request)
        assert (given.media, given.body) == (media, given.fields[0].place == "property")
    assert found.executed_by == ("openapi" if media is None else "rest")


@pytest.mark.parametrize(
    ("content", "media", "places"),
    [
        ({"application/json": {"schema": {"properties": {"a": S}}}}, "application/json", ["property"]),
        ({"application/json; charset=utf-8": {"schema": A}}, "application/json; charset=utf-8", ["body"]),
        ({"*/*": {"schema": {"properties": {"a": S}}}}, "application/json", ["property"]),
        ({"text/*": {"schema": S}}, "text/plain", ["body"]),
        ({"application/x-www-form-urlencoded": {"schema": {"properties": {"a": S}}}},
         "application/x-www-form-urlencoded", ["form"]),
        ({"application/x-www-form-urlencoded": {"schema": {"oneOf": [{"properties": {"a": S}}, S]}}},
         "application/x-www-form-urlencoded", ["body"]),
        ({"application/xml": {"schema": {"properties": {"a": S}}}}, None, []),
        ({"application/xml": {"schema": S}}, "application/xml", ["body"]),
        ({"multipart/mixed": {"schema": {"properties": {"a": S}}}}, None, []),
        ({"application/json": {"schema": {"type": "object", "properties": {}}}}, "application/json", []),
    ],
)  # fmt: skip
def test_bodies_of_openapi_3(tmp_path: Path, content: dict, media: str | None, places: list) -> None:
    found = api(tmp_path, {"requestBody": {"required": True, "content": content}}, entry="POST /x").source
    assert found is not None
    if media is None:
        assert (found.request, found.executed_by) == ("", "openapi")
        return
    given = RequestForm.loads(found.request)
    assert (given.media, given.body, [f.place for f in given.fields]) == (media, True, places)


def test_encoding_objects(tmp_path: Path) -> None:
    names = ("a", "b", "c", "d", "e")
    encoding = {
        "a": {"contentType": "application/json, text/plain"}, "b": {"contentType": "image/*"},
        "c": {"style": "pipeDelimited", "contentType": "application/json"}, "d": {"explode": False}, "e": 5,
    }  # fmt: skip
    for media in ("multipart/form-data", "application/x-www-form-urlencoded"):
        content = {media: {"schema": {"properties": dict.fromkeys(names, A)}, "encoding": encoding}}
        found = form(tmp_path, {"requestBody": {"content": content}}, entry="POST /x")
        assert [f.content for f in found.fields] == ["application/json", "", "", "", ""]
        assert [(f.style, f.explode) for f in found.fields] == [
            ("", False), ("", False), ("pipeDelimited", False), ("form", False), ("", False)
        ]  # fmt: skip
    for media, expected in (("multipart/form-data", "a/b"), ("application/x-www-form-urlencoded", "")):
        content = {media: {"schema": {"properties": {"a": S}}, "encoding": {"a": {"contentType": "a/b"}}}}
        (found,) = form(tmp_path, {"requestBody": {"content": content}}, entry="POST /x").fields
        assert found.content == expected


def test_what_every_call_sends(tmp_path: Path) -> None:
    given = [
        {"name": "X-Target", "in": "header", "required": True, "schema": {**S, "enum": ["only"]}},
        {"name": "X-Maybe", "in": "header", "schema": {**S, "enum": ["only"]}},
        {"name": "Content-Type", "in": "header", "required": True, "schema": {**S, "enum": ["a/b"]}},
        {"name": "X-Api-Key", "in": "header", "required": True, "schema": {**S, "enum": ["example"]}},
    ]
    answers = {"200": {"content": {"text/csv": {}, "application/json": {}}}, "400": {"content": {"text/html": {}}}}
    found = form(tmp_path, {"parameters": given, "responses": answers})
    assert found.constants == (("header", "X-Target", "only"), ("header", "Accept", "application/json"))
    assert fields(found) == []
    assert encode(found, {}).headers == (("X-Target", "only"), ("Accept", "application/json"))
    rest = {"swagger": "2.0", "host": "b.example", "produces": ["text/xml", "application/hal+json"]}
    assert form(tmp_path, {}, rest=rest).constants == (("header", "Accept", "application/hal+json"),)


@pytest.mark.parametrize(
    ("rest", "server", "expected"),
    [
        ({}, None, ""),
        ({"servers": [{"url": "/v1"}]}, None, ""),
        ({}, "http://localhost:8000", "http://localhost:8000"),
        ({"servers": [{"url": "/v1/"}]}, "http://localhost:8000", "http://localhost:8000/v1"),
        ({"servers": [{"url": "/v1"}]}, "http://localhost:8000/", "http://localhost:8000"),
        ({"servers": [{"url": "/v1"}]}, "http://localhost:8000/v2/", "http://localhost:8000/v2"),
        (
            {"servers": [{"url": "//evil.example/v1"}]},
            "http://localhost:8000",
            "http://localhost:8000//evil.example/v1",
        ),
        ({"servers": [{"url": "v1"}]}, "http://localhost:8000", "http://localhost:8000"),
        (SERVERS, "http://localhost:8000", "http://localhost:8000"),
        ({"servers": [*SERVERS["servers"], {"url": "/v2"}]}, "http://localhost:8000", "http://localhost:8000"),
        ({"swagger": "2.0", "basePath": "/v1"}, "http://localhost:8000", "http://localhost:8000/v1"),
        ({"swagger": "2.0", "basePath": "/v1", "host": "b.example"}, "http://h", "http://h"),
        ({"servers": [{"url": "https://b.example/v1?x=1"}]}, None, ""),
    ],
)
def test_where_requests_go(tmp_path: Path, rest: dict, server: str | None, expected: str) -> None:
    found = api(tmp_path, {"parameters": [{"name": "q", "in": "query", "schema": S}]}, rest=rest, server=server).source
    assert found is not None
    assert (found.server, found.executed_by) == (expected, "rest" if expected else "openapi")
    if found.request:
        assert encode(RequestForm.loads(found.request), {"q": "a"}).url == f"{expected}/x?q=a"


@pytest.mark.parametrize(
    "server", ["ftp://h", "http://u:p@h", "http://h?x", "http://h#x", "localhost:8000", "http://h:0"]
)
def test_servers_that_are_none(server: str) -> None:
    with pytest.raises(ValidationError, match="no http or https URL"):
        OpenApiSource(path="x", server=server)


FLOW = {"clientCredentials": {"tokenUrl": "/token", "scopes": {"read": ""}}}
SCHEMES = {
    "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "query": {"type": "apiKey", "in": "query", "name": "k"},
    "bearer": {"type": "http", "scheme": "Bearer"},
    "basic": {"type": "http", "scheme": "basic"},
    "client": {"type": "oauth2", "flows": FLOW},
    "person": {"type": "oauth2", "flows": {"implicit": {}}},
    "mail": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "mailto:me@a.example"}}},
    "digest": {"type": "http", "scheme": "digest"},
    "oidc": {"type": "openIdConnect"},
    "same": {"$ref": "#/components/securitySchemes/key"},
}
SECURE = {**SERVERS, "components": {"securitySchemes": SCHEMES}}
KEY, QUERY = SecretForm("apiKey", "header", "X-Key", ("A",)), SecretForm("apiKey", "query", "k", ("B",))


@pytest.mark.parametrize(
    ("name", "env", "expected"),
    [
        ("key", "A", KEY),
        ("same", ["A"], KEY),
        ("bearer", "A", SecretForm("bearer", "header", "Authorization", ("A",))),
        ("person", "A", SecretForm("bearer", "header", "Authorization", ("A",))),
        ("oidc", "A", SecretForm("bearer", "header", "Authorization", ("A",))),
        ("basic", ["A", "B"], SecretForm("basic", "header", "Authorization", ("A", "B"))),
        ("client", ["A", "B"],
         SecretForm("oauth2", "header", "Authorization", ("A", "B"), "https://a.example/token", ("read", "write"))),
        ("header:X-Other", "A", SecretForm("apiKey", "header", "X-Other", ("A",))),
    ],
)  # fmt: skip
def test_credentials(tmp_path: Path, name: str, env: Any, expected: SecretForm) -> None:
    operation = {"security": [{name: ["write", "read"]}]}
    assert form(tmp_path, operation, rest=SECURE, auth={name: env}).auth == (expected,)


@pytest.mark.parametrize(
    ("security", "root", "expected"),
    [
        (None, None, (KEY, QUERY)),
        ([], None, ()),
        (None, [], ()),
        ([{}], None, ()),
        (None, [{"query": []}], (QUERY,)),
        ([{"key": []}], [{"query": []}], (KEY,)),
        ([{"bearer": []}, {"query": [], "key": []}, {"key": []}], None, (QUERY, KEY)),
        ([{"bearer": [], "key": []}], None, ()),
        ([5, {"key": 5}], None, (KEY,)),
        ([{}, {"key": []}], None, (KEY,)),
        ("key", None, ()),
    ],
)
def test_an_operation_gets_what_it_asks_for(tmp_path: Path, security: Any, root: Any, expected: tuple) -> None:
    rest = SECURE if root is None else {**SECURE, "security": root}
    operation = {} if security is None else {"security": security}
    assert form(tmp_path, operation, rest=rest, auth={"key": "A", "query": "B"}).auth == expected


def test_hidden_parameters_by_name(tmp_path: Path) -> None:
    given = [{"name": "X-Amz-Signature", "in": "query", "schema": S}, {"name": "X-Key", "in": "header", "schema": S}]
    body = {"content": {"application/json": {"schema": {"properties": {"access_token": S, "a": S}}}}}
    operation = {"parameters": given, "requestBody": body, "security": []}
    auth = {"X-Amz-Signature": "SIG", "access_token": "TOKEN", "key": "A"}
    found = form(tmp_path, operation, entry="POST /x", rest=SECURE, auth=auth)
    assert {(secret.place, secret.name, secret.env) for secret in found.auth} == {
        ("query", "X-Amz-Signature", ("SIG",)), ("header", "X-Key", ("A",)), ("property", "access_token", ("TOKEN",)),
    }  # fmt: skip
    assert [f.original for f in found.fields] == ["a"]
    found = form(tmp_path, operation, entry="POST /x", rest=SECURE)
    assert found.auth == ()


def test_a_place_has_one_credential(tmp_path: Path) -> None:
    given = [{"name": "authorization", "in": "header", "schema": S}, {"name": "X-Key", "in": "query", "schema": S,
                                                                       "description": "API key"}]  # fmt: skip
    operation = {"parameters": given, "security": [{"client": ["read"]}]}
    auth = {"client": ["A", "B"], "header:AUTHORIZATION": "C", "key": "D"}
    (found,) = form(tmp_path, operation, rest=SECURE, auth=auth).auth
    assert (found.kind, found.name, found.scopes) == ("oauth2", "Authorization", ("read",))


def test_client_credentials_of_swagger_2(tmp_path: Path) -> None:
    scheme = {"type": "oauth2", "flow": "application", "tokenUrl": "https://b.example/token", "scopes": {"a": ""}}
    rest = {"swagger": "2.0", "host": "b.example", "securityDefinitions": {"o": scheme, "p": {"type": "basic"}}}
    found = form(tmp_path, {}, rest=rest, auth={"o": ["A", "B"]}).auth
    assert found == (SecretForm("oauth2", "header", "Authorization", ("A", "B"), "https://b.example/token"),)
    found = form(tmp_path, {}, rest=rest, auth={"p": ["A", "B"]}).auth
    assert found == (SecretForm("basic", "header", "Authorization", ("A", "B")),)


@pytest.mark.parametrize(
    ("auth", "match"),
    [
        ({"nothing": "A"}, r"auth.nothing: there is no such .*\n.*\(.*basic, bearer.*\).*header:NAME"),
        ({"key": ["A", "B"]}, "auth.key: takes one environment variable, not 2"),
        ({"basic": "A"}, r"takes two environment variables: \[USER, PASSWORD\]"),
        ({"person": ["A", "B"]}, "no address that gives tokens"),
        ({"mail": ["A", "B"]}, "no address that gives tokens"),
        ({"digest": "A"}, "schemes of type 'http' 'digest' are not known"),
    ],
)
def test_credentials_that_fit_nothing(tmp_path: Path, auth: dict, match: str) -> None:
    with pytest.raises(LibraryError, match=match):
        api(tmp_path, {}, rest=SECURE, auth=auth)


@pytest.mark.parametrize("source", [OpenApiSource, RapidApiSource])
def test_a_credential_itself_is_no_name(source: Any) -> None:
    with pytest.raises(ValidationError, match="never the credential itself"):
        source(path="x", auth={"key": "sk-12345"})
    assert source(path="x", auth={"key": "A"}).model_dump(mode="json")["auth"] == {"key": ["A"]}


def test_the_category_is_the_first_tag(tmp_path: Path) -> None:
    assert api(tmp_path, {"tags": [" Pet\nshop ", "b"]}).category == "Pet shop"
    assert api(tmp_path, {"tags": ["a"]}, category="Mine").category == "Mine"
    assert [api(tmp_path, {"tags": tags}).category for tags in ([], [5], "a", [""])] == [None] * 4


def test_a_summary_that_only_repeats_the_name_is_left_out(tmp_path: Path) -> None:
    for name, summary, expected in (
        ("invoice_total", "Invoice Total", "What is due."),
        ("invoice_total_invoices__number__get", "Invoice Total", "What is due."),
        ("invoice_total", "Total of an invoice", "Total of an invoice. What is due."),
        ("invoice_totals", "Invoice Total", "Invoice Total. What is due."),
    ):
        operation = {"operationId": name, "summary": summary, "description": "What is due."}
        assert api(tmp_path, operation).description == expected
    assert api(tmp_path, {"operationId": "invoice_total", "summary": "Invoice Total"}).description == "Invoice Total."


@pytest.mark.parametrize(
    ("schema", "is_file"),
    [
        ({**S, "format": "binary"}, True),
        ({**S, "contentMediaType": "application/octet-stream"}, True),
        ({"type": "array", "items": {**S, "contentMediaType": "image/png"}}, True),
        ({**S, "contentMediaType": "image/png", "contentEncoding": "base64"}, False),
        ({**S, "contentMediaType": "application/json"}, False),
    ],
)
def test_files_of_forms(tmp_path: Path, schema: dict, is_file: bool) -> None:
    for required in ([], ["f"]):
        media = {"schema": {"type": "object", "properties": {"f": schema, "a": S}, "required": required}}
        operation = {"requestBody": {"content": {"multipart/form-data": media}}}
        (tmp_path / "api.json").write_text(json.dumps({"openapi": "3.1.0", "paths": {"/x": {"post": operation}}}))
        parsed = OpenApiSource(path="api.json").parse(tmp_path)
        assert [reject.code for reject in parsed.rejects] == ["file_upload"] * (is_file and bool(required))
        assert [list(found.parameters["properties"]) for found in parsed.apis] == (
            [] if parsed.rejects else [["a"]] if is_file else [["f", "a"]]
        )


def test_answers_that_a_document_shows(tmp_path: Path) -> None:
    shown = {"schema": {**S, "example": "in"}, "example": "beside", "examples": {"a": {"value": {"b": [1]}}, "c": 5}}
    operation = {"responses": {"200": {"content": {"application/json": shown}}}}
    assert api(tmp_path, operation).returns == {**S, "examples": [{"b": [1]}, "beside", "in"]}
    rest = {"swagger": "2.0", "host": "b.example"}
    operation = {
        "responses": {"200": {"description": "", "examples": {"application/json": {"a": 1}, "text/xml": "<a/>"}}}
    }
    assert api(tmp_path, operation, rest=rest).returns == {"examples": [{"a": 1}]}
    shown = {"example": "x" * (1 << 15)}
    assert api(tmp_path, {"responses": {"200": {"content": {"application/json": shown}}}}).returns is None


URL = "https://shop.p.rapidapi.com/v1/{id}/items?all"


def rapidapi(folder: Path, entry: dict, **keys: Any) -> Any:
    (folder / "tool.json").write_text(json.dumps({"tool_name": "T", "api_list": [{"name": "a", **entry}]}))
    (found,) = RapidApiSource(path="tool.json", **keys).parse(folder).apis
    return found.source


def named(*names: str) -> list[dict]:
    return [{"name": name, "type": "STRING"} for name in names]


def test_rapidapi(tmp_path: Path) -> None:
    entry = {"url": URL, "method": "get", "required_parameters": named("id", "q r", "X-RapidAPI-Key", "X-Lang"),
             "optional_parameters": named("api_key")}  # fmt: skip
    source = rapidapi(tmp_path, entry, auth={"X-RapidAPI-Key": "KEY", "api_key": "OTHER"})
    assert (source.executed_by, source.server) == ("rest", "https://shop.p.rapidapi.com")
    found = RequestForm.loads(source.request)
    assert found.fields == (
        FieldForm("id", "id", "path"), FieldForm("q_r", "q r", "query", explode=True),
        FieldForm("X_Lang", "X-Lang", "header"),
    )  # fmt: skip
    assert found.auth == (
        SecretForm("apiKey", "header", "X-RapidAPI-Key", ("KEY",)),
        SecretForm("apiKey", "query", "api_key", ("OTHER",)),
    )
    request = encode(found, {"id": "a/b", "q_r": "c", "X_Lang": "en"})
    assert request.url == "https://shop.p.rapidapi.com/v1/a%2Fb/items?all&q%20r=c"
    assert request.headers == (("X-Lang", "en"), ("X-RapidAPI-Host", "shop.p.rapidapi.com"))
    moved = RequestForm.loads(rapidapi(tmp_path, entry, server="http://localhost:8000/t/").request)
    assert (moved.server, moved.path, moved.auth) == ("http://localhost:8000/t", "/v1/{id}/items?all", ())
    posted = RequestForm.loads(rapidapi(tmp_path, {**entry, "method": "POST"}, auth={"x-rapidapi-key": "KEY"}).request)
    assert [f.place for f in posted.fields] == ["path", "property", "header"]
    assert (posted.media, [secret.env for secret in posted.auth]) == ("application/json", [("KEY",)])


@pytest.mark.parametrize(
    "change", [{"url": None}, {"url": "/v1"}, {"url": "ftp://a/b"}, {"method": "BREW"}, {"method": None}]
)
def test_rapidapi_that_cannot_be_called(tmp_path: Path, change: dict) -> None:
    source = rapidapi(tmp_path, {"url": URL, "method": "GET", "required_parameters": named("id"), **change})
    assert (source.request, source.executed_by, source.server) == ("", "rapidapi", "")


def test_rapidapi_keys_that_name_nothing(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match=r"auth.other: .*\n.*X-RapidAPI-Key"):
        rapidapi(tmp_path, {"required_parameters": named("id")}, auth={"other": "A"})
