"""Answers polls with tasks, and accepts the answers to tasks.

What SWF does, according to its API reference, and moto does not:

- A heartbeat or an answer for a task that timed out or failed is UnknownResourceFault (moto: HTTP
  500).
- RecordActivityTaskHeartbeat: "If a cancellation is being attempted for the specified task, then
  the boolean cancelRequested flag returned by the service is set to true".
- RespondActivityTaskCanceled adds ActivityTaskCanceled with the id of the latest request. "Only use
  this operation if the canceled flag of a RecordActivityTaskHeartbeat request returns true": AWS
  does not document what happens without a request. Here the answer is a ValidationException, so
  that programs do not rely on it.
- A poll returns a task if there is one now; ``flowy.local.long_polls`` waits for one (moto sleeps
  for a second).
"""

from __future__ import annotations

from typing import Any

from moto.swf.exceptions import SWFUnknownResourceFault, SWFValidationException

from .decisions import DecidedExecution
from .events import LocalActivityTask, LocalDecisionTask
from .execution import LocalExecution
from .execution_store import ExecutionStore


class LocalBackend(ExecutionStore):
    """The whole state of one local SWF; call every method under ``lock``."""

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
        tasks = (execution.scheduled_decision for execution in executions)
        return sum(task is not None and task.task_list == task_list for task in tasks)

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
        self.journal.add("beat", run_id, task.scheduled_event_id, now, task.details)

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
        """Close an activity task as canceled, if a decider requested that."""
        task = self._find_activity_task_from_token(task_token)
        if task.cancel_requested_event_id is None:
            raise SWFValidationException(
                "Cannot cancel the activity task with scheduledEventId = "
                f"{task.scheduled_event_id}: its cancellation was not requested. Use "
                "RespondActivityTaskCanceled after RecordActivityTaskHeartbeat has returned "
                "cancelRequested."
            )
        task.workflow_execution.close_activity_task(
            task,
            "ActivityTaskCanceled",
            details=details,
            latest_cancel_requested_event_id=task.cancel_requested_event_id,
        )

    def cancel_requested(self, task_token: str) -> bool:
        """Return whether a decider has requested the cancellation of a token's task."""
        task = self._find_activity_task_from_token(task_token)
        return task.cancel_requested_event_id is not None

    def find_decision_task(self, task_token: str) -> LocalDecisionTask:
        """Return the decision task of a token.

        Raises:
            JsonRESTError: the text is not a token, or no decider is working on the task.
        """
        execution, scheduled_event_id = self._execution(task_token, "d")
        task = execution.started_decision
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
        """Return the open execution of a token, and the id of the event that scheduled its task."""
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
