"""The actions about executions: start, signal, cancel, list, count, show the history.

What SWF does, according to its API reference, and moto does not:

- An execution may have a priority for its decision tasks.
- A signal need not have an input (moto: HTTP 500).
- Lists of executions and histories come in pages.
"""

from __future__ import annotations

import json
from typing import Any

from .listing import ListItem, select
from .request import LocalRequest, event_items


class ExecutionActions(LocalRequest):
    """Requests about executions."""

    def start_workflow_execution(self) -> str:
        parameters, wanted = self._parameters, self._parameters["workflowType"]
        execution = self._backend.start_workflow_execution(
            parameters["domain"],
            parameters["workflowId"],
            wanted["name"],
            wanted["version"],
            task_list=parameters.get("taskList", {}).get("name"),
            task_priority=parameters.get("taskPriority"),
            child_policy=parameters.get("childPolicy"),
            execution_start_to_close_timeout=parameters.get("executionStartToCloseTimeout"),
            workflow_input=parameters.get("input"),
            tag_list=parameters.get("tagList"),
            task_start_to_close_timeout=parameters.get("taskStartToCloseTimeout"),
        )
        return json.dumps({"runId": execution.run_id})

    def request_cancel_workflow_execution(self) -> str:
        self._backend.request_cancel_workflow_execution(
            self._parameters["domain"],
            self._parameters["workflowId"],
            self._parameters.get("runId"),
        )
        return ""

    def signal_workflow_execution(self) -> str:
        self._parameters.setdefault("input", None)
        answer: str = super().signal_workflow_execution()
        return answer

    def get_workflow_execution_history(self) -> str:
        wanted = self._parameters["execution"]
        found: Any = self._backend.describe_workflow_execution(
            self._parameters["domain"], wanted["runId"], wanted["workflowId"]
        )
        found.admit("GetWorkflowExecutionHistory")
        return self._page("events", event_items(found.local_events))

    def list_open_workflow_executions(self) -> str:
        return self._list_executions(closed=False)

    def list_closed_workflow_executions(self) -> str:
        return self._list_executions(closed=True)

    def count_open_workflow_executions(self) -> str:
        return self._count_executions(closed=False)

    def count_closed_workflow_executions(self) -> str:
        return self._count_executions(closed=True)

    def _list_executions(self, *, closed: bool) -> str:
        # The newest execution comes first, unless the request reverses the order.
        found = self._executions(closed=closed)
        return self._page("executionInfos", found, descending=not self._reverse)

    def _count_executions(self, *, closed: bool) -> str:
        return json.dumps({"count": len(self._executions(closed=closed)), "truncated": False})

    def _executions(self, *, closed: bool) -> list[ListItem]:
        executions = self._backend.executions(self._parameters["domain"], closed=closed)
        return select(executions, self._parameters)
