"""The actions of deciders and workers: polls, heartbeats and answers.

What SWF does, according to its API reference, and moto does not:

- PollForDecisionTask returns the history in pages. If the request has
  ``startAtPreviousStartedEvent``, it "returns the events ... of the most recent
  DecisionTaskStarted event" on.
- RespondDecisionTaskCompleted may name a task list for later decision tasks.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

from .events import LocalDecisionTask
from .request import LocalRequest, event_items

_Task = TypeVar("_Task")

#: The answers to empty polls, as SWF sends them: without the key ``taskToken``. The API
#: reference says "the value of taskToken is an empty string", which is what typed clients show.
_NO_ACTIVITY_TASK = {"startedEventId": 0}
_NO_DECISION_TASK = {"previousStartedEventId": 0, "startedEventId": 0}


class TaskActions(LocalRequest):
    """Requests of deciders and workers."""

    def poll_for_activity_task(self) -> str:
        task = self._hold("activity", self._backend.poll_for_activity_task)
        return json.dumps(task.to_full_dict() if task else _NO_ACTIVITY_TASK)

    def poll_for_decision_task(self) -> str:
        if "nextPageToken" in self._parameters:
            page, _, token = self._parameters["nextPageToken"].partition("-")
            return self._decision_task(self._backend.find_decision_task(token), page)
        task = self._hold("decision", self._backend.poll_for_decision_task)
        return self._decision_task(task, None) if task else json.dumps(_NO_DECISION_TASK)

    def _decision_task(self, task: LocalDecisionTask, page: str | None) -> str:
        # Events after the start of this task belong to the next one.
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
        return self._page(
            "events",
            event_items(events),
            {**self._parameters, "nextPageToken": page},
            suffix=task.task_token,
            answer=answer,
        )

    def _hold(self, kind: str, poll: Callable[..., _Task | None]) -> _Task | None:
        domain, task_list = self._parameters["domain"], self._parameters["taskList"]["name"]
        identity = self._parameters.get("identity")
        # An unknown domain is refused at once, even if the poll would otherwise wait.
        self._backend.own_domain(domain)
        return self._backend.polls.wait(
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
