"""The decision to continue an execution as new.

ContinueAsNewWorkflowExecution "closes the workflow execution and starts a new workflow execution
of the same type using the same workflowId". A setting that the decision leaves out is the type's
default, not the setting of the old execution (API reference, Decision and
ContinueAsNewWorkflowExecutionDecisionAttributes). moto does not know this decision.
"""

from __future__ import annotations

from typing import Any

from moto.core.utils import camelcase_to_underscores

from .execution import LocalExecution

#: The settings of the new execution, which the decision or the workflow type must give.
_SETTINGS = (
    "executionStartToCloseTimeout",
    "taskStartToCloseTimeout",
    "taskList",
    "childPolicy",
)


class ContinuingExecution(LocalExecution):
    """An execution that can be continued as new."""

    def continue_as_new(self, event_id: int, attributes: dict[str, Any]) -> None:
        """Close this execution and start the next one."""
        version = attributes.get("workflowTypeVersion", self.workflow_type.version)
        found: Any = self.domain.get_type(
            "workflow", self.workflow_type.name, version, ignore_empty=True
        )
        settings = _settings(found, attributes) if found else {}
        cause = self._continue_problem(found, settings)
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

    def _continue_problem(self, found: Any, settings: dict[str, Any]) -> str | None:
        """SWF's name of the reason why the execution cannot be continued; None if it can."""
        if self.scheduled_decision is not None:
            return "UNHANDLED_DECISION"
        if not found:
            return "WORKFLOW_TYPE_DOES_NOT_EXIST"
        if found.status == "DEPRECATED":
            return "WORKFLOW_TYPE_DEPRECATED"
        missing = (name for name in settings if not settings[name])
        return next((f"DEFAULT_{name.upper()}_UNDEFINED" for name in missing), None)


def _settings(found: Any, attributes: dict[str, Any]) -> dict[str, Any]:
    """The settings of the new execution; None stands for what is set nowhere."""
    given = {**attributes, "taskList": attributes.get("taskList", {}).get("name")}
    settings: dict[str, Any] = {}
    for name in _SETTINGS:
        snake = camelcase_to_underscores(name)
        default = snake if name == "taskList" else f"default_{snake}"
        settings[snake] = given.get(name) or getattr(found, default)
    return settings
