"""Runs that end early: by a limit, a signal, too many errors or a hang; resumed, they end like one that did not."""

import json
import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from apigen_ray.config import RunConfig, load_config
from apigen_ray.engines.base import map_actors
from apigen_ray.errors import RunFailedError, RunStoppedError
from apigen_ray.graph.failure import explained
from apigen_ray.graph.stopping import Stop
from apigen_ray.job.conduct import Silent
from apigen_ray.job.loop import run
from apigen_ray.rundir import RunDir
from apigen_ray.storage import parquet_files, read_tables

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_session")]

ROOT = Path(__file__).parents[2]
PRICE = {"prompt": 1, "completion": 10}


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # paths in a run file are relative to the current folder


def config(folder: Path, **settings: Any) -> RunConfig:
    told = [f"{key.replace('__', '.')}={json.dumps(value)}" for key, value in settings.items()]
    return load_config(ROOT / "jobs" / "smoke.yaml", ["execution.timeout_s=2", f"output.dir={folder}", *told])


def verdicts(of: RunDir) -> dict[str, str]:
    rows = [row for table in read_tables(of.sample_files(), ["sample_id", "verdict"]) for row in table.to_pylist()]
    found = {row["sample_id"]: row["verdict"] for row in rows}
    assert len(found) == len(rows)
    return found


def drafts(of: RunDir) -> dict[str, Any]:
    tables = read_tables(parquet_files(of.path / "drafts"), ["prompt_id", "reply"])
    return {row["prompt_id"]: row["reply"] for table in tables for row in table.to_pylist()}


class Interrupts(Silent):
    """Sends a signal once something was written."""

    def __init__(self, number: int) -> None:
        self.number: int | None = number
        self.said: list[str] = []

    def wrote(self, tally: dict[str, Any]) -> None:
        if self.number is not None:
            os.kill(os.getpid(), self.number)
            self.number = None

    def stopping(self, why: str, grace_s: float) -> None:
        self.said.append(why)


@pytest.fixture(scope="module")
def whole(ray_session: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Verdicts of a run that nothing stopped."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return verdicts(run(config(tmp_path_factory.mktemp("whole"), size=SIZE, rounds=1)).run)


SIZE = 600


def test_a_limit_stops_a_run_cleanly_and_what_was_spent_counts(tmp_path: Path, whole: dict[str, str]) -> None:
    generator = config(tmp_path).generators[0].model_dump(mode="json") | {"price_per_million": PRICE}
    judge = {"engine": "scripted", "price_per_million": PRICE}
    settings = {"size": SIZE, "rounds": 1, "generators": [generator], "judge": judge}
    directory = RunDir(tmp_path / "smoke")
    with pytest.raises(RunStoppedError, match=r"limits.max_cost is reached: .* of 0.002\n  mend: raise --max-cost"):
        run(config(tmp_path, **settings, limits__max_cost=0.002))
    first, kept = directory.result(), drafts(directory)
    assert first["outcome"] == "stopped"
    assert first["spent"]["cost"] >= 0.002
    some = verdicts(directory)
    assert 0 < len(some) < len(whole)
    assert {name for name in some if some[name] == "error"} <= {name for name in whole if whole[name] == "error"}
    with pytest.raises(RunStoppedError, match=r"limits.max_cost is reached"):  # before Ray would have to start
        run(config(tmp_path, **settings, limits__max_cost=0.002), resume=True)
    assert directory.result()["spent"]["cost"] == pytest.approx(first["spent"]["cost"], rel=0.5)
    result = run(config(tmp_path, **settings), resume=True)
    assert verdicts(result.run) == whole
    after = drafts(directory)
    assert {name: after[name] for name in kept} == kept
    spent = result.run.result()["spent"]
    tokens = result.run.result()["tokens"]
    assert spent["tokens"] == tokens["prompt"] + tokens["completion"] > 0
    assert spent["cost"] > first["spent"]["cost"]


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
def test_a_signal_ends_a_run_cleanly(tmp_path: Path, whole: dict[str, str], number: int) -> None:
    before = signal.getsignal(number)
    watcher = Interrupts(number)
    with pytest.raises(KeyboardInterrupt):
        run(config(tmp_path, size=SIZE, rounds=1), watcher=watcher)
    assert signal.getsignal(number) is before
    assert watcher.said == ["interrupted"]
    directory = RunDir(tmp_path / "smoke")
    assert directory.result()["outcome"] == "interrupted"
    some = verdicts(directory)
    assert 0 < len(some) < len(whole)
    assert {name: whole[name] for name in some if some[name] not in ("verified", "duplicate")} == {
        name: verdict for name, verdict in some.items() if verdict not in ("verified", "duplicate")
    }  # nobody was made an error for want of an answer; duplicates are found when the round closes
    assert verdicts(run(config(tmp_path, size=SIZE, rounds=1), resume=True).run) == whole


def server(chat_server: Any, **rest: Any) -> list[dict[str, Any]]:
    spec = {"name": "one", "engine": "openai", "base_url": chat_server.url, "model": "loop", "backoff_s": 0.01}
    return [spec | {"concurrency": 16, "max_retries": 0, "sampling": {"max_tokens": 9}} | rest]


def test_a_server_that_only_fails_trips_the_breaker(tmp_path: Path, chat_server: Any, answer: Any) -> None:
    chat_server.behave = lambda body, times: answer(500, b"on fire")
    with pytest.raises(RunFailedError, match=r"of the latest \d+ samples could not be judged, most often format: "):
        run(config(tmp_path, size=4000, rounds=1, generators=server(chat_server)))
    assert len(chat_server.bodies) < 4000
    assert RunDir(tmp_path / "smoke").result()["outcome"] == "failed"


def test_errors_that_stay_do_not_stop_a_run_that_is_taken_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apigen_ray.job.limits.LEAST", 1)
    told = config(tmp_path, size=40, rounds=1, output__max_error_share=0.5)
    before = verdicts(run(told).run)
    assert Counter(before.values())["error"] > 0
    assert verdicts(run(told, resume=True).run) == before  # nothing but errors was left to do


def test_an_engine_that_hangs_ends_the_run_and_is_named(tmp_path: Path, chat_server: Any, answer: Any) -> None:
    chat_server.behave = lambda body, times: answer.text("never", delay=3600)
    hung = config(tmp_path, size=20, rounds=1, generators=server(chat_server), limits__stall_minutes=0.05)
    with pytest.raises(RunFailedError, match=r"the run hangs: .* \(prompts without a reply: 20 of one\)"):
        run(hung)
    directory = RunDir(tmp_path / "smoke")
    assert directory.result()["outcome"] == "failed"
    chat_server.behave = lambda body, times: answer.text("no record")
    mended = config(tmp_path, size=20, rounds=1, generators=server(chat_server))  # a slow machine may take its time
    assert Counter(verdicts(run(mended, resume=True).run).values()) == {"fail_format": 20}


def test_the_flag_is_seen_everywhere_and_a_lost_one_stops_nothing() -> None:
    import ray

    stop = Stop()
    look = ray.remote(num_cpus=0)(lambda: stop.asked(fresh=True))
    assert not ray.get(look.remote())
    stop.ask()
    deadline = time.monotonic() + 60  # on a busy machine the flag may take longer than it is waited for
    while not ray.get(look.remote()):
        assert time.monotonic() < deadline
    assert stop.asked(fresh=True)
    lost = Stop()
    ray.get(lost._flag.raised.remote())
    ray.kill(lost._flag)
    assert not lost.asked()


class Deadly:
    """A request that ends the process that makes it."""

    def __call__(self, table: Any) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_always_dies_is_not_started_for_ever() -> None:
    import ray
    from ray.data import ActorPoolStrategy

    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # Ray's workers cannot import a test module
    options = {"batch_format": "pyarrow", "num_cpus": 0, "compute": ActorPoolStrategy(size=1)}
    graph = map_actors(ray.data.range(1), Deadly, **options)
    with pytest.raises(Exception) as caught:  # noqa: PT011  Ray's own class is what is looked at
        graph.materialize()
    told = str(explained(caught.value, "runs/a"))
    assert told.startswith("a process of an engine died more often than it is started again: ")
    assert "Deadly" in told
