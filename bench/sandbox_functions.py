"""Functions of the kind that users have, for `sandbox.py`: small, typed, standard library only; and hostile ones."""

import ctypes
import datetime
import math
import os
import re
import statistics
from collections import Counter
from decimal import Decimal
from enum import Enum


class Unit(Enum):
    """Units of length."""

    METRE = "m"
    FOOT = "ft"
    MILE = "mi"


METRES = {Unit.METRE: 1.0, Unit.FOOT: 0.3048, Unit.MILE: 1609.344}
_WORD = re.compile(r"[a-z']+")


def add(a: int, b: int) -> int:
    return a + b


def convert_length(value: float, source: Unit, target: Unit) -> float:
    return round(value * METRES[source] / METRES[target], 6)


def monthly_payment(principal: float, yearly_rate: float, months: int) -> float:
    rate = yearly_rate / 12
    if rate == 0:
        return round(principal / months, 2)
    return round(principal * rate / (1 - (1 + rate) ** -months), 2)


def days_between(start: datetime.date, end: datetime.date) -> int:
    return (end - start).days


def next_weekday(day: datetime.date, weekday: int = 0) -> datetime.date:
    return day + datetime.timedelta(days=(weekday - day.weekday() - 1) % 7 + 1)


def word_counts(text: str, most: int = 3) -> dict[str, int]:
    return dict(Counter(_WORD.findall(text.lower())).most_common(most))


def slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def is_palindrome(text: str) -> bool:
    letters = [character for character in text.lower() if character.isalnum()]
    return letters == letters[::-1]


def greatest_common_divisor(a: int, b: int) -> int:
    while b:
        a, b = b, a % b
    return abs(a)


def is_prime(number: int) -> bool:
    if number < 2:
        return False
    return all(number % divisor for divisor in range(2, math.isqrt(number) + 1))


def summary(values: list[float]) -> dict[str, float]:
    return {"mean": statistics.fmean(values), "median": statistics.median(values), "most": max(values)}


def distance_km(latitude: float, longitude: float, to_latitude: float, to_longitude: float) -> float:
    a, b = math.radians(latitude), math.radians(to_latitude)
    step = math.radians(to_longitude - longitude) / 2
    half = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(step) ** 2
    return round(2 * 6371.0088 * math.asin(math.sqrt(half)), 3)


def luhn_valid(number: str) -> bool:
    digits = [int(character) for character in number if character.isdigit()][::-1]
    return sum(digits[::2] + [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]) % 10 == 0


def total_price(prices: list[Decimal], tax: Decimal = Decimal("0.19")) -> Decimal:
    return (sum(prices, Decimal(0)) * (1 + tax)).quantize(Decimal("0.01"))


def transpose(rows: list[list[int]]) -> list[list[int]]:
    return [list(column) for column in zip(*rows, strict=True)]


def group_by_length(words: list[str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for word in words:
        groups.setdefault(str(len(word)), []).append(word)
    return groups


def roman(number: int) -> str:
    out = ""
    for value, letters in ((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"),
                           (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")):  # fmt: skip
        while number >= value:
            out += letters
            number -= value
    return out


def celsius(fahrenheit: float, digits: int = 1) -> float:
    return round((fahrenheit - 32) * 5 / 9, digits)


def merge(defaults: dict[str, int], changes: dict[str, int]) -> dict[str, int]:
    return {**defaults, **changes}


def search_products(products: list[dict[str, object]], name: str, limit: int = 2) -> list[dict[str, object]]:
    found = [product for product in products if name.lower() in str(product["name"]).lower()]
    return sorted(found, key=lambda product: str(product["name"]))[:limit]


# The hostile ones: what is beyond the language layer only comes as far as this where the source is trusted.


def spin(number: int) -> int:
    while True:
        number += 1


def spin_in_c(number: int) -> int:
    return int(10**10**8 % number)


def ask(number: int) -> int:
    return len(bytearray(number << 40))


def hoard(number: int) -> int:
    data = [number] * 1000
    while True:
        data += data


def crash(number: int) -> str:
    items = iter([number])
    for _ in range(80_000):
        items = map(int, items)
    return str(next(items))


def leave(number: int) -> int:
    raise SystemExit(number)


def leave_at_once(number: int) -> int:
    os._exit(number)


def fault(number: int) -> bytes:
    return ctypes.string_at(number)
