"""The almanac as a process of its own, for whoever tries something on it: started, waited for, and ended."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_ROOT = Path(__file__).parents[2]


@contextmanager
def running(*options: str, secrets: Mapping[str, str] | None = None, log: Path | None = None) -> Iterator[str]:
    """Runs the service on a free port of loopback; it has ended when this ends, and where this is killed.

    Args:
        options: further options of ``python -m examples.rest_service``.
        secrets: environment variables that it takes its secrets from, beside those of this process.
        log: file for what it writes to standard error; None: nowhere.

    Yields:
        Its base URL, once it answers.

    Raises:
        RuntimeError: it does not start, or did not end cleanly.
    """
    command = [sys.executable, "-m", "examples.rest_service", "--port", "0", "--attached", *options]
    environ, pipe = {**os.environ, **(secrets or {})}, subprocess.PIPE
    with (
        Path(log or os.devnull).open("w", encoding="utf-8") as errors,
        subprocess.Popen(  # noqa: S603 our own module, by this interpreter
            command, cwd=_ROOT, env=environ, stdin=pipe, stdout=pipe, stderr=errors, text=True
        ) as process,
    ):
        try:
            said = process.stdout.readline() if process.stdout else ""  # it listens before it speaks
            if not said.startswith("serving http://"):
                raise RuntimeError(f"the service did not start: {said!r}")
            yield said.removeprefix("serving ").strip().removesuffix("/openapi.json")
        finally:
            process.terminate()
            process.wait()
    if process.returncode:
        raise RuntimeError(f"the service ended with {process.returncode}")
