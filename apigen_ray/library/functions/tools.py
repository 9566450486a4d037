"""Everyday tools: units, dates, time zones, numbers in words and in other bases."""

import calendar
import string
from datetime import date, time, timedelta
from typing import Literal, TypedDict

CATEGORY = "Tools"

__all__ = [
    "add_to_date",
    "convert_length",
    "convert_number_base",
    "convert_temperature",
    "convert_time_zone",
    "convert_volume",
    "convert_weight",
    "days_between_dates",
    "number_to_words",
    "week_of_year",
    "weekday_of_date",
]

METERS = {
    "millimeters": 0.001,
    "centimeters": 0.01,
    "meters": 1.0,
    "kilometers": 1000.0,
    "inches": 0.0254,
    "feet": 0.3048,
    "yards": 0.9144,
    "miles": 1609.344,
}
LengthUnit = Literal["millimeters", "centimeters", "meters", "kilometers", "inches", "feet", "yards", "miles"]
TemperatureScale = Literal["celsius", "fahrenheit", "kelvin"]

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
DIGITS = string.digits + string.ascii_lowercase
# Grams and liters in a unit; the customary units are those of the United States (NIST Handbook 44, appendix C).
GRAMS = {
    "milligrams": 0.001,
    "grams": 1.0,
    "kilograms": 1000.0,
    "metric tons": 1_000_000.0,
    "ounces": 28.349523125,
    "pounds": 453.59237,
    "stones": 6350.29318,
}
WeightUnit = Literal["milligrams", "grams", "kilograms", "metric tons", "ounces", "pounds", "stones"]
LITERS = {
    "milliliters": 0.001,
    "liters": 1.0,
    "teaspoons": 0.00492892159375,
    "tablespoons": 0.01478676478125,
    "fluid ounces": 0.0295735295625,
    "cups": 0.2365882365,
    "pints": 0.473176473,
    "quarts": 0.946352946,
    "gallons": 3.785411784,
}
VolumeUnit = Literal[
    "milliliters", "liters", "teaspoons", "tablespoons", "fluid ounces", "cups", "pints", "quarts", "gallons"
]
# Hours from UTC of each zone in its own season (IANA's time zone database); IST is India's.
ZONE_HOURS = {
    "HST": -10, "PST": -8, "PDT": -7, "MST": -7, "MDT": -6, "CST": -6, "CDT": -5, "EST": -5, "EDT": -4, "UTC": 0,
    "GMT": 0, "BST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "IST": 5.5, "JST": 9, "AEST": 10, "NZST": 12,
}  # fmt: skip
TimeZone = Literal[
    "HST", "PST", "PDT", "MST", "MDT", "CST", "CDT", "EST", "EDT", "UTC",
    "GMT", "BST", "CET", "CEST", "EET", "EEST", "IST", "JST", "AEST", "NZST",
]  # fmt: skip


class DateGap(TypedDict):
    """The time between two dates."""

    days: int
    weeks: int
    remaining_days: int


class ZonedTime(TypedDict):
    """A time of day in another zone."""

    time: str
    day_shift: int


class PlaceInYear(TypedDict):
    """Where in its year a date stands."""

    iso_week: int
    iso_year: int
    day_of_year: int
    days_left: int


def convert_temperature(temperature: float, from_scale: TemperatureScale, to_scale: TemperatureScale) -> float:
    """Convert a temperature between Celsius, Fahrenheit and Kelvin.

    Args:
        temperature: Temperature to convert.
        from_scale: Scale of the temperature.
        to_scale: Scale to convert to.

    Returns:
        The temperature on the other scale, rounded to two places.

    Raises:
        ValueError: The temperature lies below absolute zero.

    >>> convert_temperature(100, "celsius", "fahrenheit")
    212.0
    >>> convert_temperature(300, "kelvin", "celsius")
    26.85
    """
    to_celsius = {"celsius": temperature, "fahrenheit": (temperature - 32) / 1.8, "kelvin": temperature - 273.15}
    celsius = to_celsius[from_scale]
    if celsius < -273.15:
        raise ValueError("the temperature lies below absolute zero")
    return round({"celsius": celsius, "fahrenheit": celsius * 1.8 + 32, "kelvin": celsius + 273.15}[to_scale], 2)


def convert_length(length: float, from_unit: LengthUnit, to_unit: LengthUnit) -> float:
    """Convert a length between metric and imperial units.

    Args:
        length: Length to convert.
        from_unit: Unit of the length.
        to_unit: Unit to convert to.

    Returns:
        The length in the other unit.

    Raises:
        ValueError: The length is negative.

    >>> convert_length(26.2, "miles", "kilometers")
    42.164813
    >>> convert_length(6, "feet", "centimeters")
    182.88
    """
    if length < 0:
        raise ValueError("length must not be negative")
    return round(length * METERS[from_unit] / METERS[to_unit], 6)


def days_between_dates(start_date: str, end_date: str) -> DateGap:
    """Count the days and weeks between two dates.

    Args:
        start_date: First date as YYYY-MM-DD.
        end_date: Second date as YYYY-MM-DD.

    Returns:
        The days between the dates, whichever is earlier, also as weeks and days.

    Raises:
        ValueError: A text is not a date.

    >>> days_between_dates("2024-02-01", "2024-03-01")
    {'days': 29, 'weeks': 4, 'remaining_days': 1}
    """
    days = abs((date.fromisoformat(end_date) - date.fromisoformat(start_date)).days)
    return {"days": days, "weeks": days // 7, "remaining_days": days % 7}


def add_to_date(start_date: str, amount: int, unit: Literal["days", "weeks", "months", "years"] = "days") -> str:
    """Find the date that lies some days, weeks, months or years after a given date.

    Args:
        start_date: Date to start from, as YYYY-MM-DD.
        amount: How many units to add; negative to go back.
        unit: What to add.

    Returns:
        The date as YYYY-MM-DD; the last day of the month where the month is too short.

    Raises:
        ValueError: The text is not a date, or the result lies outside the years 1 to 9999.

    >>> add_to_date("2024-01-31", 1, "months")
    '2024-02-29'
    >>> add_to_date("2025-03-10", -2, "weeks")
    '2025-02-24'
    """
    start = date.fromisoformat(start_date)
    try:
        if unit in ("days", "weeks"):
            return (start + timedelta(days=amount * (7 if unit == "weeks" else 1))).isoformat()
        years, month = divmod(start.year * 12 + start.month - 1 + amount * (12 if unit == "years" else 1), 12)
        if not 1 <= years <= 9999:
            raise OverflowError
        return date(years, month + 1, min(start.day, calendar.monthrange(years, month + 1)[1])).isoformat()
    except OverflowError:
        raise ValueError("the result lies outside the years 1 to 9999") from None


def weekday_of_date(calendar_date: str) -> str:
    """Tell which day of the week a date falls on.

    Args:
        calendar_date: Date as YYYY-MM-DD.

    Returns:
        The name of the weekday.

    Raises:
        ValueError: The text is not a date.

    >>> weekday_of_date("1969-07-20")
    'Sunday'
    """
    return WEEKDAYS[date.fromisoformat(calendar_date).weekday()]


def number_to_words(number: int) -> str:
    """Spell out a whole number in English words.

    Args:
        number: Number to spell out, below one trillion.

    Returns:
        The number in words.

    Raises:
        ValueError: The number has more than twelve digits.

    >>> number_to_words(1984)
    'one thousand nine hundred eighty-four'
    >>> number_to_words(-20)
    'minus twenty'
    """
    if abs(number) >= 10**12:
        raise ValueError("number must lie below one trillion")
    if number < 0:
        return "minus " + number_to_words(-number)
    if number < 20:
        return SMALL[number]
    if number < 100:
        return TENS[number // 10] + (f"-{SMALL[number % 10]}" if number % 10 else "")
    scales = ((10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
    size, name = next(scale for scale in scales if number >= scale[0])
    head = f"{number_to_words(number // size)} {name}"
    return f"{head} {number_to_words(number % size)}" if number % size else head


def convert_number_base(digits: str, from_base: int, to_base: int) -> str:
    """Convert a whole number from one number base to another.

    Args:
        digits: Number as text, for example "ff" or "1010".
        from_base: Base of the number, from 2 to 36.
        to_base: Base to convert to, from 2 to 36.

    Returns:
        The number in the other base, in lower case.

    Raises:
        ValueError: A base is out of range, or the text is no number of up to 64 digits in its base.

    >>> convert_number_base("ff", 16, 2)
    '11111111'
    >>> convert_number_base("255", 10, 16)
    'ff'
    """
    if not 2 <= from_base <= 36 or not 2 <= to_base <= 36:
        raise ValueError("bases must lie between 2 and 36")
    text = digits.lower()
    if not 1 <= len(text) <= 64 or any(digit not in DIGITS[:from_base] for digit in text):
        raise ValueError(f"{digits!r} is not a number in base {from_base}")
    number, signs = int(text, from_base), ""
    while number:
        number, digit = divmod(number, to_base)
        signs = DIGITS[digit] + signs
    return signs or "0"


def convert_weight(weight: float, from_unit: WeightUnit, to_unit: WeightUnit) -> float:
    """Convert a weight between metric and customary units.

    Args:
        weight: Weight to convert.
        from_unit: Unit of the weight.
        to_unit: Unit to convert to.

    Returns:
        The weight in the other unit.

    Raises:
        ValueError: The weight is negative.

    >>> convert_weight(150, "pounds", "kilograms")
    68.038856
    """
    if weight < 0:
        raise ValueError("weight must not be negative")
    return round(weight * GRAMS[from_unit] / GRAMS[to_unit], 6)


def convert_volume(volume: float, from_unit: VolumeUnit, to_unit: VolumeUnit) -> float:
    """Convert a volume of liquid between liters and United States units such as cups and gallons.

    Args:
        volume: Volume to convert.
        from_unit: Unit of the volume.
        to_unit: Unit to convert to.

    Returns:
        The volume in the other unit.

    Raises:
        ValueError: The volume is negative.

    >>> convert_volume(15, "gallons", "liters")
    56.781177
    """
    if volume < 0:
        raise ValueError("volume must not be negative")
    return round(volume * LITERS[from_unit] / LITERS[to_unit], 6)


def convert_time_zone(clock_time: str, from_zone: TimeZone, to_zone: TimeZone) -> ZonedTime:
    """Convert a time of day from one time zone to another.

    Args:
        clock_time: Time as HH:MM on a 24-hour clock.
        from_zone: Abbreviation of the time zone of that time.
        to_zone: Abbreviation of the time zone to convert to.

    Returns:
        The time there, and whether it falls on the day before (-1), the same day (0) or the day after (1).

    Raises:
        ValueError: The text is not a time.

    >>> convert_time_zone("18:30", "EST", "JST")
    {'time': '08:30', 'day_shift': 1}
    """
    start = time.fromisoformat(clock_time)
    shift = round(60 * (ZONE_HOURS[to_zone] - ZONE_HOURS[from_zone]))
    day_shift, minutes = divmod(start.hour * 60 + start.minute + shift, 1440)
    return {"time": f"{minutes // 60:02d}:{minutes % 60:02d}", "day_shift": day_shift}


def week_of_year(calendar_date: str) -> PlaceInYear:
    """Tell the number of the week and the number of the day of a date within its year.

    Args:
        calendar_date: Date as YYYY-MM-DD.

    Returns:
        The week by ISO 8601 and the year to which that week belongs, the day of the year, and the days left after it.

    Raises:
        ValueError: The text is not a date.

    >>> week_of_year("2025-12-29")
    {'iso_week': 1, 'iso_year': 2026, 'day_of_year': 363, 'days_left': 2}
    """
    day = date.fromisoformat(calendar_date)
    iso_year, iso_week, _ = day.isocalendar()
    number = day.timetuple().tm_yday
    left = (366 if calendar.isleap(day.year) else 365) - number
    return {"iso_week": iso_week, "iso_year": iso_year, "day_of_year": number, "days_left": left}
