"""The sources ``rapidapi``, ``mcp`` and ``dataset``: what each form says, what is rejected, what is refused."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from apigen_ray.errors import LibraryError
from apigen_ray.library.base import Parsed
from apigen_ray.library.dataset import DatasetSource
from apigen_ray.library.mcp import McpSource
from apigen_ray.library.rapidapi import RapidApiSource

FORM = {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}
CLOSED = {**FORM, "additionalProperties": False}


def parameter(name: Any, kind: Any = "STRING", default: Any = "", **more: Any) -> dict:
    return {"name": name, "type": kind, "description": "", "default": default, **more}


def rapidapi(folder: Path, *apis: Any, **keys: Any) -> Parsed:
    tool = {"tool_name": "My Tool", "category_name": "Tools", "api_list": list(apis)}
    (folder / "tool.json").write_text(json.dumps(tool))
    return RapidApiSource(path="tool.json", **keys).parse(folder)


def api(name: str = "/v1/Search", required: Any = (), optional: Any = ()) -> dict:
    return {"name": name, "description": " Find\nit ", "required_parameters": required, "optional_parameters": optional}


def test_rapidapi_parameters(tmp_path: Path) -> None:
    required = [
        parameter("n", "NUMBER", "10"),
        parameter("day", "DATE (YYYY-MM-DD)", "2020-01-01"),
        parameter("X-RapidAPI-Key"),
        parameter("filter[x]", "string", description=" which\none "),
    ]
    optional = [
        parameter("n", "STRING", "other"),
        parameter("on", "BOOLEAN", "True"),
        parameter("kind", "ENUM", "a", enum=["a", "b"]),
        parameter("rate", "NUMBER", "2.5"),
        parameter("odd", "NUMBER", "a,b"),
        parameter("where", "GEOPOINT (latitude, longitude)", 5),
        parameter("picture", "FILE"),
        parameter("filter-x", "ARRAY", "no list"),
    ]
    (found,) = rapidapi(tmp_path, api(required=required, optional=optional)).apis
    assert (found.name, found.description, found.category) == ("v1_search_for_my_tool", "Find it", "Tools")
    assert found.source is not None
    assert (found.source.entry, found.source.hidden) == ("My Tool / /v1/Search", ("X-RapidAPI-Key",))
    properties = found.parameters["properties"]
    first, second = (name for name in properties if name.startswith("filter_x"))
    assert properties == {
        "n": {"type": "number", "examples": [10]},
        "day": {"type": "string", "format": "date", "examples": ["2020-01-01"]},
        first: {"type": "string", "description": "which one"},
        "on": {"type": "boolean", "default": True},
        "kind": {"type": "string", "enum": ["a", "b"], "default": "a"},
        "rate": {"type": "number", "default": 2.5},
        "odd": {"type": "number"},
        "where": {"type": "string", "default": "5"},
        second: {"type": "array"},
    }
    assert found.parameters["required"] == ["n", "day", first]


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("text", "malformed"),
        ({"description": "x"}, "malformed"),
        (api(required={"name": "q"}), "malformed"),
        (api(required=[{"type": "STRING"}]), "malformed"),
        (api(required=["q"]), "malformed"),
        (api(required=[parameter("q", "WIBBLE")]), "unknown_type"),
        (api(required=[parameter("q", ["STRING"])]), "unknown_type"),
        (api(required=[parameter("q", "FILE")]), "file_upload"),
    ],
)
def test_rapidapi_rejects(tmp_path: Path, entry: Any, code: str) -> None:
    parsed = rapidapi(tmp_path, entry, api("fine"))
    assert [reject.code for reject in parsed.rejects] == [code]
    assert [found.name for found in parsed.apis] == ["fine_for_my_tool"]


def test_rapidapi_folder(tmp_path: Path) -> None:
    rapidapi(tmp_path, api("a"), api("A"), api("a"))
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/page.json").write_text("<html>")
    (tmp_path / "deep/list.json").write_text("[]")
    (tmp_path / "deep/none.json").write_text('{"tool_name": "x", "api_list": 5}')
    parsed = RapidApiSource(path=".").parse(tmp_path)
    assert [found.source.entry for found in parsed.apis if found.source] == [
        "My Tool / a",
        "My Tool / A",
        "My Tool / a #2",
    ]
    assert len({found.name for found in parsed.apis}) == 3
    assert [(reject.entry, reject.code) for reject in parsed.rejects] == [
        (f"deep/{name}.json", "unreadable") for name in ("list", "none", "page")
    ]
    for path in ("deep/page.json", "deep/none.json", "absent.json"):
        with pytest.raises(LibraryError, match=path):
            RapidApiSource(path=path).parse(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(LibraryError, match="no JSON file"):
        RapidApiSource(path="empty").parse(tmp_path)


def test_rapidapi_chosen(tmp_path: Path) -> None:
    entries = (api("a", [parameter("q")]), api("b"), api("c", [parameter("q", "WIBBLE")]))
    (found,) = rapidapi(tmp_path, *entries, tools=("My Tool / a",)).apis
    assert rapidapi(tmp_path, *entries, tools=(found.name,)).apis == [found]
    for name, match in (
        ("b_for_my_tool", "no parameters"),
        ("My Tool / c", "unknown type"),
        ("d", "there is no tool 'd'"),
    ):
        with pytest.raises(LibraryError, match=match):
            rapidapi(tmp_path, *entries, tools=("My Tool / a", name))


def mcp(folder: Path, document: Any, **keys: Any) -> Parsed:
    (folder / "tools.json").write_text(document if isinstance(document, str) else json.dumps(document))
    return McpSource(path="tools.json", **keys).parse(folder)


TOOL = {"name": "find-it", "description": "Find\nit", "inputSchema": FORM}


@pytest.mark.parametrize(
    "document",
    [
        {"tools": [TOOL]},
        {"jsonrpc": "2.0", "id": 1, "result": {"tools": [TOOL]}},
        [TOOL],
        [{"tools": [TOOL], "nextCursor": "x"}, {"result": {"tools": []}}],
    ],
)
def test_mcp_documents(tmp_path: Path, document: Any) -> None:
    parsed = mcp(tmp_path, document, category="Search")
    assert not parsed.rejects
    (found,) = parsed.apis
    assert (found.name, found.description, found.category) == ("find_it", "Find it", "Search")
    assert found.parameters == CLOSED
    assert found.source is not None
    assert found.source.entry == "find-it"


def test_mcp_servers_and_quirks(tmp_path: Path) -> None:
    odd = {
        "type": "object",
        "properties": {
            "n": {"type": "integer", "minimum": 1, "exclusiveMinimum": True},
            "pair": {"type": "array", "items": [{"type": "any"}]},
            "node": {"$ref": "#/$defs/Node"},
            "api_key": {"type": "string"},
        },
        "$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}},
    }
    tools = [
        {**TOOL, "server": "one"},
        {**TOOL, "server": "two"},
        {"name": "odd one", "inputSchema": odd, "outputSchema": {"type": "object"}},
        {"name": "none"},
    ]
    parsed = mcp(tmp_path, {"tools": tools})
    assert not parsed.rejects
    assert [found.source.entry for found in parsed.apis if found.source] == [
        "one/find-it",
        "two/find-it",
        "odd one",
        "none",
    ]
    assert [found.name[:8] for found in parsed.apis] == ["find_it_", "find_it_", "odd_one", "none"]
    found = parsed.apis[2]
    assert list(found.parameters["properties"]) == ["n", "pair", "node"]
    assert found.parameters["properties"]["n"] == {"type": "integer", "exclusiveMinimum": 1}
    assert found.returns == {"type": "object"}
    assert found.source is not None
    assert found.source.hidden == ("api_key",)


def test_mcp_rejects(tmp_path: Path) -> None:
    tools = [
        5,
        {"description": "x"},
        {"name": "a", "inputSchema": 5},
        {"name": "b", "inputSchema": {**FORM, "properties": {"q": {"type": "wibble"}}}},
        {"name": "c", "inputSchema": {**FORM, "properties": {"q": {"$ref": "https://elsewhere.example/x"}}}},
        {"name": "d", "inputSchema": {**FORM, "properties": {"q": {"$ref": "#/$defs/no"}}}},
        {"name": "e", "inputSchema": {"type": "array"}},
    ]
    parsed = mcp(tmp_path, {"tools": [TOOL, *tools], "nextCursor": "more"})
    assert [(reject.entry, reject.code) for reject in parsed.rejects] == [
        ("#2", "malformed"),
        ("#3", "malformed"),
        ("a", "malformed"),
        ("b", "unknown_type"),
        ("c", "external_ref"),
        ("d", "dangling_ref"),
        ("e", "invalid_schema"),
        ("nextCursor", "incomplete"),
    ]


@pytest.mark.parametrize(
    ("document", "match"),
    [
        ({"tools": 5}, "no saved"),
        ({"error": {"code": -32601, "message": "no such method"}}, "no such method"),
        ({"result": []}, "no saved"),
        (5, "no saved"),
        ([{"tools": [TOOL]}, 5], "no saved"),
        ("<html>", "is HTML"),
    ],
)
def test_mcp_documents_that_are_none(tmp_path: Path, document: Any, match: str) -> None:
    with pytest.raises(LibraryError, match=match) as caught:
        mcp(tmp_path, document)
    assert "tools/list" in caught.value.mend


OURS = {"name": "ours.find", "description": "Find", "parameters": FORM}
OPENAI = {"type": "function", "function": {"name": "openai", "description": "", "parameters": FORM}}
LEADERBOARD = {"name": "board", "description": "", "parameters": {**FORM, "type": "dict"}}
XLAM = {"name": "flat", "description": "Flat", "parameters": {"q": {"type": "str", "description": "", "default": ""}}}
ROWS: list[Any] = [
    {"tools": json.dumps([OURS, XLAM])},
    {"tools": [OPENAI, json.dumps(OURS)]},
    {"function": [LEADERBOARD], "question": "?"},
    {"function": LEADERBOARD},
    {"functions": [{**OURS, "description": "Find differently"}]},
    {"query": "no tools here", "tools": None},
]
NAMES = ["ours.find", "flat", "openai", "board", "ours.find #2"]


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".parquet"])
def test_dataset_forms(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    if suffix == ".parquet":
        columns = {name: [row.get(name) for row in ROWS] for name in ("tools", "functions", "function")}
        texts = {name: [v if v is None else json.dumps(v) for v in column] for name, column in columns.items()}
        texts["tools"][0] = columns["tools"][0]
        pq.write_table(pa.table(texts), path)
    elif suffix == ".json":
        path.write_text(json.dumps(ROWS, indent=1))
    else:
        path.write_text("\n\n".join(map(json.dumps, ROWS)) + "\n")
    parsed = DatasetSource(path=path.name, category="Set").parse(tmp_path)
    assert not parsed.rejects
    assert [found.source.entry for found in parsed.apis if found.source] == NAMES
    assert [found.name.rpartition("_")[0] or found.name for found in parsed.apis] == [
        "ours_find",
        "flat",
        "openai",
        "board",
        "ours_find",
    ]
    assert all(found.parameters == CLOSED for found in parsed.apis)
    assert {found.category for found in parsed.apis} == {"Set"}


def test_dataset_structs(tmp_path: Path) -> None:
    tools = [
        {"name": name, "parameters": {"type": "object", "properties": {key: {"type": "string"}}, "required": [key]}}
        for name, key in (("a", "x"), ("b", "y"))
    ]
    pq.write_table(pa.Table.from_pylist([{"tools": [tool]} for tool in tools]), tmp_path / "rows.parquet")
    parsed = DatasetSource(path="rows.parquet").parse(tmp_path)
    assert [list(found.parameters["properties"]) for found in parsed.apis] == [["x"], ["y"]]


def test_dataset_rejects(tmp_path: Path) -> None:
    bad = {"name": "bad", "parameters": {"q": {"type": "wibble wobble"}}}
    rows = [json.dumps({"tools": [OURS, bad, 5, {"description": "x"}]}), "{", "5", '{"tools": 5}', '{"tools": "["}']
    (tmp_path / "rows.jsonl").write_bytes("\n".join(rows).encode() + b'\n{"tools": "\xff"}\n' + b"[" * 100_000)
    parsed = DatasetSource(path="rows.jsonl").parse(tmp_path)
    assert [found.name for found in parsed.apis] == ["ours_find"]
    assert [(reject.entry, reject.code) for reject in parsed.rejects] == [
        *((f"row {n}", "malformed") for n in (2, 3, 4, 5, 6, 7)),
        ("bad", "unknown_type"),
        ("a tool without a name", "malformed"),
        ("a tool without a name #2", "malformed"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("rows.jsonl", b'{"query": "x"}', "no row has tools"),
        ("rows.jsonl", b"<html>", "no row has tools.*row 1"),
        ("rows.json", b"<html>", "no row has tools.*row 1"),
        ("rows.json", b'[{"tools": []} {}]', "no list in JSON: '{' at character 15"),
        ("rows.json", b'[{"tools": []},', "no list in JSON"),
        ("rows.json", b"[{]", "no list in JSON"),
        ("rows.json", b"[" * 200_000, "no list in JSON"),
        ("rows.parquet", b"PAR1 no", "cannot be read"),
        ("folder.jsonl", None, "cannot be read"),
    ],
)
def test_dataset_files_that_are_none(tmp_path: Path, name: str, content: bytes | None, match: str) -> None:
    if content is None:
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(LibraryError, match=match):
        DatasetSource(path=name).parse(tmp_path)
    pq.write_table(pa.table({"x": [1]}), tmp_path / "other.parquet")
    for other in ("other.parquet", "absent.jsonl"):
        with pytest.raises(LibraryError, match=other):
            DatasetSource(path=other).parse(tmp_path)
