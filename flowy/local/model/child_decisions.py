"""Child executions: how they start, how their parent learns of their end, and child policies.

What SWF does, according to its API reference (Decision, HistoryEvent, StartWorkflowExecution) and
its developer guide (Amazon SWF Quotas), and moto does not:

- StartChildWorkflowExecution records StartChildWorkflowExecutionInitiated and, when the child has
  started, ChildWorkflowExecutionStarted. The child's first event names its parent.
- When a child closes, its parent's history gets an event about that, and a decision task follows. A
  child that is continued as new has not closed.
- The child policy applies to the open children of an execution that is terminated or times out:
  TERMINATE terminates them, REQUEST_CANCEL requests their cancellation, ABANDON does nothing.
- An execution has 1,000 open children at most, and a domain 100,000 open executions.
"""

from __future__ import annotations

from typing import Any

from .events import LocalEvent
from .execution import LocalExecution
from .history import CLOSE_STATUS
from .new_executions import settings_of, settings_problem

#: The attributes of a child's closing event that the parent's event repeats.
_TOLD = {
    "result": "result",
    "reason": "reason",
    "details": "details",
    "timeoutType": "timeout_type",
}

#: The cause of events that a child policy brings about.
_APPLIED = "CHILD_POLICY_APPLIED"


class ChildDecisions(LocalExecution):
    """An execution that can have children and be one."""

    def start_child(self, event_id: int, attributes: dict[str, Any]) -> None:
        """Start a child execution."""
        wanted, workflow_id = attributes["workflowType"], attributes["workflowId"]
        found: Any = self.domain.get_type(
            "workflow", wanted["name"], wanted["version"], ignore_empty=True
        )
        settings = settings_of(found, attributes)
        values = {
            "control": attributes.get("control"),
            "workflow_id": workflow_id,
            "workflow_type": wanted,
        }
        initiated_id = 0
        running = workflow_id in self.domain.open
        cause = settings_problem(found, settings) or self._too_many(running)
        if cause is None:
            settings["task_priority"] = attributes.get("taskPriority", found.default_task_priority)
            settings["tag_list"] = attributes.get("tagList") or None
            child_input = attributes.get("input")
            initiated_id = self._add_event(
                "StartChildWorkflowExecutionInitiated",
                decision_task_completed_event_id=event_id,
                lambda_role=attributes.get("lambdaRole"),
                input=child_input,
                **settings,
                **values,
            ).event_id
            if not running:
                self._start_child(found, workflow_id, child_input, settings, initiated_id)
                return
            cause = "WORKFLOW_ALREADY_RUNNING"
        # In the reference, the id is 0 if there is no Initiated event.
        self.decision_failed(
            "StartChildWorkflowExecutionFailed",
            cause,
            event_id,
            initiated_event_id=initiated_id,
            **values,
        )

    def _too_many(self, running: bool) -> str | None:
        quotas = self.domain.shared.quotas
        if running:
            return None
        if len(self.children) >= quotas.open_children:
            return "OPEN_CHILDREN_LIMIT_EXCEEDED"
        if len(self.domain.open) >= quotas.open_executions:
            return "OPEN_WORKFLOWS_LIMIT_EXCEEDED"
        # The throttle comes last, because asking it counts the child.
        if not self.domain.shared.throttle.admits("StartChildWorkflowExecution"):
            return "CHILD_CREATION_RATE_EXCEEDED"
        return None

    def _start_child(
        self,
        found: Any,
        workflow_id: str,
        workflow_input: str | None,
        settings: dict[str, Any],
        initiated_id: int,
    ) -> None:
        child = type(self)(
            self.domain, found, workflow_id, workflow_input=workflow_input, **settings
        )
        child.parent, child.parent_initiated_event_id = self.to_short_dict(), initiated_id
        self.domain.shared.journal.add("start", self.domain.name, child.run_id, workflow_id)
        self._add_event(
            "ChildWorkflowExecutionStarted",
            initiated_event_id=initiated_id,
            workflow_execution=child.to_short_dict(),
            workflow_type=found,
        )
        self.should_schedule_decision_next = True
        child.start()

    def _add_event(
        self, event_type: str, event_timestamp: float | None = None, **values: Any
    ) -> LocalEvent:
        event = super()._add_event(event_type, event_timestamp, **values)
        if event_type in CLOSE_STATUS:
            self._tell_parent(event)
        if event_type in ("WorkflowExecutionTerminated", "WorkflowExecutionTimedOut"):
            self._apply_policy(event.event_attributes["childPolicy"])
        return event

    def _tell_parent(self, event: LocalEvent) -> None:
        if self.parent is None or event.event_type == "WorkflowExecutionContinuedAsNew":
            return
        parent = self.domain.runs.get(self.parent["runId"])
        if parent is None or not parent.open:
            return
        told = {
            name: event.event_attributes[key]
            for key, name in _TOLD.items()
            if key in event.event_attributes and not event.event_type.endswith("Terminated")
        }
        parent._add_event(
            f"Child{event.event_type}",
            event.event_timestamp,
            initiated_event_id=self.parent_initiated_event_id,
            started_event_id=parent.children[self.parent_initiated_event_id].event_id,
            workflow_execution=self.to_short_dict(),
            workflow_type=self.workflow_type,
            **told,
        )
        parent.schedule_decision_task()

    def _apply_policy(self, policy: str) -> None:
        """Apply the child policy of an execution that was terminated or timed out."""
        # A terminated child may have children of its own, and so on. They wait here for the
        # outermost call, because a chain may be longer than Python's stack.
        waiting = self.domain.policies
        waiting.append((self, policy))
        if len(waiting) > 1:
            return
        try:
            while waiting:
                parent, applied = waiting[0]
                for started in list(parent.children.values()):
                    child = parent._open_child(started)
                    if child is not None and applied == "TERMINATE":
                        child.terminate(cause=_APPLIED)
                    elif child is not None and applied == "REQUEST_CANCEL":
                        child.request_cancel(cause=_APPLIED)
                waiting.popleft()
        finally:
            waiting.clear()

    def _open_child(self, started: LocalEvent) -> Any:
        """Return the child of a ChildWorkflowExecutionStarted event, or its successor, if open."""
        attributes = started.event_attributes
        child = self.domain.open.get(attributes["workflowExecution"]["workflowId"])
        if child is None or child.parent is None:
            return None
        mine = child.parent["runId"] == self.run_id
        same = child.parent_initiated_event_id == attributes["initiatedEventId"]
        return child if mine and same else None
