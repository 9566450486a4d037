"""Recorded answers: what calls gave back, kept in a folder of Parquet files and given again without a call."""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from apigen_ray.errors import ApigenError, InputError
from apigen_ray.records import Json, Source, Status, content_hash, dumps
from apigen_ray.runners.base import ExecutionSpec, Outcome, Task, read_arguments
from apigen_ray.storage import AnyPath, as_path, open_parquet, parquet_files, read_tables, write_once
from apigen_ray.tables import table_of

RECORDING = pa.schema(
    [
        pa.field("key", pa.string()),  # of the call: see `key_of`
        pa.field("kind", pa.string()),  # for people: kind, server and entry of the API's source
        pa.field("server", pa.string()),
        pa.field("entry", pa.string()),
        pa.field("arguments", pa.string()),  # canonical JSON: sorted keys
        pa.field("status", pa.string()),  # passed | rejected
        pa.field("code", pa.string()),
        pa.field("value", pa.string()),
        pa.field("detail", pa.string()),
    ]
)
"""A row of a recording: one call and what came of it. Secrets are no arguments, so that none can be in it."""

_KEY = np.dtype("S24")


def key_of(source: Source, arguments: Json) -> str:
    """What names a call in recordings: where its API comes from, and its arguments whatever the order of their keys.

    Not where the document lay, nor the API's name in its library: a recording may go to another machine.

    Args:
        source: of the API that is called.
        arguments: of the call.
    """
    return content_hash("call", source.kind, source.server, source.entry, source.digest, _canonical(arguments))


def record(folder: str, tasks: Sequence[Task], outcomes: Sequence[Outcome]) -> None:
    """Keeps what calls gave back, as one file named by its content; nothing where there is nothing to keep.

    Passed and rejected calls are kept. Errors are not: they say nothing of the call, which is to be tried again.

    Args:
        folder: on a disk or in a store; any number of processes may write there.
        tasks: a batch.
        outcomes: one for each.

    Raises:
        EnvironmentFault: it cannot be written.
    """
    rows: dict[str, Json] = {}
    for task, outcome in zip(tasks, outcomes, strict=True):
        row = _row(task, outcome)
        if row is not None:
            rows.setdefault(row["key"], row)
    if rows:
        ordered = [rows[key] for key in sorted(rows)]
        write_once(table_of(ordered, RECORDING), as_path(folder), "part-" + content_hash(*map(dumps, ordered)))


@dataclass(frozen=True)
class Kept:
    """What a folder of recordings holds.

    Attributes:
        folder: its path.
        files: how many there are; a batch of calls is one.
        digest: content hash of all that is in them.
    """

    folder: str
    files: int
    digest: str


def look_at(folder: str) -> Kept:
    """Looks whether a folder can be replayed.

    Raises:
        InputError: there are no recordings in it.
        EnvironmentFault: it cannot be read.
    """
    files = parquet_files(as_path(folder))
    if not files:
        raise InputError(
            f"execution.recordings: {folder}: there are no recordings", "record them first: `execution.mode: record`"
        )
    with open_parquet(files[0]) as first:
        if not set(RECORDING.names) <= set(first.schema_arrow.names):
            raise InputError(
                f"execution.recordings: {files[0]}: is no recording", "give the folder that a run with `record` wrote"
            )
    return Kept(folder, len(files), content_hash(*(file.name for file in files)))  # whose names are their content's


class ReplayRunner:
    """Answers calls with what is recorded of them, and makes none.

    A call of which there is no recording is an error, ``not_recorded``. Of several recordings of one call the first
    counts, by the files' names: always the same one, whoever wrote it when.

    The keys are read once, when the first batch comes: 28 bytes a call in each process. The answers stay in the files,
    and those of a batch are read from the files that hold them.

    Args:
        spec: `ExecutionSpec.recordings` names the folder.
    """

    kind = "replay"

    def __init__(self, spec: ExecutionSpec) -> None:
        self._folder = spec.recordings
        self._lock = threading.Lock()
        self._index: _Index | None = None

    def run(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Outcomes in the order of the tasks."""
        nothing = Outcome(Status.ERROR, "not_recorded", detail="no recording has an answer to this call")
        outcomes = [nothing] * len(tasks)
        places: dict[str, list[int]] = {}
        for place, task in enumerate(tasks):
            try:
                arguments = read_arguments(task.arguments)
            except ValueError as error:
                outcomes[place] = Outcome(Status.REJECTED, "argument_error", detail=str(error))
                continue
            if task.api.source is not None:
                places.setdefault(key_of(task.api.source, arguments), []).append(place)
        try:
            answers = self._answers(list(places))
        except ApigenError as error:
            unread = Outcome(Status.ERROR, "runner_unavailable", detail=error.message[:500])
            answers = dict.fromkeys(places, unread)
        for key, outcome in answers.items():
            for place in places[key]:
                outcomes[place] = outcome
        return outcomes

    def close(self) -> None:
        """Forgets the keys: what is recorded by then is seen by the next batch."""
        with self._lock:
            self._index = None

    def _answers(self, keys: Sequence[str]) -> dict[str, Outcome]:
        if not keys or self._folder is None:
            return {}
        with self._lock:
            if self._index is None:
                self._index = _index(self._folder)
            index = self._index
        wanted = pa.array(keys, pa.string())
        found: dict[str, Outcome] = {}
        for table in read_tables(index.holding(keys), ["key", "status", "code", "value", "detail"]):
            for row in table.filter(pc.is_in(table["key"], wanted)).to_pylist():
                found.setdefault(row.pop("key"), Outcome.of(row))
        return found


@dataclass(frozen=True)
class _Index:
    """Which file holds which key.

    Attributes:
        files: sorted.
        keys: sorted, each once.
        at: for each key the first file that has it.
    """

    files: list[AnyPath]
    keys: np.ndarray
    at: np.ndarray

    def holding(self, keys: Sequence[str]) -> list[AnyPath]:
        """The files that hold the answers to some keys, in their order."""
        wanted = np.array(keys, _KEY)
        places = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return [self.files[file] for file in np.unique(self.at[places][self.keys[places] == wanted])]


def _index(folder: str) -> _Index:
    look_at(folder)
    files = parquet_files(as_path(folder))
    parts = [
        np.array([key for table in read_tables([file], ["key"]) for key in table["key"].to_pylist()], _KEY)
        for file in files
    ]
    keys, first = np.unique(np.concatenate(parts), return_index=True)
    owners = np.repeat(np.arange(len(parts), dtype=np.int32), [len(part) for part in parts])
    return _Index(files, keys, owners[first])


def _row(task: Task, outcome: Outcome) -> Json | None:
    source = task.api.source
    if source is None or outcome.status not in (Status.PASSED, Status.REJECTED):
        return None
    try:
        arguments = read_arguments(task.arguments)
    except ValueError:
        return None  # it is refused again without a recording
    return {
        "key": key_of(source, arguments),
        "kind": source.kind,
        "server": source.server,
        "entry": source.entry,
        "arguments": _canonical(arguments),
        "status": str(outcome.status),
        "code": outcome.code,
        "value": outcome.value,
        "detail": outcome.detail,
    }


def _canonical(arguments: Json) -> str:
    return json.dumps(arguments, ensure_ascii=False, separators=(",", ":"), allow_nan=False, sort_keys=True)
