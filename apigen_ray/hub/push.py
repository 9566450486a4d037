"""The upload of a folder: every blob first, then one commit on the parent that was looked at, or nothing to be seen."""

import os
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from apigen_ray import __version__
from apigen_ray.errors import ApigenError, EnvironmentFault, InputError, RunFailedError
from apigen_ray.hub.origins import Found, card_licence
from apigen_ray.records import Json, content_hash
from apigen_ray.retry_after import retry_after

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, HfApi

DATA = "data/"
"""The folder of the repository that belongs to the export: what else lies in it is deleted by the commit."""

AT_ONCE = 5
"""Files that are uploaded side by side; those of one such batch are there before the next begins."""

COMMIT_TRIES = 4
"""The client tries all its other requests again by itself."""

LONGEST_WAIT = 60.0
"""Seconds between two tries of the commit, also where the server asks for more."""

_TITLE = "apigen-ray"
_FIRST = "initial commit"  # what the Hub makes of a new repository
_AGAIN = "run the same command again: what is there is not sent again"
_NO_XET = "where a server has no Xet storage, set HF_HUB_DISABLE_XET=1 and run the same command again"
_TOKEN = "make one that may write at <hub>/settings/tokens, then `hf auth login`, or set HF_TOKEN"  # noqa: S105 - no token


@dataclass(frozen=True)
class Head:
    """A repository as it was looked at.

    Attributes:
        sha: its latest commit; None where there is no repository.
        files: of that commit.
        private: whether only its owners see it.
    """

    sha: str | None = None
    files: tuple[str, ...] = ()
    private: bool = False


class Hub:
    """A repository of data sets on the Hub, or on what `HF_ENDPOINT` names.

    Args:
        repo: ``owner/name``.

    Raises:
        InputError: there can be no repository of that name.
        EnvironmentFault: huggingface_hub is not installed.
    """

    def __init__(self, repo: str) -> None:
        self._api = api()
        if said := _refused(repo):
            fault = f"{repo}{said}" if repo else "is missing"
            raise InputError(f"--repo: {fault}", "give the data set's name there: OWNER/NAME")
        self.repo = repo
        self.url = f"{self._api.endpoint}/datasets/{repo}"

    def look(self, *, private: bool, clean: bool) -> Head:
        """What is there, before anything is done.

        Args:
            private: a new repository is to be private.
            clean: whether a state that others made may be replaced.

        Raises:
            InputError: no token, or one that may not do it; a public repository that was to be private; the latest
                commit is none of ours.
            EnvironmentFault: the Hub cannot be reached.
        """
        from huggingface_hub.errors import RepositoryNotFoundError

        if self._api.token is None:
            raise InputError("there is no token for the Hub", self._words(_TOKEN))
        try:
            info = self._api.dataset_info(self.repo)
            commits = self._api.list_repo_commits(self.repo, repo_type="dataset", revision=info.sha)
        except RepositoryNotFoundError:
            return Head()
        except faults() as error:
            self._refuse(error, EnvironmentFault)
        if private and not info.private:
            raise InputError(f"{self.url}: is public already", "leave out --private, or change it in its settings")
        title = commits[0].title if commits else _FIRST
        if title != _FIRST and not title.startswith(_TITLE) and not clean:
            raise InputError(
                f"{self.url}: its latest commit, {title!r}, was not made by apigen export",
                "replace card and data with --clean (its history keeps what is there), or give another --repo",
            )
        return Head(info.sha, tuple(file.rfilename for file in info.siblings or ()), bool(info.private))

    def push(self, folder: Path, head: Head, words: str, *, private: bool) -> Json:
        """Uploads a folder.

        Args:
            folder: its files become those of the repository, but for those outside of `DATA` that are there already.
            head: as `look` gave it: the commit's parent.
            words: of the commit.
            private: whether a new repository is private.

        Returns:
            ``commit``, ``new`` (whether there was anything to commit), ``files``, ``bytes``, ``deleted`` and ``url``.

        Raises:
            InputError: the token may not write there.
            RunFailedError: the upload broke off, or somebody else's commit came between.
        """
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete
        from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]  # public, not in __all__

        if not sys.stderr.isatty():
            disable_progress_bars()
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        try:
            if head.sha is None:
                self._api.create_repo(self.repo, repo_type="dataset", private=private, exist_ok=True)
                head = self.look(private=private, clean=False)
                if head.sha is None:  # else the commit would have no parent to be checked
                    raise InputError(f"{self.url}: is there, and the token may not read it", self._words(_TOKEN))
            added = [CommitOperationAdd(path.relative_to(folder).as_posix(), path) for path in paths]
            for start in range(0, len(added), AT_ONCE):
                some = added[start : start + AT_ONCE]
                self._api.preupload_lfs_files(self.repo, some, repo_type="dataset", free_memory=False)
            names = {operation.path_in_repo for operation in added}
            stale = [name for name in head.files if name.startswith(DATA) and name not in names]
            deleted = [CommitOperationDelete(name, is_folder=False) for name in stale]
            commit = self._commit([*deleted, *added], f"{_TITLE} {__version__}: {words} ({_digest(added)})", head)
        except faults() as error:
            self._refuse(error, RunFailedError)
        return {
            "url": self.url,
            "commit": commit,
            "new": commit != head.sha,
            "private": head.private,
            "files": len(paths),
            "bytes": sum(path.stat().st_size for path in paths),
            "deleted": stale,
        }

    def _commit(self, operations: Sequence[Any], title: str, head: Head) -> str:
        """The one commit; where its answer was lost, or the server stumbled, it is looked for and tried again.

        Trying again is safe: a commit that was made is found by its title, which names the content, and no second one
        can follow it, because its parent would be another.
        """
        for left in reversed(range(COMMIT_TRIES)):
            try:
                return str(
                    self._api.create_commit(
                        self.repo, operations, commit_message=title, repo_type="dataset", parent_commit=head.sha
                    ).oid
                )
            except faults() as error:
                status, wait = _status(error), _wait(error, COMMIT_TRIES - left)
                if status is not None and status not in (408, 409, 412, 429) and status < 500:
                    raise
                if (made := self._made(title)) is not None:
                    return made
                if status in (409, 412) or not left:
                    raise
                time.sleep(wait)
        raise AssertionError("the last try returns or raises")

    def _made(self, title: str) -> str | None:
        """The latest commit, if it is this one."""
        latest = self._api.list_repo_commits(self.repo, repo_type="dataset")[0]
        return str(latest.commit_id) if latest.title == title else None

    def _refuse(self, error: Exception, kind: type[ApigenError]) -> NoReturn:
        """Says what went wrong, in the words of the one who can mend it."""
        status, said = _status(error), said_by(error)
        if status == 401:
            raise InputError(f"{self.url}: the Hub does not take the token ({said})", self._words(_TOKEN)) from error
        if status == 403:
            mend = "give another --repo, or a token that may write there; " + self._words(_TOKEN)
            raise InputError(f"{self.url}: the token may not do that ({said})", mend) from error
        if status == 404:
            raise InputError(f"{self.url}: there is no such owner or data set ({said})", "see to --repo") from error
        if status in (409, 412):
            raise RunFailedError(f"{self.url}: somebody else's commit came between ({said})", _AGAIN) from error
        mend = _NO_XET if "xet-write-token" in said else _AGAIN
        raise kind(f"{self.url}: {said}", mend) from error

    def _words(self, text: str) -> str:
        return text.replace("<hub>", str(self._api.endpoint))


def api() -> "HfApi":
    """The client: of what `HF_ENDPOINT` names now (the package itself reads it once), with the token of the login.

    Raises:
        EnvironmentFault: huggingface_hub is not installed.
    """
    try:
        from huggingface_hub import HfApi, get_token
    except ImportError as error:
        raise EnvironmentFault("the Hub needs huggingface_hub", "pip install 'apigen-ray[hub]'") from error
    return HfApi(endpoint=os.environ.get("HF_ENDPOINT", "").rstrip("/") or None, token=get_token())


def model_licence(model: str) -> Found:
    """The licence that the Hub's card of a model names."""
    client = api()
    try:
        info = client.model_info(model, timeout=20)
    except faults() as error:
        return None, f"its card at {client.endpoint} could not be read: {said_by(error)}"
    head = {key: getattr(info.card_data, key, None) for key in ("license", "license_name")}
    return card_licence(head, f"its card at {client.endpoint}")


def faults() -> tuple[type[Exception], ...]:
    """What the client raises where a request, a file or an answer is at fault.

    Among them ``HTTPError`` of the HTTP library that this version of the client has, for connections that break.
    """
    from huggingface_hub.errors import HfHubHTTPError

    http = next(kind for kind in HfHubHTTPError.__mro__ if kind.__name__ == "HTTPError")
    return (http, OSError, ValueError, RuntimeError)


def said_by(error: BaseException) -> str:
    """What went wrong, in one line: the server's own words where it has any; addresses without their signed query."""
    chain = [error]
    while chain[-1].__cause__ is not None:
        chain.append(chain[-1].__cause__)
    told = [f"{_status(one)}: {words}" for one in chain if (words := getattr(one, "server_message", None))]
    texts = [(str(one) or type(one).__name__).rstrip(".") for one in chain]
    words = told[0] if told else ": ".join(dict.fromkeys(texts))
    return re.sub(r"\?\S+", "", " ".join(words.split()))[:500]


def _status(error: BaseException | None) -> int | None:
    """The HTTP status behind an error, or behind the one that it was made of."""
    while error is not None:
        if (response := getattr(error, "response", None)) is not None:
            return int(response.status_code)
        error = error.__cause__
    return None


def _wait(error: Exception, tries: int) -> float:
    response = getattr(error, "response", None)
    told = retry_after(response.headers.get("Retry-After", ""), datetime.now(UTC)) if response is not None else None
    return min(LONGEST_WAIT, told if told is not None else 2.0**tries)


def _refused(repo: str) -> str:
    """Why there can be no repository of a name, in the client's words; "" where there can."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # public, not in __all__

    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        return f" ({error})"
    return "" if "/" in repo else " (has no owner)"


def _digest(added: "Sequence[CommitOperationAdd]") -> str:
    """Names the content of all files."""
    return content_hash(*(text for one in added for text in (one.path_in_repo, one.upload_info.sha256.hex())))[:12]
