"""Bad input to the sandbox: sources, names and arguments of every bad kind, each with its code among good calls."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apigen_ray.records import Api, Source, Status
from apigen_ray.runners import handle
from apigen_ray.runners.base import ExecutionSpec, Outcome, Task, results_json
from apigen_ray.runners.python import PythonRunner
from apigen_ray.runners.state import MAX_ARGUMENTS

MODULE = """
import asyncio, dataclasses, enum
from textwrap import dedent
from typing import TypedDict
import beside
from beside import helper

@dataclasses.dataclass
class Point:
    x: int

class Thing:
    def method(self):
        return 1

class Window(TypedDict):
    x: int

class Colour(enum.Enum):
    RED = 1

number = 1
renamed = helper

def add(a: int, b: int = 1) -> int: return a + b
def echo(a: object) -> object: return a
def size(a: str) -> int: return len(a)
def rest(**more: object) -> object: return more
def point(a: Point) -> int: return a.x
def window(a: Window) -> object: return a
async def coroutine(): return 1
async def waiting(): await asyncio.sleep(0)
async def items(): yield 1
def generator(): yield 1
def made(): return (i for i in [1])
def a_class(): return Point
def helped(): return helper()
"""
GOOD = "def f():\n    return 1\n"
MIB = 1 << 20


def finally_bomb(depth: int = 18) -> str:
    """A few lines whose code doubles with every level: the compiler does not come back."""
    lines = ["def f():"]
    for level in range(1, depth + 1):
        lines += [" " * level + "try: pass", " " * level + "finally:"]
    return "\n".join([*lines, " " * (depth + 1) + "pass", ""])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    (folder / "many.py").write_text(MODULE)
    (folder / "beside.py").write_text("def helper():\n    return 1\n")
    return folder


@pytest.fixture(scope="module")
def runner() -> Iterator[PythonRunner]:
    runner = PythonRunner(ExecutionSpec(timeout_s=5))
    yield runner
    runner.close()


trusts = pytest.mark.parametrize("trust", ["untrusted", "trusted"])


def among_good(runner: PythonRunner, folder: Path, bad: Task, trust: str) -> Outcome:
    """What becomes of a call between good ones, which are right; it can be kept and written whatever it is."""
    good = Task(Api("add", "", {}, source=Source("python", str(folder / "many.py"), "add", trust=trust)), '{"a": 1}')
    before, outcome, after = runner.run([good, bad, good])
    assert (before.value, after.value) == ("2", "2")
    json.dumps(results_json([outcome]), ensure_ascii=False).encode()
    assert len(outcome.detail) <= 500
    return outcome


def task(location: Path, entry: str, arguments: str, trust: str) -> Task:
    return Task(Api("f", "", {}, source=Source("python", str(location), entry, trust=trust)), arguments)


@trusts
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("def f(:\n    pass", "refused"),
        (GOOD + "\0", "refused"),
        (b"\xff\xfe" + GOOD.encode(), "refused"),
        (GOOD.encode("utf-16"), "refused"),
        ("def f():\n    return '\ud800'\n".encode("utf-8", "surrogatepass"), "refused"),
        ("# coding: klingon\n" + GOOD, "refused"),
        ("# coding: hex\n" + GOOD, "refused"),
        (b"#" * (10 * MIB) + b"\n" + GOOD.encode(), "refused"),
        (b"x = 1\n" * (10 * MIB // 6) + GOOD.encode(), "refused"),
        (f"def f():\n    return {'(' * 10_000}1{')' * 10_000}\n", "refused"),
        (f"def f():\n    return f{'.x' * 10_000}\n", "refused"),
        (f"def f():\n    return {'not ' * 10_000}1\n", "refused"),  # the parser has no room left
        ("def f():\n" + "".join(f"{' ' * i}if 1:\n" for i in range(1, 1000)), "refused"),
        ("", "unknown_function"),
        ("X = 1 // 0\n" + GOOD, "exec_error"),
        ("raise SystemExit\n" + GOOD, "exec_error"),
        ("from no_such_module import x\ndef f():\n    return x\n", "refused"),
    ],
    ids=[
        *("syntax", "zero-byte", "no-utf8", "utf16", "surrogate", "no-codec", "no-text-codec", "10-MB-comment"),
        *("10-MB-code", "parentheses", "attributes", "nots", "blocks", "empty", "raises", "exits", "no-module"),
    ],
)
def test_sources(
    runner: PythonRunner,
    folder: Path,
    tmp_path: Path,
    text: str | bytes,
    code: str,
    trust: str,
) -> None:
    file = tmp_path / "bad.py"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    outcome = among_good(runner, folder, task(file, "f", "{}", trust), trust)
    assert (outcome.status, outcome.value) == (Status.REJECTED, None)
    assert outcome.code == code
    assert outcome.detail


@pytest.mark.parametrize("kind", ["pipe", "folder", "link to a device"])
def test_a_source_that_is_no_file(runner: PythonRunner, folder: Path, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "odd.py"
    make = {"pipe": os.mkfifo, "folder": os.mkdir, "link to a device": lambda path: os.symlink("/dev/zero", path)}
    make[kind](file)
    outcome = among_good(runner, folder, task(file, "f", "{}", "untrusted"), "untrusted")
    assert (outcome.status, outcome.code) == (Status.ERROR, "runner_unavailable")
    assert "is no file" in outcome.detail


@pytest.mark.parametrize(("text", "code"), [(b"\xff", "refused"), (b"def f(:", "refused"), (GOOD.encode(), "")])
def test_a_file_whose_name_is_no_utf8(
    runner: PythonRunner, folder: Path, tmp_path: Path, text: bytes, code: str
) -> None:
    file = tmp_path / os.fsdecode(b"\xff") / "m.py"
    file.parent.mkdir()
    file.write_bytes(text)
    assert among_good(runner, folder, task(file, "f", "{}", "untrusted"), "untrusted").code == code


@trusts
def test_a_source_that_starves_the_compiler(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trust: str
) -> None:
    (tmp_path / "bomb.py").write_text(finally_bomb())
    runner = PythonRunner(ExecutionSpec())
    try:
        runner.run([task(folder / "many.py", "add", '{"a": 1}', trust)])  # compiled before the limit is that short
        monkeypatch.setattr(handle, "COMPILE_S", 0.3)
        bad = task(tmp_path / "bomb.py", "f", "{}", trust)
        outcome = among_good(runner, folder, bad, trust)
        assert (outcome.status, outcome.code) == (Status.REJECTED, "refused")
        assert outcome.detail.startswith("it does not compile: ")
        assert runner.run([bad])[0] == outcome  # it is not compiled again
    finally:
        runner.close()


@trusts
@pytest.mark.parametrize(
    ("entry", "code"),
    [
        *[
            (entry, "unknown_function")
            for entry in (
                *("missing", "Point", "Thing", "Window", "Colour", "Thing.method", "number", "print", "None", "lambda"),
                *("dedent", "helper", "renamed", "beside", "__builtins__", "__name__", "", "a b", "add\n", "ä"),
                *("\ud800", "x" * 100_000),
            )
        ],
        ("coroutine", "refused"),
        ("waiting", "refused"),
        ("items", "refused"),
        ("generator", "bad_output"),
        ("made", "bad_output"),
        ("a_class", "bad_output"),
    ],
    ids=lambda value: ascii(value)[:20] if isinstance(value, str) else None,
)
def test_what_is_no_function(runner: PythonRunner, folder: Path, entry: str, code: str, trust: str) -> None:
    outcome = among_good(runner, folder, task(folder / "many.py", entry, "{}", trust), trust)
    assert (outcome.status, outcome.value) == (Status.REJECTED, None)
    assert outcome.code == code
    assert outcome.detail


def test_a_function_that_needs_a_helper_from_beside(runner: PythonRunner, folder: Path, tmp_path: Path) -> None:
    """A lone file may not import its neighbours unless it is trusted; line, reason and mend are told."""
    refused = among_good(runner, folder, task(folder / "many.py", "helped", "{}", "untrusted"), "untrusted")
    assert (refused.status, refused.code) == (Status.REJECTED, "refused")
    assert "many.py:6: the import of beside.helper is not allowed: " in refused.detail
    assert refused.detail.endswith("(an `__init__.py`, `from .beside import ...`), or say `trust: trusted`")
    assert among_good(runner, folder, task(folder / "many.py", "helped", "{}", "trusted"), "trusted").value == "1"
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "beside.py").write_text((folder / "beside.py").read_text())
    (package / "many.py").write_text("from .beside import helper\ndef helped(): return helper()\n")
    assert among_good(runner, folder, task(package / "many.py", "helped", "{}", "untrusted"), "untrusted").value == "1"


@trusts
@pytest.mark.parametrize(
    ("entry", "arguments", "code", "detail"),
    [
        ("echo", "", "argument_error", "not_json"),
        ("echo", "{", "argument_error", "not_json"),
        ("echo", "{'a': 1}", "argument_error", "not_json"),
        ("echo", '{"a": 1} {}', "argument_error", "not_json"),
        ("echo", '\ufeff{"a": 1}', "argument_error", "not_json"),
        ("echo", '```json\n{"a": 1}\n```', "argument_error", "markdown_fenced"),
        ("echo", "null", "argument_error", "must be a JSON object"),
        ("echo", "[1]", "argument_error", "must be a JSON object"),
        ("echo", '"a"', "argument_error", "must be a JSON object"),
        ("echo", '{"a": NaN}', "argument_error", "non_finite_number"),
        ("echo", '{"a": [-Infinity]}', "argument_error", "non_finite_number"),
        ("echo", '{"a": 1e999}', "argument_error", "non_finite_number"),
        ("echo", '{"a": 1, "a": 2}', "argument_error", "duplicate_key"),
        ("echo", '{"a": {"b": 1, "b": 2}}', "argument_error", "duplicate_key"),
        ("echo", '{"a": "\\ud800"}', "argument_error", "bad_unicode"),
        ("echo", '{"a": "\ud800"}', "argument_error", "bad_unicode"),
        ("echo", f'{{"a": {"[" * 10_000}{"]" * 10_000}}}', "argument_error", "nested"),
        ("echo", '{"a":' * 10_000 + "1" + "}" * 10_000, "argument_error", "nested"),
        ("echo", f'{{"a": {"9" * MIB}}}', "argument_error", "too many digits"),
        ("echo", f'{{"a": "{"x" * MAX_ARGUMENTS}"}}', "argument_error", "more than 4 Mi"),
        ("echo", f'{{"a": "{"x" * MIB}"}}', "output_too_large", "256 KiB"),
        ("rest", f'{{"{"k" * MIB}": 1}}', "output_too_large", "256 KiB"),
        ("add", f'{{"a": "{"x" * MIB}"}}', "exec_error", "TypeError"),
        ("echo", f'{{"{"k" * MIB}": 1}}', "argument_error", "TypeError"),
        ("echo", '{"__class__": 1}', "argument_error", "missing a required argument: 'a'"),
        ("echo", '{"a": 1, "__class__": 2}', "argument_error", "__class__"),
        ("echo", '{"a": 1, "self": 2}', "argument_error", "self"),
        ("point", '{"a": {"x": 1, "__class__": 2}}', "argument_error", "a: Point has no field '__class__'"),
        ("point", '{"a": {"x": 1, "__init__": 2}}', "argument_error", "a: Point has no field '__init__'"),
    ],
    ids=lambda value: ascii(value)[:30] if isinstance(value, str) else None,
)
def test_arguments(
    runner: PythonRunner, folder: Path, entry: str, arguments: str, code: str, detail: str, trust: str
) -> None:
    outcome = among_good(runner, folder, task(folder / "many.py", entry, arguments, trust), trust)
    assert (outcome.status, outcome.code, outcome.value) == (Status.REJECTED, code, None)
    assert detail in outcome.detail


@trusts
@pytest.mark.parametrize(
    ("entry", "arguments", "value"),
    [
        ("size", {"a": "x" * MIB}, MIB),
        ("size", {"a": "ü\U0001f600" * (MIB // 2)}, MIB),
        ("echo", {"a": {"__class__": "x", "__proto__": {"__init__": []}}}, None),
        ("rest", {"__class__": 1, "self": 2}, None),
        ("window", {"a": {"x": 1, "__class__": 2}}, None),
    ],
    ids=["1-MiB", "1-Mi-characters", "keys-within", "keys", "keys-of-a-TypedDict"],
)
def test_odd_arguments_that_are_only_data(
    runner: PythonRunner, folder: Path, entry: str, arguments: dict[str, Any], value: Any, trust: str
) -> None:
    text = json.dumps(arguments, ensure_ascii=False)
    outcome = among_good(runner, folder, task(folder / "many.py", entry, text, trust), trust)
    given = arguments if entry == "rest" else arguments["a"]
    assert json.loads(outcome.value or outcome.detail) == (given if value is None else value)
