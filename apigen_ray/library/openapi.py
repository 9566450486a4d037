"""The source ``openapi``: the operations of one Swagger 2.0, OpenAPI 3.0 or 3.1 document."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from apigen_ray.errors import LibraryError
from apigen_ray.library.base import Parsed, Reject, takes_arguments
from apigen_ray.library.calls import request, server
from apigen_ray.library.credentials import Auth
from apigen_ray.library.documents import read_openapi
from apigen_ray.library.names import identifier, unique_names
from apigen_ray.library.operations import Document, parameters, returns
from apigen_ray.library.request import Server
from apigen_ray.library.schema import MAX_NODES, SchemaError, object_schema, require_valid
from apigen_ray.library.security import Credentials
from apigen_ray.records import Api, Json, Source, content_hash

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class OpenApiSource(BaseModel):
    """Operations of an OpenAPI document: each is an entry, named ``METHOD /path``.

    Parameters of path, query, header and body become one flat object; the properties of a body that is an object
    stand beside the others, any other body is the parameter ``body``. Names become identifiers of at most 64
    characters. Left out, because executing a call fills them in: credentials, headers of the transport, headers of one
    value; `apigen_ray.records.Source.hidden` names them, as ``place:name``. References are followed within the document
    only: nothing that it points to is read or fetched.

    An operation is called over HTTP where its server is known and its body is JSON, a form or text:
    `apigen_ray.records.Source.request` then holds the `apigen_ray.library.request.RequestForm`.

    An operation is rejected with one of these codes: ``malformed`` (not what the standard says), ``dangling_ref``,
    ``external_ref``, ``schema_too_large``, ``unknown_type``, ``invalid_schema`` (its schema has no JSON Schema 2020-12
    form), ``file_upload`` (it needs a file or a body of bytes).

    Attributes:
        path: a JSON or YAML file, relative to the current folder.
        category: of all its operations; None: the first tag of each.
        operations: only these, by ``METHOD /path`` or operationId; each must be usable.
        server: where requests go, in place of the document's servers; one without a path (``http://localhost:8000``)
            takes the path of a relative server or ``basePath``.
        auth: for a security scheme of the document, or a hidden parameter, the environment variable that holds it:
            ``{apiKey: SHOP_KEY}``. Two for a scheme of type ``basic`` (user, password) and for client credentials of
            OAuth 2 (id, secret). A key such as ``header:X-Key`` goes with every call, declared or not.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    codes: ClassVar[tuple[str, ...]] = ("malformed", *SchemaError.CODES, "file_upload")

    kind: Literal["openapi"] = "openapi"
    path: str
    category: str | None = None
    operations: tuple[str, ...] | None = Field(default=None, min_length=1)
    server: Server | None = None
    auth: Auth = {}

    def parse(self, base_dir: Path) -> Parsed:
        """Every operation of the document as an Api or a reject.

        Raises:
            LibraryError: unreadable or no OpenAPI document; an operation of ``operations`` that is missing or unusable;
                a key of ``auth`` that names nothing, or that its variables do not fit.
        """
        path = (base_dir / self.path).absolute()
        text, root = read_openapi(path)
        digest, document = content_hash("openapi", text), Document(root)
        found = list(_operations(document))
        base = server({}, {}, document, self.server)
        # where one operation says what it needs, another that says nothing needs nothing
        unsaid: list[Json] | None = [] if any("security" in operation.form for operation in found) else None
        credentials = Credentials.read(self.auth, path, document.schemes, root.get("security", unsaid), base)
        missing = set(self.operations or ())
        parsed = Parsed()
        for operation, name in zip(found, _names(found), strict=True):
            if self.operations is not None:
                aliases = {operation.entry, str(operation.form.get("operationId"))} & set(self.operations)
                missing -= aliases
                if not aliases:
                    continue
            try:
                source = Source(self.kind, str(path), operation.entry, digest)
                api = self._api(operation, name, document, credentials, source)
                if self.operations is not None and not takes_arguments(api):
                    raise SchemaError("no_parameters", "it has no parameters that a model could fill in")
                parsed.apis.append(api)
            except SchemaError as error:
                if self.operations is not None:
                    raise LibraryError(f"{path}: {operation.entry}: {error}", "leave it out of `operations`") from error
                parsed.rejects.append(Reject(operation.entry, error.code, f"{path}: {operation.entry}: {error}"))
        if missing:
            raise LibraryError(f"{path}: there is no operation {min(missing)!r}", "give METHOD /path or an operationId")
        hidden = (text.partition(":") for api in parsed.apis if api.source for text in api.source.hidden)
        credentials.require_use((place, name) for place, _, name in hidden)
        return parsed

    def _api(
        self, operation: "_Operation", name: str, document: Document, credentials: Credentials, source: Source
    ) -> Api:
        if operation.fault is not None:
            raise operation.fault
        item, form = operation.item, operation.form
        before = document.budget.left
        found = parameters(item, form, document)
        if before - document.budget.left > MAX_NODES:
            raise SchemaError("schema_too_large", f"its parameters have more than {MAX_NODES} subschemas together")
        shown = [part for part in found if not part.hidden]
        schema = object_schema(
            {part.form.name: part.schema for part in shown}, [part.form.name for part in shown if part.required]
        )
        base = server(item, form, document, self.server)
        method, _, path = operation.entry.partition(" ")
        hidden = [part.form for part in found if part.hidden]
        call = request(method, path, form, document, found, base, credentials.of(form, hidden))
        return Api(
            name=name,
            description=_description(form, document.root),
            parameters=require_valid(schema),
            returns=returns(form, document),
            category=self.category or _tag(form),
            source=replace(
                source,
                runner="rest" if call else "",
                server=base,
                hidden=tuple(f"{part.place}:{part.original}" for part in hidden),
                request=call,
            ),
        )


def _description(form: Json, root: Json) -> str:
    texts = [form.get(key) for key in ("summary", "description")]
    named = str(form.get("operationId")).replace("_", " ").title()
    if "openapi" in root and texts[1] and f"{named} ".startswith(f"{texts[0]} "):
        del texts[0]  # no person's words: FastAPI makes both out of the function's name
    said = list(dict.fromkeys(" ".join(text.split()) for text in texts if isinstance(text, str) and text.strip()))
    if len(said) == 2 and said[1].startswith(said[0].rstrip(".")):
        said = said[1:]
    return " ".join(line if line.endswith((".", "!", "?")) else f"{line}." for line in said)


def _tag(form: Json) -> str | None:
    tags = form.get("tags")
    first = tags[0] if isinstance(tags, list) and tags else None
    return " ".join(first.split()) or None if isinstance(first, str) else None


@dataclass(frozen=True)
class _Operation:
    entry: str
    form: Json
    item: Json  # the path item that it stands in
    fault: SchemaError | None = None


def _operations(document: Document) -> Iterator[_Operation]:
    for path, given in document.root["paths"].items():
        if path.startswith("x-"):
            continue
        try:
            item = document.follow(given)
            if not isinstance(item, dict):
                raise SchemaError("malformed", "what stands under its path is no mapping")
            item = {**item, **given}
        except SchemaError as error:
            yield _Operation(path, {}, {}, error)
            continue
        for method in METHODS:
            if method in item:
                form, entry = item[method], f"{method.upper()} {path}"
                if isinstance(form, dict):
                    yield _Operation(entry, form, item)
                else:
                    yield _Operation(entry, {}, item, SchemaError("malformed", "what stands there is no mapping"))


def _names(operations: list[_Operation]) -> list[str]:
    """A name for each: from its operationId, else method and path; names that clash all carry a hash of their entry."""
    plain = []
    for operation in operations:
        given = operation.form.get("operationId")
        plain.append(identifier(given if isinstance(given, str) and given.strip() else _spoken(operation.entry)))
    return unique_names(plain, [operation.entry for operation in operations])


def _spoken(entry: str) -> str:
    method, _, path = entry.partition(" ")
    return f"{method.lower()} {path}"
