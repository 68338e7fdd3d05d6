"""Token buckets, by which AWS throttles the calls of an account.

"Certain Amazon SWF API calls and decision events are throttled to maintain service bandwidth,
using a token bucket scheme" (developer guide, Amazon SWF Quotas). If its bucket is empty, a call
gets ThrottlingException, and a decision fails; neither has an effect.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from .clock import Clock
from .quotas import AWS_BUCKETS, DECISION_BUCKETS, LIST_BUCKET, WORKFLOW_BUCKETS, Bucket

#: How many full buckets may be kept before they are all dropped.
_SPARE_BUCKETS = 1000


class Throttle:
    """The buckets of one local SWF.

    Args:
        buckets: by action or decision: the size of its bucket, in calls, and by how many it refills
            each second. True takes all of AWS's buckets, False none.
        clock: the clock by which buckets refill; while it is held, they do not.

    Raises:
        ValueError: SWF does not know an action, or a bucket has room for less than one call.
    """

    def __init__(self, buckets: bool | Mapping[str, Bucket], clock: Clock) -> None:
        self._account: Mapping[str, Bucket] = {}
        #: The buckets that each execution has, and the one that each task list has.
        self._workflow: Mapping[str, Bucket] = {}
        self._list: Bucket | None = None
        known = {**AWS_BUCKETS, **DECISION_BUCKETS}
        if not isinstance(buckets, bool):
            self._account = dict(buckets)
        elif buckets:
            self._account, self._workflow, self._list = known, WORKFLOW_BUCKETS, LIST_BUCKET
        for action, (size, per_second) in self._account.items():
            if action not in known:
                raise ValueError(
                    f"Cannot throttle {action!r}: not an action of SWF or a throttled decision. "
                    f"Use {', '.join(sorted(known))}."
                )
            if not (size >= 1 and per_second >= 0):
                raise ValueError(
                    f"Cannot throttle {action} by the bucket ({size}, {per_second}): it must have "
                    "room for 1 call or more and refill by 0 or more a second."
                )
        self._clock = clock
        self._lock = threading.Lock()
        #: By owner: the level of a bucket at the last call, the time of that call, and the bucket.
        self._levels: dict[tuple[str, ...], tuple[float, float, Bucket]] = {}
        self._max_levels = _SPARE_BUCKETS

    def admits(self, action: str) -> bool:
        """Return whether the account's bucket admits a call or decision; it is counted if so."""
        return self._takes(self._account.get(action), action)

    def admits_for_execution(self, action: str, run_id: str) -> bool:
        """Return whether the execution's own bucket admits a call about it; it is counted if so."""
        return self._takes(self._workflow.get(action), action, run_id)

    def admits_on_task_list(self, domain: str, task_list: str) -> bool:
        """Return whether the bucket of a task list admits an activity task; it is counted if so."""
        return self._takes(self._list, "", domain, task_list)

    def refill(self) -> None:
        """Fill every bucket, because the clock was set back."""
        with self._lock:
            self._levels.clear()

    def _takes(self, bucket: Bucket | None, *whose: str) -> bool:
        if bucket is None:
            return True
        with self._lock:
            now = self._clock.now()
            level = self._level(now, *self._levels.get(whose, (bucket[0], now, bucket)))
            admitted = level >= 1
            self._levels[whose] = (level - 1 if admitted else level, now, bucket)
            if len(self._levels) > self._max_levels:
                self._drop_full(now)
        return admitted

    def _drop_full(self, now: float) -> None:
        # A bucket that is full again is the same as one that was never used.
        self._levels = {
            key: found
            for key, found in self._levels.items()
            if self._level(now, *found) < found[2][0]
        }
        self._max_levels = 2 * len(self._levels) + _SPARE_BUCKETS

    @staticmethod
    def _level(now: float, level: float, since: float, bucket: Bucket) -> float:
        size, per_second = bucket
        return min(size, level + max(0.0, now - since) * per_second)
