"""A Ray session for a run: the cluster it was submitted to, or a private one on this machine."""

import gc
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ray

from apigen_ray.machine import cores


@dataclass(frozen=True)
class Cluster:
    """What the run runs on.

    Attributes:
        node_id: Ray's id of the node that the driver is on.
        address: ``host:port`` of the cluster joined, or ``local``.
        joined: whether the cluster was there before the run.
        gpus: GPUs that the cluster has.
    """

    node_id: str
    address: str
    joined: bool
    gpus: float


@contextmanager
def ray_session(held: int = 1) -> Iterator[Cluster]:
    """Joins the cluster that ``RAY_ADDRESS`` names, as inside ``ray job submit``; else starts a private one.

    A session that is already there (a notebook's, a test's) is used as it is and left running.

    Args:
        held: logical CPUs that engines hold for the whole run. A private session has these beside the cores, or the
            stages would wait for each other for ever; more would only start workers that get into each other's way.
    """
    ours = not ray.is_initialized()
    address = os.environ.get("RAY_ADDRESS")
    if ours:
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # Ray 2.60 warns where it is unset
        quiet = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": True}
        if address:
            ray.init(address=address, **quiet)
        else:  # a bare init() would join any cluster that it finds on the machine
            cpus = cores() + held
            _start(address="local", num_cpus=cpus, include_dashboard=False, **quiet)
    _quiet_data()
    context = ray.get_runtime_context()
    try:
        yield Cluster(
            node_id=context.get_node_id(),
            address=context.gcs_address if address or not ours else "local",
            joined=bool(address) or not ours,
            gpus=float(ray.cluster_resources().get("GPU", 0)),
        )
    finally:
        if ours:
            ray.shutdown()
            # An object of the next session may have the id of one of this: a reference that goes later, when a cycle
            # is collected, would be taken for the last one to it.
            gc.collect()


def _start(**options: Any) -> None:
    """Starts a private session; a second time where Ray lost its patience, as it does after 30 s on a busy machine."""
    try:
        ray.init(**options)
    except Exception as error:  # Ray raises this very class
        if "timed out" not in str(error).lower():
            raise
        ray.shutdown()
        ray.init(**options)


def _quiet_data() -> None:
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    # A defect must end the run, which can be resumed; skipping a block would lose its rows without a word.
    context.max_errored_blocks = 0
    context.raise_original_map_exception = True  # else what failed is told in a traceback only
    for name in ("ray.data", "ray.data._internal", "ray.llm", "ray.data.llm"):
        logging.getLogger(name).setLevel(logging.ERROR)
