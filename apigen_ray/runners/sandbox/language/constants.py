"""Constants of the standard library that could be changed, made such that cannot."""

from collections.abc import Iterator, Mapping
from typing import Any


class Table(Mapping[Any, Any]):
    """A dict of the library that is only read: a mapping proxy hands its dict to whatever it is compared with."""

    __slots__ = ("_table",)

    def __init__(self, table: Mapping[Any, Any]) -> None:
        self._table = table

    def __getitem__(self, key: Any) -> Any:
        return self._table[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)

    def __repr__(self) -> str:
        return repr(self._table)

    def __deepcopy__(self, memo: Any) -> "Table":
        return self  # what the memo is given is seen by whoever made it

    def copy(self) -> dict[Any, Any]:
        """A dict of the same."""
        return dict(self._table)
