"""One run of real processes: servers that count, a reader that polls, and attempts that are killed as planned."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from disk import enlarge, small_disk
from loopback import MODEL
from victims import KINDS, of_kind, that_stay

from apigen_ray.rundir import RunDir

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ROLES = ("generator", "judge")
CONCURRENCY = 16
IN_FLIGHT = 2 * max(64, 4 * CONCURRENCY)
"""Replies of one ``openai`` engine that a kill may lose: concurrent batches x batch (docs/reliability.md)."""
COSTS = {
    "driver": ROLES,
    "raylet": ROLES,
    "disk": ROLES,
    "engine": ("generator",),
    "judge": ("judge",),
    "worker": (),
    "sandbox": (),
}
"""Whose replies in flight each victim takes with it."""
PATIENCE_S = 90.0
"""Until everything that belonged to the attempts has ended: Ray's agents look for their dead for a minute."""


@dataclass(frozen=True)
class Kill:
    """One kill that is to come.

    Attributes:
        victim: one of `victims.KINDS`, or ``disk`` for a full disk, which comes by itself.
        by: what it is sent; None for the disk.
        share: it comes once this share of all replies has been asked for, counted over all attempts ...
        delay_s: ... and so much later.
    """

    victim: str
    by: signal.Signals | None = None
    share: float = 0.0
    delay_s: float = 0.0

    @property
    def name(self) -> str:
        """How it comes."""
        return self.by.name if self.by else "full"

    def __str__(self) -> str:
        return f"{self.victim} {self.name} at {self.share:.0%} + {self.delay_s:.1f} s" if self.by else "disk full"


def planned(rng: random.Random) -> list[Kill]:
    """One to three kills; a third of them while a round ends, where the files of a run change places."""
    kills = []
    for _ in range(rng.randint(1, 3)):
        share = rng.choice([0.5, 1.0]) if rng.random() < 1 / 3 else rng.random()
        number = rng.choice([signal.SIGKILL, signal.SIGTERM])
        kills.append(Kill(rng.choice(KINDS), number, share, rng.uniform(0, 3)))
    return sorted(kills, key=lambda kill: kill.share)


@dataclass
class Outcome:
    """What became of one run.

    Attributes:
        name: of the run.
        kills: those that hit.
        exits: exit status of each attempt; None where it hung.
        again: replies that were asked for again, by role.
        looks: how often the reader opened the run.
        seconds: for all attempts.
        wrong: promises that were not kept, in words.
    """

    name: str
    kills: list[Kill] = field(default_factory=list)
    exits: list[int | None] = field(default_factory=list)
    again: dict[str, int] = field(default_factory=dict)
    looks: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def bound(self, role: str) -> int:
        """How many replies of a role the kills may have cost."""
        return IN_FLIGHT * sum(role in COSTS[kill.victim] for kill in self.kills)

    def line(self) -> str:
        """The run in one line."""
        return " | ".join(
            [
                f"{self.name}: {'; '.join(self.wrong) or 'as the reference'}",
                f"killed: {', '.join(map(str, self.kills)) or 'nothing'}",
                f"exits: {' '.join(map(str, self.exits))}",
                "asked again: "
                + ", ".join(f"{self.again.get(role, 0)} of {self.bound(role)} ({role})" for role in ROLES),
                f"{self.looks} looks",
                f"{self.seconds:.0f} s",
            ]
        )


class Run:
    """One run in a folder of its own.

    Args:
        folder: everything lies in it; is made.
        size: prompts of each round.
        rounds: how many.
        limit_s: for one attempt; one that takes longer has hung.
        room: bytes that its disk has until the first attempt has found it full; None for the disk that there is.
    """

    def __init__(self, folder: Path, size: int, rounds: int, limit_s: float, room: int | None = None) -> None:
        self.folder = folder
        self._room = room
        self.directory = RunDir(folder / "runs" / "chaos")
        self._size, self._rounds, self._limit_s = size, rounds, limit_s
        self._ports: dict[str, int] = {}
        self._known: set[int] = set()

    @contextmanager
    def served(self, outcome: Outcome) -> Iterator[None]:
        """With its servers and its reader, who has the last word."""
        stop, said = self.folder / "stop", self.folder / "reader.json"
        runs = self.directory.path.parent
        runs.mkdir(parents=True)
        with ExitStack() as stack:
            if self._room:
                stack.enter_context(small_disk(runs, self._room))
            for role in ROLES:
                file = self.folder / f"{role}.port"
                server = subprocess.Popen([sys.executable, HERE / "loopback.py", role, file])
                stack.callback(server.wait)
                stack.callback(server.terminate)
                self._ports[role] = _number(file, server)
                self._known.add(server.pid)
            (self.folder / "chaos.yaml").write_text(yaml.safe_dump(self._config()))
            with said.open("wb") as out:
                reader = subprocess.Popen([sys.executable, HERE / "reader.py", self.directory.path, stop], stdout=out)
            self._known.add(reader.pid)
            try:
                yield
            finally:
                stop.touch()
                reader.wait()
        found = json.loads(said.read_text())
        outcome.looks = found["looks"]
        outcome.wrong += [f"the reader: {text}" for text in found["wrong"]]

    def counts(self, role: str) -> dict[str, int]:
        """How often each prompt was asked, by `loopback.name_of`."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._ports[role]}/counts", timeout=60) as answer:
            counts: dict[str, int] = json.load(answer)
        return counts

    def asked(self) -> int:
        """Prompts that were asked at all."""
        return sum(len(self.counts(role)) for role in ROLES)

    def attempt(self, kills: list[Kill], total: int, outcome: Outcome) -> None:
        """Starts the run or goes on with it, and kills as planned meanwhile.

        It does not wait for what a killed attempt has left: a late writer is to spoil nothing.

        Args:
            kills: those to come; one that has hit is moved to the outcome. While the disk is small none does.
            total: prompts that the whole run asks, of the judge too.
            outcome: is told what happens.
        """
        command = [sys.executable, "-m", "apigen_ray.cli", "run", "chaos.yaml", "--resume"]
        environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
        with (self.folder / "log").open("ab") as log:
            driver = subprocess.Popen(
                command, cwd=self.folder, env=environment | {"PYTHONPATH": str(ROOT)}, stdout=log, stderr=log
            )
        deadline = time.monotonic() + self._limit_s
        due: float | None = None
        while driver.poll() is None and time.monotonic() < deadline:
            if kills and not self._room and due is None and self.asked() >= kills[0].share * total:
                due = time.monotonic() + kills[0].delay_s
            if kills and due is not None and time.monotonic() >= due and self._hit(kills[0], driver.pid):
                outcome.kills.append(kills.pop(0))
                due = None
            time.sleep(0.05)
        hung = driver.poll() is None
        if hung:
            driver.kill()
            outcome.wrong.append(f"an attempt did not end in {self._limit_s:g} s")
        outcome.exits.append(None if hung else driver.wait())
        if self._room and outcome.exits[-1] != 0:
            outcome.kills.append(Kill("disk"))
            told = (self.folder / "log").read_text("utf-8", "replace")
            if "no space" not in told.lower():
                outcome.wrong.append(f"the run does not say that the disk is full: {told[-300:]}")
            enlarge(self.directory.path.parent)
            self._room = None

    def leave(self, outcome: Outcome) -> None:
        """Waits until nothing of the attempts is left; what is left in spite of that is wrong."""
        if left := that_stay(self._known, PATIENCE_S):
            outcome.wrong.append(f"left over: {', '.join(sorted({each.command.strip()[:60] for each in left}))}")

    def _hit(self, kill: Kill, driver: int) -> bool:
        """Kills one of those that are meant, chosen by when the kill comes; whether there was one."""
        there = of_kind(kill.victim, driver, {"engine": self._ports["generator"], "judge": self._ports["judge"]})
        chosen = int(kill.delay_s * 1000)
        return bool(there) and kill.by is not None and there[chosen % len(there)].signal(kill.by)

    def _config(self) -> dict[str, Any]:
        def engine(role: str) -> dict[str, Any]:
            url = f"http://127.0.0.1:{self._ports[role]}/v1"
            return {"engine": "openai", "model": MODEL, "base_url": url, "concurrency": CONCURRENCY}

        styles = {"simple": 4, "multiple": 3, "parallel": 3, "parallel_multiple": 3, "irrelevance": 1}
        return {
            "seed": 7,
            "size": self._size,
            "rounds": self._rounds,
            "library": [{"kind": "python", "path": str(ROOT / "jobs" / "smoke_functions.py"), "trust": "trusted"}],
            "sampling": {"mode": "query_first", "pairs": 1, "styles": styles},
            "generators": [{"name": "generator", **engine("generator")}],
            "judge": engine("judge"),
            "semantic": {"checks": ["originality", "wording", "judge"]},
            "execution": {"timeout_s": 10},  # a busy machine must not make a good call look slow
            "output": {"dir": "runs"},
        }


def _number(file: Path, server: "subprocess.Popen[bytes]") -> int:
    """The port that a server has written down."""
    deadline = time.monotonic() + 60
    while not file.exists():
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{file.stem}: the server does not start")
        time.sleep(0.05)
    return int(file.read_text())
