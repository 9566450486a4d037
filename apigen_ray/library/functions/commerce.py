"""Prices, offers, taxes, shipping, trade terms and bar codes."""

import math
from typing import Literal, TypedDict

CATEGORY = "Commerce"

__all__ = [
    "add_sales_tax",
    "barcode_country",
    "billable_parcel_weight",
    "buy_some_get_some_free",
    "check_barcode",
    "compare_unit_prices",
    "incoterm_duties",
    "price_after_discount",
    "price_without_vat",
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

# Standard rates of value-added tax in the European Union on 1 January 2025, in percent (European Commission).
EU_VAT = {
    entry.split()[0]: float(entry.split()[1])
    for entry in (
        "austria 20, belgium 21, bulgaria 20, croatia 25, cyprus 19, czechia 21, denmark 25, estonia 22, finland 25.5, "
        "france 20, germany 19, greece 24, hungary 27, ireland 23, italy 22, latvia 21, lithuania 21, luxembourg 17, "
        "malta 18, netherlands 21, poland 23, portugal 23, romania 19, slovakia 23, slovenia 22, spain 21, sweden 25"
    ).split(", ")
}

# First and last prefix of EAN-13 codes, and the country whose GS1 organisation gives them out (GS1, prefix list).
BARCODE_PREFIXES = (
    "000-019 United States; 030-039 United States; 060-139 United States; 300-379 France; 380-380 Bulgaria; "
    "383-383 Slovenia; 385-385 Croatia; 400-440 Germany; 450-459 Japan; 471-471 Taiwan; 474-474 Estonia; "
    "475-475 Latvia; 477-477 Lithuania; 482-482 Ukraine; 489-489 Hong Kong; 490-499 Japan; 500-509 United Kingdom; "
    "520-521 Greece; 539-539 Ireland; 540-549 Belgium and Luxembourg; 560-560 Portugal; 569-569 Iceland; "
    "570-579 Denmark; 590-590 Poland; 594-594 Romania; 599-599 Hungary; 600-601 South Africa; 640-649 Finland; "
    "690-699 China; 700-709 Norway; 729-729 Israel; 730-739 Sweden; 750-750 Mexico; 754-755 Canada; "
    "760-769 Switzerland; 778-779 Argentina; 780-780 Chile; 789-790 Brazil; 800-839 Italy; 840-849 Spain; "
    "858-858 Slovakia; 859-859 Czechia; 868-869 Turkey; 870-879 Netherlands; 880-881 South Korea; 885-885 Thailand; "
    "888-888 Singapore; 890-890 India; 893-893 Vietnam; 899-899 Indonesia; 900-919 Austria; 930-939 Australia; "
    "940-949 New Zealand; 955-955 Malaysia"
).split("; ")

# Incoterms 2020 (International Chamber of Commerce): name, transport, and what the seller has to see to.
INCOTERMS = {
    "EXW": ("Ex Works", "any", []),
    "FCA": ("Free Carrier", "any", ["export clearance"]),
    "FAS": ("Free Alongside Ship", "sea", ["export clearance"]),
    "FOB": ("Free On Board", "sea", ["export clearance"]),
    "CFR": ("Cost and Freight", "sea", ["export clearance", "main carriage"]),
    "CIF": ("Cost, Insurance and Freight", "sea", ["export clearance", "main carriage", "insurance"]),
    "CPT": ("Carriage Paid To", "any", ["export clearance", "main carriage"]),
    "CIP": ("Carriage and Insurance Paid To", "any", ["export clearance", "main carriage", "insurance"]),
    "DAP": ("Delivered at Place", "any", ["export clearance", "main carriage"]),
    "DPU": ("Delivered at Place Unloaded", "any", ["export clearance", "main carriage", "unloading"]),
    "DDP": ("Delivered Duty Paid", "any", ["export clearance", "main carriage", "import clearance"]),
}


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


class NetPrice(TypedDict):
    """A price and the value-added tax within it."""

    vat_percent: float
    net_price: float
    vat: float


class Incoterm(TypedDict):
    """What a seller has to do under a trade term."""

    name: str
    transport: str
    seller_duties: list[str]


class OfferPrice(TypedDict):
    """What is paid under an offer."""

    free_items: int
    total: float
    price_per_item: float


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


def price_without_vat(gross_price: float, country: str) -> NetPrice:
    """Take the value-added tax (VAT) of a European country out of a price.

    Args:
        gross_price: Price with tax, in the currency of the country.
        country: Name of a country of the European Union, for example "Germany".

    Returns:
        The country's standard rate on 1 January 2025, the price without tax and the tax.

    Raises:
        ValueError: The price is negative, or the country is not in the table.

    >>> price_without_vat(119, "Germany")
    {'vat_percent': 19.0, 'net_price': 100.0, 'vat': 19.0}
    """
    percent = EU_VAT.get(country.strip().casefold())
    if percent is None:
        raise ValueError(f"no rate of value-added tax is known for {country!r}")
    if gross_price < 0:
        raise ValueError("gross_price must not be negative")
    net = round(gross_price / (1 + percent / 100), 2)
    return {"vat_percent": percent, "net_price": net, "vat": round(gross_price - net, 2)}


def barcode_country(barcode: str) -> str:
    """Name the country in which the 13-digit bar code of a product (EAN-13) was registered.

    Args:
        barcode: The 13 digits.

    Returns:
        The country of the GS1 organisation that gave out the prefix; the product may be made elsewhere.

    Raises:
        ValueError: The text is not made of 13 digits, or the prefix is not in the table.

    >>> barcode_country("4006381333931")
    'Germany'
    """
    if len(barcode) != 13 or not (barcode.isascii() and barcode.isdigit()):
        raise ValueError("a bar code has 13 digits")
    prefix = barcode[:3]
    for entry in BARCODE_PREFIXES:
        if entry[:3] <= prefix <= entry[4:7]:
            return entry[8:]
    raise ValueError(f"no country is known for the prefix {prefix}")


def incoterm_duties(
    incoterm: Literal["EXW", "FCA", "FAS", "FOB", "CFR", "CIF", "CPT", "CIP", "DAP", "DPU", "DDP"],
) -> Incoterm:
    """Explain what the seller has to pay and arrange under an international trade term (Incoterms 2020).

    Args:
        incoterm: The three letters of the term.

    Returns:
        The name of the term, the transport it is for, "any" or "sea", and the duties of the seller; all others are
        the buyer's.

    >>> incoterm_duties("CPT")
    {'name': 'Carriage Paid To', 'transport': 'any', 'seller_duties': ['export clearance', 'main carriage']}
    """
    name, transport, duties = INCOTERMS[incoterm]
    return {"name": name, "transport": transport, "seller_duties": list(duties)}


def buy_some_get_some_free(unit_price: float, quantity: int, buy_count: int = 2, free_count: int = 1) -> OfferPrice:
    """Calculate what a number of items costs under an offer such as buy two, get one free.

    Args:
        unit_price: Price of one item.
        quantity: Number of items taken home.
        buy_count: Items that have to be paid before some are free.
        free_count: Items that are then free.

    Returns:
        The number of free items, the total and the price that each item comes to.

    Raises:
        ValueError: The price is negative, or a number is not positive.

    >>> buy_some_get_some_free(6, 7)
    {'free_items': 2, 'total': 30, 'price_per_item': 4.29}
    """
    if unit_price < 0 or min(quantity, buy_count, free_count) < 1:
        raise ValueError("unit_price must not be negative, and the numbers must be positive")
    rounds, rest = divmod(quantity, buy_count + free_count)
    free = rounds * free_count + max(0, rest - buy_count)
    total = unit_price * (quantity - free)
    return {"free_items": free, "total": round(total, 2), "price_per_item": round(total / quantity, 2)}


def billable_parcel_weight(
    length_cm: float, width_cm: float, depth_cm: float, actual_weight_kg: float, volume_divisor: int = 5000
) -> float:
    """Calculate the weight for which a carrier bills a parcel, by size or by scale.

    Args:
        length_cm: Length of the parcel in centimeters.
        width_cm: Width of the parcel in centimeters.
        depth_cm: Depth of the parcel in centimeters.
        actual_weight_kg: Weight on the scale in kilograms.
        volume_divisor: Cubic centimeters that the carrier counts as one kilogram.

    Returns:
        The larger of the actual and the volumetric weight, in kilograms, raised to the next half.

    Raises:
        ValueError: A figure is not positive.

    >>> billable_parcel_weight(40, 30, 20, 3.2)
    5.0
    """
    if min(length_cm, width_cm, depth_cm, actual_weight_kg, volume_divisor) <= 0:
        raise ValueError("all figures must be positive")
    volumetric = length_cm * width_cm * depth_cm / volume_divisor
    return math.ceil(round(2 * max(volumetric, actual_weight_kg), 9)) / 2
