"""The command line: usage, exit codes, and bad input, each with a message that names the place and the mend."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from apigen_ray import __version__, cli
from apigen_ray.config import SAMPLE
from apigen_ray.rundir import RunDir
from apigen_ray.storage import write_once
from apigen_ray.tables import table_of

PYTHON = 'def add(first: int, second: int) -> int:\n    """Add two numbers."""\n    return first + second\n'
RUN = """
name: trial
library: [{kind: python, path: tools.py}]
generators: [{name: fake, engine: scripted}]
judge: {engine: scripted}
"""


class Ended(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def apigen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Calls the entry point in a folder that holds tools.py and run.yaml."""
    (tmp_path / "tools.py").write_text(PYTHON)
    (tmp_path / "run.yaml").write_text(RUN)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["apigen", *arguments])
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        return Ended(code, *capsys.readouterr())

    return call


def test_alone_it_prints_help(apigen) -> None:
    said = apigen()
    assert "preview" in said.out + said.err
    assert "Usage" in said.out + said.err


def test_version(apigen) -> None:
    assert apigen("--version") == (0, f"{__version__}\n", "")


@pytest.mark.parametrize(
    "arguments", [("nosuchverb",), ("run",), ("run", "run.yaml", "--nosuch"), ("preview", "run.yaml", "-n", "0")]
)
def test_wrong_usage_is_exit_code_1(apigen, arguments: tuple[str, ...]) -> None:
    said = apigen(*arguments)
    assert said.code == 1
    assert "Usage" in said.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: [broken", ("not YAML", "line")),
        ("- a\n- b", ("list",)),
        (RUN + "sise: 3", ("sise", "unknown key", "'size'")),
        (RUN + "sampling: {exampels: 2}", ("sampling.exampels", "'examples'")),
        (RUN + "size: many", ("size", "integer")),
        (RUN + "size: 0", ("size", "greater than or equal to 1")),
        (RUN + "stages: [formt]", ("'formt'", "'format'")),
        (RUN + "execution: {timeout_s: -1}", ("execution.timeout_s",)),
        (RUN.replace("engine: scripted}]", "engine: scriptd}]"), ("generators", "scripted")),
        (RUN.replace("{name: fake,", "{name: fake, price_per_million: {prompt: 1},"), ("completion", "required")),
        (RUN.replace("judge: {engine: scripted}", ""), ("semantic.checks", "judge")),
        (RUN.replace("tools.py", "nothere.py"), ("nothere.py", "no such")),
        (RUN + "sampling: {seeds: [nothere.jsonl]}", ("nothere.jsonl",)),
    ],
)
def test_a_broken_config_names_the_field_and_the_mend(apigen, text: str, words: tuple[str, ...]) -> None:
    Path("run.yaml").write_text(text)
    said = apigen("run", "run.yaml", "--dry-run")
    assert said.code == 1
    assert said.out == ""
    for word in (*words, "mend:"):
        assert word in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def bare(first, second): ...\n", ("tools.py:1", "'bare'", "type hint")),
        (PYTHON + PYTHON, ("two functions are called 'add'", "rename")),
        ("def broken(:\n", ("tools.py", "1")),
        (b"\xff\xfe\x00", ("tools.py",)),
        ("def _hidden(n: int): ...\n", ("library is empty",)),
        ("def nothing(): ...\n", ("library is empty", "no_parameters")),
    ],
)
@pytest.mark.parametrize("verb", [("run", "run.yaml"), ("init", "tools.py")])
def test_a_bad_library_stops_a_run_before_it_begins(apigen, verb, source: str | bytes, words: tuple[str, ...]) -> None:
    Path("tools.py").write_bytes(source if isinstance(source, bytes) else source.encode())
    said = apigen(*verb)
    assert said.code == 1
    for word in (*words, "mend:"):
        assert word in said.err
    assert not Path("runs").exists()
    assert not Path("tools.yaml").exists()


def test_a_file_that_cannot_be_read(apigen) -> None:
    assert apigen("run", "nothere.yaml").code == 1
    Path("folder.yaml").mkdir()
    assert "cannot be read" in apigen("run", "folder.yaml").err


@pytest.mark.parametrize(
    ("setting", "word"), [("size", "a.b=c"), ("size=x", "size"), ("generators.7.model=x", "'7'"), ("size={", "YAML")]
)
def test_a_bad_setting(apigen, setting: str, word: str) -> None:
    said = apigen("run", "run.yaml", "--set", setting)
    assert said.code == 1
    assert word in said.err


@pytest.mark.parametrize("outcome", ["done", None])
def test_a_run_of_that_name_is_kept(apigen, outcome: str | None) -> None:
    run = Path("runs/trial")
    run.mkdir(parents=True)
    (run / "manifest.json").write_text('{"fingerprint": "x"}')
    if outcome:
        (run / "result.json").write_text(json.dumps({"outcome": outcome}))
    said = apigen("run", "run.yaml")
    assert said.code == 1
    assert "--resume" in said.err
    assert "--clean" in said.err
    assert ("unfinished" in said.err) == (outcome is None)
    assert (run / "manifest.json").read_text() == '{"fingerprint": "x"}'


def test_a_folder_that_is_no_run_is_left_alone(apigen) -> None:
    (run := Path("runs/trial")).mkdir(parents=True)
    (run / "letter.txt").write_text("mine")
    assert apigen("run", "run.yaml", "--clean").code == 1
    assert (run / "letter.txt").read_text() == "mine"


def test_dry_run_writes_nothing(apigen) -> None:
    said = apigen("run", "run.yaml", "--dry-run", "--json", "--set", "size=10")
    assert said.code == 0
    assert json.loads(said.out)["generators"][0]["prompts"] == 10
    assert not Path("runs").exists()


@pytest.mark.parametrize("verb", ["show", "report"])
def test_no_run_there(apigen, verb: str) -> None:
    said = apigen(verb, "nothere")
    assert said.code == 1
    assert "there is no such folder" in said.err


def test_ls(apigen) -> None:
    assert [line.split()[0] for line in apigen("ls", "engines").out.splitlines()] == ["vllm", "openai", "scripted"]
    assert [line.split()[0] for line in apigen("ls", "sources").out.splitlines()] == [
        "python",
        "openapi",
        "rapidapi",
        "mcp",
        "dataset",
        "prepared",
    ]
    assert apigen("ls", "verifiers").out.startswith("format ")
    assert apigen("ls", "exports").out.startswith("xlam ")
    said = apigen("ls", "enginse")
    assert said.code == 1
    assert "'engines'" in said.err
    assert apigen("ls", "runs").code == 1
    Path("runs/one").mkdir(parents=True)
    Path("runs/one/manifest.json").write_text("{}")
    Path("runs/one/result.json").write_text('{"outcome": "done", "samples": 1200, "verified": 7}')
    (line,) = apigen("ls", "runs").out.splitlines()
    assert line.split(maxsplit=1) == ["one", "done, 1,200 samples, 7 verified"]
    Path("runs/two").mkdir()
    Path("runs/two/manifest.json").write_text("{}")
    Path("runs/two/result.json").write_text('{"outcome": "do')
    code, out, _ = apigen("ls", "runs")
    first, second = out.splitlines()
    assert (code, first) == (0, line)
    assert "two/result.json: not readable (" in second


@pytest.fixture
def finished() -> Path:
    """A closed run of two rows in the current folder."""
    run = RunDir(Path("runs/one"))
    run.update_manifest(fingerprint="x")
    row = {"query": "What is 1 and 2?", "tools": '[{"name":"add","description":"","parameters":{}}]', "round": 0}
    row["answers"] = '[{"name":"add","arguments":{}}]'
    rows = [
        {"sample_id": "1", "verdict": "verified", **row},
        {"sample_id": "2", "verdict": "error", **row, "query": None},
    ]
    for row in rows:
        write_once(table_of([row], SAMPLE), run.samples(0) / f"verdict={row['verdict']}", "part-0")
    run.close_round(0, sorted(run.samples(0).rglob("*.parquet")))
    return run.path


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_a_reader_that_goes_is_no_error(apigen, finished: Path, arguments: tuple[str, ...]) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    command = [sys.executable, "-m", "apigen_ray.cli", "show", str(finished), *arguments]
    try:
        done = subprocess.run(command, stdout=writes, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(writes)
    assert (done.returncode, done.stderr) == (141, b"")


def test_without_an_output_all_is_as_it_is(finished: Path) -> None:
    command = [sys.executable, "-m", "apigen_ray.cli", "show", str(finished), "--json"]
    done = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *command], stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_what_the_terminal_s_encoding_lacks_is_escaped(
    apigen, finished: Path, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, query = RunDir(finished), "Is \u20ac 2 a \U0001f600 caf\u00e9?"
    row = {"sample_id": "3", "verdict": "verified", "query": query, "tools": "[]", "answers": "[]", "round": 1}
    write_once(table_of([row], SAMPLE), run.samples(1) / "verdict=verified", "part-0")
    monkeypatch.setattr(sys, "stdout", out := io.TextIOWrapper(io.BytesIO(), "latin-1"))
    assert apigen("show", str(finished), "-n", "9", *arguments).code == 0
    told = out.buffer.getvalue().decode("latin-1")
    assert "Is \\u20ac 2 a \\ud83d\\ude00 caf\u00e9?" in told
    assert not arguments or query in [row["query"] for row in json.loads(told)]


def test_export_tells_what_it_wrote_and_what_it_left(apigen, finished: Path) -> None:
    said = apigen("export", "runs/one", "--to", "openai", "--out", "out", "--verdict", "verified,error")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        "openai: train 1 (verified, error)",
        "left out, no query that could be read: 1",
        "  out/train.jsonl: 1",
    ]
    said = apigen("export", "runs/one", "--to", "openai", "--out", "out")
    assert (said.code, said.out) == (1, "")
    assert "--clean" in said.err
    split = ("--split", "train=0.5", "--split", "test=0.5")
    said = apigen("export", "runs/one", "--to", "parquet", "--out", "out", "--clean", "--json", *split)
    form = json.loads(said.out)
    assert (form["out"], form["format"], sum(form["rows"].values()), form["left_out"]) == ("out", "parquet", 1, {})
    assert set(form["rows"]) == {"train", "test"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothere", "--to", "xlam"), ("no such folder",)),
        (("runs/one", "--to", "xlma"), ("'xlam'",)),
        (("runs/one", "--to", "xlam", "--verdict", "verifed"), ("'verified'",)),
        (("runs/one", "--to", "xlam", "--split", "a=2"), ("a=2", "name=share")),
        (("runs/one", "--to", "xlam", "--results"), ("openai",)),
        (("runs/one", "--to", "xlam", "--verdict", "error"), ("no query that could be read: 1",)),
    ],
)
def test_export_says_what_it_cannot_do(
    apigen, finished: Path, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    said = apigen("export", *arguments, "--out", "out")
    assert (said.code, said.out) == (1, "")
    for word in (*words, "mend:"):
        assert word in said.err
    assert not Path("out").exists()


@pytest.mark.ray
def test_preview_leaves_nothing_behind(apigen, ray_session: None) -> None:
    said = apigen("preview", "run.yaml", "-n", "2", "--set", "sampling={pairs: 1, styles: {simple: 1}}")
    assert said.code == 0
    assert said.out.count("query ") == 2
    assert "add(" in said.out
    assert not Path("runs").exists()
