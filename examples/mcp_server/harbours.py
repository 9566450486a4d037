"""What the harbour office knows: harbours, berths, vessels, signals; invented, but for the places and the codes."""

from dataclasses import dataclass
from typing import Literal

Harbour = Literal["Bergen", "Cork", "Gdansk", "Genoa", "Lisbon", "Marseille", "Oslo", "Piraeus", "Rotterdam", "Tallinn"]
"""The harbours that the office speaks for."""


@dataclass(frozen=True)
class Place:
    """Where a harbour lies (degrees, rounded), and its mean tidal range in metres (rounded)."""

    country: str
    latitude: float
    longitude: float
    tidal_range: float


@dataclass(frozen=True)
class Berth:
    """A place to moor: the longest vessel and the deepest draught that it takes, in metres."""

    name: str
    length: float
    draught: float


@dataclass(frozen=True)
class Vessel:
    """A vessel of the register."""

    call_sign: str
    name: str
    kind: str
    length: float
    flag: str


HARBOURS: dict[Harbour, Place] = {
    "Bergen": Place("Norway", 60.4, 5.3, 0.9),
    "Cork": Place("Ireland", 51.8, -8.3, 3.0),
    "Gdansk": Place("Poland", 54.4, 18.7, 0.1),
    "Genoa": Place("Italy", 44.4, 8.9, 0.2),
    "Lisbon": Place("Portugal", 38.7, -9.1, 2.4),
    "Marseille": Place("France", 43.3, 5.4, 0.2),
    "Oslo": Place("Norway", 59.9, 10.7, 0.3),
    "Piraeus": Place("Greece", 37.9, 23.6, 0.1),
    "Rotterdam": Place("Netherlands", 51.9, 4.5, 1.7),
    "Tallinn": Place("Estonia", 59.4, 24.8, 0.1),
}

BERTHS = (
    Berth("A1", 8, 1.6),
    Berth("A2", 10, 2.0),
    Berth("B1", 12, 2.4),
    Berth("B2", 15, 3.0),
    Berth("C1", 24, 4.5),
    Berth("C2", 40, 6.0),
)

VESSELS = (
    Vessel("LMHB7", "Havbris", "trawler", 21.5, "Norway"),
    Vessel("EIKT2", "Saint Brigid", "sailing yacht", 11.2, "Ireland"),
    Vessel("SPZA4", "Bursztyn", "tug", 28.0, "Poland"),
    Vessel("IQRS9", "Maestrale", "ferry", 87.0, "Italy"),
    Vessel("CSLV3", "Andorinha", "sailing yacht", 13.6, "Portugal"),
    Vessel("PDWK5", "Zeearend", "barge", 85.0, "Netherlands"),
)

DIESEL_CENTS = {"Bergen": 182, "Cork": 168, "Gdansk": 149, "Genoa": 176, "Lisbon": 158, "Oslo": 189, "Rotterdam": 161}
"""Marine diesel by the litre. Three harbours are missing: a mistake that a tool of this server falls over."""

# The highest wind of each force in whole knots (World Meteorological Organization).
BEAUFORT = (
    (0, "calm"), (3, "light air"), (6, "light breeze"), (10, "gentle breeze"), (16, "moderate breeze"),
    (21, "fresh breeze"), (27, "strong breeze"), (33, "near gale"), (40, "gale"), (47, "strong gale"), (55, "storm"),
    (63, "violent storm"), (float("inf"), "hurricane"),
)  # fmt: skip

# The spelling alphabet of the International Telecommunication Union.
ALPHABET = (
    "Alfa Bravo Charlie Delta Echo Foxtrot Golf Hotel India Juliett Kilo Lima Mike November Oscar Papa Quebec Romeo "
    "Sierra Tango Uniform Victor Whiskey Xray Yankee Zulu"
).split()

# Meanings of single flags (International Code of Signals), shortened.
FLAGS = {
    "A": "I have a diver down; keep well clear at slow speed.",
    "B": "I am taking in, discharging or carrying dangerous goods.",
    "C": "Yes.",
    "D": "Keep clear of me; I am manoeuvring with difficulty.",
    "F": "I am disabled; communicate with me.",
    "G": "I require a pilot.",
    "H": "I have a pilot on board.",
    "N": "No.",
    "O": "Man overboard.",
    "P": "In harbour: all persons should report on board, the vessel is about to sail.",
    "Q": "My vessel is healthy and I request free pratique.",
    "V": "I require assistance.",
    "W": "I require medical assistance.",
}
