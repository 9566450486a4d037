"""Takes out of a module, and of its package, what one function needs, and compiles it."""

import ast
import sys
from collections.abc import Mapping
from types import CodeType
from typing import Any

from apigen_ray.runners.sandbox.language import names
from apigen_ray.runners.sandbox.language.hints import field_hints, hint_statements, parameters
from apigen_ray.runners.sandbox.language.modules import Bound, Module, NeedsError, RefusedError, Unit
from apigen_ray.runners.sandbox.language.policy import Policy, Problem, call
from apigen_ray.runners.sandbox.language.scopes import uses

MAX_MODULES = 100
"""Modules of its own package that one entry may need."""

Place = tuple[str, str]
"""A module and a name in it."""
Prelude = list[tuple[str, str, str | None]]
"""What is imported before a module's code: local name, module, name in it."""
Part = tuple[str, Prelude, CodeType | None, CodeType | None]
"""A module's name, prelude, code, and the code that its hints need beyond it."""


class Shake:
    """What an entry needs, found by following names from it.

    Args:
        texts: source texts by module; None where there is no such module.
        module: the module of the entry.
        entry: the name of the function.
    """

    def __init__(self, texts: Mapping[str, str | None], module: str, entry: str) -> None:
        self._texts = texts
        self._modules: dict[str, Module] = {}
        self._home = module
        self._entry = entry
        self._missing: set[str] = set()
        self._bindings: dict[str, frozenset[str] | None] = {}
        self._kept: dict[str, dict[int, list[ast.stmt]]] = {}

    def function(self) -> ast.FunctionDef | None:
        """The definition of the entry; None where it is assigned.

        Raises:
            RefusedError: it cannot be called here.
            KeyError: there is no such function.
        """
        units = self._module(self._home).by_name.get(self._entry, [])
        if not units:
            raise KeyError(self._entry)
        for node in ast.walk(units[-1].node):
            if isinstance(node, ast.AsyncFunctionDef) and node.name == self._entry:
                raise RefusedError(node.lineno, "an async function cannot be called here")
            if isinstance(node, ast.FunctionDef) and node.name == self._entry:
                return node
        for node in ast.walk(units[-1].node):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda | ast.Call):
                return None
        raise KeyError(self._entry)

    def parts(self) -> list[Part]:
        """The compiled modules, those of the entry last.

        Raises:
            RefusedError: something that the entry needs is refused.
            NeedsError: more texts are wanted.
        """
        function = self.function()
        main: dict[Place, Unit] = {}
        self._follow([(self._home, self._entry)], main)
        self._add_effects(main)
        extra: dict[Place, Unit] = {}
        hints = parameters(function) if function else {}
        try:
            hints = self._follow_hints(hints, main, extra)
        except RefusedError:
            hints, extra = {}, {}
        if self._missing:
            raise NeedsError(self._missing)
        out: list[Part] = []
        used = {name for name, _ in (*main, *extra)}
        for name in sorted(used, key=lambda each: (each == self._home, each)):
            out.append(self._part(name, main, extra, hints))
        return out

    def _module(self, name: str) -> Module:
        found = self._modules.get(name)
        if found is None:
            if len(self._modules) >= MAX_MODULES:
                raise RefusedError(0, f"it needs more than {MAX_MODULES} modules of its package")
            text = self._texts[name]
            if text is None:
                raise RefusedError(0, f"there is no module {name}")
            try:
                found = self._modules[name] = Module(name, text, self._texts, self._bindings)
            except RefusedError as refused:
                raise self._elsewhere(name, refused) from None
        return found

    def _elsewhere(self, name: str, refused: RefusedError) -> RefusedError:
        if name == self._home or refused.reason.startswith("in "):
            return refused
        return RefusedError(refused.line, f"in {name}: {refused.reason}")

    def _follow(self, wanted: list[Place], taken: dict[Any, Unit], having: Mapping[Any, Unit] | None = None) -> None:
        """Takes the units that bind wanted names, and those that these need."""
        seen: set[Place] = set()
        while wanted:
            place = wanted.pop()
            if place in seen:
                continue
            seen.add(place)
            name, local = place
            module = self._module(name)
            for unit in module.by_name.get(local, ()):
                key = (name, unit.index)
                if key not in taken and not (having and key in having):
                    wanted += self._take(module, unit)
                    taken[key] = unit

    def _take(self, module: Module, unit: Unit) -> list[Place]:
        """The places that a unit needs.

        Raises:
            RefusedError: the unit cannot be taken.
        """
        try:
            self._rewrite(module, unit)
            found = self._places(module, unit)
        except NeedsError as needs:
            self._missing |= needs.modules
            return []
        if unit.problems:
            raise self._elsewhere(module.name, RefusedError(*unit.problems[0]))
        return found

    def _places(self, module: Module, unit: Unit) -> list[Place]:
        places = [(module.name, name) for name in unit.uses.names]
        for node, _ in unit.uses.imports:
            for bound in module.resolve(node):
                if bound.kind != "own":
                    continue
                if bound.name is not None:
                    places.append((bound.module, bound.name))
                elif bound.below:
                    self._want(bound.below)
                    way = tuple(bound.below.split("."))
                    below = {
                        each[len(way)] for each in module.chains if each[: len(way)] == way and len(each) > len(way)
                    }
                    places += [(bound.below, each) for each in below]
                else:
                    places += [(bound.module, each) for each in self._attributes(module, bound.local)]
                    self._want(bound.module)
        return places

    def _want(self, name: str) -> None:
        if self._texts.get(name) is None:
            raise NeedsError({name}) if name not in self._texts else RefusedError(0, f"there is no module {name}")

    def _attributes(self, module: Module, local: str) -> set[str]:
        """Names that a module reads of another one that it has imported whole."""
        return {chain[1] for chain in module.chains if chain[0] == local}

    def _rewrite(self, module: Module, unit: Unit) -> None:
        if unit.problems is not None:
            return
        problems: list[Problem] = list(module.misuses(unit))
        policy = Policy(module.bound, lambda policy, node, caught: _imported(module, policy, node, caught))
        new: Any = policy.visit(_clone(unit.node))
        unit.problems = sorted(problems + policy.problems)
        kept = self._kept.setdefault(module.name, {})
        kept[unit.index] = new if isinstance(new, list) else [new] if new is not None else []

    def _add_effects(self, main: dict[Any, Unit]) -> None:
        """Takes each other statement of the entry's own module that has an effect and can be taken with its needs."""
        module = self._module(self._home)
        for unit in module.units:
            if unit.pure or (module.name, unit.index) in main:
                continue
            trial: dict[Any, Unit] = {(module.name, unit.index): unit}
            try:
                self._follow(self._take(module, unit), trial, main)
            except RefusedError:
                continue
            main.update(trial)

    def _follow_hints(
        self, hints: dict[str, ast.expr], main: dict[Any, Unit], extra: dict[Any, Unit]
    ) -> dict[str, ast.expr]:
        """Takes what annotations of the entry need beyond the entry; leaves out those that cannot be had."""
        out = {}
        for parameter, annotation in hints.items():
            trial = dict(extra)
            places = [(self._home, name) for name in uses(annotation).names]
            done: set[Any] = set()
            try:
                while places:
                    self._follow(places, trial, main)
                    reached = self._reached_classes([annotation], main, trial) - done
                    done |= reached
                    places = [
                        (name, each)
                        for name, index in reached
                        for hint in field_hints(self._module(name).units[index].node).values()
                        for each in uses(hint).names
                    ]
            except RefusedError:
                continue
            extra.clear()
            extra.update(trial)
            out[parameter] = annotation
        return out

    def _reached_classes(self, roots: list[ast.expr], main: dict[Any, Unit], extra: dict[Any, Unit]) -> set[Any]:
        """Classes among the units that annotations may name: all that only hints need, and those named directly."""
        named = {name for root in roots for name in uses(root).names}
        found = {key for key, unit in extra.items() if isinstance(unit.node, ast.ClassDef)}
        for key, unit in main.items():
            if isinstance(unit.node, ast.ClassDef) and (
                unit.node.name in named or self._is_field(unit.node.name, found)
            ):
                found.add(key)
        return found

    def _is_field(self, name: str, classes: set[Any]) -> bool:
        return any(
            name in uses(hint).names
            for module, index in classes
            for hint in field_hints(self._module(module).units[index].node).values()
        )

    def _part(self, name: str, main: dict[Any, Unit], extra: dict[Any, Unit], hints: dict[str, ast.expr]) -> Part:
        module = self._module(name)
        kept = self._kept.get(name, {})
        here = sorted(unit.index for (each, _), unit in main.items() if each == name)
        prelude: Prelude = []
        body: list[ast.stmt] = []
        for index in here:
            bounds = self._prelude(module, module.units[index])
            if bounds is None:
                body += kept[index]
            else:
                prelude += [(each.local, each.module, each.name) for each in bounds]
        more: list[ast.stmt] = []
        classes = []
        for index in sorted(unit.index for (each, _), unit in extra.items() if each == name):
            more += kept[index]
        reached = self._reached_classes(list(hints.values()), main, extra)
        for each, index in sorted(reached):
            if each == name:
                classes.append(module.units[index].node)

        def rewrite(annotation: ast.expr) -> ast.expr | None:
            policy = Policy(module.bound, None)
            rewritten: ast.expr = policy.visit(annotation)
            return None if policy.problems else rewritten

        more += hint_statements(classes, hints if name == self._home else {}, rewrite)
        return name, prelude, _compiled(body, name), _compiled(more, name)

    def _prelude(self, module: Module, unit: Unit) -> list[Bound] | None:
        """What a unit binds, if it is an import of the library that can as well be done before all else."""
        if not isinstance(unit.node, ast.Import | ast.ImportFrom):
            return None
        bounds = module.resolve(unit.node)
        single = all(len(module.by_name[each.local]) == 1 for each in bounds)
        return bounds if single and all(each.kind == "library" for each in bounds) else None


def _imported(module: Module, policy: Policy, node: ast.Import | ast.ImportFrom, caught: bool) -> list[ast.stmt]:
    """Assignments that stand for an import."""
    out: list[ast.stmt] = []
    for bound in module.resolve(node):
        if names.is_guard(bound.local):  # a star import may bring one
            policy.error(node, f"the name {bound.local!r} is reserved")
        if bound.kind == "unknown" and not caught:
            what = f"{bound.module}.{bound.name}" if bound.name else bound.module
            policy.error(node, f"the import of {what} is not allowed{_mend(module, bound)}")
        arguments = [ast.Constant(bound.module)] + ([ast.Constant(bound.name)] if bound.name or bound.below else [])
        arguments += [ast.Constant(bound.below)] if bound.below else []
        guard = "_own_" if bound.kind == "own" else "_import_"
        value = call(guard, *arguments, at=node)
        out.append(ast.copy_location(ast.Assign([ast.Name(bound.local, ast.Store())], value), node))
    return [ast.fix_missing_locations(each) for each in out]


def _mend(module: Module, bound: Bound) -> str:
    """What to do about an import of what is neither the standard library's nor of the module's own package."""
    top = bound.module.partition(".")[0]
    if top in sys.stdlib_module_names or top in ("", module.name.partition(".")[0]):
        return ""
    return (
        ": an untrusted source may import the standard library, `execution.preload` and modules of its own package; for"
        f" a {top}.py beside it make the folder a package (an `__init__.py`, `from .{top} import ...`), or say `trust:"
        " trusted`"
    )


def _clone(node: Any) -> Any:
    """A copy of a tree, several times faster than `copy.deepcopy`."""
    if isinstance(node, list):
        return [_clone(each) for each in node]
    if not isinstance(node, ast.AST):
        return node
    new = type(node)()
    vars(new).update({name: _clone(value) for name, value in vars(node).items()})
    return new


def _compiled(body: list[ast.stmt], name: str) -> CodeType | None:
    if not body:
        return None
    tree = ast.fix_missing_locations(ast.Module(body, []))
    try:
        return compile(tree, f"<{name}>", "exec", dont_inherit=True)
    except SyntaxError as error:
        raise RefusedError(error.lineno or 0, f"it does not compile: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise RefusedError(0, f"it does not compile: {type(error).__name__}: {error}"[:200]) from None
