"""The backend: what one local SWF knows, and what its actions do.

What SWF does, according to its API reference, and moto does not:

- A heartbeat or an answer for a task that timed out or failed is UnknownResourceFault
  (moto: HTTP 500).
- A poll takes what is there now; who waits for what comes is the business of
  ``flowy.local.lines`` (moto: sleeps for a second).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from moto.swf.exceptions import (
    SWFDomainAlreadyExistsFault,
    SWFTypeDeprecatedFault,
    SWFUnknownResourceFault,
    SWFValidationException,
)
from moto.swf.models import SWFBackend
from moto.swf.models.activity_task import ActivityTask
from moto.swf.models.decision_task import DecisionTask
from moto.swf.models.workflow_execution import WorkflowExecution

from flowy.local.lines import WaitingLines
from flowy.local.model.execution import LocalDomain, LocalExecution, is_open

_Task = TypeVar("_Task", ActivityTask, DecisionTask)

#: The account that ARNs name.
ACCOUNT_ID = "123456789012"

#: What moto's ``handle_decisions`` can do; it finds out about the rest half way through.
KNOWN_DECISIONS = frozenset(
    {
        "CancelTimer",
        "CancelWorkflowExecution",
        "CompleteWorkflowExecution",
        "FailWorkflowExecution",
        "RecordMarker",
        "ScheduleActivityTask",
        "StartTimer",
    }
)


class LocalBackend(SWFBackend):
    """All that one local SWF knows; call it with its ``lock`` held."""

    def __init__(self, region_name: str, account_id: str = ACCOUNT_ID) -> None:
        super().__init__(region_name, account_id)
        self.lock = threading.RLock()
        self.lines = WaitingLines(self.lock)

    def fire(self) -> float | None:
        """Fire what is due; returns when the next one is, in seconds since the epoch."""
        self._process_timeouts()
        timeouts = (execution.next_timeout() for execution in self._running())
        return min((timeout.timestamp for timeout in timeouts if timeout), default=None)

    def _running(self) -> Iterator[LocalExecution]:
        for domain in self._own_domains():
            domain.running = [execution for execution in domain.running if execution.open]
            yield from domain.running

    def _process_timeouts(self) -> None:
        for execution in self._running():
            execution._process_timeouts()

    def register_domain(
        self,
        name: str,
        workflow_execution_retention_period_in_days: Any,
        description: str | None = None,
        tags: Any = None,
    ) -> None:
        if any(domain.name == name for domain in self.domains):
            raise SWFDomainAlreadyExistsFault(name)
        domain = LocalDomain(
            name,
            workflow_execution_retention_period_in_days,
            self.account_id,
            self.region_name,
            description,
            lines=self.lines,
        )
        self.domains.append(domain)
        if tags:
            self.tagger.tag_resource(domain.to_short_dict()["arn"], tags)

    def start_workflow_execution(
        self,
        domain_name: str,
        workflow_id: str,
        workflow_name: str,
        workflow_version: str,
        tag_list: Any = None,
        workflow_input: str | None = None,
        **kwargs: Any,
    ) -> WorkflowExecution:
        # An execution that has just timed out must not hold its workflowId.
        self._process_timeouts()
        domain = self._get_domain(domain_name)
        workflow_type: Any = domain.get_type("workflow", workflow_name, workflow_version)
        if workflow_type.status == "DEPRECATED":
            raise SWFTypeDeprecatedFault(workflow_type)
        execution = LocalExecution(
            domain,
            workflow_type,
            workflow_id,
            tag_list=tag_list,
            workflow_input=workflow_input,
            **kwargs,
        )
        domain.add_workflow_execution(execution)
        execution.start()
        return execution

    def executions(self, domain_name: str) -> list[LocalExecution]:
        """All of a domain's executions, open and closed, in the order of their start."""
        self._process_timeouts()
        return self._own_domain(domain_name).executions

    # -- task lists --

    def poll_for_activity_task(
        self, domain_name: str, task_list: Any, identity: str | None = None
    ) -> ActivityTask | None:
        for task in self._activity_tasks(domain_name, task_list):
            if task.state == "SCHEDULED":
                task.workflow_execution.start_activity_task(task.task_token, identity=identity)
                return task
        return None

    def poll_for_decision_task(
        self, domain_name: str, task_list: Any, identity: str | None = None
    ) -> DecisionTask | None:
        tasks = self._decision_tasks(domain_name, task_list)
        # One decision task of an execution at a time.
        busy = [task.workflow_execution for task in tasks if task.started]
        for task in tasks:
            if not task.started and task.workflow_execution not in busy:
                task.workflow_execution.start_decision_task(task.task_token, identity=identity)
                return task
        return None

    def count_pending_activity_tasks(self, domain_name: str, task_list: Any) -> int:
        tasks = self._activity_tasks(domain_name, task_list)
        return sum(task.state == "SCHEDULED" for task in tasks)

    def count_pending_decision_tasks(self, domain_name: str, task_list: Any) -> int:
        tasks = self._decision_tasks(domain_name, task_list)
        return sum(not task.started for task in tasks)

    def _activity_tasks(self, domain_name: str, task_list: str) -> list[ActivityTask]:
        self._process_timeouts()
        return _keep_open(self._own_domain(domain_name).activity_tasks_by_list, task_list)

    def _decision_tasks(self, domain_name: str, task_list: str) -> list[DecisionTask]:
        self._process_timeouts()
        return _keep_open(self._own_domain(domain_name).decision_tasks_by_list, task_list)

    # -- answers --

    def respond_decision_task_completed(
        self, task_token: str, decisions: Any = None, execution_context: str | None = None
    ) -> None:
        self._process_timeouts()
        tasks = (domain.decision_tokens for domain in self._own_domains())
        task = _started(tasks, task_token, "decision task")
        for number, decision in enumerate(decisions or (), 1):
            # moto raises NotImplementedError, and that with half of the decisions made.
            if decision["decisionType"] not in KNOWN_DECISIONS:
                raise SWFValidationException(
                    f"The local SWF does not know the decision {decision['decisionType']} "
                    f"(decisions.{number}.member) yet."
                )
        task.workflow_execution.complete_decision_task(
            task_token, decisions=decisions, execution_context=execution_context
        )

    def _find_activity_task_from_token(self, task_token: str) -> ActivityTask:
        tasks = (domain.activity_tokens for domain in self._own_domains())
        return _started(tasks, task_token, "activity")

    def _own_domain(self, name: str) -> LocalDomain:
        domain = self._get_domain(name)
        assert isinstance(domain, LocalDomain)
        return domain

    def _own_domains(self) -> Iterator[LocalDomain]:
        for domain in self.domains:
            assert isinstance(domain, LocalDomain)
            yield domain


def _keep_open(lists: dict[str, list[_Task]], task_list: str) -> list[_Task]:
    """The open tasks of a task list, oldest first; the others are dropped from it."""
    tasks = lists.get(task_list, [])
    tasks[:] = [task for task in tasks if is_open(task) and task.workflow_execution.open]
    return tasks


def _started(tasks: Iterator[Mapping[str, _Task]], task_token: str, kind: str) -> _Task:
    """The task of a token, if its holder may still answer it."""
    task = next((by_token[task_token] for by_token in tasks if task_token in by_token), None)
    if task is None:
        raise SWFValidationException("Invalid token")
    execution = task.workflow_execution
    if not execution.open:
        raise SWFUnknownResourceFault(
            "execution",
            f"WorkflowExecution=[workflowId={execution.workflow_id}, runId={execution.run_id}]",
        )
    if task.state != "STARTED":
        raise SWFUnknownResourceFault(f"{kind}, scheduledEventId = {task.scheduled_event_id}")
    return task
