"""The backend: what one local SWF knows, and what its actions do.

What SWF does, according to its API reference, and moto does not:

- A heartbeat or an answer for a task that timed out or failed is UnknownResourceFault
  (moto: HTTP 500).
- RecordActivityTaskHeartbeat: "If a cancellation is being attempted for the specified
  task, then the boolean cancelRequested flag returned by the service is set to true".
- RespondActivityTaskCanceled ends in ActivityTaskCanceled with the id of the latest
  request.  "Only use this operation if the canceled flag of a RecordActivityTaskHeartbeat
  request returns true": what comes of it without a request is documented nowhere, and
  here it is ValidationException, so that nobody comes to rely on it.
- RequestCancelWorkflowExecution "records a WorkflowExecutionCancelRequested event in the
  currently running workflow execution"; a closed one is UnknownResourceFault.
- A poll takes what is there now; who waits for what comes is the business of
  ``flowy.local.lines`` (moto: sleeps for a second).

Nothing here looks at executions that are closed, or at open ones that nothing happens to.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from moto.swf.exceptions import (
    SWFTypeDeprecatedFault,
    SWFUnknownResourceFault,
    SWFValidationException,
    SWFWorkflowExecutionAlreadyStartedFault,
)

from flowy.local.model.decisions import KNOWN_DECISIONS, DecidedExecution
from flowy.local.model.events import LocalActivityTask, LocalDecisionTask
from flowy.local.model.execution import LocalExecution
from flowy.local.model.registry import Registry


class LocalBackend(Registry):
    """All that one local SWF knows; call it with its ``lock`` held."""

    # -- time --

    def fire(self) -> float | None:
        """Fire what is due; returns when the next one is, in seconds since the epoch."""
        self._process_timeouts()
        self.journal.commit()
        return self.alarms.next()

    def turn_to(self, timestamp: float) -> None:
        """Go through all that is due until then, each at its own time."""
        while (due := self.alarms.next()) is not None and due <= timestamp:
            self.clock.advance_to(due)
            self._process_timeouts()
        self.clock.advance_to(timestamp)
        self.journal.note("clock", self.clock.ahead_seconds)
        self.fire()

    def _process_timeouts(self) -> None:
        while (execution := self.alarms.pop_due(self.clock.now())) is not None:
            execution._process_timeouts()
        for domain in self.own_domains():
            domain.forget()

    # -- executions --

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
        # An execution that has just timed out must not hold its workflowId.
        self._process_timeouts()
        domain = self.own_domain(domain_name)
        workflow_type: Any = domain.get_type("workflow", workflow_name, workflow_version)
        if workflow_type.status == "DEPRECATED":
            raise SWFTypeDeprecatedFault(workflow_type)
        if workflow_id in domain.open:
            raise SWFWorkflowExecutionAlreadyStartedFault
        execution = DecidedExecution(
            domain,
            workflow_type,
            workflow_id,
            tag_list=tag_list,
            workflow_input=workflow_input,
            task_priority=task_priority or workflow_type.default_task_priority,
            **kwargs,
        )
        self.journal.note("start", domain.name, execution.run_id, workflow_id)
        execution.start()
        return execution

    def request_cancel_workflow_execution(
        self, domain_name: str, workflow_id: str, run_id: str | None
    ) -> None:
        """Ask the decider of an open execution to cancel it."""
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
        """A domain's open executions in the order of their start, or its closed ones."""
        self._process_timeouts()
        domain = self.own_domain(domain_name)
        return domain.closed if closed else domain.open.values()

    # -- task lists --

    def poll_for_activity_task(
        self, domain_name: str, task_list: Any, identity: str | None = None
    ) -> LocalActivityTask | None:
        task: LocalActivityTask | None = self._poll("activity", domain_name, task_list, identity)
        return task

    def poll_for_decision_task(
        self, domain_name: str, task_list: Any, identity: str | None = None
    ) -> LocalDecisionTask | None:
        task: LocalDecisionTask | None = self._poll("decision", domain_name, task_list, identity)
        return task

    def _poll(self, kind: str, domain_name: str, task_list: str, identity: str | None) -> Any:
        self._process_timeouts()
        task = self.own_domain(domain_name).first(kind, task_list)
        if task is not None:
            task.workflow_execution.start_task(task, identity)
        return task

    def count_pending_activity_tasks(self, domain_name: str, task_list: Any) -> int:
        self._process_timeouts()
        return len(self.own_domain(domain_name).lists.get(("activity", task_list), ()))

    def count_pending_decision_tasks(self, domain_name: str, task_list: Any) -> int:
        self._process_timeouts()
        executions = self.own_domain(domain_name).open.values()
        waiting = (execution.waiting for execution in executions)
        return sum(task is not None and task.task_list == task_list for task in waiting)

    # -- answers --

    def respond_decision_task_completed(
        self,
        task_token: str,
        decisions: Any = None,
        execution_context: str | None = None,
        *,
        task_list: str | None = None,
        task_list_timeout: str | None = None,
    ) -> None:
        task = self.find_decision_task(task_token)
        for number, decision in enumerate(decisions or (), 1):
            if decision["decisionType"] not in KNOWN_DECISIONS:
                raise SWFValidationException(
                    f"The local SWF does not know the decision {decision['decisionType']} "
                    f"(decisions.{number}.member) yet."
                )
        execution = task.workflow_execution
        assert isinstance(execution, DecidedExecution)
        execution.complete_decisions(
            task,
            decisions or [],
            execution_context=execution_context,
            task_list=task_list,
            task_list_schedule_to_start_timeout=task_list_timeout,
        )

    def record_activity_task_heartbeat(self, task_token: str, details: Any = None) -> None:
        task = self._find_activity_task_from_token(task_token)
        task.workflow_execution.admit("RecordActivityTaskHeartbeat")
        now = self.clock.now()
        task.last_heartbeat_timestamp = now
        task.details = details or task.details
        run_id = task.workflow_execution.run_id
        self.journal.note("beat", run_id, task.scheduled_event_id, now, task.details)

    def respond_activity_task_completed(self, task_token: str, result: Any = None) -> None:
        task = self._find_activity_task_from_token(task_token)
        task.workflow_execution.close_activity_task(task, "ActivityTaskCompleted", result=result)

    def respond_activity_task_failed(
        self, task_token: str, reason: str | None = None, details: Any = None
    ) -> None:
        task = self._find_activity_task_from_token(task_token)
        task.workflow_execution.close_activity_task(
            task, "ActivityTaskFailed", reason=reason, details=details
        )

    def respond_activity_task_canceled(self, task_token: str, details: str | None) -> None:
        """A worker has canceled its activity, as it was asked to."""
        task = self._find_activity_task_from_token(task_token)
        if task.cancel_requested_event_id is None:
            raise SWFValidationException(
                "No cancellation was requested of the activity task with scheduledEventId = "
                f"{task.scheduled_event_id}; RespondActivityTaskCanceled is for after "
                "RecordActivityTaskHeartbeat has returned cancelRequested."
            )
        task.workflow_execution.close_activity_task(
            task,
            "ActivityTaskCanceled",
            details=details,
            latest_cancel_requested_event_id=task.cancel_requested_event_id,
        )

    def cancel_requested(self, task_token: str) -> bool:
        """Whether a decider wants the task of a token canceled."""
        task = self._find_activity_task_from_token(task_token)
        return task.cancel_requested_event_id is not None

    def find_decision_task(self, task_token: str) -> LocalDecisionTask:
        """The decision task of a token.

        Raises:
            JsonRESTError: its holder may no longer answer it.
        """
        execution, scheduled_event_id = self._execution(task_token, "d")
        task = execution.deciding
        if task is None or task.scheduled_event_id != scheduled_event_id:
            raise SWFUnknownResourceFault(f"decision task, scheduledEventId = {scheduled_event_id}")
        return task

    def _find_activity_task_from_token(self, task_token: str) -> LocalActivityTask:
        execution, scheduled_event_id = self._execution(task_token, "a")
        task = execution.activities.get(scheduled_event_id)
        if task is None or task.state != "STARTED":
            raise SWFUnknownResourceFault(f"activity, scheduledEventId = {scheduled_event_id}")
        return task

    def _execution(self, task_token: str, kind: str) -> tuple[LocalExecution, int]:
        """The open execution of a token, and the event that scheduled its task."""
        self._process_timeouts()
        read = self.shared.tokens.read(task_token, kind)
        if read is None:
            raise SWFValidationException("Invalid token")
        run_id, scheduled_event_id = read
        found = next((d.runs[run_id] for d in self.own_domains() if run_id in d.runs), None)
        if found is None:
            raise SWFUnknownResourceFault("execution", f"WorkflowExecution=[runId={run_id}]")
        if not found.open:
            raise SWFUnknownResourceFault(
                "execution",
                f"WorkflowExecution=[workflowId={found.workflow_id}, runId={found.run_id}]",
            )
        return found, scheduled_event_id
