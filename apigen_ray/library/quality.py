"""What a library's entry must have, and what makes a description noise; plain rules, no model (paper, section 3.1)."""

import re

from apigen_ray.library.base import takes_arguments
from apigen_ray.records import Api

CODES = ("no_parameters", "no_description", "duplicate")
"""Why an entry is not good enough, beside what its source could not read."""

LONGEST = 600
"""Characters of a description; a longer one is a page of its documentation."""

_WORD = re.compile(r"[^\W\d_]{2,}")
_NOISE = (
    (re.compile(r"</?[a-zA-Z][^<>]*>|&[a-z]{2,8};|&#\d+;"), "it holds HTML"),
    (re.compile(r"```|\]\(|^#{1,6} |\*\*|\|-{3}", re.MULTILINE), "it holds Markdown"),
    (re.compile(r"https?://|www\."), "it holds a link"),
    (re.compile(r"\ufffd|Ã.|â€"), "it was decoded wrongly"),
    (
        re.compile(r"\b(todo|tbd|fixme|lorem ipsum|no description|description here|coming soon)\b", re.I),
        "it says nothing",
    ),
)


def complaint(api: Api, min_words: int) -> tuple[str, str] | None:
    """Code and words of what keeps an entry out of a library, as far as it alone can tell; None where nothing does.

    Args:
        api: the entry.
        min_words: that a description must have; 0 where one is to be written.
    """
    if not takes_arguments(api):
        return "no_parameters", "it has no parameters that a model could fill in"
    if len(_words(api.description)) < min_words:
        return (
            "no_description",
            f"{api.description[:60]!r} has fewer than {min_words} words" if api.description else "none",
        )
    return None


def noise(api: Api, min_words: int) -> str:
    """What is wrong with a description that a model is to learn from, in words; "" where it may stay as it is."""
    text = api.description
    words = _words(text)
    if len(words) < min_words:
        return "it is missing" if not words else f"it has fewer than {min_words} words"
    if "".join(words).casefold() == "".join(_WORD.findall(api.name)).casefold():
        return "it only says the name"
    if len(text) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    return next((words for pattern, words in _NOISE if pattern.search(text)), "")


def _words(text: str) -> list[str]:
    return _WORD.findall(text)
