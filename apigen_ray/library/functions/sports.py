"""Running, rankings and the statistics of ball games."""

from typing import Literal, TypedDict

CATEGORY = "Sports"

__all__ = [
    "batting_average",
    "bowling_score",
    "league_record",
    "predict_race_time",
    "running_pace",
    "update_elo_rating",
]

KILOMETERS_PER_MILE = 1.609344


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
