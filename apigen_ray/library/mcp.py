"""The source ``mcp``: the tools of a Model Context Protocol server, out of a saved ``tools/list``."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from apigen_ray.errors import LibraryError
from apigen_ray.library.base import Parsed, Reject, chosen
from apigen_ray.library.credentials import EnvName, without_credentials
from apigen_ray.library.documents import read_document
from apigen_ray.library.forms import normalise_tool
from apigen_ray.library.names import entries_once, identifier, unique_names
from apigen_ray.library.schema import SchemaError, clean, require_valid
from apigen_ray.records import Api, Json, Source, content_hash, dumps

_MEND = 'save the answer to `tools/list` whole: {"tools": [...]}, a list of tools, or a list of the pages'


class StdioServer(BaseModel):
    """A server that is a program: it is started, and spoken to over its standard input and output.

    Attributes:
        command: program and arguments, no shell in between.
        env: its environment variables by their names there, each with the name that it has here; beside them it gets
            ``PATH``, ``HOME`` and ``LANG``, nothing else.
        cwd: the folder that it is started in, relative to the current folder; None: that folder.
        concurrency: calls that one process of it has under way at a time.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: Annotated[tuple[str, ...], Field(min_length=1)]
    env: Mapping[str, EnvName] = {}
    cwd: str | None = None
    concurrency: int = Field(default=8, ge=1, le=256)


class HttpServer(BaseModel):
    """A server that is reached over streamable HTTP.

    Attributes:
        url: its address, without a password in it.
        auth: the environment variable that holds its bearer token; None: it asks for none.
        concurrency: calls that one worker process has under way there at a time.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, Field(pattern=r"^https?://[^/?#@\s]+([/?][^#\s]*)?$")]
    auth: EnvName | None = None
    concurrency: int = Field(default=8, ge=1, le=256)


def _transport(value: Any) -> str:
    return "http" if isinstance(value, HttpServer) or (isinstance(value, Mapping) and "url" in value) else "stdio"


McpServer = Annotated[
    Annotated[StdioServer, Tag("stdio")] | Annotated[HttpServer, Tag("http")], Discriminator(_transport)
]
"""How a live server is reached."""


class ToolForm(BaseModel):
    """What a call of a tool needs: `apigen_ray.records.Source.request` of a live server's tool, as JSON.

    Attributes:
        server: how it is reached; its ``cwd`` is absolute.
        tool: its name there.
        read_only: it says of itself that it changes nothing (``readOnlyHint``).
        idempotent: it says of itself that calling it twice is as good as once (``idempotentHint``).
        auth: parameters that are filled in at each call, with the environment variable that holds the value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    server: McpServer
    tool: str
    read_only: bool = False
    idempotent: bool = False
    auth: Mapping[str, EnvName] = {}

    def dumps(self) -> str:
        """The form as JSON text."""
        return self.model_dump_json(exclude_defaults=True)

    @classmethod
    def loads(cls, text: str) -> "ToolForm":
        """The inverse of `dumps`.

        Raises:
            ValueError: it is no such text.
        """
        return cls.model_validate_json(text)

    @property
    def again(self) -> bool:
        """Whether a call of which nobody knows what became of it may be made once more."""
        return self.read_only or self.idempotent

    @property
    def env(self) -> tuple[str, ...]:
        """The environment variables that a call needs."""
        server = self.server
        theirs = server.env.values() if isinstance(server, StdioServer) else [server.auth] if server.auth else []
        return tuple(sorted({*theirs, *self.auth.values()}))


class McpSource(BaseModel):
    """Tools of a saved ``tools/list``: each is an entry, named as the tool is, after its ``server`` where it names one.

    The document is an answer (with or without its JSON-RPC envelope), a list of answers (pages), or a list of tools.
    Functions are called as the tool is, made an identifier; parameters keep their names. Credentials are left out,
    since executing a call fills them in: `apigen_ray.records.Source.hidden` names them.

    With a ``server`` the tools' calls are executed there; without one the list is all there is, and nothing is called.
    Parsing speaks to no server in either case: `apigen_ray.runners.mcp.list_tools` fetches the list to save.

    A tool is rejected with one of these codes: ``malformed`` (no name, parameters that are no object), ``incomplete``
    (the document ends with a ``nextCursor``: what follows was not saved), ``dangling_ref``, ``external_ref``,
    ``schema_too_large``, ``unknown_type``, ``invalid_schema`` (its schema has no JSON Schema 2020-12 form).

    Attributes:
        path: a JSON file, relative to the current folder.
        server: where calls are executed; None: they are not.
        auth: credentials among the parameters (those that are left out), each with the environment variable that
            holds its value: they are filled in at each call.
        category: of all its tools.
        tools: only these, by name or entry; each must be usable.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    codes: ClassVar[tuple[str, ...]] = ("malformed", "incomplete", *SchemaError.CODES)

    kind: Literal["mcp"] = "mcp"
    path: str
    server: McpServer | None = None
    auth: Mapping[str, EnvName] = {}
    category: str | None = None
    tools: tuple[str, ...] | None = Field(default=None, min_length=1)

    def parse(self, base_dir: Path) -> Parsed:
        """Every tool of the document as an Api or a reject.

        Raises:
            LibraryError: unreadable or no such document; a tool of ``tools`` that is missing or unusable; a name in
                ``auth`` that is no credential of any tool.
        """
        path = (base_dir / self.path).absolute()
        server = _placed(self.server, base_dir)
        _, document = read_document(path, _MEND)
        pages = _pages(document, path)
        found = [tool for page in pages for tool in page["tools"]]
        entries = entries_once([_entry(tool, number) for number, tool in enumerate(found, 1)])
        names = unique_names([identifier(_name(tool)) for tool in found], entries)
        parsed = Parsed()
        for tool, entry, name in zip(found, entries, names, strict=True):
            try:
                parsed.apis.append(self._api(tool, name, Source(self.kind, str(path), entry), server))
            except SchemaError as error:
                parsed.rejects.append(Reject(entry, error.code, f"{path}: {entry}: {error}"))
        if pages and pages[-1].get("nextCursor"):
            detail = f"{path}: the list goes on behind its `nextCursor`: save the pages that follow as well"
            parsed.rejects.append(Reject("nextCursor", "incomplete", detail))
        credentials = {name for api in parsed.apis if api.source for name in api.source.hidden}
        if strange := sorted(self.auth.keys() - credentials):
            mend = f"the tools have {sorted(credentials)}" if credentials else "a token for the server is `server.auth`"
            raise LibraryError(f"{path}: `auth` names {strange[0]!r}, which is no credential of any tool", mend)
        return chosen(parsed, self.tools, str(path))

    def _api(self, tool: Any, name: str, source: Source, server: StdioServer | HttpServer | None) -> Api:
        read = normalise_tool(tool)
        form, hidden = without_credentials(read.parameters)
        program = server.command if isinstance(server, StdioServer) else ()
        digest = content_hash("mcp", dumps(tool), *(("live", *program) if server else ()))
        source = replace(source, digest=digest, hidden=hidden)
        if server is not None:
            auth = {parameter: variable for parameter, variable in self.auth.items() if parameter in hidden}
            said = tool.get("annotations") if isinstance(tool.get("annotations"), dict) else {}
            hints = {"read_only": said.get("readOnlyHint") is True, "idempotent": said.get("idempotentHint") is True}
            call = ToolForm(server=server, tool=_name(tool), auth=auth, **hints)
            url = server.url if isinstance(server, HttpServer) else ""
            source = replace(source, runner="mcp", env=call.env, server=url, request=call.dumps())
        return Api(
            name=name,
            description=" ".join(read.description.split()),
            parameters=form,
            returns=_returns(tool.get("outputSchema")),
            category=self.category,
            source=source,
        )


def _placed(server: StdioServer | HttpServer | None, base_dir: Path) -> StdioServer | HttpServer | None:
    """A server with its folder absolute: whoever starts it may stand anywhere."""
    if not isinstance(server, StdioServer):
        return server
    return server.model_copy(update={"cwd": str((base_dir / (server.cwd or "")).absolute())})


def _pages(document: Any, path: Path) -> list[Json]:
    """The answers in a document, each with a list of tools."""
    answers = document if isinstance(document, list) else [document]
    if isinstance(document, list) and any(isinstance(tool, dict) and "name" in tool for tool in document):
        return [{"tools": document}]
    pages = []
    for answer in answers:
        inner = answer.get("result", answer) if isinstance(answer, dict) else {}
        if not isinstance(inner, dict) or not isinstance(inner.get("tools"), list):
            said = answer.get("error") if isinstance(answer, dict) else None
            detail = f": the server answered {str(said)[:200]!r}" if said else ""
            raise LibraryError(f"{path}: no saved `tools/list`{detail}", _MEND)
        pages.append(inner)
    return pages


def _name(tool: Any) -> str:
    name = tool.get("name") if isinstance(tool, dict) else None
    return name if isinstance(name, str) and name.strip() else "_"


def _entry(tool: Any, number: int) -> str:
    name = _name(tool)
    server = tool.get("server") if isinstance(tool, dict) else None
    name = f"#{number}" if name == "_" else name
    return f"{server}/{name}" if isinstance(server, str) and server else name


def _returns(schema: Any) -> Json | None:
    try:
        return require_valid(clean(schema)) if isinstance(schema, dict) else None
    except SchemaError:
        return None  # what a tool answers does not keep it from being called
