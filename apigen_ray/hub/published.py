"""What of a config is published: all that can change a row, without secrets and without what names a machine."""

import ipaddress
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import yaml

from apigen_ray.library.credentials import bare, is_credential
from apigen_ray.records import Json

_DROPPED = ("output", "limits", "command", "cwd", "cluster")
"""Keys that say where something runs, and change no row; a command line may hold anything."""

_FREE = "extra_body"
"""What is sent to a server as it stands, whatever it is called there: of it only figures stay."""

_SECRET = re.compile(
    r".*(token|secret|password|passwd|passphrase|pwd|credential|signature|cookie|bearer|dsn)s?"
    r"|.*(api|access|account|private|session|signing|ssh|subscription)keys?|key|pass|sas|headers?"
)
_TOKENS = re.compile(
    r"\b(hf_|[sp]k-|gh[oprsu]_|github_pat_|xox[abprs]-|glpat-)[-_A-Za-z0-9]{16,}|\b(AKIA|ASIA)[A-Z0-9]{16}"
    r"|\bAIza[-_A-Za-z0-9]{30}|\beyJ[-_A-Za-z0-9]{8,}\.|\b[Bb](earer|asic)\s+\S{8,}|-----BEGIN "
)
_AUTH = re.compile(r".*\blibrary\.\d+\.(server\.)?auth")  # names of variables stand there, as its spec requires
_HOSTS = re.compile(r"(.*\.)?(hosts|allow_hosts)(\.\d+)?(\.host)?")
_PATH = re.compile(r"(?:(?<=[\s=:,;\"'(])|^)(?:~\w*|\.\.)?/(?!/)\S*")


def published(config: Json) -> tuple[Json, list[str]]:
    """A config without secrets, paths of the machine and private addresses.

    Relative paths inside the working folder stay, of others the last part does; addresses of hosts that only its own
    network knows are dropped, and so is every value that is or may be a secret. Names of environment variables stay.

    Args:
        config: as `apigen_ray.hub.origins.config_of` gives it, or any facts of a run.

    Returns:
        The config, and the keys that are missing or shortened in it.
    """
    changed: list[str] = []
    form = _clean(config, "", changed)
    return form, changed


def config_text(config: Json) -> str:
    """The published config as YAML, which says itself what is missing."""
    form, changed = published(config)
    lines = ["# The config of the run. Paths are relative to where it was started."]
    if changed:
        lines += ["# Left out or shortened, because it names a machine or could hold a secret:"]
        lines += [f"#   {key}" for key in changed]
    return "\n".join([*lines, yaml.safe_dump(form, sort_keys=False, allow_unicode=True)])


def _clean(value: Any, where: str, changed: list[str]) -> Any:
    if isinstance(value, dict):
        return dict(_items(value, where, changed))
    if isinstance(value, list):
        found = [_clean(item, f"{where}.{number}", changed) for number, item in enumerate(value)]
        return [item for item in found if item is not _GONE]
    if not isinstance(value, str):
        return value
    if f".{_FREE}." in f".{where}":
        clean = _GONE
    elif _HOSTS.fullmatch(where):
        clean = value if _public(value.rpartition("//")[2].partition(":")[0]) else _GONE
    else:
        clean = _text(value)
    if clean != value:
        changed.append(where)
    return clean


def _items(value: Json, where: str, changed: list[str]) -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        place = f"{where}.{key}" if where else str(key)
        if key in _DROPPED or (not _AUTH.fullmatch(where) and _secret(str(key), item)):
            changed.append(place)
        elif (clean := _clean(item, place, changed)) is not _GONE:
            yield key, clean


def _secret(key: str, item: Any) -> bool:
    if item is None or (key.endswith("tokens") and isinstance(item, int)):
        return False  # a limit on tokens is no token
    return is_credential(key) or _SECRET.fullmatch(bare(key)) is not None


_GONE: Any = object()


def _text(value: str) -> Any:
    if _TOKENS.search(value):
        return _GONE
    if "://" in value:
        return _address(value)
    return _PATH.sub(lambda match: match[0].rstrip("/").rpartition("/")[2], value)


def _address(value: str) -> Any:
    """An address that the world knows, without user and query; of a store's object its name; else nothing."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return _GONE
    if parts.scheme not in ("http", "https"):
        return parts.path.rstrip("/").rpartition("/")[2] or _GONE
    host = parts.hostname or ""
    if parts.username or parts.query or parts.fragment or not _public(host):
        return _GONE
    return value


def _public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        private = (".local", ".internal", ".lan", ".home", ".corp", ".intranet", ".localhost", ".svc", ".test")
        return "." in host and not host.endswith(private)
