"""How the parameters of an operation are written, and in which media type its body, as an OpenAPI document says."""

import re
from typing import Any

from apigen_ray.library.request import FieldForm, is_json
from apigen_ray.records import Json

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

_STYLES = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
    "form": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
}
"""OpenAPI 3: the styles that a place knows; the first is its default."""

_DELIMITERS = {"ssv": "spaceDelimited", "tsv": "tabDelimited", "pipes": "pipeDelimited"}

_RANKS = (r"application/json", r".*\+json|\*/\*", rf"{URLENCODED}|{MULTIPART}", r"text/plain", r".*")
_ANY = {"*/*": "application/json", "application/*": "application/json", "text/*": "text/plain"}


def parameter_field(given: Json, place: str, swagger: bool) -> FieldForm:
    """How a parameter of path, query, header, cookie or form is written; a style that its place does not know is none.

    Args:
        given: the parameter, as the document has it.
        place: see `FieldForm.place`.
        swagger: whether the document is Swagger 2.0, which has ``collectionFormat`` in place of ``style``.
    """
    name, styles = given["name"], _STYLES.get(place, ("",))
    empty = given.get("allowEmptyValue") is True and place in ("query", "form")
    if swagger:
        word = given.get("collectionFormat")
        style = _DELIMITERS.get(word, styles[0]) if isinstance(word, str) else styles[0]
        return FieldForm(name, name, place, style, word == "multi", empty=empty)
    content = given.get("content")
    if not isinstance(given.get("schema"), dict | bool) and isinstance(content, dict) and content:
        return FieldForm(name, name, place, content=plain_media(next(iter(content))))
    return _styled(given, name, place, empty)


def body_field(name: str, place: str, media: str, encoding: Any) -> FieldForm:
    """How a property of a body is written: in a form by its Encoding Object, where the document has one for it."""
    told = encoding.get(name) if place == "form" and isinstance(encoding, dict) else None
    if not isinstance(told, dict):
        return FieldForm(name, name, place)
    if {"style", "explode", "allowReserved"} & told.keys():  # the content type then says nothing (3.1.1)
        return _styled(told, name, place, False)
    content = plain_media(str(told.get("contentType", "")).partition(",")[0].strip())
    return FieldForm(name, name, place, content=content if media == MULTIPART or is_json(content) else "")


def _styled(given: Json, name: str, place: str, empty: bool) -> FieldForm:
    styles = _STYLES.get(place, ("",))
    style = given["style"] if given.get("style") in styles else styles[0]
    explode = given["explode"] if isinstance(given.get("explode"), bool) else style == "form"
    reserved = given.get("allowReserved") is True
    return FieldForm(name, name, place, style, explode, reserved, empty)


def plain_media(media: str) -> str:
    """The media type, if it is one that can stand in a header and has no wildcard; else ""."""
    return media if re.fullmatch(r"[\w.+!#$&^-]+/[\w.+!#$&^-]+( *;[\x20-\x7e]*)?", media, re.ASCII) else ""


def chosen_media(content: Json) -> str | None:
    """Which of a body's media types is sent: JSON before what is built on it, a form, plain text, and any other."""
    kinds = [(kind, kind.partition(";")[0].strip()) for kind in content]
    return next((kind for rank in _RANKS for kind, plain in kinds if re.fullmatch(rank, plain)), None)


def sent_media(form: Json, root: Json, body: Any, is_form: bool) -> str:
    """The media type of an operation's body: "" where none of the document's can be sent.

    Args:
        form: the operation.
        root: the document.
        body: its request body of OpenAPI 3 with references followed, or None.
        is_form: whether it has a form's fields: of Swagger 2.0 they are multipart only where nothing else is consumed.
    """
    if isinstance(body, dict) and isinstance(body.get("content"), dict):
        media = chosen_media(body["content"]) or ""
        return _ANY.get(media, plain_media(media))
    consumes = form.get("consumes", root.get("consumes"))
    if is_form:
        kinds = consumes if isinstance(consumes, list) else []
        return MULTIPART if MULTIPART in kinds and URLENCODED not in kinds else URLENCODED
    return plain_media(_preferred(consumes, "application/json"))


def answer_media(form: Json, root: Json, response: Any) -> str:
    """What ``Accept`` asks for: the media type of the first success response, JSON before others; "": it is not said.

    Args:
        form: the operation.
        root: the document.
        response: the response with references followed, or None.
    """
    if "swagger" in root:
        return plain_media(_preferred(form.get("produces", root.get("produces")), ""))
    content = response.get("content") if isinstance(response, dict) else None
    return plain_media(_preferred(list(content), "")) if isinstance(content, dict) else ""


def _preferred(kinds: Any, default: str) -> str:
    found = [kind for kind in kinds if isinstance(kind, str)] if isinstance(kinds, list) else []
    return next((kind for kind in found if is_json(kind)), found[0] if found else default)
