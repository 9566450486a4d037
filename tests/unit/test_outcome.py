"""What is left of a run that ends in any way, and how what broke it is told."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from ray.exceptions import ActorDiedError, OutOfDiskError, RayTaskError

from apigen_ray.errors import EnvironmentFault, RunFailedError, RunStoppedError
from apigen_ray.graph.failure import explained, first_line
from apigen_ray.job import outcome
from apigen_ray.job.outcome import recorded
from apigen_ray.rundir import RunDir

FAULT = EnvironmentFault("the disk is full", "make room")
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/data/runs/x/drafts")


def end(run: RunDir, error: BaseException | None) -> None:
    with recorded(run) as form:
        form["samples"] = 3
        if error is not None:
            raise error


@pytest.mark.parametrize(
    ("error", "raised", "form"),
    [
        (None, None, {"outcome": "done"}),
        (FAULT, RunFailedError, {"outcome": "failed", "error": str(FAULT)}),
        (KeyboardInterrupt(), KeyboardInterrupt, {"outcome": "interrupted"}),
        (SystemExit(15), KeyboardInterrupt, {"outcome": "interrupted"}),  # Ray's answer to SIGTERM while it starts
        (RunStoppedError("limit"), RunStoppedError, {"outcome": "stopped", "error": "limit"}),
        (ValueError("no\nsuch thing"), RunFailedError, {"outcome": "failed", "error": "ValueError: no\nsuch thing"}),
    ],
)
def test_every_end_is_recorded(
    tmp_path: Path, error: BaseException | None, raised: type[BaseException] | None, form: dict[str, Any]
) -> None:
    run = RunDir(tmp_path)
    if raised is None:
        end(run, error)
    else:
        with pytest.raises(raised):
            end(run, error)
    result = run.result()
    assert result.pop("seconds") >= 0
    assert result == form | {"samples": 3}


@pytest.mark.parametrize("error", [None, FAULT, KeyboardInterrupt()])
def test_an_end_that_cannot_be_recorded_is_told_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException | None
) -> None:
    def full(path: Path, text: str) -> None:
        raise FULL

    monkeypatch.setattr(outcome, "write_text", full)
    with pytest.raises(KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else RunFailedError) as caught:
        end(RunDir(tmp_path), error)
    if error is None:
        assert "no space is left on the disk of /data/runs/x/drafts" in str(caught.value)
    else:
        assert (str(FAULT.message) in str(caught.value)) == (error is FAULT)
        assert "result.json could not be written" in caught.value.__notes__[0]


def test_the_innermost_cause_is_told_in_one_line() -> None:
    outer = RuntimeError("many\nlines of a traceback")
    outer.__cause__ = inner = RuntimeError("remote")
    inner.cause = OSError("first\nNo space left on device")  # type: ignore[attr-defined]  # as Ray keeps it
    assert first_line(outer) == "OSError: No space left on device"
    assert first_line(ValueError()) == "ValueError: "


def through_ray(error: Exception) -> Exception:
    """An error as it comes out of a task, wrapped once more."""
    outer = RuntimeError("the graph failed")
    outer.__cause__ = RayTaskError("persist", "a traceback", error, None, 1, "host").as_instanceof_cause()
    return outer


DIED = ActorDiedError.from_task_error(RayTaskError("f", "t", ValueError("x"), None, 1, "host"))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (through_ray(FAULT), ("the disk is full", "make room; then go on with --resume")),
        (through_ray(FULL), ("no space is left on the disk of /data/runs/x/drafts", "go on with --resume")),
        (OSError(errno.EDQUOT, "quota"), ("no space is left on the disk of runs/a",)),
        (OutOfDiskError("local disk"), ("Ray's temporary files", "make room", "go on with --resume")),
        (DIED, ("a process of an engine died", "go on with --resume")),
        (KeyError("x"), ("the run broke off: KeyError: 'x'", "runs/a/result.json", "go on with --resume")),
    ],
)
def test_what_broke_a_run_is_told_with_the_mend(error: Exception, words: tuple[str, ...]) -> None:
    told = str(explained(error, "runs/a"))
    for word in words:
        assert word in told
    assert "start over" in str(explained(error, "runs/a", "start over"))


def test_what_ray_adds_on_retries_is_not_told() -> None:
    advice = "\nFailed to apply UDF transform after 1/1 attempts (total backoff 0.0s).\nTo change retry attempts, x"
    fault = explained(
        EnvironmentFault("d: cannot be written (No space left on device)" + advice, "make room"), "runs/a"
    )
    assert fault.message == "d: cannot be written (No space left on device)"
    assert "Failed to apply" not in str(explained(OSError(28, "No space left on device", advice), "runs/a"))
    assert first_line(ValueError("our words" + advice)) == "ValueError: our words"
