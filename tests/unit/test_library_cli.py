"""``apigen library`` on the command line: what it prints, its exit codes, and what it says to bad input."""

import json
import shlex
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from apigen_ray import cli
from apigen_ray.errors import ConfigError
from apigen_ray.job import library_fetch, library_prepare
from apigen_ray.job.library_spec import PrepareSpec
from apigen_ray.library.mcp import HttpServer, StdioServer, ToolForm

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
        (("prepare", "nowhere"), ("nowhere", "there is no library")),
        (("check", "lib", "--config", "none.yaml"), ("none.yaml", "cannot be read")),
        (("prepare", "lib", "--allow-host", "http://x"), ("allow_hosts",)),
        (("import", "none.py", "--out", "other"), ("none.py",)),
        (("import", "", "--out", "other"), ("the source is empty",)),
        (("import", "x" * 5000, "--out", "other"), ("cannot be read", "too long")),
        (("import", "http://[::1/x.json", "--out", "other"), ("http://[::1/x.json", "no URL", "https://HOST/PATH")),
        (("import", "tools.py", "--out", "lib"), ("a library is there", "--clean")),
        (("import", "tools.py", "--out", "other", "--auth", "key"), ("--auth", "SCHEME=ENV")),
        (("import", "tools.py", "--out", "other", "--server", "localhost:80"), ("--server", "https://HOST")),
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


def test_who_is_interrupted_is_told_the_whole_command(library, lib: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare_library(*given: object, **named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(library_prepare, "prepare_library", prepare_library)
    Path("my prepare.yaml").write_text("tries: 1")
    given = ("prepare", "lib", "--config", "my prepare.yaml", "--allow-host", "shop.internal")
    said = library(*given)
    assert said.code == 130
    assert said.err.endswith(f"go on with: {shlex.join(('apigen', 'library', *given))}\n")


def test_a_host_may_be_allowed_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("execution: {rest: {allow_hosts: [one.local], methods: [GET, POST]}}\n")
    spec = PrepareSpec.load(tmp_path / "p.yaml", allow_hosts=["127.0.0.1:80"])
    assert spec.execution.rest.allow_hosts == ("one.local", "127.0.0.1:80")
    assert spec.execution.rest.methods == ("GET", "POST")
    assert PrepareSpec.load(allow_hosts=["localhost"]).execution.rest.allow_hosts == ("localhost",)
    with pytest.raises(ConfigError, match="allow_hosts"):
        PrepareSpec.load(allow_hosts=["http://localhost"])


SPEC = {
    "openapi": "3.0.0",
    "servers": [{"url": "/v2"}],
    "paths": {"/things": {"get": {"summary": "List things.", "parameters": [{"name": "q", "in": "query"}]}}},
}


def test_a_document_is_fetched_through_the_guard(library, http_server, answer) -> None:
    url = f"http://127.0.0.1:{http_server.port}/docs/{'shop' * 100}.json"  # longer than a file may be called
    http_server.serve = lambda came: answer.json(SPEC)
    said = library("import", url, "--out", "lib")
    assert said.code == 1
    assert "blocked_address" in said.err
    assert "--allow-host" in said.err
    assert http_server.came == []
    assert not Path("lib").exists()
    assert library("import", url, "--out", "lib", "--allow-host", "127.0.0.1").code == 0
    [row] = [json.loads(line) for line in library("show", "lib", "--json").out.splitlines()]
    assert (row["given"], row["location"], row["api"]["source"]["location"]) == (url, url, url)
    assert row["api"]["source"]["server"] == f"http://127.0.0.1:{http_server.port}/v2", "relative to the document"
    http_server.serve = lambda came: answer.json([1, 2])
    said = library("call", "lib", "get_things", '{"q": "a b"}', "--allow-host", "127.0.0.1", "--json")
    assert json.loads(json.loads(said.out)["value"])["body"] == [1, 2]
    assert http_server.came[-1].path == "/v2/things?q=a%20b"


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (404, b"{}", "http_error"),
        (200, b"<!doctype html><p>Sign in", "HTML"),
        (200, b'{"paths": {}}', "no OpenAPI document"),
    ],
)
def test_what_is_no_document_is_told_by_its_address(library, http_server, answer, status, body, words) -> None:
    url = f"http://127.0.0.1:{http_server.port}/shop.json"
    http_server.serve = lambda came: answer(status, body, {"content-type": "application/json"})
    said = library("import", url, "--out", "lib", "--allow-host", "127.0.0.1")
    assert said.code == 1
    assert words in said.err
    assert url in said.err
    assert "/tmp" not in said.err, "not by the file that it was saved in for the moment"  # noqa: S108 - a word to look for


def test_a_password_in_an_address_is_refused_and_not_told_again(library) -> None:
    said = library("import", "https://me:hunter2@example.com/shop.json", "--out", "lib")
    assert (said.code, "hunter2" in said.err) == (1, False)


def test_the_tools_of_a_live_server(library, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def list_tools(server: object, timeout_s: float, allow_hosts: object) -> object:
        asked.append(server)
        return TOOLS

    monkeypatch.setattr(library_fetch, "list_tools", list_tools)
    text = "mcp:office --quiet 'two words'"
    assert library("import", text, "--out", "lib", "--auth", "OFFICE_KEY=MY_KEY").code == 0
    row = json.loads(library("show", "lib", "find", "--json").out)
    assert (row["kind"], row["location"]) == ("mcp", text)
    form = ToolForm.loads(row["api"]["source"]["request"])
    assert isinstance(form.server, StdioServer)
    assert (form.server.command, form.server.env) == (("office", "--quiet", "two words"), {"OFFICE_KEY": "MY_KEY"})
    assert (
        library("import", "mcp:https://mcp.example.com/x", "--out", "lib", "--clean", "--auth", "token=TOKEN").code == 0
    )
    assert isinstance(asked[-1], HttpServer)
    assert (asked[-1].url, asked[-1].auth) == ("https://mcp.example.com/x", "TOKEN")
    for text in ("mcp:", "mcp:'", "mcp:https://me:pw@host/"):
        said = library("import", text, "--out", "other")
        assert (said.code, "no MCP server" in said.err) == (1, True)


def test_credentials_go_to_the_documents_that_know_them(library, tmp_path: Path) -> None:
    for name in ("shop", "bank"):
        schemes = {"securitySchemes": {f"{name}Key": {"type": "apiKey", "in": "header", "name": "X-Key"}}}
        known = {"servers": [{"url": "https://example.com"}], "components": schemes, "security": [{f"{name}Key": []}]}
        (tmp_path / f"{name}.json").write_text(json.dumps(SPEC | known))
    (tmp_path / "plain.json").write_text(json.dumps(SPEC))
    all_ = ("shop.json", "tools.py", "bank.json", "plain.json")
    said = library("import", *all_, "--out", "lib", "--auth", "shopKey=SHOP", "--auth", "bankKey=BANK", "--json")
    assert (said.code, json.loads(said.out)["usable"]) == (0, 4)
    found = [json.loads(line) for line in library("show", "lib", "--json").out.splitlines()]
    env = {row["given"]: [name for name in ("SHOP", "BANK") if name in json.dumps(row["api"])] for row in found}
    assert env == {"shop.json": ["SHOP"], "bank.json": ["BANK"], "plain.json": [], "tools.py": []}
    said = library("import", *all_, "--out", "lib", "--clean", "--auth", "shopKy=SHOP")
    assert (said.code, "--auth shopKy: no source knows it" in said.err) == (1, True)
    said = library("import", "plain.json", "--out", "lib", "--clean", "--auth", "shopKey=SHOP")
    assert (said.code, "shopKey" in said.err) == (1, True)
