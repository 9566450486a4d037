"""Prepares a library, or checks it again: opens an attempt, takes its graph to the end, closes it."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

from apigen_ray.engines import build
from apigen_ray.graph.leases import leases_for
from apigen_ray.graph.preparing import close_attempt, next_attempt, preparing_graph
from apigen_ray.graph.preparing_steps import Plan
from apigen_ray.graph.session import ray_session
from apigen_ray.graph.stopping import Stop, running
from apigen_ray.job.doctor import gpus
from apigen_ray.job.library import stats
from apigen_ray.job.library_spec import PrepareSpec
from apigen_ray.job.loop import check_gpus, look_at
from apigen_ray.job.outcome import recorded
from apigen_ray.job.sandbox import confinement
from apigen_ray.job.signals import interrupts
from apigen_ray.library.prepared import LibraryDir, api_of
from apigen_ray.records import Api, Json
from apigen_ray.rundir import RunDir
from apigen_ray.sampling import lexicon_files, load_lexicons
from apigen_ray.storage import AnyPath, absolute

AGAIN = "do it again: what was called and answered is kept"
"""How a preparation is taken up again, as the end of a mend."""

GRACE_S = 60.0
"""What is in flight has so long, once it is to stop."""

Progress = Callable[[int, int, int], None]
"""Is told how many rows came to the end, how many of them are usable, and how many there are."""


def prepare_library(path: AnyPath, spec: PrepareSpec, *, again: bool = False, progress: Progress | None = None) -> Json:
    """Does what is asked for and not done yet to every entry of a library.

    Whatever ends it before its end, what was called and paid for is kept: preparing it again goes on from there. A
    step that passed or rejected an entry is not done again; one that ended in an error is.

    Args:
        path: the library.
        spec: what to do, and with what.
        again: call every endpoint again, whatever was said of it.
        progress: is told how it goes on.

    Returns:
        As `apigen_ray.job.library.stats`.

    Raises:
        LibraryError: there is no library.
        EnvironmentFault: an engine, or what confines calls, is missing here.
        RunFailedError: it broke off.
        KeyboardInterrupt: by Ctrl-C or SIGTERM.
    """
    library = LibraryDir(absolute(path))  # workers may stand in another folder
    total = library.manifest()["rows"]
    writer = build(spec.writer) if spec.writer is not None else None
    engines = [writer, writer] if writer is not None else []  # one for each of the two asks
    look_at(engines)
    apis = list(_apis(library)) if "accessibility" in spec.steps else []
    confinement(spec.execution, apis)
    plan = Plan(
        steps=spec.steps,
        execution=spec.execution,
        lexicons=load_lexicons((*lexicon_files(), *spec.lexicons)),
        tries=spec.tries,
        min_words=spec.min_words,
        writes=writer is not None,
    )
    with interrupts() as signals, recorded(RunDir(path), AGAIN) as outcome:
        with ray_session(sum(engine.holds(gpus()).cpus for engine in engines)) as cluster:
            signals.install()  # once more: Ray has taken one of them
            check_gpus(engines, cluster.gpus)
            attempt, stop = next_attempt(library), Stop()
            plan = replace(plan, leases=leases_for(spec.execution, apis))
            graph = preparing_graph(library, attempt, plan, writer, again=again, stop=stop)
            rows = usable = 0
            end = float("inf")
            with signals.patient(), closing(running(graph)) as ticks:
                for tally in ticks:
                    if tally is not None:
                        rows, usable = rows + tally["rows"], usable + tally["usable"]
                        if progress is not None:
                            progress(rows, usable, total)
                    if signals.asked and end == float("inf"):
                        stop.ask()
                        end = time.monotonic() + GRACE_S
                    if time.monotonic() >= end:
                        break
            if signals.asked:
                raise KeyboardInterrupt
            close_attempt(library, attempt)
        form = stats(path)
        outcome.update(form)
    return form


def _apis(library: LibraryDir) -> Iterator[Api]:
    """The entries, but for their forms: what confines and reaches them is all that is needed."""
    for table in library.read(["api"]):
        for text in table["api"].to_pylist():
            if text is not None:
                yield replace(api_of(text), parameters={}, returns=None)
