"""``apigen export``: the closed rounds of a run, row group by row group, into a folder that is there whole or not."""

import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import yaml

from apigen_ray import __version__
from apigen_ray.config import VERDICTS
from apigen_ray.errors import EnvironmentFault, InputError
from apigen_ray.export import EXPORTS
from apigen_ray.export.base import Export
from apigen_ray.export.files import Files
from apigen_ray.export.samples import open_run
from apigen_ray.export.splits import Splits
from apigen_ray.records import Json, Verdict
from apigen_ray.rundir import RunDir
from apigen_ray.sections import nearest
from apigen_ray.storage import AnyPath

MARK = "export.json"
"""Beside every export: what it was made from, its counts and its files. What it does not name is never deleted."""

README = "README.md"
"""Beside every export: what loaders and people read first."""

BATCH_ROWS = 2_000

Card = Callable[[Json, Export, Files], str]
"""What makes README.md out of what ``export.json`` holds, the export, and its files."""


def export_run(
    run: AnyPath,
    to: str,
    out: AnyPath,
    *,
    verdicts: Sequence[str] = (str(Verdict.VERIFIED),),
    splits: Splits = Splits(),  # noqa: B008  frozen: every call may share it
    results: bool = False,
    clean: bool = False,
) -> Json:
    """Writes samples of a run in a format of `apigen_ray.export.EXPORTS`.

    Only closed rounds are read: in an open one duplicates are not known yet. Memory is flat.

    Args:
        run: the run directory.
        to: the format's name.
        out: the folder to make.
        verdicts: which rows; those that the format cannot say are left out and counted by reason.
        splits: shares of the rows.
        results: with what the calls gave back, in a format that can show it.
        clean: replace an export that is there.

    Returns:
        What ``export.json`` holds: the run, ``rows`` by split, how many of them have ``simulated`` calls, ``left_out``
        by reason, ``files`` and what stands ``beside`` them, and a hash of their ``content``.

    Raises:
        InputError: no such run, format or verdict; a folder that is in the way; no row to write.
        EnvironmentFault: the files cannot be written.
    """
    export = _kind(to, results)(results=results)
    return write_export(open_run(run), export, out, verdicts=verdicts, splits=splits, clean=clean)


def write_export(
    run: RunDir,
    export: Export,
    out: AnyPath,
    *,
    verdicts: Sequence[str],
    splits: Splits,
    clean: bool = False,
    card: Card | None = None,
) -> Json:
    """As `export_run`, of an export that need not be in `apigen_ray.export.EXPORTS`.

    Args:
        run: the run.
        export: the format; of a class of its own for every folder.
        out: the folder to make.
        verdicts: which rows.
        splits: shares of the rows.
        clean: replace an export that is there.
        card: makes README.md; None: the plain one.

    Returns:
        What ``export.json`` holds.

    Raises:
        InputError: as `export_run`.
        EnvironmentFault: as `export_run`.
    """
    for verdict in verdicts:
        if verdict not in VERDICTS:
            raise InputError(
                f"--verdict: there is no {verdict!r}{nearest(verdict, VERDICTS)}", f"give one of: {', '.join(VERDICTS)}"
            )
    if not isinstance(out, Path):
        raise InputError(f"{out}: an export is written to a disk", "give a local folder, and upload it")
    place = Path(os.path.realpath(out))  # the link to a folder stays, the folder is replaced
    try:
        refuse_folder(out, clean=clean)
        if Path.cwd().is_relative_to(place):
            raise InputError(f"{out}: cannot be replaced: this command runs in it", "give a folder in it as --out")
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name}-"))
    except OSError as error:
        raise EnvironmentFault(f"{out}: cannot be made ({error.strerror})", "give another --out") from error
    try:
        form = _write(run, export, temporary, verdicts, splits, card or _card)
        temporary.chmod(0o755)
        refuse_folder(out, clean=clean)  # it took a while
        put_in_place(temporary, place)
    except OSError as error:
        raise EnvironmentFault(f"{out}: cannot be written ({error})", "see to the disk and export again") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)  # gone already where it was put in place
    return form


def refuse_folder(out: Path, *, clean: bool) -> None:
    """Refuses a folder that holds anything, unless it is an export that is to be replaced, and nothing else.

    Raises:
        InputError: names what is in the way.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file", "give a folder that is not there yet")
    if out.is_dir() and any(out.iterdir()):
        ours = _files_of(out)
        if not ours:
            raise InputError(f"{out}: is not empty, and no export", "give a folder that is not there yet")
        if not clean:
            raise InputError(f"{out}: an export is there", "replace it with --clean, or give another --out")
        found = (file.relative_to(out).as_posix() for file in out.rglob("*") if file.is_symlink() or not file.is_dir())
        if foreign := sorted(set(found) - ours):
            more = f" and {len(foreign) - 1:,} more" if len(foreign) > 1 else ""
            raise InputError(
                f"{out}: {foreign[0]}{more} would be deleted, and no export made that", "move it, or give another --out"
            )


def _files_of(out: Path) -> set[str]:
    """What the export in a folder is made of; nothing where there is none."""
    try:
        form = json.loads((out / MARK).read_text("utf-8"))
        return {*form["files"], *form.get("beside", (README, MARK))}
    except (FileNotFoundError, IsADirectoryError, ValueError, KeyError, TypeError):
        return set()


def put_in_place(temporary: Path, out: Path) -> None:
    """Renames a finished folder to its name; an export of that name goes after it is out of the way."""
    if out.is_dir() and any(out.iterdir()):
        old = temporary.with_name(f"{temporary.name}-old")
        out.rename(old)
        try:
            temporary.rename(out)
        except OSError:
            old.rename(out)
            raise
        shutil.rmtree(old)
    else:
        temporary.rename(out)


def _kind(to: str, results: bool) -> type[Export]:
    kinds = {kind.name: kind for kind in EXPORTS}
    if to not in kinds:
        raise InputError(
            f"--to: there is no format {to!r}{nearest(to, kinds)}",
            f"give one of: {', '.join(kinds)}; a data set for the Hub: apigen export RUN --to hub --repo OWNER/NAME",
        )
    if results and not kinds[to].with_results:
        able = [kind.name for kind in EXPORTS if kind.with_results]
        raise InputError(f"--results: {to} has no place for results", f"they are in: {', '.join(able)}")
    return kinds[to]


def _write(run: RunDir, export: Export, folder: Path, verdicts: Sequence[str], splits: Splits, card: Card) -> Json:
    files, left, rows, simulated = Files(folder), Counter[str](), dict.fromkeys(splits.names, 0), 0
    try:
        for table in _batches(run, verdicts, list(dict.fromkeys((*export.columns, "execution_mode")))):
            named = pa.array([splits.of(row) for row in table.select(["query", "sample_id"]).to_pylist()], pa.string())
            made_up = pc.fill_null(pc.equal(table["execution_mode"], "simulate"), False)
            for split, of_made_up in product(splits.names, (False, True)):
                part = table.filter(pc.and_(pc.equal(named, split), pc.equal(made_up, of_made_up)))
                if part.num_rows:
                    missed = export.write(part, split, files)
                    written = part.num_rows - missed.total()
                    rows[split] += written
                    simulated += written if of_made_up else 0
                    left += missed
        if open_rows := _open_rows(run, verdicts):
            left["its round is not closed"] = open_rows
        if not any(rows.values()):
            reasons = "; ".join(f"{reason}: {count:,}" for reason, count in left.items()) or "the run has none"
            raise InputError(
                f"{run.path}: no row of {', '.join(verdicts)} for {export.name} ({reasons})",
                "give other verdicts, or see: apigen report",
            )
        export.finish(files)
        files.end()
        form = {
            "run": _name(run.path),
            "fingerprint": run.manifest().get("fingerprint"),
            "apigen_ray": __version__,
            "format": export.name,
            "verdicts": list(dict.fromkeys(verdicts)),
            "splits": dict(zip(splits.names, splits.shares, strict=True)),
            "rows": rows,
            "simulated": simulated,
            "left_out": dict(sorted(left.items(), key=lambda item: (-item[1], item[0]))),
            "files": {part.path: count for part, count in files.rows.items()},
            "beside": sorted([*files.beside, README, MARK]),
            "content": files.digest(),
        }
        files.write(README, card(form, export, files))
        files.write(MARK, json.dumps(form, indent=2) + "\n")
    finally:
        files.close()
    return form


def _name(path: AnyPath) -> str:
    """What the run is called, also where it is given as ``.``."""
    return Path(os.path.abspath(path)).name if isinstance(path, Path) else path.name


def _batches(run: RunDir, verdicts: Sequence[str], columns: Sequence[str]) -> Iterator[pa.Table]:
    """Rows of closed rounds in the order of their files, some thousand at a time."""
    for table in run.read(columns, rounds=run.closed_rounds(), verdicts=verdicts):
        for start in range(0, table.num_rows, BATCH_ROWS):
            yield table.slice(start, BATCH_ROWS)


def _open_rows(run: RunDir, verdicts: Sequence[str]) -> int:
    rounds = set(run.rounds()) - set(run.closed_rounds())
    return sum(table.num_rows for table in run.read(["verdict"], rounds=rounds, verdicts=verdicts))


def described(form: Json) -> str:
    """The description of a config: the one place where ``load_dataset`` sees that the rows are not those it has cached.

    Of a local folder it looks at the head of README.md alone: neither at the path nor at the files' times.
    """
    return f"content {form['content']}"


def _card(form: Json, export: Export, files: Files) -> str:
    """README.md: in its head what ``datasets.load_dataset`` reads, below it words for people."""
    configs: dict[str, list[Json]] = {}
    for part in files.rows:
        configs.setdefault(part.config, []).append({"split": part.split, "path": part.path})
    head: Json = {
        "configs": [
            {"config_name": name, "description": described(form), "data_files": parts}
            for name, parts in configs.items()
        ]
    }
    told = [{"config_name": name, "features": found} for name in configs if (found := export.features(name))]
    if told:
        head["dataset_info"] = told
    rows = ", ".join(f"{name} {count:,}" for name, count in form["rows"].items())
    made_up = f"- of these with simulated calls: {form['simulated']:,}\n" if form["simulated"] else ""
    left = "".join(f"- left out, {reason}: {count:,}\n" for reason, count in form["left_out"].items())
    return (
        f"---\n{yaml.safe_dump(head, sort_keys=False)}---\n"
        f"# {form['run']}: {form['format']}\n\n"
        f"Samples of a run of apigen-ray {form['apigen_ray']}.\n\n"
        f"- rows: {rows}\n{made_up}- verdicts: {', '.join(form['verdicts'])}\n{left}"
    )
