"""The report of a run whose every text is hostile, in a real browser: nothing runs or is fetched, all is shown."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from apigen_ray.config import SAMPLE, STAGES, VERDICTS
from apigen_ray.rundir import RunDir
from apigen_ray.storage import write_once, write_text
from apigen_ray.tables import table_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytest.importorskip("vl_convert", reason="the extra `report` is not installed")

EVIL = (
    "</script></textarea><script>window.ran=1</script><img src=x onerror='window.ran=2'>"
    "\u202e{{7*7}}<!--\u2028&amp;\"'`"
)
WIDE = "W" * 3000
CODES = dict(zip(STAGES, ("not_json", "timeout", "leaked_call", "unclear"), strict=True))
OPEN = "document.querySelectorAll('details').forEach((node) => { node.open = true })"
CONTRAST = """(pairs) => {
  const node = document.body.appendChild(document.createElement("i"));
  const light = (name) => {
    node.style.color = `var(--${name})`;
    const parts = getComputedStyle(node).color.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255);
    const [r, g, b] = parts.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  return pairs.map((pair) => pair.map(light)).map((pair) => Math.max(...pair) / Math.min(...pair));
}"""
TEXTS = [[front, back] for front in ("ink", "quiet", "link", "warn") for back in ("paper", "panel")]
BARS = [[part.replace("_", "-"), "paper"] for part in ("total", "passed", "skipped", *VERDICTS)]
SMALLEST = """Math.min(...[...document.querySelectorAll("svg text")]
  .map((node) => node.getBoundingClientRect().height).filter((height) => height))"""
COLOURS = """[document.body, document.querySelector("svg text"), document.querySelector("svg path")]
  .map((node) => [getComputedStyle(node).backgroundColor, getComputedStyle(node).fill].join())"""


def sample(index: int, verdict: str) -> dict[str, Any]:
    text = f"{EVIL} {verdict} {index} {WIDE if index == 1 else ''}"
    row: dict[str, Any] = {
        "sample_id": f"{verdict}-{index}",
        "source_id": text,
        "generator": EVIL if index % 2 else "two",
        "style": f"style {EVIL}" if index % 2 else "simple",
        "template": WIDE if index % 3 else "plain",
        "round": index % 2,
        "reply": {"text": text, "prompt_tokens": 1},
        "query": text,
        "answers": json.dumps([{"name": text, "arguments": {text: text, "list": [text]}}]),
        "tools": json.dumps([{"name": text, "description": text}]),
        "results": json.dumps([{"status": "passed", "value": text, "simulated": True}]),
        "execution_mode": "simulate",
        "semantic_words": json.dumps({text: {"word": text}}),
        "verdict": verdict,
    }
    for stage in STAGES:
        failed = verdict == f"fail_{stage}"
        row |= {f"{stage}_status": "rejected" if failed else "passed", f"{stage}_code": CODES[stage] if failed else ""}
        row[f"{stage}_detail"] = text if failed else ""
    if verdict == "fail_format":
        row |= {"query": None, "answers": "[{", "record": text, "results": None}
    return row


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of the page."""
    from apigen_ray.report.page import write_page

    run = RunDir(tmp_path_factory.mktemp("report") / EVIL.replace("/", "_"))
    run.path.mkdir()
    for verdict in VERDICTS:
        rows = [sample(index, verdict) for index in range(6)]
        write_once(table_of(rows, SAMPLE), run.samples(0) / f"verdict={verdict}", "part-1")
    layers = {EVIL: f"up: {WIDE}"}
    run.update_manifest(
        stages=[*STAGES, EVIL],
        engines={EVIL: {"engine": "scripted", "model": EVIL}},
        sandbox={"layers": layers, "isolation": EVIL, "trusted": 0},
        versions={EVIL: EVIL},
    )
    write_text(run.result_path, json.dumps({"outcome": "failed", "error": EVIL}))
    library = [{"kind": "python", "module": "apigen_ray.library.functions.maths"}]
    write_text(run.config_path, json.dumps({"library": library}))
    return write_page(run.path).as_uri()


def opened(page: "Page", url: str) -> "Page":
    page.goto(url)
    page.wait_for_function("document.documentElement.classList.contains('alive')")
    return page


def test_nothing_foreign_runs_nothing_is_fetched_and_all_is_shown(page: "Page", url: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    opened(page, url)
    for _ in range(2):
        page.get_by_role("button", name="Show more").click()
    page.evaluate(OPEN)
    assert [one for one in asked if not one.startswith("data:")] == [url]
    assert page.evaluate("window.ran") is None
    assert page.locator("main img, main textarea, body script:not(:nth-last-child(-n+2))").count() == 0
    text = page.evaluate("document.body.textContent")
    assert "49" not in text.partition("verified")[0]
    for query in ("verified 0", "fail_grounding 2", "fail_format 3"):
        assert f"{EVIL} {query}" in text
    assert page.locator("h1").text_content() == EVIL.replace("/", "_")


def test_what_would_come_in_all_the_same_is_stopped_by_the_policy(page: "Page", url: str, faults: list[str]) -> None:
    opened(page, url)
    page.evaluate("""document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.ran=1'>")""")
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran=2'}))")
    assert page.evaluate("window.ran") is None
    assert len([fault for fault in faults if "Content Security Policy" in fault]) >= 2
    faults.clear()


def test_samples_are_filtered_searched_and_linked_to(page: "Page", url: str) -> None:
    opened(page, url)
    cards, count, filters = page.locator(".card"), page.get_by_role("status"), page.locator(".filters")
    total = 6 * len(VERDICTS)
    assert (count.text_content(), cards.count()) == (f"{total} samples", 20)
    page.get_by_role("button", name="Show more").press("Enter")
    assert cards.count() == 40
    filters.get_by_label("Verdict").select_option("fail_semantic")
    assert (count.text_content(), cards.count()) == (f"6 of {total} samples", 6)
    assert page.get_by_role("button", name="Show more").is_hidden()
    assert set(cards.locator("h3").all_text_contents()) == {"failed semantic"}
    filters.get_by_label("Style").select_option("simple")
    assert cards.count() == 3
    filters.get_by_label("Search").fill("SEMANTIC 4")
    assert cards.count() == 1
    assert "semantic rejected: unclear" in cards.text_content()
    page.get_by_role("button", name="Clear").click()
    page.wait_for_function("document.querySelectorAll('.card').length === 20")
    filters.get_by_label("Search").fill("onerror=\"'` \\")
    assert count.text_content() == f"0 of {total} samples"
    page.locator("a[href='#code=timeout']").click()
    page.wait_for_function("document.querySelectorAll('.card').length === 6")
    assert filters.get_by_label("Code").input_value() == "timeout"
    assert page.evaluate("document.activeElement.id") == "samples"
    page.goto(f"{url}#verdict=verified")
    page.wait_for_function("document.querySelector('h3.verdict').textContent === 'verified'")
    assert count.text_content() == f"6 of {total} samples"


def test_the_keyboard_reaches_all_there_is_to_do(page: "Page", url: str) -> None:
    opened(page, url)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the figures"
    page.get_by_role("link", name="Samples").press("Enter")
    reached = []
    for _ in range(9):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.name || document.activeElement.textContent"))
    wanted = ["text", "verdict", "code", "style", "generator", "template", "Clear", "Functions offered, checks, id"]
    assert reached[:8] == wanted


def test_light_and_dark_wide_and_narrow(new_page: Callable[..., "Page"], url: str) -> None:
    seen = []
    for scheme, width in (("light", 1280), ("dark", 390)):
        page = opened(new_page(color_scheme=scheme, viewport={"width": width, "height": 844}), url)
        page.evaluate(OPEN)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        charts = page.get_by_role("img")
        assert charts.count() == 8  # funnel, generator, style, category, template, round, and two histograms
        assert all(charts.evaluate_all("(nodes) => nodes.map((node) => node.getAttribute('aria-label'))"))
        assert page.locator("svg:not([role=img])").count() == 0
        assert page.evaluate(SMALLEST) >= 10
        for pairs, least in ((TEXTS, 4.5), (BARS, 3)):
            ratios = page.evaluate(CONTRAST, pairs)
            assert min(ratios) >= least, (scheme, list(zip(pairs, ratios, strict=True)))
        seen.append(page.evaluate(COLOURS))
    assert all(light != dark for light, dark in zip(*seen, strict=True))


def test_figures_are_there_without_script_and_on_paper(new_page: Callable[..., "Page"], url: str) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(url)
    assert page.get_by_text("let this page run its script").is_visible()
    assert page.locator("svg.wide").first.is_visible()
    assert page.locator(".filters").is_hidden()
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator("body").evaluate("(node) => getComputedStyle(node).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator(".browse").is_hidden()
    assert page.locator("svg.wide").first.is_visible()
