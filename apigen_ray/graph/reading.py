"""Samples of a run as a Ray Dataset, for whoever goes on with them in Ray."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import ray
from pyarrow.fs import FSSpecHandler, PyFileSystem

from apigen_ray.config import SAMPLE
from apigen_ray.storage import AnyPath

if TYPE_CHECKING:
    from ray.data import Dataset


def read_samples(files: Sequence[AnyPath], columns: Sequence[str] | None = None) -> "Dataset":
    """The rows of sample files as a Ray Dataset; nothing is read before it is consumed.

    Args:
        files: of one run, all on this machine's disks or all in one store.
        columns: of `apigen_ray.config.SAMPLE`; None: all.

    Returns:
        A dataset of these columns. In a Ray session that is there already; else Ray starts one of its own.
    """
    if not files:
        rows = ray.data.from_arrow(SAMPLE.empty_table())
    else:
        first = files[0]
        rows = ray.data.read_parquet(
            [str(file.absolute()) if isinstance(file, Path) else file.path for file in files],
            filesystem=None if isinstance(first, Path) else PyFileSystem(FSSpecHandler(first.fs)),
            schema=SAMPLE,  # a file of an earlier version may lack a column
            partitioning=None,  # round and verdict are columns of the files already
        )
    return rows if columns is None else rows.select_columns(list(columns))
