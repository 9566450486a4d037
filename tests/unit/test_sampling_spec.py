"""The config section ``sampling``."""

import pytest
from pydantic import ValidationError

from apigen_ray.records import Mode, Style
from apigen_ray.sampling import SamplingSpec


def test_defaults():
    spec = SamplingSpec()
    assert spec.mode == Mode.QUERY_FIRST
    assert spec.styles[Style.IRRELEVANCE] == 0
    assert {spec.styles[style] for style in Style if style != Style.IRRELEVANCE} == {1.0}


def test_one_number_is_a_range():
    assert SamplingSpec(apis=3, examples=0).model_dump(include={"apis", "examples"}) == {
        "apis": (3, 3),
        "examples": (0, 0),
    }


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("apis", [4, 2], "is empty"),
        ("apis", [1, 2], "greater than or equal to 2"),
        ("calls", 1, "greater than or equal to 2"),
        ("pairs", [0, 2], "greater than or equal to 1"),
        ("pairs", True, "valid tuple"),
        ("styles", {"simple": 0}, "above 0"),
        ("styles", {"simple": -1}, "greater than or equal to 0"),
        ("styles", {"easy": 1}, "Input should be 'simple'"),
        ("mode", "both", "Input should be 'query_first'"),
        ("candidates", 0, "greater than or equal to 1"),
        ("temperature", 1, "Extra inputs"),
    ],
)
def test_refused(field, value, message):
    with pytest.raises(ValidationError, match=message):
        SamplingSpec(**{field: value})
