"""Body measures, energy, pulse, sleep and pregnancy."""

from datetime import date, time, timedelta
from typing import Literal, TypedDict

CATEGORY = "Health"

__all__ = [
    "bedtime_options",
    "body_mass_index",
    "calories_burned",
    "daily_calorie_need",
    "daily_water_intake",
    "heart_rate_zone",
    "pregnancy_due_date",
]

ACTIVITY_FACTOR = {"sedentary": 1.2, "light": 1.375, "moderate": 1.55, "active": 1.725, "very active": 1.9}
GOAL_CALORIES = {"lose weight": -500, "maintain weight": 0, "gain weight": 500}
# Metabolic equivalents: energy as a multiple of resting.
METABOLIC_EQUIVALENT = {
    "walking": 3.5,
    "running": 9.8,
    "cycling": 7.5,
    "swimming": 6.0,
    "yoga": 2.5,
    "dancing": 5.0,
    "hiking": 6.0,
    "rowing": 7.0,
}
ZONES = {
    "easy": (0.5, 0.6),
    "fat burning": (0.6, 0.7),
    "aerobic": (0.7, 0.8),
    "threshold": (0.8, 0.9),
    "maximum": (0.9, 1.0),
}


class BodyMass(TypedDict):
    """A body mass index and what it means."""

    bmi: float
    category: str


class HeartRates(TypedDict):
    """The bounds of a training zone."""

    lower_bpm: int
    upper_bpm: int


class DueDate(TypedDict):
    """The dates of a pregnancy."""

    conception_date: str
    due_date: str


def body_mass_index(
    weight_kg: float, height_cm: float, population: Literal["general", "asian"] = "general"
) -> BodyMass:
    """Calculate the body mass index (BMI) of an adult.

    Args:
        weight_kg: Weight in kilograms.
        height_cm: Height in centimeters.
        population: Whose limits are used for the category: those for adults in general, or the lower ones that
            the World Health Organization names for Asian adults.

    Returns:
        The index and its category: underweight, normal, overweight or obese.

    Raises:
        ValueError: The weight or the height is not positive.

    >>> body_mass_index(70, 175)
    {'bmi': 22.9, 'category': 'normal'}
    >>> body_mass_index(72, 175, population="asian")
    {'bmi': 23.5, 'category': 'overweight'}
    """
    if weight_kg <= 0 or height_cm <= 0:
        raise ValueError("weight_kg and height_cm must be positive")
    bmi = weight_kg / (height_cm / 100) ** 2
    over, obese = (23, 27.5) if population == "asian" else (25, 30)
    category = "underweight" if bmi < 18.5 else "normal" if bmi < over else "overweight" if bmi < obese else "obese"
    return {"bmi": round(bmi, 1), "category": category}


def daily_calorie_need(
    weight_kg: float,
    height_cm: float,
    age: int,
    sex: Literal["female", "male"],
    activity: Literal["sedentary", "light", "moderate", "active", "very active"] = "moderate",
    goal: Literal["lose weight", "maintain weight", "gain weight"] = "maintain weight",
) -> int:
    """Estimate how many calories a person needs each day.

    Uses the equation of Mifflin and St Jeor.

    Args:
        weight_kg: Weight in kilograms.
        height_cm: Height in centimeters.
        age: Age in years.
        sex: Sex, which shifts the basic need.
        activity: How active the person is.
        goal: Whether to lose, maintain or gain weight.

    Returns:
        Kilocalories for each day, rounded.

    Raises:
        ValueError: A figure is not positive, or the age is above 120.

    >>> daily_calorie_need(70, 175, 30, "male")
    2556
    >>> daily_calorie_need(60, 165, 40, "female", activity="light", goal="lose weight")
    1247
    """
    if weight_kg <= 0 or height_cm <= 0 or not 0 < age <= 120:
        raise ValueError("weight_kg, height_cm and age must be positive, and age at most 120")
    resting = 10 * weight_kg + 6.25 * height_cm - 5 * age + (5 if sex == "male" else -161)
    return round(resting * ACTIVITY_FACTOR[activity]) + GOAL_CALORIES[goal]


def calories_burned(
    exercise: Literal["walking", "running", "cycling", "swimming", "yoga", "dancing", "hiking", "rowing"],
    duration_minutes: int,
    weight_kg: float,
) -> int:
    """Estimate the calories that a person burns during exercise.

    Args:
        exercise: Kind of exercise, at an average effort.
        duration_minutes: How long it lasts, in minutes.
        weight_kg: Weight of the person in kilograms.

    Returns:
        Kilocalories, rounded.

    Raises:
        ValueError: The time or the weight is not positive.

    >>> calories_burned("running", 30, 70)
    360
    """
    if duration_minutes <= 0 or weight_kg <= 0:
        raise ValueError("duration_minutes and weight_kg must be positive")
    return round(METABOLIC_EQUIVALENT[exercise] * 3.5 * weight_kg / 200 * duration_minutes)


def heart_rate_zone(
    age: int,
    zone: Literal["easy", "fat burning", "aerobic", "threshold", "maximum"],
    resting_heart_rate: int | None = None,
) -> HeartRates:
    """Calculate the heart rates between which to train for a training zone.

    Args:
        age: Age in years.
        zone: Training zone.
        resting_heart_rate: Pulse at rest in beats per minute; where given, Karvonen's method is used.

    Returns:
        The lowest and the highest heart rate of the zone, with 220 minus the age as the maximum.

    Raises:
        ValueError: The age is not 1 to 120, or the pulse at rest is not 30 to 100.

    >>> heart_rate_zone(40, "aerobic")
    {'lower_bpm': 126, 'upper_bpm': 144}
    >>> heart_rate_zone(40, "aerobic", resting_heart_rate=60)
    {'lower_bpm': 144, 'upper_bpm': 156}
    """
    if not 1 <= age <= 120 or (resting_heart_rate is not None and not 30 <= resting_heart_rate <= 100):
        raise ValueError("age must lie between 1 and 120, the pulse at rest between 30 and 100")
    rest = resting_heart_rate or 0
    lower, upper = (round(rest + share * (220 - age - rest)) for share in ZONES[zone])
    return {"lower_bpm": lower, "upper_bpm": upper}


def daily_water_intake(weight_kg: float, exercise_minutes: int = 0, hot_weather: bool = False) -> float:
    """Estimate how many liters of water a person should drink each day.

    Args:
        weight_kg: Weight in kilograms.
        exercise_minutes: Minutes of exercise on that day.
        hot_weather: Whether it is a hot day.

    Returns:
        Liters: 35 milliliters for each kilogram, 12 for each minute of exercise, half a liter in hot weather.

    Raises:
        ValueError: The weight is not positive, or the exercise is negative.

    >>> daily_water_intake(70)
    2.45
    >>> daily_water_intake(70, exercise_minutes=45, hot_weather=True)
    3.49
    """
    if weight_kg <= 0 or exercise_minutes < 0:
        raise ValueError("weight_kg must be positive, exercise_minutes must not be negative")
    return round(weight_kg * 0.035 + exercise_minutes * 0.012 + (0.5 if hot_weather else 0.0), 2)


def bedtime_options(wake_up_time: str, minutes_to_fall_asleep: int = 15) -> list[str]:
    """Suggest when to go to bed so as to wake up between two sleep cycles.

    Args:
        wake_up_time: Time to wake up, as HH:MM on a 24-hour clock.
        minutes_to_fall_asleep: Minutes that it takes to fall asleep.

    Returns:
        Bedtimes for six, five and four cycles of 90 minutes.

    Raises:
        ValueError: The time is not HH:MM, or the minutes are not 0 to 180.

    >>> bedtime_options("06:30")
    ['21:15', '22:45', '00:15']
    """
    if not 0 <= minutes_to_fall_asleep <= 180:
        raise ValueError("minutes_to_fall_asleep must lie between 0 and 180")
    wake = time.fromisoformat(wake_up_time)
    starts = (wake.hour * 60 + wake.minute - cycles * 90 - minutes_to_fall_asleep for cycles in (6, 5, 4))
    return [f"{start // 60 % 24:02d}:{start % 60:02d}" for start in starts]


def pregnancy_due_date(last_period_date: str, cycle_days: int = 28) -> DueDate:
    """Estimate the due date of a pregnancy from the last period.

    Args:
        last_period_date: First day of the last period, as YYYY-MM-DD.
        cycle_days: Length of the cycle in days.

    Returns:
        The likely dates of conception and of birth, by Naegele's rule.

    Raises:
        ValueError: The text is not a date, or the cycle is not 20 to 45 days long.

    >>> pregnancy_due_date("2024-01-01")
    {'conception_date': '2024-01-15', 'due_date': '2024-10-07'}
    """
    if not 20 <= cycle_days <= 45:
        raise ValueError("cycle_days must lie between 20 and 45")
    conception = date.fromisoformat(last_period_date) + timedelta(days=cycle_days - 14)
    return {"conception_date": conception.isoformat(), "due_date": (conception + timedelta(days=266)).isoformat()}
