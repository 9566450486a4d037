"""The category of a sample: that of the functions it calls, as the library has them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from apigen_ray.errors import ApigenError
from apigen_ray.library import LibrarySpec, load_library
from apigen_ray.records import Json
from apigen_ray.rundir import RunDir

SEVERAL = "(several)"
"""Of a sample that calls functions of more than one category."""

NONE = "(none)"
"""Of a sample whose functions have none, or are not in the library."""


@dataclass(frozen=True)
class Categories:
    """What a run's functions are about.

    Attributes:
        by_name: category by the function's name.
        by_id: category by ``api_id``.
        note: what a reader is to know of them, such as why there are none; "" where all is as it was.
    """

    by_name: dict[str, str] = field(default_factory=dict)
    by_id: dict[str, str] = field(default_factory=dict)
    note: str = ""

    @classmethod
    def of(cls, run: RunDir, specs: Any) -> "Categories":
        """Reads the library of a run, where it still is; nothing of it is executed.

        Args:
            run: the run directory.
            specs: its sources, as the run's config names them.
        """
        if not specs:
            return cls(note="Not known: the run names no library.")
        try:
            library = load_library(TypeAdapter(LibrarySpec).validate_python(specs))
        except (ApigenError, ValidationError) as error:
            why = error.message if isinstance(error, ApigenError) else "its sources are not written as today"
            return cls(note=f"Not known here: the library of the run cannot be read ({why}).")
        known = [api for api in library.apis if api.category]
        if not known:
            return cls(note="The functions of this library have none.")
        manifest = run.manifest()
        then = manifest.get("digests", {}).get("library") or manifest.get("library", {}).get("digest")
        changed = "The library has changed since the run: these are its categories of today."
        return cls(
            {api.name: str(api.category) for api in known},
            {api.api_id: str(api.category) for api in known},
            "" if then == library.digest else changed,
        )

    def sample(self, calls: Iterable[Json], offered: Sequence[str]) -> str:
        """The category of what is called, or else of what was offered.

        Args:
            calls: of the sample, or those planned for it, as far as they can be read.
            offered: ``api_ids``.
        """
        found = {self.by_name.get(str(call.get("name"))) for call in calls}
        found = found or {self.by_id.get(name) for name in offered}
        known = {category for category in found if category}
        return SEVERAL if len(known) > 1 else next(iter(known), NONE)
