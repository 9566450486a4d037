"""The documentation site builds without a warning, needs no network to be read, and keeps its links."""

import functools
import importlib.util
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
import yaml

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]
PHONE = 390
HOSTED = "https://host.example/owner/apigen-ray/blob/main"

pytest.importorskip("mkdocs", reason="mkdocs is not installed: it is among the extra `dev`")


def built(folder: Path, config: Path) -> Path:
    """The site, built strictly: a warning is an error."""
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", str(config), "--site-dir"]
    done = subprocess.run([*command, str(folder)], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("site"), ROOT / "mkdocs.yml")


class Tags(HTMLParser):
    """What a page loads by itself, where it leads, and the names of its places."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.classes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = dict(attributes)
        self.ids.add(named.get("id") or "")
        self.classes |= set((named.get("class") or "").split())
        self.loads += [named[key] or "" for key in ("src", "srcset", "poster", "data") if key in named]
        if tag == "link":
            self.loads.append(named.get("href") or "")
        if tag == "a" and named.get("href"):
            self.links.append(named["href"] or "")


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Tags]:
    return {page: Tags(page.read_text("utf-8")) for page in site.rglob("*.html")}


def away(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme not in ("", "data")


def test_nothing_comes_from_another_host(site: Path, pages: dict[Path, Tags]) -> None:
    assert len(pages) > 25
    for page, tags in pages.items():
        assert [address for address in tags.loads if away(address)] == [], page
        assert tags.classes.isdisjoint({"mermaid", "md-source"}), f"{page}: the theme fetches for these"
    for sheet in site.rglob("*.css"):
        addresses = re.findall(r"(?:url\(|@import\s+)[\"']?([^\"')\s;]+)", sheet.read_text("utf-8"))
        assert [address for address in addresses if away(address)] == [], sheet
    assert list(site.glob("search/search_index.json")), "search is local"


def test_links_of_the_site_lead_somewhere(site: Path, pages: dict[Path, Tags]) -> None:
    for page, tags in pages.items():
        if page.name == "404.html":  # it may be shown at any address, so it begins with the site's root
            continue
        for link in [*tags.links, *tags.loads]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            assert target.is_file(), f"{page.name}: {link}"
            if parts.fragment and target in pages:
                assert unquote(parts.fragment) in pages[target].ids, f"{page.name}: {link}"


def test_every_page_is_in_the_navigation(site: Path) -> None:
    nav = yaml.safe_dump(yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"])
    for page in sorted((ROOT / "docs").rglob("*.md")):
        name = page.relative_to(ROOT / "docs").as_posix()
        assert name in nav, f"{name} has no place in mkdocs.yml"
        assert (site / name).with_suffix(".html").exists(), name


def test_docstrings_are_shown_as_they_are_meant(site: Path) -> None:
    reference = "".join(page.read_text("utf-8") for page in (site / "reference").glob("*.html"))
    assert "LinesSource" in reference
    assert "::</p>" not in reference
    assert reference.count("&gt;&gt;&gt;") >= 10, "examples keep their prompts"
    assert not list(site.rglob("*.py*"))


def test_pages_from_outside_are_there_once(site: Path) -> None:
    for name, words in {
        "overview": "Two commands",
        "architecture": "The way through",
        "changelog": "Unreleased",
    }.items():
        assert words in (site / f"{name}.html").read_text("utf-8")
        assert not (ROOT / "docs" / f"{name}.md").exists()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words: object) -> None: ...


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    """The site on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_search_finds_without_a_network(address: str, page: "Page") -> None:
    page.goto(f"{address}/index.html?q=value_not_in_query")  # as if it were typed once the page is ready for it
    page.locator(".md-search-result__link[href*='codes.html']").first.click()
    page.wait_for_url("**/codes.html*")


@pytest.mark.parametrize("name", ["index", "columns", "reference/extending", "overview"])
def test_pages_fit_a_phone(address: str, new_page: "Callable[..., Page]", name: str) -> None:
    page = new_page(viewport={"width": PHONE, "height": 844}, color_scheme="dark")
    page.goto(f"{address}/{name}.html")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
    assert page.locator("body").get_attribute("data-md-color-scheme") == "slate"


@pytest.fixture(scope="module")
def hooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_hooks", ROOT / "docs" / "hooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("path", "text", "alone", "hosted"),
    [
        ("docs/rest.md", "[a](sources.md#limits)", "[a](sources.md#limits)", None),
        ("docs/index.md", "[a](../README.md)", "[a](overview.md)", None),
        ("docs/reference/x.md", "[a](../../ARCHITECTURE.md#y)", "[a](../architecture.md#y)", None),
        ("README.md", "[a](docs/reference/api.md)", "[a](reference/api.md)", None),
        ("README.md", "[a](#here) [b](https://host/x)", None, None),
        (
            "README.md",
            '![a](docs/images/a.png) <img alt src="docs/b.png">',
            '![a](images/a.png) <img alt src="b.png">',
            None,
        ),
        ("docs/index.md", "`x[0](../a)` ``a`b[1](../a)``", None, None),
        ("docs/index.md", "[the run](../jobs/run.py)", "the run (`jobs/run.py`)", f"[the run]({HOSTED}/jobs/run.py)"),
        ("docs/index.md", "[`jobs/run.py`](../jobs/run.py)", "`jobs/run.py`", f"[`jobs/run.py`]({HOSTED}/jobs/run.py)"),
        ("docs/index.md", "```python\nx[0](../jobs/run.py)\n```\n", None, None),
    ],
)
def test_links_hold_in_the_site(hooks: ModuleType, path: str, text: str, alone: str | None, hosted: str | None) -> None:
    assert hooks.links_of_site(text, path, "") == (alone or text)
    assert hooks.links_of_site(text, path, HOSTED) == (hosted or alone or text)
