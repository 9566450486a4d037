"""What workers serve, as the parent keeps it, and what they say of it, as the parent checks it."""

import hashlib
import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from apigen_ray.records import Status
from apigen_ray.runners.base import Outcome
from apigen_ray.runners.sandbox.results import CROWDED, MAX_DETAIL, MAX_VALUE
from apigen_ray.runners.sources import SourceText
from apigen_ray.strict_json import JsonProblem, loads

PRICE, CREDIT = 4, 16
"""What a lost worker is worth in calls that go alone, and how many calls are kept in mind: see `Program.credit`."""

_BY_A_CALL = "argument_error exec_error timeout memory killed bad_output output_too_large unknown_function refused"
_WORKER_CODES = frozenset(_BY_A_CALL.split()) | {CROWDED}  # the others are the parent's, or other runners'
_read = json.JSONDecoder().decode


class BrokenError(Exception):
    """A worker that cannot go on: code and detail say what its first unanswered call is suspected of."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


@dataclass(eq=False)
class Owner:
    """Whose sources a worker serves: one top-level module or package of one folder.

    Attributes:
        trusted: its sources are loaded without the language layer.
        imports: modules of the standard library that its workers import before their walls go up.
        quarantined: one of its processes died of a forbidden system call.
        programs: those with calls that wait; of the batch that is under way.
        apart: its calls get a process each; for the batch that is under way.
    """

    trusted: bool
    imports: set[str] = field(default_factory=set)
    quarantined: bool = False
    programs: deque["Program"] = field(default_factory=deque)
    apart: bool = False


@dataclass(eq=False)
class Program:
    """One function of one source.

    Attributes:
        key: its name towards workers.
        owner: whose it is.
        source: the text of its module.
        entry: its name there.
        texts: the module's text and of those beside it that it needs, None where there is none; by dotted name.
        files: where they come from.
        code: what a worker has made of that, as it came; None: not compiled yet.
        broken: what becomes of every call once it cannot even be loaded.
        waiting: numbers of the calls that no worker has been given; of the batch that is under way.
        compiling: a worker is at it.
        binding: how it takes its arguments, as a worker that opened it once has said; None: none has.
        credit: one more for each call that left its worker of use, `PRICE` fewer for each that did not. Below zero
            its calls go alone, as that is cheaper than the workers that they would cost; no call is judged by it.
    """

    key: int
    owner: Owner
    source: SourceText
    entry: str
    texts: dict[str, str | None] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    code: str | None = None
    broken: Outcome | None = None
    waiting: deque[int] = field(default_factory=deque)
    compiling: bool = False
    binding: Any = None
    credit: int = 0
    _digest: tuple[int, bytes] = (0, b"")

    def __post_init__(self) -> None:
        self.texts[self.source.name] = self.source.text
        self.files[self.source.name] = self.source.file

    @property
    def apart(self) -> bool:
        """Whether its calls get a process each."""
        return self.owner.apart or self.credit < 0

    def note(self, *, harm: bool) -> None:
        """Keeps in mind what a call has done to its worker."""
        self.credit = max(-CREDIT, self.credit - PRICE) if harm else min(CREDIT, self.credit + 1)

    def digest(self) -> bytes:
        """What all programs have in common that are compiled from the same texts."""
        if self._digest[0] != len(self.texts):  # they only get more
            told = json.dumps([self.owner.trusted, self.source.name, sorted(self.texts.items())])
            self._digest = len(self.texts), hashlib.blake2b(told.encode(), digest_size=16).digest()
        return self._digest[1]

    def seed(self) -> str | None:
        """What `random` is reseeded with, beside the arguments; None where no text names it, nor what draws from it."""
        named = any(text is not None and ("random" in text or "uuid" in text) for text in self.texts.values())
        return f"{self.source.name}.{self.entry}" if named else None


@dataclass(slots=True)
class Answer:
    """What a worker says of one request: see `apigen_ray.runners.sandbox.worker.serve`."""

    number: int
    code: str
    value: str | None
    detail: str
    seconds: float

    def outcome(self) -> Outcome:
        """What that means for the call."""
        status = Status.REJECTED if self.code else Status.PASSED
        return Outcome(status, self.code, self.value, self.detail, self.seconds)


def forged() -> BrokenError:
    """For a worker that says what none of ours says."""
    return BrokenError("killed", "it wrote into the runner's protocol")


def parse(body: bytes | bytearray, *, compiles: bool, first: bool) -> Answer:
    """An answer from its frame; foreign code may have written it, so nothing is taken for granted.

    Raises:
        BrokenError: it is not what a worker of ours says.
    """
    try:
        number, code, value, detail, seconds = _read(body.decode())
        if code == "walls" and first and type(detail) is str:
            raise BrokenError("killed", detail[:MAX_DETAIL])
        well_formed = type(number) is int and type(seconds) is float and type(code) is type(detail) is str
        well_formed = well_formed and (value is None or type(value) is str)
        if code == "" or (code == "needs" and compiles):
            well_formed = well_formed and detail == ""
            if value is not None and not compiles:
                well_formed = well_formed and len(value.encode()) <= MAX_VALUE
                loads(value)
            elif value is None:
                well_formed = well_formed and number < 0
        else:
            well_formed = (
                well_formed and value is None and code in _WORKER_CODES and len(detail.encode()) <= 4 * MAX_DETAIL
            )
    except (ValueError, TypeError, AttributeError, RecursionError):  # JsonProblem is a ValueError
        well_formed = False
    if not well_formed:
        raise forged()
    return Answer(number, code, value, detail, seconds)


def compiled(answer: Answer) -> tuple[str, list[str]]:
    """Code and imports out of the answer to a compile.

    Raises:
        BrokenError: it is not what a worker of ours says.
    """
    try:
        code, imports = loads(answer.value or "")
        if type(code) is str and type(imports) is list and all(type(name) is str for name in imports):
            return code, imports
    except (JsonProblem, TypeError, ValueError):
        pass
    raise forged()


def needed(answer: Answer) -> list[str]:
    """Names of modules out of the answer to a compile that lacks texts.

    Raises:
        BrokenError: it is not what a worker of ours says.
    """
    try:
        names = loads(answer.value or "")
        if type(names) is list and names and all(type(name) is str for name in names):
            return names
    except JsonProblem:
        pass
    raise forged()


def proofs(answer: Answer) -> dict[str, str]:
    """What a worker proved of each layer, out of its first answer.

    Raises:
        BrokenError: it is not what a worker of ours says.
    """
    try:
        found = loads(answer.value or "")
        if type(found) is dict and all(type(words) is str for words in found.values()):
            return found
    except JsonProblem:
        pass
    raise forged()
