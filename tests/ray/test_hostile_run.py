"""A whole run with hostile functions among ordinary ones: exactly their rows are rejected, and all others are right."""

import json
import os
import random
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from apigen_ray.job.ingest import IngestOptions
from apigen_ray.job.verify import VerifySpec, verify_records
from apigen_ray.rundir import RunDir

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_session")]

ORDINARY = """
import datetime, math, re
from collections import Counter
from decimal import Decimal

CATEGORY = "Mixed"
_seen = []

def add(n: int, m: int = 1) -> int:
    return n + m

def is_prime(n: int) -> bool:
    return n > 1 and all(n % divisor for divisor in range(2, math.isqrt(n) + 1))

def digits(n: int) -> dict[str, int]:
    return dict(sorted(Counter(str(n)).items()))

def later(n: int, day: datetime.date) -> datetime.date:
    return day + datetime.timedelta(days=n)

def price(n: int, tax: Decimal) -> Decimal:
    return (n * (1 + tax)).quantize(Decimal("0.01"))

def slug(n: int, text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", f"{text} {n}".lower()).strip("-")

def remember(n: int) -> int:
    _seen.append(n)
    return len(_seen)
"""
HOSTILE = """
def spin(n: int) -> int:
    while True:
        n += 1

def spin_in_c(n: int) -> int:
    return 10 ** 10 ** 8 % n

def hoard(n: int) -> int:
    data = [n] * 1000
    while True:
        data += data

def ask_for_all(n: int) -> int:
    return len(bytearray(1 << 40))

def leave(n: int) -> int:
    raise SystemExit(n)

def interrupt(n: int) -> int:
    raise KeyboardInterrupt

def dive(n: int) -> int:
    return dive(n + 1)

def crash(n: int) -> str:
    items = iter([n])
    for _ in range(200_000):
        items = map(int, items)
    return str(next(items))

def flood(n: int) -> str:
    return "x" * 10 ** 6

def bottomless(n: int) -> list[object]:
    out = [n]
    out.append(out)
    return out

def spoil(n: int) -> int:
    global add
    _seen.extend([1, 2, 3])
    add = remember = spoil
    raise ValueError(n)

def break_out(n: int) -> str:
    return str(().__class__.__base__.__subclasses__())
"""
BEYOND = """
import ctypes, os

def leave_at_once(n: int) -> int:
    os._exit(n % 100)

def fault(n: int) -> str:
    return str(ctypes.string_at(n))
"""
FORBIDDEN = """
import os, socket

def fork_bomb(n: int) -> int:
    return os.fork()

def kill_itself(n: int) -> int:
    os.kill(os.getpid(), 9)
    return n

def call_home(n: int) -> int:
    socket.socket().connect(("127.0.0.1", n))
    return n
"""
TRUSTED = {"beyond": BEYOND, "forbidden": FORBIDDEN}
REJECTED: dict[str, tuple[int, set[str]]] = {
    # how often, in a hundred hostile rows, and the codes that such a row may have
    "spin": (6, {"timeout"}),
    "spin_in_c": (3, {"timeout"}),
    "hoard": (6, {"memory"}),
    "ask_for_all": (9, {"memory"}),
    "leave": (9, {"exec_error"}),
    "interrupt": (9, {"exec_error"}),
    "dive": (6, {"exec_error"}),
    "crash": (6, {"killed"}),
    "flood": (7, {"output_too_large"}),
    "bottomless": (6, {"bad_output"}),
    "spoil": (7, {"exec_error"}),
    "break_out": (6, {"refused"}),
    "leave_at_once": (5, {"killed"}),
    "fault": (4, {"killed"}),
    "kill_itself": (4, {"forbidden", "quarantined"}),
    "fork_bomb": (4, {"forbidden", "quarantined"}),
    "call_home": (3, {"forbidden", "quarantined"}),
}


def expected(name: str, n: int, functions: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """The arguments of an ordinary call, and what it returns in plain Python, as JSON."""
    given = {"later": {"day": "2024-02-27"}, "price": {"tax": "0.19"}, "slug": {"text": "Calls: ten, or so!"}}
    arguments = {"n": n, **given.get(name, {})}
    typed = dict(arguments)
    if name == "later":
        typed["day"] = functions["datetime"].date.fromisoformat(typed["day"])
    if name == "price":
        typed["tax"] = functions["Decimal"](typed["tax"])
    functions["_seen"].clear()
    value = functions[name](**typed)
    return arguments, value if isinstance(value, int | str | dict) else str(value)


def planted(path: Path, rows: int, hostile: int) -> dict[str, tuple[str, Any]]:
    """Writes records; for each by its id the function's name and the value of its call, None where it is hostile."""
    functions: dict[str, Any] = {}
    exec(ORDINARY, functions)  # noqa: S102 - the ordinary ones, which are ours
    names = [name for name, value in functions.items() if hasattr(value, "__code__")]
    rng = random.Random(rows)
    bad = [name for name, (share, _) in REJECTED.items() for _ in range(share * hostile // 100 or 1)]
    bad += rng.choices([name for name in REJECTED if "spin" not in name], k=max(0, hostile - len(bad)))
    kinds = [*bad, *[""] * (rows - len(bad))]
    rng.shuffle(kinds)
    truth: dict[str, tuple[str, Any]] = {}
    with path.open("w") as file:
        for number, kind in enumerate(kinds):
            name = kind or rng.choice(names)
            arguments, value = ({"n": number + 2}, None) if kind else expected(name, number + 2, functions)
            properties = {key: {"type": "integer" if key == "n" else "string"} for key in arguments}
            schema = {"type": "object", "properties": properties, "required": list(arguments)}
            record = {
                "id": f"r{number}",
                "query": f"Do number {number}.",
                "tools": [{"name": name, "description": f"It does {name}.", "parameters": schema}],
                "answers": [{"name": name, "arguments": arguments}],
            }
            file.write(json.dumps(record) + "\n")
            truth[f"r{number}"] = (kind, value)
    assert sum(bool(kind) for kind, _ in truth.values()) >= hostile
    return truth


def rows_of(run: RunDir) -> dict[str, dict[str, Any]]:
    columns = ["source_id", "verdict", "execution_status", "execution_code", "execution_detail", "results"]
    rows = [row for file in run.sample_files() for row in pq.ParquetFile(file).read(columns).to_pylist()]
    by_id = {row["source_id"]: row for row in rows}
    assert len(by_id) == len(rows)
    return by_id


@pytest.mark.parametrize(
    ("rows", "hostile"), [(1000, 20), pytest.param(10_000, 200, marks=pytest.mark.long)], ids=["short", "long"]
)
def test_exactly_the_hostile_rows_are_rejected_and_the_rest_is_right(tmp_path: Path, rows: int, hostile: int) -> None:
    (tmp_path / "mixed.py").write_text(ORDINARY + HOSTILE)  # one owner: they share processes
    for name, text in TRUSTED.items():
        (tmp_path / f"{name}.py").write_text(text)
    truth = planted(tmp_path / "records.jsonl", rows, hostile)
    judge = tmp_path / "judge.json"
    sources: list[dict[str, str]] = [{"kind": "python", "path": str(tmp_path / "mixed.py")}]
    sources += [{"kind": "python", "path": str(tmp_path / f"{name}.py"), "trust": "trusted"} for name in TRUSTED]
    execution = {"timeout_s": 1, "memory_mb": 256}
    judge.write_text(json.dumps({"library": sources, "execution": execution, "stages": ["format", "execution"]}))
    before = sorted(os.listdir(tmp_path))
    result = verify_records(tmp_path / "records.jsonl", tmp_path / "out", IngestOptions(), VerifySpec.load(judge))
    found = rows_of(result.run)
    assert sorted(os.listdir(tmp_path)) == sorted([*before, "out"])
    assert found.keys() == truth.keys()
    wrong = []
    for id_, (kind, value) in truth.items():
        row = found[id_]
        if kind:
            fine = row["verdict"] == "fail_execution" and row["execution_code"] in REJECTED[kind][1]
        else:
            (given,) = json.loads(row["results"]) if row["results"] else [{}]
            fine = row["verdict"] == "verified" and row["execution_code"] == ""
            fine = fine and json.loads(given["value"]) == value
        if not fine:
            wrong.append((id_, kind, value, row))
    assert wrong == []
