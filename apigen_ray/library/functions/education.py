"""Grades, reading, numerals, verbs, books, history and learning."""

import math
import re
from datetime import date, timedelta
from typing import Literal, TypedDict

CATEGORY = "Education"

__all__ = [
    "grade_point_average",
    "irregular_verb_forms",
    "isbn_10_to_13",
    "letter_grade",
    "reading_ease",
    "reading_time",
    "required_final_score",
    "review_dates",
    "roman_numeral",
    "study_schedule",
    "us_president_on_date",
]

GRADE_POINTS = {
    "A+": 4.0,
    "A": 4.0,
    "A-": 3.7,
    "B+": 3.3,
    "B": 3.0,
    "B-": 2.7,
    "C+": 2.3,
    "C": 2.0,
    "C-": 1.7,
    "D+": 1.3,
    "D": 1.0,
    "F": 0.0,
}
NUMERALS = (
    (1000, "M"),
    (900, "CM"),
    (500, "D"),
    (400, "CD"),
    (100, "C"),
    (90, "XC"),
    (50, "L"),
    (40, "XL"),
    (10, "X"),
    (9, "IX"),
    (5, "V"),
    (4, "IV"),
    (1, "I"),
)

# Presidents of the United States since 1933 by the first day in office (whitehouse.gov, Senate list of inaugurations).
PRESIDENTS = {
    "1933-03-04": "Franklin D. Roosevelt",
    "1945-04-12": "Harry S. Truman",
    "1953-01-20": "Dwight D. Eisenhower",
    "1961-01-20": "John F. Kennedy",
    "1963-11-22": "Lyndon B. Johnson",
    "1969-01-20": "Richard Nixon",
    "1974-08-09": "Gerald Ford",
    "1977-01-20": "Jimmy Carter",
    "1981-01-20": "Ronald Reagan",
    "1989-01-20": "George H. W. Bush",
    "1993-01-20": "Bill Clinton",
    "2001-01-20": "George W. Bush",
    "2009-01-20": "Barack Obama",
    "2017-01-20": "Donald Trump",
    "2021-01-20": "Joe Biden",
}
LAST_PRESIDENT_DAY = "2025-01-19"

# Present, past and past participle.
IRREGULAR_VERBS = {
    forms.split()[0]: forms.split()[1:]
    for forms in (
        "be was been, become became become, begin began begun, bite bit bitten, break broke broken, "
        "bring brought brought, build built built, buy bought bought, catch caught caught, choose chose chosen, "
        "come came come, do did done, draw drew drawn, drink drank drunk, drive drove driven, eat ate eaten, "
        "fall fell fallen, feel felt felt, find found found, fly flew flown, forget forgot forgotten, "
        "forgive forgave forgiven, freeze froze frozen, get got got, give gave given, go went gone, grow grew grown, "
        "have had had, hear heard heard, hide hid hidden, hold held held, keep kept kept, know knew known, "
        "leave left left, lose lost lost, make made made, meet met met, pay paid paid, ride rode ridden, "
        "ring rang rung, rise rose risen, run ran run, say said said, see saw seen, sell sold sold, send sent sent, "
        "shake shook shaken, sing sang sung, sink sank sunk, sit sat sat, sleep slept slept, speak spoke spoken, "
        "spend spent spent, steal stole stolen, swim swam swum, swing swung swung, take took taken, "
        "teach taught taught, tear tore torn, tell told told, think thought thought, throw threw thrown, "
        "understand understood understood, wake woke woken, wear wore worn, win won won, write wrote written"
    ).split(", ")
}

# Days after the first lesson, each about twice as far as the one before.
REVIEW_DAYS = (1, 3, 7, 14, 30, 60, 120)


class Readability(TypedDict):
    """How easy a text is to read."""

    score: float
    level: str


class StudyPlan(TypedDict):
    """How to spread learning over days."""

    per_day: int
    days_needed: int
    minutes_per_day: float


class VerbForms(TypedDict):
    """The forms of a verb."""

    past: str
    past_participle: str


def grade_point_average(letter_grades: list[str], credits: list[float] | None = None) -> float:
    """Calculate a grade point average from letter grades.

    Args:
        letter_grades: Grades from "A+" to "F".
        credits: Credits of each course, in the same order; all count the same where left out.

    Returns:
        The average on the 4.0 scale.

    Raises:
        ValueError: There are no grades, a grade is not known, or the credits do not fit the grades.

    >>> grade_point_average(["A", "B+", "C"])
    3.1
    >>> grade_point_average(["A", "C"], credits=[3, 1])
    3.5
    """
    weights = [1.0] * len(letter_grades) if credits is None else credits
    if not letter_grades or len(weights) != len(letter_grades) or min(weights) <= 0:
        raise ValueError("at least one grade is needed, and one positive number of credits for each grade")
    unknown = [grade for grade in letter_grades if grade.upper() not in GRADE_POINTS]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is not a letter grade from A+ to F")
    points = math.fsum(
        GRADE_POINTS[grade.upper()] * weight for grade, weight in zip(letter_grades, weights, strict=True)
    )
    return round(points / math.fsum(weights), 2)


def letter_grade(score_percent: float, plus_minus: bool = False) -> str:
    """Convert a score in percent to a letter grade.

    Args:
        score_percent: Score from 0 to 100.
        plus_minus: Whether to grade with plus and minus.

    Returns:
        The grade: A from 90, B from 80, C from 70, D from 60, else F.

    Raises:
        ValueError: The score is not between 0 and 100.

    >>> letter_grade(88)
    'B'
    >>> letter_grade(88, plus_minus=True)
    'B+'
    """
    if not 0 <= score_percent <= 100:
        raise ValueError("score_percent must lie between 0 and 100")
    letter = next(
        (grade for floor, grade in ((90, "A"), (80, "B"), (70, "C"), (60, "D")) if score_percent >= floor), "F"
    )
    if not plus_minus or letter == "F":
        return letter
    within = 10.0 if score_percent == 100 else score_percent % 10
    return letter + ("+" if within >= 7 else "-" if within < 3 else "")


def required_final_score(current_percent: float, target_percent: float, final_weight_percent: float) -> float:
    """Calculate the score a student needs in the final exam to reach a target grade.

    Args:
        current_percent: Grade before the exam, in percent.
        target_percent: Grade to reach in the course, in percent.
        final_weight_percent: How much of the course grade the exam counts, in percent.

    Returns:
        The score needed, in percent; above 100 where the target cannot be reached.

    Raises:
        ValueError: The weight is not above 0 and at most 100, or a grade is negative.

    >>> required_final_score(85, 90, 40)
    97.5
    """
    if not 0 < final_weight_percent <= 100 or min(current_percent, target_percent) < 0:
        raise ValueError("final_weight_percent must be above 0 and at most 100, grades must not be negative")
    weight = final_weight_percent / 100
    return round((target_percent - current_percent * (1 - weight)) / weight, 2)


def reading_time(page_count: int, words_per_page: int = 275, words_per_minute: int = 240) -> float:
    """Estimate how many hours it takes to read a book.

    Args:
        page_count: Number of pages.
        words_per_page: Average number of words on a page.
        words_per_minute: Reading speed in words per minute.

    Returns:
        The time in hours.

    Raises:
        ValueError: A figure is not positive.

    >>> reading_time(320)
    6.11
    """
    if min(page_count, words_per_page, words_per_minute) < 1:
        raise ValueError("all figures must be positive")
    return round(page_count * words_per_page / words_per_minute / 60, 2)


def reading_ease(passage: str) -> Readability:
    """Rate how easy an English text is to read.

    Uses Flesch's reading ease, with syllables counted as groups of vowels.

    Args:
        passage: Text of at least one word.

    Returns:
        The score, mostly between 0 and 100, and a level: easy, standard or difficult.

    Raises:
        ValueError: The text has no words.

    >>> reading_ease("The cat sat on the mat.")
    {'score': 116.1, 'level': 'easy'}
    """
    words = re.findall(r"[a-z]+", passage.lower().replace("'", ""))
    if not words:
        raise ValueError("passage must hold at least one word")
    sentences = max(1, len(re.findall(r"[.!?]+", passage)))
    syllables = sum(max(1, len(re.findall(r"[aeiouy]+", re.sub(r"(?<=[^l])e$", "", word)))) for word in words)
    score = round(206.835 - 1.015 * len(words) / sentences - 84.6 * syllables / len(words), 1)
    return {"score": score, "level": "easy" if score >= 70 else "standard" if score >= 50 else "difficult"}


def roman_numeral(number: int, letter_case: Literal["upper", "lower"] = "upper") -> str:
    """Write a whole number as a Roman numeral.

    Args:
        number: Number from 1 to 3999.
        letter_case: Upper or lower case letters.

    Returns:
        The Roman numeral.

    Raises:
        ValueError: The number is not between 1 and 3999.

    >>> roman_numeral(1994)
    'MCMXCIV'
    >>> roman_numeral(14, letter_case="lower")
    'xiv'
    """
    if not 1 <= number <= 3999:
        raise ValueError("number must lie between 1 and 3999")
    numeral = ""
    for value, letters in NUMERALS:
        count, number = divmod(number, value)
        numeral += letters * count
    return numeral.lower() if letter_case == "lower" else numeral


def study_schedule(flashcards: int, days: int, seconds_per_card: int = 20) -> StudyPlan:
    """Plan how many flashcards to learn each day before an exam.

    Args:
        flashcards: Number of cards to learn.
        days: Days that are left.
        seconds_per_card: Time spent on each card, in seconds.

    Returns:
        The cards for each day, the days that they take, at most those left, and the minutes of a full day.

    Raises:
        ValueError: A figure is not positive.

    >>> study_schedule(300, 14)
    {'per_day': 22, 'days_needed': 14, 'minutes_per_day': 7.3}
    """
    if min(flashcards, days, seconds_per_card) < 1:
        raise ValueError("all figures must be positive")
    per_day = math.ceil(flashcards / days)
    return {
        "per_day": per_day,
        "days_needed": math.ceil(flashcards / per_day),
        "minutes_per_day": round(per_day * seconds_per_card / 60, 1),
    }


def us_president_on_date(historical_date: str) -> str:
    """Name the president of the United States who was in office on a day since 1933.

    Args:
        historical_date: Day as YYYY-MM-DD, from 1933-03-04 to 2025-01-19.

    Returns:
        The name of the president; on a day of change the new one.

    Raises:
        ValueError: The text is not a date, or lies outside the table.

    >>> us_president_on_date("1969-07-20")
    'Richard Nixon'
    """
    day = date.fromisoformat(historical_date).isoformat()
    if not min(PRESIDENTS) <= day <= LAST_PRESIDENT_DAY:
        raise ValueError(f"the table goes from {min(PRESIDENTS)} to {LAST_PRESIDENT_DAY}")
    return PRESIDENTS[max(first_day for first_day in PRESIDENTS if first_day <= day)]


def irregular_verb_forms(verb: str) -> VerbForms:
    """Look up the past tense and the past participle of an irregular English verb.

    Args:
        verb: The verb in its base form, for example "swim".

    Returns:
        Both forms.

    Raises:
        ValueError: The verb is not in the table.

    >>> irregular_verb_forms("swim")
    {'past': 'swam', 'past_participle': 'swum'}
    """
    forms = IRREGULAR_VERBS.get(verb.strip().lower().removeprefix("to "))
    if forms is None:
        raise ValueError(f"{verb!r} is not in the table of irregular verbs")
    return {"past": forms[0], "past_participle": forms[1]}


def isbn_10_to_13(isbn_10: str) -> str:
    """Convert the old 10-digit number of a book (ISBN) to the 13-digit one.

    Args:
        isbn_10: Ten digits, the last of which may be X; hyphens and spaces are left out.

    Returns:
        The 13 digits without hyphens.

    Raises:
        ValueError: The number has not ten digits, or its check digit is wrong.

    >>> isbn_10_to_13("0-306-40615-2")
    '9780306406157'
    """
    signs = isbn_10.replace("-", "").replace(" ", "").upper()
    if not re.fullmatch(r"[0-9]{9}[0-9X]", signs):
        raise ValueError("an ISBN-10 has ten digits, the last of which may be X")
    if sum((10 - place) * "0123456789X".index(sign) for place, sign in enumerate(signs)) % 11:
        raise ValueError("the check digit does not fit the others")
    body = "978" + signs[:9]
    return body + str(-sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body)) % 10)


def review_dates(first_lesson_date: str, review_count: int = 5) -> list[str]:
    """Plan the days on which to review what was learned, at growing distances.

    Args:
        first_lesson_date: Day on which it was learned, as YYYY-MM-DD.
        review_count: Number of reviews, from 1 to 7.

    Returns:
        The dates 1, 3, 7, 14, 30, 60 and 120 days later, as many as are wanted.

    Raises:
        ValueError: The text is not a date, or the number of reviews is not between 1 and 7.

    >>> review_dates("2024-09-02", review_count=3)
    ['2024-09-03', '2024-09-05', '2024-09-09']
    """
    if not 1 <= review_count <= len(REVIEW_DAYS):
        raise ValueError("review_count must lie between 1 and 7")
    first = date.fromisoformat(first_lesson_date)
    return [(first + timedelta(days=days)).isoformat() for days in REVIEW_DAYS[:review_count]]
