"""The API library: what can be called, read from the sources that a config names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field

from apigen_ray.errors import LibraryError
from apigen_ray.library.base import Parsed, Reject, takes_arguments
from apigen_ray.library.dataset import DatasetSource
from apigen_ray.library.mcp import McpSource
from apigen_ray.library.openapi import OpenApiSource
from apigen_ray.library.prepared import PreparedSource
from apigen_ray.library.python import PythonSource
from apigen_ray.library.rapidapi import RapidApiSource
from apigen_ray.records import Api, content_hash

__all__ = ["BUILTIN", "SOURCES", "Library", "LibrarySpec", "Parsed", "Reject", "SourceSpec", "load_library"]

SOURCES = (PythonSource, OpenApiSource, RapidApiSource, McpSource, DatasetSource, PreparedSource)
"""Every source there is; a new one is a file and a place in these two tuples."""

SourceSpec = Annotated[
    PythonSource | OpenApiSource | RapidApiSource | McpSource | DatasetSource | PreparedSource,
    Field(discriminator="kind"),
]
"""One item of the config's section ``library``."""

LibrarySpec = Annotated[tuple[SourceSpec, ...], Field(min_length=1)]
"""The config's section ``library``: a list of sources."""

BUILTIN = PythonSource(module="apigen_ray.library.functions")
"""The built-in functions as a source."""


@dataclass(frozen=True)
class Library:
    """The APIs of all sources, in their order.

    Attributes:
        apis: each under a name of its own.
        rejects: the entries that could not become an Api, and why.
    """

    apis: tuple[Api, ...]
    rejects: tuple[Reject, ...] = ()

    @cached_property
    def digest(self) -> str:
        """Content hash of what a run can see of the library: forms, sources, categories and order."""
        return content_hash("library", *(f"{api.api_id}:{api.category or ''}" for api in self.apis))

    @cached_property
    def by_id(self) -> Mapping[str, Api]:
        """The APIs by ``api_id``."""
        return {api.api_id: api for api in self.apis}


def load_library(specs: Sequence[SourceSpec], base_dir: Path = Path()) -> Library:
    """Reads every source.

    What takes no arguments is among the rejects, with the code ``no_parameters``, whatever its source: a call of it
    tells nothing, and the paper drops it too (section 3.1).

    Args:
        specs: the sources, in order.
        base_dir: what their relative paths start from.

    Raises:
        LibraryError: a source that cannot be read, a function that is named and not usable, two functions of one name
            (the message names both places), or a library with nothing in it (the message names the first rejects).
    """
    parsed = [spec.parse(base_dir) for spec in specs]
    every = [api for part in parsed for api in part.apis]
    apis = tuple(api for api in every if takes_arguments(api))
    rejects = tuple(reject for part in parsed for reject in part.rejects)
    rejects += tuple(_nothing_to_say(api) for api in every if not takes_arguments(api))
    if not apis:
        reasons = "".join(f"\n  {reject.code}: {reject.detail}" for reject in rejects[:5])
        reasons += f"\n  and {len(rejects) - 5} more" if len(rejects) > 5 else ""
        mend = (
            "mend one of the entries named" if rejects else "give a source that defines public functions or operations"
        )
        raise LibraryError(f"the library is empty: none of {len(rejects)} entries can be used{reasons}", mend)
    first: dict[str, Api] = {}
    for api in apis:
        other = first.setdefault(api.name, api)
        if other is not api:
            message = f"two functions are called {api.name!r}: {_place(other)} and {_place(api)}"
            raise LibraryError(message, "rename one, or choose with `functions`, `operations` or `tools`")
    return Library(apis, rejects)


def _nothing_to_say(api: Api) -> Reject:
    detail = f"{_place(api)}: it has no parameters that a model could fill in"
    return Reject(api.source.entry if api.source else api.name, "no_parameters", detail)


def _place(api: Api) -> str:
    return f"{api.source.location} ({api.source.entry})" if api.source else "a tool without a source"
