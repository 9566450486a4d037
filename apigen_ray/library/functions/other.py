"""Calendars, holidays, lists and curiosities that fit no other category."""

import calendar
import re
from datetime import date, timedelta
from typing import Literal, TypedDict

CATEGORY = "Other"

__all__ = [
    "birthstone_and_flower",
    "chinese_zodiac_animal",
    "easter_sunday",
    "friday_the_thirteenths",
    "is_palindrome",
    "leap_year_check",
    "life_path_number",
    "us_holiday_date",
    "us_state_facts",
    "wedding_anniversary_gift",
]

ANIMALS = ("Rat", "Ox", "Tiger", "Rabbit", "Dragon", "Snake", "Horse", "Goat", "Monkey", "Rooster", "Dog", "Pig")
ELEMENTS = ("Wood", "Fire", "Earth", "Metal", "Water")
MONTHS = calendar.month_name[1:]
# Stones: of the American Gem Trade Association's list, one a month. Flowers: the ones named first in most lists.
STONES = "garnet amethyst aquamarine diamond emerald pearl ruby peridot sapphire opal topaz turquoise".split()
FLOWERS = (
    "carnation, violet, daffodil, daisy, lily of the valley, rose, larkspur, gladiolus, aster, marigold, "
    "chrysanthemum, narcissus"
).split(", ")
# Anniversaries and their gifts, as the Chicago Public Library lists them, each without its alternatives.
GIFT_YEARS = (*range(1, 16), *range(20, 61, 5))
GIFTS = {
    "traditional": (
        "paper, cotton, leather, linen, wood, iron, wool, bronze, pottery, tin, steel, silk, lace, ivory, crystal, "
        "china, silver, pearl, coral, ruby, sapphire, gold, emerald, diamond"
    ).split(", "),
    "modern": (
        "clocks, china, crystal and glass, appliances, silverware, wood, desk sets, linens and lace, leather, diamond, "
        "fashion jewelry, pearls, textiles and furs, gold jewelry, watches, platinum, sterling silver, diamond, jade, "
        "ruby, sapphire, gold, emerald, diamond"
    ).split(", "),
}
# State, postal abbreviation, capital, and the year in which it joined the Union.
STATES = """
Alabama/AL/Montgomery/1819; Alaska/AK/Juneau/1959; Arizona/AZ/Phoenix/1912; Arkansas/AR/Little Rock/1836;
California/CA/Sacramento/1850; Colorado/CO/Denver/1876; Connecticut/CT/Hartford/1788; Delaware/DE/Dover/1787;
Florida/FL/Tallahassee/1845; Georgia/GA/Atlanta/1788; Hawaii/HI/Honolulu/1959; Idaho/ID/Boise/1890;
Illinois/IL/Springfield/1818; Indiana/IN/Indianapolis/1816; Iowa/IA/Des Moines/1846; Kansas/KS/Topeka/1861;
Kentucky/KY/Frankfort/1792; Louisiana/LA/Baton Rouge/1812; Maine/ME/Augusta/1820; Maryland/MD/Annapolis/1788;
Massachusetts/MA/Boston/1788; Michigan/MI/Lansing/1837; Minnesota/MN/Saint Paul/1858; Mississippi/MS/Jackson/1817;
Missouri/MO/Jefferson City/1821; Montana/MT/Helena/1889; Nebraska/NE/Lincoln/1867; Nevada/NV/Carson City/1864;
New Hampshire/NH/Concord/1788; New Jersey/NJ/Trenton/1787; New Mexico/NM/Santa Fe/1912; New York/NY/Albany/1788;
North Carolina/NC/Raleigh/1789; North Dakota/ND/Bismarck/1889; Ohio/OH/Columbus/1803; Oklahoma/OK/Oklahoma City/1907;
Oregon/OR/Salem/1859; Pennsylvania/PA/Harrisburg/1787; Rhode Island/RI/Providence/1790;
South Carolina/SC/Columbia/1788; South Dakota/SD/Pierre/1889; Tennessee/TN/Nashville/1796; Texas/TX/Austin/1845;
Utah/UT/Salt Lake City/1896; Vermont/VT/Montpelier/1791; Virginia/VA/Richmond/1788; Washington/WA/Olympia/1889;
West Virginia/WV/Charleston/1863; Wisconsin/WI/Madison/1848; Wyoming/WY/Cheyenne/1890
"""
# Holiday: month, weekday with Monday as 0, and which one of the month, the last as -1 (5 U.S.C. 6103, and custom).
HOLIDAYS = {
    "Martin Luther King Day": (1, 0, 2),
    "Presidents Day": (2, 0, 2),
    "Mother's Day": (5, 6, 1),
    "Memorial Day": (5, 0, -1),
    "Father's Day": (6, 6, 2),
    "Labor Day": (9, 0, 0),
    "Columbus Day": (10, 0, 1),
    "Thanksgiving": (11, 3, 3),
}


class ZodiacYear(TypedDict):
    """A year of the Chinese zodiac."""

    animal: str
    element: str


class LeapYear(TypedDict):
    """Whether a year is a leap year."""

    is_leap_year: bool
    next_leap_year: int


class MonthSymbols(TypedDict):
    """What stands for a month of birth."""

    birthstone: str
    flower: str


class StateFacts(TypedDict):
    """Facts about a state of the United States."""

    name: str
    abbreviation: str
    capital: str
    statehood_year: int


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


def birthstone_and_flower(
    birth_month: Literal[
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
) -> MonthSymbols:
    """Look up the birthstone and the birth flower of a month.

    Args:
        birth_month: Month of birth.

    Returns:
        The stone and the flower.

    >>> birthstone_and_flower("May")
    {'birthstone': 'emerald', 'flower': 'lily of the valley'}
    """
    place = MONTHS.index(birth_month)
    return {"birthstone": STONES[place], "flower": FLOWERS[place]}


def wedding_anniversary_gift(years_married: int, tradition: Literal["traditional", "modern"] = "traditional") -> str:
    """Look up what is given for a wedding anniversary, such as silver after 25 years.

    Args:
        years_married: Years of marriage: 1 to 15, or a multiple of five up to 60.
        tradition: Whether the traditional or the modern list is asked for.

    Returns:
        The gift or its material.

    Raises:
        ValueError: The lists have no gift for that anniversary.

    >>> wedding_anniversary_gift(25)
    'silver'
    >>> wedding_anniversary_gift(1, tradition="modern")
    'clocks'
    """
    if years_married not in GIFT_YEARS:
        raise ValueError("gifts are listed for 1 to 15 years and for every fifth year from 20 to 60")
    return GIFTS[tradition][GIFT_YEARS.index(years_married)]


def life_path_number(birth_date: str) -> int:
    """Find the numerologists' life path number of a date of birth.

    Args:
        birth_date: Date of birth as YYYY-MM-DD.

    Returns:
        The digits of the date added up, again and again, until one digit or 11, 22 or 33 is left.

    Raises:
        ValueError: The text is not a date.

    >>> life_path_number("1990-06-15")
    4
    """
    total = sum(int(digit) for digit in date.fromisoformat(birth_date).strftime("%Y%m%d"))
    while total > 9 and total not in (11, 22, 33):
        total = sum(int(digit) for digit in str(total))
    return total


def friday_the_thirteenths(year: int) -> list[str]:
    """List every Friday the 13th of a year.

    Args:
        year: Year from 1583 to 9999.

    Returns:
        The dates as YYYY-MM-DD, one to three of them.

    Raises:
        ValueError: The year is not between 1583 and 9999.

    >>> friday_the_thirteenths(2026)
    ['2026-02-13', '2026-03-13', '2026-11-13']
    """
    if not 1583 <= year <= 9999:
        raise ValueError("year must lie between 1583 and 9999")
    days = [date(year, month, 13) for month in range(1, 13)]
    return [day.isoformat() for day in days if day.weekday() == calendar.FRIDAY]


def us_state_facts(state: str) -> StateFacts:
    """Look up the capital, the abbreviation and the year of statehood of a state of the United States.

    Args:
        state: Name or postal abbreviation of the state, such as "Ohio" or "OH".

    Returns:
        Its name, abbreviation, capital and the year in which it joined the Union.

    Raises:
        ValueError: There is no such state.

    >>> us_state_facts("Texas")
    {'name': 'Texas', 'abbreviation': 'TX', 'capital': 'Austin', 'statehood_year': 1845}
    """
    wanted = " ".join(state.casefold().split())
    for row in STATES.split(";"):
        name, abbreviation, capital, admitted = row.strip().split("/")
        if wanted in (name.casefold(), abbreviation.casefold()):
            return {
                "name": name,
                "abbreviation": abbreviation,
                "capital": capital,
                "statehood_year": int(admitted),
            }
    raise ValueError(f"{state!r} is not a state of the United States")


def us_holiday_date(
    holiday: Literal[
        "Martin Luther King Day",
        "Presidents Day",
        "Mother's Day",
        "Memorial Day",
        "Father's Day",
        "Labor Day",
        "Columbus Day",
        "Thanksgiving",
    ],
    year: int,
) -> str:
    """Find the date on which a holiday of the United States that moves from year to year is celebrated.

    Args:
        holiday: The holiday.
        year: Year from 1971 to 9999; the rules of today are used.

    Returns:
        The date as YYYY-MM-DD.

    Raises:
        ValueError: The year is not between 1971 and 9999.

    >>> us_holiday_date("Thanksgiving", 2025)
    '2025-11-27'
    >>> us_holiday_date("Memorial Day", 2024)
    '2024-05-27'
    """
    if not 1971 <= year <= 9999:
        raise ValueError("year must lie between 1971 and 9999")
    month, weekday, place = HOLIDAYS[holiday]
    days = [date(year, month, day) for day in range(1, calendar.monthrange(year, month)[1] + 1)]
    return [day for day in days if day.weekday() == weekday][place].isoformat()
