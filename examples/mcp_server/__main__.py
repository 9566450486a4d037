"""``python -m examples.mcp_server`` speaks over stdio, with ``--port N`` over streamable HTTP (``/mcp``, loopback)."""

import argparse

from examples.mcp_server.server import office

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--port", type=int, help="serve streamable HTTP on this port of 127.0.0.1")
port: int | None = parser.parse_args().port
if port is None:
    office.run()
else:
    office.run("streamable-http", port=port)
