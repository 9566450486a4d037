"""The built-in functions, their lexicons and the seeds: documented, executable and true to each other."""

import doctest
import importlib
import inspect
import json
import pkgutil
import random
import re
import typing
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from apigen_ray.library import functions, load_library
from apigen_ray.library.python import PythonSource
from apigen_ray.sampling.lexicons import OUR_LEXICONS, lexicon_files, load_lexicons
from apigen_ray.sampling.seeds import OUR_SEEDS, PLAIN_SEEDS, load_seeds
from apigen_ray.sampling.values import Arguments

PAPER_CATEGORIES = set(
    "Business Commerce Communication Data Education Entertainment Environment Finance Gaming Health Lifestyle Math "
    "Media Music Other Science Social Sports Technology Tools Travel".split()
)
PLAIN_MODULES = set(
    "calendar collections datetime decimal fractions itertools math re statistics string textwrap typing".split()
)
DRAWS = 100

MODULES = [
    importlib.import_module(f"{functions.__name__}.{info.name}") for info in pkgutil.iter_modules(functions.__path__)
]
FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(module, name) for module in MODULES for name in module.__all__
}
LIBRARY = load_library([PythonSource(module=functions.__name__)])
APIS = {api.name: api for api in LIBRARY.apis}
LEXICONS = load_lexicons(lexicon_files())
SEEDS = load_seeds(OUR_SEEDS, LIBRARY.apis)
PLAIN = load_seeds(PLAIN_SEEDS, LIBRARY.apis)


def parameters(name: str) -> list[inspect.Parameter]:
    return list(inspect.signature(FUNCTIONS[name]).parameters.values())


def is_enum(annotation: Any) -> bool:
    return annotation is bool or typing.get_origin(annotation) is typing.Literal


def is_scalar_or_short_list(annotation: Any) -> bool:
    return annotation in (int, float, str) or is_enum(annotation) or annotation in (list[int], list[float], list[str])


def returns_record(name: str) -> bool:
    annotation = inspect.signature(FUNCTIONS[name]).return_annotation
    return typing.is_typeddict(annotation) or typing.get_origin(annotation) is dict


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_module_is_documented_and_its_examples_hold(module: ModuleType) -> None:
    assert module.CATEGORY in PAPER_CATEGORIES
    assert module.__name__.rpartition(".")[2].removesuffix("s") == module.CATEGORY.lower().removesuffix("s")
    outcome = doctest.testmod(module)
    assert outcome.failed == 0
    assert outcome.attempted >= len(module.__all__)
    imported = set(re.findall(r"^(?:from|import) (\w+)", inspect.getsource(module), re.MULTILINE))
    assert imported <= PLAIN_MODULES
    own = inspect.getmembers(module, lambda value: inspect.isfunction(value) and value.__module__ == module.__name__)
    assert {name for name, _ in own if not name.startswith("_")} == set(module.__all__)


def test_there_are_as_many_of_each_kind_as_promised() -> None:
    assert len(FUNCTIONS) == sum(len(module.__all__) for module in MODULES) >= 210  # no two modules share a name
    assert {module.CATEGORY for module in MODULES} == PAPER_CATEGORIES
    assert len(MODULES) == len(PAPER_CATEGORIES)
    assert min(len(module.__all__) for module in MODULES) >= 10
    counts = Counter[str]()
    for name in FUNCTIONS:
        own = parameters(name)
        counts["several"] += len(own) > 1
        counts["choice"] += any(p.default is not p.empty or is_enum(p.annotation) for p in own)
        counts["record"] += returns_record(name)
        counts["plain"] += all(is_scalar_or_short_list(p.annotation) for p in own if p.default is p.empty)
    assert counts["several"] >= 40
    assert counts["choice"] >= 25
    assert counts["record"] >= 18
    assert counts["plain"] >= 60


def test_the_python_source_reads_every_function() -> None:
    assert not LIBRARY.rejects
    assert set(APIS) == set(FUNCTIONS)
    assert {api.category for api in LIBRARY.apis} == {module.CATEGORY for module in MODULES}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_documents_itself_and_every_parameter(name: str) -> None:
    doc = inspect.getdoc(FUNCTIONS[name]) or ""
    assert re.match(r"[A-Z][^\n]{20,}\.\n", doc), "the first line is one sentence"
    assert "Returns:\n" in doc
    assert f">>> {name}(" in doc or f"{name}(" in doc.partition(">>>")[2]
    raises = "raise ValueError" in inspect.getsource(FUNCTIONS[name]) or "fromisoformat" in inspect.getsource(
        FUNCTIONS[name]
    )
    assert not raises or "Raises:\n    ValueError: " in doc
    properties = APIS[name].parameters["properties"]
    assert list(properties) == [parameter.name for parameter in parameters(name)]
    for parameter, schema in properties.items():
        assert len(schema["description"]) > 8, parameter


def test_every_open_parameter_has_a_lexicon_and_every_lexicon_a_parameter() -> None:
    wanted = {(name, p.name): p for name in FUNCTIONS for p in parameters(name)}
    for (name, parameter), p in wanted.items():
        if not is_enum(p.annotation):
            assert f"{name}.{parameter}" in LEXICONS or parameter in LEXICONS, f"{name}.{parameter}"
    users = Counter(parameter for name, parameter in wanted if f"{name}.{parameter}" not in LEXICONS)
    for key in LEXICONS:
        function, dot, parameter = key.partition(".")
        if dot:
            assert (function, parameter) in wanted, key
        else:
            assert users[key] >= 2, f"{key}: a bare name is for a parameter that functions share"


def test_no_lexicon_key_is_written_twice() -> None:
    keys = [
        line.partition(":")[0]
        for path in lexicon_files()
        for line in path.read_text("utf-8").splitlines()
        if re.match(r"\w", line)
    ]
    assert sorted(keys) == sorted(LEXICONS)
    for path in OUR_LEXICONS.iterdir():
        assert path.suffix == ".yaml"
        assert isinstance(yaml.safe_load(path.read_text("utf-8")), dict)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arguments_drawn_from_the_lexicons_execute(name: str) -> None:
    draw, rng = Arguments(APIS[name], LEXICONS), random.Random(name)
    failures = []
    for _ in range(DRAWS):
        arguments = draw.draw(rng)
        assert arguments is not None
        try:
            json.dumps(FUNCTIONS[name](**arguments), allow_nan=False)
        except ValueError as error:
            failures.append((arguments, str(error)))
    assert not failures


def test_results_do_not_depend_on_the_call_before() -> None:
    for name, function in FUNCTIONS.items():
        arguments = Arguments(APIS[name], LEXICONS).draw(random.Random(7))
        before = json.dumps(arguments)
        assert function(**arguments) == function(**json.loads(before)), name
        assert json.dumps(arguments) == before, f"{name} changes its arguments"


def test_seeds_are_many_and_different() -> None:
    styles = Counter(str(seed.style) for seed in SEEDS)
    assert min(styles[style] for style in ("simple", "multiple", "parallel", "parallel_multiple")) >= 12
    assert styles["irrelevance"] >= 6
    queries = [re.sub(r"\W+", " ", seed.query.lower()).strip() for seed in SEEDS]
    assert len(set(queries)) == len(queries)
    assert len({call.name for seed in SEEDS for call in seed.answers}) >= 40


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.seed_id[:8])
def test_seed_is_of_its_style_and_executes(seed: Any) -> None:
    offered, called = [tool["name"] for tool in seed.tools], [call.name for call in seed.answers]
    assert set(called) <= set(offered)
    shape = {
        "simple": len(offered) == 1 and len(called) == 1,
        "multiple": len(offered) > 1 and len(called) == 1,
        "parallel": len(offered) == 1 and len(called) > 1,
        "parallel_multiple": len(offered) > len(set(called)) > 1,
        "irrelevance": bool(offered) and not called,
    }
    assert shape[str(seed.style)]
    for call in seed.answers:
        json.dumps(FUNCTIONS[call.name](**call.arguments), allow_nan=False)
        defaults = {p.name: p.default for p in parameters(call.name)}
        assert all(
            defaults[key] is inspect.Parameter.empty or defaults[key] != value for key, value in call.arguments.items()
        )


def test_plain_seeds_ask_for_what_their_function_is_called() -> None:
    assert {str(seed.style) for seed in PLAIN} == {"simple", "multiple", "parallel", "parallel_multiple"}
    for seed in PLAIN:
        asked = set(re.findall(r"\w+", seed.query.lower()))
        for call in seed.answers:
            assert asked & (set(call.name.split("_")) - {"is", "of", "to"}), seed.query


@pytest.mark.parametrize("seed", [*SEEDS, *PLAIN], ids=lambda seed: seed.seed_id[:8])
def test_seed_query_holds_the_numbers_and_names_of_its_answers(seed: Any) -> None:
    text = re.sub(r"(?<=\d),(?=\d{3})", "", seed.query.lower())
    words = {"two": 2, "six": 6, "minus 12": -12}
    numbers = {float(n) for n in re.findall(r"(?<![\w.])\d+(?:\.\d+)?", text)} | {
        n for w, n in words.items() if w in text
    }
    for call in seed.answers:
        for value in call.arguments.values():
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, int | float):
                    assert item in numbers, item
                else:
                    assert item.lower() in text, item


def test_the_package_holds_no_path_of_a_machine() -> None:
    for path in [*Path(functions.__path__[0]).glob("*.py"), *lexicon_files(), OUR_SEEDS, PLAIN_SEEDS]:
        assert not re.search(r"/(?:work|root|home)/", path.read_text("utf-8")), path.name
