"""``apigen show --id``: the whole story of one row, whatever kind of row it is, on any terminal."""

import json
import re
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from apigen_ray import cli
from apigen_ray.config import SAMPLE, STAGES
from apigen_ray.display.samples import print_samples, printable
from apigen_ray.display.story import LABEL, LEAST, LONG, print_story
from apigen_ray.errors import InputError, RecordError
from apigen_ray.export.samples import find_samples
from apigen_ray.export.story import find_story
from apigen_ray.records import Call, Example, Style
from apigen_ray.rundir import RunDir
from apigen_ray.storage import write_once
from apigen_ray.tables import table_of

Row = dict[str, Any]

TOOLS = [
    {
        "name": "depth_of_field",
        "description": "Compute what a lens\nshows sharply.",
        "parameters": {
            "type": "object",
            "properties": {
                "aperture": {"type": "number"},
                "lenses": {"type": "array", "items": {"type": "string"}},
                "unit": {"enum": ["m", "ft"]},
                "depth": {"type": ["integer", "null"]},
            },
            "required": ["aperture"],
        },
    },
    {"name": "film_price", "description": "Tell a price.", "parameters": {"type": "object", "properties": {"x": True}}},
]
CALL = {"name": "depth_of_field", "arguments": {"aperture": 1.4, "unit": "m"}}
EXAMPLE = {
    "query": "How sharp at f/8?",
    "answers": [{"name": "depth_of_field", "arguments": {"aperture": 8}}],
    "tools": [],
}
REPLY = {
    **{"text": "What is sharp at f/1.4?", "model": "small-1b", "finish": "stop", "prompt_tokens": 1318},
    **{"completion_tokens": 28, "seconds": 79.99, "logprob": -0.1265},
}


def sample(name: str, **columns: Any) -> Row:
    """A verified row of ``call_first`` with these changes; what is not text is written as JSON."""
    row: Row = {
        **{"sample_id": (name * 24)[:24], "prompt_id": "p" * 24, "round": 0, "generator": "small", "index": 7},
        **{"style": "multiple", "mode": "call_first", "template": "plain", "pairs": 1, "pair": 0, "of": 1},
        **{"tools": TOOLS, "seed_ids": ["s" * 24], "examples": [EXAMPLE], "planned": [CALL]},
        "candidates": [{"calls": [EXAMPLE["answers"][0]]}, {"calls": [CALL]}],
        **{"reply": REPLY, "record": {"query": REPLY["text"], "answers": [CALL]}, "query": REPLY["text"]},
        **{"answers": [CALL], "results": [{"status": "passed", "value": '{"near_m":8.79}'}], "execution_mode": "live"},
        "semantic_words": {"originality": {"word": "own words"}, "likelihood": {"word": "likely", "logprob": -0.1265}},
        "verdict": "verified",
        **{f"{stage}_status": "passed" for stage in STAGES},
    }
    row |= columns
    plain = ("reply", "judge", "roundtrip", "likelihood", "seed_ids", "api_ids")
    return {
        key: json.dumps(value) if isinstance(value, dict | list) and key not in plain else value
        for key, value in row.items()
    }


def stopped(stage: str, status: str, code: str, detail: str) -> Row:
    """The columns of a row that ended its way at a stage."""
    columns: Row = {f"{stage}_status": status, f"{stage}_code": code, f"{stage}_detail": detail}
    for later in STAGES[STAGES.index(stage) + 1 :]:
        columns |= {f"{later}_status": "skipped", f"{later}_code": "earlier_stage"}
    return columns | {"verdict": "error" if status == "error" else f"fail_{stage}"}


def write(path: Path, *rows: Row, **manifest: Any) -> Path:
    run = RunDir(path)
    for number, row in enumerate(rows):
        write_once(table_of([row], SAMPLE), run.samples(row["round"]) / f"verdict={row['verdict']}", f"part-{number}")
    run.update_manifest(**{"fingerprint": "x", "kind": "run", **manifest})
    return path


def told(run: Path, name: str) -> str:
    out = StringIO()
    print_story(find_story(run, name), out)
    return out.getvalue()


def test_a_verified_row_is_told_whole(tmp_path: Path) -> None:
    assert told(write(tmp_path / "run", sample("a")), "aaa") == (
        "verified     small · multiple · aaaaaaaaaaaaaaaaaaaaaaaa\n"
        "\n"
        "The sample\n"
        "query        What is sharp at f/1.4?\n"
        "offered      2 functions, * called\n"
        "             * depth_of_field(aperture: number, lenses?: array of string, unit?: m | ft, "
        "depth?: integer | null): Compute what a lens shows sharply.\n"
        "               film_price(x?: any): Tell a price.\n"
        "call         depth_of_field(aperture=1.4, unit=m)\n"
        'result       {"near_m":8.79}\n'
        "\n"
        "The stages\n"
        "format       passed\n"
        "execution    passed (the calls were made)\n"
        "grounding    passed\n"
        "semantic     passed\n"
        "  originality own words\n"
        "  likelihood likely, logprob -0.1265\n"
        "\n"
        "Where it comes from\n"
        "prompt       pppppppppppppppppppppppp · round 0, number 7 of small\n"
        "             call_first · style multiple · template plain\n"
        "drawn        depth_of_field(aperture=1.4, unit=m): candidate 2 of 2, the first that executed\n"
        "examples     - How sharp at f/8? → depth_of_field(aperture=8)\n"
        "reply        What is sharp at f/1.4?\n"
        "             small-1b · 1,318 tokens read, 28 written · 79.99 s · ended: stop · log-probability -0.1265\n"
    )


JUDGED = {**REPLY, "text": '{"thought": "It asks for\\nanother lens.", "pass": "no"}', "logprob": None}

ESCAPES = "\x1b]0;pwned\x07\x1b[2J\x9b1m\r\x08"


@pytest.mark.parametrize("shown", ["samples", "story", "report", "ls", "error"])
def test_nothing_in_a_run_drives_the_terminal(
    shown: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    call = {"name": f"f{ESCAPES}", "arguments": {f"a{ESCAPES}": ESCAPES}}
    texts = dict.fromkeys(("generator", "style", "template", "query", "mode"), f"x{ESCAPES}")
    row = sample("a", answers=[call], planned=[call], tools=[{**TOOLS[1], "name": f"f{ESCAPES}"}], **texts)
    row |= stopped("format", "rejected", f"unknown_function{ESCAPES}", ESCAPES)
    run = write(tmp_path / "runs" / "run", row)
    RunDir(run).result_path.write_text(json.dumps({"outcome": f"done{ESCAPES}", "error": ESCAPES}))
    verbs = {
        "samples": ["show", str(run)],
        "story": ["show", str(run), "--id", "a"],
        "report": ["report", str(run)],
        "ls": ["ls", "runs", "--dir", str(tmp_path / "runs")],
        "error": ["report", f"no{ESCAPES}"],
    }
    monkeypatch.setattr(sys, "argv", ["apigen", *verbs[shown]])
    with pytest.raises(SystemExit):
        cli.main()
    out, err = capsys.readouterr()
    assert "\N{REPLACEMENT CHARACTER}" in out + err
    assert printable("a\u3000b\xa0c") == "a\u3000b\xa0c"  # a name may be copied from here
    assert all(char.isprintable() for char in (out + err).replace("\n", ""))


KINDS: dict[str, tuple[Row, list[str]]] = {
    "unparsable": (
        {"query": None, "answers": None, "results": None, "execution_mode": None, "semantic_words": None}
        | {
            "record": "Sure! Here is\nwhat you asked",
            "reply": {**REPLY, "text": "Sure! Here is\nwhat you asked", "finish": "length"},
        }
        | stopped("format", "rejected", "not_json", "Expecting value"),
        [
            "query        none that could be read",
            "offered      2 functions, none of them called",
            "calls        none that could be read",
            "format       rejected: not_json: Expecting value",
            "execution    skipped: earlier_stage",
            "reply        Sure! Here is\n             what you asked\n",
            "ended: length",
        ],
    ),
    "one of several that cannot be read": (
        {"query": None, "answers": "1, 2", "record": "{broken", "pair": 1, "of": 3, "mode": "query_first", "pairs": 3}
        | {"candidates": None, "planned": None}
        | stopped("format", "rejected", "not_json", "x"),
        [
            "calls        1, 2",
            "pair 2 of 3 in this reply",
            "as judged    {broken",
            "query_first · style multiple · template plain · 3 pairs asked for",
        ],
    ),
    "blank": ({"query": " "}, ["query        (blank)"]),
    "engine error": (
        {"query": None, "answers": None, "reply": {"error": "http_500: try later", "model": ""}, "record": None}
        | stopped("format", "error", "engine_error", "http_500: try later"),
        [
            "error        small",
            "format       error: engine_error: http_500: try later",
            "reply        none: http_500: try later\n",
        ],
    ),
    "no candidate executed": ({"planned": None}, ["drawn        2 candidates, none of which executed"]),
    "irrelevance": (
        {"answers": [], "results": [], "style": "irrelevance"},
        ["offered      2 functions, none of them called", "calls        none: no function that was offered serves"],
    ),
    "simulated": (
        {"results": [{"status": "passed", "value": "1", "simulated": True}], "execution_mode": "simulate"},
        [
            "simulated    1 (made up: the call was not made)",
            "execution    passed (the calls were not made: what they gave",
        ],
    ),
    "replayed": (
        {"execution_mode": "replay"},
        ['{"near_m":8.79} (recorded earlier)', "answered with what was recorded"],
    ),
    "not executed": ({"results": None, "execution_mode": "none"}, ["execution    passed (no call was made)"]),
    "a call that failed": (
        {"results": [{"status": "rejected", "value": None, "code": "exec_error", "detail": "ZeroDivisionError"}]}
        | stopped("execution", "rejected", "exec_error", "call 1 of 1"),
        [
            "result       rejected: exec_error: ZeroDivisionError",
            "execution    rejected: exec_error: call 1 of 1 (the calls",
        ],
    ),
    "judged": (
        {
            "judge": JUDGED,
            "roundtrip": {"error": "gone: away", "model": "big"},
            "likelihood": {"text": "", "logprob": -0.5, "model": "big"},
        }
        | {"semantic_words": {"judge": {"word": "no", "thought": "It asks for\nanother lens."}}}
        | stopped("semantic", "rejected", "judge_failed", "It asks"),
        [
            "  judge      no, thought It asks for\n             another lens.\n",
            'judge        {"thought": "It asks for\\nanother lens.", "pass": "no"}',
            "roundtrip    none: gone: away",
            "likelihood   (a score, no words)",
            "log-probability -0.5000",
        ],
    ),
    "a thought": (
        {"record": {"thought": "Lenses are fun.", "query": "x", "answers": []}},
        ["thought      Lenses are fun."],
    ),
    "merged": ({"run": "other:f00"}, ["run          other:f00 (merged into this one)"]),
    "planted": ({"planted": {"verdict": "verified"}}, ["(by the scripted engine: no model has written this)"]),
    "tools that cannot be used": (
        {"tools": {"unusable": "tools[0]: no name", "given": "[{}]"}, "answers": "text"},
        ["offered      unusable: tools[0]: no name\n             [{}]\n", "calls        text"],
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_row_has_its_story(kind: str, tmp_path: Path) -> None:
    columns, words = KINDS[kind]
    text = told(write(tmp_path / "run", sample("a", **columns)), "a")
    for each in words:
        assert each in text
    print_samples(find_samples(tmp_path / "run"), short := StringIO())
    assert len(short.getvalue().splitlines()) < 10  # several rows stay short


def test_a_record_that_was_only_verified(tmp_path: Path) -> None:
    row = {
        **{key: None for key in SAMPLE.names if key != "reply"},
        **{"sample_id": "a" * 24, "source_id": "offset:0", "round": 0, "pair": 0, "of": 1, "tools": "[]"},
        **{"record": "{}", "query": "hi", "answers": "[]", "verdict": "verified"},
        **{f"{stage}_status": "passed" if stage == "format" else "skipped" for stage in STAGES},
        **{f"{stage}_code": "" if stage == "format" else "not_requested" for stage in STAGES},
    }
    run = write(tmp_path / "run", row, kind="verify", input="mine.jsonl")
    assert (
        told(run, "offset:0")
        == told(run, "aa")
        == (
            "verified     offset:0\n"
            "\n"
            "The sample\n"
            "query        hi\n"
            "calls        none: no function that was offered serves\n"
            "\n"
            "The stages\n"
            "format       passed\n"
            "execution    skipped: not_requested\n"
            "grounding    skipped: not_requested\n"
            "semantic     skipped: not_requested\n"
            "\n"
            "Where it comes from\n"
            "record       offset:0 of mine.jsonl\n"
        )
    )


def test_what_became_of_a_row_and_where_its_examples_come_from(tmp_path: Path) -> None:
    seed = Example(Style.MULTIPLE, REPLY["text"], (Call(CALL["name"], CALL["arguments"]),))
    later = {"round": 1, "seed_ids": ["s" * 24, seed.seed_id], "examples": [EXAMPLE, {**EXAMPLE, "query": "Second?"}]}
    run = write(
        tmp_path / "run",
        sample("a", of=2),
        sample("b", of=2, pair=1, query="Another?"),
        sample("c", verdict="duplicate", query="what is SHARP at f/1.4", prompt_id="o" * 24),
        sample("d", query="Other?", prompt_id="q" * 24, **later),
        sample("e", query="More?", prompt_id="r" * 24, **later),
        sample("f", query="Else?", prompt_id="r" * 24, verdict="fail_semantic", **later),
    )
    line = {"sample_id": "a" * 24, "query": REPLY["text"], "tools": TOOLS, "answers": [CALL]}
    for number in (0, 1):
        RunDir(run).seeds(number).parent.mkdir(exist_ok=True)
        RunDir(run).seeds(number).write_text(json.dumps(line) + "\n" + json.dumps(line | {"sample_id": "z"}) + "\n")
    first = told(run, "a")
    assert first.endswith(
        "\nWhat became of it\n"
        f"duplicates   1 that ask the same: {'c' * 24}\n"
        f"its reply    gave 1 more: {'b' * 24} (verified)\n"
        "example      kept for prompts from round 1 on; shown in 2 prompts\n"
    )
    assert f"duplicate    of {'a' * 24}, which asks the same and was planned before it\n" in told(run, "c")
    assert "kept for" not in told(run, "b")
    for torn in (json.dumps(line)[:-9], "[]", "{}"):
        RunDir(run).seeds(0).write_text(json.dumps(line) + "\n" + torn + "\n")
        with pytest.raises(RecordError, match=r"jsonl:2: is no example"):
            told(run, "d")
    RunDir(run).seeds(0).write_text(json.dumps(line) + "\n")
    assert f"             - Second? → depth_of_field(aperture=8) (sample {'a' * 24})\n" in told(run, "d")
    assert "examples     - How sharp at f/8? → depth_of_field(aperture=8)\n" in told(run, "d")
    form = json.loads(json.dumps(find_story(run, "d").form()))
    assert form["examples_from"] == [None, "a" * 24]
    assert (
        form["sample"]
        == find_samples(run, limit=9)[[r["sample_id"] for r in find_samples(run, limit=9)].index("d" * 24)]
    )


def test_the_name_of_a_row(tmp_path: Path) -> None:
    run = write(tmp_path / "run", sample("ab"), sample("ac"), sample("ad", source_id="ab"))
    assert find_story(run, "aca").sample["sample_id"] == "ac" * 12
    assert find_story(run, "ab").sample["source_id"] == "ab"  # what is meant whole goes before what begins so
    with pytest.raises(InputError, match=f"'a' means 3 samples: {'ab' * 12}, {'ac' * 12}, {'ad' * 12}\n.*more of"):
        find_story(run, "a")
    for wrong in ("x", "", "abc"):
        with pytest.raises(InputError, match=f"no sample's id begins with '{wrong}'"):
            find_story(run, wrong)
    with pytest.raises(InputError, match="is not a run directory"):
        find_story(tmp_path, "a")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch):
    """Prints a story as on a terminal of so many columns, and gives its lines without colours."""

    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    def show(run: Path, name: str, columns: int) -> str:
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TERM", "xterm")
        for variable in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
            monkeypatch.delenv(variable, raising=False)
        print_story(find_story(run, name), out := Terminal())
        return out.getvalue()

    return show


@pytest.mark.parametrize("columns", [30, 80, 200])
def test_lines_fit_the_terminal_and_nothing_is_lost(columns: int, terminal: Any, tmp_path: Path) -> None:
    query = "Wie scharf ist das Bild, 日本語で書かれた長い文章は幅が二倍になる, " * 6
    text = terminal(write(tmp_path / "run", sample("a", query=query)), "a", columns)
    assert "\x1b[1;32m" in text  # in colours
    lines = re.sub(r"\x1b\[[0-9;]*m", "", text).split("\n")
    room = max(LEAST, columns - LABEL - 1)
    assert max(map(cell_len, lines)) <= LABEL + 1 + room
    start = next(at for at, line in enumerate(lines) if line.startswith("query"))
    stop = next(at for at, line in enumerate(lines) if line.startswith("offered"))
    joined = "".join(line[LABEL + 1 :] for line in lines[start:stop])
    assert "".join(joined.split()) == "".join(query.split())
    assert (stop - start > 1) == (columns < 200 or cell_len(query) > room)
    at = next(at for at, line in enumerate(lines) if line.startswith("examples     - "))
    if columns == 30:  # what goes on stands further in
        assert lines[at + 1].startswith(" " * (LABEL + 3))
        assert lines[at + 1].strip()
    else:
        assert lines[at + 1].startswith("reply")


def test_foreign_text_drives_no_terminal(terminal: Any, tmp_path: Path) -> None:
    evil = "a\x1b]0;title\x07\x1b[2Jb\r\u202ec\x9b31m\tend"
    tool = {"name": evil, "description": evil, "parameters": {"properties": {evil: {"enum": [evil]}}}}
    columns = {
        **{"query": evil, "record": evil, "template": evil, "run": evil, "source_id": evil, "generator": evil},
        **{"tools": [tool], "answers": [{"name": evil, "arguments": {evil: evil}}], "planned": None},
        **{"results": [{"status": "rejected", "code": evil, "detail": evil, "value": None}], "format_detail": evil},
        **{"reply": {**REPLY, "text": evil, "finish": evil, "model": evil}, "judge": {"error": evil, "model": evil}},
        **{"examples": [{"query": evil, "answers": [{"name": evil, "arguments": {}}]}], "planted": {evil: evil}},
        "semantic_words": {evil: {"word": evil, evil: evil}},
    }
    text = terminal(write(tmp_path / "run", sample("a", **columns), input=evil), "a", 80)
    plain = told(tmp_path / "run", "a")
    for shown in (re.sub(r"\x1b\[[0-9;]*m", "", text), plain):
        assert all(char.isprintable() or char == "\n" for char in shown)


def test_what_is_very_long_is_cut_and_says_so(tmp_path: Path) -> None:
    run = write(
        tmp_path / "run", sample("a", query="q" * (LONG + 1), answers=[{"name": "f", "arguments": {"x": "y" * 9999}}])
    )
    text = told(run, "a")
    assert "q" * LONG + f"… ({LONG + 1:,} characters: --json)\n" in text
    assert "q" * (LONG + 1) not in text
    assert max(map(len, text.splitlines())) < LONG + 100


def test_the_verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run = write(tmp_path / "run", sample("a"), sample("b", index=8))

    def apigen(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["apigen", "show", str(run), *arguments])
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *capsys.readouterr()

    assert apigen("--id", "aa")[:2] == (0, told(run, "aa"))
    code, out, _ = apigen("--id", "aa", "--json")
    assert (code, json.loads(out)) == (0, find_story(run, "aa").form())
    code, out, err = apigen("--id", "c")
    assert (code, out) == (1, "")
    assert "no sample's id begins with 'c'" in err
    assert apigen("-n", "9")[1].count("verified") == 2
