"""Currencies, shares and accounts; all rates, prices and people are invented."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Query
from pydantic import BaseModel, Field

from examples.rest_service.conduct import Flaky
from examples.rest_service.database import Database, known, one
from examples.rest_service.security import needs_token

router = APIRouter()

Code = Annotated[str, Query(description="Currency code (ISO 4217).", json_schema_extra=known("currency", "code"))]
Symbol = Annotated[str, Path(description="Symbol of the share.", json_schema_extra=known("stock", "symbol"))]
Account = Annotated[str, Path(description="Number of the account.", json_schema_extra=known("account", "number"))]


class Rate(BaseModel):
    """What one unit of a currency buys of another."""

    from_currency: str
    to_currency: str
    rate: float


class Rates(BaseModel):
    """What one unit of a currency buys of others, by code."""

    base: str
    rates: dict[str, float]


class Price(BaseModel):
    """The price of a share in euros."""

    symbol: str
    company: str
    price: float


class Dividend(BaseModel):
    """What a share pays in a year, in euros."""

    symbol: str
    dividend: float


class Balance(BaseModel):
    """What is in an account, in euros."""

    number: str
    owner: str
    balance: float


class Transfer(BaseModel):
    """Money that goes from one account to another."""

    from_account: str = Field(description="Account that pays.", json_schema_extra=known("account", "number"))
    to_account: str = Field(description="Account that receives.", json_schema_extra=known("account", "number"))
    amount: float = Field(gt=0, le=10000, description="Euros.")


@router.get("/exchange-rate")
async def exchange_rate(from_currency: Code, to_currency: Code, database: Database) -> Rate:
    """Get the exchange rate from one currency to another."""
    per_euro = [
        one(database, "SELECT per_euro FROM currency WHERE code = ?", code)["per_euro"]
        for code in (from_currency, to_currency)
    ]
    return Rate(from_currency=from_currency, to_currency=to_currency, rate=round(per_euro[1] / per_euro[0], 4))


@router.get("/exchange-rates/{base}")
async def exchange_rates(
    base: Annotated[str, Path(description="Currency code (ISO 4217).", json_schema_extra=known("currency", "code"))],
    currencies: Annotated[list[Code], Query(min_length=1, max_length=5, description="Codes of the other currencies.")],
    database: Database,
) -> Rates:
    """Get the exchange rates from a currency to several others."""
    per_euro = one(database, "SELECT per_euro FROM currency WHERE code = ?", base)["per_euro"]
    others = {code: one(database, "SELECT per_euro FROM currency WHERE code = ?", code) for code in currencies}
    return Rates(base=base, rates={code: round(row["per_euro"] / per_euro, 4) for code, row in others.items()})


@router.get("/stocks/{symbol}/price", dependencies=[Depends(Flaky(3))])
async def stock_price(symbol: Symbol, database: Database) -> Price:
    """Get the stock price of a company by its symbol."""
    return Price(**one(database, "SELECT symbol, company, price FROM stock WHERE symbol = ?", symbol))


@router.get("/stocks/{symbol}/dividend")
async def yearly_dividend(symbol: Symbol, database: Database) -> Dividend:
    """Get the yearly dividend of a stock by its symbol."""
    return Dividend(**one(database, "SELECT symbol, dividend FROM stock WHERE symbol = ?", symbol))


@router.get("/accounts/{number}/balance", dependencies=[needs_token])
async def account_balance(number: Account, database: Database) -> Balance:
    """Get the balance of an account."""
    query = "SELECT number, owner, cents / 100.0 AS balance FROM account WHERE number = ?"
    return Balance(**one(database, query, number))


@router.post("/transfers", dependencies=[needs_token], status_code=201)
async def transfer_money(transfer: Transfer, database: Database) -> Balance:
    """Transfer money from one account to another."""
    query = "SELECT number, owner, cents / 100.0 AS balance FROM account WHERE number = ?"
    payer, _ = one(database, query, transfer.from_account), one(database, query, transfer.to_account)
    if payer["balance"] < transfer.amount:
        raise HTTPException(409, "the account does not hold so much")
    cents = round(transfer.amount * 100)
    with database:
        for number, more in ((transfer.from_account, -cents), (transfer.to_account, cents)):
            database.execute("UPDATE account SET cents = cents + ? WHERE number = ?", (more, number))
    return Balance(**one(database, query, transfer.from_account))
