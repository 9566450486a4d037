"""The HTTP request of a call, by the rules of OpenAPI 3.x and Swagger 2.0: pure, so nothing is looked up or sent."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from apigen_ray.library.request import PLACES, FieldForm, RequestForm, is_json
from apigen_ray.records import Json, content_hash, dumps
from apigen_ray.runners.rest.styles import joined, pairs, text, written

_HOLE = re.compile(r"\{([^{}]*)\}")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_PRINTABLE = re.compile(r"[\t\x20-\x7e]*")
_TRIPLE = re.compile(r"(%[0-9A-Fa-f]{2})")
_RESERVED = ":/?@!$'()*,;="  # of RFC 3986, without what ends a query or divides it: # & + [ ]
_COOKIE = "!#$&'()*+-./:<=>?@[]^_`{|}~"  # what RFC 6265 lets stand in a value, but the percent sign

CONNECTION = frozenset(
    ("connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")
)
"""Headers that say where a message ends, and to whom it goes: no call sets them."""


@dataclass(frozen=True)
class Plain:
    """A request as it goes over the wire.

    Attributes:
        method: in capitals.
        url: whole and percent-encoded.
        headers: names and values, in printable ASCII.
        body: empty where there is none.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


_Given = list[tuple[FieldForm, Any]]


def encode(form: RequestForm, arguments: Json, added: Sequence[tuple[str, str, str]] = ()) -> Plain:
    """The request of a call. Values never change its host, the segments of its path, or the headers beside their own.

    Null is left out, as what RFC 6570 calls undefined, but in JSON and where the form says that a parameter may be
    empty.

    Args:
        form: what the source read.
        arguments: of the call, which fit its schema.
        added: what goes with the call beside them, ``(place, name, value)``, and counts before the form's constants:
            credentials. No message names such a value.

    Raises:
        ValueError: the arguments do not make a request: a parameter that the form does not know, a path parameter that
            is missing, empty, or a step up (``..``), a header with a line break or beyond ASCII.
    """
    unknown = arguments.keys() - {field.name for field in form.fields}
    if unknown:
        raise ValueError(f"there is no parameter {min(unknown)!r}")
    settled: dict[tuple[str, str], tuple[FieldForm, Any]] = {}
    for place, name, value in (*form.constants, *added):
        settled[place, name.lower() if place == "header" else name] = (FieldForm("", name, place), value)
    given: _Given = [(field, arguments[field.name]) for field in form.fields if field.name in arguments]
    at: dict[str, _Given] = {place: [] for place in PLACES}
    for field, value in (*given, *settled.values()):
        at[field.place].append((field, value))
    media, body = _body(form, at)
    headers = [_header(field, value) for field, value in at["header"] if value is not None and value not in ([], {})]
    cookies = [pair for field, value in at["cookie"] for pair in pairs(field, value, _cookie_quote)]
    if not all(_TOKEN.fullmatch(name) for name, _ in cookies):
        raise ValueError("no cookie can have the name that is given")
    if cookies:
        headers.append(("Cookie", "; ".join(f"{name}={value}" for name, value in cookies)))
    if media:
        headers.append(_header(FieldForm("", "Content-Type", "header"), media))
    return Plain(form.method, form.server + _target(form.path, at["path"], at["query"]), tuple(headers), body)


def _target(template: str, given: _Given, asked: _Given) -> str:
    """Path and query: what stands behind ``?`` in a document's path is sent each time, a fragment never."""
    path, _, fixed = template.partition("#")[0].partition("?")
    values = {field.original: (field, value) for field, value in given}
    segments = [_segment(segment, values) for segment in path.removeprefix("/").split("/")]
    query = [_filled(fixed, values)] if fixed else []
    for field, value in asked:
        query += [f"{name}={item}" for name, item in pairs(field, value, _reserved_quote if field.reserved else _quote)]
    return "/" + "/".join(segments) + ("?" + "&".join(query) if query else "")


def _segment(segment: str, values: dict[str, tuple[FieldForm, Any]]) -> str:
    out = _filled(segment, values)
    # No percent sign hides a step up: a server may take %2E for a dot, and %2F for the end of a segment.
    if _HOLE.search(segment) and any(step in (".", "..") for step in re.split(r"[/\\]", unquote(out))):
        raise ValueError(f"the value in {segment!r} of the path is a step to another folder")
    return out


def _filled(template: str, values: dict[str, tuple[FieldForm, Any]]) -> str:
    def fill(name: str) -> str:
        field, value = values.get(name, (None, None))
        if field is None or value is None:
            raise ValueError(f"path parameter {name!r} is missing")
        out = joined(field, value, _quote)
        if not out:
            raise ValueError(f"path parameter {name!r} is empty")
        return out

    parts = _HOLE.split(template)  # text and names by turns
    return "".join(fill(part) if n % 2 else quote(part, safe="%:@!$&'()*+,;=/?") for n, part in enumerate(parts))


def _quote(value: str) -> str:
    return quote(value, safe="")


def _reserved_quote(value: str) -> str:
    """RFC 6570's reserved expansion, in which triples such as ``%20`` stay, but for what has a meaning in a query."""
    return "".join(part if n % 2 else quote(part, safe=_RESERVED) for n, part in enumerate(_TRIPLE.split(value)))


def _cookie_quote(value: str) -> str:
    return quote(value, safe=_COOKIE)


def _header(field: FieldForm, value: Any) -> tuple[str, str]:
    name = field.original
    if not _TOKEN.fullmatch(name) or name.lower() in CONNECTION:
        raise ValueError(f"no request can set the header {name!r}")
    out = joined(field, value, str).strip(" \t")
    if not _PRINTABLE.fullmatch(out):
        raise ValueError(f"the value of the header {name!r} has a line break, or characters beyond ASCII")
    return name, out


def _body(form: RequestForm, at: dict[str, _Given]) -> tuple[str, bytes]:
    """Media type and content of the body, which is one parameter's value, or made of several."""
    plain = form.media.partition(";")[0].strip().lower()
    is_form = plain in ("application/x-www-form-urlencoded", "multipart/form-data")
    whole, fields = [value for _, value in at["body"]], at["form"]
    if is_form and whole and isinstance(whole[0], dict):
        fields = [*((FieldForm(name, name, "form"), value) for name, value in whole[0].items()), *fields]
    elif whole:
        return form.media, written(whole[0], form.media).encode()
    if not (fields or at["property"] or form.body):
        return "", b""
    if plain == "multipart/form-data":
        return _multipart([part for field, value in fields for part in _parts(field, value)])
    if is_form:
        found = [pair for field, value in fields for pair in _form_pairs(field, value)]
        return form.media, "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in found).encode()
    if is_json(form.media):
        return form.media, dumps({field.original: value for field, value in at["property"]}).encode()
    raise ValueError(f"a body of {form.media or 'no media type'} cannot be written from its properties")


def _form_pairs(field: FieldForm, value: Any) -> list[tuple[str, str]]:
    """A form's fields, by its style where the document gives one; else a list is repeated, and an object JSON."""
    if field.style or field.content:
        return pairs(field, value, str)
    items = value if isinstance(value, list) else [value]
    return [(field.original, text(item)) for item in items if item is not None]


def _parts(field: FieldForm, value: Any) -> list[tuple[str, str, str]]:
    """Name, media type and text of a multipart form's parts: one for each item of a list (RFC 7578 section 4.3)."""
    if field.style:
        return [(name, "", item) for name, item in pairs(field, value, str)]
    items = [item for item in (value if isinstance(value, list) else [value]) if item is not None]
    types = [field.content or ("application/json" if isinstance(item, dict | list) else "") for item in items]
    return [(field.original, media, written(item, media)) for item, media in zip(items, types, strict=True)]


def _multipart(parts: list[tuple[str, str, str]]) -> tuple[str, bytes]:
    boundary = content_hash("multipart", *(word for part in parts for word in part))  # a hash of all: in none of them
    lines: list[str] = []
    for name, media, content in parts:
        if not _PRINTABLE.fullmatch(media):
            raise ValueError(f"no part of a form can have the media type {media[:100]!r}")
        safe = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")  # as browsers do
        lines += [f"--{boundary}", f'Content-Disposition: form-data; name="{safe}"']
        lines += [f"Content-Type: {media}"] if media else []
        lines += ["", content]
    return f"multipart/form-data; boundary={boundary}", "\r\n".join([*lines, f"--{boundary}--", ""]).encode()
