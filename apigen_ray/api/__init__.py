"""What ``import apigen_ray`` offers: run a config, judge records, and read the rows of a run, in Python."""

from apigen_ray.api.reading import Run, open_run
from apigen_ray.api.starting import preview, run, verify
from apigen_ray.config import RunConfig, load_config
from apigen_ray.errors import ApigenError
from apigen_ray.library.live import functions

__all__ = ["ApigenError", "Run", "RunConfig", "functions", "load_config", "open_run", "preview", "run", "verify"]
