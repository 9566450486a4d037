"""Physics, chemistry and astronomy at school level."""

import math
import re
from datetime import date
from typing import Literal, TypedDict

CATEGORY = "Science"

__all__ = [
    "daylight_hours",
    "molar_mass",
    "moon_phase",
    "pendulum_period",
    "projectile_flight",
    "radioactive_decay",
    "sound_travel_distance",
    "weight_on_planet",
]

# Gravity at the surface in meters per second squared.
GRAVITY = {
    "mercury": 3.7,
    "venus": 8.87,
    "earth": 9.81,
    "moon": 1.62,
    "mars": 3.71,
    "jupiter": 24.79,
    "saturn": 10.44,
    "uranus": 8.87,
    "neptune": 11.15,
}
SOUND_SPEED = {"air": 343, "water": 1482, "steel": 5960, "wood": 3850}  # meters per second at about 20 degrees Celsius
ATOMIC_MASS = {
    "H": 1.008,
    "He": 4.0026,
    "Li": 6.94,
    "C": 12.011,
    "N": 14.007,
    "O": 15.999,
    "F": 18.998,
    "Na": 22.990,
    "Mg": 24.305,
    "Al": 26.982,
    "Si": 28.085,
    "P": 30.974,
    "S": 32.06,
    "Cl": 35.45,
    "K": 39.098,
    "Ca": 40.078,
    "Fe": 55.845,
    "Cu": 63.546,
    "Zn": 65.38,
    "Br": 79.904,
    "Ag": 107.87,
    "I": 126.90,
    "Au": 196.97,
}
PHASES = (
    "new moon",
    "waxing crescent",
    "first quarter",
    "waxing gibbous",
    "full moon",
    "waning gibbous",
    "last quarter",
    "waning crescent",
)
LUNATION_DAYS = 29.530588


class Flight(TypedDict):
    """The path of a thrown body."""

    range_m: float
    max_height_m: float
    flight_time_s: float


class Decay(TypedDict):
    """What is left of a radioactive sample."""

    remaining: float
    decayed_percent: float


class MoonPhase(TypedDict):
    """How the moon looks."""

    phase: str
    age_days: float
    illuminated_percent: int


def radioactive_decay(initial_amount: float, half_life: float, elapsed_time: float) -> Decay:
    """Calculate how much of a radioactive sample is left after some time.

    Args:
        initial_amount: Amount at the start, in any unit.
        half_life: Half-life of the substance.
        elapsed_time: Time that has passed, in the unit of the half-life.

    Returns:
        The amount that is left and the share that has decayed, in percent.

    Raises:
        ValueError: The half-life is not positive, or another figure is negative.

    >>> radioactive_decay(80, 8, 24)
    {'remaining': 10.0, 'decayed_percent': 87.5}
    """
    if half_life <= 0 or initial_amount < 0 or elapsed_time < 0:
        raise ValueError("half_life must be positive, the other figures must not be negative")
    share = 0.5 ** (elapsed_time / half_life)
    return {"remaining": round(initial_amount * share, 6), "decayed_percent": round(100 * (1 - share), 4)}


def projectile_flight(speed_m_s: float, angle_degrees: float, start_height_m: float = 0.0) -> Flight:
    """Calculate how far and how high a thrown object flies, without air resistance.

    Args:
        speed_m_s: Speed at the start in meters per second.
        angle_degrees: Angle above the horizontal in degrees.
        start_height_m: Height at the start in meters.

    Returns:
        The range, the greatest height and the time in the air.

    Raises:
        ValueError: The speed is not positive, the angle is not 0 to 90, or the height is negative.

    >>> projectile_flight(20, 45)
    {'range_m': 40.77, 'max_height_m': 10.19, 'flight_time_s': 2.88}
    """
    if speed_m_s <= 0 or not 0 <= angle_degrees <= 90 or start_height_m < 0:
        raise ValueError("speed_m_s must be positive, the angle between 0 and 90 and the height not negative")
    angle, gravity = math.radians(angle_degrees), GRAVITY["earth"]
    across, up = speed_m_s * math.cos(angle), speed_m_s * math.sin(angle)
    seconds = (up + math.sqrt(up * up + 2 * gravity * start_height_m)) / gravity
    return {
        "range_m": round(across * seconds, 2),
        "max_height_m": round(start_height_m + up * up / (2 * gravity), 2),
        "flight_time_s": round(seconds, 2),
    }


def pendulum_period(
    length_m: float,
    planet: Literal["mercury", "venus", "earth", "moon", "mars", "jupiter", "saturn", "uranus", "neptune"] = "earth",
) -> float:
    """Calculate the period of a pendulum for small swings.

    Args:
        length_m: Length of the pendulum in meters.
        planet: Where it swings.

    Returns:
        The time of one full swing in seconds.

    Raises:
        ValueError: The length is not positive.

    >>> pendulum_period(1)
    2.006
    >>> pendulum_period(1, planet="moon")
    4.937
    """
    if length_m <= 0:
        raise ValueError("length_m must be positive")
    return round(2 * math.pi * math.sqrt(length_m / GRAVITY[planet]), 3)


def weight_on_planet(
    earth_weight_kg: float,
    planet: Literal["mercury", "venus", "moon", "mars", "jupiter", "saturn", "uranus", "neptune"],
) -> float:
    """Calculate what a scale would show for a person on another planet or the moon.

    Args:
        earth_weight_kg: What the scale shows on Earth, in kilograms.
        planet: Where the person would stand.

    Returns:
        What the scale would show, in kilograms.

    Raises:
        ValueError: The weight is not positive.

    >>> weight_on_planet(70, "mars")
    26.5
    """
    if earth_weight_kg <= 0:
        raise ValueError("earth_weight_kg must be positive")
    return round(earth_weight_kg * GRAVITY[planet] / GRAVITY["earth"], 1)


def molar_mass(formula: str) -> float:
    """Calculate the molar mass of a chemical compound from its formula.

    Args:
        formula: Chemical formula such as "H2O" or "Ca(OH)2".

    Returns:
        The molar mass in grams per mole.

    Raises:
        ValueError: The formula cannot be read, or holds an element that is not in the table.

    >>> molar_mass("H2O")
    18.015
    >>> molar_mass("Ca(OH)2")
    74.092
    """
    tokens = re.findall(r"([A-Z][a-z]?|\(|\))(\d*)", formula)
    if not tokens or "".join(sign + count for sign, count in tokens) != formula:
        raise ValueError(f"{formula!r} is not a chemical formula")
    levels = [0.0]
    for sign, count in tokens:
        if sign == "(":
            levels.append(0.0)
        elif sign == ")" and len(levels) > 1:
            group = levels.pop()
            levels[-1] += group * int(count or 1)
        elif sign in ATOMIC_MASS:
            levels[-1] += ATOMIC_MASS[sign] * int(count or 1)
        else:
            raise ValueError(f"{sign!r} is not a known element or does not belong there in {formula!r}")
    if len(levels) != 1:
        raise ValueError(f"a bracket is left open in {formula!r}")
    return round(levels[0], 3)


def sound_travel_distance(seconds: float, medium: Literal["air", "water", "steel", "wood"] = "air") -> float:
    """Calculate how far sound travels in some seconds, for example between lightning and thunder.

    Args:
        seconds: Time in seconds.
        medium: What the sound travels through.

    Returns:
        The distance in meters.

    Raises:
        ValueError: The time is negative.

    >>> sound_travel_distance(3)
    1029
    """
    if seconds < 0:
        raise ValueError("seconds must not be negative")
    return round(seconds * SOUND_SPEED[medium], 2)


def daylight_hours(latitude: float, calendar_date: str) -> float:
    """Estimate the hours of daylight at a latitude on a date.

    Args:
        latitude: Latitude in degrees, north positive and south negative.
        calendar_date: Date as YYYY-MM-DD.

    Returns:
        The hours between sunrise and sunset, within about a quarter of an hour.

    Raises:
        ValueError: The latitude is not between -90 and 90, or the text is not a date.

    >>> daylight_hours(52.5, "2024-06-21")
    16.83
    >>> daylight_hours(80, "2024-12-21")
    0.0
    """
    if not -90 <= latitude <= 90:
        raise ValueError("latitude must lie between -90 and 90")
    day = date.fromisoformat(calendar_date).timetuple().tm_yday
    declination = math.radians(-23.44 * math.cos(2 * math.pi * (day + 10) / 365.25))
    phi = math.radians(max(-89.9, min(89.9, latitude)))
    # The sun's upper edge, lifted by refraction, is seen when its center stands 0.833 degrees below the horizon.
    sine = math.sin(math.radians(-0.833)) - math.sin(phi) * math.sin(declination)
    cosine = max(-1.0, min(1.0, sine / (math.cos(phi) * math.cos(declination))))
    return round(2 * math.degrees(math.acos(cosine)) / 15, 2)


def moon_phase(calendar_date: str) -> MoonPhase:
    """Tell the phase of the moon on a date.

    Args:
        calendar_date: Date as YYYY-MM-DD.

    Returns:
        The phase, the days since new moon and the lit share of the disc, for a mean month; true phases differ
        by up to about half a day.

    Raises:
        ValueError: The text is not a date.

    >>> moon_phase("2024-04-08")["phase"]
    'new moon'
    >>> moon_phase("2023-08-31")["phase"]
    'full moon'
    """
    # Counted from the new moon of 2000-01-06 at 18:14 UTC, at noon of the day.
    age = ((date.fromisoformat(calendar_date) - date(2000, 1, 6)).days + 0.5 - 0.76) % LUNATION_DAYS
    return {
        "phase": PHASES[round(age / LUNATION_DAYS * 8) % 8],
        "age_days": round(age, 1),
        "illuminated_percent": round(50 * (1 - math.cos(2 * math.pi * age / LUNATION_DAYS))),
    }
