"""The ``scripted`` engine: a FAKE without any model, for tests, previews and demonstrations of the machinery."""

import json
import random
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, field_validator

from apigen_ray.asks.base import Ask, Row
from apigen_ray.engines import faults
from apigen_ray.engines.base import Finding, Holds, Keep, Where, as_it_is
from apigen_ray.engines.drafts import draft_of
from apigen_ray.engines.rows import Asked, answer_rows
from apigen_ray.records import Mode, Reply, Request, Style, content_hash, dumps
from apigen_ray.tables import set_columns

if TYPE_CHECKING:
    import pyarrow as pa
    from ray.data import Dataset


class ScriptedSpec(BaseModel):
    """The section of a run file for the fake.

    Attributes:
        engine: ``scripted``.
        model: a name for the rows.
        seed: other seeds, other replies.
        faults: shares of replies that are bad on purpose, by name (see `apigen_ray.engines.faults.FAULTS`); together at
            most 1. Where a fault does not fit a row, the next one that does takes its place.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    neutral: ClassVar[tuple[str, ...]] = ()

    engine: Literal["scripted"]
    model: str = "scripted"
    seed: int = 0
    faults: dict[str, float] = {}

    @field_validator("faults")
    @classmethod
    def _known(cls, shares: dict[str, float]) -> dict[str, float]:
        for name, share in shares.items():
            if name not in faults.FAULTS:
                raise ValueError(f"there is no fault {name!r}; known: {', '.join(faults.FAULTS)}")
            if not 0 < share <= 1:
                raise ValueError(f"the share of {name} is {share}; give one above 0 and at most 1")
        if sum(shares.values()) > 1 + 1e-9:
            raise ValueError(f"the shares are {sum(shares.values()):g} together; they may be 1 at most")
        return shares


class ScriptedEngine:
    """A seeded FAKE: one fixed reply for each prompt_id (or sample_id) and ask; see `apigen_ray.engines.base.Engine`.

    A generator's reply is a right record with a query that spells every value, or a planted fault; ``planted`` then
    says what must come out. A judge passes everything but what ``planted`` says it must not.
    """

    def __init__(self, spec: ScriptedSpec) -> None:
        self.spec = spec

    def probe(self, gpus: float) -> Finding:
        """Nothing can be missing."""
        return Finding(True, "scripted: a fake that needs nothing, and writes nothing of use")

    def holds(self, gpus: float) -> Holds:
        """Nothing."""
        return Holds()

    def preload(self) -> None:
        """Nothing takes long."""

    def attach(
        self, dataset: "Dataset", ask: Ask, where: Where, schema: "pa.Schema", keep: Keep = as_it_is
    ) -> "Dataset":
        """See `apigen_ray.engines.base.Engine.attach`; for the ask ``reply`` the column ``planted`` is set too."""

        def answer(table: "pa.Table") -> "pa.Table":
            return keep(self.answer(table, ask, where, schema))

        return dataset.map_batches(answer, batch_size=None, batch_format="pyarrow", zero_copy_batch=True)

    def answer(self, table: "pa.Table", ask: Ask, where: Where, schema: "pa.Schema") -> "pa.Table":
        """What `attach` does to one batch."""
        planted: dict[str, str] = {}

        def reply(asked: Asked) -> Reply:
            row, request = asked
            said: str | Reply
            if ask.name == "reply":
                said, planted[row["prompt_id"]] = self.draft(row)
            else:
                said = _judged(ask.name, request, row)
            if isinstance(said, str):
                said = Reply(text=said, finish="stop", completion_tokens=len(said.split()))
            return replace(said, model=self.spec.model)

        table = answer_rows(table, ask, where, schema, lambda batch: [reply(asked) for asked in batch])
        if planted:
            told = zip(table["prompt_id"].to_pylist(), table["planted"].to_pylist(), strict=True)
            table = set_columns(table, {"planted": [planted.get(name, before) for name, before in told]})
        return table

    def draft(self, row: Row) -> tuple[str | Reply, str]:
        """The generator's reply to a row of the plan, and the text of ``planted``."""
        rng = random.Random(content_hash(self.spec.seed, row["prompt_id"]))  # noqa: S311 - a reproducible fake, no secret
        chance = rng.random()
        draft = draft_of(row, rng)
        if len(draft.calls) < _LEAST[draft.style]:
            return Reply(error="no_values: no arguments can be drawn for the tools"), faults.FAULTS[
                "engine_error"
            ].planted()
        for name, share in self.spec.faults.items():
            chance -= share
            if chance < 0:
                return faults.plant(draft, name, self.spec.faults, rng)
        if draft.mode == Mode.CALL_FIRST:
            return draft.text(), faults.NONE
        records = [draft, *(draft_of(row, rng) for _ in range(1, row.get("pairs") or 1))]
        return "[" + ",".join(each.text() for each in records) + "]", faults.NONE


_LEAST = {Style.SIMPLE: 1, Style.MULTIPLE: 1, Style.PARALLEL: 2, Style.PARALLEL_MULTIPLE: 2, Style.IRRELEVANCE: 0}


def _judged(name: str, request: Request, row: Row) -> str | Reply:
    code = json.loads(row.get("planted") or faults.NONE)["code"]
    if code == "engine_error":
        return Reply(error="endpoint_down: planted")
    if request.score:
        return Reply(text="", logprob={"unlikely": -9.0, "no_likelihood": None}.get(code, -0.05))
    if code == f"{name}_unreadable":
        return "Hard to say, it depends."
    if name == "roundtrip":
        return "[]" if code == "roundtrip_differs" else str(row["answers"])
    verdict = "no" if code == "judge_failed" else "yes"
    return dumps({"thought": "Scripted: no model has read this.", "pass": verdict})
