"""Events and open tasks, restorable from the history alone.

moto's models keep every instance in a list of their class until the process ends, read the
machine's clock, and know half of SWF's event types. Instances of the classes here are released with
their execution, are given the time, and accept every event that the API reference documents in
"HistoryEvent".
"""

from __future__ import annotations

from typing import Any

from moto.core.utils import underscores_to_camelcase
from moto.swf.models.activity_task import ActivityTask
from moto.swf.models.decision_task import DecisionTask
from moto.swf.models.history_event import HistoryEvent

#: The four timeouts of an activity task, as its events and types name them.
ACTIVITY_TIMEOUTS = (
    "scheduleToStartTimeout",
    "scheduleToCloseTimeout",
    "startToCloseTimeout",
    "heartbeatTimeout",
)


class Untracked:
    """A first base class for moto's models, so that no list keeps their instances."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return object.__new__(cls)


class LocalEvent(Untracked, HistoryEvent):
    """One event of a history.

    Args:
        event_id: its number in the history, from 1.
        event_type: SWF's name for the event.
        event_timestamp: when it happened, in seconds since the epoch.
        attributes: the event's attributes as SWF shows them.
    """

    def __init__(
        self, event_id: int, event_type: str, event_timestamp: float, attributes: dict[str, Any]
    ) -> None:
        # moto's own constructor refuses event types that it does not know.
        self.event_id = event_id
        self.event_type = event_type
        self.event_timestamp = event_timestamp
        self.event_attributes = attributes


def attributes_of(**values: Any) -> dict[str, Any]:
    """Make an event's attributes: SWF's spelling of the names, without values that are None."""
    attributes: dict[str, Any] = {}
    for name, value in values.items():
        if value is None:
            continue
        if name == "task_list":
            value = {"name": value}
        elif name in ("workflow_type", "activity_type") and not isinstance(value, dict):
            value = value.to_short_dict()
        attributes[underscores_to_camelcase(name)] = value
    return attributes


class LocalActivityTask(Untracked, ActivityTask):
    """An open activity task, made from its ActivityTaskScheduled event.

    Attributes:
        scheduled_timestamp: when it was scheduled, in seconds since the epoch.
        started_timestamp: when a worker took it, in seconds since the epoch; None before that.
        identity: the identity of that worker; None if it gives none.
        cancel_requested_event_id: the event of the latest request to cancel the task, or None.
    """

    #: A LocalExecution, which knows its tasks.
    workflow_execution: Any

    def __init__(self, execution: Any, scheduled: LocalEvent) -> None:
        attributes = scheduled.event_attributes
        activity_type: Any = execution.domain.type_of("activity", attributes["activityType"])
        super().__init__(
            activity_id=attributes["activityId"],
            activity_type=activity_type,
            scheduled_event_id=scheduled.event_id,
            workflow_execution=execution,
            timeouts={name: attributes[name] for name in ACTIVITY_TIMEOUTS},
            workflow_input=attributes.get("input"),
        )
        self.task_list: str = attributes["taskList"]["name"]
        self.priority = int(attributes.get("taskPriority", 0))
        self.scheduled_timestamp = scheduled.event_timestamp
        self.started_timestamp: float | None = None
        self.last_heartbeat_timestamp = scheduled.event_timestamp
        self.identity: str | None = None
        self.cancel_requested_event_id: int | None = None
        self.task_token = execution.domain.shared.tokens.make(
            "a", execution.run_id, scheduled.event_id
        )

    def begin(self, started: LocalEvent) -> None:
        """Note that a worker has taken the task."""
        self.start(started.event_id)
        self.started_timestamp = self.last_heartbeat_timestamp = started.event_timestamp
        self.identity = started.event_attributes.get("identity")


class LocalDecisionTask(Untracked, DecisionTask):
    """An open decision task, made from its DecisionTaskScheduled event."""

    #: A LocalExecution, which knows its tasks.
    workflow_execution: Any

    def __init__(self, execution: Any, scheduled: LocalEvent) -> None:
        super().__init__(execution, scheduled.event_id)
        attributes = scheduled.event_attributes
        self.task_list: str = attributes["taskList"]["name"]
        self.priority = int(attributes.get("taskPriority", 0))
        self.start_to_close_timeout = attributes["startToCloseTimeout"]
        self.schedule_to_start_timeout: str = attributes.get("scheduleToStartTimeout", "NONE")
        self.scheduled_timestamp = scheduled.event_timestamp
        #: When it was put on its task list, in seconds since the epoch; None as long as a decider
        #: has the execution's previous decision task.
        self.listed_timestamp: float | None = None
        self.identity: str | None = None
        self.task_token = execution.domain.shared.tokens.make(
            "d", execution.run_id, scheduled.event_id
        )

    def begin(self, started: LocalEvent, previous_started_event_id: int | None) -> None:
        """Note that a decider has taken the task."""
        self.start(started.event_id, previous_started_event_id)
        self.started_timestamp = started.event_timestamp
        self.identity = started.event_attributes.get("identity")
