"""What every engine does with a table: pick the rows to ask, make their requests, put the replies into the column."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from apigen_ray.asks.base import Ask, Row
from apigen_ray.records import INTERNAL_ERROR, REPLY, Reply, Request
from apigen_ray.tables import conform

Asked = tuple[Row, Request]
"""A row with the request that was made of it."""


def answer_rows(
    table: pa.Table,
    ask: Ask,
    where: Callable[[Row], bool],
    schema: pa.Schema,
    answer: Callable[[list[Asked]], Sequence[Reply | None]],
) -> pa.Table:
    """Asks the rows that are to be asked, in one call, and leaves the others as they are.

    Args:
        table: rows of ``schema``, any number.
        ask: what to ask.
        where: which rows to ask.
        schema: of the table that is handed back.
        answer: one reply for each row it is given, in their order, None for one that it did not come to ask; not called
            where no row is asked.

    Returns:
        The same rows in the same order. A row whose request could not be made has ``internal_error`` in its reply.
    """
    replies: list[Reply | None] = [None] * table.num_rows
    asked: list[Asked] = []
    positions: list[int] = []
    for position, row in enumerate(table.to_pylist()):
        if not where(row):
            continue
        try:
            request = ask.request(row)
        except Exception as error:  # an ask is our own and pure: a defect costs the rows that show it, not the run
            replies[position] = Reply(error=f"{INTERNAL_ERROR}: ask {ask.name}: {type(error).__name__}: {error}"[:300])
        else:
            asked.append((row, request))
            positions.append(position)
    if asked:
        for position, reply in zip(positions, answer(asked), strict=True):
            replies[position] = reply
    return answer_column(table, ask.name, replies, schema)


def answer_column(table: pa.Table, name: str, replies: Sequence[Reply | None], schema: pa.Schema) -> pa.Table:
    """The table with replies in the column ``name``, conforming to the schema.

    Args:
        table: rows of ``schema``.
        name: the column of type ``REPLY``.
        replies: one for each row; None leaves what the row has.
        schema: of the table that is handed back.

    Raises:
        ValueError: there are more or fewer replies than rows.
    """
    before = table[name].to_pylist() if name in table.column_names else [None] * table.num_rows
    values = [old if new is None else _storable(new) for new, old in zip(replies, before, strict=True)]
    column = pa.array(values, type=REPLY)
    position = table.schema.get_field_index(name)
    if position < 0:
        return conform(table.append_column(pa.field(name, REPLY), column), schema)
    return conform(table.set_column(position, pa.field(name, REPLY), column), schema)


def _storable(reply: Reply) -> dict[str, Any]:
    # Arrow strings are UTF-8 and cannot hold a lone surrogate. Written as its escape it is still the same JSON string,
    # so that the format verifier sees what the model wrote.
    return {
        key: value.encode("utf-8", "backslashreplace").decode("utf-8") if isinstance(value, str) else value
        for key, value in asdict(reply).items()
    }
