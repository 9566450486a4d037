"""The grounding verifier: what it reads, what it refuses, and that nothing in a row makes it raise."""

import json
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apigen_ray.records import status_fields
from apigen_ray.verifiers.grounding import GroundingVerifier, ground

SHARED = Path(__file__).parents[2].parent / "shared"


def properties(**schemas):
    """A tool's parameters; all of them are required but those with a default."""
    return {
        "type": "object",
        "properties": schemas,
        "required": [name for name, schema in schemas.items() if "default" not in schema],
    }


def judge(query, *arguments, name="convert", schema=None):
    """Code of a query with a call for each of the arguments."""
    calls = [{"name": name, "arguments": item} for item in arguments]
    return ground(query, calls, {name: schema or {}})[0]


@pytest.mark.parametrize(
    ("query", "value"),
    [
        # numbers in digits
        ("Add 12 to it.", 12),
        ("Add 12.50 to it.", 12.5),
        ("That is 1,250,000 people.", 1250000),
        ("That is 1.250.000 people.", 1250000),
        ("It costs 3,75 euros.", 3.75),
        ("It costs $3,200.", 3200),
        ("About 5k steps.", 5000),
        ("About 2.5 million people.", 2500000),
        ("A rate of 5 %.", 0.05),
        ("A rate of 5%.", 5),
        ("A rate of 7 percent.", 0.07),
        ("It is -4 outside.", -4),
        ("It is minus 4 outside.", -4),
        ("It is 4 degrees below zero.", -4),
        ("Longitude 118.2437 W.", -118.2437),
        ("Use 3/4 of it.", 0.75),
        ("Avogadro is 6.02 x 10^23.", 6.02e23),
        ("It is 5km away.", 5),
        ("Numbers: [12,34,56]", [12, 34, 56]),
        ("The 10th prime.", 10),
        # numbers in words
        ("Twenty-five of them.", 25),
        ("Two hundred and fifty of them.", 250),
        ("Three thousand two hundred and one.", 3201),
        ("A dozen eggs.", 12),
        ("Half a dozen eggs.", 6),
        ("One and a half cups.", 1.5),
        ("Two point five cups.", 2.5),
        ("Half of it.", 0.5),
        ("Three quarters of it.", 0.75),
        ("The third of May.", 3),
        ("Compounded monthly.", 12),
        # dates and times
        ("On 2024-03-04, please.", "2024-03-04"),
        ("On 4 March 2024, please.", "2024-03-04"),
        ("On the 4th of March, 2024, please.", "2024-03-04"),
        ("On March 4th, 2024, please.", "2024-03-04"),
        ("On Mar 4 2024, please.", "2024-03-04"),
        ("On 03/04/2024, please.", "2024-03-04"),
        ("On 04.03.2024, please.", "2024-03-04"),
        ("From March 2024.", "2024-03-01"),
        ("In 2024, on March 4.", "2024-03-04"),
        ("On 4 March 2024 at 7:30 pm.", "2024-03-04T19:30:00"),
        ("At 7:30 pm.", "19:30"),
        ("At 7pm.", "19:00:00"),
        ("At 19:30.", "19:30:00"),
        ("At noon.", "12:00"),
        ("At 8 in the evening.", "20:00"),
        ("Open until 11 PM.", 23),
        ("In March.", 3),
        # texts
        ("weather in SAO PAULO", "São Paulo"),
        ("Reverse the word “Level”.", "level"),
        ("Mail jo.holt@example.com now.", "jo.holt@example.com"),
        ("I like jazz concerts.", "jazz concert"),
        ("Any musical for children?", ["music", "child"]),
        ("The capital of France?", "France capital"),
        ("Who wrote 'The Old Man and the Sea'?", "The Old Man and the Sea"),
        ("Any wi-fi here?", "wifi"),
        ("Order number 55.", "55"),
        ("天気は東京でどう", "東京"),
        # enums and units
        ("Convert it to metric tons.", "metric_tons"),
        ("Convert it to metric tons.", "metricTons"),
        ("Convert it to kilometres.", "km"),
        ("How many km is it?", "kilometers"),
        ("It is 20 C.", "celsius"),
        ("Take ten dollars.", "USD"),
        ("It costs $10.", "USD"),
        ("Pay in CHF.", "Swiss francs"),
        ("Sort from lowest to highest.", "ascending"),
        ("Say it in Spanish.", "es"),
        ("It moves at 5 miles per hour.", "mph"),
        ("Those older than, or more than.", ">"),
        ("It is 10 in long.", "in"),
        ("Transpose C, F and A.", ["C", "F", "A"]),
    ],
)
def test_read_in_the_query(query, value):
    assert judge(query, {"x": value}) in ("", "number_not_in_calls", "date_not_in_calls", "quote_not_in_calls")


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("Add 12 to it.", 13),
        ("Add 12 to it.", -12),
        ("That is 1,250 people.", 1251),
        ("Two hundred and fifty.", 200),
        ("Five and seven.", 57),
        ("Twenty five.", 5),
        ("XY1234", 1234),
        ("Wait 2 hours.", 120),
        ("On 4 March 2024.", "2024-03-05"),
        ("On 4 March.", "2024-03-04"),
        ("Tomorrow, please.", "2024-03-04"),
        ("On 4 March 2024 at 7:30 pm.", "2024-03-04T07:30:00"),
        ("At 7:30 am.", "19:30"),
        ("How warm is it?", "Oslo"),
        ("How warm is it in New York?", "New York, NY"),
        ("How far is it in miles?", "inches"),
        ("Is it far?", "Italian"),
        ("How far is it from Elba?", "Rome"),
        ("I'm at home, it's late.", "meters"),
        ("Tell us more.", "US"),
        ("Convert it to miles.", "km"),
        ("Convert it to miles.", "*"),
        ("I said it was the first of the red ones we saw.", "the first red one that we all saw there"),
        ("Take 10 dollars.", "EUR"),
        ("Add 1, 2 and 3.", [1, 2, 4]),
        ("Somewhere in Oslo.", {"city": "Oslo", "zip": "0150"}),
    ],
)
def test_not_in_the_query(query, value):
    assert judge(query, {"x": value}) == "value_not_in_query"


@pytest.mark.parametrize(
    ("query", "name", "value", "fits"),
    [
        ("List the trips with details.", "include_details", True, True),
        ("List the trips.", "include_details", True, False),
        ("List the trips without details.", "include_details", True, False),
        ("List the trips without details.", "include_details", False, True),
        ("List the trips with the details excluded.", "include_details", False, True),
        ("List the trips with details.", "include_details", False, False),
        ("List the trips.", "include_details", False, True),  # a required false: silence says no
        ("A non-smoking room.", "smoking_allowed", False, True),
        ("Is it case sensitive?", "caseSensitive", True, True),
    ],
)
def test_truth_values(query, name, value, fits):
    schema = properties(**{name: {"type": "boolean"}})
    assert judge(query, {name: value}, schema=schema) == ("" if fits else "value_not_in_query")


def test_a_false_that_is_not_the_default_must_be_said():
    schema = properties(details={"type": "boolean", "default": True})
    assert judge("List the trips.", {"details": False}, schema=schema) == "value_not_in_query"
    assert judge("List the trips, no details.", {"details": False}, schema=schema) == ""


def test_what_the_schema_settles_need_not_be_said():
    schema = properties(
        days={"type": "integer", "default": 7}, unit={"const": "kg"}, only={"enum": ["a"]}, flag={"default": True}
    )
    assert judge("Forecast?", {"days": 7, "unit": "kg", "only": "a", "flag": True}, schema=schema) == ""
    assert judge("Forecast?", {"days": 8}, schema=schema) == "value_not_in_query"
    assert judge("Forecast?", {"flag": 1}, schema=schema) == "value_not_in_query"  # 1 is not true
    assert judge("Forecast?", {"note": None}) == ""


def test_parallel_calls_need_each_of_their_values():
    assert judge("Square 5 and 7.", {"x": 5}, {"x": 7}) == ""
    assert judge("Square 5.", {"x": 5}, {"x": 7}) == "value_not_in_query"
    assert judge("Square 5.", {"x": 5}, {"x": 5}) == ""  # the same value may be said once
    assert judge("Take 5% of it.", {"x": 5}, {"x": 0.05}) == "value_not_in_query"  # one place, one value
    assert judge("Take 5% of 5.", {"x": 5}, {"x": 0.05}) == ""
    assert judge("Take 5% of 5.", {"x": 0.05}, {"x": 5}) == ""


@pytest.mark.parametrize(
    ("query", "arguments", "code"),
    [
        ("Add 2 and 3.", {"a": 2, "b": 3}, ""),
        ("Add 2 and 3, which is 5.", {"a": 2, "b": 3}, "number_not_in_calls"),
        ("Add two and three, which is five.", {"a": 2, "b": 3}, "number_not_in_calls"),
        ("First tell me one thing: 2 plus 3.", {"a": 2, "b": 3}, ""),
        ("Both of us wonder: 2 plus 3?", {"a": 2, "b": 3}, ""),
        ("These 3 cities: Oslo, Rome, Bern.", {"cities": ["Oslo", "Rome", "Bern"]}, ""),
        ("These 4 cities: Oslo, Rome, Bern.", {"cities": ["Oslo", "Rome", "Bern"]}, "number_not_in_calls"),
        ("The base64 form, or base 64, of hello?", {"text": "hello"}, "number_not_in_calls"),
        ("I live at 12 Elm Road.", {"address": "12 Elm Road"}, ""),
        ("The rain of the last six months?", {"span": "six_months"}, ""),
        ("1. Take 5. 2. Take 6. 3. Take 9.", {"x": [5, 6, 9]}, ""),
        ("Solve 3x^2 + 4x + 2 = 0.", {"a": 3, "b": 4, "c": 2}, ""),
        ("A volume of 10 m^3.", {"volume": 10}, ""),
        ("Numbers 100,200 and 300.", {"x": [100, 200, 300]}, ""),
        ("In Oslo on 3 May 2024.", {"city": "Oslo", "day": "2024-05-03"}, ""),
        ("In Oslo on 3 May 2024.", {"city": "Oslo", "year": 2024, "month": 5, "day": 3}, ""),
        ("In Oslo on 3 May 2024.", {"city": "Oslo"}, "date_not_in_calls"),
        ("In Oslo at 7:30 pm.", {"city": "Oslo"}, "date_not_in_calls"),
        ("In Oslo at 7:30 pm.", {"city": "Oslo", "time": "19:30"}, ""),
        ("In Oslo at 7:30 pm.", {"city": "Oslo", "time": "7:30 pm"}, ""),
        ("In Oslo at 8 in the evening.", {"city": "Oslo", "time": "20:00"}, ""),
        ("Is 'level' a palindrome?", {"word": "level"}, ""),
        ("Is 'level' like 'radar'?", {"word": "level"}, "quote_not_in_calls"),
        ('Is "level" like "radar"?', {"word": "level"}, "quote_not_in_calls"),
        ("It's Sam's; isn't it 'level'?", {"word": "level"}, ""),
        ("Send 'Hello, Sam!' to Jo", {"text": "Hello Sam", "to": "Jo"}, ""),
    ],
)
def test_the_way_back(query, arguments, code):
    assert judge(query, arguments) == code


def test_numbers_of_a_tools_name_are_free():
    assert judge("The base 64 form of hello?", {"text": "hello"}, name="to_base64") == ""


@pytest.mark.parametrize(
    "query",
    [
        "Use convert_units with 3 km.",
        "Call the function with 3 km.",
        "Make an API call for 3 km.",
        'Do {"value": 3} in km.',
        "from_unit is km and the value 3.",
        "Use the given function for 3 km.",
    ],
)
def test_leaks(query):
    schema = properties(value={"type": "number"}, from_unit={"type": "string"})
    assert judge(query, {"value": 3, "from_unit": "km"}, name="convert_units", schema=schema) == "leaked_call"


def test_words_of_calls_within_an_argument_are_no_leak():
    query = "What is the length of '{\"a\": 1}' in characters?"
    assert judge(query, {"text": '{"a": 1}'}) == ""
    assert judge("What is the function of the liver?", {"organ": "liver"}) == ""


def table(*rows) -> pa.Table:
    columns = {name: [row[place] for row in rows] for place, name in enumerate(("query", "answers", "tools"))}
    fields = [pa.field(name, pa.string()) for name in columns] + status_fields("grounding")
    return pa.table([*columns.values(), *[[None] * len(rows)] * 3], schema=pa.schema(fields))


def test_the_table_keeps_its_rows_and_gets_three_columns():
    tools = json.dumps([{"name": "f", "description": "", "parameters": properties(x={"type": "integer"})}])
    rows = [
        ("Take 5.", '[{"name":"f","arguments":{"x":5}}]', tools),
        ("Take 5.", '[{"name":"f","arguments":{"x":6}}]', tools),
        ("Anything with 7?", "[]", tools),
    ]
    out = GroundingVerifier(None).check(table(*rows))  # type: ignore[arg-type]  # it uses nothing of the setting
    assert out["query"].to_pylist() == [row[0] for row in rows]
    assert out["grounding_status"].to_pylist() == ["passed", "rejected", "passed"]
    assert out["grounding_code"].to_pylist() == ["", "value_not_in_query", ""]
    assert out["grounding_detail"].to_pylist()[1] == "x=6"


def test_every_code_is_documented_with_an_example():
    assert GroundingVerifier.__doc__ is not None
    assert all(f"``{code}``: " in GroundingVerifier.__doc__ for code in GroundingVerifier.codes)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
_REQUESTS = st.text(max_size=60) | st.text("0123456789.,:-/%$'\" {}kmpa", max_size=60)


_CALL = st.fixed_dictionaries(
    {"name": st.text(max_size=6), "arguments": st.dictionaries(st.text(max_size=6), _JSON, max_size=3)}
)


@settings(max_examples=150, deadline=None)
@given(_REQUESTS, st.lists(_CALL, max_size=3), st.text(max_size=40) | _JSON.map(json.dumps))
def test_nothing_in_a_row_makes_it_raise(query, calls, tools):
    out = GroundingVerifier(None).check(table((query, json.dumps(calls), tools)))  # type: ignore[arg-type]
    assert out["grounding_status"].to_pylist()[0] in ("passed", "rejected")


@settings(max_examples=150, deadline=None)
@given(_REQUESTS, st.dictionaries(st.text(max_size=8), _JSON, max_size=3), _JSON)
def test_nothing_in_arguments_or_schema_makes_it_raise(query, arguments, schema):
    parameters = {"type": "object", "properties": {name: schema for name in arguments}, "required": schema}
    code, detail = ground(query, [{"name": "f", "arguments": arguments}], {"f": parameters})
    assert code in ("", *GroundingVerifier.codes)
    assert bool(code) == bool(detail)


@pytest.mark.parametrize(
    "query",
    [
        "'" * 20000,
        "'a" * 10000,
        "9" * 20000,
        "1," * 10000,
        "1/" * 10000,
        "one " * 5000,
        "{" * 20000,
        "and " * 5000,
        "-1:" * 5000,
    ],
)
def test_long_nonsense_is_read(query):
    assert judge(query, {"x": 5, "y": "text", "z": 10**400}) == "value_not_in_query"


def steps(function):
    """How many calls a function comes to, those of built-in ones and turns of generators too."""
    count = 0

    def counted(frame, event, arg):
        nonlocal count
        count += 1

    sys.setprofile(counted)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    "one",
    [
        lambda n: f"{1000 + n}",
        lambda n: f"{1 + n % 28} may 20{n % 90 + 10}",
        lambda n: f"{10 + n % 2}:{n % 60:02}",
        lambda n: f'"w{n}"',
        lambda n: ("one", "two hundred", "half a dozen")[n % 3] + ",",
        lambda n: f"1.5e{n % 9}",
    ],
)
def test_steps_grow_with_the_request(one):
    def steps_of(size):
        query = " ".join(map(one, range(size)))
        values = [text.strip('"') for text in query.split()[: size // 2]]
        judge(query, {"x": values})  # words and tools are remembered
        return steps(lambda: judge(query, {"x": values}))

    assert steps_of(800) < 2.5 * steps_of(400)


@pytest.mark.parametrize("query", ["hundred " * 400, "hundred " * 400 + "point five", "9" * 400 + " thousand"])
def test_a_number_beyond_all_floats_is_no_fault_of_ours(query):
    assert judge("add " + query, {"x": 5}) == "value_not_in_query"


def test_benchmark_pairs_hold_their_figures():
    path = SHARED / "data" / "bfcl_candidates.jsonl"
    if not path.exists():
        pytest.skip("the benchmark's candidates are not on this machine")
    free = both = total = 0
    for line in path.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        if case["variant"] == "gt":
            code, _ = ground(
                case["query"], case["answers"], {tool["name"]: tool["parameters"] for tool in case["tools"]}
            )
            total += 1
            free += code in ("", "value_not_in_query", "leaked_call")
            both += code == ""
    assert total > 800
    assert free / total > 0.95  # numbers, dates and quotes of good pairs are in their calls
    assert both / total > 0.7  # the rest holds values that its query does not say, or names the function
