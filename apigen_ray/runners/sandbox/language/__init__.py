"""The language layer: takes what one function needs out of foreign source text, and refuses what could break out.

It is a filter, and the weaker wall: whoever gets past it stands in a process that may do nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from apigen_ray.runners.sandbox.language.caches import settle
from apigen_ray.runners.sandbox.language.compiled import Compiled, Opened
from apigen_ray.runners.sandbox.language.facades import preload
from apigen_ray.runners.sandbox.language.modules import NeedsError, RefusedError
from apigen_ray.runners.sandbox.language.shake import Shake

__all__ = ["Compiled", "Needs", "Opened", "Refused", "compile_entry", "preload", "settle"]


@dataclass(frozen=True)
class Needs:
    """Modules of the same package whose texts are wanted too: give None for one that does not exist."""

    modules: tuple[str, ...]


@dataclass(frozen=True)
class Refused:
    """Why there is nothing to execute.

    Attributes:
        line: in the source, from 1; 0 where no line is to blame.
        reason: for people.
        code: ``refused``, or ``unknown_function`` where the module has no such function.
    """

    line: int
    reason: str
    code: str = "refused"


def compile_entry(sources: Mapping[str, str | None], module: str, entry: str) -> Compiled | Needs | Refused:
    """Compiles one function with what it needs.

    Args:
        sources: texts of the foreign package by dotted module name; None for one that was looked for and is not there.
        module: the module that has the function.
        entry: the name of the function.
    """
    try:
        return Compiled(module, entry, Shake(sources, module, entry).parts())
    except NeedsError as needs:
        return Needs(tuple(sorted(needs.modules)))
    except RefusedError as refused:
        return Refused(refused.line, refused.reason)
    except KeyError:
        return Refused(0, f"{module} has no function {entry!r}", "unknown_function")
    except RecursionError:
        return Refused(0, "it is nested too deeply")
