"""Runs that are killed at random and resumed must end like one that was not: ``python tests/chaos/chaos.py --runs 30``.

One uninterrupted run is the reference. Every other one is the same config in a folder of its own, with servers and a
reader of its own; it is killed once to three times, at moments and with victims drawn from the seed, and resumed until
it ends; in the first the disk is full, too, where the machine allows it. Then its samples and statuses must be those of
the reference, no reply may have been asked for twice but those in flight, the reader must have found nothing wrong at
any moment, and no process may be left. One line a run, a table at the end; exit status 1 where a promise was not kept.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from attempts import ROLES, Outcome, Run, planned
from disk import own_mounts, used
from facts import Facts, compare, read_facts
from victims import adopt_orphans

ATTEMPTS = 8
"""After as many, a run that has not ended will not."""
SMALL = 0.4
"""Of what a whole run takes on the disk: the size of one that is too small for it."""


def run_once(
    number: int, options: argparse.Namespace, folder: Path, reference: Facts | None, room: int | None
) -> tuple[Outcome, Facts]:
    """One run from start to end: the reference where there is none yet, else one that is killed.

    Args:
        number: of the run, from which its kills are drawn.
        options: of the command line.
        folder: of the run; is made.
        reference: what is to come of it.
        room: bytes that its disk has at first; None for the disk that there is.
    """
    outcome = Outcome(f"run {number}" if reference else "the reference")
    started = time.monotonic()
    kills = planned(random.Random(f"{options.seed} {number}")) if reference else []
    total = sum(len(prompts) for prompts in reference.asked.values()) if reference else 0
    run = Run(folder, options.prompts // options.rounds, options.rounds, options.limit, room)
    with run.served(outcome):
        run.attempt(kills, total, outcome)
        if reference and not outcome.kills:  # it was over before; a finished run that is resumed is killed instead
            run.attempt([replace(kills[0], victim="driver", share=0.0)], total, outcome)
        while run.directory.result().get("outcome") != "done" and len(outcome.exits) < ATTEMPTS:
            run.attempt(kills, total, outcome)
        if run.directory.result().get("outcome") != "done":
            outcome.wrong.append("it does not end")
        found = read_facts(run)
        outcome.seconds = time.monotonic() - started
        run.leave(outcome)
    compare(found, reference or found, outcome)
    return outcome, found


def main() -> int:
    """Does what the command line says; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--prompts", type=int, default=4000, help="of each run, in all its rounds")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--disk", type=int, default=1, help="the run whose disk is full; 0 for none")
    parser.add_argument("--seed", default="0", help="draws moments and victims")
    parser.add_argument("--only", type=int, help="the number of the one run to make")
    parser.add_argument("--minutes", type=float, default=60, help="no run is begun later")
    parser.add_argument("--limit", type=float, default=300, help="seconds for one attempt")
    parser.add_argument("--keep", action="store_true", help="leave the folders of all runs, not only of failed ones")
    options = parser.parse_args()
    adopt_orphans()
    mounts = bool(options.disk) and own_mounts()
    deadline = time.monotonic() + 60 * options.minutes
    base = Path(tempfile.mkdtemp(prefix="chaos-"))
    outcome, reference = run_once(0, options, base / "reference", None, None)
    print(outcome.line(), flush=True)
    verified = sum(told[0] == "verified" for told in reference.samples.values())
    if outcome.wrong or verified < len(reference.samples) / 2:
        print(f"{verified} of {len(reference.samples)} samples of the reference are verified: {base}")
        return 1
    small = int(SMALL * used(base / "reference" / "runs"))
    numbers = [options.only] if options.only else range(1, options.runs + 1)
    done: list[Outcome] = []
    for number in numbers:
        if time.monotonic() > deadline:
            break
        folder = base / f"run-{number}"
        outcome, _ = run_once(number, options, folder, reference, small if mounts and number == options.disk else None)
        print(outcome.line(), flush=True)
        done.append(outcome)
        if not (outcome.wrong or options.keep):
            shutil.rmtree(folder)
    if options.disk and not mounts:
        print("no full disk: this machine does not let us mount one")
    print_table(done)
    wrong = any(outcome.wrong for outcome in done)
    if wrong or options.keep:
        print(f"the runs lie in {base}")
    else:
        shutil.rmtree(base)
    if len(done) < len(numbers):
        print(f"{options.minutes:g} minutes are over: {len(done)} of {len(numbers)} runs were made")
    return 1 if wrong or len(done) < len(numbers) else 0


def print_table(done: Sequence[Outcome]) -> None:
    """Kills by victim and signal over all runs, what they cost, and the runs that did not keep a promise."""
    hits = Counter((kill.victim, kill.name) for outcome in done for kill in outcome.kills)
    print("\nvictim    by        kills")
    for (victim, name), times in sorted(hits.items()):
        print(f"{victim:<9} {name:<9} {times:>5}")
    for role in ROLES:
        again = [outcome.again[role] for outcome in done]
        print(f"asked again of the {role}: {sum(again)} replies in all, at most {max(again, default=0)} in one run")
    wrong = [outcome for outcome in done if outcome.wrong]
    attempts, looks = sum(len(outcome.exits) for outcome in done), sum(outcome.looks for outcome in done)
    print(f"{len(done)} runs, {sum(hits.values())} kills, {attempts} attempts, {looks} looks: {len(wrong)} wrong")
    for outcome in wrong:
        print(outcome.line())


if __name__ == "__main__":
    sys.exit(main())
