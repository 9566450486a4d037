"""A shop: products, stock, reviews and orders."""

import json
from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Cookie, HTTPException, Path, Query, UploadFile
from fastapi.responses import HTMLResponse, StreamingResponse
from pydantic import BaseModel, Field

from examples.rest_service.conduct import Paged
from examples.rest_service.database import Database, change, known, one, several

router = APIRouter()

Product = Annotated[str, Path(description="Name of the product.", json_schema_extra=known("product"))]
Store = Annotated[Literal["Harbour Street", "Market Square", "Station"], Path(description="Name of the store.")]
OrderId = Annotated[int, Path(ge=1, description="Number of the order.", json_schema_extra=known("purchase", "id"))]
_LEDGER_ROWS = 60_000


class Price(BaseModel):
    """A price."""

    product: str
    price: float
    currency: str


class Stock(BaseModel):
    """How many pieces there are."""

    product: str
    pieces: int


class Found(BaseModel):
    """A product that was found."""

    name: str
    department: str
    price: float


class Products(BaseModel):
    """A page of products."""

    items: list[Found]
    total: int
    next_page: int | None


class Review(BaseModel):
    """What a customer says of a product."""

    stars: int = Field(ge=1, le=5, description="Stars, 5 is best.")
    words: str = Field(min_length=1, max_length=500, description="The review.")


class Reviews(BaseModel):
    """A page of reviews."""

    items: list[Review]
    total: int
    next_page: int | None


class Hours(BaseModel):
    """When a store is open."""

    store: str
    opens: str
    closes: str


class Movement(BaseModel):
    """A change of the stock."""

    number: int
    product: str
    pieces: int


class NewOrder(BaseModel):
    """What is ordered."""

    product: str = Field(description="Name of the product.", json_schema_extra=known("product"))
    quantity: int = Field(ge=1, le=10, description="Pieces.")


class Order(NewOrder):
    """An order."""

    id: int
    status: str


@router.get("/products/{product}/price")
async def product_price(
    product: Product,
    database: Database,
    currency: Annotated[Literal["EUR", "USD", "GBP"], Cookie(description="Currency that the shop shows.")] = "EUR",
) -> Price:
    """Get the price of a product."""
    cents = one(database, "SELECT cents FROM product WHERE name = ?", product)["cents"]
    per_euro = one(database, "SELECT per_euro FROM currency WHERE code = ?", currency)["per_euro"]
    return Price(product=product, price=round(cents * per_euro / 100, 2), currency=currency)


@router.get("/products/{product}/stock")
async def product_stock(product: Product, database: Database) -> Stock:
    """Get how many pieces of a product are in stock."""
    return Stock(**one(database, "SELECT name AS product, stock AS pieces FROM product WHERE name = ?", product))


@router.get("/products")
async def product_search(
    department: Annotated[str, Query(description="Department.", json_schema_extra=known("product", "department"))],
    page: Paged,
    database: Database,
    max_price: Annotated[float | None, Query(gt=0, description="Highest price in euros.", examples=[40, 75])] = None,
) -> Products:
    """Search the products of a department, page by page."""
    query = "SELECT name, department, cents / 100.0 AS price FROM product WHERE department = ? ORDER BY name"
    rows = several(database, query, department)
    return Products(**page.of([row for row in rows if max_price is None or row["price"] <= max_price]))


@router.get("/products/{product}/reviews")
async def product_reviews(product: Product, page: Paged, database: Database) -> Reviews:
    """Get the reviews of a product, page by page."""
    rows = several(database, "SELECT stars, words FROM review WHERE product = ? ORDER BY id", product)
    return Reviews(**page.of(rows))


@router.post("/products/{product}/reviews", status_code=201)
async def write_review(product: Product, review: Review, database: Database) -> Review:
    """Write a review of a product."""
    one(database, "SELECT name FROM product WHERE name = ?", product)
    insert = "INSERT INTO review (product, stars, words) VALUES (?, ?, ?)"
    change(database, insert, product, review.stars, review.words)
    return review


@router.post("/products/{product}/photo", status_code=201)
async def upload_photo(product: Product, photo: UploadFile, database: Database) -> Stock:
    """Upload a photo of a product."""
    if not (photo.content_type or "").startswith("image/"):
        raise HTTPException(415, "give an image")
    return await product_stock(product, database)


@router.get("/stores/{store}/hours", response_model=Hours)
async def store_hours(store: Store) -> HTMLResponse:
    """Get the opening hours of a store."""
    # What a proxy in front says while the shop is rebuilt: a page for people, with status 200.
    return HTMLResponse(f"<!doctype html><title>Almanac</title><p>The store {store} will soon be back.</p>")


@router.get("/stores/{store}/ledger", response_model=list[Movement])
async def store_ledger(store: Store) -> StreamingResponse:
    """Get the ledger of a store: every movement of its stock since it opened, which is more than anybody can read."""

    def parts() -> Iterator[str]:
        yield "["
        for start in range(1, _LEDGER_ROWS, 1000):
            numbers = range(start, min(start + 1000, _LEDGER_ROWS))
            rows = [{"number": n, "product": f"{store} article {n % 97}", "pieces": n % 7 - 3} for n in numbers]
            yield json.dumps(rows)[1:-1] + ",\n"
        yield '{"number": 0, "product": "opening", "pieces": 0}]'

    return StreamingResponse(parts(), media_type="application/json")


@router.get("/orders/{id}")
async def order_status(id: OrderId, database: Database) -> Order:
    """Get the status of an order."""
    return Order(**one(database, "SELECT * FROM purchase WHERE id = ?", id))


@router.post("/orders", status_code=201)
async def create_order(order: NewOrder, database: Database) -> Order:
    """Order pieces of a product."""
    one(database, "SELECT name FROM product WHERE name = ?", order.product)
    insert = "INSERT INTO purchase (product, quantity, status) VALUES (?, ?, 'packed')"
    made = change(database, insert, order.product, order.quantity).lastrowid
    return Order(**one(database, "SELECT * FROM purchase WHERE id = ?", made))


@router.put("/orders/{id}")
async def change_order(
    id: OrderId,
    quantity: Annotated[int, Query(ge=1, le=10, description="Pieces.")],
    database: Database,
) -> Order:
    """Change how many pieces an order is for."""
    one(database, "SELECT id FROM purchase WHERE id = ?", id)
    change(database, "UPDATE purchase SET quantity = ? WHERE id = ?", quantity, id)
    return Order(**one(database, "SELECT * FROM purchase WHERE id = ?", id))


@router.delete("/orders/{id}")
async def cancel_order(id: OrderId, database: Database) -> Order:
    """Cancel an order."""
    gone = one(database, "SELECT * FROM purchase WHERE id = ?", id)
    change(database, "DELETE FROM purchase WHERE id = ?", id)
    return Order(**{**gone, "status": "cancelled"})
