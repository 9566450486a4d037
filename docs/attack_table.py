"""Writes the table of attacks into ``security.md`` by making them (``make docs``); a test compares it."""

import importlib.util
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

PAGE = Path(__file__).with_name("security.md")
BEGIN, END = "<!-- attacks: written by docs/attack_table.py -->\n", "<!-- end of attacks -->\n"
NOBODY = 65534
LAYERS = ("rlimits", "landlock", "seccomp")
HEAD = "| attack | what is tried | rlimits | Landlock | seccomp | all three | succeeds with these off |\n"
NAMES = {"rlimits": "rlimits", "landlock": "Landlock", "seccomp": "seccomp"}

Outcomes = Mapping[str, Mapping[str, str]]
"""By attack and setting, see ``tests/security/attacks.py``."""


def attacks() -> ModuleType:
    """The module of the attacks; they are part of the tests, not of the package."""
    known = sys.modules.get("attacks")
    if known is not None:
        return known
    path = PAGE.parents[1] / "tests" / "security" / "attacks.py"
    spec = importlib.util.spec_from_file_location("attacks", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules["attacks"] = module  # dataclasses look it up
    spec.loader.exec_module(module)
    return module


def outcomes() -> Outcomes:
    """Makes the attacks as a user without rights, as Ray workers should run; takes some seconds."""
    found: Outcomes = attacks().table(NOBODY if os.geteuid() == 0 else None)
    return found


def rows(outcomes: Outcomes) -> dict[str, str]:
    """A row for each attack that succeeds where no wall stands, by its name."""
    told = {attack.name: attack.what for attack in attacks().ATTACKS}
    found = {}
    for name, row in outcomes.items():
        if row["none"] != "succeeded":
            continue
        stops = [NAMES[layer] for layer in LAYERS if row[layer] != "succeeded"]
        off = " and ".join(stops) if row["others"] == "succeeded" else "NOT SHOWN"
        cells = [name, told[name], *(_cell(row[layer]) for layer in (*LAYERS, "all")), off]
        found[name] = f"| {' | '.join(cells)} |\n"
    return found


def table(outcomes: Outcomes) -> str:
    """The whole table."""
    found = rows(outcomes)
    return f"{HEAD}{'|---' * HEAD.count(' | ')}|---|\n{''.join(found.values())}"


def _cell(outcome: str) -> str:
    """What a layer alone makes of an attack."""
    if outcome == "succeeded":
        return "-"
    kind, _, words = outcome.partition(": ")
    return words if kind == "killed" else words.partition(" ")[0]


def main() -> None:
    """Puts the table between its marks."""
    before, rest = PAGE.read_text("utf-8").split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}{table(outcomes())}{END}{rest.partition(END)[2]}", "utf-8")
    sys.stdout.write(f"{PAGE}\n")


if __name__ == "__main__":
    main()
