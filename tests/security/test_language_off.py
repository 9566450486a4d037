"""Foreign functions without the language layer, as trusted sources are executed: nothing of theirs reaches the host."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import hostile
import pytest

from apigen_ray.records import Status
from apigen_ray.runners.python import PythonRunner
from apigen_ray.runners.sandbox import walls

pytestmark = pytest.mark.skipif(
    bool(walls._no_seccomp()), reason=f"this platform has no walls: seccomp: {walls._no_seccomp()}"
)

SECURITY_EVENTS = frozenset(
    """read_memory_of_the_parent write_memory_of_the_parent trace_a_process kill_a_process kill_the_zygote
    kill_the_group limit_a_process shell spawn_a_program become_a_program become_a_program_in_memory fork fork_and_hide
    fork_often thread threads_of_a_pool connect connect_from_c send_a_packet fetch_a_page serve local_socket memory_file
    more_for_itself ring key namespace another_user process_settings pass_a_descriptor kill_itself""".split()
)
"""Attacks that end their process by a forbidden system call, and have their source quarantined."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile")
    hostile.sources(path)
    return path


@pytest.fixture
def stage() -> Iterator[hostile.Stage]:
    stage = hostile.Stage()
    yield stage
    stage.close()


def test_there_are_enough_attacks() -> None:
    assert len(hostile.FUNCTIONS) - len(hostile.ENDINGS) >= 40
    assert hostile.FUNCTIONS.keys() > hostile.ENDINGS | SECURITY_EVENTS


@pytest.mark.parametrize(
    ("trust", "isolation"),
    [
        ("trusted", "owner"),
        ("untrusted", "owner"),
        pytest.param("trusted", "call", marks=pytest.mark.long),
        pytest.param("untrusted", "call", marks=pytest.mark.long),
    ],
)
def test_nothing_reaches_the_host(
    trust: str, isolation: str, folder: Path, stage: hostile.Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APIGEN_TEST_TOKEN", hostile.SECRET)
    names = list(hostile.FUNCTIONS)
    runner = hostile.runner(workers=2, isolation=isolation)
    try:
        outcomes, wrong = hostile.among_innocents(runner, folder, names, stage.at(), trust)
        session = hostile.session(runner)
        later = runner.run(
            [hostile.task(folder, name, "innocent", '{"number": 3}', trust) for name in ("fork", "read_a_secret")]
        )
    finally:
        runner.close()

    assert wrong == []
    assert stage.traces() == []
    assert hostile.members(session) == []
    assert hostile.SECRET not in str(outcomes)
    for name, outcome in outcomes.items():
        assert outcome.status == Status.REJECTED, f"{name}: {outcome}"
    events = {name for name, outcome in outcomes.items() if outcome.code == "forbidden"}
    if trust == "trusted":
        assert events == SECURITY_EVENTS
        assert [outcome.code for outcome in later] == ["quarantined", ""]
    else:
        assert events == set()
        assert {outcome.code for outcome in outcomes.values()} == {"refused", "exec_error", "memory", "timeout"}
        assert [outcome.code for outcome in later] == ["", ""]


@pytest.fixture(scope="module")
def bare() -> Iterator[PythonRunner]:
    """A runner without any wall, and with time to succeed on a busy machine."""
    runner = hostile.runner(skip=walls.LAYERS, timeout_s=20)
    yield runner
    runner.close()


@pytest.mark.parametrize("name", [name for name in hostile.FUNCTIONS if name not in hostile.ENDINGS])
def test_an_attack_succeeds_where_no_wall_stands(
    name: str, bare: PythonRunner, folder: Path, stage: hostile.Stage
) -> None:
    """Else what holds it above would prove nothing; it is skipped only where it fails outside of any sandbox too."""
    [outcome] = bare.run([hostile.task(folder, name, name, stage.at(), "trusted")])
    if stage.traces() or (outcome.value or "").startswith('"PWNED'):
        return
    held = hostile.without_us(folder, name, stage)
    assert held, f"{outcome.code}: {outcome.detail}, but in plain Python it succeeds: something of ours stops it"
    pytest.skip(f"this machine stops it without us: {held}")


def test_what_stops_an_attack_outside_of_any_sandbox_is_told(folder: Path, stage: hostile.Stage) -> None:
    assert hostile.without_us(folder, "read_a_secret", stage) == ""
    assert hostile.without_us(folder, "exit_at_once", stage) == "exit status 0"
    assert hostile.without_us(folder, "pass_a_descriptor", stage) == "LookupError: no descriptor can be written to"


def test_workers_find_no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APIGEN_TEST_TOKEN", hostile.SECRET)
    (tmp_path / "around.py").write_text(
        "def around():\n"
        "    import ctypes, os\n"
        "    c = ctypes.CDLL(None)\n"
        "    c.getenv.restype = ctypes.c_char_p\n"
        "    return [dict(os.environ), str(c.getenv(b'APIGEN_TEST_TOKEN'))]\n"
    )
    runner = hostile.runner()
    try:
        [outcome] = runner.run([hostile.task(tmp_path, "around", "around", "{}", "trusted")])
        given = Path(f"/proc/{hostile.session(runner)}/environ").read_bytes()
    finally:
        runner.close()
    assert json.loads(outcome.value or "null") == [{}, "None"]
    assert given == b"PYTHONHASHSEED=0\0LD_BIND_NOW=1\0", (
        "what was cleared can still be read in the memory of the process"
    )


def test_workers_hold_nothing_open_but_their_socket(tmp_path: Path, folder: Path) -> None:
    kept = tmp_path / "kept"
    runner = hostile.runner()
    try:
        with kept.open("w") as file:
            os.set_inheritable(file.fileno(), True)
            runner.run([hostile.task(folder, "fork", "innocent", '{"number": 1}', "trusted")])
        zygote = hostile.session(runner)
        held = {
            process: [os.readlink(link) for link in Path(f"/proc/{process}/fd").iterdir()]
            for process in hostile.processes(zygote)
        }
    finally:
        runner.close()
    assert len(held) >= 2
    assert str(kept) not in str(held)
    for process, targets in held.items():
        if process != str(zygote):
            others = [target for target in targets if target != "/dev/null"]
            assert [target.partition(":")[0] for target in others] == ["socket"]
