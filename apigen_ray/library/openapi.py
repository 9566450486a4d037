"""The source ``openapi``: the operations of one Swagger 2.0, OpenAPI 3.0 or 3.1 document, parsed and never called."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from apigen_ray.errors import LibraryError
from apigen_ray.library.base import Parsed, Reject
from apigen_ray.library.documents import read_openapi
from apigen_ray.library.schema import SchemaError, clean, object_schema, require_valid, resolve
from apigen_ray.records import Api, Json, Source, content_hash

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
# Parameters that prove who is calling: executing a call fills them in, a model never sees them.
_CREDENTIAL = re.compile(
    r"(proxy)?authori[sz]ation|cookie|x?(rapid)?apikey|x?rapidapihost|subscriptionkey|ocpapimsubscriptionkey"
    r"|[a-z]{0,20}(auth|access|oauth|bearer|session|csrf|xsrf)token"
    r"|clientsecret|xamz(date|algorithm|credential|signature|signedheaders|securitytoken|contentsha256)"
)
# Words that also name plain data: credentials only in a query or header, and where the text says so.
_AMBIGUOUS = re.compile(r"(x.*)?(token|signature|sig|secret|key|appid|appkey|devid|credentials?|accesskey|password)")
_TELLS = re.compile(
    r"api[ _-]?key|authenti|authori[sz]|credential|signature|signed"
    r"|(access|auth|api|security|dev|developer)[ _-]?(token|id)",
    re.IGNORECASE,
)
_TRANSPORT = frozenset(
    ("accept", "contenttype", "contentlength", "host", "useragent", "acceptencoding", "acceptcharset")
)


class OpenApiSource(BaseModel):
    """Operations of an OpenAPI document: each is an entry, named ``METHOD /path``.

    Parameters of path, query, header and body become one flat object; the properties of a body that is an object
    stand beside the others, any other body is the parameter ``body``. Names become identifiers of at most 64
    characters. Left out, because executing a call fills them in: credentials, headers of the transport, headers of one
    value.

    An operation is rejected with one of these codes: ``malformed`` (not what the standard says), ``dangling_ref``,
    ``external_ref``, ``schema_too_large``, ``unknown_type``, ``invalid_schema`` (its schema has no JSON Schema 2020-12
    form), ``file_upload`` (it needs a file or a body of bytes), ``no_parameters`` (dropped by the paper too).

    Attributes:
        path: a JSON or YAML file, relative to the config's base.
        category: of all its operations.
        operations: only these, by ``METHOD /path`` or operationId; each must be usable.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    codes: ClassVar[tuple[str, ...]] = ("malformed", *SchemaError.CODES, "file_upload", "no_parameters")

    kind: Literal["openapi"] = "openapi"
    path: str
    category: str | None = None
    operations: tuple[str, ...] | None = Field(default=None, min_length=1)

    def parse(self, base_dir: Path) -> Parsed:
        """Every operation of the document as an Api or a reject.

        Raises:
            LibraryError: unreadable or no OpenAPI document; an operation of ``operations`` that is missing or unusable.
        """
        path = (base_dir / self.path).absolute()
        text, document = read_openapi(path)
        digest = content_hash("openapi", text)
        found = list(_operations(document))
        missing = set(self.operations or ())
        parsed = Parsed()
        for operation, name in zip(found, _names(found), strict=True):
            if self.operations is not None:
                aliases = {operation.entry, str(operation.form.get("operationId"))} & set(self.operations)
                missing -= aliases
                if not aliases:
                    continue
            try:
                parsed.apis.append(
                    self._api(operation, name, document, Source(self.kind, str(path), operation.entry, digest))
                )
            except SchemaError as error:
                if self.operations is not None:
                    raise LibraryError(f"{path}: {operation.entry}: {error}", "leave it out of `operations`") from error
                parsed.rejects.append(Reject(operation.entry, error.code, f"{path}: {operation.entry}: {error}"))
        if missing:
            raise LibraryError(f"{path}: there is no operation {min(missing)!r}", "give METHOD /path or an operationId")
        return parsed

    def _api(self, operation: "_Operation", name: str, document: Json, source: Source) -> Api:
        shown = [item for item in parameters(operation.item, operation.form, document) if not item.hidden]
        if not shown:
            raise SchemaError("no_parameters", "it has no parameters that a model could fill in")
        form = object_schema({item.name: item.schema for item in shown}, [item.name for item in shown if item.required])
        texts = [operation.form.get(key) for key in ("summary", "description")]
        said = list(dict.fromkeys(" ".join(text.split()) for text in texts if isinstance(text, str) and text.strip()))
        if len(said) == 2 and said[1].startswith(said[0].rstrip(".")):
            said = said[1:]
        return Api(
            name=name,
            description=" ".join(line if line.endswith((".", "!", "?")) else f"{line}." for line in said),
            parameters=require_valid(form),
            returns=_returns(operation.form, document),
            category=self.category,
            source=source,
        )


@dataclass(frozen=True)
class _Operation:
    entry: str
    form: Json
    item: Json  # the path item that it stands in


@dataclass(frozen=True)
class Parameter:
    """One parameter of an operation: how a model sees it and where it goes in the request.

    Attributes:
        name: the identifier that a call uses.
        original: its name in the document.
        place: ``path``, ``query``, ``header``, ``cookie``, ``form`` (a form field), ``property`` (of the JSON body) or
            ``body`` (the whole body).
        schema: JSON Schema 2020-12.
        required: whether a call must give it.
        hidden: whether a model never sees it: a credential, a header of the transport or of one value.
    """

    name: str
    original: str
    place: str
    schema: Json
    required: bool
    hidden: bool = False


def parameters(item: Json, form: Json, document: Json) -> list[Parameter]:
    """The parameters of an operation in one flat list: those of the operation, then the path's, then the body's.

    Two of one name, in the path and in the body for example, are told apart: the second is called ``body_<name>``. A
    property is required where the body's schema says so, whether or not the body as a whole is.

    Args:
        item: the path item.
        form: the operation.
        document: what references point into.

    Raises:
        SchemaError: with one of `OpenApiSource.codes`.
    """
    raw = _merged_parameters(item, form, document)
    found = [part for given in raw if given.get("in") != "body" for part in _plain(given, document)]
    body = next((given for given in raw if given.get("in") == "body"), None)
    if body is not None:
        found += _body(body.get("schema", {}), "property", body, document)
    found += _request_body(form.get("requestBody"), document)
    names: set[str] = set()
    out = []
    for part in found:
        name = identifier(part.original)
        place = "body" if part.place == "property" else part.place
        for candidate in (
            name,
            identifier(f"{place}_{part.original}"),
            *(f"{name[:60]}_{n}" for n in range(2, 100)),
        ):
            if candidate not in names:
                break
        names.add(candidate)
        out.append(Parameter(candidate, part.original, part.place, part.schema, part.required, part.hidden))
    return out


def identifier(text: str) -> str:
    """The text as an identifier of ASCII letters, digits and underscores, at most 64 of them; "_" if none is left."""
    if _NAME.fullmatch(text):
        return text
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_") or "_"
    name = f"_{name}" if name[0].isdigit() else name
    return name if len(name) <= 64 else f"{name[:57]}_{content_hash(text)[:6]}"


def _operations(document: Json) -> Iterator[_Operation]:
    for path, item in document["paths"].items():
        if path.startswith("x-"):
            continue
        try:
            if isinstance(item, dict) and isinstance(item.get("$ref"), str):
                item = {**resolve(document, item["$ref"]), **item}
        except (SchemaError, TypeError):
            item = None
        if not isinstance(item, dict):
            yield _Operation(path, {"parameters": None}, {})  # `parameters` says why: malformed
            continue
        for method in METHODS:
            if method in item:
                form = item[method] if isinstance(item[method], dict) else {"parameters": None}
                yield _Operation(f"{method.upper()} {path}", form, item)


def _names(operations: list[_Operation]) -> list[str]:
    """A name for each: from its operationId, else method and path; names that clash all carry a hash of their entry."""
    plain = []
    for operation in operations:
        given = operation.form.get("operationId")
        plain.append(identifier(given if isinstance(given, str) and given.strip() else _spoken(operation.entry)))
    count = Counter(plain)
    return [
        name if count[name] == 1 else f"{name[:57]}_{content_hash(operation.entry)[:6]}"
        for name, operation in zip(plain, operations, strict=True)
    ]


def _spoken(entry: str) -> str:
    method, _, path = entry.partition(" ")
    return f"{method.lower()} {path}"


def _merged_parameters(item: Json, form: Json, document: Json) -> list[Json]:
    """The operation's parameters and those that it takes over from its path."""
    merged: dict[tuple[Any, Any], Json] = {}
    for owner in (form, item):
        given = owner.get("parameters", [])
        if not isinstance(given, list):
            raise SchemaError("malformed", "`parameters` is not a list")
        for entry in given:
            if isinstance(entry, dict) and isinstance(entry.get("$ref"), str):
                entry = resolve(document, entry["$ref"])
            if (
                not isinstance(entry, dict)
                or not isinstance(entry.get("name"), str)
                or not isinstance(entry.get("in"), str)
            ):
                raise SchemaError("malformed", "a parameter without name or place")
            merged.setdefault((entry["name"], entry["in"]), entry)
    return list(merged.values())


def _plain(given: Json, document: Json) -> list[Parameter]:
    """A parameter of path, query, header, cookie or form: a list of one, or of none for a file that may be left out."""
    place = "form" if given["in"] == "formData" else given["in"]
    required = place == "path" or given.get("required") is True
    content = given.get("content")
    if isinstance(given.get("schema"), dict | bool):
        schema = given["schema"]
    elif isinstance(content, dict) and content:
        schema = next(iter(content.values())).get("schema", {})
    else:  # Swagger 2.0: the parameter is its own schema
        schema = {key: value for key, value in given.items() if key not in ("name", "in", "required", "description")}
    hidden = _is_hidden(given, place, document)
    if hidden:
        schema = {}
    elif isinstance(schema, dict) and _is_file(schema):
        if required:
            raise SchemaError("file_upload", f"parameter {given['name']!r} is a file")
        return []
    cleaned = clean(schema, document)
    description = given.get("description")
    if isinstance(description, str) and description.strip():
        cleaned["description"] = " ".join(description.split())
    if place == "header" and len(cleaned.get("enum", [])) == 1:
        hidden = True
    return [Parameter("", given["name"], place, cleaned, required, hidden)]


def _request_body(given: Any, document: Json) -> list[Parameter]:
    if given is None:
        return []
    if isinstance(given, dict) and isinstance(given.get("$ref"), str):
        given = resolve(document, given["$ref"])
    if not isinstance(given, dict) or not isinstance(given.get("content"), dict):
        raise SchemaError("malformed", "a request body without content")
    content = given["content"]
    ranks = [
        r"application/json",
        r".*\+json|\*/\*",
        r"application/x-www-form-urlencoded|multipart/form-data",
        r"text/plain",
        r".*",
    ]
    chosen = next(
        (kind for rank in ranks for kind in content if re.fullmatch(rank, kind.partition(";")[0].strip())), None
    )
    if chosen is None:
        return []
    media = content[chosen]
    schema = media.get("schema") if isinstance(media, dict) else None
    if schema is None or (isinstance(schema, dict) and _is_file(schema)):
        if given.get("required") is not True:
            return []
        raise SchemaError("file_upload", f"its body is {chosen} without a schema that a model could fill in")
    return _body(schema, "form" if "form" in chosen else "property", given, document)


def _body(schema: Any, place: str, owner: Json, document: Json) -> list[Parameter]:
    """The body's properties where it is an object of known ones, else the body as one parameter."""
    cleaned = clean(schema, document, hide="readOnly")
    composite = any(key in cleaned for key in ("anyOf", "oneOf", "allOf", "if", "not"))
    if not composite and cleaned.get("properties") and cleaned.get("type") == "object":
        needed = cleaned.get("required", [])
        out = []
        for name, inner in cleaned["properties"].items():
            if _is_file(inner):
                if name in needed:
                    raise SchemaError("file_upload", f"property {name!r} is a file")
                continue
            out.append(Parameter("", name, place, inner, name in needed, bool(_CREDENTIAL.fullmatch(_bare(name)))))
        return out
    if cleaned.get("type") == "object" and cleaned.get("properties") == {}:
        return []
    if isinstance(owner.get("description"), str) and owner["description"].strip():
        cleaned.setdefault("description", " ".join(owner["description"].split()))
    name = owner["name"] if isinstance(owner.get("name"), str) else "body"
    return [Parameter("", name, "body", cleaned, owner.get("required") is True)]


def _is_file(schema: Json) -> bool:
    return schema.get("type") == "file" or (schema.get("type") == "string" and schema.get("format") == "binary")


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _is_hidden(given: Json, place: str, document: Json) -> bool:
    if place not in ("query", "header", "cookie"):
        return False
    bare = _bare(given["name"])
    schemes = document.get("securityDefinitions") or document.get("components", {}).get("securitySchemes") or {}
    keys = (
        [(s.get("name"), s.get("in")) for s in schemes.values() if isinstance(s, dict)]
        if isinstance(schemes, dict)
        else []
    )
    return (
        (given["name"], place) in keys
        or _CREDENTIAL.fullmatch(bare) is not None
        or (_AMBIGUOUS.fullmatch(bare) is not None and _TELLS.search(str(given.get("description", ""))) is not None)
        or (place == "header" and bare in _TRANSPORT)
    )


def _returns(form: Json, document: Json) -> Json | None:
    """The schema of the first success response, or None where there is none or it cannot be read."""
    responses = form.get("responses")
    if not isinstance(responses, dict):
        return None
    status = next((key for key in sorted(responses) if key.startswith("2")), "default")
    try:
        response: Any = responses.get(status)
        if isinstance(response, dict) and isinstance(response.get("$ref"), str):
            response = resolve(document, response["$ref"])
        content = response.get("content", {})
        media: Any = (
            next((content[kind] for kind in content if "json" in kind), {}) if isinstance(content, dict) else {}
        )
        schema = response.get("schema", media.get("schema"))
        return None if schema is None else require_valid(clean(schema, document, hide="writeOnly"))
    except (SchemaError, AttributeError):
        return None  # what an operation answers does not keep it from being called
