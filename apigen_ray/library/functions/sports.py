"""Running, rankings and the statistics of ball games."""

from typing import Literal, TypedDict

CATEGORY = "Sports"

__all__ = [
    "batting_average",
    "bowling_score",
    "earned_run_average",
    "golf_score_differential",
    "league_record",
    "olympic_host_cities",
    "passer_rating",
    "predict_race_time",
    "round_robin_schedule",
    "running_pace",
    "update_elo_rating",
]

KILOMETERS_PER_MILE = 1.609344
# Host cities of the Olympic Games, by the year in their name (International Olympic Committee).
SUMMER_GAMES = """
1896 Athens, 1900 Paris, 1904 St. Louis, 1908 London, 1912 Stockholm, 1920 Antwerp, 1924 Paris, 1928 Amsterdam,
1932 Los Angeles, 1936 Berlin, 1948 London, 1952 Helsinki, 1956 Melbourne, 1960 Rome, 1964 Tokyo, 1968 Mexico City,
1972 Munich, 1976 Montreal, 1980 Moscow, 1984 Los Angeles, 1988 Seoul, 1992 Barcelona, 1996 Atlanta, 2000 Sydney,
2004 Athens, 2008 Beijing, 2012 London, 2016 Rio de Janeiro, 2020 Tokyo, 2024 Paris, 2028 Los Angeles, 2032 Brisbane
"""
WINTER_GAMES = """
1924 Chamonix, 1928 St. Moritz, 1932 Lake Placid, 1936 Garmisch-Partenkirchen, 1948 St. Moritz, 1952 Oslo,
1956 Cortina d'Ampezzo, 1960 Squaw Valley, 1964 Innsbruck, 1968 Grenoble, 1972 Sapporo, 1976 Innsbruck,
1980 Lake Placid, 1984 Sarajevo, 1988 Calgary, 1992 Albertville, 1994 Lillehammer, 1998 Nagano, 2002 Salt Lake City,
2006 Turin, 2010 Vancouver, 2014 Sochi, 2018 Pyeongchang, 2022 Beijing, 2026 Milan and Cortina d'Ampezzo
"""
STANDARD_SLOPE = 113  # the slope rating of a golf course of standard difficulty, by the World Handicap System


class Pace(TypedDict):
    """How fast somebody ran."""

    pace: str
    speed_kmh: float


class LeagueRecord(TypedDict):
    """A team's season so far."""

    games: int
    points: int
    points_per_game: float
    win_percent: float


class EloUpdate(TypedDict):
    """A player's rating after a game."""

    expected_score: float
    new_rating: int
    change: int


class OlympicHosts(TypedDict):
    """Where the Olympic Games of a year were held; None where there were none of that season."""

    summer: str | None
    winter: str | None


def running_pace(distance_km: float, time_minutes: float, per: Literal["kilometer", "mile"] = "kilometer") -> Pace:
    """Calculate the running pace for a distance and a finish time.

    Args:
        distance_km: Distance run, in kilometers.
        time_minutes: Time taken, in minutes.
        per: Whether the pace is given per kilometer or per mile.

    Returns:
        The pace as minutes and seconds, and the average speed in km/h.

    Raises:
        ValueError: The distance or the time is not positive.

    >>> running_pace(10, 50)
    {'pace': '5:00', 'speed_kmh': 12.0}
    >>> running_pace(10, 50, per="mile")["pace"]
    '8:03'
    """
    if distance_km <= 0 or time_minutes <= 0:
        raise ValueError("distance_km and time_minutes must be positive")
    length = KILOMETERS_PER_MILE if per == "mile" else 1.0
    minutes, seconds = divmod(round(time_minutes * 60 / distance_km * length), 60)
    return {"pace": f"{minutes}:{seconds:02d}", "speed_kmh": round(distance_km / time_minutes * 60, 2)}


def predict_race_time(known_distance_km: float, known_time_minutes: float, target_distance_km: float) -> str:
    """Predict a runner's finish time for a race from a known result over another distance.

    Uses Riegel's formula: the time grows with the distance to the power 1.06.

    Args:
        known_distance_km: Distance of the known result, in kilometers.
        known_time_minutes: Time of the known result, in minutes.
        target_distance_km: Distance of the race to predict, in kilometers.

    Returns:
        The predicted time as hours:minutes:seconds.

    Raises:
        ValueError: A distance or the time is not positive.

    >>> predict_race_time(10, 50, 21.1)
    '1:50:20'
    """
    if min(known_distance_km, known_time_minutes, target_distance_km) <= 0:
        raise ValueError("distances and time must be positive")
    seconds = round(known_time_minutes * 60 * (target_distance_km / known_distance_km) ** 1.06)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def batting_average(hits: int, at_bats: int) -> float:
    """Calculate a baseball player's batting average.

    Args:
        hits: Number of hits.
        at_bats: Number of times at bat.

    Returns:
        The average, rounded to three places.

    Raises:
        ValueError: There were no at-bats, or more hits than at-bats.

    >>> batting_average(45, 150)
    0.3
    """
    if at_bats <= 0 or not 0 <= hits <= at_bats:
        raise ValueError("hits must lie between 0 and at_bats, and at_bats must be positive")
    return round(hits / at_bats, 3)


def league_record(wins: int, draws: int, losses: int, points_per_win: int = 3) -> LeagueRecord:
    """Work out a team's league points and win rate from its results.

    Args:
        wins: Games won.
        draws: Games drawn; each gives one point.
        losses: Games lost.
        points_per_win: Points for each win.

    Returns:
        Games, points, points per game and the share of games won.

    Raises:
        ValueError: A count is negative, or no game was played.

    >>> league_record(10, 4, 6)
    {'games': 20, 'points': 34, 'points_per_game': 1.7, 'win_percent': 50.0}
    """
    games = wins + draws + losses
    if min(wins, draws, losses, points_per_win) < 0 or games == 0:
        raise ValueError("counts must not be negative, and at least one game must have been played")
    points = wins * points_per_win + draws
    return {
        "games": games,
        "points": points,
        "points_per_game": round(points / games, 2),
        "win_percent": round(100 * wins / games, 1),
    }


def update_elo_rating(
    rating: int, opponent_rating: int, result: Literal["win", "draw", "loss"], k_factor: int = 32
) -> EloUpdate:
    """Update a player's Elo rating after one game.

    Args:
        rating: Rating of the player before the game.
        opponent_rating: Rating of the opponent before the game.
        result: Result of the game for the player.
        k_factor: Largest possible change of the rating.

    Returns:
        The expected score, the new rating and the change.

    Raises:
        ValueError: The k-factor is not positive.

    >>> update_elo_rating(1500, 1500, "win")
    {'expected_score': 0.5, 'new_rating': 1516, 'change': 16}
    """
    if k_factor <= 0:
        raise ValueError("k_factor must be positive")
    gap = max(-4000, min(4000, opponent_rating - rating))
    expected = 1 / (1 + 10 ** (gap / 400))
    change = round(k_factor * ({"win": 1.0, "draw": 0.5, "loss": 0.0}[result] - expected))
    return {"expected_score": round(expected, 3), "new_rating": rating + change, "change": change}


def bowling_score(rolls: list[int]) -> int:
    """Score a complete game of ten-pin bowling.

    Args:
        rolls: Pins knocked down by each roll, in order.

    Returns:
        The total score, from 0 to 300.

    Raises:
        ValueError: The rolls are not one complete game.

    >>> bowling_score([10] * 12)
    300
    >>> bowling_score([9, 0] * 10)
    90
    """
    if any(not 0 <= pins <= 10 for pins in rolls):
        raise ValueError("a roll knocks down 0 to 10 pins")
    score = position = 0
    for _ in range(10):
        strike = rolls[position : position + 1] == [10]
        bonus = strike or sum(rolls[position : position + 2]) == 10
        counted = rolls[position : position + (3 if bonus else 2)]
        if len(counted) < (3 if bonus else 2) or (not strike and sum(counted[:2]) > 10):
            raise ValueError("the rolls are not one complete game of ten frames")
        score += sum(counted)
        last = position + len(counted)
        position += 1 if strike else 2
    if last != len(rolls):
        raise ValueError("there are rolls left after the tenth frame")
    return score


def olympic_host_cities(year: int) -> OlympicHosts:
    """Look up which cities hosted the Summer and Winter Olympic Games of a year.

    Args:
        year: Year of the Games, as in their name.

    Returns:
        The host of the summer and of the winter Games, None where there were none.

    Raises:
        ValueError: No Games were held in that year.

    >>> olympic_host_cities(1992)
    {'summer': 'Barcelona', 'winter': 'Albertville'}
    >>> olympic_host_cities(2012)["summer"]
    'London'
    """

    def host(games: str) -> str | None:
        entries = (entry.split(maxsplit=1) for entry in games.split(","))
        return next((city.strip() for held, city in entries if held == str(year)), None)

    summer, winter = host(SUMMER_GAMES), host(WINTER_GAMES)
    if summer is None and winter is None:
        raise ValueError(f"no Olympic Games were held in {year}")
    return {"summer": summer, "winter": winter}


def golf_score_differential(adjusted_gross_score: int, course_rating: float, slope_rating: int) -> float:
    """Calculate the score differential of a round of golf, from which a handicap is made.

    Args:
        adjusted_gross_score: Strokes of the round.
        course_rating: Rating of the course: the strokes that a scratch golfer needs.
        slope_rating: Slope rating of the course, from 55 to 155.

    Returns:
        The score differential by the World Handicap System, for 18 holes.

    Raises:
        ValueError: The score or the course rating is not positive, or the slope rating is not 55 to 155.

    >>> golf_score_differential(92, 71.5, 125)
    18.5
    """
    if adjusted_gross_score <= 0 or course_rating <= 0 or not 55 <= slope_rating <= 155:
        raise ValueError("score and course_rating must be positive, slope_rating between 55 and 155")
    return round((adjusted_gross_score - course_rating) * STANDARD_SLOPE / slope_rating, 1)


def passer_rating(completions: int, attempts: int, passing_yards: int, touchdowns: int, interceptions: int) -> float:
    """Calculate a quarterback's passer rating by the formula of the NFL.

    Args:
        completions: Passes that were caught.
        attempts: Passes that were thrown.
        passing_yards: Yards gained by passing.
        touchdowns: Touchdown passes.
        interceptions: Passes that were intercepted.

    Returns:
        The rating, from 0 to 158.3.

    Raises:
        ValueError: No pass was thrown, or a count is negative or above the attempts.

    >>> passer_rating(20, 30, 250, 2, 1)
    100.7
    """
    if attempts < 1 or min(completions, touchdowns, interceptions) < 0 or completions + interceptions > attempts:
        raise ValueError("attempts must be positive, and the other counts neither negative nor above the attempts")
    parts = (
        (completions / attempts - 0.3) * 5,
        (passing_yards / attempts - 3) / 4,
        touchdowns / attempts * 20,
        2.375 - interceptions / attempts * 25,
    )
    return round(sum(max(0.0, min(2.375, part)) for part in parts) / 6 * 100, 1)


def earned_run_average(earned_runs: int, innings_pitched: float) -> float:
    """Calculate a baseball pitcher's earned run average over nine innings.

    Args:
        earned_runs: Earned runs that the pitcher allowed.
        innings_pitched: Innings pitched, the digit after the point counting outs: 6.1 is six and a third.

    Returns:
        Earned runs for nine innings, rounded to two places.

    Raises:
        ValueError: The runs are negative, no inning was pitched, or the digit after the point is not 0, 1 or 2.

    >>> earned_run_average(21, 63.1)
    2.98
    """
    innings, outs = divmod(round(innings_pitched * 10), 10)
    if earned_runs < 0 or innings < 0 or outs > 2 or innings + outs == 0:
        raise ValueError("earned_runs must not be negative, innings_pitched positive and end in .0, .1 or .2")
    return round(9 * earned_runs / (innings + outs / 3), 2)


def round_robin_schedule(teams: list[str]) -> list[list[str]]:
    """Draw up the rounds of a tournament in which every team plays every other team once.

    Args:
        teams: Names of the teams or players.

    Returns:
        For each round its games, such as "Lions - Bears"; with an odd number, one team rests in each round.

    Raises:
        ValueError: There are fewer than two or more than 20 teams, or a name occurs twice.

    >>> round_robin_schedule(["Lions", "Bears", "Hawks"])
    [['Bears - Hawks'], ['Lions - Hawks'], ['Lions - Bears']]
    """
    if not 2 <= len(teams) <= 20 or len(set(teams)) < len(teams):
        raise ValueError("2 to 20 teams of different names are needed")
    # The circle method: the first stays, the others move on by one place a round; None stands for a rest.
    circle: list[str | None] = [*teams, *([None] if len(teams) % 2 else [])]
    rounds = []
    for _ in range(len(circle) - 1):
        pairs = [(circle[place], circle[-1 - place]) for place in range(len(circle) // 2)]
        rounds.append([f"{home} - {guest}" for home, guest in pairs if home is not None and guest is not None])
        circle = [circle[0], circle[-1], *circle[1:-1]]
    return rounds
