"""Decisions about activity tasks: schedule one, request the cancellation of one.

What SWF does, and moto does not:

- ActivityTaskScheduled shows all four timeouts and the priority in force, whether the decision or
  the activity type sets them.
- Scheduling fails with OPEN_ACTIVITIES_LIMIT_EXCEEDED beyond 1,000 open activity tasks, and with
  ACTIVITY_CREATION_RATE_EXCEEDED beyond a rate (developer guide, Amazon SWF Quotas).
- An activityId may be used again when its task is closed.
- RequestCancelActivityTask: "If the activity task was scheduled but has not been assigned to a
  worker, then it is canceled. If [it] was already assigned to a worker, then the worker is informed
  that cancellation has been requested in the response to RecordActivityTaskHeartbeat" (API
  reference, Decision). If the task is not open, RequestCancelActivityTaskFailed has the cause
  ACTIVITY_ID_UNKNOWN.
"""

from __future__ import annotations

from typing import Any

from moto.core.utils import camelcase_to_underscores

from .events import ACTIVITY_TIMEOUTS
from .execution import LocalExecution


class ActivityDecisions(LocalExecution):
    """An execution that schedules and cancels activity tasks."""

    def schedule_activity_task(self, event_id: int, attributes: dict[str, Any]) -> None:
        wanted = attributes["activityType"]
        found: Any = self.domain.get_type(
            "activity", wanted["name"], wanted["version"], ignore_empty=True
        )
        settings: dict[str, Any] = {}
        if found:
            settings = {
                name: attributes.get(name, getattr(found, f"default_task_{_snake(name)}"))
                for name in ACTIVITY_TIMEOUTS
            }
            settings["taskList"] = attributes.get("taskList", {}).get("name") or found.task_list
        cause = self._schedule_problem(found, attributes["activityId"], settings)
        if cause is not None:
            self.decision_failed(
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
            input=attributes.get("input"),
            task_priority=attributes.get("taskPriority", found.default_task_priority),
            **{_snake(name): value for name, value in settings.items()},
        )

    def _schedule_problem(
        self, found: Any, activity_id: str, settings: dict[str, str | None]
    ) -> str | None:
        """Return SWF's name for the reason why a task cannot be scheduled; None if it can."""
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
        # The throttle comes last, because asking it counts the task.
        throttle, task_list = self.domain.shared.throttle, str(settings["taskList"])
        if not throttle.admits("ScheduleActivityTask"):
            return "ACTIVITY_CREATION_RATE_EXCEEDED"
        if not throttle.admits_on_task_list(self.domain.name, task_list):
            return "ACTIVITY_CREATION_RATE_EXCEEDED"
        return None

    def request_cancel_activity_task(self, event_id: int, activity_id: str) -> None:
        """Cancel an activity task that no worker has taken, or tell the worker that has it."""
        scheduled_event_id = self.activity_ids.get(activity_id)
        if scheduled_event_id is None:
            self.decision_failed(
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
        if self.activities[scheduled_event_id].state == "SCHEDULED":
            self._add_event(
                "ActivityTaskCanceled",
                latest_cancel_requested_event_id=requested.event_id,
                scheduled_event_id=scheduled_event_id,
                started_event_id=0,
            )
            self.should_schedule_decision_next = True


def _snake(name: str) -> str:
    snake: str = camelcase_to_underscores(name)
    return snake
