"""Which servers are told beforehand to be out of reach."""

import asyncio
from collections.abc import Sequence

import pytest

from apigen_ray.runners.rest import reach
from apigen_ray.runners.rest.reach import blocked, host_of, literally


def test_addresses_within_are_refused_unless_they_are_named() -> None:
    servers = ["http://127.0.0.1:8931/v1", "http://localhost", "http://[::1]:80", "https://10.0.0.7", "http://8.8.8.8"]
    found = blocked(servers, (), literally)
    assert list(found) == servers[:4]
    assert all(found.values())
    assert list(blocked(servers, ["127.0.0.1:8931", "10.0.0.7"], literally)) == servers[1:3]
    assert [host_of(server) for server in servers[:3]] == ["127.0.0.1:8931", "localhost:80", "[::1]:80"]


@pytest.mark.parametrize("server", ["", "mine", "ftp://10.0.0.7", "http://", "http://[::1", "http://name.example"])
def test_what_cannot_be_judged_is_not_refused(server: str) -> None:
    assert blocked([server], (), literally) == {}


def test_names_that_no_resolver_takes_or_answers_in_time_are_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        if host == "slow.example":
            await asyncio.sleep(3600)
        raise UnicodeError("label too long")

    monkeypatch.setattr(reach, "RESOLVED_S", 0.2)
    assert blocked(["http://slow.example", "http://odd.example"], (), never) == {}


def test_a_defect_is_not_kept_quiet() -> None:
    async def wrong(host: str, port: int) -> Sequence[str]:
        raise KeyError("a defect")

    with pytest.raises(KeyError, match="a defect"):
        blocked(["http://name.example"], (), wrong)
