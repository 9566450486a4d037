"""Makes up a text that a regular expression matches: of those in JSON Schemas, ECMA-262, what they really use."""

import random
import re

MOST = 4
"""Further repeats, at most, of what may be repeated without a bound."""
LONGEST = 4096
"""Characters of a text."""

_CLASSES = {"d": "0123456789", "w": "abcdefghijklmnopqrstuvwxyz0123456789", "s": " "}
_NOT = {"D": "abcxyz", "W": "-.", "S": "abcxyz0189"}
_CONTROL = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}
_ANY = "abcdefghijklmnopqrstuvwxyz"
_COMMON = _ANY + _ANY.upper() + "0123456789 -_.,:/@#+"
_COUNT = re.compile(r"\{(\d{1,6})(,(\d{0,6}))?\}")
_GROUP = re.compile(r"\?(?:[:=!]|<[=!]|<[A-Za-z]\w*>)")


class PatternError(ValueError):
    """A regular expression for which no text can be made."""


def matching(pattern: str, rng: random.Random) -> str:
    """A text that a regular expression matches, as a rule: what it says by looking ahead or back is left out.

    Args:
        pattern: to be matched anywhere in a text, as JSON Schema means it.
        rng: chooses.

    Raises:
        PatternError: there is no such text, or it would be too long.
    """
    made = _Sampler(pattern, rng)
    text = made.alternatives()
    if made.at < len(pattern):
        raise PatternError(f"unbalanced at {made.at}: {pattern[:100]}")
    return text


class _Sampler:
    def __init__(self, pattern: str, rng: random.Random) -> None:
        self.text = pattern
        self.rng = rng
        self.at = 0

    def alternatives(self) -> str:
        found = [self.sequence()]
        while self._take("|"):
            found.append(self.sequence())
        return self.rng.choice(found)

    def sequence(self) -> str:
        out = ""
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            start = self.at
            piece = self.atom()
            end = self.at
            low, high = self._repeats()
            after = self.at
            for number in range(self.rng.randint(low, high)):
                if number:  # each repeat is drawn anew
                    self.at = start
                    piece = self.atom()
                out += piece
                if len(out) > LONGEST:
                    raise PatternError("too long")
            self.at = max(end, after)
        return out

    def atom(self) -> str:
        char = self._next()
        if char == "(":
            told = _GROUP.match(self.text, self.at)
            looks = told is not None and told[0] in ("?=", "?!", "?<=", "?<!")
            self.at = told.end() if told else self.at
            inner = self.alternatives()
            if not self._take(")"):
                raise PatternError("an open group")
            return "" if looks else inner
        if char == "[":
            return self.rng.choice(self._set())
        if char == "\\":
            return self.rng.choice(self._escape() or [""])
        if char == ".":
            return self.rng.choice(_ANY)
        return "" if char in "^$" else char

    def _set(self) -> list[str]:
        but = self._take("^")
        found: list[str] = []
        while not self._take("]"):
            first = self._member()
            if self.text.startswith("-", self.at) and not self.text.startswith("-]", self.at) and len(first) == 1:
                self.at += 1
                last = self._member()
                if len(last) != 1 or last[0] < first[0]:
                    raise PatternError("a range without an order")
                span = range(ord(first[0]), min(ord(last[0]), ord(first[0]) + 255) + 1)
                found += [chr(code) for code in span if chr(code).isprintable()] or first
            else:
                found += first
        plain = [char for char in (_COMMON if but else found) if but is False or char not in found]
        if not plain:
            raise PatternError("an empty set")
        return [char for char in plain if char.isascii() and char.isprintable()] or plain

    def _member(self) -> list[str]:
        char = self._next()
        return self._escape() if char == "\\" else [char]

    def _escape(self) -> list[str]:
        char = self._next()
        if char in "bB":
            return []
        if char in "pP" and (told := re.compile(r"\{\^?(\w+)[^}]*\}").match(self.text, self.at)):
            self.at = told.end()
            return {"N": ["7"], "Z": [" "], "P": ["."], "S": ["+"]}.get(told[1][0], ["a"])
        if char in "xu":
            digits = re.compile(r"[0-9a-fA-F]{2}" if char == "x" else r"[0-9a-fA-F]{4}").match(self.text, self.at)
            if digits is None:
                raise PatternError("an escape without digits")
            self.at = digits.end()
            code = int(digits[0], 16)
            return [chr(code)] if not 0xD800 <= code <= 0xDFFF else ["a"]
        if char in _CONTROL:
            return [_CONTROL[char]]
        if char.isdigit():
            raise PatternError("it refers back to a group")
        return list(_CLASSES.get(char) or _NOT.get(char) or char)

    def _repeats(self) -> tuple[int, int]:
        told = _COUNT.match(self.text, self.at)
        if told is not None:
            self.at = told.end()
            low = int(told[1])
            high = low if told[2] is None else int(told[3]) if told[3] else low + MOST
        elif self._take("*"):
            low, high = 0, MOST
        elif self._take("+"):
            low, high = 1, MOST
        elif self._take("?"):
            low, high = 0, 1
        else:
            return 1, 1
        self._take("?")  # how greedy it is does not matter here
        if high < low or low > LONGEST:
            raise PatternError("it repeats too much")
        return low, min(high, low + MOST)

    def _next(self) -> str:
        if self.at >= len(self.text):
            raise PatternError("it ends too early")
        self.at += 1
        return self.text[self.at - 1]

    def _take(self, char: str) -> bool:
        there = self.text.startswith(char, self.at)
        self.at += there
        return there
