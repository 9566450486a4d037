"""A child process that speaks over a socket, inherits nothing, and is gone with its parent, however that ends."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class StartError(Exception):
    """A child process that cannot be used; in words, with the mend where there is one."""

    def __init__(self, words: str, mend: str = "") -> None:
        super().__init__(f"{words}; {mend}" if mend else words)
        self.words = words
        self.mend = mend


class Spawned(NamedTuple):
    """A child process and what holds it.

    Attributes:
        process: in a session of its own.
        socket: to speak with it.
        life: a descriptor; when its end is closed, by us or by the kernel at our death, the child and all below it go.
    """

    process: subprocess.Popen[bytes]
    socket: socket.socket
    life: int


def spawn(command: Sequence[str], settings: str, environment: Mapping[str, str]) -> Spawned:
    """Starts this interpreter with no descriptor but its end of the socket and of the life-line.

    Args:
        command: flags and script; the two descriptors' numbers and the settings follow as arguments.
        settings: one text for the script.
        environment: all of it.

    Raises:
        StartError: it cannot be started.
    """
    ours, theirs = socket.socketpair()
    held, life = os.pipe()
    try:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and script
            [sys.executable, *command, str(theirs.fileno()), str(held), settings],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd="/",
            close_fds=True,
            pass_fds=(theirs.fileno(), held),
            start_new_session=True,
        )
    except BaseException as error:
        ours.close()
        os.close(life)
        if isinstance(error, OSError):
            raise StartError(str(error)) from error
        raise
    finally:
        theirs.close()
        os.close(held)
    return Spawned(process, ours, life)
