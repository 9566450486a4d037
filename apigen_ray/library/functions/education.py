"""Grades, reading, numerals and learning."""

import math
import re
from typing import Literal, TypedDict

CATEGORY = "Education"

__all__ = [
    "grade_point_average",
    "letter_grade",
    "reading_ease",
    "reading_time",
    "required_final_score",
    "roman_numeral",
    "study_schedule",
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


class Readability(TypedDict):
    """How easy a text is to read."""

    score: float
    level: str


class StudyPlan(TypedDict):
    """How to spread learning over days."""

    per_day: int
    days_needed: int
    minutes_per_day: float


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
