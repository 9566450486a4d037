"""A run with a real engine, killed in the middle and resumed: long, since it starts the engine twice."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from apigen_ray.rundir import RunDir
from apigen_ray.storage import parquet_files, read_tables

ROOT = Path(__file__).parents[2]
SIZE = 96


def prompts(directory: RunDir) -> list[str]:
    """Ids of the prompts that have a reply, each as often as it has one."""
    return [row["prompt_id"] for table in read_tables(parquet_files(directory.drafts(0))) for row in table.to_pylist()]


@pytest.mark.long
@pytest.mark.ray
@pytest.mark.vllm
def test_what_a_real_engine_wrote_before_a_kill_is_kept_and_not_asked_again(tmp_path: Path, processes: Any) -> None:
    directory = RunDir(tmp_path / "quickstart")
    command = [sys.executable, "jobs/run.py", "jobs/quickstart.yaml", "--resume"]
    command += ["--set", f"size={SIZE}", "--set", f"output.dir={tmp_path}"]
    environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True) as driver:
        while not parquet_files(directory.drafts(0)):
            assert driver.poll() is None
            time.sleep(0.05)
        ours = processes.below(driver.pid)
        driver.kill()
    assert processes.that_stay(ours, 120) == set()  # Ray's agents look for their dead for a minute
    before = {file: file.read_bytes() for file in parquet_files(directory.drafts(0))}
    kept = prompts(directory)
    assert 0 < len(kept) < SIZE
    assert directory.result() == {}

    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert {file: file.read_bytes() for file in before} == before
    # every reply is kept where it is written: one to a prompt that had one would lie there beside the first
    after = prompts(directory)
    assert len(after) == len(set(after)) == SIZE
    assert set(after) > set(kept)
    assert directory.result()["outcome"] == "done"
    assert directory.result()["samples"] == SIZE
