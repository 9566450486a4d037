"""Calendars and curiosities that fit no other category."""

import calendar
import re
from datetime import date, timedelta
from typing import TypedDict

CATEGORY = "Other"

__all__ = ["chinese_zodiac_animal", "easter_sunday", "is_palindrome", "leap_year_check"]

ANIMALS = ("Rat", "Ox", "Tiger", "Rabbit", "Dragon", "Snake", "Horse", "Goat", "Monkey", "Rooster", "Dog", "Pig")
ELEMENTS = ("Wood", "Fire", "Earth", "Metal", "Water")


class ZodiacYear(TypedDict):
    """A year of the Chinese zodiac."""

    animal: str
    element: str


class LeapYear(TypedDict):
    """Whether a year is a leap year."""

    is_leap_year: bool
    next_leap_year: int


def easter_sunday(year: int, days_after: int = 0) -> str:
    """Find the date of Easter Sunday, or of a feast some days after it.

    Args:
        year: Year from 1583 to 4099.
        days_after: Days to add, for example 39 for Ascension Day or 49 for Pentecost.

    Returns:
        The date as YYYY-MM-DD, in the western churches.

    Raises:
        ValueError: The year is not between 1583 and 4099, or the days are not -100 to 100.

    >>> easter_sunday(2024)
    '2024-03-31'
    >>> easter_sunday(2025, days_after=49)
    '2025-06-08'
    """
    if not 1583 <= year <= 4099 or not -100 <= days_after <= 100:
        raise ValueError("year must lie between 1583 and 4099, days_after between -100 and 100")
    # The Gregorian computus: the epact gives the full moon, Easter is the Sunday after it.
    golden, century = year % 19, year // 100
    epact = (century - century // 4 - (8 * century + 13) // 25 + 19 * golden + 15) % 30
    epact -= (epact // 28) * (1 - (epact // 28) * (29 // (epact + 1)) * ((21 - golden) // 11))
    weekday = (year + year // 4 + epact + 2 - century + century // 4) % 7
    offset = epact - weekday  # days after March 28
    return (date(year, 3, 28) + timedelta(days=offset + days_after)).isoformat()


def chinese_zodiac_animal(birth_year: int) -> ZodiacYear:
    """Find the Chinese zodiac animal and element of a year of birth.

    Args:
        birth_year: Year of birth; the Chinese year that begins in it is meant.

    Returns:
        The animal and the element.

    Raises:
        ValueError: The year is not between 1 and 9999.

    >>> chinese_zodiac_animal(1988)
    {'animal': 'Dragon', 'element': 'Earth'}
    """
    if not 1 <= birth_year <= 9999:
        raise ValueError("birth_year must lie between 1 and 9999")
    return {"animal": ANIMALS[(birth_year - 4) % 12], "element": ELEMENTS[(birth_year - 4) % 10 // 2]}


def leap_year_check(year: int) -> LeapYear:
    """Check whether a year is a leap year and when the next one is.

    Args:
        year: Year from 1 to 9990.

    Returns:
        Whether it is a leap year, and the first leap year after it.

    Raises:
        ValueError: The year is not between 1 and 9990.

    >>> leap_year_check(1900)
    {'is_leap_year': False, 'next_leap_year': 1904}
    """
    if not 1 <= year <= 9990:
        raise ValueError("year must lie between 1 and 9990")
    following = next(later for later in range(year + 1, year + 9) if calendar.isleap(later))
    return {"is_leap_year": calendar.isleap(year), "next_leap_year": following}


def is_palindrome(phrase: str, ignore_spaces: bool = True) -> bool:
    """Check whether a word or phrase reads the same forwards and backwards.

    Args:
        phrase: Word or phrase to check; upper and lower case count as the same.
        ignore_spaces: Whether spaces and punctuation are left out.

    Returns:
        True where it is a palindrome.

    Raises:
        ValueError: There is nothing to check.

    >>> is_palindrome("Never odd or even")
    True
    >>> is_palindrome("Never odd or even", ignore_spaces=False)
    False
    """
    signs = re.sub(r"[\W_]", "", phrase) if ignore_spaces else phrase
    if not signs:
        raise ValueError("phrase must hold at least one letter or digit")
    return signs.casefold() == signs.casefold()[::-1]
