"""Countries, airports, hotels and trains."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from examples.rest_service.conduct import Paged
from examples.rest_service.database import Database, known, one, several

router = APIRouter()

Country = Annotated[str, Path(description="Country in English.", json_schema_extra=known("country"))]
City = Annotated[str, Query(description="City in English.", json_schema_extra=known("city"))]
_TRAIN_HOURS = (7, 9, 12, 15, 18)


class Capital(BaseModel):
    """A country's capital."""

    country: str
    capital: str


class CallingCode(BaseModel):
    """A country's calling code."""

    country: str
    calling_code: str


class Money(BaseModel):
    """What a country pays with."""

    country: str
    currency: str


class Side(BaseModel):
    """On which side of the road a country drives."""

    country: str
    side: str


class Airport(BaseModel):
    """An airport."""

    code: str
    name: str
    city: str
    country: str


class Hotel(BaseModel):
    """A hotel and its price for a night."""

    name: str
    stars: int
    price: float


class Hotels(BaseModel):
    """A page of hotels."""

    items: list[Hotel]
    total: int
    next_page: int | None


class Train(BaseModel):
    """A train of a timetable."""

    departure: str
    arrival: str
    changes: int


@router.get("/countries/{country}/capital")
async def country_capital(country: Country, database: Database) -> Capital:
    """Get the capital of a country."""
    return Capital(**one(database, "SELECT name AS country, capital FROM country WHERE name = ?", country))


@router.get("/countries/{country}/calling-code")
async def calling_code(country: Country, database: Database) -> CallingCode:
    """Get the international calling code of a country."""
    return CallingCode(**one(database, "SELECT name AS country, calling_code FROM country WHERE name = ?", country))


@router.get("/countries/{country}/driving-side")
async def driving_side(country: Country, database: Database) -> Side:
    """Get the side of the road that people drive on in a country."""
    return Side(**one(database, "SELECT name AS country, side FROM country WHERE name = ?", country))


@router.get("/countries/{country}/currency", response_model=Money)
async def country_currency(country: Country) -> RedirectResponse:
    """Get the currency of a country."""
    return RedirectResponse(f"/money/{country}")  # where the operation moved to


@router.get("/money/{country}", include_in_schema=False)
async def money(country: Country, database: Database) -> Money:
    """The currency of a country, at its new place."""
    return Money(**one(database, "SELECT name AS country, currency FROM country WHERE name = ?", country))


@router.get("/airports/{code}")
async def airport_details(
    code: Annotated[str, Path(description="IATA code of the airport.", json_schema_extra=known("airport", "code"))],
    database: Database,
) -> Airport:
    """Get the details of an airport by its code."""
    return Airport(**one(database, "SELECT * FROM airport WHERE code = ?", code))


@router.get("/hotels")
async def hotel_search(
    city: City,
    page: Paged,
    database: Database,
    stars: Annotated[int | None, Query(ge=1, le=5, description="Only hotels with so many stars.")] = None,
) -> Hotels:
    """Search hotels in a city, page by page."""
    one(database, "SELECT name FROM city WHERE name = ?", city)
    hotels = several(
        database,
        "SELECT 'Hotel ' || product.name AS name, 1 + length(product.name) % 5 AS stars, "
        "50.0 + product.cents / 200 AS price FROM product, city WHERE city.name = ? AND length(product.name) % 5 < 4",
        city,
    )
    return Hotels(**page.of([hotel for hotel in hotels if stars in (None, hotel["stars"])]))


@router.get("/trains")
async def train_timetable(
    origin: City,
    destination: City,
    database: Database,
    earliest: Annotated[int, Query(ge=0, le=23, description="Hour of the day after which to leave.")] = 0,
) -> list[Train]:
    """Get the trains of a day from one city to another."""
    for city in (origin, destination):
        one(database, "SELECT name FROM city WHERE name = ?", city)
    hours = 2 + (len(origin) * 5 + len(destination) * 3) % 9
    return [
        Train(departure=f"{hour:02d}:15", arrival=f"{(hour + hours) % 24:02d}:40", changes=hours // 4)
        for hour in _TRAIN_HOURS
        if hour >= earliest
    ]
