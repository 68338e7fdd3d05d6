"""The activities of one execution, read from its history.

SWF has no action that lists the activities of an execution. The history has an event for each step:
scheduled, started, ended. Heartbeats are not events; only the event of a timeout has the details of
the latest one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ...invocation.outcome import TaskOutcome
from ..history import Event, attributes, closes_execution, ending_of
from ..values import ActivityType, seconds_of


@dataclass(frozen=True)
class ActivityRecord:
    """One activity that an execution has scheduled, or tried to.

    Attributes:
        task_list: the task list on which it was scheduled; empty if it was not.
        outcome: how it ended; None while it is open.
        reason: why it failed, the type of its timeout, or SWF's cause; or empty.
        scheduled_at, started_at, closed_at: seconds since the epoch; None if it did not happen. An
            activity that could not be scheduled has only the last.
        worker: the identity of the worker that took it; empty if no worker has, or gave one.
        cancel_requested: whether its decider has requested its cancellation.
        input: wire text, or None.
        text: its result, or the details of its end; or None.
        heartbeat: the details of its latest heartbeat, which are known only if it timed out; or
            None.
    """

    activity_id: str
    type: ActivityType
    task_list: str = ""
    outcome: TaskOutcome | None = None
    reason: str = ""
    scheduled_at: float | None = None
    started_at: float | None = None
    closed_at: float | None = None
    worker: str = ""
    cancel_requested: bool = False
    input: str | None = field(default=None, repr=False)
    text: str | None = field(default=None, repr=False)
    heartbeat: str | None = field(default=None, repr=False)


def activity_records(events: Iterable[Event]) -> list[ActivityRecord]:
    """Return the activities of an execution, in the order in which they were scheduled.

    Args:
        events: the history of the execution, oldest first.
    """
    found: dict[int, ActivityRecord] = {}  # by the id of the event that scheduled it
    for event in events:
        said, at = attributes(event), seconds_of(event["eventTimestamp"])
        number = said.get("scheduledEventId", 0)  # decision tasks have one, too
        match event["eventType"]:
            case "ActivityTaskScheduled":
                found[event["eventId"]] = ActivityRecord(
                    said["activityId"],
                    _type(said),
                    said["taskList"]["name"],
                    scheduled_at=at,
                    input=said.get("input"),
                )
            case "ScheduleActivityTaskFailed":
                refused = ActivityRecord(said["activityId"], _type(said))
                found[event["eventId"]] = _ended(refused, event, at)
            case "ActivityTaskStarted":
                worker = said.get("identity", "")
                found[number] = replace(found[number], started_at=at, worker=worker)
            case "ActivityTaskCancelRequested":
                for key, each in found.items():
                    if each.outcome is None and each.activity_id == said["activityId"]:
                        found[key] = replace(each, cancel_requested=True)
            case _ if closes_execution(event):
                for key, each in found.items():
                    if each.outcome is None:
                        cut = TaskOutcome.EXECUTION_CLOSED
                        found[key] = replace(each, outcome=cut, closed_at=at)
            case _ if number in found:
                found[number] = _ended(found[number], event, at)
    return list(found.values())


def _ended(record: ActivityRecord, event: Event, at: float | None) -> ActivityRecord:
    ending = ending_of(event)
    if ending is None:
        return record
    timed_out = ending.outcome is TaskOutcome.TIMED_OUT
    return replace(
        record,
        outcome=ending.outcome,
        reason=ending.reason,
        closed_at=at,
        # SWF puts the latest heartbeat into the details of a timeout.
        text=None if timed_out else ending.text,
        heartbeat=ending.text if timed_out else None,
    )


def _type(said: Mapping[str, Any]) -> ActivityType:
    return ActivityType(said["activityType"]["name"], said["activityType"]["version"])
