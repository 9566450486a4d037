"""``make quickstart-rest``: a service on loopback becomes a library, a real run calls it, and it is stopped.

Every step is a command that a person could type, and is printed. The secrets are made up for this one run: the service
and the runner find them in their environment, and nobody else is told.
"""

import os
import secrets
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from apigen_ray.config import load_config
from apigen_ray.display.samples import print_samples
from apigen_ray.export.samples import find_samples
from apigen_ray.library import load_library
from apigen_ray.records import Json, Verdict
from examples.rest_service.process import running

ROOT = Path(__file__).parents[1]
RECIPE, PREPARATION = "jobs/quickstart-rest.yaml", "examples/rest_service/prepare.yaml"
LIBRARY, RUN = "runs/quickstart-rest-library", "runs/quickstart-rest"
AUTH = {
    "apiKey": ("ALMANAC_API_KEY",),
    "bearer": ("ALMANAC_TOKEN",),
    "basic": ("ALMANAC_USER", "ALMANAC_PASSWORD"),
    "oauth2": ("ALMANAC_CLIENT_ID", "ALMANAC_CLIENT_SECRET"),
}
CATEGORIES = 6
"""Of verified samples, at least: the promise of this quickstart."""


def main() -> int:
    """The exit code: 0 where REST and Python both have verified samples, in enough categories."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends us ends the service first
    os.chdir(ROOT)
    os.environ.update({name: secrets.token_hex(16) for names in AUTH.values() for name in names})
    Path("runs").mkdir(exist_ok=True)
    with running(log=Path("runs/quickstart-rest-service.log")) as url:
        credentials = [f"--auth={scheme}={','.join(names)}" for scheme, names in AUTH.items()]
        apigen(
            "library",
            "import",
            f"{url}/openapi.json",
            "--allow-host",
            "127.0.0.1",
            *credentials,
            "--out",
            LIBRARY,
            "--clean",
        )
        apigen("library", "prepare", LIBRARY, "--config", PREPARATION)
        apigen("doctor", RECIPE)
        apigen("run", RECIPE, "--clean")
    return tell()


def apigen(*arguments: str) -> None:
    """Runs a command of ours; its failure is ours.

    Raises:
        SystemExit: it failed, with its exit code.
    """
    print(f"\n$ apigen {' '.join(arguments)}", flush=True)
    done = subprocess.run([sys.executable, "-m", "apigen_ray.cli", *arguments])  # noqa: S603 our own, by this interpreter
    if done.returncode:
        raise SystemExit(done.returncode)


def tell() -> int:
    """Shows verified samples of each source and counts them by category; 1 where the promise is not kept."""
    apis = {api.name: api for api in load_library(load_config(Path(RECIPE)).library).apis}
    rows = find_samples(Path(RUN), verdict=Verdict.VERIFIED, limit=10_000)
    counts: Counter[tuple[str, str]] = Counter()
    shown: dict[str, list[Json]] = {"REST": [], "Python": []}
    for row in rows:
        called = [apis[call["name"]] for call in row["answers"]]
        for api in {api.name: api for api in called}.values():
            runner = api.source.executed_by if api.source is not None else ""
            kind = "REST" if runner == "rest" else "Python"
            counts[kind, api.category or "none"] += 1
            shown[kind].append(row)
    for kind, found in shown.items():
        print(f"\nVerified, {kind}:")
        print_samples(found[:2])
    categories = {category for _, category in counts}
    print(f"\n{len(rows)} verified samples, {len(categories)} categories; functions called in them:")
    for (kind, category), count in sorted(counts.items()):
        print(f"  {kind:7} {category:15} {count}")
    kept = all(shown.values()) and len(categories) >= CATEGORIES
    print("REST and Python both, six categories: " + ("yes" if kept else "no"))
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
