"""One foreign module, taken apart: its top-level statements, what each binds and reads, and what its imports name."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from apigen_ray.runners.sandbox.language.facades import is_offered
from apigen_ray.runners.sandbox.language.namespaces import BUILTINS
from apigen_ray.runners.sandbox.language.offered import NO_VALUES
from apigen_ray.runners.sandbox.language.policy import Problem, attacks, bound_names
from apigen_ray.runners.sandbox.language.purity import Purity
from apigen_ray.runners.sandbox.language.scopes import Uses, binds, uses

MAX_SOURCE = 1 << 20
"""Characters of a source that are looked at."""


class RefusedError(Exception):
    """A module, or what an entry needs of it, is refused.

    Args:
        line: where.
        reason: why.
    """

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(line, reason)
        self.line = line
        self.reason = reason


class NeedsError(Exception):
    """More modules of the same package are wanted."""

    def __init__(self, modules: set[str]) -> None:
        super().__init__(modules)
        self.modules = modules


@dataclass(frozen=True)
class Bound:
    """What an import binds.

    Attributes:
        local: the name.
        kind: ``library`` (a facade), ``own`` (its own package), ``unknown``.
        module: where from.
        name: what of it; None for the module itself.
    """

    local: str
    kind: str
    module: str
    name: str | None


@dataclass
class Unit:
    """A top-level statement.

    Attributes:
        index: its place.
        node: the statement.
        binds: names that it binds or changes.
        uses: what it reads.
        pure: whether it can be left out where nothing needs what it binds.
    """

    index: int
    node: ast.stmt
    binds: set[str]
    uses: Uses
    pure: bool
    problems: list[Problem] | None = field(default=None)


class Module:
    """A module's text as units.

    Args:
        name: its dotted name.
        text: its source.
        texts: all texts there are, by module; None where there is no such module.

    Raises:
        RefusedError: it cannot be parsed, or says what only an attack says.
    """

    def __init__(self, name: str, text: str, texts: Mapping[str, str | None]) -> None:
        self.name = name
        self._texts = texts
        tree = _parsed(text)
        for line, reason in attacks(tree):
            raise RefusedError(line, reason)
        body = list(_reached(tree.body))
        self.bound = {each for node in ast.walk(tree) for each in bound_names(node)}
        used = [(node, binds(node), uses(node)) for node in body]
        self.imports = {
            bound.local: bound for node in body for bound in self._top_imports(node) if bound.kind == "library"
        }
        top = frozenset(each for _, found, _ in used for each in found)
        dotted = {
            each.local: f"{each.module}.{each.name}" if each.name else each.module for each in self.imports.values()
        }
        hooks = not self.bound.isdisjoint(("__init_subclass__", "__set_name__"))
        purity = Purity(dotted, top | BUILTINS.keys() | {"__name__"}, hooks)
        self.units = [
            Unit(index, node, found, reads, purity.statement(node)) for index, (node, found, reads) in enumerate(used)
        ]
        self.by_name: dict[str, list[Unit]] = {}
        for unit in self.units:
            for each in unit.binds:
                self.by_name.setdefault(each, []).append(unit)

    def _top_imports(self, node: ast.stmt) -> Iterator[Bound]:
        for part in ast.walk(node) if isinstance(node, ast.Try | ast.If) else [node]:
            if isinstance(part, ast.Import | ast.ImportFrom):
                yield from self.resolve(part, quiet=True)

    def resolve(self, node: ast.Import | ast.ImportFrom, quiet: bool = False) -> list[Bound]:
        """What an import binds.

        Args:
            node: the import.
            quiet: only the standard library matters: no text is asked for.

        Raises:
            NeedsError: that depends on texts that are not given.
        """
        found: list[Bound] = []
        package = self.name.partition(".")[0] if "." in self.name or self.name in self._texts else ""
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                local = alias.asname or top
                if top == package and (alias.asname or top == alias.name) and not quiet:
                    found.append(Bound(local, "own", alias.name, None))
                else:
                    kind = "library" if is_offered(alias.name) else "unknown"
                    found.append(Bound(local, kind, alias.name if alias.asname else top, None))
            return found
        if node.module == "__future__":
            return []
        for alias in node.names:
            local = alias.asname or alias.name
            if not node.level and (node.module or "").partition(".")[0] != package:
                module = node.module or ""
                kind = "library" if is_offered(module, alias.name) else "unknown"
                if is_offered(f"{module}.{alias.name}"):
                    found.append(Bound(local, "library", f"{module}.{alias.name}", None))
                else:
                    found.append(Bound(local, kind, module, alias.name))
            elif not quiet:
                found.append(self._own(local, self._bases(node), alias.name))
        return found

    def _bases(self, node: ast.ImportFrom) -> list[str]:
        """Modules that a ``from`` may name: whether this module is itself a package is told by what there is."""
        if not node.level:
            return [node.module or ""]
        parts = self.name.split(".")
        bases = []
        for length in (len(parts) - node.level + 1, len(parts) - node.level):
            if length > 0:
                bases.append(".".join([*parts[:length], *([node.module] if node.module else [])]))
        return bases

    def _own(self, local: str, bases: list[str], name: str) -> Bound:
        wanted = {each for base in bases for each in (base, f"{base}.{name}") if each not in self._texts}
        if wanted:
            raise NeedsError(wanted)
        for base in bases:
            text = self._texts[base]
            if base != self.name and text is not None and _binds(text, name):
                return Bound(local, "own", base, name)
            if self._texts[f"{base}.{name}"] is not None:
                return Bound(local, "own", f"{base}.{name}", None)
        return Bound(local, "unknown", bases[0] if bases else "", name)

    def misuses(self, unit: Unit) -> Iterator[Problem]:
        """What a unit reads of facades that they do not have, and facades that it does more with than read names."""
        local = {
            bound.local: bound.module
            for node, _ in unit.uses.imports
            for bound in self.resolve(node, quiet=True)
            if bound.kind == "library" and bound.name is None
        }
        top = {name: bound.module for name, bound in self.imports.items() if bound.name is None}
        for name, attribute, line in unit.uses.attributes:
            if name in top and not is_offered(top[name], attribute) and not attribute.startswith("__"):
                yield line, f"{top[name]}.{attribute} is not offered"
        bare = [(top.get(name), line) for name, line in unit.uses.bare] + _bare(unit.node, local)
        for module, line in bare:
            if module in NO_VALUES:
                yield line, f"the module {module} cannot be passed on"


def _bare(unit: ast.stmt, imported: dict[str, str]) -> list[tuple[str | None, int]]:
    """Modules that a statement imports itself, where it reads one as a value."""
    if not imported:
        return []
    bases = {id(node.value) for node in ast.walk(unit) if isinstance(node, ast.Attribute)}
    return [
        (imported[node.id], node.lineno)
        for node in ast.walk(unit)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in imported
        if id(node) not in bases
    ]


def _binds(text: str, name: str) -> bool:
    """Whether a module binds a name; what cannot be parsed binds any, so that its refusal is seen."""
    try:
        return any(name in binds(node) for node in _parsed(text).body)
    except RefusedError:
        return True


def _parsed(text: str) -> ast.Module:
    if len(text) > MAX_SOURCE:
        raise RefusedError(0, f"the source is longer than {MAX_SOURCE >> 20} MiB")
    try:
        return ast.parse(text)
    except SyntaxError as error:
        raise RefusedError(error.lineno or 0, f"it does not parse: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise RefusedError(0, f"it does not parse: {type(error).__name__}: {error}"[:200]) from None


def _reached(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Top-level statements, without those that are never executed here."""
    for node in body:
        if isinstance(node, ast.If):
            known = _known_test(node.test)
            if known is not None:
                yield from _reached(node.body if known else node.orelse)
                continue
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign) and "__all__" in binds(node):
            continue
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            yield node


def _known_test(test: ast.expr) -> bool | None:
    """The outcome of a test that is known before: of type checking, of being the main program, of versions."""
    import sys

    match test:
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return False
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = _known_test(operand)
            return None if inner is None else not inner
        case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()], comparators=[ast.Constant(value="__main__")]):
            return False
        case ast.Compare(
            left=ast.Attribute(value=ast.Name(id="sys"), attr="version_info"),
            ops=[op],
            comparators=[ast.Tuple() as other],
        ):
            try:
                wanted = tuple(ast.literal_eval(other))
            except ValueError:
                return None
            have = tuple(sys.version_info)
            match op:
                case ast.GtE():
                    return have >= wanted
                case ast.Gt():
                    return have > wanted
                case ast.Lt():
                    return have < wanted
                case ast.LtE():
                    return have <= wanted
    return None
