"""Climate, air, rivers and trees."""

import math
from typing import Annotated, Literal, get_args

from fastapi import APIRouter, Depends, Header, Path, Query
from pydantic import BaseModel

from examples.rest_service.conduct import slowly
from examples.rest_service.database import Database, known, one

router = APIRouter()

City = Annotated[str, Path(description="City in English.", json_schema_extra=known("city"))]
Month = Literal[
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
]  # fmt: skip
MONTHS: tuple[str, ...] = get_args(Month)


class Climate(BaseModel):
    """Mean temperatures of the coldest and warmest month in degrees Celsius, rain in millimetres a year."""

    city: str
    coldest: float
    warmest: float
    rain: int


class Temperature(BaseModel):
    """A mean temperature."""

    city: str
    month: str
    temperature: float
    unit: str


class Air(BaseModel):
    """An index of air quality: up to 50 is good."""

    city: str
    index: int
    verdict: str


class River(BaseModel):
    """A river, with its length in kilometres."""

    river: str
    kilometres: int
    mouth: str


class Tree(BaseModel):
    """A tree: usual height in metres and age in years."""

    tree: str
    height_m: int
    years: int
    leaf: str


class Weather(BaseModel):
    """The days of rain and of frost in a year."""

    city: str
    year: int
    rainy_days: int
    frosty_days: int


@router.get("/climate/{city}")
async def city_climate(city: City, database: Database) -> Climate:
    """Get the climate of a city: how cold, how warm and how wet it is."""
    return Climate(**one(database, "SELECT name AS city, coldest, warmest, rain FROM city WHERE name = ?", city))


@router.get("/climate/{city}/{month}")
async def monthly_temperature(
    city: City,
    month: Annotated[Month, Path(description="Month in English.")],
    database: Database,
    unit: Annotated[
        Literal["celsius", "fahrenheit"], Header(alias="X-Unit", description="Unit of the answer.")
    ] = "celsius",
) -> Temperature:
    """Get the average temperature of a city in a month."""
    row = one(database, "SELECT coldest, warmest, warm_month FROM city WHERE name = ?", city)
    turn = math.cos(2 * math.pi * (MONTHS.index(month) + 1 - row["warm_month"]) / 12)
    celsius = (row["warmest"] + row["coldest"]) / 2 + (row["warmest"] - row["coldest"]) / 2 * turn
    value = celsius if unit == "celsius" else celsius * 9 / 5 + 32
    return Temperature(city=city, month=month, temperature=round(value, 1), unit=unit)


@router.get("/air/{city}")
async def air_quality(city: City, database: Database) -> Air:
    """Get the air quality of a city."""
    index = one(database, "SELECT air_quality FROM city WHERE name = ?", city)["air_quality"]
    return Air(city=city, index=index, verdict="good" if index <= 50 else "moderate" if index <= 100 else "poor")


@router.get("/rivers/{river}")
async def river_length(
    river: Annotated[str, Path(description="River in English.", json_schema_extra=known("river"))], database: Database
) -> River:
    """Get the length of a river and what it flows into."""
    return River(**one(database, "SELECT name AS river, kilometres, mouth FROM river WHERE name = ?", river))


@router.get("/trees/{tree}")
async def tree_height(
    tree: Annotated[str, Path(description="Kind of tree.", json_schema_extra=known("tree"))], database: Database
) -> Tree:
    """Get the height and age that a tree can reach."""
    return Tree(**one(database, "SELECT name AS tree, height_m, years, leaf FROM tree WHERE name = ?", tree))


@router.get("/weather-archive/{city}", dependencies=[Depends(slowly)])
async def weather_archive(
    city: City,
    year: Annotated[int, Query(ge=1950, le=2024, description="Year.", examples=[1962, 1987, 1999, 2013])],
    database: Database,
) -> Weather:
    """Get the rainy and frosty days of a city in a year out of the archive, which takes its time."""
    row = one(database, "SELECT coldest, rain FROM city WHERE name = ?", city)
    frost = max(0, round((5 - row["coldest"]) * 9) + year % 7)
    return Weather(city=city, year=year, rainy_days=row["rain"] // 6 + year % 11, frosty_days=frost)
