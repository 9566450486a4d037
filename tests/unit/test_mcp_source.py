"""The source ``mcp`` with a live server: what a call needs is told, whole, and without a secret."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from apigen_ray.errors import LibraryError
from apigen_ray.library.base import Parsed
from apigen_ray.library.mcp import HttpServer, McpSource, StdioServer, ToolForm
from apigen_ray.records import Source

FORM = {"type": "object", "properties": {"q": {"type": "string"}, "api_key": {"type": "string"}}, "required": ["q"]}
TOOL = {"name": "find-it", "inputSchema": FORM}
PLAIN = {"name": "look", "inputSchema": {"type": "object", "properties": {"q": {"type": "string"}}}}


def parsed(folder: Path, *tools: Any, **keys: Any) -> Parsed:
    (folder / "tools.json").write_text(json.dumps({"tools": tools}))
    return McpSource.model_validate({"path": "tools.json", **keys}).parse(folder)


def source(folder: Path, *tools: Any, **keys: Any) -> Source:
    found = parsed(folder, *(tools or (TOOL,)), **keys).apis[0].source
    assert found is not None
    return found


def test_a_list_without_a_server_is_not_executed(tmp_path: Path) -> None:
    found = source(tmp_path)
    assert (found.runner, found.request, found.env, found.server) == ("", "", (), "")
    assert found.hidden == ("api_key",)


def test_a_program(tmp_path: Path) -> None:
    server = {"command": ["uvx", "notes", "--db", "a b"], "env": {"KEY": "NOTES_KEY", "LEVEL": "NOTES_LEVEL"}}
    found = source(tmp_path, server=server, auth={"api_key": "FIND_KEY"})
    assert (found.executed_by, found.server, found.hidden) == ("mcp", "", ("api_key",))
    assert found.env == ("FIND_KEY", "NOTES_KEY", "NOTES_LEVEL")
    form = ToolForm.loads(found.request)
    assert (form.tool, form.auth, form.read_only, form.idempotent) == ("find-it", {"api_key": "FIND_KEY"}, False, False)
    assert form.server == StdioServer(**server, cwd=str(tmp_path))  # whoever starts it may stand anywhere
    assert ToolForm.loads(form.dumps()) == form
    below = source(tmp_path, server={"command": ["x"], "cwd": "below"})
    assert ToolForm.loads(below.request).server == StdioServer(command=("x",), cwd=str(tmp_path / "below"))


def test_an_address(tmp_path: Path) -> None:
    found = source(tmp_path, server={"url": "https://tools.example.com/mcp", "auth": "TOOLS_TOKEN"})
    assert (found.executed_by, found.server, found.env) == ("mcp", "https://tools.example.com/mcp", ("TOOLS_TOKEN",))
    form = ToolForm.loads(found.request)
    assert form.server == HttpServer(url="https://tools.example.com/mcp", auth="TOOLS_TOKEN")


def test_a_tool_is_given_only_the_credentials_that_it_has(tmp_path: Path) -> None:
    apis = parsed(tmp_path, TOOL, PLAIN, server={"command": ["x"]}, auth={"api_key": "FIND_KEY"}).apis
    forms = [ToolForm.loads(api.source.request) for api in apis if api.source]
    assert [form.auth for form in forms] == [{"api_key": "FIND_KEY"}, {}]
    assert [form.env for form in forms] == [("FIND_KEY",), ()]
    assert list(apis[0].parameters["properties"]) == ["q"]


@pytest.mark.parametrize(
    ("hints", "read_only", "idempotent"),
    [
        ({"readOnlyHint": True}, True, False),
        ({"idempotentHint": True, "readOnlyHint": False}, False, True),
        ({"readOnlyHint": "true", "idempotentHint": 1}, False, False),
        ("readOnlyHint", False, False),
        (None, False, False),
    ],
)
def test_hints(tmp_path: Path, hints: Any, read_only: bool, idempotent: bool) -> None:
    form = ToolForm.loads(source(tmp_path, PLAIN | {"annotations": hints}, server={"command": ["x"]}).request)
    assert (form.read_only, form.idempotent, form.again) == (read_only, idempotent, read_only or idempotent)


def test_another_program_is_another_source_and_another_folder_is_not(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    plain, one, two = ({}, {"server": {"command": ["x"]}}, {"server": {"command": ["x", "--root", "b"]}})
    digests = [source(tmp_path, **keys).digest for keys in (plain, one, two)]
    assert len(set(digests)) == 3
    assert source(tmp_path / "other", **one).digest == digests[1]
    web = [source(tmp_path, server={"url": f"https://{host}.example.com/"}) for host in ("a", "b")]
    assert len({(found.digest, found.server) for found in web}) == 2


@pytest.mark.parametrize(("tools", "mend"), [((TOOL,), "api_key"), ((PLAIN,), "server.auth")])
def test_a_credential_that_no_tool_has(tmp_path: Path, tools: tuple[Any, ...], mend: str) -> None:
    with pytest.raises(LibraryError, match="'token'") as error:
        parsed(tmp_path, *tools, server={"command": ["x"]}, auth={"token": "TOKEN"})
    assert mend in error.value.mend


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ({"command": []}, "server.stdio.command"),
        ({}, "server.stdio.command"),
        ({"command": ["x"], "env": {"KEY": "not a name"}}, "server.stdio.env.KEY"),
        ({"command": ["x"], "concurrency": 0}, "server.stdio.concurrency"),
        ({"url": "ftp://example.com"}, "server.http.url"),
        ({"url": "https://user:password@example.com/mcp"}, "server.http.url"),
        ({"url": "https://example.com/mcp", "auth": "Bearer abc"}, "server.http.auth"),
        ({"url": "https://example.com/mcp", "command": ["x"]}, "server.http.command"),
    ],
)
def test_a_server_that_cannot_be(tmp_path: Path, server: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        parsed(tmp_path, TOOL, server=server)
