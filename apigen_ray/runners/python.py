"""Executes Python functions in warm child processes: a call that hangs, grows or dies costs itself and nothing else."""

import select
import threading
import time
from collections import deque
from collections.abc import Sequence

from apigen_ray.records import Status
from apigen_ray.runners.base import ExecutionSpec, Outcome, Task
from apigen_ray.runners.process import LOAD, Answer, BrokenError, Child, Module
from apigen_ray.runners.results import MAX_DETAIL
from apigen_ray.runners.sources import read_source

IN_FLIGHT = 64
"""Calls that a child has been given and has not answered, at most."""
STARTS = 2
"""Children in a row that may fail to start before the batch is given up."""


class PythonRunner:
    """Runs calls to functions of Python sources in a few child processes that outlive the batch.

    All calls of a batch are under way at once, up to `IN_FLIGHT` for each child. A child that dies, hangs or runs out
    of memory is killed; its first unanswered call is the suspect and is tried once more, alone in a fresh child, before
    it is blamed, because a call before it may have been what broke the child. The others are simply given again.

    Args:
        spec: limits, and how many children work at a time.
    """

    kind = "python"

    def __init__(self, spec: ExecutionSpec) -> None:
        self._spec = spec
        self._lock = threading.Lock()
        self._children: list[Child] = []
        self._modules: dict[str, Module] = {}

    def run(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Outcomes in the order of the tasks. Threads take turns."""
        with self._lock:
            batch = _Batch(tasks, self._spec, self._children, self._modules)
            try:
                return batch.run()
            except BaseException:  # children in the middle of something are of no use to the next batch
                self._end()
                raise

    def close(self) -> None:
        """Ends the children."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        while self._children:
            self._children.pop().kill()


class _Batch:
    """The calls of one run, from waiting to settled.

    Args:
        tasks: the calls; in here they go by their number.
        spec: limits.
        children: the runner's children; changed in place.
        modules: the sources that the runner has read, by location; changed in place.
    """

    def __init__(
        self, tasks: Sequence[Task], spec: ExecutionSpec, children: list[Child], modules: dict[str, Module]
    ) -> None:
        self._tasks = tasks
        self._spec = spec
        self._children = children
        self._outcomes: list[Outcome | None] = [None] * len(tasks)
        self._left = len(tasks)
        self._modules: dict[int, Module] = {}  # by number
        self._waiting: dict[str, deque[int]] = {}  # by the folder of their source
        self._suspects: deque[int] = deque()
        self._failed_starts = 0
        unreadable: dict[str, Outcome] = {}  # for this batch only: the file may be there at the next one
        for number, task in enumerate(tasks):
            source = task.api.source
            if source is None or source.kind != PythonRunner.kind:
                self._settle(number, Outcome(Status.REJECTED, "unknown_function", detail="it has no Python source"))
                continue
            if source.location not in modules and source.location not in unreadable:
                try:
                    modules[source.location] = Module(len(modules), read_source(source.location))
                except (OSError, ValueError, SyntaxError) as error:  # SyntaxError: an encoding that does not exist
                    detail = f"the source cannot be read here: {error}"[:MAX_DETAIL]
                    unreadable[source.location] = Outcome(Status.ERROR, "runner_unavailable", detail=detail)
            if source.location in unreadable:
                self._settle(number, unreadable[source.location])
            else:
                module = self._modules[number] = modules[source.location]
                self._waiting.setdefault(module.source.root, deque()).append(number)

    def run(self) -> list[Outcome]:
        """Settles every call."""
        while self._left:
            self._feed()
            self._listen()
        return [outcome for outcome in self._outcomes if outcome is not None]

    def _settle(self, number: int, outcome: Outcome) -> None:
        self._outcomes[number] = outcome
        self._left -= 1

    def _feed(self) -> None:
        """Gives waiting calls to children, and replaces idle ones by such as are needed."""
        work = bool(self._suspects) or any(self._waiting.values())
        for child in list(self._children):
            own = self._waiting.get(child.root)
            if own and not child.alone:
                self._fill(child, own)
            elif work and not child.given:
                self._dismiss(child)
        while self._left and len(self._children) < self._spec.workers and self._start():
            pass

    def _fill(self, child: Child, numbers: deque[int]) -> None:
        if len(child.given) > IN_FLIGHT // 2:  # many at once: one write, and the child wakes once
            return
        while numbers and len(child.given) < IN_FLIGHT:
            number = numbers.popleft()
            module = self._modules[number]
            if module.broken:
                self._settle(number, module.broken)
            else:
                child.give(number, module, self._tasks[number])
        child.send()

    def _start(self) -> bool:
        """Starts a child for a suspect, or for calls that wait; false where there are none, or it did not start."""
        root = self._modules[self._suspects[0]].source.root if self._suspects else self._neglected()
        if root is None:
            return False
        try:
            child = Child(self._spec, root)
        except OSError as error:
            self._not_started(str(error))
            return False
        self._children.append(child)
        if self._suspects:
            child.alone = True
            self._fill(child, deque([self._suspects.popleft()]))
        else:
            self._fill(child, self._waiting[root])
        return True

    def _neglected(self) -> str | None:
        """A folder whose calls wait, rather one that no child serves; None where nothing waits."""
        served = {child.root for child in self._children}
        return min((root for root, numbers in self._waiting.items() if numbers), key=served.__contains__, default=None)

    def _not_started(self, detail: str) -> None:
        self._failed_starts += 1
        if self._failed_starts < STARTS:
            return
        for child in list(self._children):
            self._dismiss(child)
        for number, outcome in enumerate(self._outcomes):
            if outcome is None:
                text = f"no child process starts: {detail}"[:MAX_DETAIL]
                self._settle(number, Outcome(Status.ERROR, "runner_unavailable", detail=text))

    def _dismiss(self, child: Child) -> None:
        self._children.remove(child)
        child.kill()

    def _listen(self) -> None:
        """Waits for answers, or until a child is past its time, and takes in what there is."""
        busy = {child.socket.fileno(): child for child in self._children if child.given}
        if not busy:
            return
        poll = select.poll()
        for descriptor, child in busy.items():
            poll.register(descriptor, child.events())
        patience = min(child.deadline(self._spec.timeout_s) for child in busy.values()) - time.monotonic()
        for descriptor, event in poll.poll(max(0, patience * 1000 + 1)):
            child = busy.pop(descriptor)
            if child not in self._children:  # given up with the rest of the batch, a moment ago
                continue
            if event & select.POLLOUT:
                child.send()
            if event & ~select.POLLOUT:
                try:
                    for answer in child.receive():
                        self._take(child, answer)
                except BrokenError as broken:
                    self._break(child, broken)
        now = time.monotonic()
        for child in busy.values():  # these were silent: whatever came is looked at before the clock is
            if child in self._children and child.deadline(self._spec.timeout_s) <= now:
                self._break(child, BrokenError("timeout", f"no answer within {self._spec.timeout_s:g} s"))

    def _take(self, child: Child, answer: Answer) -> None:
        """One answer: to the word that the child is up, else to the first request without one."""
        child.since = time.monotonic()
        if not child.ready:
            child.ready = True
            self._failed_starts = 0
            return
        if not child.given or child.given[0][0] != answer.number:
            raise BrokenError("killed", "it wrote into the runner's protocol")
        if answer.code == "memory":  # the heap is in a poor state now, and another call may have filled it
            raise BrokenError(answer.code, answer.detail)
        number, module = child.given.popleft()
        if number != LOAD:
            self._settle(number, answer.outcome())
            child.alone = child.alone and bool(child.given)
        elif answer.code:
            module.broken = answer.outcome()

    def _break(self, child: Child, broken: BrokenError) -> None:
        """Ends a child; its first unanswered call is suspected, or blamed where it was alone, the rest waits again."""
        seconds = time.monotonic() - child.since
        self._dismiss(child)
        numbers = [number for number, _ in child.given if number != LOAD]
        if not child.ready:
            (self._suspects if child.alone else self._waiting[child.root]).extendleft(reversed(numbers))
            self._not_started(broken.detail)
            return
        if not numbers:
            return
        self._waiting.setdefault(child.root, deque()).extendleft(reversed(numbers[1:]))
        if not child.alone:
            self._suspects.append(numbers[0])
            return
        outcome = Outcome(Status.REJECTED, broken.code, None, broken.detail, seconds)
        self._settle(numbers[0], outcome)
        if child.given[0][0] == LOAD:  # no call of this module can do better
            self._modules[numbers[0]].broken = outcome
