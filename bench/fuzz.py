"""The long form of ``tests/property/test_sandbox_frames.py``: its checks, each for its share of some minutes.

Run: ``nice python bench/fuzz.py [--minutes 10]``. Where the package ``atheris`` is installed, it looks for inputs that
reach new code of `apigen_ray`; else hypothesis draws them. Each check has a process of its own, one after the other.
The exit status is 1 if anything was found.
"""

import argparse
import contextlib
import importlib.util
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings

CHECKS = Path(__file__).parents[1] / "tests" / "property" / "test_sandbox_frames.py"
GUIDED = importlib.util.find_spec("atheris") is not None


def checks() -> Any:
    spec = importlib.util.spec_from_file_location("sandbox_frames", CHECKS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.CHECKS


@contextlib.contextmanager
def instrumented() -> Iterator[None]:
    if not GUIDED:
        yield
        return
    import atheris

    with atheris.instrument_imports(include=["apigen_ray"], enable_loader_override=False):
        yield


def examples(name: str, count: int) -> Callable[..., None]:
    """A check as hypothesis runs it."""
    strategy, check = checks()[name]

    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def run(values: tuple[Any, ...]) -> None:
        check(*values)

    return run


def guided(name: str, seconds: int) -> None:
    """Does not return: libFuzzer ends the process, with a status that tells whether it has found anything."""
    import atheris

    run = examples(name, 1).hypothesis.fuzz_one_input  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        options = [
            f"-max_total_time={seconds}",
            "-max_len=4096",
            "-len_control=20",
            "-timeout=60",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={folder}/", folder], lambda data: run(data) and None)
        atheris.Fuzz()


def drawn(name: str, seconds: int) -> None:
    count, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        examples(name, 1000)()
        count += 1000
    print(f"Done {count} runs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--check", help="only this one, in this process")
    options = parser.parse_args()
    if options.check:
        with instrumented():
            checks()
        (guided if GUIDED else drawn)(options.check, int(options.minutes * 60))
        return
    found = total = 0
    names = list(checks())
    print("atheris guides" if GUIDED else "hypothesis draws: install atheris to be guided by coverage", flush=True)
    for name in names:
        share = options.minutes / len(names)
        command = [__file__, "--minutes", str(share), "--check", name]
        # A check that hangs has found something too, and says where
        done = subprocess.run(
            ["timeout", "-s", "ABRT", str(int(120 * share + 120)), sys.executable, "-X", "faulthandler", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        runs = re.findall(r"Done (\d+) runs|number_of_executed_units: (\d+)", done.stdout)
        count = int("".join(runs[-1])) if runs else 0
        total += count
        found += done.returncode != 0
        reached = re.findall(r"cov: (\d+)", done.stdout)
        beside = f", {reached[-1]} branches of ours reached" if reached else ""
        print(f"{name}: {count:,} executions{beside}", flush=True)
        if done.returncode:
            print(re.sub(r"(?m)^#\d+\s.*\n", "", done.stdout)[-6000:], flush=True)
    print(f"{total:,} executions in {options.minutes:g} minutes; checks that found something: {found}")
    sys.exit(found > 0)


if __name__ == "__main__":
    main()
