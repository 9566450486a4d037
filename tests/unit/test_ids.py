"""Sets of content hashes as raw bytes."""

import random

import numpy as np
import pyarrow as pa
import pytest

from apigen_ray.graph.ids import DIGEST, Ids, digests, hashes
from apigen_ray.records import content_hash

HASHES = [content_hash("id", number) for number in range(200)]
ZEROS = ["00" * 12, "00" * 11 + "01", "01" + "00" * 11, "0100" * 6, "ff" * 12, "ff" * 11 + "00"]


def test_ids_know_what_they_hold() -> None:
    held = Ids.of([*HASHES[::2], *HASHES[:10:2]])
    assert len(held) == 100
    assert held.contains(digests(pa.array(HASHES))).tolist() == [True, False] * 100
    assert held.contains(np.empty(0, DIGEST)).tolist() == []
    assert Ids().contains(digests(pa.array(HASHES[:2]))).tolist() == [False, False]
    assert len(Ids()) == 0
    more = held.union(digests(pa.array(HASHES[1:4])))
    assert len(more) == 102
    assert more.contains(digests(pa.array(HASHES[:6]))).tolist() == [True, True, True, True, True, False]


@pytest.mark.parametrize("missing", ZEROS)
def test_bytes_of_zero_are_told_apart(missing: str) -> None:
    held = Ids.of(each for each in ZEROS if each != missing)
    assert len(held) == len(ZEROS) - 1
    assert held.contains(digests(pa.array(ZEROS))).tolist() == [each != missing for each in ZEROS]


def test_raw_bytes_are_the_hashes() -> None:
    ids = [*HASHES, *ZEROS]
    random.Random(0).shuffle(ids)
    raw = digests(pa.array(ids))
    assert (raw.dtype, raw.nbytes) == (DIGEST, 12 * len(ids))
    assert hashes(raw) == ids
    assert hashes(np.sort(raw)) == sorted(ids)
    chunked = pa.chunked_array([pa.array(ids[:5]), pa.array([], pa.string()), pa.array(ids).slice(5, 20)])
    assert hashes(digests(chunked)) == ids[:25]
    assert hashes(digests(pa.array(ids, pa.large_string()).slice(7))) == ids[7:]
    assert hashes(digests(pa.chunked_array([], pa.string()))) == []


@pytest.mark.parametrize("bad", [[None], ["0" * 23], ["0" * 23 + "g"], ["0" * 12, "0" * 36], ["0" * 23 + "A"]])
def test_what_is_no_hash_is_a_defect(bad: list[str | None]) -> None:
    with pytest.raises(ValueError, match="not all of these ids"):
        digests(pa.array([HASHES[0], *bad], pa.string()))
