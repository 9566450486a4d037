"""What a server may write into ``Retry-After``, and what it means."""

from datetime import UTC, datetime

import pytest

from apigen_ray.retry_after import retry_after


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("3", 3.0), (" 0.5 ", 0.5), ("Sun, 22 Nov 2026 10:00:09 GMT", 9.0), ("Sun, 22 Nov 2026 09:00:00 GMT", 0.0)]
    + [(odd, None) for odd in ("", "soon", "-5", "nan", "Sun, 22 Nov 2026", "9" * 40, " " * 10_000 + "3")],
)
def test_retry_after_forms(value: str, seconds: float | None) -> None:
    assert retry_after(value, datetime(2026, 11, 22, 10, tzinfo=UTC)) == seconds
