"""Film nights, series, star signs, ratings and lotteries."""

import math
from datetime import date, time
from typing import TypedDict

CATEGORY = "Entertainment"

__all__ = [
    "average_star_rating",
    "binge_watch_plan",
    "lottery_odds",
    "movie_marathon_end",
    "zodiac_sign",
]

# The last day of each sign, as (month, day), through the year.
SIGN_ENDS = (
    ((1, 19), "Capricorn"),
    ((2, 18), "Aquarius"),
    ((3, 20), "Pisces"),
    ((4, 19), "Aries"),
    ((5, 20), "Taurus"),
    ((6, 20), "Gemini"),
    ((7, 22), "Cancer"),
    ((8, 22), "Leo"),
    ((9, 22), "Virgo"),
    ((10, 22), "Libra"),
    ((11, 21), "Scorpio"),
    ((12, 21), "Sagittarius"),
    ((12, 31), "Capricorn"),
)


class Marathon(TypedDict):
    """How a film night runs."""

    total_minutes: int
    end_time: str
    days_later: int


class BingePlan(TypedDict):
    """How long a series lasts."""

    total_hours: float
    days: int


class StarRating(TypedDict):
    """A rating out of five stars."""

    votes: int
    average: float


def movie_marathon_end(start_time: str, movie_minutes: list[int], break_minutes: int = 15) -> Marathon:
    """Work out when a movie marathon ends, with a break between the movies.

    Args:
        start_time: Time at which the first movie begins, as HH:MM on a 24-hour clock.
        movie_minutes: Length of each movie in minutes.
        break_minutes: Length of each break in minutes.

    Returns:
        The whole length, the time at which the last movie ends and how many days later that is.

    Raises:
        ValueError: There is no movie, a length is not positive, or the time is not HH:MM.

    >>> movie_marathon_end("18:00", [120, 135, 110], break_minutes=20)
    {'total_minutes': 405, 'end_time': '00:45', 'days_later': 1}
    """
    if not movie_minutes or min(movie_minutes) <= 0 or break_minutes < 0:
        raise ValueError("at least one movie is needed, and lengths must be positive")
    start = time.fromisoformat(start_time)
    total = sum(movie_minutes) + break_minutes * (len(movie_minutes) - 1)
    days_later, minutes = divmod(start.hour * 60 + start.minute + total, 1440)
    return {
        "total_minutes": total,
        "end_time": f"{minutes // 60:02d}:{minutes % 60:02d}",
        "days_later": days_later,
    }


def binge_watch_plan(episodes: int, minutes_per_episode: int, hours_per_day: float = 2.0) -> BingePlan:
    """Calculate how many days it takes to watch a whole TV series.

    Args:
        episodes: Number of episodes.
        minutes_per_episode: Length of an episode in minutes.
        hours_per_day: Hours spent watching each day.

    Returns:
        The hours in all and the number of days.

    Raises:
        ValueError: A figure is not positive, or a day has more than 24 hours.

    >>> binge_watch_plan(62, 47, hours_per_day=3)
    {'total_hours': 48.57, 'days': 17}
    """
    if episodes < 1 or minutes_per_episode < 1 or not 0 < hours_per_day <= 24:
        raise ValueError("figures must be positive and a day has at most 24 hours")
    hours = episodes * minutes_per_episode / 60
    return {"total_hours": round(hours, 2), "days": math.ceil(round(hours / hours_per_day, 9))}


def zodiac_sign(birth_date: str) -> str:
    """Find the star sign of a person from the date of birth.

    Args:
        birth_date: Date of birth as YYYY-MM-DD.

    Returns:
        The name of the sign in the western zodiac.

    Raises:
        ValueError: The text is not a date.

    >>> zodiac_sign("1994-08-25")
    'Virgo'
    >>> zodiac_sign("2001-12-30")
    'Capricorn'
    """
    born = date.fromisoformat(birth_date)
    return next(sign for end, sign in SIGN_ENDS if (born.month, born.day) <= end)


def average_star_rating(star_counts: list[int]) -> StarRating:
    """Calculate the average star rating from the number of votes for one to five stars.

    Args:
        star_counts: Number of votes for 1, 2, 3, 4 and 5 stars, in this order.

    Returns:
        The number of votes and their average.

    Raises:
        ValueError: There are not exactly five counts, one is negative, or there are no votes.

    >>> average_star_rating([1, 0, 2, 3, 4])
    {'votes': 10, 'average': 3.9}
    """
    if len(star_counts) != 5 or min(star_counts) < 0 or not any(star_counts):
        raise ValueError("five counts are needed, none negative and not all zero")
    votes = sum(star_counts)
    return {"votes": votes, "average": round(sum(star * n for star, n in enumerate(star_counts, 1)) / votes, 2)}


def lottery_odds(pool_size: int, numbers_drawn: int, bonus_pool_size: int = 1) -> int:
    """Calculate the odds of winning the jackpot of a lottery.

    Args:
        pool_size: How many numbers there are to choose from.
        numbers_drawn: How many of them are drawn.
        bonus_pool_size: How many bonus balls there are to choose one from; 1 where there is no bonus ball.

    Returns:
        N, where the chance to win is 1 in N.

    Raises:
        ValueError: More numbers are drawn than there are, or a size is not positive or above 1000.

    >>> lottery_odds(49, 6)
    13983816
    >>> lottery_odds(69, 5, bonus_pool_size=26)
    292201338
    """
    if not 1 <= numbers_drawn <= pool_size <= 1000 or not 1 <= bonus_pool_size <= 1000:
        raise ValueError("numbers_drawn must lie between 1 and pool_size, and pools between 1 and 1000")
    return math.comb(pool_size, numbers_drawn) * bonus_pool_size
