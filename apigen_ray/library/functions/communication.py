"""Ciphers, codes, spelling and the measure of messages."""

import math
import re
from collections import Counter
from typing import Literal, TypedDict

CATEGORY = "Communication"

__all__ = [
    "caesar_cipher",
    "morse_code",
    "most_common_words",
    "pig_latin",
    "sms_message_parts",
    "spell_phonetically",
    "text_statistics",
]

MORSE = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
        (
            ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- "
            "--.. ----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----."
        ).split(),
        strict=True,
    )
)
PHONETIC = (
    "Alfa Bravo Charlie Delta Echo Foxtrot Golf Hotel India Juliett Kilo Lima Mike November Oscar Papa Quebec Romeo "
    "Sierra Tango Uniform Victor Whiskey X-ray Yankee Zulu"
).split()
DIGIT_WORDS = "Zero One Two Three Four Five Six Seven Eight Nine".split()


class MessageParts(TypedDict):
    """How a text message is sent."""

    characters: int
    parts: int
    left_in_last_part: int


class TextStatistics(TypedDict):
    """The measure of a text."""

    characters: int
    words: int
    sentences: int
    average_word_length: float


def caesar_cipher(message: str, shift: int, direction: Literal["encrypt", "decrypt"] = "encrypt") -> str:
    """Encrypt or decrypt a message with the Caesar cipher.

    Args:
        message: Text to encrypt or decrypt.
        shift: By how many letters the alphabet is shifted.
        direction: Whether to encrypt or to decrypt.

    Returns:
        The text with its letters A to Z shifted and everything else as it was.

    >>> caesar_cipher("Hello, World!", 3)
    'Khoor, Zruog!'
    >>> caesar_cipher("Khoor", 3, direction="decrypt")
    'Hello'
    """
    steps = shift if direction == "encrypt" else -shift

    def moved(sign: str) -> str:
        if not (sign.isascii() and sign.isalpha()):
            return sign
        first = ord("A" if sign.isupper() else "a")
        return chr((ord(sign) - first + steps) % 26 + first)

    return "".join(map(moved, message))


def morse_code(message: str) -> str:
    """Translate a short message into Morse code.

    Args:
        message: Text of letters, digits and spaces; other characters are left out.

    Returns:
        Dots and dashes, with a space between letters and " / " between words.

    Raises:
        ValueError: The text has no letter or digit.

    >>> morse_code("SOS")
    '... --- ...'
    >>> morse_code("Hi you")
    '.... .. / -.-- --- ..-'
    """
    words = [[MORSE[sign] for sign in word if sign in MORSE] for word in message.upper().split()]
    if not any(words):
        raise ValueError("message must hold at least one letter or digit")
    return " / ".join(" ".join(word) for word in words if word)


def spell_phonetically(word: str) -> list[str]:
    """Spell a word or code with the NATO phonetic alphabet.

    Args:
        word: Letters and digits to spell; other characters are left out.

    Returns:
        One word for each letter or digit.

    Raises:
        ValueError: The text has no letter or digit.

    >>> spell_phonetically("BX7")
    ['Bravo', 'X-ray', 'Seven']
    """
    signs = [sign for sign in word.upper() if sign.isascii() and sign.isalnum()]
    if not signs:
        raise ValueError("word must hold at least one letter or digit")
    return [DIGIT_WORDS[int(sign)] if sign.isdigit() else PHONETIC[ord(sign) - ord("A")] for sign in signs]


def sms_message_parts(message: str) -> MessageParts:
    """Count how many SMS parts a text message needs.

    Args:
        message: Text of the message.

    Returns:
        Its characters, the parts, and the characters that are left in the last part: 160 fit in a single
        message and 153 in each part of a longer one; 70 and 67 where a character lies outside ASCII.

    Raises:
        ValueError: The message is empty.

    >>> sms_message_parts("Running late, see you at eight")
    {'characters': 30, 'parts': 1, 'left_in_last_part': 130}
    >>> sms_message_parts("a" * 200)["parts"]
    2
    """
    if not message:
        raise ValueError("message must not be empty")
    single, part = (160, 153) if message.isascii() else (70, 67)
    length = len(message)
    if length <= single:
        return {"characters": length, "parts": 1, "left_in_last_part": single - length}
    parts = math.ceil(length / part)
    return {"characters": length, "parts": parts, "left_in_last_part": parts * part - length}


def text_statistics(text: str) -> TextStatistics:
    """Count the characters, words and sentences of a text.

    Args:
        text: Text to measure.

    Returns:
        The counts and the average length of a word.

    Raises:
        ValueError: The text has no words.

    >>> text_statistics("Call me later. I am busy!")
    {'characters': 25, 'words': 6, 'sentences': 2, 'average_word_length': 3.0}
    """
    words = re.findall(r"[^\W_]+(?:'[^\W_]+)*", text)
    if not words:
        raise ValueError("text must hold at least one word")
    return {
        "characters": len(text),
        "words": len(words),
        "sentences": max(1, len(re.findall(r"[.!?]+", text))),
        "average_word_length": round(sum(map(len, words)) / len(words), 2),
    }


def most_common_words(text: str, top_count: int = 3) -> dict[str, int]:
    """Find the words that occur most often in a text.

    Args:
        text: Text to search.
        top_count: How many words to give back.

    Returns:
        How often each word occurs, most frequent first; equally frequent words in the order of the text.

    Raises:
        ValueError: The number of words to give back is not positive.

    >>> most_common_words("the dog and the cat and the bird", top_count=2)
    {'the': 3, 'and': 2}
    """
    if top_count < 1:
        raise ValueError("top_count must be at least 1")
    return dict(Counter(re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.lower())).most_common(top_count))


def pig_latin(phrase: str) -> str:
    """Translate an English phrase into Pig Latin.

    Args:
        phrase: Words to translate.

    Returns:
        The phrase in lower case, without punctuation.

    Raises:
        ValueError: The phrase has no words.

    >>> pig_latin("three happy apples")
    'eethray appyhay applesway'
    """
    words = re.findall(r"[a-z']+", phrase.lower())
    if not words:
        raise ValueError("phrase must hold at least one word")

    def translated(word: str) -> str:
        match = re.match(r"(?:[^aeiou]*qu|y(?=[aeiou])[^aeiouy]*|[^aeiouy]+)", word)
        return word + "way" if match is None else word[match.end() :] + match.group() + "ay"

    return " ".join(map(translated, words))
