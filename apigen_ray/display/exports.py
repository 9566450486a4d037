"""What an export wrote, and what it left out, as lines or JSON."""

import json
from pathlib import Path

from apigen_ray.records import Json


def print_export(form: Json, out: Path, *, as_json: bool) -> None:
    """Counts by split and file, and each reason for which rows were left out.

    Args:
        form: as `apigen_ray.export.run.export_run` gives it.
        out: the export's folder.
        as_json: one JSON document.
    """
    if as_json:
        print(json.dumps({**form, "out": str(out)}, indent=2))
        return
    rows = ", ".join(f"{name} {count:,}" for name, count in form["rows"].items())
    print(f"{form['format']}: {rows} ({', '.join(form['verdicts'])})")
    if form["simulated"]:
        print(f"of these with simulated calls: {form['simulated']:,}")
    for reason, count in form["left_out"].items():
        print(f"left out, {reason}: {count:,}")
    for path, count in form["files"].items():
        print(f"  {out / path}: {count:,}")
