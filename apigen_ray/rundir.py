"""A run is a directory: its paths, its manifest, and files that are there whole or not at all."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from apigen_ray.errors import RecordError
from apigen_ray.records import Json, content_hash


@dataclass(frozen=True)
class RunDir:
    """Where everything of one run lies.

    ::

        runs/<name>/  config.yaml     the resolved config
                      manifest.json   versions, digests, engines, and the live files of every closed round
                      result.json     outcome and headline counts, written last
                      seeds/          the verified samples that later rounds draw examples from
                      drafts/round=N/                     every reply that was paid for
                      samples/round=N/verdict=<verdict>/  every sample, with a status for each stage
                      report.md
    """

    path: Path

    @property
    def manifest_path(self) -> Path:
        """``manifest.json``."""
        return self.path / "manifest.json"

    @property
    def result_path(self) -> Path:
        """``result.json``; there once the run has ended, whatever the outcome."""
        return self.path / "result.json"

    @property
    def config_path(self) -> Path:
        """``config.yaml``."""
        return self.path / "config.yaml"

    def drafts(self, round_: int) -> Path:
        """The folder of a round's drafts."""
        return self.path / "drafts" / f"round={round_}"

    def samples(self, round_: int) -> Path:
        """The folder of a round's samples, partitioned by verdict."""
        return self.path / "samples" / f"round={round_}"

    def seeds(self, round_: int) -> Path:
        """The examples that a closed round gives to later ones."""
        return self.path / "seeds" / f"round={round_}.jsonl"

    def manifest(self) -> Json:
        """The manifest, or ``{}`` where there is none yet.

        Raises:
            RecordError: the file is there and cannot be read.
        """
        try:
            return dict(json.loads(self.manifest_path.read_text("utf-8")))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except ValueError as error:
            raise RecordError(f"{self.manifest_path}: not readable ({error})", "run again with --clean") from error

    def result(self) -> Json:
        """What ``result.json`` says of the last attempt; ``{}`` while one goes on."""
        try:
            return dict(json.loads(self.result_path.read_text("utf-8")))
        except FileNotFoundError:
            return {}

    def update_manifest(self, **values: Any) -> Json:
        """Sets keys of the manifest, in one rename."""
        manifest = self.manifest() | values
        write_text(self.manifest_path, json.dumps(manifest, indent=2, sort_keys=True) + "\n")
        return manifest

    def close_round(self, round_: int, files: list[Path]) -> None:
        """Makes these the live files of a round, then deletes the parts that they were made from."""
        closed = dict(self.manifest().get("closed", {}))
        closed[str(round_)] = [str(file.relative_to(self.path)) for file in files]
        self.update_manifest(closed=closed)
        for file in self.samples(round_).rglob("*.parquet"):
            if file not in files:
                file.unlink()

    def open_round(self, round_: int) -> None:
        """Prepares a round for (more) work: what is final becomes parts again, and ``error`` rows go, to be retried.

        Safe to kill anywhere: as long as the manifest lists the closed files, the parts beside them are not seen.
        """
        closed = dict(self.manifest().get("closed", {}))
        if str(round_) in closed:
            for file in parquet_files(self.samples(round_)):
                file.unlink()  # left by a closing that was killed: what they hold is in the closed files
            for name in closed.pop(str(round_)):
                file = self.path / name
                os.link(file, file.with_name(f"part-{content_hash(name)}.parquet"))
            self.update_manifest(closed=closed)
        for file in self.samples(round_).rglob("*.parquet"):
            if not file.name.startswith("part-") or file.parent.name == "verdict=error":
                file.unlink()

    def closed_rounds(self) -> list[int]:
        """Rounds whose files are final."""
        return sorted(int(key) for key in self.manifest().get("closed", {}))

    def rounds(self) -> list[int]:
        """Rounds that have samples, in order."""
        return sorted(int(path.name.partition("=")[2]) for path in (self.path / "samples").glob("round=*"))

    def sample_files(self, round_: int | None = None) -> list[Path]:
        """The live sample files: those the manifest lists for a closed round, those that lie there for an open one."""
        closed = self.manifest().get("closed", {})
        out: list[Path] = []
        for number in self.rounds() if round_ is None else [round_]:
            listed = closed.get(str(number))
            if listed is None:
                out += parquet_files(self.samples(number))  # closed-* files that no manifest lists do not count
            else:
                out += [self.path / name for name in listed]
        return out


def parquet_files(folder: Path) -> list[Path]:
    """The parts below a folder, sorted; temporary files, and closed ones of an unfinished closing, are not seen."""
    return sorted(folder.rglob("part-*.parquet"))


def read_tables(files: list[Path], columns: list[str] | None = None) -> Iterator[pa.Table]:
    """The files' row groups one after another, each read with its own schema: memory stays flat."""
    for file in files:
        with pq.ParquetFile(file) as parquet:
            for group in range(parquet.num_row_groups):
                yield parquet.read_row_group(group, columns=columns)


def write_text(path: Path, text: str) -> None:
    """Writes a file beside and renames it over: a reader sees the old text or the new, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=".", delete=False) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)


def write_once(table: pa.Table, folder: Path, name: str) -> bool:
    """Puts ``<folder>/<name>.parquet`` there if it is absent: temporary file, fsync, link.

    Returns:
        Whether this call wrote it; False where an earlier writer had, whose file stays as it is.
    """
    target = folder / f"{name}.parquet"
    if target.exists():
        return False
    folder.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".", suffix=".parquet")
    try:
        with os.fdopen(handle, "wb") as file:
            pq.write_table(table, file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        try:
            os.link(temporary, target)  # put-if-absent: of two writers one wins and neither overwrites
        except FileExistsError:
            return False
        return True
    finally:
        Path(temporary).unlink()


def name_of(ids: pa.ChunkedArray) -> str:
    """The file name of a batch, from its ids in any order: the same batch written twice is one file."""
    return "part-" + content_hash(*sorted(ids.to_pylist()))


def remove(path: Path) -> None:
    """Deletes a run directory."""
    shutil.rmtree(path)
