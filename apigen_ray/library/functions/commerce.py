"""Prices, discounts, taxes, shipping and bar codes."""

import math
from typing import Literal, TypedDict

CATEGORY = "Commerce"

__all__ = [
    "add_sales_tax",
    "check_barcode",
    "compare_unit_prices",
    "price_after_discount",
    "shipping_cost",
]

# Sales tax that the state itself takes, in percent; counties and cities may add to it.
STATE_SALES_TAX = {
    "arizona": 5.6,
    "california": 7.25,
    "colorado": 2.9,
    "florida": 6.0,
    "georgia": 4.0,
    "illinois": 6.25,
    "massachusetts": 6.25,
    "michigan": 6.0,
    "minnesota": 6.875,
    "nevada": 6.85,
    "new jersey": 6.625,
    "new york": 4.0,
    "ohio": 5.75,
    "oregon": 0.0,
    "pennsylvania": 6.0,
    "tennessee": 7.0,
    "texas": 6.25,
    "washington": 6.5,
}

# An example tariff: price of the first kilogram, and of each further one begun.
SHIPPING_ZONES = {
    "domestic": (4.5, 1.2),
    "europe": (9.0, 3.0),
    "north america": (14.0, 5.5),
    "asia": (16.0, 6.5),
    "rest of world": (19.0, 8.0),
}
SHIPPING_SPEED = {"economy": 0.8, "standard": 1.0, "express": 1.9}


class UnitPrices(TypedDict):
    """Which of two offers is cheaper."""

    first_unit_price: float
    second_unit_price: float
    cheaper: str
    savings_percent: float


class DiscountedPrice(TypedDict):
    """A reduced price."""

    final_price: float
    saved: float


class TaxedPrice(TypedDict):
    """A price with sales tax."""

    tax_percent: float
    tax: float
    total: float


class ShippingQuote(TypedDict):
    """What a parcel costs."""

    billed_kilograms: int
    cost: float


def compare_unit_prices(
    first_price: float, first_quantity: float, second_price: float, second_quantity: float
) -> UnitPrices:
    """Compare two package sizes of a product and tell which is the better deal.

    Args:
        first_price: Price of the first package.
        first_quantity: How much the first package holds.
        second_price: Price of the second package.
        second_quantity: How much the second package holds, in the same unit.

    Returns:
        Both prices for one unit, which is cheaper ("first", "second" or "same") and by how many percent.

    Raises:
        ValueError: A price or a quantity is not positive.

    >>> compare_unit_prices(4.0, 2, 9.0, 5)
    {'first_unit_price': 2.0, 'second_unit_price': 1.8, 'cheaper': 'second', 'savings_percent': 10.0}
    """
    if min(first_price, first_quantity, second_price, second_quantity) <= 0:
        raise ValueError("prices and quantities must be positive")
    first, second = first_price / first_quantity, second_price / second_quantity
    same = math.isclose(first, second)
    return {
        "first_unit_price": round(first, 4),
        "second_unit_price": round(second, 4),
        "cheaper": "same" if same else "first" if first < second else "second",
        "savings_percent": 0.0 if same else round(100 * (1 - min(first, second) / max(first, second)), 1),
    }


def price_after_discount(price: float, discount_percent: float, coupon_amount: float = 0.0) -> DiscountedPrice:
    """Calculate the price of an item after a percentage discount and a coupon.

    Args:
        price: Price before the discount.
        discount_percent: Discount in percent.
        coupon_amount: Amount of money taken off after the discount.

    Returns:
        The price to pay, never below zero, and what is saved.

    Raises:
        ValueError: An amount is negative, or the discount is above 100 percent.

    >>> price_after_discount(80, 25)
    {'final_price': 60.0, 'saved': 20.0}
    >>> price_after_discount(80, 25, coupon_amount=5)["final_price"]
    55.0
    """
    if price < 0 or coupon_amount < 0 or not 0 <= discount_percent <= 100:
        raise ValueError("amounts must not be negative, and the discount must lie between 0 and 100 percent")
    final = max(0.0, price * (1 - discount_percent / 100) - coupon_amount)
    return {"final_price": round(final, 2), "saved": round(price - final, 2)}


def add_sales_tax(price: float, state: str) -> TaxedPrice:
    """Add the state sales tax of a US state to a price.

    Args:
        price: Price before tax, in dollars.
        state: Name of the state, for example "Texas".

    Returns:
        The state's rate, the tax and the price with tax; local taxes are left out.

    Raises:
        ValueError: The price is negative, or the state is not in the table.

    >>> add_sales_tax(200, "Texas")
    {'tax_percent': 6.25, 'tax': 12.5, 'total': 212.5}
    """
    percent = STATE_SALES_TAX.get(state.strip().casefold())
    if percent is None:
        raise ValueError(f"no sales tax is known for {state!r}")
    if price < 0:
        raise ValueError("price must not be negative")
    tax = price * percent / 100
    return {"tax_percent": percent, "tax": round(tax, 2), "total": round(price + tax, 2)}


def shipping_cost(
    weight_kg: float,
    zone: Literal["domestic", "europe", "north america", "asia", "rest of world"],
    speed: Literal["economy", "standard", "express"] = "standard",
) -> ShippingQuote:
    """Calculate the cost of shipping a parcel by weight, zone and speed.

    Args:
        weight_kg: Weight of the parcel in kilograms, at most 30.
        zone: Where the parcel goes.
        speed: How fast it is to arrive.

    Returns:
        The kilograms that are billed and the cost.

    Raises:
        ValueError: The weight is not above 0 and at most 30 kilograms.

    >>> shipping_cost(2.3, "europe")
    {'billed_kilograms': 3, 'cost': 15.0}
    >>> shipping_cost(1, "asia", speed="express")["cost"]
    30.4
    """
    if not 0 < weight_kg <= 30:
        raise ValueError("weight_kg must be above 0 and at most 30")
    billed = math.ceil(weight_kg)
    first, further = SHIPPING_ZONES[zone]
    return {"billed_kilograms": billed, "cost": round((first + further * (billed - 1)) * SHIPPING_SPEED[speed], 2)}


def check_barcode(barcode: str) -> bool:
    """Check whether a 13-digit product bar code (EAN-13) has a correct check digit.

    Args:
        barcode: The 13 digits.

    Returns:
        True where the last digit fits the others.

    Raises:
        ValueError: The text is not made of 13 digits.

    >>> check_barcode("4006381333931")
    True
    >>> check_barcode("4006381333932")
    False
    """
    if len(barcode) != 13 or not (barcode.isascii() and barcode.isdigit()):
        raise ValueError("a bar code has 13 digits")
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(barcode)) % 10 == 0
