"""Publishing on the Hub, by the real client against a server that can say no: whole or not at all, and said plainly."""

import base64
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hub_runs import CONFIG, STYLES, Row, rows_of, write_run
from hub_server import CUT, READER, WRITER, Blob, HubServer

from apigen_ray.cli import main
from apigen_ray.config import SAMPLE
from apigen_ray.errors import EnvironmentFault, InputError, RunFailedError
from apigen_ray.export.splits import Splits
from apigen_ray.hub import card, layout
from apigen_ray.hub.publish import publish
from apigen_ray.hub.push import Hub
from apigen_ray.tables import table_of

# the client sends blobs in a way that its HTTP library calls outdated
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")

ROOT = Path(__file__).parents[2]
REPO = "org/name"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "sums", rows_of())


@pytest.fixture(scope="module", autouse=True)
def _closed() -> Iterator[None]:
    from huggingface_hub import close_session

    yield
    close_session()  # not after each test: to make one loads the certificates of the world


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    """The server, and the client turned to it."""
    from huggingface_hub import constants

    server = HubServer()
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv("HF_TOKEN", WRITER)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # the server has no such storage
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # as other tests want it, whoever imported it first
    yield server
    server.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is pushed, made once."""
    path = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
        go(write_run(path / "sums", rows_of()), out=path / "out", dry_run=True)
    return path / "out"


def push(folder: Path, *, private: bool = False, clean: bool = False) -> Row:
    hub = Hub(REPO)
    return hub.push(folder, hub.look(private=private, clean=clean), "sums", private=private)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were to be waited for, and were not."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited


def go(run: Path, *, repo: str | None = REPO, licences: tuple[str, ...] = ("cc-by-4.0",), **more: Any) -> Row:
    splits = Splits.parse(["train=0.7,test=0.3"])
    return publish(run, repo, **{"licences": licences, "verdicts": ["verified"], "splits": splits} | more)


def published(hub: HubServer) -> dict[str, Blob]:
    return hub.repos[REPO].commits[-1].files


def shards(hub: HubServer) -> list[Row]:
    found = [blob.content for path, blob in sorted(published(hub).items()) if path.endswith(".parquet")]
    return [row for content in found for row in pq.read_table(pa.BufferReader(content)).to_pylist()]


def by_id(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row["sample_id"])


# The server can say no


class Raw:
    """Requests as no good client would make them."""

    def __init__(self, server: HubServer, token: str | None = WRITER) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.client = httpx.Client(base_url=server.url, headers=headers, trust_env=False, verify=False)  # noqa: S501 - plain HTTP

    def create(self, name: str = REPO) -> httpx.Response:
        owner, _, rest = name.partition("/")
        form = {"name": rest, "organization": owner, "type": "dataset", "visibility": "public"}
        return self.client.post("/api/repos/create", json=form)

    def batch(self, content: bytes, size: int | None = None) -> str:
        item = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content) if size is None else size}
        form = {"operation": "upload", "transfers": ["basic"], "objects": [item], "hash_algo": "sha256"}
        answer = self.client.post(f"/datasets/{REPO}.git/info/lfs/objects/batch", json=form)
        return str(answer.json()["objects"][0]["actions"]["upload"]["href"])

    def verify(self, content: bytes, size: int) -> httpx.Response:
        form = {"oid": hashlib.sha256(content).hexdigest(), "size": size}
        return self.client.post(f"/datasets/{REPO}.git/info/lfs/objects/verify", json=form)

    def commit(self, *lines: Row, repo: str = REPO, parent: str | None = None, **header: Any) -> httpx.Response:
        head = {"summary": "words", **({"parentCommit": parent} if parent else {}), **header}
        text = "\n".join(json.dumps(line) for line in ({"key": "header", "value": head}, *lines))
        url, kind = f"/api/datasets/{repo}/commit/main", {"Content-Type": "application/x-ndjson"}
        return self.client.post(url, content=text, headers=kind)


def text_file(path: str, text: str = "x") -> Row:
    content = base64.b64encode(text.encode()).decode()
    return {"key": "file", "value": {"path": path, "content": content, "encoding": "base64"}}


def lfs_file(path: str, content: bytes, size: int | None = None) -> Row:
    oid, length = hashlib.sha256(content).hexdigest(), len(content) if size is None else size
    return {"key": "lfsFile", "value": {"path": path, "algo": "sha256", "oid": oid, "size": length}}


BLOB = b"PAR1"
REFUSALS: dict[str, tuple[int, Callable[[Raw], httpx.Response]]] = {
    "a blob with another hash": (400, lambda raw: raw.client.put(raw.batch(BLOB), content=b"PAR2")),
    "a blob with another size": (400, lambda raw: raw.client.put(raw.batch(BLOB, size=9), content=BLOB)),
    "a blob without a signature": (403, lambda raw: raw.client.put(raw.batch(BLOB).partition("?")[0], content=BLOB)),
    "a blob that was not announced": (403, lambda raw: raw.client.put(f"/storage/{REPO}/{'0' * 64}", content=BLOB)),
    "to verify what was never uploaded": (400, lambda raw: raw.verify(b"never", 5)),
    "a commit of a blob never uploaded": (400, lambda raw: raw.commit(lfs_file("data/x.parquet", b"never"))),
    "a commit of a file that is not base64": (
        400,
        lambda raw: raw.commit({"key": "file", "value": {"path": "a", "content": "%%"}}),
    ),
    "a binary file outside of LFS": (400, lambda raw: raw.commit(text_file("data/x.parquet"))),
    "a commit on an old parent": (412, lambda raw: raw.commit(text_file("a"), parent="0" * 40)),
    "a commit that changes nothing": (400, lambda raw: raw.commit()),
    "a commit without a title": (400, lambda raw: raw.commit(text_file("a"), summary="")),
    "a commit that is no NDJSON": (400, lambda raw: raw.client.post(f"/api/datasets/{REPO}/commit/main", json={})),
    "to delete what is not there": (404, lambda raw: raw.commit({"key": "deletedFile", "value": {"path": "a"}})),
    "a commit to no repository": (404, lambda raw: raw.commit(text_file("a"), repo="org/none")),
    "a repository that is there": (409, lambda raw: raw.create()),
    "a repository of others": (403, lambda raw: raw.create("others/name")),
    "a card without a head": (400, lambda raw: raw.client.post("/api/validate-yaml", json={"content": "# words"})),
    "what is not there": (404, lambda raw: raw.client.get(f"/datasets/{REPO}/resolve/main/none")),
    "a revision that is not there": (404, lambda raw: raw.client.get(f"/api/datasets/{REPO}/revision/{'0' * 40}")),
}


@pytest.fixture
def asking(hub: HubServer) -> Iterator[Callable[..., Raw]]:
    """Makes `Raw`, with a token or with none."""
    made: list[Raw] = []

    def ask(token: str | None = WRITER) -> Raw:
        made.append(Raw(hub, token))
        return made[-1]

    yield ask
    for raw in made:
        raw.client.close()


@pytest.mark.parametrize("what", REFUSALS)
def test_the_server_refuses(hub: HubServer, asking: Callable[..., Raw], what: str) -> None:
    raw = asking()
    assert raw.create().status_code == 200
    status, ask = REFUSALS[what]
    answer = ask(raw)
    assert answer.status_code == status, answer.text
    assert len(hub.repos[REPO].commits) == 1
    assert hub.repos[REPO].blobs == {}


@pytest.mark.parametrize(("token", "status"), [(None, 401), ("hf_wrong", 401), (READER, 403)])
def test_the_server_knows_who_may_write(
    hub: HubServer, asking: Callable[..., Raw], token: str | None, status: int
) -> None:
    assert asking().create().status_code == 200
    raw = asking(token)
    assert raw.create("org/other").status_code == status
    assert raw.commit(text_file("a")).status_code == status
    assert raw.verify(BLOB, 4).status_code == status
    assert raw.client.post(f"/api/datasets/{REPO}/preupload/main", json={"files": []}).status_code == status
    assert raw.client.post(f"/datasets/{REPO}.git/info/lfs/objects/batch", json={}).status_code == status
    hub.repos[REPO].private = True
    assert raw.client.get(f"/api/datasets/{REPO}").status_code == (200 if token == READER else 401)
    assert len(hub.repos[REPO].commits) == 1


def test_the_server_takes_what_is_right(hub: HubServer, asking: Callable[..., Raw]) -> None:
    raw = asking()
    raw.create()
    assert raw.client.put(raw.batch(BLOB), content=BLOB).status_code == 200
    assert raw.verify(BLOB, 5).status_code == 400
    assert raw.commit(lfs_file("x.parquet", BLOB, size=5)).status_code == 400
    parent = hub.repos[REPO].commits[-1].sha
    assert raw.commit(lfs_file("x.parquet", BLOB), text_file("a"), parent=parent).status_code == 200
    assert raw.commit(text_file("b"), parent=parent).status_code == 412
    assert published(hub)["x.parquet"].content == BLOB
    assert raw.client.get(f"/datasets/{REPO}/resolve/main/x.parquet", headers={"Range": "bytes=1-2"}).content == b"AR"


# Publishing


def test_a_run_becomes_one_commit(hub: HubServer, run: Path, tmp_path: Path) -> None:
    go(run, out=tmp_path / "out", dry_run=True)
    form = go(run)
    folder = {
        path.relative_to(tmp_path / "out").as_posix(): path.read_bytes()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    initial, commit = hub.repos[REPO].commits
    assert {path: blob.content for path, blob in commit.files.items() if path not in initial.files} == folder
    assert form["sent"]["commit"] == commit.sha
    assert (form["sent"]["new"], form["sent"]["files"], form["sent"]["private"]) == (True, len(folder), False)
    assert form["sent"]["url"] == f"{hub.url}/datasets/{REPO}"
    assert form["rows"] == {"train": 24, "test": 16}
    want = table_of(rows_of(), SAMPLE).to_pylist()
    for got, row in zip(by_id(shards(hub)), by_id(want), strict=True):
        assert got.pop("likelihood") == -0.25
        assert got == {name: row[name] for name in got}
    assert {path.split("/")[1] for path in folder if path.startswith("data/")} == set(STYLES)
    assert "what a model said" not in str(folder)
    assert "well said" not in str(shards(hub))
    assert "build-7" not in str(shards(hub))


def test_the_same_again_is_no_new_commit(hub: HubServer, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["export", str(run), "--to", "hub", "--repo", REPO, "--license", "cc-by-4.0"]
    main_ok(words)
    first = hub.repos[REPO].commits[-1].sha
    said = capsys.readouterr().out
    assert f"{hub.url}/datasets/{REPO} (public)" in said
    assert f'load it: datasets.load_dataset("{REPO}", revision="{first}")' in said
    assert "train 40" in said
    hub.puts.clear()
    main_ok(words)
    assert f"no new commit after {first}" in capsys.readouterr().out
    assert [commit.sha for commit in hub.repos[REPO].commits][1:] == [first]
    assert hub.puts == []


def main_ok(words: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 0


def test_a_later_state_replaces_an_earlier_one(
    hub: HubServer, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(layout, "SHARD_BYTES", 1)
        patch.setattr(layout, "GROUP_BYTES", 1)
        patch.setattr("apigen_ray.export.run.BATCH_ROWS", 20)
        go(run)
    repo = hub.repos[REPO]
    assert any("-of-00002.parquet" in path for path in published(hub))
    assert len(shards(hub)) == 40
    repo.commits[-1].files["pictures/a.png"] = Blob(b"a person's own", lfs=False)
    hub.puts.clear()
    form = go(write_run(tmp_path / "again" / "sums", rows_of(60)))
    assert len(shards(hub)) == 60
    assert {path for path in published(hub) if "-of-00002" in path} == set()
    assert "pictures/a.png" in published(hub)
    assert all(path.startswith("data/") for path in form["sent"]["deleted"])
    assert len(repo.commits) == 3


def test_what_others_made_is_replaced_only_if_told(hub: HubServer, folder: Path) -> None:
    push(folder)
    repo = hub.repos[REPO]
    repo.commit("Update README.md", {**published(hub), "README.md": Blob(b"a person's words", lfs=False)})
    with pytest.raises(InputError, match=r"'Update README.md', was not made by apigen export\n  mend: .*--clean"):
        push(folder)
    assert published(hub)["README.md"].content == b"a person's words"
    push(folder, clean=True)
    assert b"a person's words" not in published(hub)["README.md"].content
    assert len(repo.commits) == 4


def test_a_commit_that_comes_between_is_not_run_over(hub: HubServer, folder: Path, tmp_path: Path) -> None:
    push(folder)

    def come_between(method: str, path: str) -> None:
        if path.endswith("/commit/main") and len(hub.repos[REPO].commits) == 2:
            hub.repos[REPO].commit("theirs", published(hub) | {"theirs.txt": Blob(b"theirs", lfs=False)})

    other = shutil.copytree(folder, tmp_path / "other")
    (other / "README.md").write_text("---\nlicense: mit\n---\n", "utf-8")
    hub.trouble = come_between
    with pytest.raises(RunFailedError, match="somebody else's commit came between") as error:
        push(other)
    assert error.value.exit_code == 2
    assert [commit.title for commit in hub.repos[REPO].commits[2:]] == ["theirs"]


def test_private(hub: HubServer, asking: Callable[..., Raw], folder: Path) -> None:
    assert push(folder, private=True)["private"] is True
    assert hub.repos[REPO].private
    assert asking(None).client.get(f"/api/datasets/{REPO}").status_code == 401
    assert push(folder)["private"] is True
    hub.repos[REPO].private = False
    with pytest.raises(InputError, match="is public already"):
        push(folder, private=True)


def test_a_dry_run_sends_nothing(
    hub: HubServer, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    words = ["export", str(run), "--to", "hub", "--repo", REPO, "--license", "cc-by-4.0", "--dry-run"]
    main_ok([*words, "--out", str(tmp_path / "out")])
    assert f"{tmp_path / 'out'} would become {hub.url}/datasets/{REPO} (public, cc-by-4.0)" in capsys.readouterr().out
    assert hub.came == []
    assert (tmp_path / "out" / "README.md").is_file()
    main_ok([*words, "--out", str(tmp_path / "out"), "--clean", "--json"])
    assert json.loads(capsys.readouterr().out)["sent"] is None


@pytest.mark.parametrize(
    ("token", "words"),
    [("", "there is no token"), ("hf_bad", "does not take the token"), (READER, "may not do that")],
)
def test_tokens(
    hub: HubServer,
    run: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    token: str,
    words: str,
) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(SystemExit) as end:
        main(["export", str(run), "--to", "hub", "--repo", REPO, "--license", "cc-by-4.0"])
    said = capfd.readouterr()
    assert end.value.code == 1
    assert words in said.err
    assert "mend: " in said.err
    assert not token or token not in said.err + said.out
    assert REPO not in hub.repos


def test_the_token_is_written_nowhere(hub: HubServer, run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    go(run)
    assert len(published(hub)) > 4
    assert not any(WRITER.encode() in blob.content for blob in published(hub).values())
    said = capfd.readouterr()
    assert WRITER not in said.out + said.err


def test_an_owner_that_is_not_ours(hub: HubServer, run: Path) -> None:
    with pytest.raises(InputError, match="rights to create a dataset under others"):
        go(run, repo="others/name")


@pytest.mark.parametrize(
    ("card", "said"),
    [
        ({"license": "apache-2.0"}, None),
        ({"license": "other"}, "its card at .* names none"),
        ({}, "its card at .* names none"),
        (None, "could not be read: 404: Repository not found"),
    ],
)
def test_the_licence_of_a_model_of_the_hub(hub: HubServer, tmp_path: Path, card: Row | None, said: str | None) -> None:
    if card is not None:
        hub.models["owner/model"] = card
    config = yaml.safe_load(CONFIG.read_text("utf-8"))
    config["generators"][0]["model"] = "owner/model"
    run = write_run(tmp_path / "run", rows_of(4), config)
    if said is None:
        go(run, dry_run=True, out=tmp_path / "out")
        text = (tmp_path / "out" / "README.md").read_text("utf-8")
        assert re.search(rf"owner/model \| apache-2.0 \| its card at {hub.url}", text)
    else:
        with pytest.raises(InputError, match=said):
            go(run)
    assert {method for method, _ in hub.came} == {"GET"}


def test_a_data_set_that_the_token_may_not_see(hub: HubServer, folder: Path) -> None:
    push(folder)
    hub.headers = {"X-Error-Code": "RepoNotFound"}
    hub.trouble = failing(10, 404, "GET", f"/api/datasets/{REPO}")
    with pytest.raises(InputError, match="the token may not read it"):
        push(folder)
    assert len(hub.repos[REPO].commits) == 2


# Trouble on the way


def failing(times: int, status: int, method: str, end: str) -> Callable[[str, str], int | None]:
    left = iter(range(times))
    return lambda met, path: status if met == method and end in path and next(left, None) is not None else None


@pytest.mark.parametrize(
    ("method", "end", "status"),
    [
        pytest.param("POST", "/preupload/main", 500, marks=pytest.mark.long),
        ("POST", "/objects/batch", 503),
        pytest.param("PUT", "/storage/", 503, marks=pytest.mark.long),
        ("PUT", "/storage/", CUT),
        pytest.param("POST", "/verify", 502, marks=pytest.mark.long),
        ("POST", "/commit/main", 503),
        pytest.param("POST", "/commit/main", 429, marks=pytest.mark.long),
        ("POST", "/commit/main", CUT),
    ],
)
def test_a_server_that_stumbles(
    hub: HubServer, folder: Path, waits: list[float], method: str, end: str, status: int
) -> None:
    hub.trouble = failing(2, status, method, end)
    push(folder)
    assert len(hub.repos[REPO].commits) == 2
    assert len(shards(hub)) == 40
    assert len(hub.puts) == len(set(hub.puts))
    assert len(waits) == 2


def test_it_waits_as_long_as_it_is_told(hub: HubServer, folder: Path, waits: list[float]) -> None:
    hub.headers = {"Retry-After": "7"}
    hub.trouble = failing(1, 429, "POST", "/commit/main")
    push(folder)
    assert waits == [7]


@pytest.mark.parametrize(
    ("method", "end"),
    [
        pytest.param("POST", "/objects/batch", marks=pytest.mark.long),
        pytest.param("PUT", "/storage/", marks=pytest.mark.long),
        ("POST", "/commit/main"),
    ],
)
def test_a_server_that_is_down_ends_it(
    hub: HubServer,
    run: Path,
    folder: Path,
    waits: list[float],
    capsys: pytest.CaptureFixture[str],
    method: str,
    end: str,
) -> None:
    hub.trouble = failing(10_000, 503, method, end)
    with pytest.raises(SystemExit) as over:
        main(["export", str(run), "--to", "hub", "--repo", REPO, "--license", "cc-by-4.0"])
    assert over.value.code == 2
    assert "what is there is not sent again" in capsys.readouterr().err
    assert 3 <= len(waits) <= 40
    assert len(hub.repos[REPO].commits) == 1  # nothing is to be seen
    hub.trouble = lambda method, path: None
    push(folder)
    assert len(hub.puts) == len(set(hub.puts))
    assert len(hub.repos[REPO].commits) == 2


@pytest.mark.parametrize("status", [CUT, 502])
def test_a_commit_whose_answer_is_lost_is_found(hub: HubServer, folder: Path, waits: list[float], status: int) -> None:
    hub.after = failing(1, status, "POST", "/commit/main")
    form = push(folder)
    assert [commit.sha for commit in hub.repos[REPO].commits][1:] == [form["commit"]]
    assert form["new"]


def test_a_blob_that_the_server_finds_wrong(hub: HubServer, folder: Path) -> None:
    hub.trouble = failing(1, 400, "POST", "/verify")
    with pytest.raises(RunFailedError, match="400: told to"):
        push(folder)
    assert len(hub.repos[REPO].commits) == 1


def test_no_hub_there(hub: HubServer, run: Path, monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(EnvironmentFault, match="refused"):
        go(run)


@pytest.mark.parametrize(
    ("package", "words"), [("huggingface_hub", "needs huggingface_hub"), ("jinja2", "needs jinja2")]
)
def test_a_missing_package_is_named(
    hub: HubServer, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, words: str
) -> None:
    card._template.cache_clear()
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(EnvironmentFault, match=rf"{words}\n  mend: pip install 'apigen-ray\[hub\]'"):
        go(run, out=tmp_path / "out", dry_run=True)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--repo", "name"], "--repo: name (has no owner)"),
        (["--repo", "org/a.git"], "--repo: org/a.git (Repo_id cannot end by '.git'"),
        ([], "--repo: is missing\n"),
        (["--repo", REPO, "--dry-run"], "say where: --out"),
        (["--repo", REPO, "--out", "data/hub"], "leave --out out"),
        (["--repo", REPO, "--results"], "leave it out"),
    ],
)
def test_bad_words(hub: HubServer, run: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    with pytest.raises(SystemExit) as end:
        main(["export", str(run), "--to", "hub", "--license", "mit", *words])
    assert end.value.code == 1
    assert said in capsys.readouterr().err
    assert hub.came == []


def test_ctrl_c_says_how_to_go_on(
    hub: HubServer, run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Hub, "push", interrupted)
    with pytest.raises(SystemExit) as end:
        main(["export", str(run), "--to", "hub", "--repo", REPO, "--license", "mit"])
    assert end.value.code == 130
    assert "run the same command again" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--repo", REPO], ["--private"], ["--license", "mit"], ["--dry-run"]])
def test_words_of_the_hub_are_of_the_hub_alone(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["export", str(run), "--to", "xlam", "--out", str(tmp_path / "x"), *words])
    assert end.value.code == 1
    assert "give --to hub" in capsys.readouterr().err


def test_other_formats_need_a_folder(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["export", str(run), "--to", "xlam"])
    assert end.value.code == 1
    assert "--out is missing" in capsys.readouterr().err


# The whole way, in processes of their own


def environment(hub: HubServer, home: Path) -> dict[str, str]:
    told = {"HF_ENDPOINT": hub.url, "HF_TOKEN": WRITER, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
    told |= {"HF_HUB_OFFLINE": "0"}
    told["TMPDIR"] = str(home.parent)  # one that is killed leaves its folder there
    return {**os.environ, **told, "HF_HUB_DISABLE_TELEMETRY": "1", "NO_PROXY": "127.0.0.1"}


LOADER = """
import json, re, sys
from datasets import load_dataset
from huggingface_hub import hf_hub_download

repo = sys.argv[1]
card = open(hf_hub_download(repo, "README.md", repo_type="dataset"), encoding="utf-8").read()
blocks = re.findall(r"^```python\\n(.*?)^```$", card, re.DOTALL | re.MULTILINE)
names = {}
for block in blocks:
    exec(block, names)
found = {config: {split: list(rows) for split, rows in load_dataset(repo, config).items()}
         for config in ("default", "parallel")}
print(json.dumps({"blocks": len(blocks), "first": names["row"]["query"], "found": found}))
"""


def test_datasets_loads_what_was_published(hub: HubServer, run: Path, tmp_path: Path) -> None:
    go(run)
    command = [sys.executable, "-c", LOADER, REPO]
    done = subprocess.run(command, env=environment(hub, tmp_path / "home"), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["blocks"] == 2
    want = {row["sample_id"]: row for row in shards(hub)}
    for config, splits in said["found"].items():
        for split, rows in splits.items():
            ids = [row["sample_id"] for row in rows]
            assert {name: want[name] for name in ids} == {row["sample_id"]: row for row in rows}
            told = {
                path
                for path in published(hub)
                if re.match(rf"data/{'.*' if config == 'default' else config}/{split}-", path)
            }
            assert len(rows) == sum(
                pq.read_metadata(pa.BufferReader(published(hub)[path].content)).num_rows for path in told
            )
    assert sum(len(rows) for rows in said["found"]["default"].values()) == len(want) == 40


@pytest.mark.parametrize(
    ("method", "end", "first", "then"),
    [
        pytest.param("POST", "/repos/create", 0, 1, marks=pytest.mark.long),
        pytest.param("POST", "/objects/batch", 1, 1, marks=pytest.mark.long),
        ("PUT", "/storage/", 3, 5),  # those of the first batch of files go through, those of the second are held
        pytest.param("POST", "/verify", 3, 5, marks=pytest.mark.long),
        pytest.param("POST", "/commit/main", 0, 1, marks=pytest.mark.long),
    ],
)
def test_a_killed_upload_goes_on(
    hub: HubServer, run: Path, folder: Path, tmp_path: Path, method: str, end: str, first: int, then: int
) -> None:
    through, held, gone, go_on = iter(range(first)), threading.Semaphore(0), threading.Semaphore(0), threading.Event()

    def hold(met: str, path: str) -> threading.Event | None:
        if met != method or end not in path or next(through, None) is not None:
            return None
        held.release()
        return go_on

    def trouble(met: str, path: str) -> int | None:
        if met == method and end in path and go_on.is_set():
            gone.release()
            return CUT  # its sender is dead
        return None

    hub.hold, hub.trouble = hold, trouble
    command = [sys.executable, "-m", "apigen_ray.cli", "export", str(run), "--to", "hub", "--repo", REPO]
    command += ["--license", "cc-by-4.0", "--split", "train=0.7,test=0.3"]
    env, nowhere = environment(hub, tmp_path / "home"), subprocess.DEVNULL
    with subprocess.Popen(command, env=env, stdout=nowhere, stderr=nowhere) as process:
        for _ in range(then):
            assert held.acquire(timeout=120)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    go_on.set()
    for _ in range(then):
        assert gone.acquire(timeout=120)
    there = list(hub.puts)
    if REPO in hub.repos:
        assert [commit.title for commit in hub.repos[REPO].commits] == ["initial commit"]  # nothing is to be seen
    hub.hold, hub.trouble = lambda met, path: None, lambda met, path: None
    push(folder)
    assert len(hub.repos[REPO].commits) == 2
    blobs = {blob.sha256 for blob in published(hub).values() if blob.lfs}
    assert len(hub.puts) == len(blobs) == 8
    assert set(hub.puts[len(there) :]) == blobs - set(there)
    assert len(there) == {"/storage/": 3, "/verify": 8, "/commit/main": 8, "/objects/batch": 3}.get(end, 0)
    want = table_of(rows_of(), SAMPLE).to_pylist()
    assert [row["query"] for row in by_id(shards(hub))] == [row["query"] for row in by_id(want)]


@pytest.mark.long
def test_a_server_without_xet_storage_is_told_of(hub: HubServer, run: Path, tmp_path: Path) -> None:
    pytest.importorskip("hf_xet", reason="without it the client does not ask for such storage")
    command = [sys.executable, "-m", "apigen_ray.cli", "export", str(run), "--to", "hub", "--repo", REPO]
    env = environment(hub, tmp_path / "home") | {"HF_HUB_DISABLE_XET": "0"}
    done = subprocess.run([*command, "--license", "mit"], env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 2
    assert "mend: where a server has no Xet storage, set HF_HUB_DISABLE_XET=1" in done.stderr
    assert len(hub.repos[REPO].commits) == 1
