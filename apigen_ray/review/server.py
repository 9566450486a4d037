"""The page on which rows are judged, served on loopback to whoever has its address, and to no other page or host."""

import asyncio
import hmac
import secrets
import signal
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware
from pydantic import BaseModel, ConfigDict, ValidationError

from apigen_ray.errors import ApigenError, InputError
from apigen_ray.records import Json
from apigen_ray.review.estimates import estimates
from apigen_ray.review.judgements import Judgement, JudgementFile, Settled, name_of, read_words
from apigen_ray.review.rows import question, story
from apigen_ray.review.sample import Sample

HOST = "127.0.0.1"
NAMES = (HOST, "localhost", "::1")
"""Hosts that a browser may have been told: anything else is another site's name that was made to lead here."""

BODY_BYTES = 64 << 10
"""Largest body that is read: a note of the longest kind has a sixth of it."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_ASSETS = {"": "review.html", "review.css": "review.css", "review.js": "review.js"}
_PAGE = Path(__file__).parent / "page"


@dataclass
class Desk:
    """What the page is served from.

    Attributes:
        sample: what is judged.
        reviewer: who judges; None: the page asks.
        token: the first part of every path: only who was given the address knows it.
        files: of the reviewers who judge here, open until the server ends.
    """

    sample: Sample
    reviewer: str | None = None
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    files: dict[str, JudgementFile] = field(default_factory=dict)

    def file(self, reviewer: str) -> JudgementFile:
        """The file of a reviewer, opened when it is first needed.

        Raises:
            InputError: no name to keep, or another than the one that judges here; see also `JudgementFile`.
        """
        name = name_of(reviewer)
        if self.reviewer not in (None, name):
            raise InputError(f"reviewer {name!r}: {self.reviewer} judges here", "start it without --reviewer")
        if name not in self.files:
            self.files[name] = JudgementFile(self.sample, name)
        return self.files[name]

    def close(self) -> None:
        """Lets others open the files."""
        for file in self.files.values():
            file.close()
        self.files.clear()


class Said(BaseModel):
    """The body of a judgement: whose it is, and what; null takes it back."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reviewer: str
    said: Judgement | None


class Who(BaseModel):
    """The body of anything else that is written."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reviewer: str


def serve(desk: Desk, port: int, ready: Callable[[str], None]) -> None:
    """Serves the page until the process gets SIGINT or SIGTERM; what is being written then is written to its end.

    Args:
        desk: what is served; its files are closed at the end.
        port: to listen on, on 127.0.0.1 only; 0: any that is free.
        ready: told the address of the page.

    Raises:
        InputError: the port cannot be had; ``desk.reviewer`` cannot judge here.
    """
    try:
        if desk.reviewer is not None:
            desk.file(desk.reviewer)
        asyncio.run(_serve(desk, port, ready))
    finally:
        desk.close()


async def _serve(desk: Desk, port: int, ready: Callable[[str], None]) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(application(desk), access_log=None, shutdown_timeout=5)
    await runner.setup()
    try:
        await web.SockSite(runner, listening := _listening(port)).start()
        ready(f"http://{HOST}:{listening.getsockname()[1]}/{desk.token}/")
        await stop.wait()
    finally:
        await runner.cleanup()


def _listening(port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError as error:
        listening.close()
        raise InputError(f"--port {port}: cannot be had ({error.strerror})", "give 0 for any free one") from error
    return listening


def application(desk: Desk) -> web.Application:
    """The server's paths, all below the token.

    ===========================  ==========================================================================
    ``GET  /``                   the page; ``review.css`` and ``review.js`` beside it
    ``GET  /state``              rows in order, what ``?reviewer=`` has said of them, who else there is
    ``GET  /rows/ID``            what is judged (`apigen_ray.review.rows.question`)
    ``POST /rows/ID``            a judgement, on the disk before the answer
    ``POST /rows/ID/story``      the pipeline's word; settles the judgement, which must be there
    ``GET  /figures``            `apigen_ray.review.estimates.estimates`
    ===========================  ==========================================================================

    Writes are refused (403) if they come from another origin, and unless they are ``application/json`` (415), which no
    other page can send without asking first.
    """
    routes = _Routes(desk)
    app = web.Application(middlewares=[_guard(desk.token)], client_max_size=BODY_BYTES)
    app.router.add_get("/{token}/state", routes.state)
    app.router.add_get("/{token}/rows/{row}", routes.row)
    app.router.add_post("/{token}/rows/{row}", routes.judge)
    app.router.add_post("/{token}/rows/{row}/story", routes.story)
    app.router.add_get("/{token}/figures", routes.figures)
    for path in _ASSETS:
        app.router.add_get(f"/{{token}}/{path}", routes.asset)
    return app


_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _guard(token: str) -> Middleware:
    @web.middleware
    async def guard(request: web.Request, handler: _Handler) -> web.StreamResponse:
        try:
            _admit(request, token)
            response = await handler(request)
        except web.HTTPException as error:
            response = web.json_response({"error": error.text or error.reason}, status=error.status)
        except Settled as error:
            response = web.json_response({"error": str(error)}, status=409)
        except InputError as error:
            response = web.json_response({"error": str(error)}, status=400)
        except ApigenError as error:  # the disk: the reviewer is to know that nothing was kept
            response = web.json_response({"error": str(error)}, status=500)
        response.headers.update(HEADERS)
        return response

    return guard


def _admit(request: web.Request, token: str) -> None:
    if _hostname(f"//{request.host}") not in NAMES:
        raise web.HTTPForbidden(text="this host is not served")
    first = request.path.removeprefix("/").partition("/")[0]
    if not hmac.compare_digest(first.encode("utf-8", "replace"), token.encode()):
        raise web.HTTPNotFound(text="this address is not, or no longer, served: take the one that the terminal shows")
    own = f"http://{request.host}"
    if request.headers.get("Origin", own) != own:
        raise web.HTTPForbidden(text="another page may not ask")
    if request.method == "POST" and request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="only application/json is taken")


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


class _Routes:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._places = {name: place for place, name in enumerate(desk.sample.ids)}

    async def asset(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(_PAGE / _ASSETS[request.path.split("/", 2)[2]])

    async def state(self, request: web.Request) -> web.StreamResponse:
        desk, name = self._desk, request.query.get("reviewer") or self._desk.reviewer
        form: Json = {
            "run": desk.sample.drawn.run,
            "rows": desk.sample.ids,
            "reviewer": None,
            "reviewers": [words.reviewer for words in read_words(desk.sample) if words.said],
        }
        if name:
            words = desk.file(name).words
            form["reviewer"] = words.reviewer
            form["said"] = {row: judgement.word for row, judgement in words.said.items()}
        return web.json_response(form)

    async def row(self, request: web.Request) -> web.StreamResponse:
        row, words = self._row(request), self._desk.file(request.query.get("reviewer", "")).words
        said = words.said.get(row["sample_id"])
        form = question(row) | {"said": said and said.model_dump(mode="json"), "story": None}
        if row["sample_id"] in words.revealed:
            form["story"] = story(row)
        return web.json_response(form)

    async def judge(self, request: web.Request) -> web.StreamResponse:
        row, body = self._row(request), await _body(request, Said)
        file = self._desk.file(body.reviewer)
        file.judge(row["sample_id"], body.said)
        return web.json_response({"judged": len(file.words.said)})

    async def story(self, request: web.Request) -> web.StreamResponse:
        row, body = self._row(request), await _body(request, Who)
        self._desk.file(body.reviewer).reveal(row["sample_id"])
        return web.json_response(story(row))

    async def figures(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(estimates(self._desk.sample, read_words(self._desk.sample)))

    def _row(self, request: web.Request) -> Json:
        place = self._places.get(request.match_info["row"])
        if place is None:
            raise web.HTTPNotFound(text="the sample has no such row")
        return self._desk.sample.row(place)


_Body = TypeVar("_Body", bound=BaseModel)


async def _body(request: web.Request, kind: type[_Body]) -> _Body:
    try:
        return kind.model_validate_json(await request.read())
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the body"
        raise InputError(f"{field}: {first['msg']}", "send reviewer and said, as the page does") from error
