"""``apigen library`` on the command line: what it prints, its exit codes, and what it says to bad input."""

import json
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from apigen_ray import cli
from apigen_ray.errors import ConfigError
from apigen_ray.job.library_spec import PrepareSpec

PYTHON = '''
CATEGORY = "Math"
def divide(number: float, by: float = 2.0) -> float:
    """Divide a number."""
    return number / by
def odd(*numbers): ...
'''
TOOLS = {"tools": [{"name": "find", "inputSchema": {"properties": {"q": {"type": "string"}}}}]}


class Ended(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Calls ``apigen library`` in a folder with tools.py and tools.json."""
    (tmp_path / "tools.py").write_text(PYTHON)
    (tmp_path / "tools.json").write_text(json.dumps(TOOLS))
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["apigen", "library", *arguments])
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        return Ended(code, *capsys.readouterr())

    return call


@pytest.fixture
def lib(library) -> str:
    assert library("import", "tools.py", "tools.json", "--out", "lib").code == 0
    return "lib"


def test_import_counts_what_came(library) -> None:
    said = library("import", "tools.py", "tools.json", "--out", "lib")
    assert said.code == 0
    assert "3 entries, 2 usable" in said.out
    assert "parse: variadic" in said.out
    form = json.loads(library("import", "tools.py", "--out", "lib", "--clean", "--json").out)
    assert (form["rows"], form["usable"], form["codes"]) == (2, 1, {"parse: variadic": 1})
    assert json.loads(library("stats", "lib", "--json").out) == form


def test_stats_by_source_category_and_code(library, lib: str) -> None:
    form = json.loads(library("stats", lib, "--json").out)
    assert form["sources"] == {
        "tools.json (mcp)": {"rows": 1, "usable": 1},
        "tools.py (python)": {"rows": 2, "usable": 1},
    }
    assert form["categories"] == {"Math": {"rows": 1, "usable": 1}, "none": {"rows": 1, "usable": 1}}
    assert form["steps"]["parse"] == {"passed": 2, "rejected: variadic": 1}
    assert form["steps"]["quality"] == {"not done": 3}


def test_show_names_all_and_tells_all_of_one(library, lib: str) -> None:
    said = library("show", lib).out
    assert [line.split()[0] for line in said.splitlines()] == ["divide", "odd", "find"]
    assert "parse: rejected: variadic" in said.splitlines()[1]
    assert library("show", lib, "--code", "variadic").out.split()[0] == "odd"
    assert len(library("show", lib, "-n", "1").out.splitlines()) == 1
    said = library("show", lib, "divide").out
    for words in (
        "Divide a number.",
        "by? ",
        '"default": 2.0',
        "Math",
        "called by      python",
        "parse          passed",
    ):
        assert words in said
    row = json.loads(library("show", lib, "odd", "--json").out)
    assert (row["parse_status"], row["parse_code"], row["api"]) == ("rejected", "variadic", None)
    rows = [json.loads(line) for line in library("show", lib, "--json").out.splitlines()]
    assert [row["name"] for row in rows] == ["divide", None, "find"]


def test_a_call_is_made_and_shown(library, lib: str) -> None:
    said = library("call", lib, "divide", '{"number": 9, "by": 4}')
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[0] == "divide(number=9, by=4)"
    assert said.out.splitlines()[-1] == "2.25"
    form = json.loads(library("call", lib, "divide", '{"number": 9, "by": 4}', "--json").out)
    assert (form["name"], form["status"], form["value"]) == ("divide", "passed", "2.25")
    sampled = json.loads(library("call", lib, "divide", "--json").out)
    assert sampled["status"] == "passed"
    assert "number" in sampled["arguments"]


def test_a_call_that_fails_is_exit_code_1_with_its_code(library, lib: str) -> None:
    said = library("call", lib, "divide", '{"number": 9, "by": 0}')
    assert said.code == 1
    assert "rejected: exec_error" in said.out
    assert "ZeroDivisionError" in said.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("call", "lib", "divde", "{}"), ("no function 'divde'", "'divide'")),
        (("call", "lib", "divide", '{"number": "x"}'), ("divide: number: ", "number")),
        (("call", "lib", "divide", "{}"), ("number", "required")),
        (("call", "lib", "divide", "number=3"), ("no JSON",)),
        (("call", "lib", "divide", "[3]"), ("no JSON object",)),
        (("call", "lib", "find", '{"q": "x"}'), ("nothing is behind",)),
        (("call", "lib", "odd", "{}"), ("variadic",)),
        (("call", "lib", "divide", "{}", "--config", "none.yaml"), ("none.yaml", "cannot be read")),
        (("show", "lib", "nothing like it"), ("there is no function",)),
        (("show", "nowhere"), ("nowhere", "there is no library", "apigen library import")),
        (("stats", "nowhere"), ("nowhere", "there is no library")),
        (("import", "none.py", "--out", "other"), ("none.py",)),
        (("import", "tools.py", "--out", "lib"), ("a library is there", "--clean")),
        (("import", "tools.py", "--out", "other", "--auth", "key"), ("--auth", "SCHEME=ENV")),
    ],
)
def test_bad_input_is_told_with_its_mend(library, lib: str, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    said = library(*arguments)
    assert said.code == 1
    assert "Traceback" not in said.err
    for word in words:
        assert word in said.err


def test_a_config_holds_sections(library, lib: str, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("execution: {timeout_s: 3}\nsteps: [qualty]\n")
    said = library("call", lib, "divide", "{}", "--config", "p.yaml")
    assert (said.code, "'quality'" in said.err) == (1, True)
    (tmp_path / "p.yaml").write_text("exection: {timeout_s: 3}\n")
    assert "'execution'" in library("call", lib, "divide", "{}", "--config", "p.yaml").err
    (tmp_path / "p.yaml").write_text("execution: {timeout_s: 3}\n")
    assert library("call", lib, "divide", '{"number": 1}', "--config", "p.yaml").code == 0


def test_a_host_may_be_allowed_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("execution: {rest: {allow_hosts: [one.local], methods: [GET, POST]}}\n")
    spec = PrepareSpec.load(tmp_path / "p.yaml", allow_hosts=["127.0.0.1:80"])
    assert spec.execution.rest.allow_hosts == ("one.local", "127.0.0.1:80")
    assert spec.execution.rest.methods == ("GET", "POST")
    assert PrepareSpec.load(allow_hosts=["localhost"]).execution.rest.allow_hosts == ("localhost",)
    with pytest.raises(ConfigError, match="allow_hosts"):
        PrepareSpec.load(allow_hosts=["http://localhost"])
