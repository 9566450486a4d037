"""What broke a run off, in words for a person: the cause, however deep Ray has wrapped it, and what to do about it."""

import errno
import re
from collections.abc import Iterator

from ray.exceptions import OutOfDiskError, OutOfMemoryError, RayActorError, WorkerCrashedError

from apigen_ray.errors import RESUME, ApigenError, RunFailedError

LONGEST = 500
"""Characters of a foreign message that are shown."""

RETRIES = "Failed to apply UDF transform after "
"""How Ray Data's advice on retries begins, which stands behind an exception's own words."""


def explained(error: BaseException, run: str, again: str = RESUME) -> RunFailedError:
    """The error to raise for one that broke a run off.

    Args:
        error: what came out of the graph, or of what is done before and after it.
        run: the run directory.
        again: how to take the run up again.
    """
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ApigenError):
            return RunFailedError(_told(cause.message), _then(cause.mend, again))
    for cause in causes:
        if found := _known(cause, run):
            message, mend = found
            return RunFailedError(message, _then(mend, again))
    mend = _then(f"mend that (details in {run}/result.json)", again)
    return RunFailedError(f"the run broke off: {first_line(error)}", mend)


def first_line(error: BaseException) -> str:
    """The innermost cause of an error that came through Ray, in one line."""
    *_, innermost = _causes(error)
    lines = _told(str(innermost)).splitlines()
    return f"{type(innermost).__name__}: {lines[-1] if lines else ''}"[:LONGEST]


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error, what caused it, and so on; Ray keeps the cause in an attribute."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = getattr(cause, "cause", None) or cause.__cause__


def _known(error: BaseException, run: str) -> tuple[str, str] | None:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = _told(str(error.filename or "")) or run
        return f"no space is left on the disk of {where}", "make room there"
    if isinstance(error, OutOfDiskError):
        return "the disk that holds Ray's temporary files is full", "give Ray another temporary folder, or make room"
    if isinstance(error, OutOfMemoryError):
        return f"memory ran out: {_detail(error)}", "take fewer replicas or workers, or a machine with more"
    if isinstance(error, RayActorError):
        return (
            f"a process of an engine died more often than it is started again: {_detail(error)}",
            "look for its reason in the engine's log and in the kernel's (memory)",
        )
    if isinstance(error, WorkerCrashedError):
        return f"a worker process died again and again: {_detail(error)}", "look at memory and at its log"
    return None


def _told(message: str) -> str:
    """A message without what Ray Data adds to that of any exception in a task: how to have it tried again."""
    return message.partition(RETRIES)[0].strip()


def _then(mend: str, again: str) -> str:
    if not mend:
        return again
    return mend if "--resume" in mend or "--clean" in mend else f"{mend}; then {again}"


def _detail(error: BaseException) -> str:
    """What died and how, out of Ray's many lines."""
    text = str(error)
    what = re.search(r"class_name: (.+)", text)
    how = re.search(r"(?:Worker exit detail|death cause|because): *(.+)", text)
    told = [match.group(1).strip() for match in (what, how) if match] or text.strip().splitlines()[:1]
    return ", ".join(told)[:LONGEST]
