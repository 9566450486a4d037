"""A plugin that vLLM loads in each of its processes: one whose parent was killed ends, and gives its memory back."""

import multiprocessing
import os
import signal
import threading

ASKED = "APIGEN_RAY_ENDS_WITH_PARENT"
"""The environment variable that the processes of our own engines have: other users of vLLM are left alone."""


def end_with_parent() -> None:
    """Lets this process end when the one that started it does, however that ends; does nothing in the first of them.

    vLLM ends its engine's process in good order only: after a SIGKILL it would stay, with the model in its memory.
    """
    parent = multiprocessing.parent_process()
    if parent is None or ASKED not in os.environ:
        return

    def wait() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=wait, name="end-with-parent", daemon=True).start()
