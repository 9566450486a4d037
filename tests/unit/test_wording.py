"""What is said of a query's wording without a model."""

import json

import pytest

from apigen_ray.verifiers.wording import copied, unclear

NUMBER = {"type": "number"}


def tool(name, description="", **properties):
    return {"name": name, "description": description, "parameters": {"type": "object", "properties": properties}}


TRAVEL = tool("travel_time", "Compute how long a trip takes.", distance_km=NUMBER, speed_kmh=NUMBER)
TRIP = {"name": "travel_time", "arguments": {"distance_km": 320.0, "speed_kmh": 80}}


def row(query, calls=(TRIP,), tools=(TRAVEL,), examples="[]"):
    calls = json.dumps(list(calls))
    return {"query": query, "answers": calls, "planned": calls, "tools": json.dumps(list(tools)), "examples": examples}


def test_copied_finds_runs_of_examples_and_descriptions_but_not_of_values():
    shown = json.dumps(
        [{"query": "How many vowels are there in 'good morning'?", "answers": [TRIP], "tools": [TRAVEL]}]
    )
    run = "how many vowels are there in"
    assert copied(row("How many vowels are there in 'good night'?", examples=shown), 6) == run
    assert copied(row("How many words are there in 'good night'?", examples=shown), 6) is None
    assert copied(row("How many vowels are there in 'good night'?", examples=shown), 9) is None
    assert copied(row("Now compute how long a trip takes!"), 6) == "compute how long a trip takes"
    assert copied(row("Compute how long a trip is."), 6) is None
    plan = [{"name": "height_for_ratio", "arguments": {"width": 3}}]
    assert copied(row("Ask for the height for ratio with its width!", plan), 6) == "ask for the height for ratio"
    across = [{"name": "wind_chill", "arguments": {"temperature": 3, "wind_speed": 4}}]
    assert copied(row("What is the wind chill with temperature 3 and wind speed 4?", across), 6) == (
        "the wind chill with temperature and"
    )
    values = [{"name": "f", "arguments": {"texts": ["vowels"]}}]
    assert copied(row("How many vowels are there in it?", values, examples=shown), 6) is None


CLEAR = [
    "What is the travel time for 320 km at 80 km/h?",
    "What is the travel time for a distance of 320 and a speed of 80?",
    "Give me the time to travel 320 kilometers at 80 kilometers per hour.",
]
UNCLEAR = {
    "What is the travel time for 320 km with a distance of 320 km at 80 km/h?": "says 320 2 times",
    "What is the travel time with travel time of 320 km at 80 km/h?": "says 'travel time' 2 times",
    "The travel time is 320 km and 80 km/h.": "is a statement",
    "How long do 320 km take at 80 km/h?": "does not name travel time",
    "What is the travel time for 320 and 80 km/h?": "does not say which figure is the distance km",
    "What is the travel time for 320 km and 80?": "does not say which figure is the speed kmh",
}


@pytest.mark.parametrize("query", CLEAR)
def test_a_clear_query_has_no_problem(query):
    assert unclear(row(query)) is None


@pytest.mark.parametrize("query", UNCLEAR)
def test_each_problem_is_named(query):
    assert unclear(row(query)) == UNCLEAR[query]


def test_a_unit_tells_two_numbers_apart_only_where_one_of_them_has_it():
    box = tool("box_area", "", width_cm=NUMBER, depth_cm=NUMBER)
    call = {"name": "box_area", "arguments": {"width_cm": 3, "depth_cm": 4}}
    assert unclear(row("What is the area of a box of width 3 cm and depth 4 cm?", [call], [box])) is None
    told = unclear(row("What is the area of a box of 3 cm and depth 4 cm?", [call], [box]))
    assert told == "does not say which figure is the width cm"


def test_places_and_defaults_need_no_words():
    gcd = tool("gcd", "", first_number=NUMBER, second_number=NUMBER)
    call = {"name": "gcd", "arguments": {"first_number": 8, "second_number": 12}}
    assert unclear(row("What is the gcd of 8 and 12?", [call], [gcd])) is None
    travel = tool("travel_time", "", distance_km=NUMBER, speed_kmh=NUMBER | {"default": 80})
    assert unclear(row("What is the travel time for 320?", [TRIP], [travel])) is None


def test_how_many_stands_for_count():
    count = {"name": "count_days", "arguments": {"year": 2024}}
    assert unclear(row("Which days has 2024?", [count])) == "does not name count days"
    assert unclear(row("How many days has 2024?", [count])) is None
    assert unclear(row("Count the days of 2024.", [count])) is None


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("Convert a length of 3 miles to feet.", None),
        ("Convert a length of 3 miles into feet.", None),
        ("Convert a length of 3 feet to miles.", "goes to miles, not from it"),
        ("Convert a length of 3 miles, feet.", "does not go to feet"),
    ],
)
def test_from_and_to_keep_their_direction(query, problem):
    call = {"name": "convert_length", "arguments": {"length": 3, "from_unit": "miles", "to_unit": "feet"}}
    assert unclear(row(query, [call])) == problem


def test_several_calls_may_repeat_words():
    calls = [{"name": "moon_phase", "arguments": {"date": date}} for date in ("2024-01-01", "2024-05-05")]
    query = "What is the moon phase on 2024-01-01, and what is the moon phase on 2024-05-05?"
    assert unclear(row(query, calls)) is None


def test_a_query_without_calls_has_nothing_to_be_clear_about():
    assert unclear(row("Book me a table for two.", [])) is None


def test_names_of_small_words_and_null_values_do_no_harm():
    assert unclear(row("Is it to x?", [{"name": "is_it", "arguments": {"to": "x"}}])) is None
