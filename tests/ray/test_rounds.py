"""Rounds: verified samples become examples of later ones, the same however often a run was killed or extended."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from apigen_ray.config import RunConfig, load_config
from apigen_ray.job.loop import run
from apigen_ray.rundir import RunDir
from apigen_ray.storage import parquet_files, read_tables

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_session")]

ROOT = Path(__file__).parents[2]
SIZE = 60
FEEDBACK = {"per_api": 2, "share": 0.7, "styles": {"simple": 0}, "categories": {}}

Row = dict[str, Any]


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # paths in a run file are relative to the current folder


def settings(folder: Path, rounds: int) -> list[str]:
    return [
        *("execution.timeout_s=2", f"output.dir={folder}", f"size={SIZE}", f"rounds={rounds}"),
        f"sampling.feedback={json.dumps(FEEDBACK)}",
    ]


def config(folder: Path, rounds: int) -> RunConfig:
    return load_config(ROOT / "jobs" / "smoke.yaml", settings(folder, rounds))


def state(directory: RunDir) -> list[Any]:
    """All that a round leaves: drafts with the examples that they were shown, verdicts, the pool of the next round."""
    drafts = [
        row for n in range(3) for table in read_tables(parquet_files(directory.drafts(n))) for row in table.to_pylist()
    ]
    samples = [row for table in directory.read(["sample_id", "verdict", "query"]) for row in table.to_pylist()]
    assert len({row["prompt_id"] for row in drafts}) == len(drafts)
    return [
        sorted(drafts, key=lambda row: str(row["prompt_id"])),
        sorted(samples, key=lambda row: str(row["sample_id"])),
        [directory.seeds(number).read_text() for number in range(3)],
    ]


@pytest.fixture(scope="module")
def expected(ray_session: None, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The state of a run that nothing stopped."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return state(run(config(tmp_path_factory.mktemp("whole"), 3)).run)


@pytest.mark.long
def test_three_rounds_end_the_same_after_a_kill(expected: list[Any], tmp_path: Path, processes: Any) -> None:
    killed = config(tmp_path / "killed", 3)
    directory = RunDir(killed.output.dir / killed.name)
    told = [part for setting in settings(tmp_path / "killed", 3) for part in ("--set", setting)]
    environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
    with (tmp_path / "log").open("wb") as log:
        driver = subprocess.Popen(
            [sys.executable, "jobs/run.py", "jobs/smoke.yaml", *told],
            start_new_session=True,
            env=environment,
            stdout=log,
            stderr=log,
        )
        ours: set[tuple[int, str]] = set()
        try:
            while not parquet_files(directory.drafts(1)):
                assert driver.poll() is None, (tmp_path / "log").read_text()
                time.sleep(0.01)
            ours = processes.below(driver.pid)
        finally:
            if driver.poll() is None:
                os.killpg(driver.pid, signal.SIGKILL)
            driver.wait()
    assert processes.that_stay(ours) == set()
    assert 2 not in directory.closed_rounds()
    assert state(run(killed, resume=True).run) == expected


def test_three_rounds_end_the_same_after_an_extension(expected: list[Any], tmp_path: Path) -> None:
    run(config(tmp_path / "extended", 1))
    assert state(run(config(tmp_path / "extended", 3), resume=True).run) == expected


def test_verified_samples_are_examples_of_later_rounds(expected: list[Any]) -> None:
    by_round = [Counter[str](), Counter[str](), Counter[str]()]  # where examples come from
    for row in expected[0]:
        pool = {json.loads(line)["query"] for text in expected[2][: row["round"]] for line in text.splitlines()}
        shown = [example["query"] in pool for example in json.loads(row["examples"])]
        by_round[row["round"]].update("earlier" if each else "seed" for each in shown)
        assert not (row["style"] == "simple" and any(shown))
    assert by_round[0]["earlier"] == 0 < by_round[1]["earlier"]
    assert min(by_round[2]["seed"], by_round[2]["earlier"]) > 20
    verified = {row["sample_id"] for row in expected[1] if row["verdict"] == "verified"}
    for text in expected[2]:
        seeds = [json.loads(line) for line in text.splitlines()]
        assert {seed["sample_id"] for seed in seeds} <= verified
        places = Counter((seed["style"], (seed["answers"] or seed["tools"])[0]["name"]) for seed in seeds)
        assert max(places.values()) <= 2
    assert expected[2][0] != expected[2][1] != expected[2][2]
