"""Whatever a schema says: a made-up value fits it or says that none was found, is the same again, and is bounded."""

import json
from typing import Any

import jsonschema_rs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apigen_ray.library.schema import clean, require_valid
from apigen_ray.records import Json
from apigen_ray.runners.simulate import MAX_VALUE, UNKNOWN, simulated

NAMES = st.sampled_from(["id", "name", "items", "at", "x-y"])
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.sampled_from(["", "a", "2025-01-01", 1.5]))
COUNTS = st.integers(0, 4)
NUMBERS = st.one_of(st.integers(-20, 20), st.sampled_from([0.5, 2.25, -3.75]))
PLAIN = {
    "type": st.sampled_from(["string", "integer", "number", "boolean", "null", "array", "object", ["string", "null"]]),
    "enum": st.lists(SCALARS, min_size=1, max_size=3),
    "const": SCALARS,
    "default": SCALARS,
    "examples": st.lists(SCALARS, max_size=2),
    "format": st.sampled_from(["date", "date-time", "email", "uri", "uuid", "int32", "odd"]),
    "pattern": st.sampled_from(["^[a-z]{2,5}$", r"^\d{3}-\d{4}$", "^(a|b)+$", "x"]),
    "nullable": st.booleans(),
    "multipleOf": st.sampled_from([1, 2, 0.5, 7]),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), NUMBERS),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), COUNTS),
    "uniqueItems": st.booleans(),
    "required": st.lists(NAMES, max_size=3),
    "dependentRequired": st.dictionaries(NAMES, st.lists(NAMES, max_size=2), max_size=2),
}


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.fixed_dictionaries(
        {},
        optional=PLAIN
        | {
            "properties": st.dictionaries(NAMES, inner, max_size=4),
            "items": st.one_of(inner, st.booleans()),
            "prefixItems": several,
            "contains": inner,
            "additionalProperties": st.one_of(inner, st.booleans()),
            "patternProperties": st.dictionaries(st.sampled_from(["^i", "e$"]), inner, max_size=2),
            "propertyNames": st.just({"pattern": "^[a-z]{1,9}$"}),
            **dict.fromkeys(("anyOf", "oneOf", "allOf"), several),
            **dict.fromkeys(("if", "then", "else", "not"), inner),
        },
    )


SCHEMAS = st.recursive(st.fixed_dictionaries({}, optional=PLAIN), _nested, max_leaves=8)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(SCHEMAS, st.integers(0, 9), st.dictionaries(NAMES, SCALARS, max_size=3))
def test_a_value_fits_or_says_that_none_was_found(schema: Json, seed: int, arguments: Json) -> None:
    cleaned = require_valid(clean(schema))  # as every source makes them
    text = simulated(cleaned, str(seed), arguments)
    assert text == simulated(cleaned, str(seed), arguments)
    assert len(text) <= MAX_VALUE
    value = json.loads(text)
    assert value == UNKNOWN or jsonschema_rs.Draft202012Validator(cleaned).is_valid(value)


SIMPLE = st.recursive(
    st.one_of(
        st.fixed_dictionaries({"type": st.sampled_from(["string", "integer", "number", "boolean", "null"])}),
        st.fixed_dictionaries({"type": st.just("string"), "minLength": COUNTS, "format": PLAIN["format"]}),
        st.fixed_dictionaries(
            {"type": st.just("integer"), "minimum": st.integers(-9, 0), "maximum": st.integers(1, 9)}
        ),
        st.fixed_dictionaries({"enum": PLAIN["enum"]}),
    ),
    lambda inner: st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.dictionaries(NAMES, inner), "required": st.lists(NAMES)}
        ),
        st.fixed_dictionaries({"type": st.just("array"), "items": inner, "minItems": COUNTS}),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"allOf": st.lists(inner, min_size=1, max_size=1)}),
    ),
    max_leaves=10,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(SIMPLE)
def test_for_what_documents_say_as_a_rule_a_value_is_found(schema: Json) -> None:
    cleaned = require_valid(clean(schema))
    value = json.loads(simulated(cleaned, "s"))
    assert value != UNKNOWN
    assert jsonschema_rs.Draft202012Validator(cleaned).is_valid(value)
