"""The activities of one execution, read from its history.

SWF has no action that lists the activities of an execution. The history has an event for each step:
scheduled, started, ended. Heartbeats are not events; only the event of a timeout has the details of
the latest one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...invocation.outcome import TaskOutcome
from ..times import seconds_of
from ..values import ActivityType
from .events import Event, attributes, closes_execution, ending_of


@dataclass(frozen=True, slots=True)
class ActivityRecord:
    """One activity task that an execution has scheduled, or tried to.

    Attributes:
        activity_id: the id that the decider gave it.
        type: its activity type.
        task_list: the task list on which it was scheduled; empty if it was not scheduled.
        outcome: how it ended; None while it is open.
        reason: why it failed, the type of its timeout, or SWF's cause; or empty.
        timeout_type: which timeout ended it: ``START_TO_CLOSE``, ``SCHEDULE_TO_START``,
            ``SCHEDULE_TO_CLOSE`` or ``HEARTBEAT``; None if none did.
        scheduled_at, started_at, closed_at: seconds since the epoch; None if the event did not
            happen. An activity that could not be scheduled has only the last one.
        scheduled_event_id, started_event_id, closed_event_id: SWF's numbers of these events; 0 if
            they did not happen. The task of a poll has only *started_event_id*.
        heartbeat_timeout, schedule_to_close, schedule_to_start, start_to_close: the timeouts in
            force, in seconds; None for no limit.
        identity: the identity of its worker; empty if no worker took it, or the worker gave none.
        cancel_requested: whether its decider has requested its cancellation.
        control: the note that the decider attached to it, or None.
        task_priority: its priority; None counts as 0.
        input: wire text, or None.
        result: wire text, if it completed and has one.
        details: the details of a failure or of a cancellation; or None.
        heartbeat: the details of its latest heartbeat, which SWF keeps only if the task timed out;
            or None.
    """

    activity_id: str
    type: ActivityType
    task_list: str = ""
    outcome: TaskOutcome | None = None
    reason: str = ""
    timeout_type: str | None = None
    scheduled_at: float | None = None
    started_at: float | None = None
    closed_at: float | None = None
    scheduled_event_id: int = 0
    started_event_id: int = 0
    closed_event_id: int = 0
    heartbeat_timeout: int | None = None
    schedule_to_close: int | None = None
    schedule_to_start: int | None = None
    start_to_close: int | None = None
    identity: str = ""
    cancel_requested: bool = False
    control: str | None = field(default=None, repr=False)
    task_priority: int | None = None
    input: str | None = field(default=None, repr=False)
    result: str | None = field(default=None, repr=False)
    details: str | None = field(default=None, repr=False)
    heartbeat: str | None = field(default=None, repr=False)

    @property
    def text(self) -> str | None:
        """Its result, or the details of its end; or None."""
        return self.details if self.result is None else self.result


def activity_records(events: Iterable[Event]) -> list[ActivityRecord]:
    """Return the activity tasks of an execution, in the order in which they were scheduled.

    Args:
        events: the history of the execution, oldest first, as ``events_in`` returns it. The oldest
            ones may be missing: a task that was scheduled before them is left out.
    """
    found: dict[int, dict[str, Any]] = {}  # fields by the id of the event that scheduled it
    open_ids: dict[str, int] = {}  # SWF takes no second open activity with the same id
    for event in events:
        kind = event["eventType"]
        if kind == "ActivityTaskScheduled":
            fields = _scheduled(event)
            found[event["eventId"]] = fields
            open_ids[fields["activity_id"]] = event["eventId"]
        elif kind == "ScheduleActivityTaskFailed":
            said = attributes(event)
            found[event["eventId"]] = fields = _named(said)
            _end(fields, event)
        elif kind == "ActivityTaskStarted":
            said = attributes(event)
            if said["scheduledEventId"] in found:
                found[said["scheduledEventId"]].update(_started(event, said))
        elif kind == "ActivityTaskCancelRequested":
            number = open_ids.get(attributes(event)["activityId"])
            if number is not None:
                found[number]["cancel_requested"] = True
        elif kind.startswith("ActivityTask"):
            said = attributes(event)
            if (number := said.get("scheduledEventId")) in found:
                fields = found[number]
                _end(fields, event)
                open_ids.pop(fields["activity_id"], None)
        elif closes_execution(event):
            for number in open_ids.values():
                found[number].update(outcome=TaskOutcome.EXECUTION_CLOSED, **_closed(event))
            open_ids.clear()
    return [ActivityRecord(**fields) for fields in found.values()]


def _named(said: Mapping[str, Any]) -> dict[str, Any]:
    kind = said["activityType"]
    return {
        "activity_id": said["activityId"],
        "type": ActivityType(kind["name"], kind["version"]),
    }


def _scheduled(event: Event) -> dict[str, Any]:
    said = attributes(event)
    priority = said.get("taskPriority")
    return {
        **_named(said),
        "task_list": said["taskList"]["name"],
        "scheduled_at": _at(event),
        "scheduled_event_id": event["eventId"],
        "heartbeat_timeout": _limit(said.get("heartbeatTimeout")),
        "schedule_to_close": _limit(said.get("scheduleToCloseTimeout")),
        "schedule_to_start": _limit(said.get("scheduleToStartTimeout")),
        "start_to_close": _limit(said.get("startToCloseTimeout")),
        "control": said.get("control"),
        "task_priority": None if priority is None else int(priority),
        "input": said.get("input"),
    }


def _started(event: Event, said: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "started_at": _at(event),
        "started_event_id": event["eventId"],
        "identity": said.get("identity", ""),
    }


def _end(fields: dict[str, Any], event: Event) -> None:
    """Note the end of a task, in which SWF puts the latest heartbeat into a timeout's details."""
    ending = ending_of(event)
    if ending is None:
        return
    fields.update(outcome=ending.outcome, reason=ending.reason, **_closed(event))
    if ending.outcome is TaskOutcome.COMPLETED:
        fields["result"] = ending.text
    elif ending.outcome is TaskOutcome.TIMED_OUT:
        fields.update(timeout_type=ending.reason, heartbeat=ending.text)
    else:
        fields["details"] = ending.text


def _closed(event: Event) -> dict[str, Any]:
    return {"closed_at": _at(event), "closed_event_id": event.get("eventId", 0)}


def _at(event: Event) -> float | None:
    return seconds_of(event.get("eventTimestamp"))


def _limit(text: Any) -> int | None:
    """Return a timeout in seconds; None for ``NONE``, or if none is given."""
    return int(text) if text is not None and str(text).isdigit() else None
