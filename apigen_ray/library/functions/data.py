"""Statistics, forecasts, cleaning and comparison of small lists, tables and texts."""

import math
import statistics
from typing import Literal, TypedDict

CATEGORY = "Data"

__all__ = [
    "correlation_coefficient",
    "edit_distance",
    "find_outliers",
    "forecast_next_values",
    "moving_average",
    "normalize_numbers",
    "percentile_value",
    "remove_duplicates",
    "summarize_numbers",
    "survey_sample_size",
    "total_by_group",
]

# Two-sided quantiles of the normal distribution, by confidence in percent.
QUANTILES = {90: 1.6449, 95: 1.96, 99: 2.5758}


class NumberSummary(TypedDict):
    """Descriptive statistics of a list of numbers."""

    count: int
    total: float
    mean: float
    median: float
    standard_deviation: float
    minimum: float
    maximum: float


class Forecast(TypedDict):
    """A straight line through a series, and where it leads."""

    slope: float
    forecast: list[float]


class TextDifference(TypedDict):
    """How far two texts are apart."""

    edits: int
    similarity_percent: float


def summarize_numbers(numbers: list[float]) -> NumberSummary:
    """Compute the mean, median, standard deviation and range of a list of numbers.

    Args:
        numbers: The numbers to describe.

    Returns:
        The statistics; the standard deviation is that of a population.

    Raises:
        ValueError: The list is empty.

    >>> summary = summarize_numbers([2, 4, 4, 4, 5, 5, 7, 9])
    >>> summary["mean"], summary["median"], summary["standard_deviation"]
    (5.0, 4.5, 2.0)
    """
    if not numbers:
        raise ValueError("numbers must not be empty")
    return {
        "count": len(numbers),
        "total": round(math.fsum(numbers), 6),
        "mean": round(statistics.fmean(numbers), 6),
        "median": statistics.median(numbers),
        "standard_deviation": round(statistics.pstdev(numbers), 6),
        "minimum": min(numbers),
        "maximum": max(numbers),
    }


def find_outliers(numbers: list[float], fence: float = 1.5) -> list[float]:
    """Find the numbers in a list that lie unusually far from the others.

    Args:
        numbers: At least four numbers.
        fence: How many interquartile ranges below the first or above the third quartile still count as usual.

    Returns:
        The outliers, in the order of the list.

    Raises:
        ValueError: There are fewer than four numbers, or the fence is not positive.

    >>> find_outliers([10, 12, 11, 13, 12, 95])
    [95]
    """
    if len(numbers) < 4:
        raise ValueError("at least four numbers are needed")
    if fence <= 0:
        raise ValueError("fence must be positive")
    first, _, third = statistics.quantiles(numbers, n=4, method="inclusive")
    reach = fence * (third - first)
    return [number for number in numbers if not first - reach <= number <= third + reach]


def moving_average(numbers: list[float], window: int) -> list[float]:
    """Smooth a series of numbers with a moving average.

    Args:
        numbers: The series, in order.
        window: How many neighbouring numbers each average covers.

    Returns:
        The averages, one for each full window.

    Raises:
        ValueError: The window is smaller than 1 or longer than the series.

    >>> moving_average([10, 20, 30, 40], 2)
    [15.0, 25.0, 35.0]
    """
    if not 1 <= window <= len(numbers):
        raise ValueError("window must lie between 1 and the length of the series")
    return [round(math.fsum(numbers[i : i + window]) / window, 6) for i in range(len(numbers) - window + 1)]


def correlation_coefficient(x_values: list[float], y_values: list[float]) -> float:
    """Calculate the Pearson correlation between two series of numbers.

    Args:
        x_values: The first series.
        y_values: The second series, as long as the first.

    Returns:
        The correlation, from -1 to 1.

    Raises:
        ValueError: The series differ in length, are shorter than two, or one of them is constant.

    >>> correlation_coefficient([1, 2, 3], [2, 4, 6])
    1.0
    >>> correlation_coefficient([1, 2, 3, 4], [4, 3, 2, 1])
    -1.0
    """
    if len(x_values) != len(y_values) or len(x_values) < 2:
        raise ValueError("both series must have the same length, of at least two")
    if len(set(x_values)) == 1 or len(set(y_values)) == 1:
        raise ValueError("a constant series has no correlation")
    return round(statistics.correlation(x_values, y_values), 6)


def remove_duplicates(items: list[str], ignore_case: bool = False) -> list[str]:
    """Remove repeated entries from a list of words and keep the first of each.

    Args:
        items: The words, in order.
        ignore_case: Whether words that differ only in upper and lower case count as the same.

    Returns:
        The list without repetitions, in its order.

    >>> remove_duplicates(["apple", "pear", "apple"])
    ['apple', 'pear']
    >>> remove_duplicates(["Red", "red", "blue"], ignore_case=True)
    ['Red', 'blue']
    """
    first_seen: dict[str, str] = {}
    for item in items:
        first_seen.setdefault(item.casefold() if ignore_case else item, item)
    return list(first_seen.values())


def total_by_group(rows: list[dict[str, str | float]], group_key: str, value_key: str) -> dict[str, float]:
    """Add up one field of a table of records for each value of another field.

    Args:
        rows: The records; each has both fields.
        group_key: Name of the field to group by.
        value_key: Name of the numeric field to add up.

    Returns:
        The total of each group, in the order in which the groups appear.

    Raises:
        ValueError: A record lacks one of the fields, or its value is not a number.

    >>> sales = [{"region": "north", "amount": 10}, {"region": "south", "amount": 5}, {"region": "north", "amount": 7}]
    >>> total_by_group(sales, "region", "amount")
    {'north': 17, 'south': 5}
    """
    totals: dict[str, float] = {}
    for position, row in enumerate(rows, start=1):
        if group_key not in row or value_key not in row:
            raise ValueError(f"record {position} lacks {group_key!r} or {value_key!r}")
        value = row[value_key]
        if isinstance(value, str):
            raise ValueError(f"record {position} has no number in {value_key!r}")
        group = str(row[group_key])
        totals[group] = totals.get(group, 0) + value
    return totals


def percentile_value(numbers: list[float], percent: float) -> float:
    """Find the value below which a given percentage of a list of numbers lies.

    Args:
        numbers: The numbers, in any order.
        percent: Percentile from 0 to 100, for example 90.

    Returns:
        The percentile, interpolated between the two nearest numbers.

    Raises:
        ValueError: The list is empty, or the percentile is not between 0 and 100.

    >>> percentile_value([15, 20, 35, 40, 50], 75)
    40.0
    """
    if not numbers or not 0 <= percent <= 100:
        raise ValueError("numbers must not be empty, and percent must lie between 0 and 100")
    ordered = sorted(numbers)
    place = (len(ordered) - 1) * percent / 100
    below = min(int(place), len(ordered) - 1)
    above = min(below + 1, len(ordered) - 1)
    return round(ordered[below] + (ordered[above] - ordered[below]) * (place - below), 6)


def forecast_next_values(past_values: list[float], steps_ahead: int = 1) -> Forecast:
    """Forecast the next values of a series, such as monthly sales, with a straight trend line.

    Args:
        past_values: Values at equal distances in time, the oldest first.
        steps_ahead: How many values to forecast.

    Returns:
        By how much the line rises at each step, and the values that it comes to.

    Raises:
        ValueError: There are fewer than two values, or the steps are not between 1 and 100.

    >>> forecast_next_values([10, 12, 14, 16], steps_ahead=2)
    {'slope': 2.0, 'forecast': [18.0, 20.0]}
    """
    if len(past_values) < 2 or not 1 <= steps_ahead <= 100:
        raise ValueError("at least two values are needed, and steps_ahead must lie between 1 and 100")
    times = range(len(past_values))
    slope, start = statistics.linear_regression(times, past_values)
    ahead = range(len(past_values), len(past_values) + steps_ahead)
    return {"slope": round(slope, 4), "forecast": [round(start + slope * time, 4) for time in ahead]}


def normalize_numbers(numbers: list[float], method: Literal["min-max", "z-score", "share"] = "min-max") -> list[float]:
    """Scale a list of numbers so that they can be compared with others.

    Args:
        numbers: The numbers to scale.
        method: To the range from 0 to 1, to distances from the mean in standard deviations, or to shares of the sum.

    Returns:
        The scaled numbers in the same order.

    Raises:
        ValueError: The numbers are empty or all the same, or have no sum to take shares of.

    >>> normalize_numbers([10, 15, 20])
    [0.0, 0.5, 1.0]
    >>> normalize_numbers([2, 3, 5], method="share")
    [0.2, 0.3, 0.5]
    """
    if method == "share":
        offset, scale = 0.0, math.fsum(numbers)
    elif numbers and method == "min-max":
        offset, scale = min(numbers), max(numbers) - min(numbers)
    else:
        offset, scale = (statistics.fmean(numbers), statistics.pstdev(numbers)) if numbers else (0.0, 0.0)
    if scale == 0:
        raise ValueError("numbers must not be empty, all the same or without a sum")
    return [round((number - offset) / scale, 4) for number in numbers]


def survey_sample_size(
    population: int, margin_percent: float = 5.0, confidence_percent: Literal[90, 95, 99] = 95
) -> int:
    """Calculate how many people a survey has to ask for a wanted margin of error.

    Args:
        population: Number of people that the survey is about.
        margin_percent: Margin of error in percent, for example 5.
        confidence_percent: How sure the result is to be, in percent.

    Returns:
        The smallest number of answers, for a question whose outcome is not known before.

    Raises:
        ValueError: The population is not positive, or the margin not between 0 and 50 percent.

    >>> survey_sample_size(10000)
    370
    """
    if population < 1 or not 0 < margin_percent <= 50:
        raise ValueError("population must be positive, and margin_percent above 0 and at most 50")
    unlimited = (QUANTILES[confidence_percent] / (2 * margin_percent / 100)) ** 2
    return math.ceil(unlimited / (1 + (unlimited - 1) / population))


def edit_distance(first_text: str, second_text: str) -> TextDifference:
    """Count the letters to insert, delete or replace to turn one text into another.

    Args:
        first_text: Text to begin with.
        second_text: Text to compare it with.

    Returns:
        The Levenshtein distance, and how alike the texts are in percent of the longer one.

    Raises:
        ValueError: Both texts are empty, or one has more than 500 characters.

    >>> edit_distance("kitten", "sitting")
    {'edits': 3, 'similarity_percent': 57.1}
    """
    longer = max(len(first_text), len(second_text))
    if not 1 <= longer <= 500:
        raise ValueError("the texts must not both be empty, and have at most 500 characters")
    row = list(range(len(second_text) + 1))
    for done, sign in enumerate(first_text, start=1):
        above, row = row, [done]
        for place, other in enumerate(second_text):
            row.append(min(above[place] + (sign != other), above[place + 1] + 1, row[place] + 1))
    return {"edits": row[-1], "similarity_percent": round(100 * (1 - row[-1] / longer), 1)}
