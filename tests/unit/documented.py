"""What tests of the docs share: the fenced blocks of their pages, the run that they show, a command line typed."""

import json
import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from apigen_ray.cli import main
from apigen_ray.config import SAMPLE, STAGES
from apigen_ray.records import Json
from apigen_ray.rundir import RunDir
from apigen_ray.storage import AnyPath, write_once, write_text
from apigen_ray.tables import table_of

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
BESIDE = ("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "apigen_ray/asks/templates/README.md")
PAGES = [*(ROOT / name for name in BESIDE), *sorted(DOCS.rglob("*.md"))]


class Block(NamedTuple):
    """A fenced block."""

    page: Path
    language: str
    text: str

    @property
    def place(self) -> tuple[str, str]:
        return self.page.relative_to(ROOT).as_posix(), self.language


def fenced(page: Path) -> list[Block]:
    """The fenced blocks of a page, in their order."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [Block(page, language, text) for language, text in found]


BLOCKS = [block for page in PAGES for block in fenced(page)]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced code blocks of a page in one language."""
    return [block.text for block in BLOCKS if block.page == page and block.language == language]


def sample(number: int, verdict: str, style: str = "simple", **columns: Any) -> Json:
    """A row of a run: what a stage did not say of it follows from the verdict."""
    row: Json = {"sample_id": f"{number:024x}", "round": 0, "generator": "smollm2-135m", "index": number, "pair": 0}
    row |= {"of": 1, "style": style, "tools": "[]", "answers": "[]", "verdict": verdict, "execution_mode": "live"}
    said = "passed"
    for stage in STAGES:
        failed = verdict == f"fail_{stage}"
        row[f"{stage}_status"] = "rejected" if failed else said
        row[f"{stage}_code"] = "earlier_stage" if said == "skipped" else ""
        said = "skipped" if failed else said
    return row | columns


SHOWN = [
    sample(
        0,
        "verified",
        sample_id="4f08642b24dfc4e8a62d184f",
        query="What is the depth of field with a focal length of 55 mm, aperture of 1.4, and a subject distance of "
        "10 m?",
        answers='[{"name":"depth_of_field","arguments":{"focal_length_mm":55,"aperture":1.4,"subject_distance_m":10}}]',
        results=json.dumps([{"status": "passed", "value": '{"near_m":8.79,"far_m":11.6,"hyperfocal_m":72.08}'}]),
    ),
    sample(
        1,
        "fail_grounding",
        "parallel_multiple",
        sample_id="5909b396ce5be26dbedc01df",
        query="What is the barcode country with barcode 5449000000996, and what is the barcode country with barcode "
        "5449000000996?",
        answers='[{"name":"check_barcode","arguments":{"barcode":"9780140328721"}},'
        '{"name":"barcode_country","arguments":{"barcode":"5449000000996"}}]',
        results=json.dumps(
            [{"status": "passed", "value": "true"}, {"status": "passed", "value": '"Belgium and Luxembourg"'}]
        ),
        grounding_code="value_not_in_query",
        grounding_detail='barcode="9780140328721"',
    ),
]
"""The rows of the quickstart that docs/quickstart.md shows."""

FILLERS = {
    ("verified", "", ""): 24,
    ("fail_format", "format_code", "not_json"): 12,
    ("fail_grounding", "grounding_code", "value_not_in_query"): 102,
    ("fail_grounding", "grounding_code", "number_not_in_calls"): 9,
    ("fail_semantic", "semantic_code", "copied"): 60,
    ("fail_semantic", "semantic_code", "unclear"): 51,
    ("fail_semantic", "semantic_code", "unlikely"): 40,
}
"""How many other rows it had, by verdict and code."""


def write_quickstart(path: AnyPath) -> None:
    """A run directory as the quickstart leaves it, without a run."""
    rows = list(SHOWN)
    for (verdict, column, code), count in FILLERS.items():
        for _ in range(count):
            said = {column: code} if column else {}
            rows.append(sample(len(rows), verdict, query=f"What is number {len(rows)}?", **said))
    run = RunDir(path)
    write_text(run.config_path, (ROOT / "jobs" / "quickstart.yaml").read_text("utf-8"))
    run.update_manifest(fingerprint="x", stages=list(STAGES))
    files = []
    for verdict in {row["verdict"] for row in rows}:
        folder = run.samples(0) / f"verdict={verdict}"
        write_once(table_of([row for row in rows if row["verdict"] == verdict], SAMPLE), folder, "part-0")
        files.append(folder / "part-0.parquet")
    run.close_round(0, files)
    write_text(run.result_path, '{"outcome": "done"}')


def said_by(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a command line of ours prints."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        main(shlex.split(command, comments=True)[1:])
    assert end.value.code == 0, command
    return capsys.readouterr().out
