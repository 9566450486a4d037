"""Elements, planets and minerals."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from examples.rest_service.database import Database, known, one

router = APIRouter()

Element = Annotated[str, Path(description="Chemical element in English.", json_schema_extra=known("element"))]
Planet = Annotated[str, Path(description="Planet in English.", json_schema_extra=known("planet"))]


class Weight(BaseModel):
    """A chemical element."""

    element: str
    symbol: str
    number: int
    weight: float


class MeltingPoint(BaseModel):
    """Where an element melts, in degrees Celsius."""

    element: str
    celsius: float


class Sphere(BaseModel):
    """A planet: radius in kilometres, year in days, gravity in metres per second squared."""

    planet: str
    radius_km: int
    year_days: float
    gravity: float


class Weighed(BaseModel):
    """What a scale of the Earth would show on a planet."""

    planet: str
    kilograms: float


class Hardness(BaseModel):
    """The hardness of a mineral on the scale of Mohs."""

    mineral: str
    mohs: float


@router.get("/elements/{element}")
async def atomic_weight(element: Element, database: Database) -> Weight:
    """Get the atomic weight of a chemical element, its symbol and its number."""
    return Weight(
        **one(database, "SELECT name AS element, symbol, number, weight FROM element WHERE name = ?", element)
    )


@router.get("/elements/{element}/melting-point")
async def melting_point(element: Element, database: Database) -> MeltingPoint:
    """Get the melting point of a chemical element."""
    query = "SELECT name AS element, melting_celsius AS celsius FROM element WHERE name = ?"
    return MeltingPoint(**one(database, query, element))


@router.get("/planets/{planet}")
async def planet_radius(planet: Planet, database: Database) -> Sphere:
    """Get the radius of a planet, its year and its gravity."""
    query = "SELECT name AS planet, radius_km, year_days, gravity FROM planet WHERE name = ?"
    return Sphere(**one(database, query, planet))


@router.get("/planets/{planet}/weight")
async def planet_weight(
    planet: Planet,
    mass_kg: Annotated[float, Query(gt=0, le=1000, description="Mass.", examples=[45, 60, 75, 82])],
    database: Database,
) -> Weighed:
    """Get the weight that something has on a planet."""
    gravity = one(database, "SELECT gravity FROM planet WHERE name = ?", planet)["gravity"]
    return Weighed(planet=planet, kilograms=round(mass_kg * gravity / 9.81, 1))


@router.get("/minerals/{mineral}")
async def mineral_hardness(
    mineral: Annotated[str, Path(description="Mineral.", json_schema_extra=known("mineral"))], database: Database
) -> Hardness:
    """Get the hardness of a mineral."""
    return Hardness(**one(database, "SELECT name AS mineral, mohs FROM mineral WHERE name = ?", mineral))
