"""What the header ``Retry-After`` of an HTTP answer says."""

import re
from datetime import datetime
from email.utils import parsedate_to_datetime


def retry_after(value: str, now: datetime) -> float | None:
    """Seconds that a server asks to wait (RFC 9110, 10.2.3: seconds or an HTTP date); None where it does not say.

    Args:
        value: of the header; "" where there is none.
        now: with a time zone.
    """
    value = value[:100].strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value):
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (ValueError, TypeError):  # not a date, or one without a zone
        return None
