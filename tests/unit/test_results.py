"""The JSON form of what functions return: numpy's own, beside what the runner's tests show by real calls."""

import json

import numpy
import pytest

from apigen_ray.runners.sandbox.arguments import Misfit
from apigen_ray.runners.sandbox.results import TooLarge, result_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (numpy.int64(-7), "-7"),
        (numpy.uint8(200), "200"),
        (numpy.float64(1.5), "1.5"),
        (numpy.float32(0.5), "0.5"),
        (numpy.bool_(True), "true"),
        (numpy.str_("ü"), '"ü"'),
        (numpy.datetime64("2024-02-29"), '"2024-02-29"'),
        (numpy.array(3), "3"),
        (numpy.array([[1, 2], [3, 4]]), "[[1,2],[3,4]]"),
        ({"a": [numpy.float64(2)]}, '{"a":[2.0]}'),
        (numpy.array([]), "[]"),
    ],
)
def test_numpy_values_are_what_they_stand_for(value: object, text: str) -> None:
    assert result_text(value) == text
    json.loads(text)


@pytest.mark.parametrize(
    ("value", "path", "words"),
    [
        ([numpy.float64("nan")], "[0]", "nan"),
        (numpy.array([1.0, numpy.inf]), "[1]", "inf"),
        (numpy.complex128(1j), "", "complex"),
        (numpy.bytes_(b"x"), "", "bytes"),
        (numpy.longdouble(1), "", "containers"),  # it stands for itself
        (numpy.array([object()], dtype=object), "[0]", "object"),
    ],
)
def test_what_is_no_plain_data_stays_bad(value: object, path: str, words: str) -> None:
    with pytest.raises(Misfit, match=words) as misfit:
        result_text(value)
    assert misfit.value.path == path


def test_a_large_array_is_told_by_its_size() -> None:
    with pytest.raises(TooLarge):
        result_text(numpy.broadcast_to(numpy.int8(1), (10**6, 10**6)))
