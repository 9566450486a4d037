"""Shares estimated from samples, with intervals: one share, a total over strata, a part of a whole, an agreement."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.95
"""Of every interval that is not said to have another."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval.

    Attributes:
        value: the estimate.
        low: lower end of the interval.
        high: upper end of it.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Stratum:
    """A part of the rows of which some were drawn at random and judged.

    Attributes:
        rows: how many there are.
        judged: how many of them were judged.
        hits: how many of those have what is counted.
    """

    rows: int
    judged: int
    hits: int

    def others(self) -> "Stratum":
        """The same part, with the rows counted that do not have it."""
        return Stratum(self.rows, self.judged, self.judged - self.hits)


def wilson(hits: int, judged: int, confidence: float = CONFIDENCE) -> Estimate | None:
    """The share of hits with Wilson's score interval, without a correction for continuity; None where none is judged.

    The ends are the shares p at which the observed one lies z standard errors away, the error being that of p itself:
    |hits/judged - p| = z sqrt(p (1 - p) / judged). Unlike p ± z s it holds near 0 and 1 and for few rows.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    if not judged:
        return None
    z, share = _z(confidence), hits / judged
    scale = 1 + z * z / judged
    middle = (share + z * z / (2 * judged)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / judged + (z / (2 * judged)) ** 2)
    low = 0.0 if hits == 0 else middle - half  # exactly, where rounding would leave 1e-17
    high = 1.0 if hits == judged else middle + half
    return Estimate(share, low, high)


def total(strata: Sequence[Stratum], confidence: float = CONFIDENCE) -> Estimate | None:
    """How many rows of all strata together have what is counted: the sum of rows x share; None where one is not judged.

    The interval is put together from Wilson's of each stratum: each end is as far from the sum as the root of the
    summed squares of the strata's own distances. It stays right where a share is 0 or 1, where p ± z s has no width.

    Source: G. Y. Zou, W. Huang, X. Zhang, "A note on confidence interval estimation for a linear function of binomial
    proportions", Computational Statistics & Data Analysis 53 (2009).
    """
    value = below = above = 0.0
    for stratum in strata:
        if not stratum.rows:
            continue
        share = wilson(stratum.hits, stratum.judged, confidence)
        if share is None:
            return None
        value += stratum.rows * share.value
        below += (stratum.rows * (share.value - share.low)) ** 2
        above += (stratum.rows * (share.high - share.value)) ** 2
    return Estimate(value, value - math.sqrt(below), value + math.sqrt(above))


def part(inside: Sequence[Stratum], outside: Sequence[Stratum], confidence: float = CONFIDENCE) -> Estimate | None:
    """Of all rows that have what is counted, the share that lies in some of the strata: inside / (inside + outside).

    None where a stratum is not judged, or no row has it. The strata are judged independently, so both totals lie in
    their intervals at ``sqrt(confidence)`` with at least the confidence asked for (Sidak), and then the share lies
    between low / (low + other high) and high / (high + other low): no narrower than it should be, often wider.
    """
    one, other = total(inside, math.sqrt(confidence)), total(outside, math.sqrt(confidence))
    if one is None or other is None or one.value + other.value <= 0:
        return None
    return Estimate(_of(one.value, other.value), _of(one.low, other.high), _of(one.high, other.low))


def kappa(table: Sequence[Sequence[int]], confidence: float = CONFIDENCE) -> Estimate | None:
    """Cohen's kappa of two who judged the same rows: (observed - chance) / (1 - chance) agreement.

    Chance is what two would agree who used the words as often as these did, without looking. None where there is no
    row, or both used one and the same word only: there is nothing that chance would leave open.

    Args:
        table: rows by the word of the first (down) and of the second (across), words in the same order.
        confidence: of the interval, which holds for many rows.

    Source: J. Cohen, "A coefficient of agreement for nominal scales" (1960); the variance: J. L. Fleiss, J. Cohen,
    B. S. Everitt, "Large sample standard errors of kappa and weighted kappa" (1969).
    """
    rows = sum(map(sum, table))
    if not rows:
        return None
    words = range(len(table))
    shares = [[number / rows for number in line] for line in table]
    first, second = [sum(line) for line in shares], [sum(line) for line in zip(*shares, strict=True)]
    observed, chance = sum(shares[i][i] for i in words), sum(first[i] * second[i] for i in words)
    if math.isclose(chance, 1):
        return None
    value = (observed - chance) / (1 - chance)
    same = sum(shares[i][i] * (1 - (first[i] + second[i]) * (1 - value)) ** 2 for i in words)
    differ = sum(shares[i][j] * (second[i] + first[j]) ** 2 for i in words for j in words if i != j)
    variance = same + (1 - value) ** 2 * differ - (value - chance * (1 - value)) ** 2
    half = _z(confidence) * math.sqrt(max(variance, 0) / rows) / (1 - chance)
    return Estimate(value, max(-1.0, value - half), min(1.0, value + half))


def _of(one: float, other: float) -> float:
    return one / (one + other) if one > 0 else 0.0


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)
