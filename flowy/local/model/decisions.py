"""What deciders decide, carried out.

What SWF does, and moto does not:

- RequestCancelActivityTask: "If the activity task was scheduled but has not been assigned
  to a worker, then it is canceled.  If [it] was already assigned to a worker, then the
  worker is informed that cancellation has been requested in the response to
  RecordActivityTaskHeartbeat" (API reference, Decision).  A task that is not open ends in
  RequestCancelActivityTaskFailed with ACTIVITY_ID_UNKNOWN.
- An execution does not close while there is news that its decider has not seen: the
  decision ends in CompleteWorkflowExecutionFailed, FailWorkflowExecutionFailed or
  CancelWorkflowExecutionFailed with the cause UNHANDLED_DECISION (API reference, Decision,
  "Decision Failure": "a signal or activity event had been added to the history while the
  decision task was being performed").  The next decision task brings the news.
- ActivityTaskScheduled shows all four timeouts and the priority in force, whoever set them.
- A task above 1,000 open ones is OPEN_ACTIVITIES_LIMIT_EXCEEDED, a timer above 1,000
  OPEN_TIMERS_LIMIT_EXCEEDED; too many a second are ACTIVITY_CREATION_RATE_EXCEEDED and
  TIMER_CREATION_RATE_EXCEEDED (developer guide, Amazon SWF Quotas).
- An activityId may be used again once its task is closed.
- ContinueAsNewWorkflowExecution "closes the workflow execution and starts a new workflow
  execution of the same type using the same workflowId"; what it does not say is the type's
  default, not what the old execution had (Decision, and its attributes).
- There is no Lambda here, which SWF has a cause for: ScheduleLambdaFunctionFailed with
  LAMBDA_SERVICE_NOT_AVAILABLE_IN_REGION.
"""

from __future__ import annotations

from typing import Any

from moto.core.utils import camelcase_to_underscores
from moto.swf.exceptions import SWFValidationException

from flowy.local.model.events import ACTIVITY_TIMEOUTS, LocalDecisionTask
from flowy.local.model.execution import LocalExecution

#: What can be decided here; the rest is refused before anything is done.
KNOWN_DECISIONS = frozenset(
    {
        "CancelTimer",
        "CancelWorkflowExecution",
        "CompleteWorkflowExecution",
        "ContinueAsNewWorkflowExecution",
        "FailWorkflowExecution",
        "RecordMarker",
        "RequestCancelActivityTask",
        "ScheduleActivityTask",
        "ScheduleLambdaFunction",
        "StartTimer",
    }
)

_CONTINUE = "ContinueAsNewWorkflowExecution"

#: What an execution that is continued as new is started with, from the decision or its type.
_CONTINUED_SETTINGS = (
    "executionStartToCloseTimeout",
    "taskStartToCloseTimeout",
    "taskList",
    "childPolicy",
)


class DecidedExecution(LocalExecution):
    """An execution that carries out what its decider decides."""

    def complete_decisions(
        self, task: LocalDecisionTask, decisions: list[dict[str, Any]], **values: Any
    ) -> None:
        """A decider has answered: all of its decisions are carried out, or none.

        Args:
            task: its decision task.
            decisions: as they were sent.
            values: what else DecisionTaskCompleted shows.

        Raises:
            JsonRESTError: SWF refuses one of them.
        """
        self.validate_decisions(decisions)
        if any(each["decisionType"] == _CONTINUE for each in decisions[:-1]):
            # moto's words for the other decisions that close.
            raise SWFValidationException("Close must be last decision in list")
        completed = self._add_event(
            "DecisionTaskCompleted",
            scheduled_event_id=task.scheduled_event_id,
            started_event_id=task.started_event_id,
            **values,
        )
        self.should_schedule_decision_next = False
        for decision in decisions:
            kind = decision["decisionType"]
            attributes = decision.get(f"{kind[0].lower()}{kind[1:]}DecisionAttributes", {})
            self._decided(kind, completed.event_id, attributes)
        if self.should_schedule_decision_next:
            self.schedule_decision_task()

    def _decided(self, kind: str, event_id: int, attributes: dict[str, Any]) -> None:
        if kind == "ScheduleActivityTask":
            self.schedule_activity_task(event_id, attributes)
        elif kind == "RequestCancelActivityTask":
            self.request_cancel_activity_task(event_id, attributes["activityId"])
        elif kind == "StartTimer":
            self.start_timer(event_id, attributes)
        elif kind == "CancelTimer":
            self.cancel_timer(event_id, attributes["timerId"])
        elif kind == "RecordMarker":
            self.record_marker(event_id, attributes)
        elif kind == "ScheduleLambdaFunction":
            self._refuse(
                "ScheduleLambdaFunctionFailed",
                "LAMBDA_SERVICE_NOT_AVAILABLE_IN_REGION",
                event_id,
                id=attributes["id"],
                name=attributes["name"],
            )
        elif kind == _CONTINUE:
            self._continue_as_new(event_id, attributes)
        elif kind == "CompleteWorkflowExecution":
            self._close(kind, "Completed", event_id, result=attributes.get("result"))
        elif kind == "CancelWorkflowExecution":
            self._close(kind, "Canceled", event_id, details=attributes.get("details"))
        else:
            reason, details = attributes.get("reason"), attributes.get("details")
            self._close(kind, "Failed", event_id, reason=reason, details=details)

    def _close(self, decision: str, how: str, event_id: int, **values: Any) -> None:
        if self.waiting is not None:
            self._refuse(f"{decision}Failed", "UNHANDLED_DECISION", event_id)
        else:
            self._add_event(
                f"WorkflowExecution{how}", decision_task_completed_event_id=event_id, **values
            )

    def _continue_as_new(self, event_id: int, attributes: dict[str, Any]) -> None:
        version = attributes.get("workflowTypeVersion", self.workflow_type.version)
        found: Any = self.domain.get_type(
            "workflow", self.workflow_type.name, version, ignore_empty=True
        )
        given = {**attributes, "taskList": attributes.get("taskList", {}).get("name")}
        settings: dict[str, Any] = {}
        if found:
            for name in _CONTINUED_SETTINGS:
                default = "task_list" if name == "taskList" else f"default_{_snake(name)}"
                settings[_snake(name)] = given.get(name) or getattr(found, default)
        cause = self._continue_problem(found, settings)
        if cause is not None:
            self._refuse(f"{_CONTINUE}Failed", cause, event_id)
            return
        settings["task_priority"] = attributes.get("taskPriority", found.default_task_priority)
        settings["tag_list"] = attributes.get("tagList")
        new = DecidedExecution(
            self.domain,
            found,
            self.workflow_id,
            workflow_input=attributes.get("input"),
            **settings,
        )
        self._add_event(
            "WorkflowExecutionContinuedAsNew",
            decision_task_completed_event_id=event_id,
            input=attributes.get("input"),
            new_execution_run_id=new.run_id,
            workflow_type=found,
            **settings,
        )
        self.domain.shared.journal.note("start", self.domain.name, new.run_id, self.workflow_id)
        new.start(self.run_id)

    def _continue_problem(self, found: Any, settings: dict[str, Any]) -> str | None:
        """SWF's name for why it can't be continued; None where it can."""
        if self.waiting is not None:
            return "UNHANDLED_DECISION"
        if not found:
            return "WORKFLOW_TYPE_DOES_NOT_EXIST"
        if found.status == "DEPRECATED":
            return "WORKFLOW_TYPE_DEPRECATED"
        missing = (name for name in settings if not settings[name])
        return next((f"DEFAULT_{name.upper()}_UNDEFINED" for name in missing), None)

    def _refuse(self, event_type: str, cause: str, event_id: int, **values: Any) -> None:
        self._add_event(
            event_type, cause=cause, decision_task_completed_event_id=event_id, **values
        )
        self.should_schedule_decision_next = True

    # -- activity tasks --

    def schedule_activity_task(self, event_id: int, attributes: dict[str, Any]) -> None:
        wanted = attributes["activityType"]
        found: Any = self.domain.get_type(
            "activity", wanted["name"], wanted["version"], ignore_empty=True
        )
        settings: dict[str, str | None] = {}
        if found:
            settings = {
                name: attributes.get(name, getattr(found, f"default_task_{_snake(name)}"))
                for name in ACTIVITY_TIMEOUTS
            }
            settings["taskList"] = attributes.get("taskList", {}).get("name") or found.task_list
        cause = self._schedule_problem(found, attributes["activityId"], settings)
        if cause is not None:
            self._refuse(
                "ScheduleActivityTaskFailed",
                cause,
                event_id,
                activity_id=attributes["activityId"],
                activity_type=wanted,
            )
            return
        self._add_event(
            "ActivityTaskScheduled",
            activity_id=attributes["activityId"],
            activity_type=wanted,
            control=attributes.get("control"),
            decision_task_completed_event_id=event_id,
            heartbeat_timeout=settings["heartbeatTimeout"],
            input=attributes.get("input"),
            schedule_to_close_timeout=settings["scheduleToCloseTimeout"],
            schedule_to_start_timeout=settings["scheduleToStartTimeout"],
            start_to_close_timeout=settings["startToCloseTimeout"],
            task_list=settings["taskList"],
            task_priority=attributes.get("taskPriority", found.default_task_priority),
        )

    def _schedule_problem(
        self, found: Any, activity_id: str, settings: dict[str, str | None]
    ) -> str | None:
        """SWF's name for why a task can't be scheduled; None where it can."""
        if not found:
            return "ACTIVITY_TYPE_DOES_NOT_EXIST"
        if found.status == "DEPRECATED":
            return "ACTIVITY_TYPE_DEPRECATED"
        if activity_id in self.activity_ids:
            return "ACTIVITY_ID_ALREADY_IN_USE"
        if len(self.activities) >= self.domain.shared.quotas.open_activity_tasks:
            return "OPEN_ACTIVITIES_LIMIT_EXCEEDED"
        for name in ("taskList", *ACTIVITY_TIMEOUTS):
            if not settings[name]:
                return f"DEFAULT_{_snake(name).upper()}_UNDEFINED"
        throttle, task_list = self.domain.shared.throttle, str(settings["taskList"])
        # Last, since whatever passes has taken its drop.
        if not throttle.admits("ScheduleActivityTask"):
            return "ACTIVITY_CREATION_RATE_EXCEEDED"
        if not throttle.admits_on(self.domain.name, task_list):
            return "ACTIVITY_CREATION_RATE_EXCEEDED"
        return None

    def request_cancel_activity_task(self, event_id: int, activity_id: str) -> None:
        """A decider wants an activity canceled."""
        scheduled_event_id = self.activity_ids.get(activity_id)
        if scheduled_event_id is None:
            self._refuse(
                "RequestCancelActivityTaskFailed",
                "ACTIVITY_ID_UNKNOWN",
                event_id,
                activity_id=activity_id,
            )
            return
        requested = self._add_event(
            "ActivityTaskCancelRequested",
            activity_id=activity_id,
            decision_task_completed_event_id=event_id,
        )
        task = self.activities[scheduled_event_id]
        if task.state == "SCHEDULED":
            # Nobody has it: nobody needs to be asked.
            self._add_event(
                "ActivityTaskCanceled",
                latest_cancel_requested_event_id=requested.event_id,
                scheduled_event_id=scheduled_event_id,
                started_event_id=0,
            )
            self.should_schedule_decision_next = True

    # -- timers --

    def start_timer(self, event_id: int, attributes: dict[str, Any]) -> None:
        timer_id = attributes["timerId"]
        cause = None
        if timer_id in self.timers:
            cause = "TIMER_ID_ALREADY_IN_USE"
        elif len(self.timers) >= self.domain.shared.quotas.open_timers:
            cause = "OPEN_TIMERS_LIMIT_EXCEEDED"
        elif not self.domain.shared.throttle.admits("StartTimer"):
            cause = "TIMER_CREATION_RATE_EXCEEDED"
        if cause is not None:
            self._refuse("StartTimerFailed", cause, event_id, timer_id=timer_id)
            return
        self._add_event(
            "TimerStarted",
            control=attributes.get("control"),
            decision_task_completed_event_id=event_id,
            start_to_fire_timeout=attributes["startToFireTimeout"],
            timer_id=timer_id,
        )

    def cancel_timer(self, event_id: int, timer_id: str) -> None:
        started = self.timers.get(timer_id)
        if started is None:
            self._refuse("CancelTimerFailed", "TIMER_ID_UNKNOWN", event_id, timer_id=timer_id)
            return
        self._add_event(
            "TimerCanceled",
            decision_task_completed_event_id=event_id,
            started_event_id=started.event_id,
            timer_id=timer_id,
        )


def _snake(name: str) -> str:
    snake: str = camelcase_to_underscores(name)
    return snake
