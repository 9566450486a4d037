"""Time and memory by the number of rows: records, a resumed run, the drafts' share, the graph's own cost.

Run: ``python bench/scale.py PART``; sizes and numbers of pairs are options, whose defaults are small:

- ``records --rows 100000 1000000``: ``verify --stages format,execution,grounding`` on a small and a large file in
  turns; time per row of the large one over the small one's; peak PSS of all processes, and of the driver alone.
- ``resume --rows 1000000``: a run of so many prompts that was killed at 99 % (half of the rest was not drafted, half
  drafted and not judged) or, with ``--closed``, had ended with that half as errors, is resumed; its seconds beside a
  new run of as many prompts as are left, and how many of them went into closing all the rows, which a run that nobody
  killed does as well. The rows of the run are copies of some hundreds, each with its own ids and query, put there by
  the stages themselves.
- ``drafts --rows 40000``: the graph with and without the stage that writes drafts, in turns.
- ``graph --rows 40000``: drafts that are there, split, judged by no stage, written, closed; against Ray Data that
  reads the same files, maps the identity and writes.

Ratios are of neighbours in time: median, and the order statistics that hold it with about 95 %.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.compute as pc
import ray
import verify

from apigen_ray.config import SAMPLE, RunConfig, load_config
from apigen_ray.engines.scripted import ScriptedEngine
from apigen_ray.graph import round as graph
from apigen_ray.graph import stages
from apigen_ray.graph.close import close_round
from apigen_ray.graph.ids import Ids
from apigen_ray.graph.session import ray_session
from apigen_ray.graph.stopping import tallies
from apigen_ray.job import loop
from apigen_ray.job import verify as records_job
from apigen_ray.job.conduct import Conductor
from apigen_ray.job.ingest import IngestOptions
from apigen_ray.job.prepare import Prepared, prepare
from apigen_ray.records import DRAFT
from apigen_ray.rundir import RunDir
from apigen_ray.storage import parquet_files
from apigen_ray.tables import set_columns
from apigen_ray.verifiers import VERIFIERS

ROOT = Path(__file__).parents[1]
PARTS = ("look_back", "round_graph", "close_round", "write_seeds", "summarise")
BLOCK = 512
FAULTS = {"cut_off": 0.05, "wrong_type": 0.05, "value_not_in_query": 0.1}


# Measuring


@dataclass
class Run:
    """A child process from start to end, with what it printed as JSON in its last line."""

    seconds: float
    peak_mib: float
    driver_mib: float
    said: dict[str, Any]


def measured(*arguments: str) -> Run:
    """This file with other arguments, as a process: wall clock, peak PSS of its tree and of itself."""
    with tempfile.TemporaryFile("w+") as output:
        started = time.perf_counter()
        command = [sys.executable, __file__, *arguments]
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT)
        done = threading.Event()
        threading.Thread(target=lambda: (process.wait(), done.set()), daemon=True).start()
        peak = driver = 0.0
        while not done.wait(2):
            sizes = _sizes(process.pid)
            peak, driver = max(peak, sum(sizes)), max(driver, sizes[0] if sizes else 0)
        seconds = time.perf_counter() - started
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{text[-3000:]}")
    return Run(seconds, peak, driver, json.loads(text.strip().splitlines()[-1]))


def _sizes(pid: int) -> list[float]:
    """PSS in MiB of a process and of everything below it."""
    out = []
    try:
        root = psutil.Process(pid)
        tree = [root, *root.children(recursive=True)]
    except psutil.Error:  # it has just ended
        return []
    for one in tree:
        try:
            text = Path(f"/proc/{one.pid}/smaps_rollup").read_text()
        except OSError:
            continue
        out += [int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("Pss:")]
    return out


def told(label: str, ratios: list[float]) -> None:
    if ratios:
        print(f"{label}: {verify.interval(ratios, 3)}", flush=True)


# Records


def records(options: argparse.Namespace, folder: Path) -> None:
    small, large = sorted(options.rows)
    files = {rows: folder / f"{rows}.jsonl" for rows in (small, large)}
    for rows, file in files.items():
        verify.write_records(file, rows)
    ratios = []
    for _ in range(options.pairs):
        runs = {rows: measured("--one", "records", str(files[rows]), str(folder / "out")) for rows in (small, large)}
        for rows, run in runs.items():
            print(
                f"  {rows:,} rows: {run.seconds:.1f} s ({parts(run)}), peak PSS {run.peak_mib:,.0f} MiB, driver "
                f"{run.driver_mib:,.0f} MiB; {run.said['files']} files",
                flush=True,
            )
        ratios.append((runs[large].seconds / large) / (runs[small].seconds / small))
    told(f"seconds a row at {large:,} over those at {small:,}", ratios)


def one_records(source: str, out: str) -> None:
    spec = records_job.VerifySpec.load(library="builtin", stages=["format", "execution", "grounding"])
    with timed() as seconds:
        result = records_job.verify_records(Path(source), Path(out), IngestOptions(), spec, clean=True)
    print(json.dumps(seconds | {"files": len(result.run.sample_files())}))


@contextmanager
def timed() -> Iterator[dict[str, float]]:
    """Seconds that the parts of a run take, beside its start and the session's."""
    seconds: dict[str, float] = {}

    def clocked(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                seconds[name] = seconds.get(name, 0) + time.perf_counter() - started

        return run

    places = [(module, name) for module in (loop, records_job) for name in PARTS if hasattr(module, name)]
    before = [(place, name, getattr(place, name)) for place, name in [*places, (Conductor, "conduct")]]
    for place, name, function in before:
        setattr(place, name, clocked(name, function))
    try:
        yield seconds
    finally:
        for place, name, function in before:
            setattr(place, name, function)


def parts(run: Run) -> str:
    return ", ".join(f"{name} {run.said[name]:.1f}" for name in (*PARTS, "conduct") if name in run.said)


# A run that is almost done


def config(folder: Path, rows: int, name: str) -> RunConfig:
    """One generator and no judge; a fifth of what it drafts is bad on purpose."""
    told = {
        "generators": [{"name": "scripted", "engine": "scripted", "faults": FAULTS}],
        "stages": ["format", "execution", "grounding"],
        "output.dir": str(folder),
        "size": rows,
        "rounds": 1,
        "name": name,
        "output.max_error_share": 1,
        "execution.timeout_s": 2,
    }
    return load_config(ROOT / "jobs" / "smoke.yaml", [f"{key}={json.dumps(value)}" for key, value in told.items()])


def almost_done(prepared: Prepared, closed: bool) -> RunDir:
    """A run directory as a killed run leaves it, or an ended one whose last rows are errors."""
    size = prepared.config.size
    run = loop.open_run(prepared, resume=False, clean=True)
    planner, judging = prepared.planner(), prepared.judging()
    pattern = stages.plan(range(BLOCK), planner, 0, ["scripted"], size)
    engine, ask = prepared.drafting(planner).generators["scripted"], prepared.asks()["query_first"]
    assert isinstance(engine, ScriptedEngine)
    pattern = engine.answer(pattern, ask, lambda row: row["reply"] is None, DRAFT)
    judged = stages.split(pattern, prepared.asks(), Ids(), SAMPLE)
    judged = stages.verify(judged, [kind(judging.setting) for kind in VERIFIERS], judging.stages)
    drafted = size - size // 200
    for start in range(0, drafted, BLOCK):
        places = range(start, min(start + BLOCK, drafted))
        drafts = moved(pattern, planner.prompt_ids(0, "scripted", places), places)
        stages.persist(drafts, "scripted", str(run.drafts(0)))
        samples = moved(judged, planner.prompt_ids(0, "scripted", places), places)
        lost = pa.array([place % 200 == 0 for place in samples["index"].to_pylist()])
        if closed:  # the judge was down, let us say
            status = pc.if_else(lost, "error", samples["grounding_status"])
            samples = set_columns(samples, {"grounding_status": status})
        else:
            samples = samples.filter(pc.invert(lost))
        stages.sink(samples, str(run.samples(0)))
    return run


def moved(table: pa.Table, ids: Sequence[str], places: range) -> pa.Table:
    """Copies of drafts or samples at other places of the plan, each with a query of its own."""
    table = table.filter(pc.less(table["index"], len(places)))
    at = table["index"].to_numpy()
    new = {"prompt_id": [ids[place] for place in at], "index": at + places.start}
    if "sample_id" in table.column_names:
        pairs = zip(new["prompt_id"], table["pair"].to_pylist(), strict=True)
        new["sample_id"] = [stages.sample_id(*pair) for pair in pairs]
        numbers = pa.array(map(str, new["index"].tolist()))
        new["query"] = pc.binary_join_element_wise(table["query"], numbers, " ")
    return set_columns(table, {name: pa.array(values, table.schema.field(name).type) for name, values in new.items()})


def resume(options: argparse.Namespace, folder: Path) -> None:
    over, closing = [], []
    for _ in range(options.pairs):
        prepared = prepare(config(folder, options.rows, "almost"))
        started = time.perf_counter()
        run = almost_done(prepared, options.closed)
        if options.closed:
            with ray_session():
                close_round(run, 0)
        print(f"  {options.rows:,} prompts put there in {time.perf_counter() - started:.0f} s", flush=True)
        left = options.rows // 200 + (options.rows - options.rows // 200) // 200
        again = measured("--one", "run", str(folder), str(options.rows), "almost")
        fresh = measured("--one", "run", str(folder), str(left), "fresh")
        print(
            f"  resumed: {again.seconds:.1f} s ({parts(again)}), peak PSS {again.peak_mib:,.0f} MiB, driver "
            f"{again.driver_mib:,.0f} MiB; {left:,} prompts anew: {fresh.seconds:.1f} s ({parts(fresh)}); "
            f"{again.said['samples']:,} samples, {again.said['errors']} of them errors",
            flush=True,
        )
        over.append(again.seconds - fresh.seconds)
        closing.append(again.said["close_round"] - fresh.said["close_round"])
    told("seconds beside a new run of what is left", over)
    told("of these closing, which a run that nobody killed does as well", closing)


def one_run(folder: str, rows: str, name: str) -> None:
    with timed() as seconds:
        result = loop.run(config(Path(folder), int(rows), name), resume=name == "almost", clean=name != "almost")
    summary = result.summary
    print(json.dumps(seconds | {"samples": summary.samples, "errors": summary.total("error")}))


# The graph


def drafts(options: argparse.Namespace, folder: Path) -> None:
    prepared = prepare(config(folder, options.rows, "drafts"))
    keep, judging = graph._keep, prepared.judging()

    def pass_on(table: pa.Table, **_: Any) -> pa.Table:
        return table

    def once(stage: Callable[..., pa.Table]) -> None:
        graph._keep = stage
        run = RunDir(folder / "drafts-run")
        shutil.rmtree(run.path, ignore_errors=True)
        drafting = prepared.drafting(prepared.planner())
        assert sum(tally["prompts"] for tally in tallies(graph.round_graph(run, 0, drafting, judging)))
        assert bool(parquet_files(run.drafts(0))) == (stage is keep)

    shares = []
    with ray_session():
        for pair in range(options.pairs + 1):
            order = (keep, pass_on) if pair % 2 else (pass_on, keep)
            seconds = {stage: clock(partial(once, stage)) for stage in order}
            if pair:  # the first warms the workers up
                print(f"  with {seconds[keep]:.1f} s, without {seconds[pass_on]:.1f} s", flush=True)
                shares.append(1 - seconds[pass_on] / seconds[keep])
    told("share of the run", shares)


def cost(options: argparse.Namespace, folder: Path) -> None:
    prepared = prepare(config(folder, options.rows, "cost"))
    run = RunDir(folder / "cost-run")
    planner, judging = prepared.planner(), replace(prepared.judging(), stages=())
    engine, ask = prepared.drafting(planner).generators["scripted"], prepared.asks()["query_first"]
    assert isinstance(engine, ScriptedEngine)
    pattern = engine.answer(
        stages.plan(range(BLOCK), planner, 0, ["scripted"], options.rows), ask, lambda row: row["reply"] is None, DRAFT
    )
    for start in range(0, options.rows, BLOCK):
        places = range(start, min(start + BLOCK, options.rows))
        stages.persist(
            moved(pattern, planner.prompt_ids(0, "scripted", places), places), "scripted", str(run.drafts(0))
        )
    files = [str(file) for file in parquet_files(run.drafts(0))]
    ratios = []

    def ours() -> None:
        dataset = graph.round_graph(run, 0, prepared.drafting(planner), judging)
        assert sum(tally["prompts"] for tally in tallies(dataset)) == options.rows
        close_round(run, 0)

    def bare() -> None:
        dataset = ray.data.read_parquet(files).map_batches(lambda table: table, **graph.ARROW)
        dataset.write_parquet(str(folder / "bare"))

    with ray_session():
        for pair in range(options.pairs + 1):
            shutil.rmtree(run.path / "samples", ignore_errors=True)
            run.manifest_path.unlink(missing_ok=True)
            shutil.rmtree(folder / "bare", ignore_errors=True)
            seconds = {each.__name__: clock(each) for each in ((ours, bare) if pair % 2 else (bare, ours))}
            if pair:
                rates = {name: options.rows / each for name, each in seconds.items()}
                print(f"  ours {rates['ours']:,.0f} rows/s, bare {rates['bare']:,.0f} rows/s", flush=True)
                ratios.append(seconds["ours"] / seconds["bare"])
    told("seconds of ours over those of bare Ray Data", ratios)


def clock(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        {"records": one_records, "run": one_run}[sys.argv[2]](*sys.argv[3:])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    several = parser.add_subparsers(required=True, metavar="PART")
    for name, work, rows in (
        ("records", records, [2000, 20_000]),
        ("resume", resume, 20_000),
        ("drafts", drafts, 5000),
        ("graph", cost, 20_000),
    ):
        part = several.add_parser(name)
        part.set_defaults(work=work)
        part.add_argument("--pairs", type=int, default=1)
        part.add_argument("--rows", type=int, default=rows, nargs=2 if name == "records" else None)
        part.add_argument(
            "--folder", type=Path, help="where scratch files go; by default the folder for temporary ones"
        )
        if name == "resume":
            part.add_argument("--closed", action="store_true", help="the run had ended, with rows that were not judged")
    options = parser.parse_args()
    os.chdir(ROOT)  # paths in a run file are relative to the current folder
    with tempfile.TemporaryDirectory(prefix="bench-scale-", dir=options.folder) as name:
        options.work(options, Path(name))


if __name__ == "__main__":
    main()
