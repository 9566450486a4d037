"""The source ``mcp``: the tools of a Model Context Protocol server, out of a saved ``tools/list``, never called."""

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from apigen_ray.errors import LibraryError
from apigen_ray.library.base import Parsed, Reject, chosen
from apigen_ray.library.credentials import without_credentials
from apigen_ray.library.documents import read_document
from apigen_ray.library.forms import normalise_tool
from apigen_ray.library.names import entries_once, identifier, unique_names
from apigen_ray.library.schema import SchemaError, clean, require_valid
from apigen_ray.records import Api, Json, Source, content_hash, dumps

_MEND = 'save the answer to `tools/list` whole: {"tools": [...]}, a list of tools, or a list of the pages'


class McpSource(BaseModel):
    """Tools of a saved ``tools/list``: each is an entry, named as the tool is, after its ``server`` where it names one.

    The document is an answer (with or without its JSON-RPC envelope), a list of answers (pages), or a list of tools.
    Functions are called as the tool is, made an identifier; parameters keep their names. Credentials are left out,
    since executing a call fills them in: `apigen_ray.records.Source.hidden` names them.

    A tool is rejected with one of these codes: ``malformed`` (no name, parameters that are no object), ``incomplete``
    (the document ends with a ``nextCursor``: what follows was not saved), ``dangling_ref``, ``external_ref``,
    ``schema_too_large``, ``unknown_type``, ``invalid_schema`` (its schema has no JSON Schema 2020-12 form).

    Attributes:
        path: a JSON file, relative to the config's base.
        category: of all its tools.
        tools: only these, by name or entry; each must be usable.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    codes: ClassVar[tuple[str, ...]] = ("malformed", "incomplete", *SchemaError.CODES)

    kind: Literal["mcp"] = "mcp"
    path: str
    category: str | None = None
    tools: tuple[str, ...] | None = Field(default=None, min_length=1)

    def parse(self, base_dir: Path) -> Parsed:
        """Every tool of the document as an Api or a reject.

        Raises:
            LibraryError: unreadable or no such document; a tool of ``tools`` that is missing or unusable.
        """
        path = (base_dir / self.path).absolute()
        _, document = read_document(path, _MEND)
        pages = _pages(document, path)
        found = [tool for page in pages for tool in page["tools"]]
        entries = entries_once([_entry(tool, number) for number, tool in enumerate(found, 1)])
        names = unique_names([identifier(_name(tool)) for tool in found], entries)
        parsed = Parsed()
        for tool, entry, name in zip(found, entries, names, strict=True):
            try:
                parsed.apis.append(self._api(tool, name, Source(self.kind, str(path), entry)))
            except SchemaError as error:
                parsed.rejects.append(Reject(entry, error.code, f"{path}: {entry}: {error}"))
        if pages and pages[-1].get("nextCursor"):
            detail = f"{path}: the list goes on behind its `nextCursor`: save the pages that follow as well"
            parsed.rejects.append(Reject("nextCursor", "incomplete", detail))
        return chosen(parsed, self.tools, str(path))

    def _api(self, tool: Any, name: str, source: Source) -> Api:
        read = normalise_tool(tool)
        form, hidden = without_credentials(read.parameters)
        digest = content_hash("mcp", dumps(tool))
        return Api(
            name=name,
            description=" ".join(read.description.split()),
            parameters=form,
            returns=_returns(tool.get("outputSchema")),
            category=self.category,
            source=Source(source.kind, source.location, source.entry, digest, hidden=hidden),
        )


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
