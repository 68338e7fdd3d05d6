"""A decider that was written by hand with boto3, as its author would have it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tests.acceptance.flows import Ask, Closing, Flow

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient


class HandWrittenDecider:
    """Schedules one activity for each execution, and reads how the task was closed.

    Args:
        client: a boto3 client.
        domain: the domain, which is registered.
        types: the activities that are registered, with timeouts of a minute.
        heartbeat: their heartbeat timeout, in seconds.
    """

    def __init__(
        self, client: SWFClient, domain: str, types: Iterable[str], heartbeat: int = 60
    ) -> None:
        self._client = client
        self._domain = domain
        client.register_domain(name=domain, workflowExecutionRetentionPeriodInDays="1")
        client.register_workflow_type(domain=domain, name="flow", version="1")
        for name in types:
            client.register_activity_type(
                domain=domain,
                name=name,
                version="1",
                defaultTaskList={"name": domain},
                defaultTaskHeartbeatTimeout=str(heartbeat),
                defaultTaskScheduleToCloseTimeout="60",
                defaultTaskScheduleToStartTimeout="60",
                defaultTaskStartToCloseTimeout="60",
            )

    def closing(self, name: str, input: str, task_list: str | None = None) -> Closing:
        """Schedule an activity, and return how its task was closed."""
        more = () if task_list is None else (("taskList", {"name": task_list}),)
        (closing,) = Flow(self._client, self._domain, [Ask(name, input, more=more)]).wait()
        return closing

    def result(self, name: str, input: str, task_list: str | None = None) -> str | None:
        """Schedule an activity, which must complete, and return its result."""
        closing = self.closing(name, input, task_list)
        assert closing.kind == "Completed", closing
        return closing.result
