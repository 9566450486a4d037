"""The category of a sample: that of the functions it calls, as the library has them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import yaml
from pydantic import TypeAdapter, ValidationError

from apigen_ray.errors import ApigenError
from apigen_ray.library import Library, LibrarySpec, load_library
from apigen_ray.records import Json
from apigen_ray.rundir import RunDir, read_text

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
    def of(cls, run: RunDir) -> "Categories":
        """Reads the library that the run's config names, where it still is; nothing of it is executed."""
        try:
            library = _library(run)
        except (ApigenError, ValidationError, yaml.YAMLError, FileNotFoundError) as error:
            why = error.message if isinstance(error, ApigenError) else type(error).__name__
            return cls(note=f"Not known here: the library of the run cannot be read ({why}).")
        if library is None:
            return cls(note="Not known: the run names no library.")
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


def _library(run: RunDir) -> Library | None:
    config = yaml.safe_load(read_text(run.config_path))
    specs = TypeAdapter(LibrarySpec | None).validate_python(config.get("library"))
    return load_library(specs) if specs else None
