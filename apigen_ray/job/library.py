"""What a library holds, for people: counts, rows, and one real call."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from apigen_ray.errors import InputError
from apigen_ray.library.prepared import PARSE, STEPS, LibraryDir, api_of, blame
from apigen_ray.library.validator import compiled
from apigen_ray.records import Api, Json, Status
from apigen_ray.runners.base import ExecutionSpec, Outcome, Task
from apigen_ray.runners.pool import RunnerPool, executable
from apigen_ray.sampling import lexicon_files, load_lexicons
from apigen_ray.sampling.values import Arguments
from apigen_ray.sections import nearest
from apigen_ray.storage import AnyPath
from apigen_ray.strict_json import JsonProblem, loads

_STATUSES = [f"{step}_{part}" for step in (PARSE, *STEPS) for part in ("status", "code", "detail")]


def stats(path: AnyPath) -> Json:
    """Counts of a library.

    Returns:
        ``rows``, ``usable`` (a run that names the library has them); ``steps``: for each the counts by status, with the
        code behind a colon; ``sources`` and ``categories``: rows and usable ones of each; ``codes``: rows by the step
        and code that they fell at.

    Raises:
        LibraryError: there is no library.
    """
    steps: dict[str, Counter[str]] = {step: Counter() for step in (PARSE, *STEPS)}
    sources: dict[str, Counter[str]] = {}
    categories: dict[str, Counter[str]] = {}
    codes: Counter[str] = Counter()
    for table in LibraryDir(path).read(["given", "kind", "api", *_STATUSES]):
        for row in table.to_pylist():
            for step, counts in steps.items():
                status = row[f"{step}_status"] or "not done"
                counts[f"{status}: {row[f'{step}_code']}" if row[f"{step}_code"] else status] += 1
            fault = blame(row)
            usable = fault is None
            _count(sources, f"{row['given']} ({row['kind']})", usable)
            if row["api"] is not None:
                _count(categories, json.loads(row["api"])["category"] or "none", usable)
            if fault is not None:
                codes[f"{fault[0]}: {fault[2]}"] += 1
    return {
        "rows": sum(counts["rows"] for counts in sources.values()),
        "usable": sum(counts["usable"] for counts in sources.values()),
        "steps": {step: dict(counts.most_common()) for step, counts in steps.items()},
        "sources": {name: dict(sources[name]) for name in sorted(sources)},
        "categories": {name: dict(categories[name]) for name in sorted(categories)},
        "codes": dict(codes.most_common()),
    }


def _count(groups: dict[str, Counter[str]], name: str, usable: bool) -> None:
    groups.setdefault(name, Counter({"rows": 0, "usable": 0})).update({"rows": 1, "usable": int(usable)})


def rows(path: AnyPath, code: str | None = None) -> Iterator[Json]:
    """The rows of a library as plain dictionaries, JSON columns as values.

    Args:
        path: the library.
        code: only those that a step gave this code.
    """
    for table in LibraryDir(path).read():
        for row in table.to_pylist():
            if code is not None and code not in (row[f"{step}_code"] for step in (PARSE, *STEPS)):
                continue
            yield row | {name: _value(row[name]) for name in ("api", "example", "original")}


def find(path: AnyPath, name: str) -> Json:
    """The row of a function, by its name, or by its entry where only one has it.

    Raises:
        InputError: there is none; the nearest name is told.
    """
    by_entry, known = [], []
    for table in LibraryDir(path).read(["row_id", "name", "entry"]):
        for row in table.to_pylist():
            if row["name"] == name:
                return _row(path, row["row_id"])
            known += [word for word in (row["name"], row["entry"]) if word]
            by_entry += [row["row_id"]] if row["entry"] == name else []
    if len(by_entry) == 1:
        return _row(path, by_entry[0])
    if by_entry:
        raise InputError(f"{path}: {len(by_entry)} entries are called {name!r}", "give a function's name")
    mend = f"apigen library show {path} names them all"
    raise InputError(f"{path}: there is no function {name!r}{nearest(name, known)}", mend)


def _row(path: AnyPath, row_id: str) -> Json:
    return next(row for row in rows(path) if row["row_id"] == row_id)


def _value(text: str | None) -> Json | None:
    return None if text is None else dict(json.loads(text))


@dataclass(frozen=True)
class Called:
    """One call and what became of it.

    Attributes:
        api: the function.
        arguments: of the call.
        outcome: as a run would have it.
    """

    api: Api
    arguments: Json
    outcome: Outcome

    @property
    def passed(self) -> bool:
        """Whether it was answered."""
        return self.outcome.status == Status.PASSED


def call(path: AnyPath, name: str, arguments: str | None, spec: ExecutionSpec) -> Called:
    """Makes one real call through the runner that a run would use.

    Args:
        path: the library.
        name: of the function, or its entry.
        arguments: a JSON object; None: those of the call that showed it accessible, else sampled ones.
        spec: how calls are executed.

    Raises:
        InputError: no such function, nothing is behind it that could be called, or the arguments do not fit it.
        LibraryError: there is no library.
    """
    row = find(path, name)
    if row["api"] is None:
        raise InputError(f"{path}: {name}: {row['parse_code']}: {row['parse_detail']}", "it could not be read: mend it")
    api = api_of(json.dumps(row["api"]))
    if not executable(api, spec.mode):
        kind = api.source.kind if api.source else "tool"
        mend = "for a document without a server, import it with --server URL; apigen library show tells its source"
        why = "" if spec.mode == "live" else f" in execution.mode {spec.mode}"
        raise InputError(f"{path}: {api.name}: nothing is behind this {kind} entry that could be called{why}", mend)
    chosen = _given(api, arguments) if arguments is not None else _drawn(api, row["example"])
    pool = RunnerPool(spec)
    try:
        return Called(api, chosen, pool.run([Task(api, json.dumps(chosen))])[0])
    finally:
        pool.close()


def _given(api: Api, text: str) -> Json:
    mend = f"its parameters: {json.dumps(api.parameters.get('properties', {}), ensure_ascii=False)[:1000]}"
    try:
        value = loads(text)
    except JsonProblem as problem:
        raise InputError(f"{api.name}: the arguments are no JSON: {problem.detail}", "quote them: '{...}'") from problem
    if not isinstance(value, dict):
        raise InputError(f"{api.name}: the arguments are no JSON object", mend)
    for error in compiled(api.parameters).iter_errors(value):
        where = ".".join(map(str, error.instance_path))
        raise InputError(f"{api.name}: {where + ': ' if where else ''}{error.message}"[:500], mend)
    return value


def _drawn(api: Api, example: Json | None) -> Json:
    if example is not None:
        return dict(example["arguments"])
    drawn = Arguments(api, load_lexicons(lexicon_files())).draw(random.Random(api.name))  # noqa: S311 - the same values each time, no secret
    if drawn is None:
        raise InputError(f"{api.name}: no arguments could be sampled", "give them: '{...}'")
    return drawn
