"""Under which licences a data set is published: its own, as it is told, and what is known to bind those who use it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from apigen_ray.errors import InputError
from apigen_ray.hub.origins import UNTOLD, Origin
from apigen_ray.sections import nearest

_IDS = """
afl-3.0 agpl-3.0 apache-2.0 apple-amlr apple-ascl artistic-2.0 bigcode-openrail-m bigscience-bloom-rail-1.0
bigscience-openrail-m bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0 creativeml-openrail-m
c-uda cc cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0
cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0 cdla-permissive-1.0
cdla-permissive-2.0 cdla-sharing-1.0 deepfloyd-if-license ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2
fair-noncommercial-research-license gemma gfdl gpl gpl-2.0 gpl-3.0 intel-research isc lgpl lgpl-2.1 lgpl-3.0 lgpl-lr
llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 lppl-1.3c mit mpl-2.0 ms-pl ncsa odbl odc-by ofl-1.1
openrail openrail++ osl-3.0 pddl postgresql unlicense wtfpl zlib
"""
HUB_IDS = frozenset(_IDS.split())
"""Licences that a card's head can name by an id of the Hub's; any other is ``other``, with a name of its own."""

_NOTES = (
    (
        r"(meta-)?llama-?[23](-.*)?",
        "Its section 1.b forbids to improve with its outputs any large language model but the one that it is of, and "
        "what is derived from that.",
    ),
    (
        r"(meta-)?llama-?(3\.[123]|4)(-.*)?",
        "Its section 1.b asks that the name of a model which its outputs helped to train, and which is passed on, "
        'begins with "Llama".',
    ),
    (
        r"gemma.*",
        "Its terms count a model that is trained on its outputs to perform alike as a derivative, and bind it, "
        "use restrictions included.",
    ),
    (r".*\bnc\b.*|.*non-?commercial.*", "It does not allow commercial use."),
    (r"cc-by-(nc-)?nd\b.*", "It does not allow adapted versions to be passed on."),
    (
        r".*openrail.*|.*-rail-.*",
        "RAIL licences count a model that is trained on outputs to perform alike as a derivative, and have their use "
        "restrictions passed on with it.",
    ),
    (
        r"(cc-by-(nc-)?sa|odbl|gfdl|cdla-sharing)\b.*",
        "What is adapted from it has to be passed on under the same licence.",
    ),
    (r"a?gpl\b.*", "What is derived from it is to be passed on under the same licence, with its source."),
)


@dataclass(frozen=True)
class Licences:
    """What ``--license`` says.

    Attributes:
        own: the data set's own.
        told: of models and sources, by their names.
    """

    own: str | None
    told: Mapping[str, str]

    @classmethod
    def parse(cls, words: Iterable[str]) -> "Licences":
        """Reads ``LICENCE`` (the data set's own) and ``NAME=LICENCE`` words.

        Raises:
            InputError: a word without a licence, or two that say the same thing.
        """
        own, told = None, dict[str, str]()
        for word in words:
            name, equals, licence = (part.strip() for part in word.rpartition("="))
            if licence.lower() in UNTOLD or (equals and not name):
                raise InputError(f"--license: {word!r} names no licence", "for example --license my-model=mit")
            if (own if not equals else told.get(name)) not in (None, licence):
                raise InputError(f"--license: {name or 'the data set'} has two licences", "give it one")
            if equals:
                told[name] = licence
            else:
                own = licence
        return cls(own, told)

    def check(self, origins: Iterable[Origin]) -> str:
        """The data set's own licence, once every other one is known too.

        Raises:
            InputError: names what has no licence, and each word of the command line that would give it one.
        """
        origins = list(origins)
        names = sorted({name for origin in origins for name in origin.names})
        for name in self.told:
            if name not in names:
                raise InputError(
                    f"--license: the run has no model or source {name!r}{nearest(name, names)}",
                    f"it has: {', '.join(names)}",
                )
        missing = [origin for origin in origins if origin.licence is None and origin.published]
        words = [f"--license {origin.name}=LICENCE" for origin in missing]
        faults = [f"the licence of the {origin.role} {origin.name} is not known ({origin.by})" for origin in missing]
        if self.own is None:
            parts = sorted({origin.licence for origin in origins if origin.licence and origin.published})
            known = f"; under {', '.join(parts)} is what is in it" if parts else ""
            faults.append(f"the data set's own licence is yours to say{known}")
            words.append("--license LICENCE")
        if faults or self.own is None:
            raise InputError("; ".join(faults), f"say it: {' '.join(words)}")
        return self.own


def restriction(licence: str) -> str:
    """What a licence is known to ask of those who use the rows; "" where nothing is known: it may still ask for it."""
    word = re.sub(r"\s+", "-", licence.strip().lower())
    return " ".join(note for pattern, note in _NOTES if re.fullmatch(pattern, word))


def head_of(licence: str) -> dict[str, str]:
    """How a card's head names a licence."""
    word = re.sub(r"\s+", "-", licence.strip().lower())
    return {"license": word} if word in HUB_IDS else {"license": "other", "license_name": word}
