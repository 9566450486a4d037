"""What an earlier attempt left to do, found by ids: the tasks of `graph/resume.py`, without Ray."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from apigen_ray.config import SAMPLE
from apigen_ray.graph import resume
from apigen_ray.graph.ids import Ids, digests, hashes
from apigen_ray.graph.stages import sample_id
from apigen_ray.records import DRAFT, content_hash
from apigen_ray.storage import read_tables, write_once
from apigen_ray.tables import table_of

A, B, C, D = (content_hash("prompt", name) for name in "abcd")


class Plans:
    """Stands for a planner in the object store: knows the ids of prompts only."""

    def get(self) -> "Plans":
        return self

    def prompt_ids(self, round: int, generator: str, indices: list[int]) -> list[str]:
        return [content_hash(round, generator, index) for index in indices]


class Held:
    """Stands for ids in the object store."""

    def __init__(self, *ids: str) -> None:
        self._ids = Ids.of(ids)

    def get(self) -> Ids:
        return self._ids


def samples(folder: Path, part: str, *rows: tuple[str, int, int | None]) -> str:
    """A file of samples, each ``(prompt, pair, of)``."""
    table = [{"prompt_id": prompt, "pair": pair, "of": of} for prompt, pair, of in rows]
    write_once(table_of(table, SAMPLE), folder, f"part-{part}")
    return str(folder / f"part-{part}.parquet")


def drafts(folder: Path, part: str, **rows: int) -> str:
    """A file of drafts: the index of each prompt."""
    table = [{"prompt_id": globals()[name], "index": index} for name, index in rows.items()]
    write_once(table_of(table, DRAFT), folder, f"part-{part}")
    return str(folder / f"part-{part}.parquet")


def known(ids: Ids, *wanted: str) -> list[bool]:
    found: list[bool] = ids.contains(digests(pa.array(wanted, pa.string()))).tolist()
    return found


def test_a_prompt_is_finished_with_as_many_pairs_as_its_reply_had(tmp_path: Path) -> None:
    files = [
        samples(tmp_path, "1", (A, 0, 2), (B, 1, 3), (C, 0, 1), (B, 1, 3)),
        samples(tmp_path, "2", (A, 1, 2), (B, 2, 3)),
        samples(tmp_path, "3", (D, 0, None)),  # written before the column was there
    ]
    arrays = [resume.pairs_with_verdict(part) for part in (files[:1], files[1:])]
    assert sum(len(array) for array in arrays) == 7
    assert arrays[0].dtype.itemsize == 20
    for order in (arrays, arrays[::-1]):
        finished, partial = resume.settled(*order)
        assert known(finished, A, B, C, D) == [True, False, True, False]
        ids = [sample_id(prompt, pair) for prompt, pair in ((B, 0), (B, 1), (B, 2), (D, 0), (A, 0))]
        assert known(partial, *ids) == [False, True, True, True, False]
    assert [len(ids) for ids in resume.settled()] == [0, 0]
    assert [len(ids) for ids in resume.settled(resume.pairs_with_verdict([]))] == [0, 0]


def test_open_drafts_are_within_the_size_and_not_finished(tmp_path: Path) -> None:
    files = [drafts(tmp_path, "1", A=0, B=1), drafts(tmp_path, "2", A=0), drafts(tmp_path, "3", C=7, D=8)]
    rows, ids = resume.open_drafts(files, 8, Ids.of([A]))
    assert rows == [1, 0, 1]
    assert hashes(ids) == [B, C]
    (table,) = resume.unfinished(files, 8, Held(A))
    assert table.schema == DRAFT
    assert table["prompt_id"].to_pylist() == [B, C]


def test_drafts_come_in_tables_of_some_hundreds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resume, "ROWS", 2)
    files = [drafts(tmp_path, name, **{name: 0}) for name in "ABCD"]
    tables = list(resume.unfinished(files, 1, Held(B)))
    assert [table["prompt_id"].to_pylist() for table in tables] == [[A, C], [D]]


def test_groups_of_files_are_work_for_a_task() -> None:
    names = [*"abcdefg"]
    assert resume._groups(names, [1, 0, 510, 1, 1, 5000, 2]) == [["a", "c", "d"], ["e"], ["f"], ["g"]]
    assert resume._groups(names, [0] * 7) == []


def test_only_what_is_not_known_is_planned() -> None:
    ids = {f"{name}{index}": content_hash(0, name, index) for name in "ab" for index in range(5)}
    done = Ids.of(ids[name] for name in ("a0", "a4", "b1"))
    spans = [resume.missing(span, Plans(), 0, ["a", "b"], 5, done) for span in ((0, 3), (3, 7), (7, 10))]
    whole, count = resume.joined(*spans)
    assert whole.tolist() == [1, 2, 3, 5, 7, 8, 9]
    assert (count, whole.dtype) == (7, np.dtype("i8"))
    assert resume.missing((0, 10), Plans(), 1, ["a", "b"], 5, done).tolist() == list(range(10))  # another round


def test_files_with_rows_of_other_schemas_are_read(tmp_path: Path) -> None:
    """As of a run that was begun before samples said how many they are."""
    old = pa.schema([field for field in SAMPLE if field.name != "of"])
    row: dict[str, Any] = {"prompt_id": A, "pair": 0}
    write_once(table_of([row], old), tmp_path, "part-old")
    files = [str(tmp_path / "part-old.parquet")]
    assert len(list(read_tables([Path(files[0])]))) == 1
    finished, partial = resume.settled(resume.pairs_with_verdict(files))
    assert (len(finished), known(partial, sample_id(A, 0))) == (0, [True])
