"""How an operation of an OpenAPI document is called: its server, and the form of its requests."""

from typing import Any
from urllib.parse import urlsplit

from apigen_ray.library.fields import MULTIPART, URLENCODED, answer_media, sent_media
from apigen_ray.library.operations import Document, Parameter, success
from apigen_ray.library.request import PLACES, RequestForm, SecretForm, is_base, is_json
from apigen_ray.records import Json


def request(
    method: str,
    path: str,
    form: Json,
    document: Document,
    found: list[Parameter],
    base: str,
    auth: tuple[SecretForm, ...],
) -> str:
    """The JSON text of an operation's `RequestForm`; "" where it cannot be called: no server, or a body in XML.

    A header of one value goes with each call if it is required. What the operation answers with is asked for
    (``Accept``); a body that is required is sent even where it is empty.

    Args:
        method: in capitals.
        path: the key that the operation stands under.
        form: the operation.
        document: what references point into.
        found: its parameters.
        base: its server; "" for none.
        auth: its credentials.
    """
    shown = [part for part in found if not part.hidden]
    body = document.follow(form.get("requestBody")) if "requestBody" in form else None
    places = {part.form.place for part in found} & {"form", "property", "body"}
    # Swagger 2.0 has a body for every operation that has its parameter: one that may be left out is not worth the doubt
    needed = body.get("required") is True if isinstance(body, dict) else "property" in places
    media = sent_media(form, document.root, body, "form" in places) if places or needed else ""
    whole = [part.schema.get("type") for part in found if part.form.place == "body"]
    if not base or not {part.form.place for part in shown} <= set(PLACES) or not _can_be_sent(media, places, whole):
        return ""
    fixed = [part for part in found if part.hidden and part.required and len(part.schema.get("enum", ())) == 1]
    constants = [(part.form.place, part.form.original, str(part.schema["enum"][0])) for part in fixed]
    accept = answer_media(form, document.root, success(form, document))
    constants += [("header", "Accept", accept)] if accept else []
    fields = tuple(part.form for part in shown)
    return RequestForm(method, base, path, fields, media, needed, tuple(constants), auth).dumps()


def _can_be_sent(media: str, places: set[str], whole: list[Any]) -> bool:
    if "property" in places and not is_json(media):
        return False
    is_form = media.partition(";")[0].strip() in (URLENCODED, MULTIPART)
    if "form" in places and not is_form:
        return False
    return "body" not in places or is_json(media) or is_form or (bool(media) and whole == ["string"])


def server(item: Json, form: Json, document: Document, given: str | None = None) -> str:
    """The base of an operation's requests: the first server that is a plain ``http`` or ``https`` URL; "" if none is.

    Variables take their defaults; of the schemes of Swagger 2.0, ``https`` goes first. An address that carries a
    password, or is relative to where the document was found, is none.

    Args:
        item: the path item.
        form: the operation.
        document: what references point into.
        given: goes before all of it. If it has no path, not even ``/``, and the document's address is relative, the
            path of this one is put behind it.
    """
    found = [url.rstrip("/") for url in _addresses(item, form, document.root)]
    told = next((url for url in found if is_base(url)), "")
    if given is None:
        return told
    relative = next((url for url in found if url.startswith("/") and is_base(f"http://host{url}")), "")
    return given.rstrip("/") if told or urlsplit(given).path else given + relative


def _addresses(item: Json, form: Json, root: Json) -> list[str]:
    """The document's words for it, the nearest first."""
    if "swagger" in root:
        schemes, host, base = form.get("schemes") or root.get("schemes"), root.get("host"), root.get("basePath")
        known = [scheme for scheme in ("https", "http") if isinstance(schemes, list) and scheme in schemes]
        path = base if isinstance(base, str) else ""
        return [f"{(known or ['https'])[0]}://{host}{path}" if isinstance(host, str) else path]
    lists = [owner.get("servers") for owner in (form, item, root)]
    return [
        _filled(entry)
        for given in lists
        for entry in (given if isinstance(given, list) else [])
        if isinstance(entry, dict)
    ]


def _filled(entry: Json) -> str:
    url, variables = entry.get("url"), entry.get("variables")
    for name, told in variables.items() if isinstance(variables, dict) else ():
        if isinstance(url, str) and isinstance(told, dict) and "default" in told:
            url = url.replace(f"{{{name}}}", str(told["default"]))
    return url if isinstance(url, str) else ""
