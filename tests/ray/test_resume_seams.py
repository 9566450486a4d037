"""What was paid for is not asked for again: prompts, and what the judge was asked about the samples."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apigen_ray.config import load_config
from apigen_ray.engines.base import Keep, Where
from apigen_ray.graph.close import close_round
from apigen_ray.graph.round import round_graph
from apigen_ray.graph.stopping import tallies
from apigen_ray.job.prepare import Prepared, prepare
from apigen_ray.rundir import RunDir
from apigen_ray.storage import parquet_files, read_tables

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_session")]

ROOT = Path(__file__).parents[2]
ASKS = ("likelihood", "roundtrip", "judge")


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    """A hundred prompts, most of which reach the judge; it cannot be reached about a tenth of the samples."""
    faults = {"judge_down": 0.1, "duplicate": 0.1, "exec_error": 0.1, "cut_off": 0.1}
    told = [
        f"generators.0.faults={json.dumps(faults)}",
        *("execution.timeout_s=2", "sampling.mode=query_first", "sampling.pairs=[1, 3]", "size=100"),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return prepare(load_config(ROOT / "jobs" / "smoke.yaml", told))


def counting(engine: Any, log: Path) -> Any:
    """An engine that writes down whom it asks; what is asked twice is told by its lines."""

    class Counting:
        def attach(self, dataset: Any, ask: Any, where: Where, schema: Any, keep: Keep) -> Any:
            def answer(table: Any) -> Any:
                asked = [row["sample_id"] or row["prompt_id"] for row in table.to_pylist() if where(row)]
                with log.open("a") as file:  # one write of whole lines: the workers' do not mix
                    file.write("".join(f"{ask.name} {name}\n" for name in asked))
                return keep(engine.answer(table, ask, where, schema))

            return dataset.map_batches(answer, batch_size=None, batch_format="pyarrow", zero_copy_batch=True)

    return Counting()


def asked(log: Path) -> Counter[tuple[str, str]]:
    lines = log.read_text().split("\n") if log.exists() else []
    return Counter((ask, name) for ask, name in (line.split() for line in lines if line))


def judged(run: RunDir) -> set[tuple[str, str]]:
    """Asks with the samples that have a reply on the disk."""
    return {
        (ask, name)
        for ask in ASKS
        for table in read_tables(parquet_files(run.judged(0) / f"ask={ask}"), ["sample_id"])
        for name in table[0].to_pylist()
    }


def attempt(run: RunDir, prepared: Prepared, log: Path, blocks: int) -> None:
    drafting, judging = prepared.drafting(prepared.planner()), prepared.judging()
    judging = replace(judging, judge=counting(judging.judge, log))
    list(tallies(round_graph(run, 0, drafting, judging, blocks=blocks)))


def ends(run: RunDir) -> dict[str, tuple[Any, ...]]:
    """Verdict, and what the judge said, of every sample; none is there twice."""
    rows = [row for table in read_tables(run.sample_files()) for row in table.to_pylist()]
    by_id = {row["sample_id"]: (row["verdict"], *(row[ask] and row[ask]["text"] for ask in ASKS)) for row in rows}
    assert len(by_id) == len(rows)
    return by_id


def test_a_run_that_was_killed_asks_for_no_reply_again(prepared: Prepared, tmp_path: Path) -> None:
    whole = RunDir(tmp_path / "whole")
    attempt(whole, prepared, tmp_path / "whole.log", blocks=4)
    close_round(whole, 0)
    paid = asked(tmp_path / "whole.log")
    assert set(paid.values()) == {1}
    assert {ask for ask, _ in paid} == set(ASKS)

    run = RunDir(tmp_path / "run")
    attempt(run, prepared, tmp_path / "first.log", blocks=3)
    drafts = {file: file.stat().st_mtime_ns for file in parquet_files(run.drafts(0))}
    kept = judged(run)
    for number, file in enumerate(parquet_files(run.samples(0))):  # killed before the sink: judged, and nowhere said
        if number % 2 or file.parent.name == "verdict=verified":
            file.unlink()
    run.open_round(0)
    before = ends(run)
    attempt(run, prepared, tmp_path / "second.log", blocks=5)
    again = asked(tmp_path / "second.log")
    assert set(again.values()) == {1}
    assert not set(again) & kept
    assert kept | set(again) == set(paid)
    down = {name for name, (verdict, *_) in ends(whole).items() if verdict == "error"}
    assert {name for _, name in again} == down  # the judge said nothing of them, and is asked again
    assert {name: end for name, end in ends(run).items() if name in before} == before
    assert {file: file.stat().st_mtime_ns for file in parquet_files(run.drafts(0))} == drafts
    close_round(run, 0)
    assert ends(run) == ends(whole)


def test_a_finished_round_has_nothing_left_but_its_errors(prepared: Prepared, tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    attempt(run, prepared, tmp_path / "first.log", blocks=2)
    close_round(run, 0)
    before, kept = ends(run), judged(run)
    down = {name for name, (verdict, *_) in before.items() if verdict == "error"}
    assert down
    run.open_round(0)
    attempt(run, prepared, tmp_path / "second.log", blocks=2)
    assert not set(asked(tmp_path / "second.log")) & kept
    close_round(run, 0)
    assert ends(run) == before
