"""Ciphers, codes, spelling, greetings and the measure of messages."""

import math
import re
from collections import Counter
from typing import Literal, TypedDict

CATEGORY = "Communication"

__all__ = [
    "caesar_cipher",
    "expand_chat_abbreviations",
    "morse_code",
    "most_common_words",
    "phone_keypad_digits",
    "pig_latin",
    "radio_q_code",
    "sms_message_parts",
    "spell_phonetically",
    "text_statistics",
    "translate_greeting",
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

# The letters on the keys of a telephone (ITU-T E.161).
KEYPAD = {
    letter: str(key)
    for key, letters in enumerate("ABC DEF GHI JKL MNO PQRS TUV WXYZ".split(), start=2)
    for letter in letters
}

# Q codes of radio (ITU-R M.1172): as a question, and as an answer or advice.
Q_CODES = {
    "QRL": ("Are you busy?", "I am busy."),
    "QRM": ("Is my transmission being interfered with?", "Your transmission is being interfered with."),
    "QRN": ("Are you troubled by static?", "I am troubled by static."),
    "QRO": ("Shall I increase transmitter power?", "Increase transmitter power."),
    "QRP": ("Shall I decrease transmitter power?", "Decrease transmitter power."),
    "QRQ": ("Shall I send faster?", "Send faster."),
    "QRS": ("Shall I send more slowly?", "Send more slowly."),
    "QRT": ("Shall I stop sending?", "Stop sending."),
    "QRU": ("Have you anything for me?", "I have nothing for you."),
    "QRV": ("Are you ready?", "I am ready."),
    "QRX": ("When will you call me again?", "I will call you again at the time given."),
    "QRZ": ("Who is calling me?", "You are being called by the station named."),
    "QSB": ("Are my signals fading?", "Your signals are fading."),
    "QSL": ("Can you acknowledge receipt?", "I am acknowledging receipt."),
    "QSO": ("Can you communicate with the station named?", "I can communicate with the station named."),
    "QSY": ("Shall I change to another frequency?", "Change to another frequency."),
    "QTH": ("What is your position?", "My position is as given."),
    "QTR": ("What is the correct time?", "The correct time is as given."),
}

ABBREVIATIONS = {
    "afk": "away from keyboard",
    "asap": "as soon as possible",
    "bff": "best friends forever",
    "brb": "be right back",
    "btw": "by the way",
    "fyi": "for your information",
    "gtg": "got to go",
    "idk": "I don't know",
    "imo": "in my opinion",
    "irl": "in real life",
    "jk": "just kidding",
    "lmk": "let me know",
    "lol": "laughing out loud",
    "np": "no problem",
    "nvm": "never mind",
    "omg": "oh my god",
    "omw": "on my way",
    "tbh": "to be honest",
    "thx": "thanks",
    "ttyl": "talk to you later",
    "yw": "you're welcome",
}

GREETINGS = ("hello", "good morning", "thank you", "goodbye", "cheers")
# In this order; Japanese and Korean in Latin letters.
GREETINGS_IN = {
    "danish": ("hej", "godmorgen", "tak", "farvel", "skål"),
    "dutch": ("hallo", "goedemorgen", "dank je", "tot ziens", "proost"),
    "french": ("bonjour", "bonjour", "merci", "au revoir", "santé"),
    "german": ("hallo", "guten Morgen", "danke", "auf Wiedersehen", "prost"),
    "italian": ("ciao", "buongiorno", "grazie", "arrivederci", "salute"),
    "japanese": ("konnichiwa", "ohayō gozaimasu", "arigatō", "sayōnara", "kanpai"),
    "korean": ("annyeonghaseyo", "joeun achim", "gamsahamnida", "annyeonghi gaseyo", "geonbae"),
    "polish": ("cześć", "dzień dobry", "dziękuję", "do widzenia", "na zdrowie"),
    "portuguese": ("olá", "bom dia", "obrigado", "adeus", "saúde"),
    "spanish": ("hola", "buenos días", "gracias", "adiós", "salud"),
    "swedish": ("hej", "god morgon", "tack", "hej då", "skål"),
}


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


def phone_keypad_digits(vanity_number: str) -> str:
    """Convert a phone number with letters, such as 1-800-FLOWERS, to the digits to dial.

    Args:
        vanity_number: Phone number or word of letters, digits, spaces and signs.

    Returns:
        The same text with each letter replaced by the digit of its key.

    Raises:
        ValueError: The text has no letter or digit.

    >>> phone_keypad_digits("1-800-FLOWERS")
    '1-800-3569377'
    """
    if not any(sign.isascii() and sign.isalnum() for sign in vanity_number):
        raise ValueError("vanity_number must hold at least one letter or digit")
    return "".join(KEYPAD.get(sign, sign) for sign in vanity_number.upper())


def radio_q_code(code: str, as_question: bool = False) -> str:
    """Explain a Q code of amateur and maritime radio, for example QTH.

    Args:
        code: The three letters of the code, which begin with Q.
        as_question: Whether the code is sent as a question.

    Returns:
        What the code says.

    Raises:
        ValueError: The code is not in the table.

    >>> radio_q_code("QRS")
    'Send more slowly.'
    >>> radio_q_code("QTH", as_question=True)
    'What is your position?'
    """
    meaning = Q_CODES.get(code.strip().upper())
    if meaning is None:
        raise ValueError(f"{code!r} is not a known Q code")
    return meaning[0] if as_question else meaning[1]


def expand_chat_abbreviations(chat_message: str) -> str:
    """Write out the abbreviations in a chat message, such as brb or ttyl.

    Args:
        chat_message: Message with abbreviations.

    Returns:
        The message with every abbreviation that is known written out.

    >>> expand_chat_abbreviations("brb, omw to the shop")
    'be right back, on my way to the shop'
    """
    return re.sub(r"\w+", lambda word: ABBREVIATIONS.get(word[0].lower(), word[0]), chat_message)


def translate_greeting(
    greeting: Literal["hello", "good morning", "thank you", "goodbye", "cheers"],
    language: Literal[
        "danish",
        "dutch",
        "french",
        "german",
        "italian",
        "japanese",
        "korean",
        "polish",
        "portuguese",
        "spanish",
        "swedish",
    ],
) -> str:
    """Translate a greeting or a polite word to another language.

    Args:
        greeting: What to say, in English.
        language: Language to say it in.

    Returns:
        The greeting in that language, in Latin letters.

    >>> translate_greeting("thank you", "spanish")
    'gracias'
    """
    return GREETINGS_IN[language][GREETINGS.index(greeting)]
