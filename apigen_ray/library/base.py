"""The contract of an API source: one location in, every entry out as exactly one Api or one reject."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

from apigen_ray.errors import LibraryError
from apigen_ray.records import Api


@dataclass(frozen=True)
class Reject:
    """An entry that cannot become an Api.

    Attributes:
        entry: its name in the source, in the form of `apigen_ray.records.Source.entry`.
        code: one of the source's ``codes``.
        detail: for people: where it stands and what is wrong with it.
    """

    entry: str
    code: str
    detail: str


@dataclass(frozen=True)
class Parsed:
    """All that stands in one location: as many entries as ``apis`` and ``rejects`` together."""

    apis: list[Api] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


def takes_arguments(api: Api) -> bool:
    """Whether a call has anything to say; the paper drops functions without parameters (section 3.1)."""
    return bool(api.parameters.get("properties")) or api.parameters.get("additionalProperties") is not False


def chosen(parsed: Parsed, names: tuple[str, ...] | None, where: str) -> Parsed:
    """Of all that stands in a location only what is named; everything where ``names`` is None.

    Args:
        parsed: all of it.
        names: functions by their name or their entry.
        where: the location, for the messages.

    Raises:
        LibraryError: one is missing, rejected, or takes no arguments.
    """
    if names is None:
        return parsed
    wanted = set(names)
    for reject in parsed.rejects:
        if reject.entry in wanted:
            raise LibraryError(reject.detail, "leave it out of `tools`")
    apis = [api for api in parsed.apis if {api.name, api.source.entry if api.source else api.name} & wanted]
    for api in apis:
        if not takes_arguments(api):
            raise LibraryError(f"{where}: {api.name!r} has no parameters", "leave it out of `tools`")
    found = {name for api in apis for name in (api.name, api.source.entry if api.source else api.name)}
    if wanted - found:
        raise LibraryError(f"{where}: there is no tool {min(wanted - found)!r}", "correct `tools`")
    return Parsed(apis)


class ApiSource(Protocol):
    r"""Reads one location, without executing anything that it finds there. The source is its own config section.

    A source that reads one ``name: description`` per line, each an API that takes a text::

        class LinesSource(BaseModel, extra="forbid", frozen=True):
            codes: ClassVar[tuple[str, ...]] = ("no_description",)

            kind: Literal["lines"]
            path: str

            def parse(self, base_dir: Path) -> Parsed:
                parsed = Parsed()
                for line in read_text(base_dir / self.path, "give a file of lines").splitlines():
                    name, _, description = line.partition(":")
                    if description.strip():
                        source = Source(self.kind, self.path, name, content_hash(line))
                        form = object_schema({"text": {"type": "string"}}, ["text"])
                        parsed.apis.append(Api(name, description.strip(), form, source=source))
                    else:
                        parsed.rejects.append(Reject(name, "no_description", f"{self.path}: {name!r} says nothing"))
                return parsed

    It is listed in `apigen_ray.library.SOURCES` and in the union below it: the config and the contract tests follow.
    """

    codes: ClassVar[tuple[str, ...]]  # closed: why an entry may be rejected

    @property
    def kind(self) -> str:
        """The word that names the source in a config, and in `apigen_ray.records.Source.kind`."""
        ...

    def parse(self, base_dir: Path) -> Parsed:
        """Every entry of the location, once, in an order that depends on nothing but its content.

        Args:
            base_dir: what relative paths start from: the current folder, unless a program gives another.

        Raises:
            apigen_ray.errors.LibraryError: the location cannot be read, or a named entry is missing or not usable.
        """
        ...
