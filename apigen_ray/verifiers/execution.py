"""The execution stage: every call of a sample is made, as the mode says, and what came back is kept."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pyarrow as pa

from apigen_ray.asks.base import Ask
from apigen_ray.records import NOT_REQUESTED, Api, Json, Mode, Status, dumps
from apigen_ray.runners.base import CODES, ExecutionMode, ExecutionSpec, Outcome, Task, results_json
from apigen_ray.runners.pool import executable, shared_runner
from apigen_ray.strict_json import JsonProblem, loads
from apigen_ray.tables import set_columns
from apigen_ray.verifiers.base import Setting, with_verdict

__all__ = ["ExecutionSpec", "ExecutionVerifier", "execute_candidates"]


class ExecutionVerifier:
    """Executes the calls of a sample; it passes if all of them do (paper, section 3.1.2).

    Codes, each with a call that gets it:

    - ``argument_error``: ``round_to(number=1.5, digts=2)``
    - ``exec_error``: ``divide(a=1, b=0)``; any call to a function whose module raises when it is loaded
    - ``timeout``: ``nth_prime(n=10**9)``
    - ``memory``: ``repeat(text="ab", times=10**10)``
    - ``killed``: a function that ends its process: ``os._exit(0)``
    - ``bad_output``: a function that returns NaN, bytes or a generator: ``return b"42"``
    - ``output_too_large``: ``repeat(text="ab", times=200000)``
    - ``unknown_function``: a call to a function that is not offered, or that its source does not have:
      ``to_kelvin(celsius=20)`` where ``to_celsius`` is all there is
    - ``refused``: a function that the language layer does not take (the detail names line and reason) or that is async;
      or its source does not parse, crashes or starves the compiler, imports what is not there, is no text or too large:
      ``return eval(text)``
    - ``forbidden``: a function that makes a system call that none may make, a security event: ``os.fork()``
    - ``quarantined``: any call to a source that had a security event in an earlier batch of the same worker process:
      ``add(a=1, b=2)`` from the file of the ``os.fork()`` above
    - ``http_error``: REST: the status of the answer says that the call did not succeed: ``404``, ``422``, ``500``
    - ``endpoint_unavailable`` (status ``error``): REST: no connection, or no answer but to come again later, after
      all tries: ``408``, ``425``, ``429``, ``502``, ``503``, ``504``
    - ``blocked_address``: the host's name leads to a private, loopback or link-local address that is not allowed:
      ``http://169.254.169.254/``
    - ``method_refused``: REST: a method that ``execution.rest.methods`` does not name: ``POST``
    - ``redirect_refused``: REST: redirected too often, to another scheme, or after a method that changes something:
      ``302 Found``, ``Location: ftp://host/``
    - ``no_credentials`` (status ``error``): an environment variable that its source names is not set here, or what it
      holds is given no token: ``MY_API_KEY`` on a worker that was started without it
    - ``server_error`` (status ``error``): MCP: the server does not start, has died or does not answer:
      ``command: no-such-server``
    - ``not_recorded`` (status ``error``): mode ``replay``, and a call that no recording has an answer to:
      ``weather(city="Oslo")`` after a recording of ``weather(city="Rome")`` alone
    - ``runner_unavailable`` (status ``error``): no worker process starts, it cannot be confined here, or the source is
      not on this machine: ``path: shop.py`` on a node that has no such file
    - ``not_requested`` (status ``skipped``): mode ``none``, or a call to an API that has nothing behind it to execute

    A row has the code of its first call that failed. It is skipped if none failed and some could not be executed, and
    then goes on to the next stage. For ``call_first`` rows the results that the plan brought are kept if the answers
    are the very calls that were planned. Where none of the planned calls could be taken the first failure is told.

    ``execution_mode`` says of each row what was done: ``none`` where a call was neither made nor answered,
    ``simulate`` where the answer to one was made up, else the mode: in ``simulate`` it is ``live`` where all calls
    were executed.
    """

    name: ClassVar[str] = "execution"
    codes: ClassVar[tuple[str, ...]] = CODES
    columns: ClassVar[tuple[pa.Field, ...]] = (
        pa.field("results", pa.string()),  # JSON list of Outcome forms, one per call; null where none was executed
        pa.field("execution_mode", pa.string()),  # of this row: live | record | replay | simulate | none
    )
    needs: tuple[Ask, ...] = ()

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    def check(self, table: pa.Table) -> pa.Table:
        """Executes the calls of all rows in one batch."""
        if self._setting.execution.mode == "none":
            n = table.num_rows
            table = set_columns(table, {"results": [None] * n, "execution_mode": ["none"] * n})
            details = ["execution.mode is none"] * n
            return with_verdict(table, self.name, [str(Status.SKIPPED)] * n, [NOT_REQUESTED] * n, details)
        columns = ["answers", "tools", "api_ids", "mode", "candidates", "planned", "planned_results"]
        works = [self._work(row) for row in table.select(columns).to_pylist()]
        _execute(works, self._setting)
        verdicts = [work.verdict() for work in works]
        modes = [work.mode(self._setting.execution.mode) for work in works]
        table = set_columns(table, {"results": [work.results() for work in works], "execution_mode": modes})
        return with_verdict(table, self.name, *(list(part) for part in zip(*verdicts, strict=True)))

    def _work(self, row: Mapping[str, Any]) -> "_Work":
        if row["planned"] is None and row["planned_results"] is not None:  # nothing to ask a model for
            first = json.loads(row["candidates"])[0]["calls"]
            return _Work([call["name"] for call in first], [*_outcomes(row["planned_results"])])
        try:
            calls = _calls(row["answers"])
        except ValueError as error:  # only where the format stage was not asked for
            fault = Outcome(Status.REJECTED, "argument_error", detail=str(error)[:500])
            return _Work(["answers"], [fault])
        names = [call["name"] for call in calls]
        kept = _kept(row, calls) if row["mode"] == Mode.CALL_FIRST else None
        if kept is not None:
            return _Work(names, list(kept))
        offered = _offered(row, names, self._setting.apis)
        return _Work(names, [_part(call, offered, self._setting.execution.mode) for call in calls])


def execute_candidates(table: pa.Table, setting: Setting) -> pa.Table:
    """Takes for each ``call_first`` row of a plan the first candidate whose calls all execute.

    The first candidates of all rows are one batch, the second ones of the rows that are left the next, and so on. Calls
    that cannot be executed, and all of them in mode ``none``, do not stand in a candidate's way.

    Args:
        table: rows with the columns of `apigen_ray.records.PLAN`, or more.
        setting: the library and the limits.

    Returns:
        The same rows. Where there are candidates ``planned`` is the calls taken, null where no candidate executed;
        ``planned_results`` is their outcomes, those of the first candidate where none executed, null in mode ``none``.
    """
    planned = table["planned"].to_pylist()
    results = table["planned_results"].to_pylist()
    texts = table["candidates"].to_pylist()
    candidates = {row: json.loads(text) for row, text in enumerate(texts) if text is not None}
    turn = 0
    while live := [row for row, some in candidates.items() if planned[row] is None and turn < len(some)]:
        works = [_candidate(candidates[row][turn], setting) for row in live]
        if setting.execution.mode != "none":
            _execute(works, setting)
        for row, work in zip(live, works, strict=True):
            if setting.execution.mode == "none" or work.failed() is None:
                planned[row] = dumps(candidates[row][turn]["calls"])
            if setting.execution.mode != "none" and (turn == 0 or planned[row] is not None):
                results[row] = dumps(results_json(work.outcomes))
        turn += 1
    return set_columns(table, {"planned": planned, "planned_results": results})


@dataclass
class _Work:
    """The calls of a row, or of a candidate, on their way through a batch.

    Attributes:
        names: of the functions called.
        parts: for each call what is to be executed, or its outcome where that is known without.
        outcomes: for each call what became of it.
    """

    names: list[str]
    parts: list[Task | Outcome]
    outcomes: list[Outcome] = field(default_factory=list)

    def failed(self) -> int | None:
        """Which call failed first."""
        fine = (Status.PASSED, Status.SKIPPED)
        return next((i for i, outcome in enumerate(self.outcomes) if outcome.status not in fine), None)

    def verdict(self) -> tuple[str, str, str]:
        """Status, code and detail of the row."""
        place = self.failed()
        if place is None:
            skipped = (i for i, outcome in enumerate(self.outcomes) if outcome.status == Status.SKIPPED)
            place = next(skipped, None)
        if place is None:
            simulated = sum(outcome.simulated for outcome in self.outcomes)
            told = f"{simulated} of {len(self.outcomes)} calls simulated: nothing was executed for them"
            return str(Status.PASSED), "", told if simulated else ""
        outcome = self.outcomes[place]
        where = f"call {place + 1} of {len(self.outcomes)}, " if len(self.outcomes) > 1 else ""
        return str(outcome.status), outcome.code, f"{where}{self.names[place]}: {outcome.detail}"

    def mode(self, asked_for: ExecutionMode) -> str:
        """The column ``execution_mode``."""
        if self.failed() is None and any(outcome.status == Status.SKIPPED for outcome in self.outcomes):
            return "none"
        if asked_for != "simulate" or any(outcome.simulated for outcome in self.outcomes):
            return asked_for
        return "live"

    def results(self) -> str | None:
        """The column ``results``."""
        if self.outcomes and all(outcome.status == Status.SKIPPED for outcome in self.outcomes):
            return None
        return dumps(results_json(self.outcomes))


def _execute(works: Sequence[_Work], setting: Setting) -> None:
    """Sets the outcomes of all works, with one run for all that is to be executed."""
    tasks = [part for work in works for part in work.parts if isinstance(part, Task)]
    done = iter(shared_runner(setting.execution, setting.leases).run(tasks) if tasks else ())
    for work in works:
        work.outcomes = [next(done) if isinstance(part, Task) else part for part in work.parts]


def _calls(text: str | None) -> list[Json]:
    """The calls of a row.

    Raises:
        ValueError: it holds none in the form ``[{"name", "arguments"}, ...]``.
    """
    try:
        calls = loads(text or "")
    except JsonProblem as problem:
        raise ValueError(f"{problem.code}: {problem.detail}") from None
    if not isinstance(calls, list):
        raise ValueError("no list of calls")
    for call in calls:
        fits = isinstance(call, dict) and isinstance(call.get("name"), str) and isinstance(call.get("arguments"), dict)
        if not fits:
            raise ValueError('a call is not of the form {"name": "...", "arguments": {...}}')
    return calls


def _kept(row: Mapping[str, Any], calls: Sequence[Json]) -> list[Outcome] | None:
    """The results that the plan brought, if the answers are the planned calls and nothing is left to try."""
    if row["planned"] is None or row["planned_results"] is None:
        return None
    if row["answers"] != row["planned"] and _canonical(calls) != _canonical(json.loads(row["planned"])):
        return None
    outcomes = _outcomes(row["planned_results"])
    return outcomes if all(outcome.status in (Status.PASSED, Status.REJECTED) for outcome in outcomes) else None


def _outcomes(text: str) -> list[Outcome]:
    """The inverse of `results_json`, but for the seconds."""
    return [Outcome.of(form) for form in json.loads(text)]


def _canonical(calls: Sequence[Json]) -> str:
    return json.dumps(calls, sort_keys=True)


def _offered(row: Mapping[str, Any], names: Iterable[str], apis: Mapping[str, Api]) -> dict[str, Api | None]:
    """The offered functions by name; None stands for one that is not of the library."""
    ids = row["api_ids"] or []
    offered: dict[str, Api | None] = {apis[api_id].name: apis[api_id] for api_id in ids if api_id in apis}
    if all(name in offered for name in names):  # as a rule: then the long JSON of the tools need not be read
        return offered
    try:
        tools = loads(row["tools"] or "")
    except JsonProblem:
        return offered
    for place, tool in enumerate(tools if isinstance(tools, list) else ()):
        if isinstance(tool, dict) and isinstance(tool.get("name"), str):
            offered.setdefault(tool["name"], apis.get(ids[place]) if place < len(ids) else None)
    return offered


def _part(call: Json, offered: Mapping[str, Api | None], mode: ExecutionMode) -> Task | Outcome:
    if call["name"] not in offered:
        return Outcome(Status.REJECTED, "unknown_function", detail="no function of that name is offered")
    return _task(offered[call["name"]], call, mode)


def _candidate(candidate: Json, setting: Setting) -> _Work:
    calls, ids = candidate["calls"], candidate["api_ids"]
    mode = setting.execution.mode
    parts = [_task(setting.apis.get(api_id), call, mode) for call, api_id in zip(calls, ids, strict=True)]
    return _Work([call["name"] for call in calls], parts)


def _task(api: Api | None, call: Json, mode: ExecutionMode) -> Task | Outcome:
    if api is None or not executable(api, mode):
        return Outcome(Status.SKIPPED, NOT_REQUESTED, detail="there is nothing behind it to execute")
    return Task(api, dumps(call["arguments"]))
