"""What runs in a runner's child process: it loads source texts, calls their functions and answers in plain data.

Started as a script (``python -I -S -B child.py SOCKET LIFE MEMORY_MB ROOT``) and standing on the standard library
and those modules of ours that stand on nothing else, so that a child is up in milliseconds and holds nothing of its
parent. Frames are a big-endian 4-byte length and a JSON text; `serve` says what is in them. Whatever ends this process
is one answer missing, no more.

What a call can still do to the ones after it, in the same child: change modules of the standard library.
"""

import ast
import fcntl
import gc
import inspect
import json
import os
import resource
import signal
import struct
import sys
import time
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

if __name__ == "__main__":  # -I keeps our own package off the path
    sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from apigen_ray.runners.arguments import Converter, Misfit, converted, converter
from apigen_ray.runners.results import MAX_DETAIL, MAX_VALUE, TooLarge, result_text
from apigen_ray.runners.slim import slim
from apigen_ray.strict_json import JsonProblem, loads

OPEN_FILES = 32

Answer = tuple[str, str | None, str]
"""Code ("" where the call passed), JSON text of the result, detail."""
OK: Answer = ("", None, "")

# Bound here once, so that a function that patches the json module does not change how it is answered.
_read_frame = json.JSONDecoder().decode
_frame_text = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


@dataclass
class Binding:
    """How a function takes its arguments: known after the first call, as the source does not change.

    Attributes:
        allowed: names that may be given by keyword.
        required: names that must be given; one that is positional only is not in ``allowed``, so no call can bind.
        anything: it has ``**kwargs``.
        converters: what to convert, by parameter; None where it depends on classes that every call makes anew.
    """

    allowed: frozenset[str]
    required: frozenset[str]
    anything: bool
    converters: dict[str, Converter] | None


class Source:
    """A module's source text, compiled once: whole, and without what only types need.

    Args:
        name: the module's name.
        file: where the text comes from, for ``__file__`` and tracebacks.
        text: the source.
    """

    def __init__(self, name: str, file: str, text: str) -> None:
        self.name = name
        self.file = file
        self.whole: types.CodeType = compile(text, file, "exec", dont_inherit=True)
        tree = slim(ast.parse(text, file))
        self.slim: types.CodeType = compile(tree, file, "exec", dont_inherit=True) if tree else self.whole
        self.bindings: dict[str, Binding] = {}

    def module(self, code: types.CodeType) -> types.ModuleType:
        """The module, executed into fresh globals, so that no call finds what another one left in them."""
        module = types.ModuleType(self.name)
        module.__file__ = self.file
        module.__package__ = self.name.rpartition(".")[0]
        sys.modules[self.name] = module  # dataclasses and type hints look their own module up there
        exec(code, module.__dict__)  # noqa: S102 - executing a source is what this process is for
        return module

    def call(self, entry: str, arguments: str) -> Answer:
        """Calls a function by keyword; raises whatever it raises."""
        try:
            values = loads(arguments)
        except JsonProblem as problem:
            return "argument_error", None, f"arguments: {problem.code}: {problem.detail}"[:MAX_DETAIL]
        if type(values) is not dict:
            return "argument_error", None, "arguments must be a JSON object"
        binding = self.bindings.get(entry)
        # The annotations are read from the whole module, once, unless they name classes that every call makes anew.
        module = self.module(self.slim if binding and binding.converters is not None else self.whole)
        function: Any = module.__dict__.get(entry)
        own = callable(function) and getattr(function, "__module__", None) == self.name
        if not own or isinstance(function, type) or entry.startswith("__"):
            return "unknown_function", None, f"{self.name} has no function {entry!r}"[:MAX_DETAIL]
        if binding is None:
            binding = self.bindings[entry] = bind(function, self.name)
        if not (values.keys() >= binding.required and (binding.anything or values.keys() <= binding.allowed)):
            return "argument_error", None, refusal(function, values)
        converters = binding.converters if binding.converters is not None else converters_of(function, self.name)[0]
        try:
            for name in converters.keys() & values.keys():
                values[name] = converted(converters[name], values[name], name)
        except Misfit as misfit:
            return "argument_error", None, f"{misfit.path}: {misfit.message}"[:MAX_DETAIL]
        return answer(function(**values))


def bind(function: Callable[..., Any], home: str) -> Binding:
    """How a function of the module ``home`` takes its arguments."""
    parameters = list(inspect.signature(function).parameters.values())
    kinds = inspect.Parameter
    converters, own = converters_of(function, home)
    return Binding(
        allowed=frozenset(p.name for p in parameters if p.kind in (kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY)),
        required=frozenset(
            p.name
            for p in parameters
            if p.default is kinds.empty and p.kind not in (kinds.VAR_POSITIONAL, kinds.VAR_KEYWORD)
        ),
        anything=any(p.kind is kinds.VAR_KEYWORD for p in parameters),
        converters=None if own else converters,
    )


def converters_of(function: Callable[..., Any], home: str) -> tuple[dict[str, Converter], list[str]]:
    """What to convert, by parameter, and the classes of its own module that a function's parameters name."""
    try:
        hints = typing.get_type_hints(function)
    except Exception:  # a name that only a type checker sees: then arguments stay as JSON has them
        hints = {}
    own: list[str] = []
    found = {name: converter(hint, home, own) for name, hint in hints.items() if name != "return"}
    return {name: convert for name, convert in found.items() if convert is not None}, own


def refusal(function: Callable[..., Any], values: Mapping[str, Any]) -> str:
    """Why arguments do not bind, in the words of `inspect`."""
    try:
        inspect.signature(function).bind(**values)
    except TypeError as error:
        return message(error)
    return "the arguments do not bind by keyword"


def answer(value: Any) -> Answer:
    """The answer for what a function returned."""
    if inspect.iscoroutine(value):
        value.close()  # else Python warns that nobody waited for it
    try:
        return "", result_text(value), ""
    except Misfit as misfit:
        path = misfit.path if len(misfit.path) <= 200 else misfit.path[:200] + "..."
        return "bad_output", None, f"${path}: {misfit.message}"[:MAX_DETAIL]
    except TooLarge:
        return "output_too_large", None, f"more than {MAX_VALUE >> 10} KiB of JSON"


def message(error: BaseException) -> str:
    """``Type: text`` of an exception, whatever its text does when asked for."""
    try:
        text = str(error)
    except BaseException:  # foreign code
        text = ""
    name = type(error).__name__
    return (f"{name}: {text}" if text else name)[:MAX_DETAIL].encode("utf-8", "replace").decode()


def guarded(action: Callable[..., Answer], *arguments: Any) -> Answer:
    """The answer of an action that runs foreign code."""
    try:
        return action(*arguments)
    except MemoryError:
        return "memory", None, "it asked for more memory than it may"
    except BaseException as error:  # SystemExit and KeyboardInterrupt too: they end a call, not the child
        return "exec_error", None, message(error)


def load(sources: dict[int, Source | Answer], key: int, name: str, file: str, text: str) -> Answer:
    """Compiles a source and tries it once, so that what is wrong with it is not put down to a call."""
    try:
        source = Source(name, file, text)
        source.module(source.whole)
    except MemoryError:
        raise
    except BaseException as error:
        return "unknown_function", None, f"{name} cannot be loaded: {message(error)}"[:MAX_DETAIL]
    sources[key] = source
    return OK


def serve(read: Callable[[int], bytes], write: Callable[[bytes], None]) -> None:
    """Says that it is ready, then answers requests until there are no more.

    Requests: ``["load", key, name, file, text]`` and ``["call", number, key, entry, arguments]``, arguments a JSON
    text. Each is answered in its order by ``[number, code, value, detail, seconds]``; the number of a load, and of the
    word that the child is ready, is -1. The parent blames the first request without an answer, so an answer is out
    before the next request is looked at.

    Args:
        read: gives exactly so many bytes, or fewer at the end.
        write: takes a whole frame.
    """
    sources: dict[int, Source | Answer] = {}  # or why it cannot be loaded
    number, reply, seconds = -1, OK, 0.0
    while True:
        body = _frame_text([number, *reply, round(seconds, 6)]).encode()
        write(struct.pack(">I", len(body)) + body)
        head = read(4)
        if len(head) < 4:
            return
        kind, *rest = _read_frame(read(struct.unpack(">I", head)[0]).decode())
        started = time.perf_counter()
        if kind == "load":
            number, key = -1, rest[0]
            reply = guarded(load, sources, *rest)
            if reply is not OK:
                sources[key] = reply
        else:
            number, key, entry, arguments = rest
            source = sources[key]
            reply = guarded(source.call, entry, arguments) if isinstance(source, Source) else source
        seconds = time.perf_counter() - started


def limit(memory_mb: int) -> None:
    """Takes away what a function has no business with: memory beyond its share, files to write, processes."""
    for what, most in (
        (resource.RLIMIT_AS, memory_mb << 20),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_NPROC, 0),  # root is above this one
    ):
        resource.setrlimit(what, (most, most))


def die_with(life: int) -> None:
    """Has the kernel kill this process and its group as soon as the other end of a pipe is closed.

    The parent closes it by ending, however it ends. A thread that waits for that would starve beside a function that
    does not let go of the interpreter, and PR_SET_PDEATHSIG would fire when the parent's *thread* ends.
    """
    fcntl.fcntl(life, fcntl.F_SETOWN, -os.getpgrp())
    if hasattr(fcntl, "F_SETSIG"):  # Linux; elsewhere it is SIGIO, which ends a process too unless it is ignored
        fcntl.fcntl(life, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(life, fcntl.F_SETFL, fcntl.fcntl(life, fcntl.F_GETFL) | os.O_ASYNC)


def main(arguments: Sequence[str]) -> None:
    """Entry point: descriptors of the socket and the life line, memory limit in MiB, folder that the sources are in."""
    socket, life, memory_mb = (int(argument) for argument in arguments[:3])
    die_with(life)
    sys.path[-1] = arguments[3]  # in our place, after the standard library: no neighbour of a source stands in for it
    reader = open(socket, "rb", buffering=1 << 16, closefd=False)

    def write(frame: bytes) -> None:
        view = memoryview(frame)
        while view:
            view = view[os.write(socket, view) :]

    limit(memory_mb)
    gc.freeze()  # what is here now stays: only what calls leave behind is looked through
    try:
        serve(reader.read, write)
    except OSError:  # the parent is gone, or a function closed the socket
        os._exit(1)
    os._exit(0)  # no clean-up of what functions left behind


if __name__ == "__main__":
    main(sys.argv[1:])
