"""Whatever writers, closings and openings do, wherever they are killed: what was committed stays, and is seen once."""

import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from apigen_ray import storage
from apigen_ray.rundir import RunDir
from apigen_ray.storage import list_files, new_file, read_tables, write_once

STEPS = st.integers(0, 12)
"""Changes of the disk before the process is killed; most acts have fewer, and come to their end."""


class Killed(BaseException):
    """Stands for the end of the process."""


def killed_after(steps: int, act: Callable[[], Any]) -> None:
    """Acts, and ends before the disk is changed once more; what would clean up afterwards does not run either."""
    left = steps

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **rest: Any) -> Any:
            nonlocal left
            if left <= 0:
                raise Killed
            left -= 1
            return real(*args, **rest)

        return call

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage.os, "link", counted(storage.os.link))
        for name in ("unlink", "replace"):
            patch.setattr(Path, name, counted(getattr(Path, name)))
        patch.setattr(pq, "write_table", counted(pq.write_table))
        try:
            act()
        except Killed:
            pass


class Rounds(RuleBasedStateMachine):
    """One round of a run."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.run = RunDir(Path(self.folder.name))
        self.run.update_manifest(kind="run")
        self.made = 0
        self.committed: set[str] = set()

    def teardown(self) -> None:
        self.folder.cleanup()

    def seen(self) -> Counter[str]:
        return Counter(name for table in self.run.read(["sample_id"]) for name in table["sample_id"].to_pylist())

    def is_closed(self) -> bool:
        return bool(self.run.closed_rounds())

    def write(self, names: list[str], verdict: str) -> bool:
        self.made += 1
        table = pa.table({"sample_id": names, "verdict": [verdict] * len(names)})
        return write_once(table, self.run.samples(0) / f"verdict={verdict}", f"part-{self.made}")

    @rule(count=st.integers(1, 3), verdict=st.sampled_from(["verified", "fail_format", "error"]), steps=STEPS)
    def a_writer_writes(self, count: int, verdict: str, steps: int) -> None:
        """Of this run while its round is open, of one that was killed once it is closed."""
        names = [f"{verdict}-{self.made}-{number}" for number in range(count)]
        killed_after(steps, lambda: self.write(names, verdict))
        if self.is_closed():
            assert not set(names) & set(self.seen())

    @rule(steps=STEPS)
    def a_batch_is_written_again(self, steps: int) -> None:
        """By a stage that Ray ran twice, with other batches."""
        again = sorted(name for name in self.committed if name.startswith("verified"))[:2]
        if again:
            killed_after(steps, lambda: self.write(again, "verified"))

    @rule(steps=STEPS)
    def the_round_is_closed(self, steps: int) -> None:
        if not self.is_closed():
            killed_after(steps, self.close)

    def close(self) -> None:
        rows: dict[str, str] = {}
        for table in read_tables(self.run.sample_files(0)):
            rows |= dict(zip(table["sample_id"].to_pylist(), table["verdict"].to_pylist(), strict=True))
        files = []
        for verdict in sorted(set(rows.values())):
            self.made += 1
            names = [name for name, its in rows.items() if its == verdict]
            path = self.run.samples(0) / f"verdict={verdict}" / f"closed-{self.made}.parquet"
            with new_file(path) as file:
                pq.write_table(pa.table({"sample_id": names, "verdict": [verdict] * len(names)}), file)
            files.append(path)
        self.run.close_round(0, files, len(rows))

    @rule(steps=STEPS)
    def the_round_is_opened(self, steps: int) -> None:
        before = self.is_closed()
        killed_after(steps, lambda: self.run.open_round(0))
        gone = self.committed - set(self.seen())
        assert all(name.startswith("error") for name in gone)
        self.committed -= gone
        assert before or not self.is_closed()

    @rule()
    def the_round_is_opened_to_the_end(self) -> None:
        self.the_round_is_opened(1000)
        assert not any(name.startswith("error") for name in self.seen())
        files = list_files(self.run.samples(0))
        assert sorted(files) == sorted(self.run.sample_files())  # nothing of a killed or late writer is left

    @invariant()
    def what_was_committed_stays_and_is_seen_once(self) -> None:
        seen = self.seen()
        assert set(seen) >= self.committed
        if self.is_closed():
            assert max(seen.values(), default=1) == 1
        self.committed |= set(seen)


Rounds.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestRounds = Rounds.TestCase
