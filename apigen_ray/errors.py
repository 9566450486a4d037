"""What can go wrong for a person, as one tree; what goes wrong with a row is a status in the row, never one of these.

    ApigenError                 every error that the command line prints without a traceback
    ├── InputError              exit 1: what the user gave cannot be used, and nothing has begun
    │   ├── ConfigError         a run file: unknown key, wrong value, missing path
    │   ├── LibraryError        an API source: unreadable, untyped, two functions of one name, empty
    │   └── RecordError         records given to ``verify``, seeds, templates or lexicons
    ├── RunExistsError          exit 1: a finished run of that name is there; --resume or --clean
    ├── EnvironmentFault        exit 1 before a run, 2 within one: a missing engine, package, endpoint or disk
    ├── RunFailedError          exit 2: the run had begun and could not end; resumable
    └── RunStoppedError         exit 3: a limit that the user had set was reached; resumable

Each message names the file, the field and the mend.
"""


class ApigenError(Exception):
    """An error for a person: ``str(error)`` names what is wrong and the mend.

    Args:
        message: what is wrong, in one sentence, with file and field.
        mend: what to do about it, in one sentence.
    """

    exit_code = 1

    def __init__(self, message: str, mend: str = "") -> None:
        super().__init__(message if not mend else f"{message}\n  mend: {mend}")
        self.message = message
        self.mend = mend

    def __reduce__(self) -> tuple[type["ApigenError"], tuple[str, str]]:
        return type(self), (self.message, self.mend)  # errors cross Ray's process boundary whole


RESUME = "go on with --resume"
"""How a run is taken up again, as the end of a mend."""


class InputError(ApigenError):
    """What the user gave cannot be used; nothing has begun."""


class ConfigError(InputError):
    """A run file with an unknown key, a wrong value or a path that is not there."""


class LibraryError(InputError):
    """An API source that is unreadable, untyped, empty, or names two functions alike."""


class RecordError(InputError):
    """Records, seeds, templates or lexicons that cannot be read."""


class RunExistsError(InputError):
    """A run of that name exists; say whether to resume or to clean it."""


class EnvironmentFault(ApigenError):
    """A part that the run needs is missing or does not answer: engine, package, endpoint, memory, disk."""


class RunFailedError(ApigenError):
    """The run had begun and could not end; what it wrote stays and can be resumed."""

    exit_code = 2


class RunStoppedError(ApigenError):
    """A limit that the user had set was reached; what the run wrote stays and can be resumed."""

    exit_code = 3
