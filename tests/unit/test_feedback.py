"""Feedback: which verified samples become examples of later rounds."""

import json
from pathlib import Path
from typing import Any

from apigen_ray.config import SAMPLE
from apigen_ray.job.feedback import write_seeds
from apigen_ray.rundir import RunDir, write_once
from apigen_ray.tables import table_of

Row = dict[str, Any]


def row(sample_id: str, query: str | None, **rest: Any) -> Row:
    return {
        "sample_id": sample_id,
        "query": query,
        "round": 0,
        "generator": "g",
        "index": 0,
        "pair": 0,
        "style": "simple",
        "tools": '[{"name":"f"}]',
        "answers": '[{"name":"f","arguments":{}}]',
        "verdict": "verified",
    } | rest


def write(run: RunDir, rows: list[Row], part: str, round_: int = 0) -> None:
    for verdict in {each["verdict"] for each in rows}:
        some = [each for each in rows if each["verdict"] == verdict]
        write_once(table_of(some, SAMPLE), run.samples(round_) / f"verdict={verdict}", f"part-{part}")


def test_a_round_without_samples_gives_no_examples(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.close_round(0, run.sample_files())
    write_seeds(run, 0)
    assert run.seeds(0).read_text() == ""


def test_seeds_are_a_few_verified_samples_of_each_style_and_function(tmp_path: Path) -> None:
    rows = [row(f"f{number}", f"f {number}?") for number in range(9)]
    rows += [row("g", "g?", answers='[{"name":"g","arguments":{"x":"ü"}}]')]
    rows += [row("m", "m?", style="multiple"), row("none", "What?", style="irrelevance", answers="[]")]
    rows += [row("bad", "bad?", verdict="fail_format")]
    texts: list[str] = []
    for order in (rows, rows[::-1]):
        run = RunDir(tmp_path / str(len(texts)))
        for number, each in enumerate(order):
            write(run, [each], str(number))
        run.close_round(0, run.sample_files())
        write_seeds(run, 0, per_api=2)
        texts.append(run.seeds(0).read_text("utf-8"))
    assert texts[0] == texts[1]
    seeds = [json.loads(line) for line in texts[0].splitlines()]
    assert all(seed.keys() == {"style", "query", "tools", "answers"} for seed in seeds)
    queries = [seed["query"] for seed in seeds]
    assert len([query for query in queries if query.startswith("f")]) == 2
    assert {"g?", "m?", "What?"} < set(queries)
    assert len(queries) == 5
    assert {"name": "g", "arguments": {"x": "ü"}} in [call for seed in seeds for call in seed["answers"]]
