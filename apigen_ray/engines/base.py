"""The contract of an engine: attach an ask to a dataset, so that each row asked for carries its reply."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from apigen_ray.asks.base import Ask, Row

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from ray.data import Dataset


class Engine(Protocol):
    """Answers an ask for the rows of a dataset.

    An engine that has no model at all (the spec is pydantic, see `apigen_ray.engines`)::

        class Mute:
            def preflight(self): ...

            def attach(self, dataset, ask, where, schema):
                def answer(table):
                    replies = [Reply(text="") if where(row) else row[ask.name] for row in table.to_pylist()]
                    return conform(table, ask.name, replies, schema)
                return dataset.map_batches(answer, batch_format="pyarrow", zero_copy_batch=True)

    Every row comes out exactly once, in any order, with all its columns; rows for which ``where`` is false pass
    through untouched; a row that could not be answered has ``error`` set in its reply. Never an exception for a row.
    """

    def preflight(self) -> None:
        """A quick look, before a run is opened, at what would fail every row; starts nothing and asks for nothing paid.

        Raises:
            apigen_ray.errors.EnvironmentFault: names what is missing and the mend.
        """
        ...

    def attach(self, dataset: "Dataset", ask: Ask, where: "Callable[[Row], bool]", schema: "pa.Schema") -> "Dataset":
        """The dataset with the ask's reply in the column ``ask.name``.

        Args:
            dataset: rows of ``schema``; the column ``ask.name`` (type ``REPLY``) is there, null where not yet asked.
            ask: what to ask.
            where: which rows to ask; pure and picklable.
            schema: of every block that comes in, and of every block that goes out.
        """
        ...


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
