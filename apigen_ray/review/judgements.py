"""What reviewers said: one file for each, a line for each word, on the disk before anybody is told that it is."""

import fcntl
import json
import os
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from apigen_ray.errors import InputError, RecordError
from apigen_ray.records import Json
from apigen_ray.review.sample import Sample
from apigen_ray.storage import make_folder, reading, writing

FOLDER = "judgements"
NOTE_CHARACTERS = 2_000


class Word(StrEnum):
    """What a reviewer can say of a row."""

    GOOD = "good"
    BAD = "bad"
    UNSURE = "unsure"


class Ground(StrEnum):
    """Why a row is bad: the paper's grounds for its semantic check, a query that is at fault, and any other."""

    WRONG_FUNCTION = "wrong_function"
    WRONG_ARGUMENTS = "wrong_arguments"
    CALL_COUNT = "call_count"
    RESULT = "result"
    UNCLEAR = "unclear"
    OTHER = "other"


class Judgement(BaseModel):
    """A reviewer's word on a row.

    Attributes:
        word: the word.
        grounds: why; only for a bad row, and not asked for.
        note: anything else.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    word: Word
    grounds: tuple[Ground, ...] = ()
    note: Annotated[str, Field(max_length=NOTE_CHARACTERS)] = ""

    @model_validator(mode="after")
    def _fits(self) -> "Judgement":
        if self.grounds and self.word != Word.BAD:
            raise ValueError(f"grounds are for bad rows, not for {self.word} ones")
        if len(set(self.grounds)) < len(self.grounds):
            raise ValueError("a ground is named twice")
        return self


class Line(BaseModel):
    """A line of a file: a word on a row, one taken back (``said`` is null), or that the row's story was shown.

    Attributes:
        row: the row's ``sample_id``.
        at: when, in UTC.
        said: the judgement.
        revealed: the verdict was shown; the judgement stays as it was until then.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    row: str
    at: str
    said: Judgement | None = None
    revealed: bool = False


class Settled(InputError):
    """A row whose verdict the reviewer has seen is not judged anew."""


@dataclass
class Words:
    """What one reviewer has said so far.

    Attributes:
        reviewer: the name.
        said: the last judgement of each row that has one.
        revealed: rows whose verdict the reviewer was shown, having judged them.
    """

    reviewer: str
    said: dict[str, Judgement] = field(default_factory=dict)
    revealed: set[str] = field(default_factory=set)

    def take(self, line: Line) -> None:
        """Lets a line say what it says."""
        if line.revealed:
            self.revealed.add(line.row)
        elif line.said is None:
            self.said.pop(line.row, None)
        else:
            self.said[line.row] = line.said


class JudgementFile:
    """A reviewer's file, open to be written: nobody else can open it so until it is closed or the process ends.

    Attributes:
        words: what it holds.
    """

    def __init__(self, sample: Sample, reviewer: str) -> None:
        """Opens the file, or makes it.

        Args:
            sample: what is judged.
            reviewer: a name, as `name_of` lets through.

        Raises:
            InputError: another process has it open; the file is of another sample or reviewer.
            RecordError: a line is broken.
            EnvironmentFault: it cannot be read or written.
        """
        self._path = path_of(sample, reviewer)
        make_folder(self._path.parent)
        with writing(self._path):
            self._file = self._path.open("ab", buffering=0)
        try:
            self._lock(reviewer)
            words, kept, there = _read(self._path, sample)
            with writing(self._path):
                self._file.truncate(min(kept, there))  # a line that a kill cut off: nobody was told of it
                self._file.write(b"\n" * (kept > there))  # an end that somebody's editor left out
            self._end = kept
            if words is None:
                self._append(_head(sample, reviewer))
                _sync_folder(self._path.parent)
            self.words = words or Words(reviewer)
        except BaseException:
            self._file.close()
            raise

    def judge(self, row: str, said: Judgement | None) -> None:
        """Puts a judgement on the disk, or takes the row's back (None).

        Raises:
            Settled: the row's verdict was shown.
            RecordError: somebody else has changed, replaced or deleted the file.
            EnvironmentFault: it could not be written; what was said before stands.
        """
        if row in self.words.revealed:
            raise Settled(f"{row}: its verdict was shown, so its judgement stays", "go on with the next row")
        self._write(Line(row=row, at=_now(), said=said))

    def reveal(self, row: str) -> None:
        """Puts on the disk that the verdict of a judged row is shown.

        Raises:
            InputError: the row is not judged.
            RecordError: somebody else has changed, replaced or deleted the file.
            EnvironmentFault: it could not be written.
        """
        if row not in self.words.said:
            raise InputError(f"{row}: is not judged yet", "judge it first: its verdict would colour the judgement")
        if row not in self.words.revealed:
            self._write(Line(row=row, at=_now(), revealed=True))

    def close(self) -> None:
        """Lets others open the file."""
        self._file.close()

    def _lock(self, reviewer: str) -> None:
        with writing(self._path):  # a file system may have no locks
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(
                    f"{reviewer}: judges this sample in another process already", "end that one, or give another name"
                ) from None

    def _write(self, line: Line) -> None:
        self._append(_encoded(line.model_dump(mode="json", exclude_defaults=True)))
        self.words.take(line)

    def _append(self, data: bytes) -> None:
        self._check(self._end)
        with writing(self._path):
            try:
                left = data
                while left:
                    left = left[self._file.write(left) :]
                os.fsync(self._file.fileno())
            except OSError:
                self._file.truncate(self._end)  # all of a line or nothing of it
                raise
        self._check(self._end + len(data))
        self._end += len(data)

    def _check(self, size: int) -> None:
        """Whether the path still leads to what is written here: editors put a new file in the place of the old one."""
        with writing(self._path):
            own = os.fstat(self._file.fileno())
            try:
                there = self._path.stat()
            except FileNotFoundError:
                there = None
        if there is None or (there.st_dev, there.st_ino, there.st_size) != (own.st_dev, own.st_ino, size):
            raise RecordError(
                f"{self._path}: was changed by somebody else while rows were judged; this judgement may be lost",
                "start the page again: it goes on with what lies there now",
            )


def name_of(text: str) -> str:
    """A reviewer's name as it is kept: it is also the name of a file.

    Raises:
        InputError: it is empty, too long, or has other characters than letters, digits, spaces and ``. _ @ -``.
    """
    name = unicodedata.normalize("NFC", " ".join(text.split()))
    if not _NAME.fullmatch(name):
        raise InputError(
            f"reviewer {name[:60]!r}: is no name to keep", "give up to 40 letters, digits, spaces, dots, dashes or @"
        )
    return name


def path_of(sample: Sample, reviewer: str) -> Path:
    """Where a reviewer's judgements lie."""
    return sample.folder / FOLDER / f"{reviewer}.jsonl"


def read_words(sample: Sample) -> list[Words]:
    """What all reviewers have said of a sample, by name; also while they judge.

    Raises:
        InputError: a file is of another sample.
        RecordError: a line is broken; a last one that is cut off is left out.
        EnvironmentFault: a file cannot be read.
    """
    folder = sample.folder / FOLDER
    with reading(folder, _RESTORE):
        names = sorted(os.listdir(folder)) if folder.exists() else []
    files = [folder / name for name in names if name.endswith(".jsonl")]
    return [words for words in (_read(file, sample)[0] for file in files) if words is not None]


_NAME = re.compile(r"[^\W_]([\w .@-]{0,38}\w)?")


def _read(path: Path, sample: Sample) -> tuple[Words | None, int, int]:
    """What a file says (None where there is no first line yet), the bytes of its whole lines, and those of the file."""
    with reading(path, _RESTORE):
        data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if _is_json(last := data[len(whole) :]):  # no line that was cut off is
        whole += last + b"\n"
    if not whole and _head(sample, _owner(path)).startswith(data):  # new, or killed while its first line was written
        return None, 0, len(data)
    head, *lines = (whole or data).splitlines()
    words = Words(_reviewer(path, head, sample))
    for number, text in enumerate(lines, start=2):
        try:
            line = Line.model_validate_json(text)
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            raise RecordError(f"{path}, line {number}: is no judgement ({reason})", _MEND) from error
        if line.row not in sample.cells:
            raise RecordError(f"{path}, line {number}: the sample has no row {line.row}", _MEND)
        words.take(line)
    return words, len(whole), len(data)


_RESTORE = "let it be read, or restore it: nobody but its reviewer could make it again"
_MEND = "mend the line or take it out: the others are read as they are"


def _reviewer(path: Path, head: bytes, sample: Sample) -> str:
    try:
        form: Mapping[str, str] = json.loads(head)
        digest, reviewer = form["sample"], form["reviewer"]
    except (ValueError, TypeError, KeyError) as error:
        raise RecordError(
            f"{path}, line 1: does not name sample and reviewer",
            "restore that line, or take out what was put before it: nothing here is changed until then",
        ) from error
    if digest != sample.digest:
        raise InputError(f"{path}: these judgements are of another sample", "move the file to the sample it is of")
    if reviewer != _owner(path):
        raise InputError(f"{path}: these judgements are {reviewer}'s", f"name the file {reviewer}.jsonl")
    return reviewer


def _owner(path: Path) -> str:
    return unicodedata.normalize("NFC", path.stem)


def _head(sample: Sample, reviewer: str) -> bytes:
    """The first line of a file."""
    return _encoded({"sample": sample.digest, "reviewer": reviewer})


def _encoded(form: Json) -> bytes:
    return (json.dumps(form, ensure_ascii=False) + "\n").encode()


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
