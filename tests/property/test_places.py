"""Places against looking at each of them."""

from hypothesis import given
from hypothesis import strategies as st

from apigen_ray.verifiers.places import Places

SPANS = st.tuples(st.integers(0, 12), st.integers(0, 6)).map(lambda pair: (pair[0], sum(pair)))


@given(st.lists(SPANS, max_size=8), SPANS)
def test_places_are_found_as_by_looking_at_each(spans, asked):
    first, last = asked
    places = Places(spans)
    assert places.within(asked) == any(first <= start and end <= last for start, end in spans)
    assert places.around(asked) == any(start <= first and last <= end for start, end in spans)
