"""What README and docs show is executed, loads, or exists; what is generated is up to date."""

import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pyarrow.parquet as pq
import pytest
import typer
import yaml

from apigen_ray.cli import app, main
from apigen_ray.config import SAMPLE, load_config, parse_config
from apigen_ray.export.base import NO_CALL
from apigen_ray.rundir import RunDir, write_once
from apigen_ray.tables import table_of

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [README, *(ROOT / name for name in ("ARCHITECTURE.md", "CHANGELOG.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced code blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)


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


def test_yaml_blocks_are_run_files() -> None:
    found = [text for page in PAGES for text in blocks(page, "yaml")]
    assert found
    for text in found:
        parse_config(yaml.safe_load(text))


@pytest.mark.parametrize("path", sorted((ROOT / "jobs").glob("*.yaml")), ids=lambda path: path.name)
def test_recipes_load(path: Path) -> None:
    config = load_config(path)
    assert config.name == path.stem


def test_the_paper_s_shape() -> None:
    config = load_config(ROOT / "jobs" / "xlam-60k.yaml")
    assert config.size * config.rounds == 40_000
    assert config.sampling.pairs == (1, 1)
    assert len(config.generators) == 4


def test_commands_exist() -> None:
    command = typer.main.get_command(app)
    names = {f"apigen {name}": verb for name, verb in command.commands.items()}  # type: ignore[attr-defined]
    groups = {name: verb.commands for name, verb in names.items() if hasattr(verb, "commands")}
    names |= {f"{group} {name}": verb for group, verbs in groups.items() for name, verb in verbs.items()}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    lines = [line for page in PAGES for text in blocks(page, "bash") for line in text.splitlines()]
    lines += [text for page in PAGES for text in re.findall(r"`((?:apigen|make) [^`\n]+)`", page.read_text("utf-8"))]
    assert {line.split()[0] for line in lines} >= {"apigen", "make", "ray"}
    for line in lines:
        words = shlex.split(line, comments=True)
        if words[0] == "make":
            assert words[1] in targets, line
        if words[0] == "apigen":
            name = " ".join(words[: 3 if " ".join(words[:2]) in groups else 2])
            assert name in names, line
            known = {option for parameter in names[name].params for option in parameter.opts}
            assert {word.partition("=")[0] for word in words if word.startswith("-")} <= known, line


def test_python_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "runs/quickstart/samples/round=0/verdict=verified"
    folder.mkdir(parents=True)
    row = {"query": "What is 2 + 3?", "tools": "[]", "answers": '[{"name":"add","arguments":{"a":2,"b":3}}]'}
    pq.write_table(table_of([row | {"verdict": "verified"}], SAMPLE), folder / "closed-0.parquet")
    monkeypatch.chdir(tmp_path)
    [snippet] = blocks(README, "python")
    module_from(snippet, tmp_path / "readme_snippet.py")
    assert "What is 2 + 3? [{'name': 'add'" in capsys.readouterr().out


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
        with pytest.raises(SystemExit) as end:
            main(shlex.split(command)[1:])
        assert end.value.code == 0, command
    capsys.readouterr()
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


SHOUTING = """
import importlib.util, json, sys
from pathlib import Path

from apigen_ray.config import SAMPLE, STAGES, VERDICTS, check_stages
from apigen_ray.display.listing import listing
from apigen_ray.report.markdown import filter_rows
from apigen_ray.export.samples import find_samples
from apigen_ray.report.summary import summarise
from apigen_ray.graph.stages import sink, verify
from apigen_ray.rundir import RunDir
from apigen_ray.runners.base import ExecutionSpec
from apigen_ray.tables import table_of
from apigen_ray.verifiers import VERIFIERS, Setting
from apigen_ray.verifiers.semantic import SemanticSpec

check_stages(["format", "shouting"])
[kind] = [kind for kind in VERIFIERS if kind.name == "shouting"]
verifier = kind(Setting(apis={}, execution=ExecutionSpec(), semantic=SemanticSpec()))
passed = {f"{stage}_{part}": word for stage in STAGES for part, word in (("status", "passed"), ("code", ""))}
failed = passed | {"format_status": "rejected", "format_code": "not_json"}
rows = [{"query": "CONVERT 3 KM"} | passed, {"query": "convert 3 km"} | passed, {"query": None} | failed]
rows = [{"sample_id": str(number), "generator": "one", "index": number} | row for number, row in enumerate(rows)]
table = verify(table_of(rows, SAMPLE), [verifier], STAGES)
run = RunDir(Path("run"))
run.update_manifest(stages=STAGES)
sink(table, str(run.samples(0)))

spec = importlib.util.spec_from_file_location("docs_generate", sys.argv[1])
generate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(generate)
print(json.dumps({
    "package": str(Path(sys.modules["apigen_ray"].__file__).parent),
    "stages": STAGES,
    "columns": [name for name in SAMPLE.names if name.startswith("shouting")],
    "verdicts": VERDICTS,
    "codes": table["shouting_code"].to_pylist(),
    "samples": {verdict: [row["index"] for row in find_samples(run.path, verdict)] for verdict in VERDICTS},
    "filter": dict(zip(*[filter_rows(summarise(run))[number] for number in (0, -1)])),
    "listed": [line for line in listing("verifiers", Path()) if "shouting" in line],
    "page": "`all_caps`" in generate.PAGES["codes.md"](),
    "ray": "ray" in sys.modules,
}))
"""
"""What is looked at in a copy of the package to which the documented verifier was added."""


def changed(text: str, diff: str) -> str:
    """The text with one hunk applied."""
    lines = diff.splitlines()
    old, new = ("\n".join(line[1:] for line in lines if not line.startswith(sign)) for sign in "+-")
    assert text.count(old) == 1, "the page's diff does not fit the file"
    return text.replace(old, new)


def test_a_new_verifier_is_one_file_and_one_line(tmp_path: Path) -> None:
    page = ROOT / "docs" / "new-verifier.md"
    package = tmp_path / "apigen_ray"
    shutil.copytree(ROOT / "apigen_ray", package, ignore=shutil.ignore_patterns("__pycache__"))
    [(package / "verifiers" / "shouting.py").write_text(code, "utf-8") for code in blocks(page, "python")]
    init = package / "verifiers" / "__init__.py"
    [diff] = blocks(page, "diff")
    init.write_text(changed(init.read_text("utf-8"), diff), "utf-8")

    command = [sys.executable, "-c", SHOUTING, str(ROOT / "docs" / "generate.py")]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)

    assert seen["package"] == str(package)
    assert seen["stages"] == ["format", "execution", "grounding", "shouting", "semantic"]
    assert seen["columns"] == ["shouting_status", "shouting_code", "shouting_detail"]
    assert seen["codes"] == ["all_caps", "", "earlier_stage"]
    failed = ["fail_format", "fail_execution", "fail_grounding", "fail_shouting", "fail_semantic"]
    assert seen["verdicts"] == ["verified", *failed, "duplicate", "error"]
    rows = {"verified": [1], "fail_shouting": [0], "fail_format": [2]}
    assert seen["samples"] == {verdict: rows.get(verdict, []) for verdict in seen["verdicts"]}
    assert seen["filter"]["fail_shouting"] == "1"
    assert seen["listed"] == ["shouting   codes: all_caps"]
    assert seen["page"] is True
    assert seen["ray"] is False


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
