"""The source ``python``: the typed functions of a file, package or importable module, read without importing it."""

import ast
import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from apigen_ray.errors import LibraryError
from apigen_ray.library.annotations import UnsupportedTypeError, schema_of
from apigen_ray.library.base import Parsed, Reject
from apigen_ray.library.modules import (
    Module,
    NotLiteralError,
    documentation,
    find_importable,
    load_module,
    module_files,
    modules_of,
    statements,
)
from apigen_ray.library.schema import SchemaError, object_schema, require_valid, with_null
from apigen_ray.records import Api, Json, Source

Function = ast.FunctionDef | ast.AsyncFunctionDef

_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*")

_MENDS = {
    "untyped": "add a type hint, or leave the function out (in a run file: `on_untyped: reject`)",
    "unsupported_type": "use types that plain JSON can carry: numbers, text, lists, dicts, Literal, TypedDict, dates",
    "variadic": "name the parameters one by one: a call is made by keyword",
    "positional_only": "remove the `/`: a call is made by keyword",
    "async": "wrap it in a plain function",
    "generator": "return a list",
    "no_parameters": "leave it out: a call without arguments tells nothing (section 3.1 of the paper)",
    "bad_name": "give it a name of letters, digits and underscores, 64 at most",
}


class PythonSource(BaseModel):
    """Functions of a Python file, folder or module: each public one is an entry, its annotations the schema.

    Only the text is read; nothing is imported. Entries are the functions that a module defines at its top level, those
    of ``__all__`` where it has one, otherwise those without a leading underscore. Docstrings may be Google, NumPy or
    reST.

    A function is rejected with one of these codes: ``untyped`` (a parameter has no type hint), ``unsupported_type``
    (a type that plain JSON cannot carry), ``variadic`` (``*args`` or ``**kwargs``), ``positional_only``, ``async``,
    ``generator``, ``no_parameters`` (dropped by the paper too), ``bad_name``.

    Attributes:
        path: a file, or a folder whose files are read; relative to the current folder.
        module: instead of ``path``: the dotted name of an importable module or package.
        category: of all its functions; None: what each module says in ``CATEGORY``.
        functions: only these, whatever their names; each must be usable.
        on_untyped: whether a function without type hints is an ``error`` or a ``reject``; None: an error in a single
            file, where it is a slip; a reject in a package or module given as a whole.
        trust: ``trusted`` where its authors are: its calls are then confined by the process alone, not by the language.
        runner: ``process`` for the client of a private service: its calls are made by plain Python with the packages
            installed here, confined by limits of time and memory alone.
        hosts: ``process`` only: names or addresses of what it speaks to; it is kept from all others.
        env: ``process`` only: names of the environment variables that it needs, such as a key's; their values are
            taken from where calls are executed and kept nowhere.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    codes: ClassVar[tuple[str, ...]] = tuple(_MENDS)

    kind: Literal["python"] = "python"
    path: str | None = None
    module: str | None = None
    category: str | None = None
    functions: tuple[str, ...] | None = Field(default=None, min_length=1)
    on_untyped: Literal["error", "reject"] | None = None
    trust: Literal["untrusted", "trusted"] = "untrusted"
    runner: Literal["python", "process"] = "python"
    hosts: tuple[str, ...] = ()
    env: tuple[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], ...] = ()

    @field_validator("hosts")
    @classmethod
    def _bare_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            try:
                ipaddress.ip_address(host)
            except ValueError:
                if not _HOST.fullmatch(host):
                    problem = f"{host!r} is no host: give its name or address alone, such as api.acme.com, without"
                    raise ValueError(f"{problem} scheme, port, path or wildcard") from None
        return tuple(host.lower() for host in hosts)

    @model_validator(mode="after")
    def _only_a_process(self) -> Self:
        for name in ("hosts", "env"):
            if self.runner != "process" and getattr(self, name):
                raise ValueError(f"`{name}` is only for `runner: process`: add that, or remove `{name}`")
        return self

    @model_validator(mode="after")
    def _one_location(self) -> Self:
        if (self.path is None) == (self.module is None):
            raise ValueError("a python source has either `path` or `module`")
        return self

    def parse(self, base_dir: Path) -> Parsed:
        """Every function of the location as an Api or a reject.

        Raises:
            LibraryError: unreadable or no Python; a function of ``functions`` that is missing or not usable; an untyped
                function, see ``on_untyped``.
        """
        parsed, missing = Parsed(), set(self.functions or ())
        strict = self.on_untyped == "error" or (self.on_untyped is None and self._is_file(base_dir))
        for module, location in self._modules(base_dir):
            for node in _functions(module, self.functions):
                missing.discard(node.name)
                found = self._api(node, module, location)
                if isinstance(found, Api):
                    parsed.apis.append(found)
                elif self.functions or (strict and found.code == "untyped"):
                    raise LibraryError(found.detail, _MENDS[found.code])
                else:
                    parsed.rejects.append(found)
        if missing:
            raise LibraryError(
                f"{self.path or self.module}: there is no function {min(missing)!r}", "correct `functions`"
            )
        return parsed

    def _is_file(self, base_dir: Path) -> bool:
        return self.path is not None and (base_dir / self.path).is_file()

    def _modules(self, base_dir: Path) -> Iterator[tuple[Module, str]]:
        """Each module with the location that executes it: its file, or its dotted name where it is importable."""
        given = (base_dir / self.path).absolute() if self.path is not None else find_importable(self.module or "")
        if given is None or not given.exists():
            tops = modules_of(self.module) if self.module is not None else []
            mend = "give an existing file, folder or installed module"
            mend += f"; relative paths start from {base_dir.absolute()}" if self.path is not None else ""
            mend = f"give a module of this distribution: {', '.join(tops)}" if tops else mend
            raise LibraryError(f"{self.path or self.module}: there is no such Python file, package or module", mend)
        cache: dict[Path, Module | None] = {}
        for file in module_files(given):
            module = cache.get(file) or load_module(file, cache)
            if self.module is None:
                yield module, str(file)
            else:
                inside = file.relative_to(given).with_suffix("").parts if file != given else ()
                yield module, ".".join([self.module, *(part for part in inside if part != "__init__")])

    def _api(self, node: Function, module: Module, location: str) -> Api | Reject:
        where = f"{module.path}:{node.lineno}: function {node.name!r}"
        try:
            _arguments(node)  # most of what is rejected falls here, before its docstring is read
            description, told = documentation(node)
            parameters, returns = _parameters(node, module, told), _returns(node, module)
        except _RejectedError as error:
            return Reject(node.name, error.code, f"{where}: {error}")
        except RecursionError:
            return Reject(node.name, "unsupported_type", f"{where}: a type or default is nested without end")
        return Api(
            name=node.name,
            description=description,
            parameters=parameters,
            returns=returns,
            category=self.category or _category(module),
            source=Source(self.kind, location, node.name, module.digest, self.trust, self.runner, self.hosts, self.env),
        )


class _RejectedError(Exception):
    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def _functions(module: Module, named: tuple[str, ...] | None) -> Iterator[Function]:
    """The entries of a module, in their order.

    Raises:
        LibraryError: the module defines a function twice, and not as alternatives under ``if`` or ``try``.
    """
    found: dict[str, Function] = {}
    for node in statements(module.tree.body):
        if not isinstance(node, Function) or any(
            ast.unparse(item).endswith("overload") for item in node.decorator_list
        ):
            continue  # an overload is one more signature of the function that follows it
        public = node.name in module.public if module.public is not None else not node.name.startswith("_")
        if not (node.name in named if named is not None else public):
            continue
        other = found.get(node.name)
        if other in module.tree.body and node in module.tree.body:
            message = f"{module.path}: two functions are called {node.name!r}: lines {other.lineno} and {node.lineno}"
            raise LibraryError(message, "rename or remove one")
        found[node.name] = node
    yield from found.values()


def _arguments(node: Function) -> list[tuple[ast.arg, ast.expr, ast.expr | None]]:
    """The parameters, each with its annotation and its default.

    Raises:
        _RejectedError: the function cannot be called by keyword, or not without guessing what it takes.
    """
    if isinstance(node, ast.AsyncFunctionDef):
        raise _RejectedError("async", "it is a coroutine")
    if _yields(node):
        raise _RejectedError("generator", "it is a generator")
    if not (node.name.isascii() and len(node.name) <= 64):
        raise _RejectedError("bad_name", "its name is not of letters, digits and underscores, 64 at most")
    star = node.args.vararg or node.args.kwarg
    if star:
        raise _RejectedError("variadic", f"it takes any number of arguments as {star.arg!r}")
    if node.args.posonlyargs:
        raise _RejectedError("positional_only", f"parameter {node.args.posonlyargs[0].arg!r} has no keyword")
    arguments = [*node.args.args, *node.args.kwonlyargs]
    if not arguments:
        raise _RejectedError("no_parameters", "it has no parameters")
    defaults = [*[None] * (len(node.args.args) - len(node.args.defaults)), *node.args.defaults, *node.args.kw_defaults]
    found = []
    for argument, default in zip(arguments, defaults, strict=True):
        if argument.annotation is None:
            raise _RejectedError("untyped", f"parameter {argument.arg!r} has no type hint")
        found.append((argument, argument.annotation, default))
    return found


def _parameters(node: Function, module: Module, told: dict[str, str]) -> Json:
    """The parameters' schema.

    Raises:
        _RejectedError: a type that plain JSON cannot carry.
    """
    properties: dict[str, Json] = {}
    required: list[str] = []
    for argument, annotation, default in _arguments(node):
        try:
            properties[argument.arg] = _property(annotation, default, module, told.get(argument.arg, ""))
        except UnsupportedTypeError as error:
            raise _RejectedError("unsupported_type", f"parameter {argument.arg!r}: {error}") from error
        if default is None:
            required.append(argument.arg)
    try:
        return require_valid(object_schema(properties, required))
    except SchemaError as error:  # a limit or pattern in Annotated that is none
        raise _RejectedError("unsupported_type", str(error)) from error


def _property(annotation: ast.expr, default: ast.expr | None, module: Module, told: str) -> Json:
    schema = schema_of(annotation, module)
    if default is not None:
        try:
            value = module.value(default)
            # before PEP 484 forbade it, `x: int = None` meant that None is allowed
            schema = {**(with_null(schema) if value is None else schema), "default": value}
        except NotLiteralError:
            pass  # there is a default, and only running the code could tell it
    description = schema.pop("description", "") or told
    return {**schema, "description": description} if description else schema


def _returns(node: Function, module: Module) -> Json | None:
    if node.returns is None:
        return None
    try:
        return require_valid(schema_of(node.returns, module))
    except (UnsupportedTypeError, SchemaError):
        return None  # unknown, as `Api.returns` has it: what a function returns does not keep it from being called


def _yields(node: ast.AST) -> bool:
    """Whether a function is a generator: it yields itself, not only in a function within it."""
    nodes = list(ast.iter_child_nodes(node))
    while nodes:
        inner = nodes.pop()
        if isinstance(inner, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(inner, Function | ast.Lambda | ast.ClassDef):
            nodes += ast.iter_child_nodes(inner)
    return False


def _category(module: Module) -> str | None:
    given = module.definitions.get("CATEGORY")
    try:
        value = module.value(given) if isinstance(given, ast.expr) else None
    except NotLiteralError:
        return None
    return value if isinstance(value, str) else None
