"""What a worker does: behind its walls it compiles sources, calls their functions and answers in plain data.

Forked by `apigen_ray.runners.sandbox.zygote`, which has imported all that is needed here. `serve` says what is in the
frames that go over its socket. Whatever ends this process is one answer missing, no more.
"""

import base64
import binascii
import gc
import itertools
import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from apigen_ray.runners.sandbox import language, trusted
from apigen_ray.runners.sandbox.frames import Frames, frame_text, framed, unframed
from apigen_ray.runners.sandbox.program import OK, PLAIN, Answer, Binding, Opened, Program, load_failure, message
from apigen_ray.runners.sandbox.results import CROWDED, MAX_DETAIL
from apigen_ray.runners.sandbox.trusted import NoFunctionError
from apigen_ray.runners.sandbox.walls import WallError, Walls

WALLS = "walls"
"""Code of the first frame where the walls do not stand; the detail says why."""
ROOM = 1 << 16
"""Bytes that a worker reads at a time."""
WARM = 32
"""Calls after which Python has noted about code what it will."""
NEEDS = "needs"
"""Code of the answer to a ``compile`` that lacks texts; the value is the JSON list of their modules."""

# Bound here once, so that a function that patches the json module does not change how it is answered.
_read, _write = os.read, os.write
_quoted = json.encoder.encode_basestring_ascii
_set_timer, _PROF = signal.setitimer, signal.ITIMER_PROF
_now = time.perf_counter


class Overtime(BaseException):
    """A call has had its time; no `Exception`, so that only code that swallows everything swallows it."""


class Clock:
    """The soft limit: raises `Overtime` in a request that computes for too long; made and installed in the zygote.

    It counts the CPU time of this process, so that a call is not blamed for a busy machine; code that never comes back
    to the interpreter is left to the supervisor's hard limit.

    Args:
        seconds: what a call may compute; 0 has no limit.
        compile_s: what a compile may.
    """

    def __init__(self, seconds: float, compile_s: float = 0.0) -> None:
        self.seconds = seconds
        self.compile_s = compile_s
        self.running = False

    def install(self) -> None:
        """Takes the signal, while that is still allowed."""
        signal.signal(signal.SIGPROF, self._ring)

    def _ring(self, *_: object) -> None:
        if self.running:
            self.running = False
            raise Overtime

    def start(self, seconds: float) -> None:
        """Begins a request: whatever was left of the one before is set back."""
        _set_timer(_PROF, seconds)
        self.running = True


def compiled(
    confined: bool, name: str, entry: str, sources: Mapping[str, str | None], files: Mapping[str, str]
) -> Answer:
    """The answer to a ``compile``: code as base64 and what it imports, or the texts that it lacks."""
    try:
        found = (
            language.compile_entry(sources, name, entry)
            if confined
            else trusted.compile_trusted(sources, files, name, entry)
        )
    except (MemoryError, Overtime):
        raise
    except BaseException as error:
        return "refused", None, f"{name} does not compile: {message(error)}"[:MAX_DETAIL]
    if isinstance(found, language.Refused):
        where = f"{files[name]}:{found.line}: " if found.line else ""
        return found.code, None, f"{where}{found.reason}"[:MAX_DETAIL].encode("utf-8", "replace").decode()
    if isinstance(found, language.Needs | trusted.Needs):
        return NEEDS, frame_text(found.modules), ""
    imports = found.imports if isinstance(found, trusted.Compiled) else ()
    return "", frame_text([base64.b64encode(found.to_bytes()).decode(), imports]), ""


def loaded(
    programs: dict[int, Program], clock: str, confined: bool, key: int, code: str, seed: str | None, binding: Any
) -> Answer:
    """The answer to a ``load``: the function is ready; where no binding came with it, it has been tried once.

    The value then is the binding for later loads.
    """
    data = binascii.a2b_base64(code)
    opener: Callable[[bool], Opened]
    if confined:
        program = language.Compiled.from_bytes(data)
        opener = lambda typed: program.open(clock)  # noqa: E731
    else:
        opener = trusted.Compiled.from_bytes(data).open
    given = None
    if binding:
        allowed, required, anything, converters = binding
        plain = {name: PLAIN[kind] for name, kind in converters.items()}
        given = Binding(frozenset(allowed), frozenset(required), anything, plain)
    programs[key] = fresh = Program(opener, seed, given)
    if binding is None:
        try:
            return "", fresh.trial(), ""
        except (MemoryError, Overtime):
            raise
        except BaseException as error:
            return load_failure(error)
    return OK


def serve(
    receive: Callable[[], bytes],
    write: Callable[[bytes], object],
    clock: Clock,
    moment: str,
    room: int = 0,
) -> None:
    """Answers requests until there are no more.

    A frame to here is a list of requests: ``["compile", confined, name, entry, texts, files]``, ``["load", confined,
    key, code, seed, binding]`` and ``["call", number, key, arguments]``, arguments a JSON text. Each is answered in its
    order, by a frame ``[number, code, value, detail, seconds]``; the number of a load and a compile is -1. The parent
    blames the first request without an answer, so an answer is out before the next request is looked at.

    Args:
        receive: gives what has come, or nothing at the end.
        write: takes a whole frame.
        clock: the soft limit of one request.
        moment: which clock functions see, ``real`` or ``frozen``.
        room: bytes that a new worker can get; 0: unknown, so that nobody can be blamed here for taking them.
    """
    programs: dict[int, Program] = {}
    frames = Frames()
    while data := receive():
        for kind, *rest in itertools.chain.from_iterable(map(unframed, frames.take(data))):
            number, reply = -1, OK
            limit = clock.compile_s if kind == "compile" else clock.seconds
            started = _now()
            try:
                clock.start(limit)
                if kind == "call":
                    number, key, arguments = rest
                    language.settle()
                    reply = programs[key].call(arguments)
                elif kind == "load":
                    reply = loaded(programs, moment, *rest)
                else:
                    reply = compiled(*rest)
                clock.running = False
            except MemoryError:
                clock.running = False
                reply = CROWDED, None, "it asked for more memory than it may"
            except Overtime:
                reply = "timeout", None, f"it took more than {limit:g} s"
            except NoFunctionError as error:
                clock.running = False
                reply = "unknown_function", None, str(error)[:MAX_DETAIL]
            except BaseException as error:  # SystemExit and KeyboardInterrupt too: they end a call, not the worker
                clock.running = False
                reply = "exec_error", None, message(error)
            if reply[0] == CROWDED and room and _is_free(room):  # now, as what the call took is given back
                reply = "memory", *reply[1:]
            write(_LOADED if reply is OK else frame(number, *reply, _now() - started))


def _is_free(room: int) -> bool:
    """Whether nearly all of it can be had, untouched: then nothing is left of earlier calls that could matter."""
    try:
        bytes(room - room // 16)  # a bytearray would be written to, page by page
    except MemoryError:
        return False
    return True


def warm_up(clock: Clock, moment: str) -> None:
    """Serves calls of our own in the zygote.

    What Python notes about code that runs often (where attributes are found, which instructions can be quick) it notes
    there then, once, and not in every worker, which would have to copy the memory that it stands in.

    Args:
        clock: as for `serve`; it is installed.
        moment: as for `serve`.
    """
    text = "def total(a: int, b: float = 1.0) -> dict[str, float]:\n    return {'total': round(a + b, 2)}\n"
    found: Any = language.compile_entry({"warm": text}, "warm", "total")
    code = base64.b64encode(found.to_bytes()).decode()
    binding = (["a", "b"], ["a"], False, {"a": "int", "b": "float"})
    body = framed(frame_text([["load", True, 0, code, None, binding], ["call", 0, 0, '{"a":1,"b":2}']]))
    chunks = iter([body] * WARM)
    serve(lambda: next(chunks, b""), len, clock, moment)
    _set_timer(_PROF, 0)


def frame(number: int, code: str, value: str | None, detail: str, seconds: float) -> bytes:
    """The frame of an answer."""
    text = "null" if value is None else _quoted(value)
    return framed(f'[{number},"{code}",{text},{_quoted(detail)},{int(seconds * 1e6)}e-6]')


_LOADED = frame(-1, *OK, 0.0)


class Serving:
    """All that a worker needs, made before it is forked.

    Args:
        descriptor: its own socket.
        walls: around it.
        clock: the soft limit of one request.
        moment: which clock functions see.
        room: as for `serve`.
    """

    def __init__(self, descriptor: int, walls: Walls, clock: Clock, moment: str, room: int) -> None:
        self._descriptor = descriptor
        self._put_up = walls.put_up
        self._ready = frame(-1, "", frame_text(walls.proof), "", 0.0)
        self._rest = clock, moment, room

    def work(self) -> NoReturn:
        """In the worker: puts the walls up, says so, and serves until the parent has no more requests."""
        descriptor = self._descriptor

        def write(data: bytes) -> None:
            sent = _write(descriptor, data)
            while sent < len(data):
                sent += _write(descriptor, data[sent:])

        try:
            gc.enable()
            try:
                self._put_up()
            except WallError as error:
                write(frame(-1, WALLS, None, str(error)[:MAX_DETAIL], 0.0))
                os._exit(1)
            write(self._ready)
            serve(lambda: _read(descriptor, ROOM), write, *self._rest)
        except OSError:  # the parent is gone, or a function closed the socket
            os._exit(1)
        os._exit(0)  # no clean-up of what functions left behind
