"""The annotations of an entry's parameters, and of the fields of classes that they name, as statements of their own."""

import ast
import copy
import typing
from collections.abc import Callable
from typing import Any


def parameters(function: ast.FunctionDef) -> dict[str, ast.expr]:
    """Annotations by parameter, strings in them parsed."""
    arguments = function.args
    return {
        each.arg: annotation
        for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
        if each.annotation is not None and (annotation := plain(each.annotation)) is not None
    }


def field_hints(node: ast.stmt) -> dict[str, ast.expr]:
    """Annotations of the fields of a class, by field."""
    if not isinstance(node, ast.ClassDef):
        return {}
    return {
        each.target.id: annotation
        for each in node.body
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
        if (annotation := plain(each.annotation)) is not None
    }


_LITERAL = type(typing.Literal[0])


def is_final(hint: Any, seen: set[int]) -> bool:
    """Whether an annotation holds no text: who resolves hints would evaluate it, and without any guard."""
    if isinstance(hint, str | typing.ForwardRef):
        return False
    if id(hint) in seen or type(hint) is _LITERAL:
        return True
    seen.add(id(hint))
    parts: list[Any] = []
    if isinstance(hint, type) and type(hint).__module__ != "types":
        parts = [each for kind in hint.__mro__ for each in vars(kind).get("__annotations__", {}).values()]
        if hasattr(hint, "__orig_bases__"):
            parts += hint.__orig_bases__
    elif type(hint).__module__ in ("typing", "types", "builtins"):
        parts = [
            *getattr(hint, "__args__", ()),
            getattr(hint, "__origin__", None),
            getattr(hint, "__supertype__", None),
        ]
    elif type(hint) in (list, tuple):  # the parameters of a Callable
        parts = list(hint)
    else:  # an object of a foreign class may be taken for anything, and for something else the next time
        return False
    return all(is_final(each, seen) for each in parts)


Rewrite = Callable[[ast.expr], ast.expr | None]


def hint_statements(classes: list[Any], hints: dict[str, ast.expr], rewrite: Rewrite) -> list[ast.stmt]:
    """Statements that put annotations where they belong; one that fails leaves the rest alone.

    Args:
        classes: definitions whose fields have annotations.
        hints: annotations of the entry's parameters.
        rewrite: puts the guards into an annotation; None where it is refused.
    """
    out: list[ast.stmt] = []
    for node in classes:
        for name, annotation in field_hints(node).items():
            if (safe := rewrite(annotation)) is not None:
                out.append(_tried(f"_annotate_({node.name}, {name!r}, 0)", safe))
    for name, annotation in hints.items():
        if (safe := rewrite(annotation)) is not None:
            out.append(_tried(f"_hint_({name!r}, 0)", safe))
    return out


def _tried(text: str, annotation: ast.expr) -> ast.stmt:
    tree: Any = ast.parse(f"try:\n    {text}\nexcept Exception:\n    pass").body[0]
    tree.body[0].value.args[-1] = annotation
    return ast.fix_missing_locations(tree)  # type: ignore[no-any-return]


def plain(annotation: ast.expr) -> ast.expr | None:
    """An annotation without strings and without ``Annotated``; None where a string in it does not parse."""
    try:
        return _Plain().visit(copy.deepcopy(annotation))  # type: ignore[no-any-return]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


class _Plain(ast.NodeTransformer):
    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if not isinstance(node.value, str):
            return node
        return self.visit(ast.parse(node.value.strip(), mode="eval").body)  # type: ignore[no-any-return]

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        name = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
        if name == "Literal":
            return node
        if name in ("Annotated", "Required", "NotRequired", "ReadOnly", "Final"):
            first = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) else node.slice
            return self.visit(first)  # type: ignore[no-any-return]
        return self.generic_visit(node)  # type: ignore[return-value]
