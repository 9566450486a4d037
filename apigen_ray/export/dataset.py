"""Samples of a run as a ``datasets.Dataset``: an Arrow file in the cache of that package, memory-mapped."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from apigen_ray.errors import EnvironmentFault
from apigen_ray.export.samples import schema_of
from apigen_ray.records import content_hash
from apigen_ray.rundir import RunDir
from apigen_ray.storage import new_file
from apigen_ray.tables import conform

if TYPE_CHECKING:
    import datasets  # type: ignore[import-untyped]

BATCH_ROWS = 1_000
"""Rows that are read together where single ones are asked for; the package's own default."""


def to_dataset(
    run: RunDir, verdicts: Sequence[str], columns: Sequence[str] | None, rounds: Sequence[int]
) -> "datasets.Dataset":
    """The rows of closed rounds; written a row group at a time, and once for the same files.

    Args:
        run: the run directory.
        verdicts: only rows with one of these.
        columns: of `apigen_ray.config.SAMPLE`; None: all.
        rounds: closed ones.

    Raises:
        EnvironmentFault: the package is missing, a file of the run is lost, or the cache cannot be written.
    """
    try:
        import datasets
    except ImportError as error:
        raise EnvironmentFault("to_dataset needs the package datasets", "pip install 'apigen-ray[hub]'") from error
    schema = schema_of(columns)
    wanted = {f"verdict={word}" for word in verdicts}
    files = [file for number in rounds for file in run.sample_files(number) if file.parent.name in wanted]
    # a closed file never changes, and another one never has its name
    name = content_hash("dataset", str(run.path), *run.names(files), *schema.names)
    path = Path(datasets.config.HF_DATASETS_CACHE) / "apigen-ray" / f"{name}.arrow"
    if not path.exists():
        with (
            suppress(FileExistsError),  # another process was first
            new_file(path) as file,
            pa.ipc.new_stream(file, schema) as writer,
        ):
            for table in run.read(columns, rounds=rounds, verdicts=verdicts):
                writer.write_table(conform(table, schema), max_chunksize=BATCH_ROWS)
    return datasets.Dataset.from_file(str(path))
