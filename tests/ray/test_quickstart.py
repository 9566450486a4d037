"""What the quickstart promises of its rows, by the real model: long, since it runs the whole recipe."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from apigen_ray.config import load_config
from apigen_ray.job.loop import run
from apigen_ray.job.prepare import prepare
from apigen_ray.rundir import RunDir
from apigen_ray.storage import read_tables

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "jobs" / "quickstart.yaml"


def runs_of_six(text: str, values: list[str]) -> set[tuple[str, ...]]:
    """Every six words in a row; what is a value, a number or a date is one and the same word."""
    for value in sorted(values, key=len, reverse=True):
        text = re.sub(re.escape(value), " # ", text, flags=re.IGNORECASE)
    words = ["#" if re.search(r"\d|#", word) else word for word in re.findall(r"[^\s,.;:?!()\[\]\"]+", text.lower())]
    sixes = {tuple(words[i : i + 6]) for i in range(len(words) - 5)}
    return {six for six in sixes if "#" not in six}


def values_of(calls: list[dict[str, object]]) -> list[str]:
    def leaves(value: object) -> list[str]:
        if isinstance(value, dict):
            return [leaf for item in value.values() for leaf in leaves(item)]
        if isinstance(value, list):
            return [leaf for item in value for leaf in leaves(item)]
        return [str(value)] if str(value) else []

    return [leaf for call in calls for leaf in leaves(call["arguments"])]


@pytest.mark.long
@pytest.mark.ray
@pytest.mark.vllm
def test_the_quickstart_keeps_its_promises(ray_session: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    config = load_config(RECIPE, [f"output.dir={tmp_path}"])
    result = run(config)
    rows = [row for table in read_tables(RunDir(result.run.path).sample_files()) for row in table.to_pylist()]
    library = prepare(config).library
    category = {api.name: api.category for api in library.apis}
    called = Counter(call["name"] for row in rows if row["planned"] for call in json.loads(row["planned"]))

    assert len(rows) == config.size
    assert len(called) >= 20
    assert len({category[name] for name in called}) >= 8
    assert {row["style"] for row in rows} == {"simple", "multiple", "parallel", "parallel_multiple"}

    verified = [row for row in rows if row["verdict"] == "verified"]
    assert len(verified) >= 15
    assert len({call["name"] for row in verified for call in json.loads(row["answers"])}) >= 8
    assert len({row["query"].casefold() for row in verified}) == len(verified)
    ask = prepare(config).asks()["call_first"]
    for row in verified:
        values = values_of(json.loads(row["answers"]))
        prompt = "\n".join(message["content"] for message in ask.request(row).messages)
        assert not runs_of_six(row["query"], values) & runs_of_six(prompt, values), row["query"]
        assert all(result["status"] == "passed" for result in json.loads(row["results"]))


def test_runs_of_six_are_found() -> None:
    prompt = "Write it plainly: what is the weight of the parcel in Rome"
    assert runs_of_six("So what is the weight of the parcel?", []) & runs_of_six(prompt, [])
    assert not runs_of_six("What is the length of the parcel?", []) & runs_of_six(prompt, [])
    assert not runs_of_six("what is the weight of 12", ["12"]) & runs_of_six("what is the weight of 12", ["12"])
