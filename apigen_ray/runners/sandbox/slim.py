"""Leaves out of a module what only types need, as it is executed anew for every call; standard library only."""

import ast
import re

_LOOKS_AT_ITSELF = frozenset(
    """globals locals vars dir eval exec compile __import__ __dict__ __globals__ __annotations__ __annotate__
    __builtins__ get_type_hints get_annotations signature getfullargspec inspect""".split()
)
"""Names by which code could notice that something is left out."""


def slim(tree: ast.Module) -> ast.Module | None:
    """The module without annotations of its plain functions and without TypedDicts that only these name.

    Creating one TypedDict takes as long as a dozen functions. Decorated functions and all other classes stay as they
    are: a decorator, and what makes a dataclass, reads annotations.

    Args:
        tree: the whole module; changed in place.

    Returns:
        The tree; None where the module looks at itself, so that it has to be whole.
    """
    if not _LOOKS_AT_ITSELF.isdisjoint(_names(tree, strings=False)):
        return None
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.decorator_list:
            node.returns = None
            arguments = node.args
            every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
            for argument in every:
                if argument is not None:
                    argument.annotation = None
    while True:  # a TypedDict may be named by another one that is left out
        spare = [node for node in tree.body if isinstance(node, ast.ClassDef) and _is_typed_dict(node)]
        for node in spare:
            rest = [other for other in tree.body if other is not node and not _is_all(other)]
            if node.name not in _names(ast.Module(rest, []), strings=True):
                tree.body.remove(node)
                break
        else:
            return tree


def _is_typed_dict(node: ast.ClassDef) -> bool:
    return not node.decorator_list and [ast.unparse(base) for base in node.bases] in (
        ["TypedDict"],
        ["typing.TypedDict"],
    )


def _is_all(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__all__"]


def _names(tree: ast.Module, *, strings: bool) -> set[str]:
    """Every name and attribute in a tree, imported ones too; and, if asked for, every word of its short strings."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                found.update(name.split("."))
            case ast.Constant(value=str(text)) if strings and len(text) < 200:  # an annotation, or for getattr
                found.update(re.findall(r"\w+", text))
    return found
