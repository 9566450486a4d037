"""One foreign module, taken apart: its top-level statements, what each binds and reads, and what its imports name."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

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
        below: for ``import a.b`` of its own package, which binds a: the module that is meant.
    """

    local: str
    kind: str
    module: str
    name: str | None
    below: str = ""


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
        bindings: what modules bind, by module, as far as it was asked for; shared by the modules of a package.

    Raises:
        RefusedError: it cannot be parsed, or says what only an attack says.
    """

    def __init__(
        self, name: str, text: str, texts: Mapping[str, str | None], bindings: dict[str, frozenset[str] | None]
    ) -> None:
        self.name = name
        self._texts = texts
        self._bindings = bindings
        self._resolved: dict[tuple[str, bool], list[Bound]] = {}
        analysis = _analysed(text)
        for line, reason in analysis.attacks:
            raise RefusedError(line, reason)
        self.chains = analysis.chains
        used = []
        for found in analysis.statements:
            for node in self._expanded(found[0]):
                used.append(found if node is found[0] else (node, binds(node), uses(node)))
        body = [node for node, _, _ in used]
        self.bound = analysis.bound | {each for _, found, _ in used for each in found}
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

    def _expanded(self, node: ast.stmt) -> Iterator[ast.stmt]:
        """A statement, or what a star import of its own package stands for.

        Raises:
            NeedsError: that depends on texts that are not given.
            RefusedError: it is a star import of another package.
        """
        if not isinstance(node, ast.ImportFrom) or node.names[0].name != "*":
            if any(isinstance(each, ast.alias) and each.name == "*" for each in ast.walk(node)):
                raise RefusedError(node.lineno, "a star import hides which names it binds")
            yield node
            return
        if not node.level and ((node.module or "").partition(".")[0] != self.name.partition(".")[0]):
            raise RefusedError(node.lineno, "a star import hides which names it binds")
        bases = [base for base in self._bases(node) if base != self.name]
        wanted = {base for base in bases if base not in self._texts}
        if wanted:
            raise NeedsError(wanted)
        for base in bases:
            text = self._texts[base]
            if text is not None:
                for name in _public(_parsed(text)):
                    yield ast.copy_location(ast.ImportFrom(node.module, [ast.alias(name)], node.level), node)
                return

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
        key = (ast.dump(node), quiet)
        known = self._resolved.get(key)
        if known is None:
            known = self._resolved[key] = self._resolve(node, quiet)
        return known

    def _resolve(self, node: ast.Import | ast.ImportFrom, quiet: bool) -> list[Bound]:
        found: list[Bound] = []
        package = self.name.partition(".")[0] if "." in self.name or self.name in self._texts else ""
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                local = alias.asname or top
                if top == package:
                    if not quiet:
                        below = "" if alias.asname or alias.name == top else alias.name
                        found.append(Bound(local, "own", top if below else alias.name, None, below))
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
            if base != self.name and text is not None and self._binds(base, text, name):
                return Bound(local, "own", base, name)
            if self._texts[f"{base}.{name}"] is not None:
                return Bound(local, "own", f"{base}.{name}", None)
        return Bound(local, "unknown", bases[0] if bases else "", name)

    def _binds(self, module: str, text: str, name: str) -> bool:
        """Whether a module binds a name; what cannot be parsed binds any, so that its refusal is seen."""
        if module not in self._bindings:
            try:
                found = frozenset(each for _, names, _ in _analysed(text).statements for each in names)
            except RefusedError:
                self._bindings[module] = None
            else:
                self._bindings[module] = found
        bound = self._bindings[module]
        return bound is None or name in bound

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


@dataclass(frozen=True)
class _Analysis:
    """What is found out about a text on its own; its nodes are never changed."""

    attacks: list[Problem]
    statements: list[tuple[ast.stmt, set[str], Uses]]
    bound: set[str]
    chains: set[tuple[str, ...]]


@lru_cache(maxsize=64)  # the same texts come again with every further module that is asked for
def _analysed(text: str) -> _Analysis:
    tree = _parsed(text)
    return _Analysis(
        list(attacks(tree)),
        [(node, binds(node), uses(node)) for node in _reached(tree.body)],
        {each for node in ast.walk(tree) for each in bound_names(node)},
        {tuple(chain) for node in ast.walk(tree) if (chain := _chain(node))},
    )


def _public(tree: ast.Module) -> list[str]:
    """The names that a star import takes of a module."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and "__all__" in binds(node):
            try:
                return sorted(ast.literal_eval(node.value))
            except (ValueError, TypeError):
                break
    return sorted({each for node in tree.body for each in binds(node) if not each.startswith("_") and each != "*"})


def _chain(node: ast.AST) -> list[str]:
    """The names of ``a.b.c``; none where this is something else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return [node.id, *reversed(names)] if names and isinstance(node, ast.Name) else []


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
        if isinstance(node, ast.Import | ast.ImportFrom):  # one each, as only some of the names may be needed
            for alias in node.names:
                part: ast.stmt = ast.Import([alias])
                if isinstance(node, ast.ImportFrom):
                    part = ast.ImportFrom(node.module, [alias], node.level)
                yield ast.copy_location(part, node)
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
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
