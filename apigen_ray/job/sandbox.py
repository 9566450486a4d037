"""What confines the calls of a run, or answers them: looked at before it begins, and kept in its manifest."""

import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from apigen_ray.errors import EnvironmentFault
from apigen_ray.library.request import RequestForm
from apigen_ray.records import Api, Json, Source
from apigen_ray.runners.base import ExecutionSpec
from apigen_ray.runners.mcp import McpRunner
from apigen_ray.runners.process import ProcessRunner, missing
from apigen_ray.runners.python import PythonRunner, StartError
from apigen_ray.runners.recordings import look_at
from apigen_ray.runners.rest.runner import RestRunner
from apigen_ray.runners.sandbox.walls import MANDATORY, is_up
from apigen_ray.storage import answers, as_path, make_folder


def confinement(spec: ExecutionSpec, apis: Iterable[Api]) -> Json:
    """The layers around the calls of a run, each tried on this machine, as the manifest keeps them.

    Args:
        spec: how calls are executed.
        apis: of the library.

    Returns:
        ``isolation``; ``layers``, the words on each; ``trusted``, functions that go without the language layer; and
        ``weak``, in words, where a layer is missing that only `ExecutionSpec.allow_weak` lets a run go without: all
        absent where no function is executed behind walls. ``process``: see `clients`; absent where there are none.
        ``services``: see `services`; absent where there are none. ``recordings``: what is replayed, or where to is
        recorded, see `recordings`.

    Raises:
        InputError: there are no recordings to replay.
        EnvironmentFault: calls would not be confined here, a client or service lacks a variable of the environment, or
            the folder of the recordings cannot be read or made.
    """
    kept = recordings(spec)
    own: Json = {"recordings": kept} if kept else {}
    if not spec.executes:
        return own
    every = [api.source for api in apis if api.source is not None]
    if spec.reaches_out:
        told = {"process": clients(every), "services": services(every)}
        own |= {key: found for key, found in told.items() if found}
    sources = [source for source in every if source.executed_by == PythonRunner.kind]
    if not sources:
        return own
    runner = PythonRunner(spec)
    try:
        layers = runner.layers()
    except StartError as error:
        raise EnvironmentFault(f"calls cannot be executed here: {error.words}", error.mend) from error
    finally:
        runner.close()
    trusted = sum(source.trust == "trusted" for source in sources)
    weak = weakness(layers)
    return {"isolation": spec.isolation, "layers": layers, "trusted": trusted} | ({"weak": weak} if weak else {}) | own


def recordings(spec: ExecutionSpec) -> Json:
    """The folder of recordings, and of what is replayed the number of files and a digest of all that they hold.

    Returns:
        Empty where nothing is recorded or replayed.

    Raises:
        InputError: there is nothing in it to replay.
        EnvironmentFault: it cannot be read, or made.
    """
    if spec.mode == "replay" and spec.recordings:
        return asdict(look_at(spec.recordings))
    if spec.mode == "record" and spec.recordings:
        folder = as_path(spec.recordings, to_write=True)
        make_folder(folder)
        answers(folder)
        return {"folder": spec.recordings}
    return {}


def clients(sources: Iterable[Source]) -> list[Json]:
    """What is executed by the ``process`` runner, which has no walls: for each list of hosts and variables whose it is.

    Raises:
        EnvironmentFault: a variable of the environment is not set here.
    """
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], dict[str, int]] = {}
    for source in sources:
        if source.executed_by != ProcessRunner.kind:
            continue
        name = Path(source.location).stem if source.location.endswith(".py") else source.location.partition(".")[0]
        if lacking := missing(source):
            mend = "set it where the run and its Ray workers start, or take it out of the source's `env`"
            raise EnvironmentFault(f"{name} needs {lacking[0]} in the environment, and it is not set", mend)
        counts = groups.setdefault((source.hosts, source.env), {})
        counts[name] = counts.get(name, 0) + 1
    return [
        {"functions": counts, "hosts": list(hosts), "env": list(names)} for (hosts, names), counts in groups.items()
    ]


def services(sources: Iterable[Source]) -> list[Json]:
    """The servers that calls go to, over HTTP or as tools: for each its functions and the variables of its credentials.

    Raises:
        EnvironmentFault: a variable of the environment is not set here.
    """
    groups: dict[tuple[str, tuple[str, ...]], int] = {}
    for source in sources:
        if not source.request or source.executed_by not in (RestRunner.kind, McpRunner.kind):
            continue
        where, names = source.server or source.location, source.env
        if source.executed_by == RestRunner.kind:
            form = request_of(source)
            if form is None:
                continue  # every call of it says so
            where, names = form.server, tuple(dict.fromkeys(name for secret in form.auth for name in secret.env))
        if lacking := next((name for name in names if name not in os.environ), None):
            mend = "set it where the run and its Ray workers start, or take it out of the source's `auth`"
            raise EnvironmentFault(f"calls to {where} need {lacking} in the environment, and it is not set", mend)
        groups[where, names] = groups.get((where, names), 0) + 1
    return [{"server": where, "functions": count, "env": list(names)} for (where, names), count in groups.items()]


def request_of(source: Source) -> RequestForm | None:
    """How a function is called over HTTP; None where it is not, or no call of it can be made."""
    if source.executed_by != RestRunner.kind or not source.request:
        return None
    try:
        return RequestForm.loads(source.request)
    except ValueError:
        return None


def weakness(layers: dict[str, str]) -> str:
    """In words what is missing of the layers that no run should go without; "" where nothing is."""
    missing = [layer for layer in MANDATORY if not is_up(layers.get(layer, ""))]
    return f"WEAK: calls were executed without {' and '.join(missing)}" if missing else ""
