"""Times as SWF's clients have them."""

from __future__ import annotations

import re
from datetime import datetime, timezone


def seconds_of(when: object) -> float | None:
    """Return a time of SWF's as seconds since the epoch; None if it is not a time.

    boto3 has it as a datetime, a client of other make or the AWS CLI as a number or as text of ISO
    8601. Numbers that no ``datetime`` can have, such as NaN or milliseconds, are not times.
    """
    try:
        if isinstance(when, str):
            when = datetime.fromisoformat(_python_310(when))
        if isinstance(when, datetime):
            return when.timestamp()
        if isinstance(when, int | float):
            datetime.fromtimestamp(when, timezone.utc)
            return float(when)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def _python_310(moment: str) -> str:
    """Return a moment of ISO 8601 as Python 3.10 reads it: no Z, and a fraction of six digits."""
    six = re.sub(r"\.(\d{1,6})\d*", lambda found: "." + found[1].ljust(6, "0"), moment, count=1)
    return six.replace("Z", "+00:00")
