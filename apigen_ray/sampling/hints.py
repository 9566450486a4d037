"""Plausible values by the words of a parameter's name, where neither schema nor lexicon says more."""

import re

_FORMATS: dict[str, tuple[str, ...]] = {
    "email": ("mira.holt@example.com", "t.okafor@example.org", "billing@example.net", "lena@example.com"),
    "uri": ("https://example.com/report", "https://example.org/news", "http://example.net/shop"),
    "hostname": ("example.com", "mail.example.org", "shop.example.net", "api.example.com"),
    "ipv4": ("192.0.2.17", "198.51.100.4", "203.0.113.90", "192.0.2.201"),
    "ipv6": ("2001:db8::17", "2001:db8::a4", "2001:db8:0:1::9"),
    "duration": ("PT15M", "PT2H", "P3D", "P1W"),
    "json-pointer": ("/name", "/items/0", "/address/city", "/price"),
}  # fmt: skip
_FORMATS |= {
    "url": _FORMATS["uri"],
    "iri": _FORMATS["uri"],
    "uri-reference": _FORMATS["uri"],
    "idn-email": _FORMATS["email"],
}

_WORDS: dict[str, tuple[str, ...]] = {
    "city": ("Lisbon", "Nairobi", "Toronto", "Osaka", "Bergen", "Quito", "Krakow", "Adelaide", "Denver", "Valencia"),
    "country": ("Portugal", "Kenya", "Canada", "Japan", "Norway", "Ecuador", "Poland", "Australia", "Spain", "Chile"),
    "name": ("Amara", "Jonas", "Priya", "Mateo", "Ingrid", "Kenji", "Lucia", "Omar", "Freya", "Dario"),
    "author": ("Amara Osei", "Jonas Lindgren", "Priya Nair", "Mateo Silva", "Ingrid Dahl", "Kenji Mori"),
    "currency": ("USD", "EUR", "GBP", "JPY", "CAD", "CHF", "AUD", "SEK"),
    "language": ("English", "Spanish", "French", "German", "Japanese", "Portuguese", "Swahili"),
    "color": ("red", "blue", "green", "orange", "purple", "yellow", "teal"),
    "animal": ("otter", "falcon", "rabbit", "tortoise", "heron", "badger"),
    "food": ("lentil soup", "rice bowl", "apple pie", "grilled salmon", "pancakes", "tomato salad"),
    "genre": ("jazz", "folk", "classical", "rock", "ambient", "blues"),
    "phone": ("+1 555 0100", "+44 20 7946 0018", "+1 555 0142", "+61 2 5550 1234"),
    "symbol": ("AAPL", "MSFT", "NVDA", "TSLA", "AMZN", "IBM"),
    "text": (
        "The quick ferry leaves at noon", "Fresh bread every morning", "Rain is expected tonight",
        "Our garden needs more light", "The concert was moved to Friday", "Seven boats crossed the bay",
    ),
    "topic": ("solar energy", "urban gardening", "marathon training", "ocean currents", "chess openings"),
    "title": ("Summer Plans", "Quarterly Report", "Garden Notes", "Travel Checklist", "Team Update", "Reading List"),
    "path": ("reports/april.csv", "photos/harbor.png", "notes/todo.txt", "data/sales.json"),
    "word": ("harbor", "maple", "lantern", "meadow", "cobalt", "saffron", "granite", "willow", "ember", "thistle"),
}  # fmt: skip

_ALIASES: dict[str, str] = {
    "town": "city", "location": "city", "place": "city", "destination": "city", "origin": "city", "nation": "country",
    "person": "name", "user": "name", "username": "name", "recipient": "name", "customer": "name", "artist": "author",
    "director": "author", "lang": "language", "locale": "language", "colour": "color", "pet": "animal",
    "dish": "food", "meal": "food", "recipe": "food", "ingredient": "food", "mobile": "phone", "telephone": "phone",
    "ticker": "symbol", "stock": "symbol", "message": "text", "sentence": "text", "content": "text", "body": "text",
    "note": "text", "description": "text", "paragraph": "text", "comment": "text", "query": "topic",
    "subject": "topic", "keyword": "topic", "search": "topic", "theme": "topic", "heading": "title",
    "headline": "title", "file": "path", "filename": "path", "mail": "email", "link": "url", "website": "url",
    "domain": "hostname", "ip": "ipv4",
}  # fmt: skip

_NUMBERS: dict[str, tuple[float, float, float]] = {
    "year": (1995, 2030, 1), "month": (1, 12, 1), "day": (1, 28, 1), "days": (2, 30, 1), "hour": (0, 23, 1),
    "minute": (0, 55, 5), "minutes": (5, 120, 5), "age": (18, 80, 1), "latitude": (-60, 60, 0.5), "lat": (-60, 60, 0.5),
    "longitude": (-170, 170, 0.5), "lon": (-170, 170, 0.5), "lng": (-170, 170, 0.5), "rate": (1, 12, 0.25),
    "percent": (5, 60, 2.5), "percentage": (5, 60, 2.5), "probability": (0.05, 0.95, 0.05), "price": (5, 250, 0.5),
    "amount": (20, 950, 10), "cost": (20, 950, 10), "salary": (30000, 120000, 500), "principal": (1000, 50000, 500),
    "limit": (3, 20, 1), "count": (3, 20, 1), "page": (2, 12, 1), "port": (1024, 9000, 1),
}  # fmt: skip

_INTEGERS, _REALS = (2, 99, 1), (1.5, 99, 0.5)


def name_words(name: str) -> list[str]:
    """The words of an identifier, lower case: ``maxDailyCost_eur`` -> ``max daily cost eur``."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]


def words_hint(name: str, kind: str | None = None) -> tuple[str, ...]:
    """Texts that a parameter of this name (or JSON Schema format) could hold; plain nouns where nothing is known."""
    if kind in _FORMATS:
        return _FORMATS[kind]
    for word in reversed(name_words(name)):  # the last word of a name says what it is
        for key in (word, word.removesuffix("s")):
            key = _ALIASES.get(key, key)
            if key in _WORDS or key in _FORMATS:
                return _WORDS.get(key) or _FORMATS[key]
    return _WORDS["word"]


def number_hint(name: str, *, integer: bool) -> tuple[float, float, float]:
    """Lowest, highest and step of the numbers that a parameter of this name could hold."""
    for word in reversed(name_words(name)):
        if word in _NUMBERS:
            low, high, step = _NUMBERS[word]
            return (low, high, step) if not integer or float(step).is_integer() else (max(low, 1), high, 1)
    return _INTEGERS if integer else _REALS
