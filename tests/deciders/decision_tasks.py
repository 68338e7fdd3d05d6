"""The decision tasks of one execution, for deciders that run in the thread of the test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient


def decision_tasks(
    client: SWFClient, domain: str, workflow_id: str, workflow: str
) -> Iterator[Any]:
    """Start an execution, of the type *workflow* 1, and yield each of its decision tasks."""
    lists: Any = {"name": workflow_id}
    client.start_workflow_execution(
        domain=domain,
        workflowId=workflow_id,
        workflowType={"name": workflow, "version": "1"},
        taskList=lists,
        input="[[], {}]",
        executionStartToCloseTimeout="3600",
        taskStartToCloseTimeout="NONE",
        childPolicy="TERMINATE",
    )
    while True:
        task = client.poll_for_decision_task(domain=domain, taskList=lists)
        if task.get("taskToken"):
            yield task
