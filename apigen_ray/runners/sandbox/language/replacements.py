"""Safe versions of names of the standard library: without a way out, quiet, or on a frozen clock."""

import collections
import dataclasses
import difflib
import enum
import functools
import io
import random
import reprlib
import shlex
import sys
import time
import types
import typing
from collections.abc import Callable
from typing import Any

from apigen_ray.runners.sandbox.language import classes, guards
from apigen_ray.runners.sandbox.language.guards import (
    OWN,
    Type,
    attrgetter,
    is_own,
    methodcaller,
    safe_getattr,
    safe_print,
)
from apigen_ray.runners.sandbox.language.namespaces import NOW

ALIASES = {"os.path": "posixpath", "os": "posixpath", "typing_extensions": "typing"}
"""Where the names of a module are really taken from."""


def _same(value: Any = None, *_: Any, **__: Any) -> Any:
    return value


def _nothing(*_: Any, **__: Any) -> None: ...


def _decorates(*_: Any, **__: Any) -> Callable[[Any], Any]:
    return _same


def _own(value: Any) -> Any:
    if not is_own(value):
        raise TypeError(f"{value!r} is not of this module and must not be changed")
    return value


# dataclasses, functools, collections, typing, abc


def _dataclass(cls: Any = None, /, **options: Any) -> Any:
    """``dataclass`` for own classes only, whose field names are names: it makes source text of them."""

    def make(cls: Any) -> Any:
        _own(cls)
        for name in vars(cls).get("__annotations__", ()):
            if type(name) is not str or not name.isidentifier():
                raise TypeError(f"{name!r} is no name for a field")
        classes.check_fields(cls.__bases__, vars(cls).get("__annotations__", ()))
        if isinstance(cls, enum.EnumType):
            raise TypeError("an Enum must not be a dataclass")
        return dataclasses.dataclass(**options)(cls)

    return make if cls is None else make(cls)


_COPIED = ("__module__", "__name__", "__qualname__", "__doc__")


def _wraps(wrapped: Any, *_: Any, **__: Any) -> Callable[[Any], Any]:
    """``wraps`` that copies the name and the docstring only."""

    def decorate(wrapper: Any) -> Any:
        _own(wrapper)
        for name in _COPIED:
            if hasattr(wrapped, name):
                setattr(wrapper, name, getattr(wrapped, name))
        wrapper.__wrapped__ = wrapped
        if type(wrapped) is types.FunctionType and type(wrapper) is types.FunctionType:
            vars(wrapper).update({key: value for key, value in vars(wrapped).items() if key != "__wrapped__"})
        return wrapper

    return decorate


def _total_ordering(cls: Any) -> Any:
    return functools.total_ordering(_own(cls))


def _singledispatch(function: Any) -> Any:
    """``singledispatch`` whose implementations name their type: hints are never evaluated."""
    inner = functools.singledispatch(function)

    def dispatched(*args: Any, **kwargs: Any) -> Any:
        return inner(*args, **kwargs)

    def register(cls: Any, implementation: Any = None) -> Any:
        if isinstance(cls, types.UnionType) or typing.get_origin(cls) is typing.Union or isinstance(cls, type):
            if implementation is None:
                return lambda one: inner.register(cls, one)
            return inner.register(cls, implementation)
        raise TypeError("register() needs the type that the implementation is for")

    made: Any = dispatched
    made.register, made.dispatch, made.registry = register, inner.dispatch, inner.registry
    made.__name__ = getattr(function, "__name__", "dispatched")
    made.__doc__ = getattr(function, "__doc__", None)
    return made


class SingleDispatchMethod:
    """``singledispatchmethod`` over our ``singledispatch``."""

    def __init__(self, func: Any) -> None:
        self.dispatcher = _singledispatch(func)
        self.func = func

    def register(self, cls: Any, method: Any = None) -> Any:
        """An implementation for a type."""
        return self.dispatcher.register(cls, method)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        def method(*args: Any, **kwargs: Any) -> Any:
            return self.dispatcher.dispatch(type(args[0])).__get__(instance, owner)(*args, **kwargs)

        return method


class HtmlDiff(difflib.HtmlDiff):
    """``HtmlDiff`` whose anchors are counted by each object, not by the class."""

    _tables = 0

    def _make_prefix(self) -> None:
        self._prefix = [f"from{self._tables}_", f"to{self._tables}_"]
        self._tables += 1


def _namedtuple(*args: Any, **kwargs: Any) -> Any:
    make: Any = collections.namedtuple
    made = make(*args, **kwargs)
    type.__setattr__(made, OWN, True)
    return made


def _runtime_checkable(cls: Any) -> Any:
    return typing.runtime_checkable(_own(cls))


def _abstractmethod(function: Any) -> Any:
    if type(function) is types.FunctionType:
        _own(function).__isabstractmethod__ = True
    return function


def _get_origin(annotation: Any) -> Any:
    found = typing.get_origin(annotation)
    return Type if found is type else found


# random, time


class Random(random.Random):
    """``Random`` that, without a seed of its own, follows from the seed of the call."""

    def seed(self, a: Any = None, version: int = 2) -> None:
        """Seeds with a number of the shared generator where none is given."""
        super().seed(random.getrandbits(64) if a is None else a, version)


def _uuid4() -> Any:
    import uuid

    return uuid.UUID(int=random.getrandbits(128), version=4)


def _frozen_time() -> dict[str, Any]:
    seconds = NOW.timestamp()

    def clock() -> float:
        return seconds

    def clock_ns() -> int:
        return int(seconds) * 10**9

    table: dict[str, Any] = dict.fromkeys(("time", "monotonic", "perf_counter", "process_time"), clock)
    table |= dict.fromkeys(("time_ns", "monotonic_ns", "perf_counter_ns", "process_time_ns"), clock_ns)
    table["gmtime"] = lambda at=None: time.gmtime(seconds if at is None else at)
    table["localtime"] = lambda at=None: time.localtime(seconds if at is None else at)
    table["ctime"] = lambda at=None: time.ctime(seconds if at is None else at)
    table["asctime"] = lambda at=None: time.asctime(table["localtime"]() if at is None else at)
    table["strftime"] = lambda form, at=None: time.strftime(form, table["localtime"]() if at is None else at)
    return table


class Shlex(shlex.shlex):
    """``shlex`` that opens no files."""

    def sourcehook(self, newfile: str) -> Any:
        """Refuses."""
        raise OSError("a file cannot be opened here")


class Repr(reprlib.Repr):
    """``reprlib.Repr``, whose limits are set on its instances."""


guards.changeable(Shlex)
guards.changeable(Repr)

# quiet ones


class Logger:
    """A logger that logs nothing."""

    __slots__ = ("level", "name")
    name: str
    level: int

    def __init__(self, name: str = "root", level: int = 0) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "level", level)

    def __setattr__(self, name: str, value: Any) -> None:
        """Nothing is kept."""

    debug = info = warning = warn = error = critical = exception = log = _nothing
    setLevel = addHandler = removeHandler = addFilter = removeFilter = handle = _nothing
    disabled = False
    propagate = True
    handlers = ()

    def isEnabledFor(self, level: int) -> bool:
        """Never."""
        return False

    def getEffectiveLevel(self) -> int:
        """As by default."""
        return 30

    def hasHandlers(self) -> bool:
        """None."""
        return False

    def getChild(self, suffix: str) -> "Logger":
        """Another one."""
        return Logger(f"{self.name}.{suffix}")


class Handler:
    """A log handler that handles nothing."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    setLevel = setFormatter = addFilter = flush = close = emit = _nothing


class Lock:
    """A lock where there are no threads."""

    __slots__ = ()

    def __init__(self) -> None: ...

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Always at once."""
        return True

    def release(self) -> None:
        """Nothing to do."""

    def locked(self) -> bool:
        """Never."""
        return False

    def __enter__(self) -> bool:
        return True

    def __exit__(self, *_: Any) -> None: ...


class Warned:
    """``catch_warnings`` where nothing is warned of."""

    def __init__(self, *, record: bool = False, **_: Any) -> None:
        self._record = record

    def __enter__(self) -> list[Any] | None:
        return [] if self._record else None

    def __exit__(self, *_: Any) -> None: ...


class Sink:
    """A stream that swallows what is written."""

    __slots__ = ()
    encoding = "utf-8"
    closed = False

    def write(self, text: str) -> int:
        """As many characters as there are."""
        return len(text)

    def flush(self) -> None:
        """Nothing to do."""

    def isatty(self) -> bool:
        """Never."""
        return False


_SINK = Sink()


def _exit(status: Any = None, /) -> None:
    raise SystemExit(status)


def _exc_info() -> tuple[Any, Any, None]:
    kind, value, _ = sys.exc_info()
    return kind, value, None


def _fspath(path: Any) -> Any:
    return path if isinstance(path, str | bytes) else safe_getattr(path, "__fspath__")()


_FIXED: dict[str, dict[str, Any]] = {
    "abc": {"abstractmethod": _abstractmethod, "ABCMeta": Type},
    "collections": {"namedtuple": _namedtuple},
    "dataclasses": {"dataclass": _dataclass},
    "difflib": {"HtmlDiff": HtmlDiff},
    "functools": {"wraps": _wraps, "total_ordering": _total_ordering, "singledispatch": _singledispatch}
    | {"singledispatchmethod": SingleDispatchMethod},
    "io": {"TextIOWrapper": io.TextIOBase},
    "logging": dict.fromkeys("debug info warning error critical exception log basicConfig disable".split(), _nothing)
    | {"Logger": Logger, "Handler": Handler, "NullHandler": Handler, "StreamHandler": Handler, "Formatter": Handler}
    | {"getLogger": lambda name="root": Logger(name), "LoggerAdapter": lambda logger, extra=None: logger}
    | {"DEBUG": 10, "INFO": 20, "WARNING": 30, "WARN": 30, "ERROR": 40, "CRITICAL": 50, "FATAL": 50, "NOTSET": 0},
    "operator": {"attrgetter": attrgetter, "methodcaller": methodcaller},
    "os": {"linesep": "\n", "name": "posix", "fspath": _fspath},
    "pprint": {"pprint": safe_print, "pp": safe_print},
    "reprlib": {"Repr": Repr},
    "shlex": {"shlex": Shlex},
    "random": {"Random": Random, "SystemRandom": Random},
    "sys": {"stdout": _SINK, "stderr": _SINK, "exit": _exit, "exc_info": _exc_info, "setrecursionlimit": _nothing}
    | {"intern": str, "argv": ()},
    "threading": {"Lock": Lock, "RLock": Lock, "local": types.SimpleNamespace},
    "time": {"sleep": _nothing, "ctime": time.ctime},
    "typing": {
        "overload": _same,
        "final": _same,
        "override": _same,
        "no_type_check": _same,
        "reveal_type": _same,
        "dataclass_transform": _decorates,
        "runtime_checkable": _runtime_checkable,
        "runtime": _runtime_checkable,
        "get_origin": _get_origin,
        "TYPE_CHECKING": False,
    },
    "types": {"NoneType": type(None)},
    "uuid": {"uuid4": _uuid4},
    "warnings": {"catch_warnings": Warned, "deprecated": _decorates}
    | dict.fromkeys("warn warn_explicit filterwarnings simplefilter resetwarnings".split(), _nothing),
}
_FIXED["typing_extensions"] = _FIXED["typing"] | {"deprecated": _decorates, "override": _same}
_FROZEN: dict[str, dict[str, Any]] = {"time": _frozen_time()}
_NONE: dict[str, Any] = {}


def of(module: str, clock: str) -> dict[str, Any]:
    """What replaces names of a module, or is added to them."""
    fixed = _FIXED.get(module, _NONE)
    return fixed | _FROZEN[module] if clock == "frozen" and module in _FROZEN else fixed
