"""The built-in functions behind all walls: untrusted, the language layer on, they give what plain Python gives."""

import importlib
import json
import random

import pytest

from apigen_ray.library import BUILTIN, load_library
from apigen_ray.records import Status
from apigen_ray.runners.base import ExecutionSpec, Task
from apigen_ray.runners.python import PythonRunner
from apigen_ray.runners.sandbox import walls
from apigen_ray.sampling.lexicons import lexicon_files, load_lexicons
from apigen_ray.sampling.values import Arguments

pytestmark = pytest.mark.skipif(
    bool(walls._no_seccomp()), reason=f"this platform has no walls: seccomp: {walls._no_seccomp()}"
)

DRAWS = 2


def test_every_built_in_function_runs_behind_all_walls():
    lexicons, tasks, plain = load_lexicons(lexicon_files()), [], []
    for api in load_library([BUILTIN]).apis:
        assert api.source is not None
        assert api.source.trust == "untrusted"
        function = getattr(importlib.import_module(api.source.location), api.name)
        draw, rng = Arguments(api, lexicons), random.Random(api.name)
        for _ in range(DRAWS):
            arguments = draw.draw(rng)
            tasks.append(Task(api, json.dumps(arguments)))
            plain.append(function(**arguments))
    runner = PythonRunner(ExecutionSpec(memory_mb=256))
    try:
        outcomes = runner.run(tasks)
    finally:
        runner.close()
    for task, outcome, expected in zip(tasks, outcomes, plain, strict=True):
        assert outcome.status == Status.PASSED, (task.api.name, task.arguments, outcome)
        assert json.loads(outcome.value) == json.loads(json.dumps(expected)), task.api.name
