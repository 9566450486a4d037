"""Which addresses are of the public internet, and whom a user may name."""

import asyncio
import ipaddress
from collections.abc import Sequence

import pytest
from pydantic import ValidationError

from apigen_ray.runners.rest.guard import Blocked, Guard, SystemResolver, why_not_public
from apigen_ray.runners.rest.spec import HostLimit, RestSpec, split_host

PUBLIC = ["8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.0", "100.63.255.255", "100.128.0.0", "169.253.255.255"]
PUBLIC += ["223.255.255.255", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2001:4860::1"]

NOT_PUBLIC = {
    "0.0.0.0": "unspecified",  # noqa: S104 - an address to be refused, nothing is bound
    "0.1.2.3": "unspecified",
    "10.255.255.255": "private",
    "100.64.0.1": "shared by a carrier's customers",
    "100.127.255.255": "shared by a carrier's customers",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "169.254.169.254": "link-local",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.0.0.192": "reserved",
    "192.168.1.1": "private",
    "198.19.255.255": "for benchmarks",
    "168.63.129.16": "a cloud's metadata",
    "224.0.0.1": "multicast",
    "239.255.255.255": "multicast",
    "255.255.255.255": "reserved",
    "::": "unspecified",
    "::1": "loopback",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "fd00:ec2::254": "private",
    "ff02::1": "multicast",
    "fec0::1": "reserved",
    "::ffff:127.0.0.1": "loopback",
    "::ffff:a9fe:a9fe": "link-local",
    "::127.0.0.1": "reserved",
    "64:ff9b::7f00:1": "loopback",
    "64:ff9b::a9fe:a9fe": "link-local",
    "64:ff9b:1::a00:1": "reserved",
    "2002:7f00:1::": "6to4",
    "2001:0:53aa:64c:0:fbff:80ff:fffe": "reserved",
    "2001:db8::1": "for documentation",
}


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet(address: str) -> None:
    assert why_not_public(address) == ""


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_everything_else(address: str) -> None:
    assert why_not_public(address) == NOT_PUBLIC[address]


def test_no_more_is_public_than_python_thinks() -> None:
    for number in range(0, 1 << 32, 65521 * 16):
        address = ipaddress.IPv4Address(number)
        assert address.is_global or why_not_public(str(address)), address


def addresses(guard: Guard, host: str, port: int, listed: bool) -> Sequence[str]:
    return asyncio.run(guard.addresses(host, port, listed))


def answering(*given: str) -> Guard:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return given

    return Guard(["inner", "169.254.1.1:80", "outer:8000"], resolve)


def test_one_address_that_is_not_public_is_one_too_many() -> None:
    assert addresses(answering("8.8.8.8", "2606:4700::1"), "x", 80, False) == ("8.8.8.8", "2606:4700::1")
    for given in (["8.8.8.8", "10.0.0.1"], ["::1", "8.8.8.8"]):
        with pytest.raises(Blocked, match=r"x leads to .*; name it in execution\.rest\.allow_hosts"):
            addresses(answering(*given), "x", 80, False)


def test_a_name_that_the_user_gave_leads_inside_but_not_to_metadata() -> None:
    for inside in ("10.0.0.1", "127.0.0.1", "::1", "fd00::1", "100.64.0.1"):
        assert addresses(answering(inside), "inner", 80, True) == (inside,)
    for never in ("169.254.169.254", "0.1.2.3", "224.0.0.1", "fe80::1", "::ffff:169.254.169.254", "168.63.129.16"):
        with pytest.raises(Blocked):
            addresses(answering(never), "inner", 80, True)
    assert addresses(answering("169.254.1.1"), "169.254.1.1", 80, True) == ("169.254.1.1",)
    with pytest.raises(Blocked):
        addresses(answering("169.254.1.1"), "169.254.1.1", 81, True)


def test_a_host_with_and_without_a_port() -> None:
    guard = answering()
    assert guard.lists("inner", 1)
    assert guard.lists("INNER.", 65535)
    assert guard.lists("outer", 8000)
    assert not guard.lists("outer", 8001)
    assert not guard.lists("inner.example", 80)
    assert not guard.lists("xinner", 80)


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "127.1", "0x7f.1", "127.0.0.1", "::1", "::ffff:127.0.0.1"]
)
def test_the_systems_resolver_sees_through_every_spelling(host: str) -> None:
    with pytest.raises(Blocked, match="loopback"):
        addresses(Guard([], SystemResolver()), host, 80, False)


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example", "", "no-such-name.invalid", "a b", "a%00b"])
def test_what_is_no_name_is_an_error_of_the_system(host: str) -> None:
    with pytest.raises(OSError, match=r"."):
        addresses(Guard([], SystemResolver()), host, 80, False)


def test_hosts_are_written_in_one_way() -> None:
    spec = RestSpec(allow_hosts=("API.Acme.com.", "10.0.0.7:8000", "[::1]:80", "::1", "a_b"))
    assert spec.allow_hosts == ("api.acme.com", "10.0.0.7:8000", "[::1]:80", "::1", "a_b")
    assert split_host("[0:0::1]:80") == ("::1", 80)
    assert RestSpec.model_validate(spec.model_dump(mode="json")) == spec
    assert hash(RestSpec(hosts=(HostLimit(host="a", requests_per_s=None),))) != hash(spec)


@pytest.mark.parametrize(
    "host",
    ["http://a", "a/b", "*.a", "", "a:", "a:0", "a:65536", "a:b", "user@a", "[a]:80", "a:1:2", "127.1:x", "a..b"],
)
def test_what_is_no_host(host: str) -> None:
    with pytest.raises(ValidationError, match=r"no host|no port"):
        RestSpec(allow_hosts=(host,))
