"""What a stage's codes mean, out of the verifiers' own docstrings."""

import inspect
import re
from functools import cache

from apigen_ray.verifiers import VERIFIERS

ENTRY = re.compile(
    r"^ *(?:- )?``(?P<code>\w+)``(?: \(status ``(?P<status>\w+)``\))?: "
    r"(?P<text>.+(?:\n(?! *(?:- )?``\w+``[:( ]).+)*)",
    re.MULTILINE,
)
"""A code in a docstring: its name, its status where that is not ``rejected``, and when it is given, with an example."""

_EXAMPLE = re.compile(r": (?=``|\")|; (?=the one code)")


@cache
def meanings() -> dict[tuple[str, str], str]:
    """When a stage gives a code, by both names, without the example; codes that have only an example are left out."""
    found: dict[tuple[str, str], str] = {}
    for verifier in VERIFIERS:
        for match in ENTRY.finditer(inspect.getdoc(verifier) or ""):
            text = _EXAMPLE.split(" ".join(match["text"].split()))[0].rstrip(".")
            if " " in text and not text.startswith(("``", '"')):
                found[verifier.name, match["code"]] = text.replace("``", "")
    return found
