"""Weather that is felt, air, wind, rain, sun, emissions, litter and water."""

import math
from typing import Literal, TypedDict

CATEGORY = "Environment"

__all__ = [
    "air_quality_index",
    "beaufort_wind_force",
    "decomposition_time",
    "dew_point",
    "food_water_footprint",
    "heat_index",
    "rainwater_harvest",
    "solar_energy_output",
    "trip_carbon_footprint",
    "uv_protection_advice",
    "wind_chill",
]

# Typical emissions of one vehicle (car, motorcycle) or one passenger, in grams of CO2 per kilometer.
EMISSIONS = {"car": 170, "motorcycle": 110, "bus": 100, "train": 35, "plane": 200, "bicycle": 0}
SHARED = ("car", "motorcycle")

# The breakpoints of the US EPA for fine dust since May 2024: concentration, index, category.
DUST_STEPS = (
    (0.0, 9.0, 0, 50, "good"),
    (9.1, 35.4, 51, 100, "moderate"),
    (35.5, 55.4, 101, 150, "unhealthy for sensitive groups"),
    (55.5, 125.4, 151, 200, "unhealthy"),
    (125.5, 225.4, 201, 300, "very unhealthy"),
    (225.5, 325.4, 301, 500, "hazardous"),
)

# Beaufort's scale (World Meteorological Organization): the slowest wind of each force in km/h, and its name.
BEAUFORT = (
    (0, "calm"),
    (1, "light air"),
    (6, "light breeze"),
    (12, "gentle breeze"),
    (20, "moderate breeze"),
    (29, "fresh breeze"),
    (39, "strong breeze"),
    (50, "near gale"),
    (62, "gale"),
    (75, "strong gale"),
    (89, "storm"),
    (103, "violent storm"),
    (118, "hurricane force"),
)

# Estimated time in the sea (US National Park Service; Mote Marine Laboratory; NOAA Marine Debris Program).
DECOMPOSITION = {
    "paper towel": "2 to 4 weeks",
    "newspaper": "6 weeks",
    "apple core": "2 months",
    "cardboard box": "2 months",
    "waxed milk carton": "3 months",
    "cotton shirt": "2 to 5 months",
    "plywood": "1 to 3 years",
    "wool socks": "1 to 5 years",
    "cigarette butt": "1 to 5 years",
    "plastic bag": "10 to 20 years",
    "foam cup": "50 years",
    "tin can": "50 years",
    "aluminum can": "200 years",
    "six-pack ring": "400 years",
    "plastic bottle": "450 years",
    "disposable diaper": "450 years",
    "fishing line": "600 years",
    "glass bottle": "undetermined",
}

# Highest index, level and advice (World Health Organization, global solar UV index).
UV_LEVELS = (
    (2, "low", "no protection needed"),
    (5, "moderate", "seek shade at midday, wear a shirt, hat and sunscreen"),
    (7, "high", "seek shade at midday, wear a shirt, hat and sunscreen"),
    (10, "very high", "avoid being outside at midday; shirt, hat and sunscreen are a must"),
    (math.inf, "extreme", "avoid being outside at midday; shirt, hat and sunscreen are a must"),
)

# Liters of water for a kilogram, world averages (Water Footprint Network; Mekonnen and Hoekstra 2011 and 2012).
FOOD_WATER = {
    "apples": 822,
    "bananas": 790,
    "beef": 15415,
    "bread": 1608,
    "butter": 5553,
    "cabbage": 237,
    "chicken": 4325,
    "chocolate": 17196,
    "pasta": 1849,
    "pork": 5988,
    "potatoes": 287,
    "rice": 2497,
    "roasted coffee": 18900,
    "tomatoes": 214,
}


class AirQuality(TypedDict):
    """How clean the air is."""

    index: int
    category: str


class SolarYield(TypedDict):
    """What a solar plant yields."""

    daily_kwh: float
    yearly_kwh: float


class WindForce(TypedDict):
    """The force of a wind."""

    force: int
    name: str


class UvAdvice(TypedDict):
    """How strong the sun is, and what to do about it."""

    level: str
    advice: str


def trip_carbon_footprint(
    distance_km: float,
    transport: Literal["car", "motorcycle", "bus", "train", "plane", "bicycle"],
    passengers: int = 1,
) -> float:
    """Estimate the carbon dioxide that a trip causes for each person.

    Args:
        distance_km: Length of the trip in kilometers.
        transport: Means of transport.
        passengers: Number of people who share a car or motorcycle.

    Returns:
        Kilograms of CO2 for each person.

    Raises:
        ValueError: The distance is negative, or there are no passengers.

    >>> trip_carbon_footprint(300, "train")
    10.5
    >>> trip_carbon_footprint(300, "car", passengers=2)
    25.5
    """
    if distance_km < 0 or passengers < 1:
        raise ValueError("distance_km must not be negative and passengers must be at least 1")
    return round(distance_km * EMISSIONS[transport] / 1000 / (passengers if transport in SHARED else 1), 2)


def wind_chill(temperature_celsius: float, wind_speed_kmh: float) -> float:
    """Calculate how cold the wind makes a temperature feel.

    Args:
        temperature_celsius: Air temperature in degrees Celsius, at most 10.
        wind_speed_kmh: Wind speed in kilometers per hour, at least 5.

    Returns:
        The wind chill in degrees Celsius.

    Raises:
        ValueError: It is warmer than 10 degrees, or the wind is slower than 5 km/h.

    >>> wind_chill(-10, 30)
    -19.5
    """
    if temperature_celsius > 10 or wind_speed_kmh < 5:
        raise ValueError("wind chill is defined up to 10 degrees Celsius and from 5 km/h")
    power = math.pow(wind_speed_kmh, 0.16)
    return round(13.12 + 0.6215 * temperature_celsius - 11.37 * power + 0.3965 * temperature_celsius * power, 1)


def heat_index(temperature_fahrenheit: float, humidity_percent: float) -> float:
    """Calculate how hot the weather feels from temperature and humidity.

    Args:
        temperature_fahrenheit: Air temperature in degrees Fahrenheit, at least 80.
        humidity_percent: Relative humidity in percent, at least 40.

    Returns:
        The heat index in degrees Fahrenheit, by Rothfusz's regression.

    Raises:
        ValueError: The temperature is not 80 to 125 degrees, or the humidity not 40 to 100 percent.

    >>> heat_index(90, 70)
    105.9
    """
    if not 80 <= temperature_fahrenheit <= 125 or not 40 <= humidity_percent <= 100:
        raise ValueError("the heat index is defined from 80 to 125 degrees Fahrenheit and 40 to 100 percent")
    t, h = temperature_fahrenheit, humidity_percent
    linear = -42.379 + 2.04901523 * t + 10.14333127 * h - 0.22475541 * t * h
    square = -6.83783e-3 * t * t - 5.481717e-2 * h * h
    mixed = 1.22874e-3 * t * t * h + 8.5282e-4 * t * h * h - 1.99e-6 * t * t * h * h
    return round(linear + square + mixed, 1)


def air_quality_index(fine_dust_micrograms: float) -> AirQuality:
    """Find the US air quality index for a concentration of fine dust (PM2.5).

    Args:
        fine_dust_micrograms: Fine dust in micrograms per cubic meter, as an average over 24 hours.

    Returns:
        The index and its category.

    Raises:
        ValueError: The concentration is negative.

    >>> air_quality_index(9)
    {'index': 50, 'category': 'good'}
    >>> air_quality_index(40)
    {'index': 112, 'category': 'unhealthy for sensitive groups'}
    """
    if fine_dust_micrograms < 0:
        raise ValueError("fine_dust_micrograms must not be negative")
    dust = int(fine_dust_micrograms * 10 + 1e-6) / 10  # the EPA cuts to one place
    for low, high, first, last, category in DUST_STEPS:
        if dust <= high:
            return {"index": round(first + (last - first) * (dust - low) / (high - low)), "category": category}
    return {"index": 500, "category": "hazardous"}


def rainwater_harvest(roof_area_m2: float, rainfall_mm: float, efficiency_percent: float = 80.0) -> int:
    """Estimate how many liters of rainwater a roof can collect.

    Args:
        roof_area_m2: Area of the roof in square meters.
        rainfall_mm: Rainfall in millimeters.
        efficiency_percent: Share of the rain that reaches the tank, in percent.

    Returns:
        The water in liters, rounded.

    Raises:
        ValueError: A figure is negative, or the efficiency is above 100 percent.

    >>> rainwater_harvest(120, 50)
    4800
    """
    if roof_area_m2 < 0 or rainfall_mm < 0 or not 0 <= efficiency_percent <= 100:
        raise ValueError("figures must not be negative, and efficiency_percent must be at most 100")
    return round(roof_area_m2 * rainfall_mm * efficiency_percent / 100)


def solar_energy_output(panel_count: int, panel_watts: int, sun_hours: float, loss_percent: float = 20.0) -> SolarYield:
    """Estimate the energy that solar panels produce in a day and in a year.

    Args:
        panel_count: Number of panels.
        panel_watts: Peak power of one panel in watts.
        sun_hours: Hours of full sun on an average day.
        loss_percent: Losses in inverter, wires and dust, in percent.

    Returns:
        Kilowatt-hours in a day and in a year of 365 days.

    Raises:
        ValueError: A figure is not positive, a day has more than 24 hours, or the loss is not 0 to 100 percent.

    >>> solar_energy_output(10, 400, 5)
    {'daily_kwh': 16.0, 'yearly_kwh': 5840.0}
    """
    if panel_count < 1 or panel_watts < 1 or not 0 < sun_hours <= 24 or not 0 <= loss_percent < 100:
        raise ValueError("figures must be positive, sun_hours at most 24 and loss_percent below 100")
    daily = panel_count * panel_watts * sun_hours * (1 - loss_percent / 100) / 1000
    return {"daily_kwh": round(daily, 2), "yearly_kwh": round(daily * 365, 1)}


def dew_point(temperature_celsius: float, humidity_percent: float) -> float:
    """Calculate the dew point, the temperature at which the moisture in the air condenses.

    Args:
        temperature_celsius: Air temperature in degrees Celsius.
        humidity_percent: Relative humidity in percent.

    Returns:
        The dew point in degrees Celsius, by Magnus's formula.

    Raises:
        ValueError: The temperature is not -45 to 60 degrees, or the humidity not above 0 and at most 100 percent.

    >>> dew_point(25, 60)
    16.7
    """
    if not -45 <= temperature_celsius <= 60 or not 0 < humidity_percent <= 100:
        raise ValueError("the temperature must lie between -45 and 60, the humidity above 0 and at most 100")
    # The constants of Sonntag (1990), for vapor over water.
    load = math.log(humidity_percent / 100) + 17.62 * temperature_celsius / (243.12 + temperature_celsius)
    return round(243.12 * load / (17.62 - load), 1)


def beaufort_wind_force(wind_speed_kmh: float) -> WindForce:
    """Find the force of a wind on the Beaufort scale.

    Args:
        wind_speed_kmh: Wind speed in kilometers per hour.

    Returns:
        The force from 0 to 12 and its name.

    Raises:
        ValueError: The speed is negative.

    >>> beaufort_wind_force(45)
    {'force': 6, 'name': 'strong breeze'}
    """
    if wind_speed_kmh < 0:
        raise ValueError("wind_speed_kmh must not be negative")
    force = sum(round(wind_speed_kmh) >= slowest for slowest, _ in BEAUFORT) - 1
    return {"force": force, "name": BEAUFORT[force][1]}


def decomposition_time(item: str) -> str:
    """Look up how long a piece of litter takes to decompose in the sea.

    Args:
        item: What was thrown away, for example "plastic bag".

    Returns:
        The estimated time; undetermined where it is too long to tell.

    Raises:
        ValueError: The item is not in the table.

    >>> decomposition_time("aluminum can")
    '200 years'
    """
    time = DECOMPOSITION.get(item.strip().casefold())
    if time is None:
        raise ValueError(f"no time is known for {item!r}")
    return time


def uv_protection_advice(uv_index: int) -> UvAdvice:
    """Tell how strong the sun is at a UV index and how to protect the skin.

    Args:
        uv_index: The UV index of the weather report, 0 or more.

    Returns:
        The level, from low to extreme, and the advice.

    Raises:
        ValueError: The index is negative.

    >>> uv_protection_advice(6)["level"]
    'high'
    """
    if uv_index < 0:
        raise ValueError("uv_index must not be negative")
    level, advice = next((level, advice) for highest, level, advice in UV_LEVELS if uv_index <= highest)
    return {"level": level, "advice": advice}


def food_water_footprint(food: str, amount_kg: float = 1.0) -> int:
    """Look up how many liters of water it takes to produce an amount of food.

    Args:
        food: Kind of food, for example "beef".
        amount_kg: Amount in kilograms.

    Returns:
        The water in liters, as a world average.

    Raises:
        ValueError: The food is not in the table, or the amount is not positive.

    >>> food_water_footprint("rice", amount_kg=2)
    4994
    """
    liters = FOOD_WATER.get(food.strip().casefold())
    if liters is None:
        raise ValueError(f"no water footprint is known for {food!r}")
    if amount_kg <= 0:
        raise ValueError("amount_kg must be positive")
    return round(liters * amount_kg)
