"""Names of functions and parameters: legal identifiers of at most 64 characters, each once, the same every time."""

import re
from collections import Counter
from collections.abc import Sequence

from apigen_ray.records import content_hash

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


def identifier(text: str) -> str:
    """The text as an identifier of ASCII letters, digits and underscores, at most 64 of them; "_" if none is left."""
    if _NAME.fullmatch(text):
        return text
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_") or "_"
    name = f"_{name}" if name[0].isdigit() else name
    return name if len(name) <= 64 else f"{name[:57]}_{content_hash(text)[:6]}"


def unique_names(plain: Sequence[str], keys: Sequence[str]) -> list[str]:
    """A name for each: the plain one where it stands alone, else with a hash of its key, for all that share it.

    Args:
        plain: identifiers.
        keys: what tells those of one name apart, each once: then no name depends on the order.
    """
    count = Counter(plain)
    taken = {name for name in plain if count[name] == 1}
    out = []
    for given, key in zip(plain, keys, strict=True):
        name = given
        if count[given] > 1:
            digest = content_hash(key)
            longer = (f"{given[: 63 - digits]}_{digest[:digits]}" for digits in (6, 12, 24))
            name = next(candidate for candidate in longer if candidate not in taken)
            taken.add(name)
        out.append(name)
    return out


def entries_once(entries: Sequence[str]) -> list[str]:
    """The entries, where one occurs again with its number: ``search``, ``search #2``."""
    seen: Counter[str] = Counter()
    taken = set(entries)
    out = []
    for entry in entries:
        seen[entry] += 1
        name = entry
        if seen[entry] > 1:
            name = f"{entry} #{seen[entry]}"
            while name in taken:
                seen[entry] += 1
                name = f"{entry} #{seen[entry]}"
            taken.add(name)
        out.append(name)
    return out
