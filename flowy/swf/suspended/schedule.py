"""When the next heartbeat of a suspended task is due.

SWF does not tell which heartbeat timeout is in force. The declared one is the best guess, so a task
gets three heartbeats within it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...tokens import SuspendedTask

#: The longest interval between a task's heartbeats by default, in seconds. After at most this long
#: the keeper learns that SWF closed a task.
EVERY_SECONDS = 300.0

#: How long a claimed heartbeat is left at most to the keeper that claimed it, in seconds: enough
#: for the heartbeat and the answer or the history that may follow, with all attempts of each.
LEASE_SECONDS = 180.0

#: The shortest lease, in seconds: a keeper looks into the store as often.
LEAST_LEASE_SECONDS = 1.0

#: The pause before a heartbeat that did not get through is sent again, in seconds.
RETRY_SECONDS = 5.0

#: The pause before a history that could not be read is read again, in seconds; not urgent.
HISTORY_RETRY_SECONDS = 30.0


@dataclass(frozen=True)
class HeartbeatSchedule:
    """How often each task gets a heartbeat.

    Attributes:
        every_seconds: the longest interval.
    """

    every_seconds: float = EVERY_SECONDS

    def interval_seconds(self, task: SuspendedTask) -> float:
        """Return how long after a heartbeat the task's next one is due."""
        declared = task.info.heartbeat
        return self.every_seconds if declared is None else min(declared / 3, self.every_seconds)

    def lease_seconds(self, task: SuspendedTask) -> float:
        """Return how long the task's claimed heartbeat is left to one keeper.

        A keeper that is killed during a heartbeat must not cost the task more than one interval. A
        living keeper renews the lease of a slow heartbeat.
        """
        if task.info.heartbeat is None:
            return LEASE_SECONDS
        return min(LEASE_SECONDS, max(self.interval_seconds(task), LEAST_LEASE_SECONDS))

    @property
    def longest_seconds(self) -> float:
        """The longest time for which a heartbeat is ever put off."""
        return max(self.every_seconds, LEASE_SECONDS)
