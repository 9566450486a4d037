"""The semantic check: does the query ask for what the calls do? Judged by models, read here from their replies."""

import json
from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

import pyarrow as pa

from apigen_ray.asks.base import Ask, Row
from apigen_ray.asks.judge import Judge, opinion
from apigen_ray.asks.likelihood import Likelihood, own
from apigen_ray.asks.roundtrip import RoundTrip, read_calls, same_calls, shown
from apigen_ray.records import NOT_REQUESTED, REPLY, Json, Status, dumps
from apigen_ray.tables import set_columns
from apigen_ray.verifiers.base import Setting, with_verdict
from apigen_ray.verifiers.semantic_spec import Check
from apigen_ray.verifiers.wording import copied, unclear


class Opinion(NamedTuple):
    """What one check says of one row.

    Attributes:
        status: ``passed``, ``rejected`` or ``error``.
        code: "" where passed.
        detail: for people.
        note: the word and figure that `SemanticVerifier` keeps in ``semantic_words``.
    """

    status: Status
    code: str
    detail: str
    note: Json


class SemanticVerifier:
    """Whether query and calls belong together, by the checks that the config asks for.

    Codes:

    - ``copied``: the query repeats the prompt: "How many vowels are there in 'good night'?" after an example
      "How many vowels are there in 'good morning'?"
    - ``unclear``: it does not say what is asked or which figure is which: "How much is 5000 at 10 for 4.5?"
    - ``unlikely``: the model that knows the calls finds the query improbable: "What is the end of a film?" for a call
      with a start time and a length
    - ``roundtrip_differs``: a model that sees only query and tools comes to other calls: "How warm is 20?"
    - ``roundtrip_unreadable``: its reply is no list of calls: ``[{"name": "to_celsius"``
    - ``judge_failed``: the judge says no: "Add 2 and 3" with a call that multiplies
    - ``judge_unreadable``: its reply is not ``{"thought", "pass"}``: ``It looks fine.``
    - ``engine_error`` (status ``error``): there is no reply: ``timeout: 60 s``
    - ``no_likelihood`` (status ``error``): the engine gives no log-probabilities: a server that answers without
      ``logprobs``

    Of several checks that fail the first in this order is reported; an ``error`` only where none rejects.
    """

    name: ClassVar[str] = "semantic"
    codes: ClassVar[tuple[str, ...]] = (
        "copied",
        "unclear",
        "unlikely",
        "roundtrip_differs",
        "roundtrip_unreadable",
        "judge_failed",
        "judge_unreadable",
        "engine_error",
        "no_likelihood",
    )
    columns: ClassVar[tuple[pa.Field, ...]] = (
        pa.field("likelihood", REPLY),
        pa.field("roundtrip", REPLY),
        pa.field("judge", REPLY),
        pa.field("semantic_words", pa.string()),  # JSON object: what each check said, with its figure
    )

    def __init__(self, setting: Setting) -> None:
        spec = self._spec = setting.semantic
        asks: dict[Check, Ask] = {"likelihood": Likelihood(), "roundtrip": RoundTrip(), "judge": Judge()}
        self.needs: tuple[Ask, ...] = tuple(ask for check, ask in asks.items() if check in spec.checks)
        every: dict[Check, Callable[[Row], Opinion]] = {
            "originality": self._originality,
            "wording": _wording,
            "likelihood": self._likelihood,
            "roundtrip": _roundtrip,
            "judge": _judge,
        }
        self._checks = {check: every[check] for check in every if check in spec.checks}

    def check(self, table: pa.Table) -> pa.Table:
        """Sets the verdict and ``semantic_words``; reads the reply columns, asks nobody."""
        if not self._checks:
            n = table.num_rows
            return with_verdict(table, self.name, [str(Status.SKIPPED)] * n, [NOT_REQUESTED] * n, [""] * n)
        rows = table.to_pylist()
        opinions = [{name: check(row) for name, check in self._checks.items()} for row in rows]
        words = [dumps({name: opinion.note for name, opinion in said.items()}) for said in opinions]
        worst = [_worst(list(said.values())) for said in opinions]
        return with_verdict(
            set_columns(table, {"semantic_words": words}),
            self.name,
            [str(opinion.status) for opinion in worst],
            [opinion.code for opinion in worst],
            [opinion.detail for opinion in worst],
        )

    def _originality(self, row: Row) -> Opinion:
        run = copied(row, self._spec.copied_words)
        if run is None:
            return _passed("own words")
        return _rejected("copied", f"repeats the prompt: {run!r}", {"word": "copied", "run": run})

    def _likelihood(self, row: Row) -> Opinion:
        figure = own(row)
        if figure is None:
            reply = row["likelihood"]
            if fault := _fault(reply):
                return fault
            figure = reply["logprob"]
        if figure is None:
            return Opinion(Status.ERROR, "no_likelihood", "the engine gave no log-probability", {"word": "none"})
        least = self._spec.likelihood_threshold
        note = {"word": "likely" if figure >= least else "unlikely", "logprob": round(figure, 4)}
        if figure >= least:
            return Opinion(Status.PASSED, "", "", note)
        return _rejected("unlikely", f"mean log-probability {figure:.3f}, below {least:g}", note)


def _wording(row: Row) -> Opinion:
    problem = unclear(row)
    if problem is None:
        return _passed("clear")
    return _rejected("unclear", f"the query {problem}", {"word": "unclear", "problem": problem})


def _roundtrip(row: Row) -> Opinion:
    reply = row["roundtrip"]
    if fault := _fault(reply):
        return fault
    calls = read_calls(reply["text"] or "")
    if calls is None:
        return _rejected(
            "roundtrip_unreadable", f"no list of calls: {(reply['text'] or '')[:200]!r}", {"word": "unreadable"}
        )
    if same_calls(calls, json.loads(row["answers"]), json.loads(row["tools"])):
        return _passed("same")
    return _rejected("roundtrip_differs", f"came to {shown(calls)}", {"word": "differs", "calls": calls})


def _judge(row: Row) -> Opinion:
    reply = row["judge"]
    if fault := _fault(reply):
        return fault
    said = opinion(reply["text"] or "")
    if said is None:
        return _rejected("judge_unreadable", f"no opinion: {(reply['text'] or '')[:200]!r}", {"word": "unreadable"})
    passed, thought = said
    note = {"word": "yes" if passed else "no", "thought": thought}
    return Opinion(Status.PASSED, "", "", note) if passed else _rejected("judge_failed", thought[:300], note)


def _fault(reply: Json | None) -> Opinion | None:
    """Why there is nothing to read in a reply; None where there is."""
    if reply is None:
        return Opinion(
            Status.ERROR, "engine_error", "the judge was not asked: name an engine in `judge`", {"word": "error"}
        )
    if reply["error"] is not None:
        return Opinion(Status.ERROR, "engine_error", reply["error"][:300], {"word": "error"})
    return None


def _passed(word: str) -> Opinion:
    return Opinion(Status.PASSED, "", "", {"word": word})


def _rejected(code: str, detail: str, note: Json) -> Opinion:
    return Opinion(Status.REJECTED, code, detail, note)


def _worst(opinions: Sequence[Opinion]) -> Opinion:
    """The first that rejects, else the first error, else the first."""
    for status in (Status.REJECTED, Status.ERROR):
        for said in opinions:
            if said.status == status:
                return said
    return opinions[0]
