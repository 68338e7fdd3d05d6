"""What can happen to an execution, and its timeouts.

What SWF does, according to its API reference, and moto does not:

- Each timeout fires when it is due (``flowy.local.model.timeouts``).
- A timer is a timeout like the others (Decision, StartTimer); moto has a thread for each, outside
  of any lock.
- "A workflow execution can have at most one open decision task" (DescribeWorkflowExecution,
  openDecisionTasks): however much happens, one decision task is scheduled. If a decider has the
  previous one, the next is scheduled at once and sent later; the reference does not say so.
- "Maximum workflow execution history size - 25,000 events" (developer guide, Amazon SWF Quotas):
  an execution with more events is terminated with the cause EVENT_LIMIT_EXCEEDED.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .events import LocalActivityTask, LocalDecisionTask, LocalEvent
from .history import History
from .timeouts import Due, activity_dues, decision_due, execution_due, timer_due


class LocalExecution(History):
    """An execution that can be started, signaled, canceled, timed out and terminated."""

    def start(self, continued_run_id: str | None = None) -> None:
        """Start the execution.

        Args:
            continued_run_id: the run id of the execution that this one continues; None if it is
                a new one.
        """
        self._add_event(
            "WorkflowExecutionStarted",
            child_policy=self.child_policy,
            continued_execution_run_id=continued_run_id,
            execution_start_to_close_timeout=self.execution_start_to_close_timeout,
            input=self.input,
            parent_initiated_event_id=self.parent_initiated_event_id,
            parent_workflow_execution=self.parent,
            tag_list=self.tag_list or None,
            task_list=self.task_list,
            task_priority=self.task_priority,
            task_start_to_close_timeout=self.task_start_to_close_timeout,
            workflow_type=self.workflow_type,
        )
        self.schedule_decision_task()

    def schedule_decision_task(self) -> None:
        if not self.open:
            return
        if len(self.local_events) >= self.domain.shared.quotas.events:
            self.terminate(cause="EVENT_LIMIT_EXCEEDED")
        elif self.scheduled_decision is None:
            task_list, timeout = self.override or (self.task_list, "NONE")
            self._add_event(
                "DecisionTaskScheduled",
                schedule_to_start_timeout=None if timeout == "NONE" else timeout,
                start_to_close_timeout=self.task_start_to_close_timeout,
                task_list=task_list,
                task_priority=self.task_priority,
            )

    def start_task(self, task: LocalActivityTask | LocalDecisionTask, identity: str | None) -> None:
        """Give a task to a poller."""
        kind = "Activity" if isinstance(task, LocalActivityTask) else "Decision"
        self._add_event(
            f"{kind}TaskStarted", scheduled_event_id=task.scheduled_event_id, identity=identity
        )

    def close_activity_task(
        self,
        task: LocalActivityTask,
        event_type: str,
        *,
        timestamp: float | None = None,
        **values: Any,
    ) -> None:
        """Close an activity task, and schedule a decision task to tell the decider."""
        self._add_event(
            event_type,
            timestamp,
            scheduled_event_id=task.scheduled_event_id,
            started_event_id=task.started_event_id or 0,
            **values,
        )
        self.schedule_decision_task()

    def decision_failed(self, event_type: str, cause: str, event_id: int, **values: Any) -> None:
        """Record that a decision failed; the decider is told when its list is carried out.

        Args:
            event_type: the type of the event.
            cause: SWF's name for the reason.
            event_id: the DecisionTaskCompleted event of the decision.
            values: other attributes of the event.
        """
        self._add_event(
            event_type, cause=cause, decision_task_completed_event_id=event_id, **values
        )
        self.should_schedule_decision_next = True

    def signal(self, signal_name: str, workflow_input: Any) -> None:
        self._add_event(
            "WorkflowExecutionSignaled",
            external_initiated_event_id=0,
            input=workflow_input,
            signal_name=signal_name,
        )
        self.schedule_decision_task()

    def request_cancel(self, cause: str | None = None) -> None:
        """Record a request to cancel the execution; its decider decides what to do.

        Args:
            cause: SWF's name for the cause, if SWF itself requested it.
        """
        self._add_event(
            "WorkflowExecutionCancelRequested", cause=cause, external_initiated_event_id=0
        )
        self.schedule_decision_task()

    def terminate(
        self,
        child_policy: str | None = None,
        details: Any = None,
        reason: str | None = None,
        cause: str = "OPERATOR_INITIATED",
    ) -> None:
        self._add_event(
            "WorkflowExecutionTerminated",
            cause=cause,
            child_policy=child_policy or self.child_policy,
            details=details,
            reason=reason,
        )

    def next_timeout(self) -> Due | None:
        """Return the running timeout that is due first; None if no timeout is running."""
        running = (each for each in self._timeouts() if each is not None)
        return min(running, key=lambda each: each.timestamp, default=None)

    def _timeouts(self) -> Iterator[Due | None]:
        if not self.open:
            return
        yield execution_due(self)
        for each in (self.started_decision, self.scheduled_decision):
            if each is not None:
                yield decision_due(each)
        for task in self.activities.values():
            yield from activity_dues(task)
        for event in self.timers.values():
            yield timer_due(event)

    def fire_due(self, now: float) -> None:
        """Fire every timeout that is due at *now*, in seconds since the epoch."""
        # One at a time, the earliest first, because each may close the subject of the next one.
        while (first := self.next_timeout()) is not None and first.timestamp <= now:
            self._fire(first)
        if first is not None:
            self.domain.shared.timeouts.add(self, first.timestamp)

    def _fire(self, fired: Due) -> None:
        subject, when = fired.subject, fired.timestamp
        if isinstance(subject, LocalActivityTask):
            self.close_activity_task(
                subject,
                "ActivityTaskTimedOut",
                timestamp=when,
                details=subject.details,
                timeout_type=fired.kind,
            )
        elif isinstance(subject, LocalDecisionTask):
            self._add_event(
                "DecisionTaskTimedOut",
                when,
                scheduled_event_id=subject.scheduled_event_id,
                started_event_id=subject.started_event_id or 0,
                timeout_type=fired.kind,
            )
            self.schedule_decision_task()
        elif isinstance(subject, LocalEvent):
            self._add_event(
                "TimerFired",
                when,
                started_event_id=subject.event_id,
                timer_id=subject.event_attributes["timerId"],
            )
            self.schedule_decision_task()
        else:
            self._add_event(
                "WorkflowExecutionTimedOut",
                when,
                child_policy=self.child_policy,
                timeout_type=fired.kind,
            )
