"""Runs of one library joined: each prompt once, each query verified once, and every reader takes what comes out."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from apigen_ray.cli import main
from apigen_ray.config import SAMPLE, load_config
from apigen_ray.errors import InputError, RunExistsError, RunFailedError
from apigen_ray.export.samples import find_samples
from apigen_ray.graph import union
from apigen_ray.graph.close import close_round
from apigen_ray.job.loop import run as run_config
from apigen_ray.job.merge import merge_runs
from apigen_ray.records import content_hash
from apigen_ray.report.markdown import report_form
from apigen_ray.rundir import RunDir
from apigen_ray.storage import write_once
from apigen_ray.tables import table_of

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_session")]

ROOT = Path(__file__).parents[2]

Row = dict[str, Any]


def row(fingerprint: str, index: int, query: str | None, round_: int = 0, pair: int = 0, **rest: Any) -> Row:
    prompt = content_hash(fingerprint, "g", round_, index)
    return {
        "sample_id": content_hash("sample", prompt, pair),
        "prompt_id": prompt,
        "round": round_,
        "generator": "g",
        "index": index,
        "pair": pair,
        "query": query,
        "verdict": "verified",
    } | rest


def made(path: Path, fingerprint: str, rows: list[Row], library: str = "lib-one-digest", **facts: Any) -> RunDir:
    """A run directory with these rows, closed as a run closes it."""
    run = RunDir(path)
    path.mkdir()
    told: Row = {
        "kind": "run",
        "fingerprint": content_hash(fingerprint),
        "identity": {"of": fingerprint},
        "digests": {"library": library},
        "engines": {"g": {"engine": "scripted"}},
        "stages": ["format"],
    }
    run.update_manifest(**told | facts)
    for number, each in enumerate(rows):
        folder = run.samples(each["round"]) / f"verdict={each['verdict']}"
        write_once(table_of([each], SAMPLE), folder, f"part-{number:04d}")
    for round_ in run.rounds():
        close_round(run, round_)
    return run


def rows_of(run: RunDir) -> dict[str, Row]:
    rows = [each for table in run.read() for each in table.to_pylist()]
    by_id = {each["sample_id"]: each for each in rows}
    assert len(by_id) == len(rows)
    return by_id


def ends(run: RunDir) -> dict[str, tuple[Any, ...]]:
    return {name: (each["verdict"], each["run"], each["query"]) for name, each in rows_of(run).items()}


def told(run: RunDir) -> set[tuple[Any, ...]]:
    """Each sample's run, place in its plan, and verdict."""
    return {
        (each["run"].split("-")[0], each["round"], each["index"], each["pair"], each["verdict"])
        for each in rows_of(run).values()
    }


A = [
    row("a", 0, "One?"),
    row("a", 1, "Two?", round_=1),
    row("a", 2, "one", round_=1),  # a duplicate within its run
    row("a", 3, None, verdict="fail_format"),
]
B = [
    row("b", 0, "TWO"),  # earlier in its plan, and of a later run
    row("b", 1, "Three?"),
    row("b", 2, "Four?", verdict="error"),
    row("b", 2, "Five?", pair=1),
    row("b", 5, "three!", round_=2),
]


@pytest.fixture
def runs(tmp_path: Path) -> tuple[RunDir, RunDir]:
    return made(tmp_path / "a", "a", A), made(tmp_path / "b", "b", B)


def test_a_query_is_verified_once_in_the_first_run_that_is_given(runs: tuple[RunDir, RunDir], tmp_path: Path) -> None:
    a, b = runs
    result = merge_runs([a.path, b.path], tmp_path / "out")
    assert told(result.run) == {
        ("a", 0, 0, 0, "verified"),
        ("a", 1, 1, 0, "verified"),
        ("a", 1, 2, 0, "duplicate"),
        ("a", 0, 3, 0, "fail_format"),
        ("b", 0, 0, 0, "duplicate"),
        ("b", 0, 1, 0, "verified"),
        ("b", 0, 2, 0, "error"),
        ("b", 0, 2, 1, "verified"),
        ("b", 2, 5, 0, "duplicate"),
    }
    turned = merge_runs([b.path, a.path], tmp_path / "turned")
    assert ("b", 0, 0, 0, "verified") in told(turned.run)
    assert ("a", 1, 1, 0, "duplicate") in told(turned.run)
    assert {name: end[1:] for name, end in ends(turned.run).items()} == {
        name: end[1:] for name, end in ends(result.run).items()
    }
    assert result.run.rounds() == result.run.closed_rounds() == [0, 1, 2]
    for file in result.run.sample_files():
        for table in result.run.read(rounds=[int(file.parent.parent.name[6:])], verdicts=[file.parent.name[8:]]):
            assert table.schema.equals(SAMPLE)
            assert {*table["verdict"].to_pylist()} == {file.parent.name[8:]}
            assert {*table["round"].to_pylist()} == {int(file.parent.parent.name[6:])}
    assert result.summary.samples == 9
    assert result.summary.total("verified") == 4


def test_a_row_says_its_run_and_the_manifest_what_that_is(runs: tuple[RunDir, RunDir], tmp_path: Path) -> None:
    merged = merge_runs([run.path for run in runs], tmp_path / "out").run
    manifest = merged.manifest()
    assert manifest["kind"] == "merge"
    names = [f"{letter}-{content_hash(letter)[:8]}" for letter in "ab"]
    assert [(part["run"], part["fingerprint"], part["samples"]) for part in manifest["merged"]] == [
        (names[0], content_hash("a"), 4),
        (names[1], content_hash("b"), 5),
    ]
    assert [part["identity"] for part in manifest["merged"]] == [{"of": "a"}, {"of": "b"}]
    for each in rows_of(merged).values():
        letter = each["run"].split("-")[0]
        assert each["run"] in names
        assert each["prompt_id"] == content_hash(letter, "g", each["round"], each["index"])
    assert all(each["run"] is None for run in runs for each in rows_of(run).values())  # they are only read


def test_the_rows_of_a_prompt_come_from_one_run_rather_from_one_that_judged_it(tmp_path: Path) -> None:
    """Three runs of one config: a model says another thing each time, and may fail."""
    one = made(
        tmp_path / "one",
        "f",
        [
            row("f", 0, "first zero?"),
            row("f", 1, "first one?"),
            row("f", 1, "first one b?", pair=1, verdict="error"),
            row("f", 2, "first two?", verdict="error"),
        ],
    )
    two = made(
        tmp_path / "two",
        "f",
        [
            row("f", 0, "second zero?"),
            row("f", 0, "second zero b?", pair=1),
            row("f", 1, "second one?", verdict="fail_semantic"),
            row("f", 2, "second two?", verdict="error"),
            row("f", 3, "second zero b?"),  # its first is a row that is not kept
        ],
    )
    merged = merge_runs([one.path, two.path], tmp_path / "out").run
    assert sorted(end[::2] for end in ends(merged).values()) == [
        ("error", "first two?"),
        ("fail_semantic", "second one?"),
        ("verified", "first zero?"),
        ("verified", "second zero b?"),
    ]
    assert [part["samples"] for part in merged.manifest()["merged"]] == [2, 2]


def test_joining_what_was_joined_is_like_joining_all_at_once(runs: tuple[RunDir, RunDir], tmp_path: Path) -> None:
    a, b = runs
    c = made(tmp_path / "c", "c", [row("c", 0, "Three?"), row("c", 1, "Two?"), row("c", 2, "Six?")])
    more = made(tmp_path / "more", "b", [row("b", 2, "Four?"), row("b", 2, "Five?", pair=1), row("b", 9, "Six?")])
    whole = merge_runs([run.path for run in (a, b, c, more)], tmp_path / "whole").run
    left = merge_runs([a.path, b.path], tmp_path / "left").run
    right = merge_runs([c.path, more.path], tmp_path / "right").run
    both = merge_runs([left.path, right.path], tmp_path / "both").run
    assert ends(both) == ends(whole)
    assert both.manifest()["merged"] == whole.manifest()["merged"]
    assert ends(merge_runs([whole.path, a.path], tmp_path / "again").run) == ends(whole)
    assert Counter(end[0] for end in ends(whole).values())["error"] == 0  # `more` has judged it


def test_what_cannot_be_joined_is_refused_and_leaves_nothing(runs: tuple[RunDir, RunDir], tmp_path: Path) -> None:
    a, b = runs
    other = made(tmp_path / "other", "o", [row("o", 0, "One?")], library="another-digest")
    open_ = made(tmp_path / "open", "p", [row("p", 0, "One?"), row("p", 0, "Two?", round_=1)])
    open_.open_round(1)
    empty = made(tmp_path / "empty", "e", [])
    judged = made(tmp_path / "judged", "j", [row("j", 0, "One?")], kind="verify")
    out = tmp_path / "out"
    for given, target, words in (
        ([a.path], out, "nothing to join it with"),
        ([a.path, b.path, tmp_path / "b" / ".." / "a"], out, r"a: is given twice"),
        ([a.path, other.path], out, r"/a and .*/other are of different libraries \(lib-one- and another-\)"),
        ([a.path, open_.path], out, r"open: round 1 is not closed\n.*--resume"),
        ([a.path, empty.path], out, r"empty: has no samples yet"),
        ([a.path, judged.path], out, r"judged: judged records from elsewhere.*\n.*apigen verify"),
        ([a.path, tmp_path / "nowhere"], out, r"nowhere: there is no such folder"),
        ([a.path, b.path], a.path, r"a: is, holds or lies in"),
        ([a.path, b.path], a.path / "merged", r"is, holds or lies in"),
        ([a.path, b.path], tmp_path, r"is, holds or lies in"),
    ):
        with pytest.raises(InputError, match=words):
            merge_runs(given, target, clean=True)
    assert not out.exists()
    assert len(rows_of(a)) == 4


def test_what_is_there_is_replaced_only_where_it_is_said(runs: tuple[RunDir, RunDir], tmp_path: Path) -> None:
    paths, out = [run.path for run in runs], tmp_path / "out"
    out.mkdir()
    (out / "mine").touch()
    with pytest.raises(RunExistsError, match="not empty and not a run"):
        merge_runs(paths, out, clean=True)
    (out / "mine").unlink()
    merge_runs(paths, out)
    with pytest.raises(RunExistsError, match=r"a run is there\n.*--clean"):
        merge_runs(paths, out)
    merge_runs(paths[::-1], out, clean=True)
    assert [part["run"][0] for part in RunDir(out).manifest()["merged"]] == ["b", "a"]


def test_a_merge_that_breaks_off_shows_nothing(
    runs: tuple[RunDir, RunDir], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, out = [run.path for run in runs], tmp_path / "out"

    def breaks(*arguments: Any) -> Any:
        union.write_union(*arguments)
        raise OSError("the disk is full")

    monkeypatch.setattr("apigen_ray.job.merge.write_union", breaks)
    with pytest.raises(RunFailedError, match="the disk is full"):
        merge_runs(paths, out)
    half = RunDir(out)
    assert list(half.samples(0).rglob("*.parquet"))
    assert rows_of(half) == {}
    with pytest.raises(InputError, match=r"out: round 0 is not closed\n.*merge again with --clean"):
        merge_runs([paths[0], out], tmp_path / "more")
    monkeypatch.undo()
    assert len(rows_of(merge_runs(paths, out, clean=True).run)) == 9


def test_many_rows_choose_one_source_for_each_prompt() -> None:
    rng = np.random.default_rng(5)
    prompts = rng.integers(0, 300, 5000)
    sources = rng.integers(0, 5, 5000)
    errors = rng.random(5000) < 0.2
    ids = np.array([content_hash(int(number)).encode()[:12] for number in prompts], "S12")
    kept = union.chosen(ids, sources, errors)
    for prompt in range(300):
        of = prompts == prompt
        ranked = sorted((bool(errors[of & (sources == each)].any()), each) for each in {*sources[of].tolist()})
        assert (kept[of] == (sources[of] == ranked[0][1])).all()
    assert union.chosen(ids[:0], sources[:0], errors[:0]).tolist() == []


def test_real_runs_are_joined_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(ROOT)
    paths = []
    for seed in (1, 2):
        settings = [f"output.dir={tmp_path}", f"name=s{seed}", f"seed={seed}", "size=40", "execution.timeout_s=2"]
        paths.append(run_config(load_config(ROOT / "jobs" / "smoke.yaml", settings)).run.path)
    before = [rows_of(RunDir(path)) for path in paths]
    out = tmp_path / "both"
    command = ["merge", *map(str, paths), "--out", str(out), "--json"]
    main_of(command)
    form = json.loads(capsys.readouterr().out)
    rows = rows_of(RunDir(out))
    assert form["samples"] == len(rows) == sum(map(len, before))
    for each in before:
        for name, old in each.items():
            new = rows[name]
            changed = {key for key in old if old[key] != new[key]} - {"run"}
            assert changed <= ({"verdict"} if old["verdict"] in ("verified", "duplicate") else set())
    queries = Counter(each["query"] for each in rows.values() if each["verdict"] == "verified")
    assert max(queries.values()) == 1
    assert report_form(out)["outcome"] == "done"
    assert "s1-" in (out / "report.md").read_text()
    assert {each["run"] for each in find_samples(out, limit=200)} == {part["run"] for part in form_parts(out)}
    main_of(["export", str(out), "--to", "xlam", "--out", str(tmp_path / "export"), "--json"])
    assert sum(json.loads(capsys.readouterr().out)["rows"].values()) == form["verified"]
    with pytest.raises(SystemExit) as end:
        main(command)
    assert end.value.code == 1
    assert "a run is there" in capsys.readouterr().err
    with pytest.raises(RunExistsError, match="judged or merged: it is not resumed"):
        run_config(load_config(ROOT / "jobs" / "smoke.yaml", [f"output.dir={tmp_path}", "name=both"]), resume=True)


def main_of(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 0


def form_parts(out: Path) -> list[Row]:
    parts: list[Row] = RunDir(out).manifest()["merged"]
    return parts


def test_rows_of_before_there_was_a_column_for_the_run_are_joined(tmp_path: Path) -> None:
    a = made(tmp_path / "a", "a", A[:1])
    old = made(tmp_path / "old", "b", [])
    older = pa.schema([field for field in SAMPLE if field.name != "run"])
    write_once(table_of(B[:2], older), old.samples(0) / "verdict=verified", "part-0")
    old.close_round(0, old.sample_files(0))
    merged = merge_runs([a.path, old.path], tmp_path / "out").run
    assert {end[1].split("-")[0] for end in ends(merged).values()} == {"a", "old"}
