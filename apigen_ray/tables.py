"""Small, exact operations on Arrow tables that the stages share."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with exactly the schema's columns, in order and type; a missing column becomes nulls.

    Raises:
        pa.ArrowInvalid: a value does not fit its type: a defect of ours, never of a row.
    """
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


def table_of(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """Rows as a table of the schema; keys that a row lacks become null."""
    return pa.table(
        [
            pa.array([row.get(name) for row in rows], type=type_)
            for name, type_ in zip(schema.names, schema.types, strict=True)
        ],
        schema=schema,
    )
