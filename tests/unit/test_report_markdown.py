"""What is told of a run: its samples in order, the filter table that sums, the report and its honest words."""

import json
from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from apigen_ray.config import SAMPLE, STAGES, VERDICTS
from apigen_ray.display.samples import print_samples
from apigen_ray.display.tables import print_funnel
from apigen_ray.errors import InputError
from apigen_ray.export.samples import CODES, find_samples
from apigen_ray.graph.stages import sink
from apigen_ray.graph.tally import tally
from apigen_ray.job.limits import Meter
from apigen_ray.report.markdown import filter_rows, report_form, report_text, write_report
from apigen_ray.report.summary import summarise
from apigen_ray.rundir import RunDir
from apigen_ray.storage import write_once
from apigen_ray.tables import table_of

FAILS = {"fail_format": "wrong_type", "fail_execution": "timeout", "fail_grounding": "leaked_call", "error": "timeout"}


def sample(index: int, verdict: str, generator: str = "one", round_: int = 0) -> dict[str, Any]:
    name = f"{round_}-{generator}-{index}"
    row: dict[str, Any] = {
        "sample_id": name,
        "round": round_,
        "generator": generator,
        "index": index,
        "pair": 0,
        "style": "simple" if index % 2 else "parallel",
        "reply": {"text": "[]", "model": "m", "finish": "stop", "prompt_tokens": 10, "completion_tokens": 2},
        "query": f"Add {index} and 2",
        "answers": json.dumps([{"name": "add", "arguments": {"first": index, "second": "2"}}]),
        "results": json.dumps([{"status": "passed", "value": str(index + 2)}]),
        "execution_mode": "live",
        "verdict": verdict,
    }
    failed = verdict.removeprefix("fail_") if verdict.startswith("fail_") else "semantic" if verdict == "error" else ""
    status = "passed"
    for stage in STAGES:
        if stage == failed:
            status = "error" if verdict == "error" else "rejected"
            code = FAILS.get(verdict, "judge_failed")
            row |= {f"{stage}_status": status, f"{stage}_code": code, f"{stage}_detail": "why"}
            status = "skipped"
        else:
            code = "" if status == "passed" else "earlier_stage"
            row |= {f"{stage}_status": status, f"{stage}_code": code, f"{stage}_detail": ""}
    return row


def write(path: Path, rows: list[dict[str, Any]], engine: str = "scripted") -> Path:
    run = RunDir(path)
    for number, row in enumerate(rows):  # a file for each row, in the wrong order
        folder = run.samples(row["round"]) / f"verdict={row['verdict']}"
        write_once(table_of([row], SAMPLE), folder, f"part-{len(rows) - number:03d}")
    run.path.mkdir(exist_ok=True, parents=True)
    run.update_manifest(
        fingerprint="x",
        stages=["format", "execution", "semantic"],
        engines={"one": {"engine": engine, "model": "m"}},
        library={"apis": 3, "rejects": 1},
        versions={"ray": "2"},
    )
    run.result_path.write_text('{"outcome": "done", "seconds": 3.0}')
    return path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    rows = [sample(index, verdict, "one") for index, verdict in enumerate(VERDICTS)]
    rows += [sample(index, "verified", "two") for index in range(3)] + [sample(0, "verified", "one", round_=1)]
    return write(tmp_path / "run", rows)


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["sample_id"] for row in rows]


def test_samples_come_in_the_order_of_the_plan_with_values_decoded(run: Path) -> None:
    rows = find_samples(run, limit=100)
    assert [(row["round"], row["index"]) for row in rows] == sorted((row["round"], row["index"]) for row in rows)
    assert len(rows) == len(VERDICTS) + 4
    assert rows[0]["answers"] == [{"name": "add", "arguments": {"first": 0, "second": "2"}}]
    assert list(rows[0]) == SAMPLE.names
    assert ids(find_samples(run, limit=2)) == ids(rows)[:2]


def test_samples_of_a_verdict_or_a_code(run: Path) -> None:
    assert ids(find_samples(run, verdict="verified", limit=3)) == ["0-one-0", "0-two-0", "0-two-1"]
    assert [row["verdict"] for row in find_samples(run, code="timeout")] == ["fail_execution", "error"]
    assert [row["verdict"] for row in find_samples(run, verdict="error", code="timeout")] == ["error"]
    assert find_samples(run, verdict="verified", code="timeout") == []


def test_a_sample_that_lies_in_two_files_is_shown_once(run: Path) -> None:
    again = table_of([sample(0, "verified")], SAMPLE)
    write_once(again, RunDir(run).samples(0) / "verdict=verified", "part-again")
    assert ids(find_samples(run, verdict="verified", limit=2)) == ["0-one-0", "0-two-0"]


def test_words_that_do_not_exist_name_the_nearest(run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'verified'"):
        find_samples(run, verdict="verifed")
    with pytest.raises(InputError, match="'leaked_call'"):
        find_samples(run, code="leaked_calls")
    with pytest.raises(InputError, match=r"no manifest\.json"):
        find_samples(tmp_path)
    assert len(set(CODES)) == len(CODES)


def test_the_filter_table_sums(run: Path) -> None:
    header, *rows = filter_rows(summarise(RunDir(run)))
    assert header[:3] == ["generator", "drafts", "verified"]
    assert [f"fail_{stage}" for stage in STAGES] == header[3 : 3 + len(STAGES)]
    assert [row[0] for row in rows] == ["one", "two", "total"]
    for row in rows:
        drafts, *verdicts = (int(cell) for cell in row[1:-1])
        assert drafts == sum(verdicts)
    assert rows[-1][1] == str(len(VERDICTS) + 4)
    assert rows[1][-1] == "100.0 %"
    assert rows[0][-1] == "28.6 %"  # 2 verified of 8, one of which is an error of ours


def test_of_two_codes_as_common_terminal_and_report_name_the_same_first(run: Path) -> None:
    summary = summarise(RunDir(run))
    summary.stages["format"] = Counter({("rejected", "not_json"): 5, ("rejected", "bad_query"): 5, ("passed", ""): 9})
    print_funnel(Console(file=(out := StringIO()), width=200), summary)
    (told,) = (line for line in out.getvalue().splitlines() if " format " in line)
    assert told.split("│")[-2].strip() == "bad_query"
    assert "| bad_query 5, not_json 5 |" in report_text(RunDir(run), summary)


def test_the_report(run: Path) -> None:
    text = write_report(run).read_text()
    assert (run / "report.md").read_text() == text
    assert "| total | 11 | 5 |" in text
    assert "| execution | 9 | 1 | 0 | 0 | timeout 1 |" in text
    assert "not asked for: grounding" in text
    assert "FAKE" in text
    assert "110 read, 22 written" in text
    form = report_form(run)
    assert json.loads(json.dumps(form)) == form
    assert form["stages_asked_for"] == ["format", "execution", "semantic"]
    assert (form["outcome"], form["samples"], form["stages"]["format"][0]["rows"]) == ("done", 11, 10)


def test_tokens_are_those_of_generators_and_judges(tmp_path: Path) -> None:
    def said(read: int, written: int | None) -> dict[str, Any]:
        return {"text": "yes", "prompt_tokens": read, "completion_tokens": written}

    judged = {"judge": said(100, 5), "likelihood": said(30, None)}
    rows = [
        sample(0, "verified") | judged,
        sample(0, "fail_semantic") | judged | {"sample_id": "second", "pair": 1},  # of the same reply, judged by itself
        sample(1, "error") | {"reply": None},
        sample(2, "verified") | {"roundtrip": said(7, 70), "pair": None},  # as where no pair could be read
    ]
    summary = summarise(RunDir(write(tmp_path / "run", rows)))
    assert (summary.prompt_tokens, summary.completion_tokens) == (10 + 130 + 130 + 10 + 7, 2 + 5 + 5 + 2 + 70)
    meter = Meter({})
    for table in RunDir(tmp_path / "run").read():
        for row in tally(table).to_pylist():
            meter.add(row)
    assert meter.tokens == summary.prompt_tokens + summary.completion_tokens


@pytest.mark.parametrize(("mode", "words"), [("live", "really executed"), ("none", "no call was executed")])
def test_the_report_says_what_was_executed(tmp_path: Path, mode: str, words: str) -> None:
    run = write(tmp_path / "run", [sample(0, "verified") | {"execution_mode": mode}], engine="openai")
    text = write_report(run).read_text()
    assert words in text
    assert "FAKE" not in text


def test_the_report_of_records_that_were_only_verified(tmp_path: Path) -> None:
    run = write(tmp_path / "run", [sample(0, "verified") | {"generator": None, "execution_mode": None}])
    manifest = {"kind": "verify", "input": "in.jsonl", "stages": ["format"], "library": {"apis": 3, "digest": "x"}}
    (run / "manifest.json").write_text(json.dumps(manifest | {"judge": {"engine": "openai", "model": "m"}}))
    text = write_report(run).read_text()
    assert "no row came to be executed" in text
    assert "engine of judge: openai m" in text
    assert "library: 3 functions\n" in text


def test_the_report_says_what_was_executed_without_walls(tmp_path: Path) -> None:
    run = write(tmp_path / "run", [sample(0, "verified")])
    client = {"functions": {"acme": 2}, "hosts": ["api.acme.com"], "env": ["ACME_TOKEN"]}
    RunDir(run).update_manifest(sandbox={"process": [client]})
    text = write_report(run).read_text()
    assert "- acme: process runner: no language layer, no kernel walls but limits; hosts: api.acme.com; env" in text
    assert "calls confined by" not in text


def test_an_unfinished_or_empty_run_is_told_as_such(tmp_path: Path) -> None:
    run = write(tmp_path / "run", [])
    (run / "result.json").unlink()
    text = write_report(run).read_text()
    assert "unfinished" in text
    assert "| total | 0 |" in text
    assert find_samples(run) == []


def test_the_first_rows_are_there_while_their_round_is_open(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    run.update_manifest(stages=STAGES)
    run.open_round(0)
    assert find_samples(run.path) == []
    rows = [sample(index, verdict) for index, verdict in enumerate(["fail_format", "verified", "verified"])]
    for batch in (rows[:2], rows[2:]):
        sink(table_of(batch, SAMPLE), str(run.samples(0)))
        summary = summarise(run)
        seen = ids(find_samples(run.path, verdict="verified"))
        assert (summary.samples, summary.total("verified")) == (batch[-1]["index"] + 1, len(seen))
        assert seen == ["0-one-1", "0-one-2"][: len(seen)]
        assert report_form(run.path)["outcome"] == "unfinished"
    assert run.closed_rounds() == []
    run.close_round(0, run.sample_files())
    assert ids(find_samples(run.path)) == ["0-one-0", "0-one-1", "0-one-2"]


def test_samples_on_paper(run: Path) -> None:
    out = StringIO()
    rows = find_samples(run, code="timeout", limit=1)
    rows[0]["query"] = "Add [red]1[/] and\n\x1b[31m2"
    rows.append({**rows[0], "query": None, "answers": None, "results": None, "record": "I will\nnot"})
    print_samples(rows, file=out)
    text = out.getvalue()
    assert "\x1b" not in text
    assert "Add [red]1[/] and" in text
    assert "call       add(first=" in text
    assert "execution  rejected: timeout: why" in text
    assert "reply      I will not" in text
    print_samples([], file=out)
    assert out.getvalue().endswith("no such samples\n")
