"""The server of a review: who may ask, what it takes, and that it ends in good order; a browser drives it elsewhere."""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from apigen_ray.config import SAMPLE
from apigen_ray.errors import InputError
from apigen_ray.records import content_hash, dumps
from apigen_ray.review.estimates import estimates
from apigen_ray.review.judgements import Judgement, path_of, read_words
from apigen_ray.review.sample import Sample, open_sample
from apigen_ray.review.server import Desk, application, serve
from apigen_ray.rundir import RunDir
from apigen_ray.storage import write_once
from apigen_ray.tables import table_of

Json = dict[str, Any]
OPEN = "right-token"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a sample of eight rows, half of them verified; tests have a copy."""
    run, files = RunDir(tmp_path_factory.mktemp("made") / "run"), []
    run.update_manifest(fingerprint="f1")
    for verdict in ("verified", "fail_semantic"):
        rows = [
            {"sample_id": content_hash(verdict, n), "round": 0, "query": f"Q{n}", "tools": "[]", "answers": dumps([])}
            | {"verdict": verdict, "semantic_status": "rejected", "semantic_code": "SECRET"}
            for n in range(4)
        ]
        write_once(table_of(rows, SAMPLE), run.samples(0) / f"verdict={verdict}", "part-a")
        files.append(run.samples(0) / f"verdict={verdict}" / "part-a.parquet")
    run.close_round(0, files)
    return open_sample(run.path, run.path / "review", 8).folder.parent


@pytest.fixture
def sample(made: Path, tmp_path: Path) -> Sample:
    run = shutil.copytree(made, tmp_path / "run")
    return open_sample(run, run / "review")


@pytest.fixture
def desk(sample: Sample) -> Iterator[Desk]:
    desk = Desk(sample, token=OPEN)
    yield desk
    desk.close()


Ask = Callable[..., Awaitable[tuple[int, Json]]]


def talk(desk: Desk, conversation: Callable[[Ask], Awaitable[None]]) -> None:
    """Lets a conversation ask a server that listens on loopback: method, path below the token, options of aiohttp."""

    async def serving() -> None:
        async with TestServer(application(desk)) as server, ClientSession() as session:

            async def ask(method: str, path: str, token: str = OPEN, **options: Any) -> tuple[int, Json]:
                url = f"http://127.0.0.1:{server.port}/{token}/{path}"
                async with session.request(method, url, **options) as response:
                    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
                    assert response.headers["Cache-Control"] == "no-store"
                    text = await response.text()
                    return response.status, json.loads(text) if response.content_type == "application/json" else text

            await conversation(ask)

    asyncio.run(serving())


def words(sample: Sample) -> dict[str, dict[str, Judgement]]:
    return {each.reviewer: each.said for each in read_words(sample)}


def test_a_review_from_the_first_row_to_the_figures(desk: Desk, sample: Sample) -> None:
    async def conversation(ask: Ask) -> None:
        status, page = await ask("GET", "")
        assert (status, "review.js" in page) == (200, True)
        for asset in ("review.css", "review.js"):
            assert (await ask("GET", asset))[0] == 200
        _, state = await ask("GET", "state")
        assert state == {"run": "run", "rows": sample.ids, "reviewer": None, "reviewers": []}
        _, state = await ask("GET", "state?reviewer=Ann")
        assert (state["reviewer"], state["said"]) == ("Ann", {})
        a, b = sample.ids[:2]
        _, row = await ask("GET", f"rows/{a}?reviewer=Ann")
        assert (row["id"], row["said"], row["story"]) == (a, None, None)
        assert "SECRET" not in json.dumps(row)
        said = {"word": "bad", "grounds": ["call_count"], "note": "ü"}
        for name, body in ((a, said), (b, {"word": "unsure"})):
            status, form = await ask("POST", f"rows/{name}", json={"reviewer": "Ann", "said": body})
            assert status == 200
            assert name in words(sample)["Ann"]  # it is on the disk by the time the answer is here
        assert form == {"judged": 2}
        _, row = await ask("GET", f"rows/{a}?reviewer=Ann")
        assert row["said"] == said
        _, told = await ask("POST", f"rows/{a}/story", json={"reviewer": "Ann"})
        assert told["stages"][3]["code"] == "SECRET"
        _, row = await ask("GET", f"rows/{a}?reviewer=Ann")
        assert row["story"] == told
        _, row = await ask("GET", f"rows/{a}?reviewer=Bob")
        assert (row["said"], row["story"]) == (None, None)  # what others said is not told
        assert (await ask("POST", f"rows/{b}", json={"reviewer": "Ann", "said": None}))[1] == {"judged": 1}
        _, figures = await ask("GET", "figures")
        assert figures == json.loads(json.dumps(estimates(sample, read_words(sample))))
        _, state = await ask("GET", "state?reviewer=Ann")
        assert (state["said"], state["reviewers"]) == ({a: "bad"}, ["Ann"])

    talk(desk, conversation)
    assert words(sample)["Ann"] == {sample.ids[0]: Judgement(word="bad", grounds=("call_count",), note="ü")}


GOOD = {"reviewer": "Ann", "said": {"word": "good"}}


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({}, 200),
        ({"headers": {"Host": "localhost:1234"}}, 200),
        ({"headers": {"Host": "[::1]:1234"}}, 200),
        ({"headers": {"Host": "evil.example"}}, 403),
        ({"headers": {"Host": "127.0.0.1.evil.example:80"}}, 403),
        ({"headers": {"Host": "evil.example@127.0.0.2"}}, 403),
        ({"headers": {"Host": "["}}, 403),
        ({"headers": {"Host": ""}}, 403),
        ({"headers": {"Origin": "http://evil.example"}}, 403),
        ({"headers": {"Origin": "http://127.0.0.1:1"}}, 403),  # another server on this machine
        ({"headers": {"Origin": "null"}}, 403),
        ({"headers": {"Origin": "http://[::1"}}, 403),
        ({"headers": {"Origin": ""}}, 403),
        ({"token": "wrong-token"}, 404),
        ({"token": "right-tok%C3%A9n"}, 404),
        ({"token": ""}, 404),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_may_ask(desk: Desk, sample: Sample, method: str, options: Json, status: int) -> None:
    body = {"json": GOOD} if method == "POST" else {}

    async def conversation(ask: Ask) -> None:
        found, form = await ask(method, f"rows/{sample.ids[0]}?reviewer=Ann", **body, **options)
        assert found == status, form

    talk(desk, conversation)
    assert bool(words(sample).get("Ann")) == (method == "POST" and status == 200)


def test_its_own_page_may_write(desk: Desk, sample: Sample) -> None:
    async def conversation(ask: Ask) -> None:
        own = {"Host": "localhost:7", "Origin": "http://localhost:7"}  # as behind `ssh -L 7:127.0.0.1:PORT`
        assert (await ask("POST", f"rows/{sample.ids[0]}", json=GOOD, headers=own))[0] == 200

    talk(desk, conversation)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_what_a_foreign_page_may_send_unasked_is_not_taken(desk: Desk, sample: Sample, kind: str) -> None:
    async def conversation(ask: Ask) -> None:
        data = json.dumps(GOOD)
        status, _ = await ask("POST", f"rows/{sample.ids[0]}", data=data, headers={"Content-Type": kind})
        assert status == 415

    talk(desk, conversation)
    assert words(sample) == {}


BODIES = {
    b"": 400,
    b"{": 400,
    b"[]": 400,
    b'{"reviewer": "Ann"}': 400,
    b'{"said": {"word": "good"}}': 400,
    b'{"reviewer": 1, "said": null}': 400,
    b'{"reviewer": "../x", "said": null}': 400,
    b'{"reviewer": "Ann", "said": {"word": "fine"}}': 400,
    b'{"reviewer": "Ann", "said": {"word": "good", "grounds": ["other"]}}': 400,
    b'{"reviewer": "Ann", "said": {"word": "bad", "grounds": ["ugly"]}}': 400,
    b'{"reviewer": "Ann", "said": {"word": "bad", "grounds": ["other", "other"]}}': 400,
    b'{"reviewer": "Ann", "said": {"word": "good", "more": 1}}': 400,
    b'{"reviewer": "Ann", "said": {"word": "good", "note": "\\ud800"}}': 400,
    b'{"reviewer": "Ann", "said": {"word": "good", "note": "\xff"}}': 400,
    json.dumps({"reviewer": "Ann", "said": {"word": "good", "note": "x" * 2_001}}).encode(): 400,
    json.dumps({"reviewer": "Ann", "said": {"word": "good", "note": "x" * 100_000}}).encode(): 413,
    b"[" * 50_000: 400,
}


@pytest.mark.parametrize(("body", "status"), BODIES.items(), ids=[str(n) for n in range(len(BODIES))])
def test_a_body_that_is_no_judgement_is_refused(desk: Desk, sample: Sample, body: bytes, status: int) -> None:
    async def conversation(ask: Ask) -> None:
        headers = {"Content-Type": "application/json"}
        found, form = await ask("POST", f"rows/{sample.ids[0]}", data=body, headers=headers)
        assert found == status
        assert form["error"]
        assert (await ask("POST", f"rows/{sample.ids[0]}", json=GOOD))[0] == 200  # it goes on

    talk(desk, conversation)
    assert words(sample) == {"Ann": {sample.ids[0]: Judgement(word="good")}}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "rows/ROW", GOOD, 405),
        ("DELETE", "rows/ROW", None, 405),
        ("GET", "rows/ROW/story", None, 405),
        ("POST", "state", {}, 405),
        ("GET", "rows/nowhere?reviewer=Ann", None, 404),
        ("POST", "rows/nowhere", GOOD, 404),
        ("GET", "../../etc/passwd", None, 404),
        ("GET", "server.py", None, 404),
        ("GET", "rows/ROW", None, 400),  # nobody asks
        ("GET", "state?reviewer=a/b", None, 400),
        ("POST", "rows/ROW/story", {"reviewer": "Ann"}, 400),  # not judged: it would not be blind
    ],
)
def test_what_is_not_served(desk: Desk, sample: Sample, method: str, path: str, body: Json, status: int) -> None:
    async def conversation(ask: Ask) -> None:
        found, form = await ask(method, path.replace("ROW", sample.ids[0]), **({} if body is None else {"json": body}))
        assert found == status
        assert form["error"]
        assert "SECRET" not in json.dumps(form)

    talk(desk, conversation)
    assert not any(words(sample).values())


def test_a_settled_row_and_a_full_disk_are_told(desk: Desk, sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = sample.ids[:2]

    async def conversation(ask: Ask) -> None:
        await ask("POST", f"rows/{a}", json=GOOD)
        await ask("POST", f"rows/{a}/story", json={"reviewer": "Ann"})
        status, form = await ask("POST", f"rows/{a}", json={"reviewer": "Ann", "said": None})
        assert (status, "stays" in form["error"]) == (409, True)

        def full(handle: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        status, form = await ask("POST", f"rows/{b}", json=GOOD)
        assert (status, "No space" in form["error"]) == (500, True)

    talk(desk, conversation)
    assert words(sample) == {"Ann": {a: Judgement(word="good")}}


def test_one_reviewer_only_where_it_was_said(sample: Sample) -> None:
    desk = Desk(sample, "Ann", OPEN)

    async def conversation(ask: Ask) -> None:
        assert (await ask("GET", "state"))[1]["reviewer"] == "Ann"
        status, form = await ask("POST", f"rows/{sample.ids[0]}", json=GOOD | {"reviewer": "Bob"})
        assert (status, "Ann judges here" in form["error"]) == (400, True)

    talk(desk, conversation)
    desk.close()
    assert words(sample) == {"Ann": {}}


def test_a_token_is_long_and_new_each_time(sample: Sample) -> None:
    one, two = Desk(sample), Desk(sample)
    assert one.token != two.token
    assert len(one.token) >= 32


def test_a_port_that_is_taken_is_told(sample: Sample) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(InputError, match=f"--port {port}: cannot be had"):
            serve(Desk(sample), port, lambda address: pytest.fail("it was served"))


def test_a_reviewer_who_judges_elsewhere_is_told_before_the_page_is_up(sample: Sample) -> None:
    elsewhere = Desk(sample)
    elsewhere.file("Ann")
    with pytest.raises(InputError, match="another process"):
        serve(Desk(sample, "Ann"), 0, lambda address: pytest.fail("it was served"))
    elsewhere.close()


@pytest.mark.long  # the browser's test ends and kills one as well
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_process_that_is_ended_has_lost_nothing(sample: Sample, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "apigen_ray.cli", "review", str(sample.folder.parent), "--serve", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        found = re.search(r"http://127\.0\.0\.1:\d+/[\w-]+/", process.stderr.readline())
        assert found
        with httpx.Client(base_url=found[0], trust_env=False) as client:  # its connection stays open to the end
            for name in sample.ids[:5]:
                assert client.post(f"rows/{name}", json=GOOD).status_code == 200
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
    assert words(sample) == {"Ann": dict.fromkeys(sample.ids[:5], Judgement(word="good"))}
    if number == signal.SIGKILL:
        assert process.returncode == -9
    else:
        assert process.returncode == 0
        assert json.loads(out)["sample"]["judged"] == 5
        assert "Traceback" not in err
    assert len(path_of(sample, "Ann").read_text().splitlines()) == 6
