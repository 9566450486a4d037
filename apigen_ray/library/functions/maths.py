"""Equations, factors, counting, matrices and fractions."""

import math
from fractions import Fraction
from typing import Literal, TypedDict

CATEGORY = "Math"

__all__ = [
    "count_selections",
    "decimal_to_fraction",
    "evaluate_polynomial",
    "gcd_and_lcm",
    "line_through_points",
    "matrix_determinant",
    "prime_factors",
    "regular_polygon",
    "series_sum",
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


class RegularPolygon(TypedDict):
    """The measures of a polygon whose sides are all equal."""

    perimeter: float
    area: float
    interior_angle_degrees: float


class StraightLine(TypedDict):
    """The line y = slope * x + intercept and the distance of the points that it was drawn through."""

    slope: float
    intercept: float
    distance: float


class SeriesSum(TypedDict):
    """The end of a series and its sum."""

    last_term: float
    total: float


class PolynomialValue(TypedDict):
    """A polynomial at one point."""

    value: float
    slope: float


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


def regular_polygon(sides: int, side_length: float) -> RegularPolygon:
    """Measure a regular polygon, such as a hexagon, from the number and length of its sides.

    Args:
        sides: Number of equal sides, at least three.
        side_length: Length of each side.

    Returns:
        The perimeter, the area in the square of the side's unit, and each interior angle in degrees.

    Raises:
        ValueError: There are fewer than three sides, or their length is not positive.

    >>> regular_polygon(6, 2)
    {'perimeter': 12, 'area': 10.3923, 'interior_angle_degrees': 120.0}
    """
    if sides < 3 or side_length <= 0:
        raise ValueError("a polygon needs at least three sides of a positive length")
    return {
        "perimeter": round(sides * side_length, 4),
        "area": round(sides * side_length**2 / (4 * math.tan(math.pi / sides)), 4),
        "interior_angle_degrees": round(180 * (sides - 2) / sides, 4),
    }


def line_through_points(x1: float, y1: float, x2: float, y2: float) -> StraightLine:
    """Find the straight line through two points: its equation, and how far apart the points are.

    Args:
        x1: x coordinate of the first point.
        y1: y coordinate of the first point.
        x2: x coordinate of the second point; another one than the first point's.
        y2: y coordinate of the second point.

    Returns:
        Slope and intercept of the line y = slope * x + intercept, and the distance between the points.

    Raises:
        ValueError: Both points have the same x coordinate, so that the line has no slope.

    >>> line_through_points(1, 2, 4, 6)
    {'slope': 1.333333, 'intercept': 0.666667, 'distance': 5.0}
    """
    if x1 == x2:
        raise ValueError("a line through points of the same x coordinate is vertical and has no slope")
    slope = (y2 - y1) / (x2 - x1)
    return {
        "slope": round(slope, 6),
        "intercept": round(y1 - slope * x1, 6),
        "distance": round(math.hypot(x2 - x1, y2 - y1), 6),
    }


def series_sum(
    first_term: float, step: float, terms: int, kind: Literal["arithmetic", "geometric"] = "arithmetic"
) -> SeriesSum:
    """Add up the terms of an arithmetic or geometric series.

    Args:
        first_term: First term of the series.
        step: What is added to each term (arithmetic), or what each term is multiplied by (geometric).
        terms: How many terms are added up, at most 100.
        kind: Whether the terms grow by adding or by multiplying.

    Returns:
        The last term and the sum of all of them.

    Raises:
        ValueError: The number of terms is not 1 to 100, or the sum grows beyond 1e300.

    >>> series_sum(3, 4, 20)
    {'last_term': 79, 'total': 820}
    >>> series_sum(2, 3, 5, kind="geometric")
    {'last_term': 162, 'total': 242}
    """
    if not 1 <= terms <= 100:
        raise ValueError("terms must lie between 1 and 100")
    values = [first_term]
    for _ in range(terms - 1):
        values.append(values[-1] + step if kind == "arithmetic" else values[-1] * step)
        if abs(values[-1]) > 1e300:
            raise ValueError("the terms of this series grow too large")
    return {"last_term": round(values[-1], 6), "total": round(sum(values), 6)}


def evaluate_polynomial(coefficients: list[float], x: float) -> PolynomialValue:
    """Evaluate a polynomial and its derivative at a point.

    Args:
        coefficients: Coefficients from the highest power down to the constant, such as [2, 0, -1] for 2x^2 - 1.
        x: Point at which it is evaluated.

    Returns:
        The value of the polynomial, and its slope there.

    Raises:
        ValueError: There is no coefficient, there are more than 20, or the value grows beyond 1e300.

    >>> evaluate_polynomial([2, 0, -1], 3)
    {'value': 17, 'slope': 12}
    """
    if not 1 <= len(coefficients) <= 20:
        raise ValueError("a polynomial has 1 to 20 coefficients here")
    value: float = 0
    slope: float = 0
    for coefficient in coefficients:  # Horner's scheme, for the value and the derivative together
        slope = slope * x + value
        value = value * x + coefficient
        if max(abs(value), abs(slope)) > 1e300:
            raise ValueError("the value of this polynomial grows too large")
    return {"value": round(value, 6), "slope": round(slope, 6)}
