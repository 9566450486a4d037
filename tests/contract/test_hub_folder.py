"""The folder that is published: shards and configs, the card and what it says, and what stands beside."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from hub_runs import CONFIG, ROOT, STYLES, Row, row, rows_of, write_run

from apigen_ray.config import SAMPLE, parse_config
from apigen_ray.errors import InputError
from apigen_ray.export.run import MARK
from apigen_ray.export.splits import Splits
from apigen_ray.hub import layout
from apigen_ray.hub.layout import COLUMNS, PUBLISHED, HubExport
from apigen_ray.hub.publish import publish
from apigen_ray.records import dumps
from apigen_ray.tables import table_of


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")


def made(tmp_path: Path, run: Path, *words: str, licences: tuple[str, ...] = ("cc-by-4.0",), **more: Any) -> Path:
    splits = Splits.parse(words)
    told: Row = {"licences": licences, "verdicts": ["verified"], "splits": splits, "dry_run": True}
    publish(run, "org/name", **told | more, out=tmp_path / "out", clean=True)
    return tmp_path / "out"


def card(out: Path) -> tuple[Row, str]:
    _, head, body = (out / "README.md").read_text("utf-8").split("---\n", 2)
    return yaml.safe_load(head), body


def files(out: Path) -> dict[str, list[Row]]:
    return {
        path.relative_to(out).as_posix(): pq.ParquetFile(path).read().to_pylist()
        for path in sorted((out / "data").rglob("*.parquet"))
    }


# Shards


def test_rows_of_a_style_and_split_stand_in_shards_of_bounded_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rows_of(240)
    monkeypatch.setattr("apigen_ray.export.run.BATCH_ROWS", 60)
    monkeypatch.setattr(layout, "GROUP_BYTES", 3_000)
    monkeypatch.setattr(layout, "SHARD_BYTES", 8_000)
    out = made(tmp_path, write_run(tmp_path / "run", rows), "train=0.8,test=0.2")
    found = files(out)
    want = {one["sample_id"]: one for one in table_of(rows, SAMPLE).to_pylist()}
    assert Counter(one["sample_id"] for part in found.values() for one in part) == Counter(want.keys())
    for path, part in found.items():
        style, split, number, of = re.fullmatch(r"data/(\w+)/(\w+)-(\d{5})-of-(\d{5}).parquet", path).groups()  # type: ignore[union-attr]
        assert int(number) < int(of) == len([name for name in found if name.startswith(f"data/{style}/{split}-")])
        assert {one["style"] for one in part} == {style}
        assert table_of(part, PUBLISHED).nbytes <= 9_000
        groups = pq.ParquetFile(out / path).metadata
        assert groups.num_row_groups <= 1 + groups.num_rows / 5
        assert split in ("train", "test")
    assert any("00002-of-" in path for path in found)
    assert {MARK, "README.md", "config.yaml", "run.json", "data"} == {path.name for path in out.iterdir()}
    assert json.loads((out / MARK).read_text())["files"] == {path: len(part) for path, part in found.items()}


def test_the_same_run_makes_the_same_bytes(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", rows_of())
    first = {path.name: path.read_bytes() for path in made(tmp_path, run).rglob("*") if path.is_file()}
    assert first == {path.name: path.read_bytes() for path in made(tmp_path, run).rglob("*") if path.is_file()}


def test_only_chosen_columns_are_published() -> None:
    assert list(COLUMNS) == PUBLISHED.names
    assert all(COLUMNS.values())
    left = set(SAMPLE.names) - set(COLUMNS)
    assert {"reply", "record", "judge", "roundtrip", "semantic_words", "examples", "candidates"} <= left
    assert {name for name in SAMPLE.names if name.endswith("_detail")} <= left
    assert set(HubExport.columns) <= set(SAMPLE.names)


def test_words_of_the_stages_are_published_nowhere(tmp_path: Path) -> None:
    words = "10.0.0.7: no connection"
    failed = {"status": "error", "value": None, "code": "endpoint_unavailable", "detail": words}
    made_up = {"status": "passed", "value": '{"detail":1}', "simulated": True}
    told = {"verdict": "fail_execution", "execution_status": "rejected", "execution_detail": f"call 1: {words}"}
    run = write_run(tmp_path / "run", [row(1, "parallel", results=dumps([failed, made_up]), **told)])
    out = made(tmp_path, run, verdicts=["fail_execution"])
    [[one]] = files(out).values()
    del failed["detail"]
    assert json.loads(one["results"]) == [failed, made_up]
    assert words not in str(one)
    assert words not in "".join(path.read_text() for path in out.iterdir() if path.is_file())


def test_rows_that_say_little_are_published_too(tmp_path: Path) -> None:
    bare = {"sample_id": "a" * 24, "verdict": "fail_format", "format_status": "rejected", "format_code": "not_json"}
    empty = {"semantic_words": None, "api_ids": None, "style": None}
    run = write_run(tmp_path / "run", [row(1, "simple") | empty, bare])
    out = made(tmp_path, run, verdicts=["verified", "fail_format"])
    [(path, rows)] = files(out).items()
    assert path == "data/unknown/train-00000-of-00001.parquet"
    assert {one["verdict"]: one["likelihood"] for one in rows} == {"verified": None, "fail_format": None}
    assert "`unknown`: the style is not known" in card(out)[1]


# The card


def test_the_head_says_what_loaders_need(tmp_path: Path) -> None:
    out = made(tmp_path, write_run(tmp_path / "run", rows_of()), "train=0.7,test=0.3")
    head, _ = card(out)
    assert (head["license"], head["language"], head["size_categories"]) == ("cc-by-4.0", ["en"], ["n<1K"])
    assert head["task_categories"] == ["text-generation"]
    assert {"function-calling", "synthetic"} <= set(head["tags"])
    assert [config["config_name"] for config in head["configs"]] == ["default", *sorted(STYLES)]
    counts = files(out)
    for config, info in zip(head["configs"], head["dataset_info"], strict=True):
        assert config["config_name"] == info["config_name"]
        assert [feature["name"] for feature in info["features"]] == PUBLISHED.names
        told = {split["name"]: split["num_examples"] for split in info["splits"]}
        for part in config["data_files"]:
            found = {path.relative_to(out).as_posix() for path in out.glob(part["path"])}
            assert found
            assert told[part["split"]] == sum(len(counts[path]) for path in found)


def test_loaders_see_that_the_rows_are_others(tmp_path: Path) -> None:
    heads = [
        card(made(tmp_path, write_run(tmp_path / f"run{n}", [row(n, "simple"), row(9, "simple")])))[0]
        for n in (1, 2, 1)
    ]
    told = [{config["description"] for config in head["configs"]} for head in heads]
    assert told[0] == told[2] != told[1]
    assert [len(words) for words in told] == [1, 1, 1]
    assert heads[0]["dataset_info"] == heads[1]["dataset_info"]


def test_the_body_says_what_it_is(tmp_path: Path) -> None:
    rows = [*rows_of(), row(90, "simple", verdict="fail_grounding", grounding_status="rejected", grounding_code="x")]
    run = write_run(tmp_path / "sums", rows)
    told = ("cc-by-4.0", "smollm2-135m=llama3.1", "apigen_ray.library.functions=Acme | <i>1")
    body = card(made(tmp_path, run, "train=0.7,test=0.3", licences=told))[1]
    for words in (
        "# sums\n",
        "40 function-calling samples",
        "[APIGen](https://arxiv.org/abs/2406.18518)",
        'load_dataset("org/name", split="train")',
        "| `default`: all rows | 24 | 16 |",
        "| smollm2-135m | 41 | 40 | 0 | 0 | 1 | 0 | 0 | 0 | 97.6 % |",
        "| grounding | 40 | 41 |",
        "**Not asked for: semantic.**",
        "The data set: **cc-by-4.0**.",
        "| generator | smollm2-135m | HuggingFaceTB/SmolLM2-135M-Instruct | llama3.1 | told by the publisher |",
        r"| source | apigen_ray.library.functions | Python functions | Acme \| \<i>1 | told by the publisher |",
        "| different functions called | 1 |",
        "- smollm2-135m, llama3.1: Its section 1.b asks that",
        "| `answers` | string |",
        "eprint = {2406.18518}",
        "version = {0.1.0}",
        "No judge model has read the rows.",
        "`call_first`: calls were drawn",
    ):
        assert words in body, words
    assert "FAKE" not in body
    assert "simulated calls**" not in body
    assert "{{" not in body
    for table in re.findall(r"(?:^\|.*\|\n)+", body, re.MULTILINE):
        lines = [re.findall(r"(?<!\\)\|", line) for line in table.splitlines()]
        assert len({len(line) for line in lines}) == 1, table
        assert re.fullmatch(r"\|( -+:? \|)+", table.splitlines()[1])


def test_simulated_rows_and_fakes_are_said_plainly(tmp_path: Path) -> None:
    rows = [row(1, "simple", execution_mode="simulate"), row(2, "simple")]
    config = yaml.safe_load((ROOT / "jobs" / "smoke.yaml").read_text("utf-8"))
    run = write_run(tmp_path / "run", rows, config)
    body = card(made(tmp_path, run, licences=("mit", "smoke_functions.py=mit")))[1]
    assert "**1 of the 2 rows have simulated calls**" in body
    assert "**These rows are a FAKE.**" in body
    assert "`query_first`: a model wrote the request" in body


def test_rows_that_fell_are_said_plainly(tmp_path: Path) -> None:
    fallen = [row(n, "simple", verdict="fail_semantic") for n in (3, 4)] + [row(5, "simple", verdict="duplicate")]
    run = write_run(tmp_path / "run", [row(1, "simple"), *fallen])
    body = card(made(tmp_path, run, verdicts=["duplicate", "verified", "fail_semantic"]))[1]
    assert "**3 of the 4 rows did not pass**" in body
    assert "Verdicts of the rows: verified (1), fail_semantic (2), duplicate (1).\n" in body
    assert "rows did not pass" not in card(made(tmp_path, run))[1]


def test_the_card_reads_rows_of_which_no_record_could_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = row(1, "simple", verdict="fail_format", query=None, answers=None, results=None)
    body = card(made(tmp_path, write_run(tmp_path / "run", [bare]), verdicts=["fail_format"]))[1]
    _, code = re.findall(r"^```python\n(.*?)^```$", body, re.DOTALL | re.MULTILINE)
    [rows] = files(tmp_path / "out").values()
    exec(code, {"samples": rows})  # noqa: S102 - code of our own template
    assert capsys.readouterr().out.startswith("None [{'name': 'add'")


def test_a_judge_that_is_a_fake_is_said_to_be_one(tmp_path: Path) -> None:
    config = yaml.safe_load(CONFIG.read_text("utf-8")) | {"judge": {"engine": "scripted"}}
    body = card(made(tmp_path, write_run(tmp_path / "run", rows_of(4), config)))[1]
    assert "**The judge was a FAKE.**" in body
    assert "These rows are a FAKE" not in body


def test_hostile_names_are_only_text(tmp_path: Path) -> None:
    name = "a | b \\| <img src=x> `c` [d](e) ![f](g) *h*\n---\n# i"
    run = write_run(tmp_path / name, rows_of(4))
    head, body = card(made(tmp_path, run, licences=("mit", f"smollm2-135m={name.replace('=', '')}")))
    quoted = r"a \| b \\\| \<img src=x> \`c\` \[d\](e) !\[f\](g) \*h\* --- # i"
    assert head["pretty_name"] == " ".join(name.split())
    assert body.startswith(f"# {quoted}\n\n4 function-calling samples")
    assert f"| {quoted.replace('=', '')} | told by the publisher |" in body


def test_a_run_is_called_by_its_folder_wherever_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = write_run(tmp_path / "sums", rows_of(4))
    monkeypatch.chdir(run / "samples")
    assert card(made(tmp_path, Path("..")))[1].startswith("# sums\n")


def test_judged_records_have_a_card(tmp_path: Path) -> None:
    config = {"library": None, "stages": ["format"], "semantic": {"checks": ["originality", "judge"]}}
    rows = [row(1, "simple", generator=None, source_id="9", api_ids=None)]
    run = write_run(
        tmp_path / "run", rows, config, kind="verify", input="/data/theirs.jsonl", stages=["format"], seed=None
    )
    head, body = card(made(tmp_path, run, licences=("mit", "theirs.jsonl=cc-by-4.0")))
    assert "language" not in head
    assert not {"synthetic", "apigen"} & set(head["tags"])
    assert "Judged by the stages of [APIGen]" in body
    assert "| records | 1 | 1 |" in body
    assert "Tokens" not in body
    assert "generators write" not in body
    assert "Records that others wrote were judged" in body
    assert "| records | theirs.jsonl | records that others wrote | cc-by-4.0 | told by the publisher |" in body
    assert "No judge model has read the rows." in body  # its config would have asked one, but for its stages
    assert "None" not in body


def test_merged_runs_have_a_card(tmp_path: Path) -> None:
    config = yaml.safe_load((ROOT / "jobs" / "quickstart.yaml").read_text("utf-8"))
    parts = [{"run": f"r{n}", "path": f"/home/me/r{n}", "rounds": [0], "identity": config} for n in range(2)]
    run = write_run(tmp_path / "run", rows_of(4), kind="merge", merged=parts, seed=None)
    (run / "config.yaml").unlink()
    out = made(tmp_path, run)
    assert [part["run"] for part in yaml.safe_load((out / "config.yaml").read_text())["merged"]] == ["r0", "r1"]
    assert "/home" not in "".join(path.read_text() for path in out.iterdir() if path.is_file())
    assert "None" not in card(out)[1]


def test_the_config_beside_runs_again_and_names_no_machine(tmp_path: Path) -> None:
    config = yaml.safe_load((ROOT / "jobs" / "quickstart.yaml").read_text("utf-8"))
    config |= {"name": "sums", "output": {"dir": "/home/me/runs"}}
    sandbox = {"services": [{"server": "http://10.0.0.7:80", "functions": 1, "env": ["KEY"]}]}
    run = write_run(tmp_path / "sums", rows_of(4), config, versions={"python": "3.11"}, sandbox=sandbox)
    out = made(tmp_path, run)
    again = parse_config(yaml.safe_load((out / "config.yaml").read_text("utf-8")))
    assert again.identity() == parse_config(config).identity()
    facts = json.loads((out / "run.json").read_text())
    assert (facts["verified"], facts["versions"], facts["seed"]) == (4, {"python": "3.11"}, 0)
    text = "".join(path.read_text() for path in out.iterdir() if path.is_file())
    assert [word for word in ("/home", "10.0.0.7", str(tmp_path)) if word in text] == []


def test_nothing_is_made_where_a_licence_is_not_known(tmp_path: Path) -> None:
    config = yaml.safe_load((ROOT / "jobs" / "quickstart.yaml").read_text("utf-8"))
    config["generators"][0]["model"] = "owner/name"
    run = write_run(tmp_path / "run", rows_of(4), config)
    with pytest.raises(InputError, match=r"generator smollm2-135m is not known \(its card at .* could not be read"):
        made(tmp_path, run)
    assert not (tmp_path / "out").exists()


def test_a_run_without_a_row_makes_nothing(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [row(1, "simple", verdict="duplicate")])
    with pytest.raises(InputError, match="no row of verified for hub"):
        made(tmp_path, run)
    assert not (tmp_path / "out").exists()
