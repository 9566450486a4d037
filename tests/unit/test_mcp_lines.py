"""What a foreign program writes as lines: however it comes in pieces, in bounded memory, with what a line answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_ray.runners.mcp.lines import KEPT, Line, Lines


def taken(limit: int, data: bytes, cuts: list[int]) -> tuple[list[Line], Lines]:
    lines, found, at = Lines(limit), [], 0
    for cut in sorted(cut % (len(data) + 1) for cut in cuts):
        found += lines.take(data[at:cut])
        at = cut
    return found + lines.take(data[at:]), lines


@given(
    st.binary(max_size=200) | st.lists(st.sampled_from([b"\n", b"ab", b"c" * 600]), max_size=20).map(b"".join),
    st.data(),
)
def test_lines_are_those_of_split_however_the_pieces_come(data: bytes, draw: st.DataObject) -> None:
    limit = draw.draw(st.sampled_from([8, 700, 10_000]))
    found, lines = taken(limit, data, draw.draw(st.lists(st.integers(0, 20_000), max_size=10)))
    *whole, rest = data.split(b"\n")
    assert [line.size for line in found] == [len(text) for text in whole]
    assert lines.size == len(rest)
    for line, text in zip(found, whole, strict=True):
        assert line.whole == (len(text) <= limit)
        if line.whole or len(text) <= 2 * KEPT:
            assert line.text == text
        else:
            assert line.text == text[:KEPT] + text[-KEPT:]


def test_a_line_without_an_end_takes_no_memory() -> None:
    lines = Lines(1000)
    for _ in range(100):
        assert lines.take(b"x" * 10_000) == []
        assert len(lines._open) <= 2 * KEPT
    assert lines.size == 1_000_000


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ('{"jsonrpc":"2.0","id":7,"result":{', 7),
        ('{ "id" : 7, "jsonrpc": "2.0", "result": ', 7),
        ('{"result":{"id":3},"jsonrpc":"2.0","id":7}', 7),
        ('{"result":{},"id":7,"jsonrpc":"2.0"}\r', 7),
        ('{"jsonrpc":"2.0","id":"7","result":{', None),
        ('{"jsonrpc":"2.0","id":-7,"result":{', None),
        ('{"jsonrpc":"2.0","method":"x","params":{"id":7}}', None),
        ("id: 7", None),
        ("", None),
    ],
)
def test_the_request_that_a_line_answers(text: str, number: int | None) -> None:
    line = Line(text.encode(), len(text), True)
    assert line.request() == number


def test_the_request_that_a_long_line_answers() -> None:
    for text in (
        '{"jsonrpc":"2.0","id":7,"result":"' + "x" * 2000,
        '{"result":"' + "x" * 2000 + '","jsonrpc":"2.0","id":7}',
    ):
        [line] = Lines(100).take(text.encode() + b"\n")
        assert (line.whole, line.request()) == (False, 7)
