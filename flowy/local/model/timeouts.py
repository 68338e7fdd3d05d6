"""When the timeouts of SWF are due.

By the API reference (RegisterActivityType, ScheduleActivityTaskDecisionAttributes,
RecordActivityTaskHeartbeat), an activity task's schedule-to-start and schedule-to-close timeouts
count from its ActivityTaskScheduled event, start-to-close from ActivityTaskStarted, and heartbeat
from the last heartbeat, or from the start before the first one. ``NONE`` means no timeout.

A decision task has a schedule-to-start timeout if its task list is an override with one
(RespondDecisionTaskCompleted). Here it counts from the time when the task is on the list, which is
later than its DecisionTaskScheduled event if a decider still had the previous decision task.

An execution lasts at most a year, whatever its own timeout (developer guide, Amazon SWF Quotas).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..quotas import EXECUTION_SECONDS
from .events import LocalActivityTask, LocalDecisionTask, LocalEvent


class Due(NamedTuple):
    """A running timeout.

    Attributes:
        timestamp: when it is due, in seconds since the epoch.
        subject: the task, the execution or the event of the timer that times out.
        kind: SWF's name for the timeout.
    """

    timestamp: float
    subject: Any
    kind: str


def due(subject: Any, start: float | None, after: str, kind: str) -> Due | None:
    """Return the timeout that fires *after* seconds from *start*; None if it never fires."""
    if after == "NONE" or start is None:
        return None
    # In whole milliseconds, like every time stamp: the sum of two floats may be inexact.
    return Due(round(start + int(after), 3), subject, kind)


def execution_due(execution: Any) -> Due | None:
    """Return the start-to-close timeout of an execution."""
    wanted = execution.execution_start_to_close_timeout
    # An execution that was continued as new, or a child, may have NONE.
    seconds = EXECUTION_SECONDS if wanted == "NONE" else min(int(wanted), EXECUTION_SECONDS)
    return due(execution, execution.start_timestamp, str(seconds), "START_TO_CLOSE")


def activity_dues(task: LocalActivityTask) -> list[Due | None]:
    """Return the timeouts that run for an activity task now."""
    scheduled, after = task.scheduled_timestamp, task.timeouts
    close = due(task, scheduled, after["scheduleToCloseTimeout"], "SCHEDULE_TO_CLOSE")
    if task.started_timestamp is None:
        start = due(task, scheduled, after["scheduleToStartTimeout"], "SCHEDULE_TO_START")
        return [close, start]
    run = due(task, task.started_timestamp, after["startToCloseTimeout"], "START_TO_CLOSE")
    beat = due(task, task.last_heartbeat_timestamp, after["heartbeatTimeout"], "HEARTBEAT")
    return [close, run, beat]


def decision_due(task: LocalDecisionTask) -> Due | None:
    """Return the timeout that runs for a decision task now."""
    if task.started_timestamp is None:
        after = task.schedule_to_start_timeout
        return due(task, task.listed_timestamp, after, "SCHEDULE_TO_START")
    return due(task, task.started_timestamp, task.start_to_close_timeout, "START_TO_CLOSE")


def timer_due(event: LocalEvent) -> Due | None:
    """Return when the timer of a TimerStarted event fires."""
    after = event.event_attributes["startToFireTimeout"]
    return due(event, event.event_timestamp, after, "FIRE")
