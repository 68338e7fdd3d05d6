"""Times as SWF's clients have them."""

from __future__ import annotations

import re
from datetime import datetime


def seconds_of(when: object) -> float | None:
    """Return a time of SWF's as seconds since the epoch; None if it is not a time.

    boto3 has it as a datetime, a client of other make or the AWS CLI as a number or as text of ISO
    8601.
    """
    if isinstance(when, str):
        try:
            when = datetime.fromisoformat(_python_310(when))
        except ValueError:
            return None
    if isinstance(when, datetime):
        return when.timestamp()
    return float(when) if isinstance(when, int | float) else None


def _python_310(moment: str) -> str:
    """Return a moment of ISO 8601 as Python 3.10 reads it: no Z, and a fraction of six digits."""
    six = re.sub(r"\.(\d{1,6})\d*", lambda found: "." + found[1].ljust(6, "0"), moment, count=1)
    return six.replace("Z", "+00:00")
