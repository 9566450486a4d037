"""Sections as a file or a program gives them: read, set, taken in by a spec; what is wrong is told with its mend."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from apigen_ray.errors import ConfigError
from apigen_ray.records import Json

Sections = TypeVar("Sections", bound="Section")

CHANGE = "change the field named"
"""The mend of a fault that has none of its own."""


class Section(BaseModel):
    """A part of the config: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Misfit(ValueError):
    """What a validator refuses, with a mend of its own.

    Args:
        message: what is wrong, in one sentence.
        mend: what to do about it.
    """

    def __init__(self, message: str, mend: str) -> None:
        super().__init__(message)
        self.mend = mend


def read_sections(path: Path, mend: str = "give the path of a YAML file") -> Json:
    """What stands in a file.

    Args:
        path: the file.
        mend: what to tell a person whose file is not there, or none of sections.

    Raises:
        ConfigError: it cannot be read, is no YAML, names a key twice, or holds no sections.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"{path}: cannot be read ({reason})", mend) from error
    value = _yaml(text, str(path), "mend the line that is named")
    if not isinstance(value, dict):
        holds = "a list" if isinstance(value, list) else "a single value" if value is not None else "nothing"
        raise ConfigError(f"{path}: the file holds {holds}, where `key: value` sections are needed", mend)
    return value


def set_key(value: Json, setting: str) -> None:
    """Sets one key of sections, in place; what lies deeper is replaced by copies.

    Args:
        value: the sections.
        setting: ``dotted.key=value``; the value is YAML; list items by number.

    Raises:
        ConfigError: it is not of that form, or there is no such item.
    """
    key, equals, text = setting.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set {setting}: not of the form a.b=c", "for example --set size=10")
    new = _yaml(text, f"--set {setting}", "quote the value: --set 'name=\"a: b\"'")
    node: Any = value
    *parents, last = key.split(".")
    for part in parents:  # each is copied: an alias or `<<` may have put the same one elsewhere too
        if isinstance(node, list):
            place = _item(node, part, setting)
            node[place] = node = copy(node[place])
        elif isinstance(node, dict):
            inner = node.get(part)
            node[part] = node = copy(inner) if isinstance(inner, dict | list) else {}
    if not isinstance(node, dict | list):
        raise ConfigError(f"--set {setting}: there are no keys in {node!r}", "set the whole item")
    if isinstance(node, list):
        node[_item(node, last, setting)] = new
    else:
        node[last] = new


def parse_sections(kind: type[Sections], value: Json, path: Path | None) -> Sections:
    """The sections of a kind.

    Args:
        kind: which sections there may be.
        value: what was read, with what was given beside it.
        path: the file, for the messages.

    Raises:
        ConfigError: names the file, each field and the mend.
    """
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise refusal(kind, value, error, "" if path is None else f"{path}: ") from error


def refusal(kind: type[BaseModel], value: Json, error: ValidationError, where: str) -> ConfigError:
    """All that a spec finds wrong, in words for who wrote the sections.

    Args:
        kind: the spec.
        value: what it was given.
        error: what it found.
        where: what the message begins with: ``my.yaml: ``.
    """
    faults = _told(error.errors())
    lines = [_explain(kind, value, fault) for fault in faults]
    mends = dict.fromkeys(_mend(fault) for fault in faults)
    return ConfigError(where + "\n  ".join(["", *lines] if len(lines) > 1 else lines), "; ".join(mends))


def nearest(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` for a word that is not among those known; "" where none is like it."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


class _Twice(yaml.MarkedYAMLError):
    """A key that stands twice in one mapping."""


class _Loader(yaml.SafeLoader):
    """YAML that refuses a key which stands twice: PyYAML takes the last one without a word."""

    def compose_mapping_node(self, anchor: Any) -> Any:
        node = super().compose_mapping_node(anchor)  # what `<<` brings in is not among its keys yet
        first: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                continue
            if (key.tag, key.value) in first:
                problem = f"the key {key.value!r} stands twice, first in line {first[key.tag, key.value]}"
                raise _Twice(problem=problem, problem_mark=key.start_mark)
            first[key.tag, key.value] = key.start_mark.line + 1
        return node


def _yaml(text: str, where: str, mend: str) -> Any:
    loader = None
    try:
        loader = _Loader(text)  # which looks at every character
        return loader.get_single_data()
    except _Twice as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise ConfigError(f"{where}: line {line}: {error.problem}", "keep one of the two") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{where}: not YAML: {error}", mend) from error
    except ValueError as error:
        raise ConfigError(f"{where}: looks like a date and is none: {error}", "put quotes around the text") from error
    except RecursionError as error:
        raise ConfigError(f"{where}: nested too deeply", "write it flatter") from error
    finally:
        if loader is not None:
            loader.dispose()


def _item(node: Sequence[Any], part: str, setting: str) -> int:
    if not part.isdigit() or int(part) >= len(node):
        raise ConfigError(f"--set {setting}: {part!r} is not one of the {len(node)} items", "count from 0")
    return int(part)


def _told(errors: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The faults without those that come of others: of a list whose one item is wrong, that it has too few."""
    places = [error["loc"] for error in errors]
    return [
        e for e in errors if e["type"] != "too_short" or not any(e["loc"] == p[:-1][: len(e["loc"])] for p in places)
    ]


def _explain(kind: type[BaseModel], value: Json, error: Mapping[str, Any]) -> str:
    # pydantic puts the tags of unions into the location; a field is only what stands in the file
    node: Any = value
    path = []
    for part in error["loc"]:
        if isinstance(node, Mapping) and part in node:
            node = node[part]
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            node = node[part]
        elif error["type"] not in ("missing",) or part != error["loc"][-1]:
            continue
        path.append(str(part))
    field = ".".join(path)
    if error["type"] == "extra_forbidden":
        return f"{field}: unknown key{nearest(path[-1], _siblings(kind, error['loc']))}"
    words = _words(error)
    return words if words.startswith(f"{field}:") else f"{field}: {words}".removeprefix(": ")


def _words(error: Mapping[str, Any]) -> str:
    """What is wrong in the words of a run file, where pydantic's are those of Python."""
    told = error.get("ctx", {})
    key = str(told.get("discriminator", "")).strip("'")
    match error["type"]:
        case "missing":
            return "is required"
        case "union_tag_not_found":
            return f"`{key}` is required"
        case "union_tag_invalid":
            known = str(told["expected_tags"])
            near = nearest(told["tag"], known.split("'")[1::2])
            return f"there is no {key} {told['tag']!r}{near}; known: {known}"
        case "tuple_type" | "list_type":
            return "needs a list: [...]"
        case "dict_type" | "model_type" | "model_attributes_type":
            return "needs `key: value` pairs"
        case "too_short":
            return f"needs at least {told['min_length']} in its list"
        case "string_pattern_mismatch":
            return f"is not of the form {told['pattern']}"  # not what stands there: it may be a key
    return str(error["msg"]).removeprefix("Value error, ")


def _mend(error: Mapping[str, Any]) -> str:
    fault = error.get("ctx", {}).get("error")
    return fault.mend if isinstance(fault, Misfit) else "add it" if error["type"] == "missing" else CHANGE


def _siblings(kind: type[BaseModel], loc: tuple[Any, ...]) -> list[str]:
    """Names that are allowed where an unknown key stands: the fields of the models found along its location."""
    models: list[Any] = [kind]
    for part in loc[:-1]:
        inner = [field.annotation for model in models for name, field in model.model_fields.items() if name == part]
        found = [model for annotation in inner for model in _models(annotation)]
        # in a run file the keys of a generator and of its engine stand side by side
        models = [*models, *found] if part == "spec" else found or models
    return sorted({name for model in models for name in model.model_fields} - {"spec"})


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for item in getattr(annotation, "__args__", ()) for model in _models(item)]
