"""What is left of a run that ends in any way: ``result.json``, and an error that says what to do."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from apigen_ray.errors import RESUME, ApigenError, EnvironmentFault, RunFailedError, RunStoppedError
from apigen_ray.graph.failure import explained
from apigen_ray.records import Json
from apigen_ray.rundir import RunDir
from apigen_ray.storage import write_text


@contextmanager
def recorded(directory: RunDir, again: str = RESUME) -> Iterator[Json]:
    """Writes ``result.json`` at the end, whatever the end is; what the block puts into the mapping goes into it.

    Args:
        directory: of the run.
        again: how to take the run up again, for a message.

    The mapping's ``outcome`` becomes ``done``, ``failed``, ``stopped`` (a limit) or ``interrupted`` (a signal).

    Raises:
        RunFailedError: what broke the block off, or that the file cannot be written.
        RunStoppedError: as the block raised it.
        KeyboardInterrupt: the user ended the block.
    """
    started = time.monotonic()
    form: Json = {"outcome": "failed"}
    failure: BaseException | None = None
    try:
        yield form
        form["outcome"] = "done"
    except (KeyboardInterrupt, SystemExit) as end:  # SystemExit: Ray's own answer to SIGTERM while it starts
        form["outcome"] = "interrupted"
        failure = KeyboardInterrupt()
        raise failure from end
    except RunStoppedError as error:
        form |= {"outcome": "stopped", "error": str(error)}
        failure = error
        raise
    except Exception as error:
        failure = error if isinstance(error, RunFailedError) else explained(error, str(directory.path), again)
        form["error"] = str(error) if isinstance(error, ApigenError) else f"{type(error).__name__}: {error}"[:4000]
        if failure is error:
            raise
        raise failure from error
    finally:
        form["seconds"] = round(time.monotonic() - started, 3)
        _write(directory, form, failure, again)


def _write(directory: RunDir, form: Json, failure: BaseException | None, again: str) -> None:
    """Writes the file; where that fails too, the first failure is the one to tell."""
    try:
        write_text(directory.result_path, json.dumps(form, indent=2) + "\n")
    except (OSError, EnvironmentFault) as error:
        if failure is None:
            raise explained(error, str(directory.path), again) from error
        failure.add_note(f"{directory.result_path} could not be written: {error}")
