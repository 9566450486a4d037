"""The short form of `make chaos`, and whether the harness would notice a promise that is not kept."""

import importlib
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from apigen_ray.rundir import RunDir
from apigen_ray.storage import parquet_files, write_once

HERE = Path(__file__).parent


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Imports a module of the harness, which is no package."""
    monkeypatch.syspath_prepend(HERE)
    return importlib.import_module


def test_a_run_killed_and_resumed_ends_like_one_that_was_not() -> None:
    # of this seed it loses its judge or its driver, once
    short = ["--runs", "1", "--prompts", "200", "--rounds", "1", "--disk", "0", "--seed", "1863"]
    done = subprocess.run(
        [sys.executable, HERE / "chaos.py", *short], cwd=HERE.parents[1], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 runs, 1 kills, " in done.stdout


# What the harness must notice


SAMPLES = {"a": ("verified", "x"), "b": ("fail_format", "y")}
DRAFTS = {"p": "text"}


@pytest.fixture
def facts(harness: Callable[[str], Any]) -> Any:
    paid, asked = {"generator": {"p": 1}, "judge": {}}, {"generator": {"p": 1, "e": 1}, "judge": {}}
    return harness("facts").Facts(samples=SAMPLES, drafts=DRAFTS, twice=[], paid=paid, asked=asked, torn=[])


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        ({}, None),
        ({"samples": {"a": SAMPLES["a"]}}, "1 samples are missing, as b"),
        ({"samples": SAMPLES | {"c": ("verified", "z")}}, "1 samples are too many, as c"),
        ({"samples": SAMPLES | {"b": ("verified", "y")}}, "1 samples differ, as b"),
        ({"drafts": {}}, "1 drafts are missing, as p"),
        ({"drafts": {"p": "other"}}, "1 drafts differ, as p"),
        ({"twice": ["a"]}, "1 ids are there twice, as a"),
        ({"torn": [".x.parquet"]}, "1 torn files, as .x.parquet"),
        ({"asked": {"generator": {"p": 2}, "judge": {}}}, "1 replies of the generator were asked for again, 0 in"),
        ({"asked": {"generator": {"p": 1, "e": 9}, "judge": {}}}, None),  # an error is to be asked for again
        ({"asked": {"generator": {}, "judge": {}}}, "1 replies that the generator was never asked for, as p"),
        ({"asked": {"generator": {"p": 1, "q": 1}, "judge": {}}}, "1 prompts for the generator that the reference"),
    ],
)
def test_what_is_not_as_the_reference_is_noticed(
    harness: Callable[[str], Any], facts: Any, change: dict[str, Any], noticed: str | None
) -> None:
    outcome = harness("attempts").Outcome("run")
    harness("facts").compare(replace(facts, **change), facts, outcome)
    assert [text[: len(noticed or "")] for text in outcome.wrong] == ([noticed] if noticed else [])


def test_kills_cost_the_replies_in_flight_of_whom_they_hit(harness: Callable[[str], Any], facts: Any) -> None:
    attempts = harness("attempts")
    again = replace(facts, asked={"generator": {"p": 1 + attempts.IN_FLIGHT}, "judge": {}})
    for victim, allowed in (("driver", True), ("engine", True), ("judge", False), ("worker", False)):
        outcome = attempts.Outcome("run", kills=[attempts.Kill(victim, signal.SIGKILL)])
        harness("facts").compare(again, facts, outcome)
        assert (not outcome.wrong) == allowed, victim


def test_the_same_seed_plans_the_same_kills(harness: Callable[[str], Any]) -> None:
    attempts, victims = harness("attempts"), harness("victims")
    plans = [attempts.planned(random.Random(f"0 {number}")) for number in range(1, 31)]
    assert plans == [attempts.planned(random.Random(f"0 {number}")) for number in range(1, 31)]
    kills = [kill for plan in plans for kill in plan]
    assert {len(plan) for plan in plans} == {1, 2, 3}
    assert {(kill.victim, kill.by) for kill in kills} == {
        (victim, number) for victim in victims.KINDS for number in (signal.SIGKILL, signal.SIGTERM)
    }


def samples(*ids: str, verdict: str = "verified") -> pa.Table:
    return pa.table({"sample_id": [*ids], "verdict": [verdict] * len(ids)})


def test_a_reader_notices_what_is_lost_twice_or_unreadable(harness: Callable[[str], Any], tmp_path: Path) -> None:
    look, run = harness("reader").look, RunDir(tmp_path)
    before: dict[int, dict[str, str]] = {}
    folder = run.samples(0) / "verdict=verified"
    run.update_manifest(kind="run")
    assert look(run, before) == []
    write_once(samples("a" * 24, "b" * 24), folder, "part-1")
    write_once(samples("c" * 24, verdict="error"), run.samples(0) / "verdict=error", "part-1")
    assert look(run, before) == []
    files = parquet_files(run.samples(0))
    run.close_round(0, files)
    assert look(run, before) == []
    run.update_manifest(closed={"0": [str(file.relative_to(tmp_path)) for file in [*files, *files]]})
    assert look(run, before) == [f"round 0 is closed and has 3 samples twice, as {'c' * 24}"]
    run.update_manifest(closed={"0": []})
    assert look(run, before) == [f"round 0 has lost 2 samples, as {'a' * 24}"]
    run.update_manifest(closed={"0": ["samples/gone.parquet"]})
    with pytest.raises(Exception, match="is lost"):
        look(run, before)


def test_an_orphan_is_found_and_a_victim_is_who_is_meant(tmp_path: Path) -> None:
    # in a process of its own: adopting orphans is not to be undone
    script = """
import json, os, signal, subprocess, sys, time
sys.path.insert(0, sys.argv[1])
import victims
victims.adopt_orphans()
child = subprocess.Popen(["bash", "-c", "sleep 300 & sleep 300"])
while len(victims.below(child.pid)) < 2:
    time.sleep(0.01)
first = victims.of_kind("driver", child.pid, {})
assert [each.pid for each in first] == [child.pid], first
assert victims.of_kind("raylet", child.pid, {}) == []
assert first[0].signal(signal.SIGKILL)
child.wait()
assert not first[0].signal(signal.SIGKILL)
left = victims.that_stay(set(), 0.5)
assert [each.command for each in left] == ["sleep 300 ", "sleep 300 "], left
assert victims.that_stay(set(), 20) == []
"""
    done = subprocess.run([sys.executable, "-c", script, HERE], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
