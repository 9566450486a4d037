"""``report.html``: its figures are the summary's, it says what was faked and made up, and it is one file."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from upath import UPath

from apigen_ray import cli
from apigen_ray.config import SAMPLE, STAGES, VERDICTS
from apigen_ray.errors import EnvironmentFault, InputError
from apigen_ray.report import page
from apigen_ray.report.categories import NONE, SEVERAL, Categories
from apigen_ray.report.census import take_census
from apigen_ray.report.charts import Chart
from apigen_ray.report.configured import Configured, configured
from apigen_ray.report.markdown import report_text
from apigen_ray.report.page import page_text, write_page
from apigen_ray.report.story import BYTES, story
from apigen_ray.report.summary import summarise
from apigen_ray.rundir import RunDir
from apigen_ray.storage import write_once, write_text
from apigen_ray.tables import table_of

pytest.importorskip("vl_convert", reason="the extra `report` is not installed")

CODES = {"format": "wrong_type", "execution": "timeout", "grounding": "leaked_call", "semantic": "unclear"}


def sample(index: int, verdict: str = "verified", **more: Any) -> dict[str, Any]:
    failed = verdict.removeprefix("fail_") if verdict.startswith("fail_") else "semantic" if verdict == "error" else ""
    row: dict[str, Any] = {
        "sample_id": f"id-{verdict}-{index}",
        "round": 0,
        "generator": "one" if index % 3 else "two",
        "index": index,
        "pair": 0,
        "style": "simple" if index % 2 else "multiple",
        "template": "plain",
        "reply": {"text": "[]", "model": "m", "prompt_tokens": 10, "completion_tokens": 2, "seconds": 0.5},
        "query": f"How many days are there from 2024-05-01 to 2024-05-{index + 1}?",
        "answers": json.dumps([{"name": "days_between_dates", "arguments": {"a": f"2024-05-{index + 1}"}}]),
        "tools": json.dumps([{"name": "days_between_dates", "description": "Count days.", "parameters": {}}]),
        "results": json.dumps([{"status": "passed", "value": str(index)}]),
        "execution_mode": "live",
        "verdict": verdict,
    }
    for stage in STAGES[: STAGES.index(failed)] if failed else STAGES:
        row |= {f"{stage}_status": "passed", f"{stage}_code": "", f"{stage}_detail": ""}
    if failed:
        status, code = ("error", "engine_error") if verdict == "error" else ("rejected", CODES[failed])
        row |= {f"{failed}_status": status, f"{failed}_code": code, f"{failed}_detail": f"why {index}"}
        for stage in STAGES[STAGES.index(failed) + 1 :]:
            row |= {f"{stage}_status": "skipped", f"{stage}_code": "earlier_stage", f"{stage}_detail": ""}
    return row | more


def write(path: Path, rows: list[dict[str, Any]], library: Any = None, **manifest: Any) -> RunDir:
    run = RunDir(path)
    path.mkdir(parents=True)
    for verdict in {row["verdict"] for row in rows}:
        part = [row for row in rows if row["verdict"] == verdict]
        write_once(table_of(part, SAMPLE), run.samples(0) / f"verdict={verdict}", f"part-{verdict}")
    engines = {"one": {"engine": "openai", "model": "m"}, "two": {"engine": "openai", "model": "n"}}
    run.update_manifest(**{"stages": STAGES, "engines": engines, "library": {"apis": 4}, **manifest})
    price = {"prompt": 1_000_000, "completion": 0}
    generators = [{"name": "one", "price_per_million": price}, {"name": "two", "price_per_million": price}]
    write_text(run.config_path, yaml.safe_dump({"library": library, "generators": generators}))
    write_text(run.result_path, '{"outcome": "done", "seconds": 3.0}')
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    rows = [sample(index, verdict) for number, verdict in enumerate(VERDICTS) for index in range(number + 2)]
    builtin = [{"kind": "python", "module": "apigen_ray.library.functions"}]
    return write(tmp_path_factory.mktemp("page") / "run", rows, builtin)


@pytest.fixture(scope="module")
def html(run: RunDir) -> str:
    return page_text(run)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Charts are left out, which take most of the time."""
    monkeypatch.setattr(Chart, "draw", lambda self, name, width, css: "")


class Tables(HTMLParser):
    """The tables of a page by their captions, as lists of rows of texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] = []
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._in = tag if tag in ("caption", "th", "td") else self._in
        if tag == "table":
            self._rows = []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("th", "td") and self._rows:
            self._rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._in = "" if tag == self._in else self._in

    def handle_data(self, data: str) -> None:
        if self._in == "caption":
            self.found[data] = self._rows
        elif self._in and self._rows and self._rows[-1]:
            self._rows[-1][-1] += data


def test_the_tables_are_the_summary(run: RunDir, html: str) -> None:
    form, tables = summarise(run).form(), Tables(html).found
    for name, row in form["filter_table"].items():
        shown = next(cells for cells in tables["By generator"] if cells[0] == name)
        assert shown[1:-1] == [f"{row[key]:,}" for key in ("drafts", *VERDICTS)]
        assert shown[-1] == f"{100 * row['pass_rate']:.1f} %"
    for name in ("By generator", "By style", "By category", "By template"):
        *parts, total = [[int(cell) for cell in row[1:-1]] for row in tables[name][2:]]
        assert [sum(column) for column in zip(*parts, strict=True)] == total
        assert total[0] == sum(total[1:]) == form["samples"]
    for stage, passed, rejected, errors, *_ in tables["Funnel"][1:]:
        counts = {(one["status"]): one["rows"] for one in form["stages"][stage] if one["code"] != "earlier_stage"}
        assert [int(passed), int(rejected), int(errors)] == [
            counts.get(status, 0) for status in ("passed", "rejected", "error")
        ]
    assert tables["Tokens and cost"][-1][4:6] == [f"{form['tokens'][key]:,}" for key in ("prompt", "completion")]
    assert tables["Tokens and cost"][-1][-1] == f"{form['tokens']['prompt']:,.2f}"
    assert {row[1]: int(row[3]) for row in tables["Codes"][1:]} == {
        "wrong_type": 3,
        "timeout": 4,
        "leaked_call": 5,
        "unclear": 6,
        "engine_error": 8,
    }


def test_the_headline_adds_up(run: RunDir, html: str) -> None:
    summary = summarise(run)
    counts = [int(text) for text in re.findall(r"</dt><dd>([\d,]+)</dd></div>", html.partition("</dl>")[0])]
    assert counts == [summary.samples, *(summary.total(verdict) for verdict in VERDICTS)]
    assert counts[0] == sum(counts[1:])
    assert f"<strong>{summary.total('verified')}</strong> of {summary.samples} drafts verified" in html


def test_every_chart_has_a_name_and_the_colours_of_the_page(html: str) -> None:
    charts = re.findall(r"<svg [^>]*>", html)
    assert len(charts) == 2 * 5 + 2  # funnel, generator, style, category, template for two widths, and two histograms
    names = re.findall(r'role="img" aria-label="([^"]{20,})"', " ".join(charts))
    assert len(names) == len(charts)
    assert names[2] == names[3] == "Verdicts by generator: one: 1 of 21 verified; two: 1 of 14 verified"
    assert html.count("<title>6 failed semantic</title>") == 6  # for two widths: funnel, one category, one template
    drawn = html[html.index("<svg") : html.rindex("</svg>")]
    assert set(re.findall(r'(?:fill|stroke)="([^"]+)"', drawn)) <= {
        *("none", "var(--ink)", "var(--quiet)", "var(--rule)", "var(--paper)", "var(--total)", "var(--passed)"),
        *(f"var(--{verdict.replace('_', '-')})" for verdict in VERDICTS),
    }


def test_nothing_is_fetched_and_nothing_foreign_runs(html: str) -> None:
    assert not re.findall(
        r"""(?:src|href|action|url)\s*[=(]\s*["']?(?!#|data:,)[^\s"'>)]+""", html.partition("<body>")[0]
    )
    assert not re.findall(r'(?:src|action)="', html)
    assert set(re.findall(r'href="([^"]+)"', html)) <= {
        *("data:,", "#main", "#funnel", "#verdicts", "#codes", "#diversity", "#cost", "#facts", "#samples"),
        *(f"#code={code}" for code in CODES.values()),
    }
    assert " style=" not in html
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    assert policy is not None
    assert "unsafe" not in policy[1]
    assert "default-src &#39;none&#39;" in policy[1]


DRAWN = """
from collections import Counter
from apigen_ray.report.figures import verdict_figure

odd = [*range(20), 27, 0x85, 0xFFFE, 0xFFFF]
figure = verdict_figure("category", {f"Maths{chr(code)}[31m": Counter(verified=1) for code in odd})
replaced = next(row for row in figure.rows if row[0] == "Maths\\N{REPLACEMENT CHARACTER}[31m")
print(replaced[1], figure.rows[-1][1], all("Maths\\N{REPLACEMENT CHARACTER}[31m" in chart for chart in figure.charts))
"""


def test_what_cannot_be_drawn_is_replaced() -> None:
    """In another process: the library that draws would end it (SIGABRT) for one character that XML does not know."""
    done = subprocess.run([sys.executable, "-c", DRAWN], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "20 24 True\n")


def test_the_samples_are_embedded_whole(run: RunDir, html: str) -> None:
    embedded = re.search(r'<script type="application/json" id="stories">(.*?)</script>', html, re.DOTALL)
    assert embedded is not None
    told = {one["id"]: one for one in json.loads(embedded[1])}
    assert len(told) == summarise(run).samples
    one = told["id-fail_grounding-1"]
    assert (one["verdict"], one["code"], one["style"], one["category"]) == (
        "fail_grounding",
        "leaked_call",
        "simple",
        "Tools",
    )
    assert one["calls"] == [{"call": 'days_between_dates(a="2024-05-2")', "result": "1", "kind": "result"}]
    assert [stage["status"] for stage in one["stages"]] == ["passed", "passed", "rejected"]
    assert f"All {len(told)} samples of the run." in html


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("manifest", "rows", "words"),
    [
        (
            {"engines": {"one": {"engine": "scripted"}}},
            [sample(1)],
            "the scripted engine stands in for <bdi>one</bdi>.",
        ),
        (
            {"engines": {}, "judge": {"engine": "scripted"}},
            [sample(1)],
            "the scripted engine stands in for <bdi>judge</bdi>.",
        ),
        ({}, [sample(1, execution_mode="simulate")], "1 of the 1 verified samples have simulated calls"),
        ({}, [sample(1, "fail_execution", execution_code="forbidden")], "SECURITY EVENTS in the execution stage"),
        ({}, [], "0</strong> of 0 drafts verified."),
        ({"kind": "verify", "sandbox": {}}, [sample(1, generator=None, reply=None)], "(none)"),
    ],
)
def test_what_is_to_be_known_is_said_at_the_top(
    tmp_path: Path, manifest: dict[str, Any], rows: list[dict[str, Any]], words: str
) -> None:
    assert words in page_text(write(tmp_path / "run", rows, **manifest))


@pytest.mark.usefixtures("undrawn")
def test_an_unfinished_run_is_told_as_such(tmp_path: Path) -> None:
    run = write(tmp_path / "run", [sample(1)])
    write_text(run.result_path, '{"outcome": "failed", "error": "EnvironmentFault: no disk\\nmend: buy one"}')
    assert "The run is failed: the figures are of what is there by now. EnvironmentFault: no disk</p>" in page_text(run)


@pytest.mark.usefixtures("undrawn")
def test_a_page_stays_small_whatever_the_texts(tmp_path: Path) -> None:
    long = "\u96ea" * 2_000
    calls = json.dumps([{"name": long, "arguments": {long: long}}] * 14)
    outcomes = json.dumps([{"status": "passed", "value": long}] * 14)
    rows = [
        sample(
            n, query=long, answers=calls, results=outcomes, record=long, template=f"{long}{n}", grounding_detail=long
        )
        for n in range(45)
    ]
    html = page_text(write(tmp_path / "run", rows))
    embedded = html[html.index('id="stories">') :]
    assert len(embedded.encode()) < BYTES * 1.2
    assert len(html.encode()) < 3_000_000
    assert "of the 45 samples are on this page" in html


@pytest.mark.usefixtures("undrawn")
def test_categories_come_from_the_library(run: RunDir, tmp_path: Path) -> None:
    known = Categories.of(run, configured(run).library)
    assert known.by_name["days_between_dates"] == "Tools"
    assert known.note.startswith("The library has changed since the run")
    first = next(iter(known.by_id.items()))
    calls = [{"name": "days_between_dates"}, {"name": "net_present_value"}]
    assert known.sample(calls[:1], []) == "Tools"
    assert known.sample(calls, []) == SEVERAL
    assert known.sample([], [first[0]]) == first[1]
    assert known.sample([{"name": "what"}], [first[0]]) == NONE
    gone = write(tmp_path / "gone", [sample(1)])
    write_text(gone.config_path, "library: [{kind: python, path: not-there.py}]")
    assert "not-there.py" in Categories.of(gone, configured(gone).library).note
    assert "not written as today" in Categories.of(gone, [{"kind": "paper"}]).note
    html = page_text(gone)
    assert "By category" not in html
    assert "<dt>categories</dt><dd>Not known here: the library of the run cannot be read (" in html
    gone.config_path.unlink()  # as a merged run has none
    for config in (configured(gone), Configured()):
        assert (config.library, config.prices()) == (None, {})
    assert "Not known: the run names no library." in page_text(gone)


@pytest.mark.parametrize("text", ["", "[1]", "a: [", "generators: [{name: a, price_per_million: dear}]"])
def test_a_config_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    run = write(tmp_path / "run", [])
    write_text(run.config_path, text)
    with pytest.raises(InputError, match=r"config\.yaml: is not the config of a run"):
        write_page(run.path)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    "text", ["[" * 100_000, "[" * 900 + "]" * 900, r'[{"name": "\ud800", "arguments": {"\udfff": 1}}]']
)
def test_json_of_any_depth_and_of_no_characters_is_told_as_it_came(tmp_path: Path, text: str) -> None:
    foreign = dict.fromkeys(("answers", "tools", "results", "planned", "semantic_words"), text)
    html = page_text(write(tmp_path / "run", [sample(1, "fail_format", record=text, **foreign)]))
    (one,) = json.loads(html.partition('id="stories">')[2].partition("</script>")[0])
    assert one["said"].startswith(text[:500])
    assert (one["calls"], one["tools"], one["checks"]) == ([], [], [])


def test_a_failed_call_and_a_record_that_could_not_be_read() -> None:
    row = dict.fromkeys(SAMPLE.names) | sample(1, "fail_format", query=None, answers=None, record="no JSON")
    assert (story(row, Categories())["said"], story(row, Categories())["calls"]) == ("no JSON", [])
    results = [{"status": "rejected", "code": "timeout", "detail": "5 s"}, {"status": "passed", "value": "1"}]
    results[1]["simulated"] = True  # type: ignore[assignment]
    calls = [{"name": "f", "arguments": "x"}, {"name": "g", "arguments": {"a": None}}, {"name": "h", "arguments": {}}]
    assert story(row | {"query": "q", "answers": "[{"}, Categories())["said"] == "no JSON"
    assert story(row | {"query": "q", "answers": "[]"}, Categories())["said"] == ""
    row |= {"query": "q", "answers": json.dumps(calls), "results": json.dumps(results), "tools": "[{]"}
    told = story(row, Categories())
    assert (told["said"], told["tools"]) == ("", [])
    assert told["calls"] == [
        {"call": '{"name": "f", "arguments": "x"}', "result": "timeout: 5 s", "kind": "failed"},
        {"call": "g(a=null)", "result": "1", "kind": "simulated"},
        {"call": "h()", "result": "", "kind": ""},
    ]


@pytest.mark.usefixtures("undrawn")
def test_the_command(run: RunDir, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["report", str(run.path), "--html"])
    assert end.value.code == 0
    assert capsys.readouterr().out.endswith(f"Page: {run.path}/report.html\n")
    assert (run.path / "report.html").read_text("utf-8").startswith("<!doctype html>\n")
    assert (run.path / "report.md").exists()
    monkeypatch.setattr(page.importlib.util, "find_spec", lambda name: None if name == "vl_convert" else object())
    with pytest.raises(SystemExit) as end:
        cli.main(["report", str(run.path), "--html"])
    assert end.value.code == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "report.html needs the package vl_convert\n  mend: pip install 'apigen-ray[report]'" in told.err
    with pytest.raises(EnvironmentFault):
        write_page(run.path)


@pytest.mark.usefixtures("undrawn")
def test_a_report_names_the_run_that_one_stands_in(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.path)
    here = RunDir(Path())
    assert "<h1>run</h1>" in page_text(here)
    assert report_text(here, summarise(here)).startswith("# run\n")


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no manifest\.json"):
        write_page(tmp_path)


@pytest.mark.usefixtures("undrawn")
def test_a_page_in_a_store(tmp_path: Path) -> None:
    local = write(tmp_path / "run", [sample(1), sample(2, "fail_semantic")])
    there = UPath("memory://runs/there")
    there.fs.put(str(local.path), there.path, recursive=True)
    path = write_page(there)
    assert str(path) == "memory://runs/there/report.html"
    assert "<strong>1</strong> of 2 drafts verified" in path.read_text("utf-8")


def test_the_census_holds_the_summary(run: RunDir) -> None:
    census, summary = take_census(run, Categories()), summarise(run)
    for groups in census.verdicts.values():
        assert sum(sum(counts.values()) for counts in groups.values()) == summary.samples
    assert census.verified.queries == summary.total("verified")
    assert census.drafts.queries == summary.statuses("format")["passed"]
