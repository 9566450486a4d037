"""Command lines of README and docs are typed, page by page and in order: what comes of them is what the pages say."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from documented import BLOCKS, DOCS, ROOT, SHOWN, blocks, said_by, write_quickstart

from apigen_ray.config import dump_config, load_config, parse_config
from apigen_ray.graph.stages import sample_id
from apigen_ray.job.prepare import prepare
from apigen_ray.storage import as_path


class Comes(NamedTuple):
    """What comes of a line that is typed.

    Attributes:
        says: is found in what it prints; a regular expression, ``^`` and ``$`` are ends of a line.
        files: are there then, and what is found in each.
        more: words put after it, without which it would not stay on this machine.
        whole: what tries it without them, as in `LINES`.
        then: what is done after it.
    """

    says: str
    files: Mapping[str, str] = {}
    more: str = ""
    whole: str = ""
    then: Callable[[], None] = lambda: None


def fake(file: str) -> Callable[[], None]:
    """Puts the fake, which has no likelihoods, in place of a run file's model; Ray was started in another folder."""

    def put() -> None:
        ours = {
            "generators": [{"name": "smollm2-135m", "engine": "scripted"}],
            "semantic": {"checks": ["originality"]},
        }
        Path(file).write_text(yaml.safe_dump(yaml.safe_load(Path(file).read_text("utf-8")) | ours), "utf-8")

    return put


def rows(count: int) -> str:
    """So many rows as they are shown, and nothing else."""
    row = r"(verified|duplicate) .*\n(.+\n)*call +\w+\(.*\n(.+\n)*"
    return rf"\A({row}(\n|\Z)){{{count}}}\Z"


def drafts(count: int) -> str:
    """The tables of a run that made so many drafts."""
    return rf"^│ format +│ +{count} │(.|\n)*^│ drafts +│ +{count} │(.|\n)* s\. Files: "


FILTER_TABLE = r"^\| smollm2-135m \| 300 \| 25 \| 12 \| 0 \| 112 \| 151 \| 0 \| 0 \| 8\.3 % \|$"
REPORT = rf"^## Filter table$(.|\n)*{FILTER_TABLE}(.|\n)*^## Funnel$"
HTML = {"runs/quickstart/report.html": "<svg"}
PARQUET = r"\APAR1"
SHARD = "data/simple/train-00000-of-00001.parquet"
SUBMITTED = "tests/ray/test_submit.py::test_a_submitted_run_joins_the_cluster_and_leaves_its_outcome"
SENT = "tests/contract/test_hub.py::test_a_run_becomes_one_commit"
STORE = "tests/ray/test_stores_run.py::"
STORE += "test_a_run_in_a_store_equals_one_on_a_disk_also_resumed_and_is_read_by_every_verb"
PREPARED = "tests/ray/test_preparing.py::"
PREPARED += "test_a_library_is_prepared_though_it_is_left_in_the_middle_and_checked_again"
JUDGED = "tests/browser/test_review_page.py::test_twenty_rows_a_kill_an_end_and_a_second_reviewer"
RECIPE = "tests/ray/test_quickstart.py::test_the_quickstart_keeps_its_promises (long; in make test: the notebooks)"
CLOUD = "wants a cloud: tests/unit/test_cluster_files.py::test_ray_takes_the_launcher_s_file"
INDEX = "asks a package index"

LINES: dict[str, dict[str, Comes | str]] = {
    "README.md": {
        "make quickstart": "tests/unit/test_docs_shell.py::test_make_quickstart_types_what_the_page_says",
        "make test": "runs this",
        "apigen init *": Comes(
            r"^my_functions\.yaml: 2 functions\.", {"my_functions.yaml": "engine: vllm"}, then=fake("my_functions.yaml")
        ),
        "apigen preview *": Comes(rows(5)),
        "apigen run *": Comes(drafts(100), {"runs/my_functions/report.md": "^## Filter table$"}),
        "apigen review * --serve": JUDGED,
        "apigen export * --to openai *": Comes(r"^openai: train 25 ", {"data/mine/train.jsonl": '^{"messages": ?'}),
        "apigen export * --to hub *": Comes(
            r"^dry run: nothing was sent; data/hub would become .*/datasets/you/\w+ \(public, cc-by-4\.0\)$",
            {"data/hub/README.md": "^license: cc-by-4.0$", f"data/hub/{SHARD}": PARQUET},
        ),
        "source *": "the shell's own",
        "ray start *": SUBMITTED,
        "ray job submit *": SUBMITTED,
    },
    "docs/cluster.md": {
        "source *": "the shell's own",
        "ray start *": SUBMITTED,
        "ray job submit --working-dir *": SUBMITTED,
        "ray stop": "ends every Ray of the machine, that of the tests too",
        "pip *": INDEX,
        "ray up *": CLOUD,
        "ray exec *": CLOUD,
        "ray dashboard *": CLOUD,
        "ray job submit --address *": CLOUD,
        "ray rsync-down *": CLOUD,
        "ray down *": CLOUD,
        "docker *": "asks for an image: tests/unit/test_cluster_files.py::test_the_image_holds_what_the_job_needs",
        "kubectl *": "wants a Kubernetes: tests/unit/test_cluster_files.py::test_kuberay_takes_the_job",
    },
    "docs/exports.md": {"apigen export *": "tests/unit/test_docs.py::test_exports_look_as_documented"},
    "docs/hub.md": {
        "pip *": INDEX,
        "apigen export * --dry-run *": Comes(
            r"^you/quickstart: train 25 (.|\n)*nothing was sent; data/hub would become .*\(public, cc-by-4\.0\)$",
            {
                "data/hub/README.md": r"^- config_name: default(.|\n)*^- config_name: simple",
                "data/hub/config.yaml": "^generators:",
                "data/hub/run.json": '"not_json"',
                "data/hub/export.json": rf'"{SHARD}": 25',
                f"data/hub/{SHARD}": PARQUET,
            },
        ),
        "apigen export * --private": Comes(
            r"would become .*\(private, cc-by-4\.0\)$",
            more="--dry-run --out second",
            whole="tests/contract/test_hub.py::test_private",
        ),
        "apigen export * --split *": Comes(r": train 2\d, test \d ", more="--dry-run --out third", whole=SENT),
        "apigen export runs/mine *": Comes(
            r"^you/mine: train 25 ",
            {"mine/README.md": r"my-model.*llama3\.1(.|\n)*shop\.yaml.*mit"},
            more="--dry-run --out mine",
            whole=SENT,
        ),
    },
    "docs/library.md": {
        "apigen library import *": Comes(r"^4 entries, 4 usable$", {"library/manifest.json": '"apis/part-'}),
        "apigen library prepare *": PREPARED,
        "apigen library stats *": Comes(r"my_functions\.py \(python\)(.|\n)*toolbench/tools \(rapidapi\)"),
        "apigen library show *": Comes(
            r"\Aget_order +openapi · GET /orders/\{order_id\} (.|\n)*^called by +rest http:"
        ),
        "apigen library call *": Comes(r'\Aget_order\(order_id=17\)$(.|\n)*"state": ?"sent"'),
        "apigen library check *": PREPARED,
    },
    "docs/new-export.md": {
        "apigen export *": "tests/unit/test_docs_extending.py::test_a_new_export_is_one_file_and_one_line"
    },
    "docs/notebooks.md": {"make notebooks": "tests/ray/test_notebooks.py::test_first_samples and the next ones"},
    "docs/object-stores.md": {
        "pip *": INDEX,
        "apigen run *": STORE,
        "apigen show *": Comes(r"\Averified (.|\n)*^fail_grounding "),
        "apigen report *": Comes(REPORT, {"s3://bucket/runs/quickstart/report.md": FILTER_TABLE}),
        "apigen ls runs *": Comes(r"\Aquickstart +done$"),
        "apigen export *": Comes(r"^xlam: train 25 ", {"exported/train.jsonl": '"answers"'}),
        "apigen verify s3://*": STORE,
        "apigen verify hf://*": "asks the Hub, which was never tried: docs/object-stores.md says so",
    },
    "docs/quickstart.md": {
        "make quickstart": "tests/unit/test_docs_shell.py::test_make_quickstart_types_what_the_page_says",
        "apigen doctor *": Comes(r"^ok +generator smollm2-135m: scripted: a fake "),
        "apigen run jobs/quickstart.yaml *": RECIPE,
        "apigen show * --verdict verified -n 1": Comes(r"\Averified .* 4f08642b24dfc4e8a62d184f$"),
        "apigen show * --verdict fail_grounding -n 1": Comes(r"^grounding +rejected: value_not_in_query: "),
        "apigen show * --verdict fail_semantic -n 1": Comes(r"^semantic +rejected: (copied|unclear|unlikely)$"),
        "apigen report *": Comes(REPORT, HTML),
        "apigen init *": Comes(
            r"^shop_functions\.yaml: 2 functions\.",
            {"shop_functions.yaml": r"^    model: embedded +# "},
            then=fake("shop_functions.yaml"),
        ),
        "apigen preview *": Comes(rows(3)),
        "apigen run shop_functions.yaml *": Comes(drafts(50), {"runs/shop_functions/report.md": "^## Funnel$"}),
        "apigen show runs/shop_functions *": Comes(rows(5)),
        "apigen export *": Comes(r"^openai: train \d+ ", {"data/shop/train.jsonl": "shipping_cost"}),
    },
    "docs/report.md": {
        "apigen report runs/quickstart": Comes(REPORT, {"runs/quickstart/report.md": REPORT}),
        "apigen report * --html": Comes(r"^Page: runs/quickstart/report\.html$", HTML),
    },
    "docs/review.md": {
        "apigen review * --sample 600": Comes(
            r"300 of 300 rows drawn .*: 600 were asked for", {"runs/quickstart/review/sample.parquet": PARQUET}
        ),
        "apigen review * --serve": JUDGED,
        "apigen review runs/quickstart": Comes(r"300 rows drawn .* 0 judged$"),
    },
    "docs/rounds.md": {"apigen merge *": "tests/ray/test_merge.py::test_real_runs_are_joined_and_read"},
    "docs/sizing.md": {
        "apigen run *": Comes(r"^│ qwen2\.5-32b +│ +500 │", more="--dry-run", whole="wants 8 GPUs"),
        "apigen report runs/trial": Comes(REPORT),
    },
}
"""What comes of the lines of each page, by patterns in their order; or what tries them elsewhere; or why not."""

RUN = ("README.md", "docs/quickstart.md")


def lines(page: str) -> list[str]:
    """The command lines of a page's bash blocks, in order, without their comments."""
    typed = [line for text in blocks(ROOT / page, "bash") for line in text.splitlines()]
    return [line for line in (re.sub(r"\s*(?<!\S)#.*", "", line) for line in typed) if line]


def meant(page: str, line: str) -> str:
    """The pattern that means a line."""
    found = [pattern for pattern in LINES[page] if fnmatchcase(line, pattern)]
    assert found, f"{page}: {line}: say in LINES what comes of it"
    return found[0]


def test_every_line_is_typed_or_tried_elsewhere() -> None:
    assert sorted(LINES) == sorted({block.place[0] for block in BLOCKS if block.language == "bash"})
    for page, patterns in LINES.items():
        assert [*dict.fromkeys(meant(page, line) for line in lines(page))] == [*patterns], page
    told = [comes if isinstance(comes, str) else comes.whole for page in LINES.values() for comes in page.values()]
    for file, test in re.findall(r"(tests/\S+\.py)::(\w+)", " ".join(told)):
        assert re.search(rf"^def {test}\(", (ROOT / file).read_text("utf-8"), re.MULTILINE), test
    typed = [comes for page in LINES.values() for comes in page.values() if isinstance(comes, Comes)]
    assert all(bool(comes.more) == bool(comes.whole) for comes in typed)


def test_make_quickstart_types_what_the_page_says() -> None:
    done = subprocess.run(["make", "-n", "quickstart"], cwd=ROOT, capture_output=True, text=True, check=True)
    typed = re.findall(r"^\S*/(apigen [^|\n]*?) *(?:\|.*)?$", done.stdout, re.MULTILINE)
    assert typed == [line for line in blocks(DOCS / "quickstart.md", "bash")[1].splitlines()]


def test_the_ids_that_the_quickstart_shows_are_of_its_recipe() -> None:
    """They follow from recipe and library: where one of these changes, `make quickstart` tells the new ones."""
    recipe = load_config(ROOT / "jobs" / "quickstart.yaml")
    [generator] = recipe.generators
    prompts = prepare(recipe).planner().prompt_ids(0, generator.name, range(recipe.size))
    assert {row["sample_id"] for row in SHOWN} <= {sample_id(prompt, 0) for prompt in prompts}


SHOP = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1"},
    "components": {"securitySchemes": {"apiKeyHeader": {"type": "apiKey", "in": "header", "name": "X-Key"}}},
    "security": [{"apiKeyHeader": []}],
    "paths": {
        "/orders/{order_id}": {
            "get": {
                "operationId": "get_order",
                "summary": "Tell what was ordered and when it comes.",
                "parameters": [{"name": "order_id", "in": "path", "required": True, "schema": {"type": "integer"}}],
            }
        }
    },
}
PARCELS = {
    "tool_name": "Parcels",
    "category_name": "Logistics",
    "api_list": [
        {
            "name": "track",
            "description": "Track a parcel",
            "required_parameters": [{"name": "number", "type": "STRING", "description": "", "default": "A1"}],
            "optional_parameters": [],
        }
    ],
}


def a_shop(request: pytest.FixtureRequest) -> None:
    """What docs/library.md names: a shop on loopback that wants its key, a tool, and the page's own `prepare.yaml`."""
    shop, answer = request.getfixturevalue("http_server"), request.getfixturevalue("answer")
    shop.serve = lambda came: answer.json({"state": "sent"}, 200 if came.headers.get("x-key") == "sesame" else 401)
    request.getfixturevalue("monkeypatch").setenv("SHOP_KEY", "sesame")
    Path("shop.yaml").write_text(yaml.safe_dump(SHOP | {"servers": [{"url": f"http://127.0.0.1:{shop.port}"}]}))
    Path("toolbench/tools").mkdir(parents=True)
    Path("toolbench/tools/parcels.json").write_text(json.dumps(PARCELS))
    [prepare] = [text for text in blocks(DOCS / "library.md", "yaml") if "shop.internal" in text]
    Path("prepare.yaml").write_text(prepare.replace("shop.internal", "127.0.0.1"))


def a_bucket(request: pytest.FixtureRequest) -> None:
    """The bucket of docs/object-stores.md, with the run."""
    request.getfixturevalue("s3")
    from s3fs import S3FileSystem

    files = S3FileSystem()
    files.mkdir("bucket")
    request.addfinalizer(lambda: files.rm("bucket", recursive=True))
    write_quickstart(as_path("s3://bucket/runs/quickstart"))


BEFORE = {"docs/library.md": a_shop, "docs/object-stores.md": a_bucket}


def type_page(page: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> None:
    """Types the lines of a page, in a folder with what they name."""
    request.getfixturevalue("monkeypatch").setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    shutil.copyfile("shop_functions.py", "my_functions.py")
    shutil.copytree(ROOT / "jobs", "jobs")
    fake("jobs/quickstart.yaml")()
    for name in ("mine", "trial"):
        shutil.copytree("runs/quickstart", f"runs/{name}")
    server = {"engine": "openai", "base_url": "http://localhost:8000/v1", "model": "my-model"}
    library = [{"kind": "openapi", "path": "shop.yaml"}]
    mine = parse_config({"name": "mine", "library": library, "generators": [server], "stages": ["format"]})
    Path("runs/mine/config.yaml").write_text(dump_config(mine))
    Path("shop.yaml").write_text(yaml.safe_dump(SHOP))
    BEFORE.get(page, lambda _: None)(request)
    for line in lines(page):
        comes = LINES[page][meant(page, line)]
        if isinstance(comes, str):
            continue
        said = said_by(f"{line} {comes.more}", capsys)
        assert re.search(comes.says, said, re.MULTILINE), f"{line}\n{said}"
        for file, holds in comes.files.items():
            assert re.search(holds, as_path(file).read_bytes().decode("utf-8", "replace"), re.MULTILINE), (line, file)
        comes.then()


TYPED = [page for page in LINES if page not in RUN and any(isinstance(comes, Comes) for comes in LINES[page].values())]


@pytest.mark.parametrize("page", TYPED)
def test_what_is_typed_does_what_the_page_says(
    page: str, world: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    type_page(page, request, capsys)


@pytest.mark.ray
@pytest.mark.parametrize("page", RUN)
def test_what_is_run_does_what_the_page_says(
    page: str, ray_session: None, world: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    type_page(page, request, capsys)
