"""Loans, savings, investments, currencies, prices, taxes and shared bills."""

import math
from typing import Literal, TypedDict

CATEGORY = "Finance"

__all__ = [
    "adjust_for_inflation",
    "amortization_schedule",
    "check_iban",
    "compound_interest",
    "convert_currency",
    "monthly_loan_payment",
    "months_to_savings_goal",
    "net_present_value",
    "split_bill_with_tip",
    "us_federal_income_tax",
]

PERIODS_PER_YEAR = {"yearly": 1, "quarterly": 4, "monthly": 12, "daily": 365}

# Units of a currency for one euro: reference rates of the European Central Bank of 29 December 2023.
EURO_RATES = {
    entry[:3]: float(entry[4:])
    for entry in (
        "EUR 1, USD 1.1050, JPY 156.33, GBP 0.86905, CHF 0.9260, SEK 11.0960, NOK 11.2405, DKK 7.4529, PLN 4.3395, "
        "CZK 24.724, HUF 382.80, RON 4.9756, TRY 32.6531, AUD 1.6263, CAD 1.4642, NZD 1.7504, CNY 7.8509, HKD 8.6314, "
        "INR 91.9045, KRW 1433.66, MXN 18.7231, BRL 5.3618, SGD 1.4591, THB 37.973, ZAR 20.3477"
    ).split(", ")
}

# Length of an IBAN by country (SWIFT, IBAN registry).
IBAN_LENGTHS = {
    entry[:2]: int(entry[2:])
    for entry in (
        "AT20 BE16 BG22 CH21 CY28 CZ24 DE22 DK18 EE20 ES24 FI18 FR27 GB22 GR27 HR21 HU28 IE22 IS26 IT27 LI21 LT20 LU20 "
        "LV21 MT31 NL18 NO15 PL28 PT25 RO24 SE24 SI19 SK24 TR26"
    ).split()
}

# Consumer prices in the United States, yearly average, 1982-84 = 100 (Bureau of Labor Statistics, CPI-U).
FIRST_PRICE_YEAR = 1970
CONSUMER_PRICES = [
    float(index)
    for index in (
        "38.8 40.5 41.8 44.4 49.3 53.8 56.9 60.6 65.2 72.6 82.4 90.9 96.5 99.6 103.9 107.6 109.6 113.6 118.3 124.0 "
        "130.7 136.2 140.3 144.5 148.2 152.4 156.9 160.5 163.0 166.6 172.2 177.1 179.9 184.0 188.9 195.3 201.6 207.342 "
        "215.303 214.537 218.056 224.939 229.594 232.957 236.736 237.017 240.007 245.120 251.107 255.657 258.811 "
        "270.970 292.655 304.702 313.689"
    ).split()
]

# US federal income tax of 2024 (Internal Revenue Service, Rev. Proc. 2023-34): rate in percent, and income up to which.
TAX_RATES = (10, 12, 22, 24, 32, 35, 37)
TAX_LIMITS = {
    "single": (11600, 47150, 100525, 191950, 243725, 609350, math.inf),
    "married filing jointly": (23200, 94300, 201050, 383900, 487450, 731200, math.inf),
    "head of household": (16550, 63100, 100500, 191950, 243700, 609350, math.inf),
}


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


class IncomeTax(TypedDict):
    """The tax on an income."""

    tax: float
    average_rate_percent: float
    top_rate_percent: int


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


def convert_currency(amount: float, from_currency: str, to_currency: str) -> float:
    """Convert an amount of money to another currency.

    Uses the reference rates of the European Central Bank of 29 December 2023.

    Args:
        amount: Amount of money.
        from_currency: Three-letter code of its currency, for example "USD".
        to_currency: Three-letter code of the currency to convert to.

    Returns:
        The amount in the other currency, to two decimals.

    Raises:
        ValueError: A currency is not in the table.

    >>> convert_currency(100, "EUR", "USD")
    110.5
    """
    codes = from_currency.strip().upper(), to_currency.strip().upper()
    for code in codes:
        if code not in EURO_RATES:
            raise ValueError(f"no rate is known for the currency {code!r}")
    return round(amount / EURO_RATES[codes[0]] * EURO_RATES[codes[1]], 2)


def check_iban(iban: str) -> bool:
    """Check whether an international bank account number (IBAN) of a European country is written correctly.

    Args:
        iban: The number; spaces are left out.

    Returns:
        True where the length is that of the country and the check digits fit; the account may still not exist.

    Raises:
        ValueError: The country is not in the table.

    >>> check_iban("DE89 3704 0044 0532 0130 00")
    True
    >>> check_iban("DE89370400440532013001")
    False
    """
    signs = iban.replace(" ", "").upper()
    length = IBAN_LENGTHS.get(signs[:2])
    if length is None:
        raise ValueError(f"no country is known for the letters {signs[:2]!r}")
    if len(signs) != length or not (signs.isascii() and signs.isalnum() and signs[2:4].isdigit()):
        return False
    return int("".join(str(int(sign, 36)) for sign in signs[4:] + signs[:4])) % 97 == 1


def adjust_for_inflation(amount: float, from_year: int, to_year: int = 2024) -> float:
    """Convert an amount of US dollars to the prices of another year.

    Args:
        amount: Amount in dollars.
        from_year: Year of the amount, from 1970 to 2024.
        to_year: Year to convert it to, from 1970 to 2024.

    Returns:
        What buys as much in the other year, by the consumer price index.

    Raises:
        ValueError: A year is not between 1970 and 2024.

    >>> adjust_for_inflation(100, 1980)
    380.69
    """
    places = from_year - FIRST_PRICE_YEAR, to_year - FIRST_PRICE_YEAR
    if not all(0 <= place < len(CONSUMER_PRICES) for place in places):
        raise ValueError("the years must lie between 1970 and 2024")
    return round(amount * CONSUMER_PRICES[places[1]] / CONSUMER_PRICES[places[0]], 2)


def us_federal_income_tax(
    taxable_income: float,
    filing_status: Literal["single", "married filing jointly", "head of household"] = "single",
) -> IncomeTax:
    """Calculate the US federal income tax of the year 2024.

    Args:
        taxable_income: Income after deductions, in dollars.
        filing_status: How the taxpayer files.

    Returns:
        The tax, its share of the income, and the rate on the last dollar, in percent.

    Raises:
        ValueError: The income is not positive.

    >>> us_federal_income_tax(50000)
    {'tax': 6053.0, 'average_rate_percent': 12.11, 'top_rate_percent': 22}
    """
    if taxable_income <= 0:
        raise ValueError("taxable_income must be positive")
    tax, lower, top = 0.0, 0.0, 0
    for rate, limit in zip(TAX_RATES, TAX_LIMITS[filing_status], strict=True):
        if taxable_income > lower:
            tax, top = tax + (min(taxable_income, limit) - lower) * rate / 100, rate
        lower = limit
    return {
        "tax": round(tax, 2),
        "average_rate_percent": round(100 * tax / taxable_income, 2),
        "top_rate_percent": top,
    }
