"""Films and museums; composers, instruments and concerts."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from examples.rest_service.conduct import Paged
from examples.rest_service.database import Database, known, one, several

films, music = APIRouter(), APIRouter()


class Movie(BaseModel):
    """A movie, with its length in minutes."""

    title: str
    director: str
    year: int
    minutes: int
    genre: str


class Ticket(BaseModel):
    """What a ticket of a museum costs, in euros."""

    museum: str
    city: str
    price: float


class Composer(BaseModel):
    """A composer and one of his works."""

    composer: str
    born: int
    died: int
    country: str
    work: str


class Instrument(BaseModel):
    """A musical instrument."""

    instrument: str
    family: str
    clef: str


class Concert(BaseModel):
    """A concert."""

    programme: str
    hall: str


class Concerts(BaseModel):
    """A page of concerts."""

    items: list[Concert]
    total: int
    next_page: int | None


@films.get("/movies/{title}")
async def movie_director(
    title: Annotated[str, Path(description="Title of the movie.", json_schema_extra=known("movie", "title"))],
    database: Database,
) -> Movie:
    """Get the director of a movie, its year and its length."""
    return Movie(**one(database, "SELECT * FROM movie WHERE title = ?", title))


@films.get("/movies")
async def movie_search(
    genre: Annotated[str, Query(description="Genre.", json_schema_extra=known("movie", "genre"))],
    database: Database,
    before: Annotated[int | None, Query(ge=1920, description="Only movies before this year.", examples=[1970])] = None,
) -> list[Movie]:
    """Search movies of a genre."""
    query = "SELECT * FROM movie WHERE genre = ?1 AND (?2 IS NULL OR year < ?2) ORDER BY year"
    return [Movie(**row) for row in several(database, query, genre, before)]


@films.get("/museums/{museum}/ticket")
async def museum_ticket_price(
    museum: Annotated[str, Path(description="Name of the museum.", json_schema_extra=known("museum"))],
    database: Database,
) -> Ticket:
    """Get the price of a ticket for a museum."""
    query = "SELECT name AS museum, city, ticket_cents / 100.0 AS price FROM museum WHERE name = ?"
    return Ticket(**one(database, query, museum))


@music.get("/composers/{composer}")
async def composer_birth_year(
    composer: Annotated[str, Path(description="Last name of the composer.", json_schema_extra=known("composer"))],
    database: Database,
) -> Composer:
    """Get the year in which a composer was born, and other facts of his life."""
    query = "SELECT name AS composer, born, died, country, work FROM composer WHERE name = ?"
    return Composer(**one(database, query, composer))


@music.get("/instruments/{instrument}")
async def instrument_family(
    instrument: Annotated[str, Path(description="Musical instrument.", json_schema_extra=known("instrument"))],
    database: Database,
) -> Instrument:
    """Get the family that a musical instrument belongs to."""
    query = "SELECT name AS instrument, family, clef FROM instrument WHERE name = ?"
    return Instrument(**one(database, query, instrument))


@music.get("/concerts/{city}")
async def concert_search(
    city: Annotated[str, Path(description="City in English.", json_schema_extra=known("city"))],
    month: Annotated[str, Query(description="Month in English.", json_schema_extra=known("concert", "month"))],
    page: Paged,
    database: Database,
) -> Concerts:
    """Search the concerts of a city in a month, page by page."""
    query = "SELECT programme, hall FROM concert WHERE city = ? AND month = ? ORDER BY programme"
    return Concerts(**page.of(several(database, query, city, month)))
