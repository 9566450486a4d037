"""Feedback: which verified samples of the rounds so far become examples of later ones."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from apigen_ray.config import SAMPLE
from apigen_ray.errors import ConfigError
from apigen_ray.job.feedback import check_feedback, read_seeds, write_seeds
from apigen_ray.records import Api, content_hash, dumps
from apigen_ray.rundir import RunDir
from apigen_ray.sampling import FeedbackSpec
from apigen_ray.storage import write_once
from apigen_ray.tables import table_of

Row = dict[str, Any]

SCHEMA = {"type": "object", "properties": {"x": {}}, "required": [], "additionalProperties": False}
APIS = [Api(name, f"Does {name}.", SCHEMA, category=name[0].upper()) for name in ("f", "g", "h", "half", "few")]
BY_NAME = {api.name: api for api in APIS}
WORDS = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau".split()


def row(query: str, *called: str, offered: tuple[str, ...] = (), x: Any = 1, **rest: Any) -> Row:
    """A verified sample; what it is called by is a hash, as in a run."""
    return {
        "sample_id": content_hash(query, *called, rest.get("style"), rest.get("verdict")),
        "style": "simple" if called else "irrelevance",
        "query": query,
        "api_ids": [BY_NAME[name].api_id for name in offered or called],
        "answers": dumps([{"name": name, "arguments": {"x": x}} for name in called]),
        "verdict": "verified",
    } | rest


def write(run: RunDir, rows: list[Row], part: str, round_: int = 0) -> None:
    for verdict in {each["verdict"] for each in rows}:
        some = [each for each in rows if each["verdict"] == verdict]
        write_once(table_of(some, SAMPLE), run.samples(round_) / f"verdict={verdict}", f"part-{part}")


def seeds_of(run: RunDir, round_: int = 0) -> list[Row]:
    return [json.loads(line) for line in run.seeds(round_).read_text("utf-8").split("\n") if line]


def kept(folder: Path, rows: list[Row], **spec: Any) -> list[Row]:
    run = RunDir(folder)
    write(run, rows, "1")
    write_seeds(run, 0, FeedbackSpec(**spec), APIS)
    return seeds_of(run)


def queries(count: int) -> list[str]:
    """Queries of different words."""
    return [f"{one} {other}?" for one in WORDS for other in WORDS][:count]


def test_a_round_without_samples_gives_no_examples(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    write_seeds(run, 0, FeedbackSpec(), APIS)
    assert run.seeds(0).read_text() == ""
    assert read_seeds(run, 0, APIS) == read_seeds(run, 1, APIS) == ()


@pytest.mark.parametrize("seed", range(3))
def test_whatever_the_files_and_their_order_the_same_are_kept(tmp_path: Path, seed: int) -> None:
    rows = [row(query, name) for name in ("f", "g") for query in queries(300)]
    expected = {
        name: sorted(each["sample_id"] for each in rows if f'"{name}"' in each["answers"])[:4] for name in ("f", "g")
    }
    random.Random(seed).shuffle(rows)
    run = RunDir(tmp_path)
    size = (7, 100, 600)[seed]
    for start in range(0, len(rows), size):
        write(run, rows[start : start + size], str(start))
    write_seeds(run, 0, FeedbackSpec(per_api=4), APIS)
    found = seeds_of(run)
    for name, ids in expected.items():
        assert sorted(each["sample_id"] for each in found if each["answers"][0]["name"] == name) == ids
    text = run.seeds(0).read_text("utf-8")
    write_seeds(run, 0, FeedbackSpec(per_api=4), APIS)  # as a resumed run does
    assert run.seeds(0).read_text("utf-8") == text


def test_an_example_is_a_whole_seed_and_says_which_sample_it_is(tmp_path: Path) -> None:
    rows = [
        row('Ü\u2028 "quoted"?', "f", "g", offered=("g", "f", "h"), style="parallel_multiple"),
        row("What?", offered=("h", "f")),
    ]
    found = {each["style"]: each for each in kept(tmp_path, rows)}
    assert found["parallel_multiple"] == {
        "sample_id": rows[0]["sample_id"],
        "style": "parallel_multiple",
        "query": rows[0]["query"],
        "tools": [BY_NAME[name].tool() for name in ("g", "f", "h")],
        "answers": json.loads(rows[0]["answers"]),
    }
    assert found["irrelevance"]["answers"] == []
    examples = read_seeds(RunDir(tmp_path), 1, APIS)
    assert {example.query for example in examples} == {each["query"] for each in rows}


def test_only_verified_samples_are_kept_each_style_and_function_apart(tmp_path: Path) -> None:
    rows = [
        row(query, name, style=style) for query in queries(9) for name in ("f", "g") for style in ("simple", "multiple")
    ]
    rows += [row(query, offered=(name, "f")) for query in queries(9) for name in ("g", "h")]
    rows += [row(query, "half", verdict=verdict) for query in queries(9) for verdict in ("duplicate", "fail_format")]
    found = kept(tmp_path, rows, per_api=2)
    names = [(each["style"], (each["answers"] or each["tools"])[0]["name"]) for each in found]
    wanted = [(style, name) for style in ("simple", "multiple") for name in ("f", "g")]
    wanted += [("irrelevance", "g"), ("irrelevance", "h")]
    assert sorted(names) == sorted(2 * wanted)


def test_queries_that_differ_in_values_only_take_one_place(tmp_path: Path) -> None:
    rows = [row(f"How much is {number} kg in pounds?", "f", x=number) for number in range(50)]
    rows += [row(f"Is {place} far?", "f", x={"to": [place]}) for place in ("New York", "Rome", "Le Mans")]
    rows += [row("And now?", "f")]
    found = kept(tmp_path, rows, per_api=3)
    assert {each["query"].split()[0] for each in found} == {"How", "Is", "And"}
    pounds = min((each for each in rows if "pounds" in each["query"]), key=lambda each: each["sample_id"])
    assert pounds["sample_id"] in {each["sample_id"] for each in found}


def test_every_function_has_one_before_any_has_two(tmp_path: Path) -> None:
    rows = [row(query, name) for query in queries(30) for name in BY_NAME]
    for size, most in ((3, 1), (5, 1), (8, 2), (40, 4)):
        found = kept(tmp_path / str(size), rows, per_api=4, size=size)
        names = [each["answers"][0]["name"] for each in found]
        assert len(names) == min(size, 4 * len(BY_NAME))
        assert max(names.count(name) for name in names) == most
        assert len(set(names)) == min(size, len(BY_NAME))


def test_a_weight_of_nothing_keeps_a_style_or_category_out(tmp_path: Path) -> None:
    rows = [
        row(query, name, style=style) for query in queries(3) for name in BY_NAME for style in ("simple", "parallel")
    ]
    found = kept(tmp_path / "1", rows, styles={"simple": 0}, categories={"F": 0, "G": 2})
    assert {(each["style"], each["answers"][0]["name"]) for each in found} == {
        ("parallel", name) for name in ("g", "h", "half")
    }
    assert kept(tmp_path / "2", rows, share=0) == []


def test_the_cap_is_over_all_rounds_and_a_round_builds_on_the_one_before(tmp_path: Path) -> None:
    rows = [row(query, name) for name in ("f", "g") for query in queries(200)]
    spec = FeedbackSpec(per_api=3)
    run, whole = RunDir(tmp_path / "rounds"), RunDir(tmp_path / "whole")
    for number in range(3):
        write(run, rows[number::3], "1", round_=number)
        write_seeds(run, number, spec, APIS)
    write(whole, rows, "1")
    write_seeds(whole, 0, spec, APIS)
    assert run.seeds(2).read_text() == whole.seeds(0).read_text()
    assert len(seeds_of(run, 2)) == 6
    assert len({run.seeds(number).read_text() for number in range(3)}) == 3
    for number in range(3):  # a resumed run closes every round again
        write_seeds(run, number, spec, APIS)
    assert run.seeds(2).read_text() == whole.seeds(0).read_text()


def test_a_category_that_the_library_lacks_is_refused() -> None:
    check_feedback(FeedbackSpec(categories={"F": 2}), APIS)
    with pytest.raises(ConfigError, match=r"sampling\.feedback\.categories: no function is in 'f'.*\n.*: F, G, H;"):
        check_feedback(FeedbackSpec(categories={"f": 2}), APIS)
