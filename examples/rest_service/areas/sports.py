"""Games, teams and stadiums."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel

from examples.rest_service.database import Database, known, one

router = APIRouter()


class Host(BaseModel):
    """Where Summer Olympics were held."""

    year: int
    host: str
    country: str


class Team(BaseModel):
    """The players of a team on the field, and the minutes of a match."""

    sport: str
    players: int
    minutes: int


class Stadium(BaseModel):
    """A stadium and how many people it holds, about."""

    stadium: str
    city: str
    capacity: int


@router.get("/olympics/{year}")
async def olympic_host(
    year: Annotated[int, Path(description="Year.", json_schema_extra=known("olympics", "year"))], database: Database
) -> Host:
    """Get the host city of the Summer Olympics of a year."""
    return Host(**one(database, "SELECT * FROM olympics WHERE year = ?", year))


@router.get("/sports/{sport}/team")
async def team_size(
    sport: Annotated[str, Path(description="Team sport.", json_schema_extra=known("sport"))], database: Database
) -> Team:
    """Get how many players a team of a sport has."""
    return Team(**one(database, "SELECT name AS sport, players, minutes FROM sport WHERE name = ?", sport))


@router.get("/stadiums/{stadium}")
async def stadium_capacity(
    stadium: Annotated[str, Path(description="Name of the stadium.", json_schema_extra=known("stadium"))],
    database: Database,
) -> Stadium:
    """Get the capacity of a stadium."""
    return Stadium(**one(database, "SELECT name AS stadium, city, capacity FROM stadium WHERE name = ?", stadium))
