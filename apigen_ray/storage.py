"""Files on a disk or in an object store, through one pathlib-like way: each is there whole or not at all."""

import importlib.util
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from errno import ENOTDIR
from pathlib import Path
from typing import BinaryIO, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from upath import UPath

from apigen_ray.errors import EnvironmentFault, InputError
from apigen_ray.records import content_hash

AnyPath: TypeAlias = Path | UPath
"""A plain `Path` on this machine's disks, or a `UPath` in an object store; `as_path` makes either from its text."""

STORES = {"s3": ("s3fs", "s3"), "gs": ("gcsfs", "gs"), "hf": ("huggingface_hub", "hub")}
"""What a URL may begin with: the package that reads it, and the extra that brings that package."""

READ_BYTES = 16 << 20
"""Read from a store at a time: a part is smaller, a closed file is read through in some dozen requests."""

_TRIES = 5
_CLIENTS = ("botocore", "aiobotocore", "google", "gcsfs", "aiohttp", "huggingface_hub", "httpx")
"""Packages whose exceptions speak of a store: not all of them are an `OSError`."""


def as_path(text: str | AnyPath, *, to_write: bool = False) -> AnyPath:
    """The path that a text means: ``s3://``, ``gs://`` and ``hf://`` a store, anything else this machine's disk.

    Listings of a store are never taken from a cache: another process writes there.

    Args:
        text: a path or URL; what is a path already stays as it is.
        to_write: a run is to be written there; ``hf://`` has no conditional PUT.

    Raises:
        InputError: the text names another kind of store, or one that is only read.
        EnvironmentFault: the package that speaks to the store is missing.
    """
    if not isinstance(text, str):
        return text
    kind, separator, _ = text.partition("://")
    if not separator:
        return Path(text)
    if kind not in STORES:
        known = ", ".join(f"{name}://" for name in STORES)
        raise InputError(f"{text}: {kind}:// is no store that is known", f"give a local path, or one of {known}")
    if to_write and kind == "hf":
        raise InputError(f"{text}: hf:// is only read", "write to a disk, s3:// or gs://, and upload an export")
    if not text.partition("://")[2].strip("/"):
        raise InputError(f"{text}: names no bucket", f"give {kind}://BUCKET/NAME")
    package, extra = STORES[kind]
    if importlib.util.find_spec(package) is None:
        raise EnvironmentFault(f"{text}: {kind}:// needs the package {package}", f"pip install 'apigen-ray[{extra}]'")
    return UPath(text.rstrip("/"), use_listings_cache=False)


@contextmanager
def reading(path: AnyPath, mend: str | None = None) -> Iterator[None]:
    """What keeps a path from being read becomes an error for a person; what is not there stays `FileNotFoundError`.

    Args:
        path: what is read in the block.
        mend: what to do about it; None: what helps with files of a run.

    Raises:
        EnvironmentFault: names the path, the reason and the mend.
    """
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        if "NoSuchBucket" in type(error.__cause__).__name__:
            raise _fault(path, error, "read") from error
        raise
    except Exception as error:
        if _is_of(path, error):
            raise _fault(path, error, "read", mend) from error
        raise


@contextmanager
def writing(path: AnyPath) -> Iterator[None]:
    """What keeps a path from being written becomes an error for a person.

    Raises:
        EnvironmentFault: names the path, the reason and the mend.
    """
    try:
        yield
    except FileExistsError:
        raise
    except Exception as error:
        if _is_of(path, error) and not (isinstance(path, Path) and isinstance(error, FileNotFoundError)):
            raise _fault(path, error, "written") from error
        raise


def read_text(path: AnyPath) -> str:
    """A whole UTF-8 file.

    Raises:
        FileNotFoundError: it is not there.
        UnicodeDecodeError: it is not UTF-8.
        EnvironmentFault: it cannot be read.
    """
    with reading(path):
        data = path.read_bytes()
    return data.decode("utf-8")


@contextmanager
def open_file(file: AnyPath, block_bytes: int = READ_BYTES) -> Iterator[BinaryIO]:
    """A file, open for reading at any place; from a store it is read in blocks of at least this size."""
    with ExitStack() as stack:
        with reading(file):
            if isinstance(file, Path):
                stream: BinaryIO = stack.enter_context(file.open("rb"))
            else:
                stream = stack.enter_context(file.open("rb", block_size=block_bytes, cache_type="readahead"))
        yield stream


def absolute(path: AnyPath) -> AnyPath:
    """The path from any folder: a program may change its own, and Ray's workers may have another."""
    return path.absolute() if isinstance(path, Path) else path


def make_folder(path: AnyPath) -> None:
    """Makes a folder where there is none; in a store there is nothing to make: a name is enough.

    Raises:
        EnvironmentFault: it cannot be made.
    """
    if isinstance(path, Path):
        with writing(path):
            path.mkdir(parents=True, exist_ok=True)


def answers(folder: AnyPath) -> None:
    """Asks for a folder, which need not be there.

    Raises:
        EnvironmentFault: the store does not answer, or has no such bucket.
    """
    with suppress(FileNotFoundError), reading(folder):
        if isinstance(folder, Path):
            folder.stat()
        else:
            folder.fs.ls(folder.path)


def list_files(folder: AnyPath) -> list[AnyPath]:
    """Every file below a folder, sorted, temporary ones too; none where there is no folder."""
    with reading(folder):
        if isinstance(folder, Path):
            return sorted(Path(where, name) for where, _, names in os.walk(folder, onerror=_fail) for name in names)
        start = len(folder.path) + 1
        return [folder / name[start:] for name in sorted(folder.fs.find(folder.path))]


def parquet_files(folder: AnyPath) -> list[AnyPath]:
    """The parts below a folder, sorted; temporary files, and closed ones of an unfinished closing, are not seen."""
    return [file for file in list_files(folder) if file.name.startswith("part-") and file.suffix == ".parquet"]


@contextmanager
def open_parquet(file: AnyPath) -> Iterator[pq.ParquetFile]:
    """A Parquet file, open for reading.

    Raises:
        FileNotFoundError: it is not there; in a store also later, while it is read.
        EnvironmentFault: it cannot be read.
    """
    with ExitStack() as stack:
        with reading(file):
            source = file if isinstance(file, Path) else stack.enter_context(open_file(file))
            parquet = stack.enter_context(pq.ParquetFile(source))
        yield parquet


def read_tables(
    files: Iterable[AnyPath], columns: Sequence[str] | None = None, only: pa.Array | None = None
) -> Iterator[pa.Table]:
    """The files' row groups one after another, each read with its own schema: memory stays flat.

    Args:
        files: of samples, or of anything else where ``only`` is None.
        columns: None: all.
        only: only rows with these sample ids; of row groups without them the ids alone are read.

    Raises:
        FileNotFoundError: a file is not there, or in a store not any more.
        EnvironmentFault: it cannot be read.
    """
    chosen = None if columns is None else list(columns)
    for file in files:
        with open_parquet(file) as parquet:
            yield from read_groups(parquet, file, chosen, only)


def read_groups(
    parquet: pq.ParquetFile, file: AnyPath, columns: list[str] | None = None, only: pa.Array | None = None
) -> Iterator[pa.Table]:
    """The row groups of one file that is open; see `read_tables`."""
    for group in range(parquet.num_row_groups):
        with reading(file):
            fits = None
            if only is not None:
                fits = pc.is_in(parquet.read_row_group(group, columns=["sample_id"])["sample_id"], only)
                if not pc.any(fits).as_py():
                    continue
            table = parquet.read_row_group(group, columns=columns)
        yield table if fits is None else table.filter(fits)


def write_text(path: AnyPath, text: str) -> None:
    """Replaces a file in one step (a rename, a PUT): a reader sees the old text or the new, never half."""
    with writing(path):
        if not isinstance(path, Path):
            path.fs.pipe_file(path.path, text.encode())
            return
        with _beside(path) as temporary:
            with temporary.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)


def write_once(table: pa.Table, folder: AnyPath, name: str) -> bool:
    """Puts ``<folder>/<name>.parquet`` there if it is absent.

    On a disk: temporary file, fsync, link. In a store: a conditional PUT (S3 ``If-None-Match``, GCS
    ``ifGenerationMatch=0``), so that there, too, of two writers one wins and neither overwrites.

    Returns:
        Whether this call wrote it; False where an earlier writer had, whose file stays as it is.

    Raises:
        EnvironmentFault: it cannot be written.
    """
    target = folder / f"{name}.parquet"
    with writing(target):
        if isinstance(target, Path) and target.exists():
            return False
        with _beside(target) as temporary:
            with temporary.open("wb") as file:
                pq.write_table(table, file, compression="zstd")
                file.flush()
                os.fsync(file.fileno())
            return _put_if_absent(temporary, target)


@contextmanager
def new_file(path: AnyPath) -> Iterator[BinaryIO]:
    """A file that is written piece by piece and is in place, whole, once the block has ended.

    Where the block raises nothing stays. What goes to a store lies on this machine's disk until it is whole.

    Raises:
        FileExistsError: another writer was first.
        EnvironmentFault: it cannot be written.
    """
    with writing(path), _beside(path) as temporary:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if not _put_if_absent(temporary, path):
            raise FileExistsError(f"{path} is there already")


def name_of(ids: pa.ChunkedArray) -> str:
    """The file name of a batch, from its ids in any order: the same batch written twice is one file."""
    return "part-" + content_hash(*sorted(ids.to_pylist()))


def delete(files: Iterable[AnyPath]) -> None:
    """Deletes files; one that is gone already is no error."""
    stored: list[UPath] = []
    for file in files:
        if isinstance(file, Path):
            with writing(file):
                file.unlink(missing_ok=True)
        else:
            stored.append(file)
    if stored:
        with writing(stored[0].parent):
            stored[0].fs.rm([file.path for file in stored])


def remove(path: AnyPath) -> None:
    """Deletes a folder with everything in it."""
    with writing(path):
        if isinstance(path, Path):
            shutil.rmtree(path)
        else:
            path.fs.rm(path.path, recursive=True)


@contextmanager
def _beside(target: AnyPath) -> Iterator[Path]:
    """A temporary file of a hidden name, gone at the end: beside the target, or on this disk for one in a store."""
    folder = target.parent if isinstance(target, Path) else None
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:  # which means of a target that it is there
            raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR), str(folder)) from error
    handle, name = tempfile.mkstemp(dir=folder, prefix=".", suffix=target.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        temporary.chmod(0o644)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)  # where it was renamed, or a resumed run has cleared it away


def _put_if_absent(temporary: Path, target: AnyPath) -> bool:
    if isinstance(target, Path):
        try:
            os.link(temporary, target)  # of two writers one wins and neither overwrites
        except FileExistsError:
            return False
        return True
    for attempt in range(_TRIES):
        try:
            target.fs.put_file(str(temporary), target.path, mode="create")
        except FileExistsError:
            return False
        except (PermissionError, FileNotFoundError):  # denied, no such bucket
            raise
        except OSError:
            # A store may say "conflict" while another writer's PUT is under way, or leave out which condition failed.
            if target.exists():
                return False
            if attempt == _TRIES - 1:
                raise
            time.sleep(0.2 * 2**attempt)
        else:
            return True
    raise AssertionError("unreachable")


def _fail(error: OSError) -> None:
    """What `os.walk` does where it cannot look; a folder that has just gone holds nothing."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error


def _is_of(path: AnyPath, error: Exception) -> bool:
    """Whether an error is the disk's or the store's, not a defect."""
    if isinstance(error, OSError | pa.ArrowException):
        return True
    return not isinstance(path, Path) and type(error).__module__.partition(".")[0] in _CLIENTS


def _fault(path: AnyPath, error: Exception, done: str, mend: str | None = None) -> EnvironmentFault:
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    if isinstance(path, Path):
        usual = {
            "read": "see to the disk; a torn file of a run's drafts, samples or judged: delete it, and --resume makes "
            "what it held again",
            "written": "make room there or let it be written; nothing is torn, a run goes on with --resume",
        }[done]
        return EnvironmentFault(f"{path}: cannot be {done} ({reason})", mend or usual)
    mend = "see docs/object-stores.md for what the store needs; a run goes on with --resume"
    if "Credentials" in type(error).__name__:
        reason, mend = "no credentials", "give them in the environment or the client's own file: docs/object-stores.md"
    elif isinstance(error, FileNotFoundError):
        reason = f"there is no bucket {path.path.partition('/')[0]!r}"
        mend = "make it, or give another: buckets are never made here"
    elif isinstance(error, PermissionError):
        reason, mend = f"denied: {reason}", "give credentials that may list, read, write and delete there"
    return EnvironmentFault(f"{path}: cannot be {done} ({reason})", mend)
