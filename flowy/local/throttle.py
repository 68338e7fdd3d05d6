"""The throttle: token buckets, as AWS keeps one for each action of an account.

"Beyond infrequent spikes, applications may be throttled if they make a large number of
API calls in a very short period of time" (developer guide, Amazon SWF Quotas).  A call
that finds its bucket empty gets ThrottlingException, and nothing is done.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from flowy.local.clock import Clock
from flowy.local.quotas import AWS_BUCKETS


class Throttle:
    """One bucket for each action that has one.

    Args:
        buckets: how many calls each action's bucket holds, and how many drip in again a
            second; True takes AWS's, False has none.
        clock: by which they fill up: where it is held, they do not.

    Raises:
        ValueError: an action that SWF has not, or a bucket that holds no call.
    """

    def __init__(self, buckets: bool | Mapping[str, tuple[float, float]], clock: Clock) -> None:
        if isinstance(buckets, bool):
            buckets = AWS_BUCKETS if buckets else {}
        for action, (size, per_second) in buckets.items():
            if action not in AWS_BUCKETS:
                raise ValueError(f"Cannot throttle {action!r}: SWF has no such action.")
            if not (size >= 1 and per_second >= 0):
                raise ValueError(
                    f"Cannot throttle {action}: its bucket must hold 1 call or more and fill "
                    f"up by 0 a second or more, not {size} and {per_second}."
                )
        self._buckets = dict(buckets)
        self._clock = clock
        self._lock = threading.Lock()
        #: What was in a bucket when it was last looked at, and when that was.
        self._levels: dict[str, tuple[float, float]] = {}

    def admits(self, action: str) -> bool:
        """Whether a call may pass; it then has taken its drop."""
        if action not in self._buckets:
            return True
        size, per_second = self._buckets[action]
        with self._lock:
            now = self._clock.now()
            level, since = self._levels.get(action, (size, now))
            level = min(size, level + max(0.0, now - since) * per_second)
            passes = level >= 1
            self._levels[action] = (level - 1 if passes else level, now)
        return passes
