"""Whether and how a redirect is followed: pure, the address behind it is judged when it is connected to."""

from dataclasses import replace

import httpx

from apigen_ray.runners.rest.guard import Guard
from apigen_ray.runners.rest.reading import Answer
from apigen_ray.runners.rest.secrets import Scrubber
from apigen_ray.runners.rest.wire import Hop, origin

STATUSES = frozenset((301, 302, 303, 307, 308))

_PLAIN = frozenset(("accept", "accept-language", "user-agent"))
"""Headers that go along to another origin: nobody's arguments, nobody's secrets."""


class Refused(Exception):
    """A redirect that is not followed: the message says why."""


def next_hop(hop: Hop, answer: Answer, guard: Guard, scrubber: Scrubber) -> Hop:
    """The request that a redirect asks for.

    Credentials, cookies and headers of the call stay with the origin that they were meant for; one that changes from
    ``http`` to ``https`` at the usual ports is the same. Private addresses are for hosts that the user has named, and
    only where a host that the user has named leads there.

    Args:
        hop: the request that was redirected.
        answer: with one of `STATUSES`.
        guard: knows whom the user has named.
        scrubber: knows the secrets.

    Raises:
        Refused: it must not be followed.
    """
    if hop.method not in ("GET", "HEAD"):
        raise Refused(f"a {hop.method} is not sent again to where HTTP {answer.status} points")
    location = answer.headers.get("location", "")
    try:
        url = hop.url.join(location).copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError):
        url = httpx.URL("")
    if not location or not is_http(url):
        where = scrubber.text(location)[:200]
        raise Refused(f"HTTP {answer.status} points to no HTTP URL: {where!r}" if location else "it points nowhere")
    if hop.url.scheme == "https" and url.scheme == "http":
        raise Refused("it leads from https to http")
    here, there = hop.origin, origin(url)
    listed = hop.listed and guard.lists(there[1], there[2])
    if there == here or (here, there) == (("http", here[1], 80), ("https", here[1], 443)):
        return replace(hop, url=url, listed=listed)
    if scrubber.shows(str(url)):
        raise Refused("it would carry a credential to another host")
    headers = tuple((name, value) for name, value in hop.headers if name.lower() in _PLAIN)
    return Hop(hop.method, url, headers, listed=listed)


def is_http(url: httpx.URL) -> bool:
    """Whether a request can go there: ``http`` or ``https``, a host, a port that exists, no credentials."""
    port = url.port or 1
    return url.scheme in ("http", "https") and bool(url.host) and 0 < port < 65536 and not url.userinfo
