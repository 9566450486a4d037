"""Loans, savings, investments and shared bills."""

import math
from typing import Literal, TypedDict

CATEGORY = "Finance"

__all__ = [
    "amortization_schedule",
    "compound_interest",
    "monthly_loan_payment",
    "months_to_savings_goal",
    "net_present_value",
    "split_bill_with_tip",
]

PERIODS_PER_YEAR = {"yearly": 1, "quarterly": 4, "monthly": 12, "daily": 365}


class Installment(TypedDict):
    """One month of a loan."""

    month: int
    payment: float
    interest: float
    repaid: float
    balance: float


class Growth(TypedDict):
    """What an investment becomes."""

    final_balance: float
    interest_earned: float


class BillShare(TypedDict):
    """What a group pays at the table."""

    tip: float
    total: float
    per_person: float


def _annuity(principal: float, annual_rate_percent: float, months: int) -> float:
    """The level monthly payment, not rounded."""
    if principal <= 0:
        raise ValueError("principal must be positive")
    if annual_rate_percent < 0:
        raise ValueError("annual_rate_percent must not be negative")
    if not 1 <= months <= 1200:
        raise ValueError("a loan must run between 1 month and 100 years")
    rate = annual_rate_percent / 1200
    return principal / months if rate == 0 else principal * rate / (1 - (1 + rate) ** -months)


def monthly_loan_payment(principal: float, annual_rate_percent: float, years: int) -> float:
    """Calculate the fixed monthly payment of a loan or mortgage.

    Args:
        principal: Amount borrowed.
        annual_rate_percent: Yearly interest rate in percent, for example 4.5.
        years: Number of years over which the loan is repaid.

    Returns:
        The monthly payment, in the currency of the principal.

    Raises:
        ValueError: The principal or the term is not positive, or the rate is negative.

    >>> monthly_loan_payment(200000, 6, 30)
    1199.1
    >>> monthly_loan_payment(12000, 0, 1)
    1000.0
    """
    return round(_annuity(principal, annual_rate_percent, years * 12), 2)


def amortization_schedule(principal: float, annual_rate_percent: float, months: int) -> list[Installment]:
    """List the monthly payments of a loan, each split into interest and repayment.

    Args:
        principal: Amount borrowed.
        annual_rate_percent: Yearly interest rate in percent.
        months: Number of monthly payments.

    Returns:
        One record for each month, with the balance that is left after it.

    Raises:
        ValueError: The principal or the number of months is not positive, or the rate is negative.

    >>> [(row["interest"], row["balance"]) for row in amortization_schedule(1000, 12, 2)]
    [(10.0, 502.49), (5.02, 0.0)]
    """
    payment = _annuity(principal, annual_rate_percent, months)
    balance = principal
    rows: list[Installment] = []
    for month in range(1, months + 1):
        interest = balance * annual_rate_percent / 1200
        balance = max(0.0, balance + interest - payment)
        rows.append(
            {
                "month": month,
                "payment": round(payment, 2),
                "interest": round(interest, 2),
                "repaid": round(payment - interest, 2),
                "balance": round(balance, 2),
            }
        )
    return rows


def compound_interest(
    principal: float,
    annual_rate_percent: float,
    years: int,
    compounding: Literal["yearly", "quarterly", "monthly", "daily"] = "yearly",
) -> Growth:
    """Calculate how much an investment grows with compound interest.

    Args:
        principal: Amount invested at the start.
        annual_rate_percent: Yearly interest rate in percent.
        years: Number of years the money is left to grow.
        compounding: How often interest is added to the balance.

    Returns:
        The balance at the end and the interest that it contains.

    Raises:
        ValueError: The principal is not positive, or the rate or the years are out of range.

    >>> compound_interest(1000, 5, 2)
    {'final_balance': 1102.5, 'interest_earned': 102.5}
    >>> compound_interest(1000, 12, 1, "monthly")["final_balance"]
    1126.83
    """
    if principal <= 0:
        raise ValueError("principal must be positive")
    if not 0 <= annual_rate_percent <= 100 or not 0 <= years <= 200:
        raise ValueError("the rate must lie between 0 and 100 percent and the years between 0 and 200")
    periods = PERIODS_PER_YEAR[compounding]
    final = principal * (1 + annual_rate_percent / 100 / periods) ** (periods * years)
    return {"final_balance": round(final, 2), "interest_earned": round(final - principal, 2)}


def months_to_savings_goal(goal_amount: float, monthly_deposit: float, starting_balance: float = 0.0) -> int:
    """Count the months of saving that are needed to reach a goal.

    Args:
        goal_amount: Amount of money to reach.
        monthly_deposit: Amount put aside every month.
        starting_balance: Money that is already saved.

    Returns:
        The number of monthly deposits; 0 where the goal is already reached.

    Raises:
        ValueError: The deposit is not positive, or an amount is negative.

    >>> months_to_savings_goal(1000, 300)
    4
    >>> months_to_savings_goal(5000, 250, starting_balance=2000)
    12
    """
    if monthly_deposit <= 0:
        raise ValueError("monthly_deposit must be positive")
    if goal_amount < 0 or starting_balance < 0:
        raise ValueError("amounts must not be negative")
    return max(0, math.ceil(round((goal_amount - starting_balance) / monthly_deposit, 9)))


def net_present_value(initial_investment: float, cash_flows: list[float], discount_rate_percent: float) -> float:
    """Calculate the net present value of an investment from its yearly cash flows.

    Args:
        initial_investment: Amount paid at the start, as a positive number.
        cash_flows: Money that comes in at the end of each year, in order.
        discount_rate_percent: Yearly discount rate in percent.

    Returns:
        The net present value; positive where the investment pays.

    Raises:
        ValueError: There are no cash flows, or the rate is -100 percent or less.

    >>> net_present_value(1000, [500, 500, 500], 10)
    243.43
    """
    if not cash_flows:
        raise ValueError("cash_flows must hold at least one year")
    if discount_rate_percent <= -100:
        raise ValueError("discount_rate_percent must be above -100")
    factor = 1 + discount_rate_percent / 100
    inflow = math.fsum(flow / factor**year for year, flow in enumerate(cash_flows, start=1))
    return round(inflow - initial_investment, 2)


def split_bill_with_tip(bill_amount: float, people: int, tip_percent: float = 15.0) -> BillShare:
    """Split a restaurant bill evenly between people after adding a tip.

    Args:
        bill_amount: Bill before the tip.
        people: Number of people who share it.
        tip_percent: Tip in percent of the bill.

    Returns:
        The tip, the total and the share of each person.

    Raises:
        ValueError: Nobody shares the bill, or an amount is negative.

    >>> split_bill_with_tip(80, 4, tip_percent=20)
    {'tip': 16.0, 'total': 96.0, 'per_person': 24.0}
    """
    if people < 1:
        raise ValueError("people must be at least 1")
    if bill_amount < 0 or tip_percent < 0:
        raise ValueError("bill_amount and tip_percent must not be negative")
    tip = bill_amount * tip_percent / 100
    total = bill_amount + tip
    return {"tip": round(tip, 2), "total": round(total, 2), "per_person": round(total / people, 2)}
