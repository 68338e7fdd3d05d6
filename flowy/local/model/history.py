"""A history, and what follows from it.

All that an execution is follows from its history: an event is added, and ``_apply`` says
what is different by it.  So a history read back from a file gives the same execution, with
the same open tasks, timers and clocks.  Of what SWF keeps, only heartbeats are no events.

What SWF does, according to its API reference, and moto does not:

- What an execution has closed is closed: PollForDecisionTask brings tasks "for any open
  workflow execution", and a task of a closed one is UnknownResourceFault for its answers.
- "If a decision task scheduled on the override task list is not started within the timeout
  [...] Amazon SWF will revert the override"; likewise if it "is started within the timeout,
  but not completed within the start-to-close timeout" (RespondDecisionTaskCompleted).
- An execution tells the true time of its start, and counts what is open now
  (DescribeWorkflowExecution).
"""

from __future__ import annotations

from typing import Any

from moto.swf.exceptions import SWFClientError
from moto.swf.models.workflow_execution import WorkflowExecution

from flowy.local.model.domain import LocalDomain
from flowy.local.model.events import (
    LocalActivityTask,
    LocalDecisionTask,
    LocalEvent,
    Untracked,
    attributes_of,
)
from flowy.local.model.timeouts import Due, activity_dues, decision_due, execution_due, timer_due

#: The close status of the events that close an execution.
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


class History(Untracked, WorkflowExecution):
    """An execution as its events have made it."""

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
        if run_id is not None:
            self.run_id = run_id
        #: Of its decision tasks; None is SWF's default, 0.
        self.task_priority: str | None = kwargs.get("task_priority")
        #: The open activity tasks, by the id of the event that scheduled each.
        self.activities: dict[int, LocalActivityTask] = {}
        #: The same, by activityId.
        self.activity_ids: dict[str, int] = {}
        #: The TimerStarted events of the timers that run, by timerId.
        self.timers: dict[str, LocalEvent] = {}
        #: The decision task that waits, and the one that a decider has.
        self.waiting: LocalDecisionTask | None = None
        self.deciding: LocalDecisionTask | None = None
        #: The task list for the decision tasks to come, in place of the execution's own, and
        #: how long one may wait there ("NONE" is for ever); None where there is none.
        self.override: tuple[str, str] | None = None
        self.local_events: list[LocalEvent] = []
        # moto's own list of them.
        self._events = self.local_events  # type: ignore[assignment]
        domain.runs[self.run_id] = self

    # moto compares by value nowhere, and an alarm is set for one execution.
    __hash__ = object.__hash__

    def to_medium_dict(self) -> dict[str, Any]:
        # By moto, every execution started on the 1st of January 2015.
        return {**super().to_medium_dict(), "startTimestamp": self.start_timestamp}

    def to_full_dict(self) -> dict[str, Any]:
        counts = {
            "openActivityTasks": len(self.activities),
            "openDecisionTasks": sum(task is not None for task in (self.waiting, self.deciding)),
            "openTimers": len(self.timers),
            "openChildWorkflowExecutions": 0,
            "openLambdaFunctions": 0,
        }
        return {**super().to_full_dict(), "openCounts": counts}

    def admit(self, action: str) -> None:
        """A call is about this execution, which has buckets of its own.

        Raises:
            SWFClientError: there are too many.
        """
        if not self.domain.shared.throttle.admits_for(action, self.run_id):
            raise SWFClientError(
                "com.amazon.coral.availability#ThrottlingException", "Rate exceeded"
            )

    # -- history --

    def _add_event(
        self, event_type: str, event_timestamp: float | None = None, **values: Any
    ) -> LocalEvent:
        shared = self.domain.shared
        timestamp = shared.clock.now() if event_timestamp is None else event_timestamp
        attributes = attributes_of(**values)
        event = LocalEvent(len(self.local_events) + 1, event_type, timestamp, attributes)
        shared.journal.note("event", self.run_id, event_type, timestamp, attributes)
        self.replay(event)
        return event

    def replay(self, event: LocalEvent) -> None:
        """One more event, from now or from a file."""
        self.local_events.append(event)
        self._apply(event)

    def _apply(self, event: LocalEvent) -> None:
        kind, attributes = event.event_type, event.event_attributes
        if kind == "WorkflowExecutionStarted":
            self.start_timestamp = event.event_timestamp
            self.domain.opened(self)
        elif kind in CLOSE_STATUS:
            self._apply_close(event)
        elif kind == "WorkflowExecutionCancelRequested":
            self.cancel_requested = True
        elif kind.startswith("DecisionTask"):
            self._apply_decision(event)
        elif kind == "ActivityTaskScheduled":
            task = LocalActivityTask(self, event)
            self.activities[event.event_id] = task
            self.activity_ids[task.activity_id] = event.event_id
            self.latest_activity_task_timestamp = event.event_timestamp
            self.domain.line_up(task)
        elif kind == "ActivityTaskStarted":
            task = self.activities[attributes["scheduledEventId"]]
            task.begin(event)
            self.domain.step_out(task)
        elif kind == "ActivityTaskCancelRequested":
            task = self.activities[self.activity_ids[attributes["activityId"]]]
            task.cancel_requested_event_id = event.event_id
        elif kind in CLOSES_ACTIVITY:
            task = self.activities.pop(attributes["scheduledEventId"])
            task.state = "CLOSED"
            self.domain.step_out(task)
            del self.activity_ids[task.activity_id]
        elif kind == "TimerStarted":
            self.timers[attributes["timerId"]] = event
        elif kind in ("TimerFired", "TimerCanceled"):
            del self.timers[attributes["timerId"]]
        self._arm(event)

    def _apply_decision(self, event: LocalEvent) -> None:
        kind, attributes = event.event_type, event.event_attributes
        if kind == "DecisionTaskScheduled":
            self.waiting = LocalDecisionTask(self, event)
        elif kind == "DecisionTaskStarted":
            assert self.waiting is not None
            self.deciding, self.waiting = self.waiting, None
            self.deciding.begin(event, self._previous_started_event_id)
            self.domain.step_out(self.deciding)
            self._previous_started_event_id = event.event_id
        elif attributes.get("timeoutType") == "SCHEDULE_TO_START":
            assert self.waiting is not None
            self.domain.step_out(self.waiting)
            self.waiting.state, self.waiting = "CLOSED", None
            self.override = None
        else:
            assert self.deciding is not None
            self.deciding.state, self.deciding = "CLOSED", None
            if kind == "DecisionTaskCompleted":
                self.latest_execution_context = attributes.get("executionContext")
                if "taskList" in attributes:
                    timeout = attributes.get("taskListScheduleToStartTimeout", "NONE")
                    self.override = (attributes["taskList"]["name"], timeout)
            elif self.override is not None and self.override[1] != "NONE":
                self.override = None
        self._list_waiting(event.event_timestamp)

    def _list_waiting(self, timestamp: float) -> None:
        # One decision task of an execution at a time: the next goes out after it.
        task = self.waiting
        if task is not None and task.listed_timestamp is None and self.deciding is None:
            task.listed_timestamp = timestamp
            self.domain.line_up(task)

    def _apply_close(self, event: LocalEvent) -> None:
        self.execution_status = "CLOSED"
        self.close_status = CLOSE_STATUS[event.event_type]
        self.close_cause = event.event_attributes.get("cause")
        self.timeout_type = event.event_attributes.get("timeoutType")
        self.close_timestamp = event.event_timestamp
        for task in self.activities.values():
            self.domain.step_out(task)
        if self.waiting is not None:
            self.domain.step_out(self.waiting)
        self.activities.clear()
        self.activity_ids.clear()
        self.timers.clear()
        self.waiting = self.deciding = None
        self.domain.has_closed(self)

    def _arm(self, event: LocalEvent) -> None:
        """Set the alarm for a clock that an event has started; it may ring for nothing."""
        dues: list[Due | None] = []
        if event.event_type == "WorkflowExecutionStarted":
            dues = [execution_due(self)]
        elif event.event_type.startswith("DecisionTask"):
            dues = [decision_due(each) for each in (self.deciding, self.waiting) if each]
        elif event.event_type == "ActivityTaskScheduled":
            dues = activity_dues(self.activities[event.event_id])
        elif event.event_type == "ActivityTaskStarted":
            dues = activity_dues(self.activities[event.event_attributes["scheduledEventId"]])
        elif event.event_type == "TimerStarted":
            dues = [timer_due(event)]
        for each in dues:
            if each is not None:
                self.domain.shared.alarms.arm(self, each.timestamp)
