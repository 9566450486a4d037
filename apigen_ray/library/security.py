"""Who is calling: security schemes, in the words of OpenAPI, and the credentials that a user has for them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from apigen_ray.errors import LibraryError
from apigen_ray.library.credentials import Auth
from apigen_ray.library.request import FieldForm, SecretForm, is_base
from apigen_ray.records import Json

_ANYWHERE = ("header", "query", "cookie")


@dataclass(frozen=True)
class Credentials:
    """What a user has for one document.

    Attributes:
        secrets: those for security schemes, by their names, without the scopes of an operation.
        always: what goes with every call.
        hidden: variables by the name of a hidden parameter.
        schemes: all that the document has.
        security: what the document asks for where an operation does not say it; None: it says nothing.
        where: the document.
    """

    secrets: Mapping[str, SecretForm]
    always: tuple[SecretForm, ...]
    hidden: Mapping[str, tuple[str, ...]]
    schemes: Mapping[str, Json]
    security: Any
    where: Path

    @classmethod
    def read(
        cls, auth: Auth, where: Path, schemes: Mapping[str, Json], security: Any = None, base: str = ""
    ) -> "Credentials":
        """Sorts the keys of ``auth``: security schemes, ``place:name`` of what every call sends, hidden parameters.

        Args:
            auth: the key of the source.
            where: the document, for messages.
            schemes: by name: Security Scheme Objects of OpenAPI 3 or Swagger 2.0.
            security: see the attribute.
            base: what an address for tokens may be relative to.

        Raises:
            LibraryError: a scheme that these variables do not fit, or that no runner knows.
        """
        secrets, always, hidden = {}, [], {}
        for key, env in auth.items():
            place, _, name = key.partition(":")
            try:
                if key in schemes:
                    secrets[key] = _of_scheme(schemes[key], env, base)
                elif place in _ANYWHERE and name:
                    always.append(SecretForm("apiKey", place, name, _single(env)))
                else:
                    hidden[key] = _single(env)
            except ValueError as error:
                raise LibraryError(f"{where}: auth.{key}: {error}", "correct `auth` of this source") from error
        return cls(secrets, tuple(always), hidden, schemes, security, where)

    def of(self, form: Json, hidden: Sequence[FieldForm]) -> tuple[SecretForm, ...]:
        """The credentials of an operation, each place once.

        Of its ``security`` the first alternative that the user has all of; every scheme where nothing says what it
        needs. What stands among its parameters goes with it in any case.

        Args:
            form: the operation.
            hidden: its parameters that no model sees.
        """
        out = [*self._asked_for(form.get("security", self.security)), *self.always]
        for part in hidden:
            out += [
                secret
                for secret in self.secrets.values()
                if _is(part.place, part.original, secret.name) and part.place == secret.place
            ]
            keys = [key for key in self.hidden if _is(part.place, part.original, key)]
            out += [SecretForm("apiKey", part.place, part.original, self.hidden[key]) for key in keys]
        once: dict[tuple[str, str], SecretForm] = {}
        for secret in out:
            once.setdefault((secret.place, secret.name.lower()), secret)
        return tuple(once.values())

    def _asked_for(self, security: Any) -> list[SecretForm]:
        if security is None:
            return list(self.secrets.values())
        for needs in security if isinstance(security, list) else []:
            if isinstance(needs, dict) and needs and needs.keys() <= self.secrets.keys():
                return [_scoped(self.secrets[name], scopes) for name, scopes in needs.items()]
        return []

    def require_use(self, hidden: Iterable[tuple[str, str]]) -> None:
        """Refuses a key that names nothing.

        Args:
            hidden: place and name of the hidden parameters of all operations.

        Raises:
            LibraryError: a key is neither a security scheme nor a hidden parameter.
        """
        named = set(hidden)
        for key in self.hidden:
            if not any(_is(place, name, key) for place, name in named):
                known = ", ".join(sorted({*self.schemes, *(name for _, name in named)})) or "none"
                message = f"{self.where}: auth.{key}: there is no such security scheme or hidden parameter"
                raise LibraryError(message, f"name one of the document's ({known}), or `header:NAME` for every call")


def _is(place: str, name: str, key: str) -> bool:
    return key == name or (place == "header" and key.lower() == name.lower())


def _single(env: tuple[str, ...]) -> tuple[str, ...]:
    if len(env) != 1:
        raise ValueError(f"takes one environment variable, not {len(env)}")
    return env


def _scoped(secret: SecretForm, scopes: Any) -> SecretForm:
    if secret.kind != "oauth2" or not isinstance(scopes, list):
        return secret
    return replace(secret, scopes=tuple(sorted(scope for scope in scopes if isinstance(scope, str))))


def _of_scheme(scheme: Json, env: tuple[str, ...], base: str) -> SecretForm:
    kind, word = str(scheme.get("type")), str(scheme.get("scheme", "")).lower()
    if kind == "apiKey" and scheme.get("in") in _ANYWHERE and isinstance(scheme.get("name"), str):
        return SecretForm("apiKey", scheme["in"], scheme["name"], _single(env))
    if kind == "basic" or (kind, word) == ("http", "basic"):
        if len(env) != 2:
            raise ValueError("takes two environment variables: [USER, PASSWORD]")
        return SecretForm("basic", "header", "Authorization", env)
    if kind == "oauth2" and len(env) == 2:
        return SecretForm("oauth2", "header", "Authorization", env, _token_url(scheme, base))
    if kind in ("oauth2", "openIdConnect") or (kind, word) == ("http", "bearer"):
        return SecretForm("bearer", "header", "Authorization", _single(env))
    raise ValueError(f"schemes of type {kind!r} {word!r} are not known; `header:NAME` sends a value as it is")


def _token_url(scheme: Json, base: str) -> str:
    flows = scheme.get("flows")
    flow = flows.get("clientCredentials") if isinstance(flows, dict) else None
    if scheme.get("flow") == "application":  # Swagger 2.0
        flow = scheme
    told = flow.get("tokenUrl") if isinstance(flow, dict) else None
    url = urljoin(f"{base}/", told) if isinstance(told, str) else ""
    if not is_base(url.partition("?")[0]) or "#" in url:
        raise ValueError(
            "has no address that gives tokens for client credentials; name one variable that holds a token"
        )
    return url
