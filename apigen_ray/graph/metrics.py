"""A run's figures among Ray's metrics: what its dashboard, and a Prometheus that reads Ray's endpoint, can plot."""

from collections.abc import Sequence

from ray.util.metrics import Counter, Gauge

from apigen_ray.config import STAGES
from apigen_ray.records import Json, Status, Verdict

RUN = ("run",)


class Metrics:
    """Counters that the driver adds its tallies to: the workers count nothing, and no row waits for it.

    ``apigen_rows`` by generator, stage, status and code; ``apigen_tokens`` by generator, model (``generator`` or
    ``judge``) and kind (``prompt`` or ``completion``); the gauge ``apigen_prompts_left``. How many blocks wait before
    each operator Ray Data says itself (``data_operator_queued_blocks``).

    Args:
        run: the run's name.
        stages: that it asks for.
        left: prompts to be done, about; None where that is not known.
    """

    def __init__(self, run: str, stages: Sequence[str], left: int | None) -> None:
        self._stages, self._left = [stage for stage in STAGES if stage in stages], left
        tags = {"run": run}
        self._rows = Counter(
            "apigen_rows",
            "Rows that a stage has spoken on.",
            tag_keys=(*RUN, "generator", "stage", "status", "code"),
        ).set_default_tags(tags)
        self._tokens = Counter(
            "apigen_tokens",
            "Tokens that the rows written so far have taken.",
            tag_keys=(*RUN, "generator", "model", "kind"),
        ).set_default_tags(tags)
        self._to_do = Gauge("apigen_prompts_left", "Prompts without a verdict.", tag_keys=RUN).set_default_tags(tags)
        self.remind()

    def add(self, tally: Json) -> None:
        """Counts one row of `apigen_ray.graph.tally.TALLY`."""
        generator = {"generator": tally["generator"] or ""}
        for tags in self._spoken(tally):
            self._rows.inc(tally["rows"], {**generator, **tags})
        for model, whose in (("generator", ""), ("judge", "judge_")):
            for kind in ("prompt", "completion"):
                if tokens := tally[f"{whose}{kind}_tokens"]:
                    self._tokens.inc(tokens, {**generator, "model": model, "kind": kind})
        if self._left is not None:
            self._left = max(0, self._left - tally["prompts"])
        self.remind()

    def remind(self) -> None:
        """Says again what is left, to be called also while nothing comes: once read, Ray forgets what a gauge said."""
        if self._left is not None:
            self._to_do.set(self._left)

    def _spoken(self, tally: Json) -> list[dict[str, str]]:
        """Stage, status and code of each stage that these rows reached."""
        told: list[dict[str, str]] = []
        for stage in self._stages:
            if stage == tally["stage"]:
                status = Status.ERROR if tally["verdict"] == Verdict.ERROR else Status.REJECTED
                return [*told, {"stage": stage, "status": str(status), "code": tally["code"]}]
            told.append({"stage": stage, "status": str(Status.PASSED), "code": ""})
        return told
