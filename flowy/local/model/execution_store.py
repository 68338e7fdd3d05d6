"""Starts, signals, cancels and lists executions, and fires their timeouts.

RequestCancelWorkflowExecution "records a WorkflowExecutionCancelRequested event in the currently
running workflow execution"; for a closed one it is UnknownResourceFault (API reference). moto does
not have this action.

No method iterates over closed executions, or over open ones that are not affected.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from moto.swf.exceptions import (
    SWFClientError,
    SWFTypeDeprecatedFault,
    SWFWorkflowExecutionAlreadyStartedFault,
)

from ..wire_faults import model_fault
from .decisions import DecidedExecution
from .execution import LocalExecution
from .registry import Registry


class ExecutionStore(Registry):
    """The executions of one local SWF; call every method under ``lock``."""

    def fire_timeouts(self) -> float | None:
        """Fire every timeout that is due.

        Returns:
            When the next timeout is due, in seconds since the epoch; None if none is running.
        """
        self._process_timeouts()
        self.journal.commit()
        return self.timeouts.next_time()

    def turn_to(self, timestamp: float) -> None:
        """Move the clock to a time, firing each timeout on the way at its own time."""
        while (due := self.timeouts.next_time()) is not None and due <= timestamp:
            self.clock.advance_to(due)
            self._process_timeouts(max(due, self.clock.now()))
        self.clock.advance_to(timestamp)
        self.journal.add("clock", self.clock.ahead_seconds)
        self.fire_timeouts()

    def _process_timeouts(self, now: float | None = None) -> None:
        # The time is read once. If the clock went back meanwhile, an execution could be due for the
        # queue but not for itself, and come back into the queue forever.
        now = self.clock.now() if now is None else now
        while (execution := self.timeouts.pop_due(now)) is not None:
            execution.fire_due(now)
        for domain in self.own_domains():
            domain.drop_expired()

    def start_workflow_execution(
        self,
        domain_name: str,
        workflow_id: str,
        workflow_name: str,
        workflow_version: str,
        tag_list: Any = None,
        workflow_input: str | None = None,
        task_priority: str | None = None,
        **kwargs: Any,
    ) -> LocalExecution:
        # An execution that is due to time out must not block its workflowId.
        self._process_timeouts()
        domain = self.own_domain(domain_name)
        workflow_type: Any = domain.get_type("workflow", workflow_name, workflow_version)
        if workflow_type.status == "DEPRECATED":
            raise SWFTypeDeprecatedFault(workflow_type)
        if workflow_id in domain.open:
            raise SWFWorkflowExecutionAlreadyStartedFault
        most = self.shared.quotas.open_executions
        if len(domain.open) >= most:
            raise SWFClientError(
                model_fault("LimitExceededFault"),
                f"A domain may have at most {most} open executions",
            )
        execution = DecidedExecution(
            domain,
            workflow_type,
            workflow_id,
            tag_list=tag_list,
            workflow_input=workflow_input,
            task_priority=task_priority or workflow_type.default_task_priority,
            **kwargs,
        )
        self.journal.add("start", domain.name, execution.run_id, workflow_id)
        execution.start()
        return execution

    def request_cancel_workflow_execution(
        self, domain_name: str, workflow_id: str, run_id: str | None
    ) -> None:
        """Request the cancellation of an open execution; its decider decides what to do."""
        self._process_timeouts()
        execution: LocalExecution = self.own_domain(domain_name).get_workflow_execution(
            workflow_id, run_id=run_id, raise_if_closed=True
        )
        execution.admit("RequestCancelWorkflowExecution")
        execution.request_cancel()

    def signal_workflow_execution(
        self,
        domain_name: str,
        signal_name: str,
        workflow_id: str,
        workflow_input: Any = None,
        run_id: str | None = None,
    ) -> None:
        self._process_timeouts()
        execution: LocalExecution = self.own_domain(domain_name).get_workflow_execution(
            workflow_id, run_id=run_id, raise_if_closed=True
        )
        execution.admit("SignalWorkflowExecution")
        execution.signal(signal_name, workflow_input)

    def executions(self, domain_name: str, *, closed: bool) -> Iterable[LocalExecution]:
        """Return a domain's open executions as they started, or its closed ones as they closed."""
        self._process_timeouts()
        domain = self.own_domain(domain_name)
        return domain.closed if closed else domain.open.values()
