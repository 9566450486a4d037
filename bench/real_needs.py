"""Which functions of a distribution may be candidates of `real_functions`: what they need, read from the text alone."""

import ast
import builtins
import doctest
import json
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, TypeGuard

LEFT_OUT = frozenset("test tests testing vendor _vendor vendored _vendored extern conftest __main__".split())

EFFECTS = frozenset(
    """
    asyncio atexit bdb builtins cgi cgitb cmd code codeop concurrent crypt ctypes curses dbm distutils ensurepip
    faulthandler fcntl fileinput ftplib gc getopt getpass gettext glob grp idlelib imaplib imp importlib linecache
    locale logging mailbox mimetypes mmap msvcrt multiprocessing netrc nntplib nt ntpath.realpath os ossaudiodev pathlib
    pdb pkgutil platform plistlib.load poplib posix pprint.pprint pty pwd py_compile pydoc random readline resource
    runpy sched secrets select selectors shelve shutil signal site smtplib socket socketserver spwd sqlite3 ssl
    subprocess sys sysconfig syslog tarfile telnetlib tempfile termios threading time timeit tkinter trace traceback
    tracemalloc tty turtle unittest venv webbrowser winreg winsound wsgiref xmlrpc zipapp zipfile zipimport zoneinfo
    _thread http.client http.server http.cookiejar urllib.request urllib.robotparser email.utils.make_msgid
    email.utils.localtime email.utils.formatdate uuid.uuid1 uuid.uuid4 uuid.getnode io.open io.FileIO codecs.open
    tokenize.open gzip.open bz2.open lzma.open inspect.currentframe inspect.stack inspect.getsource inspect.getfile
    hashlib.file_digest
    """.split()
)
"""Names of the standard library that read or change what is outside a call: files, processes, clocks, chance, state."""

HARMLESS = frozenset(
    """
    os.path.join os.path.split os.path.splitext os.path.basename os.path.dirname os.path.normpath os.path.isabs
    os.path.commonprefix os.path.commonpath os.path.sep os.sep os.altsep os.extsep os.pathsep os.linesep os.fspath
    os.PathLike os.name pathlib.PurePath pathlib.PurePosixPath pathlib.PureWindowsPath sys.maxsize sys.maxunicode
    sys.version_info sys.byteorder sys.float_info sys.int_info sys.platform sys.intern
    """.split()
)
"""Names below `EFFECTS` without any."""

EFFECT_BUILTINS = frozenset("open input print breakpoint exit quit eval exec compile __import__ globals id".split())
EFFECT_METHODS = frozenset("now today utcnow".split())


def left_out(part: str) -> bool:
    """Whether modules below a folder or file of that name hold no candidates."""
    return part in LEFT_OUT or part.startswith("test_")


class Package:
    """The modules of one top-level package, as texts.

    Args:
        root: the folder that it lies in.
        name: the top-level name.
    """

    def __init__(self, root: Path, name: str) -> None:
        self.root = root
        self.name = name
        self._modules: dict[str, Module | None] = {}
        self._found: dict[tuple[str, str], str] = {}

    def names(self) -> list[str]:
        """Its modules that may hold candidates."""
        folder = self.root / self.name
        files = sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]
        dotted = [file.relative_to(self.root).with_suffix("").parts for file in files]
        plain = [parts[:-1] if parts[-1] == "__init__" else parts for parts in dotted]
        named = [".".join(p) for p in plain if all(map(str.isidentifier, p)) and not any(map(left_out, p))]
        return [name for name in named if "." not in name or self.module(name.rpartition(".")[0])]

    def module(self, name: str) -> "Module | None":
        """The module of a dotted name; None where there is none, or no text that parses."""
        if name not in self._modules:
            base = self.root.joinpath(*name.split("."))
            inside = base / "__init__.py"
            file = inside if inside.is_file() else base.with_suffix(".py")
            try:
                self._modules[name] = Module(name, file == inside, file.read_text("utf-8")) if file.is_file() else None
            except (SyntaxError, ValueError):
                self._modules[name] = None
        return self._modules[name]

    def reach(self, module: str, name: str) -> str:
        """What stands against a name of a module: the first effect or foreign package that it needs; "" for nothing."""
        done: set[tuple[str, str]] = set()
        todo = [(module, name)]
        while todo:
            one = todo.pop()
            if one in done:
                continue
            done.add(one)
            problem, more = self._step(*one)
            if problem:
                return problem
            todo += more
        return ""

    def _step(self, module: str, name: str) -> tuple[str, list[tuple[str, str]]]:
        home = self.module(module)
        if home is None:
            return f"no module {module}", []
        statements = home.bindings.get(name)
        if statements is None:
            if self.module(f"{module}.{name}"):
                return "", []
            for star in home.stars:
                if not self._own(star):
                    return f"from {star} import *", []
                if name in (self.module(star) or home).bindings:
                    return "", [(star, name)]
            return f"{module} has no {name}", []
        more: list[tuple[str, str]] = []
        for statement in statements:
            for path in uses(statement, frozenset()):
                problem, needed = self._use(home, path)
                if problem:
                    return problem, []
                more += needed
        return "", more

    def _use(self, home: "Module", path: str) -> tuple[str, list[tuple[str, str]]]:
        first, _, rest = path.partition(".")
        if path.startswith("!"):
            return path[1:], []
        if first in home.imports:
            return self._dotted(home.imports[first] + ("." + rest if rest else ""))
        if first in home.bindings:
            return "", [(home.name, first)]
        if first in EFFECT_BUILTINS or first == "__file__":
            return first, []
        if hasattr(builtins, first) or first in ("__name__", "__doc__", "__package__", "__class__"):
            return "", []
        return "", [(home.name, first)]  # from a star import, or a name that is nowhere

    def _dotted(self, path: str) -> tuple[str, list[tuple[str, str]]]:
        parts = path.split(".")
        if self._own(path):
            length = len(parts)
            while length and not self.module(".".join(parts[:length])):
                length -= 1
            if not length:
                return f"no module {path}", []
            return "", [(".".join(parts[:length]), parts[length])] if length < len(parts) else []
        if parts[0] not in sys.stdlib_module_names:
            return f"needs {parts[0]}", []
        heads = [".".join(parts[:n]) for n in range(1, len(parts) + 1)]
        if not EFFECTS.isdisjoint(heads) and HARMLESS.isdisjoint(heads):
            return path, []
        return "", []

    def _own(self, path: str) -> bool:
        return path.partition(".")[0] == self.name


class Module:
    """One module's text: what binds its names, and which of them are imports.

    Args:
        name: dotted.
        package: it is an ``__init__``.
        text: the source.
    """

    def __init__(self, name: str, package: bool, text: str) -> None:
        self.name = name
        self.tree = ast.parse(text)
        self.bindings: dict[str, list[ast.stmt]] = {}
        self.imports: dict[str, str] = {}
        self.stars: list[str] = []
        self._folder = name.split(".") if package else name.split(".")[:-1]
        for statement in self.tree.body:
            self._bind(statement)

    def _bind(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.If) and ast.unparse(statement.test).endswith("TYPE_CHECKING"):
            return
        names = set()
        for node in own_scope(statement):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
            elif isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.value, ast.Name):
                if isinstance(node.ctx, ast.Store) or isinstance(
                    statement, ast.Expr
                ):  # TABLE[key] = ..., NAMES.append(...)
                    names.add(node.value.id)
        for node in ast.walk(statement):  # those inside of functions too: as if they stood at the top
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self.imports[alias.asname or alias.name.partition(".")[0]] = (
                        alias.name if alias.asname else alias.name.partition(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
                base = self._folder[: len(self._folder) - node.level + 1] if node.level else []
                origin = ".".join([*base, *([node.module] if node.module else [])])
                for alias in node.names:
                    if alias.name == "*":
                        self.stars.append(origin)
                    else:
                        self.imports[alias.asname or alias.name] = f"{origin}.{alias.name}"
        for name in names:
            self.bindings.setdefault(name, []).append(statement)

    @cached_property
    def calls(self) -> dict[str, list[dict[str, Any]]]:
        """Arguments of calls in the doctests of the module and its functions, by function, where they are literals."""
        found: dict[str, list[dict[str, Any]]] = {}
        functions = {node.name: node for node in self.tree.body if isinstance(node, ast.FunctionDef)}
        documented: list[ast.Module | ast.FunctionDef] = [self.tree, *functions.values()]
        for node in documented:
            for text in doctest_sources(ast.get_docstring(node) or ""):
                for call in (inner for inner in ast.walk(text) if isinstance(inner, ast.Call)):
                    name = ast.unparse(call.func).rpartition(".")[2]
                    if name in functions:
                        try:
                            names = [argument.arg for argument in functions[name].args.args]
                            values = dict(zip(names, map(ast.literal_eval, call.args), strict=False))
                            values |= {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
                            found.setdefault(name, []).append(json.loads(json.dumps(values, allow_nan=False)))
                        except (ValueError, TypeError, KeyError):
                            continue
        return found


def doctest_sources(docstring: str) -> Iterator[ast.Module]:
    """The doctests of a docstring, parsed."""
    try:
        examples = doctest.DocTestParser().get_examples(docstring)
    except ValueError:
        return
    for example in examples:
        try:
            yield ast.parse(example.source)
        except SyntaxError:
            continue


def own_scope(node: ast.AST) -> Iterator[ast.AST]:
    """A node and what is below it, functions and classes not entered."""
    yield node
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from own_scope(child)


def uses(node: ast.AST, bound: frozenset[str]) -> Iterator[str]:
    """The global names that a node needs when it is executed or called, with the attributes asked of them, dotted.

    Annotations need nothing. ``!`` and words: what is an effect by itself.
    """
    if isinstance(node, ast.Global):
        yield "!global statement"
    elif isinstance(node, ast.Attribute):
        if node.attr in EFFECT_METHODS:
            yield f"!.{node.attr}"
        path = [node.attr]
        inner = node.value
        while isinstance(inner, ast.Attribute):
            path.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            if inner.id not in bound:
                yield ".".join([inner.id, *reversed(path)])
        else:
            yield from uses(node.value, bound)
    elif isinstance(node, ast.Name):
        if node.id not in bound and isinstance(node.ctx, ast.Load):
            yield node.id
    elif isinstance(node, ast.AnnAssign):
        for part in (node.target, node.value):
            if part is not None:
                yield from uses(part, bound)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        if not isinstance(node, ast.Lambda):
            for decorator in node.decorator_list:
                yield from uses(decorator, bound)
        for default in [*node.args.defaults, *node.args.kw_defaults]:
            if default is not None:
                yield from uses(default, bound)
        body = node.body if isinstance(node.body, list) else [node.body]
        inside = bound | {argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)}
        inside |= {name for statement in body for name in stored(statement)}
        for statement in body:
            yield from uses(statement, inside)
    elif isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        inside = bound | {name for generator in node.generators for name in stored(generator.target)}
        for child in ast.iter_child_nodes(node):
            yield from uses(child, inside)
    else:
        for child in ast.iter_child_nodes(node):
            yield from uses(child, bound)


def stored(statement: ast.AST) -> Iterator[str]:
    """Names that a statement of a function makes local; not its imports, which count as the module's."""
    for node in own_scope(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name


def promising(node: ast.stmt) -> TypeGuard[ast.FunctionDef]:
    """Whether a statement is a function that may be a candidate by its head and kind."""
    if not isinstance(node, ast.FunctionDef) or node.name.startswith("_") or node.name == "main":
        return False
    head = node.args
    given = [*head.args, *head.kwonlyargs]
    if not given or head.posonlyargs or head.vararg or head.kwarg or any(one.annotation is None for one in given):
        return False
    inside = [inner for statement in node.body for inner in own_scope(statement)]
    if any(isinstance(inner, ast.Yield | ast.YieldFrom) for inner in inside):
        return False
    overload = any("overload" in ast.unparse(decorator) for decorator in node.decorator_list)
    return not overload and node.returns is not None and ast.unparse(node.returns) not in ("None", "NoReturn")


def candidates(root: Path) -> list[dict[str, Any]]:
    """The candidates of a distribution, as far as they can be told from its text."""
    tops = sorted({path.stem for path in root.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()})
    found = []
    for package in (Package(root, top) for top in tops if top.isidentifier()):
        for name in package.names():
            module = package.module(name)
            if module is None:
                continue
            last = {node.name: node for node in module.tree.body if promising(node)}
            for function, node in last.items():
                if package.reach(name, function) == "":
                    texts = {
                        one.value
                        for statement in node.body[bool(ast.get_docstring(node)) :]
                        for one in ast.walk(statement)
                        if isinstance(one, ast.Constant) and isinstance(one.value, str) and 0 < len(one.value) < 30
                    }
                    doctests = module.calls.get(function, [])[:20]
                    found.append({"module": name, "function": function, "texts": sorted(texts), "doctests": doctests})
    return found
