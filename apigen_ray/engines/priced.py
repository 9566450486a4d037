"""An engine as a run file names it: with the name that its rows carry, what its tokens cost, and how fast it is."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_serializer, model_validator

from apigen_ray.engines import EngineSpec
from apigen_ray.records import Json


class Price(BaseModel):
    """What a server asks for a million tokens, in any currency.

    Attributes:
        prompt: tokens read.
        completion: tokens written.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: float = Field(ge=0)
    completion: float = Field(ge=0)

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """What so many tokens cost."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / 1e6


class GeneratorSpec(BaseModel):
    """One generator: an engine and the name that its rows carry.

    In YAML both stand side by side: ``{name: small, engine: vllm, model: embedded}``. Without a name it is called by
    its model.

    Attributes:
        name: of its rows, unique in the run.
        spec: its engine.
        price_per_million: for the cost that ``--dry-run`` tells and that ``limits.max_cost`` bounds; None: unknown.
        tokens_per_second: written by all its replicas together, for the hours that ``--dry-run`` tells; None: unknown.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    neutral: ClassVar[tuple[str, ...]] = ("price_per_million", "tokens_per_second")

    name: str
    spec: EngineSpec
    price_per_million: Price | None = None
    tokens_per_second: float | None = Field(default=None, gt=0)

    @model_validator(mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        apart = _apart(value, ("name", *cls.neutral))
        if isinstance(apart, Mapping) and not apart.get("name"):
            spec = apart["spec"]
            return {**apart, "name": str(spec.get("model") or spec.get("engine", "")).rstrip("/").split("/")[-1]}
        return apart

    @model_serializer(mode="plain")
    def _join(self) -> Json:
        return {"name": self.name, **_together(self)}


class JudgeSpec(BaseModel):
    """The engine that judges and what its tokens cost; in YAML the keys of both stand side by side.

    Attributes:
        spec: the engine.
        price_per_million: for ``limits.max_cost``; None: unknown.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    neutral: ClassVar[tuple[str, ...]] = ("price_per_million",)

    spec: EngineSpec
    price_per_million: Price | None = None

    @model_validator(mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return _apart(value, cls.neutral)

    @model_serializer(mode="plain")
    def _join(self) -> Json:
        return _together(self)


def _apart(value: Any, own: tuple[str, ...]) -> Any:
    """The keys of the engine put under ``spec``, those of our own beside it."""
    if not isinstance(value, Mapping) or "spec" in value:
        return value
    return {key: value[key] for key in own if key in value} | {
        "spec": {key: item for key, item in value.items() if key not in own}
    }


def _together(one: GeneratorSpec | JudgeSpec) -> Json:
    own = {key: getattr(one, key) for key in one.neutral}
    plain = {key: item.model_dump() if isinstance(item, BaseModel) else item for key, item in own.items()}
    return one.spec.model_dump(mode="json") | {key: item for key, item in plain.items() if item is not None}
