"""The stages of the graph, without Ray."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from apigen_ray.asks.base import DraftAsk, Row
from apigen_ray.config import SAMPLE, STAGES, load_config
from apigen_ray.graph import stages
from apigen_ray.graph.ids import Ids
from apigen_ray.graph.tally import TALLY
from apigen_ray.job.prepare import Prepared, prepare
from apigen_ray.records import DRAFT, Reply, content_hash, dumps
from apigen_ray.storage import name_of, parquet_files, read_tables
from apigen_ray.tables import set_columns, table_of
from apigen_ray.verifiers import VERIFIERS

ROOT = Path(__file__).parents[2]
NOBODY = Ids()


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return prepare(load_config(ROOT / "jobs" / "smoke.yaml"))


# Plan


def planned(prepared: Prepared, positions: list[int], size: int = 10) -> list[Row]:
    table = stages.plan(positions, prepared.planner(), 1, ["a", "b"], size)
    assert table.schema == DRAFT
    rows: list[Row] = table.to_pylist()
    return rows


def test_every_generator_takes_its_positions_in_turn(prepared: Prepared) -> None:
    rows = planned(prepared, list(range(20)))
    assert [(row["generator"], row["index"]) for row in rows] == [(name, i) for name in "ab" for i in range(10)]
    assert {row["round"] for row in rows} == {1}
    assert len({row["prompt_id"] for row in rows}) == 20
    assert {row["reply"] for row in rows} == {None}


def test_the_plan_does_not_depend_on_the_batch(prepared: Prepared) -> None:
    whole = {row["prompt_id"]: row for row in planned(prepared, list(range(20)))}
    parts = [row for cut in ([3, 17, 4], [0], [*range(5, 17)], [1, 2, 18, 19]) for row in planned(prepared, cut)]
    assert {row["prompt_id"]: row for row in parts} == whole
    assert len(parts) == 20


def test_a_larger_run_begins_with_the_smaller_one(prepared: Prepared) -> None:
    small = {row["prompt_id"]: row for row in planned(prepared, list(range(20)))}
    large = {row["prompt_id"]: row for row in planned(prepared, list(range(30)), size=15)}
    assert {name: large[name] for name in small} == small


def test_an_id_is_known_before_its_prompt_is_drawn(prepared: Prepared) -> None:
    planner = prepared.planner()
    for name, indices in stages.by_generator(range(20), ["a", "b"], 10):
        rows = planner.rows(1, name, indices)
        assert planner.prompt_ids(1, name, indices) == [row["prompt_id"] for row in rows]
    assert planned(prepared, []) == []


# Execute what was planned


def failing(prepared: Prepared) -> pa.Table:
    """A row of a plan whose calls cannot execute."""
    api = next(api for api in prepared.library.apis if api.name == "divide")
    calls = [{"name": "divide", "arguments": {"dividend": 1.5, "divisor": 0}}]
    row = {
        "prompt_id": content_hash("p"),
        "generator": "a",
        "style": "simple",
        "mode": "call_first",
        "tools": dumps([api.tool()]),
        "api_ids": [api.api_id],
        "candidates": dumps([{"calls": calls, "api_ids": [api.api_id]}]),
    }
    return table_of([row], DRAFT)


def test_calls_that_do_not_execute_are_the_execution_stages_to_refuse(prepared: Prepared, tmp_path: Path) -> None:
    setting = prepared.judging().setting
    table = stages.execute_planned(failing(prepared), setting, STAGES)
    assert table["planned"].to_pylist() == [None]
    samples = stages.split(table, prepared.asks(), NOBODY, SAMPLE)
    samples = stages.verify(samples, [kind(setting) for kind in VERIFIERS], STAGES)
    (row,) = stages.sink(samples, str(tmp_path)).to_pylist()
    assert (row["verdict"], row["code"]) == ("fail_execution", "exec_error")


def test_where_execution_is_not_asked_for_nothing_is_executed(prepared: Prepared) -> None:
    table = stages.execute_planned(failing(prepared), prepared.judging().setting, ("format", "semantic"))
    (row,) = table.to_pylist()
    assert json.loads(row["planned"]) == json.loads(row["candidates"])[0]["calls"]
    assert row["planned_results"] is None


# Who is asked


class Wants:
    """An ask with an opinion."""

    name = "reply"

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted

    def wanted(self, row: Row) -> bool:
        return self._wanted

    def request(self, row: Row) -> Any:
        raise NotImplementedError

    def records(self, row: Row) -> list[str]:
        text: str = row["reply"]["text"]
        return text.split("|")


ASKS: dict[str, DraftAsk] = {"query_first": Wants(True), "call_first": Wants(False)}


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        ({}, True),
        ({"generator": "b"}, False),
        ({"reply": vars(Reply(text="x"))}, False),
        ({"reply": vars(Reply(error="x: y"))}, False),
        ({"mode": "call_first"}, False),
    ],
)
def test_a_generator_is_asked_about_its_own_rows_once(change: dict[str, Any], asked: bool) -> None:
    row = {"generator": "a", "reply": None, "mode": "query_first"} | change
    assert stages.to_ask(row, "a", ASKS) is asked


# Persist


def drafts(**replies: Reply | None) -> pa.Table:
    """A draft for each name."""
    rows = [
        {
            "prompt_id": name,
            "index": index,
            "mode": "query_first",
            "generator": "a",
            "reply": vars(reply) if reply else None,
        }
        for index, (name, reply) in enumerate(replies.items())
    ]
    return table_of(rows, DRAFT)


def texts(table: pa.Table) -> dict[str, str | None]:
    return {row["prompt_id"]: (row["reply"] or {}).get("text") for row in table.to_pylist()}


def test_a_reply_is_on_the_disk_before_it_goes_on(tmp_path: Path) -> None:
    table = drafts(p=Reply(text="one"), q=Reply(text=""))
    out = stages.persist(table, "a", str(tmp_path / "drafts"))
    assert out.equals(table)
    (file,) = parquet_files(tmp_path)
    assert file.stem == name_of(table["prompt_id"])
    assert pq.ParquetFile(file).read().equals(table)


def test_the_first_committed_reply_wins(tmp_path: Path) -> None:
    stages.persist(drafts(p=Reply(text="first"), q=Reply(text="also")), "a", str(tmp_path))
    again = stages.persist(drafts(q=Reply(text="other"), p=Reply(text="second")), "a", str(tmp_path))
    assert texts(again) == {"p": "first", "q": "also"}
    assert again.schema == DRAFT
    assert len(parquet_files(tmp_path)) == 1


def test_a_stage_that_runs_again_with_other_failures_writes_no_prompt_twice(tmp_path: Path) -> None:
    down = Reply(error="endpoint_down: x")
    stages.persist(drafts(p=Reply(text="first"), q=down, r=Reply(text="also")), "a", str(tmp_path))
    again = stages.persist(drafts(p=down, q=Reply(text="now"), r=Reply(text="other")), "a", str(tmp_path))
    assert texts(again) == {"p": "first", "q": "now", "r": "also"}
    written = [name for table in read_tables(parquet_files(tmp_path)) for name in table["prompt_id"].to_pylist()]
    assert sorted(written) == ["p", "q", "r"]


def test_replies_of_another_generator_go_on_and_are_left_to_it(tmp_path: Path) -> None:
    table = drafts(p=Reply(text="one"), q=Reply(text="two"))
    table = set_columns(table, {"generator": ["a", "b"]})
    assert sorted(stages.persist(table, "a", str(tmp_path))["prompt_id"].to_pylist()) == ["p", "q"]
    (file,) = parquet_files(tmp_path)
    assert texts(pq.ParquetFile(file).read()) == {"p": "one"}


def test_what_was_not_answered_goes_on_and_is_not_kept(tmp_path: Path) -> None:
    table = drafts(p=Reply(text="one"), down=Reply(error="endpoint_down: x"), never=None)
    out = stages.persist(table, "a", str(tmp_path))
    assert sorted(out["prompt_id"].to_pylist()) == ["down", "never", "p"]
    (file,) = parquet_files(tmp_path)
    assert texts(pq.ParquetFile(file).read()) == {"p": "one"}
    stages.persist(drafts(down=Reply(error="x: y")), "a", str(tmp_path / "nothing"))
    assert parquet_files(tmp_path / "nothing") == []
    assert stages.persist(drafts(), "a", str(tmp_path / "nothing")).num_rows == 0


# Split


def test_a_reply_with_several_pairs_is_several_samples() -> None:
    table = drafts(one=Reply(text="x"), many=Reply(text="a|b|c"), bad=Reply(text="{cut"))
    out = stages.split(table, ASKS, NOBODY, SAMPLE)
    assert out.schema == SAMPLE
    assert [(row["prompt_id"], row["pair"], row["of"], row["record"]) for row in out.to_pylist()] == [
        ("one", 0, 1, "x"),
        ("many", 0, 3, "a"),
        ("many", 1, 3, "b"),
        ("many", 2, 3, "c"),
        ("bad", 0, 1, "{cut"),
    ]
    ids = out["sample_id"].to_pylist()
    assert len(set(ids)) == 5
    assert ids[2] == content_hash("sample", "many", 1)
    assert out["reply"].to_pylist()[1] == table["reply"].to_pylist()[1]


class Broken(Wants):
    """An ask with a defect, which some replies show."""

    def records(self, row: Row) -> list[str]:
        return [] if row["reply"]["text"] == "none" else [str(1 / len(row["reply"]["text"]))]


def test_a_reply_that_an_ask_cannot_take_apart_is_one_sample_whole(caplog: pytest.LogCaptureFixture) -> None:
    table = drafts(first=Reply(text="a"), shows=Reply(text=""), nothing=Reply(text="none"), last=Reply(text="bb"))
    out = stages.split(table, {"query_first": Broken(True)}, NOBODY, SAMPLE).to_pylist()
    assert [(row["prompt_id"], row["pair"], row["record"]) for row in out] == [
        ("first", 0, "1.0"),
        ("shows", 0, ""),
        ("nothing", 0, "none"),
        ("last", 0, "0.5"),
    ]
    assert [record.getMessage() for record in caplog.records] == ["Broken cannot take the reply to prompt shows apart"]
    assert "ZeroDivisionError" in caplog.text


def test_what_has_no_reply_is_one_sample_without_a_record() -> None:
    out = stages.split(drafts(down=Reply(error="x: y"), never=None), ASKS, NOBODY, SAMPLE).to_pylist()
    assert [(row["pair"], row["record"]) for row in out] == [(0, None), (0, None)]


def test_samples_that_have_their_verdict_are_left_out() -> None:
    table = drafts(many=Reply(text="a|b|c"))
    done = Ids.of(content_hash("sample", "many", pair) for pair in (0, 2))
    left = stages.split(table, ASKS, done, SAMPLE)
    assert [(row["pair"], row["of"], row["record"]) for row in left.to_pylist()] == [(1, 3, "b")]
    assert stages.split(drafts(), ASKS, done, SAMPLE).num_rows == 0


# Verify and sink


def sample(name: str, prepared: Prepared, answers: Any, query: str = "?") -> Row:
    """A sample that offers ``divide``."""
    api = next(api for api in prepared.library.apis if api.name == "divide")
    return {
        "sample_id": name,
        "generator": "a",
        "style": "simple",
        "mode": "query_first",
        "tools": dumps([api.tool()]),
        "api_ids": [api.api_id],
        "reply": vars(Reply(text="there")),
        "record": json.dumps({"query": query, "answers": answers}),
    }


def call(**arguments: Any) -> list[dict[str, Any]]:
    return [{"name": "divide", "arguments": arguments}]


def test_stages_follow_each_other_and_the_sink_counts(prepared: Prepared, tmp_path: Path) -> None:
    asked = ("format", "grounding")
    rows = [
        sample("good", prepared, call(dividend=8.5, divisor=2.5), "What is 8.5 over 2.5?"),
        sample("wrong", prepared, call(dividend="much", divisor=2.5), "What is much over 2.5?"),
        sample("hidden", prepared, call(dividend=8.5, divisor=2.5), "What is 8.5 over something?"),
        sample("good2", prepared, call(dividend=61.5, divisor=2.5), "What is 61.5 over 2.5?"),
    ]
    setting = prepared.judging().setting
    table = table_of(rows, SAMPLE)
    for some in (VERIFIERS[:2], VERIFIERS[2:]):
        table = stages.verify(table, [kind(setting) for kind in some], asked)
    assert table["execution_code"].to_pylist() == ["not_requested"] * 4
    assert table["grounding_status"].to_pylist() == ["passed", "skipped", "rejected", "passed"]
    folder = tmp_path / "round=0"
    tally = stages.sink(table, str(folder))
    assert tally.schema == TALLY
    told = [(row["generator"], row["verdict"], row["stage"], row["code"], row["rows"]) for row in tally.to_pylist()]
    assert sorted(told) == [
        ("a", "fail_format", "format", "wrong_type", 1),
        ("a", "fail_grounding", "grounding", "value_not_in_query", 1),
        ("a", "verified", "", "", 2),
    ]
    files = parquet_files(folder)
    assert [file.parent.name for file in files] == ["verdict=fail_format", "verdict=fail_grounding", "verdict=verified"]
    assert pq.ParquetFile(files[2]).read()["sample_id"].to_pylist() == ["good", "good2"]
    stages.sink(set_columns(table, {"grounding_detail": ["later"] * 4}), str(folder))  # Ray ran the stage again
    assert parquet_files(folder) == files
    assert stages.sink(table.slice(0, 0), str(folder)).num_rows == 0


def test_the_tally_counts_a_reply_once_and_every_judges(tmp_path: Path) -> None:
    cost = vars(Reply(text="x", prompt_tokens=100, completion_tokens=10))
    judged = vars(Reply(text="y", prompt_tokens=7, completion_tokens=2))
    rows = [
        {"sample_id": "first", "pair": 0, "reply": cost, "judge": judged, "likelihood": judged},
        {"sample_id": "second", "pair": 1, "reply": cost, "judge": judged},
        {"sample_id": "unasked", "pair": 0, "reply": cost},
        {"sample_id": "record"},  # of `apigen verify`: no reply, no pair
    ]
    (tally,) = stages.sink(table_of([{"generator": "a"} | row for row in rows], SAMPLE), str(tmp_path)).to_pylist()
    assert {name: tally[name] for name in TALLY.names[4:]} == {
        "rows": 4,
        "prompts": 3,
        "prompt_tokens": 200,
        "completion_tokens": 20,
        "judge_prompt_tokens": 21,
        "judge_completion_tokens": 6,
    }
