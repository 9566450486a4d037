"""What ``apigen ls`` prints: the parts there are, or the runs in a folder."""

from collections.abc import Callable
from typing import get_args

from apigen_ray.display.samples import printable
from apigen_ray.engines import ENGINES
from apigen_ray.errors import InputError, RecordError
from apigen_ray.export import EXPORTS, Export
from apigen_ray.hub.layout import HubExport
from apigen_ray.library import SOURCES
from apigen_ray.rundir import RunDir
from apigen_ray.sections import nearest
from apigen_ray.storage import AnyPath, answers
from apigen_ray.verifiers import VERIFIERS


def listing(what: str, folder: AnyPath) -> list[str]:
    """Lines about the parts of a kind, or about runs.

    Args:
        what: ``sources``, ``engines``, ``verifiers``, ``exports`` or ``runs``.
        folder: that holds runs.

    Raises:
        InputError: another word, or for runs no such folder.
    """
    formats: tuple[type[Export], ...] = (*EXPORTS, HubExport)
    lists: dict[str, Callable[[], list[str]]] = {
        "sources": lambda: [_line(kind.model_fields["kind"].default, kind.__doc__) for kind in SOURCES],
        "engines": lambda: [
            _line(get_args(spec.model_fields["engine"].annotation)[0], spec.__doc__) for spec, _ in ENGINES
        ],
        "verifiers": lambda: [f"{kind.name:<10} codes: {', '.join(kind.codes)}" for kind in VERIFIERS],
        "exports": lambda: [_line(kind.name, kind.__doc__) for kind in formats],
        "runs": lambda: _runs(folder),
    }
    if what not in lists:
        raise InputError(f"ls: there is no {what!r}{nearest(what, lists)}", f"give one of: {', '.join(lists)}")
    return lists[what]()


def _line(name: str, doc: str | None) -> str:
    first = (doc or "").strip().partition("\n")[0]
    return f"{name:<10} {first.removeprefix('The section of a run file for ').removesuffix('.')}"


def _runs(folder: AnyPath) -> list[str]:
    answers(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder", "give the folder that holds runs: --dir FOLDER")
    runs = [RunDir(folder / name) for name in sorted(path.name for path in folder.iterdir())]
    runs = [run for run in runs if run.manifest_path.is_file()]
    return [printable(f"{run.path.name:<30} {_ended(run)}") for run in runs] or [f"no runs in {folder}"]


def _ended(run: RunDir) -> str:
    """How a run ended, and with how many samples."""
    try:
        result = run.result()
    except RecordError as error:  # of one run: the others are listed all the same
        return error.message
    words = str(result.get("outcome", "unfinished"))
    if "samples" in result:
        words += f", {result['samples']:,} samples, {result['verified']:,} verified"
    return words
