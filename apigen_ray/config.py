"""RunConfig: one YAML file describes a run, composed from the spec that each part owns."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import (
    BaseModel,
    Field,
    ModelWrapValidatorHandler,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from upath import UPath

from apigen_ray.engines.priced import GeneratorSpec, JudgeSpec
from apigen_ray.errors import ConfigError, InputError
from apigen_ray.library import LibrarySpec
from apigen_ray.library.python import PythonSource
from apigen_ray.records import REPLY, Json, Mode, Verdict, content_hash
from apigen_ray.sampling import SamplingSpec
from apigen_ray.sections import Misfit, Section, nearest, read_sections, refusal, set_key
from apigen_ray.storage import AnyPath, as_path
from apigen_ray.verifiers import VERIFIERS
from apigen_ray.verifiers.execution import ExecutionSpec
from apigen_ray.verifiers.format import FormatVerifier
from apigen_ray.verifiers.semantic_spec import SemanticSpec
from apigen_ray.verifiers.stages import sample_schema

SAMPLE = sample_schema(VERIFIERS)
"""The schema of every file in ``samples/``."""

STAGES = tuple(verifier.name for verifier in VERIFIERS)
"""Names of the stages, in their order."""

REPLIES = tuple(field.name for field in SAMPLE if field.type == REPLY)
"""Its columns of replies: the generator's ``reply``, and one for each ask of a judge."""

VERDICTS = (
    str(Verdict.VERIFIED),
    *(f"fail_{stage}" for stage in STAGES),
    str(Verdict.DUPLICATE),
    str(Verdict.ERROR),
)
"""Every verdict that a sample can have, and with it the partitions of ``samples/``, in the order of the stages."""


def _output(value: object) -> AnyPath:
    try:
        return as_path(value if isinstance(value, Path | UPath) else str(value), to_write=True)
    except InputError as error:
        raise ValueError(str(error)) from error


class OutputSpec(Section):
    """Where runs go.

    Attributes:
        dir: the folder that holds runs, or ``s3://`` or ``gs://`` with a bucket and a name in it.
        max_error_share: a run that cannot judge a larger share of its rows has failed (exit code 2, resumable): of the
            latest thousand while it goes on, of all at its end.
    """

    dir: Annotated[AnyPath, PlainValidator(_output), PlainSerializer(str, str)] = Path("runs")
    max_error_share: float = Field(default=0.1, ge=0, le=1)


class LimitsSpec(Section):
    """What ends a run before its end. Nothing here changes a result: it may differ from one attempt to the next.

    A run that a limit stops ends with exit code 3 once what is in flight is written, which comes on top of the limit.

    Attributes:
        max_cost: of all attempts together, in the currency of ``price_per_million``; None: no limit.
        max_tokens: read and written by generators and judge, of all attempts together; None: no limit.
        max_hours: of one attempt, from its start; None: no limit.
        stall_minutes: without one reply or verdict after which a run is taken to hang, and fails. A model that takes
            longer to load needs more.
        grace_s: seconds that a run which is to stop has for what is in flight.
    """

    max_cost: float | None = Field(default=None, gt=0)
    max_tokens: int | None = Field(default=None, gt=0)
    max_hours: float | None = Field(default=None, gt=0)
    stall_minutes: float = Field(default=15, gt=0)
    grace_s: float = Field(default=60, ge=0)


class RunConfig(Section):
    """Everything that describes a run.

    ``RunConfig(name=..., library=[...], ...)`` takes the sections of a run file and raises `ConfigError`.

    Attributes:
        name: the run's folder in ``output.dir``.
        seed: of every random choice.
        size: prompts for each round and generator.
        rounds: how often the graph runs; verified samples of one round are examples of the next.
        library: where the APIs come from.
        sampling: mode, styles, examples, templates, values.
        generators: one or more engines that write drafts, each ``size`` prompts.
        judge: the engine that answers what `semantic` asks; None where no check needs one.
        semantic: which checks make the semantic stage.
        execution: how calls are executed.
        stages: which verifiers are asked for; the others say ``skipped: not_requested``.
        output: where the run directory goes.
        limits: what ends the run before its end.
    """

    name: str
    seed: int = 0
    size: int = Field(default=100, ge=1)
    rounds: int = Field(default=1, ge=1)
    library: LibrarySpec
    sampling: SamplingSpec = SamplingSpec()
    generators: tuple[GeneratorSpec, ...] = Field(min_length=1)
    judge: JudgeSpec | None = None
    semantic: SemanticSpec = SemanticSpec()
    execution: ExecutionSpec = ExecutionSpec()
    stages: tuple[str, ...] = STAGES
    output: OutputSpec = OutputSpec()
    limits: LimitsSpec = LimitsSpec()

    @field_validator("name")
    @classmethod
    def _folder(cls, name: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}", name):
            mend = "write letters, digits, `.`, `_` and `-`, the first a letter or digit, at most 101 of them"
            raise Misfit(f"{name!r:.120} cannot be the name of a run's folder", mend)
        return name

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [generator.name for generator in self.generators]
        if len(set(names)) < len(names):
            raise Misfit(f"generators: two are called {max(names, key=names.count)!r}", "give each a name of its own")
        check_stages(self.stages)
        check_prices(self.limits, self.generators, self.judge)
        check_judge(self.stages, self.semantic, self.judge)
        if "semantic" in self.stages and "likelihood" in self.semantic.checks and self.judge is None:
            told = all(getattr(generator.spec, "logprobs", True) for generator in self.generators)
            if self.sampling.mode != Mode.CALL_FIRST or not told:
                raise Misfit(
                    "semantic.checks asks for likelihood, and nothing measures it",
                    "name an engine in `judge`, or draft by `sampling.mode: call_first` with generators that say "
                    "`logprobs: true`",
                )
        if "execution" in self.stages:
            check_clock(self.library, self.execution)
        return self

    @model_validator(mode="wrap")
    @classmethod
    def _explained(cls, value: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        try:
            return handler(value)
        except ValidationError as error:
            raise refusal(cls, value, error, f"{(info.context or {}).get('where', 'config')}: ") from error

    def fingerprint(self, **digests: str) -> str:
        """Hash of what can change results: the config without its neutral keys, and the digests of what it names."""
        return content_hash(json.dumps(self.identity(), sort_keys=True), json.dumps(digests, sort_keys=True))

    def identity(self) -> Json:
        """The config without keys that cannot change what a row becomes: they may differ when a run is resumed."""
        form = self.model_dump(mode="json", exclude={"name", "size", "rounds", "output", "limits"})
        form["generators"] = [
            _without(g.model_dump(mode="json"), (*g.neutral, *g.spec.neutral)) for g in self.generators
        ]
        if self.judge is not None:
            form["judge"] = _without(form["judge"], (*self.judge.neutral, *self.judge.spec.neutral))
        form["execution"] = self.execution.identity()
        return form


def check_judge(
    stages: Iterable[str],
    semantic: SemanticSpec,
    judge: JudgeSpec | None,
    asked: Iterable[str] = ("judge", "roundtrip"),
) -> None:
    """Refuses checks that put questions to a judge where there is none.

    Args:
        stages: those that are asked for.
        semantic: which checks make the semantic stage.
        judge: the engine that answers, if there is one.
        asked: the checks that have to ask it.

    Raises:
        Misfit: names the check and the mend.
    """
    needs = [check for check in semantic.checks if check in asked]
    if "semantic" in stages and needs and judge is None:
        raise Misfit(
            f"semantic.checks asks for {needs[0]}, but there is no section `judge` that names an engine",
            "add it, for example `judge: {engine: vllm, model: owner/name}`, or set other checks in `semantic.checks`",
        )


def check_prices(limits: LimitsSpec, generators: Iterable[GeneratorSpec], judge: JudgeSpec | None) -> None:
    """Refuses a limit on the cost where what costs is not known.

    Raises:
        Misfit: names the engine and the mend.
    """
    if limits.max_cost is None:
        return
    asked = [(f"generators: {each.name}", each.price_per_million) for each in generators]
    asked += [("judge", judge.price_per_million)] if judge is not None else []
    for name, price in asked:
        if price is None:
            raise Misfit(
                f"limits.max_cost needs prices, and {name} has no price_per_million",
                "give it one, for example {prompt: 0.5, completion: 1.5}, zeros for an engine of your own",
            )


def check_clock(library: LibrarySpec, execution: ExecutionSpec) -> None:
    """Refuses a frozen clock for sources that would see the real one: it is the language layer that stops it.

    Raises:
        Misfit: names the source and the mend.
    """
    if not execution.executes or execution.clock == "real":
        return
    for number, source in enumerate(library):
        if isinstance(source, PythonSource) and source.trust == "trusted":
            raise Misfit(
                f"execution.clock: frozen cannot hold for library.{number}, which is `trust: trusted` and so sees the "
                "real clock",
                "leave `trust` out there, or set `execution.clock: real`",
            )


def check_stages(stages: Iterable[str]) -> None:
    """Refuses a stage that does not exist, and stages without ``format``: it takes the record apart for the others.

    Raises:
        Misfit: names the stage and the nearest right one.
    """
    stages = tuple(stages)
    for stage in stages:
        if stage not in STAGES:
            near = nearest(stage, STAGES)
            raise Misfit(f"stages: there is no {stage!r}{near}", f"give some of: {', '.join(STAGES)}")
    if FormatVerifier.name not in stages:
        raise Misfit(f"stages: {FormatVerifier.name} is needed: the other stages read what it takes apart", "add it")


def load_config(source: str | os.PathLike[str] | Mapping[str, Any], settings: Iterable[str] = ()) -> RunConfig:
    """A run's config out of a run file, or of the same sections as a mapping; with settings applied to it.

    Relative paths in it are relative to the current folder, as on a command line.

    Args:
        source: a YAML file, whose name is the run's where it gives none; or ``{"name": ..., "library": ..., ...}``.
        settings: ``dotted.key=value``; the value is YAML; list items by number (``generators.0.model=x``).

    Raises:
        ConfigError: names the file, the field and the mend; every fault at once.

    Examples:
        >>> import apigen_ray as apigen
        >>> config = apigen.load_config("my_functions.yaml", ["size=50", "sampling.mode=query_first"])
        >>> config.name, config.size, str(config.sampling.mode)
        ('my_functions', 50, 'query_first')
    """
    if isinstance(source, Mapping):
        value, where = _plain(source), "config"
    elif isinstance(source, str | os.PathLike):
        value, where = _read(Path(source)), str(source)
        value.setdefault("name", Path(source).stem)
    else:
        found = f"config: {type(source).__name__} is neither a run file nor sections"
        raise ConfigError(found, "give the path of a run file, or a dictionary of its sections")
    alone, value, settings = value, dict(value), list(settings)
    for setting in settings:
        set_key(value, setting)
    try:
        return parse_config(value, where)
    except ConfigError:
        if not settings or not _fits(alone):
            raise
    return parse_config(value, f"{where} with {' '.join(settings)}")  # what is set is to blame


def parse_config(value: Json, where: str = "config") -> RunConfig:
    """Validates a config given as a mapping.

    Raises:
        ConfigError: every fault with its field; unknown keys with the nearest right one.
    """
    return RunConfig.model_validate(value, context={"where": where})


def dump_config(config: RunConfig) -> str:
    """The resolved config as YAML, as it is kept in the run directory; it never holds a key or token."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def differences(old: Json, new: Json, prefix: str = "") -> list[str]:
    """``key: old -> new`` for every leaf in which two configs differ."""
    out = []
    for key in sorted(old.keys() | new.keys()):
        a, b = old.get(key), new.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            out += differences(a, b, f"{prefix}{key}.")
        elif a != b:
            out.append(f"{prefix}{key}: {json.dumps(a)} -> {json.dumps(b)}")
    return out


def _read(path: Path) -> Json:
    value = read_sections(path, "give the path of a run file, or make one: apigen init SOURCE")
    if value.keys() & {"openapi", "swagger"}:
        raise ConfigError(
            f"{path}: is an OpenAPI document, not a run file", f"make a run file of it: apigen init {path}"
        )
    return value


def _plain(value: Any) -> Any:
    """A copy in the shape that YAML gives: the caller's own stays as it is, whatever is set in it."""
    if isinstance(value, BaseModel):
        return _plain(value.model_dump())
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _fits(value: Json) -> bool:
    try:
        parse_config(value)
    except ConfigError:
        return False
    return True


def _without(form: Json, keys: Iterable[str]) -> Json:
    return {key: value for key, value in form.items() if key not in set(keys)}
