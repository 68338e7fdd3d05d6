"""A history, and the state of an execution that follows from it.

The whole state of an execution follows from its history: an event changes the state only in
``_apply``. So reading a history from a file restores the same execution with the same open tasks,
timers and timeouts. Only heartbeats are not events.

What SWF does, according to its API reference, and moto does not:

- Tasks of a closed execution are gone. PollForDecisionTask returns tasks "for any open workflow
  execution", and an answer to a task of a closed one is UnknownResourceFault.
- "If a decision task scheduled on the override task list is not started within the timeout [...]
  Amazon SWF will revert the override"; likewise if it "is started within the timeout, but not
  completed within the start-to-close timeout" (RespondDecisionTaskCompleted).
- DescribeWorkflowExecution shows the true start time of an execution, and counts what is open now;
  it has at most one open decision task. A closed execution keeps the counts that it had when it
  closed, except that of decision tasks: recordings of SWF show a canceled execution with an open
  activity task.
"""

from __future__ import annotations

from typing import Any

from moto.swf.exceptions import SWFClientError
from moto.swf.models.workflow_execution import WorkflowExecution

from ..wire_faults import THROTTLED_MESSAGE, THROTTLING
from .domain import LocalDomain
from .events import LocalActivityTask, LocalDecisionTask, LocalEvent, Untracked, attributes_of
from .timeouts import Due, activity_dues, decision_due, execution_due, timer_due

#: By the event that closes an execution: its close status.
CLOSE_STATUS = {
    "WorkflowExecutionCompleted": "COMPLETED",
    "WorkflowExecutionFailed": "FAILED",
    "WorkflowExecutionCanceled": "CANCELED",
    "WorkflowExecutionTerminated": "TERMINATED",
    "WorkflowExecutionContinuedAsNew": "CONTINUED_AS_NEW",
    "WorkflowExecutionTimedOut": "TIMED_OUT",
}

#: The events that close an activity task.
CLOSES_ACTIVITY = frozenset(
    f"ActivityTask{how}" for how in ("Completed", "Failed", "Canceled", "TimedOut")
)

#: The events that tell a parent that a child has closed.
CLOSES_CHILD = frozenset(
    f"Child{event_type}"
    for event_type in CLOSE_STATUS
    if event_type != "WorkflowExecutionContinuedAsNew"
)


class History(Untracked, WorkflowExecution):
    """An execution whose state follows from its events."""

    domain: LocalDomain

    def __init__(
        self,
        domain: LocalDomain,
        workflow_type: Any,
        workflow_id: str,
        *,
        run_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(domain, workflow_type, workflow_id, **kwargs)
        self.run_id = run_id or self.run_id
        #: Its number in the domain, in the order of starts.
        self.number = 0
        #: The execution that started this one as its child, and the event there; or None and 0.
        self.parent: dict[str, str] | None = None  # type: ignore[assignment]
        self.parent_initiated_event_id = 0
        #: The ChildWorkflowExecutionStarted events of its open children, by the id of the event
        #: that initiated each.
        self.children: dict[int, LocalEvent] = {}
        #: The priority of its decision tasks; None is SWF's default, 0.
        self.task_priority: str | None = kwargs.get("task_priority")
        #: The open activity tasks by the id of the event that scheduled each.
        self.activities: dict[int, LocalActivityTask] = {}
        #: The keys of ``activities`` by activityId.
        self.activity_ids: dict[str, int] = {}
        #: The TimerStarted events of the running timers by timerId.
        self.timers: dict[str, LocalEvent] = {}
        #: The decision task that waits for a decider, and the one that a decider has taken.
        self.scheduled_decision: LocalDecisionTask | None = None
        self.started_decision: LocalDecisionTask | None = None
        #: The task list for later decision tasks in place of the execution's own, and the
        #: schedule-to-start timeout there, which may be "NONE". None if there is no override.
        self.override: tuple[str, str] | None = None
        #: The counts of open items when the execution closed; None while it is open.
        self.counts_at_close: dict[str, int] | None = None
        self.local_events: list[LocalEvent] = []
        # moto's own list of events.
        self._events = self.local_events  # type: ignore[assignment]
        domain.runs[self.run_id] = self

    # The queue of timeouts needs a hash; moto defines equality without one.
    __hash__ = object.__hash__

    def to_medium_dict(self) -> dict[str, Any]:
        # moto shows 1 January 2015 for every execution.
        shown = {**super().to_medium_dict(), "startTimestamp": self.start_timestamp}
        return {**shown, "parent": self.parent} if self.parent else shown

    def to_full_dict(self) -> dict[str, Any]:
        return {**super().to_full_dict(), "openCounts": self.counts_at_close or self._counts()}

    def _counts(self) -> dict[str, int]:
        return {
            "openActivityTasks": len(self.activities),
            "openDecisionTasks": int(bool(self.scheduled_decision or self.started_decision)),
            "openTimers": len(self.timers),
            "openChildWorkflowExecutions": len(self.children),
            "openLambdaFunctions": 0,
        }

    def admit(self, action: str) -> None:
        """Count a call about this execution in the execution's own bucket.

        Raises:
            SWFClientError: the bucket is empty.
        """
        if not self.domain.shared.throttle.admits_for_execution(action, self.run_id):
            raise SWFClientError(THROTTLING, THROTTLED_MESSAGE)

    def _add_event(
        self, event_type: str, event_timestamp: float | None = None, **values: Any
    ) -> LocalEvent:
        shared = self.domain.shared
        timestamp = shared.clock.now() if event_timestamp is None else event_timestamp
        attributes = attributes_of(**values)
        event = LocalEvent(len(self.local_events) + 1, event_type, timestamp, attributes)
        shared.journal.add("event", self.run_id, event_type, timestamp, attributes)
        self.replay(event)
        return event

    def replay(self, event: LocalEvent) -> None:
        """Append an event, new or read from a file, and change the state accordingly."""
        self.local_events.append(event)
        self._apply(event)
        self._queue_timeouts(event)

    def _apply(self, event: LocalEvent) -> None:
        kind, attributes = event.event_type, event.event_attributes
        if kind == "WorkflowExecutionStarted":
            self.start_timestamp = event.event_timestamp
            self.parent = attributes.get("parentWorkflowExecution")
            self.parent_initiated_event_id = attributes["parentInitiatedEventId"]
            self.domain.opened(self)
        elif kind in CLOSE_STATUS:
            self._apply_close(event)
        elif kind == "WorkflowExecutionCancelRequested":
            self.cancel_requested = True
        elif kind.startswith("DecisionTask"):
            self._apply_decision(event)
        elif kind.startswith("ActivityTask"):
            self._apply_activity(event)
        elif kind == "TimerStarted":
            self.timers[attributes["timerId"]] = event
        elif kind in ("TimerFired", "TimerCanceled"):
            del self.timers[attributes["timerId"]]
        elif kind == "ChildWorkflowExecutionStarted":
            self.children[attributes["initiatedEventId"]] = event
        elif kind in CLOSES_CHILD:
            del self.children[attributes["initiatedEventId"]]

    def _apply_activity(self, event: LocalEvent) -> None:
        kind, attributes = event.event_type, event.event_attributes
        if kind == "ActivityTaskScheduled":
            task = LocalActivityTask(self, event)
            self.activities[event.event_id] = task
            self.activity_ids[task.activity_id] = event.event_id
            self.latest_activity_task_timestamp = event.event_timestamp
            self.domain.enqueue(task)
        elif kind == "ActivityTaskStarted":
            task = self.activities[attributes["scheduledEventId"]]
            task.begin(event)
            self.domain.dequeue(task)
        elif kind == "ActivityTaskCancelRequested":
            task = self.activities[self.activity_ids[attributes["activityId"]]]
            task.cancel_requested_event_id = event.event_id
        elif kind in CLOSES_ACTIVITY:
            task = self.activities.pop(attributes["scheduledEventId"])
            task.state = "CLOSED"
            self.domain.dequeue(task)
            del self.activity_ids[task.activity_id]

    def _apply_decision(self, event: LocalEvent) -> None:
        kind, attributes = event.event_type, event.event_attributes
        if kind == "DecisionTaskScheduled":
            self.scheduled_decision = LocalDecisionTask(self, event)
        elif kind == "DecisionTaskStarted":
            assert self.scheduled_decision is not None
            self.started_decision, self.scheduled_decision = self.scheduled_decision, None
            self.started_decision.begin(event, self._previous_started_event_id)
            self.domain.dequeue(self.started_decision)
            self._previous_started_event_id = event.event_id
        elif attributes.get("timeoutType") == "SCHEDULE_TO_START":
            assert self.scheduled_decision is not None
            self.domain.dequeue(self.scheduled_decision)
            self.scheduled_decision.state, self.scheduled_decision = "CLOSED", None
            self.override = None
        else:
            assert self.started_decision is not None
            self.started_decision.state, self.started_decision = "CLOSED", None
            if kind == "DecisionTaskCompleted":
                self.latest_execution_context = attributes.get("executionContext")
                if "taskList" in attributes:
                    timeout = attributes.get("taskListScheduleToStartTimeout", "NONE")
                    self.override = (attributes["taskList"]["name"], timeout)
            elif self.override is not None and self.override[1] != "NONE":
                self.override = None
        self._enqueue_decision(event.event_timestamp)

    def _enqueue_decision(self, timestamp: float) -> None:
        # Deciders get one decision task of an execution at a time.
        task = self.scheduled_decision
        if task and task.listed_timestamp is None and self.started_decision is None:
            task.listed_timestamp = timestamp
            self.domain.enqueue(task)

    def _apply_close(self, event: LocalEvent) -> None:
        self.counts_at_close = {**self._counts(), "openDecisionTasks": 0}
        self.execution_status = "CLOSED"
        self.close_status = CLOSE_STATUS[event.event_type]
        self.close_cause = event.event_attributes.get("cause")
        self.timeout_type = event.event_attributes.get("timeoutType")
        self.close_timestamp = event.event_timestamp
        for task in self.activities.values():
            self.domain.dequeue(task)
        if self.scheduled_decision is not None:
            self.domain.dequeue(self.scheduled_decision)
        self.activities.clear()
        self.activity_ids.clear()
        self.timers.clear()
        self.scheduled_decision = self.started_decision = None
        self.domain.has_closed(self)

    def _queue_timeouts(self, event: LocalEvent) -> None:
        """Queue the timeouts that an event has started."""
        dues: list[Due | None] = []
        if event.event_type == "WorkflowExecutionStarted":
            dues = [execution_due(self)]
        elif event.event_type.startswith("DecisionTask"):
            decisions = (self.started_decision, self.scheduled_decision)
            dues = [decision_due(each) for each in decisions if each]
        elif event.event_type == "ActivityTaskScheduled":
            dues = activity_dues(self.activities[event.event_id])
        elif event.event_type == "ActivityTaskStarted":
            dues = activity_dues(self.activities[event.event_attributes["scheduledEventId"]])
        elif event.event_type == "TimerStarted":
            dues = [timer_due(event)]
        for each in dues:
            if each is not None:
                self.domain.shared.timeouts.add(self, each.timestamp)
