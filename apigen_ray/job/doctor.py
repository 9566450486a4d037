"""Looks at this machine, and at what a config needs of it; each finding that is not well names its mend."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from apigen_ray import machine
from apigen_ray.config import RunConfig
from apigen_ray.engines import EngineSpec, build
from apigen_ray.errors import ApigenError, EnvironmentFault, LibraryError
from apigen_ray.job.sandbox import clients, recordings, request_of, services, weakness
from apigen_ray.library import BUILTIN, load_library
from apigen_ray.records import Source, Status
from apigen_ray.report.markdown import client_words, service_words
from apigen_ray.runners.base import ExecutionSpec, Task
from apigen_ray.runners.python import PythonRunner, StartError
from apigen_ray.runners.rest.reach import blocked, host_of
from apigen_ray.storage import AnyPath, answers

GIB = 2**30
LEAST_PYTHON = (3, 11)
LEAST_DISK_GIB = 1.0
LEAST_MEMORY_GIB = 2.0

_LINUX = sys.platform == "linux"
_TRIAL, _TRIAL_ARGUMENTS = "prime_factors", '{"number": 12}'


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        ok: whether a run can work with it.
        subject: what was looked at: ``python``, ``disk``, ``generator small``.
        message: what was found, in one sentence.
        mend: what to do about it; "" where all is well.
    """

    ok: bool
    subject: str
    message: str
    mend: str = ""


def examine(config: RunConfig | None = None) -> list[Check]:
    """Every check that fits: of the machine, and where a config is given of its library and engines.

    Starts neither Ray nor a model. A server is asked for its models once; the hub, where a model is named by
    ``owner/name``, for the model's configuration.

    Args:
        config: of the run that is planned; None looks at the machine and our own library.
    """
    checks = [
        _python(),
        _platform(),
        _ray(),
        _disk(config.output.dir if config else Path("runs")),
        _memory(),
        _library(config),
        _sandbox(config.execution if config else ExecutionSpec()),
    ]
    if config is not None:
        checks += [*_clients(config), *_recordings(config.execution)]
        checks += [_engine(f"generator {generator.name}", generator.spec) for generator in config.generators]
        if config.judge is not None:
            checks.append(_engine("judge", config.judge.spec))
    return checks


def _python() -> Check:
    words = f"{platform.python_version()} in {sys.prefix}"
    needed = ".".join(map(str, LEAST_PYTHON))
    if sys.version_info[:2] < LEAST_PYTHON:
        return Check(False, "python", words, f"use Python {needed} or later")
    return Check(True, "python", words)


def _platform() -> Check:
    words = f"{platform.system()} {platform.machine()}, {machine.cores()} cores"
    if not _LINUX:
        return Check(False, "platform", words, "run on Linux, or in a Linux container: calls are confined by its means")
    return Check(True, "platform", words)


def _ray() -> Check:
    try:
        version = importlib.metadata.version("ray")
    except importlib.metadata.PackageNotFoundError:
        return Check(False, "ray", "Ray is not installed", "`pip install apigen-ray`")
    address = os.environ.get("RAY_ADDRESS")
    where = f"; a run joins the cluster at {address}, only this machine is looked at here" if address else ""
    return Check(True, "ray", f"Ray {version}{where}")


def _disk(folder: AnyPath) -> Check:
    if not isinstance(folder, Path):
        try:
            answers(folder)
        except EnvironmentFault as fault:
            return Check(False, "disk", fault.message, fault.mend)
        return Check(True, "disk", f"{folder} answers")
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return Check(False, "disk", f"{there} cannot be written", "give another output.dir")
    free = shutil.disk_usage(there).free / GIB
    words = f"{free:.1f} GiB free for {folder}"
    if free < LEAST_DISK_GIB:
        return Check(False, "disk", words, f"free {LEAST_DISK_GIB:g} GiB there, or give another output.dir")
    return Check(True, "disk", words)


def _memory() -> Check:
    free = machine.free_memory() / GIB
    words = f"{free:.1f} GiB free"
    if free < LEAST_MEMORY_GIB:
        return Check(False, "memory", words, f"end other programs: Ray wants {LEAST_MEMORY_GIB:g} GiB, a model more")
    return Check(True, "memory", words)


def _library(config: RunConfig | None) -> Check:
    try:
        library = load_library(config.library if config else [BUILTIN])
    except ApigenError as error:
        return Check(False, "library", error.message, error.mend)
    rejects = Counter(reject.code for reject in library.rejects)
    left = ", ".join(f"{code} {count}" for code, count in rejects.most_common())
    words = f"{len(library.apis)} APIs" + (f"; {rejects.total()} entries left out: {left}" if left else "")
    return Check(True, "library", words)


def _sandbox(spec: ExecutionSpec) -> Check:
    """Tries each layer, and executes one call of a function of ours as a run would."""
    if not spec.executes:
        return Check(True, "sandbox", f"not needed: execution.mode is {spec.mode}")
    api = load_library([BUILTIN.model_copy(update={"functions": (_TRIAL,)})]).apis[0]
    runner = PythonRunner(spec)
    try:
        layers = runner.layers()
        (outcome,) = runner.run([Task(api, _TRIAL_ARGUMENTS)])
    except StartError as error:
        return Check(False, "sandbox", f"calls cannot be executed here: {error.words}", error.mend)
    finally:
        runner.close()
    if outcome.status != Status.PASSED:
        mend = "raise execution.timeout_s or execution.memory_mb; see the message for what stopped the worker process"
        return Check(False, "sandbox", f"a call did not execute: {outcome.code}: {outcome.detail}", mend)
    weak = weakness(layers)
    told = "\n".join(f"{layer} {proof}" for layer, proof in layers.items())
    words = f"{weak}. " if weak else ""
    return Check(True, "sandbox", f"{words}A call was executed in a worker process in {outcome.seconds:.3f} s\n{told}")


def _clients(config: RunConfig) -> list[Check]:
    """What of the library is executed without walls or called elsewhere, and whether it finds its variables."""
    if not config.execution.reaches_out:
        return []
    try:
        sources = [api.source for api in load_library(config.library).apis if api.source is not None]
        without, called = clients(sources), services(sources)
    except LibraryError:  # which the check of the library tells
        return []
    except EnvironmentFault as error:
        return [Check(False, "clients", error.message, error.mend)]
    refused = blocked([form["server"] for form in called], config.execution.rest.allow_hosts)
    checks = [Check(True, "clients", client_words(form)) for form in without]
    for form in called:
        words, reason = service_words(form), refused.get(form["server"])
        if reason is None:
            checks.append(Check(True, "clients", words))
        else:
            mend = f"if that service is yours: execution: {{rest: {{allow_hosts: ['{host_of(form['server'])}']}}}}"
            checks.append(Check(False, "clients", f"{words}, and each call is refused: {reason}", mend))
    return [*checks, *_methods(sources, config.execution.rest.methods)]


def _methods(sources: list[Source], allowed: tuple[str, ...]) -> list[Check]:
    """Functions of the library that are asked for by methods which are not allowed."""
    asked = Counter(form.method for form in map(request_of, sources) if form is not None)
    refused = {method: count for method, count in asked.most_common() if method not in allowed}
    if not refused:
        return []
    words = f"{sum(refused.values()):,} of {asked.total():,} functions that are called over HTTP are refused: "
    words += ", ".join(f"{method} {count:,}" for method, count in refused.items())
    words += " by execution.rest.methods"
    if len(refused) < len(asked):
        return [Check(True, "clients", words)]
    mend = f"if what they change is yours: execution: {{rest: {{methods: [{', '.join(refused)}]}}}}"
    return [Check(False, "clients", words, mend)]


def _recordings(spec: ExecutionSpec) -> list[Check]:
    """Whether there is something to replay, or a folder to record into."""
    try:
        kept = recordings(spec)
    except ApigenError as error:
        return [Check(False, "recordings", error.message, error.mend)]
    if not kept:
        return []
    words = f"{kept['files']:,} files in {kept['folder']}" if "files" in kept else f"{kept['folder']} can be written"
    return [Check(True, "recordings", words)]


def _engine(subject: str, spec: EngineSpec) -> Check:
    finding = build(spec).probe(gpus())
    return Check(finding.ok, subject, finding.message, finding.mend)


def gpus() -> int:
    """GPUs of this machine that Ray would offer."""
    try:
        command = ["nvidia-smi", "-L"]  # found on the path, like every tool of the driver
        listed = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout  # noqa: S603 - a command of our own
    except (OSError, subprocess.SubprocessError):
        return 0
    there = sum(line.startswith("GPU ") for line in listed.splitlines())
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return there
    chosen = [name for name in visible.split(",") if name.strip() and not name.startswith("-")]
    return min(there, len(chosen))
