"""Small, exact operations on Arrow tables that the stages share."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with exactly the schema's columns, in order and type; a missing column becomes nulls.

    Raises:
        pa.ArrowInvalid: a value does not fit its type: a defect of ours, never of a row.
    """
    if table.schema.equals(schema):
        return table
    columns = []
    for name, type_ in zip(schema.names, schema.types, strict=True):
        if name in table.column_names:
            columns.append(table[name] if table.schema.field(name).type == type_ else table[name].cast(type_))
        else:
            columns.append(pa.nulls(table.num_rows, type_))
    return pa.table(columns, schema=schema)


def set_columns(table: pa.Table, columns: Mapping[str, Sequence[Any] | pa.Array | pa.ChunkedArray]) -> pa.Table:
    """The table with these columns replaced, each keeping the type that the table has for it."""
    for name, values in columns.items():
        position = table.schema.get_field_index(name)
        field = table.schema.field(position)
        array = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, type=field.type)
        table = table.set_column(position, field, array)
    return table


def gathered(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """Neighbouring tables of one schema as one, of at least so many rows where there are enough.

    Many small tables cost a call of Arrow's each, whatever is in them.
    """
    held: list[pa.Table] = []
    count = 0
    for table in tables:
        if held and (count >= rows or not table.schema.equals(held[0].schema)):
            yield pa.concat_tables(held)
            held, count = [], 0
        held.append(table)
        count += table.num_rows
    if held:
        yield pa.concat_tables(held)


def table_of(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """Rows as a table of the schema; keys that a row lacks become null."""
    return pa.table(
        [
            pa.array([row.get(name) for row in rows], type=type_)
            for name, type_ in zip(schema.names, schema.types, strict=True)
        ],
        schema=schema,
    )


@dataclass(frozen=True)
class Sealed:
    """A row that travels through stages which are not ours, as it is.

    Arrow cannot look into an object of a class of our own, so that Ray pickles the whole line it lies in. Taken apart
    into Arrow, a line would change on its way: a whole number next to a null comes out as a float, and a float where
    vLLM wants a whole number ends the thread that reads its requests: it would then wait for ever.

    It stands in this module because every process that a line comes through imports the class's module, and what that
    imports: an engine's worker has better things to load.
    """

    row: Mapping[str, Any] = field(repr=False)
