"""Runs from start to end with the scripted engine: what was planted comes out, and nothing is lost or done twice."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from apigen_ray.config import SAMPLE, RunConfig, load_config
from apigen_ray.errors import RunExistsError
from apigen_ray.graph.round import round_graph, tallies
from apigen_ray.job.close import close_round
from apigen_ray.job.loop import Result, run
from apigen_ray.job.prepare import prepare
from apigen_ray.rundir import RunDir, parquet_files, read_tables, write_once
from apigen_ray.verifiers import VERIFIERS

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_session")]

ROOT = Path(__file__).parents[2]
SECOND = {"name": "other", "engine": "scripted", "seed": 1, "faults": {"wrong_type": 0.2, "judge_down": 0.1}}
PATIENT = "execution.timeout_s=2"  # a busy machine must not make a good call look slow

Row = dict[str, Any]


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # paths in a run file are relative to the current folder


def config(folder: Path, **settings: Any) -> RunConfig:
    told = [f"{key.replace('__', '.')}={json.dumps(value)}" for key, value in settings.items()]
    return load_config(ROOT / "jobs" / "smoke.yaml", [PATIENT, f"output.dir={folder}", *told])


def samples_of(run: RunDir, round_: int | None = None) -> dict[str, Row]:
    """Rows by sample_id; none may be there twice."""
    tables = list(read_tables(run.sample_files(round_)))
    assert all(table.schema.equals(SAMPLE) for table in tables)
    rows = [row for table in tables for row in table.to_pylist()]
    by_id = {row["sample_id"]: row for row in rows}
    assert len(by_id) == len(rows)
    return by_id


def drafts_of(run: RunDir, round_: int) -> dict[str, Row]:
    """Drafts by prompt_id; none may be there twice."""
    rows = [row for table in read_tables(parquet_files(run.drafts(round_))) for row in table.to_pylist()]
    by_id = {row["prompt_id"]: row for row in rows}
    assert len(by_id) == len(rows)
    return by_id


def code_of(row: Row) -> str:
    """The code of the stage that ended a row's way; "" where none did."""
    stage = stage_of(row)
    return str(row[f"{stage}_code"]) if stage else ""


def stage_of(row: Row) -> str:
    """The stage that ended a row's way; "" where none did."""
    ended = (kind.name for kind in VERIFIERS if row[f"{kind.name}_status"] in ("rejected", "error"))
    return next(ended, "")


def outcome(row: Row) -> tuple[Any, ...]:
    return (row["verdict"], code_of(row), row["query"], row["answers"], row["results"], row["planted"])


def outcomes(rows: dict[str, Row]) -> dict[str, tuple[Any, ...]]:
    return {name: outcome(row) for name, row in rows.items()}


def not_as_planted(rows: dict[str, Row]) -> list[Any]:
    wrong = []
    for row in rows.values():
        want = json.loads(row["planted"])
        if (row["verdict"], code_of(row)) != (want["verdict"], want["code"]):
            stage = want["stage"] or "format"
            wrong.append((want, row["verdict"], code_of(row), row[f"{stage}_detail"], row["query"], row["answers"]))
    return wrong


@pytest.fixture(scope="module")
def finished(ray_session: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Result]]:
    """Two rounds of two generators: 400 prompts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        folder = tmp_path_factory.mktemp("finished")
        first = config(folder).generators[0].model_dump(mode="json")
        yield folder, run(config(folder, size=100, generators=[first, SECOND]))


def again(folder: Path, **settings: Any) -> RunConfig:
    """The config of `finished`, with changes."""
    first = config(folder).generators[0].model_dump(mode="json")
    return config(folder, **{"size": 100, "generators": [first, SECOND], **settings})


def test_every_planted_row_ends_as_it_must(finished: tuple[Path, Result]) -> None:
    _, result = finished
    rows = samples_of(result.run)
    assert len(rows) == 400
    assert not_as_planted(rows) == []
    assert {row["style"] for row in rows.values()} == {
        "simple",
        "multiple",
        "parallel",
        "parallel_multiple",
        "irrelevance",
    }
    assert len({code_of(row) for row in rows.values()}) > 20


def test_the_filter_table_sums_to_the_drafts_of_each_generator(finished: tuple[Path, Result]) -> None:
    _, result = finished
    form = result.run.result()
    assert form["outcome"] == "done"
    table = form["filter_table"]
    assert set(table) == {"scripted", "other"}
    rows = samples_of(result.run).values()
    for generator, line in table.items():
        counts = Counter(row["verdict"] for row in rows if row["generator"] == generator)
        assert line["drafts"] == sum(counts.values()) == 200
        told = {name: n for name, n in line.items() if name not in ("drafts", "pass_rate")}
        assert told == {name: counts[name] for name in told}
        assert sum(told.values()) == 200
        assert line["pass_rate"] == pytest.approx(counts["verified"] / (200 - counts["error"]))
    assert table["other"]["fail_execution"] == 0 < table["scripted"]["fail_execution"]
    assert sum(stage["rows"] for stage in form["stages"]["semantic"]) == 400


def test_a_round_draws_examples_from_the_one_before(finished: tuple[Path, Result]) -> None:
    _, result = finished
    seeds = [json.loads(line) for line in result.run.seeds(0).read_text("utf-8").splitlines()]
    verified = {row["query"] for row in samples_of(result.run, 0).values() if row["verdict"] == "verified"}
    assert {seed["query"] for seed in seeds} <= verified
    assert len(seeds) > 5
    shown = [
        {example["query"] for row in samples_of(result.run, round_).values() for example in json.loads(row["examples"])}
        for round_ in (0, 1)
    ]
    assert shown[0].isdisjoint(verified)
    assert shown[1] & {seed["query"] for seed in seeds}


def test_the_manifest_says_what_ran(finished: tuple[Path, Result]) -> None:
    _, result = finished
    manifest = result.run.manifest()
    assert manifest["kind"] == "run"
    assert manifest["versions"]["ray"]
    assert set(manifest["engines"]) == {"scripted", "other", "judge"}
    assert manifest["stages"] == ["format", "execution", "grounding", "semantic"]
    assert sorted(manifest["closed"]) == ["0", "1"]
    listed = [result.run.path / name for files in manifest["closed"].values() for name in files]
    assert sorted(listed) == sorted((result.run.path / "samples").rglob("*.parquet"))  # nothing else is left over


def test_a_run_that_is_there_is_not_touched_unasked(finished: tuple[Path, Result]) -> None:
    folder, result = finished
    before = result.run.manifest_path.read_bytes()
    with pytest.raises(RunExistsError, match=r"a finished run is there\n.*--resume.*--clean"):
        run(again(folder))
    with pytest.raises(RunExistsError, match="exclude each other"):
        run(again(folder), resume=True, clean=True)
    with pytest.raises(RunExistsError, match=r"  seed: 7 -> 8"):
        run(again(folder, seed=8), resume=True)
    with pytest.raises(RunExistsError, match=r"  sampling\.mode: \"query_first\" -> \"call_first\""):
        run(again(folder, sampling__mode="call_first"), resume=True)
    assert result.run.manifest_path.read_bytes() == before
    assert result.run.result()["outcome"] == "done"


def test_a_finished_run_resumed_ends_the_same_and_may_be_extended(finished: tuple[Path, Result]) -> None:
    folder, result = finished
    before, drafts = outcomes(samples_of(result.run)), [drafts_of(result.run, number) for number in (0, 1)]
    written = [file.stat().st_mtime_ns for file in parquet_files(result.run.drafts(0))]
    told = Told()
    same = run(again(folder), resume=True, watcher=told)
    assert outcomes(samples_of(same.run)) == before
    assert [drafts_of(same.run, number) for number in (0, 1)] == drafts
    assert [file.stat().st_mtime_ns for file in parquet_files(result.run.drafts(0))] == written
    assert set(told.verdicts) <= {"error"}  # they are tried again; nothing else is judged anew

    more = run(again(folder, size=110), resume=True)
    rows = samples_of(more.run)
    assert len(rows) == 440
    assert {name: outcome(rows[name]) for name in before} == before
    assert not_as_planted(rows) == []


class Told:
    """A watcher that counts what was written."""

    def __init__(self) -> None:
        self.verdicts: Counter[str] = Counter()

    def began(self, run: RunDir, planned: int) -> None:
        pass

    def round_began(self, round_: int) -> None:
        pass

    def wrote(self, tally: dict[str, Any]) -> None:
        self.verdicts[tally["verdict"]] += tally["rows"]


def test_the_plan_is_the_same_on_any_number_of_blocks(tmp_path: Path) -> None:
    prepared = prepare(config(tmp_path, size=60))
    judging, drafting = prepared.judging(), prepared.drafting(prepared.planner())
    came = []
    for blocks in (1, 4):
        where = RunDir(tmp_path / str(blocks))
        list(tallies(round_graph(where, 0, drafting, judging, blocks=blocks)))
        assert len(parquet_files(where.drafts(0))) == blocks
        close_round(where, 0)
        came.append((drafts_of(where, 0), samples_of(where)))
    assert came[0] == came[1]


def test_a_smaller_run_drafts_what_is_missing_beside_a_larger_ones_drafts(tmp_path: Path) -> None:
    large = prepare(config(tmp_path, size=60))
    before, after = RunDir(tmp_path / "before"), RunDir(tmp_path / "after")
    list(tallies(round_graph(before, 0, large.drafting(large.planner()), large.judging())))
    for number, table in enumerate(read_tables(parquet_files(before.drafts(0)))):
        beyond = table.filter(pc.greater_equal(table["index"], 20))  # a killed run may have drafted these first
        write_once(beyond, after.drafts(0), f"part-{number}")
    small = prepare(config(tmp_path, size=20))
    list(tallies(round_graph(after, 0, small.drafting(small.planner()), small.judging())))
    rows = samples_of(after)
    assert sorted(row["index"] for row in rows.values()) == list(range(20))
    assert outcomes(rows) == {name: outcome(row) for name, row in samples_of(before).items() if row["index"] < 20}


def test_killed_at_any_time_and_resumed_it_ends_like_one_that_was_not(tmp_path: Path, processes: Any) -> None:
    size = 400
    whole = run(config(tmp_path / "whole", size=size, rounds=1))
    killed = config(tmp_path / "killed", size=size, rounds=1)
    directory = RunDir(killed.output.dir / killed.name)
    command = [
        sys.executable, "jobs/run.py", "jobs/smoke.yaml",
        *("--set", PATIENT, "--set", f"output.dir={tmp_path / 'killed'}"),
        *("--set", f"size={size}", "--set", "rounds=1"),
    ]  # fmt: skip
    ours: set[tuple[int, str]] = set()
    environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
    log = (tmp_path / "log").open("wb")
    driver = subprocess.Popen(command, start_new_session=True, env=environment, stdout=log, stderr=log)
    try:
        while not parquet_files(directory.drafts(0)):
            assert driver.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.01)
        ours = processes.below(driver.pid)
    finally:
        os.killpg(driver.pid, signal.SIGKILL)
        driver.wait()
        log.close()
    assert len(ours) > 3  # its Ray session
    assert processes.that_stay(ours) == set()
    assert not directory.result_path.exists()
    kept = drafts_of(directory, 0)
    assert kept
    assert len(samples_of(directory)) < size

    result = run(killed, resume=True)
    assert outcomes(samples_of(result.run)) == outcomes(samples_of(whole.run))
    assert drafts_of(directory, 0) == drafts_of(whole.run, 0)
    assert result.summary == whole.summary


NOT_PLANTED = {
    ("format", "bad_tools"): "the tools of a run are those of its library, which refuses such",
    ("format", "schema_violation"): "no function has a schema with a rule that has no code of its own",
    ("execution", "argument_error"): "the format stage refuses arguments that do not bind",
    ("execution", "unknown_function"): "the format stage refuses it, and a source does not change in a run",
    ("execution", "runner_unavailable"): "the machine would have to be at fault",
    ("grounding", "not_a_record"): "the format stage refuses it",
    ("semantic", "copied"): "the recipe does not ask for the check `originality`: the fake's own queries are all alike",
    ("semantic", "unclear"): "nor for `wording`: they name no function",
}
"""Codes that the smoke recipe cannot give, and why; each has a unit test."""


@pytest.mark.long
def test_every_code_there_is_comes_out_in_five_thousand_prompts(tmp_path: Path) -> None:
    result = run(config(tmp_path, size=2500))
    rows = samples_of(result.run)
    assert len(rows) == 5000
    assert not_as_planted(rows) == []
    codes = {(kind.name, code) for kind in VERIFIERS for code in kind.codes}
    assert set(NOT_PLANTED) < codes
    assert {(stage_of(row), code_of(row)) for row in rows.values()} == codes - set(NOT_PLANTED) | {("", "")}
    planted = Counter((row["style"], row["verdict"] == "verified") for row in rows.values())
    assert len(planted) == 10  # every style, good and bad
    for file in result.run.sample_files():
        assert set(pq.ParquetFile(file).read(["verdict"])["verdict"].unique().to_pylist()) == {
            file.parent.name.removeprefix("verdict=")
        }
