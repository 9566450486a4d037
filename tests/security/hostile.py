"""Runs hostile functions through the real runner, and looks from outside what came of it."""

import ctypes
import inspect
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import hostile_functions as attacks
from pydantic_core import _pydantic_core

from apigen_ray.records import Api, Source
from apigen_ray.runners.base import ExecutionSpec, Outcome, Task
from apigen_ray.runners.python import PythonRunner
from apigen_ray.runners.sandbox import bpf, linux

SECRET = "what-nobody-may-learn"  # noqa: S105 - of no use to anyone
TIMEOUT_S = 1.0
MEMORY_MB = 256
INNOCENT = "\n\ndef innocent(number):\n    return [number, number * number]\n"

FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: value
    for name, value in vars(attacks).items()
    if inspect.isfunction(value) and value.__module__ == attacks.__name__
}
"""Every attack by its name."""

ENDINGS = frozenset(
    """exit_at_once exit_politely abort fault kill_itself timer_for_the_next ignore_the_limit swallow_the_limit
    close_everything write_everywhere read_everywhere pass_a_descriptor kill_the_zygote kill_the_group""".split()
)
"""Those that are about the worker itself or its way to the parent: they have no success that would be seen outside."""


class Stage:
    """What attacks act upon, all of it made for them; `traces` tells what they have left.

    Attributes:
        folder: where ``secret``, ``file``, ``tree`` and ``planted.py`` lie and nothing else may appear.
        victim: a process of the same user that sleeps.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="apigen-hostile-"))
        (self.folder / "secret").write_text(SECRET)
        (self.folder / "settings.ini").write_text(f"[a]\nkey={SECRET}\n")
        (self.folder / "file").write_text("content")
        (self.folder / "tree").mkdir()
        (self.folder / "tree" / "leaf").write_text("leaf")
        (self.folder / "planted.py").write_text(f"VALUE = {SECRET!r}\n")
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(str(self.folder / "socket"))
        self.unix.listen()
        for one in (self.tcp, self.udp, self.unix):
            one.setblocking(False)
        self.victim = subprocess.Popen(["sleep", "300"])
        self._memory = ctypes.create_string_buffer(SECRET.encode())
        self._before = self._look()

    def at(self) -> str:
        """The targets, as the arguments of an attack."""
        folder = str(self.folder)
        return json.dumps(
            {
                "at": {
                    "folder": folder,
                    **{name: f"{folder}/{name}" for name in ("secret", "file", "new", "tree")},
                    "configuration": f"{folder}/settings.ini",
                    "library": _pydantic_core.__file__,
                    "parent": os.getpid(),
                    "address": ctypes.addressof(self._memory),
                    "length": len(SECRET),
                    "victim": self.victim.pid,
                    "tcp": self.tcp.getsockname()[1],
                    "udp": self.udp.getsockname()[1],
                    "unix": self.unix.getsockname(),
                    "memory": 2 * MEMORY_MB << 20,
                    "machine": linux.machine(),
                    "add_key": bpf.numbers(linux.machine())["add_key"],
                }
            }
        )

    def traces(self) -> list[str]:
        """What is not as it was."""
        now = self._look()
        return [f"{name}: {self._before[name]} became {now[name]}" for name in now if now[name] != self._before[name]]

    def close(self) -> None:
        """Removes everything."""
        self.victim.kill()
        self.victim.wait()
        for one in (self.tcp, self.udp, self.unix):
            one.close()
        shutil.rmtree(self.folder)

    def _look(self) -> dict[str, Any]:
        files = sorted(self.folder.rglob("*"))
        return {
            "files": [
                (path.name, path.lstat().st_mode, path.lstat().st_nlink, path.lstat().st_mtime_ns, _content(path))
                for path in files
            ],
            "listeners": [_called(one) for one in (self.tcp, self.udp, self.unix)],
            "victim": self._victim(),
            "memory": self._memory.raw,
        }

    def _victim(self) -> Any:
        if self.victim.poll() is not None:
            return "dead"
        status = Path(f"/proc/{self.victim.pid}/status").read_text()
        traced = [line for line in status.splitlines() if line.startswith("TracerPid")]
        limits = Path(f"/proc/{self.victim.pid}/limits").read_text()
        pid = self.victim.pid
        return traced, os.getpriority(os.PRIO_PROCESS, pid), sorted(os.sched_getaffinity(pid)), limits


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() and not path.is_symlink() else b""


def _called(listener: socket.socket) -> bool:
    try:
        if listener.type == socket.SOCK_DGRAM:
            listener.recv(100)
        else:
            listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def sources(folder: Path) -> None:
    """Writes every attack as a source of its own, with an innocent function beside it."""
    for name, function in FUNCTIONS.items():
        (folder / f"{name}.py").write_text(inspect.getsource(function) + INNOCENT)


def task(folder: Path, name: str, entry: str, arguments: str, trust: str) -> Task:
    """A call to a function of the source of an attack."""
    source = Source("python", str(folder / f"{name}.py"), entry, trust=trust)
    return Task(Api(entry, "", {}, source=source), arguments)


def without_us(folder: Path, name: str, stage: Stage) -> str:
    """Why an attack fails in a plain Python process too; "" where it succeeds there."""
    program = "import json, runpy, sys\nprint(runpy.run_path(sys.argv[1])[sys.argv[2]](**json.loads(sys.argv[3])))"
    command = [sys.executable, "-c", program, str(folder / f"{name}.py"), name, stage.at()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if stage.traces() or done.stdout.startswith("PWNED"):
        return ""
    return (done.stderr.splitlines() or [done.stdout or f"exit status {done.returncode}"])[-1]


def runner(**settings: Any) -> PythonRunner:
    """A runner with short limits; ``skip`` names layers to leave out, anything else is the spec's."""
    skip = frozenset(settings.pop("skip", ()))
    spec = {"timeout_s": TIMEOUT_S, "memory_mb": MEMORY_MB, "allow_weak": bool(skip)} | settings
    return PythonRunner(ExecutionSpec(**spec), skip)


def among_innocents(
    runner: PythonRunner, folder: Path, names: Sequence[str], arguments: str, trust: str
) -> tuple[dict[str, Outcome], list[str]]:
    """Executes attacks in one batch, each among three innocent calls to its own source.

    Returns:
        The attacks' outcomes, and in words what was wrong with innocent calls.
    """
    tasks: list[Task] = []
    for number, name in enumerate(names):
        innocent = [task(folder, name, "innocent", json.dumps({"number": 4 * number + i}), trust) for i in (0, 2, 3)]
        tasks += [innocent[0], task(folder, name, name, arguments, trust), *innocent[1:]]
    outcomes = runner.run(tasks)
    wrong = [
        f"{names[number // 4]}: call {number}: {outcome}"
        for number, outcome in enumerate(outcomes)
        if number % 4 != 1 and outcome.value != f"[{number},{number * number}]"
    ]
    return dict(zip(names, outcomes[1::4], strict=True)), wrong


def session(runner: PythonRunner) -> int:
    """Which session all processes of a runner belong to."""
    assert runner._state.zygote is not None
    return runner._state.zygote._process.pid


def members(session: int) -> list[str]:
    """The processes of a session that are left; those that have been killed may take a moment to go."""
    until = time.monotonic() + 5
    while (found := processes(session)) and time.monotonic() < until:
        time.sleep(0.01)
    return found


def processes(session: int) -> list[str]:
    """Processes of a session."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = status.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(words[3]) == session and words[0] != "Z":
            found.append(status.parent.name)
    return found
