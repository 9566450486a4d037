"""Kitchen, home, pets, sizes and birthdays."""

import math
from datetime import date
from typing import Literal, TypedDict

CATEGORY = "Lifestyle"

__all__ = [
    "age_on_date",
    "convert_shoe_size",
    "cooking_measure_to_grams",
    "paint_needed",
    "pet_age_in_human_years",
    "pizza_dough_recipe",
    "ring_size",
    "roasting_time",
    "safe_cooking_temperature",
    "scale_recipe_ingredient",
]

# Minutes for each kilogram and minutes on top, and the temperature of the oven in degrees Celsius.
ROASTING = {
    ("chicken", "well done"): (45, 20, 180),
    ("turkey", "well done"): (40, 20, 180),
    ("pork", "well done"): (60, 30, 180),
    ("beef", "rare"): (40, 20, 180),
    ("beef", "medium"): (50, 25, 180),
    ("beef", "well done"): (60, 30, 180),
    ("lamb", "rare"): (40, 20, 180),
    ("lamb", "medium"): (50, 25, 180),
    ("lamb", "well done"): (60, 30, 180),
}
# What to add to a size to reach the US men's size.
SHOE_OFFSET = {"us men": 0.0, "us women": -1.5, "uk": 1.0}

# Grams in a US cup (King Arthur Baking, ingredient weight chart).
CUP_GRAMS = {
    "all-purpose flour": 120,
    "almond flour": 96,
    "brown sugar": 213,
    "butter": 226,
    "chocolate chips": 170,
    "cocoa powder": 84,
    "cornstarch": 112,
    "granulated sugar": 198,
    "honey": 336,
    "maple syrup": 312,
    "milk": 227,
    "powdered sugar": 113,
    "raisins": 149,
    "vegetable oil": 198,
    "white rice": 198,
    "whole wheat flour": 113,
}
PER_CUP = {"cups": 1, "tablespoons": 16, "teaspoons": 48}

# Lowest safe temperature inside in degrees Fahrenheit, and minutes of rest (US Department of Agriculture, FSIS).
SAFE_TEMPERATURES = {
    "chicken": (165, 0),
    "turkey": (165, 0),
    "ground beef": (160, 0),
    "steak": (145, 3),
    "pork chops": (145, 3),
    "lamb": (145, 3),
    "fish": (145, 0),
    "egg dishes": (160, 0),
    "leftovers": (165, 0),
}


class Roast(TypedDict):
    """How to roast a piece of meat."""

    minutes: int
    oven_celsius: int


class PaintEstimate(TypedDict):
    """How much paint a room takes."""

    wall_area_m2: float
    liters: float


class Age(TypedDict):
    """An age in whole years, months and days."""

    years: int
    months: int
    days: int


class SafeTemperature(TypedDict):
    """How hot food has to become."""

    temperature: int
    rest_minutes: int


class RingSize(TypedDict):
    """The size of a ring."""

    us_size: float
    european_size: int
    diameter_mm: float


class Dough(TypedDict):
    """What goes into a dough, in grams."""

    flour: int
    water: int
    salt: float
    dry_yeast: float


def scale_recipe_ingredient(ingredient_amount: float, original_servings: int, desired_servings: int) -> float:
    """Scale the amount of an ingredient to a different number of servings.

    Args:
        ingredient_amount: Amount in the recipe, in any unit.
        original_servings: Servings that the recipe makes.
        desired_servings: Servings that are wanted.

    Returns:
        The new amount, in the same unit.

    Raises:
        ValueError: The amount is negative, or a number of servings is not positive.

    >>> scale_recipe_ingredient(250, 4, 6)
    375.0
    """
    if ingredient_amount < 0 or original_servings < 1 or desired_servings < 1:
        raise ValueError("the amount must not be negative, and servings must be positive")
    return round(ingredient_amount * desired_servings / original_servings, 3)


def roasting_time(
    meat: Literal["chicken", "turkey", "pork", "beef", "lamb"],
    weight_kg: float,
    doneness: Literal["rare", "medium", "well done"] = "well done",
) -> Roast:
    """Estimate how long to roast a piece of meat in the oven.

    Args:
        meat: Kind of meat.
        weight_kg: Weight in kilograms.
        doneness: How well done it is to be; poultry and pork are always well done.

    Returns:
        The time in minutes and the temperature of the oven.

    Raises:
        ValueError: The weight is not positive.

    >>> roasting_time("chicken", 2)
    {'minutes': 110, 'oven_celsius': 180}
    >>> roasting_time("beef", 1.5, doneness="rare")["minutes"]
    80
    """
    if weight_kg <= 0:
        raise ValueError("weight_kg must be positive")
    per_kilogram, extra, celsius = ROASTING.get((meat, doneness), ROASTING[meat, "well done"])
    return {"minutes": round(weight_kg * per_kilogram + extra), "oven_celsius": celsius}


def paint_needed(
    room_length_m: float, room_width_m: float, wall_height_m: float = 2.5, coats: int = 2, windows_and_doors: int = 2
) -> PaintEstimate:
    """Estimate how many liters of paint the walls of a room need.

    Args:
        room_length_m: Length of the room in meters.
        room_width_m: Width of the room in meters.
        wall_height_m: Height of the walls in meters.
        coats: How many times the walls are painted.
        windows_and_doors: Number of windows and doors, each taken as 1.7 square meters.

    Returns:
        The area of the walls and the paint, at ten square meters for each liter.

    Raises:
        ValueError: A dimension is not positive, there is no coat, or no wall is left.

    >>> paint_needed(5, 4)
    {'wall_area_m2': 41.6, 'liters': 8.4}
    """
    if min(room_length_m, room_width_m, wall_height_m) <= 0 or coats < 1 or windows_and_doors < 0:
        raise ValueError("dimensions and coats must be positive")
    area = 2 * (room_length_m + room_width_m) * wall_height_m - 1.7 * windows_and_doors
    if area <= 0:
        raise ValueError("there are more windows and doors than wall")
    return {"wall_area_m2": round(area, 2), "liters": math.ceil(round(area * coats, 6)) / 10}


def pet_age_in_human_years(pet: Literal["cat", "small dog", "medium dog", "large dog"], pet_age_years: float) -> int:
    """Convert the age of a cat or dog to human years.

    Args:
        pet: Kind and size of the pet.
        pet_age_years: Age of the pet in years.

    Returns:
        The age in human years: 15 for the first year, 9 for the second, then 4 to 7 for each, by kind and size.

    Raises:
        ValueError: The age is not between 0 and 40 years.

    >>> pet_age_in_human_years("cat", 5)
    36
    >>> pet_age_in_human_years("large dog", 6)
    52
    """
    if not 0 <= pet_age_years <= 40:
        raise ValueError("pet_age_years must lie between 0 and 40")
    later = {"cat": 4, "small dog": 4, "medium dog": 5, "large dog": 7}[pet]
    first, second, rest = min(pet_age_years, 1), min(max(pet_age_years - 1, 0), 1), max(pet_age_years - 2, 0)
    return round(15 * first + 9 * second + later * rest)


def age_on_date(birth_date: str, on_date: str) -> Age:
    """Calculate how old a person is on a given date.

    Args:
        birth_date: Date of birth as YYYY-MM-DD.
        on_date: Date at which the age is wanted, as YYYY-MM-DD.

    Returns:
        The age in whole years, months and days.

    Raises:
        ValueError: A text is not a date, or the date lies before the birth.

    >>> age_on_date("1990-06-15", "2024-06-14")
    {'years': 33, 'months': 11, 'days': 30}
    """
    born, day = date.fromisoformat(birth_date), date.fromisoformat(on_date)
    if day < born:
        raise ValueError("on_date lies before birth_date")
    months = (day.year - born.year) * 12 + day.month - born.month - (day.day < born.day)
    year, month = divmod(born.year * 12 + born.month - 1 + months, 12)
    # The last month's day: the 31st becomes the last day of a shorter month.
    anchor_day = born.day
    while True:
        try:
            anchor = date(year, month + 1, anchor_day)
            break
        except ValueError:
            anchor_day -= 1
    return {"years": months // 12, "months": months % 12, "days": (day - anchor).days}


def convert_shoe_size(
    size: float,
    from_system: Literal["us men", "us women", "uk", "eu"],
    to_system: Literal["us men", "us women", "uk", "eu"],
) -> float:
    """Convert an adult shoe size between US, UK and European sizes.

    Args:
        size: Shoe size to convert.
        from_system: System of the size.
        to_system: System to convert to.

    Returns:
        The closest half size in the other system.

    Raises:
        ValueError: The size is not one of an adult.

    >>> convert_shoe_size(9, "us men", "eu")
    42.5
    >>> convert_shoe_size(7.5, "us women", "uk")
    5.0
    """
    us_men = (size - 31) / 1.27 if from_system == "eu" else size + SHOE_OFFSET[from_system]
    if not 3 <= us_men <= 18:
        raise ValueError(f"{size} is not an adult shoe size in the system {from_system!r}")
    target = us_men * 1.27 + 31 if to_system == "eu" else us_men - SHOE_OFFSET[to_system]
    return round(target * 2) / 2


def cooking_measure_to_grams(
    ingredient: str, quantity: float, measure: Literal["cups", "tablespoons", "teaspoons"] = "cups"
) -> int:
    """Convert cups, tablespoons or teaspoons of a baking ingredient to grams.

    Args:
        ingredient: Name of the ingredient, for example "all-purpose flour" or "honey".
        quantity: How many cups or spoons.
        measure: US cups, tablespoons or teaspoons.

    Returns:
        The weight in grams, rounded.

    Raises:
        ValueError: The ingredient is not in the table, or the quantity is not positive.

    >>> cooking_measure_to_grams("all-purpose flour", 2.5)
    300
    >>> cooking_measure_to_grams("honey", 3, measure="tablespoons")
    63
    """
    grams = CUP_GRAMS.get(ingredient.strip().casefold())
    if grams is None:
        raise ValueError(f"no weight is known for {ingredient!r}")
    if quantity <= 0:
        raise ValueError("quantity must be positive")
    return round(grams * quantity / PER_CUP[measure])


def safe_cooking_temperature(
    food: Literal["chicken", "turkey", "ground beef", "steak", "pork chops", "lamb", "fish", "egg dishes", "leftovers"],
    scale: Literal["fahrenheit", "celsius"] = "fahrenheit",
) -> SafeTemperature:
    """Look up how hot food must become inside to be safe to eat.

    Args:
        food: Kind of food.
        scale: Scale of the temperature.

    Returns:
        The lowest safe temperature inside, and for how many minutes the food has to rest after it.

    >>> safe_cooking_temperature("chicken")
    {'temperature': 165, 'rest_minutes': 0}
    >>> safe_cooking_temperature("steak", scale="celsius")
    {'temperature': 63, 'rest_minutes': 3}
    """
    fahrenheit, rest = SAFE_TEMPERATURES[food]
    degrees = fahrenheit if scale == "fahrenheit" else round((fahrenheit - 32) * 5 / 9)
    return {"temperature": degrees, "rest_minutes": rest}


def ring_size(finger_circumference_mm: float) -> RingSize:
    """Find the ring size that fits a finger.

    Args:
        finger_circumference_mm: Distance around the finger in millimeters.

    Returns:
        The US size to the nearest half, the European size (the circumference) and the inner diameter.

    Raises:
        ValueError: The circumference is not between 40 and 80 millimeters.

    >>> ring_size(54.4)
    {'us_size': 7.0, 'european_size': 54, 'diameter_mm': 17.3}
    """
    if not 40 <= finger_circumference_mm <= 80:
        raise ValueError("finger_circumference_mm must lie between 40 and 80")
    diameter = finger_circumference_mm / math.pi
    # A US size more is 0.032 inches of diameter, and size 0 is 11.63 millimeters wide.
    return {
        "us_size": round((diameter - 11.63) / 0.8128 * 2) / 2,
        "european_size": round(finger_circumference_mm),
        "diameter_mm": round(diameter, 1),
    }


def pizza_dough_recipe(pizza_count: int, grams_per_pizza: int = 250, hydration_percent: float = 62.0) -> Dough:
    """Work out the ingredients of pizza dough by the baker's percentage.

    Args:
        pizza_count: Number of pizzas.
        grams_per_pizza: Weight of the dough for each pizza in grams.
        hydration_percent: Water in percent of the flour.

    Returns:
        Grams of flour, water, salt (2.5 percent of the flour) and dry yeast (0.3 percent).

    Raises:
        ValueError: A number is not positive, or the hydration is not between 40 and 100 percent.

    >>> pizza_dough_recipe(4)
    {'flour': 607, 'water': 376, 'salt': 15.2, 'dry_yeast': 1.8}
    """
    if pizza_count < 1 or grams_per_pizza < 1 or not 40 <= hydration_percent <= 100:
        raise ValueError("the numbers must be positive, and hydration_percent must lie between 40 and 100")
    flour = pizza_count * grams_per_pizza / (1 + hydration_percent / 100 + 0.025 + 0.003)
    return {
        "flour": round(flour),
        "water": round(flour * hydration_percent / 100),
        "salt": round(flour * 0.025, 1),
        "dry_yeast": round(flour * 0.003, 1),
    }
