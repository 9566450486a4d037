"""The notebooks are executed in their order, in one folder, and what they say of their runs is true."""

import importlib.util
import math
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import apigen_ray
from apigen_ray.engines.embedded import embedded_model
from apigen_ray.errors import EnvironmentFault

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
NEEDED = ("jupytext", "nbclient", "ipykernel", "vllm", "trl", "datasets")

pytestmark = [pytest.mark.ray, pytest.mark.vllm]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where they run, one after another: later ones read what the first one made."""
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        pytest.skip(f"not installed: {', '.join(missing)}")
    try:
        embedded_model()
    except EnvironmentFault as fault:
        pytest.skip(fault.message)
    return tmp_path_factory.mktemp("notebooks")


def built(folder: Path, name: str) -> str:
    """What a notebook prints, built by the command that `make notebooks` gives."""
    import nbformat

    # of two busy threads on two busy cores each waits for the other
    ours = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(folder / "cache")}
    environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"} | ours
    command = [sys.executable, str(NOTEBOOKS / "build.py"), str(folder / "out"), name]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3_000:]
    cells = [cell for cell in nbformat.read(folder / "out" / f"{name}.ipynb", 4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == [*range(1, len(cells) + 1)]
    outputs = [output for cell in cells for output in cell.outputs]
    return "".join(output.get("text") or output["data"]["text/plain"] + "\n" for output in outputs)


def verdicts(run: apigen_ray.Run) -> Counter[str]:
    return Counter(row["verdict"] for row in run.samples(None))


def test_first_samples(folder: Path) -> None:
    said = built(folder, "1_first_samples")
    run = apigen_ray.open_run(folder / "runs" / "first-samples")
    assert verdicts(run)["verified"] >= 5
    assert f"{verdicts(run)['verified']} of 36 rows are verified" in said
    for row in run.samples():
        assert row["query"] in said
    assert "value_not_in_query" in said


def test_your_own_apis(folder: Path) -> None:
    said = built(folder, "2_your_own_apis")
    assert "function 'shelf': parameter 'item' has no type hint" in said
    run = apigen_ray.open_run(folder / "runs" / "my-apis")
    rows = list(run.samples())
    assert rows
    assert {row["execution_mode"] for row in rows} == {"live"}
    assert all(row["query"] in said for row in rows)
    calls = Counter(row["planned"][0]["name"] for row in run.samples(None) if row["planned"])
    assert calls.keys() >= {"gas_mark", "parcel_postage", "bread_hydration", "account_balance", "melting_point"}
    answered: list[Any] = [row["results"][0] for row in run.samples(None) if row["results"]]
    assert {result["status"] for result in answered} == {"passed"}, "the operation with the token too"


def test_read_the_rejections(folder: Path) -> None:
    said = built(folder, "3_read_the_rejections")
    run, broken = (apigen_ray.open_run(folder / "runs" / name) for name in ("first-samples", "broken"))
    by_code = {code: int(count) for count, code in re.findall(r"^ *(\d+)  \w+ +(\w+)$", said, re.MULTILINE)}
    assert sum(by_code.values()) == sum(verdicts(run).values()) - verdicts(run)["verified"]
    kinds = Counter(row["source_id"].partition(",")[0] for row in broken.samples(None))
    passed = Counter(row["source_id"].partition(",")[0] for row in broken.samples())
    assert kinds["as it was"] == kinds["argument left out"] == passed["as it was"] == verdicts(run)["verified"]
    assert (
        passed["argument left out"]
        == passed["argument invented"]
        == passed["other values"]
        == 0
        < kinds["other values"]
    )
    assert f"precision: {passed['as it was']} of the {passed.total()} that passed are right" in said


def test_from_run_to_fine_tune(folder: Path) -> None:
    said = built(folder, "4_from_run_to_fine_tune")
    [losses] = re.findall(r"^losses: \[(.*)\]$", said, re.MULTILINE)
    assert len(losses.split(", ")) == 2
    assert all(math.isfinite(float(loss)) for loss in losses.split(", "))
    assert re.search(
        r'^learnt of the first row: <tool_call>\n\{"name":.*\}\n</tool_call><\|im_end\|>$', said, re.MULTILINE
    )
    assert len(re.findall("^(?:before|after): (?:the right calls[?] (?:True|False)|no JSON)", said, re.MULTILINE)) == 2
