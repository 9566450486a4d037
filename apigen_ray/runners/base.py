"""The contract of a runner: a batch of calls in, one outcome for each out, whatever the calls do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from apigen_ray.records import Api, Json, Status


class ExecutionSpec(BaseModel):
    """The section ``execution`` of the config: whether and within which limits calls are executed.

    Attributes:
        mode: ``live`` executes calls; ``none`` does not, and says so in every row.
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
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    neutral: ClassVar[frozenset[str]] = frozenset({"workers", "allow_weak"})
    """Keys that cannot change what becomes of a row."""

    mode: Literal["live", "none"] = "live"
    timeout_s: float = Field(default=5.0, gt=0, le=3600)
    memory_mb: int = Field(default=1024, ge=128, le=1 << 20)
    workers: int = Field(default=1, ge=1, le=256)
    isolation: Literal["owner", "call"] = "owner"
    clock: Literal["real", "frozen"] = "real"
    preload: tuple[Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")], ...] = ()
    allow_weak: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of one call.

    Attributes:
        status: ``passed``, ``rejected`` (the call is to blame) or ``error`` (we are: the runner could not start).
        code: "" for ``passed``, else one of `CODES`.
        value: JSON text of the result where it passed.
        detail: for people: at most 500 characters.
        seconds: wall-clock time of the call.
    """

    status: Status
    code: str = ""
    value: str | None = None
    detail: str = ""
    seconds: float = 0.0

    def form(self) -> Json:
        """The JSON form that ``results`` keeps, one per call: code and detail only where there are any."""
        out: Json = {"status": str(self.status), "value": self.value}
        if self.code:
            out |= {"code": self.code, "detail": self.detail}
        return out


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


def results_json(outcomes: Sequence[Outcome]) -> Any:
    """The JSON value that the ``results`` column keeps for one sample."""
    return [outcome.form() for outcome in outcomes]
