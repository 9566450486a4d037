"""A run is a directory: its paths, its manifest, and which files of it are live."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from apigen_ray.errors import EnvironmentFault, RecordError, RunFailedError
from apigen_ray.records import Json, Verdict
from apigen_ray.storage import (
    AnyPath,
    absolute,
    delete,
    list_files,
    open_parquet,
    parquet_files,
    read_tables,
    read_text,
    reading,
    write_text,
)


@dataclass(frozen=True)
class RunDir:
    """Where everything of one run lies.

    ::

        runs/<name>/  config.yaml     the resolved config
                      manifest.json   versions, digests, engines, and the live files of every closed round
                      result.json     outcome and headline counts, written last
                      seeds/          the verified samples that later rounds draw examples from
                      drafts/round=N/                     every reply that was paid for
                      judged/round=N/                     judges' replies, until a round closes without errors
                      samples/round=N/verdict=<verdict>/  every sample, with a status for each stage
                      report.md  report.html
                      review/                             rows drawn for people to judge, and what they said

    ``manifest.json`` is the one switch: its ``closed`` lists the live files of every round that has ended; its ``base``
    those of a round that had ended and is open again, whose further live files are the parts that lie there. What else
    lies there is not seen, so that whatever is killed when, a sample of a closed round is there once.

    Attributes:
        path: the folder, on a disk or in a store, as it was given: for words, and for this process.
    """

    path: AnyPath

    @property
    def root(self) -> AnyPath:
        """The folder from wherever one stands: Ray's workers may stand elsewhere. What holds rows is named by it."""
        return absolute(self.path)

    @property
    def manifest_path(self) -> AnyPath:
        """``manifest.json``."""
        return self.path / "manifest.json"

    @property
    def result_path(self) -> AnyPath:
        """``result.json``; there once the run has ended, whatever the outcome."""
        return self.path / "result.json"

    @property
    def config_path(self) -> AnyPath:
        """``config.yaml``."""
        return self.path / "config.yaml"

    def drafts(self, round_: int) -> AnyPath:
        """The folder of a round's drafts."""
        return self.root / "drafts" / f"round={round_}"

    def samples(self, round_: int) -> AnyPath:
        """The folder of a round's samples, partitioned by verdict."""
        return self.root / "samples" / f"round={round_}"

    def judged(self, round_: int) -> AnyPath:
        """The folder of what the judges replied in a round that is open."""
        return self.root / "judged" / f"round={round_}"

    @property
    def review(self) -> AnyPath:
        """What people say of a sample of the rows (``apigen review``)."""
        return self.path / "review"

    def seeds(self, round_: int) -> AnyPath:
        """The examples that a closed round gives to later ones."""
        return self.path / "seeds" / f"round={round_}.jsonl"

    def manifest(self) -> Json:
        """The manifest, or ``{}`` where there is none yet.

        Raises:
            RecordError: the file is there and cannot be read.
        """
        return _read_object(self.manifest_path, "run again with --clean")

    def result(self) -> Json:
        """What ``result.json`` says of the last attempt; ``{}`` while one goes on.

        Raises:
            RecordError: the file is there and cannot be read.
        """
        return _read_object(self.result_path, "delete it: it only says how the last attempt ended")

    def update_manifest(self, **values: object) -> Json:
        """Sets keys of the manifest, in one step."""
        manifest = self.manifest() | values
        write_text(self.manifest_path, json.dumps(manifest, indent=2, sort_keys=True) + "\n")
        return manifest

    def close_round(self, round_: int, files: Sequence[AnyPath], rows: int | None = None) -> None:
        """Makes these the live files of a round, then deletes everything that they were made from.

        Args:
            round_: number of the round.
            files: its samples, each once.
            rows: how many different samples the round has; what the files hold is counted against it.

        Raises:
            RunFailedError: a file cannot be read back, or the rows are not as many; the round is open as before.
        """
        found = sum(_rows_of(file) for file in files)
        if rows is not None and found != rows:
            raise RunFailedError(
                f"{self.samples(round_)}: closing wrote {found:,} rows of {rows:,} samples",
                "nothing is lost: go on with --resume, which closes the round again; please report this",
            )
        closed, base = self._switch()
        closed[str(round_)] = self.names(files)
        base.pop(str(round_), None)
        self.update_manifest(closed=closed, base=base)
        listed = set(files)
        delete(file for file in list_files(self.samples(round_)) if file not in listed)
        if not any(file.parent.name == _ERROR for file in files):  # else a resumed run judges some of it again
            delete(list_files(self.judged(round_)))

    def open_round(self, round_: int) -> None:
        """Prepares a round for (more) work: ``error`` rows go, to be retried, and so does what killed writers left.

        Safe to kill anywhere: what the manifest does not list is deleted while it is not seen, then the closed files
        become the base of the open round in one write. A listed file that somebody deleted is let go: what it held is
        verified again.
        """
        key, folder = str(round_), self.samples(round_)
        closed, base = self._switch()
        listed = [self.root / name for name in closed.get(key, base.get(key, ()))]
        if key in closed:
            delete(file for file in list_files(folder) if file not in listed)  # as of a writer later than the closing
        there = list_files(folder)
        live = [file for file in listed if file in there and file.parent.name != _ERROR]
        if closed.pop(key, None) is not None or live != listed:
            self.update_manifest(closed=closed, base={**base, key: self.names(live)})
        parts = [file for file in parquet_files(folder) if file.parent.name != _ERROR]
        delete({*list_files(folder)}.difference(live, parts))
        for other in (self.drafts(round_), self.judged(round_)):
            delete(file for file in list_files(other) if file.name.startswith("."))

    def closed_rounds(self) -> list[int]:
        """Rounds whose files are final."""
        return sorted(map(int, self._switch()[0]))

    def rounds(self) -> list[int]:
        """Rounds that have samples, in order; a folder of another name, such as somebody's copy, is not seen.

        Raises:
            EnvironmentFault: the samples cannot be looked at.
        """
        folder = self.path / "samples"
        with reading(folder):
            names = [path.name for path in folder.iterdir()] if folder.exists() else []
        return sorted(int(found[1]) for found in map(_ROUND.fullmatch, names) if found)

    def sample_files(self, round_: int | None = None) -> list[AnyPath]:
        """The live sample files: those the manifest lists for a closed round, base and parts of an open one.

        One of them may be gone when it is opened, because a closing made it part of another: `read` sees to that.
        """
        while True:
            closed, base = before = self._switch()
            out: list[AnyPath] = []
            for number in self.rounds() if round_ is None else [round_]:
                key = str(number)
                listed = [self.root / name for name in closed.get(key, base.get(key, ()))]
                parts = parquet_files(self.samples(number)) if key not in closed else []
                out += [*listed, *(file for file in parts if file not in listed)]
            if self._switch() == before:  # else a round was closed or opened while its parts were listed
                return out

    def read(
        self,
        columns: Sequence[str] | None = None,
        *,
        rounds: Collection[int] | None = None,
        verdicts: Collection[str] | None = None,
        only: pa.Array | None = None,
    ) -> Iterator[pa.Table]:
        """Live samples, row group by row group, also while rounds are closed and opened.

        Where a file was merged into another before it could be read the round is listed anew, and what was given of it
        already is left out: each sample of a closed round comes once. In an open one a batch that was written twice
        may come twice. Holds the ids of the round that it is reading, some 30 bytes a sample.

        Args:
            columns: of `apigen_ray.config.SAMPLE`, or single fields of them (``reply.model``); None: all.
            rounds: only of these.
            verdicts: only with these.
            only: only samples with these ids; of other row groups the ids alone are read.

        Raises:
            EnvironmentFault: a live file is lost or unreadable.
            RecordError: a file of an earlier version has no such column.
        """
        for number in self.rounds() if rounds is None else sorted(rounds):
            yield from self._read(number, columns, verdicts, only)

    def _read(
        self, round_: int, columns: Sequence[str] | None, verdicts: Collection[str] | None, only: pa.Array | None
    ) -> Iterator[pa.Table]:
        wanted = columns if columns is None or "sample_id" in columns else [*columns, "sample_id"]
        names = list(dict.fromkeys(name.partition(".")[0] for name in columns or ()))
        given: list[pa.ChunkedArray] = []
        seen = np.empty(0, "S24")
        while True:
            files = self.sample_files(round_)
            for file in files:
                if verdicts is not None and file.parent.name.removeprefix("verdict=") not in verdicts:
                    continue
                try:
                    for table in read_tables([file], wanted, only):
                        if len(seen):
                            table = table.filter(pa.array(~np.isin(_ids(table["sample_id"]), seen)))
                        given.append(table["sample_id"])
                        yield table if columns is None else _select(table, names, file)
                except FileNotFoundError as error:
                    if file in self.sample_files(round_):
                        raise EnvironmentFault(
                            f"{file}: is lost", "restore it; else --resume makes what it held again"
                        ) from error
                    seen = np.unique(np.concatenate([_ids(part) for part in given])) if given else seen
                    break
            else:
                return

    def names(self, files: Iterable[AnyPath]) -> list[str]:
        """Files as the manifest has them: below the run directory, which may be moved."""
        return [str(file).removeprefix(f"{self.root}/") for file in files]

    def _switch(self) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        """Of the manifest: the files of closed rounds, and the base of those open again."""
        manifest = self.manifest()
        return dict(manifest.get("closed", {})), dict(manifest.get("base", {}))


_ROUND = re.compile(r"round=(0|[1-9][0-9]*)")
_ERROR = f"verdict={Verdict.ERROR}"


def _read_object(file: AnyPath, mend: str) -> Json:
    """What a JSON file says, or ``{}`` where there is none."""
    try:
        form = json.loads(read_text(file))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{file}: not readable ({error})", mend) from error
    if not isinstance(form, dict):
        raise RecordError(f"{file}: not readable (it is no object)", mend)
    return form


def _rows_of(file: AnyPath) -> int:
    try:
        with open_parquet(file) as parquet:
            rows: int = parquet.metadata.num_rows
            return rows
    except (EnvironmentFault, FileNotFoundError) as error:
        raise RunFailedError(
            f"{file}: cannot be read back ({error})",
            "nothing is lost: see to the disk and go on with --resume, which closes the round again",
        ) from error


def _select(table: pa.Table, names: Sequence[str], file: AnyPath) -> pa.Table:
    if missing := [name for name in names if name not in table.column_names]:
        raise RecordError(
            f"{file}: has no column {', '.join(missing)}: an earlier version of apigen-ray wrote it",
            "make the run again, or read it with that version",
        )
    return table.select(names)


def _ids(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.to_pylist(), "S24")
