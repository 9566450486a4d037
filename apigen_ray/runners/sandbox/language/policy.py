"""What foreign code may say: RestrictedPython's transformer, made to take ordinary code; and what only attacks say."""

import ast
from collections.abc import Iterable, Iterator
from typing import Any

from RestrictedPython.transformer import RestrictingNodeTransformer

from apigen_ray.runners.sandbox.language import names
from apigen_ray.runners.sandbox.language.guards import OWN

Problem = tuple[int, str]
"""Line and reason."""


def attacks(tree: ast.Module) -> Iterator[Problem]:
    """What no ordinary module says, wherever it stands, so that a module that says it is refused as a whole."""
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 1)
        for name in bound_names(node):
            if names.is_guard(name) and name not in names.ENUM_NAMES and name != "__doc__":
                yield line, f"the name {name!r} is reserved"
        if isinstance(node, ast.ClassDef):
            for keyword in node.keywords:
                if keyword.arg == "metaclass" and _last_name(keyword.value) not in ("ABCMeta", "EnumMeta", "EnumType"):
                    yield line, "a metaclass is not allowed"


def bound_names(node: ast.AST) -> list[str]:
    """The names that a node itself binds, deletes or declares."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return [name]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.arg(arg=name):
            return [name]
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return [name]
        case ast.MatchMapping(rest=str(name)):
            return [name]
        case ast.Global(names=several) | ast.Nonlocal(names=several):
            return several
        case ast.Import(names=aliases):
            return [alias.asname or alias.name.split(".")[0] for alias in aliases]
        case ast.ImportFrom(names=aliases):
            return [alias.asname or alias.name for alias in aliases]
    return []


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def call(function: str, *arguments: ast.expr, at: ast.AST) -> ast.Call:
    """A call of a guard, where another node stood."""
    node = ast.Call(ast.Name(function, ast.Load()), list(arguments), [])
    return ast.fix_missing_locations(ast.copy_location(node, at))


class Policy(RestrictingNodeTransformer):
    """Rewrites one top-level statement so that every attribute goes through a guard; collects what it refuses.

    RestrictedPython refuses each kind of node that it does not know, and keeps doing so here. Where this differs: names
    and attributes with a single underscore are allowed, as the guards ask at run time whose object it is; annotations
    are dropped; items, iteration and unpacking go unguarded, because nothing that foreign code can reach holds
    anything in its items that it must not have.

    Args:
        bound: names that the module binds somewhere, parameters and locals among them.
        imports: replaces an import by statements without one; given the node, and whether a failing import is caught.
    """

    def __init__(self, bound: set[str], imports: Any) -> None:
        super().__init__()
        self.problems: list[Problem] = []
        self._bound = bound
        self._imports = imports
        self._classes: list[str] = []
        self._selves: list[set[str]] = []
        self._scopes: list[str] = ["module"]
        self._caught = 0
        self._matches = False
        self._patterns = 0

    def error(self, node: ast.AST, info: str) -> None:
        """Notes a problem with its line."""
        self.problems.append((getattr(node, "lineno", 0), info))

    def check_name(self, node: ast.AST, name: str | None, allow_magic_methods: bool = False) -> None:
        """Names that are bound; what only an attack binds was refused before."""
        if name is None:
            return
        if self._scopes[-1] == "class" and names.is_dunder(name):
            if name not in names.CLASS_NAMES:
                self.error(node, f"a class must not define {name}")
            elif name == "__match_args__" and not self._matches:
                self.error(node, "__match_args__ must be a tuple of literals")
        elif name in names.PYTHONS_OWN:
            self.error(node, f"the name {name!r} is reserved")

    # names and attributes

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Reads of what is not offered are refused here, so that the refusal names a line."""
        if isinstance(node.ctx, ast.Load):
            if node.id not in self._bound:
                if node.id in names.NOT_OFFERED:
                    self.error(node, f"{node.id}() is not allowed")
                elif names.is_guard(node.id) or names.is_dunder(node.id):
                    if node.id not in names.READABLE_GLOBALS:
                        self.error(node, f"the name {node.id!r} must not be read")
        else:
            self.check_name(node, node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """``a.b`` asks a guard, unless nothing sensitive goes by such a name; ``a.b = c`` asks whether a may change."""
        name = names.mangled(node.attr, self._classes)
        if isinstance(node.ctx, ast.Load):
            return self._read(node, name)
        if name in names.FORBIDDEN or (names.is_dunder(name) and name not in names.WRITABLE):
            self.error(node, f"the attribute {name} must not be written")
        node = self.node_contents_visit(node)
        node.attr = name
        node.value = call("_write_", node.value, at=node)
        return node

    def _read(self, node: ast.Attribute, name: str) -> ast.AST:
        own = isinstance(node.value, ast.Name) and any(node.value.id in some for some in self._selves)
        if isinstance(node.value, ast.Attribute) and node.value.attr == "__class__" and name == "__name__":
            if isinstance(node.value.value, ast.Name | ast.Attribute):
                node.value = call("_type_", self.visit(node.value.value), at=node)
                return call("_getattr_", node.value, ast.Constant(name), at=node)
        if name == "__class__" and own:
            return call("_type_", node.value, at=node)
        if name == "__dict__":
            return call("_vars_", self.visit(node.value), at=node)
        if name in names.FORBIDDEN or (names.is_dunder(name) and name not in names.READABLE):
            self.error(node, f"the attribute {name} must not be read")
            return node
        value = self.visit(node.value)
        if name in names.BORING:
            node.value = value
            return node
        guard = "_getattr_"
        if name in names.CAREFUL or name in names.HELD:
            guard = "_careful_"
        elif name.startswith("_") and not names.is_dunder(name):
            guard = "_private_"
        return call(guard, value, ast.Constant(name), at=node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """Items are reached without a guard."""
        return self.node_contents_visit(node)

    # statements

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        """Unpacking needs no guard."""
        if self._scopes[-1] == "class":
            self._check_match_args(node)
            self._matches = all(isinstance(target, ast.Name) for target in node.targets)
        new = self.node_contents_visit(node)
        self._matches = False
        return new

    def _check_match_args(self, node: ast.Assign) -> None:
        if not any(isinstance(target, ast.Name) and target.id == "__match_args__" for target in node.targets):
            return
        items = node.value.elts if isinstance(node.value, ast.Tuple | ast.List) else [node.value]
        for item in items:
            if not isinstance(item, ast.Constant) or not isinstance(item.value, str):
                self.error(node, "__match_args__ must be a tuple of literals")
            else:
                self._check_pattern_name(node, item.value)

    def _check_pattern_name(self, node: ast.AST, name: str) -> None:
        if name.startswith("_") or name in names.FORBIDDEN or name in names.CAREFUL:
            self.error(node, f"the attribute {name} must not be matched")

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        """An annotation is dropped, except where a class may make a field of it."""
        if self._scopes[-1] == "class" and isinstance(node.target, ast.Name):
            self.check_name(node, node.target.id)
            node.annotation = ast.copy_location(ast.Name(_field_kind(node.annotation), ast.Load()), node)
            node.value = self.visit(node.value) if node.value else None
            return node
        if node.value is None:
            return None
        target = self.visit(node.target)
        return ast.fix_missing_locations(ast.copy_location(ast.Assign([target], self.visit(node.value)), node))

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        """Python evaluates the target once; a written attribute is asked for as in an assignment."""
        if isinstance(node.target, ast.Attribute):  # it is read, too, and shown to the other operand
            name = names.mangled(node.target.attr, self._classes)
            if name in names.CAREFUL or name in names.HELD:
                self.error(node, f"the attribute {name} must not be changed in place")
        node = self.node_contents_visit(node)
        if isinstance(node.target, ast.Attribute) and node.target.attr.startswith("_"):
            value: Any = node.target.value  # the call of ``_write_``
            node.target.value = call("_augmented_", *value.args, ast.Constant(node.target.attr), at=node)
        return node

    def visit_For(self, node: ast.For) -> ast.AST:
        """Iteration needs no guard."""
        return self.node_contents_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        """Iteration needs no guard; an asynchronous one has no loop to run in."""
        if node.is_async:
            self.error(node.iter, "asynchronous code is not allowed")
        return self.node_contents_visit(node)

    def visit_With(self, node: ast.With) -> ast.AST:
        """Unpacking needs no guard."""
        return self.node_contents_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """A call needs no guard: what can be called is what could be read."""
        return self.node_contents_visit(node)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> ast.AST:
        """Names that are checked where they are bound."""
        return node

    def visit_Try(self, node: ast.Try) -> ast.AST:
        """An import that may fail, and is caught, is not refused."""
        catches = any(
            handler.type is None
            or {"ImportError", "ModuleNotFoundError", "Exception"} & {_last_name(each) for each in _types(handler.type)}
            for handler in node.handlers
        )
        self._caught += catches
        node.body = _visit_all(self, node.body)
        self._caught -= catches
        node.handlers = [self.visit(handler) for handler in node.handlers]
        node.orelse = _visit_all(self, node.orelse)
        node.finalbody = _visit_all(self, node.finalbody)
        return node

    def visit_Import(self, node: ast.Import) -> Any:
        """An import becomes a plain assignment."""
        return self._imports(self, node, bool(self._caught))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> Any:
        """An import becomes a plain assignment."""
        return self._imports(self, node, bool(self._caught))

    # functions and classes

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST | None:
        """Annotations are dropped."""
        if self._scopes[-1] == "class" and node.name in names.LEFT_OUT:
            return None
        self.check_name(node, node.name)
        node.decorator_list = [self.visit(each) for each in node.decorator_list]
        self._visit_arguments(node.args)
        node.returns = None
        every = [*node.args.posonlyargs, *node.args.args]
        self._selves.append({each.arg for each in every})
        self._scopes.append("function")
        node.body = _visit_all(self, node.body) or [ast.copy_location(ast.Pass(), node)]
        self._scopes.pop()
        self._selves.pop()
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        """As a function."""
        self._visit_arguments(node.args)
        self._scopes.append("function")
        node.body = self.visit(node.body)
        self._scopes.pop()
        return node

    def _visit_arguments(self, arguments: ast.arguments) -> None:
        for argument in ast.walk(arguments):
            if isinstance(argument, ast.arg):
                argument.annotation = None
                if argument.arg in names.PYTHONS_OWN:
                    self.error(argument, f"the name {argument.arg!r} is reserved")
        arguments.defaults = [self.visit(each) for each in arguments.defaults]
        arguments.kw_defaults = [self.visit(each) if each else None for each in arguments.kw_defaults]

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """A class is marked as foreign and made by our own ``__build_class__``, which looks at its bases."""
        self.check_name(node, node.name)
        node.decorator_list = [self.visit(each) for each in node.decorator_list]
        node.bases = [self.visit(each) for each in node.bases]
        for keyword in [each for each in node.keywords if each.arg == "metaclass"]:
            node.keywords.remove(keyword)
            if _last_name(keyword.value) != "ABCMeta":
                self.error(node, "a metaclass is not allowed")
            node.bases.append(ast.copy_location(ast.Name("_ABC_", ast.Load()), node))
        node.keywords = [self.visit(each) for each in node.keywords]
        self._classes.append(node.name)
        self._scopes.append("class")
        node.body = _visit_all(self, node.body)
        self._scopes.pop()
        self._classes.pop()
        for hook in sorted(HOOKS & _body_names(node.body)):
            node.body.append(_hooked(hook, node))
        mark = ast.copy_location(ast.Assign([ast.Name(OWN, ast.Store())], ast.Constant(True)), node)
        node.body.insert(1 if ast.get_docstring(node, clean=False) is not None else 0, mark)
        return node

    def visit_TypeIgnore(self, node: ast.TypeIgnore) -> ast.AST:
        """A comment."""
        return node

    # match: names that are captured were looked at before the rewriting

    def _visit_pattern(self, node: Any) -> Any:
        return self.node_contents_visit(node)

    def visit_Match(self, node: ast.Match) -> Any:
        """The classes whose attributes are matched are looked at before: the interpreter asks no guard."""
        before: list[ast.stmt] = []
        for part in [each for case in node.cases for each in ast.walk(case.pattern)]:
            if not isinstance(part, ast.MatchClass) or not (part.patterns or part.kwd_attrs):
                continue
            if isinstance(part.cls, ast.Name) and part.cls.id in _THEMSELVES and part.cls.id not in self._bound:
                continue
            local = f"_pattern{self._patterns}_"
            self._patterns += 1
            value = call("_pattern_", self.visit(part.cls), at=part)
            before.append(ast.copy_location(ast.Assign([ast.Name(local, ast.Store())], value), node))
            part.cls = ast.copy_location(ast.Name(local, ast.Load()), part)
        return [*(ast.fix_missing_locations(each) for each in before), self.node_contents_visit(node)]

    visit_match_case = visit_MatchSingleton = visit_MatchSequence = _visit_pattern
    visit_MatchMapping = visit_MatchStar = visit_MatchAs = visit_MatchOr = _visit_pattern

    def visit_MatchValue(self, node: ast.MatchValue) -> ast.AST:
        """A value is a dotted name, which no guard can be put into: its names must be harmless."""
        for part in ast.walk(node.value):
            if isinstance(part, ast.Attribute):
                self._check_pattern_name(node, part.attr)
        return node

    def visit_MatchClass(self, node: ast.MatchClass) -> ast.AST:
        """Attributes are read by the interpreter itself."""
        if not (node.patterns or node.kwd_attrs):
            for part in ast.walk(node.cls):
                if isinstance(part, ast.Attribute):
                    self._check_pattern_name(node, part.attr)
        for name in node.kwd_attrs:
            self._check_pattern_name(node, name)
        node.patterns = [self.visit(each) for each in node.patterns]
        node.kwd_patterns = [self.visit(each) for each in node.kwd_patterns]
        return node


HOOKS = frozenset(["__getattr__", "__getattribute__"])
_THEMSELVES = frozenset("bool bytearray bytes dict float frozenset int list set str tuple".split())
"""Classes whose one positional pattern is the value itself."""


def _body_names(body: Iterable[ast.AST]) -> set[str]:
    """The names that a class body binds, at whatever depth of statements."""
    found: set[str] = set()
    for node in body:
        found.update(bound_names(node))
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            found |= _body_names(ast.iter_child_nodes(node))
    return found


def _hooked(name: str, at: ast.AST) -> ast.stmt:
    """Wraps a hook that a class body has bound."""
    tree = ast.parse(f"try:\n    {name} = _hook_({name!r}, {name})\nexcept NameError:\n    pass").body[0]
    for node in ast.walk(tree):
        ast.copy_location(node, at)
    return tree


def _visit_all(policy: Policy, body: list[ast.stmt]) -> list[ast.stmt]:
    out: list[ast.stmt] = []
    for statement in body:
        new: Any = policy.visit(statement)
        out.extend(new if isinstance(new, list) else [new] if new is not None else [])
    return out or [ast.copy_location(ast.Pass(), body[0])] if body else out


def _types(node: ast.expr) -> list[ast.expr]:
    return list(node.elts) if isinstance(node, ast.Tuple) else [node]


def _field_kind(annotation: ast.expr) -> str:
    """What stands for the annotation of a field: only these three change what a class makes of it."""
    text = annotation.value if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str) else None
    if text is not None:
        try:
            annotation = ast.parse(text, mode="eval").body
        except (SyntaxError, ValueError):
            return "_any_"
    base = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    return {"ClassVar": "_ClassVar_", "InitVar": "_InitVar_", "KW_ONLY": "_KW_ONLY_"}.get(_last_name(base), "_any_")
