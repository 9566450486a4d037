"""What calls gave back, kept in a folder and given again: whoever wrote it, in whatever order."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from apigen_ray.errors import InputError
from apigen_ray.records import Api, Source, Status
from apigen_ray.runners import recordings
from apigen_ray.runners.base import ExecutionSpec, Outcome, Task
from apigen_ray.runners.recordings import RECORDING, ReplayRunner, key_of, look_at, record

PASSED = Outcome(Status.PASSED, value='{"é":[1,2.50]}', seconds=3)
REJECTED = Outcome(Status.REJECTED, "http_error", detail="HTTP 404")
FAILED = Outcome(Status.ERROR, "endpoint_unavailable", detail="nobody is there")
NOT_RECORDED = ("error", "not_recorded")


def api(entry: str = "GET /x", **source: Any) -> Api:
    known = {"kind": "openapi", "location": "/here/x.yaml", "digest": "d", "server": "https://a", "request": "{}"}
    return Api(entry, "", {}, source=Source(entry=entry, **known | source))


def tasks(*arguments: str, of: Api | None = None) -> list[Task]:
    return [Task(of or api(), text) for text in arguments]


def replay(folder: Path | str, tasks: Sequence[Task]) -> list[Outcome]:
    return ReplayRunner(ExecutionSpec(mode="replay", recordings=str(folder))).run(tasks)


def brief(outcomes: Sequence[Outcome]) -> list[tuple[str, str]]:
    return [(str(outcome.status), outcome.code) for outcome in outcomes]


def test_passed_and_rejected_come_back_as_they_were_and_errors_do_not(tmp_path: Path) -> None:
    batch = tasks('{"a": 1}', '{"a": 2}', '{"a": 3}')
    record(str(tmp_path), batch, [PASSED, REJECTED, FAILED])
    first, second, third, fourth = replay(tmp_path, [*batch, *tasks('{"a": 4}')])
    assert first == Outcome(Status.PASSED, value=PASSED.value)
    assert second == REJECTED
    assert brief([third, fourth]) == [NOT_RECORDED] * 2
    assert "no recording" in third.detail


def test_the_name_of_a_call_is_its_source_and_its_arguments(tmp_path: Path) -> None:
    record(str(tmp_path), tasks('{"a": {"x": 1, "y": [1, 2]}, "b": "é"}'), [PASSED])
    same = tasks('{"b":"\\u00e9", "a":{"y":[1,2],"x":1}}')  # other order, other escapes
    same += tasks(same[0].arguments, of=api(location="/elsewhere.yaml", hosts=("b",)))  # on another machine
    others = tasks('{"a": {"x": 1, "y": [2, 1]}, "b": "é"}', '{"a": {"x": "1", "y": [1, 2]}, "b": "é"}')
    changed: list[dict[str, Any]] = [{"kind": "mcp"}, {"server": "https://b"}, {"entry": "GET /y"}, {"digest": "e"}]
    for change in changed:
        entry = change.pop("entry", "GET /x")
        others += tasks(same[0].arguments, of=api(entry, **change))
    assert [outcome.value for outcome in replay(tmp_path, same)] == [PASSED.value] * 2
    assert brief(replay(tmp_path, others)) == [NOT_RECORDED] * len(others)


def test_of_several_recordings_the_first_by_name_counts_whoever_wrote_it_when(tmp_path: Path) -> None:
    several = [Outcome(Status.PASSED, value=str(number)) for number in range(6)]
    (both,) = tasks('{"a": 1}')
    for folder, order in (("one", several), ("two", several[::-1])):
        for number, outcome in enumerate(order):
            more = tasks(f'{{"more": {outcome.value}}}')
            record(str(tmp_path / folder), [both, *more], [outcome, PASSED])
            assert len(list((tmp_path / folder).iterdir())) == number + 1
    one, two = (replay(tmp_path / folder, [both])[0] for folder in ("one", "two"))
    rest = tasks(*(f'{{"more": {outcome.value}}}' for outcome in several))
    assert one == two == replay(tmp_path / "one", [*rest, both])[-1]  # where every file is read as well
    first = pq.read_table(min((tmp_path / "one").iterdir())).to_pylist()
    assert one.value in [row["value"] for row in first]


def test_within_a_batch_the_first_call_counts(tmp_path: Path) -> None:
    record(str(tmp_path), tasks('{"a": 1}', '{"a":1}'), [PASSED, REJECTED])
    assert replay(tmp_path, tasks('{"a": 1}'))[0].value == PASSED.value


def test_a_batch_that_is_executed_again_is_one_file(tmp_path: Path) -> None:
    batch, outcomes = tasks('{"a": 1}', '{"a": 2}'), [PASSED, REJECTED]
    record(str(tmp_path), batch, outcomes)
    record(str(tmp_path), batch[::-1], outcomes[::-1])
    assert len(list(tmp_path.iterdir())) == 1


def test_nothing_is_written_where_nothing_is_kept(tmp_path: Path) -> None:
    formless = Task(Api("x", "", {}), "{}")
    record(str(tmp_path / "none"), [*tasks("{}", "[1]"), formless], [FAILED, REJECTED, PASSED])
    record(str(tmp_path / "none"), [], [])
    assert not (tmp_path / "none").exists()


def test_what_a_recording_holds_is_what_people_can_read(tmp_path: Path) -> None:
    record(str(tmp_path), tasks('{"b": 1, "a": 2}'), [REJECTED])
    (file,) = tmp_path.iterdir()
    table = pq.read_table(file)
    assert table.schema == RECORDING
    told = {"kind": "openapi", "server": "https://a", "entry": "GET /x", "arguments": '{"a":2,"b":1}', "value": None}
    told |= {"status": "rejected", "code": "http_error", "detail": "HTTP 404", "key": table["key"][0].as_py()}
    assert table.to_pylist() == [told]


def test_a_batch_reads_only_the_files_that_hold_its_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        record(str(tmp_path), tasks(f'{{"a": {number}}}'), [Outcome(Status.PASSED, value=str(number))])
    runner = ReplayRunner(ExecutionSpec(mode="replay", recordings=str(tmp_path)))
    runner.run(tasks('{"a": 0}'))
    read: list[list[Any]] = []
    real = recordings.read_tables
    monkeypatch.setattr(recordings, "read_tables", lambda files, *rest: read.append(list(files)) or real(files, *rest))
    out = runner.run(tasks('{"a": 3}', '{"a": 9}', '{"a": 1}', '{"a": 3}'))
    assert [outcome.value for outcome in out] == ["3", None, "1", "3"]
    assert [len(files) for files in read] == [2]  # and no key was read again


def test_many_calls_in_many_files(tmp_path: Path) -> None:
    calls = [f'{{"a": {number}}}' for number in range(400)]
    for start in range(0, 400, 40):
        part = range(start, start + 40)
        record(str(tmp_path), tasks(*calls[start : start + 40]), [Outcome(Status.PASSED, value=str(n)) for n in part])
    wanted = [*range(399, 0, -7), *range(400, 410)]
    found = replay(tmp_path, tasks(*(f'{{"a":{number}}}' for number in wanted)))
    assert [outcome.value for outcome in found] == [str(number) if number < 400 else None for number in wanted]


def test_a_closed_runner_sees_what_was_recorded_since(tmp_path: Path) -> None:
    record(str(tmp_path), tasks('{"a": 1}'), [PASSED])
    runner = ReplayRunner(ExecutionSpec(mode="replay", recordings=str(tmp_path)))
    new = tasks('{"a": 2}')
    assert brief(runner.run(new)) == [NOT_RECORDED]
    record(str(tmp_path), new, [PASSED])
    assert brief(runner.run(new)) == [NOT_RECORDED]
    runner.close()
    assert brief(runner.run(new)) == [("passed", "")]


def test_what_cannot_be_replayed_is_an_error_in_the_row(tmp_path: Path) -> None:
    gone = replay(tmp_path / "gone", tasks("{}", "[]"))
    assert brief(gone) == [("error", "runner_unavailable"), ("rejected", "argument_error")]
    assert "there are no recordings" in gone[0].detail
    (tmp_path / "part-torn.parquet").write_bytes(b"PAR1")
    (torn,) = replay(tmp_path, tasks("{}"))
    assert (torn.status, torn.code) == ("error", "runner_unavailable")
    assert "part-torn.parquet" in torn.detail


def test_a_look_refuses_a_folder_without_recordings(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there are no recordings") as error:
        look_at(str(tmp_path / "none"))
    assert "execution.mode: record" in error.value.mend
    pq.write_table(pa.table({"x": [1]}), tmp_path / "part-1.parquet")
    with pytest.raises(InputError, match="is no recording"):
        look_at(str(tmp_path))


def test_a_look_tells_two_recordings_apart(tmp_path: Path) -> None:
    for folder, value in (("one", "1"), ("two", "1"), ("three", "2")):
        record(str(tmp_path / folder), tasks("{}"), [Outcome(Status.PASSED, value=value)])
    one, two, three = (look_at(str(tmp_path / folder)) for folder in ("one", "two", "three"))
    assert (one.files, one.digest) == (two.files, two.digest)
    assert one.digest != three.digest


def test_recordings_in_a_store(s3: Any) -> None:
    record("s3://runs/kept", tasks('{"a": 1}'), [PASSED])
    record("s3://runs/kept", tasks('{"a": 1}'), [PASSED])
    assert look_at("s3://runs/kept").files == 1
    assert replay("s3://runs/kept", tasks('{"a": 1}'))[0].value == PASSED.value


def test_no_secret_is_in_a_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X_TOKEN", "sk-123-very-secret")
    secret = json.dumps({"auth": [{"kind": "bearer", "place": "header", "name": "Authorization", "env": ["X_TOKEN"]}]})
    record(str(tmp_path), tasks("{}", of=api(request=secret, env=("X_TOKEN",))), [PASSED])
    (file,) = tmp_path.iterdir()
    for row in pq.read_table(file).to_pylist():
        assert os.environ["X_TOKEN"] not in json.dumps(row)
    assert key_of(api(request=secret).source, {}) == key_of(api().source, {})  # type: ignore[arg-type]
