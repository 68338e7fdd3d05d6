"""Events, tasks and their tokens, made so that a history is all that there is to keep.

moto's models register every instance in a list of their class for as long as the process
lives, read the machine's clock, and know half of SWF's event types.  These are let go
with their execution, are told the time, and take every event that SWF documents in
"HistoryEvent" of the API reference.

A token names its execution and the event that scheduled its task, and is signed.  So a
token of a task that has closed long ago is still told from rubbish, as SWF does
(UnknownResourceFault, not ValidationException), with nothing kept for it.
"""

from __future__ import annotations

import hashlib
import hmac
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

_SIGNATURE_BYTES = 8


class Untracked:
    """Mixed in before one of moto's models: no list of its class keeps the instance."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return object.__new__(cls)


class LocalEvent(Untracked, HistoryEvent):
    """One event of a history.

    Args:
        event_id: its place in the history, from 1.
        event_type: SWF's name for it.
        event_timestamp: when it happened, in seconds since the epoch.
        attributes: as SWF shows them.
    """

    def __init__(
        self, event_id: int, event_type: str, event_timestamp: float, attributes: dict[str, Any]
    ) -> None:
        # moto's own constructor refuses the types that it does not know.
        self.event_id = event_id
        self.event_type = event_type
        self.event_timestamp = event_timestamp
        self.event_attributes = attributes


def attributes_of(**values: Any) -> dict[str, Any]:
    """An event's attributes: what is None is left out, the rest is spelled as SWF does."""
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
    """An activity task that is open: all of it comes from its ActivityTaskScheduled event.

    Attributes:
        scheduled_timestamp: since when it waits, in seconds since the epoch.
        started_timestamp: since when it runs; None while it waits.
        identity: of the poller that has it.
        cancel_requested_event_id: the latest request to cancel it; None where there is none.
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
        """A poller has taken it."""
        self.start(started.event_id)
        self.started_timestamp = self.last_heartbeat_timestamp = started.event_timestamp
        self.identity = started.event_attributes.get("identity")


class LocalDecisionTask(Untracked, DecisionTask):
    """A decision task that is open: all of it comes from its DecisionTaskScheduled event."""

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
        #: Since when it is on its task list; None while another one is with a decider.
        self.listed_timestamp: float | None = None
        self.identity: str | None = None
        self.task_token = execution.domain.shared.tokens.make(
            "d", execution.run_id, scheduled.event_id
        )

    def begin(self, started: LocalEvent, previous_started_event_id: int | None) -> None:
        """A poller has taken it."""
        self.start(started.event_id, previous_started_event_id)
        self.started_timestamp = started.event_timestamp
        self.identity = started.event_attributes.get("identity")


class Tokens:
    """Makes task tokens, and tells them from rubbish.

    Args:
        secret: what they are signed with; a restart has to know it.
    """

    def __init__(self, secret: bytes) -> None:
        self.secret = secret

    def make(self, kind: str, run_id: str, event_id: int) -> str:
        """The token of a task: its kind ("a" or "d"), its execution, its scheduled event."""
        text = f"{run_id}-{kind}{event_id}"
        return f"{self._signature(text)}-{text}"

    def read(self, token: str, kind: str) -> tuple[str, int] | None:
        """The run id and the scheduled event of a token; None where it is none of ours."""
        signature, _, text = token.partition("-")
        if not token.isascii() or not hmac.compare_digest(signature, self._signature(text)):
            return None
        run_id, _, task = text.rpartition("-")
        return (run_id, int(task[1:])) if task[0] == kind else None

    def _signature(self, text: str) -> str:
        return hashlib.blake2b(
            text.encode(), key=self.secret, digest_size=_SIGNATURE_BYTES
        ).hexdigest()
