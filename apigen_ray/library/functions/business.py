"""Margins, break-even, wages, working days, depreciation and invoices."""

import math
from datetime import date, timedelta
from typing import Literal, TypedDict

CATEGORY = "Business"

__all__ = [
    "annual_salary",
    "asset_depreciation",
    "break_even_point",
    "count_business_days",
    "invoice_total",
    "profit_margin",
]


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
