"""The tools of the harbour office: most answer, some refuse, one falls over, one is slow, one says too much."""

import math
import os
import struct
import zlib
from datetime import date, timedelta
from itertools import count
from typing import Annotated, Literal, TypedDict

import anyio
from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from examples.mcp_server.harbours import ALPHABET, BEAUFORT, BERTHS, DIESEL_CENTS, FLAGS, HARBOURS, VESSELS, Harbour

office = MCPServer("harbour-office", instructions="Berths, passages and signals of ten harbours.", log_level="WARNING")

_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
_EARTH_NM = 3440.065  # mean radius
_numbers = count(1)
_reservations: dict[str, str] = {}  # number: berth

Knots = Annotated[float, Field(gt=0, le=60, description="Speed over ground in knots.", examples=[5, 6.5, 8, 12, 18])]
Miles = Annotated[float, Field(gt=0, le=5000, description="Distance in nautical miles.", examples=[12, 45, 120, 310])]
Port = Annotated[Harbour, Field(description="Name of the harbour.")]


class Details(TypedDict):
    """A harbour."""

    harbour: str
    country: str
    latitude: float
    longitude: float
    berths: int


class Passage(TypedDict):
    """How long a passage takes."""

    hours: float
    text: str


class Wind(TypedDict):
    """A wind on the Beaufort scale."""

    force: int
    name: str


class Found(TypedDict):
    """A berth and what it takes, in metres."""

    berth: str
    length: float
    draught: float


class Ship(TypedDict):
    """A vessel of the register."""

    call_sign: str
    name: str
    kind: str
    length: float
    flag: str


@office.tool(annotations=_READS)
def harbour_details(harbour: Port) -> Details:
    """Say where a harbour lies and how many berths it has."""
    place = HARBOURS[harbour]
    return Details(
        harbour=harbour,
        country=place.country,
        latitude=place.latitude,
        longitude=place.longitude,
        berths=len(BERTHS),
    )


@office.tool(annotations=_READS)
def harbours_of(
    country: Annotated[str, Field(description="Country in English.", examples=["Norway", "Italy", "Greece", "France"])],
) -> list[str]:
    """List the harbours of a country; an empty list where there are none."""
    return [name for name, place in HARBOURS.items() if place.country.lower() == country.lower()]


@office.tool(annotations=_READS)
def distance_between(origin: Port, destination: Port) -> float:
    """Measure the great-circle distance between two harbours in nautical miles."""
    start, end = HARBOURS[origin], HARBOURS[destination]
    first, second = math.radians(start.latitude), math.radians(end.latitude)
    turn = math.radians(end.longitude - start.longitude)
    lift = math.sin((second - first) / 2) ** 2 + math.cos(first) * math.cos(second) * math.sin(turn / 2) ** 2
    return round(2 * _EARTH_NM * math.asin(math.sqrt(lift)), 1)


@office.tool(annotations=_READS)
def passage_time(distance: Miles, speed: Knots) -> Passage:
    """Work out how long a passage takes at a steady speed."""
    minutes = round(distance / speed * 60)
    return Passage(hours=round(distance / speed, 2), text=f"{minutes // 60} h {minutes % 60} min")


@office.tool(annotations=_READS)
def fuel_needed(
    distance: Miles,
    speed: Knots,
    litres_per_hour: Annotated[float, Field(gt=0, le=2000, description="Consumption.", examples=[3, 6, 14, 40])],
) -> float:
    """Work out the litres of fuel that a passage takes, with a fifth in reserve."""
    return round(distance / speed * litres_per_hour * 1.2, 1)


@office.tool(annotations=_READS)
def tide_height(
    harbour: Port,
    day: Annotated[date, Field(description="Day, YYYY-MM-DD.", examples=["2025-03-14", "2025-07-02", "2026-01-20"])],
    hour: Annotated[int, Field(ge=0, le=23, description="Full hour of the day, UTC.")] = 12,
) -> float:
    """Estimate the height of the tide in metres above low water: a plain curve of one period, not for navigation."""
    hours = (day - date(2025, 1, 1)).days * 24 + hour
    return round(HARBOURS[harbour].tidal_range * (1 + math.cos(2 * math.pi * hours / 12.42)) / 2, 2)


@office.tool(annotations=_READS)
def beaufort(
    wind: Annotated[float, Field(ge=0, le=200, description="Wind speed in knots.", examples=[4, 12, 19, 26, 38, 52])],
) -> Wind:
    """Turn a wind speed into a force of the Beaufort scale."""
    force = next(force for force, (highest, _) in enumerate(BEAUFORT) if round(wind) <= highest)
    return Wind(force=force, name=BEAUFORT[force][1])


@office.tool(annotations=_READS)
def spell(
    word: Annotated[str, Field(min_length=1, max_length=40, description="Word.", examples=["Havbris", "Zulu", "Cork"])],
) -> str:
    """Spell a word for the radio, in the international spelling alphabet."""
    if not word.isascii() or not word.isalpha():
        raise ToolError(f"{word!r} has more than the letters A to Z")
    return " ".join(ALPHABET[ord(letter) - ord("A")] for letter in word.upper())


@office.tool(annotations=_READS)
def signal_flag(
    letter: Annotated[str, Field(pattern="^[A-Z]$", description="One letter.", examples=["A", "G", "O", "V"])],
) -> str:
    """Say what a single signal flag means; the office knows some of them."""
    if letter not in FLAGS:
        raise ToolError(f"the meaning of flag {letter} is not in the book of this office")
    return FLAGS[letter]


@office.tool(annotations=_READS)
def find_berth(
    length: Annotated[float, Field(gt=0, le=400, description="Length in metres.", examples=[7.5, 11, 14, 23])],
    draught: Annotated[float, Field(gt=0, le=25, description="Draught in metres.", examples=[1.4, 1.9, 2.3])],
) -> Found:
    """Find the smallest free berth that takes a vessel; an error where there is none."""
    for berth in BERTHS:
        if length <= berth.length and draught <= berth.draught and berth.name not in _reservations.values():
            return Found(berth=berth.name, length=berth.length, draught=berth.draught)
    raise ToolError(f"no free berth takes {length:g} m with a draught of {draught:g} m")


@office.tool(annotations=_WRITES)
def reserve_berth(
    berth: Annotated[Literal["A1", "A2", "B1", "B2", "C1", "C2"], Field(description="Name of the berth.")],
    vessel: Annotated[str, Field(min_length=1, max_length=40, description="Name of the vessel.")],
) -> str:
    """Reserve a berth for a vessel and return the number of the reservation; an error where it is taken."""
    if berth in _reservations.values():
        raise ToolError(f"berth {berth} is taken")
    number = f"R{next(_numbers):03d}-{vessel[:3].upper()}"
    _reservations[number] = berth
    return number


@office.tool(annotations=_WRITES)
def cancel_reservation(reservation: Annotated[str, Field(description="Number of the reservation.")]) -> str:
    """Cancel a reservation; an error where there is none of that number."""
    if reservation not in _reservations:
        raise ToolError(f"there is no reservation {reservation!r}")
    return f"berth {_reservations.pop(reservation)} is free again"


@office.tool(annotations=_READS)
def vessel_by_call_sign(
    call_sign: Annotated[str, Field(description="Call sign.", examples=[vessel.call_sign for vessel in VESSELS])],
) -> Ship:
    """Look a vessel up in the register; an error where it is not there."""
    for vessel in VESSELS:
        if vessel.call_sign == call_sign.upper():
            return Ship(
                call_sign=vessel.call_sign, name=vessel.name, kind=vessel.kind, length=vessel.length, flag=vessel.flag
            )
    raise ToolError(f"no vessel of the register has the call sign {call_sign!r}")


@office.tool(annotations=_READS)
async def watch_barometer(
    seconds: Annotated[float, Field(gt=0, le=600, description="How long to watch.")], context: Context
) -> str:
    """Watch the barometer for a while: slow, as long as it is told to be, with a word of progress four times."""
    for quarter in range(1, 5):
        await anyio.sleep(seconds / 4)
        await context.report_progress(quarter, 4)
    return f"1013 hPa, steady over {seconds:g} s"


@office.tool(annotations=_READS)
def harbour_log(
    harbour: Port,
    days: Annotated[int, Field(ge=1, le=20000, description="How many days back.", examples=[2, 7, 30])] = 7,
) -> str:
    """Read the log of a harbour, one line a day: 20,000 days are about 1 MB."""
    start = date(2025, 6, 30)
    return "\n".join(
        f"{start - timedelta(days=back)} {harbour}: {back * 7 % 19} arrivals, {back * 5 % 17} departures, calm"
        for back in range(days)
    )


@office.tool(annotations=_READS)
def chart(harbour: Port) -> Image:
    """Draw a chart of a harbour: an image, no text."""
    shade = round(HARBOURS[harbour].tidal_range * 80)
    rows = b"".join(b"\0" + bytes([shade]) * 16 for _ in range(16))  # 16 grey pixels in each of 16 rows, unfiltered
    parts = ((b"IHDR", struct.pack(">IIBBBBB", 16, 16, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    body = b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts)
    return Image(data=b"\x89PNG\r\n\x1a\n" + body, format="png")


@office.tool(annotations=_READS)
def diesel_price(harbour: Port) -> float:
    """Say what a litre of marine diesel costs in euros."""
    return DIESEL_CENTS[harbour] / 100  # the mistake: a KeyError for what the table has not


@office.tool(annotations=_READS)
def pilot_on_duty(harbour: Port) -> str:
    """Name the pilot on duty: only for who starts this server with HARBOUR_OFFICE_KEY in its environment."""
    if not os.environ.get("HARBOUR_OFFICE_KEY"):
        raise ToolError("the register of pilots is closed: HARBOUR_OFFICE_KEY is not set")
    return ("Aino Saar", "Brigitte Noack", "Colm Daly")[len(harbour) % 3]
