"""An office: invoices, departments, mailboxes, messages and short links; for those who may."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Path
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from examples.rest_service.database import Database, change, known, one
from examples.rest_service.security import needs_client, needs_key, needs_password

business, communication = APIRouter(), APIRouter()


class Invoice(BaseModel):
    """An invoice, in euros."""

    number: str
    customer: str
    total: float
    paid: bool


class Staff(BaseModel):
    """The people of a department."""

    department: str
    employees: int
    manager: str


class Mailbox(BaseModel):
    """What is in a mailbox."""

    user: str
    messages: int
    megabytes: int


class NewMessage(BaseModel):
    """A message."""

    recipient: str = Field(description="User who gets it.", json_schema_extra=known("mailbox", "user"))
    words: str = Field(min_length=1, max_length=500, description="What it says.")


class Sent(BaseModel):
    """A message that was sent."""

    id: int
    recipient: str


class Subscriber(BaseModel):
    """Who gets a newsletter."""

    email: str
    topic: str


@business.get("/invoices/{number}", dependencies=[needs_key])
async def invoice_status(
    number: Annotated[str, Path(description="Number of the invoice.", json_schema_extra=known("invoice", "number"))],
    database: Database,
) -> Invoice:
    """Get the total of an invoice and whether it is paid."""
    query = "SELECT number, customer, cents / 100.0 AS total, paid FROM invoice WHERE number = ?"
    return Invoice(**one(database, query, number))


@business.get("/departments/{department}/staff", dependencies=[needs_client])
async def department_staff(
    department: Annotated[str, Path(description="Department.", json_schema_extra=known("department"))],
    database: Database,
) -> Staff:
    """Get how many people work in a department and who manages it."""
    query = "SELECT name AS department, employees, manager FROM department WHERE name = ?"
    return Staff(**one(database, query, department))


@communication.get("/mailboxes/{user}", dependencies=[needs_password])
async def mailbox_size(
    user: Annotated[str, Path(description="User.", json_schema_extra=known("mailbox", "user"))], database: Database
) -> Mailbox:
    """Get the size of the mailbox of a user."""
    return Mailbox(**one(database, "SELECT * FROM mailbox WHERE user = ?", user))


@communication.post("/messages", status_code=201)
async def send_message(message: NewMessage, database: Database) -> Sent:
    """Send a message to a user."""
    insert = "INSERT INTO message (recipient, words) VALUES (?, ?)"
    made = change(database, insert, message.recipient, message.words).lastrowid
    return Sent(**one(database, "SELECT id, recipient FROM message WHERE id = ?", made))


@communication.post("/newsletter", status_code=201)
async def subscribe_newsletter(
    email: Annotated[str, Form(description="Address.", json_schema_extra={"format": "email"})],
    topic: Annotated[Literal["garden", "kitchen", "travel"], Form(description="What it is about.")],
    database: Database,
) -> Subscriber:
    """Subscribe an address to a newsletter."""
    change(database, "INSERT OR REPLACE INTO subscriber VALUES (?, ?)", email, topic)
    return Subscriber(email=email, topic=topic)


@communication.get("/links/{link}", response_model=dict[str, Any])
async def short_link(
    link: Annotated[str, Path(description="Name of the link.", json_schema_extra=known("link"))], database: Database
) -> RedirectResponse:
    """Follow a short link that a user has saved."""
    return RedirectResponse(one(database, "SELECT target FROM link WHERE name = ?", link)["target"])
