"""How a call of an API becomes an HTTP request: the form that a source reads from its document, and its JSON text."""

import json
import re
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator

from apigen_ray.records import Json, dumps

PLACES = ("path", "query", "header", "cookie", "form", "property", "body")
"""Where a value goes: ``form`` is a field of a form, ``property`` one of the JSON body, ``body`` the whole of it."""


@dataclass(frozen=True)
class FieldForm:
    """One parameter of a call and where its value goes.

    Attributes:
        name: the identifier that a call uses.
        original: its name in the request.
        place: one of `PLACES`.
        style: how a list or an object is written, in the words of OpenAPI 3 (Parameter Object, Style Values) and
            ``tabDelimited`` for what Swagger 2.0 calls ``tsv``; "": what the place has for a default.
        explode: whether each item of a list, and each property of an object, stands for itself.
        reserved: whether characters that RFC 3986 reserves stay as they are in a query.
        empty: whether null is a value, written as a name with nothing behind it (``allowEmptyValue``).
        content: media type that the value is written in, as JSON for example, in place of a style; of a field of a
            multipart form, the type of its part.
    """

    name: str
    original: str
    place: str
    style: str = ""
    explode: bool = False
    reserved: bool = False
    empty: bool = False
    content: str = ""


@dataclass(frozen=True)
class SecretForm:
    """A credential that goes with each call, by the names of the environment variables that hold it.

    Attributes:
        kind: ``apiKey`` (the value as it is), ``bearer``, ``basic``, or ``oauth2`` (a bearer token that client
            credentials are exchanged for, RFC 6749 section 4.4).
        place: where it goes, one of `PLACES`; ``header`` for all but an ``apiKey``.
        name: the parameter's name there; ``Authorization`` for all but an ``apiKey``.
        env: the variables: one; user and password for ``basic``; id and secret of the client for ``oauth2``.
        token_url: ``oauth2``: where tokens are given.
        scopes: ``oauth2``: what is asked for.
    """

    kind: str
    place: str
    name: str
    env: tuple[str, ...]
    token_url: str = ""
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True)
class RequestForm:
    """All that is needed to make the HTTP request of a call, but the call's arguments and the secrets.

    Attributes:
        method: in capitals.
        server: the base that ``path`` is put behind, an ``http`` or ``https`` URL without a slash at its end.
        path: as in the document, with ``{placeholders}`` by original names; what stands behind ``?`` is sent with each
            call, what stands behind ``#`` is not.
        fields: the parameters of a call.
        media: media type of the body; "" where no call has one.
        body: whether a body is sent even where no argument goes into it.
        constants: what each call sends beside its arguments: ``(place, name, value)``.
        auth: the credentials of each call.
    """

    method: str
    server: str
    path: str
    fields: tuple[FieldForm, ...] = ()
    media: str = ""
    body: bool = False
    constants: tuple[tuple[str, str, str], ...] = ()
    auth: tuple[SecretForm, ...] = ()

    def dumps(self) -> str:
        """The JSON text, without what is a default."""
        out = _plain(self)
        for key in ("fields", "auth"):
            if key in out:
                out[key] = [_plain(item) for item in getattr(self, key)]
        return dumps(out)

    @classmethod
    def loads(cls, text: str) -> "RequestForm":
        """The inverse of `dumps`.

        Raises:
            ValueError: the text is not such a form.
        """
        try:
            given = json.loads(text)
            return cls(
                **given
                | {
                    "fields": tuple(FieldForm(**item) for item in given.get("fields", ())),
                    "constants": tuple((place, name, value) for place, name, value in given.get("constants", ())),
                    "auth": tuple(_secret(item) for item in given.get("auth", ())),
                }
            )
        except (TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"no form of a request: {error}") from error


def is_json(media: str) -> bool:
    """Whether a media type is JSON, or built on it (RFC 6839)."""
    return re.fullmatch(r"(application|text)/(.+\+)?json", media.partition(";")[0].strip().lower()) is not None


def is_base(url: str) -> bool:
    """Whether paths can be put behind a URL: plain ``http`` or ``https``, without password, query or fragment."""
    try:
        parts = urlsplit(url)
        clear = not (set("{} \\?#") & set(url)) and url.isprintable() and parts.port != 0
    except ValueError:  # a port that is no number, an address that is none
        return False
    return clear and parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc


def _require_base(url: str) -> str:
    if not is_base(url):
        raise ValueError("is no http or https URL without password, query and fragment")
    return url


Server = Annotated[str, AfterValidator(_require_base)]
"""The key ``server`` of a source: where requests go, whatever its documents say."""


_Form = TypeVar("_Form", RequestForm, FieldForm, SecretForm)


def _plain(form: _Form) -> Json:
    given = {key.name: getattr(form, key.name) for key in fields(form)}
    return {
        key.name: given[key.name] for key in fields(form) if key.default is MISSING or given[key.name] != key.default
    }


def _secret(given: Json) -> SecretForm:
    return SecretForm(**given | {key: tuple(given.get(key, ())) for key in ("env", "scopes")})
