"""What a runner keeps from batch to batch: its processes, the sources that it has read, whose they are."""

import itertools
import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from apigen_ray.records import Status
from apigen_ray.runners.base import ExecutionSpec, Outcome, Task
from apigen_ray.runners.handle import Worker, Zygote
from apigen_ray.runners.programs import Owner, Program
from apigen_ray.runners.sandbox.results import MAX_DETAIL
from apigen_ray.runners.sources import SourceError, SourceText, read_source

KIND = "python"
"""Of sources that are executed here."""
MAX_ARGUMENTS = 4 << 20
"""Characters of a call's arguments."""

MAX_PROGRAMS = 4096
"""Functions that are kept from batch to batch; those that were used longest ago are forgotten first."""
MAX_KEPT = 256 << 20
"""Characters of their sources and code."""
MAX_LOADED = 1024
"""Functions that a worker may hold at the beginning of a batch."""
MAX_QUARANTINED = 65536
"""Owners that are kept in mind though no function of theirs is."""
MAX_UNCOMPILABLE = 1024
"""Texts that are kept in mind because compiling them costs a worker."""

_ENTRY = re.compile(r"(?!__)[A-Za-z_][A-Za-z0-9_]{0,199}")


@dataclass
class State:
    """What a runner keeps from batch to batch.

    Attributes:
        spec: limits.
        skip: layers that are left out.
        zygote: what workers are forked from; None: not started.
        workers: those that are there.
        proved: by the worker that was started last.
        sources: texts that were read, or what becomes of calls to them, by location.
        owners: by root, top-level name and trust.
        programs: by location, entry and trust.
        uncompilable: what becomes of calls to programs that are compiled from texts of a `Program.digest`.
    """

    spec: ExecutionSpec
    skip: frozenset[str]
    zygote: Zygote | None = None
    workers: list[Worker] = field(default_factory=list)
    proved: dict[str, str] = field(default_factory=dict)
    sources: dict[str, SourceText | Outcome] = field(default_factory=dict)
    owners: dict[tuple[str, str, bool], Owner] = field(default_factory=dict)
    programs: OrderedDict[tuple[str, str, bool], Program] = field(default_factory=OrderedDict)
    uncompilable: OrderedDict[bytes, Outcome] = field(default_factory=OrderedDict)
    _unreadable: dict[str, Outcome] = field(default_factory=dict)
    _keys: Iterator[int] = field(default_factory=itertools.count)

    def begin(self) -> None:
        """Makes ready for a batch, whatever an interrupt left of the one before, and forgets what is too much."""
        self._unreadable.clear()  # the files may be there now
        self._forget()
        for program in self.programs.values():
            program.waiting.clear()
            program.compiling = False
        for owner in self.owners.values():
            owner.programs.clear()
            owner.apart = self.spec.isolation == "call"
        for worker in list(self.workers):
            worker.settled.clear()
            if len(worker.loaded) > MAX_LOADED:
                self.workers.remove(worker)
                worker.dismiss()

    def _forget(self) -> None:
        kept: set[int] = set()  # a text is counted once, whoever has it
        room = MAX_KEPT
        for number, (key, program) in enumerate(reversed(list(self.programs.items()))):
            texts = {id(text): len(text) for text in (*program.texts.values(), program.code) if text is not None}
            room -= sum(texts[text] for text in texts.keys() - kept)
            kept |= texts.keys()
            if number >= MAX_PROGRAMS or room < 0:
                del self.programs[key]
        locations = {location for location, _, _ in self.programs}
        self.sources = {location: text for location, text in self.sources.items() if location in locations}
        used = {id(program.owner) for program in self.programs.values()}
        idle = [key for key, owner in self.owners.items() if id(owner) not in used]
        quarantined = [key for key in idle if self.owners[key].quarantined][-MAX_QUARANTINED:]
        for key in set(idle).difference(quarantined):
            del self.owners[key]

    def program(self, task: Task) -> Program | Outcome:
        """What a call is made to, or what becomes of the call at once."""
        source = task.api.source
        if source is None or source.kind != KIND:
            return Outcome(Status.REJECTED, "unknown_function", detail="it has no Python source")
        if len(task.arguments) > MAX_ARGUMENTS:
            return Outcome(Status.REJECTED, "argument_error", detail=f"more than {MAX_ARGUMENTS >> 20} Mi characters")
        trusted = source.trust == "trusted"
        key = (source.location, source.entry, trusted)
        program = self.programs.get(key)
        if program is None:
            text = self._text(source.location)
            if isinstance(text, Outcome):
                return text
            if not _ENTRY.fullmatch(source.entry):
                detail = f"{text.name} has no function {source.entry!r}"[:MAX_DETAIL]
                return Outcome(Status.REJECTED, "unknown_function", detail=detail.encode("utf-8", "replace").decode())
            top = (text.root, text.name.partition(".")[0], trusted)
            owner = self.owners.get(top)
            if owner is None:
                owner = self.owners[top] = Owner(trusted, apart=self.spec.isolation == "call")
            program = self.programs[key] = Program(next(self._keys), owner, text, source.entry)
        self.programs.move_to_end(key)
        if program.owner.quarantined:
            detail = "its source made a forbidden system call in an earlier batch"
            return Outcome(Status.REJECTED, "quarantined", detail=detail)
        return program.broken or program

    def judge(self, program: Program) -> None:
        """Calls a program broken whose texts were too much for the compiler before."""
        if self.uncompilable and program.code is None and program.broken is None:
            program.broken = self.uncompilable.get(program.digest())

    def condemn(self, program: Program, detail: str, seconds: float) -> None:
        """Calls all programs broken that are compiled from the texts of this one."""
        words = f"it does not compile: {detail}"[:MAX_DETAIL]
        program.broken = self.uncompilable[program.digest()] = Outcome(Status.REJECTED, "refused", None, words, seconds)
        while len(self.uncompilable) > MAX_UNCOMPILABLE:
            self.uncompilable.popitem(last=False)

    def _text(self, location: str) -> SourceText | Outcome:
        known = self.sources.get(location) or self._unreadable.get(location)
        if known is not None:
            return known
        try:
            found: SourceText | Outcome = read_source(location)
        except SourceError as error:
            found = Outcome(Status.REJECTED, "refused", detail=str(error)[:MAX_DETAIL])
        except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
            detail = f"the source cannot be read here: {error}"[:MAX_DETAIL]
            self._unreadable[location] = missing = Outcome(Status.ERROR, "runner_unavailable", detail=detail)
            return missing
        self.sources[location] = found
        return found

    def fork_from(self) -> Zygote:
        """The zygote, started where there is none.

        Raises:
            StartError: it cannot be started.
        """
        if self.zygote is not None and self.zygote.gone():
            self.end()
        if self.zygote is None:
            self.zygote = Zygote(self.spec, self.skip)
        return self.zygote

    def end(self) -> None:
        """Ends all processes."""
        for worker in self.workers:
            worker.socket.close()
        self.workers.clear()
        if self.zygote is not None:
            self.zygote.kill()
            self.zygote = None
