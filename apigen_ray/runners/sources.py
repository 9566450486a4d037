"""Finds and reads the text of a Python source without executing anything of it."""

import importlib.util
import re
import stat
import sys
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

MAX_SOURCE = 2 << 20
"""Bytes of one module that are read at most."""

_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


class SourceError(ValueError):
    """A source that is there and is no text that could be executed; in words."""


@dataclass(frozen=True)
class SourceText:
    """A module's text and where it stands.

    Attributes:
        name: the module's name as seen from ``root``.
        file: the file it was read from.
        root: the folder that its top-level name lies in: what it can import beside the standard library.
        text: the source.
    """

    name: str
    file: str
    root: str
    text: str


def read_source(location: str) -> SourceText:
    """The text behind the ``location`` of a python source.

    Args:
        location: a file path (ending in ``.py``) or the name of an importable module.

    Raises:
        OSError: there is no such file or module, or it cannot be read.
        SourceError: it is too large, or no text in the encoding that it names.
    """
    file = Path(location).resolve() if location.endswith(".py") else _module_file(location)
    text = _text(file)
    root, parts = file.parent, [file.stem]
    while (root / "__init__.py").is_file() and root.name.isidentifier():
        parts.insert(0, root.name)
        root = root.parent
    if parts[-1] == "__init__" and len(parts) > 1:
        parts.pop()
    name = ".".join(parts)
    if name in sys.stdlib_module_names:  # a user's random.py is not to stand in for the real one
        name += "_"
    return SourceText(name=name, file=str(file), root=str(root), text=text)


def read_beside(root: str, name: str) -> tuple[str, str] | None:
    """Text and file of a module that lies under the root of another one; None where there is none.

    Args:
        root: of the `SourceText` that imports it.
        name: its dotted name; foreign code may have written it.

    Raises:
        SourceError: see `read_source`.
    """
    if not _NAME.fullmatch(name) or len(name) > 500:
        return None
    folder = Path(root).resolve()
    path = folder.joinpath(*name.split("."))
    for file in (path / "__init__.py", path.with_name(path.name + ".py")):
        try:
            found = file.resolve(strict=True)  # a link must not lead out of the folder
            if found.is_file() and found.is_relative_to(folder):
                return _text(found), str(found)
        except OSError:
            continue
    return None


def _text(file: Path) -> str:
    status = file.stat()
    shown = str(file).encode("utf-8", "replace").decode()  # names of files need not be UTF-8, details are
    if not stat.S_ISREG(status.st_mode):
        raise FileNotFoundError(f"{shown} is no file")  # a pipe would be waited for
    if status.st_size > MAX_SOURCE:
        raise SourceError(f"{shown} is larger than {MAX_SOURCE >> 20} MiB")
    try:
        return importlib.util.decode_source(file.read_bytes())
    except (ValueError, SyntaxError, LookupError) as error:  # an encoding that does not exist, or is none of text
        raise SourceError(f"{shown} is no text: {error}") from error


def _module_file(name: str) -> Path:
    """The file of a module; unlike ``find_spec`` of a dotted name, imports none of the packages around it."""
    top, *rest = name.split(".")
    spec: ModuleSpec | None
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):  # ValueError: a module made by hand, without a spec
        spec = None
    path = top
    for part in rest:
        folders = spec.submodule_search_locations if spec else None
        path = f"{path}.{part}"
        spec = PathFinder.find_spec(path, list(folders)) if folders else None
    if spec is None or not spec.has_location or not str(spec.origin).endswith(".py"):
        raise FileNotFoundError(f"there is no Python module {name!r} with a source file")
    return Path(str(spec.origin)).resolve()
