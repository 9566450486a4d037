"""``apigen merge``: runs of one library become one run directory, which readers take like any other."""

from collections.abc import Sequence
from pathlib import Path

from apigen_ray import __version__
from apigen_ray.config import STAGES
from apigen_ray.errors import InputError
from apigen_ray.export.samples import open_run
from apigen_ray.graph.session import ray_session
from apigen_ray.graph.union import write_union
from apigen_ray.job.loop import Result
from apigen_ray.job.opening import open_new
from apigen_ray.job.outcome import recorded
from apigen_ray.records import Json, content_hash
from apigen_ray.report.markdown import report_text
from apigen_ray.report.summary import summarise
from apigen_ray.rundir import RunDir
from apigen_ray.storage import AnyPath, write_text

AGAIN = "merge again with --clean"
"""A merge is not resumed: it is done anew."""


def merge_runs(runs: Sequence[AnyPath], out: AnyPath, *, clean: bool = False) -> Result:
    """Joins runs: each prompt once, each query verified once, every row with the name of the run that it came from.

    Rounds keep their numbers. The rows of a prompt that several runs have come from the first of them that judged it
    without an ``error``; of verified samples with the same query the first stays, by the order in which the runs are
    given and then by that of their plans. So joining what was joined is like joining all of it at once. The runs are
    only read. The manifest lists the files in one last write: until then the folder is a run without a sample.

    Args:
        runs: two or more run directories of one library, with every round closed.
        out: the folder to make.
        clean: delete a run that is there.

    Raises:
        InputError: the runs cannot be joined; says which, and why.
        RunExistsError: there is something where the run should go.
        RunFailedError: the runs could not be read, or the files not written.
    """
    given = [_checked(open_run(run)) for run in runs]
    _check_together(given, out)
    parts = _parts(given)
    directory = open_new(out, "merge", clean=clean)
    with recorded(directory, AGAIN) as outcome:
        with ray_session():
            names = [part["run"] for part in parts]
            files, rows = write_union([(_name(run), run) for run in given], names, directory)
        for part, number in zip(parts, rows, strict=True):
            part["samples"] = number
        closed = {str(round_): directory.names(paths) for round_, paths in sorted(files.items())}
        directory.update_manifest(**_facts(given, parts), closed=closed)
        summary = summarise(directory)
        outcome.update(summary.form())
    write_text(directory.path / "report.md", report_text(directory, summary))  # it tells the outcome
    return Result(directory, summary, outcome["seconds"])


def _checked(run: RunDir) -> RunDir:
    manifest = run.manifest()
    if manifest.get("kind") == "verify":
        raise InputError(
            f"{run.path}: judged records from elsewhere, which no run has planned",
            "give its input and that of others to one `apigen verify`",
        )
    unfinished = sorted({*run.rounds()} - {*run.closed_rounds()})
    if unfinished or not run.rounds():
        what = f"round {unfinished[0]} is not closed" if unfinished else "has no samples yet"
        mend = (
            AGAIN
            if manifest.get("kind") == "merge"
            else "end it with --resume; a smaller --set rounds=N ends it earlier"
        )
        raise InputError(f"{run.path}: {what}", mend)
    return run


def _check_together(given: Sequence[RunDir], out: AnyPath) -> None:
    """Refuses one run alone, one given twice, runs of two libraries, and a target that is, holds or lies in a run."""
    if len(given) < 2:
        raise InputError("merge: there is nothing to join it with", "give two or more run directories")
    first = given[0]
    places = [_place(run.path) for run in given]
    for number, (run, place) in enumerate(zip(given, places, strict=True)):
        if place in places[:number]:
            raise InputError(f"{run.path}: is given twice", "give each run once")
        if f"{_place(out)}/".startswith(f"{place}/") or f"{place}/".startswith(f"{_place(out)}/"):
            raise InputError(f"{out}: is, holds or lies in {run.path}, which is to be read", "give another --out")
        ours, theirs = (each.manifest()["digests"]["library"] for each in (first, run))
        if ours != theirs:
            raise InputError(
                f"{first.path} and {run.path} are of different libraries ({ours[:8]} and {theirs[:8]})",
                "merge runs of one library; export the others apart",
            )


def _place(path: AnyPath) -> str:
    return str(path.resolve() if isinstance(path, Path) else path)


def _name(run: RunDir) -> str:
    """A name that stays the same wherever the run is moved, and is another for another config."""
    return f"{run.path.name}-{run.manifest()['fingerprint'][:8]}"


def _parts(given: Sequence[RunDir]) -> list[Json]:
    """What the merged run is made of, each run once: a merged one stands for its own parts."""
    parts: dict[str, Json] = {}
    for run in given:
        manifest = run.manifest()
        own = {
            key: manifest.get(key) for key in ("fingerprint", "identity", "digests", "versions", "engines", "stages")
        }
        own |= {"run": _name(run), "path": str(run.path), "rounds": run.closed_rounds()}
        for part in manifest.get("merged", [own]):
            parts.setdefault(part["run"], part)
    return list(parts.values())


def _facts(given: Sequence[RunDir], parts: Sequence[Json]) -> Json:
    """What the manifest of the merged run says; of the sandboxes the weakest."""
    manifests = [run.manifest() for run in given]
    engines: Json = {}
    for part in parts:
        for name, engine in part["engines"].items():
            engines.setdefault(name if engines.get(name, engine) == engine else f"{name} of {part['run']}", engine)
    sandboxes = [manifest["sandbox"] for manifest in manifests if manifest.get("sandbox")]
    weakest = [sandbox for sandbox in sandboxes if "weak" in sandbox] or sandboxes
    return {
        "kind": "merge",
        "fingerprint": content_hash("merge", *(part["fingerprint"] for part in parts)),
        "digests": {"library": manifests[0]["digests"]["library"]},
        "merged": list(parts),
        "engines": engines,
        "library": manifests[0].get("library"),
        "sandbox": weakest[0] if weakest else None,
        "stages": [stage for stage in STAGES if any(stage in part["stages"] for part in parts)],
        "versions": {"apigen-ray": __version__},
    }
