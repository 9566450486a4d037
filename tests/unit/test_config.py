"""The run file: what is meant is understood, what cannot be meant is refused with the field and the mend."""

import json
from pathlib import Path
from typing import Any

import pytest

from apigen_ray.config import differences, dump_config, load_config, parse_config
from apigen_ray.errors import ConfigError
from apigen_ray.job.library_spec import PrepareSpec
from apigen_ray.job.verify import VerifySpec
from apigen_ray.sections import nearest

Json = dict[str, Any]

VLLM: Json = {"engine": "vllm", "model": "org/small"}
OPENAI: Json = {"engine": "openai", "model": "m", "base_url": "http://one.example/v1"}
SMOKE: Json = {"kind": "python", "path": "jobs/smoke_functions.py"}
BASE: Json = {"name": "x", "library": [SMOKE], "generators": [VLLM], "judge": VLLM}


def changed(**changes: Any) -> Json:
    return {key: value for key, value in (BASE | changes).items() if value is not None}


def refused(value: Json) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_config(value, "run.yaml")
    assert str(caught.value).startswith("run.yaml: ")
    assert caught.value.mend
    return str(caught.value)


# What is refused


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"sise": 5}, "sise: unknown key; did you mean 'size'?"),
        ({"sampling": {"stiles": {"simple": 1}}}, "sampling.stiles: unknown key; did you mean 'styles'?"),
        ({"generators": [VLLM | {"modle": "x"}]}, "generators.0.modle: unknown key; did you mean 'model'?"),
        (
            {"generators": [VLLM, {"engine": "openai", "model": "m", "base_ulr": "http://h/v1"}]},
            "generators.1.base_ulr: unknown key; did you mean 'base_url'?",
        ),
        ({"generators": [VLLM | {"nmae": "x"}]}, "generators.0.nmae: unknown key; did you mean 'name'?"),
        ({"judge": {"engine": "scripted", "fault": {}}}, "judge.fault: unknown key; did you mean 'faults'?"),
        ({"execution": {"timeout": 1}}, "execution.timeout: unknown key; did you mean 'timeout_s'?"),
        ({"output": {"directory": "x"}}, "output.directory: unknown key; did you mean 'dir'?"),
        (
            {"judge": VLLM | {"price_per_mil": {}}},
            "judge.price_per_mil: unknown key; did you mean 'price_per_million'?",
        ),
        ({"limits": {"max_costs": 1}}, "limits.max_costs: unknown key; did you mean 'max_cost'?"),
        ({"limits": {"max_tokens": 0}}, "limits.max_tokens: "),
        ({"limits": {"max_cost": 5}}, "limits.max_cost needs prices, and generators: small has no price_per_million"),
        (
            {"limits": {"max_cost": 5}, "generators": [VLLM | {"price_per_million": {"prompt": 0, "completion": 0}}]},
            "limits.max_cost needs prices, and judge has no price_per_million",
        ),
        ({"semantic": {"check": ["judge"]}}, "semantic.check: unknown key; did you mean 'checks'?"),
        ({"zzzz": 1}, "zzzz: unknown key"),
        ({"size": 0}, "size: "),
        ({"size": "many"}, "size: "),
        ({"rounds": 0}, "rounds: "),
        ({"name": "../up"}, "name: '../up' cannot be the name of a run's folder\n  mend: write letters, digits"),
        ({"name": ""}, "name: "),
        ({"library": None}, "library: is required\n  mend: add it"),
        ({"generators": []}, "generators: needs at least 1 in its list"),
        ({"generators": None}, "generators: is required"),
        (
            {"generators": [{"engine": "vlm", "model": "x"}]},
            "generators.0: there is no engine 'vlm'; did you mean 'vllm'?",
        ),
        ({"generators": [{"model": "x"}]}, "generators.0: `engine` is required"),
        ({"generators": VLLM}, "generators: needs a list"),
        ({"sampling": ["simple"]}, "sampling: needs `key: value` pairs"),
        ({"generators": [OPENAI | {"api_key_env": "sk-1"}]}, "generators.0.api_key_env: is not of the form ^[A-Za-z_]"),
        ({"generators": [VLLM, VLLM]}, "generators: two are called 'small'\n  mend: give each a name of its own"),
        ({"judge": None}, "semantic.checks asks for judge, but there is no section `judge`"),
        ({"judge": None}, "mend: add it, for example `judge: {engine: vllm, model: owner/name}`"),
        ({"judge": None, "semantic": {"checks": ["roundtrip"]}}, "semantic.checks asks for roundtrip"),
        ({"stages": ["format", "gronding"]}, "stages: there is no 'gronding'; did you mean 'grounding'?"),
        ({"stages": ["execution", "semantic"]}, "stages: format is needed: the other stages read what it takes apart"),
        ({"stages": []}, "stages: format is needed"),
        ({"sampling": {"styles": {"simpel": 1}}}, "sampling.styles"),
        (
            {
                "library": [{"kind": "python", "path": "a.py"}, {"kind": "python", "path": "b.py", "trust": "trusted"}],
                "execution": {"clock": "frozen"},
            },
            "execution.clock: frozen cannot hold for library.1",
        ),
    ],
)
def test_what_cannot_be_meant_is_named(changes: Json, says: str) -> None:
    assert says in refused(changed(**changes))


def test_every_fault_is_told_at_once() -> None:
    text = refused(changed(sise=1, rounds=0, execution={"timout_s": 1}))
    assert [line.split(":")[0].strip() for line in text.splitlines()[1:]] == [
        "rounds",
        "execution.timout_s",
        "sise",
        "mend",
    ]


def test_nearest_says_nothing_where_nothing_is_near() -> None:
    assert nearest("qqqq", ["size", "seed"]) == ""


# What is understood


def test_a_generator_is_called_by_its_model_where_it_has_no_name() -> None:
    config = parse_config(changed(generators=[VLLM, {"name": "mine"} | VLLM, {"engine": "scripted"}]))
    assert [generator.name for generator in config.generators] == ["small", "mine", "scripted"]


@pytest.mark.parametrize(
    "changes",
    [
        {"judge": None, "stages": ["format", "execution"]},
        {"judge": None, "semantic": {"checks": ["wording", "originality"]}},
    ],
)
def test_where_nobody_is_asked_no_judge_is_needed(changes: Json) -> None:
    assert parse_config(changed(**changes)).judge is None


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[2] / "jobs").glob("*.yaml")), ids=lambda path: path.stem
)
def test_our_recipes_are_understood_and_written_back_whole(path: Path, tmp_path: Path) -> None:
    config = load_config(path)
    again = tmp_path / "config.yaml"
    again.write_text(dump_config(config), "utf-8")
    assert load_config(again) == config
    assert load_config(again).fingerprint() == config.fingerprint()


# --set


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(json.dumps(changed(name=None)), "utf-8")  # JSON is YAML
    return path


def test_a_run_is_called_by_its_file(file: Path) -> None:
    assert load_config(file).name == "mine"


@pytest.mark.parametrize(
    ("setting", "key", "value"),
    [
        ("size=5", "size", 5),
        ("output.dir=a=b", "output.dir", "a=b"),
        ("execution.timeout_s=0.5", "execution.timeout_s", 0.5),
        ("output.dir=/tmp/a b", "output.dir", "/tmp/a b"),  # noqa: S108  nothing is written there
        ("generators.0.model=org/large", "generators.0.model", "org/large"),
        ("sampling.styles={simple: 2}", "sampling.styles.simple", 2.0),
        ("stages=[format]", "stages", ["format"]),
        ("sampling.mode=call_first", "sampling.mode", "call_first"),
        ("generators.0={engine: scripted, seed: 3}", "generators.0.seed", 3),
        ("library.0.path=other.py", "library.0.path", "other.py"),
    ],
)
def test_a_key_is_set_from_the_command_line(file: Path, setting: str, key: str, value: Any) -> None:
    form: Any = load_config(file, [setting]).model_dump(mode="json")
    for part in key.split("."):
        form = form[int(part) if isinstance(form, list) else part]
    assert form == value


def test_the_last_setting_wins(file: Path) -> None:
    assert load_config(file, ["size=5", "size=6", "judge.sampling.temperature=0"]).size == 6


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("size", "--set size: not of the form a.b=c"),
        ("=5", "--set =5: not of the form a.b=c"),
        ("size=[", "--set size=[: not YAML"),
        ("generators.1.model=x", "'1' is not one of the 1 items"),
        ("generators.first.model=x", "'first' is not one of the 1 items"),
        ("generators.1=x", "'1' is not one of the 1 items"),
        ("sise=5", "sise: unknown key; did you mean 'size'?"),
        ("sampling.apis=[4, 2]", "sampling.apis: "),
        ("execution.=5", "execution"),
        ("size={a: 1, a: 2}", "the key 'a' stands twice"),
        ("generators.0.sampling.stop=1", "mine.yaml with generators.0.sampling.stop=1: generators.0.sampling.stop: "),
    ],
)
def test_a_setting_that_cannot_be_meant_is_named(file: Path, setting: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(file, [setting])
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (["size=0"], "with size=0: size: "),
        (["semantic.checks=[judge]", "judge=null"], "with semantic.checks=[judge] judge=null: semantic.checks asks"),
    ],
)
def test_a_file_that_is_right_is_not_to_blame_for_a_setting(file: Path, settings: list[str], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(file, settings)
    assert str(caught.value).startswith(f"{file} {says}")
    file.write_text(json.dumps(changed(rounds=0)))
    with pytest.raises(ConfigError) as caught:
        load_config(file, ["size=5"])
    assert str(caught.value).startswith(f"{file}: rounds: ")


def test_an_item_that_has_no_keys_is_named(file: Path) -> None:
    file.write_text(json.dumps(changed(stages=["format"])))
    with pytest.raises(ConfigError, match="there are no keys in 'format'"):
        load_config(file, ["stages.0.x=1"])


@pytest.mark.parametrize(
    ("twice", "says"),
    [
        ("size: 100\nseed: 1\nsize: 7\n", "line 3: the key 'size' stands twice, first in line 1"),
        ("'size': 100\nsize: 7\n", "line 2: the key 'size' stands twice, first in line 1"),
        ("sampling: {pairs: 1, mode: call_first, pairs: 2}\n", "line 1: the key 'pairs' stands twice, first in line 1"),
        ("semantic:\n  checks: []\nsize: 1\nsemantic:\n  checks: []\n", "line 4: the key 'semantic' stands twice"),
        ("generators:\n  - engine: vllm\n    model: a\n    model: b\n", "line 4: the key 'model' stands twice"),
    ],
)
def test_a_key_that_stands_twice_is_refused_in_every_file_of_sections(tmp_path: Path, twice: str, says: str) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text(twice, "utf-8")
    for read in (load_config, VerifySpec.load, PrepareSpec.load):
        with pytest.raises(ConfigError) as caught:
            read(path)
        assert caught.value.message.startswith(f"{path}: {says}")
        assert caught.value.mend == "keep one of the two"


def test_keys_that_are_merged_in_stand_once(tmp_path: Path) -> None:
    path = tmp_path / "merged.yaml"
    path.write_text(
        "library: [{kind: python, path: a.py}]\n"
        "generators:\n  - &one {engine: scripted, seed: 1}\n"
        "  - {name: two, <<: *one, seed: 2}\n  - {<<: *one, name: three}\n"
        "judge: *one\n"
    )
    config = load_config(path)
    assert [(each.name, each.spec.seed) for each in config.generators] == [("scripted", 1), ("two", 2), ("three", 1)]
    assert config.judge.spec.seed == 1


def test_what_is_set_in_one_place_is_not_set_in_another_that_shares_it(tmp_path: Path) -> None:
    path = tmp_path / "shared.yaml"
    path.write_text(
        "library: [{kind: python, path: a.py}]\n"
        "generators:\n  - &one {engine: scripted, faults: &faults {cut_off: 0.5}}\n  - {<<: *one, name: two}\n"
        "  - {engine: scripted, name: three, faults: *faults}\njudge: {engine: scripted}\n"
    )
    config = load_config(path, ["generators.1.faults.cut_off=0.25"])
    assert [each.spec.faults["cut_off"] for each in config.generators] == [0.5, 0.25, 0.5]


def test_aliases_of_aliases_cost_nothing(tmp_path: Path) -> None:
    lines = ["x0: &x0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 30)]  # 9 ** 30 leaves
    path = tmp_path / "laughs.yaml"
    path.write_text("\n".join(lines))
    with pytest.raises(ConfigError, match="x29"):
        load_config(path)
    path.write_text("name: &a [*a]\n")
    with pytest.raises(ConfigError, match="name"):
        load_config(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [("name: 2024-01-32\n", "looks like a date"), ("name: " + "[" * 3000, "nested too deeply"), ("a: [", "not YAML")],
)
def test_what_yaml_stumbles_over_is_told(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "day.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=rf"day\.yaml: {says}"):
        load_config(path)


@pytest.mark.parametrize("content", ["openapi: 3.1.0\npaths: {}", "swagger: '2.0'\nname: x"])
def test_a_document_of_tools_is_no_run_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"is an OpenAPI document.*\n.*apigen init .*shop\.yaml"):
        load_config(path)


def test_what_is_neither_a_file_nor_sections_is_named() -> None:
    with pytest.raises(ConfigError, match="config: int is neither a run file nor sections"):
        load_config(42)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a: [", "not YAML"),
        (b"- a\n- b", "the file holds a list"),
        (b"", "the file holds nothing"),
        (b"name: \xff", "not UTF-8 text"),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_no_run_file_is_named(tmp_path: Path, content: bytes | None, says: str) -> None:
    path = tmp_path / "run.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(path) in str(caught.value)
    assert says in str(caught.value)


# What a run directory may be shared by


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"size": 7},
        {"rounds": 3},
        {"output": {"dir": "elsewhere"}},
        {"execution": {"workers": 4}},
        {"generators": [OPENAI | {"base_url": "http://two.example/v1", "concurrency": 2}]},
        {"generators": [OPENAI | {"price_per_million": {"prompt": 1, "completion": 2}, "tokens_per_second": 9}]},
        {"judge": OPENAI | {"max_retries": 1}},
        {"judge": OPENAI | {"price_per_million": {"prompt": 1, "completion": 2}}},
        {"limits": {"max_tokens": 9, "max_hours": 1, "stall_minutes": 1, "grace_s": 0}},
    ],
)
def test_what_cannot_change_a_row_is_not_in_the_fingerprint(changes: Json) -> None:
    one = changed(generators=[OPENAI], judge=OPENAI)
    assert parse_config(one | changes).fingerprint(library="d") == parse_config(one).fingerprint(library="d")


def test_a_limit_on_the_cost_takes_prices_of_all_that_is_asked() -> None:
    priced = VLLM | {"price_per_million": {"prompt": 1, "completion": 2}}
    config = parse_config(changed(generators=[priced], judge=priced, limits={"max_cost": 5}))
    assert config.generators[0].price_per_million == config.judge.price_per_million
    assert config.judge.price_per_million.of(3_000_000, 500_000) == 4
    assert config.judge.model_dump(mode="json") == config.judge.spec.model_dump(mode="json") | {
        "price_per_million": {"prompt": 1, "completion": 2}
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"library": [SMOKE, SMOKE | {"path": "other.py"}]},
        {"generators": [OPENAI | {"model": "n"}]},
        {"generators": [{"name": "called"} | OPENAI]},
        {"generators": [OPENAI, VLLM]},
        {"judge": VLLM},
        {"sampling": {"pairs": 1}},
        {"execution": {"timeout_s": 1}},
        {"semantic": {"checks": ["judge", "roundtrip"]}},
        {"stages": ["format"]},
    ],
)
def test_what_can_change_a_row_is_in_the_fingerprint(changes: Json) -> None:
    one = changed(generators=[OPENAI], judge=OPENAI)
    assert parse_config(one | changes).fingerprint(library="d") != parse_config(one).fingerprint(library="d")
    assert parse_config(one).fingerprint(library="e") != parse_config(one).fingerprint(library="d")


def test_differences_name_every_leaf() -> None:
    old = {"a": 1, "b": {"c": [1], "d": {"e": "x"}}, "gone": 1, "same": {"x": 1}}
    new = {"a": 1, "b": {"c": [2], "d": {"e": None}}, "new": {"y": 2}, "same": {"x": 1}}
    assert differences(old, new) == [
        "b.c: [1] -> [2]",
        'b.d.e: "x" -> null',
        "gone: 1 -> null",
        'new: null -> {"y": 2}',
    ]
