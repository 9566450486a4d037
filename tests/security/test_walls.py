"""Real attacks against the kernel's walls, as root and as another user, and proofs that notice every hole."""

import functools
import os
from typing import Any

import attacks
import pytest
import wall_cases

from apigen_ray.runners.sandbox import linux, walls

NOBODY = 65534

pytestmark = pytest.mark.skipif(
    bool(walls._no_seccomp()), reason=f"this platform has no walls: seccomp: {walls._no_seccomp()}"
)
users = pytest.mark.parametrize(
    "user",
    [
        pytest.param(None, id="own-user"),
        pytest.param(
            NOBODY,
            id="nobody",
            marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user; own-user is one"),
        ),
    ],
)


@functools.cache
def outcomes(user: int | None) -> dict[str, dict[str, str]]:
    return attacks.table(user)


@users
def test_nothing_gets_through_all_walls(user: int | None) -> None:
    assert {name: row["all"] for name, row in outcomes(user).items() if row["all"] == "succeeded"} == {}


@users
def test_attacks_are_real_and_each_is_stopped_by_a_layer_that_can_be_named(user: int | None) -> None:
    real = {name: row for name, row in outcomes(user).items() if row["none"] == "succeeded"}
    assert len(real) >= 40, sorted(set(outcomes(user)) - set(real))
    for name, row in real.items():
        alone = [layer for layer in walls.LAYERS if row[layer] != "succeeded"]
        assert set(alone) & set(walls.MANDATORY), f"{name}: only {alone or 'nothing'} stops it"


@pytest.mark.skipif(os.geteuid() != 0, reason="some attacks need root to succeed")
def test_root_succeeds_with_every_attack_where_no_wall_stands() -> None:
    """In a container some may be denied by an outer wall: then they prove nothing there, and are named."""
    denied = {name: row["none"] for name, row in outcomes(None).items() if row["none"] != "succeeded"}
    if denied and len(denied) < len(attacks.ATTACKS) - 40:
        pytest.skip(f"an outer wall or an older kernel stops {denied}")
    assert not denied


def test_names_of_attacks_are_unique() -> None:
    assert len({attack.name for attack in attacks.ATTACKS}) == len(attacks.ATTACKS)


@users
def test_each_layer_says_how_it_was_proved(user: int | None) -> None:
    proofs: dict[str, dict[str, str]] = wall_cases.run("proofs", user)
    landlock = proofs["available"]["landlock"].startswith("available")
    for proof in (proofs["deadly"], proofs["worker"]):
        assert list(proof) == list(walls.LAYERS)
        assert {layer for layer in walls.LAYERS if walls.is_up(proof[layer])} >= set(walls.MANDATORY)
        assert walls.is_up(proof["landlock"]) is landlock
    for probe in ("socket", "clone", "execve", "ptrace", "kill", "memfd_create", "io_uring_setup", "prctl", "unshare"):
        assert probe in proofs["deadly"]["seccomp"]


@users
@pytest.mark.parametrize("case", ["negatives", "deadly_negatives"])
def test_a_hole_in_a_wall_is_noticed(case: str, user: int | None) -> None:
    found: dict[str, list[str]] = wall_cases.run(case, user)
    assert len(found) >= 10
    absent = "landlock" if walls._no_landlock() else "none"
    assert {hole: pair for hole, pair in found.items() if pair[0] != pair[1] and absent not in hole} == {}


@users
def test_ordinary_work_meets_no_wall(user: int | None) -> None:
    assert wall_cases.run("ordinary", user) == {
        "work": "1.41 67108864 axa True LookupError errno 1",
        "timer": "timed out",
        "abort": "SIGSEGV",  # and not SIGSYS: a plain abort is no security event
        "own limits": "0",
        "lower limit": "(16, 16)",
        "fault": "SIGSEGV",
    }


@users
def test_other_doors_to_the_kernel_are_shut(user: int | None) -> None:
    found: dict[str, Any] = wall_cases.run("foreign_abi", user)
    refused = dict.fromkeys(("unknown", "wide descriptor", "poison a page", "priority futex"), "-1")
    assert found == {"x32": "SIGSYS", "beyond": "SIGSYS", "vfork": "SIGSYS", **refused}


def test_this_process_is_left_as_it_is() -> None:
    walls.available()
    assert linux.prctl(linux.GET_SECCOMP) == 0
