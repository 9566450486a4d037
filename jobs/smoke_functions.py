"""The smoke recipe's library: small functions, half of which misbehave on one kind of argument, as real ones do.

`apigen_ray.engines.faults` knows those arguments and plants them; the value sampler does not come up with them.
"""

import os
from datetime import date
from typing import Any, Literal, TypedDict


class Address(TypedDict):
    """Where a parcel goes."""

    street: str
    city: str
    floor: int


def divide(dividend: float, divisor: float) -> float:
    """Divides one number by another. Raises for a divisor of zero.

    Args:
        dividend: the number that is divided.
        divisor: the number that it is divided by.
    """
    return dividend / divisor


def count_down(start: int) -> int:
    """Counts down to zero and says how many steps it took. Never ends for a negative start.

    Args:
        start: where the counting starts.
    """
    steps = 0
    while start != 0:
        start -= 1
        steps += 1
    return steps


def repeat_word(word: str, times: int) -> str:
    """Writes a word several times over. Returns megabytes where that is asked for.

    Args:
        word: the word.
        times: how often it is written.
    """
    return " ".join([word] * times)


def make_grid(rows: int, columns: int) -> int:
    """Lays out an empty grid and says how many cells it has. Wants a byte of memory for each cell.

    Args:
        rows: number of rows.
        columns: number of columns.
    """
    return len(bytearray(rows * columns))


def close_session(reason: str) -> str:
    """Closes a session and notes the reason. A crash takes the process with it.

    Args:
        reason: why the session is closed.
    """
    if reason == "crash":
        os._exit(3)
    return f"closed: {reason}"


def average(readings: list[float]) -> float:
    """The mean of some readings; not a number where there are none.

    Args:
        readings: what was measured.
    """
    return sum(readings) / len(readings) if readings else float("nan")


def book_room(guests: int, view: Literal["garden", "harbour", "street"], breakfast: bool = False) -> dict[str, Any]:
    """Books a room and gives back the booking.

    Args:
        guests: how many people stay.
        view: what the room looks out on.
        breakfast: whether breakfast is wanted.
    """
    return {"guests": guests, "view": view, "meals": "breakfast" if breakfast else "none"}


def convert_weight(weight: float, unit: Literal["grams", "ounces", "pounds"]) -> float:
    """Converts a weight in kilograms to another unit.

    Args:
        weight: the weight in kilograms.
        unit: what it is converted to.
    """
    return round(weight * {"grams": 1000.0, "ounces": 35.27396, "pounds": 2.204623}[unit], 3)


def plan_visit(city: str, day: date) -> str:
    """Puts a visit into the calendar.

    Args:
        city: where the visit is.
        day: the day of the visit.
    """
    return f"{city} on {day}"


def send_parcel(recipient: str, address: Address) -> str:
    """Hands a parcel to the post and gives back its label.

    Args:
        recipient: who receives it.
        address: where it goes.
    """
    return f"{recipient}, {address['street']}, {address['city']}, floor {address['floor']}"


def order_fruit(fruit: str, boxes: int, express: bool = False) -> dict[str, Any]:
    """Orders boxes of fruit.

    Args:
        fruit: which fruit.
        boxes: how many boxes.
        express: whether they come today.
    """
    return {"fruit": fruit, "boxes": boxes, "express": express}


def rent_bicycle(customer: str, hours: int, size: Literal["small", "medium", "large"] = "medium") -> dict[str, Any]:
    """Rents a bicycle by the hour.

    Args:
        customer: who rents it.
        hours: for how long.
        size: of the frame.
    """
    return {"customer": customer, "hours": hours, "size": size}
