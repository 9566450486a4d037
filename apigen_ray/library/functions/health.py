"""Body measures, energy, food, pulse, blood, sleep and pregnancy."""

from datetime import date, time, timedelta
from typing import Literal, TypedDict

CATEGORY = "Health"

__all__ = [
    "bedtime_options",
    "blood_pressure_category",
    "body_mass_index",
    "calories_burned",
    "can_donate_blood",
    "daily_calorie_need",
    "daily_water_intake",
    "food_nutrition",
    "heart_rate_zone",
    "pregnancy_due_date",
    "recommended_daily_intake",
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

# Kilocalories, and grams of protein, fat and carbohydrate in 100 grams (USDA FoodData Central, SR Legacy, rounded).
FOODS = {
    entry.partition(": ")[0]: [float(figure) for figure in entry.partition(": ")[2].split()]
    for entry in (
        "almonds: 579 21.2 49.9 21.6; apple: 52 0.3 0.2 13.8; avocado: 160 2.0 14.7 8.5; banana: 89 1.1 0.3 22.8; "
        "boiled egg: 155 12.6 10.6 1.1; boiled potato: 86 1.7 0.1 20.0; broccoli: 34 2.8 0.4 6.6; "
        "butter: 717 0.9 81.1 0.1; carrot: 41 0.9 0.2 9.6; chicken breast: 165 31.0 3.6 0.0; "
        "cooked lentils: 116 9.0 0.4 20.1; cooked pasta: 158 5.8 0.9 30.9; cooked white rice: 130 2.7 0.3 28.2; "
        "dark chocolate: 598 7.8 42.6 45.9; honey: 304 0.3 0.0 82.4; olive oil: 884 0.0 100.0 0.0; "
        "orange: 47 0.9 0.1 11.8; plain yogurt: 61 3.5 3.3 4.7; cooked salmon: 206 22.1 12.4 0.0; "
        "spinach: 23 2.9 0.4 3.6; strawberries: 32 0.7 0.3 7.7; tofu: 144 17.3 8.7 2.8; tomato: 18 0.9 0.2 3.9; "
        "whole milk: 61 3.2 3.3 4.8"
    ).split("; ")
}

# What women, men and pregnant women aged 19 to 50 need in a day (National Academies, Dietary Reference Intakes:
# recommended allowances; adequate intakes for fiber, potassium and vitamin K).
DAILY_INTAKES = {
    "calcium": (1000, 1000, 1000, "mg"),
    "fiber": (25, 38, 28, "g"),
    "folate": (400, 400, 600, "micrograms"),
    "iron": (18, 8, 27, "mg"),
    "potassium": (2600, 3400, 2900, "mg"),
    "vitamin C": (75, 90, 85, "mg"),
    "vitamin D": (15, 15, 15, "micrograms"),
    "vitamin K": (90, 120, 90, "micrograms"),
    "zinc": (8, 11, 11, "mg"),
}
PERSONS = ("woman", "man", "pregnant woman")


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


class Nutrition(TypedDict):
    """What an amount of food holds."""

    calories: float
    protein_g: float
    fat_g: float
    carbohydrate_g: float


class DailyIntake(TypedDict):
    """An amount of a nutrient."""

    amount: float
    unit: str


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


def food_nutrition(food: str, grams: float = 100.0) -> Nutrition:
    """Look up the calories, protein, fat and carbohydrate in an amount of food.

    Args:
        food: Name of the food, for example "banana" or "cooked white rice".
        grams: Amount in grams.

    Returns:
        The kilocalories and the grams of protein, fat and carbohydrate.

    Raises:
        ValueError: The food is not in the table, or the amount is not positive.

    >>> food_nutrition("banana", grams=200)
    {'calories': 178.0, 'protein_g': 2.2, 'fat_g': 0.6, 'carbohydrate_g': 45.6}
    """
    figures = FOODS.get(food.strip().casefold())
    if figures is None:
        raise ValueError(f"no nutrition is known for {food!r}")
    if grams <= 0:
        raise ValueError("grams must be positive")
    calories, protein, fat, carbohydrate = (round(figure * grams / 100, 1) for figure in figures)
    return {"calories": calories, "protein_g": protein, "fat_g": fat, "carbohydrate_g": carbohydrate}


def recommended_daily_intake(
    nutrient: Literal["calcium", "fiber", "folate", "iron", "potassium", "vitamin C", "vitamin D", "vitamin K", "zinc"],
    person: Literal["woman", "man", "pregnant woman"],
) -> DailyIntake:
    """Look up how much of a vitamin, mineral or fiber an adult needs each day.

    Args:
        nutrient: The nutrient.
        person: Who needs it; aged 19 to 50.

    Returns:
        The amount for each day and its unit.

    >>> recommended_daily_intake("iron", "woman")
    {'amount': 18, 'unit': 'mg'}
    """
    figures = DAILY_INTAKES[nutrient]
    return {"amount": figures[:3][PERSONS.index(person)], "unit": figures[3]}


def blood_pressure_category(systolic: int, diastolic: int) -> str:
    """Classify a blood pressure reading of an adult.

    Uses the limits of the American College of Cardiology and the American Heart Association of 2017.

    Args:
        systolic: Upper value in millimeters of mercury.
        diastolic: Lower value in millimeters of mercury.

    Returns:
        The category: normal, elevated, hypertension stage 1, hypertension stage 2 or hypertensive crisis.

    Raises:
        ValueError: The values are not possible.

    >>> blood_pressure_category(128, 76)
    'elevated'
    >>> blood_pressure_category(124, 92)
    'hypertension stage 2'
    """
    if not 20 <= diastolic < systolic <= 300:
        raise ValueError("systolic must be above diastolic, and both between 20 and 300")
    if systolic > 180 or diastolic > 120:
        return "hypertensive crisis"
    if systolic >= 140 or diastolic >= 90:
        return "hypertension stage 2"
    if systolic >= 130 or diastolic >= 80:
        return "hypertension stage 1"
    return "elevated" if systolic >= 120 else "normal"


def can_donate_blood(
    donor_type: Literal["O-", "O+", "A-", "A+", "B-", "B+", "AB-", "AB+"],
    recipient_type: Literal["O-", "O+", "A-", "A+", "B-", "B+", "AB-", "AB+"],
) -> bool:
    """Check whether red blood cells of a donor can be given to a patient.

    Args:
        donor_type: Blood type of the donor.
        recipient_type: Blood type of the patient.

    Returns:
        True where the donor has no antigen (A, B or Rh) that the patient lacks.

    >>> can_donate_blood("O-", "AB+")
    True
    >>> can_donate_blood("A+", "A-")
    False
    """
    return set(donor_type) - set("O-") <= set(recipient_type)
