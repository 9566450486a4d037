"""What a foreign function may try in plain Python: every function here is one attack, whole in itself.

Each is made a source of its own by `hostile.py` and is never called in this process. ``at`` says where its targets
are, see `hostile.Stage`. One that got what it wanted returns a text that begins with "PWNED", or leaves a trace.
"""

# ruff: noqa: S103, S310, S605, S606 - they are attacks

# Files


def read_a_secret(at):
    with open(at["secret"]) as file:
        return "PWNED " + file.read()


def read_a_secret_by_descriptor(at):
    import os

    return "PWNED " + os.read(os.open(at["secret"], os.O_RDONLY), 100).decode()


def read_a_secret_by_path(at):
    import pathlib

    return "PWNED " + pathlib.Path(at["secret"]).read_text()


def read_a_secret_by_c(at):
    import ctypes

    c = ctypes.CDLL(None, use_errno=True)
    descriptor = c.open(at["secret"].encode(), 0)
    buffer = ctypes.create_string_buffer(100)
    if c.read(descriptor, buffer, 100) <= 0:
        raise OSError(ctypes.get_errno(), "not read")
    return "PWNED " + buffer.value.decode()


def read_a_secret_as_lines(at):
    import linecache

    lines = linecache.getlines(at["secret"])
    return "PWNED " + lines[0]


def read_a_secret_as_configuration(at):
    import configparser

    parser = configparser.ConfigParser(allow_no_value=True)
    if not parser.read(at["configuration"]):
        raise LookupError("not read")
    return "PWNED " + parser["a"]["key"]


def write_a_file(at):
    with open(at["new"], "w") as file:
        file.write("MARK")
    return "PWNED"


def append_to_a_file(at):
    with open(at["file"], "a") as file:
        file.write("MARK")
    return "PWNED"


def log_into_a_file(at):
    import logging

    handler = logging.FileHandler(at["new"])
    handler.emit(logging.makeLogRecord({"msg": "MARK"}))
    return "PWNED"


def write_a_database(at):
    import sqlite3

    sqlite3.connect(at["new"]).execute("create table mark (x)")
    return "PWNED"


def temporary_file(at):
    import tempfile

    with tempfile.NamedTemporaryFile(dir=at["folder"], delete=False) as file:
        file.write(b"MARK")
    return "PWNED"


def delete_a_file(at):
    import os

    os.remove(at["file"])
    return "PWNED"


def delete_a_folder(at):
    import shutil

    shutil.rmtree(at["tree"])
    return "PWNED"


def rename_a_file(at):
    import os

    os.rename(at["file"], at["new"])
    return "PWNED"


def copy_a_secret(at):
    import shutil

    shutil.copyfile(at["secret"], at["new"])
    return "PWNED"


def truncate_a_file(at):
    import os

    os.truncate(at["file"], 0)
    return "PWNED"


def change_rights(at):
    import os

    os.chmod(at["file"], 0o777)
    return "PWNED"


def change_times(at):
    import os

    os.utime(at["file"], (0, 0))
    return "PWNED"


def make_a_folder(at):
    import os

    os.makedirs(at["new"])
    return "PWNED"


def symbolic_link(at):
    import os

    os.symlink(at["secret"], at["new"])
    with open(at["new"]) as file:
        return "PWNED " + file.read()


def hard_link(at):
    import os

    os.link(at["secret"], at["new"])
    return "PWNED"


def named_pipe(at):
    import os

    os.mkfifo(at["new"])
    return "PWNED"


def list_a_folder(at):
    import os

    return "PWNED " + " ".join(os.listdir(at["folder"]))


def find_files(at):
    import glob

    found = glob.glob(at["folder"] + "/*")
    if not found:
        raise LookupError("nothing found")
    return "PWNED " + " ".join(found)


def status_of_a_file(at):
    import os

    return f"PWNED {os.stat(at['secret']).st_size}"


def change_the_folder(at):
    import os

    os.chdir(at["folder"])
    return "PWNED"


def import_from_disk(at):
    import sys

    sys.path.insert(0, at["folder"])
    return "PWNED " + __import__("planted").VALUE


def import_a_file(at):
    import importlib.util

    spec = importlib.util.spec_from_file_location("planted", at["folder"] + "/planted.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return "PWNED " + module.VALUE


def run_a_file(at):
    import pkgutil  # what it imports must not be what stops it
    import runpy

    return f"PWNED {pkgutil.__name__} " + runpy.run_path(at["folder"] + "/planted.py")["VALUE"]


def load_a_library(at):
    import ctypes

    ctypes.CDLL(at["library"])
    return "PWNED"


# Other processes


def memory_of_the_parent(at):
    with open(f"/proc/{at['parent']}/mem", "rb", 0) as memory:
        memory.seek(at["address"])
        return "PWNED " + memory.read(at["length"]).decode()


def environment_of_the_parent(at):
    with open(f"/proc/{at['parent']}/environ") as file:
        return "PWNED " + file.read()


def read_memory_of_the_parent(at):
    import ctypes
    import struct

    memory = ctypes.create_string_buffer(at["length"])
    ours = struct.pack("QQ", ctypes.addressof(memory), at["length"])
    theirs = struct.pack("QQ", at["address"], at["length"])
    if ctypes.CDLL(None).process_vm_readv(at["parent"], ours, 1, theirs, 1, 0) <= 0:
        raise OSError("not read")
    return "PWNED " + memory.raw.decode()


def write_memory_of_the_parent(at):
    import ctypes
    import struct

    memory = ctypes.create_string_buffer(b"MARK")
    ours = struct.pack("QQ", ctypes.addressof(memory), 4)
    theirs = struct.pack("QQ", at["address"], 4)
    if ctypes.CDLL(None).process_vm_writev(at["parent"], ours, 1, theirs, 1, 0) <= 0:
        raise OSError("not written")
    return "PWNED"


def trace_a_process(at):
    import ctypes
    import os

    c = ctypes.CDLL(None, use_errno=True)
    if c.ptrace(16, at["victim"], 0, 0):
        raise OSError(ctypes.get_errno(), "not attached")
    os.waitpid(at["victim"], 0)
    c.ptrace(17, at["victim"], 0, 0)
    return "PWNED"


def kill_a_process(at):
    import os
    import signal

    os.kill(at["victim"], signal.SIGKILL)
    return "PWNED"


def kill_the_zygote(at):
    import os
    import signal

    os.kill(os.getppid(), signal.SIGKILL)
    return "PWNED"


def kill_the_group(at):
    import os
    import signal

    os.killpg(0, signal.SIGKILL)
    return "PWNED"


def slow_a_process(at):
    import os

    os.setpriority(os.PRIO_PROCESS, at["victim"], 19)
    return "PWNED"


def limit_a_process(at):
    import resource

    resource.prlimit(at["victim"], resource.RLIMIT_CORE, (0, 0))
    return "PWNED"


def pin_a_process(at):
    import os

    os.sched_setaffinity(at["victim"], {min(os.sched_getaffinity(0))})
    return "PWNED"


# Own processes


def shell(at):
    import os

    if os.system(f"echo MARK > {at['new']}"):
        raise OSError("it failed")
    return "PWNED"


def run_a_program(at):
    import subprocess

    subprocess.run(["/bin/sh", "-c", f"echo MARK > {at['new']}"], check=True)
    return "PWNED"


def output_of_a_program(at):
    import subprocess

    return "PWNED " + subprocess.check_output(["/bin/cat", at["secret"]], text=True)


def open_a_program(at):
    import os
    import subprocess

    assert subprocess.Popen  # what os.popen imports must not be what stops it
    return "PWNED " + os.popen(f"cat {at['secret']}").read()


def spawn_a_program(at):
    import os

    os.waitpid(os.posix_spawn("/bin/sh", ["sh", "-c", f"echo MARK > {at['new']}"], {}), 0)
    return "PWNED"


def become_a_program(at):
    import os

    os.execv("/bin/sh", ["sh", "-c", f"echo MARK > {at['new']}"])


def become_a_program_in_memory(at):
    import os

    script = os.memfd_create("program", 0)
    os.write(script, f"#!/bin/sh\necho MARK > {at['new']}\n".encode())
    os.execve(script, ["program"], {})


def fork(at):
    import os

    child = os.fork()
    if not child:
        with open(at["new"], "w") as file:
            file.write("MARK")
        os._exit(0)
    os.waitpid(child, 0)
    return "PWNED"


def fork_and_hide(at):
    import os

    child = os.fork()
    if not child:
        os.setsid()
        if not os.fork():
            with open(at["new"], "w") as file:
                file.write("MARK")
        os._exit(0)
    os.waitpid(child, 0)
    return "PWNED"


def fork_often(at):
    import os

    children = []
    for _ in range(20):
        child = os.fork()
        if not child:
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    return f"PWNED {len(children)}"


def terminal(at):
    import os
    import pty

    child, _ = pty.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    return "PWNED"


def processes_of_python(at):
    import multiprocessing.popen_fork

    other = multiprocessing.get_context("fork").Process(target=len, args=("",))
    other.start()
    other.join()
    return "PWNED"


def thread(at):
    import threading

    said = []
    other = threading.Thread(target=said.append, args=("PWNED",))
    other.start()
    other.join()
    return said[0]


def threads_of_a_pool(at):
    from concurrent.futures.thread import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        return next(pool.map(str, ["PWNED"]))


# Network


def connect(at):
    import socket

    with socket.create_connection(("127.0.0.1", at["tcp"]), 2) as connection:
        connection.sendall(b"MARK")
    return "PWNED"


def connect_from_c(at):
    import ctypes

    if ctypes.CDLL(None, use_errno=True).socket(2, 1, 0) < 0:
        raise OSError(ctypes.get_errno(), "no socket")
    return "PWNED"


def send_a_packet(at):
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"MARK", ("127.0.0.1", at["udp"]))
    return "PWNED"


def fetch_a_page(at):
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", at["tcp"], timeout=2)
    connection.request("GET", "/MARK")
    return "PWNED"


def open_an_address(at):
    import mimetypes
    import urllib.request

    mimetypes.inited = True
    with urllib.request.urlopen("file://" + at["secret"]) as page:
        return "PWNED " + page.read().decode()


def connect_by_loop(at):
    import asyncio

    async def go():
        _, writer = await asyncio.open_connection("127.0.0.1", at["tcp"])
        writer.write(b"MARK")
        await writer.drain()
        writer.close()

    asyncio.run(go())
    return "PWNED"


def serve(at):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"PWNED {server.getsockname()[1]}"


def local_socket(at):
    import socket

    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(at["unix"])
        connection.sendall(b"MARK")
    return "PWNED"


# Memory and machine code


def much_memory(at):
    return f"PWNED {len(bytearray(at['memory']))}"


def much_memory_in_pieces(at):
    pieces = []
    while len(pieces) << 20 < at["memory"]:
        pieces.append(bytes(1 << 20))
    return f"PWNED {len(pieces)}"


def much_memory_mapped(at):
    import mmap

    return f"PWNED {len(mmap.mmap(-1, at['memory']))}"


def machine_code(at):
    import ctypes
    import mmap

    code = bytes.fromhex({"x86_64": "b82a000000c3", "aarch64": "40058052c0035fd6"}[at["machine"]])
    memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    memory.write(code)
    function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
    return f"PWNED {function()}"


def machine_code_later(at):
    import ctypes
    import mmap

    memory = mmap.mmap(-1, 4096)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    if ctypes.CDLL(None, use_errno=True).mprotect(ctypes.c_void_p(address), 4096, 7):
        raise OSError(ctypes.get_errno(), "not executable")
    return "PWNED"


def memory_file(at):
    import os

    return f"PWNED {os.write(os.memfd_create('hidden'), b'MARK')}"


def shared_memory(at):
    import ctypes

    c = ctypes.CDLL(None, use_errno=True)
    segment = c.shmget(0, 4096, 0o1600)
    if segment < 0:
        raise OSError(ctypes.get_errno(), "no segment")
    c.shmctl(segment, 0, None)
    return "PWNED"


def more_for_itself(at):
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return "PWNED"


# The kernel's wide doors


def ring(at):
    import ctypes

    if ctypes.CDLL(None, use_errno=True).syscall(425, 1, bytes(120)) < 0:
        raise OSError(ctypes.get_errno(), "no ring")
    return "PWNED"


def key(at):
    import ctypes

    if ctypes.CDLL(None, use_errno=True).syscall(at["add_key"], b"user", b"apigen", b"MARK", 4, -1) < 0:
        raise OSError(ctypes.get_errno(), "no key")
    return "PWNED"


def namespace(at):
    import ctypes

    if ctypes.CDLL(None, use_errno=True).unshare(0x10000000):
        raise OSError(ctypes.get_errno(), "no namespace")
    return "PWNED"


def another_user(at):
    import os

    os.setuid(os.getuid())
    return "PWNED"


def process_settings(at):
    import ctypes

    if ctypes.CDLL(None, use_errno=True).prctl(1, 0, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "not set")
    return "PWNED"


# The way to the parent


def pass_a_descriptor(at):
    import os
    import socket

    for descriptor in range(3, 64):
        try:
            os.write(descriptor, b"")
        except OSError:
            continue
        socket.send_fds(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, descriptor), [b"MARK"], [descriptor])
    raise LookupError("no descriptor can be written to")


def close_everything(at):
    import os

    os.closerange(0, 64)
    raise LookupError("closed what could be closed")


def write_everywhere(at):
    import os

    for descriptor in range(64):
        try:
            os.write(descriptor, b"\x00\x00\x00\x04MARK")
        except OSError:
            pass
    raise LookupError("written wherever that was possible")


def read_everywhere(at):
    import fcntl
    import os

    for descriptor in range(64):
        try:
            fcntl.fcntl(descriptor, fcntl.F_SETFL, os.O_NONBLOCK)
            os.lseek(descriptor, 0, os.SEEK_SET)
            return "PWNED " + repr(os.read(descriptor, 100))
        except OSError:
            pass
    raise LookupError("nothing can be read")


# An end that is no end


def exit_at_once(at):
    import os

    os._exit(0)


def exit_politely(at):
    raise SystemExit(0)


def abort(at):
    import os

    os.abort()


def fault(at):
    import ctypes

    ctypes.string_at(0)


def kill_itself(at):
    import os
    import signal

    os.kill(os.getpid(), signal.SIGKILL)


def timer_for_the_next(at):
    import signal

    signal.setitimer(signal.ITIMER_REAL, 0.0005)
    raise LookupError("whoever comes next will be ended")


def ignore_the_limit(at):
    import signal

    signal.signal(signal.SIGPROF, signal.SIG_IGN)
    while True:
        pass


def swallow_the_limit(at):
    while True:
        try:
            while True:
                pass
        except BaseException:  # noqa: S110
            pass
