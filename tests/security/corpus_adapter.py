"""Our runner as a foreign corpus of attacks wants it: ``Adapter``, with a folder of its own for each module."""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from apigen_ray.records import Api, Source
from apigen_ray.runners.base import ExecutionSpec, Outcome, Task
from apigen_ray.runners.python import PythonRunner

TIMEOUT_S = 1.0
MEMORY_MB = 512
STATUSES = {"": "ok", "forbidden": "killed", "quarantined": "refused"}
"""What the corpus calls our codes, where the names differ."""


class Adapter:
    """Runs batches of calls.

    Args:
        mode: ``warm`` or ``call``: see `ExecutionSpec.isolation`.
    """

    def __init__(self, mode: str) -> None:
        isolation: Any = {"warm": "owner", "call": "call"}[mode]
        spec = ExecutionSpec(isolation=isolation, timeout_s=TIMEOUT_S, memory_mb=MEMORY_MB)
        self._runner = PythonRunner(spec)
        self._folder = Path(tempfile.mkdtemp(prefix="corpus-"))

    def load(self, sources: Mapping[str, str]) -> dict[str, str]:
        """Writes the modules; what is wrong with one is told by its calls."""
        for name, text in sources.items():
            (self._folder / name).mkdir()
            self._file(name).write_bytes(text.encode("utf-8", "surrogatepass"))
        return {}

    def run(self, calls: Sequence[tuple[str, str, bytes]]) -> list[dict[str, Any]]:
        """One batch; bytes that are no UTF-8 become lone surrogates, as wherever Python reads foreign bytes."""
        return [
            self._form(outcome)
            for outcome in self._runner.run(
                [
                    Task(
                        Api(function, "", {}, source=Source("python", str(self._file(module)), function)),
                        arguments.decode("utf-8", "surrogateescape"),
                    )
                    for module, function, arguments in calls
                ]
            )
        ]

    def report(self) -> dict[str, Any]:
        """Which layers are active."""
        return {"layers": self._runner.layers()}

    def close(self) -> None:
        """Ends the processes and removes the modules."""
        self._runner.close()
        shutil.rmtree(self._folder)

    def _file(self, module: str) -> Path:
        return self._folder / module / f"{module}.py"

    def _form(self, outcome: Outcome) -> dict[str, Any]:
        value = json.loads(outcome.value) if outcome.value is not None else None
        status = STATUSES.get(outcome.code, outcome.code)
        return {"status": status, "value": value, "error": outcome.detail or None}
