"""Distances, times and costs of a journey, cities, airports and countries."""

import math
from datetime import time
from typing import Literal, TypedDict

CATEGORY = "Travel"

__all__ = [
    "airport_info",
    "city_time_difference",
    "country_facts",
    "drive_time_with_breaks",
    "flight_distance",
    "hotel_stay_cost",
    "local_arrival_time",
    "plug_adapter_needed",
    "road_trip_fuel_cost",
    "trip_daily_budget",
]

# City: latitude and longitude in degrees, standard time in hours from UTC.
CITIES: dict[str, tuple[float, float, float]] = {
    "amsterdam": (52.37, 4.90, 1), "athens": (37.98, 23.73, 2), "auckland": (-36.85, 174.76, 12),
    "bangkok": (13.76, 100.50, 7), "barcelona": (41.39, 2.17, 1), "beijing": (39.90, 116.41, 8),
    "berlin": (52.52, 13.41, 1), "boston": (42.36, -71.06, -5), "buenos aires": (-34.60, -58.38, -3),
    "cairo": (30.04, 31.24, 2), "cape town": (-33.92, 18.42, 2), "chicago": (41.88, -87.63, -6),
    "copenhagen": (55.68, 12.57, 1), "delhi": (28.61, 77.21, 5.5), "denver": (39.74, -104.99, -7),
    "dubai": (25.20, 55.27, 4), "dublin": (53.35, -6.26, 0), "hong kong": (22.32, 114.17, 8),
    "honolulu": (21.31, -157.86, -10), "istanbul": (41.01, 28.98, 3), "johannesburg": (-26.20, 28.05, 2),
    "lima": (-12.05, -77.04, -5), "lisbon": (38.72, -9.14, 0), "london": (51.51, -0.13, 0),
    "los angeles": (34.05, -118.24, -8), "madrid": (40.42, -3.70, 1), "mexico city": (19.43, -99.13, -6),
    "miami": (25.76, -80.19, -5), "mumbai": (19.08, 72.88, 5.5), "nairobi": (-1.29, 36.82, 3),
    "new york": (40.71, -74.01, -5), "oslo": (59.91, 10.75, 1), "paris": (48.86, 2.35, 1), "prague": (50.08, 14.44, 1),
    "rome": (41.90, 12.50, 1), "san francisco": (37.77, -122.42, -8), "sao paulo": (-23.55, -46.63, -3),
    "seattle": (47.61, -122.33, -8), "seoul": (37.57, 126.98, 9), "singapore": (1.35, 103.82, 8),
    "stockholm": (59.33, 18.07, 1), "sydney": (-33.87, 151.21, 10), "tokyo": (35.68, 139.69, 9),
    "toronto": (43.65, -79.38, -5), "vancouver": (49.28, -123.12, -8), "vienna": (48.21, 16.37, 1),
    "zurich": (47.37, 8.54, 1),
}  # fmt: skip

EARTH_RADIUS = {"kilometers": 6371.0, "miles": 3958.8, "nautical miles": 3440.1}

# Country: capital, currency (ISO 4217), calling code (ITU E.164), side of the road on which one drives, types of
# plug and volts of the mains (IEC World Plugs); as of 2025.
COUNTRIES = """
Argentina/Buenos Aires/ARS/54/right/CI/220; Australia/Canberra/AUD/61/left/I/230; Austria/Vienna/EUR/43/right/CF/230;
Belgium/Brussels/EUR/32/right/CE/230; Canada/Ottawa/CAD/1/right/AB/120; Chile/Santiago/CLP/56/right/CL/220;
China/Beijing/CNY/86/right/ACI/220; Costa Rica/San Jose/CRC/506/right/AB/120; Croatia/Zagreb/EUR/385/right/CF/230;
Czechia/Prague/CZK/420/right/CE/230; Denmark/Copenhagen/DKK/45/right/CEFK/230; Ecuador/Quito/USD/593/right/AB/120;
Egypt/Cairo/EGP/20/right/CF/220; Estonia/Tallinn/EUR/372/right/CF/230; Finland/Helsinki/EUR/358/right/CF/230;
France/Paris/EUR/33/right/CE/230; Germany/Berlin/EUR/49/right/CF/230; Greece/Athens/EUR/30/right/CF/230;
Hungary/Budapest/HUF/36/right/CF/230; Iceland/Reykjavik/ISK/354/right/CF/230; India/New Delhi/INR/91/left/CDM/230;
Ireland/Dublin/EUR/353/left/G/230; Italy/Rome/EUR/39/right/CFL/230; Japan/Tokyo/JPY/81/left/AB/100;
Kenya/Nairobi/KES/254/left/G/240; Malta/Valletta/EUR/356/left/G/230; Mexico/Mexico City/MXN/52/right/AB/127;
Netherlands/Amsterdam/EUR/31/right/CF/230; New Zealand/Wellington/NZD/64/left/I/230; Norway/Oslo/NOK/47/right/CF/230;
Poland/Warsaw/PLN/48/right/CE/230; Portugal/Lisbon/EUR/351/right/CF/230; Slovakia/Bratislava/EUR/421/right/CE/230;
Slovenia/Ljubljana/EUR/386/right/CF/230; South Korea/Seoul/KRW/82/right/CF/220; Spain/Madrid/EUR/34/right/CF/230;
Sweden/Stockholm/SEK/46/right/CF/230; Switzerland/Bern/CHF/41/right/CJ/230; United Kingdom/London/GBP/44/left/G/230;
United States/Washington, D.C./USD/1/right/AB/120
"""
# IATA code: name, city and country of the airport.
AIRPORTS = """
AMS/Schiphol/Amsterdam/Netherlands; ARN/Arlanda/Stockholm/Sweden; ATL/Hartsfield-Jackson/Atlanta/United States;
BCN/El Prat/Barcelona/Spain; BKK/Suvarnabhumi/Bangkok/Thailand; CDG/Charles de Gaulle/Paris/France;
CPH/Kastrup/Copenhagen/Denmark; DEL/Indira Gandhi/Delhi/India; DFW/Dallas Fort Worth/Dallas/United States;
DXB/Dubai International/Dubai/United Arab Emirates; EWR/Newark Liberty/Newark/United States;
FCO/Fiumicino/Rome/Italy; GRU/Guarulhos/Sao Paulo/Brazil; HND/Haneda/Tokyo/Japan; ICN/Incheon/Seoul/South Korea;
JFK/John F. Kennedy/New York/United States; JNB/O. R. Tambo/Johannesburg/South Africa;
LAX/Los Angeles International/Los Angeles/United States; LHR/Heathrow/London/United Kingdom;
LIS/Humberto Delgado/Lisbon/Portugal; MAD/Barajas/Madrid/Spain; MEX/Benito Juarez/Mexico City/Mexico;
NBO/Jomo Kenyatta/Nairobi/Kenya; NRT/Narita/Tokyo/Japan; ORD/O'Hare/Chicago/United States; OSL/Gardermoen/Oslo/Norway;
PVG/Pudong/Shanghai/China; SEA/Seattle-Tacoma/Seattle/United States; SIN/Changi/Singapore/Singapore;
SYD/Kingsford Smith/Sydney/Australia; VIE/Schwechat/Vienna/Austria; YYZ/Pearson/Toronto/Canada;
ZRH/Kloten/Zurich/Switzerland
"""


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


class CountryFacts(TypedDict):
    """What a traveler should know of a country."""

    capital: str
    currency: str
    calling_code: str
    drives_on: str
    plug_types: list[str]
    mains_volts: int


class Airport(TypedDict):
    """An airport and where it lies."""

    name: str
    city: str
    country: str


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


def country_facts(country: str) -> CountryFacts:
    """Look up what a traveler should know of a country: capital, currency, calling code, traffic and power plugs.

    Args:
        country: English name of the country, such as "Japan".

    Returns:
        The capital, the code of the currency, the calling code, the side of the road on which people drive, the types
        of power plugs and the volts of the mains.

    Raises:
        ValueError: The country is not in the table.

    >>> country_facts("Japan")["capital"]
    'Tokyo'
    >>> country_facts("Norway")["currency"]
    'NOK'
    """
    wanted = " ".join(country.casefold().split())
    for row in COUNTRIES.split(";"):
        name, capital, currency, calling_code, side, plugs, volts = row.strip().split("/")
        if name.casefold() == wanted:
            return {
                "capital": capital,
                "currency": currency,
                "calling_code": "+" + calling_code,
                "drives_on": side,
                "plug_types": list(plugs),
                "mains_volts": int(volts),
            }
    raise ValueError(f"unknown country {country!r}")


def plug_adapter_needed(home_country: str, destination_country: str) -> bool:
    """Check whether a traveler needs an adapter for the power plugs of another country.

    Args:
        home_country: Country from which the traveler's plugs are.
        destination_country: Country to travel to.

    Returns:
        True where the two countries have no type of plug in common.

    Raises:
        ValueError: A country is not in the table.

    >>> plug_adapter_needed("United States", "Japan")
    False
    >>> plug_adapter_needed("Germany", "United Kingdom")
    True
    """
    home, abroad = (country_facts(country)["plug_types"] for country in (home_country, destination_country))
    return not set(home) & set(abroad)


def airport_info(airport_code: str) -> Airport:
    """Look up a large airport by its three-letter code.

    Args:
        airport_code: IATA code of the airport, such as "LHR".

    Returns:
        The name of the airport, the city that it serves and the country.

    Raises:
        ValueError: The code is not in the table.

    >>> airport_info("LHR")
    {'name': 'Heathrow', 'city': 'London', 'country': 'United Kingdom'}
    """
    for row in AIRPORTS.split(";"):
        code, name, city, country = row.strip().split("/")
        if code == airport_code.strip().upper():
            return {"name": name, "city": city, "country": country}
    raise ValueError(f"unknown airport code {airport_code!r}")


def drive_time_with_breaks(
    distance_km: float, average_speed_kmh: float, break_minutes: int = 15, hours_between_breaks: float = 2.0
) -> str:
    """Estimate how long a long drive takes with its breaks.

    Args:
        distance_km: Length of the drive in kilometers.
        average_speed_kmh: Average speed while driving, in kilometers per hour.
        break_minutes: Length of each break in minutes.
        hours_between_breaks: Hours of driving after which a break is taken.

    Returns:
        The whole time as hours:minutes.

    Raises:
        ValueError: A figure is not positive.

    >>> drive_time_with_breaks(450, 90)
    '5:30'
    """
    if min(distance_km, average_speed_kmh, hours_between_breaks) <= 0 or break_minutes < 0:
        raise ValueError("distance, speed and hours_between_breaks must be positive, break_minutes not negative")
    hours = distance_km / average_speed_kmh
    breaks = math.ceil(round(hours / hours_between_breaks, 9)) - 1  # none at the end of the drive
    minutes = round(hours * 60 + breaks * break_minutes)
    return f"{minutes // 60}:{minutes % 60:02d}"


def hotel_stay_cost(
    nightly_rate: float, nights: int, rooms: int = 1, tax_percent: float = 0.0, city_tax_per_night: float = 0.0
) -> float:
    """Calculate what a stay in a hotel costs with its taxes.

    Args:
        nightly_rate: Price of a room for one night, without tax.
        nights: Number of nights.
        rooms: Number of rooms.
        tax_percent: Tax on the price of the rooms, in percent.
        city_tax_per_night: Fixed tax for each room and night.

    Returns:
        The whole price.

    Raises:
        ValueError: The rate, nights or rooms are not positive, or a tax is negative.

    >>> hotel_stay_cost(120, 3, tax_percent=10, city_tax_per_night=2.5)
    403.5
    """
    if nightly_rate <= 0 or nights < 1 or rooms < 1 or tax_percent < 0 or city_tax_per_night < 0:
        raise ValueError("nightly_rate, nights and rooms must be positive, taxes not negative")
    return round(nights * rooms * (nightly_rate * (1 + tax_percent / 100) + city_tax_per_night), 2)
