"""Films, series, star signs, ratings, tickets and lotteries."""

import math
from datetime import date, time, timedelta
from typing import Literal, TypedDict

CATEGORY = "Entertainment"

__all__ = [
    "average_star_rating",
    "best_picture_winner",
    "binge_watch_plan",
    "can_watch_movie",
    "episode_air_date",
    "film_in_series",
    "lottery_odds",
    "movie_marathon_end",
    "ticket_order_total",
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

# Winners of the Academy Award for Best Picture from the ceremony of 1970 on, year by year (Academy Awards Database).
FIRST_CEREMONY = 1970
BEST_PICTURES = (
    "Midnight Cowboy; Patton; The French Connection; The Godfather; The Sting; The Godfather Part II; "
    "One Flew Over the Cuckoo's Nest; Rocky; Annie Hall; The Deer Hunter; Kramer vs. Kramer; Ordinary People; "
    "Chariots of Fire; Gandhi; Terms of Endearment; Amadeus; Out of Africa; Platoon; The Last Emperor; Rain Man; "
    "Driving Miss Daisy; Dances with Wolves; The Silence of the Lambs; Unforgiven; Schindler's List; Forrest Gump; "
    "Braveheart; The English Patient; Titanic; Shakespeare in Love; American Beauty; Gladiator; A Beautiful Mind; "
    "Chicago; The Lord of the Rings: The Return of the King; Million Dollar Baby; Crash; The Departed; "
    "No Country for Old Men; Slumdog Millionaire; The Hurt Locker; The King's Speech; The Artist; Argo; "
    "12 Years a Slave; Birdman; Spotlight; Moonlight; The Shape of Water; Green Book; Parasite; Nomadland; CODA; "
    "Everything Everywhere All at Once; Oppenheimer; Anora"
).split("; ")

# Youngest age admitted alone and with a parent, and what the rating says (Motion Picture Association).
FILM_RATINGS = {
    "G": (0, 0, "general audiences, all ages admitted"),
    "PG": (0, 0, "parental guidance suggested"),
    "PG-13": (0, 0, "parents strongly cautioned, some material may not suit children under 13"),
    "R": (17, 0, "restricted, under 17 only with a parent or guardian"),
    "NC-17": (18, 18, "adults only, no one 17 and under admitted"),
}

# The films of a series in the order of their release, with the year.
FILM_SERIES = {
    "Back to the Future": "1985 Back to the Future; 1989 Back to the Future Part II; 1990 Back to the Future Part III",
    "Harry Potter": (
        "2001 Harry Potter and the Philosopher's Stone; 2002 Harry Potter and the Chamber of Secrets; "
        "2004 Harry Potter and the Prisoner of Azkaban; 2005 Harry Potter and the Goblet of Fire; "
        "2007 Harry Potter and the Order of the Phoenix; 2009 Harry Potter and the Half-Blood Prince; "
        "2010 Harry Potter and the Deathly Hallows, Part 1; 2011 Harry Potter and the Deathly Hallows, Part 2"
    ),
    "Indiana Jones": (
        "1981 Raiders of the Lost Ark; 1984 Indiana Jones and the Temple of Doom; "
        "1989 Indiana Jones and the Last Crusade; 2008 Indiana Jones and the Kingdom of the Crystal Skull; "
        "2023 Indiana Jones and the Dial of Destiny"
    ),
    "The Hobbit": (
        "2012 The Hobbit: An Unexpected Journey; 2013 The Hobbit: The Desolation of Smaug; "
        "2014 The Hobbit: The Battle of the Five Armies"
    ),
    "The Lord of the Rings": ("2001 The Fellowship of the Ring; 2002 The Two Towers; 2003 The Return of the King"),
    "The Matrix": (
        "1999 The Matrix; 2003 The Matrix Reloaded; 2003 The Matrix Revolutions; 2021 The Matrix Resurrections"
    ),
    "Toy Story": "1995 Toy Story; 1999 Toy Story 2; 2010 Toy Story 3; 2019 Toy Story 4",
}


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


class Admission(TypedDict):
    """Whether a person may see a film."""

    admitted: bool
    rating_meaning: str


class Film(TypedDict):
    """One film of a series."""

    title: str
    year: int


class TicketOrder(TypedDict):
    """What tickets cost."""

    tickets: float
    fees: float
    total: float


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


def best_picture_winner(ceremony_year: int) -> str:
    """Name the film that won the Academy Award (Oscar) for Best Picture in a year.

    Args:
        ceremony_year: Year of the ceremony, from 1970 to 2025; mostly the year after the film came out.

    Returns:
        The title of the film.

    Raises:
        ValueError: The year is not between 1970 and 2025.

    >>> best_picture_winner(1998)
    'Titanic'
    >>> best_picture_winner(2020)
    'Parasite'
    """
    if not 0 <= ceremony_year - FIRST_CEREMONY < len(BEST_PICTURES):
        raise ValueError("ceremony_year must lie between 1970 and 2025")
    return BEST_PICTURES[ceremony_year - FIRST_CEREMONY]


def can_watch_movie(
    age: int, film_rating: Literal["G", "PG", "PG-13", "R", "NC-17"], with_parent: bool = False
) -> Admission:
    """Check whether a person of some age may see a film with a US film rating in the cinema.

    Args:
        age: Age in years.
        film_rating: Rating of the film.
        with_parent: Whether a parent or guardian comes along.

    Returns:
        Whether the person is admitted, and what the rating means.

    Raises:
        ValueError: The age is not between 0 and 120.

    >>> can_watch_movie(15, "R")
    {'admitted': False, 'rating_meaning': 'restricted, under 17 only with a parent or guardian'}
    >>> can_watch_movie(15, "R", with_parent=True)["admitted"]
    True
    """
    if not 0 <= age <= 120:
        raise ValueError("age must lie between 0 and 120")
    alone, accompanied, meaning = FILM_RATINGS[film_rating]
    return {"admitted": age >= (accompanied if with_parent else alone), "rating_meaning": meaning}


def film_in_series(
    series: Literal[
        "Back to the Future",
        "Harry Potter",
        "Indiana Jones",
        "The Hobbit",
        "The Lord of the Rings",
        "The Matrix",
        "Toy Story",
    ],
    film_number: int,
) -> Film:
    """Tell the title and the year of a film by its place in a film series, such as the second Toy Story.

    Args:
        series: Name of the series.
        film_number: Place of the film in the order of release, from 1.

    Returns:
        The title and the year of release.

    Raises:
        ValueError: The series has no film of that number.

    >>> film_in_series("Indiana Jones", 3)
    {'title': 'Indiana Jones and the Last Crusade', 'year': 1989}
    """
    films = FILM_SERIES[series].split("; ")
    if not 1 <= film_number <= len(films):
        raise ValueError(f"{series} has {len(films)} films")
    film = films[film_number - 1]
    return {"title": film[5:], "year": int(film[:4])}


def episode_air_date(premiere_date: str, episode_number: int, episodes_at_premiere: int = 1) -> str:
    """Find the day on which an episode of a weekly TV series is shown.

    Args:
        premiere_date: Day of the first episode as YYYY-MM-DD.
        episode_number: Number of the episode.
        episodes_at_premiere: How many episodes are shown together on the first day.

    Returns:
        The date as YYYY-MM-DD.

    Raises:
        ValueError: The text is not a date, or a number is not between 1 and 1000.

    >>> episode_air_date("2024-09-12", 8, episodes_at_premiere=2)
    '2024-10-24'
    """
    if not 1 <= episode_number <= 1000 or not 1 <= episodes_at_premiere <= 1000:
        raise ValueError("the numbers of episodes must lie between 1 and 1000")
    day = date.fromisoformat(premiere_date) + timedelta(weeks=max(0, episode_number - episodes_at_premiere))
    return day.isoformat()


def ticket_order_total(
    ticket_price: float, ticket_count: int, service_fee_percent: float = 10.0, order_fee: float = 0.0
) -> TicketOrder:
    """Calculate what tickets for a concert or show cost with all fees.

    Args:
        ticket_price: Price of one ticket.
        ticket_count: Number of tickets.
        service_fee_percent: Fee on each ticket in percent of its price.
        order_fee: Fee for the whole order.

    Returns:
        The price of the tickets, the fees and the total.

    Raises:
        ValueError: An amount is negative, or there is no ticket.

    >>> ticket_order_total(60, 2, order_fee=5)
    {'tickets': 120, 'fees': 17.0, 'total': 137.0}
    """
    if ticket_count < 1 or min(ticket_price, service_fee_percent, order_fee) < 0:
        raise ValueError("at least one ticket is needed, and amounts must not be negative")
    tickets = ticket_price * ticket_count
    fees = tickets * service_fee_percent / 100 + order_fee
    return {"tickets": round(tickets, 2), "fees": round(fees, 2), "total": round(tickets + fees, 2)}
