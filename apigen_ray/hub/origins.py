"""What the rows of a run come from: models and API sources, each with the licence that can be known of it."""

import importlib.metadata
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from apigen_ray.engines.embedded import EMBEDDED
from apigen_ray.errors import InputError, LibraryError
from apigen_ray.library import BUILTIN
from apigen_ray.library.documents import read_openapi
from apigen_ray.library.prepared import LibraryDir
from apigen_ray.records import Json
from apigen_ray.rundir import RunDir
from apigen_ray.storage import as_path, read_text

Found = tuple[str | None, str]
"""A licence, or None, and who says so, or why nobody does."""

Lookup = Callable[[str], Found]
"""The licence that the Hub's card of a model names."""

OURS = "Apache-2.0"
"""Of this project, and of the embedded model."""

FAKE = "a scripted FAKE of apigen-ray: no model has written a word"
"""What a model of the scripted engine is."""

EMBEDDED_CARD = "HuggingFaceTB/SmolLM2-135M-Instruct"

_distributions = cache(importlib.metadata.packages_distributions)  # reads the files of every package

UNTOLD = ("other", "unknown", "")
"""What stands for a licence and names none."""

_SOURCES = {
    "python": "Python functions",
    "openapi": "operations of an OpenAPI document",
    "rapidapi": "tools of RapidAPI",
    "mcp": "tools of an MCP server",
    "dataset": "tools of a data set",
    "prepared": "a prepared library",
}


@dataclass(frozen=True)
class Origin:
    """A model or a source.

    Attributes:
        role: ``generator``, ``writer`` (of a prepared library's descriptions), ``source``, ``records``, ``judge``.
        name: what ``--license NAME=LICENCE`` calls it.
        what: the model or the kind of source, in words.
        licence: None where it is not known.
        by: who says so, or why nobody does.
        also: another name that it may be called by.
    """

    role: str
    name: str
    what: str
    licence: str | None
    by: str
    also: str = ""

    @property
    def published(self) -> bool:
        """Whether something of it is in the rows: of a judge no word is."""
        return self.role != "judge"

    @property
    def names(self) -> set[str]:
        """The names that ``--license`` may call it by."""
        return {self.name, self.also or self.name}


def config_of(run: RunDir) -> Json:
    """The resolved config of a run, or of the runs that were merged.

    Raises:
        InputError: it is lost or cannot be read, or does not say what the rows come from.
    """
    manifest = run.manifest()
    if merged := manifest.get("merged"):
        return {"merged": [{"run": part["run"], "rounds": part["rounds"], **part["identity"]} for part in merged]}
    try:
        value: Json = yaml.safe_load(read_text(run.config_path))
    except (FileNotFoundError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"{run.config_path}: cannot be read ({error})", "it says what the rows come from") from error
    if not _says_origins(value, judged=manifest.get("kind") == "verify"):
        raise InputError(f"{run.config_path}: is not the config of a run", "it says what the rows come from")
    return value


def _says_origins(config: Any, *, judged: bool) -> bool:
    """Whether a config names models and sources as one of ours does: a person may have had it in their hands."""
    if not isinstance(config, dict):
        return False
    generators, library = config.get("generators", []), config.get("library") or []
    if not (isinstance(generators, list) and isinstance(library, list) and (generators or judged)):
        return False
    models = [*generators, *([config["judge"]] if config.get("judge") else [])]
    named = all(isinstance(each, dict) and "engine" in each for each in models) and all("name" in g for g in generators)
    return named and all(isinstance(each, dict) and each.get("kind") in _SOURCES for each in library)


def origins(run: RunDir, config: Json, told: Mapping[str, str], lookup: Lookup) -> list[Origin]:
    """Every model and source of a run, each once.

    Args:
        run: the run.
        config: as `config_of` gives it.
        told: licences by name; they win over what is found.
        lookup: of models of the Hub.
    """
    found: dict[Origin, None] = {}  # a set in order
    for part in config.get("merged", [config]):
        for origin in _origins(part, run.manifest(), lookup):
            said = told.get(origin.name, told.get(origin.also))
            found[replace(origin, licence=said, by="told by the publisher") if said else origin] = None
    return list(found)


def _origins(config: Json, manifest: Json, lookup: Lookup) -> Iterator[Origin]:
    for generator in config.get("generators", ()):
        yield _model("generator", generator["name"], generator, lookup)
    if manifest.get("input"):
        yield Origin("records", _last(manifest["input"]), "records that others wrote", None, "no file says it")
    for source in config.get("library") or ():
        yield from _sources(source, lookup)
    if judge := config.get("judge"):
        yield _model("judge", "judge", judge, lookup)


def _model(role: str, name: str, spec: Json, lookup: Lookup) -> Origin:
    engine, model = str(spec["engine"]), str(spec.get("model", ""))
    if engine == "scripted":
        return Origin(role, name, FAKE, OURS, "this project")
    if engine == "vllm" and model == EMBEDDED:
        return Origin(role, name, EMBEDDED_CARD, OURS, "the package of its weights", model)
    if engine == "vllm" and "://" not in model and Path(model).is_dir():
        return Origin(role, name, f"{_last(model)}, a model of a folder", *_folder_card(Path(model)), _last(model))
    if engine == "vllm" and "://" not in model and model.count("/") == 1:
        return Origin(role, name, model, *lookup(model), model)
    why = "a server can call any model by that name" if engine == "openai" else "nothing beside its weights says it"
    what = _last(model) if "://" in model or model.startswith(("/", "~", ".")) else model
    return Origin(role, name, what, None, why, model)


def _folder_card(folder: Path) -> Found:
    """The licence that a model's folder names in the head of its README.md."""
    try:
        text = (folder / "README.md").read_text("utf-8")
        head = yaml.safe_load(text.split("---")[1]) if text.startswith("---") else None
    except (OSError, UnicodeDecodeError, yaml.YAMLError, IndexError):
        head = None
    return card_licence(head if isinstance(head, dict) else {}, "the head of its README.md")


def card_licence(head: Mapping[str, Any], where: str) -> Found:
    """The licence in the head of a card; ``other`` counts with its name only."""
    said = head.get("license")
    words = [str(word) for word in (said if isinstance(said, list) else [said] if said else [])]
    words = [str(head.get("license_name") or "") if word.lower() in UNTOLD else word for word in words]
    return (", ".join(words), where) if words and all(words) else (None, f"{where} names none")


def _sources(source: Json, lookup: Lookup) -> Iterator[Origin]:
    kind, path = source["kind"], str(source.get("path") or "")
    if kind == "prepared":
        yield from _prepared(path, lookup)
        return
    module = str(source.get("module") or "")
    found: Found = (None, "nothing in it says it")
    if kind == "python":
        found = _python(module)
    elif kind == "openapi":
        found = _openapi(path)
    yield Origin("source", module or _last(path), _SOURCES[kind], *found)


def _prepared(path: str, lookup: Lookup) -> Iterator[Origin]:
    """The sources of a prepared library, and the model that wrote descriptions for it."""
    given: dict[tuple[str, str], None] = {}
    writers: dict[str, None] = {}
    try:
        for table in LibraryDir(as_path(path)).read(["given", "kind", "describe"]):
            for row in table.to_pylist():
                given[row["given"], row["kind"]] = None
                if row["describe"] and row["describe"]["text"]:
                    writers[row["describe"]["model"]] = None
    except LibraryError as error:
        yield Origin("source", _last(path), _SOURCES["prepared"], None, f"it is not there any more: {error.message}")
        return
    for name, kind in given:
        key = "module" if kind == "python" and ("/" not in name and not name.endswith(".py")) else "path"
        module = BUILTIN.module if name == "builtin" else name
        yield from _sources({"kind": kind, key: module if key == "module" else name}, lookup)
    for model in writers:
        found: Found = (OURS, "the package of its weights") if model == EMBEDDED else (None, "the library says none")
        what = EMBEDDED_CARD if model == EMBEDDED else f"{_last(model)}, which wrote descriptions of functions"
        yield Origin("writer", _last(model), what, *found, model)


def _python(module: str) -> Found:
    if not module:
        return None, "a file of functions does not say it"
    if f"{module}.".startswith(f"{BUILTIN.module}."):
        return OURS, "this project"
    for name in _distributions().get(module.partition(".")[0], ()):
        facts = importlib.metadata.metadata(name).json  # keys that are not there have no word for it but this
        said = str(facts.get("license_expression") or facts.get("license") or "")
        if said and "\n" not in said and said.lower() not in UNTOLD:
            return said, f"the package {name}"
    return None, "no installed package says it"


def _openapi(path: str) -> Found:
    if "://" in path:
        return None, "its document was fetched, and is not kept"
    try:
        info = read_openapi(Path(path))[1].get("info")
    except LibraryError:
        return None, "the document is not there any more"
    said = info.get("license") if isinstance(info, dict) else None
    name = (said.get("identifier") or said.get("name")) if isinstance(said, dict) else None
    return (str(name), "its info.license") if name else (None, "its document has no info.license")


def _last(path: str) -> str:
    """The last part of a path or an address: what is before it may name a machine, and a query may hold a key."""
    if "://" in path:
        path = re.sub(r"^\w*://([^/]*@)?|[?#].*", "", path)
    return path.rstrip("/").rpartition("/")[2] or path
