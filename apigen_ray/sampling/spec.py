"""The config section ``sampling``: what is drawn for each prompt, in which shares and from which files."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from apigen_ray.records import Mode, Style


def _as_range(value: Any) -> Any:
    """One number stands for the range of just that number."""
    return (value, value) if isinstance(value, int) and not isinstance(value, bool) else value


def _ordered(value: tuple[int, int]) -> tuple[int, int]:
    if value[0] > value[1]:
        raise ValueError(f"the range [{value[0]}, {value[1]}] is empty: the lower bound comes first")
    return value


def _some_weight(value: dict[Style, float]) -> dict[Style, float]:
    if not any(weight > 0 for weight in value.values()):
        raise ValueError("at least one style needs a weight above 0")
    return value


_Pair = (BeforeValidator(_as_range), AfterValidator(_ordered))
FromZero = Annotated[tuple[Annotated[int, Field(ge=0, le=64)], Annotated[int, Field(ge=0, le=64)]], *_Pair]
FromOne = Annotated[tuple[Annotated[int, Field(ge=1, le=64)], Annotated[int, Field(ge=1, le=64)]], *_Pair]
FromTwo = Annotated[tuple[Annotated[int, Field(ge=2, le=64)], Annotated[int, Field(ge=2, le=64)]], *_Pair]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class FeedbackSpec(BaseModel):
    """The section ``sampling.feedback``: how verified samples of earlier rounds become examples (paper, section 3.2).

    Attributes:
        share: of a prompt's examples, the share that comes from earlier rounds; the others are seeds. Where one of the
            two has too few, the other fills in; 0: nothing is fed back.
        per_api: samples kept for each style and function, over all rounds together.
        size: samples kept over all styles and functions; every function gets one before any gets two.
        styles: weight of a style, 1 where not named: multiplies the odds of ``share`` in prompts of this style.
        categories: weight of a category, 1 where not named: how often its samples are drawn among those kept. A
            sample's category is that of the function called first, or without a call of the one offered first.

    A weight of 0 keeps a style or category out of the pool.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: float = Field(default=0.5, ge=0, le=1)
    per_api: int = Field(default=3, ge=1)
    size: int = Field(default=2000, ge=1)
    styles: dict[Style, Weight] = {}
    categories: dict[str, Weight] = {}

    def share_of(self, style: Style) -> float:
        """The share in prompts of a style: odds of ``share``, times the style's weight."""
        odds = self.share * self.styles.get(style, 1.0)
        return odds / (odds + 1 - self.share) if odds else 0.0

    def weight_of(self, style: Style, category: str | None) -> float:
        """How often a sample is drawn beside others of its style; 0: it is not kept."""
        return self.categories.get(category or "", 1.0) if self.share_of(style) else 0.0


class SamplingSpec(BaseModel):
    """What is drawn for each prompt (paper, section 3.2); ranges are ``[low, high]``, both included, or one number.

    Attributes:
        mode: who makes the calls: a model together with the query, or code.
        styles: weight of each query style; a style that is not named has weight 0, so that ``--set
            sampling.styles.simple=5`` for a file without ``styles`` leaves no other.
        pairs: query-answer pairs asked for in one reply; ``query_first`` only.
        examples: seed pairs shown as few-shot examples.
        apis: functions offered in the styles ``multiple``, ``parallel_multiple`` and ``irrelevance``.
        calls: calls planned in the styles ``parallel`` and ``parallel_multiple``; ``call_first`` only.
        candidates: alternative sets of calls, of which the first that executes is taken; ``call_first`` only.
        feedback: how verified samples of earlier rounds become examples.
        builtin_seeds: whether our own seed pairs are in the pool; ``plain``: short ones that suit a small model.
        seeds: JSONL files of the user's own seed pairs.
        templates: folders of the user's own prompt templates, added to ours; one of the same name replaces ours.
        categories: YAML files ``category: [function, ...]`` that put functions into categories.
        lexicons: YAML files of values for parameters; they win over ours.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Mode = Mode.QUERY_FIRST
    styles: Annotated[dict[Style, Weight], AfterValidator(_some_weight)] = {
        Style.SIMPLE: 1.0,
        Style.MULTIPLE: 1.0,
        Style.PARALLEL: 1.0,
        Style.PARALLEL_MULTIPLE: 1.0,
        Style.IRRELEVANCE: 0.0,
    }
    pairs: FromOne = (1, 3)
    examples: FromZero = (2, 3)
    apis: FromTwo = (2, 4)
    calls: FromTwo = (2, 3)
    candidates: int = Field(default=4, ge=1, le=64)
    feedback: FeedbackSpec = FeedbackSpec()
    builtin_seeds: bool | Literal["plain"] = True
    seeds: tuple[Path, ...] = ()
    templates: tuple[Path, ...] = ()
    categories: tuple[Path, ...] = ()
    lexicons: tuple[Path, ...] = ()
