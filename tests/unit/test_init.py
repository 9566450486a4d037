"""A first run file for somebody's functions: it loads, says what it holds, and overwrites nothing."""

import json
from pathlib import Path

import pytest

from apigen_ray.config import load_config
from apigen_ray.errors import ConfigError, LibraryError
from apigen_ray.job.init import init_config, run_name
from apigen_ray.library import load_library

PYTHON = 'def add(first: int, second: int) -> int:\n    """Add two numbers."""\n    return first + second\n'
OPERATION = {"operationId": "search", "parameters": [{"name": "q", "in": "query", "schema": {"type": "string"}}]}
FORM = {"type": "object", "properties": {"q": {"type": "string"}}}
TOOLS = {
    "list.json": {"tools": [{"name": "find", "inputSchema": FORM}]},
    "flat.json": [{"name": "find", "inputSchema": FORM}],
    "bench.json": {
        "tool_name": "T",
        "api_list": [{"name": "a", "required_parameters": [{"name": "q", "type": "STRING"}]}],
    },
    "rows.json": [{"tools": [{"name": "find", "parameters": FORM}]}],
    "row.jsonl": {"tools": [{"name": "find", "parameters": FORM}]},
    "bench/tool.json": {
        "tool_name": "T",
        "api_list": [{"name": "a", "required_parameters": [{"name": "q", "type": "STRING"}]}],
    },
}
OPENAPI = json.dumps({"openapi": "3.0.0", "paths": {"/s": {"get": OPERATION}}})
SERVED = json.dumps({"servers": [{"url": "https://shop.example"}]} | json.loads(OPENAPI))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("my tools: v2.py").write_text(PYTHON)
    Path("package").mkdir()
    Path("package/__init__.py").write_text("")
    Path("package/maths.py").write_text(PYTHON)
    Path("shop.yaml").write_text(OPENAPI)
    Path("shop.json").write_text(OPENAPI)
    Path("served.json").write_text(SERVED)
    return tmp_path


@pytest.mark.parametrize(
    ("source", "target", "mode"),
    [
        ("my tools: v2.py", "my-tools-v2.yaml", "live"),
        ("package", "package.yaml", "live"),
        ("./package/", "package.yaml", "live"),
        ("apigen_ray.library.functions.maths", "maths.yaml", "live"),
        ("shop.json", "shop.yaml", "none"),
        ("shop.yaml", "shop-run.yaml", "none"),
        ("served.json", "served.yaml", "live"),
    ],
)
def test_the_file_loads(source: str, target: str, mode: str) -> None:
    if source == "shop.json":
        Path("shop.yaml").unlink()
    path, apis = init_config(source, None, force=False)
    assert path == Path(target)
    config = load_config(path)
    assert len(load_library(config.library).apis) == apis > 0
    assert config.execution.mode == mode
    assert config.sampling.mode == "call_first"
    assert config.sampling.examples == (6, 6)
    assert config.sampling.builtin_seeds == "plain"
    assert config.generators[0].spec.model == "embedded"
    assert config.generators[0].spec.sampling.stop == ("\n",)
    assert "# " in path.read_text()


@pytest.mark.parametrize(
    ("server", "host"),
    [
        ("http://127.0.0.1:8931", "127.0.0.1:8931"),
        ("http://localhost:8931/v1", "localhost:8931"),
        ("https://10.0.0.7", "10.0.0.7:443"),
        ("http://[::1]:8931", "[::1]:8931"),
        ("https://shop.example", None),
        ("https://8.8.8.8", None),
    ],
)
def test_a_host_inside_is_written_for_who_wants_to_allow_it(server: str, host: str | None) -> None:
    Path("served.json").write_text(json.dumps({"servers": [{"url": server}]} | json.loads(OPENAPI)))
    path, _ = init_config("served.json", None, force=False)
    text = path.read_text()
    assert load_config(path).execution.rest.allow_hosts == ()
    assert ("allow_hosts" in text) == (host is not None)
    path.write_text(text.replace("# allow_hosts", "allow_hosts"))
    assert load_config(path).execution.rest.allow_hosts == (() if host is None else (host,))


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("list.json", "mcp"),
        ("flat.json", "mcp"),
        ("bench.json", "rapidapi"),
        ("bench", "rapidapi"),
        ("rows.json", "dataset"),
        ("row.jsonl", "dataset"),
    ],
)
def test_tools_of_other_forms(source: str, kind: str) -> None:
    Path("bench").mkdir()
    for name, document in TOOLS.items():
        Path(name).write_text(json.dumps(document))
    path, apis = init_config(source, None, force=False)
    config = load_config(path)
    assert (apis, config.library[0].kind, config.execution.mode) == (1, kind, "none")
    assert "1 tools" in path.read_text()


def test_a_file_that_is_there_stays(folder: Path) -> None:
    out = folder / "mine.yaml"
    out.write_text("mine")
    with pytest.raises(ConfigError, match="--force"):
        init_config("package", out, force=False)
    assert out.read_text() == "mine"
    assert init_config("package", out, force=True)[0] == out
    assert load_config(out).library[0].path == "package"


def test_the_source_is_never_overwritten() -> None:
    with pytest.raises(ConfigError, match="the source itself"):
        init_config("shop.yaml", Path("shop.yaml"), force=True)
    assert Path("shop.yaml").read_text() == OPENAPI


@pytest.mark.parametrize(
    "source",
    [
        "nothere.py",
        "no.such.module",
        "nothere/",
        "nothere.yaml",
        "nothere.json",
        "nothere.jsonl",
        "bad.py",
        "",
        "x" * 5000,
    ],
)
def test_a_bad_source_writes_nothing(source: str, folder: Path) -> None:
    Path("bad.py").write_text("def untyped(a): ...")
    before = sorted(folder.iterdir())
    with pytest.raises(LibraryError):
        init_config(source, None, force=False)
    assert sorted(folder.iterdir()) == before


def test_a_target_that_cannot_be_written() -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        init_config("package", Path("shop.json/run.yaml"), force=False)


@pytest.mark.parametrize(("source", "name"), [("a.b.c", "c"), ("---", "run"), ("x/y.py", "y"), ("größe.py", "gr-e")])
def test_names(source: str, name: str) -> None:
    assert run_name(source) == name
