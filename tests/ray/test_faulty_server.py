"""A run against a server that fails in every way that servers do: each row ends as it must, none is paid twice."""

import contextlib
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from apigen_ray.config import RunConfig, load_config
from apigen_ray.errors import RunFailedError
from apigen_ray.job.loop import run
from apigen_ray.rundir import RunDir
from apigen_ray.storage import parquet_files, read_tables

pytestmark = [pytest.mark.ray, pytest.mark.long, pytest.mark.usefixtures("ray_session")]

ROOT = Path(__file__).parents[2]
SIZE = 150
PASSING = ("fine", "throttled", "server_error", "html", "hung", "dripped", "cut", "hung_up")
"""What is over when the request is made again."""
LASTING = ("garbage", "page", "empty_choices", "refused")
"""What is not asked again in one run: an answer that is none, and may be one tomorrow."""

AWAY_S = 3.0
"""How long nobody answers at all in the middle of it, longer than all tries of a request take together."""


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The replies of `make chaos`."""
    monkeypatch.syspath_prepend(ROOT / "tests" / "chaos")
    import loopback

    yield loopback
    del sys.modules["loopback"]


class Faulty:
    """A server that fails on a prompt's first requests, in a way that the prompt decides on.

    Attributes:
        mood: ``fine``, ``faulty`` or ``down``.
        answered: how often each prompt got a good reply.
        hit: how each prompt was failed, by the end of its last message.
    """

    def __init__(self, loopback: Any, answer: Any) -> None:
        self._loopback, self._answer = loopback, answer
        self.mood = "fine"
        self.answered: Counter[str] = Counter()
        self.hit: dict[str, str] = {}
        self._tries: Counter[str] = Counter()
        self._asked, self._away_until = 0, 0.0

    def __call__(self, body: dict[str, Any], times: int) -> Any:
        name = self._loopback.name_of(body["messages"])
        ways = (*PASSING, *LASTING)
        way = ways[int(name, 16) % len(ways)]
        self._asked += 1
        if self.mood == "faulty" and self._asked == SIZE // 3:
            self._away_until = time.monotonic() + AWAY_S
        if self.mood == "down" or time.monotonic() < self._away_until:
            return self._answer(drop=True)
        self._tries[name] += 1
        if self.mood == "faulty":
            self.hit[name] = way
            if way in LASTING or self._tries[name] == 1:
                failed = self._failed(way)
                if failed is not None:
                    return failed
        said = self._loopback.drafted(body)
        text = said if isinstance(said, str) else said.text or "no record"  # its planted errors are not our business
        self.answered[name] += 1
        return self._answer.text(text)

    def _failed(self, way: str) -> Any:
        good = self._answer.text("[]")
        page = b"<html><body>502 Bad Gateway</body></html>"
        return {
            "throttled": self._answer(429, b"slow down", {"retry-after": "0.2"}),
            "server_error": self._answer.json({"error": {"message": "overloaded"}}, status=500),
            "html": self._answer(502, page, {"content-type": "text/html"}),
            "hung": self._answer.text("[]", delay=3.0),
            "dripped": self._answer(good.status, good.body, drip=0.05),
            "cut": self._answer(good.status, good.body, cut=True),
            "hung_up": self._answer(drop=True),
            "garbage": self._answer(body=bytes(range(256))),
            "page": self._answer(body=page, headers={"content-type": "text/html"}),
            "empty_choices": self._answer.json({"choices": []}),
            "refused": self._answer.json({"error": {"message": "no"}}, status=400),
        }.get(way)


CODES = {"garbage": "bad_response", "page": "bad_response", "empty_choices": "bad_response", "refused": "bad_request"}


def config(folder: Path, url: str) -> RunConfig:
    engine = {"engine": "openai", "model": "loop", "base_url": url, "concurrency": 16}
    patience = {"timeout_s": 1.0, "max_retries": 4, "backoff_s": 0.05, "max_backoff_s": 0.4}
    form = {
        "name": "faulty",
        "size": SIZE,
        "library": [{"kind": "python", "path": str(ROOT / "jobs" / "smoke_functions.py"), "trust": "trusted"}],
        "generators": [{**engine, **patience}],
        "stages": ["format", "execution", "grounding"],
        "execution": {"timeout_s": 10},
        "output": {"dir": str(folder), "max_error_share": 1.0},
    }
    (folder / "faulty.yaml").write_text(yaml.safe_dump(form))
    return load_config(folder / "faulty.yaml")


def replies(directory: RunDir) -> dict[str, str]:
    rows = [row for table in read_tables(parquet_files(directory.drafts(0))) for row in table.to_pylist()]
    assert len({row["prompt_id"] for row in rows}) == len(rows)
    return {row["prompt_id"]: row["reply"]["text"] for row in rows}


def test_every_row_ends_right_whatever_the_server_does(
    chat_server: Any, answer: Any, loopback: Any, outcomes: Callable[[RunDir], Any], tmp_path: Path
) -> None:
    for name in ("well", "ill"):
        (tmp_path / name).mkdir()
    chat_server.behave = server = Faulty(loopback, answer)
    reference = outcomes(run(config(tmp_path / "well", chat_server.url)).run)

    chat_server.behave = server = Faulty(loopback, answer)
    server.mood = "faulty"
    ill = config(tmp_path / "ill", chat_server.url)
    directory = run(ill).run
    assert set(server.hit.values()) == {*PASSING, *LASTING}
    first = outcomes(directory)
    paid = replies(directory)
    errors = {name for name, told in first.items() if told[0] == "error"}
    assert {name: told for name, told in first.items() if name not in errors} == {
        name: told for name, told in reference.items() if name in first.keys() - errors
    }
    lasting = [way for way in server.hit.values() if way in LASTING]
    assert len(errors) == len(lasting) == SIZE - len(paid)
    rows = [row for table in directory.read(verdicts=["error"]) for row in table.to_pylist()]
    codes = Counter(row["reply"]["error"].partition(":")[0] for row in rows)
    assert codes == Counter(CODES[way] for way in lasting)
    assert {row["format_code"] for row in rows} == {"engine_error"}

    server.mood = (
        "down"  # for as long as it is asked: what is not there yet stays an error, and nothing else is touched
    )
    with contextlib.suppress(RunFailedError):  # whether a run that got nothing at all is called failed is its limit's
        run(ill, resume=True)
    assert replies(directory) == paid
    assert {name: told for name, told in outcomes(directory).items() if told[0] != "error"} == {
        name: told for name, told in first.items() if name not in errors
    }

    server.mood = "fine"
    assert outcomes(run(ill, resume=True).run) == reference
    assert replies(directory).items() >= paid.items()
    assert set(server.answered.values()) == {1}
    assert len(server.answered) == SIZE
