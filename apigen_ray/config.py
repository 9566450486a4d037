"""RunConfig: one YAML file describes a run, composed from the spec that each part owns."""

import difflib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from upath import UPath

from apigen_ray.engines.priced import GeneratorSpec, JudgeSpec
from apigen_ray.errors import ConfigError, InputError
from apigen_ray.library import LibrarySpec
from apigen_ray.library.python import PythonSource
from apigen_ray.records import REPLY, Json, Mode, Verdict, content_hash
from apigen_ray.rundir import AnyPath, as_path
from apigen_ray.sampling import SamplingSpec
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


class Section(BaseModel):
    """A part of the config: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,100}$")
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

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [generator.name for generator in self.generators]
        if len(set(names)) < len(names):
            raise ValueError(f"generators: two are called {max(names, key=names.count)!r}; give each a name of its own")
        check_stages(self.stages)
        check_prices(self.limits, self.generators, self.judge)
        needs = [check for check in self.semantic.checks if check in ("judge", "roundtrip")]
        if "semantic" in self.stages and needs and self.judge is None:
            raise ValueError(
                f"semantic.checks asks for {needs[0]}, but there is no section `judge` that names an engine"
            )
        if "semantic" in self.stages and "likelihood" in self.semantic.checks and self.judge is None:
            told = all(getattr(generator.spec, "logprobs", True) for generator in self.generators)
            if self.sampling.mode != Mode.CALL_FIRST or not told:
                raise ValueError(
                    "semantic.checks asks for likelihood: name an engine in `judge`, or draft by `sampling.mode: "
                    "call_first` with generators that say `logprobs: true`"
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
            lines = [_explain(value, item) for item in _told(error.errors())]
            text = "\n  ".join(["", *lines] if len(lines) > 1 else lines)
            raise ConfigError(
                f"{(info.context or {}).get('where', 'config')}: {text}", "change the field named"
            ) from error

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


def check_prices(limits: LimitsSpec, generators: Iterable[GeneratorSpec], judge: JudgeSpec | None) -> None:
    """Refuses a limit on the cost where what costs is not known.

    Raises:
        ValueError: names the engine and the mend.
    """
    if limits.max_cost is None:
        return
    asked = [(f"generators: {each.name}", each.price_per_million) for each in generators]
    asked += [("judge", judge.price_per_million)] if judge is not None else []
    for name, price in asked:
        if price is None:
            raise ValueError(
                f"limits.max_cost needs prices, and {name} has no price_per_million: give it one, for example "
                "{prompt: 0.5, completion: 1.5}, zeros for an engine of your own"
            )


def check_clock(library: LibrarySpec, execution: ExecutionSpec) -> None:
    """Refuses a frozen clock for sources that would see the real one: it is the language layer that stops it.

    Raises:
        ValueError: names the source and the mend.
    """
    if not execution.executes or execution.clock == "real":
        return
    for number, source in enumerate(library):
        if isinstance(source, PythonSource) and source.trust == "trusted":
            raise ValueError(
                f"execution.clock: frozen cannot hold for library.{number}, which is `trust: trusted` and so sees the "
                "real clock: leave `trust` out there, or set `execution.clock: real`"
            )


def check_stages(stages: Iterable[str]) -> None:
    """Refuses a stage that does not exist, and stages without ``format``: it takes the record apart for the others.

    Raises:
        ValueError: names the stage and the nearest right one.
    """
    stages = tuple(stages)
    for stage in stages:
        if stage not in STAGES:
            raise ValueError(f"stages: there is no {stage!r}{nearest(stage, STAGES)}; known: {', '.join(STAGES)}")
    if FormatVerifier.name not in stages:
        raise ValueError(f"stages: {FormatVerifier.name} is needed: the other stages read what it takes apart")


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
    else:
        value, where = _read(Path(source)), str(source)
    for setting in settings:
        _set(value, setting)
    if not isinstance(source, Mapping):
        value.setdefault("name", Path(source).stem)
    return parse_config(value, where)


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
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        mend = "give the path of a run file, or make one: apigen init SOURCE"
        raise ConfigError(f"{path}: cannot be read ({reason})", mend) from error
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML: {error}", "mend the line that is named") from error
    if not isinstance(value, dict):
        found = f"{path}: the file holds {type(value).__name__}, not `key: value` sections"
        raise ConfigError(found, "see jobs/quickstart.yaml")
    return value


def _plain(value: Any) -> Any:
    """A copy in the shape that YAML gives: the caller's own stays as it is, whatever is set in it."""
    if isinstance(value, BaseModel):
        return _plain(value.model_dump())
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _without(form: Json, keys: Iterable[str]) -> Json:
    return {key: value for key, value in form.items() if key not in set(keys)}


def _set(value: Json, setting: str) -> None:
    key, equals, text = setting.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set {setting}: not of the form a.b=c", "for example --set size=10")
    try:
        new = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {setting}: the value is not YAML", "quote it: --set 'name=\"a: b\"'") from error
    node: Any = value
    *parents, last = key.split(".")
    for part in parents:
        if isinstance(node, list):
            node = _item(node, part, setting)
        else:
            if not isinstance(node.get(part), dict | list):
                node[part] = {}
            node = node[part]
    if isinstance(node, list):
        _item(node, last, setting)
        node[int(last)] = new
    else:
        node[last] = new


def _item(node: list[Any], part: str, setting: str) -> Any:
    if not part.isdigit() or int(part) >= len(node):
        raise ConfigError(f"--set {setting}: {part!r} is not one of the {len(node)} items", "count from 0")
    return node[int(part)]


def _told(errors: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The faults without those that come of others: of a list whose one item is wrong, that it has too few."""
    places = [error["loc"] for error in errors]
    return [
        e for e in errors if e["type"] != "too_short" or not any(e["loc"] == p[:-1][: len(e["loc"])] for p in places)
    ]


def _explain(value: Json, error: Mapping[str, Any]) -> str:
    # pydantic puts the tags of unions into the location; a field is only what stands in the file
    node: Any = value
    path = []
    for part in error["loc"]:
        if isinstance(node, Mapping) and part in node:
            node = node[part]
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            node = node[part]
        elif error["type"] not in ("missing",) or part != error["loc"][-1]:
            continue
        path.append(str(part))
    field = ".".join(path)
    if error["type"] == "extra_forbidden":
        return f"{field}: unknown key{nearest(path[-1], _siblings(error['loc']))}"
    if error["type"] == "missing":
        return f"{field}: is required"
    return f"{field}: ".removeprefix(": ") + str(error["msg"]).removeprefix("Value error, ")


def _siblings(loc: tuple[Any, ...]) -> list[str]:
    """Names that are allowed where an unknown key stands: the fields of the models found along its location."""
    models: list[Any] = [RunConfig]
    for part in loc[:-1]:
        inner = [field.annotation for model in models for name, field in model.model_fields.items() if name == part]
        found = [model for annotation in inner for model in _models(annotation)]
        # in a run file the keys of a generator and of its engine stand side by side
        models = [*models, *found] if part == "spec" else found or models
    return sorted({name for model in models for name in model.model_fields} - {"spec"})


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for item in getattr(annotation, "__args__", ()) for model in _models(item)]


def nearest(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` for a word that is not among those known; "" where none is like it."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""
