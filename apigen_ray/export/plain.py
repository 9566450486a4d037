"""``parquet`` and ``jsonl``: the rows as they are, every column and any verdict."""

from collections import Counter
from typing import ClassVar

import pyarrow as pa

from apigen_ray.config import SAMPLE
from apigen_ray.export.files import Files, Part
from apigen_ray.records import Json, dumps

_DTYPES = {pa.string(): "string", pa.int32(): "int32", pa.int64(): "int64", pa.float32(): "float32"}


class ParquetExport:
    """The rows as they are (docs/columns.md), a Parquet file for each split."""

    name: ClassVar[str] = "parquet"
    columns: ClassVar[tuple[str, ...]] = tuple(SAMPLE.names)
    with_results: ClassVar[bool] = False

    def __init__(self, results: bool = False) -> None: ...

    def write(self, rows: pa.Table, split: str, files: Files) -> Counter[str]:
        """Appends a row group; see `apigen_ray.export.base.Export`."""
        files.add_table(Part(f"{split}.parquet", split), rows)
        return Counter()

    def features(self, config: str) -> list[Json] | None:
        """None: a Parquet file says it itself."""
        return None

    def finish(self, files: Files) -> None:
        """Nothing stands beside the rows."""


class JsonlExport:
    """The rows as they are, as lines; columns that hold JSON are texts here too."""

    name: ClassVar[str] = "jsonl"
    columns: ClassVar[tuple[str, ...]] = tuple(SAMPLE.names)
    with_results: ClassVar[bool] = False

    def __init__(self, results: bool = False) -> None: ...

    def write(self, rows: pa.Table, split: str, files: Files) -> Counter[str]:
        """Appends a line for each row; see `apigen_ray.export.base.Export`."""
        part, left = Part(f"{split}.jsonl", split), Counter[str]()
        for row in rows.to_pylist():
            try:
                files.add_line(part, dumps(row))
            except ValueError:  # a log-probability of minus infinity, say
                left["a number that JSON cannot hold"] += 1
        return left

    def features(self, config: str) -> list[Json] | None:
        """The columns of ``samples/``: of one that is empty everywhere the lines could not tell the type."""
        return [feature(field) for field in SAMPLE]

    def finish(self, files: Files) -> None:
        """Nothing stands beside the rows."""


def feature(field: pa.Field) -> Json:
    """A column as ``datasets`` writes it into a card."""
    if pa.types.is_struct(field.type):
        return {"name": field.name, "struct": [feature(inner) for inner in field.type]}
    if pa.types.is_list(field.type):
        return {"name": field.name, "list": _DTYPES[field.type.value_type]}
    return {"name": field.name, "dtype": _DTYPES[field.type]}
