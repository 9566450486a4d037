"""Python modules read as text: what a name in one of them stands for, found without importing anything."""

import ast
import importlib.metadata
import importlib.util
import re
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import docstring_parser

from apigen_ray.errors import LibraryError
from apigen_ray.records import content_hash

_FOREIGN = frozenset((*sys.stdlib_module_names, "typing_extensions", "annotated_types", "pydantic"))
"""Modules whose names mean what they always mean; they are not read, even where they lie beside a file."""

MAX_SOURCE = 4 << 20
"""Characters of a file that is read: a syntax tree takes a hundred times as much memory."""

Definition = ast.ClassDef | ast.expr


class NotLiteralError(ValueError):
    """An expression whose value only running the code could tell."""


@dataclass(frozen=True, eq=False)
class Module:
    """One parsed module.

    Attributes:
        path: its file.
        name: its dotted name seen from ``root``.
        root: the folder that its top-level package lies in, where absolute imports of its siblings are looked up.
        text: its source.
        tree: its syntax tree.
    """

    path: Path
    name: str
    root: Path
    text: str
    tree: ast.Module
    _siblings: "dict[Path, Module | None]" = field(default_factory=dict, repr=False)

    @cached_property
    def digest(self) -> str:
        """Content hash of the text."""
        return content_hash("module", self.text)

    @cached_property
    def definitions(self) -> dict[str, Definition]:
        """Classes and assigned names of the module; the last definition of a name holds."""
        found: dict[str, Definition] = {}
        for node in statements(self.tree.body):
            if isinstance(node, ast.ClassDef):
                found[node.name] = node
            elif isinstance(node, ast.Assign):
                found |= {target.id: node.value for target in node.targets if isinstance(target, ast.Name)}
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
                found[node.target.id] = node.value
        return found

    @cached_property
    def imports(self) -> dict[str, str]:
        """Local name to the dotted name that it was imported from; a star import is kept as ``*0``, ``*1`` ..."""
        package = self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]
        found: dict[str, str] = {}
        for node in statements(self.tree.body):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    top = alias.name.partition(".")[0]
                    found[alias.asname or top] = alias.name if alias.asname else top
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    parts = package.split(".") if package else []
                    base = ".".join([*parts[: len(parts) - node.level + 1], *([base] if base else [])])
                for alias in node.names:
                    key = f"*{len(found)}" if alias.name == "*" else alias.asname or alias.name
                    found[key] = base if alias.name == "*" else f"{base}.{alias.name}"
        return found

    @cached_property
    def public(self) -> frozenset[str] | None:
        """The names in ``__all__``, or None where the module has none that can be read."""
        names: list[str] = []
        seen = False
        for node in self.tree.body:
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) else None
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if value is not None and any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
                try:
                    names += [str(name) for name in ast.literal_eval(value)]
                except (ValueError, TypeError):
                    return None
                seen = True
        return frozenset(names) if seen else None

    def resolve(self, node: ast.expr) -> "tuple[Module, Definition] | str":
        """What a name or dotted name stands for: a definition and the module it is in, or a dotted name from elsewhere.

        Raises:
            NotLiteralError: the expression is no name.
        """
        dotted = _dotted(node)
        if dotted is None:
            raise NotLiteralError(ast.unparse(node))
        return self._find(dotted)

    def _find(self, dotted: str, depth: int = 0) -> "tuple[Module, Definition] | str":
        head, _, rest = dotted.partition(".")
        if head in self.definitions:
            definition = self.definitions[head]
            for part in rest.split(".") if rest else ():
                inner = [n for n in getattr(definition, "body", []) if isinstance(n, ast.ClassDef) and n.name == part]
                if not inner:
                    return dotted
                definition = inner[0]
            return self, definition
        origins = [f"{self.imports[head]}.{rest}" if rest else self.imports[head]] if head in self.imports else []
        origins += [f"{base}.{dotted}" for key, base in self.imports.items() if key.startswith("*")]
        for origin in origins if depth < 8 else ():  # a circle of re-exports ends here
            parts = origin.split(".")
            for cut in range(len(parts) - 1, 0, -1):
                sibling = self._sibling(".".join(parts[:cut]))
                if sibling is not None and sibling is not self:
                    found = sibling._find(".".join(parts[cut:]), depth + 1)
                    if not isinstance(found, str):
                        return found
                    break
        return origins[0] if head in self.imports else dotted

    def _sibling(self, name: str) -> "Module | None":
        """A module of the same package or, for a loose file, of the same folder; None for everything else."""
        top, own = name.partition(".")[0], self.name.partition(".")[0]
        in_package = self.path.parent != self.root
        if top in _FOREIGN or (in_package and top != own):
            return None
        stem = self.root.joinpath(*name.split("."))
        for path in (stem.with_suffix(".py") if stem.name else stem, stem / "__init__.py"):
            if path == self.path:
                return self
            if path not in self._siblings:
                try:
                    self._siblings[path] = load_module(path, self._siblings) if path.is_file() else None
                except LibraryError:  # a sibling that cannot be read names no types; asked for itself it is an error
                    self._siblings[path] = None
            if self._siblings[path] is not None:
                return self._siblings[path]
        return None

    def value(self, node: ast.expr) -> Any:
        """The value of an expression as plain JSON: literals, module constants and members of enums.

        Raises:
            NotLiteralError: only running the code could tell, or JSON cannot hold it.
        """
        match node:
            case ast.Constant(value=value):
                if (
                    value is None
                    or isinstance(value, bool | int | str)
                    or (isinstance(value, float) and abs(value) < float("inf"))
                ):
                    return value
            case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
                value = self.value(operand)
                if isinstance(value, int | float):
                    return -value if isinstance(node.op, ast.USub) else value
            case ast.Tuple() | ast.List():
                return [self.value(item) for item in node.elts]
            case ast.Set():
                return sorted((self.value(item) for item in node.elts), key=repr)
            case ast.Dict(keys=keys, values=values) if all(isinstance(key, ast.expr) for key in keys):
                pairs = [(self.value(key), self.value(item)) for key, item in zip(keys, values, strict=True) if key]
                if all(isinstance(key, str) for key, _ in pairs):
                    return dict(pairs)
            case ast.Call(func=ast.Name(id="frozenset" | "set" | "tuple" | "list"), args=[inner], keywords=[]):
                return self.value(inner)
            case ast.Call(func=ast.Name(id="set" | "tuple" | "list" | "dict" as name), args=[], keywords=[]):
                return {} if name == "dict" else []
            case ast.Name() | ast.Attribute():
                return self._named_value(node)
        raise NotLiteralError(ast.unparse(node))

    def _named_value(self, node: ast.Name | ast.Attribute) -> Any:
        found = self.resolve(node)
        if not isinstance(found, str) and isinstance(found[1], ast.expr):
            if found[1] is node:
                raise NotLiteralError(ast.unparse(node))
            return found[0].value(found[1])
        if isinstance(node, ast.Attribute):
            owner = self.resolve(node.value)
            if not isinstance(owner, str) and isinstance(owner[1], ast.ClassDef):
                members = owner[0].enum_members(owner[1])
                if node.attr in members:
                    return members[node.attr]
        raise NotLiteralError(ast.unparse(node))

    def bases(self, node: ast.ClassDef) -> "list[tuple[Module, ast.ClassDef] | str]":
        """The base classes: definitions where they can be found, else dotted names."""
        found: list[tuple[Module, ast.ClassDef] | str] = []
        for base in node.bases:
            try:
                target = self.resolve(base)
            except NotLiteralError:
                target = ast.unparse(base)
            if isinstance(target, str):
                found.append(target)
            elif isinstance(target[1], ast.ClassDef):
                found.append((target[0], target[1]))
        return found

    def enum_members(self, node: ast.ClassDef) -> dict[str, Any]:
        """Names and values of an enum's members; empty for a class that is no enum.

        Raises:
            NotLiteralError: a value that only running the code could tell.
        """
        origins = {base.rpartition(".")[2] for base in self.bases(node) if isinstance(base, str)}
        if not origins & {"Enum", "IntEnum", "StrEnum"}:
            return {}
        members: dict[str, Any] = {}
        for line in node.body:
            if (
                isinstance(line, ast.Assign)
                and isinstance(line.targets[0], ast.Name)
                and not line.targets[0].id.startswith("_")
            ):
                name = line.targets[0].id
                if isinstance(line.value, ast.Call) and ast.unparse(line.value.func).rpartition(".")[2] == "auto":
                    numbers = [value for value in members.values() if isinstance(value, int)]
                    members[name] = name.lower() if "StrEnum" in origins else max(numbers, default=0) + 1
                else:
                    members[name] = self.value(line.value)
        return members


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module body, those under ``if`` and ``try`` included: they too bind names of the module."""
    for node in body:
        if isinstance(node, ast.If):
            yield from statements([*node.body, *node.orelse])
        elif isinstance(node, ast.Try):
            yield from statements(
                [*node.body, *(line for handler in node.handlers for line in handler.body), *node.orelse]
            )
        else:
            yield node


def documentation(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> tuple[str, dict[str, str]]:
    """What a docstring (Google, NumPy or reST) says of the whole, up to a doctest, and of each parameter or field."""
    text = ast.get_docstring(node) or ""
    try:
        parsed = docstring_parser.parse(text)
    except docstring_parser.ParseError:  # of no style: all of it is description
        return _one_line(text), {}
    told = {
        name.strip(" *`"): _one_line(item.description) for item in parsed.params for name in item.arg_name.split(",")
    }
    return _one_line(parsed.short_description, parsed.long_description), told


def _one_line(*texts: str | None) -> str:
    return " ".join(" ".join(text for text in texts if text).partition(">>>")[0].split())


def load_module(path: Path, siblings: "dict[Path, Module | None] | None" = None) -> Module:
    """Reads and parses one file.

    Raises:
        LibraryError: it cannot be read, is too long, or is no Python.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            text = file.read(MAX_SOURCE + 1)
        if len(text) > MAX_SOURCE:
            raise LibraryError(f"{path}: longer than {MAX_SOURCE >> 20} Mi characters", "leave it out of the library")
        with warnings.catch_warnings():  # what a user's file does with backslashes is not ours to warn about
            warnings.simplefilter("ignore")
            tree = ast.parse(text, str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise LibraryError(f"{path}: cannot be read: {error}", "give the path of a Python file in UTF-8") from error
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        where = f"{path}:{line}" if line else str(path)
        raise LibraryError(
            f"{where}: no valid Python: {error}", "mend the file, or leave it out of the library"
        ) from error
    root = path.parent
    while (root / "__init__.py").is_file() and root.parent != root:
        root = root.parent
    parts = path.relative_to(root).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    module = Module(path, name, root, text, tree, siblings if siblings is not None else {})
    module._siblings[path] = module
    return module


def module_files(path: Path) -> list[Path]:
    """The Python files of a file or folder, sorted, without those below a private or hidden name."""
    if path.is_file():
        return [path]
    return [
        file
        for file in sorted(path.rglob("*.py"), key=lambda file: file.relative_to(path).parts)
        if not any(part.startswith(("_", ".")) and part != "__init__.py" for part in file.relative_to(path).parts)
    ]


def find_importable(name: str) -> Path | None:
    """The file or package folder of an importable module, found without importing it or the packages around it."""
    top, *rest = name.split(".")
    try:
        spec = importlib.util.find_spec(top) if top else None
    except (ImportError, ValueError):
        return None
    for position, _ in enumerate(rest, start=1):
        if spec is None or spec.submodule_search_locations is None:
            return None
        spec = PathFinder.find_spec(".".join([top, *rest[:position]]), list(spec.submodule_search_locations))
    if spec is None or (spec.origin is None and not spec.submodule_search_locations):
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None


def modules_of(distribution: str) -> list[str]:
    """The modules at the top of an installed distribution, by its name on the index: ``PyYAML`` has ``yaml``."""

    def plain(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    public = [item for item in importlib.metadata.packages_distributions().items() if not item[0].startswith("_")]
    return sorted(top for top, names in public if plain(distribution) in map(plain, names) and top.isidentifier())


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = _dotted(node.value)
        return f"{head}.{node.attr}" if head else None
    return None
