"""Answers calls that are not made out of what their APIs say of their results; each outcome says that it is so."""

from collections.abc import Sequence

from apigen_ray.records import Json, Status, content_hash, dumps
from apigen_ray.runners.base import ExecutionSpec, Outcome, Task, read_arguments
from apigen_ray.runners.made_up import Maker, UnmakeableError, validator

ATTEMPTS = 12
"""How often a value is made anew where it does not fit what its schema says beside types and bounds."""
MAX_VALUE = 64 * 1024
"""Characters of a value's JSON text; a longer one is made once more with as little in it as may be."""

UNKNOWN: Json = {"simulated": "the call was not made, and nothing is known of what its API returns"}
"""The value of a call where an API says nothing of its results, or what no value fits."""


class SimulateRunner:
    """Answers each call with a value that fits the schema of its API's result, and makes none.

    The value is an example or default of the schema where it has one that fits, else made up: from enums, types,
    formats and bounds, with the call's own arguments where the result has properties of their names. The same call
    always gets the same value. Where the API does not say what it returns the value is `UNKNOWN`. Arguments that the
    API's parameters do not allow are an ``argument_error``.

    Args:
        spec: nothing of it counts.
    """

    kind = "simulate"

    def __init__(self, spec: ExecutionSpec) -> None: ...

    def run(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Outcomes in the order of the tasks, ``simulated`` all."""
        return [_outcome(task) for task in tasks]

    def close(self) -> None:
        """There is nothing to end."""


def simulated(schema: Json | None, seed: str, arguments: Json | None = None) -> str:
    """JSON text of a value that fits a schema; of `UNKNOWN` where there is no schema, or no such value is found.

    Args:
        schema: JSON Schema 2020-12 without references.
        seed: the same seed, the same value.
        arguments: values for properties of these names, where they fit.
    """
    if not schema:
        return dumps(UNKNOWN)
    fitting = validator(dumps(schema))
    for attempt in range(ATTEMPTS):
        sparse = attempt >= ATTEMPTS // 2  # only what is required, in case the rest is what does not fit
        try:
            value = Maker(content_hash(seed, attempt), arguments or {}, sparse=sparse).value(schema)
        except UnmakeableError:
            continue
        text = dumps(value)
        if len(text) <= MAX_VALUE and fitting.is_valid(value):
            return text
    return dumps(UNKNOWN)


def _outcome(task: Task) -> Outcome:
    try:
        arguments = read_arguments(task.arguments)
    except ValueError as error:
        return Outcome(Status.REJECTED, "argument_error", detail=str(error), simulated=True)
    fault = next(validator(dumps(task.api.parameters)).iter_errors(arguments), None)
    if fault is not None:
        where = "/".join(map(str, fault.instance_path))
        return Outcome(Status.REJECTED, "argument_error", None, f"{where}: {fault.message}"[:500], simulated=True)
    seed = content_hash(task.api.name, task.api.api_id, dumps(arguments))
    return Outcome(Status.PASSED, value=simulated(task.api.returns, seed, arguments), simulated=True)
