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


def print_published(form: Json, *, as_json: bool) -> None:
    """What went to the Hub, or would go there, and how it is loaded.

    Args:
        form: as `apigen_ray.hub.publish.publish` gives it.
        as_json: one JSON document.
    """
    if as_json:
        print(json.dumps(form, indent=2))
        return
    rows = ", ".join(f"{name} {count:,}" for name, count in form["rows"].items())
    print(f"{form['repo']}: {rows} ({', '.join(form['verdicts'])}), {len(form['files']):,} files of rows")
    if form["simulated"]:
        print(f"of these with simulated calls: {form['simulated']:,}")
    for reason, count in form["left_out"].items():
        print(f"left out, {reason}: {count:,}")
    if (sent := form["sent"]) is None:
        kind = "private" if form["private"] else "public"
        print(f"dry run: nothing was sent; {form['out']} would become {form['url']} ({kind}, {form['licence']})")
        return
    if sent["new"]:
        size = f"{sent['files']:,} files, {sent['bytes'] / 1e6:,.1f} MB"
        print(f"{sent['url']} ({'private' if sent['private'] else 'public'}): {size}, commit {sent['commit']}")
    else:
        print(f"{sent['url']}: all of it was there already; no new commit after {sent['commit']}")
    if sent["deleted"]:
        print(f"deleted there, of an earlier state: {', '.join(sent['deleted'])}")
    print(f'load it: datasets.load_dataset("{form["repo"]}", revision="{sent["commit"]}")')
