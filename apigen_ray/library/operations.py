"""One operation of an OpenAPI document: its parameters as one flat list, and what it answers."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, count
from typing import Any

from apigen_ray.library.credentials import bare, is_credential
from apigen_ray.library.fields import body_field, chosen_media, parameter_field
from apigen_ray.library.names import identifier
from apigen_ray.library.request import FieldForm
from apigen_ray.library.schema import Budget, SchemaError, clean, follow, require_valid
from apigen_ray.records import Json, dumps

MAX_EXAMPLE = 16 << 10
"""Characters of JSON of an answer that a document shows; a longer one is left out."""

_TRANSPORT = frozenset(
    ("accept", "contenttype", "contentlength", "host", "useragent", "acceptencoding", "acceptcharset")
)


@dataclass(frozen=True)
class Document:
    """A document that references point into, and what may still be read out of it.

    Attributes:
        root: the whole of it.
        budget: spent by every schema of what is sent.
        answers: spent by every schema of what comes back, apart, so that none of these costs an operation.
    """

    root: Json
    budget: Budget = field(default_factory=Budget)
    answers: Budget = field(default_factory=Budget)

    @cached_property
    def schemes(self) -> dict[str, Json]:
        """Its security schemes by name, those that can be read."""
        components = self.root.get("components")
        given = self.root.get("securityDefinitions") or (
            components.get("securitySchemes") if isinstance(components, dict) else None
        )
        found = {}
        for name, scheme in given.items() if isinstance(given, dict) else ():
            with suppress(SchemaError):  # who names it in `auth` is told that there is none
                found[name] = self.follow(scheme)
        return {name: scheme for name, scheme in found.items() if isinstance(scheme, dict)}

    def follow(self, node: Any) -> Any:
        """The node, or what its reference leads to; see `apigen_ray.library.schema.follow`."""
        return follow(self.root, node)

    def clean(self, schema: Any, hide: str = "") -> Json:
        """The schema as JSON Schema 2020-12; see `apigen_ray.library.schema.clean`."""
        return clean(schema, self.root, hide=hide, budget=self.answers if hide == "writeOnly" else self.budget)


@dataclass(frozen=True)
class Parameter:
    """One parameter of an operation: how a model sees it and where it goes in the request.

    Attributes:
        form: its name in a call and in the document, where it goes and how it is written.
        schema: JSON Schema 2020-12.
        required: whether a call must give it.
        hidden: whether a model never sees it: a credential, a header of the transport or of one value.
    """

    form: FieldForm
    schema: Json
    required: bool
    hidden: bool = False


def parameters(item: Json, form: Json, document: Document) -> list[Parameter]:
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
        found += _body(body.get("schema", {}), "", {}, body, document)
    found += _request_body(form.get("requestBody"), document)
    names: set[str] = set()
    out = []
    for part in found:
        name = identifier(part.form.original)
        place = "body" if part.form.place == "property" else part.form.place
        more = (f"{name[:59]}_{n}" for n in count(2))
        candidate = next(
            text for text in chain((name, identifier(f"{place}_{part.form.original}")), more) if text not in names
        )
        names.add(candidate)
        out.append(replace(part, form=replace(part.form, name=candidate)))
    return out


def _merged_parameters(item: Json, form: Json, document: Document) -> list[Json]:
    """The operation's parameters and those that it takes over from its path."""
    merged: dict[tuple[Any, Any], Json] = {}
    for owner in (form, item):
        given = owner.get("parameters", [])
        if not isinstance(given, list):
            raise SchemaError("malformed", "`parameters` is not a list")
        for entry in given:
            entry = document.follow(entry)
            if (
                not isinstance(entry, dict)
                or not isinstance(entry.get("name"), str)
                or not isinstance(entry.get("in"), str)
            ):
                raise SchemaError("malformed", "a parameter without name or place")
            merged.setdefault((entry["name"], entry["in"]), entry)
    return list(merged.values())


def _plain(given: Json, document: Document) -> list[Parameter]:
    """A parameter of path, query, header, cookie or form: a list of one, or of none for a file that may be left out."""
    place = "form" if given["in"] == "formData" else given["in"]
    required = place == "path" or given.get("required") is True
    content = given.get("content")
    if isinstance(given.get("schema"), dict | bool):
        schema = given["schema"]
    elif isinstance(content, dict) and content:
        media = next(iter(content.values()))
        schema = media.get("schema", {}) if isinstance(media, dict) else {}
    else:  # Swagger 2.0: the parameter is its own schema
        schema = {key: value for key, value in given.items() if key not in ("name", "in", "required", "description")}
    hidden = _is_hidden(given, place, document)
    if hidden:
        schema = {}
    elif isinstance(schema, dict) and _is_file(schema):
        if required:
            raise SchemaError("file_upload", f"parameter {given['name']!r} is a file")
        return []
    cleaned = document.clean(schema)
    description = given.get("description")
    if isinstance(description, str) and description.strip():
        cleaned["description"] = " ".join(description.split())
    if place == "header" and len(cleaned.get("enum", [])) == 1:
        hidden = True
    return [Parameter(parameter_field(given, place, "swagger" in document.root), cleaned, required, hidden)]


def _request_body(given: Any, document: Document) -> list[Parameter]:
    if given is None:
        return []
    given = document.follow(given)
    if not isinstance(given, dict) or not isinstance(given.get("content"), dict):
        raise SchemaError("malformed", "a request body without content")
    chosen = chosen_media(given["content"])
    if chosen is None:
        return []
    media = given["content"][chosen]
    schema = media.get("schema") if isinstance(media, dict) else None
    if schema is None or (isinstance(schema, dict) and _is_file(schema)):
        if given.get("required") is not True:
            return []
        raise SchemaError("file_upload", f"its body is {chosen} without a schema that a model could fill in")
    return _body(schema, chosen, media, given, document)


def _body(schema: Any, kind: str, media: Json, owner: Json, document: Document) -> list[Parameter]:
    """The body's properties where it is an object of known ones, else the body as one parameter."""
    place = "form" if "form" in kind else "property"
    cleaned = document.clean(schema, "readOnly")
    composite = any(key in cleaned for key in ("anyOf", "oneOf", "allOf", "if", "not"))
    if not composite and cleaned.get("properties") and cleaned.get("type") == "object":
        needed = cleaned.get("required", [])
        out = []
        for name, inner in cleaned["properties"].items():
            if _is_file(inner):
                if name in needed:
                    raise SchemaError("file_upload", f"property {name!r} is a file")
                continue
            written = body_field(name, place, kind, media.get("encoding"))
            out.append(Parameter(written, inner, name in needed, is_credential(name)))
        return out
    if cleaned.get("type") == "object" and cleaned.get("properties") == {}:
        return []
    if isinstance(owner.get("description"), str) and owner["description"].strip():
        cleaned.setdefault("description", " ".join(owner["description"].split()))
    name = owner["name"] if isinstance(owner.get("name"), str) else "body"
    return [Parameter(FieldForm("", name, "body"), cleaned, owner.get("required") is True)]


def _is_file(schema: Json) -> bool:
    """Whether a value is a file's content, or a list of such."""
    if schema.get("type") == "array" and isinstance(schema.get("items"), dict):
        return _is_file(schema["items"])
    return schema.get("type") == "file" or (schema.get("type") == "string" and schema.get("format") == "binary")


def _is_hidden(given: Json, place: str, document: Document) -> bool:
    if place not in ("query", "header", "cookie"):
        return False
    keys = [(scheme.get("name"), scheme.get("in")) for scheme in document.schemes.values()]
    return (
        (given["name"], place) in keys
        or is_credential(given["name"], given.get("description"))
        or (place == "header" and bare(given["name"]) in _TRANSPORT)
    )


def success(form: Json, document: Document) -> Any:
    """The first success response with its references followed; None where there is none or it cannot be read."""
    responses = form.get("responses")
    if not isinstance(responses, dict):
        return None
    status = next((key for key in sorted(responses) if key.startswith("2")), "default")
    try:
        return document.follow(responses.get(status))
    except SchemaError:  # what an operation answers does not keep it from being called
        return None


def returns(form: Json, document: Document) -> Json | None:
    """The schema of the first success response, or None where there is none or it cannot be read.

    Examples that stand beside it, not in it, become its first ``examples``, valid or not.
    """
    response = success(form, document)
    try:
        content = response.get("content", {})
        media: Any = (
            next((content[kind] for kind in content if "json" in kind), {}) if isinstance(content, dict) else {}
        )
        schema = response.get("schema", media.get("schema"))
        examples = _examples(response, media, document)
        cleaned = {} if schema is None else document.clean(schema, "writeOnly")
        if examples:
            cleaned["examples"] = [*examples, *cleaned.get("examples", [])]
        return require_valid(cleaned) if examples or schema is not None else None
    except (SchemaError, AttributeError):
        return None  # what an operation answers does not keep it from being called


def _examples(response: Json, media: Json, document: Document) -> list[Any]:
    """Answers that the document shows: of one media type, or of Swagger 2.0's response by media types."""
    given = media.get("examples")
    shown = [document.follow(item) for item in given.values()] if isinstance(given, dict) else []
    found = [item["value"] for item in shown if isinstance(item, dict) and "value" in item]
    found += [media["example"]] if "example" in media else []
    if isinstance(response.get("examples"), dict):
        found += [value for kind, value in response["examples"].items() if "json" in kind]
    return [value for value in found if len(dumps(value)) <= MAX_EXAMPLE][:3]
