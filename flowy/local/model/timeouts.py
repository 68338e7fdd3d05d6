"""When what is due: the timeouts of SWF, each by its own clock.

By the API reference (RegisterActivityType, ScheduleActivityTaskDecisionAttributes,
RecordActivityTaskHeartbeat): schedule-to-start and schedule-to-close count from the
ActivityTaskScheduled event, start-to-close from ActivityTaskStarted, heartbeat from the
last heartbeat, or from the start where there was none.  ``NONE`` is no timeout.  A decision
task has a schedule-to-start timeout where its task list is an override that has one
(RespondDecisionTaskCompleted); here it counts from when deciders can get it, which is later
than its DecisionTaskScheduled event where another one was still being decided.  An
execution lasts a year at most, whatever its timeout says (developer guide, Amazon SWF
Quotas).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from flowy.local.model.events import LocalActivityTask, LocalDecisionTask, LocalEvent
from flowy.local.quotas import EXECUTION_SECONDS


class Due(NamedTuple):
    """A timeout that runs: when it is due, of what, and SWF's name for it."""

    timestamp: float
    of: Any
    kind: str


def due(of: Any, start: float | None, after: str, kind: str) -> Due | None:
    """A timeout that began at *start*; None where it never comes."""
    return None if after == "NONE" or start is None else Due(start + int(after), of, kind)


def execution_due(execution: Any) -> Due | None:
    """When an execution has taken too long."""
    wanted = execution.execution_start_to_close_timeout
    # One that was continued may have NONE.
    seconds = EXECUTION_SECONDS if wanted == "NONE" else min(int(wanted), EXECUTION_SECONDS)
    return due(execution, execution.start_timestamp, str(seconds), "START_TO_CLOSE")


def activity_dues(task: LocalActivityTask) -> list[Due | None]:
    """The timeouts of an activity task, as far as it has come."""
    scheduled, after = task.scheduled_timestamp, task.timeouts
    close = due(task, scheduled, after["scheduleToCloseTimeout"], "SCHEDULE_TO_CLOSE")
    if task.started_timestamp is None:
        start = due(task, scheduled, after["scheduleToStartTimeout"], "SCHEDULE_TO_START")
        return [close, start]
    run = due(task, task.started_timestamp, after["startToCloseTimeout"], "START_TO_CLOSE")
    beat = due(task, task.last_heartbeat_timestamp, after["heartbeatTimeout"], "HEARTBEAT")
    return [close, run, beat]


def decision_due(task: LocalDecisionTask) -> Due | None:
    """The timeout of a decision task: of one that a decider has, or that waits for one."""
    if task.started_timestamp is None:
        after = task.schedule_to_start_timeout
        return due(task, task.listed_timestamp, after, "SCHEDULE_TO_START")
    return due(task, task.started_timestamp, task.start_to_close_timeout, "START_TO_CLOSE")


def timer_due(event: LocalEvent) -> Due | None:
    """When a timer fires, by its TimerStarted event."""
    after = event.event_attributes["startToFireTimeout"]
    return due(event, event.event_timestamp, after, "FIRE")
