"""The contract of a runner: a batch of calls in, one outcome for each out, whatever the calls do."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from apigen_ray.errors import InputError
from apigen_ray.records import Api, Json, Status
from apigen_ray.runners.rest.spec import RestSpec
from apigen_ray.storage import as_path
from apigen_ray.strict_json import JsonProblem, loads

ExecutionMode = Literal["live", "record", "replay", "simulate", "none"]


class ExecutionSpec(BaseModel):
    """The section ``execution`` of the config: whether and within which limits calls are executed.

    Attributes:
        mode: ``live`` executes calls; ``record`` does, and keeps what came back; ``replay`` gives what was kept and
            makes no call; ``simulate`` executes what needs no network and makes up the other answers out of the
            schemas of the results; ``none`` executes nothing. Every row says which it was (docs/modes.md).
        recordings: the folder of ``record`` and ``replay``, on a disk that all nodes see or in a store.
        timeout_s: seconds of CPU time for one call; by the clock it may take half as much again.
        memory_mb: MiB of address space for the process that a call runs in, its interpreter included.
        workers: processes that one runner keeps busy at a time.
        isolation: ``owner``: calls to one module or package share a warm process, each in fresh globals; ``call``:
            every call gets a process of its own.
        clock: ``real``, or ``frozen``: functions find one moment of 2025 whenever they look, so that a run can be
            repeated; trusted sources always see the real one, so a config with such a source and ``frozen`` is refused.
            `random` is reseeded for every call from its arguments and the function's name in either case, and sets of
            strings have one order.
        preload: packages beside the standard library that functions may import, such as ``numpy``.
        allow_weak: execute also where the kernel cannot confine processes; manifest and report then say WEAK.
        rest: what calls over HTTP may do.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    neutral: ClassVar[frozenset[str]] = frozenset({"workers", "allow_weak", "recordings"})
    """Keys that cannot change what becomes of a row; where recordings lie cannot, since what they say is the same."""

    mode: ExecutionMode = "live"
    recordings: str | None = None
    timeout_s: float = Field(default=5.0, gt=0, le=3600)
    memory_mb: int = Field(default=1024, ge=128, le=1 << 20)
    workers: int = Field(default=1, ge=1, le=256)
    isolation: Literal["owner", "call"] = "owner"
    clock: Literal["real", "frozen"] = "real"
    preload: tuple[Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")], ...] = ()
    allow_weak: bool = False
    rest: RestSpec = RestSpec()

    @field_validator("recordings")
    @classmethod
    def _absolute(cls, path: str | None) -> str | None:
        # a worker process, on another node maybe, has a current folder of its own
        return str(Path(path).absolute()) if path and "://" not in path else path

    @model_validator(mode="after")
    def _has_recordings(self) -> Self:
        if self.mode not in ("record", "replay"):
            return self
        if not self.recordings:
            raise ValueError(
                f"execution.recordings: mode {self.mode} needs the folder that recorded answers lie in, for example "
                "`recordings: recordings/crm`; a folder that all nodes see, or s3://BUCKET/NAME"
            )
        try:
            as_path(self.recordings, to_write=self.mode == "record")
        except InputError as error:
            raise ValueError(f"execution.recordings: {error}") from error
        return self

    @property
    def executes(self) -> bool:
        """Whether functions behind walls are really executed."""
        return self.mode in ("live", "record", "simulate")

    @property
    def reaches_out(self) -> bool:
        """Whether calls that leave the machine are really made."""
        return self.mode in ("live", "record")

    def identity(self) -> Json:
        """What of it can change what becomes of a row, for the fingerprint of a run.

        ``record`` and ``replay`` count as ``live``: their answers are real ones, whenever they were given, so that a
        recorded run and its replay have the same ids. ``simulate`` and ``none`` are other rows.
        """
        form = self.model_dump(mode="json", exclude=set(self.neutral))
        form["rest"] = self.rest.model_dump(mode="json", exclude=set(self.rest.neutral))
        return form | {"mode": "live" if self.mode in ("record", "replay") else self.mode}


@dataclass(frozen=True)
class Outcome:
    """What became of one call.

    Attributes:
        status: ``passed``, ``rejected`` (the call is to blame) or ``error`` (we are: the runner could not start).
        code: "" for ``passed``, else one of `CODES`.
        value: JSON text of the result where it passed.
        detail: for people: at most 500 characters.
        seconds: wall-clock time of the call.
        simulated: the call was not made: the value was made up.
    """

    status: Status
    code: str = ""
    value: str | None = None
    detail: str = ""
    seconds: float = 0.0
    simulated: bool = False

    def form(self) -> Json:
        """The JSON form that ``results`` keeps, one per call: code, detail and ``simulated`` only where so."""
        out: Json = {"status": str(self.status), "value": self.value}
        if self.code:
            out |= {"code": self.code, "detail": self.detail}
        return out | {"simulated": True} if self.simulated else out

    @classmethod
    def of(cls, form: Json) -> Self:
        """The inverse of `form`, but for the seconds."""
        told = (form.get("code", ""), form["value"], form.get("detail", ""))
        return cls(Status(form["status"]), *told, simulated=form.get("simulated", False))


CODES = (
    "argument_error",  # the call does not bind to the function, or its JSON is not strict
    "exec_error",  # the function raised
    "timeout",  # it did not answer in time
    "memory",  # it asked for more memory than it may
    "killed",  # its process died
    "bad_output",  # it returned something that is not plain data
    "output_too_large",  # it returned more than may be kept
    "unknown_function",  # its source has no function of that name, or no source that can be executed
    "refused",  # the language layer does not take it: line and reason are told
    "forbidden",  # its process made a system call that no function may make: a security event
    "quarantined",  # its source had a security event in an earlier batch
    "http_error",  # REST: the server refused the call, or broke over it
    "endpoint_unavailable",  # REST, status error: nobody answers, or asks to wait longer than we do
    "blocked_address",  # the address is private, loopback or link-local, and not allowed
    "method_refused",  # REST: a method that may change something, and is not allowed
    "redirect_refused",  # REST: the answer leads elsewhere, too often or where it may not
    "no_credentials",  # status error: an environment variable that its source names is not set
    "server_error",  # MCP, status error: the server does not start, died or never answered
    "not_recorded",  # status error: no recording has an answer to it
    "runner_unavailable",  # status error: the runner itself could not work
)


@dataclass(frozen=True)
class Task:
    """One call to execute: the API it is made to (with its source) and the arguments as JSON text."""

    api: Api
    arguments: str


class Runner(Protocol):
    """Executes a batch of calls; never raises for what a call does.

    A runner that answers every call with its own arguments::

        class EchoRunner:
            kind = "echo"

            def run(self, tasks: Sequence[Task]) -> list[Outcome]:
                return [Outcome(Status.PASSED, value=task.arguments) for task in tasks]

            def close(self) -> None: ...

    It is built from an `ExecutionSpec` in the worker process that uses it, holds its pool there, and is listed in
    `apigen_ray.runners.pool.RUNNERS` under its kind: see `apigen_ray.records.Source.executed_by`.
    """

    kind: str

    def run(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Outcomes in the order of the tasks, exactly one for each."""
        ...

    def close(self) -> None:
        """Ends what the runner holds; calling it twice is harmless."""
        ...


def read_arguments(text: str) -> Json:
    """The arguments of a task.

    Raises:
        ValueError: why they are none, in words: an ``argument_error``.
    """
    try:
        value = loads(text)
    except JsonProblem as problem:
        raise ValueError(f"{problem.code}: {problem.detail}"[:500]) from problem
    if not isinstance(value, dict):
        raise ValueError("the arguments are no JSON object")
    return value


def results_json(outcomes: Sequence[Outcome]) -> Any:
    """The JSON value that the ``results`` column keeps for one sample."""
    return [outcome.form() for outcome in outcomes]
