"""``apigen verify`` against distilabel's APIGen execution checker on the same records: rows per second, CPU, memory.

Run: ``python bench/verify.py [--pairs 7]``; about fifteen minutes, most of it distilabel's. Records of about 2 KB, with
calls to our built-in functions of which more than nine in ten execute. Each program runs as a whole process on a small
and on a large file; the rate in steady state is the slope between the two, so that start-up is not in it. distilabel
gets an environment of its own under ``.cache``. It only executes; we also read tools, check the format, write Parquet.
"""

import argparse
import ast
import hashlib
import importlib
import json
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
import psutil
import pyarrow.parquet as pq

from apigen_ray.library import BUILTIN, load_library
from apigen_ray.records import Api, dumps
from apigen_ray.sampling import lexicon_files, load_lexicons
from apigen_ray.sampling.values import Arguments

ROOT = Path(__file__).parents[1]
PEER = ROOT / ".cache" / "bench-peers" / "distilabel-1.5.3"
ROW_BYTES = 2000

PEER_SCRIPT = """
import json, sys, time
source, library, mode, result = sys.argv[1:]

def rows():
    with open(source, encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield {key: json.dumps(value) if key in ("answers", "tools") else value for key, value in row.items()}

def main():
    from distilabel.steps.tasks import APIGenExecutionChecker
    if mode == "process":
        step = APIGenExecutionChecker(name="check", libpath=library)
        step.load()
        data = list(rows())
        started = time.perf_counter()
        done = next(step.process(data))
        seconds = time.perf_counter() - started
    else:
        from datasets import Dataset
        from distilabel.pipeline import Pipeline
        data = Dataset.from_list(list(rows()))
        with Pipeline(name="bench") as pipeline:
            batch = {} if mode == "default" else {"input_batch_size": int(mode)}
            APIGenExecutionChecker(name="check", libpath=library, **batch)
        started = time.perf_counter()
        distiset = pipeline.run(dataset=data, use_cache=False)
        seconds = time.perf_counter() - started
        done = distiset["default"]["train"]
    kept = sum(bool(row["keep_row_after_execution_check"]) for row in done)
    with open(result, "w") as file:
        json.dump({"seconds": seconds, "rows": len(done), "kept": kept}, file)

if __name__ == "__main__":
    main()
"""


@dataclass
class Run:
    """One process tree from start to end."""

    seconds: float
    cpu_seconds: float
    peak_pss_mb: float


# Records


def records(rows: int, seed: int = 0) -> Iterator[str]:
    """JSON lines, the same ones for the same number."""
    apis = [api for api in load_library((BUILTIN,), Path()).apis if _plain_function(api)]
    lexicons = load_lexicons(lexicon_files())
    samplers = {api.name: Arguments(api, lexicons) for api in apis}
    tools = {api.name: dumps(api.tool()) for api in apis}
    for number in range(rows):
        rng = random.Random(f"{seed}:{number}")
        called = rng.choice(apis)
        arguments = samplers[called.name].draw(rng) or {}
        if number % 25 == 0:
            arguments = {**arguments, "unheard_of": 1}
        offered = [called.name]
        while sum(len(tools[name]) for name in offered) < ROW_BYTES - 600:
            other = rng.choice(apis).name
            if other not in offered:
                offered.append(other)
        rng.shuffle(offered)
        query = f"Please do number {number}: {called.description} Use {dumps(arguments)}."
        row = {"id": f"r{number}", "query": query, "answers": [{"name": called.name, "arguments": arguments}]}
        yield f'{dumps(row)[:-1]},"tools":[{",".join(tools[name] for name in offered)}]}}'


def _plain_function(api: Api) -> bool:
    """Whether JSON values are what it takes: nothing to convert, so that a direct call is the same call."""
    return "format" not in dumps(api.parameters)


def write_records(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in records(rows))


def joined_library(path: Path) -> None:
    """Our functions in the one file that distilabel can hold in memory."""
    parts = []
    for file in sorted((ROOT / "apigen_ray" / "library" / "functions").glob("[a-z]*.py")):
        text = file.read_text("utf-8")
        lines = text.splitlines()
        for node in ast.parse(text).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                lines[node.lineno - 1 : node.end_lineno] = [""] * ((node.end_lineno or node.lineno) - node.lineno + 1)
        parts.append("\n".join(lines))
    path.write_text("\n\n".join(parts), "utf-8")


# The slow, plain path


def plain_outcomes(path: Path) -> dict[str, tuple[bool, str | None]]:
    """Whether each row's calls fit their tools, and what they return: json, one validator, one direct call."""
    homes = {api.name: api.source.location for api in load_library((BUILTIN,), Path()).apis if api.source}
    out: dict[str, tuple[bool, str | None]] = {}
    with path.open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            schemas = {tool["name"]: tool["parameters"] for tool in row["tools"]}
            fits = all(
                call["name"] in schemas and jsonschema_rs.is_valid(schemas[call["name"]], call["arguments"])
                for call in row["answers"]
            )
            values: list[Any] = []
            try:
                for call in row["answers"] if fits else ():
                    function = getattr(importlib.import_module(homes[call["name"]]), call["name"])
                    values.append(_value(dumps(function(**call["arguments"]))))
                out[row["id"]] = (fits, dumps(values) if fits else None)
            except Exception:  # whatever a function raises is an outcome
                out[row["id"]] = (fits, None)
    return out


def our_outcomes(run: Path) -> dict[str, tuple[bool, str | None]]:
    out: dict[str, tuple[bool, str | None]] = {}
    for file in run.glob("samples/**/*.parquet"):
        columns = ["source_id", "format_status", "execution_status", "results"]
        for row in pq.ParquetFile(file).read(columns).to_pylist():
            passed = row["execution_status"] == "passed"
            values = dumps([_value(result["value"]) for result in json.loads(row["results"])]) if passed else None
            assert row["source_id"] not in out, "a row came out twice"
            out[row["source_id"]] = (row["format_status"] == "passed", values)
    return out


def _value(text: str) -> Any:
    """A result in which 2 and 2.0 are one: ours hands a whole number to a float parameter as a float."""
    return json.loads(text, parse_int=float)


def digest(outcomes: Mapping[str, Any]) -> str:
    return hashlib.sha256(dumps(sorted(outcomes.items())).encode()).hexdigest()[:16]


# Runs


def measured(command: Sequence[str], log: Path) -> Run:
    """A command to its end: wall clock, CPU of all its processes, peak of their proportional set sizes together."""
    cpu: dict[tuple[int, float], float] = {}
    peak = 0.0
    started = time.perf_counter()
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT)
        done = threading.Event()
        threading.Thread(target=lambda: (process.wait(), done.set()), daemon=True).start()
        root = psutil.Process(process.pid)
        beat = 0
        while not done.wait(0.25):
            pss, beat = 0.0, beat + 1
            for one in _tree(root):
                try:
                    times = one.cpu_times()
                    cpu[one.pid, one.create_time()] = times.user + times.system
                    if beat % 4 == 0:
                        pss += one.memory_full_info().pss / 2**20
                except psutil.Error:  # it has just ended
                    continue
            peak = max(peak, pss)
    seconds = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{log.read_text()[-3000:]}")
    return Run(seconds, sum(cpu.values()), peak)


def _tree(root: psutil.Process) -> list[psutil.Process]:
    try:
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []


def ours(source: Path, folder: Path) -> Run:
    script = (
        "import sys; from pathlib import Path; from apigen_ray.job.ingest import IngestOptions; "
        "from apigen_ray.job.verify import VerifySpec, verify_records; "
        "verify_records(Path(sys.argv[1]), Path(sys.argv[2]), IngestOptions(), "
        "VerifySpec.load(library='builtin', stages=['format', 'execution']), clean=True)"
    )
    return measured([sys.executable, "-c", script, str(source), str(folder / "out")], folder / "ours.log")


def peer(source: Path, folder: Path, mode: str) -> tuple[Run, dict[str, Any]]:
    script, library, result = folder / "peer.py", folder / "functions.py", folder / "peer.json"
    run = measured(
        [str(PEER / "bin" / "python"), str(script), str(source), str(library), mode, str(result)], folder / "peer.log"
    )
    return run, json.loads(result.read_text())


def environment() -> None:
    """Makes distilabel's environment where it is missing."""
    if not (PEER / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEER)], check=True)
        subprocess.run([str(PEER / "bin" / "pip"), "install", "-q", "distilabel==1.5.3", "requests"], check=True)


def interval(values: Sequence[float], digits: int = 1) -> str:
    """Median, and the order statistics that hold it with about 95 % (all of them for fewer than nine)."""
    values = sorted(values)
    cut = max(0, int(len(values) / 2 - 0.98 * len(values) ** 0.5))
    low, middle, high = (f"{each:,.{digits}f}" for each in (values[cut], statistics.median(values), values[-1 - cut]))
    return f"{middle} [{low}, {high}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--rows", type=int, nargs=2, default=(20_000, 80_000), metavar=("SMALL", "LARGE"))
    parser.add_argument("--peer-rows", type=int, nargs=2, default=(2_000, 6_000), metavar=("SMALL", "LARGE"))
    parser.add_argument("--only", choices=("ours", "all"), default="all")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-verify-") as name:
        folder = Path(name)
        (folder / "peer.py").write_text(PEER_SCRIPT)
        joined_library(folder / "functions.py")
        files = {rows: folder / f"{rows}.jsonl" for rows in {*options.rows, *options.peer_rows}}
        for rows, path in files.items():
            write_records(path, rows)
        size = files[options.rows[1]].stat().st_size / options.rows[1]
        print(f"records: {size:,.0f} bytes each", flush=True)
        if options.only == "all":
            environment()
        rates: dict[str, list[float]] = {}
        for pair in range(options.pairs):
            _pair(options, folder, files, rates)
            if pair == 0:
                plain, own = plain_outcomes(files[options.rows[1]]), our_outcomes(folder / "out")
                executed = sum(value is not None for _, value in plain.values()) / len(plain)
                print(f"executed: {executed:.1%}; hash {digest(own)}, plain path {digest(plain)}", flush=True)
                assert own == plain
        own_rates = rates.pop("ours")
        print(f"ours: {interval(own_rates)} rows/s in steady state")
        for label, values in rates.items():
            ratios = [a / b for a, b in zip(own_rates, values, strict=True)]
            print(f"{label}: {interval(values)} rows/s; ours is {interval(ratios)} times that")


def _pair(options: argparse.Namespace, folder: Path, files: Mapping[int, Path], rates: dict[str, list[float]]) -> None:
    small, large = (ours(files[rows], folder) for rows in options.rows)
    _slope("ours", rates, options.rows, small.seconds, large.seconds, large, small)
    if options.only == "ours":
        return
    for mode in ("default", "500"):
        (first, a), (second, b) = (peer(files[rows], folder, mode) for rows in options.peer_rows)
        _slope(f"distilabel, batch {mode}", rates, options.peer_rows, a["seconds"], b["seconds"], second, first)
    _, result = peer(files[options.peer_rows[1]], folder, "process")
    rates.setdefault("distilabel's checker alone", []).append(result["rows"] / result["seconds"])
    print(f"  distilabel's checker alone: {result['rows'] / result['seconds']:,.0f} rows/s", flush=True)


def _slope(
    label: str, rates: dict[str, list[float]], rows: Sequence[int], a: float, b: float, large: Run, small: Run
) -> None:
    rate = (rows[1] - rows[0]) / (b - a)
    cpu = (large.cpu_seconds - small.cpu_seconds) / (rows[1] - rows[0]) * 1e6
    rates.setdefault(label, []).append(rate)
    print(
        f"  {label}: {rate:,.0f} rows/s ({a:.1f} s and {b:.1f} s), {cpu:,.0f} us of CPU a row, "
        f"peak PSS {large.peak_pss_mb:,.0f} MiB",
        flush=True,
    )


if __name__ == "__main__":
    main()
