"""Work on the files of a run as Ray tasks beside a dataset: many files, small answers, nothing held by the driver."""

from collections.abc import Callable, Sequence
from typing import Any

import ray

from apigen_ray.storage import AnyPath

FILES = 32
"""For one task: of a round's parts, some 10,000 rows."""


def submit(function: Callable[..., Any], *arguments: Any, returns: int = 1) -> Any:
    """Starts a task; its answer stays in the object store.

    Args:
        function: of a module, so that a worker can import it.
        arguments: a reference among them arrives as what it refers to; one inside a list or object as it is.
        returns: how many answers it gives.

    Returns:
        A reference, or a list of as many as it gives answers.
    """
    return ray.remote(function).options(num_returns=returns).remote(*arguments)


def fetch(reference: Any) -> Any:
    """The answer of a task, in this process."""
    return ray.get(reference)


def file_chunks(files: Sequence[AnyPath]) -> list[list[str]]:
    """Files as tasks take them, in their order, in at most 256 lists of at least `FILES`."""
    size = max(FILES, -(-len(files) // 256))
    names = [str(file) for file in files]
    return [names[start : start + size] for start in range(0, len(names), size)]
