"""How much ordinary code the sandbox takes: functions of open-source distributions, beside the same in plain Python.

``python bench/real_functions.py measure`` installs the distributions of the list ``real_functions.jsonl``, runs its
example calls through `PythonRunner` and compares the results with those of plain Python. ``... collect`` makes the list
anew, in a few minutes. What is listed is drawn, whether the sandbox takes it or not. A candidate is

- a public function at the top level of any module of `DISTRIBUTIONS`, tests and vendored packages left out; neither
  async nor a generator; it takes something and returns something, and every parameter can be given by keyword and has
  an annotation that JSON has values for (`real_examples.example`);
- standard library only: whatever it needs, followed name by name through its package (`real_needs.Package.reach`);
- pure as far as can be read: nothing that it needs names what has an effect or a memory (`real_needs.EFFECTS`);
- pure as far as can be seen: in plain Python, in two processes with another hash seed, time zone, locale, folder and
  order of calls, its example calls return the same plain data four times, leave their arguments as they were, and raise
  no audit event of files, sockets or processes when they are repeated.

Example calls come from doctests where there are any with literal arguments, else from annotations, parameter names and
the strings in the function's own text, by a seeded generator; a call that raises, or returns nothing, is none.
"""

import argparse
import itertools
import json
import math
import random
import select
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from real_needs import candidates

from apigen_ray.records import Api, Source, Status
from apigen_ray.runners.base import ExecutionSpec, Outcome, Task
from apigen_ray.runners.python import PythonRunner

LIST = Path(__file__).with_suffix(".jsonl")
SAMPLE = 400
AT_MOST = 15  # functions of one distribution
CHILD = Path(__file__).with_name("real_examples.py")

DISTRIBUTIONS = """
algorithms==1.0.1 astral==3.2 babel==2.18.0 bech32==1.2.0 bracex==3.2.2 charset-normalizer==3.5.2 click==8.5.1
coloraide==8.13.1 coverage==7.17.3 cronsim==2.8 cssselect==1.6.0 dnspython==2.9.2 dunamai==1.26.5 emoji==2.16.0
fonttools==4.68.0 graphql-core==3.3.2 hatchling==1.33.0 hijridate==2.6.0 holidays==0.109 httpx==0.28.1
humanize==4.17.0 identify==2.6.20 idna==3.20 inflection==0.5.1 iso8601==2.1.0 iuliia==0.13.0 kanjize==1.6.1
langcodes==3.5.1 maidenhead==1.8.0 markdown-it-py==4.3.0 mdurl==0.1.2 mistune==3.4.0 molmass==2026.1.8 natsort==8.4.0
packageurl-python==0.17.6 packaging==26.3 pathvalidate==3.3.1 persiantools==6.2.0 pip==26.3 polyline==2.0.4
py-ecc==8.0.0 pynmeagps==1.1.8 pyotp==2.12.0 pypdf==7.1.0 pysubs2==1.8.1 python-barcode==0.16.1 rich==15.0.0
rsa==4.9.1 shamir-mnemonic==0.3.0 simplemma==2.0.0 sphinx==9.0.4 sqlglot==30.30.0 textdistance==4.6.3
tokenize-rt==6.2.0 tomli==2.5.0 tomlkit==0.15.2 traitlets==5.16.1 urllib3==2.8.0 w3lib==2.5.0 wcmatch==12.0.1
wcwidth==0.9.4 webcolors==25.10.0 websockets==17.4 xlsxwriter==3.3.1
""".split()  # permissively licensed, annotated, pure Python, and with candidates: others were left out


def ask(site: Path, orders: Sequence[dict[str, Any]], environment: dict[str, str], folder: str) -> list[Any]:
    """What child processes answer; a new one for the rest where one dies or hangs."""
    replies: list[Any] = []
    while len(replies) < len(orders):
        command = [sys.executable, "-I", "-S", "-B", str(CHILD.resolve()), str(site.resolve())]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, cwd=folder, text=True
        ) as process:
            assert process.stdin
            assert process.stdout
            for order in orders[len(replies) :]:
                try:
                    process.stdin.write(json.dumps(order) + "\n")
                    process.stdin.flush()
                except BrokenPipeError:
                    break
                line = process.stdout.readline() if select.select([process.stdout], [], [], 60)[0] else ""
                if not line:
                    break
                replies.append(json.loads(line))
            else:
                process.stdin.close()
                process.wait(60)
                return replies
            process.kill()
            replies.append("died or hung")
    return replies


def install(cache: Path, pinned: str) -> Path | None:
    """The folder of a distribution, installed alone if it is not there yet; None where pip finds no pure wheel."""
    folder = cache / pinned
    if not folder.is_dir():
        pure = ["--platform", "any", "--implementation", "py", "--abi", "none", "--only-binary", ":all:"]
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-compile", *pure, "--target"]
        made = cache / f"{pinned}.new"
        if subprocess.run([*pip, str(made), pinned], stdout=sys.stderr).returncode:
            return None
        made.rename(folder)
    return folder


def collect(cache: Path) -> None:
    """Makes the list."""
    found = []
    for pinned in DISTRIBUTIONS:
        site = install(cache, pinned)
        if site is None:
            raise SystemExit(f"{pinned} cannot be installed")
        read = candidates(site)
        calls = ask(site, read, {"TZ": "UTC", "LANG": "C"}, "/")
        tried = [one | {"calls": made} for one, made in zip(read, calls, strict=True) if isinstance(made, list)]
        tried.reverse()
        again = ask(site, tried, {"TZ": "Asia/Tokyo", "LANG": "de_DE.UTF-8"}, str(site))
        name, _, version = pinned.partition("==")
        kept = [
            {"distribution": name, "version": version, **{key: one[key] for key in ("module", "function", "calls")}}
            for one, calls in zip(tried, again, strict=True)
            if calls == one["calls"]
        ]
        found += sorted(kept, key=lambda one: (one["module"], one["function"]))
        print(f"{pinned}: read {len(read)}, called {len(tried)}, candidates {len(kept)}", file=sys.stderr, flush=True)
    drawn = draw(found)
    names = {one["distribution"] for one in drawn}
    print(f"{len(found)} candidates; drawn {len(drawn)} of {len(names)} distributions", file=sys.stderr)
    drawn.sort(key=lambda one: (one["distribution"], one["module"], one["function"]))
    LIST.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in drawn), "utf-8")


def draw(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The sample: a seeded draw in which no distribution has more than its share."""
    shuffled = list(found)
    random.Random(0).shuffle(shuffled)
    counts: Counter[str] = Counter()
    drawn: list[dict[str, Any]] = []
    for one in shuffled:
        counts[one["distribution"]] += 1
        if counts[one["distribution"]] <= AT_MOST and len(drawn) < SAMPLE:
            drawn.append(one)
    return drawn


def same(first: Any, second: Any) -> bool:
    """Whether two JSON values are the same; floats up to what a C library's last digit may differ by."""
    if isinstance(first, float) and isinstance(second, float):
        return math.isclose(first, second, rel_tol=1e-12)
    if type(first) is not type(second):
        return False
    if isinstance(first, list):
        return len(first) == len(second) and all(map(same, first, second))
    if isinstance(first, dict):
        return list(first) == list(second) and all(same(first[key], second[key]) for key in first)
    return bool(first == second)


def measure(cache: Path) -> None:
    """Runs the list through the runner and says what share of it is right."""
    listed = [json.loads(line) for line in LIST.read_text("utf-8").splitlines()]
    runner = PythonRunner(ExecutionSpec())
    failed: list[tuple[str, str, str]] = []
    for (name, version), group in itertools.groupby(listed, lambda one: (one["distribution"], one["version"])):
        site = install(cache, f"{name}=={version}")
        if site is None:
            raise SystemExit(f"{name}=={version} cannot be installed")
        functions = list(group)
        begun = time.monotonic()
        outcomes = iter(runner.run([task for one in functions for task in tasks(site, one)]))
        print(f"{name}: {time.monotonic() - begun:.1f} s", file=sys.stderr, flush=True)
        for one in functions:
            problems = [problem(next(outcomes), call["result"]) for call in one["calls"]]
            first = next(filter(None, problems), None)
            if first:
                failed.append((*first, f"{name}: {one['module']}.{one['function']}"))
    runner.close()
    for code, detail, function in sorted(failed):
        print(f"{code:16} {function}: {detail}")
    report(listed, failed)


def tasks(site: Path, one: dict[str, Any]) -> list[Task]:
    """The example calls of a function, for the runner."""
    base = site.joinpath(*one["module"].split("."))
    file = base / "__init__.py" if (base / "__init__.py").is_file() else base.with_suffix(".py")
    api = Api(one["function"], "", {}, source=Source("python", str(file), one["function"]))
    return [Task(api, json.dumps(call["arguments"])) for call in one["calls"]]


def problem(outcome: Outcome, wanted: Any) -> tuple[str, str] | None:
    """What is wrong with what became of a call, as a code and words; None where it is right."""
    if outcome.status is not Status.PASSED:
        return outcome.code, outcome.detail
    if not same(json.loads(outcome.value or ""), wanted):
        return "another result", f"{outcome.value!s:.150} for {json.dumps(wanted):.150}"
    return None


def report(listed: Sequence[dict[str, Any]], failed: Sequence[tuple[str, str, str]]) -> None:
    """Prints the counts."""
    print("\nfailures by code:", dict(Counter(code for code, _, _ in failed).most_common()) or "none")
    total = Counter(one["distribution"] for one in listed)
    bad = Counter(function.partition(":")[0] for _, _, function in failed)
    print("right by distribution:", ", ".join(f"{name} {n - bad[name]}/{n}" for name, n in sorted(total.items())))
    right = len(listed) - len(failed)
    calls = sum(len(one["calls"]) for one in listed)
    print(f"{calls} calls of {len(listed)} functions of {len(total)} distributions")
    print(f"{right} functions right: {right / len(listed):.1%}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How much ordinary code the sandbox takes.")
    parser.add_argument("command", choices=["measure", "collect"])
    parser.add_argument("--cache", type=Path, default=Path(".cache/real_functions"), help="where to install")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    (measure if options.command == "measure" else collect)(options.cache)
