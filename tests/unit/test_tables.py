"""What the stages do with Arrow tables."""

import pyarrow as pa
import pytest

from apigen_ray.tables import gathered


@pytest.mark.parametrize(
    ("sizes", "rows", "out"),
    [
        ([], 3, []),
        ([2], 3, [2]),
        ([1, 1, 1, 1, 1, 1, 1], 3, [3, 3, 1]),
        ([5, 1, 0, 2], 3, [5, 3]),
        ([0, 0], 3, [0]),
    ],
)
def test_small_tables_become_fewer_and_keep_their_order(sizes: list[int], rows: int, out: list[int]) -> None:
    numbers = iter(range(sum(sizes)))
    tables = [pa.table({"number": pa.array([next(numbers) for _ in range(size)], pa.int64())}) for size in sizes]
    found = list(gathered(tables, rows))
    assert [len(table) for table in found] == out
    assert [number for table in found for number in table["number"].to_pylist()] == list(range(sum(sizes)))


def test_tables_of_another_schema_are_not_joined() -> None:
    old, new = pa.table({"a": [1]}), pa.table({"a": [2], "b": ["x"]})
    assert list(gathered([old, old, new], 9)) == [pa.concat_tables([old, old]), new]
