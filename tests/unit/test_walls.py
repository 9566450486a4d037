"""The seccomp programs, interpreted call by call for both machines, their tables, and platforms without walls."""

import functools
import itertools
import json
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from apigen_ray.runners.sandbox import bpf, linux, probes, walls

MACHINES = list(bpf.ARCHITECTURES)
DESCRIPTOR = 7
HEADERS = {
    "x86_64": [Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), Path("/usr/include/asm/unistd_64.h")],
    "aarch64": [Path("/usr/include/asm-generic/unistd.h")],
}
LAST = 1024
"""Beyond every number that a kernel has."""


@functools.cache
def instructions(program: bytes) -> list[tuple[int, int, int, int]]:
    return list(struct.iter_unpack("<HBBI", program))


def decide(program: bytes, machine: str, number: int, arguments: tuple[int, ...] = ()) -> int:
    """What the kernel would decide; refuses what the kernel would refuse to install."""
    data = struct.pack("<IIQ6Q", number, bpf.ARCHITECTURES[machine], 0, *(*arguments, 0, 0, 0, 0, 0, 0)[:6])
    code, place, word = instructions(program), 0, 0
    while True:
        operation, if_true, if_false, constant = code[place]
        place += 1
        match operation:
            case 0x20:
                assert constant % 4 == 0
                (word,) = struct.unpack_from("<I", data, constant)
            case 0x54:
                word &= constant
            case 0x05:
                place += constant
            case 0x15:
                place += if_true if word == constant else if_false
            case 0x35:
                place += if_true if word >= constant else if_false
            case 0x06:
                return constant
            case _:
                raise AssertionError(f"unknown instruction {operation:#x}")


@pytest.mark.parametrize("machine", MACHINES)
def test_every_number_is_decided_as_the_policy_says(machine: str) -> None:
    program = bpf.program(machine, DESCRIPTOR)
    guarded = set(bpf.guarded(machine).values())
    for number in (*range(LAST), bpf.X32 - 1):
        wanted = bpf.EPERM
        if number in bpf.allowed(machine).values():
            wanted = bpf.ALLOW
        elif number in bpf.deadly(machine).values():
            wanted = bpf.KILL
        if number not in guarded:
            assert decide(program, machine, number) == wanted, number
    for number in (bpf.X32, bpf.X32 | 1, bpf.X32 + 520, 0x80000000, 0xFFFFFFFF):
        assert decide(program, machine, number) == bpf.KILL


@pytest.mark.parametrize("machine", MACHINES)
def test_another_architecture_is_death(machine: str) -> None:
    other = bpf.program(MACHINES[1 - MACHINES.index(machine)], DESCRIPTOR)
    assert {decide(other, machine, number) for number in range(LAST)} == {bpf.KILL}


@pytest.mark.parametrize("machine", MACHINES)
def test_guarded_calls_look_at_their_arguments(machine: str) -> None:
    program = bpf.program(machine, DESCRIPTOR)
    numbers = bpf.guarded(machine)

    def said(name: str, *arguments: int) -> int:
        return decide(program, machine, numbers[name], arguments)

    for name in ("read", "write"):
        answers = {descriptor: said(name, descriptor) for descriptor in range(64)}
        assert answers == {d: bpf.ALLOW if d == DESCRIPTOR else bpf.EPERM for d in range(64)}
        assert said(name, 1 << 32 | 1) == bpf.EPERM
        assert said(name, 0xFFFFFFFF) == bpf.EPERM
    for name, protection in itertools.product(("mmap", "mprotect"), range(16)):
        assert said(name, 0, 4096, protection) == (bpf.EPERM if protection & 4 else bpf.ALLOW)
        assert said(name, 0, 4096, protection | 0x01000000) == said(name, 0, 4096, protection)
    assert [advice for advice in range(256) if said("madvise", 0, 0, advice) == bpf.ALLOW] == [
        *range(5), 8, 12, 13, 14, 15,
    ]  # fmt: skip
    for flags in (0, 128, 256, 384):
        assert [n for n in range(128) if said("futex", 0, n | flags) == bpf.ALLOW] == [0, 1, 3, 4, 9, 10]
    assert said("prlimit64", 0, 7, 0, 1) == bpf.ALLOW
    for arguments in ((0, 7, 1), (0, 7, 1 << 32), (5, 7, 0)):
        assert said("prlimit64", *arguments) == bpf.KILL


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("descriptor", [0, 3, 31, 255, 1023, 65536])
def test_the_descriptor_is_the_only_difference(machine: str, descriptor: int) -> None:
    program = bpf.program(machine, descriptor)
    assert decide(program, machine, bpf.guarded(machine)["write"], (descriptor,)) == bpf.ALLOW
    assert decide(program, machine, bpf.guarded(machine)["write"], (descriptor + 1,)) == bpf.EPERM
    pairs = zip(instructions(program), instructions(bpf.program(machine, 9999)), strict=True)
    assert {(one[3], other[3]) for one, other in pairs if one != other} == {(descriptor, 9999)}


@pytest.mark.parametrize("machine", MACHINES)
def test_programs_end_and_fit(machine: str) -> None:
    code = instructions(bpf.program(machine, DESCRIPTOR))
    assert len(code) <= 400  # the kernel takes 4096
    for place, (operation, if_true, if_false, constant) in enumerate(code):
        if operation in (0x15, 0x35):
            assert place + 1 + max(if_true, if_false) < len(code)
        if operation == 0x05:
            assert place + 1 + constant < len(code)
    assert code[-1][0] == 0x06


@pytest.mark.parametrize("size", [1, 2, 3, 100, 255, 256, 257, 700, 2000])
def test_jumps_reach_however_long_the_list(size: int) -> None:
    """Every second number is another segment, so that the tree is as long as can be."""
    segments: list[tuple[int, int | bpf.Rule]] = [(2 * place, 1000 + place) for place in range(size)]
    code = b"".join(struct.pack("<HBBI", *instruction) for instruction in [(0x20, 0, 0, 0), *bpf._tree(segments)])
    for number in range(2 * size):
        assert decide(code, "x86_64", number) == 1000 + number // 2
    assert decide(code, "x86_64", 0xFFFFFFFF) == 1000 + size - 1


def test_a_branch_of_256_instructions_is_too_long_for_a_short_jump() -> None:
    segments: list[tuple[int, int | bpf.Rule]] = [(2 * place, 1000 + place) for place in range(254)]
    segments[0] = (0, bpf.Rule((bpf.Check(0, (1,)),), otherwise=1000))
    assert len(bpf._tree(segments[:127])) == 256
    code = b"".join(struct.pack("<HBBI", *instruction) for instruction in [(0x20, 0, 0, 0), *bpf._tree(segments)])
    assert [decide(code, "x86_64", number) for number in range(508)] == [1000 + number // 2 for number in range(508)]


DEADLY = """
    clone clone3 execve execveat socket socketpair connect bind listen accept accept4 sendto sendmsg recvfrom recvmsg
    ptrace process_vm_readv process_vm_writev kill tkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_open pidfd_send_signal
    pidfd_getfd prctl seccomp setrlimit personality setuid setgid setresuid setresgid setgroups capset bpf
    perf_event_open userfaultfd memfd_create io_uring_setup io_uring_enter add_key request_key keyctl unshare setns
    mount umount2 pivot_root chroot move_mount fsopen fsconfig fsmount mount_setattr open_by_handle_at init_module
    finit_module delete_module kexec_load kexec_file_load reboot swapon clock_settime settimeofday sethostname
"""


@pytest.mark.parametrize("machine", MACHINES)
def test_what_an_attack_starts_with_is_death(machine: str) -> None:
    names = set(DEADLY.split()) | ({"fork", "vfork", "iopl", "ioperm"} if machine == "x86_64" else set())
    assert names <= set(bpf.deadly(machine))
    assert "tgkill" not in bpf.numbers(machine), "abort must not look like an attack"


def test_a_call_stands_in_one_list_only() -> None:
    for machine in MACHINES:
        lists = (bpf.allowed(machine), bpf.guarded(machine), bpf.deadly(machine), bpf.refused(machine))
        names = [name for each in lists for name in each]
        numbers = [number for each in lists for number in each.values()]
        assert len(names) == len(set(names)) == len(set(numbers))
        assert set(bpf.guarded(machine)) == set(bpf.RULES)


@pytest.mark.parametrize("machine", MACHINES)
def test_numbers_are_the_kernels(machine: str) -> None:
    header = next((path for path in HEADERS[machine] if path.exists()), None)
    if header is None:
        pytest.skip(f"the kernel's headers for {machine} are not installed")
    found = dict(re.findall(r"^#define\s+__NR(?:3264)?_(\w+)\s+(\d+)", header.read_text(), re.MULTILINE))
    ours = bpf.numbers(machine)
    assert {name: int(found[name]) for name in ours if name in found} == {n: v for n, v in ours.items() if n in found}
    assert len(set(ours) - set(found)) <= 2, "only what is newer than the headers may be missing"
    every = {name for other in MACHINES for name in bpf.numbers(other)}
    assert not (every - set(ours)) & set(found), "a call that this machine has too"


def test_limits_are_in_the_kernels_units() -> None:
    assert walls.Limits(3).values() == {"AS": 3 << 20, "NPROC": 0, "FSIZE": 0, "CORE": 0, "NOFILE": 32}
    assert walls.Limits(3, 16, cpu_s=9).values()["CPU"] == 9


FOREIGN = """
import json, sys
sys.path.append(sys.argv[1])
for missing in sys.argv[3].split():
    sys.modules[missing] = None
sys.platform = sys.argv[2]
from apigen_ray.runners.sandbox import walls
found = walls.available()
try:
    walls.raise_walls(0, walls.Limits(64), frozenset({"rlimits", "landlock"}))
    found["raised"] = "yes"
except walls.WallError as error:
    found["raised"] = f"{error.layer}: {error.probe}"
print(json.dumps(found))
"""


@pytest.mark.parametrize(
    ("platform", "missing", "rlimits"),
    [("darwin", "", "available"), ("win32", "resource", "absent"), ("linux", "ctypes _ctypes", "available")],
)
def test_a_platform_without_walls_says_so(platform: str, missing: str, rlimits: str) -> None:
    root = str(Path(walls.__file__).parents[3])
    command = [sys.executable, "-I", "-S", "-B", "-c", FOREIGN, root, platform, missing]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    found = json.loads(done.stdout)
    assert found["rlimits"].startswith(rlimits)
    for layer in ("landlock", "seccomp"):
        assert found[layer].startswith("absent: there is only one for x86_64 and aarch64 on Linux")
    assert found["raised"] == "seccomp: installing the filter"


def answer_with(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def fail(*_: object) -> int:
        raise OSError(number, "as told")

    monkeypatch.setattr(linux, "landlock_abi", fail)
    monkeypatch.setattr(linux, "prctl", fail)
    monkeypatch.setattr(linux, "machine", lambda: "x86_64")
    for cached in (walls._no_landlock, walls._no_seccomp):
        monkeypatch.setattr(walls, cached.__name__, cached.__wrapped__)


@pytest.mark.parametrize(("number", "words"), [(38, "older than 5.13"), (95, "turned off at boot"), (13, "as told")])
def test_a_kernel_without_a_layer_says_why(monkeypatch: pytest.MonkeyPatch, number: int, words: str) -> None:
    answer_with(monkeypatch, number)
    found = walls.available()
    assert found["landlock"].startswith("absent: ")
    assert words in found["landlock"]
    assert found["seccomp"].startswith("absent: the kernel cannot end a process by a filter")
    with pytest.raises(walls.WallError, match="seccomp: starting"):
        probes.prove_deadly(walls.Limits(64), frozenset({"rlimits"}))
    assert walls.raise_walls(0, walls.Limits(64), frozenset(walls.MANDATORY)) == {
        "rlimits": "left out",
        "landlock": found["landlock"],
        "seccomp": "left out",
    }


def test_nothing_is_left_of_a_proof_of_no_layer() -> None:
    assert probes.prove_deadly(walls.Limits(64), frozenset(walls.LAYERS)) == dict.fromkeys(walls.LAYERS, "left out")
    assert not walls.is_up("left out")
    assert not walls.is_up("absent: whatever")
