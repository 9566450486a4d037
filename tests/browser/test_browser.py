"""The fixtures themselves: what a page does wrong by the way is seen."""

import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

WRONG = """<!doctype html><title>t</title><body><script>
console.error('said')
console.warn('warned')
setTimeout(() => { throw new Error('thrown') })
fetch('https://example.com/data').catch(() => 0)
new Image().src = 'http://192.0.2.1/pixel.png'
</script>"""


def test_what_a_page_does_wrong_is_seen(page: "Page", tmp_path: Path, faults: list[str]) -> None:
    (tmp_path / "page.html").write_text(WRONG)
    page.goto((tmp_path / "page.html").as_uri(), wait_until="networkidle")
    told = [fault for fault in faults if "ERR_" not in fault]  # the console says of requests that they were not let go
    assert sorted(told) == [
        "console: said",
        "console: warned",
        "page: thrown",
        "request: http://192.0.2.1/pixel.png",
        "request: https://example.com/data",
    ]
    faults.clear()


@pytest.fixture
def address() -> Iterator[str]:
    """Where a server on loopback gives an empty page."""

    class Empty(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_pages_are_as_they_were_asked_for_and_know_nothing_of_each_other(
    new_page: Callable[..., "Page"], address: str
) -> None:
    light, dark = new_page(color_scheme="light"), new_page(color_scheme="dark", viewport={"width": 390, "height": 844})
    for page in (light, dark):
        page.goto(address)
    light.evaluate("localStorage.setItem('seen', 'yes')")
    assert dark.evaluate("localStorage.getItem('seen')") is None
    assert not light.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert dark.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert dark.evaluate("innerWidth") == 390
