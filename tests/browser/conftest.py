"""A real Chromium for tests: each test gets pages of its own, and fails on what a page does wrong by the way."""

import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run"),
)
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
PHONE = 390
"""Pixels that a common phone is wide."""


@pytest.fixture(scope="package")  # not longer: playwright leaves its event loop running in this thread
def browser() -> Iterator["Browser"]:
    """The one Chromium of all tests in this folder."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def faults() -> Iterator[list[str]]:
    """What pages did wrong: errors on the console or uncaught, and requests to anywhere but a file or loopback.

    A test ends with an error if anything is left in it. One that means to cause a fault looks at it and clears it.
    """
    faults: list[str] = []
    yield faults
    assert faults == []


@pytest.fixture
def new_page(browser: "Browser", faults: list[str]) -> Iterator[Callable[..., "Page"]]:
    """Opens a page in a context of its own: ``new_page(color_scheme="dark", viewport={"width": 390, "height": 844})``.

    The options are those of playwright's `Browser.new_context`. A server that a test speaks to runs in another thread
    or process, since playwright's event loop runs in this one.
    """
    contexts: list[BrowserContext] = []

    def told(message: "ConsoleMessage") -> None:
        if message.type in ("error", "warning"):
            faults.append(f"console: {message.text}")

    def asked(request: "Request") -> None:
        if not _near(request.url):
            faults.append(f"request: {request.url}")

    def open_page(**options: object) -> "Page":
        context = browser.new_context(**options)
        contexts.append(context)
        context.route(lambda url: not _near(url), lambda route: route.abort())
        context.on("console", told)
        context.on("weberror", lambda error: faults.append(f"page: {error.error}"))
        context.on("request", asked)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: Callable[..., "Page"]) -> "Page":
    """A page as wide as a laptop, light."""
    return new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")


def _near(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("about", "blob", "data", "file") or parts.hostname in LOOPBACK
