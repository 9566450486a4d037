"""Reads a YAML file of sections, as ``--config`` takes it beside what a command line says."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from apigen_ray.config import Section
from apigen_ray.errors import ConfigError
from apigen_ray.records import Json

Sections = TypeVar("Sections", bound=Section)


def read_sections(path: Path) -> Json:
    """What stands in a file.

    Raises:
        ConfigError: it cannot be read, or holds no sections.
    """
    try:
        value = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"{path}: cannot be read ({reason})", "give the path of a YAML file") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML: {error}", "mend the line that is named") from error
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: the file holds {type(value).__name__}, not `key: value` sections", "write sections")
    return value


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
        where = f"{path}: " if path is not None else ""
        lines = [_line(kind, item) for item in error.errors()]
        raise ConfigError(where + "\n  ".join(lines), "change what is named") from error


def _line(kind: type[Section], error: Mapping[str, Any]) -> str:
    field = ".".join(map(str, error["loc"]))
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden" and field.isidentifier():
        close = difflib.get_close_matches(field, kind.model_fields, n=1, cutoff=0.5)
        known = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(kind.model_fields)}"
        return f"{field}: unknown key; {known}"
    return message if not field or message.startswith(field) else f"{field}: {message}"
