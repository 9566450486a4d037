"""A library folder: what is imported comes out as it went in, names are unique, rejects keep their codes."""

import json
import re
from dataclasses import replace
from pathlib import Path

import jsonschema_rs
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from apigen_ray.config import parse_config
from apigen_ray.errors import ConfigError, InputError, LibraryError, RunExistsError
from apigen_ray.job.library_import import import_library
from apigen_ray.job.library_sources import ImportOptions, form_id
from apigen_ray.library import load_library
from apigen_ray.library.categories import CATEGORIES, category_meant
from apigen_ray.library.prepared import ENTRY, LibraryDir, PreparedSource, api_form, api_of
from apigen_ray.library.python import PythonSource
from apigen_ray.records import Api, Source
from apigen_ray.storage import as_path, list_files, write_once
from apigen_ray.tables import conform, set_columns

TOOL = {"name": "find", "description": "Find a thing.", "inputSchema": {"properties": {"q": {"type": "string"}}}}


def tools(path: Path, *found: object) -> str:
    path.write_text(json.dumps({"tools": list(found)}))
    return str(path)


def mark(lib: Path, **values: str) -> None:
    """Sets columns of the first row of a library, as a preparation would."""
    library = LibraryDir(lib)
    [table] = library.read()
    first, rest = table.slice(0, 1), table.slice(1)
    first = set_columns(first, {name: [value] for name, value in values.items()})
    name = f"part-{len(library.files())}{first['number'][0].as_py()}"
    write_once(conform(pa.concat_tables([rest, first]), ENTRY), library.apis, name)
    library.write_manifest(library.manifest() | {"files": [f"apis/{name}.parquet"]})


def test_an_api_comes_out_as_it_went_in() -> None:
    source = Source("openapi", "a.json", "GET /x", "d", hosts=("h",), env=("K",), hidden=("query:key",), request="{}")
    api = Api("f", "Überall.", {"type": "object", "properties": {}}, {"type": "null"}, "Data", source)
    assert api_of(api_form(api)) == api
    assert api_of(api_form(replace(api, source=None))) == replace(api, source=None)


def test_functions_by_way_of_a_library_are_the_same(tmp_path: Path) -> None:
    manifest = import_library(["apigen_ray.library.functions.music"], tmp_path / "lib")
    direct = load_library([PythonSource(module="apigen_ray.library.functions.music")])
    prepared = load_library([PreparedSource(path=str(tmp_path / "lib"))])
    assert manifest["rows"] == manifest["apis"] == len(direct.apis)
    assert prepared.apis == direct.apis
    assert prepared.digest == direct.digest


def test_a_name_of_two_sources_is_given_to_neither_and_stays_as_sources_move(tmp_path: Path) -> None:
    names = []
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        one = tools(tmp_path / folder / "one.json", TOOL)
        two = tools(tmp_path / folder / "two.json", TOOL, {**TOOL, "name": "other"})
        import_library([one, two], tmp_path / folder / "lib")
        rows = [row for table in LibraryDir(tmp_path / folder / "lib").read() for row in table.to_pylist()]
        names.append([row["name"] for row in rows])
        assert [row["original_name"] for row in rows] == ["find", "find", "other"]
        assert [api_of(row["api"]).name for row in rows] == names[-1]
    assert names[0] == names[1]
    assert len(set(names[0])) == 3
    assert [name[:5] for name in names[0]] == ["find_", "find_", "other"]


def test_one_source_named_twice_still_has_a_row_for_each_entry(tmp_path: Path) -> None:
    one = tools(tmp_path / "one.json", TOOL)
    import_library([one, one], tmp_path / "lib")
    rows = [row for table in LibraryDir(tmp_path / "lib").read() for row in table.to_pylist()]
    assert len({row["row_id"] for row in rows}) == len({row["name"] for row in rows}) == 2
    assert len({row["form_id"] for row in rows}) == 1


def test_a_folder_is_each_document_in_it_and_one_that_is_none_is_a_reject(tmp_path: Path) -> None:
    (tmp_path / "docs" / "deep").mkdir(parents=True)
    tools(tmp_path / "docs" / "deep" / "a.json", TOOL, 5)
    (tmp_path / "docs" / "b.yaml").write_text("a: [broken")
    (tmp_path / "docs" / "c.txt").write_text("not looked at")
    (tmp_path / "docs" / "empty.yaml").write_text("openapi: 3.0.0\npaths: {}\n")
    import_library([str(tmp_path / "docs")], tmp_path / "lib")
    parsed = PreparedSource(path="lib").parse(tmp_path)
    assert [api.name for api in parsed.apis] == ["find"]
    assert [(reject.entry, reject.code) for reject in parsed.rejects] == [
        ("b.yaml", "fail_parse"),
        ("#2", "fail_parse"),
        ("empty.yaml", "fail_parse"),
    ]
    assert parsed.rejects[0].detail.startswith("parse: unreadable: ")
    assert parsed.rejects[2].detail.endswith("empty.yaml: nothing is in there")
    with pytest.raises(LibraryError, match=r"b\.yaml: neither JSON nor YAML"):
        import_library([str(tmp_path / "docs" / "b.yaml")], tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_file_of_sections_is_each_source_in_it_with_its_own_keys(tmp_path: Path) -> None:
    one, two = tools(tmp_path / "one.json", TOOL), tools(tmp_path / "two.json", {**TOOL, "name": "seek"})
    listing = [{"kind": "mcp", "path": one, "category": "Data"}, {"kind": "mcp", "path": two}]
    (tmp_path / "sources.yaml").write_text(json.dumps({"name": "a run", "library": listing}))
    import_library([str(tmp_path / "sources.yaml")], tmp_path / "lib")
    assert [(api.name, api.category) for api in PreparedSource(path="lib").parse(tmp_path).apis] == [
        ("find", "Data"),
        ("seek", None),
    ]
    (tmp_path / "sources.yaml").write_text(json.dumps({"library": [{"kind": "mpc", "path": one}]}))
    with pytest.raises(ConfigError, match="library"):
        import_library([str(tmp_path / "sources.yaml")], tmp_path / "other")


def test_an_untyped_function_is_a_row_even_in_a_single_file(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text('def f(a: int) -> int:\n    """F."""\ndef g(a):\n    """G."""\n')
    import_library([str(tmp_path / "f.py")], tmp_path / "lib")
    [reject] = PreparedSource(path="lib").parse(tmp_path).rejects
    assert (reject.entry, reject.code) == ("g", "fail_parse")
    assert "untyped" in reject.detail


def test_a_run_has_what_passed_and_what_was_not_asked_for(tmp_path: Path) -> None:
    one = tools(tmp_path / "one.json", *({**TOOL, "name": name} for name in "abcde"))
    import_library([one], tmp_path / "lib")
    mark(tmp_path / "lib", quality_status="passed", accessibility_status="skipped", accessibility_code="not_requested")
    mark(tmp_path / "lib", quality_status="rejected", quality_code="duplicate", quality_detail="as a")
    mark(tmp_path / "lib", accessibility_status="error", accessibility_code="endpoint_unavailable")
    source = PreparedSource(path="lib")
    parsed = source.parse(tmp_path)
    assert [api.name for api in parsed.apis] == ["a", "d", "e"], "in the order of the import, wherever a row lies now"
    assert [(reject.entry, reject.code) for reject in parsed.rejects] == [("b", "fail_quality"), ("c", "error")]
    assert {reject.code for reject in parsed.rejects} <= set(source.codes)
    assert [api.name for api in PreparedSource(path="lib", tools=("d",)).parse(tmp_path).apis] == ["d"]
    with pytest.raises(LibraryError, match="duplicate"):
        PreparedSource(path="lib", tools=("b",)).parse(tmp_path)


def test_a_run_file_names_a_library(tmp_path: Path) -> None:
    import_library([tools(tmp_path / "one.json", TOOL)], tmp_path / "lib")
    form = {"library": [{"kind": "prepared", "path": str(tmp_path / "lib")}], "generators": [{"engine": "scripted"}]}
    config = parse_config({"name": "x", "judge": {"engine": "scripted"}, **form})
    assert isinstance(config.library[0], PreparedSource)
    assert config.model_dump(mode="json")["library"] == [{**form["library"][0], "tools": None}]


def test_what_is_no_library_is_told(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="there is no library"):
        PreparedSource(path="lib").parse(tmp_path)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "manifest.json").write_text("{")
    with pytest.raises(LibraryError, match="not readable"):
        PreparedSource(path="lib").parse(tmp_path)
    (tmp_path / "lib" / "manifest.json").write_text('{"kind": "verify"}')
    with pytest.raises(LibraryError, match="no library"):
        PreparedSource(path="lib").parse(tmp_path)
    for form in ('{"kind": "library", "files": [5], "rows": 1}', '{"kind": "library", "files": []}'):
        (tmp_path / "lib" / "manifest.json").write_text(form)
        with pytest.raises(LibraryError, match="no library"):
            PreparedSource(path="lib").parse(tmp_path)
    form = '{"kind": "library", "files": ["apis/part-a.parquet"], "rows": 1}'
    (tmp_path / "lib" / "manifest.json").write_text(form)
    with pytest.raises(LibraryError, match=r"lost.*apis/part-a\.parquet"):
        PreparedSource(path="lib").parse(tmp_path)
    (tmp_path / "lib" / "apis").mkdir()
    pq.write_table(pa.table({"number": [1]}), tmp_path / "lib" / "apis" / "part-a.parquet")
    with pytest.raises(LibraryError, match="no column 'entry'"):
        PreparedSource(path="lib").parse(tmp_path)


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    one, lib = tools(tmp_path / "one.json", TOOL), tmp_path / "lib"
    import_library([one], lib)
    with pytest.raises(RunExistsError, match="a library is there"):
        import_library(["builtin"], lib)
    with pytest.raises(LibraryError):
        import_library([str(tmp_path / "none.json")], lib, clean=True)
    assert len(PreparedSource(path="lib").parse(tmp_path).apis) == 1, "a source that cannot be read deletes nothing"
    import_library([tools(tmp_path / "two.json", TOOL, {**TOOL, "name": "seek"})], lib, clean=True)
    assert len(PreparedSource(path="lib").parse(tmp_path).apis) == 2
    with pytest.raises(RunExistsError, match="no library"):
        import_library([one], tmp_path, clean=True)


def test_credentials_are_given_by_name_only() -> None:
    options = ImportOptions.parse("https://example.com", ["api key=KEY", "login=USER,PASS"])
    assert options.auth == {"api key": ("KEY",), "login": ("USER", "PASS")}
    for text in ("api_key", "=KEY", "api_key=sk-123", "api_key="):
        with pytest.raises(InputError, match="SCHEME=ENV") as error:
            ImportOptions.parse(None, [text])
        assert "sk-123" not in str(error.value), "what may be a secret is not told again"


def test_duplicates_are_told_by_name_parameters_and_description() -> None:
    api = Api("find_ab12cd", "Find  a thing.", {"type": "object", "properties": {"a": {}, "b": {}}})
    assert form_id(api) == form_id(replace(api, name="find_98fe76", description="find a THING."))
    assert form_id(api) == form_id(replace(api, parameters={"properties": {"b": {}, "a": {}}, "type": "object"}))
    for other in (replace(api, name="seek"), replace(api, description="Find."), replace(api, parameters={})):
        assert form_id(other) != form_id(api)


@pytest.mark.parametrize(
    ("word", "category"),
    [
        ("News_Media", "Media"),
        ("health-and-fitness", "Health"),
        ("FINANCE", "Finance"),
        ("Artificial_Intelligence_Machine_Learning", "Technology"),
        ("public", None),
        ("", None),
        (None, None),
    ],
)
def test_words_of_other_catalogues(word: str | None, category: str | None) -> None:
    assert category_meant(word) == category


def test_every_category_means_itself() -> None:
    assert len(CATEGORIES) == 21
    assert [category_meant(name) for name in CATEGORIES] == list(CATEGORIES)


@pytest.mark.usefixtures("s3")
def test_a_library_in_an_object_store(tmp_path: Path) -> None:
    lib = as_path("s3://runs/lib", to_write=True)
    one = tools(tmp_path / "one.json", TOOL)
    import_library([one], lib)
    assert [api.name for api in PreparedSource(path="s3://runs/lib").parse(tmp_path).apis] == ["find"]
    with pytest.raises(RunExistsError):
        import_library([one], lib)
    import_library([tools(tmp_path / "two.json", TOOL, {**TOOL, "name": "seek"})], lib, clean=True)
    assert len(PreparedSource(path="s3://runs/lib").parse(tmp_path).apis) == 2
    assert len(list_files(lib / "apis")) == 1
    with pytest.raises(LibraryError, match="there is no library"):
        PreparedSource(path="s3://runs/other").parse(tmp_path)


@pytest.mark.long
def test_real_documents_become_a_library(tmp_path: Path) -> None:
    shared = Path(__file__).parents[2].parent / "shared" / "data"
    if not shared.is_dir():
        pytest.skip("the shared data is not beside this checkout")
    sources = [str(shared / name) for name in ("openapi_specs", "toolbench_tools", "mcp_tools.json")]
    import_library(sources, tmp_path / "lib")
    found = [row for table in LibraryDir(tmp_path / "lib").read() for row in table.to_pylist()]
    rejected = {row["entry"]: row["parse_code"] for row in found if row["api"] is None}
    apis = [api_of(row["api"]) for row in found if row["api"] is not None]
    assert rejected.pop("index.json") == "unreadable", "the list of the documents is none itself"
    assert len(apis) >= 0.99 * (len(found) - 1)
    assert {row["kind"] for row in found} == {"openapi", "rapidapi", "mcp", "unknown"}
    assert len({api.name for api in apis}) == len({row["row_id"] for row in found}) - len(rejected) - 1 == len(apis)
    for api in apis:
        assert re.fullmatch("[A-Za-z_][A-Za-z0-9_]{0,63}", api.name)
        assert jsonschema_rs.meta.is_valid(api.parameters)
