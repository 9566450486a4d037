"""Protocols and languages; and what callers can find out about their key."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel

from examples.rest_service.database import Database, known, one
from examples.rest_service.security import ApiKey

router = APIRouter()


class Status(BaseModel):
    """A status code of HTTP."""

    code: int
    phrase: str


class Service(BaseModel):
    """What usually listens on a port."""

    port: int
    service: str


class Language(BaseModel):
    """A programming language: the year of its first release."""

    language: str
    year: int
    designer: str


class Allowance(BaseModel):
    """What a key may still ask for."""

    key: str
    plan: str
    calls_left: int


@router.get("/status-codes/{code}")
async def status_code_meaning(
    code: Annotated[int, Path(description="Status code.", json_schema_extra=known("status_code", "code"))],
    database: Database,
) -> Status:
    """Get the meaning of a status code of HTTP."""
    return Status(**one(database, "SELECT * FROM status_code WHERE code = ?", code))


@router.get("/ports/{port}")
async def port_service(
    port: Annotated[int, Path(description="Port number.", json_schema_extra=known("network_port", "port"))],
    database: Database,
) -> Service:
    """Get the service that usually listens on a port."""
    return Service(**one(database, "SELECT * FROM network_port WHERE port = ?", port))


@router.get("/languages/{language}")
async def language_designer(
    language: Annotated[str, Path(description="Programming language.", json_schema_extra=known("language"))],
    database: Database,
) -> Language:
    """Get the designer of a programming language and the year of its first release."""
    query = "SELECT name AS language, year, designer FROM language WHERE name = ?"
    return Language(**one(database, query, language))


@router.get("/plans/{plan}/allowance")
async def key_allowance(
    plan: Annotated[Literal["basic", "plus", "pro"], Path(description="Name of the plan.")], key: ApiKey
) -> Allowance:
    """Get how many calls are left on a plan; the answer names the key, as many services do."""
    return Allowance(key=key, plan=plan, calls_left={"basic": 12, "plus": 480, "pro": 9000}[plan])
