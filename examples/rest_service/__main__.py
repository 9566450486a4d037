"""``python -m examples.rest_service --port N`` serves the almanac on loopback until SIGTERM or Ctrl-C."""

import argparse
import contextlib
import os
import signal
import socket
import threading

import uvicorn

from examples.rest_service.app import create_app

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--port", type=int, default=8080, help="port on 127.0.0.1; 0: a free one, which is printed")
parser.add_argument("--database", default=":memory:", help="SQLite file to keep; without it the data is in memory")
parser.add_argument("--slow", type=float, default=20.0, help="seconds that the slow operations take")
parser.add_argument("--attached", action="store_true", help="end when standard input does: with whoever holds it")
given = parser.parse_args()


def end_with_input() -> None:
    """Waits for the end of standard input, and then is a SIGTERM."""
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


# The server ends its work at a signal and raises it again: SIGTERM then is what Ctrl-C is, and neither a failure.
signal.signal(signal.SIGTERM, signal.default_int_handler)
# Bound first, since the document names the port.
with contextlib.suppress(KeyboardInterrupt), socket.create_server(("127.0.0.1", given.port)) as listening:
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    app = create_app(address, database=given.database, slow_seconds=given.slow)
    if given.attached:
        threading.Thread(target=end_with_input, daemon=True).start()
    print(f"serving {address}/openapi.json", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)).run(sockets=[listening])
