"""The contract of a runner: a batch of calls in, one outcome for each out, whatever the calls do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from apigen_ray.records import Api, Json, Status


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

    Instances are built in the worker process that uses them and hold their pool there.
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
