"""The decision to continue an execution as new.

ContinueAsNewWorkflowExecution "closes the workflow execution and starts a new workflow execution
of the same type using the same workflowId". A setting that the decision leaves out is the type's
default, not the setting of the old execution (API reference, Decision and
ContinueAsNewWorkflowExecutionDecisionAttributes). A child that is continued stays the child of its
parent. moto does not know this decision.
"""

from __future__ import annotations

from typing import Any

from .execution import LocalExecution
from .new_executions import settings_of, settings_problem


class ContinuingExecution(LocalExecution):
    """An execution that can be continued as new."""

    def continue_as_new(self, event_id: int, attributes: dict[str, Any]) -> None:
        """Close this execution and start the next one."""
        version = attributes.get("workflowTypeVersion", self.workflow_type.version)
        found: Any = self.domain.get_type(
            "workflow", self.workflow_type.name, version, ignore_empty=True
        )
        settings = settings_of(found, attributes)
        cause = settings_problem(found, settings)
        if self.scheduled_decision is not None:
            cause = "UNHANDLED_DECISION"
        if cause is not None:
            self.decision_failed("ContinueAsNewWorkflowExecutionFailed", cause, event_id)
            return
        settings["task_priority"] = attributes.get("taskPriority", found.default_task_priority)
        settings["tag_list"] = attributes.get("tagList")
        new = type(self)(
            self.domain,
            found,
            self.workflow_id,
            workflow_input=attributes.get("input"),
            **settings,
        )
        new.parent, new.parent_initiated_event_id = self.parent, self.parent_initiated_event_id
        self._add_event(
            "WorkflowExecutionContinuedAsNew",
            decision_task_completed_event_id=event_id,
            input=attributes.get("input"),
            new_execution_run_id=new.run_id,
            workflow_type=found,
            **settings,
        )
        self.domain.shared.journal.add("start", self.domain.name, new.run_id, self.workflow_id)
        new.start(self.run_id)
