"""Documents read from JSON or YAML as plain JSON, bounded in size, depth and aliases; a date stays the text it is."""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from apigen_ray.errors import LibraryError
from apigen_ray.records import Json

try:
    from yaml import CSafeLoader as _Parser  # ten times as fast, where PyYAML was built with it
except ImportError:
    from yaml import SafeLoader as _Parser  # type: ignore[assignment]

MAX_BYTES = 32 << 20
"""Of a document in JSON: more than twice the largest that are in public use; parsed it takes some ten times as much."""

MAX_YAML_BYTES = 8 << 20
"""Of a document in YAML, which is read at about a megabyte in a second."""

_MAX_DEPTH = 200
_MAX_VALUES = 2_000_000  # of a YAML document with its aliases written out

# YAML's core schema (1.2): `2020-01-01`, `on` and `12:30` are text, as documents mean them.
_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,400})")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?")
_TAGS = {f"tag:yaml.org,2002:{word}" for word in ("null", "bool", "int", "float")}


def read_openapi(path: Path) -> tuple[str, Json]:
    """The text of a document, and the document as plain JSON.

    Raises:
        LibraryError: unreadable, too large, neither JSON nor YAML, or no OpenAPI document.
    """
    mend = "give a Swagger 2.0, OpenAPI 3.0 or 3.1 document in JSON or YAML"
    text, document = read_document(path, mend)
    version = str(document.get("swagger", document.get("openapi", ""))) if isinstance(document, dict) else ""
    if not re.match(r"2\.|2$|3\.[01]", version):
        raise LibraryError(f"{path}: no OpenAPI document: its version is {version[:40] or 'missing'!r}", mend)
    if not isinstance(document.get("paths", {}), dict):
        raise LibraryError(f"{path}: `paths` is not a mapping", mend)
    document.setdefault("paths", {})
    return text, document


def read_document(path: Path, mend: str) -> tuple[str, Any]:
    """The text of a document in JSON or YAML, and what it says as plain JSON; nothing that it points to is fetched.

    Args:
        path: the file.
        mend: what to tell a person whose file this is not.

    Raises:
        LibraryError: unreadable, not UTF-8, too large or too deep, HTML, or neither JSON nor YAML.
    """
    text = read_text(path, mend)
    if re.match(r"\s*<[!?a-zA-Z]", text):
        raise LibraryError(f"{path}: is HTML or XML, such as the error page of a server", mend)
    try:
        if text.lstrip()[:1] in ("{", "["):
            return text, plain_json(text)
        if len(text) > MAX_YAML_BYTES:
            raise LibraryError(f"{path}: more than {MAX_YAML_BYTES >> 20} MiB of YAML", "give it as JSON")
        return text, _plain_yaml(text)
    except RecursionError as error:
        raise LibraryError(f"{path}: is nested too deeply", mend) from error
    except (yaml.YAMLError, ValueError) as error:
        raise LibraryError(f"{path}: neither JSON nor YAML: {' '.join(str(error).split())[:300]}", mend) from error


def read_text(path: Path, mend: str, limit: int = MAX_BYTES) -> str:
    """The text of a file of at most so many bytes.

    Raises:
        LibraryError: unreadable, not UTF-8, or larger.
    """
    try:
        if path.exists() and not path.is_file():
            raise LibraryError(f"{path}: cannot be read: it is no ordinary file", mend)  # a pipe would be waited for
        with path.open("rb") as file:
            content = file.read(limit + 1)
        if len(content) > limit:
            raise LibraryError(f"{path}: is larger than {limit >> 20} MiB", "keep only the parts that you need")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LibraryError(f"{path}: cannot be read: it is not UTF-8 ({error.reason})", mend) from error
    except OSError as error:
        raise LibraryError(f"{path}: cannot be read: {error.strerror or error}", mend) from error


def plain_json(text: str) -> Any:
    r"""What a JSON text says; ``NaN``, which JSON cannot say, is null, and half of a ``\ud83d\ude00`` a question mark.

    Raises:
        ValueError: no JSON, or nested more than 200 levels deep.
        RecursionError: nested far more deeply.
    """
    value = json.loads(text, parse_constant=lambda _: None, parse_float=_finite)
    if re.search(r"\\u[dD][89a-fA-F]", text):
        value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    level, depth = [value] if isinstance(value, dict | list) else [], 0
    while level:
        depth += 1
        if depth > _MAX_DEPTH + 1:
            raise ValueError(f"it is nested more than {_MAX_DEPTH} levels deep")
        inner = (item.values() if isinstance(item, dict) else item for item in level)
        level = [item for items in inner for item in items if isinstance(item, dict | list)]
    return value


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _plain_yaml(text: str) -> Any:
    """What a YAML text says, built from its events: PyYAML's own composer recurses in C, where depth ends the process.

    Raises:
        yaml.YAMLError: no YAML.
        ValueError: what JSON cannot say, too deep, or aliases that unfold into more than `_MAX_VALUES`.
    """
    events = yaml.parse(text, Loader=_Parser)
    found: list[Any] = []
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            if found:
                raise ValueError("it holds more than one document")
            found.append(_Builder().build(events))
    return found[0] if found else None


class _Builder:
    """One YAML document as plain JSON. Aliases share what they name, and count as if it were written out."""

    def __init__(self) -> None:
        self.values = 0
        self.anchors: dict[str, tuple[Any, int]] = {}

    def build(self, events: Iterator[Any]) -> Any:
        # every container that is open: itself, its anchor, the values before it, and its key that waits for a value
        stack: list[tuple[Any, str | None, int]] = []
        keys: list[Any] = []
        for event in events:
            self.values += 1
            anchor = getattr(event, "anchor", None)
            if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                if len(stack) >= _MAX_DEPTH:
                    raise ValueError(f"it is nested more than {_MAX_DEPTH} levels deep")
                if stack and isinstance(stack[-1][0], dict) and keys[-1] is None:
                    raise ValueError(f"a key is a list or mapping ({_line(event)})")
                stack.append(({} if isinstance(event, yaml.MappingStartEvent) else [], anchor, self.values))
                keys.append(None)
                continue
            if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                value, anchor, before = stack.pop()
                keys.pop()
                if anchor is not None:
                    self.anchors[anchor] = (value, self.values - before)
            elif isinstance(event, yaml.AliasEvent):
                if anchor not in self.anchors:
                    raise ValueError(f"*{anchor} names nothing that is whole ({_line(event)})")
                value, weight = self.anchors[anchor]
                self.values += weight
            elif stack and isinstance(stack[-1][0], dict) and keys[-1] is None:
                keys[-1] = (event.value, event.implicit[0] and event.value == "<<")
                if anchor is not None:
                    self.anchors[anchor] = (event.value, 1)
                continue
            else:
                value = _scalar(event)
                if anchor is not None:
                    self.anchors[anchor] = (value, 1)
            if self.values > _MAX_VALUES:
                raise ValueError(f"its aliases unfold into more than {_MAX_VALUES} values")
            if not stack:
                return value
            if isinstance(stack[-1][0], list):
                stack[-1][0].append(value)
            elif keys[-1] is None:  # an alias as a key
                keys[-1] = (str(value), False)
            else:
                key, merges = keys[-1]
                _put(stack[-1][0], key, merges, value)
                keys[-1] = None
        raise ValueError("it ends too early")


def _line(event: Any) -> str:
    return f"line {event.start_mark.line + 1}"


def _put(mapping: Json, key: str, merges: bool, value: Any) -> None:
    """Sets a key; what ``<<`` brings in stands behind what the mapping says itself, before or after."""
    if not merges:
        mapping[key] = value
        return
    for other in value if isinstance(value, list) else [value]:
        if not isinstance(other, dict):
            raise ValueError("`<<` takes in what is no mapping")
        for inner, given in other.items():
            mapping.setdefault(inner, given)


def _scalar(event: Any) -> Any:
    text: str = event.value
    if not (event.implicit[0] or event.tag in _TAGS):
        return text
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    if _INT.fullmatch(text):
        return int(text)
    return _finite(text) if _FLOAT.fullmatch(text) else text
