"""The throttle: token buckets, as AWS keeps them for the actions of an account, and more.

"Certain Amazon SWF API calls and decision events are throttled to maintain service
bandwidth, using a token bucket scheme" (developer guide, Amazon SWF Quotas).  A call that
finds its bucket empty gets ThrottlingException, a decision fails, and nothing is done.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from flowy.local.clock import Clock
from flowy.local.quotas import (
    AWS_BUCKETS,
    DECISION_BUCKETS,
    LIST_BUCKET,
    WORKFLOW_BUCKETS,
    Bucket,
)

#: Buckets that have filled up again and may lie about, before they are thrown away.
_SWEEP_AT = 1000


class Throttle:
    """The buckets of one local SWF.

    Args:
        buckets: how many calls the bucket of each action or decision holds, and how many
            drip in again a second; True takes all of AWS's, False has none.
        clock: by which they fill up: where it is held, they do not.

    Raises:
        ValueError: an action that SWF has not, or a bucket that holds no call.
    """

    def __init__(self, buckets: bool | Mapping[str, Bucket], clock: Clock) -> None:
        #: The account's buckets, and those that each execution and each task list has.
        self._account: Mapping[str, Bucket] = {}
        self._workflow: Mapping[str, Bucket] = {}
        self._list: Bucket | None = None
        known = {**AWS_BUCKETS, **DECISION_BUCKETS}
        if not isinstance(buckets, bool):
            self._account = dict(buckets)
        elif buckets:
            self._account, self._workflow, self._list = known, WORKFLOW_BUCKETS, LIST_BUCKET
        for action, (size, per_second) in self._account.items():
            if action not in known:
                raise ValueError(f"Cannot throttle {action!r}: SWF has no such action.")
            if not (size >= 1 and per_second >= 0):
                raise ValueError(
                    f"Cannot throttle {action}: its bucket must hold 1 call or more and fill "
                    f"up by 0 a second or more, not {size} and {per_second}."
                )
        self._clock = clock
        self._lock = threading.Lock()
        #: What was in a bucket when it was last looked at, when that was, and the bucket.
        self._levels: dict[tuple[str, ...], tuple[float, float, Bucket]] = {}
        self._sweep_at = _SWEEP_AT

    def admits(self, action: str) -> bool:
        """Whether a call, or a decision, may pass; it then has taken its drop."""
        return self._takes(self._account.get(action), action)

    def admits_for(self, action: str, run_id: str) -> bool:
        """The same, by the bucket that an execution has for an action."""
        return self._takes(self._workflow.get(action), action, run_id)

    def admits_on(self, domain: str, task_list: str) -> bool:
        """The same, by the bucket that a task list has for the activity tasks put on it."""
        return self._takes(self._list, "", domain, task_list)

    def _takes(self, bucket: Bucket | None, *whose: str) -> bool:
        if bucket is None:
            return True
        with self._lock:
            now = self._clock.now()
            level = self._level(now, *self._levels.get(whose, (bucket[0], now, bucket)))
            passes = level >= 1
            self._levels[whose] = (level - 1 if passes else level, now, bucket)
            if len(self._levels) > self._sweep_at:
                # A full bucket is as good as one that nobody has looked at yet.
                self._levels = {
                    key: found
                    for key, found in self._levels.items()
                    if self._level(now, *found) < found[2][0]
                }
                self._sweep_at = 2 * len(self._levels) + _SWEEP_AT
        return passes

    @staticmethod
    def _level(now: float, level: float, since: float, bucket: Bucket) -> float:
        size, per_second = bucket
        return min(size, level + max(0.0, now - since) * per_second)
