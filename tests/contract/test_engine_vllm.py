"""What every engine must do, by a real vLLM on the embedded model: one start of the engine for the whole module."""

import importlib.util
import json
import math
import sys

import jsonschema_rs
import pyarrow as pa
import pytest

from apigen_ray.engines.embedded import embedded_model
from apigen_ray.engines.vllm import VllmEngine, VllmSampling, VllmSpec
from apigen_ray.errors import EnvironmentFault
from apigen_ray.records import DRAFT, Reply, Request
from apigen_ray.tables import conform, table_of

# long: in `make test` the notebooks start the same engine, for whole runs
pytestmark = [pytest.mark.ray, pytest.mark.vllm, pytest.mark.long]

KINDS = ("free", "city", "count", "right", "wrong", "long", "broken", "aside")
SCHEMAS = {
    "city": {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 12}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "count": {
        "type": "object",
        "properties": {"count": {"enum": [1, 2, 3]}, "unit": {"enum": ["km", "mile"]}},
        "required": ["count", "unit"],
        "additionalProperties": False,
    },
}
OLD = Reply(text="from before", model="elder", finish="stop", prompt_tokens=1, completion_tokens=2, seconds=0.5)
ROWS = 48
ASIDE = 40  # rows from here on are not to be asked: more than one whole batch of the engine


class Ask:
    name = "reply"

    def request(self, row):
        kind = row["template"]
        question = {"role": "user", "content": "What is the capital of France?"}
        if kind in ("right", "wrong"):
            words = "The capital of France is Paris." if kind == "right" else "Paris of is capital France the."
            return Request((question, {"role": "assistant", "content": words}), score=True)
        if kind == "long":
            return Request(({"role": "user", "content": "far too long " * 600},), max_tokens=4)
        if kind == "broken":
            raise KeyError("examples")
        return Request((question,), schema=SCHEMAS.get(kind), max_tokens=24)


def to_ask(row) -> bool:
    return row["template"] != "aside"


@pytest.fixture(scope="module")
def before():
    kinds = [KINDS[index % len(KINDS)] if index < ASIDE else "aside" for index in range(ROWS)]
    return [
        {
            "prompt_id": f"p{index}",
            "round": 0,
            "generator": "g",
            "index": index,
            "style": "simple",
            "template": kind,
            "api_ids": ["a", "b"][: index % 3],
            "tools": '[{"name":"x","parameters":{}}]',
            "examples": None if index % 5 else "[]",
            "reply": vars(OLD) if kind == "aside" and index % 2 else None,
        }
        for index, kind in enumerate(kinds)
    ]


@pytest.fixture(scope="module")
def after(ray_session, before):
    if importlib.util.find_spec("vllm") is None:
        pytest.skip("vLLM is not installed")
    try:
        embedded_model()
    except EnvironmentFault as fault:
        pytest.skip(fault.message)
    import ray

    # Ray's workers cannot import a test module: its functions travel by value
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    spec = VllmSpec(
        engine="vllm",
        model="embedded",
        device="cpu",
        max_model_len=512,
        logprobs=True,
        batch_size=8,
        sampling=VllmSampling(temperature=0),
        engine_args={"kv_cache_memory_bytes": 2**28},
    )
    table = conform(table_of(before, DRAFT), DRAFT)
    blocks = [table.slice(0, 20), table.slice(20, 20), table.slice(ASIDE), table.slice(0, 0)]
    dataset = VllmEngine(spec).attach(ray.data.from_arrow(blocks), Ask(), to_ask, DRAFT)
    tables = [part for part in dataset.iter_batches(batch_size=None, batch_format="pyarrow") if part.num_rows]
    assert all(part.schema.equals(DRAFT) for part in tables), "nothing internal is left"
    return sorted(pa.concat_tables(tables).to_pylist(), key=lambda row: row["index"])


def replies(after, kind):
    found = [row["reply"] for row in after if row["template"] == kind and row["index"] < ASIDE]
    assert len(found) == ASIDE // len(KINDS)
    return found


def test_every_row_once_whole_and_untouched_where_it_is_not_asked(before, after):
    assert [row["prompt_id"] for row in after] == [row["prompt_id"] for row in before]
    for old, new in zip(before, after, strict=True):
        compared = {key: value for key, value in new.items() if key != "reply" or not to_ask(new)}
        assert compared == {key: old.get(key) for key in compared}


def test_text_comes_with_all_that_is_known_of_it(after):
    for reply in replies(after, "free"):
        assert reply["text"]
        assert (reply["model"], reply["error"]) == ("embedded", None)
        assert reply["finish"] == ("length" if reply["completion_tokens"] == 24 else "stop")
        assert 20 < reply["prompt_tokens"] < 60
        assert 3 < reply["completion_tokens"] <= 24
        assert reply["seconds"] > 0
        assert -3 < reply["logprob"] < 0


@pytest.mark.parametrize("kind", SCHEMAS)
def test_each_row_obeys_its_own_schema_in_one_batch(after, kind):
    for reply in replies(after, kind):
        assert reply["error"] is None
        jsonschema_rs.validate(SCHEMAS[kind], json.loads(reply["text"]))


def test_a_score_is_a_finite_mean_that_prefers_sense(after):
    right, wrong = replies(after, "right"), replies(after, "wrong")
    for reply in right + wrong:
        assert math.isfinite(reply["logprob"])
        assert reply["logprob"] < 0
        assert (reply["text"], reply["completion_tokens"], reply["error"]) == ("", 0, None)
    assert min(reply["logprob"] for reply in right) > max(reply["logprob"] for reply in wrong) + 1


def test_a_prompt_too_long_costs_its_own_row(after):
    assert all(reply["error"].startswith("context_length: ") for reply in replies(after, "long"))
    assert all(reply["text"] is None for reply in replies(after, "long"))


def test_a_request_that_cannot_be_made_costs_its_own_row(after):
    errors = {reply["error"] for reply in replies(after, "broken")}
    assert errors == {"internal_error: ask reply: KeyError: 'examples'"}
