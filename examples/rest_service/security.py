"""Who may call: an API key, a bearer token, a user with a password, a client of OAuth2 with a token endpoint."""

import os
import secrets
import time
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Security
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBasic, HTTPBasicCredentials, HTTPBearer
from fastapi.security.oauth2 import OAuth2
from pydantic import BaseModel

router = APIRouter()
_TOKEN_SECONDS = 300


@dataclass(frozen=True)
class Secrets:
    """What callers prove themselves by."""

    api_key: str
    token: str
    user: str
    password: str
    client_id: str
    client_secret: str

    @classmethod
    def from_environment(cls) -> "Secrets":
        """Those of ``ALMANAC_API_KEY``, ``ALMANAC_TOKEN`` and so on; one that is not set is a random one: nobody's."""
        return cls(**{name: os.environ.get(f"ALMANAC_{name.upper()}") or secrets.token_hex() for name in _NAMES})


_NAMES = ("api_key", "token", "user", "password", "client_id", "client_secret")
_api_key = APIKeyHeader(name="X-Api-Key", scheme_name="apiKey", auto_error=False)
_bearer = HTTPBearer(scheme_name="bearer", auto_error=False)
_basic = HTTPBasic(scheme_name="basic", auto_error=False)
_flow = OAuthFlowClientCredentials(tokenUrl="/token", scopes={"staff": "Read what concerns the staff."})
_oauth2 = OAuth2(scheme_name="oauth2", flows=OAuthFlows(clientCredentials=_flow), auto_error=False)


def _same(given: str | None, expected: str) -> bool:
    return given is not None and secrets.compare_digest(given.encode(), expected.encode())


def _require(allowed: bool, challenge: str) -> None:
    if not allowed:
        raise HTTPException(401, "who is calling?", headers={"WWW-Authenticate": challenge})


async def _with_key(request: Request, given: Annotated[str | None, Depends(_api_key)]) -> str:
    _require(_same(given, request.app.state.secrets.api_key), "ApiKey")
    return given or ""


async def _with_token(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> None:
    _require(_same(given.credentials if given else None, request.app.state.secrets.token), "Bearer")


async def _with_password(request: Request, given: Annotated[HTTPBasicCredentials | None, Depends(_basic)]) -> None:
    expected: Secrets = request.app.state.secrets
    allowed = given is not None and _same(given.username, expected.user) and _same(given.password, expected.password)
    _require(allowed, "Basic")


async def _with_client(request: Request, given: Annotated[str | None, Depends(_oauth2)]) -> None:
    issued: dict[str, float] = request.app.state.tokens
    scheme, _, token = (given or "").partition(" ")
    _require(scheme.lower() == "bearer" and issued.get(token, 0) > time.monotonic(), "Bearer")


ApiKey = Annotated[str, Depends(_with_key)]
"""A parameter of handlers for who has the API key: the key."""

needs_key, needs_token = Depends(_with_key), Depends(_with_token)
needs_password, needs_client = Depends(_with_password), Security(_with_client, scopes=["staff"])


class Token(BaseModel):
    """An access token (RFC 6749, section 5.1)."""

    access_token: str
    token_type: str = "bearer"  # noqa: S105 the kind of token, which is no secret
    expires_in: int = _TOKEN_SECONDS


@router.post("/token")
async def token(
    request: Request,
    grant_type: Annotated[str, Form()],
    basic: Annotated[HTTPBasicCredentials | None, Depends(_basic)],
    client_id: Annotated[str | None, Form()] = None,
    client_secret: Annotated[str | None, Form()] = None,
) -> Token:
    """Issues a token to a client, whose credentials stand in the header or in the form (RFC 6749, section 2.3.1)."""
    if grant_type != "client_credentials":
        raise HTTPException(400, {"error": "unsupported_grant_type"})
    expected: Secrets = request.app.state.secrets
    name, secret = (basic.username, basic.password) if basic else (client_id, client_secret)
    _require(_same(name, expected.client_id) and _same(secret, expected.client_secret), "Basic")
    issued = Token(access_token=secrets.token_urlsafe())
    request.app.state.tokens[issued.access_token] = time.monotonic() + issued.expires_in
    return issued
