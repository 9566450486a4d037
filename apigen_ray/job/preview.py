"""A few prompts of a config, run like any others, and what became of them."""

import tempfile
from pathlib import Path

from apigen_ray.config import OutputSpec, RunConfig
from apigen_ray.export.samples import find_samples
from apigen_ray.job.loop import run
from apigen_ray.records import Json


def preview_rows(config: RunConfig, n: int) -> list[Json]:
    """Runs one small round of a config in a temporary folder, which is deleted.

    Args:
        config: what to try; every generator gets as many prompts as are needed for ``n`` together.
        n: rows to give back, at most; at least 1.

    Returns:
        Samples as `apigen_ray.export.samples.find_samples` gives them.

    Raises:
        InputError: as for a run.
        RunFailedError: the run broke off.
    """
    size = -(-n // len(config.generators))
    with tempfile.TemporaryDirectory(prefix="apigen-preview-") as folder:
        update = {"size": size, "rounds": 1, "output": OutputSpec(dir=Path(folder), max_error_share=1.0)}
        result = run(config.model_copy(update=update))
        return find_samples(result.run.path, limit=n)
