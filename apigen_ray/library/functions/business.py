"""Margins, break-even, wages, working days, depreciation, invoices, stock, sectors and ratings."""

import math
from datetime import date, timedelta
from typing import Literal, TypedDict

CATEGORY = "Business"

__all__ = [
    "annual_salary",
    "asset_depreciation",
    "break_even_point",
    "count_business_days",
    "economic_order_quantity",
    "industry_sector",
    "invoice_due_date",
    "invoice_total",
    "net_promoter_score",
    "profit_margin",
]

PAYMENT_DAYS = {"on receipt": 0, "net 15": 15, "net 30": 30, "net 45": 45, "net 60": 60, "net 90": 90}

# Sectors of the North American Industry Classification System, 2022 (US Census Bureau), by the first two digits.
INDUSTRY_SECTORS = {
    "11": "Agriculture, Forestry, Fishing and Hunting",
    "21": "Mining, Quarrying, and Oil and Gas Extraction",
    "22": "Utilities",
    "23": "Construction",
    "31": "Manufacturing",
    "32": "Manufacturing",
    "33": "Manufacturing",
    "42": "Wholesale Trade",
    "44": "Retail Trade",
    "45": "Retail Trade",
    "48": "Transportation and Warehousing",
    "49": "Transportation and Warehousing",
    "51": "Information",
    "52": "Finance and Insurance",
    "53": "Real Estate and Rental and Leasing",
    "54": "Professional, Scientific, and Technical Services",
    "55": "Management of Companies and Enterprises",
    "56": "Administrative and Support and Waste Management and Remediation Services",
    "61": "Educational Services",
    "62": "Health Care and Social Assistance",
    "71": "Arts, Entertainment, and Recreation",
    "72": "Accommodation and Food Services",
    "81": "Other Services (except Public Administration)",
    "92": "Public Administration",
}


class BreakEven(TypedDict):
    """Where a product begins to earn."""

    units: int
    revenue: float


class Profit(TypedDict):
    """What is left of a revenue."""

    profit: float
    margin_percent: float
    markup_percent: float


class InvoiceLine(TypedDict):
    """One line of an invoice."""

    description: str
    quantity: int
    unit_price: float


class InvoiceTotal(TypedDict):
    """The foot of an invoice."""

    subtotal: float
    tax: float
    total: float


class OrderPlan(TypedDict):
    """How much to order at a time."""

    order_quantity: int
    orders_per_year: float
    yearly_cost: float


class PromoterScore(TypedDict):
    """How willingly customers recommend a business."""

    promoters: int
    passives: int
    detractors: int
    score: int


def break_even_point(fixed_costs: float, unit_price: float, unit_cost: float) -> BreakEven:
    """Calculate how many units a business must sell to cover its costs.

    Args:
        fixed_costs: Costs that do not depend on the number of units.
        unit_price: Price at which one unit is sold.
        unit_cost: Cost of making one unit.

    Returns:
        The number of units and the revenue that they bring.

    Raises:
        ValueError: A figure is negative, or a unit sells for no more than it costs.

    >>> break_even_point(10000, 25, 15)
    {'units': 1000, 'revenue': 25000}
    """
    if fixed_costs < 0 or unit_cost < 0 or unit_price <= unit_cost:
        raise ValueError("unit_price must be above unit_cost, and costs must not be negative")
    units = math.ceil(round(fixed_costs / (unit_price - unit_cost), 9))
    return {"units": units, "revenue": round(units * unit_price, 2)}


def profit_margin(revenue: float, total_cost: float) -> Profit:
    """Calculate the profit, profit margin and markup of a sale or a business.

    Args:
        revenue: Money that came in.
        total_cost: Money that was spent.

    Returns:
        The profit, its share of the revenue and its share of the cost, in percent.

    Raises:
        ValueError: A figure is not positive.

    >>> profit_margin(500, 400)
    {'profit': 100, 'margin_percent': 20.0, 'markup_percent': 25.0}
    """
    if revenue <= 0 or total_cost <= 0:
        raise ValueError("revenue and total_cost must be positive")
    profit = revenue - total_cost
    return {
        "profit": round(profit, 2),
        "margin_percent": round(100 * profit / revenue, 2),
        "markup_percent": round(100 * profit / total_cost, 2),
    }


def annual_salary(hourly_wage: float, hours_per_week: float = 40.0, weeks_per_year: int = 52) -> float:
    """Convert an hourly wage to a yearly salary.

    Args:
        hourly_wage: Pay for one hour.
        hours_per_week: Hours worked each week.
        weeks_per_year: Paid weeks in a year.

    Returns:
        The pay of a year.

    Raises:
        ValueError: The wage is negative, or the hours or weeks are not possible.

    >>> annual_salary(25)
    52000.0
    >>> annual_salary(18.5, hours_per_week=30)
    28860.0
    """
    if hourly_wage < 0 or not 0 < hours_per_week <= 168 or not 0 < weeks_per_year <= 53:
        raise ValueError("hours_per_week must lie between 0 and 168, weeks_per_year between 1 and 53")
    return round(hourly_wage * hours_per_week * weeks_per_year, 2)


def count_business_days(start_date: str, end_date: str, holidays: list[str] | None = None) -> int:
    """Count the working days, Monday to Friday, between two dates.

    Args:
        start_date: First day as YYYY-MM-DD; counted.
        end_date: Last day as YYYY-MM-DD; counted.
        holidays: Days off that are not counted, as YYYY-MM-DD.

    Returns:
        The number of working days.

    Raises:
        ValueError: A text is not a date, the end lies before the start, or more than 100 years after it.

    >>> count_business_days("2024-07-01", "2024-07-07")
    5
    >>> count_business_days("2024-07-01", "2024-07-07", holidays=["2024-07-04"])
    4
    """
    start, end = date.fromisoformat(start_date), date.fromisoformat(end_date)
    if not 0 <= (end - start).days <= 36525:
        raise ValueError("end_date must lie between start_date and 100 years after it")
    days_off = {date.fromisoformat(day) for day in holidays or ()}
    days = (start + timedelta(days=offset) for offset in range((end - start).days + 1))
    return sum(day.weekday() < 5 and day not in days_off for day in days)


def asset_depreciation(
    purchase_price: float,
    salvage_value: float,
    useful_years: int,
    method: Literal["straight line", "double declining"] = "straight line",
) -> list[float]:
    """Calculate the yearly depreciation of equipment over its useful life.

    Args:
        purchase_price: Price of the equipment.
        salvage_value: What it is worth at the end of its life.
        useful_years: Years that it is used.
        method: Equal amounts every year, or a fast decline that passes into equal amounts.

    Returns:
        The depreciation of each year.

    Raises:
        ValueError: The salvage value is not between zero and the price, or the years not between 1 and 100.

    >>> asset_depreciation(10000, 1000, 3)
    [3000.0, 3000.0, 3000.0]
    >>> asset_depreciation(10000, 1000, 5, method="double declining")
    [4000.0, 2400.0, 1440.0, 864.0, 296.0]
    """
    if not 0 <= salvage_value <= purchase_price or not 1 <= useful_years <= 100:
        raise ValueError("salvage_value must lie between 0 and purchase_price, useful_years between 1 and 100")
    if method == "straight line":
        return [round((purchase_price - salvage_value) / useful_years, 2)] * useful_years
    book_value = purchase_price
    amounts = []
    for year in range(1, useful_years + 1):
        # From the year on in which equal amounts for the rest of the life are larger, they are taken.
        left = book_value - salvage_value
        decline = min(left, max(book_value * 2 / useful_years, left / (useful_years - year + 1)))
        book_value -= decline
        amounts.append(round(decline, 2))
    return amounts


def invoice_total(lines: list[InvoiceLine], tax_percent: float = 0.0) -> InvoiceTotal:
    """Add up the lines of an invoice and its tax.

    Args:
        lines: What is billed, each with description, quantity and unit price.
        tax_percent: Tax rate in percent.

    Returns:
        The subtotal, the tax and the total.

    Raises:
        ValueError: There is no line, or a quantity or the tax rate is negative.

    >>> invoice_total([{"description": "Desk", "quantity": 2, "unit_price": 150.0}], tax_percent=10)
    {'subtotal': 300.0, 'tax': 30.0, 'total': 330.0}
    """
    if not lines or tax_percent < 0 or any(line["quantity"] < 0 for line in lines):
        raise ValueError("at least one line is needed, and quantities and tax must not be negative")
    subtotal = math.fsum(line["quantity"] * line["unit_price"] for line in lines)
    tax = subtotal * tax_percent / 100
    return {"subtotal": round(subtotal, 2), "tax": round(tax, 2), "total": round(subtotal + tax, 2)}


def invoice_due_date(
    invoice_date: str,
    payment_terms: Literal["on receipt", "net 15", "net 30", "net 45", "net 60", "net 90", "end of month"],
    skip_weekends: bool = False,
) -> str:
    """Find the date on which an invoice has to be paid.

    Args:
        invoice_date: Date of the invoice as YYYY-MM-DD.
        payment_terms: Agreed terms, such as "net 30" for 30 days, or the last day of the invoice's month.
        skip_weekends: Whether a Saturday or Sunday is moved to the Monday after it.

    Returns:
        The due date as YYYY-MM-DD.

    Raises:
        ValueError: The text is not a date.

    >>> invoice_due_date("2024-03-15", "net 30")
    '2024-04-14'
    >>> invoice_due_date("2024-03-15", "end of month", skip_weekends=True)
    '2024-04-01'
    """
    day = date.fromisoformat(invoice_date)
    if payment_terms == "end of month":
        due = (day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    else:
        due = day + timedelta(days=PAYMENT_DAYS[payment_terms])
    if skip_weekends and due.weekday() >= 5:
        due += timedelta(days=7 - due.weekday())
    return due.isoformat()


def economic_order_quantity(yearly_demand: int, cost_per_order: float, storage_cost_per_unit: float) -> OrderPlan:
    """Calculate how many units of a product to order at a time to keep the cost of stock lowest.

    Args:
        yearly_demand: Units needed in a year.
        cost_per_order: Cost of placing one order, whatever its size.
        storage_cost_per_unit: Cost of keeping one unit in stock for a year.

    Returns:
        The economic order quantity, the orders in a year, and what orders and storage cost together in a year.

    Raises:
        ValueError: A figure is not positive.

    >>> economic_order_quantity(1000, 20, 4)
    {'order_quantity': 100, 'orders_per_year': 10.0, 'yearly_cost': 400.0}
    """
    if yearly_demand < 1 or cost_per_order <= 0 or storage_cost_per_unit <= 0:
        raise ValueError("demand and costs must be positive")
    quantity = max(1, round(math.sqrt(2 * yearly_demand * cost_per_order / storage_cost_per_unit)))
    orders = yearly_demand / quantity
    return {
        "order_quantity": quantity,
        "orders_per_year": round(orders, 1),
        "yearly_cost": round(orders * cost_per_order + quantity / 2 * storage_cost_per_unit, 2),
    }


def industry_sector(naics_code: str) -> str:
    """Name the industry sector that a NAICS code belongs to.

    Args:
        naics_code: Code of the North American Industry Classification System, with two to six digits.

    Returns:
        The name of the sector.

    Raises:
        ValueError: The code has not two to six digits, or there is no such sector.

    >>> industry_sector("541511")
    'Professional, Scientific, and Technical Services'
    """
    code = naics_code.strip()
    if not 2 <= len(code) <= 6 or not (code.isascii() and code.isdigit()) or code[:2] not in INDUSTRY_SECTORS:
        raise ValueError(f"{naics_code!r} is not a NAICS code")
    return INDUSTRY_SECTORS[code[:2]]


def net_promoter_score(ratings: list[int]) -> PromoterScore:
    """Calculate the net promoter score of a business from customer ratings.

    Args:
        ratings: How likely each customer is to recommend the business, from 0 to 10.

    Returns:
        The number of promoters (9 or 10), passives (7 or 8) and detractors (0 to 6), and the score from -100 to 100.

    Raises:
        ValueError: There are no ratings, or one is not between 0 and 10.

    >>> net_promoter_score([10, 9, 8, 6, 10])
    {'promoters': 3, 'passives': 1, 'detractors': 1, 'score': 40}
    """
    if not ratings or min(ratings) < 0 or max(ratings) > 10:
        raise ValueError("ratings must lie between 0 and 10, and there must be at least one")
    promoters = sum(rating >= 9 for rating in ratings)
    detractors = sum(rating <= 6 for rating in ratings)
    return {
        "promoters": promoters,
        "passives": len(ratings) - promoters - detractors,
        "detractors": detractors,
        "score": round(100 * (promoters - detractors) / len(ratings)),
    }
