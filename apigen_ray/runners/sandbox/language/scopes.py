"""Which names of its module a statement binds and reads; standard library only."""

import ast
from dataclasses import dataclass, field
from typing import Any

from apigen_ray.runners.sandbox.language.policy import bound_names

Names = frozenset[str]
_SCOPES = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass
class Uses:
    """What a statement reads of its module.

    Attributes:
        names: read names.
        attributes: ``name.attribute`` read or written, with the line; not where a missing one would be caught.
        bare: names read as a value of their own, with the line.
        imports: import statements anywhere inside, and whether a failing one is caught.
    """

    names: set[str] = field(default_factory=set)
    attributes: list[tuple[str, str, int]] = field(default_factory=list)
    bare: list[tuple[str, int]] = field(default_factory=list)
    imports: list[tuple[ast.Import | ast.ImportFrom, bool]] = field(default_factory=list)


def uses(node: ast.AST) -> Uses:
    """What a top-level statement, or an expression at the top level, reads of its module."""
    found = Uses()
    _read(node, (), False, found)
    return found


def binds(statement: ast.stmt) -> set[str]:
    """Names of the module that a top-level statement binds, or whose values it changes in place."""
    found: set[str] = set()
    for node in _same_scope(statement):
        found.update(bound_names(node))
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            found.update(_root(node))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            called = node.value.func  # ``TABLE.update(...)``, ``register(TABLE, ...)``
            found.update(_root(called) if isinstance(called, ast.Attribute) else ())
            found.update(name for each in node.value.args for name in _root(each))
    return found


def _root(node: ast.expr) -> list[str]:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    return [node.id] if isinstance(node, ast.Name) else []


def _same_scope(node: ast.AST) -> list[ast.AST]:
    """The nodes below one that belong to the same scope, itself first; a definition is one node."""
    found = [node]
    if isinstance(node, _SCOPES | ast.ClassDef):
        return found
    if isinstance(node, _COMPREHENSIONS):  # a walrus in one binds outside of it
        return [*found, *(each.target for each in ast.walk(node) if isinstance(each, ast.NamedExpr))]
    for child in ast.iter_child_nodes(node):
        found.extend(_same_scope(child))
    return found


def _locals(function: Any) -> Names:
    arguments = {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}
    body = function.body if isinstance(function.body, list) else [function.body]
    bound: set[str] = set()
    declared: set[str] = set()
    for statement in body:
        for node in _same_scope(statement):
            if isinstance(node, ast.Global):
                declared.update(node.names)
            else:
                bound.update(bound_names(node))
    return frozenset((arguments | bound) - declared)


def _read(node: ast.AST, scopes: tuple[Names, ...], caught: bool, found: Uses) -> None:
    match node:
        case ast.Name(id=name):
            if not any(name in scope for scope in scopes) and (scopes or not isinstance(node.ctx, ast.Store)):
                found.names.add(name)
                if isinstance(node.ctx, ast.Load):
                    found.bare.append((name, node.lineno))
            return
        case ast.Attribute(value=ast.Name(id=name), attr=attribute):
            if not any(name in scope for scope in scopes):
                found.names.add(name)
                if not caught:
                    found.attributes.append((name, attribute, node.lineno))
            return
        case ast.Import() | ast.ImportFrom():
            found.imports.append((node, caught))
            return
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
            outside = [*node.args.defaults, *(each for each in node.args.kw_defaults if each)]
            outside += [] if isinstance(node, ast.Lambda) else node.decorator_list
            for each in outside:
                _read(each, scopes, caught, found)
            body = [node.body] if isinstance(node, ast.Lambda) else node.body
            inside = (*scopes, _locals(node))
            for part in body:
                _read(part, inside, caught, found)
            return
        case ast.AnnAssign():
            if node.value is not None:
                _read(node.value, scopes, caught, found)
            _read(node.target, scopes, caught, found)
            return
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            targets = {name for each in node.generators for part in ast.walk(each.target) for name in bound_names(part)}
            scopes = (*scopes, frozenset(targets))
        case ast.ClassDef():
            bound = {name for part in node.body for each in _same_scope(part) for name in bound_names(each)}
            for outer in (*node.decorator_list, *node.bases, *node.keywords):
                _read(outer, scopes, caught, found)
            for part in node.body:  # methods do not see the names of the class
                inner = (
                    scopes if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) else (*scopes, _hidden(bound))
                )
                _read(part, inner, caught, found)
            return
        case ast.Try():
            catches = caught or any(_catches(handler.type) for handler in node.handlers)
            for part in node.body:
                _read(part, scopes, catches, found)
            for rest in (*node.handlers, *node.orelse, *node.finalbody):
                _read(rest, scopes, caught, found)
            return
    for child in ast.iter_child_nodes(node):
        _read(child, scopes, caught, found)


def _hidden(bound: set[str]) -> Names:
    """Names bound in a class body; a name that is also read from outside of it is told by being a builtin or import."""
    return frozenset(bound)


_CATCHING = frozenset(["ImportError", "ModuleNotFoundError", "AttributeError", "Exception", "BaseException"])


def _catches(kinds: ast.expr | None) -> bool:
    if kinds is None:
        return True
    return any(isinstance(node, ast.Name) and node.id in _CATCHING for node in ast.walk(kinds))
