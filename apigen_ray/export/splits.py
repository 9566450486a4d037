"""Which split a row belongs to: decided by its query alone, so that near rows never straddle."""

import math
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from apigen_ray.errors import InputError
from apigen_ray.records import Json, content_hash, query_key

_NAME = re.compile(r"\w+(\.\w+)*")  # what `datasets` takes for the name of a split
_MEND = "for example --split train=0.9,test=0.1"


@dataclass(frozen=True)
class Splits:
    """Named shares of the rows.

    A row's place is a hash of its query as a reader would call it the same (`query_key`): the same on every machine,
    in every format and with any number of other rows. A new share at the end leaves the rows of the ones before where
    they were, up to its size.

    Attributes:
        names: of the splits.
        shares: what each gets, together 1.
    """

    names: tuple[str, ...] = ("train",)
    shares: tuple[float, ...] = (1.0,)

    @classmethod
    def parse(cls, words: Sequence[str]) -> "Splits":
        """Reads ``name=share`` words; several may stand in one, with commas between.

        Raises:
            InputError: not of that form, a name twice or ``all``, or shares that are not positive or together not 1.
        """
        pairs = [pair.strip() for word in words for pair in word.split(",")]
        if not pairs:
            return cls()
        names, shares = [], []
        for pair in pairs:
            name, _, share = pair.partition("=")
            try:
                number = float(share)
            except ValueError:
                number = math.nan
            if not _NAME.fullmatch(name) or not 0 < number <= 1:
                raise InputError(f"--split: {pair!r} is not of the form name=share", _MEND)
            if name.lower() == "all":
                raise InputError(f"--split: {name!r} is what datasets calls all splits together", _MEND)
            names.append(name)
            shares.append(number)
        if len(set(names)) < len(names):
            raise InputError(f"--split: {max(names, key=names.count)!r} is named twice", _MEND)
        if not math.isclose(sum(shares), 1):
            raise InputError(f"--split: the shares sum to {sum(shares):g}, not to 1", _MEND)
        return cls(tuple(names), tuple(shares))

    def of(self, row: Json) -> str:
        """The split of a row with ``query`` and ``sample_id``; one without a query stands for itself."""
        key = query_key(row["query"]) if row["query"] else row["sample_id"]
        place = int(content_hash("split", key), 16) / 16**24
        bounds = list(accumulate(self.shares))
        return self.names[min(bisect_right(bounds, place), len(self.names) - 1)]
