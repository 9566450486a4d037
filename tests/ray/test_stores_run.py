"""Whole runs in an object store, an S3-compatible server on loopback: what comes out on a disk comes out there."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apigen_ray.cli import main
from apigen_ray.config import RunConfig, load_config
from apigen_ray.job.loop import run
from apigen_ray.rundir import RunDir
from apigen_ray.storage import as_path, list_files, read_tables, write_once, write_text

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_session")]

ROOT = Path(__file__).parents[2]


def config(folder: str, size: int) -> RunConfig:
    settings = [f"output.dir={folder}", f"size={size}", "execution.timeout_s=2"]
    return load_config(ROOT / "jobs" / "smoke.yaml", settings)


def outcomes(directory: RunDir) -> dict[str, tuple[Any, ...]]:
    rows = [row for table in directory.read() for row in table.to_pylist()]
    found = {row["sample_id"]: (row["verdict"], row["query"], row["answers"], row["planted"]) for row in rows}
    assert len(found) == len(rows)
    return found


def told(command: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    try:
        main(command)
    except SystemExit as end:
        assert not end.code  # noqa: PT017  Typer ends every command so
    return capsys.readouterr().out


def test_a_run_in_a_store_equals_one_on_a_disk_also_resumed_and_is_read_by_every_verb(
    s3: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    said: Callable[[Any], str],
) -> None:
    monkeypatch.chdir(ROOT)
    plain = run(config(str(tmp_path / "plain"), 24))
    run(config("s3://runs/team", 16))
    directory = RunDir(as_path("s3://runs/team/smoke"))
    late = next(directory.read(verdicts=["verified"])).slice(0, 1)
    write_once(late, directory.samples(0) / "verdict=verified", "part-late")  # by a worker of a killed run
    assert all(verdict != "error" or name for name, (verdict, *_) in outcomes(directory).items())
    drafts = {str(file): file.stat().st_mtime for file in list_files(directory.drafts(0))}

    result = run(config("s3://runs/team", 24), resume=True)

    assert outcomes(result.run) == outcomes(plain.run)
    assert drafts.items() <= {str(file): file.stat().st_mtime for file in list_files(directory.drafts(0))}.items()
    listed = set(directory.manifest()["closed"]["0"])
    assert {str(file).removeprefix("s3://runs/team/smoke/") for file in list_files(directory.samples(0))} == listed
    assert not list(ROOT.glob("s3:*"))
    for file in list_files(directory.path):
        assert not any(credential in said(file) for credential in ("no-file-holds-this", "nor-this"))

    where = "s3://runs/team/smoke"
    assert told(["ls", "runs", "--dir", "s3://runs/team"], capsys).startswith("smoke  ")
    assert len(json.loads(told(["show", where, "-n", "4", "--json"], capsys))) == 4
    assert "Filter table" in told(["report", where], capsys)
    told(["export", where, "--to", "jsonl", "--out", str(tmp_path / "out")], capsys)
    form = json.loads((tmp_path / "out" / "export.json").read_text("utf-8"))
    assert form["rows"]["train"] == result.summary.total("verified")

    records = "".join((tmp_path / "out" / name).read_text("utf-8") for name in form["files"])
    for file in (as_path("s3://runs/team/in.jsonl"), tmp_path / "in.jsonl"):
        write_text(file, records)
    judged = []
    for source, out in (("s3://runs/team/in.jsonl", "s3://runs/team/judged"), (str(tmp_path / "in.jsonl"), "judged")):
        out = out if out.startswith("s3://") else str(tmp_path / out)
        told(["verify", source, "--out", out, "--json"], capsys)
        rows = [row for table in read_tables(RunDir(as_path(out)).sample_files()) for row in table.to_pylist()]
        judged.append(sorted((row["source_id"], row["verdict"]) for row in rows))
    assert judged[0] == judged[1] != []
