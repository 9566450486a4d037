"""How diverse samples are: in words, functions, lengths and shapes, in one pass with flat memory."""

import operator
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import log2
from typing import Any

from apigen_ray.records import Json
from apigen_ray.report.lowest import Lowest

QUERIES = 1000
"""Queries that distinct-n is taken of: it falls with the size of a text, so that only equal sizes compare."""

WORDINGS = 20_000
"""Different wordings of which it is counted how often each comes; a run with more has that many drawn."""

LONGEST = 60
"""Words of a query; longer ones count as so long."""

CHARACTERS = 2_000
"""Of a query that its words are taken of: what is longer is no request, and would cost more than all others."""

MOST_CALLS = 8
"""Calls of a sample; more count as so many."""

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")


@dataclass
class Diversity:
    """Counts over samples that have a query and calls.

    Attributes:
        queries: how many.
        functions: calls by function.
        categories: samples by category.
        styles: samples by style.
        templates: samples by template.
        calls: samples by their number of calls, up to `MOST_CALLS`.
        words: samples by the number of words of the query, up to `LONGEST`.
        sample: up to `QUERIES` queries, drawn evenly.
        wordings: how often each wording comes.
    """

    queries: int = 0
    functions: Counter[str] = field(default_factory=Counter)
    categories: Counter[str] = field(default_factory=Counter)
    styles: Counter[str] = field(default_factory=Counter)
    templates: Counter[str] = field(default_factory=Counter)
    calls: Counter[int] = field(default_factory=Counter)
    words: Counter[int] = field(default_factory=Counter)
    sample: Lowest[str] = field(default_factory=lambda: Lowest(QUERIES))
    wordings: Lowest[int] = field(default_factory=lambda: Lowest(WORDINGS, operator.add))

    def add(self, name: str, query: str, calls: Sequence[Json], *, style: str, template: str, category: str) -> None:
        """Counts one sample.

        Args:
            name: its ``sample_id``.
            query: the request; of a longer one the first `CHARACTERS`.
            calls: well-formed calls.
            style: its query style.
            template: of its prompt.
            category: of what it calls.
        """
        self.queries += 1
        query = query[:CHARACTERS]
        self.functions.update(call["name"] for call in calls)
        self.categories[category] += 1
        self.styles[style] += 1
        self.templates[template] += 1
        self.calls[min(len(calls), MOST_CALLS)] += 1
        self.words[min(len(query.split()), LONGEST)] += 1
        self.sample.add(name, query)
        self.wordings.add(wording(query, calls), 1)

    def form(self, apis: int | None, queries: int = QUERIES) -> Json:
        """Every figure, each defined in docs/report.md; None where there is nothing to take it of.

        Args:
            apis: functions in the library; None where not known.
            queries: that distinct-n is taken of, at most; no more than `QUERIES`.
        """
        texts = self.sample.items()[:queries]
        counts = self.wordings.items()
        return {
            "queries": self.queries,
            **{f"distinct_{n}": distinct(texts, n) for n in (1, 2, 3)},
            "distinct_of": len(texts),
            "repeated_wordings": sum(n for n in counts if n > 1) / sum(counts) if counts else None,
            "functions": len(self.functions),
            "functions_share": len(self.functions) / apis if apis else None,
            "functions_effective": effective(self.functions),
            "functions_evenness": evenness(self.functions),
            "categories": len(self.categories),
            "categories_evenness": evenness(self.categories),
            "styles_evenness": evenness(self.styles),
            "templates_evenness": evenness(self.templates),
            "calls_mean": sum(n * rows for n, rows in self.calls.items()) / self.queries if self.queries else None,
            "words": [quantile(self.words, share) for share in (0.1, 0.5, 0.9)],
        }


def wording(query: str, calls: Iterable[Json]) -> str:
    """The query without its values: numbers and words that an argument says become one placeholder.

    Two queries with the same wording differ in their values only: "Convert 3 km to miles", "Convert 12 kg to pounds".
    """
    said = {word for call in calls for text in _texts(call["arguments"]) for word in words(text)}
    out: list[str] = []
    for word in words(query):
        plain = "_" if word in said or any(char.isdigit() for char in word) else word
        if plain != "_" or out[-1:] != ["_"]:
            out.append(plain)
    return " ".join(out)


def words(text: str) -> list[str]:
    """The words of a text in lower case, without punctuation."""
    return _WORD.findall(text.casefold())


def distinct(texts: Iterable[str], n: int) -> float | None:
    """distinct-n (Li and others, 2016): different sequences of ``n`` words over all of them."""
    every = [
        gram for text in texts for found in [words(text)] for gram in zip(*(found[i:] for i in range(n)), strict=False)
    ]
    return len(set(every)) / len(every) if every else None


def entropy(counts: Counter[Any]) -> float:
    """Shannon's entropy of the shares, in bits."""
    total = sum(counts.values())
    return -sum(rows / total * log2(rows / total) for rows in counts.values() if rows)


def effective(counts: Counter[Any]) -> float | None:
    """How many kinds of equal share would have the same entropy (Hill's number of order 1)."""
    return 2 ** entropy(counts) if counts else None


def evenness(counts: Counter[Any]) -> float | None:
    """The entropy over that of equal shares of the kinds there are (Pielou): 1 where all are equal."""
    return entropy(counts) / log2(len(counts)) if len(counts) > 1 else None


def quantile(counts: Counter[int], share: float) -> int | None:
    """The least number that at least this share of the rows does not exceed."""
    left = share * sum(counts.values())
    for number in sorted(counts):
        left -= counts[number]
        if left <= 1e-9:
            return number
    return None


def _texts(value: Any) -> Iterator[str]:
    """The texts within a JSON value."""
    if isinstance(value, str):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(item)
