"""Everyday tools: units, dates, numbers in words and in other bases."""

import calendar
import string
from datetime import date, timedelta
from typing import Literal, TypedDict

CATEGORY = "Tools"

__all__ = [
    "add_to_date",
    "convert_length",
    "convert_number_base",
    "convert_temperature",
    "days_between_dates",
    "number_to_words",
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


class DateGap(TypedDict):
    """The time between two dates."""

    days: int
    weeks: int
    remaining_days: int


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
