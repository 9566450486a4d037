"""Feedback: the best samples of a closed round become examples of later ones."""

import re
from collections import defaultdict

from apigen_ray.records import Verdict, content_hash, dumps
from apigen_ray.rundir import RunDir, read_tables, write_text


def write_seeds(run: RunDir, round_: int, per_api: int = 3) -> None:
    """Keeps verified samples as examples for later rounds: at most ``per_api`` for each style and function.

    Which ones is decided by their ids, so it does not depend on the order in which they were written.
    """
    best: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    files = [file for file in run.sample_files(round_) if file.parent.name == f"verdict={Verdict.VERIFIED}"]
    for table in read_tables(files, ["sample_id", "style", "query", "answers", "tools"]):
        for row in table.to_pylist():
            line = '{"style":%s,"query":%s,"tools":%s,"answers":%s}' % (  # noqa: UP031  the two last are JSON already
                dumps(row["style"]),
                dumps(row["query"]),
                row["tools"],
                row["answers"],
            )
            name = re.match(r'\[\{"name":"([^"]*)"', row["answers"])
            kept = best[row["style"], name.group(1) if name else ""]
            kept.append((content_hash("seed order", row["sample_id"]), line))
            kept.sort()
            del kept[per_api:]
    lines = [line for _, kept in sorted(best.items()) for _, line in kept]
    write_text(run.seeds(round_), "".join(line + "\n" for line in lines))
