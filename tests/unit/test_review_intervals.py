"""Intervals of a review against those of scipy and statsmodels, and against sums done by hand."""

import math
import random

import pytest
from scipy.stats import binomtest
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.proportion import proportion_confint

from apigen_ray.review.intervals import Estimate, Stratum, kappa, part, total, wilson

COUNTS = [(0, 1), (1, 1), (0, 20), (20, 20), (1, 20), (13, 20), (47, 52), (572, 600), (1, 40_000)]


@pytest.mark.parametrize(("hits", "judged"), COUNTS)
@pytest.mark.parametrize("confidence", [0.95, 0.8])
def test_wilson_is_that_of_scipy_and_statsmodels(hits: int, judged: int, confidence: float) -> None:
    found = wilson(hits, judged, confidence)
    theirs = binomtest(hits, judged).proportion_ci(confidence, method="wilson")
    assert found is not None
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    others = proportion_confint(hits, judged, alpha=1 - confidence, method="wilson")
    assert (found.low, found.high) == pytest.approx(others, abs=1e-12)
    assert found.value == hits / judged
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_the_papers_figure() -> None:
    found = wilson(572, 600)
    assert found is not None
    assert [round(100 * end, 1) for end in (found.value, found.low, found.high)] == [95.3, 93.3, 96.8]


def test_nothing_judged_is_no_share() -> None:
    assert wilson(0, 0) is None
    assert total([Stratum(10, 5, 5), Stratum(10, 0, 0)]) is None
    assert part([Stratum(10, 0, 0)], [Stratum(10, 5, 5)]) is None
    assert kappa([[0, 0], [0, 0]]) is None


def test_a_total_over_strata_by_hand() -> None:
    strata = [Stratum(100, 10, 2), Stratum(300, 20, 20)]
    found, ends = total(strata), [wilson(2, 10), wilson(20, 20)]
    assert found is not None
    a, b = ends
    assert a is not None
    assert b is not None
    assert found.value == pytest.approx(100 * 0.2 + 300 * 1)
    assert found.low == pytest.approx(320 - math.hypot(100 * (0.2 - a.low), 300 * (1 - b.low)))
    assert found.high == pytest.approx(320 + 100 * (a.high - 0.2))


def test_one_stratum_is_wilsons_own() -> None:
    found, share = total([Stratum(50, 20, 13), Stratum(0, 0, 0)]), wilson(13, 20)
    assert found is not None
    assert share is not None
    assert (found.low / 50, found.high / 50) == pytest.approx((share.low, share.high))


def test_a_part_of_a_whole_by_hand() -> None:
    inside, outside = [Stratum(100, 20, 18)], [Stratum(300, 10, 1), Stratum(100, 10, 2)]
    found = part(inside, outside)
    confidence = math.sqrt(0.95)
    one, other = total(inside, confidence), total(outside, confidence)
    assert found is not None
    assert one is not None
    assert other is not None
    assert found.value == pytest.approx(90 / (90 + 30 + 20))
    assert found.low == pytest.approx(one.low / (one.low + other.high))
    assert found.high == pytest.approx(one.high / (one.high + other.low))


@pytest.mark.parametrize(
    ("inside", "outside", "ends"),
    [
        ([Stratum(0, 0, 0)], [Stratum(10, 5, 3)], (0, 0)),  # nothing was verified
        ([Stratum(10, 5, 3)], [], (1, 1)),  # nothing was refused
        ([Stratum(10, 5, 0)], [Stratum(10, 5, 0)], None),  # no row has it
    ],
)
def test_a_part_at_its_ends(inside: list[Stratum], outside: list[Stratum], ends: tuple[float, float] | None) -> None:
    found = part(inside, outside)
    assert (found and (found.low, found.high)) == ends


def test_the_others_are_what_is_left() -> None:
    assert Stratum(10, 5, 2).others() == Stratum(10, 5, 3)


TABLES = [
    [[20, 5], [10, 15]],
    [[30, 2, 1], [3, 10, 2], [1, 0, 4]],
    [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    [[0, 5], [5, 0]],
    [[7, 3, 0], [2, 8, 0], [0, 0, 0]],  # a word that nobody used
]


@pytest.mark.parametrize("table", TABLES)
def test_kappa_is_that_of_statsmodels(table: list[list[int]]) -> None:
    found, theirs = kappa(table), cohens_kappa(table)
    assert found is not None
    assert found.value == pytest.approx(theirs.kappa)
    assert found.low == pytest.approx(max(-1, theirs.kappa_low))
    assert found.high == pytest.approx(min(1, theirs.kappa_upp))


def test_kappa_by_hand() -> None:
    found = kappa([[20, 5], [10, 15]])  # agreed 0.7, by chance 0.5 * 0.6 + 0.5 * 0.4
    assert found is not None
    assert found.value == pytest.approx((0.7 - 0.5) / (1 - 0.5))
    assert kappa([[0, 2], [2, 0]]) == Estimate(-1, -1, -1)
    assert kappa([[0, 3], [1, 0]]).low == -1  # 1.96 standard errors below it lies -1.69


@pytest.mark.parametrize("table", [[[9, 0], [0, 0]], [[0, 0, 0], [0, 0, 0], [0, 0, 1]]])
def test_one_word_for_all_has_no_kappa(table: list[list[int]]) -> None:
    assert kappa(table) is None


def test_intervals_hold_what_they_should() -> None:
    """Of 2,000 samples about 95 % have the truth within the total's interval, and no fewer within the part's."""
    sizes, truth, judged = (500, 3_000, 200), (0.95, 0.08, 0.3), (60, 20, 20)
    good = [rows * share for rows, share in zip(sizes, truth, strict=True)]
    draw, covered = random.Random(0), {"total": 0, "part": 0}
    for _ in range(2_000):
        strata = [
            Stratum(rows, n, sum(draw.random() < share for _ in range(n)))
            for rows, share, n in zip(sizes, truth, judged, strict=True)
        ]
        covered["total"] += _covers(total(strata), sum(good))
        covered["part"] += _covers(part(strata[:1], strata[1:]), good[0] / sum(good))
    assert covered["total"] / 2_000 == pytest.approx(0.95, abs=0.02)
    assert covered["part"] / 2_000 >= 0.95


def _covers(found: Estimate | None, truth: float) -> bool:
    return found is not None and found.low <= truth <= found.high
