"""The files of one export: lines and tables that come in any order, a handle for each file, and the dataset card."""

import hashlib
import os
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from apigen_ray.records import content_hash


@dataclass(frozen=True)
class Part:
    """A data file, and how ``datasets.load_dataset`` finds it.

    Attributes:
        path: relative to the export's folder.
        split: its split.
        config: its config, the second argument of ``load_dataset``.
    """

    path: str
    split: str
    config: str = "default"


class Files:
    """Files below a folder; a file is made with its first row, and they are whole once `close` has returned.

    Attributes:
        rows: lines or rows by file, in the order in which the files were begun.
        beside: the files that are no data.
    """

    def __init__(self, folder: Path) -> None:
        self.rows: dict[Part, int] = {}
        self.beside: list[str] = []
        self._folder = folder
        self._streams: dict[Part, BinaryIO] = {}
        self._tables: dict[Part, pq.ParquetWriter] = {}

    def add_line(self, part: Part, line: str) -> None:
        """Appends a line to a text file (UTF-8)."""
        stream = self._streams.get(part)
        if stream is None:
            stream = self._streams[part] = self._path(part.path).open("wb")
        stream.write(line.encode() + b"\n")
        self.rows[part] = self.rows.get(part, 0) + 1

    def add_table(self, part: Part, table: pa.Table) -> None:
        """Appends rows to a Parquet file as a row group."""
        writer = self._tables.get(part)
        if writer is None:
            writer = self._tables[part] = pq.ParquetWriter(self._path(part.path), table.schema, compression="zstd")
        writer.write_table(table)
        self.rows[part] = self.rows.get(part, 0) + table.num_rows

    def rename(self, part: Part, path: str) -> None:
        """Ends a Parquet file and gives it another name: how many there are of its kind is known at the end only."""
        self._tables.pop(part).close()
        self._path(part.path).rename(self._path(path))
        self.rows = {replace(old, path=path) if old == part else old: rows for old, rows in self.rows.items()}

    def write(self, path: str, text: str) -> None:
        """Writes a whole small file that is no data."""
        self._path(path).write_text(text, "utf-8")
        self.beside.append(path)

    def end(self) -> None:
        """Ends the data files: no row comes after it."""
        with ExitStack() as stack:  # every one of them, also where the disk is full and some cannot
            for handle in (*self._streams.values(), *self._tables.values()):
                stack.callback(handle.close)

    def digest(self) -> str:
        """A hash of the names and bytes of the data files, which have ended."""
        told: list[str] = []
        for path in sorted(part.path for part in self.rows):
            with self._path(path).open("rb") as stream:
                told += [path, hashlib.file_digest(stream, "sha256").hexdigest()]
        return content_hash("export", *told)

    def close(self) -> None:
        """Ends every file, and has all of them on disk."""
        self.end()
        for file in self._folder.rglob("*"):
            if file.is_file():
                with file.open("rb") as stream:
                    os.fsync(stream.fileno())

    def _path(self, path: str) -> Path:
        target = self._folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        return target
