"""Fetches the list of a live server's tools, to be saved and read by the source ``mcp``."""

import asyncio
import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING

from apigen_ray.errors import EnvironmentFault, LibraryError
from apigen_ray.library.documents import MAX_BYTES
from apigen_ray.library.mcp import HttpServer, StdioServer
from apigen_ray.records import Json, dumps
from apigen_ray.runners.mcp.runner import MISSING
from apigen_ray.runners.rest.guard import Guard

if TYPE_CHECKING:
    from apigen_ray.runners.mcp.session import Session

MAX_PAGES = 1000
"""Pages that a list may have."""


def list_tools(server: StdioServer | HttpServer, timeout_s: float = 60.0, allow_hosts: Sequence[str] = ()) -> Json:
    """The tools of a server as a document that `apigen_ray.library.mcp.McpSource` reads: ``{"tools": [...]}``.

    The server is started or reached for it, and left afterwards. Must not be called in an event loop.

    Args:
        server: whom to ask.
        timeout_s: seconds for all of it.
        allow_hosts: private hosts that may be spoken to, as in ``execution.rest.allow_hosts``.

    Returns:
        All tools of all pages, as they came but for secrets, which are struck out: at most 32 MiB.

    Raises:
        EnvironmentFault: the SDK is missing, there is no session with the server, or it does not answer.
        LibraryError: what it answers is no list of tools, or one without an end.
    """
    if importlib.util.find_spec("mcp") is None:
        raise EnvironmentFault("the SDK of the Model Context Protocol is not installed", MISSING)
    return asyncio.run(_list(server, timeout_s, Guard(allow_hosts)))


async def _pages(session: "Session", shown: str) -> list[Json]:
    tools: list[Json] = []
    size, cursor, met = 0, None, set[str]()
    for _ in range(MAX_PAGES):
        page = await session.page(cursor)
        tools += page.tools
        size += len(dumps(page.tools).encode("utf-8", "replace"))
        if size > MAX_BYTES:
            raise LibraryError(f"{shown}: its list of tools is larger than {MAX_BYTES >> 20} MiB", "ask who wrote it")
        cursor = page.cursor
        if not cursor:
            return tools
        if cursor in met:
            raise LibraryError(f"{shown}: its list of tools goes in a circle", "ask who wrote it")
        met.add(cursor)
    raise LibraryError(f"{shown}: its list of tools has more than {MAX_PAGES} pages", "ask who wrote it")


async def _list(server: StdioServer | HttpServer, timeout_s: float, guard: Guard) -> Json:
    from mcp.shared.exceptions import MCPError
    from pydantic import ValidationError

    from apigen_ray.runners.mcp.answers import short
    from apigen_ray.runners.mcp.session import Session, StartFault, secrets_of
    from apigen_ray.runners.rest.secrets import NoCredentials, Scrubber

    shown = server.url.partition("?")[0] if isinstance(server, HttpServer) else server.command[0]
    session, scrubber = Session(server, guard, timeout_s), Scrubber()

    def said(words: str) -> str:
        return short(scrubber.text(words))

    try:
        scrubber.learn(secrets_of(server))
        async with asyncio.timeout(timeout_s):
            await session.open(timeout_s)
            return {"tools": scrubber.value(await _pages(session, shown))}
    except TimeoutError:
        raise EnvironmentFault(f"{shown}: no list of its tools within {timeout_s:g} s", "try it by hand") from None
    except NoCredentials as fault:
        raise EnvironmentFault(f"{shown}: {fault}", "set it") from None
    except StartFault as fault:
        away = "look at the address, its token, and the hosts that are allowed"
        mend = "try the command by hand" if isinstance(server, StdioServer) else away
        raise EnvironmentFault(f"{shown}: no session with the server: {said(str(fault))}", mend) from None
    except (MCPError, ValidationError) as error:
        raise LibraryError(f"{shown}: no list of its tools: {said(session.said(error))}", "ask who wrote it") from None
    finally:
        await session.close()
