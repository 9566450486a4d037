"""The data: SQLite, seeded from ``seed.sql``; queries take microseconds, so that handlers may ask in the event loop."""

import sqlite3
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request

_SEED = Path(__file__).with_name("seed.sql")


def open_database(path: str = ":memory:") -> sqlite3.Connection:
    """A connection to the database, which is filled where it is new; rows come as mappings."""
    # The server may run in another thread than the one that makes the application; it is one thread in any case.
    connection = sqlite3.connect(path, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        connection.executescript(_SEED.read_text(encoding="utf-8"))
    return connection


async def _connection(request: Request) -> sqlite3.Connection:
    connection: sqlite3.Connection = request.app.state.database
    return connection


Database = Annotated[sqlite3.Connection, Depends(_connection)]
"""The database, as a parameter of a handler."""


def several(database: sqlite3.Connection, query: str, *values: Any) -> list[dict[str, Any]]:
    """The rows of a query."""
    return [dict(row) for row in database.execute(query, values)]


def one(database: sqlite3.Connection, query: str, *values: Any) -> dict[str, Any]:
    """The first row of a query.

    Raises:
        HTTPException: 404, there is none.
    """
    rows = several(database, query, *values)
    if not rows:
        raise HTTPException(404, f"there is no {values[0]!r}" if values else "there is nothing")
    return rows[0]


def change(database: sqlite3.Connection, statement: str, *values: Any) -> sqlite3.Cursor:
    """Executes a statement that writes, as a transaction."""
    with database:
        return database.execute(statement, values)


@cache
def _seeded() -> sqlite3.Connection:
    return open_database()


def known(table: str, column: str = "name") -> dict[str, Any]:
    """Extra keys of a parameter's schema: the values that the seeded table has, as an ``enum``.

    A document that names them is one that callers can use; a value that is not among them is answered with 404.
    """
    rows = _seeded().execute(f"SELECT DISTINCT {column} FROM {table} ORDER BY 1")  # noqa: S608 names of our own code
    return {"enum": [row[0] for row in rows]}
