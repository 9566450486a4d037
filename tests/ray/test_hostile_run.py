"""A run whose library has one hostile function for 49 ordinary ones: its drafts are rejected, and all others right."""

import datetime
import decimal
import inspect
import json
import re
import runpy
import string
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from apigen_ray.config import RunConfig
from apigen_ray.job.loop import run

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_session")]

HEAD = """
import datetime, math, re
from collections import Counter
from decimal import Decimal

_seen = []
_step = 1
"""
ORDINARY = """
def add_{0}(n: int, m: int = 1) -> int:
    return n + m * _step

def is_prime_{0}(n: int) -> bool:
    return n > 1 and all(n % divisor for divisor in range(2, math.isqrt(n) + 1))

def digits_{0}(n: int) -> dict[str, int]:
    return dict(sorted(Counter(str(n)).items()))

def later_{0}(n: int, day: datetime.date) -> datetime.date:
    return day + datetime.timedelta(days=n)

def price_{0}(n: int, tax: Decimal) -> Decimal:
    return (n * (1 + tax)).quantize(Decimal("0.01"))

def slug_{0}(n: int, text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower() + str(n)).strip("-")

def remember_{0}(n: int) -> int:
    _seen.append(n)
    return len(_seen)
"""
COPIES = "abcdefg"
"""So many of the seven above stand around each hostile function."""
UNTRUSTED = {
    "timeout": """
def spin(n: int) -> int:
    while True:
        n += 1
---
def spin_in_c(n: int) -> int:
    return 10 ** 10 ** 8 % n
""",
    "memory": """
def hoard(n: int) -> int:
    data = [n] * 1000
    while True:
        data += data
---
def ask_for_all(n: int) -> int:
    return len(bytearray(n << 40))
""",
    "exec_error": """
def leave(n: int) -> int:
    raise SystemExit(n)
---
def dive(n: int) -> int:
    return dive(n + 1)
---
def spoil(n: int) -> int:
    global _step, re
    _seen.extend([1, 2])
    _step, re = 2, None
    raise ValueError(n)
""",
    "killed": """
def crash(n: int) -> int:
    items = iter([n])
    for _ in range(200_000):
        items = map(int, items)
    return next(items)
""",
    "output_too_large": """
def flood(n: int) -> str:
    return "x" * 10**6
""",
    "bad_output": """
def bottomless(n: int) -> list[int]:
    out = [n]
    out.append(out)
    return out
""",
    "argument_error": """
def for_two(function):
    return lambda n, m: function(n)

@for_two
def mislead(n: int) -> int:
    return n
""",
    "unknown_function": """
def vanish(n: int) -> int:
    return n

del vanish
""",
    "refused": """
def break_out(n: int) -> str:
    return str(().__class__.__base__.__subclasses__())
""",
}
"""Sources behind the language layer, by the code that calls of their functions with ``(n: int)`` must have."""
TRUSTED = {
    "exit_at_once": "killed",
    "fault": "killed",
    "write_everywhere": "killed",
    "swallow_the_limit": "timeout",
    "timer_for_the_next": "exec_error",
    "kill_itself": "forbidden",
    "fork": "forbidden",
}
"""Attacks of tests/security that nothing but the kernel is in front of, with the code that their calls must have."""
EVENTS = frozenset(name for name, code in TRUSTED.items() if code == "forbidden")
"""Security events: once they have happened their file is quarantined, with what else is in it."""


def hostile_functions() -> Iterator[tuple[str, str, str, str]]:
    """Name, code, trust and text of each."""
    for code, texts in UNTRUSTED.items():
        for text in texts.split("---"):
            yield re.findall(r"def (\w+)\(n: int\)", text)[0], code, "untrusted", text
    attacks = runpy.run_path(str(Path(__file__).parents[1] / "security" / "hostile_functions.py"))
    for name, code in TRUSTED.items():
        yield name, code, "trusted", inspect.getsource(attacks[name]).replace("(at)", "(at: int)")


CODES = {name: code for name, code, _, _ in hostile_functions()}


def write_library(folder: Path) -> None:
    """A file for each hostile function, with ordinary ones before and after it; none where that is quarantined."""
    for trust in ("untrusted", "trusted"):
        (folder / trust).mkdir()
    for letter, (name, code, trust, text) in zip(string.ascii_lowercase, hostile_functions(), strict=False):
        some = [ORDINARY.format(letter + copy) for copy in COPIES]
        with_it = 0 if code == "forbidden" else 2 if trust == "trusted" else len(some)
        (folder / trust / f"{name}.py").write_text(
            HEAD + "".join([*some[: with_it // 2], text, *some[with_it // 2 : with_it]])
        )
        if trust == "trusted":
            (folder / "untrusted" / f"{name}.py").write_text(HEAD + "".join(some[with_it:]))


def plain(name: str, arguments: dict[str, Any]) -> Any:
    """What an ordinary function returns in plain Python, as JSON has it."""
    table: dict[str, Any] = {}
    exec(HEAD + ORDINARY.format("plain"), table)  # noqa: S102 - the ordinary ones, which are ours
    kinds = {"day": datetime.date.fromisoformat, "tax": lambda value: decimal.Decimal(str(value))}
    typed = {key: kinds[key](value) if key in kinds else value for key, value in arguments.items()}
    value = table[name.rpartition("_")[0] + "_plain"](**typed)
    return value if isinstance(value, int | str | dict) else str(value)


@pytest.mark.parametrize("times", [1, pytest.param(10, marks=pytest.mark.long)], ids=["short", "ten thousand"])
def test_exactly_the_hostile_drafts_are_rejected_and_the_rest_is_right(tmp_path: Path, times: int) -> None:
    write_library(tmp_path)
    size = 50 * len(CODES) * times  # the plan visits all functions equally often
    config = RunConfig.model_validate(
        {
            "name": "hostile",
            "size": size,
            "library": [
                {"kind": "python", "path": str(tmp_path / trust), "trust": trust} for trust in ("untrusted", "trusted")
            ],
            "sampling": {"styles": {"simple": 9, "parallel": 1}, "pairs": 1},
            "generators": [{"engine": "scripted"}],
            "semantic": {"checks": ["originality", "wording"]},
            "execution": {"timeout_s": 1, "memory_mb": 256},
            "output": {"dir": str(tmp_path / "runs")},
        }
    )
    result = run(config)
    columns = ["style", "verdict", "execution_code", "execution_detail", "answers", "results"]
    rows = [row for file in result.run.sample_files() for row in pq.ParquetFile(file).read(columns).to_pylist()]

    assert len(rows) == size
    wrong, came, events = [], Counter[str](), Counter[str]()
    for row in rows:
        calls = json.loads(row["answers"])
        name, code = calls[0]["name"], row["execution_code"]
        came[name] += 1
        assert len(calls) > 1 if row["style"] == "parallel" else len(calls) == 1
        if name in CODES:
            wanted = {CODES[name], "quarantined"} if name in EVENTS else {CODES[name]}
            events.update([name] if code == "forbidden" else ())
            fine = row["verdict"] == "fail_execution" and code in wanted
        else:
            values = [json.loads(one["value"]) for one in json.loads(row["results"] or "[]") if one["value"]]
            fine = row["verdict"] == "verified" and values == [plain(name, call["arguments"]) for call in calls]
        if not fine:
            wrong.append(row)
    assert wrong == []
    assert set(came.values()) == {times}
    assert len(came) == 50 * len(CODES)
    assert events.keys() == EVENTS
    assert min(events.values()) >= 1  # before there is a quarantine
    assert sum(line["rows"] for line in result.run.result()["stages"]["execution"] if line["code"]) == size // 50
