"""SWF's actions about executions: start, list, describe, cancel, terminate, read the history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...invocation import cut_end, sendable
from ..limits import MAX_DETAILS_CHARS, MAX_REASON_CHARS
from ..values import ExecutionDescription, ExecutionInfo
from .caller import ANSWER_DEADLINE_SECONDS, SWFCaller, present
from .deadlines import SHORTEST_DEADLINE_SECONDS


class ExecutionCalls(SWFCaller):
    """One method for each action about executions."""

    def start_workflow_execution(self, **parameters: Any) -> str:
        """Start an execution with SWF's own *parameters* and return its run id."""
        return str(self._call(self._answers, "start_workflow_execution", **parameters)["runId"])

    def list_open_workflow_executions(self, **parameters: Any) -> Iterator[ExecutionInfo]:
        """Yield the open executions that fit SWF's own *parameters*, the latest first."""
        for info in self._listed("list_open_workflow_executions", "executionInfos", **parameters):
            yield ExecutionInfo.from_info(info)

    def list_closed_workflow_executions(self, **parameters: Any) -> Iterator[ExecutionInfo]:
        """Yield the closed executions that fit SWF's own *parameters*, the latest first.

        They are ordered by the time, of start or of close, by which the parameters filter.
        """
        for info in self._listed("list_closed_workflow_executions", "executionInfos", **parameters):
            yield ExecutionInfo.from_info(info)

    def describe_workflow_execution(
        self, domain: str, workflow_id: str, run_id: str
    ) -> ExecutionDescription:
        """Return the description of one run, open or closed."""
        return ExecutionDescription.from_answer(
            self._call(
                self._answers,
                "describe_workflow_execution",
                domain=domain,
                execution={"workflowId": workflow_id, "runId": run_id},
            )
        )

    def get_workflow_execution_history(
        self, domain: str, workflow_id: str, run_id: str
    ) -> list[dict[str, Any]]:
        """Return all events of an execution, oldest first."""
        return list(
            self._listed(
                "get_workflow_execution_history",
                "events",
                domain=domain,
                execution={"workflowId": workflow_id, "runId": run_id},
            )
        )

    def newest_events(
        self,
        domain: str,
        workflow_id: str,
        run_id: str,
        *,
        deadline_seconds: float = ANSWER_DEADLINE_SECONDS,
    ) -> Iterator[dict[str, Any]]:
        """Yield the events of an execution, newest first; each page is requested when needed.

        Args:
            domain, workflow_id, run_id: which run.
            deadline_seconds: the overall deadline of each page; 5 is used if it is less.
        """
        return self._listed(
            "get_workflow_execution_history",
            "events",
            deadline_seconds=max(SHORTEST_DEADLINE_SECONDS, deadline_seconds),
            domain=domain,
            execution={"workflowId": workflow_id, "runId": run_id},
            reverseOrder=True,
        )

    def request_cancel_workflow_execution(
        self, domain: str, workflow_id: str, run_id: str | None
    ) -> None:
        """Request the cancellation of the open execution with this id; its decider is told."""
        self._call(
            self._answers,
            "request_cancel_workflow_execution",
            domain=domain,
            workflowId=workflow_id,
            **present(runId=run_id),
        )

    def terminate_workflow_execution(
        self,
        domain: str,
        workflow_id: str,
        reason: str,
        *,
        run_id: str | None = None,
        details: str | None = None,
        child_policy: str | None = None,
    ) -> None:
        """Close the open execution with this id from outside.

        Args:
            domain: the domain.
            workflow_id: the id.
            reason: why, for the history; cut to 256 characters.
            run_id: only this run; None for the open one.
            details: more for the history, cut to 32,768 characters, or None.
            child_policy: what happens to its children: ``TERMINATE``, ``REQUEST_CANCEL`` or
                ``ABANDON``; None for the policy with which it was started.
        """
        if details is not None:
            details = cut_end(sendable(details), MAX_DETAILS_CHARS)
        self._call(
            self._answers,
            "terminate_workflow_execution",
            domain=domain,
            workflowId=workflow_id,
            reason=cut_end(sendable(reason), MAX_REASON_CHARS),
            **present(runId=run_id, details=details, childPolicy=child_policy),
        )
