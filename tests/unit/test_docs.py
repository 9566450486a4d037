"""What README and docs show is executed, loads, or exists; what is generated is up to date."""

import importlib.util
import json
import re
import shlex
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer
import yaml
from documented import BLOCKS, DOCS, PAGES, README, ROOT, blocks, said_by

from apigen_ray.cli import app
from apigen_ray.config import SAMPLE, load_config, parse_config
from apigen_ray.display.tables import print_filter_table, print_funnel
from apigen_ray.export.base import NO_CALL
from apigen_ray.job.library_spec import PrepareSpec
from apigen_ray.library import load_library
from apigen_ray.report.summary import summarise
from apigen_ray.rundir import RunDir
from apigen_ray.storage import write_once
from apigen_ray.tables import table_of

TRIED = {
    ("README.md", "text"): "rows of a real run, as `apigen show` prints them: docs/quickstart.md is compared",
    ("ARCHITECTURE.md", "text"): "drawings",
    ("docs/concepts.md", "text"): "a drawing",
    ("docs/library.md", "text"): "a drawing",
    ("docs/review.md", "text"): "a drawing",
    ("docs/exports.md", "python"): "test_exports_look_as_documented",
    ("docs/exports.md", "json"): "test_exports_look_as_documented",
    ("docs/exports.md", "text"): "tests/contract/test_chat_template.py",
    ("docs/sizing.md", "python"): "tests/unit/test_sizing.py",
    ("docs/sizing.md", "text"): "tests/unit/test_sizing.py",
    ("docs/quickstart.md", "python"): "test_quickstart_runs",
    ("docs/quickstart.md", "text"): "test_quickstart_runs",
    ("docs/python-api.md", "python"): "test_python_api_runs",
    **{
        (f"docs/new-{part}.md", "python"): "tests/unit/test_docs_extending.py"
        for part in ("source", "engine", "verifier", "export")
    },
    **{
        (f"docs/new-{part}.md", "diff"): "tests/unit/test_docs_extending.py"
        for part in ("source", "engine", "verifier", "export")
    },
    ("docs/new-source.md", "csv"): "tests/unit/test_docs_extending.py",
    ("docs/new-export.md", "json"): "tests/unit/test_docs_extending.py",
}
"""What tries the blocks of a page in one language, or why nothing does. The other languages have a rule for all pages:
bash (tests/unit/test_docs_shell.py), yaml (`test_yaml_blocks_load`) and, where it stands here for no page, python."""

PROGRAMS = {"source", "ray", "pip", "docker", "kubectl"}
"""What commands of bash blocks begin with beside `apigen` and `make`; their words are not checked here."""


def module_from(text: str, path: Path) -> ModuleType:
    """A module of a text, as if it were that file."""
    path.write_text(text, "utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_readme_is_short() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= 120


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_block_is_tried() -> None:
    by_rule = {block.place for block in BLOCKS if block.language in ("bash", "yaml")}
    by_rule |= {(page, "python") for page in PYTHON}
    places = {block.place for block in BLOCKS}
    assert sorted(places - by_rule - TRIED.keys()) == [], "name in TRIED what tries them"
    assert sorted(TRIED.keys() - places) == [], "are on no page any more"
    fences = sum(len(re.findall(r"^ *```", page.read_text("utf-8"), re.MULTILINE)) for page in PAGES)
    assert fences == 2 * len(BLOCKS), "a block that is indented or not closed is not seen"


def test_yaml_blocks_load() -> None:
    for block in BLOCKS:
        if block.language == "yaml" and block.place[0] not in ("docs/new-source.md", "docs/new-engine.md"):
            value = yaml.safe_load(block.text)
            PrepareSpec.model_validate(value) if "steps" in value else parse_config(value)


@pytest.mark.parametrize("path", sorted((ROOT / "jobs").glob("*.yaml")), ids=lambda path: path.name)
def test_recipes_load(path: Path) -> None:
    config = load_config(path)
    assert config.name == path.stem


def test_the_paper_s_shape() -> None:
    config = load_config(ROOT / "jobs" / "xlam-60k.yaml")
    assert config.size * config.rounds == 40_000
    assert config.sampling.pairs == (1, 1)
    assert len(config.generators) == 4


def verb_of(command: Any, words: list[str]) -> tuple[Any, list[str]]:
    """The verb that a command line means, and what is given to it."""
    words = words[1:]
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        assert words[0] in command.commands, words
        command, words = command.commands[words[0]], words[1:]
    return command, words


def test_commands_exist() -> None:
    """Every command line of ours parses as it would when typed: its verb, arguments, options and their types."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    lines = [(True, line) for block in BLOCKS if block.language == "bash" for line in block.text.splitlines()]
    inline = r"(?<!`)`((?:apigen|make) [^`\n]+)`"
    lines += [(False, text) for page in PAGES for text in re.findall(inline, page.read_text("utf-8"))]
    command, used = typer.main.get_command(app), set()
    for whole, line in lines:
        words = shlex.split(line, comments=True)
        if not words:
            continue
        used.add(words[0])
        if words[0] == "make":
            assert words[1] in targets, line
        elif words[0] == "apigen":
            verb, given = verb_of(command, words)
            known = {option for parameter in verb.params for option in parameter.opts} | {"--help"}
            assert {word.partition("=")[0] for word in given if re.match(r"--?[a-z]", word)} <= known, line
            if whole:
                verb.make_context("apigen", given)  # raises where it would be refused
            for path in re.findall(r"(?<!\S)jobs/\S+", line):
                assert (ROOT / path).is_file(), line
        else:
            assert words[0] in PROGRAMS, line
    assert used == {"apigen", "make", *PROGRAMS}


PYTHON = sorted({place for place, language in {b.place for b in BLOCKS} - TRIED.keys() if language == "python"})


@pytest.mark.parametrize("name", PYTHON)
def test_python_runs(name: str, world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The snippets of a page, one after the other."""
    run_snippets(blocks(ROOT / name, "python"), name)
    assert capsys.readouterr().out


def run_snippets(snippets: list[str], name: str) -> dict[str, Any]:
    """Runs them in one namespace, which is handed back."""
    namespace: dict[str, Any] = {"__name__": "snippet"}
    for snippet in snippets:
        exec(compile(snippet, name, "exec"), namespace)  # noqa: S102  our own page
    return namespace


def test_quickstart_runs(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = DOCS / "quickstart.md"
    funnel, verdicts, verified, rejected = blocks(page, "text")
    from rich.console import Console

    console = Console(highlight=False, width=90)
    counted = summarise(RunDir(Path("runs/quickstart")))
    for shown, show in [(funnel, print_funnel), (verdicts, print_filter_table)]:
        show(console, counted)
        assert capsys.readouterr().out == shown
    show_verified, show_rejected = [line for line in blocks(page, "bash")[1].splitlines() if "apigen show" in line][:2]
    assert said_by(show_verified, capsys) == verified
    assert said_by(show_rejected, capsys) == rejected
    reading, _ = blocks(page, "python")
    run_snippets([reading], "quickstart")
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 3
    assert all(re.match(r"What is .*\? \[", line) for line in printed), printed

    assert "2 functions" in said_by(blocks(page, "bash")[2].splitlines()[0], capsys)
    config = load_config(Path("shop_functions.yaml"))
    assert [api.name for api in load_library(config.library).apis] == ["shipping_cost", "loyalty_points"]
    functions = module_from(Path("shop_functions.py").read_text(), world / "shop_functions.py")
    assert functions.shipping_cost(2, "europe", True) == 24.0
    assert functions.loyalty_points(50.5, 2010) == 101


@pytest.mark.ray
@pytest.mark.usefixtures("ray_session")
def test_python_api_runs(world: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"name": "shop_functions", "library": [{"kind": "python", "path": "shop_functions.py"}]}
    fake = {"engine": "scripted"}  # in place of a model
    Path("shop_functions.yaml").write_text(json.dumps(config | {"generators": [fake], "judge": fake}))
    monkeypatch.syspath_prepend(world)
    monkeypatch.delitem(sys.modules, "shop_functions", raising=False)
    namespace = run_snippets(blocks(DOCS / "python-api.md", "python"), "python-api")
    said = capsys.readouterr().out
    assert said.startswith("shop_functions done ")
    assert "'arguments': {'focal_length_mm': 55" in said
    assert "'grounding_code': 'value_not_in_query'" in said
    assert [api.name for api in load_library(namespace["config"].library).apis] == ["shipping_cost", "loyalty_points"]
    assert sum(namespace["train"]["rows"].values()) == 25
    assert said.endswith(f"fail_format wrong_type {namespace['row']['format_detail']}\n")


EXPORTED = {
    "sample_id": "9d2e3a9760066ec0ada20630",
    "style": "simple",
    "round": 0,
    "query": "What is the prime factor of 84?",
    "tools": '[{"name":"prime_factors","description":"Break a whole number down into its prime factors.","parameters":'
    '{"type":"object","properties":{"number":{"type":"integer","description":"Number from 2 to one trillion."}},'
    '"required":["number"],"additionalProperties":false}}]',
    "answers": '[{"name":"prime_factors","arguments":{"number":84}}]',
    "results": '[{"status":"passed","value":"[2,2,3,7]"}]',
    "verdict": "verified",
}
"""The row of the quickstart that docs/exports.md shows."""


def test_exports_look_as_documented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = ROOT / "docs" / "exports.md"
    monkeypatch.chdir(tmp_path)
    run = RunDir(Path("runs/quickstart"))
    run.update_manifest(fingerprint="x")
    write_once(table_of([EXPORTED], SAMPLE), run.samples(0) / "verdict=verified", "part-0")
    run.close_round(0, [run.samples(0) / "verdict=verified" / "part-0.parquet"])
    [commands] = blocks(page, "bash")
    for command in commands.splitlines():
        said_by(command, capsys)
    files = ("openai/train.jsonl", "results/train.jsonl", "xlam/train.jsonl", "sharegpt/train.jsonl")
    files = (*files, "bfcl/train/BFCL_v4_simple_python.json", "bfcl/train/possible_answer/BFCL_v4_simple_python.json")
    for file, shown in zip(files, blocks(page, "json"), strict=True):
        row = json.loads((tmp_path / "data" / file).read_text("utf-8"))
        assert (row["messages"] if file.startswith("results") else row) == json.loads(shown), file
    loading, reading = blocks(page, "python")
    module_from(reading, tmp_path / "reading.py")
    assert capsys.readouterr().out.startswith("simple What is the prime factor of 84? [{")
    assert NO_CALL in page.read_text("utf-8")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets", reason="the extra `hub` is not installed")
    datasets.disable_progress_bars()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    module_from(loading, tmp_path / "loading.py")
    said = capsys.readouterr().out
    assert "'arguments': '{\"number\":84}'" in said
    assert "{'prime_factors': {'number': [84]}}" in said


def test_files_of_the_paper_map_exist() -> None:
    page = (DOCS / "paper-map.md").read_text("utf-8")
    here = [row.split(" | ")[1] for row in page.splitlines() if row.startswith("| ")][1:]
    files = [file for cell in here for file in re.findall(r"`([^`]+)`", cell)]
    assert len(files) > 30
    assert [file for file in files if not any((root / file).exists() for root in (ROOT, ROOT / "apigen_ray"))] == []


def test_every_code_has_an_example() -> None:
    found = re.findall(
        r"^\| `(\w+)` \| (?:error|rejected) \| (.+) \|$", (DOCS / "codes.md").read_text("utf-8"), re.MULTILINE
    )
    assert len(found) > 50
    assert [code for code, text in found if not re.search(r'``.+``|".+"', text)] == []


def test_generated_pages_are_up_to_date() -> None:
    path = ROOT / "docs" / "generate.py"
    spec = importlib.util.spec_from_file_location("docs_generate", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, page in module.PAGES.items():
        assert (path.parent / name).read_text("utf-8") == page(), f"{name}: run `make docs`"
    assert set(module.MEANING) <= set(SAMPLE.names)
