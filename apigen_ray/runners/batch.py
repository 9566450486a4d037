"""One batch of calls on its way through workers: who gets what, who is suspected, who is blamed."""

import contextlib
import json
import select
import time
from collections.abc import Sequence

from apigen_ray.records import Status
from apigen_ray.runners.base import Outcome, Task
from apigen_ray.runners.handle import COMPILE, LOAD, Worker
from apigen_ray.runners.programs import Answer, BrokenError, Owner, Program, compiled, needed, proofs
from apigen_ray.runners.sandbox.results import CROWDED, MAX_DETAIL
from apigen_ray.runners.sandbox.walls import LAYERS, MANDATORY, is_up
from apigen_ray.runners.sources import SourceError, read_beside
from apigen_ray.runners.spawn import StartError
from apigen_ray.runners.state import State
from apigen_ray.runners.waiting import Job, Waiting

IN_FLIGHT = 64
"""Calls that a worker has been given and has not answered, at most."""
PAUSE_S = 0.001
"""What the parent waits before it looks at workers that have enough to do: many answers then wake it once."""
STARTS = 2
"""Processes in a row that may fail to start before the batch is given up."""
ZYGOTES = 8
"""Zygotes that something from outside may kill before the batch is given up."""
MAX_TEXTS = 8 << 20
"""Characters of all modules that one function needs."""


class Batch:
    """The calls of one run, from waiting to settled.

    Args:
        tasks: the calls; in here they go by their number.
        state: the runner's; changed in place.
    """

    def __init__(self, tasks: Sequence[Task], state: State) -> None:
        self._tasks = tasks
        self._state = state
        self._spec = state.spec
        self._workers = state.workers
        self._outcomes: list[Outcome | None] = [None] * len(tasks)
        self._left = len(tasks)
        self._programs: dict[int, Program] = {}  # by number
        self._waiting = Waiting(state.judge, self._settle)
        self._spare: Worker | None = None  # forked ahead; for a call that goes alone
        self._failed_starts = 0
        self._lost = 0
        state.begin()
        for number, task in enumerate(tasks):
            found = state.program(task)
            if isinstance(found, Outcome):
                self._settle(number, found)
            else:
                self._programs[number] = found
                self._waiting.add(number, found)

    def run(self) -> list[Outcome]:
        """Settles every call."""
        try:
            while self._left:
                self._feed()
                self._listen()
        finally:
            self._drop_spare()
        return [outcome for outcome in self._outcomes if outcome is not None]

    def layers(self) -> dict[str, str]:
        """See `apigen_ray.runners.python.PythonRunner.layers`."""
        zygote = self._state.fork_from()
        worker = Worker(zygote, Owner(trusted=False), alone=True)
        try:
            while not worker.ready:
                if worker.deadline(0) < time.monotonic():
                    raise StartError("a worker does not start")
                time.sleep(PAUSE_S)
                for answer in worker.receive():
                    self._take(worker, answer)
        except BrokenError as broken:
            raise StartError(broken.detail) from broken
        finally:
            worker.dismiss()
        found = {}
        for layer in LAYERS:
            own, probed = self._state.proved.get(layer, ""), zygote.proved.get(layer, "")
            found[layer] = f"{own}; in probe processes: {probed.partition(': ')[2]}" if is_up(own) else probed or own
        return found

    def _settle(self, number: int, outcome: Outcome) -> None:
        self._outcomes[number] = outcome
        self._left -= 1

    def _feed(self) -> None:
        """Gives waiting calls to workers, and starts such as are needed."""
        for worker in list(self._workers):
            if not worker.alone and not worker.owner.apart and worker.owner.imports <= worker.imports:
                self._fill(worker)
        while self._left and self._start():
            pass

    def _fill(self, worker: Worker) -> None:
        if len(worker.given) > IN_FLIGHT // 2:  # many at once: one write, and the worker wakes once
            return
        for _ in range(len(worker.owner.programs)):
            program = worker.owner.programs[0]
            self._waiting.settle_broken(program)
            if program.apart or not program.waiting:
                pass
            elif program.code is None:
                if not program.compiling:
                    worker.compile(program)
            else:
                while program.waiting and len(worker.given) < IN_FLIGHT:
                    number = program.waiting.popleft()
                    worker.give(number, program, self._tasks[number].arguments)
                if program.waiting:
                    break
            worker.owner.programs.popleft()
            if program.waiting:
                worker.owner.programs.append(program)
        worker.send()

    def _next(self) -> tuple[Owner, Job | None] | None:
        return self._waiting.next(worker.owner for worker in self._workers if worker.given and not worker.alone)

    def _start(self) -> bool:
        """Starts a worker for a suspect, or for calls that wait; false where there are none, or it did not start."""
        if sum(bool(worker.given) for worker in self._workers) >= self._spec.workers:
            return False
        wanted = self._next()
        if wanted is not None and self._state.zygote is not None and self._state.zygote.gone():
            self._drop_spare()  # gone with it
            for orphan in list(self._workers):
                self._retire(orphan)
            self._lost += 1
            if self._lost == ZYGOTES:
                self._give_up("something kills its zygotes")
                return False
            wanted = self._next()
        if wanted is None:
            return False
        owner, job = wanted
        try:
            worker = self._forked(owner, alone=job is not None)
        except StartError as error:
            self._not_started(str(error))
            return False
        self._workers.append(worker)
        if job is None:
            self._fill(worker)
            return True
        number, program = job
        self._waiting.take(job)
        if number == COMPILE:
            worker.compile(program)
        else:
            worker.give(number, program, self._tasks[number].arguments)
        worker.send()
        self._fork_ahead()
        return True

    def _forked(self, owner: Owner, *, alone: bool) -> Worker:
        """A worker for an owner: one that was forked ahead, or a new one.

        Raises:
            StartError: none starts.
        """
        if not alone:  # an idle one makes room
            warm = [worker for worker in self._workers if not worker.alone]
            for worker in warm:
                if not worker.given and (worker.owner is owner or len(warm) >= self._spec.workers):
                    self._dismiss(worker)
                    break
        spare = self._spare
        if spare is not None and owner.imports <= spare.imports:
            spare.owner, spare.alone = owner, alone
            self._spare = None
            return spare
        self._drop_spare()
        return Worker(self._state.fork_from(), owner, alone=alone)

    def _fork_ahead(self) -> None:
        """Has the worker for the next call that goes alone made ready while this one runs."""
        wanted = self._next()
        if wanted is not None and wanted[1] is not None:
            with contextlib.suppress(StartError):  # whoever needs it will be told
                self._spare = Worker(self._state.fork_from(), wanted[0], alone=True)

    def _drop_spare(self) -> None:
        if self._spare is not None:
            self._spare.dismiss()
            self._spare = None

    def _not_started(self, detail: str) -> None:
        self._failed_starts += 1
        if self._failed_starts == STARTS:
            self._give_up(detail)

    def _give_up(self, detail: str) -> None:
        for worker in list(self._workers):
            self._dismiss(worker)
        text = f"no worker process starts: {detail}"[:MAX_DETAIL]
        for number, outcome in enumerate(self._outcomes):
            if outcome is None:
                self._settle(number, Outcome(Status.ERROR, "runner_unavailable", detail=text))

    def _dismiss(self, worker: Worker) -> None:
        self._workers.remove(worker)
        worker.dismiss()

    def _listen(self) -> None:
        """Waits for answers, or until a worker is past its time, and takes in what there is."""
        busy = {worker.socket.fileno(): worker for worker in self._workers if worker.given}
        if not busy or self._state.zygote is None:
            return
        if all(len(worker.given) > IN_FLIGHT // 2 for worker in busy.values()):
            time.sleep(PAUSE_S)
        poll = select.poll()
        for descriptor, worker in busy.items():
            poll.register(descriptor, worker.events())
        poll.register(self._state.zygote.socket, select.POLLIN)
        patience = min(worker.deadline(self._spec.timeout_s) for worker in busy.values()) - time.monotonic()
        for descriptor, event in poll.poll(max(0, patience * 1000 + 1)):
            ready = busy.get(descriptor)
            if ready is None:
                self._state.zygote.receive()
                continue
            if ready not in self._workers:  # given up with the rest of the batch, a moment ago
                continue
            if event & select.POLLOUT:
                ready.send()
            if event & ~select.POLLOUT:
                self._read(ready)
        now = time.monotonic()
        for worker in busy.values():  # whatever came has been looked at before the clock is
            if worker.given and worker in self._workers and worker.deadline(self._spec.timeout_s) <= now:
                # In the words of the limit inside: which of the two comes first is a matter of the machine's load.
                limit = worker.limit(self._spec.timeout_s)
                self._break(worker, BrokenError("timeout", f"it took more than {limit:g} s"))

    def _read(self, worker: Worker) -> None:
        try:
            for answer in worker.receive():
                self._take(worker, answer)
                if worker not in self._workers:
                    return
                worker.since = time.monotonic()  # not for part of an answer: a byte now and then would win for ever
        except BrokenError as broken:
            self._break(worker, broken)

    def _take(self, worker: Worker, answer: Answer) -> None:
        """One answer: to the word that the worker is up, else to the first request without one."""
        if not worker.ready:
            self._state.proved = proofs(answer)
            missing = [layer for layer in MANDATORY if not is_up(self._state.proved.get(layer, ""))]
            if missing and not self._spec.allow_weak:
                raise BrokenError("killed", f"its {missing[0]} do not stand")
            worker.ready = True
            self._failed_starts = 0
            return
        expected = worker.given[0][0] if worker.given else None
        if expected is None or answer.number != max(expected, LOAD):
            raise BrokenError("killed", "it wrote into the runner's protocol")
        number, program = worker.given[0]
        if answer.code == CROWDED or (answer.code == "memory" and number < 0):  # another call may have filled it
            raise BrokenError("memory", answer.detail)
        if number == COMPILE:
            self._compiled(program, answer)
        elif number == LOAD:
            if answer.code:
                program.broken = answer.outcome()
            elif answer.value is not None:
                program.binding = json.loads(answer.value)
        else:
            self._settle(number, program.broken or answer.outcome())
            worker.settled.append(number)
            program.note(harm=answer.code in ("timeout", "memory"))
        worker.given.popleft()
        worker.touched = worker.touched or number != LOAD
        if answer.code in ("timeout", "memory") or (worker.alone and number != LOAD):
            self._retire(worker)

    def _compiled(self, program: Program, answer: Answer) -> None:
        """Takes in what a worker has made of a program, or gets it the texts that it lacks."""
        if not answer.code:
            program.code, imports = compiled(answer)
            program.owner.imports.update(imports)
        elif answer.code == "needs":
            self._fetch(program, needed(answer))
        elif answer.code == "timeout":
            self._state.condemn(program, answer.detail, answer.seconds)
        else:
            program.broken = answer.outcome()
        program.compiling = False
        if program.waiting and program not in program.owner.programs:
            program.owner.programs.append(program)

    def _fetch(self, program: Program, names: Sequence[str]) -> None:
        for name in names:
            try:
                if name in program.texts:
                    raise SourceError(f"{name} was asked for twice")
                found = read_beside(program.source.root, name)
            except SourceError as error:
                program.broken = Outcome(Status.REJECTED, "refused", detail=str(error)[:MAX_DETAIL])
                return
            program.texts[name], program.files[name] = found if found is not None else (None, "")
        if sum(len(text or "") for text in program.texts.values()) > MAX_TEXTS:
            detail = f"the modules that it needs are more than {MAX_TEXTS >> 20} Mi characters"
            program.broken = Outcome(Status.REJECTED, "refused", detail=detail)

    def _retire(self, worker: Worker) -> None:
        """Ends a worker that has answered what it was given to be blamed for; the rest waits again."""
        self._dismiss(worker)
        self._waiting.again(worker.given)

    def _break(self, worker: Worker, broken: BrokenError) -> None:
        """Ends a worker; its first unanswered call is suspected, or blamed if it is the first; the rest waits again."""
        seconds = time.monotonic() - worker.since
        self._dismiss(worker)
        jobs = [job for job in worker.given if job[0] != LOAD]
        if self._state.zygote is None or self._state.zygote.gone():  # its workers are gone with it
            self._waiting.again(jobs)
            return
        if not worker.ready:
            if worker.alone:
                self._waiting.suspect(jobs[0])
            else:
                self._waiting.again(jobs)
            self._not_started(broken.detail)
            return
        if broken.code == "forbidden":
            self._distrust(worker)
        if not jobs:
            return
        number, program = jobs[0]
        self._waiting.again(jobs[1:])
        if worker.touched:
            self._waiting.suspect(jobs[0])
        elif number == COMPILE:
            program.compiling = False
            self._state.condemn(program, broken.detail, seconds)
        else:
            outcome = Outcome(Status.REJECTED, broken.code, None, broken.detail, seconds)
            self._settle(number, outcome)
            program.note(harm=True)
            if worker.given[0][0] == LOAD:  # no call of this program can do better
                program.broken = outcome

    def _distrust(self, worker: Worker) -> None:
        """After a security event: what the worker answered is forgotten, its owner's calls get a process each."""
        worker.owner.quarantined = worker.owner.apart = True
        for number in worker.settled:
            self._outcomes[number] = None
            self._left += 1
            self._waiting.add(number, self._programs[number])
        for other in list(self._workers):
            if other.owner is worker.owner and not other.alone:
                self._retire(other)
