"""Judges' replies on the disk: written once, found again, never asked for twice."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from apigen_ray.config import SAMPLE
from apigen_ray.graph.judged import Judged, fill, persist, sample_ids
from apigen_ray.records import Reply, content_hash
from apigen_ray.storage import parquet_files
from apigen_ray.tables import table_of

NAMES = [content_hash("sample", number) for number in range(8)]


def table(replies: dict[int, Reply | None]) -> pa.Table:
    """A sample for each number."""
    rows: list[dict[str, Any]] = [
        {"sample_id": NAMES[number], "judge": vars(reply) if reply else None} for number, reply in replies.items()
    ]
    return table_of(rows, SAMPLE)


def texts(out: pa.Table) -> list[str | None]:
    assert out.schema == SAMPLE
    return [row and row["text"] for row in out["judge"].to_pylist()]


def index(folder: Path) -> Judged:
    files = [str(file) for file in parquet_files(folder)]
    return Judged(files, sample_ids(files))


def test_replies_are_found_again_in_any_batches(tmp_path: Path) -> None:
    folder = tmp_path / "ask=judge"
    first = table({0: Reply(text="a"), 1: None, 2: Reply(error="endpoint_down: x"), 3: Reply(text="d")})
    assert persist(first, "judge", str(folder)).equals(first)
    persist(table({4: Reply(text="e"), 5: Reply(text="f")}), "judge", str(folder))
    assert len(parquet_files(folder)) == 2
    judged = index(folder)
    out = fill(table(dict.fromkeys((5, 2, 0, 1, 3))), "judge", judged)
    assert texts(out) == ["f", None, "a", None, "d"]  # a failed request is asked again
    nobody = table(dict.fromkeys((1, 6)))
    assert fill(nobody, "judge", judged).equals(nobody)
    assert fill(nobody.slice(0, 0), "judge", judged).num_rows == 0
    assert fill(nobody, "judge", Judged([], [])).equals(nobody)


def test_the_first_reply_that_was_written_wins(tmp_path: Path) -> None:
    persist(table({0: Reply(text="first"), 1: Reply(text="also"), 7: None}), "judge", str(tmp_path))
    again = table({1: Reply(text="other"), 7: None, 0: Reply(text="second")})
    assert texts(persist(again, "judge", str(tmp_path))) == ["also", None, "first"]
    assert len(parquet_files(tmp_path)) == 1
    more = table({0: Reply(error="x: y"), 1: Reply(text="other"), 7: Reply(text="now")})
    assert texts(persist(more, "judge", str(tmp_path))) == ["first", "also", "now"]
    assert sorted(map(len, sample_ids([str(file) for file in parquet_files(tmp_path)]))) == [1, 2]


def test_what_was_there_is_not_written_again(tmp_path: Path) -> None:
    persist(table({0: Reply(text="a"), 1: Reply(text="b")}), "judge", str(tmp_path))
    judged = index(tmp_path)
    filled = fill(table({0: None, 1: None}), "judge", judged)
    assert persist(filled, "judge", str(tmp_path), judged).equals(filled)
    more = fill(table({0: None, 2: None}), "judge", judged)
    more = more.set_column(
        more.schema.get_field_index("judge"),
        SAMPLE.field("judge"),
        table({0: Reply(text="a"), 2: Reply(text="c")})["judge"],
    )
    persist(more, "judge", str(tmp_path), judged)
    ids = sample_ids([str(file) for file in parquet_files(tmp_path)])
    assert sorted(map(len, ids)) == [1, 2]


@pytest.mark.parametrize("replies", [{}, {0: None}, {0: Reply(error="x: y")}])
def test_where_nobody_answered_nothing_is_written(tmp_path: Path, replies: dict[int, Reply | None]) -> None:
    out = persist(table(replies), "judge", str(tmp_path / "none"))
    assert out.num_rows == len(replies)
    assert parquet_files(tmp_path / "none") == []
