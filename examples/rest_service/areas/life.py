"""Health and home: food, vitamins, pharmacies, sport as exercise; recipes, plants, dogs."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel

from examples.rest_service.conduct import RateLimit
from examples.rest_service.database import Database, known, one, several

health, home = APIRouter(), APIRouter()

City = Annotated[str, Path(description="City in English.", json_schema_extra=known("city"))]
Sign = Literal["aries", "taurus", "gemini", "cancer", "leo", "virgo", "libra", "scorpio", "sagittarius", "pisces"]


class Nutrition(BaseModel):
    """What is in 100 g of a food: kilocalories, and grams of the rest."""

    food: str
    kcal: int
    protein: float
    fat: float
    carbohydrates: float


class Vitamin(BaseModel):
    """A vitamin and the foods that have much of it."""

    vitamin: str
    chemical: str
    sources: str


class Pharmacy(BaseModel):
    """A pharmacy and when it is open."""

    name: str
    opens: str
    closes: str


class Burned(BaseModel):
    """The energy that an activity takes."""

    activity: str
    kcal: int


class Recipe(BaseModel):
    """A recipe, with the minutes that it takes."""

    recipe: str
    minutes: int
    ingredients: str


class Plant(BaseModel):
    """How to keep a house plant: the days between two waterings, and the light."""

    plant: str
    water_days: int
    light: str


class Dog(BaseModel):
    """A breed of dog: usual weight, and the minutes that it wants to walk in a day."""

    breed: str
    kilograms: int
    walk_minutes: int


class Thing(BaseModel):
    """Something that was found."""

    thing: str
    street: str


class Horoscope(BaseModel):
    """What the stars say."""

    sign: str
    words: str


@health.get("/foods/{food}")
async def food_calories(
    food: Annotated[str, Path(description="Food.", json_schema_extra=known("food"))], database: Database
) -> Nutrition:
    """Get the calories and nutrients in 100 g of a food."""
    query = "SELECT name AS food, kcal, protein, fat, carbohydrates FROM food WHERE name = ?"
    return Nutrition(**one(database, query, food))


@health.get("/vitamins/{vitamin}")
async def vitamin_sources(
    vitamin: Annotated[str, Path(description="Letter of the vitamin.", json_schema_extra=known("vitamin"))],
    database: Database,
) -> Vitamin:
    """Get the foods that are good sources of a vitamin."""
    return Vitamin(**one(database, "SELECT name AS vitamin, chemical, sources FROM vitamin WHERE name = ?", vitamin))


@health.get("/pharmacies/{city}", dependencies=[Depends(RateLimit(3, seconds=1))])
async def pharmacy_search(city: City, database: Database) -> list[Pharmacy]:
    """Search the pharmacies of a city; three requests a second."""
    return [Pharmacy(**row) for row in several(database, "SELECT * FROM pharmacy WHERE city = ?", city)]


@health.get("/activities/{activity}")
async def exercise_calories(
    activity: Annotated[str, Path(description="Activity.", json_schema_extra=known("activity"))],
    minutes: Annotated[int, Query(ge=5, le=300, description="How long.", examples=[20, 30, 45, 60, 90])],
    weight_kg: Annotated[float, Query(ge=30, le=200, description="Weight of the person.", examples=[58, 64, 72, 85])],
    database: Database,
) -> Burned:
    """Get the calories that a person burns in an activity."""
    met = one(database, "SELECT met FROM activity WHERE name = ?", activity)["met"]
    return Burned(activity=activity, kcal=round(met * weight_kg * minutes / 60))


@home.get("/recipes/{recipe}")
async def recipe_ingredients(
    recipe: Annotated[str, Path(description="Name of the recipe.", json_schema_extra=known("recipe"))],
    database: Database,
) -> Recipe:
    """Get the ingredients of a recipe."""
    return Recipe(**one(database, "SELECT name AS recipe, minutes, ingredients FROM recipe WHERE name = ?", recipe))


@home.get("/recipes")
async def recipe_search(
    ingredient: Annotated[
        str, Query(description="What is to be in it.", json_schema_extra={"enum": ["butter", "eggs", "milk", "onion"]})
    ],
    database: Database,
    max_minutes: Annotated[int | None, Query(ge=5, description="Minutes at most.", examples=[30, 45])] = None,
) -> list[Recipe]:
    """Search recipes that use an ingredient."""
    query = (
        "SELECT name AS recipe, minutes, ingredients FROM recipe "
        "WHERE instr(ingredients, ?1) > 0 AND (?2 IS NULL OR minutes <= ?2) ORDER BY minutes"
    )
    return [Recipe(**row) for row in several(database, query, ingredient, max_minutes)]


@home.get("/plants/{plant}")
async def plant_care(
    plant: Annotated[str, Path(description="House plant.", json_schema_extra=known("plant"))], database: Database
) -> Plant:
    """Get the care that a house plant needs: water and light."""
    return Plant(**one(database, "SELECT name AS plant, water_days, light FROM plant WHERE name = ?", plant))


@home.get("/dogs/{breed}")
async def dog_weight(
    breed: Annotated[str, Path(description="Breed of dog.", json_schema_extra=known("dog_breed"))], database: Database
) -> Dog:
    """Get the weight of a dog of a breed, and how long it wants to walk."""
    return Dog(**one(database, "SELECT name AS breed, kilograms, walk_minutes FROM dog_breed WHERE name = ?", breed))


@home.get("/lost-property/{city}", response_model=list[Thing])
async def lost_property(city: City) -> Response:
    """Get what was found in the streets of a city."""
    return Response(media_type="application/json")  # the office has never filled it in: nothing, not even a list


@home.get("/horoscopes/{sign}")
async def daily_horoscope(
    sign: Annotated[Sign, Path(description="Sign of the zodiac.")], database: Database
) -> Horoscope:
    """Get the horoscope of the day for a sign."""
    # The mistake: this table was never made, so that every request ends with 500.
    return Horoscope(**one(database, "SELECT sign, words FROM horoscope WHERE sign = ?", sign))
