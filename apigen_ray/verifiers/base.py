"""The contract of a verifier: a table of samples in, the same rows with this stage's columns set out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

import pyarrow as pa

from apigen_ray.asks.base import Ask
from apigen_ray.records import Api
from apigen_ray.tables import set_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apigen_ray.runners.base import ExecutionSpec
    from apigen_ray.runners.rest.leases import Leases
    from apigen_ray.verifiers.semantic_spec import SemanticSpec


@dataclass(frozen=True)
class Setting:
    """What a verifier may be built from.

    Attributes:
        apis: the library by ``api_id``; empty where records are verified without one.
        execution: the section ``execution`` of the config.
        semantic: the section ``semantic`` of the config.
        leases: what hosts bear, shared with whoever else calls them; None: each process has its own.
    """

    apis: "Mapping[str, Api]"
    execution: "ExecutionSpec"
    semantic: "SemanticSpec"
    leases: "Leases | None" = None


class Verifier(Protocol):
    """Judges samples that every earlier stage passed.

    A verifier that refuses shouting::

        class Shouting:
            \"\"\"Codes: ``all_caps``: ``{"query": "CONVERT 3 KM TO MILES"}``.\"\"\"

            name = "shouting"
            codes = ("all_caps",)
            columns: ClassVar[tuple[pa.Field, ...]] = ()
            needs: tuple[Ask, ...] = ()

            def __init__(self, setting: Setting) -> None: ...

            def check(self, table: pa.Table) -> pa.Table:
                shouts = pc.utf8_is_upper(table["query"])
                ...  # return with_verdict(table, self.name, statuses, codes, details)

    It is listed in `apigen_ray.verifiers.VERIFIERS`, nowhere else: the schema, the graph and the report follow.
    """

    name: ClassVar[str]
    codes: ClassVar[tuple[str, ...]]
    columns: ClassVar[tuple[pa.Field, ...]]  # further columns that `check` sets, beside status, code and detail
    needs: tuple[Ask, ...]  # what a judge must be asked first, about the rows that passed so far

    def __init__(self, setting: Setting) -> None: ...

    def check(self, table: pa.Table) -> pa.Table:
        """Sets ``<name>_status``, ``<name>_code``, ``<name>_detail`` and the verifier's own columns.

        Args:
            table: sample rows (1 or more) that passed all earlier stages, with every column of the sample schema.

        Returns:
            The same rows in the same order. Status is ``passed``, ``rejected`` or ``error``; code is one of ``codes``
            or "" where passed. A row that this stage cannot or is not to judge is ``skipped`` with code
            ``not_requested`` and goes on as if it had passed. Must not raise for what is in a row.
        """
        ...


def with_verdict(
    table: pa.Table, name: str, statuses: Sequence[str], codes: Sequence[str], details: Sequence[str]
) -> pa.Table:
    """The table with the three columns that every verifier writes.

    Args:
        table: rows with the columns of `apigen_ray.records.status_fields`.
        name: the verifier's name.
        statuses: one for each row, as all three.
        codes: "" where passed.
        details: for people; "" where there is nothing to say.
    """
    values = {"status": statuses, "code": codes, "detail": details}
    return set_columns(table, {f"{name}_{part}": column for part, column in values.items()})
