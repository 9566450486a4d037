"""Each layer by name: with it off, some attack gets through that it had stopped."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hostile
import pytest

from apigen_ray.runners.base import Outcome
from apigen_ray.runners.sandbox import walls
from apigen_ray.runners.spawn import StartError

pytestmark = pytest.mark.skipif(
    bool(walls._no_seccomp()), reason=f"this platform has no walls: seccomp: {walls._no_seccomp()}"
)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[hostile.Stage]:
    hostile.sources(tmp_path)
    stage = hostile.Stage()
    yield stage
    stage.close()


def execute(name: str, stage: hostile.Stage, folder: Path, **settings: Any) -> Outcome:
    """One attack, trusted."""
    runner = hostile.runner(**settings)
    try:
        [outcome] = runner.run([hostile.task(folder, name, name, stage.at(), "trusted")])
    finally:
        runner.close()
    return outcome


def test_without_rlimits_memory_is_free(stage: hostile.Stage, tmp_path: Path) -> None:
    assert execute("much_memory", stage, tmp_path).code == "memory"
    assert execute("much_memory", stage, tmp_path, skip=["landlock"]).code == "memory"
    assert execute("much_memory", stage, tmp_path, skip=["rlimits"]).code == ""


@pytest.mark.parametrize("name", ["status_of_a_file", "send_a_packet", "machine_code", "pin_a_process"])
def test_without_seccomp_the_kernel_answers(name: str, stage: hostile.Stage, tmp_path: Path) -> None:
    assert execute(name, stage, tmp_path, skip=["rlimits", "landlock"]).code in ("forbidden", "exec_error")
    assert stage.traces() == []
    assert execute(name, stage, tmp_path, skip=["seccomp"]).code == ""


@pytest.mark.skipif(bool(walls._no_landlock()), reason=f"no Landlock here: {walls._no_landlock()}")
def test_landlock_is_the_second_wall_around_files(stage: hostile.Stage, tmp_path: Path) -> None:
    """Seccomp alone stops all that Landlock stops: it counts where seccomp has a hole."""
    held = execute("read_a_secret", stage, tmp_path, skip=["seccomp"])
    assert (held.code, "Errno 13" in held.detail) == ("exec_error", True)
    free = execute("read_a_secret", stage, tmp_path, skip=["seccomp", "landlock"])
    assert free.value == f'"PWNED {hostile.SECRET}"'


def test_without_the_language_layer_modules_are_in_reach(tmp_path: Path) -> None:
    (tmp_path / "reach.py").write_text(
        "import os\n\ndef names():\n    return len(dir(os)) > 100\n\ndef process():\n    return os.getpid() > 0\n"
    )
    runner = hostile.runner()
    try:
        for entry in ("names", "process"):
            tasks = [hostile.task(tmp_path, "reach", entry, "{}", trust) for trust in ("untrusted", "trusted")]
            confined, free = runner.run(tasks)
            assert confined.code in ("refused", "exec_error")
            assert free.value == "true"
    finally:
        runner.close()


@pytest.mark.parametrize(("isolation", "seen"), [("owner", "[7,0]"), ("call", "[7,49]")])
def test_only_a_process_for_each_call_keeps_a_source_from_itself(isolation: str, seen: str, tmp_path: Path) -> None:
    """What docs/security.md says is not stopped, and its cure. Another source is safe either way."""
    text = "import math\n\ndef spoil():\n    math.prod = lambda numbers: 0\n    return 0\n\n"
    text += "def innocent(number):\n    return [number, math.prod([number, number])]\n"
    for name in ("spoiler", "other"):
        (tmp_path / f"{name}.py").write_text(text)
    runner = hostile.runner(isolation=isolation)
    try:
        tasks = [hostile.task(tmp_path, "spoiler", "spoil", "{}", "trusted")]
        tasks += [hostile.task(tmp_path, name, "innocent", '{"number": 7}', "trusted") for name in ("spoiler", "other")]
        _, same, other = runner.run(tasks)
    finally:
        runner.close()
    assert same.value == seen
    assert other.value == "[7,49]"


def test_no_layer_is_left_out_by_accident(tmp_path: Path) -> None:
    for layer in walls.MANDATORY:
        runner = hostile.runner(allow_weak=False, skip=[layer])
        with pytest.raises(StartError, match="allow_weak"):
            runner.layers()
        runner.close()
