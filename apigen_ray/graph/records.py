"""Rows that exist already, as the beginning of a graph."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa
import ray

from apigen_ray.config import SAMPLE
from apigen_ray.graph.shared import ARROW, Shared
from apigen_ray.graph.stopping import Stop
from apigen_ray.tables import conform

if TYPE_CHECKING:
    from ray.data import Dataset

S = TypeVar("S")


def input_graph(
    splits: Sequence[S],
    read: Callable[[S], Iterable[pa.Table]],
    schema: pa.Schema = SAMPLE,
    stop: Stop | None = None,
) -> "Dataset":
    """The rows of an input, one task for each of its parts.

    Args:
        splits: parts of the input that can be read alone; at least one.
        read: gives the rows of a part, in tables that fit into memory easily.
        schema: of the rows; for `apigen_ray.graph.round.verify_graph` samples on which no stage has spoken.
        stop: once it is asked for, nothing more is read.

    Returns:
        A dataset of these rows.
    """
    work = Shared((tuple(splits), read))
    places = ray.data.range(len(splits), override_num_blocks=len(splits))
    return places.map_batches(partial(_rows, work=work, schema=schema, stop=stop), **ARROW)


def _rows(
    places: pa.Table,
    work: Shared[tuple[tuple[S, ...], Callable[[S], Iterable[pa.Table]]]],
    schema: pa.Schema,
    stop: Stop | None,
) -> Iterator[pa.Table]:
    splits, read = work.get()
    for place in places["id"].to_pylist():
        for table in read(splits[place]):
            if stop is not None and stop.asked():
                return
            yield conform(table, schema)
