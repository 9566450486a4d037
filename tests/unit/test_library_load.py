"""The library as a whole: sources together, names, digest, and the built-in functions."""

import json
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from apigen_ray.errors import LibraryError
from apigen_ray.library import BUILTIN, LibrarySpec, PythonSource, load_library

ADAPTER = TypeAdapter(LibrarySpec)


def write(path: Path, text: str) -> PythonSource:
    path.write_text(text)
    return PythonSource(path=path.name)


def test_sources_of_two_kinds(tmp_path: Path) -> None:
    write(tmp_path / "tools.py", "CATEGORY = 'Math'\ndef double(n: int): ...\ndef spread(*n: int): ...")
    operation = {"operationId": "search", "parameters": [{"name": "q", "in": "query", "schema": {"type": "string"}}]}
    (tmp_path / "api.json").write_text(json.dumps({"openapi": "3.0.0", "paths": {"/s": {"get": operation}}}))
    specs = ADAPTER.validate_python([{"kind": "python", "path": "tools.py"}, {"kind": "openapi", "path": "api.json"}])
    library = load_library(specs, tmp_path)
    assert [api.name for api in library.apis] == ["double", "search"]
    assert [reject.code for reject in library.rejects] == ["variadic"]
    assert [api.category for api in library.apis] == ["Math", None]
    assert library.by_id == {api.api_id: api for api in library.apis}
    assert load_library(specs, tmp_path).digest == library.digest
    assert load_library(specs[::-1], tmp_path).digest != library.digest
    write(tmp_path / "tools.py", "CATEGORY = 'Data'\ndef double(n: int): ...\ndef spread(*n: int): ...")
    assert load_library(specs, tmp_path).digest != library.digest


@pytest.mark.parametrize(
    "section", [[], [{"kind": "nope"}], [{"path": "a.py"}], [{"kind": "openapi", "path": "a", "x": 1}]]
)
def test_sections_that_are_refused(section: list) -> None:
    with pytest.raises(ValidationError):
        ADAPTER.validate_python(section)


def test_two_functions_of_one_name(tmp_path: Path) -> None:
    specs = [write(tmp_path / name, "def same(n: int): ...") for name in ("one.py", "two.py")]
    with pytest.raises(LibraryError, match=r"called 'same': .*one\.py \(same\) and .*two\.py \(same\)\n.*mend: rename"):
        load_library(specs, tmp_path)


def test_an_empty_library(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match=r"(?s)library is empty.*variadic: .*tools\.py:1: function 'f'"):
        load_library([write(tmp_path / "tools.py", "def f(*n: int): ...")], tmp_path)
    with pytest.raises(LibraryError, match="none of 0 entries"):
        load_library([write(tmp_path / "tools.py", "x = 1")], tmp_path)


def test_the_built_in_library_loads_whole() -> None:
    library = load_library([BUILTIN])
    assert not library.rejects
    assert all(api.description and api.category and api.returns is not None for api in library.apis)
    described = [item.get("description") for api in library.apis for item in api.parameters["properties"].values()]
    assert all(described)
