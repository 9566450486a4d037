"""The style sampler: which query style the prompt of an index has, in the shares asked for at every length."""

from collections.abc import Mapping, Sequence

from apigen_ray.records import Style

GOLDEN = 0.6180339887498949  # the steps of this fraction fill [0, 1) more evenly than any other


def spread(index: int, offset: float) -> float:
    """The index's place in [0, 1): any run of n indices is spread almost evenly (additive recurrence, R. Kronecker)."""
    return (offset + index * GOLDEN) % 1.0


def style_at(index: int, weights: Mapping[Style, float], offset: float) -> Style:
    """The style of the prompt with this index.

    Args:
        index: the prompt's index within its round and generator.
        weights: non-negative weights of the styles, at least one of them positive.
        offset: in [0, 1): shifts the sequence, so that rounds and generators differ.
    """
    place = spread(index, offset) * sum(weights.values())
    chosen = None
    for style in Style:  # in the order of the enum, whatever order the mapping has
        weight = weights.get(style, 0.0)
        if weight > 0:
            chosen = style
            if place < weight:
                break
            place -= weight
    if chosen is None:
        raise ValueError("no style has a weight above 0")
    return chosen


def possible(weights: Mapping[Style, float], impossible: Sequence[Style]) -> dict[Style, float]:
    """The positive weights of the styles that can be served; empty where there are none."""
    return {style: weight for style, weight in weights.items() if weight > 0 and style not in impossible}
