"""Carries out the decisions of deciders.

What SWF does, and moto does not:

- An execution does not close if its history has events that its decider has not seen. The decision
  to close it fails with the cause UNHANDLED_DECISION (API reference, Decision, "Decision Failure":
  "a signal or activity event had been added to the history while the decision task was being
  performed"), and the next decision task shows the events.
- Lambda is not available here, for which SWF has a cause: ScheduleLambdaFunctionFailed with
  LAMBDA_SERVICE_NOT_AVAILABLE_IN_REGION.

Other modules have the decisions about activity tasks, timers, children and other executions, and
the one to continue as new.
"""

from __future__ import annotations

from typing import Any

from moto.swf.exceptions import SWFValidationException

from .activity_decisions import ActivityDecisions
from .child_decisions import ChildDecisions
from .continuing import ContinuingExecution
from .events import LocalDecisionTask
from .external_decisions import ExternalDecisions
from .timer_decisions import TimerDecisions

_CONTINUE = "ContinueAsNewWorkflowExecution"


class DecidedExecution(
    ActivityDecisions, TimerDecisions, ChildDecisions, ExternalDecisions, ContinuingExecution
):
    """An execution that carries out decisions."""

    def complete_decisions(
        self, task: LocalDecisionTask, decisions: list[dict[str, Any]], **values: Any
    ) -> None:
        """Complete a decision task and carry out its decisions, either all or none.

        Args:
            task: the decision task.
            decisions: the decisions, as in the request.
            values: other attributes of the DecisionTaskCompleted event.

        Raises:
            JsonRESTError: SWF refuses one of the decisions.
        """
        self.validate_decisions(decisions)
        if any(each["decisionType"] == _CONTINUE for each in decisions[:-1]):
            # moto's text for the other decisions that close an execution.
            raise SWFValidationException("Close must be last decision in list")
        completed = self._add_event(
            "DecisionTaskCompleted",
            scheduled_event_id=task.scheduled_event_id,
            started_event_id=task.started_event_id,
            **values,
        )
        self.should_schedule_decision_next = False
        for decision in decisions:
            if not self.open:
                break  # a signal may have ended a parent with too many events, and so this child
            kind = decision["decisionType"]
            attributes = decision.get(f"{kind[0].lower()}{kind[1:]}DecisionAttributes", {})
            self._carry_out(kind, completed.event_id, attributes)
        if self.should_schedule_decision_next:
            self.schedule_decision_task()

    def _carry_out(self, kind: str, event_id: int, attributes: dict[str, Any]) -> None:
        if kind == "ScheduleActivityTask":
            self.schedule_activity_task(event_id, attributes)
        elif kind == "RequestCancelActivityTask":
            self.request_cancel_activity_task(event_id, attributes["activityId"])
        elif kind == "StartTimer":
            self.start_timer(event_id, attributes)
        elif kind == "CancelTimer":
            self.cancel_timer(event_id, attributes["timerId"])
        elif kind == "RecordMarker":
            self.record_marker(event_id, attributes)
        elif kind == "ScheduleLambdaFunction":
            self.decision_failed(
                "ScheduleLambdaFunctionFailed",
                "LAMBDA_SERVICE_NOT_AVAILABLE_IN_REGION",
                event_id,
                id=attributes["id"],
                name=attributes["name"],
            )
        elif kind == "StartChildWorkflowExecution":
            self.start_child(event_id, attributes)
        elif kind == "SignalExternalWorkflowExecution":
            self.signal_external(event_id, attributes)
        elif kind == "RequestCancelExternalWorkflowExecution":
            self.request_cancel_external(event_id, attributes)
        elif kind == _CONTINUE:
            self.continue_as_new(event_id, attributes)
        elif kind == "CompleteWorkflowExecution":
            self._close(kind, "Completed", event_id, result=attributes.get("result"))
        elif kind == "CancelWorkflowExecution":
            self._close(kind, "Canceled", event_id, details=attributes.get("details"))
        else:
            reason, details = attributes.get("reason"), attributes.get("details")
            self._close(kind, "Failed", event_id, reason=reason, details=details)

    def _close(self, decision: str, how: str, event_id: int, **values: Any) -> None:
        if self.scheduled_decision is not None:
            self.decision_failed(f"{decision}Failed", "UNHANDLED_DECISION", event_id)
        else:
            self._add_event(
                f"WorkflowExecution{how}", decision_task_completed_event_id=event_id, **values
            )
