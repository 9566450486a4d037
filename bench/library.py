"""``apigen library import`` of OpenAPI documents: seconds for 500 operations, and memory over thousands of documents.

Run: ``python bench/library.py [--pairs 3]``; some five minutes. Each import is a whole process, so that start-up is in
its seconds and its peak (``ru_maxrss``) is its own.

- One document of 500 operations with shared schemas, parameters of all places, bodies and answers.
- A folder of ``--specs`` documents of ten operations each, and one of a tenth of it: peak memory of the large import
  over that of the small one, one after the other. ``--folder`` repeats the documents of a folder in place of ours.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PLACES = ("user", "order", "invoice", "ticket", "device", "report", "team", "branch", "coupon", "parcel")
WORDS = "Give the stored one with all its parts, newest first, as of the day that is asked for.".split()


def document(operations: int, seed: int) -> dict[str, Any]:
    """An OpenAPI 3.0 document with so many operations, four to a path."""
    rng = random.Random(seed)
    schemas: dict[str, Any] = {
        name.title(): {
            "type": "object",
            "required": ["id"],
            "properties": {
                "id": {"type": "string", "format": "uuid"},
                **{f"{word.strip(',.')}_{n}": {"type": rng.choice(("string", "integer", "boolean", "number"))}
                   for n, word in enumerate(rng.sample(WORDS, 8))},
                "parts": {"type": "array", "items": {"$ref": f"#/components/schemas/{PLACES[(at + 1) % 10].title()}"}}
                if at < 7 else {"type": "array", "items": {"type": "string", "enum": ["a", "b", "c"]}},
            },
        }
        for at, name in enumerate(PLACES)
    }  # fmt: skip
    paths: dict[str, Any] = {}
    for number in range(operations):
        name = PLACES[number // 4 % 10]
        method, path = ("get", "put", "post", "delete")[number % 4], f"/v{number // 40}/{name}s/{{{name}_id}}"
        reference = {"schema": {"$ref": f"#/components/schemas/{name.title()}"}}
        operation = {
            "operationId": f"{method}_{name}_{number}",
            "summary": f"{method.title()} one {name}",
            "description": " ".join(rng.sample(WORDS, 12)),
            "parameters": [
                {"name": f"{name}_id", "in": "path", "required": True, "schema": {"type": "string"}},
                {"name": "since", "in": "query", "schema": {"type": "string", "format": "date"}},
                {"name": "fields", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
                {"name": "X-Api-Key", "in": "header", "required": True, "schema": {"type": "string"}},
            ],
            "responses": {"200": {"description": "ok", "content": {"application/json": reference}}},
        }
        if method in ("put", "post"):
            operation["requestBody"] = {"required": True, "content": {"application/json": reference}}
        paths.setdefault(path, {})[method] = operation
    info = {"title": "Bench", "version": "1"}
    return {"openapi": "3.0.3", "info": info, "servers": [{"url": "https://bench.example/api"}], "paths": paths,
            "components": {"schemas": schemas}}  # fmt: skip


@dataclass(frozen=True)
class Import:
    """What one import took.

    Attributes:
        rows: entries in the library.
        seconds: by the clock.
        cpu_s: of the process.
        peak_mb: MiB of its largest resident set.
    """

    rows: int
    seconds: float
    cpu_s: float
    peak_mb: float


def run_import(source: Path, folder: Path) -> Import:
    """One ``apigen library import`` as a process."""
    out = folder / "library"
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-c", "from apigen_ray.cli import main; main()", "library", "import", str(source)]
    started = time.perf_counter()
    process = subprocess.Popen([*command, "--out", str(out)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"the import of {source} failed")
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    return Import(manifest["rows"], seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def repeated(folder: Path, count: int, real: Path | None) -> Path:
    """A folder of so many documents: ours, or links to those of a folder, in turns."""
    folder.mkdir()
    found = sorted(file for file in real.rglob("*.[jy]*") if file.name != "index.json") if real else []
    for number in range(count):
        if found:
            given = found[number % len(found)]
            (folder / f"{number}{given.suffix}").symlink_to(given.absolute())
        else:
            (folder / f"{number}.json").write_text(json.dumps(document(10, number % 50)), "utf-8")
    return folder


def main() -> None:
    """Runs both parts and prints what they took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=3, help="times that each part is run")
    parser.add_argument("--specs", type=int, default=3000, help="documents of the large folder; 0: none")
    parser.add_argument("--folder", type=Path, help="documents to repeat")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="apigen-bench-") as name:
        scratch = Path(name)
        one = scratch / "one.json"
        one.write_text(json.dumps(document(500, 0)), "utf-8")
        for _ in range(options.pairs):
            took = run_import(one, scratch)
            print(f"one document, {took.rows} operations: {took.seconds:.1f} s, {took.cpu_s:.1f} s of CPU, "
                  f"{took.peak_mb:.0f} MiB; load {os.getloadavg()[0]:.1f}", flush=True)  # fmt: skip
        if not options.specs:
            return
        small = repeated(scratch / "small", max(1, options.specs // 10), options.folder)
        large = repeated(scratch / "large", options.specs, options.folder)
        ratios = []
        for _ in range(options.pairs):
            pair = [run_import(small, scratch), run_import(large, scratch)]
            ratios.append(pair[1].peak_mb / pair[0].peak_mb)
            for count, took in zip((max(1, options.specs // 10), options.specs), pair, strict=True):
                print(f"{count} documents, {took.rows} operations: {took.seconds:.1f} s, {took.cpu_s:.1f} s of CPU, "
                      f"{took.peak_mb:.0f} MiB; load {os.getloadavg()[0]:.1f}", flush=True)  # fmt: skip
        print(f"peak of the large folder over the small one's: median {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
