"""Generation through the graph over vLLM against plain ``vllm.LLM.chat``: tokens per second, and seconds to be ready.

Run: ``python bench/generation.py [--prompts 256] [--pairs 7] [--max-tokens 64] [--threads 2] [--schema]``, on CPUs with
the embedded model. Both sides get the same prompts, threads, OpenMP settings and engine arguments, greedy; they take
turns, each in a fresh process. A side is ready when its warm-up prompts are answered; what it takes until then stands
apart. The rate is the tokens written for the prompts after that, over the time from their start to their last reply.
Memory is the peak of the proportional set sizes of all processes of a side.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil

WARM_UP = 32  # one batch of the engine, so that it leaves before the others begin
MAX_MODEL_LEN = 2048
TOPICS = ("a train", "a recipe", "the weather", "a loan", "a film", "a parcel", "a hotel", "an invoice")
SCHEMA = {
    "type": "object",
    "properties": {"query": {"type": "string", "maxLength": 120}, "topic": {"enum": list(TOPICS)}},
    "required": ["query", "topic"],
    "additionalProperties": False,
}


def prompt(number: int) -> str:
    """About 390 tokens: as long as a generator's prompt with one tool and two examples, no two alike."""
    words = random.Random(number)
    lines = [
        f"{words.choice(TOPICS)} for {words.randint(2, 900)} people on day {words.randint(1, 28)}" for _ in range(22)
    ]
    return "Write one short request that a customer may send. Known so far:\n" + "\n".join(lines)


def plain(options: argparse.Namespace, begun: float) -> dict[str, Any]:
    """The baseline: vLLM in this process, all prompts in one call."""
    os.environ |= {
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_LOGGING_LEVEL": "ERROR",
        "OMP_NUM_THREADS": str(options.threads),
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    from vllm import LLM, SamplingParams
    from vllm.sampling_params import StructuredOutputsParams

    from apigen_ray.engines.embedded import embedded_model

    llm = LLM(
        str(embedded_model()),
        max_model_len=MAX_MODEL_LEN,
        enforce_eager=True,
        seed=0,
        kv_cache_memory_bytes=2 * 2**30,
        disable_log_stats=True,
        structured_outputs_config={"backend": "xgrammar", "disable_any_whitespace": True},
    )

    def chat(numbers: range) -> int:
        shape = StructuredOutputsParams(json=json.dumps(SCHEMA)) if options.schema else None
        params = SamplingParams(temperature=0, max_tokens=options.max_tokens, structured_outputs=shape)
        messages: list[Any] = [[{"role": "user", "content": prompt(number)}] for number in numbers]
        return sum(len(one.outputs[0].token_ids) for one in llm.chat(messages, params, use_tqdm=False))

    chat(range(-WARM_UP, 0))
    ready = time.time() - begun
    started = time.time()
    tokens = chat(range(options.prompts))
    return {"ready": ready, "tokens": tokens, "seconds": time.time() - started}


class Ask:
    """Holds the measured prompts back until the warm-up is answered."""

    name = "reply"

    def __init__(self, gate: str, schema: bool, max_tokens: int) -> None:
        self.gate, self.schema, self.max_tokens = Path(gate), schema, max_tokens

    def request(self, row: Any) -> Any:
        """The request for a row."""
        from apigen_ray.records import Request

        while row["index"] >= 0 and not self.gate.exists():
            time.sleep(0.01)
        message = {"role": "user", "content": prompt(row["index"])}
        return Request((message,), schema=SCHEMA if self.schema else None, max_tokens=self.max_tokens)


def graph(options: argparse.Namespace, begun: float) -> dict[str, Any]:
    """The product: the engine attached to a dataset, replies read as they come."""
    import pyarrow as pa
    import ray

    from apigen_ray.engines.vllm import VllmEngine, VllmSampling, VllmSpec
    from apigen_ray.graph.session import ray_session
    from apigen_ray.records import DRAFT
    from apigen_ray.tables import conform, table_of

    spec = VllmSpec(
        engine="vllm",
        model="embedded",
        device="cpu",
        threads=options.threads,
        max_model_len=MAX_MODEL_LEN,
        sampling=VllmSampling(temperature=0),
    )
    engine = VllmEngine(spec)
    engine.preload()

    def table(numbers: range) -> pa.Table:
        return conform(table_of([{"index": number} for number in numbers], DRAFT), DRAFT)

    tables = [table(range(-WARM_UP, 0))]
    tables += [table(range(low, min(low + 32, options.prompts))) for low in range(0, options.prompts, 32)]
    with tempfile.TemporaryDirectory() as folder, ray_session():
        gate = Path(folder) / "open"
        ask = Ask(str(gate), options.schema, options.max_tokens)
        dataset = engine.attach(ray.data.from_arrow(tables), ask, _always, DRAFT)
        started = ready = 0.0
        seen = warm = tokens = 0
        for batch in dataset.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
            for row in batch.select(["index", "reply"]).to_pylist():
                assert row["reply"]["error"] is None, row["reply"]
                seen += 1
                if row["index"] < 0:
                    warm += 1
                else:
                    tokens += row["reply"]["completion_tokens"]
            if not started and warm == WARM_UP:
                ready, started = time.time() - begun, time.time()
                gate.touch()
        seconds = time.time() - started
    assert seen == WARM_UP + options.prompts
    return {"ready": ready, "tokens": tokens, "seconds": seconds}


def _always(row: Any) -> bool:
    return True


def watched(arguments: list[str]) -> dict[str, Any]:
    """Runs one side in a fresh process; adds CPU seconds and peak PSS (MiB) of it and all its descendants."""
    cpu: dict[int, float] = {}
    peak = 0
    over = threading.Event()

    def watch(root: psutil.Process) -> None:
        nonlocal peak
        while not over.wait(1.0):
            total = 0
            try:
                family = [root, *root.children(recursive=True)]
            except psutil.Error:
                return
            for process in family:
                try:
                    times = process.cpu_times()
                    cpu[process.pid] = times.user + times.system
                    total += process.memory_full_info().pss
                except (psutil.Error, OSError):
                    continue
            peak = max(peak, total)

    side = subprocess.Popen(
        [sys.executable, __file__, *arguments, "--begun", str(time.time())],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    watcher = threading.Thread(target=watch, args=(psutil.Process(side.pid),))
    watcher.start()
    output, _ = side.communicate()
    over.set()
    watcher.join()
    assert side.returncode == 0, f"{arguments} failed; run it by hand to see why"
    figures: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return figures | {"cpu": sum(cpu.values()), "pss": peak / 2**20}


def interval(values: list[float]) -> str:
    """The median and, from six values on, an interval that holds the true one with 95 % (order statistics)."""
    ordered = sorted(values)
    count = len(ordered)
    # ranks of the sign test's interval; below six values none reaches 95 %
    rank = {6: 0, 7: 0, 8: 0, 9: 1, 10: 1, 11: 1}.get(count, 0 if count < 6 else count // 2 - int(0.98 * count**0.5))
    label = "95 %" if count >= 6 else "range"
    return f"{statistics.median(ordered):.2f} ({label}: {ordered[rank]:.2f} to {ordered[-1 - rank]:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=256)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--schema", action="store_true", help="constrain every reply by a JSON Schema")
    parser.add_argument("--side", choices=["plain", "graph"], help=argparse.SUPPRESS)
    parser.add_argument("--begun", type=float, default=time.time(), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps((plain if options.side == "plain" else graph)(options, options.begun)), flush=True)
        return
    common = [f"--prompts={options.prompts}", f"--max-tokens={options.max_tokens}", f"--threads={options.threads}"]
    common += ["--schema"] if options.schema else []
    rates, delays = [], []
    print("side      tokens/s   ready s   CPU s   peak PSS MiB   tokens   load before")
    for pair in range(options.pairs):
        order = ["plain", "graph"] if pair % 2 == 0 else ["graph", "plain"]
        found = {}
        for side in order:
            load = os.getloadavg()[0]
            one = found[side] = watched([*common, "--side", side])
            one["rate"] = one["tokens"] / one["seconds"]
            figures = f"{one['rate']:9.1f} {one['ready']:9.1f} {one['cpu']:7.0f} {one['pss']:14.0f} {one['tokens']:8d}"
            print(f"{side:8s} {figures}   {load:.1f}", flush=True)
        rates.append(found["graph"]["rate"] / found["plain"]["rate"])
        delays.append(found["graph"]["ready"] - found["plain"]["ready"])
    print(f"tokens/s, graph to plain: {interval(rates)}")
    print(f"ready later by, seconds: {interval(delays)}")


if __name__ == "__main__":
    main()
