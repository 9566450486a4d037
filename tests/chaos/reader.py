"""A reader that opens a run again and again while it is killed: ``python reader.py RUN STOP_FILE``.

Prints one JSON line when the stop file is there: how often it looked, and what was wrong. Wrong is a run that cannot be
read, a sample of a closed round that is missing or there twice, and a sample that once had a verdict and is gone.
"""

import json
import sys
import time
from collections import Counter
from pathlib import Path

from apigen_ray.rundir import RunDir

PAUSE_S = 0.15


def look(run: RunDir, before: dict[int, dict[str, str]]) -> list[str]:
    """What is wrong with a run now.

    Args:
        run: its directory.
        before: samples with a verdict by round, as they were seen last; brought up to date.
    """
    wrong: list[str] = []
    closed = run.closed_rounds()
    for number in sorted({*run.rounds(), *before}):
        rows = [row for table in run.read(["sample_id", "verdict"], rounds=[number]) for row in table.to_pylist()]
        counts = Counter(row["sample_id"] for row in rows)
        final = number in closed and number in run.closed_rounds()  # it was closed all the while
        if final and (twice := [name for name, times in counts.items() if times > 1]):
            wrong.append(f"round {number} is closed and has {len(twice)} samples twice, as {twice[0]}")
        judged = {row["sample_id"]: row["verdict"] for row in rows if row["verdict"] != "error"}
        if gone := before.get(number, {}).keys() - judged.keys():
            wrong.append(f"round {number} has lost {len(gone)} samples, as {min(gone)}")
        before[number] = judged
    return wrong


def main(run: RunDir, stop: Path) -> None:
    """Looks until the stop file is there."""
    looks, wrong = 0, []
    before: dict[int, dict[str, str]] = {}
    while not stop.exists():
        try:
            found = look(run, before)
        except Exception as error:
            # a killed run is to be readable whatever happens, so that nothing that reading raises is right
            found = [f"{type(error).__name__}: {error}"[:300]]
        looks += 1
        wrong += [text for text in found if text not in wrong]
        time.sleep(PAUSE_S)
    print(json.dumps({"looks": looks, "wrong": wrong, "rounds": len(before)}))


if __name__ == "__main__":
    main(RunDir(Path(sys.argv[1])), Path(sys.argv[2]))
