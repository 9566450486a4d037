"""Small runs for the tests of publishing: rows, a config and a manifest, written as a run would write them."""

from pathlib import Path
from typing import Any

import yaml

from apigen_ray.config import SAMPLE
from apigen_ray.records import content_hash, dumps
from apigen_ray.rundir import RunDir
from apigen_ray.storage import write_once, write_text
from apigen_ray.tables import table_of

ROOT = Path(__file__).parents[2]
STYLES = {"simple": 1, "multiple": 1, "parallel": 2, "irrelevance": 0}
CONFIG = ROOT / "jobs" / "quickstart.yaml"

Row = dict[str, Any]


def row(number: int, style: str, **more: Any) -> Row:
    tool = {"name": "add", "description": "Adds | <b>.", "parameters": {"type": "object", "properties": {}}}
    calls = [{"name": "add", "arguments": {"n": number}}] * STYLES.get(style, 1)
    return {
        "sample_id": content_hash("hub", number),
        "round": 0,
        "index": number,
        "generator": "smollm2-135m",
        "style": style,
        "query": f"What is {number} and one?",
        "api_ids": ["a" * 24],
        "tools": dumps([tool]),
        "answers": dumps(calls),
        "results": dumps([{"status": "passed", "value": "1"} for _ in calls]),
        "execution_mode": "live",
        "reply": {"text": "what a model said", "model": "embedded", "prompt_tokens": 3, "completion_tokens": 2},
        "record": "what a model said",
        "semantic_words": dumps(
            {"likelihood": {"word": "likely", "logprob": -0.25}, "judge": {"thought": "well said"}}
        ),
        "semantic_detail": "on host build-7",
        **{f"{stage}_status": "passed" for stage in ("format", "execution", "grounding", "semantic")},
        "verdict": "verified",
    } | more


def write_run(path: Path, rows: list[Row], config: Row | None = None, **manifest: Any) -> Path:
    """A run directory without a run: rows, their config, and what a manifest says."""
    run = RunDir(path)
    write_text(run.config_path, yaml.safe_dump(config) if config else CONFIG.read_text("utf-8"))
    facts = {"kind": "run", "fingerprint": "f" * 24, "seed": 0, "stages": ["format", "execution", "grounding"]}
    run.update_manifest(**facts | manifest)
    for verdict in {row["verdict"] for row in rows}:
        table = table_of([row for row in rows if row["verdict"] == verdict], SAMPLE)
        write_once(table, run.samples(0) / f"verdict={verdict}", "part-0")
    run.close_round(0, sorted(run.samples(0).rglob("*.parquet")))
    return path


def rows_of(number: int = 40) -> list[Row]:
    return [row(place, list(STYLES)[place % len(STYLES)]) for place in range(number)]
