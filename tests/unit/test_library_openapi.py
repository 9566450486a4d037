"""The source ``openapi``: names, flat parameters, what is hidden, and why an operation is rejected."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from apigen_ray.errors import LibraryError
from apigen_ray.library import load_library
from apigen_ray.library.base import Parsed
from apigen_ray.library.documents import read_openapi
from apigen_ray.library.names import identifier
from apigen_ray.library.openapi import OpenApiSource
from apigen_ray.library.operations import Document, parameters
from apigen_ray.library.request import RequestForm
from apigen_ray.library.schema import MAX_NODES

WHOLE = {
    "openapi": "3.0.0",
    "servers": [{"url": "https://{a}.example", "variables": {"a": {"default": "a"}}}],
    "security": [{"s": []}],
    "paths": {
        "/x/{id}": {
            "parameters": [{"$ref": "#/components/parameters/id"}],
            "post": {
                "operationId": "x",
                "tags": ["t"],
                "parameters": [{"name": "f", "in": "query", "content": {"application/json": {"schema": {}}}}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/B"}}}},
                "responses": {"200": {"content": {"application/json": {"schema": {"type": "string"}, "example": 5}}}},
            },
        },
        "/y": {"get": {"security": [{"o": ["r"]}]}},
        "/z": {
            "put": {
                "requestBody": {
                    "content": {
                        "multipart/form-data": {
                            "schema": {"properties": {"a": {"type": "array"}}},
                            "encoding": {"a": {"style": "form", "explode": True}},
                        }
                    }
                }
            }
        },
    },
    "components": {
        "parameters": {"id": {"name": "id", "in": "path", "schema": {"type": "integer", "default": 3}}},
        "schemas": {"B": {"allOf": [{"properties": {"a": {"enum": ["x"], "minimum": 1}}, "required": ["a"]}]}},
        "securitySchemes": {
            "s": {"type": "apiKey", "in": "query", "name": "f"},
            "o": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/t"}}},
        },
    },
}
BOMB = "openapi: 3.0.0\na0: &a0 [x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)
Q = {"name": "q", "in": "query", "schema": {"type": "string"}}


def parse(tmp_path: Path, paths: dict, *, version: str = "3.0.0", rest: dict | None = None, **keys: Any) -> Parsed:
    head = {"swagger": version} if version.startswith("2") else {"openapi": version}
    (tmp_path / "api.json").write_text(json.dumps({**head, "paths": paths, **(rest or {})}))
    return OpenApiSource(path="api.json", **keys).parse(tmp_path)


def _spots(node: Any) -> Iterator[tuple[Any, Any]]:
    for key, inner in list(node.items() if isinstance(node, dict) else enumerate(node)):
        yield node, key
        if isinstance(inner, dict | list):
            yield from _spots(inner)


def one(tmp_path: Path, operation: dict, **keys: Any) -> dict:
    parsed = parse(tmp_path, {"/x": {"get": operation}}, **keys)
    assert not parsed.rejects, parsed.rejects
    return parsed.apis[0].parameters


def code(tmp_path: Path, operation: Any, **keys: Any) -> str:
    parsed = parse(tmp_path, {"/x": {"get": operation}, "/y": {"get": {"parameters": [Q]}}}, **keys)
    (reject,) = parsed.rejects
    assert reject.code in OpenApiSource.codes
    assert (len(parsed.apis), reject.entry) == (1, "GET /x")
    return reject.code


def test_one_operation_becomes_one_api(tmp_path: Path) -> None:
    paths = {
        "/pets/{petId}": {
            "parameters": [
                {"name": "petId", "in": "path", "required": True, "schema": {"type": "integer"}},
                {**Q, "required": True},
            ],
            "post": {
                "summary": "Change a pet",
                "description": "Whatever  it\nis.",
                "parameters": [{**Q, "description": "what to say", "schema": {"$ref": "#/components/schemas/Q"}}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}},
                "responses": {"201": {"content": {"application/json": {"schema": {"type": "boolean"}}}}},
            },
        }
    }
    schemas = {
        "Q": {"type": "string", "enum": ["a", "b"], "nullable": True},
        "Animal": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
        "Pet": {
            "allOf": [
                {"$ref": "#/components/schemas/Animal"},
                {
                    "properties": {
                        "petId": {"type": "string"},
                        "age": {"type": "number", "minimum": 0, "exclusiveMinimum": True, "example": 3},
                        "made": {"type": "string", "readOnly": True},
                        "parent": {"$ref": "#/components/schemas/Pet"},
                    }
                },
            ]
        },
    }
    (api,) = parse(tmp_path, paths, rest={"components": {"schemas": schemas}}, category="Pets").apis
    assert (api.name, api.description, api.category) == ("post_pets_petId", "Change a pet. Whatever it is.", "Pets")
    assert api.returns == {"type": "boolean"}
    assert api.source is not None
    assert (api.source.kind, api.source.entry) == ("openapi", "POST /pets/{petId}")
    properties = api.parameters["properties"]
    assert list(properties) == ["q", "petId", "name", "body_petId", "age", "parent"]
    assert properties["q"] == {"type": ["string", "null"], "enum": ["a", "b", None], "description": "what to say"}
    assert properties["petId"] == {"type": "integer"}
    assert properties["age"] == {"type": "number", "exclusiveMinimum": 0, "examples": [3]}
    assert properties["parent"] == {}  # the recursion is cut
    assert api.parameters["required"] == ["petId", "name"]
    assert api.parameters["additionalProperties"] is False


def test_swagger_two(tmp_path: Path) -> None:
    operation = {
        "parameters": [
            {"name": "ids", "in": "query", "type": "array", "items": {"type": "integer"}, "collectionFormat": "csv"},
            {"name": "when", "in": "formData", "type": "string", "format": "date", "required": True},
            {"name": "photo", "in": "formData", "type": "file"},
        ]
    }
    form = one(tmp_path, operation, version="2.0")
    assert form["properties"] == {
        "ids": {"type": "array", "items": {"type": "integer"}},
        "when": {"type": "string", "format": "date"},
    }
    assert form["required"] == ["when"]
    body = {
        "parameters": [
            {"name": "order", "in": "body", "required": True, "schema": {"type": "array", "items": {"type": "string"}}}
        ]
    }
    form = one(tmp_path, body, version="2.0")
    assert form["properties"] == {"order": {"type": "array", "items": {"type": "string"}}}
    assert form["required"] == ["order"]


@pytest.mark.parametrize(
    "hidden",
    [
        {"name": "X-Api-Key", "in": "header"},
        {"name": "api_key", "in": "query"},
        {"name": "access_token", "in": "query"},
        {"name": "X-Amz-Signature", "in": "query"},
        {"name": "Content-Type", "in": "header"},
        {"name": "key", "in": "query", "description": "Your API key."},
        {"name": "X-Target", "in": "header", "schema": {"type": "string", "enum": ["only"]}},
        {"name": "weird", "in": "query"},
    ],
    ids=lambda item: item["name"],
)
def test_what_a_model_never_sees(tmp_path: Path, hidden: dict) -> None:
    schemes = {"components": {"securitySchemes": {"k": {"type": "apiKey", "name": "weird", "in": "query"}}}}
    form = one(tmp_path, {"parameters": [{"schema": {"type": "string"}, "required": True, **hidden}, Q]}, rest=schemes)
    assert (list(form["properties"]), form["required"]) == (["q"], [])


@pytest.mark.parametrize("name", ["pageToken", "projectKey", "key", "nextToken", "signature_count", "author"])
def test_what_only_sounds_like_a_credential_stays(tmp_path: Path, name: str) -> None:
    form = one(tmp_path, {"parameters": [{"name": name, "in": "query", "schema": {"type": "string"}}]})
    assert list(form["properties"]) == [name]


def test_names_are_legal_stable_and_unique(tmp_path: Path) -> None:
    paths = {
        "/a?x#y": {"get": {"parameters": [Q]}},
        "/b": {
            "get": {"operationId": "list things", "parameters": [Q]},
            "post": {"operationId": "list-things", "parameters": [Q]},
        },
        "/c": {"get": {"operationId": "9" * 80, "parameters": [Q]}},
        "/d": {"get": {"operationId": "", "parameters": [Q]}},
    }
    names = {api.source.entry: api.name for api in parse(tmp_path, paths).apis if api.source}
    assert len(set(names.values())) == 5
    assert all(name.isidentifier() and name.isascii() and len(name) <= 64 for name in names.values())
    assert names["GET /a?x#y"] == "get_a_x_y"
    assert names["GET /b"].startswith("list_things_")
    assert names["GET /d"] == "get_d"
    turned = {api.source.entry: api.name for api in parse(tmp_path, dict(reversed(paths.items()))).apis if api.source}
    assert turned == names


def test_parameter_names(tmp_path: Path) -> None:
    given = [
        {"name": "id", "in": "path", "schema": {}},
        {"name": "id", "in": "query", "schema": {}},
        {"name": "filter[name]", "in": "query", "schema": {}},
        {"name": "filter-name", "in": "query", "schema": {}},
        {"name": "$skip", "in": "query", "schema": {}},
    ]
    found = parameters({}, {"parameters": given}, Document({}))
    assert [item.form.name for item in found] == ["id", "query_id", "filter_name", "query_filter_name", "skip"]
    assert [item.form.original for item in found] == [item["name"] for item in given]
    odd = parameters({}, {"parameters": [{"name": "$" * n, "in": "query"} for n in range(1, 1200)]}, Document({}))
    assert len({item.form.name for item in odd}) == 1199
    assert all(item.form.name.isidentifier() and len(item.form.name) <= 64 for item in odd)
    assert [item.required for item in found] == [True, False, False, False, False]


@pytest.mark.parametrize(
    ("text", "name"), [("ok_1", "ok_1"), ("größe", "gr_e"), ("1st", "_1st"), ("!!", "_"), ("a.b", "a_b")]
)
def test_identifier(text: str, name: str) -> None:
    assert identifier(text) == name


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("nothing", "malformed"),
        ({"parameters": {"name": "q"}}, "malformed"),
        ({"parameters": ["q"]}, "malformed"),
        ({"parameters": [{"in": "query"}]}, "malformed"),
        ({"requestBody": {}}, "malformed"),
        ({"parameters": [{"$ref": "#/nowhere"}]}, "dangling_ref"),
        ({"parameters": [{**Q, "schema": {"$ref": "#/nowhere"}}]}, "dangling_ref"),
        ({"parameters": [{**Q, "schema": {"$ref": "other.yaml#/x"}}]}, "external_ref"),
        ({"parameters": [{**Q, "schema": {"type": "wibble"}}]}, "unknown_type"),
        ({"parameters": [{**Q, "schema": {"properties": {"p": 5}}}]}, "invalid_schema"),
        ({"parameters": [{"name": "f", "in": "formData", "type": "file", "required": True}]}, "file_upload"),
        ({"requestBody": {"required": True, "content": {"image/png": {}}}}, "file_upload"),
        ({"parameters": [{"$ref": "https://elsewhere.example/parts.yaml#/q"}]}, "external_ref"),
        ({"parameters": [{"$ref": "#/paths/~1x/get/parameters/0"}]}, "dangling_ref"),
        ({"parameters": [{**Q, "schema": {"$ref": "#/paths/~1x/get/parameters/first"}}]}, "dangling_ref"),
        ({"requestBody": {"$ref": "file:///etc/hosts"}}, "external_ref"),
    ],
)
def test_rejects_by_code(tmp_path: Path, operation: Any, expected: str) -> None:
    assert code(tmp_path, operation) == expected


def test_references_that_explode_are_rejected(tmp_path: Path) -> None:
    schemas = {
        f"S{n}": {"type": "object", "properties": {side: {"$ref": f"#/components/schemas/S{n + 1}"} for side in "abcd"}}
        for n in range(12)
    } | {"S12": {"type": "string"}}
    operation = {"parameters": [{**Q, "schema": {"$ref": "#/components/schemas/S0"}}]}
    assert code(tmp_path, operation, rest={"components": {"schemas": schemas}}) == "schema_too_large"


def test_chosen_operations(tmp_path: Path) -> None:
    paths = {"/a": {"get": {"operationId": "getA", "parameters": [Q]}}, "/b": {"get": {"parameters": [Q]}, "put": {}}}
    assert [api.name for api in parse(tmp_path, paths, operations=["getA", "GET /b"]).apis] == ["getA", "get_b"]
    with pytest.raises(LibraryError, match="no operation 'GET /c'"):
        parse(tmp_path, paths, operations=["GET /c"])
    with pytest.raises(LibraryError, match="PUT /b: it has no parameters"):
        parse(tmp_path, paths, operations=["PUT /b"])


@pytest.mark.parametrize("given", [{}, {"parameters": [{"name": "Authorization", "in": "header", "schema": {}}]}])
def test_an_operation_without_parameters_is_no_part_of_a_library(tmp_path: Path, given: dict) -> None:
    parsed = parse(tmp_path, {"/x": {"get": given}, "/y": {"get": {"parameters": [Q]}}})
    assert [api.parameters["properties"] for api in parsed.apis] == [{}, {"q": {"type": "string"}}]
    library = load_library([OpenApiSource(path="api.json")], tmp_path)
    assert [api.source.entry for api in library.apis if api.source] == ["GET /y"]
    assert [(reject.entry, reject.code) for reject in library.rejects] == [("GET /x", "no_parameters")]


def test_credentials_are_hidden_and_named(tmp_path: Path) -> None:
    given = [
        {"name": "X-Api-Key", "in": "header", "schema": {}},
        {"name": "sig", "in": "query", "schema": {}, "description": "the request's signature"},
        {"name": "session", "in": "cookie", "schema": {}},
        {"name": "key", "in": "query", "schema": {}, "description": "of the piece of music"},
    ]
    body = {"content": {"application/json": {"schema": {"properties": {"access_token": {}, "text": {}}}}}}
    schemes = {"s": {"type": "apiKey", "name": "session", "in": "cookie"}}
    operation = {"parameters": given, "requestBody": body}
    parsed = parse(tmp_path, {"/x": {"get": operation}}, rest={"components": {"securitySchemes": schemes}})
    (api,) = parsed.apis
    assert list(api.parameters["properties"]) == ["key", "text"]
    assert api.source is not None
    assert api.source.hidden == ("header:X-Api-Key", "query:sig", "cookie:session", "property:access_token")


@pytest.mark.parametrize(
    ("version", "rest", "operation", "expected"),
    [
        (
            "2.0",
            {"host": "a.example", "basePath": "/v1/", "schemes": ["ws", "http", "https"]},
            {},
            "https://a.example/v1",
        ),
        ("2.0", {"host": "a.example", "schemes": ["http"]}, {}, "http://a.example"),
        ("2.0", {"host": "a.example"}, {"schemes": ["http"]}, "http://a.example"),
        ("2.0", {"basePath": "/v1"}, {}, ""),
        ("3.0.0", {"servers": [{"url": "/v1"}, {"url": "https://b.example/"}]}, {}, "https://b.example"),
        (
            "3.0.0",
            {"servers": [{"url": "https://b.example"}]},
            {"servers": [{"url": "http://c.example"}]},
            "http://c.example",
        ),
        (
            "3.1.0",
            {
                "servers": [
                    {"url": "https://{zone}.example/{v}", "variables": {"zone": {"default": "eu"}, "v": {"default": 2}}}
                ]
            },
            {},
            "https://eu.example/2",
        ),
        ("3.0.0", {"servers": [{"url": "https://{zone}.example"}]}, {}, ""),
        (
            "3.0.0",
            {"servers": [{"url": "https://me:secret@b.example"}, {"url": "file:///etc"}, {"url": "ws://b.example"}, 5]},
            {},
            "",
        ),
        ("3.0.0", {"servers": [{"url": "https://b.example:port"}, {"url": ["x"]}]}, {}, ""),
        ("3.0.0", {}, {}, ""),
    ],
)
def test_the_server(tmp_path: Path, version: str, rest: dict, operation: dict, expected: str) -> None:
    (api,) = parse(tmp_path, {"/x": {"get": {"parameters": [Q], **operation}}}, version=version, rest=rest).apis
    assert api.source is not None
    assert api.source.server == expected


def test_a_discriminator_says_which_alternative_it_is(tmp_path: Path) -> None:
    schemas = {
        "Cat": {"type": "object", "properties": {"kind": {"type": "string"}, "lives": {"type": "integer"}}},
        "Dog": {"type": "object", "properties": {"kind": {"type": "string"}}, "required": ["kind"]},
    }
    told = {"propertyName": "kind", "mapping": {"cat": "#/components/schemas/Cat", "puss": "Cat"}}
    refs = [{"$ref": f"#/components/schemas/{name}"} for name in schemas]
    body = {"content": {"application/json": {"schema": {"oneOf": refs, "discriminator": told}}}}
    form = one(tmp_path, {"requestBody": body}, rest={"components": {"schemas": schemas}})
    cat, dog = form["properties"]["body"]["oneOf"]
    assert (cat["properties"]["kind"]["enum"], cat["required"]) == (["cat", "puss"], ["kind"])
    assert (dog["properties"]["kind"]["enum"], dog["required"]) == (["Dog"], ["kind"])
    assert jsonschema_rs.is_valid(form, {"body": {"kind": "cat", "lives": 9}})
    assert not jsonschema_rs.is_valid(form, {"body": {"kind": "cow"}})


def test_references_are_followed_as_far_as_they_lead(tmp_path: Path) -> None:
    parts = {"parameters": {"A": {"$ref": "#/components/parameters/B"}, "B": Q}}
    (api,) = parse(tmp_path, {"/x": {"$ref": "#/paths/~1y"}, "/y": {"$ref": "#/x-item"}}, rest={
        "components": parts, "x-item": {"get": {"parameters": [{"$ref": "#/components/parameters/A"}]}},
    }).apis[:1]  # fmt: skip
    assert list(api.parameters["properties"]) == ["q"]
    own = {"get": {"parameters": [{"$ref": "#/components/parameters/B"}]}, "parameters": [{**Q, "name": "p"}]}
    beside = {"$ref": "#/x-item", "parameters": [{**Q, "name": "r"}]}
    (api,) = parse(tmp_path, {"/x": beside}, rest={"components": parts, "x-item": own}).apis
    assert list(api.parameters["properties"]) == ["q", "r"]
    schemas = {"A": {"$ref": "#/components/schemas/B"}, "B": {"$ref": "#/components/schemas/A"}}
    given = [{**Q, "schema": {"$ref": "#/components/schemas/A"}}]
    assert one(tmp_path, {"parameters": given}, rest={"components": {"schemas": schemas}})["properties"] == {"q": {}}
    rejects = parse(
        tmp_path, {"/x": {"$ref": "https://elsewhere.example/x.yaml"}, "/y": 5, "/z": {"$ref": "#/paths/~1z"}}
    ).rejects
    assert [(reject.entry, reject.code) for reject in rejects] == [
        ("/x", "external_ref"),
        ("/y", "malformed"),
        ("/z", "dangling_ref"),
    ]


def test_a_document_has_a_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apigen_ray.library.schema.Budget.__init__", lambda self: setattr(self, "left", 3))
    answers = {"200": {"content": {"application/json": {"schema": {"type": "string"}}}}}
    parsed = parse(tmp_path, {f"/{n}": {"get": {"parameters": [Q], "responses": answers}} for n in range(5)})
    assert [reject.code for reject in parsed.rejects] == ["schema_too_large"] * 2
    many = [{**Q, "name": f"q{n}"} for n in range(MAX_NODES + 1)]
    monkeypatch.undo()
    assert code(tmp_path, {"parameters": many}) == "schema_too_large"


def test_anything_anywhere_is_an_api_or_a_reject(tmp_path: Path) -> None:
    """One value of a document replaced by what does not belong there: no source may end with another error."""
    refused = []
    odd = (None, 5, "text", [], {}, [5], {"$ref": "#/nowhere"}, {"x": None})
    for place in range(len(list(_spots(WHOLE)))):
        for value in odd:
            document = json.loads(json.dumps(WHOLE))
            owner, key = list(_spots(document))[place]
            owner[key] = value
            (tmp_path / "api.json").write_text(json.dumps(document))
            try:
                parsed = OpenApiSource(path="api.json", auth={"s": "A", "o": ["A", "B"]}).parse(tmp_path)
            except LibraryError as error:
                refused.append((key, error.message))
                continue
            for api in parsed.apis:
                assert jsonschema_rs.meta.is_valid(api.parameters)
                assert not api.source.request or RequestForm.loads(api.source.request).server == api.source.server
    assert all(key in ("openapi", "paths") or "auth." in message for key, message in refused)
    assert refused


def test_yaml_keeps_text_as_text(tmp_path: Path) -> None:
    text = """
openapi: 3.1.0
paths:
  /x:
    get:
      parameters:
        - name: q
          in: query
          schema: {type: string, enum: [on, no, 2020-01-01, 12:30, 1.0, true, 007], default: 2020-02-02}
      responses: {200: {description: ok}}
"""
    (tmp_path / "api.yaml").write_text(text)
    (api,) = OpenApiSource(path="api.yaml").parse(tmp_path).apis
    assert api.parameters["properties"]["q"] == {
        "type": "string",
        "enum": ["on", "no", "2020-01-01", "12:30", "1.0", "true", "007"],
        "default": "2020-02-02",
    }
    assert list(read_openapi(tmp_path / "api.yaml")[1]["paths"]["/x"]["get"]["responses"]) == ["200"]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("openapi: [", "neither JSON nor YAML"),
        ('{"openapi": ', "neither JSON nor YAML"),
        ("a: &a [*a]", "neither JSON nor YAML"),
        ("just text", "no OpenAPI document"),
        ("openapi: 4.0.0\npaths: {}", "version is '4.0.0'"),
        ("openapi: 3.0.0\npaths: []", "`paths` is not a mapping"),
        (BOMB, "aliases unfold into more than"),
        ('{"openapi": "3.0.0", "x": "' + "x" * (50 << 20), "larger than 32 MiB"),
        ("openapi: 3.0.0\nx: " + "x" * (9 << 20), "more than 8 MiB of YAML"),
    ],
)
def test_documents_that_cannot_be_read(tmp_path: Path, text: str, match: str) -> None:
    (tmp_path / "api.yaml").write_text(text)
    with pytest.raises(LibraryError, match=match):
        OpenApiSource(path="api.yaml").parse(tmp_path)
    with pytest.raises(LibraryError, match="cannot be read"):
        OpenApiSource(path="absent.yaml").parse(tmp_path)
