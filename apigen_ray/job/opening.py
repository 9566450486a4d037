"""The folder of a run: cleared for a new one, and opened for what is made in one go, as by ``verify`` and ``merge``."""

from apigen_ray.errors import RunExistsError
from apigen_ray.rundir import RunDir
from apigen_ray.storage import AnyPath, list_files, make_folder, remove


def open_new(path: AnyPath, kind: str, *, clean: bool) -> RunDir:
    """A run directory with nothing in it but a manifest that says its kind.

    Args:
        path: the folder to make.
        kind: what makes it.
        clean: delete a run that is there.

    Raises:
        RunExistsError: a run or something else is there; `clear` refuses.
    """
    directory = RunDir(path)
    if directory.manifest():
        if not clean:
            raise RunExistsError(f"{path}: a run is there", "start over: --clean, or keep it: --out OTHER")
        clear(directory)
    elif path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise RunExistsError(f"{path}: is not empty and not a run", "give another folder: --out OTHER")
    make_folder(path)
    directory.update_manifest(kind=kind)
    return directory


def clear(run: RunDir) -> None:
    """Deletes a run that is to be made anew, but never what people have said of its rows.

    Raises:
        RunExistsError: judgements of ``apigen review`` lie in it: a machine cannot make them again.
    """
    if judged := [file for file in list_files(run.review) if file.suffix == ".jsonl"]:
        raise RunExistsError(
            f"{run.path}: people have judged rows of this run ({', '.join(file.name for file in judged)})",
            f"keep it and give another name, or move {run.review} away first",
        )
    remove(run.path)
