"""Judging records that exist: from an input file to a run directory with a verdict for each of its rows."""

import importlib.metadata
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Self

import pyarrow as pa
import yaml
from pydantic import Field, field_validator, model_validator

from apigen_ray import __version__
from apigen_ray.config import STAGES, LimitsSpec, check_clock, check_judge, check_prices, check_stages
from apigen_ray.engines import build
from apigen_ray.engines.priced import JudgeSpec
from apigen_ray.graph.close import close_round
from apigen_ray.graph.metrics import Metrics
from apigen_ray.graph.records import input_graph
from apigen_ray.graph.round import Judging, verify_graph
from apigen_ray.graph.session import ray_session
from apigen_ray.graph.stopping import running
from apigen_ray.job.conduct import Conductor, Silent, Watcher
from apigen_ray.job.doctor import gpus
from apigen_ray.job.ingest import IngestOptions, Split, input_blocks, read_split, records_to_samples
from apigen_ray.job.limits import Guard, Meter
from apigen_ray.job.loop import Result, check_errors, check_gpus, look_at
from apigen_ray.job.opening import open_new
from apigen_ray.job.outcome import recorded
from apigen_ray.job.sandbox import confinement
from apigen_ray.job.signals import interrupts
from apigen_ray.library import BUILTIN, Library, LibrarySpec, load_library
from apigen_ray.library.python import PythonSource
from apigen_ray.records import Json
from apigen_ray.report.markdown import report_text
from apigen_ray.report.summary import summarise
from apigen_ray.sections import Misfit, Section, parse_sections, read_sections
from apigen_ray.storage import AnyPath, write_text
from apigen_ray.verifiers import Setting
from apigen_ray.verifiers.execution import ExecutionSpec
from apigen_ray.verifiers.semantic_spec import SemanticSpec

_ASKS = ("judge", "roundtrip", "likelihood")
"""Checks of the semantic stage that an engine has to answer where the records bring no reply of a generator."""

AGAIN = "start over with --clean"
"""Judging what is there is not resumed."""


class VerifySpec(Section):
    """How records are judged.

    Attributes:
        library: the functions that calls are executed against; None where nothing is executed.
        execution: how calls are executed.
        semantic: which checks make the semantic stage.
        judge: the engine that answers what `semantic` asks.
        max_error_share: more rows that could not be judged than this share make the outcome a failure.
        stages: which verifiers are asked for; by default ``format``, and ``execution`` where there is a library.
        limits: what ends it before its end.
    """

    library: LibrarySpec | None = None
    execution: ExecutionSpec = ExecutionSpec()
    semantic: SemanticSpec = SemanticSpec()
    judge: JudgeSpec | None = None
    stages: tuple[str, ...] = ()
    max_error_share: float = Field(default=0.1, ge=0, le=1)
    limits: LimitsSpec = LimitsSpec()

    @field_validator("stages")
    @classmethod
    def _known(cls, stages: tuple[str, ...]) -> tuple[str, ...]:
        check_stages(stages)
        return tuple(stage for stage in STAGES if stage in stages)

    @model_validator(mode="before")
    @classmethod
    def _default_stages(cls, value: Json) -> Json:
        return {"stages": ("format", "execution") if value.get("library") else ("format",)} | value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if "execution" in self.stages and self.execution.mode != "none" and self.library is None:
            raise Misfit(
                "stages: execution needs a library to execute calls against", "give --library SOURCE, or the section"
            )
        if "execution" in self.stages and self.library is not None:
            check_clock(self.library, self.execution)
        check_prices(self.limits, (), self.judge)
        check_judge(self.stages, self.semantic, self.judge, _ASKS)
        return self

    @classmethod
    def load(cls, path: Path | None = None, *, library: str | None = None, stages: Sequence[str] | None = None) -> Self:
        """Reads a YAML file, if there is one; what is given beside it counts more.

        Args:
            path: a file with any of this class's sections.
            library: a Python file or folder, the dotted name of a module, or ``builtin`` for our own functions.
            stages: names of stages, in any order.

        Raises:
            ConfigError: names the file, the field and the mend.
        """
        value = read_sections(path) if path is not None else {}
        if library is not None:
            value["library"] = [_source(library).model_dump(exclude_none=True)]
        if stages is not None:
            value["stages"] = [stage.strip() for stage in stages]
        return parse_sections(cls, value, path)


def verify_records(
    source: AnyPath,
    out: AnyPath,
    options: IngestOptions,
    spec: VerifySpec,
    *,
    clean: bool = False,
    watcher: Watcher | None = None,
    name: str | None = None,
) -> Result:
    """Judges every row of an input; each comes out once, in ``<out>/samples/``.

    Args:
        source: JSONL, Parquet, or a folder of such files.
        out: the run directory to write.
        options: which columns of the input mean what.
        spec: how to judge.
        clean: delete a run directory that is there.
        watcher: is told what happens.
        name: what the manifest calls the input; None: by its path.

    Raises:
        RunExistsError: there is something at ``out``, and not ``clean``.
        InputError: the input or the library cannot be read.
        EnvironmentFault: an engine, or what confines calls, is missing here.
        RunFailedError: the run had begun and broke off.
        RunStoppedError: a limit was reached.
        KeyboardInterrupt: by Ctrl-C or SIGTERM.
    """
    watcher = watcher or Silent()
    library = load_library(spec.library) if spec.library is not None else Library(())
    if library.apis:
        options = replace(options, api_ids={api.name: api.api_id for api in library.apis})
    setting = Setting(apis=library.by_id, execution=spec.execution, semantic=spec.semantic)
    judging = Judging(setting, spec.stages, build(spec.judge.spec) if spec.judge is not None else None)
    engines = judging.engines()
    look_at(engines)
    confined = confinement(spec.execution, library.apis) if "execution" in spec.stages else {}
    splits = input_blocks(source, options)
    directory = open_new(out, "verify", clean=clean)
    write_text(directory.config_path, yaml.safe_dump(spec.model_dump(mode="json"), sort_keys=False))
    meter = Meter({}, spec.judge.price_per_million if spec.judge else None)
    guard = Guard(spec.limits, spec.max_error_share, meter, str(directory.path), AGAIN)
    with interrupts() as signals, recorded(directory, AGAIN) as outcome:
        outcome["spent"] = meter.spent
        watcher.began(directory, 0)
        with ray_session(sum(engine.holds(gpus()).cpus for engine in engines)) as cluster:
            signals.install()  # once more: Ray has taken one of them
            check_gpus(engines, cluster.gpus)
            directory.update_manifest(
                kind="verify",
                input=str(source) if name is None else name,
                columns=options.columns(),
                stages=list(spec.stages),
                library={"apis": len(library.apis), "digest": library.digest},
                judge=spec.judge.model_dump(mode="json") if spec.judge is not None else None,
                cluster=asdict(cluster),
                sandbox=confined,
                versions={"apigen-ray": __version__, "python": platform.python_version()}
                | {package: importlib.metadata.version(package) for package in ("ray", "pyarrow")},
            )
            conductor = Conductor(directory, guard, signals, watcher, Metrics(str(out.name), spec.stages, None))
            samples = input_graph(splits, partial(read_samples, options=options), stop=conductor.stop)
            graph = verify_graph(directory, 0, samples, judging, conductor.stop)
            conductor.conduct(0, running(graph), {})
            close_round(directory, 0, unique=False)
        summary = summarise(directory)
        outcome.update(summary.form())
        check_errors(directory, summary, spec.max_error_share)
    write_text(directory.path / "report.md", report_text(directory, summary))  # it tells the outcome
    return Result(directory, summary, outcome["seconds"])


def read_samples(split: Split, options: IngestOptions) -> Iterator[pa.Table]:
    """The samples of a part of the input, some thousands at a time."""
    for raw in read_split(split):
        yield records_to_samples(raw, options)


def _source(text: str) -> PythonSource:
    if text == "builtin":
        return BUILTIN
    if Path(text).exists() or "/" in text or text.endswith(".py"):
        return PythonSource(path=text)
    return PythonSource(module=text)
