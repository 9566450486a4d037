"""OpenAPI documents read from JSON or YAML as plain JSON; dates, times and odd keys stay the text that they are."""

import json
import re
from pathlib import Path

import yaml

from apigen_ray.errors import LibraryError
from apigen_ray.records import Json

try:
    from yaml import CSafeLoader as _SafeLoader  # ten times as fast, where PyYAML was built with it
except ImportError:
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]


class _Loader(_SafeLoader):
    """YAML's core schema (1.2): ``2020-01-01``, ``on`` and ``12:30`` are text, as documents mean them."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _starts in (
    ("merge", r"<<", ["<"]),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?", list("-+0123456789.")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), _starts)


def read_openapi(path: Path) -> tuple[str, Json]:
    """The text of a document, and the document as plain JSON.

    Raises:
        LibraryError: unreadable, neither JSON nor YAML, or no OpenAPI document.
    """
    mend = "give a Swagger 2.0, OpenAPI 3.0 or 3.1 document in JSON or YAML"
    try:
        text = path.read_text(encoding="utf-8-sig")
        document = json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
        # keys such as 200 become text, values such as dates too; NaN, which JSON cannot say, becomes null
        document = json.loads(json.dumps(document, default=str), parse_constant=lambda _: None)
    except (OSError, UnicodeDecodeError) as error:
        raise LibraryError(f"{path}: cannot be read: {error}", mend) from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise LibraryError(f"{path}: neither JSON nor YAML: {' '.join(str(error).split())}", mend) from error
    version = str(document.get("swagger", document.get("openapi", ""))) if isinstance(document, dict) else ""
    if not re.match(r"2\.|2$|3\.[01]", version):
        raise LibraryError(f"{path}: no OpenAPI document: its version is {version or 'missing'!r}", mend)
    if not isinstance(document.get("paths", {}), dict):
        raise LibraryError(f"{path}: `paths` is not a mapping", mend)
    document.setdefault("paths", {})
    return text, document
