"""A library prepared by the whole graph: real calls over HTTP and to functions, real asks, resumed at any point."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from apigen_ray.errors import RunFailedError
from apigen_ray.graph.stopping import running
from apigen_ray.job import library_import, library_prepare
from apigen_ray.job.library import find, rows
from apigen_ray.job.library_import import import_library
from apigen_ray.job.library_prepare import prepare_library
from apigen_ray.job.library_spec import PrepareSpec
from apigen_ray.library.prepared import LibraryDir, PreparedSource
from apigen_ray.storage import list_files, parquet_files, read_tables

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_session")]

FUNCTIONS = '''
def half(number: float) -> float:
    """Halve a number."""
    return number / 2
def fails(number: float) -> float:
    """Fail whatever the number is."""
    raise ValueError("never")
def nothing(number: float) -> None:
    """Return nothing at all."""
def undescribed(number: float) -> float:
    return number
def marked_up(number: float) -> float:
    """<p>Double</p> a number."""
    return number * 2
'''
PATHS = ("/good", "/page", "/empty", "/hollow", "/gone", "/down", "/slow")
CITY = {"name": "city", "in": "query", "required": True, "schema": {"type": "string"}, "description": "Its name."}


def answers(answer: Any) -> dict[str, Any]:
    """What the service says, by path."""
    said = (
        answer.json({"degrees": 21}),
        answer(body=b"<!doctype html><p>Sign in", headers={"content-type": "text/html"}),
        answer(headers={"content-type": "application/json"}),
        answer.json([]),
        answer.json({"error": "no"}, status=404),
        answer.json({}, status=503),
        answer.json({}, delay=30),
    )
    return dict(zip(PATHS, said, strict=True))


def document(server: Any) -> str:
    operation = {"parameters": [CITY], "tags": ["Weather"], "summary": "Tell something of a city."}
    paths: dict[str, Any] = {path: {"get": {**operation, "operationId": path[1:]}} for path in PATHS}
    paths["/write"] = {"post": {**operation, "operationId": "write"}}
    address = f"http://127.0.0.1:{server.port}"
    return json.dumps({"openapi": "3.1.0", "servers": [{"url": address}], "paths": paths})


def written(body: dict[str, Any]) -> str:
    """What a model says that writes what it is asked for."""
    fields = body["response_format"]["json_schema"]["schema"]["properties"]
    if "category" in fields:
        return '{"category": "Math"}'
    parameters = dict.fromkeys(fields["parameters"]["properties"], "What goes in.")
    return json.dumps({"description": "Give back a number that follows.", "parameters": parameters})


def spec(chat: Any = None, **rest: Any) -> PrepareSpec:
    limits = {"allow_hosts": ["127.0.0.1"], "timeout_s": 0.5, "max_retries": 0, "requests_per_s": None}
    value: dict[str, Any] = {"execution": {"rest": limits}} | rest
    if chat is not None:
        value["writer"] = {"engine": "openai", "base_url": chat.url, "model": "loop", "max_retries": 0}
    return PrepareSpec.model_validate(value)


def verdicts(lib: Path, step: str) -> dict[str, str]:
    return {row["entry"]: f"{row[f'{step}_status']} {row[f'{step}_code']}".strip() for row in rows(lib)}


@pytest.fixture
def sources(tmp_path: Path, http_server: Any, answer: Any) -> list[str]:
    http_server.answers = answers(answer)
    http_server.serve = lambda came: http_server.answers[came.path.partition("?")[0]]
    (tmp_path / "functions.py").write_text(FUNCTIONS)
    (tmp_path / "api.json").write_text(document(http_server))
    return [str(tmp_path / "functions.py"), str(tmp_path / "api.json")]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # of the graph that is left
def test_a_library_is_prepared_though_it_is_left_in_the_middle_and_checked_again(
    tmp_path: Path,
    sources: list[str],
    http_server: Any,
    chat_server: Any,
    answer: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lib = tmp_path / "lib"
    with monkeypatch.context() as patch:
        patch.setattr(library_import, "GROUP", 2)  # a task takes two rows
        import_library(sources, lib)
    before = list(rows(lib))

    # An engine that answers twice and then never; whoever prepares is gone once the replies are on the disk.
    hangs = 2
    chat_server.behave = lambda body, times: (
        answer.text(written(body)) if len(chat_server.bodies) <= hangs else answer(delay=600)
    )

    def left(graph: Any) -> Iterator[Any]:
        end = time.monotonic() + 200
        with closing(running(graph, 0.2)) as ticks:
            for tally in ticks:
                yield tally
                assert time.monotonic() < end, (len(chat_server.bodies), kept(lib), calls(http_server))
                if len(chat_server.bodies) > hangs and kept(lib) == hangs and set(calls(http_server)) == set(PATHS):
                    raise RunFailedError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(library_prepare, "running", left)
        with pytest.raises(RunFailedError, match="gone"):
            prepare_library(lib, spec(chat_server))
    assert list(rows(lib)) == before, "nothing is switched to before its time"
    answered = [question(body) for body in chat_server.bodies[:hangs]]
    called = calls(http_server)

    chat_server.behave = lambda body, times: answer.text(written(body))
    form = prepare_library(lib, spec(chat_server))
    asked = Counter(question(body) for body in chat_server.bodies)
    assert [asked[text] for text in answered] == [1] * hangs, "a reply that was paid for is kept"
    assert len(asked) == 5, "two descriptions are noise, three functions have no category"
    assert verdicts(lib, "accessibility") == {
        "half": "passed",
        "fails": "rejected exec_error",
        "nothing": "rejected empty_answer",
        "undescribed": "passed",
        "marked_up": "passed",
        "GET /good": "passed",
        "GET /page": "rejected bad_output",
        "GET /empty": "rejected bad_output",
        "GET /hollow": "rejected empty_answer",
        "GET /gone": "rejected http_error",
        "GET /down": "error endpoint_unavailable",
        "GET /slow": "rejected timeout",
        "POST /write": "skipped not_requested",
    }
    new = find(lib, "marked_up")
    assert new["original"]["description"] == "<p>Double</p> a number."
    assert new["api"]["description"] == "Give back a number that follows."
    assert (new["api"]["category"], find(lib, "good")["api"]["category"]) == ("Math", "Environment")
    assert find(lib, "good")["example"]["result"]["body"] == {"degrees": 21}
    parsed = PreparedSource(path=str(lib)).parse(tmp_path)
    assert [api.name for api in parsed.apis] == ["half", "undescribed", "marked_up", "good", "write"]
    assert form["usable"] == 5
    assert list_files(lib / "work") == []
    assert len(list_files(lib / "apis")) == 1

    http_server.answers["/down"] = answer.json({"up": True})
    before_again = calls(http_server)
    prepare_library(lib, spec())
    assert calls(http_server) - before_again == Counter({"/down": 1}), "only what was an error is called again"
    assert sum(asked.values()) == len(chat_server.bodies)
    assert verdicts(lib, "accessibility")["GET /down"] == "passed"

    http_server.answers["/good"] = answer.json({}, status=404)
    before_again = calls(http_server)
    monkeypatch.chdir(tmp_path)  # not where Ray's workers are
    prepare_library(Path("lib"), spec(steps=["accessibility"]), again=True)
    assert set(calls(http_server) - before_again) == set(PATHS), "all are called again"
    assert verdicts(lib, "accessibility")["GET /good"] == "rejected http_error"
    assert find(lib, "good")["example"] is None
    assert find(lib, "marked_up")["api"]["description"] == "Give back a number that follows."
    assert called["/good"] == 1


def question(body: dict[str, Any]) -> str:
    return str(body["messages"][-1]["content"])


def calls(server: Any) -> Counter[str]:
    return Counter(one.path.partition("?")[0] for one in server.came)


def kept(lib: Path) -> int:
    """Replies that are on the disk."""
    found = [row for table in read_tables(parquet_files(LibraryDir(lib).work)) for row in table.to_pylist()]
    return len({(row["row_id"], ask) for row in found for ask in ("describe", "categorise") if row[ask] is not None})
