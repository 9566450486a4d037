"""Physics, chemistry and astronomy at school level."""

import math
import re
from datetime import date
from typing import Literal, TypedDict

CATEGORY = "Science"

__all__ = [
    "age_on_planet",
    "daylight_hours",
    "dilute_solution",
    "element_facts",
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
# Symbol, name and atomic mass by atomic number: the abridged standard atomic weights of IUPAC of 2021, and the mass
# number of the most stable isotope where an element has none.
PERIODIC_TABLE = """
H hydrogen 1.008, He helium 4.0026, Li lithium 6.94, Be beryllium 9.0122, B boron 10.81, C carbon 12.011,
N nitrogen 14.007, O oxygen 15.999, F fluorine 18.998, Ne neon 20.180, Na sodium 22.990, Mg magnesium 24.305,
Al aluminum 26.982, Si silicon 28.085, P phosphorus 30.974, S sulfur 32.06, Cl chlorine 35.45, Ar argon 39.95,
K potassium 39.098, Ca calcium 40.078, Sc scandium 44.956, Ti titanium 47.867, V vanadium 50.942, Cr chromium 51.996,
Mn manganese 54.938, Fe iron 55.845, Co cobalt 58.933, Ni nickel 58.693, Cu copper 63.546, Zn zinc 65.38,
Ga gallium 69.723, Ge germanium 72.630, As arsenic 74.922, Se selenium 78.971, Br bromine 79.904, Kr krypton 83.798,
Rb rubidium 85.468, Sr strontium 87.62, Y yttrium 88.906, Zr zirconium 91.224, Nb niobium 92.906,
Mo molybdenum 95.95, Tc technetium 97, Ru ruthenium 101.07, Rh rhodium 102.91, Pd palladium 106.42, Ag silver 107.87,
Cd cadmium 112.41, In indium 114.82, Sn tin 118.71, Sb antimony 121.76, Te tellurium 127.60, I iodine 126.90,
Xe xenon 131.29, Cs cesium 132.91, Ba barium 137.33, La lanthanum 138.91, Ce cerium 140.12, Pr praseodymium 140.91,
Nd neodymium 144.24, Pm promethium 145, Sm samarium 150.36, Eu europium 151.96, Gd gadolinium 157.25,
Tb terbium 158.93, Dy dysprosium 162.50, Ho holmium 164.93, Er erbium 167.26, Tm thulium 168.93,
Yb ytterbium 173.05, Lu lutetium 174.97, Hf hafnium 178.49, Ta tantalum 180.95, W tungsten 183.84, Re rhenium 186.21,
Os osmium 190.23, Ir iridium 192.22, Pt platinum 195.08, Au gold 196.97, Hg mercury 200.59, Tl thallium 204.38,
Pb lead 207.2, Bi bismuth 208.98, Po polonium 209, At astatine 210, Rn radon 222, Fr francium 223, Ra radium 226,
Ac actinium 227, Th thorium 232.04, Pa protactinium 231.04, U uranium 238.03
"""
ELEMENTS = [entry.split() for entry in PERIODIC_TABLE.split(",")]
ATOMIC_MASS = {symbol: float(mass) for symbol, _, mass in ELEMENTS}
PHASES = (
    "new moon, waxing crescent, first quarter, waxing gibbous, full moon, waning gibbous, last quarter, waning crescent"
).split(", ")
LUNATION_DAYS = 29.530588
# The year of each planet in days (NASA, Planetary Fact Sheets).
ORBIT_DAYS = {
    "mercury": 87.969, "venus": 224.701, "earth": 365.256, "mars": 686.98,
    "jupiter": 4332.589, "saturn": 10759.22, "uranus": 30685.4, "neptune": 60189.0,
}  # fmt: skip


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


class Element(TypedDict):
    """A chemical element."""

    name: str
    symbol: str
    atomic_number: int
    atomic_mass: float
    period: int


class Dilution(TypedDict):
    """What is mixed to dilute a solution."""

    stock_ml: float
    water_ml: float


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


def element_facts(element: str) -> Element:
    """Look up a chemical element in the periodic table, from hydrogen to uranium.

    Args:
        element: Name or symbol of the element, such as "iron" or "Fe".

    Returns:
        Its name, symbol, atomic number, atomic mass and the period, or row, in which it stands.

    Raises:
        ValueError: There is no such element up to uranium.

    >>> element_facts("iron")
    {'name': 'iron', 'symbol': 'Fe', 'atomic_number': 26, 'atomic_mass': 55.845, 'period': 4}
    """
    wanted = element.strip().casefold()
    for number, (symbol, name, mass) in enumerate(ELEMENTS, start=1):
        if wanted in (symbol.casefold(), name):
            period = 1 + sum(number > noble_gas for noble_gas in (2, 10, 18, 36, 54, 86))
            mass_u = float(mass)
            return {"name": name, "symbol": symbol, "atomic_number": number, "atomic_mass": mass_u, "period": period}
    raise ValueError(f"{element!r} is not an element from hydrogen to uranium")


def dilute_solution(stock_molarity: float, target_molarity: float, target_volume_ml: float) -> Dilution:
    """Calculate how to dilute a stock solution with water to a lower concentration.

    Args:
        stock_molarity: Concentration of the stock solution in moles per liter.
        target_molarity: Concentration wanted, in moles per liter.
        target_volume_ml: Volume wanted, in milliliters.

    Returns:
        The volumes of stock solution and of water, in milliliters.

    Raises:
        ValueError: A figure is not positive, or the stock solution is weaker than what is wanted.

    >>> dilute_solution(2, 0.5, 100)
    {'stock_ml': 25.0, 'water_ml': 75.0}
    """
    if target_molarity <= 0 or target_volume_ml <= 0 or stock_molarity < target_molarity:
        raise ValueError("figures must be positive, and the stock solution at least as strong as what is wanted")
    stock = target_molarity * target_volume_ml / stock_molarity
    return {"stock_ml": round(stock, 3), "water_ml": round(target_volume_ml - stock, 3)}


def age_on_planet(
    earth_age_years: float, planet: Literal["mercury", "venus", "mars", "jupiter", "saturn", "uranus", "neptune"]
) -> float:
    """Calculate how old a person would be in the years of another planet.

    Args:
        earth_age_years: Age in years on Earth.
        planet: Planet whose years are counted.

    Returns:
        The age in years of that planet.

    Raises:
        ValueError: The age is negative.

    >>> age_on_planet(30, "mars")
    15.95
    """
    if earth_age_years < 0:
        raise ValueError("earth_age_years must not be negative")
    return round(earth_age_years * ORBIT_DAYS["earth"] / ORBIT_DAYS[planet], 2)
