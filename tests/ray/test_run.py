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

from apigen_ray.config import SAMPLE, VERDICTS, RunConfig, load_config
from apigen_ray.errors import RunExistsError
from apigen_ray.graph.close import close_round
from apigen_ray.graph.round import round_graph
from apigen_ray.graph.stopping import tallies
from apigen_ray.job.ingest import IngestOptions
from apigen_ray.job.loop import Result, Silent, run
from apigen_ray.job.prepare import prepare
from apigen_ray.job.verify import VerifySpec, verify_records
from apigen_ray.rundir import RunDir
from apigen_ray.storage import parquet_files, read_tables, write_once
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


def prompts_of(rows: dict[str, Row]) -> int:
    """How many prompts the rows come from: a planted duplicate is a second pair of its reply."""
    return len({row["prompt_id"] for row in rows.values()})


def outcome(row: Row) -> tuple[Any, ...]:
    return (row["verdict"], code_of(row), row["query"], row["answers"], row["results"], row["planted"])


def outcomes(rows: dict[str, Row]) -> dict[str, tuple[Any, ...]]:
    return {name: outcome(row) for name, row in rows.items()}


def not_as_planted(rows: dict[str, Row]) -> list[Any]:
    wrong = []
    for row in rows.values():
        want = json.loads(row["planted"])
        verdict = want.get("again", want["verdict"]) if row["pair"] else want["verdict"]
        if (row["verdict"], code_of(row)) != (verdict, want["code"]):
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
    assert prompts_of(rows) == 400
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
    assert "unfinished" not in (result.run.path / "report.md").read_text()
    table = form["filter_table"]
    assert set(table) == {"scripted", "other"}
    rows = samples_of(result.run).values()
    for generator, line in table.items():
        counts = Counter(row["verdict"] for row in rows if row["generator"] == generator)
        assert line["drafts"] == sum(counts.values()) == 200 + counts["duplicate"]
        told = {name: n for name, n in line.items() if name not in ("drafts", "pass_rate")}
        assert told == {name: counts[name] for name in told}
        assert sum(told.values()) == line["drafts"]
        assert line["pass_rate"] == pytest.approx(counts["verified"] / (line["drafts"] - counts["error"]))
    assert table["other"]["fail_execution"] == 0 < table["scripted"]["fail_execution"]
    assert sum(stage["rows"] for stage in form["stages"]["semantic"]) == len(rows)
    assert table["other"]["duplicate"] == 0 < table["scripted"]["duplicate"]


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
    assert prompts_of(rows) == 440
    assert {name: outcome(rows[name]) for name in before} == before
    assert not_as_planted(rows) == []


class Told(Silent):
    """A watcher that counts what was written."""

    def __init__(self) -> None:
        self.verdicts: Counter[str] = Counter()

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
    assert {row["index"] for row in rows.values()} == set(range(20))
    assert outcomes(rows) == {name: outcome(row) for name, row in samples_of(before).items() if row["index"] < 20}


@pytest.mark.long  # tests/chaos has a short form
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
        if driver.poll() is None:
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


# What a generator cannot bring about, because the tools of a run are those of its library: records from elsewhere


SOURCES = {
    "kept.py": 'def divide(number: float, by: float) -> float:\n    """Divides."""\n    return number / by\n',
    "changed.py": 'def halve(number: float) -> float:\n    """Takes the half."""\n    return number / 2\n',
    "gone.py": 'def double(number: float) -> float:\n    """Takes the double."""\n    return number * 2\n',
    "spoilt.py": 'def square(number: float) -> float:\n    """Takes the square."""\n    return number**2\n',
}
TRUSTED = 'import os\ndef fork(number: float) -> float:\n    """Forks."""\n    return number + os.fork()\n'


class Meddler(Silent):
    """Changes sources behind the back of a run that has read them."""

    def __init__(self, library: Path) -> None:
        self._library = library

    def began(self, run: RunDir, planned: int) -> None:
        (self._library / "changed.py").write_text(SOURCES["changed.py"].replace("halve", "third"))
        (self._library / "gone.py").unlink()
        (self._library / "spoilt.py").write_bytes(b"\xff")


def tool(name: str, **properties: Any) -> Row:
    """A tool whose arguments are all required."""
    closed = {"type": "object", "required": [*properties], "additionalProperties": False}
    return {"name": name, "description": name, "parameters": closed | {"properties": properties}}


NUMBER = {"type": "number"}
DIVIDE = tool("divide", number=NUMBER, by=NUMBER)
HALVE, DOUBLE, SQUARE, FORK = (tool(name, number=NUMBER) for name in ("halve", "double", "square", "fork"))


def line(tools: Any, name: str, **arguments: Any) -> str:
    call = {"name": name, "arguments": arguments}
    return json.dumps({"query": "How much is it?", "tools": tools, "answers": [call]})


FOREIGN = [
    # line, verdict, code of the stage that ended its way
    (line([DIVIDE], "divide", number=3, by=2), "verified", ""),
    (line([DIVIDE], "divide", number=3, by=0), "fail_execution", "exec_error"),
    ("3 divided by 2", "fail_format", "not_json"),
    (json.dumps(["How much is it?", []]), "fail_format", "not_a_record"),
    (json.dumps({"query": None, "tools": [], "answers": []}), "fail_format", "bad_query"),
    (json.dumps({"query": "?", "tools": [], "answers": 7}), "fail_format", "answers_not_list"),
    (line(None, "divide", number=3, by=2), "fail_format", "bad_tools"),
    (line("[{]", "divide", number=3, by=2), "fail_format", "bad_tools"),
    (line([{"description": "nameless"}], "divide", number=3, by=2), "fail_format", "bad_tools"),
    (line([tool("halve", number={"not": {"const": 1}})], "halve", number=1), "fail_format", "schema_violation"),
    (line([DIVIDE], "third", number=3), "fail_format", "unknown_function"),
    # its tool is not what the library has under that name
    (line([tool("divide", number=NUMBER)], "divide", number=3), "fail_execution", "argument_error"),
    (line([HALVE], "halve", number=3), "fail_execution", "unknown_function"),
    (line([DOUBLE], "double", number=3), "error", "runner_unavailable"),
    (line([SQUARE], "square", number=3), "fail_execution", "refused"),
]
FORKS = 2 * (os.cpu_count() or 1) + 6
"""Batches with a call that forks, each a file: more than there are worker processes, so that one has two of them."""


@pytest.fixture(scope="module")
def foreign(ray_session: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Row]:
    """Rows by the place of their line, judged against a library that is changed meanwhile."""
    folder = tmp_path_factory.mktemp("foreign")
    library = folder / "library"
    library.mkdir()
    for name, text in SOURCES.items():
        (library / name).write_text(text)
    records = folder / "records"
    records.mkdir()
    (records / "foreign.jsonl").write_text("".join(f"{text}\n" for text, _, _ in FOREIGN))
    for number in range(FORKS):
        (records / f"{number}.jsonl").write_text(line([FORK], "fork", number=number))
    trusted = folder / "trusted.py"
    trusted.write_text(TRUSTED)
    sources = [{"path": str(library)}, {"path": str(trusted), "trust": "trusted"}]
    spec = VerifySpec.model_validate({"library": [{"kind": "python", **source} for source in sources]})
    run = verify_records(records, folder / "out", IngestOptions(), spec, watcher=Meddler(library)).run
    return {row["source_id"]: row for row in samples_of(run).values()}


def test_records_from_elsewhere_end_as_they_must(foreign: dict[str, Row]) -> None:
    ends = {name: (row["verdict"], code_of(row)) for name, row in foreign.items()}
    forks = {ends.pop(f"{number}.jsonl:offset:0") for number in range(FORKS)}
    assert forks == {("fail_execution", "forbidden"), ("fail_execution", "quarantined")}
    place, wanted = 0, {}
    for text, verdict, code in FOREIGN:
        wanted[f"foreign.jsonl:offset:{place}"] = (verdict, code)
        place += len(text) + 1
    assert ends == wanted


@pytest.mark.long
def test_every_code_there_is_comes_out_in_five_thousand_prompts(tmp_path: Path, foreign: dict[str, Row]) -> None:
    result = run(config(tmp_path, size=2500))
    rows = samples_of(result.run)
    assert prompts_of(rows) == 5000
    assert not_as_planted(rows) == []
    ends = {(stage_of(row), code_of(row)) for row in (*rows.values(), *foreign.values())}
    assert ends == {("", "")} | {(kind.name, code) for kind in VERIFIERS for code in kind.codes}
    assert {row["verdict"] for row in rows.values()} == set(VERDICTS)
    planted = Counter((row["style"], row["verdict"] == "verified") for row in rows.values())
    assert len(planted) == 10  # every style, good and bad
    for file in result.run.sample_files():
        assert set(pq.ParquetFile(file).read(["verdict"])["verdict"].unique().to_pylist()) == {
            file.parent.name.removeprefix("verdict=")
        }
