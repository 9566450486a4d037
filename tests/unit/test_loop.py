"""How a run is opened."""

from pathlib import Path
from typing import Any

import pytest

from apigen_ray.config import load_config
from apigen_ray.errors import EnvironmentFault, RunExistsError
from apigen_ray.job.loop import open_run
from apigen_ray.job.outcome import recorded
from apigen_ray.job.prepare import Prepared, prepare
from apigen_ray.library import BUILTIN, load_library
from apigen_ray.sampling import OUR_SEEDS, PLAIN_SEEDS, load_seeds

ROOT = Path(__file__).parents[2]


def prepared(folder: Path, *settings: str) -> Prepared:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)  # paths in a run file are relative to the current folder
        return prepare(load_config(ROOT / "jobs" / "smoke.yaml", [f"output.dir={folder}", *settings]))


def test_a_new_run_has_its_config_and_manifest(tmp_path: Path) -> None:
    one = prepared(tmp_path)
    run = open_run(one, resume=False, clean=False)
    assert run.path == tmp_path / "smoke"
    manifest = run.manifest()
    assert manifest["fingerprint"] == one.fingerprint
    assert set(manifest["digests"]) == {"library", "seeds", "templates", "lexicons"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        assert load_config(run.config_path).fingerprint(**one.digests) == one.fingerprint


@pytest.mark.parametrize(("told", "file"), [("true", OUR_SEEDS), ("plain", PLAIN_SEEDS), ("false", None)])
def test_our_own_seeds_are_many_manners_plain_or_none(tmp_path: Path, told: str, file: Path | None) -> None:
    one = prepared(tmp_path, f"sampling.builtin_seeds={told}")
    assert one.seeds == (load_seeds(file, load_library([BUILTIN]).apis) if file else ())


def test_a_run_that_is_there_is_resumed_or_cleaned_only_when_asked(tmp_path: Path) -> None:
    one = prepared(tmp_path)
    run = open_run(one, resume=True, clean=False)  # nothing to go on with: it begins
    (run.path / "kept").touch()
    with pytest.raises(RunExistsError, match=r"(?s)an unfinished run is there.*another `name` \(--name"):
        open_run(one, resume=False, clean=False)
    with recorded(run):
        pass
    with pytest.raises(RunExistsError, match="a finished run is there"):
        open_run(one, resume=False, clean=False)
    with pytest.raises(RunExistsError, match="exclude each other"):
        open_run(one, resume=True, clean=True)
    assert run.result()["outcome"] == "done"
    open_run(one, resume=True, clean=False)
    assert (run.path / "kept").exists()
    assert run.result() == {}  # the new attempt has not ended
    open_run(one, resume=False, clean=True)
    assert not (run.path / "kept").exists()


def test_what_changed_is_named(tmp_path: Path) -> None:
    open_run(prepared(tmp_path), resume=False, clean=False)
    open_run(
        prepared(
            tmp_path, "size=9", "rounds=5", "execution.workers=2", "limits.max_tokens=9", "limits.stall_minutes=1"
        ),
        resume=True,
        clean=False,
    )
    with pytest.raises(RunExistsError, match=r"  execution\.timeout_s: 0\.5 -> 3"):
        open_run(prepared(tmp_path, "execution.timeout_s=3"), resume=True, clean=False)
    with pytest.raises(RunExistsError, match=r"digests\.seeds: "):
        open_run(prepared(tmp_path, "sampling.builtin_seeds=false"), resume=True, clean=False)


def test_what_is_not_a_run_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "smoke").mkdir()
    open_run(prepared(tmp_path), resume=False, clean=False)  # an empty folder will do
    (tmp_path / "smoke" / "manifest.json").unlink()
    for clean in (False, True):
        with pytest.raises(RunExistsError, match="not a run"):
            open_run(prepared(tmp_path), resume=False, clean=clean)
    assert (tmp_path / "smoke" / "config.yaml").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentFault, match="cannot be written"):
        open_run(prepared(tmp_path / "file"), resume=False, clean=False)
    (tmp_path / "smoke").touch()
    with pytest.raises(RunExistsError, match="is not empty and not a run"):
        open_run(prepared(tmp_path), resume=False, clean=True)


@pytest.mark.parametrize("step", range(3))
def test_an_opening_killed_anywhere_can_be_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    one, steps = prepared(tmp_path), 0
    real = Path.replace

    def replace(path: Path, target: Any) -> Path:
        nonlocal steps
        if steps == step:
            raise KeyboardInterrupt
        steps += 1
        return real(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    if step < 2:
        with pytest.raises(KeyboardInterrupt):
            open_run(one, resume=False, clean=False)
        monkeypatch.undo()
    run = open_run(one, resume=step < 2, clean=False)
    assert run.manifest()["fingerprint"] == one.fingerprint
    assert run.config_path.exists()
