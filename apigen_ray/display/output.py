"""Standard output as a shell has it: in any encoding, and for a reader who may go before the end."""

import codecs
import io
import json
import os
import sys
from typing import NoReturn

UNREAD = 141
"""Exit code where nobody reads the output any more: that of any program in a shell (128 + SIGPIPE)."""

_ESCAPED = "apigen.escaped"


def open_output() -> None:
    """Lets everything be printed: what the encoding lacks comes as its JSON escapes, so that ``--json`` stays true."""
    codecs.register_error(_ESCAPED, _escaped)
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors=_ESCAPED)


def leave(code: str | int | None) -> NoReturn:
    """Ends the process once what it has printed was taken; with `UNREAD` where it should have ended well and was not.

    Args:
        code: as `SystemExit` takes it.
    """
    try:
        if sys.stdout is not None:  # a shell may have closed it: >&-
            sys.stdout.flush()
    except BrokenPipeError:
        code = code or UNREAD
    if code == UNREAD and sys.__stdout__ is not None:  # else Python would try once more, and complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno())
    raise SystemExit(code)


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end
