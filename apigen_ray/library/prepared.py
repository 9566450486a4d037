"""The source ``prepared``: a library of its own folder, where each entry has its row and each row what became of it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from apigen_ray.errors import LibraryError
from apigen_ray.library.base import Parsed, Reject, chosen
from apigen_ray.records import REPLY, Api, Json, Source, Status, dumps, status_fields
from apigen_ray.storage import AnyPath, as_path, read_tables, read_text, write_text

PARSE = "parse"
"""What a row says of its entry's reading."""

STEPS = ("quality", "accessibility", "description", "category")
"""The steps of preparing a library (paper, section 3.1), in their order."""

ENTRY = pa.schema(
    [
        pa.field("row_id", pa.string()),  # content hash of where the entry stands
        pa.field("number", pa.int64()),  # its place in the library
        pa.field("given", pa.string()),  # the source that was named to `apigen library import`
        pa.field("kind", pa.string()),  # of that source
        pa.field("location", pa.string()),  # as `Source.location`, or the file that was read
        pa.field("entry", pa.string()),
        pa.field("name", pa.string()),  # of the function, unique in the library; null for a reject
        pa.field("original_name", pa.string()),  # as its source alone would call it
        pa.field("form_id", pa.string()),  # two of one are duplicates
        pa.field("api", pa.string()),  # JSON of `api_form`; null for a reject
        *(field for name in (PARSE, *STEPS) for field in status_fields(name)),
        pa.field("example", pa.string()),  # JSON {"arguments", "result"} of the call that showed it accessible
        pa.field("original", pa.string()),  # JSON {"description", "parameters"} where they were written anew
        pa.field("describe", REPLY),  # what a model said, asked for them
        pa.field("categorise", REPLY),  # what a model said, asked for the category
    ]
)
"""A row of ``apis/``: one for every entry of every source, whatever became of it."""

GROUP = 64
"""Rows of a row group: what one task takes at a time."""

_MEND = "make one: apigen library import SOURCE --out LIB"


def api_form(api: Api) -> str:
    """The JSON text of an Api with its source."""
    return dumps(asdict(api))


def api_of(text: str) -> Api:
    """The inverse of `api_form`."""
    form: Json = json.loads(text)
    source: Json | None = form.pop("source")
    if source is None:
        return Api(**form)
    parts: Json = {key: tuple(value) if isinstance(value, list) else value for key, value in source.items()}
    return Api(**form, source=Source(**parts))


def blame(row: Mapping[str, Any]) -> tuple[str, str, str, str] | None:
    """The first step that an entry did not pass, with status, code and detail; None where a run may use it.

    Args:
        row: of `ENTRY`, or its columns of statuses, codes and details.
    """
    for step in (PARSE, *STEPS):
        status = row[f"{step}_status"]
        if status in (Status.REJECTED, Status.ERROR):
            return step, status, row[f"{step}_code"] or "", row[f"{step}_detail"] or ""
    return None


@dataclass(frozen=True)
class LibraryDir:
    """Where a prepared library lies.

    ::

        LIB/  manifest.json            its sources, and which files of ``apis/`` are live
              result.json              what became of the latest attempt to prepare it
              apis/part-*.parquet      rows of `ENTRY`
              work/attempt=K/...       what a preparation that has not ended has come to

    Attributes:
        path: the folder, on a disk or in a store.
    """

    path: AnyPath

    @property
    def manifest_path(self) -> AnyPath:
        """``manifest.json``: the one switch, written last."""
        return self.path / "manifest.json"

    @property
    def apis(self) -> AnyPath:
        """The folder of the rows."""
        return self.path / "apis"

    @property
    def work(self) -> AnyPath:
        """The folder of a preparation that is under way."""
        return self.path / "work"

    def manifest(self) -> Json:
        """What the library is.

        Raises:
            LibraryError: there is no library.
        """
        try:
            manifest = dict(json.loads(read_text(self.manifest_path)))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise LibraryError(f"{self.path}: there is no library", _MEND) from error
        except (ValueError, TypeError) as error:
            raise LibraryError(f"{self.manifest_path}: not readable ({error})", "delete LIB, import anew") from error
        files, rows = manifest.get("files"), manifest.get("rows")
        named = isinstance(files, list) and all(isinstance(name, str) for name in files)
        if manifest.get("kind") != "library" or not named or not isinstance(rows, int):
            raise LibraryError(f"{self.path}: what lies there is no library", _MEND)
        return manifest

    def write_manifest(self, manifest: Json) -> None:
        """Replaces the manifest in one step."""
        write_text(self.manifest_path, json.dumps(manifest, indent=2, sort_keys=True) + "\n")

    def files(self) -> list[AnyPath]:
        """The live files of rows.

        Raises:
            LibraryError: there is no library.
        """
        return [self.path / name for name in self.manifest()["files"]]

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The rows, some at a time.

        Raises:
            LibraryError: there is no library, or a file of it is lost or another one.
        """
        try:
            for table in read_tables(self.files(), columns):
                if missing := [name for name in columns or ENTRY.names if name not in table.column_names]:
                    raise LibraryError(f"{self.path}: a file of the library has no column {missing[0]!r}", _MEND)
                yield table
        except FileNotFoundError as error:
            raise LibraryError(f"{self.path}: a file of the library is lost ({error})", _MEND) from error


class PreparedSource(BaseModel):
    """The APIs of a prepared library that passed every step asked for, as they are stored: each is an entry.

    An Api keeps the kind, trust and runner of the source that it once came from. What did not pass is a reject, with
    the step that it fell at for a code (``fail_parse``, ``fail_quality``, ``fail_accessibility``, ``fail_description``,
    ``fail_category``), or ``error`` where a step could not be done; the detail has the step's own code.

    Attributes:
        path: the library's folder, relative to the current folder, or a store's URL.
        tools: only these, by name or entry; each must be usable.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    codes: ClassVar[tuple[str, ...]] = (*(f"fail_{step}" for step in (PARSE, *STEPS)), str(Status.ERROR))

    kind: Literal["prepared"] = "prepared"
    path: str
    tools: tuple[str, ...] | None = Field(default=None, min_length=1)

    def parse(self, base_dir: Path) -> Parsed:
        """Every row of the library as an Api or a reject.

        Raises:
            LibraryError: there is no library; a tool of ``tools`` that is missing or unusable.
        """
        path = as_path(self.path) if "://" in self.path else (base_dir / self.path).absolute()
        words = [f"{step}_{part}" for step in (PARSE, *STEPS) for part in ("status", "code", "detail")]
        found: list[tuple[int, Api | Reject]] = []
        for table in LibraryDir(path).read(["number", "entry", "api", *words]):
            found += [(row["number"], _entry(row)) for row in table.to_pylist()]
        found.sort(key=lambda item: item[0])
        apis = [item for _, item in found if isinstance(item, Api)]
        rejects = [item for _, item in found if isinstance(item, Reject)]
        return chosen(Parsed(apis, rejects), self.tools, str(path))


def _entry(row: Mapping[str, Any]) -> Api | Reject:
    fault = blame(row)
    if fault is None:
        return api_of(row["api"])
    step, status, code, detail = fault
    word = str(Status.ERROR) if status == Status.ERROR else f"fail_{step}"
    return Reject(row["entry"], word, f"{step}: {code}: {detail}")
