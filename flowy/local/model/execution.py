"""An execution: what may happen to it, and its clocks.

What SWF does, according to its API reference, and moto does not:

- Each timeout fires on its own clock (``flowy.local.model.timeouts``), when it is due.
- Timers are clocks like the others (Decision, StartTimer; moto: a thread each, outside of any
  lock).
- "A workflow execution can have at most one open decision task" (DescribeWorkflowExecution,
  openDecisionTasks): however much happens, one waits.  Where a decider has another one, the
  one that waits is scheduled already and goes out after it; that is not in the reference.
- "Maximum workflow execution history size - 25,000 events" (developer guide, Amazon SWF
  Quotas): one that has come so far is terminated with the cause EVENT_LIMIT_EXCEEDED.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flowy.local.model.events import LocalActivityTask, LocalDecisionTask, LocalEvent
from flowy.local.model.history import History
from flowy.local.model.timeouts import Due, activity_dues, decision_due, execution_due, timer_due


class LocalExecution(History):
    """An execution that starts, ends, and is timed."""

    # -- what may happen to it --

    def start(self, continued_run_id: str | None = None) -> None:
        """Begin; where it continues another one, with that one's run id."""
        self._add_event(
            "WorkflowExecutionStarted",
            child_policy=self.child_policy,
            continued_execution_run_id=continued_run_id,
            execution_start_to_close_timeout=self.execution_start_to_close_timeout,
            input=self.input,
            parent_initiated_event_id=0,
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
        elif self.waiting is None:
            task_list, timeout = self.override or (self.task_list, "NONE")
            self._add_event(
                "DecisionTaskScheduled",
                schedule_to_start_timeout=None if timeout == "NONE" else timeout,
                start_to_close_timeout=self.task_start_to_close_timeout,
                task_list=task_list,
                task_priority=self.task_priority,
            )

    def start_task(self, task: LocalActivityTask | LocalDecisionTask, identity: str | None) -> None:
        """A poller takes it."""
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
        """An activity task ends, one way or the other, and a decider is told."""
        self._add_event(
            event_type,
            timestamp,
            scheduled_event_id=task.scheduled_event_id,
            started_event_id=task.started_event_id or 0,
            **values,
        )
        self.schedule_decision_task()

    def request_cancel(self) -> None:
        """Somebody wants the execution canceled; what comes of it is its decider's affair."""
        self._add_event("WorkflowExecutionCancelRequested", external_initiated_event_id=0)
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

    # -- clocks --

    def _clocks(self) -> Iterator[Due | None]:
        if not self.open:
            return
        yield execution_due(self)
        for each in (self.deciding, self.waiting):
            if each is not None:
                yield decision_due(each)
        for task in self.activities.values():
            yield from activity_dues(task)
        for event in self.timers.values():
            yield timer_due(event)

    def next_timeout(self) -> Due | None:
        """The earliest timeout that runs; None where none does."""
        running = (each for each in self._clocks() if each is not None)
        return min(running, key=lambda each: each.timestamp, default=None)

    def _process_timeouts(self) -> None:
        # One at a time, the earliest first: each may close what the next one is about.
        now = self.domain.shared.clock.now()
        while (first := self.next_timeout()) is not None and first.timestamp <= now:
            self._fire(first)
        if first is not None:
            self.domain.shared.alarms.arm(self, first.timestamp)

    def _fire(self, fired: Due) -> None:
        if isinstance(fired.of, LocalActivityTask):
            self.close_activity_task(
                fired.of,
                "ActivityTaskTimedOut",
                timestamp=fired.timestamp,
                details=fired.of.details,
                timeout_type=fired.kind,
            )
        elif isinstance(fired.of, LocalDecisionTask):
            self._add_event(
                "DecisionTaskTimedOut",
                fired.timestamp,
                scheduled_event_id=fired.of.scheduled_event_id,
                started_event_id=fired.of.started_event_id or 0,
                timeout_type=fired.kind,
            )
            self.schedule_decision_task()
        elif isinstance(fired.of, LocalEvent):
            self._add_event(
                "TimerFired",
                fired.timestamp,
                started_event_id=fired.of.event_id,
                timer_id=fired.of.event_attributes["timerId"],
            )
            self.schedule_decision_task()
        else:
            self._add_event(
                "WorkflowExecutionTimedOut",
                fired.timestamp,
                child_policy=self.child_policy,
                timeout_type=fired.kind,
            )
