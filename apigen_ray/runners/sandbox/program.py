"""One function as a worker has it: opened in fresh globals, bound by keyword, called, and answered in plain data."""

import hashlib
import inspect
import random
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from apigen_ray.runners.sandbox.arguments import Converter, Misfit, converted, converter
from apigen_ray.runners.sandbox.frames import frame_text
from apigen_ray.runners.sandbox.results import MAX_DETAIL, MAX_VALUE, TooLarge, result_text
from apigen_ray.runners.sandbox.trusted import NoFunctionError
from apigen_ray.strict_json import JsonProblem, loads

Answer = tuple[str, str | None, str]
"""Code ("" where the call passed), JSON text of the result, detail."""
OK: Answer = ("", None, "")


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
    converters: Mapping[str, Converter | None] | None


PLAIN: Mapping[str, Converter | None] = {"float": converter(float, "", []), "int": converter(int, "", [])}
"""Converters that stand for themselves in a frame: most functions take nothing else."""


class Opened(Protocol):
    """A function in fresh globals."""

    function: Callable[..., Any]

    @property
    def hints(self) -> Mapping[str, Any]:
        """Parameter to resolved annotation."""
        ...


class AsyncError(Exception):
    """A function that is asynchronous: there is no loop to run it in."""


class Program:
    """One function of one source, compiled.

    Args:
        opener: gives the function in fresh globals; is told whether its hints will be asked for.
        seed: what `random` is reseeded with, with the arguments, before every call; None: it has no use for it.
        binding: how it takes its arguments; None: found out at the first call.
    """

    def __init__(self, opener: Callable[[bool], Opened], seed: str | None, binding: Binding | None = None) -> None:
        self._opener = opener
        self._seed = seed
        self._binding = binding

    def trial(self) -> str:
        """Opens the function once; the JSON of how it takes its arguments, ``false`` where a frame cannot tell.

        Raises:
            BaseException: whatever executing its module raises.
        """
        self._binding = found = bind(self.open(True))
        names = {convert: name for name, convert in PLAIN.items()}
        if found.converters is None or not names.keys() >= set(found.converters.values()):
            return "false"
        converters = {name: names[convert] for name, convert in found.converters.items()}
        return frame_text((sorted(found.allowed), sorted(found.required), found.anything, converters))

    def open(self, typed: bool) -> Opened:
        """The function in fresh globals.

        Raises:
            NoFunctionError: what has its name is none.
        """
        opened = self._opener(typed)
        if isinstance(opened.function, type) or not callable(opened.function):
            raise NoFunctionError("what has this name is not a function")
        return opened

    def call(self, arguments: str) -> Answer:
        """Calls the function by keyword; raises whatever it raises."""
        try:
            values = loads(arguments)
        except JsonProblem as problem:
            return "argument_error", None, f"arguments: {problem.code}: {problem.detail}"[:MAX_DETAIL]
        if type(values) is not dict:
            return "argument_error", None, "arguments must be a JSON object"
        if self._seed is not None:
            reseed(self._seed, arguments)
        binding = self._binding
        # Annotations are evaluated once, unless they name classes that every call makes anew.
        opened = self.open(binding is None or binding.converters is None)
        function = opened.function
        if binding is None:
            binding = self._binding = bind(opened)
        if not (values.keys() >= binding.required and (binding.anything or values.keys() <= binding.allowed)):
            return "argument_error", None, refusal(function, values)
        converters = binding.converters if binding.converters is not None else converters_of(opened)[0]
        if converters:
            try:
                for name in converters.keys() & values.keys():
                    values[name] = converted(converters[name], values[name], name)
            except Misfit as misfit:
                return "argument_error", None, f"{misfit.path}: {misfit.message}"[:MAX_DETAIL]
        return answer(function(**values))


def load_failure(error: BaseException) -> Answer:
    """The answer where a function cannot be had, the same whoever loads it.

    ``unknown_function``: its module has none of this name. ``refused``: a source is no Python or not there, or it is
    an async function. ``exec_error``: its module raised.
    """
    kind = type(error)
    if issubclass(kind, NoFunctionError):
        return "unknown_function", None, str(error)[:MAX_DETAIL]
    code = "refused" if issubclass(kind, SyntaxError | ImportError | AsyncError) else "exec_error"
    return code, None, f"its module cannot be loaded: {message(error)}"[:MAX_DETAIL]


def reseed(seed: str, arguments: str) -> None:
    """Sets `random`, and numpy's where it is preloaded, to where the same call always finds it."""
    digest = hashlib.blake2b(f"{seed}\n{arguments}".encode(), digest_size=8).digest()
    random.seed(int.from_bytes(digest, "big"))
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(int.from_bytes(digest[:4], "big"))


def bind(opened: Opened) -> Binding:
    """How a function takes its arguments.

    Raises:
        AsyncError: it takes them and returns a coroutine.
    """
    if inspect.iscoroutinefunction(opened.function) or inspect.isasyncgenfunction(opened.function):
        raise AsyncError("an async function cannot be called here")
    parameters = list(inspect.signature(opened.function).parameters.values())
    kinds = inspect.Parameter
    converters, own = converters_of(opened)
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


def converters_of(opened: Opened) -> tuple[dict[str, Converter], list[str]]:
    """What to convert, by parameter, and the classes of its own module that a function's parameters name."""
    own: list[str] = []
    home = opened.function.__module__
    found = {name: converter(hint, home, own) for name, hint in opened.hints.items() if name != "return"}
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
    if type(value) is types.CoroutineType:
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
        text = str.__str__(str(error))[:MAX_DETAIL]  # a plain copy, where it is of a class of its own
    except BaseException:  # foreign code
        text = ""
    name = type(error).__name__
    return (f"{name}: {text}" if text else name)[:MAX_DETAIL].encode("utf-8", "replace").decode()
