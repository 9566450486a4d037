"""The pages on parts of one's own: their code is added to a copy of the package, as they say, and used there."""

import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pytest

from apigen_ray.config import SAMPLE
from apigen_ray.records import DRAFT, Json, Request
from apigen_ray.rundir import RunDir
from apigen_ray.storage import write_once
from apigen_ray.tables import conform, table_of

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def blocks(page: Path, language: str) -> list[str]:
    """The fenced code blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)


EXTENSIONS = {part: DOCS / f"new-{part}.md" for part in ("source", "engine", "verifier", "export")}


def changed(text: str, diff: str) -> str:
    """The text with one hunk applied."""
    lines = diff.splitlines()
    old, new = ("\n".join(line[1:] for line in lines if not line.startswith(sign)) for sign in "+-")
    assert text.count(old) == 1, "the page's diff does not fit the file"
    return text.replace(old, new)


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the package to which the documented parts were added, by the pages' own words."""
    folder = tmp_path_factory.mktemp("extended")
    shutil.copytree(ROOT / "apigen_ray", folder / "apigen_ray")
    for page in EXTENSIONS.values():
        text = page.read_text("utf-8")
        [file] = re.findall(r"whole, as\s`(apigen_ray/\S+\.py)`", text)
        [code] = blocks(page, "python")
        assert not (folder / file).exists(), file
        (folder / file).write_text(code, "utf-8")
        [init] = set(re.findall(r"`(apigen_ray/\w+/__init__\.py)`", text))
        for diff in blocks(page, "diff"):
            (folder / init).write_text(changed((folder / init).read_text("utf-8"), diff), "utf-8")
    return folder


def seen_in(extended: Path, folder: Path, script: str, *words: str) -> Json:
    """What a script prints as JSON, in a process that has the extended package."""
    environment = os.environ | {"PYTHONPATH": str(extended)}
    command = [sys.executable, "-c", f"{IN_THE_COPY}\n{script}", str(DOCS / "generate.py"), *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seen: Json = json.loads(done.stdout)
    assert seen["package"] == str(extended / "apigen_ray")
    return seen


IN_THE_COPY = """
import importlib.util, json, sys
from pathlib import Path

import apigen_ray
from apigen_ray.display.listing import listing


def tell(**seen):
    print(json.dumps(seen | {"package": str(Path(apigen_ray.__file__).parent), "ray": "ray" in sys.modules}))
"""

SHOUTING = """
from apigen_ray.config import SAMPLE, STAGES, VERDICTS, check_stages
from apigen_ray.export.samples import find_samples
from apigen_ray.graph.stages import sink, verify
from apigen_ray.report.markdown import filter_rows
from apigen_ray.report.summary import summarise
from apigen_ray.rundir import RunDir
from apigen_ray.runners.base import ExecutionSpec
from apigen_ray.tables import table_of
from apigen_ray.verifiers import VERIFIERS, Setting
from apigen_ray.verifiers.semantic_spec import SemanticSpec

check_stages
from apigen_ray.display.listing import listing
from apigen_ray.report.markdown import filter_rows
from apigen_ray.export.samples import find_samples
from apigen_ray.report.summary import summarise
from apigen_ray.graph.stages import sink, verify
from apigen_ray.rundir import RunDir
from apigen_ray.runners.base import ExecutionSpec
from apigen_ray.tables import table_of
from apigen_ray.verifiers import VERIFIERS, Setting
from apigen_ray.verifiers.semantic_spec import SemanticSpec

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
tell(
    stages=STAGES,
    columns=[name for name in SAMPLE.names if name.startswith("shouting")],
    verdicts=VERDICTS,
    codes=table["shouting_code"].to_pylist(),
    samples={verdict: [row["index"] for row in find_samples(run.path, verdict)] for verdict in VERDICTS},
    filter=dict(zip(*[filter_rows(summarise(run))[number] for number in (0, -1)])),
    listed=[line for line in listing("verifiers", Path()) if "shouting" in line],
    page="`all_caps`" in generate.PAGES["codes.md"](),
)
"""
"""What is looked at in a copy of the package to which the documented verifier was added."""


def test_a_new_verifier_is_one_file_and_one_line(extended: Path, tmp_path: Path) -> None:
    seen = seen_in(extended, tmp_path, SHOUTING)
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


CATALOGUE = """
from apigen_ray.config import load_config
from apigen_ray.library import load_library

config = load_config(Path("crm.yaml"))
library = load_library(config.library)
Path("crm.csv").write_text(Path("crm.csv").read_text().replace("At most so many.", "At most so many of them."))
again = load_library(config.library)
tell(
    apis=[[api.name, api.description, api.category, api.parameters, api.source.entry] for api in library.apis],
    same=[one.api_id == other.api_id for one, other in zip(library.apis, again.apis, strict=True)],
    rejects=[[reject.entry, reject.code] for reject in library.rejects],
    listed=[line for line in listing("sources", Path()) if "catalogue" in line],
)
"""


def test_a_new_source_is_one_file_and_one_line(extended: Path, tmp_path: Path) -> None:
    page = EXTENSIONS["source"]
    [catalogue], [config] = blocks(page, "csv"), blocks(page, "yaml")
    (tmp_path / "crm.csv").write_text(catalogue)
    (tmp_path / "crm.yaml").write_text(config)
    seen = seen_in(extended, tmp_path, CATALOGUE)
    [find, close] = seen["apis"]
    assert find[:3] == ["find_customer", "Find a customer by name.", "Business"]
    limit = {"type": "integer", "description": "At most so many."}
    assert find[3]["properties"] == {"name": {"type": "string", "description": "First or last name."}, "limit": limit}
    assert (find[3]["required"], find[3]["additionalProperties"], find[4]) == (["name"], False, "find customer")
    assert close[0] == "close_ticket"
    assert seen["rejects"] == [["old report", "no_description"], ["wire money", "unknown_type"]]
    assert len(seen["listed"]) == 1
    assert seen["ray"] is False
    assert seen["same"] == [False, True]  # what changed is another function


COMPLETION = """
import contextlib
from apigen_ray.cli import main

with contextlib.redirect_stdout(sys.stderr), contextlib.suppress(SystemExit):
    main(sys.argv[2:])
tell(listed=[line for line in listing("exports", Path()) if "completion" in line])
"""


def test_a_new_export_is_one_file_and_one_line(extended: Path, tmp_path: Path) -> None:
    page = EXTENSIONS["export"]
    run = RunDir(tmp_path / "runs/quickstart")
    run.update_manifest(fingerprint="x")
    [line] = map(json.loads, blocks(page, "json"))
    offered, query = line["prompt"].strip().split("\n\n")
    name, about = offered.split(": ")
    tools = json.dumps([{"name": name, "description": about, "parameters": {"type": "object"}}])
    row = {"sample_id": "a" * 24, "round": 0, "verdict": "verified", "tools": tools, "query": query}
    none = row | {"sample_id": "f" * 24, "query": "Will it rain?", "answers": "[]"}
    write_once(
        table_of([row | {"answers": line["completion"]}, none], SAMPLE), run.samples(0) / "verdict=verified", "part-0"
    )
    run.close_round(0, [run.samples(0) / "verdict=verified" / "part-0.parquet"])
    [command] = blocks(page, "bash")
    seen = seen_in(extended, tmp_path, COMPLETION, *shlex.split(command)[1:])
    [written] = (tmp_path / "data/completion/train.jsonl").read_text().splitlines()
    assert json.loads(written) == line
    assert json.loads((tmp_path / "data/completion/export.json").read_text())["left_out"] == {"no calls": 1}
    assert len(seen["listed"]) == 1


PLAIN = """
import yaml
from apigen_ray.config import parse_config
from apigen_ray.engines import build

config = parse_config(yaml.safe_load(Path("plain.yaml").read_text()))
[generator] = config.generators
finding = build(generator.spec).probe(0)
moved = config.model_copy(update={"generators": (generator.model_copy(update={"spec": generator.spec.model_copy(
    update={"url": "http://localhost:1/"})}),)})
tell(
    name=generator.name,
    found=[finding.ok, finding.message, finding.mend],
    listed=[line for line in listing("engines", Path()) if "plain" in line],
    same=config.fingerprint() == moved.fingerprint(),
)
"""


def test_a_new_engine_is_one_file_and_two_lines(extended: Path, tmp_path: Path) -> None:
    [config] = blocks(EXTENSIONS["engine"], "yaml")
    (tmp_path / "plain.yaml").write_text(config.replace("localhost:9000", "127.0.0.1:9"))  # where nobody listens
    seen = seen_in(extended, tmp_path, PLAIN)
    words = "http://127.0.0.1:9/answer does not answer (ConnectError)"
    assert seen["found"] == [False, words, "start it, or correct url"]
    assert (seen["name"], len(seen["listed"]), seen["same"], seen["ray"]) == ("mine", 1, True, False)


def module_from(text: str, path: Path) -> ModuleType:
    """A module of a text, as if it were that file."""
    path.write_text(text, "utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Server(BaseHTTPRequestHandler):
    """Answers a prompt with its last word; says no to one that ends in `no`."""

    def do_POST(self) -> None:
        prompt = json.loads(self.rfile.read(int(self.headers["content-length"])))["prompt"]
        body = json.dumps({"text": prompt.split()[-1]}).encode()
        self.send_response(500 if prompt.endswith("no") else 200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None: ...


@pytest.fixture
def answering() -> Iterator[str]:
    """The URL of a server such as the documented engine asks."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/answer"
    server.shutdown()
    thread.join()
    server.server_close()


class Say:
    name = "reply"

    def wanted(self, row: Json) -> bool:
        return True

    def request(self, row: Json) -> Request:
        return Request(({"role": "user", "content": f"Say {row['template']}"},))


@pytest.mark.ray
@pytest.mark.usefixtures("ray_session")
def test_a_new_engine_answers_the_rows_of_a_dataset(answering: str, tmp_path: Path) -> None:
    import ray

    [code] = blocks(EXTENSIONS["engine"], "python")
    plain = module_from(code, tmp_path / "plain.py")  # Ray's workers get its classes by value
    rows = [{"prompt_id": f"p{index}", "index": index, "template": "no" if index == 4 else "yes"} for index in range(6)]
    dataset = ray.data.from_arrow(conform(table_of(rows, DRAFT), DRAFT))
    ask, where = by_value(Say)(), by_value(lambda row: row["index"] % 2 == 0)
    out = plain.PlainEngine(plain.PlainSpec(engine="plain", url=answering)).attach(dataset, ask, where, DRAFT)
    done = sorted(
        pa.concat_tables(out.iter_batches(batch_size=None, batch_format="pyarrow")).to_pylist(),
        key=lambda row: row["index"],
    )
    assert [row["prompt_id"] for row in done] == [row["prompt_id"] for row in rows]
    replies = [row["reply"] for row in done]
    assert [reply and reply["text"] for reply in replies] == ["yes", None, "yes", None, None, None]
    assert [bool(reply and reply["error"]) for reply in replies] == [False] * 4 + [True, False]
    assert replies[4]["error"].startswith("endpoint_down: HTTPStatusError: ")


def by_value(what: Any) -> Any:
    """What Ray's workers cannot import is to travel whole."""
    import ray

    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    return what


@pytest.mark.long
@pytest.mark.ray
def test_a_run_with_a_new_engine(answering: str, extended: Path, tmp_path: Path) -> None:
    [config] = blocks(EXTENSIONS["engine"], "yaml")
    (tmp_path / "plain.yaml").write_text(config.replace("http://localhost:9000/answer", answering))
    command = [sys.executable, "-m", "apigen_ray.cli", "run", "plain.yaml", "--set", "size=6", "--json"]
    environment = os.environ | {"PYTHONPATH": str(extended)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["filter_table"]["mine"]["fail_format"] == seen["samples"] == 6  # the server writes no records
