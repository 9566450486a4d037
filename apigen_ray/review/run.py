"""``apigen review``: the sample of a run is drawn or found, judged on a page if asked, and counted."""

from collections.abc import Callable
from pathlib import Path

from apigen_ray.errors import InputError
from apigen_ray.records import Json
from apigen_ray.review.estimates import estimates
from apigen_ray.review.judgements import name_of, read_words
from apigen_ray.review.sample import Sample, open_sample
from apigen_ray.review.server import Desk, serve
from apigen_ray.rundir import RunDir
from apigen_ray.storage import AnyPath


def review_run(
    path: AnyPath,
    out: Path | None = None,
    size: int | None = None,
    seed: int | None = None,
    ready: Callable[[Sample, str], None] | None = None,
    reviewer: str | None = None,
    port: int = 0,
) -> Json:
    """Draws or finds a run's sample, serves the page where ``ready`` is given, and counts what was said.

    Args:
        path: the run directory.
        out: where sample and judgements lie; None: ``review`` in the run directory, which then lies on a disk.
        size: rows of the sample; None: `apigen_ray.review.sample.ROWS`, or what was drawn.
        seed: of the draw; None: 0, or what was drawn.
        ready: serve the page until the process gets SIGINT or SIGTERM, and tell sample and address once it is there.
        reviewer: who judges; None: the page asks.
        port: of the page; 0: any that is free.

    Returns:
        `apigen_ray.review.estimates.estimates`, with the run's path as ``run``.

    Raises:
        InputError: as `open_sample`, `read_words` and `serve` say; a run in a store and no ``out``; a page's options
            and no page.
        RecordError: what lies there cannot be read.
        EnvironmentFault: the disk cannot be read or written.
    """
    folder = out or RunDir(path).review
    if not isinstance(folder, Path):
        raise InputError(
            f"{path}: a review lies on a disk, where each judgement is safe at once, and this run lies in a store",
            "give --out FOLDER",
        )
    if ready is None and (reviewer is not None or port):
        raise InputError("--reviewer and --port are of the page", "give --serve as well")
    name = None if reviewer is None else name_of(reviewer)
    sample = open_sample(path, folder, size, seed)
    if ready is not None:
        read_words(sample)  # a broken file is told before anybody has judged a row
        serve(Desk(sample, name), port, lambda address: ready(sample, address))
    return estimates(sample, read_words(sample)) | {"run": str(path)}
