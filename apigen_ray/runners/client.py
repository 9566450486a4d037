"""The process that the ``process`` runner calls private client packages in: plain Python, limits, a list of hosts.

Started as a script (``python -P client.py SOCKET LIFE SETTINGS``) with the interpreter's own site-packages. It imports
modules in the normal way and calls their functions one after the other; what they keep between calls stays. Frames are
those of `apigen_ray.runners.sandbox.worker`: ``["load", key, name, file, root, entry]`` and ``["call", number, key,
arguments]``.

Nothing here holds hostile code: it keeps a client from speaking to the wrong host by mistake. Code that is not Python
(another program, a library with sockets of its own) is not seen.
"""

import _socket
import importlib
import importlib.util
import ipaddress
import json
import os
import resource
import socket
import sys
import time
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any

if __name__ == "__main__":  # our own package need not be on the path
    _ours = os.path.abspath(__file__)
    for _ in range(3):
        _ours = os.path.dirname(_ours)
    sys.path.append(_ours)

from apigen_ray.runners.sandbox.frames import Frames, unframed
from apigen_ray.runners.sandbox.program import OK, Program, bind, load_failure, message
from apigen_ray.runners.sandbox.results import MAX_DETAIL
from apigen_ray.runners.sandbox.trusted import NoFunctionError, Opened
from apigen_ray.runners.sandbox.worker import ROOM, frame
from apigen_ray.runners.sandbox.zygote import die_with

_RESOLVE = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
_SEND = {"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"}
_ASIDE = {"socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo", "socket.bind"}
"""Libraries look around with these (own name, IPv6 or not) and go on without: no call fails for that alone."""
_INTERNET = (socket.AF_INET, socket.AF_INET6)


class HostError(PermissionError):
    """A host that is not on the list."""


class Hosts:
    """The hosts that may be spoken to, with the addresses that they were found to have.

    Args:
        names: names and addresses.

    Attributes:
        refused: what else was to be spoken to since this was emptied last.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._allowed = {_plain(name) for name in names}
        self.refused: list[str] = []

    def install(self) -> None:
        """Looks at every use of the network from now on; there is no way back."""
        _socket.getaddrinfo = self._remembering(_socket.getaddrinfo, lambda found: [item[4][0] for item in found])
        for name, addresses in (("gethostbyname", lambda found: [found]), ("gethostbyname_ex", lambda found: found[2])):
            remembering = self._remembering(getattr(_socket, name), addresses)
            setattr(_socket, name, remembering)
            setattr(socket, name, remembering)
        sys.addaudithook(self._look)

    def _remembering(
        self, resolve: Callable[..., Any], addresses: Callable[[Any], Iterable[Any]]
    ) -> Callable[..., Any]:
        def remember(*args: Any, **keywords: Any) -> Any:
            found = resolve(*args, **keywords)  # of a host that is allowed, or nothing is found
            if (args[0] if args else keywords.get("host")) is not None:  # None: this machine
                self._allowed.update(_plain(address) for address in addresses(found))
            return found

        return remember

    def _look(self, event: str, args: tuple[Any, ...]) -> None:
        if event in _RESOLVE:
            host = args[0]
        elif event == "socket.getnameinfo":
            host = args[0][0]
        elif event in _SEND and args[1] is not None:  # None: to where it is connected
            host = args[1][0] if args[0].family in _INTERNET else f"no internet address: {args[1]!r}"
        else:
            return
        if host is None or _plain(host) in self._allowed:  # None: this machine, which is only resolved
            return
        name = host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host)
        if event not in _ASIDE:
            self.refused.append(name)
        raise HostError(f"{name!r} is not among the `hosts` of its source")


def _plain(host: Any) -> str:
    """One writing for each host: lower case, no dot at the end, addresses as `ipaddress` writes them."""
    text = host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host)
    text = text.lower().removesuffix(".")
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return text
    return str(getattr(address, "ipv4_mapped", None) or address)


def limit(memory_mb: int) -> None:
    """Bounds the address space, and lets no crash write its memory to a file.

    Raises:
        OSError, ValueError: this platform does not let it.
    """
    for kind, most in ((resource.RLIMIT_AS, memory_mb << 20), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


def imported(name: str, file: str, root: str) -> types.ModuleType:
    """The module of a file, under its name where that is how it is imported here."""
    if root not in sys.path:
        sys.path.append(root)  # at the end: a file beside it does not stand in for an installed package
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.origin is not None and os.path.exists(spec.origin):
        if os.path.samefile(spec.origin, file):
            return importlib.import_module(name)
    if name in _by_file and _by_file[name].__file__ == file:
        return _by_file[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python module")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    _by_file[name] = module
    return module


_by_file: dict[str, types.ModuleType] = {}


def loaded(name: str, file: str, root: str, entry: str) -> Program:
    """A function, ready to be called.

    Raises:
        NoFunctionError: the module has no such function.
        BaseException: whatever importing it raises.
    """
    function = getattr(imported(name, file, root), entry, None)
    if not callable(function) or isinstance(function, type):
        raise NoFunctionError(f"{name} has no function {entry!r}")
    opened = Opened(function)
    return Program(lambda typed: opened, None, bind(opened))


def serve(receive: Callable[[], bytes], write: Callable[[bytes], None], hosts: Hosts) -> None:
    """Says that it is ready, then answers requests until there are no more.

    A call during which a host was refused is an ``exec_error`` that names it, whatever the client made of that: a
    result without the service that it should come from is none.
    """
    programs: dict[int, Program] = {}
    frames = Frames()
    now = time.perf_counter  # bound here, as clients patch what they like
    write(frame(-1, "", "{}", "", 0.0))
    while data := receive():
        for kind, *rest in [request for body in frames.take(data) for request in unframed(body)]:
            number, reply = -1, OK
            hosts.refused.clear()
            started = now()
            try:
                if kind == "call":
                    number, key, arguments = rest
                    reply = programs[key].call(arguments)
                else:
                    key, *what = rest
                    programs[key] = loaded(*what)
            except MemoryError:
                reply = "memory", None, "it asked for more memory than it may"
            except BaseException as error:  # SystemExit and KeyboardInterrupt too: they end a call, not the process
                reply = ("exec_error", None, message(error)) if kind == "call" else load_failure(error)
            if hosts.refused and reply[0] != "memory" and (kind == "call" or reply[0]):
                names = ", ".join(dict.fromkeys(hosts.refused))
                words = f"not among the `hosts` of its source: {names}".encode("ascii", "replace").decode()
                reply = "exec_error", None, words[:MAX_DETAIL]
            write(frame(number, *reply, now() - started))


def main(arguments: list[str]) -> None:
    """Entry point: descriptors of the socket and the life line, settings as JSON."""
    descriptor = int(arguments[0])
    die_with(int(arguments[1]))
    settings: Mapping[str, Any] = json.loads(arguments[2])
    os.environ.pop("PYTHONHASHSEED", None)
    sys.modules["__main__"] = types.ModuleType("__main__")  # what clients find is not this script
    sys.argv = [""]

    def receive(read: Callable[[int, int], bytes] = os.read) -> bytes:
        return read(descriptor, ROOM)

    def write(data: bytes) -> None:
        sent = os.write(descriptor, data)
        while sent < len(data):
            sent += os.write(descriptor, data[sent:])

    hosts = Hosts(settings["hosts"])
    try:
        try:
            limit(settings["memory_mb"])
        except (OSError, ValueError) as error:
            write(frame(-1, "walls", None, f"its limits cannot be set: {error}"[:MAX_DETAIL], 0.0))
            os._exit(1)
        hosts.install()
        serve(receive, write, hosts)
    except OSError:  # the parent is gone
        os._exit(1)
    os._exit(0)  # threads that clients have left behind end with it


if __name__ == "__main__":
    main(sys.argv[1:])
