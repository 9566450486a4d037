import math

import pyarrow as pa
import pytest

from apigen_ray.engines import vllm
from apigen_ray.engines.tokens import ASIDE, ERROR, Limits, Sealed, answer, mean_logprob, opened, pack, unpack
from apigen_ray.engines.vllm import VllmEngine, VllmSampling, VllmSpec, checked_model
from apigen_ray.errors import EnvironmentFault
from apigen_ray.records import REPLY, Request

SCHEMA = pa.schema([("id", pa.string()), ("size", pa.int32()), ("kind", pa.string()), ("reply", REPLY)])
LIMITS = Limits(
    max_model_len=40, sampling={"temperature": 0.5, "top_p": 1.0, "max_tokens": 8}, logprobs=False, constrain=True
)
OBJECT = {"type": "object", "properties": {"n": {"type": "integer"}}}
OLD = {"text": "kept", "model": "m", "finish": "stop", "prompt_tokens": 1, "completion_tokens": 2, "seconds": 0.5}


class Letters:
    """A tokenizer of one token a letter, whose template writes ``<role>`` before each message."""

    eos_token_id = 0

    def apply_chat_template(self, messages, tokenize, add_generation_prompt):
        assert not tokenize
        if any(message["role"] == "tool" for message in messages):
            raise ValueError("no tools")
        text = "".join(f"<{message['role'][0]}>{message['content']}" for message in messages)
        return text + ("<a>" if add_generation_prompt else "")

    def __call__(self, text, add_special_tokens):
        assert not add_special_tokens
        return {"input_ids": [ord(letter) for letter in text]}


class Ask:
    name = "reply"

    def request(self, row):
        user = {"role": "user", "content": "hello"}
        return {
            "free": Request((user,)),
            "short": Request((user,), max_tokens=3),
            "object": Request((user,), schema=OBJECT),
            "score": Request((user, {"role": "assistant", "content": "ok!"}), score=True),
            "empty": Request((user, {"role": "assistant", "content": ""}), score=True),
            "long": Request(({"role": "user", "content": "x" * 40},)),
            "tool": Request(({"role": "tool", "content": ""},)),
        }[row["kind"]]


def table(*kinds):
    rows = [{"id": str(n), "size": n if n % 2 else None, "kind": kind, "reply": None} for n, kind in enumerate(kinds)]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def lines(*kinds, where=lambda row: True, limits=LIMITS):
    packed = pack(table(*kinds), Ask(), where, limits, Letters())
    return [opened(row, where) for row in packed.to_pylist()]


def through(packed, outputs):
    """What ``ray.data.llm`` does with lines: lines set aside come back whole, the others through `answer`."""
    out = []
    for row in packed.to_pylist():
        line = opened(row, lambda row: True)
        out.append(line if line[ERROR] else answer(line | outputs, LIMITS.max_model_len) | {ERROR: ""})
    columns = {name for line in out for name in line}
    return [{name: line.get(name) for name in columns} for line in out]


class Block:
    """As much of a table as `unpack` needs: objects of our own do not fit into Arrow without Ray's extension type."""

    def __init__(self, rows):
        self.rows = rows

    def to_pylist(self):
        return self.rows


def test_a_prompt_is_the_template_with_its_turn_to_answer():
    [line] = lines("free")
    assert "".join(map(chr, line["tokenized_prompt"])) == "<u>hello<a>"
    assert line["sampling_params"] == {"temperature": 0.5, "top_p": 1.0, "max_tokens": 8}
    assert (line["scored"], line["limit"], line["end"], line[ERROR]) == (None, 8, 0, "")


def test_a_request_sets_its_own_limit_and_schema():
    short, shaped = lines("short", "object")
    assert short["sampling_params"]["max_tokens"] == short["limit"] == 3
    assert "structured_outputs" not in short["sampling_params"]
    assert shaped["sampling_params"]["structured_outputs"] == {
        "json": '{"type":"object","properties":{"n":{"type":"integer"}}}'
    }


def test_a_schema_is_left_out_where_the_spec_says_so():
    [line] = lines("object", limits=Limits(40, LIMITS.sampling, logprobs=True, constrain=False))
    assert "structured_outputs" not in line["sampling_params"]
    assert line["sampling_params"]["logprobs"] == 0


def test_a_score_reads_the_message_and_writes_one_token():
    [line] = lines("score")
    assert "".join(map(chr, line["tokenized_prompt"])) == "<u>hello<a>ok!"
    assert line["scored"] == 3
    assert line["sampling_params"] == {"temperature": 0.0, "top_p": 1.0, "max_tokens": 1, "prompt_logprobs": 0}


def test_a_line_that_is_no_longer_wanted_passes_the_engine_by():
    [packed] = pack(table("free"), Ask(), lambda row: True, LIMITS, Letters()).to_pylist()
    line = opened(packed, lambda row: False)
    assert line[ERROR] == ASIDE
    assert line["fault"] is None
    assert line["row"] == opened(packed, lambda row: True)["row"]


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("long", "context_length: a prompt of 46 tokens; the engine takes 40 with the reply"),
        ("tool", "bad_request: chat template: ValueError: no tools"),
        ("empty", "bad_request: chat template: ValueError: nothing to score"),
        ("nothing", "internal_error: ask reply: KeyError: 'nothing'"),
    ],
)
def test_a_row_that_cannot_be_asked_never_reaches_the_engine(kind, error):
    [line] = lines(kind)
    assert line[ERROR] == ASIDE
    assert line["fault"].startswith(error)
    assert "tokenized_prompt" not in line


def test_a_prompt_that_leaves_no_room_for_one_token_is_too_long():
    [fits] = lines("free", limits=Limits(12, LIMITS.sampling, logprobs=False, constrain=True))
    [full] = lines("free", limits=Limits(11, LIMITS.sampling, logprobs=False, constrain=True))
    assert len(fits["tokenized_prompt"]) == 11
    assert full["fault"].startswith("context_length: a prompt of 11 tokens")


def test_rows_come_back_as_they_were():
    before = table("free", "free", "long", "object")
    before = before.set_column(3, "reply", pa.array([None, OLD, None, OLD], REPLY))
    packed = pack(before, Ask(), lambda row: row["reply"] is None, LIMITS, Letters())
    outputs = {
        "num_input_tokens": 11,
        "num_generated_tokens": 2,
        "generated_tokens": [65, 0],
        "generated_text": "A",
        "time_taken_llm": 0.25,
        "logprobs": None,
        "prompt_logprobs": None,
    }
    after = unpack(Block(through(packed, outputs)), "reply", "tiny", SCHEMA)
    assert after.schema == SCHEMA
    assert after.drop_columns(["reply"]) == before.drop_columns(["reply"])
    answered, kept, long, other = after["reply"].to_pylist()
    assert answered == {
        "text": "A",
        "model": "tiny",
        "finish": "stop",
        "prompt_tokens": 11,
        "completion_tokens": 2,
        "seconds": 0.25,
        "logprob": None,
        "error": None,
    }
    assert kept == other == before["reply"][1].as_py()
    assert long["error"].startswith("context_length:")
    assert long["text"] is None


def test_the_engines_own_errors_become_codes():
    rows = [
        {"row": Sealed({"id": "0"}), ERROR: "ValueError: The prompt is longer than the maximum model length of 40."},
        {"row": Sealed({"id": "1"}), ERROR: "ValueError: grammar " + "x" * 999},
    ]
    replies = unpack(Block(rows), "reply", "tiny", SCHEMA)["reply"].to_pylist()
    assert replies[0]["error"].startswith("context_length: ValueError")
    assert replies[1]["error"].startswith("engine_error: ValueError: grammar x")
    assert len(replies[1]["error"]) <= 320


@pytest.mark.parametrize(
    ("prompt", "tokens", "finish"),
    [
        (11, [65] * 7 + [0], "stop"),  # it ended with its last token
        (11, [65] * 8, "length"),
        (11, [65] * 3, "stop"),  # a stop text leaves no end token
        (35, [65] * 5, "length"),  # the context is full
        (11, [], "stop"),
    ],
)
def test_why_a_reply_ended(prompt, tokens, finish):
    [line] = lines("free")
    line |= {"num_input_tokens": prompt, "num_generated_tokens": len(tokens), "generated_tokens": tokens}
    line |= {"generated_text": "", "time_taken_llm": 1.0, "logprobs": None}
    assert answer(line, 40)["reply"]["finish"] == finish


def test_a_score_is_the_mean_over_its_message_alone():
    [line] = lines("score")
    prompt = [None, *({7: {"logprob": -100.0}} for _ in range(10))]
    prompt += [{1: {"logprob": -1.0}}, {2: {"logprob": -2.0}}, {3: {"logprob": -4.5}}]
    line |= {"num_input_tokens": 14, "num_generated_tokens": 1, "generated_tokens": [65], "generated_text": "A"}
    line |= {"time_taken_llm": 1.0, "prompt_logprobs": prompt}
    reply = answer(line, 40)["reply"]
    assert math.isclose(reply["logprob"], -2.5)
    assert (reply["text"], reply["completion_tokens"], reply["finish"]) == ("", 0, "stop")


def test_no_tokens_have_no_mean():
    assert mean_logprob(None) is mean_logprob([]) is mean_logprob([None]) is None


# --- the spec, and what is looked at before an engine starts


def spec(**more):
    return VllmSpec(engine="vllm", **{"model": "embedded"} | more)


@pytest.fixture
def checkpoint(tmp_path):
    (tmp_path / "config.json").write_text('{"max_position_embeddings": 2048}')
    (tmp_path / "chat_template.jinja").write_text("{{ messages }}")
    (tmp_path / "model.safetensors").write_bytes(b"\0" * 64)
    return tmp_path


def fault(**more):
    with pytest.raises(EnvironmentFault) as caught:
        checked_model(spec(**more), gpu=False)
    return caught.value


def test_a_checkpoint_passes(checkpoint):
    assert checked_model(spec(model=str(checkpoint), max_model_len=2048), gpu=False) == str(checkpoint)


def test_an_unknown_key_is_refused():
    with pytest.raises(ValueError, match="temprature"):
        spec(sampling={"temprature": 1})


def test_a_path_that_is_not_there():
    assert "no directory ./nothing/here" in fault(model="./nothing/here").message


def test_a_folder_without_a_model(tmp_path):
    assert "config.json" in fault(model=str(tmp_path)).message


def test_a_base_model_has_no_chat_template(checkpoint):
    (checkpoint / "chat_template.jinja").unlink()
    assert "no chat template" in fault(model=str(checkpoint), max_model_len=1024).message


def test_a_context_that_the_model_has_not(checkpoint):
    assert fault(model=str(checkpoint), max_model_len=4096).mend == "set max_model_len to 2048 or less"


def test_a_model_that_does_not_fit(checkpoint):
    found = fault(model=str(checkpoint), max_model_len=1024, engine_args={"kv_cache_memory_bytes": 2**50})
    assert "GiB" in found.message
    assert "smaller model" in found.mend


def test_a_name_that_the_hub_has_not(monkeypatch):
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    def offline(name, file):
        raise LocalEntryNotFoundError("no network")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", offline)
    assert "cannot be had from the hub" in fault(model="nobody/nothing").message


def test_without_vllm_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(vllm.importlib.util, "find_spec", lambda name: None)
    assert "apigen-ray[cpu]" in fault().mend


def test_gpus_that_are_not_there_are_said_and_not_waited_for():
    finding = VllmEngine(spec(device="gpu", tensor_parallel_size=2, replicas=2)).probe(1)
    assert not finding.ok
    assert "4 GPUs are needed" in finding.message


def test_a_seed_for_each_request_only_on_gpus():
    seeded = spec(sampling=VllmSampling(seed=7))
    assert "seed" not in vllm._limits(seeded, gpu=False).sampling
    assert vllm._limits(seeded, gpu=True).sampling["seed"] == 7
    assert vllm._engine_args(seeded, gpu=False)["seed"] == 7


def test_engine_args_win(checkpoint):
    assert vllm._engine_args(spec(engine_args={"enforce_eager": False}), gpu=False)["enforce_eager"] is False
    assert "enforce_eager" not in vllm._engine_args(spec(), gpu=True)


def test_threads_are_shared_among_replicas(monkeypatch):
    monkeypatch.setattr(vllm, "cores", lambda: 12)
    assert vllm._environment(spec(replicas=3), gpu=False)["OMP_NUM_THREADS"] == "4"
    assert vllm._environment(spec(threads=2), gpu=False)["OMP_NUM_THREADS"] == "2"
    assert "OMP_NUM_THREADS" not in vllm._environment(spec(), gpu=True)
