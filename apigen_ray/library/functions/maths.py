"""Equations, factors, counting, matrices and fractions."""

import math
from fractions import Fraction
from typing import Literal, TypedDict

CATEGORY = "Math"

__all__ = [
    "count_selections",
    "decimal_to_fraction",
    "gcd_and_lcm",
    "matrix_determinant",
    "prime_factors",
    "solve_quadratic",
    "triangle_area",
]


class QuadraticSolution(TypedDict):
    """The real solutions of a quadratic equation."""

    discriminant: float
    real_roots: list[float]


class Divisors(TypedDict):
    """What two numbers have in common."""

    greatest_common_divisor: int
    least_common_multiple: int


def solve_quadratic(a: float, b: float, c: float) -> QuadraticSolution:
    """Solve the quadratic equation a*x^2 + b*x + c = 0.

    Args:
        a: Coefficient of x squared; not zero.
        b: Coefficient of x.
        c: Constant term.

    Returns:
        The discriminant and the real roots in ascending order: two, one or none.

    Raises:
        ValueError: The first coefficient is zero.

    >>> solve_quadratic(1, -5, 6)
    {'discriminant': 1, 'real_roots': [2.0, 3.0]}
    >>> solve_quadratic(1, 0, 4)["real_roots"]
    []
    """
    if a == 0:
        raise ValueError("a must not be zero in a quadratic equation")
    discriminant = b * b - 4 * a * c
    roots: set[float] = set()
    if discriminant >= 0:
        # Adding zero turns -0.0 into 0.0.
        roots = {round((-b + sign * math.sqrt(discriminant)) / (2 * a), 6) + 0.0 for sign in (-1, 1)}
    return {"discriminant": discriminant, "real_roots": sorted(roots)}


def prime_factors(number: int) -> list[int]:
    """Break a whole number down into its prime factors.

    Args:
        number: Number from 2 to one trillion.

    Returns:
        The prime factors in ascending order, repeated as often as they divide.

    Raises:
        ValueError: The number is below 2 or above one trillion.

    >>> prime_factors(360)
    [2, 2, 2, 3, 3, 5]
    """
    if not 2 <= number <= 10**12:
        raise ValueError("number must lie between 2 and one trillion")
    factors = []
    divisor = 2
    while divisor * divisor <= number:
        while number % divisor == 0:
            factors.append(divisor)
            number //= divisor
        divisor += 1 if divisor == 2 else 2
    return factors + ([number] if number > 1 else [])


def gcd_and_lcm(first_number: int, second_number: int) -> Divisors:
    """Find the greatest common divisor and the least common multiple of two whole numbers.

    Args:
        first_number: A positive whole number.
        second_number: Another positive whole number.

    Returns:
        Both results.

    Raises:
        ValueError: A number is not positive.

    >>> gcd_and_lcm(12, 18)
    {'greatest_common_divisor': 6, 'least_common_multiple': 36}
    """
    if first_number < 1 or second_number < 1:
        raise ValueError("both numbers must be positive")
    return {
        "greatest_common_divisor": math.gcd(first_number, second_number),
        "least_common_multiple": math.lcm(first_number, second_number),
    }


def triangle_area(side_a: float, side_b: float, side_c: float) -> float:
    """Calculate the area of a triangle from the lengths of its three sides.

    Args:
        side_a: Length of the first side.
        side_b: Length of the second side.
        side_c: Length of the third side.

    Returns:
        The area, in the square of the sides' unit.

    Raises:
        ValueError: The sides do not form a triangle.

    >>> triangle_area(3, 4, 5)
    6.0
    """
    shortest, middle, longest = sorted((side_a, side_b, side_c))
    if shortest <= 0 or shortest + middle <= longest:
        raise ValueError("these sides do not form a triangle")
    half = (shortest + middle + longest) / 2
    return round(math.sqrt(half * (half - shortest) * (half - middle) * (half - longest)), 4)


def count_selections(
    total_items: int, chosen_items: int, kind: Literal["combinations", "permutations"] = "combinations"
) -> int:
    """Count the ways to choose some items out of a set.

    Args:
        total_items: How many items there are.
        chosen_items: How many of them are chosen.
        kind: Whether the order of the chosen items matters (permutations) or not (combinations).

    Returns:
        The number of ways.

    Raises:
        ValueError: More items are chosen than there are, or a figure is negative or above 1000.

    >>> count_selections(10, 3)
    120
    >>> count_selections(10, 3, kind="permutations")
    720
    """
    if not 0 <= chosen_items <= total_items <= 1000:
        raise ValueError("chosen_items must lie between 0 and total_items, which may be at most 1000")
    count = math.comb if kind == "combinations" else math.perm
    return count(total_items, chosen_items)


def matrix_determinant(matrix: list[list[float]]) -> float:
    """Calculate the determinant of a square matrix.

    Args:
        matrix: Rows of the matrix; as many as there are columns, at most eight.

    Returns:
        The determinant.

    Raises:
        ValueError: The matrix is not square, is empty, or has more than eight rows.

    >>> matrix_determinant([[4, 3], [6, 3]])
    -6.0
    """
    size = len(matrix)
    if not 1 <= size <= 8 or any(len(row) != size for row in matrix):
        raise ValueError("the matrix must be square, with one to eight rows")
    rows = [[Fraction(value) for value in row] for row in matrix]
    determinant = Fraction(1)
    for column in range(size):
        pivot = next((row for row in range(column, size) if rows[row][column]), None)
        if pivot is None:
            return 0.0
        if pivot != column:
            rows[column], rows[pivot] = rows[pivot], rows[column]
            determinant = -determinant
        determinant *= rows[column][column]
        for row in range(column + 1, size):
            factor = rows[row][column] / rows[column][column]
            rows[row] = [value - factor * above for value, above in zip(rows[row], rows[column], strict=True)]
    return round(float(determinant), 6)


def decimal_to_fraction(decimal_number: float, max_denominator: int = 100) -> str:
    """Write a decimal number as a simple fraction.

    Args:
        decimal_number: Number to write, for example 0.375.
        max_denominator: Largest denominator that the fraction may have.

    Returns:
        The closest fraction, such as "3/8".

    Raises:
        ValueError: The largest denominator is not positive.

    >>> decimal_to_fraction(0.375)
    '3/8'
    >>> decimal_to_fraction(3.14159, max_denominator=10)
    '22/7'
    """
    if max_denominator < 1:
        raise ValueError("max_denominator must be at least 1")
    return str(Fraction(decimal_number).limit_denominator(max_denominator))
