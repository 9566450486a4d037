"""A Hub on loopback that can say no: the calls that publishing and loading a data set make, each checked.

It keeps blobs by their hash and repositories as lists of commits, in memory. What it checks: who asks, what they may
do, that a blob has the hash and size that were announced, that a commit's parent is the latest one and its blobs are
there, and that the head of a card is YAML. It offers no Xet storage.
"""

import asyncio
import base64
import binascii
import hashlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml
from aiohttp import web

Json = dict[str, Any]

WRITER, READER = "hf_writer0123456789abcdefghijklm", "hf_reader0123456789abcdefghijklm"
"""Tokens of a member of ``org`` who may write, and of one who may not."""

CUT = -1
"""What `HubServer.trouble` says to have a connection cut in place of an answer."""

_ATTRIBUTES = b"*.parquet filter=lfs diff=lfs merge=lfs -text\n"


@dataclass(frozen=True)
class Blob:
    """A file's content."""

    content: bytes
    lfs: bool

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def oid(self) -> str:
        """As git names it; of an LFS file the pointer."""
        content = self.content
        if self.lfs:
            words = f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {len(content)}\n"
            content = words.encode()
        return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()

    def form(self, path: str) -> Json:
        form: Json = {"type": "file", "path": path, "size": len(self.content), "oid": self.oid}
        if self.lfs:
            form["lfs"] = {"oid": self.sha256, "size": len(self.content), "pointerSize": 130}
        return form


@dataclass(frozen=True)
class Commit:
    sha: str
    title: str
    files: dict[str, Blob]


@dataclass
class Repo:
    private: bool
    commits: list[Commit] = field(default_factory=list)  # the latest is the last
    blobs: dict[str, bytes] = field(default_factory=dict)

    def commit(self, title: str, files: dict[str, Blob]) -> Commit:
        parent = self.commits[-1].sha if self.commits else ""
        words = json.dumps([parent, title, len(self.commits), {path: blob.oid for path, blob in files.items()}])
        self.commits.append(Commit(hashlib.sha1(words.encode(), usedforsecurity=False).hexdigest(), title, files))
        return self.commits[-1]


class Refused(Exception):
    """An answer that says no."""

    def __init__(self, status: int, words: str, code: str = "", **more: str) -> None:
        super().__init__(words)
        form = {"error": words, **more}
        self.response = web.json_response(form, status=status, headers={"X-Error-Message": words})
        if code:
            self.response.headers["X-Error-Code"] = code


class HubServer:
    """The server, in a thread of its own.

    Attributes:
        repos: data sets by name.
        models: card heads of models by name.
        came: method and path of every request, in order.
        puts: hashes of the blobs that were taken, in order.
        trouble: given method and path before a request is looked at: a status to answer with, `CUT`, or None.
        after: the same, once it was done.
        hold: given method and path: an event to wait for before a request is looked at, or None.
        headers: of the answers that `trouble` makes.
    """

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.models: dict[str, Json] = {}
        self.came: list[tuple[str, str]] = []
        self.puts: list[str] = []
        self.trouble: Callable[[str, str], int | None] = lambda method, path: None
        self.after: Callable[[str, str], int | None] = lambda method, path: None
        self.hold: Callable[[str, str], threading.Event | None] = lambda method, path: None
        self.headers: dict[str, str] = {}
        self._announced: dict[str, tuple[str, int]] = {}  # oid and size by the path that they are put to
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.url = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> str:
        app = web.Application(client_max_size=1 << 30, middlewares=[self._around])
        name = "{owner}/{name}"
        app.add_routes([
            web.post("/api/repos/create", self._create),
            web.post("/api/validate-yaml", self._validate),
            web.get(f"/api/models/{name}", self._model),
            web.get(f"/api/datasets/{name}", self._info),
            web.get(f"/api/datasets/{name}/revision/{{rev}}", self._info),
            web.get(f"/api/datasets/{name}/commits/{{rev}}", self._commits),
            web.get(f"/api/datasets/{name}/tree/{{rev}}", self._tree),
            web.get(f"/api/datasets/{name}/tree/{{rev}}/{{path:.*}}", self._tree),
            web.post(f"/api/datasets/{name}/paths-info/{{rev}}", self._paths),
            web.post(f"/api/datasets/{name}/preupload/main", self._preupload),
            web.post(f"/api/datasets/{name}/commit/main", self._commit),
            web.post("/datasets/{owner}/{name}.git/info/lfs/objects/batch", self._batch),
            web.post("/datasets/{owner}/{name}.git/info/lfs/objects/verify", self._verify),
            web.put(f"/storage/{name}/{{oid}}", self._put),
            web.get(f"/datasets/{name}/resolve/{{rev}}/{{path:.*}}", self._resolve),
        ])  # fmt: skip
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    @web.middleware
    async def _around(self, request: web.Request, handler: Any) -> web.StreamResponse:
        method, path = request.method, request.path
        self.came.append((method, path))
        if (event := self.hold(method, path)) is not None:
            await asyncio.to_thread(event.wait)
        if (status := self.trouble(method, path)) is None:
            try:
                response = await handler(request)
            except Refused as refused:
                return refused.response
            except web.HTTPException as error:
                return Refused(error.status, f"there is no {method} {path}").response
            if (status := self.after(method, path)) is None:
                return response
        if status == CUT and request.transport is not None:  # None: the other side has cut it already
            request.transport.abort()
        return web.json_response({"error": "told to"}, status=max(status, 400), headers=self.headers)

    # Who asks, and for what

    def _may_read(self, request: web.Request) -> Repo:
        name = f"{request.match_info['owner']}/{request.match_info['name']}"
        token, repo = self._token(request), self.repos.get(name)
        if repo is None or (repo.private and token is None):
            raise Refused(404 if token else 401, "Repository not found", "RepoNotFound")
        return repo

    def _may_write(self, request: web.Request) -> Repo:
        self._writer(request)
        return self._may_read(request)

    def _writer(self, request: web.Request) -> None:
        token = self._token(request)
        if token is None:
            raise Refused(401, "Invalid username or password.")
        if token != WRITER:
            raise Refused(403, "You don't have the rights to write here")

    def _token(self, request: web.Request) -> str | None:
        given = request.headers.get("Authorization")
        if given is None:
            return None
        token = given.removeprefix("Bearer ")
        if token not in (WRITER, READER):
            raise Refused(401, "Invalid credentials in Authorization header")
        return token

    def _at(self, repo: Repo, rev: str) -> Commit:
        found = repo.commits[-1:] if rev == "main" else [commit for commit in repo.commits if commit.sha == rev]
        if not found:
            raise Refused(404, "Invalid rev id", "RevisionNotFound")
        return found[0]

    # Repositories

    async def _create(self, request: web.Request) -> web.Response:
        self._writer(request)
        body = await request.json()
        name = f"{body['organization']}/{body['name']}"
        if body["organization"] != "org":
            raise Refused(403, f"You don't have the rights to create a dataset under {body['organization']}")
        if body["type"] != "dataset":
            raise Refused(400, "only data sets here")
        if name in self.repos:
            raise Refused(409, "You already created this dataset repo", url=f"{self.url}/datasets/{name}")
        repo = self.repos[name] = Repo(body.get("visibility") == "private" or bool(body.get("private")))
        repo.commit("initial commit", {".gitattributes": Blob(_ATTRIBUTES, lfs=False)})
        return web.json_response({"url": f"{self.url}/datasets/{name}", "name": name})

    async def _validate(self, request: web.Request) -> web.Response:
        body = await request.json()
        try:
            head = yaml.load(body["content"].split("---\n")[1], yaml.CSafeLoader)
        except (yaml.YAMLError, IndexError):
            head = None
        if not isinstance(head, dict):
            return web.json_response({"errors": [{"message": "no YAML at the top"}], "warnings": []}, status=400)
        warnings = [] if "license" in head else [{"message": "no license"}]
        return web.json_response({"errors": [], "warnings": warnings})

    async def _model(self, request: web.Request) -> web.Response:
        self._token(request)
        name = f"{request.match_info['owner']}/{request.match_info['name']}"
        if name not in self.models:
            raise Refused(404, "Repository not found", "RepoNotFound")
        return web.json_response({"id": name, "cardData": self.models[name]})

    async def _info(self, request: web.Request) -> web.Response:
        repo = self._may_read(request)
        commit = self._at(repo, request.match_info.get("rev", "main"))
        name = f"{request.match_info['owner']}/{request.match_info['name']}"
        files = [{"rfilename": path} for path in commit.files]
        return web.json_response({"id": name, "sha": commit.sha, "private": repo.private, "siblings": files})

    async def _commits(self, request: web.Request) -> web.Response:
        repo = self._may_read(request)
        last = repo.commits.index(self._at(repo, request.match_info["rev"]))
        date = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
        rest = {"authors": [{"user": "someone"}], "date": date, "message": ""}
        return web.json_response([
            {"id": commit.sha, "title": commit.title, **rest} for commit in reversed(repo.commits[: last + 1])
        ])  # fmt: skip

    async def _tree(self, request: web.Request) -> web.Response:
        commit = self._at(self._may_read(request), request.match_info["rev"])
        folder = request.match_info.get("path", "").strip("/")
        inside = {path: blob for path, blob in commit.files.items() if not folder or path.startswith(f"{folder}/")}
        if not inside:
            raise Refused(404, "no such folder", "EntryNotFound")
        if request.query.get("recursive", "false").lower() in ("true", "1"):
            folders = {path.rpartition("/")[0] for path in inside} - {"", folder}
            found = [blob.form(path) for path, blob in inside.items()]
        else:
            start = len(folder) + 1 if folder else 0
            here = {path: blob for path, blob in inside.items() if "/" not in path[start:]}
            folders = {path[: path.index("/", start)] for path in inside if path not in here}
            found = [blob.form(path) for path, blob in here.items()]
        found += [{"type": "directory", "path": path, "size": 0, "oid": "0" * 40} for path in sorted(folders)]
        return web.json_response(found)

    async def _paths(self, request: web.Request) -> web.Response:
        commit = self._at(self._may_read(request), request.match_info["rev"])
        form = await request.post() if "form" in request.content_type else await request.json()
        asked = form.getall("paths") if hasattr(form, "getall") else form["paths"]
        found = [commit.files[path].form(path) for path in asked if path in commit.files]
        folders = [path for path in asked if any(name.startswith(f"{path}/") for name in commit.files)]
        found += [{"type": "directory", "path": path, "size": 0, "oid": "0" * 40} for path in folders]
        return web.json_response(found)

    # Uploads

    async def _preupload(self, request: web.Request) -> web.Response:
        repo = self._may_write(request)
        there = repo.commits[-1].files
        files = []
        for file in (await request.json())["files"]:
            mode = "lfs" if file["path"].endswith(".parquet") else "regular"
            answer = {"path": file["path"], "uploadMode": mode, "shouldIgnore": False}
            if (blob := there.get(file["path"])) is not None:
                answer["oid"] = blob.sha256 if blob.lfs else blob.oid
            files.append(answer)
        return web.json_response({"files": files})

    async def _batch(self, request: web.Request) -> web.Response:
        repo, body = self._may_write(request), await request.json()
        if body["operation"] != "upload" or "basic" not in body["transfers"] or body["hash_algo"] != "sha256":
            raise Refused(422, "only uploads in one piece here")
        name = f"{request.match_info['owner']}/{request.match_info['name']}"
        objects = []
        for item in body["objects"]:
            answer: Json = {"oid": item["oid"], "size": item["size"]}
            if item["oid"] not in repo.blobs:
                path = f"/storage/{name}/{item['oid']}"
                self._announced[path] = (item["oid"], item["size"])
                verify = f"{self.url}/datasets/{name}.git/info/lfs/objects/verify"
                answer["actions"] = {
                    "upload": {"href": f"{self.url}{path}?X-Signature={self._sign(path)}"},
                    "verify": {"href": verify},
                }
            objects.append(answer)
        return web.json_response({"transfer": "basic", "objects": objects})

    def _sign(self, path: str) -> str:
        return hashlib.sha256(f"the server's secret {path}".encode()).hexdigest()

    async def _put(self, request: web.Request) -> web.Response:
        if request.query.get("X-Signature") != self._sign(request.path) or request.path not in self._announced:
            raise Refused(403, "SignatureDoesNotMatch")
        oid, size = self._announced[request.path]
        content = await request.read()
        if len(content) != size:
            raise Refused(400, f"EntityTooSmall: {size} bytes were announced, {len(content)} came")
        if hashlib.sha256(content).hexdigest() != oid:
            raise Refused(400, f"BadDigest: this is not {oid}")
        repo = self.repos[f"{request.match_info['owner']}/{request.match_info['name']}"]
        repo.blobs[oid] = content
        self.puts.append(oid)
        return web.Response()

    async def _verify(self, request: web.Request) -> web.Response:
        repo, body = self._may_write(request), await request.json()
        self._blob(repo, body["oid"], body["size"])
        return web.json_response({})

    def _blob(self, repo: Repo, oid: str, size: int) -> bytes:
        if oid not in repo.blobs:
            raise Refused(400, f"the LFS object {oid} was never uploaded")
        if len(repo.blobs[oid]) != size:
            raise Refused(400, f"the LFS object {oid} has another size than {size}")
        return repo.blobs[oid]

    async def _commit(self, request: web.Request) -> web.Response:
        repo = self._may_write(request)
        if request.content_type != "application/x-ndjson":
            raise Refused(400, "a commit is NDJSON")
        lines = [json.loads(line) for line in (await request.text()).splitlines()]
        if not lines or lines[0]["key"] != "header" or not lines[0]["value"].get("summary"):
            raise Refused(400, "a commit begins with its header")
        header = lines[0]["value"]
        if header.get("parentCommit", repo.commits[-1].sha) != repo.commits[-1].sha:
            raise Refused(412, "A commit has happened since. Please refresh and try again.")
        files = dict(repo.commits[-1].files)
        for line in lines[1:]:
            self._apply(repo, files, line["key"], line["value"])
        if files == repo.commits[-1].files:
            raise Refused(400, "an empty commit")
        commit = repo.commit(header["summary"], files)
        name = f"{request.match_info['owner']}/{request.match_info['name']}"
        url = f"{self.url}/datasets/{name}/commit/{commit.sha}"
        return web.json_response({"commitUrl": url, "commitOid": commit.sha, "success": True})

    def _apply(self, repo: Repo, files: dict[str, Blob], key: str, value: Json) -> None:
        path = value["path"]
        if key == "lfsFile":
            if value["algo"] != "sha256":
                raise Refused(400, "only sha256")
            files[path] = Blob(self._blob(repo, value["oid"], value["size"]), lfs=True)
        elif key == "file":
            try:
                content = base64.b64decode(value["content"], validate=True)
            except binascii.Error:
                raise Refused(400, f"{path} is not base64") from None
            if path.endswith(".parquet"):
                raise Refused(400, f"{path}: binary files have to be LFS files")
            files[path] = Blob(content, lfs=False)
        elif key == "deletedFile":
            if files.pop(path, None) is None:
                raise Refused(404, "A file with this name doesn't exist", "EntryNotFound")
        else:
            raise Refused(400, f"no operation {key}")

    # Downloads

    async def _resolve(self, request: web.Request) -> web.Response:
        commit = self._at(self._may_read(request), request.match_info["rev"])
        blob = commit.files.get(request.match_info["path"])
        if blob is None:
            raise Refused(404, "Entry not found", "EntryNotFound")
        etag = blob.sha256 if blob.lfs else blob.oid
        headers = {"X-Repo-Commit": commit.sha, "ETag": f'"{etag}"', "Accept-Ranges": "bytes"}
        if blob.lfs:
            headers |= {"X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(len(blob.content))}
        wanted = request.http_range
        content = blob.content[wanted]
        if wanted.start is None and wanted.stop is None:
            return web.Response(body=content, headers=headers)
        start = wanted.start if wanted.start >= 0 else len(blob.content) + wanted.start
        headers["Content-Range"] = f"bytes {start}-{start + len(content) - 1}/{len(blob.content)}"
        return web.Response(status=206, body=content, headers=headers)
