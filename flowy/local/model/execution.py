"""Domains and executions: their tasks, their clocks, their timers.

What SWF does, according to its API reference, and moto does not:

- Each timeout of an activity runs by its own clock: schedule-to-start and -close from
  the ActivityTaskScheduled event, start-to-close from ActivityTaskStarted, heartbeat
  from the last one. ``NONE`` means no timeout, for decision tasks too.
- Timers are clocks like the others (moto: a thread each, outside of any lock).
- An execution has one decision task that waits, however much has happened.
- An activityId may be used again once its task is closed.

Closed tasks and executions are not looked at again, so that the cost of a call grows
with what is open, not with all that ever was.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.core.utils import unix_time
from moto.swf.models.activity_task import ActivityTask
from moto.swf.models.decision_task import DecisionTask
from moto.swf.models.domain import Domain
from moto.swf.models.history_event import HistoryEvent
from moto.swf.models.timeout import Timeout
from moto.swf.models.workflow_execution import WorkflowExecution

from flowy.local.lines import WaitingLines

_NEVER = float("inf")


class Clock(Timeout):
    """A timeout that runs.

    Args:
        obj: what times out.
        start: since when it runs, in seconds since the epoch.
        after: SWF's text for how long, in seconds; ``NONE`` never ends.
        kind: SWF's name of the timeout.
    """

    def __new__(cls, *args: Any) -> Clock:
        # moto's models are kept for ever in a list; clocks are made at every call.
        return object.__new__(cls)

    def __init__(self, obj: object, start: float, after: str, kind: str) -> None:
        super().__init__(obj, _NEVER if after == "NONE" else start + int(after), kind)


class LocalDomain(Domain):
    """A domain that tells the waiting pollers when a task comes."""

    def __init__(self, *args: Any, lines: WaitingLines) -> None:
        super().__init__(*args)
        self.lines = lines
        self.executions: list[LocalExecution] = []
        #: The executions that are open, and some that have just closed.
        self.running: list[LocalExecution] = []
        #: The tasks of each task list that are open, and some that have just closed.
        self.activity_tasks_by_list: dict[str, list[ActivityTask]] = {}
        self.decision_tasks_by_list: dict[str, list[DecisionTask]] = {}
        #: Every task ever, by its token.
        self.activity_tokens: dict[str, ActivityTask] = {}
        self.decision_tokens: dict[str, DecisionTask] = {}

    def add_workflow_execution(self, workflow_execution: WorkflowExecution) -> None:
        super().add_workflow_execution(workflow_execution)
        self.executions.append(_own(workflow_execution))
        self.running.append(_own(workflow_execution))

    def add_to_activity_task_list(self, task_list: Any, obj: ActivityTask) -> None:
        self.activity_tasks_by_list.setdefault(task_list, []).append(obj)
        _own(obj.workflow_execution).activities.append(obj)
        self.activity_tokens[obj.task_token] = obj
        self.lines.wake(("activity", self.name, task_list))

    def add_to_decision_task_list(self, task_list: str, obj: DecisionTask) -> None:
        self.decision_tasks_by_list.setdefault(task_list, []).append(obj)
        _own(obj.workflow_execution).decisions.append(obj)
        self.decision_tokens[obj.task_token] = obj
        self.lines.wake(("decision", self.name, task_list))


class LocalExecution(WorkflowExecution):
    """An execution that keeps its own tasks, and all of its clocks."""

    domain: LocalDomain

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.activities: list[ActivityTask] = []
        self.decisions: list[DecisionTask] = []
        #: The TimerStarted events of the timers that run, by timerId.
        self.timers: dict[str, HistoryEvent] = {}
        super().__init__(*args, **kwargs)

    @property
    def activity_tasks(self) -> list[ActivityTask]:
        """Those that are open."""
        self.activities = [task for task in self.activities if task.open]
        return self.activities

    @property
    def decision_tasks(self) -> list[DecisionTask]:
        """Those that are open."""
        self.decisions = [task for task in self.decisions if is_open(task)]
        return self.decisions

    def to_medium_dict(self) -> dict[str, Any]:
        # By moto, every execution started on the 1st of January 2015.
        return {**super().to_medium_dict(), "startTimestamp": self.start_timestamp}

    def _schedule_decision_task(self) -> None:
        if not any(task.state == "SCHEDULED" for task in self.decision_tasks):
            super()._schedule_decision_task()

    def complete_decision_task(self, *args: Any, **kwargs: Any) -> None:
        super().complete_decision_task(*args, **kwargs)
        # A decision task that came meanwhile may go out now.
        self.domain.lines.wake(("decision", self.domain.name, self.task_list))

    def terminate(self, *args: Any, **kwargs: Any) -> None:
        super().terminate(*args, **kwargs)
        self.close_timestamp = unix_time()

    # -- clocks --

    def clocks(self) -> Iterator[Clock]:
        """Every timeout that runs, in no order; a timer is a ``FIRE`` of its event."""
        if not self.open or self.start_timestamp is None:
            return
        yield Clock(
            self, self.start_timestamp, self.execution_start_to_close_timeout, "START_TO_CLOSE"
        )
        for decision in self.decision_tasks:
            if decision.started_timestamp is not None:
                yield Clock(
                    decision,
                    decision.started_timestamp,
                    decision.start_to_close_timeout,
                    "START_TO_CLOSE",
                )
        for task in self.activity_tasks:
            yield from self._activity_clocks(task)
        for event in self.timers.values():
            after = event.event_attributes["startToFireTimeout"]
            yield Clock(event, event.event_timestamp, after, "FIRE")

    def _activity_clocks(self, task: ActivityTask) -> Iterator[Clock]:
        scheduled = self._events[task.scheduled_event_id - 1].event_timestamp
        after = task.timeouts
        yield Clock(task, scheduled, after["scheduleToCloseTimeout"], "SCHEDULE_TO_CLOSE")
        if task.started_event_id is None:
            yield Clock(task, scheduled, after["scheduleToStartTimeout"], "SCHEDULE_TO_START")
        else:
            started = self._events[task.started_event_id - 1].event_timestamp
            beat = max(started, task.last_heartbeat_timestamp)
            yield Clock(task, started, after["startToCloseTimeout"], "START_TO_CLOSE")
            yield Clock(task, beat, after["heartbeatTimeout"], "HEARTBEAT")

    def next_timeout(self) -> Clock | None:
        """The earliest timeout that runs; None where none does."""
        clocks = (clock for clock in self.clocks() if clock.timestamp != _NEVER)
        return min(clocks, key=lambda clock: clock.timestamp, default=None)

    def _process_timeouts(self) -> None:
        # One at a time, the earliest first: each may close what the next one is about.
        while (due := self.next_timeout()) is not None and due.reached:
            if isinstance(due.obj, HistoryEvent):
                self._fire_started_timer(due)
            elif isinstance(due.obj, DecisionTask):
                self.timeout_decision_task(due)
                self.open_counts["openDecisionTasks"] -= 1
                self.schedule_decision_task()
                self.domain.lines.wake(("decision", self.domain.name, self.task_list))
            elif isinstance(due.obj, ActivityTask):
                self.timeout_activity_task(due)
                self.open_counts["openActivityTasks"] -= 1
                self.schedule_decision_task()
            else:
                self.timeout(due)
                self.close_timestamp = due.timestamp

    # -- timers --

    def start_timer(self, event_id: int, attributes: dict[str, Any]) -> None:
        timer_id = attributes["timerId"]
        if timer_id in self.timers:
            self._add_event(
                "StartTimerFailed",
                cause="TIMER_ID_ALREADY_IN_USE",
                decision_task_completed_event_id=event_id,
                timer_id=timer_id,
            )
            self.should_schedule_decision_next = True
            return
        self.timers[timer_id] = self._add_event(
            "TimerStarted",
            control=attributes.get("control"),
            decision_task_completed_event_id=event_id,
            start_to_fire_timeout=attributes["startToFireTimeout"],
            timer_id=timer_id,
        )

    def cancel_timer(self, event_id: int, timer_id: str) -> None:
        started = self.timers.pop(timer_id, None)
        if started is None:
            self._add_event(
                "CancelTimerFailed",
                cause="TIMER_ID_UNKNOWN",
                decision_task_completed_event_id=event_id,
                timer_id=timer_id,
            )
            self.should_schedule_decision_next = True
            return
        event = self._add_event(
            "TimerCancelled",
            decision_task_completed_event_id=event_id,
            started_event_id=started.event_id,
            timer_id=timer_id,
        )
        event.event_type = "TimerCanceled"  # as SWF spells it

    def _fire_started_timer(self, due: Clock) -> None:
        timer_id = due.obj.event_attributes["timerId"]
        del self.timers[timer_id]
        self._add_event(
            "TimerFired",
            event_timestamp=due.timestamp,
            started_event_id=due.obj.event_id,
            timer_id=timer_id,
        )
        self.schedule_decision_task()


def is_open(task: ActivityTask | DecisionTask) -> bool:
    """Whether a task waits for its poller or for its answer."""
    return task.state in ("SCHEDULED", "STARTED")


def _own(execution: WorkflowExecution) -> LocalExecution:
    assert isinstance(execution, LocalExecution)
    return execution
