"""Which parameters prove who is calling: executing a call fills them in, a model never sees them."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from apigen_ray.records import Json

_CERTAIN = re.compile(
    r"(proxy)?authori[sz]ation|cookie|x?(rapid)?apikey|x?rapidapihost|subscriptionkey|ocpapimsubscriptionkey"
    r"|[a-z]{0,20}(auth|access|oauth|bearer|session|csrf|xsrf)token"
    r"|clientsecret|xamz(date|algorithm|credential|signature|signedheaders|securitytoken|contentsha256)"
)
# Words that also name plain data: credentials only where the text says so.
_AMBIGUOUS = re.compile(r"(x.*)?(token|signature|sig|secret|key|appid|appkey|devid|credentials?|accesskey|password)")
_TELLS = re.compile(
    r"api[ _-]?key|authenti|authori[sz]|credential|signature|signed"
    r"|(access|auth|api|security|dev|developer|free|personal|your)[ _-]?(token|id)",
    re.IGNORECASE,
)


def _require_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,127}", text):
        raise ValueError("is the name of an environment variable, never the credential itself")
    return text


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


EnvName = Annotated[str, AfterValidator(_require_name)]
"""An environment variable, where calls are made; what it holds is never written down."""

Auth = Mapping[str, Annotated[tuple[EnvName, ...], BeforeValidator(_listed)]]
"""The key ``auth`` of a source: who is calling, by the name that the document has for it, and the variables for it."""


def bare(name: str) -> str:
    """A parameter's name without case and punctuation: ``X-Api-Key`` is ``xapikey``."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def is_credential(name: str, description: object = "") -> bool:
    """Whether a parameter is a credential: by its name, or by name and description together.

    Args:
        name: as the source has it.
        description: what the source says of it; left out where a name that may mean plain data (``token``) does not
            count, as in a body.
    """
    word = bare(name)
    if _CERTAIN.fullmatch(word):
        return True
    return _AMBIGUOUS.fullmatch(word) is not None and _TELLS.search(str(description or "")) is not None


def without_credentials(form: Json) -> tuple[Json, tuple[str, ...]]:
    """A tool's parameters without those that are credentials, and the names of these.

    A password stays: a tool that signs somebody in takes it from the request.

    Args:
        form: JSON Schema of an object.
    """
    properties = form.get("properties", {})
    hidden = tuple(
        name
        for name, inner in properties.items()
        if is_credential(name, inner.get("description") if isinstance(inner, dict) and bare(name) != "password" else "")
    )
    if not hidden:
        return form, ()
    kept = {name: inner for name, inner in properties.items() if name not in hidden}
    required = [name for name in form.get("required", []) if name not in hidden]
    return {**form, "properties": kept, "required": required}, hidden
