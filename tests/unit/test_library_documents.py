"""Documents as plain JSON: YAML's core schema, and what is too large, too deep, a bomb, or no document at all."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from apigen_ray.errors import LibraryError
from apigen_ray.library import documents
from apigen_ray.library.documents import plain_json, read_document


def read(folder: Path, text: str | bytes) -> Any:
    path = folder / "document.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_document(path, "mend it")[1]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\nb: [x, 2.5, true, ~, null, ]", {"a": 1, "b": ["x", 2.5, True, None, None]}),
        (
            "200: on\ntrue: no\n1.10: 2020-01-01\n~: 12:30",
            {"200": "on", "true": "no", "1.10": "2020-01-01", "~": "12:30"},
        ),
        ("- 007\n- 0x10\n- -5\n- 1e3\n- .5\n- 1e999\n- .inf", ["007", "0x10", -5, 1000.0, 0.5, None, ".inf"]),
        ("- '5'\n- !!str 5\n- !!int '5'\n- !!python/name:os.system x", ["5", "5", 5, "x"]),
        (
            "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {y: 3, <<: [*a, {z: 4}]}",
            {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"y": 3, "x": 1, "z": 4}},
        ),
        ("- &k a\n- {*k : 1}", ["a", {"a": 1}]),
        ("'<<': 2", {"<<": 2}),
        ("", None),
        ("text: |\n  two\n  lines", {"text": "two\nlines"}),
        (
            '\ufeff{"a": NaN, "b": 1e999, "c": "\\ud800!", "d": "\\ud83d\\ude00"}',
            {"a": None, "b": None, "c": "?!", "d": "😀"},
        ),
    ],
)
def test_what_a_document_says(tmp_path: Path, text: str, value: Any) -> None:
    assert read(tmp_path, text) == value


LEVELS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 12))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (LEVELS, "aliases unfold into more than"),
        (MERGES, "aliases unfold into more than"),
        ("a: &a [*a]", r"\*a names nothing that is whole \(line 1\)"),
        ("a: *b", "names nothing|undefined alias"),
        ("x: " + "[" * 300_000, "more than 200 levels"),  # ends the process where PyYAML composes it
        ("[" * 300_000, "nested too deeply"),
        ('{"a": ' * 300 + "1" + "}" * 300, "more than 200 levels"),
        ("- " * 300_000, "more than 200 levels"),
        ("? [1]\n: 2", "a key is a list or mapping"),
        ("a: 1\n---\nb: 2", "more than one document"),
        ("<<: 5", "takes in what is no mapping"),
        ("a: [", "neither JSON nor YAML"),
        ('{"a": ', "neither JSON nor YAML"),
        ("<!DOCTYPE html><html></html>", "is HTML or XML"),
        ("größe: 1".encode("latin-1"), "not UTF-8"),
        (b"\x1f\x8b\x08\x00", "not UTF-8"),
        ("a: \x00", "neither JSON nor YAML"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str | bytes, match: str) -> None:
    with pytest.raises(LibraryError, match=match) as caught:
        read(tmp_path, text)
    assert "document.yaml" in caught.value.message
    assert caught.value.mend


def test_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(50 << 20)
    with pytest.raises(LibraryError, match="larger than 32 MiB"):
        read_document(path, "mend it")
    monkeypatch.setattr(documents, "MAX_YAML_BYTES", 100)
    with pytest.raises(LibraryError, match="give it as JSON"):
        read(tmp_path, "a: " + "x" * 100)
    assert read(tmp_path, json.dumps(["x" * 100])) == ["x" * 100]
    with pytest.raises(LibraryError, match="cannot be read"):
        read_document(tmp_path, "mend it")
    with pytest.raises(LibraryError, match="cannot be read"):
        read_document(tmp_path / "absent.json", "mend it")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(LibraryError, match=r"pipe\.json: cannot be read: it is no ordinary file"):
        read_document(tmp_path / "pipe.json", "mend it")


def test_depth_of_json() -> None:
    deepest = "[" * 201 + "]" * 201
    assert plain_json(deepest)
    with pytest.raises(ValueError, match="200 levels"):
        plain_json(f"[{deepest}]")
