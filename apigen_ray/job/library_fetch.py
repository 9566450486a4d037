"""Fetches what `apigen library import` is given by address: a document over HTTP, the list of a live MCP server."""

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError

from apigen_ray.errors import EnvironmentFault, LibraryError
from apigen_ray.library.documents import MAX_BYTES
from apigen_ray.library.mcp import HttpServer, McpSource, StdioServer
from apigen_ray.library.request import RequestForm
from apigen_ray.records import Api, Source, Status, dumps
from apigen_ray.runners.base import ExecutionSpec, Task
from apigen_ray.runners.mcp import list_tools
from apigen_ray.runners.pool import RunnerPool
from apigen_ray.runners.rest.runner import RestRunner

TIMEOUT_S = 120.0
"""For one document, or one server's list of tools."""

MCP = "mcp:"
"""What the address of a live server begins with; its command, or its URL, follows."""


def remote(text: str) -> bool:
    """Whether a source is named by an address."""
    return text.startswith((MCP, "http://", "https://"))


def fetch_document(url: str, folder: Path, allow_hosts: Sequence[str]) -> Path:
    """Saves a document: by the guard, the limits and the redirects of the REST runner, and at most 32 MiB of it.

    Args:
        url: without a password in it.
        folder: to save it in.
        allow_hosts: private hosts that may be spoken to.

    Raises:
        LibraryError: the address is none, or no document came: the words say why.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise LibraryError(f"{url}: no URL: {error}", "give https://HOST/PATH") from error
    if "@" in parts.netloc or not parts.hostname:
        raise LibraryError("the URL of a document has a host and no password in it", "save it, and give the file")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    form = RequestForm("GET", f"{parts.scheme}://{parts.netloc}", path)
    source = Source("document", url, "document", runner=RestRunner.kind, request=form.dumps())
    api = Api("document", "", {"type": "object", "properties": {}}, source=source)
    limits = {"allow_hosts": list(allow_hosts), "max_bytes": MAX_BYTES, "timeout_s": TIMEOUT_S}
    pool = RunnerPool(ExecutionSpec.model_validate({"rest": limits}))
    try:
        outcome = pool.run([Task(api, "{}")])[0]
    finally:
        pool.close()
    if outcome.status != Status.PASSED or outcome.value is None:
        mend = "name it with --allow-host HOST" if outcome.code == "blocked_address" else "save it, and give the file"
        raise LibraryError(f"{url}: cannot be fetched: {outcome.code}: {outcome.detail}", mend)
    body = json.loads(outcome.value)["body"]
    suffix = ".yaml" if isinstance(body, str) else ".json"
    file = folder / f"document{suffix}"
    file.write_text(body if isinstance(body, str) else dumps(body), "utf-8")
    return file


def fetch_tools(text: str, folder: Path, allow_hosts: Sequence[str], auth: Mapping[str, Sequence[str]]) -> McpSource:
    """Saves the list of a live server's tools; the source whose calls it executes.

    Args:
        text: ``mcp:COMMAND ARGUMENTS`` or ``mcp:URL``.
        folder: to save the list in.
        allow_hosts: private hosts that may be spoken to.
        auth: names of environment variables: for a command, by their names there; for a URL, that of its bearer token.

    Raises:
        LibraryError: the address is none, or what the server answers is no list.
        EnvironmentFault: it does not answer, or the SDK is missing.
    """
    address = text.removeprefix(MCP).strip()
    names = {name: found[0] for name, found in auth.items()}
    try:
        server: HttpServer | StdioServer
        if address.startswith(("http://", "https://")):
            server = HttpServer(url=address, auth=next(iter(names.values()), None))
        else:
            server = StdioServer(command=tuple(shlex.split(address)), env=names, cwd=str(Path.cwd()))
    except (ValidationError, ValueError) as error:
        said = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise LibraryError(f"no MCP server: {said}", "give mcp:COMMAND ARGUMENTS or mcp:https://HOST/PATH") from error
    try:
        document = list_tools(server, TIMEOUT_S, allow_hosts)
    except EnvironmentFault as fault:
        raise EnvironmentFault(f"{text}: {fault.message}", fault.mend) from fault
    file = folder / "tools.json"
    file.write_text(dumps(document), "utf-8")
    return McpSource(path=str(file), server=server)
