"""A review without its page: which rows are drawn, whether what is said of them lasts, and what follows from it."""

import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from upath import UPath

from apigen_ray import cli
from apigen_ray.config import SAMPLE
from apigen_ray.display.review import print_review
from apigen_ray.errors import EnvironmentFault, InputError, RecordError
from apigen_ray.records import content_hash, dumps
from apigen_ray.review import sample as sampling
from apigen_ray.review.allot import by_size, level
from apigen_ray.review.estimates import estimates, settle
from apigen_ray.review.judgements import Judgement, JudgementFile, Settled, Words, name_of, path_of, read_words
from apigen_ray.review.rows import question, story, type_words
from apigen_ray.review.run import review_run
from apigen_ray.review.sample import FILE, JUDGED, Sample, open_sample
from apigen_ray.rundir import RunDir
from apigen_ray.storage import write_once
from apigen_ray.tables import table_of

Row = dict[str, Any]
STAGES = ("format", "execution", "grounding", "semantic")
GOOD, BAD, UNSURE = (Judgement(word=word) for word in ("good", "bad", "unsure"))
TOOL = {
    "name": "area",
    "description": "Compute an area.",
    "parameters": {
        "type": "object",
        "properties": {
            "width": {"type": "number", "description": "In metres."},
            "unit": {"type": "string", "enum": ["m", "cm"], "default": "m"},
        },
        "required": ["width"],
    },
}


def row(number: int, verdict: str = "verified", style: str = "simple", generator: str = "one", **rest: Any) -> Row:
    failed = verdict.removeprefix("fail_")
    stages: Row = {}
    for stage in STAGES:
        stages |= {f"{stage}_status": "passed", f"{stage}_code": "", f"{stage}_detail": ""}
    if failed in STAGES:
        stages |= {f"{failed}_status": "rejected", f"{failed}_code": f"{failed}_fault", f"{failed}_detail": "why so"}
    return {
        **{"sample_id": content_hash("row", number), "round": 0, "index": number, "style": style},
        **{"generator": generator, "query": f"Query {number}?", "tools": dumps([{"name": "other"}, TOOL])},
        "answers": dumps([{"name": "area", "arguments": {"width": 2}}]),
        "results": dumps([{"status": "passed", "value": '{"m2":4}'}]),
        "semantic_words": dumps({"judge": {"word": "yes", "score": 1}}),
        **stages,
        "verdict": verdict,
    } | rest


def write(path: Path, rows: list[Row], parts: int = 1, round_: int = 0, closed: bool = True) -> RunDir:
    run, files = RunDir(path), []
    run.update_manifest(fingerprint="f1")
    for verdict in sorted({each["verdict"] for each in rows}):
        chosen = [each for each in rows if each["verdict"] == verdict]
        for part in range(parts):
            if some := chosen[part::parts]:
                folder, name = run.samples(round_) / f"verdict={verdict}", f"part-{part}-{len(run.rounds())}"
                write_once(table_of(some, SAMPLE), folder, name)
                files.append(folder / f"{name}.parquet")
    if closed:
        run.close_round(round_, files)
    return run


def whole(each: Row) -> Row:
    """A row as a file gives it back: with every column."""
    return dict(table_of([each], SAMPLE).to_pylist()[0])


POPULATION = {"verified": 40, "fail_format": 3, "fail_grounding": 60, "fail_semantic": 30, "duplicate": 4, "error": 2}


def population() -> list[Row]:
    """Rows of every verdict, three in four of them simple, two in three by the first generator."""
    verdicts = [verdict for verdict, rows in POPULATION.items() for _ in range(rows)]
    return [
        row(number, verdict, "parallel" if number % 4 == 3 else "simple", "two" if number % 3 == 2 else "one")
        for number, verdict in enumerate(verdicts)
    ]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a sample of 20 rows; tests have a copy."""
    run = write(tmp_path_factory.mktemp("made") / "run", population()).path
    open_sample(run, run / "review", 20)
    return run


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    copy: Path = shutil.copytree(made, tmp_path / "run", ignore=shutil.ignore_patterns("review"))
    return copy


@pytest.fixture
def sample(made: Path, run: Path) -> Sample:
    shutil.copytree(made / "review", run / "review")
    return open_sample(run, run / "review")


# How many rows of each part

SIZES = st.dictionaries(st.integers(0, 9), st.integers(0, 50))


@given(SIZES, st.integers(0, 300))
def test_level_gives_as_many_of_each(sizes: dict[int, int], number: int) -> None:
    out = level(sizes, number)
    assert out.keys() == sizes.keys()
    assert sum(out.values()) == min(number, sum(sizes.values()))
    assert all(out[key] <= sizes[key] for key in sizes)
    most = max(out.values(), default=0)
    assert all(out[key] >= most - 1 for key in sizes if out[key] < sizes[key])  # only a part that is used up has less


@given(SIZES, st.integers(0, 300))
def test_by_size_gives_the_same_share_of_each(sizes: dict[int, int], number: int) -> None:
    out = by_size(sizes, number)
    rows = sum(sizes.values())
    assert sum(out.values()) == min(number, rows)
    for key, size in sizes.items():
        assert out[key] <= size
        assert abs(out[key] - min(number, rows) * size / max(rows, 1)) < 1


# Which rows are drawn


def test_half_is_verified_and_the_stages_are_level(sample: Sample) -> None:
    drawn = Counter(verdict for verdict, _, _ in sample.cells.values())
    assert drawn == {"verified": 10, "fail_format": 3, "fail_grounding": 4, "fail_semantic": 3}
    assert sample.drawn.left_out == {"duplicate": 4, "error": 2}


def test_within_a_verdict_generators_and_styles_have_their_shares(run: Path) -> None:
    sample = open_sample(run, run / "review", 60)
    cells = Counter(sample.cells.values())
    for verdict in JUDGED:
        rows = {cell: number for cell, number in sample.drawn.population.items() if cell[0] == verdict}
        drawn = sum(number for cell, number in cells.items() if cell[0] == verdict)
        for cell, number in rows.items():
            assert abs(cells[cell] - drawn * number / sum(rows.values())) < 1


def test_the_same_seed_draws_the_same_rows_from_any_files(run: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other", list(reversed(population())), parts=5).path
    one, two = (open_sample(path, path / "review", 20) for path in (run, other))
    assert one.ids == two.ids
    assert one.digest == two.digest
    assert len(set(one.ids)) == 20
    third = open_sample(run, tmp_path / "third", 20, seed=1)
    assert set(third.ids) != set(one.ids)


def test_every_row_is_drawn_as_often_as_the_others(run: Path, tmp_path: Path) -> None:
    """Of 10 seeds: a verified row is in a quarter of the samples, and no kind of row comes early or late."""
    verified = [each["sample_id"] for each in population() if each["verdict"] == "verified"]
    often, places = Counter[str](), []
    for seed in range(10):
        sample = open_sample(run, tmp_path / str(seed), 20, seed=seed)
        often.update(name for name in sample.ids if sample.cells[name][0] == "verified")
        places += [place for place, name in enumerate(sample.ids) if sample.cells[name][0] == "fail_format"]
    assert often.total() == 100
    assert all(often[name] <= 7 for name in verified)  # 2.5 expected, 1.4 its deviation
    assert sum(often[name] == 0 for name in verified) <= 7  # of 40, each with a chance of 6 %
    assert len(places) == 30  # every such row is in every sample: low hashes do not make it late
    assert 7 < sum(places) / 30 < 12  # 9.5 expected, 1.0 its deviation


def test_rows_lie_whole_in_the_order_in_which_they_are_judged(run: Path, sample: Sample) -> None:
    written = {each["sample_id"]: each for each in pa.concat_tables(RunDir(run).read()).to_pylist()}
    assert [sample.row(place) for place in range(20)] == [written[name] for name in sample.ids]


def test_a_sample_names_the_run_that_one_stands_in(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run)
    assert open_sample(Path(), Path("review")).drawn.run == "run"


def test_a_run_with_fewer_rows_gives_all(run: Path) -> None:
    sample = open_sample(run, run / "review")
    assert len(sample.ids) == sum(rows for verdict, rows in POPULATION.items() if verdict in JUDGED)
    assert sample.drawn.asked == 600


def test_a_sample_stays_when_the_run_grows(run: Path, sample: Sample) -> None:
    write(run, [row(1_000 + number) for number in range(50)], round_=1)
    again = open_sample(run, run / "review")
    assert (again.ids, again.drawn) == (sample.ids, sample.drawn)
    assert len(open_sample(run, run / "other").ids) == 183


def test_an_open_round_is_not_drawn_from(tmp_path: Path) -> None:
    run = write(tmp_path / "run", [row(number) for number in range(5)])
    write(run.path, [row(100 + number) for number in range(7)], round_=1, closed=False)
    sample = open_sample(run.path, tmp_path / "review")
    assert len(sample.ids) == 5
    assert sample.drawn.left_out == {"its round is not closed": 7}


def test_a_plan_that_nobody_was_asked_to_word_is_not_drawn(tmp_path: Path) -> None:
    planned = {"format_status": "skipped", "format_code": "not_requested", "query": None, "answers": None}
    rows = [row(1), row(2, "fail_execution"), row(3, "fail_execution", **planned)]
    sample = open_sample(write(tmp_path / "run", rows).path, tmp_path / "review")
    assert set(sample.ids) == {rows[0]["sample_id"], rows[1]["sample_id"]}
    assert sample.drawn.left_out == {"nothing was written": 1}
    assert sample.drawn.population["fail_execution", "one", "simple"] == 1


def test_no_more_rows_are_held_than_are_wanted(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all rows only keys are read, and of each cell no more than the sample's size is kept between row groups."""
    read, asked, kept = RunDir.read, [], []

    def watched(self: RunDir, columns: Any = None, **rest: Any) -> Iterator[pa.Table]:
        asked.append((columns, rest.get("only")))
        return read(self, columns, **rest)

    real = sampling.heapq.nsmallest
    monkeypatch.setattr(RunDir, "read", watched)
    monkeypatch.setattr(sampling.heapq, "nsmallest", lambda size, names: kept.append(out := real(size, names)) or out)
    open_sample(run, tmp_path / "review", 2)
    assert [columns for columns, only in asked if only is None] == [
        ["verdict", "generator", "style", "sample_id", "format_status"]
    ]
    assert [len(only) for _, only in asked if only is not None] == [2]
    assert kept
    assert all(len(names) <= 2 for names in kept)


@pytest.mark.parametrize(
    ("size", "seed", "words"), [(21, None, "--sample 21, but a sample was drawn"), (None, 7, "--seed 7, but")]
)
def test_another_size_or_seed_is_refused(run: Path, sample: Sample, size: int, seed: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        open_sample(run, sample.folder, size, seed)
    assert open_sample(run, sample.folder, 20, 0).ids == sample.ids


def test_a_sample_of_another_run_is_refused(run: Path, sample: Sample) -> None:
    RunDir(run).update_manifest(fingerprint="another")
    with pytest.raises(InputError, match="of another run"):
        open_sample(run, sample.folder)


@pytest.mark.parametrize(
    ("others", "same"),
    [
        ([row(n) for n in range(5)], True),
        ([row(n) for n in range(6)], False),
        ([row(n) for n in range(4)], False),
        ([row(n, query="Another?") for n in range(5)], False),
        ([row(n + 5) for n in range(5)], False),
        ([*(row(n) for n in range(4)), row(4, "fail_format")], False),
    ],
)
def test_a_sample_of_another_run_that_was_only_verified_is_refused(
    tmp_path: Path, others: list[Row], same: bool
) -> None:
    """Two such runs have no fingerprint, and the same ids: those are places in what was verified."""
    run, other = write(tmp_path / "run", [row(n) for n in range(5)]), write(tmp_path / "other", others, parts=2)
    for each in (run, other):
        each.update_manifest(fingerprint=None, kind="verify")
    drawn = open_sample(run.path, tmp_path / "review")
    if same:
        assert open_sample(other.path, tmp_path / "review").ids == drawn.ids
    else:
        with pytest.raises(InputError, match="the sample there is of another run"):
            open_sample(other.path, tmp_path / "review")


def test_nothing_to_judge_is_said_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        open_sample(tmp_path / "none", tmp_path / "review")
    run = write(tmp_path / "run", [row(1, "duplicate"), row(2, "error")])
    with pytest.raises(InputError, match=r"no row to judge \(duplicate: 1; error: 1\)"):
        open_sample(run.path, tmp_path / "review")
    assert not (tmp_path / "review").exists()


@pytest.mark.parametrize("content", [b"PAR1 torn", b"", None])
def test_a_broken_sample_is_named(run: Path, sample: Sample, content: bytes | None) -> None:
    if content is None:
        pq.write_table(pa.table({"sample_id": ["a"]}), sample.folder / FILE)
    else:
        (sample.folder / FILE).write_bytes(content)
    with pytest.raises((RecordError, EnvironmentFault), match=r"sample\.parquet") as told:
        open_sample(run, sample.folder)
    assert told.value.mend.startswith("restore it, or give another --out")


# What reviewers said


@pytest.fixture
def opened(sample: Sample) -> Iterator[Callable[..., JudgementFile]]:
    files: list[JudgementFile] = []

    def open_file(reviewer: str = "Ann", of: Sample = sample) -> JudgementFile:
        files.append(JudgementFile(of, reviewer))
        return files[-1]

    yield open_file
    for file in files:
        file.close()


def test_judgements_are_on_the_disk_when_the_call_is_back(sample: Sample, opened: Callable[..., JudgementFile]) -> None:
    file, (a, b, c) = opened(), sample.ids[:3]
    why = Judgement(word="bad", grounds=("result", "other"), note="no\nanswer ü")
    for name, said in ((a, GOOD), (b, why), (c, UNSURE), (a, BAD), (c, None)):
        file.judge(name, said)
        (words,) = read_words(sample)
        assert words == file.words
    assert words.said == {a: BAD, b: why}
    lines = path_of(sample, "Ann").read_text().splitlines()
    assert json.loads(lines[0]) == {"sample": sample.digest, "reviewer": "Ann"}
    assert len(lines) == 6
    assert json.loads(lines[2])["said"] == {"word": "bad", "grounds": ["result", "other"], "note": "no\nanswer ü"}
    assert json.loads(lines[2])["at"].endswith("+00:00")


def test_each_judgement_is_forced_to_the_disk(
    sample: Sample, opened: Callable[..., JudgementFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, synced = opened(), []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_size))
    for name in sample.ids[:3]:
        file.judge(name, GOOD)
        assert synced[-1] == path_of(sample, "Ann").stat().st_size
    assert len(synced) == 3


def test_a_judgement_that_cannot_be_written_leaves_what_was(
    sample: Sample, opened: Callable[..., JudgementFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, (a, b) = opened(), sample.ids[:2]
    file.judge(a, GOOD)
    before = path_of(sample, "Ann").read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        for name in (a, b):
            with pytest.raises(EnvironmentFault, match=r"Ann\.jsonl: cannot be written \(No space"):
                file.judge(name, BAD)
    assert path_of(sample, "Ann").read_bytes() == before
    assert file.words.said == {a: GOOD}
    file.judge(b, BAD)
    assert read_words(sample)[0].said == {a: GOOD, b: BAD}


def test_what_a_kill_cut_off_is_left_out_and_the_rest_goes_on(
    sample: Sample, opened: Callable[..., JudgementFile]
) -> None:
    file, (a, b) = opened(), sample.ids[:2]
    file.judge(a, GOOD)
    file.judge(b, BAD)
    file.close()
    path = path_of(sample, "Ann")
    whole = path.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    for cut in range(len(whole) - len(last), len(whole)):  # a line without its end is whole: an editor left it out
        path.write_bytes(whole[:cut])
        both = {a: GOOD, b: BAD} if cut == len(whole) - 1 else {a: GOOD}
        assert read_words(sample)[0].said == both
        again = JudgementFile(sample, "Ann")
        assert again.words.said == both
        again.judge(b, UNSURE)
        again.close()
        assert read_words(sample)[0].said == {a: GOOD, b: UNSURE}
    path.write_bytes(whole[:10])  # killed while the first line was written
    assert read_words(sample) == []
    assert opened().words == Words("Ann")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"row": 1}', "line 2: is no judgement"),
        ("good", "line 2: is no judgement"),
        ('{"row": "ROW", "at": "", "said": {"word": "fine"}}', "line 2: is no judgement"),
        ('{"row": "ROW", "at": "", "said": {"word": "good", "grounds": ["other"]}}', "grounds are for bad rows"),
        ('{"row": "elsewhere", "at": "", "said": {"word": "good"}}', "line 2: the sample has no row elsewhere"),
    ],
)
def test_a_broken_line_is_named_and_nothing_is_lost(
    sample: Sample, opened: Callable[..., JudgementFile], line: str, words: str
) -> None:
    opened().close()
    path = path_of(sample, "Ann")
    text = path.read_text() + line.replace("ROW", sample.ids[0]) + "\n" + '{"row": "x", "at": ""}\n'
    path.write_text(text)
    for attempt in (lambda: read_words(sample), lambda: JudgementFile(sample, "Ann")):
        with pytest.raises(RecordError, match=rf"Ann\.jsonl.*{words}"):
            attempt()
    assert path.read_text() == text


@pytest.mark.parametrize("before", [b"\n", b"\r\n", b"\n\n", b"mine:\n", b"\xef\xbb\xbf\n", b"[]\n", b"mine"])
def test_what_stands_before_the_first_line_deletes_nothing(
    sample: Sample, opened: Callable[..., JudgementFile], before: bytes
) -> None:
    file = opened()
    file.judge(sample.ids[0], GOOD)
    file.close()
    path = path_of(sample, "Ann")
    data = before + path.read_bytes() if before.endswith(b"\n") else before
    path.write_bytes(data)
    for attempt in (lambda: read_words(sample), lambda: JudgementFile(sample, "Ann")):
        with pytest.raises(RecordError, match=r"Ann\.jsonl, line 1: .*\n  mend: restore that line"):
            attempt()
    assert path.read_bytes() == data


def test_what_cannot_be_read_is_never_taken_for_nothing(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    path_of(sample, "Ann").mkdir(parents=True)  # as good as a file that one may not read
    with pytest.raises(EnvironmentFault, match=r"Ann\.jsonl: cannot be read \(Is a directory\)") as told:
        read_words(sample)
    assert told.value.mend.startswith("let it be read, or restore it")

    def denied(folder: Path) -> list[str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", denied)
    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(EnvironmentFault, match=r"judgements: cannot be read \(Permission denied\)"):
        read_words(sample)


def test_a_file_of_another_sample_or_reviewer_is_refused(run: Path, sample: Sample, tmp_path: Path) -> None:
    JudgementFile(open_sample(run, tmp_path / "other", 20, seed=5), "Ann").close()
    there = tmp_path / "other" / "judgements" / "Ann.jsonl"
    here = path_of(sample, "Ann")
    here.parent.mkdir(parents=True)
    here.write_bytes(there.read_bytes())
    with pytest.raises(InputError, match="of another sample"):
        read_words(sample)
    here.unlink()
    JudgementFile(sample, "Bob").close()
    path_of(sample, "Bob").rename(here)
    with pytest.raises(InputError, match="are Bob's"):
        read_words(sample)
    here.write_text("[]\n")
    with pytest.raises(RecordError, match="line 1"):
        read_words(sample)


def test_a_reviewer_judges_in_one_process_only(sample: Sample, opened: Callable[..., JudgementFile]) -> None:
    file = opened()
    file.judge(sample.ids[0], GOOD)
    with pytest.raises(InputError, match="Ann: judges this sample in another process"):
        JudgementFile(sample, "Ann")
    opened("Bob")
    file.close()
    assert opened().words.said == {sample.ids[0]: GOOD}


def replaced(path: Path) -> None:
    (path.parent / "new").write_bytes(path.read_bytes())
    (path.parent / "new").replace(path)


CHANGES: dict[str, Callable[[Path], None]] = {
    "replaced": replaced,
    "deleted": Path.unlink,
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\n"),
    "shorter": lambda path: path.write_bytes(path.read_bytes()[:-1]),
}


@pytest.mark.parametrize("meanwhile", CHANGES)
def test_a_judgement_is_not_called_kept_where_the_file_is_another(
    sample: Sample, opened: Callable[..., JudgementFile], meanwhile: str
) -> None:
    file, (a, b) = opened(), sample.ids[:2]
    path = path_of(sample, "Ann")
    file.judge(a, GOOD)
    CHANGES[meanwhile](path)
    there = path.read_bytes() if path.exists() else None
    for attempt in (lambda: file.judge(b, BAD), lambda: file.reveal(a)):
        with pytest.raises(RecordError, match=r"Ann\.jsonl: was changed by somebody else .*\n.*start the page again"):
            attempt()
    assert (path.read_bytes() if path.exists() else None) == there
    assert (file.words.said, file.words.revealed) == ({a: GOOD}, set())
    if there is not None and there.endswith(b"}\n"):
        file.close()
        assert opened().words.said == {a: GOOD}


def test_a_file_that_is_replaced_while_it_is_written_is_seen(
    sample: Sample, opened: Callable[..., JudgementFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = opened()
    monkeypatch.setattr(os, "fsync", lambda handle: replaced(path_of(sample, "Ann")))
    with pytest.raises(RecordError, match="was changed by somebody else"):
        file.judge(sample.ids[0], GOOD)
    assert file.words.said == {}


def test_a_revealed_row_is_settled(sample: Sample, opened: Callable[..., JudgementFile]) -> None:
    file, (a, b) = opened(), sample.ids[:2]
    with pytest.raises(InputError, match="not judged yet"):
        file.reveal(a)
    file.judge(a, GOOD)
    file.reveal(a)
    file.reveal(a)
    for said in (BAD, None):
        with pytest.raises(Settled, match="its verdict was shown"):
            file.judge(a, said)
    file.judge(b, BAD)
    file.close()
    words = opened().words
    assert (words.said, words.revealed) == ({a: GOOD, b: BAD}, {a})


@pytest.mark.parametrize("name", ["Ann", "ann.lee@example-site", "Zoë  Lee ", "李雷", "x" * 40])
def test_names(name: str, sample: Sample, opened: Callable[..., JudgementFile]) -> None:
    kept = name_of(name)
    opened(kept).judge(sample.ids[0], GOOD)
    assert [words.reviewer for words in read_words(sample)] == [kept]


@pytest.mark.parametrize(
    "name", ["", "  ", ".", "..", "../x", "a/b", "a\\b", "-x", "x" * 41, "a\x00b", "a\nb\x07", "x."]
)
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(InputError, match="is no name to keep"):
        name_of(name)


# What follows from it


def said(sample: Sample, name: str, **words: list[Judgement]) -> Words:
    """A reviewer's words on the first rows of each verdict, in the sample's order."""
    out = Words(name)
    for verdict, judgements in words.items():
        rows = [each for each in sample.ids if sample.cells[each][0] == verdict]
        out.said |= dict(zip(rows, judgements, strict=False))
    return out


def wilson(hits: int, judged: int) -> dict[str, Any]:
    interval = binomtest(hits, judged).proportion_ci(0.95, method="wilson")
    return pytest.approx({"value": hits / judged, "low": interval.low, "high": interval.high})


def test_estimates_by_hand(sample: Sample) -> None:
    words = said(
        sample,
        "Ann",
        verified=[GOOD] * 8 + [BAD, UNSURE],
        fail_format=[BAD] * 3,
        fail_grounding=[BAD] * 3 + [GOOD],
        fail_semantic=[GOOD, BAD],
    )
    form = estimates(sample, [words])
    json.dumps(form)
    verified, format_, grounding, semantic = form["verdicts"]
    assert verified["verdict"] == "verified"
    assert (verified["rows"], verified["sampled"]) == (40, 10)
    assert (verified["good"], verified["bad"], verified["undecided"]) == (8, 1, 1)
    assert verified["share"] == wilson(8, 9)
    assert verified["share_with_undecided"] == [0.8, 0.9]
    assert verified["lost"] is None
    assert [each["share"] for each in (format_, grounding, semantic)] == [wilson(0, 3), wilson(1, 4), wilson(1, 2)]
    assert form["pipeline"]["precision"] == verified["share"]
    good = {"verified": 40 * 8 / 9, "format": 0.0, "grounding": 60 / 4, "semantic": 30 / 2}
    assert form["rejected"]["rows"] == 93
    assert form["rejected"]["share"]["value"] == pytest.approx((15 + 15) / 93)
    assert form["pipeline"]["recall"]["value"] == pytest.approx(good["verified"] / sum(good.values()))
    assert form["pipeline"]["false_accept"]["value"] == pytest.approx((40 / 9) / (40 / 9 + 3 + 45 + 15))
    assert semantic["lost"]["value"] == pytest.approx(15 / (15 + good["verified"]))
    assert grounding["lost"]["value"] == pytest.approx(15 / (15 + 15 + good["verified"]))
    assert format_["lost"]["value"] == 0
    for figure in (*form["pipeline"].values(), semantic["lost"], grounding["lost"], form["rejected"]["share"]):
        assert 0 <= figure["low"] <= figure["value"] <= figure["high"] <= 1
    assert form["codes"][0] == {
        **{"name": "format: format_fault", "good": 0, "bad": 3, "undecided": 0},
        **{"share": wilson(0, 3), "share_with_undecided": [0, 0]},
    }
    assert {each["name"]: each["good"] + each["bad"] for each in form["styles"]}.keys() == {"simple", "parallel"}
    assert sum(each["good"] for each in form["generators"]) == 8
    assert form["sample"]["judged"] == 19
    (ann,) = form["reviewers"]
    assert ann == {"name": "Ann", "judged": 19, "good": 10, "bad": 8, "unsure": 1, "verified": wilson(8, 9)}


def test_a_stage_without_a_judged_row_leaves_the_whole_unknown(sample: Sample) -> None:
    form = estimates(sample, [said(sample, "Ann", verified=[GOOD], fail_semantic=[UNSURE])])
    assert form["pipeline"]["precision"] == wilson(1, 1)
    assert form["pipeline"]["recall"] is form["pipeline"]["false_accept"] is form["rejected"]["share"] is None
    semantic = form["verdicts"][-1]
    assert (semantic["undecided"], semantic["share"], semantic["share_with_undecided"]) == (1, None, [0, 1])


def test_nothing_judged(sample: Sample) -> None:
    form = estimates(sample, [Words("Ann")])
    assert form["sample"]["judged"] == 0
    assert form["reviewers"] == form["agreement"] == form["styles"] == []
    assert all(each["share"] is None for each in form["verdicts"])


def test_a_row_is_what_more_reviewers_call_it(sample: Sample) -> None:
    words = [
        said(sample, "Ann", verified=[GOOD, GOOD, GOOD, UNSURE, GOOD]),
        said(sample, "Bob", verified=[GOOD, BAD, UNSURE, UNSURE]),
        said(sample, "Cy", verified=[BAD, BAD]),
    ]
    rows = [each for each in sample.ids if sample.cells[each][0] == "verified"]
    assert settle(words) == dict(zip(rows, ("good", "bad", "good", "undecided", "good"), strict=False))
    two = estimates(sample, words[:2])["verdicts"][0]
    assert (two["good"], two["bad"], two["undecided"]) == (3, 0, 2)


def test_agreement_of_pairs(sample: Sample) -> None:
    words = [
        said(sample, "Ann", verified=[GOOD, GOOD, BAD, UNSURE, GOOD]),
        said(sample, "Bob", verified=[GOOD, BAD, BAD, UNSURE]),
        said(sample, "Cy", fail_format=[BAD]),
    ]
    form = estimates(sample, words)["agreement"]
    assert [each["reviewers"] for each in form] == [["Ann", "Bob"], ["Ann", "Cy"], ["Bob", "Cy"]]
    assert form[0]["rows"] == 4
    assert form[0]["table"] == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]
    assert form[0]["agreed"] == wilson(3, 4)
    chance = 0.5 * 0.25 + 0.25 * 0.5 + 0.25 * 0.25
    assert form[0]["kappa"]["value"] == pytest.approx((0.75 - chance) / (1 - chance))
    assert (form[1]["rows"], form[1]["agreed"], form[1]["kappa"]) == (0, None, None)


def test_grounds_are_counted_by_what_became_of_the_row(sample: Sample) -> None:
    wrong = Judgement(word="bad", grounds=("wrong_arguments", "result"))
    words = [
        said(sample, "Ann", verified=[wrong, BAD], fail_format=[wrong]),
        said(sample, "Bob", verified=[Judgement(word="bad", grounds=("result",))]),
    ]
    grounds = estimates(sample, words)["grounds"]
    assert grounds == {
        "verified": {"result": 2, "wrong_arguments": 1},
        "rejected": {"wrong_arguments": 1, "result": 1},
    }


# What is shown of a row


def test_a_question_says_nothing_of_what_the_pipeline_thought() -> None:
    secrets = dict.fromkeys(("semantic_detail", "template", "generator", "style"), "SECRET")
    hidden = whole(row(7, "fail_semantic", **secrets))
    form = question(hidden)
    assert "SECRET" not in json.dumps(form)
    assert "fail" not in json.dumps(form)
    assert "judge" not in json.dumps(form)
    assert form["query"] == "Query 7?"
    assert form["calls"][0]["arguments"] == [{"name": "width", "value": "2", "about": "In metres."}]
    assert form["calls"][0]["result"] == {"passed": True, "text": '{"m2": 4}', "simulated": False}
    assert [(tool["name"], tool["called"]) for tool in form["tools"]] == [("area", True), ("other", False)]
    assert [(each["type"], each["default"]) for each in form["tools"][0]["parameters"]] == [
        ("number", None),
        ('"m" | "cm"', '"m"'),
    ]
    told = story(hidden)
    assert told["verdict"] == "fail_semantic"
    assert told["stages"][3] == {
        **{"stage": "semantic", "status": "rejected", "code": "semantic_fault", "detail": "SECRET"}
    }
    assert told["checks"] == [{"check": "judge", "words": "yes, score 1"}]
    assert told["from"]["generator"] == "SECRET"


@pytest.mark.parametrize(
    "rest",
    [
        {"query": None, "answers": None, "results": None, "record": "Sure! [", "semantic_words": None},
        {"query": None, "answers": None, "results": None, "record": None, "reply": {"text": "Sure! ["}},
        {"answers": '"Sure! ["', "results": None, "record": "Sure! ["},
        {"answers": "not json", "tools": "[{]", "results": "{}", "record": "Sure! ["},
        {"answers": '[{"name": "f", "name": "g"}]', "results": None, "record": "Sure! ["},  # of which json keeps one
        {"answers": "[" * 990 + "]" * 990, "tools": "[" * 100_000, "results": None, "record": "Sure! ["},
    ],
)
def test_what_cannot_be_read_is_shown_as_it_came(rest: Row) -> None:
    form = question(whole(row(1, "fail_format") | rest))
    assert form["record"] == "Sure! ["
    assert form["calls"] == []


@pytest.mark.parametrize(
    "answers",
    [[], [1, "f", None, []], [{"name": ["f"], "arguments": {}}], [{"name": "f"}], [{"arguments": {"a": [{}]}}]],
)
@pytest.mark.parametrize("tools", [None, 3, ["f"], [{"name": ["f"]}, {"name": "f", "parameters": {"properties": [1]}}]])
@pytest.mark.parametrize("results", [None, [], ["x", None, 1], [{"status": "rejected", "code": "timeout"}], {"a": 1}])
def test_no_row_is_too_odd_to_be_shown(answers: Any, tools: Any, results: Any) -> None:
    texts = {"answers": dumps(answers), "tools": dumps(tools), "results": dumps(results)}
    form = question(whole(row(1, "fail_format", **texts)))
    assert len(form["calls"]) == len(answers)
    json.dumps([form, story(whole(row(1, semantic_words="[1]")))])


def test_a_call_that_failed_and_one_that_was_made_up() -> None:
    results = [
        {"status": "rejected", "value": None, "code": "exec_error", "detail": "ZeroDivisionError"},
        {"status": "passed", "value": '"x"', "simulated": True},
    ]
    call = {"name": "nowhere", "arguments": {"a": "A" * 200_000}}
    form = question(whole(row(1, answers=dumps([call, call, call]), results=dumps(results))))
    one, two, three = form["calls"]
    assert one["result"] == {"passed": False, "text": "exec_error: ZeroDivisionError", "simulated": False}
    assert two["result"] == {"passed": True, "text": '"x"', "simulated": True}
    assert three["result"] is None
    assert not one["offered"]
    assert one["arguments"][0]["value"].endswith("(180,002 more characters)")


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": ["integer", "null"]}, "integer | null"),
        ({"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "number"}]}}, "array of string | number"),
        ({"type": "object", "properties": {"a": {"enum": [1, "b"]}}}, 'object {a: 1 | "b"}'),
        ({}, "any"),
        (True, "any"),
        (
            {"type": "array", "items": {"type": "array", "items": {"type": "array", "items": {}}}},
            "array of " * 3 + "any",
        ),
    ],
)
def test_types_in_words(schema: Any, words: str) -> None:
    assert type_words(schema) == words


# The verb


@pytest.fixture
def apigen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["apigen", *arguments])
        try:
            cli.main()
        except SystemExit as end:
            return int(end.code or 0), *capsys.readouterr()
        return 0, *capsys.readouterr()

    return call


def test_the_verb_draws_and_prints(run: Path, apigen: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = apigen("review", str(run), "--sample", "20", "--seed", "3")
    assert code == 0
    assert "20 of 133 rows drawn (seed 3); not to be drawn: duplicate 4, error 2; 0 judged" in out
    assert f"Nothing is judged yet: apigen review {run} --serve" in out
    sample = open_sample(run, run / "review")
    file = JudgementFile(sample, "[b]Ann".strip("[b]"))
    for name in sample.ids:
        file.judge(name, GOOD if sample.cells[name][0] == "verified" else BAD)
    file.close()
    code, out, _ = apigen("review", str(run), "--json")
    assert (code, json.loads(out)) == (0, estimates(sample, read_words(sample)) | {"run": str(run)})
    code, out, _ = apigen("review", str(run))
    assert "good among the verified: 100.0 % (72.2 to 100.0)" in out
    assert "bad rows that were verified: 0.0 %" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere",), "there is no such folder"),
        (("RUN", "--reviewer", "../x", "--serve"), "is no name to keep"),
        (("RUN", "--reviewer", "Ann"), "give --serve as well"),
        (("RUN", "--port", "8800"), "give --serve as well"),
        (("RUN", "--sample", "0"), "--sample"),
        (("RUN", "--port", "70000", "--serve"), "--port"),
    ],
)
def test_bad_usage_ends_with_one(
    run: Path, apigen: Callable[..., tuple[int, str, str]], arguments: tuple[str, ...], words: str
) -> None:
    code, _, err = apigen("review", *(str(run) if word == "RUN" else word for word in arguments))
    assert code == 1
    assert words in err
    assert not (run / "review" / "judgements").exists()


def test_a_run_in_a_store_needs_a_place_on_a_disk(run: Path, tmp_path: Path) -> None:
    stored = UPath("memory://reviewed/run")
    for file in sorted(run.rglob("*")):
        if file.is_file():
            (stored / str(file.relative_to(run))).write_bytes(file.read_bytes())
    with pytest.raises(InputError, match=r"a review lies on a disk(.|\n)*--out"):
        review_run(stored)
    form = review_run(stored, tmp_path / "review", 20)
    assert form["sample"]["rows"] == 20
    assert form["run"] == str(stored)


def test_names_and_codes_are_printed_as_they_are(sample: Sample, capsys: pytest.CaptureFixture[str]) -> None:
    words = [said(sample, name, verified=[GOOD, BAD]) for name in ("[red]Ann", "Bob")]
    form = estimates(sample, words)
    form["styles"][0]["name"] = "[bold]"
    print_review(form, as_json=False)
    out = capsys.readouterr().out
    assert "[red]Ann and Bob: 2 rows judged by both, agreed 100.0 % (34.2 to 100.0), kappa 1.00 (1.00 to 1.00)" in out
    assert "[bold]" in out
    assert "good among the rejected: not known: no row of fail_format, fail_grounding, fail_semantic is decided" in out


@pytest.mark.parametrize(
    ("verdicts", "word", "expected"),
    [
        (
            ("verified", "fail_format", "fail_semantic"),
            GOOD,
            {"bad rows that were verified": "no judged row is bad"},
        ),
        (
            ("verified", "fail_format", "fail_semantic"),
            BAD,
            {
                "good rows that were verified": "no judged row is good",
                "good rows that format got and refused": "no judged row is good",
                "good rows that semantic got and refused": "no judged row is good",
            },
        ),
        (
            ("verified",),
            GOOD,
            {
                "good among the rejected": "the run has no such rows",
                "bad rows that were verified": "no judged row is bad",
            },
        ),
        (
            ("fail_format",),
            GOOD,
            {"good among the verified": "the run has no such rows"}
            | {"bad rows that were verified": "no judged row is bad"},
        ),
        (
            ("verified", "fail_format"),
            UNSURE,
            {
                "good among the verified": "no row of verified is decided",
                "good among the rejected": "no row of fail_format is decided",
                "good rows that were verified": "no row of verified, fail_format is decided",
                "bad rows that were verified": "no row of verified, fail_format is decided",
                "good rows that format got and refused": "no row of fail_format, verified is decided",
            },
        ),
    ],
)
def test_why_a_figure_is_not_known(
    verdicts: tuple[str, ...],
    word: Judgement,
    expected: Row,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = write(tmp_path / "run", [row(n, verdict) for n, verdict in enumerate(verdicts * 3)]).path
    drawn = open_sample(run, tmp_path / "review")
    print_review(estimates(drawn, [said(drawn, "Ann", **dict.fromkeys(verdicts, [word] * 3))]), as_json=False)
    lines = [line.split(": not known: ") for line in capsys.readouterr().out.splitlines() if ": not known: " in line]
    assert dict(lines) == expected
