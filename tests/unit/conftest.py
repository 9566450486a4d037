"""Tests of this folder share modules that lie beside them, and the folder that snippets of the docs run in."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that snippets run in, as it is after the quickstart: its run, functions of one's own, an own cache."""
    from documented import DOCS, blocks, write_quickstart

    datasets = pytest.importorskip("datasets", reason="the extra `hub` is not installed")
    datasets.disable_progress_bars()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.chdir(tmp_path)
    write_quickstart(Path("runs/quickstart"))
    [_, functions] = blocks(DOCS / "quickstart.md", "python")
    Path("shop_functions.py").write_text(functions)
    return tmp_path
