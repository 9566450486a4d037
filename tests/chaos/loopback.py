"""A chat server on loopback that outlives every kill: one fixed reply for each prompt, and how often it was asked.

``python loopback.py generator|judge PORT_FILE``. A generator's replies are the scripted engine's drafts, made from the
tools in the prompt, with its faults in them; a judge says yes to most. The prompt and nothing else decides on the
reply, so that any attempt of any run of one config is answered alike.

``GET /counts`` gives ``{hash of the messages: how often}``, ``GET /v1/models`` what an engine's probe wants to know.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from apigen_ray.engines import faults
from apigen_ray.engines.drafts import draft_of
from apigen_ray.records import Mode, Reply, Style, dumps

Json = dict[str, Any]

MODEL = "loopback"
DELAY_S = (0.005, 0.05)
"""A reply takes between these, so that there are always some in flight."""
SHARES = {
    name: 0.02
    for name in (
        *("engine_error", "prose_around", "cut_off", "missing_query", "call_count", "wrong_type", "range_violation"),
        *("exec_error", "memory", "killed", "value_not_in_query", "number_not_in_calls", "duplicate"),
    )
}
"""Of the scripted engine's faults: some of each stage, errors, two pairs in one reply, and calls that end a worker."""


def name_of(messages: Sequence[Json]) -> str:
    """What tells one prompt from another."""
    return hashlib.sha256(json.dumps(list(messages), sort_keys=True).encode()).hexdigest()[:24]


def drafted(body: Json) -> str | Reply:
    """A generator's reply to a prompt of ``query_first``."""
    rng = random.Random(name_of(body["messages"]))
    lines = [line for message in body["messages"] for line in message["content"].splitlines()]
    tools = [line for line in lines if line.startswith('{"name":') and '"parameters":' in line]
    calls = body["response_format"]["json_schema"]["schema"]["items"]["properties"]["answers"]
    if calls.get("maxItems") == 0:
        style = Style.IRRELEVANCE
    elif calls["maxItems"] == 1:
        style = Style.MULTIPLE
    else:
        style = Style.PARALLEL if len(tools) == 1 else Style.PARALLEL_MULTIPLE
    draft = draft_of({"mode": Mode.QUERY_FIRST, "style": style, "tools": f"[{','.join(tools)}]"}, rng)
    chance = rng.random()
    for name, share in SHARES.items():
        chance -= share
        if chance < 0:
            return faults.plant(draft, name, SHARES, rng)[0]
    return f"[{draft.text()}]"


def judged(body: Json) -> str | Reply:
    """A judge's opinion: mostly yes, sometimes no, nothing that can be read, or none at all."""
    chance = random.Random(name_of(body["messages"])).random()
    if chance < 0.01:
        return Reply(error="planted")
    return "It depends." if chance < 0.02 else dumps({"thought": "It is.", "pass": "no" if chance < 0.1 else "yes"})


class Server:
    """Answers, and counts what it was asked."""

    def __init__(self, answer: Callable[[Json], str | Reply]) -> None:
        self.counts: Counter[str] = Counter()
        self._answer = answer
        self._waits = random.Random(0)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until the client hangs up or is killed."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = head.partition("content-length:")[2].partition("\r")[0]
                status, value = await self._reply(head.split()[1], await reader.readexactly(int(length or 0)))
                content = json.dumps(value).encode()
                writer.write(f"HTTP/1.1 {status} ok\r\ncontent-length: {len(content)}\r\n\r\n".encode() + content)
                await writer.drain()
        writer.close()

    async def _reply(self, path: str, content: bytes) -> tuple[int, Json]:
        if path.endswith("/counts"):
            return 200, dict(self.counts)
        if path.endswith("/models"):
            return 200, {"object": "list", "data": [{"id": MODEL}]}
        body = json.loads(content)
        self.counts[name_of(body["messages"])] += 1  # it costs from here on, whoever hears the answer
        said = self._answer(body)
        await asyncio.sleep(self._waits.uniform(*DELAY_S))
        reply = Reply(text=said) if isinstance(said, str) else said
        if reply.error:
            return 400, {"error": {"message": reply.error}}
        choice = {"message": {"role": "assistant", "content": reply.text}, "finish_reason": reply.finish or "stop"}
        usage = {"prompt_tokens": len(content) // 4, "completion_tokens": len(reply.text or "") // 4}
        return 200, {"model": MODEL, "choices": [choice], "usage": usage}


async def main(role: str, port_file: Path) -> None:
    """Serves until it is ended; the file says where."""
    server = await asyncio.start_server(
        Server({"generator": drafted, "judge": judged}[role]).serve, "127.0.0.1", 0, limit=1 << 22
    )
    handle, temporary = tempfile.mkstemp(dir=port_file.parent)
    os.write(handle, str(server.sockets[0].getsockname()[1]).encode())
    os.close(handle)
    os.replace(temporary, port_file)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
