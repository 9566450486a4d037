"""What judgements say of a run: good rows among the verified, good rows each stage refused, and how reviewers agree."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import combinations

from apigen_ray.config import STAGES
from apigen_ray.records import Json, Verdict
from apigen_ray.review.intervals import CONFIDENCE, Estimate, Stratum, kappa, part, total, wilson
from apigen_ray.review.judgements import Word, Words
from apigen_ray.review.sample import JUDGED, Sample

UNDECIDED = "undecided"
"""A row whose reviewers are all unsure, or are as many for good as for bad."""

VERIFIED = str(Verdict.VERIFIED)


def estimates(sample: Sample, said: Sequence[Words]) -> Json:
    """Every figure that `docs/review.md` defines, as ``apigen review --json`` prints them.

    A row counts once, however many judged it: it is what more of them called it, good or bad. Rows that are undecided
    are counted, and left out of the shares; between which ends the share would lie with them is said.

    Args:
        sample: what was judged.
        said: what the reviewers said.

    Returns:
        A JSON form; a figure that no row was judged for is null.
    """
    said = [words for words in said if words.said]
    settled = settle(said)
    population = Counter[str]()
    for (verdict, _, _), rows in sample.drawn.population.items():
        population[verdict] += rows
    strata = {verdict: _stratum(population[verdict], _of(sample, settled, verdict)) for verdict in JUDGED}
    verdicts = [
        {"verdict": name, "rows": population[name], "sampled": _sampled(sample, name)}
        | _share(_of(sample, settled, name))
        | {"lost": _form(_lost(strata, name))}
        for name in JUDGED
        if population[name]
    ]
    rejected = [strata[name] for name in JUDGED if name != VERIFIED]
    rows = sum(stratum.rows for stratum in rejected)
    good = total(rejected)
    bad_verified, bad_rejected = [strata[VERIFIED].others()], [stratum.others() for stratum in rejected]
    return {
        "run": sample.drawn.run,
        "folder": str(sample.folder),
        "confidence": CONFIDENCE,
        "sample": {
            "rows": len(sample.ids),
            "asked": sample.drawn.asked,
            "seed": sample.drawn.seed,
            "population": population.total(),
            "left_out": dict(sample.drawn.left_out),
            "judged": len(settled),
        },
        "reviewers": [_reviewer(sample, words) for words in said],
        "verdicts": verdicts,
        "rejected": {"rows": rows, "share": _form(good, rows) if rows else None},
        "pipeline": {
            "precision": _form(wilson(strata[VERIFIED].hits, strata[VERIFIED].judged)),
            "recall": _form(part([strata[VERIFIED]], rejected)),
            "false_accept": _form(part(bad_verified, bad_rejected)),
        },
        "generators": _groups(sample, settled, VERIFIED, lambda row: sample.cells[row][1]),
        "styles": _groups(sample, settled, VERIFIED, lambda row: sample.cells[row][2]),
        "codes": _groups(sample, settled, None, sample.codes.get),
        "grounds": _grounds(sample, said),
        "agreement": [_agreement(one, other) for one, other in combinations(said, 2)],
    }


def settle(said: Sequence[Words]) -> dict[str, str]:
    """What each judged row counts as: good, bad or undecided."""
    votes: dict[str, int] = {}
    for words in said:
        for row, judgement in words.said.items():
            votes[row] = votes.get(row, 0) + _VOTE[judgement.word]
    return {row: Word.GOOD if vote > 0 else Word.BAD if vote < 0 else UNDECIDED for row, vote in votes.items()}


_VOTE = {Word.GOOD: 1, Word.BAD: -1, Word.UNSURE: 0}


def _of(sample: Sample, settled: Mapping[str, str], verdict: str) -> Counter[str]:
    return Counter(word for row, word in settled.items() if sample.cells[row][0] == verdict)


def _sampled(sample: Sample, verdict: str) -> int:
    return sum(cell[0] == verdict for cell in sample.cells.values())


def _stratum(rows: int, counts: Counter[str]) -> Stratum:
    return Stratum(rows, counts[Word.GOOD] + counts[Word.BAD], counts[Word.GOOD])


def _lost(strata: Mapping[str, Stratum], verdict: str) -> Estimate | None:
    """Of the good rows that reached a stage, the share that it rejected; None for the verified."""
    stages = [f"fail_{stage}" for stage in STAGES]
    if verdict not in stages:
        return None
    later = [strata[name] for name in (*stages[stages.index(verdict) + 1 :], VERIFIED)]
    return part([strata[verdict]], later)


def _share(counts: Counter[str]) -> Json:
    """The share of good rows among those decided, and where it would lie with those undecided."""
    good, bad, undecided = counts[Word.GOOD], counts[Word.BAD], counts[UNDECIDED]
    judged = good + bad + undecided
    ends = [good / judged, (good + undecided) / judged] if judged else None
    return {
        "good": good,
        "bad": bad,
        UNDECIDED: undecided,
        "share": _form(wilson(good, good + bad)),
        "share_with_undecided": ends,
    }


def _groups(
    sample: Sample, settled: Mapping[str, str], verdict: str | None, key: Callable[[str], str | None]
) -> list[Json]:
    """Shares by what ``key`` says of a row; rows of which it says nothing are left out."""
    counts: dict[str, Counter[str]] = {}
    for row, word in settled.items():
        name = key(row)
        if name and verdict in (None, sample.cells[row][0]):
            counts.setdefault(name, Counter())[word] += 1
    return [{"name": name, **_share(counts[name])} for name in sorted(counts)]


def _grounds(sample: Sample, said: Iterable[Words]) -> Json:
    """How often each ground was given for calling a row bad, by verified and rejected; a row may have several."""
    out: dict[str, Counter[str]] = {VERIFIED: Counter(), "rejected": Counter()}
    for words in said:
        for row, judgement in words.said.items():
            out[VERIFIED if sample.cells[row][0] == VERIFIED else "rejected"].update(map(str, judgement.grounds))
    return {name: dict(counts.most_common()) for name, counts in out.items()}


def _reviewer(sample: Sample, words: Words) -> Json:
    """A reviewer's own counts, and own share of good rows among the verified."""
    counts = Counter(str(judgement.word) for judgement in words.said.values())
    own = _share(_of(sample, settle([words]), VERIFIED))
    return {"name": words.reviewer, "judged": counts.total(), **{w: counts[w] for w in Word}, "verified": own["share"]}


def _agreement(one: Words, other: Words) -> Json:
    """Two reviewers on the rows that both judged, ``unsure`` as a word like the others."""
    both = sorted(one.said.keys() & other.said.keys())
    table = [[sum((one.said[r].word, other.said[r].word) == (a, b) for r in both) for b in Word] for a in Word]
    same = sum(table[place][place] for place in range(len(table)))
    return {
        "reviewers": [one.reviewer, other.reviewer],
        "rows": len(both),
        "words": list(map(str, Word)),
        "table": table,
        "agreed": _form(wilson(same, len(both))),
        "kappa": _form(kappa(table)),
    }


def _form(estimate: Estimate | None, of: int = 1) -> Json | None:
    return None if estimate is None else {name: number / of for name, number in asdict(estimate).items()}
