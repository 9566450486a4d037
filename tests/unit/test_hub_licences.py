"""Where the rows of a run come from, and under which licences: what is known, what must be told, what binds."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from apigen_ray.errors import InputError
from apigen_ray.hub import origins as hub_origins
from apigen_ray.hub.licences import HUB_IDS, Licences, head_of, restriction
from apigen_ray.hub.origins import Found, Origin, config_of, origins
from apigen_ray.library.prepared import ENTRY, LibraryDir
from apigen_ray.rundir import RunDir
from apigen_ray.storage import write_once, write_text
from apigen_ray.tables import table_of

Json = dict[str, Any]
BUILTIN = {"kind": "python", "module": "apigen_ray.library.functions"}


def lookup(model: str) -> Found:
    return {"a/open": ("mit", "its card")}.get(model, (None, f"nobody knows {model}"))


def found(tmp_path: Path, config: Json, told: dict[str, str] | None = None, **manifest: Any) -> list[Origin]:
    run = RunDir(tmp_path / "run")
    write_text(run.config_path, yaml.safe_dump(config))
    run.update_manifest(**{"kind": "run" if "generators" in config else "verify"} | manifest)
    return origins(run, config_of(run), told or {}, lookup)


def generator(model: str, engine: str = "vllm") -> Json:
    return {"generators": [{"name": "g", "engine": engine, "model": model}]}


def one(tmp_path: Path, config: Json, **more: Any) -> Origin:
    [origin] = found(tmp_path, config, **more)
    return origin


# What can be known


def test_the_embedded_model(tmp_path: Path) -> None:
    origin = one(tmp_path, generator("embedded"))
    assert (origin.licence, origin.what) == ("Apache-2.0", "HuggingFaceTB/SmolLM2-135M-Instruct")


def test_the_scripted_engine_is_a_fake(tmp_path: Path) -> None:
    assert "FAKE" in one(tmp_path, generator("scripted", "scripted")).what


def test_a_model_of_the_hub(tmp_path: Path) -> None:
    assert one(tmp_path, generator("a/open")).licence == "mit"
    assert one(tmp_path, generator("a/closed")).by == "nobody knows a/closed"


@pytest.mark.parametrize("model", ["a/open", "embedded"])
def test_a_name_on_a_server_says_nothing(tmp_path: Path, model: str) -> None:
    origin = one(tmp_path, generator(model, "openai"))
    assert (origin.licence, origin.by) == (None, "a server can call any model by that name")


@pytest.mark.parametrize(
    ("head", "licence"),
    [
        ("license: gemma", "gemma"),
        ("license: other\nlicense_name: acme-1", "acme-1"),
        ("license: other", None),
        ("license: [mit, apache-2.0]", "mit, apache-2.0"),
        ("license: unknown", None),
        ("license: [", None),
        ("tags: [a]", None),
        ("just words", None),
    ],
)
def test_a_model_of_a_folder(tmp_path: Path, head: str, licence: str | None) -> None:
    model = tmp_path / "private" / "tuned"
    model.mkdir(parents=True)
    assert one(tmp_path, generator(str(model))).licence is None
    (model / "README.md").write_text(f"---\n{head}\n---\nWords.\n", "utf-8")
    origin = one(tmp_path, generator(str(model)))
    assert origin.licence == licence
    assert "private" not in f"{origin.what}{origin.names}{origin.by}"


@pytest.mark.parametrize("model", ["/home/me/gone/tuned", "~/gone/tuned", "../gone/tuned", "s3://gone/tuned"])
def test_a_model_that_is_gone_names_no_folder(tmp_path: Path, model: str) -> None:
    origin = one(tmp_path, generator(model))
    assert (origin.what, origin.licence) == ("tuned", None)
    assert "gone" not in origin.by


def test_our_own_functions_and_those_of_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_origins, "_distributions", lambda: {"pytest": ["pytest"]})  # to find it takes a second
    assert one(tmp_path, {"library": [BUILTIN]}).licence == "Apache-2.0"
    assert one(tmp_path, {"library": [{"kind": "python", "module": "pytest"}]}).licence == "MIT"
    assert (
        one(tmp_path, {"library": [{"kind": "python", "module": "apigen_ray.library.functionsx"}]}).by != "this project"
    )
    assert one(tmp_path, {"library": [{"kind": "python", "module": "none_such"}]}).licence is None
    origin = one(tmp_path, {"library": [{"kind": "python", "path": "/home/me/mine.py", "module": None}]})
    assert (origin.name, origin.licence) == ("mine.py", None)


@pytest.mark.long
def test_packages_are_found_by_their_modules() -> None:
    assert hub_origins._python("yaml.nodes")[1] == "the package PyYAML"


@pytest.mark.parametrize(
    ("licence", "known"),
    [
        ({"name": "Apache 2.0", "url": "x"}, "Apache 2.0"),
        ({"name": "A", "identifier": "MIT"}, "MIT"),
        ({}, None),
        (None, None),
        ("MIT", None),
    ],
)
def test_an_openapi_document_says_it(tmp_path: Path, licence: Any, known: str | None) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(yaml.safe_dump({"openapi": "3.1.0", "info": {"license": licence}, "paths": {}}), "utf-8")
    origin = one(tmp_path, {"library": [{"kind": "openapi", "path": str(path)}]})
    assert (origin.name, origin.licence) == ("shop.yaml", known)


@pytest.mark.parametrize("kind", ["openapi", "rapidapi", "mcp", "dataset"])
def test_what_says_nothing(tmp_path: Path, kind: str) -> None:
    assert one(tmp_path, {"library": [{"kind": kind, "path": "https://a.example/x.json"}]}).licence is None


def test_a_prepared_library_has_its_sources_and_its_writer(tmp_path: Path) -> None:
    path = tmp_path / "lib"
    said = {"text": "{}", "model": "big"}
    rows: list[Json] = [
        {"given": "builtin", "kind": "python"},
        {"given": "https://a.example/shop.json", "kind": "openapi", "describe": said},
        {"given": "https://a.example/shop.json", "kind": "openapi"},
    ]
    file = write_once(table_of(rows, ENTRY), LibraryDir(path).apis, "part-0")
    assert file is not None
    names = [f"apis/{each.name}" for each in LibraryDir(path).apis.iterdir()]
    LibraryDir(path).write_manifest({"kind": "library", "files": names, "rows": 3})
    config = {"library": [{"kind": "prepared", "path": str(path)}]}
    got = {origin.name: (origin.role, origin.licence) for origin in found(tmp_path, config)}
    assert got == {
        "apigen_ray.library.functions": ("source", "Apache-2.0"),
        "shop.json": ("source", None),
        "big": ("writer", None),
    }
    gone = one(tmp_path, {"library": [{"kind": "prepared", "path": str(tmp_path / "none")}]})
    assert (gone.name, gone.licence) == ("none", None)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://a.example/v1/shop.json?api_key=abc", "shop.json"),
        ("https://a.example/shop.json#token=abc", "shop.json"),
        ("https://me:word@a.example", "a.example"),
        ("https://me:word@a.example/?key=abc", "a.example"),
        ("https://[bad/shop.json", "shop.json"),
        ("docs/shop#1?.json", "shop#1?.json"),
    ],
)
def test_a_source_is_called_without_what_its_address_hides(tmp_path: Path, address: str, name: str) -> None:
    assert one(tmp_path, {"library": [{"kind": "dataset", "path": address}]}).name == name


def test_judged_records_are_a_source(tmp_path: Path) -> None:
    config = {"library": None, "judge": {"engine": "openai", "model": "m"}}
    records, judge = found(tmp_path, config, kind="verify", input="/data/theirs.jsonl")
    assert (records.role, records.name, records.licence) == ("records", "theirs.jsonl", None)
    assert not judge.published


def test_merged_runs_have_the_origins_of_all(tmp_path: Path) -> None:
    parts = [
        {"run": f"r{n}", "rounds": [0], "identity": generator(model)} for n, model in enumerate(["embedded", "a/open"])
    ]
    assert {origin.licence for origin in found(tmp_path, {}, merged=parts)} == {"Apache-2.0", "mit"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read"),
        (": [", "cannot be read"),
        ("", "is not the config of a run"),
        ("[1]", "is not the config of a run"),
        ("{}", "is not the config of a run"),
        ("generators: []", "is not the config of a run"),
        ("generators: 3", "is not the config of a run"),
        ("generators: [{engine: vllm}]", "is not the config of a run"),
        ("generators: [{name: g}]", "is not the config of a run"),
        ("generators: [g]", "is not the config of a run"),
        ("{generators: [{name: g, engine: vllm}], library: [{kind: new}]}", "is not the config of a run"),
        ("{generators: [{name: g, engine: vllm}], library: {}, judge: {model: m}}", "is not the config of a run"),
    ],
)
def test_a_config_that_names_no_origins(tmp_path: Path, text: str | None, said: str) -> None:
    run = RunDir(tmp_path / "run")
    run.update_manifest(kind="run")
    if text is not None:
        write_text(run.config_path, text)
    with pytest.raises(InputError, match=rf"config\.yaml: {said}"):
        config_of(run)


# What is told


def test_words() -> None:
    said = Licences.parse(["cc-by-4.0", "g=mit", "my source = a b"])
    assert said.own == "cc-by-4.0"
    assert said.told == {"g": "mit", "my source": "a b"}


@pytest.mark.parametrize("word", ["g=", "=mit", "", "g=unknown", "Other"])
def test_bad_words(word: str) -> None:
    with pytest.raises(InputError, match="names no licence"):
        Licences.parse([word])


@pytest.mark.parametrize("words", [["mit", "gpl-3.0"], ["g=mit", "g=gpl-3.0"]])
def test_two_licences_for_one(words: list[str]) -> None:
    with pytest.raises(InputError, match="has two licences"):
        Licences.parse(words)


@pytest.mark.parametrize("name", ["g", "m"])
def test_what_is_told_wins(tmp_path: Path, name: str) -> None:
    origin = one(tmp_path, generator("m"), told={name: "acme-1"})
    assert (origin.licence, origin.by) == ("acme-1", "told by the publisher")


def test_what_is_not_known_is_refused_with_the_words_that_mend_it(tmp_path: Path) -> None:
    config = {**generator("a/closed"), "library": [BUILTIN, {"kind": "dataset", "path": "x.jsonl"}]}
    with pytest.raises(InputError) as error:
        Licences.parse([]).check(found(tmp_path, config))
    assert "the licence of the generator g is not known (nobody knows a/closed)" in error.value.message
    assert "the licence of the source x.jsonl is not known" in error.value.message
    assert "the data set's own licence is yours to say; under Apache-2.0 is what is in it" in error.value.message
    assert error.value.mend == "say it: --license g=LICENCE --license x.jsonl=LICENCE --license LICENCE"


def test_a_judge_without_a_licence_is_no_fault(tmp_path: Path) -> None:
    config = {**generator("embedded"), "judge": {"engine": "openai", "model": "m"}}
    assert Licences.parse(["mit"]).check(found(tmp_path, config)) == "mit"


def test_a_name_that_the_run_does_not_have(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no model or source 'embeded'; did you mean 'embedded'\?"):
        Licences.parse(["mit", "embeded=mit"]).check(found(tmp_path, generator("embedded")))


# What binds


@pytest.mark.parametrize(
    ("licence", "words"),
    [
        ("llama3", "forbids to improve with its outputs any"),
        ("meta-llama-3-community", "forbids to improve"),
        ("Llama3.1", "begins with"),
        ("llama-3.3", 'begins with "Llama".'),
        ("llama4", "begins with"),
        ("gemma", "derivative"),
        ("cc-by-nc-4.0", "commercial"),
        ("cc-by-nc-nd-4.0", "adapted versions"),
        ("cc-by-sa-4.0", "same licence"),
        ("agpl-3.0", "with its source"),
        ("openrail++", "trained on outputs"),
        ("bigcode-openrail-m", "use restrictions"),
        ("Acme Non-Commercial", "commercial"),
    ],
)
def test_restrictions(licence: str, words: str) -> None:
    assert words in restriction(licence)


@pytest.mark.parametrize("licence", ["mit", "apache-2.0", "Apache 2.0", "cc-by-4.0", "cc0-1.0", "bsd-3-clause", "acme"])
def test_none_that_is_known(licence: str) -> None:
    assert restriction(licence) == ""


def test_the_head_of_a_card() -> None:
    assert head_of("CC-BY-4.0") == {"license": "cc-by-4.0"}
    assert head_of("Acme Terms 2") == {"license": "other", "license_name": "acme-terms-2"}
    assert {"apache-2.0", "mit", "cc-by-4.0", "llama3.1", "gemma"} <= HUB_IDS
