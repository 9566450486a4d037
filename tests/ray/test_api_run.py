"""Runs that a program starts: the examples of the reference, and the ways in which a program is not a command line."""

import asyncio
import doctest
import json
import linecache
import threading
from pathlib import Path
from typing import Any

import pytest
import ray

import apigen_ray as apigen
from apigen_ray import api
from apigen_ray.errors import RunExistsError
from apigen_ray.storage import as_path, list_files
from examples.python_api import main

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_session")]

TOOLS = '''
def add(first: int, second: int) -> int:
    """Add two numbers."""
    return first + second


def shout(text: str) -> str:
    """Write a text in capital letters."""
    return text.upper()
'''
CONFIG: dict[str, Any] = {
    "name": "quickstart",
    "size": 20,
    "library": [{"kind": "python", "path": "my_functions.py"}],
    "generators": [{"engine": "scripted"}],
    "judge": {"engine": "scripted"},
}


@pytest.fixture(scope="module")
def folder(ray_session: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with functions, a run file and a run of them."""
    folder = tmp_path_factory.mktemp("api")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("my_functions.py").write_text(TOOLS)
        Path("my_functions.yaml").write_text(json.dumps({**CONFIG, "name": "my_functions"}))
        apigen.run(CONFIG)
    return folder


@pytest.fixture(autouse=True)
def _in_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


@pytest.mark.parametrize("name", ["run", "preview", "verify", "Run.to_ray"])
def test_examples_of_the_reference_do_as_they_say(name: str) -> None:
    what = api.Run.to_ray if name == "Run.to_ray" else getattr(api, name)
    [test] = doctest.DocTestFinder().find(what, name, globs={})
    said: list[str] = []
    assert doctest.DocTestRunner().run(test, out=said.append).attempted > 1
    assert said == []


def test_ray_reads_what_python_reads(folder: Path) -> None:
    run = apigen.open_run("runs/quickstart")
    rows = {row["sample_id"]: row["query"] for row in run.samples(None, columns=["sample_id", "query"])}
    read = run.to_ray(None, columns=["sample_id", "query"])
    assert read.schema().names == ["sample_id", "query"]
    assert {row["sample_id"]: row["query"] for row in read.take_all()} == rows
    assert run.to_ray("fail_format").count() == 0
    assert ray.is_initialized()  # the session was there: it is left


def test_a_run_is_judged_again_as_it_comes_from_another(folder: Path) -> None:
    run = apigen.open_run("runs/quickstart")
    again = apigen.verify(
        run.samples(),
        "runs/again",
        library="my_functions.py",
        stages=["format", "execution"],
        id_column="sample_id",
        style_column="style",
    )
    assert {row["source_id"]: row["verdict"] for row in again.samples(None)} == {
        row["sample_id"]: "verified" for row in run.samples()
    }
    with pytest.raises(RunExistsError):
        apigen.verify(run.samples(), "runs/again")
    assert [path.name for path in Path("runs").iterdir() if path.name.startswith(".")] == []


def test_a_run_is_used_twice_from_a_thread_and_within_a_loop(folder: Path) -> None:
    linecache.cache["<cell>"] = (len(TOOLS), None, TOOLS.splitlines(keepends=True), "<cell>")
    cell: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(TOOLS, "<cell>", "exec"), cell)  # noqa: S102  as a notebook does
    live = apigen.functions(cell["add"], cell["shout"], file="live.py")
    config = apigen.load_config({**CONFIG, "name": "twice", "library": live}, ["size=4"])
    ended: list[apigen.Run] = []
    thread = threading.Thread(target=lambda: ended.append(apigen.run(config)))
    thread.start()
    thread.join()
    with pytest.raises(RunExistsError, match="a finished run is there"):
        apigen.run(config)

    async def within() -> apigen.Run:
        return apigen.run(config.model_copy(update={"size": 6}), resume=True)

    assert asyncio.run(within()) == ended[0]
    assert len({row["prompt_id"] for row in ended[0].samples(None)}) == 6


def test_the_example_runs_and_says_what_types_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    counted = main(tmp_path, size=6)
    verified = counted["verified"]
    assert verified == counted.total() >= 6  # the scripted engine plants no fault unless it is told to
    assert f"{verified} rows for training; {verified} in Ray; 1.0 passed" in capsys.readouterr().out
    assert (tmp_path / "openai" / "export.json").exists()


def test_a_run_in_a_store_is_read_like_one_on_a_disk(
    s3: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    here = apigen.open_run("runs/quickstart")
    target = as_path("s3://runs/quickstart")
    for file in list_files(here.path):
        (target / str(file.relative_to(here.path))).write_bytes(file.read_bytes())
    there = apigen.open_run("s3://runs/quickstart")
    rows = list(here.samples(None))
    assert list(there.samples(None)) == rows
    assert there.to_dataset().to_list() == here.to_dataset().to_list()
    assert sorted(row["query"] for row in there.to_ray(columns=["query"]).take_all()) == sorted(
        row["query"] for row in rows if row["verdict"] == "verified"
    )


@pytest.mark.long
def test_records_are_judged_into_a_store(s3: Any, folder: Path) -> None:
    here = apigen.open_run("runs/quickstart")
    again = apigen.verify(here.samples(), "s3://runs/again")
    assert again.report()["verified"] == here.report()["verified"]
    assert [path for path in list_files(as_path("s3://runs")) if "/." in str(path)] == []  # no records stay beside it
