"""The folder of a run that is made in one go, as by ``verify`` and ``merge``: new, or in place of one that is there."""

from apigen_ray.errors import RunExistsError
from apigen_ray.rundir import AnyPath, RunDir, make_folder, remove


def open_new(path: AnyPath, kind: str, *, clean: bool) -> RunDir:
    """A run directory with nothing in it but a manifest that says its kind.

    Args:
        path: the folder to make.
        kind: what makes it.
        clean: delete a run that is there.

    Raises:
        RunExistsError: a run or something else is there.
    """
    directory = RunDir(path)
    if directory.manifest():
        if not clean:
            raise RunExistsError(f"{path}: a run is there", "start over: --clean, or keep it: --out OTHER")
        remove(path)
    elif path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise RunExistsError(f"{path}: is not empty and not a run", "give another folder: --out OTHER")
    make_folder(path)
    directory.update_manifest(kind=kind)
    return directory
