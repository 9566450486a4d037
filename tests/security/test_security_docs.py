"""What docs/security.md says is so: its table is made anew, its settings and codes exist."""

import importlib.util
import json
import os
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import hostile
import pytest

from apigen_ray.runners.base import CODES, ExecutionSpec
from apigen_ray.runners.handle import GRACE
from apigen_ray.runners.sandbox import linux, walls
from apigen_ray.runners.sandbox.language.namespaces import NOW
from apigen_ray.runners.sandbox.results import MAX_DEPTH, MAX_INT_BITS, MAX_VALUE

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
ABI = 6
"""Of Landlock: with TCP and with scopes; the kernel that the table was made on has it."""


def _cannot() -> str:
    """Why the table cannot be made here, in words."""
    if linux.machine() != "x86_64":
        return "the table is of x86-64"
    for layer, words in walls.available().items():
        if words.startswith("absent"):
            return f"{layer} {words}"
    return "" if linux.landlock_abi() >= ABI else f"Landlock has ABI {linux.landlock_abi()} here, the table {ABI}"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("attack_table", ROOT / "docs" / "attack_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def printed(generator: ModuleType) -> dict[str, str]:
    """The rows of the page by attack."""
    text = PAGE.partition(generator.BEGIN)[2].partition(generator.END)[0]
    assert text.startswith(generator.HEAD)
    return {line.split(" | ")[0].removeprefix("| "): f"{line}\n" for line in text.splitlines()[2:]}


@pytest.mark.skipif(bool(_cannot()), reason=f"docs/security.md cannot be compared here: {_cannot()}")
def test_the_table_of_attacks_is_what_comes_out(generator: ModuleType) -> None:
    """An outer wall may stop some attacks before ours do: those, and no others, may be missing here."""
    outcomes = generator.outcomes()
    found = generator.rows(outcomes)
    assert len(found) >= 40, f"stopped by something else: {sorted(outcomes.keys() - found.keys())}"
    page = printed(generator)
    assert [name for name in found if page.get(name) != found[name]] == [], "run `make docs`"
    assert page.keys() - found.keys() <= {name for name, row in outcomes.items() if row["none"] != "succeeded"}


def test_every_row_names_a_wall_and_shows_that_it_is_the_one(generator: ModuleType) -> None:
    rows = [line.strip("| \n").split(" | ") for line in printed(generator).values()]
    assert len(rows) >= 40
    for name, _, *alone, every, off in rows:
        stops = [wall for wall, said in zip(generator.NAMES.values(), alone, strict=True) if said != "-"]
        assert off == " and ".join(stops), name
        assert every != "-", name
        assert set(stops) & {"rlimits", "seccomp"}, name
    for wall in generator.NAMES.values():
        assert sum(wall in row[-1] for row in rows) >= 5
    assert {"rlimits", "seccomp"} <= {row[-1] for row in rows}, "each of the mandatory ones is needed alone"


def test_settings_codes_and_figures_are_those_of_the_code() -> None:
    for name in ExecutionSpec.model_fields:
        assert f"`execution.{name}`" in PAGE, name
    for code in CODES:
        assert f"`{code}`" in PAGE, code
    for layer in walls.LAYERS:
        assert f"`{layer}`" in PAGE, layer
    for name, value in walls.Limits(1).values().items():
        assert f"{name} {value}" in PAGE or name == "AS", name
    limits = (f"{MAX_VALUE >> 10} KiB", f"{MAX_DEPTH} deep", f"{MAX_INT_BITS} bits")
    for figure in (*limits, f"{NOW:%Y-%m-%d}", f"{GRACE} times"):
        assert figure in PAGE, figure
    defaults = ExecutionSpec()
    for name in ("timeout_s", "memory_mb", "isolation", "clock"):
        row = re.search(rf"^\| `execution\.{name}` \| `?([^|`]+)`? \|", PAGE, re.MULTILINE)
        assert row is not None, name
        assert row[1].strip() == str(getattr(defaults, name)), name


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_the_reference_is_a_user_without_rights(generator: ModuleType) -> None:
    assert {attack.name for attack in generator.attacks().ATTACKS if attack.needs == "root"}.isdisjoint(
        printed(generator)
    )


REPEATED = """
import datetime, random, time, uuid

def now():
    return [datetime.datetime.now(datetime.timezone.utc), datetime.date.today(), time.time() == time.monotonic()]

def chance(salt):
    return [random.random(), random.Random().random(), random.SystemRandom().random(), uuid.uuid4().hex]

def nap():
    start = time.process_time()
    time.sleep(30)

def order():
    return list({"alpha", "beta", "gamma", "delta", "epsilon"})
"""


def _answers(folder: Path, calls: list[tuple[str, str]], trust: str, **settings: Any) -> list[str]:
    runner = hostile.runner(**settings)
    try:
        outcomes = runner.run([hostile.task(folder, "repeated", entry, text, trust) for entry, text in calls])
    finally:
        runner.close()
    return [outcome.value or outcome.detail for outcome in outcomes]


@pytest.mark.skipif(bool(walls._no_seccomp()), reason=f"no walls: seccomp: {walls._no_seccomp()}")
def test_time_and_chance(tmp_path: Path) -> None:
    (tmp_path / "repeated.py").write_text(REPEATED)
    calls = [("now", "{}"), ("chance", '{"salt": 1}'), ("chance", '{"salt": 2}'), ("nap", "{}"), ("order", "{}")]
    moment, chance, other, nap, order = _answers(tmp_path, calls, "untrusted", clock="frozen")
    assert json.loads(moment) == [NOW.isoformat(), str(NOW.date()), True]
    assert chance != other
    assert nap == "null"
    real = _answers(tmp_path, [*calls[:2], calls[4]], "untrusted", clock="real")
    assert json.loads(real[0])[0] > NOW.isoformat()
    assert real[1:] == [chance, order]
    trusted = _answers(tmp_path, [*calls[:2], calls[4]], "trusted", clock="frozen")
    assert json.loads(trusted[0])[0] > NOW.isoformat()
    assert json.loads(trusted[1])[0] == json.loads(chance)[0]
    assert json.loads(trusted[1])[3] != json.loads(chance)[3]
    assert trusted[2] == order


RETURNED = """
import dataclasses, datetime, decimal, enum, typing
from collections import Counter, OrderedDict, defaultdict

class Unit(enum.Enum):
    FOOT = "ft"

@dataclasses.dataclass
class Point:
    x: float
    unit: Unit

class Pair(typing.NamedTuple):
    left: int
    right: str

def returned():
    return [None, True, "ü", 1.5, 2**1000, [1], (1, 2), {3, 1, 2}, frozenset("ba"), {"b", 1}, {Unit.FOOT: 1},
            OrderedDict(a=1), defaultdict(int, a=1), Counter("a"), Point(1.5, Unit.FOOT), Pair(1, "x"), Unit.FOOT,
            datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 12), datetime.time(12), decimal.Decimal("1.10")]

def refused(which):
    values = [1j, b"", float("nan"), float("inf"), (i for i in ()), returned, object(), {1: 2}, "\\ud800", 2**1025,
              decimal.Decimal("NaN"), range(3)]
    return {"a": [0, values[which]]}

def large():
    return "a" * (256 * 1024)

def deep(depth):
    value = 0
    for _ in range(depth):
        value = [value]
    return value
"""


@pytest.mark.skipif(bool(walls._no_seccomp()), reason=f"no walls: seccomp: {walls._no_seccomp()}")
@pytest.mark.parametrize("trust", ["untrusted", "trusted"])
def test_what_a_result_becomes(trust: str, tmp_path: Path) -> None:
    (tmp_path / "results.py").write_text(RETURNED)
    calls = [("returned", "{}"), ("large", "{}"), ("deep", '{"depth": 64}'), ("deep", '{"depth": 65}')]
    calls += [("refused", json.dumps({"which": which})) for which in range(12)]
    runner = hostile.runner()
    try:
        outcomes = runner.run([hostile.task(tmp_path, "results", entry, text, trust) for entry, text in calls])
    finally:
        runner.close()
    good, large, deep, deeper, *refused = outcomes
    point = {"x": 1.5, "unit": "ft"}
    assert json.loads(good.value or good.detail) == [
        *(None, True, "ü", 1.5, 2**1000, [1], [1, 2], [1, 2, 3], ["a", "b"], ["b", 1], {"ft": 1}),
        *({"a": 1}, {"a": 1}, {"a": 1}, point, {"left": 1, "right": "x"}, "ft"),
        *("2024-02-29", "2024-02-29T12:00:00", "12:00:00", "1.10"),
    ]
    assert [large.code, deep.code, deeper.code] == ["output_too_large", "", "bad_output"]
    assert {outcome.code for outcome in refused} == {"bad_output"}
    assert refused[1].detail == "$.a[1]: bytes is not plain data"
