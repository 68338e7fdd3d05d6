"""moto's translation of requests into calls, completed.

What SWF does, according to its API reference, and moto does not:

- Lists come in pages (``maximumPageSize``, ``nextPageToken``): of domains, types,
  executions, of histories, and of the history that a decision task brings.
- PollForDecisionTask "returns the events ... of the most recent DecisionTaskStarted event"
  on, where ``startAtPreviousStartedEvent`` asks for it.
- An empty poll has an empty taskToken.
- Tasks have a priority: their own, or their type's.
- RespondDecisionTaskCompleted may name a task list for the decision tasks to come.
- A signal need not have an input (moto: HTTP 500).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from moto.core.utils import camelcase_to_underscores
from moto.swf.responses import SWFResponse

from flowy.local.model.backend import LocalBackend
from flowy.local.model.events import LocalDecisionTask
from flowy.local.model.execution import LocalExecution
from flowy.local.model.listing import page, select

_Task = TypeVar("_Task")

#: "An empty result, in this context, means that [a task] is returned, but that the value
#: of taskToken is an empty string" (API reference).
_NO_ACTIVITY_TASK = {"taskToken": "", "startedEventId": 0}
_NO_DECISION_TASK = {"taskToken": "", "startedEventId": 0, "previousStartedEventId": 0}

#: What an activity type is registered with, but for its name, version and task list.
_ACTIVITY_SETTINGS = (
    "description",
    "defaultTaskHeartbeatTimeout",
    "defaultTaskPriority",
    "defaultTaskScheduleToCloseTimeout",
    "defaultTaskScheduleToStartTimeout",
    "defaultTaskStartToCloseTimeout",
)


class LocalResponse(SWFResponse):
    """One request to one backend of ours.

    Args:
        backend: what carries it out.
        parameters: the request's, checked.
        poll_seconds: how long a poll is held.
        gone: whether the client has hung up.
    """

    def __init__(
        self,
        backend: LocalBackend,
        parameters: dict[str, Any],
        *,
        poll_seconds: float,
        gone: Callable[[], bool],
    ) -> None:
        super().__init__()
        self._backend = backend
        self._parameters = parameters
        self._poll_seconds = poll_seconds
        self._gone = gone

    @property
    def swf_backend(self) -> LocalBackend:
        return self._backend

    @property
    def _params(self) -> dict[str, Any]:
        return self._parameters

    # -- tasks --

    def poll_for_activity_task(self) -> str:
        task = self._hold("activity", self._backend.poll_for_activity_task)
        return json.dumps(task.to_full_dict() if task else _NO_ACTIVITY_TASK)

    def poll_for_decision_task(self) -> str:
        if "nextPageToken" in self._parameters:
            first, _, token = self._parameters["nextPageToken"].partition("-")
            return self._decision_task(self._backend.find_decision_task(token), first)
        task = self._hold("decision", self._backend.poll_for_decision_task)
        return self._decision_task(task, "0") if task else json.dumps(_NO_DECISION_TASK)

    def _decision_task(self, task: LocalDecisionTask, first: str) -> str:
        # What happened since it was handed out is for the next one.
        events = task.workflow_execution.local_events[: task.started_event_id]
        previous = task.previous_started_event_id or 0
        if self._parameters.get("startAtPreviousStartedEvent") and previous:
            events = events[previous - 1 :]
        answer = {
            "taskToken": task.task_token,
            "startedEventId": task.started_event_id,
            "previousStartedEventId": previous,
            "workflowExecution": task.workflow_execution.to_short_dict(),
            "workflowType": task.workflow_type.to_short_dict(),
        }
        parameters = {**self._parameters, "nextPageToken": first}
        return self._page(
            "events", _ordered(events, parameters), parameters, task.task_token, answer
        )

    def _hold(self, kind: str, poll: Callable[..., _Task | None]) -> _Task | None:
        domain, task_list = self._parameters["domain"], self._parameters["taskList"]["name"]
        identity = self._parameters.get("identity")
        # A domain that is not there is refused at once, however many wait.
        self._backend.own_domain(domain)
        return self._backend.lines.wait(
            (kind, domain, task_list),
            lambda: poll(domain, task_list, identity=identity),
            seconds=self._poll_seconds,
            gone=self._gone,
            identity=identity,
        )

    def record_activity_task_heartbeat(self) -> str:
        super().record_activity_task_heartbeat()
        requested = self._backend.cancel_requested(self._parameters["taskToken"])
        return json.dumps({"cancelRequested": requested})

    def respond_activity_task_canceled(self) -> str:
        """A worker's answer to a request to cancel."""
        self._backend.respond_activity_task_canceled(
            self._parameters["taskToken"], self._parameters.get("details")
        )
        return ""

    def respond_decision_task_completed(self) -> str:
        parameters = self._parameters
        self._backend.respond_decision_task_completed(
            parameters["taskToken"],
            decisions=parameters.get("decisions"),
            execution_context=parameters.get("executionContext"),
            task_list=parameters.get("taskList", {}).get("name"),
            task_list_timeout=parameters.get("taskListScheduleToStartTimeout"),
        )
        return ""

    def request_cancel_workflow_execution(self) -> str:
        """Somebody wants an execution canceled."""
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

    # -- executions, types and tags --

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

    def register_activity_type(self) -> str:
        parameters = self._parameters
        settings = {
            camelcase_to_underscores(key): parameters.get(key) for key in _ACTIVITY_SETTINGS
        }
        self._backend.register_type(
            "activity",
            parameters["domain"],
            parameters["name"],
            parameters["version"],
            task_list=parameters.get("defaultTaskList", {}).get("name"),
            **settings,
        )
        return ""

    def delete_activity_type(self) -> str:
        """A type of activity goes."""
        return self._delete_type("activity")

    def delete_workflow_type(self) -> str:
        """A type of workflow goes."""
        return self._delete_type("workflow")

    def _delete_type(self, kind: str) -> str:
        wanted = self._parameters[f"{kind}Type"]
        self._backend.delete_type(
            kind, self._parameters["domain"], wanted["name"], wanted["version"]
        )
        return ""

    def list_tags_for_resource(self) -> str:
        tags = self._backend.tags(self._parameters["resourceArn"])
        return json.dumps({"tags": [{"key": key, "value": tags[key]} for key in tags]})

    def tag_resource(self) -> str:
        tags = {each["key"]: each.get("value", "") for each in self._parameters["tags"]}
        self._backend.tag_resource(self._parameters["resourceArn"], tags)
        return ""

    def untag_resource(self) -> str:
        self._backend.untag_resource(self._parameters["resourceArn"], self._parameters["tagKeys"])
        return ""

    def register_domain(self) -> str:
        parameters = self._parameters
        tags = parameters.get("tags", [])
        self._backend.register_domain(
            parameters["name"],
            parameters["workflowExecutionRetentionPeriodInDays"],
            parameters.get("description"),
            [{"Key": each["key"], "Value": each.get("value", "")} for each in tags],
        )
        return ""

    # -- lists --

    def get_workflow_execution_history(self) -> str:
        wanted = self._parameters["execution"]
        found: Any = self._backend.describe_workflow_execution(
            self._parameters["domain"], wanted["runId"], wanted["workflowId"]
        )
        found.admit("GetWorkflowExecutionHistory")
        return self._page("events", _ordered(found.local_events, self._parameters))

    def list_domains(self) -> str:
        status, reverse = self._parameters["registrationStatus"], self._reverse
        found = self._backend.list_domains(status, reverse_order=reverse)
        return self._page("domainInfos", [each.to_short_dict for each in found])

    def _list_types(self, kind: str) -> str:
        parameters = self._parameters
        found = self._backend.list_types(
            kind, parameters["domain"], parameters["registrationStatus"], self._reverse
        )
        wanted = parameters.get("name")
        return self._page(
            "typeInfos", [each.to_medium_dict for each in found if wanted in (None, each.name)]
        )

    def list_open_workflow_executions(self) -> str:
        return self._list_executions(closed=False)

    def list_closed_workflow_executions(self) -> str:
        return self._list_executions(closed=True)

    def count_open_workflow_executions(self) -> str:
        return json.dumps({"count": len(self._executions(closed=False)), "truncated": False})

    def count_closed_workflow_executions(self) -> str:
        return json.dumps({"count": len(self._executions(closed=True)), "truncated": False})

    def _list_executions(self, *, closed: bool) -> str:
        found = self._executions(closed=closed)
        return self._page("executionInfos", [each.to_list_dict for each in found])

    def _executions(self, *, closed: bool) -> list[LocalExecution]:
        executions = self._backend.executions(self._parameters["domain"], closed=closed)
        return select(executions, self._parameters)

    @property
    def _reverse(self) -> bool:
        return bool(self._parameters.get("reverseOrder"))

    def _page(
        self,
        name: str,
        items: list[Callable[[], dict[str, Any]]],
        parameters: dict[str, Any] | None = None,
        suffix: str = "",
        answer: dict[str, Any] | None = None,
    ) -> str:
        found, token = page(items, self._parameters if parameters is None else parameters)
        answer = {**(answer or {}), name: [item() for item in found]}
        if token is not None:
            answer["nextPageToken"] = f"{token}-{suffix}" if suffix else token
        return json.dumps(answer)


def _ordered(events: Iterable[Any], parameters: dict[str, Any]) -> list[Callable[[], Any]]:
    found = [event.to_dict for event in events]
    return found[::-1] if parameters.get("reverseOrder") else found
