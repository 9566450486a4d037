"""The plan does not depend on how the indices are cut, and every value drawn fits its schema."""

import json
import random

import jsonschema_rs
from hypothesis import given, settings
from hypothesis import strategies as st

from apigen_ray.records import Api, Call, Example, Mode, Style
from apigen_ray.sampling import Planner, SamplingSpec, Template
from apigen_ray.sampling.values import Arguments

_NAMES = st.sampled_from(["city", "amount", "start_date", "unit", "birthYear", "xs", "flag", "rate"])
_LEAVES = st.one_of(
    st.builds(
        lambda kind, low, width, multiple: (
            {"type": kind}
            | ({"minimum": low} if low is not None else {})
            | ({"maximum": (low or 0) + width} if width is not None else {})
            | ({"multipleOf": multiple} if multiple else {})
        ),
        st.sampled_from(["integer", "number"]),
        st.none() | st.integers(-2000, 2000) | st.decimals(-5, 5, places=2).map(float),
        st.none() | st.integers(0, 300),
        st.none() | st.sampled_from([1, 2, 0.5, 5, 7]),
    ),
    st.lists(st.one_of(st.text(max_size=5), st.integers(), st.booleans(), st.none()), min_size=1, max_size=4).map(
        lambda values: {"enum": values}
    ),
    st.builds(
        lambda kind, low: {"type": "string", "minLength": low} | ({"format": kind} if kind else {}),
        st.sampled_from([None, "date", "time", "date-time", "email", "uri", "uuid", "banana"]),
        st.integers(0, 8),
    ),
    st.sampled_from([{"type": "boolean", "default": True}, {"type": ["null", "integer"]}, {}, {"type": "null"}]),
)
_SCHEMAS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda items, low: {"type": "array", "items": items, "minItems": low}, inner, st.integers(0, 4)),
        st.lists(inner, min_size=1, max_size=3).map(lambda branches: {"anyOf": branches}),
        st.dictionaries(_NAMES, inner, max_size=3).map(
            lambda properties: {"type": "object", "properties": properties, "required": sorted(properties)[:1]}
        ),
    ),
    max_leaves=6,
)
_PARAMETERS = st.builds(
    lambda properties, count: {
        "type": "object",
        "properties": properties,
        "required": sorted(properties)[:count],
        "additionalProperties": False,
    },
    st.dictionaries(_NAMES, _SCHEMAS, min_size=1, max_size=4),
    st.integers(0, 4),
)


@settings(max_examples=150, deadline=None)
@given(_PARAMETERS, st.integers(0, 9))
def test_arguments_fit_their_schema_and_differ_between_calls(schema, seed):
    arguments = Arguments(Api("f", "", schema), {})
    validator = jsonschema_rs.validator_for(schema)
    rng = random.Random(seed)
    for _ in range(5):
        drawn = arguments.draw(rng)
        assert drawn is None or validator.is_valid(drawn)
    several = arguments.draw_several(rng, 3) or []
    assert all(map(validator.is_valid, several))
    assert len({json.dumps(item) for item in several}) == len(several)


_LIBRARY = [
    Api(
        f"f{number}",
        "",
        {"type": "object", "properties": {"a": {"type": "integer"}, "city": {"type": "string"}}, "required": ["a"]},
        category=f"c{number % 3}",
    )
    for number in range(9)
]
_SEEDS = [Example(style, f"q{n}", (Call(f"f{n}", {"a": n}),)) for n in range(6) for style in Style]
_TEMPLATES = {(mode, style): (Template("a", "x"), Template("b", "x")) for mode in Mode for style in Style}


def _planner(mode: Mode) -> Planner:
    return Planner(SamplingSpec(mode=mode, styles=dict.fromkeys(Style, 1.0)), _LIBRARY, _SEEDS, _TEMPLATES, {}, "fp", 4)


_WHOLE = {mode: _planner(mode).rows(1, "g", range(60)) for mode in Mode}


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(list(Mode)), st.permutations(range(60)), st.lists(st.integers(1, 30), min_size=1, max_size=6))
def test_the_plan_is_the_same_however_the_indices_are_cut(mode, order, sizes):
    planner = _planner(mode)
    rows, position = [], 0
    while position < len(order):
        size = sizes[len(rows) % len(sizes)]
        rows += planner.rows(1, "g", order[position : position + size])
        position += size
    assert sorted(rows, key=lambda row: row["index"]) == _WHOLE[mode]
