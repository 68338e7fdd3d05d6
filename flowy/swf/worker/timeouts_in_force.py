"""What follows from the timeouts in force of a task, which its history tells."""

from __future__ import annotations

from ...attempts import TaskHistory
from ..history import ActivityRecord
from ..values import ActivityImplementation


def interval_in_force(
    implementation: ActivityImplementation, heartbeat: int | None
) -> float | None:
    """Return the interval of background heartbeats, in seconds, by the heartbeat timeout in force.

    A third of it if the class asks for a third of the declared one; else what the class asks for,
    if that is less.
    """
    interval, declared = implementation.auto_heartbeat_seconds, implementation.defaults.heartbeat
    if interval is None or heartbeat is None:
        return interval
    third = heartbeat / 3
    return third if declared is not None and interval == declared / 3 else min(interval, third)


def queue_seconds(told: TaskHistory | ActivityRecord) -> float | None:
    """Return how long a task waited for a worker; None if its times are not known."""
    if told.scheduled_at is None or told.started_at is None:
        return None
    return max(0.0, told.started_at - told.scheduled_at)


def seconds_from_start(history: TaskHistory) -> float | None:
    """Return how long the task may run, by the timeouts in force; None for no limit."""
    limits = [] if history.start_to_close is None else [float(history.start_to_close)]
    if history.schedule_to_close is not None:
        limits.append(history.schedule_to_close - (queue_seconds(history) or 0.0))
    return min(limits, default=None)
