"""What code does that got past the language layer: attacks by plain system calls, and which walls stop each of them.

Every attack runs in a forked process of its own, against things that this module set up for it: a temporary folder,
sockets on loopback, a process that sleeps. Nothing else on the machine is touched. An attack that succeeds where no
wall stands, and fails behind one, is stopped by that one.

Run as a script in a fresh interpreter (``python -I -S -B attacks.py FOLDER-OF-THE-PACKAGE [USER-ID]``) it tries all of
them behind each layer alone, all layers, none, and those that do not stop it by themselves, and prints
``{attack: {layers: outcome}}`` as JSON; `table` does it.
"""

import _thread
import contextlib
import ctypes
import errno
import fcntl
import functools
import json
import mmap
import os
import pty
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path.append(sys.argv[1])

from apigen_ray.runners.sandbox import bpf, linux, walls

LIMITS = walls.Limits(memory_mb=256, open_files=64)
SETTINGS: dict[str, frozenset[str]] = {
    "none": frozenset(),
    **{layer: frozenset({layer}) for layer in walls.LAYERS},
    "all": frozenset(walls.LAYERS),
}
"""The layers that stand, by the name of the setting."""

SECRET = b"the parent's own secret"
MARK = b"attacked"


@dataclass(frozen=True)
class Attack:
    """Something that foreign code must not be able to do.

    Attributes:
        name: short, unique.
        what: what is tried, in words.
        run: tries it, and raises if it fails.
        needs: what it takes to succeed where no wall stands: "", "root" or a machine's name.
        prepare: what is done beforehand in the process that attacks, before its walls go up.
    """

    name: str
    what: str
    run: Callable[["Stage"], object]
    needs: str = ""
    prepare: Callable[["Stage"], object] = lambda stage: None


@dataclass
class Stage:
    """What attacks act upon; made anew for every one of them.

    Attributes:
        folder: with ``file`` (it holds "content"), an empty folder ``empty`` and room for more.
        left_open: a descriptor of ``file``, open for reading and writing, as an embedding program might leave one.
        pipe: the reading and the writing end.
        tcp: a port on loopback where someone listens; ``udp`` likewise.
        unix: the path of a listening socket; ``abstract`` the name of another.
        victim: id of a process of the same user, outside the walls, that sleeps.
        secret: an address in the victim's memory (and in the attacker's) where `SECRET` is.
        descriptor: the protocol's.
        namespace: a descriptor of the attacker's own network namespace.
        terminal: the user's end of a terminal.
        code: an address of machine code, where it was prepared.
    """

    folder: str
    left_open: int
    pipe: tuple[int, int]
    tcp: int
    udp: int
    unix: str
    abstract: str
    victim: int
    secret: int
    descriptor: int
    namespace: int
    terminal: int
    code: int = 0

    @property
    def file(self) -> str:
        """A file that is there."""
        return f"{self.folder}/file"

    @property
    def new(self) -> str:
        """A path where nothing is."""
        return f"{self.folder}/new"


def call(name: str, *arguments: "int | bytes | None") -> int:
    """Makes a system call by its name."""
    return linux.call(NUMBERS[name], *arguments)


_OTHERS = """
    openat2 437 437, shmget 29 194, shmctl 31 195, mq_open 240 180, mq_unlink 241 181, inotify_init1 294 26,
    inotify_add_watch 254 27, tgkill 234 131, mknodat 259 33, mlock 149 228
"""
MACHINE = linux.machine()
NUMBERS = {**bpf.numbers(MACHINE), **bpf._numbers(_OTHERS, MACHINE)} if MACHINE else {}


def need(condition: object, words: str) -> None:
    """An attack that came to nothing although no call failed."""
    if not condition:
        raise AssertionError(words)


# Files


def read_file(stage: Stage) -> None:
    need(b"root" in os.read(os.open("/etc/passwd", os.O_RDONLY), 4096), "not read")


def openat2(stage: Stage) -> None:
    how = struct.pack("<QQQ", os.O_RDONLY, 0, 0)
    need(os.read(call("openat2", -100, b"/etc/passwd", how, len(how)), 1), "not read")


def list_folder(stage: Stage) -> None:
    need("file" in os.listdir(stage.folder), "not listed")


def create_file(stage: Stage) -> None:
    os.write(os.open(stage.new, os.O_WRONLY | os.O_CREAT), MARK)
    need(os.path.getsize(stage.new), "nothing written")


def overwrite_file(stage: Stage) -> None:
    os.write(os.open(stage.file, os.O_WRONLY), MARK)


def write_device(stage: Stage) -> None:
    os.write(os.open("/dev/null", os.O_WRONLY), MARK)


def fill_disk(stage: Stage) -> None:
    for _ in range(16):
        os.pwrite(stage.left_open, bytes(1 << 16), 1 << 20)


def use_left_open(stage: Stage) -> None:
    need(os.pread(stage.left_open, 7, 0) == b"content", "not read")


def send_left_open(stage: Stage) -> None:
    need(os.sendfile(stage.pipe[1], stage.left_open, 0, 7) == 7, "not sent")


def write_other_descriptor(stage: Stage) -> None:
    os.write(stage.pipe[1], MARK)


def steal_standard_output(stage: Stage) -> None:
    os.dup2(stage.descriptor, 1)


def scribble(stage: Stage) -> None:
    os.ftruncate(stage.left_open, 0)


def open_many(stage: Stage) -> None:
    for _ in range(2 * LIMITS.open_files):
        os.dup(stage.left_open)


def many_folders(stage: Stage) -> None:
    for _ in range(2 * LIMITS.open_files):
        os.open("/", os.O_RDONLY)


def take_note(stage: Stage) -> None:
    watcher = call("inotify_init1", 0)
    call("inotify_add_watch", watcher, stage.folder.encode(), 0xFFF)


def node(stage: Stage) -> None:
    call("mknodat", -100, stage.new.encode(), stat.S_IFIFO | 0o600, 0)


def by_handle(stage: Stage) -> None:
    handle = bytearray(struct.pack("<II", 64, 0) + bytes(64))
    buffer = (ctypes.c_char * len(handle)).from_buffer(handle)
    number = ctypes.c_int()
    address, mount = ctypes.addressof(buffer), ctypes.addressof(number)
    call("name_to_handle_at", -100, stage.file.encode(), address, mount, 0)


def victims_memory_file(stage: Stage) -> None:
    descriptor = os.open(f"/proc/{stage.victim}/mem", os.O_RDONLY)
    need(os.pread(descriptor, len(SECRET), stage.secret) == SECRET, "not read")


def victims_environment(stage: Stage) -> None:
    os.read(os.open(f"/proc/{stage.victim}/environ", os.O_RDONLY), 1)


# Network


def tcp_connect(stage: Stage) -> None:
    socket.socket().connect(("127.0.0.1", stage.tcp))


def tcp_listen(stage: Stage) -> None:
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen()


def udp_send(stage: Stage) -> None:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(MARK, ("127.0.0.1", stage.udp))


def unix_connect(stage: Stage) -> None:
    socket.socket(socket.AF_UNIX).connect(stage.unix)


def abstract_connect(stage: Stage) -> None:
    socket.socket(socket.AF_UNIX).connect("\0" + stage.abstract)


def netlink(stage: Stage) -> None:
    route = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    route.sendto(struct.pack("<IHHIIBxxxiIII", 32, 18, 0x301, 1, 0, 0, 0, 0, 0, 0), (0, 0))  # list the interfaces
    need(len(route.recv(4096)) > 32, "no answer")


def raw_socket(stage: Stage) -> None:
    socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)


def hand_over_descriptor(stage: Stage) -> None:
    protocol = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, stage.descriptor)
    try:
        socket.send_fds(protocol, [b" "], [stage.left_open])
    finally:
        protocol.detach()


# Processes


def fork(stage: Stage) -> None:
    if os.fork() == 0:
        os._exit(0)
    os.wait()


def clone3(stage: Stage) -> None:
    arguments = struct.pack("<8Q", 0, 0, 0, 0, signal.SIGCHLD, 0, 0, 0)
    if call("clone3", arguments, len(arguments)) == 0:
        os._exit(0)
    os.wait()


def thread(stage: Stage) -> None:
    lock = _thread.allocate_lock()
    lock.acquire()
    _thread.start_new_thread(lock.release, ())
    need(lock.acquire(timeout=5), "it does not run")


def spawn(stage: Stage) -> None:
    need(os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)[1] == 0, "it failed")


def execute(stage: Stage) -> None:
    os.execv("/bin/sh", ["sh", "-c", f"printf succeeded >&{stage.descriptor}"])  # noqa: S606 - it is an attack


def execute_descriptor(stage: Stage) -> None:
    script = os.memfd_create("program", 0)
    os.write(script, f"#!/bin/sh\nprintf succeeded >&{stage.descriptor}\n".encode())
    os.execve(script, ["program"], {})  # noqa: S606 - it is an attack


def kill(stage: Stage) -> None:
    os.kill(stage.victim, signal.SIGKILL)


def kill_thread(stage: Stage) -> None:
    call("tgkill", stage.victim, stage.victim, signal.SIGKILL)


def queue_signal(stage: Stage) -> None:
    call("rt_sigqueueinfo", stage.victim, signal.SIGKILL, struct.pack("<iii", signal.SIGKILL, 0, -1) + bytes(116))


def kill_by_descriptor(stage: Stage) -> None:
    call("pidfd_send_signal", call("pidfd_open", stage.victim, 0), signal.SIGKILL, None, 0)


def trace(stage: Stage) -> None:
    call("ptrace", 16, stage.victim, 0, 0)


def _vectors(stage: Stage, text: bytes) -> tuple[bytearray, bytes, bytes]:
    memory = bytearray(text)
    own = ctypes.addressof((ctypes.c_char * len(memory)).from_buffer(memory))
    return memory, struct.pack("<QQ", own, len(text)), struct.pack("<QQ", stage.secret, len(text))


def read_victim(stage: Stage) -> None:
    memory, own, theirs = _vectors(stage, bytes(len(SECRET)))
    call("process_vm_readv", stage.victim, own, 1, theirs, 1, 0)
    need(memory == SECRET, "not read")


def write_victim(stage: Stage) -> None:
    _memory, own, theirs = _vectors(stage, MARK)
    call("process_vm_writev", stage.victim, own, 1, theirs, 1, 0)


def slow_victim(stage: Stage) -> None:
    os.setpriority(os.PRIO_PROCESS, stage.victim, 19)


def limit_victim(stage: Stage) -> None:
    call("prlimit64", stage.victim, 7, struct.pack("<QQ", 3, 3), None)


def pin_victim(stage: Stage) -> None:
    os.sched_setaffinity(stage.victim, {min(os.sched_getaffinity(0))})


def new_session(stage: Stage) -> None:
    os.setsid()


def raise_limit(stage: Stage) -> None:
    call("prlimit64", 0, 4, struct.pack("<QQ", 1 << 20, 1 << 20), None)


# Memory and machine code


def much_memory(stage: Stage) -> None:
    bytearray(2 * LIMITS.memory_mb << 20)


def much_memory_raw(stage: Stage) -> None:
    call("mmap", 0, 2 * LIMITS.memory_mb << 20, 3, 0x22, -1, 0)


def grow_heap(stage: Stage) -> None:
    call("mremap", call("mmap", 0, 1 << 16, 3, 0x22, -1, 0), 1 << 16, 2 * LIMITS.memory_mb << 20, 1, 0)


_RETURN_42 = {"x86_64": bytes.fromhex("b82a000000c3"), "aarch64": bytes.fromhex("40058052c0035fd6")}


def _run(address: int) -> None:
    need(ctypes.CFUNCTYPE(ctypes.c_int)(address)() == 42, "it does not run")


def map_code(stage: Stage) -> None:
    address = call("mmap", 0, 1 << 16, 7, 0x22, -1, 0)
    ctypes.memmove(address, _RETURN_42[MACHINE], len(_RETURN_42[MACHINE]))
    _run(address)


def protect_code(stage: Stage) -> None:
    address = call("mmap", 0, 1 << 16, 3, 0x22, -1, 0)
    ctypes.memmove(address, _RETURN_42[MACHINE], len(_RETURN_42[MACHINE]))
    call("mprotect", address, 1 << 16, 5)
    _run(address)


def prepare_old_code(stage: Stage) -> None:
    code = bytes.fromhex("b814000000cd80c3")  # getpid, by the door of 32-bit programs
    stage.code = call("mmap", 0, 1 << 16, 7, 0x22, -1, 0)
    ctypes.memmove(stage.code, code, len(code))


def old_door(stage: Stage) -> None:
    need(ctypes.CFUNCTYPE(ctypes.c_int)(stage.code)() == os.getpid(), "another answer")


def patch_interpreter(stage: Stage) -> None:
    code = ctypes.cast(ctypes.pythonapi.Py_IncRef, ctypes.c_void_p).value or 0
    call("mprotect", code & -(1 << 12), 1 << 12, 7)


def map_file_code(stage: Stage) -> None:
    call("mmap", 0, mmap.PAGESIZE, 5, 2, stage.left_open, 0)


def memory_file(stage: Stage) -> None:
    os.memfd_create("hidden")


def memory_file_large(stage: Stage) -> None:
    os.write(os.memfd_create("hidden"), MARK)


def shared_memory(stage: Stage) -> None:
    segment = call("shmget", 0, 1 << 16, 0o600 | 0o1000)
    call("shmctl", segment, 0, None)


def message_queue(stage: Stage) -> None:
    name = f"apigen-{os.getpid()}".encode()
    call("mq_open", name, os.O_CREAT | os.O_RDWR, 0o600, None)
    call("mq_unlink", name)


def lock_memory(stage: Stage) -> None:
    call("mlock", stage.secret & -4096, 4096)


# The kernel's wide doors


def io_uring(stage: Stage) -> None:
    call("io_uring_setup", 1, bytes(120))


def key(stage: Stage) -> None:
    call("add_key", b"user", b"apigen", MARK, len(MARK), -1)  # into this thread's own ring, gone with it


def page_faults(stage: Stage) -> None:
    call("userfaultfd", 1)  # faults of this process only, as any user may


def kernel_program(stage: Stage) -> None:
    call("bpf", 0, struct.pack("<IIII", 2, 4, 8, 1) + bytes(104), 120)


def watch_performance(stage: Stage) -> None:
    attributes = struct.pack("<IIQQQQQ", 1, 112, 1, 0, 0, 0, 1 | 1 << 5 | 1 << 6) + bytes(64)  # own user-space time
    call("perf_event_open", attributes, 0, -1, -1, 0)


def new_user_namespace(stage: Stage) -> None:
    call("unshare", 0x10000000)


def new_network(stage: Stage) -> None:
    call("unshare", 0x40000000)


def enter_namespace(stage: Stage) -> None:
    call("setns", stage.namespace, 0)


def mount(stage: Stage) -> None:
    call("mount", b"none", f"{stage.folder}/empty".encode(), b"tmpfs", 0, None)


def unmount(stage: Stage) -> None:
    call("umount2", f"{stage.folder}/empty".encode(), 0)


def new_mount_api(stage: Stage) -> None:
    call("fsopen", b"tmpfs", 0)


def copy_mount(stage: Stage) -> None:
    call("open_tree", -100, stage.folder.encode(), 1)


def own_mounts(stage: Stage) -> None:
    call("unshare", 0x00020000)
    call("mount", None, b"/", None, 0x44000, None)  # private: nothing of it is seen outside


def mounted(stage: Stage) -> None:
    own_mounts(stage)
    mount(stage)


def own_host_name(stage: Stage) -> None:
    call("unshare", 0x04000000)


def host_name(stage: Stage) -> None:
    socket.sethostname("apigen")


def change_root(stage: Stage) -> None:
    os.chroot(stage.folder)


def another_user(stage: Stage) -> None:
    os.setuid(65534)


def executable_data(stage: Stage) -> None:
    call("personality", linux.READ_IMPLIES_EXEC)


def undumpable(stage: Stage) -> None:
    linux.prctl(4, 0)


def other_filter(stage: Stage) -> None:
    linux.prctl(linux.NO_NEW_PRIVS, 1)
    answer = linux.made(linux.filtering(struct.pack("<HBBI", 6, 0, 0, bpf.ALLOW)))
    if answer:
        raise OSError(-answer, os.strerror(-answer))


def type_into_terminal(stage: Stage) -> None:
    for character in b"x\n":
        fcntl.ioctl(stage.terminal, termios.TIOCSTI, bytes([character]))


def own_terminal(stage: Stage) -> None:
    os.setsid()
    fcntl.ioctl(stage.terminal, termios.TIOCSCTTY, 0)


ATTACKS: tuple[Attack, ...] = (
    Attack("read a file", "open and read /etc/passwd", read_file),
    Attack("read a file, openat2", "the same by the newer call", openat2),
    Attack("status of a file", "stat a path", lambda stage: os.stat(stage.file)),
    Attack("presence of a file", "access a path", lambda stage: need(os.access(stage.file, os.R_OK), "denied")),
    Attack("list a folder", "open a folder and read it", list_folder),
    Attack("create a file", "open a new file and write into it", create_file),
    Attack("overwrite a file", "open an existing file and write into it", overwrite_file),
    Attack("truncate a file", "truncate by path", lambda stage: os.truncate(stage.file, 0)),
    Attack("delete a file", "unlink", lambda stage: os.unlink(stage.file)),
    Attack("rename a file", "rename", lambda stage: os.rename(stage.file, stage.new)),
    Attack("link a file", "a second name for it", lambda stage: os.link(stage.file, stage.new)),
    Attack("symbolic link", "a link to /etc/passwd", lambda stage: os.symlink("/etc/passwd", stage.new)),
    Attack("read a link", "readlink /proc/self/exe", lambda stage: os.readlink("/proc/self/exe")),
    Attack("make a folder", "mkdir", lambda stage: os.mkdir(stage.new)),
    Attack("remove a folder", "rmdir", lambda stage: os.rmdir(f"{stage.folder}/empty")),
    Attack("make a named pipe", "mknod", node),
    Attack("change rights", "chmod of a file of the same user", lambda stage: os.chmod(stage.file, 0o700)),
    Attack("change owner", "chown to oneself", lambda stage: os.chown(stage.file, os.getuid(), -1)),
    Attack("change times", "utimensat", lambda stage: os.utime(stage.file, (0, 0))),
    Attack("change folder", "chdir", lambda stage: os.chdir(stage.folder)),
    Attack("watch a folder", "inotify", take_note),
    Attack("file handle", "name_to_handle_at, the first half of an escape", by_handle),
    Attack("write to a device", "open /dev/null and write", write_device),
    Attack("open many files", "more descriptors than are allowed", many_folders),
    Attack("duplicate many descriptors", "dup, more often than is allowed", open_many),
    Attack("read what was left open", "pread from a descriptor that was not closed", use_left_open),
    Attack("send what was left open", "sendfile from one descriptor to another", send_left_open),
    Attack("truncate what was left open", "ftruncate", scribble),
    Attack("fill the disk", "write a MiB into a descriptor that was not closed", fill_disk),
    Attack("write to another descriptor", "write into a pipe that was not closed", write_other_descriptor),
    Attack("replace standard output", "dup2 over descriptor 1", steal_standard_output),
    Attack("TCP connection", "connect to a port on loopback", tcp_connect),
    Attack("TCP server", "bind and listen", tcp_listen),
    Attack("UDP packet", "sendto a port on loopback", udp_send),
    Attack("path socket", "connect to a Unix socket by its path", unix_connect),
    Attack("abstract socket", "connect to a Unix socket without a path", abstract_connect),
    Attack("netlink", "ask the kernel for its network interfaces", netlink),
    Attack("raw socket", "ICMP", raw_socket, needs="root"),
    Attack("hand over a descriptor", "sendmsg with a descriptor on the protocol's socket", hand_over_descriptor),
    Attack("fork", "a child process", fork),
    Attack("clone3", "a child process by the newer call", clone3),
    Attack("thread", "a second thread", thread),
    Attack("spawn a program", "posix_spawn /bin/true", spawn),
    Attack("execute a program", "execve /bin/sh", execute),
    Attack("execute from memory", "a script in a memory file, by its descriptor", execute_descriptor),
    Attack("kill", "SIGKILL to a process of the same user", kill),
    Attack("kill a thread", "the same by tgkill", kill_thread),
    Attack("queue a signal", "the same by rt_sigqueueinfo", queue_signal),
    Attack("kill by descriptor", "the same by pidfd_send_signal", kill_by_descriptor),
    Attack("trace", "ptrace attach to a process of the same user", trace),
    Attack("read foreign memory", "process_vm_readv", read_victim),
    Attack("write foreign memory", "process_vm_writev", write_victim),
    Attack("foreign memory as a file", "open and read /proc/PID/mem", victims_memory_file),
    Attack("foreign environment", "open and read /proc/PID/environ", victims_environment),
    Attack("slow another process", "setpriority", slow_victim),
    Attack("limit another process", "prlimit", limit_victim),
    Attack("pin another process", "sched_setaffinity", pin_victim),
    Attack("leave the group", "setsid, so that a kill of the group misses", new_session),
    Attack("change an own limit", "prlimit", raise_limit),
    Attack("memory", "an object of twice the allowed size", much_memory),
    Attack("memory, mmap", "a mapping of twice the allowed size", much_memory_raw),
    Attack("memory, mremap", "a mapping that grows to twice the allowed size", grow_heap),
    Attack("machine code, mmap", "map executable memory, fill it, call it", map_code),
    Attack("machine code, mprotect", "fill memory, make it executable, call it", protect_code),
    Attack("another door", "int 0x80, the calls of 32-bit programs", old_door, "x86_64", prepare_old_code),
    Attack("patch the interpreter", "make its code writable", patch_interpreter),
    Attack("machine code from a file", "map a descriptor as code", map_file_code),
    Attack("memory file", "memfd_create", memory_file),
    Attack("memory file, written", "memfd_create and write, outside of the memory limit", memory_file_large),
    Attack("shared memory", "a System V segment, outlives the process", shared_memory),
    Attack("message queue", "mq_open, outlives the process", message_queue),
    Attack("lock memory", "mlock a page", lock_memory),
    Attack("io_uring", "a ring that makes system calls without making them", io_uring),
    Attack("kernel keys", "add_key", key),
    Attack("userfaultfd", "handle page faults oneself", page_faults),
    Attack("bpf", "a map in the kernel", kernel_program, needs="root"),
    Attack("performance counters", "perf_event_open", watch_performance),
    Attack("user namespace", "unshare, the way to all capabilities", new_user_namespace),
    Attack("network namespace", "unshare", new_network, needs="root"),
    Attack("enter a namespace", "setns by a descriptor that was not closed", enter_namespace, needs="root"),
    Attack("mount", "a file system over a folder", mount, needs="root", prepare=own_mounts),
    Attack("unmount", "what hides a folder", unmount, needs="root", prepare=mounted),
    Attack("mount, new calls", "fsopen", new_mount_api, needs="root"),
    Attack("copy a mount", "open_tree", copy_mount, needs="root", prepare=own_mounts),
    Attack("host name", "sethostname", host_name, needs="root", prepare=own_host_name),
    Attack("change the root", "chroot", change_root, needs="root"),
    Attack("another user", "setuid", another_user, needs="root"),
    Attack("executable data", "personality READ_IMPLIES_EXEC", executable_data),
    Attack("process settings", "prctl", undumpable),
    Attack("another filter", "seccomp that allows everything", other_filter),
    Attack("type into a terminal", "TIOCSTI on the own terminal", type_into_terminal, prepare=own_terminal),
)


class Scene:
    """What is set up once for many attacks: who listens, and what is left open."""

    def __init__(self) -> None:
        self._home = tempfile.mkdtemp(prefix="apigen-attacks-")
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", 0))
        self._unix = socket.socket(socket.AF_UNIX)
        self._unix.bind(f"{self._home}/socket")
        self._unix.listen(64)
        self._abstract = socket.socket(socket.AF_UNIX)
        self._abstract.bind(f"\0apigen-{os.getpid()}")
        self._abstract.listen(64)
        for server in (self._tcp, self._unix, self._abstract):
            server.setblocking(False)
        self._namespace = os.open("/proc/self/ns/net", os.O_RDONLY)

    def close(self) -> None:
        """Removes what it set up."""
        for server in (self._tcp, self._udp, self._unix, self._abstract):
            server.close()
        os.close(self._namespace)
        shutil.rmtree(self._home)

    @contextlib.contextmanager
    def stage(self, descriptor: int) -> Iterator[Stage]:
        """A stage for one attack."""
        folder = tempfile.mkdtemp(dir=self._home)
        Path(folder, "file").write_text("content")
        Path(folder, "empty").mkdir()
        left_open = os.open(f"{folder}/file", os.O_RDWR)
        pipe = os.pipe()
        terminal = pty.openpty()
        victim = os.fork()
        if not victim:
            signal.alarm(60)
            signal.pause()
            os._exit(0)
        try:
            yield Stage(
                folder=folder,
                left_open=left_open,
                pipe=pipe,
                tcp=self._tcp.getsockname()[1],
                udp=self._udp.getsockname()[1],
                unix=self._unix.getsockname(),
                abstract=self._abstract.getsockname()[1:].decode(),
                victim=victim,
                secret=id(SECRET) + bytes.__basicsize__ - 1,
                descriptor=descriptor,
                namespace=self._namespace,
                terminal=terminal[1],
            )
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
            os.waitpid(victim, 0)
            for open_here in (left_open, *pipe, *terminal):
                os.close(open_here)
            shutil.rmtree(folder)
            for server in (self._tcp, self._unix, self._abstract):
                with contextlib.suppress(BlockingIOError):
                    while True:
                        server.accept()[0].close()

    def attempt(self, attack: Attack, layers: frozenset[str]) -> str:
        """Tries an attack behind some layers: "succeeded", "failed: ERRNO or words" or "killed: SIGNAL"."""
        ours, theirs = socket.socketpair()
        with ours, theirs, self.stage(theirs.fileno()) as stage:
            theirs.set_inheritable(True)
            pid = os.fork()
            if not pid:
                try:
                    signal.alarm(10)
                    os.write(stage.descriptor, _said(attack, stage, layers).encode())
                finally:
                    os._exit(0)
            status = os.waitpid(pid, 0)[1]
            heard = b""
            with contextlib.suppress(BlockingIOError):  # it has ended: what it had to say is here
                while part := ours.recv(4096, socket.MSG_DONTWAIT):
                    heard += part
        if heard.strip():
            return heard.decode().strip()
        return f"killed: {signal.Signals(os.WTERMSIG(status)).name}" if os.WIFSIGNALED(status) else "failed: it ended"


def _said(attack: Attack, stage: Stage, layers: frozenset[str]) -> str:
    """What came of an attack that lived to tell it."""
    try:
        attack.prepare(stage)
        walls.raise_walls(stage.descriptor, LIMITS, frozenset(walls.LAYERS) - layers)
        attack.run(stage)
    except OSError as error:
        return f"failed: {errno.errorcode.get(error.errno or 0, str(error))}"
    except AssertionError as error:
        return f"failed: {error}"
    except BaseException as error:
        return f"failed: {type(error).__name__} {error}".strip()
    return "succeeded"


def attempts(scene: Scene, attack: Attack) -> dict[str, str]:
    """Outcomes of one attack by setting; "others" are all layers that do not stop it by themselves."""
    outcomes = {name: scene.attempt(attack, layers) for name, layers in SETTINGS.items()}
    others = frozenset(layer for layer in walls.LAYERS if outcomes[layer] == "succeeded")
    known = [name for name, layers in SETTINGS.items() if layers == others]
    outcomes["others"] = outcomes[known[0]] if known else scene.attempt(attack, others)
    return outcomes


@functools.cache
def table(user: int | None = None) -> dict[str, dict[str, str]]:
    """Outcomes of all attacks by name and setting, tried by a fresh interpreter, as another user if one is given."""
    package = Path(walls.__file__).parents[3]
    command = [sys.executable, "-I", "-S", "-B", __file__, str(package), *([str(user)] if user is not None else [])]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    outcomes: dict[str, dict[str, str]] = json.loads(done.stdout)
    return outcomes


def main(user: int | None) -> None:
    """Tries all attacks and prints what came of them."""
    if user is not None:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
        linux.prctl(4, 1)  # what a change of user takes away: that others of the same user may look at it
    walls.available()
    scene = Scene()
    try:
        outcomes = {
            attack.name: attempts(scene, attack)
            for attack in ATTACKS
            if attack.needs in ("", MACHINE) or (attack.needs == "root" and os.getuid() == 0)
        }
    finally:
        scene.close()
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main(int(sys.argv[2]) if len(sys.argv) > 2 else None)
