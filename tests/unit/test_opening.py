"""The folder of a run that is to be made anew: deleted, unless people have judged its rows."""

from pathlib import Path

import pytest

from apigen_ray.errors import RunExistsError
from apigen_ray.job.opening import open_new
from apigen_ray.rundir import RunDir


def a_run(path: Path) -> RunDir:
    run = RunDir(path)
    path.mkdir()
    run.update_manifest(kind="verify")
    (path / "review").mkdir()
    (path / "review/sample.parquet").write_bytes(b"rows")
    return run


def test_a_run_is_cleared_with_the_sample_that_was_drawn_of_it(tmp_path: Path) -> None:
    run = a_run(tmp_path / "run")
    with pytest.raises(RunExistsError, match="a run is there"):
        open_new(run.path, "verify", clean=False)
    open_new(run.path, "merge", clean=True)
    assert [file.name for file in run.path.iterdir()] == ["manifest.json"]
    assert run.manifest() == {"kind": "merge"}


def test_judgements_of_people_are_never_deleted(tmp_path: Path) -> None:
    run = a_run(tmp_path / "run")
    judged = tmp_path / "run/review/judgements/ada.jsonl"
    judged.parent.mkdir()
    judged.write_text("{}\n")
    with pytest.raises(RunExistsError, match=r"people have judged .*ada\.jsonl[^!]*review away first"):
        open_new(run.path, "verify", clean=True)
    assert judged.read_text() == "{}\n"
    assert run.manifest() == {"kind": "verify"}
