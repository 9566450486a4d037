"""What becomes of a call by what came back: status, content and words; pure, no network."""

import json
import re
from typing import Any

from apigen_ray.records import Status, dumps
from apigen_ray.runners.base import Outcome
from apigen_ray.runners.rest.reading import Answer
from apigen_ray.runners.rest.secrets import Scrubber
from apigen_ray.strict_json import JsonProblem, loads

AWAY = frozenset((408, 425, 429, 502, 503, 504))
"""Statuses that speak of the moment and not of the call."""

WORDS = 300
"""Characters of a server's own words that are kept."""

_CHARSETS = frozenset(("utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "iso-8859-15", "windows-1252"))
_CHARSETS |= {
    "windows-1250",
    "windows-1251",
    "utf-16",
    "shift_jis",
    "euc-jp",
    "euc-kr",
    "gb2312",
    "gbk",
    "gb18030",
    "big5",
}
_HTML = re.compile(r"<(!doctype\s+html|html|head|body|title|script|meta)\b", re.I)


def outcome_of(answer: Answer, method: str, host: str, scrubber: Scrubber) -> Outcome:
    """The outcome of a call that was answered, without a redirect left to follow.

    Args:
        answer: what came back.
        method: of the request.
        host: that answered, for the words.
        scrubber: knows the secrets.

    Returns:
        ``passed`` with ``{"status", "content_type", "body"}``, the body being the JSON value, a text, or null for an
        answer without one; else a code of `apigen_ray.runners.base.CODES` and words. The value is scrubbed, and of the
        words what must be before they are cut; whoever takes them scrubs the rest.
    """
    media, charset = _media(answer.headers.get("content-type", ""))
    if not 200 <= answer.status < 300:
        away = answer.status in AWAY
        said = scrubber.text(_words(answer, charset))
        detail = f"HTTP {answer.status} from {host}" + (f": {said[:WORDS]}" if said else "")
        return failed(
            Status.ERROR if away else Status.REJECTED, "endpoint_unavailable" if away else "http_error", detail
        )
    if answer.body is None:
        return failed(Status.REJECTED, "output_too_large", "its answer is larger than execution.rest.max_bytes")
    if answer.fault:
        return failed(Status.REJECTED, "bad_output", answer.fault)
    try:
        body = _body(answer.body, media, charset, scrubber, is_fine=_may_be_empty(answer.status, method))
    except _Unfit as fault:
        return failed(Status.REJECTED, "bad_output", str(fault))
    value = dumps({"status": answer.status, "content_type": media, "body": body})
    if scrubber.shows(value):
        value = dumps({"status": answer.status, "content_type": scrubber.text(media), "body": scrubber.value(body)})
    return Outcome(Status.PASSED, value=value)


def failed(status: Status, code: str, detail: str) -> Outcome:
    """An outcome without a value."""
    return Outcome(status, code, detail=detail)


class _Unfit(Exception):
    """An answer that is no plain data."""


def _media(content_type: str) -> tuple[str, str]:
    """Media type and charset, in small letters; the second is one that is known, or ""."""
    media, _, rest = content_type.partition(";")
    charset = re.search(r"charset\s*=\s*\"?([\w.:-]+)", rest, re.I)
    name = charset[1].lower() if charset else ""
    return media.strip().lower()[:100], name if name in _CHARSETS else ""


def _may_be_empty(status: int, method: str) -> bool:
    """Whether an answer without a body is a good one: the server says so, or nothing was asked for but a change."""
    return status in (204, 205) or method not in ("GET", "OPTIONS")


def _body(body: bytes, media: str, charset: str, scrubber: Scrubber, is_fine: bool) -> Any:
    if not body.strip():
        if is_fine:
            return None
        raise _Unfit("an empty answer")
    text = _text(body, media, charset)
    promised = media == "application/json" or media.endswith("+json") or media == "text/json"
    if _is_html(text) or (media in ("text/html", "application/xhtml+xml") and text.lstrip().startswith("<")):
        raise _Unfit("an HTML page" + (" where JSON was promised" if promised else ""))
    if promised or text.lstrip()[:1] in ("{", "["):  # many servers call JSON text/plain or text/html
        try:
            return loads(text)
        except JsonProblem as problem:
            if promised:
                said = "" if scrubber.shows(text) else f": {problem.detail}"  # which may end within a secret
                raise _Unfit(f"its JSON is none{said}") from None
    return text


def _text(body: bytes, media: str, charset: str) -> str:
    try:
        text = body.decode(charset or "utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError:
        if not media.startswith("text/"):
            raise _Unfit(f"no text: {media or 'bytes without a content type'}") from None
        text = body.decode("windows-1252", "replace")
    if "\0" in text:
        raise _Unfit(f"no text: {media or 'bytes without a content type'}")
    return text


def _is_html(text: str) -> bool:
    head = text[:4096].lstrip("\ufeff \t\r\n")
    while head.startswith("<!--"):
        head = head.partition("-->")[2].lstrip()
    return _HTML.match(head) is not None


def _words(answer: Answer, charset: str) -> str:
    """The server's own words on one line: the message of a JSON error, else what it wrote."""
    if not answer.body or answer.fault:
        return ""
    text = answer.body.decode(charset or "utf-8", "replace")
    if _is_html(text):
        return "an HTML page"
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    for key in ("error", "message", "detail", "error_description", "title"):
        found = value.get(key) if isinstance(value, dict) else None
        found = found.get("message") if isinstance(found, dict) else found
        if isinstance(found, str) and found:
            text = found
            break
    return " ".join(text.split())
