"""Decisions about other executions: signal one, request the cancellation of one.

SignalExternalWorkflowExecution and RequestCancelExternalWorkflowExecution record an Initiated event
first. Then the other execution of the same domain gets the signal or the request in its history,
and this one an event about that. Or the decision fails, because the other execution is not open
(UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION) or the rate is exceeded (API reference, Decision and
HistoryEvent). An execution may signal itself. moto knows neither decision.
"""

from __future__ import annotations

from typing import Any

from .execution import LocalExecution


class ExternalDecisions(LocalExecution):
    """An execution that signals and cancels others."""

    def signal_external(self, event_id: int, attributes: dict[str, Any]) -> None:
        """Signal another execution."""
        values = {"signal_name": attributes["signalName"], "input": attributes.get("input")}
        target, initiated_id = self._reach(
            "SignalExternalWorkflowExecution", event_id, attributes, **values
        )
        if target is not None:
            target._add_event(
                "WorkflowExecutionSignaled",
                external_initiated_event_id=initiated_id,
                external_workflow_execution=self.to_short_dict(),
                **values,
            )
            self._reached("ExternalWorkflowExecutionSignaled", target, initiated_id)

    def request_cancel_external(self, event_id: int, attributes: dict[str, Any]) -> None:
        """Request the cancellation of another execution; its decider decides what to do."""
        target, initiated_id = self._reach(
            "RequestCancelExternalWorkflowExecution", event_id, attributes
        )
        if target is not None:
            target._add_event(
                "WorkflowExecutionCancelRequested",
                external_initiated_event_id=initiated_id,
                external_workflow_execution=self.to_short_dict(),
            )
            self._reached("ExternalWorkflowExecutionCancelRequested", target, initiated_id)

    def _reach(
        self, decision: str, event_id: int, attributes: dict[str, Any], **values: Any
    ) -> tuple[Any, int]:
        """Record that the decision is carried out; return its target and the event's id.

        The target is None if the decision failed.
        """
        named = {
            "workflow_id": attributes["workflowId"],
            "run_id": attributes.get("runId"),
            "control": attributes.get("control"),
        }
        initiated = self._add_event(
            f"{decision}Initiated", decision_task_completed_event_id=event_id, **named, **values
        )
        target = self.domain.get_workflow_execution(
            named["workflow_id"], run_id=named["run_id"], raise_if_none=False
        )
        cause = None
        if target is None or not target.open:
            cause = "UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION"
        elif not self.domain.shared.throttle.admits(decision):
            shown = "SIGNAL" if decision.startswith("Signal") else "REQUEST_CANCEL"
            cause = f"{shown}_EXTERNAL_WORKFLOW_EXECUTION_RATE_EXCEEDED"
        if cause is not None:
            self.decision_failed(
                f"{decision}Failed", cause, event_id, initiated_event_id=initiated.event_id, **named
            )
            return None, initiated.event_id
        return target, initiated.event_id

    def _reached(self, event_type: str, target: LocalExecution, initiated_id: int) -> None:
        """Record that the other execution was reached, and wake both deciders."""
        self._add_event(
            event_type, initiated_event_id=initiated_id, workflow_execution=target.to_short_dict()
        )
        self.should_schedule_decision_next = True
        if target is not self:
            target.schedule_decision_task()
