"""What every engine must do with a dataset: each row once, whole, asked or untouched, with a reply or an error."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from apigen_ray.engines import Engine, build
from apigen_ray.engines.base import as_it_is
from apigen_ray.engines.openai_spec import OpenAiSpec
from apigen_ray.engines.scripted import ScriptedSpec
from apigen_ray.records import DRAFT, REPLY, Json, Reply, Request, dumps
from apigen_ray.tables import conform, table_of

pytestmark = pytest.mark.ray

TOOL = {
    "name": "rent_bicycle",
    "description": "Rents a bicycle.",
    "parameters": {
        "type": "object",
        "properties": {"hours": {"type": "integer"}},
        "required": ["hours"],
        "additionalProperties": False,
    },
}
OLD = Reply(text="from before", model="elder", finish="stop", prompt_tokens=1, completion_tokens=2, seconds=0.5)


class Number:
    """An ask that says the row's index to the engine, with a word that tells the server how to behave."""

    name = "reply"

    def request(self, row):
        return Request(({"role": "user", "content": f"{row['template']} {row['index']}"},), max_tokens=8)


def even(row) -> bool:
    return row["index"] % 2 == 0


def always(row) -> bool:
    return True


def rows(count: int, word: Callable[[int], str] = lambda index: "echo") -> list[Json]:
    return [
        {
            "prompt_id": f"p{index}",
            "round": 0,
            "generator": "g",
            "index": index,
            "style": "simple",
            "mode": "query_first",
            "template": word(index),
            "api_ids": ["a", "b"][: index % 3],
            "tools": dumps([TOOL]),
            "examples": None if index % 5 else "[]",
            "reply": vars(OLD) if index % 2 else None,
        }
        for index in range(count)
    ]


def run(
    engine: Engine, items: list[Json], where: Callable, ask: object = None, keep: Callable = as_it_is
) -> list[Json]:
    import ray

    # Ray's workers cannot import a test module: its functions travel by value
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    table = conform(table_of(items, DRAFT), DRAFT)
    size = -(-len(items) // 3)
    dataset = ray.data.from_arrow(
        [table.slice(start, size) for start in range(0, len(items), size)] + [table.slice(0, 0)]
    )
    out = engine.attach(dataset, ask or Number(), where, DRAFT, keep)
    tables = [table for table in out.iter_batches(batch_size=None, batch_format="pyarrow") if table.num_rows]
    assert all(table.schema.equals(DRAFT) for table in tables)
    done: list[Json] = pa.concat_tables(tables).to_pylist()
    return sorted(done, key=lambda row: row["index"])


@pytest.fixture(params=["scripted", "openai"])
def engine(request, ray_session, chat_server) -> Engine:
    if request.param == "scripted":
        return build(ScriptedSpec(engine="scripted"))
    return build(OpenAiSpec(engine="openai", base_url=chat_server.url, model="loop", concurrency=16))


def test_every_row_once_whole_and_untouched_where_it_is_not_asked(engine: Engine) -> None:
    before = rows(150)
    after = run(engine, before, even)
    assert [row["prompt_id"] for row in after] == [row["prompt_id"] for row in before]
    for old, new in zip(before, after, strict=True):
        kept = {key: value for key, value in new.items() if key not in ("reply", "planted")}
        assert kept == {key: old.get(key) for key in kept}
        if new["index"] % 2:
            assert new["reply"] == vars(OLD)
            assert new["planted"] is None
        else:
            assert new["reply"]["text"]
            assert new["reply"]["error"] is None
            assert new["reply"]["model"]


def test_what_was_answered_is_kept_before_it_goes_on(engine: Engine, tmp_path: Path) -> None:
    def keep(table: pa.Table) -> pa.Table:
        texts = [(row["reply"] or {}).get("text") for row in table.to_pylist()]
        (tmp_path / f"{table['prompt_id'][0]}.json").write_text(json.dumps(texts), "utf-8")
        return table.filter(pc.less(table["index"], 4))

    after = run(engine, rows(6), even, keep=keep)
    assert [row["index"] for row in after] == [0, 1, 2, 3]
    kept = [text for file in tmp_path.iterdir() for text in json.loads(file.read_text("utf-8"))]
    assert len(kept) == 6
    assert all(kept)


def test_nothing_to_ask(engine: Engine) -> None:
    untouched = run(engine, rows(6), lambda row: False)
    assert [row["reply"] for row in untouched] == [vars(OLD) if index % 2 else None for index in range(6)]


def test_a_request_that_cannot_be_made_costs_its_row(engine: Engine) -> None:
    class Broken(Number):
        def request(self, row):
            if row["index"] == 2:
                raise KeyError("examples")
            return super().request(row)

    errors = [row["reply"]["error"] for row in run(engine, rows(6), even, ask=Broken()) if not row["index"] % 2]
    assert errors == [None, "internal_error: ask reply: KeyError: 'examples'", None]


WORDS = ("echo", "busy", "fire", "html", "fault", "slow", "drop", "long", "none")
CODES = {
    "busy": None,
    "fire": "server_error",
    "html": "bad_response",
    "fault": "bad_response",
    "slow": "timeout",
    "drop": "endpoint_down",
    "long": "context_length",
    "none": "bad_response",
}


def test_each_bad_answer_of_a_server_ends_in_its_own_row(ray_session, chat_server, answer) -> None:
    def behave(body, times):
        word = body["messages"][-1]["content"].split()[0]
        return {
            "busy": answer.text("patience") if times > 1 else answer(429, b"", {"retry-after": "0.1"}),
            "fire": answer(500, b"<h1>on fire</h1>"),
            "html": answer(200, b"<html>welcome</html>"),
            "fault": answer.json({"error": {"message": "no such thing"}}),
            "slow": answer.text("too late", delay=9),
            "drop": answer(drop=True),
            "long": answer.json({"error": {"message": "maximum context length is 12"}}, status=400),
            "none": answer.text(None),
        }.get(word, answer.text(word))

    chat_server.behave = behave
    spec = OpenAiSpec(
        engine="openai",
        base_url=chat_server.url,
        model="loop",
        timeout_s=2,
        max_retries=1,
        backoff_s=0.05,
        outage_s=0,
    )
    done = run(build(spec), rows(90, lambda index: WORDS[index % len(WORDS)]), always)
    assert len(done) == 90
    for row in done:
        code = CODES.get(row["template"])
        error = row["reply"]["error"]
        assert (error and error.partition(":")[0]) == code
        assert (row["reply"]["text"] is None) == (code is not None)


def test_key_reaches_the_workers_but_no_file(ray_session, chat_server, monkeypatch) -> None:
    import ray

    key = "sk-contract-8d1f6a"
    monkeypatch.setenv("APIGEN_TEST_KEY", key)
    spec = OpenAiSpec(engine="openai", base_url=chat_server.url, model="loop", api_key_env="APIGEN_TEST_KEY")
    done = run(build(spec), rows(4), always)
    assert {headers["authorization"] for headers in chat_server.headers} == {f"Bearer {key}"}
    assert key not in json.dumps(done)
    session = Path(ray._private.worker.global_worker.node.get_session_dir_path())
    files = [path for path in session.rglob("*") if path.is_file() and not path.is_symlink()]
    assert files
    assert [path.name for path in files if key.encode() in path.read_bytes()] == []


def test_reply_column_is_flat_and_typed() -> None:
    assert DRAFT.field("reply").type == REPLY
    assert all(not pa.types.is_nested(field.type) for field in REPLY)
