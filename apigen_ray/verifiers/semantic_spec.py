"""The section ``semantic`` of a run file: which checks a row must pass."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Check = Literal["originality", "wording", "likelihood", "roundtrip", "judge"]


def _once(checks: tuple[Check, ...]) -> tuple[Check, ...]:
    if len(set(checks)) < len(checks):
        raise ValueError("a check is named twice")
    return checks


class SemanticSpec(BaseModel):
    """The config section ``semantic``: which checks a row must pass, all of them.

    Attributes:
        checks: out of ``judge`` (the paper's), ``roundtrip``, ``likelihood``, ``originality`` and ``wording``; none:
            the stage says ``skipped: not_requested``. The last two ask no model (`apigen_ray.verifiers.wording`);
            ``wording`` is made for small models and refuses free wording. ``likelihood`` asks none in ``call_first``
            where the generator's engine gives log-probabilities.
        likelihood_threshold: the least mean log-probability of a query's tokens, in nats. It is a figure of one model
            and one prompt: the default was measured with SmolLM2-135M-Instruct and our templates (``docs/quality.md``).
        copied_words: the number of words in a row, values apart, that count as copied from the prompt.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    checks: Annotated[tuple[Check, ...], AfterValidator(_once)] = ("judge",)
    likelihood_threshold: float = Field(default=-0.25, le=0, allow_inf_nan=False)
    copied_words: int = Field(default=6, ge=3)
