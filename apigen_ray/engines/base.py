"""The contract of an engine: attach an ask to a dataset, so that each row asked for carries its reply."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from apigen_ray.asks.base import Ask, Row

if TYPE_CHECKING:
    import pyarrow as pa
    from ray.data import Dataset


RESTARTS = 2
"""A process of an engine that dies is started again so often, then the run ends and can be resumed. Ray's default is
for ever: what kills it, a request or a lack of memory, would be met and paid for again and again."""


def map_actors(dataset: "Dataset", worker: type, **options: Any) -> "Dataset":
    """``Dataset.map_batches`` over actors that are started again at most `RESTARTS` times.

    Args:
        dataset: any.
        worker: the actors' class.
        **options: of ``map_batches``.
    """
    with warnings.catch_warnings():  # Ray 2.60 announces another way to say so, and has none yet
        warnings.filterwarnings("ignore", "`ray_remote_args` is deprecated")
        return dataset.map_batches(worker, max_restarts=RESTARTS, **options)


Where = Callable[[Row], bool]
"""Which rows to ask."""

Keep = Callable[["pa.Table"], "pa.Table"]
"""What is done with a batch as soon as it is answered."""


def as_it_is(table: "pa.Table") -> "pa.Table":
    """The table: for an engine's batches that nobody keeps."""
    return table


@dataclass(frozen=True)
class Finding:
    """What a look at an engine's surroundings found, for ``apigen doctor``.

    Attributes:
        ok: whether the engine can work with it.
        message: what was found, in one sentence.
        mend: what to do about it; "" where all is well.
    """

    ok: bool
    message: str
    mend: str = ""


class Holds(NamedTuple):
    """What an engine holds of a cluster for a whole run, for each ask that it answers.

    Attributes:
        cpus: logical CPUs.
        gpus: GPUs.
    """

    cpus: int = 0
    gpus: int = 0


class Engine(Protocol):
    """Answers an ask for the rows of a dataset.

    An engine that has no model at all (the spec is pydantic, see `apigen_ray.engines`)::

        class Mute:
            def probe(self, gpus):
                return Finding(True, "nothing to be missing")

            def holds(self, gpus):
                return Holds()

            def preload(self): ...

            def attach(self, dataset, ask, where, schema, keep=as_it_is):
                def answer(table):
                    replies = [Reply(text="") if where(row) else None for row in table.to_pylist()]
                    return keep(answer_column(table, ask.name, replies, schema))
                return dataset.map_batches(answer, batch_format="pyarrow", zero_copy_batch=True)

    Every row comes out exactly once, in any order, with all its columns; rows for which ``where`` is false pass
    through untouched; a row that could not be answered has ``error`` set in its reply. Never an exception for a row.
    """

    def probe(self, gpus: float) -> Finding:
        """A quick look at what would fail every row; starts nothing and asks for nothing that is paid.

        Args:
            gpus: that the cluster has, as far as is known; infinite where the run joins one that is not known yet.
        """
        ...

    def holds(self, gpus: float) -> Holds:
        """What it will hold in a cluster with this many GPUs."""
        ...

    def preload(self) -> None:
        """Begins, on a thread, to load what `attach` needs, while Ray starts; may do nothing."""
        ...

    def attach(
        self, dataset: "Dataset", ask: Ask, where: Where, schema: "pa.Schema", keep: Keep = as_it_is
    ) -> "Dataset":
        """The dataset with the ask's reply in the column ``ask.name``.

        Args:
            dataset: rows of ``schema``; the column ``ask.name`` (type ``REPLY``) is there, null where not yet asked.
            ask: what to ask.
            where: which rows to ask; picklable. It turns false for every row once the run is to stop: whoever holds
                rows back for long looks again before it asks.
            schema: of every block that comes in, and of every block that goes out.
            keep: is given every batch as soon as it is answered, in the process that holds the replies where the engine
                can, and gives back what is to go on: so a reply that was paid for does not wait to be written until
                others have their turn. Picklable; called by several threads at a time.
        """
        ...
