"""The ``openai`` engine against vLLM's own server with the embedded model: one start, and at the end it is killed."""

import importlib.util
import json
import math
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import jsonschema_rs
import pyarrow as pa
import pytest

from apigen_ray.engines.embedded import embedded_model
from apigen_ray.engines.openai import OpenAiEngine
from apigen_ray.engines.openai_spec import OpenAiSpec, Sampling
from apigen_ray.errors import EnvironmentFault
from apigen_ray.records import DRAFT, Reply, Request
from apigen_ray.tables import conform, table_of

pytestmark = [pytest.mark.ray, pytest.mark.vllm, pytest.mark.long]

CPU = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "2",
    "OMP_WAIT_POLICY": "PASSIVE",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_NO_USAGE_STATS": "1",
}
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
KINDS = ("free", "city", "count", "right", "wrong", "long", "aside")
OLD = Reply(text="from before", model="elder", finish="stop", prompt_tokens=1, completion_tokens=2, seconds=0.5)
STRUCTURED = ("json_schema", "guided")
IN_FLIGHT = 8
ENOUGH = 80  # answers after which the server dies: the first batch of 64 is whole, the second is not
DOOMED = 192


class Ask:
    name = "reply"

    def request(self, row):
        kind = row["template"]
        question = {"role": "user", "content": "What is the capital of France?"}
        if kind in ("right", "wrong"):
            words = "The capital of France is Paris." if kind == "right" else "Paris of is capital France the."
            return Request((question, {"role": "assistant", "content": words}), score=True)
        if kind == "long":
            return Request(({"role": "user", "content": "far too long " * 1200},), max_tokens=4)
        return Request((question,), schema=SCHEMAS.get(kind), max_tokens=24)


def to_ask(row):
    return row["template"] != "aside"


class Server:
    """A vLLM server in a process group of its own, because its engine is a process beside it."""

    def __init__(self, model, log):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.killed_at = None
        self._log = log
        command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(model)]
        command += ["--host", "127.0.0.1", "--port", str(self.port), "--served-model-name", "embedded"]
        command += ["--max-model-len", "2048", "--enforce-eager", "--structured-outputs-config"]
        command += [json.dumps({"backend": "xgrammar", "disable_any_whitespace": True})]
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                command, env=os.environ | CPU, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
            )

    def wait(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self._process.poll() is None:
            try:
                if self._get("/health").status_code == 200:
                    return
            except httpx.TransportError:
                pass  # not there yet
            time.sleep(0.5)
        pytest.fail(f"no server after {seconds} s:\n{self._log.read_text('utf-8', 'replace')[-3000:]}")

    def answered(self):
        """Requests that the engine has finished, by the server's own count."""
        found = re.findall(r"^vllm:request_success_total\{.*\} (\S+)$", self._get("/metrics").text, re.MULTILINE)
        assert found, "the server counts under another name"
        return sum(map(float, found))

    def kill(self):
        if self.killed_at is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self.killed_at = time.monotonic()

    def kill_after(self, more, over):
        """Kills it once it has answered this many more, unless all is over before."""
        enough = self.answered() + more

        def watch():
            while not over.wait(0.1):
                if self.answered() >= enough:
                    return self.kill()

        watcher = threading.Thread(target=watch)
        watcher.start()
        return watcher

    def engine(self, **settings):
        url = f"http://127.0.0.1:{self.port}/v1"
        spec = {"base_url": url, "model": "embedded", "concurrency": IN_FLIGHT, "sampling": Sampling(temperature=0)}
        return OpenAiEngine(OpenAiSpec(engine="openai", logprobs=True, **spec | settings))

    def _get(self, path):
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=30)


def rows(count, kinds):
    return [
        {
            "prompt_id": f"p{index}",
            "round": 0,
            "generator": "g",
            "index": index,
            "style": "simple",
            "template": kinds[index % len(kinds)],
            "api_ids": ["a", "b"][: index % 3],
            "tools": '[{"name":"x","parameters":{}}]',
            "reply": vars(OLD) if kinds[index % len(kinds)] == "aside" else None,
        }
        for index in range(count)
    ]


def run(engine, items):
    import ray

    # Ray's workers cannot import a test module: its functions travel by value
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    table = conform(table_of(items, DRAFT), DRAFT)
    blocks = [table.slice(start, 20) for start in range(0, len(items), 20)]
    dataset = engine.attach(ray.data.from_arrow(blocks), Ask(), to_ask, DRAFT)
    tables = [part for part in dataset.iter_batches(batch_size=None, batch_format="pyarrow") if part.num_rows]
    assert all(part.schema.equals(DRAFT) for part in tables)
    return sorted(pa.concat_tables(tables).to_pylist(), key=lambda row: row["index"])


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if importlib.util.find_spec("vllm") is None:
        pytest.skip("vLLM is not installed")
    try:
        model = embedded_model()
    except EnvironmentFault as fault:
        pytest.skip(fault.message)
    server = Server(model, tmp_path_factory.mktemp("server") / "vllm.log")
    try:
        server.wait(180)
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="module")
def before():
    return rows(6 * len(KINDS), KINDS)


@pytest.fixture(scope="module")
def after(ray_session, server, before):
    found = server.engine().probe(0)
    assert found.ok, found.message
    return {structured: run(server.engine(structured=structured), before) for structured in STRUCTURED}


@pytest.fixture(scope="module")
def cut(server, after):  # needs what needs the server alive, so that it comes last in any order of the tests
    over = threading.Event()
    watcher = server.kill_after(ENOUGH, over)
    try:
        done = run(server.engine(max_retries=2, backoff_s=0.1, max_backoff_s=0.2), rows(DOOMED, ("free", "city")))
    finally:
        over.set()
        watcher.join()
    assert server.killed_at, "the dataset was through before the server was to die"
    return done, time.monotonic() - server.killed_at


def replies(after, kind):
    found = [row["reply"] for row in after["json_schema"] if row["template"] == kind]
    assert len(found) == 6
    return found


@pytest.mark.parametrize("structured", STRUCTURED)
def test_every_row_once_whole_and_untouched_where_it_is_not_asked(before, after, structured):
    assert [row["prompt_id"] for row in after[structured]] == [row["prompt_id"] for row in before]
    for old, new in zip(before, after[structured], strict=True):
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


@pytest.mark.parametrize("structured", STRUCTURED)
def test_each_row_obeys_its_own_schema_in_one_batch(after, structured):
    constrained = [row for row in after[structured] if row["template"] in SCHEMAS]
    assert len(constrained) == 12
    for row in constrained:
        assert row["reply"]["error"] is None
        jsonschema_rs.validate(SCHEMAS[row["template"]], json.loads(row["reply"]["text"]))


def test_a_score_is_a_finite_mean_that_prefers_sense(after):
    right, wrong = replies(after, "right"), replies(after, "wrong")
    for reply in right + wrong:
        assert (reply["text"], reply["completion_tokens"], reply["error"]) == ("", 0, None)
        assert math.isfinite(reply["logprob"])
        assert reply["logprob"] < 0
    # the message's own tokens: with those of the conversation before it the two means would lie closer together
    assert min(reply["logprob"] for reply in right) > max(reply["logprob"] for reply in wrong) + 4


def test_a_prompt_too_long_costs_its_own_row(after):
    for reply in replies(after, "long"):
        assert reply["error"].startswith("context_length: HTTP 400: ")
        assert reply["text"] is None
    errors = {row["template"] for row in after["json_schema"] if row["reply"]["error"]}
    assert errors == {"long"}


def test_a_server_that_dies_costs_the_rows_it_had_not_answered(cut):
    done, _ = cut
    assert [row["prompt_id"] for row in done] == [f"p{index}" for index in range(DOOMED)]
    answered = [row["reply"] for row in done if row["reply"]["error"] is None]
    lost = [row["reply"] for row in done if row["reply"]["error"] is not None]
    assert len(answered) >= ENOUGH - IN_FLIGHT, "what was answered before stays an answer"
    assert len(lost) > IN_FLIGHT, "more than what was under way"
    assert all(reply["text"] and reply["model"] == "embedded" for reply in answered)
    assert all(reply["text"] is None and reply["error"].startswith("endpoint_down: ") for reply in lost)
    for reply in (row["reply"] for row in done if row["template"] == "city" and row["reply"]["error"] is None):
        jsonschema_rs.validate(SCHEMAS["city"], json.loads(reply["text"]))


def test_a_dead_server_costs_seconds_and_is_told(cut, server):
    assert cut[1] < 20
    assert not server.engine().probe(0).ok
