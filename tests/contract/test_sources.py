"""What every API source keeps: each entry once, valid forms, closed codes, and the same result every time."""

import ast
import json
import re
from collections.abc import Callable
from pathlib import Path

import jsonschema_rs
import pytest

from apigen_ray.job.library_import import import_library
from apigen_ray.library import BUILTIN, SOURCES
from apigen_ray.library.base import ApiSource
from apigen_ray.library.dataset import DatasetSource
from apigen_ray.library.documents import read_openapi
from apigen_ray.library.mcp import McpSource
from apigen_ray.library.openapi import METHODS, OpenApiSource
from apigen_ray.library.prepared import PreparedSource
from apigen_ray.library.python import PythonSource
from apigen_ray.library.rapidapi import RapidApiSource

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
SPECS = SHARED / "openapi_specs"
MADE = '''
from typing import Literal
def good(n: int, unit: Literal["km", "mile"] = "km") -> float:
    """Good."""
def bad(*n): ...
def untyped(n): ...
async def later(n: int): ...
'''
OPERATIONS = {
    "/pets/{id}": {
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
        "get": {"summary": "Get."},
        "put": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/nowhere"}}}}},
        "delete": {"operationId": "drop it"},
    },
    "/pets": {"get": {}, "post": 5},
}


def made_python(folder: Path) -> tuple[ApiSource, set[str]]:
    (folder / "tools.py").write_text(MADE)
    return PythonSource(path=".", on_untyped="reject"), {"good", "bad", "untyped", "later"}


def builtin(folder: Path) -> tuple[ApiSource, set[str]]:
    import apigen_ray.library.functions as package

    entries: set[str] = set()
    for file in Path(package.__path__[0]).glob("[!_]*.py"):
        lines = [line for line in ast.parse(file.read_text()).body if isinstance(line, ast.FunctionDef)]
        entries |= {line.name for line in lines if not line.name.startswith("_")}
    return BUILTIN, entries


def made_openapi(folder: Path) -> tuple[ApiSource, set[str]]:
    (folder / "api.json").write_text(json.dumps({"openapi": "3.0.0", "paths": OPERATIONS}))
    return OpenApiSource(path="api.json"), {f"{m} /pets/{{id}}" for m in ("GET", "PUT", "DELETE")} | {
        "GET /pets",
        "POST /pets",
    }


def made_rapidapi(folder: Path) -> tuple[ApiSource, set[str]]:
    entry = {"name": "get", "required_parameters": [{"name": "q", "type": "STRING", "default": "x"}]}
    tool = {"tool_name": "Tool", "api_list": [entry, entry, {"name": "/get"}, 5]}
    (folder / "tool.json").write_text(json.dumps(tool))
    (folder / "other.json").write_text("{}")
    return RapidApiSource(path="."), {*(f"Tool / {name}" for name in ("get", "get #2", "/get", "#4")), "other.json"}


def made_mcp(folder: Path) -> tuple[ApiSource, set[str]]:
    schema = {"type": "object", "properties": {"q": {"type": "string"}}}
    tools = [{"name": "get it", "inputSchema": schema}, {"name": "get-it", "inputSchema": schema}, {"name": "now"}, 5]
    (folder / "tools.json").write_text(json.dumps({"tools": tools}))
    return McpSource(path="tools.json"), {"get it", "get-it", "now", "#4"}


def made_dataset(folder: Path) -> tuple[ApiSource, set[str]]:
    tools = [{"name": "a.b", "parameters": {"q": {"type": "str"}}}, {"name": "a.b", "parameters": {}}, {"name": "c"}]
    rows = [{"tools": tools}, {"tools": json.dumps(tools[:1])}, 5]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return DatasetSource(path="rows.jsonl"), {"a.b", "a.b #2", "c", "row 3"}


def made_prepared(folder: Path) -> tuple[ApiSource, set[str]]:
    cases = [made_python(folder), made_openapi(folder)]
    import_library([str(folder / "tools.py"), str(folder / "api.json")], folder / "lib")
    return PreparedSource(path="lib"), {entry for _, entries in cases for entry in entries}


def real_rapidapi(_: Path) -> tuple[ApiSource, set[str]]:
    entries = set()
    for file in (SHARED / "toolbench_tools").rglob("*.json"):
        tool = json.loads(file.read_text())
        entries |= {
            f"{' '.join(tool['tool_name'].split())} / {' '.join(api['name'].split())}" for api in tool["api_list"]
        }
    return RapidApiSource(path=str(SHARED / "toolbench_tools")), entries


def real_mcp(_: Path) -> tuple[ApiSource, set[str]]:
    tools = json.loads((SHARED / "mcp_tools.json").read_text())
    return McpSource(path=str(SHARED / "mcp_tools.json")), {f"{tool['server']}/{tool['name']}" for tool in tools}


def real_openapi(name: str) -> Callable[[Path], tuple[ApiSource, set[str]]]:
    def source(folder: Path) -> tuple[ApiSource, set[str]]:
        _, document = read_openapi(SPECS / name)
        paths = document["paths"].items()
        return OpenApiSource(path=str(SPECS / name)), {
            f"{m.upper()} {path}" for path, item in paths for m in METHODS if m in item
        }

    source.__name__ = name
    return source


INDEX = json.loads((SPECS / "index.json").read_text()) if SPECS.is_dir() else []
MADE_CASES = [made_python, made_openapi, made_rapidapi, made_mcp, made_dataset, made_prepared]
REAL_CASES = [real_rapidapi, real_mcp, *(real_openapi(entry["file"]) for entry in INDEX)] if INDEX else []
CASES = [*MADE_CASES, builtin, *REAL_CASES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_source(case: Callable[[Path], tuple[ApiSource, set[str]]], tmp_path: Path) -> None:
    source, entries = case(tmp_path)
    parsed = source.parse(tmp_path)
    found = [api.source.entry for api in parsed.apis if api.source] + [reject.entry for reject in parsed.rejects]
    assert len(found) == len(parsed.apis) + len(parsed.rejects) == len(entries)
    assert set(found) == entries
    names = [api.name for api in parsed.apis]
    assert len(set(names)) == len(names)
    for api in parsed.apis:
        assert re.fullmatch("[A-Za-z_][A-Za-z0-9_]{0,63}", api.name)
        assert api.source is not None
        assert api.source.kind == source.kind or source.kind == "prepared"  # an Api keeps the kind that it came from
        assert api.source.digest
        assert jsonschema_rs.meta.is_valid(api.parameters)
        assert api.parameters["type"] == "object"
        closed = (
            "unevaluatedProperties"
            if {"anyOf", "oneOf", "allOf", "if"} & api.parameters.keys()
            else "additionalProperties"
        )
        assert api.parameters[closed] is False
        assert api.parameters["properties"].keys() >= set(api.parameters["required"])
        assert "$ref" not in json.dumps(api.parameters, allow_nan=False)
        if api.returns is not None:
            assert jsonschema_rs.meta.is_valid(api.returns)
    for reject in parsed.rejects:
        assert reject.code in source.codes
        assert reject.detail
    again = source.parse(tmp_path)
    assert again == parsed
    assert [api.api_id for api in again.apis] == [api.api_id for api in parsed.apis]


def test_the_shared_specs_are_counted() -> None:
    if not INDEX:
        pytest.skip("the shared data is not beside this checkout")
    assert sum(len(real_openapi(entry["file"])(SPECS)[1]) for entry in INDEX) == sum(
        entry["operations"] for entry in INDEX
    )


def test_every_source_has_a_case(tmp_path: Path) -> None:
    assert {type(case(tmp_path)[0]) for case in MADE_CASES} == set(SOURCES)
    assert len({source.model_fields["kind"].default for source in SOURCES}) == len(SOURCES)
