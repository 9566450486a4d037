"""Distances, time zones and costs of a journey."""

import math
from datetime import time
from typing import Literal, TypedDict

CATEGORY = "Travel"

__all__ = [
    "city_time_difference",
    "flight_distance",
    "local_arrival_time",
    "road_trip_fuel_cost",
    "trip_daily_budget",
]

# City: latitude and longitude in degrees, standard time in hours from UTC.
CITIES: dict[str, tuple[float, float, float]] = {
    "amsterdam": (52.37, 4.90, 1),
    "athens": (37.98, 23.73, 2),
    "auckland": (-36.85, 174.76, 12),
    "bangkok": (13.76, 100.50, 7),
    "barcelona": (41.39, 2.17, 1),
    "beijing": (39.90, 116.41, 8),
    "berlin": (52.52, 13.41, 1),
    "boston": (42.36, -71.06, -5),
    "buenos aires": (-34.60, -58.38, -3),
    "cairo": (30.04, 31.24, 2),
    "cape town": (-33.92, 18.42, 2),
    "chicago": (41.88, -87.63, -6),
    "copenhagen": (55.68, 12.57, 1),
    "delhi": (28.61, 77.21, 5.5),
    "denver": (39.74, -104.99, -7),
    "dubai": (25.20, 55.27, 4),
    "dublin": (53.35, -6.26, 0),
    "hong kong": (22.32, 114.17, 8),
    "honolulu": (21.31, -157.86, -10),
    "istanbul": (41.01, 28.98, 3),
    "johannesburg": (-26.20, 28.05, 2),
    "lima": (-12.05, -77.04, -5),
    "lisbon": (38.72, -9.14, 0),
    "london": (51.51, -0.13, 0),
    "los angeles": (34.05, -118.24, -8),
    "madrid": (40.42, -3.70, 1),
    "mexico city": (19.43, -99.13, -6),
    "miami": (25.76, -80.19, -5),
    "mumbai": (19.08, 72.88, 5.5),
    "nairobi": (-1.29, 36.82, 3),
    "new york": (40.71, -74.01, -5),
    "oslo": (59.91, 10.75, 1),
    "paris": (48.86, 2.35, 1),
    "prague": (50.08, 14.44, 1),
    "rome": (41.90, 12.50, 1),
    "san francisco": (37.77, -122.42, -8),
    "sao paulo": (-23.55, -46.63, -3),
    "seattle": (47.61, -122.33, -8),
    "seoul": (37.57, 126.98, 9),
    "singapore": (1.35, 103.82, 8),
    "stockholm": (59.33, 18.07, 1),
    "sydney": (-33.87, 151.21, 10),
    "tokyo": (35.68, 139.69, 9),
    "toronto": (43.65, -79.38, -5),
    "vancouver": (49.28, -123.12, -8),
    "vienna": (48.21, 16.37, 1),
    "zurich": (47.37, 8.54, 1),
}

EARTH_RADIUS = {"kilometers": 6371.0, "miles": 3958.8, "nautical miles": 3440.1}


class Arrival(TypedDict):
    """When a flight lands, on the clocks of its destination."""

    arrival_time: str
    days_later: int


class FuelCost(TypedDict):
    """What a drive costs."""

    liters: float
    total_cost: float
    cost_per_passenger: float


class DailyBudget(TypedDict):
    """What may be spent on a journey."""

    reserve: float
    per_day: float
    per_person_per_day: float


def _city(name: str) -> tuple[float, float, float]:
    """The facts about a city, found by its name in any case."""
    found = CITIES.get(" ".join(name.casefold().split()))
    if found is None:
        raise ValueError(f"unknown city {name!r}")
    return found


def flight_distance(
    origin: str, destination: str, unit: Literal["kilometers", "miles", "nautical miles"] = "kilometers"
) -> int:
    """Calculate the distance by air between two large cities.

    Args:
        origin: City of departure, for example "London".
        destination: City of arrival.
        unit: Unit of the distance.

    Returns:
        The length of the great circle between the two cities, rounded.

    Raises:
        ValueError: A city is not known.

    >>> flight_distance("London", "New York")
    5570
    >>> flight_distance("Paris", "Rome", unit="miles")
    687
    """
    latitude_1, longitude_1, _ = _city(origin)
    latitude_2, longitude_2, _ = _city(destination)
    phi_1, phi_2 = math.radians(latitude_1), math.radians(latitude_2)
    half_chord = (
        math.sin((phi_2 - phi_1) / 2) ** 2
        + math.cos(phi_1) * math.cos(phi_2) * math.sin(math.radians(longitude_2 - longitude_1) / 2) ** 2
    )
    return round(2 * EARTH_RADIUS[unit] * math.asin(math.sqrt(half_chord)))


def city_time_difference(from_city: str, to_city: str) -> float:
    """Tell how many hours the clocks of one city are ahead of those of another.

    Args:
        from_city: City to compare from.
        to_city: City to compare with.

    Returns:
        Hours that the second city is ahead, negative where it is behind; both on standard time.

    Raises:
        ValueError: A city is not known.

    >>> city_time_difference("New York", "Tokyo")
    14
    >>> city_time_difference("Delhi", "London")
    -5.5
    """
    return _city(to_city)[2] - _city(from_city)[2]


def local_arrival_time(departure_time: str, origin: str, destination: str, flight_hours: float) -> Arrival:
    """Work out the local time at which a flight arrives.

    Args:
        departure_time: Local time of departure as HH:MM on a 24-hour clock.
        origin: City of departure.
        destination: City of arrival.
        flight_hours: Hours in the air.

    Returns:
        The local time of arrival, and how many days after the departure it falls; both cities on standard time.

    Raises:
        ValueError: A city is not known, the time is not HH:MM, or the flight lasts less than 0 or more than 48 hours.

    >>> local_arrival_time("18:30", "New York", "London", 7)
    {'arrival_time': '06:30', 'days_later': 1}
    """
    if not 0 < flight_hours <= 48:
        raise ValueError("flight_hours must lie between 0 and 48")
    start = time.fromisoformat(departure_time)
    hours = flight_hours + city_time_difference(origin, destination)
    days_later, minutes = divmod(start.hour * 60 + start.minute + round(hours * 60), 1440)
    return {"arrival_time": f"{minutes // 60:02d}:{minutes % 60:02d}", "days_later": days_later}


def road_trip_fuel_cost(
    distance_km: float, liters_per_100_km: float, price_per_liter: float, passengers: int = 1
) -> FuelCost:
    """Estimate the fuel and its cost for a trip by car.

    Args:
        distance_km: Length of the trip in kilometers.
        liters_per_100_km: Fuel that the car uses for 100 kilometers, in liters.
        price_per_liter: Price of one liter of fuel.
        passengers: Number of people who share the cost.

    Returns:
        The liters needed, the total cost and the cost for each passenger.

    Raises:
        ValueError: A figure is not positive.

    >>> road_trip_fuel_cost(500, 6, 1.8, passengers=3)
    {'liters': 30.0, 'total_cost': 54.0, 'cost_per_passenger': 18.0}
    """
    if min(distance_km, liters_per_100_km, price_per_liter) <= 0 or passengers < 1:
        raise ValueError("all figures must be positive, with at least one passenger")
    liters = distance_km * liters_per_100_km / 100
    cost = liters * price_per_liter
    return {
        "liters": round(liters, 2),
        "total_cost": round(cost, 2),
        "cost_per_passenger": round(cost / passengers, 2),
    }


def trip_daily_budget(total_budget: float, days: int, travelers: int = 1, reserve_percent: float = 10.0) -> DailyBudget:
    """Divide a travel budget over the days of a trip and keep a reserve.

    Args:
        total_budget: Money for the whole trip.
        days: Number of days.
        travelers: Number of people who travel.
        reserve_percent: Share of the budget that is kept back, in percent.

    Returns:
        The reserve and what may be spent each day, in all and by each traveler.

    Raises:
        ValueError: The budget, days or travelers are not positive, or the reserve is not between 0 and 100 percent.

    >>> trip_daily_budget(2000, 9, travelers=2)
    {'reserve': 200.0, 'per_day': 200.0, 'per_person_per_day': 100.0}
    """
    if total_budget <= 0 or days < 1 or travelers < 1:
        raise ValueError("total_budget, days and travelers must be positive")
    if not 0 <= reserve_percent < 100:
        raise ValueError("reserve_percent must be at least 0 and below 100")
    reserve = total_budget * reserve_percent / 100
    per_day = (total_budget - reserve) / days
    return {
        "reserve": round(reserve, 2),
        "per_day": round(per_day, 2),
        "per_person_per_day": round(per_day / travelers, 2),
    }
