"""What `import apigen_ray` offers: its names, its rows, what a wrong word is told; runs: tests/ray/test_api_run.py."""

import doctest
import inspect
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import apigen_ray as apigen
from apigen_ray import api
from apigen_ray.api.reading import with_values
from apigen_ray.config import SAMPLE, STAGES, parse_config
from apigen_ray.errors import ConfigError, EnvironmentFault, InputError
from apigen_ray.export.samples import find_samples
from apigen_ray.library.python import PythonSource
from apigen_ray.report.summary import Summary
from apigen_ray.rundir import RunDir
from apigen_ray.storage import write_once
from apigen_ray.tables import table_of

NEED_RAY = {"run", "preview", "verify", "Run.to_ray"}
"""Whose examples are executed in tests/ray/test_api_run.py."""

FILE = """
library: [{kind: python, path: tools.py}]
generators: [{name: fake, engine: scripted}]
judge: {engine: scripted}
"""

TOOLS = '''
def add(first: int, second: int) -> int:
    """Add two numbers."""
    return first + second


def shout(text: str) -> str:
    """Write a text in capital letters."""
    return text.upper()
'''


def row(name: str, verdict: str, query: str, answers: list[Any], **columns: Any) -> dict[str, Any]:
    failed = verdict.removeprefix("fail_")
    stages = {f"{stage}_status": "rejected" if stage == failed else "passed" for stage in STAGES}
    return {
        **{"sample_id": name, "round": 0, "generator": "small", "index": 0, "pair": 0, "of": 1, "style": "simple"},
        **{"query": query, "tools": "[]", "answers": json.dumps(answers, separators=(",", ":")), "verdict": verdict},
        **{"results": '[{"status":"passed","value":"[2,2,3,7]"}]', "reply": {"text": query, "model": "m"}},
        **stages,
        **columns,
    }


ROWS = [
    row(
        "a" * 24,
        "verified",
        "What is the prime factor of 84?",
        [{"name": "prime_factors", "arguments": {"number": 84}}],
    ),
    row(
        "b" * 24,
        "fail_grounding",
        "Can watch a movie with a film rating of PG?",
        [{"name": "can_watch_movie", "arguments": {"age": 12, "film_rating": "PG"}}],
        grounding_code="value_not_in_query",
        grounding_detail="age=12",
    ),
]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> apigen.Run:
    """A run directory ``runs/quickstart`` in the current folder, closed, beside a run file; a cache of its own."""
    import datasets

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    Path("my_functions.yaml").write_text(FILE)
    Path("my_functions.py").write_text(TOOLS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "my_functions", None)  # what is imported under the name goes with the test
    monkeypatch.delitem(sys.modules, "my_functions")
    directory = RunDir(Path("runs/quickstart"))
    files = []
    for each in ROWS:
        folder = directory.samples(0) / f"verdict={each['verdict']}"
        write_once(table_of([each], SAMPLE), folder, "closed-0")
        files.append(folder / "closed-0.parquet")
    directory.update_manifest(fingerprint="x", stages=list(STAGES))
    directory.close_round(0, files)
    directory.result_path.write_text('{"outcome": "done", "seconds": 3.0}')
    return apigen.open_run("runs/quickstart")


def documented() -> list[doctest.DocTest]:
    names = [name for name in api.__all__ if name != "RunConfig"]  # whose keys are a run file's, docs/index.md
    return [test for name in names for test in doctest.DocTestFinder().find(getattr(api, name), name, globs={})]


@pytest.mark.parametrize("name", sorted({test.name for test in documented() if test.examples} - NEED_RAY))
def test_examples_of_the_reference_do_as_they_say(name: str, run: apigen.Run) -> None:
    [test] = [test for test in documented() if test.name == name]
    said: list[str] = []
    doctest.DocTestRunner().run(test, out=said.append)
    assert said == []


def test_everything_public_has_an_example_and_says_what_it_takes_and_raises() -> None:
    examples = {test.name for test in documented() if test.examples}
    methods = [f"Run.{name}" for name, _ in inspect.getmembers(api.Run, inspect.isfunction) if name[0] != "_"]
    functions = [name for name in apigen.__all__ if inspect.isfunction(getattr(apigen, name))]
    assert {*methods, *functions, "Run"} <= examples
    assert len(functions) == 6
    for name in [*functions, *methods]:
        function = getattr(api, name) if name in functions else getattr(api.Run, name.removeprefix("Run."))
        told = inspect.getdoc(function) or ""
        for parameter in inspect.signature(function).parameters:
            assert parameter == "self" or f"    {parameter}: " in told, (name, parameter)
        assert name == "Run.report" or "Raises:" in told, name


def test_the_names_that_are_public() -> None:
    assert len(apigen.__all__) <= 10
    assert set(apigen.__all__) == {*api.__all__, "__version__"}
    assert all(getattr(apigen, name) is getattr(api, name) for name in api.__all__)
    assert set(apigen.__all__) <= set(dir(apigen))
    namespace: dict[str, Any] = {}
    exec("from apigen_ray import *", namespace)  # noqa: S102  what a notebook's user types
    assert set(namespace) - {"__builtins__"} == set(apigen.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = apigen.nothing  # type: ignore[attr-defined]


def test_importing_it_is_light_and_reading_needs_no_ray(run: apigen.Run) -> None:
    text = (
        "import sys; before = set(sys.modules); import apigen_ray as a; loaded = set(sys.modules) - before\n"
        "assert loaded <= {'apigen_ray'}, loaded\n"
        "print(len(list(a.open_run('runs/quickstart').samples(None))), 'ray' in sys.modules, 'datasets' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", text], capture_output=True, text=True, timeout=120)
    assert done.stdout == "2 False False\n", done.stderr


def test_rows_are_those_that_show_gives(run: apigen.Run) -> None:
    shown = find_samples(run.path, limit=9)
    for each in shown:
        assert each["results"] == [{"status": "passed", "value": "[2,2,3,7]"}]
        each["results"] = [{"status": "passed", "value": [2, 2, 3, 7]}]  # a program has no use for the text
    assert {each["sample_id"]: each for each in run.samples(None)} == {each["sample_id"]: each for each in shown}
    assert [each["verdict"] for each in run.samples(["fail_grounding", "fail_format"])] == ["fail_grounding"]
    assert list(run.samples("duplicate")) == []
    assert list(run.samples(columns=["answers", "query"])) == [
        {"answers": [{"name": "prime_factors", "arguments": {"number": 84}}], "query": ROWS[0]["query"]}
    ]


@pytest.mark.parametrize(
    ("outcome", "value"),
    [
        ({"status": "passed", "value": "61.88"}, 61.88),
        ({"status": "passed", "value": '"61.88"'}, "61.88"),
        ({"status": "passed", "value": "null"}, None),
        ({"status": "rejected", "value": None, "code": "timeout", "detail": "x"}, None),
    ],
)
def test_what_a_call_gave_back_is_a_value(outcome: dict[str, Any], value: Any) -> None:
    row = with_values({"query": "x", "results": [outcome], "planned_results": None})
    assert row == {"query": "x", "results": [{**outcome, "value": value}], "planned_results": None}


def test_a_round_that_is_not_closed_is_left_out_and_told(run: apigen.Run) -> None:
    directory = RunDir(run.path)
    write_once(
        table_of([ROWS[0] | {"sample_id": "c" * 24, "round": 1}], SAMPLE),
        directory.samples(1) / "verdict=verified",
        "part-1",
    )
    with pytest.warns(UserWarning, match="1 rows of a round that is not closed") as told:
        assert [each["round"] for each in run.samples()] == [0]
    assert told[0].filename == __file__
    with pytest.warns(UserWarning, match="not closed") as told:
        assert len(run.to_dataset()) == 1
    assert told[0].filename == __file__
    assert len(list(run.samples("fail_grounding"))) == 1  # none of these is left out


def test_a_dataset_has_the_types_of_the_files_and_is_made_once(run: apigen.Run, tmp_path: Path) -> None:
    import datasets

    made = run.to_dataset(None)
    run.export("parquet", tmp_path / "plain", verdict=None)
    plain = datasets.load_dataset(str(tmp_path / "plain"), split="train")
    assert made.features == plain.features
    assert made.features.arrow_schema.equals(SAMPLE)
    assert made.to_list() == plain.to_list()
    assert made.cache_files == run.to_dataset(None).cache_files
    assert made.cache_files != run.to_dataset(None, columns=["query"]).cache_files
    [file] = run.to_dataset().cache_files
    assert pa.ipc.open_stream(file["filename"]).schema.equals(SAMPLE)
    assert len(run.to_dataset("duplicate")) == 0
    long = made.map(lambda each: {"long": len(each["query"])})
    assert sorted(long["long"]) == sorted(len(each["query"]) for each in ROWS)


def test_a_dataset_without_its_package_is_one_sentence(run: apigen.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(EnvironmentFault, match=r"needs the package datasets\n  mend: pip install 'apigen-ray\[hub\]'"):
        run.to_dataset()


def test_an_export_is_that_of_the_verb(run: apigen.Run, tmp_path: Path) -> None:
    form = run.export(
        "jsonl", tmp_path / "rows", verdict=["verified", "fail_grounding"], split={"train": 0.5, "test": 0.5}
    )
    assert sum(form["rows"].values()) == 2
    assert form == json.loads((tmp_path / "rows/export.json").read_text())
    with pytest.raises(InputError, match="an export is there"):
        run.export("jsonl", str(tmp_path / "rows"))
    assert run.export("jsonl", str(tmp_path / "rows"), clean=True)["rows"] == {"train": 1}


def test_what_is_asked_of_a_run_and_is_not_there(run: apigen.Run) -> None:
    for wrong, words in [
        (lambda: run.samples("verifed"), "verdict: there is no 'verifed'; did you mean 'verified'"),
        (lambda: run.to_dataset(columns=["querry"]), "columns: there is no 'querry'; did you mean 'query'"),
        (lambda: run.export("opnai", "x"), "'opnai'; did you mean 'openai'"),
        (lambda: run.export("openai", "x", split={"train": 0.3}), "sum to 0.3"),
        (lambda: apigen.open_run("runs"), "is not a run directory"),
        (lambda: apigen.open_run("ftp://runs/mine"), "no store that is known"),
        (lambda: apigen.preview("my_functions.yaml", 0), "n: 0"),
        (lambda: apigen.run("nothere.yaml"), "cannot be read"),
        (lambda: apigen.verify("nothere.jsonl", "out"), "does not exist"),
        (lambda: apigen.verify([], "out"), "records: there are none"),
        (lambda: apigen.verify([{"query": {1}}], "out"), "number 1 is nothing that JSON can hold"),
        (lambda: apigen.verify(["text"], "out"), "number 1 is str"),  # type: ignore[list-item]
        (lambda: apigen.verify([{}], "out", stages=["formt"]), "'formt'; did you mean 'format'"),
    ]:
        with pytest.raises(InputError, match=words):
            wrong()
    with pytest.raises(EnvironmentFault, match=r"my_functions.py/.*records.jsonl: cannot be written"):
        apigen.verify([{"query": "x"}], "my_functions.py/out")
    assert sorted(path.name for path in Path().iterdir()) == [
        "my_functions.py",
        "my_functions.yaml",
        "runs",
    ]  # nothing stays of it


def test_a_config_of_code_is_that_of_a_file(run: apigen.Run) -> None:
    sections = {
        "name": "my_functions",
        "library": ({"kind": "python", "path": "tools.py"},),
        "generators": [{"name": "fake", "engine": "scripted"}],
        "judge": {"engine": "scripted"},
    }
    from_file = apigen.load_config("my_functions.yaml")
    assert apigen.load_config(sections) == from_file == apigen.RunConfig(**sections) == parse_config(sections)
    typed = apigen.load_config({**sections, "library": [PythonSource(path="tools.py")]}, ["library.0.path=other.py"])
    assert typed.library == (PythonSource(path="other.py"),)
    assert sections["library"] == ({"kind": "python", "path": "tools.py"},)  # the caller's own is not touched
    assert apigen.load_config(sections, ["name=other", "size=3"]).size == 3


def test_runs_of_a_process_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    from apigen_ray.job import loop

    at_once, most = 0, 0
    both = threading.Event()

    def count(config: Any, **options: Any) -> Any:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        both.wait(0.2)  # time for another to come in
        at_once -= 1
        return loop.Result(RunDir(Path("runs/x")), Summary(), 0.0)

    monkeypatch.setattr(loop, "run", count)
    config = {"name": "x", "library": [{"kind": "python", "path": "a.py"}], "generators": [{"engine": "scripted"}]}
    threads = [
        threading.Thread(target=apigen.run, args=(config | {"judge": {"engine": "scripted"}},)) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"sise": 3}, "config: sise: unknown key; did you mean 'size'"),
        ({"size": 0}, "config: size: Input should be greater"),
        ({"library": [{"kind": "python", "pth": "a.py"}]}, "config: library.0.pth: unknown key; did you mean 'path'"),
        ({"library": [print]}, "config: library.0: needs `key: value` pairs"),
        ({"library": []}, "config: library: needs at least 1 in its list"),
        ({"judge": None}, "config: semantic.checks asks for judge"),
        ({"generators": [{"engine": "scriptd"}]}, "config: generators.0"),
    ],
)
def test_a_wrong_config_of_code_names_the_field(wrong: dict[str, Any], words: str) -> None:
    sections: dict[str, Any] = {
        **{"name": "x", "library": [{"kind": "python", "path": "a.py"}]},
        **{"generators": [{"engine": "scripted"}], "judge": {"engine": "scripted"}},
        **wrong,
    }
    for made in (apigen.load_config, lambda given: apigen.RunConfig(**given), apigen.run):
        with pytest.raises(ConfigError) as raised:
            made(sections)
        assert raised.value.message.startswith(words)
        assert "\n" not in raised.value.message  # one fault, told once
