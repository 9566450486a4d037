"""The contracts of an ask: a pure pair of request and parse, and of a generator's ask, which writes the samples."""

from collections.abc import Mapping
from typing import Any, Protocol

from apigen_ray.records import Request

Row = Mapping[str, Any]
"""One row of a draft or sample table, as ``pa.Table.to_pylist()`` gives it."""


class Ask(Protocol):
    """A question put to a model about a row. Pure: the same row, the same request.

    An ask that has a model name the language of a query::

        class Language:
            name = "language"

            def wanted(self, row: Row) -> bool:
                return True

            def request(self, row: Row) -> Request:
                return Request(({"role": "user", "content": "Name the language of: " + row["query"]},), max_tokens=4)

    Its engine writes a `apigen_ray.records.REPLY` into the column ``language``; whoever reads it parses ``text``.
    """

    name: str

    def wanted(self, row: Row) -> bool:
        """Whether this row needs the answer at all."""
        ...

    def request(self, row: Row) -> Request:
        """The request for this row."""
        ...


class DraftAsk(Ask, Protocol):
    """The ask of a generator, one for each `apigen_ray.records.Mode`; its name is ``reply``."""

    def records(self, row: Row) -> list[str]:
        """The candidate records in the reply: at least one, each the text that the format verifier is to judge.

        A reply that holds several pairs gives one text for each; one that cannot be taken apart is given back whole.
        """
        ...
