"""Statistics and cleaning of small lists and tables."""

import math
import statistics
from typing import TypedDict

CATEGORY = "Data"

__all__ = [
    "correlation_coefficient",
    "find_outliers",
    "moving_average",
    "remove_duplicates",
    "summarize_numbers",
    "total_by_group",
]


class NumberSummary(TypedDict):
    """Descriptive statistics of a list of numbers."""

    count: int
    total: float
    mean: float
    median: float
    standard_deviation: float
    minimum: float
    maximum: float


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
